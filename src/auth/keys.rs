//! Where public keys come from: a client's registration or an address of its own (`jwks_uri`), or what a provider of identities
//! says of itself (OpenID Connect Discovery). Asked when they are needed and kept as long as the answer says, within bounds. No
//! address in a request is ever asked.

use std::io::Read;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};
use std::time::Duration;

use reqwest::blocking::{Client, Response};
use reqwest::header::{ACCEPT, AGE, CACHE_CONTROL};
use reqwest::redirect::Policy;
use reqwest::{Certificate, Url};
use serde::Deserialize;

use super::jwks::{Algorithm, KeySet, OF_CLIENTS, OF_PROVIDERS, SET_BYTES_MAX};

/// How long an answer may take, seconds.
const ANSWER_SECONDS_MAX: u64 = 5;
/// How long keys are kept of which the answer says nothing, seconds.
const KEPT_SECONDS: i64 = 300;
/// How long they are kept at most, whatever the answer says, seconds.
const KEPT_SECONDS_MAX: i64 = 3600;
/// How long they are kept at least, and how long an address that failed is left alone, seconds.
const KEPT_SECONDS_MIN: i64 = 5;
/// How often an address is asked for a key that is not among those that are kept, seconds.
const UNKNOWN_SECONDS: i64 = 60;

/// A client's keys as registered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Keys {
    /// These.
    Given(Arc<KeySet>),
    /// Those that are found at an address, [`is_address`].
    At(Arc<str>),
    /// Those of a provider of identities: its discovery document says where.
    Of(Arc<str>),
}

/// The keys of one client, those that were fetched among them.
#[derive(Debug)]
pub struct KeyRing {
    keys: Keys,
    kept: Mutex<Kept>,
    /// One asks, the others wait for what it finds.
    asking: Mutex<()>,
}

#[derive(Debug)]
struct Kept {
    set: Option<Arc<KeySet>>,
    /// Milliseconds since 1970.
    until: i64,
    asked: i64,
}

/// Asks addresses for keys.
#[derive(Debug, Default)]
pub struct Fetcher {
    /// Authorities beside those that the system trusts, PEM.
    authorities: Option<Vec<u8>>,
    client: OnceLock<Option<Client>>,
}

/// Whether an address may be asked for keys: https, or http of this machine.
pub fn is_address(text: &str) -> bool {
    let Ok(url) = Url::parse(text) else { return false };
    let plain = url.username().is_empty() && url.password().is_none() && url.fragment().is_none();
    plain && url.has_host() && (url.scheme() == "https" || (url.scheme() == "http" && is_here(&url)))
}

fn is_here(url: &Url) -> bool {
    let host = url.host_str().unwrap_or_default().trim_start_matches('[').trim_end_matches(']');
    host == "localhost" || host.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

impl KeyRing {
    /// Of keys as registered; nothing is asked yet.
    pub fn new(keys: Keys) -> Self {
        let kept = Mutex::new(Kept { set: None, until: i64::MIN, asked: i64::MIN });
        KeyRing { keys, kept, asking: Mutex::default() }
    }

    /// The address that is registered, where one is.
    pub fn address(&self) -> Option<&str> {
        match &self.keys {
            Keys::Given(_) => None,
            Keys::At(address) | Keys::Of(address) => Some(address),
        }
    }

    /// The keys that count at an instant (milliseconds since 1970), when they are here.
    pub fn at_hand(&self, now: i64) -> Option<Arc<KeySet>> {
        match &self.keys {
            Keys::Given(set) => Some(set.clone()),
            Keys::At(_) | Keys::Of(_) => {
                let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
                kept.set.clone().filter(|_| now < kept.until)
            }
        }
    }

    /// The keys, asked for anew where that may be: where none are at hand, or, when `unknown` says that one is missing, once a
    /// minute. `None` where there is nothing new. Blocks on the network.
    pub fn fetch(&self, fetcher: &Fetcher, now: i64, unknown: bool) -> Option<Arc<KeySet>> {
        if matches!(self.keys, Keys::Given(_)) {
            return None;
        }
        let _alone = self.asking.lock().unwrap_or_else(PoisonError::into_inner);
        {
            let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
            // Another request asked while this one waited.
            if !unknown && now < kept.until {
                return kept.set.clone();
            }
            let pause = if unknown { UNKNOWN_SECONDS } else { KEPT_SECONDS_MIN };
            if now < kept.asked.saturating_add(pause * 1000) {
                return None;
            }
            kept.asked = now;
        }
        let (set, seconds) = match &self.keys {
            Keys::Given(_) => return None,
            Keys::At(address) => fetcher.ask(address, OF_CLIENTS)?,
            Keys::Of(issuer) => fetcher.ask(&fetcher.discover(issuer)?, OF_PROVIDERS)?,
        };
        let set = Arc::new(set);
        let mut kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        (kept.set, kept.until) = (Some(set.clone()), now.saturating_add(seconds * 1000));
        Some(set)
    }
}

impl Fetcher {
    /// One that trusts these authorities (PEM) beside those of the system.
    pub fn new(authorities: Option<Vec<u8>>) -> Self {
        Fetcher { authorities, client: OnceLock::new() }
    }

    /// The set at an address, and for how many seconds it counts. What went wrong is in the log.
    fn ask(&self, address: &str, allowed: &[Algorithm]) -> Option<(KeySet, i64)> {
        let (text, seconds) = self.text(address)?;
        match KeySet::parse_for(&text, allowed) {
            Ok(set) => Some((set, seconds)),
            Err(wrong) => {
                tracing::warn!(address, ?wrong, "jwks: no key set");
                None
            }
        }
    }

    /// Where an issuer's keys are (OpenID Connect Discovery 1.0, section 4): the document must be of that very issuer.
    fn discover(&self, issuer: &str) -> Option<String> {
        #[derive(Deserialize)]
        struct Document {
            issuer: String,
            jwks_uri: String,
        }
        let address = format!("{}/.well-known/openid-configuration", issuer.trim_end_matches('/'));
        let (text, _) = self.text(&address)?;
        let document = serde_json::from_str::<Document>(&text).ok();
        let document = document.filter(|document| document.issuer == issuer && is_address(&document.jwks_uri));
        if document.is_none() {
            tracing::warn!(address, "jwks: no discovery document of this issuer");
        }
        document.map(|document| document.jwks_uri)
    }

    /// What is found at an address, and for how many seconds it counts.
    fn text(&self, address: &str) -> Option<(String, i64)> {
        let client = self.client.get_or_init(|| self.client()).as_ref()?;
        let answer = client.get(address).header(ACCEPT, "application/json").send();
        let answer = match answer.and_then(Response::error_for_status) {
            // Redirects are not followed: they are no answer.
            Ok(answer) if answer.status().is_success() => answer,
            Ok(answer) => {
                tracing::warn!(address, status = answer.status().as_u16(), "jwks: no key set");
                return None;
            }
            Err(error) => {
                tracing::warn!(address, %error, "jwks: no answer");
                return None;
            }
        };
        let header = |name| answer.headers().get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
        let seconds = kept_seconds(header(CACHE_CONTROL), header(AGE));
        let mut text = String::new();
        let read = answer.take(SET_BYTES_MAX as u64 + 1).read_to_string(&mut text);
        match read {
            Ok(length) if length <= SET_BYTES_MAX => Some((text, seconds)),
            _ => {
                tracing::warn!(address, "jwks: too long, or no text");
                None
            }
        }
    }

    fn client(&self) -> Option<Client> {
        // Whoever was first has set the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let mut builder = Client::builder()
            .redirect(Policy::none())
            .timeout(Duration::from_secs(ANSWER_SECONDS_MAX))
            .connect_timeout(Duration::from_secs(ANSWER_SECONDS_MAX));
        if let Some(pem) = &self.authorities {
            match Certificate::from_pem_bundle(pem) {
                Ok(authorities) => builder = builder.tls_certs_merge(authorities),
                Err(error) => tracing::error!(%error, "jwks: the authorities cannot be used"),
            }
        }
        builder.build().inspect_err(|error| tracing::error!(%error, "jwks: no client for key sets")).ok()
    }
}

/// How long an answer counts (RFC 9111 section 5.2.2).
fn kept_seconds(cache_control: &str, age: &str) -> i64 {
    let mut seconds = KEPT_SECONDS;
    for directive in cache_control.split(',').map(str::trim) {
        match directive.split_once('=') {
            Some((name, value)) if name.eq_ignore_ascii_case("max-age") => {
                seconds = value.trim_matches('"').parse().unwrap_or(0);
            }
            None if ["no-store", "no-cache"].iter().any(|none| directive.eq_ignore_ascii_case(none)) => {
                return KEPT_SECONDS_MIN;
            }
            _ => {}
        }
    }
    let age = age.parse::<i64>().unwrap_or(0).max(0);
    seconds.saturating_sub(age).clamp(KEPT_SECONDS_MIN, KEPT_SECONDS_MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_registered_addresses_that_are_safe_are_asked() {
        for address in
            ["https://client.example/jwks", "http://127.0.0.1:9/jwks", "http://[::1]/x", "http://localhost:1/"]
        {
            assert!(is_address(address), "{address}");
        }
        for address in [
            "",
            "client.example/jwks",
            "http://client.example/jwks",
            "http://10.0.0.1/jwks",
            "http://127.0.0.1.client.example/",
            "https://user:secret@client.example/jwks",
            "https://client.example/jwks#x",
            "file:///etc/passwd",
            "ftp://client.example/",
        ] {
            assert!(!is_address(address), "{address}");
        }
    }

    #[test]
    fn keys_are_kept_as_long_as_the_answer_says_within_bounds() {
        for (cache_control, age, expected) in [
            ("", "", KEPT_SECONDS),
            ("public, max-age=60", "", 60),
            ("MAX-AGE=\"60\"", "20", 40),
            ("max-age=0", "", KEPT_SECONDS_MIN),
            ("no-store", "", KEPT_SECONDS_MIN),
            ("no-cache, max-age=900", "", KEPT_SECONDS_MIN),
            ("max-age=999999999", "", KEPT_SECONDS_MAX),
            ("max-age=3601", "", KEPT_SECONDS_MAX),
            ("max-age=x", "", KEPT_SECONDS_MIN),
            ("max-age=60", "-99999", 60),
        ] {
            assert_eq!(kept_seconds(cache_control, age), expected, "{cache_control} {age}");
        }
    }

    #[test]
    fn an_address_that_fails_is_left_alone_for_a_while() {
        // Nobody listens on port 1 of this machine.
        let ring = KeyRing::new(Keys::At("http://127.0.0.1:1/jwks".into()));
        let fetcher = Fetcher::default();
        let asked = |ring: &KeyRing| ring.kept.lock().unwrap().asked;
        assert!(ring.at_hand(0).is_none() && ring.fetch(&fetcher, 0, false).is_none());
        assert_eq!(asked(&ring), 0);
        ring.fetch(&fetcher, KEPT_SECONDS_MIN * 1000 - 1, false);
        assert_eq!(asked(&ring), 0);
        ring.fetch(&fetcher, KEPT_SECONDS_MIN * 1000, false);
        assert_eq!(asked(&ring), KEPT_SECONDS_MIN * 1000);
        let minute = (KEPT_SECONDS_MIN + UNKNOWN_SECONDS) * 1000;
        ring.fetch(&fetcher, minute - 1, true);
        assert_eq!(asked(&ring), KEPT_SECONDS_MIN * 1000);
        ring.fetch(&fetcher, minute, true);
        assert_eq!(asked(&ring), minute);
    }
}
