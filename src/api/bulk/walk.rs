//! The walk over the records of an export: what of each belongs to it, as of its instant, and may leave now.
//!
//! Two charts of a record are looked at. What a resource was when the export began is on the one as of then; whether it may
//! leave is decided by the one of now. What has been deleted, hidden or closed since does not leave.

use std::collections::{BTreeSet, HashMap};
use std::sync::Arc;

use actix_web::web;

use super::criteria::Criteria;
use crate::api::history::seen_by;
use crate::app::{Export, Gateway};
use crate::chart::Chart;
use crate::consent::{Caller, ConsentVersion, Gate, Permit, Permitted, RowFacts};
use crate::fault::Fault;
use crate::fhir::{PatientKey, ResourceId, ResourceType};

/// The file of what was deleted.
const DELETED: &str = "deleted";

/// A file of an export.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum File {
    /// The resources of one type.
    Of(ResourceType),
    /// What was deleted since `_since`, as Bundles of type transaction.
    Deleted,
}

impl File {
    /// Its name, without the ending.
    pub(super) fn name(self) -> &'static str {
        match self {
            File::Of(resource_type) => resource_type.name(),
            File::Deleted => DELETED,
        }
    }

    pub(super) fn parse(name: &str) -> Option<Self> {
        if name == DELETED { Some(File::Deleted) } else { ResourceType::parse(name).map(File::Of) }
    }
}

/// Names that may leave, and the consents by which.
pub(super) type Names = (Vec<Permitted<Vec<u8>>>, Vec<ConsentVersion>);

/// Walks the records of one export for the caller who began it.
pub(super) struct Walk {
    pub(super) gateway: web::Data<Gateway>,
    pub(super) export: Arc<Export>,
    caller: Arc<Caller>,
    /// All when there is none.
    types: BTreeSet<ResourceType>,
    criteria: HashMap<ResourceType, Vec<Criteria>>,
}

/// A caller before one record: what it may be given of it at this instant.
pub(super) struct Judge<'a> {
    now: &'a Chart,
    gate: Gate<'a>,
    then: &'a Chart,
    /// The rows of now, where the two charts are not the same.
    rows: Option<HashMap<(ResourceType, &'a ResourceId), usize>>,
}

impl Walk {
    pub(super) fn new(gateway: web::Data<Gateway>, caller: Arc<Caller>, export: Arc<Export>) -> Result<Self, Fault> {
        let broken = || Fault::Broken("what an export was asked for cannot be read any more".into());
        let named = |name: &String| ResourceType::parse(name).ok_or_else(broken);
        let types = export.asked().types.iter().map(named).collect::<Result<_, _>>()?;
        let mut criteria: HashMap<_, Vec<Criteria>> = HashMap::new();
        for (name, text) in &export.asked().filters {
            let resource_type = named(name)?;
            let one = Criteria::parse(&gateway, resource_type, text).map_err(|_| broken())?;
            criteria.entry(resource_type).or_default().push(one);
        }
        Ok(Walk { gateway, export, caller, types, criteria })
    }

    /// Whether the export can have this file.
    pub(super) fn has(&self, file: File) -> bool {
        match file {
            File::Of(resource_type) => self.types.is_empty() || self.types.contains(&resource_type),
            File::Deleted => self.export.asked().since.is_some(),
        }
    }

    /// The types that are named; all when there is none.
    pub(super) fn types(&self) -> &BTreeSet<ResourceType> {
        &self.types
    }

    /// Lets `work` judge what is on a record; `None` when the record is closed to the caller. Blocks on storage.
    pub(super) fn judged<T>(
        &self,
        record: PatientKey,
        then: &Chart,
        work: impl FnOnce(&Judge<'_>) -> Result<T, Fault>,
    ) -> Result<Option<T>, Fault> {
        let now = self.gateway.chart(record)?;
        let policy = now.policy(&self.caller);
        let gate = now.gate(&self.caller, &policy, self.gateway.now()).found();
        if !gate.is_open() {
            return Ok(None);
        }
        let is_same = std::ptr::eq(&*now, then);
        let rows = || (0..now.len()).map(|row| ((now.columns.types[row], &now.columns.ids[row]), row)).collect();
        work(&Judge { now: &now, gate, then, rows: (!is_same).then(rows) }).map(Some)
    }

    /// A record as it was when the export began, when it is not closed to the caller. Blocks on storage.
    pub(super) fn open(&self, record: PatientKey) -> Result<Option<Arc<Chart>>, Fault> {
        let now = self.gateway.chart(record)?;
        let policy = now.policy(&self.caller);
        if !now.gate(&self.caller, &policy, self.gateway.now()).is_open() {
            return Ok(None);
        }
        let until = self.export.transaction_time();
        if now.columns.last_updated.iter().all(|stored| *stored <= until) {
            return Ok(Some(now));
        }
        self.gateway.chart_at(record, until).map(|chart| Some(Arc::new(chart)))
    }

    /// The rows of a type that belong to the export and may leave.
    pub(super) fn rows(&self, judge: &Judge<'_>, resource_type: ResourceType) -> Result<Vec<usize>, Fault> {
        let chart = judge.then;
        let is_elsewhere = chart.patient.directory_type().is_some_and(|held| held != resource_type);
        if is_elsewhere || !self.has(File::Of(resource_type)) {
            return Ok(Vec::new());
        }
        let mut rows: Vec<usize> = match self.criteria.get(&resource_type) {
            None => (0..chart.len()).filter(|row| chart.columns.types[*row] == resource_type).collect(),
            Some(any) => {
                let may_see = |row| judge.permit(row).is_some();
                let met = any.iter().map(|criteria| criteria.rows(&self.gateway, chart, &may_see));
                met.collect::<Result<Vec<_>, _>>()?.concat()
            }
        };
        rows.sort_unstable();
        rows.dedup();
        if let Some(since) = self.export.asked().since {
            rows.retain(|row| chart.columns.last_updated[*row] > since);
        }
        rows.retain(|row| judge.permit(*row).is_some());
        Ok(rows)
    }

    /// The names (`Type/id`) of what was deleted of a record and may be spoken of, and the consents by which. Blocks on
    /// storage.
    pub(super) fn deleted(&self, record: PatientKey) -> Result<Names, Fault> {
        let Some(since) = self.export.asked().since else { return Ok((Vec::new(), Vec::new())) };
        let until = self.export.transaction_time();
        let chart = self.gateway.chart(record)?;
        let policy = chart.policy(&self.caller);
        let gate = chart.gate(&self.caller, &policy, self.gateway.now()).found().past();
        if !gate.is_open() {
            return Ok((Vec::new(), Vec::new()));
        }
        let partition = self.gateway.pipeline().store().partition(record)?;
        let mut last: HashMap<(ResourceType, &ResourceId), usize> = HashMap::new();
        for (at, one) in partition.records.iter().enumerate().filter(|(_, one)| one.facts.last_updated <= until) {
            last.insert((one.facts.resource_type, &one.facts.id), at);
        }
        let mut places: Vec<usize> = last.into_values().collect();
        places.sort_unstable();
        let mut names = Vec::new();
        for at in places {
            let facts = &partition.records[at].facts;
            // What was never there and is known to be gone was nothing to anybody.
            let counts = facts.deleted && facts.version > 1 && facts.last_updated > since;
            if !counts || !self.has(File::Of(facts.resource_type)) {
                continue;
            }
            let name = format!("{}/{}", facts.resource_type.name(), facts.id.as_str()).into_bytes();
            names.extend(chart.permit_version(&gate, seen_by(&partition, at)).map(|permit| permit.release(name)));
        }
        Ok((names, gate.opened_by()))
    }

    /// The name of a file, when something of a record would be in it now. Blocks on storage.
    pub(super) fn holds(&self, record: PatientKey, file: File) -> Result<Option<Permitted<Vec<u8>>>, Fault> {
        let name = file.name().as_bytes().to_vec();
        match file {
            File::Deleted => Ok(self.deleted(record)?.0.pop().map(|deleted| deleted.map(|_| name))),
            File::Of(resource_type) => {
                let Some(chart) = self.open(record)? else { return Ok(None) };
                let permit = self.judged(record, &chart, |judge| {
                    Ok(self.rows(judge, resource_type)?.first().and_then(|row| judge.permit(*row)))
                })?;
                Ok(permit.flatten().map(|permit| permit.release(name)))
            }
        }
    }
}

impl Judge<'_> {
    /// The permit for a row of the chart as of then: by what it was, with the labels it had and those it has now; and what
    /// it is now must be permitted too.
    pub(super) fn permit(&self, row: usize) -> Option<Permit> {
        let Some(rows) = &self.rows else { return self.now.permit(&self.gate, row) };
        let (resource_type, id) = (self.then.columns.types[row], &self.then.columns.ids[row]);
        let now = *rows.get(&(resource_type, id))?;
        self.now.permit(&self.gate, now)?;
        self.gate.row(&RowFacts::row(&self.then.columns, row).labelled(self.now.columns.labels[now]))
    }

    /// The consent that opened a row of the chart as of then; `None` where the caller's role did.
    pub(super) fn opened_by(&self, row: usize) -> Option<&ConsentVersion> {
        self.gate.opened_row_by(&RowFacts::row(&self.then.columns, row))
    }
}
