//! Joining the parts: the running gateway.

mod assertions;
mod changed;
mod conformance;
mod containers;
mod directory;
mod exports;
mod inspection;
mod known;
mod panels;
mod senders;
mod teams;
mod terminology;
mod terms;

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, PoisonError, RwLock};
use std::time::Duration;

use serde_json::Value;

use crate::auth::people::Joined;
use crate::auth::rate::{Meters, Rates};
use crate::auth::{Chain, Client, Fetcher, KeySet, People, Registry, Verifier};
use crate::chart::{Chart, Kin};
use crate::config::maps::Maps;
use crate::config::{self, Config, Limits};
use crate::consent::caller::{REGISTERED, TO_REVIEW};
use crate::consent::{Caller, Role, Terms, is_definition, is_directory};
use crate::fault::{Fault, Issue};
use crate::fhir::{FacilityCode, PatientKey, ResourceId, ResourceType};
use crate::journal::Journal;
use crate::journal::anchors::Anchors;
use crate::letter::{Letter, LetterId, Source};
use crate::linking::Linker;
use crate::pipeline::{Pipeline, Receipt};
use crate::store::records::is_found_by_identifier;
use crate::store::secret::SECRET_BYTES;
use crate::store::{Hot, Store};
use crate::validate::standard::Standard;

pub use assertions::{Assertions, NotTaken};
use conformance::Keeper;
pub use conformance::{CODES_KEPT_MAX, Conformance};
pub use containers::{Containers, Progress};
pub use directory::DIRECTORY_BYTES_MAX;
use directory::Directory;
pub use exports::{Asked, Export, Exports, Level, NotBegun, Stage};
pub use inspection::inspection;
use known::Known;
pub use senders::Senders;
use teams::Teamwork;

/// Memory for patients' records that are kept as charts, bytes.
pub const HOT_BYTES_MAX: usize = 256 << 20;
/// Records with one identifier that are looked at instead of all.
const IDENTIFIED_MAX: usize = 1_000;
/// Records, and ids that somebody chose, whose place is remembered without asking the store.
const PLACES_MAX: usize = 1_000_000;

/// The running gateway: what every request is answered from.
#[derive(Debug)]
pub struct Gateway {
    store: Store,
    registry: Registry,
    sources: Vec<Arc<Source>>,
    /// What the facilities are called, for people.
    facility_names: HashMap<FacilityCode, String>,
    office: FacilityCode,
    base_url: String,
    clock: fn() -> i64,
    hot: Arc<Hot<Chart>>,
    directory: Directory,
    teams: Teamwork,
    terms: Arc<Terms>,
    pipeline: Arc<Pipeline>,
    linker: Arc<Linker>,
    containers: Containers,
    exports: Exports,
    limits: Limits,
    beat: Duration,
    http: config::Http,
    journal: Arc<Journal>,
    places: RwLock<HashMap<Place, PatientKey>>,
    known: Arc<Known>,
    conformance: Arc<Keeper>,
    of_rest: Standard,
    assertions: Assertions,
    tokens: Tokens,
    meters: Arc<Meters>,
    people: People,
    /// Members of whom no program is registered.
    organizations: Vec<String>,
    verifier: Option<Arc<Verifier>>,
    /// Taken alone by an update that names the version it was decided upon, shared by the others.
    updates: RwLock<()>,
    /// What the places in links are sealed with: the same for all gateways over one store, so that links outlive a restart.
    seal: [u8; SECRET_BYTES],
}

/// What issuing access tokens takes.
#[derive(Debug)]
pub struct Tokens {
    /// Asks for clients' keys.
    pub fetcher: Fetcher,
    /// How often each client may ask for one.
    pub per_client: Rates<String>,
    /// How often an address may ask for anything about tokens.
    pub per_address: Rates<IpAddr>,
    /// How often an address may ask for anything without being known.
    pub per_stranger: Rates<IpAddr>,
    /// Keys of nobody, for those who are nobody.
    pub nobody: KeySet,
}

/// Opens the store that a configuration names, making it when it is not there.
pub fn open(store: &config::Store) -> Result<Store, Fault> {
    match store {
        config::Store::Memory => Ok(Store::open_memory()),
        config::Store::Sled { path, cache_mib } => Store::open_sled(path, cache_mib << 20),
        config::Store::Fjall { path, cache_mib } => Store::open_fjall(path, cache_mib << 20),
        config::Store::Postgres(settings) => Store::open_postgres(settings),
    }
}

impl Gateway {
    /// Opens the store, starts the journal and makes everything ready; nothing listens yet. `clock` gives milliseconds
    /// since 1970.
    pub fn start(config: &Config, clock: fn() -> i64) -> Result<Self, Fault> {
        Gateway::over(open(&config.store)?, config, clock)
    }

    /// The same over a store that is open already; what the configuration says of the store is not looked at.
    pub fn over(store: Store, config: &Config, clock: fn() -> i64) -> Result<Self, Fault> {
        let pipeline = Arc::new(Pipeline::new(store.clone(), clock));
        let waiting_max = usize::try_from(config.limits.requests_waiting_max).unwrap_or(1024);
        let anchors = config.audit.as_ref().map(|audit| Anchors::open(&audit.key, &audit.anchors)).transpose()?;
        let journal = Arc::new(Journal::keep(store.clone(), waiting_max, anchors, clock)?);
        let terms = Arc::new(config.terms.clone());
        let of_charts = terms.clone();
        let of_kin = store.clone();
        let hot = Arc::new(Hot::new(&store, HOT_BYTES_MAX, move |partition| {
            let (kin, newer) = Kin::read(&of_kin, partition)?;
            Chart::build(newer.as_ref().unwrap_or(partition), kin, &of_charts)
        }));
        if let Some((_, maps)) = &config.maps {
            pipeline.set_book(Arc::new(maps.book.clone()));
        }
        pipeline.set_label_rules(config.label_rules.clone());
        let known = Known::follow(&store, config.open)?;
        let parts = || known.directory(is_definition);
        let conformance = Arc::new(Keeper::follow(&store, config.guides.clone(), parts)?);
        pipeline.set_inspection(inspection::of_gateway(config, conformance.clone()));
        let teams = Teamwork::follow(&store, |wanted| known.directory(wanted))?;
        Ok(Gateway {
            containers: Containers::start(store.clone(), pipeline.clone(), journal.clone(), clock)?,
            exports: Exports::open(store.clone(), config.limits, clock())?,
            linker: Linker::follow(store.clone(), pipeline.clone(), journal.clone(), config.identity.clone(), clock)?,
            limits: config.limits,
            // Where everybody may see everything nothing is hidden.
            beat: Duration::from_millis(if config.open { 0 } else { config.beat_ms }),
            http: config.http.clone(),
            pipeline,
            journal,
            registry: match config.open {
                true => Registry::open(),
                false => Registry::new(config.clients.iter().cloned()),
            },
            assertions: Assertions::open(store.clone())?,
            tokens: Tokens {
                fetcher: Fetcher::new(config.jwks_ca.clone()),
                per_client: Rates::new(config.limits.tokens_per_minute_max),
                per_address: Rates::new(config.limits.token_attempts_per_minute_max),
                per_stranger: Rates::new(config.limits.token_attempts_per_minute_max),
                nobody: KeySet::of_nobody(),
            },
            meters: Meters::new(config.limits.requests_per_minute_max, config.limits.requests_at_once_max),
            people: People::new(
                config.people.as_ref().map(|people| people.asked.clone()),
                config.people.as_ref().map(|people| people.people.clone()).unwrap_or_default(),
            ),
            organizations: config.people.as_ref().map(|people| people.organizations.clone()).unwrap_or_default(),
            verifier: config.verifier.clone(),
            sources: config.sources.iter().map(|source| source.letter.clone()).collect(),
            facility_names: config.sources.iter().map(|s| (s.letter.facility.clone(), s.name.clone())).collect(),
            office: config.office.clone(),
            base_url: config.base_url.clone(),
            places: RwLock::default(),
            known,
            directory: Directory::over(&store, &terms)?,
            teams,
            conformance,
            of_rest: config.of_rest.clone(),
            seal: store.secret("links", *uuid::Uuid::new_v4().as_bytes())?,
            updates: RwLock::default(),
            store,
            clock,
            hot,
            terms,
        })
    }

    /// Who may call.
    pub fn registry(&self) -> &Registry {
        &self.registry
    }

    /// Takes other clients in the place of those that are registered; see [`Registry::replace`].
    pub fn set_clients(&self, clients: Vec<Client>) {
        self.registry.replace(clients);
        self.people.members_changed();
    }

    /// Who signs in.
    pub fn people(&self) -> &People {
        &self.people
    }

    /// Since when an organisation is a member of the network; `None` where it is none ([`Registry::joined`]).
    pub fn joined(&self, organization: &str) -> Joined {
        let listed = || self.organizations.iter().any(|listed| listed == organization).then_some(None);
        self.registry.joined(organization).or_else(listed)
    }

    /// Everybody who may call, programs first, each with all that it may be granted and the teams that it is in now. Blocks on
    /// storage where the directory has changed.
    pub fn callers(&self) -> Result<Vec<Arc<Caller>>, Fault> {
        let mut callers = self.registry.callers();
        callers.extend(self.people.callers(|organization| self.joined(organization)));
        callers.iter().map(|caller| self.in_teams(caller)).collect()
    }

    /// A caller with the teams of the directory in which it is a member now; `None` where the directory has changed and must
    /// be read: never blocks on storage.
    pub fn hot_in_teams(&self, caller: &Arc<Caller>) -> Option<Arc<Caller>> {
        self.teams.hot(caller, self.now())
    }

    /// The same. Blocks on storage where the directory has changed.
    pub fn in_teams(&self, caller: &Arc<Caller>) -> Result<Arc<Caller>, Fault> {
        self.teams.current(caller, self.now())
    }

    /// What each caller has asked for lately, and is asking for now.
    pub fn meters(&self) -> &Arc<Meters> {
        &self.meters
    }

    /// The client assertions that were used.
    pub fn assertions(&self) -> &Assertions {
        &self.assertions
    }

    /// What issuing access tokens takes.
    pub fn tokens(&self) -> &Tokens {
        &self.tokens
    }

    /// Whether the certificate that a client showed when it connected still counts.
    pub fn accepts(&self, chain: &Chain) -> bool {
        self.verifier.as_ref().is_none_or(|verifier| verifier.accepts(chain, self.now()))
    }

    /// The audit record.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The address under which callers reach `/fhir`.
    pub fn base_url(&self) -> &str {
        &self.base_url
    }

    /// What the places in links are sealed with where they hold texts.
    pub fn seal(&self) -> &[u8] {
        &self.seal
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> i64 {
        (self.clock)()
    }

    /// Offset, in minutes, of dates that callers give without one and of instants the gateway writes: Japan's.
    pub fn zone_minutes(&self) -> i16 {
        540
    }

    /// Puts other concept maps in force, for whatever is received from now on.
    pub fn set_maps(&self, maps: Maps) {
        self.pipeline.set_book(Arc::new(maps.book));
    }

    /// What is configured about senders.
    pub fn sources(&self) -> &[Arc<Source>] {
        &self.sources
    }

    /// What a facility that sends is called, for people.
    pub fn facility_name(&self, facility: &FacilityCode) -> Option<&str> {
        self.facility_names.get(facility).map(String::as_str)
    }

    /// The facility code under which the network's office keeps its own records.
    pub fn office(&self) -> &FacilityCode {
        &self.office
    }

    /// The records that the office has made for those whom it has registered, and others of the same people. Blocks on
    /// storage.
    pub fn registered(&self) -> Result<Arc<[PatientKey]>, Fault> {
        self.store.panel(REGISTERED)
    }

    /// The store, for what reads records as they are kept.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// What is configured about HTTP itself.
    pub fn http(&self) -> &config::Http {
        &self.http
    }

    /// How far the beats lie apart on which answers leave that could tell hidden from missing by their time; zero for none.
    pub fn beat(&self) -> Duration {
        self.beat
    }

    /// Limits on what callers may ask.
    pub fn limits(&self) -> Limits {
        self.limits
    }

    /// Letters that hold others and are taken in one after the other.
    pub fn containers(&self) -> &Containers {
        &self.containers
    }

    /// Bulk exports.
    pub fn exports(&self) -> &Exports {
        &self.exports
    }

    /// The records that a facility of the caller's keeps. Walks the heads of the whole store; blocks on it.
    pub fn own_records(&self, caller: &Caller) -> Result<Vec<PatientKey>, Fault> {
        let (mut own, mut next) = (Vec::new(), Some(PatientKey(0)));
        while let Some(record) = next.map(|from| self.store.record_from(from)).transpose()?.flatten() {
            let head = self.store.head(record)?;
            let facility = FacilityCode::parse(head.as_ref().map_or("", |head| &head.facility));
            if !record.is_directory() && caller.sends_for(&facility) {
                own.push(record);
            }
            next = record.0.checked_add(1).map(PatientKey);
        }
        Ok(own)
    }

    /// Who sent a letter that was received; `None` when there is no such letter. Blocks on storage.
    pub fn sender(&self, id: LetterId) -> Result<Option<Arc<Source>>, Fault> {
        Ok(self.store.letter(id)?.map(|letter| letter.source))
    }

    /// A letter as it came.
    pub fn letter(&self, id: LetterId) -> Result<Option<Letter>, Fault> {
        self.store.letter(id)
    }

    /// Takes a letter in; see [`Pipeline::receive`]. Blocks on storage.
    pub fn receive(&self, letter: &Letter) -> Result<Receipt, Fault> {
        self.pipeline.receive(letter)
    }

    /// Takes in a letter that states one resource anew, whatever its version.
    pub fn update(&self, letter: &Letter) -> Result<Receipt, Fault> {
        let _shared = self.updates.read().unwrap_or_else(PoisonError::into_inner);
        self.receive(letter)
    }

    /// The same when `unchanged` holds, with no other update in between; `None` when it does not. Blocks on storage.
    pub fn update_if(
        &self,
        letter: &Letter,
        unchanged: impl FnOnce(&Self) -> Result<bool, Fault>,
    ) -> Result<Option<Receipt>, Fault> {
        let _alone = self.updates.write().unwrap_or_else(PoisonError::into_inner);
        if unchanged(self)? { self.receive(letter).map(Some) } else { Ok(None) }
    }

    /// Does what writes over REST and depends on nothing but the resources it names. Blocks on storage.
    pub fn write<T>(&self, work: impl FnOnce(&Pipeline) -> T) -> T {
        let _shared = self.updates.read().unwrap_or_else(PoisonError::into_inner);
        work(&self.pipeline)
    }

    /// Does what writes over REST and depends on what a search finds: nothing else is written over REST meanwhile. Blocks on
    /// storage.
    pub fn write_alone<T>(&self, work: impl FnOnce(&Pipeline) -> T) -> T {
        let _alone = self.updates.write().unwrap_or_else(PoisonError::into_inner);
        work(&self.pipeline)
    }

    /// The records that a caller may be shown something of, before consent is looked at: its panel, and the parts of the
    /// directory that it may read; every record, where the gateway is open. Blocks on storage.
    pub fn scope(&self, caller: &Caller) -> Result<Vec<PatientKey>, Fault> {
        if caller.role == Role::Open {
            return Ok(self.known.all());
        }
        let mut records = self.directory(caller);
        records.extend_from_slice(&self.panel(caller)?);
        Ok(records)
    }

    /// The records, of those that a caller may be shown something of, in which something of a type has one of these
    /// identifiers ([`crate::search::query::Query::identifiers`]); `None` where the type is not found so. Blocks on storage.
    pub fn identified(
        &self,
        caller: &Caller,
        resource_type: ResourceType,
        values: &[u64],
    ) -> Result<Option<Vec<PatientKey>>, Fault> {
        if !is_found_by_identifier(resource_type) {
            return Ok(None);
        }
        let mut records = Vec::new();
        for value in values {
            records.extend(self.store.identified(resource_type, *value, IDENTIFIED_MAX)?);
        }
        if records.len() >= IDENTIFIED_MAX {
            return Ok(None);
        }
        records.sort_unstable();
        records.dedup();
        if caller.role != Role::Open {
            let panel = self.panel(caller)?;
            records.retain(|record| match record.directory_type() {
                Some(of) => is_directory(of),
                None => panel.binary_search(record).is_ok(),
            });
        }
        Ok(Some(records))
    }

    /// The parts of the directory that a caller may read.
    pub fn directory(&self, caller: &Caller) -> Vec<PatientKey> {
        self.directory_of(caller, |_| true)
    }

    /// The definitions in force, when none has changed since they were read: never blocks on storage.
    pub fn hot_conformance(&self) -> Option<Arc<Conformance>> {
        self.conformance.hot()
    }

    /// The definitions in force. Blocks on storage where some have changed.
    pub fn conformance(&self) -> Result<Arc<Conformance>, Fault> {
        self.conformance.current()
    }

    /// What is asked of what is written over REST, beyond what R4 asks of everything.
    pub fn of_rest(&self) -> &Standard {
        &self.of_rest
    }

    /// What would be wrong if these SearchParameters were stored, or taken away (`None`), in one commit: which one, by its
    /// index, and the issue. Blocks on storage.
    pub fn refused_parameters(&self, changes: &[(&ResourceId, Option<Value>)]) -> Result<Vec<(usize, Issue)>, Fault> {
        Ok(self.conformance()?.refused(changes, self.conformance.of_guides()))
    }

    /// Which records are one person's.
    pub fn linker(&self) -> &Linker {
        &self.linker
    }

    /// The pipeline, for imports.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The records that were opened in an emergency which nobody has reviewed. Blocks on storage.
    pub fn to_review(&self) -> Result<Arc<[PatientKey]>, Fault> {
        self.store.panel(TO_REVIEW)
    }

    /// What the network has agreed on.
    pub fn terms(&self) -> &Terms {
        &self.terms
    }

    /// A record's chart when it is in memory: never blocks on storage.
    pub fn hot_chart(&self, patient: PatientKey) -> Option<Arc<Chart>> {
        if patient.is_directory() { self.directory.hot(patient) } else { self.hot.get(patient) }
    }

    /// A record's chart. Blocks on storage when the record is not in memory.
    pub fn chart(&self, patient: PatientKey) -> Result<Arc<Chart>, Fault> {
        if patient.is_directory() { self.directory.chart(patient) } else { self.hot.load(patient) }
    }

    /// A record's chart as it was at an instant, milliseconds since 1970, for what it held then: whether it may be seen is
    /// decided by how things stand now. Blocks on storage.
    pub fn chart_at(&self, patient: PatientKey, instant: i64) -> Result<Chart, Fault> {
        let mut partition = self.store.partition(patient)?;
        partition.records.retain(|record| record.facts.last_updated <= instant);
        Chart::build(&partition, Kin::default(), &self.terms)
    }

    /// The chart a resource is on, when it is in memory: never blocks on storage.
    pub fn hot_place(&self, resource_type: ResourceType, id: &ResourceId) -> Option<Arc<Chart>> {
        let patient = *self.places.read().ok()?.get(&Place::of(resource_type, id))?;
        self.hot_chart(patient).filter(|chart| chart.row(resource_type, id).is_some())
    }

    /// The chart a resource is on. Blocks on storage.
    pub fn place(&self, resource_type: ResourceType, id: &ResourceId) -> Result<Option<Arc<Chart>>, Fault> {
        if let Some(chart) = self.directory.built_in(resource_type, id) {
            return Ok(Some(chart.clone()));
        }
        for patient in self.store.candidates(resource_type, id)? {
            let chart = self.chart(patient)?;
            if chart.row(resource_type, id).is_some() {
                self.remember(Place::of(resource_type, id), patient);
                return Ok(Some(chart));
            }
        }
        Ok(None)
    }

    fn remember(&self, place: Place, patient: PatientKey) {
        if let Ok(mut places) = self.places.write() {
            keep(&mut places, place, patient, PLACES_MAX);
        }
    }
}

/// What is full is begun anew: a place is only a shortcut.
fn keep(places: &mut HashMap<Place, PatientKey>, place: Place, patient: PatientKey, places_max: usize) {
    if places.len() >= places_max && !places.contains_key(&place) {
        places.clear();
    }
    places.insert(place, patient);
}

/// What a remembered place is known by: one entry for all ids that a record derives.
#[derive(Debug, PartialEq, Eq, Hash)]
enum Place {
    Derived(u64),
    Chosen(ResourceType, ResourceId),
}

impl Place {
    fn of(resource_type: ResourceType, id: &ResourceId) -> Self {
        match id.record_tag() {
            Some(tag) => Place::Derived(tag),
            None => Place::Chosen(resource_type, id.clone()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_remembered_up_to_the_limit() {
        let mut places = HashMap::new();
        let mut sizes = Vec::new();
        for tag in [1, 2, 3, 3, 4] {
            keep(&mut places, Place::Derived(tag), PatientKey(7), 3);
            sizes.push(places.len());
        }
        assert_eq!(sizes, [1, 2, 3, 3, 1]);
    }
}
