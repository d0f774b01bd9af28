//! Resources and what they refer to (documents.html#content: "directly or indirectly referenced"), as far as a caller may
//! see it.

use std::collections::{HashSet, VecDeque};

use serde_json::Value;
use uuid::Uuid;

use super::rules;
use crate::api::criteria::{self, Found};
use crate::api::write::Stop;
use crate::api::write::transaction::each_string;
use crate::app::Gateway;
use crate::consent::{Caller, Permitted};
use crate::fault::{Fault, Status};
use crate::fhir::reference::Literal;
use crate::fhir::{PatientKey, ResourceId, ResourceType, Writer, time};

/// Resources of one document.
pub(super) const RESOURCES_MAX: usize = 10_000;
/// Offset, in minutes, of the instants that are written: Japan's.
pub(super) const ZONE_MINUTES: i16 = 540;

/// The type and id of a resource.
pub(super) type Name = (ResourceType, ResourceId);

/// The resources that are reached, in the order they are met, those that it began with first.
pub(super) struct Graph {
    /// The resources.
    pub(super) found: Vec<Found>,
    /// Whether something that one of the first refers to is not there for the caller.
    pub(super) misses: bool,
}

/// Where references are followed from, and how far.
pub(super) struct Way<'a> {
    pub(super) gateway: &'a Gateway,
    pub(super) caller: &'a Caller,
    /// Whether resources of a type are taken in.
    pub(super) takes: &'a dyn Fn(ResourceType) -> bool,
}

impl Way<'_> {
    /// Follows references from `first`, breadth first. What is not there and what the caller may not see are the same.
    /// Blocks on storage.
    pub(super) fn follow(&self, first: Vec<Found>) -> Result<Graph, Stop> {
        let mut known: HashSet<Name> = first.iter().map(|found| (found.resource_type, found.id.clone())).collect();
        let (mut graph, mut firsts) = (Graph { found: Vec::new(), misses: false }, first.len());
        let mut waiting = VecDeque::from(first);
        while let Some(found) = waiting.pop_front() {
            for name in references(&found.body()?, self.gateway.base_url())? {
                if !(self.takes)(name.0) || known.contains(&name) {
                    continue;
                }
                match criteria::by_id(self.gateway, self.caller, name.0, &name.1)? {
                    Some(next) => waiting.push_back(next),
                    None => graph.misses |= firsts > 0,
                }
                known.insert(name);
            }
            firsts = firsts.saturating_sub(1);
            graph.found.push(found);
            if graph.found.len() + waiting.len() > RESOURCES_MAX {
                return Err(Stop::because(Status::Unprocessable, &rules::TOO_MUCH, &RESOURCES_MAX.to_string()));
            }
        }
        Ok(graph)
    }
}

/// The resources that a resource refers to, in order: relative references, and absolute ones below `base`.
fn references(body: &str, base: &str) -> Result<Vec<Name>, Fault> {
    let resource: Value =
        serde_json::from_str(body).map_err(|_| Fault::Broken("a stored resource is not JSON".into()))?;
    let mut names = Vec::new();
    each_string(&resource, "", &mut |name, text| {
        if name != "reference" {
            return;
        }
        let of = match Literal::parse(text) {
            Literal::Relative(resource_type, id) => Some((resource_type, id)),
            Literal::Absolute(url, of) if url.strip_prefix(base).is_some_and(|rest| rest.starts_with('/')) => of,
            _ => None,
        };
        names.extend(of.and_then(|(resource_type, id)| Some((resource_type, ResourceId::parse(id)?))));
    });
    Ok(names)
}

/// `[base]/[type]/[id]`
pub(super) fn full_url(base: &str, resource_type: ResourceType, id: &str) -> String {
    format!("{base}/{}/{id}", resource_type.name())
}

/// An entry of a document.
pub(super) fn entry(url: &str, resource: &[u8]) -> Vec<u8> {
    let mut json = format!(r#"{{"fullUrl":"{url}","resource":"#).into_bytes();
    json.extend_from_slice(resource);
    json.push(b'}');
    json
}

/// A found resource as an entry of a searchset (bundle.html#searchset).
pub(super) fn matched(base: &str, found: Found) -> Result<Permitted<Vec<u8>>, Fault> {
    let url = full_url(base, found.resource_type, found.id.as_str());
    Ok(found.release()?.map(|resource| {
        let mut json = format!(r#"{{"fullUrl":"{url}","resource":"#).into_bytes();
        json.extend_from_slice(&resource);
        json.extend_from_slice(br#","search":{"mode":"match"}}"#);
        json
    }))
}

/// What a document is made of, as one name: the same resources in the same versions give the same. It tells no content.
pub(super) fn identity(purpose: &str, found: &[Found]) -> Uuid {
    let mut names: Vec<String> =
        found.iter().map(|one| format!("{}/{}/{}", one.resource_type.name(), one.id.as_str(), one.version)).collect();
    names.sort_unstable();
    Uuid::new_v5(&Uuid::NAMESPACE_OID, format!("{purpose}\u{1f}{}", names.join("\u{1f}")).as_bytes())
}

/// When the newest of them was stored, milliseconds since 1970.
pub(super) fn newest(found: &[Found]) -> i64 {
    found.iter().map(|one| one.last_updated).max().unwrap_or_default()
}

/// How many resources of which record.
pub(super) fn by_record(found: &[Found]) -> Vec<(PatientKey, usize)> {
    let mut counts = std::collections::BTreeMap::new();
    found.iter().for_each(|one| *counts.entry(one.patient).or_default() += 1);
    counts.into_iter().collect()
}

/// A Bundle of type document (bdl-9, bdl-10): identifier and timestamp, then the entries, the Composition first.
pub(super) fn document(id: Uuid, timestamp: i64, entries: &[Vec<u8>]) -> Vec<u8> {
    let mut w = Writer::new();
    w.string("resourceType", "Bundle");
    w.object("identifier", |w| {
        w.string("system", "urn:ietf:rfc:3986");
        w.string("value", &format!("urn:uuid:{id}"));
    });
    w.string("type", "document");
    w.string("timestamp", &time::instant(timestamp, ZONE_MINUTES));
    let head = w.finish();
    let length: usize = entries.iter().map(|entry| entry.len() + 1).sum();
    let mut json = Vec::with_capacity(head.len() + length + 16);
    json.extend_from_slice(format!(r#"{{{head},"entry":["#).as_bytes());
    for (at, entry) in entries.iter().enumerate() {
        if at > 0 {
            json.push(b',');
        }
        json.extend_from_slice(entry);
    }
    json.extend_from_slice(b"]}");
    json
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn references_of_this_server_are_found_in_order_wherever_they_stand() {
        let body = r##"{"subject":{"reference":"Patient/1"},"section":[{"entry":[{"reference":"http://a.example/fhir/Condition/c/_history/2"},
            {"reference":"#x"},{"reference":"http://b.example/fhir/Condition/d"},{"reference":"urn:uuid:1"}]}],
            "contained":[{"asserter":{"reference":"Practitioner/p"}}],"note":"Patient/9","identifier":{"value":"Patient/8"}}"##;
        let names: Vec<String> = references(body, "http://a.example/fhir")
            .unwrap()
            .iter()
            .map(|(resource_type, id)| format!("{}/{}", resource_type.name(), id.as_str()))
            .collect();
        assert_eq!(names, ["Patient/1", "Condition/c", "Practitioner/p"]);
        assert!(references("{", "").is_err());
        assert_eq!(references(body, "http://a.example/fh").unwrap().len(), 2);
    }
}
