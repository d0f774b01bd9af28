//! Which records share a key: in memory, in the order of the keys, two numbers for each (`docs/adr/0044`).

use std::collections::{BTreeSet, HashMap};

use crate::fhir::PatientKey;

/// Records that one key finds at most; a key of more tells nobody apart.
pub(super) const SHARING_MAX: usize = 100;
/// Candidates of one record at most.
pub(super) const CANDIDATES_MAX: usize = 300;

/// Which records have which keys.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// A key, and the number of a record that has it.
    keys: BTreeSet<(u64, u32)>,
    /// Each record and the number of the facility that keeps it.
    records: Vec<(PatientKey, u32)>,
    facilities: Vec<String>,
    numbers: HashMap<PatientKey, u32>,
}

impl Index {
    /// Puts the keys of a record in the place of those it had (`before`).
    pub(super) fn put(&mut self, record: PatientKey, facility: &str, before: &[u64], keys: &[u64]) {
        let kept_by = self.facility(facility);
        let next = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(record).or_insert(next);
        match self.records.get_mut(number as usize) {
            Some(known) => known.1 = kept_by,
            None => self.records.push((record, kept_by)),
        }
        for key in before.iter().filter(|key| !keys.contains(key)) {
            self.keys.remove(&(*key, number));
        }
        self.keys.extend(keys.iter().map(|key| (*key, number)));
    }

    fn facility(&mut self, facility: &str) -> u32 {
        let at = self.facilities.iter().position(|known| known == facility).unwrap_or_else(|| {
            self.facilities.push(facility.to_owned());
            self.facilities.len() - 1
        });
        u32::try_from(at).unwrap_or(u32::MAX)
    }

    /// The records that have one of these keys and are wanted, by the record and the facility that keeps it, in the order of
    /// their keys; at most [`CANDIDATES_MAX`]. A key that more than [`SHARING_MAX`] of them have finds none. What is not wanted
    /// is as if it were not there.
    pub(super) fn sharing(&self, keys: &[u64], wanted: impl Fn(PatientKey, &str) -> bool) -> Vec<PatientKey> {
        let record = |number: u32| {
            let (record, facility) = self.records.get(number as usize)?;
            let facility = self.facilities.get(*facility as usize).map_or("", |facility| facility);
            wanted(*record, facility).then_some(*record)
        };
        let mut records: Vec<PatientKey> = Vec::new();
        for key in keys {
            let of_key = self.keys.range((*key, 0)..=(*key, u32::MAX)).filter_map(|(_, number)| record(*number));
            let found: Vec<PatientKey> = of_key.take(SHARING_MAX + 1).collect();
            if found.len() <= SHARING_MAX {
                records.extend(found);
            }
        }
        records.sort_unstable();
        records.dedup();
        records.truncate(CANDIDATES_MAX);
        records
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn records_are_found_by_the_keys_they_have_now() {
        let mut index = Index::default();
        let record = |n: u128| PatientKey(n << 80);
        index.put(record(1), "f", &[], &[10, 20]);
        index.put(record(2), "g", &[], &[20, 30]);
        index.put(record(3), "f", &[], &[40]);
        assert_eq!(index.sharing(&[20, 40], |one, _| one != record(3)), [record(1), record(2)]);
        index.put(record(2), "g", &[20, 30], &[30]);
        assert_eq!(index.sharing(&[20, 30], |_, _| true), [record(1), record(2)]);
        assert_eq!(index.sharing(&[20], |_, facility| facility == "g"), []);
        assert_eq!(index.sharing(&[50], |_, _| true), []);
    }

    #[test]
    fn a_key_that_too_many_have_finds_nobody() {
        let mut index = Index::default();
        (0..SHARING_MAX as u128).for_each(|n| index.put(PatientKey(n), "f", &[], &[1]));
        assert_eq!(index.sharing(&[1], |_, _| true).len(), SHARING_MAX);
        index.put(PatientKey(1 << 90), "g", &[], &[1, 2]);
        assert_eq!(index.sharing(&[1, 2], |_, _| true), [PatientKey(1 << 90)]);
    }

    #[test]
    fn candidates_are_bounded() {
        let mut index = Index::default();
        for n in 0..=CANDIDATES_MAX as u128 {
            index.put(PatientKey(n), "f", &[], &[n as u64 / SHARING_MAX as u64]);
        }
        assert_eq!(index.sharing(&[0, 1, 2], |_, _| true).len(), CANDIDATES_MAX);
        assert_eq!(index.sharing(&[0, 1, 2, 3], |_, _| true).len(), CANDIDATES_MAX);
    }
}
