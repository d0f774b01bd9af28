//! The REST interface as FHIR R4 has it (http.html, search.html), asked without a socket. Each test names the rows of the
//! checklist that it holds the gateway to.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

#[path = "../gateway/mod.rs"]
mod gateway;
#[path = "../guide/mod.rs"]
mod guide;

mod audit;
mod bulk;
mod bulk_import;
mod capability;
mod consented;
mod contention;
mod definitions;
mod found;
mod guides;
mod headers;
mod history;
mod negotiation;
mod operations;
mod packing;
mod patches;
mod policy;
mod search;
mod socket;
mod transaction_links;
mod transactions;
mod validation;
mod writes;
mod xml;

use gateway::{Served, bundle, condition, config, config_with, key, letter, receive};
use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::store::Store;

/// The number of the one patient there is.
const NUMBER: &str = "1";

/// A gateway that holds a patient of the hospital with 30 Conditions and a Binary.
fn served() -> Served {
    Served::new(gateway_with(""))
}

/// The same, with more in its configuration.
fn gateway_with(more: &str) -> std::sync::Arc<Gateway> {
    let store = Store::open_memory();
    let mut resources: Vec<Value> = (0..30).map(|n| condition("b", &format!("C{n}"), None)).collect();
    resources.push(json!({
        "resourceType": "Observation", "status": "final", "code": {"text": "体重"},
        "identifier": [{"system": "urn:x", "value": "o"}],
        "subject": {"reference": "urn:uuid:b-0"},
        "valueQuantity": {"value": Number::of("52.50"), "unit": "kg"}
    }));
    receive(&store, &letter(gateway::HOSPITAL, "", &bundle(NUMBER, "b", &resources)));
    let config = if more.is_empty() { config() } else { config_with(more) };
    std::sync::Arc::new(Gateway::over(store, &config, gateway::clock).expect("the gateway starts"))
}

/// A JSON number with the digits it is written with.
struct Number;

impl Number {
    fn of(digits: &str) -> Value {
        serde_json::from_str(digits).expect("a number")
    }
}

/// `/Patient/…` of the one patient.
fn patient() -> String {
    format!("/{}", key(NUMBER).reference())
}

/// `/Observation/…` of the one Observation.
fn observation(served: &Served) -> String {
    let found = served.get("hospital", format!("/Observation?patient={}", key(NUMBER).reference())).json();
    format!("/Observation/{}", found["entry"][0]["resource"]["id"].as_str().expect("an id"))
}

/// The type of the one issue of an OperationOutcome in JSON, and its rule.
fn issue(answer: &gateway::Answer) -> (String, String) {
    let outcome = answer.json();
    assert_eq!(outcome["resourceType"], "OperationOutcome", "{}", answer.body);
    let issue = &outcome["issue"][0];
    let said = |value: &Value| value.as_str().expect("a code").to_owned();
    (said(&issue["code"]), said(&issue["details"]["coding"][0]["code"]))
}
