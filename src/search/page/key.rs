//! The place of a match in the order of a search (R4 search.html#sort).

use std::cmp::Ordering;

use crate::fhir::ResourceType;
use crate::fhir::decimal::Decimal;

/// Characters of a text that count for the order; those that are the same so far are ordered by id.
pub(super) const TEXT_CHARACTERS_MAX: usize = 40;

/// Where a match stands. Smaller comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key<'a> {
    pub(super) first: Rank,
    pub(super) rest: Vec<Rank>,
    pub(super) id: &'a str,
    pub(super) resource_type: ResourceType,
}

/// One value that is sorted by, and which way.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rank {
    /// The value.
    pub value: Sorted,
    /// Largest first.
    pub descending: bool,
}

/// A value that is sorted by.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Sorted {
    /// An instant, milliseconds since 1970, or a place in a list.
    Integer(i64),
    /// A number.
    Decimal(Decimal),
    /// A text, folded where that is how it is compared.
    Text(Box<str>),
    /// No value: last, whichever way.
    Missing,
}

impl<'a> Key<'a> {
    /// The place of a row with these ranks; ties are broken by id and type.
    pub fn new(first: Rank, rest: Vec<Rank>, id: &'a str, resource_type: ResourceType) -> Self {
        Key { first, rest, id, resource_type }
    }
}

impl Sorted {
    /// A text, as much of it as counts.
    pub fn text(text: &str) -> Self {
        let end = text.char_indices().nth(TEXT_CHARACTERS_MAX).map_or(text.len(), |(at, _)| at);
        Sorted::Text(text.get(..end).unwrap_or_default().into())
    }
}

impl Ord for Rank {
    fn cmp(&self, other: &Self) -> Ordering {
        let missing = |rank: &Rank| rank.value == Sorted::Missing;
        match (missing(self), missing(other)) {
            (false, false) if self.descending => other.value.cmp(&self.value),
            _ => self.value.cmp(&other.value),
        }
    }
}

impl PartialOrd for Rank {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}
