//! The example clients against a live gateway: what a consent permits is fetched, what is new is fetched again, what was
//! withdrawn is taken away; what a hospital hands in is taken. Where an interpreter is missing its client is not run, and
//! this says so.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout)] // a test fails by panicking

mod program;

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use program::{Demo, example, read};

fn here(path: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/clients").join(path)
}

/// Whether a program is there and ends well; says so where it does not.
fn is_there(program: &str, arguments: &[&str], needs: &str) -> bool {
    let is_there = Command::new(program).args(arguments).output().is_ok_and(|output| output.status.success());
    if !is_there {
        println!("not run: {needs}");
    }
    is_there
}

fn said(output: &Output) -> String {
    let texts = [&output.stdout, &output.stderr].map(|text| String::from_utf8_lossy(text).into_owned());
    assert!(output.status.success(), "{} {}", texts[0], texts[1]);
    texts[0].trim().to_owned()
}

/// Patients, new or changed resources, patients who have left.
fn counts(output: &Output) -> [usize; 3] {
    let numbers = said(output);
    let numbers: Vec<usize> = numbers.split(|c: char| !c.is_ascii_digit()).filter_map(|n| n.parse().ok()).collect();
    numbers.try_into().expect("three numbers")
}

fn files(folder: &Path) -> usize {
    std::fs::read_dir(folder).map_or(0, |files| files.count())
}

/// A client that pulls, over everything that can become of the records it reads.
fn pulls(demo: &Demo, name: &str, program: &mut dyn FnMut() -> Command) {
    let folder = tempfile::tempdir().unwrap();
    let out = folder.path().join("pulled");
    let mut run = |whole: bool| {
        let mut command = program();
        command.args(["--base", &demo.base, "--out", out.to_str().unwrap()]);
        counts(&command.args(whole.then_some("--whole")).output().unwrap())
    };
    let consent = |status: &str| {
        let consent = read(&example("consents/consent-hanako-agency-a.json")).replace("\"active\"", status);
        let answer = demo.send("PUT", "office", "/Consent/consent-hanako-agency-a", Some(consent));
        assert!(matches!(answer.status, 200 | 201), "{}", answer.body);
    };
    let all = demo.get("agency-a", "/Patient?_elements=id").entries();
    let ids: Vec<&str> = all.iter().map(|patient| patient["id"].as_str().unwrap()).collect();
    let whole: Vec<usize> = ids
        .iter()
        .map(|id| demo.get("agency-a", &format!("/Patient/{id}/$everything?_count=1000")).entries().len())
        .collect();
    assert_eq!(run(false), [2, whole.iter().sum(), 0], "{name}: all of it, first");
    for (id, count) in ids.iter().zip(&whole) {
        assert_eq!(files(&out.join(id)), *count, "{name}: one file each");
    }
    assert_eq!(run(false), [2, 0, 0], "{name}: nothing is new");
    consent("\"inactive\"");
    assert_eq!(run(false), [1, 0, 1], "{name}: one has withdrawn");
    let left = ids.iter().filter(|id| out.join(id).exists()).count();
    assert_eq!(left, 1, "{name}: and is not in the folder any more");
    consent("\"active\"");
    let back = run(false);
    assert!(back[0] == 2 && back[1] > 0 && back[2] == 0, "{name}: {back:?}");
    // What may not be read any more goes with the next look at the whole.
    let kept = ids.iter().map(|id| out.join(id)).find(|folder| folder.is_dir()).unwrap();
    std::fs::write(kept.join("Observation-hidden-since.json"), "{}").unwrap();
    assert_eq!(run(true), [2, 0, 0], "{name}: all of it again");
    assert!(!kept.join("Observation-hidden-since.json").exists());
}

#[test]
fn the_python_client_pulls() {
    if !is_there("python3", &["-c", "import jwt, requests, cryptography"], "python3 with PyJWT[crypto] and requests") {
        return;
    }
    pulls(&Demo::start(), "python", &mut || {
        let mut command = Command::new("python3");
        command.arg(here("python/pull.py"));
        command
    });
}

#[test]
fn the_javascript_client_pulls() {
    if !is_there("node", &["-e", "process.exit(Number(process.versions.node.split('.')[0]) < 20)"], "node 20") {
        return;
    }
    pulls(&Demo::start(), "javascript", &mut || {
        let mut command = Command::new("node");
        command.arg(here("javascript/pull.mjs"));
        command
    });
}

#[test]
fn the_rust_client_pulls() {
    // Beside the program; cargo builds the examples with the tests, unless one test alone is asked for.
    let built = Path::new(env!("CARGO_BIN_EXE_tasuki")).with_file_name("examples").join("care-puller");
    if !built.exists() {
        println!("not run: `cargo build --example care-puller` first");
        return;
    }
    pulls(&Demo::start(), "rust", &mut || Command::new(&built));
}

#[test]
fn the_hospitals_program_pushes_and_reads_the_receipts() {
    if !is_there("sh", &["-c", "command -v curl && command -v openssl"], "sh, curl and openssl") {
        return;
    }
    let demo = Demo::start();
    let folder = tempfile::tempdir().unwrap();
    // A new result of a patient in SS-MIX2, a JP-CLINS Bundle that is known already, and a file that is nothing.
    let old = "hospital/0119999901/000/000/0000000001";
    let old = walk(&example(old)).into_iter().find(|path| path.to_string_lossy().contains("OML-11")).unwrap();
    let text = read_bytes(&old);
    let new = folder.path().join(old.file_name().unwrap().to_string_lossy().replace("_000000", "_990000"));
    std::fs::write(&new, &text).unwrap();
    let push = |files: &[&Path]| {
        Command::new(here("shell/push.sh")).args(files).env("BASE", &demo.base).output().expect("it runs")
    };
    let known = example("documents/lab-results.json");
    let first = said(&push(&[&new, &known]));
    let lines: Vec<&str> = first.lines().collect();
    assert_eq!(lines.len(), 2, "{first}");
    assert!(lines.iter().all(|line| line.contains(": stored as letter ")), "{first}");
    assert_eq!(said(&push(&[&new, &known])), first, "the same receipts");
    let nothing = folder.path().join("nothing.bin");
    std::fs::write(&nothing, [0_u8; 64]).unwrap();
    let refused = push(&[&nothing, &known]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&refused.stderr).starts_with("nothing.bin: 415 "));
    assert!(String::from_utf8_lossy(&refused.stdout).contains("stored"), "the next one is handed in all the same");
}

fn walk(folder: &Path) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(folder).into_iter().flatten().flatten().map(|entry| entry.path());
    let mut found: Vec<PathBuf> =
        listed.flat_map(|path| if path.is_dir() { walk(&path) } else { vec![path] }).collect();
    found.sort();
    found
}

fn read_bytes(path: &Path) -> Vec<u8> {
    std::fs::read(path).expect("readable")
}
