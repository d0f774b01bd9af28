//! What criteria find (http.html#ccreate, #cond-update, `Type?name=value`): the resources that match, of those that the
//! caller may see. What it may not see does not match; so no answer tells of it.

use std::sync::Arc;

use super::after::{After, Then};
use super::scoped::Records;
use super::search;
use super::write::Stop;
use super::write::rules;
use crate::app::Gateway;
use crate::chart::Chart;
use crate::consent::{Action, Caller, Permit, Permitted, Role};
use crate::fault::{Fault, Issue, Place, Status};
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::search::Columns;
use crate::search::evaluate::{Judge, Refused};
use crate::search::query::{Query, Scope};
use crate::search::run::run;
use crate::store::records::is_found_by_identifier;

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
    let policy = chart.policy(caller);
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
    let policy = chart.policy(caller);
    let gate = chart.gate(caller, &policy, gateway.now()).found();
    if !gate.is_open() {
        return Ok(Vec::new());
    }
    let permitted = |row| chart.permit(&gate, row).map(|permit| Found::of(&chart, row, permit));
    Ok(wanted(&chart.columns).into_iter().filter_map(permitted).collect())
}

/// What criteria find.
#[derive(Debug)]
pub(super) enum Match {
    /// What is on record.
    There(Found),
    /// What a transaction is about to put there.
    Coming(ResourceId),
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
    let found = find_after(gateway, caller, resource_type, criteria, limit, &After::default())?;
    let there = |found| match found {
        Match::There(found) => Some(found),
        Match::Coming(_) => None,
    };
    Ok(found.into_iter().filter_map(there).collect())
}

/// Whether criteria look at other resources than those of their own type; false for such as cannot be read.
pub(super) fn reach(gateway: &Gateway, resource_type: ResourceType, criteria: &str) -> bool {
    let Ok(conformance) = gateway.conformance() else { return false };
    let server = search::server(gateway, &conformance);
    Query::parse(Scope::Type(resource_type), criteria, server).is_ok_and(|query| query.reaches())
}

/// [`find`] in the records as they will be after a transaction. Blocks on storage.
pub(super) fn find_after(
    gateway: &Gateway,
    caller: &Caller,
    resource_type: ResourceType,
    criteria: &str,
    limit: usize,
    after: &After,
) -> Result<Vec<Match>, Stop> {
    caller.may(Action::Search, resource_type)?;
    let wrong = |issue| Stop::Refused(Status::BadRequest, vec![issue]);
    let conformance = gateway.conformance()?;
    let server = search::server(gateway, &conformance);
    let mut query = Query::parse(Scope::Type(resource_type), criteria, server).map_err(wrong)?;
    if query.branches.iter().all(|branch| branch.conditions.is_empty()) {
        let issue = Issue::with(&rules::NO_CRITERIA, Place::Whole, resource_type.name());
        return Err(Stop::Refused(Status::PreconditionFailed, vec![issue]));
    }
    query.count = limit;
    let mut wanted = records(gateway, caller, &query)?;
    if query.reaches() {
        // What is coming may refer to what is there.
        wanted.extend_from_slice(&after.records);
        wanted.sort_unstable();
        wanted.dedup();
    }
    let (records, now) = (Records::load(gateway, caller, wanted)?, gateway.now());
    let scoped = records.scoped(caller, now);
    let left = after.left_of(&scoped);
    let then = Then::new(&scoped, after, &left);
    let judge = Judge::new(&then, &*conformance, server);
    let found = run(&judge, &query, now).map_err(|refused| match refused {
        Refused::Issue(issue) => wrong(issue),
        Refused::Fault(fault) => Stop::Failed(fault),
    })?;
    let found = found.page.matches.into_iter();
    let found = found.filter_map(|at| match then.stored(at) {
        Some(at) => Some(Match::There(Found::of(scoped.chart(at), at.row, scoped.permit(at)?))),
        None => after.id(at.row).cloned().map(Match::Coming),
    });
    Ok(found.collect())
}

/// The records that may hold what is looked for.
fn records(gateway: &Gateway, caller: &Caller, query: &Query<'_>) -> Result<Vec<PatientKey>, Fault> {
    let mut records = Vec::new();
    let directory = || gateway.directory_of(caller, |of| query.looks_at(of));
    if let (Some(ids), Some(resource_type)) = (query.ids(), query.scope.resource_type()) {
        for id in ids.iter().filter_map(|id| ResourceId::parse(id)) {
            records.extend(gateway.place(resource_type, &id)?.map(|chart| chart.patient));
        }
    } else if let Some(named) = search::subjects(query) {
        records = named;
        records.extend(directory());
    } else {
        let identified = match query.identifiers() {
            Some((resource_type, values)) => gateway.identified(caller, resource_type, &values)?,
            None => None,
        };
        match identified {
            Some(found) => {
                records = found;
                records.extend(directory().into_iter().filter(|_| query.reaches()));
            }
            None if caller.role == Role::Open => return gateway.scope(caller),
            None => {
                records = gateway.panel(caller)?.to_vec();
                records.extend(match query.identifiers().filter(|_| !query.reaches()) {
                    Some((of, values)) if is_found_by_identifier(of) => gateway.identified_parts(of, &values)?,
                    _ => directory(),
                });
            }
        }
    }
    records.sort_unstable();
    records.dedup();
    Ok(records)
}
