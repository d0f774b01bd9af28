//! A generated store: invented patients with Observations of the size of real ones. The same number gives the same
//! resources; loading goes on where it was left.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use serde_json::Value;
use tasuki::fhir::json::Members;
use tasuki::fhir::{Draft, PatientKey, ResourceId, ResourceType};
use tasuki::pipeline::{Content, Expected, Pipeline, Put, Statement};
use tasuki::store::Store;
use tasuki::store::postgres::Settings;

/// Resources of one patient: the Patient, an Encounter, and Observations.
pub const EACH: u64 = 50;
/// Threads that load.
const WORKERS: u64 = 16;
/// Codes of the Observations.
pub const CODES: [&str; 6] = ["718-7", "2345-7", "2160-0", "8480-6", "8462-4", "29463-7"];

/// The Patient's id.
pub fn patient_id(patient: u64) -> String {
    format!("bench-{patient}")
}

/// A Patient.
pub fn patient(patient: u64) -> String {
    format!(
        r#"{{"resourceType":"Patient","id":"{}","identifier":[{{"system":"urn:oid:2.25.1","value":"B{patient:09}"}}],"active":true,"name":[{{"use":"official","text":"見本 例{patient}","family":"見本","given":["例{patient}"]}}],"gender":"{}","birthDate":"19{:02}-{:02}-{:02}"}}"#,
        patient_id(patient),
        if patient.is_multiple_of(2) { "female" } else { "male" },
        20 + patient % 60,
        1 + patient % 12,
        1 + patient % 28
    )
}

/// An Encounter.
fn encounter(patient: u64) -> String {
    format!(
        r#"{{"resourceType":"Encounter","id":"bench-{patient}-e","status":"finished","class":{{"system":"http://terminology.hl7.org/CodeSystem/v3-ActCode","code":"AMB"}},"subject":{{"reference":"Patient/{0}"}},"period":{{"start":"2026-10-01T09:00:00+09:00","end":"2026-10-01T10:00:00+09:00"}}}}"#,
        patient_id(patient)
    )
}

/// An Observation of about 600 bytes.
pub fn observation(patient: u64, number: u64, id: Option<&str>) -> String {
    let code = CODES[(number % 6) as usize];
    let id = id.map(|id| format!(r#""id":"{id}","#)).unwrap_or_default();
    format!(
        r#"{{"resourceType":"Observation",{id}"status":"final","category":[{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/observation-category","code":"laboratory"}}]}}],"code":{{"coding":[{{"system":"http://loinc.org","code":"{code}","display":"例示項目 {code}"}}],"text":"例示項目"}},"subject":{{"reference":"Patient/{0}"}},"encounter":{{"reference":"Encounter/bench-{patient}-e"}},"effectiveDateTime":"2026-{1:02}-{2:02}T08:{3:02}:00+09:00","valueQuantity":{{"value":{4}.{5:02},"unit":"g/dL","system":"http://unitsofmeasure.org","code":"g/dL"}}}}"#,
        patient_id(patient),
        1 + number / 28 % 12,
        1 + number % 28,
        number % 60,
        4 + (patient + number) % 12,
        (patient * 7 + number * 13) % 100
    )
}

/// A Consent by which the patient lets agency-a read.
pub fn consent(patient: u64) -> String {
    format!(
        r#"{{"resourceType":"Consent","id":"bench-{patient}-c","status":"active","scope":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/consentscope","code":"patient-privacy"}}]}},"category":[{{"coding":[{{"system":"http://loinc.org","code":"59284-0"}}]}}],"patient":{{"reference":"Patient/{}"}},"dateTime":"2026-10-01","policyRule":{{"text":"例示"}},"provision":{{"type":"permit","actor":[{{"role":{{"coding":[{{"system":"http://terminology.hl7.org/CodeSystem/v3-ParticipationType","code":"PRCP"}}]}},"reference":{{"reference":"Organization/agency-a"}}}}]}}}}"#,
        patient_id(patient)
    )
}

/// A statement of a resource.
pub fn put(text: &str) -> Statement {
    let value: Value = serde_json::from_str(text).expect("JSON");
    let resource_type = ResourceType::parse(value["resourceType"].as_str().expect("a type")).expect("a type of R4");
    let id = ResourceId::parse(value["id"].as_str().expect("an id")).expect("an id");
    let draft = Draft::received(resource_type, id.clone(), &Members::of(text).expect("an object"), |_, _| None);
    let content = Content::Put(Box::new(Put::new(draft, &value)));
    Statement { resource_type, id, record: None, content, expected: Expected::Anything, only_directory: false }
}

/// Loads so many resources into the store in a folder, after those that are there already; gives the number of patients.
pub fn load(store: &Store, resources: u64) -> u64 {
    let pipeline = Pipeline::new(store.clone(), || jiff::Timestamp::now().as_millisecond());
    let patients = resources / EACH;
    let done = AtomicU64::new(0);
    std::thread::scope(|scope| {
        for worker in 0..WORKERS {
            let (pipeline, done) = (&pipeline, &done);
            scope.spawn(move || {
                for number in (worker..patients).step_by(WORKERS as usize) {
                    if store.head(PatientKey::of_id(&patient_id(number))).expect("a head").is_none() {
                        let mut all = vec![put(&patient(number)), put(&encounter(number))];
                        let observations = (2..EACH).map(|n| format!("bench-{number}-{n}"));
                        all.extend(observations.zip(2..).map(|(id, n)| put(&observation(number, n, Some(&id)))));
                        pipeline.state(&all).expect("the store works").expect("in order");
                    }
                    let done = done.fetch_add(1, Ordering::Relaxed) + 1;
                    if done.is_multiple_of(2_000) {
                        eprintln!("  {} of {resources} resources", done * EACH);
                    }
                }
            });
        }
    });
    patients
}

/// Lets agency-a read these patients.
pub fn agree(store: &Store, patients: impl Iterator<Item = u64>) {
    let pipeline = Pipeline::new(store.clone(), || jiff::Timestamp::now().as_millisecond());
    for patient in patients {
        pipeline.state(&[put(&consent(patient))]).expect("the store works").expect("in order");
    }
}

/// A patient with so many Observations.
pub fn large(store: &Store, number: u64, observations: u64) {
    let pipeline = Pipeline::new(store.clone(), || jiff::Timestamp::now().as_millisecond());
    let mut all = vec![put(&patient(number))];
    all.extend((0..observations).map(|n| put(&observation(number, n, Some(&format!("bench-{number}-{n}"))))));
    pipeline.state(&all).expect("the store works").expect("in order");
    agree(store, std::iter::once(number));
}

/// The engine that stores are kept by: sled, when nobody says otherwise.
pub fn engine() -> String {
    std::env::var("TASUKI_BENCH_ENGINE").unwrap_or_else(|_| "sled".into())
}

/// The store in a folder; or in the database of which an address lies there.
pub fn open(folder: &Path) -> Store {
    let opened = match engine().as_str() {
        "postgres" => {
            let url = url(folder);
            Store::open_postgres(&Settings { url, password: None, authorities: None, connections_max: 16 })
        }
        "fjall" => Store::open_fjall(&folder.join("store"), 128 << 20),
        _ => Store::open_sled(&folder.join("store"), 128 << 20),
    };
    opened.expect("the store opens")
}

/// The address of the database that is used instead of a folder.
pub fn url(folder: &Path) -> String {
    std::fs::read_to_string(folder.join("url")).expect("the address of the database")
}
