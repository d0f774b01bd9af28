//! `Patient.link` (patient.html, Patient.link): the other records of the person, as far as the caller may see their Patients. It
//! is said when a Patient is read or found and is no part of what is stored: what a facility sent stays as it was sent, and a
//! link that is taken away is gone from the next answer.

use std::collections::HashMap;

use actix_web::web;
use serde_json::{Value, json};

use super::read::chart;
use crate::app::Gateway;
use crate::chart::Chart;
use crate::consent::Caller;
use crate::fault::Fault;
use crate::fhir::{PatientKey, ResourceId, ResourceType};

/// `Element.id` of the links that are said here; what comes back in an update is not kept.
pub(super) const LINK_ID: &str = "same-person";

/// The Patients that each of some Patients is linked to.
#[derive(Debug, Default)]
pub(super) struct Links(HashMap<PatientKey, Vec<ResourceId>>);

impl Links {
    /// Those that the caller may see of the other records of the person whose chart it is.
    pub(super) async fn read(
        &mut self,
        gateway: &web::Data<Gateway>,
        caller: &Caller,
        of: &Chart,
    ) -> Result<(), Fault> {
        let others = of.person.iter().copied().filter(|record| *record != of.patient);
        let mut seen = Vec::new();
        for other in others {
            let chart = chart(gateway, other).await?;
            let (id, policy) = (other.patient_id(), chart.policy(caller));
            let gate = chart.gate(caller, &policy, gateway.now()).found();
            let permit = chart.row(ResourceType::PATIENT, &id).and_then(|row| chart.permit(&gate, row));
            seen.extend(permit.map(|_| id));
        }
        if !seen.is_empty() {
            self.0.insert(of.patient, seen);
        }
        Ok(())
    }

    /// A resource of a record, with its links where it is the record's Patient and has any.
    pub(super) fn add(&self, record: PatientKey, resource_type: ResourceType, body: Vec<u8>) -> Vec<u8> {
        let Some(links) = self.0.get(&record).filter(|_| resource_type == ResourceType::PATIENT) else { return body };
        let Ok(mut patient) = serde_json::from_slice::<Value>(&body) else { return body };
        let link = |id: &ResourceId| json!({"id": LINK_ID, "other": {"reference": format!("Patient/{}", id.as_str())}, "type": "seealso"});
        let mut all: Vec<Value> = patient["link"].as_array().cloned().unwrap_or_default();
        all.extend(links.iter().map(link));
        patient["link"] = Value::Array(all);
        patient.to_string().into_bytes()
    }

    /// Whether it says something of a record's Patient.
    pub(super) fn has(&self, record: PatientKey, resource_type: ResourceType) -> bool {
        resource_type == ResourceType::PATIENT && self.0.contains_key(&record)
    }
}

/// Whether a Patient is to be read with links.
pub(super) fn is_linked(chart: &Chart, resource_type: ResourceType) -> bool {
    resource_type == ResourceType::PATIENT && chart.person.len() > 1
}

/// Takes away from a Patient that is stated what was only said of it; whether there was any of it.
pub(super) fn without_links(patient: &mut Value) -> bool {
    let Some(links) = patient.get_mut("link").and_then(Value::as_array_mut) else { return false };
    let before = links.len();
    links.retain(|link| link["id"] != LINK_ID);
    let is_other = links.len() < before;
    if links.is_empty()
        && is_other
        && let Some(members) = patient.as_object_mut()
    {
        members.shift_remove("link");
    }
    is_other
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn links_are_added_to_what_is_sent_and_taken_from_what_comes_back() {
        let record = PatientKey(5 << 80);
        let other = PatientKey(6 << 80).patient_id();
        let links = Links(HashMap::from([(record, vec![other.clone()])]));
        let stored = json!({"resourceType": "Patient", "id": "a", "multipleBirthInteger": 2,
            "link": [{"other": {"reference": "Patient/b"}, "type": "replaces"}]});
        let body = stored.to_string().into_bytes();
        let mut said: Value = serde_json::from_slice(&links.add(record, ResourceType::PATIENT, body.clone())).unwrap();
        assert_eq!(said["link"][0], stored["link"][0]);
        assert_eq!(said["link"][1]["other"]["reference"], format!("Patient/{}", other.as_str()));
        assert!(without_links(&mut said) && !without_links(&mut said));
        assert_eq!(said, stored);
        assert_eq!(links.add(record, ResourceType::OBSERVATION, body.clone()), body);
        assert_eq!(links.add(PatientKey(7 << 80), ResourceType::PATIENT, body.clone()), body);
        let mut alone = json!({"link": [{"id": LINK_ID}]});
        assert!(without_links(&mut alone));
        assert_eq!(alone, json!({}));
    }
}
