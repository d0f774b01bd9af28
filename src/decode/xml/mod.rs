//! XML 1.0 with namespaces: bytes to text, text to a read-only tree with positions. Document types and the entities they declare are refused.

mod rule;
mod scan;

use std::borrow::Cow;

use memchr::memmem;
use roxmltree::{Document, Error, ParsingOptions};

use crate::decode::charset;
use crate::fault::{Issue, Noted, Place};
use rule::{
    CONTROL_CHARACTER, DOCUMENT_TYPE, ENTITY, NOT_WELL_FORMED, TOO_DEEP, TOO_LONG, TOO_MANY_ATTRIBUTES,
    TOO_MANY_ELEMENTS, TOO_MANY_NAMESPACES,
};

/// Longest document that is read, in bytes as sent and in bytes of its text as UTF-8.
pub const BYTES_MAX: usize = 16 * 1024 * 1024;
/// Deepest nesting of elements.
pub const DEPTH_ELEMENTS_MAX: usize = 200;
/// Most elements of a document.
pub const ELEMENTS_MAX: usize = 500_000;
/// Most attributes of one element, namespace declarations among them: the parser compares each with each.
pub const ELEMENT_ATTRIBUTES_MAX: usize = 256;
/// Most different prefixes that a document declares: every element that declares one carries all that are in scope.
pub const PREFIXES_MAX: usize = 32;
/// Most `<` and most `=`, wherever they stand: the parser sets room aside for each.
pub const SIGNS_MAX: usize = 4_000_000;

/// How much of a document its declaration is looked for in, in bytes.
const DECLARATION_BYTES_MAX: usize = 256;

/// The text of a document: its character set is what the byte order mark or the XML declaration says and the bytes allow.
/// Control characters that XML forbids become U+FFFD with an issue. An error is a document that is too long.
pub fn text(bytes: &[u8]) -> Result<Noted<Cow<'_, str>>, Issue> {
    let too_long = || Issue::with(&TOO_LONG, Place::Whole, BYTES_MAX.to_string());
    if bytes.len() > BYTES_MAX {
        return Err(too_long());
    }
    let mut text = charset::decode_document(bytes, label(bytes));
    if may_hold_forbidden(&text.value)
        && let Some(at) = text.value.find(is_forbidden)
    {
        text.issues.push(Issue::new(&CONTROL_CHARACTER, position(&text.value, at)));
        text.value = text.value.replace(is_forbidden, "\u{fffd}").into();
    }
    if text.value.len() > BYTES_MAX {
        return Err(too_long());
    }
    Ok(text)
}

/// The tree of a text. The limits are checked before it is built, so that the time it takes is in proportion to the
/// length of the text and the stack it takes does not depend on it. An error is a text that is no such XML, with the
/// line and column where that showed.
pub fn parse(text: &str) -> Result<Document<'_>, Issue> {
    scan::check(text)?;
    let options = ParsingOptions { allow_dtd: false, nodes_limit: u32::MAX, entity_resolver: None };
    Document::parse_with_options(text, options).map_err(|error| refusal(text, &error))
}

/// The line and column (in characters, from 1) of a byte of the text.
pub fn position(text: &str, offset: usize) -> Place {
    let before = text.get(..offset).unwrap_or(text);
    let line = before.bytes().filter(|b| *b == b'\n').count() + 1;
    let column = before.rsplit('\n').next().unwrap_or_default().chars().count() + 1;
    Place::Path(format!("line {line}, column {column}").into())
}

/// What the XML declaration names as encoding, in a document whose characters begin with one byte.
fn label(bytes: &[u8]) -> Option<&str> {
    let head = bytes.get(..bytes.len().min(DECLARATION_BYTES_MAX))?.trim_ascii_start();
    let head = head.strip_prefix(b"\xef\xbb\xbf").unwrap_or(head).strip_prefix(b"<?xml")?;
    let head = head.get(..memmem::find(head, b"?>")?)?;
    let rest = head.get(memmem::find(head, b"encoding")? + b"encoding".len()..)?.trim_ascii_start();
    let rest = rest.strip_prefix(b"=")?.trim_ascii_start();
    let (quote, rest) = rest.split_first()?;
    std::str::from_utf8(rest.split(|b| b == quote).next()?).ok()
}

/// Outside the characters of XML (section 2.2).
fn is_forbidden(c: char) -> bool {
    matches!(c, '\0'..='\u{8}' | '\u{b}' | '\u{c}' | '\u{e}'..='\u{1f}' | '\u{fffe}' | '\u{ffff}')
}

/// A look at the bytes, twenty times as fast as one at the characters.
fn may_hold_forbidden(text: &str) -> bool {
    let bytes = text.as_bytes();
    let is_control = |byte: &u8| (*byte < 0x20) & (*byte != b'\t') & (*byte != b'\n') & (*byte != b'\r');
    // Without an early way out the compiler looks at many bytes at once.
    let controls = bytes.chunks(4096).any(|chunk| chunk.iter().fold(false, |found, byte| found | is_control(byte)));
    controls || memmem::find(bytes, b"\xef\xbf").is_some()
}

/// What the parser found, without the sender's words.
fn refusal(text: &str, error: &Error) -> Issue {
    let (rule, kind) = match error {
        Error::DtdDetected => (&DOCUMENT_TYPE, ""),
        Error::UnknownEntityReference(..) | Error::MalformedEntityReference(_) => (&ENTITY, ""),
        Error::UnexpectedCloseTag(..) => (&NOT_WELL_FORMED, "end tag of another element"),
        Error::UnclosedRootNode | Error::UnexpectedEndOfStream => (&NOT_WELL_FORMED, "ends too early"),
        Error::NoRootNode => (&NOT_WELL_FORMED, "no element"),
        Error::UnknownNamespace(..) => (&NOT_WELL_FORMED, "namespace prefix not declared"),
        Error::DuplicatedAttribute(..) | Error::DuplicatedNamespace(..) => (&NOT_WELL_FORMED, "attribute twice"),
        Error::InvalidXmlPrefixUri(_)
        | Error::UnexpectedXmlUri(_)
        | Error::UnexpectedXmlnsUri(_)
        | Error::InvalidElementNamePrefix(_) => (&NOT_WELL_FORMED, "reserved namespace"),
        Error::UnexpectedDeclaration(_) => (&NOT_WELL_FORMED, "declaration not at the start"),
        Error::NodesLimitReached | Error::AttributesLimitReached | Error::NamespacesLimitReached => {
            (&TOO_MANY_ELEMENTS, "")
        }
        _ => (&NOT_WELL_FORMED, "unexpected character"),
    };
    let place = match error {
        // The parser gives no position for these.
        Error::UnclosedRootNode | Error::UnexpectedEndOfStream => position(text, text.len()),
        _ => {
            let at = error.pos();
            Place::Path(format!("line {}, column {}", at.row, at.col).into())
        }
    };
    Issue::with(rule, place, kind)
}

#[cfg(test)]
mod tests;
