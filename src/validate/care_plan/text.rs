//! The rows of a CSV text (RFC 4180 as the standard uses it), each value with the place where it stands.

use std::borrow::Cow;

/// A row.
#[derive(Debug)]
pub(super) struct Row<'t> {
    /// From 1; a row may be several lines.
    pub(super) number: usize,
    /// The byte at which it begins.
    pub(super) start: usize,
    pub(super) cells: Vec<Cell<'t>>,
    /// Whether a quotation mark in it is never closed.
    pub(super) is_open: bool,
}

/// A value.
#[derive(Debug)]
pub(super) struct Cell<'t> {
    /// As it stands, quotation marks and all.
    pub(super) raw: &'t str,
    pub(super) value: Cow<'t, str>,
    /// Whether something stands around its quotation marks.
    pub(super) is_broken: bool,
}

/// The rows that hold something.
pub(super) fn rows(text: &str) -> Vec<Row<'_>> {
    let (mut rows, mut at) = (Vec::new(), 0);
    while at < text.len() {
        let (row, end) = row(text, at, rows.len() + 1);
        if row.cells.iter().any(|cell| !cell.raw.is_empty()) {
            rows.push(row);
        }
        at = end;
    }
    rows
}

fn row(text: &str, start: usize, number: usize) -> (Row<'_>, usize) {
    let bytes = text.as_bytes();
    let mut row = Row { number, start, cells: Vec::new(), is_open: false };
    let mut at = start;
    loop {
        let begin = at;
        let is_quoted = bytes.get(at) == Some(&b'"');
        if is_quoted {
            match closed(bytes, at + 1) {
                Some(end) => at = end,
                None => (at, row.is_open) = (bytes.len(), true),
            }
        }
        let rest = bytes.get(at..).unwrap_or_default();
        let end = at + memchr::memchr3(b',', b'\r', b'\n', rest).unwrap_or(rest.len());
        let raw = text.get(begin..end).unwrap_or_default();
        let inside = raw.strip_prefix('"').and_then(|raw| raw.strip_suffix('"')).filter(|_| is_quoted && at == end);
        let value = match inside {
            Some(inside) if inside.contains('"') => inside.replace("\"\"", "\"").into(),
            Some(inside) => inside.into(),
            None => raw.into(),
        };
        let is_broken = if is_quoted { at != end && !row.is_open } else { raw.contains('"') };
        row.cells.push(Cell { raw, value, is_broken });
        at = end;
        match bytes.get(at) {
            Some(b',') => at += 1,
            Some(b'\r') if bytes.get(at + 1) == Some(&b'\n') => return (row, at + 2),
            _ => return (row, at + 1),
        }
    }
}

/// The byte after the mark that closes a text, from inside it.
fn closed(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr(b'"', bytes.get(at..)?)? + 1;
        if bytes.get(at) != Some(&b'"') {
            return Some(at);
        }
        at += 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn values(text: &str) -> Vec<Vec<String>> {
        rows(text).iter().map(|row| row.cells.iter().map(|cell| cell.value.to_string()).collect()).collect()
    }

    #[test]
    fn quotation_marks_commas_and_line_ends() {
        assert_eq!(values("a,\"b,\r\n\"\"c\"\"\",\r\nd\n\n"), [vec!["a", "b,\r\n\"c\"", ""], vec!["d"]]);
        assert_eq!(values(",\r"), Vec::<Vec<String>>::new());
        assert_eq!(values("a,"), [vec!["a", ""]]);
        let open = rows("a,\"b,c\r\nd");
        assert_eq!((open.len(), open[0].is_open, open[0].cells.len()), (1, true, 2));
        let broken = rows("\"a\"x,b\"c,\"\"");
        let flaws: Vec<bool> = broken[0].cells.iter().map(|cell| cell.is_broken).collect();
        assert_eq!(flaws, [true, true, false]);
    }
}
