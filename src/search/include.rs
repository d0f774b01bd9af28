//! What is included with a page (R4 search.html#include): what matches refer to, and what refers to them.

use std::collections::HashSet;

use super::definition::{Definition, Kind};
use super::evaluate::{Judge, Subject};
use super::facts::reference_hash;
use super::query::{Include, Query};
use super::value::{Reference, Target, Value};
use super::visible::Row;
use crate::fault::Fault;
use crate::fhir::ResourceType;

/// Most resources that are included with one page.
pub const INCLUDED_MAX: usize = 1000;
/// How often what was included is looked at again (`:iterate`).
const ROUNDS_MAX: usize = 8;

/// The rows that belong to a page, and whether there were more than may be.
pub(super) fn included(judge: &Judge<'_>, query: &Query<'_>, matches: &[Row]) -> Result<(Vec<Row>, bool), Fault> {
    let mut found = Gathered { seen: matches.iter().copied().collect(), rows: Vec::new(), cut: false };
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
    Ok((found.rows, found.cut))
}

struct Gathered {
    seen: HashSet<Row>,
    rows: Vec<Row>,
    cut: bool,
}

impl Gathered {
    fn add(&mut self, judge: &Judge<'_>, at: Row) {
        if self.seen.contains(&at) || !judge.visible.may_see(at) {
            return;
        }
        if self.rows.len() >= INCLUDED_MAX {
            self.cut = true;
            return;
        }
        self.seen.insert(at);
        self.rows.push(at);
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
                // A version is not kept apart: what it names is included as it stands.
                let Value::Reference(Reference { target: Target::Local(target, id, _), .. }) = value else { continue };
                if include.target.is_none_or(|wanted| wanted == target)
                    && let Some(row) = judge.find(at.chart, target, &id)
                {
                    found.add(judge, row);
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
            wanted(resource_type).then(|| reference_hash(resource_type, columns.ids[at.row].as_str()))
        })
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
