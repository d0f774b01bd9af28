//! HD hierarchic designator (HL7 v2.5 2A.36) to a URI.

use crate::decode::hl7v2::Value;
use crate::fhir::FacilityCode;

/// The URI behind an HD that is a component (its parts are sub-components), for example CX.4: a universal id gives its
/// own URI, a bare namespace one derived from the sender. `None` when it is empty.
pub fn uri(component: Value<'_>, facility: &FacilityCode) -> Option<String> {
    let part = |number| component.subcomponent(number).text();
    let (namespace, universal, kind) = (part(1), part(2), part(3));
    from_universal(universal.trim(), kind.trim())
        .or_else(|| (!namespace.trim().is_empty()).then(|| facility.local_system(namespace.trim())))
}

/// The URI of a universal id of some type (HL7 table 0301); `None` when it has none.
pub fn from_universal(universal: &str, kind: &str) -> Option<String> {
    // A name in words (senders call it DNS) is no URI.
    if universal.is_empty() || universal.contains(char::is_whitespace) {
        return None;
    }
    let is_oid = universal.contains('.') && universal.bytes().all(|b| b.is_ascii_digit() || b == b'.');
    match kind {
        "UUID" | "GUID" => Some(format!("urn:uuid:{}", universal.to_ascii_lowercase())),
        "URI" => Some(universal.to_owned()),
        "DNS" => Some(format!("urn:dns:{universal}")),
        _ if is_oid => Some(format!("urn:oid:{universal}")),
        _ => None,
    }
}
