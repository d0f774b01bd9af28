//! A search from beginning to end: judged, counted, sorted, cut into a page, and what is included with it.

use super::evaluate::{Judge, Refused};
use super::include;
use super::page::{Page, Pager};
use super::query::rule::{self, past};
use super::query::{Query, Scope};
use super::visible::Row;
use crate::fault::{Issue, Place};
use crate::fhir::ResourceType;

pub use super::include::INCLUDED_MAX;

/// One version of a resource.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Version {
    /// Its type.
    pub resource_type: ResourceType,
    /// Its id.
    pub id: Box<str>,
    /// Its number.
    pub version: u32,
}

/// What a search found.
#[derive(Clone, Debug)]
pub struct Found {
    /// The page of matches.
    pub page: Page<Row>,
    /// What is included with it, each row once and none that is a match.
    pub included: Vec<Row>,
    /// Versions that are included beside them, because a reference names them and they are not the current ones
    /// (search.html#versions); whether the caller may see them is not decided yet.
    pub versions: Vec<Version>,
    /// What is to be said beside it (`search.mode` outcome).
    pub issues: Vec<Issue>,
}

/// Runs a search. `now`, milliseconds since 1970, is when it begins, on its first page.
pub fn run(judge: &Judge<'_>, query: &Query<'_>, now: i64) -> Result<Found, Refused> {
    let begun = query.cursor.as_ref().map_or(now, |cursor| cursor.begun);
    // The first page begins now: nothing is later.
    let since = if query.cursor.is_some() { begun } else { i64::MAX };
    let mut pager = Pager::new(query.count, query.cursor.as_ref());
    let ready = query.branches.iter().map(|branch| judge.ready(branch)).collect::<Result<Vec<_>, _>>()?;
    // A record's everything is in it; the directory beside it is there to be included.
    let of_first = match query.scope {
        Scope::Everything { records, .. } => records,
        _ => usize::MAX,
    };
    judge.matches(&ready, &mut |by, at| {
        if at.chart >= of_first {
            return Ok(());
        }
        if pager.is_total_alone() {
            pager.add_one();
            return Ok(());
        }
        let sort = query.branches.get(by).map_or(&[][..], |branch| &branch.sort);
        if let Some(key) = judge.place(sort, at, since)? {
            pager.add(key, at);
        }
        Ok(())
    })?;
    let page = pager.page(begun);
    let mut issues = query.ignored.clone();
    if include::chained_otherwise(judge, query, &page.matches)? {
        issues.push(Issue::new(&rule::CHAIN_VERSION, Place::Whole));
    }
    let found = include::included(judge, query, &page.matches)?;
    if found.cut {
        issues.push(past(&rule::INCLUDES_CUT, INCLUDED_MAX));
    }
    Ok(Found { page, included: found.rows, versions: found.versions, issues })
}
