//! A folder that is walked again and again: SS-MIX2 standardised storage, a folder of files, or transaction storage, whose
//! files are taken one after the other in the order of their names.

use std::cell::Cell;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::desk::{self, Desk};
use super::look::{Memory, New, Plan, nanoseconds};
use super::{Follow, Looked, Looks, progress, take};
use crate::config;
use crate::fault::Fault;
use crate::intake::folder::{self, Group};
use crate::store::Cursor;

/// Patients whose files are taken in side by side; the committer makes one write of what they wait for.
const WORKERS: usize = 16;
/// A look at every file goes back this much further, whatever the clocks of servers say.
const FULL_SLACK: Duration = Duration::from_secs(24 * 3600);
/// Paths that a cursor remembers; while there are more, it stays where it is.
const LEFT_MAX: usize = 200;
const LEFT_BYTES_MAX: usize = 48 << 10;
/// A cursor that only moves on is written this often.
const WRITE_EVERY: Duration = Duration::from_secs(300);

pub(super) struct Tree {
    follow: Follow,
    without: Vec<PathBuf>,
    is_transactions: bool,
    memory: Mutex<Memory>,
    cursor: Option<Cursor>,
    is_away: bool,
    is_foreign_told: bool,
}

impl Tree {
    /// Standardised storage, or any folder of files; what is followed for itself is not looked into.
    pub(super) fn of_storage(follow: Follow, folder: &config::Folder) -> Result<Tree, Fault> {
        let without = folder.transactions.iter().chain(&folder.index).cloned().collect();
        Tree::new(follow, without, false)
    }

    pub(super) fn of_transactions(follow: Follow) -> Result<Tree, Fault> {
        Tree::new(follow, Vec::new(), true)
    }

    fn new(follow: Follow, without: Vec<PathBuf>, is_transactions: bool) -> Result<Tree, Fault> {
        let cursor = follow.gateway.pipeline().store().cursor(&follow.name)?;
        let memory = Memory::new(cursor.as_ref().map_or(&[], |cursor| cursor.left.as_slice()));
        Ok(Tree { follow, without, is_transactions, memory, cursor, is_away: false, is_foreign_told: false })
    }

    /// What changed since then is new: everything at first and from time to time, else what changed since the last look at
    /// every file, or since the last look.
    fn since(&self, now: i64) -> (Kind, Option<i64>) {
        let pace = self.follow.pace;
        match &self.cursor {
            None => (Kind::Backlog, None),
            Some(cursor) if now - cursor.whole >= ms(pace.whole_every) => (Kind::Whole, None),
            Some(cursor) if now - cursor.full >= ms(pace.full_every) => {
                (Kind::Full, Some(cursor.full - ms(FULL_SLACK.max(pace.slack))))
            }
            Some(cursor) => (Kind::Changes, Some(cursor.since - ms(pace.slack))),
        }
    }

    /// After a look that came to its end.
    fn advance(&mut self, kind: Kind, begun: i64, had_files: bool, is_news: bool) -> Result<(), Fault> {
        let mut memory = Memory::of(&self.memory);
        memory.tidy(nanoseconds(begun - ms(self.follow.pace.slack)));
        let left = memory.tried_again();
        drop(memory);
        if left.len() > LEFT_MAX || left.iter().map(String::len).sum::<usize>() > LEFT_BYTES_MAX {
            return Ok(());
        }
        let before = self.cursor.clone().unwrap_or_default();
        let is_whole = matches!(kind, Kind::Backlog | Kind::Whole);
        let cursor = Cursor {
            since: begun,
            full: if is_whole || kind == Kind::Full { begun } else { before.full },
            whole: if is_whole { begun } else { before.whole },
            had_files,
            mark: String::new(),
            left,
        };
        let is_due = self.follow.written.is_none_or(|written| written.elapsed() >= WRITE_EVERY);
        if is_news || is_due || kind != Kind::Changes || cursor.left != before.left {
            self.follow.gateway.pipeline().store().put_cursor(&self.follow.name, &cursor)?;
            self.follow.written = Some(Instant::now());
        }
        self.cursor = Some(cursor);
        Ok(())
    }

    /// Another facility's storage may lie below a folder that was given one level too high.
    fn is_ours(&mut self, group: &Group) -> bool {
        let own = &self.follow.source.facility;
        let is_foreign = group.facility.as_ref().is_some_and(|facility| facility != own);
        if is_foreign && !std::mem::replace(&mut self.is_foreign_told, true) {
            tracing::error!(
                folder = self.follow.label,
                facility = group.facility.as_ref().map_or("", |facility| facility.as_str()),
                "feed: a storage of another facility lies here and is not taken in; give it a [[folder]] of its own"
            );
        }
        !is_foreign
    }

    fn away(&mut self, why: &str) {
        if !std::mem::replace(&mut self.is_away, true) {
            tracing::error!(folder = self.follow.label, "feed: the folder {why}; it is looked for again and again");
        }
    }
}

/// What a look is about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// What was there before anybody looked.
    Backlog,
    /// Every file is read.
    Whole,
    /// Every file is looked at.
    Full,
    /// What changed.
    Changes,
}

impl Looks for Tree {
    fn label(&self) -> &str {
        &self.follow.label
    }

    fn look(&mut self) -> Result<Looked, Fault> {
        let follow = self.follow.clone();
        let begun = follow.gateway.now();
        let (kind, since_ms) = self.since(begun);
        let memory = std::mem::take(&mut self.memory);
        let without = std::mem::take(&mut self.without);
        let plan = Plan {
            root: &follow.path,
            without: &without,
            since_ms,
            recent_ms: begun - ms(follow.pace.slack),
            settle: follow.pace.settle,
            skips_leaves: kind == Kind::Changes,
            in_order: self.is_transactions,
            wants: if self.is_transactions { is_transaction_file } else { |_| true },
        };
        let mut new = New::begin(&memory, &plan);
        let desk = Desk::new(&follow, Some(&memory));
        let took = Cell::new(Duration::ZERO);
        let result = {
            let mut walk = folder::walk_where(&follow.path, &mut new);
            let groups = std::iter::from_fn(|| {
                loop {
                    let asked = Instant::now();
                    let next = walk.next();
                    took.set(took.get() + asked.elapsed());
                    // What cannot be listed the look remembers.
                    match next? {
                        Ok(group) if self.is_ours(&group) => return Some(Ok(group)),
                        _ => {}
                    }
                }
            });
            let workers = if plan.in_order { 1 } else { WORKERS };
            let run = || take::take_in(follow.gateway.pipeline(), &desk, &follow.source, groups, workers);
            watched(&follow, kind, &desk, run)
        };
        let (files, waiting, is_away) = (new.files, new.waiting, new.is_away);
        let unlisted = std::mem::take(&mut new.unlisted);
        drop(new);
        drop(desk);
        (self.memory, self.without) = (memory, without);
        let tally = result?;
        desk::tell(&follow.label, &tally);
        for reason in unlisted {
            tracing::warn!(folder = follow.label, reason, "feed: a folder below cannot be listed; it is tried again");
        }
        let looked = Looked { took: took.get(), is_waiting: waiting > 0, settle: follow.pace.settle };
        let is_empty = files == 0 && self.cursor.as_ref().is_some_and(|cursor| cursor.had_files);
        if is_away {
            self.away("cannot be listed");
        } else if is_empty {
            self.away("is empty and was not before: a share that is not mounted?");
        } else if !follow.stop.is_set() {
            if std::mem::take(&mut self.is_away) {
                tracing::info!(folder = follow.label, "feed: the folder is there again");
            }
            if kind == Kind::Backlog {
                let known = tally.repeated;
                tracing::info!(folder = follow.label, files, known, "feed: the backlog is taken in; now what is new");
            }
            self.advance(kind, begun, files > 0, tally.stored + tally.held_count() > 0)?;
        }
        Ok(looked)
    }
}

/// Runs; while the backlog is taken in, tells how far it is.
fn watched<T>(follow: &Follow, kind: Kind, desk: &Desk<'_>, run: impl FnOnce() -> T) -> T {
    if kind != Kind::Backlog {
        return run();
    }
    let of = progress::count(&follow.path);
    let is_finished = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| progress::tell(&follow.label, || desk.done_count(), &of, &is_finished));
        let result = run();
        is_finished.store(true, Ordering::Relaxed);
        result
    })
}

/// `TR_YYYYMMDDHHMMSSFFF_nnnnn.DAT`.
fn is_transaction_file(file: &Path) -> bool {
    let name = file.file_name().map(|name| name.to_string_lossy().to_ascii_uppercase()).unwrap_or_default();
    name.starts_with("TR_") && name.ends_with(".DAT")
}

fn ms(duration: Duration) -> i64 {
    i64::try_from(duration.as_millis()).unwrap_or(i64::MAX / 4)
}
