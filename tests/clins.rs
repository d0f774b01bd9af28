//! What a hospital's system posts as JP-CLINS is read back as it was sent, over plain HTTP and over TLS with a client
//! certificate; and a configuration mistake is told before anything listens.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)]

mod program;

use std::io::{BufRead, BufReader};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};

use program::{corpora, example, read};
use rcgen::{BasicConstraints, CertificateParams, IsCa, Issuer, KeyPair};
use reqwest::blocking::{Client, Response};
use rustls_pki_types::pem::PemObject;
use rustls_pki_types::{CertificateDer, PrivateKeyDer};
use serde_json::Value;
use tasuki::auth::Digest;

/// The facility of the examples of JP-CLINS, and that of ours; both belong to one organisation here.
const FACILITIES: [&str; 2] = ["1318814790", "0119999901"];

struct Running {
    child: Child,
    base: String,
    log: Arc<Mutex<String>>,
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = Command::new("kill").args(["-INT", &self.child.id().to_string()]).status();
        let _ = self.child.wait();
    }
}

fn config(tls: &str, bound: Option<&Digest>) -> String {
    let mut text = "listen = \"127.0.0.1:0\"\nbase_url = \"https://localhost/fhir\"\n".to_owned();
    text += &format!("[store]\nengine = \"memory\"\n{tls}");
    for facility in FACILITIES {
        text += &format!("[[source]]\nfacility = \"{facility}\"\nname = \"x\"\norganization = \"Organization/h\"\n");
    }
    let digest = Digest::of(b"secret").hex();
    text += &format!(
        "[[client]]\nid = \"h\"\norganization = \"Organization/h\"\nrole = \"source\"\ntoken_sha256 = \"{digest}\"\n"
    );
    text + &bound.map_or(String::new(), |bound| format!("certificate_sha256 = \"{}\"\n", bound.hex()))
}

fn serve(folder: &Path, text: &str) -> Running {
    let file = folder.join("tasuki.toml");
    std::fs::write(&file, text).unwrap();
    let mut child = Command::new(env!("CARGO_BIN_EXE_tasuki"))
        .args(["serve", "--config", file.to_str().unwrap()])
        .envs([("NO_COLOR", "1"), ("RUST_LOG", "trace")])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut lines = BufReader::new(child.stderr.take().unwrap()).lines();
    let address = lines.find_map(|line| line.unwrap().split_once("address=").map(|(_, rest)| rest.trim().to_owned()));
    // The rest must be read, or the program would wait for us.
    let log = Arc::new(Mutex::new(String::new()));
    let kept = log.clone();
    std::thread::spawn(move || lines.for_each(|line| *kept.lock().unwrap() += &line.unwrap()));
    let scheme = if text.contains("[tls]") { "https" } else { "http" };
    let port = address.expect("it listens").rsplit(':').next().unwrap().to_owned();
    Running { child, base: format!("{scheme}://localhost:{port}/fhir"), log }
}

fn post(client: &Client, base: &str, body: &str) -> Response {
    let request = client.post(format!("{base}/Bundle")).bearer_auth("secret");
    request.header("Content-Type", "application/fhir+json").body(body.to_owned()).send().unwrap()
}

/// Posts a Bundle, reads it back, posts it again.
fn there_and_back(client: &Client, running: &Running, name: &str, sent: &str) {
    let location = |response: &Response| {
        let location = response.headers().get("location").unwrap_or_else(|| panic!("{name}: no Location"));
        location.to_str().unwrap().replace("https://localhost/fhir", &running.base)
    };
    let created = post(client, &running.base, sent);
    assert_eq!(created.status(), 201, "{name}: {}", created.text().unwrap());
    let place = location(&created);
    let back = || client.get(&place).bearer_auth("secret").send().unwrap();
    let first = back();
    assert_eq!(first.status(), 200, "{name}");
    let (etag, first) = (first.headers()["etag"].clone(), first.text().unwrap());
    assert_eq!(bare(&first), bare(sent), "{name}: what is read is what was sent");
    let again = post(client, &running.base, sent);
    assert_eq!((again.status().as_u16(), location(&again)), (200, place.clone()), "{name}");
    // Not the same letter, but the same Bundle: other white space.
    let spaced = post(client, &running.base, &format!("\n{sent}\n"));
    assert_eq!((spaced.status().is_success(), location(&spaced)), (true, place.clone()), "{name}");
    let second = back();
    assert_eq!(
        (second.headers()["etag"].clone(), second.text().unwrap()),
        (etag, first),
        "{name}: nothing has changed"
    );
}

/// Without what is the server's; numbers as text, so that 1.00 is not 1.0.
fn bare(text: &str) -> Value {
    let mut value: Value = serde_json::from_str(text).unwrap();
    let object = value.as_object_mut().unwrap();
    object.shift_remove("id");
    let meta = object.get_mut("meta").and_then(Value::as_object_mut).map(|meta| {
        meta.shift_remove("versionId");
        meta.shift_remove("lastUpdated");
        meta.is_empty()
    });
    if meta == Some(true) {
        object.shift_remove("meta");
    }
    value
}

fn bundles() -> Vec<PathBuf> {
    let mut files: Vec<PathBuf> = listed(&example("documents"));
    if let Some(corpora) = corpora() {
        files.extend(listed(&corpora.join("fhir/jp-clins-1.5.2-ExampleJson")));
    }
    files.retain(|file| read(file).contains("\"Bundle\""));
    files
}

fn listed(folder: &Path) -> Vec<PathBuf> {
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().flatten().map(|entry| entry.path()).collect();
    files.retain(|file| file.extension().is_some_and(|extension| extension == "json"));
    files.sort();
    files
}

#[test]
fn every_bundle_is_read_back_as_it_was_sent() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let folder = tempfile::tempdir().unwrap();
    let running = serve(folder.path(), &config("", None));
    let client = Client::builder().no_proxy().build().unwrap();
    let files = bundles();
    for file in &files {
        there_and_back(&client, &running, &file.display().to_string(), &read(file));
    }
    println!("{} Bundles", files.len());
    assert!(files.len() >= 4);
}

#[test]
fn over_tls_a_client_without_its_certificate_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let mut params = CertificateParams::new(Vec::new()).unwrap();
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    let key = KeyPair::generate().unwrap();
    let authority = params.self_signed(&key).unwrap().pem();
    let issuer = Issuer::new(params, key);
    let issue = |name: &str| {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().signed_by(&key, &issuer).unwrap();
        (certificate.pem(), key.serialize_pem())
    };
    let [server, own, other] = ["localhost", "h", "h"].map(issue);
    let files = [("server.pem", &server.0), ("key.pem", &server.1), ("ca.pem", &authority)];
    files.iter().for_each(|(name, text)| std::fs::write(folder.path().join(name), text).unwrap());
    let tls = "[tls]\ncertificate = \"server.pem\"\nkey = \"key.pem\"\nclient_ca = \"ca.pem\"\nclient_certificate = \"optional\"\n";
    let der = |pem: &str| CertificateDer::from_pem_slice(pem.as_bytes()).unwrap();
    let running = serve(folder.path(), &config(tls, Some(&Digest::of(&der(&own.0)))));
    let client = |identity: Option<&(String, String)>| {
        let mut roots = rustls::RootCertStore::empty();
        roots.add(der(&authority)).unwrap();
        let config = rustls::ClientConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_protocol_versions(&[&rustls::version::TLS13])
            .unwrap()
            .with_root_certificates(roots);
        let config = match identity {
            None => config.with_no_client_auth(),
            Some((certificate, key)) => config
                .with_client_auth_cert(vec![der(certificate)], PrivateKeyDer::from_pem_slice(key.as_bytes()).unwrap())
                .unwrap(),
        };
        Client::builder().tls_backend_preconfigured(config).no_proxy().build().unwrap()
    };
    let sent = read(&example("documents/referral.json"));
    there_and_back(&client(Some(&own)), &running, "referral", &sent);
    for identity in [None, Some(&other)] {
        assert_eq!(post(&client(identity), &running.base, &sent).status(), 401);
    }
    let log = running.log.lock().unwrap().clone();
    for word in ["secret", "0000000001", "襷"] {
        assert!(!log.contains(word), "with everything logged, the log says {word}: {log}");
    }
}

#[test]
fn a_mistake_in_the_configuration_is_one_sentence_and_78() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("tasuki.toml");
    let right = config("", None);
    for (from, to) in [
        ("listen = \"127.0.0.1:0\"", "listen = \"0.0.0.0:0\""),
        ("engine = \"memory\"", "engine = \"paper\""),
        ("role = \"source\"", "role = \"king\""),
        ("[[client]]", "[[clients]]"),
        ("1318814790", "9918814790"),
    ] {
        assert!(right.contains(from));
        std::fs::write(&file, right.replace(from, to)).unwrap();
        for more in [&[][..], &["--check"]] {
            let arguments = ["serve", "--config", file.to_str().unwrap()];
            let output = Command::new(env!("CARGO_BIN_EXE_tasuki")).args(arguments).args(more).output().unwrap();
            let said = String::from_utf8(output.stderr).unwrap();
            assert_eq!((output.status.code(), said.lines().count()), (Some(78), 1), "{to}: {said}");
            assert!(said.contains("tasuki.toml") && !said.contains("listening"), "{to}: {said}");
        }
    }
    assert_eq!(program::tasuki(&["serve", "--config", "/nowhere/tasuki.toml"]).status.code(), Some(78));
}
