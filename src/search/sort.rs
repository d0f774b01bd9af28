//! What a row is sorted by (R4 search.html#sort): dates from their start, or from their end when the latest come first;
//! texts folded; of several values the first in the direction of the order.

use super::columns::Columns;
use super::compare;
use super::definition::{Definition, Kind};
use super::evaluate::{Judge, Subject};
use super::page::{Key, Rank, Sorted};
use super::query::{Sort, SortBy};
use super::strings::folded_for_search as fold;
use super::value::{Target, Value};
use super::visible::Row;
use crate::fault::Fault;

impl<'v> Judge<'v> {
    /// The place of a row: as it stood at `begun`, milliseconds since 1970, where it has changed since. `None` for what was
    /// made since.
    pub(super) fn place(&self, sort: &[Sort<'_>], at: Row, begun: i64) -> Result<Option<Key<'v>>, Fault> {
        let columns: &'v Columns = self.visible.charts()[at.chart];
        let (resource_type, id) = (columns.types[at.row], &columns.ids[at.row]);
        let Some((first, rest)) = sort.split_first() else { return Ok(None) };
        let (first, rest) = if columns.last_updated[at.row] <= begun {
            // Most orders need no more than facts.
            match (rest, fact(first, columns, at.row)) {
                ([], Some(first)) => (first, Vec::new()),
                _ => self.ranks(first, rest, &Subject::row(self.visible, at, columns))?,
            }
        } else {
            let Some(earlier) = self.visible.earlier(at.chart) else { return Ok(None) };
            let Some(row) = earlier.find(resource_type, id.as_str()) else { return Ok(None) };
            self.ranks(first, rest, &Subject::earlier(self.visible, Row { chart: at.chart, row }, earlier))?
        };
        Ok(Some(Key::new(first, rest, id.as_str(), resource_type)))
    }

    fn ranks(&self, first: &Sort<'_>, rest: &[Sort<'_>], subject: &Subject<'_>) -> Result<(Rank, Vec<Rank>), Fault> {
        let rest = rest.iter().map(|sort| self.rank(sort, subject)).collect::<Result<Vec<_>, _>>()?;
        Ok((self.rank(first, subject)?, rest))
    }

    fn rank(&self, sort: &Sort<'_>, subject: &Subject<'_>) -> Result<Rank, Fault> {
        let descending = sort.descending;
        let by_fact = subject.columns().and_then(|(columns, row)| fact(sort, columns, row));
        if let Some(rank) = by_fact {
            return Ok(rank);
        }
        let SortBy::Parameter(definition) = sort.by else { return Ok(Rank { value: Sorted::Missing, descending }) };
        let values = self.values(subject, definition)?;
        let sorted = values.iter().filter_map(|value| sorted(value, descending));
        let first = if descending { sorted.max() } else { sorted.min() };
        Ok(Rank { value: first.unwrap_or(Sorted::Missing), descending })
    }
}

/// What a row is sorted by, where its facts say it.
fn fact(sort: &Sort<'_>, columns: &Columns, row: usize) -> Option<Rank> {
    let descending = sort.descending;
    let value = match sort.by {
        SortBy::LastUpdated => Sorted::Integer(columns.last_updated[row]),
        SortBy::Id => Sorted::Text(columns.ids[row].as_str().into()),
        SortBy::First(resource_type) if columns.types[row] == resource_type => Sorted::Integer(i64::MIN),
        SortBy::First(_) => Sorted::Integer(columns.last_updated[row]),
        SortBy::Parameter(definition) if definition.kind == Kind::Date && definition.is_kept() => {
            date(columns, row, definition, descending)
        }
        SortBy::Parameter(_) => return None,
    };
    Some(Rank { value, descending })
}

fn date(columns: &Columns, row: usize, definition: &Definition, descending: bool) -> Sorted {
    let of_kind = columns.dates(row).iter().filter(|fact| fact.parameter == definition.parameter);
    let value = if descending { of_kind.map(|fact| fact.end).max() } else { of_kind.map(|fact| fact.start).min() };
    value.map_or(Sorted::Missing, Sorted::Integer)
}

fn sorted(value: &Value, descending: bool) -> Option<Sorted> {
    Some(match value {
        Value::Date(interval) => Sorted::Integer(if descending { interval.end } else { interval.start }),
        Value::String(text) => Sorted::text(&fold(text)),
        Value::Token(token) => Sorted::text(&fold(token.code.as_deref()?)),
        Value::Uri(uri) => Sorted::text(uri),
        Value::Number { low, high, .. } => Sorted::Decimal((if descending { *high } else { *low })?),
        Value::Quantity(quantity) => {
            let end = if descending { quantity.high.or(quantity.low) } else { quantity.low.or(quantity.high) };
            Sorted::Decimal(compare::whole(quantity, end)?)
        }
        Value::Reference(reference) => match &reference.target {
            Target::Local(resource_type, id, _) => Sorted::text(&format!("{}/{id}", resource_type.name())),
            Target::Url(url) => Sorted::text(url),
            Target::Contained(_) | Target::Unresolved => return None,
        },
        Value::Word(_) | Value::Composite(_) | Value::Position { .. } => return None,
    })
}
