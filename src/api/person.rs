//! `Patient.link` (patient.html, Patient.link): the other records of the person, as far as the caller may see their Patients. It
//! is said when a Patient is read or found and is no part of what is stored: what a facility sent stays as it was sent, and a
//! link that is taken away is gone from the next answer.

use std::collections::HashMap;

use actix_web::web;
use serde_json::{Value, json};

use super::read::chart;
use super::routes::blocking;
use super::trail::Trail;
use crate::app::Gateway;
use crate::chart::Chart;
use crate::consent::Caller;
use crate::fault::Fault;
use crate::fhir::same_person::LINK_ID;
use crate::fhir::{PatientKey, ResourceId, ResourceType};

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
        trail: &mut Trail,
    ) -> Result<(), Fault> {
        let others: Vec<PatientKey> = of.person.iter().copied().filter(|record| *record != of.patient).collect();
        let (reader, who) = (gateway.clone(), caller.clone());
        // What is none of the caller's is not read: its size would show in the time of the answer.
        let concern = move || others.into_iter().map(|one| Ok(reader.concerns(&who, one)?.then_some(one))).collect();
        let others: Vec<Option<PatientKey>> = blocking(concern).await?;
        let mut seen = Vec::new();
        for other in others.into_iter().flatten() {
            let chart = chart(gateway, other).await?;
            let (id, policy) = (other.patient_id(), chart.policy(caller));
            let gate = chart.gate(caller, &policy, gateway.now()).found();
            let permit = chart.row(ResourceType::PATIENT, &id).and_then(|row| chart.permit(&gate, row));
            if permit.is_some() {
                // Its id leaves, and nothing else of it.
                trail.saw(other, None, 0);
                seen.push(id);
            }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::same_person::without;

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
        said = without(&said).unwrap();
        assert_eq!(said, stored);
        assert_eq!(links.add(record, ResourceType::OBSERVATION, body.clone()), body);
        assert_eq!(links.add(PatientKey(7 << 80), ResourceType::PATIENT, body.clone()), body);
    }
}
