//! Drafts: resources before they have a version.

use uuid::Uuid;

use super::json::{self, Members};
use super::{ResourceId, ResourceType, Writer};

/// A resource as mapped or received, before it has a version: everything but `versionId` and `lastUpdated`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Draft {
    /// Its type.
    pub resource_type: ResourceType,
    /// Its logical id.
    pub id: ResourceId,
    /// The members of `meta` other than `versionId` and `lastUpdated`, as JSON text without the braces; may be empty.
    pub meta: String,
    /// All members other than `resourceType`, `id` and `meta`, as JSON text without the outer braces; may be empty.
    pub members: String,
    /// The business time of what it says, milliseconds since 1970 (発生日時 of the file, MSH-7): an older one never
    /// overwrites a newer one.
    pub occurred: Option<i64>,
}

impl Draft {
    /// The draft of a received resource: every member in its place, every number and string as it was sent (design
    /// invariant 8). `replace` sees the strings that may be references (see [`json::copy`]).
    pub fn received(
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

    /// A draft from a finished writer.
    pub fn new(resource_type: ResourceType, id: ResourceId, writer: Writer) -> Self {
        Draft { resource_type, id, meta: String::new(), members: writer.finish(), occurred: None }
    }

    /// The resource as JSON; with `version` its `meta` says number and instant, as a stored one does.
    pub fn json(&self, version: Option<(u32, &str)>) -> String {
        let mut out = String::with_capacity(self.members.len() + self.meta.len() + 160);
        out.push_str("{\"resourceType\":\"");
        out.push_str(self.resource_type.name());
        out.push_str("\",\"id\":\"");
        out.push_str(self.id.as_str());
        out.push('"');
        if version.is_some() || !self.meta.is_empty() {
            out.push_str(",\"meta\":{");
            if let Some((number, instant)) = version {
                out.push_str("\"versionId\":\"");
                out.push_str(&number.to_string());
                out.push_str("\",\"lastUpdated\":\"");
                out.push_str(instant);
                out.push('"');
                if !self.meta.is_empty() {
                    out.push(',');
                }
            }
            out.push_str(&self.meta);
            out.push('}');
        }
        if !self.members.is_empty() {
            out.push(',');
            out.push_str(&self.members);
        }
        out.push('}');
        out
    }

    /// A hash of everything a version says; equal hashes mean that nothing would change.
    pub fn content_hash(&self) -> u128 {
        let name = format!("{}\u{1f}{}\u{1f}{}", self.resource_type.name(), self.meta, self.members);
        Uuid::new_v5(&Uuid::NAMESPACE_OID, name.as_bytes()).as_u128()
    }

    /// `Type/id`.
    pub fn reference(&self) -> String {
        format!("{}/{}", self.resource_type.name(), self.id.as_str())
    }
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_the_servers_goes_and_the_rest_stays_as_sent() {
        let text = r#"{"id":"x","resourceType":"Basic","meta":{"lastUpdated":"2026-01-01T00:00:00Z","tag":[{"code":"a"}],"versionId":"9"},
            "b" : [ 1.0, "\u3042" ], "a":{"reference":"urn:uuid:1"}}"#;
        let basic = ResourceType::parse("Basic").unwrap();
        let id = ResourceId::parse("new").unwrap();
        let draft = Draft::received(basic, id, &Members::of(text).unwrap(), |_, v| {
            (v == "urn:uuid:1").then(|| "Basic/2".into())
        });
        assert_eq!(draft.meta, r#""tag":[{"code":"a"}]"#);
        assert_eq!(draft.members, r#""b":[1.0,"\u3042"],"a":{"reference":"Basic/2"}"#);
    }
}
