//! Access tokens of people: JWTs of the operator's provider of identities (RFC 9068, OpenID Connect Core), read and verified
//! here (`docs/adr/0042`). What a token says of its person grants nothing: who somebody is to this network, its registration says.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde::Deserialize;
use serde::de::IgnoredAny;

use super::jwks::{Algorithm, KeySet, OF_PROVIDERS, Unverified};

/// Longest subject, bytes (OpenID Connect Core, section 2: 255 characters of ASCII).
pub const SUBJECT_BYTES_MAX: usize = 255;

/// What a token has to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asked {
    /// The only issuer, byte for byte.
    pub issuer: String,
    /// What must be among its audiences.
    pub audience: String,
    /// One of these is its `acr`; anything where there is none.
    pub acr: Vec<String>,
    /// All of these are among its `amr`.
    pub amr: Vec<String>,
    /// By how much the provider's clock may differ.
    pub skew_seconds_max: i64,
    /// How long it may be good for, from now.
    pub token_seconds_max: i64,
    /// Whether its type may be `JWT`, as some providers write it, instead of `at+jwt`.
    pub takes_plain_type: bool,
}

/// A token as it came: read, and not believed yet.
#[derive(Debug)]
pub struct PersonToken<'a> {
    algorithm: Algorithm,
    key: String,
    claims: Claims,
    signed: &'a [u8],
    signature: Vec<u8>,
}

/// Why a token does not count. Whoever sent it is not told, but for [`Wrong::Assurance`]; the operator's log is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // each is the name of what is wrong
pub enum Wrong {
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
    Subject,
    Binding,
    NoKeys,
    UnknownKey,
    Signature,
    Assurance,
    NotRegistered,
    Practitioner,
    NoMember,
}

/// Other members (`jwk`, `jku`, `x5u`, `x5c`) are passed over: keys come from the provider's address and from nowhere else.
#[derive(Deserialize)]
struct Header {
    alg: String,
    kid: Option<String>,
    typ: Option<String>,
    crit: Option<IgnoredAny>,
}

/// A claim of one name twice is refused, and so is one of another type.
#[derive(Debug, Deserialize)]
struct Claims {
    iss: String,
    sub: String,
    aud: Audience,
    exp: i64,
    iat: i64,
    nbf: Option<i64>,
    #[serde(default)]
    scope: String,
    acr: Option<String>,
    #[serde(default)]
    amr: Vec<String>,
    #[serde(rename = "fhirUser")]
    fhir_user: Option<String>,
    cnf: Option<Confirmation>,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Audience {
    One(String),
    Several(Vec<String>),
}

/// What a token is bound to (RFC 7800): a certificate, or something that is not known here, which is refused.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Confirmation {
    #[serde(rename = "x5t#S256")]
    certificate: String,
}

impl<'a> PersonToken<'a> {
    /// Reads a token (RFC 7515 compact serialization).
    pub fn read(text: &'a str, asked: &Asked) -> Result<Self, Wrong> {
        let (signed, signature) = text.rsplit_once('.').ok_or(Wrong::Malformed)?;
        let (header, claims) = signed.split_once('.').ok_or(Wrong::Malformed)?;
        let bytes = |part: &str| URL_SAFE_NO_PAD.decode(part).map_err(|_| Wrong::Malformed);
        let header: Header = serde_json::from_slice(&bytes(header)?).map_err(|_| Wrong::Malformed)?;
        let algorithm = Algorithm::parse(&header.alg, OF_PROVIDERS).ok_or(Wrong::Algorithm)?;
        if header.crit.is_some() {
            return Err(Wrong::Critical);
        }
        // An identity token is no access token (RFC 9068 section 4).
        let typ = header.typ.unwrap_or_default().to_ascii_lowercase();
        let is_taken = match typ.as_str() {
            "at+jwt" | "application/at+jwt" => true,
            typ => asked.takes_plain_type && typ == "jwt",
        };
        if !is_taken {
            return Err(Wrong::Type);
        }
        let key = header.kid.filter(|kid| !kid.is_empty()).ok_or(Wrong::NoKeyId)?;
        let claims: Claims = serde_json::from_slice(&bytes(claims)?).map_err(|_| Wrong::Malformed)?;
        let (signed, signature) = (signed.as_bytes(), bytes(signature)?);
        Ok(PersonToken { algorithm, key, claims, signed, signature })
    }

    /// Whether it is of this issuer, for this gateway, and for now (milliseconds since 1970).
    pub fn is_in_force(&self, asked: &Asked, now_ms: i64) -> Result<(), Wrong> {
        let Claims { iss, sub, aud, exp, iat, nbf, .. } = &self.claims;
        if *iss != asked.issuer {
            return Err(Wrong::Issuer);
        }
        let is_for_us = match aud {
            Audience::One(one) => *one == asked.audience,
            Audience::Several(several) => several.contains(&asked.audience),
        };
        if !is_for_us {
            return Err(Wrong::Audience);
        }
        let (now, skew) = (now_ms.div_euclid(1000), asked.skew_seconds_max);
        if *exp <= now - skew {
            return Err(Wrong::Expired);
        }
        if *exp > now + asked.token_seconds_max + skew {
            return Err(Wrong::TooLongLived);
        }
        if *iat > now + skew || nbf.is_some_and(|nbf| nbf > now + skew) {
            return Err(Wrong::NotYet);
        }
        if sub.is_empty() || sub.len() > SUBJECT_BYTES_MAX {
            return Err(Wrong::Subject);
        }
        Ok(())
    }

    /// Whether one of the provider's keys signed it.
    pub fn is_signed_by(&self, keys: &KeySet) -> Result<(), Wrong> {
        keys.verify(&self.key, self.algorithm, self.signed, &self.signature).map_err(|why| match why {
            Unverified::NoSuchKey => Wrong::UnknownKey,
            Unverified::Wrong => Wrong::Signature,
        })
    }

    /// Whether its person signed in as surely as is asked for (RFC 9470).
    pub fn is_sure(&self, asked: &Asked) -> Result<(), Wrong> {
        let Claims { acr, amr, .. } = &self.claims;
        let class = asked.acr.is_empty() || acr.as_ref().is_some_and(|acr| asked.acr.contains(acr));
        let methods = asked.amr.iter().all(|method| amr.contains(method));
        if class && methods { Ok(()) } else { Err(Wrong::Assurance) }
    }

    /// Whose it is, by the provider's word for them.
    pub fn subject(&self) -> &str {
        &self.claims.sub
    }

    /// What it may be used for at most.
    pub fn scope(&self) -> &str {
        &self.claims.scope
    }

    /// When it ends, milliseconds since 1970, the skew included.
    pub fn usable_until_ms(&self, asked: &Asked) -> i64 {
        self.claims.exp.saturating_add(asked.skew_seconds_max).saturating_mul(1000)
    }

    /// Whether it says of nobody else that they are its person: `fhirUser`, a reference or an address that ends in one.
    pub fn is_of(&self, practitioner: &str) -> bool {
        let stated = self.claims.fhir_user.as_deref();
        stated.is_none_or(|stated| stated == practitioner || stated.ends_with(&format!("/{practitioner}")))
    }

    /// The SHA-256 of the certificate over which alone it counts (RFC 8705), as bytes; `None` where it is bound to none.
    pub fn certificate(&self) -> Result<Option<[u8; 32]>, Wrong> {
        let Some(bound) = &self.claims.cnf else { return Ok(None) };
        let bytes = URL_SAFE_NO_PAD.decode(&bound.certificate).ok().and_then(|bytes| bytes.try_into().ok());
        bytes.map(Some).ok_or(Wrong::Binding)
    }
}

#[cfg(test)]
mod tests;
