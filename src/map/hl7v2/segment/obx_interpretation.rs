//! OBX-8 interpretation codes (HL7 v2.5 section 7.4.2.8) to `Observation.interpretation`.

use crate::decode::hl7v2::Value;
use crate::fhir::{Writer, system};
use crate::map::Output;
use crate::map::hl7v2::datatype::cwe;
use crate::map::hl7v2::number::narrow;

/// Known flags (table 0078) as v3-ObservationInterpretation, others as they were sent.
pub(crate) fn interpretations(w: &mut Writer, field: Value<'_>, out: &mut Output) {
    w.array("interpretation", |w| {
        for flag in field.repetitions() {
            let sent = cwe::code(flag);
            let code = narrow(&sent);
            let is_of_table = matches!(&*flag.component(3).text(), "" | "HL70078" | "0078" | "HL7nnnn");
            if is_of_table && is_v3_interpretation(&code) {
                w.item(|w| {
                    w.array("coding", |w| w.coding_item(system::V3_INTERPRETATION, &code, display(&code)));
                    w.string("text", &cwe::text(flag));
                });
            } else if flag.component(3).is_valued() || matches!(&*code, "AC" | "HM" | "OBX" | "QCF" | "TOX") {
                cwe::concept_item(w, flag, "HL70078", out);
            } else {
                let text = cwe::text(flag);
                w.item(|w| w.string("text", if text.is_empty() { &sent } else { &text }));
            }
        }
    });
}

/// Whether a flag is the judgement of a susceptibility test.
pub(crate) fn is_susceptibility(field: Value<'_>) -> bool {
    field.repetitions().any(|flag| {
        let sent = cwe::code(flag);
        matches!(&*narrow(&sent), "S" | "I" | "R" | "SDD" | "MS" | "NS" | "VS" | "SYN-S" | "SYN-R")
    })
}

/// What the usual flags are called.
fn display(code: &str) -> &'static str {
    match code {
        "H" => "High",
        "HH" => "Critical high",
        "L" => "Low",
        "LL" => "Critical low",
        "N" => "Normal",
        "A" => "Abnormal",
        "AA" => "Critical abnormal",
        "POS" => "Positive",
        "NEG" => "Negative",
        "S" => "Susceptible",
        "I" => "Intermediate",
        "R" => "Resistant",
        _ => "",
    }
}

#[rustfmt::skip]
fn is_v3_interpretation(code: &str) -> bool {
    matches!(
        code,
        "<" | ">" | "A" | "AA" | "B" | "CAR" | "D" | "DET" | "E" | "EX" | "EXP" | "H" | "HH" | "HU" | "I" | "IE"
            | "IND" | "L" | "LL" | "LU" | "MS" | "N" | "NCL" | "ND" | "NEG" | "NR" | "NS" | "POS" | "R" | "RR" | "S"
            | "SDD" | "SYN-R" | "SYN-S" | "U" | "VS" | "UNE" | "W" | "WR"
    )
}
