//! `tasuki validate FILE...`: what is wrong in a vendor's files, at which line and column. Exit codes: 0 nothing that
//! `--fail-on` counts, 1 something, 2 where a profile is asked for that no guide has, 65 or 66 where a file or a guide cannot be
//! read, 78 where the configuration is wrong.

mod files;
mod human;
mod machine;
mod tally;

use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use clap::{Args, ValueEnum};

use super::{fail, issues, say};
use crate::config;
use crate::fault::{Exit, Severity};
use crate::guide::{KEPT, Library, PACKED_BYTES_MAX, Package};
use crate::inspect::{self, Against, Report};
use crate::profile::Profiles;
use files::{FILE_BYTES_MAX, Input};
use tally::Tally;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// Files, or folders with files: FHIR in JSON, XML or NDJSON, HL7 v2 messages, SS-MIX2 storage, care-plan CSV; `-` reads
    /// standard input
    #[arg(required = true, value_name = "FILE")]
    files: Vec<PathBuf>,
    /// A guide whose profiles and codes count, a FHIR package; name also those it depends on
    #[arg(long, value_name = "FILE.tgz")]
    guide: Vec<PathBuf>,
    /// The guides of a gateway's configuration
    #[arg(long, value_name = "FILE.toml")]
    config: Option<PathBuf>,
    /// A profile that every FHIR resource of the files is to keep to, besides those it claims in meta.profile
    #[arg(long, value_name = "CANONICAL")]
    profile: Vec<String>,
    /// The language of the sentences [default: that of the terminal]
    #[arg(long, value_enum)]
    lang: Option<Lang>,
    /// How it is said: lines for people, an OperationOutcome for each file, or JUnit XML
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// From which severity on the exit code is 1
    #[arg(long, value_enum, default_value_t = FailOn::Error)]
    fail_on: FailOn,
    /// Say notes too (what was not checked, and why), not only errors and warnings
    #[arg(long)]
    notes: bool,
}

/// A language of sentences.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Lang {
    /// 日本語
    Ja,
    /// English
    En,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Format {
    Text,
    Json,
    Junit,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum FailOn {
    Error,
    Warning,
}

/// A file and what was said of it.
struct Checked {
    name: String,
    report: Report,
}

pub(super) fn run(options: &Options) -> Exit {
    let profiles = match profiles(options) {
        Ok(profiles) => profiles,
        Err((exit, sentence)) => return fail(exit, &sentence),
    };
    let asked: Vec<&str> = options.profile.iter().map(String::as_str).collect();
    if let Some(unknown) = asked.iter().find(|asked| profiles.find(asked, None).is_none()) {
        return fail(Exit::NotRun, &format!("no guide has the profile {unknown}: name its package with --guide"));
    }
    let against = Against { profiles: &profiles, asked: &asked };
    let japanese = options.lang.map_or_else(issues::japanese, |lang| lang == Lang::Ja);
    let mut tally = Tally::default();
    let (mut kept, mut unread) = (Vec::new(), Exit::Done);
    for path in &options.files {
        let mut of_folder: Vec<Checked> = Vec::new();
        for checked in all(&files::under(path), &against) {
            match checked {
                Ok(checked) => of_folder.push(checked),
                Err(sentence) => unread = fail(Exit::NoInput, &sentence),
            }
        }
        beside(&mut of_folder);
        for checked in of_folder {
            tally.count(&checked.report);
            match options.format {
                Format::Text => human::lines(&checked, japanese, options.notes).iter().for_each(|line| say(line)),
                Format::Json => say(&machine::outcome(&checked, japanese)),
                Format::Junit => kept.push(checked),
            }
        }
    }
    match options.format {
        Format::Text => human::summary(&tally, japanese, options.notes).iter().for_each(|line| say(line)),
        Format::Json => {}
        Format::Junit => say(&machine::junit(&kept, japanese)),
    }
    match options.fail_on {
        _ if unread != Exit::Done => unread,
        FailOn::Error if tally.errors > 0 => Exit::SomeHeld,
        FailOn::Warning if tally.errors + tally.warnings > 0 => Exit::SomeHeld,
        _ => Exit::Done,
    }
}

/// Several files side by side, as many as the machine has cores; what is said of them comes in their order.
fn all(inputs: &[Result<Input, String>], against: &Against<'_>) -> Vec<Result<Checked, String>> {
    let said: Vec<OnceLock<Result<Checked, String>>> = inputs.iter().map(|_| OnceLock::new()).collect();
    let next = AtomicUsize::new(0);
    let taken = || {
        let at = next.fetch_add(1, Ordering::Relaxed);
        inputs.get(at).zip(said.get(at))
    };
    let work = || {
        while let Some((input, place)) = taken() {
            let _ = place.set(input.as_ref().map_err(Clone::clone).and_then(|input| checked(input, against)));
        }
    };
    let cores = std::thread::available_parallelism().map_or(1, usize::from).min(inputs.len());
    std::thread::scope(|scope| {
        (1..cores).for_each(|_| drop(scope.spawn(work)));
        work();
    });
    said.into_iter().filter_map(OnceLock::into_inner).collect()
}

fn checked(input: &Input, against: &Against<'_>) -> Result<Checked, String> {
    let bytes = input.read(FILE_BYTES_MAX)?;
    Ok(Checked { report: inspect::file(&input.name, &bytes, against), name: input.name.clone() })
}

/// What files of one storage say against each other by their names.
fn beside(all: &mut [Checked]) {
    let names: Vec<String> = all.iter().map(|checked| checked.name.clone()).collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    for (at, remark) in inspect::together(&names) {
        if let Some(checked) = all.get_mut(at) {
            checked.report.remarks.insert(0, remark);
        }
    }
}

/// The profiles of all guides that are named.
fn profiles(options: &Options) -> Result<Profiles, (Exit, String)> {
    let mut paths = options.guide.clone();
    if let Some(config) = &options.config {
        paths.extend(config::guide_packages(config).map_err(|problem| (problem.exit(), issues::sentence(&problem)))?);
    }
    let mut packages: Vec<Package> = Vec::with_capacity(paths.len());
    for path in &paths {
        let shown = path.display();
        let bytes = Input { path: path.clone(), name: String::new() }
            .read(PACKED_BYTES_MAX)
            .map_err(|sentence| (Exit::NoInput, format!("{shown}: {sentence}")))?;
        let package =
            Package::read(&bytes, &KEPT).map_err(|issue| (Exit::Data, format!("{shown}: {}", issue.english())))?;
        let is_new = |other: &Package| (&other.name, &other.version) != (&package.name, &package.version);
        if packages.iter().all(is_new) {
            packages.push(package);
        }
    }
    Ok(Profiles::new(Arc::new(Library::new(packages))))
}

impl Checked {
    /// How many remarks are of that severity.
    fn of(&self, is: impl Fn(Severity) -> bool) -> usize {
        self.report.remarks.iter().filter(|remark| is(remark.severity)).count()
    }
}
