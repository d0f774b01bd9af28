//! What the addresses in a transaction's resources stand for (http.html#trules: replacing hyperlinks and full-urls; condref).

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::prepare::Body;
use super::transaction::each_string;
use super::{Stop, rules};
use crate::fault::Status;
use crate::fhir::{PatientKey, ResourceType, r4};

/// What stands between the address of a resource and that of one of its versions.
const VERSION: &str = "/_history/";

/// What addresses stand for.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// By fullUrl: the resource that the entry came to be.
    by_url: HashMap<String, Meant>,
    /// By conditional reference: the reference of the resource that it means, once that is found.
    pub(super) criteria: HashMap<String, Option<String>>,
    /// The addresses of which a reference names a version.
    versioned: HashSet<String>,
}

/// The resource that an entry came to be.
#[derive(Clone, Debug)]
pub(super) struct Meant {
    /// `Type/id`
    pub(super) reference: String,
    /// The version that is current once the transaction is done, where a reference may name it.
    pub(super) version: Option<u32>,
    /// The version under which references of the Bundle know it, as its `meta.versionId` says; `None` where each means it.
    pub(super) known_as: Option<String>,
}

impl Links {
    /// Takes up the conditional references of a resource, and those that name a version.
    pub(super) fn gather(&mut self, resource: &Value) {
        each_string(resource, "", &mut |name, text| {
            if name == "reference" && is_conditional(text) {
                self.criteria.insert(text.to_owned(), None);
            } else if name == "reference"
                && let Some((address, _)) = text.split_once(VERSION)
            {
                self.versioned.insert(address.to_owned());
            }
        });
    }

    /// Whether what they stand for depends on what is on record.
    pub(super) fn depend(&self) -> bool {
        !self.criteria.is_empty() || !self.versioned.is_empty()
    }

    /// Whether a reference names a version of what is at this address.
    pub(super) fn names_version(&self, address: &str) -> bool {
        self.versioned.contains(address)
    }

    /// Learns what a fullUrl stands for; false when it stands for something already.
    pub(super) fn learn(&mut self, full_url: &str, meant: Meant) -> bool {
        self.by_url.insert(full_url.to_owned(), meant).is_none()
    }

    /// The record of the Patient that an address stands for.
    pub(super) fn patient(&self, address: &str) -> Option<PatientKey> {
        let (at, _) = parted(address);
        let by_url = self.by_url.get(at).map(|meant| &meant.reference);
        let reference = by_url.or_else(|| self.criteria.get(address)?.as_ref())?;
        reference.strip_prefix("Patient/").map(PatientKey::of_id)
    }

    /// Whether an address is a conditional reference of which it is not known yet what it means.
    pub(super) fn is_open(&self, address: &str) -> bool {
        self.criteria.get(address).is_some_and(Option::is_none)
    }

    /// Puts the addresses of a resource right: references, elements of type uri, url, oid and uuid, and the narrative. A
    /// canonical names a definition wherever that lies, and stays. A reference that looks like an entry's and is none's is
    /// refused.
    pub(super) fn put_right(&self, body: &mut Body<'_>) -> Result<(), Stop> {
        let mut done = Done::default();
        self.resource(&mut body.value, &mut done);
        if done.unresolved {
            return Err(Stop::because(Status::BadRequest, &rules::UNRESOLVED, ""));
        }
        if done.is_changed {
            body.has_changed();
        }
        Ok(())
    }

    /// The same as far as it is known what addresses stand for.
    pub(super) fn put_right_so_far(&self, resource: &mut Value) {
        self.resource(resource, &mut Done::default());
    }

    fn resource(&self, resource: &mut Value, done: &mut Done) {
        let kind = resource.get("resourceType").and_then(Value::as_str).and_then(ResourceType::parse);
        if let Some(kind) = kind {
            self.value(resource, kind.name(), done);
        }
    }

    fn value(&self, value: &mut Value, kind: &'static str, done: &mut Done) {
        match value {
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item, kind, done)),
            Value::Object(_) if kind == "Resource" => self.resource(value, done),
            Value::Object(members) => {
                for (name, item) in members {
                    let Some((_, of)) = r4::member(kind, name) else { continue };
                    match (item, of) {
                        (Value::String(text), "string") if kind == "Reference" && name == "reference" => {
                            let other = self.reference(text, done);
                            done.put(text, other);
                        }
                        (Value::String(text), "uri" | "url" | "oid" | "uuid") => {
                            let other = self.address(text);
                            done.put(text, other);
                        }
                        (Value::String(text), "xhtml") => {
                            let other = self.narrative(text);
                            done.put(text, other);
                        }
                        (Value::Array(items), "uri" | "url" | "oid" | "uuid") => {
                            for item in items {
                                if let Value::String(text) = item {
                                    let other = self.address(text);
                                    done.put(text, other);
                                }
                            }
                        }
                        (item @ (Value::Array(_) | Value::Object(_)), of) => self.value(item, of, done),
                        _ => {}
                    }
                }
            }
            _ => {}
        }
    }

    fn reference(&self, text: &str, done: &mut Done) -> Option<String> {
        if is_conditional(text) {
            return self.criteria.get(text).cloned().flatten();
        }
        let found = self.address(text);
        done.unresolved |= found.is_none() && (text.starts_with("urn:uuid:") || text.starts_with("urn:oid:"));
        found
    }

    /// What an address stands for; a fragment stays behind it. One that names a version gets the version that the
    /// transaction makes, unless it means another that is on record.
    fn address(&self, text: &str) -> Option<String> {
        let (address, rest) = parted(text);
        let Meant { reference, version, known_as } = self.by_url.get(address)?;
        let Some(named) = rest.strip_prefix(VERSION) else { return Some(format!("{reference}{rest}")) };
        let is_another = known_as.as_ref().is_some_and(|known_as| known_as != named);
        Some(match version {
            Some(version) if !is_another => format!("{reference}{VERSION}{version}"),
            _ => format!("{reference}{rest}"),
        })
    }

    /// `href` and `src` of a narrative.
    fn narrative(&self, text: &str) -> Option<String> {
        if !text.contains("urn:") && !text.contains("://") {
            return None;
        }
        let (mut out, mut rest, mut is_changed) = (String::with_capacity(text.len()), text, false);
        while let Some(at) = rest.find("=\"") {
            let (before, after) = rest.split_at(at + 2);
            out.push_str(before);
            let is_address = ["href=\"", "src=\""].iter().any(|attribute| before.ends_with(attribute));
            let Some(end) = after.find('"') else {
                rest = after;
                break;
            };
            let (address, after) = after.split_at(end);
            match self.address(address).filter(|_| is_address) {
                Some(reference) => {
                    out.push_str(&reference);
                    is_changed = true;
                }
                None => out.push_str(address),
            }
            rest = after;
        }
        out.push_str(rest);
        is_changed.then_some(out)
    }
}

/// What putting right came to.
#[derive(Default)]
struct Done {
    is_changed: bool,
    unresolved: bool,
}

impl Done {
    fn put(&mut self, text: &mut String, other: Option<String>) {
        if let Some(other) = other {
            *text = other;
            self.is_changed = true;
        }
    }
}

/// An address, and the version or fragment behind it.
fn parted(text: &str) -> (&str, &str) {
    text.split_at(text.find(VERSION).or_else(|| text.find('#')).unwrap_or(text.len()))
}

/// `Type?criteria`
fn is_conditional(text: &str) -> bool {
    text.split_once('?').is_some_and(|(name, _)| ResourceType::parse(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn meant(reference: &str, version: Option<u32>, known_as: Option<&str>) -> Meant {
        Meant { reference: reference.into(), version, known_as: known_as.map(str::to_owned) }
    }

    fn right(links: &Links, mut value: Value) -> (Value, bool) {
        let mut done = Done::default();
        links.resource(&mut value, &mut done);
        (value, done.unresolved)
    }

    #[test]
    fn addresses_are_put_right_wherever_they_stand_and_canonicals_stay() {
        let mut links = Links::default();
        assert!(links.learn("urn:uuid:1", meant("Patient/p", Some(1), None)));
        let (value, unresolved) = right(
            &links,
            json!({"resourceType": "Observation", "subject": {"reference": "urn:uuid:1"},
                "identifier": [{"system": "urn:uuid:1", "value": "urn:uuid:1"}], "implicitRules": "urn:uuid:1",
                "meta": {"profile": ["urn:uuid:1"]}, "extension": [{"url": "u", "valueUri": "urn:uuid:1#x"}],
                "contained": [{"resourceType": "Group", "managingEntity": {"reference": "urn:uuid:1/_history/7"}}],
                "text": {"div": "<div><a href=\"urn:uuid:1\">x</a><img src=\"urn:uuid:1\" alt=\"urn:uuid:1\"/></div>"}}),
        );
        assert_eq!(
            value,
            json!({"resourceType": "Observation", "subject": {"reference": "Patient/p"},
                "identifier": [{"system": "Patient/p", "value": "urn:uuid:1"}], "implicitRules": "Patient/p",
                "meta": {"profile": ["urn:uuid:1"]}, "extension": [{"url": "u", "valueUri": "Patient/p#x"}],
                "contained": [{"resourceType": "Group", "managingEntity": {"reference": "Patient/p/_history/1"}}],
                "text": {"div": "<div><a href=\"Patient/p\">x</a><img src=\"Patient/p\" alt=\"urn:uuid:1\"/></div>"}})
        );
        assert!(!unresolved);
        let other = json!({"resourceType": "Observation", "subject": {"reference": "urn:uuid:2"}});
        assert!(right(&links, other).1);
        assert_eq!(links.patient("urn:uuid:1"), Some(PatientKey::of_id("p")));
        assert_eq!(links.patient("urn:uuid:1/_history/2"), Some(PatientKey::of_id("p")));
        assert!(!links.learn("urn:uuid:1", meant("Patient/q", None, None)));
    }

    #[test]
    fn a_reference_to_a_version_means_the_one_that_is_made_or_another_that_is_there() {
        let mut links = Links::default();
        links.gather(&json!({"resourceType": "Basic", "subject": {"reference": "http://x/Patient/p/_history/3"}}));
        assert!(links.names_version("http://x/Patient/p") && !links.names_version("urn:uuid:1"));
        links.learn("http://x/Patient/p", meant("Patient/p", Some(4), Some("3")));
        links.learn("http://x/Patient/q", meant("Patient/q", None, None));
        for (address, expected) in [
            ("http://x/Patient/p/_history/3", "Patient/p/_history/4"),
            ("http://x/Patient/p/_history/2", "Patient/p/_history/2"),
            ("http://x/Patient/p", "Patient/p"),
            ("http://x/Patient/q/_history/2", "Patient/q/_history/2"),
        ] {
            assert_eq!(links.address(address).as_deref(), Some(expected), "{address}");
        }
    }

    #[test]
    fn conditional_references_are_gathered_and_replaced() {
        let reference = json!({"reference": "Patient?identifier=a|b", "display": "Patient?x=y"});
        let resource = json!({"resourceType": "Observation", "subject": reference});
        let mut links = Links::default();
        links.gather(&resource);
        assert_eq!(links.criteria.keys().collect::<Vec<_>>(), ["Patient?identifier=a|b"]);
        links.criteria.insert("Patient?identifier=a|b".into(), Some("Patient/p".into()));
        assert_eq!(right(&links, resource).0["subject"]["reference"], "Patient/p");
    }
}
