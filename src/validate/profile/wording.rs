//! What JP-CLINS asks of names and codes in words alone, not in its profiles (検体検査結果情報における検査項目のコーディング規則):
//! names without half-width katakana, names of local codes without spaces, the JLAC code of a designated test.

use serde_json::Value;

use super::problem::{DESIGNATED, HALF_WIDTH, HALF_WIDTH_THERE, LOCAL_SPACE};
use super::spot::Spot;
use super::walk::Walk;
use crate::profile::Schema;
use crate::validate::path::Path;

/// Where JP-CLINS keeps its profiles: the five kinds of information, the documents, and the Bundle that carries them.
const PROFILES: [&str; 5] = [
    "http://jpfhir.jp/fhir/clins/",
    "http://jpfhir.jp/fhir/eCS/",
    "http://jpfhir.jp/fhir/eReferral/",
    "http://jpfhir.jp/fhir/eDischargeSummary/",
    "http://jpfhir.jp/fhir/ePCS/",
];

/// Codes of a hospital's own for laboratory items.
const LOCAL: &str = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_CLINS_ObsLabResult_LocalCode_CS";

/// What every code system of JLAC codes begins with, in JP-CLINS and in JP Core.
const JLAC: [&str; 5] = [
    "http://jpfhir.jp/fhir/clins/CodeSystem/JLAC10/",
    "http://jpfhir.jp/fhir/clins/CodeSystem/JLAC11/",
    "urn:oid:1.2.392.200119.4.504",
    "http://jpfhir.jp/fhir/core/CodeSystem/JP_ObservationLabResultCode_CS",
    "http://jpfhir.jp/fhir/core/CodeSystem/JLAC10",
];

/// The designated tests: their short names are the concepts above the codes.
const DESIGNATED_TESTS: &str = "http://jpfhir.jp/fhir/clins/CodeSystem/JLAC10/JP_CLINS_ObsLabResult_CoreLabo_CS";

/// Whether a profile is one of JP-CLINS.
pub(super) fn is_of_clins(schema: &Schema) -> bool {
    PROFILES.iter().any(|place| schema.url.starts_with(place))
}

impl<'w> Walk<'w> {
    /// The names in a Coding or a CodeableConcept.
    pub(super) fn worded(&mut self, spot: Spot<'w>, path: &Path<'_>) {
        let name = if spot.type_name == "Coding" { "display" } else { "text" };
        let Some(text) = spot.text(name) else { return };
        if text.chars().any(is_half_width) {
            // Who claims nothing of JP-CLINS is told where the guide is at hand: it may be sent there one day.
            match self.is_clins {
                true => self.add(&HALF_WIDTH, None, &path.member(name), Default::default),
                false if self.profiles.system(DESIGNATED_TESTS).is_some() => {
                    self.add(&HALF_WIDTH_THERE, None, &path.member(name), Default::default);
                }
                false => {}
            }
        }
        if spot.text("system") == Some(LOCAL) && text.contains(char::is_whitespace) {
            self.add(&LOCAL_SPACE, None, &path.member(name), Default::default);
        }
    }

    /// A laboratory result with a local code and without a JLAC code, that by its name is a designated test.
    pub(super) fn designated(&mut self, observation: &'w Value, path: &Path<'_>) {
        let text = |value: &'w Value, name: &str| value.get(name).and_then(Value::as_str);
        let Some(code) = observation.get("code") else { return };
        let codings = code.get("coding").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let is_of = |coding: &'w Value, wanted: &str| text(coding, "system").is_some_and(|one| one.starts_with(wanted));
        let Some(local) = codings.iter().find(|coding| is_of(coding, LOCAL)) else { return };
        if codings.iter().any(|coding| JLAC.iter().any(|system| is_of(coding, system))) {
            return;
        }
        let Some(tests) = self.profiles.system(DESIGNATED_TESTS) else { return };
        let names = [text(code, "text"), text(local, "display")];
        // A code is seventeen digits; what is shorter is the name of a test.
        let named = |name: &str| name.len() < 17 && (tests.has(name) || tests.has(&name.to_uppercase()));
        if let Some(name) = names.into_iter().flatten().map(plain).find(|name| named(name)) {
            let place = path.member("code");
            self.add(&DESIGNATED, None, &place.member("coding"), || (name, String::new()));
        }
    }
}

/// U+FF61 to U+FF9F: half-width katakana with their marks.
fn is_half_width(character: char) -> bool {
    ('\u{ff61}'..='\u{ff9f}').contains(&character)
}

/// Letters, digits and signs of full width as those of ASCII.
fn plain(name: &str) -> String {
    let narrow = |character: char| match character {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(u32::from(character) - 0xfee0).unwrap_or(character),
        other => other,
    };
    name.trim().chars().map(narrow).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_width_katakana_and_letters_of_full_width() {
        assert!("ﾋﾞﾀﾐﾝD".chars().any(is_half_width) && "｡".chars().all(is_half_width));
        assert!(!"ビタミンD WBC ー・".chars().any(is_half_width));
        assert_eq!(plain(" ＷＢＣ"), "WBC");
        assert_eq!(plain("Ｔ－ＣＨＯ"), "T-CHO");
    }
}
