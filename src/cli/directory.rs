//! `tasuki directory import FILE`: a public list of hospitals or care offices taken into the directory (docs/adr/0045).

use std::cell::Cell;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::time::Instant;

use clap::{Args, Subcommand, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use super::operator::{self, Act};
use super::place::Place;
use super::{fail, issues, say};
use crate::audit::What;
use crate::fault::Exit;
use crate::journal::Journal;
use crate::listing::{self, Hints, Kind, List};
use crate::pipeline::{Enrolled, Enrolment};

/// Problems that are shown one by one; of more only how many there are.
const SHOWN_MAX: usize = 200;

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// Take in a public list as CSV, UTF-8 or Shift_JIS; a newer list changes what it knows and repeats nothing
    Import {
        /// The list
        file: PathBuf,
        /// Which list it is
        #[arg(long)]
        kind: Which,
        /// Write nothing; say what would be
        #[arg(long)]
        dry_run: bool,
        /// Set inactive what an earlier list had in this list's scope, and this list has not
        #[arg(long)]
        retire: bool,
        /// Prefecture of numbers that are seven digits long: 01 to 47, or its name
        #[arg(long, value_parser = prefecture)]
        prefecture: Option<u8>,
        /// 点数表 of the same: 1 医科, 3 歯科, 4 薬局, 6 訪問看護
        #[arg(long, value_parser = category)]
        category: Option<char>,
    },
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum Which {
    /// 保険医療機関・薬局の一覧
    Hospitals,
    /// 介護事業所の一覧
    CareOffices,
}

pub(super) fn run(options: &Options) -> Exit {
    let Action::Import { file, kind, dry_run, retire, prefecture, category } = &options.action;
    let kind = match kind {
        Which::Hospitals => Kind::Hospitals,
        Which::CareOffices => Kind::CareOffices,
    };
    let hints = Hints { prefecture: *prefecture, category: *category };
    let bytes = match std::fs::read(file) {
        Ok(bytes) => bytes,
        Err(error) => return fail(Exit::NoInput, &format!("{} cannot be read: {error}", file.display())),
    };
    let list = match listing::read(kind, &bytes, hints) {
        Ok(list) => list,
        Err(issues) => {
            issues.iter().for_each(|issue| eprintln!("{}", issues::line(issue)));
            return Exit::Data;
        }
    };
    drop(bytes);
    enrol(options, kind, &list, Enrolment { only_try: *dry_run, retire: *retire })
}

fn prefecture(said: &str) -> Result<u8, String> {
    listing::prefecture(said).ok_or_else(|| "01 to 47, or the name of a prefecture".into())
}

fn category(said: &str) -> Result<char, String> {
    listing::category(said).ok_or_else(|| "1, 3, 4 or 6, or 医科, 歯科, 薬局, 訪問看護".into())
}

fn enrol(options: &Options, kind: Kind, list: &List, how: Enrolment) -> Exit {
    let opened = match options.place.open() {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    let journal = match Journal::start(opened.store.clone(), operator::EVENTS_WAITING_MAX) {
        Ok(journal) => journal,
        Err(fault) => return fail(Exit::from(&fault), &fault.to_string()),
    };
    let pipeline = match opened.writing() {
        Ok(pipeline) => pipeline,
        Err(exit) => return exit,
    };
    let (begun, progress) = (Instant::now(), Progress::begin());
    let enrolled = pipeline.enrol(kind, list, how, &|done, all| progress.tell(done, all));
    progress.bar.finish_and_clear();
    match enrolled {
        Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
        Ok(enrolled) => {
            let written = enrolled.counts.values().map(|counts| counts.created + counts.updated).sum::<u64>();
            let count = usize::try_from(written + enrolled.retired).unwrap_or(usize::MAX);
            if !how.only_try
                && let Err(fault) = operator::record(&journal, What::Import, Act { count, ..Act::default() })
            {
                return fail(Exit::from(&fault), &fault.to_string());
            }
            report(list, &enrolled, how, begun.elapsed().as_secs_f64())
        }
    }
}

/// How far it is: a bar for a person, a line now and then for a file.
struct Progress {
    bar: ProgressBar,
    is_person: bool,
    begun: Instant,
    told: Cell<u64>,
}

/// Between two lines, seconds.
const LINE_EVERY: u64 = 5;

impl Progress {
    fn begin() -> Self {
        let is_person = std::io::stderr().is_terminal();
        let bar = if is_person { ProgressBar::new(0) } else { ProgressBar::hidden() };
        if let Ok(style) = ProgressStyle::with_template("{bar:40} {pos}/{len} resources  {per_sec}  {eta} left") {
            bar.set_style(style);
        }
        Progress { bar, is_person, begun: Instant::now(), told: Cell::new(0) }
    }

    fn tell(&self, done: usize, all: usize) {
        self.bar.set_length(all as u64);
        self.bar.set_position(done as u64);
        let seconds = self.begun.elapsed().as_secs();
        if !self.is_person && seconds >= self.told.get() + LINE_EVERY {
            self.told.set(seconds);
            eprintln!("{done}/{all} resources, {} a second", done as u64 / seconds.max(1));
        }
    }
}

fn report(list: &List, enrolled: &Enrolled, how: Enrolment, seconds: f64) -> Exit {
    let all: Vec<_> = list.issues.iter().chain(&enrolled.issues).collect();
    all.iter().take(SHOWN_MAX).for_each(|issue| eprintln!("{}", issues::line(issue)));
    if all.len() > SHOWN_MAX {
        eprintln!("... and {} more", all.len() - SHOWN_MAX);
    }
    let rate = list.rows as f64 / seconds.max(0.001);
    let words = if how.only_try { "would be taken" } else { "taken" };
    say(&format!(
        "{} rows in {seconds:.1} s ({rate:.0} a second): {} {words}, {} broken",
        list.rows,
        list.entries.len(),
        list.broken()
    ));
    for (of, counts) in &enrolled.counts {
        say(&format!("  {of}: {} created, {} updated, {} unchanged", counts.created, counts.updated, counts.unchanged));
    }
    if !enrolled.vanished.is_empty() {
        say(&format!("  {} not in the list any more, {} retired", enrolled.vanished.len(), enrolled.retired));
        for one in enrolled.vanished.iter().take(SHOWN_MAX) {
            say(format!("    {} {}", one.number, one.name).trim_end());
        }
    }
    if list.broken() == 0 { Exit::Done } else { Exit::SomeHeld }
}
