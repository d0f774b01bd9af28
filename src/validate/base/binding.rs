//! Required bindings (terminologies.html#required).

use serde_json::{Map, Value};

use super::rule::BINDING;
use super::walk::Walk;
use crate::fhir::r4::codes::{ValueSet, value_set};
use crate::validate::path::Path;

/// A value set with no more codes than this is spelled out.
const CODES_SHOWN_MAX: usize = 16;

/// A `code`, `uri` or `string`.
pub(super) fn code(walk: &mut Walk<'_>, set: &str, code: &str, path: &Path<'_>) {
    let Some(set) = value_set(set) else { return };
    if !set.has_code(code) {
        walk.add_with(&BINDING, path, || expected(set));
    }
}

/// A CodeableConcept: one of its codings is of the set. One without any coding must say why by an extension.
pub(super) fn concept(walk: &mut Walk<'_>, set: &str, concept: &Map<String, Value>, path: &Path<'_>) {
    let Some(set) = value_set(set).filter(|set| set.codes().is_some()) else { return };
    let text = |coding: &Value, name: &str| coding.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    let is_fine = match concept.get("coding").and_then(Value::as_array) {
        Some(codings) => codings.iter().any(|coding| set.has(&text(coding, "system"), &text(coding, "code"))),
        None => concept.contains_key("extension"),
    };
    if !is_fine {
        walk.add_with(&BINDING, path, || expected(set));
    }
}

fn expected(set: &ValueSet) -> String {
    match set.codes() {
        Some(codes) if codes.len() <= CODES_SHOWN_MAX => {
            format!("{} ({})", set.name, codes.collect::<Vec<_>>().join(", "))
        }
        _ => set.name.to_owned(),
    }
}
