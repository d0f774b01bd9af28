//! `tasuki verify`: everything in a store is whole. What the signed heads say of the audit chain, `tasuki audit verify` looks at.

use clap::Args;

use super::place::Place;
use super::{fail, say};
use crate::fault::Exit;
use crate::journal;
use crate::store::verify::{Report, verify};

#[derive(Debug, Args)]
pub(super) struct Options {
    #[command(flatten)]
    place: Place,
}

pub(super) fn run(options: &Options) -> Exit {
    let store = match options.place.open() {
        Ok(opened) => opened.store,
        Err(exit) => return exit,
    };
    let walked = verify(&store).and_then(|report| Ok((report, journal::verify::store(&store, &[], &[])?)));
    match walked {
        Ok((report, chain)) => {
            chain.found.iter().for_each(|finding| say(&format!("broken: {}", finding.sentence())));
            print(&report, chain.found_count);
            if report.broken_count + chain.found_count == 0 { Exit::Done } else { Exit::Machine }
        }
        Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
    }
}

fn print(report: &Report, of_chain: u64) {
    say(&format!("{} records of patients, {} sheaves, {} versions", report.partitions, report.sheaves, report.records));
    say(&format!(
        "{} letters, {} receipts, {} held, {} commits",
        report.letters, report.receipts, report.held, report.log
    ));
    say(&format!("{} patients on panels, {} chunks of the audit record", report.panel, report.audit));
    say(&format!(
        "{} records tied to others, {} pairs to look at, {} records with what tells people apart",
        report.tied, report.doubts, report.who
    ));
    for breakage in &report.broken {
        say(&format!("broken: {breakage:?}"));
    }
    match report.broken_count + of_chain {
        0 => say("whole"),
        count => say(&format!("{count} breakages")),
    }
}
