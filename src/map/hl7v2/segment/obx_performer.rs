//! OBX-15, 16, 23 to 25 and PRT (HL7 v2.5 section 7.4.2; v2.7 section 7.3.4): who measured, as `Observation.performer`.

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;
use crate::map::hl7v2::datatype::{cwe, xcn, xon};
use crate::map::hl7v2::group::ResultGroup;

const V2_0912: &str = "http://terminology.hl7.org/CodeSystem/v2-0912";

/// The persons of OBX-16, the organisation of OBX-23 and 24 with its director (OBX-25), the laboratory of OBX-15, and
/// whom PRT name.
pub(crate) fn performers(group: &ResultGroup<'_>, out: &mut Output) -> Vec<String> {
    let result = group.result;
    let mut performers = xcn::practitioners(result.field(16), out);
    let organization = xon::organization_at(result.field(23), result.peek(24), out);
    if organization.is_some() {
        result.ignore(&[24]);
    }
    let director = xcn::practitioner(result.field(25), out);
    match (director, &organization) {
        (Some(director), _) => {
            performers.push(role(&director, organization.as_deref(), ("MDIR", "Medical Director"), out));
            performers.extend(organization);
        }
        (None, _) => performers.extend(organization),
    }
    performers.extend(producer(result.field(15), out));
    for participant in &group.participants {
        performers.extend(participant_of(*participant, out));
    }
    let mut seen = 0;
    while seen < performers.len() {
        if performers[..seen].contains(&performers[seen]) {
            performers.remove(seen);
        } else {
            seen += 1;
        }
    }
    performers
}

/// PRT-5 (person) and PRT-8 (organisation).
pub(crate) fn participant_of(participant: Segment<'_>, out: &mut Output) -> Vec<String> {
    // Named rule `participation-repeats-its-segment`: what kind of participation it is shows in where it is written.
    participant.ignore(&[1, 2, 4]);
    let mut found = xcn::practitioners(participant.field(5), out);
    let organization = xon::organization_at(participant.field(8), participant.peek(14), out);
    if organization.is_some() {
        participant.ignore(&[14]);
    }
    found.extend(organization);
    found
}

/// A person in a role at an organisation.
fn role(practitioner: &str, organization: Option<&str>, (code, name): (&str, &str), out: &mut Output) -> String {
    let mut w = Writer::new();
    w.reference("practitioner", practitioner);
    w.reference("organization", organization.unwrap_or_default());
    w.array("code", |w| {
        w.item(|w| w.array("coding", |w| w.coding_item(V2_0912, code, name)));
    });
    let key = format!("{code}:{practitioner}:{}", organization.unwrap_or_default());
    let id = out.id(ResourceType::PRACTITIONER_ROLE, &key);
    out.put_weak(ResourceType::PRACTITIONER_ROLE, id, w)
}

/// OBX-15 is a CE: a code and a name of a laboratory.
fn producer(value: Value<'_>, out: &mut Output) -> Option<String> {
    let (code, name) = (cwe::code(value), cwe::text(value));
    if code.is_empty() && name.is_empty() {
        return None;
    }
    let mut w = Writer::new();
    w.array("identifier", |w| {
        if !code.is_empty() {
            w.item(|w| {
                w.string("system", &out.facility.local_system("result-producer"));
                w.string("value", &code);
            });
        }
    });
    w.string("name", if name.is_empty() { &code } else { &name });
    let key = format!("producer:{}", if code.is_empty() { &name } else { &code });
    let id = out.id(ResourceType::ORGANIZATION, &key);
    Some(out.put_weak(ResourceType::ORGANIZATION, id, w))
}
