//! Clients' certificates held against the revocation lists of their authorities (RFC 5280 section 5), which are read again
//! without a restart: for new connections in the handshake, for those that are open at their next request.

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use rustls::client::danger::HandshakeSignatureValid;
use rustls::crypto::ring;
use rustls::server::WebPkiClientVerifier;
use rustls::server::danger::{ClientCertVerified, ClientCertVerifier};
use rustls::{DigitallySignedStruct, DistinguishedName, Error, RootCertStore, SignatureScheme};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, CertificateRevocationListDer, UnixTime};

use super::tls::{ClientCertificate, NO_CERTIFICATE, NO_CLIENT_CA, NO_CRL, Settings, UNUSABLE, Wrong};
use super::tls::{certificates, path, read, wrong};

/// What clients' certificates are verified by.
pub struct Verifier {
    settings: Settings,
    /// The names of the authorities, which do not change.
    hints: Vec<DistinguishedName>,
    inner: RwLock<Arc<dyn ClientCertVerifier>>,
    /// How often lists were taken up, from 1.
    epoch: AtomicU64,
}

/// The certificates that a client showed when it connected, and whether they still count.
#[derive(Debug)]
pub struct Chain {
    certificates: Vec<CertificateDer<'static>>,
    /// The epoch of the last judgement twice, and one more where it was good.
    judged: AtomicU64,
}

impl Verifier {
    /// Of settings; everything is read now.
    pub fn new(settings: &Settings) -> Result<Arc<Self>, Wrong> {
        let inner = verifier(settings)?;
        // Where no certificate is asked for there is nobody to name.
        let hints = match settings.client_certificate {
            ClientCertificate::Off => Vec::new(),
            ClientCertificate::Optional | ClientCertificate::Required => inner.root_hint_subjects().to_vec(),
        };
        let (inner, epoch) = (RwLock::new(inner), AtomicU64::new(1));
        Ok(Arc::new(Verifier { settings: settings.clone(), hints, inner, epoch }))
    }

    /// Whether there are lists to be read again.
    pub fn has_lists(&self) -> bool {
        !self.settings.crl.is_empty() && self.settings.client_certificate != ClientCertificate::Off
    }

    /// The files of the lists.
    pub fn lists(&self) -> &[std::path::PathBuf] {
        &self.settings.crl
    }

    /// Reads the lists again and puts them in force; when one cannot be used everything stays as it was.
    pub fn reload(&self) -> Result<(), Wrong> {
        let new = verifier(&self.settings)?;
        *self.inner.write().unwrap_or_else(PoisonError::into_inner) = new;
        self.epoch.fetch_add(1, Ordering::Release);
        Ok(())
    }

    /// Whether certificates that were good when a connection began are so by the lists of now (milliseconds since 1970).
    pub fn accepts(&self, chain: &Chain, now_ms: i64) -> bool {
        if !self.has_lists() {
            return true;
        }
        let epoch = self.epoch.load(Ordering::Acquire);
        let judged = chain.judged.load(Ordering::Relaxed);
        if judged / 2 == epoch {
            return judged % 2 == 1;
        }
        let now = UnixTime::since_unix_epoch(Duration::from_millis(u64::try_from(now_ms).unwrap_or(0)));
        let good = chain
            .certificates
            .split_first()
            .is_some_and(|(own, others)| self.inner().verify_client_cert(own, others, now).is_ok());
        chain.judged.store(epoch * 2 + u64::from(good), Ordering::Relaxed);
        good
    }

    fn inner(&self) -> Arc<dyn ClientCertVerifier> {
        self.inner.read().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

impl Chain {
    /// As DER, the peer's own first; not judged yet.
    pub fn of_der(certificates: &[Vec<u8>]) -> Self {
        Chain::new(certificates.iter().map(|der| CertificateDer::from(der.clone())).collect())
    }

    /// As a client showed it, its own certificate first; not judged yet.
    pub fn new(certificates: Vec<CertificateDer<'static>>) -> Self {
        Chain { certificates, judged: AtomicU64::new(0) }
    }
}

impl fmt::Debug for Verifier {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Verifier").field("lists", &self.settings.crl).finish_non_exhaustive()
    }
}

impl ClientCertVerifier for Verifier {
    fn offer_client_auth(&self) -> bool {
        self.inner().offer_client_auth()
    }

    fn client_auth_mandatory(&self) -> bool {
        self.inner().client_auth_mandatory()
    }

    fn root_hint_subjects(&self) -> &[DistinguishedName] {
        &self.hints
    }

    fn verify_client_cert(
        &self,
        own: &CertificateDer<'_>,
        others: &[CertificateDer<'_>],
        now: UnixTime,
    ) -> Result<ClientCertVerified, Error> {
        self.inner().verify_client_cert(own, others, now)
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner().verify_tls12_signature(message, certificate, signature)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        certificate: &CertificateDer<'_>,
        signature: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, Error> {
        self.inner().verify_tls13_signature(message, certificate, signature)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner().supported_verify_schemes()
    }
}

fn verifier(settings: &Settings) -> Result<Arc<dyn ClientCertVerifier>, Wrong> {
    const KEY: &str = "client_ca";
    if settings.client_certificate == ClientCertificate::Off {
        return Ok(WebPkiClientVerifier::no_client_auth());
    }
    let file = settings.client_ca.as_ref().ok_or_else(|| wrong(KEY, &NO_CLIENT_CA, String::new()))?;
    let mut roots = RootCertStore::empty();
    for authority in certificates(KEY, file)? {
        roots.add(authority).map_err(|_| wrong(KEY, &NO_CERTIFICATE, path(file)))?;
    }
    let provider = Arc::new(ring::default_provider());
    let builder = WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
    let builder = match settings.client_certificate {
        ClientCertificate::Required => builder,
        ClientCertificate::Optional | ClientCertificate::Off => builder.allow_unauthenticated(),
    };
    let mut lists = Vec::new();
    for file in &settings.crl {
        let pem = read("crl", file)?;
        let all: Result<Vec<_>, _> = CertificateRevocationListDer::pem_slice_iter(&pem).collect();
        let all = all.ok().filter(|all| !all.is_empty()).ok_or_else(|| wrong("crl", &NO_CRL, path(file)))?;
        lists.extend(all);
    }
    let key = if lists.is_empty() { KEY } else { "crl" };
    builder.with_crls(lists).build().map_err(|error| wrong(key, &UNUSABLE, error.to_string()))
}
