//! A patient's partition: everything that lies under one Patient record, read sheaf by sheaf (design decision 4b).

use std::sync::Arc;

use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::search::Facts;
use crate::store::records::{self, Head, Record};
use crate::store::{Commit, Store, keys};

/// What lies under one patient.
#[derive(Clone, Debug)]
pub struct Partition {
    /// Whose it is.
    pub patient: PatientKey,
    /// `None` when there is nothing.
    pub head: Option<Head>,
    /// Every version, in the order in which they were committed.
    pub records: Vec<Record>,
}

impl Partition {
    /// Of which there is nothing yet.
    pub fn empty(patient: PatientKey) -> Self {
        Partition { patient, head: None, records: Vec::new() }
    }

    /// How many sheaves there are.
    pub fn sheaves(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.sheaves)
    }

    /// The commit that adds new versions, decided upon what this partition held; see [`records::write`].
    pub fn write(&self, patient: PatientKey, facility: &str, new: &[(Facts, String)]) -> Result<Commit, Fault> {
        records::write(patient, self.head.as_ref(), facility, new)
    }

    /// The commit that states versions anew that this partition holds; see [`records::rewrite`].
    pub fn rewrite(&self, facility: &str, known: &[(Facts, String)]) -> Result<Commit, Fault> {
        records::rewrite(self.patient, self.head.as_ref(), facility, known)
    }

    /// About how many bytes of memory the records take.
    pub fn memory_bytes(&self) -> usize {
        self.records.iter().map(Record::memory_bytes).sum()
    }
}

impl Store {
    /// Everything that lies under a patient.
    pub fn partition(&self, patient: PatientKey) -> Result<Partition, Fault> {
        self.partition_after(patient, 0)
    }

    /// What came to lie under a patient after the first `sheaves` sheaves. The head is that of the whole.
    pub fn partition_after(&self, patient: PatientKey, sheaves: u64) -> Result<Partition, Fault> {
        // The head is read first: what it counts was written with it, and what comes later lies beyond it.
        let Some(head) = self.head(patient)? else { return Ok(Partition::empty(patient)) };
        let mut records = Vec::new();
        self.sheaves(patient, sheaves, head.sheaves, |_, sheaf| {
            records.extend(records::decode(&sheaf)?);
            Ok(())
        })?;
        Ok(Partition { patient, head: Some(head), records })
    }

    /// Hands on number and bytes of each sheaf after the sheaf `after` up to the sheaf `last`, none of which may be
    /// missing.
    pub(crate) fn sheaves(
        &self,
        patient: PatientKey,
        after: u64,
        last: u64,
        mut work: impl FnMut(u64, Arc<[u8]>) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let missing = || Fault::Broken("a sheaf is missing".into());
        if after >= last {
            return Ok(());
        }
        let (from, to) = (keys::sheaf(patient, after + 1, 0), keys::after(&keys::sheaf_prefix(patient, last)));
        let (mut number, mut parts, mut joined) = (after, 0, Vec::new());
        self.each(&from, &to, |key, value| match keys::sheaf_of(key) {
            Some((_, next, 0)) if next == number + 1 => {
                let done = std::mem::replace(&mut joined, value);
                if number > after {
                    work(number, done.into())?;
                }
                (number, parts) = (next, 1);
                Ok(())
            }
            Some((_, same, part)) if same == number && part == parts && part > 0 => {
                joined.extend(value);
                parts += 1;
                Ok(())
            }
            _ => Err(missing()),
        })?;
        if number == last { work(number, joined.into()) } else { Err(missing()) }
    }
}
