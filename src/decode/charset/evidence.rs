//! What the bytes themselves say about their character set.

use std::cell::OnceCell;

use encoding_rs::Encoding;
use memchr::{memchr_iter, memchr3};

const ESCAPE: u8 = 0x1b;
const SHIFT_OUT: u8 = 0x0e;
const SHIFT_IN: u8 = 0x0f;

/// The bytes with what is seen at once; the rest is looked up when asked for.
pub(super) struct Evidence<'b> {
    bytes: &'b [u8],
    /// No byte is above 0x7F.
    pub(super) is_ascii: bool,
    /// There are bytes above 0x7F and all of them are half-width katakana of JIS X 0201.
    pub(super) is_katakana: bool,
    controls: bool,
    utf8: OnceCell<bool>,
}

impl<'b> Evidence<'b> {
    pub(super) fn of(bytes: &'b [u8]) -> Self {
        let is_ascii = bytes.is_ascii();
        let is_katakana = !is_ascii && bytes.iter().all(|b| matches!(b, 0..=0x7f | 0xa1..=0xdf));
        let controls = memchr3(ESCAPE, SHIFT_OUT, SHIFT_IN, bytes).is_some();
        Evidence { bytes, is_ascii, is_katakana, controls, utf8: OnceCell::new() }
    }

    /// ASCII without anything that ISO 2022 would act on.
    pub(super) fn is_plain(&self) -> bool {
        self.is_ascii && !self.controls
    }

    pub(super) fn is_utf8(&self) -> bool {
        *self.utf8.get_or_init(|| std::str::from_utf8(self.bytes).is_ok())
    }

    /// UTF-8, perhaps with a few characters cut in half: a text in another encoding has hardly any valid sequence.
    pub(super) fn is_mostly_utf8(&self) -> bool {
        if self.is_utf8() {
            return true;
        }
        let (mut whole, mut broken) = (0_usize, 0_usize);
        for chunk in self.bytes.utf8_chunks() {
            whole += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
            broken += usize::from(!chunk.invalid().is_empty());
        }
        whole > 4 * broken
    }

    /// Escape sequences that designate a Japanese set, in a text whose other bytes agree with that.
    pub(super) fn has_escapes(&self) -> bool {
        let is_other = !self.is_ascii && !self.is_katakana && self.is_mostly_utf8();
        self.controls && !is_other && memchr_iter(ESCAPE, self.bytes).any(|at| is_designation(&self.bytes[at..]))
    }

    pub(super) fn is_broken(&self, encoding: &'static Encoding) -> bool {
        encoding.decode_without_bom_handling_and_without_replacement(self.bytes).is_none()
    }
}

fn is_designation(sequence: &[u8]) -> bool {
    let wide = matches!(sequence, [ESCAPE, b'$', b'@' | b'B' | b'(' | b')', ..]);
    wide || matches!(sequence, [ESCAPE, b'(', b'B' | b'J' | b'I' | b'H', ..] | [ESCAPE, b')', b'I', ..])
}
