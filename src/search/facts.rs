//! Facts: what search and consent need of a resource version, computed once when it is stored (design decision 4c).

use crate::fhir::{PatientKey, ResourceId, ResourceType};

/// Sensitivity of a version; a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Labels(pub u32);

impl Labels {
    /// 未告知: the patient has not been told (JP-CLINS `UNINFORMED`).
    pub const UNINFORMED: Labels = Labels(1);
    /// 未提供: given neither to other institutions nor to the patient (JP-CLINS `UNDELIVERED`).
    pub const UNDELIVERED: Labels = Labels(2);
    /// A label of a kind this program does not know: hidden until it does.
    pub const UNKNOWN: Labels = Labels(4);

    /// Both sets together.
    pub fn union(self, other: Labels) -> Labels {
        Labels(self.0 | other.0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A search parameter whose values are kept as facts. The number is stored and must not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Parameter {
    /// `identifier` (token)
    Identifier = 1,
    /// `code` (token): the type's main code
    Code = 2,
    /// `category` (token)
    Category = 3,
    /// `status` (token)
    Status = 4,
    /// `date` and its siblings (`authoredon`, `recorded-date`, `onset-date` ...): the type's clinical date
    Date = 5,
    /// `patient`, `subject` (reference)
    Patient = 6,
    /// `encounter` (reference)
    Encounter = 7,
}

/// A token: system and code as 64-bit hashes ([`token_hash`]); 0 stands for "no system".
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Which parameter.
    pub parameter: Parameter,
    /// Hash of the system, 0 when there is none.
    pub system: u64,
    /// Hash of the code or value.
    pub code: u64,
}

/// A date as the interval it covers, milliseconds since 1970, end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateFact {
    /// Which parameter.
    pub parameter: Parameter,
    /// First millisecond.
    pub start: i64,
    /// First millisecond after.
    pub end: i64,
}

/// What is known of a version without reading its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its type.
    pub resource_type: ResourceType,
    /// Its id.
    pub id: ResourceId,
    /// Its version number, from 1.
    pub version: u32,
    /// Whether this version says that the resource is gone.
    pub deleted: bool,
    /// When it was stored, milliseconds since 1970.
    pub last_updated: i64,
    /// The business time of what it says, milliseconds since 1970; `i64::MIN` when none was stated.
    pub occurred: i64,
    /// How well the sender stated it: 0 in passing ([`crate::map::Change::PutWeak`]), 1 as such.
    pub rank: u8,
    /// Which whole list it belongs to: 0 none, 1 problems, 2 allergies.
    pub list: u8,
    /// Hash of the sender's order that it was stated for, 0 for none: when the order is stated anew, what is not stated
    /// again is gone.
    pub origin: u64,
    /// Its own labels and those of anything contained or enclosed in it.
    pub labels: Labels,
    /// [`crate::fhir::Draft::content_hash`].
    pub content: u128,
    /// Every Patient it names (compartment references), as keys; a reference to a Patient that is not ours gives
    /// `PatientKey(0)`, which no consent covers.
    pub patients: Vec<PatientKey>,
    /// Tokens.
    pub tokens: Vec<Token>,
    /// Dates.
    pub dates: Vec<DateFact>,
    /// Hashes ([`reference_hash`]) of every `Type/id` it refers to, for label propagation and reference search.
    pub references: Vec<u64>,
}

/// The hash of a token's system or code: the first eight bytes of SHA-256, never 0 except for the empty text.
pub fn token_hash(text: &str) -> u64 {
    use sha2::{Digest, Sha256};
    if text.is_empty() {
        return 0;
    }
    let digest = Sha256::digest(text.as_bytes());
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first).max(1)
}

/// The hash of a reference `Type/id`.
pub fn reference_hash(resource_type: ResourceType, id: &str) -> u64 {
    token_hash(&format!("{}/{id}", resource_type.name()))
}
