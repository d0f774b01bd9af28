//! Strings as they are compared without `:exact` (search.html#string): case, accents, width, punctuation and white space that
//! says nothing make no difference.
//!
//! For Japanese: full and half width are the same, and so are katakana and hiragana, since the reading of a name is kept in
//! either. A voiced sound is another sound (か and が differ), a long vowel stays (ー), and white space next to kana or kanji says
//! nothing: a family name and a given name are written with and without it.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A text as it is compared: compatible forms made one (NFKC), small letters without marks, hiragana, no punctuation, one
/// space between words. A text of punctuation alone keeps it, so that it is never empty unless it was.
pub fn folded_for_search(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut space = false;
    for c in text.nfkc().flat_map(letters) {
        if c.is_whitespace() {
            space = true;
        } else if !is_punctuation(c) {
            if space && is_spaced(c) && out.chars().next_back().is_some_and(is_spaced) {
                out.push(' ');
            }
            space = false;
            out.push(c);
        }
    }
    if out.is_empty() { text.trim().nfkc().flat_map(letters).collect() } else { out }
}

/// A character in its plainest form; nothing of a mark that stands on another.
fn letters(c: char) -> impl Iterator<Item = char> {
    let plain = match c {
        // ァ to ヶ, and the marks of iteration.
        'ァ'..='ヶ' | 'ヽ' | 'ヾ' => return Letters::One(char::from_u32(c as u32 - 0x60)),
        '\u{3041}'..='\u{309f}' => return Letters::One(Some(c)),
        'ß' | 'ẞ' => "ss",
        'æ' | 'Æ' => "ae",
        'œ' | 'Œ' => "oe",
        'ø' | 'Ø' => "o",
        'ł' | 'Ł' => "l",
        'đ' | 'Đ' | 'ð' | 'Ð' => "d",
        'þ' | 'Þ' => "th",
        'ı' => "i",
        c if c.is_ascii() => return Letters::One(Some(c.to_ascii_lowercase())),
        _ => {
            let whole: String = std::iter::once(c).nfd().filter(|c| !is_combining_mark(*c)).nfc().collect();
            return Letters::Many(
                whole.to_lowercase().chars().filter(|c| !is_combining_mark(*c)).collect::<Vec<_>>().into_iter(),
            );
        }
    };
    Letters::Many(plain.chars().collect::<Vec<_>>().into_iter())
}

enum Letters {
    One(Option<char>),
    Many(std::vec::IntoIter<char>),
}

impl Iterator for Letters {
    type Item = char;

    fn next(&mut self) -> Option<char> {
        match self {
            Letters::One(c) => c.take(),
            Letters::Many(all) => all.next(),
        }
    }
}

/// The punctuation of ASCII, Latin and Japanese; signs that count or measure something are none.
fn is_punctuation(c: char) -> bool {
    matches!(c, '!'..='#' | '%'..='*' | ','..='/' | ':' | ';' | '?' | '@' | '['..=']' | '_' | '{' | '}')
        || matches!(c, '¡' | '§' | '«' | '¶' | '·' | '»' | '¿' | '\u{2010}'..='\u{2027}' | '\u{2030}'..='\u{205e}')
        || matches!(c, '、' | '。' | '〃' | '〈'..='】' | '〔'..='〟' | '〰' | '・' | '゠')
}

/// Whether words of such letters are set apart by spaces: not those of Chinese characters and kana.
fn is_spaced(c: char) -> bool {
    !matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{20000}'..='\u{3ffff}')
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_makes_no_difference_is_gone() {
        for (text, folded) in [
            ("Müller", "muller"),
            ("Mu\u{308}ller", "muller"),
            ("EVE", "eve"),
            ("Ångström Łódź", "angstrom lodz"),
            ("Straße", "strasse"),
            ("O'Brien", "obrien"),
            ("Carreño  Quiñones ", "carreno quinones"),
            ("van\u{3000}den Berg", "van den berg"),
            ("Nguyễn", "nguyen"),
            ("İstanbul", "istanbul"),
            ("山田　花子", "山田花子"),
            ("ヤマダ ハナコ", "やまだはなこ"),
            ("ﾔﾏﾀﾞﾊﾅｺ", "やまだはなこ"),
            ("やまだ・はなこ", "やまだはなこ"),
            ("ローマ", "ろーま"),
            ("がギぱ", "がぎぱ"),
            ("か\u{3099}", "が"),
            ("ヴ", "ゔ"),
            ("Ｔａｒｏ　１２", "taro 12"),
            ("東京都 Tokyo Tower", "東京都tokyo tower"),
            ("1-2-3", "123"),
            ("한국", "한국"),
            ("", ""),
            (" -- ", "--"),
            ("+1", "+1"),
        ] {
            assert_eq!(folded_for_search(text), folded, "{text}");
            assert_eq!(folded_for_search(folded), folded, "{text} twice");
        }
        assert_ne!(folded_for_search("か"), folded_for_search("が"));
    }
}
