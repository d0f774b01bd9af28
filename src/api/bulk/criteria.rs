//! `_typeFilter` (Bulk Data Access IG 2.0, "Query Parameters"): of a type only what meets criteria as of a search. They look
//! no further than the record of the resource, and at nothing of it that the caller may not see.

use super::rules;
use crate::api::search::server;
use crate::app::Gateway;
use crate::chart::Chart;
use crate::fault::{Fault, Issue, Place};
use crate::fhir::ResourceType;
use crate::search::Columns;
use crate::search::evaluate::{Judge, Refused};
use crate::search::query::{Query, Scope};
use crate::search::run::run;
use crate::search::visible::{Row, Visible};

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

/// Criteria that resources of one type meet or do not, as they were given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Criteria {
    resource_type: ResourceType,
    text: String,
}

impl Criteria {
    /// Reads the part of a filter behind the question mark.
    pub(super) fn parse(gateway: &Gateway, resource_type: ResourceType, text: &str) -> Result<Self, Issue> {
        let wrong = || Issue::with(&rules::CRITERIA, Place::Whole, resource_type.name());
        let mut names = text.split('&').map(|pair| pair.split(['=', ':']).next().unwrap_or_default());
        if names.any(|name| NOT_CRITERIA.iter().any(|not| name.starts_with(not))) {
            return Err(wrong());
        }
        let criteria = Criteria { resource_type, text: text.to_owned() };
        // What only a search finds out to be unknown is found out by one among nothing.
        let nothing = One { chart: None, columns: Vec::new(), may_see: &|_| false };
        match criteria.among(gateway, &nothing) {
            Ok(_) => Ok(criteria),
            Err(Refused::Issue(issue)) => Err(issue),
            Err(Refused::Fault(_)) => Err(wrong()),
        }
    }

    /// The rows of a chart that meet them, of those that may be seen.
    pub(super) fn rows(
        &self,
        gateway: &Gateway,
        chart: &Chart,
        may_see: &dyn Fn(usize) -> bool,
    ) -> Result<Vec<usize>, Fault> {
        let one = One { chart: Some(chart), columns: vec![&chart.columns], may_see };
        self.among(gateway, &one).map_err(|refused| match refused {
            Refused::Fault(fault) => fault,
            Refused::Issue(_) => Fault::Broken("the criteria of an export cannot be judged any more".into()),
        })
    }

    fn among(&self, gateway: &Gateway, one: &One<'_>) -> Result<Vec<usize>, Refused> {
        let conformance = gateway.conformance()?;
        let server = server(gateway, &conformance);
        let mut query = Query::parse(Scope::Type(self.resource_type), &self.text, server).map_err(Refused::Issue)?;
        query.count = one.chart.map_or(0, Chart::len);
        let found = run(&Judge::new(one, &*conformance, server), &query, gateway.now())?;
        Ok(found.page.matches.iter().map(|at| at.row).collect())
    }
}

/// One record, or none, as a search looks at it.
struct One<'a> {
    chart: Option<&'a Chart>,
    columns: Vec<&'a Columns>,
    may_see: &'a dyn Fn(usize) -> bool,
}

impl Visible for One<'_> {
    fn charts(&self) -> &[&Columns] {
        &self.columns
    }

    fn may_see(&self, at: Row) -> bool {
        (self.may_see)(at.row)
    }

    fn body(&self, at: Row) -> Result<Vec<u8>, Fault> {
        self.chart.map_or_else(|| Ok(Vec::new()), |chart| chart.body(at.row))
    }

    fn earlier(&self, _: usize) -> Option<&Columns> {
        None
    }

    fn earlier_body(&self, at: Row) -> Result<Vec<u8>, Fault> {
        self.body(at)
    }
}
