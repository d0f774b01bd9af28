//! The leakage checklist (docs/leakage.md) line by line: each test is about one line, in two stores of which the second holds
//! what the caller may not see.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

#[path = "../gateway/mod.rs"]
mod gateway;
#[path = "../linking/person.rs"]
mod person;

mod channels;
mod content;
mod direct;
mod identity;
mod linked;
mod matches;
mod microsoft;
mod operations;
mod pages;
mod table;
mod timing;
mod transitions;
mod writes;

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use gateway::{Answer, Ask, HOSPITAL, NOW, Served, config, consent, key, letter, number_of, receive};
use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::store::Store;

pub(crate) const INDICATION: &str = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication";
/// Whoever consented to agency-a, and whoever consented to nobody.
pub(crate) const SHOWN: &str = "1";
pub(crate) const HIDDEN: &str = "3";

/// Two stores behind their gateways: without what is hidden, and with it.
pub(crate) struct Worlds {
    pub(crate) less: Served,
    pub(crate) more: Served,
}

pub(crate) fn patient(number: &str) -> String {
    key(number).reference()
}

pub(crate) fn observation(id: &str, number: &str, code: &str, day: &str) -> Value {
    json!({"resourceType": "Observation", "id": id, "status": "final", "subject": {"reference": patient(number)},
        "category": [{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/observation-category", "code": "laboratory"}]}],
        "code": {"coding": [{"system": "http://loinc.org", "code": code}]}, "effectiveDateTime": day,
        "identifier": [{"system": "urn:x", "value": id}],
        "valueQuantity": {"value": 36.5, "unit": "Cel", "system": "http://unitsofmeasure.org", "code": "Cel"}})
}

pub(crate) fn condition(id: &str, number: &str, tag: Option<&str>) -> Value {
    let mut condition = json!({"resourceType": "Condition", "id": id, "subject": {"reference": patient(number)},
        "clinicalStatus": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/condition-clinical", "code": "active"}]},
        "identifier": [{"system": "urn:x", "value": id}], "recordedDate": "2026-05-05",
        "code": {"coding": [{"system": "urn:x:codes", "code": id}], "text": format!("病名 {id}")}});
    if let Some(tag) = tag {
        condition["meta"] = json!({"tag": [{"system": INDICATION, "code": tag}]});
    }
    condition
}

fn person(number: &str) -> Value {
    json!({"resourceType": "Patient", "id": key(number).patient_id().as_str(), "name": [{"family": format!("見本{number}")}],
        "birthDate": format!("194{number}-01-01"), "identifier": [number_of(HOSPITAL, number)]})
}

fn composition(id: &str, entries: &[&str]) -> Value {
    let entry: Vec<Value> = entries.iter().map(|to| json!({"reference": to})).collect();
    json!({"resourceType": "Composition", "id": id, "status": "final", "subject": {"reference": patient(SHOWN)}, "date": "2026-05-05",
        "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5"}]}, "title": id, "author": [{"display": "見本"}],
        "section": [{"title": id, "entry": entry}]})
}

fn document(id: &str, number: &str) -> Value {
    json!({"resourceType": "DocumentReference", "id": id, "status": "current", "subject": {"reference": patient(number)},
        "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5"}]}, "date": "2026-03-02T10:00:00+09:00",
        "content": [{"attachment": {"contentType": "text/plain", "url": format!("Binary/{id}-bytes")}}]})
}

/// What agency-a may see.
pub(crate) fn shown() -> Vec<Value> {
    let mut seen = vec![person(SHOWN), condition("shown", SHOWN, None)];
    for (n, day) in ["2026-01-01", "2026-02-02", "2026-03-03", "2026-04-04", "2026-06-06"].iter().enumerate() {
        seen.push(observation(&format!("o{n}"), SHOWN, &format!("{}", n % 3), day));
    }
    seen.push(composition("told", &["Condition/shown"]));
    seen.push(document("d", SHOWN));
    seen.push(json!({"resourceType": "Organization", "id": "agency-a", "name": "agency-a"}));
    seen
}

/// What it may not: labelled, of somebody else, of two people, and whatever holds or names it.
pub(crate) fn hidden() -> Vec<Value> {
    let label = |system: &str, code: &str| json!({"security": [{"system": system, "code": code}]});
    let mut named = observation("o-secret", SHOWN, "777", "2026-02-03");
    named["focus"] = json!([{"reference": "Condition/secret", "display": "胃癌"}]);
    let mut restricted = observation("o-hiv", SHOWN, "778", "2026-02-04");
    restricted["meta"] = label("http://terminology.hl7.org/CodeSystem/v3-ActCode", "HIV");
    restricted["meta"]["source"] = json!("urn:x:ward-of-infections");
    let mut two = observation("o-two", SHOWN, "779", "2026-02-05");
    two["performer"] = json!([{"reference": patient(HIDDEN), "display": "見本3"}]);
    let mut inside = observation("o-inside", SHOWN, "780", "2026-02-06");
    inside["contained"] = json!([{"resourceType": "Condition", "id": "c", "subject": {"reference": patient(SHOWN)},
        "code": {"text": "胃癌"}, "meta": {"tag": [{"system": INDICATION, "code": "UNDELIVERED"}]}}]);
    inside["focus"] = json!([{"reference": "#c"}]);
    let mut about = document("d-secret", SHOWN);
    about["securityLabel"] =
        json!([{"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-Confidentiality", "code": "R"}]}]);
    let of_shown = json!({"reference": patient(SHOWN)});
    let told = json!([{"reference": "Condition/secret"}]);
    vec![
        condition("secret", SHOWN, Some("UNINFORMED")),
        named,
        restricted,
        two,
        inside,
        about,
        composition("told-too-much", &["Condition/shown", "Condition/secret"]),
        json!({"resourceType": "List", "id": "l-secret", "status": "current", "mode": "working", "subject": of_shown,
            "entry": [{"item": {"reference": "Condition/secret"}}]}),
        json!({"resourceType": "CarePlan", "id": "p-secret", "status": "active", "intent": "plan", "subject": of_shown, "addresses": told}),
        json!({"resourceType": "Goal", "id": "g-secret", "lifecycleStatus": "active", "description": {"text": "x"}, "subject": of_shown, "addresses": told}),
        json!({"resourceType": "Provenance", "id": "pr-secret", "target": told, "recorded": "2026-03-02T10:00:00+09:00",
            "agent": [{"who": {"display": "腫瘍内科"}}]}),
        person(HIDDEN),
        condition("other", HIDDEN, None),
        observation("o-other", HIDDEN, "777", "2026-02-07"),
        document("d-other", HIDDEN),
    ]
}

/// Puts resources into a store, where everybody may.
pub(crate) fn fill(store: &Store, resources: &[Value], deleted: &[&str]) {
    let mut open = config();
    open.open = true;
    let served = Served::new(Arc::new(Gateway::over(store.clone(), &open, gateway::clock).expect("starts")));
    for resource in resources {
        let path = format!("/{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        let answer = served.ask(Ask::put("", path, resource));
        assert!(matches!(answer.status, 200 | 201), "{resource}: {}", answer.body);
    }
    for name in deleted {
        assert_eq!(served.ask(Ask { method: "DELETE", ..Ask::get("", format!("/{name}")) }).status, 204, "{name}");
    }
}

/// A store with what is shown, these more, and the Consent of the one patient for agency-a.
pub(crate) fn store(more: &[Value], deleted: &[&str]) -> Store {
    let store = Store::open_memory();
    store.secret("links", [7; 16]).unwrap();
    fill(&store, &[shown(), more.to_vec()].concat(), deleted);
    permit(&store, "active");
    store
}

pub(crate) fn permit(store: &Store, status: &str) {
    receive(
        store,
        &letter("", &format!("permit {status}"), &consent("permit", SHOWN, "agency-a", status, Value::Null)),
    );
}

pub(crate) fn serve(store: &Store) -> Served {
    serve_on(store, 0)
}

/// The same with beats so far apart, milliseconds.
pub(crate) fn serve_on(store: &Store, beat_ms: u64) -> Served {
    let config = tasuki::config::Config { beat_ms, ..config() };
    Served::new(Arc::new(Gateway::over(store.clone(), &config, tick).expect("starts")))
}

/// A clock that tests may set, in whose files they run one after the other.
static CLOCK: AtomicI64 = AtomicI64::new(NOW);

pub(crate) fn tick() -> i64 {
    CLOCK.load(Ordering::SeqCst)
}

pub(crate) fn worlds() -> Worlds {
    worlds_on(0)
}

/// The same with beats so far apart, milliseconds.
pub(crate) fn worlds_on(beat_ms: u64) -> Worlds {
    let mut gone = condition("gone", SHOWN, Some("UNDELIVERED"));
    gone["code"]["text"] = json!("消えた");
    let mut again = condition("secret", SHOWN, Some("UNINFORMED"));
    again["code"]["text"] = json!("胃癌");
    let stores = [store(&[], &[]), store(&[hidden(), vec![gone, again]].concat(), &["Condition/gone"])];
    for (name, number, organization) in [("cb", SHOWN, "agency-b"), ("c3", HIDDEN, "agency-b")] {
        receive(&stores[1], &letter("", name, &consent(name, number, organization, "active", Value::Null)));
    }
    Worlds { less: serve_on(&stores[0], beat_ms), more: serve_on(&stores[1], beat_ms) }
}

impl Worlds {
    /// What both answer; fails where they differ.
    pub(crate) fn ask(&self, ask: Ask) -> Answer {
        let [less, more] = [&self.less, &self.more].map(|served| served.ask(ask.clone()));
        assert_eq!(less.status, more.status, "{ask:?}\n{}\n{}", less.body, more.body);
        assert_eq!(less, more, "{ask:?}");
        less
    }

    /// The same for reads by somebody.
    pub(crate) fn get_as(&self, client: &str, path: &str) -> Answer {
        self.ask(Ask::get(client, path))
    }

    /// The same for reads by agency-a.
    pub(crate) fn get(&self, path: impl Into<String>) -> Answer {
        self.ask(Ask::get("agency-a", path))
    }

    /// Searches that find so many in both.
    pub(crate) fn find(&self, searches: &[(&str, u64)]) {
        for (path, total) in searches {
            let answer = self.get(*path);
            assert_eq!(
                (answer.status, answer.json()["total"].as_u64()),
                (200, Some(*total)),
                "{path}: {}",
                answer.body
            );
        }
    }
}

/// The fixture can fail: who may see more does.
#[test]
fn the_worlds_differ() {
    let worlds = worlds();
    let differs = |ask: Ask| worlds.less.ask(ask.clone()) != worlds.more.ask(ask);
    assert!(differs(Ask::get("office", format!("/Consent?patient={}", patient(HIDDEN)))), "consents");
    assert!(differs(Ask::get("agency-b", "/Observation")), "rows");
    assert!(!differs(Ask::get("agency-a", "/Observation")));
}
