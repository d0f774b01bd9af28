//! How far a folder that is followed has been taken in: what lets a gateway go on after a restart.

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::store::{Commit, Store};

/// What the names of all cursors begin with among the facts about the store.
pub const PREFIX: &str = "feed/";

/// How far it is. Everything in it may be too early, which costs work; nothing may be too late, which would lose letters.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cursor {
    /// When the last look began that took in whatever had changed, milliseconds since 1970.
    pub since: i64,
    /// When the last one began that looked at every single file.
    pub full: i64,
    /// When the last one began that read every single file, whenever it changed.
    pub whole: i64,
    /// Whether there was anything.
    pub had_files: bool,
    /// A place in the sender's own order; empty where it has none.
    pub mark: String,
    /// What could not be read, or was still being written, and is tried again.
    pub left: Vec<String>,
}

impl Cursor {
    /// From what is stored.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        serde_json::from_slice(bytes).map_err(|_| Fault::Broken("the cursor of a folder is damaged".into()))
    }
}

impl Store {
    /// The cursor of that name; `None` when nothing was taken in to its end yet.
    pub fn cursor(&self, name: &str) -> Result<Option<Cursor>, Fault> {
        self.noted(&key(name))?.map(|bytes| Cursor::decode(&bytes)).transpose()
    }

    /// Keeps a cursor; when this returns well, it is durable. Encoded as JSON it must fit a value of the store
    /// ([`crate::store::VALUE_BYTES_MAX`]).
    pub fn put_cursor(&self, name: &str, cursor: &Cursor) -> Result<(), Fault> {
        let bytes = serde_json::to_vec(cursor).map_err(|_| Fault::Broken("a cursor cannot be written".into()))?;
        let mut commit = Commit::default();
        commit.note(&key(name), Some(&bytes));
        self.submit(commit).wait().map(drop)
    }
}

/// No name may hold a zero, which ends it in a key.
fn key(name: &str) -> String {
    format!("{PREFIX}{}", name.replace('\0', "?"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cursor_is_kept_under_its_name() {
        let store = Store::open_memory();
        let cursor = Cursor { since: 5, mark: "2026".into(), left: vec!["あ".into()], ..Cursor::default() };
        assert_eq!(store.cursor("a"), Ok(None));
        store.put_cursor("a", &cursor).unwrap();
        store.put_cursor("a\0b", &Cursor::default()).unwrap();
        assert_eq!(store.cursor("a"), Ok(Some(cursor.clone())));
        store.put_cursor("a", &Cursor { since: 6, ..cursor }).unwrap();
        assert_eq!(store.cursor("a").unwrap().unwrap().since, 6);
        assert_eq!(store.cursor("b"), Ok(None));
    }
}
