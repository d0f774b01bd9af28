//! What the directory has of a list already, and what of that a newer list does not have any more.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::Listed;
use crate::fault::Fault;
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::listing::{Entry, Kind, List, PLACE_KIND, PlaceKind, Service, organization_id, service_id};
use crate::pipeline::Pipeline;

/// What the directory has of a list.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// Organizations of this list by their numbers.
    listed: HashMap<String, Organization>,
    /// Organizations with such a number that the office registered itself.
    pub(super) kept: HashMap<String, ResourceId>,
    /// Active services of this list.
    pub(super) services: HashSet<Service>,
}

#[derive(Debug)]
struct Organization {
    is_active: bool,
    /// 都道府県 and 市区町村
    area: String,
    kinds: Vec<PlaceKind>,
}

impl Known {
    /// Reads it. Blocks on storage.
    pub(super) fn read(pipeline: &Pipeline, kind: Kind) -> Result<Self, Fault> {
        let mut known = Known::default();
        each(pipeline, ResourceType::ORGANIZATION, &mut |id, resource| known.organization(kind, id, resource))?;
        each(pipeline, ResourceType::HEALTHCARE_SERVICE, &mut |id, resource| known.service(kind, id, resource))?;
        Ok(known)
    }

    fn organization(&mut self, kind: Kind, id: &ResourceId, resource: &Value) {
        let Some(number) = number_of(kind, resource) else { return };
        let is_active = resource["active"] != false;
        if *id != organization_id(kind, number) {
            if is_active {
                self.kept.insert(number.to_owned(), id.clone());
            }
            return;
        }
        let codings = resource["type"].as_array().into_iter().flatten().filter_map(|one| one["coding"].as_array());
        let of_place = codings.flatten().filter(|coding| coding["system"] == PLACE_KIND);
        let kinds = of_place.filter_map(|coding| PlaceKind::parse(coding["code"].as_str()?)).collect();
        let part = |name: &str| resource["address"][0][name].as_str().unwrap_or_default();
        let area = area(part("state"), part("city"));
        self.listed.insert(number.to_owned(), Organization { is_active, area, kinds });
    }

    fn service(&mut self, kind: Kind, id: &ResourceId, resource: &Value) {
        let (Some(number), Some(name)) = (number_of(kind, resource), resource["type"][0]["text"].as_str()) else {
            return;
        };
        if resource["active"] != false && *id == service_id(kind, number, name) {
            self.services.insert(Service { number: number.to_owned(), name: name.to_owned() });
        }
    }

    /// What kinds of places it is: by what is listed now, and by what was in another list.
    pub(super) fn kinds(&self, number: &str, entries: &[&Entry]) -> Vec<PlaceKind> {
        let before = self.listed.get(number).map(|listed| listed.kinds.as_slice()).unwrap_or_default();
        let mut kinds: Vec<PlaceKind> = before.iter().copied().chain(entries.iter().filter_map(|e| e.kind)).collect();
        kinds.sort_unstable();
        kinds.dedup();
        kinds
    }

    /// What is active and in the scope of a list, and not in the list. A list is about what it has rows of: hospitals of a
    /// prefecture and a 点数表, or a service in a municipality.
    pub(super) fn vanished(&self, kind: Kind, list: &List, places: &[Listed<'_>]) -> Vec<Service> {
        let broken: HashSet<&str> = list.broken_numbers.iter().map(String::as_str).collect();
        let mut vanished: Vec<Service> = match kind {
            Kind::Hospitals => {
                let scope: HashSet<&str> = places.iter().filter_map(|(number, _)| number.get(..3)).collect();
                let there: HashSet<&str> = places.iter().map(|(number, _)| *number).collect();
                let active = self.listed.iter().filter(|(_, listed)| listed.is_active).map(|(number, _)| number);
                let missing = active.filter(|number| !there.contains(number.as_str()));
                let missing = missing.filter(|number| number.get(..3).is_some_and(|of| scope.contains(of)));
                missing.map(|number| Service { number: number.clone(), name: String::new() }).collect()
            }
            Kind::CareOffices => {
                let of = |entry: &Entry| area(&entry.prefecture, &entry.municipality);
                let scope: HashSet<(String, &str)> = list.entries.iter().map(|e| (of(e), e.service.as_str())).collect();
                let there: HashSet<(&str, &str)> =
                    list.entries.iter().map(|entry| (entry.number.as_str(), entry.service.as_str())).collect();
                let is_in_scope = |one: &&Service| {
                    let area = self.listed.get(&one.number).map(|listed| listed.area.clone());
                    area.is_some_and(|area| scope.contains(&(area, one.name.as_str())))
                };
                let missing = self.services.iter().filter(|one| !there.contains(&(&*one.number, &*one.name)));
                missing.filter(is_in_scope).cloned().collect()
            }
        };
        vanished.retain(|one| !broken.contains(one.number.as_str()));
        vanished.sort_unstable();
        vanished
    }
}

fn area(prefecture: &str, municipality: &str) -> String {
    format!("{prefecture} {municipality}")
}

/// The number by which lists of a kind know a resource.
fn number_of(kind: Kind, resource: &Value) -> Option<&str> {
    let mut own = resource["identifier"].as_array()?.iter().filter(|one| one["system"] == kind.system());
    own.next()?["value"].as_str()
}

/// Calls `see` with every current resource of a type in the directory. Blocks on storage.
fn each(pipeline: &Pipeline, of: ResourceType, see: &mut dyn FnMut(&ResourceId, &Value)) -> Result<(), Fault> {
    for part in PatientKey::parts_of(of) {
        let standing = pipeline.standings.take(&pipeline.store, part)?;
        for facts in standing.all_of(of).filter(|facts| !facts.deleted && facts.patients.is_empty()) {
            let body = standing.body(of, &facts.id)?.unwrap_or_default();
            let damaged = |_| Fault::Broken("a stored resource is not JSON".into());
            see(&facts.id, &serde_json::from_str(&body).map_err(damaged)?);
        }
        pipeline.standings.give_back(standing);
    }
    Ok(())
}
