//! The conformance kit: run against this gateway, where every case passes or is known not to; proved by breaking one behaviour at
//! a time; and what it writes, reads and imports.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

#[path = "../gateway/mod.rs"]
mod gateway;

mod breakage;
mod broken;
mod command;
mod faults;
mod outputs;
mod own;
mod sandbox;
mod scripts;
mod served;
mod table;

use tasuki::conform::{Account, Outcome, Settings, Subject, Suite, run};

/// Runs the cases that a glob takes.
fn account(glob: &str, subject: &Subject) -> Account {
    account_of(Suite::shipped().expect("the cases are whole").chosen(glob, None), subject, false)
}

fn account_of(suite: Suite, subject: &Subject, read_only: bool) -> Account {
    run(&suite, subject, Settings { read_only, parallel: 4 }, &|_| {}).expect("the target answers")
}

/// The cases that are red, with why.
fn red(account: &Account) -> Vec<(String, String)> {
    let red = account.reports.iter().filter(|report| matches!(report.outcome, Outcome::Failed | Outcome::Blocked));
    red.map(|report| (report.case.id.clone(), format!("{}: {}", report.outcome.word(), report.reason))).collect()
}
