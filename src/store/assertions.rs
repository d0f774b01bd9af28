//! Client assertions that were used (RFC 7523, `jti`): kept as long as they could be used again, over restarts.

use crate::fault::Fault;
use crate::store::{Commit, Order, Store, keys};

/// Entries read at a time.
const PAGE: usize = 1000;

impl Commit {
    /// Keeps an assertion, known by its digest, until an instant (milliseconds since 1970); refused when it is kept already.
    pub fn keep_assertion(&mut self, digest: &[u8; 32], until: i64) {
        let key = keys::assertion(digest);
        self.expect.push((key.clone(), None));
        self.put.push((key, until.to_be_bytes().to_vec()));
    }

    /// Takes one away that could not be used again anyway.
    pub fn drop_assertion(&mut self, digest: &[u8; 32]) {
        self.delete.push(keys::assertion(digest));
    }
}

impl Store {
    /// The assertions that are kept, each with until when.
    pub fn assertions(&self) -> Result<Vec<([u8; 32], i64)>, Fault> {
        let (mut from, to) = keys::space(keys::Space::Assertion);
        let mut found = Vec::new();
        loop {
            let page = self.engine().scan(&from, &to, PAGE, Order::Ascending)?;
            for (key, value) in &page {
                let until = value.as_slice().try_into().ok().map(i64::from_be_bytes);
                match keys::assertion_of(key).zip(until) {
                    Some(one) => found.push(one),
                    None => return Err(Fault::Broken("an entry of a used assertion is damaged".into())),
                }
            }
            match page.last() {
                Some((last, _)) if page.len() == PAGE => from = keys::next(last),
                _ => return Ok(found),
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_assertion_is_kept_once_and_taken_away() {
        let store = Store::open_memory();
        let keep = |digest: [u8; 32], until| {
            let mut commit = Commit::default();
            commit.keep_assertion(&digest, until);
            store.submit(commit).wait()
        };
        let digest = |number: u32| {
            let mut digest = [0; 32];
            digest[..4].copy_from_slice(&number.to_be_bytes());
            digest
        };
        for number in 0..=PAGE as u32 {
            keep(digest(number), i64::from(number)).unwrap();
        }
        assert_eq!(keep(digest(7), 9), Err(Fault::Conflict));
        let kept = store.assertions().unwrap();
        assert_eq!((kept.len(), kept[7]), (PAGE + 1, (digest(7), 7)));
        let mut commit = Commit::default();
        commit.drop_assertion(&digest(7));
        store.submit(commit).wait().unwrap();
        assert_eq!(store.assertions().unwrap().len(), PAGE);
        assert!(keep(digest(7), 9).is_ok());
    }
}
