//! Facts: what search and consent need of a resource version, computed once when it is stored (design decision 4c).

use std::borrow::Cow;

use crate::fhir::time::Interval;
use crate::fhir::{PatientKey, ResourceId, ResourceType, oid};

pub use super::extract::{Extracted, extract, extract_in};

/// Sensitivity of a version; a set of bits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Labels(pub u32);

impl Labels {
    /// 未告知: the patient has not been told (JP-CLINS `UNINFORMED`).
    pub const UNINFORMED: Labels = Labels(1);
    /// 未提供: given neither to other institutions nor to the patient (JP-CLINS `UNDELIVERED`).
    pub const UNDELIVERED: Labels = Labels(2);
    /// A label of a kind this program does not know: hidden until it does.
    pub const UNKNOWN: Labels = Labels(4);

    /// Both sets together.
    pub fn union(self, other: Labels) -> Labels {
        Labels(self.0 | other.0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A search parameter whose values are kept as facts. The number is stored and must not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Parameter {
    /// `identifier` (token)
    Identifier = 1,
    /// `code` (token): the type's main code
    Code = 2,
    /// `category` (token)
    Category = 3,
    /// `status` (token)
    Status = 4,
    /// `date` and its siblings (`onset-date`, `occurrence`, `collected` ...): when what it tells of was so
    Date = 5,
    /// `patient`, `subject`, `beneficiary` (reference)
    Patient = 6,
    /// `encounter` (reference)
    Encounter = 7,
    /// `clinical-status` (token)
    ClinicalStatus = 8,
    /// `verification-status` (token)
    VerificationStatus = 9,
    /// `type` (token)
    Type = 10,
    /// `class` (token)
    Class = 11,
    /// `intent` (token)
    Intent = 12,
    /// `active` (token)
    Active = 13,
    /// `gender` (token)
    Gender = 14,
    /// `recorded-date`, `recorded`, AllergyIntolerance `date`: when it was noted down
    RecordedDate = 15,
    /// `authoredon`, `authored`
    Authored = 16,
    /// `issued`
    Issued = 17,
    /// `period` (date): what a document or a consent covers
    Period = 18,
    /// MedicationRequest `date`: when the drug is to be taken
    Timing = 19,
    /// `birthdate`
    BirthDate = 20,
    /// `target` (reference)
    Target = 21,
    /// `specimen` (reference)
    Specimen = 22,
    /// `based-on` (reference)
    BasedOn = 23,
    /// `result` (reference)
    Result = 24,
}

impl Parameter {
    /// Every parameter, in the order of the numbers.
    pub const ALL: [Parameter; 24] = [
        Parameter::Identifier,
        Parameter::Code,
        Parameter::Category,
        Parameter::Status,
        Parameter::Date,
        Parameter::Patient,
        Parameter::Encounter,
        Parameter::ClinicalStatus,
        Parameter::VerificationStatus,
        Parameter::Type,
        Parameter::Class,
        Parameter::Intent,
        Parameter::Active,
        Parameter::Gender,
        Parameter::RecordedDate,
        Parameter::Authored,
        Parameter::Issued,
        Parameter::Period,
        Parameter::Timing,
        Parameter::BirthDate,
        Parameter::Target,
        Parameter::Specimen,
        Parameter::BasedOn,
        Parameter::Result,
    ];

    /// The parameter behind a stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        Self::ALL.get(usize::from(number).checked_sub(1)?).copied()
    }
}

/// A token: system ([`token_hash`]) and code ([`folded_hash`]) as 64-bit hashes; 0 stands for "no system". A reference
/// that a parameter reads is kept as a token too: without system, its code the [`reference_hash`], or the
/// [`token_hash`] of an absolute URL or urn.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Token {
    /// Which parameter.
    pub parameter: Parameter,
    /// Hash of the system, 0 when there is none.
    pub system: u64,
    /// Hash of the code or value.
    pub code: u64,
}

/// A date as the interval it covers, milliseconds since 1970, end exclusive.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateFact {
    /// Which parameter.
    pub parameter: Parameter,
    /// First millisecond.
    pub start: i64,
    /// First millisecond after.
    pub end: i64,
}

/// What is known of a version without reading its body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Facts {
    /// Its type.
    pub resource_type: ResourceType,
    /// Its id.
    pub id: ResourceId,
    /// Its version number, from 1.
    pub version: u32,
    /// Whether this version says that the resource is gone.
    pub deleted: bool,
    /// When it was stored, milliseconds since 1970.
    pub last_updated: i64,
    /// The business time of what it says, milliseconds since 1970; `i64::MIN` when none was stated.
    pub occurred: i64,
    /// When its members were stated, where messages tell it in parts (visits): the [`token_hash`] of each member's name, and
    /// milliseconds since 1970. Empty where it was stated whole, at `occurred`.
    pub stated: Vec<(u64, i64)>,
    /// How well the sender stated it: 0 in passing ([`crate::map::Change::PutWeak`]), 1 as such.
    pub rank: u8,
    /// Which whole list it belongs to: 0 none, 1 problems, 2 allergies.
    pub list: u8,
    /// Hash of the sender's order that it was stated for, 0 for none: when the order is stated anew, what is not stated
    /// again is gone.
    pub origin: u64,
    /// Its own labels and those of anything contained or enclosed in it.
    pub labels: Labels,
    /// [`crate::fhir::Draft::content_hash`].
    pub content: u128,
    /// Every Patient it names (compartment references), as keys; a reference to a Patient that is not ours gives
    /// `PatientKey(0)`, which no consent covers.
    pub patients: Vec<PatientKey>,
    /// Tokens.
    pub tokens: Vec<Token>,
    /// Dates.
    pub dates: Vec<DateFact>,
    /// Hashes ([`reference_hash`]) of every `Type/id` it refers to, for label propagation and reference search.
    pub references: Vec<u64>,
}

/// The hash of a token's system: the OID and the URL of one system are the same.
pub fn system_hash(system: &str) -> u64 {
    token_hash(oid::canonical(system))
}

/// The hash of a token's system or code: the first eight bytes of SHA-256, never 0 except for the empty text.
pub fn token_hash(text: &str) -> u64 {
    if text.is_empty() { 0 } else { hash(&[text]) }
}

fn hash(parts: &[&str]) -> u64 {
    use sha2::{Digest, Sha256};
    let mut sha = Sha256::new();
    for part in parts {
        sha.update(part.as_bytes());
    }
    let digest = sha.finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    u64::from_be_bytes(first).max(1)
}

/// The hash of a code or an identifier's value: full-width letters, digits and signs, and half-width kana, count as
/// their normal forms, on the side of the record and on the side of the query (JP Core 1.2.0 string search; the symbol
/// and number of an insurance card come in either width).
pub fn folded_hash(text: &str) -> u64 {
    token_hash(&folded(text))
}

/// The text in normal width: what NFKC does to full-width ASCII, the ideographic space and half-width kana.
pub fn folded(text: &str) -> Cow<'_, str> {
    /// U+FF61 to U+FF9F.
    const KANA: &str = "。「」、・ヲァィゥェォャュョッーアイウエオカキクケコサシスセソタチツテトナニヌネノハヒフヘホマミムメモヤユヨラリルレロワン゛゜";
    if text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut half = false;
    for c in text.chars() {
        let voiced = match (c, out.chars().last().filter(|_| half)) {
            ('ﾞ', Some('ウ')) => Some('ヴ'),
            ('ﾞ', Some(before @ ('カ'..='ト' | 'ハ'..='ホ'))) => char::from_u32(before as u32 + 1),
            ('ﾟ', Some(before @ 'ハ'..='ホ')) => char::from_u32(before as u32 + 2),
            _ => None,
        };
        half = ('｡'..='ﾟ').contains(&c);
        if let Some(voiced) = voiced {
            out.pop();
            out.push(voiced);
            continue;
        }
        out.push(match c {
            '！'..='～' => char::from_u32(c as u32 - 0xFEE0).unwrap_or(c),
            '\u{3000}' => ' ',
            '｡'..='ﾟ' => KANA.chars().nth((c as u32 - 0xFF61) as usize).unwrap_or(c),
            c => c,
        });
    }
    Cow::Owned(out)
}

/// When what a resource tells of was so: its clinical date, else when it was ordered, noted down or issued. The whole
/// of its dates of that kind.
pub fn clinical_interval(dates: &[DateFact]) -> Option<Interval> {
    [Parameter::Date, Parameter::Authored, Parameter::RecordedDate, Parameter::Issued].into_iter().find_map(|wanted| {
        let of_kind = || dates.iter().filter(move |fact| fact.parameter == wanted);
        let start = of_kind().map(|fact| fact.start).min()?;
        Some(Interval { start, end: of_kind().map(|fact| fact.end).max()? })
    })
}

/// The hash of a reference `Type/id`.
pub fn reference_hash(resource_type: ResourceType, id: &str) -> u64 {
    hash(&[resource_type.name(), "/", id])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_hashed_as_it_is_written() {
        assert_eq!(reference_hash(ResourceType::PATIENT, "a"), token_hash("Patient/a"));
    }

    #[test]
    fn width_does_not_matter() {
        for (wide, normal) in
            [("１８７：Ａz", "187:Az"), ("ｱｲｶﾞﾊﾟｳﾞ", "アイガパヴ"), ("　", " "), ("あいう", "あいう"), ("カﾞ", "カ゛")]
        {
            assert_eq!(folded(wide), normal);
            assert_eq!(folded_hash(wide), folded_hash(normal));
        }
    }

    #[test]
    fn the_clinical_date_comes_before_the_paper_one() {
        let fact = |parameter, start| DateFact { parameter, start, end: start + 1 };
        let dates = [fact(Parameter::RecordedDate, 9), fact(Parameter::Date, 5), fact(Parameter::Date, 1)];
        assert_eq!(clinical_interval(&dates), Some(Interval { start: 1, end: 6 }));
        assert_eq!(clinical_interval(&dates[..1]), Some(Interval { start: 9, end: 10 }));
        assert_eq!(clinical_interval(&[]), None);
    }
}
