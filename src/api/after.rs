//! The records as they will be once a transaction is done (http.html#trules): what a conditional reference is looked for
//! in. A search sees what is on record, without what the transaction replaces or takes away, and what it puts there.

use std::collections::{HashMap, HashSet};

use serde_json::Value;

use super::scoped::Scoped;
use crate::fault::Fault;
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::search::Columns;
use crate::search::facts::{Facts, extract};
use crate::search::visible::{Row, Visible};

/// What a transaction makes of the records. An empty one changes nothing.
#[derive(Debug, Default)]
pub(super) struct After {
    /// What is on record and will be gone, or be another version.
    replaced: HashMap<ResourceType, HashSet<ResourceId>>,
    facts: Vec<Facts>,
    bodies: Vec<Vec<u8>>,
    /// The records that what is put lies in.
    pub(super) records: Vec<PatientKey>,
    columns: Columns,
}

impl After {
    /// Without a resource that is on record, or the version of it that is.
    pub(super) fn without(&mut self, resource_type: ResourceType, id: &ResourceId) {
        self.replaced.entry(resource_type).or_default().insert(id.clone());
    }

    /// With a resource under its id, in a record; `now`, milliseconds since 1970, is when it is stored. `zone_minutes` is
    /// the offset of dates that have none.
    pub(super) fn with(
        &mut self,
        resource_type: ResourceType,
        resource: &Value,
        record: PatientKey,
        now: i64,
        zone_minutes: i16,
    ) {
        let Some(id) = resource.get("id").and_then(Value::as_str).and_then(ResourceId::parse) else { return };
        let read = extract(resource, zone_minutes);
        self.facts.push(Facts {
            resource_type,
            id,
            version: 1,
            deleted: false,
            last_updated: now,
            occurred: now,
            stated: Vec::new(),
            rank: 1,
            list: 0,
            origin: 0,
            labels: read.labels,
            content: 0,
            patients: read.patients,
            tokens: read.tokens,
            dates: read.dates,
            references: read.references,
        });
        self.bodies.push(resource.to_string().into_bytes());
        self.records.push(record);
    }

    /// Ready to be searched.
    pub(super) fn done(mut self) -> Self {
        self.columns = Columns::build(self.facts.iter());
        self.records.sort_unstable();
        self.records.dedup();
        self
    }

    /// The columns of records without what is replaced; `None` for a record of which nothing is.
    pub(super) fn left_of(&self, scoped: &Scoped<'_>) -> Vec<Option<(Columns, Vec<usize>)>> {
        let is_replaced =
            |of: ResourceType, id: &ResourceId| self.replaced.get(&of).is_some_and(|ids| ids.contains(id));
        let left = |columns: &&Columns| columns.without(is_replaced);
        scoped.charts().iter().map(|columns| if self.replaced.is_empty() { None } else { left(columns) }).collect()
    }

    /// What a row of [`Then`] is, where the transaction puts it there.
    pub(super) fn id(&self, row: usize) -> Option<&ResourceId> {
        self.columns.ids.get(row)
    }
}

/// What a caller may see of some records once the transaction is done. What the caller itself states, it may see.
pub(super) struct Then<'a> {
    scoped: &'a Scoped<'a>,
    after: &'a After,
    left: &'a [Option<(Columns, Vec<usize>)>],
    columns: Vec<&'a Columns>,
}

impl<'a> Then<'a> {
    /// `left` is what [`After::left_of`] gives of the same.
    pub(super) fn new(scoped: &'a Scoped<'a>, after: &'a After, left: &'a [Option<(Columns, Vec<usize>)>]) -> Self {
        let of = |(columns, left): (&&'a Columns, &'a Option<(Columns, Vec<usize>)>)| match left {
            Some((left, _)) => left,
            None => *columns,
        };
        let columns = scoped.charts().iter().zip(left).map(of).chain([&after.columns]).collect();
        Then { scoped, after, left, columns }
    }

    /// The row on record; `None` for what the transaction puts there.
    pub(super) fn stored(&self, at: Row) -> Option<Row> {
        let left = self.left.get(at.chart)?;
        let row = match left {
            Some((_, rows)) => *rows.get(at.row)?,
            None => at.row,
        };
        Some(Row { row, ..at })
    }
}

impl Visible for Then<'_> {
    fn charts(&self) -> &[&Columns] {
        &self.columns
    }

    fn may_see(&self, at: Row) -> bool {
        self.stored(at).is_none_or(|at| self.scoped.may_see(at))
    }

    fn body(&self, at: Row) -> Result<Vec<u8>, Fault> {
        match self.stored(at) {
            Some(at) => self.scoped.body(at),
            None => self.after.bodies.get(at.row).cloned().ok_or_else(|| Fault::Broken("no such row".into())),
        }
    }

    fn earlier(&self, _: usize) -> Option<&Columns> {
        None
    }

    fn earlier_body(&self, at: Row) -> Result<Vec<u8>, Fault> {
        self.body(at)
    }
}
