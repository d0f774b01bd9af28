//! PD1 and DB1 (HL7 v2.5 sections 3.4.10, 3.4.11) to members of Patient.

use crate::decode::hl7v2::Segment;
use crate::fhir::Writer;
use crate::map::hl7v2::Output;
use crate::map::hl7v2::datatype::{cwe, xcn, xon};
use crate::map::hl7v2::segment::rol;

const DISABILITY: &str = "http://hl7.org/fhir/StructureDefinition/patient-disability";
const CONGREGATION: &str = "http://hl7.org/fhir/StructureDefinition/patient-congregation";

/// Writes the items of `extension`: PD1-6 names a handicap, DB1 says of the patient (DB1-2 = PT) only that there is one;
/// PD1-14 is the place of worship.
pub fn extensions(w: &mut Writer, around: &[Segment<'_>], out: &mut Output) {
    if let Some(pd1) = around.iter().find(|s| s.is("PD1")) {
        let handicap = pd1.field(6);
        if handicap.is_valued() {
            w.item(|w| {
                w.string("url", DISABILITY);
                cwe::concept(w, "valueCodeableConcept", handicap, "HL70295", out);
            });
        }
        let congregation = pd1.field(14).text();
        if !congregation.trim().is_empty() {
            w.item(|w| {
                w.string("url", CONGREGATION);
                w.string("valueString", congregation.trim());
            });
        }
    }
    for db1 in around.iter().filter(|s| s.is("DB1") && matches!(&*s.peek(2).text(), "PT" | "")) {
        db1.ignore(&[2]);
        if db1.peek(4).is_valued() {
            w.item(|w| {
                w.string("url", DISABILITY);
                cwe::concept(w, "valueCodeableConcept", db1.field(4), "HL70136", out);
            });
        }
    }
}

/// Writes `generalPractitioner`: PD1-3, PD1-4, and those whom a ROL behind PID calls so.
pub fn general_practitioners(w: &mut Writer, around: &[Segment<'_>], out: &mut Output) {
    let mut references: Vec<String> = Vec::new();
    if let Some(pd1) = around.iter().find(|s| s.is("PD1")) {
        for organization in pd1.field(3).repetitions() {
            references.extend(xon::organization(organization, out));
        }
        references.extend(xcn::practitioners(pd1.field(4), out));
    }
    for reference in rol::general_practitioners(around, out) {
        if !references.contains(&reference) {
            references.push(reference);
        }
    }
    w.array("generalPractitioner", |w| {
        for reference in &references {
            w.item(|w| w.string("reference", reference));
        }
    });
}
