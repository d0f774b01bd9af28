//! CX extended composite id (HL7 v2.5 2A.14) to Identifier.

use super::{hd, ts};
use crate::decode::hl7v2::Value;
use crate::fhir::{Writer, system};
use crate::map::Output;

/// Writes one repetition as an Identifier into an item or object. Without an assigning authority a patient number
/// (type empty, PI, MR, PT) belongs to the facility; another type gets a system of its own.
pub fn identifier(w: &mut Writer, value: Value<'_>, out: &mut Output) {
    let number = value.component(1).text();
    if number.trim().is_empty() {
        return;
    }
    let kind = value.component(5).text();
    w.object("type", |w| w.array("coding", |w| w.coding_item(system::V2_0203, kind.trim(), "")));
    w.string("system", &system_of(value, out));
    w.string("value", number.trim());
    ts::period(w, "period", value.component(7), value.component(8), out);
}

/// The system of the number, as [`identifier`] writes it.
pub fn system_of(value: Value<'_>, out: &Output) -> String {
    if let Some(uri) = hd::uri(value.component(4), &out.facility) {
        return uri;
    }
    match value.component(5).text().trim() {
        "" | "PI" | "MR" | "PT" => out.facility.patient_number_system(),
        other => out.facility.local_system(&format!("identifier-{other}")),
    }
}
