//! Frames of MLLP (HL7 Implementation Guide, appendix C): 0x0B, the message, 0x1C 0x0D. Bytes in, frames out; no socket.

use memchr::{memchr, memchr2};

/// Begins a frame.
pub(super) const START: u8 = 0x0b;
/// Ends a frame; 0x0D should follow, and is not waited for.
pub(super) const END: u8 = 0x1c;
/// Bytes between two frames that are put up with: line ends, mostly.
pub(super) const NOISE_BYTES_MAX: usize = 4096;
/// How much of a frame that is too long is kept, to find its header.
const HEAD_BYTES_MAX: usize = 4096;

/// What was found in the bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Found {
    /// What stood between the marks.
    Frame(Vec<u8>),
    /// A frame longer than the limit: its beginning. Nothing that follows on the connection can be understood.
    TooLong(Vec<u8>),
    /// More than `NOISE_BYTES_MAX` bytes outside any frame: no MLLP is spoken here.
    Noise,
}

/// Finds frames in bytes as they come.
#[derive(Debug)]
pub struct Framer {
    frame: Vec<u8>,
    is_inside: bool,
    noise: usize,
    frame_bytes_max: usize,
}

impl Framer {
    /// For frames of at most so many bytes, the marks not counted.
    pub fn new(frame_bytes_max: usize) -> Self {
        Framer { frame: Vec::new(), is_inside: false, noise: 0, frame_bytes_max }
    }

    /// Whether a frame has begun and not ended.
    pub fn is_inside(&self) -> bool {
        self.is_inside
    }

    /// Takes bytes in until something is found; says how many it took. A frame that begins inside another one means that
    /// the sender gave up the first: no message holds 0x0B.
    pub fn take(&mut self, bytes: &[u8]) -> (usize, Option<Found>) {
        let mut taken = 0;
        while let Some(rest) = bytes.get(taken..).filter(|rest| !rest.is_empty()) {
            if !self.is_inside {
                let start = memchr(START, rest);
                self.noise += start.unwrap_or(rest.len());
                taken += start.map_or(rest.len(), |at| at + 1);
                if self.noise > NOISE_BYTES_MAX {
                    return (taken, Some(Found::Noise));
                }
                self.is_inside = start.is_some();
                continue;
            }
            let mark = memchr2(START, END, rest);
            let text = rest.get(..mark.unwrap_or(rest.len())).unwrap_or_default();
            taken += mark.map_or(rest.len(), |at| at + 1);
            if self.frame.len() + text.len() > self.frame_bytes_max {
                self.frame.extend_from_slice(text.get(..HEAD_BYTES_MAX.min(text.len())).unwrap_or_default());
                self.frame.truncate(HEAD_BYTES_MAX);
                return (taken, Some(Found::TooLong(std::mem::take(&mut self.frame))));
            }
            self.frame.extend_from_slice(text);
            match mark.and_then(|at| rest.get(at)) {
                Some(&END) => {
                    (self.is_inside, self.noise) = (false, 0);
                    return (taken, Some(Found::Frame(std::mem::take(&mut self.frame))));
                }
                Some(_) => self.frame.clear(),
                None => {}
            }
        }
        (taken, None)
    }
}

/// A message in its frame.
pub fn framed(message: &[u8]) -> Vec<u8> {
    let mut frame = Vec::with_capacity(message.len() + 3);
    frame.push(START);
    frame.extend_from_slice(message);
    frame.extend_from_slice(&[END, b'\r']);
    frame
}

#[cfg(test)]
mod tests {
    use super::*;

    /// All that is found, the bytes coming in pieces of a size.
    fn all(bytes: &[u8], size: usize, max: usize) -> Vec<Found> {
        let (mut framer, mut found) = (Framer::new(max), Vec::new());
        for mut piece in bytes.chunks(size) {
            while !piece.is_empty() {
                let (taken, one) = framer.take(piece);
                assert!(taken > 0);
                piece = &piece[taken..];
                found.extend(one);
            }
        }
        found
    }

    #[test]
    fn frames_are_found_however_the_bytes_are_cut() {
        let bytes = b"\r\n\x0bone\x1c\r\x0btwo\r\x1c\x0bthree\x1c\r\r\n\x0b\x1c\r\x0bhalf";
        let frames: Vec<_> = ["one", "two\r", "three", ""].map(|text| Found::Frame(text.into())).into();
        for size in 1..bytes.len() {
            assert_eq!(all(bytes, size, 9), frames, "{size}");
        }
    }

    #[test]
    fn a_frame_begun_anew_replaces_the_one_given_up() {
        assert_eq!(all(b"\x0bMSH|half\x0bMSH|whole\x1c\r", 3, 99), [Found::Frame(b"MSH|whole".to_vec())]);
    }

    #[test]
    fn limits_hold_at_the_limit_and_one_past_it() {
        assert_eq!(all(b"\x0b12345\x1c", 2, 5), [Found::Frame(b"12345".to_vec())]);
        assert_eq!(all(b"\x0b123456\x1c", 9, 5), [Found::TooLong(b"123456".to_vec())]);
        let long = framed(&vec![b'x'; 10_000]);
        assert_eq!(all(&long, 700, 5000)[0], Found::TooLong(vec![b'x'; HEAD_BYTES_MAX]));
        let noise = |count: usize| all(&[&vec![b'\n'; count][..], b"\x0bx\x1c"].concat(), 100, 9).remove(0);
        assert_eq!(noise(NOISE_BYTES_MAX), Found::Frame(b"x".to_vec()));
        assert_eq!(noise(NOISE_BYTES_MAX + 1), Found::Noise);
    }
}
