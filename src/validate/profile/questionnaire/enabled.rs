//! Whether a question is asked at all (questionnaire.html, enableWhen and enableBehavior).

use std::cmp::Ordering;
use std::collections::HashMap;

use serde_json::Value;

use super::{chosen, link, list, text};
use crate::fhirpath::{Decimal, Temporal};
use crate::validate::DEPTH_ELEMENTS_MAX;
use crate::validate::profile::walk::Walk;

/// The items of a response as they are given, numbered as they follow each other in it.
pub(super) struct Given<'v> {
    /// The items of each linkId, by their numbers.
    items: HashMap<&'v str, Vec<(usize, &'v Value)>>,
    /// The numbers of an item, an answer or the response, and the one behind everything in it.
    spans: HashMap<*const Value, Span>,
    /// How many items and answers there are, the response with them.
    pub(super) count: usize,
}

/// A place in a response: its number, and the one behind everything in it. What is not there is between two numbers.
pub(super) type Span = (usize, usize);

impl<'v> Given<'v> {
    pub(super) fn of(response: &'v Value) -> Self {
        let mut given = Given { items: HashMap::new(), spans: HashMap::new(), count: 0 };
        given.visit(response, 0);
        given
    }

    fn visit(&mut self, from: &'v Value, depth: usize) {
        // An item and its answer are two levels.
        if depth > 2 * DEPTH_ELEMENTS_MAX {
            return;
        }
        let start = self.count;
        self.count += 1;
        self.items.entry(link(from)).or_default().push((start, from));
        for inner in list(from, "item").iter().chain(list(from, "answer")) {
            self.visit(inner, depth + 1);
        }
        self.spans.insert(std::ptr::from_ref(from), (start, self.count));
    }

    /// Where something of the response stands.
    pub(super) fn span(&self, of: &Value) -> Span {
        self.spans.get(&std::ptr::from_ref(of)).copied().unwrap_or_default()
    }

    /// The answers to a question as a place means it: of its occurrences the nearest one that surrounds the place, else
    /// the nearest before it, else the first behind it (R4, Questionnaire.item.enableWhen.question). `scope` is what the
    /// place stands in, the response first.
    fn answers(&self, question: &str, scope: &[&'v Value], (start, end): Span) -> &'v [Value] {
        let around = scope.iter().rev().copied().find(|around| link(around) == question);
        let beside = || {
            let all = self.items.get(question)?;
            let before = all.partition_point(|(number, _)| *number < start);
            let found = match before.checked_sub(1) {
                Some(nearest) => all.get(nearest),
                None => all.get(all.partition_point(|(number, _)| *number < end)),
            };
            found.map(|(_, item)| *item)
        };
        around.or_else(beside).map_or(&[], |found| list(found, "answer"))
    }
}

impl Walk<'_> {
    /// Whether the conditions of a question at this place are met by what has been answered.
    pub(super) fn is_enabled<'v>(
        &mut self,
        given: &Given<'v>,
        question: &Value,
        scope: &[&'v Value],
        place: Span,
    ) -> bool {
        let conditions = list(question, "enableWhen");
        let is_all = text(question, "enableBehavior") == "all";
        for condition in conditions {
            let answers = given.answers(text(condition, "question"), scope, place);
            if !self.goes_on(answers.len() + 1) {
                return true;
            }
            if is_met(condition, answers) != is_all {
                return !is_all;
            }
        }
        is_all || conditions.is_empty()
    }
}

fn is_met(condition: &Value, answers: &[Value]) -> bool {
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

/// Codings by system and code, Quantities by value and unit, References by what they refer to, numbers whatever their
/// digits, all else as it is written.
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
        (Value::Object(value), Value::Object(wanted)) => match (value.get("reference"), wanted.get("reference")) {
            (Some(value), Some(wanted)) => value == wanted,
            _ => {
                // What is known by its identifier may be called what one likes.
                let is_aside = |name: &str| name == "id" || name == "display" && value.contains_key("identifier");
                let names = value.keys().chain(wanted.keys()).filter(|name| !is_aside(name));
                let mut pairs = names.map(|name| value.get(name).zip(wanted.get(name)));
                pairs.all(|pair| pair.is_some_and(|(value, wanted)| is_same(value, wanted)))
            }
        },
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
