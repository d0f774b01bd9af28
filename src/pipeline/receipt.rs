//! Receipts: what became of a letter, in words that the sender's engineer understands. Stored with the result.

use serde::{Deserialize, Serialize};

use super::{Decided, Sending};
use crate::fault::{Fault, Finding, Issue};
use crate::fhir::PatientKey;
use crate::letter::LetterId;

/// What became of a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// Its resources are stored (or were already as it says).
    Stored,
    /// Nothing of it could be used; it is kept, with the reason.
    Held,
    /// It held other letters; each of them has a receipt of its own.
    Parted,
    /// It does not conform to what is asked of its sender, who is to mend it; it is kept, and on no list.
    Refused,
}

/// One letter that came inside another one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    /// The letter's id, hexadecimal; by it its own receipt is found.
    pub letter: String,
    /// The name it has as a letter.
    pub name: String,
    /// What became of it.
    pub outcome: Outcome,
    /// `Patient/id` of the record it is about.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub patient: Option<String>,
}

/// The answer to a letter; the same letter gets the same answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// The letter's id, hexadecimal.
    pub letter: String,
    /// The name it came under.
    pub name: String,
    /// When it was taken in, milliseconds since 1970.
    pub received: i64,
    /// What became of it.
    pub outcome: Outcome,
    /// `Patient/id` of the record it is about; none for the directory, and for what was held.
    pub patient: Option<String>,
    /// `Patient/id` of further records it wrote to: a merge is about two.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub others: Vec<String>,
    /// `Type/id` of what it created or changed.
    pub resources: Vec<String>,
    /// Where the Bundle it was is to be read, changed by it or not; a letter of another kind has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub bundle: Option<String>,
    /// How many resources it stated that were on record already, just so.
    pub unchanged: usize,
    /// The letters that it held.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub parts: Vec<Part>,
    /// What was noticed.
    pub issues: Vec<Finding>,
    /// The letter of which this one is a repetition: the answer is that letter's.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "sameAs")]
    pub same_as: Option<String>,
    /// The held letter that this one corrects.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub corrects: Option<String>,
    /// The letter that corrects this one, which is held no longer.
    #[serde(default, skip_serializing_if = "Option::is_none", rename = "replacedBy")]
    pub replaced_by: Option<String>,
    /// Who looks after held letters took it off the list.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub dropped: Option<Dropped>,
    /// How it was answered before it was tried anew, the oldest first.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub earlier: Vec<Earlier>,
    /// Whether the letter had been received before; nothing changed then.
    #[serde(skip)]
    pub repeat: bool,
}

/// A held letter that nothing will become of.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Dropped {
    /// When, milliseconds since 1970.
    pub at: i64,
    /// Why, in the words of who did it.
    pub reason: String,
}

/// Why a letter was held before.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Earlier {
    /// Until when that was the answer, milliseconds since 1970.
    pub until: i64,
    /// What was noticed then.
    pub issues: Vec<Finding>,
}

impl Receipt {
    /// Of a letter whose parts are stored with this receipt; the first is the record it is about.
    pub(super) fn stored(sending: &Sending<'_>, now: i64, noticed: &[Issue], all: &[Decided]) -> Self {
        let mut receipt = Receipt::new(sending, now, Outcome::Stored, noticed);
        let mut records = all.iter().map(|decided| decided.standing.patient());
        receipt.patient = records.next().filter(|first| !first.is_directory()).map(PatientKey::reference);
        receipt.others.extend(records.map(PatientKey::reference));
        for Decided { decision, .. } in all {
            let seen = decision.versions.iter().filter(|version| !version.is_silent);
            receipt.resources.extend(seen.map(|version| version.reference()));
            receipt.bundle = receipt.bundle.or_else(|| decision.bundle.clone());
            receipt.unchanged += decision.unchanged;
            receipt.issues.extend(decision.issues.iter().map(Finding::from));
        }
        receipt
    }

    /// Of a letter that is held or refused.
    pub(super) fn unused(sending: &Sending<'_>, now: i64, outcome: Outcome, issues: Vec<Finding>) -> Self {
        Receipt { issues, ..Receipt::new(sending, now, outcome, &[]) }
    }

    /// Of a letter that held others.
    pub(super) fn parted(sending: &Sending<'_>, now: i64, parts: Vec<Part>, issues: &[Issue]) -> Self {
        Receipt { parts, ..Receipt::new(sending, now, Outcome::Parted, issues) }
    }

    pub(super) fn repeating(sending: &Sending<'_>, now: i64, first: LetterId) -> Self {
        Receipt { same_as: Some(first.hex()), ..Receipt::new(sending, now, Outcome::Stored, &[]) }
    }

    fn new(sending: &Sending<'_>, now: i64, outcome: Outcome, issues: &[Issue]) -> Self {
        let before = sending.before.as_ref();
        let last = before.map(|before| Earlier { until: now, issues: before.issues.clone() });
        let wrong = sending.corrects.as_ref().map(|wrong| wrong.letter.clone());
        let corrects = wrong.or_else(|| before?.corrects.clone());
        Receipt {
            letter: sending.id.hex(),
            name: sending.letter.name.clone(),
            received: before.map_or(now, |before| before.received),
            outcome,
            patient: None,
            others: Vec::new(),
            resources: Vec::new(),
            bundle: None,
            unchanged: 0,
            parts: Vec::new(),
            issues: issues.iter().map(Finding::from).collect(),
            same_as: None,
            corrects,
            replaced_by: None,
            dropped: None,
            earlier: before.iter().flat_map(|before| before.earlier.clone()).chain(last).collect(),
            repeat: false,
        }
    }

    /// Whether nothing of it is used.
    pub fn is_unused(&self) -> bool {
        matches!(self.outcome, Outcome::Held | Outcome::Refused)
    }

    /// Whether it, or a part of it, is the sender's to mend and on no list.
    pub(super) fn is_refused(&self) -> bool {
        self.outcome == Outcome::Refused || self.parts.iter().any(|part| part.outcome == Outcome::Refused)
    }

    /// The record it is about.
    pub fn record(&self) -> Option<PatientKey> {
        self.patient.as_deref().and_then(record)
    }

    /// Every record it wrote to, the one it is about first.
    pub fn records(&self) -> impl Iterator<Item = PatientKey> + '_ {
        self.patient.iter().chain(&self.others).filter_map(|reference| record(reference))
    }

    /// As it is given to a second delivery of its letter.
    pub fn repeated(mut self) -> Self {
        self.repeat = true;
        self
    }

    pub(super) fn encode(&self) -> Vec<u8> {
        serde_json::to_vec(self).unwrap_or_default()
    }

    /// From what is stored.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        serde_json::from_slice(bytes).map_err(|_| Fault::Broken("a stored receipt cannot be read".into()))
    }
}

fn record(reference: &str) -> Option<PatientKey> {
    reference.strip_prefix("Patient/").and_then(PatientKey::from_patient_id)
}
