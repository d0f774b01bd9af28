//! A search from beginning to end: judged, counted, sorted, cut into a page, and what is included with it.

use super::evaluate::{Judge, Refused};
use super::include;
use super::page::{Page, page};
use super::query::Query;
use super::query::rule::{self, past};
use super::visible::Row;
use crate::fault::{Fault, Issue};

pub use super::include::INCLUDED_MAX;

/// What a search found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The page of matches.
    pub page: Page<Row>,
    /// What is included with it, each row once and none that is a match.
    pub included: Vec<Row>,
    /// What is to be said beside it (`search.mode` outcome).
    pub issues: Vec<Issue>,
}

/// Runs a search. `now`, milliseconds since 1970, is when it begins, on its first page.
pub fn run(judge: &Judge<'_>, query: &Query<'_>, now: i64) -> Result<Found, Refused> {
    let begun = query.cursor.as_ref().map_or(now, |cursor| cursor.begun);
    // The first page begins now: nothing is later.
    let since = if query.cursor.is_some() { begun } else { i64::MAX };
    let mut matches = Vec::new();
    let ready = query.branches.iter().map(|branch| judge.ready(branch)).collect::<Result<Vec<_>, _>>()?;
    judge.rows(&ready, &mut |by, at| {
        let sort = query.branches.get(by).map_or(&[][..], |branch| &branch.sort);
        matches.extend(judge.place(sort, at, since)?.map(|key| (key, at)));
        Ok::<(), Fault>(())
    })?;
    let page = page(matches.into_iter(), query.count, query.cursor.as_ref(), begun);
    let mut issues = query.ignored.clone();
    let (included, cut) = include::included(judge, query, &page.matches)?;
    if cut {
        issues.push(past(&rule::INCLUDES_CUT, INCLUDED_MAX));
    }
    Ok(Found { page, included, issues })
}
