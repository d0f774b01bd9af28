//! One letter about several records (a merge, ADT^A40): written together or not at all.

use std::sync::Arc;

use serde_json::json;

use super::*;
use crate::fhir::{Draft, Writer};
use crate::letter::Source;
use crate::map::LocalCode;
use crate::store::codes::code_id;
use crate::store::faulty::{Failure, FaultyEngine};
use crate::store::memory::MemoryEngine;
use crate::store::verify::verify;

const HOSPITAL: &str = "0119999901";
const NOW: i64 = 1_795_230_000_000;
/// More storage calls than a scenario makes.
const CALLS_MAX: u64 = 200;

fn clock() -> i64 {
    NOW
}

fn key(number: &str) -> PatientKey {
    PatientKey::derive(&FacilityCode::parse(HOSPITAL), number)
}

fn letter(name: &str) -> Letter {
    let source = Source { facility: FacilityCode::parse(HOSPITAL), zone_minutes: 540 };
    Letter { source: source.into(), name: name.into(), bytes: b"MSH".to_vec() }
}

fn patient(number: &str, other: &str, occurred: i64) -> Change {
    let mut w = Writer::new();
    w.raw("link", &json!([{"other": {"reference": key(other).reference()}, "type": "seealso"}]).to_string());
    let draft = Draft::new(ResourceType::PATIENT, key(number).patient_id(), w);
    Change::Put(Draft { occurred: Some(occurred), ..draft })
}

/// Two patients that turned out to be one person, with a code of each one's.
fn merged(occurred: i64) -> Mapped {
    let of = |number: &str, other: &str, others| Mapped {
        patient: key(number),
        facility: FacilityCode::parse(HOSPITAL),
        origin: None,
        changes: vec![patient(number, other, occurred)],
        local_codes: vec![LocalCode {
            system: "urn:oid:2.25.1".into(),
            code: number.into(),
            display: String::new(),
            table: String::new(),
            place: Place::Whole,
        }],
        others,
    };
    of("1", "2", vec![of("2", "1", Vec::new())])
}

fn take(pipeline: &Pipeline, letter: &Letter, occurred: i64) -> Result<Receipt, Fault> {
    let id = letter.id();
    pipeline.keep(letter, id)?;
    let sending = Sending::new(letter, id);
    pipeline.commit(&sending, Noted::clean(merged(occurred)), Vec::new(), Vec::new())
}

#[test]
fn a_mapper_that_panics_holds_its_letter() {
    let result = unharmed(|| panic!("on purpose")).expect("no fault");
    assert_eq!(result.err().map(|issues| issues[0].rule.id), Some("failed-within"));
}

#[test]
fn what_a_letter_says_of_two_records_is_one_commit_and_one_receipt() {
    let store = Store::open_memory();
    let pipeline = Pipeline::new(store.clone(), clock);
    let letter = letter("a");
    let receipt = take(&pipeline, &letter, 5).unwrap();
    let records = [key("1"), key("2")];
    assert_eq!(receipt.records().collect::<Vec<_>>(), records);
    assert_eq!(receipt.resources, records.map(PatientKey::reference));
    let log = store.log(crate::store::Position(0), 9).unwrap();
    assert_eq!(log.len(), 1, "one entry names both sheaves");
    assert_eq!(log[0].1.sheaves, records.map(|record| (record, 1)));
    assert_eq!(log[0].1.letter, Some(letter.id()));
    for record in records {
        let told = store.told(record, 0, 9).unwrap();
        assert_eq!((told.len(), told[0].1.letter), (1, letter.id()));
        assert_eq!(store.head(record).unwrap().unwrap().facility, HOSPITAL);
    }
    for code in ["1", "2"] {
        let found = store.letters_with(code_id(HOSPITAL, "urn:oid:2.25.1", code), None, 9).unwrap();
        let found: Vec<_> = found.iter().map(|holder| (holder.letter, holder.patient)).collect();
        assert_eq!(found, [(letter.id(), key("1"))], "in the queue once, under the record the letter is about");
    }
    let report = verify(&store).unwrap();
    assert_eq!((report.broken, report.partitions, report.receipts, report.told), (vec![], 2, 1, 2));
}

#[test]
fn a_letter_that_was_decided_upon_an_old_record_is_decided_anew() {
    let store = Store::open_memory();
    let pipeline = Pipeline::new(store.clone(), clock);
    let standings = || [key("1"), key("2")].map(|record| Standing::read(&store, record).unwrap()).into();
    let old: Vec<Standing> = standings();
    take(&pipeline, &letter("a"), 5).unwrap();
    let late = letter("b");
    pipeline.keep(&late, late.id()).unwrap();
    let sending = Sending::new(&late, late.id());
    let refused = pipeline.commit(&sending, Noted::clean(merged(6)), old, Vec::new());
    assert_eq!(refused, Err(Fault::Conflict));
    // One of the two is enough, and a letter that changes nothing is no exception.
    let mut half: Vec<Standing> = standings();
    half[0] = Standing::empty(key("1"));
    assert_eq!(pipeline.commit(&sending, Noted::clean(merged(5)), half, Vec::new()), Err(Fault::Conflict));
    assert!(pipeline.receipt(late.id()).unwrap().is_none());
    let known = pipeline.commit(&sending, Noted::clean(merged(5)), standings(), Vec::new()).unwrap();
    assert_eq!((known.unchanged, known.resources.len()), (2, 0));
}

#[test]
fn whichever_storage_call_fails_both_records_have_it_or_none() {
    for failure in [Failure::Before, Failure::After] {
        for nth in 1..CALLS_MAX {
            let inner = Arc::new(MemoryEngine::new());
            let faulty = Arc::new(FaultyEngine::new(inner.clone(), nth, failure));
            let letter = letter("a");
            let told =
                Store::over(faulty.clone()).and_then(|store| take(&Pipeline::new(store, clock), &letter, 5)).is_ok();
            let store = Store::over(inner).unwrap();
            let pipeline = Pipeline::new(store.clone(), clock);
            let written = [key("1"), key("2")].map(|record| store.head(record).unwrap().is_some());
            let receipt = pipeline.receipt(letter.id()).unwrap().is_some();
            assert_eq!(written, [receipt; 2], "{failure:?} {nth}: by half");
            assert!(receipt || !told, "{failure:?} {nth}: acknowledged and lost");
            if !receipt {
                take(&pipeline, &letter, 5).unwrap();
            }
            assert_eq!(verify(&store).unwrap().broken, [], "{failure:?} {nth}");
            if !faulty.failed() {
                break;
            }
            assert!(nth + 1 < CALLS_MAX, "the scenario makes more calls than that");
        }
    }
}

#[test]
fn letters_about_the_same_two_records_that_come_together_are_all_there() {
    let store = Store::open_memory();
    let pipeline = Pipeline::new(store.clone(), clock);
    std::thread::scope(|scope| {
        for n in 0..8 {
            let pipeline = &pipeline;
            scope.spawn(move || {
                let letter = letter(&format!("{n}"));
                while take(pipeline, &letter, n) == Err(Fault::Conflict) {}
            });
        }
    });
    let report = verify(&store).unwrap();
    assert_eq!((report.broken, report.told, report.receipts, report.log), (vec![], 16, 8, 8));
    let order =
        |record| store.told(record, 0, 99).unwrap().into_iter().map(|(_, told)| told.letter).collect::<Vec<_>>();
    assert_eq!(order(key("1")), order(key("2")), "both records tell of the letters in one order");
}

#[test]
fn a_deletion_that_comes_before_what_it_deletes_holds() {
    let store = Store::open_memory();
    let pipeline = Pipeline::new(store.clone(), clock);
    let send = |name: &str, changes| {
        let letter = letter(name);
        pipeline.keep(&letter, letter.id()).unwrap();
        let sending = Sending::new(&letter, letter.id());
        let mapped = Mapped { changes, local_codes: Vec::new(), others: Vec::new(), ..merged(0) };
        pipeline.commit(&sending, Noted::clean(mapped), Vec::new(), Vec::new()).unwrap()
    };
    let id = key("1").resource_id("Encounter", "e");
    let gone = |at| vec![Change::Delete { resource_type: ResourceType::ENCOUNTER, id: id.clone(), occurred: Some(at) }];
    let stated = |at| {
        let mut w = Writer::new();
        w.string("status", "finished");
        w.raw("class", r#"{"code":"AMB"}"#);
        w.raw("subject", &format!(r#"{{"reference":"{}"}}"#, key("1").reference()));
        vec![Change::Put(Draft { occurred: Some(at), ..Draft::new(ResourceType::ENCOUNTER, id.clone(), w) })]
    };
    let deleted = |store: &Store| {
        let all = store.partition(key("1")).unwrap().records;
        all.iter().rev().find(|record| record.facts.id == id).is_some_and(|record| record.facts.deleted)
    };
    assert!(send("deletion", gone(20)).resources.is_empty(), "nobody sees a difference");
    send("late", stated(10));
    assert!(deleted(&store));
    send("deleted again", gone(40));
    send("late again", stated(30));
    assert!(deleted(&store));
    send("anew", stated(50));
    assert!(!deleted(&store));
    assert_eq!(verify(&store).unwrap().broken, []);
}

#[test]
fn of_two_who_try_a_refused_letter_anew_one_counts() {
    let store = Store::open_memory();
    let pipeline = Pipeline::new(store.clone(), clock);
    let letter = letter("a");
    let id = letter.id();
    pipeline.keep(&letter, id).unwrap();
    pipeline.turn_away(&Sending::new(&letter, id), Outcome::Refused, Vec::new()).unwrap();
    let (before, stands) = (pipeline.receipt(id).unwrap(), store.receipt_as_stored(id).unwrap());
    let both = [0; 2].map(|_| Sending { before: before.clone(), stands: stands.clone(), ..Sending::new(&letter, id) });
    let stored = pipeline.commit(&both[0], Noted::clean(merged(5)), Vec::new(), Vec::new()).unwrap();
    assert_eq!(stored.resources.len(), 2);
    assert_eq!(pipeline.commit(&both[1], Noted::clean(merged(5)), Vec::new(), Vec::new()), Err(Fault::Conflict));
    assert_eq!(pipeline.turn_away(&both[1], Outcome::Held, Vec::new()), Err(Fault::Conflict));
    let told = store.told(key("1"), 0, 9).unwrap();
    assert_eq!((told.len(), pipeline.receipt(id).unwrap()), (1, Some(stored.clone())));
    // Whoever was slower gets what became of it, not an endless try. (These bytes are no message: it would be held.)
    let late = pipeline.settle(&both[1], &container::Depth::alone()).unwrap();
    assert_eq!(late, stored.repeated());
    assert!(!store.is_held(id).unwrap());
}
