//! Withdrawals: of everything, of some, by the person, tried, repeated; and what a table that is sent again does not bring back.

use serde_json::{Value, json};

use crate::desk::{Desk, Told, form, here, member, patient, scan, there, with};
use crate::gateway::{Ask, consent};
use crate::person::Person;

fn date(day: &str) -> Value {
    json!({"name": "date", "valueDate": day})
}

/// Whether it says that nobody sees anything but facilities what they have themselves.
fn is_closed(told: &Told) -> bool {
    let (clients, after) = (told.parts("member", "client"), told.parts("member", "after"));
    let keeps = |client: &str| ["hospital", "clinic"].contains(&client);
    clients.contains(&"agency-a".to_owned())
        && clients.iter().zip(&after).all(|(client, after)| keeps(client) || after == "0")
}

fn registered() -> (Desk, Told) {
    let desk = Desk::knowing(&Person::hanako());
    let told = desk.register(&form(&Person::hanako(), "2026-04-01"));
    assert_eq!(desk.sees("agency-a").len(), 2);
    (desk, told)
}

#[test]
fn a_withdrawal_closes_every_record_at_the_very_next_request_whoever_permitted_it() {
    for of in [here(), there()] {
        let (desk, _) = registered();
        let other = consent("other", "0000000001", "agency-b", "active", Value::Null);
        assert!(desk.served.ask(Ask::put("office", "/Consent/other", &other)).status < 300);
        let told = desk.revoke(&format!("/{}/$revoke", of.reference()), &[date("2026-10-01"), scan()]);
        assert_eq!(told.outcome(), "revoked");
        assert_eq!(told.all("closed").count(), 2);
        for client in ["agency-a", "agency-b", "nurse-station"] {
            assert!(desk.sees(client).is_empty(), "{client}");
        }
        assert!(is_closed(&told));
        // The evidence is on file.
        let filed = desk.served.get("office", format!("/{}", told.text("consent"))).json();
        assert_eq!((&filed["status"], &filed["dateTime"]), (&json!("rejected"), &json!("2026-10-01")));
        assert!(filed.to_string().contains(&told.text("form")));
        // The same again makes nothing new.
        let before = desk.sheaves();
        let again = desk.revoke(&format!("/{}/$revoke", of.reference()), &[date("2026-10-01"), scan()]);
        assert_eq!((again.outcome().as_str(), desk.sheaves()), ("unchanged", before));
    }
}

#[test]
fn what_was_withdrawn_comes_back_by_a_newer_form_alone() {
    let (desk, _) = registered();
    desk.revoke(&format!("/{}/$revoke", here().reference()), &[date("2026-10-01")]);
    let old = form(&Person::hanako(), "2026-04-01");
    assert_eq!(desk.refused(&old), ["registration-withdrawn"]);
    assert_eq!(desk.refused(&form(&Person::hanako(), "2026-09-01")), ["registration-withdrawn"]);
    assert!(desk.sees("agency-a").is_empty());
    let again = desk.register(&form(&Person::hanako(), "2026-10-01"));
    assert_eq!((again.outcome().as_str(), desk.sees("agency-a").len()), ("re-registered", 2));
}

#[test]
fn for_some_it_denies_them_whatever_permits_and_until_a_form_names_them_again() {
    let (desk, _) = registered();
    let path = format!("/{}/$revoke", here().reference());
    let told = desk.revoke(&path, &[date("2026-10-01"), member("agency-a")]);
    assert_eq!((desk.sees("agency-a"), desk.sees("agency-b").len()), (vec![], 2));
    let mut members = told.parts("member", "client");
    members.sort();
    assert_eq!(members, ["agency-a", "lab-only"]);
    // A newer blanket form does not name them, and says so.
    let blanket = desk.register(&form(&Person::hanako(), "2026-10-05"));
    assert!(blanket.issues().contains(&"registration-denied-elsewhere".to_owned()));
    assert!(desk.sees("agency-a").is_empty());
    let by_name =
        desk.register(&with(form(&Person::hanako(), "2026-10-06"), &[member("agency-a"), member("agency-b")]));
    assert_eq!(by_name.all("replaced").count(), 1);
    assert_eq!(desk.sees("agency-a").len(), 2);
    // What one facility has, for everybody.
    let source = json!({"name": "source", "valueReference": {"reference": "Organization/clinic"}});
    desk.revoke(&path, &[date("2026-10-07"), source]);
    assert_eq!(desk.sees("agency-a"), ["E119"]);
}

#[test]
fn a_denial_stays_when_what_is_permitted_goes() {
    let (desk, _) = registered();
    let mut but = consent("but", "0000000001", "agency-a", "active", Value::Null);
    but["provision"]["type"] = json!("deny");
    but["provision"]["provision"] = json!([{"type": "permit",
        "class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Condition"}]}]);
    assert!(desk.served.ask(Ask::put("office", "/Consent/but", &but)).status < 300);
    assert_eq!(desk.sees("agency-a").len(), 2);
    desk.revoke(&format!("/{}/$revoke", here().reference()), &[date("2026-10-01")]);
    assert!(desk.sees("agency-a").is_empty());
    let left = desk.served.get("office", "/Consent/but").json();
    assert_eq!((&left["status"], left.pointer("/provision/provision")), (&json!("active"), None));
}

#[test]
fn a_person_withdraws_by_name_where_that_is_certain() {
    let (desk, _) = registered();
    let person = |person: &Person| json!({"name": "person", "resource": patient(person)});
    let plain = Person { care: None, phone: None, address: None, ..Person::hanako() };
    let answer = desk.call("office", "/Patient/$revoke", &[person(&plain), date("2026-10-01")]);
    assert_eq!(answer.status, 422);
    assert!(answer.body.contains("registration-nobody") && desk.sees("agency-a").len() == 2);
    let trial = desk.revoke(
        "/Patient/$revoke",
        &[person(&Person::hanako()), date("2026-10-01"), json!({"name": "dryRun", "valueBoolean": true})],
    );
    assert!(is_closed(&trial));
    assert_eq!(desk.sees("agency-a").len(), 2);
    desk.revoke("/Patient/$revoke", &[person(&Person::hanako()), date("2026-10-01")]);
    assert!(desk.sees("agency-a").is_empty());
}

#[test]
fn what_is_wrong_withdraws_nothing() {
    let (desk, _) = registered();
    let path = format!("/{}/$revoke", here().reference());
    for (form, status) in [
        (vec![], 422),
        (vec![date("2027-01-01")], 422),
        (vec![date("2026-10-01"), json!({"name": "scope", "valueCode": "named"})], 422),
        (vec![date("2026-10-01"), json!({"name": "scope", "valueCode": "all"}), member("agency-a")], 400),
    ] {
        assert_eq!(desk.call("office", &path, &form).status, status, "{form:?}");
    }
    let nobody = "/Patient/00000000-0000-5000-8000-000000000001/$revoke";
    assert_eq!(desk.call("office", nobody, &[date("2026-10-01")]).status, 404);
    assert_eq!(desk.sees("agency-a").len(), 2);
}
