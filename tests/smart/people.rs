//! People who sign in at the operator's provider of identities (RFC 9068, RFC 9470, `docs/adr/0042`), and every way in which a
//! token of theirs does not count.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::config::Config;

use crate::gateway::{Ask, NOW, Served, config_with, consent, letter, receive};
use crate::provider::Provider;
use crate::signer::NOW_SECONDS;
use crate::{NUMBER, store};

/// The configuration of a provider and its people.
fn oidc(provider: &Provider, more: &str) -> String {
    format!(
        "[oidc]\nissuer = \"{}\"\naudience = \"tasuki\"\nacr = [\"mfa\", \"mfa-hardware\"]\n{more}\n\
         [[person]]\nid = \"nurse-1\"\nsubject = \"8f1c-nurse\"\norganization = \"Organization/agency-a\"\nkind = \"nurse\"\n\
         practitioner = \"Practitioner/nurse-1\"\n\
         [[person]]\nid = \"helper-1\"\nsubject = \"helper\"\norganization = \"Organization/agency-b\"\nkind = \"home-helper\"\n\
         scopes = [\"user/Patient.rs\"]\n\
         [[person]]\nid = \"left\"\nsubject = \"left\"\norganization = \"Organization/left\"\n",
        provider.issuer
    )
}

struct World {
    provider: Provider,
    served: Served,
    gateway: Arc<Gateway>,
    config: Config,
}

fn world() -> World {
    let provider = Provider::new();
    let config = config_with(&oidc(&provider, ""));
    let gateway = Arc::new(Gateway::over(store(), &config, crate::gateway::clock).unwrap());
    World { served: Served::new(gateway.clone()), provider, gateway, config }
}

fn status(served: &Served, token: &str) -> u16 {
    served.get(token, "/Patient").status
}

#[test]
fn a_person_reads_what_the_consents_permit_their_organisation() {
    let World { provider, served, .. } = world();
    let keys = [("ES256", "ec"), ("RS256", "rsa"), ("PS256", "pss"), ("PS256", "rsa")];
    for (algorithm, kid) in keys {
        let token = provider.token(|header, _| (header["alg"], header["kid"]) = (json!(algorithm), json!(kid)));
        let answer = served.get(&token, "/Patient");
        assert_eq!((answer.status, answer.json()["total"].clone()), (200, json!(1)), "{algorithm}");
    }
    assert_eq!(provider.asked("/care/.well-known/openid-configuration"), 1, "once for all of them");
    assert_eq!(provider.asked("/keys"), 1);
    let several = provider.token(|_, claims| claims["aud"] = json!(["other", "tasuki"]));
    assert_eq!(served.get(&several, "/Observation").json()["total"], 3);
    // Of another organisation, which no consent names.
    let helper = provider.token(|_, claims| claims["sub"] = json!("helper"));
    assert_eq!(served.get(&helper, "/Patient").json()["total"], 0);
    // The audit record has who it was, by the gateway's word for them and not the provider's.
    let record = served.get("office", "/AuditEvent").body;
    assert!(record.contains("person:nurse-1") && !record.contains("8f1c-nurse") && !record.contains("eyJ"));
}

#[test]
fn scopes_are_those_of_the_token_within_registration_and_role() {
    let World { provider, served, .. } = world();
    let with = |sub: &str, scope: &str| {
        provider.token(|_, claims| (claims["sub"], claims["scope"]) = (json!(sub), json!(scope)))
    };
    let narrow = with("8f1c-nurse", "user/Observation.rs?category=laboratory");
    assert_eq!(served.get(&narrow, "/Observation").json()["total"], 1);
    let refused = served.get(&narrow, "/Patient");
    assert_eq!(
        (refused.status, refused.header("www-authenticate")),
        (403, Some("Bearer error=\"insufficient_scope\""))
    );
    for scope in ["", "openid", "system/*.rs", "patient/*.rs", "user/AuditEvent.rs"] {
        assert_eq!(status(&served, &with("8f1c-nurse", scope)), 403, "{scope}");
    }
    let helper = with("helper", "user/*.rs");
    assert_eq!((status(&served, &helper), served.get(&helper, "/Observation").status), (200, 403));
    // Nobody writes by signing in, nor reads the audit record.
    let nurse = with("8f1c-nurse", "user/*.cruds");
    assert_eq!(served.get(&nurse, "/AuditEvent").status, 403);
    let permit = consent("mine", NUMBER, "agency-a", "active", Value::Null);
    assert_eq!(served.ask(Ask::put(&nurse, "/Consent/mine", &permit)).status, 403);
    assert_eq!(served.ask(Ask::post(&nurse, "//intake", &permit)).status, 403);
}

#[test]
fn a_consent_names_the_person_the_kind_and_the_purpose() {
    let provider = Provider::new();
    let permitted = |change: &dyn Fn(&mut Value)| {
        let store = store();
        let mut permit = consent("permit", NUMBER, "agency-a", "active", Value::Null);
        change(&mut permit["provision"]);
        receive(&store, &letter("", "permit-2", &permit));
        let gateway = Gateway::over(store, &config_with(&oidc(&provider, "")), crate::gateway::clock).unwrap();
        let served = Served::new(Arc::new(gateway));
        let helper = provider.token(|_, claims| claims["sub"] = json!("helper"));
        [served.get(&provider.good(), "/Patient"), served.get(&helper, "/Patient"), served.get("agency-a", "/Patient")]
            .map(|answer| answer.json()["total"].as_i64().unwrap())
    };
    let actor = |reference: Value| move |provision: &mut Value| provision["actor"][0]["reference"] = reference.clone();
    assert_eq!(permitted(&actor(json!({"reference": "Practitioner/nurse-1"}))), [1, 0, 0]);
    let kind = |code: &str| {
        actor(json!({"identifier": {"system": "https://tasuki.example/fhir/CodeSystem/member-kind", "value": code}}))
    };
    assert_eq!(permitted(&kind("nurse")), [1, 0, 0]);
    assert_eq!(permitted(&kind("home-helper")), [0, 1, 0]);
    let purpose = |code: &str| {
        let coding = json!([{"system": "http://terminology.hl7.org/CodeSystem/v3-ActReason", "code": code}]);
        move |provision: &mut Value| provision["purpose"] = coding.clone()
    };
    assert_eq!(permitted(&purpose("COC")), [1, 0, 1]);
    assert_eq!(permitted(&purpose("BTG")), [0, 0, 0]);
}

/// A person is in a team of the directory by itself, by a role, or with its organisation (docs/adr/0045).
#[test]
fn a_person_is_in_the_teams_of_the_directory() {
    let provider = Provider::new();
    let store = store();
    let mut permit = consent("permit", NUMBER, "agency-a", "active", Value::Null);
    permit["provision"]["actor"][0]["reference"] = json!({"reference": "Group/nurses"});
    receive(&store, &letter("", "permit-2", &permit));
    let gateway = Gateway::over(store, &config_with(&oidc(&provider, "")), crate::gateway::clock).unwrap();
    let served = Served::new(Arc::new(gateway));
    let total = |token: &str| served.get(token, "/Patient").json()["total"].as_i64().unwrap();
    let put = |resource: Value| {
        let path = format!("/{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        assert!([200, 201].contains(&served.ask(Ask::put("office", path, &resource)).status), "{resource}");
    };
    let group = |member: &str| {
        put(json!({"resourceType": "Group", "id": "nurses", "type": "practitioner", "actual": true,
            "member": [{"entity": {"reference": member}}]}));
    };
    let role = |organization: &str, active: bool| {
        put(json!({"resourceType": "PractitionerRole", "id": "r", "active": active,
            "practitioner": {"reference": "Practitioner/nurse-1"}, "organization": {"reference": organization}}));
    };
    let helper = provider.token(|_, claims| claims["sub"] = json!("helper"));
    let nurse = provider.good();
    let all = || [total(&nurse), total(&helper), total("agency-a")];
    assert_eq!(all(), [0, 0, 0], "nobody knows the group");
    group("Practitioner/nurse-1");
    assert_eq!(all(), [1, 0, 0]);
    group("PractitionerRole/r");
    assert_eq!(all(), [0, 0, 0], "nobody knows the role");
    role("Organization/agency-a", true);
    assert_eq!(all(), [1, 0, 0]);
    role("Organization/agency-b", true);
    assert_eq!(all(), [0, 0, 0], "there, and for agency-a she asks");
    role("Organization/agency-a", false);
    assert_eq!(all(), [0, 0, 0]);
    role("Organization/agency-a", true);
    assert_eq!(all(), [1, 0, 0]);
    group("Practitioner/somebody-else");
    assert_eq!(all(), [0, 0, 0]);
}

#[test]
fn claims_that_do_not_count() {
    let World { provider, served, .. } = world();
    assert_eq!(status(&served, &provider.good()), 200);
    let changes: Vec<(&str, &str, Value)> = vec![
        ("another issuer", "iss", json!("https://idp.example/care")),
        ("a slash more", "iss", json!(format!("{}/", provider.issuer))),
        ("another audience", "aud", json!("other")),
        ("the app as audience: an identity token", "aud", json!("care-app")),
        ("no audience", "aud", Value::Null),
        ("expired", "exp", json!(NOW_SECONDS - 31)),
        ("good for too long", "exp", json!(NOW_SECONDS + 3631)),
        ("milliseconds", "exp", json!(NOW + 60_000)),
        ("exp as a string", "exp", json!((NOW_SECONDS + 60).to_string())),
        ("exp as a fraction", "exp", json!(NOW_SECONDS as f64 + 60.5)),
        ("exp past every clock", "exp", json!(i64::MAX)),
        ("exp past every number", "exp", json!(u64::MAX)),
        ("no exp", "exp", Value::Null),
        ("not yet", "nbf", json!(NOW_SECONDS + 31)),
        ("nbf as a string", "nbf", json!("soon")),
        ("from the future", "iat", json!(NOW_SECONDS + 31)),
        ("no iat", "iat", Value::Null),
        ("nobody's", "sub", json!("stranger")),
        ("no subject", "sub", Value::Null),
        ("a subject in another case", "sub", json!("8F1C-NURSE")),
        ("the gateway's word for them", "sub", json!("nurse-1")),
        ("of an organisation that is no member", "sub", json!("left")),
        ("of another Practitioner", "fhirUser", json!("Practitioner/nurse-2")),
        ("bound to a certificate that is not shown", "cnf", json!({"x5t#S256": URL_SAFE_NO_PAD.encode([1; 32])})),
        ("bound to a key that is not known here", "cnf", json!({"jkt": "x"})),
    ];
    for (what, name, value) in changes {
        let token = provider.token(|_, claims| match value {
            Value::Null => drop(claims.as_object_mut().unwrap().remove(name)),
            value => claims[name] = value,
        });
        let answer = served.get(&token, "/Patient");
        assert_eq!((answer.status, answer.header("www-authenticate")), (401, Some("Bearer")), "{what}");
        // The same answer as to a token that never was one.
        assert_eq!(answer.body, served.get("never", "/Patient").body, "{what}");
    }
    for (name, first) in [("sub", json!("stranger")), ("iss", json!("x")), ("exp", json!(1)), ("aud", json!("x"))] {
        let twice = provider.claims().to_string().replacen('{', &format!("{{\"{name}\":{first},"), 1);
        assert_eq!(status(&served, &provider.sign(&provider.header().to_string(), &twice)), 401, "{name} twice");
    }
}

#[test]
fn signatures_that_do_not_count() {
    let World { provider, served, .. } = world();
    let header = |change: &dyn Fn(&mut Value)| provider.token(|header, _| change(header));
    for algorithm in
        ["none", "None", "nOnE", "", "HS256", "HS384", "HS512", "RS512", "PS512", "RS384", "ES384", "EdDSA"]
    {
        assert_eq!(status(&served, &header(&|h| h["alg"] = json!(algorithm))), 401, "{algorithm}");
    }
    let unsigned = header(&|h| h["alg"] = json!("none"));
    assert_eq!(status(&served, &format!("{}.", unsigned.rsplit_once('.').unwrap().0)), 401, "no signature");
    // Key confusion: the public key as the secret of HMAC, in each form in which it could be taken.
    let set = provider.keys(&["rsa"]);
    let modulus = set["keys"][0]["n"].as_str().unwrap().as_bytes().to_vec();
    for secret in [set["keys"][0].to_string().into_bytes(), modulus] {
        let text = json!({"alg": "HS256", "kid": "rsa", "typ": "at+jwt"}).to_string();
        let text =
            format!("{}.{}", URL_SAFE_NO_PAD.encode(text), URL_SAFE_NO_PAD.encode(provider.claims().to_string()));
        let key = ring::hmac::Key::new(ring::hmac::HMAC_SHA256, &secret);
        let signature = URL_SAFE_NO_PAD.encode(ring::hmac::sign(&key, text.as_bytes()));
        assert_eq!(status(&served, &format!("{text}.{signature}")), 401);
    }
    // A key for one algorithm signs by no other; nor does a key of another kind.
    for (algorithm, kid) in [("RS256", "pss"), ("ES256", "rsa"), ("RS256", "ec"), ("PS256", "ec")] {
        let token = header(&|h| (h["alg"], h["kid"]) = (json!(algorithm), json!(kid)));
        assert_eq!(status(&served, &token), 401, "{algorithm} {kid}");
    }
    for (name, value) in [
        ("typ", json!("JWT")),
        ("typ", json!("id+jwt")),
        ("crit", json!(["exp"])),
        ("kid", json!("")),
        ("kid", json!("unknown")),
        ("kid", json!("../../../../etc/passwd")),
        ("kid", json!("ec' OR '1'='1")),
        ("kid", json!("http://127.0.0.1:1/keys")),
        ("kid", json!(["ec"])),
        ("kid", Value::Null),
    ] {
        assert_eq!(status(&served, &header(&|h| h[name] = value.clone())), 401, "{name} {value}");
    }
    let good = provider.good();
    let (signed, signature) = good.rsplit_once('.').unwrap();
    for wrong in [
        format!("{signed}."),
        format!("{signed}.{}", &signature[1..]),
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode([0; 64])),
        format!("{signed}.{signature}.{signature}"),
        format!("{}.{signature}", signed.replacen("ey", "eY", 1)),
        "a.b.c".to_owned(),
        "..".to_owned(),
    ] {
        assert_eq!(status(&served, &wrong), 401, "{wrong}");
    }
    assert_eq!(status(&served, &good), 200);
}

#[test]
fn keys_in_the_header_and_addresses_of_keys_are_passed_over() {
    let (World { provider, served, .. }, thief) = (world(), Provider::new());
    let own = thief.keys(&["ec"])["keys"][0].clone();
    let address = thief.issuer.replace("/care", "/keys");
    for (name, value) in [
        ("jwk", own),
        ("jku", json!(address)),
        ("x5u", json!(address)),
        ("x5c", json!(["MIIB"])),
        ("kid", json!(address)),
    ] {
        let mut header = provider.header();
        header[name] = value;
        let token = thief.sign(&header.to_string(), &provider.claims().to_string());
        assert_eq!(status(&served, &token), 401, "{name}");
    }
    // The provider's own tokens count whatever else their header says.
    assert_eq!(status(&served, &provider.token(|header, _| header["jku"] = json!(address))), 200);
    // A token of another issuer that signs well.
    assert_eq!(status(&served, &thief.good()), 401);
    assert_eq!(thief.asked_in_all(), 0, "nobody asks there");
}

#[test]
fn who_did_not_sign_in_surely_enough_is_told_so() {
    let World { provider, served, .. } = world();
    for acr in [json!("password"), json!("MFA"), Value::Null] {
        let token = provider.token(|_, claims| claims["acr"] = acr.clone());
        let answer = served.get(&token, "/Patient");
        assert_eq!(answer.status, 401);
        let challenge = answer.header("www-authenticate").unwrap();
        assert!(challenge.starts_with("Bearer error=\"insufficient_user_authentication\""), "{challenge}");
        assert!(challenge.ends_with("acr_values=\"mfa mfa-hardware\""), "{challenge}");
        assert_eq!(answer.json()["issue"][0]["code"], "login");
    }
    let token = provider.token(|_, claims| claims["acr"] = json!("mfa-hardware"));
    assert_eq!(status(&served, &token), 200);
    // Whoever is not registered is not told what would be asked of somebody who is.
    let stranger = provider.token(|_, claims| (claims["sub"], claims["acr"]) = (json!("stranger"), json!("password")));
    assert_eq!(served.get(&stranger, "/Patient").header("www-authenticate"), Some("Bearer"));
}

#[test]
fn whoever_is_taken_away_is_nobody_at_once() {
    let World { provider, served, gateway, config } = world();
    let (good, people) = (provider.good(), config.people.clone().unwrap().people);
    assert_eq!(status(&served, &good), 200);
    gateway.people().replace(people.iter().filter(|person| person.subject != "8f1c-nurse").cloned().collect());
    assert_eq!(status(&served, &good), 401);
    gateway.people().replace(people);
    assert_eq!(status(&served, &good), 200);
    // The organisation leaves: the last program that acts for it is taken away.
    let of_others = |client: &tasuki::auth::Client| client.caller.organization != "Organization/agency-a";
    gateway.set_clients(config.clients.iter().filter(|client| of_others(client)).cloned().collect());
    assert_eq!(status(&served, &good), 401);
    gateway.set_clients(config.clients.clone());
    assert_eq!(status(&served, &good), 200);
}

#[test]
fn who_has_access_names_people_too() {
    let World { served, .. } = world();
    let patient = crate::gateway::key(NUMBER).reference();
    let answer = served.get("office", format!("/{patient}/$who-can-see"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    assert!(answer.body.contains("person:nurse-1") && !answer.body.contains("person:left"), "{}", answer.body);
}

#[test]
fn a_member_without_a_program_is_listed() {
    let provider = Provider::new();
    let config = config_with(&oidc(&provider, "organizations = [\"Organization/left\"]"));
    let served = Served::new(Arc::new(Gateway::over(store(), &config, crate::gateway::clock).unwrap()));
    assert_eq!(status(&served, &provider.token(|_, claims| claims["sub"] = json!("left"))), 200);
}

#[test]
fn keys_are_kept_as_long_as_the_provider_says_and_new_ones_are_found() {
    static CLOCK: AtomicI64 = AtomicI64::new(NOW);
    let provider = Provider::new();
    provider.has("/keys", &provider.keys(&["ec"]), "cache-control: max-age=120\r\n");
    let config = config_with(&oidc(&provider, ""));
    let gateway = Gateway::over(store(), &config, || CLOCK.load(Ordering::SeqCst)).unwrap();
    let served = Served::new(Arc::new(gateway));
    let rsa = || provider.token(|header, _| (header["alg"], header["kid"]) = (json!("RS256"), json!("rsa")));
    assert_eq!([status(&served, &provider.good()), status(&served, &rsa())], [200, 401]);
    for _ in 0..3 {
        assert_eq!(status(&served, &rsa()), 401);
    }
    assert_eq!(provider.asked("/keys"), 1, "made-up key ids make the gateway ask nothing within the minute");
    provider.has("/keys", &provider.keys(&["ec", "rsa"]), "cache-control: max-age=120\r\n");
    CLOCK.store(NOW + 60_000, Ordering::SeqCst);
    assert_eq!([status(&served, &rsa()), status(&served, &provider.good())], [200, 200], "while it changes over");
    assert_eq!(provider.asked("/keys"), 2);
    // A key that the provider takes back counts no longer than it said, whether its token was verified before or not.
    provider.has("/keys", &provider.keys(&["rsa"]), "");
    CLOCK.store(NOW + 180_000, Ordering::SeqCst);
    assert_eq!([status(&served, &provider.good()), status(&served, &rsa())], [401, 200]);
    // A document of another issuer, keys in a place that is not asked, and no document.
    let mut at = NOW + 180_000;
    for (name, value) in [("issuer", json!("https://idp.example")), ("jwks_uri", json!("http://10.0.0.1/keys"))] {
        let mut document = provider.discovery();
        document[name] = value;
        provider.has("/care/.well-known/openid-configuration", &document, "");
        at += 310_000;
        CLOCK.store(at, Ordering::SeqCst);
        let late = provider.token(|_, claims| claims["exp"] = json!(at / 1000 + 60));
        assert_eq!(status(&served, &late), 401, "{name}");
    }
}

#[test]
fn without_a_provider_no_json_web_token_counts() {
    let provider = Provider::new();
    let served = crate::served_with("");
    assert_eq!((status(&served, &provider.good()), provider.asked_in_all()), (401, 0));
}

#[test]
fn a_file_that_comes_lets_somebody_in_and_one_that_goes_keeps_them_out() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let (folder, provider) = (tempfile::tempdir().unwrap(), Provider::new());
    let people = folder.path().join("people.d");
    std::fs::create_dir(&people).unwrap();
    let text = format!(
        "listen = \"127.0.0.1:0\"\nbase_url = \"http://gateway.example/fhir\"\n[store]\nengine = \"memory\"\n\
         [oidc]\nissuer = \"{}\"\naudience = \"tasuki\"\nacr = [\"mfa\"]\npeople = \"people.d\"\n\
         organizations = [\"Organization/agency-a\"]\n",
        provider.issuer
    );
    let server = crate::secrets::Server::start(folder.path(), &text);
    let http = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
    let token = provider.token(|_, claims| (claims["exp"], claims["iat"]) = (json!(now + 600), json!(now)));
    let becomes = |expected: u16| {
        let status = || {
            let request = http.get(format!("http://{}/fhir/Patient", server.address)).bearer_auth(&token);
            request.send().unwrap().status().as_u16()
        };
        (0..100).any(|_| {
            status() == expected || {
                std::thread::sleep(std::time::Duration::from_millis(100));
                false
            }
        })
    };
    assert!(becomes(401));
    let file = people.join("nurse-1.toml");
    std::fs::write(&file, "id = \"nurse-1\"\nsubject = \"8f1c-nurse\"\norganization = \"Organization/agency-a\"\n")
        .unwrap();
    assert!(becomes(200), "somebody comes");
    std::fs::rename(&file, people.join("nurse-1.gone")).unwrap();
    assert!(becomes(401), "and goes");
    assert!(server.log().contains("people taken up"));
}
