//! `tasuki codes`: the senders' own codes that no concept map knows, for whoever maps them.

use clap::{Args, Subcommand};

use super::place::Place;
use super::{fail, say};
use crate::fault::{Exit, Fault};
use crate::store::Store;
use crate::store::codes::Waiting;

/// Letters read from the store at a time.
const PAGE: usize = 500;

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(subcommand)]
    action: Action,
    #[command(flatten)]
    place: Place,
}

#[derive(Debug, Subcommand)]
enum Action {
    /// List them, those of most letters first: how many letters, code, what the sender calls it, where it stood first
    List {
        /// Only those of this facility
        #[arg(long)]
        facility: Option<String>,
        /// One JSON object a line
        #[arg(long)]
        json: bool,
    },
    /// List the letters that hold a code
    Letters {
        /// The first digits of the code's id, as the list shows them
        code: String,
    },
}

pub(super) fn run(options: &Options) -> Exit {
    let store = match options.place.open() {
        Ok(opened) => opened.store,
        Err(exit) => return exit,
    };
    let done = match &options.action {
        Action::List { facility, json } => list(&store, facility.as_deref(), *json),
        Action::Letters { code } => letters(&store, code),
    };
    done.unwrap_or_else(|fault| fail(Exit::from(&fault), &fault.to_string()))
}

/// Codes are few, letters many: the list is held in memory, the letters are only counted.
fn list(store: &Store, facility: Option<&str>, json: bool) -> Result<Exit, Fault> {
    let mut all = Vec::new();
    store.local_codes(facility, |waiting| {
        all.push(waiting);
        Ok(())
    })?;
    all.sort_by(|a, b| b.letters.cmp(&a.letters).then_with(|| a.code.code.cmp(&b.code.code)));
    if all.is_empty() && !json {
        say("every code is mapped");
    }
    for waiting in &all {
        if json { say(&as_json(waiting)) } else { print(waiting) }
    }
    Ok(Exit::Done)
}

fn print(waiting: &Waiting) {
    let code = &waiting.code;
    say(&format!(
        "{:>8}  {}  {} {} ({}, {})",
        waiting.letters,
        id(waiting),
        code.code,
        code.display,
        if code.table.is_empty() { &code.system } else { &code.table },
        code.facility
    ));
    say(&format!("          first at {} of {}", code.place, code.letter.get(..12).unwrap_or(&code.letter)));
}

fn id(waiting: &Waiting) -> String {
    format!("{:032x}", waiting.id).chars().take(12).collect()
}

fn as_json(waiting: &Waiting) -> String {
    let code = &waiting.code;
    serde_json::json!({
        "id": format!("{:032x}", waiting.id), "letters": waiting.letters, "facility": code.facility,
        "system": code.system, "code": code.code, "display": code.display, "table": code.table,
        "place": code.place, "letter": code.letter,
    })
    .to_string()
}

fn letters(store: &Store, digits: &str) -> Result<Exit, Fault> {
    let Some(code) = find(store, digits)? else {
        return Ok(fail(Exit::NoInput, &format!("there is no code {digits}, or there are several")));
    };
    let mut after = None;
    loop {
        let page = store.letters_with(code, after.as_ref(), PAGE)?;
        let Some(last) = page.last() else { return Ok(Exit::Done) };
        after = Some(*last);
        page.iter().for_each(|one| say(&format!("{}  {}", one.letter.hex(), one.patient.reference())));
    }
}

/// The one waiting code whose id begins with these digits.
pub(super) fn find(store: &Store, digits: &str) -> Result<Option<u128>, Fault> {
    let mut found = Vec::new();
    let digits = digits.trim().to_ascii_lowercase();
    store.local_codes(None, |waiting| {
        if format!("{:032x}", waiting.id).starts_with(&digits) {
            found.push(waiting.id);
        }
        Ok(())
    })?;
    Ok(if let [one] = found[..] { Some(one) } else { None })
}
