//! From the file as it is written to the configuration that can be trusted.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::sync::Arc;

use toml::Spanned;

use super::problem::{self, Problem};
use super::{Config, Limits, Source, file, maps};
use crate::auth::tls::{self, ClientCertificate, Minimum};
use crate::auth::{Digest, Verifier};
use crate::fault::Rule;
use crate::fhir::{FacilityCode, ResourceId};
use crate::guide::Library;
use crate::letter;

/// Offset of a source that states none: Japan Standard Time.
const ZONE: &str = "+09:00";
pub(super) const FACILITY_CHARACTERS_MAX: usize = 64;

pub(super) struct Check<'a> {
    pub(super) text: &'a str,
    pub(super) path: &'a Path,
}

/// Where each value was first met, to say on which line it stands already.
pub(super) struct Once(pub(super) HashMap<String, usize>);

impl Check<'_> {
    pub(super) fn config(&self, now_ms: i64) -> Result<Config, Problem> {
        let file: file::File = toml::from_str(self.text).map_err(|error| self.not_toml(&error))?;
        let listen = self.listen(&file)?;
        let client_certificate = match &file.tls {
            Some(tls) => self.client_certificate(tls)?,
            None => ClientCertificate::Off,
        };
        let guides = self.guides(&file.guide)?;
        let sources = self.sources(&file.source, &guides)?;
        let (clients, client_folder) = self.all_clients(&file, &sources, client_certificate)?;
        let tls = file.tls.as_ref().map(|tls| self.tls(tls, client_certificate, now_ms)).transpose()?;
        let (tls, verifier) = tls.unzip();
        let store = self.store(&file.store)?;
        Ok(Config {
            listen,
            base_url: self.base_url(&file.base_url)?,
            audit: self.audit(&file.audit, &store)?,
            store,
            clients,
            client_folder,
            jwks_ca: file.jwks_ca.as_ref().map(|written| self.authorities(written)).transpose()?,
            maps: file.maps.as_ref().map(|folder| self.maps(folder)).transpose()?,
            of_rest: self.of_rest(&file.fhir, &guides)?,
            guides: Arc::new(guides),
            label_rules: self.label_rules(&file.labels.rules)?,
            identity: self.identity(&file.identity)?,
            http: self.http(&file)?,
            limits: self.limits(&file.limits)?,
            tls,
            verifier,
            mllp: self.mllp(&file, &sources, listen, now_ms)?,
            folders: self.folders(&file.folder, &sources)?,
            terms: self.terms(&file.network, &sources)?,
            office: self.office(&file.network, &sources)?,
            people: self.people(&file)?,
            sources,
            open: false,
            beat_ms: super::BEAT_MS,
        })
    }

    /// The messages of `toml` and `serde`, in our words where we have some.
    pub(super) fn not_toml(&self, error: &toml::de::Error) -> Problem {
        let message = error.message();
        let named = |start: &str| Some(message.strip_prefix(start)?.split_once('`')?.0.to_owned());
        let (key, rule, detail) = if let Some(key) = named("unknown field `") {
            let known = message.split_once("expected ").map_or("", |(_, known)| known.trim_start_matches("one of "));
            (key, &problem::UNKNOWN_KEY, known.replace('`', "").replace(" or ", ", "))
        } else if let Some(key) = named("missing field `") {
            (key, &problem::MISSING_KEY, String::new())
        } else {
            // The first line only: a message may go on to quote the file.
            (String::new(), &problem::SYNTAX, message.lines().next().unwrap_or_default().to_owned())
        };
        Problem { line: error.span().map(|span| self.line(span.start)), ..self.problem(&key, None, rule, detail) }
    }

    fn listen(&self, file: &file::File) -> Result<SocketAddr, Problem> {
        let text = file.listen.get_ref();
        let at = |rule, detail| self.problem("listen", Some(file.listen.span().start), rule, detail);
        let listen: SocketAddr = text.parse().map_err(|_| at(&problem::LISTEN, String::new()))?;
        if file.tls.is_none() && !file.insecure_listen && !listen.ip().is_loopback() {
            return Err(at(&problem::INSECURE, listen.to_string()));
        }
        Ok(listen)
    }

    fn base_url(&self, base_url: &Spanned<String>) -> Result<String, Problem> {
        let text = base_url.get_ref();
        let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
        let plain = |rest: &str| rest.bytes().all(|b| b.is_ascii_graphic() && !b"?#\"<>\\".contains(&b));
        if rest.is_some_and(|rest| !rest.is_empty() && !rest.starts_with('/') && !rest.ends_with('/') && plain(rest)) {
            return Ok(text.clone());
        }
        Err(self.at("base_url", base_url, &problem::BASE_URL, String::new()))
    }

    fn client_certificate(&self, tls: &file::Tls) -> Result<ClientCertificate, Problem> {
        let choices = [
            ("off", ClientCertificate::Off),
            ("optional", ClientCertificate::Optional),
            ("required", ClientCertificate::Required),
        ];
        match &tls.client_certificate {
            None => Ok(ClientCertificate::Required),
            Some(written) => self.choice("tls.client_certificate", written, &choices),
        }
    }

    pub(super) fn tls(
        &self,
        tls: &file::Tls,
        client_certificate: ClientCertificate,
        now_ms: i64,
    ) -> Result<(rustls::ServerConfig, Arc<Verifier>), Problem> {
        let minimum = match &tls.minimum {
            None => Minimum::Tls13,
            Some(written) => {
                self.choice("tls.minimum", written, &[("1.3", Minimum::Tls13), ("1.2", Minimum::Tls12)])?
            }
        };
        let settings = tls::Settings {
            certificate: self.beside(tls.certificate.get_ref()),
            key: self.beside(tls.key.get_ref()),
            client_ca: tls.client_ca.as_ref().map(|file| self.beside(file.get_ref())),
            client_certificate,
            minimum,
            crl: tls.crl.iter().map(|file| self.beside(file.get_ref())).collect(),
        };
        let made = Verifier::new(&settings)
            .and_then(|verifier| Ok((tls::server_config_with(&settings, verifier.clone(), now_ms)?, verifier)));
        made.map_err(|wrong| {
            let written = match wrong.key {
                "key" => &tls.key,
                "client_ca" => tls.client_ca.as_ref().unwrap_or(&tls.certificate),
                "crl" => tls.crl.first().unwrap_or(&tls.certificate),
                _ => &tls.certificate,
            };
            self.at(&format!("tls.{}", wrong.key), written, wrong.rule, wrong.detail)
        })
    }

    /// Authorities whose certificates the servers of clients' keys may have, PEM.
    fn authorities(&self, written: &Spanned<String>) -> Result<Vec<u8>, Problem> {
        let file = self.beside(written.get_ref());
        let pem = std::fs::read(&file).map_err(|error| {
            self.at("jwks_ca", written, &problem::UNREADABLE, format!("{}: {error}", file.display()))
        })?;
        match super::client::fingerprint(&pem) {
            Some(_) => Ok(pem),
            None => Err(self.at("jwks_ca", written, &tls::NO_CERTIFICATE, file.display().to_string())),
        }
    }

    fn maps(&self, folder: &Spanned<String>) -> Result<(PathBuf, maps::Maps), Problem> {
        let folder = self.beside(folder.get_ref());
        let maps = maps::load(&folder)?;
        Ok((folder, maps))
    }

    fn sources(&self, written: &[file::Source], guides: &Library) -> Result<Vec<Source>, Problem> {
        let mut facilities = Once(HashMap::new());
        let source = |source: &file::Source| {
            let facility = FacilityCode::parse(source.facility.get_ref());
            let code = facility.as_str();
            let number = code.bytes().all(|b| b.is_ascii_digit());
            let fits = code.chars().count() <= FACILITY_CHARACTERS_MAX && !code.chars().any(char::is_control);
            if facility.is_unstated() || !fits || (number && !facility.is_insurance_institution()) {
                return Err(self.at("source.facility", &source.facility, &problem::FACILITY, String::new()));
            }
            self.once(&mut facilities, "source.facility", &source.facility, code)?;
            let zone = source.zone.as_ref().map_or(ZONE, |zone| zone.get_ref());
            let zone_minutes = zone_minutes(zone).ok_or_else(|| {
                let at = source.zone.as_ref().map(|zone| zone.span().start);
                self.problem("source.zone", at, &problem::ZONE, String::new())
            })?;
            let organization = self.organization("source.organization", &source.organization)?;
            let letter = Arc::new(letter::Source { facility, zone_minutes });
            let standard = self.of_source(source, guides)?;
            Ok(Source { letter, name: source.name.clone(), organization, standard })
        };
        written.iter().map(source).collect()
    }

    fn limits(&self, limits: &file::Limits) -> Result<Limits, Problem> {
        let body = limits.body_bytes_max.as_ref();
        let (body_seconds, head_seconds) = (limits.body_seconds_max.as_ref(), limits.head_seconds_max.as_ref());
        let connections = limits.connections_max.as_ref();
        let waiting = limits.requests_waiting_max.as_ref();
        let (tokens, attempts) = (limits.tokens_per_minute_max.as_ref(), limits.token_attempts_per_minute_max.as_ref());
        let (rate, at_once) = (limits.requests_per_minute_max.as_ref(), limits.requests_at_once_max.as_ref());
        let answer = limits.answer_seconds_max.as_ref();
        let (minutes, exports) = (limits.export_minutes_max.as_ref(), limits.exports_per_client_max.as_ref());
        Ok(Limits {
            body_bytes_max: self.number("limits.body_bytes_max", body, 64 << 20, 1 << 10, 1 << 30)?,
            body_seconds_max: self.number("limits.body_seconds_max", body_seconds, 60, 1, 3600)?,
            head_seconds_max: self.number("limits.head_seconds_max", head_seconds, 5, 1, 3600)?,
            connections_max: self.number("limits.connections_max", connections, 1024, 1, 1 << 20)?,
            requests_waiting_max: self.number("limits.requests_waiting_max", waiting, 1024, 1, 1 << 20)?,
            export_minutes_max: self.number("limits.export_minutes_max", minutes, 1440, 1, 44_640)?,
            exports_per_client_max: self.number("limits.exports_per_client_max", exports, 32, 1, 1000)?,
            requests_per_minute_max: self.number("limits.requests_per_minute_max", rate, 6_000_000, 1, 100_000_000)?,
            requests_at_once_max: self.number("limits.requests_at_once_max", at_once, 1024, 1, 1 << 20)?,
            answer_seconds_max: self.number("limits.answer_seconds_max", answer, 60, 1, 3600)?,
            tokens_per_minute_max: self.number("limits.tokens_per_minute_max", tokens, 60, 1, 6000)?,
            token_attempts_per_minute_max: self.number(
                "limits.token_attempts_per_minute_max",
                attempts,
                600,
                1,
                1_000_000,
            )?,
        })
    }

    pub(super) fn organization(&self, key: &str, written: &Spanned<String>) -> Result<String, Problem> {
        let id = written.get_ref().strip_prefix("Organization/").and_then(ResourceId::parse);
        id.ok_or_else(|| self.at(key, written, &problem::ORGANIZATION, String::new()))?;
        Ok(written.get_ref().clone())
    }

    pub(super) fn digest(&self, key: &str, written: &Spanned<String>, command: &str) -> Result<Digest, Problem> {
        Digest::parse(written.get_ref()).ok_or_else(|| self.at(key, written, &problem::SHA256, command.to_owned()))
    }

    pub(super) fn choice<T: Copy>(
        &self,
        key: &str,
        written: &Spanned<String>,
        choices: &[(&str, T)],
    ) -> Result<T, Problem> {
        let chosen = choices.iter().find(|(name, _)| name == written.get_ref());
        chosen.map(|(_, choice)| *choice).ok_or_else(|| {
            let names: Vec<_> = choices.iter().map(|(name, _)| format!("\"{name}\"")).collect();
            self.at(key, written, &problem::CHOICE, names.join(", "))
        })
    }

    pub(super) fn number(
        &self,
        key: &str,
        written: Option<&Spanned<u64>>,
        default: u64,
        least: u64,
        most: u64,
    ) -> Result<u64, Problem> {
        match written {
            None => Ok(default),
            Some(written) if (least..=most).contains(written.get_ref()) => Ok(*written.get_ref()),
            Some(written) => Err(self.at(key, written, &problem::RANGE, format!("{least}–{most}"))),
        }
    }

    pub(super) fn once(
        &self,
        seen: &mut Once,
        key: &str,
        written: &Spanned<String>,
        value: &str,
    ) -> Result<(), Problem> {
        let line = self.line(written.span().start);
        match seen.0.insert(value.to_owned(), line) {
            None => Ok(()),
            Some(first) => Err(self.at(key, written, &problem::TWICE, first.to_string())),
        }
    }

    pub(super) fn beside(&self, file: &str) -> PathBuf {
        self.path.parent().unwrap_or(Path::new("")).join(file)
    }

    pub(super) fn at<T>(&self, key: &str, written: &Spanned<T>, rule: &'static Rule, detail: String) -> Problem {
        self.problem(key, Some(written.span().start), rule, detail)
    }

    pub(super) fn problem(&self, key: &str, offset: Option<usize>, rule: &'static Rule, detail: String) -> Problem {
        let line = offset.map(|offset| self.line(offset));
        Problem { file: self.path.to_owned(), line, key: key.to_owned(), rule, detail }
    }

    fn line(&self, offset: usize) -> usize {
        1 + self.text.bytes().take(offset).filter(|&b| b == b'\n').count()
    }
}

/// `+09:00` as minutes.
fn zone_minutes(text: &str) -> Option<i16> {
    let (sign, clock) = text.split_at_checked(1)?;
    let (hours, minutes) = clock.split_once(':')?;
    let digits =
        |part: &str| (part.len() == 2 && part.bytes().all(|b| b.is_ascii_digit())).then(|| i16::from_str(part));
    let (hours, minutes) = (digits(hours)?.ok()?, digits(minutes)?.ok()?);
    let total = (hours <= 14 && minutes < 60).then_some(hours * 60 + minutes)?;
    match sign {
        "+" => Some(total),
        "-" => Some(-total),
        _ => None,
    }
}
