//! The visit that a message about something else names in PV1 (HL7 v2.5 3.4.3): mentioned, so that documents, referrals
//! and appointments can refer to it. The visit's own messages (ADT) say more and stand above it.

use super::Output;
use super::datatype::{cwe, pl, ts};
use super::segment::{pv1, pv2};
use crate::decode::hl7v2::{Message, Segment};
use crate::fhir::{ResourceId, ResourceType, Writer, time};
use crate::map::document::Confidentiality;

/// Mentions the visit and gives `Encounter/id`. PV1 with neither a time nor a number names no visit
/// (docs/mapping/encounter-identity.md); a visit that its house protects is left to its own messages.
pub(super) fn mention(message: &Message<'_>, out: &mut Output) -> Option<String> {
    mention_with(message, &[], out)
}

/// The reference that [`mention`] gives, without mentioning the visit yet.
pub(super) fn reference(message: &Message<'_>, out: &Output) -> Option<String> {
    Some(format!("Encounter/{}", id(message, out)?.as_str()))
}

/// The same with the items of `Encounter.diagnosis` as JSON text.
pub(super) fn mention_with(message: &Message<'_>, diagnoses: &[String], out: &mut Output) -> Option<String> {
    let (pv1, pv2) = (message.first("PV1")?, pv2::of(message));
    let id = id(message, out)?;
    let (start, end) = (ts::date_time(pv1.field(44), out), ts::date_time(pv1.field(45), out));
    let status = status(pv1, end.is_some());
    let further = pv2::referrers(pv2, out);
    let mut w = Writer::new();
    let mut places = Vec::new();
    w.array("contained", |w| places = locations(w, pv1, status, out));
    pv1::identifiers(&mut w, pv1, "", out);
    w.string("status", status);
    pv1::class(&mut w, pv1.field(2), if is_inpatient(pv1) { "IMP" } else { "AMB" }, out);
    pv1::types(&mut w, pv1, &pv2::description(pv2), out);
    cwe::concept(&mut w, "serviceType", pv1.field(10), "HL70069", out);
    pv2::priority(&mut w, pv2, out);
    out.subject(&mut w, "subject");
    pv1::participants(&mut w, pv1, "", &further, out);
    w.object("period", |w| {
        w.string("start", start.as_deref().unwrap_or_default());
        w.string("end", end.as_deref().unwrap_or_default());
    });
    pv2::reason(&mut w, pv2, out);
    w.array("diagnosis", |w| diagnoses.iter().for_each(|diagnosis| w.item_raw(diagnosis)));
    pv1::hospitalization(&mut w, pv1, status == "finished", out);
    w.array("location", |w| {
        for (reference, status) in &places {
            w.item(|w| {
                w.reference("location", reference);
                w.string("status", status);
            });
        }
    });
    out.facility_reference(&mut w, "serviceProvider", "");
    Some(out.put_weak(ResourceType::ENCOUNTER, id, w))
}

fn id(message: &Message<'_>, out: &Output) -> Option<ResourceId> {
    let key = key(message.first("PV1")?, out)?;
    protection(message).0.is_empty().then(|| out.id(ResourceType::ENCOUNTER, &key))
}

/// What PV2-22 (visit protection indicator) restricts: the visit, and what was made on it.
pub(super) fn protection(message: &Message<'_>) -> Confidentiality {
    match pv2::labels(pv2::of(message)).is_empty() {
        true => Confidentiality::default(),
        false => Confidentiality("R"),
    }
}

/// By its number; where it has none a stay by the admission time, an outpatient visit by day and department.
fn key(pv1: Segment<'_>, out: &Output) -> Option<String> {
    if let Some(number) = pv1::visit_number(pv1.peek(19), out) {
        return Some(format!("VISIT:{}:{}", number.system, number.code));
    }
    let start = time::from_v2(&pv1.peek(44).component(1).text(), out.zone_minutes)?;
    let digits: String = start.chars().filter(char::is_ascii_digit).collect();
    if is_inpatient(pv1) {
        return Some(format!("IMP:{digits}"));
    }
    let day: String = start.chars().take(10).collect();
    Some(format!("AMB:{}:{}:", day.replace('-', ""), pv1.peek(10).text().trim()))
}

fn is_inpatient(pv1: Segment<'_>) -> bool {
    matches!(pv1.peek(2).text().trim(), "I" | "")
}

/// PV1-3 now, PV1-6 before.
fn locations(w: &mut Writer, pv1: Segment<'_>, status: &str, out: &Output) -> Vec<(String, &'static str)> {
    let now = if status == "in-progress" { "active" } else { "" };
    let present = pl::contained(w, pv1.field(3), "", out).map(|reference| (reference, now));
    let prior = pl::contained(w, pv1.field(6), "prior-", out).map(|reference| (reference, "completed"));
    present.into_iter().chain(prior).collect()
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
