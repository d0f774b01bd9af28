//! A visit is told in parts, and the parts come in any order: what is known in the end does not depend on it.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};
use tasuki::fhir::{FacilityCode, PatientKey, ResourceType};
use tasuki::letter::{Letter, Source};
use tasuki::pipeline::{Outcome, Pipeline};
use tasuki::store::Store;

const FACILITY: &str = "0119999901";
const PATIENT: &str = "0000000001";

/// One record that takes messages.
struct Record {
    store: Store,
    pipeline: Pipeline,
}

impl Record {
    fn new() -> Record {
        let store = Store::open_memory();
        Record { pipeline: Pipeline::new(store.clone(), || 1_800_000_000_000), store }
    }

    fn told(messages: &[String]) -> Record {
        let record = Record::new();
        messages.iter().for_each(|message| record.tell(message));
        record
    }

    fn tell(&self, message: &str) {
        let source = Arc::new(Source { facility: FacilityCode::parse(FACILITY), zone_minutes: 540 });
        let letter = Letter { source, name: String::new(), bytes: message.as_bytes().to_vec() };
        let receipt = self.pipeline.receive(&letter).unwrap();
        assert_eq!(receipt.outcome, Outcome::Stored, "{message}");
    }

    /// The current resources of a type.
    fn all(&self, wanted: ResourceType) -> Vec<Value> {
        let key = PatientKey::derive(&FacilityCode::parse(FACILITY), PATIENT);
        let records = self.store.partition(key).unwrap().records;
        let mut current = BTreeMap::new();
        for record in records.iter().filter(|r| r.facts.resource_type == wanted) {
            current.insert(&record.facts.id, record);
        }
        let mine = current.values().filter(|r| !r.facts.deleted);
        let mut all: Vec<Value> = mine.map(|r| serde_json::from_str(&r.body.json().unwrap()).unwrap()).collect();
        all.sort_by_key(|one| one["period"]["start"].to_string());
        all
    }

    /// Its only visit, without what names the version.
    fn visit(&self) -> Value {
        let all = self.all(ResourceType::ENCOUNTER);
        let [visit] = &all[..] else { panic!("{} visits: {}", all.len(), Value::from(all.clone())) };
        let mut visit = visit.clone();
        let object = visit.as_object_mut().unwrap();
        object.remove("meta");
        object.remove("id");
        visit
    }
}

/// A message sent at `sent` (day and hour of May 2026).
fn message(event: &str, sent: &str, evn: &str, pv1: &[(usize, &str)], pv2: &[(usize, &str)]) -> String {
    let stamp = |at: &str| if at.is_empty() { String::new() } else { format!("202605{at}0000") };
    let mut text = format!("MSH|^~\\&|HIS|DEMO|GW|RCV|{}||ADT^{event}|{event}{sent}|P|2.5\r", stamp(sent));
    text += &format!("EVN||{}||||{}\r", stamp(sent), stamp(evn));
    text += &format!("PID|1||{PATIENT}^^^^PI||試験^太郎^^^^^L^I||19480405|M\r");
    text += &segment("PV1", pv1);
    if !pv2.is_empty() {
        text += &segment("PV2", pv2);
    }
    text
}

fn segment(name: &str, fields: &[(usize, &str)]) -> String {
    let last = fields.iter().map(|(number, _)| *number).max().unwrap_or(0);
    let value = |number| fields.iter().find(|(n, _)| *n == number).map_or("", |(_, value)| value);
    let values: Vec<&str> = (1..=last).map(value).collect();
    format!("{name}|{}\r", values.join("|"))
}

const DOCTOR: (usize, &str) = (7, "D1^試験^医師^^^^^^^L");

/// Admission, transfer, leave, return, discharge, and the discharge taken back; only the admission says when it was.
fn stay() -> [String; 6] {
    let there = [(2, "I"), (3, "W2^201^1"), DOCTOR];
    let moved = [(2, "I"), (3, "W2^201^1"), (6, "W1^101^2"), DOCTOR];
    let admitted = [(2, "I"), (3, "W1^101^2"), DOCTOR, (14, "1"), (44, "20260501100000")];
    let ended = [(2, "I"), (3, "W2^201^1"), DOCTOR, (36, "01"), (45, "20260520100000")];
    [
        message("A01", "0111", "", &admitted, &[]),
        message("A02", "0312", "0311", &moved, &[]),
        message("A21", "0512", "0511", &there, &[]),
        message("A22", "0612", "0611", &there, &[]),
        message("A03", "2012", "", &ended, &[]),
        message("A13", "2014", "", &there, &[]),
    ]
}

/// Every order of `count` things.
fn orders(count: usize) -> Vec<Vec<usize>> {
    if count == 0 {
        return vec![Vec::new()];
    }
    let insert = |order: &Vec<usize>, at: usize| {
        let mut order = order.clone();
        order.insert(at, count - 1);
        order
    };
    orders(count - 1).iter().flat_map(|order| (0..count).map(move |at| insert(order, at))).collect()
}

fn in_order(messages: &[String], order: &[usize]) -> Vec<String> {
    order.iter().map(|at| messages[*at].clone()).collect()
}

#[test]
fn a_stay_is_the_same_in_whatever_order_it_is_told() {
    let stay = stay();
    for (count, status) in [(1, "in-progress"), (2, "in-progress"), (3, "onleave"), (4, "in-progress"), (5, "finished")]
    {
        assert_eq!(Record::told(&stay[..count]).visit()["status"], status, "{count}");
    }
    let expected = Record::told(&stay).visit();
    assert_eq!(expected["status"], "in-progress");
    assert_eq!(expected["period"], json!({ "start": "2026-05-01T10:00:00+09:00" }));
    assert_eq!(expected["hospitalization"]["admitSource"]["coding"][0]["code"], "1");
    assert_eq!(
        expected["statusHistory"],
        json!([
            { "status": "in-progress",
              "period": { "start": "2026-05-01T10:00:00+09:00", "end": "2026-05-05T11:00:00+09:00" } },
            { "status": "onleave",
              "period": { "start": "2026-05-05T11:00:00+09:00", "end": "2026-05-06T11:00:00+09:00" } },
        ])
    );
    assert_eq!(
        expected["location"],
        json!([
            { "location": { "reference": "#bed" }, "status": "active",
              "period": { "start": "2026-05-03T11:00:00+09:00" } },
            { "location": { "reference": "#prior-bed" }, "status": "completed",
              "period": { "start": "2026-05-01T10:00:00+09:00", "end": "2026-05-03T11:00:00+09:00" } },
        ])
    );
    let expected = sorted(expected);
    let orders = orders(stay.len());
    std::thread::scope(|scope| {
        for part in orders.chunks(orders.len().div_ceil(4)) {
            let (stay, expected) = (&stay, &expected);
            scope.spawn(move || {
                for order in part {
                    let actual = sorted(Record::told(&in_order(stay, order)).visit());
                    assert!(actual == *expected, "{order:?}\n{actual}\n{expected}");
                }
            });
        }
    });
}

/// The same with the members of every object in order: which was written first does not matter.
fn sorted(value: Value) -> Value {
    match value {
        Value::Object(object) => {
            let mut members: Vec<(String, Value)> = object.into_iter().map(|(n, v)| (n, sorted(v))).collect();
            members.sort_by(|a, b| a.0.cmp(&b.0));
            Value::Object(members.into_iter().collect())
        }
        Value::Array(array) => Value::Array(array.into_iter().map(sorted).collect()),
        other => other,
    }
}

#[test]
fn a_late_admission_says_what_the_discharge_did_not() {
    let [admission, .., discharge, _] = stay();
    let late = Record::told(&[discharge.clone(), admission.clone()]).visit();
    assert_eq!(late["status"], "finished");
    assert_eq!(late["period"]["start"], "2026-05-01T10:00:00+09:00");
    assert_eq!(late["period"]["end"], "2026-05-20T10:00:00+09:00");
    assert_eq!(late["hospitalization"]["admitSource"]["coding"][0]["code"], "1");
    assert_eq!(
        sorted(late["statusHistory"].clone()),
        sorted(Record::told(&[admission, discharge]).visit()["statusHistory"].clone())
    );
}

#[test]
fn a_plan_becomes_the_stay_that_came_of_it() {
    let plan = message("A14", "0110", "", &[(2, "I"), (3, "W1")], &[(8, "202605100900")]);
    let admission = message("A01", "1010", "", &[(2, "I"), (3, "W2^1^1"), (44, "20260510093000")], &[]);
    let planned = Record::told(std::slice::from_ref(&plan)).visit();
    assert_eq!(
        (&planned["status"], &planned["period"]["start"]),
        (&json!("planned"), &json!("2026-05-10T09:00:00+09:00"))
    );
    let cancelled = Record::told(&[plan.clone(), message("A27", "0210", "", &[(2, "I")], &[(8, "20260510")])]).visit();
    assert_eq!(cancelled["status"], "cancelled");
    for order in [[0, 1], [1, 0]] {
        let visit = Record::told(&in_order(&[plan.clone(), admission.clone()], &order)).visit();
        assert_eq!(
            (&visit["status"], &visit["period"]["start"]),
            (&json!("in-progress"), &json!("2026-05-10T09:30:00+09:00"))
        );
        assert_eq!(visit["location"].as_array().unwrap().len(), 1, "{visit:#}");
    }
}

#[test]
fn a_visit_is_found_by_its_number_and_by_its_beginning() {
    let numbered = [(2, "I"), (19, "V-1")];
    let begun = [(2, "I"), (44, "20260501100000")];
    let both = [(2, "I"), (3, "W1"), (19, "V-1"), (44, "20260501100000")];
    let update = |sent: &str, pv1: &[(usize, &str)]| message("A08", sent, "", pv1, &[]);
    for order in orders(3) {
        let messages = [update("0211", &numbered), update("0311", &begun), message("A01", "0111", "", &both, &[])];
        let told = in_order(&messages, &order);
        // A number alone and a beginning alone cannot be known to be one visit until something says both.
        if order[2] == 2 {
            continue;
        }
        let visit = Record::told(&told).visit();
        assert_eq!(visit["identifier"][0]["value"], "V-1", "{order:?}");
        assert_eq!(visit["period"]["start"], "2026-05-01T10:00:00+09:00", "{order:?}");
    }
    let another = [(2, "I"), (19, "V-2"), (44, "20260501100000")];
    let two = Record::told(&[update("0211", &both), update("0311", &another)]);
    assert_eq!(two.all(ResourceType::ENCOUNTER).len(), 2, "different numbers are different visits");
}

#[test]
fn two_stays_do_not_run_into_each_other() {
    let stay = |day: &str, end: &str| {
        let begin = message("A01", &format!("{day}11"), "", &[(2, "I"), (44, &format!("202605{day}100000"))], &[]);
        let end = message("A03", &format!("{end}11"), "", &[(2, "I"), (45, &format!("202605{end}100000"))], &[]);
        [begin, end]
    };
    let messages = [stay("01", "05"), stay("10", "15")].concat();
    let all = Record::told(&messages).all(ResourceType::ENCOUNTER);
    let ends: Vec<_> = all.iter().map(|visit| visit["period"]["end"].as_str().unwrap().get(..10).unwrap()).collect();
    assert_eq!(ends, ["2026-05-05", "2026-05-15"]);
    // The leave of the first stay is told after the second has begun.
    let late = message("A21", "1111", "0311", &[(2, "I")], &[]);
    let record = Record::told(&messages);
    record.tell(&late);
    let all = record.all(ResourceType::ENCOUNTER);
    assert_eq!(all.len(), 2);
    assert_eq!(all[0]["statusHistory"][1]["status"], "onleave");
    assert_eq!(all[0]["status"], "finished");
}

#[test]
fn doctors_hand_over_and_back() {
    let admission = message("A01", "0111", "", &[(2, "I"), DOCTOR, (17, "D9^見本^医師"), (44, "20260501100000")], &[]);
    let change = message("A54", "0311", "0310", &[(2, "I"), (7, "D2^見本^花子")], &[]);
    let back = message("A55", "0411", "", &[(2, "I"), DOCTOR], &[]);
    let roles = |visit: &Value| -> Vec<String> {
        let one = |p: &Value| format!("{} {}", p["type"][0]["coding"][0]["code"].as_str().unwrap(), p["period"]);
        visit["participant"].as_array().unwrap().iter().map(one).collect()
    };
    let changed = Record::told(&[admission.clone(), change.clone()]).visit();
    assert_eq!(
        roles(&changed),
        ["ADM null", r#"ATND {"start":"2026-05-03T10:00:00+09:00"}"#, r#"ATND {"end":"2026-05-03T10:00:00+09:00"}"#,]
    );
    let before = Record::told(std::slice::from_ref(&admission)).visit();
    let again = Record::told(&[admission, change, back]).visit();
    let mut roles_again = roles(&again);
    roles_again.sort();
    assert_eq!(roles_again, roles(&before).into_iter().rev().collect::<Vec<_>>());
}

#[test]
fn a_transfer_that_was_taken_back_leaves_no_trace() {
    let admission = message("A01", "0111", "", &[(2, "I"), (3, "W1"), (44, "20260501100000")], &[]);
    let transfer = message("A02", "0311", "0310", &[(2, "I"), (3, "W2"), (6, "W1")], &[]);
    let back = message("A12", "0312", "0310", &[(2, "I"), (3, "W1")], &[]);
    let messages = [admission, transfer, back];
    let expected = Record::told(&messages[..1]).visit()["location"].clone();
    for order in orders(3) {
        assert_eq!(Record::told(&in_order(&messages, &order)).visit()["location"], expected, "{order:?}");
    }
}

#[test]
fn a_class_that_changed_is_remembered() {
    let seen = message("A04", "0111", "", &[(2, "E"), (19, "V-1"), (44, "20260501100000")], &[]);
    let admitted = message("A06", "0112", "0112", &[(2, "I"), (3, "W1"), (19, "V-1")], &[]);
    let visit = Record::told(&[seen, admitted]).visit();
    assert_eq!((&visit["class"]["code"], &visit["status"]), (&json!("IMP"), &json!("in-progress")));
    assert_eq!(visit["classHistory"][0]["class"]["code"], "EMER");
    assert_eq!(visit["classHistory"][0]["period"]["end"], "2026-05-01T12:00:00+09:00");
}

#[test]
fn a_visit_is_deleted_and_the_patient_stays() {
    let admission = message("A01", "0111", "", &[(2, "I"), (19, "V-1"), (44, "20260501100000")], &[]);
    let record = Record::told(&[admission]);
    record.tell(&message("A23", "0211", "", &[(2, "I"), (19, "V-1")], &[]));
    assert!(record.all(ResourceType::ENCOUNTER).is_empty());
    assert_ne!(record.all(ResourceType::PATIENT)[0]["active"], false);
}

#[test]
fn what_a_record_replaces_is_added_to_and_never_unsaid() {
    let merge = |sent: &str, prior: &str| {
        format!(
            "MSH|^~\\&|HIS|DEMO|GW|RCV|202605{sent}0000||ADT^A40^ADT_A39|{sent}{prior}|P|2.5\rEVN||202605{sent}0000\r\
             PID|1||{PATIENT}^^^^PI||試験^旧姓||19480405|M\rMRG|{prior}^^^^PI\r"
        )
    };
    let update = |sent: &str| message("A08", sent, "", &[(2, "N")], &[]).replace("太郎", &format!("太郎{sent}"));
    let link = |prior: &str| {
        let other = PatientKey::derive(&FacilityCode::parse(FACILITY), prior).reference();
        json!({ "other": { "reference": other }, "type": "replaces" })
    };
    let messages = [update("0111"), merge("0211", "8"), update("0311"), merge("0411", "9"), update("0511")];
    for order in [[0, 1, 2, 3, 4], [0, 2, 4, 3, 1], [1, 3, 0, 2, 4], [3, 4, 1, 2, 0]] {
        let patients = Record::told(&in_order(&messages, &order)).all(ResourceType::PATIENT);
        let links = patients[0]["link"].as_array().unwrap();
        assert_eq!(links.len(), 2, "{order:?} {}", patients[0]);
        assert!(links.contains(&link("8")) && links.contains(&link("9")), "{order:?}");
        assert_eq!(patients[0]["active"], true, "{order:?}");
        assert_eq!(patients[0]["name"][0]["given"][0], "太郎0511", "the newest name, {order:?}");
    }
}
