//! Where two JSON trees differ in meaning.

use fhir_sdk::time::OffsetDateTime;
use fhir_sdk::time::format_description::well_known::Rfc3339;
use serde_json::{Map, Value};

/// JSON pointers (RFC 6901) of every element of `before` that `after` lacks or holds otherwise, and of those that only
/// `after` has, in document order.
pub(crate) fn pointers(before: &Value, after: &Value) -> Vec<String> {
    let mut found = Vec::new();
    compare(before, after, "", &mut found);
    found
}

fn compare(before: &Value, after: &Value, place: &str, found: &mut Vec<String>) {
    match (before, after) {
        (Value::Object(before), Value::Object(after)) => compare_members(before, after, place, found),
        (Value::Array(before), Value::Array(after)) => {
            for position in 0..before.len().max(after.len()) {
                let place = format!("{place}/{position}");
                compare_found(before.get(position), after.get(position), place, found);
            }
        }
        _ if same_scalar(before, after) => {}
        _ => found.push(place.to_owned()),
    }
}

fn compare_members(before: &Map<String, Value>, after: &Map<String, Value>, place: &str, found: &mut Vec<String>) {
    let appeared = after.keys().filter(|name| !before.contains_key(*name));
    for name in before.keys().chain(appeared) {
        let place = format!("{place}/{}", name.replace('~', "~0").replace('/', "~1"));
        compare_found(before.get(name), after.get(name), place, found);
    }
}

fn compare_found(before: Option<&Value>, after: Option<&Value>, place: String, found: &mut Vec<String>) {
    match (before, after) {
        (Some(before), Some(after)) => compare(before, after, &place, found),
        _ => found.push(place),
    }
}

fn same_scalar(before: &Value, after: &Value) -> bool {
    match (before, after) {
        (Value::Number(before), Value::Number(after)) => before.as_f64() == after.as_f64(),
        (Value::String(before), Value::String(after)) => before == after || same_instant(before, after),
        _ => before == after,
    }
}

fn same_instant(before: &str, after: &str) -> bool {
    let [before, after] = [before, after].map(|text| OffsetDateTime::parse(text, &Rfc3339));
    matches!((before, after), (Ok(before), Ok(after)) if before == after && before.offset() == after.offset())
}
