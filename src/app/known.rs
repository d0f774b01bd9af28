//! Which records there are: those of the directory always, all of them where every caller may see every one (`--open`). Kept
//! in memory from the heads of the store and then from each commit, because asking the store costs a scan a record.

use std::collections::BTreeSet;
use std::sync::{Arc, PoisonError, RwLock};

use crate::fault::Fault;
use crate::fhir::{PatientKey, ResourceType};
use crate::store::group::Watch;
use crate::store::{Commit, Store, keys};

/// The records known.
#[derive(Debug, Default)]
pub(super) struct Known {
    records: RwLock<BTreeSet<PatientKey>>,
    /// Whether patients' records are known too.
    is_whole: bool,
}

impl Known {
    /// Reads which there are, and follows the store from now on. Blocks on storage.
    pub(super) fn follow(store: &Store, is_whole: bool) -> Result<Arc<Self>, Fault> {
        let known = Arc::new(Known { records: RwLock::default(), is_whole });
        store.watch(known.clone());
        let mut next = Some(PatientKey(0));
        while let Some(from) = next {
            let Some(record) = store.record_from(from)?.filter(|record| is_whole || record.is_directory()) else {
                break;
            };
            known.records.write().unwrap_or_else(PoisonError::into_inner).insert(record);
            next = record.0.checked_add(1).map(PatientKey);
        }
        Ok(known)
    }

    /// Every record, in the order of their keys: the parts of the directory first.
    pub(super) fn all(&self) -> Vec<PatientKey> {
        self.records.read().unwrap_or_else(PoisonError::into_inner).iter().copied().collect()
    }

    /// The parts of the directory that hold resources for which `wanted` holds.
    pub(super) fn directory(&self, wanted: impl Fn(ResourceType) -> bool) -> Vec<PatientKey> {
        let records = self.records.read().unwrap_or_else(PoisonError::into_inner);
        let parts = records.iter().copied().take_while(|record| record.is_directory());
        parts.filter(|part| part.directory_type().is_some_and(&wanted)).collect()
    }

    fn is_news(&self, record: PatientKey) -> bool {
        (self.is_whole || record.is_directory())
            && !self.records.read().unwrap_or_else(PoisonError::into_inner).contains(&record)
    }
}

impl Watch for Known {
    fn committed(&self, commit: &Commit) {
        let written = commit.put.iter().filter_map(|(key, _)| keys::head_patient(key));
        let news: Vec<PatientKey> = written.filter(|record| self.is_news(*record)).collect();
        // All that one commit begins is known at once.
        if !news.is_empty() {
            self.records.write().unwrap_or_else(PoisonError::into_inner).extend(news);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::ResourceId;
    use crate::store::Partition;

    #[test]
    fn what_is_there_and_what_comes_is_known() {
        let store = Store::open_memory();
        let observation = PatientKey::directory(ResourceType::OBSERVATION, &ResourceId::parse("x").unwrap());
        let patient = PatientKey::of_id("somebody");
        let write = |record: PatientKey| {
            let commit = Partition::empty(record)
                .write(record, "", &[crate::store::records::example::version(record, "n", 1)])
                .unwrap();
            store.submit(commit).wait().unwrap();
        };
        let organization = PatientKey::directory(ResourceType::ORGANIZATION, &ResourceId::parse("o").unwrap());
        write(organization);
        let (whole, part) = (Known::follow(&store, true).unwrap(), Known::follow(&store, false).unwrap());
        write(patient);
        write(observation);
        assert_eq!(whole.all(), [observation, organization, patient]);
        assert_eq!(Known::follow(&store, true).unwrap().all(), whole.all());
        assert_eq!(part.all(), [observation, organization]);
        assert_eq!(part.directory(|t| t == ResourceType::OBSERVATION), [observation]);
    }
}
