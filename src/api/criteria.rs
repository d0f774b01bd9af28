//! What criteria find (http.html#ccreate, #cond-update, `Type?name=value`): the resources that match, of those that the
//! caller may see. What it may not see does not match; so no answer tells of it.

use std::sync::Arc;

use super::write::Stop;
use super::write::rules;
use crate::app::Gateway;
use crate::chart::Chart;
use crate::consent::{Caller, Permit, Permitted};
use crate::fault::{Fault, Issue, Place, Status};
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::search::Columns;
use crate::search::evaluate::matches;
use crate::search::query::{Condition, Query, Server};

/// A resource that was found, and that the caller may see.
#[derive(Debug)]
pub(super) struct Found {
    pub(super) resource_type: ResourceType,
    pub(super) id: ResourceId,
    pub(super) version: u32,
    pub(super) last_updated: i64,
    pub(super) patient: PatientKey,
    chart: Arc<Chart>,
    row: usize,
    permit: Permit,
}

impl Found {
    /// The resource, to be changed and not to leave.
    pub(super) fn body(&self) -> Result<String, Fault> {
        String::from_utf8(self.chart.body(self.row)?).map_err(|_| Fault::Broken("a stored resource is not text".into()))
    }

    /// The resource, to leave.
    pub(super) fn release(self) -> Result<Permitted<Vec<u8>>, Fault> {
        let body = self.chart.body(self.row)?;
        Ok(self.permit.release(body))
    }

    fn of(chart: &Arc<Chart>, row: usize, permit: Permit) -> Self {
        let columns = &chart.columns;
        Found {
            resource_type: columns.types[row],
            id: columns.ids[row].clone(),
            version: columns.versions[row],
            last_updated: columns.last_updated[row],
            patient: chart.patient,
            chart: chart.clone(),
            row,
            permit,
        }
    }
}

/// The current version of a resource, when the caller may see it. Blocks on storage.
pub(super) fn by_id(
    gateway: &Gateway,
    caller: &Caller,
    resource_type: ResourceType,
    id: &ResourceId,
) -> Result<Option<Found>, Fault> {
    let Some(chart) = gateway.place(resource_type, id)? else { return Ok(None) };
    let policy = chart.policy(&caller.organization);
    let gate = chart.gate(caller, &policy, gateway.now());
    let Some(row) = chart.row(resource_type, id) else { return Ok(None) };
    Ok(chart.permit(&gate, row).map(|permit| Found::of(&chart, row, permit)))
}

/// The rows of a record that are wanted, of those that the caller may see, in the order of the record. Blocks on storage.
pub(super) fn in_record(
    gateway: &Gateway,
    caller: &Caller,
    record: PatientKey,
    wanted: &dyn Fn(&Columns) -> Vec<usize>,
) -> Result<Vec<Found>, Fault> {
    let chart = gateway.chart(record)?;
    let policy = chart.policy(&caller.organization);
    let gate = chart.gate(caller, &policy, gateway.now());
    if !gate.is_open() {
        return Ok(Vec::new());
    }
    let permitted = |row| chart.permit(&gate, row).map(|permit| Found::of(&chart, row, permit));
    Ok(wanted(&chart.columns).into_iter().filter_map(permitted).collect())
}

/// At most `limit` resources of a type that match criteria, given as a query without its question mark. Criteria that
/// limit nothing are refused: they would find anything. Blocks on storage.
pub(super) fn find(
    gateway: &Gateway,
    caller: &Caller,
    resource_type: ResourceType,
    criteria: &str,
    limit: usize,
) -> Result<Vec<Found>, Stop> {
    let server = Server { base: gateway.base_url(), zone_minutes: gateway.zone_minutes() };
    let query = Query::parse(resource_type, criteria, server)
        .map_err(|issue| Stop::Refused(Status::BadRequest, vec![issue]))?;
    if query.conditions.is_empty() {
        let issue = Issue::with(&rules::NO_CRITERIA, Place::Whole, resource_type.name());
        return Err(Stop::Refused(Status::PreconditionFailed, vec![issue]));
    }
    let mut found = Vec::new();
    let now = gateway.now();
    for record in records(gateway, caller, &query)? {
        let chart = gateway.chart(record)?;
        let policy = chart.policy(&caller.organization);
        let gate = chart.gate(caller, &policy, now);
        if !gate.is_open() {
            continue;
        }
        for row in matches(&chart.columns, &query) {
            found.extend(chart.permit(&gate, row).map(|permit| Found::of(&chart, row, permit)));
            if found.len() >= limit {
                return Ok(found);
            }
        }
    }
    Ok(found)
}

/// The records that may hold what is looked for.
fn records(gateway: &Gateway, caller: &Caller, query: &Query) -> Result<Vec<PatientKey>, Fault> {
    let ids = query.conditions.iter().find_map(|condition| match condition {
        Condition::Id(ids) => Some(ids),
        _ => None,
    });
    let Some(ids) = ids else { return gateway.scope(caller) };
    let mut records = Vec::new();
    for id in ids.iter().filter_map(|id| ResourceId::parse(id)) {
        records.extend(gateway.place(query.resource_type, &id)?.map(|chart| chart.patient));
    }
    records.sort_unstable();
    records.dedup();
    Ok(records)
}
