//! The audit record over REST: what it says of an access and of a refusal, how it is searched, and what a patient is told of it
//! (checklist CONS-08; IHE BALP 1.1).

use serde_json::{Value, json};

use crate::gateway::{Answer, Ask, BASE};
use crate::operations::{World, condition, patient, world};

fn divided() -> World {
    let world = world();
    world.put(&condition("shown", "1", None));
    world.put(&condition("other", "2", None));
    world.put(&json!({"resourceType": "Organization", "id": "agency-a", "name": "訪問看護 <A>"}));
    world.consents("1", "active");
    world
}

fn newest(world: &World) -> Value {
    world.closed().get("office", "/AuditEvent?_count=1").json()["entry"][0]["resource"].clone()
}

fn ids(answer: &Answer) -> Vec<String> {
    let bundle = answer.json();
    let entries = bundle["entry"].as_array().cloned().unwrap_or_default();
    entries.iter().map(|entry| entry["resource"]["id"].as_str().unwrap().to_owned()).collect()
}

fn coded<'a>(event: &'a Value, kind: &str) -> Vec<&'a Value> {
    let entities = event["entity"].as_array().unwrap().iter();
    entities.filter(|entity| entity["role"]["code"] == kind || entity["type"]["code"] == kind).collect()
}

/// What for, by whom, because of which consent, under which id of the request.
#[test]
fn an_access_is_on_record_with_its_purpose_its_request_and_its_consent() {
    let world = divided();
    let ask = Ask::get("agency-a", "/Condition/shown").with("x-request-id", "0d9e7b1c-5f1a-4a5e-9a53-2f6f1f0e8a11");
    assert_eq!(world.closed().ask(ask).status, 200);
    let event = newest(&world);
    assert_eq!(coded(&event, "XrequestId")[0]["what"]["identifier"]["value"], "0d9e7b1c-5f1a-4a5e-9a53-2f6f1f0e8a11");
    assert_eq!(coded(&event, "Consent")[0]["what"]["reference"], "Consent/consent-1/_history/1");
    assert_eq!(event["purposeOfEvent"][0]["coding"][0]["code"], "COC", "{event}");
    let asked: Vec<_> = event["agent"].as_array().unwrap().iter().filter(|agent| agent["requestor"] == true).collect();
    assert_eq!(asked.len(), 1);
    assert_eq!(asked[0]["who"]["reference"], "Organization/agency-a");
    assert_eq!(asked[0]["purposeOfUse"][0]["coding"][0]["code"], "COC");
    assert_eq!(event["agent"][0]["network"], json!({"address": BASE, "type": "5"}));
    // Whose id is made here is the one that the answer says.
    let ask = Ask::get("agency-a", "/Condition/shown").with("x-request-id", "not plain");
    let answer = world.closed().ask(ask);
    let made = answer.header("x-request-id").unwrap();
    assert_eq!(coded(&newest(&world), "XrequestId")[0]["what"]["identifier"]["value"], made);
}

/// A refusal for want of consent is a decision on record, and the answer is that of something that is not there.
#[test]
fn a_refusal_is_a_decision_on_record_and_nothing_else_changes() {
    let world = divided();
    let missing = world.closed().get("agency-a", "/Condition/missing");
    let two = patient("2");
    for (path, asked) in [
        ("/Condition/other".to_owned(), "read"),
        ("/Condition/other/_history".into(), "history"),
        ("/Condition/other/_history/1".into(), "vread"),
        (format!("/{two}/$everything"), "everything"),
        (format!("/{two}/$summary"), "summary"),
    ] {
        assert_eq!(world.closed().get("agency-a", path.as_str()), missing, "{path}");
        let event = newest(&world);
        assert_eq!(
            (&event["type"]["code"], &event["outcome"], &event["action"]),
            (&json!("110113"), &json!("8"), &json!("E")),
            "{path} {event}"
        );
        let subtypes: Vec<_> =
            event["subtype"].as_array().unwrap().iter().map(|code| code["code"].as_str().unwrap()).collect();
        assert!(subtypes.contains(&"AuthZ-Consent") && subtypes.contains(&asked), "{path} {subtypes:?}");
        assert_eq!(coded(&event, "1")[0]["what"]["reference"], json!(two), "{path} {event}");
    }
    // A version that there never was of what may be seen is no decision.
    assert_eq!(world.closed().get("agency-a", "/Condition/shown/_history/99").status, 404);
    assert_eq!(newest(&world)["outcome"], "4");
    // Where a consent refuses, it is named.
    let mut closed = crate::gateway::consent("closed", "1", "agency-a", "active", Value::Null);
    closed["provision"]["type"] = json!("deny");
    closed["id"] = json!("closed");
    assert!(world.closed().ask(Ask::put("office", "/Consent/closed", &closed)).status < 300);
    assert_eq!(world.closed().get("agency-a", "/Condition/shown").status, 404);
    let event = newest(&world);
    assert_eq!(coded(&event, "Consent")[0]["what"]["reference"], "Consent/closed/_history/1", "{event}");
}

/// Whoever names a patient in a search of whom nothing is open is on record under the patient; whether there is such a patient
/// shows nowhere.
#[test]
fn a_search_that_names_somebody_who_is_closed_is_on_record_under_them() {
    let world = divided();
    let search = |of: &str| world.closed().get("agency-a", format!("/Condition?patient={of}"));
    let (hidden, missing) = (search(&patient("2")), search(&patient("3")));
    assert_eq!((hidden.status, hidden.json()["total"].clone()), (200, json!(0)));
    assert_eq!(hidden.body.replace(&patient("2"), "x"), missing.body.replace(&patient("3"), "x"));
    let event = newest(&world);
    assert_eq!((&event["type"]["code"], &event["outcome"]), (&json!("110113"), &json!("8")), "{event}");
    assert_eq!(coded(&event, "24").len(), 1, "the search itself is there: {event}");
    let both = format!("{},{}", patient("1"), patient("2"));
    assert_eq!(search(&both).json()["total"], 1);
    let audit = world.closed().get("office", "/AuditEvent?_count=2").json();
    let of = |nth: usize| {
        let event = &audit["entry"][nth]["resource"];
        (event["outcome"].clone(), coded(event, "1")[0]["what"]["reference"].clone())
    };
    assert_eq!([of(0), of(1)], [(json!("0"), json!(patient("1"))), (json!("8"), json!(patient("2")))]);
    assert_eq!(search(&patient("1")).json()["total"], 1);
    assert_eq!(newest(&world)["outcome"], "0");
}

#[test]
fn the_record_is_searched_page_by_page_and_by_what_it_says() {
    let world = divided();
    let one = patient("1");
    for path in ["/Condition/shown", "/Condition/other", "/Condition?code=x", "/Condition/shown", "/Condition/shown"] {
        world.closed().get("agency-a", path);
    }
    world.closed().get("agency-b", "/Condition/shown");
    let count = |query: &str| {
        let answer = world.closed().get("office", format!("/AuditEvent?_count=1000&{query}"));
        assert_eq!(answer.status, 200, "{query} {}", answer.body);
        ids(&answer).len()
    };
    for (query, expected) in [
        ("subtype=read&outcome=0".to_owned(), 3),
        (format!("patient={one}&subtype=read"), 4),
        (format!("patient={one}&subtype=read&agent=Organization/agency-b"), 1),
        ("entity=Condition/other".into(), 0),
        (format!("type=110113&patient={one}"), 1),
        (format!("type=110113&patient={one},{}", patient("2")), 2),
        ("action=E&subtype=search&agent=agency-a".into(), 1),
        (format!("patient={one}&subtype=read&date=ge2026-11-21"), 4),
        (format!("patient={one}&date=lt2026-11-21"), 0),
        ("subtype=read&date=gt2026-11-21".into(), 0),
    ] {
        assert_eq!(count(&query), expected, "{query}");
    }
    for query in [format!("patient={one}&subtype=read"), "subtype=read".into()] {
        let all = ids(&world.closed().get("office", format!("/AuditEvent?_count=1000&{query}")));
        let (mut paged, mut next) = (Vec::new(), Some(format!("/AuditEvent?_count=1&{query}")));
        while let Some(path) = next.take().filter(|_| paged.len() <= all.len()) {
            let answer = world.closed().get("office", path);
            paged.extend(ids(&answer));
            let bundle = answer.json();
            let links = bundle["link"].as_array().unwrap().iter();
            let url = links.filter(|link| link["relation"] == "next").find_map(|link| link["url"].as_str());
            next = url.map(|url| url.strip_prefix(BASE).unwrap().to_owned());
        }
        assert_eq!(paged, all, "{query}");
    }
    assert_eq!(world.closed().get("office", "/AuditEvent?agent-name=x").status, 400);
    assert_eq!(world.closed().get("agency-a", "/AuditEvent?type=rest").status, 403);
}

fn report_of(number: &str) -> String {
    format!("/{}/$access-report", patient(number))
}

#[test]
fn who_has_seen_what_about_me_is_one_question() {
    let world = divided();
    for path in ["/Condition/shown", "/Condition?code:missing=false", "/Condition/other"] {
        world.closed().get("agency-a", path);
    }
    world.closed().get("agency-b", "/Condition/shown");
    let answer = world.closed().get("office", report_of("1"));
    assert_eq!(answer.status, 200, "{}", answer.body);
    let report = answer.json();
    let all = report["parameter"].as_array().unwrap();
    let named = |name: &str| all.iter().filter(|one| one["name"] == name).collect::<Vec<_>>();
    assert_eq!(named("patient")[0]["valueReference"]["reference"], json!(patient("1")));
    let part = |of: &Value, name: &str| {
        let mut parts = of["part"].as_array().unwrap().iter();
        parts.find(|part| part["name"] == name).cloned().unwrap_or_default()
    };
    let of_a = |one: &&&Value| part(one, "organization")["valueReference"]["reference"] == "Organization/agency-a";
    let seen: Vec<_> = named("access").iter().filter(|one| of_a(one)).map(|one| (*one).clone()).collect();
    let told = |one: &Value| {
        (
            part(one, "what")["valueCoding"]["code"].clone(),
            part(one, "type")["valueCode"].clone(),
            part(one, "resources")["valueInteger"].clone(),
        )
    };
    assert_eq!(told(&seen[0]), (json!("search"), json!("Condition"), json!(1)));
    assert_eq!(told(&seen[1]), (json!("read"), json!("Condition"), json!(1)));
    assert_eq!(part(&seen[1], "purpose")["valueCoding"]["code"], "COC");
    assert_eq!(part(&seen[1], "consent")["valueReference"]["reference"], "Consent/consent-1/_history/1");
    assert_eq!(part(&seen[1], "organization")["valueReference"]["display"], "訪問看護 <A>");
    let days: Vec<_> = named("summary").into_iter().filter(|one| of_a(&one)).collect();
    assert_eq!(days.len(), 1);
    assert_eq!(
        (part(days[0], "day")["valueDate"].clone(), part(days[0], "accesses")["valueInteger"].clone()),
        (json!("2026-11-21"), json!(2))
    );
    assert!(named("access").iter().any(|one| part(one, "outcome")["valueCode"] == "8"), "attempts are told too");
    assert!(!answer.body.contains("Condition/other"), "nothing of anybody else");
    // That the office looked is told the next time.
    let again = world.closed().get("office", report_of("1")).body;
    assert!(again.contains("access-report"));
    // A span of time, and page by page.
    let of = |query: &str| world.closed().get("office", format!("{}?{query}", report_of("1"))).json();
    let accesses =
        |report: &Value| report["parameter"].as_array().unwrap().iter().filter(|one| one["name"] == "access").count();
    assert_eq!(accesses(&of("end=2026-11-20")), 0);
    assert!(accesses(&of("start=2026-11-21&end=2026-11-21")) > 2);
    let page = of("_count=1&start=2026-11-21");
    let next = page["parameter"].as_array().unwrap().iter().find(|one| one["name"] == "next").unwrap();
    let next = next["valueUri"].as_str().unwrap().strip_prefix(BASE).unwrap();
    assert!(next.contains("start=2026-11-21&_cursor="));
    assert!(accesses(&world.closed().get("office", next).json()) > 1);
}

#[test]
fn the_page_is_for_people_and_the_operation_for_the_office() {
    let world = divided();
    world.closed().get("agency-a", "/Condition/shown");
    let path = report_of("1");
    let page = world.closed().ask(Ask::get("office", path.as_str()).with("accept", "text/html"));
    assert_eq!((page.status, page.header("content-type")), (200, Some("text/html; charset=utf-8")));
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.starts_with("default-src 'none'; style-src 'sha256-") && !policy.contains("unsafe"));
    assert_eq!(page.header("x-content-type-options"), Some("nosniff"));
    for expected in [
        "日時",
        "機関",
        "目的",
        "見た情報の種類",
        "根拠（同意）",
        "訪問看護 &lt;A&gt;",
        "ケアの連携",
        "病名（閲覧、1件）",
        "同意 consent-1（第1版）",
    ] {
        assert!(page.body.contains(expected), "{expected} in {}", page.body);
    }
    assert!(!page.body.contains("<A>") && !page.body.contains("<script"));
    assert_eq!(world.closed().ask(Ask::get("office", path.as_str()).with("accept", "application/pdf")).status, 406);
    assert_eq!(world.open().get("", path.as_str()).status, 200);
    // For others it is not there: not of one they may see, nor of one they may not, nor of nobody.
    let refused = world.closed().get("agency-a", path.as_str());
    assert_eq!(refused.status, 403);
    for of in ["1", "2", "3"] {
        for client in ["agency-a", "agency-b", "hospital", "lab-only"] {
            for accept in ["application/fhir+json", "text/html"] {
                let answer = world.closed().ask(Ask::get(client, report_of(of)).with("accept", accept));
                assert_eq!((answer.status, answer.json()), (403, refused.json()), "{client} {of}");
            }
        }
    }
    assert_eq!(world.closed().get("nobody", path.as_str()).status, 401);
    // Of one who is not there nobody has seen anything; what is no id of a patient is not there.
    assert_eq!(world.closed().get("office", report_of("3")).status, 200);
    assert_eq!(world.closed().get("office", "/Patient/nobody/$access-report").status, 404);
    assert_eq!(world.closed().get("office", format!("{path}?nonsense=1")).status, 400);
    assert_eq!(world.closed().get("office", format!("{path}?start=x")).status, 400);
}
