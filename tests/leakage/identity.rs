//! A. Identity and scope.

use crate::gateway::{Ask, config_with};
use crate::{HIDDEN, SHOWN, patient, worlds};

#[test]
fn leak_01_who_shows_no_token_or_a_wrong_one_learns_nothing() {
    let worlds = worlds();
    for client in ["", "nobody", "agency-a ", "AGENCY-A"] {
        for path in ["/Condition/secret", "/Condition/nothing", "/Condition", "/_history", "/Patient?_summary=count"] {
            let answer = worlds.ask(Ask::get(client, path));
            assert_eq!(answer.status, 401, "{client} {path}");
            assert_eq!(answer.body, worlds.get_as(client, "/Observation/o1").body, "{client} {path}");
        }
    }
}

#[test]
fn leak_02_without_a_consent_nothing_is_open() {
    let worlds = worlds();
    let path = format!("/Observation?patient={}", patient(HIDDEN));
    assert_eq!(worlds.get(path.as_str()).json()["total"], 0);
    // Known, and named by no consent: the clinic, and a station of nurses.
    for client in ["nurse-station", "clinic"] {
        let answer = worlds.ask(Ask::get(client, format!("/Observation?patient={}", patient(SHOWN))));
        assert_eq!(answer.json()["total"], 0, "{client}");
    }
}

#[test]
fn leak_03_spelling_opens_nothing() {
    let worlds = worlds();
    for path in [
        "/Condition/%73ecret",
        "/Condition/SECRET",
        "/condition/secret",
        "/Condition/secret%20",
        "/Condition/%20secret",
        "/Condition/secret%00",
        "/Condition//secret",
        "/Condition/./secret",
        "/Condition/x/../secret",
        "/Condition%2Fsecret",
        "/Condition/secret;x",
        "/Condition?_id=shown&_id=secret",
        "/Condition?_id=shown,secret",
        "/Condition?_id=%73ecret",
        "/Condition?_ID=secret",
        "/Condition?_id=secret%20",
        "///fhir/Condition/secret",
    ] {
        worlds.get(path);
    }
    let both = format!("/Condition?patient={}&patient={}", patient(SHOWN), patient(HIDDEN));
    assert_eq!(worlds.get(both).json()["total"], 0);
    let either = format!("/Condition?patient={},{}", patient(SHOWN), patient(HIDDEN));
    assert_eq!(worlds.get(either).json()["total"], 1);
}

#[test]
fn leak_05_a_client_without_an_organisation_is_none() {
    let read = |organization: &str| {
        let digest = tasuki::auth::Digest::of(b"x").hex();
        let text = format!("[[client]]\nid = \"x\"\n{organization}role = \"care\"\ntoken_sha256 = \"{digest}\"\n");
        std::panic::catch_unwind(|| config_with(&text)).is_ok()
    };
    assert!(read("organization = \"Organization/x\"\n"));
    assert!(!read("") && !read("organization = \"\"\n") && !read("organization = \"Patient/x\"\n"));
}

#[test]
fn leak_06_headers_say_neither_who_asks_nor_what_for() {
    let worlds = worlds();
    for (name, value) in [
        ("x-consent-scope", "btg"),
        ("x-consent-scope", "bypass actor/Practitioner/1 env/App/1"),
        ("x-purpose-of-use", "ETREAT"),
        ("purpose", "BTG"),
        ("x-forwarded-for", "127.0.0.1"),
        ("x-forwarded-host", "office.example"),
        ("x-forwarded-user", "office"),
        ("x-forwarded-client-cert", "Hash=00"),
        ("x-user", "office"),
        ("cookie", "session=office"),
        ("cds-redaction-enabled", "false"),
        ("authorization", "Bearer office"),
    ] {
        for path in ["/Condition/secret", "/Condition", "/Consent"] {
            let answer = worlds.ask(Ask::get("agency-a", path).with(name, value));
            assert!(!answer.body.contains("secret"), "{name} {path}");
        }
        assert_ne!(worlds.ask(Ask::get("agency-a", "/Condition/secret").with(name, value)).status, 200, "{name}");
    }
}

#[test]
fn leak_07_methods_are_what_they_are() {
    let worlds = worlds();
    for method in ["HEAD", "OPTIONS", "TRACE", "PATCH", "DELETE", "PUT", "POST", "LOCK", "get"] {
        for id in ["secret", "gone", "other", "nothing"] {
            let ask = Ask { method, ..Ask::get("agency-a", format!("/Condition/{id}")) };
            let answer = worlds.ask(ask.clone());
            let of_nothing = worlds.ask(Ask { path: "/Condition/nothing".into(), ..ask });
            assert_eq!(
                (answer.status, answer.headers, answer.body),
                (of_nothing.status, of_nothing.headers, of_nothing.body),
                "{method} {id}"
            );
        }
    }
    for name in ["x-http-method-override", "x-http-method", "x-method-override"] {
        let answer = worlds.ask(Ask { method: "POST", ..Ask::get("agency-a", "/Condition/secret") }.with(name, "GET"));
        assert_eq!(answer.status, 405);
    }
}
