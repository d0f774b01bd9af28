//! Kill -9 in the middle of large transactions, again and again: after each restart a transaction is there whole or not at
//! all, and whole where it was answered (checklist TXN-16).
//!
//! `TASUKI_KILLS` says how often (default 4).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

mod program;

use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use program::tasuki;
use serde_json::{Value, json};

/// Patients of one transaction, each with an Observation: as many records as that are written together.
const PATIENTS: usize = 300;

struct Serving {
    child: Child,
    base: String,
}

impl Serving {
    fn start(config: &Path) -> Serving {
        let mut child = Command::new(env!("CARGO_BIN_EXE_tasuki"))
            .args(["serve", "--open", "--config", config.to_str().unwrap()])
            .env("RUST_LOG", "info")
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program runs");
        let mut lines = BufReader::new(child.stderr.take().expect("piped")).lines();
        let base = loop {
            let line = lines.next().expect("it listens before it ends").expect("readable");
            let address =
                line.split_whitespace().find_map(|word| word.find("127.0.0.1:").map(|at| word[at..].to_owned()));
            if let Some(address) = address {
                let end = address.find(|c: char| !c.is_ascii_digit() && c != '.' && c != ':').unwrap_or(address.len());
                break format!("http://{}/fhir", address[..end].trim_end_matches('.'));
            }
        };
        std::thread::spawn(move || lines.for_each(drop));
        Serving { child, base }
    }

    fn kill(mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn client() -> reqwest::blocking::Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    reqwest::blocking::Client::builder().timeout(Duration::from_secs(60)).build().expect("a client")
}

fn transaction(round: usize) -> Value {
    let entry = |method: &str, url: String, resource: Value| json!({"request": {"method": method, "url": url}, "resource": resource});
    let mut entries = Vec::new();
    for n in 0..PATIENTS {
        let id = format!("r{round}n{n}");
        entries.push(entry(
            "PUT",
            format!("Patient/{id}"),
            json!({"resourceType": "Patient", "id": id, "name": [{"family": "見本"}],
            "identifier": [{"system": "urn:test", "value": format!("round-{round}")}]}),
        ));
        entries.push(entry(
            "POST",
            "Observation".into(),
            json!({"resourceType": "Observation", "status": "final",
            "identifier": [{"system": "urn:test", "value": format!("round-{round}")}],
            "code": {"text": "x"}, "subject": {"reference": format!("Patient/{id}")}}),
        ));
    }
    json!({"resourceType": "Bundle", "type": "transaction", "entry": entries})
}

fn total(serving: &Serving, of: &str, round: usize) -> usize {
    let url = format!("{}/{of}?identifier=urn:test|round-{round}&_summary=count", serving.base);
    let answer = client().get(url).send().expect("an answer").text().expect("text");
    let found: Value = serde_json::from_str(&answer).expect("JSON");
    found["total"].as_u64().unwrap_or_else(|| panic!("no total: {found}")) as usize
}

#[test]
fn a_transaction_that_was_killed_is_whole_or_not_there() {
    let kills: usize = std::env::var("TASUKI_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(4);
    let folder = tempfile::tempdir().expect("a folder");
    let (store, config) = (folder.path().join("store"), folder.path().join("tasuki.toml"));
    let text = format!(
        "listen = \"127.0.0.1:0\"\nbase_url = \"http://gateway.example/fhir\"\n[store]\nengine = \"sled\"\npath = {store:?}\n"
    );
    std::fs::write(&config, text).expect("writable");
    let (mut answered, mut whole) = (0, 0);
    for round in 0..kills {
        let serving = Serving::start(&config);
        let (url, body) = (serving.base.clone(), transaction(round).to_string());
        let sending = std::thread::spawn(move || {
            let sent = client().post(url).header("Content-Type", "application/fhir+json").body(body).send();
            sent.is_ok_and(|answer| answer.status().as_u16() == 200)
        });
        // Spread over the time a transaction takes, from its reading to its answer.
        std::thread::sleep(Duration::from_millis(40 + (round as u64 * 173) % 1200));
        serving.kill();
        let was_answered = sending.join().expect("the sender ends");
        let verify = tasuki(&["verify", "--store", store.to_str().unwrap()]);
        assert!(verify.status.success(), "TXN-16 {}", String::from_utf8_lossy(&verify.stdout));
        let again = Serving::start(&config);
        let found = (total(&again, "Patient", round), total(&again, "Observation", round));
        again.kill();
        assert!(matches!(found, (0, 0) | (PATIENTS, PATIENTS)), "TXN-16 round {round}: {found:?}");
        assert!(!was_answered || found.0 == PATIENTS, "TXN-16 round {round}: answered, and gone");
        answered += usize::from(was_answered);
        whole += usize::from(found.0 == PATIENTS);
    }
    println!("{kills} kills, {answered} transactions answered before, {whole} there afterwards");
}
