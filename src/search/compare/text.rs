//! Strings (R4 search.html#string): the beginning or any part, whatever the case, accents and punctuation, or exactly.

use crate::search::query::{StringHow, StringWanted};
use crate::search::strings::folded_for_search as fold;

/// Whether a string is what is asked for.
pub(super) fn string(stated: &str, wanted: &StringWanted) -> bool {
    match wanted.how {
        StringHow::Exact => stated == &*wanted.text,
        StringHow::Start => begins(stated, &wanted.text),
        StringHow::Anywhere => fold(stated).contains(&*wanted.text),
        StringHow::Whole => fold(stated) == *wanted.text,
        StringHow::End => fold(stated).ends_with(&*wanted.text),
    }
}

/// Whether a text begins with another, which is folded.
pub(super) fn begins(stated: &str, wanted: &str) -> bool {
    fold(stated).starts_with(wanted)
}
