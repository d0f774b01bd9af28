//! The folder's side of [`take::Watch`]: what was read and what was not is remembered, what came is put on record.

use std::collections::HashSet;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use super::Follow;
use super::look::Memory;
use super::take::{Tally, Watch};
use crate::audit::{Event, What};
use crate::fault::{Fault, Issue};
use crate::fhir::PatientKey;
use crate::intake::folder::Found;

/// Patients that one event names at most.
const NAMED_MAX: usize = 200;
/// While the journal is full: how long it is waited for, and how often.
const JOURNAL_REST: Duration = Duration::from_millis(50);
const JOURNAL_TRIES: usize = 200;

pub(super) struct Desk<'a> {
    follow: &'a Follow,
    memory: Option<&'a Mutex<Memory>>,
    unread: Mutex<HashSet<PathBuf>>,
    done: AtomicU64,
}

impl<'a> Desk<'a> {
    pub(super) fn new(follow: &'a Follow, memory: Option<&'a Mutex<Memory>>) -> Self {
        Desk { follow, memory, unread: Mutex::default(), done: AtomicU64::new(0) }
    }

    /// How many files are done.
    pub(super) fn done_count(&self) -> u64 {
        self.done.load(Ordering::Relaxed)
    }

    /// Files that could not be read.
    pub(super) fn into_unread(self) -> HashSet<PathBuf> {
        self.unread.into_inner().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Watch for Desk<'_> {
    fn read(&self, found: &Found) -> Option<Result<Vec<u8>, Issue>> {
        let read = found.read();
        if read.is_err() {
            self.unread.lock().unwrap_or_else(PoisonError::into_inner).insert(found.path.clone());
        }
        let Some(memory) = self.memory else { return Some(read) };
        let is_told = match &read {
            Ok(_) => Memory::of(memory).was_read(&found.path),
            Err(issue) => Memory::of(memory).was_not_read(&found.path, issue),
        };
        is_told.then_some(read)
    }

    fn done(&self, found: &Found) {
        self.done.fetch_add(1, Ordering::Relaxed);
        if let Some(memory) = self.memory {
            Memory::of(memory).was_taken(&found.path);
        }
    }

    fn record(&self, patients: Vec<PatientKey>, letters: usize) -> Result<(), Fault> {
        let gateway = &self.follow.gateway;
        let event = Event {
            agent: Some(self.follow.agent.clone()),
            count: u32::try_from(letters).unwrap_or(u32::MAX),
            ..Event::new(gateway.now(), What::Receive)
        };
        let people: Vec<PatientKey> = patients.into_iter().filter(|one| !one.is_directory()).collect();
        let named =
            if people.is_empty() { vec![Vec::new()] } else { people.chunks(NAMED_MAX).map(<[_]>::to_vec).collect() };
        named.into_iter().try_for_each(|patients| self.write(&Event { patients, ..event.clone() }))
    }

    fn is_stopping(&self) -> bool {
        self.follow.stop.is_set()
    }
}

impl Desk<'_> {
    /// The journal is shared with those who ask; where they fill it, this waits.
    fn write(&self, event: &Event) -> Result<(), Fault> {
        for _ in 0..JOURNAL_TRIES {
            match self.follow.gateway.journal().record_now(event.clone()) {
                Err(Fault::Busy) => std::thread::sleep(JOURNAL_REST),
                done => return done,
            }
        }
        Err(Fault::Busy)
    }
}

/// Tells what came of a run, where there is something to tell. Names stay unsaid: they hold patients' numbers.
pub(super) fn tell(folder: &str, tally: &Tally) {
    let (stored, held, known) = (tally.stored, tally.held_count(), tally.repeated);
    if stored + held > 0 {
        tracing::info!(folder, stored, held, known, versions = tally.resources, "feed: taken in");
    } else if known > 0 {
        tracing::debug!(folder, known, "feed: nothing but what was known");
    }
    for held in tally.held.values() {
        let reason = held.reason.as_ref().map_or("", |reason| reason.en.as_str());
        tracing::warn!(folder, count = held.count, reason, "feed: held; `tasuki held` shows them");
    }
    for finding in tally.unreadable.iter().filter_map(|(_, finding)| finding.as_ref()) {
        tracing::warn!(
            folder,
            place = finding.place,
            reason = finding.en,
            "feed: a file, or a part of it, cannot be used"
        );
    }
}
