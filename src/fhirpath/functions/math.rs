//! Numbers (FHIRPath N1 section 5.7) and the time of the evaluation (section 5.9).

use super::super::boundary;
use super::super::decimal::Decimal;
use super::super::equality::number;
use super::super::error;
use super::super::evaluate::{Engine, Result, wrong};
use super::super::function::Function;
use super::super::item::{Item, Items};
use super::super::operators::integer;
use super::super::quantity::Quantity;
use super::super::temporal::{Precision, Temporal, TemporalKind};
use super::{Calling, boolean};

/// More digits are not asked of `round`.
const ROUND_DIGITS_MAX: i64 = 28;

impl<'a> Engine<'a, '_> {
    pub(super) fn of_number(&mut self, calling: Calling<'_, 'a>, items: &[Item<'a>]) -> Result<Items<'a>> {
        let Some(item) = self.single(items, calling.name(), calling.at)? else { return Ok(Vec::new()) };
        let item = match item.system() {
            Some(item) => item,
            None if item.node().is_some_and(|node| node.kind.primitive.is_some()) => return Ok(Vec::new()),
            None => return Err(calling.refused()),
        };
        let value = match (&item, number(&item)) {
            (_, Some(value)) => value,
            (Item::Quantity(quantity), None) if calling.function() == Function::Abs => {
                let value = Quantity { value: quantity.value.absolute(), unit: quantity.unit.clone() };
                return Ok(vec![Item::Quantity(Box::new(value))]);
            }
            _ => return Err(calling.refused()),
        };
        let is_integer = matches!(item, Item::Integer(_));
        let whole = |value: Option<Decimal>| value.and_then(Decimal::integer).and_then(integer);
        let binary = |value: f64| Decimal::from_f64(value).map(Item::Decimal);
        let found = match calling.function() {
            Function::Abs if is_integer => whole(Some(value.absolute())),
            Function::Abs => Some(Item::Decimal(value.absolute())),
            Function::Ceiling => whole(value.ceiling()),
            Function::Floor => whole(value.floor()),
            Function::Truncate => whole(value.truncated(0)),
            Function::Exp => binary(value.to_f64().exp()),
            Function::Ln => binary(value.to_f64().ln()),
            Function::Sqrt => binary(value.to_f64().sqrt()),
            Function::Round => {
                let digits = match calling.call.arguments.is_empty() {
                    true => Some(0),
                    false => self.integer_argument(calling, 0)?,
                };
                let Some(digits) = digits else { return Ok(Vec::new()) };
                if !(0..=ROUND_DIGITS_MAX).contains(&digits) {
                    return Err(calling.refused());
                }
                // Fewer digits than asked for are left as they are.
                if i64::from(value.scale()) <= digits { Some(value) } else { value.rounded(digits as u8) }
                    .map(Item::Decimal)
            }
            _ => {
                let other = self.argument(calling, 0)?;
                let Some(other) = self.single(&other, calling.name(), calling.at)?.and_then(Item::system) else {
                    return Ok(Vec::new());
                };
                let exponent = number(&other).ok_or_else(|| calling.refused())?;
                match calling.function() {
                    // There is no logarithm to the base 0, which f64 takes for one.
                    Function::Log if exponent.to_f64() <= 0.0 => None,
                    Function::Log => binary(value.to_f64().ln() / exponent.to_f64().ln()),
                    _ => power(value, exponent, is_integer && matches!(other, Item::Integer(_))),
                }
            }
        };
        Ok(found.into_iter().collect())
    }

    pub(super) fn of_precision(&mut self, calling: Calling<'_, 'a>, items: &[Item<'a>]) -> Result<Items<'a>> {
        let Some(item) = self.single(items, calling.name(), calling.at)? else { return Ok(Vec::new()) };
        let Some(item) = item.system() else { return Ok(Vec::new()) };
        match calling.function() {
            Function::Precision => {
                let digits = match &item {
                    Item::Temporal(value) => value.digits(),
                    Item::Decimal(value) => value.scale().into(),
                    Item::Integer(_) => 0,
                    _ => return Err(calling.refused()),
                };
                Ok(vec![Item::Integer(digits)])
            }
            Function::Comparable => {
                let other = self.argument(calling, 0)?;
                let other = self.single(&other, calling.name(), calling.at)?.and_then(Item::system);
                match (item, other) {
                    (Item::Quantity(one), Some(Item::Quantity(other))) => {
                        Ok(boolean(one.converted(&other, false, self.context).is_some()))
                    }
                    (_, None) => Ok(Vec::new()),
                    _ => Err(calling.refused()),
                }
            }
            wanted => {
                let digits = match calling.call.arguments.is_empty() {
                    true => None,
                    false => match self.integer_argument(calling, 0)? {
                        None => return Ok(Vec::new()),
                        digits => digits,
                    },
                };
                let is_low = wanted == Function::LowBoundary;
                let found = boundary::boundary(&item, digits, is_low).ok_or_else(|| calling.refused())?;
                Ok(found.into_iter().collect())
            }
        }
    }

    /// `now()`, `today()`, `timeOfDay()`: the same throughout an evaluation.
    pub(super) fn of_time(&mut self, calling: Calling<'_, 'a>) -> Result<Items<'a>> {
        let now = self.context.now().and_then(|(milliseconds, zone)| Temporal::of_milliseconds(milliseconds, zone));
        let now = now.ok_or_else(|| wrong(calling.at, &error::UNANSWERED, calling.name()))?;
        let found = match calling.function() {
            Function::Today => Temporal { kind: TemporalKind::Date, precision: Precision::Day, zone: None, ..now },
            Function::TimeOfDay => Temporal { kind: TemporalKind::Time, zone: None, ..now },
            _ => now,
        };
        Ok(vec![Item::Temporal(found)])
    }
}

/// Exact for whole exponents from 0 on; an integer to an integer is one, below 0 if it can be.
fn power<'a>(base: Decimal, exponent: Decimal, are_integers: bool) -> Option<Item<'a>> {
    if let Some(whole) = exponent.integer().and_then(|whole| u32::try_from(whole).ok())
        && let Some(found) = base.power(whole)
    {
        return if are_integers { integer(found.integer()?) } else { Some(Item::Decimal(found)) };
    }
    Decimal::from_f64(base.to_f64().powf(exponent.to_f64())).map(Item::Decimal)
}
