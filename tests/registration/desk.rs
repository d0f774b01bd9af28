//! A desk of the office: a gateway over two facilities, forms, and what is asked of them.

#![allow(unreachable_pub)]

use std::sync::Arc;

use serde_json::{Value, json};
use tasuki::app::Gateway;
use tasuki::fhir::PatientKey;
use tasuki::store::Store;

use crate::gateway::{self, Answer, Ask, CLINIC, HOSPITAL, Served, condition, config_with, receive};
use crate::person::{Person, letter_of, record};

pub struct Desk {
    pub served: Served,
    pub gateway: Arc<Gateway>,
    pub store: Store,
}

/// The first bytes of a PDF, and of nothing else.
pub const PDF: &str = "JVBERi0xLjcgc2VjcmV0LW9mLXRoZS1mb3Jt";

impl Desk {
    /// A gateway on an empty store.
    pub fn empty() -> Desk {
        Desk::with("")
    }

    pub fn with(more: &str) -> Desk {
        let store = Store::open_memory();
        let gateway = Arc::new(Gateway::over(store.clone(), &config_with(more), gateway::clock).unwrap());
        Desk { served: Served::new(gateway.clone()), gateway, store }
    }

    /// A hospital and a clinic know somebody, each with a finding of its own.
    pub fn knowing(person: &Person) -> Desk {
        let desk = Desk::empty();
        desk.hospital(person);
        desk.clinic(person);
        desk
    }

    pub fn hospital(&self, person: &Person) {
        receive(&self.store, &letter_of(HOSPITAL, "0000000001", "h", person, &[condition("h", "E119", None)]));
        self.gateway.linker().settle().unwrap();
    }

    pub fn clinic(&self, person: &Person) {
        receive(&self.store, &letter_of(CLINIC, "77", "c", person, &[condition("c", "I10", None)]));
        self.gateway.linker().settle().unwrap();
    }

    pub fn call(&self, client: &str, path: &str, parameters: &[Value]) -> Answer {
        let body = json!({"resourceType": "Parameters", "parameter": parameters});
        self.served.ask(Ask::post(client, path, &body))
    }

    /// Enters a form, which must be in order.
    pub fn register(&self, form: &[Value]) -> Told {
        let answer = self.call("office", "/Patient/$register", form);
        assert_eq!(answer.status, 200, "{}", answer.body);
        Told(answer.json())
    }

    /// The rules by which a form is refused.
    pub fn refused(&self, form: &[Value]) -> Vec<String> {
        let answer = self.call("office", "/Patient/$register", form);
        assert!(matches!(answer.status, 400 | 422), "{}", answer.body);
        let answer = answer.json();
        let issues = answer["issue"].as_array().unwrap().iter();
        issues.map(|issue| issue.pointer("/details/coding/0/code").unwrap().as_str().unwrap().to_owned()).collect()
    }

    pub fn revoke(&self, path: &str, form: &[Value]) -> Told {
        let answer = self.call("office", path, form);
        assert_eq!(answer.status, 200, "{}", answer.body);
        Told(answer.json())
    }

    /// The codes of the findings that a client sees.
    pub fn sees(&self, client: &str) -> Vec<String> {
        self.served.get(client, "/Condition").codes()
    }

    pub fn sheaves(&self) -> usize {
        self.store.log(tasuki::store::Position(0), 10_000).unwrap().len()
    }
}

/// An answer as parameters.
#[derive(Debug)]
pub struct Told(pub Value);

impl Told {
    pub fn all<'t>(&'t self, name: &'t str) -> impl Iterator<Item = &'t Value> {
        self.0["parameter"].as_array().unwrap().iter().filter(move |one| one["name"] == name)
    }

    pub fn text(&self, name: &str) -> String {
        let value = self.all(name).next().unwrap_or_else(|| panic!("no {name} in {:#}", self.0));
        let members = value.as_object().unwrap();
        let value = members.iter().find(|(name, _)| name.starts_with("value")).unwrap().1;
        value.get("reference").unwrap_or(value).as_str().unwrap().to_owned()
    }

    pub fn outcome(&self) -> String {
        self.text("outcome")
    }

    /// Of a part of each parameter of a name.
    pub fn parts(&self, name: &str, part: &str) -> Vec<String> {
        let of = |one: &Value| {
            let parts = one["part"].as_array()?;
            let members = parts.iter().find(|inner| inner["name"] == part)?.as_object()?;
            let value = members.iter().find(|(name, _)| name.starts_with("value"))?.1;
            let value = value.get("reference").unwrap_or(value);
            Some(value.as_str().map_or_else(|| value.to_string(), str::to_owned))
        };
        self.all(name).filter_map(of).collect()
    }

    pub fn issues(&self) -> Vec<String> {
        let issues = self.all("issues").filter_map(|one| one.pointer("/resource/issue")?.as_array()).flatten();
        issues.map(|one| one.pointer("/details/coding/0/code").unwrap().as_str().unwrap().to_owned()).collect()
    }
}

/// A person as the desk sends them.
pub fn patient(person: &Person) -> Value {
    let mut patient = person.patient();
    if patient["identifier"].as_array().is_some_and(Vec::is_empty) {
        patient.as_object_mut().unwrap().remove("identifier");
    }
    patient
}

/// The parameters of the plainest form.
pub fn form(person: &Person, signed: &str) -> Vec<Value> {
    vec![
        json!({"name": "person", "resource": patient(person)}),
        json!({"name": "signed", "valueDate": signed}),
        json!({"name": "registrar", "valueString": "窓口 一郎"}),
    ]
}

pub fn with(mut form: Vec<Value>, more: &[Value]) -> Vec<Value> {
    form.extend_from_slice(more);
    form
}

pub fn member(name: &str) -> Value {
    json!({"name": "member", "valueReference": {"reference": format!("Organization/{name}")}})
}

pub fn scan() -> Value {
    json!({"name": "form", "valueAttachment": {"contentType": "application/pdf", "data": PDF, "title": "同意書"}})
}

pub fn named(name: &str, record: PatientKey) -> Value {
    json!({"name": name, "valueReference": {"reference": record.reference()}})
}

pub fn here() -> PatientKey {
    record(HOSPITAL, "0000000001")
}

pub fn there() -> PatientKey {
    record(CLINIC, "77")
}
