//! The fault loop: the n-th storage call fails, for every n, over receive, reopen, resend, read and search. What was
//! acknowledged is there, nothing is there by half, and no body leaves whose audit event is not written (invariants 1
//! and 5).

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod gateway;

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use gateway::{Answer, Ask, HOSPITAL, Served, bundle, clock, condition, config, consent, key, letter, receive};
use serde_json::Value;
use tasuki::app::Gateway;
use tasuki::audit;
use tasuki::fault::Fault;
use tasuki::fhir::ResourceType;
use tasuki::letter::Letter;
use tasuki::pipeline::{Outcome, Pipeline};
use tasuki::store::faulty::{Failure, FaultyEngine};
use tasuki::store::memory::MemoryEngine;
use tasuki::store::verify::verify;
use tasuki::store::{Commit, Engine, Entry, Order, Position, Store};

/// More storage calls than the scenario makes; the loop ends long before.
const CALLS_MAX: u64 = 500;
const NUMBER: &str = "90";

fn sent() -> Value {
    bundle(NUMBER, "f", &["C1", "C2", "C3"].map(|code| condition("f", code, None)))
}

/// As the API makes a letter of it.
fn posted() -> Letter {
    letter(HOSPITAL, "", &sent())
}

fn open(engine: &Arc<MemoryEngine>) -> Store {
    Store::over(engine.clone()).unwrap()
}

fn events(store: &Store) -> usize {
    let chunks = store.audit(0, 9999, Order::Ascending).unwrap();
    chunks.iter().map(|(_, chunk)| audit::decode(chunk).len()).sum()
}

#[test]
fn whichever_storage_call_fails_nothing_acknowledged_is_lost_and_nothing_leaves_unrecorded() {
    for failure in [Failure::Before, Failure::After] {
        let mut ended = false;
        for nth in 1..CALLS_MAX {
            let inner = Arc::new(MemoryEngine::new());
            let agreed = consent("c", NUMBER, "agency-a", "active", Value::Null);
            receive(&open(&inner), &letter("", "", &agreed));
            let faulty = Arc::new(FaultyEngine::new(inner.clone(), nth, failure));
            run(&inner, faulty.clone(), &format!("{failure:?} {nth}"));
            if !faulty.failed() {
                ended = true;
                println!("{failure:?}: {nth} calls");
                break;
            }
        }
        assert!(ended, "the scenario makes more calls than that");
    }
}

fn run(inner: &Arc<MemoryEngine>, faulty: Arc<dyn Engine>, at: &str) {
    let mut acknowledged = false;
    // A store that cannot be opened, or a journal that cannot be started, is no gateway: nobody was told anything.
    if let Ok(gateway) = Store::over(faulty).and_then(|store| Gateway::over(store, &config(), clock)) {
        let served = Served::new(Arc::new(gateway));
        let asks = [
            Ask::post("hospital", "/Bundle", &sent()),
            Ask::get("agency-a", format!("/{}", key(NUMBER).reference())),
            Ask::get("agency-a", "/Condition?_count=2"),
            Ask::get("agency-a", format!("/{}/$everything", key(NUMBER).reference())),
            Ask::put("office", "/Consent/c2", &consent("c2", NUMBER, "agency-b", "active", Value::Null)),
            Ask::get("agency-b", "/Observation"),
            Ask::get("office", "/AuditEvent"),
            Ask::get("nobody", "/Patient"),
        ];
        for ask in asks {
            let before = events(&open(inner));
            let answer = served.ask(ask.clone());
            check(&answer, &ask, at);
            let recorded = events(&open(inner)) > before;
            assert!(recorded || answer.status >= 500, "{at}: {ask:?} was answered and is not on record: {answer:#?}");
            acknowledged |= ask.method == "POST" && answer.status < 300;
        }
    }
    reopened(inner, acknowledged, at);
}

fn check(answer: &Answer, ask: &Ask, at: &str) {
    let failed = matches!(answer.status, 500 | 503);
    assert!(failed || answer.status < 500, "{at}: {ask:?} {}", answer.status);
    if failed {
        let outcome = answer.json();
        assert_eq!(outcome["resourceType"], "OperationOutcome", "{at}: {ask:?}");
        assert!(!answer.body.contains("purpose"), "{at}: the fault's own words stay inside: {}", answer.body);
        assert_eq!(outcome["issue"].as_array().unwrap().len(), 1);
    }
}

/// After the crash: whole, nothing lost, and the same letter again completes it.
fn reopened(inner: &Arc<MemoryEngine>, acknowledged: bool, at: &str) {
    let store = open(inner);
    let report = verify(&store).unwrap();
    assert_eq!(report.broken_count, 0, "{at}: {:?}", report.broken);
    let letter = posted();
    let pipeline = Pipeline::new(store.clone(), clock);
    let receipt = pipeline.receipt(letter.id()).unwrap();
    assert!(receipt.is_some() || !acknowledged, "{at}: an acknowledged letter is lost");
    let conditions = || {
        let gateway = gateway::over(store.clone());
        let types = gateway.chart(key(NUMBER)).unwrap().columns.types.clone();
        types.iter().filter(|t| **t == ResourceType::CONDITION).count()
    };
    assert_eq!(conditions(), if receipt.is_some() { 3 } else { 0 }, "{at}: a letter is there by half");
    assert!(receipt.is_none() || store.raw(letter.id()).unwrap() == Some(letter.bytes.clone()), "{at}");
    let again = pipeline.receive(&letter).unwrap();
    assert_eq!((again.outcome, again.repeat, conditions()), (Outcome::Stored, receipt.is_some(), 3), "{at}");
    let served = Served::new(gateway::over(store.clone()));
    assert_eq!(served.get("agency-a", "/Condition").json()["total"], 3, "{at}");
}

#[test]
fn an_import_that_dies_goes_on_where_it_was() {
    for failure in [Failure::Before, Failure::After] {
        for nth in 1..CALLS_MAX {
            let inner = Arc::new(MemoryEngine::new());
            let faulty = Arc::new(FaultyEngine::new(inner.clone(), nth, failure));
            let letters: Vec<Letter> = (0..4)
                .map(|n| {
                    letter(
                        HOSPITAL,
                        &format!("{n}"),
                        &bundle(NUMBER, &format!("i{n}"), &[condition(&format!("i{n}"), "C", None)]),
                    )
                })
                .collect();
            let mut told = 0;
            if let Ok(store) = Store::over(faulty.clone()) {
                let pipeline = Pipeline::new(store, clock);
                told = letters.iter().take_while(|letter| pipeline.receive(letter).is_ok()).count();
            }
            let store = open(&inner);
            let pipeline = Pipeline::new(store.clone(), clock);
            for (n, letter) in letters.iter().enumerate() {
                let again = pipeline.receive(letter).unwrap();
                assert!(again.repeat || n >= told, "{failure:?} {nth}: letter {n} was acknowledged and is not there");
            }
            let report = verify(&store).unwrap();
            assert_eq!((report.broken_count, report.letters, report.receipts), (0, 4, 4), "{:?}", report.broken);
            if !faulty.failed() {
                break;
            }
        }
    }
}

/// An engine on which somebody else is always faster.
#[derive(Default)]
struct Contested {
    inner: MemoryEngine,
    refused: AtomicUsize,
}

impl Engine for Contested {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        self.inner.get(key)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize, order: Order) -> Result<Vec<Entry>, Fault> {
        self.inner.scan(from, to, limit, order)
    }

    fn apply(&self, commits: &[Commit]) -> Result<Vec<Result<Position, Fault>>, Fault> {
        if commits.iter().any(|commit| commit.log.is_some()) {
            self.refused.fetch_add(1, Ordering::SeqCst);
            return Ok(vec![Err(Fault::Conflict); commits.len()]);
        }
        self.inner.apply(commits)
    }
}

#[test]
fn a_decision_that_is_always_overtaken_is_given_up_and_told() {
    let engine = Arc::new(Contested::default());
    let store = Store::over(engine.clone()).unwrap();
    let served = Served::new(gateway::over(store.clone()));
    let answer = served.ask(Ask::post("hospital", "/Bundle", &sent()));
    assert_eq!(answer.status, 503, "{}", answer.body);
    assert_eq!(engine.refused.load(Ordering::SeqCst), 100, "tried as often as CONFLICTS_MAX says");
    assert_eq!(events(&store), 1);
}
