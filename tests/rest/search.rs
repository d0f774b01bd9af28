//! Search over HTTP (checklist SRCH, CHAIN, PALL, RES): the variants of the request, links, pages, modes, leniency.

use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::store::Store;

use crate::gateway::{Answer, Ask, BASE, Served, clock, config};
use crate::issue;

/// An open gateway with two patients, their results, a doctor and an organisation.
fn open() -> Served {
    let mut config = config();
    config.open = true;
    let served = Served::new(std::sync::Arc::new(Gateway::over(Store::open_memory(), &config, clock).unwrap()));
    let result = |id: &str, patient: &str, code: &str, date: &str| {
        json!({"resourceType": "Observation", "id": id, "status": "final", "effectiveDateTime": date,
            "code": {"coding": [{"system": "http://loinc.org", "code": code}]},
            "subject": {"reference": format!("Patient/{patient}")}, "performer": [{"reference": "Practitioner/dr"}]})
    };
    let patient = |id: &str, family: &str| {
        json!({"resourceType": "Patient", "id": id, "name": [{"family": family, "given": ["Example"]}],
            "managingOrganization": {"reference": "Organization/org"}})
    };
    for resource in [
        json!({"resourceType": "Organization", "id": "org", "name": "Example Hospital"}),
        json!({"resourceType": "Practitioner", "id": "dr", "name": [{"family": "Doctor"}]}),
        patient("p", "Müller"),
        patient("q", "Quentin"),
        result("a", "p", "1", "2026-01-01"),
        result("b", "p", "2", "2026-02-01"),
        result("c", "p", "1", "2026-03-01"),
        result("d", "q", "1", "2026-04-01"),
    ] {
        let path = format!("/{}/{}", resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        let put = served.ask(Ask::put("", path.as_str(), &resource));
        assert!(matches!(put.status, 200 | 201), "{path}: {}", put.body);
    }
    served
}

/// The ids of the entries of a mode, in the order of the answer.
fn ids(answer: &Answer, mode: &str) -> String {
    assert_eq!(answer.status, 200, "{}", answer.body);
    let bundle = answer.json();
    assert_eq!((&bundle["resourceType"], &bundle["type"]), (&json!("Bundle"), &json!("searchset")), "SRCH-01");
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    let of_mode = entries.iter().filter(|entry| entry["search"]["mode"] == mode);
    let id = |entry: &Value| {
        let resource = &entry["resource"];
        let id = resource["id"].as_str().unwrap_or("-").to_owned();
        if mode != "outcome" {
            let url = format!("{BASE}/{}/{id}", resource["resourceType"].as_str().unwrap());
            assert_eq!(entry["fullUrl"], url, "SRCH-04");
        }
        id
    };
    of_mode.map(id).collect::<Vec<_>>().join(" ")
}

fn sorted(answer: &Answer, mode: &str) -> String {
    let mut all: Vec<String> = ids(answer, mode).split_whitespace().map(str::to_owned).collect();
    all.sort();
    all.join(" ")
}

fn link(answer: &Answer, relation: &str) -> Option<String> {
    let bundle = answer.json();
    let found =
        bundle["link"].as_array()?.iter().find(|link| link["relation"] == relation)?["url"].as_str()?.to_owned();
    Some(found.strip_prefix(BASE).expect("BASE-12").to_owned())
}

fn form(path: &str, body: &str) -> Ask {
    Ask { method: "POST", body: body.into(), ..Ask::get("", path) }
        .with("content-type", "application/x-www-form-urlencoded")
}

#[test]
fn searches_find_what_they_ask_for() {
    let served = open();
    for (row, path, expected) in [
        ("SRCH-01", "/Observation?code=nothing", ""),
        ("SRCH-12", "/Observation?code=1&patient=p", "a c"),
        ("SRCH-12", "/Observation?code=1,2&patient=Patient/p", "a b c"),
        ("SRCH-13", "/Observation?patient=p&code=1&status=", "a c"),
        ("SRCH-14", "?_type=Patient,Practitioner&family=Muller", "p"),
        ("SRCH-14", "?_type=Patient,Observation&_id=a,p", "a p"),
        ("SRCH-14", "?_id=a,dr,org", "a dr org"),
        ("SRCH-15", "/Patient/p/Observation", "a b c"),
        ("SRCH-15", "/Patient/p/Observation?code=2", "b"),
        ("SRCH-15", "/Patient/p/*", "a b c p"),
        ("SRCH-15", "/Patient/p/*?_type=Observation&_lastUpdated=ge2020", "a b c"),
        ("SRCH-15", "/Practitioner/dr/Observation", "a b c d"),
        ("SRCH-15", "/Patient/nobody/Observation", ""),
        ("SRCH-02", "/Observation/_search?code=2", "b"),
        ("PTYPE-13", "/Observation?date=ge2026-02&date=lt2026-04", "b c"),
        ("PSTR-01", "/Patient?name=muller", "p"),
        ("PSTR-10", "/Observation?subject=http://gateway.example/fhir/Patient/q", "d"),
        ("CHAIN-01", "/Observation?subject.name=m%C3%BCller", "a b c"),
        ("CHAIN-01", "/Observation?subject:Patient.organization.name=example", "a b c d"),
        ("CHAIN-05", "/Patient?_has:Observation:patient:code=2", "p"),
        ("CHAIN-07", "/Observation?_filter=code%20eq%202%20or%20subject%20eq%20Patient/q", "b d"),
        ("PALL-01", "/Patient?_id=p,nobody", "p"),
        ("PALL-02", "/Patient?_lastUpdated=gt2099", ""),
    ] {
        assert_eq!(sorted(&served.get("", path), "match"), expected, "{row}: {path}");
    }
}

#[test]
fn a_form_is_as_good_as_an_address() {
    let served = open();
    let by_form = served.ask(form("/Observation/_search?code=1", "patient=p&_sort=date"));
    assert_eq!(ids(&by_form, "match"), "a c", "SRCH-02");
    assert_eq!(link(&by_form, "self").as_deref(), Some("/Observation?code=1&patient=p&_sort=date"), "SRCH-05");
    assert_eq!(served.get("", link(&by_form, "self").unwrap()).body, by_form.body, "SRCH-05");
    assert_eq!(sorted(&served.ask(form("/_search", "_type=Observation&code=2")), "match"), "b", "SRCH-14");
    assert_eq!(sorted(&served.ask(form("/Patient/p/Observation/_search", "code=2")), "match"), "b", "SRCH-15");
    assert_eq!(sorted(&served.ask(form("/Patient/_search", "name=M%C3%BCller&given=Exam+")), "match"), "p", "SRCH-03");
    let typed = |kind: &'static str| {
        Ask { method: "POST", body: b"code=1".to_vec(), ..Ask::get("", "/Observation/_search") }
            .with("content-type", kind)
    };
    for (kind, status) in [
        ("application/x-www-form-urlencoded; charset=UTF-8", 200),
        ("application/json", 415),
        ("text/plain", 415),
        ("application/fhir+json", 415),
    ] {
        assert_eq!(served.ask(typed(kind)).status, status, "SRCH-03 {kind}");
    }
}

#[test]
fn what_is_wrong_is_refused_by_name() {
    let served = open();
    for (row, path, rule) in [
        ("SRCH-07", "/Patient?birthdate=foo", "search-value"),
        ("SRCH-07", "/Patient?_count=-1", "search-value"),
        ("SRCH-07", "/Observation?value-quantity=abc", "search-value"),
        ("SRCH-07", "/Patient?_sort=nope", "search-value"),
        ("SRCH-10", "/Patient?name:nope=x", "search-modifier"),
        ("SRCH-14", "?_type=Patient,Observation&family=x", "search-not-common"),
        ("SRCH-14", "?family=x", "search-not-common"),
        ("PTYPE-10", "/Observation?date=2026-01-01T10", "search-value"),
        ("PTYPE-14", "/Observation?date=2013-02-30", "search-value"),
        ("PSTR-09", "/Observation?code:in=http://nowhere.example", "search-value-set"),
        ("PSTR-16", r"/Patient?name=a\b", "search-value"),
        ("PSTR-17", "/Patient?name:missing=perhaps", "search-value"),
        ("CHAIN-06", "/Observation?subject.nope=x", "search-chain"),
        ("CHAIN-07", "/Patient?_query=latest", "search-named-query"),
        ("RES-05", "/Observation?_include=Observation:nope", "search-value"),
        ("RES-16", "/Observation?_summary=text&_include=Observation:subject", "search-summary-text"),
        ("RES-12", "/Observation?_cursor=abcd", "search-value"),
    ] {
        let answer = served.get("", path);
        assert_eq!((answer.status, issue(&answer).1.as_str()), (400, rule), "{row}: {path}");
        assert!(!answer.body.contains("perhaps"), "values are not repeated");
        // But for a value set, which is named.
        assert_eq!(answer.body.contains("nowhere"), rule == "search-value-set", "{path}");
    }
}

#[test]
fn unknown_parameters_are_left_out_for_the_lenient() {
    let served = open();
    assert_eq!(served.get("", "/Patient?colour=red").status, 400, "SRCH-09");
    let lenient = served.ask(Ask::get("", "/Patient?colour=red&family=Muller").with("prefer", "handling=lenient"));
    assert_eq!((ids(&lenient, "match").as_str(), ids(&lenient, "outcome").as_str()), ("p", "-"), "SRCH-09, SRCH-06");
    assert_eq!(link(&lenient, "self").as_deref(), Some("/Patient?family=Muller"), "SRCH-05");
    assert_eq!(lenient.json()["total"], 1, "SRCH-06");
    let modifier = Ask::get("", "/Patient?family:nope=x").with("prefer", "handling=lenient");
    assert_eq!(served.ask(modifier).status, 400, "SRCH-10");
}

#[test]
fn pages_are_linked_both_ways() {
    let served = open();
    let first = served.get("", "/Observation?_sort=-date&_count=3");
    assert_eq!((ids(&first, "match").as_str(), &first.json()["total"]), ("d c b", &json!(4)), "RES-06, RES-10");
    assert_eq!(link(&first, "previous"), None, "RES-11");
    let last = served.get("", link(&first, "next").unwrap());
    assert_eq!((ids(&last, "match").as_str(), link(&last, "next")), ("a", None), "RES-11");
    assert_eq!(served.get("", link(&last, "self").unwrap()).body, last.body, "SRCH-05");
    assert_eq!(link(&last, "first").as_deref(), Some("/Observation?_sort=-date&_count=3"));
    assert_eq!(ids(&served.get("", link(&last, "previous").unwrap()), "match"), "d c b", "RES-11");
    let clamped = served.get("", "/Observation?_count=5000");
    assert_eq!(link(&clamped, "self").as_deref(), Some("/Observation?_count=1000"), "RES-08");
    for none in ["_count=0", "_summary=count"] {
        let answer = served.get("", format!("/Observation?{none}"));
        assert_eq!((answer.json()["total"].as_u64(), answer.json()["entry"].as_array()), (Some(4), None), "RES-09");
        assert_eq!((link(&answer, "next"), link(&answer, "previous")), (None, None), "RES-09");
    }
}

#[test]
fn includes_come_with_their_matches() {
    let served = open();
    for (row, query, included) in [
        ("RES-01", "_id=a&_include=Observation:subject", "p"),
        ("RES-01", "code=1&_include=Observation:patient&_include=Observation:performer:Practitioner", "dr p q"),
        ("RES-01", "_id=a&_include=Observation:*", "dr p"),
        ("RES-03", "_id=a&_include=Observation:subject&_include:iterate=Patient:organization", "org p"),
        ("RES-03", "_id=a&_include=Observation:subject&_include=Patient:organization", "p"),
    ] {
        let answer = served.get("", format!("/Observation?{query}"));
        assert_eq!(sorted(&answer, "include"), included, "{row}: {query}");
        let matches = ids(&answer, "match").split_whitespace().count();
        assert_eq!(answer.json()["total"], matches, "RES-01");
    }
    let reverse = served.get("", "/Patient?_id=p&_revinclude=Observation:subject");
    assert_eq!((ids(&reverse, "match").as_str(), sorted(&reverse, "include").as_str()), ("p", "a b c"), "RES-02");
    let directory = served.get("", "/Practitioner?_id=dr&_revinclude=Observation:performer&_count=1");
    assert_eq!(sorted(&directory, "include"), "a b c d", "RES-02");
}

#[test]
fn parts_of_matches_are_marked() {
    let served = open();
    let resource =
        |query: &str| served.get("", format!("/Patient?_id=p&{query}")).json()["entry"][0]["resource"].clone();
    for (row, query, name, organization) in [
        ("RES-14", "_summary=true", true, true),
        ("RES-14", "_summary=text", false, false),
        ("RES-14", "_summary=data", true, true),
        ("RES-15", "_elements=name", true, false),
        ("RES-15", "_elements=managingOrganization,nope", false, true),
    ] {
        let found = resource(query);
        assert_eq!(found["meta"]["tag"][0]["code"], "SUBSETTED", "{row}: {query}");
        let has = (found.get("name").is_some(), found.get("managingOrganization").is_some());
        assert_eq!(has, (name, organization), "{row}: {query}");
    }
    assert!(resource("_summary=false")["meta"].get("tag").is_none());
    let included = served.get("", "/Observation?_id=a&_elements=status&_include=Observation:subject").json();
    assert!(included["entry"][1]["resource"].get("name").is_some(), "RES-15: what is included is whole");
}

#[test]
fn everything_is_paged_and_narrowed() {
    let served = open();
    let everything = |query: &str| served.get("", format!("/Patient/p/$everything{query}"));
    let all = everything("");
    assert_eq!(sorted(&all, "match"), "a b c p", "OPS-06");
    assert!(ids(&all, "match").starts_with("p "), "the Patient comes first");
    assert_eq!(sorted(&all, "include"), "dr org", "OPS-06");
    for (query, expected) in [
        ("?_type=Observation", "a b c"),
        ("?start=2026-02-01&_type=Observation", "b c"),
        ("?end=2026-02-01", "a b p"),
        ("?start=2026-02&end=2026-02&_type=Observation", "b"),
        ("?_since=2099-01-01T00:00:00Z", ""),
    ] {
        assert_eq!(sorted(&everything(query), "match"), expected, "OPS-06 {query}");
    }
    for wrong in ["?start=x", "?colour=red", "?_type=Nothing", "?_count=x", "?_since="] {
        let status = everything(wrong).status;
        assert_eq!(status, if wrong == "?_since=" { 200 } else { 400 }, "{wrong}");
    }
    let (mut seen, mut next) = (Vec::new(), Some("/Patient/p/$everything?_count=3".to_owned()));
    while let Some(path) = next {
        let page = served.get("", path);
        seen.push(ids(&page, "match"));
        next = link(&page, "next");
    }
    assert_eq!(seen.join(" ").split_whitespace().count(), 4);
    assert_eq!(seen.len(), 2);
}

/// RES-13, CONS-02: a link holds a place and no right.
#[test]
fn a_link_of_somebody_else_shows_nothing_more() {
    use crate::gateway::{HOSPITAL, bundle, condition, consent, letter, over, receive};
    let store = Store::open_memory();
    let conditions: Vec<Value> = (0..6).map(|n| condition("b", &format!("C{n}"), None)).collect();
    receive(&store, &letter(HOSPITAL, "", &bundle("1", "b", &conditions)));
    receive(&store, &letter("", "c", &consent("c", "1", "agency-a", "active", Value::Null)));
    let served = Served::new(over(store));
    let first = served.get("agency-a", "/Condition?_count=2");
    assert_eq!(first.json()["total"], 6);
    let next = link(&first, "next").unwrap();
    assert_eq!(served.get("agency-a", next.as_str()).json()["entry"].as_array().unwrap().len(), 2);
    let other = served.get("agency-b", next.as_str());
    assert_eq!((other.status, &other.json()["total"], other.json().get("entry")), (200, &json!(0), None), "RES-13");
    for path in [
        "/Condition?subject.active=true",
        "/Patient?_has:Condition:subject:code=C1",
        "/Condition?_include=Condition:subject",
        "?_type=Condition,Patient",
        "/Patient/*/x",
    ] {
        let (mine, theirs) = (served.get("agency-a", path), served.get("agency-b", path));
        assert_eq!(theirs.status, mine.status, "{path}");
        assert!(theirs.status != 200 || theirs.json().get("entry").is_none(), "CHAIN-08, RES-18 {path}");
    }
    assert_eq!(served.get("agency-a", "/Condition?subject.active=true").json()["total"], 6);
}
