//! Over TLS: a token that counts only over the certificate with which it was asked for (RFC 8705), and certificates that are
//! revoked while the gateway runs.

use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

use reqwest::blocking::Client;
use rustls_pki_types::PrivateKeyDer;
use rustls_pki_types::pem::PemObject;
use serde_json::Value;
use tasuki::api::{self, Listener};
use tasuki::app::Gateway;
use tasuki::auth::{Digest, Verifier};
use tasuki::config::Config;

use crate::authority::{Authority, Identity};
use crate::gateway::{self, NOW};
use crate::signer::{Signer, pairs, registered};
use crate::store;

struct World {
    folder: tempfile::TempDir,
    authority: Authority,
    address: SocketAddr,
    verifier: Arc<Verifier>,
    signer: Signer,
}

/// A gateway that listens with TLS; its thread ends with the test run.
fn world(more: &str, bound: Option<&dyn Fn(&Authority) -> Identity>) -> (World, Option<Identity>) {
    let (folder, authority, signer) = (tempfile::tempdir().unwrap(), Authority::new(), Signer::ec("k"));
    let server = authority.issue("localhost", 2090);
    for (name, text) in [
        ("server.pem", &server.certificate),
        ("server-key.pem", &server.key),
        ("ca.pem", &authority.pem),
        ("crl.pem", &authority.list(&[])),
    ] {
        std::fs::write(folder.path().join(name), text).unwrap();
    }
    let own = bound.map(|issue| issue(&authority));
    let keys = serde_json::json!({"keys": [signer.jwk()]});
    let binding = own.as_ref().map(|own| format!("\ncertificate_sha256 = \"{}\"", Digest::of(&own.der()).hex()));
    let client = registered("app", &format!("jwks = '{keys}'{}", binding.unwrap_or_default()));
    let text = format!(
        "listen = \"127.0.0.1:0\"\nbase_url = \"{}\"\n[store]\nengine = \"memory\"\n[tls]\ncertificate = \"server.pem\"\n\
         key = \"server-key.pem\"\nclient_ca = \"ca.pem\"\nclient_certificate = \"optional\"\n{more}\n{client}",
        gateway::BASE
    );
    let config = Config::read(&text, &folder.path().join("tasuki.toml"), NOW).unwrap();
    let gateway = Arc::new(Gateway::over(store(), &config, gateway::clock).unwrap());
    let listener = Listener {
        address: config.listen,
        tls: config.tls.clone(),
        body_bytes_max: 1 << 20,
        head_seconds_max: 5,
        connections_max: 64,
        workers: 1,
    };
    let (send, receive) = std::sync::mpsc::channel();
    std::thread::spawn(move || api::serve(gateway, listener, move |address| send.send(address).unwrap()));
    let address = receive.recv().unwrap();
    let verifier = config.verifier.clone().unwrap();
    (World { folder, authority, address, verifier, signer }, own)
}

impl World {
    fn client(&self, identity: Option<&Identity>) -> Client {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(rustls_pki_types::CertificateDer::from_pem_slice(self.authority.pem.as_bytes()).unwrap()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let config = rustls::ClientConfig::builder_with_provider(provider);
        let config = config.with_protocol_versions(&[&rustls::version::TLS13]).unwrap().with_root_certificates(roots);
        let config = match identity {
            None => config.with_no_client_auth(),
            Some(identity) => {
                let key = PrivateKeyDer::from_pem_slice(identity.key.as_bytes()).unwrap();
                config.with_client_auth_cert(vec![identity.der()], key).unwrap()
            }
        };
        Client::builder().tls_backend_preconfigured(config).no_proxy().build().unwrap()
    }

    fn url(&self, path: &str) -> String {
        format!("https://localhost:{}{path}", self.address.port())
    }

    fn ask(&self, client: &Client) -> (u16, Value) {
        let assertion = self.signer.sign(&self.signer.say("app"));
        let body: Vec<String> = pairs(&assertion, "system/Patient.rs")
            .into_iter()
            .map(|(name, value)| format!("{name}={}", crate::signer::encoded(value)))
            .collect();
        let request = client.post(self.url("/auth/token")).header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(body.join("&")).send().unwrap();
        (answer.status().as_u16(), answer.json().unwrap())
    }

    fn token(&self, client: &Client) -> String {
        let (status, json) = self.ask(client);
        assert_eq!(status, 200, "{json}");
        json["access_token"].as_str().unwrap().to_owned()
    }

    fn status(&self, client: &Client, token: &str) -> Result<u16, reqwest::Error> {
        client.get(self.url("/fhir/Patient")).bearer_auth(token).send().map(|answer| answer.status().as_u16())
    }

    fn revoke(&self, identities: &[&Identity]) {
        let path: &Path = self.folder.path();
        std::fs::write(path.join("crl.pem"), self.authority.list(identities)).unwrap();
        self.verifier.reload().unwrap();
    }
}

#[test]
fn a_token_counts_only_over_the_certificate_with_which_it_was_asked_for() {
    let (world, _) = world("", None);
    let (own, other) = (world.authority.issue("agency-a", 2090), world.authority.issue("agency-b", 2090));
    let [own, other, none] = [Some(&own), Some(&other), None].map(|identity| world.client(identity));
    let token = world.token(&own);
    let statuses = [&own, &other, &none].map(|client| world.status(client, &token).unwrap());
    assert_eq!(statuses, [200, 401, 401]);
    let free = world.token(&none);
    assert_eq!(
        [&own, &none].map(|client| world.status(client, &free).unwrap()),
        [200, 200],
        "it was asked for without one"
    );
}

#[test]
fn a_client_with_a_certificate_of_its_own_is_heard_over_that_one_alone() {
    let (world, own) = world("", Some(&|authority| authority.issue("agency-a", 2090)));
    let other = world.authority.issue("agency-b", 2090);
    let status = |identity: Option<&Identity>| world.ask(&world.client(identity)).0;
    assert_eq!([status(own.as_ref()), status(Some(&other)), status(None)], [200, 401, 401]);
}

#[test]
fn a_certificate_that_is_revoked_is_worth_nothing_from_the_next_request_on() {
    let (world, _) = world("crl = [\"crl.pem\"]", None);
    let (own, other) = (world.authority.issue("agency-a", 2090), world.authority.issue("agency-b", 2090));
    let (open, fine) = (world.client(Some(&own)), world.client(Some(&other)));
    let (token, stays) = (world.token(&open), world.token(&fine));
    assert_eq!((world.status(&open, &token).unwrap(), world.status(&fine, &stays).unwrap()), (200, 200));
    world.revoke(&[&own]);
    // The connection is open still; a new one does not come about, nor does one that takes up an earlier session.
    assert_eq!(world.status(&open, &token).unwrap(), 401);
    assert_eq!(world.ask(&open).0, 401);
    assert!(world.status(&world.client(Some(&own)), &token).is_err());
    assert_eq!(world.status(&fine, &stays).unwrap(), 200);
    // A list that cannot be used changes nothing.
    std::fs::write(world.folder.path().join("crl.pem"), "hello").unwrap();
    assert_eq!(world.verifier.reload().unwrap_err().rule.id, "tls-no-crl");
    assert_eq!((world.status(&open, &token).unwrap(), world.status(&fine, &stays).unwrap()), (401, 200));
}
