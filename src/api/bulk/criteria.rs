//! `_typeFilter` (Bulk Data Access IG 2.0, "Query Parameters"): of a type only what meets criteria as of a search.

use super::rules;
use crate::app::Gateway;
use crate::chart::Chart;
use crate::fault::{Issue, Place};
use crate::fhir::ResourceType;
use crate::search::evaluate::matches;
use crate::search::query::{Query, Server};

/// What such a filter cannot hold, because it orders, pages or shapes a result and limits nothing; their beginnings.
const NOT_CRITERIA: [&str; 10] = [
    "_contained",
    "_count",
    "_cursor",
    "_elements",
    "_format",
    "_include",
    "_revinclude",
    "_sort",
    "_summary",
    "_total",
];

/// Criteria that resources of one type meet or do not.
#[derive(Debug)]
pub(super) struct Criteria(Query);

impl Criteria {
    /// Reads the part of a filter behind the question mark.
    pub(super) fn parse(gateway: &Gateway, resource_type: ResourceType, text: &str) -> Result<Self, Issue> {
        let mut names = text.split('&').map(|pair| pair.split(['=', ':']).next().unwrap_or_default());
        if names.any(|name| NOT_CRITERIA.iter().any(|not| name.starts_with(not))) {
            return Err(Issue::with(&rules::CRITERIA, Place::Whole, resource_type.name()));
        }
        let server = Server { base: gateway.base_url(), zone_minutes: gateway.zone_minutes() };
        Query::parse(resource_type, text, server).map(Criteria)
    }

    /// The rows of a chart that meet them, whoever may see them.
    pub(super) fn rows<'a>(&'a self, chart: &'a Chart) -> impl Iterator<Item = usize> + 'a {
        matches(&chart.columns, &self.0)
    }
}
