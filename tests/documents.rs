//! What letters with documents, appointments and unmapped messages make of a record.
#![allow(clippy::unwrap_used, clippy::expect_used)] // a test fails by panicking

use std::sync::Arc;

use serde_json::Value;
use tasuki::chart::Chart;
use tasuki::fhir::{FacilityCode, PatientKey, ResourceType, base64};
use tasuki::letter::{Letter, Source};
use tasuki::map::document::DOCUMENT_BYTES_MAX;
use tasuki::pipeline::{Outcome, Pipeline, Receipt};
use tasuki::store::Store;

const PATIENT: &str = "9999013";
const KIND: &str = "L7^退院サマリ^99ZZZ^18842-5^退院時サマリー^LN";

struct Record {
    store: Store,
    pipeline: Pipeline,
}

impl Record {
    fn new() -> Record {
        let store = Store::open_memory();
        Record { pipeline: Pipeline::new(store.clone(), || 1_795_000_000_000), store }
    }

    fn letter(&self, name: &str, bytes: &[u8]) -> Receipt {
        let source = Source { facility: FacilityCode::parse("0119999901"), zone_minutes: 540 };
        let letter = Letter { source: Arc::new(source), name: name.into(), bytes: bytes.to_vec() };
        self.pipeline.receive(&letter).expect("no fault")
    }

    fn send(&self, event: &str, day: u8, segments: &str) {
        let receipt = self.letter("", message(event, day, segments).as_bytes());
        assert_eq!(receipt.outcome, Outcome::Stored, "{receipt:#?}");
    }

    fn file(&self, key: &str, stamp: &str, flag: &str, file: &str, bytes: &[u8]) -> Receipt {
        let content = format!("{PATIENT}_20260601_L7_{key}_{stamp}_01_{flag}");
        self.letter(&format!("999/901/{PATIENT}/20260601/{KIND}/{content}/{file}"), bytes)
    }

    fn chart(&self) -> Chart {
        let patient = PatientKey::derive(&FacilityCode::parse("0119999901"), PATIENT);
        Chart::build(&self.store.partition(patient).expect("readable"), Default::default(), &Default::default())
            .expect("a chart")
    }

    fn current(&self, resource_type: ResourceType) -> Vec<Value> {
        let chart = self.chart();
        let rows = (0..chart.len()).filter(|row| chart.columns.types[*row] == resource_type);
        rows.map(|row| serde_json::from_slice(&chart.body(row).expect("readable")).expect("JSON")).collect()
    }

    /// `number status docStatus`, sorted.
    fn documents(&self) -> Vec<String> {
        let line = |d: &Value| {
            let part = |value: &Value| value.as_str().unwrap_or("-").to_owned();
            [&d["masterIdentifier"]["value"], &d["status"], &d["docStatus"]].map(part).join(" ")
        };
        let mut all: Vec<String> = self.current(ResourceType::DOCUMENT_REFERENCE).iter().map(line).collect();
        all.sort();
        all
    }

    /// What the Binaries hold, sorted.
    fn texts(&self) -> Vec<String> {
        let text = |b: &Value| String::from_utf8(base64::decode(b["data"].as_str().unwrap()).unwrap()).unwrap();
        let mut all: Vec<String> = self.current(ResourceType::BINARY).iter().map(text).collect();
        all.sort();
        all
    }
}

fn message(event: &str, day: u8, segments: &str) -> String {
    let stamp = format!("202606{day:02}120000");
    format!(
        "MSH|^~\\&|HIS|0119999901|GW|RCV|{stamp}||{event}|{event}{stamp}|P|2.5||||||UNICODE UTF-8\r\
         PID|1||{PATIENT}||試験^太郎^^^^^L^I||19480405|M\r{segments}"
    )
}

fn txa(number: &str, parent: &str, completion: &str, confidentiality: &str) -> String {
    format!("TXA|1|11488-4^記録^LN|TX|||||||||{number}|{parent}||||{completion}|{confidentiality}\r")
}

fn text(line: &str) -> String {
    format!("OBX|1|TX|1^所見^99EXM||{line}||||||F\r")
}

#[test]
fn a_document_is_told_changed_replaced_and_cancelled() {
    let record = Record::new();
    record.send("MDM^T02", 1, &(txa("D1", "", "PA", "") + &text("所見なし")));
    assert_eq!((record.documents(), record.texts()), (vec!["D1 current preliminary".into()], vec!["所見なし".into()]));
    // Authenticated, without the text: the text stays, and the document still points to it.
    record.send("MDM^T03", 2, &txa("D1", "", "LA", ""));
    assert_eq!((record.documents(), record.texts()), (vec!["D1 current final".into()], vec!["所見なし".into()]));
    assert!(record.current(ResourceType::DOCUMENT_REFERENCE)[0]["content"][0]["attachment"]["url"].is_string());
    // What an edited document does not hold any more is gone.
    record.send("MDM^T08", 3, &(txa("D1", "", "AU", "") + &text("所見あり")));
    assert_eq!(record.texts(), ["所見あり"]);
    record.send("MDM^T10", 4, &(txa("D2", "D1", "AU", "") + &text("改訂")));
    assert_eq!(record.documents(), ["D1 superseded final", "D2 current final"]);
    record.send("MDM^T11", 5, &txa("D2", "", "", ""));
    assert_eq!(record.documents(), ["D1 superseded final", "D2 entered-in-error entered-in-error"]);
    assert_eq!(record.texts(), ["所見あり"], "what was in the wrong chart is gone from it");
}

#[test]
fn a_late_notice_does_not_undo_a_newer_one() {
    let record = Record::new();
    record.send("MDM^T04", 3, &(txa("D1", "", "LA", "") + &text("新")));
    record.send("MDM^T02", 1, &(txa("D1", "", "DI", "") + &text("旧")));
    assert_eq!(record.documents(), ["D1 current final"]);
    assert_eq!(record.texts(), ["新"]);
}

#[test]
fn a_restricted_document_is_hidden_with_its_bytes() {
    let record = Record::new();
    record.send("MDM^T02", 1, &(txa("D1", "", "AU", "") + &text("open")));
    record.send("MDM^T10", 2, &(txa("D2", "D1", "AU", "R") + &text("hidden")));
    let chart = record.chart();
    for row in 0..chart.len() {
        let body: Value = serde_json::from_slice(&chart.body(row).unwrap()).unwrap();
        let is_hidden = match body["resourceType"].as_str().unwrap() {
            "DocumentReference" => body["masterIdentifier"]["value"] == "D2",
            "Binary" => base64::decode(body["data"].as_str().unwrap()).unwrap() == b"hidden",
            _ => continue,
        };
        assert_eq!(!chart.columns.labels[row].is_empty(), is_hidden, "{body}");
    }
    assert_eq!(record.documents()[0], "D1 current final", "what is hidden is not told of by what is not");
}

#[test]
fn every_pair_of_kind_and_message_is_taken_in() {
    const PAIRS: [(&str, &str); 36] = [
        ("ADT-00", "ADT^A08"),
        ("ADT-00", "ADT^A23"),
        ("ADT-01", "ADT^A54"),
        ("ADT-01", "ADT^A55"),
        ("ADT-12", "ADT^A04"),
        ("ADT-21", "ADT^A14"),
        ("ADT-21", "ADT^A27"),
        ("ADT-22", "ADT^A01"),
        ("ADT-22", "ADT^A11"),
        ("ADT-31", "ADT^A21"),
        ("ADT-31", "ADT^A52"),
        ("ADT-32", "ADT^A22"),
        ("ADT-32", "ADT^A53"),
        ("ADT-41", "ADT^A15"),
        ("ADT-41", "ADT^A26"),
        ("ADT-42", "ADT^A02"),
        ("ADT-42", "ADT^A12"),
        ("ADT-51", "ADT^A16"),
        ("ADT-51", "ADT^A25"),
        ("ADT-52", "ADT^A03"),
        ("ADT-52", "ADT^A13"),
        ("ADT-61", "ADT^A60"),
        ("PPR-01", "PPR^ZD1"),
        ("OMD", "OMD^O03"),
        ("OMP-01", "RDE^O11"),
        ("OMP-11", "RAS^O17"),
        ("OMP-02", "RDE^O11"),
        ("OMP-12", "RAS^O17"),
        ("OML-01", "OML^O33"),
        ("OML-11", "OUL^R22"),
        ("OMG-01", "OMG^O19"),
        ("OMG-02", "OMG^O19"),
        ("OMG-03", "OMG^O19"),
        ("OMG-11", "OMI^Z23"),
        ("OMG-12", "OMI^Z23"),
        ("OMG-13", "ORU^R01"),
    ];
    for (kind, event) in PAIRS {
        let record = Record::new();
        let name = format!("{PATIENT}_20260601_{kind}_1_20260601120000000_01_1");
        let receipt = record.letter(&name, message(event, 1, "PV1|1|I|03^301^01^^^N\r").as_bytes());
        assert_eq!(receipt.outcome, Outcome::Stored, "{kind} {event}: {receipt:#?}");
    }
    // A message of another kind than the name says is still held.
    let name = format!("{PATIENT}_20260601_ADT-41_1_20260601120000000_01_1");
    assert_eq!(Record::new().letter(&name, message("ADT^A02", 1, "").as_bytes()).outcome, Outcome::Held);
}

#[test]
fn a_message_without_a_home_is_a_document_until_it_is_taken_back() {
    let record = Record::new();
    record.send("DFT^P03", 1, "FT1|1|||20260601||CG|X1\r");
    let [document] = &record.current(ResourceType::DOCUMENT_REFERENCE)[..] else { panic!() };
    assert_eq!(document["type"]["text"], "DFT^P03");
    assert_eq!(document["content"][0]["attachment"]["contentType"], "x-application/hl7-v2+er7");
    assert!(record.texts()[0].contains("FT1|1|||20260601"));
    let held = record.letter("", message("QBP^Q11", 1, "").as_bytes());
    assert_eq!((held.outcome, held.issues[0].place.as_str()), (Outcome::Held, "MSH-9"));
}

#[test]
fn a_file_of_extended_storage_is_a_document() {
    let record = Record::new();
    assert_eq!(record.file("7", "20260601103000000", "1", "a.pdf", b"%PDF-1").outcome, Outcome::Stored);
    let [document] = &record.current(ResourceType::DOCUMENT_REFERENCE)[..] else { panic!() };
    assert_eq!(document["type"]["coding"][0]["code"], "18842-5");
    assert_eq!(document["type"]["text"], "退院サマリ");
    assert_eq!(document["context"]["period"]["start"], "2026-06-01");
    // Corrected; what was replaced may come after what replaces it.
    record.file("7", "20260602103000000", "1", "a.pdf", b"%PDF-2");
    record.file("7", "20260601103000000", "2", "a.pdf", b"%PDF-1");
    assert_eq!(record.texts(), ["%PDF-2"]);
    assert_eq!(record.current(ResourceType::DOCUMENT_REFERENCE)[0]["status"], "current");
    record.file("7", "20260603103000000", "0", "a.pdf", b"%PDF-2");
    assert!(record.texts().is_empty() && record.current(ResourceType::DOCUMENT_REFERENCE).is_empty());
}

#[test]
fn a_number_alone_says_less_of_a_patient_than_anything_else() {
    let record = Record::new();
    record.send("DFT^P03", 1, "");
    record.file("7", "20260630103000000", "1", "a.pdf", b"%PDF-1");
    assert_eq!(record.current(ResourceType::PATIENT)[0]["name"][0]["family"], "試験");
}

#[test]
fn files_of_extended_storage_are_held_for_a_reason() {
    let record = Record::new();
    let reason = |receipt: Receipt| (receipt.outcome, receipt.issues[0].rule.clone());
    let held = |rule: &str| (Outcome::Held, rule.to_owned());
    let stamp = "20260601103000000";
    let content = format!("9999014_20260601_L7_1_{stamp}_01_1");
    let path = format!("999/901/{PATIENT}/20260601/{KIND}/{content}/a.pdf");
    assert_eq!(reason(record.letter(&path, b"%PDF-1")), held("ssmix2-folders-disagree"));
    assert_eq!(reason(record.file("1", stamp, "1", "a.bin", &[0, 1, 2])), held("letter-format-unknown"));
    let other = message("ORU^R30", 1, "").replace(PATIENT, "9999014");
    assert_eq!(
        reason(record.file("1", stamp, "1", "main_document.hl7", other.as_bytes())),
        held("ssmix2-other-patient")
    );
    let own = message("DFT^P03", 1, "");
    assert_eq!(reason(record.file("1", stamp, "0", "m.hl7", own.as_bytes())), held("ssmix2-extended-deleted"));
    let mut large = b"%PDF-".to_vec();
    large.resize(DOCUMENT_BYTES_MAX + 1, b' ');
    assert_eq!(reason(record.file("1", stamp, "1", "large.pdf", &large)), held("document-too-large"));
}

#[test]
fn a_message_in_extended_storage_says_what_document_it_was() {
    let record = Record::new();
    let receipt = record.file("1", "20260601103000000", "1", "m.hl7", message("DFT^P03", 1, "").as_bytes());
    assert_eq!(receipt.outcome, Outcome::Stored, "{receipt:#?}");
    let provenance = &record.current(ResourceType::PROVENANCE)[0];
    assert_eq!(provenance["entity"][0]["what"]["display"], "退院サマリ");
}

#[test]
fn an_appointment_is_stated_as_a_whole() {
    let record = Record::new();
    let appointment =
        |services: &str| format!("SCH|A1|F1||||||||||^^^20260615103000^20260615110000\rRGS|1\r{services}");
    record.send("SIU^S12", 1, &appointment("AIS|1||X^検査^99E\rAIS|2||Y^診察^99E\r"));
    assert_eq!(record.current(ResourceType::SERVICE_REQUEST).len(), 2);
    record.send("SIU^S14", 2, &appointment("AIS|1||Y^診察^99E\r"));
    assert_eq!(record.current(ResourceType::SERVICE_REQUEST).len(), 1, "what is not booked any more is gone");
    record.send("SIU^S15", 3, &appointment("AIS|1||Y^診察^99E\r"));
    let [appointment] = &record.current(ResourceType::APPOINTMENT)[..] else { panic!() };
    assert_eq!(appointment["status"], "cancelled");
    assert_eq!(record.current(ResourceType::SERVICE_REQUEST)[0]["status"], "revoked");
}
