//! Secrets of a whole store: made once, the same for every gateway over it, and for as long as it lasts.

use crate::fault::Fault;
use crate::store::{Commit, Store, keys};

/// Length of a secret, bytes.
pub const SECRET_BYTES: usize = 16;

/// What the entries begin with, among the facts about the whole store.
const PREFIX: &str = "secret-";

impl Store {
    /// The secret of a name; `fresh` becomes it where there is none. Of gateways that begin at once, one makes it, and the
    /// others take that. Blocks until it is durable.
    pub fn secret(&self, name: &str, fresh: [u8; SECRET_BYTES]) -> Result<[u8; SECRET_BYTES], Fault> {
        let key = keys::meta(&format!("{PREFIX}{name}"));
        let kept = || -> Result<Option<[u8; SECRET_BYTES]>, Fault> {
            let Some(kept) = self.engine().get(&key)? else { return Ok(None) };
            let kept = kept.as_slice().try_into();
            kept.map(Some).map_err(|_| Fault::Broken("a secret of the store is damaged".into()))
        };
        if let Some(kept) = kept()? {
            return Ok(kept);
        }
        let mut commit = Commit::default();
        commit.expect.push((key.clone(), None));
        commit.put.push((key.clone(), fresh.to_vec()));
        match self.submit(commit).wait() {
            Ok(_) => Ok(fresh),
            Err(Fault::Conflict) => kept()?.ok_or(Fault::Conflict),
            Err(fault) => Err(fault),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_secret_is_made_once() {
        let store = Store::open_memory();
        assert_eq!(store.secret("a", [1; SECRET_BYTES]), Ok([1; SECRET_BYTES]));
        assert_eq!(store.secret("a", [2; SECRET_BYTES]), Ok([1; SECRET_BYTES]));
        assert_eq!(store.secret("b", [2; SECRET_BYTES]), Ok([2; SECRET_BYTES]));
        let key = keys::meta("secret-c");
        let damaged = Commit { put: vec![(key, b"short".to_vec())], ..Commit::default() };
        store.submit(damaged).wait().unwrap();
        assert!(matches!(store.secret("c", [3; SECRET_BYTES]), Err(Fault::Broken(_))));
    }

    #[test]
    fn of_many_that_begin_at_once_all_have_one() {
        let store = Store::open_memory();
        let made: Vec<_> = std::thread::scope(|scope| {
            let one = |n: u8| {
                let store = store.clone();
                scope.spawn(move || store.secret("a", [n; SECRET_BYTES]))
            };
            let all: Vec<_> = (0..8).map(one).collect();
            all.into_iter().map(|thread| thread.join().unwrap().unwrap()).collect()
        });
        assert!(made.iter().all(|secret| *secret == made[0]));
    }
}
