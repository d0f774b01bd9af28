//! Which client assertions have been used: each counts once, over restarts too (SMART Backend Services, `jti`).

use std::collections::{BTreeSet, HashSet};
use std::sync::{Mutex, PoisonError};

use crate::auth::Digest;
use crate::fault::Fault;
use crate::store::{Commit, Store, Ticket};

/// Most assertions that are remembered at once; past this none is taken until some have expired.
pub(super) const REMEMBERED_MAX: usize = 1_000_000;
/// Most expired ones that are taken away with one that comes.
const SWEPT_MAX: usize = 8;

/// The assertions that could be used again and must not be.
#[derive(Debug)]
pub struct Assertions {
    store: Store,
    used: Mutex<Used>,
    remembered_max: usize,
}

#[derive(Debug, Default)]
struct Used {
    known: HashSet<Digest>,
    /// The same in the order in which they expire, milliseconds since 1970.
    by_end: BTreeSet<(i64, [u8; 32])>,
}

/// Why an assertion is not taken.
#[derive(Debug, PartialEq, Eq)]
pub enum NotTaken {
    /// It has been used before.
    Replayed,
    /// Too many are remembered.
    Full,
}

impl Assertions {
    /// Those that a store remembers.
    pub fn open(store: Store) -> Result<Self, Fault> {
        let mut used = Used::default();
        for (digest, until) in store.assertions()? {
            used.known.insert(Digest::from_bytes(digest));
            used.by_end.insert((until, digest));
        }
        Ok(Assertions { store, used: Mutex::new(used), remembered_max: REMEMBERED_MAX })
    }

    /// Uses an assertion of a client: from now on it is known, and when the ticket says so, durably. `until` is when it could
    /// not be used any more, `now` the instant, both milliseconds since 1970.
    pub fn take(&self, client: &str, jti: &str, until: i64, now: i64) -> Result<Ticket, NotTaken> {
        // A client's id holds no zero.
        let digest = Digest::of(format!("{client}\0{jti}").as_bytes());
        let mut commit = Commit::default();
        let mut used = self.used.lock().unwrap_or_else(PoisonError::into_inner);
        for _ in 0..SWEPT_MAX {
            let Some((_, first)) = used.by_end.first().copied().filter(|(end, _)| *end < now) else { break };
            used.by_end.pop_first();
            used.known.remove(&Digest::from_bytes(first));
            commit.drop_assertion(&first);
        }
        if used.known.len() >= self.remembered_max {
            return Err(NotTaken::Full);
        }
        if !used.known.insert(digest) {
            return Err(NotTaken::Replayed);
        }
        used.by_end.insert((until, *digest.bytes()));
        commit.keep_assertion(digest.bytes(), until);
        // In this order, so that what is taken away and kept again is so in the store too.
        Ok(self.store.submit(commit))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assertion_counts_once_also_after_a_restart_and_expires() {
        let store = Store::open_memory();
        let assertions = Assertions::open(store.clone()).unwrap();
        let take = |assertions: &Assertions, client: &str, jti: &str, now| {
            assertions.take(client, jti, now + 100, now).map(|ticket| ticket.wait().is_ok())
        };
        assert_eq!(take(&assertions, "a", "1", 0), Ok(true));
        assert_eq!(take(&assertions, "a", "1", 0), Err(NotTaken::Replayed));
        assert_eq!(take(&assertions, "b", "1", 0), Ok(true));
        let again = Assertions::open(store.clone()).unwrap();
        assert_eq!(take(&again, "a", "1", 100), Err(NotTaken::Replayed));
        for jti in 0..20 {
            assert_eq!(take(&again, "c", &jti.to_string(), 101), Ok(true));
        }
        assert_eq!(store.assertions().unwrap().len(), 20, "what has expired is gone");
        assert_eq!(take(&again, "a", "1", 101), Ok(true));
    }

    #[test]
    fn so_many_are_remembered_and_not_one_more_until_some_have_expired() {
        let assertions = Assertions { remembered_max: 3, ..Assertions::open(Store::open_memory()).unwrap() };
        let take = |jti: &str, now| assertions.take("a", jti, now + 100, now).map(|ticket| ticket.wait().is_ok());
        assert_eq!(["1", "2", "3"].map(|jti| take(jti, 0)), [Ok(true), Ok(true), Ok(true)]);
        assert_eq!((take("4", 0), take("4", 100)), (Err(NotTaken::Full), Err(NotTaken::Full)));
        assert_eq!((take("4", 101), take("1", 101)), (Ok(true), Ok(true)), "they have expired");
    }

    #[test]
    fn of_many_at_once_one_is_the_first() {
        let assertions = Assertions::open(Store::open_memory()).unwrap();
        let taken = std::sync::atomic::AtomicUsize::new(0);
        std::thread::scope(|scope| {
            for _ in 0..16 {
                scope.spawn(|| {
                    if assertions.take("a", "1", 9, 0).is_ok() {
                        taken.fetch_add(1, std::sync::atomic::Ordering::Relaxed);
                    }
                });
            }
        });
        assert_eq!(taken.into_inner(), 1);
    }
}
