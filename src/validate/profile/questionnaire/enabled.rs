//! Whether a question is asked at all (questionnaire.html, enableWhen and enableBehavior).

use std::cmp::Ordering;

use serde_json::Value;

use super::{chosen, link, list, text};
use crate::fhirpath::{Decimal, Temporal};
use crate::validate::DEPTH_ELEMENTS_MAX;

/// Whether the conditions of a question are met by what has been answered.
pub(super) fn is_enabled(question: &Value, scope: &[&Value]) -> bool {
    let conditions = list(question, "enableWhen");
    let mut met = conditions.iter().map(|condition| is_met(condition, scope));
    match text(question, "enableBehavior") {
        "all" => met.all(|is_met| is_met),
        _ => conditions.is_empty() || met.any(|is_met| is_met),
    }
}

fn is_met(condition: &Value, scope: &[&Value]) -> bool {
    let answers = answers(text(condition, "question"), scope);
    let Some((kind, wanted)) = chosen(condition, "answer") else { return true };
    let values = || answers.iter().filter_map(|answer| chosen(answer, "value"));
    let is_ordered = |orders: &[Ordering]| {
        values().filter_map(|(own, value)| order(own, value, kind, wanted)).any(|found| orders.contains(&found))
    };
    match text(condition, "operator") {
        "exists" => answers.iter().any(|answer| chosen(answer, "value").is_some()) == (wanted == &Value::Bool(true)),
        "=" => values().any(|(_, value)| is_same(value, wanted)),
        "!=" => !values().any(|(_, value)| is_same(value, wanted)),
        ">" => is_ordered(&[Ordering::Greater]),
        "<" => is_ordered(&[Ordering::Less]),
        ">=" => is_ordered(&[Ordering::Greater, Ordering::Equal]),
        "<=" => is_ordered(&[Ordering::Less, Ordering::Equal]),
        _ => true,
    }
}

/// The answers to a question: those in the nearest of what surrounds the one that asks for them.
fn answers<'v>(question: &str, scope: &[&'v Value]) -> Vec<&'v Value> {
    for around in scope.iter().rev() {
        let mut found = Vec::new();
        collect(around, question, &mut found, 0);
        if !found.is_empty() {
            return found;
        }
    }
    Vec::new()
}

fn collect<'v>(from: &'v Value, question: &str, out: &mut Vec<&'v Value>, depth: usize) {
    if depth > DEPTH_ELEMENTS_MAX {
        return;
    }
    if link(from) == question {
        out.extend(list(from, "answer"));
    }
    for inner in list(from, "item").iter().chain(list(from, "answer")) {
        collect(inner, question, out, depth + 1);
    }
}

/// Codings by system and code, Quantities by value and unit, numbers whatever their digits, all else as it is written.
pub(super) fn is_same(value: &Value, wanted: &Value) -> bool {
    match (value, wanted) {
        (Value::Object(value), Value::Object(wanted)) if wanted.contains_key("code") || value.contains_key("code") => {
            let both = |name: &str| match (value.get(name), wanted.get(name)) {
                (Some(value), Some(wanted)) => is_same(value, wanted),
                (None, None) => true,
                // A coding without a system means the code of whichever is asked for.
                _ => name == "system",
            };
            ["system", "code", "value"].into_iter().all(both)
        }
        (Value::Number(value), Value::Number(wanted)) => {
            value == wanted || Decimal::parse(value.as_str()) == Decimal::parse(wanted.as_str())
        }
        (value, wanted) => value == wanted,
    }
}

fn order(own: &str, value: &Value, kind: &str, wanted: &Value) -> Option<Ordering> {
    let number = |value: &Value| match value {
        Value::Number(number) => Decimal::parse(number.as_str()),
        _ => None,
    };
    let moment = |kind: &str, value: &Value| match kind {
        "Date" | "DateTime" | "Instant" => Temporal::date_time(value.as_str()?),
        "Time" => Temporal::time(value.as_str()?),
        _ => None,
    };
    match (own, kind) {
        ("Integer" | "Decimal", "Integer" | "Decimal") => number(value)?.partial_cmp(&number(wanted)?),
        ("Quantity", "Quantity") => {
            let is_of_unit = ["system", "code", "unit"]
                .iter()
                .all(|name| value.get(*name) == wanted.get(*name) || *name == "unit" && value.get("code").is_some());
            let found = number(value.get("value")?)?.partial_cmp(&number(wanted.get("value")?)?);
            found.filter(|_| is_of_unit)
        }
        ("String" | "Uri", "String" | "Uri") => value.as_str()?.partial_cmp(wanted.as_str()?),
        _ => moment(own, value)?.compare(moment(kind, wanted)?),
    }
}
