//! UCUM units in canonical form.

use crate::fhir::decimal::Decimal;

/// The value in canonical units, and their name; `None` where the unit is not known.
pub fn canonical(value: Decimal, code: &str) -> Option<(Decimal, Box<str>)> {
    (code == "1").then(|| (value, code.into()))
}
