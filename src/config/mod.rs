//! Every knob: the one TOML file, read and checked before anything listens. `examples/tasuki.toml` explains each key.

mod audit;
mod check;
pub mod client;
mod file;
mod folder;
mod guides;
mod http;
mod identity;
mod labels;
pub mod maps;
mod mllp;
mod network;
mod people;
pub mod problem;
mod standard;
mod store;

pub use client::ClientFolder;
pub use guides::guide_packages;
pub use http::{Http, Network, Origins};
pub use people::{People, PeopleFolder};
pub use problem::Problem;

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::auth::{Client, Verifier};
use crate::consent::Terms;
use crate::fhir::FacilityCode;
use crate::guide::Library;
use crate::letter;
use crate::linking;
use crate::search::LabelRules;
use crate::store::postgres;
use crate::validate::standard::Standard;

/// How far beats lie apart: longer than it takes to look for something.
pub const BEAT_MS: u64 = 10;

/// The configuration, checked: what it names exists and fits together.
#[derive(Clone, Debug)]
pub struct Config {
    /// Where HTTP listens.
    pub listen: SocketAddr,
    /// The URL under which clients know the FHIR API, without a slash at the end.
    pub base_url: String,
    /// Where things are kept.
    pub store: Store,
    /// Where heads of the audit chain are signed and written to; `None` for a store without a folder where nothing says it.
    pub audit: Option<Audit>,
    /// TLS, ready for `bind_rustls_0_23`; `None` for plain HTTP.
    pub tls: Option<rustls::ServerConfig>,
    /// What clients' certificates are verified by, where there is TLS.
    pub verifier: Option<Arc<Verifier>>,
    /// Who sends.
    pub sources: Vec<Source>,
    /// Who calls.
    pub clients: Vec<Client>,
    /// The folder of clients, whose changes are taken up; `None` without one.
    pub client_folder: Option<ClientFolder>,
    /// Authorities, PEM, of the servers at which clients' keys are, beside those that the system trusts.
    pub jwks_ca: Option<Vec<u8>>,
    /// The folder of concept maps and column mappings, and what it says; `None` without one.
    pub maps: Option<(PathBuf, maps::Maps)>,
    /// The FHIR packages that are named, as they were read.
    pub guides: Arc<Library>,
    /// What is asked of what is written over REST.
    pub of_rest: Standard,
    /// By which rules what is stored is labelled.
    pub label_rules: Arc<LabelRules>,
    /// By which rules records are linked.
    pub identity: linking::Rules,
    /// Where HL7 v2 messages are taken in over MLLP.
    pub mllp: Vec<Mllp>,
    /// The folders that are followed.
    pub folders: Vec<Folder>,
    /// HTTP itself.
    pub http: Http,
    /// Limits.
    pub limits: Limits,
    /// What the network has agreed on.
    pub terms: Terms,
    /// Under which facility code the network's office keeps its own records of those whom it has registered.
    pub office: FacilityCode,
    /// Who signs in, where there is a provider of identities.
    pub people: Option<People>,
    /// Whether everybody who calls may do everything. No file says so; `tasuki serve --open` does.
    pub open: bool,
    /// How far the beats lie apart, milliseconds, on which answers leave that could tell hidden from missing by their time; 0
    /// for none. No file says so: it is [`BEAT_MS`] but where tests have no time.
    pub beat_ms: u64,
}

/// Where things are kept.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Store {
    /// In memory, until the program ends.
    Memory,
    /// In a folder of this machine, by sled.
    Sled {
        /// The folder.
        path: PathBuf,
        /// Memory for its cache, in MiB.
        cache_mib: u64,
    },
    /// In a folder of this machine, by fjall.
    Fjall {
        /// The folder.
        path: PathBuf,
        /// Memory for its cache, in MiB.
        cache_mib: u64,
    },
    /// In a PostgreSQL database.
    Postgres(postgres::Settings),
}

/// Where heads of the audit chain are signed and written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Audit {
    /// The private key; made where there is none.
    pub key: PathBuf,
    /// The file of heads, or its folder.
    pub anchors: PathBuf,
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
    /// What is asked of what it sends.
    pub standard: Standard,
}

/// An MLLP listener.
#[derive(Clone, Debug)]
pub struct Mllp {
    /// Where it listens.
    pub listen: SocketAddr,
    /// The facilities whose messages are taken there, at least one; each has its source.
    pub facilities: Vec<FacilityCode>,
    /// TLS with the client's certificate required; `None` for plain TCP.
    pub tls: Option<Arc<rustls::ServerConfig>>,
    /// What the peers' certificates are verified by, with TLS.
    pub verifier: Option<Arc<Verifier>>,
    /// Limits.
    pub limits: MllpLimits,
}

/// A folder that is followed: what comes to lie in it is taken in.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Folder {
    /// The root of SS-MIX2 standardised storage, or any folder of files.
    pub path: PathBuf,
    /// Whose letters lie there.
    pub source: Source,
    /// The root of SS-MIX2 transaction storage.
    pub transactions: Option<PathBuf>,
    /// The index table of the storage, exported as CSV.
    pub index: Option<PathBuf>,
    /// How often it is looked at; less often where a look takes long.
    pub every_seconds: u64,
}

/// Limits on what the peers of an MLLP listener may do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MllpLimits {
    /// Longest message or batch.
    pub frame_bytes_max: u64,
    /// From the first byte of a frame to its last.
    pub frame_seconds_max: u64,
    /// Between two frames.
    pub idle_seconds_max: u64,
    /// Connections in all.
    pub connections_max: u64,
    /// Connections from one address.
    pub connections_per_address_max: u64,
}

/// Limits on what callers may ask of the gateway.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Largest request body.
    pub body_bytes_max: u64,
    /// How long a request's body may take to arrive.
    pub body_seconds_max: u64,
    /// How long a request's line and headers may take to arrive.
    pub head_seconds_max: u64,
    /// Most HTTP connections at once; more wait to be accepted.
    pub connections_max: u64,
    /// Most requests that wait for the store at once; more are told to try again.
    pub requests_waiting_max: u64,
    /// How long a bulk export may be fetched.
    pub export_minutes_max: u64,
    /// Most bulk exports of one client that may be fetched at once; one more is told when the next one expires.
    pub exports_per_client_max: u64,
    /// Most access tokens of one client in a minute.
    pub tokens_per_minute_max: u64,
    /// Most requests from one address in a minute at the addresses where tokens are issued, asked about and withdrawn.
    pub token_attempts_per_minute_max: u64,
    /// Most requests of one caller in a minute.
    pub requests_per_minute_max: u64,
    /// Most requests of one caller that are answered at once.
    pub requests_at_once_max: u64,
    /// How long an answer to what only reads may take to begin.
    pub answer_seconds_max: u64,
}

impl Config {
    /// Reads and checks a configuration file. Paths in it are relative to its folder.
    pub fn load(path: &Path) -> Result<Config, Problem> {
        let text = text(path)?;
        let now = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        Config::read(&text, path, i64::try_from(now.as_millis()).unwrap_or(i64::MAX))
    }

    /// Checks a configuration that came from `path`, at an instant (certificates expire).
    pub fn read(text: &str, path: &Path, now_ms: i64) -> Result<Config, Problem> {
        check::Check { text, path }.config(now_ms)
    }
}

fn text(path: &Path) -> Result<String, Problem> {
    std::fs::read_to_string(path).map_err(|error| Problem {
        file: path.to_owned(),
        line: None,
        key: String::new(),
        rule: &problem::NO_FILE,
        detail: error.to_string(),
    })
}
