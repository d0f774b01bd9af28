//! What is looked up before the first row: where chains lead, what points back, which codes a value set has.

use std::collections::HashSet;
use std::sync::Arc;

use super::quick::Quick;
use super::{Asked, Branch, Condition, Judge, Ready, Refused, Slow, Subject, Test};
use crate::fault::Fault;
use crate::fhir::ResourceType;
use crate::fhir::reference::below;
use crate::search::facts::token_hash;
use crate::search::query::rule::{self, issue};
use crate::search::query::{ReferenceWanted, Wanted};
use crate::search::terminology::Members;
use crate::search::visible::Row;
use serde_json::Value as Json;

impl<'v> Judge<'v> {
    /// Makes what is asked of a type ready.
    pub(in crate::search) fn ready<'q>(&self, branch: &'q Branch<'q>) -> Result<Ready<'q>, Refused> {
        let mut ready = Ready { resource_type: branch.resource_type, quick: Vec::new(), slow: Vec::new() };
        for condition in &branch.conditions {
            match self.slow(condition)? {
                Slow::Quick(quick) => ready.quick.push(quick),
                slow => ready.slow.push(slow),
            }
        }
        Ok(ready)
    }

    fn one<'q>(&self, resource_type: ResourceType, condition: &'q Condition<'q>) -> Result<Ready<'q>, Refused> {
        Ok(match self.slow(condition)? {
            Slow::Quick(quick) => Ready { resource_type, quick: vec![quick], slow: Vec::new() },
            slow => Ready { resource_type, quick: Vec::new(), slow: vec![slow] },
        })
    }

    fn slow<'q>(&self, condition: &'q Condition<'q>) -> Result<Slow<'q>, Refused> {
        let all = |all: &'q [Condition<'q>]| all.iter().map(|one| self.slow(one)).collect::<Result<Vec<_>, _>>();
        Ok(match condition {
            Condition::Id(ids) => Slow::Quick(Quick::Id(ids)),
            Condition::LastUpdated(dates) => Slow::Quick(Quick::LastUpdated(dates)),
            Condition::Parameter(asked) if self.is_ambiguous(asked) => {
                return Err(Refused::Issue(issue(&rule::AMBIGUOUS, &asked.name)));
            }
            Condition::Parameter(asked) => match (&asked.fast, self.codes(asked)?) {
                (_, Some(codes)) => Slow::Codes(asked, codes),
                (Some(fast), None) => Slow::Quick(Quick::Asked(asked, fast)),
                (None, None) => Slow::Values(asked),
            },
            Condition::Chain { reference, targets } => {
                let (mut hashes, mut contained) = (HashSet::new(), Vec::with_capacity(targets.len()));
                for (resource_type, condition) in targets {
                    let ready = self.one(*resource_type, condition)?;
                    self.rows(&[ready], &|at| self.visible.may_see(at), &mut |_, at| {
                        let columns = self.visible.charts()[at.chart];
                        let id = columns.ids[at.row].as_str();
                        hashes.extend(self.names_of(*resource_type, id));
                        Ok(())
                    })?;
                    contained.push((*resource_type, self.slow(condition)?));
                }
                Slow::Refers { reference, targets: hashes, contained }
            }
            Condition::Has { resource_type, reference, condition } => {
                let ready = self.one(*resource_type, condition)?;
                let mut own = HashSet::new();
                self.rows(&[ready], &|at| self.visible.may_see(at), &mut |_, at| {
                    let subject = Subject::row(self.visible, at, self.visible.charts()[at.chart]);
                    own.extend(self.targets(&subject, reference)?);
                    Ok(())
                })?;
                Slow::Own(own)
            }
            Condition::List(ids) => Slow::Own(self.listed(ids)?),
            Condition::Narrative(words) => Slow::Narrative(words),
            Condition::Content(words) => Slow::Content(words),
            Condition::Care(interval) => Slow::Care(*interval),
            Condition::Not(inner) => Slow::Not(Box::new(self.slow(inner)?)),
            Condition::All(inner) => Slow::All(all(inner)?),
            Condition::Any(inner) => Slow::Any(all(inner)?),
        })
    }

    /// Whether an id that is asked for without its type is that of several that may be seen (search.html#reference: "Servers
    /// SHOULD fail"). An id that was derived here is of one type.
    fn is_ambiguous(&self, asked: &Asked<'_>) -> bool {
        let Test::Among { wanted, .. } = &asked.test else { return false };
        wanted.iter().any(|one| match one {
            Wanted::Reference(named @ ReferenceWanted::Local(types, id)) => {
                named.is_of_any_type() && self.types_of(types, id) > 1
            }
            _ => false,
        })
    }

    /// Of how many of these types, or of all, there is something with this id that may be seen.
    fn types_of(&self, types: &[ResourceType], id: &str) -> usize {
        let mut found = Vec::new();
        for (chart, columns) in self.visible.charts().iter().enumerate() {
            for (row, _) in columns.ids.iter().enumerate().filter(|(_, own)| own.as_str() == id) {
                let of = columns.types[row];
                let counts = (types.is_empty() || types.contains(&of)) && !found.contains(&of);
                if counts && self.visible.may_see(Row { chart, row }) {
                    found.push(of);
                }
            }
        }
        found.len()
    }

    /// The items of Lists that may be seen.
    fn listed(&self, ids: &[Box<str>]) -> Result<HashSet<u64>, Fault> {
        let mut hashes = HashSet::new();
        self.bodies("List", &mut |id, list| {
            if ids.iter().any(|wanted| **wanted == *id) {
                let items = list.get("entry").and_then(Json::as_array).into_iter().flatten();
                let current = items.filter(|item| item.get("deleted") != Some(&Json::Bool(true)));
                let named = current.filter_map(|item| item.pointer("/item/reference")?.as_str());
                hashes.extend(named.map(|reference| {
                    let path = below(self.base, reference).unwrap_or(reference);
                    token_hash(path.split_once("/_history/").map_or(path, |(path, _)| path))
                }));
            }
            None::<()>
        })?;
        Ok(hashes)
    }

    /// The codes that `:in`, `:above` and `:below` mean, where that is what is asked.
    fn codes(&self, asked: &Asked<'_>) -> Result<Option<Vec<Arc<Members>>>, Refused> {
        let Test::Among { wanted, .. } = &asked.test else { return Ok(None) };
        let mut codes = Vec::new();
        for one in wanted {
            let found = match one {
                Wanted::Member(value_set) => self.terminology.members(below(self.base, value_set).unwrap_or(value_set)),
                Wanted::Subsumed { system, code, above } => self.terminology.subsumed(system, code, *above),
                _ => return Ok(None),
            };
            codes.push(found.map_err(|undecided| Refused::Issue(rule::undecided(&undecided, &asked.name)))?);
        }
        Ok(Some(codes).filter(|codes| !codes.is_empty()))
    }

    /// The first that `look` finds among the resources of a type that may be seen.
    fn bodies<T>(&self, name: &str, look: &mut dyn FnMut(&str, &Json) -> Option<T>) -> Result<Option<T>, Fault> {
        let Some(resource_type) = ResourceType::parse(name) else { return Ok(None) };
        let all = Ready { resource_type, quick: Vec::new(), slow: Vec::new() };
        let mut found = None;
        self.rows(&[all], &|at| self.visible.may_see(at), &mut |_, at| {
            let columns = self.visible.charts()[at.chart];
            if found.is_none() {
                let subject = Subject::row(self.visible, at, columns);
                found = look(columns.ids[at.row].as_str(), subject.json()?);
            }
            Ok(())
        })?;
        Ok(found)
    }
}
