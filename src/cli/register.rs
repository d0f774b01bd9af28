//! `tasuki register FILE.csv`: a table of consent forms entered into a store whose gateway is stopped; what became of each row, as
//! a table that spreadsheets open.

use std::io::Write;
use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;

use super::operator::{self, Act};
use super::place::Place;
use super::{fail, issues};
use crate::app::Gateway;
use crate::audit::What;
use crate::consent::Role;
use crate::fault::Exit;
use crate::registration::batch::{Report, run as enter};
use crate::registration::{Clerk, Stop};

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The table: CSV in UTF-8 or Shift_JIS whose first line names the columns (docs/registration.md)
    file: PathBuf,
    /// Write nothing; say what would become of each row
    #[arg(long)]
    dry_run: bool,
    /// Where what became of each row is written, as CSV [default: standard output]
    #[arg(long)]
    report: Option<PathBuf>,
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(options: &Options) -> Exit {
    let config = match options.place.config() {
        Ok(Some(config)) => config,
        Ok(None) => return fail(Exit::NoInput, "say by which configuration: --config FILE"),
        Err(exit) => return exit,
    };
    let bytes = match std::fs::read(&options.file) {
        Ok(bytes) => bytes,
        Err(error) => return fail(Exit::NoInput, &format!("{}: {error}", options.file.display())),
    };
    let store = match options.place.open() {
        Ok(opened) => opened.store,
        Err(exit) => return exit,
    };
    let gateway = match Gateway::over(store, &config, super::now) {
        Ok(gateway) => gateway,
        Err(fault) => return fail(Exit::from(&fault), &fault.to_string()),
    };
    // The operator enters them for the office.
    let office = config.clients.iter().map(|client| &client.caller).find(|caller| caller.role == Role::Office);
    let organization = office.map(|caller| caller.organization.clone()).unwrap_or_default();
    let clerk = Clerk { client: "command line".to_owned(), organization };
    let started = Instant::now();
    let report = match enter(&gateway, &clerk, &bytes, options.dry_run) {
        Ok(report) => report,
        Err(Stop::Failed(fault)) => return fail(Exit::from(&fault), &fault.to_string()),
        Err(Stop::Refused(refused)) => {
            refused.iter().for_each(|issue| eprintln!("tasuki: {}", issues::line(issue)));
            return Exit::Data;
        }
    };
    let took = started.elapsed();
    let records = report.records();
    let count = if options.dry_run { 0 } else { records.len() };
    let act = Act { patients: records, letter: None, count };
    // Nothing is shown that is not on record.
    if let Err(fault) = operator::record(gateway.journal(), What::RegisterBatch, act) {
        return fail(Exit::from(&fault), &fault.to_string());
    }
    if let Err(error) = write(options, &report.csv()) {
        return fail(Exit::NoInput, &format!("the report cannot be written: {error}"));
    }
    summary(&report, took)
}

fn write(options: &Options, table: &[u8]) -> std::io::Result<()> {
    match &options.report {
        Some(path) => std::fs::write(path, table),
        None => std::io::stdout().write_all(table),
    }
}

fn summary(report: &Report, took: Duration) -> Exit {
    let count = |code| report.count(code);
    let per_second = report.lines.len() as f64 / took.as_secs_f64().max(0.001);
    eprintln!(
        "{} rows in {:.1} s ({per_second:.0} a second): {} registered, {} registered and to be looked at, {} anew, {} amended, \
         {} registered already, {} undecided, {} refused",
        report.lines.len(),
        took.as_secs_f64(),
        count("registered"),
        count("look"),
        count("re-registered"),
        count("amended"),
        count("unchanged"),
        count("undecided"),
        count("refused"),
    );
    match &report.stopped {
        Some((row, fault)) => fail(Exit::from(fault), &format!("stopped before row {row}: {fault}")),
        None if count("undecided") + count("refused") > 0 => Exit::SomeHeld,
        None => Exit::Done,
    }
}
