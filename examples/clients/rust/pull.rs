//! A care office's program: keeps a folder like what the patients' consents permit, and nothing else.
//!
//! An access token for a signed assertion (SMART Backend Services), the panel (every Patient that may be read), what is new of
//! each (`$everything` with `_since`), and what is no longer there: a patient who has left the panel is taken away from the
//! folder. `cargo run --example care-puller` against the demonstration; `--help` says what can be set.

#![allow(clippy::print_stdout)] // it says on one line what it did

use std::collections::{BTreeMap, BTreeSet};
use std::error::Error;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use clap::Parser;
use reqwest::blocking::{Client, Response};
use ring::rand::SystemRandom;
use ring::signature::{ECDSA_P384_SHA384_FIXED_SIGNING, EcdsaKeyPair};
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::{Value, json};

type Done<T> = Result<T, Box<dyn Error>>;

/// A token is asked for again this long before it ends.
const TOKEN_MARGIN: Duration = Duration::from_secs(30);

#[derive(Parser)]
struct Options {
    #[arg(long, default_value = "http://127.0.0.1:8080/fhir")]
    base: String,
    #[arg(long, default_value = "agency-a-program")]
    client: String,
    #[arg(long, default_value = "agency-a-1")]
    kid: String,
    #[arg(long, default_value = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/data/keys/agency-a.pem"))]
    key: PathBuf,
    #[arg(long, default_value = "pulled")]
    out: PathBuf,
    /// Fetch everything again, and take away what is not there
    #[arg(long)]
    whole: bool,
}

/// The gateway as this client sees it: every request carries a token that counts.
struct Gateway {
    options: Options,
    http: Client,
    key: EcdsaKeyPair,
    token_endpoint: String,
    token: Option<(String, Instant)>,
}

impl Gateway {
    fn find(options: Options) -> Done<Gateway> {
        let http = Client::builder().timeout(Duration::from_secs(120)).build()?;
        let found = http.get(format!("{}/.well-known/smart-configuration", options.base)).send()?.error_for_status()?;
        let found: Value = serde_json::from_str(&found.text()?)?;
        let token_endpoint = found["token_endpoint"].as_str().ok_or("no token endpoint")?.to_owned();
        let pem = PrivateKeyDer::from_pem_file(&options.key).map_err(|_| "the key cannot be read")?;
        let random = SystemRandom::new();
        let key = EcdsaKeyPair::from_pkcs8(&ECDSA_P384_SHA384_FIXED_SIGNING, pem.secret_der(), &random);
        let key = key.map_err(|_| "the key is no P-384 key")?;
        Ok(Gateway { options, http, key, token_endpoint, token: None })
    }

    fn assertion(&self) -> Done<String> {
        let now = SystemTime::now().duration_since(UNIX_EPOCH)?.as_secs();
        let client = &self.options.client;
        let claims = json!({"iss": client, "sub": client, "aud": self.token_endpoint, "exp": now + 240, "iat": now,
            "jti": uuid::Uuid::new_v4().to_string()});
        let header = json!({"alg": "ES384", "kid": self.options.kid, "typ": "JWT"});
        let coded = |value: Value| URL_SAFE_NO_PAD.encode(value.to_string());
        let text = format!("{}.{}", coded(header), coded(claims));
        let signature = self.key.sign(&SystemRandom::new(), text.as_bytes()).map_err(|_| "the key cannot sign")?;
        Ok(format!("{text}.{}", URL_SAFE_NO_PAD.encode(signature)))
    }

    /// A token that counts.
    fn token(&mut self) -> Done<String> {
        if let Some((token, until)) = &self.token
            && Instant::now() + TOKEN_MARGIN < *until
        {
            return Ok(token.clone());
        }
        // No value of it needs percent-encoding but the slash and the colons.
        let form = format!(
            "grant_type=client_credentials&scope=system%2F*.rs&purpose_of_use=COC&client_assertion_type=\
             urn%3Aietf%3Aparams%3Aoauth%3Aclient-assertion-type%3Ajwt-bearer&client_assertion={}",
            self.assertion()?
        );
        let request = self.http.post(&self.token_endpoint).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(form).send()?;
        let (status, text) = (answer.status(), answer.text()?);
        if !status.is_success() {
            return Err(format!("no token: {status} {text}").into());
        }
        let told: Value = serde_json::from_str(&text)?;
        let token = told["access_token"].as_str().ok_or("no access token")?.to_owned();
        let seconds = told["expires_in"].as_u64().unwrap_or(0);
        self.token = Some((token.clone(), Instant::now() + Duration::from_secs(seconds)));
        Ok(token)
    }

    /// One answer; waits when the gateway says so (429, 503), asks for another token once when this one has ended.
    fn get(&mut self, url: &str) -> Done<Response> {
        for attempt in 0..6 {
            let request = self.http.get(url).bearer_auth(self.token()?).header("accept", "application/fhir+json");
            let answer = request.send()?;
            match answer.status().as_u16() {
                429 | 503 => {
                    let wait = answer.headers().get("retry-after").and_then(|value| value.to_str().ok()?.parse().ok());
                    std::thread::sleep(Duration::from_secs(wait.unwrap_or(1)));
                }
                401 if attempt == 0 => self.token = None,
                _ => return Ok(answer),
            }
        }
        Err("the gateway says again and again to come later".into())
    }

    /// The resources of a search or an operation, over all its pages; `None` where there is no such thing (any more).
    fn resources(&mut self, asked: &str) -> Done<Option<Vec<Value>>> {
        let (mut next, mut found) = (Some(format!("{}/{asked}", self.options.base)), Vec::new());
        while let Some(url) = next {
            let answer = self.get(&url)?;
            if answer.status().as_u16() == 404 {
                return Ok(None);
            }
            let mut bundle: Value = serde_json::from_str(&answer.error_for_status()?.text()?)?;
            let links = bundle["link"].as_array().into_iter().flatten();
            let link = links.into_iter().find(|link| link["relation"] == "next");
            next = link.and_then(|link| link["url"].as_str()).map(str::to_owned);
            for entry in bundle["entry"].as_array_mut().into_iter().flatten() {
                found.push(entry["resource"].take());
            }
        }
        Ok(Some(found))
    }
}

/// Beside it first, so that nobody reads half of it; whether it is anything new.
fn written(path: &Path, text: &str) -> Done<bool> {
    if fs::read_to_string(path).is_ok_and(|before| before == text) {
        return Ok(false);
    }
    let part = path.with_extension("part");
    fs::write(&part, text)?;
    fs::rename(&part, path)?;
    Ok(true)
}

/// One patient's folder; how many resources are new or changed. `None` where the patient is not to be read any more.
fn patient(gateway: &mut Gateway, id: &str, since: &mut BTreeMap<String, String>) -> Done<Option<usize>> {
    let folder = gateway.options.out.join(id);
    let known = since.get(id).filter(|_| folder.is_dir() && !gateway.options.whole).cloned();
    let asked = known.as_ref().map_or(String::new(), |known| format!("&_since={}", known.replace('+', "%2B")));
    let Some(found) = gateway.resources(&format!("Patient/{id}/$everything?_count=200{asked}"))? else {
        return Ok(None);
    };
    fs::create_dir_all(&folder)?;
    let (mut names, mut new, mut newest) = (BTreeSet::new(), 0, known.clone());
    for resource in &found {
        let part = |name: &str| resource[name].as_str().unwrap_or_default();
        let name = format!("{}-{}.json", part("resourceType"), part("id"));
        new += usize::from(written(&folder.join(&name), &resource.to_string())?);
        names.insert(name);
        let instant = |text: &str| text.parse::<jiff::Timestamp>().ok();
        if let Some(updated) = resource["meta"]["lastUpdated"].as_str()
            && newest.as_deref().is_none_or(|newest| instant(newest) < instant(updated))
        {
            newest = Some(updated.to_owned());
        }
    }
    if known.is_none() {
        // All of it was fetched: what is not among it may not be read any more.
        for file in fs::read_dir(&folder)?.flatten() {
            if !names.contains(&*file.file_name().to_string_lossy()) {
                fs::remove_file(file.path())?;
            }
        }
    }
    since.extend(newest.map(|newest| (id.to_owned(), newest)));
    Ok(Some(new))
}

fn main() -> Done<()> {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let mut gateway = Gateway::find(Options::parse())?;
    let out = gateway.options.out.clone();
    fs::create_dir_all(&out)?;
    let file = out.join("since.json");
    let mut since: BTreeMap<String, String> = match fs::read_to_string(&file) {
        Ok(text) => serde_json::from_str(&text)?,
        Err(_) => BTreeMap::new(),
    };
    let found = gateway.resources("Patient?_count=100&_elements=id")?.unwrap_or_default();
    let mut panel: BTreeSet<String> =
        found.iter().filter_map(|patient| patient["id"].as_str().map(str::to_owned)).collect();
    let mut new = 0;
    for id in panel.clone() {
        match patient(&mut gateway, &id, &mut since)? {
            Some(count) => new += count,
            // Withdrawn since the panel was asked for.
            None => drop(panel.remove(&id)),
        }
    }
    let gone: Vec<String> = since.keys().filter(|id| !panel.contains(*id)).cloned().collect();
    for id in &gone {
        if out.join(id).is_dir() {
            fs::remove_dir_all(out.join(id))?;
        }
        since.remove(id);
    }
    written(&file, &serde_json::to_string(&since)?)?;
    println!("patients {}, new or changed resources {new}, no longer on the panel {}", panel.len(), gone.len());
    Ok(())
}
