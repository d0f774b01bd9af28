//! The Patient of a registration: what the form says of the person, under the registration number, and the numbers that
//! earlier forms had told.

use serde_json::{Map, Value, json};
use sha2::{Digest, Sha256};

use super::form::Form;
use crate::fhir::{FacilityCode, PatientKey, system};

/// Members of a Patient that are taken as they are sent.
const TAKEN: [&str; 11] = [
    "extension",
    "identifier",
    "name",
    "telecom",
    "gender",
    "birthDate",
    "deceasedBoolean",
    "deceasedDateTime",
    "address",
    "contact",
    "communication",
];
/// Figures of a number that is made here.
const NUMBER_DIGITS: usize = 12;

/// The registration number of a form that has none: made of what tells the person apart, so that the same form always has the
/// same; `nth` tells several people of just the same particulars apart.
pub(super) fn number(form: &Form, nth: u32) -> String {
    let traits = serde_json::to_string(&form.traits()).unwrap_or_default();
    let digest = Sha256::digest(format!("{nth}:{traits}").as_bytes());
    let digits: String = digest.iter().map(|byte| format!("{byte:02X}")).collect();
    format!("R{}", &digits[..NUMBER_DIGITS])
}

/// The resource.
pub(super) fn resource(
    form: &Form,
    record: PatientKey,
    office: &FacilityCode,
    number: &str,
    earlier: Option<&Value>,
) -> Value {
    let own = office.patient_number_system();
    let mut numbers = vec![json!({
        "type": {"coding": [{"system": system::V2_0203, "code": "RRI"}], "text": "登録番号"},
        "system": own, "value": number,
    })];
    let told = |of: &Value| -> Vec<Value> { of["identifier"].as_array().cloned().unwrap_or_default() };
    let same = |a: &Value, b: &Value| a["system"] == b["system"] && a["value"] == b["value"];
    for one in told(&form.person).into_iter().chain(earlier.map(told).unwrap_or_default()) {
        if !numbers.iter().any(|known| same(known, &one)) {
            numbers.push(one);
        }
    }
    // In the order of the standard's definition, whatever the order in which it was sent: the same form, the same resource.
    let mut patient = Map::new();
    patient.insert("resourceType".to_owned(), json!("Patient"));
    patient.insert("id".to_owned(), json!(record.patient_id().as_str()));
    for name in TAKEN {
        match (name, form.person.get(name)) {
            ("identifier", _) => {
                // Which came first is not said by their order.
                numbers[1..].sort_by_key(Value::to_string);
                patient.insert(name.to_owned(), Value::from(numbers.clone()));
                patient.insert("active".to_owned(), json!(true));
            }
            (_, Some(value)) => {
                patient.insert(name.to_owned(), value.clone());
            }
            (_, None) => {}
        }
    }
    Value::Object(patient)
}

/// The registration number of a record.
pub(super) fn number_of(patient: &Value, office: &FacilityCode) -> Option<String> {
    let own = office.patient_number_system();
    let numbers = patient["identifier"].as_array()?;
    numbers.iter().find(|one| one["system"] == own.as_str())?["value"].as_str().map(str::to_owned)
}
