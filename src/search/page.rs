//! Pages of a search: one total order over the rows of all records, and a cursor that says where a page begins.
//!
//! A cursor holds a place, never a right: each page is decided anew. It holds when the search began too: whatever has
//! changed since keeps the place it had then, and what was made since is left out, so that following the links gives each
//! match that was there once and never twice.

mod cursor;
mod key;

use std::cmp::Ordering;

pub use cursor::Cursor;
pub use key::{Key, Rank, Sorted};

/// One page.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The matches of this page, in order.
    pub matches: Vec<T>,
    /// How many matches all pages have together.
    pub total: usize,
    /// Where the next page begins; none on the last.
    pub next: Option<Cursor>,
    /// Where the previous page ends; none on the first.
    pub previous: Option<Cursor>,
}

/// Fewest matches that are kept before those that are too far away are dropped.
const KEPT_MIN: usize = 64;

/// Cuts a page out of all matches, which may come in any order, without keeping more than about twice as many as the
/// page holds.
pub struct Pager<'a, 'c, T> {
    count: usize,
    cursor: Option<&'c Cursor>,
    nearest: Vec<Ranked<'a, T>>,
    /// Of so many, the farthest of which stands last among them, nothing farther is wanted.
    cut: Option<usize>,
    total: usize,
    behind: bool,
}

impl<'a, 'c, T> Pager<'a, 'c, T> {
    /// For a page of at most `count`, at a place or at the beginning.
    pub fn new(count: usize, cursor: Option<&'c Cursor>) -> Self {
        Pager { count, cursor, nearest: Vec::new(), cut: None, total: 0, behind: false }
    }

    /// Whether places matter: a page of none is the total alone.
    pub fn is_total_alone(&self) -> bool {
        self.count == 0
    }

    /// One more match, of a total alone.
    pub fn add_one(&mut self) {
        self.total += 1;
    }

    /// One more match, with its place.
    pub fn add(&mut self, key: Key<'a>, value: T) {
        self.total += 1;
        let backwards = self.cursor.is_some_and(|cursor| cursor.backwards);
        let order = self.cursor.map(|cursor| cursor.order(&key));
        // Of the page that goes before a place, what stands at it is behind; of the one after it too.
        if order.is_some_and(|order| if backwards { order != Ordering::Less } else { order != Ordering::Greater }) {
            self.behind = true;
            return;
        }
        let ranked = Ranked { key, value, backwards };
        if self.cut.and_then(|cut| self.nearest.get(cut)).is_some_and(|farthest| ranked > *farthest) {
            return;
        }
        self.nearest.push(ranked);
        if self.nearest.len() > 2 * self.count.max(KEPT_MIN) {
            // One more than the page holds, to know whether there is another.
            self.nearest.select_nth_unstable(self.count);
            self.nearest.truncate(self.count + 1);
            self.cut = Some(self.count);
        }
    }

    /// The page. `begun` is when the search began, milliseconds since 1970.
    pub fn page(self, begun: i64) -> Page<T> {
        let backwards = self.cursor.is_some_and(|cursor| cursor.backwards);
        let mut sorted = self.nearest;
        sorted.sort_unstable();
        let more = sorted.len() > self.count;
        sorted.truncate(self.count);
        if backwards {
            sorted.reverse();
        }
        let (before, after) = if backwards { (more, self.behind) } else { (self.behind, more) };
        let next = sorted.last().filter(|_| after).map(|last| Cursor::at(&last.key, false, begun));
        let previous = sorted.first().filter(|_| before).map(|first| Cursor::at(&first.key, true, begun));
        let matches = sorted.into_iter().map(|ranked| ranked.value).collect();
        Page { matches, total: self.total, next, previous }
    }
}

/// A match; those that are nearer to the beginning of the page are smaller.
struct Ranked<'a, T> {
    key: Key<'a>,
    value: T,
    backwards: bool,
}

impl<T> PartialEq for Ranked<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other) == Ordering::Equal
    }
}

impl<T> Eq for Ranked<'_, T> {}

impl<T> PartialOrd for Ranked<'_, T> {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl<T> Ord for Ranked<'_, T> {
    fn cmp(&self, other: &Self) -> Ordering {
        let order = self.key.cmp(&other.key);
        if self.backwards { order.reverse() } else { order }
    }
}

#[cfg(test)]
mod tests;
