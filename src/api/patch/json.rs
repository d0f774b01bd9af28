//! JSON Patch (RFC 6902).

use json_patch::{Patch, PatchErrorKind};
use serde_json::Value;

use crate::api::write::Stop;
use crate::api::write::rules;
use crate::fault::{Fault, Status};

/// Operations of one patch.
pub(in crate::api) const OPERATIONS_MAX: usize = 1000;
/// Longest resource that a patch may come to: each copy of a part of itself can double it.
pub(in crate::api) const PATCHED_BYTES_MAX: usize = 16 << 20;

/// The resource after all operations; none of them counts unless all succeed.
pub(in crate::api) fn apply(resource: &str, patch: &str) -> Result<String, Stop> {
    let unreadable = |detail: &str| Stop::because(Status::BadRequest, &rules::PATCH_UNREADABLE, detail);
    let patch: Patch = serde_json::from_str(patch)
        .map_err(|error| unreadable(&format!("line {}, column {}", error.line(), error.column())))?;
    if patch.0.len() > OPERATIONS_MAX {
        return Err(unreadable(&format!("{OPERATIONS_MAX}")));
    }
    let mut value: Value =
        serde_json::from_str(resource).map_err(|_| Fault::Broken("a stored resource is not JSON".into()))?;
    for (at, operation) in patch.0.iter().enumerate() {
        json_patch::patch(&mut value, std::slice::from_ref(operation)).map_err(|error| {
            let rule = match error.kind {
                PatchErrorKind::TestFailed => &rules::PATCH_TEST_FAILED,
                _ => &rules::PATCH_PATH,
            };
            Stop::because(Status::Unprocessable, rule, &at.to_string())
        })?;
        if size(&value) > PATCHED_BYTES_MAX {
            return Err(unreadable(&format!("{PATCHED_BYTES_MAX}")));
        }
    }
    emptied(&mut value);
    Ok(value.to_string())
}

/// Takes away what the operations left empty, all the way up: FHIR has no empty arrays and objects (json.html). Whether
/// that leaves a null in a list is for validation to say.
fn emptied(value: &mut Value) {
    let is_empty = |value: &Value| match value {
        Value::Array(items) => items.is_empty(),
        Value::Object(members) => members.is_empty(),
        _ => false,
    };
    match value {
        Value::Array(items) => items.iter_mut().for_each(emptied),
        Value::Object(members) => members.retain(|_, member| {
            emptied(member);
            !is_empty(member)
        }),
        _ => {}
    }
}

/// About how many bytes a value takes as text.
pub(super) fn size(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(|item| size(item) + 1).sum::<usize>() + 2,
        Value::Object(members) => members.iter().map(|(name, item)| name.len() + size(item) + 4).sum::<usize>() + 2,
        Value::String(text) => text.len() + 2,
        _ => 5,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PATIENT: &str = r#"{"resourceType":"Patient","id":"p","active":true,"name":[{"family":"見本"}],"x":1.50}"#;

    fn applied(patch: &str) -> Result<String, Status> {
        apply(PATIENT, patch).map_err(|stop| match stop {
            Stop::Refused(status, _) => status,
            _ => Status::Broken,
        })
    }

    #[test]
    fn all_operations_or_none() {
        let patched = applied(
            r#"[{"op":"test","path":"/active","value":true},{"op":"replace","path":"/active","value":false},
            {"op":"add","path":"/name/-","value":{"family":"b"}},{"op":"copy","from":"/name/0","path":"/name/1"},
            {"op":"move","from":"/name/2","path":"/name/0"},{"op":"remove","path":"/name/1"}]"#,
        );
        let expected =
            r#"{"resourceType":"Patient","id":"p","active":false,"name":[{"family":"b"},{"family":"見本"}],"x":1.50}"#;
        assert_eq!(patched.as_deref(), Ok(expected));
    }

    #[test]
    fn what_cannot_be_done_says_which_operation() {
        let refused = |status| Err(status);
        assert_eq!(applied("{"), refused(Status::BadRequest));
        assert_eq!(applied(r#"[{"op":"jump","path":"/active"}]"#), refused(Status::BadRequest));
        assert_eq!(applied(r#"[{"op":"remove","path":"/nothing"}]"#), refused(Status::Unprocessable));
        assert_eq!(applied(r#"[{"op":"test","path":"/active","value":1}]"#), refused(Status::Unprocessable));
    }

    #[test]
    fn what_is_emptied_is_gone() {
        let patched = applied(r#"[{"op":"remove","path":"/name/0/family"},{"op":"add","path":"/name/-","value":{}}]"#);
        let expected = r#"{"resourceType":"Patient","id":"p","active":true,"name":[{},{}],"x":1.50}"#;
        assert_eq!(patched.as_deref(), Ok(expected), "an item of a list is not taken away unasked");
        let patched = applied(r#"[{"op":"remove","path":"/name/0"}]"#);
        assert_eq!(patched.as_deref(), Ok(r#"{"resourceType":"Patient","id":"p","active":true,"x":1.50}"#));
    }

    #[test]
    fn a_patch_has_an_end() {
        let many = |count| format!("[{}]", vec![r#"{"op":"test","path":"/active","value":true}"#; count].join(","));
        assert!(applied(&many(OPERATIONS_MAX)).is_ok());
        assert_eq!(applied(&many(OPERATIONS_MAX + 1)), Err(Status::BadRequest));
        let doubling = vec![r#"{"op":"copy","from":"","path":"/name/-"}"#; 60].join(",");
        assert_eq!(applied(&format!("[{doubling}]")), Err(Status::BadRequest));
    }
}
