//! Letters that come inside others: zip files of a storage, batches, several messages in one file.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

mod gateway;
mod zipped;

use std::sync::{Arc, Mutex};

use gateway::{CLINIC, HOSPITAL, clock, example_letters, source};
use tasuki::letter::{Letter, LetterId};
use tasuki::pipeline::{Outcome, Pipeline, Receipt};
use tasuki::store::faulty::{Failure, FaultyEngine};
use tasuki::store::memory::MemoryEngine;
use tasuki::store::{Engine, Position, Store};
use zipped::zip;

fn letter(name: &str, bytes: Vec<u8>) -> Letter {
    Letter { source: source(HOSPITAL), name: name.into(), bytes }
}

fn message(number: u32, control: u32) -> String {
    format!(
        "MSH|^~\\&|HIS|{HOSPITAL}|GW|X|20261110120000||ADT^A08^ADT_A01|{control}|P|2.5\rEVN||20261110120000\r\
         PID|||{number:010}^^^^PI||試験^太郎||19500101|M\rPV1||O\r"
    )
}

fn receipt_of(pipeline: &Pipeline, part: &tasuki::pipeline::Part) -> Receipt {
    pipeline.receipt(LetterId::parse(&part.letter).unwrap()).unwrap().unwrap()
}

#[test]
fn a_zipped_storage_is_received_as_the_storage_itself() {
    let letters = example_letters("hospital/0119999901", HOSPITAL, |_| true);
    let files: Vec<(String, &[u8])> =
        letters.iter().rev().map(|l| (format!("0119999901/{}", l.name), &*l.bytes)).collect();
    let by_zip = Store::open_memory();
    let pipeline = Pipeline::new(by_zip.clone(), clock);
    let whole = letter("all.zip", zip(&files, true));
    let seen = Mutex::new(Vec::new());
    let watch = |done, all| {
        seen.lock().unwrap().push((done, all));
        true
    };
    let stopped = pipeline.receive_watched(&whole, &|done, _| done < 3);
    assert_eq!(stopped, Err(tasuki::fault::Fault::Busy), "told to stop, it goes on at the next delivery");
    let receipt = pipeline.receive_watched(&whole, &watch).unwrap();
    assert_eq!((receipt.outcome, receipt.parts.len(), receipt.issues.len()), (Outcome::Parted, letters.len(), 0));
    let mut seen = seen.into_inner().unwrap();
    seen.sort();
    assert_eq!(seen.last(), Some(&(letters.len(), letters.len())));
    // The same letters, one by one from the folder: each is known already.
    for letter in &letters {
        assert!(pipeline.receive(letter).unwrap().repeat, "{}", letter.name);
    }
    let by_folder = Store::open_memory();
    let other = Pipeline::new(by_folder.clone(), clock);
    for letter in &letters {
        let (ours, theirs) = (pipeline.receive(letter).unwrap(), other.receive(letter).unwrap());
        assert_eq!((ours.resources, ours.issues), (theirs.resources, theirs.issues), "{}", letter.name);
    }
    // A second delivery changes nothing.
    let logged = by_zip.log(Position(0), 10_000).unwrap().len();
    let again = pipeline.receive(&whole).unwrap();
    assert_eq!((again.repeat, again.parts), (true, receipt.parts));
    assert_eq!(by_zip.log(Position(0), 10_000).unwrap().len(), logged);
}

#[test]
fn the_command_line_takes_in_a_zipped_storage() {
    let letters = example_letters("hospital/0119999901", HOSPITAL, |_| true);
    let files: Vec<(String, &[u8])> = letters.iter().map(|l| (format!("0119999901/{}", l.name), &*l.bytes)).collect();
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("all.zip");
    std::fs::write(&path, zip(&files, true)).unwrap();
    let ingest = || {
        let mut program = std::process::Command::new(env!("CARGO_BIN_EXE_tasuki"));
        let output = program.arg("ingest").arg("--store").arg(folder.path().join("store")).arg(&path).output().unwrap();
        (output.status.code(), String::from_utf8(output.stderr).unwrap())
    };
    let (exit, said) = ingest();
    assert_eq!(exit, Some(0), "{said}");
    assert!(said.contains(&format!("{} stored", letters.len())) && said.contains(" 0 held"), "{said}");
    assert!(ingest().1.contains("0 stored (0 resource versions), 1 known already"));
}

#[test]
fn a_message_that_is_held_does_not_hold_up_those_behind_it() {
    let store = Store::open_memory();
    let pipeline = Pipeline::new(store.clone(), clock);
    let text = format!("BHS|^~\\&\r{}MSH|^~\\&|HIS|X|||2026||ZZZ^Z99|9|P|2.5\r{}BTS|4\r", message(1, 1), message(2, 2));
    let whole = letter("day.hl7", text.into_bytes());
    let receipt = pipeline.receive(&whole).unwrap();
    let outcomes: Vec<_> = receipt.parts.iter().map(|part| (part.name.as_str(), part.outcome)).collect();
    assert_eq!(
        outcomes,
        [("day.hl7#1", Outcome::Stored), ("day.hl7#2", Outcome::Held), ("day.hl7#3", Outcome::Stored)]
    );
    assert_eq!(receipt.issues[0].rule, "v2-batch-count");
    assert_eq!(receipt.parts[0].patient, receipt_of(&pipeline, &receipt.parts[0]).patient);
    assert_eq!(store.raw(whole.id()).unwrap().unwrap(), whole.bytes, "the whole is kept as it came");
    assert_eq!(store.held(None, 9).unwrap().len(), 1, "only the poisoned part waits for somebody");
}

#[test]
fn a_batch_inside_a_zip_file_is_opened_and_a_zip_file_is_not() {
    let pipeline = Pipeline::new(Store::open_memory(), clock);
    let batch = format!("{}{}", message(1, 1), message(2, 2));
    let inner = zip(&[("a.hl7".to_owned(), message(3, 3).as_bytes())], false);
    let files = [
        ("in/batch.hl7".to_owned(), batch.as_bytes()),
        ("in/inner.zip".to_owned(), &inner),
        ("in/none".to_owned(), b"x"),
    ];
    let receipt = pipeline.receive(&letter("w.zip", zip(&files, true))).unwrap();
    let outcomes: Vec<_> = receipt.parts.iter().map(|part| (part.name.as_str(), part.outcome)).collect();
    assert_eq!(
        outcomes,
        [("in/batch.hl7", Outcome::Parted), ("in/inner.zip", Outcome::Held), ("in/none", Outcome::Held)]
    );
    assert_eq!(receipt_of(&pipeline, &receipt.parts[0]).parts.len(), 2);
    assert_eq!(receipt_of(&pipeline, &receipt.parts[1]).issues[0].rule, "container-nested");
}

#[test]
fn a_container_that_cannot_be_opened_is_held_and_an_entry_that_cannot_is_told() {
    let pipeline = Pipeline::new(Store::open_memory(), clock);
    let mut file =
        zip(&[("a.hl7".to_owned(), message(1, 1).as_bytes()), ("b.hl7".to_owned(), message(2, 2).as_bytes())], false);
    let cut = pipeline.receive(&letter("w.zip", file[..file.len() - 30].to_vec())).unwrap();
    assert_eq!((cut.outcome, cut.issues[0].rule.as_str()), (Outcome::Held, "zip-not-whole"));
    file[40] ^= 1;
    let receipt = pipeline.receive(&letter("w.zip", file)).unwrap();
    assert_eq!((receipt.outcome, receipt.parts.len()), (Outcome::Parted, 1));
    let issue = &receipt.issues[0];
    assert_eq!((issue.rule.as_str(), issue.place.as_str()), ("zip-entry-damaged", "entry 1"));
}

#[test]
fn the_root_of_a_storage_says_whose_it_is_where_nobody_else_does() {
    let pipeline = Pipeline::new(Store::open_memory(), clock);
    let letters = example_letters("hospital/0119999901", HOSPITAL, |name| name.contains("ADT-00"));
    let name = |root: &str| (format!("{root}/{}", letters[0].name), &*letters[0].bytes);
    let whole = |facility: &str| Letter { source: source(facility), ..letter("w.zip", zip(&[name(CLINIC)], true)) };
    let patient = |receipt: Receipt| receipt.parts[0].patient.clone().unwrap();
    let (unstated, stated) = (pipeline.receive(&whole("")).unwrap(), pipeline.receive(&whole(HOSPITAL)).unwrap());
    let number = letters[0].name.split('/').nth(2).unwrap();
    let of = |facility: &str| tasuki::fhir::PatientKey::derive(&source(facility).facility, number).reference();
    assert_eq!((patient(unstated), patient(stated)), (of(CLINIC), of(HOSPITAL)));
}

#[test]
fn a_fault_in_the_middle_is_made_good_by_the_next_delivery() {
    let whole = letter("day.hl7", (1..4).map(|n| message(n, n)).collect::<String>().into_bytes());
    for failure in [Failure::Before, Failure::After] {
        for nth in 2.. {
            let inner: Arc<dyn Engine> = Arc::new(MemoryEngine::new());
            let faulty = Arc::new(FaultyEngine::new(inner.clone(), nth, failure));
            let Ok(store) = Store::over(faulty.clone()) else { continue };
            let first = Pipeline::new(store, clock).receive(&whole);
            let ended = !faulty.failed();
            assert_eq!(first.is_ok(), ended, "call {nth}");
            let second = Pipeline::new(Store::over(inner).unwrap(), clock).receive(&whole).unwrap();
            assert_eq!((second.outcome, second.parts.len()), (Outcome::Parted, 3), "call {nth}");
            assert!(second.parts.iter().all(|part| part.outcome == Outcome::Stored));
            if ended {
                assert!(nth > 15, "the loop has reached every call");
                break;
            }
        }
    }
}

const CSV: &str = "患者番号,検査日,項目コード,項目名,結果値\n1,20260401,TP,総蛋白,6.1\n2,20260231,TP,総蛋白,7\n\
    1,20260401,ALB,アルブミン,4\n,20260401,TP,総蛋白,8\n3,20260401,TP,総蛋白,9\n";

#[test]
fn an_export_about_several_patients_is_taken_in_patient_by_patient() {
    let pipeline = Pipeline::new(Store::open_memory(), clock);
    let receipt = pipeline.receive(&letter("in/lab.csv", CSV.into())).unwrap();
    let found: Vec<_> = receipt.parts.iter().map(|part| (part.name.as_str(), part.outcome)).collect();
    let expected = [
        ("in/lab.csv#2,4", Outcome::Stored),
        ("in/lab.csv#3", Outcome::Held),
        ("in/lab.csv#5", Outcome::Held),
        ("in/lab.csv#6", Outcome::Stored),
    ];
    assert_eq!(found, expected);
    let told = |at: usize| {
        let issue = receipt_of(&pipeline, &receipt.parts[at]).issues.remove(0);
        (issue.place, issue.rule)
    };
    assert_eq!(told(1), ("row 3, column 検査日".to_owned(), "export-date".to_owned()));
    assert_eq!(told(2), ("row 5, column 患者番号".to_owned(), "export-required".to_owned()));
    let of = |number: &str| tasuki::fhir::PatientKey::derive(&source(HOSPITAL).facility, number).reference();
    assert_eq!(receipt.parts[0].patient, Some(of("1")));
    // One more row for somebody else: who is known already is not written again.
    let longer =
        pipeline.receive(&letter("in/lab2.csv", (CSV.to_owned() + "4,20260401,TP,総蛋白,5\n").into())).unwrap();
    assert_eq!(longer.parts.len(), 5);
    let again = receipt_of(&pipeline, &longer.parts[0]);
    assert!(again.resources.iter().all(|one| one.starts_with("Provenance/")), "{:?}", again.resources);
    // In a zip file it is cut as well.
    let zipped = zip(&[("day/x.csv".to_owned(), CSV.as_bytes())], true);
    let receipt = pipeline.receive(&letter("w.zip", zipped)).unwrap();
    assert_eq!(receipt.parts[0].outcome, Outcome::Parted);
    assert_eq!(receipt_of(&pipeline, &receipt.parts[0]).parts[1].name, "day/x.csv#3");
}

#[test]
fn a_container_is_converted_to_one_transaction_and_explained_as_what_it_is() {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| {
        std::fs::write(folder.path().join(name), bytes).unwrap();
        folder.path().join(name).to_str().unwrap().to_owned()
    };
    let run = |arguments: &[&str]| {
        let output = std::process::Command::new(env!("CARGO_BIN_EXE_tasuki")).args(arguments).output().unwrap();
        (output.status.code(), String::from_utf8(output.stdout).unwrap(), String::from_utf8(output.stderr).unwrap())
    };
    let csv = write("lab.csv", CSV.as_bytes());
    let (exit, said, noticed) = run(&["convert", "--facility", HOSPITAL, &csv]);
    assert_eq!(exit, Some(0), "{noticed}");
    assert!(noticed.contains("row 3, column 検査日") && noticed.contains("row 5, column 患者番号"), "{noticed}");
    let bundle: serde_json::Value = serde_json::from_str(&said).unwrap();
    let entries = bundle["entry"].as_array().unwrap();
    let of_type = |kind: &str| entries.iter().filter(|entry| entry["resource"]["resourceType"] == kind).count();
    assert_eq!((of_type("Patient"), of_type("Observation")), (2, 3));
    let mut urls: Vec<&str> = entries.iter().filter_map(|entry| entry["request"]["url"].as_str()).collect();
    let count = urls.len();
    urls.sort();
    urls.dedup();
    assert_eq!(urls.len(), count, "a transaction names no resource twice");
    assert!(entries.iter().all(|entry| entry["resource"]["meta"]["versionId"].is_null()));
    let batch = format!("{}MSH|^~\\&|HIS|X|||2026||ZZZ^Z99|9|P|2.5\r", message(1, 1) + &message(1, 2));
    let batch = write("day.hl7", batch.as_bytes());
    let (exit, said, noticed) = run(&["convert", &batch]);
    assert_eq!((exit, said.matches("\"resourceType\": \"Patient\"").count()), (Some(0), 1));
    assert!(noticed.contains("message 3"), "{noticed}");
    let nothing = write("none.hl7", b"MSH|^~\\&|A\rMSH|^~\\&|B\r");
    assert_eq!(run(&["convert", &nothing]).0, Some(65));
    let (exit, _, noticed) = run(&["explain", &batch]);
    assert!(exit == Some(65) && noticed.contains("it holds 3 letters"), "{noticed}");
}
