//! What texts of all kinds have in common before they are compared: one width, no variation selectors, no marks of
//! layout, and numbers in figures.

use unicode_normalization::UnicodeNormalization;

/// Compatible forms made one (NFKC), without what only chooses a glyph; at most `chars_max` characters count.
pub(super) fn plain(text: &str, chars_max: usize) -> String {
    let plain_already =
        |c: char| matches!(c, '0'..='9' | 'a'..='z' | 'A'..='Z' | ' ' | '-' | 'ぁ'..='ゔ' | 'ァ'..='ー' | '一'..='龥');
    let cut = text.char_indices().nth(chars_max).map_or(text, |(at, _)| &text[..at]);
    if cut.chars().all(plain_already) {
        return cut.to_owned();
    }
    cut.nfkc().filter(|c| !is_selector(*c)).take(chars_max).collect()
}

/// Variation selectors (ideographic ones too), joiners, and the mark of byte order.
fn is_selector(c: char) -> bool {
    matches!(c, '\u{fe00}'..='\u{fe0f}' | '\u{e0100}'..='\u{e01ef}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}' | '\u{ad}')
}

/// Whether it is one of the many dashes that stand between numbers.
pub(super) fn is_dash(c: char) -> bool {
    matches!(c, '-' | 'ー' | '\u{2010}'..='\u{2015}' | '−' | '\u{2500}' | '\u{2501}' | '~' | '〜')
}

/// A text with its numbers in Chinese characters written in figures: 三丁目 is 3丁目, 二十三番 is 23番, 一〇四 is 104.
/// A single 百, 千 or 万 is a part of a name (千代田).
pub(super) fn in_figures(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut run: Vec<char> = Vec::new();
    for c in text.chars() {
        if is_numeral(c) {
            run.push(c);
        } else {
            spell(&run, &mut out);
            run.clear();
            out.push(c);
        }
    }
    spell(&run, &mut out);
    out
}

fn is_numeral(c: char) -> bool {
    digit(c).is_some() || matches!(c, '十' | '百' | '千')
}

fn digit(c: char) -> Option<u32> {
    Some(match c {
        '〇' => 0,
        '一' => 1,
        '二' => 2,
        '三' => 3,
        '四' => 4,
        '五' => 5,
        '六' => 6,
        '七' => 7,
        '八' => 8,
        '九' => 9,
        _ => return None,
    })
}

fn spell(run: &[char], out: &mut String) {
    if matches!(run, [] | ['百' | '千']) {
        out.extend(run);
        return;
    }
    if run.iter().all(|c| digit(*c).is_some()) {
        out.extend(run.iter().filter_map(|c| digit(*c)).filter_map(|d| char::from_digit(d, 10)));
        return;
    }
    let (mut total, mut ones) = (0_u32, 0_u32);
    for c in run.iter().take(9) {
        match (digit(*c), *c) {
            (Some(d), _) => ones = d,
            (None, unit) => {
                let unit = match unit {
                    '十' => 10,
                    '百' => 100,
                    _ => 1000,
                };
                total += ones.max(1) * unit;
                ones = 0;
            }
        }
    }
    out.push_str(&(total + ones).to_string());
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_in_figures() {
        for (text, figures) in [
            ("三丁目五番十二号", "3丁目5番12号"),
            ("二十三番", "23番"),
            ("千二百三", "1203"),
            ("一〇四", "104"),
            ("千代田区", "千代田区"),
            ("八王子市", "8王子市"),
            ("十日市", "10日市"),
            ("百", "百"),
            ("", ""),
        ] {
            assert_eq!(in_figures(text), figures, "{text}");
        }
    }

    #[test]
    fn glyphs_are_chosen_elsewhere() {
        assert_eq!(plain("辻\u{e0100}", 10), "辻");
        assert_eq!(plain("ﾀﾛｳ１２", 10), "タロウ12");
        assert_eq!(plain("あいう", 2), "あい");
    }
}
