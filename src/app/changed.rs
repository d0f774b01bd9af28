//! Which parts of the directory have changed since they were read: what is kept of them follows the commits of the store.

use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

use crate::fhir::{PatientKey, ResourceType};
use crate::store::group::Watch;
use crate::store::{Commit, keys};

/// The parts that have changed, of those that hold wanted types.
#[derive(Debug)]
pub(super) struct Changed {
    wanted: fn(ResourceType) -> bool,
    count: AtomicU64,
    parts: Mutex<BTreeSet<PatientKey>>,
}

impl Changed {
    /// None yet of the parts for whose types `wanted` holds.
    pub(super) fn of(wanted: fn(ResourceType) -> bool) -> Self {
        Changed { wanted, count: AtomicU64::new(0), parts: Mutex::default() }
    }

    /// How often something has changed.
    pub(super) fn count(&self) -> u64 {
        self.count.load(Ordering::SeqCst)
    }

    /// Parts that are to be read.
    pub(super) fn add(&self, parts: impl IntoIterator<Item = PatientKey>) {
        self.parts.lock().unwrap_or_else(PoisonError::into_inner).extend(parts);
        self.count.fetch_add(1, Ordering::SeqCst);
    }

    /// The parts that have changed; whoever takes them reads them, or adds them again.
    pub(super) fn take(&self) -> BTreeSet<PatientKey> {
        std::mem::take(&mut *self.parts.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl Watch for Changed {
    fn committed(&self, commit: &Commit) {
        let heads = commit.put.iter().filter_map(|(key, _)| keys::head_patient(key));
        let changed: Vec<PatientKey> = heads.filter(|part| part.directory_type().is_some_and(self.wanted)).collect();
        if !changed.is_empty() {
            self.add(changed);
        }
    }
}
