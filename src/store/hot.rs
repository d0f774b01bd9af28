//! What was built from a patient's partition, kept in memory until the next commit to it (design decision 4c: columns
//! while the patient is hot).
//!
//! A reader never gets what is older than an acknowledged commit: the committer tells [`Hot`] of each commit before it
//! answers it. All writes of the store must go through this process for that. With several gateways over one database
//! another's commits are not heard of: check [`crate::store::Store::head`] first there.

use std::sync::Arc;

use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::store::cache::Cache;
use crate::store::group::Watch;
use crate::store::{Commit, Partition, Store, keys};

/// Makes what is kept from a whole partition.
pub type Build<C> = Box<dyn Fn(&Partition) -> Result<C, Fault> + Send + Sync>;
/// Makes it from what was kept and the records that came since. The partition's head is the new one.
pub type Extend<C> = fn(&C, &Partition) -> Result<C, Fault>;

/// A bounded cache of what was built from partitions.
pub struct Hot<C> {
    store: Store,
    patients: Arc<Patients<C>>,
    build: Build<C>,
    extend: Option<Extend<C>>,
}

struct Patients<C>(Cache<Kept<C>>);

struct Kept<C> {
    content: Arc<C>,
    sheaves: u64,
    bytes: usize,
}

impl<C: Send + Sync + 'static> Hot<C> {
    /// Keeps what `build` makes, as long as the partitions it was made from take no more than `bytes_max` bytes of
    /// memory together; a partition of more than a sixteenth of that is built each time.
    pub fn new(
        store: &Store,
        bytes_max: usize,
        build: impl Fn(&Partition) -> Result<C, Fault> + Send + Sync + 'static,
    ) -> Self {
        let patients = Arc::new(Patients(Cache::new(bytes_max)));
        store.watch(patients.clone());
        let build = Box::new(build);
        Hot { store: store.clone(), patients, build, extend: None }
    }

    /// The same, but after a commit only what is new is read, and `extend` makes the new content from the old one.
    pub fn extending(
        store: &Store,
        bytes_max: usize,
        build: fn(&Partition) -> Result<C, Fault>,
        extend: Extend<C>,
    ) -> Self {
        Hot { extend: Some(extend), ..Hot::new(store, bytes_max, build) }
    }

    /// What is kept of the patient, when it is up to date. Does not touch the disk.
    pub fn get(&self, patient: PatientKey) -> Option<Arc<C>> {
        self.patients.0.get(patient.0).map(|kept| kept.content)
    }

    /// What is kept of the patient, or else built now, which reads the disk and blocks. A patient of whom there is
    /// nothing is built from the empty partition and not kept.
    pub fn load(&self, patient: PatientKey) -> Result<Arc<C>, Fault> {
        if let Some(content) = self.get(patient) {
            return Ok(content);
        }
        let load = self.patients.0.load(patient.0);
        let base = self.extend.and_then(|extend| Some((extend, load.base.as_ref()?)));
        let (content, partition, bytes_before) = match base {
            Some((extend, base)) => {
                let partition = self.store.partition_after(patient, base.sheaves)?;
                let content = if partition.sheaves() == base.sheaves {
                    base.content.clone()
                } else {
                    Arc::new(extend(&base.content, &partition)?)
                };
                (content, partition, base.bytes)
            }
            None => {
                let partition = self.store.partition(patient)?;
                (Arc::new((self.build)(&partition)?), partition, size_of::<C>())
            }
        };
        let (sheaves, bytes) = (partition.sheaves(), bytes_before + partition.memory_bytes());
        if sheaves > 0 {
            load.done(Kept { content: content.clone(), sheaves, bytes }, bytes);
        }
        Ok(content)
    }

    /// Bytes of memory that the partitions behind what is kept take.
    pub fn bytes(&self) -> usize {
        self.patients.0.bytes()
    }
}

impl<C> std::fmt::Debug for Hot<C> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Hot")
    }
}

impl<C> Clone for Kept<C> {
    fn clone(&self) -> Self {
        Kept { content: self.content.clone(), ..*self }
    }
}

impl<C: Send + Sync> Watch for Patients<C> {
    fn committed(&self, commit: &Commit) {
        let keys = commit.put.iter().map(|(key, _)| key).chain(&commit.delete);
        for patient in keys.filter_map(|key| keys::charted_patient(key)) {
            self.0.forget(patient.0);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::records::example;
    use std::sync::atomic::{AtomicU32, Ordering};

    const HOME: PatientKey = PatientKey(0xfeed << 80);

    fn count(partition: &Partition) -> Result<usize, Fault> {
        Ok(partition.records.len())
    }

    fn add(store: &Store, patient: PatientKey, name: &str) -> Result<(), Fault> {
        let head = store.head(patient)?;
        let commit = Partition { patient, head, records: Vec::new() }.write(
            patient,
            "f",
            &[example::version(patient, name, 1)],
        )?;
        store.submit(commit).wait().map(|_| ())
    }

    #[test]
    fn it_is_up_to_date_after_every_commit() {
        let store = Store::open_memory();
        static EXTENDED: AtomicU32 = AtomicU32::new(0);
        let whole = Hot::new(&store, 1 << 20, count);
        let extending = Hot::extending(&store, 1 << 20, count, |before, more| {
            EXTENDED.fetch_add(1, Ordering::SeqCst);
            Ok(before + more.records.len())
        });
        assert_eq!(*whole.load(HOME).unwrap(), 0);
        assert_eq!(whole.get(HOME), None, "of nobody nothing is kept");
        for n in 1..=5 {
            add(&store, HOME, &format!("{n}")).unwrap();
            assert_eq!((whole.get(HOME), extending.get(HOME)), (None, None));
            assert_eq!((*whole.load(HOME).unwrap(), *extending.load(HOME).unwrap()), (n, n));
            assert_eq!(whole.get(HOME).as_deref(), Some(&n));
            add(&store, PatientKey(HOME.0 + 1), &format!("{n}")).unwrap();
            assert!(whole.get(HOME).is_some(), "another's commit is none of ours");
        }
        assert_eq!(EXTENDED.load(Ordering::SeqCst), 4);
        assert_eq!(whole.bytes(), extending.bytes());
    }

    #[test]
    fn a_refused_commit_changes_nothing() {
        let store = Store::open_memory();
        add(&store, HOME, "a").unwrap();
        let hot = Hot::new(&store, 1 << 20, count);
        let kept = hot.load(HOME).unwrap();
        let late = Partition::empty(HOME).write(HOME, "f", &[example::version(HOME, "b", 1)]).unwrap();
        assert_eq!(store.submit(late).wait(), Err(Fault::Conflict));
        assert!(Arc::ptr_eq(&kept, &hot.get(HOME).unwrap()));
    }

    #[test]
    fn readers_never_see_less_than_was_acknowledged() {
        let store = Store::open_memory();
        let hots = [
            Hot::new(&store, 1 << 20, count),
            Hot::extending(&store, 1 << 20, count, |n, more| Ok(n + more.records.len())),
        ];
        let acknowledged = AtomicU32::new(0);
        std::thread::scope(|scope| {
            for hot in hots.iter().chain(&hots) {
                scope.spawn(|| {
                    loop {
                        let before = acknowledged.load(Ordering::SeqCst);
                        let seen = hot.get(HOME).unwrap_or_else(|| hot.load(HOME).unwrap());
                        assert!(*seen as u32 >= before);
                        if before == 300 {
                            break;
                        }
                    }
                });
            }
            for n in 1..=300 {
                add(&store, HOME, &format!("{n}")).unwrap();
                acknowledged.store(n, Ordering::SeqCst);
            }
        });
    }

    #[test]
    fn panels_are_up_to_date_after_every_commit() {
        let store = Store::open_memory();
        let panel = || store.panel("Organization/agency-a").unwrap().to_vec();
        let commit = |work: &dyn Fn(&mut Commit)| {
            let mut commit = Commit::default();
            work(&mut commit);
            store.submit(commit).wait().unwrap();
        };
        assert_eq!(panel(), []);
        let patients: Vec<_> = (1..=1200).map(PatientKey).collect();
        commit(&|commit| patients.iter().for_each(|patient| commit.put_on_panel("Organization/agency-a", *patient)));
        commit(&|commit| commit.put_on_panel("Organization/agency-b", PatientKey(9999)));
        assert_eq!(panel(), patients);
        commit(&|commit| commit.take_off_panel("Organization/agency-a", PatientKey(1)));
        assert_eq!(panel(), patients[1..]);
    }
}
