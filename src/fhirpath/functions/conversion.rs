//! Conversion (FHIRPath N1 section 5.5).

use super::super::decimal::Decimal;
use super::super::evaluate::{Engine, Result};
use super::super::function::{Function, Target};
use super::super::item::{Item, Items};
use super::super::operators::integer;
use super::super::quantity::{Quantity, Unit};
use super::super::temporal::{Precision, Temporal, TemporalKind};
use super::{Calling, boolean};

impl<'a> Engine<'a, '_> {
    pub(super) fn convert(
        &mut self,
        calling: Calling<'_, 'a>,
        target: Target,
        items: &[Item<'a>],
    ) -> Result<Items<'a>> {
        let Some(item) = self.single(items, calling.name(), calling.at)? else { return Ok(Vec::new()) };
        let unit = self.text_argument(calling, 0)?;
        let mut found = converted(item, target);
        if let (Some(unit), Some(Item::Quantity(quantity))) = (unit, &found) {
            let wanted = Quantity::parse(&format!("1 {unit}")).map_or(Unit::Ucum(unit.as_ref().into()), |one| one.unit);
            let wanted = Quantity { value: Decimal::ONE, unit: wanted };
            let value = wanted.converted(quantity, false, self.context);
            found = value.map(|value| Item::Quantity(Box::new(Quantity { value, unit: wanted.unit })));
        }
        Ok(match calling.function() {
            Function::To(_) => found.into_iter().collect(),
            _ => boolean(found.is_some()),
        })
    }
}

/// The item as a value of that type; `None` where there is no way.
fn converted<'a>(item: &Item<'a>, target: Target) -> Option<Item<'a>> {
    if target == Target::String {
        return item.to_text().map(Item::String);
    }
    let value = item.system()?;
    if let Item::String(text) = &value {
        return from_text(text, target);
    }
    match (target, value) {
        (Target::Boolean, value @ Item::Boolean(_))
        | (Target::Integer, value @ Item::Integer(_))
        | (Target::Decimal, value @ Item::Decimal(_))
        | (Target::Quantity, value @ Item::Quantity(_)) => Some(value),
        (Target::Boolean, Item::Integer(value)) => truth(Decimal::from(value)),
        (Target::Boolean, Item::Decimal(value)) => truth(value),
        (Target::Integer, Item::Boolean(value)) => Some(Item::Integer(value.into())),
        (Target::Decimal, Item::Boolean(value)) => Some(Item::Decimal(i64::from(value).into())),
        (Target::Decimal, Item::Integer(value)) => Some(Item::Decimal(value.into())),
        (Target::Quantity, Item::Boolean(value)) => Some(plain(i64::from(value).into())),
        (Target::Quantity, Item::Integer(value)) => Some(plain(value.into())),
        (Target::Quantity, Item::Decimal(value)) => Some(plain(value)),
        (Target::Date, Item::Temporal(value)) => date(value),
        (Target::DateTime, Item::Temporal(value)) if value.kind != TemporalKind::Time => {
            Some(Item::Temporal(Temporal { kind: TemporalKind::DateTime, ..value }))
        }
        (Target::Time, Item::Temporal(value)) if value.kind == TemporalKind::Time => Some(Item::Temporal(value)),
        _ => None,
    }
}

fn plain<'a>(value: Decimal) -> Item<'a> {
    Item::Quantity(Box::new(Quantity::ucum(value, "1")))
}

fn truth<'a>(value: Decimal) -> Option<Item<'a>> {
    match value.integer() {
        Some(1) => Some(Item::Boolean(true)),
        Some(0) => Some(Item::Boolean(false)),
        _ => None,
    }
}

/// The day of a dateTime.
fn date<'a>(value: Temporal) -> Option<Item<'a>> {
    if value.kind == TemporalKind::Time {
        return None;
    }
    let precision = value.precision.min(Precision::Day);
    Some(Item::Temporal(Temporal { kind: TemporalKind::Date, precision, zone: None, ..value }))
}

fn from_text<'a>(text: &str, target: Target) -> Option<Item<'a>> {
    match target {
        Target::Boolean => match text.to_ascii_lowercase().as_str() {
            "true" | "t" | "yes" | "y" | "1" | "1.0" => Some(Item::Boolean(true)),
            "false" | "f" | "no" | "n" | "0" | "0.0" => Some(Item::Boolean(false)),
            _ => None,
        },
        Target::Integer => {
            let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
            let are_digits = !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit());
            are_digits.then(|| text.parse().ok()).flatten().and_then(integer)
        }
        Target::Decimal => Decimal::parse(text).filter(|_| !text.contains(['e', 'E'])).map(Item::Decimal),
        Target::Quantity => Quantity::parse(text).map(|found| Item::Quantity(Box::new(found))),
        Target::Date => Temporal::date_time(text).and_then(date),
        Target::DateTime => Temporal::date_time(text).map(Item::Temporal),
        Target::Time => Temporal::time(text).map(Item::Temporal),
        Target::String => None,
    }
}
