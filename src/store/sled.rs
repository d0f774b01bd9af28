//! The embedded engine: sled 0.34.7 under the rules that were measured for it (design decision 4a).
//!
//! One tree, because a batch across trees tore in one of twelve torn logs. `flush()` and then `fdatasync` of the file
//! `db`, because `flush()` alone only starts the writing (`sync_file_range`). Never `flush_async`, which deadlocks.

use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use crate::fault::Fault;
use crate::store::{Commit, Engine, Entry, LOCKED, Order, Position, judge, log};

/// The cache sled is given when nobody says otherwise. Its use of memory comes to 2 or 2.5 times this.
pub const CACHE_BYTES: u64 = 64 << 20;

/// How long opening waits for a lock.
const LOCK_WAIT: Duration = Duration::from_secs(1);

/// An engine over a directory.
pub struct SledEngine {
    db: sled::Db,
    data: File,
    last: Mutex<Position>,
    broken: OnceLock<String>,
}

impl SledEngine {
    /// Opens or makes the store in the directory `path`. Fails with [`LOCKED`] while it is open elsewhere.
    pub fn open(path: &Path, cache_bytes: u64) -> Result<Self, Fault> {
        let config = sled::Config::new().path(path).cache_capacity(cache_bytes).use_compression(false);
        let db = match open_when_free(&config) {
            Err(fault) if remove_half_snapshots(path, &fault) => config.open(),
            opened => opened,
        };
        let db = db.map_err(|fault| opening(&fault))?;
        let data = File::open(path.join("db")).map_err(|fault| broken("cannot open its data file", &fault))?;
        sync_directories(path).map_err(|fault| broken("cannot sync its directory", &fault))?;
        let engine = SledEngine { db, data, last: Mutex::default(), broken: OnceLock::new() };
        *engine.last.lock().unwrap_or_else(PoisonError::into_inner) = log::last(&engine)?;
        Ok(engine)
    }

    /// Whether a directory holds such a store.
    pub fn is_in(path: &Path) -> bool {
        path.join("db").is_file()
    }

    fn write(&self, merged: &judge::Merged<'_>) -> Result<(), Fault> {
        if merged.writes.is_empty() && merged.log.is_empty() {
            return Ok(());
        }
        let mut batch = sled::Batch::default();
        for (key, value) in &merged.writes {
            match value {
                Some(value) => batch.insert(*key, *value),
                None => batch.remove(*key),
            }
        }
        for (key, entry) in &merged.log {
            batch.insert(key.as_slice(), *entry);
        }
        self.db.apply_batch(batch).map_err(|fault| broken("cannot write", &fault))?;
        self.db.flush().map_err(|fault| broken("cannot flush", &fault))?;
        self.data.sync_data().map_err(|fault| broken("cannot sync", &fault))
    }
}

impl Engine for SledEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let value = self.db.get(key).map_err(|fault| broken("cannot read", &fault))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize, order: Order) -> Result<Vec<Entry>, Fault> {
        if from >= to {
            return Ok(Vec::new());
        }
        let range = self.db.range(from..to);
        let copy = |entry: sled::Result<(sled::IVec, sled::IVec)>| match entry {
            Ok((key, value)) => Ok((key.to_vec(), value.to_vec())),
            Err(fault) => Err(broken("cannot read", &fault)),
        };
        match order {
            Order::Ascending => range.take(limit).map(copy).collect(),
            Order::Descending => range.rev().take(limit).map(copy).collect(),
        }
    }

    fn apply(&self, commits: &[Commit]) -> Result<Vec<Result<Position, Fault>>, Fault> {
        if let Some(what) = self.broken.get() {
            return Err(Fault::Broken(what.clone()));
        }
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        let merged = judge::merge(commits, *last, |key| self.get(key))?;
        if let Err(fault) = self.write(&merged) {
            let _ = self.broken.set(format!("the store failed earlier ({fault}); restart to go on"));
            return Err(fault);
        }
        *last = merged.last;
        Ok(merged.fates)
    }
}

fn broken(what: &str, fault: &dyn std::fmt::Display) -> Fault {
    Fault::Broken(format!("the store {what}: {fault}"))
}

/// A process that is just ending, or a store just dropped whose flusher still runs, holds the lock a moment longer.
fn open_when_free(config: &sled::Config) -> sled::Result<sled::Db> {
    let begun = Instant::now();
    loop {
        match config.open() {
            Err(fault) if is_locked(&fault) && begun.elapsed() < LOCK_WAIT => std::thread::sleep(LOCK_WAIT / 20),
            opened => return opened,
        }
    }
}

fn is_locked(fault: &sled::Error) -> bool {
    matches!(opening(fault), Fault::Broken(what) if what == LOCKED)
}

/// sled knows a lock that is taken only as the sentence "could not acquire lock on".
fn opening(fault: &sled::Error) -> Fault {
    match fault {
        sled::Error::Io(io) if io.to_string().contains("could not acquire lock") => Fault::Broken(LOCKED.into()),
        other => broken("cannot be opened", other),
    }
}

/// A snapshot that was being written when the machine stopped can keep sled from opening (sled issues 1533, 1527,
/// 1166); without it the log is read instead. Whether there was one and a second try makes sense.
fn remove_half_snapshots(path: &Path, fault: &sled::Error) -> bool {
    let locked = is_locked(fault);
    let Ok(files) = std::fs::read_dir(path) else { return false };
    let half = |name: &str| name.starts_with("snap.") && name.ends_with(".generating");
    let names = files.flatten().filter(|file| !locked && file.file_name().to_str().is_some_and(half));
    names.filter(|file| std::fs::remove_file(file.path()).is_ok()).count() > 0
}

/// The data file itself must be found again after a power loss.
fn sync_directories(path: &Path) -> std::io::Result<()> {
    File::open(path)?.sync_all()?;
    match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => File::open(parent)?.sync_all(),
        _ => Ok(()),
    }
}
