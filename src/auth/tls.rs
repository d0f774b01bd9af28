//! TLS as 安全管理ガイドライン 6.0 asks for it: 1.3 unless 1.2 is configured, client certificates, keys that fit.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rustls::crypto::ring;
use rustls::server::NoServerSessionStorage;
use rustls::version::{TLS12, TLS13};
use rustls::{RootCertStore, ServerConfig};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};

use super::certificate;
use super::revocation::Verifier;
use crate::fault::{IssueType, Rule, Severity};
use crate::fhir::time;

/// What is configured.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The server's certificate chain, PEM, its own first.
    pub certificate: PathBuf,
    /// Its private key, PEM.
    pub key: PathBuf,
    /// The authorities that issue clients' certificates, PEM.
    pub client_ca: Option<PathBuf>,
    /// Whether a client must show one.
    pub client_certificate: ClientCertificate,
    /// The oldest version spoken.
    pub minimum: Minimum,
    /// Revocation lists of the clients' authorities, PEM; with one, each authority of a certificate must have its own.
    pub crl: Vec<PathBuf>,
}

/// Whether clients show a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ClientCertificate {
    /// They are not asked.
    Off,
    /// They may; one that is shown must be valid.
    Optional,
    /// They must.
    Required,
}

/// The oldest version spoken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Minimum {
    /// TLS 1.2, forward secret AEAD suites only.
    Tls12,
    /// TLS 1.3.
    Tls13,
}

/// Why it cannot be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wrong {
    /// Which setting.
    pub key: &'static str,
    /// What is wrong with it.
    pub rule: &'static Rule,
    /// Filled into the sentence: a path, a date.
    pub detail: String,
}

/// The server side of TLS from its settings, as `HttpServer::bind_rustls_0_23` takes it; everything is checked here,
/// `now_ms` against the certificate's validity.
pub fn server_config(settings: &Settings, now_ms: i64) -> Result<ServerConfig, Wrong> {
    server_config_with(settings, Verifier::new(settings)?, now_ms)
}

/// The same with a verifier of clients' certificates that is kept, so that its revocation lists can be read again.
pub fn server_config_with(settings: &Settings, verifier: Arc<Verifier>, now_ms: i64) -> Result<ServerConfig, Wrong> {
    let provider = Arc::new(ring::default_provider());
    let chain = certificates("certificate", &settings.certificate)?;
    in_force(&chain, settings, now_ms)?;
    let key = read("key", &settings.key)?;
    let key = PrivateKeyDer::from_pem_slice(&key).map_err(|_| wrong("key", &NO_KEY, path(&settings.key)))?;
    let versions: &[_] = match settings.minimum {
        Minimum::Tls12 => &[&TLS13, &TLS12],
        Minimum::Tls13 => &[&TLS13],
    };
    let mut config = ServerConfig::builder_with_provider(provider)
        .with_protocol_versions(versions)
        .map_err(|error| wrong("minimum", &UNUSABLE, error.to_string()))?
        .with_client_cert_verifier(verifier)
        .with_single_cert(chain, key)
        .map_err(|error| match error {
            rustls::Error::InconsistentKeys(_) => wrong("key", &KEY_OF_ANOTHER, path(&settings.key)),
            rustls::Error::InvalidCertificate(_) => wrong("certificate", &NO_CERTIFICATE, path(&settings.certificate)),
            other => wrong("key", &UNUSABLE, other.to_string()),
        })?;
    if !settings.crl.is_empty() {
        // A session that is taken up again would not be held against lists that came since.
        config.session_storage = Arc::new(NoServerSessionStorage {});
        config.send_tls13_tickets = 0;
    }
    Ok(config)
}

/// The client side of TLS: the authority that issued the server's certificate, and the client's own certificate chain and
/// key, PEM all of them.
pub fn client_config(authority: &Path, own: Option<(&Path, &Path)>) -> Result<rustls::ClientConfig, Wrong> {
    const KEY: &str = "client_ca";
    let mut roots = RootCertStore::empty();
    for certificate in certificates(KEY, authority)? {
        roots.add(certificate).map_err(|_| wrong(KEY, &NO_CERTIFICATE, path(authority)))?;
    }
    let unusable = |error: rustls::Error| wrong("certificate", &UNUSABLE, error.to_string());
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[&TLS13, &TLS12])
        .map_err(unusable)?
        .with_root_certificates(roots);
    let Some((certificate, key)) = own else { return Ok(config.with_no_client_auth()) };
    let pem = read("key", key)?;
    let private = PrivateKeyDer::from_pem_slice(&pem).map_err(|_| wrong("key", &NO_KEY, path(key)))?;
    config.with_client_auth_cert(certificates("certificate", certificate)?, private).map_err(unusable)
}

fn in_force(chain: &[CertificateDer], settings: &Settings, now_ms: i64) -> Result<(), Wrong> {
    let unusable = || wrong("certificate", &NO_CERTIFICATE, path(&settings.certificate));
    let validity = chain.first().and_then(|own| certificate::validity(own)).ok_or_else(unusable)?;
    let day = |ms| time::instant(ms, 540).chars().take(10).collect::<String>();
    if now_ms >= validity.end {
        return Err(wrong("certificate", &EXPIRED, day(validity.end)));
    }
    if now_ms < validity.start {
        return Err(wrong("certificate", &NOT_YET, day(validity.start)));
    }
    Ok(())
}

pub(super) fn certificates(key: &'static str, file: &Path) -> Result<Vec<CertificateDer<'static>>, Wrong> {
    let pem = read(key, file)?;
    let all: Result<Vec<_>, _> = CertificateDer::pem_slice_iter(&pem).collect();
    all.ok().filter(|all| !all.is_empty()).ok_or_else(|| wrong(key, &NO_CERTIFICATE, path(file)))
}

pub(super) fn read(key: &'static str, file: &Path) -> Result<Vec<u8>, Wrong> {
    fs::read(file).map_err(|error| wrong(key, &NO_FILE, format!("{}: {error}", path(file))))
}

pub(super) fn path(file: &Path) -> String {
    file.display().to_string()
}

pub(super) fn wrong(key: &'static str, rule: &'static Rule, detail: String) -> Wrong {
    Wrong { key, rule, detail }
}

const fn rule(id: &'static str, en: &'static str, ja: &'static str) -> Rule {
    Rule { id, severity: Severity::Fatal, code: IssueType::Value, en, ja }
}

/// The file cannot be read.
pub static NO_FILE: Rule = rule(
    "tls-file",
    "this file cannot be read ({}); correct the path or the file's permissions.",
    "ファイルを読めません（{}）。パスと読み取り権限を確認してください。",
);
/// No certificate in it.
pub static NO_CERTIFICATE: Rule = rule(
    "tls-no-certificate",
    "{} holds no usable certificate; give a PEM file with -----BEGIN CERTIFICATE-----.",
    "{} に有効な形式の証明書がありません。PEM形式（-----BEGIN CERTIFICATE-----）のファイルを指定してください。",
);
/// No key in it.
pub static NO_KEY: Rule = rule(
    "tls-no-key",
    "{} holds no private key; give a PEM file with an unencrypted PKCS#8, PKCS#1 or SEC1 key.",
    "{} に秘密鍵がありません。暗号化されていないPEM形式（PKCS#8、PKCS#1、SEC1）の鍵を指定してください。",
);
/// The key is not the certificate's.
pub static KEY_OF_ANOTHER: Rule = rule(
    "tls-key-of-another",
    "{} is not the key of the certificate; give the key the certificate was requested with.",
    "{} は証明書と対になる秘密鍵ではありません。証明書の発行に使った鍵を指定してください。",
);
/// It has expired.
pub static EXPIRED: Rule = rule(
    "tls-expired",
    "the certificate expired on {}; renew it.",
    "証明書の有効期限が切れています（{}）。更新してください。",
);
/// It is not valid yet.
pub static NOT_YET: Rule = rule(
    "tls-not-yet",
    "the certificate is not valid before {}; check this machine's clock or wait.",
    "証明書は {} より前には使えません。このコンピューターの時計を確認してください。",
);
/// Client certificates are asked for and nobody issues them.
pub static NO_CLIENT_CA: Rule = rule(
    "tls-no-client-ca",
    "it is needed to check clients' certificates; name the PEM file of the authority that issues them, or set client_certificate = \"off\".",
    "クライアント証明書の検証に必要です。発行元の認証局のPEMファイルを指定するか、client_certificate = \"off\" としてください。",
);
/// No revocation list in it.
pub static NO_CRL: Rule = rule(
    "tls-no-crl",
    "{} holds no revocation list; give a PEM file with -----BEGIN X509 CRL-----.",
    "{} に失効リストがありません。PEM形式（-----BEGIN X509 CRL-----）のファイルを指定してください。",
);
/// rustls cannot use it.
pub static UNUSABLE: Rule = rule(
    "tls-unusable",
    "this cannot be used for TLS ({}); give another.",
    "TLSに使用できません（{}）。別のものを指定してください。",
);
