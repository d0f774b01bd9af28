//! What consent hides is not there, on whatever road somebody comes (checklist CONS, HIST-07, READ-09).

use serde_json::{Value, json};

use crate::gateway::{
    Answer, Ask, HOSPITAL, NOW, Served, bundle, condition as sent, consent, key, letter, over, receive,
};
use crate::operations::{INDICATION, World, composition, condition, observation, patient, world};
use tasuki::store::Store;

const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";

/// Patient 1 has agreed to agency-a, patient 2 has not. Of patient 1 a finding is labelled, and an Observation, a visit and a
/// document tell of it.
fn divided() -> World {
    let world = world();
    world.put(&condition("shown", "1", None));
    world.put(&condition("secret", "1", Some("UNINFORMED")));
    world.put(&condition("other", "2", None));
    world.put(&observation("o-shown", "1", "1", "2026-01-01"));
    let mut about = observation("o-secret", "1", "777", "2026-01-02");
    about["focus"] = json!([{"reference": "Condition/secret"}]);
    world.put(&about);
    // By its URL here, which is another name of the same.
    about["id"] = json!("o-secret-too");
    about["focus"] = json!([{"reference": format!("{}/Condition/secret", crate::gateway::BASE)}]);
    world.put(&about);
    world.put(&observation("o-other", "2", "777", "2026-01-03"));
    world.put(&composition("letter", "1", &["Condition/shown", "Condition/secret"]));
    world.put(&json!({"resourceType": "Group", "id": "group", "type": "person", "actual": true,
        "member": [{"entity": {"reference": patient("2")}}]}));
    world.consents("1", "active");
    world
}

/// Nothing of it tells of what is hidden; links repeat what was asked.
fn tells_nothing(row: &str, asked: &str, answer: &Answer) {
    let mut body: Value = serde_json::from_str(&answer.body).unwrap_or_else(|_| json!(answer.body));
    if let Some(members) = body.as_object_mut() {
        members.remove("link");
    }
    let text = body.to_string();
    for word in ["secret", "見本2", "o-other", "Condition/other", &patient("2")] {
        assert!(!text.contains(word), "{row}: {asked} tells of {word}: {text}");
    }
}

/// CONS-01, CONS-02, RES-18, CHAIN-08: one caller, every road, and nothing that is hidden at the end of any.
#[test]
fn what_is_hidden_is_at_the_end_of_no_road() {
    let world = divided();
    let (one, two) = (patient("1"), patient("2"));
    let roads = [
        ("/Condition".to_owned(), Some(1)),
        ("/Condition?_summary=count".into(), Some(1)),
        ("/Condition?_count=0&_total=accurate".into(), Some(1)),
        ("/Observation".into(), Some(1)),
        ("/Observation?code=777".into(), Some(0)),
        ("/Observation?_sort=-date&_count=1".into(), Some(1)),
        ("/Observation?focus=Condition/secret".into(), Some(0)),
        ("/Observation?focus.clinical-status=active".into(), Some(0)),
        ("/Patient?_has:Observation:patient:code=777".into(), Some(0)),
        ("/Patient?_has:Condition:patient:_id=secret,other".into(), Some(0)),
        ("/Observation?patient.family=%E8%A6%8B%E6%9C%AC2".into(), Some(0)),
        ("/Patient?_id=nobody&_include=*&_revinclude=*".into(), Some(0)),
        (format!("/{one}?_elements=name"), None),
        (format!("/Patient?_id={}&_revinclude=*&_include=*", one.replace("Patient/", "")), Some(1)),
        (format!("/{one}/Condition"), Some(1)),
        (format!("/{one}/*"), None),
        (format!("/{two}/*"), Some(0)),
        (format!("/{one}/$everything"), None),
        (format!("/{two}/$everything"), None),
        (format!("/{one}/$summary"), None),
        ("/Condition/_history".into(), Some(1)),
        ("/_history".into(), None),
        ("/Condition/secret/_history".into(), None),
        ("/Condition/secret/_history/1".into(), None),
        ("/Condition/secret".into(), None),
        ("/Condition/other".into(), None),
        ("/Composition/letter/$document".into(), None),
        ("/Observation/$lastn?code:missing=false&patient=".to_owned() + &one, None),
        ("?_type=Condition,Observation".into(), Some(2)),
        ("?_content=secret".into(), Some(0)),
        ("/Condition?_list=nothing".into(), Some(0)),
        ("/Condition?_filter=code%20pr%20true".into(), Some(1)),
    ];
    let closed = world.closed();
    for (road, total) in &roads {
        let answer = closed.get("agency-a", road.as_str());
        tells_nothing("CONS-01", road, &answer);
        if let Some(total) = total {
            assert_eq!(
                (answer.status, &answer.json()["total"]),
                (200, &json!(total)),
                "CONS-02 {road} {}",
                answer.body
            );
        }
    }
    // In a batch, and page by page.
    let entry = |(road, _): &(String, _)| json!({"request": {"method": "GET", "url": road.trim_start_matches('/')}});
    let batch =
        json!({"resourceType": "Bundle", "type": "batch", "entry": roads.iter().map(entry).collect::<Vec<_>>()});
    let answer = closed.ask(Ask::post("agency-a", "/", &batch)).json();
    assert_eq!(answer["entry"].as_array().map(Vec::len), Some(roads.len()), "CONS-01 {answer}");
    for (part, (road, _)) in answer["entry"].as_array().unwrap().iter().zip(&roads) {
        let body = part["resource"].to_string();
        tells_nothing("CONS-01", road, &Answer { body, ..closed.get("agency-a", "/nothing") });
    }
    let mut next = Some("/Observation?_count=1".to_owned());
    while let Some(path) = next {
        let page = closed.get("agency-a", path.as_str());
        tells_nothing("CONS-02", &path, &page);
        let links = page.json()["link"].as_array().cloned().unwrap_or_default();
        let link = links.iter().find(|link| link["relation"] == "next").and_then(|link| link["url"].as_str());
        next = link.map(|url| url.replace(crate::gateway::BASE, ""));
    }
    // The test can fail: where everybody may see everything, the same roads lead there.
    assert!(
        world.get("/Condition").body.contains("secret") && world.get("/Observation?code=777").body.contains("o-other")
    );
}

/// CONS-07, READ-09: what is hidden and what never was are told apart by nothing that is sent.
#[test]
fn hidden_and_absent_are_one() {
    let world = divided();
    let closed = world.closed();
    let there = [
        ("Condition/secret", "Condition/nothing"),
        ("Condition/other", "Condition/nobody"),
        ("Observation/o-secret", "Observation/o-nothing"),
    ];
    for (hidden, absent) in there {
        for (method, below, header) in [
            ("GET", "", ("accept", "*/*")),
            ("HEAD", "", ("accept", "*/*")),
            ("GET", "", ("if-none-match", "W/\"1\"")),
            ("GET", "", ("if-modified-since", "Sat, 21 Nov 2037 03:00:00 GMT")),
            ("GET", "/_history", ("accept", "application/fhir+xml")),
            ("GET", "/_history/1", ("accept", "*/*")),
            ("GET", "/_history/7", ("accept", "*/*")),
            ("GET", "/$meta", ("accept", "*/*")),
            ("GET", "/$validate?mode=delete", ("accept", "*/*")),
            ("PUT", "", ("if-match", "W/\"1\"")),
            ("PATCH", "", ("content-type", "application/json-patch+json")),
            ("DELETE", "", ("accept", "*/*")),
        ] {
            let answer = |of: &str| {
                let ask = Ask { method, ..Ask::get("agency-a", format!("/{of}{below}")) };
                closed.ask(ask.with(header.0, header.1))
            };
            let (one, other) = (answer(hidden), answer(absent));
            assert_eq!(one, other, "CONS-07, READ-09 {method} {hidden}{below}");
            assert!(one.status >= 400, "READ-09 {method} {hidden}{below}: {}", one.status);
        }
    }
}

/// CONS-03: criteria find nothing that their sender may not see, and say nothing of it.
#[test]
fn criteria_do_not_tell_of_what_is_hidden() {
    let world = divided();
    let closed = world.closed();
    let resource = condition("new", "1", None);
    let criteria = |client: &str, method: &'static str, matching: bool| {
        let number = if matching { "2" } else { "3" };
        let found = format!("identifier=urn:oid:1.2.392.100495.20.3.51.1{HOSPITAL}|{number}");
        let found = found.replace('|', "%7C");
        match method {
            "POST" => closed.ask(Ask::post(client, "/Patient", &resource).with("if-none-exist", found)),
            _ => closed.ask(Ask { method, ..Ask::put(client, format!("/Patient?{found}"), &resource) }),
        }
    };
    for client in ["agency-a", "office", "hospital"] {
        for method in ["POST", "PUT", "PATCH", "DELETE"] {
            let (one, other) = (criteria(client, method, true), criteria(client, method, false));
            assert_eq!(one, other, "CONS-03 {client} {method}");
            assert!(one.status >= 400, "CONS-03 {client} {method}: {} {}", one.status, one.body);
        }
    }
    // The office keeps consents; the patients whom they are about it does not see.
    let born = |day: &str| {
        let path = format!("/Consent?patient.birthdate={day}");
        closed.ask(Ask { method: "DELETE", ..Ask::get("office", path) })
    };
    assert_eq!(born("1940-01-01"), born("1950-01-01"), "CONS-03");
    assert_eq!(closed.get("office", "/Consent/consent-1").status, 200, "CONS-03: nothing was deleted");
}

/// CONS-04, CONS-05: a label hides the whole of what carries it, wherever in it it stands; nothing of it is matched, sorted by
/// or reached. There is no redaction: what is seen is whole.
#[test]
fn labels_hide_whatever_they_stand_in() {
    let world = world();
    world.consents("1", "active");
    world.put(&observation("plain", "1", "1", "2026-01-01"));
    let inline = "http://hl7.org/fhir/uv/security-label-ds4p/StructureDefinition/extension-inline-sec-label";
    let label = |system: &str, code: &str| json!({"security": [{"system": system, "code": code}]});
    let act = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
    let labelled = [
        ("r", label(CONFIDENTIALITY, "R")),
        ("v", label(CONFIDENTIALITY, "V")),
        ("psy", label(act, "PSY")),
        ("hiv", label(act, "HIV")),
        ("tag", json!({"tag": [{"system": INDICATION, "code": "UNDELIVERED"}]})),
    ];
    for (id, meta) in &labelled {
        let mut one = observation(id, "1", "9", "2026-02-01");
        one["meta"] = meta.clone();
        world.put(&one);
    }
    let mut element = observation("element", "1", "9", "2026-03-01");
    element["code"]["coding"][0]["extension"] =
        json!([{"url": inline, "valueCoding": {"system": CONFIDENTIALITY, "code": "R"}}]);
    world.put(&element);
    let mut harmless = observation("harmless", "1", "2", "2026-04-01");
    harmless["meta"] = label(CONFIDENTIALITY, "N");
    world.put(&harmless);
    let closed = world.closed();
    for (row, path, total) in [
        ("CONS-05", "/Observation", 2),
        ("CONS-04", "/Observation?code=9", 0),
        ("CONS-04", "/Observation?code=1,2,9&_sort=code", 2),
        ("CONS-04", "/Observation?code-value-quantity=9$36.5", 0),
        ("CONS-04", "/Observation?code-value-quantity=1$36.5", 1),
        ("CONS-04", "/Patient?_has:Observation:patient:code=9", 0),
        ("CONS-04", "/Observation?date=ge2026-02-01&date=lt2026-04-01", 0),
        ("CONS-05", "/Observation?_security=R,V,PSY,HIV", 0),
        ("CONS-05", "/Observation?_tag=UNDELIVERED", 0),
    ] {
        assert_eq!(closed.get("agency-a", path).json()["total"], total, "{row} {path}");
    }
    for id in labelled.iter().map(|(id, _)| *id).chain(["element"]) {
        assert_eq!(closed.get("agency-a", format!("/Observation/{id}")).status, 404, "CONS-05 {id}");
        // Emergency access is not offered, whatever is claimed.
        let claimed = Ask::get("agency-a", format!("/Observation/{id}")).with("x-consent-scope", "btg");
        assert_eq!(closed.ask(claimed).status, 404, "CONS-05 {id}");
    }
    let first = closed.get("agency-a", "/Observation?_sort=-date&_count=1").json();
    assert_eq!(first["entry"][0]["resource"]["id"], "harmless", "CONS-04");
    let part = closed.get("agency-a", "/Observation/plain?_elements=status").json();
    assert_eq!(part["meta"]["tag"][0]["code"], "SUBSETTED", "CONS-04");
    assert!(closed.get("agency-a", "/Observation/plain").json()["meta"].get("tag").is_none(), "CONS-04");
}

/// HIST-07: a version that was seen is hidden once what it is of is labelled; a version that was labelled stays hidden when
/// the label has gone; the consent of today decides about all.
#[test]
fn each_version_of_a_history_is_decided_upon() {
    let world = world();
    world.consents("1", "active");
    let versions = |id: &str| {
        let answer = world.closed().get("agency-a", format!("/Condition/{id}/_history"));
        let entries = answer.json()["entry"].as_array().cloned().unwrap_or_default();
        let version = |entry: &Value| entry["resource"]["meta"]["versionId"].as_str().unwrap().to_owned();
        (answer.status, entries.iter().map(version).collect::<Vec<_>>().join(" "))
    };
    let vread = |id: &str, n: u32| world.closed().get("agency-a", format!("/Condition/{id}/_history/{n}")).status;
    // Seen first, labelled then.
    world.put(&condition("later", "1", None));
    assert_eq!((versions("later"), vread("later", 1)), ((200, "1".into()), 200), "HIST-07");
    world.put(&condition("later", "1", Some("UNINFORMED")));
    assert_eq!((versions("later"), vread("later", 1), vread("later", 2)), ((404, String::new()), 404, 404), "HIST-07");
    // Labelled first, without the label then.
    world.put(&condition("earlier", "1", Some("UNDELIVERED")));
    assert_eq!((versions("earlier"), vread("earlier", 1)), ((404, String::new()), 404), "HIST-07");
    world.put(&condition("earlier", "1", None));
    assert_eq!(
        (versions("earlier"), vread("earlier", 1), vread("earlier", 2)),
        ((200, "2".into()), 404, 200),
        "HIST-07"
    );
    for level in ["/Condition/_history", "/_history?_count=100"] {
        let text = world.closed().get("agency-a", level).body;
        assert!(text.contains("病名 <earlier>") && !text.contains("病名 <later>"), "HIST-07 {level}");
    }
    // Without the consent, nothing; with it again, the same.
    world.consents("1", "inactive");
    assert_eq!((versions("earlier"), vread("earlier", 2)), ((404, String::new()), 404), "HIST-07, CONS-06");
    world.consents("1", "active");
    assert_eq!(versions("earlier"), (200, "2".into()), "HIST-07, CONS-06");
}

/// CONS-08: who, what, when and how it ended, of every access and every refusal; and the record is changed by nobody.
#[test]
fn every_access_is_on_record_and_the_record_stays() {
    let world = divided();
    let one = patient("1");
    let newest = |query: &str| {
        let audit = world.closed().get("office", format!("/AuditEvent?_count=1{query}")).json();
        audit["entry"][0]["resource"].clone()
    };
    for (client, path, outcome, subtype) in [
        ("agency-a", format!("/{one}"), "0", "read"),
        ("agency-a", format!("/{}", patient("2")), "8", "read"),
        ("agency-a", "/Condition?code=x".into(), "0", "search"),
        ("agency-b", format!("/{one}"), "8", "read"),
        ("nobody", "/Condition".into(), "8", "search"),
        ("office", format!("/{one}"), "8", "read"),
        ("agency-a", "/Condition/nothing".into(), "4", "read"),
        ("agency-a", format!("/{one}/_history"), "0", "history"),
    ] {
        world.closed().get(client, path.as_str());
        let event = newest("");
        assert_eq!(event["outcome"], outcome, "CONS-08 {client} {path} {event}");
        assert_eq!(event["subtype"][0]["code"], subtype, "CONS-08 {client} {path}");
        assert!(event["recorded"].as_str().is_some_and(|at| at.starts_with("2026-11-21T12:00")), "CONS-08 {NOW}");
        let who = &event["agent"][1]["who"];
        let named = if client == "nobody" { who["display"] == "unknown" } else { who["identifier"]["value"] == client };
        assert!(named, "CONS-08 {client} {path} {who}");
    }
    let all = || world.closed().get("office", "/AuditEvent?_count=1000").json()["entry"].as_array().cloned().unwrap();
    let before = all().len();
    let event = newest("");
    let path = format!("/AuditEvent/{}", event["id"].as_str().unwrap());
    for method in ["PUT", "PATCH", "DELETE", "POST"] {
        for (door, client) in [(world.closed(), "office"), (world.closed(), "agency-a"), (world.open(), "")] {
            let on = if method == "POST" { "/AuditEvent" } else { path.as_str() };
            let status = door.ask(Ask { method, ..Ask::put(client, on, &event) }).status;
            assert!((400..500).contains(&status), "CONS-08 {method} {status}");
        }
    }
    let after = all();
    assert!(after.len() > before, "CONS-08");
    let kept = after.iter().find(|entry| entry["resource"]["id"] == event["id"]);
    assert_eq!(kept.map(|entry| &entry["resource"]), Some(&event), "CONS-08");
}

/// CONS-08: the record says what was searched for, base64, as it was asked; and says it in no other place.
#[test]
fn a_search_is_on_record_as_it_was_asked() {
    let world = divided();
    let newest = || world.closed().get("office", "/AuditEvent?_count=1").json()["entry"][0]["resource"].clone();
    let query = |event: &Value| {
        let entities = event["entity"].as_array().unwrap().iter();
        let of_query = entities.filter(|entity| entity["role"]["code"] == "24").collect::<Vec<_>>();
        assert_eq!(of_query.len(), 1, "{event}");
        let coded = of_query[0]["query"].as_str().unwrap().to_owned();
        (of_query[0]["description"].as_str().unwrap().to_owned(), decoded(&coded))
    };
    world.closed().get("agency-a", "/Patient?family=%E8%A6%8B%E6%9C%AC1&_count=5");
    let event = newest();
    let asked = "GET Patient?family=%E8%A6%8B%E6%9C%AC1&_count=5";
    assert_eq!(query(&event), ("GET Patient?family&_count".into(), asked.into()), "CONS-08");
    assert!(!event.to_string().contains("%E8"), "CONS-08");
    let form = Ask { method: "POST", body: b"family=x".to_vec(), ..Ask::get("agency-a", "/Patient/_search?_count=1") };
    world.closed().ask(form.with("content-type", "application/x-www-form-urlencoded"));
    assert_eq!(query(&newest()).1, "GET Patient?_count=1&family=x", "CONS-08");
}

fn decoded(text: &str) -> String {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut out) = (0_u32, 0, Vec::new());
    for c in text.chars().filter(|c| *c != '=') {
        bits = bits << 6 | DIGITS.find(c).unwrap() as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            out.push((bits >> count & 0xff) as u8);
        }
    }
    String::from_utf8(out).unwrap()
}

/// CONS-09, PALL-04: where a resource came from is included with it, and what the gateway put into its meta is found.
#[test]
fn provenance_comes_with_what_it_tells_of() {
    let store = Store::open_memory();
    receive(&store, &letter(HOSPITAL, "", &bundle("1", "b", &[sent("b", "C1", None), sent("b", "C2", None)])));
    receive(&store, &letter(HOSPITAL, "", &bundle("2", "c", &[sent("c", "C9", None)])));
    receive(&store, &letter("", "c", &consent("c", "1", "agency-a", "active", Value::Null)));
    let served = Served::new(over(store));
    let found = served.get("agency-a", "/Condition?code=C1&_revinclude=Provenance:target").json();
    assert_eq!(found["total"], 1, "CONS-09");
    let entries = found["entry"].as_array().unwrap();
    let included: Vec<&Value> = entries.iter().filter(|entry| entry["search"]["mode"] == "include").collect();
    assert!(!included.is_empty(), "CONS-09 {found}");
    let condition = format!("Condition/{}", entries[0]["resource"]["id"].as_str().unwrap());
    for one in included {
        let provenance = &one["resource"];
        assert_eq!(provenance["resourceType"], "Provenance", "CONS-09");
        let targets = provenance["target"].as_array().unwrap();
        assert!(targets.iter().any(|target| target["reference"] == condition.as_str()), "CONS-09 {provenance}");
        assert!(
            provenance["recorded"].is_string() && provenance["agent"][0]["who"].is_object(),
            "CONS-09 {provenance}"
        );
    }
    let stranger = served.get("agency-b", "/Condition?_revinclude=Provenance:target").json();
    assert_eq!((&stranger["total"], stranger.get("entry")), (&json!(0), None), "CONS-09");
    assert_eq!(served.get("hospital", format!("/Provenance?patient={}", key("2").reference())).status, 200);
}

/// PALL-04: what `$meta-add` put there is found as it was put.
#[test]
fn tags_and_labels_are_found_as_they_are_stored() {
    let world = world();
    world.put(&condition("c", "1", None));
    let meta = json!({"tag": [{"system": "urn:tags", "code": "Checked"}],
        "security": [{"system": CONFIDENTIALITY, "code": "N"}], "profile": ["http://x.example/p"]});
    let body = json!({"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]});
    assert_eq!(world.post("/Condition/c/$meta-add", &body).status, 200);
    for (query, total) in [
        ("_tag=urn:tags%7CChecked", 1),
        ("_tag=Checked", 1),
        ("_tag=urn:tags%7Cchecked", 1),
        ("_tag=urn:other%7CChecked", 0),
        ("_security=N", 1),
        ("_security=n", 0),
        ("_profile=http://x.example/p", 1),
        ("_tag:not=Checked", 0),
    ] {
        assert_eq!(world.get(format!("/Condition?{query}")).json()["total"], total, "PALL-04 {query}");
    }
    assert_eq!(world.post("/Condition/c/$meta-delete", &body).status, 200);
    assert_eq!(world.get("/Condition?_tag=Checked").json()["total"], 0, "PALL-04");
}
