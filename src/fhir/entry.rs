//! The entries of a received Bundle as resources of a record: the ids they get and what references between them mean
//! (bundle.html#references).

use std::collections::HashMap;

use serde_json::Value;
use uuid::Uuid;

use super::reference::{self, Literal};
use super::{PatientKey, ResourceId, ResourceType, system};

/// An entry that holds a resource of a known type.
#[derive(Clone, Debug)]
pub struct Entry<'a> {
    /// Its position in `Bundle.entry`, from 0.
    pub position: usize,
    /// Its fullUrl; empty when there is none.
    pub full_url: &'a str,
    /// The resource.
    pub resource: &'a Value,
    /// Its type.
    pub resource_type: ResourceType,
    /// The id it has in the record.
    pub id: ResourceId,
    /// Whether another entry of its type carries the same business identifier.
    pub doubled: bool,
}

/// The entries of a Bundle that belongs to `record`, with the references between them.
#[derive(Debug)]
pub struct Entries<'a> {
    /// The entries, in order.
    pub all: Vec<Entry<'a>>,
    by_url: HashMap<&'a str, usize>,
    by_local: HashMap<(ResourceType, &'a str), usize>,
}

/// Identifier systems that number a line inside an order: alike in every prescription, so no identity
/// (JP_MedicationRequest slices rpNumber and orderInRp, by URL and by the older OID).
const POSITIONS: [&str; 4] =
    [system::RP_NUMBER, system::ORDER_IN_RP, "urn:oid:1.2.392.100495.20.3.81", "urn:oid:1.2.392.100495.20.3.82"];

impl<'a> Entries<'a> {
    /// The entries of a Bundle. The same Bundle and record give the same ids.
    pub fn of(bundle: &'a Value, record: PatientKey) -> Self {
        let listed = bundle.get("entry").and_then(Value::as_array).into_iter().flatten().enumerate();
        let mut keyed = Vec::new();
        let mut seen: HashMap<(ResourceType, String), u32> = HashMap::new();
        for (position, entry) in listed {
            let Some(resource) = entry.get("resource") else { continue };
            let Some(resource_type) = reference::resource_type(resource) else { continue };
            let full_url = entry.get("fullUrl").and_then(Value::as_str).unwrap_or_default();
            let key = business_key(resource, full_url);
            *seen.entry((resource_type, key.clone())).or_default() += 1;
            keyed.push((position, full_url, resource, resource_type, key));
        }
        let mut taken: HashMap<(ResourceType, String), u32> = HashMap::new();
        let mut entries = Entries { all: Vec::new(), by_url: HashMap::new(), by_local: HashMap::new() };
        for (position, full_url, resource, resource_type, mut key) in keyed {
            let doubled = seen.get(&(resource_type, key.clone())).is_some_and(|n| *n > 1);
            if doubled {
                key = format!("{key}\u{1f}{}", main_code(resource));
                let nth = taken.entry((resource_type, key.clone())).or_default();
                *nth += 1;
                if *nth > 1 {
                    key = format!("{key}\u{1f}{nth}");
                }
            }
            let id = if resource_type == ResourceType::PATIENT {
                record.patient_id()
            } else {
                record.resource_id(resource_type.name(), &key)
            };
            entries.add(Entry { position, full_url, resource, resource_type, id, doubled });
        }
        entries
    }

    fn add(&mut self, entry: Entry<'a>) {
        let at = self.all.len();
        // A name that two entries bear means neither.
        let unless_taken = |taken: &mut usize| *taken = if *taken == at { at } else { usize::MAX };
        if !entry.full_url.is_empty() {
            self.by_url.entry(entry.full_url).and_modify(unless_taken).or_insert(at);
        }
        if let Literal::Absolute(_, Some(local)) = Literal::parse(entry.full_url) {
            self.by_local.entry(local).and_modify(unless_taken).or_insert(at);
        }
        if let Some(id) = entry.resource.get("id").and_then(Value::as_str) {
            self.by_local.entry((entry.resource_type, id)).and_modify(unless_taken).or_insert(at);
        }
        self.all.push(entry);
    }

    /// The entry a reference means: by fullUrl, or by type and id. The base URL of relative references is not
    /// compared: senders give `urn:uuid` fullUrls and refer by `Type/id` all the same.
    pub fn resolve(&self, text: &str) -> Option<&Entry<'a>> {
        let at = match Literal::parse(text) {
            Literal::Contained | Literal::Other => None,
            Literal::Urn(urn) => self.by_url.get(urn),
            Literal::Absolute(url, _) => self.by_url.get(url),
            Literal::Relative(resource_type, id) => self.by_local.get(&(resource_type, id)),
        };
        at.and_then(|at| self.all.get(*at))
    }

    /// The Patients among them.
    pub fn patients(&self) -> impl Iterator<Item = &Entry<'a>> {
        self.all.iter().filter(|entry| entry.resource_type == ResourceType::PATIENT)
    }
}

/// What a sender tells a resource apart by: its resourceInstance identifier, else its first identifier, else the
/// sender's id, else the fullUrl, else what it says.
pub fn business_key(resource: &Value, full_url: &str) -> String {
    if let Some(key) = identifier_key(resource) {
        return key;
    }
    if let Some(id) = resource.get("id").and_then(Value::as_str).filter(|id| !id.is_empty()) {
        return format!("fhir:{id}");
    }
    if !full_url.is_empty() {
        return full_url.to_owned();
    }
    format!("content:{}", Uuid::new_v5(&Uuid::NAMESPACE_OID, resource.to_string().as_bytes()))
}

fn identifier_key(resource: &Value) -> Option<String> {
    let identifiers = match resource.get("identifier")? {
        Value::Array(all) => all.as_slice(),
        one => std::slice::from_ref(one),
    };
    let parts = || {
        identifiers.iter().filter_map(|identifier| {
            let value = identifier.get("value")?.as_str()?;
            Some((identifier.get("system").and_then(Value::as_str).unwrap_or_default(), value))
        })
    };
    if let Some((_, value)) = parts().find(|(system, _)| *system == system::RESOURCE_INSTANCE) {
        return Some(value.to_owned());
    }
    let (system, value) = parts().find(|(system, _)| !POSITIONS.contains(system))?;
    let mut key = format!("{system}|{value}");
    for (system, value) in parts().filter(|(system, _)| POSITIONS.contains(system)) {
        key = format!("{key}\u{1f}{system}|{value}");
    }
    Some(key)
}

fn main_code(resource: &Value) -> String {
    let code = resource.get("code").or_else(|| resource.get("medicationCodeableConcept"));
    let coding = code.and_then(|code| code.get("coding")).and_then(|coding| coding.get(0));
    let part = |name| coding.and_then(|c| c.get(name)).and_then(Value::as_str).unwrap_or_default();
    match coding {
        Some(_) => format!("{}|{}", part("system"), part("code")),
        None => code.and_then(|code| code.get("text")).and_then(Value::as_str).unwrap_or_default().to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn the_instance_identifier_wins_and_line_numbers_are_no_identity() {
        let instance = json!({"identifier": [{"system": "s", "value": "1"}, {"system": system::RESOURCE_INSTANCE, "value": "i"}], "id": "x"});
        assert_eq!(business_key(&instance, "urn:uuid:1"), "i");
        let line = json!({"identifier": [{"system": system::RP_NUMBER, "value": "1"}], "id": "x"});
        assert_eq!(business_key(&line, "urn:uuid:1"), "fhir:x");
        let prescription =
            json!({"identifier": [{"system": system::RP_NUMBER, "value": "1"}, {"system": "p", "value": "9"}]});
        assert_eq!(business_key(&prescription, ""), format!("p|9\u{1f}{}|1", system::RP_NUMBER));
        assert_eq!(business_key(&json!({}), "urn:uuid:1"), "urn:uuid:1");
        assert!(business_key(&json!({"a": 1}), "").starts_with("content:"));
    }

    #[test]
    fn entries_with_one_identifier_stay_apart_whatever_their_order() {
        let observation = |code: &str| {
            json!({"resource": {"resourceType": "Observation",
            "identifier": [{"system": system::RESOURCE_INSTANCE, "value": "same"}], "code": {"coding": [{"system": "c", "code": code}]}}})
        };
        let record = PatientKey(7);
        let ids = |bundle: &Value| Entries::of(bundle, record).all.iter().map(|e| e.id.clone()).collect::<Vec<_>>();
        let one = ids(&json!({"entry": [observation("a"), observation("b")]}));
        let other = ids(&json!({"entry": [observation("b"), observation("a")]}));
        assert_ne!(one[0], one[1]);
        assert_eq!((&one[0], &one[1]), (&other[1], &other[0]));
    }

    #[test]
    fn references_resolve_by_url_and_by_local_name() {
        let bundle = json!({"entry": [
            {"fullUrl": "urn:uuid:1", "resource": {"resourceType": "Patient", "id": "p"}},
            {"fullUrl": "http://a.example/Condition/c", "resource": {"resourceType": "Condition"}}]});
        let entries = Entries::of(&bundle, PatientKey(7));
        let at = |text| entries.resolve(text).map(|e| e.position);
        assert_eq!([at("urn:uuid:1"), at("Patient/p"), at("Patient/p/_history/1")], [Some(0); 3]);
        assert_eq!([at("Condition/c"), at("http://a.example/Condition/c")], [Some(1); 2]);
        assert_eq!([at("urn:uuid:2"), at("Patient/q"), at("#p"), at("http://b.example/Condition/c")], [None; 4]);
    }
}
