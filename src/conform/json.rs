//! Comparing JSON as FHIR means it: what a server adds is no difference, and what a client sent must be found again.

use serde_json::Value;

/// What a server adds to a resource, or may make anew.
const ADDED: [&str; 3] = ["id", "meta", "text"];

/// A resource without what a server adds.
pub(super) fn own(resource: &Value) -> Value {
    let mut own = resource.clone();
    if let Some(members) = own.as_object_mut() {
        members.retain(|name, _| !ADDED.contains(&name.as_str()));
    }
    own
}

/// The first place where two values differ. Numbers are compared as they are written: `1.0` is not `1.00`.
pub(super) fn differs(left: &Value, right: &Value) -> Option<String> {
    lacks(right, left).or_else(|| lacks(left, right).map(|wrong| format!("more than before: {wrong}")))
}

/// The first place where `whole` does not hold what `part` says. Lists have the same order and length.
pub(super) fn lacks(whole: &Value, part: &Value) -> Option<String> {
    lacks_at(whole, part, "")
}

fn lacks_at(whole: &Value, part: &Value, place: &str) -> Option<String> {
    match (whole, part) {
        (Value::Object(whole), Value::Object(part)) => part.iter().find_map(|(name, value)| {
            let place = if place.is_empty() { name.clone() } else { format!("{place}.{name}") };
            match whole.get(name) {
                Some(found) => lacks_at(found, value, &place),
                None => Some(format!("{place} is missing")),
            }
        }),
        (Value::Array(whole), Value::Array(part)) if whole.len() == part.len() => whole
            .iter()
            .zip(part)
            .enumerate()
            .find_map(|(n, (whole, part))| lacks_at(whole, part, &format!("{place}[{n}]"))),
        (Value::Array(whole), Value::Array(part)) => {
            Some(format!("{place} has {} members, not {}", whole.len(), part.len()))
        }
        (whole, part) if whole == part => None,
        (whole, part) => Some(format!("{place} is {whole}, not {part}")),
    }
}

/// The first value that FHIR's JSON has not (json.html): null outside a list of primitives, an empty text, object or list.
pub(super) fn unsound(value: &Value) -> Option<String> {
    unsound_at(value, "", false)
}

fn unsound_at(value: &Value, place: &str, in_list: bool) -> Option<String> {
    let empty = match value {
        Value::Null => !in_list,
        Value::String(text) => text.is_empty(),
        Value::Array(items) => items.is_empty() || items.iter().all(Value::is_null),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    if empty {
        return Some(format!("{place} is {value}"));
    }
    match value {
        Value::Array(items) => {
            items.iter().enumerate().find_map(|(n, item)| unsound_at(item, &format!("{place}[{n}]"), true))
        }
        Value::Object(members) => {
            members.iter().find_map(|(name, item)| unsound_at(item, &format!("{place}.{name}"), false))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn parts_and_wholes() {
        let number: Value = serde_json::from_str("{\"v\": 1.0}").unwrap();
        let other: Value = serde_json::from_str("{\"v\": 1.00, \"id\": \"x\"}").unwrap();
        assert!(lacks(&number, &other).is_some() && differs(&own(&number), &own(&other)).is_some());
        let whole = json!({"a": [{"b": 1, "c": 2}], "id": "1"});
        assert_eq!(lacks(&whole, &json!({"a": [{"b": 1}]})), None);
        assert_eq!(lacks(&whole, &json!({"a": []})).as_deref(), Some("a has 1 members, not 0"));
        assert_eq!(lacks(&whole, &json!({"d": 1})).as_deref(), Some("d is missing"));
        assert_eq!(differs(&own(&whole), &own(&json!({"a": [{"b": 1, "c": 2}], "id": "2", "meta": {}}))), None);
        assert!(differs(&json!({}), &json!({"x": 1})).is_some());
    }

    #[test]
    fn unsound_values() {
        for (value, sound) in [
            (json!({"a": [null, "b"], "_a": [{"id": "x"}, null]}), true),
            (json!({"a": null}), false),
            (json!({"a": [null]}), false),
            (json!({"a": ""}), false),
            (json!({"a": {}}), false),
            (json!({"a": [{"b": []}]}), false),
        ] {
            assert_eq!(unsound(&value).is_none(), sound, "{value}");
        }
    }
}
