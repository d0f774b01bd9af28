//! What of a record tells people apart: its Patient and the Coverages of that Patient, with the numbers of their insurers; and
//! which other records the facility itself says are the same patient's (Patient.link, HL7 v2 A40).

use serde_json::Value;

use crate::fault::Fault;
use crate::fhir::{PatientKey, ResourceType};
use crate::identity::Traits;
use crate::store::{Partition, Record};

/// Coverages of a record that are looked at, the newest first.
const COVERAGES_MAX: usize = 12;
/// Links of a Patient that are looked at.
const LINKS_MAX: usize = 16;

/// What was read.
#[derive(Debug, Default)]
pub(super) struct Told {
    /// `None` where the record has no Patient.
    pub(super) traits: Option<Traits>,
    /// Records of the same patient: one takes the place of the other.
    pub(super) merged: Vec<PatientKey>,
    /// Records that have to do with it, which may be the same patient's.
    pub(super) see_also: Vec<PatientKey>,
}

/// Reads a record.
pub(super) fn told(partition: &Partition) -> Result<Told, Fault> {
    let current = |resource_type: ResourceType| {
        let mut seen = std::collections::HashSet::new();
        let newest = partition.records.iter().rev().filter(move |r| r.facts.resource_type == resource_type);
        newest.filter(move |r| seen.insert(&r.facts.id)).filter(|r| !r.facts.deleted)
    };
    let own = partition.patient.patient_id();
    let mut patients: Vec<&Record> = current(ResourceType::PATIENT).collect();
    patients.sort_by_key(|record| record.facts.id != own);
    let Some(patient) = patients.first() else { return Ok(Told::default()) };
    let patient = parsed(patient)?;
    let mut coverages = Vec::new();
    for coverage in current(ResourceType::COVERAGE).take(COVERAGES_MAX) {
        coverages.push(with_insurer(parsed(coverage)?, |id| {
            let organizations = current(ResourceType::ORGANIZATION);
            organizations.filter(|r| r.facts.id.as_str() == id).map(parsed).next().transpose()
        })?);
    }
    let mut told = Told { traits: Some(Traits::read(&patient, &coverages)), ..Told::default() };
    told.links(&patient, partition.patient);
    Ok(told)
}

impl Told {
    /// Takes up what a Patient says of other records (Patient.link).
    fn links(&mut self, patient: &Value, own: PatientKey) {
        for link in patient["link"].as_array().into_iter().flatten().take(LINKS_MAX) {
            let reference = link.pointer("/other/reference").and_then(Value::as_str);
            let id = reference.and_then(|text| text.strip_prefix("Patient/"));
            let Some(other) = id.map(PatientKey::of_id).filter(|other| *other != own) else { continue };
            match link["type"].as_str() {
                Some("replaced-by" | "replaces") => self.merged.push(other),
                Some("seealso") => self.see_also.push(other),
                _ => {}
            }
        }
    }
}

/// What a Patient and Coverages that a reader may see tell; the same as of a record that holds no more than these.
pub fn traits_of(patient: &Value, coverages: Vec<Value>, organizations: &[Value]) -> Result<Traits, Fault> {
    let insurer = |id: &str| Ok(organizations.iter().find(|one| one["id"] == id).cloned());
    let coverages = coverages.into_iter().take(COVERAGES_MAX).map(|coverage| with_insurer(coverage, insurer));
    Ok(Traits::read(patient, &coverages.collect::<Result<Vec<_>, _>>()?))
}

/// A Coverage whose payor says who it is, where it only refers to an Organization of the record.
fn with_insurer(mut coverage: Value, insurer: impl Fn(&str) -> Result<Option<Value>, Fault>) -> Result<Value, Fault> {
    for payor in coverage["payor"].as_array_mut().into_iter().flatten() {
        let id = payor["reference"].as_str().and_then(|text| text.strip_prefix("Organization/"));
        let Some(id) = id.filter(|_| payor.get("identifier").is_none()) else { continue };
        if let Some(organization) = insurer(id)?
            && let Some(identifier) = organization.pointer("/identifier/0")
            && let Some(payor) = payor.as_object_mut()
        {
            payor.insert("identifier".to_owned(), identifier.clone());
        }
    }
    Ok(coverage)
}

fn parsed(record: &Record) -> Result<Value, Fault> {
    serde_json::from_str(&record.body.json()?).map_err(|_| Fault::Broken("a stored resource is not JSON".into()))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn so_many_coverages_tell_people_apart_and_no_more() {
        let patient = json!({"resourceType": "Patient", "name": [{"family": "試験", "given": ["花子"]}]});
        let member = json!({"system": "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID",
            "value": "00138172:あ:187:01"});
        let behind = |others: usize| {
            let mut coverages = vec![json!({"resourceType": "Coverage"}); others];
            coverages.push(json!({"resourceType": "Coverage", "identifier": [member]}));
            traits_of(&patient, coverages, &[]).unwrap().medical.len()
        };
        assert_eq!((behind(COVERAGES_MAX - 1), behind(COVERAGES_MAX)), (1, 0));
    }

    #[test]
    fn so_many_links_are_followed_and_no_more() {
        let link = |n: u128| json!({"type": "seealso", "other": {"reference": PatientKey(n << 80).reference()}});
        let followed = |count: usize| {
            let mut told = Told::default();
            told.links(&json!({"link": (1..=count as u128).map(link).collect::<Vec<_>>()}), PatientKey(0));
            told.see_also.len()
        };
        assert_eq!((followed(LINKS_MAX), followed(LINKS_MAX + 1)), (LINKS_MAX, LINKS_MAX));
    }
}
