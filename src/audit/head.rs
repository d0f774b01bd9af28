//! Heads of the audit chain: which chunk was the last at an instant, signed with a key of its own (Ed25519, RFC 8032). Kept
//! where whoever can change the chain cannot change them, they show that nothing was cut off or rewritten (docs/adr/0039).

use ring::signature::{ED25519, UnparsedPublicKey};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::chunk::ChunkHash;
use crate::fhir::{base64, time};

/// The last chunk at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Head {
    /// Its number.
    pub number: u64,
    /// Its hash.
    pub hash: ChunkHash,
    /// When, milliseconds since 1970.
    pub at_ms: i64,
}

/// A head and who says so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SignedHead {
    /// What is said.
    pub head: Head,
    /// The name of the key, [`PublicKey::name`].
    pub key: String,
    /// The signature over [`Head::signed_text`].
    pub signature: Vec<u8>,
}

/// What heads are verified with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PublicKey(pub [u8; 32]);

/// SubjectPublicKeyInfo of an Ed25519 key, before the key itself (RFC 8410 section 4).
const SPKI: [u8; 12] = [0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00];
const BEGIN: &str = "-----BEGIN PUBLIC KEY-----";
const END: &str = "-----END PUBLIC KEY-----";

/// A line of a file of heads.
#[derive(Serialize, Deserialize)]
struct Line {
    number: u64,
    hash: String,
    /// For people; what counts is `at_ms`.
    at: String,
    at_ms: i64,
    key: String,
    signature: String,
}

impl Head {
    /// What is signed, one line: anybody can write it down and verify the signature with another program.
    pub fn signed_text(&self) -> String {
        format!("tasuki audit head 1 {} {} {}\n", self.number, self.hash.hex(), self.at_ms)
    }
}

impl SignedHead {
    /// One line of JSON, without its end.
    pub fn line(&self) -> String {
        let line = Line {
            number: self.head.number,
            hash: self.head.hash.hex(),
            at: time::instant(self.head.at_ms, 0),
            at_ms: self.head.at_ms,
            key: self.key.clone(),
            signature: base64::encode(&self.signature),
        };
        // Numbers and texts always have a form.
        serde_json::to_string(&line).unwrap_or_default()
    }

    /// Of such a line; `None` for any other.
    pub fn parse(line: &str) -> Option<Self> {
        let line: Line = serde_json::from_str(line).ok()?;
        let head = Head { number: line.number, hash: ChunkHash::parse(&line.hash)?, at_ms: line.at_ms };
        Some(SignedHead { head, key: line.key, signature: base64::decode(&line.signature)? })
    }

    /// Whether this key signed it.
    pub fn is_signed_by(&self, key: &PublicKey) -> bool {
        let text = self.head.signed_text();
        UnparsedPublicKey::new(&ED25519, key.0).verify(text.as_bytes(), &self.signature).is_ok()
    }
}

impl PublicKey {
    /// What it is called in heads: the first 16 hexadecimal digits of its SHA-256.
    pub fn name(&self) -> String {
        Sha256::digest(self.0).iter().take(8).map(|byte| format!("{byte:02x}")).collect()
    }

    /// As PEM (RFC 7468 section 13).
    pub fn pem(&self) -> String {
        let mut der = SPKI.to_vec();
        der.extend(self.0);
        format!("{BEGIN}\n{}\n{END}\n", base64::encode(&der))
    }

    /// Of PEM; `None` when it is no Ed25519 public key.
    pub fn of_pem(pem: &str) -> Option<Self> {
        let (_, rest) = pem.split_once(BEGIN)?;
        let (body, _) = rest.split_once(END)?;
        let der = base64::decode(body)?;
        der.strip_prefix(&SPKI)?.try_into().ok().map(PublicKey)
    }
}

#[cfg(test)]
mod tests {
    use ring::signature::{Ed25519KeyPair, KeyPair};

    use super::*;

    fn signed() -> (SignedHead, PublicKey) {
        let pair = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
        let key = PublicKey(pair.public_key().as_ref().try_into().unwrap());
        let head = Head { number: 41, hash: ChunkHash::of(41, b"chunk"), at_ms: 1_790_000_000_123 };
        let signature = pair.sign(head.signed_text().as_bytes()).as_ref().to_vec();
        (SignedHead { head, key: key.name(), signature }, key)
    }

    #[test]
    fn a_head_is_a_line_that_only_its_key_signs() {
        let (signed, key) = signed();
        assert_eq!(SignedHead::parse(&signed.line()).as_ref(), Some(&signed));
        assert!(signed.is_signed_by(&key) && !signed.is_signed_by(&PublicKey([7; 32])));
        for head in [
            Head { number: 42, ..signed.head },
            Head { at_ms: 0, ..signed.head },
            Head { hash: ChunkHash::NOTHING, ..signed.head },
        ] {
            assert!(!SignedHead { head, ..signed.clone() }.is_signed_by(&key));
        }
        for line in ["", "{}", "null", &signed.line()[1..]] {
            assert_eq!(SignedHead::parse(line), None, "{line}");
        }
    }

    #[test]
    fn a_key_is_pem_as_others_write_it() {
        let (_, key) = signed();
        assert_eq!(PublicKey::of_pem(&key.pem()), Some(key));
        assert_eq!(key.name().len(), 16);
        // RFC 8410 section 10.1.
        let example = "-----BEGIN PUBLIC KEY-----\nMCowBQYDK2VwAyEAGb9ECWmEzf6FQbrBZ9w7lshQhqowtrbLDFw4rXAxZuE=\n-----END PUBLIC KEY-----\n";
        assert_eq!(PublicKey::of_pem(example).map(|key| key.pem()).as_deref(), Some(example));
        for pem in ["", "-----BEGIN PUBLIC KEY-----\nAAAA\n-----END PUBLIC KEY-----\n"] {
            assert_eq!(PublicKey::of_pem(pem), None);
        }
    }
}
