//! `tasuki convert FILE`: the FHIR that a file gives, as a transaction Bundle; nothing is stored.

use std::io::{Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::{fail, issues};
use crate::decode::ssmix2;
use crate::fault::{Exit, Finding};
use crate::fhir::FacilityCode;
use crate::letter::{Letter, Source};
use crate::pipeline::convert;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The file; `-` reads standard input
    file: PathBuf,
    /// 10-digit 医療機関コード (or any name) of the facility whose patient numbers the file uses [default: what the message says]
    #[arg(long)]
    facility: Option<String>,
    /// Do not report fields that were not mapped
    #[arg(long)]
    quiet: bool,
    /// One line instead of indented JSON
    #[arg(long)]
    compact: bool,
}

pub(super) fn run(options: &Options) -> Exit {
    let mut bytes = Vec::new();
    let read = match options.file.to_str() {
        Some("-") => std::io::stdin().lock().read_to_end(&mut bytes).map(|_| ()),
        _ => std::fs::read(&options.file).map(|read| bytes = read),
    };
    if let Err(error) = read {
        return fail(Exit::NoInput, &format!("{}: {error}", options.file.display()));
    }
    let facility = options.facility.as_deref().map_or_else(FacilityCode::unstated, FacilityCode::parse);
    let name = name_of(&options.file);
    let letter = Letter { source: Arc::new(Source { facility, zone_minutes: 540 }), name, bytes };
    match convert(&letter, &Arc::default(), super::now) {
        Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
        Ok(Err(findings)) => {
            report(&findings, false);
            Exit::Data
        }
        Ok(Ok(converted)) => {
            report(&converted.findings, options.quiet);
            print(&converted.bundle, options.compact)
        }
    }
}

/// The name of a file; of one in extended storage, whose folders say what it is, the whole path.
fn name_of(file: &Path) -> String {
    let path = file.to_string_lossy().replace('\\', "/");
    match ssmix2::extended(&path) {
        Some(_) => path,
        None => file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default(),
    }
}

fn report(found: &[Finding], quiet: bool) {
    for finding in found.iter().filter(|finding| !quiet || finding.severity != "information") {
        eprintln!("{}", issues::found(finding));
    }
}

fn print(json: &str, compact: bool) -> Exit {
    let text = if compact {
        json.to_owned()
    } else {
        let value: Result<serde_json::Value, _> = serde_json::from_str(json);
        match value.and_then(|value| serde_json::to_string_pretty(&value)) {
            Ok(text) => text,
            Err(_) => return fail(Exit::Machine, "the mapper wrote something that is not JSON"),
        }
    };
    // A reader that closes the pipe early has read enough.
    let _ = writeln!(std::io::stdout().lock(), "{text}");
    Exit::Done
}
