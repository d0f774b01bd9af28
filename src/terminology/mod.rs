//! Terminology as definitions state it (terminology-module.html): code systems, value sets by their compositions, expansions,
//! concept maps. One evaluation for validation, searches and operations. What cannot be decided is said to be so.

mod check;
mod concept_map;
mod display;
mod expand;
mod filter;
mod grammar;
mod sent;
mod system;
mod value_set;
mod versions;

use std::sync::Arc;

use serde_json::Value;

pub use check::{Asked, Judgement, Remark, in_system, in_value_set};
pub use concept_map::{ConceptMap, Match, Product, Translation, Wanted};
pub use display::{is_display, language_of};
pub use expand::{CODES_EXPANDED_MAX, Entry, Expansion, Options, Stopped, expand};
pub use grammar::Grammar;
pub use sent::{CLAUSES_SENT_MAX, CODES_SENT_MAX, Excess, FILTERS_SENT_MAX, VALUE_SETS_SENT_MAX};
pub use system::{CONCEPT_DEPTH_MAX, CodeSystem, Concept, Content, Designation, Property, Subsumption};
pub use value_set::{CONCEPTS_FILTERED_MAX, Clause, Listed, VALUE_SET_DEPTH_MAX, VALUE_SETS_MAX, ValueSet, Which};
pub use versions::Versions;

pub use crate::guide::split;

/// Where definitions are found.
pub trait Source {
    /// The ValueSet with this canonical, as a definition of the package `from` means it, and its own package.
    fn value_set(&self, canonical: &str, from: Option<usize>) -> Option<(Option<usize>, Value)>;

    /// The CodeSystem with this canonical, as a definition of the package `from` means it.
    fn code_system(&self, canonical: &str, from: Option<usize>) -> Option<Arc<CodeSystem>>;
}

/// Why it cannot be said which codes are meant, or whether a code is one of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// This value set or code system is not known.
    Unknown(String),
    /// This one is known, and which codes it has cannot be decided: it has rules that are not understood, or is not whole.
    Open(String),
}

impl Undecided {
    /// The canonical of what is missing.
    pub fn canonical(&self) -> &str {
        match self {
            Undecided::Unknown(canonical) | Undecided::Open(canonical) => canonical,
        }
    }
}

/// Whether a code is in a value set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer<'a> {
    /// It is.
    In,
    /// It is not.
    Out,
    /// Nobody can say without this code system or value set.
    Unknown(&'a str),
}

pub(crate) fn array<'a>(value: &'a Value, name: &str) -> impl Iterator<Item = &'a Value> + use<'a> {
    value.get(name).and_then(Value::as_array).into_iter().flatten()
}

pub(crate) fn text<'a>(value: &'a Value, name: &str) -> Option<&'a str> {
    value.get(name).and_then(Value::as_str)
}

#[cfg(test)]
pub(crate) mod tests;
