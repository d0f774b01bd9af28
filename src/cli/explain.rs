//! `tasuki explain FILE`: what became of every field, and which fields each element came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::{fail, issues, say};
use crate::explain::{Entry, Fate, Origin, Subject, account, origins};
use crate::fault::{Exit, Fault, Issue};
use crate::fhir::FacilityCode;
use crate::letter::{Letter, Source};
use crate::map::Known;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The file
    file: PathBuf,
    /// An element, as `Observation.valueQuantity`: where it and what is in it came from [default: every field's fate]
    #[arg(long)]
    element: Option<String>,
    /// 10-digit 医療機関コード (or any name) of the facility whose patient numbers the file uses [default: what the file says]
    #[arg(long)]
    facility: Option<String>,
    /// Do not show what stands in the fields
    #[arg(long)]
    no_values: bool,
}

pub(super) fn run(options: &Options) -> Exit {
    let letter = match read(&options.file, options.facility.as_deref()) {
        Ok(letter) => letter,
        Err(error) => return fail(Exit::NoInput, &format!("{}: {error}", options.file.display())),
    };
    let (book, known) = (Arc::default(), Known::default());
    let subject = Subject { letter: &letter, book: &book, known: &known };
    match &options.element {
        None => close(account(subject), |entries| fates(&entries, !options.no_values)),
        Some(wanted) => {
            let found = origins(subject, |reference, element| is_within(wanted, reference, element));
            close(found, |found| elements(&found, !options.no_values))
        }
    }
}

fn read(file: &Path, facility: Option<&str>) -> std::io::Result<Letter> {
    let bytes = std::fs::read(file)?;
    let facility = facility.map_or_else(FacilityCode::unstated, FacilityCode::parse);
    let name = file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    Ok(Letter { source: Arc::new(Source { facility, zone_minutes: 540 }), name, bytes })
}

fn close<T>(answer: Result<Result<T, Vec<Issue>>, Fault>, show: impl FnOnce(T)) -> Exit {
    match answer {
        Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
        Ok(Err(found)) => {
            found.iter().for_each(|issue| eprintln!("{}", issues::line(issue)));
            Exit::Data
        }
        Ok(Ok(found)) => {
            show(found);
            Exit::Done
        }
    }
}

/// Whether `Type.element` is what was asked for, or within it; positions count only where they were asked for.
fn is_within(wanted: &str, reference: &str, element: &str) -> bool {
    let kind = reference.split('/').next().unwrap_or_default();
    let path = format!("{kind}.{element}");
    let path = if wanted.contains('[') { path } else { without_positions(&path) };
    path.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn without_positions(path: &str) -> String {
    path.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect()
}

fn fates(entries: &[Entry], with_values: bool) {
    let mut counts = BTreeMap::new();
    for entry in entries {
        let (word, why) = match entry.fate {
            Fate::Mapped => ("mapped", entry.elements.join(", ")),
            Fate::Ignored(rule) => ("ignored", rule.unwrap_or("by the mapper's own rule").to_owned()),
            Fate::Unmapped => ("unmapped", "the raw message keeps it".to_owned()),
        };
        *counts.entry(word).or_insert(0) += 1;
        let text = if with_values { shown(&entry.field.text) } else { String::new() };
        say(&format!("{:<12} {word:<9} {text:<24} {why}", entry.field.place.to_string()));
    }
    let counts: Vec<String> = counts.iter().map(|(word, count)| format!("{count} {word}")).collect();
    say(&format!("{} fields: {}", entries.len(), counts.join(", ")));
}

fn elements(found: &[Origin], with_values: bool) {
    for origin in found {
        let Origin { reference, element, field, is_copied } = origin;
        let how = if *is_copied { "says" } else { "from" };
        let text = if with_values { shown(&field.text) } else { String::new() };
        let bytes = format!("{}..{}", field.bytes.start, field.bytes.end);
        say(&format!("{reference} {element} {how} {:<12} bytes {bytes:<12} {text}", field.place.to_string()));
    }
    if found.is_empty() {
        say("no field of the file has an influence on such an element");
    }
}

/// The beginning of a text, on one line.
fn shown(text: &str) -> String {
    let line: String = text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(24).collect();
    if text.chars().count() > 24 { format!("{line}…") } else { line }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_element_is_asked_for_with_or_without_positions() {
        let within = |wanted: &str| is_within(wanted, "Patient/x", "name[1].given[0]");
        assert!(within("Patient.name") && within("Patient.name.given") && within("Patient.name[1]"));
        assert!(!within("Patient.name[0]") && !within("Patient.nam") && !within("Observation.name"));
    }
}
