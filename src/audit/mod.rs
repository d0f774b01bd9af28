//! AuditEvents: what is recorded of every access, and how FHIR says it.

pub mod chunk;
pub mod event;
pub mod fhir;

pub use chunk::{decode, encode};
pub use event::{Agent, Event, Outcome, QueryShape, What, id_of, place_of};
pub use fhir::to_fhir;
