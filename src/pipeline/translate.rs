//! From bytes to changes: which decoder a letter needs, and the mapper behind it. Nothing is stored here.

use crate::decode::ssmix2::{self, Naming};
use crate::decode::{charset, fhir, hl7v2};
use crate::fault::{Fault, Issue, IssueType, Noted, Place, Rule, Severity};
use crate::fhir::PatientKey;
use crate::letter::{Letter, LetterId};
use crate::map::{self, Known, Mapped};
use crate::validate;

/// Neither HL7 v2 nor FHIR JSON.
static UNKNOWN_FORMAT: Rule = Rule {
    id: "letter-format-unknown",
    severity: Severity::Fatal,
    code: IssueType::NotSupported,
    en: "This is neither an HL7 v2 message (it does not begin with MSH) nor FHIR JSON.",
    ja: "HL7 v2メッセージ(MSHで始まる)でもFHIR JSONでもありません。",
};
/// An empty file.
static EMPTY: Rule = Rule {
    id: "letter-empty",
    severity: Severity::Fatal,
    code: IssueType::Required,
    en: "There is nothing in it.",
    ja: "内容が空です。",
};

/// What a letter says, or why nothing of it can be used.
pub type Translation = Result<Noted<Mapped>, Vec<Issue>>;

/// Decodes and maps a letter. `known` is asked once for what is on record about the patient of an HL7 v2 message.
pub fn translate(
    letter: &Letter,
    id: LetterId,
    known: impl FnOnce(PatientKey) -> Result<Known, Fault>,
) -> Result<Translation, Fault> {
    let start = letter.bytes.iter().position(|b| !b.is_ascii_whitespace() && !matches!(b, 0xEF | 0xBB | 0xBF | 0x0B));
    match start.map(|at| letter.bytes[at]) {
        None => Ok(Err(vec![Issue::new(&EMPTY, Place::Whole)])),
        Some(b'{') => Ok(translate_fhir(letter, id)),
        Some(b'M') => translate_hl7v2(letter, id, known),
        Some(_) => Ok(Err(vec![Issue::new(&UNKNOWN_FORMAT, Place::Whole)])),
    }
}

fn translate_fhir(letter: &Letter, id: LetterId) -> Translation {
    let read = fhir::decode(&letter.bytes).map_err(|issue| vec![issue])?;
    let found = validate::validate(&read.value);
    if !found.is_empty() {
        return Err(found);
    }
    let context = map::fhir::Context { source: &letter.source, letter: id };
    let mut mapped = map::fhir::map(&read.value, &letter.bytes, context).map_err(|issue| vec![issue])?;
    mapped.issues.splice(0..0, read.issues);
    Ok(mapped)
}

fn translate_hl7v2(
    letter: &Letter,
    id: LetterId,
    known: impl FnOnce(PatientKey) -> Result<Known, Fault>,
) -> Result<Translation, Fault> {
    let text = charset::decode(&letter.bytes);
    let mut issues = text.issues;
    let name = match ssmix2::naming(&letter.name) {
        Naming::Misnamed(issue) => return Ok(Err(vec![issue])),
        Naming::Other => None,
        Naming::Named(noted) => {
            issues.extend(noted.issues);
            Some(noted.value)
        }
    };
    let message = match hl7v2::Message::parse(&text.value) {
        Ok(message) => message,
        Err(issue) => return Ok(Err(vec![issue])),
    };
    issues.extend(message.issues);
    let message = message.value;
    let known = match map::hl7v2::record(&message, &letter.source) {
        // Only visits are mapped differently for what is known already.
        Some(patient) if map::hl7v2::needs_known(&message) => known(patient)?,
        _ => Known::default(),
    };
    let context = map::hl7v2::Context { source: &letter.source, name: name.as_ref(), letter: id, known: &known };
    Ok(match map::hl7v2::map(&message, context) {
        Err(issue) => Err(vec![issue]),
        Ok(mapped) => {
            issues.extend(mapped.issues);
            Ok(Noted { value: mapped.value, issues })
        }
    })
}
