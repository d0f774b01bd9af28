//! Cells as what they are taken for: numbers, telephone numbers, coordinates, days of the week, in whatever width they came.

use std::sync::LazyLock;

use unicode_normalization::UnicodeNormalization;

/// The prefectures by their two-digit codes, 01 北海道 to 47 沖縄県 (JIS X 0401).
fn prefectures() -> &'static [String] {
    static ALL: LazyLock<Vec<String>> = LazyLock::new(|| {
        serde_json::from_str(include_str!("../../profiles/directory/prefectures.json")).unwrap_or_default()
    });
    &ALL
}

/// The code of a prefecture: of two digits or one, of the five or six digits of a municipality, or of a name.
pub fn prefecture(text: &str) -> Option<u8> {
    let text = narrow(text);
    if let Some(at) = prefectures().iter().position(|name| *name == text) {
        return u8::try_from(at + 1).ok();
    }
    let digits = text.bytes().all(|byte| byte.is_ascii_digit());
    let code = match (digits, text.len()) {
        (true, 1 | 2) => text.as_str(),
        (true, 5 | 6) => text.get(..2)?,
        _ => return None,
    };
    code.parse().ok().filter(|code| (1..=47).contains(code))
}

/// The name of the prefecture with this code.
pub(super) fn prefecture_name(code: u8) -> Option<&'static str> {
    prefectures().get(usize::from(code).checked_sub(1)?).map(String::as_str)
}

/// Compatible forms made one, no white space around it.
pub(super) fn narrow(text: &str) -> String {
    text.nfkc().collect::<String>().trim().to_owned()
}

/// A number as it is compared: capital letters and digits, without what separates them.
pub(super) fn number(text: &str) -> String {
    let is_kept = |c: &char| !c.is_whitespace() && !"-‐−–—ー,.・'\"".contains(*c);
    narrow(text).chars().filter(is_kept).map(|c| c.to_ascii_uppercase()).collect()
}

/// A telephone number with as many digits as one has, written as it came; `None` where it is none.
pub(super) fn telephone(text: &str) -> Option<String> {
    let text = narrow(text);
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_plain = text.chars().all(|c| c.is_ascii_digit() || "+-() ‐−–ー".contains(c));
    ((9..=13).contains(&digits) && is_plain).then_some(text)
}

/// A postal code as 060-0001; `None` where it is none.
pub(super) fn postal_code(text: &str) -> Option<String> {
    let digits = number(text.trim_start_matches('〒'));
    let is_one = digits.len() == 7 && digits.bytes().all(|byte| byte.is_ascii_digit());
    is_one.then(|| format!("{}-{}", &digits[..3], &digits[3..]))
}

/// A coordinate within Japan, its digits as they came; `None` where it is none.
pub(super) fn degrees(text: &str, least: f64, most: f64) -> Option<String> {
    let text = narrow(text);
    let is_plain = text.bytes().all(|byte| byte.is_ascii_digit() || byte == b'.');
    let value: f64 = text.parse().ok()?;
    let has_no_zero_before = !text.starts_with('0') && !text.ends_with('.');
    (is_plain && has_no_zero_before && (least..=most).contains(&value)).then_some(text)
}

/// Days of the week (FHIR days-of-week) that a text names, Monday first; none where it names none.
pub(super) fn days(text: &str) -> Vec<&'static str> {
    const ALL: [(&str, &str); 7] =
        [("月", "mon"), ("火", "tue"), ("水", "wed"), ("木", "thu"), ("金", "fri"), ("土", "sat"), ("日", "sun")];
    let text = narrow(text);
    let weekdays = text.contains("平日");
    let every = text.contains("毎日");
    let rest = ["平日", "毎日", "祝日", "曜日", "休日"].iter().fold(text, |text, word| text.replace(word, "、"));
    // 日曜日 without its 曜日 is still a 日 of its own.
    let named = |(at, (letter, _)): &(usize, &(&str, &str))| every || (weekdays && *at < 5) || rest.contains(letter);
    ALL.iter().enumerate().filter(named).map(|(_, (_, code))| *code).collect()
}

/// A count at the beginning of a text (`20`, `２０床`).
pub(super) fn count(text: &str) -> Option<u32> {
    let text = narrow(text);
    let digits: String = text.chars().take_while(char::is_ascii_digit).collect();
    digits.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cells_are_read_in_whatever_width_they_came() {
        assert_eq!(number(" ０１１-０００ 0001"), "0110000001");
        assert_eq!(
            [prefecture("1"), prefecture("01100"), prefecture("011002"), prefecture("沖縄県")],
            [Some(1), Some(1), Some(1), Some(47)]
        );
        assert_eq!([prefecture("48"), prefecture("0"), prefecture("札幌")], [None; 3]);
        assert_eq!(prefecture_name(13), Some("東京都"));
        assert_eq!(telephone("０１１－０００－００００").as_deref(), Some("011-000-0000"));
        assert_eq!([telephone("なし"), telephone("110")], [None, None]);
        assert_eq!(postal_code("〒０６０−0001").as_deref(), Some("060-0001"));
        assert_eq!(degrees("43.0621", 20.0, 46.0).as_deref(), Some("43.0621"));
        for wrong in ["141.35", "", "043.0", "43.", "4e1", "-43"] {
            assert_eq!(degrees(wrong, 20.0, 46.0), None, "{wrong}");
        }
        for (text, expected) in [
            ("平日", "mon tue wed thu fri"),
            ("平日,土曜日,日曜日,祝日", "mon tue wed thu fri sat sun"),
            ("月・水・金", "mon wed fri"),
            ("月曜日、日曜日", "mon sun"),
            ("平日,祝日", "mon tue wed thu fri"),
            ("毎日", "mon tue wed thu fri sat sun"),
            ("要相談", ""),
        ] {
            assert_eq!(days(text).join(" "), expected, "{text}");
        }
        assert_eq!([count("２０床"), count("なし")], [Some(20), None]);
    }
}
