//! The client file: whom the cases act as at the target, and what else the target's operator tells.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::token::Signer;

/// Everything a client file says; `examples/conform.toml` explains each line.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Clients {
    /// By name: `default`, `a` and `b` (two recipients), `office` (puts Consents), `source` (hands in letters).
    pub client: BTreeMap<String, Client>,
    /// Where letters are handed in over HTTP.
    pub intake: Option<String>,
    /// Address and port of an MLLP listener.
    pub mllp: Option<String>,
    /// Whether the target sends notifications for Subscriptions (R4), which nothing else declares.
    pub subscriptions: bool,
    /// The facility that the sender of MLLP messages and letters belongs to, as its messages name it (MSH-4).
    pub facility: Option<String>,
    /// Values for the places of cases beside those.
    pub values: BTreeMap<String, String>,
    /// An authority beside those that the system trusts, PEM.
    pub ca: Option<PathBuf>,
}

/// One client: a token, or the credentials of SMART Backend Services.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Client {
    /// A bearer token.
    token: Option<String>,
    /// An environment variable that holds it.
    token_env: Option<String>,
    /// Its `client_id`, with `key` instead of a token.
    pub client_id: Option<String>,
    /// Its private key, PEM (PKCS#8): P-384 or RSA.
    key: Option<PathBuf>,
    /// The id of the key at the target.
    pub kid: Option<String>,
    /// The scopes it asks for.
    pub scope: Option<String>,
    /// The organisation that the target knows it as: `Organization/id`.
    pub organization: Option<String>,
    /// Its certificate, PEM, for a target that asks for one.
    certificate: Option<PathBuf>,
    /// The private key of the certificate, PEM.
    certificate_key: Option<PathBuf>,
    #[serde(skip)]
    pub(super) signer: Option<Signer>,
    /// Certificate and key in one.
    #[serde(skip)]
    pub(super) certificate_pem: Option<Vec<u8>>,
}

impl Clients {
    /// Reads a client file; paths in it are relative to its folder. The error is a sentence without any secret.
    pub fn load(path: &Path) -> Result<Clients, String> {
        let text = fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))?;
        // The message of the reader quotes the line, which may be the one with the token.
        let mut clients: Clients = toml::from_str(&text).map_err(|error| {
            let line = error.span().map_or(0, |span| text[..span.start].lines().count());
            format!("{}: line {line}: {}", path.display(), error.message())
        })?;
        let folder = path.parent().unwrap_or(Path::new("."));
        clients.ca = clients.ca.map(|ca| folder.join(ca));
        for (name, client) in &mut clients.client {
            client.prepare(folder).map_err(|wrong| format!("{}: client {name}: {wrong}", path.display()))?;
        }
        Ok(clients)
    }

    /// The same from text, for what needs no files.
    pub fn parse(text: &str) -> Result<Clients, String> {
        let mut clients: Clients = toml::from_str(text).map_err(|error| error.message().to_owned())?;
        for client in clients.client.values_mut() {
            client.prepare(Path::new("."))?;
        }
        Ok(clients)
    }
}

impl Client {
    fn prepare(&mut self, folder: &Path) -> Result<(), String> {
        if let Some(name) = &self.token_env {
            self.token = Some(std::env::var(name).map_err(|_| format!("the environment variable {name} is not set"))?);
        }
        let read = |path: &Path| fs::read(folder.join(path)).map_err(|error| format!("{}: {error}", path.display()));
        if let Some(key) = &self.key {
            self.signer = Some(Signer::of(&read(key)?, self.kid.clone())?);
        }
        match (&self.certificate, &self.certificate_key) {
            (Some(certificate), Some(key)) => {
                self.certificate_pem = Some([read(certificate)?, b"\n".to_vec(), read(key)?].concat());
            }
            (None, None) => {}
            _ => return Err("certificate and certificate_key belong together".into()),
        }
        let whole = self.client_id.is_some() == self.signer.is_some();
        if whole { Ok(()) } else { Err("client_id and key belong together".into()) }
    }

    /// The token that it was given.
    pub(super) fn given(&self) -> Option<&str> {
        self.token.as_deref()
    }
}
