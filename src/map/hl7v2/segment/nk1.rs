//! NK1 next of kin (HL7 v2.5 3.4.5) to Patient.contact, as JP Core has it; what a contact cannot hold to RelatedPerson.

use crate::decode::hl7v2::Segment;
use crate::fault::{IssueType, Rule, Severity};
use crate::fhir::Writer;
use crate::map::hl7v2::Output;
use crate::map::hl7v2::datatype::{cwe, ts, xad, xpn, xtn};
use crate::map::hl7v2::segment::related_person::{self, Fields};

const PERSON: Fields = Fields {
    numbers: 33,
    names: 2,
    relationship: 3,
    telecoms: &[(5, "home"), (6, "work"), (40, "")],
    gender: 15,
    birth: 16,
    addresses: 4,
    period: (8, 9),
    language: 20,
};

/// Patient.contact holds one name and one address.
pub static FURTHER_REPETITION: Rule = Rule {
    id: "v2-contact-repetition",
    severity: Severity::Information,
    code: IssueType::Incomplete,
    en: "A contact holds one of these; further repetitions (a kana spelling, a second address) were not carried over.",
    ja: "連絡先にはこの項目を1件しか持てないため、2件目以降(カナ表記・第2住所など)は変換していません。",
};

/// Writes `contact`.
pub fn contacts(w: &mut Writer, around: &[Segment<'_>], out: &mut Output) {
    w.array("contact", |w| {
        for nk1 in around.iter().filter(|segment| segment.is("NK1")) {
            w.item(|w| contact(w, *nk1, out));
        }
    });
}

fn contact(w: &mut Writer, nk1: Segment<'_>, out: &mut Output) {
    // pat-1: a contact has at least a name, a number, an address or an organisation.
    if ![2, 4, 5, 6, 13, 40].iter().any(|field| nk1.peek(*field).is_valued()) {
        return;
    }
    // A birth date, a language and numbers are no part of a contact; whoever has them is a RelatedPerson too.
    let is_person = [16, 20, 33].iter().any(|field| nk1.peek(*field).is_valued());
    let is_person = is_person && related_person::state(nk1, PERSON, "NK1", out).is_some();
    w.array("relationship", |w| {
        for (field, table) in [(3, "HL70063"), (7, "HL70131")] {
            cwe::concept_item(w, nk1.field(field), table, out);
        }
    });
    let (names, addresses) = (nk1.field(2), nk1.field(4));
    if let Some(name) = names.repetitions().next() {
        w.object("name", |w| xpn::human_name(w, name, out));
    }
    w.array("telecom", |w| {
        for (field, usual_use) in [(5, "home"), (6, "work"), (40, "")] {
            for number in nk1.field(field).repetitions() {
                w.item(|w| xtn::contact_point(w, number, usual_use, out));
            }
        }
    });
    if let Some(address) = addresses.repetitions().next() {
        w.object("address", |w| xad::address(w, address, out));
    }
    for second in [names, addresses].iter().filter_map(|field| field.repetitions().nth(1)) {
        if !is_person {
            out.doubt(&FURTHER_REPETITION, &second);
        }
    }
    w.string("gender", gender(nk1.field(15).text().trim()));
    w.object("organization", |w| w.string("display", nk1.field(13).component(1).text().trim()));
    ts::period(w, "period", nk1.field(8), nk1.field(9), out);
}

/// HL7 table 0001 to administrative-gender; empty for what it does not know.
pub fn gender(code: &str) -> &'static str {
    match code {
        "F" => "female",
        "M" => "male",
        "O" | "A" | "N" => "other",
        "U" => "unknown",
        _ => "",
    }
}
