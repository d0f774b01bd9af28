//! The contract over the engines that keep a folder of this machine, and what only they can do wrong.

use super::*;
use crate::store::fjall::FjallEngine;
use crate::store::sled::SledEngine;

const CACHE_BYTES: u64 = 1 << 20;

/// Opens an engine over a folder.
type Open = fn(&std::path::Path) -> Result<Arc<dyn Engine>, Fault>;

fn sled(path: &std::path::Path) -> Result<Arc<dyn Engine>, Fault> {
    Ok(Arc::new(SledEngine::open(path, CACHE_BYTES)?))
}

fn fjall(path: &std::path::Path) -> Result<Arc<dyn Engine>, Fault> {
    Ok(Arc::new(FjallEngine::open(path, CACHE_BYTES)?))
}

fn keep_in_folders(open: Open) {
    let directory = tempfile::tempdir().unwrap();
    let count = std::cell::Cell::new(0);
    keep(|| {
        count.set(count.get() + 1);
        open(&directory.path().join(count.get().to_string())).unwrap()
    });
    keep_over_reopening(|| open(&directory.path().join("again")).unwrap());
    only_one_at_a_time(open);
}

fn only_one_at_a_time(open: Open) {
    let directory = tempfile::tempdir().unwrap();
    let first = open(directory.path()).unwrap();
    assert_eq!(open(directory.path()).err(), Some(Fault::Broken(LOCKED.into())));
    drop(first);
    assert!(open(directory.path()).is_ok());
}

#[test]
fn sled_keeps_the_contract() {
    keep_in_folders(sled);
}

#[test]
fn fjall_keeps_the_contract() {
    keep_in_folders(fjall);
}

#[test]
fn sled_goes_on_without_a_snapshot_that_was_half_written() {
    let directory = tempfile::tempdir().unwrap();
    let engine = sled(directory.path()).unwrap();
    engine.apply(&[put("a", "1")]).unwrap();
    drop(engine);
    std::fs::write(directory.path().join("snap.00000000000000FF.generating"), b"half").unwrap();
    assert_eq!(value(&*sled(directory.path()).unwrap(), "a").as_deref(), Some("1"));
}

/// What a process that was killed while it made the store leaves behind.
#[test]
fn fjall_makes_a_store_anew_whose_making_was_cut_short() {
    for left in [&["lock"][..], &["lock", "0.jnl"], &["lock", "0.jnl", "version"]] {
        let directory = tempfile::tempdir().unwrap();
        std::fs::create_dir(directory.path().join("keyspaces")).unwrap();
        left.iter().for_each(|name| std::fs::write(directory.path().join(name), b"").unwrap());
        let engine = fjall(directory.path()).unwrap();
        engine.apply(&[put("a", "1")]).unwrap();
        drop(engine);
        assert_eq!(value(&*fjall(directory.path()).unwrap(), "a").as_deref(), Some("1"), "after {left:?}");
    }
}

/// A journal whose end was not written keeps what is before it, whole commits only.
#[test]
fn fjall_keeps_what_is_before_a_torn_end() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let engine = fjall(&path).unwrap();
    for n in 0..40_u8 {
        let put = vec![(vec![b'a', n], vec![n; 300]), (vec![b'b', n], vec![n; 300])];
        engine.apply(&[Commit { put, log: Some(vec![n]), ..Commit::default() }]).unwrap();
    }
    drop(engine);
    let journal = std::fs::read(path.join("0.jnl")).unwrap();
    let written = journal.iter().rposition(|byte| *byte != 0).unwrap();
    let mut kept = 40;
    for torn in [1, 7, 30, 500, 700, 1500, 9000] {
        let mut bytes = journal.clone();
        bytes[written + 1 - torn..].fill(0);
        std::fs::write(path.join("0.jnl"), bytes).unwrap();
        let engine = fjall(&path).unwrap();
        let count = |prefix: &[u8]| engine.scan(prefix, &keys::after(prefix), 99, Order::Ascending).unwrap().len();
        assert!(count(b"a") == count(b"b") && count(b"a") == count(b"L"), "{torn} bytes are gone");
        assert!(count(b"a") <= kept && count(b"a") + 1 + torn / 600 >= 40);
        kept = count(b"a");
    }
}
