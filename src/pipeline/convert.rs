//! What a letter says, as a transaction Bundle (R4 http.html#transaction): for those who want the FHIR and not the store.
//!
//! A container is taken into a store in memory, which is then written down: several letters about one record are one
//! statement of it, as a transaction must not name a resource twice.

use std::collections::HashMap;
use std::sync::Arc;

use serde_json::Value;

use super::container::open;
use super::{Outcome, Pipeline, Receipt, translate, unharmed};
use crate::codes::Book;
use crate::fault::{Fault, Finding, Place};
use crate::fhir::PatientKey;
use crate::letter::{Letter, LetterId};
use crate::map::{Change, Known, Mapped};
use crate::store::Store;

/// What a letter gives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Converted {
    /// A transaction Bundle.
    pub bundle: String,
    /// What was noticed; for the letters of a container each with its place there.
    pub findings: Vec<Finding>,
}

/// What a letter gives, or why it gives nothing.
pub type Conversion = Result<Converted, Vec<Finding>>;

impl Pipeline {
    /// What a letter says, by the code maps of this gateway; nothing is stored, and nothing that is stored is looked at.
    pub fn convert(&self, letter: &Letter) -> Result<Conversion, Fault> {
        convert(letter, &self.book(), self.clock)
    }
}

/// What a letter says. Of a container the state in the end is told: what one of its letters deletes that none states is
/// not in the Bundle.
pub fn convert(letter: &Letter, book: &Arc<Book>, clock: fn() -> i64) -> Result<Conversion, Fault> {
    if open(letter, book).is_some() {
        return convert_container(letter, book, clock);
    }
    let findings = |issues: &[_]| issues.iter().map(Finding::from).collect();
    let translation = unharmed(|| translate(letter, letter.id(), book, |_| Ok(Known::default())))?;
    Ok(match translation {
        Err(issues) => Err(findings(&issues)),
        Ok(noted) => Ok(Converted { bundle: transaction(&noted.value), findings: findings(&noted.issues) }),
    })
}

fn convert_container(letter: &Letter, book: &Arc<Book>, clock: fn() -> i64) -> Result<Conversion, Fault> {
    let pipeline = Pipeline::new(Store::open_memory(), clock).with_book(book.clone());
    let receipt = pipeline.receive(letter)?;
    let mut findings = Vec::new();
    let stored = pipeline.findings(letter, receipt, "", &mut findings)?;
    if stored == 0 {
        return Ok(Err(findings));
    }
    Ok(Ok(Converted { bundle: bundle(&pipeline.entries()?), findings }))
}

impl Pipeline {
    /// Collects what was noticed about a letter and those it holds; answers how many of them are stored.
    fn findings(
        &self,
        letter: &Letter,
        receipt: Receipt,
        within: &str,
        found: &mut Vec<Finding>,
    ) -> Result<usize, Fault> {
        found.extend(receipt.issues.into_iter().map(|finding| placed(finding, within)));
        let mut stored = usize::from(receipt.outcome == Outcome::Stored);
        let book = self.book();
        let places: HashMap<String, Place> = match open(letter, &book) {
            Some(Ok(container)) => container.groups.iter().flatten().map(|p| (p.name.clone(), p.place())).collect(),
            _ => HashMap::new(),
        };
        for part in receipt.parts {
            let Some(id) = LetterId::parse(&part.letter) else { continue };
            let (Some(letter), Some(receipt)) = (self.store.letter(id)?, self.receipt(id)?) else { continue };
            let within = match places.get(&part.name) {
                None | Some(Place::Whole) => within.to_owned(),
                Some(place) if within.is_empty() => place.to_string(),
                Some(place) => format!("{within}, {place}"),
            };
            stored += self.findings(&letter, receipt, &within, found)?;
        }
        Ok(stored)
    }

    /// Every record, as entries of a transaction.
    fn entries(&self) -> Result<Vec<String>, Fault> {
        let mut entries = Vec::new();
        let mut next = Some(PatientKey(0));
        while let Some(patient) = next.map(|from| self.store.record_from(from)).transpose()?.flatten() {
            let records = self.store.partition(patient)?.records;
            let mut last = HashMap::new();
            for (at, record) in records.iter().enumerate() {
                last.insert((record.facts.resource_type, &record.facts.id), at);
            }
            let is_last = |at: usize| last.get(&(records[at].facts.resource_type, &records[at].facts.id)) == Some(&at);
            for (_, record) in records.iter().enumerate().filter(|(at, _)| is_last(*at)) {
                let reference = format!("{}/{}", record.facts.resource_type.name(), record.facts.id.as_str());
                entries.push(match record.facts.deleted {
                    true => deleted(&reference),
                    false => stated(&without_version(&record.body.json()?), &reference),
                });
            }
            next = patient.0.checked_add(1).map(PatientKey);
        }
        Ok(entries)
    }
}

fn placed(finding: Finding, within: &str) -> Finding {
    let place = match (within, finding.place.as_str()) {
        ("", place) => place.to_owned(),
        (within, "-") => within.to_owned(),
        (within, place) => format!("{within}, {place}"),
    };
    Finding { place, ..finding }
}

/// A stored resource as it was before it was stored.
fn without_version(json: &str) -> String {
    let Ok(mut resource) = serde_json::from_str::<Value>(json) else { return json.to_owned() };
    if let Some(meta) = resource.get_mut("meta").and_then(Value::as_object_mut) {
        meta.shift_remove("versionId");
        meta.shift_remove("lastUpdated");
        if meta.is_empty() {
            resource.as_object_mut().map(|members| members.shift_remove("meta"));
        }
    }
    resource.to_string()
}

/// The changes as a transaction: a `PUT` for what is stated, a `DELETE` for what is gone; what the letter says of further
/// records behind it.
fn transaction(mapped: &Mapped) -> String {
    let mut entries = Vec::new();
    add(mapped, &mut entries);
    bundle(&entries)
}

fn bundle(entries: &[String]) -> String {
    format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#, entries.join(","))
}

fn stated(json: &str, reference: &str) -> String {
    format!(r#"{{"resource":{json},"request":{{"method":"PUT","url":"{reference}"}}}}"#)
}

fn deleted(reference: &str) -> String {
    format!(r#"{{"request":{{"method":"DELETE","url":"{reference}"}}}}"#)
}

fn add(mapped: &Mapped, entries: &mut Vec<String>) {
    for change in &mapped.changes {
        match change {
            Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. } => {
                entries.push(stated(&draft.json(None), &draft.reference()));
            }
            Change::Delete { resource_type, id, .. } => {
                entries.push(deleted(&format!("{}/{}", resource_type.name(), id.as_str())));
            }
            // What a list no longer names is known only where the record is.
            Change::WholeList(_) => {}
        }
    }
    mapped.others.iter().for_each(|other| add(other, entries));
}
