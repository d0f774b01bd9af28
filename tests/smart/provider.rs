//! A provider of identities on this machine: discovery, keys, tokens of people in every spelling.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::net::TcpListener;
use std::sync::{Arc, Mutex};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use ring::rand::SystemRandom;
use ring::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, KeyPair, RSA_PKCS1_SHA256, RSA_PSS_SHA256, RsaKeyPair,
};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};

use crate::signer::NOW_SECONDS;

/// Its web server: what is found at each path, and which paths were asked for.
pub(crate) struct Provider {
    pub(crate) issuer: String,
    pages: Arc<Mutex<HashMap<String, (String, String)>>>,
    asked: Arc<Mutex<Vec<String>>>,
    pub(crate) ec: EcdsaKeyPair,
    pub(crate) rsa: RsaKeyPair,
}

impl Provider {
    /// With an EC key `ec`, an RSA key `rsa`, and the same RSA key as `pss` for PS256 alone.
    pub(crate) fn new() -> Provider {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let issuer = format!("http://{}/care", listener.local_addr().unwrap());
        let pages: Arc<Mutex<HashMap<String, (String, String)>>> = Arc::default();
        let asked: Arc<Mutex<Vec<String>>> = Arc::default();
        let (serve, note) = (pages.clone(), asked.clone());
        std::thread::spawn(move || {
            for stream in listener.incoming() {
                let mut stream = stream.unwrap();
                let mut lines = BufReader::new(stream.try_clone().unwrap()).lines().map_while(Result::ok);
                let path = lines.next().and_then(|line| line.split(' ').nth(1).map(str::to_owned)).unwrap_or_default();
                lines.take_while(|line| !line.is_empty()).for_each(drop);
                note.lock().unwrap().push(path.clone());
                let page = serve.lock().unwrap().get(&path).cloned();
                let (status, (headers, body)) =
                    page.map_or(("404 Not Found", Default::default()), |page| ("200 OK", page));
                let head = format!("HTTP/1.1 {status}\r\ncontent-length: {}\r\nconnection: close\r\n", body.len());
                let _ = stream.write_all(format!("{head}{headers}\r\n{body}").as_bytes());
            }
        });
        let random = SystemRandom::new();
        let pkcs8 = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, &random).unwrap();
        let ec = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, pkcs8.as_ref(), &random).unwrap();
        let pem = PrivateKeyDer::from_pem_slice(include_bytes!("rsa-2048.pem")).unwrap();
        let rsa = RsaKeyPair::from_pkcs8(pem.secret_der()).unwrap();
        let provider = Provider { issuer, pages, asked, ec, rsa };
        provider.has("/care/.well-known/openid-configuration", &provider.discovery(), "");
        provider.has("/keys", &provider.keys(&["ec", "rsa", "pss"]), "cache-control: max-age=600\r\n");
        provider
    }

    pub(crate) fn discovery(&self) -> Value {
        let keys = self.issuer.replace("/care", "/keys");
        json!({"issuer": self.issuer, "jwks_uri": keys, "authorization_endpoint": "x", "token_endpoint": "y"})
    }

    /// Its public keys of these ids.
    pub(crate) fn keys(&self, ids: &[&str]) -> Value {
        let coded = |bytes: &[u8]| URL_SAFE_NO_PAD.encode(bytes);
        let (x, y) = self.ec.public_key().as_ref()[1..].split_at(32);
        let public: ring::rsa::PublicKeyComponents<Vec<u8>> = self.rsa.public().into();
        let rsa = json!({"kty": "RSA", "n": coded(&public.n), "e": coded(&public.e), "use": "sig"});
        let one = |id: &&str| {
            let mut key = match *id {
                "ec" => json!({"kty": "EC", "crv": "P-256", "x": coded(x), "y": coded(y), "alg": "ES256"}),
                _ => rsa.clone(),
            };
            if *id == "pss" {
                key["alg"] = json!("PS256");
            }
            key["kid"] = json!(id);
            key
        };
        json!({"keys": ids.iter().map(one).collect::<Vec<_>>()})
    }

    pub(crate) fn has(&self, path: &str, page: &Value, headers: &str) {
        self.pages.lock().unwrap().insert(path.to_owned(), (headers.to_owned(), page.to_string()));
    }

    pub(crate) fn asked(&self, path: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|asked| *asked == path).count()
    }

    pub(crate) fn asked_in_all(&self) -> usize {
        self.asked.lock().unwrap().len()
    }

    /// What a good token of the nurse says.
    pub(crate) fn claims(&self) -> Value {
        json!({"iss": self.issuer, "sub": "8f1c-nurse", "aud": "tasuki", "exp": NOW_SECONDS + 240, "iat": NOW_SECONDS,
            "jti": "1", "client_id": "care-app", "acr": "mfa", "scope": "openid user/*.rs"})
    }

    pub(crate) fn header(&self) -> Value {
        json!({"alg": "ES256", "kid": "ec", "typ": "at+jwt"})
    }

    /// A token by these texts, signed as `alg` of the header says where a key of ours can, by the EC key otherwise.
    pub(crate) fn sign(&self, header: &str, claims: &str) -> String {
        let text = format!("{}.{}", URL_SAFE_NO_PAD.encode(header), URL_SAFE_NO_PAD.encode(claims));
        let algorithm = serde_json::from_str::<Value>(header).unwrap_or_default()["alg"].clone();
        let random = SystemRandom::new();
        let mut signature = vec![0; self.rsa.public().modulus_len()];
        match algorithm.as_str() {
            Some("RS256") => self.rsa.sign(&RSA_PKCS1_SHA256, &random, text.as_bytes(), &mut signature).unwrap(),
            Some("PS256") => self.rsa.sign(&RSA_PSS_SHA256, &random, text.as_bytes(), &mut signature).unwrap(),
            _ => signature = self.ec.sign(&random, text.as_bytes()).unwrap().as_ref().to_vec(),
        }
        format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature))
    }

    /// A token that says what a good one does, but for this.
    pub(crate) fn token(&self, change: impl FnOnce(&mut Value, &mut Value)) -> String {
        let (mut header, mut claims) = (self.header(), self.claims());
        change(&mut header, &mut claims);
        self.sign(&header.to_string(), &claims.to_string())
    }

    pub(crate) fn good(&self) -> String {
        self.token(|_, _| {})
    }
}
