//! A query judged on the rows of a scope (R4 search.html): facts first, whose comparison costs nanoseconds a row, and the
//! body, parsed once, of the rows that are left.

mod prepare;
mod quick;
mod subject;

use std::cell::OnceCell;
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use serde_json::Value as Json;

use super::columns::Columns;
use super::compare;
use super::definition::Definition;
use super::definitions::Definitions;
use super::facts::{clinical_interval, code_hash, reference_hash, system_hash, token_hash};
use super::query::{Asked, Branch, Condition, Server, Test};
use super::read::{self, Reading};
use super::strings::folded_for_search as fold;
use super::terminology::{Members, Terminology};
use super::value::{Reference, Target, Value};
use super::visible::{Row, Visible};
use crate::fault::{Fault, Issue};
use crate::fhir::ResourceType;
use crate::fhir::time::Interval;

use quick::Quick;
pub(super) use subject::Subject;

/// Why a search has no answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refused {
    /// It asks for what is not known here.
    Issue(Issue),
    /// The machine failed.
    Fault(Fault),
}

impl From<Fault> for Refused {
    fn from(fault: Fault) -> Self {
        Refused::Fault(fault)
    }
}

/// Judges queries on one scope.
pub struct Judge<'v> {
    pub(super) visible: &'v dyn Visible,
    terminology: &'v dyn Terminology,
    pub(super) definitions: &'v Definitions,
    base: &'v str,
    zone_minutes: i16,
    places: OnceCell<HashMap<(ResourceType, &'v str), Row>>,
}

/// What is asked of one type, with everything looked up that does not depend on the row.
pub(super) struct Ready<'q> {
    pub(super) resource_type: ResourceType,
    quick: Vec<Quick<'q>>,
    slow: Vec<Slow<'q>>,
}

/// A condition that needs more than the facts of the row.
enum Slow<'q> {
    Quick(Quick<'q>),
    Values(&'q Asked<'q>),
    /// Tokens that one of these has.
    Codes(&'q Asked<'q>, Vec<Arc<Members>>),
    Refers {
        reference: &'q Definition,
        targets: HashSet<u64>,
        contained: Vec<(ResourceType, Slow<'q>)>,
    },
    /// The row itself is one of these.
    Own(HashSet<u64>),
    Narrative(&'q [Box<str>]),
    Content(&'q [Box<str>]),
    Care(Interval),
    Not(Box<Slow<'q>>),
    All(Vec<Slow<'q>>),
    Any(Vec<Slow<'q>>),
}

impl<'v> Judge<'v> {
    /// A judge over what a caller may see.
    pub fn new(visible: &'v dyn Visible, terminology: &'v dyn Terminology, server: Server<'v>) -> Self {
        let Server { definitions, base, zone_minutes, .. } = server;
        Judge { visible, terminology, definitions, base, zone_minutes, places: OnceCell::new() }
    }

    /// Calls `see` with every row that is asked for and may be found, record by record, and with which it was asked by.
    pub(super) fn matches(
        &self,
        ready: &[Ready<'_>],
        see: &mut dyn FnMut(usize, Row) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        self.rows(ready, &|at| self.visible.may_match(at), see)
    }

    /// The same of the rows of which `may` holds.
    fn rows(
        &self,
        ready: &[Ready<'_>],
        may: &dyn Fn(Row) -> bool,
        see: &mut dyn FnMut(usize, Row) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        const NONE: u8 = u8::MAX;
        let mut by_type = [NONE; 256];
        for (at, ready) in ready.iter().enumerate() {
            by_type[usize::from(ready.resource_type.number())] = at as u8;
        }
        for (chart, columns) in self.visible.charts().iter().enumerate() {
            for (row, resource_type) in columns.types.iter().enumerate() {
                let by = by_type[usize::from(resource_type.number())];
                let Some(ready) = ready.get(usize::from(by)).filter(|_| by != NONE) else { continue };
                if !ready.quick.iter().all(|condition| condition.holds(columns, row)) {
                    continue;
                }
                let at = Row { chart, row };
                if may(at) && self.holds_all(&ready.slow, at, columns)? {
                    see(usize::from(by), at)?;
                }
            }
        }
        Ok(())
    }

    fn holds_all(&self, slow: &[Slow<'_>], at: Row, columns: &Columns) -> Result<bool, Fault> {
        if slow.is_empty() {
            return Ok(true);
        }
        let subject = Subject::row(self.visible, at, columns);
        for condition in slow {
            if !self.holds(condition, &subject)? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    fn holds(&self, condition: &Slow<'_>, subject: &Subject<'_>) -> Result<bool, Fault> {
        Ok(match condition {
            Slow::Quick(quick) => match subject.columns() {
                Some((columns, row)) => quick.holds(columns, row),
                None => self.holds_contained(quick, subject)?,
            },
            Slow::Values(asked) => match asked.test {
                // What has a fact is there; what has none may be there all the same.
                Test::Missing(missing) if subject.has_token(asked.definition) => !missing,
                _ => self.is_tested(subject, asked)?,
            },
            Slow::Codes(asked, codes) => self.coded(asked, codes, subject)?,
            Slow::Refers { reference, targets, contained } => {
                self.refers(subject, reference, targets)? || self.refers_inside(subject, reference, contained)?
            }
            Slow::Own(hashes) => {
                !hashes.is_empty()
                    && subject.columns().is_some_and(|(columns, row)| {
                        self.names_of(columns.types[row], columns.ids[row].as_str()).any(|own| hashes.contains(&own))
                    })
            }
            Slow::Narrative(words) => {
                let json = subject.json()?;
                let narrative = json.pointer("/text/div").and_then(Json::as_str).unwrap_or_default();
                all_words(&fold(&without_tags(narrative)), words)
            }
            Slow::Content(words) => {
                let mut text = String::new();
                strings(subject.json()?, &mut text);
                all_words(&fold(&text), words)
            }
            Slow::Care(asked) => {
                let stated = subject.columns().and_then(|(columns, row)| clinical_interval(columns.dates(row)));
                stated.is_none_or(|stated| stated.start < asked.end && asked.start < stated.end)
            }
            Slow::Not(inner) => !self.holds(inner, subject)?,
            Slow::All(all) => {
                for one in all {
                    if !self.holds(one, subject)? {
                        return Ok(false);
                    }
                }
                true
            }
            Slow::Any(any) => {
                for one in any {
                    if self.holds(one, subject)? {
                        return Ok(true);
                    }
                }
                false
            }
        })
    }

    /// The hashes by which references name a resource: its type and id, and its URL here.
    pub(super) fn names_of(&self, resource_type: ResourceType, id: &str) -> impl Iterator<Item = u64> + use<> {
        let local = reference_hash(resource_type, id);
        let url = (!self.base.is_empty()).then(|| token_hash(&format!("{}/{}/{id}", self.base, resource_type.name())));
        std::iter::once(local).chain(url)
    }

    /// What is contained has no facts: the same question is asked of its values.
    fn holds_contained(&self, quick: &Quick<'_>, subject: &Subject<'_>) -> Result<bool, Fault> {
        Ok(match quick {
            Quick::Id(ids) => {
                let id = subject.json()?.get("id").and_then(Json::as_str).unwrap_or_default();
                ids.iter().any(|wanted| **wanted == *id)
            }
            Quick::LastUpdated(_) => false,
            Quick::Asked(asked, _) => tested(&self.values(subject, asked.definition)?, &asked.test),
        })
    }

    /// The values of a parameter, whole.
    pub(super) fn values(&self, subject: &Subject<'_>, definition: &Definition) -> Result<Vec<Value>, Fault> {
        let reading = Reading { zone_minutes: self.zone_minutes, base: self.base };
        Ok(read::values(subject.json()?, definition, reading))
    }

    /// Whether the values of a parameter pass; strings of the directory are read once and kept.
    fn is_tested(&self, subject: &Subject<'_>, asked: &Asked<'_>) -> Result<bool, Fault> {
        let kept = subject.current().and_then(|(columns, row)| Some((columns.strings(asked.definition)?, row)));
        let Some((strings, row)) = kept else {
            return Ok(tested(&self.values(subject, asked.definition)?, &asked.test));
        };
        let Some(own) = strings.get(row) else { return Ok(false) };
        if own.get().is_none() {
            // Of two who read it at once one is enough.
            let _ = own.set(self.values(subject, asked.definition)?.into());
        }
        Ok(own.get().is_some_and(|values| tested(values, &asked.test)))
    }

    fn coded(&self, asked: &Asked<'_>, codes: &[Arc<Members>], subject: &Subject<'_>) -> Result<bool, Fault> {
        let Test::Among { negated, .. } = &asked.test else { return Ok(false) };
        let has = |system: u64, code: u64| codes.iter().any(|codes| codes.contains(system, code));
        let found = match subject.columns() {
            Some((columns, row)) if asked.definition.is_kept() => {
                let mut of_kind = columns.tokens(row).iter().filter(|t| t.parameter == asked.definition.parameter);
                of_kind.any(|token| has(token.system, token.code))
            }
            _ => self.values(subject, asked.definition)?.iter().any(|value| match value {
                Value::Token(token) => token.code.as_deref().is_some_and(|code| {
                    let system = system_hash(token.system.as_deref().unwrap_or_default());
                    has(system, code_hash(code, token.is_case_sensitive))
                }),
                _ => false,
            }),
        };
        Ok(found != *negated)
    }

    /// Hashes of what a reference of a row points to.
    pub(super) fn targets(&self, subject: &Subject<'_>, reference: &Definition) -> Result<Vec<u64>, Fault> {
        if let Some((columns, row)) = subject.columns().filter(|_| reference.is_kept()) {
            let of_kind = columns.tokens(row).iter().filter(|token| token.parameter == reference.parameter);
            return Ok(of_kind.map(|token| token.code).collect());
        }
        let local = |value: &Value| match value {
            Value::Reference(Reference { target: Target::Local(resource_type, id, _), .. }) => {
                Some(reference_hash(*resource_type, id))
            }
            _ => None,
        };
        Ok(self.values(subject, reference)?.iter().filter_map(local).collect())
    }

    fn refers(&self, subject: &Subject<'_>, reference: &Definition, targets: &HashSet<u64>) -> Result<bool, Fault> {
        Ok(!targets.is_empty() && self.targets(subject, reference)?.iter().any(|target| targets.contains(target)))
    }

    /// Chains go into what is contained (search.html#chaining).
    fn refers_inside(
        &self,
        subject: &Subject<'_>,
        reference: &Definition,
        contained: &[(ResourceType, Slow<'_>)],
    ) -> Result<bool, Fault> {
        if !subject.has_contained() {
            return Ok(false);
        }
        for value in self.values(subject, reference)? {
            let Value::Reference(Reference { target: Target::Contained(id), .. }) = value else { continue };
            let inside = subject.json()?.get("contained").and_then(Json::as_array).into_iter().flatten();
            let named = inside.filter(|one| one.get("id").and_then(Json::as_str) == Some(&*id));
            for one in named {
                let inner = Subject::contained(one);
                let of = one.get("resourceType").and_then(Json::as_str);
                for (_, condition) in contained.iter().filter(|(t, _)| Some(t.name()) == of) {
                    if self.holds(condition, &inner)? {
                        return Ok(true);
                    }
                }
            }
        }
        Ok(false)
    }

    /// The row of a resource, near a record first.
    pub(super) fn find(&self, near: usize, resource_type: ResourceType, id: &str) -> Option<Row> {
        let charts: &'v [&'v Columns] = self.visible.charts();
        let here = charts.get(near).and_then(|columns| columns.find(resource_type, id));
        if let Some(row) = here {
            return Some(Row { chart: near, row });
        }
        let places = self.places.get_or_init(|| {
            // Long ones (the directory's) have an index of their own, made once and not for each query.
            let short = charts.iter().enumerate().filter(|(_, columns)| !columns.is_long());
            let rows = short.flat_map(|(chart, columns)| {
                (0..columns.len()).map(move |row| ((columns.types[row], columns.ids[row].as_str()), Row { chart, row }))
            });
            rows.collect()
        });
        let in_long = || {
            let mut long = charts.iter().enumerate().filter(|(_, columns)| columns.is_long());
            long.find_map(|(chart, columns)| Some(Row { chart, row: columns.find(resource_type, id)? }))
        };
        places.get(&(resource_type, id)).copied().or_else(in_long)
    }
}

/// Whether the values of a parameter pass.
fn tested(values: &[Value], test: &Test) -> bool {
    match test {
        Test::Missing(missing) => values.is_empty() == *missing,
        Test::Among { wanted, negated } => wanted.iter().any(|wanted| compare::any(values, wanted)) != *negated,
    }
}

fn all_words(text: &str, words: &[Box<str>]) -> bool {
    words.iter().all(|word| text.split(' ').any(|said| said.starts_with(&**word)) || text.contains(&**word))
}

fn without_tags(html: &str) -> String {
    let mut out = String::with_capacity(html.len());
    let mut inside = false;
    for c in html.chars() {
        match c {
            '<' => inside = true,
            '>' => {
                inside = false;
                out.push(' ');
            }
            c if !inside => out.push(c),
            _ => {}
        }
    }
    out
}

fn strings(json: &Json, out: &mut String) {
    match json {
        Json::String(text) => {
            out.push_str(&without_tags(text));
            out.push(' ');
        }
        Json::Array(items) => items.iter().for_each(|item| strings(item, out)),
        Json::Object(members) => members.values().for_each(|member| strings(member, out)),
        _ => {}
    }
}

#[cfg(test)]
mod specification;
#[cfg(test)]
mod tests;
