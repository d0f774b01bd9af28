//! `tasuki held`: the letters that were held back, each with its reason.

use std::path::PathBuf;

use clap::Args;

use super::{fail, issues, say};
use crate::fault::{Exit, Fault};
use crate::pipeline::Receipt;
use crate::store::Store;

/// Letters read from the store at a time.
const PAGE: usize = 500;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The store's folder
    #[arg(long, default_value = "tasuki-data")]
    store: PathBuf,
}

pub(super) fn run(options: &Options) -> Exit {
    match list(options) {
        Ok(0) => {
            say("nothing is held");
            Exit::Done
        }
        Ok(_) => Exit::SomeHeld,
        Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
    }
}

fn list(options: &Options) -> Result<usize, Fault> {
    let store = super::ingest::open(&options.store)?;
    let mut after = None;
    let mut count = 0;
    loop {
        let page = store.held(after, PAGE)?;
        let Some(last) = page.last() else { return Ok(count) };
        after = Some(*last);
        for id in &page {
            count += 1;
            if let Some(receipt) = receipt(&store, *id)? {
                print(&receipt);
            }
        }
    }
}

fn receipt(store: &Store, id: crate::letter::LetterId) -> Result<Option<Receipt>, Fault> {
    store.receipt(id)?.map(|bytes| Receipt::decode(&bytes)).transpose()
}

fn print(receipt: &Receipt) {
    say(&format!("{}  {}", &receipt.letter[..12], receipt.name));
    for issue in &receipt.issues {
        let sentence = if issues::japanese() { &issue.ja } else { &issue.en };
        say(&format!("              {} {} [{}]", issue.place, sentence, issue.rule));
    }
}
