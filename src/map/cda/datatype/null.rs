//! NullFlavor (HL7 v3 Data Types R1 section 2.1.4) to the reasons of data-absent-reason.

use crate::fhir::{Writer, system};

/// The code system of the reasons.
pub(in crate::map::cda) const ABSENT_REASON: &str = "http://terminology.hl7.org/CodeSystem/data-absent-reason";

/// The reason for a null flavor (C-CDA on FHIR, CF-NullFlavorDataAbsentReason).
pub(in crate::map::cda) fn absent_reason(flavor: &str) -> &'static str {
    match flavor {
        "ASKU" => "asked-unknown",
        "NAV" => "temp-unknown",
        "NASK" => "not-asked",
        "NA" => "not-applicable",
        "MSK" => "masked",
        "OTH" | "TRC" => "unsupported",
        "NINF" => "negative-infinity",
        "PINF" => "positive-infinity",
        _ => "unknown",
    }
}

/// Writes `_name` with the reason why there is no `name`: for a primitive that must not be left out in silence.
pub(in crate::map::cda) fn absent(w: &mut Writer, name: &str, flavor: &str) {
    w.object(&format!("_{name}"), |w| {
        w.array("extension", |w| {
            w.item(|w| {
                w.string("url", system::DATA_ABSENT_REASON);
                w.string("valueCode", absent_reason(flavor));
            });
        });
    });
}
