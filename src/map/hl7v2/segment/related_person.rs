//! A person beside the patient (NK1, GT1, IN1: HL7 v2.5 sections 3.4.5, 6.5.5, 6.5.6) to RelatedPerson.

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{ResourceType, Writer, system};
use crate::map::hl7v2::Output;
use crate::map::hl7v2::datatype::{cwe, cx, ts, xad, xpn, xtn};
use crate::map::hl7v2::segment::nk1;

/// Where a segment tells a person's details; 0 for what it does not tell.
#[derive(Clone, Copy, Debug)]
pub struct Fields {
    /// CX, repeating.
    pub numbers: u16,
    /// XPN, repeating.
    pub names: u16,
    /// HL7 table 0063.
    pub relationship: u16,
    /// XTN, repeating, with the use each field is for.
    pub telecoms: &'static [(u16, &'static str)],
    /// HL7 table 0001.
    pub gender: u16,
    /// TS.
    pub birth: u16,
    /// XAD, repeating.
    pub addresses: u16,
    /// When this began and ended to be so.
    pub period: (u16, u16),
    /// HL7 table 0296.
    pub language: u16,
}

/// States the person; gives `RelatedPerson/id`, `None` when the segment names nobody. `kind` keeps those of different
/// segments apart.
pub fn state(segment: Segment<'_>, fields: Fields, kind: &str, out: &mut Output) -> Option<String> {
    let names = segment.field(fields.names);
    let number = segment.peek(fields.numbers).component(1).text().trim().to_owned();
    if !names.is_valued() && number.is_empty() {
        return None;
    }
    let name = names.component(1).text().trim().to_owned() + names.component(2).text().trim();
    let key = if number.is_empty() { format!("{kind}:name:{name}") } else { format!("{kind}:{number}") };
    let mut w = Writer::new();
    identifiers(&mut w, segment, fields.numbers, out);
    out.subject(&mut w, "patient");
    w.array("relationship", |w| relationship(w, segment.field(fields.relationship), out));
    w.array("name", |w| names.repetitions().for_each(|name| w.item(|w| xpn::human_name(w, name, out))));
    w.array("telecom", |w| {
        for (field, usual_use) in fields.telecoms {
            for number in segment.field(*field).repetitions() {
                w.item(|w| xtn::contact_point(w, number, usual_use, out));
            }
        }
    });
    w.string("gender", nk1::gender(segment.field(fields.gender).text().trim()));
    if let Some(date) = ts::date(segment.field(fields.birth), out) {
        w.string("birthDate", &date);
    }
    w.array("address", |w| {
        for address in segment.field(fields.addresses).repetitions() {
            w.item(|w| xad::address(w, address, out));
        }
    });
    ts::period(&mut w, "period", segment.field(fields.period.0), segment.field(fields.period.1), out);
    w.array("communication", |w| {
        w.item(|w| cwe::concept(w, "language", segment.field(fields.language), "HL70296", out));
    });
    let id = out.id(ResourceType::RELATED_PERSON, &key);
    Some(out.state(ResourceType::RELATED_PERSON, id, w))
}

fn identifiers(w: &mut Writer, segment: Segment<'_>, field: u16, out: &mut Output) {
    w.array("identifier", |w| {
        for number in segment.field(field).repetitions() {
            let is_bare = !number.component(4).is_valued() && !number.component(5).is_valued();
            w.item(|w| {
                if is_bare {
                    // The patient's number system is the patients': these people may be none.
                    w.string("system", &out.facility.local_system("related-person"));
                    w.string("value", number.component(1).text().trim());
                } else {
                    cx::identifier(w, number, out);
                }
            });
        }
    });
}

/// HL7 table 0063 as sent, and what v3-RoleCode says for it (HL7 v2-to-FHIR table map).
fn relationship(w: &mut Writer, value: Value<'_>, out: &mut Output) {
    let role = match cwe::code(value).as_str() {
        "SEL" => "ONESELF",
        "SPO" => "SPS",
        "DOM" => "SIGOTHR",
        "CHD" => "CHILD",
        "GCH" => "GRNDCHILD",
        "NCH" => "NCHILD",
        "SCH" => "STPCHLD",
        "FCH" => "CHLDFOST",
        "PAR" => "PRN",
        "GRP" => "GRPRN",
        "EXF" => "EXT",
        "FND" => "FRND",
        "MTH" => "MTH",
        "FTH" => "FTH",
        "GRD" => "GUARD",
        "SIB" => "SIB",
        "BRO" => "BRO",
        "SIS" => "SIS",
        _ => "",
    };
    w.item(|w| {
        w.array("coding", |w| {
            if !role.is_empty() {
                w.coding_item(system::V3_ROLE_CODE, role, "");
            }
            cwe::codings(w, value, "HL70063", out);
        });
        w.string("text", &cwe::text(value));
    });
}
