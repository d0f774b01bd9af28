//! The engine for tests and trials: a sorted map, gone with the program.

use std::collections::BTreeMap;
use std::sync::{PoisonError, RwLock};

use crate::fault::Fault;
use crate::store::{Commit, Engine, Entry, Order, Position, judge};

/// An engine that keeps everything in memory.
#[derive(Debug, Default)]
pub struct MemoryEngine {
    state: RwLock<State>,
}

#[derive(Debug, Default)]
struct State {
    entries: BTreeMap<Vec<u8>, Vec<u8>>,
    last: Position,
}

impl MemoryEngine {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }
}

impl Engine for MemoryEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        Ok(state.entries.get(key).cloned())
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize, order: Order) -> Result<Vec<Entry>, Fault> {
        if from >= to {
            return Ok(Vec::new());
        }
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let range = state.entries.range(from.to_vec()..to.to_vec());
        let copy = |(key, value): (&Vec<u8>, &Vec<u8>)| (key.clone(), value.clone());
        Ok(match order {
            Order::Ascending => range.take(limit).map(copy).collect(),
            Order::Descending => range.rev().take(limit).map(copy).collect(),
        })
    }

    fn apply(&self, commits: &[Commit]) -> Result<Vec<Result<Position, Fault>>, Fault> {
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        let merged = judge::merge(commits, state.last, |key| Ok(state.entries.get(key).cloned()))?;
        state.last = merged.last;
        for (key, value) in merged.writes {
            match value {
                Some(value) => state.entries.insert(key.to_vec(), value.to_vec()),
                None => state.entries.remove(key),
            };
        }
        state.entries.extend(merged.log.into_iter().map(|(key, entry)| (key, entry.to_vec())));
        Ok(merged.fates)
    }
}
