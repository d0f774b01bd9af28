//! The directory of the network (docs/adr/0045): who keeps it and who reads it, whom its teams make a member, the naming
//! systems that are part of the program, and public lists that are taken in.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test fails by panicking

#[path = "../gateway/mod.rs"]
mod gateway;
#[path = "../program/mod.rs"]
mod program;

mod command;
mod import;
mod kept;
mod measured;
mod naming;
mod teams;

use std::sync::Arc;

use gateway::{Ask, HOSPITAL, Served, bundle, condition, consent, letter, receive};
use serde_json::{Value, json};
use tasuki::store::Store;

/// The number of a patient whose record agency-a may read.
const NUMBER: &str = "0000000001";
/// The number of one whose record nobody may.
const CLOSED: &str = "0000000002";

/// A hospital's Bundle with a doctor, a ward and a team of the patient's own.
fn record(number: &str) -> Value {
    let name = format!("b{number}");
    let at = |n: usize| json!({"reference": format!("urn:uuid:{name}-{n}")});
    let own = |kind: &str| json!([{"system": "http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier", "value": format!("{kind}-{number}")}]);
    let mut told = condition(&name, "I10", None);
    told["asserter"] = at(2);
    let resources = [
        told,
        json!({"resourceType": "Practitioner", "identifier": own("doctor"), "name": [{"text": "試験 次郎"}]}),
        json!({"resourceType": "Observation", "identifier": own("o"), "status": "final", "code": {"text": "BP"}, "subject": at(0),
            "performer": [at(2), at(4)]}),
        json!({"resourceType": "Organization", "identifier": own("ward"), "name": "試験病棟"}),
        json!({"resourceType": "CareTeam", "identifier": own("team"), "status": "active", "subject": at(0),
            "participant": [{"member": at(2)}]}),
    ];
    bundle(number, &name, &resources)
}

/// A store with the records of both patients and the Consent of the one for agency-a.
fn store() -> Store {
    let store = Store::open_memory();
    for number in [NUMBER, CLOSED] {
        let receipt = receive(&store, &letter(HOSPITAL, number, &record(number)));
        assert!(receipt.patient.is_some(), "{receipt:?}");
    }
    receive(&store, &letter("", "consent", &consent("c", NUMBER, "agency-a", "active", Value::Null)));
    store
}

fn serve(store: &Store) -> Served {
    Served::new(gateway::over(store.clone()))
}

/// The office puts a resource.
fn put(served: &Served, resource: &Value) -> u16 {
    let path = format!("/{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
    served.ask(Ask::put("office", path, resource)).status
}

/// The ids that a search finds, in order.
fn found(served: &Served, client: &str, path: &str) -> Vec<String> {
    let answer = served.get(client, path);
    assert_eq!(answer.status, 200, "{client} {path}: {}", answer.body);
    let json = answer.json();
    let entries = json["entry"].as_array().cloned().unwrap_or_default();
    let mut ids: Vec<String> = entries
        .iter()
        .map(|entry| {
            let resource = &entry["resource"];
            format!("{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap())
        })
        .collect();
    ids.sort();
    ids
}

fn over(store: &Store, clock: fn() -> i64) -> Served {
    Served::new(Arc::new(tasuki::app::Gateway::over(store.clone(), &gateway::config(), clock).unwrap()))
}
