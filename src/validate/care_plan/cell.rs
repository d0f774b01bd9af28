//! One value against what its column may hold (CSVファイルレイアウト定義書, 書式・選択肢).

use jiff::civil::Date;

use super::layout::Kind;
use super::rule::{CODE, FORM, LENGTH};
use crate::fault::Rule;

/// Codes are quoted up to this many characters; what is longer may be anything.
const QUOTED_CHARS_MAX: usize = 4;

/// The rule that a value breaks, with what is wanted in English and Japanese. The value is not empty.
pub(super) fn deviates(kind: Kind, value: &str) -> Option<(&'static Rule, String, String)> {
    let form = |is: bool, en: &str, ja: &str| (!is).then(|| (&FORM, format!("is {en}"), format!("は{ja}です")));
    let zeros = value.bytes().all(|b| b == b'0');
    match kind {
        Kind::Text => None,
        Kind::Version => form(is_month(value), "YYYYMM", " YYYYMM "),
        Kind::Month(false) => form(is_month(value), "YYYYMM", " YYYYMM "),
        Kind::Month(true) => {
            form(is_month(value) || value.len() == 6 && zeros, "YYYYMM or 000000", " YYYYMM または 000000 ")
        }
        Kind::Date(false) => form(is_date(value), "YYYYMMDD and a date of the calendar", "実在する日付(YYYYMMDD)"),
        Kind::Date(true) => form(
            is_date(value) || value.len() == 8 && zeros,
            "YYYYMMDD and a date of the calendar, or 00000000",
            "実在する日付(YYYYMMDD)または 00000000 ",
        ),
        Kind::Time(is_open) => {
            let is_time = value.len() == 4 && is_digits(value) && value <= "2400" && value.get(2..) <= Some("59");
            let (en, ja) = if is_open { ("HHMM or 9999", " HHMM または 9999 ") } else { ("HHMM", " HHMM ") };
            form(is_time || is_open && value == "9999", en, ja)
        }
        Kind::Insurer => form(value.len() == 6 && is_digits(value), "6 digits", "数字 6 桁"),
        Kind::Office => form(value.len() == 10 && is_digits(value), "10 digits", "数字 10 桁"),
        Kind::Insured => form(
            value.len() == 10 && is_digits(value.strip_prefix('H').unwrap_or(value)),
            "10 digits, or H and 9 digits for those on public assistance alone",
            "数字 10 桁、生活保護単独の場合は H と数字 9 桁",
        ),
        Kind::Postal => {
            let is_postal = value
                .split_once('-')
                .is_some_and(|(area, rest)| area.len() == 3 && rest.len() == 4 && is_digits(area) && is_digits(rest));
            form(is_postal, "XXX-XXXX in digits", "半角数字の XXX-XXXX ")
        }
        Kind::Number => {
            let is_number = is_digits(value) && value.len() <= 2 && !zeros;
            form(is_number, "a number from 1 to 99", " 1〜99 の番号")
        }
        Kind::Days => {
            let is_days = value.len() == 31 && value.bytes().all(|b| matches!(b, b'0' | b'1'));
            form(is_days, "31 times 0 or 1", " 0 か 1 を 31 桁並べたもの")
        }
        Kind::Price => {
            let is_price = value.split_once('.').is_some_and(|(whole, fraction)| {
                (1..=3).contains(&whole.len()) && fraction.len() == 2 && is_digits(whole) && is_digits(fraction)
            });
            form(is_price, "of the form 99.99", " 99.99 の形式")
        }
        Kind::Service => {
            let is_code = value.len() == 6 && value.bytes().all(|b| b.is_ascii_digit() || b.is_ascii_uppercase());
            form(is_code, "a code of 6 digits or capital letters", "半角英数字 6 桁のコード")
        }
        Kind::AtMost(most) => too_long(value, most),
        Kind::Integer(most) => {
            let is_integer = is_digits(value.strip_prefix('-').unwrap_or(value));
            form(is_integer, "a whole number", "整数").or_else(|| too_long(value, most))
        }
        Kind::Code(codes) => code(codes, value),
    }
}

fn too_long(value: &str, most: usize) -> Option<(&'static Rule, String, String)> {
    let count = value.chars().count();
    (count > most).then(|| {
        let en = format!("has {count} characters, at most {most}");
        (&LENGTH, en, format!("は {most} 桁までです({count} 桁あります)"))
    })
}

fn code(codes: &str, value: &str) -> Option<(&'static Rule, String, String)> {
    if codes.split(',').any(|code| code == value) {
        return None;
    }
    let is_quotable = value.len() <= QUOTED_CHARS_MAX && value.bytes().all(|b| b.is_ascii_alphanumeric());
    let found = |label: &str| if is_quotable { format!(" ({label}: {value})") } else { String::new() };
    let codes = codes.replace(',', ", ");
    let en = format!("is one of {codes}{}", found("found"));
    Some((&CODE, en, format!("は {codes} のいずれかです{}", found("実際"))))
}

fn is_digits(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit())
}

fn is_month(text: &str) -> bool {
    is_date(&format!("{text}01"))
}

fn is_date(text: &str) -> bool {
    let part = |from: usize, to: usize| text.get(from..to).and_then(|part| part.parse::<i16>().ok());
    let narrow = |number: Option<i16>| number.and_then(|number| i8::try_from(number).ok());
    match (text.len() == 8 && is_digits(text), part(0, 4), narrow(part(4, 6)), narrow(part(6, 8))) {
        (true, Some(year), Some(month), Some(day)) => year >= 1850 && Date::new(year, month, day).is_ok(),
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_kind_of_column_knows_its_values() {
        for (kind, good, bad) in [
            (Kind::Version, vec!["202407"], vec!["202413", "2024", "20240701"]),
            (Kind::Insurer, vec!["011002"], vec!["11002", "01100２"]),
            (Kind::Insured, vec!["0000000001", "H123456789"], vec!["h123456789", "H12345678", "HH23456789", "123"]),
            (Kind::Office, vec!["0300000100"], vec!["030000010"]),
            (Kind::Date(false), vec!["20240229"], vec!["20230229", "00000000", "2024/2/1"]),
            (Kind::Date(true), vec!["00000000", "20240229"], vec!["0"]),
            (Kind::Month(true), vec!["000000", "202404"], vec!["202400"]),
            (Kind::Time(false), vec!["0000", "2359", "2400"], vec!["9999", "2460", "900", "6:00"]),
            (Kind::Time(true), vec!["9999"], vec!["9998"]),
            (Kind::Postal, vec!["060-0001"], vec!["0600001", "０６０-0001"]),
            (Kind::Number, vec!["1", "99", "01"], vec!["0", "00", "100", "x"]),
            (Kind::Days, vec!["1111100000000000000000000000000"], vec!["111", "2111100000000000000000000000000"]),
            (Kind::Price, vec!["10.00", "9.99", "110.84"], vec!["10", "10.0", ".00"]),
            (Kind::Service, vec!["111111", "11AAAA", "999999"], vec!["11111", "11aaaa"]),
            (Kind::Integer(3), vec!["0", "-12", "999"], vec!["1000", "1.5", "-", "１"]),
            (Kind::AtMost(2), vec!["ab", "あ1"], vec!["abc"]),
            (Kind::Code("06,12"), vec!["06", "12"], vec!["6", "11", "札幌花子"]),
            (Kind::Text, vec!["何でも"], vec![]),
        ] {
            good.iter().for_each(|value| assert_eq!(deviates(kind, value), None, "{kind:?} {value}"));
            bad.iter().for_each(|value| assert!(deviates(kind, value).is_some(), "{kind:?} {value}"));
        }
        let (_, en, _) = deviates(Kind::Code("06,12"), "札幌花子").unwrap();
        assert_eq!(en, "is one of 06, 12");
        let said = |value: &str| deviates(Kind::Code("06"), value).unwrap().1;
        let longest = "A".repeat(QUOTED_CHARS_MAX);
        assert_eq!(said(&longest), format!("is one of 06 (found: {longest})"));
        assert_eq!(said(&format!("{longest}A")), "is one of 06");
    }
}
