//! GT1 guarantor (HL7 v2.5 section 6.5.5) and the patient's account number (PID-18) to Account and RelatedPerson.

use super::related_person::{self, Fields};
use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{ResourceType, Writer};
use crate::map::hl7v2::Output;
use crate::map::hl7v2::datatype::{cwe, cx, hd, ts};

const GUARANTOR: Fields = Fields {
    numbers: 2,
    names: 3,
    relationship: 11,
    telecoms: &[(6, "home"), (7, "work")],
    gender: 9,
    birth: 8,
    addresses: 5,
    period: (13, 14),
    language: 36,
};

/// States the account that PID-18 numbers, with who answers for it; nothing when the message names neither.
pub fn account(around: &[Segment<'_>], pid: Segment<'_>, out: &mut Output) {
    let number = pid.field(18);
    let mut guarantors: Vec<String> = Vec::new();
    for gt1 in around.iter().filter(|segment| segment.is("GT1")) {
        guarantors.extend(guarantor(*gt1, out));
    }
    if !number.component(1).is_valued() && guarantors.is_empty() {
        return;
    }
    let mut w = Writer::new();
    identifier(&mut w, number, out);
    w.string("status", "active");
    w.array("subject", |w| w.item(|w| w.string("reference", &out.patient.reference())));
    w.array("guarantor", |w| guarantors.iter().for_each(|guarantor| w.item_raw(guarantor)));
    let id = out.id(ResourceType::ACCOUNT, &key(number));
    out.state(ResourceType::ACCOUNT, id, w);
}

/// The reference to the account that PID-18 numbers; `None` when it numbers none.
pub fn account_reference(number: Value<'_>, out: &Output) -> Option<String> {
    let is_numbered = number.component(1).is_valued();
    is_numbered.then(|| format!("Account/{}", out.id(ResourceType::ACCOUNT, &key(number)).as_str()))
}

/// States that an account's number is another one now (MRG-3): the old one is not used any more.
pub fn close(number: Value<'_>, out: &mut Output) {
    if !number.component(1).is_valued() {
        return;
    }
    let mut w = Writer::new();
    identifier(&mut w, number, out);
    w.string("status", "inactive");
    w.array("subject", |w| w.item(|w| w.string("reference", &out.patient.reference())));
    let id = out.id(ResourceType::ACCOUNT, &key(number));
    out.merge(ResourceType::ACCOUNT, id, w, Vec::new());
}

fn key(number: Value<'_>) -> String {
    format!("account:{}", number.component(1).text().trim())
}

fn identifier(w: &mut Writer, number: Value<'_>, out: &mut Output) {
    w.array("identifier", |w| {
        w.item(|w| {
            let is_told = hd::uri(number.component(4), &out.facility).is_some() || number.component(5).is_valued();
            if is_told {
                cx::identifier(w, number, out);
            } else if number.component(1).is_valued() {
                w.object("type", |w| w.array("coding", |w| w.coding_item(crate::fhir::system::V2_0203, "AN", "")));
                w.string("system", &out.facility.local_system("account-number"));
                w.string("value", number.component(1).text().trim());
            }
        });
    });
}

/// An item of `Account.guarantor` as JSON text: the patient, a person or an organisation (GT1-21).
fn guarantor(gt1: Segment<'_>, out: &mut Output) -> Option<String> {
    let is_patient = cwe::code(gt1.peek(11)) == "SEL";
    let person = if is_patient { None } else { related_person::state(gt1, GUARANTOR, "GT1", out) };
    let organization = gt1.field(21).component(1).text().trim().to_owned();
    let reference = if is_patient { Some(out.patient.reference()) } else { person };
    if reference.is_none() && organization.is_empty() {
        return None;
    }
    let mut w = Writer::new();
    w.item(|w| {
        w.object("party", |w| match &reference {
            Some(reference) => w.string("reference", reference),
            None => w.string("display", &organization),
        });
        ts::period(w, "period", gt1.field(13), gt1.field(14), out);
    });
    if is_patient {
        // What GT1 repeats of the patient is told by PID.
        gt1.ignore(&[2, 3, 5, 6, 7, 8, 9, 11]);
    }
    Some(w.finish())
}
