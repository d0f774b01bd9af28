//! `tasuki client` and `tasuki cert` as an operator uses them, beside a gateway that runs.

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use serde_json::json;

use crate::signer::{Signer, pairs};

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn tasuki(folder: &Path, arguments: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_tasuki")).current_dir(folder).args(arguments).output().unwrap()
}

fn said(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned() + &String::from_utf8_lossy(&output.stderr)
}

/// Waits until something is so, for ten seconds at most.
fn until(what: &str, mut is_so: impl FnMut() -> bool) {
    let begun = Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < Duration::from_secs(10), "{what}");
        std::thread::sleep(Duration::from_millis(100));
    }
}

#[test]
fn smart_07_a_client_is_registered_changed_and_taken_away_while_the_gateway_runs() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    std::fs::create_dir(at.join("clients.d")).unwrap();
    let text = "listen = \"127.0.0.1:0\"\nbase_url = \"http://gateway.example/fhir\"\nclients = \"clients.d\"\n[store]\nengine = \"memory\"\n";
    std::fs::write(at.join("tasuki.toml"), text).unwrap();
    let signer = Signer::ec("one");
    let write = |signers: &[&Signer]| keys_into(at, signers);
    write(&[&signer]);
    let (_running, address, log) = serve(at);
    let _ = rustls::crypto::ring::default_provider().install_default();
    let http = reqwest::blocking::Client::builder().no_proxy().build().unwrap();
    let ask = |signer: &Signer| {
        let mut said = signer.say("agency-app");
        let now = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_secs();
        said.claims["exp"] = json!(now + 60);
        said.claims["iat"] = json!(now);
        let assertion = signer.sign(&said);
        let body: Vec<String> = pairs(&assertion, "system/Patient.rs")
            .into_iter()
            .map(|(n, v)| format!("{n}={}", crate::signer::encoded(v)))
            .collect();
        let request = http
            .post(format!("http://{address}/auth/token"))
            .header("content-type", "application/x-www-form-urlencoded");
        let answer = request.body(body.join("&")).send().unwrap();
        let status = answer.status().as_u16();
        let json: serde_json::Value = answer.json().unwrap();
        (status, json["access_token"].as_str().unwrap_or_default().to_owned())
    };
    assert_eq!(ask(&signer).0, 401);
    let add = [
        "client",
        "add",
        "agency-app",
        "--organization",
        "Organization/agency-a",
        "--jwks",
        "jwks.json",
        "--scope",
        "system/Patient.rs",
    ];
    let output = tasuki(at, &add);
    assert!(output.status.success(), "{}", said(&output));
    until("the client is taken up", || ask(&signer).0 == 200);
    let token = ask(&signer).1;
    let status = |token: &str| {
        http.get(format!("http://{address}/fhir/Patient")).bearer_auth(token).send().unwrap().status().as_u16()
    };
    assert_eq!(status(&token), 200);
    assert_eq!(tasuki(at, &add).status.code(), Some(65), "it is there already");
    let list = said(&tasuki(at, &["client", "list"]));
    assert!(list.contains("agency-app  Organization/agency-a  care  keys one  system/Patient.rs"), "{list}");
    // New keys beside the old ones, then alone.
    let new = Signer::ec("two");
    write(&[&new]);
    assert!(tasuki(at, &["client", "rotate", "agency-app", "--jwks", "jwks.json", "--keep"]).status.success());
    until("both keys count", || ask(&new).0 == 200 && ask(&signer).0 == 200);
    assert_eq!(status(&token), 401, "tokens of before are gone");
    assert!(tasuki(at, &["client", "rotate", "agency-app", "--jwks", "jwks.json"]).status.success());
    until("the old key counts no more", || ask(&signer).0 == 401);
    let token = ask(&new).1;
    assert_eq!(status(&token), 200);
    assert!(tasuki(at, &["client", "revoke", "agency-app"]).status.success());
    until("the client is gone", || status(&token) == 401);
    assert_eq!(ask(&new).0, 401);
    assert!(!said(&tasuki(at, &["client", "list"])).contains("agency-app"));
    assert_eq!(tasuki(at, &["client", "revoke", "agency-app"]).status.code(), Some(66));
    // SMART-07: the log says why somebody was refused, and neither tokens nor assertions.
    let log = log.lock().unwrap();
    assert!(log.contains("why=UnknownClient") && log.contains("clients taken up"), "{log}");
    assert!(!log.contains("tasuki_") && !log.contains("eyJ") && !log.contains(&token), "{log}");
}

/// Writes the public keys of signers into a folder.
fn keys_into(folder: &Path, signers: &[&Signer]) {
    let keys: Vec<_> = signers.iter().map(|signer| signer.jwk()).collect();
    std::fs::write(folder.join("jwks.json"), json!({"keys": keys}).to_string()).unwrap();
}

/// A gateway that runs in a folder, where it listens, and what it logs.
fn serve(folder: &Path) -> (Running, String, Arc<Mutex<String>>) {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tasuki"));
    command.current_dir(folder).args(["serve", "--config", "tasuki.toml"]).env("RUST_LOG", "info").env("NO_COLOR", "1");
    let mut running = Running(command.stderr(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap());
    let mut lines = BufReader::new(running.0.stderr.take().unwrap()).lines();
    let address = loop {
        let line = lines.next().unwrap().unwrap();
        if let Some((_, rest)) = line.split_once("address=") {
            break strip(rest);
        }
    };
    let log = Arc::new(Mutex::new(String::new()));
    let kept = log.clone();
    std::thread::spawn(move || lines.map_while(Result::ok).for_each(|line| kept.lock().unwrap().push_str(&line)));
    (running, address, log)
}

/// An address as a log line has it, without what a terminal would colour it by.
fn strip(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_digit() || matches!(c, '.' | ':')).collect()
}

#[test]
fn what_cannot_be_a_client_is_not_written() {
    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let text = "listen = \"127.0.0.1:0\"\nbase_url = \"http://gateway.example/fhir\"\n[store]\nengine = \"memory\"\n";
    std::fs::write(at.join("tasuki.toml"), text).unwrap();
    let organization = ["--organization", "Organization/a"];
    let add = |more: &[&str]| tasuki(at, &[&["client", "add"][..], more].concat()).status.code();
    assert_eq!(add(&[&["a", "--token"][..], &organization].concat()), Some(78), "there is no folder");
    std::fs::create_dir(at.join("clients.d")).unwrap();
    std::fs::write(at.join("tasuki.toml"), format!("clients = \"clients.d\"\n{text}")).unwrap();
    for wrong in [
        &["../a", "--token", "--organization", "Organization/a"][..],
        &["a", "--token", "--organization", "agency-a"],
        &["a", "--token", "--organization", "Organization/a", "--role", "admin"],
        &["a", "--token", "--organization", "Organization/a", "--scope", "patient/*.rs"],
        &["a", "--jwks-uri", "http://a.example/jwks", "--organization", "Organization/a"],
        &["a", "--jwks", "tasuki.toml", "--organization", "Organization/a"],
    ] {
        assert_eq!(add(wrong), Some(65), "{wrong:?}");
    }
    assert_eq!(std::fs::read_dir(at.join("clients.d")).unwrap().count(), 0);
    let made = tasuki(at, &["client", "add", "a", "--token", "--organization", "Organization/a"]);
    let token = said(&made).split_whitespace().last().unwrap().to_owned();
    let kept = std::fs::read_to_string(at.join("clients.d/a.toml")).unwrap();
    assert!(made.status.success() && token.starts_with("tasuki_") && !kept.contains(&token));
}

#[cfg(feature = "cert")]
#[test]
fn an_authority_issues_and_revokes() {
    use rustls_pki_types::pem::PemObject;
    use rustls_pki_types::{CertificateDer, UnixTime};
    use tasuki::auth::Verifier;
    use tasuki::auth::tls::{ClientCertificate, Minimum, Settings};

    let folder = tempfile::tempdir().unwrap();
    let at = folder.path();
    let run = |arguments: &[&str]| {
        let output = tasuki(at, &[&["cert", "--folder", "ca"][..], arguments].concat());
        assert!(output.status.success(), "{arguments:?}: {}", said(&output));
        said(&output)
    };
    run(&["authority"]);
    let issued = run(&["issue", "agency-a"]);
    run(&["issue", "agency-b"]);
    run(&["issue", "localhost"]);
    let file = |name: &str| at.join("ca").join(name);
    let der = |name: &str| CertificateDer::from_pem_slice(&std::fs::read(file(name)).unwrap()).unwrap();
    assert!(issued.contains(&tasuki::auth::Digest::of(&der("agency-a.pem")).hex()));
    let settings = Settings {
        certificate: file("localhost.pem"),
        key: file("localhost-key.pem"),
        client_ca: Some(file("ca.pem")),
        client_certificate: ClientCertificate::Required,
        minimum: Minimum::Tls13,
        crl: vec![file("crl.pem")],
    };
    let verifier = Verifier::new(&settings).unwrap();
    assert!(tasuki::auth::tls::server_config(&settings, jiff::Timestamp::now().as_millisecond()).is_ok());
    let good = |name: &str| {
        use rustls::server::danger::ClientCertVerifier;
        verifier.verify_client_cert(&der(name), &[], UnixTime::now()).is_ok()
    };
    assert!(good("agency-a.pem") && good("agency-b.pem"));
    run(&["revoke", "agency-a"]);
    verifier.reload().unwrap();
    assert!(!good("agency-a.pem") && good("agency-b.pem"));
    assert!(!tasuki(at, &["cert", "--folder", "ca", "authority"]).status.success(), "no second one over the first");
    assert!(!tasuki(at, &["cert", "--folder", "ca", "issue", "../x"]).status.success());
}
