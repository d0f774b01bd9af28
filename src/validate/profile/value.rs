//! Values themselves: fixed ones and patterns, lengths, least and greatest values (elementdefinition.html).

use std::cmp::Ordering;

use serde_json::Value;

use super::problem::*;
use super::spot::Spot;
use super::walk::{At, Walk};
use crate::fhirpath::{Decimal, Temporal};
use crate::profile::Wanted;
use crate::validate::path::Path;

/// A value that is wanted is quoted when it is no longer than this.
const SHOWN_CHARACTERS_MAX: usize = 200;

impl<'w> Walk<'w> {
    pub(super) fn valued(&mut self, at: At<'w>, spot: Spot<'w>, path: &Path<'_>) {
        let Some(value) = spot.value else { return };
        if let Some(wanted) = &at.node.wanted
            && !wanted.is_met_by(value)
        {
            let rule = if matches!(wanted, Wanted::Fixed(_)) { &FIXED } else { &PATTERN };
            self.add(rule, Some(at), path, || (shown(wanted.value()), found(spot)));
        }
        if let (Some(most), Some(text)) = (at.node.length_max, value.as_str())
            && text.len() > most
        {
            let count = text.chars().count();
            if count > most {
                self.add(&LENGTH, Some(at), path, || (most.to_string(), count.to_string()));
            }
        }
        let [least, greatest] = &at.node.bounds;
        for (bound, wrong, rule) in [(least, Ordering::Less, &LEAST), (greatest, Ordering::Greater, &GREATEST)] {
            if let Some(bound) = bound
                && compare(value, bound) == Some(wrong)
            {
                self.add(rule, Some(at), path, || (shown(bound), String::new()));
            }
        }
    }
}

/// How a value stands to a bound of its type; `None` where they cannot be compared, as quantities of different units.
fn compare(value: &Value, bound: &Value) -> Option<Ordering> {
    match (value, bound) {
        (Value::Number(value), Value::Number(bound)) => {
            Decimal::parse(value.as_str())?.partial_cmp(&Decimal::parse(bound.as_str())?)
        }
        (Value::String(value), Value::String(bound)) => {
            let read = |text: &str| Temporal::time(text).or_else(|| Temporal::date_time(text));
            read(value)?.compare(read(bound)?)
        }
        (Value::Object(value), Value::Object(bound)) if value.get("code") == bound.get("code") => {
            compare(value.get("value")?, bound.get("value")?)
        }
        _ => None,
    }
}

/// A value of a profile, cut.
pub(super) fn shown(value: &Value) -> String {
    let text = value.as_str().map_or_else(|| value.to_string(), |text| format!("\"{text}\""));
    match text.char_indices().nth(SHOWN_CHARACTERS_MAX) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text,
    }
}

/// What a sender wrote, as far as it may be repeated: a name of a standard, but no name of a person.
pub(super) fn quotable(text: &str) -> &str {
    let is_name = text.len() <= SHOWN_CHARACTERS_MAX && text.bytes().all(|b| b.is_ascii_graphic() && b != b'?');
    if is_name { text } else { "?" }
}

/// What may be said of a value that was sent: codes, systems, truths; what a person wrote or is called is not repeated.
pub(super) fn found(spot: Spot<'_>) -> String {
    let coding = |value: &Value| {
        let part = |name: &str| quotable(value.get(name).and_then(Value::as_str).unwrap_or_default());
        format!("{}#{}", part("system"), part("code"))
    };
    match (spot.type_name, spot.value) {
        ("code" | "uri" | "url" | "canonical" | "oid" | "boolean" | "positiveInt" | "unsignedInt", Some(value)) => {
            value.as_str().map_or_else(|| shown(value), |text| format!("\"{}\"", quotable(text)))
        }
        ("Coding" | "Quantity", Some(value)) => coding(value),
        ("CodeableConcept", Some(value)) => {
            let codings = value.get("coding").and_then(Value::as_array).into_iter().flatten();
            codings.take(4).map(coding).collect::<Vec<_>>().join(", ")
        }
        _ => String::new(),
    }
}
