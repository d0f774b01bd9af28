//! `Patient/$summary` (International Patient Summary 1.1, OperationDefinition summary): a document of what matters most,
//! made anew from what the caller may see.
//!
//! The three sections that the IPS requires say that there is no information where there is nothing to show. They say the
//! same whether nothing is on record or nothing that the caller may see.

mod composition;
mod narrative;
mod section;

use std::cmp::Reverse;
use std::collections::BTreeMap;

use serde_json::Value;

use super::graph::{self, Graph, Way};
use super::lastn;
use super::{Call, Level, Seen, parameters, record_of, rules};
use crate::api::answer::Answer;
use crate::api::criteria::{self, Found};
use crate::api::read::absent;
use crate::api::routes::blocking;
use crate::api::rules as common;
use crate::api::trail::Trail;
use crate::api::write::Stop;
use crate::app::Gateway;
use crate::consent::{Caller, Permitted};
use crate::fault::{Fault, Status};
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use composition::Parts;
use section::{SECTIONS, is_of_measurements, section_of};

/// The profile of the document that is made.
const PROFILE: &str = "http://hl7.org/fhir/uv/ips/StructureDefinition/Bundle-uv-ips";
/// Types that are taken in because an entry refers to them: who, where, with what, and the parts of a result.
const SUPPORTING: [ResourceType; 9] = [
    ResourceType::DEVICE,
    ResourceType::LOCATION,
    ResourceType::MEDIA,
    ResourceType::OBSERVATION,
    ResourceType::ORGANIZATION,
    ResourceType::PATIENT,
    ResourceType::PRACTITIONER,
    ResourceType::PRACTITIONER_ROLE,
    ResourceType::SPECIMEN,
];

pub(super) async fn summary(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&["identifier", "profile"])?;
    if call.parameters.text("profile")?.is_some_and(|profile| profile.split('|').next() != Some(PROFILE)) {
        return Err(Stop::because(Status::Unprocessable, &rules::UNKNOWN_PROFILE, ""));
    }
    let identifier = call.parameters.text("identifier")?;
    let (id, criteria) = match (call.level, identifier) {
        (Level::Instance(_, id), None) => (Some(id), String::new()),
        (Level::Instance(..), Some(_)) => return Err(parameters::refused(&common::PARAMETER, "identifier")),
        (_, Some(identifier)) => (None, lastn::pair("identifier", &identifier)),
        (_, None) => return Err(Stop::because(Status::BadRequest, &rules::MISSING, "identifier")),
    };
    let (gateway, caller) = (call.gateway.clone(), call.caller.clone());
    let named = id.clone();
    let made = blocking(move || Ok(make(&gateway, &caller, named.as_ref(), &criteria)));
    let Some((body, id, seen)) = made.await?? else {
        return match id {
            Some(id) => Ok(absent(call.gateway, call.caller, (ResourceType::PATIENT, &id), trail).await?),
            None => Ok(Answer::not_found()),
        };
    };
    trail.about(ResourceType::PATIENT, &id);
    seen.tell(trail);
    Ok(Answer::ok(body))
}

type Made = (Permitted<Vec<u8>>, ResourceId, Seen);

/// Puts a summary together; `None` where there is no such patient for the caller. Blocks on storage.
fn make(gateway: &Gateway, caller: &Caller, id: Option<&ResourceId>, criteria: &str) -> Result<Option<Made>, Stop> {
    let patient = match id {
        Some(id) => match record_of(gateway, caller, id.as_str())? {
            Some(_) => criteria::by_id(gateway, caller, ResourceType::PATIENT, id)?,
            None => None,
        },
        // Two who share an identifier are nobody who could be meant.
        None => Some(criteria::find(gateway, caller, ResourceType::PATIENT, criteria, 2)?)
            .filter(|found| found.len() == 1)
            .and_then(|mut found| found.pop()),
    };
    let Some(patient) = patient else { return Ok(None) };
    let (id, base) = (patient.id.clone(), gateway.base_url());
    let mut first = Vec::new();
    let mut sections = Vec::new();
    let patient_url = url(base, &patient);
    let record = patient.patient;
    first.push(patient);
    for (code, entries) in entries(gateway, caller, record)? {
        sections.push((code, entries.iter().map(|one| url(base, one)).collect()));
        first.extend(entries);
    }
    let way = Way {
        gateway,
        caller,
        takes: &|resource_type| SUPPORTING.contains(&resource_type) || is_medication(resource_type),
    };
    let Graph { found, .. } = way.follow(first)?;
    let seen = Seen::of(gateway, caller, graph::by_record(&found))?;
    let parts = Parts {
        identity: graph::identity("summary", &found),
        timestamp: graph::newest(&found),
        patient: patient_url,
        urls: found.iter().map(|one| url(base, one)).collect(),
        sections,
    };
    let resources = found.into_iter().map(Found::release).collect::<Result<Vec<_>, Fault>>()?;
    let body = Permitted::gather(resources, |resources| composition::bundle(&parts, &resources));
    Ok(Some((body, id, seen)))
}

fn is_medication(resource_type: ResourceType) -> bool {
    resource_type.name() == "Medication"
}

fn url(base: &str, found: &Found) -> String {
    graph::full_url(base, found.resource_type, found.id.as_str())
}

/// The entries of each section that has any, the newest first.
fn entries(gateway: &Gateway, caller: &Caller, record: PatientKey) -> Result<Vec<(&'static str, Vec<Found>)>, Fault> {
    let all = criteria::in_record(gateway, caller, record, &|columns| (0..columns.len()).collect())?;
    let mut sections: BTreeMap<&'static str, Vec<(i64, Found)>> = BTreeMap::new();
    for found in all {
        let resource: Value = serde_json::from_str(&found.body()?).unwrap_or_default();
        if let Some(code) = section_of(&resource) {
            let when = lastn::Coded::of(&resource, gateway.zone_minutes()).effective;
            sections.entry(code).or_default().push((when, found));
        }
    }
    let mut entries = Vec::new();
    for section in &SECTIONS {
        let Some(mut own) = sections.remove(section.code) else { continue };
        own.sort_by(|(a, one), (b, other)| {
            (Reverse(a), one.resource_type, one.id.as_str()).cmp(&(Reverse(b), other.resource_type, other.id.as_str()))
        });
        let own: Vec<Found> = own.into_iter().map(|(_, found)| found).collect();
        let own = if is_of_measurements(section.code) { lastn::newest(own, 1, gateway.zone_minutes())? } else { own };
        entries.push((section.code, own));
    }
    Ok(entries)
}
