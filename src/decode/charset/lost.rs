//! Says where in a message characters were lost, in the sender's terms.

use memchr::{memchr, memchr2, memrchr2};

use super::rule::{MORE_UNDECODABLE, PRIVATE_USE, UNDECODABLE};
use crate::fault::{Issue, Place};

/// Fields (or lines) named one by one; the rest is counted.
const PLACES_MAX: usize = 50;

/// Adds an issue for each field that holds U+FFFD, when decoding reported a loss, and one for private use characters.
pub(super) fn report(text: &str, lost: bool, issues: &mut Vec<Issue>) {
    if lost {
        replacements(text, issues);
    }
    // U+E000 to U+EFFF, to which CP932 gives its user-defined characters (0xF040 to 0xF9FC), begin with 0xEE.
    if let Some(at) = memchr(0xee, text.as_bytes()) {
        issues.push(Issue::new(&PRIVATE_USE, place(text.as_bytes(), at)));
    }
}

fn replacements(text: &str, issues: &mut Vec<Issue>) {
    let (mut at, mut named) = (0, 0);
    while let Some(found) = text[at..].find('\u{fffd}') {
        if named == PLACES_MAX {
            let count = text[at..].matches('\u{fffd}').count();
            issues.push(Issue::with(&MORE_UNDECODABLE, Place::Whole, count.to_string()));
            return;
        }
        named += 1;
        issues.push(Issue::new(&UNDECODABLE, place(text.as_bytes(), at + found)));
        // One issue for each field: go on behind the next separator.
        at += found + '\u{fffd}'.len_utf8();
        at = text[at..].find([separator(text.as_bytes()), '\r', '\n']).map_or(text.len(), |end| at + end);
    }
}

/// The field of an ER7 text in which a byte stands, or the line where it is no segment. The bytes may be in any encoding
/// whose bytes of other than ASCII characters are all above 0x7F.
pub(super) fn place(text: &[u8], offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let start = memrchr2(b'\r', b'\n', before).map_or(0, |at| at + 1);
    let start = start + text[start..].iter().take_while(|b| **b == 0x0b).count();
    let name: Option<[u8; 3]> = text.get(start..start + 3).and_then(|name| name.try_into().ok());
    let name = name.filter(|name| name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit()));
    let Some(segment) = name.filter(|_| text.trim_ascii_start().starts_with(b"MSH")) else {
        let line = 1 + before.split(|b| *b == b'\n' || *b == b'\r').count() - 1;
        let pairs = before.windows(2).filter(|pair| *pair == b"\r\n").count();
        return Place::Path(format!("line {}", line - pairs).into());
    };
    let separator = separator(text) as u8;
    let within = before.get(start..).unwrap_or(b"");
    let fields = within.iter().filter(|b| **b == separator).count() + usize::from(&segment == b"MSH");
    let mut earlier = 0_usize;
    let mut rest = before.get(..start).unwrap_or(b"");
    while let Some(end) = memchr2(b'\r', b'\n', rest) {
        earlier += usize::from(rest.starts_with(&segment));
        rest = &rest[end + 1..];
    }
    Place::Field {
        segment,
        occurrence: u16::try_from(earlier + 1).unwrap_or(u16::MAX),
        field: u16::try_from(fields).unwrap_or(u16::MAX),
        repetition: 0,
        component: 0,
        subcomponent: 0,
    }
}

fn separator(text: &[u8]) -> char {
    match text.trim_ascii_start().get(3) {
        Some(byte) if byte.is_ascii_punctuation() => char::from(*byte),
        _ => '|',
    }
}
