//! What is included with a page (R4 search.html#include): what matches refer to, and what refers to them.

use std::collections::HashSet;

use super::definition::{Definition, Kind};
use super::evaluate::{Judge, Subject};
use super::query::{Condition, Include, Query};
use super::run::Version;
use super::value::{Reference, Target, Value};
use super::visible::Row;
use crate::fault::Fault;
use crate::fhir::ResourceType;

/// Most resources that are included with one page.
pub const INCLUDED_MAX: usize = 1000;
/// How often what was included is looked at again (`:iterate`).
const ROUNDS_MAX: usize = 8;

/// What belongs to a page.
pub(super) fn included(judge: &Judge<'_>, query: &Query<'_>, matches: &[Row]) -> Result<Gathered, Fault> {
    let seen = matches.iter().copied().collect();
    let mut found = Gathered { seen, rows: Vec::new(), versions: Vec::new(), cut: false };
    let mut frontier = matches.to_vec();
    for round in 0..ROUNDS_MAX {
        let before = found.rows.len();
        for include in query.includes.iter().filter(|include| round == 0 || include.iterate) {
            if include.reverse {
                referring(judge, include, &frontier, &mut found)?;
            } else {
                referred(judge, include, &frontier, &mut found)?;
            }
        }
        frontier = found.rows[before..].to_vec();
        if frontier.is_empty() || found.cut {
            break;
        }
    }
    Ok(found)
}

/// Whether a chain of the query was judged on the current version of something of which a match names another one
/// (search.html#chaining). Only what the caller may see counts.
pub(super) fn chained_otherwise(judge: &Judge<'_>, query: &Query<'_>, matches: &[Row]) -> Result<bool, Fault> {
    let mut by = Vec::new();
    query.branches.iter().flat_map(|branch| &branch.conditions).for_each(|one| chains(one, &mut by));
    for at in matches.iter().filter(|_| !by.is_empty()) {
        let columns = judge.visible.charts()[at.chart];
        let subject = Subject::row(judge.visible, *at, columns);
        if !subject.names_versions() {
            continue;
        }
        for definition in &by {
            for value in judge.values(&subject, definition)? {
                let Value::Reference(Reference { target: Target::Local(of, id, Some(version)), .. }) = value else {
                    continue;
                };
                let current = judge.find(at.chart, of, &id).filter(|row| judge.visible.may_see(*row));
                let number = |row: Row| judge.visible.charts()[row.chart].versions[row.row];
                if current.is_some_and(|row| number(row).to_string() != *version) {
                    return Ok(true);
                }
            }
        }
    }
    Ok(false)
}

/// The references that chains go over.
fn chains<'q>(condition: &'q Condition<'_>, by: &mut Vec<&'q Definition>) {
    match condition {
        Condition::Chain { reference, .. } => by.push(reference),
        Condition::Not(inner) => chains(inner, by),
        Condition::All(all) | Condition::Any(all) => all.iter().for_each(|one| chains(one, by)),
        _ => {}
    }
}

/// What is included with a page.
pub(super) struct Gathered {
    seen: HashSet<Row>,
    pub(super) rows: Vec<Row>,
    pub(super) versions: Vec<Version>,
    /// Whether there was more than may be.
    pub(super) cut: bool,
}

impl Gathered {
    fn add(&mut self, judge: &Judge<'_>, at: Row) {
        if self.seen.contains(&at) || !judge.visible.may_see(at) {
            return;
        }
        if self.is_full() {
            return;
        }
        self.seen.insert(at);
        self.rows.push(at);
    }

    /// Another version than the current one of something.
    fn add_version(&mut self, version: Version) {
        if !self.versions.contains(&version) && !self.is_full() {
            self.versions.push(version);
        }
    }

    fn is_full(&mut self) -> bool {
        let full = self.rows.len() + self.versions.len() >= INCLUDED_MAX;
        self.cut |= full;
        full
    }
}

fn referred(judge: &Judge<'_>, include: &Include<'_>, frontier: &[Row], found: &mut Gathered) -> Result<(), Fault> {
    for at in frontier {
        let columns = judge.visible.charts()[at.chart];
        let resource_type = columns.types[at.row];
        if include.source.is_some_and(|source| source != resource_type) {
            continue;
        }
        let subject = Subject::row(judge.visible, *at, columns);
        let every = judge.definitions.of(resource_type).filter(|definition| definition.kind == Kind::Reference);
        let every: Vec<&Definition> = include.reference.map_or_else(|| every.collect(), |one| vec![one]);
        for definition in every {
            for value in judge.values(&subject, definition)? {
                let Value::Reference(Reference { target: Target::Local(target, id, version), .. }) = value else {
                    continue;
                };
                if include.target.is_some_and(|wanted| wanted != target) {
                    continue;
                }
                let row = judge.find(at.chart, target, &id);
                let is_current = |row: &Row| {
                    let current = judge.visible.charts()[row.chart].versions[row.row];
                    version.as_ref().is_none_or(|named| current.to_string() == **named)
                };
                match (row.filter(is_current), version.as_ref().and_then(|version| version.parse().ok())) {
                    (Some(row), _) => found.add(judge, row),
                    (None, Some(version)) => found.add_version(Version { resource_type: target, id, version }),
                    (None, None) => {}
                }
            }
        }
    }
    Ok(())
}

fn referring(judge: &Judge<'_>, include: &Include<'_>, frontier: &[Row], found: &mut Gathered) -> Result<(), Fault> {
    let wanted = |resource_type: ResourceType| include.target.is_none_or(|target| target == resource_type);
    let hashes: HashSet<u64> = frontier
        .iter()
        .filter_map(|at| {
            let columns = judge.visible.charts()[at.chart];
            let resource_type = columns.types[at.row];
            wanted(resource_type).then(|| judge.names_of(resource_type, columns.ids[at.row].as_str()))
        })
        .flatten()
        .collect();
    if hashes.is_empty() {
        return Ok(());
    }
    for (chart, columns) in judge.visible.charts().iter().enumerate() {
        for row in 0..columns.len() {
            let at = Row { chart, row };
            if include.source.is_some_and(|source| source != columns.types[row]) || found.seen.contains(&at) {
                continue;
            }
            let refers = match include.reference {
                None => columns.references(row).iter().any(|hash| hashes.contains(hash)),
                Some(definition) => {
                    // Any reference at all is looked at first: it costs no body.
                    columns.references(row).iter().any(|hash| hashes.contains(hash)) && {
                        let subject = Subject::row(judge.visible, at, columns);
                        judge.targets(&subject, definition)?.iter().any(|hash| hashes.contains(hash))
                    }
                }
            };
            if refers {
                found.add(judge, at);
            }
        }
    }
    Ok(())
}
