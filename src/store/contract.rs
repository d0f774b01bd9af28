//! What every engine must do, as one suite that is run for each of them.

use std::sync::Arc;

use super::*;
use crate::store::memory::MemoryEngine;
use crate::store::sled::{LOCKED, SledEngine};

/// Runs the suite; `make` gives an empty engine.
fn keep(make: impl Fn() -> Arc<dyn Engine>) {
    for clause in [scans, expectations, conflict_leaves_others, last_write_wins, positions, limits] {
        clause(&*make());
    }
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
    let commits: Vec<_> = ["b", "a", "c", "ab", "d", ""].iter().map(|key| put(key, key)).collect();
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
    assert_eq!(value(engine, "").as_deref(), Some(""));
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
}

#[test]
fn memory_keeps_the_contract() {
    keep(|| Arc::new(MemoryEngine::new()));
}

#[test]
fn sled_keeps_the_contract() {
    let directory = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    keep(|| {
        count.set(count.get() + 1);
        Arc::new(SledEngine::open(&directory.path().join(count.get().to_string()), 1 << 20).unwrap())
    });
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

#[test]
fn sled_keeps_everything_over_reopening() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    for round in 0..4_u64 {
        let engine = SledEngine::open(&path, 1 << 20).unwrap();
        assert_eq!(engine.scan(b"k", b"l", 99, Order::Ascending).unwrap().len() as u64, round * 5);
        let commits: Vec<_> = (0..5).map(|n| logged("x", put(&format!("k{round}{n}"), "v"))).collect();
        let fates = engine.apply(&commits).unwrap();
        assert_eq!(fates.last(), Some(&Ok(Position(round * 5 + 5))), "positions go on where they were");
    }
}

#[test]
fn sled_says_when_another_has_it_open() {
    let directory = tempfile::tempdir().unwrap();
    let _open = SledEngine::open(directory.path(), 1 << 20).unwrap();
    assert_eq!(SledEngine::open(directory.path(), 1 << 20).err(), Some(Fault::Broken(LOCKED.into())));
}

#[test]
fn sled_goes_on_without_a_snapshot_that_was_half_written() {
    let directory = tempfile::tempdir().unwrap();
    let engine = SledEngine::open(directory.path(), 1 << 20).unwrap();
    engine.apply(&[put("a", "1")]).unwrap();
    drop(engine);
    std::fs::write(directory.path().join("snap.00000000000000FF.generating"), b"half").unwrap();
    assert_eq!(value(&SledEngine::open(directory.path(), 1 << 20).unwrap(), "a").as_deref(), Some("1"));
}
