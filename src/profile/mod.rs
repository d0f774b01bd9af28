//! Packages made usable for validation (profiling.html): profiles found by their canonical, of several versions the one that is
//! meant where it is named, and compiled when they are first needed. `validate::profile` walks resources beside them.

mod compile;
mod discriminator;
mod schema;
mod slicing;
mod snapshot;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;

pub use discriminator::Matcher;
pub use schema::*;

use crate::fhir::{ResourceType, oid};
use crate::guide::{Library, split};
use crate::terminology::{CodeSystem, Source, ValueSet};
use compile::{CORE, Which, compile};

/// Profiles that are based on each other at most.
const BASES_MAX: usize = 32;

/// The profiles, value sets and code systems of a library.
pub struct Profiles {
    library: Arc<Library>,
    /// Package and number of each definition.
    places: Vec<(usize, usize)>,
    ids: HashMap<(usize, usize), SchemaId>,
    /// The newest of each URL, and whether it is the only one.
    newest: HashMap<Box<str>, (SchemaId, bool)>,
    schemas: Vec<OnceLock<Option<Box<Schema>>>>,
    /// Code systems by their URLs, the newest of each.
    systems: HashMap<Box<str>, OnceLock<Option<Arc<CodeSystem>>>>,
    /// Code systems in older versions, by package and number, as far as somebody named them.
    versions: Mutex<HashMap<(usize, usize), Arc<CodeSystem>>>,
    /// Questionnaires by package and number, as far as somebody answered them.
    questionnaires: Mutex<HashMap<(usize, usize), Arc<Value>>>,
    /// Definitions of R4's own types, by the number of the shape.
    of_types: Vec<OnceLock<Option<SchemaId>>>,
    /// The profiles of resources that can be named, in order.
    of_resources: Vec<(ResourceType, Box<str>)>,
    /// The value sets that expressions ask for, as far as they are known.
    asked: Mutex<HashMap<String, Arc<ValueSet>>>,
    nothing: Schema,
}

impl Profiles {
    /// Takes up a library, which keeps its StructureDefinitions, ValueSets and CodeSystems
    /// ([`crate::guide::KEPT`]). Nothing is read yet.
    pub fn new(library: Arc<Library>) -> Self {
        let all = library.all(ResourceType::STRUCTURE_DEFINITION);
        let places: Vec<(usize, usize)> = all.map(|placed| (placed.package, placed.number)).collect();
        let ids: HashMap<(usize, usize), SchemaId> =
            places.iter().enumerate().map(|(id, place)| (*place, id as SchemaId)).collect();
        let schemas = places.iter().map(|_| OnceLock::new()).collect();
        let urls = library.urls(ResourceType::CODE_SYSTEM);
        let systems = urls.into_iter().map(|url| (url.into(), OnceLock::new())).collect();
        let of_types = crate::fhir::r4::shapes().iter().map(|_| OnceLock::new()).collect();
        let newest_of = |url: &str| {
            let placed = library.meant(ResourceType::STRUCTURE_DEFINITION, url, None)?;
            let is_only = library.find(ResourceType::STRUCTURE_DEFINITION, url).nth(1).is_none();
            Some((url.into(), (*ids.get(&(placed.package, placed.number))?, is_only)))
        };
        let newest = library.urls(ResourceType::STRUCTURE_DEFINITION).into_iter().filter_map(newest_of).collect();
        let of_resources = of_resources(&library);
        Profiles {
            library,
            of_resources,
            places,
            ids,
            newest,
            schemas,
            systems,
            versions: Mutex::default(),
            questionnaires: Mutex::default(),
            of_types,
            asked: Mutex::default(),
            nothing: nothing(),
        }
    }

    /// The profiles of types of resources by the canonicals they are named by: the URL, and where there are several versions
    /// each of them too. By type, in order.
    pub fn of_resources(&self) -> &[(ResourceType, Box<str>)] {
        &self.of_resources
    }

    /// The packages.
    pub fn library(&self) -> &Library {
        &self.library
    }

    /// The profile with this canonical, as a resource names it: without a version that which a definition of `package` means
    /// by it, else the newest.
    pub fn find(&self, canonical: &str, package: Option<usize>) -> Option<&Schema> {
        let id = match self.newest.get(canonical) {
            Some((id, is_only)) if *is_only || package.is_none() => *id,
            _ => self.id(canonical, package)?,
        };
        self.schema(id)
    }

    /// The definition of a type or of one of its elements in R4, where the package of R4 is loaded.
    pub fn of_type(&self, shape: &crate::fhir::r4::Shape) -> Option<&Schema> {
        let find = || self.id(&format!("{CORE}{}", shape.path), None).filter(|_| !shape.path.contains('.'));
        self.schema((*self.of_types.get(shape.number)?.get_or_init(find))?)
    }

    /// The profile that another one names.
    pub fn follow(&self, link: &Link) -> Option<&Schema> {
        let id = link.found.get_or_init(|| self.id(&link.canonical, Some(link.package)));
        self.schema((*id)?)
    }

    /// The type that a link's profile constrains; that of a type's own definition needs no package.
    pub fn type_of<'s>(&'s self, link: &'s Link) -> Option<&'s str> {
        link.canonical
            .strip_prefix(CORE)
            .filter(|name| ResourceType::parse(name).is_some() || *name == "Resource")
            .or_else(|| match self.follow(link) {
                Some(schema) => Some(&*schema.type_name),
                None => None,
            })
    }

    /// A profile by its number, compiled when it is first asked for; `None` for what cannot be read.
    pub fn schema(&self, id: SchemaId) -> Option<&Schema> {
        self.schemas.get(id as usize)?.get_or_init(|| self.compiled(id).map(Box::new)).as_deref()
    }

    /// Whether a profile is another one or based on it.
    pub fn is_based_on(&self, schema: &Schema, other: SchemaId) -> bool {
        let mut next = Some(schema);
        for _ in 0..BASES_MAX {
            match next {
                Some(schema) if schema.id == other => return true,
                Some(schema) => next = schema.base.as_ref().and_then(|base| self.follow(base)),
                None => return false,
            }
        }
        false
    }

    /// The codes that an element is bound to.
    pub fn codes<'s>(&self, binding: &'s Binding) -> &'s ValueSet {
        binding.codes.get_or_init(|| ValueSet::named(self, &binding.value_set, Some(binding.package)))
    }

    /// The codes of a value set that no element is bound to.
    pub fn codes_of(&self, canonical: &str) -> Arc<ValueSet> {
        let asked = || self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = asked().get(canonical) {
            return known.clone();
        }
        let codes = ValueSet::named(self, canonical, None);
        // What is not known may be any name that somebody sent.
        if codes.missing().is_none() {
            asked().insert(canonical.to_owned(), codes.clone());
        }
        codes
    }

    /// A code system by its URL, the newest.
    pub fn system(&self, url: &str) -> Option<&Arc<CodeSystem>> {
        let url = oid::canonical(url);
        let read = || self.read(ResourceType::CODE_SYSTEM, url, None).map(|(_, json)| self.whole(&json));
        self.systems.get(url)?.get_or_init(read).as_ref()
    }

    /// A code system in a version that somebody names, where it is loaded in it.
    pub fn system_in(&self, url: &str, version: &str) -> Option<Arc<CodeSystem>> {
        let newest = self.system(url)?;
        if newest.version.as_deref() == Some(version) {
            return Some(newest.clone());
        }
        let canonical = format!("{}|{version}", oid::canonical(url));
        let placed = self.library.meant(ResourceType::CODE_SYSTEM, &canonical, None)?;
        let kept = || self.versions.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (placed.package, placed.number);
        if let Some(known) = kept().get(&key) {
            return Some(known.clone());
        }
        let system = self.whole(&placed.definition.json()?);
        kept().insert(key, system.clone());
        Some(system)
    }

    /// A code system with what supplements call its concepts.
    fn whole(&self, json: &Value) -> Arc<CodeSystem> {
        let mut system = CodeSystem::read(json);
        let url = oid::canonical(&system.url).to_owned();
        for supplement in self.library.supplements(&url).filter_map(|one| one.json()) {
            system.supplement(&supplement);
        }
        Arc::new(system)
    }

    /// A Questionnaire by its canonical, as a definition of a package means it; it is read once.
    pub fn questionnaire(&self, canonical: &str, package: Option<usize>) -> Option<Arc<Value>> {
        let placed = self.library.meant(ResourceType::QUESTIONNAIRE, canonical, package)?;
        let kept = || self.questionnaires.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (placed.package, placed.number);
        if let Some(known) = kept().get(&key) {
            return Some(known.clone());
        }
        let read = Arc::new(placed.definition.json()?);
        kept().insert(key, read.clone());
        Some(read)
    }

    fn read(&self, of: ResourceType, canonical: &str, package: Option<usize>) -> Option<(usize, Value)> {
        let placed = self.library.meant(of, canonical, package)?;
        Some((placed.package, placed.definition.json()?))
    }

    fn id(&self, canonical: &str, package: Option<usize>) -> Option<SchemaId> {
        let placed = self.library.meant(ResourceType::STRUCTURE_DEFINITION, canonical, package)?;
        self.ids.get(&(placed.package, placed.number)).copied()
    }

    fn compiled(&self, id: SchemaId) -> Option<Schema> {
        let (package, number) = *self.places.get(id as usize)?;
        let definition = self.library.packages().get(package)?.definitions.get(number)?;
        let json = definition.json()?;
        let placed = crate::guide::Placed { package, number, definition };
        let version = self.library.version_of(placed);
        let snapshot = self.snapshot(&json, package, 0)?;
        compile(&json, &snapshot, Which { id, package, version })
    }

    /// The snapshot of a definition, its own or one made of its differential.
    fn snapshot(&self, definition: &Value, package: usize, depth: usize) -> Option<Vec<Value>> {
        if let Some(elements) = definition.get("snapshot").and_then(|snapshot| snapshot.get("element")?.as_array()) {
            return Some(elements.clone());
        }
        self.generated(definition, package, depth)
    }

    /// The snapshot that the differential of a definition makes of that of its base.
    fn generated(&self, definition: &Value, package: usize, depth: usize) -> Option<Vec<Value>> {
        let base = definition.get("baseDefinition").and_then(Value::as_str).filter(|_| depth < BASES_MAX)?;
        let (of, base) = self.read(ResourceType::STRUCTURE_DEFINITION, base, Some(package))?;
        let base = self.snapshot(&base, of, depth + 1)?;
        let of_type = |canonical: &str| {
            let canonical = if canonical.contains('/') { canonical.to_owned() } else { format!("{CORE}{canonical}") };
            let (of, json) = self.read(ResourceType::STRUCTURE_DEFINITION, &canonical, Some(package))?;
            self.snapshot(&json, of, depth + 1)
        };
        Some(snapshot::generate(base, definition, &of_type))
    }

    /// A profile that says nothing.
    fn nothing(&self) -> &Schema {
        &self.nothing
    }
}

fn of_resources(library: &Library) -> Vec<(ResourceType, Box<str>)> {
    let mut named: Vec<(ResourceType, Box<str>)> = Vec::new();
    for placed in library.all(ResourceType::STRUCTURE_DEFINITION) {
        let definition = placed.definition;
        let Some(of) = definition.profile_of else { continue };
        named.push((of, definition.url.clone()));
        if library.find(ResourceType::STRUCTURE_DEFINITION, &definition.url).nth(1).is_some() {
            named.push((of, format!("{}|{}", definition.url, library.version_of(placed)).into()));
        }
    }
    named.sort_unstable_by(|a, b| (a.0.name(), &a.1).cmp(&(b.0.name(), &b.1)));
    named.dedup();
    named
}

fn nothing() -> Schema {
    Schema {
        id: SchemaId::MAX,
        url: Box::default(),
        version: Box::default(),
        package: 0,
        type_name: Box::default(),
        base: None,
        is_definition: false,
        is_modifier: false,
        contexts: Box::default(),
        context_invariants: Box::default(),
        nodes: vec![Node::new("", "")],
    }
}

impl Source for Profiles {
    fn value_set(&self, canonical: &str, from: Option<usize>) -> Option<(Option<usize>, Value)> {
        let (package, json) = self.read(ResourceType::VALUE_SET, canonical, from)?;
        Some((Some(package), json))
    }

    fn code_system(&self, canonical: &str, from: Option<usize>) -> Option<Arc<CodeSystem>> {
        if split(canonical).1.is_none() {
            return self.system(canonical).cloned();
        }
        self.read(ResourceType::CODE_SYSTEM, canonical, from).map(|(_, json)| self.whole(&json))
    }
}

impl std::fmt::Debug for Profiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} profiles of {} packages", self.places.len(), self.library.packages().len())
    }
}

#[cfg(test)]
pub(crate) mod tests;
