//! Microsoft's leak set (`TASUKI_CORPORA`/consent/ms-leak): a bundle and nine requests that once leaked through includes.

use std::path::Path;

use serde_json::Value;

use crate::gateway::{Ask, consent};
use crate::{fill, serve};
use tasuki::store::Store;

/// Where ours is stricter, and why.
const STRICTER: [(&str, &str); 1] = [(
    "5",
    "Coverage.subscriber is in the Patient compartment: the Coverage names a second patient, who has agreed to nothing",
)];

#[test]
fn leak_32_microsofts_requests_find_what_they_should() {
    let Ok(corpora) = std::env::var("TASUKI_CORPORA") else {
        println!("not run: TASUKI_CORPORA is not set");
        return;
    };
    let folder = Path::new(&corpora).join("consent/ms-leak");
    let read = |name: &str| -> Value { serde_json::from_slice(&std::fs::read(folder.join(name)).unwrap()).unwrap() };
    let expected = read("expected.json");
    let setup = read(expected["setup"].as_str().unwrap());
    let mut resources: Vec<Value> =
        setup["entry"].as_array().unwrap().iter().map(|entry| entry["resource"].clone()).collect();
    let store = Store::open_memory();
    let mut permit = consent("permit", "1", "agency-a", "active", Value::Null);
    permit["patient"] = serde_json::json!({"reference": "Patient/smart-patient-A"});
    permit["policyRule"] = serde_json::json!({"text": "x"});
    resources.push(permit);
    fill(&store, &resources, &[]);
    let served = serve(&store);
    let cases = expected["cases"].as_array().unwrap();
    assert_eq!(cases.len(), 9);
    for case in cases {
        let (section, request) = (case["section"].as_str().unwrap(), case["request"].as_str().unwrap());
        let answer = served.ask(Ask::get("agency-a", format!("/{request}")));
        assert_eq!(answer.status, 200, "{section} {}", answer.body);
        let bundle = answer.json();
        let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
        let name = |entry: &Value| {
            format!(
                "{}/{}",
                entry["resource"]["resourceType"].as_str().unwrap(),
                entry["resource"]["id"].as_str().unwrap()
            )
        };
        let mut found: Vec<String> = entries.iter().map(name).collect();
        let strings = |of: &Value| -> Vec<String> {
            of.as_array().into_iter().flatten().map(|one| one.as_str().unwrap().to_owned()).collect()
        };
        let mut published = strings(&case["expect"]);
        if let Some((_, why)) = STRICTER.iter().find(|(stricter, _)| *stricter == section) {
            println!("{section}: stricter, {why}");
            published.clear();
        }
        found.sort();
        published.sort();
        assert_eq!(found, published, "{section} {request}");
        let vulnerable = strings(&case["vulnerable"]);
        assert!(vulnerable.is_empty() || found != vulnerable, "{section}");
    }
}
