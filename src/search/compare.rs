//! Whether what a parameter read from a resource is what one value of a query asks for (R4 search.html#ptypes).
//!
//! Of several values one suffices; of those that say "not" (`ne`) there must be a value, and none may be the one that is
//! named.

mod number;
mod place;
mod text;

use super::query::{DateWanted, Prefix, ReferenceWanted, StringHow, TokenWanted, UriHow, Wanted};
use super::value::{Reference, Target, Token, Value};
use crate::fhir::oid;
use crate::fhir::time::Interval;
use crate::search::facts::{caseless, folded, is_case_sensitive};

pub use number::{quantity, whole};

/// Whether the values of a parameter are what is wanted.
pub fn any(values: &[Value], wanted: &Wanted) -> bool {
    match equal_of_not(wanted) {
        Some(equal) => !values.is_empty() && !values.iter().any(|value| one(value, &equal)),
        None => values.iter().any(|value| one(value, wanted)),
    }
}

/// What must not be there, where the prefix is `ne`.
fn equal_of_not(wanted: &Wanted) -> Option<Wanted> {
    let mut equal = wanted.clone();
    let prefix = match &mut equal {
        Wanted::Date(date) => &mut date.prefix,
        Wanted::Number(number) => &mut number.prefix,
        Wanted::Quantity(quantity) => {
            if let Some((number, _)) = &mut quantity.canonical {
                number.prefix = Prefix::Eq;
            }
            &mut quantity.number.prefix
        }
        _ => return None,
    };
    (std::mem::replace(prefix, Prefix::Eq) == Prefix::Ne).then_some(equal)
}

/// One value. A kind that is not the value's own matches nothing: `value-quantity` does not see a `valueString`.
fn one(value: &Value, wanted: &Wanted) -> bool {
    match (value, wanted) {
        (Value::Date(stated), Wanted::Date(wanted)) => date(*stated, wanted),
        (Value::Number { low, high, is_integer }, Wanted::Number(wanted)) => {
            number::number((*low, *high), *is_integer, wanted)
        }
        (Value::Quantity(stated), Wanted::Quantity(wanted)) => quantity(stated, wanted),
        (Value::String(stated), Wanted::String(wanted)) => text::string(stated, wanted),
        (Value::Word(stated), Wanted::String(wanted)) => wanted.how == StringHow::Start && text::string(stated, wanted),
        (Value::Token(stated), Wanted::Token(wanted)) => token(stated, wanted),
        (Value::Token(stated), Wanted::Display(wanted)) => stated.texts.iter().any(|said| text::begins(said, wanted)),
        (Value::Token(stated), Wanted::OfType(wanted)) => of_type(stated, wanted),
        (Value::Reference(stated), Wanted::Reference(wanted)) => reference(stated, wanted),
        (Value::Reference(stated), Wanted::Identifier(wanted)) => stated.identifier.as_ref().is_some_and(|(s, v)| {
            token(&Token { system: s.clone(), code: Some(v.clone()), ..Token::default() }, wanted)
        }),
        (Value::Uri(stated), Wanted::Uri(how, wanted)) => uri(stated, *how, wanted),
        // A canonical, whichever of the two kinds its definition calls it (`_profile`).
        (Value::Uri(stated), Wanted::Reference(ReferenceWanted::Url(wanted))) => uri(stated, UriHow::Exact, wanted),
        (Value::Reference(Reference { target: Target::Url(stated), .. }), Wanted::Uri(how, wanted)) => {
            uri(stated, *how, wanted)
        }
        (Value::Composite(parts), Wanted::Composite(wanted)) => {
            parts.len() == wanted.len() && parts.iter().zip(wanted).all(|(values, wanted)| any(values, wanted))
        }
        (Value::Position { latitude, longitude }, Wanted::Near { latitude: north, longitude: east, metres }) => {
            place::metres((*latitude, *longitude), (*north, *east)) <= *metres
        }
        _ => false,
    }
}

/// search.html#prefix, both half-open.
pub fn date(stated: Interval, wanted: &DateWanted) -> bool {
    let asked = wanted.interval;
    let contains = asked.start <= stated.start && stated.end <= asked.end;
    match wanted.prefix {
        Prefix::Eq => contains,
        Prefix::Ne => !contains,
        // "the range above the search value intersects the range of the target value"
        Prefix::Gt => stated.end > asked.end,
        Prefix::Lt => stated.start < asked.start,
        Prefix::Ge => stated.end > asked.end || contains,
        Prefix::Le => stated.start < asked.start || contains,
        Prefix::Sa => stated.start >= asked.end,
        Prefix::Eb => stated.end <= asked.start,
        // The query has widened what it asks for.
        Prefix::Ap => stated.start < asked.end && asked.start < stated.end,
    }
}

fn token(stated: &Token, wanted: &TokenWanted) -> bool {
    let system = || oid::canonical(stated.system.as_deref().unwrap_or_default());
    let is = |code: &str| stated.code.as_deref().is_some_and(|it| same_code(it, code, stated.is_case_sensitive));
    match wanted {
        TokenWanted::Code(code) => is(code),
        TokenWanted::Coding(named, code) => is(code) && system() == &**named,
        TokenWanted::System(named) => stated.code.is_some() && system() == &**named,
    }
}

/// A code as asked for is in normal width already.
fn same_code(stated: &str, wanted: &str, is_case_sensitive: bool) -> bool {
    let stated = folded(stated);
    stated == wanted || (!is_case_sensitive && caseless(&stated) == caseless(wanted))
}

fn of_type(stated: &Token, wanted: &[Box<str>; 3]) -> bool {
    let [system, code, value] = wanted;
    let typed = |(s, c): &(Box<str>, Box<str>)| {
        oid::canonical(s) == &**system && same_code(c, code, is_case_sensitive("Coding", system))
    };
    let valued = |it: &str| same_code(it, value, stated.is_case_sensitive);
    stated.types.iter().any(typed) && stated.code.as_deref().is_some_and(valued)
}

fn reference(stated: &Reference, wanted: &ReferenceWanted) -> bool {
    match (&stated.target, wanted) {
        (Target::Local(resource_type, id, _), ReferenceWanted::Local(types, wanted)) => {
            id == wanted && (types.is_empty() || types.contains(resource_type))
        }
        (Target::Url(stated), ReferenceWanted::Url(wanted)) => uri(stated, UriHow::Exact, wanted),
        _ => false,
    }
}

fn uri(stated: &str, how: UriHow, wanted: &str) -> bool {
    let below = |whole: &str, beginning: &str| {
        let beginning = beginning.strip_suffix('/').unwrap_or(beginning);
        whole.strip_prefix(beginning).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    match how {
        UriHow::Exact => stated == wanted,
        UriHow::Below => below(stated, wanted),
        UriHow::Above => stated.contains("://") && below(wanted, stated),
    }
}

#[cfg(test)]
mod tests;
