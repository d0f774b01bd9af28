//! The MLLP listeners of the configuration, checked: who may send over each, and that none is open to everybody unsaid.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::Arc;

use toml::Spanned;

use super::check::{Check, Once};
use super::problem::{self, Problem};
use super::{Mllp, MllpLimits, Source, file};
use crate::auth::Verifier;
use crate::auth::tls::ClientCertificate;
use crate::fhir::FacilityCode;

/// The server's side of TLS, and what the peers' certificates are verified by.
type Tls = (Arc<rustls::ServerConfig>, Arc<Verifier>);

impl Check<'_> {
    pub(super) fn mllp(
        &self,
        file: &file::File,
        sources: &[Source],
        http: SocketAddr,
        now_ms: i64,
    ) -> Result<Vec<Mllp>, Problem> {
        let mut addresses = Once(HashMap::new());
        self.once(&mut addresses, "listen", &file.listen, &http.to_string())?;
        let mut listeners = Vec::new();
        for written in &file.mllp {
            let listen = self.mllp_listen(written)?;
            // Port 0 takes a free one.
            if listen.port() != 0 {
                self.once(&mut addresses, "mllp.listen", &written.listen, &listen.to_string())?;
            }
            let facilities = self.mllp_facilities(&written.facilities, sources)?;
            let (tls, verifier) = self.mllp_tls(file, written, listen, now_ms)?.unzip();
            listeners.push(Mllp { listen, facilities, tls, verifier, limits: self.mllp_limits(written)? });
        }
        Ok(listeners)
    }

    fn mllp_listen(&self, written: &file::Mllp) -> Result<SocketAddr, Problem> {
        let wrong = |_| self.at("mllp.listen", &written.listen, &problem::LISTEN, String::new());
        written.listen.get_ref().parse().map_err(wrong)
    }

    fn mllp_facilities(
        &self,
        written: &Spanned<Vec<Spanned<String>>>,
        sources: &[Source],
    ) -> Result<Vec<FacilityCode>, Problem> {
        const KEY: &str = "mllp.facilities";
        if written.get_ref().is_empty() {
            return Err(self.at(KEY, written, &problem::NO_FACILITY, String::new()));
        }
        let mut seen = Once(HashMap::new());
        let mut facilities = Vec::new();
        for written in written.get_ref() {
            let facility = FacilityCode::parse(written.get_ref());
            self.once(&mut seen, KEY, written, facility.as_str())?;
            if !sources.iter().any(|source| source.letter.facility == facility) {
                return Err(self.at(KEY, written, &problem::NO_SUCH_SOURCE, String::new()));
            }
            facilities.push(facility);
        }
        Ok(facilities)
    }

    /// TLS where there is a `[tls]`, unless the listener says otherwise. A certificate is always asked for: it alone says
    /// who sends.
    fn mllp_tls(
        &self,
        file: &file::File,
        written: &file::Mllp,
        listen: SocketAddr,
        now_ms: i64,
    ) -> Result<Option<Tls>, Problem> {
        let wanted = written.tls.as_ref().map_or(file.tls.is_some(), |wanted| *wanted.get_ref());
        match (&file.tls, &written.tls) {
            (Some(tls), _) if wanted => {
                let (config, verifier) = self.tls(tls, ClientCertificate::Required, now_ms)?;
                Ok(Some((Arc::new(config), verifier)))
            }
            (None, Some(said)) if wanted => Err(self.at("mllp.tls", said, &problem::NO_TLS, String::new())),
            _ if listen.ip().is_loopback() || written.allow_plain => Ok(None),
            _ => Err(self.at("mllp.listen", &written.listen, &problem::INSECURE_MLLP, listen.to_string())),
        }
    }

    fn mllp_limits(&self, written: &file::Mllp) -> Result<MllpLimits, Problem> {
        let number = |name: &str, value: &Option<Spanned<u64>>, default, least, most| {
            self.number(&format!("mllp.{name}"), value.as_ref(), default, least, most)
        };
        let per_address = &written.connections_per_address_max;
        Ok(MllpLimits {
            frame_bytes_max: number("frame_bytes_max", &written.frame_bytes_max, 16 << 20, 1 << 10, 1 << 30)?,
            frame_seconds_max: number("frame_seconds_max", &written.frame_seconds_max, 30, 1, 3600)?,
            idle_seconds_max: number("idle_seconds_max", &written.idle_seconds_max, 3600, 1, 7 * 86_400)?,
            connections_max: number("connections_max", &written.connections_max, 256, 1, 4096)?,
            connections_per_address_max: number("connections_per_address_max", per_address, 32, 1, 4096)?,
        })
    }
}
