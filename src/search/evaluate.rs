//! A query judged on the columns of a record in one pass (R4 search.html#prefix, #token, #reference).

use super::columns::Columns;
use super::facts::Token;
use super::query::{Condition, DateValue, Prefix, Query, TokenValue};
use crate::fhir::time::Interval;

/// The rows that a query asks for, in the order of the columns.
pub fn matches<'a>(columns: &'a Columns, query: &'a Query) -> impl Iterator<Item = usize> + 'a {
    let of_type = columns.types.iter().enumerate().filter(|(_, t)| **t == query.resource_type);
    of_type.map(|(row, _)| row).filter(|row| query.conditions.iter().all(|condition| holds(columns, *row, condition)))
}

/// Whether one condition holds for a row.
fn holds(columns: &Columns, row: usize, condition: &Condition) -> bool {
    match condition {
        Condition::Id(ids) => ids.iter().any(|id| id == columns.ids[row].as_str()),
        Condition::LastUpdated(values) => {
            let start = columns.last_updated[row];
            values.iter().any(|value| compare(value, Interval { start, end: start.saturating_add(1) }))
        }
        Condition::Token(parameter, values) => {
            let mut of_kind = columns.tokens(row).iter().filter(|token| token.parameter == *parameter);
            of_kind.any(|token| values.iter().any(|value| is(value, token)))
        }
        Condition::Date(parameter, values) => {
            let mut of_kind = columns.dates(row).iter().filter(|date| date.parameter == *parameter);
            of_kind.any(|date| {
                let stated = Interval { start: date.start, end: date.end };
                values.iter().any(|value| compare(value, stated))
            })
        }
    }
}

fn is(value: &TokenValue, token: &Token) -> bool {
    match *value {
        TokenValue::Code(code) => token.code == code,
        TokenValue::Coding(system, code) => token.code == code && token.system == system,
        TokenValue::System(system) => token.system == system,
    }
}

/// search.html#prefix, with what is asked for as `value` and what the resource states as `stated`; both half-open.
fn compare(value: &DateValue, stated: Interval) -> bool {
    let asked = value.interval;
    let contains = asked.start <= stated.start && stated.end <= asked.end;
    match value.prefix {
        Prefix::Eq => contains,
        Prefix::Ne => !contains,
        // "the range above the search value intersects the range of the target value"
        Prefix::Gt => stated.end > asked.end,
        Prefix::Lt => stated.start < asked.start,
        Prefix::Ge => stated.end > asked.end || contains,
        Prefix::Le => stated.start < asked.start || contains,
        Prefix::Sa => stated.start >= asked.end,
        Prefix::Eb => stated.end <= asked.start,
        // Approximately is this server's to define: overlapping, widened by a tenth of what was asked on both sides.
        Prefix::Ap => {
            let slack = (asked.end - asked.start) / 10;
            stated.start < asked.end + slack && asked.start - slack < stated.end
        }
    }
}

#[cfg(test)]
mod tests;
