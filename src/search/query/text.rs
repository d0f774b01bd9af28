//! The text of a query: form decoding and encoding (URL standard), separators and escapes (R4 search.html#escaping).

/// Pairs of name and value as they stand in a URL or a form, decoded. The error is the name of the pair that cannot be
/// decoded, as it stands.
pub(super) fn pairs(text: &str) -> Result<Vec<(String, String)>, &str> {
    let mut pairs = Vec::new();
    for pair in text.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
        pairs.push((decoded(name).ok_or(name)?, decoded(value).ok_or(name)?));
    }
    Ok(pairs)
}

/// Percent-decoding of a form (URL standard, application/x-www-form-urlencoded).
fn decoded(text: &str) -> Option<String> {
    let mut out = Vec::with_capacity(text.len());
    let mut bytes = text.bytes();
    while let Some(byte) = bytes.next() {
        out.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || char::from(bytes.next()?).to_digit(16);
                let (high, low) = (digit()?, digit()?);
                (high * 16 + low) as u8
            }
            byte => byte,
        });
    }
    String::from_utf8(out).ok()
}

/// Percent-encoded as RFC 3986 section 2.3 asks for.
pub fn encoded(text: &str) -> String {
    use std::fmt::Write;
    text.bytes().fold(String::with_capacity(text.len()), |mut out, byte| {
        if byte.is_ascii_alphanumeric() || b"-._~:,/".contains(&byte) {
            out.push(char::from(byte));
        } else {
            let _ = write!(out, "%{byte:02X}");
        }
        out
    })
}

/// A parameter's name as an issue may show it: what the caller typed may be anything, so no digits, no numbers of people.
pub(super) fn shown(name: &str) -> String {
    name.chars().filter(|c| c.is_ascii_alphabetic() || "_-:.".contains(*c)).take(64).collect()
}

/// Splits at a separator that no `\` stands before.
pub(super) fn split(text: &str, separator: char) -> impl Iterator<Item = &str> {
    let mut escaped = false;
    text.split(move |c| {
        let here = c == separator && !escaped;
        escaped = c == '\\' && !escaped;
        here
    })
}

/// Without its escapes; `None` where `\` stands before anything but `,` `|` `$` `\`.
pub(super) fn unescaped(text: &str) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(c) = characters.next() {
        out.push(match c {
            '\\' => characters.next().filter(|c| matches!(c, ',' | '|' | '$' | '\\'))?,
            c => c,
        });
    }
    Some(out)
}

/// The items of an OR list, still escaped; `None` when one is empty or wrongly escaped.
pub(super) fn items(value: &str) -> Option<Vec<&str>> {
    split(value, ',').map(|one| (!one.is_empty() && unescaped(one).is_some()).then_some(one)).collect()
}

/// The items of an OR list, unescaped; `None` when one is empty or wrongly escaped.
pub(super) fn values(value: &str) -> Option<Vec<String>> {
    split(value, ',').map(|one| unescaped(one).filter(|one| !one.is_empty())).collect()
}

/// The parts between `|`, unescaped.
pub(super) fn parts(value: &str) -> Option<Vec<String>> {
    split(value, '|').map(unescaped).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn forms_are_decoded_and_links_read_the_same_again() {
        let pair = |a: &str, b: &str| (a.to_owned(), b.to_owned());
        assert_eq!(pairs("a=b+c%2B&&d&e=%E3%81%82"), Ok(vec![pair("a", "b c+"), pair("d", ""), pair("e", "あ")]));
        for (bad, name) in [("a=%zz", "a"), ("b=%ff", "b"), ("c=%2", "c")] {
            assert_eq!(pairs(bad), Err(name));
        }
        let all = "a b+c&d=e%あ|,/:\\$\"<";
        assert_eq!(pairs(&format!("x={}", encoded(all))), Ok(vec![pair("x", all)]));
    }

    #[test]
    fn escapes_protect_separators_and_a_lone_one_is_wrong() {
        assert_eq!(values(r"a\,b,c\|d\$e\\"), Some(vec!["a,b".to_owned(), r"c|d$e\".to_owned()]));
        assert_eq!(parts(r"a\|b|c"), Some(vec!["a|b".to_owned(), "c".to_owned()]));
        for bad in [r"a\", r"a\b", "a,,b", ",a"] {
            assert_eq!(values(bad), None, "{bad}");
            assert_eq!(items(bad), None, "{bad}");
        }
        assert_eq!(shown("code:not123山.x"), "code:not.x");
    }
}
