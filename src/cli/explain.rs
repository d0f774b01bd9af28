//! `tasuki explain FILE`, or a letter or resource of a store: what became of every field, and which fields each element came from.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use clap::Args;

use super::operator::{self, Act};
use super::place::Place;
use super::{fail, issues, say};
use crate::audit::What;
use crate::codes::Book;
use crate::explain::{CONVERSIONS_MAX, Entry, Fate, Origin, Subject, account, is_within, origins};
use crate::fault::{Exit, Fault, Issue};
use crate::fhir::{FacilityCode, PatientKey, ResourceId, ResourceType};
use crate::journal::Journal;
use crate::letter::{Letter, LetterId, Source};
use crate::map::Known;
use crate::store::Store;

/// Letters of a record that are read at a time.
const LETTERS_OF_PAGE: usize = 500;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// A file; with --store or --config a letter's id there, or a resource as Type/id
    target: PathBuf,
    #[command(flatten)]
    place: Place,
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
    let (store, book) = match options.place.open_named() {
        Ok(opened) => opened,
        Err(exit) => return exit,
    };
    let Some(store) = store else {
        return match read(&options.target, options.facility.as_deref()) {
            Ok(letter) => of_letter(&letter, &book, options),
            Err(error) => fail(Exit::NoInput, &format!("{}: {error}", options.target.display())),
        };
    };
    let target = options.target.to_string_lossy();
    match target.split_once('/') {
        None => match super::letter::find(&store, &target) {
            Err(exit) => exit,
            Ok(id) => match recorded(&store, id) {
                Ok(Some(letter)) => of_letter(&letter, &book, options),
                Ok(None) => fail(Exit::NoInput, "there is no such letter"),
                Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
            },
        },
        Some((kind, id)) => match of_resource(&store, kind, id, &book, options) {
            Ok(exit) => exit,
            Err(fault) => fail(Exit::from(&fault), &fault.to_string()),
        },
    }
}

/// A letter out of the store; that somebody looked at it is on the audit record.
fn recorded(store: &Store, id: LetterId) -> Result<Option<Letter>, Fault> {
    let journal = Journal::start(store.clone(), operator::EVENTS_WAITING_MAX)?;
    operator::record(&journal, What::Read, Act { letter: Some(id), count: 1, ..Act::default() })?;
    store.letter(id)
}

fn of_letter(letter: &Letter, book: &Arc<Book>, options: &Options) -> Exit {
    let known = Known::default();
    let subject = Subject { letter, book, known: &known, conversions_max: CONVERSIONS_MAX };
    match &options.element {
        None => close(account(subject), |entries| fates(&entries, !options.no_values)),
        Some(wanted) => {
            let found = origins(subject, |reference, element| is_within(wanted, reference, element));
            close(found, |found| elements(&found, !options.no_values))
        }
    }
}

/// Where a stored resource came from: every letter that spoke of its record and gives it, the newest first.
fn of_resource(store: &Store, kind: &str, id: &str, book: &Arc<Book>, options: &Options) -> Result<Exit, Fault> {
    let named = ResourceType::parse(kind).zip(ResourceId::parse(id));
    let Some((resource_type, resource)) = named else {
        return Ok(fail(Exit::NoInput, "a resource is named as Type/id"));
    };
    let reference = format!("{kind}/{id}");
    let mut count = 0;
    for patient in store.candidates(resource_type, &resource)? {
        for id in letters_of(store, patient)?.into_iter().rev() {
            let Some(letter) = recorded(store, id)? else { continue };
            let known = Known::default();
            let subject = Subject { letter: &letter, book, known: &known, conversions_max: CONVERSIONS_MAX };
            let wanted = |found: &str, element: &str| {
                let asked = options.element.as_deref();
                found == reference && asked.is_none_or(|asked| is_within(asked, found, element))
            };
            let Ok(found) = origins(subject, wanted)? else { continue };
            if !found.is_empty() {
                say(&format!("letter {}  {}", &id.hex()[..12], letter.name));
                elements(&found, !options.no_values);
                count += 1;
            }
        }
    }
    match count {
        0 => Ok(fail(Exit::NoInput, "no letter in the store gives this resource")),
        _ => Ok(Exit::Done),
    }
}

fn letters_of(store: &Store, patient: PatientKey) -> Result<Vec<LetterId>, Fault> {
    let (mut letters, mut after) = (Vec::new(), 0);
    loop {
        let page = store.told(patient, after, LETTERS_OF_PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(letters) };
        after = *last;
        letters.extend(page.into_iter().map(|(_, told)| told.letter));
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
