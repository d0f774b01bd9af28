//! The visit that a message about something else names in PV1 (HL7 v2.5 3.4.3): mentioned, so that documents, referrals
//! and appointments can refer to it. The visit's own messages (ADT) say more and stand above it.

use super::Output;
use super::datatype::{cwe, cx, pl, ts, xcn};
use crate::decode::hl7v2::{Message, Segment};
use crate::fhir::{ResourceType, Writer, system, time};

/// Mentions the visit and gives `Encounter/id`. PV1 with neither a time nor a number names no visit
/// (docs/mapping/encounter-identity.md).
pub(super) fn mention(message: &Message<'_>, out: &mut Output) -> Option<String> {
    let pv1 = message.first("PV1")?;
    let key = key(pv1, out)?;
    let (start, end) = (ts::date_time(pv1.field(44), out), ts::date_time(pv1.field(45), out));
    let mut w = Writer::new();
    let mut place = None;
    w.array("contained", |w| place = pl::contained(w, pv1.field(3), "", out));
    w.array("identifier", |w| w.item(|w| number(w, pv1, out)));
    let status = status(pv1, end.is_some());
    w.string("status", status);
    class(&mut w, pv1);
    w.array("type", |w| cwe::concept_item(w, pv1.field(4), "HL70007", out));
    cwe::concept(&mut w, "serviceType", pv1.field(10), "HL70069", out);
    out.subject(&mut w, "subject");
    participants(&mut w, pv1, out);
    w.object("period", |w| {
        w.string("start", start.as_deref().unwrap_or_default());
        w.string("end", end.as_deref().unwrap_or_default());
    });
    w.array("reasonCode", |w| {
        if let Some(pv2) = message.first("PV2") {
            cwe::concept_item(w, pv2.field(3), "", out);
        }
    });
    w.array("location", |w| {
        w.item(|w| {
            w.reference("location", place.as_deref().unwrap_or_default());
            let is_present = place.is_some() && status == "in-progress";
            w.string("status", if is_present { "active" } else { "" });
        });
    });
    out.facility_reference(&mut w, "serviceProvider", "");
    let id = out.id(ResourceType::ENCOUNTER, &key);
    Some(out.put_weak(ResourceType::ENCOUNTER, id, w))
}

/// By its number; where it has none a stay by the admission time, an outpatient visit by day and department.
fn key(pv1: Segment<'_>, out: &mut Output) -> Option<String> {
    let number = pv1.peek(19).component(1).text().trim().to_owned();
    if !number.is_empty() {
        return Some(format!("VISIT:{}:{number}", number_system(pv1, out)));
    }
    let start = time::from_v2(&pv1.peek(44).component(1).text(), out.zone_minutes)?;
    let digits: String = start.chars().filter(char::is_ascii_digit).collect();
    if is_inpatient(pv1) {
        return Some(format!("IMP:{digits}"));
    }
    let day: String = start.chars().take(10).collect();
    Some(format!("AMB:{}:{}:", day.replace('-', ""), pv1.peek(10).text().trim()))
}

/// The system that the number of the visit is written with.
fn number_system(pv1: Segment<'_>, out: &mut Output) -> String {
    let mut w = Writer::new();
    number(&mut w, pv1, out);
    let written: serde_json::Value = serde_json::from_str(&format!("{{{}}}", w.finish())).unwrap_or_default();
    written["system"].as_str().unwrap_or_default().to_owned()
}

/// PV1-19 as an Identifier of type VN, unless the sender says another type.
fn number(w: &mut Writer, pv1: Segment<'_>, out: &mut Output) {
    let value = pv1.field(19);
    if value.component(4).is_valued() || value.component(5).is_valued() {
        cx::identifier(w, value, out);
    } else if value.is_valued() {
        w.object("type", |w| w.array("coding", |w| w.coding_item(system::V2_0203, "VN", "")));
        w.string("system", &out.facility.local_system("visit-number"));
        w.string("value", value.component(1).text().trim());
    }
}

fn is_inpatient(pv1: Segment<'_>) -> bool {
    matches!(pv1.peek(2).text().trim(), "I" | "")
}

/// HL7 table 0004 (v2-to-FHIR table map).
fn class(w: &mut Writer, pv1: Segment<'_>) {
    let code = pv1.field(2).text();
    let (system, class, display) = match code.trim() {
        "I" | "" => (system::V3_ACT_CODE, "IMP", "inpatient encounter"),
        "O" => (system::V3_ACT_CODE, "AMB", "ambulatory"),
        "E" => (system::V3_ACT_CODE, "EMER", "emergency"),
        "P" => (system::V3_ACT_CODE, "PRENC", "pre-admission"),
        other => ("http://terminology.hl7.org/CodeSystem/v2-0004", other, ""),
    };
    w.object("class", |w| {
        w.string("system", system);
        w.string("code", class);
        w.string("display", display);
    });
}

fn participants(w: &mut Writer, pv1: Segment<'_>, out: &mut Output) {
    let fields = [(7, "ATND", "attender"), (8, "REF", "referrer"), (9, "CON", "consultant"), (17, "ADM", "admitter")];
    w.array("participant", |w| {
        for (field, role, name) in fields {
            for reference in xcn::practitioners(pv1.field(field), out) {
                w.item(|w| {
                    w.array("type", |w| {
                        w.item(|w| w.array("coding", |w| w.coding_item(system::V3_PARTICIPATION, role, name)));
                    });
                    w.reference("individual", &reference);
                });
            }
        }
    });
}

/// HL7 table 0004 to encounter-status (v2-to-FHIR table map), unless the visit has ended.
fn status(pv1: Segment<'_>, has_ended: bool) -> &'static str {
    match pv1.peek(2).text().trim() {
        _ if has_ended => "finished",
        "I" | "O" | "E" | "R" | "B" | "C" | "N" => "in-progress",
        "P" => "planned",
        _ => "unknown",
    }
}
