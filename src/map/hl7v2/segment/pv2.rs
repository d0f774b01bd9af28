//! PV2 (HL7 v2.5 section 3.4.4) to the members of an Encounter.

use crate::decode::hl7v2::{Message, Segment};
use crate::fhir::{Writer, system};
use crate::map::hl7v2::Output;
use crate::map::hl7v2::datatype::{cwe, ts, xcn};
use crate::map::hl7v2::{coding_system, number};

/// When a visit is planned to begin; an element in R5, in R4 the extension that R5 defines for it.
pub const PLANNED_START: &str = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedStartDate";
/// When it is planned to end, likewise.
pub const PLANNED_END: &str = "http://hl7.org/fhir/5.0/StructureDefinition/extension-Encounter.plannedEndDate";
const MODE_OF_ARRIVAL: &str = "http://hl7.org/fhir/StructureDefinition/encounter-modeOfArrival";
const PRIORITY: &str = "http://terminology.hl7.org/CodeSystem/v3-ActPriority";
const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// PV2 of the message.
pub fn of<'m>(message: &'m Message<'_>) -> Option<Segment<'m>> {
    message.first("PV2")
}

/// PV2-8 or PV2-9 as a FHIR dateTime; empty when not told.
pub fn planned(pv2: Option<Segment<'_>>, field: u16, out: &mut Output) -> String {
    pv2.and_then(|pv2| ts::date_time(pv2.field(field), out)).unwrap_or_default()
}

/// Writes `extension`: the planned beginning and end, how the patient came (PV2-38).
pub fn extensions(w: &mut Writer, pv2: Option<Segment<'_>>, planned: (&str, &str), out: &mut Output) {
    let (start, end) = planned;
    w.array("extension", |w| {
        for (url, at) in [(PLANNED_START, start), (PLANNED_END, end)] {
            if !at.is_empty() {
                w.item(|w| {
                    w.string("url", url);
                    w.string("valueDateTime", at);
                });
            }
        }
        let Some(pv2) = pv2 else { return };
        let mode = pv2.field(38);
        if mode.is_valued() {
            w.item(|w| {
                w.string("url", MODE_OF_ARRIVAL);
                let table = mode.component(3).text();
                let table = if table.trim().is_empty() { "HL70430" } else { table.trim() };
                let system = coding_system::resolve(table, &cwe::code(mode), &mode.place(), &out.facility).uri;
                w.object("valueCoding", |w| {
                    w.string("system", &system);
                    w.string("code", &cwe::code(mode));
                    w.string("display", &cwe::text(mode));
                });
            });
        }
    });
}

/// The items of `Encounter.participant` that PV2-13 (referral source) states, as JSON text.
pub fn referrers(pv2: Option<Segment<'_>>, out: &mut Output) -> Vec<String> {
    let Some(pv2) = pv2 else { return Vec::new() };
    let item = |reference: &String| {
        let mut w = Writer::new();
        w.item(|w| {
            w.array("type", |w| {
                w.item(|w| w.array("coding", |w| w.coding_item(system::V3_PARTICIPATION, "REF", "referrer")));
            });
            w.reference("individual", reference);
        });
        w.finish()
    };
    xcn::practitioners(pv2.field(13), out).iter().map(item).collect()
}

/// PV2-12: what the visit is, in words.
pub fn description(pv2: Option<Segment<'_>>) -> String {
    pv2.map(|pv2| pv2.field(12).text().trim().to_owned()).unwrap_or_default()
}

/// Writes `priority` (PV2-25; HL7 table 0217 as v3 says it, HL7 v2-to-FHIR table map).
pub fn priority(w: &mut Writer, pv2: Option<Segment<'_>>, out: &mut Output) {
    let Some(pv2) = pv2 else { return };
    let value = pv2.field(25);
    let known = |code: &str| match code {
        "1" => Some(("EM", "emergency")),
        "2" => Some(("UR", "urgent")),
        "3" => Some(("EL", "elective")),
        _ => None,
    };
    let Some((code, display)) = known(&cwe::code(value)) else {
        return cwe::concept(w, "priority", value, "HL70217", out);
    };
    w.object("priority", |w| {
        w.array("coding", |w| {
            w.coding_item(PRIORITY, code, display);
            if let Some((code, display)) = known(value.component(4).text().trim()) {
                w.coding_item(PRIORITY, code, display);
            }
        });
        w.string("text", &cwe::text(value));
    });
}

/// Writes `length`: the days that PV2-11 counts.
pub fn length(w: &mut Writer, pv2: Option<Segment<'_>>) {
    let Some(days) = pv2.and_then(|pv2| number::decimal(&pv2.field(11).text())) else { return };
    w.object("length", |w| {
        w.decimal("value", &days);
        w.string("unit", "d");
        w.string("system", system::UCUM);
        w.string("code", "d");
    });
}

/// Writes `reasonCode` (PV2-3).
pub fn reason(w: &mut Writer, pv2: Option<Segment<'_>>, out: &mut Output) {
    let Some(pv2) = pv2 else { return };
    w.array("reasonCode", |w| cwe::concept_item(w, pv2.field(3), "", out));
}

/// `meta.security` of a visit that its house protects (PV2-22 visit protection indicator).
pub fn labels(pv2: Option<Segment<'_>>) -> Writer {
    let mut meta = Writer::new();
    if pv2.is_some_and(|pv2| pv2.field(22).text().trim() == "Y") {
        meta.array("security", |w| w.coding_item(CONFIDENTIALITY, "R", "restricted"));
    }
    meta
}
