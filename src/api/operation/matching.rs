//! `Patient/$match` (OperationDefinition Patient-match; IHE PDQm ITI-119): who this is, among those of whom the caller may see
//! something. Only what the caller may see is compared, so that a number in an insurance that is hidden finds nobody; and
//! whoever may see nothing of a person is told the same as of somebody who is not here.

use std::collections::hash_map::Entry;
use std::collections::{BTreeMap, BTreeSet, HashMap};

use serde_json::Value;

use super::{Call, Seen, graph, parameters, rules};
use crate::api::answer::Answer;
use crate::api::criteria::{self, Found};
use crate::api::routes::blocking;
use crate::api::rules as common;
use crate::api::searchset::searchset;
use crate::api::trail::Trail;
use crate::api::write::Stop;
use crate::app::Gateway;
use crate::consent::{Caller, Permitted, Role};
use crate::fault::{Fault, Status};
use crate::fhir::{FacilityCode, PatientKey, ResourceId, ResourceType};
use crate::identity::{Traits, Verdict, compare, evidence, keys};
use crate::linking::{SHARING_MAX, traits_of};

/// Patients in an answer, where it is not said how many, and at most.
const COUNT: usize = 20;
const COUNT_MAX: usize = 100;

/// A Patient that may be the one.
struct Likely {
    found: Found,
    is_certain: bool,
    score: f32,
    /// The first record of the person, by which the records of one person are told from those of two.
    person: PatientKey,
}

pub(super) async fn matches(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&["resource", "onlyCertainMatches", "count"])?;
    let only_certain = call.parameters.boolean("onlyCertainMatches")?.unwrap_or(false);
    let count = match call.parameters.text("count")? {
        None => COUNT,
        Some(text) => {
            let count: Option<usize> = text.parse().ok().filter(|count| *count > 0);
            count.ok_or_else(|| parameters::refused(&common::VALUE, "count"))?.min(COUNT_MAX)
        }
    };
    let asked: Option<Value> = call.parameters.resource("resource").and_then(|text| serde_json::from_str(text).ok());
    let Some(asked) = asked.filter(|asked| asked["resourceType"] == "Patient") else {
        return Err(Stop::because(Status::BadRequest, &rules::MISSING, "resource"));
    };
    let traits = Traits::read(&asked, &[]);
    if keys(&traits).is_empty() {
        return Err(Stop::because(Status::Unprocessable, &rules::TELLS_TOO_LITTLE, ""));
    }
    let (gateway, caller) = (call.gateway.clone(), call.caller.clone());
    let found = blocking(move || {
        let mut likely = likely(&gateway, &caller, &traits)?;
        if only_certain {
            likely.retain(|one| one.is_certain);
            // Two people who both are certain are none of them.
            let is_one = likely.windows(2).all(|pair| pair[0].person == pair[1].person);
            likely.retain(|_| is_one);
        }
        likely.truncate(count);
        let seen = Seen::of(&gateway, &caller, likely.iter().map(|one| (one.found.patient, 1)))?;
        Ok((likely, seen, gateway.linker().rules().weights.clone()))
    });
    let (likely, seen, weights) = found.await?;
    seen.tell(trail);
    let base = call.gateway.base_url();
    let entries = likely.into_iter().map(|one| {
        let grade = match (one.is_certain, one.score >= weights.certain) {
            (true, _) => "certain",
            (false, true) => "probable",
            (false, false) => "possible",
        };
        let score = if one.is_certain { 1.0 } else { probability(one.score - weights.perhaps) };
        entry(base, one.found, grade, score)
    });
    let entries = entries.collect::<Result<Vec<_>, Fault>>()?;
    Ok(Answer::ok(searchset(&format!("{base}/Patient/$match"), Some(entries.len()), &[], entries)))
}

/// Those who may be it of whom the caller may see the Patient, the likeliest first. Blocks on storage.
fn likely(gateway: &Gateway, caller: &Caller, traits: &Traits) -> Result<Vec<Likely>, Fault> {
    let linker = gateway.linker();
    let weights = &linker.rules().weights;
    let mut likely = Vec::new();
    for (record, (found, theirs)) in candidates(gateway, caller, traits)? {
        let is_certain = match compare(traits, &theirs, weights) {
            Verdict::Same(_) => true,
            Verdict::Perhaps(_) => false,
            Verdict::Different => continue,
        };
        let person = gateway.chart(record)?.person.iter().copied().min().unwrap_or(record);
        likely.push(Likely { found, is_certain, score: evidence(traits, &theirs).score(weights), person });
    }
    likely.sort_by(|a, b| {
        let certain = b.is_certain.cmp(&a.is_certain);
        certain.then(b.score.total_cmp(&a.score)).then_with(|| a.found.id.as_str().cmp(b.found.id.as_str()))
    });
    Ok(likely)
}

/// The records that have a key in common with these traits in what the caller may see of them. A key that more than
/// [`SHARING_MAX`] have tells nobody apart; nobody is counted among them of whom the caller may see nothing. Blocks on storage.
fn candidates(
    gateway: &Gateway,
    caller: &Caller,
    traits: &Traits,
) -> Result<BTreeMap<PatientKey, (Found, Traits)>, Fault> {
    let panel = gateway.panel(caller)?;
    let (mut looked, mut wanted) = (HashMap::new(), BTreeSet::new());
    for (key, records) in gateway.linker().having(traits)? {
        let mut sharing = Vec::new();
        for record in records {
            if panel.binary_search(&record).is_err() && !is_of_role(gateway, caller, record)? {
                continue;
            }
            let seen = match looked.entry(record) {
                Entry::Occupied(known) => known.into_mut(),
                Entry::Vacant(new) => new.insert(seen(gateway, caller, record)?),
            };
            // What only hidden things have in common is no reason to look.
            if seen.as_ref().is_some_and(|(_, theirs)| keys(theirs).contains(&key)) {
                sharing.push(record);
            }
            if sharing.len() > SHARING_MAX {
                break;
            }
        }
        if sharing.len() <= SHARING_MAX {
            wanted.extend(sharing);
        }
    }
    let found = wanted.into_iter().filter_map(|record| Some((record, looked.remove(&record)??)));
    Ok(found.collect())
}

/// Whether the caller may see something of a record without being on its panel: a source of what it keeps.
fn is_of_role(gateway: &Gateway, caller: &Caller, record: PatientKey) -> Result<bool, Fault> {
    match caller.role {
        Role::Care => Ok(false),
        Role::Source => {
            let head = gateway.pipeline().store().head(record)?;
            Ok(head.is_some_and(|head| caller.sends_for(&FacilityCode::parse(&head.facility))))
        }
        _ => Ok(true),
    }
}

/// The Patient of a record, and what the caller may see of it that tells people apart.
fn seen(gateway: &Gateway, caller: &Caller, record: PatientKey) -> Result<Option<(Found, Traits)>, Fault> {
    let id = record.patient_id();
    let who = criteria::in_record(gateway, caller, record, &|columns| {
        columns.find(ResourceType::PATIENT, id.as_str()).into_iter().collect()
    })?;
    let Some(found) = who.into_iter().next() else { return Ok(None) };
    let of_type = |resource_type: ResourceType| -> Result<Vec<Value>, Fault> {
        let found = criteria::in_record(gateway, caller, record, &|columns| {
            (0..columns.len()).filter(|row| columns.types[*row] == resource_type).collect()
        })?;
        found.iter().map(|one| Ok(serde_json::from_str(&one.body()?).unwrap_or_default())).collect()
    };
    let patient: Value = serde_json::from_str(&found.body()?).unwrap_or_default();
    let coverages = of_type(ResourceType::COVERAGE)?;
    let organizations = if coverages.is_empty() { Vec::new() } else { of_type(ResourceType::ORGANIZATION)? };
    let traits = traits_of(&patient, coverages, &organizations)?;
    Ok(Some((found, traits)))
}

/// A score in bits above that at which two records by chance share a person, as a probability to two places.
fn probability(bits: f32) -> f64 {
    let odds = 2_f64.powf(f64::from(bits.clamp(-20.0, 20.0)));
    (odds / (1.0 + odds) * 100.0).floor() / 100.0
}

fn entry(base: &str, found: Found, grade: &str, score: f64) -> Result<Permitted<Vec<u8>>, Fault> {
    let url = graph::full_url(base, found.resource_type, found.id.as_str());
    Ok(found.release()?.map(|resource| {
        let mut json = format!(r#"{{"fullUrl":"{url}","resource":"#).into_bytes();
        json.extend_from_slice(&resource);
        let search = format!(
            r#","search":{{"extension":[{{"url":"http://hl7.org/fhir/StructureDefinition/match-grade","valueCode":"{grade}"}}],"mode":"match","score":{score}}}}}"#
        );
        json.extend_from_slice(search.as_bytes());
        json
    }))
}

/// The ids of the Patients of a person's records that the caller may see, this one's included. Blocks on storage.
pub(super) fn of_person(gateway: &Gateway, caller: &Caller, record: PatientKey) -> Result<Vec<Found>, Fault> {
    let mut all = Vec::new();
    for record in &gateway.chart(record)?.person {
        if !gateway.concerns(caller, *record)? {
            continue;
        }
        let id: ResourceId = record.patient_id();
        all.extend(criteria::in_record(gateway, caller, *record, &|columns| {
            columns.find(ResourceType::PATIENT, id.as_str()).into_iter().collect()
        })?);
    }
    Ok(all)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_score_is_a_probability() {
        let all: Vec<f64> = [-30.0, 0.0, 1.0, 3.0, 30.0].into_iter().map(probability).collect();
        assert_eq!(all, [0.0, 0.5, 0.66, 0.88, 0.99]);
    }
}
