//! One field against what the table says of it: whether it is there, how often, how long, of what form (HL7 v2.5 chapter 2A),
//! from which table.

use jiff::civil::Date;

use super::rule::*;
use super::table::Field;
use super::{Check, HL7};
use crate::decode::hl7v2::{Segment, Value};
use crate::fault::Rule;

/// Tables are listed up to so many codes.
const CODES_LISTED_MAX: usize = 20;
/// Codes are quoted up to this many characters; what is longer may be anything.
const QUOTED_CHARS_MAX: usize = 4;

impl Check<'_, '_> {
    /// All fields of a segment that something is said about.
    pub(super) fn fields(&mut self, segment: Segment<'_>) {
        let table = self.table;
        for field in table.fields(segment.name()) {
            let value = segment.peek(field.number);
            if is_blank(value.raw(), self.message.delimiters()) {
                if let Some(source) = self.requires(field) {
                    self.say(&REQUIRED, field, value, segment, source);
                }
                continue;
            }
            if !field.repeats && value.repetitions().nth(1).is_some() {
                self.say(&REPEATED, field, value, segment, self.source(field));
            }
            for one in value.repetitions() {
                self.length(field, one, segment);
                if !one.is_null() {
                    self.form(field, one, segment);
                    self.code(field, one, segment);
                }
            }
        }
        if segment.is("OBX") {
            self.observation(segment);
        }
    }

    fn length(&mut self, field: &Field, value: Value<'_>, segment: Segment<'_>) {
        let count = value.raw().chars().count();
        if count <= field.length {
            return;
        }
        let rule = if field.is_strict_length { &MUCH_TOO_LONG } else { &TOO_LONG };
        let en = format!("{} has {count} characters, at most {}", field.en, field.length);
        let ja = format!("{}は {} 文字までです({count} 文字あります)", field.ja, field.length);
        let at = self.offset(value.raw(), segment);
        self.add_at(rule, value.place(), (&en, &ja), self.source(field), at);
    }

    /// The form that its data type asks for.
    fn form(&mut self, field: &Field, value: Value<'_>, segment: Segment<'_>) {
        let parts: &[u16] = if field.data_type == "DR" { &[1, 2] } else { &[1] };
        for number in parts {
            let part = value.component(*number);
            if part.is_valued()
                && let Some(rule) = misformed(field.data_type, &part.text())
            {
                self.say(rule, field, part, segment, HL7);
            }
        }
    }

    fn code(&mut self, field: &Field, value: Value<'_>, segment: Segment<'_>) {
        let Some(table) = field.table else { return };
        let code = value.component(1);
        if !code.is_valued() || self.table.codes(table).contains(&&*code.text()) {
            return;
        }
        let text = code.text();
        let is_quotable = text.len() <= QUOTED_CHARS_MAX && text.bytes().all(|b| b.is_ascii_alphanumeric());
        let found = |label: &str| if is_quotable { format!(" ({label}: {text})") } else { String::new() };
        let codes = self.table.codes(table);
        let listed = if codes.len() > CODES_LISTED_MAX { String::new() } else { format!(": {}", codes.join(" ")) };
        let en = format!("{} is a code of HL7 table {table}{listed}{}", field.en, found("found"));
        let ja = format!("{}は HL7 表 {table} のコードです{listed}{}", field.ja, found("実際"));
        let at = self.offset(code.raw(), segment);
        self.add_at(&CODE, code.place(), (&en, &ja), self.source(field), at);
    }

    /// OBX-5 is of the type that OBX-2 names (section 7.4.2).
    fn observation(&mut self, segment: Segment<'_>) {
        let (kind, value) = (segment.peek(2), segment.peek(5));
        if !value.is_valued() {
            return;
        }
        let names = ("OBX-2", "OBX-2");
        if !kind.is_valued() {
            let at = self.offset(kind.raw(), segment);
            return self.add_at(&VALUE_TYPE, kind.place(), names, HL7, at);
        }
        let kind = kind.text();
        for one in value.repetitions().filter(|one| one.is_valued()) {
            let part = one.component(1);
            if matches!(&*kind, "NM" | "TS" | "DT" | "SI")
                && let Some(rule) = misformed(&kind, &part.text())
            {
                let name = format!("OBX-5 ({kind})");
                let at = self.offset(one.raw(), segment);
                self.add_at(rule, one.place(), (&name, &name), HL7, at);
            }
        }
    }

    /// The standard that speaks: SS-MIX2 where its rules hold.
    fn source(&self, field: &Field) -> &'static str {
        if self.kinds.is_empty() { HL7 } else { field.source }
    }

    fn say(
        &mut self,
        rule: &'static Rule,
        field: &Field,
        value: Value<'_>,
        segment: Segment<'_>,
        source: &'static str,
    ) {
        let at = self.offset(value.raw(), segment);
        self.add_at(rule, value.place(), (field.en, field.ja), source, at);
    }
}

/// Whether nothing is in a field but delimiters. `""` is something: the sender says that there is no value.
fn is_blank(text: &str, delimiters: crate::decode::hl7v2::Delimiters) -> bool {
    let marks = [delimiters.component, delimiters.repetition, delimiters.subcomponent, ' '];
    text.chars().all(|c| marks.contains(&c))
}

/// The rule that a text breaks as a value of a data type.
fn misformed(data_type: &str, text: &str) -> Option<&'static Rule> {
    match data_type {
        "TS" | "DR" if !is_time(text) => Some(&TIME),
        "DT" if text.len() > 8 || !is_time(text) => Some(&DATE),
        "NM" if !is_number(text) => Some(&NUMBER),
        "SI" if text.is_empty() || text.len() > 4 || !text.bytes().all(|b| b.is_ascii_digit()) => Some(&SEQUENCE),
        _ => None,
    }
}

/// HL7 v2.5 section 2.A.46: an optional sign, digits, at most one point.
fn is_number(text: &str) -> bool {
    let plain = text.strip_prefix(['+', '-']).unwrap_or(text);
    let digits = plain.bytes().filter(u8::is_ascii_digit).count();
    digits > 0 && plain.bytes().filter(|b| *b == b'.').count() == plain.len() - digits && plain.len() - digits <= 1
}

/// Section 2.A.77 and 2.A.22, `YYYY[MM[DD[HH[MM[SS[.S[S[S[S]]]]]]]]][+/-ZZZZ]`.
fn is_time(text: &str) -> bool {
    let (text, zone) = text.find(['+', '-']).map_or((text, None), |at| (&text[..at], text.get(at + 1..)));
    let is_zone = |zone: &str| {
        let digits = zone.len() == 4 && zone.bytes().all(|b| b.is_ascii_digit());
        digits
            && zone.get(..2).is_some_and(|hours| hours <= "14")
            && zone.get(2..).is_some_and(|minutes| minutes < "60")
    };
    let (plain, fraction) = text.split_once('.').map_or((text, None), |(plain, fraction)| (plain, Some(fraction)));
    let is_fraction = |fraction: &str| {
        plain.len() == 14 && (1..=4).contains(&fraction.len()) && fraction.bytes().all(|b| b.is_ascii_digit())
    };
    let is_shape = matches!(plain.len(), 4 | 6 | 8 | 10 | 12 | 14) && plain.bytes().all(|b| b.is_ascii_digit());
    if !is_shape || !zone.is_none_or(is_zone) || !fraction.is_none_or(is_fraction) {
        return false;
    }
    let part = |from: usize, to: usize, otherwise: i8| plain.get(from..to).map_or(Some(otherwise), |t| t.parse().ok());
    let year = plain.get(..4).and_then(|year| year.parse::<i16>().ok());
    let date = match (year, part(4, 6, 1), part(6, 8, 1)) {
        (Some(year), Some(month), Some(day)) => Date::new(year, month, day).is_ok(),
        _ => false,
    };
    let at_most = |from: usize, to: usize, most: i8| part(from, to, 0).is_some_and(|n| n <= most);
    date && at_most(8, 10, 23) && at_most(10, 12, 59) && at_most(12, 14, 59)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_numbers_have_their_forms() {
        for good in
            ["2026", "202604", "20260401", "2026040109", "202604010930", "20260401093059", "20260401093059.1234"]
        {
            assert!(is_time(good) && is_time(&format!("{good}+0900")), "{good}");
        }
        for bad in [
            "",
            "26",
            "20260",
            "20260229",
            "20261301",
            "2026040124",
            "202604010960",
            "2026-04-01",
            "20260401+9",
            "20260401+0960",
            "202604010930.5",
            "20260401093059.12345",
            "２０２６",
            "平成30年",
            "20260401093059.",
        ] {
            assert!(!is_time(bad), "{bad}");
        }
        for (text, expected) in [
            ("1", true),
            ("-1.50", true),
            ("+.5", true),
            ("> 10", false),
            ("1.2.3", false),
            ("", false),
            ("-", false),
            ("１", false),
        ] {
            assert_eq!(is_number(text), expected, "{text}");
        }
    }
}
