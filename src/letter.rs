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
    /// From the 64 lower-case digits that [`LetterId::hex`] gives.
    pub fn parse(hex: &str) -> Option<Self> {
        let mut id = [0; 32];
        let is_hex = hex.len() == 64 && hex.bytes().all(|b| matches!(b, b'0'..=b'9' | b'a'..=b'f'));
        for (byte, at) in id.iter_mut().zip((0..64).step_by(2)).filter(|_| is_hex) {
            *byte = u8::from_str_radix(hex.get(at..at + 2)?, 16).ok()?;
        }
        is_hex.then_some(LetterId(id))
    }

    /// Lower-case hexadecimal, 64 characters.
    pub fn hex(&self) -> String {
        use fmt::Write;
        let mut text = String::with_capacity(64);
        for byte in self.0 {
            let _ = write!(text, "{byte:02x}");
        }
        text
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
