//! The command line's main job: a tree goes in, nothing is lost, the same tree again changes nothing.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

mod program;

use std::collections::BTreeMap;
use std::path::Path;

use program::{corpora, example, tasuki};
use serde_json::Value;

#[test]
fn the_example_hospital_goes_in_whole_and_only_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let store = folder.path().join("store");
    let first = ingest(&example("hospital/0119999901"), &store);
    assert_eq!(first.len(), 42);
    assert!(first.values().all(|r| r["outcome"] == "stored"), "{first:#?}");
    let second = ingest(&example("hospital/0119999901"), &store);
    assert_eq!(first, second, "the same tree gives the same receipts");
    let verify = tasuki(&["verify", "--store", store.to_str().expect("a path")]);
    assert!(verify.status.success(), "{}", String::from_utf8_lossy(&verify.stdout));
}

#[test]
fn two_gateways_make_the_same_ids() {
    let folder = tempfile::tempdir().expect("a folder");
    let resources = |name: &str| -> BTreeMap<String, Value> {
        let receipts = ingest(&example("hospital/0119999901"), &folder.path().join(name));
        receipts.into_iter().map(|(name, receipt)| (name, receipt["resources"].clone())).collect()
    };
    assert_eq!(resources("one"), resources("two"));
}

#[test]
fn every_foreign_file_is_stored_or_held_with_a_reason() {
    let Some(corpora) = corpora() else { return };
    for tree in ["ssmix2/generated", "v2/nhoHQ+SSMIX2DataTestingTool", "fhir/jp-clins-1.5.2-ExampleJson"] {
        let folder = tempfile::tempdir().expect("a folder");
        let path = corpora.join(tree);
        let receipts = ingest(&path, folder.path());
        assert_eq!(receipts.len(), files_under(&path), "{tree}: a receipt for each file");
        for (name, receipt) in &receipts {
            let reasoned = !receipt["issues"][0]["ja"].as_str().unwrap_or("").is_empty();
            assert!(receipt["outcome"] == "stored" || reasoned, "{name}: {receipt}");
        }
        assert_eq!(ingest(&path, folder.path()), receipts, "{tree}: the second time changes nothing");
        let stored = receipts.values().filter(|r| r["outcome"] == "stored").count();
        println!("{tree}: {stored} stored, {} held", receipts.len() - stored);
    }
}

/// Runs `tasuki ingest` and gives the receipts by file name.
fn ingest(path: &Path, store: &Path) -> BTreeMap<String, Value> {
    let arguments = [path.to_str().expect("a path"), "--store", store.to_str().expect("a path"), "--receipts", "-"];
    let output = tasuki(&[&["ingest"], &arguments[..]].concat());
    assert!(matches!(output.status.code(), Some(0 | 1)), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("UTF-8");
    text.lines()
        .map(|line| {
            let receipt: Value = serde_json::from_str(line).expect("a receipt");
            (receipt["name"].as_str().expect("a name").to_owned(), receipt)
        })
        .collect()
}

fn files_under(path: &Path) -> usize {
    let entries = std::fs::read_dir(path).expect("a folder");
    entries.flatten().map(|e| if e.path().is_dir() { files_under(&e.path()) } else { 1 }).sum()
}
