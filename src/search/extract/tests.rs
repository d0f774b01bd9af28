//! What is read from resources of each shape.
use serde_json::json;

use super::*;
use crate::fhir::FacilityCode;
use crate::fhir::time::Interval;
use crate::search::facts::token_hash;
use crate::search::facts::{Parameter, clinical_interval};

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
        codes(&found, Parameter::STATUS),
        [(token_hash("http://hl7.org/fhir/observation-status"), token_hash("final"))]
    );
    assert_eq!(codes(&found, Parameter::IDENTIFIER), [(token_hash("i"), token_hash("12"))]);
    let mut both = [(token_hash("a"), token_hash("1")), (0, token_hash("2"))];
    both.sort_unstable();
    assert_eq!(codes(&found, Parameter::CODE), both);
    assert_eq!(codes(&found, Parameter::ENCOUNTER), [(0, reference_hash(ResourceType::ENCOUNTER, "e"))]);
    assert_eq!(found.patients, [key("1")]);
    assert_eq!(found.references.len(), 4);
    let start = Interval::parse("2026-01-01T00:00:00+09:00", 0).unwrap().start;
    let date = |parameter| DateFact { parameter, start, end: i64::MAX };
    assert_eq!(found.dates, [date(Parameter::CLINICAL), date(Parameter::DATE)]);
    assert!(found.labels.is_empty());
}

#[test]
fn the_clinical_date_comes_before_the_paper_one() {
    let interval = |resource: Value| clinical_interval(&extract(&resource, 0).dates);
    let day = |text| Interval::parse(text, 0);
    let mut condition =
        json!({"resourceType": "Condition", "recordedDate": "2026-03-01", "onsetDateTime": "2026-01-01"});
    assert_eq!(interval(condition.clone()), day("2026-01-01"));
    condition.as_object_mut().unwrap().remove("onsetDateTime");
    assert_eq!(interval(condition), day("2026-03-01"));
    assert_eq!(interval(json!({"resourceType": "Patient", "birthDate": "1940-01-01"})), None);
    let (first, last) = (day("2026-01-01").unwrap(), day("2026-02-01").unwrap());
    let whole = Interval { start: first.start, end: last.end };
    let reactions = json!({"resourceType": "AllergyIntolerance", "recordedDate": "2026-03-01",
        "reaction": [{"onset": "2026-02-01"}, {"onset": "2026-01-01"}]});
    assert_eq!(interval(reactions), Some(whole));
}

#[test]
fn whoever_is_named_counts_and_a_stranger_is_covered_by_nobody() {
    let patients = |resource: Value| extract(&resource, 540).patients;
    let subject = |subject: Value| patients(json!({"resourceType": "Condition", "subject": subject}));
    let system = "urn:oid:1.2.392.100495.20.3.51.11318814790";
    assert_eq!(subject(json!({"identifier": {"system": system, "value": "1"}})), [key("1")]);
    assert_eq!(subject(json!({"reference": "Patient/1"})), [PatientKey::of_id("1")]);
    assert_eq!(subject(json!({"reference": "https://a.example/Patient/1"})), [STRANGER]);
    assert_eq!(subject(json!({"reference": "urn:uuid:1"})), [STRANGER]);
    assert_eq!(subject(json!({"identifier": {"value": "1"}})), [STRANGER]);
    let directory = PatientKey::DIRECTORY.reference();
    assert!(subject(json!({"reference": directory})).iter().all(|key| !key.is_directory()));
    assert_eq!(patients(json!({"resourceType": "Patient", "id": key("1").patient_id().as_str()})), [key("1")]);
    let two = json!({"resourceType": "Provenance", "target": [{"reference": key("1").reference()},
        {"reference": "Observation/o"}, {"reference": key("2").reference()}]});
    let mut both = [key("1"), key("2")];
    both.sort();
    assert_eq!(patients(two), both);
    // By number alone, wherever that is.
    let focus = |named: Value| patients(json!({"resourceType": "Observation", "focus": [named]}));
    assert_eq!(focus(json!({"identifier": {"system": system, "value": "2"}})), [key("2")]);
    assert_eq!(focus(json!({"type": "Patient", "identifier": {"system": "urn:x", "value": "2"}})), [STRANGER]);
    assert!(focus(json!({"type": "Device", "identifier": {"system": "urn:x", "value": "2"}})).is_empty());
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

#[test]
fn an_attachment_refers_to_the_bytes_it_names() {
    let named = |url: &str| {
        let document = json!({"resourceType": "DocumentReference", "content": [{"attachment": {"url": url}}]});
        extract(&document, 540).references
    };
    let own = vec![reference_hash(ResourceType::BINARY, "b")];
    for url in ["Binary/b", "Binary/b/_history/2", "http://gateway.example/fhir/Binary/b"] {
        assert_eq!(named(url), own, "{url}");
    }
    for url in ["http://elsewhere.example/b.pdf", "urn:uuid:1", "Patient/b", "xBinary/b"] {
        assert!(named(url).is_empty(), "{url}");
    }
}

#[test]
fn a_period_may_end_with_the_calendar() {
    let consent =
        |end: &str| json!({"resourceType": "Consent", "provision": {"period": {"start": "2026", "end": end}}});
    let dates = |end: &str| extract(&consent(end), 0).dates.iter().map(|d| d.end).collect::<Vec<_>>();
    assert_eq!(dates("9999-12-31"), [Interval::parse("9999-12-31", 0).unwrap().end]);
    assert_eq!(dates("2026"), [Interval::parse("2026", 0).unwrap().end]);
}

proptest::proptest! {
    #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]

    /// Whatever an element holds, reading it ends.
    #[test]
    fn nothing_makes_reading_panic(name in "(meta|tag|entry|resource|subject|identifier|reference|effectivePeriod|start|code|coding|contained)",
        inner in "(meta|tag|entry|resource|subject|identifier|reference|event|start|code|coding|resourceType|system|value)",
        text in ".{0,40}", shape in 0..6) {
        let value = match shape {
            0 => json!(text),
            1 => json!({ (inner): text }),
            2 => json!([{ (inner): text }, null, 1]),
            3 => json!({ (inner): [{ "reference": text }] }),
            4 => json!([[{ (inner): { "resourceType": "Patient", "identifier": text } }]]),
            _ => json!(null),
        };
        for resource_type in ["Bundle", "Patient", "Observation", "Provenance", "Consent", "Nothing"] {
            let _ = extract(&json!({ "resourceType": resource_type, (name.as_str()): value }), 540);
        }
    }
}

#[test]
fn a_document_made_here_refers_to_its_entries_under_their_own_ids() {
    let (record, stranger) = (key("1"), key("2"));
    let [own, other] = [record, stranger].map(|key| key.resource_id("Condition", "x"));
    let entry = |id: &ResourceId| {
        json!({"fullUrl": format!("urn:uuid:{}", id.as_str()), "resource": {"resourceType": "Condition", "id": id.as_str(),
            "identifier": [{"system": "s", "value": id.as_str()}]}})
    };
    let bundle = json!({"resourceType": "Bundle", "type": "document", "entry": [entry(&own), entry(&other)]});
    let found = extract_in(&bundle, record, 540);
    let refers = |id: &ResourceId| found.references.contains(&reference_hash(ResourceType::CONDITION, id.as_str()));
    assert!(refers(&own) && !refers(&other));
}
