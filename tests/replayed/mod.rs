//! Records as other maps could have made them, for the tests of replay.

#![allow(dead_code, unreachable_pub, clippy::unwrap_used)] // each test file uses its part of this

use serde_json::Value;
use tasuki::fhir::{PatientKey, ResourceId, ResourceType};
use tasuki::letter::Letter;
use tasuki::pipeline::Pipeline;
use tasuki::search::Facts;
use tasuki::search::facts::Labels;
use tasuki::store::Store;

use super::gateway::{self, HOSPITAL, clock, example_letters};

/// What the hospital of the example calls its codes of requests, in LOINC.
pub const CONCEPT_MAP: &str = r#"{"resourceType":"ConceptMap","status":"active","group":[{"source":"99XYZ","target":"http://loinc.org",
    "element":[{"code":"X1","target":[{"code":"2885-2","display":"Protein","equivalence":"equivalent"}]}]}]}"#;

pub fn hospital(store: &Store) -> Pipeline {
    let pipeline = Pipeline::new(store.clone(), clock);
    for letter in example_letters("hospital/0119999901", HOSPITAL, |_| true) {
        pipeline.receive(&letter).unwrap();
    }
    pipeline
}

pub fn records(store: &Store) -> Vec<PatientKey> {
    let (mut found, mut next) = (Vec::new(), Some(PatientKey(0)));
    while let Some(from) = next {
        let Some(patient) = store.record_from(from).unwrap() else { break };
        found.push(patient);
        next = patient.0.checked_add(1).map(PatientKey);
    }
    found
}

/// The current versions with their bodies.
pub fn current(store: &Store, patient: PatientKey) -> Vec<(Facts, String)> {
    let mut all: Vec<(Facts, String)> = Vec::new();
    for record in store.partition(patient).unwrap().records {
        all.retain(|(facts, _)| (facts.resource_type, &facts.id) != (record.facts.resource_type, &record.facts.id));
        all.push((record.facts, record.body.json().unwrap()));
    }
    all.sort_by(|(a, _), (b, _)| (a.resource_type, &a.id).cmp(&(b.resource_type, &b.id)));
    all
}

/// What is on record, without version, time of storage and what is gone.
pub fn said(store: &Store, patient: PatientKey) -> Vec<(ResourceType, ResourceId, Value, u128)> {
    let live = current(store, patient).into_iter().filter(|(facts, _)| !facts.deleted);
    live.map(|(facts, body)| {
        let mut body: Value = serde_json::from_str(&body).unwrap();
        body["meta"]["versionId"] = Value::Null;
        body["meta"]["lastUpdated"] = Value::Null;
        (facts.resource_type, facts.id, body, facts.content)
    })
    .collect()
}

/// Makes the record what other maps could have made of it: one resource says something else, one is not there, and one
/// is there that today's maps do not give.
pub fn as_other_maps(store: &Store, patient: PatientKey, changed: ResourceType, missing: ResourceType) {
    let all = current(store, patient);
    let of = |wanted: ResourceType| all.iter().find(|(facts, _)| facts.resource_type == wanted).unwrap().clone();
    let (mut other, body) = of(changed);
    other.version += 1;
    other.content ^= 1;
    let body = body.replacen("\"status\":\"", "\"status\":\"other-", 1);
    let (mut gone, _) = of(missing);
    gone.version += 1;
    (gone.deleted, gone.content, gone.labels) = (true, 0, Labels::default());
    let mut extra = of(changed).0;
    extra.id = patient.resource_id(changed.name(), "of other maps");
    extra.version = 1;
    let text = format!(r#"{{"resourceType":"{}","id":"{}"}}"#, changed.name(), extra.id.as_str());
    let new = [(other, body), (gone, String::new()), (extra, text)];
    let commit = store.partition(patient).unwrap().write(patient, HOSPITAL, &new).unwrap();
    store.submit(commit).wait().unwrap();
}

pub fn local_result(number: &str, control: &str) -> Letter {
    let text = format!(
        "MSH|^~\\&|LIS|SEND|GW|RCV|20261013090000||OUL^R22^OUL_R22|{control}|P|2.5||||||UNICODE UTF-8\r\
         PID|1||{number}||見本^例示^^^^^L^I||19500101|F\rSPM|1|||023^血清^JC10|||||||||||||202610130800\r\
         OBR|1|{control}||3^生化学的検査^JC10|||202610130800\rORC|SC|{control}|||CM\r\
         OBX|1|NM|X1^総蛋白^99XYZ||6.7|g/dL|||||F\r"
    );
    Letter { source: gateway::source(HOSPITAL), name: String::new(), bytes: text.into_bytes() }
}
