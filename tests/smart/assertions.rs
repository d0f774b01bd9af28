//! Every way in which an assertion or a form does not count (facts on consent, section 4; RFC 6749 section 5.2).

use serde_json::{Value, json};

use crate::gateway::{Answer, Served};
use crate::served_with;
use crate::signer::{JWT_BEARER, NOW_SECONDS, Said, Signer, client, form, pairs, token_request};

const SCOPE: &str = "system/Patient.rs";

struct World {
    served: Served,
    ec: Signer,
    rsa: Signer,
}

fn world() -> World {
    let (ec, rsa) = (Signer::ec("ec"), Signer::rsa("rsa"));
    let served = served_with(&(client("app", &[&ec, &rsa], "") + &client("other", &[&Signer::ec("other")], "")));
    World { served, ec, rsa }
}

/// What is changed of a form.
type Change<'a> = &'a dyn Fn(&mut Vec<(&str, String)>);

/// The one answer to whoever does not show who it is.
fn is_refused(answer: &Answer, what: &str) {
    assert_eq!(answer.status, 401, "{what}: {}", answer.body);
    let expected = json!({"error": "invalid_client",
        "error_description": "The client is not known, or its assertion does not show that it is this client."});
    assert_eq!(answer.json(), expected, "{what}");
    assert_eq!(answer.header("cache-control"), Some("no-store"));
}

#[test]
fn smart_06_a_signed_assertion_gets_a_token_of_five_minutes() {
    let World { served, ec, rsa } = world();
    for signer in [&ec, &rsa] {
        let answer = signer.ask(&served, "app", "system/Patient.rs system/Observation.r openid");
        assert_eq!(answer.status, 200, "{}", answer.body);
        let json = answer.json();
        assert_eq!((&json["token_type"], &json["expires_in"]), (&json!("bearer"), &json!(300)));
        assert_eq!(json["scope"], "system/Patient.rs system/Observation.r");
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        assert_eq!(answer.header("pragma"), Some("no-cache"));
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let token = json["access_token"].as_str().unwrap();
        assert_eq!(served.get(token, "/Patient").status, 200);
    }
}

#[test]
fn claims_that_do_not_count() {
    let World { served, ec, .. } = world();
    let mut changes: Vec<(&str, &str, Value)> = vec![
        ("another issuer", "iss", json!("other")),
        ("another subject", "sub", json!("other")),
        ("no such client", "iss", json!("nobody")),
        ("the address of the API as audience", "aud", json!("http://gateway.example/fhir")),
        ("another gateway's audience", "aud", json!("http://other.example/auth/token")),
        ("a list of audiences", "aud", json!(["http://gateway.example/auth/token"])),
        ("no audience", "aud", Value::Null),
        ("expired", "exp", json!(NOW_SECONDS - 31)),
        ("good for more than five minutes", "exp", json!(NOW_SECONDS + 331)),
        ("milliseconds", "exp", json!(crate::gateway::NOW + 60_000)),
        ("exp as a string", "exp", json!((NOW_SECONDS + 60).to_string())),
        ("exp as a fraction", "exp", json!(NOW_SECONDS as f64 + 0.5)),
        ("exp past every clock", "exp", json!(i64::MAX)),
        ("exp before every clock", "exp", json!(i64::MIN)),
        ("no exp", "exp", Value::Null),
        ("not yet", "nbf", json!(NOW_SECONDS + 31)),
        ("nbf as a string", "nbf", json!("soon")),
        ("from the future", "iat", json!(NOW_SECONDS + 31)),
        ("no jti", "jti", Value::Null),
        ("an empty jti", "jti", json!("")),
        ("a jti that is a number", "jti", json!(1)),
        ("a jti longer than is kept", "jti", json!("j".repeat(257))),
    ];
    for (what, name, value) in changes.drain(..) {
        let mut said = ec.say("app");
        match value {
            Value::Null => drop(said.claims.as_object_mut().unwrap().remove(name)),
            value => said.claims[name] = value,
        }
        is_refused(&served.ask(token_request(&ec.sign(&said), SCOPE)), what);
    }
    let Said { header, claims } = ec.say("app");
    let twice = claims.to_string().replacen('{', "{\"iss\":\"app\",", 1);
    is_refused(&served.ask(token_request(&ec.sign_texts(&header.to_string(), &twice), SCOPE)), "a claim twice");
    // What is missing and need not be there.
    let mut said = ec.say("app");
    said.claims.as_object_mut().unwrap().remove("iat");
    said.claims["jti"] = json!("j".repeat(256));
    assert_eq!(served.ask(token_request(&ec.sign(&said), SCOPE)).status, 200, "nbf and iat may be missing");
}

#[test]
fn signatures_that_do_not_count() {
    let World { served, ec, rsa } = world();
    let header = |change: &dyn Fn(&mut Value)| {
        let mut said = ec.say("app");
        change(&mut said.header);
        ec.sign(&said)
    };
    for algorithm in ["none", "None", "nOnE", "HS256", "HS384", "HS512", "RS256", "ES256", "PS384", "RS384", ""] {
        is_refused(&served.ask(token_request(&header(&|h| h["alg"] = json!(algorithm)), SCOPE)), algorithm);
    }
    // alg none without a signature.
    let unsigned = header(&|h| h["alg"] = json!("none"));
    let unsigned = format!("{}.", unsigned.rsplit_once('.').unwrap().0);
    is_refused(&served.ask(token_request(&unsigned, SCOPE)), "no signature");
    // Key confusion: the public key as the secret of HMAC.
    let said = Said { header: json!({"alg": "HS384", "kid": "rsa"}), ..rsa.say("app") };
    let text = rsa.sign(&said);
    let signed = text.rsplit_once('.').unwrap().0;
    let secret = ring::hmac::Key::new(ring::hmac::HMAC_SHA384, rsa.jwk().to_string().as_bytes());
    let tag = ring::hmac::sign(&secret, signed.as_bytes());
    use base64::Engine;
    let coded = base64::engine::general_purpose::URL_SAFE_NO_PAD.encode(tag.as_ref());
    is_refused(&served.ask(token_request(&format!("{signed}.{coded}"), SCOPE)), "HMAC with the public key");
    for (what, change) in [
        ("no kid", json!(null)),
        ("an unknown kid", json!("unknown")),
        ("the kid of the other kind of key", json!("rsa")),
        ("a kid that is a path", json!("../../../../dev/null")),
        ("a kid that is a query", json!("ec' OR '1'='1")),
        ("a kid that is a list", json!(["ec"])),
    ] {
        is_refused(&served.ask(token_request(&header(&|h| h["kid"] = change.clone()), SCOPE)), what);
    }
    for (what, name, value) in [
        ("a foreign jku", "jku", json!("https://evil.example/jwks")),
        ("a jku of this machine", "jku", json!("http://127.0.0.1:1/jwks")),
        ("an extension that must be understood", "crit", json!(["exp"])),
        ("another type", "typ", json!("at+jwt")),
    ] {
        is_refused(&served.ask(token_request(&header(&|h| h[name] = value.clone()), SCOPE)), what);
    }
    // A key that comes along is no registered one.
    let stranger = Signer::ec("ec");
    let mut said = stranger.say("app");
    said.header["jwk"] = stranger.jwk();
    is_refused(&served.ask(token_request(&stranger.sign(&said), SCOPE)), "its own key");
    // Another client's key.
    is_refused(&served.ask(token_request(&ec.sign(&ec.say("other")), SCOPE)), "the key of another client");
    // One bit of it, and what is left of it.
    let good = ec.sign(&ec.say("app"));
    let flipped: String = good
        .chars()
        .rev()
        .enumerate()
        .map(|(n, c)| if n == 40 { if c == 'A' { 'B' } else { 'A' } } else { c })
        .collect();
    let flipped: String = flipped.chars().rev().collect();
    is_refused(&served.ask(token_request(&flipped, SCOPE)), "a changed signature");
    let (signed, signature) = good.rsplit_once('.').unwrap();
    let (head, claims) = signed.split_once('.').unwrap();
    for (what, text) in [
        ("nothing but dots", "..".to_owned()),
        ("a word", "x".to_owned()),
        ("two parts", signed.to_owned()),
        ("four parts", format!("{good}.x")),
        ("white space", format!("{head}. {claims}.{signature}")),
        ("padding", format!("{head}=.{claims}.{signature}")),
        ("past the limit", "a".repeat(8193)),
    ] {
        is_refused(&served.ask(token_request(&text, SCOPE)), what);
    }
}

#[test]
fn a_client_that_is_not_known_is_answered_like_one_whose_key_is_wrong() {
    let World { served, ec, .. } = world();
    let stranger = Signer::ec("ec");
    let ask = |signer: &Signer, id: &str| {
        let answer = served.ask(token_request(&signer.sign(&signer.say(id)), SCOPE));
        (answer.status, answer.headers, answer.body)
    };
    assert_eq!(ask(&stranger, "app"), ask(&stranger, "nobody"));
    // One that is registered and has a token only is no client here.
    assert_eq!(ask(&ec, "agency-a"), ask(&stranger, "nobody"));
}

#[test]
fn forms_that_do_not_count() {
    let World { served, ec, .. } = world();
    let good = || ec.sign(&ec.say("app"));
    let error = |answer: &Answer| (answer.status, answer.json()["error"].as_str().unwrap_or_default().to_owned());
    let with = |change: Change<'_>| {
        let assertion = good();
        let mut all: Vec<(&str, String)> = pairs(&assertion, SCOPE)
            .into_iter()
            .map(|(name, value)| {
                (
                    match name {
                        "grant_type" => "grant_type",
                        "scope" => "scope",
                        "client_assertion_type" => "client_assertion_type",
                        _ => "client_assertion",
                    },
                    value.to_owned(),
                )
            })
            .collect();
        change(&mut all);
        let all: Vec<(&str, &str)> = all.iter().map(|(name, value)| (*name, value.as_str())).collect();
        served.ask(form("//auth/token", &all))
    };
    let without = |name: &'static str| with(&move |all| all.retain(|(known, _)| *known != name));
    let set = |name: &'static str, to: &'static str| {
        with(&move |all| all.iter_mut().filter(|(known, _)| *known == name).for_each(|one| one.1 = to.to_owned()))
    };
    let added = |name: &'static str, to: &'static str| with(&move |all| all.push((name, to.to_owned())));
    let invalid = |status, name: &str| (status, name.to_owned());
    assert_eq!(error(&without("grant_type")), invalid(400, "invalid_request"));
    assert_eq!(error(&set("grant_type", "password")), invalid(400, "unsupported_grant_type"));
    assert_eq!(error(&without("client_assertion_type")), invalid(400, "invalid_request"));
    assert_eq!(error(&set("client_assertion_type", "x")), invalid(400, "invalid_request"));
    assert_eq!(error(&without("client_assertion")), invalid(400, "invalid_request"));
    assert_eq!(error(&without("scope")), invalid(400, "invalid_scope"));
    for scope in [
        "",
        "openid",
        "patient/*.rs",
        "system/Observation.sr",
        "system%2FPatient.rs",
        "system/Consent.rs",
        "system/Patient.cud",
    ] {
        assert_eq!(error(&set("scope", scope)), invalid(400, "invalid_scope"), "{scope}");
    }
    assert_eq!(error(&added("scope", SCOPE)), invalid(400, "invalid_request"));
    assert_eq!(error(&added("client_id", "other")), invalid(401, "invalid_client"));
    assert_eq!(error(&added("client_secret", "x")), invalid(401, "invalid_client"));
    assert_eq!(added("client_id", "app").status, 200);
    assert_eq!(added("resource", "x").status, 200, "what is not known is passed over");
    let request = || token_request(&good(), SCOPE);
    assert_eq!(
        error(&served.ask(crate::gateway::Ask { client: "x".into(), ..request() })),
        invalid(400, "invalid_request")
    );
    let mut json = request();
    json.headers = vec![("content-type", "application/json".to_owned())];
    assert_eq!(error(&served.ask(json)), invalid(400, "invalid_request"));
    let mut query = request();
    query.path += "?scope=system/*.cruds";
    assert_eq!(error(&served.ask(query)), invalid(400, "invalid_request"));
    let mut long = request();
    long.body.extend(format!("&x={}", "x".repeat(32 << 10)).bytes());
    assert_eq!(error(&served.ask(long)), invalid(413, "invalid_request"));
    let get = crate::gateway::Ask { method: "GET", ..request() };
    assert_eq!(served.ask(get).status, 405);
    let options = crate::gateway::Ask { method: "OPTIONS", ..request() };
    assert_eq!(served.ask(options).header("allow"), Some("POST, OPTIONS"));
    assert_eq!(JWT_BEARER.len(), 54);
}

#[test]
fn who_asks_too_often_is_told_to_wait() {
    let signer = Signer::ec("k");
    let limits = "[limits]\ntokens_per_minute_max = 2\ntoken_attempts_per_minute_max = 5\n";
    let served = served_with(&(client("app", &[&signer], "") + limits));
    let ask = |from: &str, signer: &Signer| {
        let request = token_request(&signer.sign(&signer.say("app")), SCOPE);
        let answer = served.ask(request.with(crate::gateway::PEER, from));
        (answer.status, answer.header("retry-after").map(str::to_owned))
    };
    // Whoever only says that it is the client takes nothing from it.
    let stranger = Signer::ec("k");
    for _ in 0..5 {
        assert_eq!(ask("192.0.2.1:1", &stranger).0, 401);
    }
    assert_eq!(ask("192.0.2.1:2", &stranger), (429, Some("12".into())));
    assert_eq!([ask("192.0.2.2:1", &signer).0, ask("192.0.2.2:1", &signer).0], [200, 200]);
    assert_eq!(ask("192.0.2.2:1", &signer), (429, Some("30".into())));
}

#[test]
fn each_refusal_and_each_issue_is_on_the_audit_record() {
    let World { served, ec, .. } = world();
    let answer = ec.ask(&served, "app", SCOPE);
    let token = answer.json()["access_token"].as_str().unwrap().to_owned();
    ec.ask(&served, "app", "openid");
    ec.ask(&served, "nobody", SCOPE);
    ec.about(&served, "app", "//auth/introspect", &token);
    ec.about(&served, "app", "//auth/revoke", &token);
    served.get(&token, "/Patient");
    let events = served.get("office", "/AuditEvent").json();
    let events = events["entry"].as_array().unwrap();
    let told: Vec<String> = events
        .iter()
        .map(|entry| {
            let event = &entry["resource"];
            let text = |pointer: &str| event.pointer(pointer).and_then(Value::as_str).unwrap_or("-");
            format!(
                "{} {} {} {}",
                text("/type/code"),
                text("/subtype/0/code"),
                text("/outcome"),
                text("/agent/1/who/identifier/value")
            )
        })
        .collect();
    let expected = [
        "rest search 8 -",
        "110114 110123 0 app",
        "110114 - 0 app",
        "110114 110122 8 -",
        "110114 110122 8 app",
        "110114 110122 0 app",
    ];
    assert_eq!(told, expected);
    let record = served.get("office", "/AuditEvent").body;
    assert!(!record.contains(&token) && !record.contains("eyJ"), "no token and no assertion is on record");
}
