//! One person at several facilities, as callers meet it (docs/adr/0043, docs/adr/0044): what the rules link, what the office
//! decides, what consents mean for linked records, and that nothing of another's record is left when a link is gone.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a test fails by panicking

#[path = "gateway/mod.rs"]
mod gateway;
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
    let answer = served.get(client, "/Condition");
    assert_eq!(answer.status, 200, "{answer:?}");
    let body = answer.json();
    let entries = body["entry"].as_array().into_iter().flatten();
    let mut codes: Vec<_> =
        entries.filter_map(|entry| Some(entry.pointer("/resource/code/text")?.as_str()?.to_owned())).collect();
    codes.sort();
    codes
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
