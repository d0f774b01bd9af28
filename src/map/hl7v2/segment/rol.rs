//! ROL role (HL7 v2.5 section 15.4.7): who has to do with the patient, the visit or the procedure it stands behind.

use crate::decode::hl7v2::{Message, Segment, Value};
use crate::fhir::{Writer, system};
use crate::map::hl7v2::datatype::{cwe, ts, xcn};
use crate::map::hl7v2::{EVERY_FIELD, Output};

/// The ROL segments that stand behind a segment, up to the next one of another name (ROL has no number of what it is
/// about; HL7 v2.5 section 3.3.1 goes by position).
pub fn after<'m>(message: &'m Message<'_>, owner: Segment<'_>) -> impl Iterator<Item = Segment<'m>> {
    message.segments().skip(owner.index() + 1).take_while(|segment| segment.is("ROL"))
}

/// The items of `Encounter.participant` that the ROL behind PV1 and PV2 state, as JSON text.
pub fn participants(message: &Message<'_>, out: &mut Output) -> Vec<String> {
    let behind = |name: &'static str| message.first(name).into_iter().flat_map(move |owner| after(message, owner));
    // Other segments (ARV) may stand between PV2 and its ROL.
    let behind_restriction = message.all("ARV").flat_map(|arv| after(message, arv));
    let visit = message.first("PV1").map_or(usize::MAX, |pv1| pv1.index());
    let all = behind("PV1").chain(behind("PV2")).chain(behind_restriction).filter(|rol| rol.index() > visit);
    all.filter_map(|rol| participant(rol, out)).collect()
}

fn participant(rol: Segment<'_>, out: &mut Output) -> Option<String> {
    let person = person(rol, out)?;
    let mut w = Writer::new();
    w.item(|w| {
        w.array("type", |w| role(w, rol.field(3), out));
        ts::period(w, "period", rol.field(5), rol.field(6), out);
        w.reference("individual", &person);
    });
    Some(w.finish())
}

/// An item of `Procedure.performer`, as JSON text.
pub fn performer(rol: Segment<'_>, out: &mut Output) -> Option<String> {
    let person = person(rol, out)?;
    let mut w = Writer::new();
    w.item(|w| {
        cwe::concept(w, "function", rol.field(3), "HL70443", out);
        w.reference("actor", &person);
    });
    Some(w.finish())
}

/// The family doctors among the ROL behind PID and PD1 (HL7 table 0443: PP primary care provider, FHCP family health care
/// professional), as references.
pub fn general_practitioners(around: &[Segment<'_>], out: &mut Output) -> Vec<String> {
    let head = around.iter().take_while(|segment| !matches!(segment.name(), "PV1" | "PR1" | "NK1"));
    let mine = head.filter(|s| s.is("ROL") && matches!(cwe::code(s.peek(3)).as_str(), "PP" | "FHCP"));
    let found: Vec<String> = mine
        .filter_map(|rol| {
            rol.field(3);
            person(*rol, out)
        })
        .collect();
    found
}

/// Whom it names; nobody when the role is taken away (ROL-2; HL7 table 0287 DE).
fn person(rol: Segment<'_>, out: &mut Output) -> Option<String> {
    if matches!(&*rol.field(2).text(), "DE" | "D") {
        rol.ignore(&EVERY_FIELD);
        return None;
    }
    xcn::practitioner(rol.field(4), out)
}

/// HL7 table 0443; the roles PV1 has fields for in the words of those.
fn role(w: &mut Writer, value: Value<'_>, out: &mut Output) {
    let role = match cwe::code(value).as_str() {
        "AD" => ("ADM", "admitter"),
        "AT" => ("ATND", "attender"),
        "CP" => ("CON", "consultant"),
        "RP" => ("REF", "referrer"),
        _ => return cwe::concept_item(w, value, "HL70443", out),
    };
    w.item(|w| {
        w.array("coding", |w| {
            w.coding_item(system::V3_PARTICIPATION, role.0, role.1);
            cwe::codings(w, value, "HL70443", out);
        });
        w.string("text", &cwe::text(value));
    });
}
