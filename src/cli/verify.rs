//! `tasuki verify`: everything in a store is whole.

use std::path::PathBuf;

use clap::Args;

use super::fail;
use crate::fault::Exit;
use crate::store::verify;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The store's folder
    #[arg(long, default_value = "tasuki-data")]
    store: PathBuf,
}

pub(super) fn run(options: &Options) -> Exit {
    let report = super::ingest::open(&options.store).and_then(|store| verify(&store));
    match report {
        Ok(report) => {
            println!("{report}");
            if report.is_whole() { Exit::Done } else { Exit::Machine }
        }
        Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
    }
}
