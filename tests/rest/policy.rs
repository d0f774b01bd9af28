//! What the gateway decides where the standard leaves it to servers, and says of itself (checklist CREATE-08, CREATE-15,
//! DELETE-04, UPDATE-06, UPDATE-10, UPDATE-11, PATCH-09, RES-17, BUND-03, BUND-10, BDL-05, BASE-13, PREFER-03, PREFER-05).

use crate::gateway::{Ask, HOSPITAL, bundle as letter_bundle, condition, key};
use crate::transactions::{at, bundle, entries, entry, named, observation, place, statuses};
use crate::writes::{Open, patient, text};
use crate::{issue, served};
use serde_json::{Value, json};

fn codes(outcome: &Value) -> Vec<(&str, &str)> {
    let issues = outcome["issue"].as_array().expect("issues").iter();
    issues.map(|issue| (text(&issue["severity"]), text(&issue["details"]["coding"][0]["code"]))).collect()
}

/// What the CapabilityStatement says of a type.
fn declared(open: &Open, name: &str) -> Value {
    let statement = open.get("/metadata").json();
    let all = statement["rest"][0]["resource"].as_array().expect("types");
    all.iter().find(|of| of["type"] == name).expect("declared").clone()
}

#[test]
fn rules_of_business_answer_422_and_name_the_element() {
    let open = Open::new();
    open.put("/Patient/p", &named("p"));
    open.put("/Patient/q", &named("q"));
    let mut seen = observation("Patient/p");
    seen["id"] = json!("o");
    open.put("/Observation/o", &seen);
    let before = open.get("/Observation/o").body;
    // A part is not stored as the whole.
    let mut part = seen.clone();
    part["meta"] = json!({"tag": [{"system": "urn:x", "code": "a"},
        {"system": "http://terminology.hl7.org/CodeSystem/v3-ObservationValue", "code": "SUBSETTED"}]});
    // Nor does what is one patient's become another's.
    let mut moved = seen.clone();
    moved["subject"] = json!({"reference": "Patient/q"});
    for (row, body, rule, place) in [
        ("RES-17", &part, "subsetted", "Observation.meta.tag[1]"),
        ("UPDATE-10", &moved, "record-of-another-patient", "Observation.subject"),
    ] {
        let answer = open.put("/Observation/o", body);
        assert_eq!((answer.status, issue(&answer).1.as_str()), (422, rule), "{row} {}", answer.body);
        assert_eq!(issue(&answer).0, "business-rule", "{row}");
        assert_eq!(answer.json()["issue"][0]["expression"], json!([place]), "{row}");
        assert_eq!(open.get("/Observation/o").body, before, "UPDATE-10");
        let sent = bundle("transaction", &[entry("PUT", "Observation/o", body.clone())]);
        let answer = open.post("", &sent);
        let below = place.replacen("Observation", "Bundle.entry[0].resource", 1);
        assert_eq!((answer.status, &answer.json()["issue"][0]["expression"]), (422, &json!([below])), "{row}");
    }
    let created = open.post("/Observation", &part);
    assert_eq!((created.status, issue(&created).1.as_str()), (422, "subsetted"), "CREATE-08");
    assert_eq!(created.json()["issue"][0]["expression"], json!(["Observation.meta.tag[1]"]), "CREATE-08");
    assert_eq!(open.total("/Observation"), 1, "CREATE-08");
}

#[test]
fn references_may_lead_nowhere_as_is_declared() {
    let open = Open::new();
    for name in ["Observation", "Patient", "Organization"] {
        assert_eq!(declared(&open, name)["referencePolicy"], json!(["literal", "logical"]), "CREATE-15");
    }
    // What is not there may be referred to, by address and by identifier.
    let mut dangling = observation("Patient/nobody");
    dangling["performer"] = json!([{"reference": "http://elsewhere.example/fhir/Practitioner/x"},
        {"identifier": {"system": "urn:x", "value": "1"}}]);
    let id = open.create(&dangling);
    let stored = open.get(&format!("/Observation/{id}")).json();
    assert_eq!((&stored["subject"], &stored["performer"]), (&dangling["subject"], &dangling["performer"]), "CREATE-15");
    assert_eq!(open.get("/Patient/nobody").status, 404, "CREATE-15");
    assert_eq!(open.total("/Observation?subject=Patient/nobody"), 1, "CREATE-15");
    // So what is referred to may be deleted, and what refers to it stays as it is: no refusal with 409.
    open.put("/Patient/p", &named("p"));
    let of = open.create(&observation("Patient/p"));
    let version = open.get(&format!("/Observation/{of}")).body;
    assert_eq!(open.delete("/Patient/p").status, 204, "DELETE-04");
    assert_eq!(open.get(&format!("/Observation/{of}")).body, version, "DELETE-04");
}

#[test]
fn what_is_not_offered_is_refused_with_405() {
    let open = Open::new();
    let event = json!({"resourceType": "AuditEvent", "id": "e"});
    let interactions = declared(&open, "AuditEvent")["interaction"].clone();
    assert_eq!(interactions, json!([{"code": "search-type"}]), "DELETE-04");
    let events = || open.get("/AuditEvent?_count=100").json()["entry"].as_array().map_or(0, Vec::len);
    let before = events();
    for (method, path) in [
        ("DELETE", "/AuditEvent/e"),
        ("DELETE", "/AuditEvent?date=gt2020"),
        ("PUT", "/AuditEvent/e"),
        ("PUT", "/AuditEvent?date=gt2020"),
        ("PATCH", "/AuditEvent/e"),
        ("POST", "/AuditEvent"),
    ] {
        let answer = open.send(method, path, &event.to_string(), &[]);
        assert_eq!(answer.status, 405, "DELETE-04 {method} {path} {}", answer.body);
        assert!(answer.header("allow").is_some() && !answer.header("allow").unwrap().contains(method), "DELETE-04");
        issue(&answer);
    }
    // The searches themselves are on record, and nothing else came.
    assert_eq!(events(), before + 1, "DELETE-04");
}

#[test]
fn versions_are_kept_and_not_asked_for() {
    let open = Open::new();
    let statement = open.get("/metadata").json();
    for of in statement["rest"][0]["resource"].as_array().unwrap().iter().filter(|of| of["type"] != "AuditEvent") {
        assert_eq!((&of["versioning"], &of["readHistory"]), (&json!("versioned"), &json!(true)), "UPDATE-06");
    }
    open.put("/Patient/p", &named("p"));
    let body = json!({"resourceType": "Patient", "id": "p", "active": true});
    let updated = open.put("/Patient/p", &body);
    assert_eq!((updated.status, updated.header("etag")), (200, Some("W/\"2\"")), "UPDATE-06");
    for n in [1, 2] {
        assert_eq!(open.get(&format!("/Patient/p/_history/{n}")).status, 200, "UPDATE-06");
    }
}

#[test]
fn nothing_that_is_taken_is_dropped() {
    let open = Open::new();
    let body = json!({
        "resourceType": "Patient", "id": "p", "implicitRules": "http://example.org/rules", "active": false,
        "modifierExtension": [{"url": "http://example.org/not", "valueBoolean": true}],
        "contact": [{"modifierExtension": [{"url": "http://example.org/not", "valueCode": "x"}], "name": {"family": "見本"}}],
        "extension": [{"url": "http://example.org/more", "extension": [{"url": "deep", "valueDecimal": 1.50}]}],
        "deceasedBoolean": false, "link": [{"type": "replaces", "other": {"reference": "Patient/q"}}]
    });
    let answer = open.send("PUT", "/Patient/p", &body.to_string(), &[("prefer", "return=OperationOutcome")]);
    assert_eq!(answer.status, 201, "UPDATE-11 {}", answer.body);
    // A modifier that nobody here knows is kept, and said to be unknown.
    let outcome = answer.json();
    let told =
        [("information", "written"), ("warning", "fhir-modifier-extension"), ("warning", "fhir-modifier-extension")];
    assert_eq!(codes(&outcome)[..3], told, "NEG-16 PREFER-03 {outcome}");
    let places: Vec<_> =
        outcome["issue"].as_array().unwrap().iter().filter_map(|i| i["expression"][0].as_str()).collect();
    assert!(places.contains(&"Patient.modifierExtension[0]"), "NEG-16 {places:?}");
    let mut stored = open.get("/Patient/p").json();
    stored.as_object_mut().unwrap().remove("meta");
    assert_eq!(stored, body, "UPDATE-11 NEG-16");
    // What cannot be kept is refused, and nothing changes.
    let mut unknown = body.clone();
    unknown["isModifier"] = json!(true);
    assert_eq!(open.put("/Patient/p", &unknown).status, 400, "UPDATE-11");
    assert_eq!(open.get("/Patient/p").header("etag"), Some("W/\"1\""), "UPDATE-11");
}

#[test]
fn warnings_reach_whoever_prefers_an_outcome() {
    let open = Open::new();
    let odd =
        json!({"resourceType": "Patient", "modifierExtension": [{"url": "http://example.org/x", "valueCode": "y"}]});
    let prefer: &[(&'static str, &str)] = &[("prefer", "return=OperationOutcome")];
    let expected = [("information", "written"), ("warning", "fhir-modifier-extension")];
    let created = open.send("POST", "/Patient", &odd.to_string(), prefer);
    assert_eq!((created.status, &codes(&created.json())[..2]), (201, &expected[..]), "PREFER-03");
    let plain = open.send("POST", "/Patient", &patient("x").to_string(), prefer);
    assert!(codes(&plain.json()).iter().all(|(severity, _)| *severity != "warning"), "PREFER-03 {}", plain.body);
    let patch =
        r#"[{"op":"add","path":"/modifierExtension","value":[{"url":"http://example.org/x","valueCode":"y"}]}]"#;
    open.put("/Patient/p", &named("p"));
    let headers = [("prefer", "return=OperationOutcome"), ("content-type", "application/json-patch+json")];
    let patched = open.send("PATCH", "/Patient/p", patch, &headers);
    assert_eq!((patched.status, &codes(&patched.json())[..2]), (200, &expected[..]), "PREFER-03 {}", patched.body);
    for kind in ["batch", "transaction"] {
        let sent = bundle(kind, &[entry("POST", "Patient", odd.clone())]);
        let answer = open.send("POST", "", &sent.to_string(), prefer);
        let done = entries(&answer, &format!("{kind}-response"), 1);
        assert_eq!(&codes(&done[0]["response"]["outcome"])[..2], &expected[..], "PREFER-03 {kind}");
    }
    let deleted = open.send("DELETE", "/Patient/p", "", prefer);
    assert_eq!((deleted.status, codes(&deleted.json())), (200, vec![("information", "deleted")]), "PREFER-03");
}

#[test]
fn what_is_preferred_of_unknown_parameters_is_done() {
    let open = Open::new();
    open.put("/Patient/p", &named("p"));
    let ask = |prefer: &str| open.send("GET", "/Patient?_id=p&nonsense=1", "", &[("prefer", prefer)]);
    let strict = ask("handling=strict");
    assert_eq!(strict.status, 400, "PREFER-05");
    assert!(
        strict.json()["issue"][0]["diagnostics"].as_str().is_some_and(|said| said.contains("nonsense")),
        "PREFER-05"
    );
    let lenient = ask("handling=lenient").json();
    assert_eq!(lenient["total"], 1, "PREFER-05");
    assert!(!text(&lenient["link"][0]["url"]).contains("nonsense"), "PREFER-05");
    let outcomes = lenient["entry"].as_array().unwrap().iter().filter(|entry| entry["search"]["mode"] == "outcome");
    assert_eq!(outcomes.count(), 1, "PREFER-05");
}

#[test]
fn a_narrative_does_not_outlive_what_it_tells() {
    let open = Open::new();
    let mut sent = named("p");
    sent["text"] = json!({"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">見本</div>"});
    const JSON: [(&str, &str); 1] = [("content-type", "application/json-patch+json")];
    for (status, patch, is_left) in [
        ("generated", r#"[{"op":"add","path":"/active","value":true}]"#, false),
        ("extensions", r#"[{"op":"add","path":"/active","value":true}]"#, false),
        ("additional", r#"[{"op":"add","path":"/active","value":true}]"#, true),
        ("generated", r#"[{"op":"add","path":"/meta/tag","value":[{"code":"x"}]}]"#, true),
        (
            "generated",
            r#"[{"op":"add","path":"/active","value":true},{"op":"replace","path":"/text/div","value":"<div xmlns=\"http://www.w3.org/1999/xhtml\">見本 有効</div>"}]"#,
            true,
        ),
    ] {
        sent["text"]["status"] = json!(status);
        open.delete("/Patient/p");
        open.put("/Patient/p", &sent);
        let answer = open.send("PATCH", "/Patient/p", patch, &JSON);
        assert_eq!(answer.status, 200, "PATCH-09 {}", answer.body);
        assert_eq!(open.get("/Patient/p").json().get("text").is_some(), is_left, "PATCH-09 {status} {patch}");
    }
    // An update says all of it, and is taken at its word.
    sent["text"]["status"] = json!("generated");
    sent["active"] = json!(false);
    open.put("/Patient/p", &sent);
    assert_eq!(open.get("/Patient/p").json()["text"], sent["text"], "PATCH-09 CREATE-09");
}

#[test]
fn entries_of_a_batch_do_not_hang_on_each_other() {
    let open = Open::new();
    open.put("/Patient/p", &named("p"));
    let mut linked = patient("l");
    linked["link"] = json!([{"type": "seealso", "other": {"reference": "urn:uuid:1"}}]);
    let sent = [
        (at("urn:uuid:1", entry("POST", "Patient", patient("a"))), "201"),
        (at("urn:uuid:2", entry("POST", "Observation", observation("urn:uuid:1"))), "400"),
        (
            at(
                "urn:uuid:3",
                entry("PUT", "Patient/l", {
                    linked["id"] = json!("l");
                    linked.clone()
                }),
            ),
            "400",
        ),
        // By criteria, which only a transaction resolves.
        (entry("POST", "Observation", observation("Patient?identifier=urn:test|a")), "400"),
        (at("urn:uuid:1", entry("POST", "Patient", patient("b"))), "400"),
        (entry("PUT", "Patient/p", named("p")), "200"),
        (entry("PUT", "Patient/p", named("p")), "400"),
        (entry("DELETE", "Patient/p", Value::Null), "400"),
        (entry("GET", "Patient/p", Value::Null), "200"),
        (entry("POST", "Observation", observation("Patient/p")), "201"),
    ];
    let only: Vec<Value> = sent.iter().map(|(entry, _)| entry.clone()).collect();
    let answer = open.post("", &bundle("batch", &only));
    let done = entries(&answer, "batch-response", sent.len());
    let expected: Vec<&str> = sent.iter().map(|(_, status)| *status).collect();
    assert_eq!(statuses(&done), expected.join(" "), "BUND-03 {}", answer.body);
    let rule = |n: usize| codes(&done[n]["response"]["outcome"])[0].1;
    assert_eq!((rule(1), rule(2), rule(4)), ("batch-dependency", "batch-dependency", "full-url-twice"), "BUND-03");
    assert_eq!((rule(6), rule(7)), ("written-twice", "written-twice"), "BUND-03");
    assert_eq!(open.get("/Patient/p").status, 200, "BUND-03");
    assert_eq!(
        done[3]["response"]["outcome"]["issue"][0]["expression"][0], "Bundle.entry[3].resource.subject.reference",
        "OO-02"
    );
}

#[test]
fn each_entry_of_a_batch_is_permitted_and_recorded_by_itself() {
    let served = served();
    let record = key(crate::NUMBER).reference();
    let organization = json!({"resourceType": "Organization", "id": "o", "name": "見本"});
    let sent = bundle(
        "batch",
        &[
            entry("PUT", "Organization/o", organization),
            entry("POST", "Patient", patient("x")),
            entry("GET", &record, Value::Null),
            entry("DELETE", "Organization/gone", Value::Null),
        ],
    );
    // The office may write organisations, and neither write nor read patients.
    let answer = served.ask(Ask::post("office", "", &sent));
    let done = entries(&answer, "batch-response", 4);
    assert_eq!(statuses(&done), "201 403 403 204", "BUND-10 {}", answer.body);
    assert_eq!(codes(&done[1]["response"]["outcome"]), [("error", "role")], "BUND-10");
    // An agency that no consent names finds nothing, and may write nothing.
    let answer = served.ask(Ask::post("agency-a", "", &sent));
    let done = entries(&answer, "batch-response", 4);
    assert_eq!(statuses(&done), "403 403 404 403", "BUND-10 {}", answer.body);
    assert_eq!(served.get("hospital", "/Organization/o").status, 200, "BUND-10");
    let audit = served.get("office", "/AuditEvent?_count=100").json();
    let events: Vec<&Value> = audit["entry"].as_array().unwrap().iter().map(|entry| &entry["resource"]).collect();
    let said = |event: &Value| {
        let what = event["subtype"][0]["code"].as_str().unwrap_or_default().to_owned();
        (what, text(&event["agent"][1]["who"]["identifier"]["value"]).to_owned(), text(&event["outcome"]).to_owned())
    };
    let of = |who: &str, what: &str| {
        let found = events.iter().map(|event| said(event)).filter(|(w, by, _)| w == what && by == who);
        found.map(|(_, _, outcome)| outcome).collect::<Vec<_>>()
    };
    let (done, refused) = (["0"], ["8"]);
    assert_eq!(of("office", "update"), done, "BUND-10 {audit}");
    assert_eq!(of("office", "create"), refused, "BUND-10");
    assert_eq!(of("office", "delete"), done, "BUND-10");
    assert_eq!(of("agency-a", "update"), refused, "BUND-10");
    assert_eq!(of("agency-a", "delete"), refused, "BUND-10");
    for who in ["office", "agency-a"] {
        assert_eq!(of(who, "transaction").len(), 1, "BUND-10 {audit}");
    }
    let named = events.iter().find(|event| said(event).0 == "update" && said(event).1.ends_with("office")).unwrap();
    assert!(named["entity"].to_string().contains("Organization/o"), "BUND-10 {named}");
}

#[test]
fn a_letter_that_is_wrong_says_in_which_entry_and_leaves_nothing() {
    let served = served();
    let before =
        served.get("hospital", format!("/Condition?patient={}", key(crate::NUMBER).reference())).json()["total"]
            .clone();
    let mut sent =
        letter_bundle(crate::NUMBER, "wrong", &[condition("wrong", "C900", None), condition("wrong", "C901", None)]);
    sent["entry"][2]["resource"]["code"]["text"] = json!("");
    sent["entry"][1]["resource"]["note"] = json!([]);
    for kind in ["collection", "document", "message"] {
        sent["type"] = json!(kind);
        let answer = served.ask(Ask::post("hospital", "/Bundle", &sent));
        assert_eq!(answer.status, 422, "BDL-05 {kind} {}", answer.body);
        let outcome = answer.json();
        let places: Vec<&str> =
            outcome["issue"].as_array().unwrap().iter().filter_map(|issue| issue["expression"][0].as_str()).collect();
        for place in ["Bundle.entry[2].resource.code.text", "Bundle.entry[1].resource.note"] {
            assert!(places.contains(&place), "BDL-05 {kind} {places:?} {outcome}");
        }
    }
    let after = served.get("hospital", format!("/Condition?patient={}", key(crate::NUMBER).reference())).json();
    assert_eq!(after["total"], before, "BDL-05 {HOSPITAL}");
}

#[test]
fn one_resource_has_one_address_whatever_the_scheme() {
    let open = Open::new();
    open.put("/Patient/p", &named("p"));
    for (n, (subject, is_ours)) in [
        ("Patient/p", true),
        ("http://gateway.example/fhir/Patient/p", true),
        ("https://gateway.example/fhir/Patient/p", true),
        ("http://gateway.example:8080/fhir/Patient/p", false),
        ("https://gateway.example.org/fhir/Patient/p", false),
    ]
    .into_iter()
    .enumerate()
    {
        let seen = |subject: &str| {
            let mut seen = observation(subject);
            seen["identifier"] = json!([{"system": "urn:test", "value": format!("{n}")}]);
            seen
        };
        let sent = bundle("transaction", &[entry("POST", "Observation", seen(subject))]);
        let in_transaction = place(&entries(&open.post("", &sent), "transaction-response", 1)[0]);
        let alone = format!("Observation/{}", open.create(&seen(subject)));
        for of in [in_transaction, alone] {
            let stored = open.get(&format!("/{of}")).json();
            let expected = if is_ours { "Patient/p" } else { subject };
            assert_eq!(stored["subject"]["reference"], expected, "BASE-13");
        }
        let found = |of: &str| open.total(&format!("/Observation?identifier=urn:test|{n}&subject={of}"));
        for ours in ["Patient/p", "http://gateway.example/fhir/Patient/p", "https://gateway.example/fhir/Patient/p"] {
            assert_eq!(found(ours), if is_ours { 2 } else { 0 }, "BASE-13 {subject} {ours}");
        }
        assert_eq!(
            open.total(&format!("/Observation?identifier=urn:test|{n}&patient.name=p")),
            if is_ours { 2 } else { 0 },
            "BASE-13"
        );
    }
    // A query is no part of what is named.
    assert_eq!(open.get("/Patient/p?_pretty=true").json()["id"], "p", "BASE-13");
}
