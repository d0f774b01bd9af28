//! Histories as somebody sees them who knows the standard only (checklist HIST), on a gateway that is open.

use crate::gateway::{Answer, BASE};
use crate::issue;
use crate::writes::{Open, patient, text};
use serde_json::{Value, json};

/// What an entry says: method, url, status, etag.
fn lines(bundle: &Value) -> Vec<String> {
    let entries = bundle["entry"].as_array().map(Vec::as_slice).unwrap_or_default();
    let line = |entry: &Value| {
        let (request, response) = (&entry["request"], &entry["response"]);
        let status = text(&response["status"]).split(' ').next().unwrap();
        format!("{} {} {status} {}", text(&request["method"]), text(&request["url"]), text(&response["etag"]))
    };
    entries.iter().map(line).collect()
}

fn relation(bundle: &Value, relation: &str) -> Option<String> {
    let mut links = bundle["link"].as_array().unwrap().iter();
    links
        .find(|link| link["relation"] == relation)
        .map(|link| text(&link["url"]).strip_prefix(BASE).unwrap().to_owned())
}

fn page(answer: &Answer) -> Value {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let bundle = answer.json();
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&json!("Bundle"), &json!("history")), "HIST-01");
    bundle
}

/// One Patient that was created, changed, patched, deleted and put again; an Organization and a Patient that were created.
fn written() -> (Open, String, String) {
    let open = Open::new();
    let body = |n: u32| json!({"resourceType": "Patient", "id": "p", "name": [{"family": format!("n{n}")}]});
    open.put("/Patient/p", &body(1));
    open.put("/Patient/p", &body(2));
    let patch = r#"[{"op":"add","path":"/active","value":true}]"#;
    assert_eq!(open.send("PATCH", "/Patient/p", patch, &[("content-type", "application/json-patch+json")]).status, 200);
    open.delete("/Patient/p");
    open.put("/Patient/p", &body(5));
    let organization = open.create(&json!({"resourceType": "Organization", "name": "見本診療所"}));
    let other = open.create(&patient("other"));
    (open, organization, other)
}

#[test]
fn a_history_tells_what_was_done() {
    let (open, organization, other) = written();
    let of_p = [
        "PUT Patient/p 201 W/\"5\"",
        "DELETE Patient/p 204 W/\"4\"",
        "PUT Patient/p 200 W/\"3\"",
        "PUT Patient/p 200 W/\"2\"",
        "PUT Patient/p 201 W/\"1\"",
    ];
    let instance = page(&open.get("/Patient/p/_history"));
    assert_eq!(lines(&instance), of_p, "HIST-01 HIST-03 HIST-06");
    assert_eq!(instance["total"], 5, "HIST-04");
    let of_type = page(&open.get("/Patient/_history"));
    assert_eq!(lines(&of_type)[0], "POST Patient 201 W/\"1\"", "HIST-03");
    assert_eq!(lines(&of_type)[1..], of_p, "HIST-01");
    let system = page(&open.get("/_history"));
    assert_eq!(lines(&system).len(), 7, "HIST-01");
    assert_eq!(lines(&system)[1], "POST Organization 201 W/\"1\"", "HIST-03");
    let full_urls: Vec<_> = system["entry"].as_array().unwrap().iter().map(|entry| text(&entry["fullUrl"])).collect();
    assert_eq!(
        full_urls[..2],
        [format!("{BASE}/Patient/{other}"), format!("{BASE}/Organization/{organization}")],
        "HIST-02"
    );
    let mut before = "9".to_owned();
    for entry in instance["entry"].as_array().unwrap() {
        let (etag, modified) = (text(&entry["response"]["etag"]), text(&entry["response"]["lastModified"]));
        assert!(modified < before.as_str(), "HIST-01 {modified} {before}");
        before = modified.to_owned();
        let version = open.get(&format!("/Patient/p/_history/{}", etag.trim_matches(['W', '/', '"'])));
        assert_eq!(version.header("etag"), Some(etag), "HIST-06");
        if entry["request"]["method"] == "DELETE" {
            assert_eq!((entry.get("resource"), version.status), (None, 410), "HIST-02");
        } else {
            assert_eq!((&entry["resource"], version.status), (&version.json(), 200), "HIST-02 HIST-06");
            assert_eq!(entry["resource"]["meta"]["lastUpdated"], modified, "HIST-02");
        }
        assert_eq!(text(&entry["fullUrl"]), format!("{BASE}/Patient/p"), "HIST-02");
    }
    open.delete("/Patient/p");
    assert_eq!(lines(&page(&open.get("/Patient/p/_history")))[0], "DELETE Patient/p 204 W/\"6\"", "HIST-05");
    for path in ["/Patient/unknown/_history", "/Observation/p/_history", "/Patient/unknown/_history?_count=0"] {
        let answer = open.get(path);
        assert_eq!((answer.status, issue(&answer).0.as_str()), (404, "not-found"), "HIST-05 {path}");
    }
    assert_eq!(open.send("POST", "/Patient/p/_history", "{}", &[]).status, 405, "HIST-01");
}

#[test]
fn a_history_is_narrowed_and_paged() {
    let (open, ..) = written();
    let all = page(&open.get("/Patient/p/_history"));
    let instants: Vec<String> =
        all["entry"].as_array().unwrap().iter().map(|e| text(&e["response"]["lastModified"]).to_owned()).collect();
    let after = |instant: &str| instant.replace('+', "%2B");
    for (row, query, etags) in [
        ("HIST-04", format!("_since={}", after(&instants[1])), "5 4"),
        ("HIST-04", format!("_since={}", instants[1]), "5 4"),
        ("HIST-04", format!("_at={}", after(&instants[2])), "3"),
        ("HIST-04", "_at=2026".into(), "5 4 3 2 1"),
        ("HIST-04", "_since=2099-01-01".into(), ""),
        ("HIST-04", "_since=1999".into(), "5 4 3 2 1"),
        ("HIST-04", "_count=2".into(), "5 4"),
        ("HIST-04", "_count=0".into(), ""),
        ("HIST-04", "_count=100000&_format=json".into(), "5 4 3 2 1"),
    ] {
        let bundle = page(&open.get(&format!("/Patient/p/_history?{query}")));
        let found: Vec<_> = lines(&bundle).iter().map(|l| l.split('"').nth(1).unwrap().to_owned()).collect();
        assert_eq!(found.join(" "), etags, "{row} {query}");
        let total = if query.starts_with("_count") { 5 } else { found.len() };
        assert_eq!(bundle["total"], total, "{row} {query}");
        assert!(relation(&bundle, "self").is_some(), "{row}");
    }
    for query in ["_since=yesterday", "_count=-1", "_count=x", "_at=x", "_cursor=x", "nonsense=1"] {
        assert_eq!(open.get(&format!("/Patient/p/_history?{query}")).status, 400, "HIST-04 {query}");
    }
    // Pages follow one another whatever is written meanwhile, and a page of a narrowed history is narrowed too.
    for (path, count) in [
        ("/Patient/p/_history?_count=2", 5),
        ("/_history?_count=3", 7),
        ("/Patient/_history?_count=1&_at=2026", 6),
        ("/Patient/p/_history?_count=2&_at=2026-11", 5),
    ] {
        let (mut next, mut seen) = (Some(path.to_owned()), Vec::new());
        while let Some(url) = next {
            let bundle = page(&open.get(&url));
            assert_eq!(bundle["total"], count, "HIST-04 {url}");
            seen.extend(lines(&bundle));
            next = relation(&bundle, "next");
        }
        assert_eq!(seen.len(), count, "HIST-04 {path} {seen:?}");
        let mut once = seen.clone();
        once.sort();
        once.dedup();
        assert_eq!(once.len(), count, "HIST-04 {path} {seen:?}");
    }
}
