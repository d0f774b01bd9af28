//! DG1 diagnosis (HL7 v2.5 section 6.5.2) to Condition and to `Encounter.diagnosis`.

use super::prb::NO_PROBLEM;
use crate::decode::hl7v2::{Message, Segment, Value};
use crate::fhir::{ResourceType, Writer, system};
use crate::map::hl7v2::business_key::Keys;
use crate::map::hl7v2::datatype::{cwe, ts, xcn};
use crate::map::hl7v2::{EVERY_FIELD, Output};

const CATEGORY: &str = "http://terminology.hl7.org/CodeSystem/condition-category";
const ROLE: &str = "http://terminology.hl7.org/CodeSystem/diagnosis-role";
const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// Puts every diagnosis of the message; gives the items of `Encounter.diagnosis` as JSON text. `encounter` is the visit
/// they were made in, a reference; empty when the message names none.
pub fn map_all(message: &Message<'_>, encounter: &str, out: &mut Output) -> Vec<String> {
    let mut keys = Keys::default();
    message.all("DG1").filter_map(|dg1| map(dg1, encounter, &mut keys, out)).collect()
}

fn map(dg1: Segment<'_>, encounter: &str, keys: &mut Keys, out: &mut Output) -> Option<String> {
    let (diagnosis, description) = (dg1.field(3), dg1.field(4).whole_text());
    let (code, text) = (cwe::code(diagnosis), cwe::text(diagnosis));
    let number = dg1.field(20).component(1).text();
    if code.is_empty() && text.is_empty() && description.trim().is_empty() {
        out.issue(&NO_PROBLEM, dg1.place(0));
        return None;
    }
    let key = match number.trim() {
        "" => keys.next(format!("DG1:{encounter}:{code}:{text}:{}", description.trim())),
        number => format!("DG1:{number}"),
    };
    let id = out.id(ResourceType::CONDITION, &key);
    if dg1.field(21).text().trim() == "D" {
        dg1.ignore(&EVERY_FIELD);
        out.delete(ResourceType::CONDITION, id);
        return None;
    }
    let asserter = xcn::practitioner(dg1.field(16), out);
    let mut w = Writer::new();
    w.array("identifier", |w| {
        w.item(|w| {
            if !number.trim().is_empty() {
                w.string("system", system::RESOURCE_INSTANCE);
                w.string("value", number.trim());
            }
        });
    });
    w.array("category", |w| {
        w.item(|w| w.array("coding", |w| w.coding_item(CATEGORY, "encounter-diagnosis", "Encounter Diagnosis")));
        cwe::concept_item(w, dg1.field(17), "HL70228", out);
    });
    w.object("code", |w| {
        // DG1-2 names the coding system where DG1-3 does not.
        w.array("coding", |w| cwe::codings(w, diagnosis, dg1.field(2).text().trim(), out));
        w.string("text", if description.trim().is_empty() { &text } else { description.trim() });
    });
    out.subject(&mut w, "subject");
    w.reference("encounter", encounter);
    ts::write(&mut w, "onsetDateTime", dg1.field(5), out);
    ts::write(&mut w, "recordedDate", dg1.field(19), out);
    w.reference("asserter", asserter.as_deref().unwrap_or_default());
    let reference = out.put_labelled(ResourceType::CONDITION, id, w, labels(dg1.field(18)));
    Some(of_encounter(dg1, &reference, out))
}

/// An item of `Encounter.diagnosis`: HL7 table 0052 says in which role, DG1-15 in which order.
fn of_encounter(dg1: Segment<'_>, reference: &str, out: &mut Output) -> String {
    let role = dg1.field(6);
    let mut w = Writer::new();
    w.item(|w| {
        w.reference("condition", reference);
        match cwe::code(role).as_str() {
            "A" => w.concept("use", ROLE, "AD", "Admission diagnosis"),
            _ => cwe::concept(w, "use", role, "HL70052", out),
        }
        if let Ok(rank @ 1..) = dg1.field(15).text().trim().parse::<u16>() {
            w.integer("rank", i64::from(rank));
        }
    });
    w.finish()
}

/// DG1-18: confidential.
fn labels(value: Value<'_>) -> Writer {
    let mut meta = Writer::new();
    if value.text().trim() == "Y" {
        meta.array("security", |w| w.coding_item(CONFIDENTIALITY, "R", "restricted"));
    }
    meta
}
