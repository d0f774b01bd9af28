//! How events come into chunks, what a chunk follows, and who is answered what.

use super::*;
use crate::audit;
use crate::audit::{Agent, Outcome, QueryShape, What};
use crate::consent::{ConsentVersion, Role};
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::store::faulty::{Failure, FaultyEngine};
use crate::store::memory::MemoryEngine;

/// As long as an event of one patient can be.
fn event(patients: usize, names: usize) -> Event {
    let long = "x".repeat(64);
    Event {
        recorded_ms: i64::MAX,
        what: What::Search,
        outcome: Outcome::Done,
        agent: Some(Agent { client: long.clone(), organization: format!("Organization/{long}"), role: Role::Care }),
        address: Some("2001:db8::1".parse().unwrap()),
        resource_type: Some(ResourceType::OBSERVATION),
        id: ResourceId::parse(&long),
        patients: vec![PatientKey(u128::MAX); patients],
        query: QueryShape::of(vec!["n".repeat(100).as_str(); names]),
        request: String::new(),
        consents: vec![ConsentVersion { id: long.as_str().into(), version: u32::MAX }; patients],
        count: u32::MAX,
        purpose: None,
        person: None,
    }
}

fn writer(store: &Store) -> Writer {
    let tip = Tip::read(store).unwrap();
    let shared = Arc::new(Mutex::new(tip));
    Writer { store: store.clone(), tip, is_lost: false, shared, notify: None, carried: None }
}

/// Many events that wait at once.
fn record_all(events: Vec<Event>) -> (Store, Vec<Result<(), Fault>>) {
    let store = Store::open_memory();
    let (send, receive) = sync_channel(events.len());
    let answers: Vec<_> = events
        .into_iter()
        .map(|event| {
            let (answer, written) = oneshot::channel();
            send.try_send((vec![event], answer)).unwrap();
            written
        })
        .collect();
    drop(send);
    writer(&store).run(&receive);
    (store, answers.into_iter().map(|answer| answer.blocking_recv().unwrap()).collect())
}

#[test]
fn a_chunk_takes_as_many_events_as_it_may_and_not_one_more() {
    for (count, chunks) in [(CHUNK_EVENTS_MAX, 1), (CHUNK_EVENTS_MAX + 1, 2)] {
        let small = Event { agent: None, id: None, ..event(0, 0) };
        let (store, answers) = record_all(vec![small; count]);
        assert!(answers.iter().all(Result::is_ok));
        assert_eq!(store.audit(0, 9, Order::Ascending).unwrap().len(), chunks);
    }
}

#[test]
fn however_long_the_events_are_each_is_written() {
    for (patients, names) in [(1, 0), (1, 50), (200, 50)] {
        let (store, answers) = record_all(vec![event(patients, names); 300]);
        assert!(answers.iter().all(Result::is_ok), "{patients} patients: {:?}", answers[0]);
        let chunks = store.audit(0, 999, Order::Ascending).unwrap();
        assert!(chunks.iter().all(|(_, chunk)| chunk.len() <= VALUE_BYTES_MAX));
        assert_eq!(chunks.iter().map(|(_, chunk)| audit::decode(chunk).len()).sum::<usize>(), 300);
    }
}

/// Every chunk names the one before it, the first none.
fn is_chain(store: &Store) -> bool {
    let chunks = store.audit(0, 9999, Order::Ascending).unwrap();
    let mut before = ChunkHash::NOTHING;
    chunks.iter().enumerate().all(|(nth, (number, chunk))| {
        let follows = *number == nth as u64 && audit::previous(chunk) == Some(before);
        before = ChunkHash::of(*number, chunk);
        follows
    })
}

#[test]
fn each_chunk_follows_the_one_before_also_after_a_restart() {
    let store = Store::open_memory();
    for _ in 0..3 {
        let journal = Journal::start(store.clone(), 9).unwrap();
        (0..3).for_each(|_| journal.record_now(event(1, 1)).unwrap());
    }
    assert_eq!(store.audit(0, 99, Order::Ascending).unwrap().len(), 9);
    assert!(is_chain(&store));
}

#[test]
fn whichever_write_fails_the_chain_has_no_gap_and_who_is_told_that_it_is_written_is_right() {
    for failure in [Failure::Before, Failure::After] {
        for nth in 1..12 {
            let inner = Arc::new(MemoryEngine::new());
            let engine = Arc::new(FaultyEngine::new(inner.clone(), nth, failure));
            let Ok(store) = Store::over(engine) else { continue };
            let Ok(journal) = Journal::start(store, 9) else { continue };
            let done = (0..5).filter(|_| journal.record_now(event(1, 1)).is_ok()).count();
            drop(journal);
            let store = Store::over(inner).unwrap();
            assert!(is_chain(&store), "{failure:?} {nth}");
            let kept = store.audit(0, 99, Order::Ascending).unwrap().len();
            assert!((done..=5).contains(&kept), "{failure:?} {nth}: {done} acknowledged, {kept} kept");
        }
    }
}

#[test]
fn events_handed_over_together_are_acknowledged_together_however_many_chunks_they_take() {
    let store = Store::open_memory();
    let (send, receive) = sync_channel(2);
    let (answer, written) = oneshot::channel();
    send.try_send((vec![event(200, 50); 10], answer)).unwrap();
    let (nothing, at_once) = oneshot::channel();
    send.try_send((Vec::new(), nothing)).unwrap();
    drop(send);
    writer(&store).run(&receive);
    assert_eq!((written.blocking_recv().unwrap(), at_once.blocking_recv().unwrap()), (Ok(()), Ok(())));
    assert!(store.audit(0, 99, Order::Ascending).unwrap().len() > 1);
    assert!(is_chain(&store));
}
