//! What a message gives as flat pairs: resource and element, and the text of its value.

use std::collections::BTreeMap;

use serde_json::Value;

use super::records;
use crate::map::{Change, Mapped};

/// `Type/id` and element to the value's text.
pub(super) type Flat = BTreeMap<(String, String), String>;

/// Everything a message gives.
pub(super) fn of(mapped: &Mapped) -> Flat {
    let mut flat = Flat::new();
    for change in records(mapped).flat_map(|mapped| &mapped.changes) {
        match change {
            Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. } => {
                let value: Value = serde_json::from_str(&draft.json(None)).unwrap_or_default();
                walk(&draft.reference(), String::new(), &value, &mut flat);
            }
            Change::Delete { resource_type, id, .. } => {
                let reference = format!("{}/{}", resource_type.name(), id.as_str());
                flat.insert((reference, "id".into()), "deleted".into());
            }
            Change::WholeList(_) => {}
        }
    }
    flat
}

/// A pair that another result does not have.
#[derive(Debug)]
pub(super) struct Difference {
    pub(super) reference: String,
    pub(super) element: String,
    /// Whether the other result does not have the resource at all: then only its identity differs, what it said is said
    /// by another one.
    pub(super) is_gone: bool,
}

/// The pairs of `base` that `other` does not have so.
pub(super) fn differences(base: &Flat, other: &Flat) -> Vec<Difference> {
    let is_there = |reference: &str| {
        let from = (reference.to_owned(), String::new());
        other.range(from..).next().is_some_and(|((found, _), _)| found == reference)
    };
    let mut last: Option<(&str, bool)> = None;
    let mut found = Vec::new();
    for (pair, value) in base {
        let (reference, element) = pair;
        let is_gone = match last {
            Some((of, is_gone)) if of == reference => is_gone,
            _ => !is_there(reference),
        };
        last = Some((reference, is_gone));
        if is_gone || other.get(pair) != Some(value) {
            found.push(Difference { reference: reference.clone(), element: element.clone(), is_gone });
        }
    }
    found
}

/// Walks down with a stack of its own: contents may be deep.
fn walk(reference: &str, path: String, value: &Value, flat: &mut Flat) {
    let mut open = vec![(path, value)];
    while let Some((path, value)) = open.pop() {
        match value {
            Value::Object(members) => {
                let dot = if path.is_empty() { "" } else { "." };
                open.extend(members.iter().map(|(name, value)| (format!("{path}{dot}{name}"), value)));
            }
            Value::Array(items) => {
                open.extend(items.iter().enumerate().map(|(at, value)| (format!("{path}[{at}]"), value)));
            }
            Value::String(text) => {
                flat.insert((reference.to_owned(), path), text.clone());
            }
            other => {
                flat.insert((reference.to_owned(), path), other.to_string());
            }
        }
    }
}
