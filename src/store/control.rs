//! Senders' own message ids: which letters came under one, so that a message sent again is known again.

use crate::fault::Fault;
use crate::letter::LetterId;
use crate::store::{Commit, Order, Store, keys};

/// Letters under one id that are looked at; a sender that gives all its messages one id is not searched any further.
pub const LETTERS_MAX: usize = 64;

/// What a letter says under its sender's message id.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Control {
    /// Hash of the sender and the id.
    pub id: [u8; 16],
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

impl Store {
    /// What came under a sender's message id before.
    pub fn before(&self, control: Control) -> Result<Before, Fault> {
        let prefix = keys::control_prefix(control.id);
        let same = keys::control(control.id, control.content, 0);
        let entries = self.engine().scan(&prefix, &keys::after(&prefix), LETTERS_MAX, Order::Ascending)?;
        let own = keys::control(control.id, control.content, control.name);
        if let Some((_, letter)) = entries.iter().find(|(key, _)| *key == own) {
            let letter = letter.as_slice().try_into().map(LetterId);
            return letter.map(Before::Same).map_err(|_| Fault::Broken("a message id is damaged".into()));
        }
        let content = &same[..same.len() - 8];
        Ok(match entries.iter().any(|(key, _)| key.starts_with(content)) {
            true => Before::Renamed,
            false if entries.is_empty() => Before::Nothing,
            false => Before::Other,
        })
    }
}

impl Commit {
    /// The letter is the first with this content under its sender's message id; a second at the same time is refused.
    pub fn put_control(&mut self, control: Control, letter: LetterId) {
        let key = keys::control(control.id, control.content, control.name);
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
        let control = |id, content, name| Control { id: [id; 16], content: [content; 16], name };
        let letter = LetterId([7; 32]);
        assert_eq!(store.before(control(1, 1, 0)), Ok(Before::Nothing));
        let put = |control| {
            let mut commit = Commit::default();
            commit.put_control(control, letter);
            store.submit(commit).wait().map(|_| ())
        };
        assert_eq!(put(control(1, 1, 5)), Ok(()));
        assert_eq!(put(control(1, 1, 5)), Err(Fault::Conflict));
        assert_eq!(store.before(control(1, 1, 5)), Ok(Before::Same(letter)));
        assert_eq!(store.before(control(1, 1, 0)), Ok(Before::Renamed));
        assert_eq!(store.before(control(1, 2, 5)), Ok(Before::Other));
        assert_eq!(store.before(control(2, 1, 5)), Ok(Before::Nothing));
    }

    #[test]
    fn an_id_of_too_many_letters_is_searched_up_to_the_limit() {
        let store = Store::open_memory();
        let control = |n: usize| {
            let mut content = [0; 16];
            content[15] = n as u8;
            Control { id: [1; 16], content, name: 0 }
        };
        let mut commit = Commit::default();
        (0..=LETTERS_MAX).for_each(|n| commit.put_control(control(n), LetterId([n as u8; 32])));
        store.submit(commit).wait().unwrap();
        assert!(matches!(store.before(control(LETTERS_MAX - 1)), Ok(Before::Same(_))));
        assert_eq!(store.before(control(LETTERS_MAX)), Ok(Before::Other));
    }
}
