//! XON extended organisation name (HL7 v2.5 2A.90) to an Organization of the patient's record.

use crate::decode::hl7v2::Value;
use crate::fhir::{ResourceType, Writer, system};
use crate::map::Output;

use super::{hd, xad};

/// The organisation one repetition names, as `Organization/id`; its draft goes to the output. A copy inside the
/// patient's record, as practitioners are.
pub fn organization(value: Value<'_>, out: &mut Output) -> Option<String> {
    organization_with(value, None, out)
}

/// The same with its address (XAD, which may be empty).
pub fn organization_at(value: Value<'_>, address: Value<'_>, out: &mut Output) -> Option<String> {
    organization_with(value, Some(address), out)
}

fn organization_with(value: Value<'_>, address: Option<Value<'_>>, out: &mut Output) -> Option<String> {
    let name = value.component(1).text();
    let number = [10, 3].map(|n| value.component(n).text()).into_iter().find(|t| !t.trim().is_empty());
    let number = number.unwrap_or_default();
    let (name, number) = (name.trim(), number.trim());
    if name.is_empty() && number.is_empty() {
        return None;
    }
    let mut w = Writer::new();
    if !number.is_empty() {
        let numbers = hd::uri(value.component(6), &out.facility).unwrap_or_else(|| number_system(number, out));
        w.array("identifier", |w| {
            w.item(|w| {
                w.string("system", &numbers);
                w.string("value", number);
            });
        });
    }
    w.string("name", name);
    w.array("address", |w| {
        for address in address.iter().flat_map(Value::repetitions) {
            w.item(|w| xad::address(w, address, out));
        }
    });
    let key = if number.is_empty() { format!("name:{name}") } else { number.to_owned() };
    let id = out.id(ResourceType::ORGANIZATION, &key);
    Some(out.put_weak(ResourceType::ORGANIZATION, id, w))
}

fn number_system(number: &str, out: &Output) -> String {
    if crate::fhir::FacilityCode::parse(number).is_insurance_institution() {
        system::INSTITUTION_NUMBER.to_owned()
    } else {
        out.facility.local_system("organization-number")
    }
}
