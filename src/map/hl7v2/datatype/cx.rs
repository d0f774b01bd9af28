//! CX extended composite id (HL7 v2.5 2A.14) to Identifier.

use super::{hd, ts};
use crate::decode::hl7v2::Value;
use crate::fhir::{Writer, system};
use crate::map::Output;

/// Writes one repetition as an Identifier into an item or object. Without an assigning authority a patient number
/// (type empty, PI, MR, PT) belongs to the facility; another type gets a system of its own.
pub fn identifier(w: &mut Writer, value: Value<'_>, out: &mut Output) {
    let system = system_of(value, out);
    identifier_in(w, value, &system, out);
}

/// The same in a system that the field decides: what it numbers is no patient.
pub fn identifier_in(w: &mut Writer, value: Value<'_>, system: &str, out: &mut Output) {
    let number = value.component(1).text();
    if number.trim().is_empty() {
        return;
    }
    let kind = value.component(5).text();
    w.object("type", |w| w.array("coding", |w| w.coding_item(system::V2_0203, kind.trim(), "")));
    w.string("system", system);
    w.string("value", number.trim());
    ts::period(w, "period", value.component(7), value.component(8), out);
}

/// The system of a number without an assigning authority or a type, by what the field numbers; otherwise that of the
/// number.
pub fn system_or(value: Value<'_>, what: &str, out: &Output) -> String {
    let is_told = value.component(4).is_valued() || value.component(5).is_valued();
    if is_told { system_of(value, out) } else { out.facility.local_system(what) }
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
