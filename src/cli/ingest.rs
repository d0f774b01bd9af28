//! `tasuki ingest PATH`: takes in an SS-MIX2 tree or files, in the right order of time per patient, many patients at once.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::operator::{self, Act};
use super::place::Place;
use super::{fail, issues};
use crate::audit::What;
use crate::fault::{Exit, Fault, Finding};
use crate::fhir::{FacilityCode, PatientKey};
use crate::intake::folder::{self, Group, Shape};
use crate::journal::Journal;
use crate::letter::{Letter, LetterId, Source};
use crate::pipeline::{Outcome, Pipeline, Receipt};
use crate::store::Store;

/// Letters that one audit event tells of at most.
const LETTERS_OF_EVENT_MAX: usize = 100;
/// Groups of files that wait for a worker.
const GROUPS_WAITING_MAX: usize = 64;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// A folder (the root of SS-MIX2 storage, or any folder of files) or one file
    path: PathBuf,
    #[command(flatten)]
    place: Place,
    /// 10-digit 医療機関コード (or any name) of the facility [default: the root folder's name, else what the messages say]
    #[arg(long)]
    facility: Option<String>,
    /// Write each receipt, when it is durable, as a JSON line to this file; `-` is standard output
    #[arg(long)]
    receipts: Option<PathBuf>,
    /// How many patients' files are taken in at once
    #[arg(long, default_value_t = 32)]
    workers: usize,
}

/// Counts of one run.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) stored: usize,
    pub(super) repeated: usize,
    pub(super) ignored: usize,
    pub(super) resources: usize,
    /// Held letters: reason to (count, one example).
    pub(super) held: BTreeMap<String, (usize, String)>,
    /// Files and folders: name, and what is wrong.
    pub(super) unreadable: Vec<(String, String)>,
}

pub(super) fn run(options: &Options) -> Exit {
    if !options.path.exists() {
        return fail(Exit::NoInput, &format!("{} is not there", options.path.display()));
    }
    let (store, book) = match options.place.open() {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    let receipts = match options.receipts.as_deref().map(open_receipts).transpose() {
        Ok(receipts) => receipts,
        Err(error) => return fail(Exit::NoInput, &format!("the receipts cannot be written: {error}")),
    };
    let facility = options.facility.as_deref().map(FacilityCode::parse);
    let journal = match Journal::start(store.clone(), operator::EVENTS_WAITING_MAX) {
        Ok(journal) => journal,
        Err(fault) => return fail(Exit::from(&fault), &fault.to_string()),
    };
    let pipeline = Pipeline::new(store, super::now).with_book(book);
    let started = Instant::now();
    match take_in((&pipeline, &journal), &options.path, facility, receipts.map(Mutex::new).as_ref(), options.workers) {
        Ok(tally) => summary(&tally, started.elapsed()),
        Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
    }
}

/// Opens the store in a folder, making it when it is not there.
pub(super) fn open(path: &Path) -> Result<Store, Fault> {
    Store::open_sled(path, 256 << 20)
}

fn open_receipts(path: &Path) -> std::io::Result<Box<dyn Write + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdout()));
    }
    Ok(Box::new(std::fs::OpenOptions::new().create(true).append(true).open(path)?))
}

/// Takes in everything under a path. Each patient's letters go in order through one worker; a machine fault ends the run.
pub(super) fn take_in(
    into: (&Pipeline, &Journal),
    path: &Path,
    facility: Option<FacilityCode>,
    receipts: Option<&Mutex<Box<dyn Write + Send>>>,
    workers: usize,
) -> Result<Tally, Fault> {
    let facility = facility.or_else(|| folder::facility_of_root(path)).unwrap_or_else(FacilityCode::unstated);
    let source = Arc::new(Source { facility, zone_minutes: 540 });
    let tally = Mutex::new(Tally::default());
    let bar = progress(path);
    let failed: Mutex<Option<Fault>> = Mutex::new(None);
    let stop = AtomicBool::new(false);
    let (send, receive) = mpsc::sync_channel::<Group>(GROUPS_WAITING_MAX);
    let receive = Mutex::new(receive);
    std::thread::scope(|scope| {
        for _ in 0..workers.max(1) {
            scope.spawn(|| {
                while let Some(group) = next(&receive) {
                    if stop.load(Ordering::Relaxed) {
                        continue;
                    }
                    if let Err(fault) = take_group(into, &source, group, receipts, &tally, &bar) {
                        stop.store(true, Ordering::Relaxed);
                        if let Ok(mut first) = failed.lock() {
                            first.get_or_insert(fault);
                        }
                    }
                }
            });
        }
        for group in folder::walk(path) {
            match group {
                Ok(group) => {
                    if stop.load(Ordering::Relaxed) || send.send(group).is_err() {
                        break;
                    }
                }
                Err(error) => note(&tally, |t| t.unreadable.push((String::new(), error.kind().to_string()))),
            }
        }
        drop(send);
    });
    bar.finish_and_clear();
    match failed.into_inner() {
        Ok(Some(fault)) => Err(fault),
        _ => Ok(tally.into_inner().unwrap_or_default()),
    }
}

fn next(receive: &Mutex<mpsc::Receiver<Group>>) -> Option<Group> {
    receive.lock().ok()?.recv().ok()
}

fn note(tally: &Mutex<Tally>, add: impl FnOnce(&mut Tally)) {
    if let Ok(mut tally) = tally.lock() {
        add(&mut tally);
    }
}

fn take_group(
    (pipeline, journal): (&Pipeline, &Journal),
    source: &Arc<Source>,
    group: Group,
    receipts: Option<&Mutex<Box<dyn Write + Send>>>,
    tally: &Mutex<Tally>,
    bar: &ProgressBar,
) -> Result<(), Fault> {
    let source = match group.facility {
        Some(facility) if source.facility.is_unstated() => Arc::new(Source { facility, ..(**source).clone() }),
        _ => source.clone(),
    };
    let mut taken = Taken { journal, patients: BTreeSet::new(), letters: 0 };
    for found in group.files {
        if matches!(found.shape, Shape::Ignored(_)) {
            note(tally, |t| t.ignored += 1);
            bar.inc(1);
            continue;
        }
        match found.read() {
            Err(issue) => note(tally, |t| t.unreadable.push((found.name.clone(), issues::line(&issue)))),
            Ok(bytes) => {
                let letter = Letter { source: source.clone(), name: found.name, bytes };
                let receipt = match pipeline.receive(&letter) {
                    Ok(receipt) => receipt,
                    Err(fault) => return taken.record().and(Err(fault)),
                };
                tell(pipeline, &receipt, receipts, tally, &mut taken)?;
            }
        }
        bar.inc(1);
    }
    taken.record()
}

/// Letters of which the audit record does not tell yet.
struct Taken<'a> {
    journal: &'a Journal,
    patients: BTreeSet<PatientKey>,
    letters: usize,
}

impl Taken<'_> {
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
        let count = std::mem::take(&mut self.letters);
        operator::record(self.journal, What::Receive, Act { patients, letter: None, count })
    }
}

/// Writes and counts a receipt, then those of the letters that it held.
fn tell(
    pipeline: &Pipeline,
    receipt: &Receipt,
    receipts: Option<&Mutex<Box<dyn Write + Send>>>,
    tally: &Mutex<Tally>,
    taken: &mut Taken<'_>,
) -> Result<(), Fault> {
    taken.add(receipt)?;
    write_receipt(receipts, receipt)?;
    note(tally, |t| t.add(receipt));
    for part in receipt.parts.iter().filter(|_| !receipt.repeat) {
        let id = LetterId::parse(&part.letter);
        if let Some(receipt) = id.map(|id| pipeline.receipt(id)).transpose()?.flatten() {
            tell(pipeline, &receipt, receipts, tally, taken)?;
        }
    }
    Ok(())
}

fn write_receipt(receipts: Option<&Mutex<Box<dyn Write + Send>>>, receipt: &Receipt) -> Result<(), Fault> {
    let Some(receipts) = receipts else { return Ok(()) };
    let broken = || Fault::Broken("a receipt cannot be written".into());
    let mut out = receipts.lock().map_err(|_| broken())?;
    let line = serde_json::to_string(receipt).map_err(|_| broken())?;
    writeln!(out, "{line}").and_then(|()| out.flush()).map_err(|_| broken())
}

fn progress(path: &Path) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let bar = ProgressBar::new(folder::count(path));
    if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} files  {per_sec}  {eta} left") {
        bar.set_style(style);
    }
    bar
}

impl Tally {
    fn add(&mut self, receipt: &Receipt) {
        match receipt.outcome {
            _ if receipt.repeat => self.repeated += 1,
            Outcome::Stored => {
                self.stored += 1;
                self.resources += receipt.resources.len();
            }
            Outcome::Held => {
                let reason = receipt.issues.first();
                let sentence = reason.map_or("", |i| if issues::japanese() { &i.ja } else { &i.en });
                let entry = self.held.entry(sentence.to_owned()).or_insert_with(|| (0, receipt.name.clone()));
                entry.0 += 1;
            }
            // Its letters are counted one by one; what is wrong with itself is told.
            Outcome::Parted => {
                let wrong = receipt.issues.iter().filter(|issue| matches!(issue.severity.as_str(), "error" | "fatal"));
                let sentence = |i: &Finding| format!("{} {}", i.place, if issues::japanese() { &i.ja } else { &i.en });
                self.unreadable.extend(wrong.map(|issue| (receipt.name.clone(), sentence(issue))));
            }
        }
    }

    /// How many letters were held.
    pub(super) fn held_count(&self) -> usize {
        self.held.values().map(|(count, _)| count).sum()
    }
}

fn summary(tally: &Tally, took: Duration) -> Exit {
    let all = tally.stored + tally.repeated + tally.held_count();
    eprintln!(
        "{all} letters in {:.1} s: {} stored ({} resource versions), {} known already, {} held, {} files ignored",
        took.as_secs_f64(),
        tally.stored,
        tally.resources,
        tally.repeated,
        tally.held_count(),
        tally.ignored
    );
    // A file's name carries the patient's number: it is told to a person, and kept out of what may be a log.
    let person = std::io::stderr().is_terminal();
    for (reason, (count, example)) in &tally.held {
        let example = if person { format!("  (for example {example})") } else { String::new() };
        eprintln!("  held {count}: {reason}{example}");
    }
    for (name, problem) in &tally.unreadable {
        let name = if person { format!("{name}: ") } else { String::new() };
        eprintln!("  not readable: {name}{problem}");
    }
    if tally.held.is_empty() && tally.unreadable.is_empty() { Exit::Done } else { Exit::SomeHeld }
}
