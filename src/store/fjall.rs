//! The other embedded engine: fjall 3, a log-structured store (docs/adr/0022). One keyspace, one batch per call, and
//! `fdatasync` of its journal before anybody can read what the batch holds.

use std::fs::File;
use std::path::Path;
use std::sync::{Mutex, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use fjall::{Database, Keyspace, KeyspaceCreateOptions, PersistMode, Readable};

use crate::fault::Fault;
use crate::store::{Commit, Engine, Entry, LOCKED, Order, Position, judge, log};

/// Bytes of new entries that are kept in memory until they are written out sorted. At most five such tables are in
/// memory at once; opening reads that much of the journal again.
const TABLE_BYTES: u64 = 16 << 20;
/// Bytes of journal on the disk at most.
const JOURNAL_BYTES: u64 = 128 << 20;
/// How long opening waits for a lock.
const LOCK_WAIT: Duration = Duration::from_secs(1);
/// The one keyspace.
const KEYSPACE: &str = "store";
/// What fjall writes last when it makes a store.
const MARKER: &str = "version";
/// Where its keyspaces lie.
const KEYSPACES: &str = "keyspaces";

/// An engine over a directory.
pub struct FjallEngine {
    keyspace: Keyspace,
    db: Database,
    last: Mutex<Position>,
    broken: OnceLock<String>,
}

impl FjallEngine {
    /// Opens or makes the store in the directory `path`, with so much memory for blocks read from the disk; what is new
    /// takes up to 80 MiB more. Fails with [`LOCKED`] while it is open elsewhere.
    pub fn open(path: &Path, cache_bytes: u64) -> Result<Self, Fault> {
        remove_half_made(path).map_err(|fault| broken("cannot be opened", &fault))?;
        let db = open_when_free(path, cache_bytes)?;
        let options = || KeyspaceCreateOptions::default().max_memtable_size(TABLE_BYTES);
        let keyspace = db.keyspace(KEYSPACE, options).map_err(|fault| opening(&fault))?;
        if let Some(parent) = path.parent().filter(|parent| !parent.as_os_str().is_empty()) {
            File::open(parent)
                .and_then(|parent| parent.sync_all())
                .map_err(|fault| broken("cannot sync its directory", &fault))?;
        }
        let engine = FjallEngine { keyspace, db, last: Mutex::default(), broken: OnceLock::new() };
        *engine.last.lock().unwrap_or_else(PoisonError::into_inner) = log::last(&engine)?;
        Ok(engine)
    }

    /// Whether a directory holds such a store.
    pub fn is_in(path: &Path) -> bool {
        path.join(MARKER).is_file() && path.join(KEYSPACES).is_dir()
    }

    fn write(&self, merged: &judge::Merged<'_>) -> Result<(), Fault> {
        if merged.writes.is_empty() && merged.log.is_empty() {
            return Ok(());
        }
        // The batch is in the journal, which is synced, before it is in the table that readers see.
        let mut batch = self.db.batch().durability(Some(PersistMode::SyncData));
        for (key, value) in &merged.writes {
            match value {
                Some(value) => batch.insert(&self.keyspace, *key, *value),
                None => batch.remove(&self.keyspace, *key),
            }
        }
        for (key, entry) in &merged.log {
            batch.insert(&self.keyspace, key.as_slice(), *entry);
        }
        batch.commit().map_err(|fault| broken("cannot write", &fault))
    }
}

impl Engine for FjallEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        // A keyspace by itself shows a batch while it is being put there, which only a snapshot does not.
        let value = self.db.snapshot().get(&self.keyspace, key).map_err(|fault| broken("cannot read", &fault))?;
        Ok(value.map(|value| value.to_vec()))
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize, order: Order) -> Result<Vec<Entry>, Fault> {
        if from >= to {
            return Ok(Vec::new());
        }
        let range = self.db.snapshot().range(&self.keyspace, from..to);
        let copy = |entry: fjall::Guard| match entry.into_inner() {
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

fn opening(fault: &fjall::Error) -> Fault {
    match fault {
        fjall::Error::Locked => Fault::Broken(LOCKED.into()),
        other => broken("cannot be opened", other),
    }
}

/// A process that is just ending, or a store just dropped whose workers still run, holds the lock a moment longer.
fn open_when_free(path: &Path, cache_bytes: u64) -> Result<Database, Fault> {
    let begun = Instant::now();
    loop {
        let builder = Database::builder(path).cache_size(cache_bytes).max_journaling_size(JOURNAL_BYTES);
        match builder.open() {
            Err(fjall::Error::Locked) if begun.elapsed() < LOCK_WAIT => std::thread::sleep(LOCK_WAIT / 20),
            opened => return opened.map_err(|fault| opening(&fault)),
        }
    }
}

/// A store whose making was cut short cannot be made again over its remains: fjall insists on making its first journal
/// itself. Without a keyspace nothing was ever kept, so the remains can go. Never while another process is making it.
fn remove_half_made(path: &Path) -> std::io::Result<()> {
    let Ok(lock) = File::options().read(true).write(true).open(path.join("lock")) else { return Ok(()) };
    let first = path.join("0.jnl");
    let has_keyspace = std::fs::read_dir(path.join(KEYSPACES)).is_ok_and(|mut entries| entries.next().is_some());
    if !first.is_file() || has_keyspace || lock.try_lock().is_err() {
        return Ok(());
    }
    match std::fs::remove_file(path.join(MARKER)) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => std::fs::remove_file(first),
    }
}
