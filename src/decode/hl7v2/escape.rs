//! Escape sequences of HL7 v2.5 section 2.7: `\F\ \S\ \T\ \R\ \E\ \X..\ \.br\` and what to do with the rest.

use std::borrow::Cow;

use super::Delimiters;

/// The text with its escapes undone. `\Xdd..\` gives the bytes as UTF-8 where they are such; highlighting,
/// indentation and returns to ASCII vanish; an unknown or unfinished escape stays as it was sent.
pub(super) fn unescape(text: &str, delimiters: Delimiters) -> Cow<'_, str> {
    let Some(first) = text.find(delimiters.escape) else { return Cow::Borrowed(text) };
    let mut out = String::with_capacity(text.len());
    out.push_str(&text[..first]);
    let mut rest = &text[first..];
    while let Some(start) = rest.find(delimiters.escape) {
        out.push_str(&rest[..start]);
        let after = &rest[start + delimiters.escape.len_utf8()..];
        let Some(length) = after.find(delimiters.escape) else {
            out.push_str(&rest[start..]);
            return Cow::Owned(out);
        };
        if replace(&after[..length], delimiters, &mut out) {
            rest = &after[length + delimiters.escape.len_utf8()..];
        } else {
            // Not an escape: keep this character, and let the next one begin another try.
            out.push(delimiters.escape);
            rest = after;
        }
    }
    out.push_str(rest);
    Cow::Owned(out)
}

fn replace(code: &str, delimiters: Delimiters, out: &mut String) -> bool {
    match code {
        "F" => out.push(delimiters.field),
        "S" => out.push(delimiters.component),
        "T" => out.push(delimiters.subcomponent),
        "R" => out.push(delimiters.repetition),
        "E" => out.push(delimiters.escape),
        "H" | "N" => {}
        ".br" | ".sp" | ".ce" => out.push('\n'),
        _ => return replace_with_argument(code, out),
    }
    true
}

fn replace_with_argument(code: &str, out: &mut String) -> bool {
    if let Some(hex) = code.strip_prefix('X') {
        return hexadecimal(hex).is_some_and(|text| {
            out.push_str(&text);
            true
        });
    }
    // Section 2.7.6: skip lines, skip spaces; indentation and fill, which a FHIR string cannot carry.
    match code.split_at_checked(3) {
        Some((".sp", lines)) => repeat('\n', lines, out),
        Some((".sk", spaces)) => repeat(' ', spaces, out),
        Some((".in" | ".ti", column)) => column.is_empty() || number(column).is_some(),
        Some((".fi" | ".nf", rest)) => rest.is_empty(),
        // Section 2.7.2, back to ASCII: nothing to do in decoded text. Other sets are kept as sent, because what follows
        // them was not decoded by them.
        _ => matches!(code, "C2842" | "C284A"),
    }
}

fn repeat(character: char, count: &str, out: &mut String) -> bool {
    let Some(count) = number(count).filter(|count| (1..=100).contains(count)) else { return false };
    out.extend(std::iter::repeat_n(character, count.unsigned_abs().into()));
    true
}

fn number(text: &str) -> Option<i16> {
    text.trim_start_matches(' ').parse().ok()
}

fn hexadecimal(hex: &str) -> Option<String> {
    if hex.is_empty() || !hex.len().is_multiple_of(2) || !hex.bytes().all(|b| b.is_ascii_hexdigit()) {
        return None;
    }
    let bytes: Option<Vec<u8>> =
        (0..hex.len()).step_by(2).map(|at| u8::from_str_radix(&hex[at..at + 2], 16).ok()).collect();
    // Control characters other than line ends and tabs cannot stand in FHIR (or in a database's text).
    String::from_utf8(bytes?).ok().filter(|text| !text.contains(|c: char| c.is_control() && !"\r\n\t".contains(c)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const USUAL: Delimiters =
        Delimiters { field: '|', component: '^', repetition: '~', escape: '\\', subcomponent: '&' };

    #[test]
    fn known_escapes_are_undone_and_others_kept() {
        let cases = [
            ("コメント \\T\\ 続き", "コメント & 続き"),
            ("a\\F\\b\\S\\c\\R\\d\\E\\e", "a|b^c~d\\e"),
            ("一行\\.br\\二行", "一行\n二行"),
            ("\\X0D0A\\", "\r\n"),
            ("\\XE8A5B7\\", "襷"),
            ("\\Xzz\\", "\\Xzz\\"),
            ("50\\100", "50\\100"),
            ("a\\b\\T\\", "a\\b&"),
            ("\\H\\太\\N\\字", "太字"),
            ("\\C2842\\x", "x"),
            ("\\M2442\\;3", "\\M2442\\;3"),
            ("C:\\CAFE\\.info@x\\.in\\", "C:\\CAFE\\.info@x"),
            ("a\\.in+4\\b\\.ti-2\\c\\.nf\\d", "abcd"),
            ("a\\.sp2\\b\\.sk 3\\c\\.sp0\\", "a\n\nb   c\\.sp0\\"),
            ("\\X00\\\\X1B\\", "\\X00\\\\X1B\\"),
            ("\\\\", "\\\\"),
            ("\\", "\\"),
        ];
        for (sent, read) in cases {
            assert_eq!(unescape(sent, USUAL), read, "{sent}");
        }
    }
}
