//! RXA pharmacy administration (HL7 v2.5 section 4.14.7): what MedicationAdministration and Immunization take from it alike.

use crate::decode::hl7v2::{Segment, Value};
use crate::map::Output;
use crate::map::hl7v2::drug::medication::Product;
use crate::map::hl7v2::number::decimal;

/// Named rule: RXA-1 and RXA-2 count segments; RXA-22 says when somebody typed it in (Immunization has a place for that).
pub const ADMINISTRATION_COUNTERS: &str = "administration-counters";

/// RXA-6 as a number; 999 means that it is not known (section 4.14.7.6).
pub(crate) fn amount(administration: Segment<'_>) -> Option<String> {
    decimal(&administration.field(6).text()).filter(|amount| amount != "999")
}

/// RXA-15 to 17: lot, expiration, manufacturer.
pub(crate) fn product<'m>(administration: Segment<'m>, out: &mut Output) -> Product<'m> {
    Product::of_lot(administration, [15, 16, 17], out)
}

/// RXA-20 (table 0322); empty is taken as complete: the message tells what was done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Completion {
    /// CP.
    Complete,
    /// PA.
    Partial,
    /// RE refused, NA not administered.
    NotDone,
}

/// How far it came; a reason for refusal alone (RXA-18) says that it was not done.
pub(crate) fn completion(administration: Segment<'_>) -> Completion {
    match administration.field(20).text().trim() {
        "PA" => Completion::Partial,
        "RE" | "NA" => Completion::NotDone,
        "" if administration.peek(18).is_valued() => Completion::NotDone,
        _ => Completion::Complete,
    }
}

/// Whether the whole segment is taken back (RXA-21, table 0323).
pub(crate) fn is_deleted(administration: Segment<'_>) -> bool {
    administration.peek(21).text().trim() == "D"
}

/// RXA-11 (LA2), else RXA-27 of later versions (PL): where it was given.
pub(crate) fn location(administration: Segment<'_>) -> Value<'_> {
    if administration.peek(11).is_valued() { administration.field(11) } else { administration.field(27) }
}
