//! The directory as requests look at it: which parts of it a query touches, and the definitions that are part of the program.

use std::sync::Arc;

use serde_json::Value;

use super::Gateway;
use crate::chart::{Chart, Kin};
use crate::consent::{Caller, Role, Terms, is_directory};
use crate::fault::Fault;
use crate::fhir::json::Members;
use crate::fhir::{Draft, PatientKey, ResourceId, ResourceType};
use crate::pipeline::{Content, Expected, Pipeline, Put, Statement};
use crate::store::{Hot, Store};

/// Memory for the parts of the directory, bytes, beside what is kept of patients: neither takes the other's place.
pub const DIRECTORY_BYTES_MAX: usize = 512 << 20;
/// When what is part of the program was made: 2026-11-22T00:00:00+09:00, milliseconds since 1970.
const MADE: i64 = 1_795_273_200_000;
/// The naming systems that are part of the program.
const NAMING: [&str; 9] = [
    include_str!("../../profiles/naming/care-insured.json"),
    include_str!("../../profiles/naming/care-insurer-number.json"),
    include_str!("../../profiles/naming/care-office-number.json"),
    include_str!("../../profiles/naming/corporate-number.json"),
    include_str!("../../profiles/naming/letter.json"),
    include_str!("../../profiles/naming/map-version.json"),
    include_str!("../../profiles/naming/medical-institution-code.json"),
    include_str!("../../profiles/naming/patient-number.json"),
    include_str!("../../profiles/naming/staff-number.json"),
];

/// The charts of what lies in the directory.
#[derive(Debug)]
pub(super) struct Directory {
    hot: Hot<Chart>,
    /// What is part of the program, as if it lay in a part of its own; nothing of it is stored.
    naming: Arc<Chart>,
}

impl Directory {
    /// Over a store.
    pub(super) fn over(store: &Store, terms: &Arc<Terms>) -> Result<Self, Fault> {
        let of_charts = terms.clone();
        let hot =
            Hot::new(store, DIRECTORY_BYTES_MAX, move |partition| Chart::build(partition, Kin::default(), &of_charts));
        Ok(Directory { hot, naming: Arc::new(naming(terms)?) })
    }

    /// A part's chart when it is in memory: never blocks on storage.
    pub(super) fn hot(&self, part: PatientKey) -> Option<Arc<Chart>> {
        if part == self.naming.patient { Some(self.naming.clone()) } else { self.hot.get(part) }
    }

    /// A part's chart. Blocks on storage when the part is not in memory.
    pub(super) fn chart(&self, part: PatientKey) -> Result<Arc<Chart>, Fault> {
        if part == self.naming.patient { Ok(self.naming.clone()) } else { self.hot.load(part) }
    }

    /// The chart of what is part of the program, when this is.
    pub(super) fn built_in(&self, resource_type: ResourceType, id: &ResourceId) -> Option<&Arc<Chart>> {
        let chart = Some(&self.naming).filter(|_| resource_type == ResourceType::NAMING_SYSTEM);
        chart.filter(|chart| chart.row(resource_type, id).is_some())
    }
}

impl Gateway {
    /// The parts of the directory that a caller may read and that hold resources for which `wanted` holds.
    pub fn directory_of(&self, caller: &Caller, wanted: impl Fn(ResourceType) -> bool) -> Vec<PatientKey> {
        self.known.directory(|of| (caller.role == Role::Open || is_directory(of)) && wanted(of))
    }

    /// The part that holds what is part of the program, for a search of this type alone: in no list of everything, in no
    /// history and in no export.
    pub fn built_in_part(&self, resource_type: Option<ResourceType>) -> Option<PatientKey> {
        let naming = ResourceType::NAMING_SYSTEM;
        (resource_type == Some(naming)).then(|| PatientKey::built_in(naming))
    }

    /// Whether something is part of the program: it is read, and not written.
    pub fn is_built_in(&self, resource_type: ResourceType, id: &ResourceId) -> bool {
        self.directory.built_in(resource_type, id).is_some()
    }

    /// The parts of the directory in which something of a type has, or had, one of these identifiers
    /// ([`crate::search::query::Query::identifiers`]). Parts have the smallest keys, so they come first however many
    /// records name the same number. Blocks on storage.
    pub fn identified_parts(&self, resource_type: ResourceType, values: &[u64]) -> Result<Vec<PatientKey>, Fault> {
        let mut parts = Vec::new();
        for value in values {
            let found = self.store.identified(resource_type, *value, PatientKey::DIRECTORY_PARTS)?;
            parts.extend(found.into_iter().filter(|record| record.is_directory()));
        }
        parts.sort_unstable();
        parts.dedup();
        Ok(parts)
    }
}

/// The naming systems that are part of the program, as the chart of a part of the directory.
fn naming(terms: &Arc<Terms>) -> Result<Chart, Fault> {
    let part = PatientKey::built_in(ResourceType::NAMING_SYSTEM);
    let store = Store::open_memory();
    let statements = NAMING.iter().map(|text| statement(text, part)).collect::<Option<Vec<_>>>();
    let broken = || Fault::Broken("a naming system of the program is not one".into());
    let stated = Pipeline::new(store.clone(), || MADE).state(&statements.ok_or_else(broken)?)?;
    stated.map_err(|_| broken())?;
    Chart::build(&store.partition(part)?, Kin::default(), terms)
}

fn statement(text: &str, part: PatientKey) -> Option<Statement> {
    let resource: Value = serde_json::from_str(text).ok()?;
    // As short as what is stored.
    let text = resource.to_string();
    let id = ResourceId::parse(resource.get("id")?.as_str()?)?;
    let draft = Draft::received(ResourceType::NAMING_SYSTEM, id.clone(), &Members::of(&text)?, |_, _| None);
    Some(Statement {
        resource_type: ResourceType::NAMING_SYSTEM,
        id,
        record: Some(part),
        content: Content::Put(Box::new(Put::new(draft, &resource))),
        expected: Expected::Absent,
        only_directory: false,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_part_of_the_program_is_read_as_the_rest_of_the_directory() {
        let directory = Directory::over(&Store::open_memory(), &Arc::default()).unwrap();
        let part = PatientKey::built_in(ResourceType::NAMING_SYSTEM);
        assert_eq!(part.directory_type(), Some(ResourceType::NAMING_SYSTEM));
        assert_eq!(directory.chart(part).unwrap().len(), NAMING.len());
        let id = ResourceId::parse("care-office-number").unwrap();
        assert!(directory.built_in(ResourceType::NAMING_SYSTEM, &id).is_some());
        assert!(directory.built_in(ResourceType::ORGANIZATION, &id).is_none());
        let files = std::fs::read_dir("profiles/naming").unwrap().count();
        assert_eq!(files, NAMING.len(), "every file of profiles/naming is compiled in");
    }
}
