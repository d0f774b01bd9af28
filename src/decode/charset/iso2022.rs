//! ISO 2022 with the Japanese sets (JIS X 0201, 0208, 0212; ISO IR13, 14, 87, 159) by way of EUC-JP: `encoding_rs` reads that whole, and four times as fast as ISO-2022-JP.

use encoding_rs::EUC_JP;
use memchr::{memchr, memchr2};

use super::{OPEN_RUN, lost};
use crate::fault::{Issue, Noted};

const ESCAPE: u8 = 0x1b;
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;
/// No character in EUC-JP: comes out as U+FFFD.
const UNREADABLE: u8 = 0xff;
/// Segments reported one by one for [`OPEN_RUN`].
const OPEN_RUNS_MAX: usize = 50;

/// The text, and whether anything in it became U+FFFD. The state goes back to ASCII at the end of each segment, so that
/// a sender who forgets `ESC ( B` loses one segment and not the next ones.
pub(super) fn decode(bytes: &[u8]) -> Noted<(String, bool)> {
    let mut reader = Reader {
        out: Vec::with_capacity(bytes.len()),
        g0: Set::Ascii,
        g1: Set::Katakana,
        is_shifted: false,
        only_escapes: bytes.is_ascii() && memchr2(SHIFT_OUT, SHIFT_IN, bytes).is_none(),
        open: Vec::new(),
    };
    let mut rest = bytes;
    while let Some(byte) = rest.first() {
        let taken = match byte {
            &ESCAPE => reader.designate(rest),
            &SHIFT_OUT | &SHIFT_IN => {
                reader.is_shifted = *byte == SHIFT_OUT;
                1
            }
            b'\r' | b'\n' => reader.segment_end(*byte),
            0x80.. => reader.right(rest),
            _ => reader.left(rest),
        };
        rest = rest.get(taken..).unwrap_or(b"");
    }
    reader.close();
    let (text, lost) = EUC_JP.decode_without_bom_handling(&reader.out);
    let issues = reader.open.iter().map(|at| Issue::new(&OPEN_RUN, lost::place(&reader.out, *at))).collect();
    Noted { value: (text.into_owned(), lost), issues }
}

/// A designated set.
#[derive(Clone, Copy, PartialEq)]
enum Set {
    /// ASCII; also JIS X 0201 Roman, see [`super::decode`].
    Ascii,
    /// JIS X 0201 half-width katakana.
    Katakana,
    /// JIS X 0208, with the vendors' characters in its free rows.
    Kanji,
    /// JIS X 0212.
    Supplement,
    /// JIS X 0213 plane 1, of which the rows it shares with JIS X 0208 are read.
    Plane1,
    /// Double bytes of a set that is not known here.
    Unknown,
}

struct Reader {
    /// EUC-JP.
    out: Vec<u8>,
    g0: Set,
    g1: Set,
    is_shifted: bool,
    /// Nothing but ESC changes the state within a segment.
    only_escapes: bool,
    /// Where in `out` a segment ended with the state not back at ASCII.
    open: Vec<usize>,
}

impl Reader {
    /// An escape sequence; how many bytes it takes.
    fn designate(&mut self, rest: &[u8]) -> usize {
        match rest {
            [_, b'$', b'@' | b'B', ..] => {
                self.g0 = Set::Kanji;
                3
            }
            [_, b'$', b'(', last @ 0x30..=0x7e, ..] => {
                self.g0 = double(*last);
                4
            }
            [_, b'$', b')', last @ 0x30..=0x7e, ..] => {
                self.g1 = double(*last);
                4
            }
            [_, b'(', b'I', ..] => {
                self.g0 = Set::Katakana;
                3
            }
            [_, b'(', b'B' | b'J' | b'H', ..] => {
                self.g0 = Set::Ascii;
                3
            }
            [_, b')', b'I', ..] => {
                self.g1 = Set::Katakana;
                3
            }
            // Announces the 1990 edition of JIS X 0208.
            [_, b'&', b'@', ..] => 3,
            _ => {
                self.out.push(UNREADABLE);
                1
            }
        }
    }

    fn segment_end(&mut self, byte: u8) -> usize {
        self.close();
        self.out.push(byte);
        1
    }

    fn close(&mut self) {
        if (self.g0 != Set::Ascii || self.is_shifted) && self.open.len() < OPEN_RUNS_MAX {
            self.open.push(self.out.len());
        }
        self.g0 = Set::Ascii;
        self.is_shifted = false;
    }

    /// Bytes below 0x80: as many as the set in force takes at once.
    fn left(&mut self, rest: &[u8]) -> usize {
        match if self.is_shifted { self.g1 } else { self.g0 } {
            Set::Ascii => self.ascii(rest),
            Set::Katakana => self.katakana(rest),
            set => self.pairs(set, rest),
        }
    }

    fn ascii(&mut self, rest: &[u8]) -> usize {
        let end = if self.only_escapes {
            memchr(ESCAPE, rest)
        } else {
            rest.iter().position(|b| matches!(*b, ESCAPE | SHIFT_OUT | SHIFT_IN | b'\r' | b'\n' | 0x80..))
        };
        let end = end.unwrap_or(rest.len());
        self.out.extend_from_slice(&rest[..end]);
        end
    }

    fn katakana(&mut self, rest: &[u8]) -> usize {
        match rest[0] {
            byte @ 0x21..=0x5f => self.out.extend_from_slice(&[0x8e, byte | 0x80]),
            // Free in JIS X 0201 katakana: a delimiter or text of a sender who forgot to return to ASCII.
            0x60..=0x7e => {
                self.close();
                return 0;
            }
            byte => self.out.push(byte),
        }
        1
    }

    fn pairs(&mut self, set: Set, rest: &[u8]) -> usize {
        let length = rest.iter().take_while(|b| matches!(b, 0x21..=0x7e)).count();
        let (pairs, odd) = rest[..length].as_chunks::<2>();
        match set {
            Set::Kanji => self.out.extend(pairs.as_flattened().iter().map(|b| b | 0x80)),
            _ => pairs.iter().for_each(|pair| self.pair(set, *pair)),
        }
        if !odd.is_empty() {
            self.out.push(UNREADABLE);
        }
        if length == 0 {
            // A space or a control character means itself in every set.
            self.out.push(rest[0]);
        }
        length.max(1)
    }

    fn pair(&mut self, set: Set, [lead, trail]: [u8; 2]) {
        match set {
            Set::Kanji => self.out.extend_from_slice(&[lead | 0x80, trail | 0x80]),
            Set::Supplement => self.out.extend_from_slice(&[0x8f, lead | 0x80, trail | 0x80]),
            // Rows 1 to 8 and 16 to 84; in the other rows the vendors' characters of JIS X 0208 would be wrong.
            Set::Plane1 if matches!(lead, 0x21..=0x28 | 0x30..=0x74) => self.pair(Set::Kanji, [lead, trail]),
            _ => self.out.push(UNREADABLE),
        }
    }

    /// Bytes from 0x80: the set designated as G1, by default half-width katakana (ISO IR13).
    fn right(&mut self, rest: &[u8]) -> usize {
        match (self.g1, rest) {
            (Set::Katakana, [byte @ 0xa1..=0xdf, ..]) => self.out.extend_from_slice(&[0x8e, *byte]),
            (Set::Katakana | Set::Ascii, _) => self.out.push(UNREADABLE),
            (set, [lead @ 0xa1..=0xfe, trail @ 0xa1..=0xfe, ..]) => {
                self.pair(set, [lead & 0x7f, trail & 0x7f]);
                return 2;
            }
            _ => self.out.push(UNREADABLE),
        }
        1
    }
}

fn double(last: u8) -> Set {
    match last {
        b'@' | b'B' => Set::Kanji,
        b'D' => Set::Supplement,
        b'O' | b'Q' => Set::Plane1,
        _ => Set::Unknown,
    }
}
