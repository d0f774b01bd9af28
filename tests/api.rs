//! The gateway as callers see it: who sees what, that hidden and missing are the same, that withdrawal acts at once.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

mod program;

use program::{Demo, example, read};
use serde_json::Value;

#[test]
fn each_agency_sees_whom_the_patients_named() {
    let demo = Demo::start();
    let names = |client: &str| -> Vec<String> {
        let mut names: Vec<String> = demo
            .get(client, "/Patient")
            .entries()
            .iter()
            .map(|p| p["name"][0]["family"].as_str().unwrap_or("?").to_owned())
            .collect();
        names.sort();
        names
    };
    assert_eq!(names("agency-a"), ["例示", "襷"]);
    assert_eq!(names("nurse-station"), ["例示"]);
    assert!(names("agency-b").is_empty());
    assert_eq!(demo.get("agency-b", "/Patient").total(), 0);
    assert_eq!(demo.get("office", "/Patient").status, 403);
    assert_eq!(demo.get("", "/Patient").status, 401);
    assert_eq!(demo.get("nobody", "/Patient").status, 401);
}

#[test]
fn hidden_and_missing_are_answered_alike() {
    let demo = Demo::start();
    let hanako = patient(&demo, "agency-a", "襷");
    let observations = demo.get("agency-a", &format!("/Observation?patient={hanako}")).entries();
    assert!(!observations.is_empty());
    let hidden = observations[0]["id"].as_str().expect("an id");
    let missing = "00000000-0000-5000-8000-000000000000";
    for client in ["agency-b", "nurse-station"] {
        for kind in ["Observation", "Patient"] {
            let id = if kind == "Patient" { &hanako } else { hidden };
            let there = demo.get(client, &format!("/{kind}/{id}"));
            assert_eq!(there, demo.get(client, &format!("/{kind}/{missing}")));
            assert_eq!(there.status, 404);
        }
        let by_patient = demo.get(client, &format!("/Observation?patient={hanako}"));
        assert_eq!((by_patient.status, by_patient.total()), (200, 0));
        let everything = demo.get(client, &format!("/Patient/{hanako}/$everything"));
        assert_eq!(everything, demo.get(client, &format!("/Patient/{missing}/$everything")));
    }
}

#[test]
fn an_untold_diagnosis_is_nowhere() {
    let demo = Demo::start();
    let taro = patient(&demo, "agency-a", "例示");
    for client in ["agency-a", "nurse-station"] {
        for path in [
            format!("/Patient/{taro}/$everything"),
            format!("/Condition?patient={taro}&_count=1000"),
            "/Bundle?_count=1000".to_owned(),
            "/Composition?_count=1000".to_owned(),
            "/Provenance?_count=1000".to_owned(),
            format!("/Patient/{taro}"),
        ] {
            let answer = demo.get(client, &path);
            assert!(matches!(answer.status, 200 | 404), "{path}");
            for word in ["噴門", "C160", "UNINFORMED", "胃癌"] {
                assert!(!answer.body.contains(word), "{client} {path} says {word}");
            }
        }
    }
    // It is there: the hospital that sent it may read it.
    let own = demo.get("hospital", &format!("/Condition?patient={taro}&_count=1000"));
    assert!(own.body.contains("UNINFORMED"), "{}", own.body);
}

#[test]
fn a_withdrawn_consent_acts_on_the_next_request() {
    let demo = Demo::start();
    let hanako = patient(&demo, "agency-a", "襷");
    assert_eq!(demo.get("agency-a", &format!("/Patient/{hanako}")).status, 200);
    let consent = read(&example("consents/consent-hanako-agency-a.json"));
    let withdrawn = consent.replacen("\"active\"", "\"inactive\"", 1);
    let put = |client: &str, body: &str| {
        demo.send("PUT", client, "/Consent/consent-hanako-agency-a", Some(body.to_owned())).status
    };
    assert_eq!(put("agency-a", &withdrawn), 403);
    assert_eq!(put("office", &withdrawn), 200);
    let audit = demo.get("office", &format!("/AuditEvent?patient={hanako}&_count=1")).entries();
    assert_eq!(audit[0]["subtype"][0]["code"], "update", "what was written about her is on her record: {audit:?}");
    assert_eq!(demo.get("agency-a", &format!("/Patient/{hanako}")).status, 404);
    assert_eq!(demo.get("agency-a", "/Patient").total(), 1);
    assert_eq!(put("office", &consent), 200);
    assert_eq!(demo.get("agency-a", "/Patient").total(), 2);
}

#[test]
fn every_access_is_on_record_without_what_was_asked_for() {
    let demo = Demo::start();
    let hanako = patient(&demo, "agency-a", "襷");
    demo.get("agency-b", &format!("/Observation?patient={hanako}&identifier=x%7Csecret-word"));
    let audit = demo.get("office", "/AuditEvent?_count=100");
    assert_eq!(audit.status, 200, "{}", audit.body);
    assert!(audit.entries().len() >= 2, "{}", audit.body);
    assert!(!audit.body.contains("secret-word"));
    assert!(audit.body.contains("agency-b"));
    assert_eq!(demo.get("agency-a", "/AuditEvent").status, 403);
}

#[test]
fn what_is_not_offered_is_refused_with_a_sentence() {
    let demo = Demo::start();
    for (path, status) in [
        ("/Observation?colour=red", 400),
        ("/Observation?date=2026-02-30", 400),
        ("/Observation?_count=-1", 400),
        ("/Nothing", 404),
        ("/Patient/a%20b", 404),
        ("/Parameters", 404),
    ] {
        let answer = demo.get("agency-a", path);
        assert_eq!(answer.status, status, "{path}: {}", answer.body);
        assert_eq!(answer.json()["resourceType"], "OperationOutcome", "{path}");
    }
    let metadata = demo.get("", "/metadata").json();
    assert_eq!((&metadata["resourceType"], &metadata["fhirVersion"]), (&"CapabilityStatement".into(), &"4.0.1".into()));
}

#[test]
fn pages_do_not_repeat_or_skip() {
    let demo = Demo::start();
    let hanako = patient(&demo, "agency-a", "襷");
    let whole = demo.get("agency-a", &format!("/Observation?patient={hanako}&_sort=date&_count=1000")).entries();
    let mut paged: Vec<Value> = Vec::new();
    let mut next = Some(format!("/Observation?patient={hanako}&_sort=date&_count=4"));
    while let Some(path) = next {
        let page = demo.get("agency-a", &path);
        paged.extend(page.entries());
        let links = page.json()["link"].as_array().cloned().unwrap_or_default();
        let link = links.iter().find(|l| l["relation"] == "next").and_then(|l| l["url"].as_str().map(str::to_owned));
        next = link.map(|url| url.split_once("/fhir").expect("below /fhir").1.to_owned());
    }
    assert!(whole.len() > 8);
    assert_eq!(paged, whole);
}

fn patient(demo: &Demo, client: &str, family: &str) -> String {
    let found = demo.get(client, "/Patient").entries();
    let patient = found.iter().find(|p| p["name"][0]["family"] == family).expect("on the panel");
    patient["id"].as_str().expect("an id").to_owned()
}
