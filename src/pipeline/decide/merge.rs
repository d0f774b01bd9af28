//! Visits are told in parts: admitted, moved, discharged, not discharged after all. Of each member the newest statement
//! counts, so each member keeps its own time; that of a member taken away too.

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::{Making, NOT_JSON, OLDER, Stop, Version, draft_of};
use crate::fault::{Issue, Place};
use crate::fhir::{Draft, ResourceType};
use crate::search::facts::{Facts, token_hash};

/// Members whose own members are told one by one.
const IN_PARTS: [&str; 2] = ["period", "hospitalization"];

/// A resource while members are merged into it.
struct Merged {
    body: Map<String, Value>,
    /// When it was stated whole; members that have no time of their own are as old.
    whole: i64,
    stated: HashMap<u64, i64>,
    /// When this statement was so; `None` always counts.
    at: Option<i64>,
    /// Whether anything of the statement counts.
    counts: bool,
}

impl Making<'_> {
    /// Whether a resource is told in parts from the beginning: the first statement of a visit states its members.
    pub(super) fn is_told_in_parts(&self, draft: &Draft) -> bool {
        let last = self.last(draft.resource_type, &draft.id);
        draft.resource_type == ResourceType::ENCOUNTER && last.is_none_or(|facts| facts.deleted)
    }

    /// What is stated replaces what was stated earlier, what is not stated stays; `drop` takes members away.
    pub(super) fn merge(&mut self, draft: Draft, drop: &[&str]) -> Result<(), Stop> {
        let last = self.last(draft.resource_type, &draft.id).cloned();
        let is_gone = last.as_ref().is_some_and(|facts| facts.deleted);
        if last.as_ref().is_some_and(|facts| facts.deleted && self.is_older(&draft, 1, facts)) {
            self.out.issues.push(Issue::with(&OLDER, Place::Whole, draft.reference()));
            return Ok(());
        }
        let before = last.filter(|_| !is_gone);
        let not_json = |_| vec![Issue::with(&NOT_JSON, Place::Whole, draft.reference())];
        let said: Map<String, Value> = serde_json::from_str(&draft.json(None)).map_err(not_json)?;
        let mut merged = Merged::begin(self.body(draft.resource_type, &draft.id)?, before.as_ref(), draft.occurred);
        merged.state(said);
        drop.iter().for_each(|path| merged.drop(path));
        if !merged.counts && before.is_some() {
            self.out.issues.push(Issue::with(&OLDER, Place::Whole, draft.reference()));
            return Ok(());
        }
        let newest = before.as_ref().map(|facts| facts.occurred).filter(|at| *at != i64::MIN).max(draft.occurred);
        let (body, stated) = merged.finish();
        // A first statement keeps its own words, to the letter.
        let whole = match &before {
            Some(_) => Draft { occurred: newest, ..draft_of(draft.resource_type, draft.id, body) },
            None => draft,
        };
        self.put_merged(whole, before.as_ref(), stated)
    }

    fn put_merged(&mut self, draft: Draft, before: Option<&Facts>, stated: Vec<(u64, i64)>) -> Result<(), Stop> {
        let content = draft.content_hash();
        let Some(before) = before else { return self.add(&draft, 1, content, stated) };
        if before.content == content {
            self.out.unchanged += 1;
            let occurred = draft.occurred.unwrap_or(i64::MIN);
            if (before.occurred, &before.stated) != (occurred, &stated) {
                let facts = Facts { occurred, stated, ..before.clone() };
                let body = self.body_text(draft.resource_type, &draft.id)?.unwrap_or_default();
                self.out.versions.push(Version { facts, body, is_silent: true });
            }
            return Ok(());
        }
        if self.is_left_for_labels(&draft, before) {
            return Ok(());
        }
        self.add(&draft, 1, content, stated)
    }
}

impl Merged {
    fn begin(body: Option<Map<String, Value>>, before: Option<&Facts>, at: Option<i64>) -> Self {
        let stated: HashMap<u64, i64> = before.iter().flat_map(|facts| facts.stated.iter().copied()).collect();
        let whole = before.filter(|facts| facts.stated.is_empty()).map_or(i64::MIN, |facts| facts.occurred);
        // A time for what has none of its own is kept under no name.
        let whole = stated.get(&0).copied().unwrap_or(whole);
        Merged { body: body.unwrap_or_default(), whole, stated, at, counts: false }
    }

    /// Whether this statement of a member counts; from then on it is the newest.
    fn takes(&mut self, path: &str) -> bool {
        let name = token_hash(path);
        let before = self.stated.get(&name).copied().unwrap_or(self.whole);
        let counts = self.at.is_none_or(|at| at >= before);
        if counts {
            self.stated.insert(name, self.at.unwrap_or(before));
            self.counts = true;
        }
        counts
    }

    fn state(&mut self, said: Map<String, Value>) {
        for (name, value) in said {
            match value {
                // These name the resource; they are no statement about it.
                _ if matches!(name.as_str(), "resourceType" | "id") => {
                    self.body.entry(name).or_insert(value);
                }
                Value::Object(parts) if IN_PARTS.contains(&name.as_str()) => {
                    for (part, value) in parts {
                        if self.takes(&format!("{name}.{part}")) {
                            let outer = self.body.entry(name.as_str()).or_insert_with(|| Value::Object(Map::new()));
                            outer.as_object_mut().map(|outer| outer.insert(part, value));
                        }
                    }
                }
                // Two records that are one person's stay so, whatever else is said of either.
                Value::Array(new) if name == "link" => self.unite(name, new),
                // What holds at any time is added to what is there; only whether a record is in use is decided by it.
                _ if self.at.is_none() && name != "active" && self.body.contains_key(&name) => {}
                value => {
                    if self.takes(&name) {
                        self.body.insert(name, value);
                    }
                }
            }
        }
    }

    fn unite(&mut self, name: String, new: Vec<Value>) {
        if let Value::Array(old) = self.body.entry(name).or_insert_with(|| Value::Array(Vec::new())) {
            let added: Vec<Value> = new.into_iter().filter(|item| !old.contains(item)).collect();
            self.counts |= !added.is_empty();
            old.extend(added);
        }
    }

    fn drop(&mut self, path: &str) {
        if !self.takes(path) {
            return;
        }
        match path.split_once('.') {
            None => {
                self.body.shift_remove(path);
            }
            Some((outer, inner)) => {
                if let Some(Value::Object(object)) = self.body.get_mut(outer) {
                    object.shift_remove(inner);
                }
            }
        }
    }

    /// The resource, and the times of its members in a fixed order.
    fn finish(mut self) -> (Map<String, Value>, Vec<(u64, i64)>) {
        self.body.retain(|_, value| value.as_object().is_none_or(|object| !object.is_empty()));
        if self.whole != i64::MIN {
            self.stated.insert(0, self.whole);
        }
        let mut stated: Vec<(u64, i64)> = self.stated.into_iter().collect();
        stated.sort_unstable();
        (self.body, stated)
    }
}
