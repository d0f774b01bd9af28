//! What a received Bundle and a single resource become.

use serde_json::{Value, json};

use super::*;
use crate::fhir::{Draft, FacilityCode, PatientKey};
use crate::map::Change;

fn source(facility: &str) -> Source {
    Source { facility: FacilityCode::parse(facility), zone_minutes: 540 }
}

fn map_text(text: &str, facility: &str) -> Result<Noted<Mapped>, Issue> {
    let value = crate::decode::fhir::decode(text.as_bytes())?.value;
    let source = source(facility);
    map(&value, text.as_bytes(), Context { source: &source, letter: LetterId([7; 32]) })
}

fn draft(change: &Change) -> &Draft {
    match change {
        Change::Put(draft) | Change::PutWeak(draft) => draft,
        other => panic!("{other:?}"),
    }
}

fn read(draft: &Draft) -> Value {
    serde_json::from_str(&draft.json(None)).unwrap()
}

const NUMBER: &str = "urn:oid:1.2.392.100495.20.3.51.11318814790";

fn clins() -> String {
    json!({
        "resourceType": "Bundle", "id": "theirs",
        "meta": {"lastUpdated": "2026-01-02T00:00:00+09:00", "profile": ["p"], "versionId": "3"},
        "identifier": {"system": "http://jpfhir.jp/fhir/clins/bundle-identifier", "value": "1318814790^2026^1"},
        "type": "collection", "timestamp": "2026-01-02T03:04:05+09:00",
        "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "p",
                "identifier": [{"system": NUMBER, "value": "000999739"}]}},
            {"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Condition", "id": "c",
                "contained": [{"resourceType": "Encounter", "id": "e", "subject": {"reference": "Patient/p"}}],
                "encounter": {"reference": "#e"}, "subject": {"reference": "urn:uuid:1"},
                "asserter": {"reference": "https://elsewhere.example/Practitioner/9"},
                "recorder": {"reference": "urn:uuid:404"}}}
        ]
    })
    .to_string()
    .replace("\"000999739\"}", "\"000999739\",\"extension\":[{\"url\":\"x\",\"valueDecimal\":1.50E3}]}")
}

#[test]
fn a_bundle_is_kept_whole_and_its_entries_become_resources() {
    let noted = map_text(&clins(), "").unwrap();
    let mapped = &noted.value;
    let key = PatientKey::derive(&FacilityCode::parse("1318814790"), "000999739");
    assert_eq!(mapped.patient, key);
    assert!(matches!(&mapped.changes[0], Change::PutWeak(patient) if patient.id == key.patient_id()));
    let bundle = draft(&mapped.changes[1]);
    assert_eq!(bundle.meta, r#""profile":["p"]"#);
    assert!(bundle.members.contains("1.50E3"), "a number keeps its digits");
    assert!(bundle.members.contains("urn:uuid:1"), "references in the Bundle stay");
    let condition = draft(&mapped.changes[2]);
    let value = read(condition);
    assert_eq!(value["subject"]["reference"], key.reference());
    assert_eq!(value["contained"][0]["subject"]["reference"], key.reference());
    assert_eq!(value["encounter"]["reference"], "#e");
    assert_eq!(value["asserter"]["reference"], "https://elsewhere.example/Practitioner/9");
    assert_eq!(value["recorder"]["reference"], "urn:uuid:404");
    assert_eq!(noted.issues.iter().map(|i| i.rule.id).collect::<Vec<_>>(), ["fhir-reference-unresolved"]);
    let provenance = read(draft(&mapped.changes[3]));
    assert_eq!(provenance["target"].as_array().unwrap().len(), 3);
    assert_eq!(provenance["recorded"], "2026-01-02T03:04:05+09:00");
    assert_eq!(provenance["agent"][0]["who"]["identifier"]["value"], "1318814790");
    assert!(mapped.changes.iter().all(|change| draft(change).occurred == Some(1_767_290_645_000)));
}

#[test]
fn the_same_bundle_gives_the_same_changes_and_a_resend_the_same_ids() {
    let (first, second) = (map_text(&clins(), "").unwrap(), map_text(&clins(), "1318814790").unwrap());
    assert_eq!(first.value.changes, second.value.changes);
    let slashes = map_text(&clins().replace("Patient/p", "Patient\\/p"), "").unwrap();
    assert_eq!(first.value.changes[2], slashes.value.changes[2]);
    let later = map_text(&clins().replace("03:04:05", "04:00:00"), "").unwrap();
    assert_eq!(draft(&first.value.changes[1]).id, draft(&later.value.changes[1]).id);
}

#[test]
fn who_the_patient_is_must_be_plain() {
    let refused = |text: &str, facility: &str| map_text(text, facility).unwrap_err().rule.id;
    assert_eq!(refused(&clins(), "0119999901"), "fhir-other-facility");
    assert_eq!(refused(&clins().replace("Condition", "Patient"), ""), "fhir-bundle-many-patients");
    assert_eq!(refused(&clins().replace("Patient\"", "Basic\""), ""), "fhir-bundle-no-patient");
    assert_eq!(refused(&clins().replace("collection", "transaction"), ""), "fhir-not-supported");
    assert_eq!(refused(&clins().replace("000999739", ""), ""), "fhir-patient-no-number");
    let weak = map_text(&clins().replace(NUMBER, "urn:x"), "0119999901").unwrap();
    assert_eq!(weak.value.patient, PatientKey::derive(&FacilityCode::parse("0119999901"), "urn:x|000999739"));
    assert_eq!(weak.issues[0].rule.id, "fhir-patient-no-hospital-number");
}

#[test]
fn a_consent_finds_its_record_by_reference_or_number() {
    let key = PatientKey::derive(&FacilityCode::parse("1318814790"), "000999739");
    let consent = |patient: Value| {
        json!({"resourceType": "Consent", "id": "c-1", "status": "active", "patient": patient}).to_string()
    };
    let number = json!({"system": NUMBER, "value": "000999739"});
    let by_number = map_text(&consent(json!({"identifier": number})), "office").unwrap();
    let by_reference = map_text(&consent(json!({"reference": key.reference()})), "office").unwrap();
    for mapped in [&by_number.value, &by_reference.value] {
        assert_eq!(mapped.patient, key);
        let stored = draft(&mapped.changes[0]);
        assert_eq!((stored.id.as_str(), stored.occurred), ("c-1", None));
        assert_eq!(read(stored)["patient"]["reference"], key.reference());
    }
    assert_eq!(read(draft(&by_number.value.changes[0]))["patient"]["identifier"], number);
    let refused = |patient: Value| map_text(&consent(patient), "office").unwrap_err().rule.id;
    assert_eq!(refused(json!({"display": "x"})), "fhir-patient-unresolved");
    assert_eq!(refused(json!({"reference": "Patient/1", "identifier": number})), "fhir-patient-unresolved");
    let other = PatientKey::derive(&FacilityCode::parse("1318814790"), "2").reference();
    assert_eq!(refused(json!({"reference": other, "identifier": number})), "fhir-patient-contradiction");
    let directory = PatientKey::DIRECTORY.reference();
    assert_eq!(refused(json!({"reference": directory})), "fhir-patient-unresolved");
}

#[test]
fn organizations_go_to_the_directory_and_the_rest_is_held() {
    let text = r#"{"resourceType":"Organization","id":"care-1","name":"x"}"#;
    let mapped = map_text(text, "office").unwrap();
    let id = draft(&mapped.value.changes[0]).id.clone();
    assert_eq!(mapped.value.patient, PatientKey::directory(ResourceType::ORGANIZATION, &id));
    assert_eq!(draft(&mapped.value.changes[0]).json(None), text);
    for other in ["Patient", "AuditEvent", "Subscription", "Provenance"] {
        let text = format!(r#"{{"resourceType":"{other}"}}"#);
        assert_eq!(map_text(&text, "").unwrap_err().rule.id, "fhir-not-supported", "{other}");
    }
    let number = json!({"system": NUMBER, "value": "1"});
    let finding = json!({"resourceType": "Observation", "subject": {"identifier": number}}).to_string();
    assert!(map_text(&finding, "1318814790").is_ok());
    assert_eq!(map_text(&finding, "0119999901").unwrap_err().rule.id, "fhir-other-facility");
}

#[test]
fn a_consent_inside_a_bundle_permits_nothing() {
    let noted = map_text(&clins().replace("Condition", "Consent"), "").unwrap();
    let types: Vec<_> = noted.value.changes.iter().map(|change| draft(change).resource_type.name()).collect();
    assert_eq!(types, ["Patient", "Bundle", "Provenance"]);
    assert_eq!(noted.issues[0].rule.id, "fhir-entry-inside-only");
    let scope = |code: &str| format!(r#""Consent","scope":{{"coding":[{{"code":"{code}"}}]}}"#);
    let with = |code| map_text(&clins().replace("\"Condition\"", &scope(code)), "").unwrap().value.changes.len();
    assert_eq!((with("adr"), with("patient-privacy")), (4, 3));
}

mod damaged {
    use proptest::prelude::*;

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, cases: 512, ..ProptestConfig::default() })]

        /// Whatever is changed in a Bundle, reading it ends in a value or an issue.
        #[test]
        fn nothing_makes_the_path_panic(at in prop::collection::vec((0_usize..2000, prop::sample::select(
            vec!["", "\"", "{", "}", "[", "]", ":", ",", "\\", "null", "1e9", "\u{3042}", "urn:uuid:1", "Patient/", "-"])), 1..4)) {
            let mut text: Vec<char> = super::clins().chars().collect();
            for (position, put) in at {
                let position = position % text.len();
                text.splice(position..=position, put.chars());
            }
            let text: String = text.into_iter().collect();
            if let Ok(noted) = crate::decode::fhir::decode(text.as_bytes()) {
                let _ = super::map_text(&text, "");
                prop_assert!(noted.value.is_object());
            }
        }
    }
}
