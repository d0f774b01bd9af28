//! What the audit record costs: an event added to the chain without the flush, and one patient found among a million events.
//! Run by hand: `cargo test --release --test audit_figures -- --ignored --nocapture`.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test fails by panicking

use std::time::{Duration, Instant};

use tasuki::audit::{self, Agent, ChunkHash, Event, QueryShape, What};
use tasuki::consent::{ConsentVersion, Purpose, Role};
use tasuki::fhir::{PatientKey, ResourceId, ResourceType};
use tasuki::journal::{Journal, Wanted};
use tasuki::store::Store;

const EVENTS: u64 = 1_000_000;
const PATIENTS: u64 = 50_000;

fn event(n: u64) -> Event {
    Event {
        agent: Some(Agent { client: "agency-a-app".into(), organization: "Organization/a".into(), role: Role::Care }),
        address: "192.0.2.7".parse().ok(),
        resource_type: Some(ResourceType::OBSERVATION),
        id: ResourceId::parse("5a3b1c2d-0000-8000-8000-000000000001"),
        patients: vec![patient(n.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 16)],
        query: QueryShape::of(["patient", "date"]).with_asked("patient=Patient/7&date=ge2026"),
        request: format!("{n:016x}"),
        consents: vec![ConsentVersion { id: "k1".into(), version: 3 }],
        count: 17,
        purpose: Some(Purpose::COORDINATION_OF_CARE),
        ..Event::new(1_790_000_000_000 + n as i64, What::Search)
    }
}

fn patient(n: u64) -> PatientKey {
    PatientKey(u128::from(n % PATIENTS + 1) << 64)
}

fn median(mut times: Vec<Duration>) -> Duration {
    times.sort();
    times[times.len() / 2]
}

#[test]
#[ignore = "measures, on a quiet machine: cargo test --release --test audit_figures -- --ignored --nocapture"]
fn an_event_is_added_within_fifty_microseconds_beside_the_flush() {
    const ROUNDS: u64 = 20_000;
    let events: Vec<Event> = (0..ROUNDS).map(event).collect();
    // What is done for an event before the write: encode, hash; a chunk for each, the dearest case.
    let mut before = ChunkHash::NOTHING;
    let made: Vec<Duration> = (0..)
        .zip(&events)
        .map(|(number, event)| {
            let one = Instant::now();
            before = ChunkHash::of(number, &audit::encode(&before, [event]));
            one.elapsed()
        })
        .collect();
    println!("encoded and hashed, one chunk each: median {:?}", median(made));
    // The same with the journal's threads and a store that flushes nothing.
    let journal = Journal::start(Store::open_memory(), 64).unwrap();
    let begun = Instant::now();
    let times: Vec<Duration> = events
        .into_iter()
        .map(|event| {
            let one = Instant::now();
            journal.record_now(event).unwrap();
            one.elapsed()
        })
        .collect();
    println!(
        "recorded, one caller, nothing flushed: mean {:?}, median {:?}",
        begun.elapsed() / ROUNDS as u32,
        median(times)
    );
}

#[test]
#[ignore = "measures, on a quiet machine: cargo test --release --test audit_figures -- --ignored --nocapture"]
fn one_patient_among_a_million_events() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_sled(folder.path(), 64 << 20).unwrap();
    let (mut before, mut number) = (ChunkHash::NOTHING, 0);
    let begun = Instant::now();
    while number * 100 < EVENTS {
        let events: Vec<Event> = (number * 100..(number + 1) * 100).map(event).collect();
        let chunk = audit::encode(&before, &events);
        before = ChunkHash::of(number, &chunk);
        store.append_audit(number, chunk).unwrap();
        number += 1;
    }
    println!("{EVENTS} events written in {:?}", begun.elapsed());
    let find = |journal: &Journal, n: u64| {
        let wanted = Wanted {
            patient: Some(patient(n)),
            from_ms: i64::MIN,
            to_ms: i64::MAX,
            before: None,
            holds: |_: &Event| true,
            limit: 50,
            scanned_max: usize::MAX,
        };
        let begun = Instant::now();
        let page = journal.find(&wanted).unwrap();
        (begun.elapsed(), page.found.len())
    };
    let journal = Journal::start(store.clone(), 64).unwrap();
    let (first, found) = find(&journal, 1);
    println!("first question, the index made of all: {first:?}, {found} events");
    let times: Vec<Duration> = (2..500).map(|n| find(&journal, n).0).collect();
    println!("next questions: median {:?}, most {:?}", median(times.clone()), times.iter().max().unwrap());
    drop(journal);
    let journal = Journal::start(store.clone(), 64).unwrap();
    println!("first question after a restart: {:?}", find(&journal, 7).0);
    let begun = Instant::now();
    let all = journal.newest(50, |event| event.patients.contains(&patient(7))).unwrap();
    println!("the same by reading the whole chain: {:?}, {} events", begun.elapsed(), all.len());
    let bytes = |end: &str| -> u64 {
        let files = std::fs::read_dir(folder.path().join("audit")).unwrap().map(|file| file.unwrap());
        files.filter(|f| f.path().extension().is_some_and(|e| e == end)).map(|f| f.metadata().unwrap().len()).sum()
    };
    println!("chain {} MB, index {} MB", bytes("chain") / 1_000_000, bytes("patients") / 1_000_000);
    let begun = Instant::now();
    let report = tasuki::journal::verify::folder(folder.path(), &[], &[]).unwrap();
    assert_eq!((report.found, report.events), (Vec::new(), EVENTS));
    println!("verified in {:?}", begun.elapsed());
}
