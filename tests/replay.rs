//! Replay: a record is what today's maps make of its letters. What differs is written once, shown before when asked for,
//! and nothing is written where nothing differs.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

mod gateway;
mod program;
mod replayed;

use std::path::Path;
use std::sync::Arc;

use gateway::{Ask, HOSPITAL, Served, bundle, clock, condition, consent, example_letters, key, letter, over, receive};
use program::corpora;
use replayed::{CONCEPT_MAP, as_other_maps, current, hospital, local_result, records, said};
use serde_json::Value;
use tasuki::chart::Chart;
use tasuki::fault::Fault;
use tasuki::fhir::{ResourceId, ResourceType};
use tasuki::intake::folder;
use tasuki::letter::Letter;
use tasuki::pipeline::{Effect, Outcome, Pipeline};
use tasuki::search::Facts;
use tasuki::store::codes::{Code, code_id};
use tasuki::store::faulty::{Failure, FaultyEngine};
use tasuki::store::memory::MemoryEngine;
use tasuki::store::verify::verify;
use tasuki::store::{Commit, Engine, Store, Told, keys};

/// More storage calls than a scenario makes.
const CALLS_MAX: u64 = 500;

#[test]
fn where_nothing_differs_nothing_is_written() {
    let store = Store::open_memory();
    let pipeline = hospital(&store);
    let log = verify(&store).unwrap().log;
    let records = records(&store);
    assert!(records.len() >= 3);
    let mut letters = 0;
    for patient in records {
        let rebuilt = pipeline.rebuild(patient, &[], false).unwrap();
        assert!(rebuilt.differences.is_empty() && rebuilt.refused.is_none(), "{rebuilt:#?}");
        letters += rebuilt.letters;
    }
    assert_eq!(letters, 42, "every letter of the example belongs to a record");
    assert_eq!(verify(&store).unwrap().log, log);
}

#[test]
fn what_other_maps_made_becomes_what_todays_maps_make() {
    let store = Store::open_memory();
    let pipeline = hospital(&store);
    let patient = key("0000000001");
    let (before, count) = (said(&store, patient), store.partition(patient).unwrap().records.len());
    as_other_maps(&store, patient, ResourceType::OBSERVATION, ResourceType::CONDITION);
    assert_ne!(said(&store, patient), before);
    let shown = pipeline.rebuild(patient, &[], true).unwrap();
    let mut effects: Vec<(Effect, &str)> =
        shown.differences.iter().map(|d| (d.effect, d.resource_type.name())).collect();
    effects.sort();
    // The Provenances that tell of them are as they were: the map version is the same.
    assert_eq!(
        effects,
        [(Effect::Created, "Condition"), (Effect::Changed, "Observation"), (Effect::Deleted, "Observation")]
    );
    let changed = shown.differences.iter().find(|d| d.effect == Effect::Changed).unwrap();
    let paths: Vec<_> =
        changed.paths.iter().map(|p| (p.path.as_str(), p.before.is_some(), p.after.is_some())).collect();
    assert_eq!(paths, [("status", true, true)]);
    assert_ne!(said(&store, patient), before, "a trial writes nothing");
    let done = pipeline.rebuild(patient, &[], false).unwrap();
    assert_eq!(done.differences, shown.differences, "what was shown is what is done");
    assert_eq!(said(&store, patient), before);
    let all = store.partition(patient).unwrap().records;
    assert_eq!(all.len(), count + 6, "the versions before stay");
    assert!(pipeline.rebuild(patient, &[], false).unwrap().differences.is_empty(), "a second time nothing differs");
    assert_eq!(verify(&store).unwrap().broken, []);
    // What comes next finds the record as if nothing had happened.
    let again = example_letters("hospital/0119999901", HOSPITAL, |name| name.contains("/0000000001/"));
    assert!(again.iter().all(|letter| pipeline.receive(letter).unwrap().repeat));
}

#[test]
fn a_provenance_names_new_maps_only_with_what_they_changed() {
    let store = Store::open_memory();
    let pipeline = hospital(&store);
    let patient = key("0000000001");
    // As if every letter had been read with an older version of the maps.
    let old: Vec<(Facts, String)> = current(&store, patient)
        .into_iter()
        .filter(|(facts, _)| facts.resource_type == ResourceType::PROVENANCE)
        .map(|(facts, body)| {
            let mut provenance: Value = serde_json::from_str(&body).unwrap();
            let agents = provenance["agent"].as_array_mut().unwrap();
            let assembler = agents.iter_mut().find(|a| a["type"]["coding"][0]["code"] == "assembler").unwrap();
            assembler["who"]["identifier"]["value"] = "0".into();
            (Facts { version: facts.version + 1, content: facts.content ^ 1, ..facts }, provenance.to_string())
        })
        .collect();
    assert!(old.len() > 5);
    let commit = store.partition(patient).unwrap().write(patient, HOSPITAL, &old).unwrap();
    store.submit(commit).wait().unwrap();
    assert!(pipeline.rebuild(patient, &[], true).unwrap().differences.is_empty(), "what is on record is still so");
    let told = |facts: &Facts| facts.resource_type == ResourceType::OBSERVATION && !facts.deleted;
    let (mut other, body) = current(&store, patient).into_iter().find(|(facts, _)| told(facts)).unwrap();
    other.version += 1;
    other.content ^= 1;
    let reference = format!("Observation/{}", other.id.as_str());
    let commit = store.partition(patient).unwrap().write(patient, HOSPITAL, &[(other, body)]).unwrap();
    store.submit(commit).wait().unwrap();
    let done = pipeline.rebuild(patient, &[], false).unwrap();
    assert!(done.differences.len() >= 2 && done.differences.len() < old.len(), "{:#?}", done.differences);
    for (facts, body) in current(&store, patient) {
        if facts.resource_type == ResourceType::PROVENANCE {
            assert_eq!(body.contains(&reference), !body.contains(r#""value":"0""#), "{body}");
        }
    }
}

#[test]
fn consents_and_panels_follow() {
    let store = Store::open_memory();
    receive(&store, &letter(HOSPITAL, "", &bundle("70", "b", &[condition("b", "C1", None)])));
    let agreed = consent("c", "70", "agency-a", "active", Value::Null);
    assert_eq!(Served::new(over(store.clone())).ask(Ask::put("office", "/Consent/c", &agreed)).status, 200);
    let consents = |store: &Store| {
        current(store, key("70")).into_iter().find(|(facts, _)| facts.resource_type == ResourceType::CONSENT).unwrap()
    };
    // As if maps had once lost it.
    let (facts, _) = consents(&store);
    let gone = Facts { version: facts.version + 1, deleted: true, content: 0, ..facts };
    let mut commit = store.partition(key("70")).unwrap().write(key("70"), HOSPITAL, &[(gone, String::new())]).unwrap();
    commit.take_off_panel("Organization/agency-a", key("70"));
    store.submit(commit).wait().unwrap();
    assert_eq!(Served::new(over(store.clone())).get("agency-a", "/Condition").json()["total"], 0);
    let pipeline = Pipeline::new(store.clone(), clock);
    let done = pipeline.rebuild(key("70"), &[], false).unwrap();
    assert_eq!(done.differences.len(), 1, "{:#?}", done.differences);
    assert_eq!(Served::new(over(store.clone())).get("agency-a", "/Condition").json()["total"], 1);
    assert!(pipeline.rebuild(key("70"), &[], false).unwrap().differences.is_empty());
}

#[test]
fn a_record_with_a_letter_that_cannot_be_read_any_more_stays() {
    let store = Store::open_memory();
    let pipeline = hospital(&store);
    let patient = key("0000000001");
    as_other_maps(&store, patient, ResourceType::OBSERVATION, ResourceType::CONDITION);
    let before = said(&store, patient);
    let noise = gateway::source(HOSPITAL);
    let noise = Letter { source: noise, name: "noise".into(), bytes: b"hello".to_vec() };
    assert!(pipeline.receive(&noise).unwrap().resources.is_empty());
    let mut commit = Commit::default();
    let told = Told { letter: noise.id(), received: gateway::NOW, codes: Vec::new() };
    commit.tell(patient, store.told_count(patient).unwrap() + 1, &told);
    store.submit(commit).wait().unwrap();
    let refused = pipeline.rebuild(patient, &[], false).unwrap().refused.unwrap();
    assert_eq!((refused.letter, refused.issues[0].rule.as_str()), (noise.id(), "letter-format-unknown"));
    assert_eq!(said(&store, patient), before);
}

#[test]
fn a_letter_that_speaks_of_another_record_today_reaches_it() {
    let store = Store::open_memory();
    let pipeline = hospital(&store);
    let (one, other) = (key("0000000001"), key("0000000003"));
    let before = said(&store, other);
    let told = store.told(other, 0, 1000).unwrap();
    // As if the maps had taken all letters of the third patient for the first one's.
    let mut commit = Commit::default();
    let own = store.told_count(one).unwrap();
    for (number, entry) in &told {
        commit.tell(one, own + number, entry);
        commit.delete.push(keys::told(other, *number));
    }
    store.submit(commit).wait().unwrap();
    let shown = pipeline.rebuild(one, &[], true).unwrap();
    assert_eq!((shown.linked.len(), shown.linked[0].new.len()), (1, told.len()));
    let trial = pipeline.rebuild(other, &shown.linked[0].new, true).unwrap();
    assert!(trial.differences.is_empty(), "the record itself was not lost here");
    let done = pipeline.rebuild(one, &[], false).unwrap();
    assert_eq!((done.linked[0].patient, store.told_count(other).unwrap()), (other, told.len() as u64));
    assert!(pipeline.rebuild(other, &[], false).unwrap().differences.is_empty());
    assert_eq!(said(&store, other), before);
    assert!(pipeline.rebuild(one, &[], false).unwrap().linked[0].new.is_empty());
}

#[test]
fn codes_that_are_mapped_leave_the_queue() {
    let store = Store::open_memory();
    let pipeline = hospital(&store);
    let patient = key("0000000001");
    let waiting = |store: &Store| {
        let mut found = Vec::new();
        let read = store.local_codes(None, |waiting| {
            found.push((waiting.id, waiting.letters));
            Ok(())
        });
        read.unwrap();
        found
    };
    let before = waiting(&store);
    let (number, told) = store.told(patient, 0, 1000).unwrap().pop().unwrap();
    let code = Code {
        facility: HOSPITAL.into(),
        system: "urn:oid:2.25.7".into(),
        code: "X".into(),
        display: String::new(),
        table: String::new(),
        place: "-".into(),
        letter: told.letter.hex(),
    };
    let id = code_id(&code.facility, &code.system, &code.code);
    let mut commit = Commit::default();
    commit.put_code(id, &code);
    commit.put_unmapped(id, &told, patient);
    let codes = told.codes.iter().copied().chain([id]).collect();
    commit.retell(patient, number, &Told { codes, ..told.clone() });
    store.submit(commit).wait().unwrap();
    assert_eq!(waiting(&store).len(), before.len() + 1);
    assert_eq!(pipeline.rebuild(patient, &[], true).unwrap().codes_mapped, 1);
    assert_eq!(waiting(&store).len(), before.len() + 1, "a trial writes nothing");
    assert_eq!(pipeline.rebuild(patient, &[], false).unwrap().codes_mapped, 1);
    assert_eq!(waiting(&store), before);
    assert_eq!(pipeline.rebuild(patient, &[], false).unwrap().codes_mapped, 0);
    assert_eq!(verify(&store).unwrap().broken, []);
}

#[test]
fn a_new_concept_map_reaches_the_records_of_the_letters_that_wait_for_it() {
    let store = Store::open_memory();
    let pipeline = Pipeline::new(store.clone(), clock);
    for (number, control) in [("1", "A1"), ("1", "A2"), ("2", "A3")] {
        pipeline.receive(&local_result(number, control)).unwrap();
    }
    let waiting = || {
        let mut found = Vec::new();
        let read = store.local_codes(Some(HOSPITAL), |waiting| {
            found.push(waiting);
            Ok(())
        });
        read.unwrap();
        found
    };
    let before = waiting().into_iter().find(|waiting| waiting.code.code == "X1").unwrap();
    assert_eq!((before.letters, before.code.table.as_str(), before.code.display.as_str()), (3, "99XYZ", "総蛋白"));
    let mut records: Vec<_> =
        store.letters_with(before.id, None, 9).unwrap().iter().map(|holder| holder.patient).collect();
    records.dedup();
    assert_eq!(records.len(), 2, "exactly the records to be made anew");
    let mut book = tasuki::codes::Book::default();
    book.add(None, CONCEPT_MAP.as_bytes()).unwrap();
    let mapping = Pipeline::new(store.clone(), clock).with_book(Arc::new(book));
    let mut changed = 0;
    for patient in &records {
        let rebuilt = mapping.rebuild(*patient, &[], false).unwrap();
        for difference in &rebuilt.differences {
            assert_eq!((difference.resource_type.name(), difference.effect), ("Observation", Effect::Changed));
            let paths: Vec<_> = difference.paths.iter().map(|p| (p.path.as_str(), p.before.is_none())).collect();
            assert_eq!(paths, [("code.coding[]", true)]);
            changed += 1;
        }
        assert!(mapping.rebuild(*patient, &[], false).unwrap().differences.is_empty());
    }
    assert_eq!(changed, 3);
    assert!(waiting().iter().all(|waiting| waiting.code.code != "X1"), "it waits no longer");
    // A map that is taken back: the record is as it was, and the code waits again.
    for patient in &records {
        assert!(!pipeline.rebuild(*patient, &[], false).unwrap().differences.is_empty());
    }
    assert_eq!(waiting().into_iter().find(|waiting| waiting.code.code == "X1").map(|w| w.letters), Some(3));
    assert_eq!(verify(&store).unwrap().broken, []);
}

/// Letters of all golden cases, by the name of their case.
fn golden_letters() -> Vec<(String, Letter)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/map");
    let mut cases: Vec<_> = std::fs::read_dir(root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    let read = |case: &Path| {
        let bytes = std::fs::read(case.join("input.hl7")).ok()?;
        let name = std::fs::read_to_string(case.join("name.txt")).unwrap_or_default().trim().to_owned();
        Some((
            case.file_name().unwrap().to_string_lossy().into_owned(),
            Letter { source: gateway::source(HOSPITAL), name, bytes },
        ))
    };
    cases.iter().filter_map(|case| read(case)).collect()
}

#[test]
fn every_golden_message_is_replayed_to_what_it_was() {
    let store = Store::open_memory();
    let pipeline = Pipeline::new(store.clone(), clock);
    let mut stored = 0;
    for (_, letter) in golden_letters() {
        stored += usize::from(pipeline.receive(&letter).unwrap().outcome == Outcome::Stored);
    }
    assert!(stored > 50);
    let mut letters = 0;
    for patient in records(&store) {
        let rebuilt = pipeline.rebuild(patient, &[], false).unwrap();
        assert!(rebuilt.refused.is_none(), "{rebuilt:#?}");
        assert!(rebuilt.differences.is_empty(), "{:#?}", rebuilt.differences);
        letters += rebuilt.letters;
    }
    assert!(letters >= stored, "a merge is told of in two records");
    assert_eq!(verify(&store).unwrap().broken, []);
}

#[test]
fn every_foreign_message_is_replayed_to_what_it_was() {
    let Some(corpora) = corpora() else { return };
    let store = Store::open_memory();
    let pipeline = Pipeline::new(store.clone(), clock);
    let mut stored = 0;
    for tree in ["ssmix2/generated", "v2", "cda", "fhir/jp-clins-1.5.2-ExampleJson"] {
        for group in folder::walk(&corpora.join(tree)) {
            for found in group.unwrap().files {
                let Ok(bytes) = found.read() else { continue };
                let letter = Letter { source: gateway::source(""), name: found.name, bytes };
                stored += usize::from(pipeline.receive(&letter).unwrap().outcome == Outcome::Stored);
            }
        }
    }
    let (mut letters, mut seen) = (0, 0);
    for patient in records(&store) {
        let rebuilt = pipeline.rebuild(patient, &[], false).unwrap();
        assert!(rebuilt.refused.is_none() && rebuilt.differences.is_empty(), "{rebuilt:#?}");
        (letters, seen) = (letters + rebuilt.letters, seen + 1);
    }
    println!("{stored} letters stored, {letters} replayed into {seen} records");
    assert!(stored > 500 && letters >= stored / 2);
    assert_eq!(verify(&store).unwrap().broken, []);
}

#[test]
fn two_records_that_are_one_persons_are_replayed_to_what_they_were() {
    let store = Store::open_memory();
    let pipeline = Pipeline::new(store.clone(), clock);
    let message = |event: &str, control: &str, number: &str, rest: &str| {
        let text = format!(
            "MSH|^~\\&|HIS|DEMO|GW|RCV|202605051200{control}||{event}|{control}|P|2.5||||||UNICODE UTF-8\r\
             EVN||20260505120000\rPID|1||{number}^^^^PI||試験^花子^^^^^L^I||19480405|F\r{rest}"
        );
        Letter { source: gateway::source(HOSPITAL), name: String::new(), bytes: text.into_bytes() }
    };
    let letters = [
        message("ADT^A08^ADT_A01", "01", "17", ""),
        message(
            "ADT^A01^ADT_A01",
            "02",
            "18",
            "PV1|1|I|11A^4^2|||||||||||||||||||||||||||||||||||||||||20260501100000\r",
        ),
        message("ADT^A40^ADT_A39", "03", "17", "MRG|18^^^^PI\r"),
        message("ADT^A08^ADT_A01", "04", "18", ""),
    ];
    let receipts: Vec<_> = letters.iter().map(|letter| pipeline.receive(letter).unwrap()).collect();
    let both = [key("17"), key("18")];
    assert_eq!(receipts[2].records().collect::<Vec<_>>(), both, "{:#?}", receipts[2]);
    let before = both.map(|record| said(&store, record));
    for record in both {
        let rebuilt = pipeline.rebuild(record, &[], false).unwrap();
        assert!(rebuilt.differences.is_empty(), "{:#?}", rebuilt.differences);
        assert_eq!((rebuilt.linked.len(), rebuilt.linked[0].new.len()), (1, 0), "each knows of the other");
    }
    // As if the merge had once been read by maps that knew nothing of the other record.
    let told = store.told(both[1], 0, 9).unwrap();
    assert_eq!(told.len(), 3);
    let mut commit = Commit::default();
    commit.retell(both[1], 2, &told[2].1);
    commit.delete.push(keys::told(both[1], 3));
    store.submit(commit).wait().unwrap();
    pipeline.rebuild(both[1], &[], false).unwrap();
    assert_ne!(said(&store, both[1]), before[1]);
    let shown = pipeline.rebuild(both[0], &[], true).unwrap();
    assert_eq!(shown.linked[0].new.len(), 1);
    let trial = pipeline.rebuild(both[1], &shown.linked[0].new, true).unwrap();
    assert!(trial.differences.iter().any(|d| d.resource_type == ResourceType::PATIENT), "{:#?}", trial.differences);
    pipeline.rebuild(both[0], &[], false).unwrap();
    pipeline.rebuild(both[1], &[], false).unwrap();
    assert_eq!(store.told_count(both[1]), Ok(3));
    let patient = |all: &[(ResourceType, ResourceId, Value, u128)]| {
        all.iter().find(|(resource_type, ..)| *resource_type == ResourceType::PATIENT).unwrap().2["active"].clone()
    };
    assert_eq!(patient(&said(&store, both[1])), patient(&before[1]));
    assert_eq!(verify(&store).unwrap().broken, []);
}

#[test]
fn every_code_and_letter_is_in_the_queue_once() {
    let store = Store::open_memory();
    hospital(&store);
    let mut entries = 0;
    let read = store.local_codes(None, |waiting| {
        let letters = store.letters_with(waiting.id, None, 1000)?;
        assert_eq!(letters.len() as u64, waiting.letters);
        for holder in letters {
            let told = store.told(holder.patient, 0, 1000)?;
            assert!(told.iter().any(|(_, told)| told.letter == holder.letter && told.codes.contains(&waiting.id)));
            entries += 1;
        }
        Ok(())
    });
    read.unwrap();
    let told = records(&store).into_iter().flat_map(|patient| store.told(patient, 0, 1000).unwrap());
    assert_eq!(told.map(|(_, told)| told.codes.len()).sum::<usize>(), entries);
    assert!(entries > 0, "the example has codes of its own");
}

#[test]
fn whichever_storage_call_fails_a_replay_is_done_or_not() {
    for failure in [Failure::Before, Failure::After] {
        for nth in 1..CALLS_MAX {
            let inner = Arc::new(MemoryEngine::new());
            let store = Store::over(inner.clone()).unwrap();
            let sent = bundle("71", "b", &["C1", "C2"].map(|code| condition("b", code, None)));
            receive(&store, &letter(HOSPITAL, "", &sent));
            let wanted = said(&store, key("71"));
            as_other_maps(&store, key("71"), ResourceType::PROVENANCE, ResourceType::CONDITION);
            let other = said(&store, key("71"));
            drop(store);
            let faulty: Arc<FaultyEngine> = Arc::new(FaultyEngine::new(inner.clone(), nth, failure));
            let engine: Arc<dyn Engine> = faulty.clone();
            let done: Result<_, Fault> = Store::over(engine)
                .and_then(|store| Pipeline::new(store, clock).rebuild(key("71"), &[], false).map(|_| ()));
            let store = Store::over(inner).unwrap();
            let now = said(&store, key("71"));
            assert!(now == wanted || now == other, "{failure:?} {nth}: by half");
            assert!(done.is_err() || now == wanted, "{failure:?} {nth}");
            assert_eq!(verify(&store).unwrap().broken, []);
            Pipeline::new(store.clone(), clock).rebuild(key("71"), &[], false).unwrap();
            assert_eq!(said(&store, key("71")), wanted);
            if !faulty.failed() {
                break;
            }
            assert!(nth + 1 < CALLS_MAX, "the scenario makes more calls than that");
        }
    }
}

#[test]
fn charts_show_the_replayed_record_at_once() {
    let store = Store::open_memory();
    let pipeline = hospital(&store);
    let patient = key("0000000001");
    as_other_maps(&store, patient, ResourceType::OBSERVATION, ResourceType::CONDITION);
    let gateway = over(store.clone());
    let count = |chart: Arc<Chart>| chart.columns.types.iter().filter(|t| **t == ResourceType::CONDITION).count();
    let before = count(gateway.chart(patient).unwrap());
    pipeline.rebuild(patient, &[], false).unwrap();
    assert_eq!(count(gateway.chart(patient).unwrap()), before + 1);
}
