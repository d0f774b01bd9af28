//! SMART Backend Services as a client meets it, and people who sign in: tokens, scopes, introspection, revocation (checklist SMART-01 to SMART-08), and
//! every way in which an assertion does not count.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

#[path = "../authority/mod.rs"]
mod authority;
#[path = "../gateway/mod.rs"]
mod gateway;

mod assertions;
mod command;
mod cost;
mod keys;
mod lifecycle;
mod limits;
mod people;
mod provider;
mod purposes;
mod scopes;
mod secrets;
mod signer;
mod tls;

use std::sync::Arc;

use gateway::{HOSPITAL, Served, bundle, condition, config_with, consent, letter, receive};
use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::store::Store;

/// The number of the patient whose consent names agency A.
const NUMBER: &str = "1";

/// A store with a patient who has a laboratory result, a vital sign, a result of no category, and a Condition; agency A may
/// read all of them.
fn store() -> Store {
    let store = Store::open_memory();
    let observation = |name: &str, category: Option<&str>| {
        let mut observation = json!({
            "resourceType": "Observation", "status": "final", "code": {"text": name},
            "identifier": [{"system": "urn:x", "value": name}],
            "subject": {"reference": "urn:uuid:b-0"},
        });
        if let Some(code) = category {
            let system = "http://terminology.hl7.org/CodeSystem/observation-category";
            observation["category"] = json!([{"coding": [{"system": system, "code": code}]}]);
        }
        observation
    };
    let resources = [
        observation("lab", Some("laboratory")),
        observation("vital", Some("vital-signs")),
        observation("other", None),
        condition("b", "C1", None),
    ];
    receive(&store, &letter(HOSPITAL, "", &bundle(NUMBER, "b", &resources)));
    let permit = consent("permit", NUMBER, "agency-a", "active", Value::Null);
    receive(&store, &letter("", "permit", &permit));
    store
}

/// A gateway over that store with these clients more.
fn gateway_with(clients: &str) -> Arc<Gateway> {
    gateway_over(store(), clients)
}

fn gateway_over(store: Store, clients: &str) -> Arc<Gateway> {
    Arc::new(Gateway::over(store, &config_with(clients), gateway::clock).expect("the gateway starts"))
}

fn served_with(clients: &str) -> Served {
    Served::new(gateway_with(clients))
}

/// The ids of a type that a token finds.
fn found(served: &Served, token: &str, path: &str) -> Vec<String> {
    let answer = served.get(token, path);
    assert_eq!(answer.status, 200, "{path}: {}", answer.body);
    let json = answer.json();
    let entries = json["entry"].as_array().cloned().unwrap_or_default();
    let name = |entry: &Value| {
        let resource = &entry["resource"];
        let named = resource["code"]["text"].as_str().or(resource["code"]["coding"][0]["code"].as_str());
        format!("{} {}", resource["resourceType"].as_str().unwrap_or("?"), named.unwrap_or_default()).trim().to_owned()
    };
    let mut names: Vec<String> = entries.iter().map(name).collect();
    names.sort();
    names
}
