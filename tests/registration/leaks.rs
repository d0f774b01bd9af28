//! What a consent opens holds nothing of the form: neither the scan nor who signed it; and the desk is the office's.

use serde_json::{Value, json};

use crate::desk::{Desk, PDF, form, here, member, scan, with};
use crate::gateway::{Ask, CLINIC, HOSPITAL};
use crate::person::Person;

fn registered() -> (Desk, String, String) {
    let desk = Desk::knowing(&Person::hanako());
    let representative = json!({"resourceType": "RelatedPerson", "name": [{"text": "ひみつの代理人"}], "relationship": [{"text": "長男"}]});
    let told = desk.register(&with(
        form(&Person::hanako(), "2026-04-01"),
        &[scan(), json!({"name": "representative", "resource": representative})],
    ));
    (desk, told.text("patient"), told.text("form"))
}

#[test]
fn leak_14_the_scan_of_a_form_and_who_signed_it_are_for_the_office_alone() {
    let (desk, patient, scan) = registered();
    let id = patient.strip_prefix("Patient/").unwrap();
    let paths = [
        "/Patient".to_owned(),
        format!("/{patient}"),
        format!("/{patient}/$everything"),
        format!("/{}/$everything", here().reference()),
        format!("/{patient}/_history"),
        "/DocumentReference".to_owned(),
        format!("/DocumentReference?patient={id}"),
        "/DocumentReference?type=59284-0".to_owned(),
        format!("/{scan}"),
        format!("/{scan}/_history"),
        format!("/{scan}/_history/1"),
        format!("/DocumentReference/$docref?patient={id}"),
        "/Binary".to_owned(),
        "/RelatedPerson".to_owned(),
        format!("/RelatedPerson?patient={id}"),
        "/?_type=DocumentReference,RelatedPerson,Consent".to_owned(),
        format!("/Patient?_id={id}&_revinclude=*"),
        format!("/Patient/{id}/$summary"),
        "/Consent".to_owned(),
        format!("/{patient}/$registration-form"),
    ];
    for client in ["agency-a", "nurse-station", "hospital", "clinic"] {
        for path in &paths {
            let answer = desk.served.get(client, path.as_str());
            for secret in [PDF, "ひみつ", "窓口 一郎", scan.as_str()] {
                assert!(!answer.body.contains(secret), "{client} {path}: {}", answer.body);
            }
        }
    }
    // Like what is not there.
    let absent = format!("/{}", scan.replace(&scan[scan.len() - 4..], "0000"));
    let [hidden, missing] = [format!("/{scan}"), absent].map(|path| desk.served.get("agency-a", path));
    assert_eq!((hidden.status, &hidden.body), (404, &missing.body));
    // The Patient of the registration itself is the caller's to see.
    assert_eq!(desk.served.get("agency-a", format!("/{patient}")).status, 200);
    // And the office has the form, as its bytes.
    let kept = desk.served.get("office", format!("/{patient}/$registration-form"));
    assert_eq!((kept.status, kept.header("content-type")), (200, Some("application/pdf")));
    assert!(kept.body.starts_with("%PDF-1.7 secret"));
    let by_hospital = desk.served.get("office", format!("/{}/$registration-form?form={scan}", here().reference()));
    assert_eq!(by_hospital.bytes, kept.bytes);
}

#[test]
fn the_office_reads_no_document_of_a_facility_as_if_it_were_a_form() {
    let (desk, patient, _) = registered();
    let document = json!({"resourceType": "DocumentReference", "status": "current",
        "identifier": [{"system": "http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier", "value": "d"}],
        "subject": {"reference": "urn:uuid:d-0"},
        "content": [{"attachment": {"contentType": "application/pdf", "data": PDF}}]});
    let letter = crate::person::letter_of(HOSPITAL, "0000000001", "d", &Person::hanako(), &[document]);
    let receipt = crate::gateway::receive(&desk.store, &letter);
    let kept = receipt.resources.iter().find(|name| name.starts_with("DocumentReference/")).unwrap();
    let kept = kept.split("/_history").next().unwrap();
    let answer = desk.served.get("office", format!("/{patient}/$registration-form?form={kept}"));
    assert_eq!(answer.status, 404);
    let _ = CLINIC;
}

#[test]
fn leak_60_nobody_but_the_office_registers_revokes_or_reports() {
    let (desk, patient, _) = registered();
    let before = desk.sheaves();
    let self_grant = with(form(&Person::hanako(), "2026-05-01"), &[member("agency-a")]);
    let withdrawal = [json!({"name": "date", "valueDate": "2026-10-01"})];
    for client in ["agency-a", "lab-only", "hospital", "clinic"] {
        assert_eq!(desk.call(client, "/Patient/$register", &self_grant).status, 403, "{client}");
        for of in [patient.as_str(), "Patient/00000000-0000-5000-8000-000000000001"] {
            assert_eq!(desk.call(client, &format!("/{of}/$revoke"), &withdrawal).status, 403, "{client}");
            assert_eq!(desk.served.get(client, format!("/{of}/$registration-form")).status, 403, "{client}");
        }
        assert_eq!(desk.served.get(client, "/Patient/$registration-report").status, 403);
        let table = Ask { body: b"x".to_vec(), ..Ask::post(client, "/Patient/$register-batch", &Value::Null) };
        assert_eq!(desk.served.ask(table).status, 403);
    }
    assert_eq!(desk.sheaves(), before);
}

#[test]
fn all_of_it_is_on_the_audit_record_and_none_of_it_in_words() {
    let (desk, patient, _) = registered();
    desk.served.get("office", format!("/{patient}/$registration-form"));
    desk.revoke(&format!("/{patient}/$revoke"), &[json!({"name": "date", "valueDate": "2026-10-01"})]);
    desk.served.get("office", "/Patient/$registration-report");
    let body = desk.served.get("office", format!("/AuditEvent?patient={patient}")).body;
    for name in ["register", "revoke", "registration-form"] {
        assert!(body.contains(&format!("\"{name}\"")) || body.contains(&format!("${name}")), "{name}: {body}");
    }
    assert!(!body.contains("試験") && !body.contains("1940") && !body.contains("0000123456"));
}
