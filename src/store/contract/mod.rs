//! What every engine must do, as one suite that is run for each of them.

mod embedded;
mod model;
mod postgres;

use std::sync::Arc;

use super::*;
use crate::fhir::{PatientKey, ResourceType};
use crate::letter::LetterId;
use crate::store::memory::MemoryEngine;

/// What is asked of an engine, and its name.
type Clause = (&'static str, fn(&dyn Engine));

/// Runs the suite; `make` gives an empty engine.
fn keep(make: impl Fn() -> Arc<dyn Engine>) {
    let clauses: [Clause; 10] = [
        ("scans", scans),
        ("scans over partitions", scans_over_partitions),
        ("expectations", expectations),
        ("expectations of many commits", expectations_of_many_commits),
        ("a conflict leaves others", conflict_leaves_others),
        ("the last write wins", last_write_wins),
        ("positions", positions),
        ("limits", limits),
        ("a large commit", a_large_commit),
        ("readers beside a writer", readers_beside_a_writer),
    ];
    for (name, clause) in clauses {
        println!("{name}");
        clause(&*make());
    }
    model::follow(&make);
}

/// What was applied is there when the store is opened again, and the log goes on without a gap.
fn keep_over_reopening(open: impl Fn() -> Arc<dyn Engine>) {
    for round in 0..4_u64 {
        let engine = open();
        assert_eq!(engine.scan(b"k", b"l", 99, Order::Ascending).unwrap().len() as u64, round * 5);
        let commits: Vec<_> = (0..5).map(|n| logged("x", put(&format!("k{round}{n}"), "v"))).collect();
        let fates = engine.apply(&commits).unwrap();
        assert_eq!(fates.last(), Some(&Ok(Position(round * 5 + 5))), "positions go on where they were");
        assert_eq!(engine.apply(&[put("g", "v")]).unwrap(), [Ok(Position(round * 5 + 5))]);
    }
    let (from, to) = keys::space(keys::Space::Log);
    let log = open().scan(&from, &to, 99, Order::Ascending).unwrap();
    let numbers: Vec<_> = log.iter().map(|(key, _)| keys::number_of(key).unwrap()).collect();
    assert_eq!(numbers, (1..=20).collect::<Vec<_>>());
}

fn put(key: &str, value: &str) -> Commit {
    Commit { put: vec![(key.into(), value.into())], ..Commit::default() }
}

fn expecting(key: &str, value: Option<&str>, commit: Commit) -> Commit {
    Commit { expect: vec![(key.into(), value.map(Into::into))], ..commit }
}

fn logged(entry: &str, commit: Commit) -> Commit {
    Commit { log: Some(entry.into()), ..commit }
}

fn value(engine: &dyn Engine, key: &str) -> Option<String> {
    engine.get(key.as_bytes()).unwrap().map(|value| String::from_utf8(value).unwrap())
}

fn keys_of(engine: &dyn Engine, from: &str, to: &str, limit: usize, order: Order) -> String {
    let entries = engine.scan(from.as_bytes(), to.as_bytes(), limit, order).unwrap();
    entries.into_iter().map(|(key, _)| String::from_utf8(key).unwrap()).collect::<Vec<_>>().join(" ")
}

fn scans(engine: &dyn Engine) {
    let commits: Vec<_> = ["b", "a", "c", "ab", "d"].iter().map(|key| put(key, key)).collect();
    engine.apply(&commits).unwrap();
    use Order::{Ascending, Descending};
    assert_eq!(keys_of(engine, "a", "d", 9, Ascending), "a ab b c");
    assert_eq!(keys_of(engine, "a", "d", 9, Descending), "c b ab a");
    assert_eq!(keys_of(engine, "a", "d", 2, Ascending), "a ab");
    assert_eq!(keys_of(engine, "a", "d", 2, Descending), "c b");
    assert_eq!(keys_of(engine, "aa", "b", 9, Ascending), "ab");
    assert_eq!(keys_of(engine, "a", "d", 0, Ascending), "");
    assert_eq!(keys_of(engine, "d", "a", 9, Ascending), "");
    assert_eq!(keys_of(engine, "a", "a", 9, Descending), "");
    assert_eq!(keys_of(engine, "x", "z", 9, Ascending), "");
    assert_eq!(keys_of(engine, "", "b", 9, Ascending), "a ab");
    assert_eq!(keys_of(engine, "", "\u{7f}", 9, Descending), "d c b ab a");
    assert_eq!(value(engine, ""), None);
    engine.apply(&[put("empty", "")]).unwrap();
    assert_eq!(value(engine, "empty").as_deref(), Some(""), "an empty value is one");
}

/// Keys of every space, neighbours among them, come in the order of their bytes, whatever an engine does to spread them.
fn scans_over_partitions(engine: &dyn Engine) {
    let mut all = Vec::new();
    for patient in [0, 1, 255, 256, u128::MAX - 1, u128::MAX].map(PatientKey) {
        all.extend([keys::head(patient), keys::sheaf(patient, 1, 0), keys::sheaf(patient, 1, 1)]);
        all.extend([keys::told(patient, 1), keys::panel(7, patient), keys::code(patient.0)]);
        all.push(keys::unmapped(patient.0, -1, LetterId([3; 32])));
    }
    for n in [0, 1, 2, 255, 256, 65_535, 65_536, u64::MAX] {
        all.extend([keys::audit(n), keys::sheaf(PatientKey(9), n, 7), keys::control(n, b"id", [0; 16], n)]);
    }
    for n in [0, 1, 127, 255] {
        let letter = LetterId([n; 32]);
        all.extend([keys::raw(letter, 0), keys::raw(letter, 1), keys::receipt(letter, 0), keys::held(letter)]);
    }
    for name in ["a", "feed/0123456789abcdef", "feed/0123456789abcdeg", "feed/0123456789abcdefg"] {
        all.extend([keys::meta(name), keys::id(ResourceType::PATIENT, name)]);
    }
    all.extend([vec![0], vec![0, 0], vec![255], vec![255; 40], vec![b'P'], vec![b'P'; 17], vec![b'P'; 18]]);
    all.push(vec![b'K'; KEY_BYTES_MAX]);
    let values = all.iter().map(|key| (key.clone(), key.iter().rev().copied().collect()));
    engine.apply(&[Commit { put: values.collect(), ..Commit::default() }]).unwrap()[0].clone().unwrap();
    all.sort();
    let bounds = all.iter().cloned().chain(all.iter().map(|key| keys::after(key))).chain([vec![], vec![255; 99]]);
    let mut bounds: Vec<_> = bounds.collect();
    bounds.sort();
    for (n, from) in bounds.iter().enumerate() {
        assert_eq!(engine.get(from).unwrap().is_some(), all.binary_search(from).is_ok());
        for (step, limit) in [(1, 99), (2, 1), (5, 3), (17, 2), (40, 11), (200, 1000)] {
            let to = bounds.get(n + step).unwrap_or_else(|| bounds.last().unwrap());
            let within: Vec<_> = all.iter().filter(|key| (from..to).contains(key)).collect();
            let keys = |order| {
                engine.scan(from, to, limit, order).unwrap().into_iter().map(|(key, value)| {
                    assert!(key.iter().rev().eq(&value));
                    key
                })
            };
            assert!(keys(Order::Ascending).eq(within.iter().take(limit).copied().cloned()), "{from:?} {to:?}");
            assert!(keys(Order::Descending).eq(within.iter().rev().take(limit).copied().cloned()), "{from:?} {to:?}");
        }
    }
}

/// As many as are written together, each on what the one before it did.
fn expectations_of_many_commits(engine: &dyn Engine) {
    let count = |n: u32| n.checked_sub(1).map(|before| before.to_be_bytes().to_vec());
    let step = |n: u32| Commit {
        expect: (0..4_u8).map(|key| (vec![b'k', key], count(n))).collect(),
        put: (0..4_u8).map(|key| (vec![b'k', key], n.to_be_bytes().to_vec())).collect(),
        log: Some(n.to_be_bytes().to_vec()),
        ..Commit::default()
    };
    let fates = engine.apply(&(0..256).map(step).collect::<Vec<_>>()).unwrap();
    assert!(fates.iter().enumerate().all(|(n, fate)| *fate == Ok(Position(n as u64 + 1))));
    let fates = engine.apply(&[step(0), step(255), step(256), step(258), step(257)]).unwrap();
    let conflict = Err(Fault::Conflict);
    assert_eq!(fates, [conflict.clone(), conflict.clone(), Ok(Position(257)), conflict, Ok(Position(258))]);
}

fn a_large_commit(engine: &dyn Engine) {
    let key = |n: u8| keys::raw(LetterId([n; 32]), u16::from(n));
    let bytes = |n: u8| (0..VALUE_BYTES_MAX).map(|at| (at as u8).wrapping_mul(31) ^ n).collect::<Vec<_>>();
    let put: Vec<_> = (0..100).map(|n| (key(n), bytes(n))).collect();
    engine.apply(&[Commit { put: put.clone(), log: Some(bytes(7)), ..Commit::default() }]).unwrap()[0].clone().unwrap();
    let (from, to) = keys::space(keys::Space::Raw);
    assert!(engine.scan(&from, &to, 1000, Order::Ascending).unwrap() == put);
    assert!(engine.get(&keys::log(Position(1))).unwrap() == Some(bytes(7)));
    let expect: Vec<_> = put.iter().map(|(key, value)| (key.clone(), Some(value.clone()))).collect();
    let delete = put.into_iter().map(|(key, _)| key).collect();
    let fates = engine.apply(&[Commit { expect, delete, ..Commit::default() }]).unwrap();
    assert_eq!(fates, [Ok(Position(1))]);
    assert_eq!(engine.scan(&from, &to, 1000, Order::Ascending).unwrap(), []);
}

/// What one call has seen of a commit, the next one sees all of.
fn readers_beside_a_writer(engine: &dyn Engine) {
    const LEN: usize = 40;
    let keys: Vec<_> = (0..LEN as u64).map(|number| keys::sheaf(PatientKey(5), number, 0)).collect();
    let (from, to) = (&keys[0], keys::next(&keys[LEN - 1]));
    let done = std::sync::atomic::AtomicBool::new(false);
    std::thread::scope(|scope| {
        for reader in 0..4 {
            let (done, keys, to) = (&done, &keys, &to);
            scope.spawn(move || {
                let mut least = Vec::new();
                while !done.load(std::sync::atomic::Ordering::SeqCst) {
                    let one = engine.get(&keys[reader * 13 % LEN]).unwrap().unwrap_or_default();
                    assert!(one >= least, "what was seen is gone");
                    least = one;
                    let found = engine.scan(from, to, LEN, Order::Ascending).unwrap();
                    let whole = found.len() == LEN && found.iter().all(|(_, value)| *value >= least);
                    assert!(whole || least.is_empty(), "seen by half");
                    least = found.into_iter().map(|(_, value)| value).max().unwrap_or_default();
                }
            });
        }
        for n in 1..60_u32 {
            let put = keys.iter().map(|key| (key.clone(), n.to_be_bytes().to_vec()));
            engine.apply(&[Commit { put: put.collect(), ..Commit::default() }]).unwrap();
        }
        done.store(true, std::sync::atomic::Ordering::SeqCst);
    });
}

fn expectations(engine: &dyn Engine) {
    let fates = engine.apply(&[
        expecting("k", None, put("k", "1")),
        expecting("k", Some("1"), put("k", "2")),
        expecting("k", Some("1"), put("k", "3")),
        Commit { delete: vec!["k".into()], ..expecting("k", Some("2"), Commit::default()) },
        expecting("k", None, put("k", "4")),
    ]);
    let conflicts: Vec<bool> = fates.unwrap().iter().map(|fate| *fate == Err(Fault::Conflict)).collect();
    assert_eq!(conflicts, [false, false, true, false, false]);
    assert_eq!(value(engine, "k").as_deref(), Some("4"));
    let fates = engine.apply(&[expecting("k", Some("3"), put("k", "5")), expecting("k", Some("4"), put("k", "6"))]);
    assert!(matches!(fates.unwrap()[..], [Err(Fault::Conflict), Ok(_)]));
    assert_eq!(value(engine, "k").as_deref(), Some("6"));
}

fn conflict_leaves_others(engine: &dyn Engine) {
    let torn = Commit { put: vec![("x".into(), "1".into()), ("y".into(), "1".into())], ..Commit::default() };
    let two = Commit { expect: vec![("p".into(), None), ("q".into(), Some("?".into()))], ..torn };
    let fates = engine.apply(&[put("a", "1"), logged("never", two), put("b", "1")]).unwrap();
    assert!(matches!(fates[..], [Ok(_), Err(Fault::Conflict), Ok(_)]));
    assert_eq!(keys_of(engine, "a", "z", 9, Order::Ascending), "a b", "nothing of the refused commit is there");
}

fn last_write_wins(engine: &dyn Engine) {
    let both = Commit { delete: vec!["a".into()], ..put("a", "1") };
    engine.apply(&[put("a", "0"), both, put("b", "0"), put("b", "1")]).unwrap();
    assert_eq!((value(engine, "a"), value(engine, "b").as_deref()), (None, Some("1")));
    engine.apply(&[Commit { delete: vec!["b".into(), "nothing".into()], ..Commit::default() }]).unwrap();
    assert_eq!(value(engine, "b"), None);
    assert_eq!(engine.apply(&[]).unwrap(), []);
}

fn positions(engine: &dyn Engine) {
    let refused = expecting("none", Some("x"), put("a", "0"));
    let fates = engine.apply(&[put("a", "1"), logged("one", put("a", "2")), logged("never", refused), put("b", "1")]);
    let at = |position| Ok(Position(position));
    assert_eq!(fates.unwrap(), [at(0), at(1), Err(Fault::Conflict), at(1)]);
    let fates = engine.apply(&[logged("two", Commit::default()), logged("three", put("c", "1"))]).unwrap();
    assert_eq!(fates, [at(2), at(3)]);
    let (from, to) = keys::space(keys::Space::Log);
    let log = engine.scan(&from, &to, 9, Order::Ascending).unwrap();
    let text: Vec<_> = log.iter().map(|(key, entry)| (keys::number_of(key).unwrap(), entry.as_slice())).collect();
    assert_eq!(text, [(1, &b"one"[..]), (2, b"two"), (3, b"three")]);
}

fn limits(engine: &dyn Engine) {
    let of = |bytes: usize| Commit { put: vec![("v".into(), vec![7; bytes])], ..Commit::default() };
    let fates = engine.apply(&[of(VALUE_BYTES_MAX), of(VALUE_BYTES_MAX + 1), put("w", "1")]).unwrap();
    assert!(matches!(fates[..], [Ok(_), Err(Fault::Broken(_)), Ok(_)]));
    assert_eq!(engine.get(b"v").unwrap().map(|value| value.len()), Some(VALUE_BYTES_MAX));
    let log = |bytes: usize| Commit { log: Some(vec![7; bytes]), ..Commit::default() };
    let fates = engine.apply(&[log(VALUE_BYTES_MAX + 1), log(VALUE_BYTES_MAX)]).unwrap();
    assert!(matches!(fates[..], [Err(Fault::Broken(_)), Ok(Position(1))]));
    for (bytes, fits) in [(0, false), (1, true), (KEY_BYTES_MAX, true), (KEY_BYTES_MAX + 1, false)] {
        let key = vec![b'k'; bytes];
        let expecting = Commit { expect: vec![(key.clone(), None)], ..Commit::default() };
        let putting = Commit { put: vec![(key.clone(), b"1".to_vec())], ..Commit::default() };
        let deleting = Commit { delete: vec![key.clone()], ..Commit::default() };
        for commit in [expecting, putting, deleting] {
            let fate = engine.apply(&[commit]).unwrap().remove(0);
            assert_eq!(fate.is_ok(), fits, "{bytes} bytes: {fate:?}");
        }
        assert_eq!(engine.get(&key), Ok(None));
    }
}

#[test]
fn memory_keeps_the_contract() {
    keep(|| Arc::new(MemoryEngine::new()));
}

#[test]
fn a_faulty_engine_that_never_fails_keeps_the_contract() {
    keep(|| Arc::new(faulty::FaultyEngine::new(Arc::new(MemoryEngine::new()), 0, faulty::Failure::Before)));
}

#[test]
fn a_faulty_engine_stops_at_its_call() {
    for failure in [faulty::Failure::Before, faulty::Failure::After] {
        let inner: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
        let faulty = faulty::FaultyEngine::new(inner.clone(), 2, failure);
        assert!(faulty.apply(&[put("a", "1")]).is_ok() && !faulty.failed());
        assert!(faulty.apply(&[put("b", "1")]).is_err() && faulty.failed());
        assert!(faulty.get(b"a").is_err() && faulty.apply(&[put("c", "1")]).is_err());
        let expected = if failure == faulty::Failure::After { "a b" } else { "a" };
        assert_eq!(keys_of(&*inner, "a", "z", 9, Order::Ascending), expected);
    }
}
