//! A client's side of SMART Backend Services: keys, key sets, signed assertions, requests for tokens.

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA384, RsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};

use crate::gateway::{Answer, Ask, NOW, Served};

pub(crate) const TOKEN_URL: &str = "http://gateway.example/auth/token";
pub(crate) const NOW_SECONDS: i64 = NOW / 1000;
/// Made for these tests; it is nobody's.
const RSA: &str = include_str!("rsa-2048.pem");

/// A key pair with its id.
pub(crate) struct Signer {
    pub(crate) kid: String,
    pair: Pair,
}

enum Pair {
    Ec(EcdsaKeyPair),
    Rsa(RsaKeyPair),
}

/// What an assertion says; each test changes what it is about.
#[derive(Clone)]
pub(crate) struct Said {
    pub(crate) header: Value,
    pub(crate) claims: Value,
}

impl Signer {
    /// A P-384 pair, made now.
    pub(crate) fn ec(kid: &str) -> Signer {
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, &random).unwrap();
        let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        Signer { kid: kid.into(), pair: Pair::Ec(pair) }
    }

    /// The RSA pair of the tests.
    pub(crate) fn rsa(kid: &str) -> Signer {
        let key = PrivateKeyDer::from_pem_slice(RSA.as_bytes()).unwrap();
        let pair = RsaKeyPair::from_pkcs8(key.secret_der()).unwrap();
        Signer { kid: kid.into(), pair: Pair::Rsa(pair) }
    }

    pub(crate) fn algorithm(&self) -> &'static str {
        match self.pair {
            Pair::Ec(_) => "ES384",
            Pair::Rsa(_) => "RS384",
        }
    }

    /// The public key as a JSON Web Key.
    pub(crate) fn jwk(&self) -> Value {
        let coded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        match &self.pair {
            Pair::Ec(pair) => {
                let (x, y) = pair.public_key().as_ref()[1..].split_at(48);
                json!({"kty": "EC", "crv": "P-384", "kid": self.kid, "x": coded(x), "y": coded(y), "alg": "ES384"})
            }
            Pair::Rsa(pair) => {
                let public: ring::rsa::PublicKeyComponents<Vec<u8>> = pair.public().into();
                let (n, e) = (coded(&public.n), coded(&public.e));
                json!({"kty": "RSA", "kid": self.kid, "n": n, "e": e, "use": "sig"})
            }
        }
    }

    /// What this client says to this gateway now, each time with another `jti`.
    pub(crate) fn say(&self, client: &str) -> Said {
        Said {
            header: json!({"alg": self.algorithm(), "kid": self.kid, "typ": "JWT"}),
            claims: json!({"iss": client, "sub": client, "aud": TOKEN_URL, "exp": NOW_SECONDS + 240,
                "iat": NOW_SECONDS, "jti": uuid::Uuid::new_v4().to_string()}),
        }
    }

    /// A signed assertion.
    pub(crate) fn sign(&self, said: &Said) -> String {
        self.sign_texts(&said.header.to_string(), &said.claims.to_string())
    }

    pub(crate) fn sign_texts(&self, header: &str, claims: &str) -> String {
        let signed = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let signature = match &self.pair {
            Pair::Ec(pair) => pair.sign(&SystemRandom::new(), signed.as_bytes()).unwrap().as_ref().to_vec(),
            Pair::Rsa(pair) => {
                let mut signature = vec![0; pair.public().modulus_len()];
                pair.sign(&RSA_PKCS1_SHA384, &SystemRandom::new(), signed.as_bytes(), &mut signature).unwrap();
                signature
            }
        };
        format!("{signed}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// The answer to a request for a token.
    pub(crate) fn ask(&self, served: &Served, client: &str, scope: &str) -> Answer {
        served.ask(token_request(&self.sign(&self.say(client)), scope))
    }

    /// A token; fails where none is issued.
    pub(crate) fn token(&self, served: &Served, client: &str, scope: &str) -> String {
        let answer = self.ask(served, client, scope);
        assert_eq!(answer.status, 200, "{}", answer.body);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    /// A request about a token, at `/auth/introspect` or `/auth/revoke`.
    pub(crate) fn about(&self, served: &Served, client: &str, path: &str, token: &str) -> Answer {
        let assertion = self.sign(&self.say(client));
        let pairs = [("token", token), ("client_assertion_type", JWT_BEARER), ("client_assertion", &assertion)];
        served.ask(form(path, &pairs))
    }
}

pub(crate) const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// The usual form with an assertion.
pub(crate) fn token_request(assertion: &str, scope: &str) -> Ask {
    form("//auth/token", &pairs(assertion, scope))
}

pub(crate) fn pairs<'a>(assertion: &'a str, scope: &'a str) -> Vec<(&'a str, &'a str)> {
    vec![
        ("grant_type", "client_credentials"),
        ("scope", scope),
        ("client_assertion_type", JWT_BEARER),
        ("client_assertion", assertion),
    ]
}

/// A POST of a form.
pub(crate) fn form(path: &str, pairs: &[(&str, &str)]) -> Ask {
    let body: Vec<String> = pairs.iter().map(|(name, value)| format!("{name}={}", encoded(value))).collect();
    let headers = vec![("content-type", "application/x-www-form-urlencoded".to_owned())];
    Ask { method: "POST", headers, body: body.join("&").into_bytes(), ..Ask::get("", path) }
}

pub(crate) fn encoded(text: &str) -> String {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"-._~".contains(&b);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

/// A `[[client]]` of agency A with keys.
pub(crate) fn client(id: &str, signers: &[&Signer], more: &str) -> String {
    let keys: Vec<Value> = signers.iter().map(|signer| signer.jwk()).collect();
    registered(id, &format!("jwks = '{}'\n{more}", json!({"keys": keys})))
}

/// The same with anything that shows who it is.
pub(crate) fn registered(id: &str, more: &str) -> String {
    format!("[[client]]\nid = \"{id}\"\norganization = \"Organization/agency-a\"\nrole = \"care\"\n{more}\n")
}
