//! What it costs: CPU per operation of the gateway, each beside its yardstick, in one run (`cargo bench`).
//!
//! `cargo bench -- convert ingest read panel consents rest writes` runs some; `--record` appends the figures to
//! `tests/bench/ledger.ndjson`. Larger runs: `TASUKI_BENCH_PATIENTS` (ingest), `TASUKI_BENCH_STORE` (the larger store of
//! `panel`), `TASUKI_BENCH_RESOURCES` (`rest`, `writes`: 10 thousand, 1 million, 10 million), with `TASUKI_BENCH_KEEP` a
//! folder in which the store is kept and gone on with; `TASUKI_BENCH_ONLY` is part of the name of the scenarios of `rest` wanted,
//! `TASUKI_BENCH_ENGINE` the engine of `rest` and `writes` (sled, fjall, postgres).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a bench fails by panicking
#![allow(missing_docs, unreachable_pub, clippy::type_complexity)] // a program of its own, used by nobody else

#[path = "../consent/cases.rs"]
mod cases;
#[path = "../cluster/mod.rs"]
mod cluster;
mod consents;
mod hospital;
#[allow(dead_code)] // the tests use more of it
#[path = "../consent/judge.rs"]
mod judge;
mod load;
mod population;
mod rest;
mod scenario;
mod server;

use std::io::Write;

use serde_json::{Value, json};

#[global_allocator] // as the program has it
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

/// One measured figure.
pub struct Figure {
    pub scenario: String,
    pub figure: f64,
    pub unit: &'static str,
    pub beside: Value,
}

fn main() {
    if let Ok(role) = std::env::var(server::ROLE) {
        return server::run(&role);
    }
    let arguments: Vec<String> = std::env::args().skip(1).filter(|a| a != "--bench").collect();
    let wanted = |name: &str| arguments.iter().all(|a| a.starts_with("--")) || arguments.iter().any(|a| a == name);
    let mut figures = Vec::new();
    for (name, run) in scenario::ALL {
        if wanted(name) {
            eprintln!("{name} ...");
            figures.extend(run());
        }
    }
    let lines: Vec<Value> = figures.iter().map(line).collect();
    for line in &lines {
        println!("{line}");
    }
    if arguments.iter().any(|a| a == "--record") {
        let path = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/bench/ledger.ndjson");
        let mut ledger = std::fs::OpenOptions::new().create(true).append(true).open(path).expect("the ledger opens");
        for line in &lines {
            writeln!(ledger, "{line}").expect("the ledger is written");
        }
    }
}

fn line(figure: &Figure) -> Value {
    json!({
        "commit": command("git", &["rev-parse", "--short", "HEAD"]),
        "date": command("date", &["-u", "+%Y-%m-%d"]),
        "scenario": figure.scenario,
        "figure": (figure.figure * 100.0).round() / 100.0,
        "unit": figure.unit,
        "beside": figure.beside,
        "machine": format!("{} cores", std::thread::available_parallelism().map_or(0, usize::from)),
    })
}

fn command(program: &str, arguments: &[&str]) -> String {
    let output = std::process::Command::new(program).args(arguments).output();
    output.map(|o| String::from_utf8_lossy(&o.stdout).trim().to_owned()).unwrap_or_default()
}
