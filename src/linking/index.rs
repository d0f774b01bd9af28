//! Which records share a key: in memory, in the order of the keys, two numbers for each (`docs/adr/0044`).

use std::collections::{BTreeSet, HashMap};

use crate::fhir::PatientKey;

/// Records that one key finds at most; a key of more tells nobody apart.
pub const SHARING_MAX: usize = 100;
/// Candidates of one record at most.
pub(super) const CANDIDATES_MAX: usize = 300;

/// Which records have which keys.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// A key, and the number of a record that has it.
    keys: BTreeSet<(u64, u32)>,
    records: Vec<PatientKey>,
    numbers: HashMap<PatientKey, u32>,
}

impl Index {
    /// Puts the keys of a record in the place of those it had (`before`).
    pub(super) fn put(&mut self, record: PatientKey, before: &[u64], keys: &[u64]) {
        let next = u32::try_from(self.records.len()).unwrap_or(u32::MAX);
        let number = *self.numbers.entry(record).or_insert(next);
        if number == next {
            self.records.push(record);
        }
        for key in before.iter().filter(|key| !keys.contains(key)) {
            self.keys.remove(&(*key, number));
        }
        self.keys.extend(keys.iter().map(|key| (*key, number)));
    }

    /// Every record that has a key, in the order in which they came.
    pub(super) fn having(&self, key: u64) -> Vec<PatientKey> {
        let numbers = self.keys.range((key, 0)..=(key, u32::MAX)).map(|(_, number)| *number);
        numbers.filter_map(|number| self.records.get(number as usize).copied()).collect()
    }

    /// The records that have one of these keys, but for one, in the order of their keys; at most [`CANDIDATES_MAX`]. A key
    /// that more than [`SHARING_MAX`] have finds none.
    pub(super) fn sharing(&self, keys: &[u64], but: Option<PatientKey>) -> Vec<PatientKey> {
        let mut numbers: Vec<u32> = Vec::new();
        for key in keys {
            let of_key = self.keys.range((*key, 0)..=(*key, u32::MAX)).map(|(_, number)| *number);
            let found: Vec<u32> = of_key.take(SHARING_MAX + 1).collect();
            if found.len() <= SHARING_MAX {
                numbers.extend(found);
            }
        }
        numbers.sort_unstable();
        numbers.dedup();
        let known = numbers.into_iter().filter_map(|number| self.records.get(number as usize).copied());
        let mut records: Vec<PatientKey> = known.filter(|record| Some(*record) != but).take(CANDIDATES_MAX).collect();
        records.sort_unstable();
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
        index.put(record(1), &[], &[10, 20]);
        index.put(record(2), &[], &[20, 30]);
        index.put(record(3), &[], &[40]);
        assert_eq!(index.sharing(&[20, 40], Some(record(3))), [record(1), record(2)]);
        index.put(record(2), &[20, 30], &[30]);
        assert_eq!(index.sharing(&[20, 30], None), [record(1), record(2)]);
        assert_eq!(index.sharing(&[20], Some(record(1))), []);
        assert_eq!(index.sharing(&[50], None), []);
    }

    #[test]
    fn a_key_that_too_many_have_finds_nobody() {
        let mut index = Index::default();
        (0..SHARING_MAX as u128).for_each(|n| index.put(PatientKey(n), &[], &[1]));
        assert_eq!(index.sharing(&[1], None).len(), SHARING_MAX);
        index.put(PatientKey(1 << 90), &[], &[1, 2]);
        assert_eq!((index.having(1).len(), index.having(2)), (SHARING_MAX + 1, vec![PatientKey(1 << 90)]));
        assert_eq!(index.sharing(&[1, 2], None), [PatientKey(1 << 90)]);
    }

    #[test]
    fn candidates_are_bounded() {
        let mut index = Index::default();
        for n in 0..=CANDIDATES_MAX as u128 {
            index.put(PatientKey(n), &[], &[n as u64 / SHARING_MAX as u64]);
        }
        assert_eq!(index.sharing(&[0, 1, 2], None).len(), CANDIDATES_MAX);
        assert_eq!(index.sharing(&[0, 1, 2, 3], None).len(), CANDIDATES_MAX);
    }
}
