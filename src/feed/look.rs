//! What is new in a tree, by the time of change that the file system keeps (`st_ctime`): copying tools carry the time of
//! modification over, this one they cannot.
//!
//! Three things would be missed by it and are thought of: a folder that is moved into the tree brings files that changed
//! long ago; a file that grows does not change its folder; a server's clock may be behind ours.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs::Metadata;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use crate::fault::Issue;
use crate::intake::folder::Look;

/// A state of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Stamp {
    /// When it changed, nanoseconds since 1970.
    changed: i64,
    length: u64,
}

/// What is remembered of a tree from look to look.
#[derive(Debug, Default)]
pub(super) struct Memory {
    /// Taken in lately, in this state: at the next look they would seem new again.
    seen: HashMap<PathBuf, Stamp>,
    /// Given to a worker in this look, in this state.
    offered: HashMap<PathBuf, Stamp>,
    /// Being written: the state, and since when it has been so. Or waiting behind such a file.
    settling: HashMap<PathBuf, (Stamp, Instant)>,
    /// Could not be read, with the reason that was told.
    left: BTreeMap<PathBuf, String>,
    /// Folders that were met.
    known: HashSet<(u64, u64)>,
    /// Whether a look has met all of them.
    knows_all: bool,
}

impl Memory {
    pub(super) fn new(left: &[String]) -> Mutex<Self> {
        let left = left.iter().map(|path| (PathBuf::from(path), String::new())).collect();
        Mutex::new(Memory { left, ..Memory::default() })
    }

    pub(super) fn of(memory: &Mutex<Self>) -> MutexGuard<'_, Memory> {
        memory.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A file was read: false when it has changed meanwhile and is to be left for later.
    pub(super) fn was_read(&mut self, file: &Path) -> bool {
        let before = self.offered.get(file).copied();
        let now = std::fs::symlink_metadata(file).ok().map(|metadata| stamp(&metadata));
        if let (Some(before), Some(now)) = (before, now)
            && before != now
        {
            self.settling.insert(file.to_path_buf(), (now, Instant::now()));
            return false;
        }
        self.left.remove(file);
        true
    }

    /// A file could not be read; answers whether that is news.
    pub(super) fn was_not_read(&mut self, file: &Path, issue: &Issue) -> bool {
        if std::fs::symlink_metadata(file).is_err_and(|error| error.kind() == io::ErrorKind::NotFound) {
            self.left.remove(file);
            return false;
        }
        self.leave(file, format!("{} {}", issue.rule.id, issue.detail))
    }

    fn leave(&mut self, path: &Path, reason: String) -> bool {
        self.left.insert(path.to_path_buf(), reason.clone()) != Some(reason)
    }

    /// A file's letter is received.
    pub(super) fn was_taken(&mut self, file: &Path) {
        if let Some((file, stamp)) = self.offered.remove_entry(file) {
            self.seen.insert(file, stamp);
        }
    }

    /// What is to be tried again, by path.
    pub(super) fn tried_again(&self) -> Vec<String> {
        self.left.keys().chain(self.settling.keys()).map(|path| path.to_string_lossy().into_owned()).collect()
    }

    /// After a look that met everything: forgets what changed before `recent` and what is gone.
    pub(super) fn tidy(&mut self, recent: i64) {
        let is_there = |path: &Path| std::fs::symlink_metadata(path).is_ok();
        self.seen.retain(|_, stamp| stamp.changed >= recent);
        self.left.retain(|path, _| is_there(path));
        self.settling.retain(|path, _| is_there(path));
        self.offered.clear();
        self.knows_all = true;
    }
}

/// One look over a tree.
pub(super) struct New<'a> {
    memory: &'a Mutex<Memory>,
    /// What changed earlier was taken in; `None` takes everything.
    since: Option<i64>,
    /// What changed since would seem new at the next look.
    recent: i64,
    settle: Duration,
    /// Whether folders of files that did not change are passed over.
    skips_leaves: bool,
    /// Whether a file that is being written holds up those behind it.
    in_order: bool,
    wants: fn(&Path) -> bool,
    /// Not looked into.
    without: Vec<PathBuf>,
    root: PathBuf,
    /// Everything below is new, whenever it changed.
    moved: Option<PathBuf>,
    /// Folders in which something is tried again.
    parents: HashSet<PathBuf>,
    /// Files that were met.
    pub(super) files: u64,
    /// Files that are left for a moment later.
    pub(super) waiting: u64,
    /// The root could not be listed.
    pub(super) is_away: bool,
    /// Reasons why folders below could not be listed that were not told yet.
    pub(super) unlisted: Vec<String>,
}

/// What a look is for.
pub(super) struct Plan<'p> {
    pub(super) root: &'p Path,
    pub(super) without: &'p [PathBuf],
    pub(super) since_ms: Option<i64>,
    pub(super) recent_ms: i64,
    pub(super) settle: Duration,
    pub(super) skips_leaves: bool,
    pub(super) in_order: bool,
    pub(super) wants: fn(&Path) -> bool,
}

impl<'a> New<'a> {
    pub(super) fn begin(memory: &'a Mutex<Memory>, plan: &Plan<'_>) -> Self {
        let own = Memory::of(memory);
        let again = own.left.keys().chain(own.settling.keys());
        let parents = again.flat_map(|path| path.ancestors().map(Path::to_path_buf)).collect();
        let real = |path: &Path| path.canonicalize().unwrap_or_else(|_| path.to_path_buf());
        New {
            memory,
            since: plan.since_ms.map(nanoseconds),
            recent: nanoseconds(plan.recent_ms),
            settle: plan.settle,
            skips_leaves: plan.skips_leaves,
            in_order: plan.in_order,
            wants: plan.wants,
            without: plan.without.iter().map(|path| real(path)).collect(),
            root: real(plan.root),
            moved: None,
            parents,
            files: 0,
            waiting: 0,
            is_away: false,
            unlisted: Vec::new(),
        }
    }

    /// Whether everything below a folder is new: it was moved here, or could not be listed before.
    fn is_moved(&self, folder: &Path, metadata: &Metadata) -> bool {
        let mut memory = Memory::of(self.memory);
        let is_new = memory.known.insert(identity(folder, metadata));
        let Some(since) = self.since else { return false };
        let (changed, modified) = (stamp(metadata).changed, modified(metadata));
        // After a start every folder is new to us. One that has got an entry since changed when it was modified.
        let has_come = if memory.knows_all { true } else { changed >= since && modified < changed };
        (is_new && has_come && folder != self.root) || memory.left.contains_key(folder)
    }
}

impl Look for New<'_> {
    fn enters(&mut self, folder: &Path, is_leaf: bool) -> bool {
        if self.without.iter().any(|other| other == folder) {
            return false;
        }
        let Ok(metadata) = std::fs::symlink_metadata(folder) else { return true };
        if self.moved.as_ref().is_some_and(|moved| !folder.starts_with(moved)) {
            self.moved = None;
        }
        if self.is_moved(folder, &metadata) && self.moved.is_none() {
            self.moved = Some(folder.to_path_buf());
        }
        let is_unchanged = self.since.is_some_and(|since| stamp(&metadata).changed < since) && self.moved.is_none();
        !(is_leaf && self.skips_leaves && is_unchanged && !self.parents.contains(folder))
    }

    fn takes(&mut self, file: &Path) -> bool {
        if !(self.wants)(file) || self.without.iter().any(|other| other == file) {
            return false;
        }
        let metadata = match std::fs::symlink_metadata(file) {
            Ok(metadata) if metadata.is_file() => metadata,
            Ok(_) => return false,
            Err(error) => return error.kind() != io::ErrorKind::NotFound,
        };
        self.files += 1;
        if self.moved.as_ref().is_some_and(|moved| !file.starts_with(moved)) {
            self.moved = None;
        }
        let stamp = stamp(&metadata);
        let mut memory = Memory::of(self.memory);
        let again = memory.left.contains_key(file) || memory.settling.contains_key(file);
        let is_old = self.since.is_some_and(|since| stamp.changed < since) && self.moved.is_none();
        if (is_old && !again) || memory.seen.get(file) == Some(&stamp) {
            return false;
        }
        let first = memory.settling.get(file).filter(|(before, _)| *before == stamp).map(|(_, first)| *first);
        let is_quiet = first.is_some_and(|first| first.elapsed() >= self.settle);
        let age = now().saturating_sub(stamp.changed);
        let is_young = age < i64::try_from(self.settle.as_nanos()).unwrap_or(i64::MAX) && !is_quiet;
        if is_young || (self.in_order && self.waiting > 0) {
            self.waiting += 1;
            memory.settling.insert(file.to_path_buf(), (stamp, first.unwrap_or_else(Instant::now)));
            return false;
        }
        memory.settling.remove(file);
        if stamp.changed >= self.recent || again {
            memory.offered.insert(file.to_path_buf(), stamp);
        }
        true
    }

    fn failed(&mut self, folder: &Path, error: &io::Error) {
        if folder == self.root || !folder.starts_with(&self.root) {
            self.is_away = true;
        } else if error.kind() != io::ErrorKind::NotFound
            && Memory::of(self.memory).leave(folder, error.kind().to_string())
        {
            self.unlisted.push(error.kind().to_string());
        }
    }
}

pub(super) fn nanoseconds(milliseconds: i64) -> i64 {
    milliseconds.saturating_mul(1_000_000)
}

fn now() -> i64 {
    let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(now.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(unix)]
pub(super) fn stamp(metadata: &Metadata) -> Stamp {
    use std::os::unix::fs::MetadataExt;
    let changed = metadata.ctime().saturating_mul(1_000_000_000).saturating_add(metadata.ctime_nsec());
    Stamp { changed, length: metadata.len() }
}

/// Where the file system keeps no such time, that of the modification.
#[cfg(not(unix))]
pub(super) fn stamp(metadata: &Metadata) -> Stamp {
    Stamp { changed: modified(metadata), length: metadata.len() }
}

fn modified(metadata: &Metadata) -> i64 {
    let since = metadata.modified().ok().and_then(|time| time.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
    i64::try_from(since.as_nanos()).unwrap_or(i64::MAX)
}

#[cfg(unix)]
fn identity(_: &Path, metadata: &Metadata) -> (u64, u64) {
    use std::os::unix::fs::MetadataExt;
    (metadata.dev(), metadata.ino())
}

#[cfg(not(unix))]
fn identity(folder: &Path, _: &Metadata) -> (u64, u64) {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let mut hasher = DefaultHasher::new();
    folder.hash(&mut hasher);
    (0, hasher.finish())
}
