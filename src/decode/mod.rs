//! Bytes to trees: decoders that take bytes and give values, each with what was noticed on the way.

pub mod charset;
pub mod container;
pub mod export;
pub mod fhir;
pub mod fhir_xml;
pub mod format;
pub mod hl7v2;
pub mod ssmix2;
pub mod xml;
pub mod zip;
