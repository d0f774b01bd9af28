//! Writes as somebody sees them who knows the standard only (checklist CREATE, UPDATE, PATCH, DELETE, PREFER, META, READ),
//! on a gateway that is open.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use crate::gateway::{Answer, Ask, BASE, NOW, Served, config, together};
use crate::issue;
use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::config::Config;
use tasuki::store::Store;

/// A gateway where everybody may do everything, and whose clock goes on by 250 ms each time it is looked at.
pub(crate) struct Open(pub(crate) Served);

fn clock() -> i64 {
    static CLOCK: AtomicI64 = AtomicI64::new(NOW);
    CLOCK.fetch_add(250, Ordering::SeqCst)
}

impl Open {
    pub(crate) fn new() -> Open {
        let config = Config { open: true, ..config() };
        Open(Served::new(Arc::new(Gateway::over(Store::open_memory(), &config, clock).expect("the gateway starts"))))
    }

    pub(crate) fn send(
        &self,
        method: &'static str,
        path: &str,
        body: &str,
        headers: &[(&'static str, &str)],
    ) -> Answer {
        let mut ask = Ask { method, body: body.as_bytes().to_vec(), ..Ask::get("", path) };
        if !body.is_empty() && headers.iter().all(|(name, _)| *name != "content-type") {
            ask = ask.with("content-type", "application/fhir+json");
        }
        self.0.ask(headers.iter().fold(ask, |ask, (name, value)| ask.with(name, *value)))
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.send("GET", path, "", &[])
    }

    pub(crate) fn post(&self, path: &str, body: &Value) -> Answer {
        self.send("POST", path, &body.to_string(), &[])
    }

    pub(crate) fn put(&self, path: &str, body: &Value) -> Answer {
        self.send("PUT", path, &body.to_string(), &[])
    }

    pub(crate) fn delete(&self, path: &str) -> Answer {
        self.send("DELETE", path, "", &[])
    }

    /// Creates one and gives its id.
    pub(crate) fn create(&self, resource: &Value) -> String {
        let answer = self.post(&format!("/{}", text(&resource["resourceType"])), resource);
        assert_eq!(answer.status, 201, "{}", answer.body);
        text(&answer.json()["id"]).to_owned()
    }

    pub(crate) fn total(&self, search: &str) -> u64 {
        self.get(search).json()["total"].as_u64().expect("a total")
    }
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap_or_else(|| panic!("no text: {value}"))
}

pub(crate) fn patient(value: &str) -> Value {
    json!({"resourceType": "Patient", "active": true, "identifier": [{"system": "urn:test", "value": value}],
        "name": [{"family": "見本", "given": ["太郎"]}]})
}

/// Without what a server puts there.
fn content(mut resource: Value) -> Value {
    let members = resource.as_object_mut().expect("a resource");
    members.remove("id");
    if let Some(meta) = members.get_mut("meta").and_then(Value::as_object_mut) {
        meta.remove("versionId");
        meta.remove("lastUpdated");
        if meta.is_empty() {
            members.remove("meta");
        }
    }
    resource
}

/// What the headers of an answer say agrees with each other, with its body and with a read that follows.
pub(crate) fn agrees(open: &Open, row: &str, answer: &Answer, path: &str) -> String {
    let read = open.get(path);
    assert_eq!(read.status, 200, "{row} {}", read.body);
    let version = text(&read.json()["meta"]["versionId"]).to_owned();
    for one in [answer, &read] {
        assert_eq!(one.header("etag"), Some(format!("W/\"{version}\"").as_str()), "{row} META-01");
        let modified = one.header("last-modified").unwrap_or_else(|| panic!("{row} META-02"));
        assert!(modified.len() == 29 && modified.ends_with(" GMT"), "{row} META-02 {modified}");
        assert_eq!(one.header("last-modified"), read.header("last-modified"), "{row} META-02");
    }
    if !answer.body.is_empty() && answer.json()["resourceType"] != "OperationOutcome" {
        assert_eq!(answer.json(), read.json(), "{row}");
    }
    version
}

#[test]
fn create_assigns_an_id_and_keeps_what_was_sent() {
    let open = Open::new();
    let sent = json!({
        "resourceType": "Observation", "id": "mine", "status": "final",
        "meta": {"versionId": "77", "lastUpdated": "1999-01-01T00:00:00Z", "profile": ["http://example.org/p"],
            "source": "urn:x", "tag": [{"system": "urn:t", "code": "a"}], "security": [{"system": "urn:s", "code": "b"}]},
        "code": {"text": "体重"}, "_status": {"id": "s1"},
        "valueQuantity": {"value": crate::Number::of("52.500"), "unit": "kg"},
        "referenceRange": [{"low": {"value": crate::Number::of("1.00E2")}}],
        "effectiveDateTime": "2026-01", "_effectiveDateTime": {"extension": [{"url": "urn:e", "valueString": "about"}]},
        "note": [{"_text": {"extension": [{"url": "urn:e", "valueCode": "x"}]}}],
        "extension": [{"url": "urn:e", "valueDecimal": crate::Number::of("0.0")}]
    });
    let answer = open.post("/Observation", &sent);
    assert_eq!(answer.status, 201, "CREATE-01 {}", answer.body);
    let stored = answer.json();
    let id = text(&stored["id"]);
    assert!(
        id != "mine" && id.len() <= 64 && id.bytes().all(|b| b.is_ascii_alphanumeric() || b".-".contains(&b)),
        "CREATE-03"
    );
    let location = format!("{BASE}/Observation/{id}/_history/1");
    assert_eq!(answer.header("location"), Some(location.as_str()), "CREATE-02");
    let version = agrees(&open, "CREATE-04", &answer, &format!("/Observation/{id}"));
    assert_eq!(version, "1", "META-04");
    assert!(!text(&stored["meta"]["lastUpdated"]).starts_with("1999"), "META-04");
    assert_eq!(open.get(location.strip_prefix(BASE).unwrap()).json(), stored, "CREATE-02 resolvable");
    for part in ["profile", "tag", "security", "source"] {
        assert_eq!(stored["meta"][part], sent["meta"][part], "META-05 {part}");
    }
    let mut expected = sent.clone();
    expected["meta"].as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "versionId" | "lastUpdated"));
    assert_eq!(content(stored), content(expected), "CREATE-09");
    for digits in ["52.500", "1.00", ":0.0"] {
        assert!(answer.body.contains(digits), "CREATE-09 {digits}");
    }
    assert_eq!(open.get("/Observation/mine").status, 404, "CREATE-03");
    assert_ne!(open.create(&sent), open.create(&sent), "CREATE-11");
}

#[test]
#[allow(clippy::too_many_lines)] // a table
fn bodies_that_are_wrong_are_refused_and_nothing_is_stored() {
    let open = Open::new();
    let before = open.put("/Patient/p", &json!({"resourceType": "Patient", "id": "p"}));
    assert_eq!(before.status, 201, "UPDATE-03 {}", before.body);
    for (row, body, code, place) in [
        ("CREATE-05", r#"{"resourceType":"Observation","id":"p","status":"final","code":{"text":"x"}}"#, "value", ""),
        ("CREATE-05", r#"{"id":"p"}"#, "value", ""),
        ("CREATE-06", r#"{"resourceType":"Patient","id":"p""#, "structure", ""),
        ("CREATE-06", "{\"resourceType\":\"Patient\",\n\"id\":\"p\",}", "structure", ""),
        ("CREATE-06", "[]", "value", ""),
        ("CREATE-06", "null", "value", ""),
        ("CREATE-06", "<Patient/>", "structure", ""),
        ("CREATE-06", "", "structure", ""),
        ("CREATE-06", r#"{"resourceType":"Patient","id":"p","active":true,"active":false}"#, "structure", ""),
        ("CREATE-06", r#"{"resourceType":"Patient","id":"p","name":[{"family":"a","family":"b"}]}"#, "structure", ""),
        ("CREATE-07", r#"{"resourceType":"Patient","id":"p","nonsense":1}"#, "structure", "Patient.nonsense"),
        (
            "CREATE-07",
            r#"{"resourceType":"Patient","id":"p","name":[{"nonsense":1}]}"#,
            "structure",
            "Patient.name[0].nonsense",
        ),
        ("CREATE-07", r#"{"resourceType":"Patient","id":"p","gender":"unheard"}"#, "", "Patient.gender"),
        ("CREATE-07", r#"{"resourceType":"Patient","id":"p","birthDate":"01/02/1940"}"#, "", "Patient.birthDate"),
        ("CREATE-07", r#"{"resourceType":"Patient","id":"p","active":"true"}"#, "", "Patient.active"),
        ("CREATE-07", r#"{"resourceType":"Patient","id":"p","name":{"family":"a"}}"#, "", "Patient.name"),
        (
            "CREATE-07",
            r#"{"resourceType":"Patient","id":"p","link":[{"type":"seealso"}]}"#,
            "",
            "Patient.link[0].other",
        ),
        ("CREATE-07", r#"{"resourceType":"Patient","id":"p","contact":[{"gender":"male"}]}"#, "", "Patient.contact[0]"),
        (
            "CREATE-07",
            r#"{"resourceType":"Patient","id":"p","deceasedBoolean":true,"deceasedDateTime":"2020"}"#,
            "",
            "Patient.deceased",
        ),
    ] {
        for (method, path) in [("POST", "/Patient"), ("PUT", "/Patient/p")] {
            let answer = open.send(
                method,
                path,
                body,
                &[("content-type", "application/fhir+json"), ("prefer", "return=minimal")],
            );
            assert_eq!(answer.status, 400, "{row} UPDATE-10 {method} {body}: {}", answer.body);
            let (found, _) = issue(&answer);
            assert!(code.is_empty() || found == code, "{row} PREFER-04 {body}: {}", answer.body);
            if row == "CREATE-06" && code == "structure" {
                let said = text(&answer.json()["issue"][0]["diagnostics"]).to_owned();
                assert!(said.contains("line") && said.contains("column") || said.contains("same name"), "{row} {said}");
            }
            if !place.is_empty() {
                let outcome = answer.json();
                let places: Vec<_> = outcome["issue"].as_array().unwrap().iter().map(|i| &i["expression"][0]).collect();
                assert!(places.iter().any(|p| p.as_str().is_some_and(|p| p.starts_with(place))), "{row} {places:?}");
            }
        }
    }
    assert_eq!(open.total("/Patient"), 1, "CREATE-07");
    assert_eq!(agrees(&open, "UPDATE-10", &before, "/Patient/p"), "1", "UPDATE-10");
    for (row, kind, status) in [
        ("CREATE-06", "text/plain", 415),
        ("CREATE-01", "application/json", 201),
        ("CREATE-01", "application/fhir+json; charset=UTF-8; fhirVersion=4.0", 201),
    ] {
        let answer = open.send("POST", "/Patient", &patient(kind).to_string(), &[("content-type", kind)]);
        assert_eq!(answer.status, status, "{row} {kind}: {}", answer.body);
    }
    assert_eq!(open.post("/Patient/p", &patient("x")).status, 405, "CREATE-10");
}

/// CREATE-12: clients that put the criteria of a create into its address were given a second resource.
#[test]
fn criteria_in_the_address_of_a_create_are_refused() {
    let open = Open::new();
    open.create(&patient("1"));
    for query in ["identifier=http://example.org/mrn|1", "_format=json&_tag=a|b", "_id=x"] {
        let answer = open.post(&format!("/Patient?{query}"), &patient("1"));
        assert_eq!((answer.status, issue(&answer).1.as_str()), (400, "criteria-of-create"), "CREATE-12 {query}");
    }
    assert_eq!(open.total("/Patient"), 1, "CREATE-12");
    for query in ["_format=json", "_pretty=true", "_filename=a.txt"] {
        assert_eq!(open.post(&format!("/Patient?{query}"), &patient("2")).status, 201, "CREATE-01 {query}");
    }
}

#[test]
fn a_conditional_create_looks_first() {
    let open = Open::new();
    let create = |criteria: &str, value: &str| {
        open.send("POST", "/Patient", &patient(value).to_string(), &[("if-none-exist", criteria)])
    };
    let first = create("identifier=urn:test|a", "a");
    assert_eq!(first.status, 201, "CREATE-12");
    let place = format!("/Patient/{}", text(&first.json()["id"]));
    for (row, criteria) in [
        ("CREATE-12", "identifier=urn:test|a"),
        ("CREATE-13", "?identifier=urn:test|a"),
        ("CREATE-13", "Patient?identifier=urn:test|a"),
        ("CREATE-13", "identifier=urn%3Atest%7Ca"),
        ("CREATE-13", "identifier=urn:test|a&name=%E8%A6%8B%E6%9C%AC"),
    ] {
        let answer = create(criteria, "a");
        assert_eq!(answer.status, 200, "{row} {criteria} {}", answer.body);
        assert_eq!(answer.header("location"), Some(format!("{BASE}{place}/_history/1").as_str()), "{row}");
        assert_eq!(agrees(&open, row, &answer, &place), "1", "{row}");
    }
    for criteria in
        ["", "?", "nonsense=1", "identifier=", "Observation?identifier=urn:test|a", "_count=1", "_format=json"]
    {
        let answer = create(criteria, "z");
        assert!(matches!(answer.status, 400 | 412), "CREATE-13 {criteria} {}", answer.status);
        issue(&answer);
    }
    assert_eq!(open.total("/Patient"), 1, "CREATE-13");
    open.create(&patient("a"));
    let several = create("identifier=urn:test|a", "a");
    assert_eq!((several.status, issue(&several).0.as_str()), (412, "multiple-matches"), "CREATE-12");
    assert_eq!(open.total("/Patient"), 2, "CREATE-12");
}

#[test]
fn update_and_its_conditions() {
    let open = Open::new();
    let body = |family: &str| json!({"resourceType": "Patient", "id": "p", "name": [{"family": family}]});
    let created = open.put("/Patient/p", &body("a"));
    assert_eq!(created.status, 201, "UPDATE-03");
    assert_eq!(created.header("location"), Some(format!("{BASE}/Patient/p/_history/1").as_str()), "UPDATE-03");
    let updated = open.put("/Patient/p", &body("b"));
    assert_eq!(updated.status, 200, "UPDATE-01");
    assert_eq!(agrees(&open, "UPDATE-01", &updated, "/Patient/p"), "2", "UPDATE-01 META-03");
    let same = open.put("/Patient/p", &body("b"));
    assert_eq!(same.status, 200, "META-06");
    agrees(&open, "META-06", &same, "/Patient/p");
    for wrong in [
        json!({"resourceType": "Patient"}),
        json!({"resourceType": "Patient", "id": "q"}),
        json!({"resourceType": "Patient", "id": "P"}),
    ] {
        let answer = open.put("/Patient/p", &wrong);
        assert_eq!(answer.status, 400, "UPDATE-02 {}", answer.body);
        issue(&answer);
    }
    let other = open.put(
        "/Patient/p",
        &json!({"resourceType": "Observation", "id": "p", "status": "final", "code": {"text": "x"}}),
    );
    assert_eq!(other.status, 400, "UPDATE-09");
    assert_eq!(open.get("/Observation/p").status, 404, "READ-08");
    assert_eq!(open.put("/Patient/a_b", &json!({"resourceType": "Patient", "id": "a_b"})).status / 100, 4, "UPDATE-02");
    for (n, (row, name, value, status)) in [
        ("UPDATE-05", "if-match", "W/\"1\"", 412),
        ("UPDATE-05", "if-match", "W/\"99\"", 412),
        ("UPDATE-05", "if-match", "W/\"x\"", 412),
        ("UPDATE-05", "if-match", "W/\"", 400),
        ("UPDATE-05", "if-match", "", 400),
        ("UPDATE-05", "if-match", "W/\"now\"", 200),
        ("UPDATE-05", "if-match", "\"now\"", 200),
        ("UPDATE-05", "if-match", "now", 200),
        ("UPDATE-05", "if-match", "W/\"1\", W/\"now\"", 200),
        ("UPDATE-05", "if-match", "*", 200),
        ("UPDATE-08", "if-none-match", "*", 412),
    ]
    .into_iter()
    .enumerate()
    {
        let before = open.get("/Patient/p");
        let now = text(&before.json()["meta"]["versionId"]).to_owned();
        let headers = [(name, value.replace("now", &now))];
        let answer = open.send(
            "PUT",
            "/Patient/p",
            &body(&format!("c{n}")).to_string(),
            &headers.each_ref().map(|(n, v)| (*n, v.as_str())),
        );
        assert_eq!(answer.status, status, "{row} {value} {}", answer.body);
        match status {
            200 => assert_ne!(agrees(&open, row, &answer, "/Patient/p"), now, "{row}"),
            _ => assert_eq!(open.get("/Patient/p").body, before.body, "{row}"),
        }
    }
    let new = |id: &str| json!({"resourceType": "Patient", "id": id}).to_string();
    assert_eq!(open.send("PUT", "/Patient/q", &new("q"), &[("if-match", "W/\"1\"")]).status, 412, "UPDATE-05");
    assert_eq!(open.send("PUT", "/Patient/q", &new("q"), &[("if-match", "*")]).status, 412, "UPDATE-05");
    assert_eq!(open.get("/Patient/q").status, 404, "UPDATE-05");
    assert_eq!(open.send("PUT", "/Patient/q", &new("q"), &[("if-none-match", "*")]).status, 201, "UPDATE-08");
    assert_eq!(open.delete("/Patient/p").status, 204, "UPDATE-04");
    let gone = open.get("/Patient/p");
    let back = open.put("/Patient/p", &body("z"));
    assert_eq!(back.status, 201, "UPDATE-04");
    let version: u32 = agrees(&open, "UPDATE-04", &back, "/Patient/p").parse().unwrap();
    assert_eq!(gone.header("etag"), Some(format!("W/\"{}\"", version - 1).as_str()), "UPDATE-04");
}

#[test]
fn a_conditional_update_is_of_one_or_of_none() {
    let open = Open::new();
    let put = |criteria: &str, body: &Value| open.put(&format!("/Patient{criteria}"), body);
    let with_id = |value: &str, id: &str| {
        let mut body = patient(value);
        body["id"] = json!(id);
        body
    };
    let created = put("?identifier=urn:test|a", &patient("a"));
    assert_eq!(created.status, 201, "UPDATE-12 {}", created.body);
    let id = text(&created.json()["id"]).to_owned();
    let mut changed = patient("a");
    changed["active"] = json!(false);
    let updated = put("?identifier=urn:test|a", &changed);
    assert_eq!(updated.status, 200, "UPDATE-12");
    assert_eq!(agrees(&open, "UPDATE-12", &updated, &format!("/Patient/{id}")), "2", "UPDATE-12");
    assert_eq!(put("?identifier=urn:test|a", &with_id("a", &id)).status, 200, "UPDATE-12");
    assert_eq!(put("?identifier=urn:test|a", &with_id("a", "other")).status, 400, "UPDATE-12");
    let named = put("?identifier=urn:test|b", &with_id("b", "bb"));
    assert_eq!((named.status, text(&named.json()["id"])), (201, "bb"), "UPDATE-12");
    open.create(&patient("a"));
    let several = put("?identifier=urn:test|a", &patient("a"));
    assert_eq!((several.status, issue(&several).0.as_str()), (412, "multiple-matches"), "UPDATE-12");
    for criteria in ["", "?", "?nonsense=1", "?identifier=", "?_count=1"] {
        let answer = put(criteria, &patient("z"));
        assert!(matches!(answer.status, 400 | 412), "UPDATE-13 {criteria} {}", answer.status);
    }
    assert_eq!(open.total("/Patient"), 3, "UPDATE-13");
}

#[test]
fn delete_is_of_what_is_meant_and_can_be_repeated() {
    let open = Open::new();
    let id = open.create(&patient("a"));
    let path = format!("/Patient/{id}");
    assert_eq!(open.send("DELETE", &path, "", &[("if-match", "W/\"9\"")]).status, 412, "DELETE-07");
    assert_eq!(open.get(&path).status, 200, "DELETE-07");
    let deleted = open.send("DELETE", &path, "", &[("if-match", "W/\"1\"")]);
    assert_eq!((deleted.status, deleted.body.as_str()), (204, ""), "DELETE-01");
    assert_eq!(deleted.header("etag"), Some("W/\"2\""), "DELETE-01");
    assert_eq!(open.delete(&path).status, 204, "DELETE-02");
    assert_eq!(open.delete("/Patient/unknown").status, 204, "DELETE-02");
    let gone = open.get(&path);
    assert_eq!(
        (gone.status, issue(&gone).0.as_str(), gone.header("etag")),
        (410, "deleted", Some("W/\"2\"")),
        "READ-04"
    );
    let head = open.send("HEAD", &path, "", &[]);
    assert_eq!((head.status, head.body.as_str()), (410, ""), "READ-04");
    let missing = open.get("/Patient/unknown");
    assert_eq!((missing.status, issue(&missing).0.as_str()), (404, "not-found"), "READ-03");
    for search in ["/Patient", "/Patient?identifier=urn:test|a", &format!("/Patient?_id={id}")] {
        assert_eq!(open.total(search), 0, "DELETE-03 {search}");
    }
    assert_eq!(open.get(&format!("{path}/_history/2")).status, 410, "VREAD-04");
    assert_eq!(open.get(&format!("{path}/_history/1")).status, 200, "VREAD-06");
    for path in ["/Patient", "/Patient?", "/Patient?nonsense=1", "/Patient?identifier=", "", "/"] {
        let one = open.create(&patient("keep"));
        let answer = open.delete(path);
        assert!(matches!(answer.status, 400 | 405 | 412), "DELETE-06 {path} {}", answer.status);
        assert_eq!(open.get(&format!("/Patient/{one}")).status, 200, "DELETE-06");
    }
    assert_eq!(open.delete("/Patient?identifier=urn:test|none").status, 204, "DELETE-05");
    assert_eq!(open.delete("/Patient?identifier=urn:test|keep").status, 412, "DELETE-05");
    open.create(&patient("one"));
    assert_eq!(open.delete("/Patient?identifier=urn:test|one").status, 204, "DELETE-05");
    assert_eq!(open.total("/Patient?identifier=urn:test|one"), 0, "DELETE-05");
    let outcome = open.send("DELETE", "/Patient/unknown", "", &[("prefer", "return=OperationOutcome")]);
    assert_eq!((outcome.status, outcome.json()["resourceType"].as_str()), (200, Some("OperationOutcome")), "PREFER-03");
}

#[test]
fn an_answer_holds_what_is_preferred() {
    let open = Open::new();
    for (row, prefer, expected) in [
        ("PREFER-01", "return=minimal", ""),
        ("PREFER-01", "handling=strict, return=minimal", ""),
        ("PREFER-02", "return=representation", "Patient"),
        ("PREFER-02", "", "Patient"),
        ("PREFER-06", "nonsense, wait=1", "Patient"),
        ("PREFER-03", "return=OperationOutcome", "OperationOutcome"),
    ] {
        let id = format!("p{}", open.total("/Patient"));
        let body = |active: bool| {
            json!({"resourceType": "Patient", "id": id, "active": active, "name": [{"family": id}]}).to_string()
        };
        let path = format!("/Patient/{id}");
        for (method, to, body, status) in [
            ("PUT", path.as_str(), body(true), 201),
            ("PUT", path.as_str(), body(false), 200),
            ("PUT", &format!("/Patient?name={id}"), body(true), 200),
            ("POST", "/Patient", patient("x").to_string(), 201),
        ] {
            let answer = open.send(method, to, &body, &[("prefer", prefer)]);
            assert_eq!(answer.status, status, "{row} {method} {}", answer.body);
            let kind =
                if answer.body.is_empty() { String::new() } else { text(&answer.json()["resourceType"]).to_owned() };
            assert_eq!(kind, expected, "{row} {prefer} {method}");
            let location = answer.header("location").unwrap_or_else(|| panic!("{row} {method} Location"));
            let place = location.strip_prefix(BASE).unwrap().split("/_history").next().unwrap().to_owned();
            agrees(&open, row, &answer, &place);
        }
    }
    // PREFER-03: what is said about a resource that was taken is said.
    let odd = json!({"resourceType": "Patient", "text": {"status": "empty", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">x</div>"}});
    let answer = open.send("POST", "/Patient", &odd.to_string(), &[("prefer", "return=OperationOutcome")]);
    assert_eq!(
        (answer.status, answer.json()["issue"][0]["severity"].as_str()),
        (201, Some("information")),
        "PREFER-03"
    );
}

#[test]
fn versions_stay_what_they_were() {
    let open = Open::new();
    let body = |n: u32| json!({"resourceType": "Patient", "id": "p", "name": [{"family": format!("n{n}")}]});
    let mut bodies = Vec::new();
    for n in 1..=3 {
        open.put("/Patient/p", &body(n));
        let version = open.get(&format!("/Patient/p/_history/{n}"));
        assert_eq!((version.status, version.header("etag")), (200, Some(format!("W/\"{n}\"").as_str())), "VREAD-01");
        assert_eq!(version.json()["id"], "p", "VREAD-01");
        assert!(version.header("last-modified").is_some(), "META-02");
        assert_eq!(version.body, open.get("/Patient/p").body, "VREAD-02");
        bodies.push(version.body);
    }
    for unknown in ["0", "4", "99", "x", "1.0", "-1", "18446744073709551616"] {
        let answer = open.get(&format!("/Patient/p/_history/{unknown}"));
        assert_eq!((answer.status, issue(&answer).0.as_str()), (404, "not-found"), "VREAD-03 {unknown}");
    }
    assert_eq!(open.get("/Observation/p/_history/1").status, 404, "VREAD-03");
    open.delete("/Patient/p");
    let gone = open.get("/Patient/p/_history/4");
    assert_eq!((gone.status, issue(&gone).0.as_str()), (410, "deleted"), "VREAD-04");
    for (n, before) in bodies.iter().enumerate() {
        assert_eq!(open.get(&format!("/Patient/p/_history/{}", n + 1)).body, *before, "VREAD-05 VREAD-06");
    }
}

#[test]
fn writers_at_the_same_time() {
    let config = Config { open: true, ..config() };
    let gateway = Arc::new(Gateway::over(Store::open_memory(), &config, clock).expect("the gateway starts"));
    let served: Vec<Open> = (0..4).map(|_| Open(Served::new(gateway.clone()))).collect();
    let patient_a = patient("a").to_string();
    let created = together(4, |n| {
        served[n].send("POST", "/Patient", &patient_a, &[("if-none-exist", "identifier=urn:test|a")]).status
    });
    assert_eq!(created.iter().filter(|status| **status == 201).count(), 1, "CREATE-14 {created:?}");
    assert_eq!(served[0].total("/Patient"), 1, "CREATE-14");
    let updated = together(4, |n| served[n].put("/Patient?identifier=urn:test|b", &patient("b")).status);
    assert_eq!(updated.iter().filter(|status| **status == 201).count(), 1, "UPDATE-14 {updated:?}");
    served[0].put("/Patient/p", &json!({"resourceType": "Patient", "id": "p"}));
    let won = together(4, |n| {
        let body = json!({"resourceType": "Patient", "id": "p", "name": [{"family": format!("n{n}")}]}).to_string();
        served[n].send("PUT", "/Patient/p", &body, &[("if-match", "W/\"1\"")]).status
    });
    assert_eq!(won.iter().filter(|status| **status == 200).count(), 1, "UPDATE-07 {won:?}");
    assert_eq!(won.iter().filter(|status| matches!(status, 409 | 412)).count(), 3, "UPDATE-07 {won:?}");
}

#[test]
fn parts_of_one_resource_are_marked() {
    let open = Open::new();
    let mut sent = patient("a");
    sent["id"] = json!("p");
    sent["text"] = json!({"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">見本</div>"});
    sent["photo"] = json!([{"contentType": "image/png", "title": "x"}]);
    open.put("/Patient/p", &sent);
    for (row, query, there, absent) in [
        ("READ-07", "_summary=true", "name", "photo"),
        ("READ-07", "_summary=data", "photo", "text"),
        ("READ-07", "_summary=text", "text", "photo"),
        ("READ-07", "_elements=name", "name", "photo"),
        ("READ-01", "_summary=false", "photo", "nothing"),
    ] {
        let answer = open.get(&format!("/Patient/p?{query}"));
        assert_eq!(answer.status, 200, "{row} {query} {}", answer.body);
        let found = answer.json();
        assert!(found.get(there).is_some() && found.get(absent).is_none(), "{row} {query} {found}");
        assert_eq!(found["id"], "p", "{row}");
        let is_part = query != "_summary=false";
        assert_eq!(answer.body.contains("SUBSETTED"), is_part, "{row} {query}");
        assert_eq!(answer.header("etag"), Some("W/\"1\""), "META-01");
        if is_part {
            let answer = open.put("/Patient/p", &found);
            assert!(matches!(answer.status, 400 | 422), "{row} a part is not stored as the whole: {}", answer.status);
        }
    }
    assert_eq!(open.get("/Patient/p").json()["meta"]["versionId"], "1", "READ-07");
}
