//! One journey over every engine: what a caller is answered does not depend on where things are kept.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

mod cluster;
mod gateway;

use std::path::Path;
use std::process::Command;

use serde_json::Value;
use tasuki::store::postgres::Settings;
use tasuki::store::{Store, verify};

use cluster::Cluster;
use gateway::{Answer, Ask, HOSPITAL, Served, example_letters, over, receive};

const CACHE_BYTES: u64 = 16 << 20;

/// The example hospital's storage is taken in, consents are put, agencies read and search, a consent is withdrawn.
fn journey(store: Store) -> Vec<Answer> {
    for letter in example_letters(&format!("hospital/{HOSPITAL}"), HOSPITAL, |_| true) {
        receive(&store, &letter);
    }
    let gateway = over(store);
    let served = Served::new(gateway.clone());
    let mut answers = Vec::new();
    let read =
        |name: &str| serde_json::from_slice::<Value>(&std::fs::read(data("consents").join(name)).unwrap()).unwrap();
    let names = ["consent-hanako-agency-a.json", "consent-hanako-agency-b.json", "consent-taro-agency-a.json"];
    for name in names {
        let consent = read(name);
        let path = format!("/Consent/{}", consent["id"].as_str().unwrap());
        answers.push(served.ask(Ask::put("office", path, &consent)));
    }
    let look = |answers: &mut Vec<Answer>| {
        for client in ["agency-a", "agency-b", "nurse-station", "hospital", "office"] {
            for path in [
                "/Patient",
                "/Observation?_sort=-date&_count=3",
                "/MedicationRequest?_include=MedicationRequest:subject",
                "/Condition?_total=accurate",
                "/Consent",
                "/Encounter?_summary=count",
            ] {
                answers.push(served.get(client, path));
            }
        }
        let first = served.get("agency-a", "/Patient");
        let bundle: Value = serde_json::from_str(&first.body).unwrap();
        let ids =
            bundle["entry"].as_array().into_iter().flatten().map(|entry| entry["resource"]["id"].as_str().unwrap());
        for id in ids {
            answers.push(served.get("agency-a", format!("/Patient/{id}")));
            answers.push(served.get("agency-b", format!("/Patient/{id}")));
            answers.push(served.get("agency-a", format!("/Patient/{id}/$everything")));
        }
    };
    look(&mut answers);
    let mut withdrawn = read(names[0]);
    withdrawn["status"] = "inactive".into();
    let path = format!("/Consent/{}", withdrawn["id"].as_str().unwrap());
    answers.push(served.ask(Ask::put("office", path, &withdrawn)));
    look(&mut answers);
    drop((served, gateway));
    answers
}

/// A folder of the example data.
fn data(name: &str) -> std::path::PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/data").join(name)
}

/// What is answered differently, with the place.
fn same(engine: &str, expected: &[Answer], found: &[Answer]) {
    assert_eq!(expected.len(), found.len(), "{engine}");
    for (n, (expected, found)) in expected.iter().zip(found).enumerate() {
        assert_eq!(expected, found, "{engine}, answer {n}");
    }
}

#[test]
fn every_engine_gives_the_same_answers() {
    let expected = journey(Store::open_memory());
    assert!(expected.iter().any(|answer| answer.status == 200 && answer.body.contains("\"Patient\"")));
    assert!(expected.iter().any(|answer| answer.status == 404));
    let folder = tempfile::tempdir().unwrap();
    let open = |name: &str| folder.path().join(name);
    same("sled", &expected, &journey(Store::open_sled(&open("sled"), CACHE_BYTES).unwrap()));
    same("fjall", &expected, &journey(Store::open_fjall(&open("fjall"), CACHE_BYTES).unwrap()));
    for engine in ["sled", "fjall"] {
        let report = verify::verify(&Store::open_folder(&open(engine), CACHE_BYTES).unwrap()).unwrap();
        assert_eq!(report.broken, [], "{engine}");
    }
    let Some(cluster) = Cluster::start(&[]) else { return };
    let settings = Settings { url: cluster.url(), password: None, authorities: None, connections_max: 4 };
    same("postgres", &expected, &journey(Store::open_postgres(&settings).unwrap()));
    assert_eq!(verify::verify(&Store::open_postgres(&settings).unwrap()).unwrap().broken, []);
}

/// Every subcommand finds the store that the configuration names, whichever engine it is.
#[test]
fn the_command_line_works_on_every_engine() {
    let cluster = Cluster::start(&[]);
    let database = cluster.as_ref().map(|cluster| format!("engine = \"postgres\"\nurl = \"{}\"", cluster.url()));
    let folders = ["sled", "fjall"].map(|engine| format!("engine = \"{engine}\"\npath = \"data\"\ncache_mib = 16"));
    let mut told = Vec::new();
    for store in folders.into_iter().chain(database) {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("tasuki.toml");
        let text = format!("listen = \"127.0.0.1:0\"\nbase_url = \"http://127.0.0.1/fhir\"\n[store]\n{store}\n");
        std::fs::write(&config, text).unwrap();
        let run = |arguments: &[&str]| run(&config, arguments);
        let hospital = data("hospital").join(HOSPITAL);
        let (code, _) = run(&["ingest", "--workers", "1", hospital.to_str().unwrap()]);
        assert_eq!(code, 0, "{store}");
        // Which letter brings a code first depends on which worker is faster.
        let (code, codes) = run(&["codes", "list"]);
        let codes: Vec<&str> = codes.lines().filter(|line| !line.trim_start().starts_with("first at")).collect();
        let codes = (code, codes.join("\n"));
        told.push([run(&["verify"]), codes, run(&["held"]), run(&["replay"])]);
        let whole = told.last().unwrap()[0].1.clone();
        assert!(whole.contains("whole"), "{store}: {whole}");
    }
    for other in &told[1..] {
        assert_eq!(other, &told[0]);
    }
}

fn run(config: &Path, arguments: &[&str]) -> (i32, String) {
    let mut program = Command::new(env!("CARGO_BIN_EXE_tasuki"));
    let output = program.args(arguments).arg("--config").arg(config).output().unwrap();
    let told = String::from_utf8_lossy(&output.stdout).into_owned();
    (
        output.status.code().unwrap_or(-1),
        if told.is_empty() { String::from_utf8_lossy(&output.stderr).into() } else { told },
    )
}
