//! Patches (http.html#patch): a resource as text and a patch in, the resource as it is to be out. What comes out is checked
//! like any resource that is stated.

use serde_json::Value;

pub(super) mod fhirpath;
pub(super) mod json;

/// A patched resource without a narrative that tells what it said before (narrative.html#status). One that was generated from
/// the elements is no longer true when others of them change, and a patch seldom brings a new one. What a person wrote
/// (`additional`) stays: nothing else may say it.
pub(super) fn without_stale_narrative(before: &str, after: String) -> String {
    let (Ok(mut old), Ok(mut new)) = (serde_json::from_str::<Value>(before), serde_json::from_str::<Value>(&after))
    else {
        return after;
    };
    let status = new.pointer("/text/status").and_then(Value::as_str);
    let is_generated = matches!(status, Some("generated" | "extensions"));
    if !is_generated || old.get("text") != new.get("text") {
        return after;
    }
    for members in [&mut old, &mut new].into_iter().filter_map(Value::as_object_mut) {
        members.retain(|name, _| !matches!(name.as_str(), "text" | "meta"));
    }
    if old == new {
        return after;
    }
    let Ok(mut whole) = serde_json::from_str::<Value>(&after) else { return after };
    whole.as_object_mut().and_then(|members| members.shift_remove("text"));
    whole.to_string()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn a_narrative_is_left_when_nothing_it_tells_has_changed() {
        let patient = |status: &str, family: &str, text: &str, tag: &str| {
            json!({"resourceType": "Patient", "meta": {"tag": [{"code": tag}]}, "name": [{"family": family}],
                "text": {"status": status, "div": text}})
        };
        let before = patient("generated", "a", "a", "x");
        for (after, is_left) in [
            (patient("generated", "b", "a", "x"), false),
            (patient("generated", "b", "b", "x"), true),
            (patient("generated", "a", "a", "y"), true),
            (before.clone(), true),
        ] {
            let kept: Value =
                serde_json::from_str(&without_stale_narrative(&before.to_string(), after.to_string())).unwrap();
            assert_eq!(kept.get("text").is_some(), is_left, "{after}");
            assert_eq!(kept["name"], after["name"]);
        }
        for (status, is_left) in [("additional", true), ("extensions", false), ("empty", true)] {
            let (before, after) = (patient(status, "a", "a", "x"), patient(status, "b", "a", "x"));
            let kept = without_stale_narrative(&before.to_string(), after.to_string());
            assert_eq!(kept.contains("\"div\""), is_left, "{status}");
        }
    }
}
