//! Searchsets (bundle.html#searchset), put together from entries that may leave.

use std::borrow::Cow;

use super::person::Links;
use super::scoped::Scoped;
use crate::consent::{Permitted, Public};
use crate::fault::{Fault, Finding, Issue};
use crate::fhir::Writer;
use crate::fhir::subset::{Part, subset};
use crate::search::query::Summary;
use crate::search::visible::Row;
use crate::search::{Facts, Query};

/// A link of a searchset: the same search, at another place. It holds a place and the caller's own words, no right.
pub(super) struct Link {
    pub(super) relation: &'static str,
    pub(super) query: String,
}

/// A Bundle of type `searchset` while its entries are added.
pub(super) struct Searchset {
    json: Permitted<Vec<u8>>,
    is_empty: bool,
}

/// Bytes of an entry for which room is made beforehand.
const ENTRY_BYTES: usize = 1024;

impl Searchset {
    /// Begins one. `total` counts what this caller may see; about so many entries will follow.
    pub(super) fn begin(url: &str, total: Option<usize>, links: &[Link], entries: usize) -> Self {
        let mut w = Writer::new();
        w.string("resourceType", "Bundle");
        w.string("type", "searchset");
        if let Some(total) = total {
            w.integer("total", i64::try_from(total).unwrap_or(i64::MAX));
        }
        w.array("link", |w| {
            for link in links {
                w.item(|w| {
                    w.string("relation", link.relation);
                    let mark = if link.query.is_empty() { "" } else { "?" };
                    w.string("url", &format!("{url}{mark}{}", link.query));
                });
            }
        });
        let head = w.finish();
        let json = Permitted::gather(Vec::new(), |_: Vec<Vec<u8>>| {
            let mut json = Vec::with_capacity(head.len() + (entries + 1) * ENTRY_BYTES);
            json.push(b'{');
            json.extend_from_slice(head.as_bytes());
            json
        });
        Searchset { json, is_empty: true }
    }

    /// Adds the entry of a row, where there is a permit for it. Includes are whole, whatever is wanted of the matches.
    pub(super) fn row(
        &mut self,
        scoped: &Scoped<'_>,
        at: Row,
        base: &str,
        wanted: Wanted<'_>,
        patients: &Links,
    ) -> Result<(), Fault> {
        let is_empty = &mut self.is_empty;
        scoped.append(at, &mut self.json, |chart, json| {
            json.extend_from_slice(if std::mem::take(is_empty) { br#","entry":["# } else { b"," });
            let (resource_type, id) = (chart.columns.types[at.row], chart.columns.ids[at.row].as_str());
            for part in [r#"{"fullUrl":""#, base, "/", resource_type.name(), "/", id, r#"","resource":"#] {
                json.extend_from_slice(part.as_bytes());
            }
            let mode: &[u8] = match wanted {
                Wanted::Match(None) => b"match",
                Wanted::Include => b"include",
                Wanted::Match(Some(part)) => {
                    let whole = patients.add(chart.patient, resource_type, chart.body(at.row)?);
                    let cut = std::str::from_utf8(&whole).ok().and_then(|whole| subset(whole, part));
                    json.extend_from_slice(&cut.map_or(Cow::Borrowed(&whole[..]), |cut| Cow::Owned(cut.into_bytes())));
                    b"match"
                }
            };
            match wanted {
                Wanted::Match(Some(_)) => {}
                _ if patients.has(chart.patient, resource_type) => {
                    json.extend_from_slice(&patients.add(chart.patient, resource_type, chart.body(at.row)?));
                }
                _ => chart.append_body(at.row, json)?,
            }
            for part in [br#","search":{"mode":""#, mode, br#""}}"#] {
                json.extend_from_slice(part);
            }
            Ok(())
        })
    }

    /// Adds an entry that may leave.
    pub(super) fn entry(&mut self, entry: Permitted<Vec<u8>>) {
        let json = std::mem::replace(&mut self.json, Permitted::gather(Vec::new(), |_: Vec<Vec<u8>>| Vec::new()));
        let comma: &[u8] = if std::mem::take(&mut self.is_empty) { br#","entry":["# } else { b"," };
        self.json = Permitted::gather(vec![json, entry], |parts| {
            let mut parts = parts.into_iter();
            let mut json = parts.next().unwrap_or_default();
            json.extend_from_slice(comma);
            parts.for_each(|entry| json.extend_from_slice(&entry));
            json
        });
    }

    /// The Bundle.
    pub(super) fn finish(self) -> Permitted<Vec<u8>> {
        let is_empty = self.is_empty;
        self.json.map(|mut json| {
            json.extend_from_slice(if is_empty { b"}" } else { b"]}" });
            json
        })
    }
}

/// How much of a row is wanted.
#[derive(Clone, Copy)]
pub(super) enum Wanted<'a> {
    /// A match, or a part of it.
    Match(Option<Part<'a>>),
    /// What is included with a match.
    Include,
}

/// A searchset of entries that may leave.
pub(super) fn searchset(
    url: &str,
    total: Option<usize>,
    links: &[Link],
    entries: Vec<Permitted<Vec<u8>>>,
) -> Permitted<Vec<u8>> {
    let mut searchset = Searchset::begin(url, total, links, entries.len());
    entries.into_iter().for_each(|entry| searchset.entry(entry));
    searchset.finish()
}

/// How much of its matches a query wants.
pub(super) fn wanted<'a>(query: &Query<'_>, elements: &'a [&'a str]) -> Wanted<'a> {
    Wanted::Match(match query.summary {
        Summary::True => Some(Part::Summary),
        Summary::Text => Some(Part::Text),
        Summary::Data => Some(Part::Data),
        Summary::False | Summary::Count if elements.is_empty() => None,
        Summary::False | Summary::Count => Some(Part::Elements(elements)),
    })
}

/// The entry of a version that is included because a reference names it.
pub(super) fn version(base: &str, facts: &Facts, body: &[u8]) -> Vec<u8> {
    let (resource_type, id) = (facts.resource_type.name(), facts.id.as_str());
    let mut json = format!(r#"{{"fullUrl":"{base}/{resource_type}/{id}","resource":"#).into_bytes();
    json.extend_from_slice(body);
    json.extend_from_slice(br#","search":{"mode":"include"}}"#);
    json
}

/// The entry that says what else there is to say; none when there is nothing.
pub(super) fn outcome(issues: &[Issue]) -> Option<Permitted<Vec<u8>>> {
    if issues.is_empty() {
        return None;
    }
    let findings: Vec<Finding> = issues.iter().map(Finding::from).collect();
    let outcome = Permitted::<String>::public(Public::outcome(&findings));
    Some(outcome.map(|json| format!(r#"{{"resource":{json},"search":{{"mode":"outcome"}}}}"#).into_bytes()))
}
