//! The sections of an International Patient Summary (IPS 1.1, Composition-uv-ips), and what belongs into which.

use serde_json::Value;

/// A section.
#[derive(Debug)]
pub(super) struct Section {
    /// Its LOINC code.
    pub(super) code: &'static str,
    /// The code's name.
    pub(super) display: &'static str,
    /// Its title, in Japanese and in English.
    pub(super) title: &'static str,
    /// What is said where the IPS asks for the section and there is nothing: type and code of the entry that says that
    /// there is no information (CodeSystem absent-unknown-uv-ips).
    pub(super) absent: Option<(&'static str, &'static str, &'static str)>,
}

/// The sections, in the order in which the summary has them.
pub(super) static SECTIONS: [Section; 11] = [
    Section {
        code: "11450-4",
        display: "Problem list - Reported",
        title: "健康上の問題 / Problem List",
        absent: Some(("Condition", "no-problem-info", "No information about problems")),
    },
    Section {
        code: "48765-2",
        display: "Allergies and adverse reactions Document",
        title: "アレルギー・不耐性 / Allergies and Intolerances",
        absent: Some(("AllergyIntolerance", "no-allergy-info", "No information about allergies")),
    },
    Section {
        code: "10160-0",
        display: "History of Medication use Narrative",
        title: "使用している薬 / Medication Summary",
        absent: Some(("MedicationStatement", "no-medication-info", "No information about medications")),
    },
    section("11369-6", "History of Immunization Narrative", "予防接種 / Immunizations"),
    section("30954-2", "Relevant diagnostic tests/laboratory data Narrative", "検査結果 / Results"),
    section("47519-4", "History of Procedures Document", "処置・手術 / History of Procedures"),
    section("46264-8", "History of medical device use", "医療機器 / Medical Devices"),
    section("8716-3", "Vital signs", "バイタルサイン / Vital Signs"),
    section("11348-0", "History of Past illness Narrative", "既往歴 / History of Past Illness"),
    section("18776-5", "Plan of care note", "ケア計画 / Plan of Care"),
    section("29762-2", "Social history Narrative", "社会歴 / Social History"),
];

const fn section(code: &'static str, display: &'static str, title: &'static str) -> Section {
    Section { code, display, title, absent: None }
}

/// Whether a section shows the newest of each code alone: a summary of measurements is their last values.
pub(super) fn is_of_measurements(code: &str) -> bool {
    matches!(code, "30954-2" | "8716-3" | "29762-2")
}

/// The code of the section that a resource belongs to; `None` for what belongs to none: what was entered in error, did not
/// come about, or is of no type that a section has.
pub(super) fn section_of(resource: &Value) -> Option<&'static str> {
    let text = |name: &str| resource.get(name).and_then(Value::as_str).unwrap_or_default();
    let is_among = |name: &str, wrong: &[&str]| wrong.contains(&text(name));
    let code_of = |name: &str| resource.get(name).map(codes).unwrap_or_default();
    let verified = !code_of("verificationStatus").iter().any(|code| matches!(*code, "entered-in-error" | "refuted"));
    match text("resourceType") {
        "Condition" if verified => {
            let over =
                code_of("clinicalStatus").iter().any(|code| matches!(*code, "inactive" | "remission" | "resolved"));
            Some(if over { "11348-0" } else { "11450-4" })
        }
        "AllergyIntolerance" if verified && !code_of("clinicalStatus").contains(&"resolved") => Some("48765-2"),
        "MedicationStatement" if !is_among("status", &["entered-in-error", "not-taken"]) => Some("10160-0"),
        "MedicationRequest" if !is_among("status", &["entered-in-error", "cancelled", "stopped", "draft"]) => {
            Some("10160-0")
        }
        "Immunization" if text("status") == "completed" => Some("11369-6"),
        "Procedure" if !is_among("status", &["entered-in-error", "not-done", "preparation"]) => Some("47519-4"),
        "DeviceUseStatement" if !is_among("status", &["entered-in-error", "intended"]) => Some("46264-8"),
        "CarePlan" if !is_among("status", &["entered-in-error", "revoked"]) => Some("18776-5"),
        "DiagnosticReport" if !is_among("status", &["entered-in-error", "cancelled", "registered"]) => Some("30954-2"),
        "Observation" if !is_among("status", &["entered-in-error", "cancelled", "registered"]) => {
            let categories = resource.get("category").and_then(Value::as_array).into_iter().flatten();
            categories.flat_map(codes).find_map(|code| match code {
                "vital-signs" => Some("8716-3"),
                "social-history" => Some("29762-2"),
                "laboratory" | "imaging" | "procedure" | "exam" => Some("30954-2"),
                _ => None,
            })
        }
        _ => None,
    }
}

/// The codes of a CodeableConcept.
fn codes(concept: &Value) -> Vec<&str> {
    let codings = concept.get("coding").and_then(Value::as_array).into_iter().flatten();
    codings.filter_map(|coding| coding.get("code")?.as_str()).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_resource_has_its_section() {
        let concept = |code: &str| json!({"coding": [{"code": code}]});
        for (resource, expected) in [
            (json!({"resourceType": "Condition"}), Some("11450-4")),
            (json!({"resourceType": "Condition", "clinicalStatus": concept("active")}), Some("11450-4")),
            (json!({"resourceType": "Condition", "clinicalStatus": concept("resolved")}), Some("11348-0")),
            (json!({"resourceType": "Condition", "verificationStatus": concept("entered-in-error")}), None),
            (json!({"resourceType": "AllergyIntolerance", "clinicalStatus": concept("active")}), Some("48765-2")),
            (json!({"resourceType": "AllergyIntolerance", "clinicalStatus": concept("resolved")}), None),
            (json!({"resourceType": "MedicationRequest", "status": "active"}), Some("10160-0")),
            (json!({"resourceType": "MedicationRequest", "status": "cancelled"}), None),
            (json!({"resourceType": "Immunization", "status": "completed"}), Some("11369-6")),
            (json!({"resourceType": "Immunization", "status": "not-done"}), None),
            (
                json!({"resourceType": "Observation", "status": "final", "category": [concept("vital-signs")]}),
                Some("8716-3"),
            ),
            (
                json!({"resourceType": "Observation", "status": "final", "category": [concept("laboratory")]}),
                Some("30954-2"),
            ),
            (json!({"resourceType": "Observation", "status": "final"}), None),
            (json!({"resourceType": "Encounter"}), None),
        ] {
            assert_eq!(section_of(&resource), expected, "{resource}");
            assert!(expected.is_none_or(|code| SECTIONS.iter().any(|section| section.code == code)));
        }
    }
}
