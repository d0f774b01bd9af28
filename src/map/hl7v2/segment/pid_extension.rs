//! What PID says of a person that Patient has extensions for (HL7 FHIR R4 extension registry, US Core).

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::{Writer, time};
use crate::map::hl7v2::Output;
use crate::map::hl7v2::datatype::cwe;

const BASE: &str = "http://hl7.org/fhir/StructureDefinition/patient-";
const US_CORE: &str = "http://hl7.org/fhir/us/core/StructureDefinition/us-core-";
/// CDC race and ethnicity, the codes that US Core wants.
const CDC_RACE: &str = "urn:oid:2.16.840.1.113883.6.238";

/// Writes the items of `extension`.
pub fn extensions(w: &mut Writer, pid: Segment<'_>, out: &mut Output) {
    let mother = pid.field(6).component(1).text();
    text(w, "mothersMaidenName", "valueString", mother.trim());
    category(w, "race", pid, 10);
    let religion = pid.field(17);
    if religion.is_valued() {
        w.item(|w| {
            w.string("url", &format!("{BASE}religion"));
            cwe::concept(w, "valueCodeableConcept", religion, "HL70006", out);
        });
    }
    category(w, "ethnicity", pid, 22);
    let birth_place = pid.field(23).text();
    if !birth_place.trim().is_empty() {
        w.item(|w| {
            w.string("url", &format!("{BASE}birthPlace"));
            w.object("valueAddress", |w| w.string("text", birth_place.trim()));
        });
    }
    animal(w, pid, out);
    for (field, name, table) in [(26, "citizenship", "HL70171"), (28, "nationality", "HL70212")] {
        // Seen in the field: a date where a nationality belongs.
        let is_date =
            |value: &Value<'_>| cwe::code(*value).len() == 8 && time::date_from_v2(&cwe::code(*value)).is_some();
        if pid.peek(field).repetitions().any(|value| is_date(&value)) {
            continue;
        }
        for country in pid.field(field).repetitions().filter(Value::is_valued) {
            w.item(|w| {
                w.string("url", &format!("{BASE}{name}"));
                w.array("extension", |w| {
                    w.item(|w| {
                        w.string("url", "code");
                        cwe::concept(w, "valueCodeableConcept", country, table, out);
                    });
                });
            });
        }
    }
}

/// PID-35 and PID-36: a patient that is an animal.
fn animal(w: &mut Writer, pid: Segment<'_>, out: &mut Output) {
    let species = pid.field(35);
    // The extension demands a species.
    if !species.is_valued() {
        return;
    }
    w.item(|w| {
        w.string("url", &format!("{BASE}animal"));
        w.array("extension", |w| {
            for (name, value, table) in [("species", species, "HL70446"), ("breed", pid.field(36), "HL70447")] {
                if value.is_valued() {
                    w.item(|w| {
                        w.string("url", name);
                        cwe::concept(w, "valueCodeableConcept", value, table, out);
                    });
                }
            }
        });
    });
}

fn text(w: &mut Writer, name: &str, kind: &str, value: &str) {
    if !value.is_empty() {
        w.item(|w| {
            w.string("url", &format!("{BASE}{name}"));
            w.string(kind, value);
        });
    }
}

/// Race (PID-10) and ethnic group (PID-22) are told in the United States, by codes of the CDC's list; what senders
/// elsewhere write there is neither.
fn category(w: &mut Writer, name: &str, pid: Segment<'_>, field: u16) {
    let is_of_cdc = |code: &str| {
        code.len() == 6 && code.bytes().enumerate().all(|(at, b)| if at == 4 { b == b'-' } else { b.is_ascii_digit() })
    };
    if !pid.peek(field).repetitions().any(|value| is_of_cdc(&cwe::code(value))) {
        return;
    }
    let field = pid.field(field);
    let told: Vec<(String, String)> = field.repetitions().map(|value| (cwe::code(value), cwe::text(value))).collect();
    let texts: Vec<&str> =
        told.iter().map(|(code, text)| if text.is_empty() { code } else { text }).map(String::as_str).collect();
    let text = texts.iter().filter(|text| !text.is_empty()).copied().collect::<Vec<_>>().join(", ");
    w.item(|w| {
        w.string("url", &format!("{US_CORE}{name}"));
        w.array("extension", |w| {
            for (code, display) in told.iter().filter(|(code, _)| is_of_cdc(code)) {
                w.item(|w| {
                    w.string("url", if is_category(code) { "ombCategory" } else { "detailed" });
                    w.object("valueCoding", |w| {
                        w.string("system", CDC_RACE);
                        w.string("code", code);
                        w.string("display", display);
                    });
                });
            }
            w.item(|w| {
                w.string("url", "text");
                w.string("valueString", &text);
            });
        });
    });
}

/// The codes of the OMB categories; the others of the list are more detailed.
fn is_category(code: &str) -> bool {
    matches!(code, "1002-5" | "2028-9" | "2054-5" | "2076-8" | "2106-3" | "2135-2" | "2186-5")
}
