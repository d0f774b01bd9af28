//! Patches, and what is written otherwise than as a resource in JSON (checklist PATCH, CREATE-01 of a Binary), on a gateway
//! that is open.

use crate::gateway::BASE;
use crate::issue;
use crate::writes::{Open, agrees, patient, text};
use serde_json::{Value, json};

#[test]
#[allow(clippy::too_many_lines)] // a table
fn patches_are_whole_or_nothing() {
    let open = Open::new();
    let mut sent = patient("a");
    sent["id"] = json!("p");
    sent["telecom"] = json!([{"system": "phone", "value": "1"}]);
    sent["text"] = json!({"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">見本</div>"});
    open.put("/Patient/p", &sent);
    let patch = |path: &str, kind: &'static str, body: &str, more: &[(&'static str, &str)]| {
        let headers: Vec<_> = [("content-type", kind)].into_iter().chain(more.iter().copied()).collect();
        open.send("PATCH", path, body, &headers)
    };
    const JSON: &str = "application/json-patch+json";
    let fhir = |kind: &str, path: &str, more: Value| {
        let mut parts = vec![json!({"name": "type", "valueCode": kind}), json!({"name": "path", "valueString": path})];
        parts.extend(more.as_array().unwrap().clone());
        json!({"resourceType": "Parameters", "parameter": [{"name": "operation", "part": parts}]}).to_string()
    };
    for (row, body, pointer, expected) in [
        ("PATCH-01", r#"[{"op":"replace","path":"/active","value":false}]"#, "/active", json!(false)),
        (
            "PATCH-01",
            r#"[{"op":"test","path":"/active","value":false},{"op":"add","path":"/birthDate","value":"1940-01-02"}]"#,
            "/birthDate",
            json!("1940-01-02"),
        ),
        ("PATCH-01", r#"[{"op":"add","path":"/name/0/given/-","value":"次郎"}]"#, "/name/0/given/1", json!("次郎")),
        (
            "PATCH-01",
            r#"[{"op":"move","from":"/name/0/given/1","path":"/name/0/given/0"}]"#,
            "/name/0/given/0",
            json!("次郎"),
        ),
        ("PATCH-01", r#"[{"op":"copy","from":"/name/0","path":"/name/-"}]"#, "/name/1/family", json!("見本")),
        ("PATCH-01", r#"[{"op":"remove","path":"/name/1"}]"#, "/name/1", Value::Null),
        ("PATCH-01", r#"[{"op":"remove","path":"/telecom/0"}]"#, "/telecom", Value::Null),
        (
            "PATCH-02",
            &fhir("replace", "Patient.birthDate", json!([{"name": "value", "valueDate": "1941-01-02"}])),
            "/birthDate",
            json!("1941-01-02"),
        ),
        (
            "PATCH-02",
            &fhir(
                "add",
                "Patient",
                json!([{"name": "name", "valueString": "gender"}, {"name": "value", "valueCode": "male"}]),
            ),
            "/gender",
            json!("male"),
        ),
        (
            "PATCH-02",
            &fhir(
                "insert",
                "Patient.name[0].given",
                json!([{"name": "value", "valueString": "花"}, {"name": "index", "valueInteger": 0}]),
            ),
            "/name/0/given/0",
            json!("花"),
        ),
        (
            "PATCH-02",
            &fhir(
                "move",
                "Patient.name[0].given",
                json!([{"name": "source", "valueInteger": 0}, {"name": "destination", "valueInteger": 2}]),
            ),
            "/name/0/given/2",
            json!("花"),
        ),
        ("PATCH-02", &fhir("delete", "Patient.gender", json!([])), "/gender", Value::Null),
    ] {
        let kind = if row == "PATCH-01" { JSON } else { "application/fhir+json" };
        let before = open.get("/Patient/p").json();
        let answer = patch("/Patient/p", kind, body, &[]);
        assert_eq!(answer.status, 200, "{row} {body} {}", answer.body);
        assert_ne!(agrees(&open, row, &answer, "/Patient/p"), text(&before["meta"]["versionId"]), "{row}");
        assert_eq!(answer.json().pointer(pointer).cloned().unwrap_or_default(), expected, "{row} {body}");
    }
    let before = open.get("/Patient/p").body;
    for (row, kind, body, status) in [
        (
            "PATCH-05",
            JSON,
            r#"[{"op":"replace","path":"/active","value":true},{"op":"test","path":"/gender","value":"x"}]"#,
            &[422, 400][..],
        ),
        ("PATCH-05", JSON, r#"[{"op":"remove","path":"/nothing"}]"#, &[422, 400]),
        ("PATCH-05", JSON, r#"[{"op":"replace","path":"/gender","value":"unheard"}]"#, &[422, 400]),
        ("PATCH-05", JSON, r#"[{"op":"add","path":"/nonsense","value":1}]"#, &[422, 400]),
        ("PATCH-05", JSON, r#"{"op":"add"}"#, &[400]),
        ("PATCH-05", JSON, "[", &[400]),
        ("PATCH-05", JSON, "", &[400]),
        ("PATCH-05", "application/fhir+json", r#"{"resourceType":"Patient"}"#, &[400]),
        ("PATCH-05", "application/fhir+json", r#"{"resourceType":"Parameters"}"#, &[400]),
        ("PATCH-06", JSON, r#"[{"op":"replace","path":"/id","value":"q"}]"#, &[422, 400]),
        ("PATCH-06", JSON, r#"[{"op":"remove","path":"/id"}]"#, &[422, 400]),
        ("PATCH-06", JSON, r#"[{"op":"replace","path":"/resourceType","value":"Person"}]"#, &[422, 400]),
        ("PATCH-07", "application/json", r#"[{"op":"replace","path":"/active","value":true}]"#, &[415]),
        ("PATCH-07", "text/plain", "x", &[415]),
    ] {
        let answer = patch("/Patient/p", kind, body, &[("prefer", "return=minimal")]);
        assert!(status.contains(&answer.status), "{row} {body} {} {}", answer.status, answer.body);
        issue(&answer);
        assert_eq!(open.get("/Patient/p").body, before, "{row}");
    }
    const ON: &str = r#"[{"op":"replace","path":"/active","value":true}]"#;
    const OFF: &str = r#"[{"op":"replace","path":"/active","value":false}]"#;
    assert_eq!(patch("/Patient/p", JSON, ON, &[("if-match", "W/\"1\"")]).status, 412, "PATCH-04");
    let now = open.get("/Patient/p").header("etag").unwrap().to_owned();
    let minimal = patch("/Patient/p", JSON, ON, &[("if-match", &now), ("prefer", "return=minimal")]);
    assert_eq!((minimal.status, minimal.body.as_str()), (200, ""), "PATCH-04 PATCH-07");
    agrees(&open, "PREFER-01", &minimal, "/Patient/p");
    let version = open.get("/Patient/p").json()["meta"]["versionId"].clone();
    let meta = patch(
        "/Patient/p",
        JSON,
        r#"[{"op":"replace","path":"/meta/versionId","value":"900"},{"op":"replace","path":"/active","value":false}]"#,
        &[],
    );
    assert!(meta.status >= 400 || meta.json()["meta"]["versionId"] != "900", "PATCH-06 {}", meta.body);
    assert_ne!(open.get("/Patient/p").json()["meta"]["versionId"], "900", "PATCH-06 {version}");
    assert_eq!(patch("/Patient/unknown", JSON, ON, &[]).status, 404, "PATCH-07");
    assert_eq!(patch("/Patient?identifier=urn:test|none", JSON, ON, &[]).status, 404, "PATCH-08");
    let found = patch("/Patient?identifier=urn:test|a", JSON, if meta.status < 300 { ON } else { OFF }, &[]);
    assert_eq!(found.status, 200, "PATCH-08 {}", found.body);
    agrees(&open, "PATCH-08", &found, "/Patient/p");
    open.create(&patient("a"));
    assert_eq!(patch("/Patient?identifier=urn:test|a", JSON, ON, &[]).status, 412, "PATCH-08");
    open.delete("/Patient/p");
    assert!(matches!(patch("/Patient/p", JSON, ON, &[]).status, 404 | 410), "PATCH-07");
    assert_eq!(open.get("/Patient/p").status, 410, "PATCH-07");
}

#[test]
fn a_binary_is_written_as_bytes() {
    let open = Open::new();
    let created = open.send("POST", "/Binary", "これは見本です", &[("content-type", "text/plain; charset=utf-8")]);
    assert_eq!(created.status, 201, "CREATE-01 {}", created.body);
    let path =
        created.header("location").unwrap().strip_prefix(BASE).unwrap().split("/_history").next().unwrap().to_owned();
    let raw = open.send("GET", &path, "", &[("accept", "text/plain")]);
    assert_eq!((raw.status, raw.body.as_str()), (200, "これは見本です"), "CREATE-09");
    assert_eq!(raw.header("etag"), Some("W/\"1\""), "META-01");
    let updated = open.send("PUT", &path, "二", &[("content-type", "text/plain; charset=utf-8")]);
    assert_eq!((updated.status, updated.header("etag")), (200, Some("W/\"2\"")), "UPDATE-01 {}", updated.body);
    let fhir = open.send("GET", &path, "", &[("accept", "application/fhir+json")]).json();
    assert_eq!((fhir["resourceType"].as_str(), fhir["data"].as_str()), (Some("Binary"), Some("5LqM")), "READ-01");
}
