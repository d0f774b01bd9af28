//! Exports of senders with neither HL7 nor FHIR to changes.

use super::{Given, Translation};
use crate::decode::export::{self, Export};
use crate::decode::format::Format;
use crate::fault::{Issue, Noted};
use crate::map;

pub(super) fn translate(format: Format, given: Given<'_>) -> Translation {
    let Given { letter, id, book } = given;
    let read: Result<Noted<Export>, Vec<Issue>> = match format {
        Format::Csv => export::read_csv(&letter.name, &letter.bytes, book.columns(&letter.source.facility)),
        _ => export::read_json(&letter.name, &letter.bytes),
    };
    let read = read?;
    let context = map::export::Context { source: &letter.source, letter: id, book };
    let mut mapped = map::export::map(&read.value, context)?;
    mapped.issues.splice(0..0, read.issues);
    Ok(mapped)
}
