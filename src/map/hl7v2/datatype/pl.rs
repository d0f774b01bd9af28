//! PL person location (HL7 v2.5 2A.53) to a chain of Locations contained in the resource that names it.

use serde_json::{Map, Value as Json, json};

use crate::decode::hl7v2::Value;
use crate::fhir::Writer;
use crate::map::Output;

const PHYSICAL_TYPE: &str = "http://terminology.hl7.org/CodeSystem/location-physical-type";

/// Levels from the largest to the smallest: PL component, letter of the contained id, physical type. A point of care
/// is a ward unless PL.6 says C (clinic).
const LEVELS: [(u16, &str, &str, &str); 6] = [
    (4, "facility", "si", "Site"),
    (7, "building", "bu", "Building"),
    (8, "floor", "lvl", "Level"),
    (1, "ward", "wa", "Ward"),
    (2, "room", "ro", "Room"),
    (3, "bed", "bd", "Bed"),
];

/// A place: its levels from the largest to the smallest.
#[derive(Clone, Debug, PartialEq)]
pub struct Chain(Vec<(&'static str, Map<String, Json>)>);

/// The place a PL names; `None` when it names none.
pub fn chain(value: Value<'_>, out: &Output) -> Option<Chain> {
    let is_clinic = value.component(6).text() == "C";
    let description = value.component(9).text();
    let mut path = String::new();
    let mut levels = Vec::new();
    for (component, level, code, display) in LEVELS {
        let name = value.component(component).text();
        let name = name.trim();
        if name.is_empty() {
            continue;
        }
        if !path.is_empty() {
            path.push('/');
        }
        path.push_str(name);
        let system = out.facility.local_system("location");
        let mut members = Map::new();
        members.insert("identifier".into(), json!([{ "system": system, "value": path }]));
        members.insert("name".into(), name.into());
        if !description.trim().is_empty() {
            members.insert("description".into(), description.trim().into());
        }
        members.insert("mode".into(), "instance".into());
        if !(is_clinic && component == 1) {
            let coding = json!([{ "system": PHYSICAL_TYPE, "code": code, "display": display }]);
            members.insert("physicalType".into(), json!({ "coding": coding }));
        }
        levels.push((level, members));
    }
    (!levels.is_empty()).then_some(Chain(levels))
}

/// Writes the Locations of a PL as items of `contained`; gives the reference (`#…`) to the smallest.
pub fn contained(w: &mut Writer, value: Value<'_>, prefix: &str, out: &Output) -> Option<String> {
    let mut locations = Vec::new();
    let reference = chain(value, out)?.write(prefix, &mut locations);
    locations.iter().for_each(|location| w.item_raw(&location.to_string()));
    Some(reference)
}

impl Chain {
    /// The place that `reference` (`#…`) names among the contained resources of a stored resource.
    pub fn read(contained: &[Json], reference: &str) -> Option<Chain> {
        let mut levels = Vec::new();
        let mut next = reference.strip_prefix('#').map(str::to_owned);
        while let Some(id) = next.filter(|_| levels.len() < LEVELS.len()) {
            let location =
                contained.iter().filter_map(Json::as_object).find(|one| one.get("id") == Some(&json!(id)))?;
            let level = LEVELS.iter().map(|level| level.1).find(|level| id.split('-').any(|part| part == *level))?;
            let mut members = location.clone();
            let above = members.shift_remove("partOf");
            next = above.and_then(|above| Some(above["reference"].as_str()?.strip_prefix('#')?.to_owned()));
            members.shift_remove("resourceType");
            members.shift_remove("id");
            levels.push((level, members));
        }
        levels.reverse();
        (!levels.is_empty()).then_some(Chain(levels))
    }

    /// Adds the Locations to `contained`, each part of the one before; gives the reference (`#…`) to the smallest.
    /// `prefix` keeps several chains in one resource apart.
    pub fn write(&self, prefix: &str, contained: &mut Vec<Json>) -> String {
        let mut parent = String::new();
        for (level, members) in &self.0 {
            let id = format!("{prefix}{level}");
            let mut location = Map::new();
            location.insert("resourceType".into(), "Location".into());
            location.insert("id".into(), id.clone().into());
            location.extend(members.clone());
            if !parent.is_empty() {
                location.insert("partOf".into(), json!({ "reference": parent }));
            }
            contained.push(Json::Object(location));
            parent = format!("#{id}");
        }
        parent
    }
}
