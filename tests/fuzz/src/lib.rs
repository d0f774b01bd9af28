//! The decoders alone, by path, so that a fuzz build with instrumentation takes seconds and not the whole program.

#[path = "../../../src/fault.rs"]
pub mod fault;

/// The decoders under test.
#[path = "../../../src/decode"]
pub mod decode {
    pub mod charset;
    pub mod hl7v2;
    pub mod ssmix2;
    pub mod xml;
    pub mod zip;
}

#[path = "../../../src/fhir/mod.rs"]
pub mod fhir;

#[path = "../../decoders/law.rs"]
pub mod law;
