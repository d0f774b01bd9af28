//! Addresses of Japan as they are compared: place, numbers, building, each by itself.
//!
//! `東京都千代田区霞が関１－２－３ 霞ビル４０５`, `千代田区霞ヶ関一丁目2番3号霞ビル405号室` and
//! `千代田区霞ヶ関1丁目2の3` lie in one place with the numbers 1, 2, 3. Municipalities that merged are not followed.

use super::{text, variants};
use serde::{Deserialize, Serialize};

/// Characters of an address that count.
pub const ADDRESS_CHARS_MAX: usize = 160;
/// Numbers of an address that count.
const NUMBERS_MAX: usize = 5;

/// An address, folded.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Address {
    /// What stands before the numbers, without the prefecture.
    pub place: String,
    /// 丁目, 番地, 号, as far as they are given.
    pub numbers: Vec<u32>,
    /// What stands behind the numbers.
    pub building: String,
}

/// How two addresses stand to each other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Nearness {
    /// The same place and the same numbers.
    Same,
    /// The same place.
    Place,
    /// Something else.
    Other,
}

const PREFECTURES: [&str; 47] = [
    "北海道",
    "青森県",
    "岩手県",
    "宮城県",
    "秋田県",
    "山形県",
    "福島県",
    "茨城県",
    "栃木県",
    "群馬県",
    "埼玉県",
    "千葉県",
    "東京都",
    "神奈川県",
    "新潟県",
    "富山県",
    "石川県",
    "福井県",
    "山梨県",
    "長野県",
    "岐阜県",
    "静岡県",
    "愛知県",
    "3重県",
    "滋賀県",
    "京都府",
    "大阪府",
    "兵庫県",
    "奈良県",
    "和歌山県",
    "鳥取県",
    "島根県",
    "岡山県",
    "広島県",
    "山口県",
    "徳島県",
    "香川県",
    "愛媛県",
    "高知県",
    "福岡県",
    "佐賀県",
    "長崎県",
    "熊本県",
    "大分県",
    "宮崎県",
    "鹿児島県",
    "沖縄県",
];

impl Address {
    /// An address in one text. `None` where nothing of it can be compared.
    pub fn parse(text: &str) -> Option<Self> {
        let letters = folded(text);
        let mut rest: &[char] = &letters;
        let whole: String = letters.iter().take(4).collect();
        if let Some(prefecture) = PREFECTURES.iter().find(|p| whole.starts_with(**p)) {
            rest = &rest[prefecture.chars().count()..];
        }
        let (at, end, numbers) = numbers(rest);
        let place: String = rest[..at].iter().filter(|c| !text::is_dash(**c)).collect();
        let building: String = rest[end..].iter().filter(|c| c.is_alphanumeric()).collect();
        (!place.is_empty()).then_some(Address { place, numbers, building })
    }

    /// Compares two addresses. One may lack what stands first (county, city) and its last number.
    pub fn compare(&self, other: &Self) -> Nearness {
        let is_place = self.place == other.place
            || (self.place.chars().count().min(other.place.chars().count()) >= 4
                && (self.place.ends_with(&other.place) || other.place.ends_with(&self.place)));
        if !is_place {
            return Nearness::Other;
        }
        let (short, long) = if self.numbers.len() <= other.numbers.len() { (self, other) } else { (other, self) };
        let is_same = match short.numbers.len() {
            0 => false,
            1 => short.numbers == long.numbers,
            many => long.numbers.len() <= many + 1 && long.numbers[..many] == short.numbers,
        };
        if is_same { Nearness::Same } else { Nearness::Place }
    }
}

/// Plain characters without spaces; the small ke between Chinese characters (霞ヶ関) as が; 大字 and 字 left out.
fn folded(text: &str) -> Vec<char> {
    let figures = text::in_figures(&text::plain(text, ADDRESS_CHARS_MAX));
    let figures = figures.replace("大字", "").replace("小字", "");
    let mut out: Vec<char> = Vec::with_capacity(figures.len() / 2);
    for c in figures.chars() {
        let c = match c {
            c if c.is_whitespace() || c == ',' || c == '、' => {
                // A space between numbers keeps them apart.
                match out.last() {
                    Some(last) if last.is_ascii_digit() => out.push(' '),
                    _ => {}
                }
                continue;
            }
            'ヶ' | 'ヵ' | 'ケ' | 'ガ' | 'が' | 'ゖ' if out.last().is_some_and(|l| is_kanji(*l)) => 'が',
            'ァ'..='ヴ' => char::from_u32(c as u32 - 0x60).unwrap_or(c),
            c if text::is_dash(c) => '-',
            c => variants::plain(c).to_ascii_lowercase(),
        };
        out.push(c);
    }
    out
}

fn is_kanji(c: char) -> bool {
    matches!(c, '\u{3400}'..='\u{9fff}' | '\u{20000}'..='\u{3ffff}')
}

/// The first block of numbers that house numbers can be: where it begins, where it ends, and the numbers.
fn numbers(letters: &[char]) -> (usize, usize, Vec<u32>) {
    let mut at = 0;
    while at < letters.len() {
        if letters[at].is_ascii_digit() {
            let (end, found) = block(letters, at);
            if !found.is_empty() {
                return (at, end, found);
            }
            while at < letters.len() && letters[at].is_ascii_digit() {
                at += 1;
            }
        } else {
            at += 1;
        }
    }
    (letters.len(), letters.len(), Vec::new())
}

/// Numbers with what sets them apart (丁目, 番地, 番, 号, の, a dash), from `at` on; none when the first belongs to a
/// name (8王子市, 1番町).
fn block(letters: &[char], at: usize) -> (usize, Vec<u32>) {
    let (mut here, mut found) = (at, Vec::new());
    while here < letters.len() && letters[here].is_ascii_digit() && found.len() < NUMBERS_MAX {
        let mut number = 0_u32;
        let begin = here;
        while here < letters.len() && letters[here].is_ascii_digit() {
            number = number.saturating_mul(10).saturating_add(letters[here].to_digit(10).unwrap_or(0));
            here += 1;
        }
        let rest = &letters[here..];
        let skipped = match rest {
            [] => 0,
            ['丁', '目', '-' | ' ', ..] | ['番', '地', 'の' | '-' | ' ', ..] => 3,
            ['丁', '目', ..] | ['番', '地', ..] | ['番', '-' | ' ', ..] => 2,
            ['番', '町' | '街' | '丁', ..] => return (begin, found),
            ['番' | '号' | '-' | 'の' | ' ' | '丁', ..] => 1,
            // The name of a place or a building that begins with a figure (3田).
            _ if found.is_empty() => return (at, found),
            // The building follows without a gap.
            _ => 0,
        };
        found.push(number);
        here += skipped;
        if skipped == 0 || matches!(rest, ['号' | ' ', ..]) {
            break;
        }
    }
    (here, found)
}
