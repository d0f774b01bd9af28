//! Line and column in the sender's own file, as an editor counts them.

/// A place in a text: both numbers from 1. A column counts characters (Unicode scalar values), a byte order mark is none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position {
    /// The line; CR, LF and CRLF each end one.
    pub line: u32,
    /// The character in the line.
    pub column: u32,
}

/// Bytes after which the characters of a text are counted, so that a long line is not counted for each place in it.
const BLOCK_BYTES: usize = 1024;

/// Where the lines of a text begin.
pub(super) struct Lines<'t> {
    text: &'t str,
    starts: Vec<usize>,
    /// How many characters begin before each block.
    blocks: Vec<usize>,
}

/// The last byte of each end of a line.
pub(super) fn ends(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let is_end = |at: &usize| bytes.get(*at) == Some(&b'\n') || bytes.get(*at + 1) != Some(&b'\n');
    memchr::memchr2_iter(b'\r', b'\n', bytes).filter(is_end)
}

/// How many characters begin in a text: one at each byte that continues none.
fn characters(bytes: &[u8]) -> usize {
    bytes.iter().filter(|byte| **byte & 0xC0 != 0x80).count()
}

impl<'t> Lines<'t> {
    /// Goes through a text once. It begins without its byte order mark.
    pub(super) fn of(text: &'t str) -> Self {
        let bytes = text.as_bytes();
        let starts = std::iter::once(0).chain(ends(bytes).map(|at| at + 1)).collect();
        let before = |count: &mut usize, block: &[u8]| {
            let own = *count;
            *count += characters(block);
            Some(own)
        };
        // One block more, for the end of the text.
        let blocks = bytes.chunks(BLOCK_BYTES).chain([&[][..]]).scan(0, before).collect();
        Lines { text, starts, blocks }
    }

    /// The position of a byte of the text; what lies past its end is at its end.
    pub(super) fn position(&self, offset: usize) -> Position {
        let offset = offset.min(self.text.len());
        let line = self.starts.partition_point(|start| *start <= offset).max(1);
        let start = self.starts.get(line - 1).copied().unwrap_or(0);
        let column = 1 + self.characters_before(offset) - self.characters_before(start);
        let number = |count: usize| u32::try_from(count).unwrap_or(u32::MAX);
        Position { line: number(line), column: number(column) }
    }

    fn characters_before(&self, offset: usize) -> usize {
        let block = offset / BLOCK_BYTES;
        let rest = self.text.as_bytes().get(block * BLOCK_BYTES..offset).unwrap_or_default();
        self.blocks.get(block).copied().unwrap_or_default() + characters(rest)
    }

    /// The byte at which the character begins that is so many characters behind the one at a byte; at most the end of the text.
    pub(super) fn ahead(&self, from: usize, count: usize) -> usize {
        let wanted = self.characters_before(from.min(self.text.len())) + count;
        let block = self.blocks.partition_point(|before| *before <= wanted).saturating_sub(1);
        let mut before = self.blocks.get(block).copied().unwrap_or_default();
        let start = block * BLOCK_BYTES;
        let rest = self.text.as_bytes().get(start..).unwrap_or_default();
        let found = rest.iter().position(|byte| {
            before += usize::from(*byte & 0xC0 != 0x80);
            before > wanted
        });
        found.map_or(self.text.len(), |at| start + at)
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

    #[test]
    fn a_line_longer_than_a_block_is_counted_as_any() {
        let text = format!("x\n{}z", "aあ😀".repeat(BLOCK_BYTES));
        let lines = Lines::of(&text);
        for (column, (at, _)) in text[2..].char_indices().enumerate() {
            assert_eq!(lines.position(2 + at), Position { line: 2, column: column as u32 + 1 });
            assert_eq!(lines.ahead(2, column), 2 + at);
        }
        assert_eq!((lines.ahead(2, 3 * BLOCK_BYTES + 1), lines.ahead(text.len(), 5)), (text.len(), text.len()));
        assert_eq!((Lines::of("").ahead(0, 1), lines.ahead(usize::MAX, 0)), (0, text.len()));
    }
}
