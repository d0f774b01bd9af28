//! What a search finds while others write, after a restart, and in what form it is answered (checklist SRCH, RES, PREFER, PSTR,
//! CAP).

use std::sync::Arc;

use serde_json::{Value, json};

use crate::gateway::{Answer, Ask, BASE, Served, clock, config};
use crate::writes::{Open, patient, text};
use crate::{issue, served};
use tasuki::app::Gateway;
use tasuki::store::Store;

fn ids(answer: &Answer, mode: &str) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let entries = answer.json()["entry"].as_array().cloned().unwrap_or_default();
    let of_mode = entries.iter().filter(|entry| entry["search"]["mode"] == mode);
    of_mode.map(|entry| entry["resource"]["id"].as_str().unwrap_or("-").to_owned()).collect()
}

fn link(answer: &Answer, relation: &str) -> Option<String> {
    let bundle = answer.json();
    let found =
        bundle["link"].as_array()?.iter().find(|link| link["relation"] == relation)?["url"].as_str()?.to_owned();
    Some(found.strip_prefix(BASE).expect("BASE-12").to_owned())
}

/// SRCH-16, SRCH-17: a search sees what is current, at once.
#[test]
fn a_search_sees_current_versions_at_once() {
    let open = Open::new();
    let named = |family: &str| json!({"resourceType": "Patient", "id": "p", "name": [{"family": family}]});
    open.put("/Patient/p", &named("Before"));
    assert_eq!(open.total("/Patient?family=before"), 1, "SRCH-17: created");
    open.put("/Patient/p", &named("After"));
    assert_eq!((open.total("/Patient?family=before"), open.total("/Patient?family=after")), (0, 1), "SRCH-16, SRCH-17");
    let patch = r#"[{"op":"replace","path":"/name/0/family","value":"Patched"}]"#;
    open.send("PATCH", "/Patient/p", patch, &[("content-type", "application/json-patch+json")]);
    assert_eq!(
        (open.total("/Patient?family=after"), open.total("/Patient?family=patched")),
        (0, 1),
        "SRCH-16, SRCH-17"
    );
    let entry = json!({"resource": named("Together"), "request": {"method": "PUT", "url": "Patient/p"}});
    let bundle = json!({"resourceType": "Bundle", "type": "transaction", "entry": [entry]});
    assert_eq!(open.post("/", &bundle).status, 200);
    assert_eq!((open.total("/Patient?family=patched"), open.total("/Patient?family=together")), (0, 1), "SRCH-17");
    open.put(
        "/Observation/o",
        &json!({"resourceType": "Observation", "id": "o", "status": "final",
        "code": {"text": "x"}, "subject": {"reference": "Patient/p"}}),
    );
    assert_eq!(open.total("/Observation?subject.family=together"), 1, "SRCH-17");
    open.delete("/Observation/o");
    for gone in [
        "/Observation?code:text=x",
        "/Observation?_id=o",
        "?_type=Observation",
        "/Patient?_has:Observation:subject:_id=o",
    ] {
        assert_eq!(open.total(gone), 0, "SRCH-16 {gone}");
    }
    open.delete("/Patient/p");
    for gone in ["/Patient?family=together", "/Patient?family=before", "/Patient?_lastUpdated=ge2000", "/Patient?_id=p"]
    {
        assert_eq!(open.total(gone), 0, "SRCH-16 {gone}");
    }
}

/// SRCH-11: refused by role, refused because it costs too much, and each says which.
#[test]
fn a_search_that_is_refused_says_why() {
    let served = served();
    for (client, path, status, code) in [
        ("", "/Condition", 401, "login"),
        ("office", "/Condition", 403, "forbidden"),
        ("agency-a", "/AuditEvent", 403, "forbidden"),
        ("hospital", "/Condition", 400, "too-costly"),
        ("hospital", "/Condition?code=C1", 400, "too-costly"),
    ] {
        let answer = served.get(client, path);
        assert_eq!((answer.status, issue(&answer).0.as_str()), (status, code), "SRCH-11 {client} {path}");
    }
    let deep = "subject:Patient.link.".to_owned() + &"other:Patient.link.".repeat(4) + "active=true";
    let many = format!("code={}", ["x"; 501].join(","));
    for costly in [many, "subject:Patient.link:Patient.link:Patient.link:Patient.link:Patient.active=true".into()] {
        let answer = served.get("agency-a", format!("/Condition?{costly}"));
        assert_eq!((answer.status, issue(&answer).0.as_str()), (400, "too-costly"), "SRCH-11 {deep}");
    }
}

/// SRCH-18: what is contained is no match of its own, and is asked for in no other way.
#[test]
fn what_is_contained_is_found_through_what_contains_it_alone() {
    let open = Open::new();
    open.put(
        "/Observation/o",
        &json!({"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"},
        "contained": [{"resourceType": "Patient", "id": "in", "name": [{"family": "Inside"}]}],
        "subject": {"reference": "#in"}}),
    );
    assert_eq!(open.total("/Patient?family=inside"), 0, "SRCH-18");
    assert_eq!(open.total("/Observation?subject:Patient.family=inside"), 1, "SRCH-18");
    assert_eq!(open.total("/Observation?_contained=false&_containedType=contained"), 1, "SRCH-18");
    for wrong in ["_contained=true", "_contained=both", "_contained=perhaps", "_containedType=nothing"] {
        let answer = open.get(&format!("/Observation?{wrong}"));
        assert_eq!((answer.status, issue(&answer).1.as_str()), (400, "search-value"), "SRCH-18 {wrong}");
    }
}

/// PREFER-05: what is not known is refused, and left out for those who ask for that.
#[test]
fn strict_and_lenient() {
    let open = Open::new();
    open.put("/Patient/p", &json!({"resourceType": "Patient", "id": "p", "active": true}));
    let ask = |prefer: &str| open.send("GET", "/Patient?active=true&colour=red", "", &[("prefer", prefer)]);
    for strict in ["handling=strict", "return=minimal", "handling=nonsense"] {
        let answer = ask(strict);
        assert_eq!((answer.status, issue(&answer).1.as_str()), (400, "search-unknown-parameter"), "PREFER-05 {strict}");
        assert!(answer.body.contains("colour"), "PREFER-05 {}", answer.body);
    }
    for lenient in ["handling=lenient", "return=minimal, handling=lenient"] {
        let answer = ask(lenient);
        assert_eq!(
            (ids(&answer, "match"), ids(&answer, "outcome").len()),
            (vec!["p".into()], 1),
            "PREFER-05 {lenient}"
        );
        assert_eq!(link(&answer, "self").as_deref(), Some("/Patient?active=true"), "PREFER-05");
        assert!(answer.body.contains("colour"), "PREFER-05");
    }
}

/// RES-05, CHAIN-06: what leads nowhere is refused, and left out for those who ask for that.
#[test]
fn what_leads_nowhere_is_refused_or_left_out() {
    let open = Open::new();
    open.put(
        "/Observation/o",
        &json!({"resourceType": "Observation", "id": "o", "status": "final", "code": {"text": "x"}}),
    );
    for (row, wrong) in [
        ("RES-05", "_include=Observation:nope"),
        ("RES-05", "_include=Nothing:subject"),
        ("RES-05", "_include=Observation:subject:Nothing"),
        ("RES-05", "_revinclude=Provenance:nope"),
        ("CHAIN-06", "subject.nope=x"),
        ("CHAIN-06", "subject:Patient.nope=x"),
        ("CHAIN-06", "_has:Observation:nope:code=x"),
        ("CHAIN-06", "_has:Nothing:subject:code=x"),
    ] {
        let path = format!("/Observation?status=final&{wrong}");
        assert_eq!(open.get(&path).status, 400, "{row} {wrong}");
        let lenient = open.send("GET", &path, "", &[("prefer", "handling=lenient")]);
        assert_eq!(
            (ids(&lenient, "match"), ids(&lenient, "outcome").len()),
            (vec!["o".to_owned()], 1),
            "{row} {wrong}"
        );
        assert_eq!(link(&lenient, "self").as_deref(), Some("/Observation?status=final"), "{row} {wrong}");
    }
}

/// RES-17: a part of a resource does not become the whole.
#[test]
fn a_part_is_not_stored_as_the_whole() {
    let open = Open::new();
    let id = open.create(&patient("whole"));
    let path = format!("/Patient/{id}");
    let whole = open.get(&path).json();
    for query in ["_summary=true", "_elements=active", "_summary=data", "_summary=text"] {
        let part = open.get(&format!("{path}?{query}")).json();
        let answer = open.put(&path, &part);
        assert_eq!((answer.status, issue(&answer).1.as_str()), (422, "subsetted"), "RES-17 {query}");
        let found = open.get(&format!("/Patient?_id={id}&{query}")).json()["entry"][0]["resource"].clone();
        assert_eq!(open.put(&path, &found).status, 422, "RES-17 {query}");
    }
    assert_eq!(open.get(&path).json(), whole, "RES-17");
}

/// PSTR-13: what a reference names by its version is included as that version.
#[test]
fn a_named_version_is_included() {
    let open = Open::new();
    for n in 1..=3 {
        open.put("/Patient/p", &json!({"resourceType": "Patient", "id": "p", "name": [{"family": format!("n{n}")}]}));
    }
    let about = |id: &str, reference: &str| {
        open.put(
            &format!("/Observation/{id}"),
            &json!({"resourceType": "Observation", "id": id, "status": "final",
            "code": {"text": "x"}, "subject": {"reference": reference}}),
        );
    };
    about("old", "Patient/p/_history/2");
    about("now", "Patient/p/_history/3");
    about("any", "Patient/p");
    about("none", "Patient/p/_history/9");
    let included = |query: &str| {
        let answer = open.get(&format!("/Observation?{query}&_include=Observation:subject")).json();
        let entries = answer["entry"].as_array().cloned().unwrap_or_default();
        let of_mode = entries.iter().filter(|entry| entry["search"]["mode"] == "include");
        let version = |entry: &Value| {
            assert_eq!(text(&entry["fullUrl"]), format!("{BASE}/Patient/p"), "PSTR-13");
            format!(
                "{} {}",
                text(&entry["resource"]["meta"]["versionId"]),
                text(&entry["resource"]["name"][0]["family"])
            )
        };
        of_mode.map(version).collect::<Vec<_>>().join(", ")
    };
    for (query, expected) in [
        ("_id=old", "2 n2"),
        ("_id=now", "3 n3"),
        ("_id=any", "3 n3"),
        ("_id=none", ""),
        ("_id=old,any,now", "3 n3, 2 n2"),
    ] {
        assert_eq!(included(query), expected, "PSTR-13, RES-04 {query}");
    }
    let chained = open.get("/Observation?_id=old&subject.family=n3");
    assert_eq!(ids(&chained, "match"), ["old"], "PSTR-13");
    assert!(chained.body.contains("search-chain-version"), "PSTR-13 {}", chained.body);
    assert_eq!((open.total("/Observation?subject=Patient/p"), open.total("/Observation?subject=p")), (4, 4), "PSTR-13");
}

/// PSTR-10: an id that is that of resources of several types is refused.
#[test]
fn an_id_alone_may_be_of_one_type() {
    let open = Open::new();
    open.put("/Patient/same", &json!({"resourceType": "Patient", "id": "same"}));
    assert_eq!(open.get("/Observation?subject=same").status, 200, "PSTR-10");
    open.put("/Group/same", &json!({"resourceType": "Group", "id": "same", "type": "person", "actual": true}));
    let answer = open.get("/Observation?subject=same");
    assert_eq!((answer.status, issue(&answer).1.as_str()), (400, "search-ambiguous-reference"), "PSTR-10");
    assert_eq!(open.get("/Observation?subject:Group=same").status, 200, "PSTR-10");
}

/// RES-11: the link to the next page, of a search that is sorted by names, holds when the gateway has been started again.
#[test]
fn links_outlive_a_restart() {
    let store = Store::open_memory();
    let start = || {
        let mut config = config();
        config.open = true;
        Served::new(Arc::new(Gateway::over(store.clone(), &config, clock).expect("the gateway starts")))
    };
    let served = start();
    for (id, family) in [("a", "Anna"), ("b", "Berta"), ("c", "Clara")] {
        let body = json!({"resourceType": "Patient", "id": id, "name": [{"family": family}]});
        assert_eq!(served.ask(Ask::put("", format!("/Patient/{id}"), &body)).status, 201);
    }
    let first = served.get("", "/Patient?_sort=family&_count=1");
    assert_eq!(ids(&first, "match"), ["a"], "RES-07");
    let next = link(&first, "next").expect("another page");
    drop(served);
    let served = start();
    let second = served.get("", next);
    assert_eq!(ids(&second, "match"), ["b"], "RES-11");
    let third = served.get("", link(&second, "next").expect("another page"));
    assert_eq!((ids(&third, "match"), link(&third, "next")), (vec!["c".to_owned()], None), "RES-11");
    // Another store has another secret.
    let mut config = config();
    config.open = true;
    let other = Served::new(Arc::new(Gateway::over(Store::open_memory(), &config, clock).unwrap()));
    assert_eq!(other.get("", link(&first, "next").unwrap()).status, 400, "RES-12");
}

/// NEG-06, NEG-07, SRCH-02: a form says in its body what the answer is to look like, as an address does.
#[test]
fn a_form_says_how_it_wants_to_be_answered() {
    let open = Open::new();
    open.create(&patient("1"));
    let form = |path: &str, body: &str, accept: &str| {
        open.send("POST", path, body, &[("content-type", "application/x-www-form-urlencoded"), ("accept", accept)])
    };
    for (path, body, accept, kind, begins) in [
        ("/Patient/_search", "_format=xml", "application/fhir+json", "application/fhir+xml", "<"),
        ("/Patient/_search", "active=true&_format=application/fhir%2Bxml", "*/*", "application/fhir+xml", "<"),
        ("/_search", "_type=Patient&_format=application%2Fjson", "*/*", "application/json", "{\""),
        ("/Patient/_search", "_pretty=true", "*/*", "application/fhir+json", "{\n"),
        ("/Patient/_search?_pretty=true", "_format=json", "application/fhir+xml", "application/fhir+json", "{\n"),
        ("/Patient/_search", "_format=json", "application/pdf", "application/fhir+json", "{\""),
        ("/Patient/_search", "", "application/fhir+xml", "application/fhir+xml", "<"),
    ] {
        let answer = form(path, body, accept);
        let said = answer.header("content-type").unwrap_or_default().to_owned();
        assert_eq!((answer.status, said.split(';').next()), (200, Some(kind)), "NEG-06 {path} {body} {}", answer.body);
        assert!(answer.body.starts_with(begins), "NEG-07 {path} {body}: {}", answer.body);
    }
    for (body, accept) in
        [("_format=text/html", "*/*"), ("active=true", "application/pdf"), ("_format=ttl", "application/json")]
    {
        let answer = form("/Patient/_search", body, accept);
        assert_eq!((answer.status, issue(&answer).1.as_str()), (406, "not-acceptable"), "NEG-06 {body}");
    }
    let refused = form("/Patient/_search", "colour=red&_format=xml", "*/*");
    assert!(refused.status == 400 && refused.body.contains("<OperationOutcome"), "NEG-06 {}", refused.body);
}

/// CAP-06: no profile is enforced, and none is claimed. CAP-07: what an address knows.
#[test]
fn nothing_is_declared_that_is_not_enforced() {
    let open = Open::new();
    let statement = open.get("/metadata").json();
    assert!(statement.get("instantiates").is_none() && statement.get("implementationGuide").is_none(), "CAP-06");
    let types = statement["rest"][0]["resource"].as_array().unwrap();
    assert!(types.len() > 100, "CAP-06");
    for of in types {
        assert!(of.get("supportedProfile").is_none(), "CAP-06 {}", of["type"]);
        // The profile of a type is that of the standard, which every write is held to.
        let profile = of.get("profile").map(text);
        let own = format!("http://hl7.org/fhir/StructureDefinition/{}", text(&of["type"]));
        assert!(profile.is_none_or(|profile| profile == own), "CAP-06 {profile:?}");
    }
    for path in ["", "/", "/metadata", "/Patient", "/Patient/x", "/Patient/_search"] {
        let answer = open.send("OPTIONS", path, "", &[]);
        assert_eq!((answer.status, answer.body.as_str()), (204, ""), "CAP-07 {path}");
        assert!(answer.header("allow").is_some_and(|allow| allow.contains("GET")), "CAP-07 {path}");
    }
    // An operation that is for POST alone said that it knew GET, which it answers with 405.
    for path in ["/$convert", "/$import", "/Patient/p/$meta-add", "/Patient/p/$meta-delete"] {
        let answer = open.send("OPTIONS", path, "", &[]);
        assert_eq!((answer.status, answer.header("allow")), (204, Some("POST, OPTIONS")), "CAP-07 {path}");
        assert_eq!(open.get(path).header("allow"), Some("POST, OPTIONS"), "BASE-05 {path}");
    }
    let everything = open.send("OPTIONS", "/Patient/p/$everything", "", &[]);
    assert_eq!(everything.header("allow"), Some("GET, HEAD, POST, OPTIONS"), "CAP-07");
}

/// READ-02, READ-09, SRCH-04: what a read says of its version, and that a search gives the same resource.
#[test]
fn a_read_and_a_search_tell_the_same() {
    let open = Open::new();
    let id = open.create(&patient("1"));
    let read = open.get(&format!("/Patient/{id}"));
    assert_eq!(read.header("etag"), Some("W/\"1\""), "READ-02");
    assert!(read.header("last-modified").is_some_and(|at| at.ends_with(" GMT")), "READ-02");
    let found = open.get(&format!("/Patient?_id={id}")).json();
    assert_eq!(found["entry"][0]["resource"], read.json(), "SRCH-04");
}
