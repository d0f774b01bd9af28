//! The definitions in force: the search parameters, the terminology and the profiles of R4, of the guides and of the directory. What the
//! network's office stores is taken up with its commit; a request holds one set from its beginning to its end.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, OnceLock, PoisonError, RwLock};

use serde_json::Value;

use super::changed::Changed;
use crate::chart::Chart;
use crate::consent::is_definition;
use crate::fault::{Fault, Issue};
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::guide::{CanonicalResource, KEPT, Library};
use crate::profile::Profiles;
use crate::search::Definitions;
use crate::search::terminology::{self, Members, Terminology, Undecided};
use crate::store::Store;
use crate::terminology::{CodeSystem, ConceptMap, ValueSet};

/// Most codes that are kept ready for searches, of value sets and of code systems; past this they are read anew.
pub const CODES_KEPT_MAX: usize = 1_000_000;
/// The package of R4 itself, which no guide needs to bring.
const CORE: &str = "hl7.fhir.r4.core";

/// The definitions in force.
#[derive(Debug)]
pub struct Conformance {
    definitions: Arc<Definitions>,
    stamp: u64,
    pub(super) guides: Arc<Library>,
    /// Those of the directory, by the part that they lie in.
    pub(super) parts: BTreeMap<PatientKey, Arc<Vec<Stored>>>,
    ready: Mutex<Ready>,
    /// Those of the guides, for as long as the directory has nothing to say to them.
    profiles_of_guides: Arc<Profiles>,
    profiles: OnceLock<Arc<Profiles>>,
}

/// A definition of the directory.
#[derive(Debug)]
pub(super) struct Stored {
    pub(super) id: ResourceId,
    pub(super) resource: CanonicalResource,
}

/// What was read for searches.
#[derive(Debug, Default)]
pub(super) struct Ready {
    members: HashMap<String, Arc<Members>>,
    pub(super) systems: HashMap<String, Arc<CodeSystem>>,
    pub(super) value_sets: HashMap<String, Arc<ValueSet>>,
    pub(super) concept_maps: Option<Arc<Vec<Arc<ConceptMap>>>>,
    codes: usize,
}

impl Conformance {
    /// The search parameters.
    pub fn definitions(&self) -> &Definitions {
        &self.definitions
    }

    /// A value that differs where the search parameters do.
    pub fn stamp(&self) -> u64 {
        self.stamp
    }

    /// The profiles, and the terminology that they name. One that is stored in the directory takes the place of the guides'
    /// with its URL; each is read when it is first needed.
    pub fn profiles(&self) -> &Arc<Profiles> {
        self.profiles.get_or_init(|| {
            let stored = self.parts.values().flat_map(|part| part.iter()).map(|stored| &stored.resource);
            let own: Vec<CanonicalResource> =
                stored.filter(|one| is_for_profiles(one.resource_type)).cloned().collect();
            match own.is_empty() {
                true => self.profiles_of_guides.clone(),
                false => Arc::new(Profiles::new(Arc::new(self.guides.with(own)))),
            }
        })
    }

    /// What would be wrong if these SearchParameters were stored, or taken away, in one commit: which one, by its index, and
    /// the issue.
    pub fn refused(&self, changes: &[(&ResourceId, Option<Value>)], guides: &Definitions) -> Vec<(usize, Issue)> {
        let is_changed = |stored: &&Stored| changes.iter().any(|(id, _)| **id == stored.id);
        let mut all: Vec<Value> =
            self.search_parameters().filter(|stored| !is_changed(stored)).filter_map(active).collect();
        let (standing, mut new) = (all.len(), Vec::new());
        for (at, (_, resource)) in changes.iter().enumerate() {
            if let Some(resource) = resource.as_ref().filter(|resource| is_active(resource)) {
                new.push(at);
                all.push(resource.clone());
            }
        }
        let (_, issues) = guides.with(&all);
        let of_new = |(at, issue): (usize, Issue)| Some((*new.get(at.checked_sub(standing)?)?, issue));
        issues.into_iter().filter_map(of_new).collect()
    }

    fn search_parameters(&self) -> impl Iterator<Item = &Stored> {
        let all = self.parts.values().flat_map(|part| part.iter());
        all.filter(|stored| stored.resource.resource_type == ResourceType::SEARCH_PARAMETER)
    }

    pub(super) fn kept<T>(&self, of: impl FnOnce(&mut Ready) -> T) -> T {
        of(&mut self.ready.lock().unwrap_or_else(PoisonError::into_inner))
    }

    fn members_kept(
        &self,
        key: String,
        make: impl FnOnce() -> Result<Members, Undecided>,
    ) -> Result<Arc<Members>, Undecided> {
        if let Some(members) = self.kept(|ready| ready.members.get(&key).cloned()) {
            return Ok(members);
        }
        let members = Arc::new(make()?);
        self.kept(|ready| {
            ready.take(members.kept(), CODES_KEPT_MAX);
            ready.members.insert(key, members.clone());
        });
        Ok(members)
    }
}

impl Ready {
    /// Makes room for codes.
    pub(super) fn take(&mut self, codes: usize, codes_max: usize) {
        if self.codes + codes > codes_max {
            *self = Ready::default();
        }
        self.codes += codes;
    }
}

impl Terminology for Conformance {
    fn members(&self, value_set: &str) -> Result<Arc<Members>, Undecided> {
        self.members_kept(value_set.to_owned(), || terminology::members(self, value_set))
    }

    fn subsumed(&self, system: &str, code: &str, above: bool) -> Result<Arc<Members>, Undecided> {
        let key = format!("{} {system} {code}", if above { "above" } else { "below" });
        self.members_kept(key, || terminology::subsumed(self, system, code, above))
    }
}

/// Keeps the definitions in force as the directory changes.
#[derive(Debug)]
pub(super) struct Keeper {
    store: Store,
    guides: Arc<Library>,
    /// The search parameters of R4 and of the guides.
    of_guides: Definitions,
    profiles_of_guides: Arc<Profiles>,
    current: RwLock<Arc<Conformance>>,
    changed: Arc<Changed>,
    /// How many changes `current` has read; one at a time reads more.
    seen: AtomicU64,
    reading: Mutex<()>,
}

impl Keeper {
    /// Reads the guides, and the parts of the directory that hold definitions, and follows the store from now on. `parts`
    /// tells the parts there are once it is followed. What cannot be used is logged. Blocks on storage.
    pub(super) fn follow(
        store: &Store,
        guides: Arc<Library>,
        parts: impl FnOnce() -> Vec<PatientKey>,
    ) -> Result<Self, Fault> {
        tell(&guides);
        let of_guides = of_guides(&guides);
        let changed = Arc::new(Changed::of(is_definition));
        store.watch(changed.clone());
        changed.add(parts());
        let profiles_of_guides = Arc::new(Profiles::new(guides.clone()));
        let empty = Conformance {
            profiles_of_guides: profiles_of_guides.clone(),
            profiles: OnceLock::new(),
            stamp: of_guides.stamp(),
            definitions: Arc::new(of_guides.clone()),
            guides: guides.clone(),
            parts: BTreeMap::new(),
            ready: Mutex::default(),
        };
        let current = RwLock::new(Arc::new(empty));
        let (seen, reading) = (AtomicU64::new(0), Mutex::default());
        let store = store.clone();
        let keeper = Keeper { store, guides, of_guides, profiles_of_guides, current, changed, seen, reading };
        keeper.current()?;
        Ok(keeper)
    }

    /// The definitions in force, when nothing has changed since they were read: never blocks on storage.
    pub(super) fn hot(&self) -> Option<Arc<Conformance>> {
        let is_read = self.seen.load(Ordering::SeqCst) == self.changed.count();
        is_read.then(|| self.current.read().unwrap_or_else(PoisonError::into_inner).clone())
    }

    /// The definitions in force. Blocks on storage where some have changed.
    pub(super) fn current(&self) -> Result<Arc<Conformance>, Fault> {
        if let Some(hot) = self.hot() {
            return Ok(hot);
        }
        // One reads what has changed, the others wait for it.
        let _alone = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        // What is counted from here on is read by the next one.
        let count = self.changed.count();
        let changed = self.changed.take();
        let current = match changed.is_empty() {
            true => before,
            false => match self.read(&before, &changed) {
                Ok(read) => Arc::new(read),
                Err(fault) => {
                    self.changed.add(changed);
                    return Err(fault);
                }
            },
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current.clone();
        self.seen.store(count, Ordering::SeqCst);
        Ok(current)
    }

    /// The search parameters of R4 and of the guides.
    pub(super) fn of_guides(&self) -> &Definitions {
        &self.of_guides
    }

    fn read(&self, before: &Conformance, changed: &BTreeSet<PatientKey>) -> Result<Conformance, Fault> {
        let says_of_profiles = changed.iter().any(|part| part.directory_type().is_some_and(is_for_profiles));
        let mut read = Conformance {
            profiles_of_guides: self.profiles_of_guides.clone(),
            profiles: if says_of_profiles { OnceLock::new() } else { before.profiles.clone() },
            definitions: before.definitions.clone(),
            stamp: before.stamp,
            guides: self.guides.clone(),
            parts: before.parts.clone(),
            ready: Mutex::default(),
        };
        for part in changed {
            read.parts.insert(*part, Arc::new(stored(&self.store, *part)?));
        }
        if changed.iter().any(|part| part.directory_type() == Some(ResourceType::SEARCH_PARAMETER)) {
            let (mut ids, mut all) = (Vec::new(), Vec::new());
            for one in read.search_parameters() {
                if let Some(resource) = active(one) {
                    ids.push(&one.id);
                    all.push(resource);
                }
            }
            let (definitions, issues) = self.of_guides.with(&all);
            for (at, issue) in issues {
                let id = ids.get(at).map_or("", |id| id.as_str());
                tracing::warn!(element = %issue.place, "SearchParameter/{id} is not taken up: {}", issue.english());
            }
            read.stamp = definitions.stamp();
            read.definitions = Arc::new(definitions);
        }
        Ok(read)
    }
}

/// Whether resources are checked against definitions of this type.
fn is_for_profiles(resource_type: ResourceType) -> bool {
    resource_type != ResourceType::SEARCH_PARAMETER
}

/// Logs which guides there are, and what they need that is not there.
fn tell(guides: &Library) {
    for package in guides.packages() {
        let (name, version, definitions) = (&package.name, &package.version, package.definitions.len());
        tracing::info!(definitions, "guide {name} {version}");
        let is_there = |needed: &str| needed == CORE || guides.packages().iter().any(|other| &*other.name == needed);
        for (needed, version) in package.dependencies.iter().filter(|(needed, _)| !is_there(needed)) {
            tracing::warn!("guide {name} builds on {needed} {version}, which is not configured");
        }
    }
}

/// The search parameters of R4 and of guides: of each URL the newest version that is active.
fn of_guides(guides: &Library) -> Definitions {
    let newest = |url: &&str| {
        let mut versions = guides.find(ResourceType::SEARCH_PARAMETER, url).filter_map(CanonicalResource::json);
        versions.find(is_active)
    };
    let urls = guides.urls(ResourceType::SEARCH_PARAMETER);
    let all: Vec<Value> = urls.iter().filter_map(newest).collect();
    let (definitions, issues) = Definitions::base().with(&all);
    for (at, issue) in issues {
        let url = all.get(at).and_then(|one| one.get("url")).and_then(Value::as_str).unwrap_or_default();
        tracing::warn!(element = %issue.place, "{url} of a guide is not taken up: {}", issue.english());
    }
    definitions
}

/// The definitions in a part of the directory. What names a patient or carries a label is none.
fn stored(store: &Store, part: PatientKey) -> Result<Vec<Stored>, Fault> {
    let chart = Chart::build(&store.partition(part)?, Default::default(), &Arc::default())?;
    let mut all = Vec::new();
    for row in 0..chart.len() {
        if chart.columns.patients(row).is_empty()
            && chart.columns.labels[row].is_empty()
            && let Ok(Some(resource)) = CanonicalResource::read(&chart.body(row)?, &KEPT)
        {
            all.push(Stored { id: chart.columns.ids[row].clone(), resource });
        }
    }
    all.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    Ok(all)
}

fn active(stored: &Stored) -> Option<Value> {
    stored.resource.json().filter(is_active)
}

/// Whether a SearchParameter is to be used (valueset publication-status): no draft, and not retired.
fn is_active(resource: &Value) -> bool {
    resource.get("status").and_then(Value::as_str) == Some("active")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_are_kept_up_to_the_limit() {
        let mut ready = Ready::default();
        for (codes, expected) in [(3, 3), (7, 10), (1, 1), (9, 10), (20, 20)] {
            ready.take(codes, 10);
            ready.members.insert(codes.to_string(), Arc::default());
            assert_eq!(ready.codes, expected);
        }
        assert_eq!(ready.members.len(), 1);
    }

    #[test]
    fn what_is_committed_while_others_read_is_read() {
        let store = Store::open_memory();
        let keeper = Keeper::follow(&store, Arc::default(), Vec::new).unwrap();
        assert!(keeper.hot().is_some());
        let part = PatientKey::directory(ResourceType::VALUE_SET, &ResourceId::parse("v").unwrap());
        let before = keeper.current().unwrap();
        let version = crate::store::records::example::version(part, "v", 1);
        store.submit(crate::store::Partition::empty(part).write(part, "", &[version]).unwrap()).wait().unwrap();
        assert!(keeper.hot().is_none());
        let now = keeper.current().unwrap();
        assert!(keeper.hot().is_some() && !Arc::ptr_eq(&before, &now) && now.parts.contains_key(&part));
        assert!(Arc::ptr_eq(&now, &keeper.current().unwrap()));
    }
}
