//! The same population in a store: letters taken in by the pipeline, linked by the linker behind the log, and what that costs of
//! the processor.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::config::Config;
use tasuki::fhir::{FacilityCode, PatientKey};
use tasuki::letter::{Letter, Source};
use tasuki::pipeline::{Outcome, Pipeline};
use tasuki::store::Store;
use tasuki::store::ties::State;

/// A record as it is sent.
pub struct Sent {
    pub person: usize,
    pub patient: Value,
    pub coverages: Vec<Value>,
}

/// What came of linking in a store.
pub struct Linked {
    pub records: usize,
    pub messages: usize,
    /// Pairs of records in one person, and those of them that are right.
    pub pairs: usize,
    pub right: usize,
    /// Pairs of records of one person, and those that are linked or on the work list.
    pub true_pairs: usize,
    pub found: usize,
    /// Processor time of taking in, and of linking afterwards.
    pub intake: Duration,
    pub linking: Duration,
    /// Of reading the index again, after a restart.
    pub restart: Duration,
    /// What is kept of all records for telling people apart.
    pub who_bytes: usize,
}

fn clock() -> i64 {
    1_795_230_000_000
}

fn config() -> Config {
    let text = "listen = \"127.0.0.1:0\"\nbase_url = \"http://gateway.example/fhir\"\n[store]\nengine = \"memory\"\n";
    Config::read(text, std::path::Path::new("tasuki.toml"), clock()).unwrap()
}

/// Takes everything in and links it. `more` further messages of each record tell nothing new of the person.
pub fn run(sent: &[Sent], more: usize) -> Linked {
    let store = Store::open_memory();
    let pipeline = Pipeline::new(store.clone(), clock);
    let mut of_person: BTreeMap<usize, BTreeSet<PatientKey>> = BTreeMap::new();
    let begin = processor_time();
    let mut messages = 0;
    for one in sent {
        let number = &one.patient["identifier"][0];
        let system = number["system"].as_str().unwrap();
        let facility = FacilityCode::parse(&system[system.len() - 10..]);
        let value = number["value"].as_str().unwrap();
        let source = Arc::new(Source { facility: facility.clone(), zone_minutes: 540 });
        for nth in 0..=more {
            let bytes = bundle(one, nth).to_string().into_bytes();
            let letter = Letter { source: source.clone(), name: String::new(), bytes };
            let receipt = pipeline.receive(&letter).unwrap();
            assert_eq!(receipt.outcome, Outcome::Stored, "{:?}", receipt.issues);
            messages += 1;
        }
        of_person.entry(one.person).or_default().insert(PatientKey::derive(&facility, value));
    }
    let intake = processor_time() - begin;
    let begin = processor_time();
    let gateway = Gateway::over(store.clone(), &config(), clock).unwrap();
    gateway.linker().settle().unwrap();
    let linking = processor_time() - begin;
    drop(gateway);
    let begin = processor_time();
    let gateway = Gateway::over(store.clone(), &config(), clock).unwrap();
    gateway.linker().settle().unwrap();
    let restart = processor_time() - begin;
    let mut who_bytes = 0;
    store
        .each_who(|_, who| {
            who_bytes += who.len();
            Ok(())
        })
        .unwrap();
    let (records, pairs, right, true_pairs, found) = (sent.len(), 0, 0, 0, 0);
    let mut linked = Linked { records, messages, pairs, right, true_pairs, found, intake, linking, restart, who_bytes };
    count(&store, &of_person, &mut linked);
    linked
}

fn count(store: &Store, of_person: &BTreeMap<usize, BTreeSet<PatientKey>>, linked: &mut Linked) {
    for records in of_person.values() {
        for one in records {
            let (ties, _) = store.ties(*one).unwrap();
            let members: BTreeSet<PatientKey> = ties.others(*one).map(|member| member.record).collect();
            linked.pairs += members.len();
            linked.right += members.intersection(records).count();
            linked.true_pairs += records.len() - 1;
            let waits = |other: &&PatientKey| ties.pair(**other).is_some_and(|pair| pair.state == State::Proposed);
            let found = |other: &&PatientKey| members.contains(*other) || waits(other);
            linked.found += records.iter().filter(|other| *other != one).filter(found).count();
        }
    }
}

/// FHIR has no empty values; whoever writes a Bundle leaves them out.
fn without_empty(value: Value) -> Option<Value> {
    match value {
        Value::String(text) if text.is_empty() => None,
        Value::Array(items) => {
            let items: Vec<Value> = items.into_iter().filter_map(without_empty).collect();
            (!items.is_empty()).then_some(Value::Array(items))
        }
        Value::Object(members) => {
            let members: serde_json::Map<_, _> =
                members.into_iter().filter_map(|(name, value)| Some((name, without_empty(value)?))).collect();
            // An extension without a value says nothing.
            let is_bare = members.len() == 1 && members.contains_key("url");
            (!members.is_empty() && !is_bare).then_some(Value::Object(members))
        }
        other => Some(other),
    }
}

/// The first message tells of the person and of insurance, the others of findings alone.
fn bundle(one: &Sent, nth: usize) -> Value {
    let mut resources = vec![one.patient.clone()];
    if nth == 0 {
        for coverage in &one.coverages {
            let mut coverage = coverage.clone();
            coverage["beneficiary"] = json!({"reference": "urn:uuid:0"});
            coverage["status"] = json!("active");
            if coverage.get("payor").is_none() {
                coverage["payor"] = json!([{"display": "x"}]);
            }
            resources.push(coverage);
        }
    } else {
        resources.push(json!({"resourceType": "Condition", "code": {"text": format!("所見{nth}")},
            "identifier": [{"system": "http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier", "value": nth.to_string()}],
            "subject": {"reference": "urn:uuid:0"}}));
    }
    let entries = resources.into_iter().enumerate();
    let entries: Vec<Value> = entries
        .map(|(at, resource)| json!({"fullUrl": format!("urn:uuid:{at}"), "resource": without_empty(resource)}))
        .collect();
    let number = &one.patient["identifier"][0];
    let name = format!("{}^{}^{nth}", number["system"].as_str().unwrap(), number["value"].as_str().unwrap());
    json!({"resourceType": "Bundle", "type": "collection", "timestamp": format!("2026-11-20T10:00:{nth:02}+09:00"),
        "identifier": {"system": "http://jpfhir.jp/fhir/clins/bundle-identifier", "value": name}, "entry": entries})
}

/// What all threads of this program have had of the processor.
fn processor_time() -> Duration {
    let told = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let after = told.rsplit_once(')').map_or("", |(_, after)| after);
    let ticks: u64 = after.split_whitespace().skip(11).take(2).filter_map(|n| n.parse::<u64>().ok()).sum();
    Duration::from_millis(ticks * 10)
}

impl Linked {
    pub fn print(&self) {
        let each = |time: Duration, of: usize| time.as_secs_f64() * 1e6 / of.max(1) as f64;
        println!("{} records, {} messages", self.records, self.messages);
        println!(
            "processor: taking in {:.1} µs a message; linking {:.1} µs a message, {:.1} µs a record; index after a restart {:.1} µs a record",
            each(self.intake, self.messages),
            each(self.linking, self.messages),
            each(self.linking, self.records),
            each(self.restart, self.records),
        );
        println!("kept for telling people apart: {} bytes a record", self.who_bytes / self.records.max(1));
        println!("precision of linked pairs {:.6}, recall with work list {:.5}", self.precision(), self.recall());
    }

    pub fn precision(&self) -> f64 {
        if self.pairs == 0 { 1.0 } else { self.right as f64 / self.pairs as f64 }
    }

    pub fn recall(&self) -> f64 {
        self.found as f64 / self.true_pairs.max(1) as f64
    }
}
