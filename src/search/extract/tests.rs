//! What is read from resources of each shape.
use serde_json::json;

use super::*;
use crate::fhir::FacilityCode;

fn key(number: &str) -> PatientKey {
    PatientKey::derive(&FacilityCode::parse("1318814790"), number)
}

fn codes(found: &Extracted, parameter: Parameter) -> Vec<(u64, u64)> {
    found.tokens.iter().filter(|t| t.parameter == parameter).map(|t| (t.system, t.code)).collect()
}

#[test]
fn an_observation_is_found_by_its_parameters() {
    let found = extract(
        &json!({"resourceType": "Observation", "status": "final", "identifier": [{"system": "i", "value": "１２"}],
            "category": [{"coding": [{"system": "c", "code": "laboratory"}]}],
            "code": {"coding": [{"system": "a", "code": "1"}, {"code": "2"}], "text": "x"},
            "subject": {"reference": key("1").reference()}, "encounter": {"reference": "Encounter/e"},
            "specimen": {"reference": "Specimen/s"}, "performer": [{"reference": "Practitioner/p"}],
            "effectivePeriod": {"start": "2026-01-01T00:00:00+09:00"}}),
        540,
    );
    assert_eq!(
        codes(&found, Parameter::Status),
        [(token_hash("http://hl7.org/fhir/observation-status"), token_hash("final"))]
    );
    assert_eq!(codes(&found, Parameter::Identifier), [(token_hash("i"), token_hash("12"))]);
    assert_eq!(codes(&found, Parameter::Code), [(token_hash("a"), token_hash("1")), (0, token_hash("2"))]);
    assert_eq!(codes(&found, Parameter::Encounter), [(0, reference_hash(ResourceType::ENCOUNTER, "e"))]);
    assert_eq!(found.patients, [key("1")]);
    assert_eq!(found.references.len(), 4);
    let start = Interval::parse("2026-01-01T00:00:00+09:00", 0).unwrap().start;
    assert_eq!(found.dates, [DateFact { parameter: Parameter::Date, start, end: i64::MAX }]);
    assert!(found.labels.is_empty());
}

#[test]
fn whoever_is_named_counts_and_a_stranger_is_covered_by_nobody() {
    let patients = |resource: Value| extract(&resource, 540).patients;
    let subject = |subject: Value| patients(json!({"resourceType": "Condition", "subject": subject}));
    let system = "urn:oid:1.2.392.100495.20.3.51.11318814790";
    assert_eq!(subject(json!({"identifier": {"system": system, "value": "1"}})), [key("1")]);
    assert_eq!(subject(json!({"reference": "Patient/1"})), [STRANGER]);
    assert_eq!(subject(json!({"reference": "https://a.example/Patient/1"})), [STRANGER]);
    assert_eq!(subject(json!({"reference": "urn:uuid:1"})), [STRANGER]);
    assert_eq!(subject(json!({"identifier": {"value": "1"}})), [STRANGER]);
    assert_eq!(subject(json!({"reference": PatientKey::DIRECTORY.reference()})), [STRANGER]);
    assert_eq!(patients(json!({"resourceType": "Patient", "id": key("1").patient_id().as_str()})), [key("1")]);
    let two = json!({"resourceType": "Provenance", "target": [{"reference": key("1").reference()},
        {"reference": "Observation/o"}, {"reference": key("2").reference()}]});
    assert_eq!(patients(two), [key("1"), key("2")]);
    let contained = json!({"resourceType": "Observation", "subject": {"reference": "#p"},
        "contained": [{"resourceType": "Patient", "id": "p"}]});
    assert_eq!(patients(contained), [STRANGER]);
}

#[test]
fn a_bundle_belongs_to_its_patient_and_refers_to_its_entries() {
    let system = "urn:oid:1.2.392.100495.20.3.51.11318814790";
    let bundle = |system: &str| {
        json!({"resourceType": "Bundle", "timestamp": "2026-01-01T00:00:00Z", "entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "identifier": [{"system": system, "value": "1"}]}},
            {"fullUrl": "urn:uuid:2", "resource": {"resourceType": "Condition", "id": "c", "subject": {"reference": "urn:uuid:1"},
                "meta": {"tag": [{"code": "UNINFORMED"}]}}}]})
    };
    let found = extract(&bundle(system), 540);
    assert_eq!((found.patients, found.labels), (vec![key("1")], Labels::UNINFORMED));
    let condition = key("1").resource_id("Condition", "fhir:c");
    assert!(found.references.contains(&reference_hash(ResourceType::CONDITION, condition.as_str())));
    assert_eq!(extract(&bundle("x"), 540).patients, [STRANGER]);
    assert_eq!(extract_in(&bundle("x"), key("9"), 540).patients, [key("9")]);
}

#[test]
fn labels_rise_from_whatever_is_inside() {
    let tagged = json!({"resourceType": "Condition", "meta": {"tag": [{"code": "UNDELIVERED"}]}});
    let inside = json!({"resourceType": "Observation", "contained": [tagged]});
    assert_eq!(extract(&inside, 540).labels, Labels::UNDELIVERED);
}

/// What the mapper makes of the example Bundles: nothing names a stranger, and each resource of the record is the
/// record's.
#[test]
fn mapped_examples_belong_to_their_record() {
    let Ok(corpora) = std::env::var("TASUKI_CORPORA") else {
        println!("not run: TASUKI_CORPORA is not set");
        return;
    };
    let source = crate::letter::Source { facility: FacilityCode::unstated(), zone_minutes: 540 };
    for folder in ["jp-clins-1.5.2-ExampleJson", "eCheckupReport-1.5.0"] {
        for file in std::fs::read_dir(format!("{corpora}/fhir/{folder}")).unwrap() {
            let path = file.unwrap().path();
            if !path.to_str().unwrap().contains("/Bundle-") {
                continue;
            }
            let bytes = std::fs::read(&path).unwrap();
            let value = crate::decode::fhir::decode(&bytes).unwrap().value;
            let context = crate::map::fhir::Context { source: &source, letter: crate::letter::LetterId([1; 32]) };
            let mapped = crate::map::fhir::map(&value, &bytes, context).unwrap().value.remove(0);
            for change in &mapped.changes {
                let (crate::map::Change::Put(draft) | crate::map::Change::PutWeak(draft)) = change else { panic!() };
                let stored: Value = serde_json::from_str(&draft.json(None)).unwrap();
                let found = extract_in(&stored, mapped.patient, 540);
                assert!(found.patients.iter().all(|p| *p == mapped.patient), "{path:?} {}", draft.reference());
                assert!(crate::validate::validate(&stored).is_empty());
            }
        }
    }
}
