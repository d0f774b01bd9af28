//! Bulk exports that were begun (Bulk Data Access IG 2.0): what each is to hold, kept until it expires, so that a restart
//! takes nothing away from whoever is still fetching.

use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::store::press::Dictionary;
use crate::store::{Commit, Order, Store, keys, parts};

impl Commit {
    /// Keeps an export: what was asked for, at most [`crate::store::VALUE_BYTES_MAX`] long, and the records it is about.
    pub fn put_export(&mut self, number: u128, asked: &[u8], records: &[PatientKey]) -> Result<(), Fault> {
        let text: Vec<u8> = records.iter().flat_map(|record| record.0.to_be_bytes()).collect();
        parts::put(self, Dictionary::Resource1, &text, |part| keys::export_records(number, part))?;
        self.put.push((keys::export(number), asked.to_vec()));
        Ok(())
    }
}

impl Store {
    /// The exports that are kept, in the order of their numbers, each with what was asked for.
    pub fn exports(&self) -> Result<Vec<(u128, Vec<u8>)>, Fault> {
        let (mut from, to) = keys::space(keys::Space::Export);
        let mut found = Vec::new();
        // What was asked for sorts first in each export; its records are not read.
        while let Some((key, asked)) = self.engine().scan(&from, &to, 1, Order::Ascending)?.pop() {
            let Some(number) = keys::export_of(&key) else {
                return Err(Fault::Broken("the key of an export is damaged".into()));
            };
            if key == keys::export(number) {
                found.push((number, asked));
            }
            from = keys::after(&keys::export_prefix(number));
        }
        Ok(found)
    }

    /// The records that an export is about; `None` when there is no such export.
    pub fn export_records(&self, number: u128) -> Result<Option<Vec<PatientKey>>, Fault> {
        let Some(text) = parts::get(self.engine(), |part| keys::export_records(number, part))? else {
            return Ok(None);
        };
        let (records, rest) = text.as_chunks::<16>();
        if !rest.is_empty() {
            return Err(Fault::Broken("the records of an export are damaged".into()));
        }
        Ok(Some(records.iter().map(|bytes| PatientKey(u128::from_be_bytes(*bytes))).collect()))
    }

    /// Takes an export away. Blocks until that is durable.
    pub fn drop_export(&self, number: u128) -> Result<(), Fault> {
        let prefix = keys::export_prefix(number);
        let mut commit = Commit::default();
        self.each(&prefix, &keys::after(&prefix), |key, _| {
            commit.delete.push(key.to_vec());
            Ok(())
        })?;
        self.submit(commit).wait().map(drop)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exports_are_kept_listed_and_taken_away() {
        let store = Store::open_memory();
        let records: Vec<PatientKey> = (0..40_000).map(|n| PatientKey((n << 80) | (n * n))).collect();
        for (number, records) in [(0, &records[..0]), (7, &records[..]), (u128::MAX, &records[..1])] {
            let mut commit = Commit::default();
            commit.put_export(number, format!("asked {number}").as_bytes(), records).unwrap();
            store.submit(commit).wait().unwrap();
            assert_eq!(store.export_records(number).unwrap().as_deref(), Some(records));
        }
        let numbers = || store.exports().unwrap().into_iter().map(|(number, _)| number).collect::<Vec<_>>();
        assert_eq!(numbers(), [0, 7, u128::MAX]);
        assert_eq!(store.exports().unwrap()[1].1, b"asked 7");
        store.drop_export(7).unwrap();
        assert_eq!(numbers(), [0, u128::MAX]);
        assert_eq!(store.export_records(7).unwrap(), None);
        assert!(store.export_records(0).unwrap().is_some_and(|records| records.is_empty()));
    }
}
