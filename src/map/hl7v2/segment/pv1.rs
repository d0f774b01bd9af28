//! PV1 (HL7 v2.5 section 3.4.3) to the members of an Encounter. Status, places and period are the visit's course: see
//! `adt`.

use std::borrow::Cow;

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{Writer, system};
use crate::map::Coding;
use crate::map::hl7v2::Output;
use crate::map::hl7v2::datatype::{cwe, cx, xcn};

/// What PV1-5 numbers, where nothing else says it.
const PRE_ADMISSION: &str = "pre-admission-number";

/// The number of a visit (PV1-19, MRG-5) with its system; `None` when there is none.
pub fn visit_number(value: Value<'_>, out: &Output) -> Option<Coding<'static>> {
    let number = value.component(1).text().trim().to_owned();
    let system = cx::system_or(value, "visit-number", out);
    let coding = Coding { system: Cow::Owned(system), code: Cow::Owned(number), ..Coding::default() };
    (!coding.code.is_empty()).then_some(coding)
}

/// The number of an admission that was planned (PV1-5).
pub fn pre_admission_number(pv1: Segment<'_>, out: &Output) -> Option<Coding<'static>> {
    let value = pv1.peek(5);
    let number = value.component(1).text().trim().to_owned();
    let system = Cow::Owned(cx::system_or(value, PRE_ADMISSION, out));
    (!number.is_empty()).then(|| Coding { system, code: Cow::Owned(number), ..Coding::default() })
}

/// Writes `identifier`: the sender's order number of the visit (オーダNo of the file; may be empty), PV1-19, PV1-50.
pub fn identifiers(w: &mut Writer, pv1: Segment<'_>, order: &str, out: &mut Output) {
    w.array("identifier", |w| {
        w.item(|w| {
            if !order.is_empty() {
                w.string("system", system::RESOURCE_INSTANCE);
                w.string("value", order);
            }
        });
        for (field, kind) in [(19, "VN"), (50, "")] {
            let number = pv1.field(field);
            if number.component(4).is_valued() || number.component(5).is_valued() {
                w.item(|w| cx::identifier(w, number, out));
            } else if let Some(coding) = visit_number(number, out) {
                w.item(|w| {
                    w.object("type", |w| w.array("coding", |w| w.coding_item(system::V2_0203, kind, "")));
                    let alternate = || out.facility.local_system("alternate-visit-number");
                    w.string("system", &if kind.is_empty() { alternate() } else { coding.system.into_owned() });
                    w.string("value", &coding.code);
                });
            }
        }
    });
}

/// Writes `class` (HL7 table 0004; HL7 v2-to-FHIR table map), `usual` where PV1-2 is empty; nothing when both are.
pub fn class(w: &mut Writer, value: Value<'_>, usual: &str, out: &Output) {
    let code = value.text();
    let code = code.trim();
    let (system, class, display) = match (code, usual) {
        ("I", _) | ("", "IMP") => (system::V3_ACT_CODE, "IMP", "inpatient encounter"),
        ("O", _) | ("", "AMB") => (system::V3_ACT_CODE, "AMB", "ambulatory"),
        ("E", _) => (system::V3_ACT_CODE, "EMER", "emergency"),
        ("P", _) => (system::V3_ACT_CODE, "PRENC", "pre-admission"),
        ("", _) => return,
        ("R" | "B" | "C" | "N" | "U", _) => ("http://terminology.hl7.org/CodeSystem/v2-0004", code, ""),
        _ => ("", code, ""),
    };
    w.object("class", |w| {
        // A user-defined table: what is not in HL7's list is the sender's own.
        w.string("system", &if system.is_empty() { out.facility.local_system("HL70004") } else { system.to_owned() });
        w.string("code", class);
        w.string("display", display);
    });
}

/// Writes `type`: what kind of admission and of patient (PV1-4, PV1-18).
pub fn types(w: &mut Writer, pv1: Segment<'_>, description: &str, out: &mut Output) {
    w.array("type", |w| {
        cwe::concept_item(w, pv1.field(4), "HL70007", out);
        cwe::concept_item(w, pv1.field(18), "HL70018", out);
        w.item(|w| w.string("text", description));
    });
}

/// Writes `participant` from PV1-7, 8, 9, 17, 52 and those that other segments name (items as JSON text). `since` is when the attending doctor
/// took over, where a message says that (A54).
pub fn participants(w: &mut Writer, pv1: Segment<'_>, since: &str, further: &[String], out: &mut Output) {
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
                    w.object("period", |w| w.string("start", if role == "ATND" { since } else { "" }));
                    w.reference("individual", &reference);
                });
            }
        }
        for participant in further {
            w.item_raw(participant);
        }
    });
}

/// Writes `hospitalization`. How somebody left (PV1-36, PV1-37) is not taken from a message that says he did not.
pub fn hospitalization(w: &mut Writer, pv1: Segment<'_>, has_left: bool, out: &mut Output) {
    w.object("hospitalization", |w| {
        if pv1.peek(5).is_valued() {
            let system = cx::system_or(pv1.field(5), PRE_ADMISSION, out);
            w.object("preAdmissionIdentifier", |w| cx::identifier_in(w, pv1.field(5), &system, out));
        }
        cwe::concept(w, "admitSource", pv1.field(14), "HL70023", out);
        cwe::concept(w, "reAdmission", pv1.field(13), "HL70092", out);
        w.array("dietPreference", |w| cwe::concept_item(w, pv1.field(38), "HL70114", out));
        w.array("specialCourtesy", |w| cwe::concept_item(w, pv1.field(16), "HL70099", out));
        w.array("specialArrangement", |w| {
            for arrangement in pv1.field(15).repetitions() {
                cwe::concept_item(w, arrangement, "HL70009", out);
            }
        });
        if has_left {
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
