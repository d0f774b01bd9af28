//! The store: an ordered key-value port, its engines, and the records above it. Knows neither consent nor HTTP.

use crate::fault::Fault;

/// Longest value an engine is given; longer ones are cut into parts by the records above (sled keeps larger values in
/// files that it never syncs).
pub const VALUE_BYTES_MAX: usize = 64 * 1024;

/// A key and what belongs to it.
pub type Entry = (Vec<u8>, Vec<u8>);

/// A place in the one log of commits, from 1, without gaps in the order of commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

/// One atomic change: all of it or nothing.
#[derive(Clone, Debug, Default)]
pub struct Commit {
    /// What it was decided upon: each key must still hold exactly this.
    pub expect: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// What to write.
    pub put: Vec<Entry>,
    /// What to take away.
    pub delete: Vec<Vec<u8>>,
    /// What the log says of it; the engine appends it and gives it a position.
    pub log: Option<Vec<u8>>,
}

/// An ordered key-value engine. Everything above is written once, on this.
pub trait Engine: Send + Sync {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// At most `limit` entries with `from <= key < to`, ascending or descending.
    fn scan(&self, from: &[u8], to: &[u8], limit: usize, order: Order) -> Result<Vec<Entry>, Fault>;

    /// Applies commits in this order as one durable write: on return it survives power loss. A commit whose expectation
    /// fails (against the store and the commits before it in this call) is left out, and `Fault::Conflict` is its fate;
    /// the others stand. Called by one thread at a time.
    fn apply(&self, commits: &[Commit]) -> Result<Vec<Result<Position, Fault>>, Fault>;
}

/// Which way a scan goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Order {
    /// Smallest key first.
    Ascending,
    /// Largest key first.
    Descending,
}
