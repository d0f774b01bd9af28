//! FHIR JSON to changes.

use super::{Given, Translation};
use crate::decode::fhir;
use crate::map;
use crate::validate;

pub(super) fn translate(given: Given<'_>) -> Translation {
    let read = fhir::decode(&given.letter.bytes).map_err(|issue| vec![issue])?;
    let found = validate::validate(&read.value);
    if !found.is_empty() {
        return Err(found);
    }
    let context = map::fhir::Context { source: &given.letter.source, letter: given.id };
    let mut mapped = map::fhir::map(&read.value, &given.letter.bytes, context).map_err(|issue| vec![issue])?;
    mapped.issues.splice(0..0, read.issues);
    Ok(mapped)
}
