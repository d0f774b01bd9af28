//! Receipts: what became of a letter, in words that the sender's engineer understands. Stored with the result.

use serde::{Deserialize, Serialize};

use super::decide::Decision;
use crate::fault::{Fault, Finding, Issue};
use crate::fhir::PatientKey;
use crate::letter::{Letter, LetterId};

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
    /// Whether the letter had been received before; nothing changed then.
    #[serde(skip)]
    pub repeat: bool,
}

impl Receipt {
    pub(super) fn stored(
        letter: &Letter,
        id: LetterId,
        now: i64,
        patient: PatientKey,
        noticed: &[Issue],
        decision: &Decision,
    ) -> Self {
        let mut receipt = Receipt::new(letter, id, now, Outcome::Stored, noticed);
        receipt.patient = (patient != PatientKey::DIRECTORY).then(|| patient.reference());
        receipt.resources.extend(decision.versions.iter().map(|version| version.reference()));
        receipt.bundle.clone_from(&decision.bundle);
        receipt.unchanged = decision.unchanged;
        receipt.issues.extend(decision.issues.iter().map(Finding::from));
        receipt
    }

    pub(super) fn held(letter: &Letter, id: LetterId, now: i64, issues: Vec<Issue>) -> Self {
        Receipt::new(letter, id, now, Outcome::Held, &issues)
    }

    /// Of a letter that held others.
    pub(super) fn parted(letter: &Letter, id: LetterId, now: i64, parts: Vec<Part>, issues: &[Issue]) -> Self {
        Receipt { parts, ..Receipt::new(letter, id, now, Outcome::Parted, issues) }
    }

    fn new(letter: &Letter, id: LetterId, received: i64, outcome: Outcome, issues: &[Issue]) -> Self {
        Receipt {
            letter: id.hex(),
            name: letter.name.clone(),
            received,
            outcome,
            patient: None,
            resources: Vec::new(),
            bundle: None,
            unchanged: 0,
            parts: Vec::new(),
            issues: issues.iter().map(Finding::from).collect(),
            repeat: false,
        }
    }

    /// The record it is about.
    pub fn record(&self) -> Option<PatientKey> {
        self.patient.as_deref()?.strip_prefix("Patient/").and_then(PatientKey::from_patient_id)
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
