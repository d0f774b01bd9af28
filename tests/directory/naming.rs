//! The naming systems that are part of the program: read and found like those that the office stores, and not written.

use serde_json::json;
use tasuki::validate::{Level, base_at};

use crate::gateway::Ask;
use crate::{found, put, serve, store};

const PUBLISHED: [&str; 9] = [
    "care-insured",
    "care-insurer-number",
    "care-office-number",
    "corporate-number",
    "letter",
    "map-version",
    "medical-institution-code",
    "patient-number",
    "staff-number",
];

#[test]
fn they_are_read_and_found_with_those_of_the_office() {
    let served = serve(&store());
    let mut expected: Vec<String> = PUBLISHED.iter().map(|id| format!("NamingSystem/{id}")).collect();
    for client in ["agency-a", "hospital", "office"] {
        assert_eq!(found(&served, client, "/NamingSystem"), expected, "{client}");
        for id in PUBLISHED {
            let read = served.get(client, format!("/NamingSystem/{id}"));
            assert_eq!(read.status, 200, "{client} {id}");
            let errors: Vec<String> = base_at(&read.json(), Level::Full).iter().map(|issue| issue.english()).collect();
            assert!(errors.is_empty(), "{id}: {errors:#?}");
        }
    }
    let own = json!({"resourceType": "NamingSystem", "id": "own", "name": "Own", "status": "active", "kind": "identifier",
        "date": "2026-11-22", "uniqueId": [{"type": "uri", "value": "https://office.example/own"}]});
    assert!(put(&served, &own) < 300);
    expected.push("NamingSystem/own".into());
    expected.sort();
    assert_eq!(found(&served, "agency-a", "/NamingSystem"), expected);
    for (path, id) in [
        ("/NamingSystem?value=https://tasuki.example/fhir/NamingSystem/care-insured", "care-insured"),
        (
            "/NamingSystem?value=http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no",
            "medical-institution-code",
        ),
        ("/NamingSystem?name=CareOfficeNumber", "care-office-number"),
        ("/NamingSystem?_id=letter", "letter"),
        ("/NamingSystem?value=https://office.example/own", "own"),
    ] {
        assert_eq!(found(&served, "agency-b", path), [format!("NamingSystem/{id}")], "{path}");
    }
}

#[test]
fn every_system_that_is_made_here_is_published() {
    let served = serve(&store());
    for system in [
        tasuki::fhir::system::CARE_INSURED,
        tasuki::fhir::system::CARE_OFFICE,
        tasuki::fhir::system::CORPORATE_NUMBER,
        tasuki::fhir::system::INSTITUTION_NUMBER,
        tasuki::map::hl7v2::provenance::LETTER,
        tasuki::map::hl7v2::provenance::MAPPING,
    ] {
        assert_eq!(found(&served, "agency-a", &format!("/NamingSystem?value={system}")).len(), 1, "{system}");
    }
}

#[test]
fn they_are_not_written_and_stand_in_no_history() {
    let served = serve(&store());
    let other = json!({"resourceType": "NamingSystem", "id": "letter", "name": "Other", "status": "retired", "kind": "identifier",
        "date": "2026-11-22", "uniqueId": [{"type": "uri", "value": "https://office.example/other"}]});
    let before = served.get("agency-a", "/NamingSystem/letter").body;
    assert_eq!(put(&served, &other), 422);
    assert_eq!(served.ask(Ask { method: "DELETE", ..Ask::get("office", "/NamingSystem/letter") }).status, 422);
    let entry = json!({"resource": other, "request": {"method": "PUT", "url": "NamingSystem/letter"}});
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [entry]});
    assert_eq!(served.ask(Ask::post("office", "", &bundle)).status, 422);
    assert_eq!(served.get("agency-a", "/NamingSystem/letter").body, before);
    assert_eq!(served.get("agency-a", "/NamingSystem/_history").json()["total"], 0);
}
