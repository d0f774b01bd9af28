//! What references in a transaction stand for once it is done (checklist TXN-10, TXN-11), on a gateway that is open.

use crate::gateway::{Answer, BASE};
use crate::issue;
use crate::transactions::{at, entries, entry, named, observation, place, statuses, transaction, when};
use crate::writes::{Open, patient, text};
use serde_json::{Value, json};

const A: &str = "Patient?identifier=urn:test|a";

fn organization(name: &str, part_of: Option<&str>) -> Value {
    let mut organization = json!({"resourceType": "Organization", "name": name, "active": true});
    if let Some(part_of) = part_of {
        organization["partOf"] = json!({"reference": part_of});
    }
    organization
}

fn done(answer: &Answer, count: usize) -> Vec<Value> {
    entries(answer, "transaction-response", count)
}

#[test]
fn a_conditional_reference_means_what_is_there_afterwards() {
    let open = Open::new();
    // What the same transaction creates, whatever the order of its entries, is in the record of the patient it means.
    for order in [[0, 1, 2], [2, 1, 0], [1, 0, 2]] {
        let open = Open::new();
        let all = [
            entry("POST", "Patient", patient("a")),
            entry("POST", "Observation", observation(A)),
            at("urn:uuid:o", entry("POST", "Organization", organization("見本病院", None))),
        ];
        let sent = order.map(|n: usize| all[n].clone());
        let found = done(&transaction(&open, &sent), 3);
        assert_eq!(statuses(&found), "201 201 201", "TXN-10");
        let at = |n: usize| place(&found[order.iter().position(|m| *m == n).unwrap()]);
        assert_eq!(open.get(&format!("/{}", at(1))).json()["subject"]["reference"], at(0), "TXN-10");
        assert_eq!(open.total(&format!("/Observation?patient={}", at(0))), 1, "TXN-10");
        assert_eq!(open.total("/Observation?subject.identifier=urn:test|a"), 1, "TXN-10");
    }
    // What is changed is meant as it then is, what is taken away is not.
    open.put("/Patient/old", &named("old"));
    let mut renamed = patient("a");
    renamed["id"] = json!("old");
    let found = done(
        &transaction(
            &open,
            &[entry("PUT", "Patient/old", renamed.clone()), entry("POST", "Observation", observation(A))],
        ),
        2,
    );
    assert_eq!(open.get(&format!("/{}", place(&found[1]))).json()["subject"]["reference"], "Patient/old", "TXN-10");
    for (sent, status) in [
        // It was the one, and is none any longer.
        (vec![entry("PUT", "Patient/old", named("old")), entry("POST", "Observation", observation(A))], 412),
        (vec![entry("DELETE", "Patient/old", Value::Null), entry("POST", "Observation", observation(A))], 412),
        // There would be two.
        (vec![entry("POST", "Patient", patient("a")), entry("POST", "Observation", observation(A))], 412),
        // One goes and one comes.
        (
            vec![
                entry("POST", "Patient", patient("a")),
                entry("DELETE", "Patient/old", Value::Null),
                entry("POST", "Observation", observation(A)),
            ],
            200,
        ),
    ] {
        let before = open.total("/Observation");
        let answer = transaction(&open, &sent);
        assert_eq!(answer.status, status, "TXN-10 {sent:?} {}", answer.body);
        if status == 412 {
            assert_eq!(issue(&answer).1, "conditional-reference", "TXN-10");
            assert_eq!(open.total("/Observation"), before, "TXN-10");
        }
    }
    let patch = json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
        {"name": "type", "valueCode": "add"}, {"name": "path", "valueString": "Patient"},
        {"name": "name", "valueString": "birthDate"}, {"name": "value", "valueDate": "1940-01-02"}]}]});
    let sent = [entry("PATCH", A, patch), entry("POST", "Observation", observation("Patient?birthdate=1940-01-02"))];
    assert_eq!(statuses(&done(&transaction(&open, &sent), 2)), "200 201", "TXN-10");
}

#[test]
fn a_conditional_reference_looks_through_others() {
    let open = Open::new();
    open.put("/Organization/there", &json!({"resourceType": "Organization", "id": "there", "name": "親"}));
    let by_chain = "Organization?partof.name=%E8%A6%AA&active=true";
    let sent = [
        entry("POST", "Organization", organization("子", Some("Organization/there"))),
        entry("POST", "Organization", organization("孫", Some(by_chain))),
        at("urn:uuid:1", entry("POST", "Patient", patient("p"))),
        entry(
            "POST",
            "Encounter",
            json!({"resourceType": "Encounter", "status": "planned", "class": {"code": "HH"},
            "identifier": [{"system": "urn:test", "value": "e"}], "subject": {"reference": "urn:uuid:1"}}),
        ),
        entry("POST", "Observation", {
            let mut seen = observation("urn:uuid:1");
            seen["encounter"] = json!({"reference": "Encounter?patient.identifier=urn:test|p&identifier=urn:test|e"});
            seen
        }),
    ];
    let found = done(&transaction(&open, &sent), sent.len());
    assert_eq!(statuses(&found), "201 201 201 201 201", "TXN-10");
    let read = |n: usize| open.get(&format!("/{}", place(&found[n]))).json();
    assert_eq!(text(&read(1)["partOf"]["reference"]), place(&found[0]), "TXN-10");
    assert_eq!(text(&read(4)["encounter"]["reference"]), place(&found[3]), "TXN-10");
    // The criteria of an entry find what was there before, without what is taken away.
    let twice = [
        entry("POST", "Patient", patient("n")),
        when("ifNoneExist", "identifier=urn:test|n", entry("POST", "Patient", patient("n"))),
    ];
    assert_eq!(statuses(&done(&transaction(&open, &twice), 2)), "201 201", "TXN-10");
    let old = place(&found[2]);
    let instead = [
        when("ifNoneExist", "identifier=urn:test|p", entry("POST", "Patient", patient("p"))),
        entry("DELETE", &old, Value::Null),
    ];
    assert_eq!(statuses(&done(&transaction(&open, &instead), 2)), "201 204", "TXN-03");
    assert_eq!(open.total("/Patient?identifier=urn:test|p"), 1, "TXN-03");
}

#[test]
fn a_reference_to_a_version_names_the_version_that_is_made() {
    let open = Open::new();
    open.put("/Patient/p", &named("p"));
    let provenance = |target: &str| {
        json!({"resourceType": "Provenance", "recorded": "2026-11-21T12:00:00+09:00",
            "target": [{"reference": target}], "agent": [{"who": {"display": "x"}}]})
    };
    let changed = |family: &str| json!({"resourceType": "Patient", "id": "p", "name": [{"family": family}]});
    for (target, put, expected) in [
        ("urn:uuid:1/_history/1", "b", "Patient/p/_history/2"),
        ("urn:uuid:1/_history/99", "c", "Patient/p/_history/3"),
        ("urn:uuid:1", "d", "Patient/p"),
    ] {
        let sent = [
            at("urn:uuid:2", entry("POST", "Provenance", provenance(target))),
            at("urn:uuid:1", entry("PUT", "Patient/p", changed(put))),
        ];
        let found = done(&transaction(&open, &sent), 2);
        let stored = open.get(&format!("/{}", place(&found[0]))).json();
        assert_eq!(stored["target"][0]["reference"], expected, "TXN-11 {target}");
        assert_eq!(open.get(&format!("/{expected}")).json()["name"][0]["family"], put, "TXN-11");
    }
    // Of something new it is the first; of something under an address that can be read, a version that is there stays named.
    let mut known = changed("e");
    known["meta"] = json!({"versionId": "4"});
    let address = format!("{BASE}/Patient/p");
    let sent = [
        at("urn:uuid:3", entry("POST", "Patient", patient("n"))),
        entry("POST", "Provenance", provenance("urn:uuid:3/_history/1")),
        at(&address, entry("PUT", "Patient/p", known)),
        entry("POST", "Provenance", provenance(&format!("{address}/_history/4"))),
        entry("POST", "Provenance", provenance(&format!("{address}/_history/2"))),
    ];
    let found = done(&transaction(&open, &sent), 5);
    let target = |n: usize| open.get(&format!("/{}", place(&found[n]))).json()["target"][0]["reference"].clone();
    assert_eq!(target(1), format!("{}/_history/1", place(&found[0])), "TXN-11");
    assert_eq!((target(3), target(4)), (json!("Patient/p/_history/5"), json!("Patient/p/_history/2")), "TXN-11");
    // After a deletion the numbers go on.
    open.delete("/Patient/p");
    let back = [
        at("urn:uuid:1", entry("PUT", "Patient/p", changed("f"))),
        entry("POST", "Provenance", provenance("urn:uuid:1/_history/1")),
    ];
    let found = done(&transaction(&open, &back), 2);
    let stored = open.get(&format!("/{}", place(&found[1]))).json();
    assert_eq!(stored["target"][0]["reference"], "Patient/p/_history/7", "TXN-11");
    assert_eq!(open.get("/Patient/p/_history/7").json()["name"][0]["family"], "f", "TXN-11");
    // A version that would not be made is not referred to.
    let answer = transaction(&open, &back);
    assert_eq!((answer.status, issue(&answer).1.as_str()), (400, "no-new-version"), "TXN-11 {}", answer.body);
}

#[test]
fn a_conditional_reference_finds_what_its_caller_may_see_or_states() {
    let served = crate::served();
    let send = |reference: &str| {
        let mut organization = organization("部", None);
        organization["extension"] = json!([{"url": "urn:x", "valueReference": {"reference": reference}}]);
        let mut named = organization.clone();
        named["id"] = json!("o");
        let sent = [
            entry("PUT", "Organization/o", named),
            entry("POST", "Organization", self::organization("新しい科", None)),
        ];
        served.ask(crate::gateway::Ask::post("office", "", &crate::transactions::bundle("transaction", &sent)))
    };
    // The office may not look for patients: whoever is there is answered like whoever is not.
    let number = crate::gateway::number_of(crate::gateway::HOSPITAL, crate::NUMBER);
    let there = format!("Patient?identifier={}|{}", text(&number["system"]), text(&number["value"]));
    let (hidden, missing) = (send(&there), send("Patient?identifier=urn:x|nobody"));
    assert_eq!((hidden.status, issue(&hidden).1.as_str()), (403, "role"), "TXN-10 CONS-03");
    assert_eq!(hidden, missing, "TXN-10 CONS-03");
    assert_eq!(served.get("hospital", "/Organization/o").status, 404, "TXN-01");
    let done = send("Organization?name=%E6%96%B0%E3%81%97%E3%81%84%E7%A7%91");
    assert_eq!(done.status, 200, "TXN-10 {}", done.body);
    let made = place(&entries(&done, "transaction-response", 2)[1]);
    let stored = served.get("hospital", "/Organization/o").json();
    assert_eq!(text(&stored["extension"][0]["valueReference"]["reference"]), made, "TXN-10");
}
