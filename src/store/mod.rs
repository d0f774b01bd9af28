//! The store: an ordered key-value port, its engines, and the records above it. Knows neither consent nor HTTP.
//!
//! From the bottom: [`Engine`] with [`memory`], [`sled`], [`fjall`] and [`postgres`]; [`group`] makes many commits one durable write; [`keys`]
//! says where everything lies; [`codec`], [`press`], [`parts`] and [`records`] what it looks like; [`Partition::write`]
//! and [`commit`] build a [`Commit`]; [`shelf::Store`] is what the rest of the program holds, and [`hot::Hot`]
//! keeps what was built from a patient's partition until the next commit to it.

pub mod assertions;
pub mod cache;
pub mod chain;
pub mod codec;
pub mod codes;
pub mod commit;
#[cfg(test)]
mod contract;
pub mod control;
pub mod cursor;
pub mod exports;
pub mod faulty;
pub mod fjall;
pub mod group;
pub mod hot;
mod judge;
pub mod keys;
pub mod log;
pub mod memory;
pub mod partition;
pub mod parts;
pub mod postgres;
pub mod press;
pub mod records;
pub mod secret;
pub mod shelf;
pub mod sled;
pub mod survey;
pub mod ties;
pub mod told;
pub mod verify;

pub use cursor::Cursor;
pub use group::Ticket;
pub use hot::Hot;
pub use log::Logged;
pub use partition::Partition;
pub use records::{Body, Head, Record};
pub use shelf::Store;
pub use ties::Ties;
pub use told::Told;

use crate::fault::Fault;

/// Longest value an engine is given; longer ones are cut into parts by the records above (sled keeps larger values in
/// files that it never syncs).
pub const VALUE_BYTES_MAX: usize = 64 * 1024;

/// Longest key an engine is given; a key holds at least one byte. PostgreSQL puts no more than a third of a page into an
/// index.
pub const KEY_BYTES_MAX: usize = 2048;

/// What a [`Fault::Broken`] says when the store is open elsewhere.
pub const LOCKED: &str = "another process has the store open";

/// A key and what belongs to it.
pub type Entry = (Vec<u8>, Vec<u8>);

/// A place in the one log of commits, from 1, without gaps in the order of commits.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Position(pub u64);

/// One atomic change: all of it or nothing.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Commit {
    /// What it was decided upon: each key must still hold exactly this.
    pub expect: Vec<(Vec<u8>, Option<Vec<u8>>)>,
    /// What to write.
    pub put: Vec<Entry>,
    /// What to take away; a key that is also put is gone afterwards.
    pub delete: Vec<Vec<u8>>,
    /// What the log says of it; the engine appends it and gives it a position.
    pub log: Option<Vec<u8>>,
}

/// An ordered key-value engine. Everything above is written once, on this.
pub trait Engine: Send + Sync {
    /// The value of a key.
    fn get(&self, key: &[u8]) -> Result<Option<Vec<u8>>, Fault>;

    /// At most `limit` entries with `from <= key < to`, ascending or descending. Empty when `from >= to`.
    fn scan(&self, from: &[u8], to: &[u8], limit: usize, order: Order) -> Result<Vec<Entry>, Fault>;

    /// Applies commits in this order as one durable write: on return it survives power loss. A commit whose expectation
    /// fails (against the store and the commits before it in this call) is left out, and `Fault::Conflict` is its fate;
    /// the others stand. Called by one thread at a time.
    ///
    /// Answers one fate per commit. The position is that of the commit's own log entry; a commit without one is told
    /// the position of the last entry before it. A value over [`VALUE_BYTES_MAX`], or a key that is
    /// empty or over [`KEY_BYTES_MAX`], makes its commit `Fault::Broken` and leaves it out. An error of the call as a
    /// whole means that nobody knows what was written: the engine takes no further commits until it is opened again.
    /// `Fault::Busy` alone says that nothing was written and that it may go later.
    ///
    /// What one call of a reader has seen of a commit, every later call sees all of. A reader may see a commit shortly
    /// before this returns. What it then tells the world waits for its chunk of the audit chain, which is acknowledged after
    /// this call ([`shelf::Store::append_audit`]); so nothing leaves that a power loss could take back.
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
