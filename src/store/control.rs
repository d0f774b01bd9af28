//! Senders' own message ids: which letters came under one, so that a message sent again is known again.

use crate::fault::Fault;
use crate::letter::LetterId;
use crate::store::{Commit, Order, Store, keys};

/// Letters under one id that are looked at; a sender that gives all its messages one id is not searched any further.
pub const LETTERS_MAX: usize = 64;

/// Longest id that is kept as it is, in bytes; HL7 v2.5 allows 20. Of a longer one the caller gives a hash.
pub const ID_BYTES_MAX: usize = 64;

/// What a letter says under its sender's message id.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Control {
    /// Hash of the sender.
    pub sender: u64,
    /// The id, at most [`ID_BYTES_MAX`].
    pub id: Vec<u8>,
    /// Hash of what the letter says, without what changes with each sending.
    pub content: [u8; 16],
    /// Hash of its name where the name says something, else 0.
    pub name: u64,
}

/// What came under an id before.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Before {
    /// Nothing.
    Nothing,
    /// The same content: this letter.
    Same(LetterId),
    /// The same content under a name that says something else.
    Renamed,
    /// Other content only.
    Other,
}

impl Control {
    fn key(&self) -> Vec<u8> {
        keys::control(self.sender, &self.id, self.content, self.name)
    }
}

impl Store {
    /// What came under a sender's message id before.
    pub fn before(&self, control: &Control) -> Result<Before, Fault> {
        let prefix = keys::control_prefix(control.sender, &control.id);
        let same = [&prefix[..], &control.content].concat();
        let entries = self.engine().scan(&prefix, &keys::after(&prefix), LETTERS_MAX, Order::Ascending)?;
        let own = control.key();
        if let Some((_, letter)) = entries.iter().find(|(key, _)| *key == own) {
            let letter = letter.as_slice().try_into().map(LetterId);
            return letter.map(Before::Same).map_err(|_| Fault::Broken("a message id is damaged".into()));
        }
        Ok(match entries.iter().any(|(key, _)| key.starts_with(&same)) {
            true => Before::Renamed,
            false if entries.is_empty() => Before::Nothing,
            false => Before::Other,
        })
    }
}

impl Commit {
    /// The letter is the first with this content under its sender's message id; a second at the same time is refused.
    pub fn put_control(&mut self, control: &Control, letter: LetterId) {
        let key = control.key();
        self.expect.push((key.clone(), None));
        self.put.push((key, letter.0.to_vec()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_is_told_from_the_renamed_and_the_reused() {
        let store = Store::open_memory();
        let control = |id, content, name| Control { sender: 1, id: vec![id], content: [content; 16], name };
        let letter = LetterId([7; 32]);
        assert_eq!(store.before(&control(1, 1, 0)), Ok(Before::Nothing));
        let put = |control| {
            let mut commit = Commit::default();
            commit.put_control(&control, letter);
            store.submit(commit).wait().map(|_| ())
        };
        assert_eq!(put(control(1, 1, 5)), Ok(()));
        assert_eq!(put(control(1, 1, 5)), Err(Fault::Conflict));
        assert_eq!(store.before(&control(1, 1, 5)), Ok(Before::Same(letter)));
        assert_eq!(store.before(&control(1, 1, 0)), Ok(Before::Renamed));
        assert_eq!(store.before(&control(1, 2, 5)), Ok(Before::Other));
        assert_eq!(store.before(&control(2, 1, 5)), Ok(Before::Nothing));
    }

    #[test]
    fn an_id_of_too_many_letters_is_searched_up_to_the_limit() {
        let store = Store::open_memory();
        let control = |n: usize| {
            let mut content = [0; 16];
            content[15] = n as u8;
            Control { sender: 1, id: b"M1".to_vec(), content, name: 0 }
        };
        let mut commit = Commit::default();
        (0..=LETTERS_MAX).for_each(|n| commit.put_control(&control(n), LetterId([n as u8; 32])));
        store.submit(commit).wait().unwrap();
        assert!(matches!(store.before(&control(LETTERS_MAX - 1)), Ok(Before::Same(_))));
        assert_eq!(store.before(&control(LETTERS_MAX)), Ok(Before::Other));
    }
}
