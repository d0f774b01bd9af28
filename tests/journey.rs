//! What a sequence of letters makes of a record: order of time, corrections, cancellations, lists, visits told in parts.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

use std::sync::Arc;

use serde_json::Value;
use tasuki::chart::Chart;
use tasuki::fault::Fault;
use tasuki::fhir::{FacilityCode, PatientKey, ResourceType};
use tasuki::letter::{Letter, Source};
use tasuki::pipeline::{Outcome, Pipeline, Receipt};
use tasuki::store::keys::{self, Space};
use tasuki::store::{Commit, Order, Store};

const PATIENT: &str = "0000000009";

struct Record {
    store: Store,
    pipeline: Pipeline,
}

impl Record {
    fn new() -> Record {
        let store = Store::open_memory();
        Record { pipeline: Pipeline::new(store.clone(), || 1_795_000_000_000), store }
    }

    /// Sends a file of SS-MIX2 storage.
    fn send(&self, day: &str, kind: &str, order: &str, stamp: &str, flag: &str, text: &str) -> Receipt {
        let folders = format!("{}/{}/{PATIENT}/{day}/{kind}", &PATIENT[..3], &PATIENT[3..6]);
        let name = format!("{folders}/{PATIENT}_{day}_{kind}_{order}_{stamp}000_01_{flag}");
        let receipt = self.letter(&name, text);
        assert_eq!(receipt.outcome, Outcome::Stored, "{receipt:#?}");
        receipt
    }

    fn letter(&self, name: &str, text: &str) -> Receipt {
        let source = Source { facility: FacilityCode::parse("0119999901"), zone_minutes: 540 };
        let letter = Letter { source: Arc::new(source), name: name.into(), bytes: text.as_bytes().to_vec() };
        self.pipeline.receive(&letter).expect("no fault")
    }

    /// The current resources of a type, in the order of the record.
    fn current(&self, resource_type: ResourceType) -> Vec<Value> {
        let patient = PatientKey::derive(&FacilityCode::parse("0119999901"), PATIENT);
        let chart =
            Chart::build(&self.store.partition(patient).expect("readable"), Default::default(), &Default::default())
                .expect("a chart");
        let rows = (0..chart.len()).filter(|row| chart.columns.types[*row] == resource_type);
        rows.map(|row| serde_json::from_slice(&chart.body(row).expect("readable")).expect("JSON")).collect()
    }

    fn values(&self) -> Vec<String> {
        let mut values: Vec<String> = self
            .current(ResourceType::OBSERVATION)
            .iter()
            .map(|o| format!("{} {} {}", o["code"]["text"], o["valueQuantity"]["value"], o["status"]).replace('"', ""))
            .collect();
        values.sort();
        values
    }
}

fn head(event: &str, stamp: &str, name: &str) -> String {
    format!(
        "MSH|^~\\&|HIS|SEND|GW|RCV|{stamp}||{event}|{stamp}|P|2.5||||||UNICODE UTF-8\r\
         PID|1||{PATIENT}||{name}^例示^^^^^L^I||19500101|F\r"
    )
}

fn results(stamp: &str, lines: &[(&str, &str, &str)]) -> String {
    let mut text = head("OUL^R22^OUL_R22", stamp, "見本")
        + "SPM|1|||023^血清^JC10|||||||||||||202610130800\r\
           OBR|1|000000000000001||E002^生化学^99O03|||202610130800\r\
           ORC|SC|000000000000001|||CM\r";
    for (at, (item, value, status)) in lines.iter().enumerate() {
        text +=
            &format!("OBX|{}|NM|3A0{item}0000002327101^項目{item}^JC10||{value}|g/dL^g/dL^ISO+|||||{status}\r", at + 1);
    }
    text
}

const ORDER: &str = "000000000000001";

#[test]
fn a_corrected_file_replaces_what_its_order_said() {
    let record = Record::new();
    record.send(
        "20261013",
        "OML-11",
        ORDER,
        "20261013090000",
        "1",
        &results("20261013090000", &[("15", "3.50", "P"), ("16", "1.0", "P")]),
    );
    assert_eq!(record.values(), ["項目15 3.50 preliminary", "項目16 1.0 preliminary"]);
    let corrected = record.send(
        "20261013",
        "OML-11",
        ORDER,
        "20261013120000",
        "1",
        &results("20261013120000", &[("15", "3.60", "F")]),
    );
    assert_eq!(record.values(), ["項目15 3.60 final"], "the result that is not stated again is gone");
    assert!(corrected.issues.iter().any(|issue| issue.rule == "order-restated"), "{corrected:#?}");
    // The old file under its new name says nothing that holds.
    record.send(
        "20261013",
        "OML-11",
        ORDER,
        "20261013090000",
        "2",
        &results("20261013090000", &[("15", "3.50", "P"), ("16", "1.0", "P")]),
    );
    assert_eq!(record.values(), ["項目15 3.60 final"]);
}

#[test]
fn a_deleted_file_takes_its_results_away() {
    let record = Record::new();
    let text = results("20261013090000", &[("15", "3.5", "F")]);
    record.send("20261013", "OML-11", ORDER, "20261013090000", "1", &text);
    record.send("20261013", "OML-11", ORDER, "20261013090000", "0", &text);
    assert!(record.values().is_empty());
    assert!(record.current(ResourceType::DIAGNOSTIC_REPORT).is_empty());
    assert_eq!(record.current(ResourceType::PATIENT).len(), 1);
}

#[test]
fn an_older_file_that_comes_late_changes_nothing() {
    let record = Record::new();
    record.send("20261013", "OML-11", ORDER, "20261013120000", "1", &results("20261013120000", &[("15", "3.6", "F")]));
    let late = record.send(
        "20261013",
        "OML-11",
        ORDER,
        "20261013090000",
        "1",
        &results("20261013090000", &[("15", "3.5", "P")]),
    );
    assert_eq!(record.values(), ["項目15 3.6 final"]);
    assert!(late.issues.iter().any(|issue| issue.rule == "older-than-stored"));
}

#[test]
fn master_data_are_not_overwritten_in_passing() {
    let record = Record::new();
    let family = |record: &Record| record.current(ResourceType::PATIENT)[0]["name"][0]["family"].clone();
    record.send("20261013", "OML-11", ORDER, "20261013090000", "1", &results("20261013090000", &[]));
    assert_eq!(family(&record), "見本");
    let master = head("ADT^A08^ADT_A01", "20261014090000", "改姓").replacen("PID|", "EVN||20261014090000\rPID|", 1);
    record.send("-", "ADT-00", "999999999999999", "20261014090000", "1", &master);
    assert_eq!(family(&record), "改姓");
    record.send("20261015", "OML-11", "000000000000002", "20261015090000", "1", &results("20261015090000", &[]));
    assert_eq!(family(&record), "改姓");
}

#[test]
fn a_stay_is_told_in_parts() {
    let record = Record::new();
    let stay = |record: &Record| {
        let all = record.current(ResourceType::ENCOUNTER);
        assert_eq!(all.len(), 1, "{all:#?}");
        let period = &all[0]["period"];
        format!("{} {} {}", all[0]["status"], period["start"], period["end"]).replace('"', "")
    };
    let event = |event: &str, stamp: &str, times: &str| {
        let evn = format!("EVN||{stamp}\rPID|");
        head(event, stamp, "見本").replacen("PID|", &evn, 1) + &format!("PV1|1|I|11A^4^2{}{times}\r", "|".repeat(41))
    };
    let day = "20261013100000";
    record.send("20261013", "ADT-22", "000000000000011", day, "1", &event("ADT^A01^ADT_A01", day, day));
    assert_eq!(stay(&record), "in-progress 2026-10-13T10:00:00+09:00 null");
    let out = "20261029113000";
    let discharge = event("ADT^A03^ADT_A03", out, &format!("|{out}"));
    record.send("20261029", "ADT-52", "000000000000012", out, "1", &discharge);
    assert_eq!(stay(&record), "finished 2026-10-13T10:00:00+09:00 2026-10-29T11:30:00+09:00");
    let back = event("ADT^A13^ADT_A01", "20261029120000", day);
    record.send("20261029", "ADT-52", "000000000000013", "20261029120000", "0", &back);
    assert_eq!(stay(&record), "in-progress 2026-10-13T10:00:00+09:00 null");
}

#[test]
fn a_problem_that_the_list_no_longer_names_becomes_inactive() {
    let record = Record::new();
    let list = |stamp: &str, problems: &[&str]| {
        let mut text = head("PPR^ZD1^PPR_ZD1", stamp, "見本");
        for problem in problems {
            text += &format!("PRB|AD|{stamp}|{problem}^例示病名{problem}^MDCDX2|P{problem}|||20261001\r");
        }
        text
    };
    let state = |record: &Record| {
        let mut all: Vec<String> = record
            .current(ResourceType::CONDITION)
            .iter()
            .map(|c| format!("{} {}", c["code"]["text"], c["clinicalStatus"]["coding"][0]["code"]).replace('"', ""))
            .collect();
        all.sort();
        all
    };
    let send = |stamp: &str, problems: &[&str]| {
        record.send("-", "PPR-01", "999999999999999", stamp, "1", &list(stamp, problems));
    };
    send("20261013090000", &["20054174", "20054175"]);
    assert_eq!(state(&record), ["例示病名20054174 active", "例示病名20054175 active"]);
    send("20261020090000", &["20054175"]);
    assert_eq!(state(&record), ["例示病名20054174 inactive", "例示病名20054175 active"]);
    send("20261021090000", &["20054174", "20054175"]);
    assert_eq!(state(&record), ["例示病名20054174 active", "例示病名20054175 active"], "named again");
}

#[test]
fn a_letter_is_known_again_by_name_and_bytes() {
    let record = Record::new();
    let text = results("20261013090000", &[("15", "3.5", "F")]);
    let first = record.send("20261013", "OML-11", ORDER, "20261013090000", "1", &text);
    let second = record.send("20261013", "OML-11", ORDER, "20261013090000", "1", &text);
    assert!(!first.repeat && second.repeat);
    assert_eq!((first.resources.len(), &first.letter), (second.resources.len(), &second.letter));
    let renamed = record.send("20261013", "OML-11", ORDER, "20261013090000", "2", &text);
    assert!(!renamed.repeat);
}

#[test]
fn what_cannot_be_used_is_kept_with_its_reason() {
    let record = Record::new();
    let cases = [
        ("empty.hl7", "", "letter-empty"),
        ("noise.bin", "hello", "letter-format-unknown"),
        ("ends.json", "{\"resourceType\":", "fhir-not-json"),
        (
            "000/000/0000000001/-/ADT-00/0000000001_-_ADT-00_999999999999999_20261013090000000_-_1",
            &head("ADT^A08^ADT_A01", "20261013090000", "見本"),
            "ssmix2-other-patient",
        ),
    ];
    for (name, text, rule) in cases {
        let receipt = record.letter(name, text);
        assert_eq!(receipt.outcome, Outcome::Held, "{name}");
        assert_eq!(receipt.issues[0].rule, rule, "{name}");
        assert!(!receipt.issues[0].ja.is_empty() && !receipt.issues[0].en.is_empty(), "{name}");
    }
    let held = record.store.held(None, 10).expect("readable");
    assert_eq!(held.len(), cases.len());
    for id in held {
        assert!(record.store.raw(id).expect("readable").is_some(), "the bytes are kept");
    }
}

#[test]
fn what_cannot_be_read_is_not_taken_for_what_is_not_there() {
    let record = Record::new();
    let list = |stamp: &str, problem: &str| {
        head("PPR^ZD1^PPR_ZD1", stamp, "見本") + &format!("PRB|AD|{stamp}|{problem}^例示病名^MDCDX2|P{problem}\r")
    };
    record.send("-", "PPR-01", "999999999999999", "20261013090000", "1", &list("20261013090000", "20054174"));
    damage_bodies(&record.store);
    // As after a restart: nothing is remembered.
    let pipeline = Pipeline::new(record.store.clone(), || 1_795_000_000_000);
    let folders = format!("{}/{}/{PATIENT}/-/PPR-01", &PATIENT[..3], &PATIENT[3..6]);
    let letter = Letter {
        source: Arc::new(Source { facility: FacilityCode::parse("0119999901"), zone_minutes: 540 }),
        name: format!("{folders}/{PATIENT}_-_PPR-01_999999999999999_20261020090000000_01_1"),
        bytes: list("20261020090000", "20054175").into_bytes(),
    };
    let answer = pipeline.receive(&letter);
    assert!(matches!(answer, Err(Fault::Broken(_))), "{answer:?}");
    assert!(pipeline.receipt(letter.id()).expect("readable").is_none(), "nothing was acknowledged");
}

/// Makes every stored body unreadable, the facts beside it left as they are.
fn damage_bodies(store: &Store) {
    let (from, to) = keys::space(Space::Partition);
    let entries = store.engine().scan(&from, &to, 100, Order::Ascending).expect("readable");
    let mut commit = Commit::default();
    for (key, mut sheaf) in entries.into_iter().filter(|(key, _)| keys::sheaf_of(key).is_some()) {
        // `store/records.rs`: 14 bytes, of which the last four are the length of the facts; then facts, then bodies.
        let facts = u32::from_be_bytes(sheaf[10..14].try_into().expect("four bytes")) as usize;
        sheaf[14 + facts..].iter_mut().for_each(|byte| *byte ^= 0x55);
        commit.put.push((key, sheaf));
    }
    store.submit(commit).wait().expect("written");
}
