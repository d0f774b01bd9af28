//! The visit that a message about something else names in PV1 (HL7 v2.5 3.4.3): mentioned, so that documents, referrals
//! and appointments can refer to it. The visit's own messages (ADT) say more and stand above it.

use super::Output;
use super::segment::pv1::{self, Visit};
use crate::decode::hl7v2::{Message, Segment};
use crate::fhir::{ResourceType, time};
use crate::map::hl7v2::datatype::ts;

/// Mentions the visit and gives `Encounter/id`. PV1 with neither a time nor a number names no visit
/// (docs/mapping/encounter-identity.md).
pub(super) fn mention(message: &Message<'_>, out: &mut Output) -> Option<String> {
    let pv1 = message.first("PV1")?;
    let key = key(pv1, out)?;
    let (start, end) = (ts::date_time(pv1.field(44), out), ts::date_time(pv1.field(45), out));
    let mut w = crate::fhir::Writer::new();
    let visit = Visit {
        status: status(pv1, end.is_some()),
        usual_class: if is_inpatient(pv1) { "IMP" } else { "AMB" },
        start: start.as_deref().unwrap_or_default(),
        end: end.as_deref().unwrap_or_default(),
        number: "",
    };
    pv1::encounter(&mut w, message, pv1, visit, out);
    let id = out.id(ResourceType::ENCOUNTER, &key);
    Some(out.put_weak(ResourceType::ENCOUNTER, id, w))
}

/// As ADT messages tell visits apart: a stay by the admission time, an outpatient visit by day, department and number;
/// where no time is stated the number alone.
fn key(pv1: Segment<'_>, out: &Output) -> Option<String> {
    let number = pv1.peek(19).component(1).text().trim().to_owned();
    let start = time::from_v2(&pv1.peek(44).component(1).text(), out.zone_minutes);
    let digits = |text: &str| text.chars().filter(char::is_ascii_digit).collect::<String>();
    match start {
        Some(start) if is_inpatient(pv1) => Some(format!("IMP:{}", digits(&start))),
        Some(start) => {
            let day: String = start.chars().take(10).collect();
            Some(format!("AMB:{}:{}:{number}", day.replace('-', ""), pv1.peek(10).text().trim()))
        }
        None => (!number.is_empty()).then(|| format!("VN:{number}")),
    }
}

fn is_inpatient(pv1: Segment<'_>) -> bool {
    matches!(pv1.peek(2).text().trim(), "I" | "")
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
