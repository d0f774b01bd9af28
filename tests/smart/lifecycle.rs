//! From the first look at a gateway to the end of a token: discovery, replay, expiry, introspection, revocation, registration.

use std::sync::atomic::{AtomicI64, Ordering};

use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::config::Config;
use tasuki::store::Store;

use crate::gateway::{Ask, NOW, Served, config_with, together};
use crate::signer::{Signer, TOKEN_URL, client, token_request};
use crate::{gateway_over, gateway_with, served_with, store};

const SCOPE: &str = "system/Patient.rs";

#[test]
fn smart_01_and_smart_02_the_configuration_says_what_there_is() {
    let signer = Signer::ec("k");
    let served = served_with(&client("app", &[&signer], "scopes = [\"system/Patient.rs\", \"system/Consent.rs\"]"));
    for (path, accept) in [
        ("/.well-known/smart-configuration", "application/json"),
        ("/.well-known/smart-configuration", "text/html"),
        ("/.well-known/smart-configuration", "application/fhir+xml"),
        ("//.well-known/smart-configuration", "*/*"),
    ] {
        let answer = served.ask(Ask::get("", path).with("accept", accept));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")), "{path} {accept}");
        let json = answer.json();
        assert_eq!(json["token_endpoint"], TOKEN_URL);
        assert_eq!(json["introspection_endpoint"], "http://gateway.example/auth/introspect");
        assert_eq!(json["revocation_endpoint"], "http://gateway.example/auth/revoke");
        assert_eq!(json["grant_types_supported"], json!(["client_credentials"]));
        assert_eq!(json["token_endpoint_auth_methods_supported"], json!(["private_key_jwt"]));
        assert_eq!(json["token_endpoint_auth_signing_alg_values_supported"], json!(["RS384", "ES384"]));
        assert_eq!(json["code_challenge_methods_supported"], json!(["S256"]));
        assert_eq!(json["capabilities"], json!(["client-confidential-asymmetric", "permission-v1", "permission-v2"]));
        // What a role does not include is not offered.
        assert_eq!(json["scopes_supported"], json!(["system/Patient.rs"]));
        assert!(json.get("authorization_endpoint").is_none() && json.get("issuer").is_none());
    }
    let statement = served.get("", "/metadata").json();
    let security = &statement["rest"][0]["security"];
    assert_eq!(security["service"][0]["coding"][0]["code"], "SMART-on-FHIR");
    let uris = security["extension"][0]["extension"].as_array().unwrap();
    let uris: Vec<(&str, &str)> =
        uris.iter().map(|one| (one["url"].as_str().unwrap(), one["valueUri"].as_str().unwrap())).collect();
    assert_eq!(uris[0], ("token", TOKEN_URL));
    assert_eq!([uris[1].0, uris[2].0], ["introspect", "revoke"]);
}

#[test]
fn smart_06_an_assertion_counts_once_also_after_a_restart() {
    let (signer, kept) = (Signer::ec("k"), store());
    let clients = client("app", &[&signer], "") + &client("second", &[&signer], "");
    let said = signer.say("app");
    let assertion = signer.sign(&said);
    let served = Served::new(gateway_over(kept.clone(), &clients));
    assert_eq!(served.ask(token_request(&assertion, SCOPE)).status, 200);
    assert_eq!(served.ask(token_request(&assertion, SCOPE)).status, 401);
    // Another assertion with the same jti is a replay too; another client's is none.
    let mut other = said.clone();
    other.claims["exp"] = json!(other.claims["exp"].as_i64().unwrap() + 1);
    assert_eq!(served.ask(token_request(&signer.sign(&other), SCOPE)).status, 401);
    other.claims["iss"] = json!("second");
    other.claims["sub"] = json!("second");
    assert_eq!(served.ask(token_request(&signer.sign(&other), SCOPE)).status, 200);
    drop(served);
    let again = Served::new(gateway_over(kept, &clients));
    assert_eq!(again.ask(token_request(&assertion, SCOPE)).status, 401);
    assert_eq!(signer.ask(&again, "app", SCOPE).status, 200);
}

/// A replay race: of many who present one assertion at once, one is first.
#[test]
fn of_many_who_present_one_assertion_one_gets_a_token() {
    let signer = Signer::ec("k");
    let gateway = gateway_with(&client("app", &[&signer], ""));
    let assertion = signer.sign(&signer.say("app"));
    let statuses = together(8, |_| Served::new(gateway.clone()).ask(token_request(&assertion, SCOPE)).status);
    assert_eq!(statuses.iter().filter(|status| **status == 200).count(), 1, "{statuses:?}");
    assert_eq!(statuses.iter().filter(|status| **status == 401).count(), 7, "{statuses:?}");
}

#[test]
fn smart_08_a_client_learns_what_its_own_token_is_good_for() {
    let (signer, other) = (Signer::ec("k"), Signer::ec("k"));
    let served = served_with(&(client("app", &[&signer], "") + &client("other", &[&other], "")));
    let token = signer.token(&served, "app", SCOPE);
    let told = signer.about(&served, "app", "//auth/introspect", &token);
    assert_eq!((told.status, told.header("cache-control")), (200, Some("no-store")));
    let expected = json!({"active": true, "scope": SCOPE, "client_id": "app", "sub": "app", "token_type": "bearer",
        "iss": "http://gateway.example/auth", "iat": NOW / 1000, "exp": NOW / 1000 + 300,
        "extensions": {"ihe_iua": {"purpose_of_use": [
            {"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": "COC"}]}}});
    assert_eq!(told.json(), expected);
    let inactive = json!({"active": false});
    assert_eq!(other.about(&served, "other", "//auth/introspect", &token).json(), inactive, "not its own");
    assert_eq!(signer.about(&served, "app", "//auth/introspect", "nonsense").json(), inactive);
    // A token that was given out by hand is none that was issued.
    assert_eq!(signer.about(&served, "app", "//auth/introspect", "agency-a").json(), inactive);
    assert_eq!(signer.about(&served, "nobody", "//auth/introspect", &token).status, 401);
    assert_eq!(other.about(&served, "app", "//auth/introspect", &token).status, 401);
}

#[test]
fn a_token_that_is_withdrawn_is_worth_nothing_for_the_very_next_request() {
    let (signer, other) = (Signer::ec("k"), Signer::ec("k"));
    let served = served_with(&(client("app", &[&signer], "") + &client("other", &[&other], "")));
    let (token, stays) = (signer.token(&served, "app", SCOPE), signer.token(&served, "app", SCOPE));
    assert_eq!(other.about(&served, "other", "//auth/revoke", &token).status, 200);
    assert_eq!(served.get(&token, "/Patient").status, 200, "others withdraw nothing");
    let answer = signer.about(&served, "app", "//auth/revoke", &token);
    assert_eq!((answer.status, answer.body.as_str()), (200, ""));
    assert_eq!(served.get(&token, "/Patient").status, 401);
    assert_eq!(served.get(&stays, "/Patient").status, 200);
    assert_eq!(signer.about(&served, "app", "//auth/introspect", &token).json(), json!({"active": false}));
    assert_eq!(signer.about(&served, "app", "//auth/revoke", &token).status, 200, "RFC 7009 section 2.2");
}

#[test]
fn a_token_ends_after_five_minutes_and_with_a_restart() {
    static CLOCK: AtomicI64 = AtomicI64::new(NOW);
    let (signer, kept) = (Signer::ec("k"), store());
    let config: Config = config_with(&client("app", &[&signer], ""));
    let start = |store: &Store| {
        let gateway = Gateway::over(store.clone(), &config, || CLOCK.load(Ordering::Relaxed));
        Served::new(std::sync::Arc::new(gateway.unwrap()))
    };
    let served = start(&kept);
    let token = signer.token(&served, "app", SCOPE);
    let status = |at: i64| {
        CLOCK.store(at, Ordering::Relaxed);
        served.get(&token, "/Patient").status
    };
    assert_eq!([status(NOW), status(NOW + 299_999), status(NOW + 300_000)], [200, 200, 401]);
    CLOCK.store(NOW, Ordering::Relaxed);
    drop(served);
    let again = start(&kept);
    assert_eq!(again.get(&token, "/Patient").status, 401);
    assert_eq!(again.get(&signer.token(&again, "app", SCOPE), "/Patient").status, 200);
}

#[test]
fn tokens_that_were_given_by_hand_go_on_working() {
    let signer = Signer::ec("k");
    let served = served_with(&client("app", &[&signer], ""));
    assert_eq!(served.get("agency-a", "/Patient").status, 200);
    assert_eq!(served.get("office", "/Consent?patient=x").status, 200);
    // With scopes, such a token is bound by them.
    let digest = tasuki::auth::Digest::of(b"by-hand").hex();
    let more = format!("token_sha256 = \"{digest}\"\nscopes = [\"system/Observation.rs?category=laboratory\"]");
    let served = served_with(&crate::signer::registered("hand", &more));
    assert_eq!(crate::found(&served, "by-hand", "/Observation"), ["Observation lab"]);
    assert_eq!(served.get("by-hand", "/Patient").status, 403);
    assert_eq!(served.get("", "/.well-known/smart-configuration").status, 404, "nobody can get a token");
}

/// Leakage checklist A 6: nothing in a request says who calls but what it proves.
#[test]
fn headers_do_not_say_who_calls() {
    let signer = Signer::ec("k");
    let served = served_with(&client("app", &[&signer], ""));
    let token = signer.token(&served, "app", "system/Patient.r");
    for (name, value) in [
        ("x-consent-scope", "bypass"),
        ("x-scope", "system/*.cruds"),
        ("x-forwarded-user", "office"),
        ("x-http-method-override", "DELETE"),
        ("cdr-redaction-enabled", "false"),
    ] {
        let answer = served.ask(Ask::get(&token, "/Patient").with(name, value));
        assert_eq!(answer.status, 403, "{name}");
    }
    let twice = Ask::get(&token, "/Patient").with("authorization", "Bearer office");
    assert_eq!(served.ask(twice).status, 401);
    // Leakage checklist A 1 and SMART-07: a token in the address is none.
    let address = served.get("", format!("/Patient?access_token={token}"));
    assert_eq!(address.status, 401);
    let json: Value = address.json();
    assert!(!json.to_string().contains(&token));
}

#[test]
fn an_assertion_that_another_gateway_over_the_store_took_issues_nothing() {
    let (signer, store) = (Signer::ec("k"), crate::store());
    let clients = client("app", &[&signer], "");
    let [first, second] = [store.clone(), store].map(|store| Served::new(crate::gateway_over(store, &clients)));
    let assertion = signer.sign(&signer.say("app"));
    let asked = |served: &Served| served.ask(crate::signer::token_request(&assertion, SCOPE));
    assert_eq!(asked(&first).status, 200);
    let refused = asked(&second);
    assert!(refused.status >= 400 && !refused.body.contains("access_token"), "{} {}", refused.status, refused.body);
}
