//! Taking in the groups of a folder: each group's letters in order through one worker, many groups side by side. The
//! command line and the folders that are followed both do it so.

use std::collections::{BTreeMap, BTreeSet};
use std::io;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError, mpsc};

use crate::fault::{Fault, Finding, Issue};
use crate::fhir::PatientKey;
use crate::intake::folder::{Found, Group, Shape};
use crate::letter::{Letter, LetterId, Source};
use crate::pipeline::{Outcome, Pipeline, Receipt};

/// Letters that one audit event tells of at most.
const LETTERS_OF_EVENT_MAX: usize = 100;
/// Groups of files that wait for a worker.
const GROUPS_WAITING_MAX: usize = 64;

/// Whoever takes in: is told what becomes of the files, and decides.
pub trait Watch: Sync {
    /// The bytes of a file, or why it cannot be read; `None` leaves it for later.
    fn read(&self, found: &Found) -> Option<Result<Vec<u8>, Issue>> {
        Some(found.read())
    }

    /// A receipt is durable. Those of the letters that a container held come after its own.
    fn received(&self, receipt: &Receipt) -> Result<(), Fault> {
        let _ = receipt;
        Ok(())
    }

    /// Nothing more is to be done about a file.
    fn done(&self, found: &Found) {
        let _ = found;
    }

    /// Puts it on record that so many letters came, about these patients.
    fn record(&self, patients: Vec<PatientKey>, letters: usize) -> Result<(), Fault>;

    /// Whether to end before everything is done.
    fn is_stopping(&self) -> bool {
        false
    }
}

/// Counts of one run.
#[derive(Debug, Default)]
pub struct Tally {
    /// Letters whose resources are stored.
    pub stored: usize,
    /// Letters that were known.
    pub repeated: usize,
    /// Files that were passed over.
    pub ignored: usize,
    /// Versions of resources.
    pub resources: usize,
    /// Held letters, by the sentence of the reason.
    pub held: BTreeMap<String, Held>,
    /// Files and folders that could not be read, and containers of which a part could not: name, which may be a
    /// patient's, and what is wrong.
    pub unreadable: Vec<(String, Option<Finding>)>,
}

/// Letters that are held for one reason.
#[derive(Debug)]
pub struct Held {
    /// The reason; `None` where none was stated.
    pub reason: Option<Finding>,
    /// How many.
    pub count: usize,
    /// The name of one, which may hold a patient's number.
    pub example: String,
}

impl Tally {
    fn add(&mut self, receipt: &Receipt) {
        match receipt.outcome {
            _ if receipt.repeat => self.repeated += 1,
            Outcome::Stored => {
                self.stored += 1;
                self.resources += receipt.resources.len();
            }
            Outcome::Held | Outcome::Refused => {
                let reason = receipt.issues.first();
                let sentence = reason.map_or(String::new(), |reason| reason.en.clone());
                let new = || Held { reason: reason.cloned(), count: 0, example: receipt.name.clone() };
                self.held.entry(sentence).or_insert_with(new).count += 1;
            }
            // Its letters are counted one by one; what is wrong with itself is told.
            Outcome::Parted => {
                let wrong = receipt.issues.iter().filter(|issue| matches!(issue.severity.as_str(), "error" | "fatal"));
                self.unreadable.extend(wrong.map(|issue| (receipt.name.clone(), Some(issue.clone()))));
            }
        }
    }

    /// How many letters were held.
    pub fn held_count(&self) -> usize {
        self.held.values().map(|held| held.count).sum()
    }
}

struct Run<'a, W> {
    pipeline: &'a Pipeline,
    watch: &'a W,
    source: &'a Arc<Source>,
    tally: Mutex<Tally>,
    failed: Mutex<Option<Fault>>,
    stop: AtomicBool,
}

/// Takes in every group. A machine fault ends the run; what is done by then stays done. Where the source states no
/// facility, the root of a storage does. Blocks on storage.
pub fn take_in<W: Watch>(
    pipeline: &Pipeline,
    watch: &W,
    source: &Arc<Source>,
    groups: impl Iterator<Item = Result<Group, io::Error>>,
    workers: usize,
) -> Result<Tally, Fault> {
    let run = Run { pipeline, watch, source, tally: Mutex::default(), failed: Mutex::default(), stop: false.into() };
    let (send, receive) = mpsc::sync_channel::<Group>(GROUPS_WAITING_MAX);
    let receive = Mutex::new(receive);
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                while let Some(group) = next(&receive) {
                    run.work(group);
                }
            });
        }
        for group in groups {
            match group {
                Ok(group) => {
                    if run.is_stopping() || send.send(group).is_err() {
                        break;
                    }
                }
                // Which folder it is stays unsaid: its name may be a patient's number.
                Err(error) => run.note(|tally| tally.unreadable.push((error.kind().to_string(), None))),
            }
        }
        drop(send);
    });
    match run.failed.into_inner().unwrap_or_else(PoisonError::into_inner) {
        Some(fault) => Err(fault),
        None => Ok(run.tally.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

fn next(receive: &Mutex<mpsc::Receiver<Group>>) -> Option<Group> {
    receive.lock().ok()?.recv().ok()
}

impl<W: Watch> Run<'_, W> {
    fn is_stopping(&self) -> bool {
        self.stop.load(Ordering::Relaxed) || self.watch.is_stopping()
    }

    fn note(&self, add: impl FnOnce(&mut Tally)) {
        add(&mut self.tally.lock().unwrap_or_else(PoisonError::into_inner));
    }

    fn work(&self, group: Group) {
        if self.is_stopping() {
            return;
        }
        if let Err(fault) = self.group(group) {
            self.stop.store(true, Ordering::Relaxed);
            self.failed.lock().unwrap_or_else(PoisonError::into_inner).get_or_insert(fault);
        }
    }

    fn group(&self, group: Group) -> Result<(), Fault> {
        let source = match group.facility {
            Some(facility) if self.source.facility.is_unstated() => {
                Arc::new(Source { facility, ..(**self.source).clone() })
            }
            _ => self.source.clone(),
        };
        let mut taken = Taken { watch: self.watch, patients: BTreeSet::new(), letters: 0 };
        for found in group.files {
            if self.is_stopping() {
                break;
            }
            if let Err(fault) = self.file(&source, found, &mut taken) {
                return taken.record().and(Err(fault));
            }
        }
        taken.record()
    }

    fn file(&self, source: &Arc<Source>, found: Found, taken: &mut Taken<'_, W>) -> Result<(), Fault> {
        if matches!(found.shape, Shape::Ignored(_)) {
            self.note(|tally| tally.ignored += 1);
            self.watch.done(&found);
            return Ok(());
        }
        match self.watch.read(&found) {
            None => return Ok(()),
            Some(Err(issue)) => {
                self.note(|tally| tally.unreadable.push((found.name.clone(), Some(Finding::from(&issue)))));
            }
            Some(Ok(bytes)) => {
                let letter = Letter { source: source.clone(), name: found.name.clone(), bytes };
                let receipt = self.pipeline.receive_watched(&letter, &|_, _| !self.watch.is_stopping())?;
                self.tell(&receipt, taken)?;
                self.watch.done(&found);
            }
        }
        Ok(())
    }

    /// Tells and counts a receipt, then those of the letters that it held.
    fn tell(&self, receipt: &Receipt, taken: &mut Taken<'_, W>) -> Result<(), Fault> {
        taken.add(receipt)?;
        self.watch.received(receipt)?;
        self.note(|tally| tally.add(receipt));
        for part in receipt.parts.iter().filter(|_| !receipt.repeat) {
            let id = LetterId::parse(&part.letter);
            if let Some(receipt) = id.map(|id| self.pipeline.receipt(id)).transpose()?.flatten() {
                self.tell(&receipt, taken)?;
            }
        }
        Ok(())
    }
}

/// Letters of which the audit record does not tell yet.
struct Taken<'a, W> {
    watch: &'a W,
    patients: BTreeSet<PatientKey>,
    letters: usize,
}

impl<W: Watch> Taken<'_, W> {
    /// One event tells of many letters: the log tells of each.
    fn add(&mut self, receipt: &Receipt) -> Result<(), Fault> {
        if receipt.repeat {
            return Ok(());
        }
        self.patients.extend(receipt.records());
        self.letters += 1;
        if self.letters >= LETTERS_OF_EVENT_MAX { self.record() } else { Ok(()) }
    }

    fn record(&mut self) -> Result<(), Fault> {
        if self.letters == 0 {
            return Ok(());
        }
        let patients = std::mem::take(&mut self.patients).into_iter().collect();
        self.watch.record(patients, std::mem::take(&mut self.letters))
    }
}
