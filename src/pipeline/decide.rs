//! From changes to versions: what a message makes different in a record. Pure: the record, the changes and the time in,
//! the new versions out.
//!
//! Messages come late and in any order; what holds in the end must not depend on it (`docs/adr/0017`). So the business
//! time of each statement is kept with what it states, also when it states nothing new.

mod merge;
mod whole;

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::standing::Standing;
use crate::fault::{Fault, Issue, IssueType, Place, Rule, Severity};
use crate::fhir::{Draft, ResourceId, ResourceType, time};
use crate::map::{Change, List};
use crate::search::LabelRules;
use crate::search::columns::is_supporting;
use crate::search::extract::extract_in;
use crate::search::facts::{Facts, Labels, token_hash};
use crate::validate;

/// A late message does not overwrite newer truth.
static OLDER: Rule = Rule {
    id: "older-than-stored",
    severity: Severity::Information,
    code: IssueType::BusinessRule,
    en: "{} was left as it is: what is stored is newer than what this message says.",
    ja: "{} は更新しませんでした。保存済みの内容の方がこのメッセージより新しいためです。",
};
/// What is on record for everybody to read does not change by what most may not know.
static LEFT_FOR_LABELS: Rule = Rule {
    id: "left-for-labels",
    severity: Severity::Information,
    code: IssueType::BusinessRule,
    en: "{} was left as it is: this message holds findings that are not to be told, and a change would tell of them.",
    ja: "{} は更新しませんでした。未告知または未提供の情報を含むメッセージによる変更は、その存在を示すためです。",
};
/// Deletion of something that was never there.
static NOTHING_TO_DELETE: Rule = Rule {
    id: "nothing-to-delete",
    severity: Severity::Information,
    code: IssueType::NotFound,
    en: "{} was to be deleted and is not on record.",
    ja: "{} の削除指示がありましたが、該当する記録はありません。",
};

/// A draft that is not JSON: the mapper's fault, found before anything is stored.
static NOT_JSON: Rule = Rule {
    id: "draft-not-json",
    severity: Severity::Fatal,
    code: IssueType::Exception,
    en: "{} could not be written as JSON.",
    ja: "{} をJSONとして書き出せませんでした。",
};

/// What a message makes different.
#[derive(Debug, Default)]
pub(super) struct Decision {
    /// New versions, in order.
    pub(super) versions: Vec<Version>,
    /// The Bundle that the message was.
    pub(super) bundle: Option<String>,
    /// Resources that were on record just so.
    pub(super) unchanged: usize,
    /// What was noticed.
    pub(super) issues: Vec<Issue>,
}

/// One new version.
#[derive(Debug)]
pub(super) struct Version {
    pub(super) facts: Facts,
    /// The resource as it will be read; empty for a deletion.
    pub(super) body: String,
    /// Whether no reader will see a difference: the version before stands, better known (since when it has held), or
    /// what was never there is gone.
    pub(super) is_silent: bool,
}

/// When and how a message is decided upon.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moment {
    /// Milliseconds since 1970.
    pub(super) now: i64,
    /// The sender's offset from UTC.
    pub(super) zone_minutes: i16,
    /// Whether the letter is a file of SS-MIX2 storage: of two such files of one instant the deleted one counts,
    /// however they arrive, because it is the other one renamed.
    pub(super) is_filed: bool,
}

impl Version {
    pub(super) fn reference(&self) -> String {
        format!("{}/{}", self.facts.resource_type.name(), self.facts.id.as_str())
    }
}

struct Making<'a> {
    standing: &'a Standing,
    rules: &'a LabelRules,
    /// Whether the message has stated something by now that says of itself that it is labelled.
    is_secret: bool,
    moment: Moment,
    instant: String,
    list: Option<List>,
    /// The time of the newest statement of the same list, when this message is older.
    list_overtaken: Option<i64>,
    origin: u64,
    /// Whether the order was stated anew by a newer message already.
    order_overtaken: bool,
    out: Decision,
}

/// Why nothing could be decided; nothing of the message is stored then.
#[derive(Debug)]
pub(super) enum Stop {
    /// The drafts are wrong: the letter is held.
    Wrong(Vec<Issue>),
    /// The record cannot be read.
    Broken(Fault),
}

impl From<Vec<Issue>> for Stop {
    fn from(issues: Vec<Issue>) -> Self {
        Stop::Wrong(issues)
    }
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Broken(fault)
    }
}

/// Decides; `rules` label what is new.
pub(super) fn decide(
    standing: &Standing,
    rules: &LabelRules,
    mut changes: Vec<Change>,
    origin: Option<&str>,
    moment: Moment,
) -> Result<Decision, Stop> {
    let list = changes.iter().find_map(|change| match change {
        Change::WholeList(list) => Some(*list),
        _ => None,
    });
    let instant = time::instant(moment.now, moment.zone_minutes);
    let origin = origin.map_or(0, token_hash);
    let newest = changes.iter().filter_map(Change::occurred).max().unwrap_or(i64::MAX);
    let list_overtaken = list.and_then(|list| whole::list_stated(standing, list)).filter(|at| *at > newest);
    let order_overtaken = whole::order_stated(standing, origin).is_some_and(|at| at > newest);
    let out = Decision::default();
    let is_secret = false;
    let mut making =
        Making { standing, rules, is_secret, moment, instant, list, list_overtaken, origin, order_overtaken, out };
    let mut stated = HashSet::new();
    // Mentions last: whether they may change anything depends on what else the message states.
    changes.sort_by_key(|change| matches!(change, Change::PutWeak(_)));
    for change in changes {
        match change {
            Change::Put(draft) => {
                stated.insert((draft.resource_type, draft.id.clone()));
                match making.is_told_in_parts(&draft) {
                    true => making.merge(draft, &[])?,
                    false => making.put(draft, 1)?,
                }
            }
            Change::PutWeak(draft) => making.put(draft, 0)?,
            Change::Merge { draft, drop } => making.merge(draft, &drop)?,
            Change::Delete { resource_type, id, occurred } => making.delete(resource_type, &id, occurred),
            Change::WholeList(list) => making.close_list(list, newest, &stated)?,
        }
    }
    making.close_order(newest, &stated);
    Ok(making.out)
}

impl Making<'_> {
    fn put(&mut self, draft: Draft, rank: u8) -> Result<(), Stop> {
        if draft.resource_type == ResourceType::BUNDLE {
            self.out.bundle.get_or_insert_with(|| draft.reference());
        }
        let draft = self.as_overtaken(draft, rank)?;
        let current = self.standing.current(draft.resource_type, &draft.id);
        let content = draft.content_hash();
        if self.is_overtaken(&draft, rank, current) {
            self.out.issues.push(Issue::with(&OLDER, Place::Whole, draft.reference()));
            return Ok(());
        }
        if let Some(current) = current {
            if current.rank > rank {
                return Ok(());
            }
            if current.content == content && !current.deleted {
                self.out.unchanged += 1;
                return self.confirm(&draft, rank, current);
            }
            if self.is_older(&draft, rank, current) {
                self.out.issues.push(Issue::with(&OLDER, Place::Whole, draft.reference()));
                return Ok(());
            }
            if self.is_left_for_labels(&draft, current) {
                return Ok(());
            }
        }
        self.add(&draft, rank, content, Vec::new())
    }

    /// Adds a version.
    fn add(&mut self, draft: &Draft, rank: u8, content: u128, stated: Vec<(u64, i64)>) -> Result<(), Stop> {
        let version = self.next_version(draft.resource_type, &draft.id);
        let body = draft.json(Some((version, &self.instant)));
        let (facts, labels) = self.facts(draft, version, rank, content, &body)?;
        self.is_secret |= !labels.is_empty();
        let facts = Facts { stated, ..facts };
        self.out.versions.push(Version { facts, body, is_silent: false });
        Ok(())
    }

    /// Whether a change of what is on record would tell of something that is not to be told; says so. What is labelled by rule
    /// alone is no reason: a department's every letter would leave the visit and the address as they were (`docs/adr/0038`).
    fn is_left_for_labels(&mut self, draft: &Draft, current: &Facts) -> bool {
        let supports = is_supporting(draft.resource_type) || draft.resource_type == ResourceType::PATIENT;
        let left = supports && self.is_secret && !current.deleted;
        if left {
            self.out.issues.push(Issue::with(&LEFT_FOR_LABELS, Place::Whole, draft.reference()));
        }
        left
    }

    /// Whether what is on record is newer than the draft. A mention never outweighs what was stated as such.
    fn is_older(&self, draft: &Draft, rank: u8, current: &Facts) -> bool {
        let gone = current.deleted && self.moment.is_filed;
        let older = |at: i64| at < current.occurred || (gone && at == current.occurred);
        (rank == current.rank || current.deleted) && draft.occurred.is_some_and(older)
    }

    /// What is on record just so was stated again: it is known to hold since then, as part of what it was stated in.
    /// The version stays, so that a sender who repeats itself does not make versions.
    fn confirm(&mut self, draft: &Draft, rank: u8, current: &Facts) -> Result<(), Stop> {
        // The place of an id that somebody chose is written with its first version, and only once.
        let is_kept_apart = matches!(draft.resource_type, ResourceType::PROVENANCE | ResourceType::BUNDLE);
        if rank == 0 || is_kept_apart || !self.standing.patient().derives(&draft.id) {
            return Ok(());
        }
        let at = draft.occurred.unwrap_or(i64::MIN);
        let (list, origin) = (self.list_number(draft.resource_type), self.origin_of(rank));
        let is_raised = rank > current.rank;
        let is_moved = at >= current.occurred && (list, origin) != (current.list, current.origin);
        // Lists and orders keep the time of each statement as a whole (`whole.rs`).
        let holds_longer = at > current.occurred && (list, origin) == (0, 0);
        if !is_raised && !is_moved && !holds_longer {
            return Ok(());
        }
        let facts = Facts { rank, list, origin, occurred: at, stated: Vec::new(), ..current.clone() };
        let body = self.standing.body(draft.resource_type, &draft.id)?.unwrap_or_default();
        self.out.versions.push(Version { facts, body, is_silent: true });
        Ok(())
    }

    /// The facts of a new version, and the labels that it states itself.
    fn facts(
        &self,
        draft: &Draft,
        version: u32,
        rank: u8,
        content: u128,
        body: &str,
    ) -> Result<(Facts, Labels), Vec<Issue>> {
        let broken = || vec![Issue::with(&NOT_JSON, Place::Whole, draft.reference())];
        let value: Value = serde_json::from_str(body).map_err(|_| broken())?;
        let found = validate::validate(&value);
        if !found.is_empty() {
            return Err(found);
        }
        let extracted = extract_in(&value, self.standing.patient(), self.moment.zone_minutes);
        // What a part of the directory says is about nobody.
        let labels = match self.standing.patient().is_directory() {
            true => extracted.labels,
            false => self.rules.labels(&value, extracted.labels),
        };
        let facts = Facts {
            resource_type: draft.resource_type,
            id: draft.id.clone(),
            version,
            deleted: false,
            last_updated: self.moment.now,
            occurred: draft.occurred.unwrap_or(i64::MIN),
            stated: Vec::new(),
            rank,
            list: self.list_number(draft.resource_type),
            origin: self.origin_of(rank),
            labels,
            content,
            patients: extracted.patients,
            tokens: extracted.tokens,
            dates: extracted.dates,
            references: extracted.references,
        };
        Ok((facts, extracted.labels))
    }

    /// The number of the version after the last one, counting those this message made.
    fn next_version(&self, resource_type: ResourceType, id: &ResourceId) -> u32 {
        self.last(resource_type, id).map_or(0, |facts| facts.version) + 1
    }

    /// The newest version, counting what this message made.
    fn last(&self, resource_type: ResourceType, id: &ResourceId) -> Option<&Facts> {
        let made = self.out.versions.iter().rev().find(|v| v.facts.resource_type == resource_type && v.facts.id == *id);
        made.map(|version| &version.facts).or_else(|| self.standing.current(resource_type, id))
    }

    fn origin_of(&self, rank: u8) -> u64 {
        if rank == 0 { 0 } else { self.origin }
    }

    fn delete(&mut self, resource_type: ResourceType, id: &ResourceId, occurred: Option<i64>) {
        let name = || format!("{}/{}", resource_type.name(), id.as_str());
        let current = self.standing.current(resource_type, id);
        let Some(current) = current.filter(|facts| !facts.deleted) else {
            self.out.issues.push(Issue::with(&NOTHING_TO_DELETE, Place::Whole, name()));
            return self.never(resource_type, id, occurred, current);
        };
        if occurred.is_some_and(|at| at < current.occurred) {
            self.out.issues.push(Issue::with(&OLDER, Place::Whole, name()));
            return;
        }
        let facts = Facts {
            version: self.next_version(resource_type, id),
            deleted: true,
            last_updated: self.moment.now,
            occurred: occurred.unwrap_or(current.occurred),
            stated: Vec::new(),
            labels: Labels::default(),
            content: 0,
            tokens: Vec::new(),
            dates: Vec::new(),
            references: Vec::new(),
            ..current.clone()
        };
        self.out.versions.push(Version { facts, body: String::new(), is_silent: false });
    }

    /// What is deleted before it arrives (or again) is known to be gone since then: the late statement of it must not
    /// bring it back.
    fn never(&mut self, resource_type: ResourceType, id: &ResourceId, occurred: Option<i64>, gone: Option<&Facts>) {
        let patient = self.standing.patient();
        let Some(occurred) = occurred.filter(|at| patient.derives(id) && gone.is_none_or(|f| f.occurred < *at)) else {
            return;
        };
        let facts = match gone {
            Some(gone) => Facts { occurred, ..gone.clone() },
            None => Facts {
                resource_type,
                id: id.clone(),
                version: self.next_version(resource_type, id),
                deleted: true,
                last_updated: self.moment.now,
                occurred,
                stated: Vec::new(),
                rank: 1,
                list: 0,
                origin: self.origin_of(1),
                labels: Labels::default(),
                content: 0,
                patients: vec![patient],
                tokens: Vec::new(),
                dates: Vec::new(),
                references: Vec::new(),
            },
        };
        self.out.versions.push(Version { facts, body: String::new(), is_silent: true });
    }

    /// The newest body, counting what this message made.
    fn body(&self, resource_type: ResourceType, id: &ResourceId) -> Result<Option<Map<String, Value>>, Fault> {
        // What cannot be read must not be taken for what is not there: its other parts would be lost.
        let unreadable = |_| Fault::Broken("a stored resource is not JSON".into());
        self.body_text(resource_type, id)?.map(|text| serde_json::from_str(&text).map_err(unreadable)).transpose()
    }

    fn body_text(&self, resource_type: ResourceType, id: &ResourceId) -> Result<Option<String>, Fault> {
        let made = self.out.versions.iter().rev().find(|v| v.facts.resource_type == resource_type && v.facts.id == *id);
        match made {
            Some(version) if version.facts.deleted => Ok(None),
            Some(version) => Ok(Some(version.body.clone())),
            None => self.standing.body(resource_type, id),
        }
    }
}

/// A draft from a stored body: version and instant are the store's, the rest stays as it was.
fn draft_of(resource_type: ResourceType, id: ResourceId, mut body: Map<String, Value>) -> Draft {
    let meta = match body.shift_remove("meta") {
        Some(Value::Object(mut meta)) => {
            meta.shift_remove("versionId");
            meta.shift_remove("lastUpdated");
            inner(meta)
        }
        _ => String::new(),
    };
    body.shift_remove("resourceType");
    body.shift_remove("id");
    Draft { resource_type, id, meta, members: inner(body), occurred: None }
}

fn inner(object: Map<String, Value>) -> String {
    let text = Value::Object(object).to_string();
    text.get(1..text.len() - 1).unwrap_or("").to_owned()
}
