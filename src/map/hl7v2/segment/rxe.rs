//! RXE pharmacy encoded order (HL7 v2.5 section 4.14.4): where it says what.

use crate::map::hl7v2::drug::fields::Fields;

/// Named rule: the dosage form follows from the drug's code; it is written only where the drug is a Medication of its own.
pub const FORM_FOLLOWS_FROM_DRUG: &str = "form-follows-from-drug";
/// Named rule: RXE-42 says where in the hospital the drug is carried to.
pub const DELIVERED_TO: &str = "delivered-to";

/// The fields of RXE. RXE-6 by the rule `form-follows-from-drug`, RXE-42 by `delivered-to`.
pub(crate) static FIELDS: Fields = Fields {
    drug: 2,
    supplement: 31,
    dose: [3, 4, 5],
    daily: 19,
    rate: [23, 24, 22],
    quantity_timing: 1,
    form: 6,
    strength: [25, 26, 33, 34],
    administration: &[7],
    dispensing: &[21, 30],
    indication: 27,
    substitution: (9, "HL70167"),
    amount: [10, 11],
    first_amount: 39,
    refills: 12,
    interval: 0,
    pharmacy: [40, 41, 45],
    orderer: 13,
    prescription: 15,
    ordered: 32,
    ignored: &[6, 42],
};
