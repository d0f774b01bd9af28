//! The vocabulary of FHIR R4: resource types, ids, dates, systems, and the writer that keeps decimals as sent.

pub mod base64;
pub mod decimal;
pub mod draft;
pub mod entry;
pub mod id;
pub mod indent;
pub mod json;
pub mod kind;
pub mod markup;
pub mod oid;
pub mod outcome;
pub mod r4;
pub mod reference;
pub mod same_person;
pub mod subset;
pub mod system;
pub mod time;
pub mod ucum;
pub mod writer;
pub mod xml_writer;

pub use draft::Draft;
pub use id::{FacilityCode, PatientKey, ResourceId};
pub use kind::ResourceType;
pub use writer::Writer;
