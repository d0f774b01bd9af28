//! Client assertions (RFC 7523, as SMART Backend Services has them): a JWT by which a client shows who it is.
//!
//! It is read here, by hand, because the usual library reads the machine's clock, takes lists for issuer and audience, and
//! cannot read numbers where serde_json keeps them as they were written (`docs/adr/0031`).

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;
use serde_json::value::RawValue;

use super::jwks::{Algorithm, KeySet, OF_CLIENTS, Unverified};
use super::purpose::{self, NoPurpose};
use crate::consent::Purpose;

/// Longest assertion that is read, bytes.
pub const ASSERTION_BYTES_MAX: usize = 8 << 10;
/// Longest `jti`, bytes.
pub const JTI_BYTES_MAX: usize = 256;
/// How long an assertion may be good for, from now, seconds.
pub const LIFETIME_SECONDS_MAX: i64 = 300;
/// By how much the clock of a client may differ, seconds.
pub const SKEW_SECONDS_MAX: i64 = 30;

/// An assertion as it came: read, and not believed yet.
#[derive(Debug)]
pub struct Assertion<'a> {
    algorithm: Algorithm,
    key: String,
    jku: Option<String>,
    claims: Claims,
    signed: &'a [u8],
    signature: Vec<u8>,
}

/// Why an assertion does not count. Whoever sent it is not told; the operator's log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each is the name of what is wrong
pub enum Wrong {
    TooLong,
    Malformed,
    Algorithm,
    Critical,
    Type,
    NoKeyId,
    Issuer,
    Audience,
    Expired,
    TooLongLived,
    NotYet,
    NoJti,
    KeyAddress,
    UnknownKey,
    Signature,
    Replayed,
    UnknownClient,
    Certificate,
    Methods,
}

#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    jku: Option<String>,
    crit: Option<IgnoredAny>,
}

/// A claim of one name twice is refused, and so is one of another type: a time that is no whole number, a list of audiences.
#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: String,
    exp: i64,
    nbf: Option<i64>,
    iat: Option<i64>,
    jti: String,
    /// Read only once it is known who asks.
    extensions: Option<Box<RawValue>>,
}

impl<'a> Assertion<'a> {
    /// Reads an assertion (RFC 7515 compact serialization).
    pub fn read(text: &'a str) -> Result<Self, Wrong> {
        if text.len() > ASSERTION_BYTES_MAX {
            return Err(Wrong::TooLong);
        }
        let (signed, signature) = text.rsplit_once('.').ok_or(Wrong::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Wrong::Malformed)?;
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Wrong::Malformed);
        let header: Header = serde_json::from_slice(&bytes(header)?).map_err(|_| Wrong::Malformed)?;
        let algorithm = Algorithm::parse(&header.alg, OF_CLIENTS).ok_or(Wrong::Algorithm)?;
        // Extensions that must be understood are not (RFC 7515 section 4.1.11).
        if header.crit.is_some() {
            return Err(Wrong::Critical);
        }
        if header.typ.is_some_and(|typ| !typ.eq_ignore_ascii_case("JWT")) {
            return Err(Wrong::Type);
        }
        let key = header.kid.filter(|kid| !kid.is_empty()).ok_or(Wrong::NoKeyId)?;
        let claims: Claims = serde_json::from_slice(&bytes(claims)?).map_err(|_| Wrong::Malformed)?;
        if claims.iss != claims.sub {
            return Err(Wrong::Issuer);
        }
        if claims.jti.is_empty() || claims.jti.len() > JTI_BYTES_MAX {
            return Err(Wrong::NoJti);
        }
        let (signed, signature) = (signed.as_bytes(), bytes(signature)?);
        Ok(Assertion { algorithm, key, jku: header.jku, claims, signed, signature })
    }

    /// The client that it says it is from.
    pub fn client(&self) -> &str {
        &self.claims.iss
    }

    /// What tells it from the others of its client.
    pub fn jti(&self) -> &str {
        &self.claims.jti
    }

    /// Until when it can be used, milliseconds since 1970, the skew included: so long it must be remembered.
    pub fn usable_until_ms(&self) -> i64 {
        self.claims.exp.saturating_add(SKEW_SECONDS_MAX).saturating_mul(1000)
    }

    /// What for, where it says ([`purpose::of_extensions`]).
    pub fn purpose(&self) -> Result<Option<Purpose>, NoPurpose> {
        self.claims.extensions.as_ref().map_or(Ok(None), |claim| purpose::of_extensions(claim.get()))
    }

    /// Whether it is for one of these addresses, and for now (milliseconds since 1970).
    pub fn is_in_force(&self, audiences: &[String], now_ms: i64) -> Result<(), Wrong> {
        let Claims { aud, exp, nbf, iat, .. } = &self.claims;
        if !audiences.contains(aud) {
            return Err(Wrong::Audience);
        }
        let now = now_ms.div_euclid(1000);
        if *exp <= now - SKEW_SECONDS_MAX {
            return Err(Wrong::Expired);
        }
        if *exp > now + LIFETIME_SECONDS_MAX + SKEW_SECONDS_MAX {
            return Err(Wrong::TooLongLived);
        }
        let is_later = |at: &Option<i64>| at.is_some_and(|at| at > now + SKEW_SECONDS_MAX);
        if is_later(nbf) || is_later(iat) {
            return Err(Wrong::NotYet);
        }
        Ok(())
    }

    /// Whether the address of keys that it names, if it does, is the one that is registered (`jku`). It is never asked.
    pub fn names_keys_at(&self, registered: Option<&str>) -> Result<(), Wrong> {
        match &self.jku {
            Some(named) if Some(named.as_str()) != registered => Err(Wrong::KeyAddress),
            _ => Ok(()),
        }
    }

    /// Whether one of the keys signed it.
    pub fn is_signed_by(&self, keys: &KeySet) -> Result<(), Wrong> {
        keys.verify(&self.key, self.algorithm, self.signed, &self.signature).map_err(|why| match why {
            Unverified::NoSuchKey => Wrong::UnknownKey,
            Unverified::Wrong => Wrong::Signature,
        })
    }

    /// Takes the time of [`Assertion::is_signed_by`], where there is no client.
    pub fn is_held_against_nobody(&self, nobody: &KeySet) {
        let _ = std::hint::black_box(nobody.verify_any(self.algorithm, self.signed, &self.signature));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW_MS: i64 = 1_795_230_000_999;
    const NOW: i64 = NOW_MS / 1000;

    fn jwt(header: &str, claims: &str) -> String {
        [header, claims, "signature"].map(|part| URL_SAFE_NO_PAD.encode(part)).join(".")
    }

    const HEADER: &str = r#"{"alg":"ES384","kid":"k","typ":"JWT"}"#;

    fn claims(times: &str) -> String {
        format!(r#"{{"iss":"c","sub":"c","aud":"https://g/auth/token","jti":"j",{times}}}"#)
    }

    fn in_force(times: &str) -> Result<(), Wrong> {
        let text = jwt(HEADER, &claims(times));
        Assertion::read(&text)?.is_in_force(&["https://g/auth/token".to_owned()], NOW_MS)
    }

    #[test]
    fn times_are_whole_seconds_within_five_minutes_and_the_skew() {
        let exp = |seconds: i64| in_force(&format!("\"exp\":{}", NOW + seconds));
        assert_eq!([exp(-29), exp(300), exp(330)], [Ok(()); 3]);
        assert_eq!([exp(-30), exp(331)], [Err(Wrong::Expired), Err(Wrong::TooLongLived)]);
        assert_eq!(exp(-NOW), Err(Wrong::Expired));
        for name in ["nbf", "iat"] {
            let other = |seconds: i64| in_force(&format!("\"exp\":{},\"{name}\":{}", NOW + 60, NOW + seconds));
            assert_eq!([other(-999), other(30), other(31)], [Ok(()), Ok(()), Err(Wrong::NotYet)]);
            assert_eq!(in_force(&format!("\"exp\":{},\"{name}\":\"{NOW}\"", NOW + 60)), Err(Wrong::Malformed));
        }
        for exp in [
            format!("\"{}\"", NOW + 60),
            format!("{}.5", NOW + 60),
            format!("{}.0", NOW + 60),
            "1e99".into(),
            "9223372036854775808".into(),
            "null".into(),
            "true".into(),
            "[]".into(),
        ] {
            assert_eq!(in_force(&format!("\"exp\":{exp}")), Err(Wrong::Malformed), "{exp}");
        }
        assert_eq!(in_force("\"exp\":9223372036854775807"), Err(Wrong::TooLongLived));
        assert_eq!(in_force("\"exp\":-9223372036854775808"), Err(Wrong::Expired));
        assert_eq!(in_force(&format!("\"exp\":{0},\"exp\":{0}", NOW + 60)), Err(Wrong::Malformed));
        assert_eq!(in_force("\"x\":1"), Err(Wrong::Malformed));
    }

    #[test]
    fn headers_and_claims_that_do_not_count() {
        let good = claims(&format!("\"exp\":{}", NOW + 60));
        let wrong = |header: &str, claims: &str| Assertion::read(&jwt(header, claims)).map(drop);
        assert_eq!(wrong(HEADER, &good), Ok(()));
        assert_eq!(wrong(r#"{"alg":"RS384","kid":"k"}"#, &good), Ok(()));
        for algorithm in
            ["none", "None", "NONE", "", "HS256", "HS384", "RS256", "RS512", "PS384", "ES256", "EdDSA", "rs384"]
        {
            assert_eq!(
                wrong(&format!(r#"{{"alg":"{algorithm}","kid":"k"}}"#), &good),
                Err(Wrong::Algorithm),
                "{algorithm}"
            );
        }
        for (header, expected) in [
            (r#"{"alg":"RS384"}"#, Wrong::NoKeyId),
            (r#"{"alg":"RS384","kid":""}"#, Wrong::NoKeyId),
            (r#"{"alg":"RS384","kid":"k","crit":["b64"],"b64":false}"#, Wrong::Critical),
            (r#"{"alg":"RS384","kid":"k","typ":"at+jwt"}"#, Wrong::Type),
            (r#"{"alg":"RS384","alg":"none","kid":"k"}"#, Wrong::Malformed),
            (r#"{"kid":"k"}"#, Wrong::Malformed),
            (r#"{"alg":["RS384"],"kid":"k"}"#, Wrong::Malformed),
            ("[]", Wrong::Malformed),
        ] {
            assert_eq!(wrong(header, &good), Err(expected), "{header}");
        }
        let other = |from: &str, to: &str| wrong(HEADER, &good.replacen(from, to, 1));
        assert_eq!(other(r#""sub":"c""#, r#""sub":"d""#), Err(Wrong::Issuer));
        assert_eq!(other(r#""iss":"c""#, r#""iss":["c"]"#), Err(Wrong::Malformed));
        assert_eq!(
            other(r#""aud":"https://g/auth/token""#, r#""aud":["https://g/auth/token"]"#),
            Err(Wrong::Malformed)
        );
        assert_eq!(other(r#""jti":"j","#, ""), Err(Wrong::Malformed));
        assert_eq!(other(r#""jti":"j""#, r#""jti":"""#), Err(Wrong::NoJti));
        let jti = |length: usize| other(r#""jti":"j""#, &format!(r#""jti":"{}""#, "j".repeat(length)));
        assert_eq!((jti(JTI_BYTES_MAX), jti(JTI_BYTES_MAX + 1)), (Ok(()), Err(Wrong::NoJti)));
        for text in ["", ".", "..", "a.b", "a.b.c.d", "eyJ.eyJ.x", "=.=.="] {
            assert!(Assertion::read(text).is_err(), "{text}");
        }
        assert_eq!(Assertion::read(&"a".repeat(ASSERTION_BYTES_MAX + 1)).err(), Some(Wrong::TooLong));
        assert_eq!(Assertion::read(&"a".repeat(ASSERTION_BYTES_MAX)).err(), Some(Wrong::Malformed));
    }

    proptest::proptest! {
        #![proptest_config(proptest::test_runner::Config { failure_persistence: None, ..Default::default() })]
        #[test]
        fn whatever_comes_is_read_or_refused(header: String, claims: String, text in "[A-Za-z0-9_.=-]{0,64}") {
            let _ = Assertion::read(&text);
            let _ = KeySet::parse(&claims);
            let said = jwt(&header, &claims);
            proptest::prop_assert!(Assertion::read(&said).is_err());
            let said = jwt(HEADER, &claims);
            let _ = Assertion::read(&said);
        }
    }

    #[test]
    fn an_address_of_keys_is_the_registered_one() {
        let text = jwt(r#"{"alg":"RS384","kid":"k","jku":"https://c/jwks"}"#, &claims("\"exp\":1"));
        let assertion = Assertion::read(&text).unwrap();
        assert_eq!(assertion.names_keys_at(Some("https://c/jwks")), Ok(()));
        for registered in [None, Some("https://c/jwks/"), Some("https://C/jwks"), Some("https://c/jwks?")] {
            assert_eq!(assertion.names_keys_at(registered), Err(Wrong::KeyAddress));
        }
    }
}
