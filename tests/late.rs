//! Messages arrive late and in any order: whatever the order, the record says the same in the end (`docs/adr/0017`).
//! Every permutation of a few letters about one thing is taken in.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::Value;
use tasuki::chart::Chart;
use tasuki::fhir::{FacilityCode, PatientKey};
use tasuki::letter::{Letter, Source};
use tasuki::pipeline::{Outcome, Pipeline};
use tasuki::store::Store;
use tasuki::store::verify::verify;

const PATIENT: &str = "0000000009";
const ORDER: &str = "000000000000001";
const NO_ORDER: &str = "999999999999999";

fn letter(name: &str, text: &str) -> Letter {
    let source = Source { facility: FacilityCode::parse("0119999901"), zone_minutes: 540 };
    Letter { source: Arc::new(source), name: name.into(), bytes: text.as_bytes().to_vec() }
}

/// A file of SS-MIX2 storage.
fn file(day: &str, kind: &str, order: &str, stamp: &str, flag: &str, text: &str) -> Letter {
    let folders = format!("{}/{}/{PATIENT}/{day}/{kind}", &PATIENT[..3], &PATIENT[3..6]);
    letter(&format!("{folders}/{PATIENT}_{day}_{kind}_{order}_{stamp}000_01_{flag}"), text)
}

fn head(event: &str, stamp: &str, name: &str) -> String {
    format!(
        "MSH|^~\\&|HIS|SEND|GW|RCV|{stamp}||{event}|{event}{stamp}|P|2.5||||||UNICODE UTF-8\r\
         PID|1||{PATIENT}||{name}^例示^^^^^L^I||19500101|F\r"
    )
}

fn results(stamp: &str, lines: &[(&str, &str)]) -> String {
    let mut text = head("OUL^R22^OUL_R22", stamp, "見本")
        + "SPM|1|||023^血清^JC10|||||||||||||202610130800\r\
           OBR|1|000000000000001||E002^生化学^99O03|||202610130800\r\
           ORC|SC|000000000000001|||CM\r";
    for (at, (item, value)) in lines.iter().enumerate() {
        text += &format!("OBX|{}|NM|3A0{item}0000002327101^項目{item}^JC10||{value}|g/dL^g/dL^ISO+|||||F\r", at + 1);
    }
    text
}

fn problems(stamp: &str, names: &[(&str, &str)]) -> String {
    let mut text = head("PPR^ZD1^PPR_ZD1", stamp, "見本");
    for (code, since) in names {
        text += &format!("PRB|AD|{stamp}|{code}^例示病名{code}^MDCDX2|P{code}|||{since}\r");
    }
    text
}

fn allergies(stamp: &str, names: &[(&str, &str)]) -> String {
    let mut text = head("ADT^A60^ADT_A60", stamp, "見本").replacen("PID|", &format!("EVN||{stamp}\rPID|"), 1);
    for (at, (code, reaction)) in names.iter().enumerate() {
        text += &format!("IAM|{}|FA^食物アレルギー^HL70127|{code}^例示{code}^J-FAGY||{reaction}|A\r", at + 1);
    }
    text
}

fn master(stamp: &str, name: &str) -> String {
    head("ADT^A08^ADT_A01", stamp, name).replacen("PID|", &format!("EVN||{stamp}\rPID|"), 1)
}

/// What the record says, resource by resource, without version and time of storage.
fn said(store: &Store) -> BTreeMap<String, Value> {
    let patient = PatientKey::derive(&FacilityCode::parse("0119999901"), PATIENT);
    let chart = Chart::build(&store.partition(patient).unwrap(), Default::default(), &Default::default()).unwrap();
    (0..chart.len())
        .map(|row| {
            let mut body: Value = serde_json::from_slice(&chart.body(row).unwrap()).unwrap();
            let meta = body["meta"].as_object_mut().unwrap();
            meta.remove("versionId");
            meta.remove("lastUpdated");
            (format!("{}/{}", chart.columns.types[row].name(), chart.columns.ids[row].as_str()), body)
        })
        .collect()
}

fn take_in<'a>(letters: impl IntoIterator<Item = &'a Letter>) -> Store {
    let store = Store::open_memory();
    let pipeline = Pipeline::new(store.clone(), || 1_795_000_000_000);
    for letter in letters {
        let receipt = pipeline.receive(letter).unwrap();
        assert_eq!(receipt.outcome, Outcome::Stored, "{receipt:#?}");
    }
    store
}

fn permutations(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let shorter = permutations(count - 1);
    shorter
        .iter()
        .flat_map(|order| {
            (0..count).map(move |at| {
                let mut order = order.clone();
                order.insert(at, count - 1);
                order
            })
        })
        .collect()
}

/// The letters stand in the order of time; every order of arrival must come to the same.
fn any_order_says_the_same(what: &str, letters: &[Letter]) -> BTreeMap<String, Value> {
    let expected = said(&take_in(letters));
    for order in permutations(letters.len()) {
        let store = take_in(order.iter().map(|at| &letters[*at]));
        let found = said(&store);
        for (reference, body) in expected.iter().chain(&found) {
            assert_eq!(found.get(reference), expected.get(reference), "{what}, {order:?}: {body:#}");
        }
        assert_eq!(verify(&store).unwrap().broken, [], "{what}, {order:?}");
    }
    expected
}

fn of_type<'a>(said: &'a BTreeMap<String, Value>, name: &str) -> Vec<&'a Value> {
    said.values().filter(|body| body["resourceType"] == name).collect()
}

#[test]
fn results_of_an_order() {
    let file = |hour: &str, flag: &str, lines: &[(&str, &str)]| {
        let stamp = format!("20261013{hour}0000");
        file("20261013", "OML-11", ORDER, &stamp, flag, &results(&stamp, lines))
    };
    let first = file("09", "1", &[("15", "3.5"), ("16", "1.0")]);
    let second = file("10", "1", &[("15", "3.6")]);
    let third = file("11", "1", &[("15", "3.6"), ("17", "2.0")]);
    let fourth = file("12", "1", &[("15", "3.5"), ("16", "1.0")]);
    let gone = file("13", "0", &[("15", "3.5"), ("16", "1.0")]);
    let said = any_order_says_the_same("restated", &[first.clone(), second.clone(), third.clone(), fourth.clone()]);
    assert_eq!(of_type(&said, "Observation").len(), 2);
    let said = any_order_says_the_same("deleted", &[first, second, third, fourth, gone]);
    assert_eq!(of_type(&said, "Observation").len(), 0);
}

#[test]
fn a_file_and_its_deletion_at_one_instant() {
    let text = results("20261013090000", &[("15", "3.5")]);
    let flagged = |flag| file("20261013", "OML-11", ORDER, "20261013090000", flag, &text);
    let said = any_order_says_the_same("renamed", &[flagged("2"), flagged("1"), flagged("0")]);
    assert_eq!(of_type(&said, "Observation").len() + of_type(&said, "DiagnosticReport").len(), 0);
}

#[test]
fn results_without_a_file() {
    let message = |hour: &str, lines: &[(&str, &str)]| letter("", &results(&format!("20261013{hour}0000"), lines));
    let letters = [
        message("09", &[("15", "3.5"), ("16", "1.0")]),
        message("10", &[("15", "3.6")]),
        message("11", &[("15", "3.5"), ("16", "1.1")]),
        message("12", &[("16", "1.1"), ("17", "2.0")]),
    ];
    let said = any_order_says_the_same("messages", &letters);
    assert_eq!(of_type(&said, "Observation").len(), 3);
}

#[test]
fn the_list_of_problems() {
    let list = |day: &str, names: &[(&str, &str)]| {
        let stamp = format!("202610{day}090000");
        file("-", "PPR-01", NO_ORDER, &stamp, "1", &problems(&stamp, names))
    };
    let letters = [
        list("13", &[("20054174", "20261001"), ("20054175", "20261001")]),
        list("14", &[("20054174", "20261002")]),
        list("15", &[("20054174", "20261002"), ("20054176", "20261003")]),
        list("16", &[("20054176", "20261004"), ("20054177", "20261001")]),
        list("17", &[("20054175", "20261001")]),
    ];
    let said = any_order_says_the_same("problems", &letters);
    let active = |c: &&&Value| c["clinicalStatus"]["coding"][0]["code"] == "active";
    assert_eq!(of_type(&said, "Condition").len(), 4);
    assert_eq!(of_type(&said, "Condition").iter().filter(active).count(), 1);
}

#[test]
fn the_list_of_allergies() {
    let list = |day: &str, names: &[(&str, &str)]| {
        let stamp = format!("202610{day}090000");
        file("-", "ADT-61", NO_ORDER, &stamp, "1", &allergies(&stamp, names))
    };
    let letters = [
        list("13", &[("J9FC11000000", "発疹"), ("J9FC12000000", "発疹")]),
        list("14", &[("J9FC11000000", "喘鳴")]),
        list("15", &[("J9FC11000000", "喘鳴"), ("J9FC12000000", "発疹")]),
        list("16", &[("J9FC12000000", "喘鳴")]),
    ];
    let said = any_order_says_the_same("allergies", &letters);
    assert_eq!(of_type(&said, "AllergyIntolerance").len(), 2);
}

#[test]
fn master_data_and_mentions() {
    let stated = |day: &str, name: &str| {
        let stamp = format!("202610{day}090000");
        file("-", "ADT-00", NO_ORDER, &stamp, "1", &master(&stamp, name))
    };
    let mention = letter("", &results("20261016090000", &[("15", "3.5")]).replace("見本^", "別名^"));
    let letters = [stated("13", "見本"), stated("14", "改姓"), stated("15", "見本"), mention, stated("17", "見本")];
    let said = any_order_says_the_same("master data", &letters);
    assert_eq!(of_type(&said, "Patient")[0]["name"][0]["family"], "見本");
}

#[test]
fn a_stay_told_in_parts() {
    let event = |event: &str, kind: &str, order: &str, stamp: &str, flag: &str, ward: &str, times: &str| {
        let text = head(event, stamp, "見本").replacen("PID|", &format!("EVN||{stamp}\rPID|"), 1)
            + &format!("PV1|1|I|{ward}^4^2{}{times}\r", "|".repeat(41));
        file(&stamp[..8], kind, order, stamp, flag, &text)
    };
    let began = "20261013100000";
    let admitted = event("ADT^A01^ADT_A01", "ADT-22", "000000000000011", began, "1", "11A", began);
    let left = "20261029113000";
    let discharged =
        event("ADT^A03^ADT_A03", "ADT-52", "000000000000012", left, "1", "12B", &format!("{began}|{left}"));
    let back = "20261029120000";
    let cancelled = event("ADT^A13^ADT_A01", "ADT-52", "000000000000013", back, "0", "12B", began);
    let said = any_order_says_the_same("admitted, discharged", &[admitted.clone(), discharged.clone()]);
    assert_eq!(of_type(&said, "Encounter").len(), 1);
    let said = any_order_says_the_same("admitted, discharged, not discharged", &[admitted, discharged, cancelled]);
    assert_eq!(of_type(&said, "Encounter").len(), 1);
}

#[test]
fn a_stay_with_transfers_and_a_discharge_taken_back() {
    let event = |event: &str, stamp: &str, ward: &str, times: &str| {
        let text = head(event, stamp, "見本").replacen("PID|", &format!("EVN||{stamp}|||| {stamp}\rPID|"), 1)
            + &format!("PV1|1|I|{ward}^4^2{}{times}\r", "|".repeat(41));
        letter("", &text.replace("| 2026", "|2026"))
    };
    let began = "20261013100000";
    let letters = [
        event("ADT^A01^ADT_A01", began, "11A", began),
        event("ADT^A02^ADT_A02", "20261015100000", "12B", began),
        event("ADT^A08^ADT_A01", "20261016100000", "12B", began),
        event("ADT^A03^ADT_A03", "20261029113000", "12B", &format!("{began}|20261029113000")),
        event("ADT^A13^ADT_A01", "20261029120000", "12B", began),
    ];
    let said = any_order_says_the_same("a stay", &letters);
    assert_eq!(of_type(&said, "Encounter").len(), 1);
}
