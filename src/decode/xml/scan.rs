//! One pass over the markup before a tree is built: depth, numbers, namespace prefixes, and no document type.

use memchr::{memchr, memchr_iter, memchr3, memmem};

use super::{
    DEPTH_ELEMENTS_MAX, DOCUMENT_TYPE, ELEMENT_ATTRIBUTES_MAX, ELEMENTS_MAX, PREFIXES_MAX, SIGNS_MAX, TOO_DEEP,
    TOO_MANY_ATTRIBUTES, TOO_MANY_ELEMENTS, TOO_MANY_NAMESPACES, position,
};
use crate::fault::{Issue, Place, Rule};

/// Refuses what is over a limit. On well-formed text it counts exactly; where the text is not well-formed the parser
/// stops, and up to there the count was right.
pub(super) fn check(text: &str) -> Result<(), Issue> {
    let bytes = text.as_bytes();
    if memchr_iter(b'<', bytes).count() > SIGNS_MAX || memchr_iter(b'=', bytes).count() > SIGNS_MAX {
        return Err(Issue::with(&TOO_MANY_ELEMENTS, Place::Whole, SIGNS_MAX.to_string()));
    }
    let mut scan = Scan { text, at: 0, depth: 0, elements: 0, prefixes: Vec::new() };
    while let Some(found) = memchr(b'<', scan.rest()) {
        scan.at += found;
        let rest = scan.rest();
        match rest {
            [b'<', b'?', ..] => scan.skip_past(b"?>"),
            _ if rest.starts_with(b"<!--") => scan.skip_past(b"-->"),
            _ if rest.starts_with(b"<![CDATA[") => scan.skip_past(b"]]>"),
            [b'<', b'!', ..] => return Err(Issue::new(&DOCUMENT_TYPE, position(text, scan.at))),
            [b'<', b'/', ..] => {
                scan.depth = scan.depth.saturating_sub(1);
                scan.skip_past(b">");
            }
            _ => scan.start_tag()?,
        }
    }
    Ok(())
}

struct Scan<'t> {
    text: &'t str,
    at: usize,
    depth: usize,
    elements: usize,
    prefixes: Vec<&'t [u8]>,
}

impl<'t> Scan<'t> {
    fn rest(&self) -> &'t [u8] {
        self.text.as_bytes().get(self.at..).unwrap_or_default()
    }

    fn skip_past(&mut self, end: &[u8]) {
        let rest = self.rest();
        self.at += match end {
            [one] => memchr(*one, rest).map_or(rest.len(), |found| found + 1),
            _ => memmem::find(rest, end).map_or(rest.len(), |found| found + end.len()),
        };
    }

    fn start_tag(&mut self) -> Result<(), Issue> {
        let start = self.at;
        let over = |rule: &'static Rule, limit: usize| Issue::with(rule, position(self.text, start), limit.to_string());
        self.elements += 1;
        if self.elements > ELEMENTS_MAX {
            return Err(over(&TOO_MANY_ELEMENTS, ELEMENTS_MAX));
        }
        if self.depth == DEPTH_ELEMENTS_MAX {
            return Err(over(&TOO_DEEP, DEPTH_ELEMENTS_MAX));
        }
        let tag = self.rest();
        let (mut at, mut attributes) = (1, 0);
        while let Some(found) = memchr3(b'"', b'\'', b'>', &tag[at..]) {
            let end = at + found;
            if tag[end] == b'>' {
                self.depth += usize::from(tag[end - 1] != b'/');
                self.at += end + 1;
                return Ok(());
            }
            attributes += 1;
            if attributes > ELEMENT_ATTRIBUTES_MAX {
                return Err(over(&TOO_MANY_ATTRIBUTES, ELEMENT_ATTRIBUTES_MAX));
            }
            if let Some(prefix) = declared(&tag[at..end])
                && !self.prefixes.contains(&prefix)
            {
                if self.prefixes.len() == PREFIXES_MAX {
                    return Err(over(&TOO_MANY_NAMESPACES, PREFIXES_MAX));
                }
                self.prefixes.push(prefix);
            }
            let value = end + 1;
            let Some(close) = memchr(tag[end], &tag[value..]) else { break };
            at = value + close + 1;
        }
        self.at = self.text.len();
        Ok(())
    }
}

/// The prefix that an attribute declares, of the text before its value; empty for the default namespace.
fn declared(before: &[u8]) -> Option<&[u8]> {
    let at = memmem::find(before, b"xmlns")?;
    let name = before[at + b"xmlns".len()..].trim_ascii_end().strip_suffix(b"=")?.trim_ascii_end();
    if name.is_empty() { Some(name) } else { name.strip_prefix(b":") }
}
