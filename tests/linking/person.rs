//! Synthetic people, and letters in which facilities tell of them.

#![allow(unreachable_pub)]

use serde_json::{Value, json};
use tasuki::fhir::{FacilityCode, PatientKey};
use tasuki::letter::Letter;

use crate::gateway;

/// Somebody as a facility knows them.
#[derive(Clone, Copy, Debug)]
pub struct Person {
    pub kanji: (&'static str, &'static str),
    pub kana: (&'static str, &'static str),
    pub birth: &'static str,
    pub gender: &'static str,
    pub address: Option<&'static str>,
    pub phone: Option<&'static str>,
    /// `insurer:number` of care insurance.
    pub care: Option<&'static str>,
}

impl Person {
    pub const fn hanako() -> Self {
        Person {
            kanji: ("試験", "花子"),
            kana: ("シケン", "ハナコ"),
            birth: "1940-02-03",
            gender: "female",
            address: Some("北海道札幌市中央区北一条西2-3-4"),
            phone: Some("011-200-3004"),
            care: Some("011023:0000123456"),
        }
    }

    /// As a Patient resource, without id and number.
    pub fn patient(&self) -> Value {
        let name = |(family, given): (&str, &str), code: &str| {
            json!({"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": code}],
                "use": "official", "family": family, "given": [given]})
        };
        let mut patient = json!({
            "resourceType": "Patient", "active": true, "gender": self.gender, "birthDate": self.birth,
            "name": [name(self.kanji, "IDE"), name(self.kana, "SYL")], "identifier": [],
        });
        if let Some(care) = self.care {
            patient["identifier"] =
                json!([{"system": "https://tasuki.example/fhir/NamingSystem/care-insured", "value": care}]);
        }
        if let Some(address) = self.address {
            patient["address"] = json!([{"text": address}]);
        }
        if let Some(phone) = self.phone {
            patient["telecom"] = json!([{"system": "phone", "value": phone}]);
        }
        patient
    }
}

/// The record that a facility keeps under a number.
pub fn record(facility: &str, number: &str) -> PatientKey {
    PatientKey::derive(&FacilityCode::parse(facility), number)
}

/// A letter of a facility about a person whom it knows under a number; `name` tells it from others.
pub fn letter_of(facility: &str, number: &str, name: &str, person: &Person, resources: &[Value]) -> Letter {
    let mut bundle = gateway::bundle(number, name, resources);
    let mut patient = person.patient();
    let numbers = patient["identifier"].as_array_mut().unwrap();
    numbers.insert(0, gateway::number_of(facility, number));
    bundle["entry"][0]["resource"] = patient;
    bundle["identifier"]["value"] = json!(format!("{facility}^2026^{name}"));
    // The later letter is the newer one.
    let minute = name.len();
    bundle["timestamp"] = json!(format!("2026-11-20T10:{minute:02}:00+09:00"));
    gateway::letter(facility, name, &bundle)
}
