//! What a code is called (codesystem.html#display): whether a display is one of its names, and the name in a language.

use unicode_normalization::UnicodeNormalization;

use super::system::{CodeSystem, Concept, Designation};
use super::value_set::Listed;

/// Whether a display is one of a code's names, whatever its case, width and spaces; `None` where nobody can say: it is in
/// Japanese, and no name of the code is.
pub fn is_display<'n>(given: &str, names: impl Iterator<Item = &'n str>) -> Option<bool> {
    let (wanted, mut is_stated) = (folded(given), false);
    let mut in_japanese = false;
    for name in names {
        if name == given || folded(name) == wanted {
            return Some(true);
        }
        is_stated = true;
        in_japanese |= is_japanese(name);
    }
    (is_stated && (in_japanese || !is_japanese(given))).then_some(false)
}

/// Whether a tag of a language is the wanted one, or a narrower one: `ja-JP` is `ja`.
pub fn language_of(tag: &str, wanted: &str) -> bool {
    let first = |tag: &str| tag.split('-').next().unwrap_or_default().to_ascii_lowercase();
    tag.eq_ignore_ascii_case(wanted) || (first(tag) == first(wanted) && !(tag.contains('-') && wanted.contains('-')))
}

/// The text as names are compared and searched.
pub(super) fn folded(text: &str) -> String {
    let lower: String = match text.is_ascii() {
        true => text.to_ascii_lowercase(),
        false => text.nfkc().flat_map(char::to_lowercase).collect(),
    };
    lower.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn is_japanese(text: &str) -> bool {
    text.chars().any(|c| matches!(c, '\u{3040}'..='\u{30ff}' | '\u{3400}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff66}'..='\u{ff9f}'))
}

impl Concept {
    /// Everything that it is called.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.display.iter().map(|display| &**display).chain(self.designations.iter().map(|one| &*one.value))
    }

    /// What it is called in a language, where it has a name in it; else its display.
    pub fn display_in<'c>(&'c self, system: &CodeSystem, language: Option<&str>) -> Option<&'c str> {
        let own = self.display.as_deref();
        let Some(wanted) = language else { return own };
        let is_own = system.language.as_deref().is_some_and(|own| language_of(own, wanted));
        let designated = || in_language(&self.designations, wanted);
        if is_own && own.is_some() { own } else { designated().or(own) }
    }
}

impl Listed {
    /// Everything that the value set calls it.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.display.iter().map(|display| &**display).chain(self.designations.iter().map(|one| &*one.value))
    }
}

/// The first designation in a language; one that is used as display before others.
pub(super) fn in_language<'d>(designations: &'d [Designation], wanted: &str) -> Option<&'d str> {
    let is_of = |one: &&Designation| one.language.as_deref().is_some_and(|own| language_of(own, wanted));
    let is_display = |one: &&Designation| {
        one.usage.as_ref().and_then(|usage| usage.get("code")?.as_str()).is_none_or(|code| code == "display")
    };
    let mut all = designations.iter().filter(is_of);
    all.clone().find(is_display).or_else(|| all.next()).map(|one| &*one.value)
}
