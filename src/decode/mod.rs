//! Bytes to trees: decoders that take bytes and give values, each with what was noticed on the way.

pub mod charset;
pub mod fhir;
pub mod format;
pub mod hl7v2;
pub mod ssmix2;
pub mod xml;
