//! Fragments of documents, and what an entry becomes.

use serde_json::Value;

use super::{Within, map};
use crate::fhir::{FacilityCode, PatientKey};
use crate::map::{Change, Output};

/// An output that nothing was written to.
pub(in crate::map::cda) fn output() -> Output {
    let facility = FacilityCode::parse("0119999901");
    Output::new(PatientKey::derive(&facility, "0000000001"), facility, 540, None)
}

/// The tree of a fragment.
pub(in crate::map::cda) fn parse(xml: &str) -> roxmltree::Document<'_> {
    roxmltree::Document::parse(xml).unwrap()
}

/// What a fragment of an entry becomes in a section of this code; narrative ids give `text of <id>`.
pub(super) fn map_entry(statement: &str, section_code: &str) -> (Output, Vec<String>) {
    let xml = format!(
        "<entry xmlns=\"urn:hl7-org:v3\" xmlns:sdtc=\"urn:hl7-org:sdtc\" \
         xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{statement}</entry>"
    );
    let document = parse(&xml);
    let mut out = output();
    let text = |id: &str| Some(format!("text of {id}"));
    let within = Within { section_code, section_system: "", author: None, encounter: None, text: &text };
    let references = map(document.root_element(), &within, &mut out);
    (out, references)
}

/// The only resource of a type.
pub(super) fn resource(out: &Output, name: &str) -> Value {
    let mut found = resources(out, name);
    assert_eq!(found.len(), 1, "{name}");
    found.remove(0)
}

/// The resources of a type.
pub(super) fn resources(out: &Output, name: &str) -> Vec<Value> {
    let drafts = out.changes().iter().filter_map(|change| match change {
        Change::Put(draft) | Change::PutWeak(draft) => Some(draft),
        _ => None,
    });
    drafts.filter(|d| d.resource_type.name() == name).map(|d| serde_json::from_str(&d.json(None)).unwrap()).collect()
}

/// The rules that were noticed.
pub(super) fn issues(out: &Output) -> Vec<&'static str> {
    out.issues().iter().map(|issue| issue.rule.id).collect()
}

/// A code of SNOMED CT as the value of an observation.
pub(super) fn snomed(code: &str, display: &str) -> String {
    format!(r#"<value xsi:type="CD" code="{code}" codeSystem="2.16.840.1.113883.6.96" displayName="{display}"/>"#)
}

/// A template of C-CDA.
pub(super) fn ccda(number: &str) -> String {
    format!(r#"<templateId root="2.16.840.1.113883.10.20.22.4.{number}"/>"#)
}

mod acts;
mod allergy;
mod condition;
mod identity;
mod japan;
mod medication;
mod observation;
