//! The target: where it is, how it is asked, and as whom. A token goes to the target's own origin and nowhere else.

use std::collections::HashMap;
use std::fs;
use std::io::Read;
use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use reqwest::blocking::Client as Http;
use reqwest::redirect::Policy;
use reqwest::{Certificate, Identity, Method, Url};
use serde_json::Value;

use super::client::{Client, Clients};
use super::outcome::{Answer, Sent};
use super::run::Stopped;
use super::step::Step;
use super::token::{self, JWT_BEARER};
use super::vary::percent_encoded;

/// How long an answer may take.
const ANSWER_SECONDS_MAX: u64 = 60;
/// Longest answer that is read.
const ANSWER_BYTES_MAX: u64 = 64 << 20;
/// For how long an assertion of a well-behaved client counts.
const ASSERTION_SECONDS: i64 = 240;

/// A target that is asked.
#[derive(Debug)]
pub struct Subject {
    /// Its base address, without a slash at the end.
    pub base: String,
    /// The client file.
    pub clients: Clients,
    origin: String,
    http: Http,
    /// Of clients that show a certificate, by their names.
    with_certificate: HashMap<String, Http>,
    /// Access tokens by the name of the client.
    tokens: Mutex<HashMap<String, String>>,
    /// Where tokens are asked for, once it is known.
    token_endpoint: Mutex<Option<String>>,
}

impl Subject {
    /// A target. The error says what about the address or the client file cannot be used.
    pub fn new(base: &str, clients: Clients) -> Result<Subject, String> {
        let base = base.trim_end_matches('/').to_owned();
        let url = Url::parse(&base).map_err(|error| format!("{base}: {error}"))?;
        if !matches!(url.scheme(), "http" | "https") {
            return Err(format!("{base}: neither http nor https"));
        }
        let origin = url.origin().ascii_serialization();
        // Whoever was first has set the same.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let authorities = clients.ca.as_deref().map(authorities).transpose()?.unwrap_or_default();
        let connecting = |identity: Option<Identity>| {
            let mut builder =
                Http::builder().redirect(Policy::none()).timeout(Duration::from_secs(ANSWER_SECONDS_MAX)).no_proxy();
            builder = builder.tls_certs_merge(authorities.clone());
            builder = if let Some(identity) = identity { builder.identity(identity) } else { builder };
            builder.build().map_err(|error| told(&error))
        };
        let http = connecting(None)?;
        let mut with_certificate = HashMap::new();
        for (name, client) in &clients.client {
            if let Some(pem) = &client.certificate_pem {
                let identity =
                    Identity::from_pem(pem).map_err(|_| format!("client {name}: no certificate with its key"))?;
                with_certificate.insert(name.clone(), connecting(Some(identity))?);
            }
        }
        let (tokens, token_endpoint) = Default::default();
        Ok(Subject { base, clients, origin, http, with_certificate, tokens, token_endpoint })
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &str {
        &self.origin
    }

    /// Whether a client can be acted as.
    pub fn knows(&self, name: &str) -> bool {
        name == "default" || self.clients.client.contains_key(name)
    }

    /// Where tokens are asked for.
    pub(super) fn set_token_endpoint(&self, url: Option<&str>) {
        *self.token_endpoint.lock().unwrap_or_else(PoisonError::into_inner) = url.map(str::to_owned);
    }

    /// All that must not be shown: tokens given and got.
    pub fn secrets(&self) -> Vec<String> {
        let got = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).values().cloned().collect::<Vec<_>>();
        let given = self.clients.client.values().filter_map(|client| client.given().map(str::to_owned));
        given.chain(got).collect()
    }

    /// The whole address of a path below the base, of one below the origin (`//intake`), or of a whole address.
    pub(super) fn address(&self, target: &str) -> String {
        match target.strip_prefix('/').filter(|rest| rest.starts_with('/')) {
            Some(below_origin) => format!("{}{below_origin}", self.origin),
            None if target.starts_with("http:") || target.starts_with("https:") => target.to_owned(),
            None if target.is_empty() || target.starts_with(['/', '?']) => format!("{}{target}", self.base),
            None => format!("{}/{target}", self.base),
        }
    }

    /// Sends a request as a caller and gives what was sent and answered. The error says why there is no answer.
    pub(super) fn ask(&self, caller: &str, mut sent: Sent) -> (Sent, Result<Answer, String>) {
        let ours = Url::parse(&sent.url).is_ok_and(|url| url.origin().ascii_serialization() == self.origin);
        let has_own = sent.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"));
        if caller != "none" && ours && !has_own {
            match self.token(caller) {
                Ok(Some(token)) => sent.headers.push(("Authorization".into(), format!("Bearer {token}"))),
                Ok(None) => {}
                Err(wrong) => return (sent, Err(wrong)),
            }
        }
        let answer = self.send(caller, &sent);
        (sent, answer)
    }

    /// Whether the target does not let the caller of a step in, or finds what is asked too costly, which says nothing about what
    /// the case is about.
    pub(super) fn shut(&self, step: &Step, sent: &Sent, answer: &Answer) -> Option<Stopped> {
        let caller = step.caller.as_deref().unwrap_or("default");
        let meant = step.expect.status.iter().any(|status| status.takes(answer.status));
        // That anything of 4xx will do does not mean that nobody is to be let in.
        let named = step.expect.status.iter().any(|status| status.0 == answer.status.to_string());
        match answer.status {
            401 | 403 if caller != "none" && !named => self.outside(caller, sent, answer),
            _ if meant || sent.method == "MLLP" => None,
            400..500 if answer.body.contains("\"too-costly\"") => {
                Some(Stopped::Outside(format!("the target refuses this as too costly ({}), as it may", answer.status)))
            }
            _ => None,
        }
    }

    /// What to do about an answer 401 or 403 to a caller.
    pub(super) fn outside(&self, caller: &str, sent: &Sent, answer: &Answer) -> Option<Stopped> {
        let status = answer.status;
        let shown = sent.headers.iter().any(|(name, _)| name.eq_ignore_ascii_case("authorization"))
            || self.with_certificate.contains_key(caller);
        if !shown {
            return Some(match self.clients.client.is_empty() {
                true => Stopped::Outside(format!(
                    "no credentials given: the target answers {status} without them; give them with --client FILE"
                )),
                false => Stopped::Silent(format!(
                    "the target answers {status} without credentials, and the client file has none for client {caller}: \
                     add [client.{caller}]"
                )),
            });
        }
        let scope = answer.header("www-authenticate").is_some_and(|said| said.contains("insufficient_scope"));
        match status {
            401 => Some(Stopped::Silent(format!(
                "the target does not take the credentials of client {caller} (401): has its token expired, is it registered there?"
            ))),
            _ if scope => Some(Stopped::Silent(format!(
                "client {caller} lacks a scope for this (403): grant it at the target, and ask for it with scope = \"…\""
            ))),
            // Of the others a case says who is to be let in.
            _ if caller == "default" => {
                Some(Stopped::Outside("the target does not let client default do this (403)".to_owned()))
            }
            _ => None,
        }
    }

    fn send(&self, caller: &str, sent: &Sent) -> Result<Answer, String> {
        let method = Method::from_bytes(sent.method.as_bytes()).map_err(|error| error.to_string())?;
        let http = self.with_certificate.get(caller).unwrap_or(&self.http);
        let mut request = http.request(method, &sent.url);
        for (name, value) in &sent.headers {
            request = request.header(name, value);
        }
        if !sent.body.is_empty() {
            request = request.body(sent.body.clone());
        }
        let begun = Instant::now();
        let response = request.send().map_err(|error| told(&error))?;
        let headers = response.headers().iter();
        let headers =
            headers.map(|(n, v)| (n.as_str().to_owned(), String::from_utf8_lossy(v.as_bytes()).into_owned())).collect();
        let status = response.status().as_u16();
        let mut bytes = Vec::new();
        let read = response.take(ANSWER_BYTES_MAX).read_to_end(&mut bytes);
        read.map_err(|error| format!("the answer ended early: {error}"))?;
        let millis = u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX);
        Ok(Answer { status, headers, body: String::from_utf8_lossy(&bytes).into_owned(), millis })
    }

    /// The token of a caller; `None` where it needs none.
    fn token(&self, caller: &str) -> Result<Option<String>, String> {
        let Some(client) = self.clients.client.get(caller) else { return Ok(None) };
        if let Some(token) = client.given() {
            return Ok(Some(token.to_owned()));
        }
        if client.signer.is_none() {
            return Ok(None);
        }
        if let Some(token) = self.tokens.lock().unwrap_or_else(PoisonError::into_inner).get(caller) {
            return Ok(Some(token.clone()));
        }
        let token = self.fetch(caller, client)?;
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner).insert(caller.to_owned(), token.clone());
        Ok(Some(token))
    }

    /// Asks for an access token.
    fn fetch(&self, caller: &str, client: &Client) -> Result<String, String> {
        let url = self.token_endpoint.lock().unwrap_or_else(PoisonError::into_inner).clone();
        let url = url.ok_or("the client has a key, and the target names no token_endpoint")?;
        let assertion = assertion(client, &url)?;
        let scope = client.scope.as_deref().unwrap_or("system/*.rs");
        let pairs = [
            ("grant_type", "client_credentials"),
            ("scope", scope),
            ("client_assertion_type", JWT_BEARER),
            ("client_assertion", &assertion),
        ];
        let body: Vec<String> =
            pairs.iter().map(|(name, value)| format!("{name}={}", percent_encoded(value))).collect();
        let headers = vec![("Content-Type".to_owned(), "application/x-www-form-urlencoded".to_owned())];
        let answer = self.send(caller, &Sent { method: "POST".into(), url, headers, body: body.join("&") })?;
        let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
        let token = body.get("access_token").and_then(Value::as_str).map(str::to_owned);
        let advice = "is its key registered there, and may it have its scope?";
        token.ok_or_else(|| format!("client {caller} gets no access token, the answer is {}: {advice}", answer.status))
    }
}

fn authorities(path: &Path) -> Result<Vec<Certificate>, String> {
    let pem = fs::read(path).map_err(|error| format!("{}: {error}", path.display()))?;
    Certificate::from_pem_bundle(&pem).map_err(|error| format!("{}: {error}", path.display()))
}

/// The assertion of a well-behaved client.
fn assertion(client: &Client, audience: &str) -> Result<String, String> {
    let signer = client.signer.as_ref().ok_or("the client has no key")?;
    let id = client.client_id.as_deref().unwrap_or_default();
    signer.sign(&token::claims(id, audience, now_seconds(), ASSERTION_SECONDS))
}

pub(super) fn now_seconds() -> i64 {
    jiff::Timestamp::now().as_second()
}

/// Why there is no answer, with its cause and without the address, which may say something about a person.
fn told(error: &reqwest::Error) -> String {
    let mut cause: &dyn std::error::Error = error;
    while let Some(inner) = cause.source() {
        cause = inner;
    }
    format!("no answer: {cause}")
}
