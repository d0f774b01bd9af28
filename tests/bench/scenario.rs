//! The scenarios: what is done, how often, and what it is measured beside.

use std::hint::black_box;
use std::path::Path;
use std::time::Instant;

use serde_json::{Value, json};
use tasuki::fhir::{FacilityCode, PatientKey};
use tasuki::letter::Letter;
use tasuki::map::{Change, Known};
use tasuki::pipeline::{Pipeline, translate};
use tasuki::store::Store;

use super::Figure;
use super::load::{self, Load};
use super::server::Server;
use super::{consents, hospital, rest};

/// Name and function of every scenario.
pub const ALL: [(&str, fn() -> Vec<Figure>); 7] = [
    ("convert", convert),
    ("ingest", ingest),
    ("read", read),
    ("panel", panel),
    ("consents", consents::consents),
    ("rest", rest::rest),
    ("writes", rest::writes),
];

/// Messages per CPU-second from bytes to FHIR JSON.
fn convert() -> Vec<Figure> {
    let (mut adt, mut oul) = corpus_letters();
    let source = if adt.is_empty() { "generated" } else { "corpora ssmix2/generated" };
    if adt.is_empty() {
        adt = (0..500).map(hospital::adt).collect();
        oul = (0..500).map(|p| hospital::results(p, p, 10)).collect();
    }
    let large: Vec<Letter> = (0..200).map(|p| hospital::results(p, p, 30)).collect();
    let six: Vec<Letter> = (0..200).map(hospital::six_results).collect();
    let documents = corpus_documents();
    let figure = |(name, letters): (&str, &Vec<Letter>)| Figure {
        scenario: name.into(),
        figure: convert_rate(letters),
        unit: "letters per CPU-second, converted and validated as JSON",
        beside: json!({
            "letters": source,
            "mean_bytes": mean_bytes(letters),
            "bare hl7-parser of the same, per CPU-second": parse_rate(letters),
        }),
    };
    let all = [
        ("convert ADT", &adt),
        ("convert OUL", &oul),
        ("convert OUL of 30 results", &large),
        ("convert ORU of 6 results", &six),
        ("convert C-CDA of about 140 kB", &documents),
    ];
    all.into_iter().filter(|(_, letters)| !letters.is_empty()).map(figure).collect()
}

/// How often a foreign parser alone reads the same texts; none where they are no HL7 v2.
fn parse_rate(letters: &[Letter]) -> Option<u64> {
    let texts: Vec<String> =
        letters.iter().map(|l| tasuki::decode::charset::decode(&l.bytes).value.into_owned()).collect();
    if !texts.first()?.starts_with("MSH") {
        return None;
    }
    let (mut done, pid) = (0_u64, std::process::id());
    let (begun, cpu) = (Instant::now(), load::cpu_seconds(pid));
    while begun.elapsed().as_secs_f64() < 1.0 {
        for text in &texts {
            black_box(hl7_parser::Message::parse(text).is_ok());
            done += 1;
        }
    }
    Some((done as f64 / (load::cpu_seconds(pid) - cpu)) as u64)
}

/// C-CDA documents of 125 to 160 kB, where they are.
fn corpus_documents() -> Vec<Letter> {
    let mut found = Vec::new();
    let Some(corpora) = std::env::var_os("TASUKI_CORPORA") else { return found };
    for source in std::fs::read_dir(Path::new(&corpora).join("cda")).into_iter().flatten().flatten() {
        for file in std::fs::read_dir(source.path().join("cda")).into_iter().flatten().flatten() {
            let bytes = std::fs::read(file.path()).unwrap_or_default();
            let letter = Letter { source: hospital::source(), name: String::new(), bytes };
            let translated = || translate(&letter, letter.id(), &Default::default(), |_| Ok(Known::default()));
            if (125_000..160_000).contains(&letter.bytes.len()) && translated().is_ok_and(|t| t.is_ok()) {
                found.push(letter);
            }
        }
    }
    found
}

fn convert_rate(letters: &[Letter]) -> f64 {
    let (mut done, pid) = (0_u64, std::process::id());
    let (begun, cpu) = (Instant::now(), load::cpu_seconds(pid));
    while begun.elapsed().as_secs_f64() < 3.0 {
        for letter in letters {
            let translated =
                translate(letter, letter.id(), &Default::default(), |_| Ok(Known::default())).expect("no fault");
            for change in &translated.expect("mapped").value.changes {
                match change {
                    Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. } => {
                        let value: Value = serde_json::from_str(&draft.json(None)).expect("JSON");
                        assert!(black_box(tasuki::validate::validate(&value)).is_empty());
                    }
                    Change::Delete { .. } | Change::WholeList(_) => {}
                }
            }
            done += 1;
        }
    }
    done as f64 / (load::cpu_seconds(pid) - cpu)
}

/// ADT and OUL files of the foreign generator, where they are.
fn corpus_letters() -> (Vec<Letter>, Vec<Letter>) {
    let (mut adt, mut oul) = (Vec::new(), Vec::new());
    let Some(corpora) = std::env::var_os("TASUKI_CORPORA") else { return (adt, oul) };
    let mut folders = vec![Path::new(&corpora).join("ssmix2/generated")];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
            let path = entry.path();
            if path.is_dir() {
                folders.push(path);
                continue;
            }
            let name = entry.file_name().to_string_lossy().into_owned();
            let bytes = std::fs::read(&path).expect("readable");
            let letter = Letter { source: hospital::source(), name: name.clone(), bytes };
            if name.contains("_ADT-") {
                adt.push(letter);
            } else if name.contains("_OML-11_") {
                oul.push(letter);
            }
        }
    }
    (adt, oul)
}

fn mean_bytes(letters: &[Letter]) -> usize {
    letters.iter().map(|l| l.bytes.len()).sum::<usize>() / letters.len().max(1)
}

/// Durable messages per second into sled.
fn ingest() -> Vec<Figure> {
    let patients = number_from("TASUKI_BENCH_PATIENTS", 1500);
    let folder = tempfile::tempdir().expect("a folder");
    let pid = std::process::id();
    let (begun, cpu) = (Instant::now(), load::cpu_seconds(pid));
    let messages = fill(folder.path(), 0..patients, 5);
    let (seconds, cpu) = (begun.elapsed().as_secs_f64(), load::cpu_seconds(pid) - cpu);
    let disk = folder_bytes(folder.path());
    let beside = json!({"messages": messages, "cpu_us_per_message": (cpu / messages as f64 * 1e6).round(),
        "disk_bytes_per_message": disk / messages, "mix": "1 ADT-00 to 4 OML-11 of 5 results", "workers": WORKERS});
    vec![Figure {
        scenario: "durable ingest into sled".into(),
        figure: messages as f64 / seconds,
        unit: "messages per second",
        beside,
    }]
}

const WORKERS: u64 = 32;

/// Takes in one ADT-00 and `each - 1` results of every patient, patients in parallel; gives the number of messages.
fn fill(folder: &Path, patients: std::ops::Range<u64>, each: u64) -> u64 {
    let store = Store::open_sled(&folder.join("store"), 256 << 20).expect("the store opens");
    let pipeline = Pipeline::new(store, || jiff::Timestamp::now().as_millisecond());
    let (start, end) = (patients.start, patients.end);
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let pipeline = &pipeline;
            scope.spawn(move || {
                for patient in (start..end).filter(|p| p % WORKERS == worker) {
                    pipeline.receive(&hospital::adt(patient)).expect("stored");
                    for day in 1..each {
                        pipeline.receive(&hospital::results(patient, day, 5)).expect("stored");
                    }
                }
            });
        }
    });
    (end - start) * each
}

fn agree(folder: &Path, patients: std::ops::Range<u64>) {
    let store = Store::open_sled(&folder.join("store"), 64 << 20).expect("the store opens");
    let pipeline = Pipeline::new(store, || jiff::Timestamp::now().as_millisecond());
    for patient in patients {
        pipeline.receive(&hospital::consent(patient)).expect("stored");
    }
}

/// CPU of a read by id beside an actix handler that sends the same bytes.
fn read() -> Vec<Figure> {
    let folder = tempfile::tempdir().expect("a folder");
    fill(folder.path(), 0..200, 5);
    agree(folder.path(), 0..20);
    let gateway = Server::gateway(folder.path());
    let paths = observation_paths(&gateway.address, 20);
    let body = load::get(&gateway.address, "demo-agency-a", &paths[0]);
    let yardstick = Server::yardstick(&body);
    let mut best = [f64::MAX; 2];
    let mut rate = 0.0;
    // Alternating rounds, so that whatever else the machine does falls on both.
    for _ in 0..3 {
        for (at, server) in [&gateway, &yardstick].into_iter().enumerate() {
            let (cost, answered) = cost(server, &paths, 64, 4.0);
            best[at] = best[at].min(cost);
            if at == 0 {
                rate = answered.requests as f64 / answered.seconds;
            }
        }
    }
    vec![Figure {
        scenario: "read by id, consent-checked and audited".into(),
        figure: best[0],
        unit: "server CPU µs per request",
        beside: json!({"yardstick_us": (best[1] * 100.0).round() / 100.0,
            "times": (best[0] / best[1] * 100.0).round() / 100.0, "requests_per_second": rate.round(),
            "connections": 64, "body_bytes": body.len()}),
    }]
}

/// CPU µs per request of a server under load.
fn cost(server: &Server, paths: &[String], connections: usize, seconds: f64) -> (f64, load::Answered) {
    let requests: Vec<Vec<u8>> = paths.iter().map(|path| load::get_request("demo-agency-a", path)).collect();
    cost_of(server, &requests, connections, seconds)
}

/// The same for any requests.
pub fn cost_of(server: &Server, requests: &[Vec<u8>], connections: usize, seconds: f64) -> (f64, load::Answered) {
    let load = Load { address: &server.address, requests, connections, seconds: 0.5, rate: None };
    load::run(&load);
    let before = server.cpu_seconds();
    let answered = load::run(&Load { seconds, ..load });
    assert_eq!(answered.failed, 0, "every request is answered well");
    ((server.cpu_seconds() - before) / answered.requests as f64 * 1e6, answered)
}

fn observation_paths(address: &str, patients: u64) -> Vec<String> {
    let facility = FacilityCode::parse(hospital::FACILITY);
    let mut paths = Vec::new();
    for patient in 0..patients {
        let key = PatientKey::derive(&facility, &hospital::number(patient));
        let path = format!("/fhir/Observation?_count=100&patient={}", key.patient_id().as_str());
        let bundle: Value = serde_json::from_str(&load::get(address, "demo-agency-a", &path)).expect("a searchset");
        for entry in bundle["entry"].as_array().expect("entries") {
            paths.push(format!("/fhir/Observation/{}", entry["resource"]["id"].as_str().expect("an id")));
        }
    }
    paths
}

/// CPU of a search over a panel of 20 in a small and a large store.
fn panel() -> Vec<Figure> {
    let sizes = [1_000, number_from("TASUKI_BENCH_STORE", 50_000)];
    let mut figures = Vec::new();
    let folders: Vec<_> = sizes.iter().map(|_| tempfile::tempdir().expect("a folder")).collect();
    for (folder, size) in folders.iter().zip(sizes) {
        fill(folder.path(), 0..size, 2);
        // Spread over the store.
        for nth in 0..20 {
            let patient = nth * size / 20;
            agree(folder.path(), patient..patient + 1);
        }
    }
    let paths = vec!["/fhir/Observation?code=3A0010000002327101&_count=20".to_owned()];
    let servers: Vec<Server> = folders.iter().map(|folder| Server::gateway(folder.path())).collect();
    let mut best = [f64::MAX; 2];
    for _ in 0..3 {
        for (at, server) in servers.iter().enumerate() {
            best[at] = best[at].min(cost(server, &paths, 16, 4.0).0);
        }
    }
    for (at, size) in sizes.iter().enumerate() {
        figures.push(Figure {
            scenario: format!("search over a panel of 20 in a store of {size} patients"),
            figure: best[at],
            unit: "server CPU µs per request",
            beside: json!({"times_smallest": (best[at] / best[0] * 1000.0).round() / 1000.0}),
        });
    }
    figures
}

pub fn number_from(name: &str, default: u64) -> u64 {
    std::env::var(name).ok().and_then(|value| value.parse().ok()).unwrap_or(default)
}

pub fn folder_bytes(path: &Path) -> u64 {
    let entries = std::fs::read_dir(path).into_iter().flatten().flatten();
    entries.map(|e| if e.path().is_dir() { folder_bytes(&e.path()) } else { e.metadata().map_or(0, |m| m.len()) }).sum()
}
