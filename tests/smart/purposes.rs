//! The purpose of use of a token: from the assertion (UDAP Security, `hl7-b2b`) or the form (IHE IUA), one, registered, and
//! never an emergency.

use serde_json::{Value, json};
use tasuki::store::Store;

use crate::gateway::{Answer, HOSPITAL, Served, bundle, consent, letter, receive};
use crate::signer::{Signer, client, form, pairs};
use crate::{NUMBER, found, gateway_over, served_with};

const SCOPE: &str = "system/Patient.rs";
const TREAT: &str = "urn:oid:2.16.840.1.113883.5.8#TREAT";

/// A client that may ask for two purposes, and one of which nothing is said.
fn clients(signer: &Signer) -> String {
    client("both", &[signer], "purposes = [\"COC\", \"TREAT\"]") + &client("plain", &[signer], "")
}

fn b2b(purposes: Value) -> Value {
    json!({"hl7-b2b": {"version": "1", "organization_id": "https://agency-a.example", "purpose_of_use": purposes}})
}

/// Asks for a token with this in the claim `extensions` (not at all where it is null) and in the form.
fn ask(served: &Served, signer: &Signer, client: &str, extensions: &Value, parameter: Option<&str>) -> Answer {
    let mut said = signer.say(client);
    if !extensions.is_null() {
        said.claims["extensions"] = extensions.clone();
    }
    let assertion = signer.sign(&said);
    let mut parameters = pairs(&assertion, SCOPE);
    parameters.extend(parameter.map(|value| ("purpose_of_use", value)));
    served.ask(form("//auth/token", &parameters))
}

/// What introspection says a token is for.
fn purpose_of(served: &Served, signer: &Signer, client: &str, answer: &Answer) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    let told = signer.about(served, client, "//auth/introspect", &token).json();
    let purposes = told["extensions"]["ihe_iua"]["purpose_of_use"].as_array().unwrap();
    assert_eq!(purposes.len(), 1, "{told}");
    assert_eq!(purposes[0]["system"], "http://terminology.hl7.org/CodeSystem/v3-ActReason");
    purposes[0]["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_token_is_for_the_purpose_that_was_asked_for() {
    let signer = Signer::ec("k");
    let served = served_with(&clients(&signer));
    for (client, extensions, parameter, expected) in [
        ("plain", Value::Null, None, "COC"),
        ("plain", b2b(json!(["COC"])), None, "COC"),
        ("plain", json!({"other": 1}), Some("COC"), "COC"),
        ("both", Value::Null, None, "COC"),
        ("both", b2b(json!([TREAT])), None, "TREAT"),
        ("both", b2b(json!(["TREAT"])), Some(TREAT), "TREAT"),
        ("both", Value::Null, Some("TREAT"), "TREAT"),
        ("both", Value::Null, Some("http://terminology.hl7.org/CodeSystem/v3-ActReason|TREAT"), "TREAT"),
    ] {
        let answer = ask(&served, &signer, client, &extensions, parameter);
        assert_eq!(purpose_of(&served, &signer, client, &answer), expected, "{client} {extensions} {parameter:?}");
    }
}

#[test]
fn purposes_that_are_not_granted() {
    let signer = Signer::ec("k");
    let served = served_with(&clients(&signer));
    let grant = "invalid_grant";
    for (client, extensions, parameter, expected) in [
        // Not registered for the client.
        ("plain", b2b(json!(["TREAT"])), None, grant),
        ("plain", Value::Null, Some("TREAT"), grant),
        ("both", b2b(json!(["HRESCH"])), None, grant),
        // Emergencies, their kinds, and what they are a kind of.
        ("both", b2b(json!(["BTG"])), None, grant),
        ("both", b2b(json!(["ETREAT"])), None, grant),
        ("both", b2b(json!(["ERTREAT"])), None, grant),
        ("both", Value::Null, Some("BTG"), grant),
        ("both", Value::Null, Some("urn:oid:2.16.840.1.113883.5.8#ETREAT"), grant),
        // None, several, no purpose at all, not as the standard has it.
        ("both", b2b(json!([])), None, grant),
        ("both", b2b(json!(["COC", "TREAT"])), None, grant),
        ("both", b2b(json!(["CARE"])), None, grant),
        ("both", b2b(json!(["coc"])), None, grant),
        ("both", b2b(json!("COC")), None, grant),
        ("both", json!([]), None, grant),
        ("both", json!({"hl7-b2b": {"version": "1"}}), None, grant),
        // The form.
        ("both", Value::Null, Some("CARE"), "invalid_request"),
        ("both", Value::Null, Some("COC TREAT"), "invalid_request"),
        ("both", Value::Null, Some("urn:oid:1.2.3#COC"), "invalid_request"),
        ("both", b2b(json!(["COC"])), Some("TREAT"), "invalid_request"),
    ] {
        let answer = ask(&served, &signer, client, &extensions, parameter);
        let json = answer.json();
        assert_eq!((answer.status, &json["error"]), (400, &json!(expected)), "{client} {extensions} {parameter:?}");
        assert_eq!(json.get("access_token"), None);
    }
    // Whoever is not known learns nothing of purposes.
    let stranger = ask(&served, &Signer::ec("k"), "both", &b2b(json!(["BTG"])), None);
    assert_eq!((stranger.status, &stranger.json()["error"]), (401, &json!("invalid_client")));
    // Twice in the form.
    let said = signer.sign(&signer.say("both"));
    let mut twice = pairs(&said, SCOPE);
    twice.extend([("purpose_of_use", "COC"), ("purpose_of_use", "COC")]);
    assert_eq!(served.ask(form("//auth/token", &twice)).json()["error"], "invalid_request");
}

#[test]
fn a_consent_for_another_purpose_opens_nothing() {
    let store = Store::open_memory();
    receive(&store, &letter(HOSPITAL, "", &bundle(NUMBER, "b", &[])));
    let mut permit = consent("permit", NUMBER, "agency-a", "active", Value::Null);
    let system = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
    permit["provision"]["purpose"] = json!([{"system": system, "code": "COC"}]);
    receive(&store, &letter("", "permit", &permit));
    let signer = Signer::ec("k");
    let served = Served::new(gateway_over(store, &clients(&signer)));
    let sees = |parameter: Option<&str>| {
        let answer = ask(&served, &signer, "both", &Value::Null, parameter);
        found(&served, answer.json()["access_token"].as_str().unwrap(), "/Patient").len()
    };
    assert_eq!([sees(None), sees(Some("COC")), sees(Some("TREAT"))], [1, 1, 0]);
}
