//! Whose records concern a caller, before consent is looked at: the panels that it is on (design decision 4b).

use std::sync::Arc;

use super::Gateway;
use crate::consent::{Caller, Role};
use crate::fault::Fault;
use crate::fhir::{FacilityCode, PatientKey};

impl Gateway {
    /// The records whose consents may open something to a caller, in the order of their keys, when they are in memory: never
    /// blocks on storage.
    pub fn hot_panel(&self, caller: &Caller) -> Option<Arc<[PatientKey]>> {
        caller.panels().map(|name| self.store.hot_panel(&name)).collect::<Option<Vec<_>>>().map(joined)
    }

    /// The same. Blocks on storage.
    pub fn panel(&self, caller: &Caller) -> Result<Arc<[PatientKey]>, Fault> {
        caller.panels().map(|name| self.store.panel(&name)).collect::<Result<Vec<_>, _>>().map(joined)
    }

    /// Whether a caller may be shown something of a record, before consent is looked at: what this says no to is not read, so
    /// that it takes no time. Blocks on storage.
    pub fn concerns(&self, caller: &Caller, record: PatientKey) -> Result<bool, Fault> {
        if caller.role == Role::Open || self.nameable(caller)?.binary_search(&record).is_ok() {
            return Ok(true);
        }
        let facility = self.store.head(record)?.map(|head| FacilityCode::parse(&head.facility));
        Ok(facility.is_some_and(|facility| caller.sends_for(&facility)))
    }

    /// Those of [`Gateway::panel`], and those that stand open to the caller in an emergency: they are found by whoever names
    /// them, and in no list. Blocks on storage.
    pub fn nameable(&self, caller: &Caller) -> Result<Arc<[PatientKey]>, Fault> {
        let urgent = caller.emergency_panels().map(|name| self.store.panel(&name));
        Ok(joined([self.panel(caller)].into_iter().chain(urgent).collect::<Result<Vec<_>, _>>()?))
    }

    /// The same when they are in memory: never blocks on storage.
    pub fn hot_nameable(&self, caller: &Caller) -> Option<Arc<[PatientKey]>> {
        let urgent = caller.emergency_panels().map(|name| self.store.hot_panel(&name));
        [self.hot_panel(caller)].into_iter().chain(urgent).collect::<Option<Vec<_>>>().map(joined)
    }
}

/// Several panels as one, in the order of their keys.
fn joined(mut panels: Vec<Arc<[PatientKey]>>) -> Arc<[PatientKey]> {
    panels.retain(|panel| !panel.is_empty());
    if panels.len() < 2 {
        return panels.pop().unwrap_or_else(|| [].into());
    }
    let mut all: Vec<PatientKey> = panels.iter().flat_map(|panel| panel.iter().copied()).collect();
    all.sort_unstable();
    all.dedup();
    all.into()
}
