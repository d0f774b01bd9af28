//! Whether two spellings are one slip apart.

use std::str::Chars;

/// Whether one letter was changed, left out or put in, or two neighbours changed places. What is equal is not one slip apart.
pub(super) fn is_one_slip(a: &str, b: &str) -> bool {
    // A letter of kana or kanji has three bytes; four in the rarest. Far apart in length is far apart.
    if a.len().abs_diff(b.len()) > 4 || a == b {
        return false;
    }
    let (mut from_a, mut from_b) = (a.chars(), b.chars());
    let (rest_a, rest_b) = loop {
        let (at_a, at_b) = (from_a.clone(), from_b.clone());
        match (from_a.next(), from_b.next()) {
            (Some(x), Some(y)) if x == y => {}
            (Some(_), Some(_)) => break (at_a, at_b),
            // One is the other's beginning.
            (None, _) => return at_b.count() == 1,
            (_, None) => return at_a.count() == 1,
        }
    };
    let same = |x: Chars<'_>, y: Chars<'_>| x.as_str() == y.as_str();
    let turned = {
        let (x, y) = (after(&rest_a, 1).next(), after(&rest_b, 1).next());
        x.is_some() && x == rest_b.clone().next() && y == rest_a.clone().next()
    };
    same(after(&rest_a, 1), after(&rest_b, 1))
        || same(after(&rest_a, 1), rest_b.clone())
        || same(rest_a.clone(), after(&rest_b, 1))
        || (turned && same(after(&rest_a, 2), after(&rest_b, 2)))
}

fn after<'a>(from: &Chars<'a>, letters: usize) -> Chars<'a> {
    let mut rest = from.clone();
    for _ in 0..letters {
        rest.next();
    }
    rest
}

/// Whether two spellings of one length agree wherever neither has a character that could not be written, and one has.
pub(super) fn agrees_but_for_unwritten(a: &str, b: &str, unwritten: char) -> bool {
    (a.contains(unwritten) || b.contains(unwritten))
        && a.chars().count() == b.chars().count()
        && a.chars().zip(b.chars()).all(|(x, y)| x == y || x == unwritten || y == unwritten)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn slips_are_told_from_other_names() {
        for (a, b) in [
            ("けんじ", "けんし"),
            ("けんじ", "けじ"),
            ("けんじ", "けじん"),
            ("けんじ", "けんじろ"),
            ("いけん", "けん"),
            ("ab", "ba"),
        ] {
            assert!(is_one_slip(a, b) && is_one_slip(b, a), "{a} {b}");
        }
        for (a, b) in [
            ("けんじ", "けんじ"),
            ("けんじ", "はなこ"),
            ("けんいち", "けんじ"),
            ("", ""),
            ("けんじ", "じけん"),
            ("", "けん"),
        ] {
            assert!(!is_one_slip(a, b) && !is_one_slip(b, a), "{a} {b}");
        }
        assert!(agrees_but_for_unwritten("渡〓", "渡辺", '〓'));
        assert!(!agrees_but_for_unwritten("渡〓", "山辺", '〓'));
        assert!(!agrees_but_for_unwritten("渡辺", "渡辺", '〓'));
    }
}
