//! Lines 48, 64 and 74: who is looked for, and records that become one person's or cease to be.

use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::config::{BEAT_MS, Config};
use tasuki::fhir::PatientKey;
use tasuki::store::Store;

use crate::gateway::{self, Answer, Ask, BASE, CLINIC, HOSPITAL, Served, config, config_with, consent, receive};
use crate::person::{Person, letter_of, record};
use crate::tick;

const THIRD: &str = "0119999903";

/// Somebody whom the hospital and the clinic know.
fn hanako() -> Person {
    Person::hanako()
}

fn here() -> PatientKey {
    record(HOSPITAL, "0000000001")
}

fn there() -> PatientKey {
    record(CLINIC, "77")
}

/// A gateway over letters, with consents about records for agency-a; linked as the rules say.
fn world(letters: &[tasuki::letter::Letter], consents: &[PatientKey], config: &Config) -> (Served, Arc<Gateway>) {
    let store = Store::open_memory();
    store.secret("links", [7; 16]).unwrap();
    letters.iter().for_each(|letter| drop(receive(&store, letter)));
    let gateway = Arc::new(Gateway::over(store, config, tick).unwrap());
    gateway.linker().settle().unwrap();
    let served = Served::new(gateway.clone());
    for (n, record) in consents.iter().enumerate() {
        let mut one = consent(&format!("c{n}"), "", "agency-a", "active", Value::Null);
        one["patient"] = json!({"reference": record.reference()});
        assert!(served.ask(Ask::put("office", format!("/Consent/c{n}"), &one)).status < 300);
    }
    (served, gateway)
}

fn parameters(parts: &[(&str, Value)]) -> Value {
    let part = |(name, value): &(&str, Value)| match value {
        Value::Object(_) => json!({"name": name, "resource": value}),
        Value::Bool(_) => json!({"name": name, "valueBoolean": value}),
        Value::Number(_) => json!({"name": name, "valueInteger": value}),
        _ => json!({"name": name, "valueString": value}),
    };
    json!({"resourceType": "Parameters", "parameter": parts.iter().map(part).collect::<Vec<_>>()})
}

fn matching(client: &str, patient: Value, more: &[(&str, Value)]) -> Ask {
    Ask::post(client, "/Patient/$match", &parameters(&[&[("resource", patient)], more].concat()))
}

fn pix(client: &str, facility: &str, number: &str) -> Ask {
    let system = format!("urn:oid:1.2.392.100495.20.3.51.1{facility}");
    Ask::get(client, format!("/Patient/$ihe-pix?sourceIdentifier={system}%7C{number}"))
}

fn batch(client: &str, asks: &[Ask]) -> Ask {
    let entry = asks.iter().map(|ask| {
        let mut entry = json!({"request": {"method": ask.method, "url": ask.path.trim_start_matches('/')}});
        if !ask.body.is_empty() {
            entry["resource"] = serde_json::from_slice(&ask.body).unwrap();
        }
        entry
    });
    let entry: Vec<Value> = entry.collect();
    Ask::post(client, "/", &json!({"resourceType": "Bundle", "type": "batch", "entry": entry}))
}

/// Whoever may be looked for: as they are known, with less, with another's part, by a number alone.
fn looked_for() -> Vec<Value> {
    let all = [
        hanako(),
        Person { care: None, ..hanako() },
        Person { care: None, phone: None, address: None, ..hanako() },
        Person { kanji: ("試験", "月子"), kana: ("シケン", "ツキコ"), ..hanako() },
        Person { birth: "1940-02-04", ..hanako() },
        Person { kanji: ("佐藤", "花子"), kana: ("サトウ", "ハナコ"), ..hanako() },
    ];
    let mut all: Vec<Value> = all.iter().map(Person::patient).collect();
    let number = hanako().patient()["identifier"].clone();
    all.push(json!({"resourceType": "Patient", "identifier": number}));
    all.push(json!({"resourceType": "Patient", "identifier": [gateway::number_of(THIRD, "5")]}));
    all.push(json!({"resourceType": "Patient", "telecom": hanako().patient()["telecom"], "birthDate": "1940"}));
    all
}

/// Looks for everybody in every way.
fn searches(client: &str) -> Vec<Ask> {
    let mut asks = Vec::new();
    for patient in looked_for() {
        for more in
            [vec![], vec![("onlyCertainMatches", json!(true))], vec![("count", json!(1))], vec![("count", json!(0))]]
        {
            asks.push(matching(client, patient.clone(), &more));
        }
    }
    for (facility, number) in [(HOSPITAL, "0000000001"), (CLINIC, "77"), (THIRD, "5"), (THIRD, "6"), (THIRD, "404")] {
        let ask = pix(client, facility, number);
        let path = format!("{}&targetSystem=https://tasuki.example/fhir/NamingSystem/care-insured", ask.path);
        asks.extend([Ask { path, ..ask.clone() }, ask]);
    }
    let path = "/Patient?family=試験&given=花子&birthdate=1940-02-03&phone=011-200-3004&address:contains=札幌";
    asks.push(Ask::get(client, path.replace(|c: char| !c.is_ascii(), "%E8%A9%A6")));
    asks.push(Ask::get(client, "/Patient?birthdate=1940-02-03&_has:Coverage:beneficiary:_id=x"));
    asks.push(batch(client, &asks.clone()));
    asks
}

/// People of whom agency-a may see nothing: a namesake, a twin, the same person held apart, with the numbers that are looked for.
fn hidden() -> Vec<tasuki::letter::Letter> {
    let coverage = |name: &str| {
        json!({"resourceType": "Coverage", "status": "active", "beneficiary": {"reference": format!("urn:uuid:{name}-0")},
            "identifier": [{"system": "https://tasuki.example/fhir/NamingSystem/care-insured", "value": "011023:0000123456"}],
            "payor": [{"display": "試験市"}]})
    };
    let namesake = Person { care: None, phone: None, address: None, ..hanako() };
    let twin = Person { kanji: ("試験", "月子"), kana: ("シケン", "ツキコ"), care: None, ..hanako() };
    let other =
        Person { kanji: ("佐藤", "花子"), kana: ("サトウ", "ハナコ"), birth: "1961-09-09", ..hanako() };
    vec![
        letter_of(THIRD, "5", "x5", &namesake, &[]),
        letter_of(THIRD, "6", "x6", &twin, &[coverage("x6")]),
        letter_of(THIRD, "7", "x7", &other, &[]),
    ]
}

#[test]
fn leak_48_nobody_is_found_by_what_is_known_of_who_is_hidden() {
    let of_hanako = [letter_of(HOSPITAL, "0000000001", "h", &hanako(), &[])];
    let [nobody, shown, crowded] = [
        world(&[], &[], &config()),
        world(&of_hanako, &[here()], &config()),
        world(&[&of_hanako[..], &hidden()].concat(), &[here()], &config()),
    ]
    .map(|(served, _)| served);
    let hidden = world(&[&of_hanako[..], &hidden()].concat(), &[], &config()).0;
    let mut found = 0;
    for client in ["agency-a", "agency-b", "clinic", "hospital", "office", "", "nobody"] {
        for ask in searches(client) {
            let [with, without] = [&crowded, &shown].map(|served| served.ask(ask.clone()));
            assert_eq!(with, without, "{ask:?}");
            found += usize::from(with.body.contains("match-grade"));
            // Who keeps a record knows it.
            if client != "hospital" {
                assert_eq!(hidden.ask(ask.clone()), nobody.ask(ask.clone()), "registered or not: {ask:?}");
            }
        }
    }
    assert!(found > 10, "{found}");
    for path in ["/Patient/$member-match", &format!("/{}/$match", here().reference())] {
        for method in ["GET", "POST"] {
            let ask = Ask { method, ..Ask::get("agency-a", path) };
            assert_eq!(crowded.ask(ask.clone()).status, 404, "not offered: {path}");
        }
    }
}

/// A key that too many have tells nobody apart; who is hidden is not counted among them.
#[test]
fn leak_48_a_crowd_of_hidden_people_changes_no_match() {
    let resident = |n: usize| {
        let phone = Some("011-777-8888");
        let known = Person { care: None, address: None, phone, ..hanako() };
        let name = format!("r{n}");
        let months: [&'static str; 3] = ["1940-05-06", "1940-11-12", "1940-09-30"];
        let (kanji, kana) =
            if n == 0 { (hanako().kanji, hanako().kana) } else { (("住人", "某"), ("ジュウニン", "ボウ")) };
        let facility = if n == 0 { HOSPITAL } else { THIRD };
        letter_of(facility, &format!("9{n}"), &name, &Person { kanji, kana, birth: months[n % 3], ..known }, &[])
    };
    let shown = [record(HOSPITAL, "90")];
    let [few, many] = [1, 120].map(|count| world(&(0..count).map(resident).collect::<Vec<_>>(), &shown, &config()).0);
    let asked = json!({"resourceType": "Patient", "birthDate": "1940-05-06", "telecom": [{"system": "phone", "value": "011-777-8888"}]});
    let [few, many] = [few, many].map(|served| served.ask(matching("agency-a", asked.clone(), &[])));
    assert_eq!(few.json()["total"], 1, "{}", few.body);
    assert_eq!(few, many);
}

#[test]
fn leak_64_who_is_looked_for_waits_for_a_beat() {
    let config = Config { beat_ms: BEAT_MS, ..config() };
    let letters = [
        letter_of(HOSPITAL, "0000000001", "h", &hanako(), &[]),
        letter_of(
            CLINIC,
            "77",
            "c",
            &Person { care: None, phone: None, address: None, birth: "1931-01-01", ..hanako() },
            &[],
        ),
    ];
    let (served, _) = world(&letters, &[here()], &config);
    let nobody = Person {
        kanji: ("無", "名"),
        kana: ("ム", "メイ"),
        birth: "1900-01-01",
        care: None,
        phone: None,
        address: None,
        ..hanako()
    };
    let hidden = Person { birth: "1931-01-01", ..hanako() };
    let mut asks: Vec<Ask> =
        [hanako(), hidden, nobody].iter().map(|person| matching("agency-a", person.patient(), &[])).collect();
    asks.extend([
        pix("agency-a", HOSPITAL, "0000000001"),
        pix("agency-a", CLINIC, "77"),
        pix("agency-a", CLINIC, "404"),
    ]);
    asks.extend(asks.clone().iter().map(|ask| batch("agency-a", std::slice::from_ref(ask))));
    asks.push(matching("agency-a", json!({"resourceType": "Patient"}), &[]));
    for ask in asks {
        let begun = Instant::now();
        served.ask(ask.clone());
        assert!(begun.elapsed().as_millis() >= u128::from(BEAT_MS), "{ask:?}");
    }
}

/// What belongs to the clinic's record of the person alone.
const OF_CLINIC: [&str; 3] = ["\"text\":\"I10\"", "\"value\":\"77\"", "\"text\":\"J45\""];

/// The hospital's record and the clinic's, of somebody who agreed at the hospital; linked by nobody yet.
fn pair_of_records() -> (Served, Arc<Gateway>) {
    let condition = gateway::condition;
    let letters = [
        letter_of(HOSPITAL, "0000000001", "h", &hanako(), &[condition("h", "E119", None), condition("h", "E78", None)]),
        letter_of(CLINIC, "77", "c", &hanako(), &[condition("c", "I10", None), condition("c", "J45", None)]),
    ];
    world(&letters, &[here()], &config_with("[identity]\nautomatic = false\n"))
}

fn decide(served: &Served, name: &str) {
    let body = parameters(&[("other", json!(there().reference())), ("reason", json!("窓口で確認"))]);
    let answer = served.ask(Ask::post("office", format!("/{}/${name}", here().reference()), &body));
    assert_eq!(answer.status, 200, "{}", answer.body);
}

/// What an agency may ask of somebody's records.
fn asks() -> Vec<Ask> {
    let [here, there] = [here(), there()].map(|record| record.reference());
    let paths = [
        format!("/{there}"),
        format!("/{there}/_history"),
        format!("/{there}/_history/1"),
        format!("/{there}/$everything"),
        format!("/{there}/$summary"),
        format!("/{there}/Condition"),
        format!("/{there}/*"),
        format!("/{here}/$everything"),
        format!("/{here}/$summary"),
        "/Patient".into(),
        "/Patient?_revinclude=Condition:subject&_revinclude=Provenance:target".into(),
        format!("/Patient?_id={}", there.trim_start_matches("Patient/")),
        "/Patient?identifier=77".into(),
        "/Patient?_has:Condition:subject:code=I10".into(),
        "/Condition".into(),
        "/Condition?_include=Condition:subject".into(),
        "/Condition?_include=*&_include:iterate=*".into(),
        format!("/Condition?patient={there}"),
        "/Condition?patient.identifier=77".into(),
        "/Condition?_sort=-code&_count=1".into(),
        "/Condition?_summary=count".into(),
        "/_history".into(),
        "/Condition/_history".into(),
        "?_type=Condition,Patient,Bundle".into(),
        "/Bundle".into(),
        format!("/Observation/$lastn?patient={there}&category=laboratory"),
        format!("/DocumentReference/$docref?patient={there}"),
        "/Patient/$summary?identifier=77".into(),
    ];
    let mut asks: Vec<Ask> = paths.iter().map(|path| Ask::get("agency-a", path.as_str())).collect();
    let known = Ask::get("agency-a", format!("/{there}"));
    asks.push(Ask { method: "HEAD", ..known.clone() });
    asks.push(known.clone().with("if-none-match", "W/\"1\""));
    asks.push(known.with("if-modified-since", "Sat, 21 Nov 2037 03:00:00 GMT"));
    asks.push(matching("agency-a", hanako().patient(), &[]));
    asks.push(matching("agency-a", hanako().patient(), &[("onlyCertainMatches", json!(true))]));
    asks.push(pix("agency-a", CLINIC, "77"));
    asks.push(pix("agency-a", HOSPITAL, "0000000001"));
    asks.push(batch("agency-a", &asks.clone()));
    asks
}

#[test]
fn leak_74_a_link_opens_and_closes_at_the_very_next_request() {
    let (served, _) = pair_of_records();
    let apart: Vec<Answer> = asks().into_iter().map(|ask| served.ask(ask)).collect();
    let mut opened = 0;
    for (ask, apart) in asks().into_iter().zip(&apart) {
        assert!(OF_CLINIC.iter().all(|text| !apart.body.contains(text)), "{ask:?}: {}", apart.body);
        decide(&served, "link");
        let linked = served.ask(ask.clone());
        decide(&served, "unlink");
        let again = served.ask(ask.clone());
        assert_eq!(again, *apart, "{ask:?}");
        opened += usize::from(linked != again);
    }
    assert!(opened > 25, "what is linked is seen: {opened}");
}

fn next(answer: &Answer) -> String {
    let body = answer.json();
    let links = body["link"].as_array().unwrap();
    links.iter().find(|link| link["relation"] == "next").unwrap()["url"].as_str().unwrap().replace(BASE, "")
}

#[test]
fn leak_74_pages_and_exports_that_were_begun_end_with_the_link() {
    let (served, gateway) = pair_of_records();
    decide(&served, "link");
    let begun = [
        "/Condition?_count=1&_sort=-code",
        "/Condition?_count=1&_sort=code",
        "/_history?_count=1",
        "/Condition/_history?_count=1",
        "/Patient?_count=1",
    ]
    .map(|path| next(&served.get("agency-a", path)));
    let everything =
        [here(), there()].map(|record| served.get("agency-a", format!("/{}/$everything?_count=1", record.reference())));
    let mut begun: Vec<String> = begun.into_iter().chain(everything.iter().map(next)).collect();
    let export = served.ask(Ask::get("agency-a", "/Patient/$export").with("prefer", "respond-async"));
    let status = export.header("content-location").unwrap().replace(BASE, "");
    let manifest =
        (0..2000).map(|_| served.get("agency-a", status.as_str())).find(|answer| answer.status != 202).unwrap();
    let files = manifest.json()["output"].as_array().cloned().unwrap_or_default();
    let files: Vec<String> = files.iter().map(|file| file["url"].as_str().unwrap().replace(BASE, "")).collect();
    assert!(files.iter().any(|file| served.get("agency-a", file.as_str()).body.contains("I10")), "{}", manifest.body);
    begun.extend(files);
    begun.push(status);
    decide(&served, "unlink");
    for path in begun {
        let mut page = Some(path);
        while let Some(path) = page {
            let answer = served.get("agency-a", path.as_str());
            assert!(OF_CLINIC.iter().all(|text| !answer.body.contains(text)), "{path}: {}", answer.body);
            assert!(
                !answer.body.contains(there().patient_id().as_str()) || path.contains("everything"),
                "{path}: {}",
                answer.body
            );
            page = answer.body.contains("\"relation\":\"next\"").then(|| next(&answer));
        }
    }
    assert!(!gateway.pipeline().store().panel("Organization/agency-a").unwrap().contains(&there()));
}

/// Only the office is told which records are one person's, and of nobody else's does it depend on whether they are there.
#[test]
fn leak_74_who_may_not_decide_is_not_told_what_there_is_to_decide() {
    let letters =
        [letter_of(HOSPITAL, "0000000001", "h", &hanako(), &[]), letter_of(CLINIC, "77", "c", &hanako(), &[])];
    let (served, _) = world(&letters, &[], &config());
    let nobody = record(THIRD, "404");
    for client in ["agency-a", "agency-b", "lab-only", "hospital", "clinic", "", "nobody"] {
        for name in ["link", "unlink"] {
            let bodies =
                [(here(), there()), (there(), here()), (nobody, here()), (here(), nobody)].map(|(one, other)| {
                    let body = parameters(&[("other", json!(other.reference())), ("reason", json!("試験"))]);
                    served.ask(Ask::post(client, format!("/{}/${name}", one.reference()), &body))
                });
            assert!(
                bodies.iter().all(|answer| *answer == bodies[0] && matches!(answer.status, 401 | 403)),
                "{client}: {bodies:?}"
            );
        }
        let links =
            [here(), there(), nobody].map(|record| served.get(client, format!("/{}/$links", record.reference())));
        assert!(links.iter().all(|answer| *answer == links[0] && matches!(answer.status, 401 | 403)), "{client}");
        assert!(matches!(served.get(client, "/Patient/$duplicates").status, 401 | 403));
        let entries = [here(), nobody].map(|record| {
            served.ask(batch(
                client,
                &[
                    Ask::get(client, format!("/{}/$links", record.reference())),
                    Ask::get(client, "/Patient/$duplicates"),
                ],
            ))
        });
        assert_eq!(entries[0], entries[1], "{client}");
    }
    assert_eq!(served.get("office", format!("/{}/$links", here().reference())).status, 200);
    assert_eq!(served.get("office", format!("/{}/$links", nobody.reference())).status, 404);
}
