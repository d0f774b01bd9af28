//! Other values for a field that are likely to be taken for one of its kind.

/// Values to try in a field's place, the most alike first; the last one is none at all.
pub(super) fn alternatives(stated: &str) -> Vec<String> {
    let mut found = Vec::new();
    for step in [1, 9, 4] {
        found.extend(last_turned(stated, step));
    }
    if stated.chars().any(|c| !c.is_ascii_digit()) {
        found.push(format!("{stated}Z"));
    }
    if !stated.is_empty() {
        found.push(String::new());
    }
    found
}

/// The text with its last letter or digit turned on by some steps within its kind; kanji and kana turn among themselves.
fn last_turned(text: &str, step: u32) -> Option<String> {
    let (at, last) = text.char_indices().rev().find(|(_, c)| c.is_alphanumeric())?;
    let turn = |first: u32, count: u32| char::from_u32(first + (last as u32 - first + step) % count);
    let other = match last {
        '0'..='9' => turn('0' as u32, 10),
        'a'..='z' => turn('a' as u32, 26),
        'A'..='Z' => turn('A' as u32, 26),
        _ => turn(last as u32, step + 1),
    }?;
    Some(format!("{}{other}{}", text.get(..at)?, text.get(at + last.len_utf8()..)?))
}

/// Whether an element's value says what a field says: the same letters and digits, in order, as a whole or a part.
pub(super) fn says(value: &str, stated: &str) -> bool {
    let plain = |text: &str| text.chars().filter(|c| c.is_alphanumeric()).collect::<String>();
    let (value, stated) = (plain(value), plain(stated));
    !stated.is_empty() && value.contains(&stated)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_kind_of_a_value_is_kept() {
        assert_eq!(alternatives("20210930")[0], "20210931");
        assert_eq!(alternatives("F")[0], "G");
        assert_eq!(alternatives("6.9")[0], "6.0");
        assert_eq!(alternatives("太郎").last().map(String::as_str), Some(""));
        assert!(alternatives("").is_empty());
        assert!(alternatives("***").contains(&"***Z".to_owned()));
    }

    #[test]
    fn punctuation_does_not_make_a_value_another() {
        assert!(says("2021-09-30", "20210930") && says("urn:x:TP", "TP"));
        assert!(!says("male", "M") && !says("x", ""));
    }
}
