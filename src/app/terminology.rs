//! The terminology in force, of the guides and of the directory: what operations and searches ask for, read once and kept.

use std::sync::Arc;

use serde_json::Value;

use super::conformance::{CODES_KEPT_MAX, Conformance, Stored};
use crate::fhir::{PatientKey, ResourceId, ResourceType, oid};
use crate::guide::{self, CanonicalResource};
use crate::terminology::{CodeSystem, ConceptMap, Grammar, Source, Undecided, ValueSet};

/// Where a definition stands.
enum Place<'a> {
    /// In the directory.
    Directory(&'a Stored),
    /// In a guide.
    Guide(guide::Placed<'a>),
}

impl Place<'_> {
    fn resource(&self) -> &CanonicalResource {
        match self {
            Place::Directory(stored) => &stored.resource,
            Place::Guide(placed) => placed.definition,
        }
    }

    /// A name of its own among those of its type.
    fn key(&self) -> String {
        match self {
            Place::Directory(stored) => format!("directory/{}", stored.id.as_str()),
            Place::Guide(placed) => format!("{}/{}", placed.package, placed.number),
        }
    }
}

impl Conformance {
    /// A definition by its canonical: the newest of the directory, else that of the guides which a definition of `from` means.
    fn place(&self, resource_type: ResourceType, canonical: &str, from: Option<usize>) -> Option<Place<'_>> {
        let (url, version) = guide::split(canonical);
        let url = if resource_type == ResourceType::CODE_SYSTEM { oid::canonical(url) } else { url };
        let named = self.stored(resource_type).filter(|stored| {
            let is_version = version.is_none_or(|version| stored.resource.version.as_deref() == Some(version));
            &*stored.resource.url == url && is_version
        });
        let version = |one: &&Stored| one.resource.version.as_deref().unwrap_or_default().to_owned();
        let newest = named.max_by(|a, b| guide::newer(&version(a), &version(b)));
        let of_guides = || self.guides.meant(resource_type, canonical, from).map(Place::Guide);
        newest.map(Place::Directory).or_else(of_guides)
    }

    fn stored(&self, resource_type: ResourceType) -> impl Iterator<Item = &Stored> {
        let all = self.parts.values().flat_map(|part| part.iter());
        all.filter(move |stored| stored.resource.resource_type == resource_type)
    }

    /// Whether a definition is loaded; of a code system also one that is known by its form.
    pub fn has_definition(&self, resource_type: ResourceType, canonical: &str) -> bool {
        let by_form = || resource_type == ResourceType::CODE_SYSTEM && Grammar::of(guide::split(canonical).0).is_some();
        self.place(resource_type, canonical, None).is_some() || by_form()
    }

    /// A definition as it was published or stored.
    pub fn definition(&self, resource_type: ResourceType, canonical: &str) -> Option<Value> {
        self.place(resource_type, canonical, None)?.resource().json()
    }

    /// A value set, composed; read once.
    pub fn composed(&self, canonical: &str) -> Result<Arc<ValueSet>, Undecided> {
        let unknown = || Undecided::Unknown(canonical.to_owned());
        let key = self.place(ResourceType::VALUE_SET, canonical, None).ok_or_else(unknown)?.key();
        if let Some(known) = self.kept(|ready| ready.value_sets.get(&key).cloned()) {
            return Ok(known);
        }
        let set = ValueSet::named(self, canonical, None);
        let codes = set.kept();
        self.kept(|ready| {
            ready.take(codes, CODES_KEPT_MAX);
            ready.value_sets.insert(key, set.clone());
        });
        Ok(set)
    }

    /// The concept maps of the directory and of the guides, in this order; read once.
    pub fn concept_maps(&self) -> Arc<Vec<Arc<ConceptMap>>> {
        if let Some(known) = self.kept(|ready| ready.concept_maps.clone()) {
            return known;
        }
        let of_directory = self.stored(ResourceType::CONCEPT_MAP).map(|stored| &stored.resource);
        let of_guides = self.guides.all(ResourceType::CONCEPT_MAP).map(|placed| placed.definition);
        let read =
            |one: &CanonicalResource| one.json().filter(is_in_force).map(|json| Arc::new(ConceptMap::read(&json)));
        let all: Arc<Vec<_>> = Arc::new(of_directory.chain(of_guides).filter_map(read).collect());
        let codes = all.iter().map(|map| map.len()).sum();
        self.kept(|ready| {
            ready.take(codes, CODES_KEPT_MAX);
            ready.concept_maps = Some(all.clone());
        });
        all
    }
}

/// A retired map says nothing any more.
fn is_in_force(json: &Value) -> bool {
    json.get("status").and_then(Value::as_str) != Some("retired")
}

impl Source for Conformance {
    fn value_set(&self, canonical: &str, from: Option<usize>) -> Option<(Option<usize>, Value)> {
        if let Some(id) = canonical.strip_prefix("ValueSet/") {
            let part = self.parts.get(&PatientKey::directory(ResourceType::VALUE_SET, &ResourceId::parse(id)?))?;
            let is_it =
                |stored: &&Stored| stored.id.as_str() == id && stored.resource.resource_type == ResourceType::VALUE_SET;
            return Some((None, part.iter().find(is_it)?.resource.json()?));
        }
        let place = self.place(ResourceType::VALUE_SET, canonical, from)?;
        let package = match &place {
            Place::Directory(_) => None,
            Place::Guide(placed) => Some(placed.package),
        };
        Some((package, place.resource().json()?))
    }

    fn code_system(&self, canonical: &str, from: Option<usize>) -> Option<Arc<CodeSystem>> {
        let place = self.place(ResourceType::CODE_SYSTEM, canonical, from)?;
        let key = place.key();
        if let Some(system) = self.kept(|ready| ready.systems.get(&key).cloned()) {
            return Some(system);
        }
        let mut system = CodeSystem::read(&place.resource().json()?);
        let url = oid::canonical(&system.url).to_owned();
        let of_directory = self.stored(ResourceType::CODE_SYSTEM).map(|stored| &stored.resource);
        let of_directory = of_directory.filter(|one| one.supplements.as_deref() == Some(&*url));
        for supplement in of_directory.chain(self.guides.supplements(&url)) {
            if let Some(json) = supplement.json() {
                system.supplement(&json);
            }
        }
        let system = Arc::new(system);
        self.kept(|ready| {
            ready.take(system.concepts().len(), CODES_KEPT_MAX);
            ready.systems.insert(key, system.clone());
        });
        Some(system)
    }
}
