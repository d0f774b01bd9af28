//! Fragments of documents, and what an entry becomes.

use crate::fhir::{FacilityCode, PatientKey};
use crate::map::Output;

/// An output that nothing was written to.
pub(in crate::map::cda) fn output() -> Output {
    let facility = FacilityCode::parse("0119999901");
    Output::new(PatientKey::derive(&facility, "0000000001"), facility, 540, None)
}

/// The tree of a fragment.
pub(in crate::map::cda) fn parse(xml: &str) -> roxmltree::Document<'_> {
    roxmltree::Document::parse(xml).unwrap()
}
