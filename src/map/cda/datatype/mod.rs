//! The data types of CDA R2 (HL7 v3 Data Types R1) to FHIR data types, one file each.

pub(super) mod ad;
pub(super) mod cd;
pub(super) mod ed;
pub(super) mod en;
pub(super) mod ii;
pub(super) mod ivl_pq;
pub(super) mod ivl_ts;
mod null;
mod oid;
pub(super) mod pq;
pub(super) mod rto;
mod rule;
pub(super) mod tel;
pub(super) mod timing;
pub(super) mod ts;
pub(super) mod value;

pub(super) use null::absent;

/// What stands under an id in the section's narrative, as plain text.
pub(super) type Text<'a> = &'a dyn Fn(&str) -> Option<String>;

/// Where there is no narrative: the header.
pub(super) fn no_text(_: &str) -> Option<String> {
    None
}
