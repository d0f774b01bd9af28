//! Facts: what search and consent need of a resource version, computed once when it is stored (design decision 4c).

use std::borrow::Cow;

use crate::fhir::time::Interval;
use crate::fhir::{PatientKey, ResourceId, ResourceType, oid, system};

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
    /// Hidden until somebody has looked at it: a rule says so, and nothing known is on it ([`super::label_rules`]).
    pub const PENDING: Labels = Labels(1 << 3);
    /// v3-Confidentiality R, restricted.
    pub const RESTRICTED: Labels = Labels(1 << 4);
    /// v3-Confidentiality V, very restricted.
    pub const VERY_RESTRICTED: Labels = Labels(1 << 5);

    /// Both sets together.
    pub fn union(self, other: Labels) -> Labels {
        Labels(self.0 | other.0)
    }

    /// Those of this set that are in the other one too.
    pub fn and(self, other: Labels) -> Labels {
        Labels(self.0 & other.0)
    }

    /// Those of this set that are not in the other one.
    pub fn without(self, other: Labels) -> Labels {
        Labels(self.0 & !other.0)
    }

    /// Whether there is none.
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }
}

/// A search parameter as a number: one for each code (`SearchParameter.code`), whatever the type. The numbers stand in
/// `r4.txt`; they are stored and must not change.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Parameter(pub u16);

#[allow(missing_docs)] // the names are the standard's codes
impl Parameter {
    /// Of what is kept as no fact: parameters that an operator loaded are read from the body.
    pub const NONE: Parameter = Parameter(0);
    /// When what a resource tells of was so (a date, [`clinical_interval`]); no parameter of a search.
    pub const CLINICAL: Parameter = Parameter(1);
    /// Of what contains other resources (a token); no parameter of a search.
    pub const CONTAINED: Parameter = Parameter(2);
    /// Of what refers to a version of something (a token); no parameter of a search.
    pub const VERSIONED: Parameter = Parameter(3);
    pub const IDENTIFIER: Parameter = Parameter(8);
    pub const STATUS: Parameter = Parameter(9);
    pub const PATIENT: Parameter = Parameter(10);
    pub const DATE: Parameter = Parameter(11);
    pub const SUBJECT: Parameter = Parameter(12);
    pub const CODE: Parameter = Parameter(14);
    pub const TYPE: Parameter = Parameter(15);
    pub const ENCOUNTER: Parameter = Parameter(16);
    pub const CATEGORY: Parameter = Parameter(17);
    pub const BASED_ON: Parameter = Parameter(19);
    pub const PERIOD: Parameter = Parameter(26);
    pub const INTENT: Parameter = Parameter(27);
    pub const TARGET: Parameter = Parameter(34);
    pub const AUTHORED: Parameter = Parameter(35);
    pub const ISSUED: Parameter = Parameter(43);
    pub const OCCURRENCE: Parameter = Parameter(45);
    pub const SPECIMEN: Parameter = Parameter(48);
    pub const CLINICAL_STATUS: Parameter = Parameter(55);
    pub const RESULT: Parameter = Parameter(62);
    pub const VERIFICATION_STATUS: Parameter = Parameter(65);
    pub const CLASS: Parameter = Parameter(76);
    pub const RECORDED_DATE: Parameter = Parameter(110);
    pub const ACTIVE: Parameter = Parameter(140);
    pub const GENDER: Parameter = Parameter(151);
    pub const BIRTHDATE: Parameter = Parameter(159);
}

/// A token: system ([`token_hash`]) and code ([`folded_hash`], or [`caseless_hash`] where its case does not matter) as
/// 64-bit hashes; 0 stands for "no system". A reference
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

/// The hash of a code or an identifier's value whose case does not matter. It is no [`folded_hash`], so that the two never
/// match one another by accident, but where there is no case to speak of.
pub fn caseless_hash(text: &str) -> u64 {
    let folded = folded(text);
    match caseless(&folded) {
        Cow::Borrowed(_) => token_hash(&folded),
        Cow::Owned(lower) => hash(&[&lower, "\0"]),
    }
}

/// The text in lower case; borrowed where it has no letter that has a case.
pub fn caseless(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        let cased = text.bytes().any(|byte| byte.is_ascii_alphabetic());
        return if cased { Cow::Owned(text.to_ascii_lowercase()) } else { Cow::Borrowed(text) };
    }
    let lower = text.to_lowercase();
    if lower == text && text.to_uppercase() == text { Cow::Borrowed(text) } else { Cow::Owned(lower) }
}

/// Whether the codes of an element tell upper from lower case (search.html#token). The code systems of HL7 say so of
/// themselves (CodeSystem.caseSensitive), and UCUM; an identifier, a ContactPoint, a string and a code of any other system are
/// in doubt, and then "servers SHOULD treat tokens in a case-insensitive manner". `found` is the R4 type of the element,
/// `system` the system that it states or implies, by its canonical name.
pub fn is_case_sensitive(found: &str, system: &str) -> bool {
    match found {
        "Identifier" | "ContactPoint" | "string" | "markdown" => false,
        "Coding" | "CodeableConcept" => of_hl7(system),
        "code" => system.is_empty() || of_hl7(system),
        _ => true,
    }
}

/// `http://hl7.org/fhir/sid/` is the namespace of systems of others.
fn of_hl7(system: &str) -> bool {
    let own = |rest: &str| !rest.starts_with("sid/");
    system == system::UCUM
        || system.starts_with("http://terminology.hl7.org/CodeSystem/")
        || system.strip_prefix("http://hl7.org/fhir/").is_some_and(own)
}

/// The hash of a code as whatever is of its system keeps it.
pub fn coded_hash(system: &str, code: &str) -> u64 {
    code_hash(code, is_case_sensitive("Coding", oid::canonical(system)))
}

/// The hash of a code as an element keeps it; see [`is_case_sensitive`].
pub fn code_hash(code: &str, is_case_sensitive: bool) -> u64 {
    if is_case_sensitive { folded_hash(code) } else { caseless_hash(code) }
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

/// The elements that say when what a resource tells of was so: its clinical date, else when it was ordered, noted down or
/// issued. The first of these that is stated counts, the whole of its dates.
pub(super) const CLINICAL_ELEMENTS: [&[&str]; 4] = [
    &[
        "effective",
        "performed",
        "occurrence",
        "occurred",
        "onset",
        "reaction.onset",
        "collection.collected",
        "period",
        "date",
        "dateTime",
        "start",
        "started",
        "timestamp",
    ],
    &["authored", "authoredOn", "created", "dateAsserted", "whenHandedOver"],
    &["recordedDate", "recorded"],
    &["issued"],
];

/// When what a resource tells of was so, as a whole.
pub fn clinical_interval(dates: &[DateFact]) -> Option<Interval> {
    let fact = dates.iter().find(|fact| fact.parameter == Parameter::CLINICAL)?;
    Some(Interval { start: fact.start, end: fact.end })
}

/// The hash of a reference `Type/id`.
pub fn reference_hash(resource_type: ResourceType, id: &str) -> u64 {
    hash(&[resource_type.name(), "/", id])
}

/// [`Facts::origin`] of what a caller stated over REST; no sender's order hashes to it.
pub const BY_CALLER: u64 = 1;
/// The same of what was stated under an id that was assigned for it.
pub const CREATED_BY_CALLER: u64 = 2;

impl Facts {
    /// Whether it is what a caller stated over REST, and no letter.
    pub fn is_by_caller(&self) -> bool {
        matches!(self.origin, BY_CALLER | CREATED_BY_CALLER)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_reference_is_hashed_as_it_is_written() {
        assert_eq!(reference_hash(ResourceType::PATIENT, "a"), token_hash("Patient/a"));
    }

    /// PSTR-07
    #[test]
    fn case_matters_where_a_system_says_so() {
        for (found, system, expected) in [
            ("Identifier", "urn:x", false),
            ("ContactPoint", "", false),
            ("string", "", false),
            ("Coding", "", false),
            ("Coding", "http://loinc.org", false),
            ("Coding", "http://hl7.org/fhir/sid/icd-10", false),
            ("Coding", "http://hl7.org/fhir/observation-status", true),
            ("CodeableConcept", "http://terminology.hl7.org/CodeSystem/v2-0203", true),
            ("Coding", "http://unitsofmeasure.org", true),
            ("code", "http://hl7.org/fhir/observation-status", true),
            ("code", "urn:ietf:bcp:47", false),
            ("code", "", true),
            ("id", "", true),
            ("uri", "", true),
        ] {
            assert_eq!(is_case_sensitive(found, system), expected, "PSTR-07 {found} {system}");
        }
        assert_eq!(caseless_hash("ABC"), caseless_hash("ａｂc"));
        assert_ne!(caseless_hash("abc"), folded_hash("abc"));
        for plain in ["", "12-3", "見本", "12.4"] {
            assert_eq!(caseless_hash(plain), folded_hash(plain));
        }
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
}
