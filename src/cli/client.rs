//! `tasuki client add|list|rotate|revoke`: the programs that may call, one file each in the folder of clients. A gateway that
//! runs takes a change up within a second or two.

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use toml::Table;

use super::{fail, issues, say};
use crate::auth::{Client, Digest, KeySet, Keys, token};
use crate::config::{Config, client};
use crate::fault::Exit;
use crate::fhir::ResourceId;

#[derive(Debug, Args)]
pub(super) struct Options {
    /// The configuration; it names the folder of clients with clients = "…"
    #[arg(long, default_value = "tasuki.toml", global = true)]
    config: PathBuf,
    #[command(subcommand)]
    act: Act,
}

#[derive(Debug, Subcommand)]
enum Act {
    /// Register a client
    Add(Add),
    /// Show the clients, how each shows who it is, and what it may be granted
    List,
    /// Give a client other keys, or another token; its access tokens end
    Rotate(Rotate),
    /// Take a client away; its access tokens end
    Revoke {
        /// Its id
        id: String,
    },
}

#[derive(Debug, Args)]
struct Add {
    /// Its id
    id: String,
    /// The organisation it acts for, as the consents name it: Organization/…
    #[arg(long)]
    organization: String,
    /// care, source or office
    #[arg(long, default_value = "care")]
    role: String,
    #[command(flatten)]
    credential: Credential,
    /// What it may be granted at most (system/Observation.rs?category=laboratory), several times; without it all that the
    /// role includes
    #[arg(long = "scope")]
    scopes: Vec<String>,
    /// What its tokens may be for (v3-ActReason: COC, TREAT), several times; the first is meant when nothing is said
    #[arg(long = "purpose")]
    purposes: Vec<String>,
    /// Its certificate, PEM: it is heard over connections with this one alone
    #[arg(long)]
    certificate: Option<PathBuf>,
}

/// How a client shows who it is.
#[derive(Debug, Args)]
#[group(required = true, multiple = false)]
struct Credential {
    /// A file with its public keys, a JSON Web Key Set
    #[arg(long)]
    jwks: Option<PathBuf>,
    /// The https address of its public keys
    #[arg(long)]
    jwks_uri: Option<String>,
    /// Make a token that does not expire, for clients that cannot sign; it is shown once
    #[arg(long)]
    token: bool,
}

#[derive(Debug, Args)]
struct Rotate {
    /// Its id
    id: String,
    #[command(flatten)]
    credential: Credential,
    /// Keep the keys it has beside the new ones, while it changes over
    #[arg(long, requires = "jwks")]
    keep: bool,
}

pub(super) fn run(options: &Options) -> Exit {
    let config = match Config::load(&options.config) {
        Ok(config) => config,
        Err(problem) => return fail(problem.exit(), &issues::sentence(&problem)),
    };
    if let Act::List = options.act {
        list(&config);
        return Exit::Done;
    }
    let Some(folder) = config.client_folder.as_ref().map(|folder| folder.path.clone()) else {
        let sentence =
            "the configuration names no folder of clients; add a line clients = \"clients.d\" and make the folder";
        return fail(Exit::Config, sentence);
    };
    let done = match &options.act {
        Act::Add(add) => added(&config, &folder, add),
        Act::Rotate(rotate) => rotated(&folder, rotate),
        Act::Revoke { id } => revoked(&folder, id),
        Act::List => Ok(()),
    };
    match done {
        Ok(()) => Exit::Done,
        Err((exit, sentence)) => fail(exit, &sentence),
    }
}

type Failed = (Exit, String);

fn added(config: &Config, folder: &Path, add: &Add) -> Result<(), Failed> {
    if config.clients.iter().any(|client| client.caller.client == add.id) {
        return Err((Exit::Data, format!("there is a client {} already; see tasuki client rotate", add.id)));
    }
    let mut table = Table::new();
    table.insert("id".into(), add.id.as_str().into());
    table.insert("organization".into(), add.organization.as_str().into());
    table.insert("role".into(), add.role.as_str().into());
    if !add.scopes.is_empty() {
        table.insert("scopes".into(), toml::Value::from(add.scopes.clone()));
    }
    if !add.purposes.is_empty() {
        table.insert("purposes".into(), toml::Value::from(add.purposes.clone()));
    }
    if let Some(file) = &add.certificate {
        let digest = client::fingerprint(&read(file)?);
        let digest = digest.ok_or_else(|| (Exit::Data, format!("{} holds no certificate", file.display())))?;
        table.insert("certificate_sha256".into(), digest.hex().into());
    }
    let token = credential(&mut table, &add.credential, None)?;
    kept(folder, &add.id, &table, config)?;
    shown(&add.id, "registered", token.as_deref());
    Ok(())
}

fn rotated(folder: &Path, rotate: &Rotate) -> Result<(), Failed> {
    let file = file_of(folder, &rotate.id)?;
    let text = String::from_utf8_lossy(&read(&file)?).into_owned();
    let mut table: Table =
        text.parse().map_err(|_| (Exit::Data, format!("{} cannot be read as TOML", file.display())))?;
    let before = match (rotate.keep, table.get("jwks").and_then(toml::Value::as_str)) {
        (true, Some(before)) => Some(before.to_owned()),
        (true, None) => return Err((Exit::Data, "there are no keys in its file that could be kept".into())),
        (false, _) => None,
    };
    ["jwks", "jwks_file", "jwks_uri", "token_sha256"].iter().for_each(|key| drop(table.remove(*key)));
    let token = credential(&mut table, &rotate.credential, before.as_deref())?;
    written(&file, &table)?;
    shown(&rotate.id, "changed", token.as_deref());
    Ok(())
}

fn revoked(folder: &Path, id: &str) -> Result<(), Failed> {
    let file = file_of(folder, id)?;
    // Kept for whoever asks later; it does not end in .toml, so nobody is let in by it.
    let aside = folder.join(format!("{id}.revoked-{}", super::now() / 1000));
    fs::rename(&file, &aside).map_err(|error| (Exit::Machine, format!("{}: {error}", file.display())))?;
    shown(id, "taken away", None);
    Ok(())
}

/// Puts a credential into a client's table; the token, where one is made.
fn credential(table: &mut Table, credential: &Credential, before: Option<&str>) -> Result<Option<String>, Failed> {
    match (&credential.jwks, &credential.jwks_uri) {
        (Some(file), _) => {
            let text = String::from_utf8_lossy(&read(file)?).trim().to_owned();
            if let Err(why) = KeySet::parse(&text) {
                return Err((
                    Exit::Data,
                    format!("{} is no set of public keys that can be used ({why:?})", file.display()),
                ));
            }
            let text = match before {
                Some(before) => merged(before, &text).ok_or((Exit::Data, "the sets cannot be joined".to_owned()))?,
                None => text,
            };
            table.insert("jwks".into(), text.into());
            Ok(None)
        }
        (None, Some(address)) => {
            table.insert("jwks_uri".into(), address.as_str().into());
            Ok(None)
        }
        (None, None) => {
            let token = token::generate();
            table.insert("token_sha256".into(), Digest::of(token.as_bytes()).hex().into());
            Ok(Some(token))
        }
    }
}

/// The keys of both sets, the new ones first; of one id the new one alone.
fn merged(before: &str, new: &str) -> Option<String> {
    let keys = |text: &str| serde_json::from_str::<serde_json::Value>(text).ok()?.get("keys")?.as_array().cloned();
    let mut all = keys(new)?;
    let ids: Vec<_> = all.iter().map(|key| key["kid"].clone()).collect();
    all.extend(keys(before)?.into_iter().filter(|key| !ids.contains(&key["kid"])));
    Some(serde_json::json!({"keys": all}).to_string())
}

/// Writes the file of a new client, when the gateway could use it.
fn kept(folder: &Path, id: &str, table: &Table, config: &Config) -> Result<(), Failed> {
    if ResourceId::parse(id).is_none() {
        return Err((Exit::Data, format!("{id} is no id: 1 to 64 letters, digits, - or .")));
    }
    let file = folder.join(format!("{id}.toml"));
    written(&file, table)?;
    // Read as the gateway reads it; what it would not take is not left behind.
    let problems = config.client_folder.as_ref().map(|folder| folder.load().1).unwrap_or_default();
    match problems.into_iter().find(|problem| problem.file == file) {
        None => Ok(()),
        Some(problem) => {
            let _ = fs::remove_file(&file);
            Err((Exit::Data, issues::sentence(&problem)))
        }
    }
}

/// Writes beside the file first, so that no gateway reads half of it.
fn written(file: &Path, table: &Table) -> Result<(), Failed> {
    let aside = file.with_extension("part");
    let text = toml::to_string(table).map_err(|_| (Exit::Machine, "the client cannot be written".to_owned()))?;
    let write = || -> std::io::Result<()> {
        let mut out = fs::File::create(&aside)?;
        out.write_all(text.as_bytes())?;
        out.sync_all()?;
        fs::rename(&aside, file)
    };
    write().map_err(|error| (Exit::Machine, format!("{}: {error}", file.display())))
}

fn file_of(folder: &Path, id: &str) -> Result<PathBuf, Failed> {
    let file = folder.join(format!("{id}.toml"));
    match ResourceId::parse(id).is_some() && file.is_file() {
        true => Ok(file),
        false => Err((Exit::NoInput, format!("there is no file of a client {id} in {}", folder.display()))),
    }
}

fn read(file: &Path) -> Result<Vec<u8>, Failed> {
    fs::read(file).map_err(|error| (Exit::NoInput, format!("{}: {error}", file.display())))
}

fn shown(id: &str, what: &str, token: Option<&str>) {
    say(&format!("{id}: {what}"));
    if let Some(token) = token {
        say(&format!("its token, kept nowhere else: {token}"));
    }
}

fn list(config: &Config) {
    for client in &config.clients {
        let Client { caller, token, keys, scopes, purposes, certificate } = client;
        let mut shows: Vec<String> = Vec::new();
        match keys {
            Some(Keys::Given(set)) => shows.push(format!("keys {}", set.ids().collect::<Vec<_>>().join(", "))),
            Some(Keys::At(address) | Keys::Of(address)) => shows.push(format!("keys at {address}")),
            None => {}
        }
        shows.extend(token.map(|_| "a token".to_owned()));
        shows.extend(certificate.map(|digest| format!("certificate {}", &digest.hex()[..12])));
        let scopes: Vec<&str> = scopes.iter().map(|scope| scope.text()).collect();
        shows.extend(purposes.iter().map(|purpose| format!("for {}", purpose.code())));
        let (id, organization, role) = (&caller.client, &caller.organization, caller.role.name());
        say(&format!("{id}  {organization}  {role}  {}  {}", shows.join("; "), scopes.join(" ")));
    }
}
