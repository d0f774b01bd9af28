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
                let sound = harmless(CONFIDENTIALITY, value.as_str().unwrap_or_default());
                if sound { Labels::default() } else { Labels::UNKNOWN }
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
    if harmless(part("system"), part("code")) { Labels::default() } else { Labels::UNKNOWN }
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
        assert_eq!(tagged(CONFIDENTIALITY, "R"), Labels::UNKNOWN);
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
        for (system, code) in
            [(CONFIDENTIALITY, "R"), (CONFIDENTIALITY, "V"), (system::V3_ACT_CODE, "PSY"), ("x", "y"), ("", "")]
        {
            assert_eq!(labelled(system, code), Labels::UNKNOWN, "{system} {code}");
        }
        let document = json!({"resourceType": "DocumentReference", "securityLabel": [{"text": "restricted"}]});
        assert_eq!(labels(document), Labels::UNKNOWN);
        assert_eq!(labels(json!({"resourceType": "Composition", "confidentiality": "V"})), Labels::UNKNOWN);
        assert_eq!(labels(json!({"resourceType": "Composition", "confidentiality": "N"})), Labels::default());
    }
}
