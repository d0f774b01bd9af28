//! H. Writes.

use serde_json::{Value, json};

use crate::gateway::{Answer, Ask, bundle, consent};
use crate::{HIDDEN, SHOWN, Worlds, condition, patient, worlds};

/// Criteria that would find something hidden, each with others that find nothing.
const CRITERIA: [(&str, &str); 4] = [
    ("identifier=urn:x%7Csecret", "identifier=urn:x%7Cnothing"),
    ("_id=secret", "_id=nothing"),
    ("code=secret", "code=nothing"),
    ("subject:Patient.birthdate=1943-01-01", "subject:Patient.birthdate=1999-01-01"),
];

fn alike(worlds: &Worlds, one: Ask, other: Ask) -> Answer {
    let (one, other) = (worlds.ask(one), worlds.ask(other));
    assert_eq!(one, other);
    one
}

#[test]
fn leak_51_a_conditional_create_finds_nothing_hidden() {
    let worlds = worlds();
    let body = condition("new", SHOWN, None);
    for (hidden, nothing) in CRITERIA {
        for client in ["agency-a", "hospital", "office"] {
            let [one, other] = [hidden, nothing]
                .map(|criteria| Ask::post(client, "/Condition", &body).with("if-none-exist", criteria));
            assert_eq!(alike(&worlds, one, other).status, 403, "{client}");
        }
    }
    // The office may create; what it finds by is what it may see.
    let organization = json!({"resourceType": "Organization", "name": "x"});
    for criteria in
        ["_has:Encounter:service-provider:status=finished", "_has:Patient:organization:birthdate=1943-01-01"]
    {
        let ask = Ask::post("office", "/Organization", &organization).with("if-none-exist", criteria);
        let statuses = [&worlds.less, &worlds.more].map(|served| served.ask(ask.clone()).status);
        assert_eq!(statuses[0], statuses[1], "{criteria}");
    }
}

#[test]
fn leak_52_nor_does_another_conditional_write() {
    let worlds = worlds();
    for (hidden, nothing) in CRITERIA {
        for method in ["PUT", "PATCH", "DELETE"] {
            let ask = |criteria: &str| Ask {
                method,
                ..Ask::put("agency-a", format!("/Condition?{criteria}"), &condition("secret", SHOWN, None))
            };
            assert_eq!(alike(&worlds, ask(hidden), ask(nothing)).status, 403, "{method}");
            let ask = |criteria: &str| {
                let criteria = criteria.replace("subject:Patient", "patient").replace("code=", "actor=Organization/");
                Ask {
                    method,
                    ..Ask::put(
                        "office",
                        format!("/Consent?{criteria}"),
                        &json!({"resourceType": "Consent", "status": "x"}),
                    )
                }
            };
            alike(&worlds, ask(hidden), ask(nothing));
        }
    }
}

#[test]
fn leak_53_to_55_a_write_to_something_hidden_is_one_to_nothing() {
    let worlds = worlds();
    for client in ["agency-a", "office", "hospital"] {
        for (method, prefer) in [
            ("PUT", "return=representation"),
            ("PUT", "return=minimal"),
            ("DELETE", "return=OperationOutcome"),
            ("PATCH", "return=representation"),
        ] {
            let ask = |id: &str| {
                let ask = Ask { method, ..Ask::put(client, format!("/Condition/{id}"), &condition(id, SHOWN, None)) };
                ask.with("prefer", prefer).with("if-match", "W/\"1\"")
            };
            assert_eq!(alike(&worlds, ask("secret"), ask("nothing")).status, 403, "{client} {method}");
        }
        let patch = |id: &str, value: &str| {
            let body = json!([{"op": "test", "path": "/code/coding/0/code", "value": value}]).to_string().into_bytes();
            let ask = Ask { method: "PATCH", body, ..Ask::get(client, format!("/Condition/{id}")) };
            ask.with("content-type", "application/json-patch+json")
        };
        assert_eq!(alike(&worlds, patch("secret", "secret"), patch("secret", "guess")).status, 403, "{client}");
        alike(&worlds, patch("secret", "secret"), patch("nothing", "secret"));
    }
}

#[test]
fn leak_56_and_57_no_reference_is_looked_up_and_none_holds_back_a_delete() {
    let worlds = worlds();
    // The office may refer to whomever it likes: whether it is there is not said.
    for (n, whose) in [SHOWN, HIDDEN, "nobody"].iter().enumerate() {
        let id = format!("new-{n}");
        let answer = worlds.ask(Ask::put(
            "office",
            format!("/Consent/{id}"),
            &consent(&id, whose, "agency-q", "active", Value::Null),
        ));
        assert_eq!(answer.status, 200, "{}", answer.body);
        let issues = answer.json()["issue"].clone();
        assert!(!issues.to_string().contains("exist"), "{issues}");
    }
    let organization = json!({"resourceType": "Organization", "id": "part", "name": "x", "partOf": {"reference": "Organization/agency-a"}});
    assert!(worlds.ask(Ask::put("office", "/Organization/part", &organization)).status < 300);
}

#[test]
fn leak_59_entries_are_judged_one_by_one() {
    let worlds = worlds();
    let entry = |method: &str, url: &str| json!({"request": {"method": method, "url": url}});
    for kind in ["batch", "transaction"] {
        for (hidden, nothing) in [
            ("Condition/secret", "Condition/nothing"),
            ("Condition?_id=secret", "Condition?_id=nothing"),
            ("Patient?identifier=3", "Patient?identifier=77"),
        ] {
            let sent = |url: &str| {
                let reference =
                    json!({"reference": format!("Patient?identifier={}", if url == hidden { "3" } else { "77" })});
                let create = json!({"request": {"method": "POST", "url": "Observation"}, "resource": {"resourceType": "Observation", "status": "final",
                    "code": {"text": "x"}, "subject": reference}});
                let entries = json!([entry("GET", "Condition/shown"), entry("DELETE", url), create]);
                Ask::post("agency-a", "/", &json!({"resourceType": "Bundle", "type": kind, "entry": entries}))
            };
            let [one, other] = [hidden, nothing].map(|url| worlds.ask(sent(url)));
            assert_eq!((one.status, &one.body), (other.status, &other.body), "{kind} {hidden}");
        }
        let reads = ["Condition/secret", "Condition?_id=secret", "Condition/secret/_history", "Patient/x/$everything"]
            .map(|url| entry("GET", url));
        let answer =
            worlds.ask(Ask::post("agency-a", "/", &json!({"resourceType": "Bundle", "type": kind, "entry": reads})));
        assert!(!answer.body.contains("病名 secret"), "{}", answer.body);
    }
}

#[test]
fn leak_60_nobody_grants_to_itself() {
    let worlds = worlds();
    let granted = consent("self", HIDDEN, "agency-a", "active", Value::Null);
    for client in ["agency-a", "nurse-station", "hospital", "clinic", "lab-only"] {
        assert_eq!(worlds.ask(Ask::put(client, "/Consent/self", &granted)).status, 403, "{client}");
        assert_eq!(worlds.ask(Ask::post(client, "/Consent", &granted)).status, 403, "{client}");
        let transaction = json!({"resourceType": "Bundle", "type": "transaction", "entry": [
            {"resource": granted, "request": {"method": "PUT", "url": "Consent/self"}}]});
        assert!(worlds.ask(Ask::post(client, "/", &transaction)).status >= 400, "{client}");
    }
    // A hospital's letter that holds one.
    let mut sent = bundle("55", "granting", &[consent("self", "55", "clinic", "active", Value::Null)]);
    sent["entry"][1]["resource"]["identifier"] = json!([{"system": "urn:x", "value": "self"}]);
    worlds.ask(Ask::post("hospital", "/Bundle", &sent));
    let told = worlds.get(format!("/Observation?patient={}", patient(HIDDEN)));
    assert_eq!(told.json()["total"], 0);
    assert_eq!(worlds.ask(Ask::get("clinic", format!("/{}", patient("55")))).status, 404);
}
