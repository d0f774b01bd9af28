//! NDL name with date and location (HL7 v2.5 2A.44) to a Practitioner of the patient's record. Its first component is a
//! CNN, whose parts are sub-components; some write an XCN instead.

use super::{hd, xcn};
use crate::decode::hl7v2::Value;
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;

/// The persons a field names, each as `Practitioner/id`; their drafts go to the output.
pub fn practitioners(field: Value<'_>, out: &mut Output) -> Vec<String> {
    let is_nested = field.repetitions().any(|r| r.component(1).subcomponent(2).is_valued())
        || field.repetitions().all(|r| !r.component(2).is_valued() || r.component(2).raw().starts_with(['1', '2']));
    if !is_nested {
        return xcn::practitioners(field, out);
    }
    field.repetitions().filter_map(|r| practitioner(r.component(1), out)).collect()
}

/// CNN (2A.9): number, family, given, further names, suffix, prefix, degree, table, authority.
fn practitioner(name: Value<'_>, out: &mut Output) -> Option<String> {
    let part = |number| name.subcomponent(number).text();
    let (number, family, given, further) = (part(1), part(2), part(3), part(4));
    let [number, family, given, further] = [&number, &family, &given, &further].map(|t| t.trim());
    if number.is_empty() && family.is_empty() && given.is_empty() {
        return None;
    }
    let mut w = Writer::new();
    if !number.is_empty() {
        let (universal, kind) = (part(10), part(11));
        let system = hd::from_universal(universal.trim(), kind.trim());
        w.array("identifier", |w| {
            w.item(|w| {
                w.string("system", &system.unwrap_or_else(|| out.facility.staff_number_system()));
                w.string("value", number);
            });
        });
    }
    w.array("name", |w| {
        w.item(|w| {
            w.string("family", family);
            w.array("given", |w| [given, further].iter().for_each(|g| w.item_string(g)));
            w.array("prefix", |w| w.item_string(part(6).trim()));
            w.array("suffix", |w| [5, 7].iter().for_each(|n| w.item_string(part(*n).trim())));
        });
    });
    let key = if number.is_empty() { format!("name:{family}:{given}") } else { number.to_owned() };
    let id = out.id(ResourceType::PRACTITIONER, &key);
    Some(out.put_weak(ResourceType::PRACTITIONER, id, w))
}
