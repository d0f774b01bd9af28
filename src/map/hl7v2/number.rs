//! Numbers as senders write them (NM, HL7 v2.5 section 2.A.47) as FHIR decimals: digits and trailing zeros kept, only what
//! can be read in one way made regular.

use std::borrow::Cow;

use crate::fhir::writer::is_decimal;

/// A number with the comparator that stood before or after it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Measured {
    /// `<`, `<=`, `>=`, `>`, or empty.
    pub(crate) comparator: &'static str,
    /// A FHIR decimal.
    pub(crate) value: String,
}

/// Comparators before the number; the longer ones first.
const BEFORE: [(&str, &str); 10] = [
    ("<=", "<="),
    ("=<", "<="),
    ("≦", "<="),
    ("≤", "<="),
    (">=", ">="),
    ("=>", ">="),
    ("≧", ">="),
    ("≥", ">="),
    ("<", "<"),
    (">", ">"),
];

/// Comparators after the number, as Japanese puts them.
const AFTER: [(&str, &str); 5] = [("以下", "<="), ("以上", ">="), ("未満", "<"), ("を超える", ">"), ("超", ">")];

/// A number, alone or with one comparator; `None` when the text is anything more than that.
pub(crate) fn measured(text: &str) -> Option<Measured> {
    let narrow = narrow(text);
    let text = narrow.trim();
    let found = |comparator, rest| Some(Measured { comparator, value: decimal(rest)? });
    for (sign, comparator) in BEFORE {
        if let Some(rest) = text.strip_prefix(sign) {
            return found(comparator, rest);
        }
    }
    for (sign, comparator) in AFTER {
        if let Some(rest) = text.strip_suffix(sign) {
            return found(comparator, rest);
        }
    }
    found("", text)
}

/// A FHIR decimal as sent; full-width digits, a leading `+`, leading zeros and a bare point are made regular. Grouping
/// commas are not: `1,234` is 1.234 elsewhere.
pub(crate) fn decimal(text: &str) -> Option<String> {
    let narrow = narrow(text);
    let text = narrow.trim();
    let unsigned = text.strip_prefix('+').unwrap_or(text);
    if is_decimal(unsigned) && (unsigned.len() == text.len() || !unsigned.starts_with('-')) {
        return Some(unsigned.to_owned());
    }
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => ("-", digits),
        None => ("", unsigned),
    };
    let (whole, fraction) = digits.split_once('.').unwrap_or((digits, ""));
    let is_digits = |part: &str| part.bytes().all(|b| b.is_ascii_digit());
    if !is_digits(whole) || !is_digits(fraction) || (whole.is_empty() && fraction.is_empty()) {
        return None;
    }
    let whole = whole.trim_start_matches('0');
    let whole = if whole.is_empty() { "0" } else { whole };
    let point = if fraction.is_empty() { "" } else { "." };
    Some(format!("{sign}{whole}{point}{fraction}"))
}

/// Full-width ASCII (U+FF01 to U+FF5E), the ideographic space and the minus sign of JIS X 0208 as ASCII.
pub(crate) fn narrow(text: &str) -> Cow<'_, str> {
    let ascii = |c: char| match c {
        '\u{ff01}'..='\u{ff5e}' => char::from_u32(c as u32 - 0xfee0),
        '\u{3000}' => Some(' '),
        '\u{2212}' => Some('-'),
        _ => None,
    };
    if text.is_ascii() || !text.chars().any(|c| ascii(c).is_some()) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(text.chars().map(|c| ascii(c).unwrap_or(c)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_are_kept_and_only_the_unambiguous_is_made_regular() {
        let cases = [
            ("1.00", "1.00"),
            (" 5.8 ", "5.8"),
            ("-0.5", "-0.5"),
            ("+3", "3"),
            ("＋３．１０", "3.10"),
            ("−２", "-2"),
            ("007", "7"),
            ("00.50", "0.50"),
            (".5", "0.5"),
            ("-.5", "-0.5"),
            ("5.", "5"),
            ("1e3", "1e3"),
        ];
        for (sent, read) in cases {
            assert_eq!(decimal(sent).as_deref(), Some(read), "{sent}");
        }
        for bad in ["", ".", "-", "+-3", "--3", "1,234", "1 2", "1.2.3", "五", "(-)", "1+", "０ｘ１", "1/2"] {
            assert_eq!(decimal(bad), None, "{bad}");
        }
    }

    #[test]
    fn a_comparator_is_read_where_it_stands_alone_with_the_number() {
        let cases = [
            ("<0.01", "<", "0.01"),
            ("> 10", ">", "10"),
            ("≧10", ">=", "10"),
            ("＜０．０１", "<", "0.01"),
            ("<=5", "<=", "5"),
            ("≦ 5.0", "<=", "5.0"),
            ("0.5未満", "<", "0.5"),
            ("100 以上", ">=", "100"),
            ("12.30", "", "12.30"),
        ];
        for (sent, comparator, value) in cases {
            assert_eq!(measured(sent), Some(Measured { comparator, value: value.into() }), "{sent}");
        }
        for bad in ["<", "<10 再検", "陰性(<0.1)", "<>5", "<5以上", "~5"] {
            assert_eq!(measured(bad), None, "{bad}");
        }
    }
}
