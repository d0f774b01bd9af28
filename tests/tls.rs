//! TLS on the wire: versions, client certificates, and a token that counts only over its own certificate.
#![allow(clippy::unwrap_used)]

mod authority;

use std::net::{SocketAddr, TcpListener};
use std::path::Path;
use std::sync::Arc;

use actix_web::{App, HttpRequest, HttpServer, web};
use authority::{Authority, Identity};
use rustls::crypto::ring;
use rustls::version::{TLS12, TLS13};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use tasuki::auth::tls::{ClientCertificate, Minimum, Settings, server_config};
use tasuki::auth::{Client, Digest, PeerCertificate, Registry, certificate};
use tasuki::consent::{Caller, Role};

/// 2026-11-21T00:00:00Z
const NOW_MS: i64 = 1_795_219_200_000;

/// A gateway that answers who is calling. Its thread ends with the test run.
fn serve(
    authority: &Authority,
    bound: &Identity,
    client_certificate: ClientCertificate,
    minimum: Minimum,
) -> SocketAddr {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, text: &str| {
        std::fs::write(folder.path().join(name), text).unwrap();
        folder.path().join(name)
    };
    let server = authority.issue("localhost", 2090);
    let settings = Settings {
        certificate: write("server.pem", &server.certificate),
        key: write("server-key.pem", &server.key),
        client_ca: Some(write("ca.pem", &authority.pem)),
        client_certificate,
        minimum,
        crl: Vec::new(),
    };
    let config = server_config(&settings, NOW_MS).unwrap();
    let client = |id: &str, certificate| {
        let caller = Caller::new(id, "", Role::Care);
        let token = Some(Digest::of(id.as_bytes()));
        Client { caller: caller.into(), token, keys: None, scopes: Vec::new(), certificate }
    };
    let registry = Registry::new([client("free", None), client("bound", Some(Digest::of(&bound.der())))]);
    let registry = web::Data::new(registry);
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    std::thread::spawn(move || {
        let app = move || App::new().app_data(registry.clone()).route("/", web::get().to(who));
        let server = HttpServer::new(app).workers(1).on_connect(certificate::remember);
        let server = server.listen_rustls_0_23(listener, config).unwrap();
        actix_web::rt::System::new().block_on(server.run())
    });
    address
}

async fn who(request: HttpRequest, registry: web::Data<Registry>) -> String {
    let header = request.headers().get("authorization").and_then(|value| value.to_str().ok());
    match registry.caller(header, request.conn_data::<PeerCertificate>(), NOW_MS) {
        Ok(caller) => caller.client.clone(),
        Err(denied) => format!("{denied:?}"),
    }
}

/// What a client with this token, certificate and TLS version is told; an error when the handshake fails.
fn ask(
    address: SocketAddr,
    authority: &Authority,
    identity: Option<&Identity>,
    token: &str,
    version: &'static rustls::SupportedProtocolVersion,
) -> Result<String, reqwest::Error> {
    let mut roots = rustls::RootCertStore::empty();
    roots.add(CertificateDer::from_pem_slice(authority.pem.as_bytes()).unwrap()).unwrap();
    let config = rustls::ClientConfig::builder_with_provider(Arc::new(ring::default_provider()))
        .with_protocol_versions(&[version])
        .unwrap()
        .with_root_certificates(roots);
    let config = match identity {
        None => config.with_no_client_auth(),
        Some(identity) => {
            let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
            config.with_client_auth_cert(vec![identity.der()], key).unwrap()
        }
    };
    let client = reqwest::blocking::Client::builder().tls_backend_preconfigured(config).no_proxy().build().unwrap();
    let url = format!("https://localhost:{}/", address.port());
    client.get(url).bearer_auth(token).send()?.text()
}

#[test]
fn a_stolen_token_is_worth_nothing_without_its_certificate() {
    let authority = Authority::new();
    let (own, other) = (authority.issue("agency-a", 2090), authority.issue("agency-b", 2090));
    let address = serve(&authority, &own, ClientCertificate::Optional, Minimum::Tls13);
    let ask = |identity, token| ask(address, &authority, identity, token, &TLS13).unwrap();
    assert_eq!(ask(Some(&own), "bound"), "bound");
    assert_eq!(ask(Some(&other), "bound"), "UnknownCaller");
    assert_eq!(ask(None, "bound"), "UnknownCaller");
    assert_eq!(ask(None, "free"), "free");
    assert_eq!(ask(Some(&own), "nobody"), "UnknownCaller");
}

#[test]
fn a_certificate_that_is_required_must_be_a_good_one() {
    let authority = Authority::new();
    let own = authority.issue("agency-a", 2090);
    let address = serve(&authority, &own, ClientCertificate::Required, Minimum::Tls13);
    let ask = |identity| ask(address, &authority, identity, "free", &TLS13);
    let (expired, strange) = (authority.issue("agency-a", 2021), Authority::new().issue("agency-a", 2090));
    assert_eq!(ask(Some(&own)).unwrap(), "free");
    assert!(ask(None).is_err());
    assert!(ask(Some(&expired)).is_err());
    assert!(ask(Some(&strange)).is_err());
}

#[test]
fn tls_1_2_is_spoken_only_where_it_is_configured() {
    let authority = Authority::new();
    let own = authority.issue("agency-a", 2090);
    for (minimum, spoken) in [(Minimum::Tls13, false), (Minimum::Tls12, true)] {
        let address = serve(&authority, &own, ClientCertificate::Optional, minimum);
        assert_eq!(ask(address, &authority, Some(&own), "bound", &TLS12).is_ok(), spoken, "{minimum:?}");
        assert!(ask(address, &authority, Some(&own), "bound", &TLS13).is_ok(), "{minimum:?}");
    }
}

#[test]
fn settings_are_checked_before_anything_listens() {
    let settings = Settings {
        certificate: Path::new("nowhere.pem").into(),
        key: Path::new("nowhere.pem").into(),
        client_ca: None,
        client_certificate: ClientCertificate::Off,
        minimum: Minimum::Tls13,
        crl: Vec::new(),
    };
    assert_eq!(server_config(&settings, NOW_MS).unwrap_err().rule.id, "tls-file");
}
