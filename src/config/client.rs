//! The clients as the configuration has them: those of the file itself, and those of a folder, one file each, which may change
//! while the gateway runs.

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::check::{Check, Once};
use super::problem::{self, Problem};
use super::{Source, file, maps};
use crate::auth::jwks::NoSet;
use crate::auth::keys::is_address;
use crate::auth::tls::ClientCertificate;
use crate::auth::{Client, Digest, KeySet, Keys};
use crate::consent::scope::SCOPES_MAX;
use crate::consent::{Caller, Role, Scope, Scopes};
use crate::fault::Rule;
use crate::fhir::ResourceId;

/// The folder of clients, and what reading its files takes.
#[derive(Clone, Debug)]
pub struct ClientFolder {
    /// Where it is.
    pub path: PathBuf,
    sources: Arc<[Source]>,
    asked: ClientCertificate,
    /// The clients of the file itself.
    own: Vec<Client>,
}

impl ClientFolder {
    /// All clients, those of the file itself first. What is wrong with a file keeps its client out and no other: nobody is
    /// let in by a file that is half written.
    pub fn load(&self) -> (Vec<Client>, Vec<Problem>) {
        let (mut clients, mut problems) = (self.own.clone(), Vec::new());
        for path in files(&self.path) {
            match self.one(&path, &clients) {
                Ok(client) => clients.push(client),
                Err(problem) => problems.push(problem),
            }
        }
        (clients, problems)
    }

    /// The client of one file, when it is not one of those that there are already.
    fn one(&self, path: &Path, others: &[Client]) -> Result<Client, Problem> {
        let problem = |rule: &'static Rule, detail: String| Problem {
            file: path.to_owned(),
            line: None,
            key: String::new(),
            rule,
            detail,
        };
        let text = fs::read_to_string(path).map_err(|error| problem(&problem::UNREADABLE, error.to_string()))?;
        let check = Check { text: &text, path };
        let written: file::Client = toml::from_str(&text).map_err(|error| check.not_toml(&error))?;
        let mut read = check.clients(std::slice::from_ref(&written), &self.sources, self.asked)?;
        let client = read.pop().ok_or_else(|| problem(&problem::CLIENT_ID, String::new()))?;
        let twice = others.iter().find(|other| {
            other.caller.client == client.caller.client || (other.token.is_some() && other.token == client.token)
        });
        match twice {
            Some(other) => Err(problem(&problem::CLIENT_TWICE, other.caller.client.clone())),
            None => Ok(client),
        }
    }

    /// A value that changes when a file of the folder does.
    pub fn stamp(&self) -> u64 {
        maps::stamp(&self.path)
    }
}

/// The files of a folder of clients, in the order of their names.
pub fn files(folder: &Path) -> Vec<PathBuf> {
    let listed = fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let is_client = |path: &PathBuf| {
        let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        name.ends_with(".toml") && !name.starts_with('.') && path.is_file()
    };
    let mut files: Vec<_> = listed.filter(is_client).collect();
    files.sort();
    files
}

impl Check<'_> {
    /// The clients of the file itself with those of its folder.
    pub(super) fn all_clients(
        &self,
        file: &file::File,
        sources: &[Source],
        asked: ClientCertificate,
    ) -> Result<(Vec<Client>, Option<ClientFolder>), Problem> {
        let own = self.clients(&file.client, sources, asked)?;
        let Some(written) = &file.clients else { return Ok((own, None)) };
        let path = self.beside(written.get_ref());
        if !path.is_dir() {
            return Err(self.at("clients", written, &problem::NO_CLIENT_FOLDER, path.display().to_string()));
        }
        let folder = ClientFolder { path, sources: sources.into(), asked, own };
        match folder.load() {
            (clients, problems) if problems.is_empty() => Ok((clients, Some(folder))),
            (_, problems) => Err(problems
                .into_iter()
                .next()
                .unwrap_or_else(|| self.at("clients", written, &problem::NO_CLIENT_FOLDER, String::new()))),
        }
    }

    fn clients(
        &self,
        written: &[file::Client],
        sources: &[Source],
        asked: ClientCertificate,
    ) -> Result<Vec<Client>, Problem> {
        let (mut ids, mut tokens) = (Once(HashMap::new()), Once(HashMap::new()));
        let client = |client: &file::Client| {
            let id = ResourceId::parse(client.id.get_ref());
            let id = id.ok_or_else(|| self.at("client.id", &client.id, &problem::CLIENT_ID, String::new()))?;
            self.once(&mut ids, "client.id", &client.id, id.as_str())?;
            let organization = self.organization("client.organization", &client.organization)?;
            let roles = [Role::Care, Role::Source, Role::Office].map(|role| (role.name(), role));
            let role = self.choice("client.role", &client.role, &roles)?;
            let own = sources.iter().filter(|source| role == Role::Source && source.organization == organization);
            let facilities: Vec<_> = own.map(|source| source.letter.facility.clone()).collect();
            if role == Role::Source && facilities.is_empty() {
                return Err(self.at("client.role", &client.role, &problem::NO_SOURCE, organization));
            }
            let token = client.token_sha256.as_ref().map(|written| {
                const KEY: &str = "client.token_sha256";
                let token = self.digest(KEY, written, "`printf %s TOKEN | sha256sum`")?;
                self.once(&mut tokens, KEY, written, &token.hex())?;
                Ok(token)
            });
            let (token, keys) = (token.transpose()?, self.keys(client)?);
            if token.is_none() && keys.is_none() {
                return Err(self.at("client.id", &client.id, &problem::NO_CREDENTIAL, String::new()));
            }
            let certificate = client.certificate_sha256.as_ref().map(|written| {
                const KEY: &str = "client.certificate_sha256";
                if asked == ClientCertificate::Off {
                    return Err(self.at(KEY, written, &problem::NEVER_SHOWN, String::new()));
                }
                self.digest(KEY, written, "`openssl x509 -noout -fingerprint -sha256 -in FILE`")
            });
            let (most, is_bound) = self.scopes(client)?;
            // A token that was given by hand is good for no more than one that is asked for.
            let member = self.member(client)?;
            let caller = |scopes| Caller { facilities, scopes, ..member.caller(id.as_str(), &organization, role) };
            let caller = match is_bound {
                true => {
                    let asked = most.iter().map(Scope::text).collect::<Vec<_>>().join(" ");
                    let unbound = caller(Scopes::UNBOUNDED);
                    let scopes = unbound.grant(&asked, &most).unwrap_or_else(|| Scopes::of(Vec::new()));
                    Caller { scopes, ..unbound }
                }
                false => caller(Scopes::UNBOUNDED),
            };
            Ok(Client { caller: Arc::new(caller), token, keys, scopes: most, certificate: certificate.transpose()? })
        };
        written.iter().map(client).collect()
    }

    /// The keys with which a client signs; `None` when it does not.
    fn keys(&self, client: &file::Client) -> Result<Option<Keys>, Problem> {
        let set = |key, written: &toml::Spanned<String>, text: &str| match KeySet::parse(text) {
            Ok(set) => Ok(Some(Keys::Given(Arc::new(set)))),
            Err(NoSet::Unreadable) => Err(self.at(key, written, &problem::JWKS, String::new())),
            Err(NoSet::Private) => Err(self.at(key, written, &problem::JWKS_PRIVATE, String::new())),
            Err(NoSet::NoKey) => Err(self.at(key, written, &problem::JWKS_NO_KEY, String::new())),
        };
        match (&client.jwks, &client.jwks_file, &client.jwks_uri) {
            (None, None, None) => Ok(None),
            (Some(written), None, None) => set("client.jwks", written, written.get_ref()),
            (None, Some(written), None) => {
                let file = self.beside(written.get_ref());
                let unreadable = |error: std::io::Error| {
                    let detail = format!("{}: {error}", file.display());
                    self.at("client.jwks_file", written, &problem::UNREADABLE, detail)
                };
                set("client.jwks_file", written, &fs::read_to_string(&file).map_err(unreadable)?)
            }
            (None, None, Some(written)) if is_address(written.get_ref()) => {
                Ok(Some(Keys::At(written.get_ref().as_str().into())))
            }
            (None, None, Some(written)) => Err(self.at("client.jwks_uri", written, &problem::JWKS_URI, String::new())),
            _ => Err(self.at("client.id", &client.id, &problem::JWKS_TWICE, String::new())),
        }
    }

    /// What a client may be granted at most, and whether that was said.
    fn scopes(&self, client: &file::Client) -> Result<(Vec<Scope>, bool), Problem> {
        let Some(written) = &client.scopes else { return Ok((vec![Scope::all()], false)) };
        let wrong = |at: &toml::Spanned<String>| self.at("client.scopes", at, &problem::SCOPE, at.get_ref().clone());
        if let Some(one) = written.get(SCOPES_MAX) {
            return Err(wrong(one));
        }
        let one = |at: &toml::Spanned<String>| Scope::parse(at.get_ref()).ok_or_else(|| wrong(at));
        Ok((written.iter().map(one).collect::<Result<_, _>>()?, true))
    }
}

/// The SHA-256 of a certificate in a PEM file, as `certificate_sha256` has it; `None` when there is none.
pub fn fingerprint(pem: &[u8]) -> Option<Digest> {
    use rustls_pki_types::pem::PemObject;
    rustls_pki_types::CertificateDer::from_pem_slice(pem).ok().map(|certificate| Digest::of(&certificate))
}
