//! Containers that were accepted and are taken in behind the caller's back (HTTP 202): kept first, marked as under way, and
//! gone on with after a restart.

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use crate::audit::{Agent, Event, What};
use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::journal::Journal;
use crate::letter::{Letter, LetterId};
use crate::pipeline::{Pipeline, Receipt};
use crate::store::Store;

/// Containers under way, the one that is being taken in and those that wait; one more is told to try again.
const CONTAINERS_WAITING_MAX: usize = 64;
/// Before a container that met a busy store is tried again.
const PAUSE: Duration = Duration::from_secs(1);
/// How often, before it is left until the next start.
const TRIES_MAX: usize = 60;
/// Held letters looked at at a time, after a start.
const PAGE: usize = 500;
/// Patients that one audit event names.
const NAMED_MAX: usize = 200;

/// How far a container is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Progress {
    /// Letters that are received.
    pub done: usize,
    /// Letters that it holds; 0 when it has not been opened yet.
    pub all: usize,
}

/// Takes containers in, one after the other, on a thread of its own.
#[derive(Debug)]
pub struct Containers {
    shared: Arc<Shared>,
    send: Option<SyncSender<Job>>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    store: Store,
    pipeline: Arc<Pipeline>,
    journal: Arc<Journal>,
    clock: fn() -> i64,
    under_way: Mutex<HashMap<LetterId, Progress>>,
    stopping: AtomicBool,
}

/// A container that is kept.
#[derive(Debug)]
struct Job {
    id: LetterId,
    agent: Option<Agent>,
}

impl Containers {
    /// Starts, and goes on with what was under way when the gateway last stopped.
    pub(super) fn start(
        store: Store,
        pipeline: Arc<Pipeline>,
        journal: Arc<Journal>,
        clock: fn() -> i64,
    ) -> Result<Self, Fault> {
        let shared = Arc::new(Shared {
            store,
            pipeline,
            journal,
            clock,
            under_way: Mutex::default(),
            stopping: AtomicBool::new(false),
        });
        let (send, receive) = sync_channel(2 * CONTAINERS_WAITING_MAX);
        let own = shared.clone();
        let thread = std::thread::Builder::new()
            .name("containers".into())
            .spawn(move || own.run(&receive))
            .map_err(|_| Fault::Broken("the thread for containers cannot be started".into()))?;
        Ok(Containers { shared, send: Some(send), thread: Some(thread) })
    }

    /// Accepts a container for later; when this returns well, it is kept and will be taken in, whatever happens. Gives its
    /// receipt instead when it was received before. Blocks on storage.
    pub fn accept(&self, letter: &Letter, agent: Option<Agent>) -> Result<Option<Receipt>, Fault> {
        let id = letter.id();
        if let Some(receipt) = self.shared.pipeline.receipt(id)? {
            return Ok(Some(receipt));
        }
        if self.under_way().len() >= CONTAINERS_WAITING_MAX {
            return Err(Fault::Busy);
        }
        let mut commit = self.shared.store.keep_raw(id, letter)?.unwrap_or_default();
        commit.hold(id);
        // A container that was just done must not be marked again.
        commit.expect_no_receipt(id);
        match self.shared.store.submit(commit).wait() {
            Err(Fault::Conflict) => return self.shared.pipeline.receipt(id),
            done => done.map(drop)?,
        }
        let is_new = !self.under_way().contains_key(&id);
        if is_new {
            self.shared.set(id, Progress::default());
            let job = Job { id, agent };
            if self.send.as_ref().is_none_or(|send| send.try_send(job).is_err()) {
                // It stays kept and marked: whether it is sent again or the gateway started again, it is taken in.
                self.shared.forget(id);
                return Err(Fault::Busy);
            }
        }
        Ok(None)
    }

    /// How far a container is; `None` when it is not under way.
    pub fn progress(&self, id: LetterId) -> Option<Progress> {
        self.under_way().get(&id).copied()
    }

    fn under_way(&self) -> MutexGuard<'_, HashMap<LetterId, Progress>> {
        self.shared.under_way.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What is under way stops at its next letter and is gone on with after the next start.
impl Drop for Containers {
    fn drop(&mut self) {
        self.shared.stopping.store(true, Ordering::Relaxed);
        self.send = None;
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn run(&self, receive: &Receiver<Job>) {
        if let Err(fault) = self.resume() {
            tracing::error!(%fault, "containers that were under way could not be looked for");
        }
        while let Ok(job) = receive.recv() {
            self.take_in(&job);
        }
    }

    /// Marked letters that have no receipt were under way.
    fn resume(&self) -> Result<(), Fault> {
        let mut after = None;
        loop {
            let page = self.store.held(after, PAGE)?;
            let Some(last) = page.last() else { return Ok(()) };
            after = Some(*last);
            for id in page {
                if self.stopping.load(Ordering::Relaxed) {
                    return Ok(());
                }
                if self.store.receipt(id)?.is_none() {
                    self.set(id, Progress::default());
                    self.take_in(&Job { id, agent: None });
                }
            }
        }
    }

    fn take_in(&self, job: &Job) {
        for _ in 0..TRIES_MAX {
            if self.stopping.load(Ordering::Relaxed) {
                break;
            }
            match self.attempt(job) {
                Ok(()) => break,
                Err(Fault::Broken(what)) => {
                    tracing::error!(what, "a container could not be taken in; it is tried again at the next start");
                    break;
                }
                Err(_) => std::thread::sleep(PAUSE),
            }
        }
        self.forget(job.id);
    }

    fn attempt(&self, job: &Job) -> Result<(), Fault> {
        let Some(letter) = self.store.letter(job.id)? else { return Ok(()) };
        let progress = |done, all| {
            self.set(job.id, Progress { done, all });
            !self.stopping.load(Ordering::Relaxed)
        };
        let receipt = self.pipeline.receive_watched(&letter, &progress)?;
        self.record(job, &receipt)
    }

    /// That it was handed in is on record since it was; whom it was about is known now.
    fn record(&self, job: &Job, receipt: &Receipt) -> Result<(), Fault> {
        let of = |reference: &String| PatientKey::from_patient_id(reference.strip_prefix("Patient/")?);
        let mut patients: Vec<PatientKey> = receipt.parts.iter().filter_map(|p| of(p.patient.as_ref()?)).collect();
        patients.sort();
        patients.dedup();
        for named in patients.chunks(NAMED_MAX) {
            self.journal.record_now(Event {
                agent: job.agent.clone(),
                patients: named.to_vec(),
                count: u32::try_from(receipt.parts.len()).unwrap_or(u32::MAX),
                ..Event::new((self.clock)(), What::Receive)
            })?;
        }
        Ok(())
    }

    fn set(&self, id: LetterId, progress: Progress) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).insert(id, progress);
    }

    fn forget(&self, id: LetterId) {
        self.under_way.lock().unwrap_or_else(PoisonError::into_inner).remove(&id);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::letter::Source;

    #[test]
    fn so_many_containers_wait_and_no_more() {
        let store = Store::open_memory();
        let clock = || 0;
        let pipeline = Arc::new(Pipeline::new(store.clone(), clock));
        let journal = Arc::new(Journal::start(store.clone(), 9).unwrap());
        let containers = Containers::start(store, pipeline, journal, clock).unwrap();
        let source = Arc::new(Source { facility: crate::fhir::FacilityCode::parse("x"), zone_minutes: 540 });
        let letter = |name: &str| Letter { source: source.clone(), name: name.into(), bytes: b"MSH|\rMSH|\r".to_vec() };
        for n in 1..CONTAINERS_WAITING_MAX {
            containers.shared.set(LetterId([n as u8; 32]), Progress::default());
        }
        assert_eq!(containers.accept(&letter("at the limit"), None), Ok(None));
        while containers.progress(letter("at the limit").id()).is_some() {
            std::thread::sleep(Duration::from_millis(5));
        }
        containers.shared.set(LetterId([0; 32]), Progress::default());
        assert_eq!(containers.accept(&letter("one past it"), None), Err(Fault::Busy));
        let known = containers.accept(&letter("at the limit"), None);
        assert_eq!(
            known.unwrap().map(|receipt| receipt.parts.len()),
            Some(2),
            "what is done has its receipt all the same"
        );
    }
}
