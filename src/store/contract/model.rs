//! Generated commits, each engine beside a model that says the contract in the plainest way.

use std::collections::BTreeMap;

use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use super::*;

/// The contract without anything clever.
#[derive(Default)]
struct Model {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    last: u64,
}

impl Model {
    fn apply(&mut self, commit: &Commit) -> Result<Position, Fault> {
        if commit.expect.iter().any(|(key, value)| self.entries.get(key) != value.as_ref()) {
            return Err(Fault::Conflict);
        }
        self.entries.extend(commit.put.iter().cloned());
        for key in &commit.delete {
            self.entries.remove(key);
        }
        if let Some(entry) = &commit.log {
            self.last += 1;
            self.entries.insert(keys::log(Position(self.last)), entry.clone());
        }
        Ok(Position(self.last))
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize, order: Order) -> Vec<Entry> {
        let mut all: Vec<_> = self.entries.iter().map(|(key, value)| (key.clone(), value.clone())).collect();
        all.retain(|(key, _)| key.as_slice() >= from && key.as_slice() < to);
        if order == Order::Descending {
            all.reverse();
        }
        all.truncate(limit);
        all
    }
}

/// Few keys, so that commits meet.
fn key() -> impl Strategy<Value = Vec<u8>> {
    let patient = prop_oneof![Just(PatientKey(1)), Just(PatientKey(2)), Just(PatientKey(u128::MAX))];
    (0..5_u8, patient, 0..3_u64).prop_map(|(kind, patient, number)| match kind {
        0 => keys::head(patient),
        1 => keys::sheaf(patient, number, 0),
        2 => keys::audit(number * 65_535),
        3 => keys::panel(7, patient),
        _ => keys::meta(&"n".repeat(15 + number as usize)),
    })
}

fn commit() -> impl Strategy<Value = Commit> {
    let value = prop_oneof![Just(Vec::new()), Just(b"1".to_vec()), Just(b"2".to_vec())];
    let expect = proptest::collection::vec((key(), proptest::option::of(value.clone())), 0..3);
    let put = proptest::collection::vec((key(), value.clone()), 0..4);
    let delete = proptest::collection::vec(key(), 0..3);
    (expect, put, delete, proptest::option::of(value)).prop_map(|(expect, put, delete, log)| Commit {
        expect,
        put,
        delete,
        log,
    })
}

/// Applies generated batches to an engine and the model, and compares all that can be read.
pub(super) fn follow(make: &dyn Fn() -> Arc<dyn Engine>) {
    let batches = proptest::collection::vec(proptest::collection::vec(commit(), 0..5), 1..6);
    let bounds = proptest::collection::vec((key(), key(), 0..6_usize), 8);
    let mut runner = TestRunner::new(Config { cases: 24, failure_persistence: None, ..Config::default() });
    let outcome = runner.run(&(batches, bounds), |(batches, bounds)| {
        let (engine, mut model) = (make(), Model::default());
        for batch in &batches {
            let expected: Vec<_> = batch.iter().map(|commit| model.apply(commit)).collect();
            prop_assert_eq!(engine.apply(batch).unwrap(), expected);
            for (from, to, limit) in &bounds {
                prop_assert_eq!(&engine.get(from).unwrap(), &model.entries.get(from).cloned());
                for order in [Order::Ascending, Order::Descending] {
                    let found = engine.scan(from, to, *limit, order).unwrap();
                    prop_assert_eq!(found, model.scan(from, to, *limit, order));
                }
            }
        }
        let all = engine.scan(&[0], &[255], 999, Order::Ascending).unwrap();
        prop_assert_eq!(all, model.scan(&[0], &[255], 999, Order::Ascending));
        Ok(())
    });
    outcome.unwrap();
}
