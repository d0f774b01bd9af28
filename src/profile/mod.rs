//! Packages made usable for validation (profiling.html): profiles found by their canonical, of several versions the one that is
//! meant where it is named, and compiled when they are first needed. `validate::profile` walks resources beside them.

mod compile;
mod discriminator;
mod schema;
mod slicing;
mod snapshot;
mod value_set;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use serde_json::Value;

pub use discriminator::Matcher;
pub use schema::*;
pub use value_set::{Answer, Codes, System};

use crate::fhir::{ResourceType, oid};
use crate::guide::{Library, split};
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
    systems: HashMap<Box<str>, OnceLock<Option<Arc<System>>>>,
    /// Definitions of R4's own types, by the number of the shape.
    of_types: Vec<OnceLock<Option<SchemaId>>>,
    /// The value sets that expressions ask for, as far as they are known.
    asked: Mutex<HashMap<String, Arc<Codes>>>,
    nothing: Schema,
}

impl Profiles {
    /// Takes up a library, which keeps its StructureDefinitions, ValueSets and CodeSystems
    /// ([`crate::guide::KEPT_WITH_PROFILES`]). Nothing is read yet.
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
        Profiles {
            library,
            places,
            ids,
            newest,
            schemas,
            systems,
            of_types,
            asked: Mutex::default(),
            nothing: nothing(),
        }
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
    pub fn codes<'s>(&self, binding: &'s Binding) -> &'s Codes {
        binding.codes.get_or_init(|| Arc::new(value_set::codes(self, &binding.value_set, Some(binding.package), 0)))
    }

    /// The codes of a value set that no element is bound to.
    pub fn codes_of(&self, canonical: &str) -> Arc<Codes> {
        let asked = || self.asked.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = asked().get(canonical) {
            return known.clone();
        }
        let codes = Arc::new(value_set::codes(self, canonical, None, 0));
        // What is not known may be any name that somebody sent.
        if codes.missing().is_none() {
            asked().insert(canonical.to_owned(), codes.clone());
        }
        codes
    }

    /// A code system by its URL, the newest.
    pub fn system(&self, url: &str) -> Option<&Arc<System>> {
        let url = oid::canonical(url);
        let read = || self.read(ResourceType::CODE_SYSTEM, url, None).map(|(_, json)| Arc::new(System::read(&json)));
        self.systems.get(url)?.get_or_init(read).as_ref()
    }

    /// A code system by its canonical, as a definition of a package means it.
    fn system_of(&self, canonical: &str, package: Option<usize>) -> Option<Arc<System>> {
        if split(canonical).1.is_none() {
            return self.system(canonical).cloned();
        }
        self.read(ResourceType::CODE_SYSTEM, canonical, package).map(|(_, json)| Arc::new(System::read(&json)))
    }

    /// A Questionnaire by its canonical, as a definition of a package means it.
    pub fn questionnaire(&self, canonical: &str, package: Option<usize>) -> Option<Value> {
        self.read(ResourceType::QUESTIONNAIRE, canonical, package).map(|(_, json)| json)
    }

    fn value_set(&self, canonical: &str, package: Option<usize>) -> Option<(usize, Value)> {
        self.read(ResourceType::VALUE_SET, canonical, package)
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

impl std::fmt::Debug for Profiles {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} profiles of {} packages", self.places.len(), self.library.packages().len())
    }
}

#[cfg(test)]
pub(crate) mod tests;
