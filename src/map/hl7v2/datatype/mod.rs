//! HL7 v2.5 chapter 2A data types to FHIR R4 data types, one file per type. Each writes into a [`Writer`]
//! (an object, or an item of an array) and notes what it could not carry over.
//!
//! [`Writer`]: crate::fhir::Writer

pub mod cwe;
pub mod cx;
pub mod hd;
pub mod ndl;
pub mod pl;
pub mod ts;
pub mod xad;
pub mod xcn;
pub mod xon;
pub mod xpn;
pub mod xtn;
