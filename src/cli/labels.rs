//! `tasuki labels`: what the label rules of a configuration say, and what is stored labelled by them anew.

use std::sync::atomic::{AtomicUsize, Ordering};

use clap::{Args, Subcommand};

use super::operator::{self, Act};
use super::place::Place;
use super::{fail, say};
use crate::audit::What;
use crate::fault::{Exit, Fault};
use crate::fhir::PatientKey;
use crate::journal::Journal;
use crate::pipeline::Pipeline;

/// Records that are worked on side by side before any of them is reported.
const PAGE: usize = 256;

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Say how many codes the tables of --config name; what is wrong with one is said with its place
    Check,
    /// Label what is stored by the rules of --config; `tasuki serve` does so itself at its start when they have changed
    Apply {
        /// Write nothing; say how many versions have other labels
        #[arg(long)]
        dry_run: bool,
    },
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Done {
    /// Records that were looked at.
    pub(super) records: usize,
    /// Versions that got other labels.
    pub(super) versions: usize,
}

pub(super) fn run(options: &Options) -> Exit {
    if !options.place.names_config() {
        return fail(Exit::NoInput, "say whose label rules count: --config FILE");
    }
    let dry_run = match options.action {
        Action::Check => {
            return match options.place.label_rules() {
                Ok(rules) => {
                    say(&format!("{} codes are labelled", rules.len()));
                    Exit::Done
                }
                Err(exit) => exit,
            };
        }
        Action::Apply { dry_run } => dry_run,
    };
    let opened = match options.place.open() {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    let done = Journal::start(opened.store.clone(), operator::EVENTS_WAITING_MAX)
        .and_then(|journal| apply(&opened.pipeline(), &journal, dry_run));
    match done {
        Ok(Done { records, versions }) => {
            let words = if dry_run { "would get" } else { "got" };
            say(&format!("{records} records looked at; {versions} versions {words} other labels"));
            Exit::Done
        }
        Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
    }
}

/// Labels every record by the rules in force, and notes that it is done. Each record whose labels changed is on the audit
/// record.
pub(super) fn apply(pipeline: &Pipeline, journal: &Journal, only_try: bool) -> Result<Done, Fault> {
    let (mut done, mut from) = (Done::default(), Some(PatientKey(0)));
    while let Some(first) = from {
        let mut page = Vec::with_capacity(PAGE);
        from = Some(first);
        while page.len() < PAGE
            && let Some(next) = from
        {
            let found = pipeline.store().record_from(next)?;
            page.extend(found);
            from = found.and_then(|found| found.0.checked_add(1)).map(PatientKey);
        }
        let counts = side_by_side(pipeline, &page, only_try)?;
        let changed = page.iter().zip(&counts).filter(|(_, count)| **count > 0);
        let patients: Vec<PatientKey> = changed.map(|(patient, _)| *patient).collect();
        let count = counts.iter().sum();
        if !patients.is_empty() && !only_try {
            operator::record(journal, What::Replay, Act { patients, letter: None, count })?;
        }
        done = Done { records: done.records + page.len(), versions: done.versions + count };
    }
    if !only_try {
        pipeline.note_labelled()?;
    }
    Ok(done)
}

fn side_by_side(pipeline: &Pipeline, page: &[PatientKey], only_try: bool) -> Result<Vec<usize>, Fault> {
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let next = AtomicUsize::new(0);
    let work = || {
        let mut counts = Vec::new();
        loop {
            let at = next.fetch_add(1, Ordering::Relaxed);
            let Some(patient) = page.get(at) else { return Ok(counts) };
            counts.push((at, pipeline.relabel(*patient, only_try)?));
        }
    };
    let lost = |_| Fault::Broken("a worker stopped".into());
    let parts: Vec<Result<Vec<(usize, usize)>, Fault>> = std::thread::scope(|scope| {
        let workers: Vec<_> = (0..workers).map(|_| scope.spawn(work)).collect();
        workers.into_iter().map(|worker| worker.join().map_err(lost).and_then(|part| part)).collect()
    });
    let mut all = Vec::with_capacity(page.len());
    for part in parts {
        all.extend(part?);
    }
    all.sort_unstable();
    Ok(all.into_iter().map(|(_, count)| count).collect())
}
