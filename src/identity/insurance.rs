//! Insurance: the medical one (保険者番号, 記号, 番号, 枝番) and the one for long-term care (保険者番号, 被保険者番号).
//! The resources keep their numbers as they were sent; here they are folded for comparing.
//!
//! A medical insurance's 記号 and 番号 are a family's; only with its 枝番 it is one person's. The insurance of those over 75
//! (後期高齢者医療, insurers 39…) is a person's from the start.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::fhir::{oid, system};

use super::text;

/// Characters of one part of a number that count.
const CHARS_MAX: usize = 40;

/// When an insurance holds: `YYYYMMDD` of its first and its last day.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Span {
    /// First day, 0 where it is not known.
    pub start: u32,
    /// Last day, `u32::MAX` where it is not known.
    pub end: u32,
}

impl Span {
    /// Of a FHIR `Period`.
    fn read(period: Option<&Value>) -> Self {
        let day = |field: &str| {
            let text = period?.get(field)?.as_str()?;
            let figures: String = text.chars().take(10).filter(char::is_ascii_digit).collect();
            // A year or a month covers its days: zeros sort before, nines behind.
            let filler = if field == "start" { '0' } else { '9' };
            format!("{figures:<8}").replace(' ', &filler.to_string()).parse().ok()
        };
        Span { start: day("start").unwrap_or(0), end: day("end").unwrap_or(u32::MAX) }
    }

    /// Whether both can hold on one day.
    pub fn meets(self, other: Self) -> bool {
        self.start <= other.end && other.start <= self.end
    }
}

/// Medical insurance, folded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Medical {
    /// 保険者番号, eight figures (six of 国民健康保険 with 00 before them).
    pub insurer: String,
    /// 記号.
    pub symbol: String,
    /// 番号, without leading zeros.
    pub number: String,
    /// 枝番.
    pub branch: Option<u8>,
    /// When it holds.
    pub span: Span,
}

impl Medical {
    /// 被保険者識別子 as JP-CLINS writes it: `insurer:symbol:number:branch`.
    pub fn of_member_id(value: &str, span: Span) -> Option<Self> {
        let mut parts = value.split([':', '：']);
        let (insurer, symbol, number) = (parts.next()?, parts.next()?, parts.next()?);
        Self::of_parts(insurer, symbol, number, parts.next().unwrap_or_default(), span)
    }

    /// The same in parts. `None` without an insurer's number or a number.
    pub fn of_parts(insurer: &str, symbol: &str, number: &str, branch: &str, span: Span) -> Option<Self> {
        let insurer = figures(insurer);
        let number = compared(number);
        if !(5..=8).contains(&insurer.len()) || number.is_empty() || is_filled_in(&insurer) || is_filled_in(&number) {
            return None;
        }
        let branch = figures(branch);
        let branch = (branch.len() <= 2).then(|| branch.parse().ok()).flatten();
        Some(Medical { insurer: format!("{insurer:0>8}"), symbol: compared(symbol), number, branch, span })
    }

    /// 記号 and 番号 of the same insurer: the same family, or the same person.
    pub fn is_household_of(&self, other: &Self) -> bool {
        self.insurer == other.insurer && self.number == other.number && self.symbol == other.symbol
    }

    /// Whether its number is of one person alone, whatever its branch: 後期高齢者医療.
    pub fn is_personal(&self) -> bool {
        self.insurer.starts_with("39")
    }
}

/// Insurance for long-term care, folded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Care {
    /// 保険者番号 of the municipality, six figures; empty where it was not told.
    pub insurer: String,
    /// 被保険者番号, ten figures, or H and nine (生活保護).
    pub number: String,
    /// When it holds.
    pub span: Span,
}

impl Care {
    /// `insurer:number`, as the identifier of [`system::CARE_INSURED`] has it. A number without its insurer is not
    /// unique and is not read; nor is one that is too long. Shorter ones get their leading zeros back, which
    /// spreadsheets drop.
    pub fn of_value(value: &str, span: Span) -> Option<Self> {
        let (insurer, number) = value.split_once([':', '：'])?;
        let (insurer, number) = (figures(insurer), compared(number).to_uppercase());
        let (has_h, tail) = number.strip_prefix('H').map_or((false, number.as_str()), |tail| (true, tail));
        let width = if has_h { 9 } else { 10 };
        let is_number = (1..=width).contains(&tail.len()) && tail.bytes().all(|b| b.is_ascii_digit());
        if !(5..=6).contains(&insurer.len()) || !is_number || is_filled_in(&insurer) || is_filled_in(tail) {
            return None;
        }
        let tail = format!("{tail:0>width$}");
        let number = if has_h { format!("H{tail}") } else { tail };
        Some(Care { insurer: format!("{insurer:0>6}"), number, span })
    }
}

/// What an identifier of a Patient or a Coverage says of insurance.
pub(super) fn of_identifier(identifier: &Value, coverage: Option<&Value>) -> (Option<Medical>, Option<Care>) {
    let text_of = |field: &str| identifier.get(field).and_then(Value::as_str).unwrap_or_default();
    let value = text_of("value");
    let span = Span::read(coverage.unwrap_or(identifier).get("period"));
    match oid::canonical(text_of("system")) {
        system::INSURANCE_MEMBER => (Medical::of_member_id(value, span), None),
        system::CARE_INSURED => (None, Care::of_value(value, span)),
        _ => (None, None),
    }
}

/// Medical insurance of a Coverage whose parts stand in the extensions of JP_Coverage, with the insurer's number in `payor`.
pub(super) fn of_extensions(coverage: &Value) -> Option<Medical> {
    let part = |name: &str| {
        let all = coverage.get("extension")?.as_array()?;
        let is_it = |e: &&Value| {
            let url = e.get("url").and_then(Value::as_str).unwrap_or_default();
            url.strip_prefix(system::JP_EXTENSION).and_then(|n| n.strip_prefix("JP_Coverage_InsuredPerson"))
                == Some(name)
        };
        all.iter().take(32).find(is_it)?.get("valueString")?.as_str()
    };
    let payors = coverage.get("payor")?.as_array()?;
    let insurer = payors.iter().take(4).find_map(|payor| {
        let identifier = payor.get("identifier")?;
        let is_insurer = oid::canonical(identifier.get("system")?.as_str()?) == system::INSURER_NUMBER;
        is_insurer.then(|| identifier.get("value")?.as_str()).flatten()
    })?;
    let span = Span::read(coverage.get("period"));
    Medical::of_parts(
        insurer,
        part("Symbol").unwrap_or_default(),
        part("Number")?,
        part("SubNumber").unwrap_or_default(),
        span,
    )
}

fn figures(value: &str) -> String {
    text::plain(value, CHARS_MAX).chars().filter(char::is_ascii_digit).collect()
}

/// Letters and figures alone, in one width and size, katakana as hiragana; a number without its leading zeros.
fn compared(value: &str) -> String {
    let plain: String = text::plain(value, CHARS_MAX)
        .chars()
        .filter(|c| c.is_alphanumeric() && !text::is_dash(*c))
        .flat_map(char::to_lowercase)
        .map(|c| if ('ァ'..='ヶ').contains(&c) { char::from_u32(c as u32 - 0x60).unwrap_or(c) } else { c })
        .collect();
    if plain.bytes().all(|b| b.is_ascii_digit()) { plain.trim_start_matches('0').to_owned() } else { plain }
}

/// Zeros or nines alone: what is typed where a number must be but is not known.
fn is_filled_in(number: &str) -> bool {
    number.bytes().all(|b| b == b'0') || (number.len() > 3 && number.bytes().all(|b| b == b'9'))
}
