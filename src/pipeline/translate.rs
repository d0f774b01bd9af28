//! From bytes to changes: which decoder a letter needs, and the mapper behind it. Nothing is stored here.

use crate::decode::ssmix2::FileName;
use crate::decode::{charset, fhir, hl7v2};
use crate::fault::{Fault, Issue, IssueType, Noted, Place, Rule, Severity};
use crate::fhir::{FacilityCode, PatientKey};
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
pub type Translation = Result<Noted<Vec<Mapped>>, Vec<Issue>>;

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
    let read = fhir::read(&letter.bytes).map_err(|issue| vec![issue])?;
    let found = validate::structure(&read.value);
    if found.iter().any(|issue| issue.rule.severity >= Severity::Error) {
        return Err(found);
    }
    let context = map::fhir::Context { source: &letter.source, letter: id };
    let mut mapped = map::fhir::map(&read.value, context).map_err(|issue| vec![issue])?;
    mapped.issues.splice(0..0, read.issues.into_iter().chain(found));
    Ok(mapped)
}

fn translate_hl7v2(
    letter: &Letter,
    id: LetterId,
    known: impl FnOnce(PatientKey) -> Result<Known, Fault>,
) -> Result<Translation, Fault> {
    let text = charset::decode(&letter.bytes);
    let message = match hl7v2::Message::parse(&text.value) {
        Ok(message) => message,
        Err(issue) => return Ok(Err(vec![issue])),
    };
    let name = match file_name(letter) {
        Ok(name) => name,
        Err(issue) => return Ok(Err(vec![issue])),
    };
    let known = match map::hl7v2::patient_number(&message.value) {
        Some(number) => known(PatientKey::derive(&facility(letter, &message.value), &number))?,
        None => Known::default(),
    };
    let context = map::hl7v2::Context { source: &letter.source, name: name.as_ref(), letter: id, known: &known };
    Ok(match map::hl7v2::map(&message.value, context) {
        Err(issue) => Err(vec![issue]),
        Ok(mapped) => {
            let issues = text.issues.into_iter().chain(message.issues).chain(mapped.issues).collect();
            Ok(Noted { value: vec![mapped.value], issues })
        }
    })
}

/// The configured facility, or the one the message names as its sender.
fn facility(letter: &Letter, message: &hl7v2::Message<'_>) -> FacilityCode {
    map::hl7v2::facility(message, &letter.source)
}

/// What the name says, when it is that of a file of SS-MIX2 storage; a name that tries to be one and fails is an issue.
fn file_name(letter: &Letter) -> Result<Option<FileName>, Issue> {
    crate::decode::ssmix2::of_path(&letter.name)
}
