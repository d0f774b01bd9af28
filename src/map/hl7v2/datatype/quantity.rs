//! Units (CE/CWE of OBX-6, RXE-5 and others) on a Quantity: a code only together with the system it belongs to.

use crate::decode::hl7v2::Value;
use crate::fhir::{Writer, system};
use crate::map::hl7v2::coding_system;
use crate::map::hl7v2::output::Output;

/// Writes `unit`, `system` and `code` into a Quantity. ISO+ is not UCUM: only units whose UCUM spelling is certain are
/// converted, others keep the sender's code under a system of the sender's.
pub fn unit(w: &mut Writer, value: Value<'_>, out: &mut Output) {
    let part = |number: u16| value.component(number).text();
    let (code, text, table) = (part(1), part(2), part(3));
    let (code, text, table) = (code.trim(), text.trim(), table.trim());
    w.string("unit", if text.is_empty() { code } else { text });
    if code.is_empty() || table.is_empty() {
        return;
    }
    let ucum = if table == "ISO+" { iso_to_ucum(code) } else { None };
    match ucum {
        Some(ucum) => {
            w.string("system", system::UCUM);
            w.string("code", ucum);
        }
        None => {
            w.string("system", &coding_system::resolve(table, code, &value.place(), &out.facility).uri);
            w.string("code", code);
        }
    }
}

/// HL7 v2 ISO+ (figure 7-13) to UCUM where the meaning is beyond doubt.
fn iso_to_ucum(code: &str) -> Option<&'static str> {
    Some(match code {
        "cm" => "cm",
        "m" => "m",
        "mm" => "mm",
        "kg" => "kg",
        "g" => "g",
        "mg" => "mg",
        "%" => "%",
        "ml" | "mL" => "mL",
        "l" | "L" => "L",
        "dl" | "dL" => "dL",
        "mg/dl" | "mg/dL" => "mg/dL",
        "g/dl" | "g/dL" => "g/dL",
        "mmol/l" | "mmol/L" => "mmol/L",
        "cel" | "Cel" => "Cel",
        "mm(hg)" | "mmHg" => "mm[Hg]",
        "/min" => "/min",
        "hr" | "h" => "h",
        "min" => "min",
        "d" => "d",
        "ml/hr" => "mL/h",
        _ => return None,
    })
}
