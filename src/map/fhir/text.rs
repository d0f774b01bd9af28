//! Drafts from received text: every member in its place, every number and string as it was sent (design invariant 8).

use crate::fhir::json::{self, Members};
use crate::fhir::{Draft, ResourceId, ResourceType};

/// Makes the draft of a received resource. `replace` sees the strings that may be references (see [`json::copy`]).
pub(super) fn draft(
    resource_type: ResourceType,
    id: ResourceId,
    received: &Members<'_>,
    mut replace: impl FnMut(&str, &str) -> Option<String>,
) -> Draft {
    let mut members = String::new();
    let mut meta = String::new();
    for (name, value) in &received.0 {
        match name.as_ref() {
            "resourceType" | "id" => {}
            "meta" => meta = meta_without_version(value),
            name => member(&mut members, name, value, &mut replace),
        }
    }
    Draft { resource_type, id, meta, members, occurred: None }
}

/// The members of `meta` that are the sender's: `versionId` and `lastUpdated` are the server's (resource.html#Meta).
fn meta_without_version(meta: &str) -> String {
    let mut out = String::new();
    for (name, value) in Members::of(meta).map(|m| m.0).unwrap_or_default() {
        if !matches!(name.trim_start_matches('_'), "versionId" | "lastUpdated") {
            member(&mut out, &name, value, &mut |_, _| None);
        }
    }
    out
}

fn member(out: &mut String, name: &str, value: &str, replace: &mut impl FnMut(&str, &str) -> Option<String>) {
    if !out.is_empty() {
        out.push(',');
    }
    // Through `copy`, so that a plain string value is seen together with its name.
    let quoted = serde_json::Value::from(name).to_string();
    json::copy(&format!("{quoted}:{value}"), out, replace);
}

/// Puts `"reference"` first into the object that is the text of a member.
pub(super) fn with_reference(object: &str, reference: &str) -> String {
    let inside = object.trim_start().strip_prefix('{').unwrap_or_default();
    let comma = if inside.trim_start().starts_with('}') { "" } else { "," };
    format!("{{\"reference\":\"{reference}\"{comma}{inside}")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_servers_goes_and_the_rest_stays_as_sent() {
        let text = r#"{"id":"x","resourceType":"Basic","meta":{"lastUpdated":"2026-01-01T00:00:00Z","tag":[{"code":"a"}],"versionId":"9"},
            "b" : [ 1.0, "\u3042" ], "a":{"reference":"urn:uuid:1"}}"#;
        let basic = ResourceType::parse("Basic").unwrap();
        let id = ResourceId::parse("new").unwrap();
        let draft = draft(basic, id, &Members::of(text).unwrap(), |_, v| (v == "urn:uuid:1").then(|| "Basic/2".into()));
        assert_eq!(draft.meta, r#""tag":[{"code":"a"}]"#);
        assert_eq!(draft.members, r#""b":[1.0,"\u3042"],"a":{"reference":"Basic/2"}"#);
    }

    #[test]
    fn a_reference_is_put_first() {
        assert_eq!(with_reference(" {\"a\":1}", "Patient/1"), r#"{"reference":"Patient/1","a":1}"#);
        assert_eq!(with_reference("{ }", "Patient/1"), r#"{"reference":"Patient/1" }"#);
    }
}
