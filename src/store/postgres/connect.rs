//! Reaching the database: settings, TLS, the pools of connections, and what an error means for what was asked.

use std::sync::Arc;
use std::time::Duration;

use deadpool_postgres::{
    ClientWrapper, Hook, Manager, ManagerConfig, Object, Pool, PoolError, RecyclingMethod, Runtime,
};
use rustls::{ClientConfig, RootCertStore};
use rustls_pki_types::CertificateDer;
use rustls_pki_types::pem::PemObject;
use tokio_postgres::config::{Host, SslMode};
use tokio_postgres::error::SqlState;
use tokio_postgres::{Config, NoTls};
use tokio_postgres_rustls::MakeRustlsConnect;

use crate::fault::Fault;

/// How long connecting, and waiting for a connection of the pool, may take.
const CONNECT_SECONDS_MAX: u64 = 5;

/// How a database is reached.
#[derive(Clone, PartialEq, Eq)]
pub struct Settings {
    /// `postgresql://user@host:port/database`, or `host=/run/postgresql user=… dbname=…`; without a password.
    pub url: String,
    /// The password, where one is asked for.
    pub password: Option<Vec<u8>>,
    /// Certificates (PEM) of the authorities that may vouch for the server. With them the connection is TLS or none;
    /// without them it is plain, for which [`is_local`] must hold.
    pub authorities: Option<Vec<u8>>,
    /// Connections for reading, at most. One more writes.
    pub connections_max: usize,
}

impl std::fmt::Debug for Settings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Settings")
    }
}

/// Whether an address names this machine only: sockets in its file system, loopback addresses. `None` when it cannot be
/// read, or holds a password.
pub fn is_local(url: &str) -> Option<bool> {
    let config = url.parse::<Config>().ok().filter(|config| config.get_password().is_none())?;
    let local = |host: &Host| match host {
        Host::Unix(_) => true,
        Host::Tcp(name) => {
            name == "localhost" || name.parse::<std::net::IpAddr>().is_ok_and(|address| address.is_loopback())
        }
    };
    let addresses = config.get_hostaddrs().iter().all(std::net::IpAddr::is_loopback);
    Some(!config.get_hosts().is_empty() && config.get_hosts().iter().all(local) && addresses)
}

/// Two pools: nobody who reads keeps the writer waiting.
pub(super) struct Pools {
    pub(super) readers: Pool,
    pub(super) writer: Pool,
}

impl Pools {
    pub(super) fn new(settings: &Settings) -> Result<Self, Fault> {
        let Some(is_local) = is_local(&settings.url) else {
            return Err(Fault::Broken("the database's address cannot be read, or holds a password".into()));
        };
        if !is_local && settings.authorities.is_none() {
            return Err(Fault::Broken("a database on another machine is reached over TLS only".into()));
        }
        let mut config: Config = settings.url.parse().map_err(|_| Fault::Broken("no address of a database".into()))?;
        config.application_name("tasuki").connect_timeout(Duration::from_secs(CONNECT_SECONDS_MAX));
        config.keepalives_idle(Duration::from_secs(10)).tcp_user_timeout(Duration::from_secs(20));
        if let Some(password) = &settings.password {
            config.password(password);
        }
        let tls = match &settings.authorities {
            Some(pem) => {
                config.ssl_mode(SslMode::Require);
                Some(MakeRustlsConnect::new(client(pem)?))
            }
            None => {
                config.ssl_mode(SslMode::Disable);
                None
            }
        };
        let pool = |size: usize| {
            let how = ManagerConfig { recycling_method: RecyclingMethod::Fast };
            let manager = match tls.clone() {
                Some(tls) => Manager::from_config(config.clone(), tls, how),
                None => Manager::from_config(config.clone(), NoTls, how),
            };
            let patience = Some(Duration::from_secs(CONNECT_SECONDS_MAX));
            let pool = Pool::builder(manager).max_size(size).runtime(Runtime::Tokio1);
            let by_key = Hook::async_fn(|client: &mut ClientWrapper, _| {
                Box::pin(async move {
                    let _ = client.batch_execute(super::sql::BY_KEY).await;
                    Ok(())
                })
            });
            let pool = pool.wait_timeout(patience).create_timeout(patience).post_create(by_key).build();
            pool.map_err(|fault| Fault::Broken(format!("no pool of connections: {fault}")))
        };
        Ok(Pools { readers: pool(settings.connections_max.max(1))?, writer: pool(1)? })
    }
}

fn client(pem: &[u8]) -> Result<ClientConfig, Fault> {
    let broken = || Fault::Broken("the authorities of the database's certificate cannot be read".into());
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(pem) {
        roots.add(certificate.map_err(|_| broken())?).map_err(|_| broken())?;
    }
    if roots.is_empty() {
        return Err(broken());
    }
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let builder = ClientConfig::builder_with_provider(provider).with_safe_default_protocol_versions();
    Ok(builder.map_err(|_| broken())?.with_root_certificates(roots).with_no_client_auth())
}

/// What an error means for what was asked.
#[derive(Debug)]
pub(super) enum Failure {
    /// Nothing was done, and it may go the next time: a conflict with another transaction, a database that is away.
    /// Holds the database's own word for it.
    Again(String),
    /// The connection was lost: what was asked may have been done.
    Lost(String),
    /// It will not go.
    Fault(Fault),
}

impl From<Fault> for Failure {
    fn from(fault: Fault) -> Self {
        Failure::Fault(fault)
    }
}

impl From<PoolError> for Failure {
    fn from(error: PoolError) -> Self {
        match error {
            PoolError::Backend(error) => match Failure::from(error) {
                Failure::Lost(what) => Failure::Again(what),
                other => other,
            },
            PoolError::Timeout(_) => Failure::Again("no connection in time".into()),
            other => Failure::Again(other.to_string()),
        }
    }
}

impl From<tokio_postgres::Error> for Failure {
    fn from(error: tokio_postgres::Error) -> Self {
        let Some(state) = error.code() else { return Failure::Lost(error.to_string()) };
        // The code alone: a message may quote what was written.
        let what = format!("PostgreSQL says {}", state.code());
        // The last three: two that made the tables at once, each of which is a type as well.
        let again = [
            SqlState::T_R_SERIALIZATION_FAILURE,
            SqlState::T_R_DEADLOCK_DETECTED,
            SqlState::UNIQUE_VIOLATION,
            SqlState::DUPLICATE_TABLE,
            SqlState::DUPLICATE_OBJECT,
        ];
        let class = state.code().get(..2).unwrap_or_default();
        if again.contains(state) {
            Failure::Again(what)
        } else if *state == SqlState::T_R_STATEMENT_COMPLETION_UNKNOWN
            || *state == SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT
            || matches!(class, "08" | "57")
        {
            Failure::Lost(what)
        } else if matches!(class, "25" | "53" | "55" | "40") {
            // Out of space or connections, or a standby that has not been promoted yet.
            Failure::Again(what)
        } else {
            Failure::Fault(Fault::Broken(what))
        }
    }
}

/// Whether a connection is not to be used again after this.
pub(super) fn discard_if_lost<T>(connection: Object, result: Result<T, Failure>) -> Result<T, Failure> {
    if result.is_err() {
        // It may still be within a transaction.
        drop(Object::take(connection));
    }
    result
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_addresses_of_this_machine_are_local() {
        for (url, expected) in [
            ("postgresql://tasuki@localhost/tasuki", Some(true)),
            ("postgresql://tasuki@127.0.0.1:5433/tasuki", Some(true)),
            ("postgresql://tasuki@[::1]/tasuki", Some(true)),
            ("host=/run/postgresql user=tasuki", Some(true)),
            ("postgresql://tasuki@%2Frun%2Fpostgresql/tasuki", Some(true)),
            ("postgresql://tasuki@db.example/tasuki", Some(false)),
            ("postgresql://tasuki@localhost,db.example/tasuki", Some(false)),
            ("host=localhost hostaddr=192.0.2.1 user=tasuki", Some(false)),
            ("postgresql://tasuki@192.0.2.1/tasuki", Some(false)),
            ("user=tasuki", Some(false)),
            ("postgresql://tasuki:secret@localhost/tasuki", None),
            ("nonsense", None),
            ("", Some(false)),
        ] {
            assert_eq!(is_local(url), expected, "{url}");
        }
    }

    #[test]
    fn without_tls_another_machine_is_not_reached() {
        let settings = |url: &str, authorities: Option<&[u8]>| Settings {
            url: url.into(),
            password: Some(b"secret".to_vec()),
            authorities: authorities.map(<[u8]>::to_vec),
            connections_max: 1,
        };
        assert!(Pools::new(&settings("postgresql://tasuki@localhost/tasuki", None)).is_ok());
        for (url, authorities) in
            [("postgresql://tasuki@192.0.2.1/tasuki", None), ("postgresql://tasuki@192.0.2.1/tasuki", Some(&b"?"[..]))]
        {
            assert!(matches!(Pools::new(&settings(url, authorities)), Err(Fault::Broken(_))), "{url}");
        }
        assert!(!format!("{:?}", settings("postgresql://tasuki@localhost/tasuki", None)).contains("secret"));
    }
}
