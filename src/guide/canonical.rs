//! A definition that is known by a URL and a version (references.html#canonical), kept packed: definitions are many and large,
//! and few are looked at.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::IgnoredAny;
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
    /// Of a StructureDefinition that constrains a type of resource: that type.
    pub profile_of: Option<ResourceType>,
    /// `supplements`: the code system, in the same form, about whose concepts a CodeSystem says more.
    pub supplements: Option<Box<str>>,
    packed: Arc<[u8]>,
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
    #[serde(rename = "type")]
    constrained: Option<Stated>,
    derivation: Option<Stated>,
    #[serde(rename = "abstract")]
    is_abstract: Option<Stated>,
}

/// What other types of resources may say in another form.
#[derive(Deserialize)]
#[serde(untagged)]
enum Stated {
    Text(String),
    Flag(bool),
    Other(IgnoredAny),
}

impl Head {
    fn profile_of(&self, resource_type: ResourceType) -> Option<ResourceType> {
        let (Some(Stated::Text(of)), Some(Stated::Text(derivation))) = (&self.constrained, &self.derivation) else {
            return None;
        };
        let is_concrete = !matches!(self.is_abstract, Some(Stated::Flag(true)));
        let is_profile = resource_type == ResourceType::STRUCTURE_DEFINITION && derivation == "constraint";
        ResourceType::parse(of).filter(|_| is_profile && is_concrete)
    }
}

impl CanonicalResource {
    /// Keeps a resource, when it is of a wanted type and states a URL.
    pub fn read(json: &[u8], wanted: &[ResourceType]) -> Result<Option<Self>, NotJson> {
        let json = json.strip_prefix(b"\xef\xbb\xbf").unwrap_or(json);
        let head: Head = serde_json::from_slice(json).map_err(|_| NotJson)?;
        let resource_type = head.resource_type.as_deref().and_then(ResourceType::parse);
        let Some(resource_type) = resource_type.filter(|of| wanted.contains(of)) else { return Ok(None) };
        let profile_of = head.profile_of(resource_type);
        let Some(url) = head.url else { return Ok(None) };
        let url = match resource_type {
            ResourceType::CODE_SYSTEM => oid::canonical(&url).into(),
            _ => url.into(),
        };
        let packed = zstd::bulk::compress(json, LEVEL).map_err(|_| NotJson)?.into();
        Ok(Some(CanonicalResource {
            resource_type,
            url,
            version: head.version.map(Into::into),
            profile_of,
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
