//! Pages of a search: one total order over the rows of all records, and a cursor that says where the next page begins.
//! A cursor holds a place, never a right: each page is decided anew.

use std::cmp::Ordering;
use std::collections::BinaryHeap;

use super::columns::Columns;
use super::facts::{Parameter, token_hash};
use super::query::{Query, Sort, SortBy};
use crate::fhir::reference::is_id;

/// Where a match stands in the order. Smaller comes first.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Key {
    /// The sort value, so turned that smaller comes first.
    rank: i64,
    /// The id, the tie-break.
    id: Id,
}

/// An id, ascending or descending.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Id {
    Ascending(Box<str>),
    Descending(Box<str>),
}

impl Ord for Id {
    fn cmp(&self, other: &Self) -> Ordering {
        match (self, other) {
            (Id::Descending(a), Id::Descending(b)) => b.cmp(a),
            (Id::Ascending(a) | Id::Descending(a), Id::Ascending(b) | Id::Descending(b)) => a.cmp(b),
        }
    }
}

impl PartialOrd for Id {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

/// The place after which a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cursor(Key);

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The matches of this page, in order.
    pub matches: Vec<T>,
    /// How many matches all pages have together.
    pub total: usize,
    /// Where the next page begins; none on the last.
    pub next: Option<Cursor>,
}

impl Key {
    /// The place of a row in the order of a query. A row without the date that is sorted by comes last.
    pub fn of(columns: &Columns, row: usize, query: &Query) -> Self {
        let Sort { by, descending } = query.sort;
        let rank = match by {
            SortBy::Id => 0,
            SortBy::LastUpdated => turned(columns.last_updated[row], descending),
            SortBy::Date(parameter) => date(columns, row, parameter, descending),
        };
        let id = columns.ids[row].as_str().into();
        let backwards = by == SortBy::Id && descending;
        Key { rank, id: if backwards { Id::Descending(id) } else { Id::Ascending(id) } }
    }
}

/// Ascending by the earliest start, descending by the latest end (search.html#sort).
fn date(columns: &Columns, row: usize, parameter: Parameter, descending: bool) -> i64 {
    let of_kind = columns.dates(row).iter().filter(|fact| fact.parameter == parameter);
    let value = if descending { of_kind.map(|fact| fact.end).max() } else { of_kind.map(|fact| fact.start).min() };
    value.map_or(i64::MAX, |value| turned(value, descending))
}

fn turned(value: i64, descending: bool) -> i64 {
    if descending { !value } else { value }
}

/// Cuts the page that a query asks for out of all matches, each with its place. Matches may come in any order.
pub fn page<T>(matches: impl Iterator<Item = (Key, T)>, query: &Query) -> Page<T> {
    let mut total = 0;
    let mut first: BinaryHeap<Ranked<T>> = BinaryHeap::with_capacity(query.count.min(64) + 2);
    for (key, value) in matches {
        total += 1;
        if query.count == 0 || query.cursor.as_ref().is_some_and(|Cursor(after)| key <= *after) {
            continue;
        }
        // One more than the page holds, to know whether there is another.
        if first.len() <= query.count || first.peek().is_some_and(|last| key < last.key) {
            first.push(Ranked { key, value });
            if first.len() > query.count + 1 {
                first.pop();
            }
        }
    }
    let mut sorted = first.into_sorted_vec();
    let more = sorted.len() > query.count;
    sorted.truncate(query.count);
    let next = sorted.last().filter(|_| more).map(|last| Cursor(last.key.clone()));
    Page { matches: sorted.into_iter().map(|ranked| ranked.value).collect(), total, next }
}

struct Ranked<T> {
    key: Key,
    value: T,
}

impl<T> PartialEq for Ranked<T> {
    fn eq(&self, other: &Self) -> bool {
        self.key == other.key
    }
}

impl<T> Eq for Ranked<T> {}

impl<T> PartialOrd for Ranked<T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Ranked<T> {
    fn cmp(&self, other: &Self) -> Ordering {
        self.key.cmp(&other.key)
    }
}

impl Cursor {
    /// The cursor as it stands in a link: hexadecimal of the place and a check against mistakes.
    pub fn text(&self, query: &Query) -> String {
        use std::fmt::Write;
        let (Id::Ascending(id) | Id::Descending(id)) = &self.0.id;
        let mut bytes = self.0.rank.to_be_bytes().to_vec();
        bytes.extend_from_slice(id.as_bytes());
        let check = check(query, self.0.rank, id);
        bytes.iter().chain(&check).fold(String::with_capacity(96), |mut text, byte| {
            let _ = write!(text, "{byte:02x}");
            text
        })
    }

    /// Reads a cursor made for the same type and order; `None` when it was not.
    pub fn read(text: &str, query: &Query) -> Option<Self> {
        if text.len() > 200 || !text.is_ascii() || text.len() % 2 == 1 {
            return None;
        }
        let bytes: Option<Vec<u8>> =
            (0..text.len() / 2).map(|at| u8::from_str_radix(&text[at * 2..at * 2 + 2], 16).ok()).collect();
        let bytes = bytes?;
        let (rank, rest) = bytes.split_first_chunk::<8>()?;
        let (id, stated) = rest.split_last_chunk::<4>()?;
        let (rank, id) = (i64::from_be_bytes(*rank), std::str::from_utf8(id).ok()?);
        if !is_id(id) || check(query, rank, id) != *stated {
            return None;
        }
        let backwards = query.sort.by == SortBy::Id && query.sort.descending;
        let id = if backwards { Id::Descending(id.into()) } else { Id::Ascending(id.into()) };
        Some(Cursor(Key { rank, id }))
    }
}

fn check(query: &Query, rank: i64, id: &str) -> [u8; 4] {
    let order = match query.sort.by {
        SortBy::LastUpdated => 0,
        SortBy::Id => 1,
        SortBy::Date(parameter) => u32::from(parameter.0) + 2,
    };
    let text = format!("{}|{order}|{}|{rank}|{id}", query.resource_type.name(), query.sort.descending);
    let [a, b, c, d, ..] = token_hash(&text).to_be_bytes();
    [a, b, c, d]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fhir::ResourceType;
    use crate::search::columns::tests::facts;
    use crate::search::facts::DateFact;
    use crate::search::query::Server;

    fn query(text: &str) -> Query {
        Query::parse(ResourceType::OBSERVATION, text, Server { base: "", zone_minutes: 540 }).unwrap()
    }

    fn columns(rows: &[(&str, i64, Option<i64>)]) -> Columns {
        let rows: Vec<_> = rows
            .iter()
            .map(|(id, updated, date)| {
                let mut facts = facts(ResourceType::OBSERVATION, id);
                facts.last_updated = *updated;
                facts.dates.extend(date.map(|start| DateFact { parameter: Parameter::DATE, start, end: start + 1 }));
                facts
            })
            .collect();
        Columns::build(rows.iter())
    }

    fn walk(records: &[Columns], text: &str) -> Vec<String> {
        let (mut seen, mut cursor, mut pages) = (Vec::new(), String::new(), 0);
        loop {
            let query = query(&format!("{text}&_cursor={cursor}"));
            let rows = records.iter().flat_map(|columns| {
                let query = &query;
                (0..columns.len()).map(move |row| (Key::of(columns, row, query), columns.ids[row].as_str().to_owned()))
            });
            let page = page(rows, &query);
            assert_eq!(page.total, records.iter().map(Columns::len).sum::<usize>());
            seen.extend(page.matches);
            pages += 1;
            match page.next {
                Some(next) => cursor = next.text(&query),
                None => return seen,
            }
            assert!(pages < 100);
        }
    }

    #[test]
    fn pages_over_several_records_give_each_match_once_in_order() {
        let records = [
            columns(&[("a", 5, Some(1)), ("d", 3, None), ("c", 3, Some(9))]),
            columns(&[("b", 3, Some(4)), ("e", 9, Some(4))]),
        ];
        for count in [1, 2, 3, 5, 6] {
            let walk = |sort: &str| walk(&records, &format!("_count={count}{sort}")).concat();
            assert_eq!(walk(""), "eabcd");
            assert_eq!(walk("&_sort=_lastUpdated"), "bcdae");
            assert_eq!(walk("&_sort=_id"), "abcde");
            assert_eq!(walk("&_sort=-_id"), "edcba");
            assert_eq!(walk("&_sort=date"), "abecd");
            assert_eq!(walk("&_sort=-date"), "cbead");
        }
    }

    #[test]
    fn count_zero_is_the_total_alone() {
        let columns = columns(&[("a", 1, None), ("b", 1, None)]);
        let query = query("_count=0");
        let page = page((0..2).map(|row| (Key::of(&columns, row, &query), row)), &query);
        assert_eq!((page.matches.len(), page.total, page.next), (0, 2, None));
    }

    #[test]
    fn a_cursor_that_was_changed_or_belongs_elsewhere_is_refused() {
        let columns = columns(&[("a", 1, None)]);
        let plain = query("");
        let text = Cursor(Key::of(&columns, 0, &plain)).text(&plain);
        assert!(Cursor::read(&text, &plain).is_some());
        for at in 0..text.len() {
            let mut changed = text.clone().into_bytes();
            changed[at] = if changed[at] == b'0' { b'1' } else { b'0' };
            assert_eq!(Cursor::read(std::str::from_utf8(&changed).unwrap(), &plain), None);
        }
        assert_eq!(Cursor::read(&text, &query("_sort=date")), None);
        for bad in ["", "0", "zz", "あ", &text[..10], &format!("{text}00")] {
            assert_eq!(Cursor::read(bad, &plain), None, "{bad}");
        }
    }
}
