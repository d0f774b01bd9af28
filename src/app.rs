//! Joining the parts: the running gateway.

use std::collections::HashMap;
use std::sync::{Arc, RwLock};

use crate::auth::Registry;
use crate::chart::Chart;
use crate::fault::Fault;
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::journal::Journal;
use crate::letter::{Letter, Source};
use crate::pipeline::{Pipeline, Receipt};
use crate::store::{Hot, Store};

/// Records kept as charts in memory, at most this many resources in all.
pub const HOT_RESOURCES_MAX: usize = 400_000;
/// Ids whose record is remembered without asking the store.
const PLACES_MAX: usize = 1_000_000;

/// What a gateway is given to run.
#[derive(Debug)]
pub struct Parts {
    /// Where everything is kept.
    pub store: Store,
    /// Who may call.
    pub registry: Registry,
    /// What is configured about senders.
    pub sources: Vec<Source>,
    /// The address under which callers reach `/fhir`, without a slash at the end.
    pub base_url: String,
    /// Milliseconds since 1970.
    pub clock: fn() -> i64,
    /// Offset of instants the gateway writes and of dates callers ask for without one, in minutes.
    pub zone_minutes: i16,
}

/// The running gateway: what every request is answered from.
#[derive(Debug)]
pub struct Gateway {
    parts: Parts,
    hot: Arc<Hot<Chart>>,
    pipeline: Pipeline,
    journal: Journal,
    places: RwLock<HashMap<(ResourceType, ResourceId), PatientKey>>,
}

impl Gateway {
    /// Starts the journal and makes everything ready; nothing listens yet.
    pub fn start(parts: Parts) -> Result<Self, Fault> {
        let hot = Arc::new(Hot::new(Chart::build, HOT_RESOURCES_MAX));
        let pipeline = Pipeline::new(parts.store.clone(), hot.clone(), parts.clock);
        let journal = Journal::start(parts.store.clone())?;
        Ok(Gateway { parts, hot, pipeline, journal, places: RwLock::default() })
    }

    /// Who may call.
    pub fn registry(&self) -> &Registry {
        &self.parts.registry
    }

    /// The audit record.
    pub fn journal(&self) -> &Journal {
        &self.journal
    }

    /// The address under which callers reach `/fhir`.
    pub fn base_url(&self) -> &str {
        &self.parts.base_url
    }

    /// Milliseconds since 1970.
    pub fn now(&self) -> i64 {
        (self.parts.clock)()
    }

    /// Offset of dates that callers give without one.
    pub fn zone_minutes(&self) -> i16 {
        self.parts.zone_minutes
    }

    /// What is configured about senders.
    pub fn sources(&self) -> &[Source] {
        &self.parts.sources
    }

    /// Takes a letter in; see [`Pipeline::receive`]. Blocks on storage.
    pub fn receive(&self, letter: &Letter) -> Result<Receipt, Fault> {
        self.pipeline.receive(letter)
    }

    /// The pipeline, for imports.
    pub fn pipeline(&self) -> &Pipeline {
        &self.pipeline
    }

    /// The records whose consents name an organisation.
    pub fn panel(&self, organization: &str) -> Result<Vec<PatientKey>, Fault> {
        self.parts.store.panel(organization)
    }

    /// A record's chart when it is in memory: never blocks on storage.
    pub fn hot_chart(&self, patient: PatientKey) -> Option<Arc<Chart>> {
        self.hot.get(patient)
    }

    /// A record's chart. Blocks on storage when the record is not in memory.
    pub fn chart(&self, patient: PatientKey) -> Result<Arc<Chart>, Fault> {
        match self.hot.get(patient) {
            Some(chart) => Ok(chart),
            None => self.hot.load(&self.parts.store, patient),
        }
    }

    /// The record a resource lies in, when that is remembered: never blocks on storage.
    pub fn hot_place(&self, resource_type: ResourceType, id: &ResourceId) -> Option<PatientKey> {
        self.places.read().ok()?.get(&(resource_type, id.clone())).copied()
    }

    /// The record a resource lies in; resources never move. Blocks on storage.
    pub fn place(&self, resource_type: ResourceType, id: &ResourceId) -> Result<Option<PatientKey>, Fault> {
        if let Some(patient) = self.hot_place(resource_type, id) {
            return Ok(Some(patient));
        }
        let found = self.parts.store.locate(resource_type, id.as_str())?;
        if let (Some(patient), Ok(mut places)) = (found, self.places.write()) {
            if places.len() >= PLACES_MAX {
                places.clear();
            }
            places.insert((resource_type, id.clone()), patient);
        }
        Ok(found)
    }
}
