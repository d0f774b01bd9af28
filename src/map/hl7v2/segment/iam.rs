//! IAM patient adverse reaction (HL7 v2.5 3.4.7; SS-MIX2 ADT-61) to AllergyIntolerance.

use super::al1;
use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{ResourceType, Writer, system};
use crate::map::hl7v2::datatype::{cwe, ts, xcn};
use crate::map::hl7v2::{EVERY_FIELD, Output};

const VERIFICATION: &str = "http://terminology.hl7.org/CodeSystem/allergyintolerance-verification";

/// Puts the allergy, or deletes it: IAM-6 (HL7 table 0323) D, or the whole file is deleted.
pub fn map(iam: Segment<'_>, is_deleted: bool, out: &mut Output) {
    let Some(id) = al1::id(iam.field(3), out) else { return out.issue(&al1::NO_ALLERGEN, iam.place(0)) };
    if is_deleted || cwe::code(iam.field(6)) == "D" {
        iam.ignore(&EVERY_FIELD);
        return out.delete(ResourceType::ALLERGY_INTOLERANCE, id);
    }
    let asserter = xcn::practitioner(iam.field(18), out);
    let mut w = Writer::new();
    w.array("identifier", |w| {
        w.item(|w| {
            let number = iam.field(7).component(1).text();
            if !number.trim().is_empty() {
                w.string("system", system::RESOURCE_INSTANCE);
                w.string("value", number.trim());
            }
        });
    });
    al1::active(&mut w);
    verification(&mut w, iam.peek(17), || iam.ignore(&[17]));
    al1::kind(&mut w, iam.field(2));
    al1::substance_and_patient(&mut w, iam.field(3), out);
    onset(&mut w, iam, out);
    ts::write(&mut w, "recordedDate", iam.field(13), out);
    w.reference("asserter", asserter.as_deref().unwrap_or_default());
    al1::severity_and_reactions(&mut w, iam.field(4), iam.field(5), out);
    out.put(ResourceType::ALLERGY_INTOLERANCE, id, w);
}

/// IAM-11 is a date, IAM-12 words (小学校低学年の頃); with both the words become a note.
fn onset(w: &mut Writer, iam: Segment<'_>, out: &mut Output) {
    let words = iam.field(12).whole_text();
    match ts::date_time(iam.field(11), out) {
        None => w.string("onsetString", words.trim()),
        Some(at) => {
            w.string("onsetDateTime", &at);
            w.array("note", |w| w.item(|w| w.string("text", words.trim())));
        }
    }
}

/// HL7 table 0438; a code without a counterpart stays unread and is reported.
fn verification(w: &mut Writer, value: Value<'_>, taken: impl FnOnce()) {
    let status = match cwe::code(value).as_str() {
        "C" => "confirmed",
        "U" | "P" | "S" => "unconfirmed",
        "I" => "refuted",
        _ => return,
    };
    taken();
    w.concept("verificationStatus", VERIFICATION, status, "");
}
