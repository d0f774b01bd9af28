//! The file as it is written: every key once, nothing checked but its kind.

use serde::Deserialize;
use toml::Spanned;

use crate::identity::Weights;

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct File {
    pub(super) listen: Spanned<String>,
    pub(super) base_url: Spanned<String>,
    #[serde(default)]
    pub(super) insecure_listen: bool,
    pub(super) store: Store,
    pub(super) tls: Option<Tls>,
    pub(super) maps: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) guide: Vec<Guide>,
    #[serde(default)]
    pub(super) source: Vec<Source>,
    #[serde(default)]
    pub(super) client: Vec<Client>,
    pub(super) clients: Option<Spanned<String>>,
    pub(super) jwks_ca: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) mllp: Vec<Mllp>,
    #[serde(default)]
    pub(super) folder: Vec<Folder>,
    #[serde(default)]
    pub(super) cors: Cors,
    #[serde(default)]
    pub(super) proxy: Proxy,
    #[serde(default)]
    pub(super) limits: Limits,
    #[serde(default)]
    pub(super) audit: Audit,
    #[serde(default)]
    pub(super) network: Network,
    pub(super) oidc: Option<Oidc>,
    #[serde(default)]
    pub(super) person: Vec<Person>,
    #[serde(default)]
    pub(super) labels: Labels,
    #[serde(default)]
    pub(super) identity: Identity,
    #[serde(default)]
    pub(super) fhir: Fhir,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Identity {
    pub(super) automatic: Option<bool>,
    pub(super) weights: Option<Spanned<Weights>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Audit {
    pub(super) key: Option<Spanned<String>>,
    pub(super) anchors: Option<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Labels {
    pub(super) rules: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Store {
    pub(super) engine: Spanned<String>,
    pub(super) path: Option<Spanned<String>>,
    pub(super) cache_mib: Option<Spanned<u64>>,
    pub(super) url: Option<Spanned<String>>,
    pub(super) password_file: Option<Spanned<String>>,
    pub(super) ca: Option<Spanned<String>>,
    pub(super) connections_max: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Tls {
    pub(super) certificate: Spanned<String>,
    pub(super) key: Spanned<String>,
    pub(super) client_ca: Option<Spanned<String>>,
    pub(super) client_certificate: Option<Spanned<String>>,
    pub(super) minimum: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) crl: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Guide {
    pub(super) package: Spanned<String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Source {
    pub(super) facility: Spanned<String>,
    pub(super) name: String,
    pub(super) zone: Option<Spanned<String>>,
    pub(super) organization: Spanned<String>,
    pub(super) validation: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) validate_mapped: bool,
    #[serde(default)]
    pub(super) profiles: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Fhir {
    pub(super) validation: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) profiles: Vec<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Client {
    pub(super) id: Spanned<String>,
    pub(super) organization: Spanned<String>,
    pub(super) role: Spanned<String>,
    pub(super) token_sha256: Option<Spanned<String>>,
    pub(super) jwks: Option<Spanned<String>>,
    pub(super) jwks_file: Option<Spanned<String>>,
    pub(super) jwks_uri: Option<Spanned<String>>,
    pub(super) scopes: Option<Vec<Spanned<String>>>,
    #[serde(default)]
    pub(super) purposes: Vec<Spanned<String>>,
    pub(super) certificate_sha256: Option<Spanned<String>>,
    pub(super) kind: Option<Spanned<String>>,
    pub(super) joined: Option<Spanned<String>>,
    pub(super) application: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) emergency: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Oidc {
    pub(super) issuer: Spanned<String>,
    pub(super) audience: Spanned<String>,
    #[serde(default)]
    pub(super) acr: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) amr: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) organizations: Vec<Spanned<String>>,
    pub(super) people: Option<Spanned<String>>,
    pub(super) skew_seconds_max: Option<Spanned<u64>>,
    pub(super) token_minutes_max: Option<Spanned<u64>>,
    #[serde(default)]
    pub(super) plain_type: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Person {
    pub(super) id: Spanned<String>,
    pub(super) subject: Spanned<String>,
    pub(super) organization: Spanned<String>,
    pub(super) practitioner: Option<Spanned<String>>,
    pub(super) kind: Option<Spanned<String>>,
    pub(super) joined: Option<Spanned<String>>,
    pub(super) scopes: Option<Vec<Spanned<String>>>,
    pub(super) purpose: Option<Spanned<String>>,
    #[serde(default)]
    pub(super) emergency: bool,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Network {
    #[serde(default)]
    pub(super) rules: Vec<Spanned<String>>,
    #[serde(default)]
    pub(super) reconsent: bool,
    #[serde(default)]
    pub(super) emergency_overrides: bool,
    pub(super) facility: Option<Spanned<String>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Mllp {
    pub(super) listen: Spanned<String>,
    pub(super) facilities: Spanned<Vec<Spanned<String>>>,
    pub(super) tls: Option<Spanned<bool>>,
    #[serde(default)]
    pub(super) allow_plain: bool,
    pub(super) frame_bytes_max: Option<Spanned<u64>>,
    pub(super) frame_seconds_max: Option<Spanned<u64>>,
    pub(super) idle_seconds_max: Option<Spanned<u64>>,
    pub(super) connections_max: Option<Spanned<u64>>,
    pub(super) connections_per_address_max: Option<Spanned<u64>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Folder {
    pub(super) path: Spanned<String>,
    pub(super) facility: Spanned<String>,
    pub(super) transactions: Option<Spanned<String>>,
    pub(super) index: Option<Spanned<String>>,
    pub(super) every_seconds: Option<Spanned<u64>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Cors {
    pub(super) origins: Option<Vec<Spanned<String>>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Proxy {
    #[serde(default)]
    pub(super) trusted: Vec<Spanned<String>>,
}

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Limits {
    pub(super) body_bytes_max: Option<Spanned<u64>>,
    pub(super) body_seconds_max: Option<Spanned<u64>>,
    pub(super) head_seconds_max: Option<Spanned<u64>>,
    pub(super) connections_max: Option<Spanned<u64>>,
    pub(super) requests_waiting_max: Option<Spanned<u64>>,
    pub(super) export_minutes_max: Option<Spanned<u64>>,
    pub(super) exports_per_client_max: Option<Spanned<u64>>,
    pub(super) tokens_per_minute_max: Option<Spanned<u64>>,
    pub(super) token_attempts_per_minute_max: Option<Spanned<u64>>,
    pub(super) requests_per_minute_max: Option<Spanned<u64>>,
    pub(super) requests_at_once_max: Option<Spanned<u64>>,
    pub(super) answer_seconds_max: Option<Spanned<u64>>,
}
