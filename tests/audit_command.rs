//! `tasuki audit`: the operator verifies the chain, signs its head, and writes the record out as FHIR and as DICOM has it.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

mod program;

use std::path::{Path, PathBuf};

use program::{example, tasuki};
use roxmltree::Document;
use serde_json::Value;

fn run(arguments: &[&str]) -> (i32, String, String) {
    let output = tasuki(arguments);
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

/// A store on disk that has taken in the example hospital, which is on record.
fn on_disk(folder: &Path) -> String {
    let store = folder.join("store").to_str().unwrap().to_owned();
    let (code, ..) = run(&["ingest", example("hospital/0119999901").to_str().unwrap(), "--store", &store]);
    assert_eq!(code, 0);
    store
}

fn chain_of(store: &str) -> PathBuf {
    let mut files = std::fs::read_dir(Path::new(store).join("audit")).unwrap().map(|file| file.unwrap().path());
    files.find(|path| path.extension().is_some_and(|end| end == "chain")).unwrap()
}

#[test]
fn a_head_is_signed_and_what_is_cut_off_later_is_found_by_a_copy_of_it() {
    let folder = tempfile::tempdir().unwrap();
    let store = on_disk(folder.path());
    let (code, said, _) = run(&["audit", "verify", "--store", &store]);
    assert_eq!(code, 0, "{said}");
    assert!(said.contains("no head speaks for this chain") && said.ends_with("whole\n"), "{said}");
    let (code, head, _) = run(&["audit", "head", "--store", &store]);
    let line: Value = serde_json::from_str(&head).unwrap();
    assert!(code == 0 && line["number"].is_u64() && line["signature"].is_string(), "{head}");
    let (code, said, _) = run(&["audit", "verify", "--store", &store]);
    assert!(code == 0 && said.contains("1 signed heads"), "{said}");
    // A copy of the head elsewhere, and of the public key.
    let (copy, key) = (folder.path().join("copy.ndjson"), folder.path().join("key.pub"));
    std::fs::write(&copy, &head).unwrap();
    std::fs::copy(Path::new(&store).join("audit/head-key.pem.pub"), &key).unwrap();
    let elsewhere = ["--anchors", copy.to_str().unwrap(), "--key", key.to_str().unwrap()];
    let verify = [&["audit", "verify", "--store", store.as_str()][..], &elsewhere[..]].concat();
    assert_eq!(run(&verify).0, 0);
    let whole = std::fs::read(chain_of(&store)).unwrap();
    let length = 8 + u32::from_be_bytes(whole[..4].try_into().unwrap()) as usize;
    std::fs::write(chain_of(&store), &whole[..length]).unwrap();
    std::fs::remove_file(Path::new(&store).join("audit/heads.ndjson")).unwrap();
    let (code, said, _) = run(&verify);
    assert!(code == 70 && said.contains("it was cut off"), "{code} {said}");
    let mut changed = whole.clone();
    changed[60] ^= 1;
    std::fs::write(chain_of(&store), &changed).unwrap();
    let (code, said, _) = run(&verify);
    assert!(code == 70 && said.contains("chunk 0 (audit/0000000000000000.chain:0) is not what was written"), "{said}");
    let (code, _, warned) = run(&["audit", "verify", "--store", &store, "--key", copy.to_str().unwrap()]);
    assert!(code == 78 && warned.contains("is no Ed25519 public key"), "{warned}");
}

#[test]
fn the_record_is_written_out_in_both_forms_and_that_is_on_record() {
    let folder = tempfile::tempdir().unwrap();
    let store = on_disk(folder.path());
    let (code, said, warned) = run(&["audit", "export", "--format", "fhir", "--store", &store]);
    assert_eq!(code, 0, "{warned}");
    let events: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert!(!events.is_empty() && events.iter().all(|event| event["resourceType"] == "AuditEvent"));
    let named = |event: &Value| {
        let entity = event["entity"].as_array()?.iter().find(|entity| entity["role"]["code"] == "1")?;
        Some(entity["what"]["reference"].as_str()?.to_owned())
    };
    let patient = events.iter().find_map(named).unwrap();
    let (_, said, _) = run(&["audit", "export", "--format", "dicom", "--store", &store, "--patient", &patient]);
    assert!(!said.is_empty());
    for line in said.lines() {
        let document = Document::parse(line).unwrap();
        assert!(document.root_element().has_tag_name("AuditMessage") && line.contains(&patient), "{line}");
    }
    let (_, said, _) = run(&["audit", "export", "--format", "fhir", "--store", &store, "--to", "2020-01-01"]);
    assert_eq!(said, "");
    let (_, said, _) = run(&["audit", "export", "--format", "fhir", "--store", &store]);
    let used = said.lines().filter(|line| line.contains("\"110101\"")).count();
    assert_eq!(used, 3, "each of those before is on record");
    assert_eq!(run(&["audit", "export", "--format", "fhir", "--store", &store, "--from", "x"]).0, 78);
    assert_eq!(run(&["verify", "--store", &store]).0, 0);
}
