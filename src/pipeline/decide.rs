//! From changes to versions: what a message makes different in a record. Pure: the record, the changes and the time in,
//! the new versions out.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::standing::Standing;
use crate::fault::{Fault, Issue, IssueType, Place, Rule, Severity};
use crate::fhir::{Draft, ResourceId, ResourceType, time};
use crate::map::{Change, List};
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

/// A newer file of an order says less than the one before.
static ORDER_RESTATED: Rule = Rule {
    id: "order-restated",
    severity: Severity::Warning,
    code: IssueType::BusinessRule,
    en: "The order is stated anew; {} resources that it does not state any more are gone.",
    ja: "オーダの内容が差し替えられました。新しい内容にないリソース{}件を削除しました。",
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
}

impl Version {
    pub(super) fn reference(&self) -> String {
        format!("{}/{}", self.facts.resource_type.name(), self.facts.id.as_str())
    }
}

struct Making<'a> {
    standing: &'a Standing,
    now: i64,
    instant: String,
    zone_minutes: i16,
    list: Option<List>,
    origin: u64,
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

/// Decides.
pub(super) fn decide(
    standing: &Standing,
    mut changes: Vec<Change>,
    origin: Option<&str>,
    now: i64,
    zone_minutes: i16,
) -> Result<Decision, Stop> {
    let list = changes.iter().find_map(|change| match change {
        Change::WholeList(list) => Some(*list),
        _ => None,
    });
    let instant = time::instant(now, zone_minutes);
    let origin = origin.map_or(0, token_hash);
    let mut making = Making { standing, now, instant, zone_minutes, list, origin, out: Decision::default() };
    let newest = changes.iter().filter_map(Change::occurred).max().unwrap_or(i64::MAX);
    let mut stated = HashSet::new();
    // Mentions last: whether they may change anything depends on what else the message states.
    changes.sort_by_key(|change| matches!(change, Change::PutWeak(_)));
    for change in changes {
        match change {
            Change::Put(draft) => {
                stated.insert((draft.resource_type, draft.id.clone()));
                making.put(draft, 1)?;
            }
            Change::PutWeak(draft) => making.put(draft, 0)?,
            Change::Merge { draft, drop } => {
                let merged = making.merge(draft, &drop)?;
                making.put(merged, 1)?;
            }
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
        let current = self.standing.current(draft.resource_type, &draft.id);
        let content = draft.content_hash();
        if let Some(current) = current {
            if current.rank > rank {
                return Ok(());
            }
            if current.content == content && !current.deleted {
                self.out.unchanged += 1;
                return Ok(());
            }
            if draft.occurred.is_some_and(|at| at < current.occurred) {
                self.out.issues.push(Issue::with(&OLDER, Place::Whole, draft.reference()));
                return Ok(());
            }
            let supports = is_supporting(draft.resource_type) || draft.resource_type == ResourceType::PATIENT;
            if supports && self.is_labelled() && !current.deleted {
                self.out.issues.push(Issue::with(&LEFT_FOR_LABELS, Place::Whole, draft.reference()));
                return Ok(());
            }
        }
        let version = self.next_version(draft.resource_type, &draft.id);
        let body = draft.json(Some((version, &self.instant)));
        let facts = self.facts(&draft, version, rank, content, &body)?;
        self.out.versions.push(Version { facts, body });
        Ok(())
    }

    /// Whether the message has stated something labelled by now; a Bundle, which has the labels of all it holds, is stated
    /// before its entries.
    fn is_labelled(&self) -> bool {
        self.out.versions.iter().any(|version| !version.facts.labels.is_empty())
    }

    fn facts(&self, draft: &Draft, version: u32, rank: u8, content: u128, body: &str) -> Result<Facts, Vec<Issue>> {
        let broken = || vec![Issue::with(&NOT_JSON, Place::Whole, draft.reference())];
        let value: Value = serde_json::from_str(body).map_err(|_| broken())?;
        let found = validate::validate(&value);
        if !found.is_empty() {
            return Err(found);
        }
        let extracted = extract_in(&value, self.standing.patient(), self.zone_minutes);
        Ok(Facts {
            resource_type: draft.resource_type,
            id: draft.id.clone(),
            version,
            deleted: false,
            last_updated: self.now,
            occurred: draft.occurred.unwrap_or(i64::MIN),
            rank,
            list: self.list_number(draft.resource_type),
            origin: if rank == 0 || draft.resource_type == ResourceType::PROVENANCE { 0 } else { self.origin },
            labels: extracted.labels,
            content,
            patients: extracted.patients,
            tokens: extracted.tokens,
            dates: extracted.dates,
            references: extracted.references,
        })
    }

    /// The number of the version after the last one, counting those this message made.
    fn next_version(&self, resource_type: ResourceType, id: &ResourceId) -> u32 {
        let made = self.out.versions.iter().filter(|v| v.facts.resource_type == resource_type && v.facts.id == *id);
        let stored = self.standing.current(resource_type, id).map_or(0, |facts| facts.version);
        stored + 1 + made.count() as u32
    }

    fn list_number(&self, resource_type: ResourceType) -> u8 {
        match self.list {
            Some(List::Problems) if resource_type == ResourceType::CONDITION => 1,
            Some(List::Allergies) if resource_type == ResourceType::ALLERGY_INTOLERANCE => 2,
            _ => 0,
        }
    }

    fn delete(&mut self, resource_type: ResourceType, id: &ResourceId, occurred: Option<i64>) {
        let name = || format!("{}/{}", resource_type.name(), id.as_str());
        let Some(current) = self.standing.current(resource_type, id).filter(|facts| !facts.deleted) else {
            self.out.issues.push(Issue::with(&NOTHING_TO_DELETE, Place::Whole, name()));
            return;
        };
        if occurred.is_some_and(|at| at < current.occurred) {
            self.out.issues.push(Issue::with(&OLDER, Place::Whole, name()));
            return;
        }
        let facts = Facts {
            version: current.version + 1,
            deleted: true,
            last_updated: self.now,
            occurred: occurred.unwrap_or(current.occurred),
            labels: Labels::default(),
            content: 0,
            tokens: Vec::new(),
            dates: Vec::new(),
            references: Vec::new(),
            ..current.clone()
        };
        self.out.versions.push(Version { facts, body: String::new() });
    }

    /// What the order stated before and does not state now is gone (a result taken back, a drug struck out).
    fn close_order(&mut self, newest: i64, stated: &HashSet<(ResourceType, ResourceId)>) {
        if self.origin == 0 {
            return;
        }
        let before = self.standing.of_origin(self.origin);
        let gone: Vec<(ResourceType, ResourceId)> = before
            .filter(|f| f.occurred <= newest && !stated.contains(&(f.resource_type, f.id.clone())))
            .filter(|f| {
                !self.out.versions.iter().any(|v| v.facts.resource_type == f.resource_type && v.facts.id == f.id)
            })
            .map(|f| (f.resource_type, f.id.clone()))
            .collect();
        if !gone.is_empty() {
            self.out.issues.push(Issue::with(&ORDER_RESTATED, Place::Whole, gone.len().to_string()));
        }
        for (resource_type, id) in gone {
            self.delete(resource_type, &id, Some(newest));
        }
    }

    /// Members of the list that this message did not state become inactive (japan.md 3.2: PPR-01 and ADT-61 are whole).
    fn close_list(
        &mut self,
        list: List,
        newest: i64,
        stated: &HashSet<(ResourceType, ResourceId)>,
    ) -> Result<(), Stop> {
        let number = if list == List::Problems { 1 } else { 2 };
        let resource_type =
            if list == List::Problems { ResourceType::CONDITION } else { ResourceType::ALLERGY_INTOLERANCE };
        let gone: Vec<Facts> = self
            .standing
            .of_type(resource_type)
            .into_iter()
            .filter(|f| f.list == number && f.occurred <= newest)
            .filter(|f| !stated.contains(&(f.resource_type, f.id.clone())))
            .cloned()
            .collect();
        for facts in gone {
            let Some(mut body) = self.body(facts.resource_type, &facts.id)? else { continue };
            let system = match list {
                List::Problems => "http://terminology.hl7.org/CodeSystem/condition-clinical",
                List::Allergies => "http://terminology.hl7.org/CodeSystem/allergyintolerance-clinical",
            };
            if body.contains_key("abatementDateTime") || is_entered_in_error(&body) {
                continue;
            }
            body.insert(
                "clinicalStatus".into(),
                serde_json::json!({"coding": [{"system": system, "code": "inactive"}]}),
            );
            let mut draft = draft_of(facts.resource_type, facts.id, body);
            draft.occurred = Some(newest).filter(|newest| *newest != i64::MAX);
            self.put(draft, 1)?;
        }
        Ok(())
    }

    /// What is stated replaces, what is not stated stays; objects such as `period` are merged one level deep.
    fn merge(&self, draft: Draft, drop: &[&str]) -> Result<Draft, Stop> {
        let Some(mut merged) = self.body(draft.resource_type, &draft.id)? else { return Ok(draft) };
        let stated: Map<String, Value> = serde_json::from_str(&format!("{{{}}}", draft.members))
            .map_err(|_| vec![Issue::with(&NOT_JSON, Place::Whole, draft.reference())])?;
        // What holds at any time is added to what is there; only whether a record is in use is decided by it.
        let is_timeless = draft.occurred.is_none();
        for (name, value) in stated {
            match (merged.get_mut(&name), value) {
                (Some(Value::Object(old)), Value::Object(new))
                    if matches!(name.as_str(), "period" | "hospitalization") =>
                {
                    old.extend(new);
                }
                // Two records that are one person's stay so, whatever else is said of either.
                (Some(Value::Array(old)), Value::Array(new)) if name == "link" => {
                    let added: Vec<Value> = new.into_iter().filter(|link| !old.contains(link)).collect();
                    old.extend(added);
                }
                (Some(_), _) if is_timeless && name != "active" => {}
                (_, value) => {
                    merged.insert(name, value);
                }
            }
        }
        for path in drop {
            match path.split_once('.') {
                None => {
                    merged.shift_remove(*path);
                }
                Some((outer, inner)) => {
                    if let Some(Value::Object(object)) = merged.get_mut(outer) {
                        object.shift_remove(inner);
                    }
                }
            }
        }
        merged.retain(|_, value| value.as_object().is_none_or(|object| !object.is_empty()));
        let stored = self.standing.current(draft.resource_type, &draft.id).map(|facts| facts.occurred);
        let occurred = draft.occurred.or(stored.filter(|at| *at != i64::MIN));
        Ok(Draft { occurred, ..draft_of(draft.resource_type, draft.id, merged) })
    }

    /// The newest body, counting what this message made.
    fn body(&self, resource_type: ResourceType, id: &ResourceId) -> Result<Option<Map<String, Value>>, Fault> {
        let made = self.out.versions.iter().rev().find(|v| v.facts.resource_type == resource_type && v.facts.id == *id);
        let text = match made {
            Some(version) if version.facts.deleted => None,
            Some(version) => Some(version.body.clone()),
            None => self.standing.body(resource_type, id)?,
        };
        // What cannot be read must not be taken for what is not there: its other parts would be lost.
        let unreadable = |_| Fault::Broken("a stored resource is not JSON".into());
        text.map(|text| serde_json::from_str(&text).map_err(unreadable)).transpose()
    }
}

fn is_entered_in_error(body: &Map<String, Value>) -> bool {
    body.get("verificationStatus").is_some_and(|status| status.to_string().contains("entered-in-error"))
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
