//! RXG pharmacy give (HL7 v2.5 section 4.14.6): where it says what.

use crate::map::hl7v2::drug::fields::Fields;

/// The fields of RXG. RXG-1 and 2 are counters and in the key; RXG-8 by the rule `form-follows-from-drug`, RXG-11 by
/// `delivered-to`.
pub(crate) static FIELDS: Fields = Fields {
    drug: 4,
    supplement: 0,
    dose: [5, 6, 7],
    daily: 0,
    rate: [15, 16, 14],
    quantity_timing: 3,
    form: 8,
    strength: [17, 18, 23, 24],
    administration: &[9, 13],
    dispensing: &[],
    indication: 22,
    substitution: (0, ""),
    amount: [0, 0],
    first_amount: 0,
    refills: 0,
    interval: 0,
    pharmacy: [0, 0, 0],
    orderer: 0,
    prescription: 0,
    ordered: 0,
    ignored: &[1, 2, 8, 11],
};
