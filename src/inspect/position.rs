//! Line and column in the sender's own file, as an editor counts them.

/// A place in a text: both numbers from 1. A column counts characters (Unicode scalar values), a byte order mark is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line; CR, LF and CRLF each end one.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
}

/// Where the lines of a text begin.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
}

impl<'t> Lines<'t> {
    /// Goes through a text once. It begins without its byte order mark.
    pub(super) fn of(text: &'t str) -> Self {
        let bytes = text.as_bytes();
        let ends = memchr::memchr2_iter(b'\r', b'\n', bytes);
        let is_end = |at: &usize| bytes.get(*at) == Some(&b'\n') || bytes.get(*at + 1) != Some(&b'\n');
        let starts = std::iter::once(0).chain(ends.filter(is_end).map(|at| at + 1)).collect();
        Lines { text, starts }
    }

    /// The position of a byte of the text; what lies past its end is at its end.
    pub(super) fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let before = self.text.as_bytes().get(start..offset).unwrap_or_default();
        // A character begins at each byte that continues none.
        let column = 1 + before.iter().filter(|byte| **byte & 0xC0 != 0x80).count();
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Position { line: number(line), column: number(column) }
    }

    /// The byte at which a line begins, from 1; none where the text is shorter.
    pub(super) fn start(&self, line: usize) -> Option<usize> {
        self.starts.get(line.checked_sub(1)?).copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_end_as_they_do_in_an_editor_and_columns_count_characters() {
        let text = "ab\r\nあ い\rx\n\n😀z";
        let lines = Lines::of(text);
        let at = |needle: &str| {
            let position = lines.position(text.find(needle).unwrap());
            (position.line, position.column)
        };
        assert_eq!((at("ab"), at("b"), at("あ"), at("い")), ((1, 1), (1, 2), (2, 1), (2, 3)));
        assert_eq!((at("x"), at("😀"), at("z")), ((3, 1), (5, 1), (5, 2)));
        assert_eq!(lines.position(text.len()), Position { line: 5, column: 3 });
        assert_eq!(lines.position(usize::MAX), Position { line: 5, column: 3 });
        assert_eq!(Lines::of("").position(0), Position { line: 1, column: 1 });
        assert_eq!((lines.start(2), lines.start(0), lines.start(9)), (Some(4), None, None));
    }
}
