//! XCN extended composite id and name for persons (HL7 v2.5 2A.86) to a Practitioner of the patient's record.

use super::xpn::{self, NameKind};
use super::{hd, ts};
use crate::decode::hl7v2::Value;
use crate::fhir::{ResourceType, Writer};
use crate::map::Output;

/// The persons a field names, each as `Practitioner/id`; their drafts go to the output. A repetition without number
/// after one with a number is another spelling (kana) of the same person.
///
/// The Practitioner is a copy inside the patient's record: what a hidden patient's message says about a doctor must
/// not become visible through other patients.
pub fn practitioners(field: Value<'_>, out: &mut Output) -> Vec<String> {
    let repetitions: Vec<Value<'_>> = field.repetitions().filter(|r| has_content(*r)).collect();
    let mut references = Vec::new();
    let mut start = 0;
    while start < repetitions.len() {
        let number = number(repetitions[start]);
        let same = |r: &&Value<'_>| {
            let other = self::number(**r);
            other.is_empty() || other == number
        };
        let length = 1 + repetitions[start + 1..].iter().take_while(same).count();
        references.push(practitioner_of(&repetitions[start..start + length], &number, out));
        start += length;
    }
    references
}

/// The first person a field names.
pub fn practitioner(field: Value<'_>, out: &mut Output) -> Option<String> {
    practitioners(field, out).into_iter().next()
}

fn practitioner_of(spellings: &[Value<'_>], number: &str, out: &mut Output) -> String {
    let first = spellings[0];
    let key = if number.is_empty() { name_key(first) } else { number.to_owned() };
    let mut w = Writer::new();
    if !number.is_empty() {
        let numbers = hd::uri(first.component(9), &out.facility);
        let numbers = numbers.unwrap_or_else(|| out.facility.staff_number_system());
        w.array("identifier", |w| {
            w.item(|w| {
                w.string("system", &numbers);
                w.string("value", number);
            });
        });
    }
    w.array("name", |w| {
        for spelling in spellings {
            w.item(|w| {
                let (use_code, representation) = (spelling.component(10).text(), spelling.component(15).text());
                let representation = representation.trim();
                let kind = NameKind { use_code: use_code.trim(), representation, ..NameKind::default() };
                xpn::write(w, *spelling, 2, kind);
                ts::period(w, "period", spelling.component(19), spelling.component(20), out);
            });
        }
    });
    w.array("qualification", |w| {
        w.item(|w| w.object("code", |w| w.string("text", first.component(7).text().trim())));
    });
    let id = out.id(ResourceType::PRACTITIONER, &key);
    out.put_weak(ResourceType::PRACTITIONER, id, w)
}

fn number(value: Value<'_>) -> String {
    value.component(1).text().trim().to_owned()
}

fn name_key(value: Value<'_>) -> String {
    let part = |number: u16| value.component(number).text();
    format!("name:{}:{}", part(2).trim(), part(3).trim())
}

fn has_content(value: Value<'_>) -> bool {
    (1..=3).any(|number| value.component(number).is_valued())
}
