//! What arrived: bytes, from whom, under which name; and the identity that makes a second delivery recognisable.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::fhir::id::FacilityCode;

/// One delivery as it came in. Kept before it is read (invariant 2).
#[derive(Clone, Debug)]
pub struct Letter {
    /// Who sent it.
    pub source: Arc<Source>,
    /// The name under which it came: a path relative to the root of the tree, with `/`; empty when it had none.
    /// Part of the identity, because SS-MIX2 says "deleted" by renaming a file.
    pub name: String,
    /// The bytes, untouched.
    pub bytes: Vec<u8>,
}

/// What is configured about a sender.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// The facility whose numbers the messages use.
    pub facility: FacilityCode,
    /// Offset from UTC of times that carry none, in minutes (design decision 12; default +09:00 = 540).
    pub zone_minutes: i16,
}

/// SHA-256 of source, name and bytes: the same letter has the same id.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct LetterId(pub [u8; 32]);

impl Letter {
    /// The identity of this delivery.
    pub fn id(&self) -> LetterId {
        let mut hash = Sha256::new();
        for part in [self.source.facility.as_str().as_bytes(), self.name.as_bytes()] {
            hash.update((part.len() as u64).to_be_bytes());
            hash.update(part);
        }
        hash.update(&self.bytes);
        LetterId(hash.finalize().into())
    }
}

impl LetterId {
    /// Lower-case hexadecimal, 64 characters.
    pub fn hex(&self) -> String {
        use fmt::Write;
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            let _ = write!(text, "{byte:02x}");
        }
        text
    }

    /// The smallest and the largest id that begin with these hexadecimal digits; `None` when these are not 1 to 64 of
    /// them.
    pub fn range(digits: &str) -> Option<(LetterId, LetterId)> {
        if digits.is_empty() || digits.len() > 64 || !digits.bytes().all(|b| b.is_ascii_hexdigit()) {
            return None;
        }
        let filled = |fill: &str| -> Option<LetterId> {
            let text = format!("{digits}{}", fill.repeat(64 - digits.len()));
            let bytes = (0..64).step_by(2).map(|at| u8::from_str_radix(text.get(at..at + 2)?, 16).ok());
            bytes.collect::<Option<Vec<u8>>>()?.try_into().ok().map(LetterId)
        };
        Some((filled("0")?, filled("f")?))
    }

    /// The id behind what [`LetterId::hex`] gave.
    pub fn parse(hex: &str) -> Option<LetterId> {
        LetterId::range(hex).map(|(id, _)| id).filter(|id| id.hex() == hex)
    }
}

impl fmt::Debug for LetterId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.hex()[..12])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_by_its_first_digits() {
        let id = LetterId(std::array::from_fn(|n| n as u8 + 0xa0));
        assert_eq!(LetterId::parse(&id.hex()), Some(id));
        for length in 1..=64 {
            let (least, most) = LetterId::range(&id.hex()[..length]).unwrap();
            assert!(least <= id && id <= most);
            assert_eq!(least == most, length == 64);
        }
        assert_eq!(LetterId::range("A0").unwrap().0.0[..2], [0xa0, 0]);
        for text in ["", "g", "+1", "あ", &"0".repeat(65)] {
            assert_eq!(LetterId::range(text), None, "{text}");
        }
    }

    #[test]
    fn the_name_is_part_of_the_identity() {
        let source = Arc::new(Source { facility: FacilityCode::parse("0119999901"), zone_minutes: 540 });
        let letter = |name: &str| Letter { source: source.clone(), name: name.into(), bytes: b"MSH".to_vec() };
        assert_eq!(letter("a_1").id(), letter("a_1").id());
        assert_ne!(letter("a_1").id(), letter("a_0").id());
        let hex = letter("a_1").id().hex();
        assert_eq!(LetterId::parse(&hex), Some(letter("a_1").id()));
        for wrong in ["", &hex[1..], &hex.replace(char::is_numeric, "g"), &"é".repeat(32), &"A".repeat(64)] {
            assert_eq!(LetterId::parse(wrong), None, "{wrong}");
        }
    }
}
