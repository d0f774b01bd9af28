//! Kills a process that writes to the store, again and again, and looks whether what was acknowledged is there and
//! nothing is there by half (invariant 1). `STORE_KILLS` says how often, 10 when it does not.
#![allow(clippy::unwrap_used, clippy::print_stdout)] // a test fails by panicking

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tasuki::fault::Fault;
use tasuki::fhir::{FacilityCode, PatientKey, ResourceType};
use tasuki::letter::{Letter, Source};
use tasuki::search::facts::{Facts, Labels};
use tasuki::store::verify::verify;
use tasuki::store::{Order, Partition, Store};

/// The directory of the store; set, this program is the one to be killed.
const CHILD: &str = "STORE_KILL_CHILD";
/// Opens a store in a directory with an engine.
type Open = fn(&Path, u64) -> Result<Store, Fault>;
const WRITERS: u64 = 8;
const PATIENTS: u64 = 24;
const CACHE_BYTES: u64 = 8 << 20;
/// Under which the chunks of the audit chain are counted; no record has this key.
const AUDIT: PatientKey = PatientKey(0);

#[test]
fn what_sled_acknowledged_survives_being_killed() {
    kill("what_sled_acknowledged_survives_being_killed", Store::open_sled);
}

#[test]
fn what_fjall_acknowledged_survives_being_killed() {
    kill("what_fjall_acknowledged_survives_being_killed", Store::open_fjall);
}

/// `test` is the caller's name, under which it is run again to be killed.
fn kill(test: &str, open: Open) {
    if let Ok(path) = std::env::var(CHILD) {
        return write_until_killed(&open(Path::new(&path), CACHE_BYTES).unwrap());
    }
    let kills = std::env::var("STORE_KILLS").ok().and_then(|kills| kills.parse().ok()).unwrap_or(10);
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("store");
    let mut acknowledged = HashMap::new();
    let mut slowest = Duration::ZERO;
    let mut chance = uuid::Uuid::new_v4().as_u128() as u64;
    for round in 0..kills {
        chance = chance.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        let patience = Duration::from_millis(20 + (chance >> 33) % 300);
        let before = acknowledged.len();
        // Every fourth is killed from its start on, while it still recovers what the one before it left, the very first
        // while it makes the store.
        kill_after(test, patience, round % 4 == 0, &path, &mut acknowledged);
        let begun = Instant::now();
        let store = open(&path, CACHE_BYTES).unwrap();
        slowest = slowest.max(begun.elapsed());
        let report = verify(&store).unwrap();
        assert_eq!(report.broken, [], "round {round}, killed after {patience:?}");
        assert!(report.audit >= acknowledged.get(&AUDIT).copied().unwrap_or_default(), "round {round}: audit is gone");
        for (patient, count) in acknowledged.iter().filter(|(patient, _)| **patient != AUDIT) {
            let partition = store.partition(*patient).unwrap();
            assert!(partition.sheaves() >= *count, "round {round}: acknowledged sheaves are gone");
        }
        assert!(report.receipts <= report.letters && acknowledged.len() >= before);
    }
    assert!(!acknowledged.is_empty(), "nothing was ever acknowledged");
    let sheaves: u64 = acknowledged.values().sum();
    println!("{kills} kills, {sheaves} acknowledged sheaves, none lost; opened again within {slowest:?}");
}

/// Runs the child for so long after its first word, or its start, and notes what it says was acknowledged: patient and
/// sheaves.
fn kill_after(test: &str, patience: Duration, at_once: bool, path: &Path, acknowledged: &mut HashMap<PatientKey, u64>) {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", test, "--nocapture", "--test-threads=1"])
        .env(CHILD, path)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let output = BufReader::new(child.stdout.take().unwrap());
    let child = Arc::new(Mutex::new(child));
    let start_timer = || {
        let child = child.clone();
        std::thread::spawn(move || {
            std::thread::sleep(patience);
            let _ = child.lock().unwrap().kill();
        })
    };
    let mut timer = at_once.then(start_timer);
    for line in output.lines().map_while(Result::ok) {
        let mut words = line.split(' ');
        let (Some("ack"), Some(patient), Some(count)) = (words.next(), words.next(), words.next()) else { continue };
        let (Ok(patient), Ok(count)) = (patient.parse(), count.parse::<u64>()) else { continue };
        let known = acknowledged.entry(PatientKey(patient)).or_default();
        *known = count.max(*known);
        timer.get_or_insert_with(start_timer);
    }
    child.lock().unwrap().wait().unwrap();
    if let Some(timer) = timer {
        timer.join().unwrap();
    }
}

/// Writes letters and sheaves from several threads and says so after each acknowledgement.
fn write_until_killed(store: &Store) {
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let last = store.audit(u64::MAX, 1, Order::Descending).unwrap();
            for number in last.first().map_or(0, |(last, _)| last + 1).. {
                store.append_audit(number, vec![number as u8; 500]).unwrap();
                say(&format!("ack {} {}\n", AUDIT.0, number + 1));
            }
        });
        for writer in 0..WRITERS {
            scope.spawn(move || {
                for n in 0.. {
                    let patient = PatientKey((u128::from((writer * 7 + n * 5) % PATIENTS) + 1000) << 100);
                    match receive(store, patient, &format!("{} {writer} {n}", std::process::id())) {
                        Ok(sheaves) => say(&format!("ack {} {sheaves}\n", patient.0)),
                        Err(Fault::Conflict | Fault::Busy) => {}
                        Err(fault) => panic!("{fault}"),
                    }
                }
            });
        }
    });
}

fn say(line: &str) {
    let mut out = std::io::stdout().lock();
    let _ = out.write_all(line.as_bytes());
    let _ = out.flush();
}

/// Keeps a letter, then writes what came of it; every eighth is large enough to be cut in parts.
fn receive(store: &Store, patient: PatientKey, text: &str) -> Result<u64, Fault> {
    let source = Source { facility: FacilityCode::parse("0119999901"), zone_minutes: 540 };
    let letter = Letter { source: Arc::new(source), name: String::new(), bytes: text.into() };
    let id = letter.id();
    if let Some(commit) = store.keep_raw(id, &letter)? {
        store.submit(commit).wait()?;
    }
    let partition = Partition { patient, head: store.head(patient)?, records: Vec::new() };
    let large = id.0[0].is_multiple_of(8);
    let new: Vec<_> = (0..3).map(|n| version(patient, &format!("{text} {n}"), large && n == 0)).collect();
    let mut commit = partition.write(patient, "0119999901", &new)?;
    commit.of_letter(id)?;
    commit.put_receipt(id, b"{}")?;
    commit.put_on_panel("Organization/agency-a", patient);
    store.submit(commit).wait()?;
    Ok(partition.sheaves() + 1)
}

fn version(patient: PatientKey, name: &str, large: bool) -> (Facts, String) {
    let mut json = format!("{{\"resourceType\":\"Observation\",\"note\":\"{name}");
    for n in 0..if large { 8000 } else { 1 } {
        json += &patient.resource_id("noise", &format!("{name}{n}")).as_str()[..23];
    }
    json += "\"}";
    let facts = Facts {
        resource_type: ResourceType::OBSERVATION,
        id: patient.resource_id("Observation", name),
        version: 1,
        deleted: false,
        last_updated: 1_795_000_000_000,
        occurred: i64::MIN,
        stated: Vec::new(),
        rank: 1,
        list: 0,
        origin: 0,
        labels: Labels::default(),
        content: 0,
        patients: vec![patient],
        tokens: Vec::new(),
        dates: Vec::new(),
        references: Vec::new(),
    };
    (facts, json)
}
