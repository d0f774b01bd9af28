//! Equality and equivalence (FHIRPath N1 section 6.1).

use std::cmp::Ordering;

use serde_json::Value;

use super::context::Context;
use super::decimal::Decimal;
use super::item::Item;
use super::quantity::Quantity;

/// Whether two items are equal; `None` when their precision does not say.
pub(super) fn equal(left: &Item<'_>, right: &Item<'_>, context: &dyn Context<'_>) -> Option<bool> {
    if let (Item::Node(left), Item::Node(right)) = (left, right) {
        if left.is_same(right) {
            return Some(true);
        }
        // Of a resource of which only the type is known, nobody can say which it is.
        if [left, right].iter().any(|node| node.value.is_none() && node.beside.is_none()) {
            return None;
        }
    }
    let (Some(one), Some(other)) = (left.system(), right.system()) else { return Some(same_json(left, right)) };
    match (&one, &other) {
        (Item::Boolean(left), Item::Boolean(right)) => Some(left == right),
        (Item::String(left), Item::String(right)) => Some(left == right),
        (Item::Integer(left), Item::Integer(right)) => Some(left == right),
        (Item::Temporal(left), Item::Temporal(right)) if is_time(&one) == is_time(&other) => {
            left.compare(*right).map(|order| order == Ordering::Equal)
        }
        (Item::Type(namespace, name), Item::Type(other_namespace, other)) => {
            Some(namespace == other_namespace && name == other)
        }
        (Item::Node(_), Item::Node(_)) => Some(same_json(&one, &other)),
        _ => match (number(&one), number(&other), quantity(&one), quantity(&other)) {
            (Some(left), Some(right), ..) => Some(left == right),
            (.., Some(left), Some(right)) => left.compare(&right, context).map(|order| order == Ordering::Equal),
            _ => Some(false),
        },
    }
}

fn is_time(item: &Item<'_>) -> bool {
    item.type_name().1 == "Time"
}

/// The number that an item in the language's own types is.
pub(super) fn number(item: &Item<'_>) -> Option<Decimal> {
    match item {
        Item::Integer(value) => Some(Decimal::from(*value)),
        Item::Decimal(value) => Some(*value),
        _ => None,
    }
}

/// The quantity that an item in the language's own types is; a number is one without a unit (N1 section 5.5, implicit
/// conversion).
pub(super) fn quantity(item: &Item<'_>) -> Option<Quantity> {
    match item {
        Item::Quantity(value) => Some((**value).clone()),
        other => number(other).map(|value| Quantity::ucum(value, "1")),
    }
}

/// Whether two items are about the same: strings without regard to case and white space, numbers rounded to the digits of
/// the one with fewer, dates of the same precision, elements without regard to order.
pub(super) fn equivalent(left: &Item<'_>, right: &Item<'_>, context: &dyn Context<'_>) -> bool {
    let (Some(one), Some(other)) = (left.system(), right.system()) else { return about_json(left, right) };
    match (&one, &other) {
        (Item::String(left), Item::String(right)) => about_text(left, right),
        (Item::Temporal(left), Item::Temporal(right)) => {
            left.precision == right.precision && left.compare(*right) == Some(Ordering::Equal)
        }
        (Item::Node(_), Item::Node(_)) => about_json(&one, &other),
        _ => match (number(&one), number(&other), quantity(&one), quantity(&other)) {
            (Some(left), Some(right), ..) => left.is_equivalent(right),
            (.., Some(left), Some(right)) => left.is_equivalent(&right, context),
            _ => equal(&one, &other, context) == Some(true),
        },
    }
}

/// Whether two collections are equal, item by item in order; `None` when one is empty or a pair does not say.
pub(super) fn all_equal(left: &[Item<'_>], right: &[Item<'_>], context: &dyn Context<'_>) -> Option<bool> {
    if left.is_empty() || right.is_empty() {
        return None;
    }
    if left.len() != right.len() {
        return Some(false);
    }
    let mut result = Some(true);
    for (left, right) in left.iter().zip(right) {
        match equal(left, right, context) {
            Some(true) => {}
            Some(false) => return Some(false),
            None => result = None,
        }
    }
    result
}

/// Whether two collections are equivalent: each item has one in the other, in whatever order.
pub(super) fn all_equivalent(left: &[Item<'_>], right: &[Item<'_>], context: &dyn Context<'_>) -> bool {
    paired(left, right, |left, right| equivalent(left, right, context))
}

/// Whether each of the left can be given one of the right, none twice.
fn paired<T>(left: &[T], right: &[T], is_pair: impl Fn(&T, &T) -> bool) -> bool {
    if left.len() != right.len() {
        return false;
    }
    let mut taken = vec![false; right.len()];
    left.iter().all(|one| {
        let free = right.iter().zip(&mut taken).find(|(other, taken)| !**taken && is_pair(one, other));
        free.map(|(_, taken)| *taken = true).is_some()
    })
}

fn same_json(left: &Item<'_>, right: &Item<'_>) -> bool {
    match (left, right) {
        (Item::Node(left), Item::Node(right)) => {
            let same = |left: Option<&Value>, right: Option<&Value>| match (left, right) {
                (Some(left), Some(right)) => same_value(left, right),
                (left, right) => left.is_none() && right.is_none(),
            };
            same(left.value, right.value) && (left.value.is_some() || same(left.beside, right.beside))
        }
        _ => false,
    }
}

fn same_value(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            left == right
                || Decimal::parse(left.as_str()).is_some_and(|left| Some(left) == Decimal::parse(right.as_str()))
        }
        (Value::Array(left), Value::Array(right)) => {
            left.len() == right.len() && left.iter().zip(right).all(|(left, right)| same_value(left, right))
        }
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| same_value(value, other)))
        }
        (left, right) => left == right,
    }
}

fn about_json(left: &Item<'_>, right: &Item<'_>) -> bool {
    match (left.json(), right.json()) {
        (Some(left), Some(right)) => about_value(left, right),
        _ => same_json(left, right),
    }
}

fn about_value(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Number(left), Value::Number(right)) => {
            match (Decimal::parse(left.as_str()), Decimal::parse(right.as_str())) {
                (Some(left), Some(right)) => left.is_equivalent(right),
                _ => left == right,
            }
        }
        (Value::String(left), Value::String(right)) => about_text(left, right),
        (Value::Array(left), Value::Array(right)) => paired(left, right, about_value),
        (Value::Object(left), Value::Object(right)) => {
            left.len() == right.len()
                && left.iter().all(|(key, value)| right.get(key).is_some_and(|other| about_value(value, other)))
        }
        (left, right) => left == right,
    }
}

/// Case does not count, nor how much white space there is.
fn about_text(left: &str, right: &str) -> bool {
    if left == right {
        return true;
    }
    let words = |text: &str| {
        let lower = text.to_lowercase();
        lower.split_whitespace().collect::<Vec<_>>().join(" ")
    };
    words(left) == words(right)
}
