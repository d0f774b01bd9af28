//! JSON Web Key Sets (RFC 7517): the public keys of a client, or of a provider of identities, as far as their algorithms are
//! allowed. A key of another kind is passed over; a set that holds private keys is refused.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, RSA_PKCS1_2048_8192_SHA256, RSA_PKCS1_2048_8192_SHA384,
    RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
};
use serde::Deserialize;
use serde::de::IgnoredAny;

/// Longest set that is read, bytes.
pub const SET_BYTES_MAX: usize = 64 << 10;
/// Most keys of a set.
pub const KEYS_MAX: usize = 32;
/// RSA moduli, bytes: 2048 to 8192 bits (NIST SP 800-131A; what ring verifies with).
const MODULUS_BYTES: std::ops::RangeInclusive<usize> = 256..=1024;
/// A coordinate of P-384.
const COORDINATE_BYTES: usize = 48;
/// A coordinate of P-256.
const COORDINATE_256_BYTES: usize = 32;

/// The algorithms of SMART Backend Services.
pub const OF_CLIENTS: &[Algorithm] = &[Algorithm::Rs384, Algorithm::Es384];
/// The algorithms in which providers of identities sign.
pub const OF_PROVIDERS: &[Algorithm] =
    &[Algorithm::Rs256, Algorithm::Es256, Algorithm::Ps256, Algorithm::Rs384, Algorithm::Es384];

/// A signature algorithm (RFC 7518 section 3.1), of those that any key here can have made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Algorithm {
    /// RSASSA-PKCS1-v1_5 with SHA-384.
    Rs384,
    /// ECDSA over P-384 with SHA-384.
    Es384,
    /// RSASSA-PKCS1-v1_5 with SHA-256.
    Rs256,
    /// ECDSA over P-256 with SHA-256.
    Es256,
    /// RSASSA-PSS with SHA-256.
    Ps256,
}

/// A client's public keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct KeySet(Vec<Key>);

#[derive(Clone, Debug, PartialEq, Eq)]
struct Key {
    id: Box<str>,
    public: Public,
    /// The only algorithm that it is for, where it says so.
    algorithm: Option<Algorithm>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
enum Public {
    Rsa {
        n: Vec<u8>,
        e: Vec<u8>,
    },
    /// An uncompressed point.
    P384(Vec<u8>),
    /// The same.
    P256(Vec<u8>),
}

/// Why a set cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoSet {
    /// It is none, or too long.
    Unreadable,
    /// It has private keys in it.
    Private,
    /// No key of it is of use here: RSA from 2048 bits or a curve of the algorithms, with a `kid`.
    NoKey,
}

/// Why a signature does not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unverified {
    /// No key has this id: the client may have new ones.
    NoSuchKey,
    /// Several keys have it, or the one that has it is of another kind, or did not make the signature.
    Wrong,
}

#[derive(Deserialize)]
struct Written {
    keys: Vec<WrittenKey>,
}

/// Members of one name twice are refused; those that are not named here are passed over.
#[derive(Deserialize)]
struct WrittenKey {
    kty: String,
    kid: Option<String>,
    #[serde(rename = "use")]
    used_for: Option<String>,
    key_ops: Option<Vec<String>>,
    alg: Option<String>,
    crv: Option<String>,
    x: Option<String>,
    y: Option<String>,
    n: Option<String>,
    e: Option<String>,
    // Private parts of RSA and EC keys, and symmetric keys.
    d: Option<IgnoredAny>,
    p: Option<IgnoredAny>,
    k: Option<IgnoredAny>,
}

impl Algorithm {
    /// By its name in a JWT header, of those that are allowed. Every other, `none` among them, is none.
    pub fn parse(name: &str, allowed: &[Algorithm]) -> Option<Self> {
        allowed.iter().copied().find(|one| one.name() == name)
    }

    /// Its name.
    pub const fn name(self) -> &'static str {
        match self {
            Algorithm::Rs384 => "RS384",
            Algorithm::Es384 => "ES384",
            Algorithm::Rs256 => "RS256",
            Algorithm::Es256 => "ES256",
            Algorithm::Ps256 => "PS256",
        }
    }
}

impl Algorithm {
    /// How a signature by an RSA key is read; `None` where an RSA key makes none.
    fn of_rsa(self) -> Option<&'static RsaParameters> {
        match self {
            Algorithm::Rs256 => Some(&RSA_PKCS1_2048_8192_SHA256),
            Algorithm::Rs384 => Some(&RSA_PKCS1_2048_8192_SHA384),
            Algorithm::Ps256 => Some(&RSA_PSS_2048_8192_SHA256),
            Algorithm::Es256 | Algorithm::Es384 => None,
        }
    }
}

impl KeySet {
    /// Reads a client's set.
    pub fn parse(text: &str) -> Result<Self, NoSet> {
        KeySet::parse_for(text, OF_CLIENTS)
    }

    /// Reads a set whose keys sign by these algorithms.
    pub fn parse_for(text: &str, allowed: &[Algorithm]) -> Result<Self, NoSet> {
        if text.len() > SET_BYTES_MAX {
            return Err(NoSet::Unreadable);
        }
        let written: Written = serde_json::from_str(text).map_err(|_| NoSet::Unreadable)?;
        if written.keys.iter().any(|key| key.d.is_some() || key.p.is_some() || key.k.is_some()) {
            return Err(NoSet::Private);
        }
        if written.keys.len() > KEYS_MAX {
            return Err(NoSet::Unreadable);
        }
        let keys: Vec<Key> = written.keys.into_iter().filter_map(|key| usable(key, allowed)).collect();
        if keys.is_empty() { Err(NoSet::NoKey) } else { Ok(KeySet(keys)) }
    }

    /// The keys of both.
    pub fn and(mut self, other: KeySet) -> KeySet {
        self.0.extend(other.0);
        self
    }

    /// The ids of the keys.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.0.iter().map(|key| &*key.id)
    }

    /// A set whose one key nobody has the private part of: what a signature is held against where there is no client, so
    /// that it takes as long.
    pub fn of_nobody() -> Self {
        // The base point of P-384 (SEC 2, section 2.5.1), which is on the curve; and an odd number of 2048 bits.
        const X: &str =
            "aa87ca22be8b05378eb1c71ef320ad746e1d3b628ba79b9859f741e082542a385502f25dbf55296c3a545e3872760ab7";
        const Y: &str =
            "3617de4a96262c6f5d9e98bf9292dc29f8f41dbd289a147ce9da3113b5f0b8c00a60b1ce1d7e819d7a431d7c90ea0e5f";
        let digit = |b: u8| char::from(b).to_digit(16).unwrap_or_default() as u8;
        let bytes = |hex: &str| {
            hex.as_bytes().chunks(2).map(|two| two.iter().fold(0, |n, b| n << 4 | digit(*b))).collect::<Vec<u8>>()
        };
        let point = [vec![4], bytes(X), bytes(Y)].concat();
        let rsa = Public::Rsa { n: vec![0xFF; 256], e: vec![1, 0, 1] };
        KeySet(
            [rsa, Public::P384(point)]
                .into_iter()
                .map(|public| Key { id: "".into(), public, algorithm: None })
                .collect(),
        )
    }

    /// Holds a signature against the one key with this id.
    pub fn verify(&self, id: &str, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> Result<(), Unverified> {
        let mut named = self.0.iter().filter(|key| *key.id == *id);
        let key = named.next().ok_or(Unverified::NoSuchKey)?;
        // "exactly one match" (SMART App Launch, client-confidential-asymmetric, signature verification).
        if named.next().is_some() {
            return Err(Unverified::Wrong);
        }
        let is_for = key.algorithm.is_none_or(|own| own == algorithm);
        if is_for && key.public.verify(algorithm, signed, signature) { Ok(()) } else { Err(Unverified::Wrong) }
    }

    /// Does the work of [`KeySet::verify`] with the key of this kind, whatever its id; of no consequence.
    pub fn verify_any(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        self.0.iter().any(|key| key.public.is_for(algorithm) && key.public.verify(algorithm, signed, signature))
    }
}

impl Public {
    fn is_for(&self, algorithm: Algorithm) -> bool {
        match self {
            Public::Rsa { .. } => algorithm.of_rsa().is_some(),
            Public::P384(_) => algorithm == Algorithm::Es384,
            Public::P256(_) => algorithm == Algorithm::Es256,
        }
    }

    /// The kind of the key decides how the signature is read: an RSA key cannot be made a secret of HMAC.
    fn verify(&self, algorithm: Algorithm, signed: &[u8], signature: &[u8]) -> bool {
        match (self, algorithm) {
            (Public::Rsa { n, e }, algorithm) => algorithm
                .of_rsa()
                .is_some_and(|of_rsa| RsaPublicKeyComponents { n, e }.verify(of_rsa, signed, signature).is_ok()),
            (Public::P384(point), Algorithm::Es384) => {
                UnparsedPublicKey::new(&ECDSA_P384_SHA384_FIXED, point).verify(signed, signature).is_ok()
            }
            (Public::P256(point), Algorithm::Es256) => {
                UnparsedPublicKey::new(&ECDSA_P256_SHA256_FIXED, point).verify(signed, signature).is_ok()
            }
            _ => false,
        }
    }
}

/// A key that may have signed by one of these algorithms.
fn usable(written: WrittenKey, allowed: &[Algorithm]) -> Option<Key> {
    let id = written.kid.filter(|id| !id.is_empty())?;
    let for_signatures = written.used_for.is_none_or(|used| used == "sig")
        && written.key_ops.is_none_or(|operations| operations.iter().any(|one| one == "verify"));
    let bytes = |text: Option<String>| URL_SAFE_NO_PAD.decode(text?).ok();
    let point = |bytes_of_one: usize, x, y| {
        let (x, y) = (bytes(x)?, bytes(y)?);
        (x.len() == bytes_of_one && y.len() == bytes_of_one).then(|| [vec![4], x, y].concat())
    };
    let public = match (written.kty.as_str(), written.crv.as_deref()) {
        ("RSA", _) => {
            let (mut n, e) = (bytes(written.n)?, bytes(written.e)?);
            // RFC 7518 has no leading zeros; some libraries write them.
            let zeros = n.iter().take_while(|byte| **byte == 0).count();
            n.drain(..zeros);
            MODULUS_BYTES.contains(&n.len()).then_some(())?;
            Public::Rsa { n, e }
        }
        ("EC", Some("P-384")) => Public::P384(point(COORDINATE_BYTES, written.x, written.y)?),
        ("EC", Some("P-256")) => Public::P256(point(COORDINATE_256_BYTES, written.x, written.y)?),
        _ => return None,
    };
    let algorithm = match written.alg {
        Some(name) => Some(Algorithm::parse(&name, allowed).filter(|named| public.is_for(*named))?),
        None => None,
    };
    let is_of_use = allowed.iter().any(|one| public.is_for(*one));
    (for_signatures && is_of_use).then_some(Key { id: id.into(), public, algorithm })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coordinate(byte: u8) -> String {
        URL_SAFE_NO_PAD.encode([byte; COORDINATE_BYTES])
    }

    fn set(keys: &[String]) -> Result<Vec<String>, NoSet> {
        let set = KeySet::parse(&format!("{{\"keys\":[{}]}}", keys.join(",")))?;
        Ok(set.ids().map(str::to_owned).collect())
    }

    fn ec(id: &str, more: &str) -> String {
        let (x, y) = (coordinate(1), coordinate(2));
        format!(r#"{{"kty":"EC","crv":"P-384","kid":"{id}","x":"{x}","y":"{y}"{more}}}"#)
    }

    fn rsa(id: &str, bytes: usize) -> String {
        let n = URL_SAFE_NO_PAD.encode(vec![0xFF; bytes]);
        format!(r#"{{"kty":"RSA","kid":"{id}","n":"{n}","e":"AQAB"}}"#)
    }

    #[test]
    fn keys_of_other_kinds_are_passed_over() {
        let keys = [
            ec("a", ""),
            ec("b", r#","use":"enc""#),
            ec("c", r#","alg":"ES256""#),
            ec("d", r#","key_ops":["sign"]"#),
            ec("e", r#","use":"sig","alg":"ES384","key_ops":["verify"],"x5c":["x"]"#),
            ec("", ""),
            r#"{"kty":"EC","crv":"P-256","kid":"f","x":"AQ","y":"AQ"}"#.to_owned(),
            r#"{"kty":"OKP","crv":"Ed25519","kid":"g","x":"AQ"}"#.to_owned(),
            rsa("h", 255),
            rsa("i", 256),
            rsa("j", 1024),
            rsa("k", 1025),
        ];
        assert_eq!(set(&keys).unwrap(), ["a", "e", "i", "j"]);
        assert_eq!(set(&keys[1..4]), Err(NoSet::NoKey));
    }

    #[test]
    fn a_providers_keys_are_of_more_kinds_and_each_of_the_algorithm_it_names() {
        let (x, y) = (URL_SAFE_NO_PAD.encode([1; 32]), URL_SAFE_NO_PAD.encode([2; 32]));
        let small =
            |id: &str, more: &str| format!(r#"{{"kty":"EC","crv":"P-256","kid":"{id}","x":"{x}","y":"{y}"{more}}}"#);
        let keys = [
            ec("a", ""),
            small("b", ""),
            small("c", r#","alg":"ES256""#),
            small("d", r#","alg":"ES384""#),
            rsa("e", 256),
            rsa("f", 256).replace('}', r#","alg":"PS256"}"#),
            rsa("g", 256).replace('}', r#","alg":"PS512"}"#),
            rsa("h", 256).replace('}', r#","alg":"HS256"}"#),
        ];
        let text = format!("{{\"keys\":[{}]}}", keys.join(","));
        let set = KeySet::parse_for(&text, OF_PROVIDERS).unwrap();
        assert_eq!(set.ids().collect::<Vec<_>>(), ["a", "b", "c", "e", "f"]);
        let named = set.0.iter().find(|key| &*key.id == "f").unwrap();
        assert_eq!(named.algorithm, Some(Algorithm::Ps256));
        // A client's are of fewer.
        assert_eq!(KeySet::parse(&text).unwrap().ids().collect::<Vec<_>>(), ["a", "e"]);
    }

    #[test]
    fn a_set_is_public_and_bounded() {
        assert_eq!(set(&[ec("a", r#","d":"AQ""#)]), Err(NoSet::Private));
        assert_eq!(set(&[r#"{"kty":"oct","kid":"a","k":"AQ"}"#.to_owned()]), Err(NoSet::Private));
        for text in ["", "[]", "{}", r#"{"keys":{}}"#, r#"{"keys":[{"kid":"a"}]}"#] {
            assert_eq!(KeySet::parse(text).err(), Some(NoSet::Unreadable), "{text}");
        }
        let many = |count: usize| (0..count).map(|n| ec(&n.to_string(), "")).collect::<Vec<_>>();
        assert!(set(&many(KEYS_MAX)).is_ok());
        assert_eq!(set(&many(KEYS_MAX + 1)), Err(NoSet::Unreadable));
        let padded = |length: usize| {
            let text = format!("{{\"keys\":[{}]}}", ec("a", ""));
            KeySet::parse(&format!("{text}{}", " ".repeat(length - text.len()))).is_ok()
        };
        assert!(padded(SET_BYTES_MAX) && !padded(SET_BYTES_MAX + 1));
    }

    #[test]
    fn an_id_that_several_keys_have_names_none() {
        let two = KeySet::parse(&format!("{{\"keys\":[{},{}]}}", ec("a", ""), ec("a", ""))).unwrap();
        assert_eq!(two.verify("a", Algorithm::Es384, b"", &[0; 96]), Err(Unverified::Wrong));
        assert_eq!(two.verify("b", Algorithm::Es384, b"", &[0; 96]), Err(Unverified::NoSuchKey));
        assert!(!KeySet::of_nobody().verify_any(Algorithm::Es384, b"", &[1; 96]));
        assert!(!KeySet::of_nobody().verify_any(Algorithm::Rs384, b"", &[1; 256]));
    }
}
