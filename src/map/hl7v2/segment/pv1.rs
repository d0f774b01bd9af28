//! PV1 and PV2 (HL7 v2.5 3.4.3, 3.4.4) to the members of an Encounter.

use crate::decode::hl7v2::{Message, Segment, Value};
use crate::fhir::{Writer, system};
use crate::map::hl7v2::Output;
use crate::map::hl7v2::datatype::{cwe, cx, pl, xcn};

/// What the event says of the visit, beside what PV1 says.
#[derive(Clone, Copy, Debug)]
pub struct Visit<'a> {
    /// Encounter.status; empty when the event does not say it (a late admission notice of an ended stay).
    pub status: &'a str,
    /// Encounter.class where PV1-2 is empty.
    pub usual_class: &'a str,
    /// Encounter.period.start as a FHIR dateTime; empty when not told.
    pub start: &'a str,
    /// Encounter.period.end likewise.
    pub end: &'a str,
    /// The sender's number of the visit (オーダNo of the file); empty when there is none.
    pub number: &'a str,
}

/// Writes the members of an Encounter.
pub fn encounter(w: &mut Writer, message: &Message<'_>, pv1: Segment<'_>, visit: Visit<'_>, out: &mut Output) {
    let locations = locations(w, pv1, visit, out);
    identifiers(w, pv1, visit, out);
    w.string("status", visit.status);
    class(w, pv1.field(2), visit);
    w.array("type", |w| cwe::concept_item(w, pv1.field(4), "HL70007", out));
    cwe::concept(w, "serviceType", pv1.field(10), "HL70069", out);
    out.subject(w, "subject");
    participants(w, pv1, out);
    w.object("period", |w| {
        w.string("start", visit.start);
        w.string("end", visit.end);
    });
    w.array("reasonCode", |w| {
        if let Some(pv2) = message.first("PV2") {
            cwe::concept_item(w, pv2.field(3), "", out);
        }
    });
    hospitalization(w, pv1, visit, out);
    w.array("location", |w| {
        for (reference, status) in &locations {
            w.item(|w| {
                w.reference("location", reference);
                w.string("status", status);
            });
        }
    });
    out.facility_reference(w, "serviceProvider", "");
}

/// PV1-3 now, PV1-6 before, PV1-11 for the moment, PV1-42 to come, PV1-43 for a moment before.
fn locations(w: &mut Writer, pv1: Segment<'_>, visit: Visit<'_>, out: &Output) -> Vec<(String, &'static str)> {
    let present = match visit.status {
        "in-progress" => "active",
        "planned" => "planned",
        "finished" => "completed",
        _ => "",
    };
    let fields = [(3, "", present), (6, "prior-", "completed"), (11, "temporary-", present)];
    let further = [(42, "pending-", "reserved"), (43, "prior-temporary-", "completed")];
    let mut locations = Vec::new();
    w.array("contained", |w| {
        for (field, prefix, status) in fields.into_iter().chain(further) {
            let value = pv1.field(field);
            if value.is_valued() {
                locations.extend(pl::contained(w, value, prefix, out).map(|reference| (reference, status)));
            }
        }
    });
    locations
}

fn identifiers(w: &mut Writer, pv1: Segment<'_>, visit: Visit<'_>, out: &mut Output) {
    w.array("identifier", |w| {
        w.item(|w| {
            if !visit.number.is_empty() {
                w.string("system", system::RESOURCE_INSTANCE);
                w.string("value", visit.number);
            }
        });
        for field in [19, 50] {
            let number = pv1.field(field);
            if number.component(4).is_valued() || number.component(5).is_valued() {
                w.item(|w| cx::identifier(w, number, out));
            } else if number.is_valued() {
                w.item(|w| {
                    w.object("type", |w| w.array("coding", |w| w.coding_item(system::V2_0203, "VN", "")));
                    w.string("system", &out.facility.local_system("visit-number"));
                    w.string("value", number.component(1).text().trim());
                });
            }
        }
    });
}

/// HL7 table 0004 (HL7 v2-to-FHIR table map).
fn class(w: &mut Writer, value: Value<'_>, visit: Visit<'_>) {
    let code = value.text();
    let (system, class, display) = match code.trim() {
        "I" => (system::V3_ACT_CODE, "IMP", "inpatient encounter"),
        "O" => (system::V3_ACT_CODE, "AMB", "ambulatory"),
        "E" => (system::V3_ACT_CODE, "EMER", "emergency"),
        "P" => (system::V3_ACT_CODE, "PRENC", "pre-admission"),
        "" if visit.usual_class == "IMP" => (system::V3_ACT_CODE, "IMP", "inpatient encounter"),
        "" => (system::V3_ACT_CODE, visit.usual_class, "ambulatory"),
        other => ("http://terminology.hl7.org/CodeSystem/v2-0004", other, ""),
    };
    w.object("class", |w| {
        w.string("system", system);
        w.string("code", class);
        w.string("display", display);
    });
}

fn participants(w: &mut Writer, pv1: Segment<'_>, out: &mut Output) {
    let fields = [
        (7, "ATND", "attender"),
        (8, "REF", "referrer"),
        (9, "CON", "consultant"),
        (17, "ADM", "admitter"),
        (52, "PART", "Participation"),
    ];
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

fn hospitalization(w: &mut Writer, pv1: Segment<'_>, visit: Visit<'_>, out: &mut Output) {
    w.object("hospitalization", |w| {
        if pv1.peek(5).is_valued() {
            w.object("preAdmissionIdentifier", |w| cx::identifier(w, pv1.field(5), out));
        }
        cwe::concept(w, "admitSource", pv1.field(14), "HL70023", out);
        cwe::concept(w, "reAdmission", pv1.field(13), "HL70092", out);
        for (name, field, table) in [("dietPreference", 38, "HL70114"), ("specialCourtesy", 16, "HL70099")] {
            w.array(name, |w| cwe::concept_item(w, pv1.field(field), table, out));
        }
        w.array("specialArrangement", |w| {
            for arrangement in pv1.field(15).repetitions() {
                cwe::concept_item(w, arrangement, "HL70009", out);
            }
        });
        // Where to and how somebody left belongs to a visit that has ended; elsewhere it is reported as unmapped.
        if visit.status == "finished" {
            w.object("destination", |w| w.string("display", &destination(pv1.field(37))));
            cwe::concept(w, "dischargeDisposition", pv1.field(36), "HL70112", out);
        }
    });
}

/// PV1-37 DLD: the place, as words.
fn destination(value: Value<'_>) -> String {
    let place = value.component(1);
    let (code, name) = (place.subcomponent(1).text(), place.subcomponent(2).text());
    if name.trim().is_empty() { code.trim().to_owned() } else { name.trim().to_owned() }
}
