//! What is looked up before the first row: where chains lead, what points back, which codes a value set has.

use std::collections::HashSet;

use super::quick::Quick;
use super::{Asked, Branch, Condition, Judge, Ready, Refused, Slow, Subject, Test};
use crate::fault::Fault;
use crate::fhir::ResourceType;
use crate::fhir::oid;
use crate::search::facts::{folded_hash, reference_hash, system_hash, token_hash};
use crate::search::query::Wanted;
use crate::search::query::rule::{self, issue};
use crate::search::terminology::{self, Code};
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
                        hashes.insert(reference_hash(*resource_type, id));
                        if !self.base.is_empty() {
                            hashes.insert(token_hash(&format!("{}/{}/{id}", self.base, resource_type.name())));
                        }
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

    /// The items of Lists that may be seen.
    fn listed(&self, ids: &[Box<str>]) -> Result<HashSet<u64>, Fault> {
        let mut hashes = HashSet::new();
        self.bodies("List", &mut |id, list| {
            if ids.iter().any(|wanted| **wanted == *id) {
                let items = list.get("entry").and_then(Json::as_array).into_iter().flatten();
                let current = items.filter(|item| item.get("deleted") != Some(&Json::Bool(true)));
                let named = current.filter_map(|item| item.pointer("/item/reference")?.as_str());
                hashes.extend(named.map(|reference| {
                    let local = reference.strip_prefix(self.base).and_then(|path| path.strip_prefix('/'));
                    let path = local.filter(|_| !self.base.is_empty()).unwrap_or(reference);
                    token_hash(path.split_once("/_history/").map_or(path, |(path, _)| path))
                }));
            }
            None::<()>
        })?;
        Ok(hashes)
    }

    /// The codes that `:in`, `:above` and `:below` mean, where that is what is asked.
    fn codes(&self, asked: &Asked<'_>) -> Result<Option<HashSet<(u64, u64)>>, Refused> {
        let Test::Among { wanted, .. } = &asked.test else { return Ok(None) };
        let mut codes: Option<Vec<Code>> = None;
        for one in wanted {
            let found = match one {
                Wanted::Member(value_set) => self.members(value_set)?,
                Wanted::Subsumed { system, code, above } => self.subsumed(system, code, *above)?,
                _ => return Ok(None),
            };
            let unknown = || Refused::Issue(issue(&rule::VALUE_SET, &asked.name));
            codes.get_or_insert_default().extend(found.ok_or_else(unknown)?);
        }
        let hashed = |(system, code): &Code| (system_hash(system), folded_hash(code));
        Ok(codes.map(|codes| codes.iter().map(hashed).collect()))
    }

    fn members(&self, value_set: &str) -> Result<Option<Vec<Code>>, Fault> {
        let (url, version) = value_set.split_once('|').map_or((value_set, None), |(url, v)| (url, Some(v)));
        let local = url.strip_prefix(self.base).and_then(|path| path.strip_prefix('/')).unwrap_or(url);
        let by_id = local.strip_prefix("ValueSet/");
        let stored = self.bodies("ValueSet", &mut |id, body| {
            let text = |name| body.get(name).and_then(Json::as_str);
            let named = by_id == Some(id) || text("url") == Some(url);
            (named && version.is_none_or(|version| text("version") == Some(version)))
                .then(|| terminology::members(body))
        })?;
        Ok(stored.flatten().or_else(|| self.terminology.members(value_set)))
    }

    fn subsumed(&self, system: &str, code: &str, above: bool) -> Result<Option<Vec<Code>>, Fault> {
        let stored = self.bodies("CodeSystem", &mut |_, body| {
            let url = body.get("url").and_then(Json::as_str)?;
            (oid::canonical(url) == system).then(|| terminology::subsumed(body, code, above))
        })?;
        Ok(stored.flatten().or_else(|| self.terminology.subsumed(system, code, above)))
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
