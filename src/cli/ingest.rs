//! `tasuki ingest PATH`: takes in an SS-MIX2 tree or files, in the right order of time per patient, many patients at once.

use std::io::{IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use clap::Args;
use indicatif::{ProgressBar, ProgressStyle};

use super::operator::{self, Act};
use super::place::Place;
use super::{fail, issues};
use crate::audit::What;
use crate::fault::{Exit, Fault};
use crate::feed::take::{self, Tally, Watch};
use crate::fhir::{FacilityCode, PatientKey};
use crate::intake::folder::{self, Found};
use crate::journal::Journal;
use crate::letter::Source;
use crate::pipeline::{Pipeline, Receipt};

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

pub(super) fn run(options: &Options) -> Exit {
    if !options.path.exists() {
        return fail(Exit::NoInput, &format!("{} is not there", options.path.display()));
    }
    let opened = match options.place.open() {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    let receipts = match options.receipts.as_deref().map(open_receipts).transpose() {
        Ok(receipts) => receipts,
        Err(error) => return fail(Exit::NoInput, &format!("the receipts cannot be written: {error}")),
    };
    let facility = options.facility.as_deref().map(FacilityCode::parse);
    let journal = match Journal::start(opened.store.clone(), operator::EVENTS_WAITING_MAX) {
        Ok(journal) => journal,
        Err(fault) => return fail(Exit::from(&fault), &fault.to_string()),
    };
    let pipeline = match opened.writing() {
        Ok(pipeline) => pipeline,
        Err(exit) => return exit,
    };
    let started = Instant::now();
    match take_in((&pipeline, &journal), &options.path, facility, receipts.map(Mutex::new).as_ref(), options.workers) {
        Ok(tally) => summary(&tally, started.elapsed()),
        Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
    }
}

fn open_receipts(path: &Path) -> std::io::Result<Box<dyn Write + Send>> {
    if path == Path::new("-") {
        return Ok(Box::new(std::io::stdout()));
    }
    Ok(Box::new(std::fs::OpenOptions::new().create(true).append(true).open(path)?))
}

/// Takes in everything under a path; a machine fault ends the run.
pub(super) fn take_in(
    (pipeline, journal): (&Pipeline, &Journal),
    path: &Path,
    facility: Option<FacilityCode>,
    receipts: Option<&Mutex<Box<dyn Write + Send>>>,
    workers: usize,
) -> Result<Tally, Fault> {
    let facility = facility.or_else(|| folder::facility_of_root(path)).unwrap_or_else(FacilityCode::unstated);
    let source = Arc::new(Source { facility, zone_minutes: 540 });
    let desk = Desk { journal, receipts, bar: progress(path) };
    let tally = take::take_in(pipeline, &desk, &source, folder::walk(path), workers);
    desk.bar.finish_and_clear();
    tally
}

/// Whoever waits at the terminal.
struct Desk<'a> {
    journal: &'a Journal,
    receipts: Option<&'a Mutex<Box<dyn Write + Send>>>,
    bar: ProgressBar,
}

impl Watch for Desk<'_> {
    fn received(&self, receipt: &Receipt) -> Result<(), Fault> {
        write_receipt(self.receipts, receipt)
    }

    fn done(&self, _: &Found) {
        self.bar.inc(1);
    }

    fn record(&self, patients: Vec<PatientKey>, count: usize) -> Result<(), Fault> {
        operator::record(self.journal, What::Receive, Act { patients, letter: None, count })
    }
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
    for held in tally.held.values() {
        let example = if person { format!("  (for example {})", held.example) } else { String::new() };
        let reason = held.reason.as_ref().map_or("", issues::words);
        eprintln!("  held {}: {reason}{example}", held.count);
    }
    for (name, problem) in &tally.unreadable {
        match problem {
            None => eprintln!("  a folder is not readable: {name}"),
            Some(problem) => {
                let name = if person { format!("{name}: ") } else { String::new() };
                eprintln!("  not readable: {name}{}", issues::found(problem));
            }
        }
    }
    if tally.held.is_empty() && tally.unreadable.is_empty() { Exit::Done } else { Exit::SomeHeld }
}
