//! Names as they are compared: in Chinese characters, in kana, in Roman letters, each with its own folding.
//!
//! What a name is written in is told by its letters, not by what the sender says of it (IDE, SYL): readings stand in
//! the place of kanji often enough. A name whose parts nobody set apart is compared as a whole.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::{surnames, text, variants};

/// Characters of a family name, a given name or a text that count; more are not read.
pub const NAME_CHARS_MAX: usize = 64;

/// What a name is written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Script {
    /// Chinese characters, alone or with kana.
    Kanji,
    /// Kana alone.
    Kana,
    /// Roman letters.
    Roman,
}

/// One name of a record, folded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Name {
    /// What it is written in.
    pub script: Script,
    /// 姓; empty where the parts are not set apart.
    pub family: String,
    /// 名; empty where the parts are not set apart.
    pub given: String,
    /// Both together.
    pub whole: String,
    /// Bearers of the family name among 100,000 people; 0 where it is not among the most frequent.
    pub bearers: u32,
}

/// Stands for one character that the sender could not write: 〓, a question mark, a private character.
pub(super) const UNKNOWN: char = '〓';

/// What is written where no name is known.
const NOBODY: [&str; 8] = ["不明", "不詳", "氏名不詳", "氏名不明", "名無し", "ふめい", "ふしょう", "unknown"];

impl Name {
    /// A `HumanName` of FHIR. `None` where it names nobody.
    pub fn read(name: &Value) -> Option<Self> {
        let text_of = |field: &str| name.get(field).and_then(Value::as_str).unwrap_or_default();
        let given = match name.get("given").and_then(Value::as_array).map(Vec::as_slice) {
            Some([only]) => only.as_str().unwrap_or_default().to_owned(),
            Some(several) => several.iter().take(4).filter_map(Value::as_str).collect::<Vec<_>>().join(" "),
            None => String::new(),
        };
        match (text_of("family"), given.as_str()) {
            ("", "") => Self::of_text(text_of("text")),
            ("", one) | (one, "") => Self::of_text(one),
            (family, given) => Self::of_parts(family, given),
        }
    }

    /// A name in one text; white space sets family and given name apart, brackets hold something else (旧姓).
    pub fn of_text(text: &str) -> Option<Self> {
        let plain = text::plain(text, NAME_CHARS_MAX);
        let plain = plain.split(['(', '[', '<', '【']).next().unwrap_or_default().trim();
        match plain.split_once(char::is_whitespace) {
            Some((family, given)) if script_of(plain)? != Script::Roman => Self::of_parts(family, given),
            _ => Self::made(script_of(plain)?, plain, "", ""),
        }
    }

    fn of_parts(family: &str, given: &str) -> Option<Self> {
        let (family, given) = (text::plain(family, NAME_CHARS_MAX), text::plain(given, NAME_CHARS_MAX));
        let whole = format!("{family} {given}");
        Self::made(script_of(&whole)?, &whole, &family, &given)
    }

    fn made(script: Script, whole: &str, family: &str, given: &str) -> Option<Self> {
        let (family, given) = (folded_plain(family, script), folded_plain(given, script));
        let whole = match script {
            // Which part comes first differs from sender to sender.
            Script::Roman => {
                let mut words: Vec<String> = whole.split_whitespace().map(|w| folded_plain(w, script)).collect();
                words.sort_unstable();
                words.concat()
            }
            _ if family.is_empty() => folded_plain(whole, script),
            // Both parts in one, without another folding.
            _ => format!("{family}{given}"),
        };
        if whole.is_empty() || whole.chars().all(|c| c == UNKNOWN) || NOBODY.contains(&whole.as_str()) {
            return None;
        }
        let bearers = if family.is_empty() { 0 } else { surnames::bearers(&family) };
        Some(Name { script, family, given, whole, bearers })
    }
}

/// The script of a text by its letters; `None` where it has none.
fn script_of(text: &str) -> Option<Script> {
    let (mut kana, mut roman) = (false, false);
    for c in text.chars() {
        match c {
            'ぁ'..='ゖ' | 'ァ'..='ヺ' | 'ー' => kana = true,
            c if c.is_ascii_alphabetic() || matches!(c, '\u{c0}'..='\u{24f}') => roman = true,
            c if c.is_alphabetic() || c == '々' || is_unwritten(c) => return Some(Script::Kanji),
            _ => {}
        }
    }
    match (kana, roman) {
        (true, _) => Some(Script::Kana),
        (false, true) => Some(Script::Roman),
        (false, false) => None,
    }
}

/// A name or a part of one as it is compared.
///
/// - Kanji: variants made one (髙 and 高), 々 written out, kana in them hiragana, what could not be written 〓.
/// - Kana: hiragana, small letters large, long vowels in one spelling (ー, う, お), ぢ and づ as じ and ず, ゔ as ば to ぼ.
/// - Roman letters: small, without marks, long vowels short, spellings of Kunrei made Hepburn.
pub fn folded(part: &str, script: Script) -> String {
    folded_plain(&text::plain(part, NAME_CHARS_MAX), script)
}

fn folded_plain(part: &str, script: Script) -> String {
    match script {
        Script::Kanji => kanji(part),
        Script::Kana => kana(part),
        Script::Roman => roman(part),
    }
}

fn kanji(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    for c in part.chars() {
        match c {
            '々' | '〻' => out.extend(out.chars().next_back()),
            c if is_unwritten(c) => out.push(UNKNOWN),
            'ァ'..='ヶ' => out.push(hiragana(c)),
            c if c.is_alphanumeric() || c == 'ー' => match variants::plain(c) {
                plain if plain.is_ascii() || ('\u{c0}'..'\u{3000}').contains(&plain) => {
                    out.extend(plain.to_lowercase())
                }
                plain => out.push(plain),
            },
            _ => {}
        }
    }
    out
}

/// What stands where a character could not be written: geta, boxes, question marks, private characters.
fn is_unwritten(c: char) -> bool {
    matches!(c, '〓' | '■' | '□' | '?' | '●' | '\u{fffd}' | '\u{e000}'..='\u{f8ff}' | '\u{f0000}'..)
}

fn hiragana(c: char) -> char {
    char::from_u32(c as u32 - 0x60).unwrap_or(c)
}

fn kana(part: &str) -> String {
    let mut out = String::with_capacity(part.len());
    let mut vowel = None;
    let mut after_v = false;
    for c in part.chars() {
        let c = match c {
            'ァ'..='ヶ' => hiragana(c),
            'ー' | '-' | '〜' | '−' => 'ー',
            'ぁ'..='ゖ' => c,
            _ => continue,
        };
        if after_v {
            after_v = false;
            if let Some(at) = "ぁぃぇぉ".chars().position(|small| small == c) {
                let syllable = ['ば', 'び', 'べ', 'ぼ'][at];
                out.pop();
                out.push(syllable);
                vowel = vowel_of(syllable);
                continue;
            }
        }
        let large = if c == 'ー' {
            match vowel.and_then(lengthened) {
                Some(long) => long,
                None => continue,
            }
        } else {
            after_v = c == 'ゔ';
            let large = large(c);
            match (vowel, large) {
                (Some('お'), 'お') => 'う',
                (Some('え'), 'え') => 'い',
                _ => large,
            }
        };
        out.push(large);
        vowel = vowel_of(large);
    }
    out
}

/// The letter that makes a vowel long as Japanese names mostly spell it.
fn lengthened(vowel: char) -> Option<char> {
    match vowel {
        'お' | 'う' => Some('う'),
        'え' | 'い' => Some('い'),
        'あ' => Some('あ'),
        _ => None,
    }
}

fn large(c: char) -> char {
    match c {
        'ぁ' => 'あ',
        'ぃ' => 'い',
        'ぅ' => 'う',
        'ぇ' => 'え',
        'ぉ' => 'お',
        'っ' => 'つ',
        'ゃ' => 'や',
        'ゅ' => 'ゆ',
        'ょ' => 'よ',
        'ゎ' => 'わ',
        'ゕ' => 'か',
        'ゖ' => 'け',
        'ぢ' => 'じ',
        'づ' => 'ず',
        'ゐ' => 'い',
        'ゑ' => 'え',
        'を' => 'お',
        'ゔ' => 'ぶ',
        c => c,
    }
}

/// The vowel a syllable ends in.
fn vowel_of(c: char) -> Option<char> {
    // From ぁ to ゖ in the order of Unicode, row by row.
    const VOWELS: &[u8; 86] = b"aaiiuueeooaaiiuueeooaaiiuueeooaaiiuuueeooaiueoaaaiiiuuueeeoooaiueoaauuooaiueoaaieo-uae";
    let at = (c as usize).checked_sub('ぁ' as usize)?;
    match VOWELS.get(at)? {
        b'a' => Some('あ'),
        b'i' => Some('い'),
        b'u' => Some('う'),
        b'e' => Some('え'),
        b'o' => Some('お'),
        _ => None,
    }
}

fn roman(part: &str) -> String {
    use unicode_normalization::UnicodeNormalization;
    let letters: String = part.to_lowercase().nfd().filter(char::is_ascii_alphabetic).collect();
    let mut out = letters;
    for (from, to) in [
        ("sya", "sha"),
        ("syu", "shu"),
        ("syo", "sho"),
        ("tya", "cha"),
        ("tyu", "chu"),
        ("tyo", "cho"),
        ("zya", "ja"),
        ("zyu", "ju"),
        ("zyo", "jo"),
        ("jya", "ja"),
        ("jyu", "ju"),
        ("jyo", "jo"),
        ("tsu", "tu"),
        ("shi", "si"),
        ("chi", "ti"),
        ("zi", "ji"),
        ("hu", "fu"),
        ("oh", "o"),
        ("ou", "o"),
        ("oo", "o"),
        ("uu", "u"),
        ("mb", "nb"),
        ("mp", "np"),
        ("mm", "nm"),
    ] {
        if out.contains(from) {
            out = out.replace(from, to);
        }
    }
    out
}
