//! `tasuki conform --target URL`: runs the conformance cases against a FHIR server and says what is wrong; `conform explain ID`
//! says why a case exists. Exit codes: 0 all as expected, 1 something is not, 2 it could not be run.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};

use clap::{Args, Subcommand};

use super::{fail, issues, say};
use crate::conform::report::{Earlier, junit, line, page, summary, test_report};
use crate::conform::{Account, Case, Clients, Expected, Outcome, Redactor, Report, Settings, Standing, Subject, Suite};
use crate::conform::{matches, run as run_suite, script};
use crate::fault::Exit;

#[derive(Debug, Args)]
#[command(args_conflicts_with_subcommands = true)]
pub(super) struct Options {
    #[command(subcommand)]
    about: Option<About>,
    /// The base address of the FHIR server
    #[arg(long, value_name = "URL", required_unless_present = "list")]
    target: Option<String>,
    /// The cases to run: ids, folders, or globs with *, separated by commas
    #[arg(long, value_name = "GLOB", default_value = "*")]
    suite: String,
    /// Whom the cases act as at the target, TOML; examples/conform.toml explains every line
    #[arg(long, value_name = "FILE")]
    client: Option<PathBuf>,
    /// For endpoints that are not yours: no case that writes is run; they are counted as skipped
    #[arg(long)]
    read_only: bool,
    /// Cases of your own, a folder of TOML files
    #[arg(long, value_name = "FOLDER")]
    cases: Vec<PathBuf>,
    /// FHIR TestScripts (JSON), files or folders, run beside the cases
    #[arg(long, value_name = "PATH")]
    testscript: Vec<PathBuf>,
    /// Known failures and waivers, TOML
    #[arg(long, value_name = "FILE")]
    expected: Option<PathBuf>,
    /// Compare with an earlier run, its TestReport
    #[arg(long, value_name = "FILE")]
    baseline: Option<PathBuf>,
    /// Run only what was red in an earlier run, its TestReport
    #[arg(long, value_name = "FILE")]
    rerun_failed: Option<PathBuf>,
    /// Write JUnit XML
    #[arg(long, value_name = "FILE")]
    junit: Option<PathBuf>,
    /// Write a FHIR TestReport (JSON)
    #[arg(long, value_name = "FILE")]
    testreport: Option<PathBuf>,
    /// Write one page of HTML with every request and answer of what failed
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
    /// Cases at the same time
    #[arg(long, value_name = "N", default_value_t = 4)]
    parallel: usize,
    /// List the cases and stop
    #[arg(long)]
    list: bool,
    /// Say every case as it ends, not only those that are red
    #[arg(long)]
    verbose: bool,
}

#[derive(Debug, Subcommand)]
enum About {
    /// Why a case exists, what it stands on, and how failures are usually mended
    Explain {
        /// The case, or several by a glob
        id: String,
    },
}

pub(super) fn run(options: &Options) -> Exit {
    if let Some(About::Explain { id }) = &options.about {
        return explain(id);
    }
    match prepared(options) {
        Err(sentence) => fail(Exit::NotRun, &sentence),
        Ok((suite, _)) if options.list => {
            suite
                .cases
                .iter()
                .for_each(|case| say(&format!("{:<6} {}  {}", case.strength.word(), case.id, case.title)));
            Exit::Done
        }
        Ok((suite, expected)) => match conform(options, &suite, &expected) {
            Ok(true) => Exit::Done,
            Ok(false) => Exit::SomeHeld,
            Err(sentence) => fail(Exit::NotRun, &sentence),
        },
    }
}

/// The cases that are to be run, and what is expected of them.
fn prepared(options: &Options) -> Result<(Suite, Expected), String> {
    let mut suite = Suite::shipped()?;
    for folder in &options.cases {
        suite = suite.with_folder(folder)?;
    }
    for path in &options.testscript {
        scripts(path)?.into_iter().for_each(|case| suite.add(case));
    }
    let red = options.rerun_failed.as_deref().map(earlier).transpose()?.map(|earlier| earlier.red());
    let suite = suite.chosen(&options.suite, red.as_deref());
    if suite.cases.is_empty() {
        return Err(match red {
            Some(_) => "nothing was red in that run".into(),
            None => format!("no case is called {}; --list shows them", options.suite),
        });
    }
    let expected = match &options.expected {
        Some(path) => Expected::parse(&read(path)?).map_err(|wrong| format!("{}: {wrong}", path.display()))?,
        None => Expected::default(),
    };
    Ok((suite, expected))
}

/// Runs them and writes what came of it; whether all is as expected.
fn conform(options: &Options, suite: &Suite, expected: &Expected) -> Result<bool, String> {
    let clients = options.client.as_deref().map(Clients::load).transpose()?.unwrap_or_default();
    let baseline = options.baseline.as_deref().map(earlier).transpose()?;
    let subject = Subject::new(options.target.as_deref().unwrap_or_default(), clients)?;
    let bar = indicatif::ProgressBar::new(suite.cases.len() as u64);
    let red = AtomicUsize::new(0);
    let told = |report: &Report| {
        bar.inc(1);
        if matches!(report.outcome, Outcome::Failed | Outcome::Blocked) {
            bar.set_message(format!("{} red", red.fetch_add(1, Ordering::Relaxed) + 1));
        }
        if options.verbose {
            let redactor = Redactor::new(subject.secrets());
            bar.suspend(|| say(&redactor.text(&line(&Report { reason: String::new(), ..report.clone() }))));
        }
    };
    let settings = Settings { read_only: options.read_only, parallel: options.parallel };
    let account = run_suite(suite, &subject, settings, &told)?;
    bar.finish_and_clear();
    let mut account = Redactor::new(subject.secrets()).account(&account);
    account.options = repeated(options);
    let today = jiff::Zoned::now().date().to_string();
    summary(&account, expected, &today).iter().for_each(|line| say(line));
    if let Some(baseline) = &baseline {
        say(&format!("\nAgainst the baseline: {} worse", baseline.worse(&account)));
        baseline.compared(&account).iter().for_each(|line| say(&format!("  {line}")));
    }
    if options.suite == "*" && options.rerun_failed.is_none() {
        expected.unheard(&account).iter().for_each(|id| say(&format!("known, and no case: {id}")));
    }
    written(options, &account, expected, &today)?;
    Ok(account.reports.iter().all(|report| !matches!(expected.standing(report, &today), Standing::Bad(_))))
}

fn written(options: &Options, account: &Account, expected: &Expected, today: &str) -> Result<(), String> {
    let write = |path: &Option<PathBuf>, text: &dyn Fn() -> String| match path {
        Some(path) => fs::write(path, text()).map_err(|error| format!("{}: {error}", path.display())),
        None => Ok(()),
    };
    write(&options.junit, &|| junit(account, expected, today))?;
    write(&options.testreport, &|| test_report(account))?;
    write(&options.html, &|| page(account, expected, today))
}

/// The options that belong to the command that repeats one case.
fn repeated(options: &Options) -> String {
    let named = |name: &str, path: &PathBuf| format!("--{name} '{}'", path.display());
    let mut words: Vec<String> = options.client.iter().map(|path| named("client", path)).collect();
    words.extend(options.cases.iter().map(|path| named("cases", path)));
    words.extend(options.testscript.iter().map(|path| named("testscript", path)));
    words.join(" ")
}

/// The TestScripts of a file, or of a folder.
fn scripts(path: &Path) -> Result<Vec<Case>, String> {
    let mut files = vec![path.to_path_buf()];
    if path.is_dir() {
        let entries = fs::read_dir(path).map_err(|error| format!("{}: {error}", path.display()))?;
        files = entries
            .flatten()
            .map(|entry| entry.path())
            .filter(|path| path.extension().is_some_and(|e| e == "json"))
            .collect();
        files.sort();
        // Fixtures lie beside scripts.
        files.retain(|path| read(path).is_ok_and(|text| text.contains("\"TestScript\"")));
    }
    let one = |path: &PathBuf| {
        let name = path.file_stem().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        script::import(&name, &read(path)?, path.parent().unwrap_or(Path::new(".")))
    };
    files.iter().map(one).collect()
}

fn earlier(path: &Path) -> Result<Earlier, String> {
    Earlier::parse(&read(path)?).map_err(|wrong| format!("{}: {wrong}", path.display()))
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn explain(id: &str) -> Exit {
    let suite = match Suite::shipped() {
        Ok(suite) => suite,
        Err(sentence) => return fail(Exit::NotRun, &sentence),
    };
    let found: Vec<&Case> = suite.cases.iter().filter(|case| matches(id, &case.id)).collect();
    if found.is_empty() {
        return fail(Exit::NotRun, &format!("no case is called {id}; conform --list shows them"));
    }
    let japanese = issues::japanese();
    for case in found {
        say(&format!("{}\n  {} {}", case.id, case.strength.word(), case.title));
        if let Some(quote) = &case.quote {
            say(&format!("  {}: “{quote}”", if japanese { "原文" } else { "The specification says" }));
        }
        say(&format!("  {}: {}\n  {}", if japanese { "要約" } else { "In our words" }, case.clause, case.url));
        for (en, ja, words) in [("Why", "理由", &case.why), ("How to mend it", "対処", &case.mend)] {
            let (label, text) = if japanese { (ja, &words.ja) } else { (en, &words.en) };
            say(&format!("  {label}: {text}"));
        }
        if !case.needs.is_empty() {
            say(&format!("  {}: {}", if japanese { "前提" } else { "Needs" }, case.needs.join(", ")));
        }
    }
    Exit::Done
}
