//! The document as a FHIR document (R4 documents.html): a Bundle with the Composition first and everything it refers to.
//! Inside it the resources are known by urn:uuid, because a document is carried out of the server that gave their ids.

use std::collections::HashMap;

use memchr::memmem;

use super::datatype::ii;
use super::document::Facts;
use crate::fhir::{Draft, ResourceType, Writer, time};
use crate::map::hl7v2::provenance::LETTER;
use crate::map::{Change, Output};

/// Puts the Bundle of what was put so far, but for what describes the document from outside.
pub(super) fn put(facts: &Facts<'_>, letter: &str, out: &mut Output) {
    let mut w = Writer::new();
    w.object("identifier", |w| match super::identity(facts.root, "id") {
        Some(id) => ii::identifier(w, id, out),
        None => {
            w.string("system", LETTER);
            w.string("value", letter);
        }
    });
    w.string("type", "document");
    let instant = out.occurred.map(|at| time::instant(at, out.zone_minutes));
    w.string("timestamp", instant.as_deref().unwrap_or_default());
    w.raw("entry", &entries(out));
    let id = out.id(ResourceType::BUNDLE, &facts.key);
    out.put(ResourceType::BUNDLE, id, w);
}

fn entries(out: &Output) -> String {
    let drafts = inside(out);
    let known: HashMap<&str, &Draft> = drafts.iter().map(|draft| (draft.id.as_str(), *draft)).collect();
    let length: usize = drafts.iter().map(|draft| draft.members.len() + 256).sum();
    let mut json = String::with_capacity(length);
    json.push('[');
    for (at, draft) in drafts.iter().enumerate() {
        if at > 0 {
            json.push(',');
        }
        json.push_str("{\"fullUrl\":\"urn:uuid:");
        json.push_str(draft.id.as_str());
        json.push_str("\",\"resource\":");
        local(&draft.json(None), &known, &mut json);
        json.push('}');
    }
    json.push(']');
    json
}

/// The Composition, the Patient, the others in the order they were put; of a resource put twice the last.
fn inside(out: &Output) -> Vec<&Draft> {
    let mut position: HashMap<&str, usize> = HashMap::new();
    let mut drafts: Vec<&Draft> = Vec::new();
    for change in out.changes() {
        let (Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. }) = change else { continue };
        match position.get(draft.id.as_str()).and_then(|at| drafts.get_mut(*at)) {
            Some(earlier) => *earlier = draft,
            None => {
                position.insert(draft.id.as_str(), drafts.len());
                drafts.push(draft);
            }
        }
    }
    drafts.sort_by_key(|draft| match draft.resource_type {
        ResourceType::COMPOSITION => 0,
        ResourceType::PATIENT => 1,
        _ => 2,
    });
    drafts
}

/// Copies a resource as our writer wrote it, with `Type/id` as `urn:uuid:id` where it is one of the Bundle's. A quote
/// inside a string is escaped, so the pattern can only be a member.
fn local(resource: &str, known: &HashMap<&str, &Draft>, json: &mut String) {
    const MEMBERS: [&str; 2] = ["\"reference\":\"", "\"url\":\"Binary/"];
    let mut found: Vec<usize> = Vec::new();
    for member in MEMBERS {
        let value = member.rfind(":\"").map_or(0, |colon| colon + 2);
        found.extend(memmem::find_iter(resource.as_bytes(), member).map(|at| at + value));
    }
    found.sort_unstable();
    let mut copied = 0;
    for at in found {
        let value = resource.get(at..).and_then(|rest| rest.split('"').next()).unwrap_or_default();
        let target =
            value.split_once('/').and_then(|(name, id)| known.get(id).filter(|d| d.resource_type.name() == name));
        if let Some(target) = target {
            json.push_str(&resource[copied..at]);
            json.push_str("urn:uuid:");
            json.push_str(target.id.as_str());
            copied = at + value.len();
        }
    }
    json.push_str(&resource[copied..]);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::{FacilityCode, PatientKey};

    #[test]
    fn references_between_entries_become_urns_and_text_stays_text() {
        let mut out =
            Output::new(PatientKey::derive(&FacilityCode::unstated(), "1"), FacilityCode::unstated(), 0, None);
        let id = |kind: ResourceType| out.id(kind, "x");
        let (composition, binary) = (id(ResourceType::COMPOSITION), id(ResourceType::BINARY));
        let mut w = Writer::new();
        w.reference("securityContext", &format!("Composition/{}", composition.as_str()));
        let binary_reference = out.put(ResourceType::BINARY, binary.clone(), w);
        let mut w = Writer::new();
        w.string("title", &format!("\"reference\":\"{binary_reference}\""));
        w.array("author", |w| w.item(|w| w.string("reference", "Organization/elsewhere")));
        w.object("attachment", |w| w.string("url", &binary_reference));
        out.put(ResourceType::COMPOSITION, composition.clone(), w);
        let (c, b) = (composition.as_str(), binary.as_str());
        let expected = format!(
            concat!(
                r#"[{{"fullUrl":"urn:uuid:{c}","resource":{{"resourceType":"Composition","id":"{c}","#,
                r#""title":"\"reference\":\"Binary/{b}\"","author":[{{"reference":"Organization/elsewhere"}}],"#,
                r#""attachment":{{"url":"urn:uuid:{b}"}}}}}},"#,
                r#"{{"fullUrl":"urn:uuid:{b}","resource":{{"resourceType":"Binary","id":"{b}","#,
                r#""securityContext":{{"reference":"urn:uuid:{c}"}}}}}}]"#
            ),
            c = c,
            b = b
        );
        assert_eq!(entries(&out), expected);
    }
}
