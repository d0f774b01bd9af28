//! Bulk import: NDJSON stored line by line, what is wrong reported with its line (`docs/adr/0023`).

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::config::Config;
use tasuki::store::Store;

use crate::gateway::{Answer, Ask, Served, clock, config, config_with, over};

fn open(config: Config) -> Served {
    let config = Config { open: true, ..config };
    Served::new(Arc::new(Gateway::over(Store::open_memory(), &config, clock).expect("the gateway starts")))
}

fn import(served: &Served, lines: &str) -> Answer {
    let ask = Ask { method: "POST", body: lines.as_bytes().to_vec(), ..Ask::get("", "/$import") };
    served.ask(ask.with("content-type", "application/fhir+ndjson"))
}

/// The counts of a report, and the rule by which each refused line was.
fn report(answer: &Answer) -> (BTreeMap<String, u64>, BTreeMap<u64, String>) {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let (mut counts, mut refused) = (BTreeMap::new(), BTreeMap::new());
    for parameter in answer.json()["parameter"].as_array().expect("parameters") {
        match parameter["valueUnsignedInt"].as_u64() {
            Some(count) => drop(counts.insert(parameter["name"].as_str().unwrap().to_owned(), count)),
            None => {
                assert_eq!(parameter["name"], "refusal");
                let line = parameter["part"][0]["valuePositiveInt"].as_u64().expect("a line");
                let rule = &parameter["part"][1]["resource"]["issue"][0]["details"]["coding"][0]["code"];
                refused.insert(line, rule.as_str().expect("a rule").to_owned());
            }
        }
    }
    (counts, refused)
}

fn counts(answer: &Answer) -> [u64; 5] {
    ["lines", "created", "updated", "unchanged", "refused"].map(|name| report(answer).0[name])
}

fn observation(n: usize, status: &str) -> Value {
    json!({
        "resourceType": "Observation", "id": format!("o{n}"), "status": status, "code": {"text": "体重"},
        "subject": {"reference": format!("Patient/p{}", n % 20)}
    })
}

#[test]
fn ten_thousand_lines_with_some_that_are_broken() {
    let served = open(config());
    let mut lines = String::new();
    let mut broken = BTreeMap::new();
    for n in 0..10_000_usize {
        // Line n + 1: every thousandth is wrong in a way of its own.
        let (line, rule) = match n {
            999 => ("{\"resourceType\":\"Observation\"".to_owned(), "line-not-a-resource"),
            1999 => ("[]".to_owned(), "line-not-a-resource"),
            2999 => (json!({"resourceType": "Nonsense", "id": "x"}).to_string(), "line-not-a-resource"),
            3999 => (json!({"resourceType": "Observation", "id": "x"}).to_string(), ""),
            4999 => (json!({"resourceType": "AuditEvent", "id": "x"}).to_string(), "role"),
            5999 => {
                // It lies in the record of another.
                let mut moved = observation(0, "final");
                moved["subject"]["reference"] = json!("Patient/p1");
                (moved.to_string(), "record-of-another-patient")
            }
            6999 => (observation(1, "amended").to_string(), "updated"),
            7999 => (observation(2, "final").to_string(), "unchanged"),
            _ => (observation(n, "final").to_string(), "created"),
        };
        lines += &format!("{line}\n");
        if !matches!(rule, "created" | "updated" | "unchanged") {
            broken.insert(n as u64 + 1, rule.to_owned());
        }
    }
    let answer = import(&served, &lines);
    assert_eq!(counts(&answer), [10_000, 9_992, 1, 1, 6]);
    let (_, mut refused) = report(&answer);
    // Which rule of validation it was is not this test's matter.
    assert!(!refused[&4000].is_empty());
    refused.insert(4000, String::new());
    assert_eq!(refused, broken);
    assert_eq!(served.get("", "/Observation/o1").json()["status"], "amended");
    assert_eq!(served.get("", "/Observation/o9999").json()["meta"]["versionId"], "1");
    assert_eq!(served.get("", "/Observation/o999").status, 404);
    let again: String = lines.lines().take(100).map(|line| format!("{line}\n")).collect();
    assert_eq!(counts(&import(&served, &again)), [100, 0, 1, 99, 0]);
}

#[test]
fn lines_are_taken_as_they_come() {
    let served = open(config_with("[limits]\nbody_bytes_max = 1024\n"));
    let one = |id: &str, active: bool| json!({"resourceType": "Patient", "id": id, "active": active}).to_string();
    let padded = |length: usize| format!("{}{}", one("padded", true), " ".repeat(length - one("padded", true).len()));
    // The same resource twice in a batch: two versions, the last one stands.
    let twice = format!("{}\n\r\n{}\r\n{}", one("a", true), one("a", false), one("b", true));
    assert_eq!(counts(&import(&served, &twice)), [4, 2, 1, 0, 0]);
    assert_eq!(served.get("", "/Patient/a").json()["active"], false);
    // A line without an id is given one.
    assert_eq!(counts(&import(&served, r#"{"resourceType":"Patient","active":true}"#)), [1, 1, 0, 0, 0]);
    // As long as a line may be, and longer by one.
    assert_eq!(counts(&import(&served, &padded(1024))), [1, 1, 0, 0, 0]);
    let answer = import(&served, &format!("{}\n{}", padded(1025), one("c", true)));
    assert_eq!(counts(&answer), [2, 1, 0, 0, 1]);
    assert_eq!(report(&answer).1, BTreeMap::from([(1, "line-too-long".to_owned())]));
    assert_eq!(counts(&import(&served, "")), [0, 0, 0, 0, 0]);
    assert_eq!(counts(&import(&served, "\u{feff}{}\n\u{0}\n")), [2, 0, 0, 0, 2]);
}

#[test]
fn more_refusals_than_are_listed_are_counted() {
    let served = open(config());
    for (lines, listed) in [(1000, 1000), (1001, 1000)] {
        let answer = import(&served, &"{}\n".repeat(lines));
        assert_eq!(counts(&answer), [lines as u64, 0, 0, 0, lines as u64]);
        assert_eq!(report(&answer).1.len(), listed);
    }
}

#[test]
fn who_may_import_and_what() {
    let served = Served::new(over(Store::open_memory()));
    let patient = r#"{"resourceType":"Patient","id":"a"}"#.as_bytes().to_vec();
    let ask = |client: &str, kind: &str| {
        let ask = Ask { method: "POST", body: patient.clone(), ..Ask::get(client, "/$import") };
        ask.with("content-type", kind)
    };
    for (client, status) in [("agency-a", 403), ("hospital", 403), ("office", 403), ("", 401)] {
        assert_eq!(served.ask(ask(client, "application/fhir+ndjson")).status, status, "{client}");
    }
    let served = open(config());
    for (kind, status) in [
        ("application/fhir+ndjson", 200),
        ("application/FHIR+ndjson; charset=utf-8", 200),
        ("application/ndjson", 200),
        ("application/fhir+json", 415),
        ("text/plain", 415),
    ] {
        assert_eq!(served.ask(ask("", kind)).status, status, "{kind}");
    }
    let packed = ask("", "application/fhir+ndjson").with("content-encoding", "gzip");
    assert_eq!(served.ask(packed).status, 415);
    assert_eq!(served.get("", "/$import").status, 405);
}
