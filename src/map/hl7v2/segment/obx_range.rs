//! OBX-7 reference range (HL7 v2.5 section 7.4.2.7): its bounds, where the text says them in one way only.

use crate::map::hl7v2::number::{Measured, decimal, measured, narrow};

/// The bounds a reference range states; at least one of them.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Bounds {
    /// A FHIR decimal.
    pub(crate) low: Option<String>,
    /// A FHIR decimal.
    pub(crate) high: Option<String>,
}

/// What stands between two bounds: hyphens, dashes and the wave dash in its two encodings.
const SEPARATORS: [char; 7] = ['-', '~', '\u{301c}', '\u{2010}', '\u{2013}', '\u{2014}', '\u{ff70}'];

/// The bounds in a text like `6.7-8.3`, `-2～2`, `<10`, `5-`, `-10` (up to ten), `5以上`, `5以上10未満`; the unit may stand
/// behind. `None` where anything else is said: the text alone stands then.
pub(crate) fn bounds(text: &str, unit: &str) -> Option<Bounds> {
    let narrow_text = narrow(text);
    let mut text = narrow_text.trim();
    if let Some(inner) = text.strip_prefix(['(', '[']).and_then(|t| t.strip_suffix([')', ']'])) {
        text = inner.trim();
    }
    if !unit.is_empty() {
        text = text.strip_suffix(narrow(unit).trim()).unwrap_or(text).trim_end();
    }
    let found = one_sided(text).or_else(|| spelled_out(text)).or_else(|| separated(text))?;
    let in_order = match (&found.low, &found.high) {
        (Some(low), Some(high)) => low.parse::<f64>().ok()? <= high.parse::<f64>().ok()?,
        _ => true,
    };
    in_order.then_some(found)
}

/// `<10`, `≧5`, `10未満`.
fn one_sided(text: &str) -> Option<Bounds> {
    bound(measured(text)?)
}

/// `5以上10未満`.
fn spelled_out(text: &str) -> Option<Bounds> {
    let (low, high) = text.split_once("以上")?;
    let high = bound(measured(high.trim_start_matches(['、', ',', '~', ' ']))?)?;
    Some(Bounds { low: Some(decimal(low)?), high: Some(high.high?) })
}

fn bound(found: Measured) -> Option<Bounds> {
    match found.comparator {
        "" => None,
        "<" | "<=" => Some(Bounds { low: None, high: Some(found.value) }),
        _ => Some(Bounds { low: Some(found.value), high: None }),
    }
}

/// Two numbers, or one, around a separator; a hyphen directly before a number may be its sign.
fn separated(text: &str) -> Option<Bounds> {
    let sides = || {
        text.char_indices()
            .filter(|(_, c)| SEPARATORS.contains(c))
            .map(|(at, c)| (text[..at].trim(), text[at + c.len_utf8()..].trim()))
    };
    let both = sides().find_map(|(low, high)| Some((decimal(low)?, decimal(high)?)));
    if let Some((low, high)) = both {
        return Some(Bounds { low: Some(low), high: Some(high) });
    }
    sides().find_map(|(low, high)| match (low.is_empty(), high.is_empty()) {
        (true, false) => Some(Bounds { low: None, high: Some(decimal(high)?) }),
        (false, true) => Some(Bounds { low: Some(decimal(low)?), high: None }),
        _ => None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn certain_bounds_are_read() {
        let cases = [
            ("6.7-8.3", "6.7", "8.3"),
            ("6.70～8.30", "6.70", "8.30"),
            ("6.70〜8.30", "6.70", "8.30"),
            ("６．７－８．３", "6.7", "8.3"),
            ("3 - 5", "3", "5"),
            ("-2.0～2.0", "-2.0", "2.0"),
            ("-5-5", "-5", "5"),
            ("-5--1", "-5", "-1"),
            ("(6.7-8.3)", "6.7", "8.3"),
            ("6.7-8.3 g/dL", "6.7", "8.3"),
            ("-10", "", "10"),
            ("～10", "", "10"),
            ("5-", "5", ""),
            ("<10", "", "10"),
            (">5", "5", ""),
            ("≦10", "", "10"),
            ("≧ 5", "5", ""),
            ("10以下", "", "10"),
            ("10未満", "", "10"),
            ("5以上", "5", ""),
            ("5以上10未満", "5", "10"),
            ("5 g/dL以上", "", ""),
        ];
        for (sent, low, high) in cases {
            let some = |t: &str| (!t.is_empty()).then(|| t.to_owned());
            let read = bounds(sent, "g/dL");
            if low.is_empty() && high.is_empty() {
                assert_eq!(read, None, "{sent}");
            } else {
                assert_eq!(read, Some(Bounds { low: some(low), high: some(high) }), "{sent}");
            }
        }
    }

    #[test]
    fn anything_else_stays_text() {
        for text in ["", "(-)", "陰性", "-", "～", "8.3-6.7", "M:13-17 F:11-15", "1-2-3", "40倍未満", "5", "2020/01-02"]
        {
            assert_eq!(bounds(text, ""), None, "{text}");
        }
    }
}
