//! Kill -9 in the middle of an import, again and again: everything acknowledged is there, nothing is half there.
//!
//! `TASUKI_KILLS` says how often (default 8).
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

mod program;

use std::collections::BTreeSet;
use std::fs::File;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::Duration;

use program::{example, tasuki};
use serde_json::Value;

#[test]
fn what_was_acknowledged_survives_being_killed() {
    let kills: u64 = std::env::var("TASUKI_KILLS").ok().and_then(|n| n.parse().ok()).unwrap_or(8);
    let folder = tempfile::tempdir().expect("a folder");
    let tree = folder.path().join("tree");
    let store = folder.path().join("store");
    let mut acknowledged = BTreeSet::new();
    let mut interrupted = 0;
    for round in 0..kills {
        // New work for each round, so that the kill meets some.
        more_patients(&tree, round * PATIENTS..(round + 1) * PATIENTS);
        let receipts = folder.path().join(format!("receipts-{round}"));
        let mut child = Command::new(env!("CARGO_BIN_EXE_tasuki"))
            .args(["ingest", path(&tree), "--store", path(&store), "--facility", "0119999901", "--workers", "8"])
            .args(["--receipts", "-"])
            .stdout(Stdio::from(File::create(&receipts).expect("a file")))
            .stderr(Stdio::null())
            .spawn()
            .expect("the program runs");
        // Spread over the time an import takes; the numbers are not round so that rounds differ.
        std::thread::sleep(Duration::from_millis(30 + (round * 37) % 230));
        let _ = child.kill();
        interrupted += u64::from(!child.wait().is_ok_and(|status| status.success()));
        acknowledged.extend(letters(&receipts));
        let verify = tasuki(&["verify", "--store", path(&store)]);
        assert!(verify.status.success(), "round {round}: {}", String::from_utf8_lossy(&verify.stdout));
    }
    let last = tasuki(&["ingest", path(&tree), "--store", path(&store), "--facility", "0119999901", "--receipts", "-"]);
    let text = String::from_utf8(last.stdout).expect("UTF-8");
    let all: BTreeSet<String> = text.lines().filter_map(letter).collect();
    assert!(acknowledged.is_subset(&all), "a receipt that was given is gone");
    let said = String::from_utf8_lossy(&last.stderr).into_owned();
    let known: usize = number_before(&said, " known already").expect("a summary");
    assert!(known >= acknowledged.len(), "{known} known, {} acknowledged: {said}", acknowledged.len());
    println!(
        "{kills} kills, {interrupted} of them before the end, {} of {} letters acknowledged before the last run",
        acknowledged.len(),
        all.len()
    );
}

/// Patients that each round adds, of nine files each.
const PATIENTS: u64 = 30;

/// The example's patient 3, copied under other numbers.
fn more_patients(tree: &Path, numbers: std::ops::Range<u64>) {
    let original = example("hospital/0119999901/000/000/0000000003");
    for number in numbers {
        let patient = format!("{:010}", 5_000_000_000_u64 + number);
        copy(&original, &tree.join(&patient[..3]).join(&patient[3..6]).join(&patient), &patient);
    }
}

fn copy(from: &Path, to: &Path, patient: &str) {
    std::fs::create_dir_all(to).expect("a folder");
    for entry in std::fs::read_dir(from).expect("a folder").flatten() {
        let name = entry.file_name().into_string().expect("UTF-8").replace("0000000003", patient);
        if entry.path().is_dir() {
            copy(&entry.path(), &to.join(name), patient);
        } else {
            let bytes = std::fs::read(entry.path()).expect("readable");
            std::fs::write(to.join(name), replace(&bytes, b"0000000003", patient.as_bytes())).expect("writable");
        }
    }
}

fn replace(bytes: &[u8], from: &[u8], to: &[u8]) -> Vec<u8> {
    let mut out = bytes.to_vec();
    for at in 0..out.len().saturating_sub(from.len()) {
        if out[at..].starts_with(from) {
            out[at..at + to.len()].copy_from_slice(to);
        }
    }
    out
}

fn letters(receipts: &Path) -> Vec<String> {
    // The last line may be cut off by the kill: it was never acknowledged.
    program::read(receipts).lines().filter_map(letter).collect()
}

fn letter(line: &str) -> Option<String> {
    let receipt: Value = serde_json::from_str(line).ok()?;
    receipt["letter"].as_str().map(str::to_owned)
}

fn number_before(text: &str, words: &str) -> Option<usize> {
    let before = text.split(words).next()?;
    before.rsplit(|c: char| !c.is_ascii_digit()).next()?.parse().ok()
}

fn path(path: &Path) -> &str {
    path.to_str().expect("a path")
}
