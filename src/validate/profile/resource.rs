//! The profiles of a resource: those it is asked to keep to, those it claims, those that R4 asks of it. Entries of Bundles
//! and contained resources claim theirs too.

use std::rc::Rc;

use serde_json::Value;

use super::problem::UNKNOWN_PROFILE;
use super::reference::Entries;
use super::scan::Trail;
use super::spot::Spot;
use super::walk::Walk;
use super::wording::is_of_clins;
use crate::fhir::ResourceType;
use crate::profile::Schema;
use crate::validate::path::Path;

/// Where R4 keeps its own definitions.
const CORE: &str = "http://hl7.org/fhir/StructureDefinition/";

/// The profile that an Observation with one of these LOINC codes keeps to (R4 observation-vitalsigns.html).
const VITAL_SIGNS: [(&str, &str); 12] = [
    ("85353-1", "vitalspanel"),
    ("9279-1", "resprate"),
    ("8867-4", "heartrate"),
    ("2708-6", "oxygensat"),
    ("59408-5", "oxygensat"),
    ("8310-5", "bodytemp"),
    ("8302-2", "bodyheight"),
    ("9843-4", "headcircum"),
    ("29463-7", "bodyweight"),
    ("39156-5", "bmi"),
    ("85354-9", "bp"),
    ("55284-4", "bp"),
];

impl<'w> Walk<'w> {
    /// The resource asked about.
    pub(super) fn whole(&mut self, resource: &'w Value, asked: &[&str], path: &Path<'_>) {
        let profiles = self.profiles_named(asked, path);
        self.resource(resource, profiles, path);
    }

    /// The same; what is asked is asked of every resource of its type.
    pub(super) fn each(&mut self, resource: &'w Value, asked: &[&str], path: &Path<'_>) {
        self.everywhere = self.profiles_named(asked, path);
        self.resource(resource, Vec::new(), path);
    }

    fn profiles_named(&mut self, asked: &[&str], path: &Path<'_>) -> Vec<&'w Schema> {
        let mut found = Vec::new();
        for canonical in asked {
            match self.profiles.find(canonical, None) {
                Some(schema) => found.push(schema),
                None => self.tell(&UNKNOWN_PROFILE, None, path, canonical),
            }
        }
        found
    }

    /// A resource with everything in it.
    pub(super) fn resource(&mut self, resource: &'w Value, mut profiles: Vec<&'w Schema>, path: &Path<'_>) {
        let spot = Spot::resource(resource);
        let Some(shape) = spot.shape else { return };
        let outer = (self.resource, self.root, self.entries.clone(), self.package, self.is_clins);
        self.root = if path.is_in("contained") { self.root } else { resource };
        self.resource = resource;
        if spot.type_name == ResourceType::BUNDLE.name() {
            self.entries = Some(Rc::new(Entries::of(resource)));
        }
        self.claimed(resource, &mut profiles, path);
        if !self.everywhere.is_empty() && !path.is_in("contained") {
            self.asked_everywhere(spot, &mut profiles);
        }
        // What a guide of its own says of vital signs stands in place of what R4 says.
        if profiles.iter().all(|schema| schema.url.starts_with(CORE)) {
            let asked = self.asked_by_r4(spot);
            profiles.extend(asked.filter(|asked| profiles.iter().all(|known| known.id != asked.id)));
        }
        if profiles.is_empty() {
            profiles.extend(self.profiles.of_type(shape));
        }
        self.package =
            profiles.first().filter(|schema| !schema.is_definition).map(|schema| schema.package).or(self.package);
        self.is_clins |= profiles.iter().any(|schema| is_of_clins(schema));
        for schema in profiles {
            self.apply(schema, spot, path);
        }
        match ResourceType::parse(spot.type_name) {
            Some(ResourceType::OBSERVATION) => self.designated(resource, path),
            Some(ResourceType::QUESTIONNAIRE) => self.questions(resource, path),
            Some(ResourceType::QUESTIONNAIRE_RESPONSE) => self.answered(resource, path),
            _ => {}
        }
        if let Some(object) = spot.object() {
            self.scan(object, shape, path, &mut Trail::of(shape, resource));
        }
        (self.resource, self.root, self.entries, self.package, self.is_clins) = outer;
    }

    fn claimed(&mut self, resource: &'w Value, profiles: &mut Vec<&'w Schema>, path: &Path<'_>) {
        // What is in another resource claims what the guide of that one means.
        let package = profiles.first().map(|schema| schema.package).or(self.package);
        let claimed = resource.get("meta").and_then(|meta| meta.get("profile")?.as_array()).into_iter().flatten();
        for (at, canonical) in claimed.enumerate() {
            let Some(canonical) = canonical.as_str() else { continue };
            match self.profiles.find(canonical, package) {
                Some(schema) if profiles.iter().any(|known| known.id == schema.id) => {}
                Some(schema) => profiles.push(schema),
                None => {
                    let meta = path.member("meta");
                    self.tell(&UNKNOWN_PROFILE, None, &meta.member("profile").item(at), canonical);
                }
            }
        }
    }

    fn asked_everywhere(&self, spot: Spot<'w>, profiles: &mut Vec<&'w Schema>) {
        let of_type = self.everywhere.iter().filter(|schema| *schema.type_name == *spot.type_name);
        let new: Vec<&Schema> =
            of_type.copied().filter(|one| profiles.iter().all(|known| known.id != one.id)).collect();
        profiles.extend(new);
    }

    fn asked_by_r4(&self, spot: Spot<'w>) -> Option<&'w Schema> {
        if spot.type_name != ResourceType::OBSERVATION.name() {
            return None;
        }
        let codings = spot.value?.get("code")?.get("coding")?.as_array()?;
        codings.iter().find_map(|coding| {
            let code = coding.get("code").and_then(Value::as_str)?;
            let is_loinc = coding.get("system").and_then(Value::as_str) == Some("http://loinc.org");
            let row = VITAL_SIGNS.iter().find(|row| is_loinc && row.0 == code)?;
            self.profiles.find(&format!("{CORE}{}", row.1), None)
        })
    }
}
