//! A letter that holds others (a zip file, a batch): each is received as a letter of its own, and the receipt of the
//! whole lists them. The whole is kept as it came, so a second delivery of it is recognised.

use std::borrow::Cow;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use super::receipt::{Part, Receipt};
use super::{Pipeline, Sending, answer};
use crate::codes::Book;
use crate::decode::container::{self, Container};
use crate::decode::{format, zip};
use crate::fault::{Fault, Issue, Place, rules};
use crate::letter::{Letter, Source};
use crate::store::Commit;

/// Groups of one container that are received side by side.
const SIDE_BY_SIDE: usize = 8;

rules! {
    pub(super) NESTED "container-nested" Fatal TooCostly
        "A zip file inside a zip file is not opened; send it on its own."
        "zipファイルの中のzipファイルは開きません。単独で送ってください。"
    FOREIGN_RECORD "ssmix2-transaction-facility" Error Forbidden
        "The record names another facility than the one that sent it; it was not taken in."
        "送信元と異なる医療機関のレコードのため、取り込みませんでした。"
}

/// Told how many of how many parts are done; answers whether to go on.
pub(super) type Progress<'a> = &'a (dyn Fn(usize, usize) -> bool + Sync);

/// Where a letter stands: by itself, or inside a container.
pub(super) enum Depth<'a> {
    Outermost(Progress<'a>),
    Inside {
        /// Whether somebody of the network tries the whole anew or corrects it.
        is_at_desk: bool,
    },
}

impl Depth<'_> {
    /// By itself, with nobody watching.
    pub(super) fn alone() -> Self {
        Depth::Outermost(&|_, _| true)
    }

    /// Whether it is inside of what somebody of the network tries anew or corrects.
    pub(super) fn is_inside_desk(&self) -> bool {
        matches!(self, Depth::Inside { is_at_desk: true })
    }
}

/// Whether it is of a kind that is taken at all: a container, or a format that [`format::sniff`] knows.
pub fn is_taken(name: &str, bytes: &[u8]) -> bool {
    format::sniff(name, bytes).is_some() || container::archive(name, bytes).is_some()
}

/// One group of parts after the other, the results in the order of the groups.
struct Work<'a> {
    letter: &'a Letter,
    container: &'a Container<'a>,
    next: AtomicUsize,
    done: AtomicUsize,
    stop: AtomicBool,
    progress: Option<Progress<'a>>,
    /// Where the parts stand.
    depth: Depth<'a>,
    results: Mutex<Vec<Received>>,
}

/// What became of a group.
type Received = (usize, Result<(Vec<Part>, Vec<Issue>), Fault>);

impl Pipeline {
    /// Whether a delivery holds letters rather than being one.
    pub fn is_container(&self, letter: &Letter) -> bool {
        open(letter, &self.book()).is_some()
    }

    /// The same as [`Pipeline::receive`]; tells after each part of a container how many of how many are done, and stops
    /// with `Busy` when the answer is no. What was done stays done, and the next delivery goes on from there.
    pub fn receive_watched(
        &self,
        letter: &Letter,
        progress: &(dyn Fn(usize, usize) -> bool + Sync),
    ) -> Result<Receipt, Fault> {
        self.receive_at(letter, &Depth::Outermost(progress))
    }

    /// Receives what a letter holds; `None` when it is one letter.
    pub(super) fn part(&self, sending: &Sending<'_>, depth: &Depth<'_>) -> Option<Result<Receipt, Fault>> {
        let letter = sending.letter;
        // The message id that it begins with is that of its first message.
        let sending = Sending { control: None, ..sending.clone() };
        if matches!(depth, Depth::Inside { .. }) && zip::is_zip(&letter.bytes) {
            return Some(self.hold(&sending, vec![Issue::new(&NESTED, Place::Whole)]));
        }
        Some(match open(letter, &self.book())? {
            Err(issue) => self.hold(&sending, vec![issue]),
            Ok(container) => self.receive_parts(&sending, &container, depth),
        })
    }

    fn receive_parts(
        &self,
        sending: &Sending<'_>,
        container: &Container<'_>,
        depth: &Depth<'_>,
    ) -> Result<Receipt, Fault> {
        let work = Work {
            letter: sending.letter,
            container,
            next: AtomicUsize::new(0),
            done: AtomicUsize::new(0),
            stop: AtomicBool::new(false),
            progress: match depth {
                Depth::Outermost(progress) => Some(*progress),
                Depth::Inside { .. } => None,
            },
            depth: Depth::Inside { is_at_desk: sending.is_at_desk() },
            results: Mutex::default(),
        };
        let threads = if work.progress.is_some() { container.groups.len().min(SIDE_BY_SIDE) } else { 1 };
        std::thread::scope(|scope| {
            for _ in 1..threads {
                // Where there is no thread to be had, the others do its work.
                drop(std::thread::Builder::new().spawn_scoped(scope, || self.work(&work)));
            }
            self.work(&work);
        });
        let mut results = work.results.into_inner().unwrap_or_else(PoisonError::into_inner);
        results.sort_by_key(|(group, _)| *group);
        let (mut parts, mut issues) = (Vec::new(), container.issues.clone());
        for (_, result) in results {
            let (received, unusable) = result?;
            parts.extend(received);
            issues.extend(unusable);
        }
        let receipt = Receipt::parted(sending, (self.clock)(), parts, &issues);
        let mut commit = Commit::default();
        // It may have been marked as under way.
        commit.release(sending.id);
        answer(&mut commit, sending, &receipt)?;
        self.store.submit(commit).wait()?;
        Ok(receipt)
    }

    fn work(&self, work: &Work<'_>) {
        while !work.stop.load(Ordering::Relaxed) {
            let group = work.next.fetch_add(1, Ordering::Relaxed);
            if group >= work.container.groups.len() {
                return;
            }
            let result = self.receive_group(work, group);
            if result.is_err() {
                work.stop.store(true, Ordering::Relaxed);
            }
            work.results.lock().unwrap_or_else(PoisonError::into_inner).push((group, result));
        }
    }

    fn receive_group(&self, work: &Work<'_>, group: usize) -> Result<(Vec<Part>, Vec<Issue>), Fault> {
        let all = work.container.groups.iter().map(Vec::len).sum();
        let (mut parts, mut issues) = (Vec::new(), Vec::new());
        for part in work.container.groups.get(group).into_iter().flatten() {
            match usable(&work.letter.source, part) {
                Err(issue) => issues.push(issue),
                Ok(bytes) => {
                    let letter = Letter {
                        source: source_of(&work.letter.source, part),
                        name: part.name.clone(),
                        bytes: bytes.into_owned(),
                    };
                    let Receipt { letter, name, outcome, patient, .. } = self.receive_at(&letter, &work.depth)?;
                    parts.push(Part { letter, name, outcome, patient });
                }
            }
            let done = work.done.fetch_add(1, Ordering::Relaxed) + 1;
            if work.progress.is_some_and(|progress| !progress(done, all)) {
                return Err(Fault::Busy);
            }
        }
        Ok((parts, issues))
    }
}

/// Opens a letter with what its sender calls the columns of a CSV.
pub(super) fn open<'l>(letter: &'l Letter, book: &Book) -> Option<Result<Container<'l>, Issue>> {
    container::open(&letter.name, &letter.bytes, book.columns(&letter.source.facility))
}

/// The bytes of a part; the issue says why it cannot be used.
pub(super) fn usable<'p>(sender: &Source, part: &'p container::Part<'_>) -> Result<Cow<'p, [u8]>, Issue> {
    let is_foreign = part.facility.as_ref().is_some_and(|facility| *facility != sender.facility);
    if part.is_record() && is_foreign && !sender.facility.is_unstated() {
        return Err(Issue::new(&FOREIGN_RECORD, part.place()));
    }
    part.read()
}

/// The sender is whoever sent the whole; where nobody said which facility that is, the root of the storage does.
pub(super) fn source_of(sender: &Arc<Source>, part: &container::Part<'_>) -> Arc<Source> {
    match &part.facility {
        Some(facility) if sender.facility.is_unstated() => {
            Arc::new(Source { facility: facility.clone(), ..(**sender).clone() })
        }
        _ => sender.clone(),
    }
}
