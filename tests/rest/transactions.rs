//! Batches and transactions as somebody sees them who knows the standard only (checklist BUND, TXN, BDL-01), on a gateway
//! that is open.

use crate::gateway::{Answer, BASE};
use crate::issue;
use crate::writes::{Open, patient, text};
use serde_json::{Value, json};

pub(crate) fn bundle(kind: &str, entries: &[Value]) -> Value {
    json!({"resourceType": "Bundle", "type": kind, "entry": entries})
}

pub(crate) fn entry(method: &str, url: &str, resource: Value) -> Value {
    let mut entry = json!({"request": {"method": method, "url": url}});
    if !resource.is_null() {
        entry["resource"] = resource;
    }
    entry
}

/// The same with a fullUrl.
pub(crate) fn at(full_url: &str, mut entry: Value) -> Value {
    entry["fullUrl"] = json!(full_url);
    entry
}

/// The same with a condition.
pub(crate) fn when(name: &str, value: &str, mut entry: Value) -> Value {
    entry["request"][name] = json!(value);
    entry
}

pub(crate) fn observation(subject: &str) -> Value {
    json!({"resourceType": "Observation", "status": "final", "code": {"text": "x"}, "subject": {"reference": subject}})
}

pub(crate) fn named(id: &str) -> Value {
    json!({"resourceType": "Patient", "id": id, "name": [{"family": id}]})
}

/// The entries of an answer that went well.
pub(crate) fn entries(answer: &Answer, kind: &str, count: usize) -> Vec<Value> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let found = answer.json();
    assert_eq!((&found["resourceType"], text(&found["type"])), (&json!("Bundle"), kind), "TXN-02 BUND-01");
    for member in ["total", "link"] {
        assert_eq!(found.get(member), None, "BDL-01");
    }
    let entries = found["entry"].as_array().cloned().unwrap_or_default();
    assert_eq!(entries.len(), count, "TXN-02 BUND-01 {found}");
    assert!(entries.iter().all(|e| e.get("request").is_none() && e["response"]["status"].is_string()), "BDL-01");
    entries
}

pub(crate) fn statuses(entries: &[Value]) -> String {
    let status = |entry: &Value| text(&entry["response"]["status"])[..3].to_owned();
    entries.iter().map(status).collect::<Vec<_>>().join(" ")
}

pub(crate) fn place(entry: &Value) -> String {
    let location = text(&entry["response"]["location"]);
    let location = location.strip_prefix(BASE).map_or(location, |below| &below[1..]);
    location.split("/_history/").next().unwrap().to_owned()
}

pub(crate) fn transaction(open: &Open, entries: &[Value]) -> Answer {
    open.post("", &bundle("transaction", entries))
}

#[test]
fn references_between_entries_are_put_right() {
    let open = Open::new();
    let mut family = patient("a");
    family["link"] =
        json!([{"type": "seealso", "other": {"reference": "urn:uuid:6f2c0f4e-0000-4000-8000-00000000000b"}}]);
    let mut other = patient("b");
    other["link"] =
        json!([{"type": "seealso", "other": {"reference": "urn:uuid:6f2c0f4e-0000-4000-8000-00000000000a"}}]);
    let mut seen = observation("urn:uuid:6f2c0f4e-0000-4000-8000-00000000000a");
    seen["focus"] = json!([{"reference": "urn:oid:1.2.3"}]);
    seen["performer"] = json!([{"reference": "Organization/1"}]);
    seen["meta"] = json!({"profile": ["urn:uuid:6f2c0f4e-0000-4000-8000-00000000000a"]});
    seen["extension"] = json!([{"url": "urn:e", "valueUri": "urn:uuid:6f2c0f4e-0000-4000-8000-00000000000a"}, {"url": "urn:f", "valueCanonical": "urn:uuid:6f2c0f4e-0000-4000-8000-00000000000a"}]);
    seen["text"] = json!({"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\"><a href=\"urn:uuid:6f2c0f4e-0000-4000-8000-00000000000a\">x</a></div>"});
    let sent = [
        at("urn:uuid:o", entry("POST", "Observation", seen)),
        at("urn:uuid:6f2c0f4e-0000-4000-8000-00000000000a", entry("POST", "Patient", family)),
        at("urn:uuid:6f2c0f4e-0000-4000-8000-00000000000b", entry("POST", "Patient", other)),
        at("urn:oid:1.2.3", entry("PUT", "Device/d", json!({"resourceType": "Device", "id": "d"}))),
        at(
            "http://elsewhere.example/fhir/Organization/1",
            entry("POST", "Organization", json!({"resourceType": "Organization", "id": "1", "name": "x"})),
        ),
        at(
            "http://elsewhere.example/fhir/Location/1",
            entry(
                "POST",
                "Location",
                json!({"resourceType": "Location", "name": "x", "managingOrganization": {"reference": "Organization/1"}}),
            ),
        ),
    ];
    let answer = transaction(&open, &sent);
    let done = entries(&answer, "transaction-response", sent.len());
    assert_eq!(statuses(&done), "201 201 201 201 201 201", "TXN-02");
    let places: Vec<String> = done.iter().map(place).collect();
    for (entry, place) in done.iter().zip(&places) {
        let read = open.get(&format!("/{place}"));
        assert_eq!(Some(text(&entry["response"]["etag"])), read.header("etag"), "TXN-02");
        assert_eq!(entry["response"]["lastModified"], read.json()["meta"]["lastUpdated"], "TXN-02");
    }
    let read = |n: usize| open.get(&format!("/{}", places[n])).json();
    let stored = read(0);
    assert_eq!(text(&stored["subject"]["reference"]), places[1], "TXN-06");
    assert_eq!(text(&stored["focus"][0]["reference"]), places[3], "TXN-06");
    assert_eq!(text(&stored["extension"][0]["valueUri"]), places[1], "TXN-06");
    assert_eq!(
        text(&stored["extension"][1]["valueCanonical"]),
        "urn:uuid:6f2c0f4e-0000-4000-8000-00000000000a",
        "TXN-06"
    );
    assert_eq!(stored["meta"]["profile"][0], "urn:uuid:6f2c0f4e-0000-4000-8000-00000000000a", "TXN-06");
    assert!(text(&stored["text"]["div"]).contains(&format!("href=\"{}\"", places[1])), "TXN-06");
    assert_eq!(text(&read(1)["link"][0]["other"]["reference"]), places[2], "TXN-07");
    assert_eq!(text(&read(2)["link"][0]["other"]["reference"]), places[1], "TXN-07");
    // bundle.html#references: a relative reference is resolved against where its own entry says that it is.
    assert_eq!(text(&read(5)["managingOrganization"]["reference"]), places[4], "BDL-04 TXN-06");
    assert_eq!(stored["performer"][0]["reference"], "Organization/1", "BDL-04");
    assert_eq!(open.total(&format!("/Observation?subject={}", places[1])), 1, "TXN-06");
}

#[test]
#[allow(clippy::too_many_lines)] // a table
fn one_entry_that_is_wrong_undoes_all() {
    let open = Open::new();
    open.put("/Patient/p", &named("p"));
    open.create(&patient("several"));
    open.create(&patient("several"));
    let before = open.get("/_history").json()["entry"].as_array().unwrap().len();
    let put = |id: &str| entry("PUT", &format!("Patient/{id}"), named(id));
    let post = || entry("POST", "Patient", patient("new"));
    let cases: Vec<(&str, u16, Vec<Value>)> = vec![
        ("TXN-01", 400, vec![entry("POST", "Patient", json!({"resourceType": "Patient", "gender": "unheard"}))]),
        ("TXN-01", 400, vec![entry("POST", "Patient", json!({"resourceType": "Patient", "nonsense": 1}))]),
        ("TXN-01", 400, vec![entry("POST", "Patient", observation("Patient/p"))]),
        ("TXN-01", 404, vec![entry("POST", "Nonsense", named("x"))]),
        ("UPDATE-02", 400, vec![entry("PUT", "Patient/x", json!({"resourceType": "Patient", "active": true}))]),
        ("UPDATE-02", 400, vec![entry("PUT", "Patient/x", named("y"))]),
        ("TXN-05", 400, vec![put("x"), put("x")]),
        ("TXN-05", 400, vec![put("p"), entry("DELETE", "Patient/p", Value::Null)]),
        ("TXN-05", 400, vec![put("p"), entry("DELETE", "Patient?name=p", Value::Null)]),
        (
            "TXN-05",
            400,
            vec![
                when("ifNoneExist", "identifier=urn:test|n", post()),
                when("ifNoneExist", "identifier=urn:test|n", post()),
            ],
        ),
        (
            "TXN-05",
            400,
            vec![
                entry("PUT", "Patient?identifier=urn:test|n", patient("n")),
                entry("PUT", "Patient?identifier=urn:test|n", patient("n")),
            ],
        ),
        ("TXN-08", 400, vec![entry("POST", "Observation", observation("urn:uuid:nobody"))]),
        ("TXN-09", 412, vec![entry("POST", "Observation", observation("Patient?identifier=urn:test|nobody"))]),
        ("TXN-09", 412, vec![entry("POST", "Observation", observation("Patient?identifier=urn:test|several"))]),
        ("TXN-12", 412, vec![when("ifNoneExist", "identifier=urn:test|several", post())]),
        ("TXN-13", 412, vec![entry("PUT", "Patient?identifier=urn:test|several", patient("several"))]),
        ("TXN-13", 412, vec![entry("DELETE", "Patient?identifier=urn:test|several", Value::Null)]),
        (
            "TXN-13",
            404,
            vec![entry(
                "PATCH",
                "Patient?identifier=urn:test|nobody",
                json!({"resourceType": "Parameters", "parameter": [{"name": "operation"}]}),
            )],
        ),
        ("TXN-14", 412, vec![when("ifMatch", "W/\"7\"", put("p"))]),
        ("TXN-14", 412, vec![when("ifMatch", "W/\"7\"", entry("DELETE", "Patient/p", Value::Null))]),
        ("TXN-14", 412, vec![when("ifNoneMatch", "*", put("p"))]),
        (
            "TXN-15",
            400,
            vec![at("urn:uuid:1", post()), at("urn:uuid:1", entry("POST", "Observation", observation("urn:uuid:1")))],
        ),
        ("TXN-15", 400, vec![at(&format!("{BASE}/Patient/p/_history/1"), put("p"))]),
        ("BUND-06", 400, vec![json!({"resource": named("x")})]),
        ("BUND-06", 400, vec![json!({"resource": named("x"), "request": {"method": "POST"}})]),
        ("BUND-06", 400, vec![json!({"resource": named("x"), "request": {"url": "Patient"}})]),
        ("BUND-06", 400, vec![entry("POST", "Patient", Value::Null)]),
        ("BUND-06", 400, vec![entry("PUT", "Patient/x", Value::Null)]),
        ("BUND-06", 400, vec![entry("PUT", "http://elsewhere.example/fhir/Patient/x", named("x"))]),
        ("BUND-06", 400, vec![entry("FETCH", "Patient/x", Value::Null)]),
        ("BUND-06", 400, vec![entry("PUT", "Patient", named("x"))]),
        ("BUND-06", 400, vec![entry("DELETE", "Patient", Value::Null)]),
        ("BUND-06", 400, vec![entry("POST", "Patient/p/$meta-add", json!({"resourceType": "Parameters"}))]),
    ];
    for (row, status, wrong) in cases {
        for first in [true, false] {
            let mut sent = vec![
                entry("PUT", "Patient/bystander", named("bystander")),
                entry("POST", "Patient", patient("bystander")),
            ];
            let place = if first { 0 } else { sent.len() };
            sent.splice(place..place, wrong.clone());
            let answer = transaction(&open, &sent);
            assert_eq!(answer.status, status, "{row} {wrong:?} {}", answer.body);
            issue(&answer);
            assert_eq!(open.get("/Patient/bystander").status, 404, "{row} TXN-01 {wrong:?}");
            let after = open.get("/_history").json()["entry"].as_array().unwrap().len();
            assert_eq!((open.total("/Patient"), after), (3, before), "{row} TXN-01 {wrong:?}");
        }
    }
    let answer = transaction(
        &open,
        &[put("x"), entry("POST", "Patient", json!({"resourceType": "Patient", "name": [{"nonsense": 1}]}))],
    );
    assert_eq!(answer.json()["issue"][0]["expression"][0], "Bundle.entry[1].resource.name[0].nonsense", "TXN-01");
}

#[test]
fn the_order_of_entries_does_not_matter() {
    let resource = |n: usize| match n {
        0 => entry("GET", "Patient/put", Value::Null),
        1 => entry("PUT", "Patient/put", named("put")),
        2 => entry("DELETE", "Patient/old", Value::Null),
        3 => at("urn:uuid:new", entry("POST", "Patient", patient("new"))),
        4 => entry("GET", "Patient?identifier=urn:test|new", Value::Null),
        _ => entry("POST", "Observation", observation("urn:uuid:new")),
    };
    let expected = ["200", "201", "204", "201", "200", "201"];
    for order in [[0, 1, 2, 3, 4, 5], [5, 4, 3, 2, 1, 0], [4, 0, 5, 1, 3, 2], [2, 5, 3, 0, 4, 1]] {
        let open = Open::new();
        open.put("/Patient/old", &named("old"));
        let answer = transaction(&open, &order.map(resource));
        let done = entries(&answer, "transaction-response", 6);
        assert_eq!(statuses(&done), order.map(|n| expected[n]).join(" "), "TXN-03");
        for (n, entry) in order.iter().zip(&done) {
            match n {
                0 => assert_eq!(entry["resource"]["id"], "put", "TXN-04"),
                4 => assert_eq!(
                    (&entry["resource"]["type"], &entry["resource"]["total"]),
                    (&json!("searchset"), &json!(1)),
                    "TXN-04 BUND-04"
                ),
                2 => assert_eq!(entry["response"].get("location"), None, "TXN-02"),
                _ => assert!(entry["response"]["location"].is_string(), "TXN-02"),
            }
        }
        assert_eq!(open.get("/Patient/old").status, 410, "TXN-03");
        assert_eq!(open.total("/Patient"), 2, "TXN-03");
    }
}

#[test]
fn conditions_of_entries_are_those_of_headers() {
    let open = Open::new();
    let there = format!("Patient/{}", open.create(&patient("there")));
    open.put("/Patient/p", &named("p"));
    let sent = [
        at("urn:uuid:1", when("ifNoneExist", "identifier=urn:test|there", entry("POST", "Patient", patient("there")))),
        entry("POST", "Observation", observation("urn:uuid:1")),
        entry("POST", "Observation", observation("Patient?identifier=urn:test|there")),
        when(
            "ifMatch",
            "W/\"1\"",
            entry("PUT", "Patient/p", json!({"resourceType": "Patient", "id": "p", "active": true})),
        ),
        entry("PUT", "Patient?identifier=urn:test|put", patient("put")),
        entry("DELETE", "Patient?identifier=urn:test|nobody", Value::Null),
    ];
    let answer = transaction(&open, &sent);
    let done = entries(&answer, "transaction-response", sent.len());
    assert_eq!(statuses(&done), "200 201 201 200 201 204", "TXN-12 TXN-13 BUND-05");
    assert_eq!(place(&done[0]), there, "TXN-12");
    for n in [1, 2] {
        assert_eq!(
            open.get(&format!("/{}", place(&done[n]))).json()["subject"]["reference"],
            json!(there),
            "TXN-09 TXN-12"
        );
    }
    assert_eq!(text(&done[3]["response"]["etag"]), "W/\"2\"", "BUND-05");
    assert_eq!(open.total("/Patient?identifier=urn:test|there"), 1, "TXN-12");
    // Twice the same that is there already is no conflict.
    let twice = [
        sent[0].clone(),
        at("urn:uuid:2", when("ifNoneExist", "identifier=urn:test|there", entry("POST", "Patient", patient("there")))),
    ];
    assert_eq!(statuses(&entries(&transaction(&open, &twice), "transaction-response", 2)), "200 200", "TXN-12");
    let modified = open.get("/Patient/p").json()["meta"]["lastUpdated"].clone();
    let reads = [
        when("ifNoneMatch", "W/\"2\"", entry("GET", "Patient/p", Value::Null)),
        when("ifNoneMatch", "W/\"1\"", entry("GET", "Patient/p", Value::Null)),
        when("ifModifiedSince", "2099-01-01T00:00:00Z", entry("GET", "Patient/p", Value::Null)),
        when("ifModifiedSince", text(&modified), entry("GET", "Patient/p", Value::Null)),
        when("ifModifiedSince", "2001-01-01T00:00:00Z", entry("GET", "Patient/p", Value::Null)),
    ];
    for kind in ["batch", "transaction"] {
        let answer = open.post("", &bundle(kind, &reads));
        let done = entries(&answer, &format!("{kind}-response"), reads.len());
        assert_eq!(statuses(&done), "304 200 304 304 200", "BUND-05");
        assert_eq!(done[0].get("resource"), None, "BUND-05");
    }
}

#[test]
fn entries_of_a_batch_stand_alone() {
    let open = Open::new();
    open.put("/Patient/p", &named("p"));
    let sent = [
        (entry("POST", "Patient", patient("a")), "201", ""),
        (entry("POST", "Patient", json!({"resourceType": "Patient", "gender": "unheard"})), "400", ""),
        (entry("GET", "Patient/p", Value::Null), "200", "Patient"),
        (entry("GET", "/Patient/p", Value::Null), "200", "Patient"),
        (entry("GET", &format!("{BASE}/Patient/p"), Value::Null), "200", "Patient"),
        (entry("GET", "Patient/unknown", Value::Null), "404", ""),
        (entry("GET", "Patient?_id=p", Value::Null), "200", "Bundle"),
        (entry("GET", "Patient?nonsense=1", Value::Null), "400", ""),
        (entry("GET", "Patient/p/_history", Value::Null), "200", "Bundle"),
        (entry("GET", "Patient/p/_history/1", Value::Null), "200", "Patient"),
        (entry("GET", "_history", Value::Null), "200", "Bundle"),
        (entry("GET", "metadata", Value::Null), "200", "CapabilityStatement"),
        (entry("GET", "Patient/p/$everything", Value::Null), "200", "Bundle"),
        (
            entry(
                "POST",
                "Patient/$validate",
                json!({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": patient("v")}]}),
            ),
            "200",
            "OperationOutcome",
        ),
        (entry("POST", "Patient/p/$nonsense", Value::Null), "404", ""),
        (entry("GET", "$export", Value::Null), "405", ""),
        (entry("HEAD", "Patient/p", Value::Null), "200", ""),
        (entry("PUT", "Patient/q", named("q")), "201", ""),
        (entry("PUT", "Patient/q2", named("other")), "400", ""),
        (entry("PUT", "Patient/q3", json!({"resourceType": "Patient"})), "400", ""),
        (when("ifMatch", "W/\"9\"", entry("PUT", "Patient/p", named("p"))), "412", ""),
        (entry("DELETE", "Patient/unknown", Value::Null), "204", ""),
        (json!({"resource": named("z")}), "400", ""),
        (entry("POST", "Nonsense", named("z")), "404", ""),
        (entry("GET", "Nonsense/1", Value::Null), "404", ""),
        (at("urn:uuid:n", entry("POST", "Patient", patient("n"))), "201", ""),
        (entry("POST", "Observation", observation("urn:uuid:n")), "400", ""),
        (entry("DELETE", "Patient/q", Value::Null), "400", ""),
    ];
    let only: Vec<Value> = sent.iter().map(|(entry, ..)| entry.clone()).collect();
    let answer = open.post("", &bundle("batch", &only));
    let done = entries(&answer, "batch-response", sent.len());
    for ((sent, status, kind), done) in sent.iter().zip(&done) {
        assert_eq!(&text(&done["response"]["status"])[..3], *status, "BUND-02 {sent} {done}");
        if status.starts_with('4') {
            assert_eq!(done["response"]["outcome"]["resourceType"], "OperationOutcome", "BUND-02 {sent}");
            assert_eq!(done.get("resource"), None, "BUND-02");
        }
        let found = done.get("resource").map_or("", |resource| text(&resource["resourceType"]));
        assert_eq!(found, *kind, "BUND-04 {sent}");
    }
    assert_eq!(open.get("/Patient/q").status, 200, "BUND-01");
    assert_eq!(open.total("/Patient"), 4, "BUND-02");
}

#[test]
fn patches_may_be_entries() {
    let json_patch = |kind: &str| {
        json!({"resourceType": "Binary", "contentType": kind,
        "data": "W3sib3AiOiJyZXBsYWNlIiwicGF0aCI6Ii9hY3RpdmUiLCJ2YWx1ZSI6ZmFsc2V9XQ=="})
    };
    let parameters = json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": [
        {"name": "type", "valueCode": "add"}, {"name": "path", "valueString": "Patient"},
        {"name": "name", "valueString": "birthDate"}, {"name": "value", "valueDate": "1940-01-02"}]}]});
    for kind in ["batch", "transaction"] {
        let open = Open::new();
        for id in ["p", "q", "r"] {
            open.put(&format!("/Patient/{id}"), &json!({"resourceType": "Patient", "id": id, "active": true}));
        }
        let sent = [
            entry("PATCH", "Patient/p", json_patch("application/json-patch+json")),
            entry("PATCH", "Patient/q", parameters.clone()),
            when(
                "ifMatch",
                "W/\"1\"",
                entry("PATCH", "Patient/r", json_patch("application/json-patch+json; charset=utf-8")),
            ),
        ];
        let answer = open.post("", &bundle(kind, &sent));
        let done = entries(&answer, &format!("{kind}-response"), 3);
        assert_eq!(statuses(&done), "200 200 200", "BUND-09 {kind} {}", answer.body);
        assert_eq!(open.get("/Patient/p").json()["active"], false, "BUND-09");
        assert_eq!(open.get("/Patient/q").json()["birthDate"], "1940-01-02", "BUND-09");
        assert_eq!(open.get("/Patient/r").json()["active"], false, "BUND-09");
    }
}

#[test]
fn bundles_as_a_whole() {
    let open = Open::new();
    for kind in ["transaction", "batch"] {
        let absent = open.post("", &json!({"resourceType": "Bundle", "type": kind}));
        assert_eq!(absent.status, 200, "TXN-18");
        entries(&absent, &format!("{kind}-response"), 0);
        entries(&open.post("/", &bundle(kind, &[])), &format!("{kind}-response"), 0);
    }
    for (row, body) in [
        ("BUND-07", r#"{"resourceType":"Bundle","type":"collection","entry":[]}"#),
        ("BUND-07", r#"{"resourceType":"Bundle","type":"searchset"}"#),
        ("BUND-07", r#"{"resourceType":"Bundle"}"#),
        ("BUND-07", r#"{"resourceType":"Patient"}"#),
        ("BUND-07", r#"{"type":"batch"}"#),
        ("BUND-07", r#"{"resourceType":"Bundle","type":"batch","entry":{}}"#),
        ("BUND-07", r#"{"resourceType":"Bundle","type":"batch","entry":["#),
        ("BUND-07", "[]"),
        ("BUND-07", ""),
        ("BDL-01", r#"{"resourceType":"Bundle","type":"batch","type":"transaction"}"#),
    ] {
        let answer = open.send("POST", "", body, &[]);
        assert_eq!(answer.status, 400, "{row} {body} {}", answer.body);
        issue(&answer);
    }
    let stored = json!({"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:uuid:c2cbd4a2-5a3b-4f0e-9a55-0c0ff0a5d6a1", "resource": named("z")}]});
    assert_eq!(open.post("/Bundle", &stored).status, 201, "BUND-07");
    for wrong in [
        json!({"resourceType": "Bundle", "type": "collection", "total": 1}),
        json!({"resourceType": "Bundle", "type": "collection", "entry": [{"search": {"mode": "match"}, "resource": named("z")}]}),
        json!({"resourceType": "Bundle", "type": "collection", "entry": [entry("POST", "Patient", named("z"))]}),
        json!({"resourceType": "Bundle", "type": "collection", "entry": [{"fullUrl": "urn:uuid:1"}]}),
    ] {
        assert_eq!(open.post("/Bundle", &wrong).status, 400, "BDL-01 {wrong}");
    }
    assert_eq!(open.get("/Patient/z").status, 404, "BUND-07");
    for (prefer, expected) in [("return=minimal", ""), ("return=representation", "Patient"), ("", "")] {
        for kind in ["batch", "transaction"] {
            let sent = bundle(kind, &[entry("POST", "Patient", patient("x")), entry("PUT", "Patient/p", named("p"))]);
            let answer = open.send("POST", "", &sent.to_string(), &[("prefer", prefer)]);
            for entry in entries(&answer, &format!("{kind}-response"), 2) {
                let found = entry.get("resource").map_or("", |resource| text(&resource["resourceType"]));
                assert_eq!(found, expected, "BUND-08 {prefer}");
                assert!(entry["response"]["etag"].is_string() && entry["response"]["location"].is_string(), "BUND-08");
            }
        }
    }
    // What an entry is told where an OperationOutcome is preferred.
    let sent = bundle("transaction", &[entry("POST", "Patient", patient("x"))]);
    let answer = open.send("POST", "", &sent.to_string(), &[("prefer", "return=OperationOutcome")]);
    let done = entries(&answer, "transaction-response", 1);
    assert_eq!(done[0]["response"]["outcome"]["resourceType"], "OperationOutcome", "BUND-08 PREFER-03");
}

#[test]
fn a_thousand_entries_are_one_transaction() {
    let open = Open::new();
    // As compact as it can be: the gateway of the tests takes 64 KiB.
    let mut sent = vec![at("urn:uuid:1", entry("POST", "Patient", patient("a")))];
    sent.extend((0..999).map(|n| entry("DELETE", &format!("Basic/b{n}"), Value::Null)));
    let done = entries(&transaction(&open, &sent), "transaction-response", 1000);
    assert!(statuses(&done[1..]).split(' ').all(|status| status == "204"), "TXN-02");
    assert_eq!(open.total("/Patient"), 1, "TXN-01");
}
