//! What search and consent need of a resource, read from it once: labels, patients, tokens, dates, references.

use serde_json::{Map, Value};

use super::facts::{DateFact, Labels, Parameter, Token, reference_hash};
use super::labels;
use crate::fhir::entry::Entries;
use crate::fhir::reference::{self, Literal};
use crate::fhir::{PatientKey, ResourceId, ResourceType};

mod tree;

/// A Patient that is named and is none of ours: no consent covers it.
const STRANGER: PatientKey = PatientKey(0);

/// Elements that hold the patient where R4 has them (compartmentdefinition-patient.html): a reference there that
/// cannot be read still names somebody.
const OF_PATIENT: [&str; 3] = ["subject", "patient", "beneficiary"];

/// What was read from a resource.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Extracted {
    /// Its labels and those of whatever is contained or enclosed in it.
    pub labels: Labels,
    /// Every Patient it names, each once.
    pub patients: Vec<PatientKey>,
    /// The values of its token and reference parameters.
    pub tokens: Vec<Token>,
    /// The values of its date parameters.
    pub dates: Vec<DateFact>,
    /// Hashes of every `Type/id` it refers to; those of a Bundle's entries as resources of the record among them.
    pub references: Vec<u64>,
}

/// Reads a resource. Of a Bundle, the record is that of the hospital number of its Patient.
pub fn extract(resource: &Value, zone_minutes: i16) -> Extracted {
    let record = resource.get("entry").and_then(Value::as_array).into_iter().flatten().find_map(|entry| {
        let (facility, number) = reference::hospital_numbers(entry.get("resource")?).next()?;
        Some(PatientKey::derive(&facility, number))
    });
    extract_in(resource, record.unwrap_or(STRANGER), zone_minutes)
}

/// Reads a resource that is kept in `record`: the Patient enclosed in a received Bundle is that record's.
pub fn extract_in(resource: &Value, record: PatientKey, zone_minutes: i16) -> Extracted {
    let Some(object) = resource.as_object() else { return Extracted::default() };
    let resource_type = reference::resource_type(resource);
    let entries = (resource_type == Some(ResourceType::BUNDLE)).then(|| Entries::of(resource, record));
    let mut reader = Reader { found: Extracted::default(), entries: entries.as_ref(), names_versions: false };
    if resource_type == Some(ResourceType::PATIENT) {
        let own = object.get("id").and_then(Value::as_str).map(PatientKey::of_id);
        reader.patient(own.unwrap_or(STRANGER));
    }
    reader.object("", resource, object);
    for entry in entries.iter().flat_map(|entries| &entries.all) {
        reader.found.references.push(reference_hash(entry.resource_type, entry.id.as_str()));
        // A document that was made here carries its resources under the ids they have here.
        let own = entry.resource.get("id").and_then(Value::as_str).and_then(ResourceId::parse);
        if let Some(id) = own.filter(|id| record.derives(id)) {
            reader.found.references.push(reference_hash(entry.resource_type, id.as_str()));
        }
    }
    if let Some(resource_type) = resource_type {
        let (tokens, dates) = tree::facts(resource_type, resource, zone_minutes);
        (reader.found.tokens, reader.found.dates) = (tokens, dates);
        if reader.names_versions {
            reader.found.tokens.insert(0, Token { parameter: Parameter::VERSIONED, system: 0, code: 0 });
        }
    }
    reader.found.patients.sort_unstable();
    reader.found.patients.dedup();
    reader.found.references.sort_unstable();
    reader.found.references.dedup();
    reader.found
}

/// The one walk over the whole tree.
struct Reader<'a> {
    found: Extracted,
    entries: Option<&'a Entries<'a>>,
    /// Whether a reference names a version.
    names_versions: bool,
}

impl<'a> Reader<'a> {
    fn object(&mut self, name: &str, whole: &'a Value, object: &'a Map<String, Value>) {
        self.found.labels = self.found.labels.union(labels::of_object(object));
        let (mut refers, mut typed) = (OF_PATIENT.contains(&name), false);
        for (name, value) in object {
            // By address, or by a number alone.
            refers |= name == "reference" || (name == "identifier" && value.is_object());
            typed |= name == "resourceType";
            if name == "url" {
                self.attached(value);
            }
            self.value(name, value);
        }
        if typed && !name.is_empty() {
            self.enclosed(whole);
        } else if refers {
            self.reference(name, object);
        }
    }

    fn value(&mut self, name: &str, value: &'a Value) {
        match value {
            Value::Array(items) => items.iter().for_each(|item| self.value(name, item)),
            Value::Object(object) => self.object(name, value, object),
            _ => {}
        }
    }

    /// What an Attachment names by its URL: the bytes tell what the resource tells, and the other way round.
    fn attached(&mut self, url: &Value) {
        let Some(text) = url.as_str().filter(|url| url.contains("Binary/")) else { return };
        if let Literal::Relative(of, id) | Literal::Absolute(_, Some((of, id))) = Literal::parse(text)
            && of == ResourceType::BINARY
        {
            self.found.references.push(reference_hash(of, id));
        }
    }

    /// A resource inside the resource: a Patient there is one that is named.
    fn enclosed(&mut self, resource: &Value) {
        if reference::resource_type(resource) != Some(ResourceType::PATIENT) {
            return;
        }
        let mut entry = self.entries.iter().flat_map(|entries| entries.patients());
        if let Some(entry) = entry.find(|entry| std::ptr::eq(entry.resource, resource)) {
            return self.patient(PatientKey::from_patient_id(entry.id.as_str()).unwrap_or(STRANGER));
        }
        let mut numbered = false;
        for (facility, number) in reference::hospital_numbers(resource) {
            numbered = true;
            self.patient(PatientKey::derive(&facility, number));
        }
        if !numbered {
            self.patient(STRANGER);
        }
    }

    fn reference(&mut self, name: &str, object: &'a Map<String, Value>) {
        let numbered = object.get("identifier").and_then(reference::hospital_number);
        if let Some((facility, number)) = &numbered {
            self.patient(PatientKey::derive(facility, number));
        }
        let of_patient = object.get("type").and_then(Value::as_str) == Some("Patient") || OF_PATIENT.contains(&name);
        let Some(text) = object.get("reference").and_then(Value::as_str) else {
            // Named by an identifier that tells us nothing.
            if of_patient && numbered.is_none() && object.get("identifier").is_some_and(|i| i.get("value").is_some()) {
                self.patient(STRANGER);
            }
            return;
        };
        self.names_versions |= text.contains("/_history/");
        let literal = Literal::parse(text);
        if let Some(entry) = self.entries.and_then(|entries| entries.resolve(text)) {
            if entry.resource_type == ResourceType::PATIENT {
                self.patient(PatientKey::from_patient_id(entry.id.as_str()).unwrap_or(STRANGER));
            }
            return;
        }
        match literal {
            Literal::Contained => {}
            Literal::Relative(resource_type, id) => {
                let hash = reference_hash(resource_type, id);
                self.found.references.push(hash);
                if resource_type == ResourceType::PATIENT {
                    self.patient(PatientKey::of_id(id));
                }
            }
            // It may be the URL of one of ours: what is labelled here hides whoever names it so too. An id of somebody
            // else's that is the same by chance hides too much, which harms nobody.
            Literal::Absolute(_, Some((resource_type, id))) if resource_type != ResourceType::PATIENT => {
                self.found.references.push(reference_hash(resource_type, id));
            }
            Literal::Absolute(_, Some(_)) => self.patient(STRANGER),
            Literal::Absolute(..) | Literal::Urn(_) | Literal::Other => {
                if of_patient {
                    self.patient(STRANGER);
                }
            }
        }
    }

    fn patient(&mut self, key: PatientKey) {
        self.found.patients.push(key);
    }
}

#[cfg(test)]
mod tests;
