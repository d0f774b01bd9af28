//! Searchsets (bundle.html#searchset), put together from entries that may leave.

use std::borrow::Cow;

use crate::chart::Chart;
use crate::consent::{Permitted, Public};
use crate::fault::{Fault, Finding, Issue};
use crate::fhir::Writer;
use crate::fhir::subset::{Part, subset};
use crate::search::query::Summary;
use crate::search::{Facts, Query};

/// A link of a searchset: the same search, at another place. It holds a place and the caller's own words, no right.
pub(super) struct Link {
    pub(super) relation: &'static str,
    pub(super) query: String,
}

/// A Bundle of type `searchset`. `total` counts what this caller may see.
pub(super) fn searchset(
    url: &str,
    total: Option<usize>,
    links: &[Link],
    entries: Vec<Permitted<Vec<u8>>>,
) -> Permitted<Vec<u8>> {
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
    Permitted::gather(entries, |entries| {
        let length: usize = entries.iter().map(|entry| entry.len() + 1).sum();
        let mut json = Vec::with_capacity(head.len() + length + 16);
        json.push(b'{');
        json.extend_from_slice(head.as_bytes());
        for (at, entry) in entries.iter().enumerate() {
            json.extend_from_slice(if at == 0 { br#","entry":["# } else { b"," });
            json.extend_from_slice(entry);
        }
        if !entries.is_empty() {
            json.push(b']');
        }
        json.push(b'}');
        json
    })
}

/// The entry of a match, as much of it as the query wants.
pub(super) fn matched(base: &str, chart: &Chart, row: usize, query: &Query<'_>) -> Result<Vec<u8>, Fault> {
    let elements: Vec<&str> = query.elements.iter().map(|name| &**name).collect();
    let part = match query.summary {
        Summary::True => Some(Part::Summary),
        Summary::Text => Some(Part::Text),
        Summary::Data => Some(Part::Data),
        Summary::False | Summary::Count if elements.is_empty() => None,
        Summary::False | Summary::Count => Some(Part::Elements(&elements)),
    };
    entry(base, chart, row, "match", part)
}

/// The entry of what is included: whole, whatever is wanted of the matches.
pub(super) fn included(base: &str, chart: &Chart, row: usize) -> Result<Vec<u8>, Fault> {
    entry(base, chart, row, "include", None)
}

/// The entry of a version that is included because a reference names it.
pub(super) fn version(base: &str, facts: &Facts, body: &[u8]) -> Vec<u8> {
    let (resource_type, id) = (facts.resource_type.name(), facts.id.as_str());
    let mut json = format!(r#"{{"fullUrl":"{base}/{resource_type}/{id}","resource":"#).into_bytes();
    json.extend_from_slice(body);
    json.extend_from_slice(br#","search":{"mode":"include"}}"#);
    json
}

fn entry(base: &str, chart: &Chart, row: usize, mode: &str, part: Option<Part<'_>>) -> Result<Vec<u8>, Fault> {
    let (resource_type, id) = (chart.columns.types[row], chart.columns.ids[row].as_str());
    let mut json = format!(r#"{{"fullUrl":"{base}/{}/{id}","resource":"#, resource_type.name()).into_bytes();
    match part {
        None => chart.append_body(row, &mut json)?,
        Some(part) => {
            let whole = chart.body(row)?;
            let cut = std::str::from_utf8(&whole).ok().and_then(|whole| subset(whole, part));
            json.extend_from_slice(&cut.map_or(Cow::Borrowed(&whole[..]), |cut| Cow::Owned(cut.into_bytes())));
        }
    }
    json.extend_from_slice(br#","search":{"mode":""#);
    json.extend_from_slice(mode.as_bytes());
    json.extend_from_slice(br#""}}"#);
    Ok(json)
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
