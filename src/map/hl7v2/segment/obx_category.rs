//! OBX-3 (HL7 v2.5 section 7.4.2.3): which kind of observation it is, by the analyte of its JLAC10 code or its LOINC code,
//! as JP Core's Observation.category.

use crate::decode::hl7v2::Segment;
use crate::fhir::{Writer, system};

/// JP_SimpleObservationCategory_CS, and what JP Core wants beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Category {
    code: &'static str,
    display: &'static str,
    /// System, code and display of a second category; empty elsewhere.
    second: (&'static str, &'static str, &'static str),
}

/// What a laboratory reports.
pub(crate) const LABORATORY: Category = plain("laboratory", "Laboratory");
/// What somebody found on the patient; also where nothing says what it is.
pub(crate) const EXAM: Category = plain("exam", "Exam");
/// What images show.
pub(crate) const IMAGING: Category = plain("imaging", "Imaging");
/// 生理機能検査 and what else is measured by doing something to the patient.
pub(crate) const PROCEDURE: Category = plain("procedure", "Procedure");
/// Organisms and what kills them (JP_Observation_Microbiology 1.2.0).
pub(crate) const MICROBIOLOGY: Category =
    Category { second: ("http://loinc.org", "18725-2", "Microbiology studies (set)"), ..LABORATORY };
const VITAL_SIGNS: Category = plain("vital-signs", "Vital Signs");
const SOCIAL_HISTORY: Category = plain("social-history", "Social History");
/// Answers to questions.
pub(crate) const SURVEY: Category = plain("survey", "Survey");

const BODY_MEASURE: &str = "http://jpfhir.jp/fhir/core/CodeSystem/JP_ObservationBodyMeasurementCategory_CS";

/// The first characters of JLAC10 codes that are not laboratory tests, the longer ones first. 9 is 生理機能検査 and what
/// health check-ups add to it: 9N0 measurements, 9N7 questions asked. 6A to 6C are 微生物学的検査.
const PREFIXES: [(&str, Category); 15] = [
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
    ("6A", MICROBIOLOGY),
    ("6B", MICROBIOLOGY),
    ("6C", MICROBIOLOGY),
    ("9A", PROCEDURE),
];

/// LOINC codes of the R4 vital signs profiles (observation-vitalsigns.html) and of the pressures and rates they consist of.
const VITAL_SIGNS_LOINC: [&str; 16] = [
    "2708-6", "29463-7", "3141-9", "39156-5", "59408-5", "8302-2", "8310-5", "8331-1", "8462-4", "8478-0", "8480-6",
    "85353-1", "85354-9", "8867-4", "9279-1", "9843-4",
];

const fn plain(code: &'static str, display: &'static str) -> Category {
    Category { code, display, second: ("", "", "") }
}

const fn body(code: &'static str, display: &'static str) -> Category {
    Category { second: (BODY_MEASURE, code, display), ..plain("body-measurement", "Body Measurement") }
}

/// The category of a result; `usual` where neither its code nor OBX-29 (table 0936, v2.8.2) says another.
pub(crate) fn category(result: Segment<'_>, usual: Category) -> Category {
    let item = result.peek(3);
    for (code, table) in [(1, 3), (4, 6)] {
        let (code, table) = (item.component(code), item.component(table));
        match table.raw() {
            "JC10" | "JLAC10" => return of_code(code.raw().trim(), usual),
            "LN" | "LOINC" if VITAL_SIGNS_LOINC.binary_search(&code.raw().trim()).is_ok() => return VITAL_SIGNS,
            _ => {}
        }
    }
    match result.peek(29).raw() {
        "QST" | "AOE" | "SCI" => {
            result.ignore(&[29]);
            SURVEY
        }
        // RSLT, a result: so it is.
        "RSLT" => {
            result.ignore(&[29]);
            usual
        }
        _ => usual,
    }
}

/// The category that an analyte of JLAC10 has, or the beginning of one as requests name it; `usual` where it says none.
pub(crate) fn of_code(code: &str, usual: Category) -> Category {
    if let Some((_, category)) = PREFIXES.iter().find(|(prefix, _)| code.starts_with(prefix)) {
        return *category;
    }
    match code.as_bytes().first() {
        Some(b'1'..=b'8') if usual == MICROBIOLOGY => MICROBIOLOGY,
        Some(b'1'..=b'8') => LABORATORY,
        _ => usual,
    }
}

impl Category {
    /// Whether a laboratory reports it.
    pub(crate) fn is_of_laboratory(self) -> bool {
        self.code == LABORATORY.code
    }

    /// Whether it is of the kind that is measured again and again: each time is another measurement.
    pub(crate) fn is_measured_again(self) -> bool {
        matches!(self.code, "vital-signs" | "body-measurement")
    }

    /// Writes `category`.
    pub(crate) fn write(self, w: &mut Writer) {
        let (system, second, name) = self.second;
        w.array("category", |w| {
            w.item(|w| {
                w.array("coding", |w| w.coding_item(system::JP_OBSERVATION_CATEGORY, self.code, self.display));
            });
            if !second.is_empty() {
                w.item(|w| w.array("coding", |w| w.coding_item(system, second, name)));
            }
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_analyte_says_the_kind() {
        let code = |code: &str| (of_code(code, EXAM).code, of_code(code, EXAM).second.1);
        assert_eq!(code("9N001000000000001"), ("body-measurement", "height"));
        assert_eq!(code("9N006000000000001"), ("body-measurement", "weight"));
        assert_eq!(code("9A751000000000001"), ("vital-signs", ""));
        assert_eq!(code("9N736000000000011"), ("social-history", ""));
        assert_eq!(code("9N701000000000011"), ("survey", ""));
        assert_eq!(code("5H010000001999911"), ("laboratory", ""));
        // JP_Observation_Electrocardiogram: procedure.
        assert_eq!(code("9A110000000000000"), ("procedure", ""));
        assert_eq!(code("6B010000006174001"), ("laboratory", "18725-2"));
        assert!(VITAL_SIGNS_LOINC.is_sorted());
        assert_eq!(of_code("", LABORATORY), LABORATORY);
    }
}
