//! `tasuki replay`: makes records anew from their letters after the maps have changed, or shows what that would change.

mod report;
mod select;

use std::collections::HashSet;
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::operator::{self, Act};
use super::place::Place;
use super::{fail, held};
use crate::audit::What;
use crate::fault::{Exit, Fault};
use crate::fhir::PatientKey;
use crate::journal::Journal;
use crate::letter::LetterId;
use crate::pipeline::{Linked, Outcome, Pipeline, Rebuilt, Tried};
use crate::store::{Commit, Store, Told};
use report::{Report, Show};
use select::{Selection, Walk};

/// Records that are worked on side by side before any of them is reported.
const PAGE: usize = 64;
/// Under which name the store notes how far a replay has come.
const NOTE: &str = "replay";

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
    /// There are no maps: what maps have added to records is taken away
    #[arg(long)]
    no_maps: bool,
    /// Records of which a letter was taken in at this time or later (2026-10-13, 2026-10-13T09:00; Japan's time)
    #[arg(long)]
    since: Option<String>,
    /// ... and at this time or earlier
    #[arg(long)]
    until: Option<String>,
    /// Records that this facility keeps, and letters it sent
    #[arg(long)]
    facility: Option<String>,
    /// The records that a letter wrote to, or the letter itself where it is held; the first digits of its id
    #[arg(long = "letter")]
    letters: Vec<String>,
    /// The records of the letters that hold a local code; the first digits of its id, see `tasuki codes list`
    #[arg(long = "code")]
    codes: Vec<String>,
    /// Held letters only
    #[arg(long)]
    held: bool,
    /// Write nothing; show what would change
    #[arg(long)]
    dry_run: bool,
    /// Show the values too. They are patients' data, and that you saw them is recorded
    #[arg(long)]
    values: bool,
    /// Only the summary
    #[arg(long)]
    summary: bool,
    /// Go on after a replay of the same selection that was broken off
    #[arg(long)]
    resume: bool,
    /// How many records are worked on at once [default: one for each processor]
    #[arg(long)]
    workers: Option<usize>,
}

pub(super) fn run(options: &Options) -> Exit {
    if options.place.names_maps() == options.no_maps {
        // A replay without the maps would undo them everywhere.
        return fail(Exit::NoInput, "say which maps count: --config FILE, --maps FOLDER, or --no-maps");
    }
    match options.place.open() {
        Err(exit) => exit,
        Ok(opened) => match if options.dry_run { Ok(opened.pipeline()) } else { opened.writing() } {
            Err(exit) => exit,
            Ok(pipeline) => {
                let done = replay(options, &pipeline);
                done.unwrap_or_else(|fault| fail(Exit::from(&fault), &fault.to_string()))
            }
        },
    }
}

fn replay(options: &Options, pipeline: &Pipeline) -> Result<Exit, Fault> {
    let selection = match Selection::of(options, pipeline.store())? {
        Ok(selection) => selection,
        Err(sentence) => return Ok(fail(Exit::NoInput, &sentence)),
    };
    let journal = Journal::start(pipeline.store().clone(), operator::EVENTS_WAITING_MAX)?;
    let mut replay = Replay { options, pipeline, journal, bar: progress(), report: Report::default() };
    let done = replay.all(&selection);
    replay.bar.finish_and_clear();
    Ok(match done? {
        Some(sentence) => fail(Exit::NoInput, sentence),
        None => replay.report.print(options.dry_run),
    })
}

/// One run.
struct Replay<'a> {
    options: &'a Options,
    pipeline: &'a Pipeline,
    journal: Journal,
    bar: ProgressBar,
    report: Report,
}

impl Replay<'_> {
    /// Records first, then held letters. Gives a sentence when there is nothing to go on with.
    fn all(&mut self, selection: &Selection) -> Result<Option<&'static str>, Fault> {
        if !self.options.held {
            let from = match self.begin(selection)? {
                Ok(from) => from,
                Err(sentence) => return Ok(Some(sentence)),
            };
            let store = self.pipeline.store().clone();
            // A walk meets every record itself. One that goes on may have been broken off between two that belong together.
            let mut follow = !selection.is_walk() || from.is_some();
            let mut walk = Walk::begin(selection, from);
            loop {
                let page = walk.page(&store, PAGE)?;
                let Some(last) = page.last() else { break };
                self.page(&page, follow)?;
                follow = !selection.is_walk();
                self.note(selection, Some(*last))?;
            }
            self.note(selection, None)?;
        }
        if self.options.codes.is_empty() {
            self.held(selection)?;
        }
        Ok(None)
    }

    /// After which record to begin.
    fn begin(&self, selection: &Selection) -> Result<Result<Option<PatientKey>, &'static str>, Fault> {
        if !self.options.resume {
            return Ok(Ok(None));
        }
        let noted = self.pipeline.store().noted(NOTE)?;
        let noted = noted.and_then(|text| serde_json::from_slice::<Noted>(&text).ok());
        Ok(match noted {
            Some(noted) if noted.selection == selection.words() => {
                Ok(u128::from_str_radix(&noted.after, 16).ok().map(PatientKey))
            }
            Some(_) => Err("the replay that was broken off had another selection"),
            None => Err("no replay was broken off"),
        })
    }

    /// How far this run has come, so that another can go on. A trial has come nowhere.
    fn note(&self, selection: &Selection, after: Option<PatientKey>) -> Result<(), Fault> {
        if self.options.dry_run || !selection.is_walk() {
            return Ok(());
        }
        let noted = after.map(|after| Noted { selection: selection.words(), after: format!("{:032x}", after.0) });
        let text = noted.map(|noted| serde_json::to_vec(&noted).unwrap_or_default());
        let mut commit = Commit::default();
        commit.note(NOTE, text.as_deref());
        self.pipeline.store().submit(commit).wait().map(|_| ())
    }

    /// Works on some records side by side and reports them in their order; then on records of which their letters speak
    /// for the first time, or, with `follow`, on all records of which they speak.
    fn page(&mut self, page: &[PatientKey], follow: bool) -> Result<(), Fault> {
        let mut next: Vec<(PatientKey, Vec<Told>)> = page.iter().map(|patient| (*patient, Vec::new())).collect();
        let mut seen: HashSet<PatientKey> = page.iter().copied().collect();
        let mut again = HashSet::new();
        while !next.is_empty() {
            let done = self.rebuild(&next)?;
            let found: Vec<(PatientKey, Rebuilt)> = next.iter().map(|(patient, _)| *patient).zip(done).collect();
            self.tell(&found)?;
            next = Vec::new();
            for Linked { patient, new } in found.into_iter().flat_map(|(_, rebuilt)| rebuilt.linked) {
                let is_first = seen.insert(patient);
                // One that was done before a letter was found to speak of it is done once more.
                let is_wanted = if new.is_empty() { follow && is_first } else { again.insert(patient) };
                if is_wanted {
                    next.push((patient, new));
                }
            }
        }
        Ok(())
    }

    fn rebuild(&self, records: &[(PatientKey, Vec<Told>)]) -> Result<Vec<Rebuilt>, Fault> {
        let workers = self.options.workers.or_else(|| std::thread::available_parallelism().ok().map(usize::from));
        let next = AtomicUsize::new(0);
        let done: Vec<Mutex<Option<Result<Rebuilt, Fault>>>> = records.iter().map(|_| Mutex::default()).collect();
        std::thread::scope(|scope| {
            for _ in 0..workers.unwrap_or(1).clamp(1, PAGE) {
                scope.spawn(|| {
                    while let Some((patient, also)) = records.get(next.fetch_add(1, Ordering::Relaxed)) {
                        let rebuilt = self.pipeline.rebuild(*patient, also, self.options.dry_run);
                        let at = records.iter().position(|(other, _)| other == patient);
                        if let Some(Ok(mut slot)) = at.and_then(|at| done.get(at)).map(Mutex::lock) {
                            *slot = Some(rebuilt);
                        }
                        self.bar.inc(1);
                    }
                });
            }
        });
        let lost = || Fault::Broken("a worker of the replay stopped".into());
        done.into_iter().map(|slot| slot.into_inner().ok().flatten().unwrap_or_else(|| Err(lost()))).collect()
    }

    /// Records the act, then shows it.
    fn tell(&mut self, found: &[(PatientKey, Rebuilt)]) -> Result<(), Fault> {
        let touched = || found.iter().filter(|(_, rebuilt)| !rebuilt.differences.is_empty());
        let what = match (self.options.dry_run, self.options.values) {
            (false, _) => Some(What::Replay),
            (true, true) => Some(What::LetterRead),
            (true, false) => None,
        };
        if let Some(what) = what.filter(|_| touched().next().is_some()) {
            let patients = touched().map(|(patient, _)| *patient).collect();
            let count = touched().map(|(_, rebuilt)| rebuilt.differences.len()).sum();
            operator::record(&self.journal, what, Act { patients, letter: None, count })?;
        }
        let details = (self.options.dry_run || self.options.values) && !self.options.summary;
        let show = Show { details, values: self.options.values };
        let report = &mut self.report;
        self.bar.suspend(|| found.iter().for_each(|(patient, rebuilt)| report.add(*patient, rebuilt, show)));
        Ok(())
    }

    fn held(&mut self, selection: &Selection) -> Result<(), Fault> {
        let store: Store = self.pipeline.store().clone();
        held::each(&store, |id| {
            if selection.takes_held(&store, id)? {
                self.try_held(id)?;
            }
            Ok(())
        })
    }

    fn try_held(&mut self, id: LetterId) -> Result<(), Fault> {
        self.report.tried += 1;
        if self.options.dry_run {
            let tried = self.pipeline.try_held(id)?;
            self.report.released += usize::from(matches!(tried, Some(Tried::Released)));
            return Ok(());
        }
        // Somebody may have settled it meanwhile.
        let Ok(receipt) = self.pipeline.retry(id)? else { return Ok(()) };
        if receipt.outcome == Outcome::Stored {
            self.report.released += 1;
            let act = Act { patients: receipt.records().collect(), letter: Some(id), count: receipt.resources.len() };
            operator::record(&self.journal, What::Receive, act)?;
        }
        Ok(())
    }
}

#[derive(serde::Serialize, serde::Deserialize)]
struct Noted {
    selection: String,
    after: String,
}

fn progress() -> ProgressBar {
    use std::io::IsTerminal;
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new_spinner();
    if let Ok(style) = ProgressStyle::with_template("{spinner} {pos} records  {per_sec}  {elapsed}") {
        bar.set_style(style);
    }
    bar
}
