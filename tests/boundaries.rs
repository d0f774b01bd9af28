//! What each role may write, and what nobody can take over by writing: another facility's patient, another record's id, a
//! record by being the first to name it.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod gateway;

use gateway::{Ask, HOSPITAL, Served, bundle, condition, consent, key, letter, over, receive};
use serde_json::{Value, json};
use tasuki::pipeline::{Outcome, Pipeline};
use tasuki::store::Store;

fn served(store: &Store) -> Served {
    Served::new(over(store.clone()))
}

#[test]
fn a_source_hands_in_only_what_is_about_its_own_patients() {
    let store = Store::open_memory();
    let served = served(&store);
    let sent = bundle("1", "b", &[condition("b", "C1", None)]);
    let refused = served.ask(Ask::post("clinic", "/Bundle", &sent));
    assert_eq!((refused.status, refused.header("location")), (422, None), "{}", refused.body);
    assert_eq!(served.get("hospital", format!("/{}", key("1").reference())).status, 404);
    assert_eq!(served.ask(Ask::post("hospital", "/Bundle", &sent)).status, 201);
    for client in ["clinic", "agency-a", "office", "nobody", ""] {
        assert_ne!(served.get(client, format!("/{}", key("1").reference())).status, 200, "{client}");
        assert!(
            !served.get(client, format!("/Condition?patient={}", key("1").reference())).body.contains("C1"),
            "{client}"
        );
    }
    for (client, status) in [("agency-a", 403), ("office", 403), ("nobody", 401), ("", 401)] {
        assert_eq!(served.ask(Ask::post(client, "/Bundle", &sent)).status, status, "{client}");
    }
    let consent = consent("self", "1", "hospital", "active", Value::Null);
    for client in ["hospital", "agency-a"] {
        assert_eq!(served.ask(Ask::put(client, "/Consent/self", &consent)).status, 403);
        assert!(served.ask(Ask::post(client, "/Bundle", &consent)).status >= 400, "{client} grants it to itself");
    }
}

#[test]
fn an_id_belongs_to_one_record_and_none_imitates_a_derived_one() {
    let store = Store::open_memory();
    for number in ["1", "2"] {
        let name = format!("b{number}");
        receive(&store, &letter(HOSPITAL, "", &bundle(number, &name, &[condition(&name, "C1", None)])));
    }
    let served = served(&store);
    let put = |id: &str, number: &str| {
        let body = consent(id, number, "agency-a", "active", Value::Null);
        served.ask(Ask::put("office", format!("/Consent/{id}"), &body))
    };
    assert_eq!(put("c", "1").status, 200);
    assert_eq!(put("c", "2").status, 422, "the id is another record's");
    assert_eq!(served.get("agency-a", "/Patient").json()["total"], 1);
    let theirs = key("2").resource_id("Consent", "x");
    for imitation in [theirs.as_str().to_owned(), theirs.as_str().to_uppercase()] {
        let answer = put(&imitation, "1");
        assert_eq!(answer.status, 422, "{imitation}: {}", answer.body);
        let organization = json!({"resourceType": "Organization", "id": imitation, "name": "x"});
        assert_eq!(served.ask(Ask::put("office", format!("/Organization/{imitation}"), &organization)).status, 422);
    }
    let moved = put(key("2").patient_id().as_str(), "1");
    assert_eq!(moved.status, 200, "the id of a Patient is no id of a Consent");
    assert_eq!(served.get("agency-a", "/Patient").json()["total"], 1);
    assert_eq!(served.get("agency-a", format!("/{}", key("2").reference())).status, 404);
}

#[test]
fn an_update_cannot_probe_for_what_the_office_may_not_read() {
    let store = Store::open_memory();
    let organization =
        json!({"resourceType": "Organization", "name": "x", "identifier": [{"system": "urn:x", "value": "o"}]});
    receive(&store, &letter(HOSPITAL, "", &bundle("1", "b", &[organization])));
    let gateway = over(store);
    let chart = gateway.chart(key("1")).unwrap();
    let row = chart.columns.types.iter().position(|t| t.name() == "Organization").unwrap();
    let there = chart.columns.ids[row].as_str().to_owned();
    let missing = key("1").resource_id("Organization", "none").as_str().to_owned();
    let served = Served::new(gateway);
    let probe = |id: &str, version: &str| {
        let body = json!({"resourceType": "Organization", "id": id, "name": "y"});
        let mut put = Ask::put("office", format!("/Organization/{id}"), &body);
        put.headers.push(("if-match", version.into()));
        let answer = served.ask(put);
        (answer.status, answer.body)
    };
    for version in ["W/\"1\"", "W/\"2\"", "*"] {
        assert_eq!(probe(&there, version), probe(&missing, version));
        assert_eq!(probe(&there, version).0, 412);
    }
}

#[test]
fn who_registers_a_consent_does_not_come_to_own_the_record() {
    let store = Store::open_memory();
    let pipeline = Pipeline::new(store.clone(), gateway::clock);
    // The office imports consents, one about a patient of the hospital of whom nothing is known yet.
    let registered = letter("", "consents/c.json", &consent("c", "1", "agency-a", "active", Value::Null));
    assert_eq!(pipeline.receive(&registered).unwrap().outcome, Outcome::Stored);
    pipeline.receive(&letter(HOSPITAL, "", &bundle("1", "b", &[condition("b", "C1", None)]))).unwrap();
    pipeline.receive(&letter(HOSPITAL, "", &bundle("1", "b2", &[condition("b2", "C2", None)]))).unwrap();
    let served = served(&store);
    let path = format!("/Condition?patient={}", key("1").reference());
    assert_eq!(served.get("clinic", path.as_str()).json()["total"], 0);
    assert_eq!(served.get("hospital", path.as_str()).json()["total"], 2);
    assert_eq!(served.get("agency-a", path.as_str()).json()["total"], 2);
}

#[test]
fn what_is_not_offered_is_refused_alike_wherever_it_is_asked() {
    let store = Store::open_memory();
    receive(&store, &letter(HOSPITAL, "", &bundle("1", "b", &[])));
    let served = served(&store);
    for (method, status) in
        [("HEAD", 404), ("DELETE", 403), ("PATCH", 403), ("OPTIONS", 204), ("POST", 405), ("TRACE", 405)]
    {
        let ask = |id: &str| served.ask(Ask { method, ..Ask::get("agency-a", format!("/Patient/{id}")) });
        let (there, missing) = (ask(key("1").patient_id().as_str()), ask("missing"));
        assert_eq!((there.status, &there), (status, &missing), "{method}");
        let is_bare = matches!(method, "HEAD" | "OPTIONS");
        assert!(is_bare || there.json()["resourceType"] == "OperationOutcome", "{method}");
    }
    let form = Ask { method: "POST", ..Ask::get("office", "/AuditEvent/_search") };
    assert_eq!(served.ask(form).status, 405, "an empty result would be a lie");
}

#[test]
fn a_body_may_be_as_long_as_the_limit_and_not_one_byte_longer() {
    let served = served(&Store::open_memory());
    for (client, method, path) in
        [("hospital", "POST", "/Bundle"), ("office", "PUT", "/Consent/c"), ("agency-a", "POST", "/Patient/_search")]
    {
        let ask = |bytes: usize| {
            let ask = Ask::put(client, path, &Value::Null);
            served.ask(Ask { method, body: vec![b' '; bytes], ..ask }).status
        };
        assert_ne!(ask(gateway::BODY_BYTES_MAX), 413, "{path}");
        assert_eq!(ask(gateway::BODY_BYTES_MAX + 1), 413, "{path}");
    }
}

#[test]
fn the_audit_record_is_shown_a_thousand_at_a_time() {
    let store = Store::open_memory();
    let served = served(&store);
    for _ in 0..1001 {
        served.get("nobody", "/Patient");
    }
    let shown = |query: &str| {
        served.get("office", format!("/AuditEvent{query}")).json()["entry"].as_array().map_or(0, Vec::len)
    };
    assert_eq!(["?_count=1000", "?_count=1001", "?_count=1", "?_count=0", ""].map(shown), [1000, 1000, 1, 0, 50]);
}

#[test]
fn a_chosen_facility_or_id_may_be_64_long_and_no_longer() {
    let store = Store::open_memory();
    receive(&store, &letter(HOSPITAL, "", &bundle("1", "b", &[])));
    let served = served(&store);
    for (length, status) in [(64, 200), (65, 400)] {
        let id = "c".repeat(length);
        let body = consent(&id, "1", "agency-a", "active", Value::Null);
        assert_eq!(served.ask(Ask::put("office", format!("/Consent/{id}"), &body)).status, status);
    }
    let text = |length: usize| {
        let facility = "f".repeat(length);
        format!(
            "listen = \"127.0.0.1:0\"\nbase_url = \"http://x\"\n[store]\nengine = \"memory\"\n[[source]]\nfacility = \"{facility}\"\nname = \"x\"\norganization = \"Organization/x\"\n"
        )
    };
    let read =
        |length| tasuki::config::Config::read(&text(length), std::path::Path::new("t.toml"), gateway::NOW).is_ok();
    assert_eq!([64, 65].map(read), [true, false]);
}
