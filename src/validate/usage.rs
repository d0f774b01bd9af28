//! What the usage rules of a standard have against a message or a table: where in the text, in both languages, on what ground.

use crate::fault::{Place, Rule};

/// One thing that deviates.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Deviation {
    /// The general rule.
    pub rule: &'static Rule,
    /// Where, in the terms of the standard.
    pub place: Place,
    /// Filled into the sentence in English. Never what somebody wrote about a person.
    pub en: String,
    /// Filled into the sentence in Japanese.
    pub ja: String,
    /// The standard that says so.
    pub source: &'static str,
    /// The byte of the text at which it shows; none for what is about the file itself.
    pub at: Option<usize>,
}

impl Deviation {
    /// The sentence in English.
    pub fn english(&self) -> String {
        self.rule.en.replace("{}", &self.en)
    }

    /// The sentence in Japanese.
    pub fn japanese(&self) -> String {
        self.rule.ja.replace("{}", &self.ja)
    }
}

/// The byte of a text at which a part of it begins; none for what is no part of it.
pub(super) fn offset(text: &str, part: &str) -> Option<usize> {
    let at = (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize)?;
    (at + part.len() <= text.len()).then_some(at)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_part_is_known_by_where_it_lies() {
        let text = String::from("MSH|a||b");
        assert_eq!(offset(&text, &text[4..5]), Some(4));
        assert_eq!(offset(&text, &text[6..6]), Some(6));
        assert_eq!(offset(&text, "a string elsewhere"), None);
    }
}
