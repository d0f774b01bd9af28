//! AuditEvents: what is recorded of every access, how FHIR and DICOM say it, and the chain that they are kept in.

pub mod chunk;
pub mod dicom;
pub mod event;
pub mod fhir;
pub mod head;
mod shape;

pub use chunk::{Chunk, ChunkHash, decode, encode, previous};
pub use dicom::to_dicom;
pub use event::{Agent, Event, Outcome, QueryShape, What, id_of, place_of};
pub use fhir::to_fhir;
pub use head::{Head, PublicKey, SignedHead};
pub use shape::{Codes, codes};
