//! FHIR JSON and FHIR XML to changes.

use super::{Given, Translation};
use crate::decode::{fhir, fhir_xml};
use crate::fault::Noted;
use crate::map;
use crate::validate;

/// A letter in JSON.
pub(super) fn translate(given: Given<'_>) -> Translation {
    of_json(&given.letter.bytes, given)
}

/// A letter in XML: the same resource as JSON, which is the form it is kept in. The letter keeps the XML.
pub(super) fn translate_xml(given: Given<'_>) -> Translation {
    let Noted { value: json, issues } = fhir_xml::to_json(&given.letter.bytes).map_err(|issue| vec![issue])?;
    let mut mapped = of_json(json.as_bytes(), given)?;
    mapped.issues.splice(0..0, issues);
    Ok(mapped)
}

fn of_json(bytes: &[u8], given: Given<'_>) -> Translation {
    let read = fhir::decode(bytes).map_err(|issue| vec![issue])?;
    let found = validate::validate(&read.value);
    if !found.is_empty() {
        return Err(found);
    }
    let context = map::fhir::Context { source: &given.letter.source, letter: given.id };
    let mut mapped = map::fhir::map(&read.value, bytes, context).map_err(|issue| vec![issue])?;
    mapped.issues.splice(0..0, read.issues);
    Ok(mapped)
}
