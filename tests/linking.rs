//! One person at several facilities, as callers meet it (docs/adr/0043, docs/adr/0044): what the rules link, what the office
//! decides, what consents mean for linked records, and that nothing of another's record is left when a link is gone.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test fails by panicking

#[path = "gateway/mod.rs"]
mod gateway;
#[path = "linking/hostile.rs"]
mod hostile;
#[path = "linking/person.rs"]
mod person;

use std::sync::Arc;

use gateway::{Ask, CLINIC, HOSPITAL, Served, condition, config_with, consent, receive};
use person::{Person, letter_of, record};
use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::fhir::PatientKey;
use tasuki::pipeline::Relation;
use tasuki::store::Store;
use tasuki::store::ties::State;

/// Two facilities that know somebody, each with a finding of its own.
fn world(at_hospital: &Person, at_clinic: &Person) -> (Served, Arc<Gateway>, Store) {
    let store = Store::open_memory();
    let gateway = gateway::over(store.clone());
    receive(&store, &letter_of(HOSPITAL, "0000000001", "h", at_hospital, &[condition("h", "E119", None)]));
    receive(&store, &letter_of(CLINIC, "77", "c", at_clinic, &[condition("c", "I10", None)]));
    gateway.linker().settle().unwrap();
    (Served::new(gateway.clone()), gateway, store)
}

fn here() -> PatientKey {
    record(HOSPITAL, "0000000001")
}

fn there() -> PatientKey {
    record(CLINIC, "77")
}

/// Puts a Consent about one of the two records.
fn put(served: &Served, id: &str, patient: PatientKey, organization: &str, kind: &str) {
    let mut one = consent(id, "0000000001", organization, "active", Value::Null);
    one["patient"] = json!({"reference": patient.reference()});
    one["provision"]["type"] = json!(kind);
    let answer = served.ask(Ask::put("office", format!("/Consent/{id}"), &one));
    assert!(answer.status < 300, "{answer:?}");
}

/// The codes of the findings that a client sees.
fn sees(served: &Served, client: &str) -> Vec<String> {
    served.get(client, "/Condition").codes()
}

fn state(store: &Store) -> Option<State> {
    store.ties(here()).unwrap().0.pair(there()).map(|pair| pair.state)
}

fn decide(gateway: &Gateway, state: State) {
    let relation = Relation {
        one: here(),
        other: there(),
        state: Some(state),
        ground: "office".into(),
        by: "office".into(),
        reason: "試験".into(),
        score: 0.0,
    };
    gateway.pipeline().relate(&[relation]).unwrap().unwrap();
}

#[test]
fn a_consent_given_at_one_facility_opens_what_the_other_has_of_the_person() {
    let (served, _, store) = world(&Person::hanako(), &Person::hanako());
    assert_eq!(state(&store), Some(State::Linked));
    assert_eq!(sees(&served, "agency-a"), Vec::<String>::new());
    put(&served, "yes", here(), "agency-a", "permit");
    assert_eq!(sees(&served, "agency-a"), ["E119", "I10"]);
    assert_eq!(sees(&served, "agency-b"), Vec::<String>::new());
}

#[test]
fn a_deny_given_at_one_facility_closes_what_the_other_has_of_the_person() {
    let (served, _, _) = world(&Person::hanako(), &Person::hanako());
    put(&served, "yes", here(), "agency-a", "permit");
    put(&served, "no", there(), "agency-a", "deny");
    assert_eq!(sees(&served, "agency-a"), Vec::<String>::new());
}

#[test]
fn records_that_come_after_the_consent_come_under_it() {
    let store = Store::open_memory();
    let gateway = gateway::over(store.clone());
    let served = Served::new(gateway.clone());
    receive(&store, &letter_of(HOSPITAL, "0000000001", "h", &Person::hanako(), &[condition("h", "E119", None)]));
    put(&served, "yes", here(), "agency-a", "permit");
    assert_eq!(sees(&served, "agency-a"), ["E119"]);
    receive(&store, &letter_of(CLINIC, "77", "c", &Person::hanako(), &[condition("c", "I10", None)]));
    gateway.linker().settle().unwrap();
    assert_eq!(sees(&served, "agency-a"), ["E119", "I10"]);
}

#[test]
fn a_consent_that_is_withdrawn_closes_every_record_of_the_person_at_once() {
    let (served, _, _) = world(&Person::hanako(), &Person::hanako());
    put(&served, "yes", here(), "agency-a", "permit");
    assert_eq!(sees(&served, "agency-a").len(), 2);
    put(&served, "yes", here(), "agency-b", "permit");
    assert_eq!(sees(&served, "agency-a"), Vec::<String>::new());
    assert_eq!(sees(&served, "agency-b").len(), 2);
}

#[test]
fn a_link_that_is_taken_away_leaves_nothing_at_the_very_next_request() {
    let (served, gateway, store) = world(&Person::hanako(), &Person::hanako());
    put(&served, "yes", here(), "agency-a", "permit");
    assert_eq!(sees(&served, "agency-a").len(), 2);
    for _ in 0..3 {
        decide(&gateway, State::Separate);
        assert_eq!(sees(&served, "agency-a"), ["E119"]);
        let there = there().patient_id();
        assert_eq!(served.get("agency-a", format!("/Patient/{}", there.as_str())).status, 404);
        let text = served.get("agency-a", "/Patient").body;
        assert!(!text.contains(there.as_str()));
        // What somebody decided, the rules leave alone.
        receive(&store, &letter_of(CLINIC, "77", "c2", &Person::hanako(), &[]));
        gateway.linker().settle().unwrap();
        assert_eq!((state(&store), sees(&served, "agency-a").len()), (Some(State::Separate), 1));
        decide(&gateway, State::Linked);
        assert_eq!(sees(&served, "agency-a").len(), 2);
    }
}

#[test]
fn names_and_birth_dates_alone_link_nobody_and_twins_are_two() {
    let plain = Person { care: None, phone: None, address: None, ..Person::hanako() };
    let (_, _, store) = world(&plain, &plain);
    assert_eq!(state(&store), Some(State::Proposed), "for somebody to look at");
    assert_eq!(store.doubts(None, 9).unwrap().len(), 1);
    let twin = Person { kanji: ("試験", "月子"), kana: ("シケン", "ツキコ"), care: None, ..Person::hanako() };
    let (_, _, store) = world(&Person::hanako(), &twin);
    assert_ne!(state(&store), Some(State::Linked));
}

#[test]
fn a_record_that_is_corrected_and_contradicts_is_taken_out() {
    let (served, gateway, store) = world(&Person::hanako(), &Person::hanako());
    put(&served, "yes", here(), "agency-a", "permit");
    let other = Person {
        kanji: ("佐藤", "次郎"),
        kana: ("サトウ", "ジロウ"),
        birth: "1951-12-30",
        care: None,
        ..Person::hanako()
    };
    receive(&store, &letter_of(CLINIC, "77", "later", &other, &[condition("later", "J45", None)]));
    gateway.linker().settle().unwrap();
    assert_eq!(state(&store), Some(State::Proposed));
    assert_eq!(sees(&served, "agency-a"), ["E119"]);
}

#[test]
fn somebody_who_moves_stays_the_same_person() {
    let (_, gateway, store) = world(&Person::hanako(), &Person::hanako());
    let moved = Person { address: Some("北海道函館市美原1-2-3"), phone: None, care: None, ..Person::hanako() };
    receive(&store, &letter_of(CLINIC, "77", "moved", &moved, &[]));
    gateway.linker().settle().unwrap();
    assert_eq!(state(&store), Some(State::Linked));
}

#[test]
fn links_outlive_a_restart_and_the_index_is_read_anew() {
    let (_, gateway, store) = world(&Person::hanako(), &Person::hanako());
    drop(gateway);
    let gateway = gateway::over(store.clone());
    let served = Served::new(gateway.clone());
    put(&served, "yes", there(), "agency-a", "permit");
    assert_eq!(sees(&served, "agency-a"), ["E119", "I10"]);
    receive(&store, &letter_of(HOSPITAL, "0000000002", "h2", &Person::hanako(), &[condition("h2", "J45", None)]));
    gateway.linker().settle().unwrap();
    assert_eq!(sees(&served, "agency-a"), ["E119", "I10", "J45"], "a second number at the hospital");
}

#[test]
fn nothing_is_linked_by_itself_where_the_office_wants_to_see_it_first() {
    let store = Store::open_memory();
    let gateway = Arc::new(
        Gateway::over(store.clone(), &config_with("[identity]\nautomatic = false\n"), gateway::clock).unwrap(),
    );
    receive(&store, &letter_of(HOSPITAL, "0000000001", "h", &Person::hanako(), &[]));
    receive(&store, &letter_of(CLINIC, "77", "c", &Person::hanako(), &[]));
    gateway.linker().settle().unwrap();
    assert_eq!(state(&store), Some(State::Proposed));
}

fn post(served: &Served, client: &str, path: &str, parameters: &[(&str, Value)]) -> gateway::Answer {
    let parameter: Vec<Value> = parameters
        .iter()
        .map(|(name, value)| {
            let kind = if value.is_object() {
                "resource"
            } else if value.is_boolean() {
                "valueBoolean"
            } else {
                "valueString"
            };
            json!({"name": name, kind: value})
        })
        .collect();
    served.ask(Ask::post(client, path, &json!({"resourceType": "Parameters", "parameter": parameter})))
}

fn at(record: PatientKey) -> String {
    format!("/Patient/{}", record.patient_id().as_str())
}

#[test]
fn the_office_links_and_unlinks_with_a_reason_and_sees_why() {
    let stranger = Person { care: None, phone: None, address: None, birth: "1940-02-04", ..Person::hanako() };
    let (served, _, store) = world(&Person::hanako(), &stranger);
    put(&served, "yes", here(), "agency-a", "permit");
    assert_eq!(sees(&served, "agency-a"), ["E119"]);
    let link = |client: &str, name: &str, parameters: &[(&str, Value)]| {
        post(&served, client, &format!("{}/${name}", at(here())), parameters).status
    };
    let both = [("other", json!(there().reference())), ("reason", json!("窓口で本人確認"))];
    assert_eq!(link("agency-a", "link", &both), 403);
    assert_eq!(link("hospital", "link", &both), 403);
    assert_eq!(link("office", "link", &both[..1]), 400);
    assert_eq!(link("office", "link", &both[1..]), 400);
    assert_eq!(link("office", "link", &[both[1].clone(), ("other", json!(here().reference()))]), 422);
    let long = "あ".repeat(101);
    assert_eq!(link("office", "link", &[both[0].clone(), ("reason", json!(long))]), 400);
    assert_eq!(link("office", "link", &[both[0].clone(), ("reason", json!(&long[..300]))]), 200);
    assert_eq!(link("office", "link", &both), 200);
    assert_eq!(sees(&served, "agency-a"), ["E119", "I10"]);
    let told = served.get("office", format!("{}/$links", at(here()))).json();
    let parts = told["parameter"].as_array().unwrap();
    let members = parts.iter().filter(|part| part["name"] == "member").count();
    let pair = parts.iter().find(|part| part["name"] == "pair").unwrap()["part"].as_array().unwrap();
    let code =
        |name: &str| pair.iter().find(|part| part["name"] == name).map(|part| part["valueCode"].as_str().unwrap());
    assert_eq!(members, 2);
    assert_eq!((code("state"), code("ground"), code("birth-date")), (Some("linked"), Some("office"), Some("near")));
    assert_eq!((code("given-name"), code("address")), (Some("same"), None));
    assert_eq!(link("office", "unlink", &both[1..]), 200);
    assert_eq!(state(&store), Some(State::Separate));
    assert_eq!(sees(&served, "agency-a"), ["E119"]);
    assert_eq!(post(&served, "office", "/Patient/nobody/$link", &both).status, 404);
}

#[test]
fn the_work_list_shows_both_with_how_they_agree_and_goes_on() {
    let plain = Person { care: None, phone: None, address: None, ..Person::hanako() };
    let (served, gateway, store) = world(&plain, &plain);
    receive(&store, &letter_of(HOSPITAL, "0000000009", "h9", &plain, &[]));
    gateway.linker().settle().unwrap();
    let page = |more: &str| served.get("office", format!("/Patient/$duplicates?_count=2{more}"));
    assert_eq!(served.get("agency-a", "/Patient/$duplicates").status, 403);
    let first = page("").json();
    let named = |page: &Value, name: &str| {
        page["parameter"].as_array().unwrap().iter().filter(|part| part["name"] == name).cloned().collect::<Vec<_>>()
    };
    assert_eq!(named(&first, "total")[0]["valueUnsignedInt"], 3);
    assert_eq!(named(&first, "pair").len(), 2);
    assert!(first.to_string().contains("シケン") && first.to_string().contains("1940-02-03"));
    let next = named(&first, "next")[0]["valueString"].as_str().unwrap().to_owned();
    let second = page(&format!("&after={next}")).json();
    assert_eq!((named(&second, "pair").len(), named(&second, "next").len()), (1, 0));
    assert_eq!(page("&after=nonsense").status, 400);
    assert_eq!(served.get("office", "/Patient/$duplicates?_count=101").status, 400);
}

#[test]
fn two_that_were_told_apart_are_not_joined_by_a_third() {
    let (served, gateway, store) = world(&Person::hanako(), &Person::hanako());
    decide(&gateway, State::Separate);
    let third = record(HOSPITAL, "0000000009");
    receive(&store, &letter_of(HOSPITAL, "0000000009", "h9", &Person::hanako(), &[]));
    gateway.linker().settle().unwrap();
    let linked = |record: PatientKey| store.ties(record).unwrap().0.members.len();
    assert_eq!([here(), there(), third].map(linked).iter().filter(|count| **count == 2).count(), 2, "with one of them");
    let outside = [here(), there()].into_iter().find(|record| linked(*record) == 0).unwrap();
    let answer = post(
        &served,
        "office",
        &format!("{}/$link", at(outside)),
        &[("other", json!(third.reference())), ("reason", json!("試験"))],
    );
    assert_eq!((answer.status, answer.json()["issue"][0]["code"].as_str()), (422, Some("conflict")), "{}", answer.body);
}

/// `$match`: the ids that are found, with their grades.
fn matched(served: &Served, client: &str, person: &Person, more: &[(&str, Value)]) -> Vec<(String, String)> {
    let mut parameters = vec![("resource", person.patient())];
    parameters.extend(more.iter().cloned());
    let answer = post(served, client, "/Patient/$match", &parameters);
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    let entries = body["entry"].as_array().into_iter().flatten();
    entries
        .map(|entry| {
            let grade = entry.pointer("/search/extension/0/valueCode").unwrap().as_str().unwrap();
            (entry["resource"]["id"].as_str().unwrap().to_owned(), grade.to_owned())
        })
        .collect()
}

#[test]
fn a_match_tells_of_those_alone_of_whom_the_caller_may_see_something() {
    let (served, _, _) = world(&Person::hanako(), &Person::hanako());
    let nobody = Person {
        kanji: ("試験", "十郎"),
        kana: ("シケン", "ジュウロウ"),
        care: Some("011023:0000999999"),
        ..Person::hanako()
    };
    let bytes = |person: &Person| post(&served, "agency-a", "/Patient/$match", &[("resource", person.patient())]).body;
    assert_eq!(bytes(&Person::hanako()), bytes(&nobody), "registered or not: the same");
    put(&served, "yes", here(), "agency-a", "permit");
    let found = matched(&served, "agency-a", &Person::hanako(), &[]);
    let both: Vec<_> = found.iter().map(|(id, grade)| (id.as_str(), grade.as_str())).collect();
    let mut ids = [here(), there()].map(|record| record.patient_id().as_str().to_owned());
    ids.sort();
    assert_eq!(both, [(&*ids[0], "certain"), (&*ids[1], "certain")]);
    assert_eq!(matched(&served, "agency-a", &Person::hanako(), &[("onlyCertainMatches", json!(true))]).len(), 2);
    assert_eq!(matched(&served, "agency-a", &Person::hanako(), &[("count", json!("1"))]).len(), 1);
    assert_eq!(matched(&served, "agency-b", &Person::hanako(), &[]), []);
    assert_eq!(matched(&served, "clinic", &Person::hanako(), &[]).len(), 1, "its own");
    let plain = Person { care: None, phone: None, address: None, ..Person::hanako() };
    assert_eq!(matched(&served, "agency-a", &plain, &[("onlyCertainMatches", json!(true))]), []);
    assert!(matched(&served, "agency-a", &plain, &[]).iter().all(|(_, grade)| grade != "certain"));
    let empty = json!({"resourceType": "Patient", "gender": "female"});
    assert_eq!(post(&served, "agency-a", "/Patient/$match", &[("resource", empty)]).status, 422);
    assert_eq!(post(&served, "agency-a", "/Patient/$match", &[]).status, 400);
}

#[test]
fn a_match_does_not_compare_with_what_is_hidden() {
    // The care-insurance number stands in a Coverage that a provision closes.
    let unnumbered = Person { care: None, phone: None, address: None, ..Person::hanako() };
    let store = Store::open_memory();
    let gateway = gateway::over(store.clone());
    let served = Served::new(gateway.clone());
    let coverage = json!({"resourceType": "Coverage", "status": "active", "beneficiary": {"reference": "urn:uuid:h-0"},
        "identifier": [{"system": "https://tasuki.example/fhir/NamingSystem/care-insured", "value": "011023:0000123456"}],
        "payor": [{"display": "試験市"}]});
    receive(&store, &letter_of(HOSPITAL, "0000000001", "h", &unnumbered, &[coverage]));
    gateway.linker().settle().unwrap();
    let mut one = consent("yes", "0000000001", "agency-a", "active", Value::Null);
    one["patient"] = json!({"reference": here().reference()});
    assert!(served.ask(Ask::put("office", "/Consent/yes", &one)).status < 300);
    let asked = Person { address: None, phone: None, ..Person::hanako() };
    let sure = [("onlyCertainMatches", json!(true))];
    assert_eq!(matched(&served, "agency-a", &asked, &sure).len(), 1);
    one["provision"]["provision"] =
        json!([{"type": "deny", "class": [{"system": "http://hl7.org/fhir/resource-types", "code": "Coverage"}]}]);
    assert!(served.ask(Ask::put("office", "/Consent/yes", &one)).status < 300);
    assert_eq!(matched(&served, "agency-a", &asked, &sure), []);
    assert_eq!(matched(&served, "agency-a", &asked, &[]).len(), 1, "by name and birth date");
}

#[test]
fn pix_tells_the_other_identifiers_and_nothing_of_who_is_hidden() {
    let (served, _, _) = world(&Person::hanako(), &Person::hanako());
    let system = |facility: &str| format!("urn:oid:1.2.392.100495.20.3.51.1{facility}");
    let ask = |client: &str, value: &str, more: &str| {
        let path = format!("/Patient/$ihe-pix?sourceIdentifier={}%7C{value}{more}", system(HOSPITAL));
        served.get(client, path)
    };
    let missing = ask("agency-a", "0000000404", "");
    assert_eq!((missing.status, &ask("agency-a", "0000000001", "").body), (404, &missing.body));
    put(&served, "yes", here(), "agency-a", "permit");
    let told = ask("agency-a", "0000000001", "").json();
    let values: Vec<&str> = told["parameter"]
        .as_array()
        .unwrap()
        .iter()
        .filter_map(|part| part.pointer("/valueIdentifier/value")?.as_str())
        .collect();
    assert!(values.contains(&"77") && values.contains(&"011023:0000123456") && !values.contains(&"0000000001"));
    let clinic = ask("agency-a", "0000000001", &format!("&targetSystem={}", system(CLINIC))).json();
    let parts = clinic["parameter"].as_array().unwrap();
    assert_eq!(parts.len(), 2);
    assert_eq!(parts[0]["valueIdentifier"]["value"], "77");
    assert!(parts[1]["valueReference"]["reference"].as_str().unwrap().ends_with(there().patient_id().as_str()));
    // The clinic's own consent closes its record.
    put(&served, "no", there(), "agency-b", "deny");
    put(&served, "also", here(), "agency-b", "permit");
    assert_eq!(ask("agency-b", "0000000001", "").status, 404);
    assert_eq!(served.get("agency-a", "/Patient/$ihe-pix?sourceIdentifier=77").status, 400);
}

#[test]
fn what_a_facility_merges_is_one_person_and_is_taken_apart_when_it_was_a_mistake() {
    let store = Store::open_memory();
    let gateway = gateway::over(store.clone());
    let served = Served::new(gateway.clone());
    let other = Person {
        kanji: ("仮名", "不明"),
        kana: ("カメイ", "フメイ"),
        birth: "1900-01-01",
        care: None,
        address: None,
        phone: None,
        ..Person::hanako()
    };
    receive(&store, &letter_of(HOSPITAL, "0000000001", "a", &Person::hanako(), &[condition("a", "E119", None)]));
    receive(&store, &letter_of(HOSPITAL, "0000000002", "b", &other, &[condition("b", "I10", None)]));
    put(&served, "yes", here(), "agency-a", "permit");
    assert_eq!(sees(&served, "agency-a"), ["E119"]);
    let merge = "MSH|^~\\&|HIS|DEMO|GW|RCV|20261121100000||ADT^A40^ADT_A39|M1|P|2.5||||||UNICODE UTF-8\rEVN||20261121100000\r\
                 PID|1||0000000001^^^^PI||試験^花子^^^^^L^I||19400203|F\rMRG|0000000002^^^^PI\r";
    let merge = tasuki::letter::Letter { source: gateway::source(HOSPITAL), name: String::new(), bytes: merge.into() };
    receive(&store, &merge);
    gateway.linker().settle().unwrap();
    assert_eq!(sees(&served, "agency-a"), ["E119", "I10"]);
    let ground = |store: &Store| {
        let (ties, _) = store.ties(here()).unwrap();
        ties.pair(record(HOSPITAL, "0000000002")).map(|pair| (pair.state, pair.ground.clone()))
    };
    assert_eq!(ground(&store), Some((State::Linked, "merge".to_owned())));
    // The office knows better, and its word stands whatever the facility sends again.
    let apart = [("other", json!(record(HOSPITAL, "0000000002").reference())), ("reason", json!("誤統合"))];
    assert_eq!(post(&served, "office", &format!("{}/$unlink", at(here())), &apart).status, 200);
    assert_eq!(sees(&served, "agency-a"), ["E119"]);
    receive(&store, &letter_of(HOSPITAL, "0000000001", "again", &Person::hanako(), &[]));
    gateway.linker().settle().unwrap();
    assert_eq!(ground(&store).map(|(state, _)| state), Some(State::Separate));
}

#[test]
fn a_patient_says_which_others_are_the_same_person_to_whoever_may_see_them() {
    let (served, gateway, _) = world(&Person::hanako(), &Person::hanako());
    put(&served, "yes", here(), "agency-a", "permit");
    let clinic = json!({"actor": [{"reference": {"reference": "Organization/clinic"},
        "role": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/v3-ParticipationType", "code": "CST"}]}}],
        "type": "deny"});
    let mut one = consent("b", "0000000001", "agency-b", "active", Value::Null);
    one["patient"] = json!({"reference": here().reference()});
    one["provision"]["provision"] = json!([clinic]);
    assert!(served.ask(Ask::put("office", "/Consent/b", &one)).status < 300);
    assert_eq!((sees(&served, "agency-a").len(), sees(&served, "agency-b")), (2, vec!["E119".to_owned()]));
    let read = |client: &str, more: &str| served.get(client, format!("{}{more}", at(here())));
    let link = json!([{"id": "same-person", "other": {"reference": there().reference()}, "type": "seealso"}]);
    assert_eq!(read("agency-a", "").json()["link"], link);
    assert_eq!(read("agency-a", "?_elements=link").json()["link"], link);
    assert_eq!(read("agency-b", "").json()["link"], Value::Null);
    for path in [format!("/Patient?_id={}", here().patient_id().as_str()), format!("{}/$everything", at(here()))] {
        let found = served.get("agency-a", path).json();
        assert_eq!(found["entry"][0]["resource"]["link"], link);
    }
    let condition = served.get("agency-a", "/Condition?_include=Condition:subject").json();
    assert_eq!(condition.to_string().matches("same-person").count(), 2);
    let etag = read("agency-a", "").header("etag").unwrap().to_owned();
    let again = |client: &str| served.ask(Ask::get(client, at(here())).with("if-none-match", etag.clone())).status;
    // Links change without a version, and whoever may not see them must not see that they do.
    for state in [State::Linked, State::Separate] {
        decide(&gateway, state);
        assert_eq!(["agency-a", "agency-b", "hospital"].map(again), [200; 3]);
    }
    assert_eq!(read("agency-a", "").json()["link"], Value::Null);
}

#[test]
fn a_team_that_one_facility_keeps_has_access_by_a_consent_given_at_another_while_its_members_are_in_it() {
    let store = Store::open_memory();
    let gateway = gateway::over(store.clone());
    let served = Served::new(gateway.clone());
    let team = |members: Value| {
        json!({"resourceType": "CareTeam", "status": "active", "subject": {"reference": "urn:uuid:c-0"},
            "identifier": [{"system": "http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier", "value": "home"}],
            "participant": members})
    };
    let member = |name: &str| json!({"member": {"reference": format!("Organization/{name}")}});
    receive(&store, &letter_of(HOSPITAL, "0000000001", "h", &Person::hanako(), &[condition("h", "E119", None)]));
    let put_team = |name: &str, members: Value| {
        receive(&store, &letter_of(CLINIC, "77", name, &Person::hanako(), &[team(members)]));
        gateway.linker().settle().unwrap();
    };
    put_team("c", json!([member("agency-a")]));
    let chart = gateway.chart(there()).unwrap();
    let at = chart.columns.types.iter().position(|of| of.name() == "CareTeam").unwrap();
    let reference = format!("CareTeam/{}", chart.columns.ids[at].as_str());
    let mut one = consent("yes", "0000000001", "x", "active", Value::Null);
    one["patient"] = json!({"reference": here().reference()});
    one["provision"]["actor"][0]["reference"]["reference"] = json!(reference);
    assert!(served.ask(Ask::put("office", "/Consent/yes", &one)).status < 300);
    assert_eq!((sees(&served, "agency-a"), sees(&served, "agency-b")), (vec!["E119".to_owned()], vec![]));
    put_team("c2", json!([member("agency-b")]));
    assert_eq!((sees(&served, "agency-a"), sees(&served, "agency-b")), (vec![], vec!["E119".to_owned()]));
    let mut over = member("agency-b");
    over["period"] = json!({"end": "2026-11-01"});
    put_team("c33", json!([over]));
    assert_eq!(sees(&served, "agency-b"), Vec::<String>::new());
    decide(&gateway, State::Separate);
    put_team("c444", json!([member("agency-b")]));
    assert_eq!(sees(&served, "agency-b"), Vec::<String>::new(), "of another person");
}

#[test]
fn an_emergency_opens_the_person_and_tells_the_keeper_of_each_record() {
    let store = Store::open_memory();
    let digest = tasuki::auth::Digest::of(b"ambulance").hex();
    let more = format!(
        "[[client]]\nid = \"ambulance\"\norganization = \"Organization/ambulance\"\nrole = \"care\"\nkind = \"ambulance\"\n\
         emergency = true\ntoken_sha256 = \"{digest}\"\n"
    );
    let gateway = Arc::new(Gateway::over(store.clone(), &config_with(&more), gateway::clock).unwrap());
    let served = Served::new(gateway.clone());
    receive(&store, &letter_of(HOSPITAL, "0000000001", "h", &Person::hanako(), &[condition("h", "E119", None)]));
    receive(&store, &letter_of(CLINIC, "77", "c", &Person::hanako(), &[condition("c", "I10", None)]));
    gateway.linker().settle().unwrap();
    let sees = || {
        let of = |record: PatientKey| served.get("ambulance", format!("/Condition?patient={}", record.reference()));
        [here(), there()].map(|record| of(record).json()["total"].as_i64().unwrap())
    };
    let call =
        |name: &str| post(&served, "ambulance", &format!("{}/${name}", at(here())), &[("reason", json!("意識なし"))]);
    assert_eq!(sees(), [0, 0]);
    assert_eq!(call("emergency-access").status, 200);
    assert_eq!(sees(), [1, 1]);
    for (keeper, record) in [("hospital", here()), ("clinic", there())] {
        let told = served.get(keeper, format!("/Communication?subject={}", record.reference())).json();
        assert_eq!(told["total"], 1);
        assert_eq!(told["entry"][0]["resource"]["recipient"][0]["reference"], format!("Organization/{keeper}"));
    }
    let end = served.ask(Ask::post(
        "ambulance",
        format!("{}/$emergency-end", at(there())),
        &json!({"resourceType": "Parameters"}),
    ));
    assert_eq!(end.status, 200, "{}", end.body);
    assert_eq!(sees(), [0, 0], "ended from the other record");
}

#[test]
fn everything_of_a_person_is_of_all_records_that_may_be_seen() {
    let (served, gateway, _) = world(&Person::hanako(), &Person::hanako());
    put(&served, "yes", here(), "agency-a", "permit");
    let found = |more: &str| {
        let answer = served.get("agency-a", format!("{}/$everything?_type=Condition{more}", at(here())));
        assert_eq!(answer.status, 200, "{answer:?}");
        answer.json()["total"].as_i64().unwrap()
    };
    assert_eq!([found(""), found("&person=false"), found("&person=true")], [1, 1, 2]);
    let page =
        served.get("agency-a", format!("{}/$everything?_type=Condition&person=true&_count=1", at(here()))).json();
    let links = page["link"].as_array().unwrap();
    let next = links.iter().find(|link| link["relation"] == "next").unwrap()["url"].as_str().unwrap();
    let next = next.strip_prefix(gateway::BASE).unwrap().to_owned();
    assert_eq!(served.get("agency-a", next.clone()).json()["entry"].as_array().unwrap().len(), 1);
    put(&served, "no", there(), "agency-b", "deny");
    decide(&gateway, State::Separate);
    assert_eq!(found("&person=true"), 1);
    assert!(!served.get("agency-a", next).body.contains("I10"), "a page begun before");
    assert_eq!(served.get("agency-a", format!("{}/$everything?person=perhaps", at(here()))).status, 400);
}
