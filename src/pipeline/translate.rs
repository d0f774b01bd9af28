//! From bytes to changes: which decoder a letter needs, and the mapper behind it. Nothing is stored here.

mod cda;
mod document;
mod export;
mod fhir;
mod hl7v2;

use std::sync::Arc;

use crate::codes::Book;
use crate::decode::format::{Format, sniff};
use crate::fault::{Fault, Issue, Noted, Place, rules};
use crate::fhir::PatientKey;
use crate::letter::{Letter, LetterId};
use crate::map::{Known, Mapped};

rules! {
    UNKNOWN_FORMAT "letter-format-unknown" Fatal NotSupported
        "This is neither an HL7 v2 message (it does not begin with MSH) nor FHIR JSON nor a CDA document."
        "HL7 v2メッセージ(MSHで始まる)でもFHIR JSONでもCDA文書でもありません。"
    EMPTY "letter-empty" Fatal Required
        "There is nothing in it."
        "内容が空です。"
}

/// What a letter says, or why nothing of it can be used.
pub type Translation = Result<Noted<Mapped>, Vec<Issue>>;

/// What translation needs beside the letter.
#[derive(Clone, Copy, Debug)]
struct Given<'a> {
    letter: &'a Letter,
    id: LetterId,
    book: &'a Arc<Book>,
}

/// Decodes and maps a letter. `known` is asked once for what is on record about the patient of an HL7 v2 message.
pub fn translate(
    letter: &Letter,
    id: LetterId,
    book: &Arc<Book>,
    known: impl FnOnce(PatientKey) -> Result<Known, Fault>,
) -> Result<Translation, Fault> {
    let given = Given { letter, id, book };
    let refuse = |rule| Ok(Err(vec![Issue::new(rule, Place::Whole)]));
    match sniff(&letter.name, &letter.bytes) {
        Some(Format::Hl7v2) => Ok(document::in_folder(hl7v2::translate(given, known)?, given)),
        Some(Format::Cda) => Ok(document::in_folder(cda::translate(given), given)),
        Some(Format::FhirJson) => Ok(document::in_folder(fhir::translate(given), given)),
        Some(Format::FhirXml) => Ok(document::in_folder(fhir::translate_xml(given), given)),
        Some(Format::Document(content_type)) => Ok(document::translate(content_type, given)),
        Some(format @ (Format::Csv | Format::ExportJson)) => Ok(export::translate(format, given)),
        _ if letter.bytes.iter().all(u8::is_ascii_whitespace) => refuse(&EMPTY),
        _ => refuse(&UNKNOWN_FORMAT),
    }
}
