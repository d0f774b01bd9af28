//! `tasuki held`: the letters that were held back, each with its reason, and what somebody does about them.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};

use super::operator::{self, Act};
use super::place::Place;
use super::{fail, issues, letter, say};
use crate::audit::What;
use crate::fault::{Exit, Fault, Finding};
use crate::fhir::time;
use crate::journal::Journal;
use crate::letter::LetterId;
use crate::pipeline::{Outcome, Pipeline, Receipt, Refusal};
use crate::store::Store;

/// Letters read from the store at a time.
const PAGE: usize = 500;

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Option<Action>,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List them (the default)
    List,
    /// Show a letter: why it is held, and its text with the place marked. It shows patients' data
    Show {
        /// The first digits of the letter's id, as the list shows them
        letter: String,
    },
    /// Take in a corrected letter in its place; both are kept
    Edit {
        /// The first digits of the letter's id
        letter: String,
        /// The file with the corrected letter, `-` for standard input [default: $VISUAL or $EDITOR opens the letter]
        #[arg(long)]
        with: Option<PathBuf>,
        /// The corrected name, where the name is what was wrong
        #[arg(long)]
        name: Option<String>,
    },
    /// Try letters anew, after an update or a change of the maps
    Retry {
        /// The first digits of their ids
        letters: Vec<String>,
        /// All that are held
        #[arg(long, conflicts_with = "letters")]
        all: bool,
    },
    /// Take a letter off the list, with a reason; it is kept all the same
    Drop {
        /// The first digits of the letter's id
        letter: String,
        /// Why nothing will become of it
        #[arg(long)]
        reason: String,
    },
}

pub(super) fn run(options: &Options) -> Exit {
    let opened = match options.place.open() {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    match &options.action {
        None | Some(Action::List) => list(&opened.store),
        Some(action) => match Journal::start(opened.store.clone(), operator::EVENTS_WAITING_MAX) {
            Ok(journal) => match opened.writing() {
                Ok(pipeline) => act(action, &Desk { pipeline, journal }),
                Err(exit) => exit,
            },
            Err(fault) => broken(&fault),
        },
    }
}

fn broken(fault: &Fault) -> Exit {
    fail(Exit::from(fault), &fault.to_string())
}

/// Where held letters are looked after.
struct Desk {
    pipeline: Pipeline,
    journal: Journal,
}

fn act(action: &Action, desk: &Desk) -> Exit {
    let done = match action {
        Action::List => Ok(Exit::Done),
        Action::Show { letter } => desk.with(letter, |id| desk.show(id)),
        Action::Edit { letter, with, name } => desk.with(letter, |id| desk.edit(id, with.as_deref(), name.clone())),
        Action::Retry { letters, all } => desk.retry(letters, *all),
        Action::Drop { letter, reason } => desk.with(letter, |id| desk.drop(id, reason)),
    };
    done.unwrap_or_else(|fault| broken(&fault))
}

fn list(store: &Store) -> Exit {
    let mut count = 0;
    let listed = each(store, |id| {
        count += 1;
        if let Some(receipt) = store.receipt(id)?.map(|bytes| Receipt::decode(&bytes)).transpose()? {
            print(&receipt);
        }
        Ok(())
    });
    match listed {
        Err(fault) => broken(&fault),
        Ok(()) if count == 0 => {
            say("nothing is held");
            Exit::Done
        }
        Ok(()) => Exit::SomeHeld,
    }
}

/// Every held letter, in the order of their ids.
pub(super) fn each(store: &Store, mut work: impl FnMut(LetterId) -> Result<(), Fault>) -> Result<(), Fault> {
    let mut after = None;
    loop {
        let page = store.held(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(()) };
        after = Some(*last);
        page.into_iter().try_for_each(&mut work)?;
    }
}

fn print(receipt: &Receipt) {
    say(&format!("{}  {}", short(&receipt.letter), receipt.name));
    receipt.issues.iter().for_each(print_issue);
}

fn short(hex: &str) -> &str {
    hex.get(..12).unwrap_or(hex)
}

fn print_issue(issue: &Finding) {
    let sentence = if issues::japanese() { &issue.ja } else { &issue.en };
    say(&format!("              {} {} [{}]", issue.place, sentence, issue.rule));
}

impl Desk {
    fn with(&self, digits: &str, work: impl FnOnce(LetterId) -> Result<Exit, Fault>) -> Result<Exit, Fault> {
        letter::find(self.pipeline.store(), digits).map_or_else(Ok, work)
    }

    /// The record is durable before anything is shown.
    fn record(&self, what: What, id: LetterId, receipt: Option<&Receipt>) -> Result<(), Fault> {
        let patients = receipt.map(|receipt| receipt.records().collect()).unwrap_or_default();
        operator::record(&self.journal, what, Act { patients, letter: Some(id), count: 1 })
    }

    fn show(&self, id: LetterId) -> Result<Exit, Fault> {
        let receipt = self.pipeline.receipt(id)?;
        let Some(sent) = self.pipeline.store().letter(id)? else { return Ok(unsettled(Refusal::NotHeld)) };
        self.record(What::LetterRead, id, receipt.as_ref())?;
        let mut places = Vec::new();
        if let Some(receipt) = &receipt {
            print(receipt);
            say(&format!("              received {}", time::instant(receipt.received, sent.source.zone_minutes)));
            say(&format!("              facility {}", sent.source.facility.as_str()));
            describe_fate(receipt, sent.source.zone_minutes);
            // What held it comes first; lesser remarks would mark half of the text.
            let worst = receipt.issues.iter().filter(|i| matches!(i.severity.as_str(), "error" | "fatal"));
            places.extend(worst.map(|issue| issue.place.clone()));
        }
        say("");
        say(letter::text(&sent, &places).trim_end_matches('\n'));
        Ok(Exit::Done)
    }

    fn edit(&self, id: LetterId, with: Option<&Path>, name: Option<String>) -> Result<Exit, Fault> {
        let Some(sent) = self.pipeline.store().letter(id)? else { return Ok(unsettled(Refusal::NotHeld)) };
        let bytes = match with {
            Some(file) => read(file),
            None if name.is_some() => Ok(sent.bytes),
            None => {
                self.record(What::LetterRead, id, None)?;
                edited(&sent.bytes)
            }
        };
        let bytes = match bytes {
            Ok(bytes) => bytes,
            Err(sentence) => return Ok(fail(Exit::NoInput, &sentence)),
        };
        let settled = self.pipeline.correct(id, name, bytes)?;
        self.settled(id, settled)
    }

    fn retry(&self, digits: &[String], all: bool) -> Result<Exit, Fault> {
        let mut letters = Vec::new();
        for digits in digits {
            match letter::find(self.pipeline.store(), digits) {
                Ok(id) => letters.push(id),
                Err(exit) => return Ok(exit),
            }
        }
        if letters.is_empty() && !all {
            return Ok(fail(Exit::NoInput, "name the letters, or say --all"));
        }
        let mut worst = Exit::Done;
        let mut retry = |id| {
            let settled = self.pipeline.retry(id)?;
            if self.settled(id, settled)? != Exit::Done {
                worst = Exit::SomeHeld;
            }
            Ok(())
        };
        if all {
            each(self.pipeline.store(), retry)?
        } else {
            letters.into_iter().try_for_each(&mut retry)?
        }
        Ok(worst)
    }

    fn drop(&self, id: LetterId, reason: &str) -> Result<Exit, Fault> {
        if reason.trim().is_empty() {
            return Ok(fail(Exit::NoInput, "a letter is dropped with a reason"));
        }
        match self.pipeline.drop_held(id, reason.trim())? {
            Err(refusal) => Ok(unsettled(refusal)),
            Ok(_) => {
                self.record(What::LetterDropped, id, None)?;
                say(&format!("{}  off the list; the letter and the reason are kept", short(&id.hex())));
                Ok(Exit::Done)
            }
        }
    }

    /// Says what became of a letter that was tried anew or corrected.
    fn settled(&self, id: LetterId, settled: Result<Receipt, Refusal>) -> Result<Exit, Fault> {
        let receipt = match settled {
            Err(refusal) => return Ok(unsettled(refusal)),
            Ok(receipt) => receipt,
        };
        self.record(What::Receive, LetterId::parse(&receipt.letter).unwrap_or(id), Some(&receipt))?;
        if receipt.letter != id.hex() {
            say(&format!("{}  replaced by {}", short(&id.hex()), short(&receipt.letter)));
        }
        match receipt.outcome {
            Outcome::Stored => {
                say(&format!("{}  stored, {} resources", short(&receipt.letter), receipt.resources.len()));
                Ok(Exit::Done)
            }
            Outcome::Parted => {
                say(&format!("{}  holds {} letters", short(&receipt.letter), receipt.parts.len()));
                Ok(Exit::Done)
            }
            Outcome::Held | Outcome::Refused => {
                let fate = if receipt.outcome == Outcome::Held { "held" } else { "refused" };
                say(&format!("{}  {fate}", short(&receipt.letter)));
                receipt.issues.iter().for_each(print_issue);
                Ok(Exit::SomeHeld)
            }
        }
    }
}

fn describe_fate(receipt: &Receipt, zone_minutes: i16) {
    let when = |at| time::instant(at, zone_minutes);
    if receipt.outcome == Outcome::Stored {
        say("              stored");
    }
    if let Some(by) = &receipt.replaced_by {
        say(&format!("              replaced by {}", short(by)));
    }
    if let Some(wrong) = &receipt.corrects {
        say(&format!("              corrects {}", short(wrong)));
    }
    if let Some(dropped) = &receipt.dropped {
        say(&format!("              dropped {}: {}", when(dropped.at), dropped.reason));
    }
    for earlier in &receipt.earlier {
        say(&format!("              until {} it was held:", when(earlier.until)));
        earlier.issues.iter().for_each(print_issue);
    }
}

fn unsettled(refusal: Refusal) -> Exit {
    match refusal {
        Refusal::NotHeld => fail(Exit::NoInput, "that letter is not held"),
        Refusal::NothingCorrected => fail(Exit::NoInput, "that is the letter as it is held already"),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let read = match file.to_str() {
        Some("-") => std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ()),
        _ => std::fs::read(file).map(|read| bytes = read),
    };
    read.map(|()| bytes).map_err(|error| format!("{}: {error}", file.display()))
}

/// The letter as an editor leaves it. The file is nobody else's, and gone afterwards.
fn edited(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let editor = ["VISUAL", "EDITOR"].iter().find_map(|name| std::env::var(name).ok().filter(|v| !v.is_empty()));
    let editor = editor.ok_or("set $EDITOR, or name the corrected file with --with")?;
    let path = std::env::temp_dir().join(format!("tasuki-letter-{}", uuid::Uuid::new_v4()));
    let result = write_private(&path, bytes).and_then(|()| {
        // `EDITOR` may hold arguments; the shell that the person uses would take them apart the same way.
        let mut words = editor.split_whitespace();
        let status = std::process::Command::new(words.next().unwrap_or_default()).args(words).arg(&path).status()?;
        if status.success() { std::fs::read(&path) } else { Err(std::io::Error::other("the editor gave up")) }
    });
    let removed = std::fs::remove_file(&path);
    let bytes = result.map_err(|error| format!("{editor}: {error}"))?;
    removed.map_err(|error| format!("{} could not be removed: {error}", path.display()))?;
    Ok(bytes)
}

fn write_private(path: &Path, bytes: &[u8]) -> std::io::Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options.open(path)?.write_all(bytes)
}
