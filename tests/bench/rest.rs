//! The REST interface under load, on generated stores: what a request costs the server, beside an actix handler that sends
//! the same bytes, and how long callers wait.

use std::path::{Path, PathBuf};
use std::time::Instant;

use serde_json::{Value, json};

use super::Figure;
use super::cluster::Cluster;
use super::load::{self, Client, Load};
use super::population::{self, CODES, EACH};
use super::scenario::{cost_of, folder_bytes, number_from};
use super::server::Server;

/// Patients on agency-a's panel.
const PANEL: u64 = 20;
/// Patients with 100 and with 2,000 resources.
const HUNDRED: u64 = 900_000_001;
const THOUSANDS: u64 = 900_000_002;
const CONNECTIONS: usize = 16;
const SECONDS: f64 = 3.0;

/// A folder that may be kept, and the rest of a run's store.
struct Stored {
    folder: PathBuf,
    _temporary: Option<tempfile::TempDir>,
    cluster: Option<Cluster>,
    resources: u64,
    patients: u64,
}

impl Stored {
    /// What a scenario is about, as the ledger names it.
    fn named(&self, name: &str) -> String {
        let engine = population::engine();
        let engine = if engine == "sled" { String::new() } else { format!(" on {engine}") };
        format!("{name}, store of {} resources{engine}", self.resources)
    }

    fn disk_bytes(&self) -> u64 {
        self.cluster.as_ref().map_or_else(|| folder_bytes(&self.folder), Cluster::disk_bytes)
    }
}

fn stored() -> Stored {
    let resources = number_from("TASUKI_BENCH_RESOURCES", 10_000);
    let (folder, temporary) = match std::env::var_os("TASUKI_BENCH_KEEP") {
        Some(kept) => (Path::new(&kept).join(resources.to_string()), None),
        None => {
            let temporary = tempfile::tempdir().expect("a folder");
            (temporary.path().to_owned(), Some(temporary))
        }
    };
    std::fs::create_dir_all(&folder).expect("a folder");
    let cluster = (population::engine() == "postgres").then(|| Cluster::start(&[]).expect("PostgreSQL"));
    if let Some(cluster) = &cluster {
        std::fs::write(folder.join("url"), cluster.url()).expect("the address is written");
    }
    let store = population::open(&folder);
    let (begun, cpu) = (Instant::now(), load::cpu_seconds(std::process::id()));
    let patients = population::load(&store, resources);
    let cpu = load::cpu_seconds(std::process::id()) - cpu;
    eprintln!(
        "  loaded in {:.0} s, {:.0} µs of CPU a resource",
        begun.elapsed().as_secs_f64(),
        cpu / resources as f64 * 1e6
    );
    population::agree(&store, (0..PANEL).map(|nth| nth * patients / PANEL));
    population::large(&store, HUNDRED, 99);
    population::large(&store, THOUSANDS, 1_999);
    Stored { folder, _temporary: temporary, cluster, resources, patients }
}

/// Reads and searches by a care agency: token, consent, audit.
#[allow(clippy::too_many_lines)] // the scenarios, one beside the other
pub fn rest() -> Vec<Figure> {
    let stored = stored();
    let disk = stored.disk_bytes();
    let begun = Instant::now();
    let server = Server::gateway(&stored.folder);
    let start = begun.elapsed();
    let idle = server.resident_bytes();
    let step = stored.patients / PANEL;
    let of_panel = |path: &dyn Fn(u64) -> String| -> Vec<String> { (0..PANEL).map(|nth| path(nth * step)).collect() };
    let patient = population::patient_id;
    let code = CODES[0];
    let scenarios: Vec<(&str, Vec<String>)> = vec![
        ("read", of_panel(&|p| format!("/fhir/Observation/bench-{p}-7"))),
        ("vread", of_panel(&|p| format!("/fhir/Observation/bench-{p}-7/_history/1"))),
        (
            "search by patient and code",
            of_panel(&|p| format!("/fhir/Observation?patient={}&code=http://loinc.org|{code}&_count=20", patient(p))),
        ),
        (
            "search by patient and date, sorted",
            of_panel(&|p| format!("/fhir/Observation?patient={}&date=ge2026-01-10&_sort=-date&_count=20", patient(p))),
        ),
        ("search by code over the panel", vec![format!("/fhir/Observation?code=http://loinc.org|{code}&_count=20")]),
        ("search by identifier", of_panel(&|p| format!("/fhir/Patient?identifier=urn:oid:2.25.1|B{p:09}"))),
        ("search by name", vec!["/fhir/Patient?name=見本&_count=20".replace("見本", "%E8%A6%8B%E6%9C%AC")]),
        (
            "search with _include",
            of_panel(&|p| {
                format!(
                    "/fhir/Observation?patient={}&code=http://loinc.org|{code}&_include=Observation:encounter&_count=20",
                    patient(p)
                )
            }),
        ),
        (
            "chain",
            vec![format!(
                "/fhir/Observation?subject:Patient.identifier=urn:oid:2.25.1|B000000000&code={code}&_count=20"
            )],
        ),
        ("$everything of 50", of_panel(&|p| format!("/fhir/Patient/{}/$everything?_count=1000", patient(p)))),
        ("$everything of 100", vec![format!("/fhir/Patient/{}/$everything?_count=1000", patient(HUNDRED))]),
        ("$everything of 2,000", vec![format!("/fhir/Patient/{}/$everything?_count=5000", patient(THOUSANDS))]),
        ("metadata", vec!["/fhir/metadata".to_owned()]),
    ];
    let mut figures = Vec::new();
    let only = std::env::var("TASUKI_BENCH_ONLY").unwrap_or_default();
    for (name, paths) in scenarios.into_iter().filter(|(name, _)| name.contains(&only)) {
        let body = load::get(&server.address, "demo-agency-a", &paths[0]);
        let found: Value = serde_json::from_str(&body).unwrap_or_default();
        if found["resourceType"] == "OperationOutcome" || (found["total"].is_number() && found["entry"].is_null()) {
            eprintln!("  {name}: not measured: {}", &body[..body.len().min(300)]);
            continue;
        }
        let requests: Vec<Vec<u8>> = paths.iter().map(|path| load::get_request("demo-agency-a", path)).collect();
        let yardstick = Server::yardstick_of(&stored.folder, &body);
        let (mut best, mut beside, mut answered) = (f64::MAX, f64::MAX, None);
        for _ in 0..2 {
            let (cost, run) = cost_of(&server, &requests, CONNECTIONS, SECONDS);
            if cost < best {
                (best, answered) = (cost, Some(run));
            }
            beside = beside.min(cost_of(&yardstick, &requests, CONNECTIONS, SECONDS).0);
        }
        let run = answered.expect("a run");
        let rate = run.requests as f64 / run.seconds;
        let paced = load::run(&Load {
            address: &server.address,
            requests: &requests,
            connections: CONNECTIONS,
            seconds: SECONDS,
            rate: Some(rate / 4.0),
        });
        figures.push(Figure {
            scenario: stored.named(name),
            figure: best,
            unit: "server CPU µs per request",
            beside: json!({
                "yardstick_us": (beside * 100.0).round() / 100.0, "times": (best / beside * 100.0).round() / 100.0,
                "requests_per_second": rate.round(), "requests_per_server_cpu_second": (1e6 / best).round(),
                "p50_ms": run.milliseconds(0.5), "p99_ms": run.milliseconds(0.99),
                "p50_ms_at_a_quarter": paced.milliseconds(0.5), "p99_ms_at_a_quarter": paced.milliseconds(0.99),
                "body_bytes": body.len(), "megabytes_per_cpu_second": (body.len() as f64 / best).round(),
            }),
        });
    }
    figures.push(Figure {
        scenario: stored.named("memory and disk"),
        figure: server.resident_bytes() as f64 / 1e6,
        unit: "MB resident after the scenarios",
        beside: json!({"idle_mb": (idle as f64 / 1e6).round(), "start_ms": start.as_millis() as u64,
            "disk_bytes_per_resource": disk / (stored.resources + 2_100)}),
    });
    figures
}

/// Creates, transactions and ingest, with everybody allowed everything.
pub fn writes() -> Vec<Figure> {
    let stored = stored();
    let server = Server::open(&stored.folder);
    let mut figures = Vec::new();
    let creates: Vec<Vec<u8>> = (0..1000)
        .map(|n| {
            load::body_request("POST", "/fhir/Observation", &population::observation(n % stored.patients, n, None))
        })
        .collect();
    figures.push(write_figure(&stored.named("create of an Observation"), &server, &creates, CONNECTIONS));
    let patients: Vec<Vec<u8>> =
        (0..100).map(|n| load::body_request("POST", "/fhir/Patient", &population::patient(n))).collect();
    figures.push(write_figure(&stored.named("create of a Patient"), &server, &patients, CONNECTIONS));
    let hundred: Vec<Vec<u8>> =
        (0..20).map(|n| load::body_request("POST", "/fhir", &transaction(n * 2, 2, 50))).collect();
    figures.push(write_figure(&stored.named("transaction of 100"), &server, &hundred, 4));
    figures.push(beside_a_large_transaction(&stored, &server));
    figures
}

fn write_figure(name: &str, server: &Server, requests: &[Vec<u8>], connections: usize) -> Figure {
    let (cost, run) = cost_of(server, requests, connections, SECONDS);
    Figure {
        scenario: name.to_owned(),
        figure: cost,
        unit: "server CPU µs per request",
        beside: json!({"requests_per_second": (run.requests as f64 / run.seconds).round(), "connections": connections,
            "p50_ms": run.milliseconds(0.5), "p99_ms": run.milliseconds(0.99), "request_bytes": requests[0].len()}),
    }
}

/// A transaction with new patients, each with so many resources.
fn transaction(seed: u64, patients: u64, each: u64) -> String {
    let mut entries = Vec::new();
    for patient in seed..seed + patients {
        let url = format!("urn:uuid:00000000-0000-4000-8000-{patient:012x}");
        entries.push(entry(Some(&url), "Patient", &population::patient(patient)));
        for n in 1..each {
            let observation = population::observation(patient, n, None)
                .replace(&format!("Patient/{}", population::patient_id(patient)), &url);
            entries.push(entry(None, "Observation", &observation));
        }
    }
    format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#, entries.join(","))
}

fn entry(full_url: Option<&str>, type_name: &str, resource: &str) -> String {
    let full_url = full_url.map(|url| format!(r#""fullUrl":"{url}","#)).unwrap_or_default();
    format!(r#"{{{full_url}"resource":{resource},"request":{{"method":"POST","url":"{type_name}"}}}}"#)
}

/// How long other writers wait while a transaction of 27,000 entries is done.
fn beside_a_large_transaction(stored: &Stored, server: &Server) -> Figure {
    let request = load::body_request("POST", "/fhir", &transaction(10_000_000, 27_000 / EACH, EACH));
    let creates: Vec<Vec<u8>> = (0..100)
        .map(|n| load::body_request("POST", "/fhir/Observation", &population::observation(n, n, None)))
        .collect();
    let (took, waited) = std::thread::scope(|scope| {
        let large = scope.spawn(|| {
            std::thread::sleep(std::time::Duration::from_millis(500));
            let begun = Instant::now();
            let (status, _) = Client::connect(&server.address).ask(&request);
            assert_eq!(status, 200, "the transaction is done");
            begun.elapsed()
        });
        let waited = load::run(&Load {
            address: &server.address,
            requests: &creates,
            connections: 4,
            seconds: 8.0,
            rate: Some(200.0),
        });
        (large.join().expect("no panic"), waited)
    });
    Figure {
        scenario: stored.named("other writers beside a transaction of 27,000"),
        figure: waited.milliseconds(0.99),
        unit: "ms, p99 of a create at 200 a second",
        beside: json!({"p50_ms": waited.milliseconds(0.5), "transaction_seconds": (took.as_secs_f64() * 100.0).round() / 100.0,
            "transaction_megabytes": request.len() / 1_000_000, "failed": waited.failed}),
    }
}
