//! The vocabulary of FHIR R4: resource types, ids, dates, systems, and the writer that keeps decimals as sent.

pub mod base64;
pub mod decimal;
pub mod entry;
pub mod id;
pub mod json;
pub mod kind;
pub mod oid;
pub mod outcome;
pub mod r4;
pub mod reference;
pub mod system;
pub mod time;
pub mod ucum;
pub mod writer;

pub use id::{FacilityCode, PatientKey, ResourceId};
pub use kind::ResourceType;
pub use writer::Writer;

use uuid::Uuid;

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
