//! Trees to FHIR drafts: what a message says, as changes to a patient's record. Pure: the same message, source and
//! known state give the same changes.

pub mod cda;
pub mod change;
pub mod document;
pub mod export;
pub mod fhir;
pub mod hl7v2;
pub mod output;
mod stated;

pub use change::{Change, Known, KnownDocument, KnownEncounter, List, LocalCode, Mapped, Stored, Told};
pub use output::{Coding, Output};

/// The version of the mapping; raised when the same message would give something else. Named by every Provenance.
pub const MAP_VERSION: &str = "1";
