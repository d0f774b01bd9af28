//! Every knob: the one TOML file, read and checked before anything listens. `examples/tasuki.toml` explains each key.

mod check;
mod file;
pub mod maps;
pub mod problem;

pub use problem::Problem;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::auth::Client;
use crate::letter;

/// The configuration, checked: what it names exists and fits together.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where HTTP listens.
    pub listen: SocketAddr,
    /// The URL under which clients know the FHIR API, without a slash at the end.
    pub base_url: String,
    /// Where things are kept.
    pub store: Store,
    /// TLS, ready for `bind_rustls_0_23`; `None` for plain HTTP.
    pub tls: Option<rustls::ServerConfig>,
    /// Who sends.
    pub sources: Vec<Source>,
    /// Who calls.
    pub clients: Vec<Client>,
    /// The folder of concept maps and column mappings, and what it says; `None` without one.
    pub maps: Option<(PathBuf, maps::Maps)>,
    /// Limits.
    pub limits: Limits,
}

/// Where things are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// In memory, until the program ends.
    Memory,
    /// In a folder of this machine.
    Sled {
        /// The folder.
        path: PathBuf,
        /// Memory for its cache, in MiB.
        cache_mib: u64,
    },
}

/// A facility whose systems send.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Source {
    /// What reading its letters takes.
    pub letter: Arc<letter::Source>,
    /// Its name, for people.
    pub name: String,
    /// The organisation it belongs to: `Organization/id`.
    pub organization: String,
}

/// Limits on what callers may ask of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest request body.
    pub body_bytes_max: u64,
    /// Most requests that wait for the store at once; more are told to try again.
    pub requests_waiting_max: u64,
}

impl Config {
    /// Reads and checks a configuration file. Paths in it are relative to its folder.
    pub fn load(path: &Path) -> Result<Config, Problem> {
        let text = std::fs::read_to_string(path).map_err(|error| Problem {
            file: path.to_owned(),
            line: None,
            key: String::new(),
            rule: &problem::NO_FILE,
            detail: error.to_string(),
        })?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Config::read(&text, path, i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
    }

    /// Checks a configuration that came from `path`, at an instant (certificates expire).
    pub fn read(text: &str, path: &Path, now_ms: i64) -> Result<Config, Problem> {
        check::Check { text, path }.config(now_ms)
    }
}
