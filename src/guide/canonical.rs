//! A definition that is known by a URL and a version (references.html#canonical), kept packed: definitions are many and large,
//! and few are looked at.

use serde::Deserialize;
use serde_json::Value;

use crate::fhir::{ResourceType, oid};

/// Effort of the packing: definitions repeat themselves, little finds it.
const LEVEL: i32 = 3;

/// A definition with a canonical URL.
#[derive(Clone)]
pub struct CanonicalResource {
    /// Its type.
    pub resource_type: ResourceType,
    /// `url`; of a CodeSystem in the form in which systems are compared ([`oid::canonical`]).
    pub url: Box<str>,
    /// `version`.
    pub version: Option<Box<str>>,
    /// `supplements`: the code system, in the same form, about whose concepts a CodeSystem says more.
    pub supplements: Option<Box<str>>,
    packed: Box<[u8]>,
    bytes: usize,
}

/// What should be a resource is no JSON object.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotJson;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Head {
    resource_type: Option<String>,
    url: Option<String>,
    version: Option<String>,
    supplements: Option<String>,
}

impl CanonicalResource {
    /// Keeps a resource, when it is of a wanted type and states a URL.
    pub fn read(json: &[u8], wanted: &[ResourceType]) -> Result<Option<Self>, NotJson> {
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let head: Head = serde_json::from_slice(json).map_err(|_| NotJson)?;
        let resource_type = head.resource_type.as_deref().and_then(ResourceType::parse);
        let (Some(resource_type), Some(url)) = (resource_type.filter(|of| wanted.contains(of)), head.url) else {
            return Ok(None);
        };
        let url = match resource_type {
            ResourceType::CODE_SYSTEM => oid::canonical(&url).into(),
            _ => url.into(),
        };
        let packed = zstd::bulk::compress(json, LEVEL).map_err(|_| NotJson)?.into();
        Ok(Some(CanonicalResource {
            resource_type,
            url,
            version: head.version.map(Into::into),
            supplements: head.supplements.map(|of| oid::canonical(super::split(&of).0).into()),
            packed,
            bytes: json.len(),
        }))
    }

    /// The resource. `None` only when memory was damaged.
    pub fn json(&self) -> Option<Value> {
        serde_json::from_slice(&zstd::bulk::decompress(&self.packed, self.bytes).ok()?).ok()
    }

    /// The memory that it takes, bytes.
    pub fn memory_bytes(&self) -> usize {
        size_of::<Self>() + self.packed.len() + self.url.len() + self.version.as_ref().map_or(0, |v| v.len())
    }
}

impl std::fmt::Debug for CanonicalResource {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{:?} {}|{}", self.resource_type, self.url, self.version.as_deref().unwrap_or_default())
    }
}
