//! OBX-3 (HL7 v2.5 section 7.4.2.3): which kind of observation it is, by the analyte of its JLAC10 code, as JP Core's
//! Observation.category.

use crate::decode::hl7v2::Segment;
use crate::fhir::{Writer, system};

/// JP_SimpleObservationCategory_CS, and for body measurements what JP Core 1.1.2 wants beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Category {
    code: &'static str,
    display: &'static str,
    /// JP_ObservationBodyMeasurementCategory_CS: code and display; empty elsewhere.
    measure: (&'static str, &'static str),
}

/// What everything is that a laboratory reports.
pub(crate) const LABORATORY: Category = Category { code: "laboratory", display: "Laboratory", measure: ("", "") };
/// What somebody found on the patient; also where nothing says what it is.
pub(crate) const EXAM: Category = Category { code: "exam", display: "Exam", measure: ("", "") };
const VITAL_SIGNS: Category = Category { code: "vital-signs", display: "Vital Signs", measure: ("", "") };
const SOCIAL_HISTORY: Category = Category { code: "social-history", display: "Social History", measure: ("", "") };
const SURVEY: Category = Category { code: "survey", display: "Survey", measure: ("", "") };

const BODY_MEASURE: &str = "http://jpfhir.jp/fhir/core/CodeSystem/JP_ObservationBodyMeasurementCategory_CS";

/// The first characters of JLAC10 codes that are not laboratory tests, the longer ones first. 9 is 生理機能検査 and what
/// health check-ups add to it: 9N0 measurements, 9N7 questions asked.
const PREFIXES: [(&str, Category); 11] = [
    ("9N001", body("height", "身長")),
    ("9N006", body("weight", "体重")),
    ("9N011", body("body-mass-index", "肥満度")),
    ("9N016", body("abdominal-circumference", "腹囲")),
    ("9N121", VITAL_SIGNS),
    ("9N736", SOCIAL_HISTORY),
    ("9N786", SOCIAL_HISTORY),
    ("9N791", SOCIAL_HISTORY),
    ("9N7", SURVEY),
    ("9A7", VITAL_SIGNS),
    ("9P", VITAL_SIGNS),
];

const fn body(code: &'static str, display: &'static str) -> Category {
    Category { code: "body-measurement", display: "Body Measurement", measure: (code, display) }
}

/// The category of a result; `usual` where no JLAC10 code says another.
pub(crate) fn category(result: Segment<'_>, usual: Category) -> Category {
    let item = result.peek(3);
    for (code, table) in [(1, 3), (4, 6)] {
        if matches!(item.component(table).raw(), "JC10" | "JLAC10") {
            return of_code(item.component(code).raw().trim(), usual);
        }
    }
    usual
}

fn of_code(code: &str, usual: Category) -> Category {
    if let Some((_, category)) = PREFIXES.iter().find(|(prefix, _)| code.starts_with(prefix)) {
        return *category;
    }
    match code.as_bytes().first() {
        Some(b'1'..=b'8') => LABORATORY,
        _ => usual,
    }
}

impl Category {
    /// Writes `category`.
    pub(crate) fn write(self, w: &mut Writer) {
        let (measure, name) = self.measure;
        w.array("category", |w| {
            w.item(|w| {
                w.array("coding", |w| w.coding_item(system::JP_OBSERVATION_CATEGORY, self.code, self.display));
            });
            if !measure.is_empty() {
                w.item(|w| w.array("coding", |w| w.coding_item(BODY_MEASURE, measure, name)));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_analyte_says_the_kind() {
        let code = |code: &str| (of_code(code, EXAM).code, of_code(code, EXAM).measure.0);
        assert_eq!(code("9N001000000000001"), ("body-measurement", "height"));
        assert_eq!(code("9N006000000000001"), ("body-measurement", "weight"));
        assert_eq!(code("9A751000000000001"), ("vital-signs", ""));
        assert_eq!(code("9N736000000000011"), ("social-history", ""));
        assert_eq!(code("9N701000000000011"), ("survey", ""));
        assert_eq!(code("5H010000001999911"), ("laboratory", ""));
        assert_eq!(code("9A110000000000000"), ("exam", ""));
        assert_eq!(of_code("", LABORATORY), LABORATORY);
    }
}
