//! The operators (FHIRPath N1 section 6).

use std::cmp::Ordering;

use super::calendar;
use super::decimal::Decimal;
use super::equality::{self, number, quantity};
use super::error;
use super::evaluate::{Engine, Result, Scope, wrong};
use super::item::{Item, Items};
use super::quantity::Quantity;
use super::temporal::Temporal;
use super::tree::{Expr, Link, Operation, Operator};

/// What a collection says as a condition: nothing, true or false; one item that is no Boolean says true (N1 section 4.5).
/// `None` for several items.
pub(super) fn condition(items: &[Item<'_>]) -> Option<Option<bool>> {
    match items {
        [] => Some(None),
        [Item::Boolean(value)] => Some(Some(*value)),
        [Item::Node(node)] => Some(match node.system() {
            Some(Item::Boolean(value)) => Some(value),
            // A boolean with nothing but extensions says nothing.
            None if node.kind.name == "boolean" => None,
            _ => Some(true),
        }),
        [_] => Some(Some(true)),
        _ => None,
    }
}

fn truth<'a>(value: Option<bool>) -> Items<'a> {
    value.map(Item::Boolean).into_iter().collect()
}

/// An integer of 32 bits, or nothing where there is no such.
pub(super) fn integer<'a>(value: i64) -> Option<Item<'a>> {
    i32::try_from(value).ok().map(|value| Item::Integer(value.into()))
}

impl Operator {
    pub(super) fn sign(self) -> &'static str {
        match self {
            Operator::Multiply => "*",
            Operator::Divide => "/",
            Operator::DivideWhole => "div",
            Operator::Remainder => "mod",
            Operator::Add => "+",
            Operator::Subtract => "-",
            Operator::Concatenate => "&",
            Operator::Union => "|",
            Operator::LessOrEqual => "<=",
            Operator::Less => "<",
            Operator::Greater => ">",
            Operator::GreaterOrEqual => ">=",
            Operator::Equal => "=",
            Operator::Equivalent => "~",
            Operator::NotEqual => "!=",
            Operator::NotEquivalent => "!~",
            Operator::In => "in",
            Operator::Contains => "contains",
            Operator::And => "and",
            Operator::Or => "or",
            Operator::Xor => "xor",
            Operator::Implies => "implies",
        }
    }
}

impl<'a> Engine<'a, '_> {
    pub(super) fn fold(&mut self, first: &'a Expr, links: &'a [Link], scope: Scope<'_, 'a>) -> Result<Items<'a>> {
        let mut left = self.expression(first, scope)?;
        for link in links {
            self.spend(1, link.at)?;
            left = match &link.operation {
                Operation::Is(wanted) => self.is(&left, wanted, link.at)?,
                Operation::As(wanted) => self.cast(left, wanted, link.at)?,
                Operation::Binary(operator, right) => self.binary(*operator, left, right, scope, link.at)?,
            };
        }
        Ok(left)
    }

    fn binary(
        &mut self,
        operator: Operator,
        left: Items<'a>,
        right: &'a Expr,
        scope: Scope<'_, 'a>,
        at: u32,
    ) -> Result<Items<'a>> {
        use Operator::{And, Implies, Or, Xor};
        if matches!(operator, And | Or | Xor | Implies) {
            return self.logic(operator, &left, right, scope, at);
        }
        let right = self.expression(right, scope)?;
        match operator {
            Operator::Union => self.union(left, right, at),
            Operator::Equal | Operator::NotEqual => {
                self.spend(left.len(), at)?;
                let equal = equality::all_equal(&left, &right, self.context);
                Ok(truth(equal.map(|equal| equal == (operator == Operator::Equal))))
            }
            Operator::Equivalent | Operator::NotEquivalent => {
                self.spend(left.len().saturating_mul(right.len()), at)?;
                let equivalent = equality::all_equivalent(&left, &right, self.context);
                Ok(truth(Some(equivalent == (operator == Operator::Equivalent))))
            }
            Operator::In => self.membership(&left, &right, operator, at),
            Operator::Contains => self.membership(&right, &left, operator, at),
            Operator::Concatenate => {
                let mut text = String::new();
                for side in [&left, &right] {
                    if let Some(item) = self.single(side, "&", at)? {
                        text.push_str(&item.to_text().ok_or_else(|| wrong(at, &error::OPERAND, "&"))?);
                    }
                }
                Ok(vec![self.text(text, at)?])
            }
            _ => {
                let (left, right) = (self.operand(&left, operator, at)?, self.operand(&right, operator, at)?);
                let (Some(left), Some(right)) = (left, right) else { return Ok(Vec::new()) };
                match operator {
                    Operator::Less | Operator::LessOrEqual | Operator::Greater | Operator::GreaterOrEqual => {
                        let order = self.order(&left, &right, operator.sign(), at)?;
                        Ok(truth(order.map(|order| match operator {
                            Operator::Less => order == Ordering::Less,
                            Operator::LessOrEqual => order != Ordering::Greater,
                            Operator::Greater => order == Ordering::Greater,
                            _ => order != Ordering::Less,
                        })))
                    }
                    _ => Ok(self.arithmetic(operator, &left, &right, at)?.into_iter().collect()),
                }
            }
        }
    }

    /// `and`, `or`, `xor`, `implies` with their three values; the right side is evaluated only where it matters.
    fn logic(
        &mut self,
        operator: Operator,
        left: &[Item<'a>],
        right: &'a Expr,
        scope: Scope<'_, 'a>,
        at: u32,
    ) -> Result<Items<'a>> {
        let several = || wrong(at, &error::SINGLE, operator.sign());
        let left = condition(left).ok_or_else(several)?;
        match (operator, left) {
            (Operator::And, Some(false)) => return Ok(truth(Some(false))),
            (Operator::Or, Some(true)) | (Operator::Implies, Some(false)) => return Ok(truth(Some(true))),
            _ => {}
        }
        let right = condition(&self.expression(right, scope)?).ok_or_else(several)?;
        Ok(truth(match (operator, left, right) {
            (Operator::And, _, Some(false)) => Some(false),
            (Operator::Or | Operator::Implies, _, Some(true)) => Some(true),
            (Operator::And | Operator::Implies, Some(true), right) | (Operator::Or, Some(false), right) => right,
            (Operator::Xor, Some(left), Some(right)) => Some(left != right),
            _ => None,
        }))
    }

    /// The only item, or none; several are an error.
    pub(super) fn single<'i>(&self, items: &'i [Item<'a>], what: &str, at: u32) -> Result<Option<&'i Item<'a>>> {
        match items {
            [] => Ok(None),
            [item] => Ok(Some(item)),
            _ => Err(wrong(at, &error::SINGLE, what)),
        }
    }

    fn operand(&self, items: &[Item<'a>], operator: Operator, at: u32) -> Result<Option<Item<'a>>> {
        let item = self.single(items, operator.sign(), at)?;
        match item.map(|item| (item, item.system())) {
            Some((Item::Node(node), None)) if node.kind.primitive.is_some() => Ok(None),
            Some((_, Some(Item::Node(_)) | None)) => Err(wrong(at, &error::OPERAND, operator.sign())),
            Some((_, found)) => Ok(found),
            None => Ok(None),
        }
    }

    /// The only item as an integer, or none.
    pub(super) fn integer(&self, items: &[Item<'a>], what: &str, at: u32) -> Result<Option<i64>> {
        match self.single(items, what, at)?.map(Item::system) {
            None | Some(None) => Ok(None),
            Some(Some(Item::Integer(value))) => Ok(Some(value)),
            Some(_) => Err(wrong(at, &error::OPERAND, what)),
        }
    }

    fn membership(&mut self, one: &[Item<'a>], all: &[Item<'a>], operator: Operator, at: u32) -> Result<Items<'a>> {
        let Some(item) = self.single(one, operator.sign(), at)? else { return Ok(Vec::new()) };
        self.spend(all.len(), at)?;
        Ok(vec![Item::Boolean(all.iter().any(|other| equality::equal(item, other, self.context) == Some(true)))])
    }

    pub(super) fn negated(&mut self, items: Items<'a>, at: u32) -> Result<Items<'a>> {
        let Some(item) = self.single(&items, "-", at)? else { return Ok(items) };
        let found = match item.system() {
            Some(Item::Integer(value)) => value.checked_neg().and_then(integer),
            Some(Item::Decimal(value)) => Some(Item::Decimal(value.negated())),
            Some(Item::Quantity(value)) => {
                Some(Item::Quantity(Box::new(Quantity { value: value.value.negated(), unit: value.unit })))
            }
            _ => return Err(wrong(at, &error::OPERAND, "-")),
        };
        Ok(found.into_iter().collect())
    }

    /// Which of two values comes first; `None` when their precision or units do not say.
    pub(super) fn order(&self, left: &Item<'a>, right: &Item<'a>, what: &str, at: u32) -> Result<Option<Ordering>> {
        Ok(match (left, right) {
            (Item::String(left), Item::String(right)) => Some(left.cmp(right)),
            (Item::Integer(left), Item::Integer(right)) => Some(left.cmp(right)),
            (Item::Temporal(one), Item::Temporal(other)) if is_time(left) == is_time(right) => one.compare(*other),
            _ => match (number(left), number(right), quantity(left), quantity(right)) {
                (Some(left), Some(right), ..) => Some(left.cmp(&right)),
                (.., Some(left), Some(right)) => left.compare(&right, self.context),
                _ => return Err(wrong(at, &error::OPERAND, what)),
            },
        })
    }

    /// `+ - * / div mod`. What overflows, and division by 0, come to nothing.
    fn arithmetic(
        &mut self,
        operator: Operator,
        left: &Item<'a>,
        right: &Item<'a>,
        at: u32,
    ) -> Result<Option<Item<'a>>> {
        let refused = || wrong(at, &error::OPERAND, operator.sign());
        match (left, right) {
            (Item::Integer(left), Item::Integer(right)) => Ok(whole(operator, *left, *right)),
            (Item::String(left), Item::String(right)) if operator == Operator::Add => {
                self.text(format!("{left}{right}"), at).map(Some)
            }
            (Item::Temporal(value), Item::Quantity(amount)) => {
                let amount = match operator {
                    Operator::Add => Quantity::clone(amount),
                    Operator::Subtract => Quantity { value: amount.value.negated(), unit: amount.unit.clone() },
                    _ => return Err(refused()),
                };
                moved(*value, &amount).map(|found| found.map(Item::Temporal)).ok_or_else(refused)
            }
            _ => match (number(left), number(right), quantity(left), quantity(right)) {
                (Some(left), Some(right), ..) => Ok(fraction(operator, left, right)),
                (.., Some(left), Some(right)) => self.of_quantities(operator, &left, &right).ok_or_else(refused),
                _ => Err(refused()),
            },
        }
    }

    /// The outer `None` is for what quantities do not do.
    fn of_quantities(&self, operator: Operator, left: &Quantity, right: &Quantity) -> Option<Option<Item<'a>>> {
        let converted = || left.converted(right, false, self.context);
        let with = |value: Decimal| Quantity { value, unit: left.unit.clone() };
        let found = match operator {
            Operator::Add => converted().and_then(|right| left.value.plus(right)).map(with),
            Operator::Subtract => converted().and_then(|right| left.value.subtract(right)).map(with),
            Operator::Multiply => left.multiply(right),
            Operator::Divide => left.divide(right),
            _ => return None,
        };
        Some(found.map(|found| Item::Quantity(Box::new(found))))
    }
}

fn is_time(item: &Item<'_>) -> bool {
    item.type_name().1 == "Time"
}

/// A date moved. The outer `None` is for a unit by which it cannot be.
fn moved(value: Temporal, amount: &Quantity) -> Option<Option<Temporal>> {
    let unit = amount.unit.calendar()?;
    Some(calendar::moved(value, amount.value, unit))
}

fn whole<'a>(operator: Operator, left: i64, right: i64) -> Option<Item<'a>> {
    match operator {
        Operator::Add => integer(left.checked_add(right)?),
        Operator::Subtract => integer(left.checked_sub(right)?),
        Operator::Multiply => integer(left.checked_mul(right)?),
        Operator::DivideWhole => integer(left.checked_div(right)?),
        Operator::Remainder => integer(left.checked_rem(right)?),
        _ => fraction(operator, Decimal::from(left), Decimal::from(right)),
    }
}

fn fraction<'a>(operator: Operator, left: Decimal, right: Decimal) -> Option<Item<'a>> {
    let found = match operator {
        Operator::Add => left.plus(right),
        Operator::Subtract => left.subtract(right),
        Operator::Multiply => left.multiply(right),
        Operator::Divide => left.divide(right),
        Operator::DivideWhole => return integer(left.divide_whole(right)?.integer()?),
        Operator::Remainder => left.remainder(right),
        _ => None,
    };
    found.map(Item::Decimal)
}
