//! What a search looks at: the records of a scope as far as the caller may see them. Consent is decided behind this;
//! chains, includes, orders and totals never touch anything else.

use super::columns::Columns;
use crate::fault::Fault;

/// A row of one of the records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Row {
    /// Which record.
    pub chart: usize,
    /// Which of its rows.
    pub row: usize,
}

/// The records of a scope.
pub trait Visible {
    /// The columns of each record.
    fn charts(&self) -> &[&Columns];

    /// Whether the caller may see a row.
    fn may_see(&self, row: Row) -> bool;

    /// Whether a search may find it: it may be in what is seen along with others and be nothing that is searched for.
    fn may_match(&self, row: Row) -> bool {
        self.may_see(row)
    }

    /// The resource of a row as JSON.
    fn body(&self, row: Row) -> Result<Vec<u8>, Fault>;

    /// A record as it stood when the search began, where it has changed since; only pages after the first need it.
    fn earlier(&self, chart: usize) -> Option<&Columns>;

    /// The resource of a row of [`Visible::earlier`] as JSON.
    fn earlier_body(&self, row: Row) -> Result<Vec<u8>, Fault>;
}
