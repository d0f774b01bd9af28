//! Memory stays flat however many letters are taken in and replayed: what is kept between letters is bounded. What does
//! grow is the engine's index of its own pages, by a few hundred bytes a letter.
//!
//! `TASUKI_LETTERS` says how many (default 2000), a tenth as many patients. With 40000, 93 MiB after the first half were
//! 114 after the second, and 140 when all was replayed.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

mod gateway;

use std::sync::atomic::{AtomicU64, Ordering};

use gateway::{HOSPITAL, clock, source};
use tasuki::fhir::PatientKey;
use tasuki::letter::Letter;
use tasuki::pipeline::{Outcome, Pipeline};
use tasuki::store::Store;
use tasuki::store::verify::verify;

const LETTERS: u64 = 2000;
const WORKERS: u64 = 32;
/// What the process may grow by while the second half is taken in, and while all of it is replayed: caches that fill up
/// (the engine's, given 8 MiB, takes 2 or 2.5 times that) ...
const GROWTH_BYTES_MAX: u64 = 48 << 20;
/// ... and the engine's index, for each letter.
const INDEX_BYTES_MAX: u64 = 300;

#[test]
fn memory_is_flat_over_many_letters() {
    let Some(_) = resident_bytes() else {
        println!("not run: this system does not say how much memory a process takes");
        return;
    };
    let letters = std::env::var("TASUKI_LETTERS").ok().and_then(|n| n.parse().ok()).unwrap_or(LETTERS);
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open_sled(&folder.path().join("store"), 8 << 20).unwrap();
    let pipeline = Pipeline::new(store.clone(), clock);
    take_in(&pipeline, 0..letters / 2, letters / 10);
    let half = resident_bytes().unwrap();
    take_in(&pipeline, letters / 2..letters, letters / 10);
    let all = resident_bytes().unwrap();
    let mut next = Some(PatientKey(0));
    let mut records = 0;
    while let Some(from) = next {
        let Some(patient) = store.record_from(from).unwrap() else { break };
        assert!(pipeline.rebuild(patient, &[], true).unwrap().differences.is_empty());
        records += 1;
        next = patient.0.checked_add(1).map(PatientKey);
    }
    let replayed = resident_bytes().unwrap();
    println!("{letters} letters: {} MiB at half, {} at the end, {} replayed", half >> 20, all >> 20, replayed >> 20);
    assert_eq!(records, letters / 10);
    let growth_max = GROWTH_BYTES_MAX + INDEX_BYTES_MAX * letters;
    assert!(all.saturating_sub(half) < growth_max, "{half} to {all}");
    assert!(replayed.saturating_sub(all) < growth_max, "{all} to {replayed}");
    if letters == LETTERS {
        let report = verify(&store).unwrap();
        assert_eq!((report.broken, report.told, report.controls), (vec![], letters, letters));
    }
}

/// Small messages, each about the next patient, so that nobody's record is at hand twice in a row.
fn take_in(pipeline: &Pipeline, letters: std::ops::Range<u64>, patients: u64) {
    let next = AtomicU64::new(letters.start);
    std::thread::scope(|scope| {
        for _ in 0..WORKERS {
            scope.spawn(|| {
                loop {
                    let number = next.fetch_add(1, Ordering::Relaxed);
                    if number >= letters.end {
                        break;
                    }
                    let receipt = pipeline.receive(&message(number, patients)).unwrap();
                    assert_eq!((receipt.outcome, receipt.repeat), (Outcome::Stored, false), "{receipt:#?}");
                }
            });
        }
    });
}

fn message(number: u64, patients: u64) -> Letter {
    let (patient, day) = (format!("{:010}", 5_000_000_000 + number % patients), 1 + number / patients % 28);
    let text = format!(
        "MSH|^~\\&|LIS|SEND|GW|RCV|202610{day:02}090000||OUL^R22^OUL_R22|M{number}|P|2.5||||||UNICODE UTF-8\r\
         PID|1||{patient}||見本^例示^^^^^L^I||19500101|F\r\
         SPM|1|||023^血清^JC10|||||||||||||202610{day:02}0800\r\
         OBR|1|{number:015}||E002^生化学^99O03|||202610{day:02}0800\r\
         ORC|SC|{number:015}|||CM\r\
         OBX|1|NM|3A0150000002327101^項目^JC10||{}.5|g/dL^g/dL^99XYZ|||||F\r",
        number % 9
    );
    Letter { source: source(HOSPITAL), name: String::new(), bytes: text.into_bytes() }
}

/// Resident memory of this process: the second number of /proc/self/statm, in pages.
fn resident_bytes() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    let pages: u64 = text.split_whitespace().nth(1)?.parse().ok()?;
    Some(pages * 4096)
}
