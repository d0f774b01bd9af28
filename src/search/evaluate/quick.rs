//! Conditions that facts suffice for: what a search costs is here.

use crate::fhir::time::Interval;
use crate::search::columns::Columns;
use crate::search::compare;
use crate::search::facts::Token;
use crate::search::query::{Asked, DateWanted, Fast, Prefix, TokenFact};

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
            Quick::Asked(_, fast) => holds(fast, columns, row),
        }
    }
}

fn holds(fast: &Fast, columns: &Columns, row: usize) -> bool {
    match fast {
        Fast::Tokens(parameter, wanted, negated) => {
            let mut of_kind = columns.tokens(row).iter().filter(|token| token.parameter == *parameter);
            of_kind.any(|token| wanted.iter().any(|wanted| is(wanted, token))) != *negated
        }
        Fast::Dates(parameter, wanted) => {
            let of_kind = || {
                let facts = columns.dates(row).iter().filter(|date| date.parameter == *parameter);
                facts.map(|date| Interval { start: date.start, end: date.end })
            };
            wanted.iter().any(|wanted| match wanted.prefix {
                // There is a date, and none is this one.
                Prefix::Ne => of_kind().next().is_some() && of_kind().all(|stated| compare::date(stated, wanted)),
                _ => of_kind().any(|stated| compare::date(stated, wanted)),
            })
        }
        Fast::NoToken(parameter, missing) => {
            columns.tokens(row).iter().all(|token| token.parameter != *parameter) == *missing
        }
        Fast::NoDate(parameter, missing) => {
            columns.dates(row).iter().all(|date| date.parameter != *parameter) == *missing
        }
    }
}

fn is(wanted: &TokenFact, token: &Token) -> bool {
    match *wanted {
        TokenFact::Code(code) => token.code == code,
        TokenFact::Coding(system, code) => token.code == code && token.system == system,
        TokenFact::System(system) => token.system == system,
    }
}
