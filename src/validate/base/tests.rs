//! The limits, at them and one past them; what the table of broken resources (`tests/base_validation.rs`) does not show.

use serde_json::{Value, json};

use super::*;

fn rules(resource: &Value) -> Vec<(&'static str, String)> {
    base(resource).iter().map(|issue| (issue.rule.id, issue.place.to_string())).collect()
}

#[test]
fn problems_are_listed_up_to_a_number_and_the_rest_is_counted() {
    let patient = |count: usize| json!({"resourceType": "Patient", "name": vec![json!({"family": ""}); count]});
    assert_eq!(base(&patient(PROBLEMS_MAX)).len(), PROBLEMS_MAX);
    let found = base(&patient(PROBLEMS_MAX + 2));
    assert_eq!(found.len(), PROBLEMS_MAX + 1);
    let note = found.last().unwrap();
    assert_eq!(
        (note.rule.id, note.detail.as_str(), is_sound(std::slice::from_ref(note))),
        ("fhir-more-problems", "2", true)
    );
    assert!(!is_sound(&found));
}

#[test]
fn no_number_of_warnings_keeps_an_error_from_being_found() {
    let unknown = vec![json!({"url": "http://example.org/x", "valueCode": "x"}); PROBLEMS_MAX + 1];
    let found = base(&json!({"resourceType": "Patient", "modifierExtension": unknown, "nonsense": 1, "gender": "x"}));
    assert_eq!(found.len(), PROBLEMS_MAX + 1);
    assert_eq!(found.iter().filter(|issue| issue.rule.severity >= Severity::Error).count(), 2, "OO-04");
    assert_eq!(found.last().unwrap().detail, "3");
}

#[test]
fn nesting_has_a_limit() {
    let nested = |items: usize| {
        let mut item = json!({"linkId": "last"});
        for _ in 1..items {
            item = json!({"linkId": "x", "item": [item]});
        }
        json!({"resourceType": "QuestionnaireResponse", "status": "completed", "item": [item]})
    };
    assert_eq!(rules(&nested(DEPTH_ELEMENTS_MAX - 1)), []);
    let found = rules(&nested(DEPTH_ELEMENTS_MAX));
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].0, "fhir-too-deep");
    // And far past it.
    assert_eq!(rules(&nested(300)).len(), 1);
}

#[test]
fn no_issue_quotes_a_value_or_a_name_that_is_none_of_fhirs() {
    let secret = "山田 太郎";
    let resource = json!({"resourceType": "Patient", "id": secret, "gender": secret, "birthDate": secret, secret: 1,
        "name": [{"use": secret, "family": [secret], secret: secret}], "text": {"status": secret, "div": secret},
        "managingOrganization": {"reference": secret}, "extension": [{"url": secret, "valueCode": " 山田"}],
        "photo": [{"data": secret}], "contact": secret, "active": secret});
    let found = base(&resource);
    assert!(found.len() >= 14, "{found:?}");
    for issue in found {
        let said = format!("{} {} {}", issue.english(), issue.japanese(), issue.place);
        assert!(!said.contains("山田") && !said.contains("太郎"), "{said}");
    }
}

#[test]
fn what_is_contained_is_found_by_what_refers_to_it() {
    let organization = |id: &str| json!({"resourceType": "Organization", "id": id, "name": "synthetic"});
    let good = json!({"resourceType": "Patient", "contained": [organization("a")],
        "managingOrganization": {"reference": "#a"}});
    assert_eq!(rules(&good), []);
    let by_canonical = json!({"resourceType": "Questionnaire", "status": "draft",
        "contained": [{"resourceType": "ValueSet", "id": "v", "status": "draft"}],
        "item": [{"linkId": "1", "type": "choice", "answerValueSet": "#v"}]});
    assert_eq!(rules(&by_canonical), []);
    let to_the_outer = json!({"resourceType": "Patient", "contained": [{"resourceType": "Provenance", "id": "p",
        "target": [{"reference": "#"}], "recorded": "2026-01-01T00:00:00Z", "agent": [{"who": {"display": "x"}}]}]});
    assert_eq!(rules(&to_the_outer), []);
    let two = json!({"resourceType": "Bundle", "type": "collection", "entry": [
        {"fullUrl": "urn:example:1", "resource": good}, {"fullUrl": "urn:example:2", "resource":
        {"resourceType": "Patient", "managingOrganization": {"reference": "#a"}}}]});
    assert_eq!(rules(&two), [("ref-1", "Bundle.entry[1].resource.managingOrganization.reference".to_owned())]);
}

#[test]
fn a_transaction_may_refer_by_a_search() {
    let bundle = |kind: &str| {
        json!({"resourceType": "Bundle", "type": kind, "entry": [{"fullUrl": "urn:example:1", "resource": {"resourceType": "Encounter",
            "status": "planned", "class": {"code": "HH"}, "subject": {"reference": "Patient?identifier=s|v"}}}]})
    };
    let found = |kind: &str| rules(&bundle(kind)).iter().map(|found| found.0).collect::<Vec<_>>();
    assert_eq!(found("transaction"), ["bdl-3"]); // the entry has no request
    assert_eq!(found("collection"), ["fhir-bad-reference"]);
}

#[test]
fn a_urn_that_leads_nowhere_is_a_warning_in_a_collection() {
    let patient = json!({"resourceType": "Patient", "managingOrganization": {"reference": "urn:example:2"}});
    let bundle = json!({"resourceType": "Bundle", "type": "collection",
        "entry": [{"fullUrl": "urn:example:1", "resource": patient}]});
    let place = "Bundle.entry[0].resource.managingOrganization.reference";
    assert_eq!(rules(&bundle), [("fhir-collection-reference", place.to_owned())]);
    assert!(is_sound(&base(&bundle)));
}

#[test]
fn what_takes_too_long_is_said_and_then_left() {
    // Each grouping is compared with each (ig-1).
    let ids: Vec<Value> = (0..2000).map(|at| json!({"id": format!("g{at}"), "name": "x"})).collect();
    let resources: Vec<Value> =
        (0..2000).map(|_| json!({"reference": {"display": "x"}, "groupingId": "g1999"})).collect();
    let guide = json!({"resourceType": "ImplementationGuide", "url": "urn:x:y", "name": "x", "status": "draft",
        "packageId": "x", "fhirVersion": ["4.0.1"], "definition": {"grouping": ids, "resource": resources}});
    let found = base(&guide);
    assert!(is_sound(&found));
    assert_eq!(found.iter().map(|issue| issue.rule.id).collect::<Vec<_>>(), ["fhir-unchecked"]);
    assert_eq!(base_at(&guide, Level::Structure), []);
}

#[test]
fn attachments_and_documents_are_what_they_say() {
    let photo = |size: u64, hash: &str| json!({"resourceType": "Patient", "photo": [{"contentType": "text/plain", "data": "dGVzdA==", "size": size, "hash": hash}]});
    let of_test = "qUqP5cyxm6YcTAhz05Hph5gvu9M=";
    assert_eq!(rules(&photo(4, of_test)), []);
    assert_eq!(rules(&photo(5, of_test)), [("fhir-attachment-size", "Patient.photo[0].size".to_owned())]);
    assert_eq!(rules(&photo(4, "AAAA")), [("fhir-attachment-hash", "Patient.photo[0].hash".to_owned())]);
    let composition = json!({"resourceType": "Composition", "status": "final", "type": {"text": "x"}, "date": "2026",
        "author": [{"display": "x"}], "title": "x", "subject": {"reference": "Patient/1"}});
    let entry = |at: usize, resource: Value| json!({"fullUrl": format!("urn:example:{at}"), "resource": resource});
    let patient = json!({"resourceType": "Patient", "id": "1", "managingOrganization": {"reference": "urn:example:3"}});
    let document = json!({"resourceType": "Bundle", "type": "document", "identifier": {"system": "s:s", "value": "1"},
        "timestamp": "2026-11-22T09:00:00+09:00", "entry": [entry(1, composition), entry(2, patient),
            entry(3, json!({"resourceType": "Organization", "name": "x"})), entry(4, json!({"resourceType": "Group",
            "type": "person", "actual": false}))]});
    assert_eq!(rules(&document), [("fhir-document-unreached", "Bundle.entry[3]".to_owned())]);
}
