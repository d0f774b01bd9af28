//! An engine that fails on purpose at its n-th call, for the fault loop (design habits: fail the n-th storage call for
//! n = 1, 2, 3 ...).

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::fault::Fault;
use crate::store::{Commit, Engine, Entry, Order, Position};

/// What happens at the n-th call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Failure {
    /// The call does nothing and fails.
    Before,
    /// An `apply` is written and its answer lost; a read fails.
    After,
}

/// Passes calls on until the n-th, which fails, as do all after it: the machine has stopped. To open the store again,
/// wrap the inner engine again.
pub struct FaultyEngine {
    inner: Arc<dyn Engine>,
    calls: AtomicU64,
    nth: u64,
    failure: Failure,
}

impl FaultyEngine {
    /// Fails at call `nth`, from 1; 0 never.
    pub fn new(inner: Arc<dyn Engine>, nth: u64, failure: Failure) -> Self {
        FaultyEngine { inner, calls: AtomicU64::new(0), nth, failure }
    }

    /// Whether the failure has happened; a loop over n ends with the first n that did not fail.
    pub fn failed(&self) -> bool {
        self.nth > 0 && self.calls.load(Ordering::SeqCst) >= self.nth
    }

    /// Counts a call; `Err` when it fails and is to have no effect.
    fn call(&self) -> Result<u64, Fault> {
        let call = self.calls.fetch_add(1, Ordering::SeqCst) + 1;
        let spared = self.nth == 0 || call < self.nth;
        if spared || (call == self.nth && self.failure == Failure::After) { Ok(call) } else { Err(purpose()) }
    }

    fn answer<T>(&self, call: u64, answer: T) -> Result<T, Fault> {
        if call == self.nth { Err(purpose()) } else { Ok(answer) }
    }
}

fn purpose() -> Fault {
    Fault::Broken("failed on purpose".into())
}

impl Engine for FaultyEngine {
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault> {
        let call = self.call()?;
        self.answer(call, self.inner.get(key)?)
    }

    fn scan(&self, from: &[u8], to: &[u8], limit: usize, order: Order) -> Result<Vec<Entry>, Fault> {
        let call = self.call()?;
        self.answer(call, self.inner.scan(from, to, limit, order)?)
    }

    fn apply(&self, commits: &[Commit]) -> Result<Vec<Result<Position, Fault>>, Fault> {
        let call = self.call()?;
        self.answer(call, self.inner.apply(commits)?)
    }
}
