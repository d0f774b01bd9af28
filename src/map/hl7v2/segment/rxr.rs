//! RXR pharmacy route (HL7 v2.5 section 4.14.2) to Dosage.route, site and method.

use crate::decode::hl7v2::Segment;
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::hl7v2::datatype::cwe;

/// Writes `site`, `route` and `method` of the one route a Dosage can have.
pub(crate) fn route(w: &mut Writer, route: Segment<'_>, out: &mut Output) {
    cwe::concept(w, "site", route.field(2), "HL70163", out);
    cwe::concept(w, "route", route.field(1), "HL70162", out);
    cwe::concept(w, "method", route.field(4), "HL70165", out);
}
