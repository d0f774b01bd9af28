//! Labels of a resource: JP-CLINS handling flags and security labels, wherever in it they stand (high-water mark).

use serde_json::{Map, Value};

use super::facts::Labels;
use crate::fhir::system;

const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// The labels that one object of a resource carries itself (not those of what it holds). Called for every object: a
/// look at the names comes first.
pub(super) fn of_object(object: &Map<String, Value>) -> Labels {
    let mut labels = Labels::default();
    for (name, value) in object {
        labels = labels.union(match name.as_str() {
            "meta" => of_meta(value),
            "confidentiality" if says(object, "resourceType", "Composition") => {
                security(CONFIDENTIALITY, value.as_str().unwrap_or_default())
            }
            // Not of a Consent: there it says what a rule is about.
            "securityLabel" if says(object, "resourceType", "DocumentReference") => of_concepts(value),
            // HL7 DS4P: a label on one element.
            "url" if value.as_str().is_some_and(|url| url.contains("inline-sec-label")) => {
                of_security(object.get("valueCoding").unwrap_or(&Value::Null))
            }
            _ => Labels::default(),
        });
    }
    labels
}

fn says(object: &Map<String, Value>, name: &str, wanted: &str) -> bool {
    object.get(name).and_then(Value::as_str) == Some(wanted)
}

fn of_concepts(concepts: &Value) -> Labels {
    let mut labels = Labels::default();
    for concept in each(concepts) {
        let codings = concept.get("coding").map(each).unwrap_or_default();
        let codings = if codings.is_empty() { std::slice::from_ref(&Value::Null) } else { codings };
        labels = codings.iter().fold(labels, |labels, coding| labels.union(of_security(coding)));
    }
    labels
}

fn of_meta(meta: &Value) -> Labels {
    let mut labels = Labels::default();
    for tag in meta.get("tag").map(each).into_iter().flatten() {
        labels = labels.union(of_tag(tag));
    }
    for label in meta.get("security").map(each).into_iter().flatten() {
        // A flag put among the security labels is the flag all the same.
        let flag = of_tag(label);
        labels = labels.union(if flag.is_empty() { of_security(label) } else { flag });
    }
    labels
}

/// JP_ehrshrs_indication; the two restrictive codes count under any system, because a misspelt one must not open.
fn of_tag(tag: &Value) -> Labels {
    let part = |name| tag.get(name).and_then(Value::as_str).unwrap_or_default();
    match (part("system"), part("code")) {
        (_, "UNINFORMED") => Labels::UNINFORMED,
        (_, "UNDELIVERED") => Labels::UNDELIVERED,
        (system::CLINS_INDICATION, "LTS") => Labels::default(),
        (system::CLINS_INDICATION, _) => Labels::UNKNOWN,
        // A security label put among the tags.
        (CONFIDENTIALITY | system::V3_ACT_CODE, _) => of_security(tag),
        _ => Labels::default(),
    }
}

fn of_security(label: &Value) -> Labels {
    let part = |name| label.get(name).and_then(Value::as_str).unwrap_or_default();
    security(part("system"), part("code"))
}

/// What a security label means; [`Labels::UNKNOWN`] for one that this program does not know.
pub fn security(system: &str, code: &str) -> Labels {
    match (system, code) {
        (CONFIDENTIALITY, "R") => Labels::RESTRICTED,
        (CONFIDENTIALITY, "V") => Labels::VERY_RESTRICTED,
        (system::V3_ACT_CODE, code) => sensitivity(code).unwrap_or(Labels::UNKNOWN),
        _ if harmless(system, code) => Labels::default(),
        _ => Labels::UNKNOWN,
    }
}

/// The codes of v3-ActCode's ActInformationSensitivityPolicy, each with the one it is a kind of. Their places are stored
/// as bits from 6 on and must not change.
const SENSITIVITIES: [(&str, &str); 22] = [
    ("ETH", ""),
    ("GDIS", ""),
    ("HIV", ""),
    ("MST", ""),
    ("SCA", ""),
    ("SDV", ""),
    ("SEX", ""),
    ("SPI", ""),
    ("BH", "SPI"),
    ("COGN", "BH"),
    ("DVD", "BH"),
    ("EMOTDIS", "BH"),
    ("MH", "SPI"),
    ("PSY", "SPI"),
    ("PSYTHPN", "SPI"),
    ("SUD", "SPI"),
    ("ETHUD", "SUD"),
    ("OPIOIDUD", "SUD"),
    ("STD", ""),
    ("TBOO", ""),
    ("VIO", ""),
    ("SICKLE", ""),
];
const FIRST_SENSITIVITY: u32 = 6;

fn sensitivity(code: &str) -> Option<Labels> {
    let at = SENSITIVITIES.iter().position(|(known, _)| *known == code)?;
    Some(Labels(1 << (FIRST_SENSITIVITY + at as u32)))
}

/// Labels with all that are a kind of one of them.
pub fn with_kinds(mut labels: Labels) -> Labels {
    // As deep as the table is.
    for _ in 0..3 {
        for (code, parent) in SENSITIVITIES {
            let inside = sensitivity(parent).is_some_and(|parent| !parent.and(labels).is_empty());
            labels = sensitivity(code).filter(|_| inside).map_or(labels, |kind| labels.union(kind));
        }
    }
    labels
}

/// The codes of labels, as the network's office reads them.
pub fn codes(labels: Labels) -> Vec<&'static str> {
    let plain = [
        (Labels::UNINFORMED, "UNINFORMED"),
        (Labels::UNDELIVERED, "UNDELIVERED"),
        (Labels::UNKNOWN, "unknown"),
        (Labels::RESTRICTED, "R"),
        (Labels::VERY_RESTRICTED, "V"),
    ];
    let sensitive = SENSITIVITIES.iter().filter_map(|(code, _)| Some((sensitivity(code)?, *code)));
    plain
        .into_iter()
        .chain(sensitive)
        .filter(|(label, _)| !label.and(labels).is_empty())
        .map(|(_, code)| code)
        .collect()
}

/// All labels of sensitivity.
pub fn sensitivities() -> Labels {
    SENSITIVITIES.iter().filter_map(|(code, _)| sensitivity(code)).fold(Labels::default(), Labels::union)
}

/// The security labels that are known not to restrict; every other hides.
fn harmless(system: &str, code: &str) -> bool {
    match system {
        CONFIDENTIALITY => matches!(code, "U" | "L" | "M" | "N"),
        // HL7 table 0272, the confidentiality of documents: U is "usual control".
        "http://terminology.hl7.org/CodeSystem/v2-0272" => code == "U",
        // Integrity, provenance and completeness (SUBSETTED) of the data.
        "http://terminology.hl7.org/CodeSystem/v3-ObservationValue" => !code.is_empty(),
        "http://terminology.hl7.org/CodeSystem/v3-ActReason" => code == "HTEST",
        _ => false,
    }
}

/// A list as it should be, or one value where a list should be: a wrong shape must not hide a label.
fn each(value: &Value) -> &[Value] {
    match value {
        Value::Array(items) => items,
        one => std::slice::from_ref(one),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn labels(resource: Value) -> Labels {
        of_object(resource.as_object().unwrap())
    }

    #[test]
    fn flags_restrict_and_long_term_storage_does_not() {
        let tagged = |system: &str, code: &str| labels(json!({"meta": {"tag": [{"system": system, "code": code}]}}));
        assert_eq!(tagged(system::CLINS_INDICATION, "LTS"), Labels::default());
        assert_eq!(tagged(system::CLINS_INDICATION, "UNINFORMED"), Labels::UNINFORMED);
        assert_eq!(tagged(system::CLINS_INDICATION, "UNDELIVERED"), Labels::UNDELIVERED);
        assert_eq!(tagged(system::CLINS_INDICATION, "NEW"), Labels::UNKNOWN);
        assert_eq!(tagged(CONFIDENTIALITY, "R"), Labels::RESTRICTED);
        assert_eq!(tagged(CONFIDENTIALITY, "N"), Labels::default());
        assert_eq!(tagged("misspelt", "UNDELIVERED"), Labels::UNDELIVERED);
        assert_eq!(
            tagged("http://jpfhir.jp/fhir/clins/CodeSystem/BundleResourceType_CS", "Condition"),
            Labels::default()
        );
        assert_eq!(labels(json!({"meta": {"tag": {"code": "UNINFORMED"}}})), Labels::UNINFORMED);
    }

    #[test]
    fn security_labels_hide_unless_known_to_be_harmless() {
        let labelled =
            |system: &str, code: &str| labels(json!({"meta": {"security": [{"system": system, "code": code}]}}));
        assert_eq!(labelled(CONFIDENTIALITY, "N"), Labels::default());
        assert_eq!(labelled(CONFIDENTIALITY, "R"), Labels::RESTRICTED);
        assert_eq!(labelled(system::V3_ACT_CODE, "ETH"), Labels(1 << 6));
        assert_eq!(labelled(system::V3_ACT_CODE, "SICKLE"), Labels(1 << 27));
        for (system, code) in [(CONFIDENTIALITY, "X"), (system::V3_ACT_CODE, "OPTIN"), ("x", "y"), ("x", "V"), ("", "")]
        {
            assert_eq!(labelled(system, code), Labels::UNKNOWN, "{system} {code}");
        }
        let document = json!({"resourceType": "DocumentReference", "securityLabel": [{"text": "restricted"}]});
        assert_eq!(labels(document), Labels::UNKNOWN);
        assert_eq!(labels(json!({"resourceType": "Composition", "confidentiality": "V"})), Labels::VERY_RESTRICTED);
        assert_eq!(labels(json!({"resourceType": "Composition", "confidentiality": "N"})), Labels::default());
    }
    #[test]
    fn sensitivities_are_those_of_the_code_system_with_their_kinds() {
        let named = |code| sensitivity(code).unwrap();
        let kinds = ["BH", "COGN", "DVD", "EMOTDIS", "MH", "PSY", "PSYTHPN", "SUD", "ETHUD", "OPIOIDUD"].map(named);
        assert_eq!(with_kinds(named("SPI")), kinds.into_iter().fold(named("SPI"), Labels::union));
        assert_eq!(with_kinds(named("ETHUD")), named("ETHUD"));
        assert_eq!(with_kinds(Labels::RESTRICTED), Labels::RESTRICTED);
        assert_eq!(sensitivities().0.count_ones() as usize, SENSITIVITIES.len());
    }
}
