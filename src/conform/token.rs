//! A client's side of SMART Backend Services: signed assertions (RFC 7523), as `private_key_jwt` has them.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA384, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Map, Value, json};

/// What a client signs with.
#[derive(Debug)]
pub(super) struct Signer {
    kid: Option<String>,
    pair: Pair,
}

#[derive(Debug)]
enum Pair {
    Ec(Box<EcdsaKeyPair>),
    Rsa(Box<RsaKeyPair>),
}

/// What stands between the client and an assertion that counts.
pub(super) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

impl Signer {
    /// Of a private key, PEM (PKCS#8).
    pub(super) fn of(pem: &[u8], kid: Option<String>) -> Result<Signer, String> {
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|_| "the key is no private key in PEM")?;
        let der = key.secret_der();
        if let Ok(pair) = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, der, &SystemRandom::new()) {
            return Ok(Signer { kid, pair: Pair::Ec(Box::new(pair)) });
        }
        let pair = RsaKeyPair::from_pkcs8(der).map_err(|_| "the key is neither P-384 nor RSA in PKCS#8")?;
        Ok(Signer { kid, pair: Pair::Rsa(Box::new(pair)) })
    }

    /// A key that nobody knows, under the same id.
    pub(super) fn foreign(&self) -> Result<Signer, String> {
        let random = SystemRandom::new();
        let made =
            EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).map_err(|e| e.to_string())?;
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, made.as_ref(), &random);
        Ok(Signer { kid: self.kid.clone(), pair: Pair::Ec(Box::new(pair.map_err(|error| error.to_string())?)) })
    }

    /// A signed assertion that says these claims.
    pub(super) fn sign(&self, claims: &Map<String, Value>) -> Result<String, String> {
        let algorithm = match self.pair {
            Pair::Ec(_) => "ES384",
            Pair::Rsa(_) => "RS384",
        };
        let mut header = json!({"alg": algorithm, "typ": "JWT"});
        if let Some(kid) = &self.kid {
            header["kid"] = kid.as_str().into();
        }
        let claims = Value::Object(claims.clone()).to_string();
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header.to_string()), URL_SAFE_NO_PAD.encode(claims));
        let random = SystemRandom::new();
        let signature = match &self.pair {
            Pair::Ec(pair) => pair.sign(&random, signed.as_bytes()).map_err(|e| e.to_string())?.as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                let signed = pair.sign(&RSA_PKCS1_SHA384, &random, signed.as_bytes(), &mut signature);
                signed.map_err(|error| error.to_string())?;
                signature
            }
        };
        Ok(format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }
}

/// The claims that a client's assertion has to say (SMART Backend Services).
pub(super) fn claims(client_id: &str, audience: &str, now_seconds: i64, expires_in_seconds: i64) -> Map<String, Value> {
    let jti = uuid::Uuid::new_v4().to_string();
    let said = json!({"iss": client_id, "sub": client_id, "aud": audience, "iat": now_seconds,
        "exp": now_seconds + expires_in_seconds, "jti": jti});
    said.as_object().cloned().unwrap_or_default()
}
