//! Phone numbers and postcodes.

use super::text;

/// Characters of a text that count.
const CHARS_MAX: usize = 40;

/// A phone number of Japan as a number, without its leading zero: `03-1234-5678`, `０３（１２３４）５６７８` and `+81 3
/// 1234 5678` are the same. `None` for numbers without their area code, and for what is filled in (all figures alike).
pub fn phone(text: &str) -> Option<u64> {
    let plain = text::plain(text, CHARS_MAX);
    let is_international = plain.trim_start().starts_with('+');
    let mut figures: String = plain.chars().filter(char::is_ascii_digit).collect();
    if figures.starts_with("81") && (is_international || figures.len() >= 11) {
        figures = format!("0{}", figures[2..].trim_start_matches('0'));
    }
    let tail = figures.strip_prefix('0')?;
    let first = tail.bytes().next()?;
    if !(9..=10).contains(&tail.len()) || first == b'0' || tail.bytes().all(|b| b == first) || tail.ends_with("0000000")
    {
        return None;
    }
    tail.parse().ok()
}

/// A postcode of seven figures, however it is set apart; `None` for less, and for 000-0000.
pub fn postcode(text: &str) -> Option<u32> {
    let figures: String = text::plain(text, CHARS_MAX).chars().filter(char::is_ascii_digit).collect();
    (figures.len() == 7).then(|| figures.parse().ok()).flatten().filter(|code| *code != 0)
}

/// The identifier of a person in a facility's system as it is compared: one width, no dashes or spaces, letters large.
/// Leading zeros are dropped: systems of one facility pad its numbers differently (SS-MIX2 to ten figures), and a
/// number alone never links.
pub fn local(text: &str) -> String {
    let plain: String = text::plain(text, CHARS_MAX).chars().filter(|c| c.is_alphanumeric()).collect();
    let large = plain.to_uppercase();
    let short = large.trim_start_matches('0');
    if short.chars().all(|c| c.is_ascii_digit()) { short.to_owned() } else { large }
}
