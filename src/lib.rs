//! Tasuki: what a hospital's systems export, as FHIR R4, to those whom the patient has agreed to.
//!
//! The modules are the stations of a message; ARCHITECTURE.md walks through them. Start at `pipeline.rs`.

pub mod decode;
pub mod fault;
pub mod fhir;
pub mod letter;
pub mod map;
pub mod search;
pub mod store;
