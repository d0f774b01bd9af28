//! Conditions that facts suffice for: what a search costs is here.

use crate::fhir::time::Interval;
use crate::search::columns::Columns;
use crate::search::compare;
use crate::search::query::{Asked, DateWanted, Fast};

/// A condition on the facts of a row.
pub(super) enum Quick<'q> {
    Id(&'q [Box<str>]),
    LastUpdated(&'q [DateWanted]),
    Asked(&'q Asked<'q>, &'q Fast),
}

impl Quick<'_> {
    /// Whether it holds for a row.
    pub(super) fn holds(&self, columns: &Columns, row: usize) -> bool {
        match self {
            Quick::Id(ids) => ids.iter().any(|id| **id == *columns.ids[row].as_str()),
            Quick::LastUpdated(values) => {
                let start = columns.last_updated[row];
                let stated = Interval { start, end: start.saturating_add(1) };
                values.iter().any(|wanted| compare::date(stated, wanted))
            }
            Quick::Asked(_, fast) => fast.holds(columns.tokens(row), columns.dates(row)),
        }
    }
}
