//! What the addresses in a transaction's resources stand for (http.html#trules: replacing hyperlinks and full-urls; condref).

use std::collections::HashMap;

use serde_json::Value;

use super::prepare::Body;
use super::transaction::each_string;
use super::{Stop, rules};
use crate::fault::Status;
use crate::fhir::{PatientKey, ResourceType};

/// Elements of type canonical: an address there names a definition, wherever it lies, and stays.
const CANONICAL: [&str; 14] = [
    "canonical",
    "definitionCanonical",
    "derivedFrom",
    "imports",
    "instantiates",
    "instantiatesCanonical",
    "library",
    "measure",
    "profile",
    "questionnaire",
    "supplements",
    "targetProfile",
    "valueCanonical",
    "valueSet",
];

/// What addresses stand for.
#[derive(Debug, Default)]
pub(super) struct Links {
    /// By fullUrl: the reference of the resource that the entry came to be.
    by_url: HashMap<String, String>,
    /// By conditional reference: the reference of the resource that it means, once that is found.
    pub(super) criteria: HashMap<String, Option<String>>,
}

impl Links {
    /// The conditional references in resources.
    pub(super) fn gather(resources: &[&Value]) -> Self {
        let mut links = Links::default();
        for resource in resources {
            each_string(resource, "", &mut |name, text| {
                if name == "reference" && is_conditional(text) {
                    links.criteria.insert(text.to_owned(), None);
                }
            });
        }
        links
    }

    /// Learns what a fullUrl stands for; false when it stands for something already.
    pub(super) fn learn(&mut self, full_url: &str, reference: String) -> bool {
        self.by_url.insert(full_url.to_owned(), reference).is_none()
    }

    /// The record of the Patient that an address stands for.
    pub(super) fn patient(&self, address: &str) -> Option<PatientKey> {
        let reference = self.by_url.get(address).or_else(|| self.criteria.get(address)?.as_ref())?;
        reference.strip_prefix("Patient/").map(PatientKey::of_id)
    }

    /// Puts the addresses of a resource right. One that looks like an entry's and is none's is refused.
    pub(super) fn put_right(&self, body: &mut Body<'_>) -> Result<(), Stop> {
        let (mut is_changed, mut unresolved) = (false, false);
        self.value(&mut body.value, "", &mut is_changed, &mut unresolved);
        if unresolved {
            return Err(Stop::because(Status::BadRequest, &rules::UNRESOLVED, ""));
        }
        if is_changed {
            body.has_changed();
        }
        Ok(())
    }

    fn value(&self, value: &mut Value, name: &str, is_changed: &mut bool, unresolved: &mut bool) {
        match value {
            Value::String(text) => {
                if let Some(other) = self.string(name, text, unresolved) {
                    *text = other;
                    *is_changed = true;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.value(item, name, is_changed, unresolved)),
            Value::Object(members) => {
                for (name, item) in members {
                    self.value(item, name, is_changed, unresolved);
                }
            }
            _ => {}
        }
    }

    fn string(&self, name: &str, text: &str, unresolved: &mut bool) -> Option<String> {
        if CANONICAL.contains(&name) {
            return None;
        }
        if name == "div" {
            return self.narrative(text);
        }
        if name == "reference" && is_conditional(text) {
            return self.criteria.get(text).cloned().flatten();
        }
        // A fragment or a version behind the address stays behind what it stands for.
        let (address, rest) = text.split_at(text.find("/_history/").or_else(|| text.find('#')).unwrap_or(text.len()));
        match self.by_url.get(address) {
            Some(reference) => Some(format!("{reference}{}", rest.strip_prefix("/_history/").map_or(rest, |_| ""))),
            None => {
                *unresolved |= name == "reference" && (text.starts_with("urn:uuid:") || text.starts_with("urn:oid:"));
                None
            }
        }
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
            match self.by_url.get(address).filter(|_| is_address) {
                Some(reference) => {
                    out.push_str(reference);
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

/// `Type?criteria`
fn is_conditional(text: &str) -> bool {
    text.split_once('?').is_some_and(|(name, _)| ResourceType::parse(name).is_some())
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn right(links: &Links, mut value: Value) -> (Value, bool) {
        let (mut is_changed, mut unresolved) = (false, false);
        links.value(&mut value, "", &mut is_changed, &mut unresolved);
        (value, unresolved)
    }

    #[test]
    fn addresses_are_put_right_wherever_they_stand_and_canonicals_stay() {
        let mut links = Links::default();
        assert!(links.learn("urn:uuid:1", "Patient/p".into()));
        assert!(!links.learn("urn:uuid:1", "Patient/q".into()));
        let (value, unresolved) = right(
            &links,
            json!({"subject": {"reference": "urn:uuid:1"}, "valueUri": "urn:uuid:1", "profile": ["urn:uuid:1"],
                "list": [{"url": "urn:uuid:1"}], "note": "urn:uuid:1 said",
                "text": {"div": "<div><a href=\"urn:uuid:1\">x</a><img src=\"urn:uuid:1\" alt=\"urn:uuid:1\"/></div>"}}),
        );
        assert_eq!(
            value,
            json!({"subject": {"reference": "Patient/p"}, "valueUri": "Patient/p", "profile": ["urn:uuid:1"],
                "list": [{"url": "Patient/p"}], "note": "urn:uuid:1 said",
                "text": {"div": "<div><a href=\"Patient/p\">x</a><img src=\"Patient/p\" alt=\"urn:uuid:1\"/></div>"}})
        );
        assert!(!unresolved);
        assert!(right(&links, json!({"subject": {"reference": "urn:uuid:2"}})).1);
        assert_eq!(links.patient("urn:uuid:1"), Some(PatientKey::of_id("p")));
    }

    #[test]
    fn conditional_references_are_gathered_and_replaced() {
        let resource = json!({"subject": {"reference": "Patient?identifier=a|b"}, "display": "Patient?x=y"});
        let mut links = Links::gather(&[&resource]);
        assert_eq!(links.criteria.keys().collect::<Vec<_>>(), ["Patient?identifier=a|b"]);
        links.criteria.insert("Patient?identifier=a|b".into(), Some("Patient/p".into()));
        assert_eq!(right(&links, resource).0["subject"]["reference"], "Patient/p");
    }
}
