//! RXO pharmacy order (HL7 v2.5 section 4.14.1): where it says what.

use crate::map::hl7v2::drug::fields::Fields;

/// The fields of RXO. RXO-5 by the rule `form-follows-from-drug`, RXO-8 by `delivered-to`. RXO-32, 33 and 36 are of later
/// versions.
pub(crate) static FIELDS: Fields = Fields {
    drug: 1,
    supplement: 24,
    dose: [2, 3, 4],
    daily: 23,
    rate: [21, 22, 17],
    quantity_timing: 0,
    form: 5,
    strength: [18, 19, 25, 26],
    administration: &[7],
    dispensing: &[6],
    indication: 20,
    substitution: (9, "HL70161"),
    amount: [11, 12],
    first_amount: 0,
    refills: 13,
    interval: 28,
    pharmacy: [32, 33, 36],
    orderer: 14,
    prescription: 0,
    ordered: 0,
    ignored: &[5, 8],
};
