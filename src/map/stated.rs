//! What a document has told so far: the same thing told in two places is one resource, two things under one identifier
//! are two (senders copy an entry and forget to change its id).

use std::collections::HashMap;

use crate::fhir::ResourceId;

/// What makes one thing another: its code and its time; an empty part may be anything.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Content {
    /// Code or text.
    pub(crate) what: String,
    /// When.
    pub(crate) when: String,
}

/// The things told so far.
#[derive(Debug, Default)]
pub(crate) struct Stated {
    contents: HashMap<ResourceId, Content>,
    repetitions: HashMap<String, u32>,
    references: HashMap<String, String>,
    parties: HashMap<String, Option<String>>,
}

impl Stated {
    /// Takes the id for a thing of this content; `false` when the id is that of another thing.
    pub(crate) fn claim(&mut self, id: &ResourceId, content: &Content) -> bool {
        let Some(earlier) = self.contents.get_mut(id) else {
            self.contents.insert(id.clone(), content.clone());
            return true;
        };
        let agree = |one: &str, other: &str| one.is_empty() || other.is_empty() || one == other;
        if !agree(&earlier.what, &content.what) || !agree(&earlier.when, &content.when) {
            return false;
        }
        for (earlier, new) in [(&mut earlier.what, &content.what), (&mut earlier.when, &content.when)] {
            if earlier.is_empty() {
                earlier.clone_from(new);
            }
        }
        true
    }

    /// How often this key has come by now: 1 the first time.
    pub(crate) fn repetition(&mut self, key: &str) -> u32 {
        let count = self.repetitions.entry(key.to_owned()).or_insert(0);
        *count += 1;
        *count
    }

    /// What was made of somebody told in just these words: documents repeat an author with every statement.
    pub(crate) fn party(&self, words: &str) -> Option<&Option<String>> {
        self.parties.get(words)
    }

    /// Remembers what was made of somebody told in these words.
    pub(crate) fn remember_party(&mut self, words: &str, reference: &Option<String>) {
        self.parties.insert(words.to_owned(), reference.clone());
    }

    /// Remembers which resource an identifier of the document names.
    pub(crate) fn name(&mut self, key: String, reference: &str) {
        self.references.entry(key).or_insert_with(|| reference.to_owned());
    }

    /// The resource that an identifier of the document names.
    pub(crate) fn named(&self, key: &str) -> Option<&str> {
        self.references.get(key).map(String::as_str)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_identifier_under_which_two_things_were_told() {
        let id = ResourceId::parse("a").unwrap();
        let content = |what: &str, when: &str| Content { what: what.into(), when: when.into() };
        let mut stated = Stated::default();
        assert!(stated.claim(&id, &content("1", "")));
        assert!(stated.claim(&id, &content("", "2012")));
        assert!(stated.claim(&id, &content("1", "2012")));
        assert!(!stated.claim(&id, &content("2", "2012")));
        assert!(!stated.claim(&id, &content("1", "2013")));
        assert_eq!([stated.repetition("k"), stated.repetition("k"), stated.repetition("l")], [1, 2, 1]);
    }
}
