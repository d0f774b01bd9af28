//! What a caller states over REST (http.html#create, #update, #delete, #transaction): resources put and taken away, in any
//! number of records, in one commit or not at all.
//!
//! A statement is no letter: its caller is told at once what became of it, and what it states is kept as it was said. So the
//! log names no letter, and a replay leaves what was stated so alone ([`Facts::is_by_caller`]).

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde_json::Value;
use uuid::Uuid;

use super::standing::Standing;
use super::{CONFLICTS_MAX, Kindred, Pipeline, decide::Version};
use crate::fault::Fault;
use crate::fhir::json::Members;
use crate::fhir::reference::Literal;
use crate::fhir::{Draft, PatientKey, ResourceId, ResourceType, time};
use crate::search::LabelRules;
use crate::search::facts::{BY_CALLER, CREATED_BY_CALLER, Extracted, Facts, Labels, extract};
use crate::search::label_rules::Coded;
use crate::store::{Commit, Logged};

/// Offset in which `meta.lastUpdated` is written, and of dates that carry none: Japan's.
const ZONE_MINUTES: i16 = 540;
/// Locks that writers of one record wait for each other at; two records may share one.
const LOCKS: usize = 1024;
/// Records that one writer keeps others from at its first try.
const LOCKED_MAX: usize = 16;
/// How often a writer to more of them tries without that.
const UNLOCKED_TRIES: usize = 4;
/// Elements that hold the patient of a resource, the first that is there counts (compartmentdefinition-patient.html).
const OF_PATIENT: [&str; 5] = ["subject", "patient", "beneficiary", "for", "individual"];

/// One resource stated, or stated to be gone.
#[derive(Clone, Debug)]
pub struct Statement {
    /// Its type.
    pub resource_type: ResourceType,
    /// Its id.
    pub id: ResourceId,
    /// The record it belongs to, where the id was assigned for it; otherwise it is looked for.
    pub record: Option<PatientKey>,
    /// What is stated.
    pub content: Content,
    /// What must hold of what is on record.
    pub expected: Expected,
    /// Whether it may be about nothing but the directory: no patient is named, and no patient's record holds it.
    pub only_directory: bool,
}

/// What a statement says.
#[derive(Clone, Debug)]
pub enum Content {
    /// This is the resource.
    Put(Box<Put>),
    /// It is gone.
    Delete,
}

/// A resource as it is stated, with what is needed of it once it is no longer a tree.
#[derive(Clone, Debug)]
pub struct Put {
    draft: Draft,
    home: Option<PatientKey>,
    patient_at: Option<&'static str>,
    extracted: Extracted,
    coded: Coded,
}

impl Put {
    /// Of a draft and the same as it was parsed, id included.
    pub fn new(draft: Draft, resource: &Value) -> Self {
        let home = home(draft.resource_type, Some(&draft.id), resource, |_| None);
        let patient_at = OF_PATIENT.into_iter().find(|element| resource.get(element).is_some());
        Put { draft, home, patient_at, extracted: extract(resource, ZONE_MINUTES), coded: Coded::of(resource) }
    }

    /// Whether a stored resource, as JSON, says the same, so that stating this makes no version.
    pub fn says_the_same(&self, stored: &str) -> bool {
        let Draft { resource_type, id, .. } = &self.draft;
        let stored =
            Members::of(stored).map(|members| Draft::received(*resource_type, id.clone(), &members, |_, _| None));
        stored.is_some_and(|stored| stored.content_hash() == self.draft.content_hash())
    }

    /// The element that names the patient it is about; `None` where there is none of those that do.
    pub fn patient_at(&self) -> Option<&'static str> {
        self.patient_at
    }
}

/// Where a resource lies; or why it cannot be stated, of the statement with an index.
type Home = Result<Option<PatientKey>, fn(usize) -> Refused>;

impl Statement {
    /// Whether it says itself that it belongs to a patient's record: by where it is to lie, by whom it names, or by an id that
    /// only a record derives.
    fn is_of_a_record(&self) -> bool {
        let is_of_records = self.id.is_derived() && !PatientKey::DIRECTORY.derives(&self.id);
        let names_somebody = match &self.content {
            Content::Put(put) => put.home.is_some() || !put.extracted.patients.is_empty() || is_of_records,
            Content::Delete => false,
        };
        names_somebody || self.record.is_some_and(|record| !record.is_directory())
    }

    /// The resource that it puts, once more as a tree; `None` where it takes one away.
    pub fn resource(&self) -> Option<Value> {
        match &self.content {
            Content::Put(put) => serde_json::from_str(&put.draft.json(None)).ok(),
            Content::Delete => None,
        }
    }
}

/// What must hold of the current version, or nothing is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Expected {
    /// Nothing.
    Anything,
    /// It is this one, and not gone.
    Version(u32),
    /// There is one.
    Present,
    /// There is none, or it is gone.
    Absent,
}

/// Whether a version is what a caller created, so that its id was assigned (http.html#create).
pub fn is_created(facts: &Facts) -> bool {
    facts.origin == CREATED_BY_CALLER
}

/// What became of a statement.
#[derive(Clone, Debug)]
pub struct Stated {
    /// Its type.
    pub resource_type: ResourceType,
    /// Its id.
    pub id: ResourceId,
    /// The record it belongs to; `None` when there was nothing to take away.
    pub record: Option<PatientKey>,
    /// The number of the version that now is current; 0 when there never was one.
    pub version: u32,
    /// When that was stored, milliseconds since 1970.
    pub last_updated: i64,
    /// What was there before.
    pub was: Was,
    /// The resource as it will be read; empty when it is gone.
    pub body: String,
}

/// What was on record before a statement.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Was {
    /// Nothing.
    Nothing,
    /// A version that said that it is gone.
    Deleted,
    /// This version.
    Version(u32),
}

/// Why nothing was written: which statement, by its index, and what is wrong with it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// What it expects does not hold.
    Unexpected(usize),
    /// It would belong to another record than the resource lies in.
    Elsewhere(usize),
    /// It may be about the directory alone, and is not.
    NotDirectory(usize),
    /// An earlier one is about the same resource.
    Twice(usize),
}

/// One lock for each set of records.
#[derive(Debug)]
pub(super) struct Locks(Vec<Mutex<()>>);

impl Default for Locks {
    fn default() -> Self {
        Locks((0..LOCKS).map(|_| Mutex::default()).collect())
    }
}

impl Locks {
    /// Waits for whoever is writing to one of these records. In a fixed order, so that no two wait for each other.
    fn take(&self, records: impl Iterator<Item = PatientKey>) -> Vec<MutexGuard<'_, ()>> {
        let mut places: Vec<usize> = records.map(|record| (record.0 >> 64 ^ record.0) as usize % LOCKS).collect();
        places.sort_unstable();
        places.dedup();
        places.into_iter().map(|at| self.0[at].lock().unwrap_or_else(PoisonError::into_inner)).collect()
    }
}

/// The record that a resource belongs to: the patient's that it is about, or a part of the directory. `resolve` gives what a
/// reference stands for that is none yet (a `urn:uuid:` of the same transaction).
pub fn home<'a>(
    resource_type: ResourceType,
    id: Option<&ResourceId>,
    resource: &'a Value,
    resolve: impl Fn(&'a str) -> Option<PatientKey>,
) -> Option<PatientKey> {
    if resource_type == ResourceType::PATIENT {
        return id.map(|id| PatientKey::of_id(id.as_str()));
    }
    let of = |reference: &'a Value| {
        let text = reference.get("reference")?.as_str()?;
        match Literal::parse(text) {
            Literal::Relative(ResourceType::PATIENT, id) => Some(PatientKey::of_id(id)),
            Literal::Urn(_) | Literal::Absolute(..) | Literal::Other => resolve(text),
            _ => None,
        }
    };
    let named = OF_PATIENT.iter().find_map(|element| of(resource.get(element)?));
    named.or_else(|| {
        let participants = resource.get("participant")?.as_array()?.iter();
        participants.filter_map(|participant| of(participant.get("actor")?)).next()
    })
}

/// An id for something new in a record, which tells the record; for the directory one that tells nothing. `chance` must
/// never come twice.
pub fn assign(resource_type: ResourceType, home: Option<PatientKey>, chance: Uuid) -> (ResourceId, PatientKey) {
    let chosen = || ResourceId::from_uuid(chance);
    match home {
        Some(record) => (record.resource_id(resource_type.name(), &chance.simple().to_string()), record),
        None if resource_type == ResourceType::PATIENT => {
            let record = PatientKey::fresh(chance);
            (record.patient_id(), record)
        }
        None => (chosen(), PatientKey::directory(resource_type, &chosen())),
    }
}

impl Pipeline {
    /// Writes what is stated, all of it or nothing, and answers when it is durable. Blocks on storage.
    pub fn state(&self, statements: &[Statement]) -> Result<Result<Vec<Stated>, Refused>, Fault> {
        self.state_kept_by(statements, "")
    }

    /// The same; a record that begins with it is one that this facility keeps.
    pub fn state_kept_by(
        &self,
        statements: &[Statement],
        facility: &str,
    ) -> Result<Result<Vec<Stated>, Refused>, Fault> {
        if let Some(at) = twice(statements) {
            return Ok(Err(Refused::Twice(at)));
        }
        let mut homes = Vec::with_capacity(statements.len());
        for (at, statement) in statements.iter().enumerate() {
            match self.home_of(statement)? {
                Ok(home) => homes.push(home),
                Err(refused) => return Ok(Err(refused(at))),
            }
        }
        let mut records: Vec<PatientKey> = homes.iter().flatten().copied().collect();
        records.sort_unstable();
        records.dedup();
        // Whoever writes to many records at once would keep others from theirs for as long as it takes: it waits only when
        // others have been faster several times.
        let patience = if records.len() > LOCKED_MAX { UNLOCKED_TRIES } else { 0 };
        for _ in 0..patience {
            match self.state_once(statements, &homes, facility) {
                Err(Fault::Conflict) => {}
                done => return done,
            }
        }
        let _alone = self.locks.take(records.into_iter());
        for _ in 0..CONFLICTS_MAX {
            match self.state_once(statements, &homes, facility) {
                Err(Fault::Conflict) => {}
                done => return done,
            }
        }
        Err(Fault::Busy)
    }

    /// Why these would be refused as things stand; nothing is written. Blocks on storage.
    pub fn refuses(&self, statements: &[Statement]) -> Result<Option<Refused>, Fault> {
        if let Some(at) = twice(statements) {
            return Ok(Some(Refused::Twice(at)));
        }
        for (at, statement) in statements.iter().enumerate() {
            let holds = match self.home_of(statement)? {
                Err(refused) => return Ok(Some(refused(at))),
                Ok(None) => statement.expected.holds(None),
                Ok(Some(record)) => {
                    let standing = self.standings.take(&self.store, record)?;
                    let holds = statement.expected.holds(standing.current(statement.resource_type, &statement.id));
                    self.standings.give_back(standing);
                    holds
                }
            };
            if !holds {
                return Ok(Some(Refused::Unexpected(at)));
            }
        }
        Ok(None)
    }

    /// Where a statement's resource lies, or is to lie; nowhere for what is to be gone and was never there.
    fn home_of(&self, statement: &Statement) -> Result<Home, Fault> {
        let is_away = statement.only_directory && statement.is_of_a_record();
        if is_away {
            return Ok(Err(Refused::NotDirectory));
        }
        if statement.record.is_some() {
            return Ok(Ok(statement.record));
        }
        let (resource_type, id) = (statement.resource_type, &statement.id);
        let mut lies = None;
        for record in self.store.candidates(resource_type, id)? {
            let standing = self.standings.take(&self.store, record)?;
            if standing.current(resource_type, id).is_some() {
                lies = Some(record);
            }
            self.standings.give_back(standing);
        }
        let is_hidden = statement.only_directory && lies.is_some_and(|lies| !lies.is_directory());
        let Content::Put(put) = &statement.content else { return Ok(Ok(lies.filter(|_| !is_hidden))) };
        if is_hidden {
            return Ok(Err(Refused::NotDirectory));
        }
        Ok(match (lies, put.home) {
            (Some(lies), Some(wanted)) if lies != wanted => Err(Refused::Elsewhere),
            // What was about a patient stays in that record, and among what belongs to nobody nothing becomes a patient's.
            (Some(lies), _) => Ok(Some(lies)),
            (None, Some(wanted)) => Ok(Some(wanted)),
            (None, None) => Ok(Some(PatientKey::directory(resource_type, id))),
        })
    }

    fn state_once(
        &self,
        statements: &[Statement],
        homes: &[Option<PatientKey>],
        facility: &str,
    ) -> Result<Result<Vec<Stated>, Refused>, Fault> {
        let (now, rules) = ((self.clock)(), self.label_rules());
        let mut records: HashMap<PatientKey, (Standing, Vec<Version>)> = HashMap::new();
        let mut stated = Vec::with_capacity(statements.len());
        for (at, (statement, home)) in statements.iter().zip(homes).enumerate() {
            let Some(record) = *home else {
                if !statement.expected.holds(None) {
                    return Ok(Err(Refused::Unexpected(at)));
                }
                stated.push(Stated::nothing(statement));
                continue;
            };
            let (standing, versions) = match records.entry(record) {
                std::collections::hash_map::Entry::Occupied(known) => known.into_mut(),
                std::collections::hash_map::Entry::Vacant(free) => {
                    free.insert((self.standings.take(&self.store, record)?, Vec::new()))
                }
            };
            let current = standing.current(statement.resource_type, &statement.id);
            if !statement.expected.holds(current) {
                return Ok(Err(Refused::Unexpected(at)));
            }
            let (one, version) = decided(statement, standing, record, now, &rules)?;
            stated.push(one);
            versions.extend(version);
        }
        self.commit_statements(records, facility)?;
        Ok(Ok(stated))
    }

    fn commit_statements(
        &self,
        records: HashMap<PatientKey, (Standing, Vec<Version>)>,
        facility: &str,
    ) -> Result<(), Fault> {
        let (mut commit, mut logged) = (Commit::default(), Logged::default());
        let (mut standings, mut written) = (Vec::with_capacity(records.len()), Vec::new());
        let mut kindred = Kindred::new(&self.store);
        for (record, (mut standing, versions)) in records {
            if !versions.is_empty() {
                let mut part = Commit::default();
                let panel_before = standing.panels().to_vec();
                let keeper = if standing.sheaves() == 0 && !record.is_directory() { facility } else { "" };
                standing.write(versions, keeper, &mut part)?;
                written.push((record, standing.sheaves()));
                if standing.spoke() {
                    kindred.spoke(&standing, &panel_before)?;
                }
                if let Some(log) = part.log.take() {
                    logged = logged.and(Logged::decode(&log)?);
                }
                // Without the log entries, which are made one at the end: joining each would cost the square of their number.
                commit.expect.extend(part.expect);
                commit.put.extend(part.put);
                commit.delete.extend(part.delete);
            }
            standings.push(standing);
        }
        if !logged.sheaves.is_empty() {
            kindred.finish(&mut commit)?;
            commit.log = Some(logged.encode());
            let _wide = self.wide.begin(written);
            self.store.submit(commit).wait()?;
        }
        standings.into_iter().for_each(|standing| self.standings.give_back(standing));
        Ok(())
    }
}

impl Expected {
    fn holds(self, current: Option<&Facts>) -> bool {
        let current = current.filter(|facts| !facts.deleted).map(|facts| facts.version);
        match self {
            Expected::Anything => true,
            Expected::Version(version) => current == Some(version),
            Expected::Present => current.is_some(),
            Expected::Absent => current.is_none(),
        }
    }
}

impl Stated {
    fn nothing(statement: &Statement) -> Self {
        Stated {
            resource_type: statement.resource_type,
            id: statement.id.clone(),
            record: None,
            version: 0,
            last_updated: 0,
            was: Was::Nothing,
            body: String::new(),
        }
    }
}

/// What a statement makes of a record: what its caller is told, and the new version where something is different.
fn decided(
    statement: &Statement,
    standing: &Standing,
    record: PatientKey,
    now: i64,
    rules: &LabelRules,
) -> Result<(Stated, Option<Version>), Fault> {
    let (resource_type, id) = (statement.resource_type, &statement.id);
    let current = standing.current(resource_type, id);
    let before = match current {
        None => Was::Nothing,
        Some(facts) if facts.deleted => Was::Deleted,
        Some(facts) => Was::Version(facts.version),
    };
    let as_it_is = |facts: Option<&Facts>, body: String| Stated {
        record: Some(record),
        version: facts.map_or(0, |facts| facts.version),
        last_updated: facts.map_or(0, |facts| facts.last_updated),
        was: before,
        body,
        ..Stated::nothing(statement)
    };
    // A clock that is set back does not make a version older than the one before it.
    let now = current.map_or(now, |facts| now.max(facts.last_updated));
    let version = current.map_or(0, |facts| facts.version) + 1;
    match &statement.content {
        Content::Delete if !matches!(before, Was::Version(_)) => Ok((as_it_is(current, String::new()), None)),
        Content::Delete => {
            let facts = current.map(|facts| gone(facts, version, now));
            Ok((as_it_is(facts.as_ref(), String::new()), facts.map(|facts| made(facts, String::new()))))
        }
        Content::Put(put) => {
            let content = put.draft.content_hash();
            if let Some(same) = current.filter(|facts| !facts.deleted && facts.content == content) {
                let body = standing.body(resource_type, id)?.unwrap_or_default();
                return Ok((as_it_is(Some(same), body), None));
            }
            let extracted = put.extracted.clone();
            // What a part of the directory says is about nobody.
            let labels = match record.is_directory() {
                true => extracted.labels,
                false => rules.labels_of(&put.coded, extracted.labels),
            };
            let facts = Facts {
                resource_type,
                id: id.clone(),
                version,
                deleted: false,
                last_updated: now,
                occurred: now,
                stated: Vec::new(),
                rank: 1,
                list: 0,
                origin: if statement.record.is_some() { CREATED_BY_CALLER } else { BY_CALLER },
                labels,
                content,
                patients: extracted.patients,
                tokens: extracted.tokens,
                dates: extracted.dates,
                references: extracted.references,
            };
            let body = put.draft.json(Some((version, &time::instant(now, ZONE_MINUTES))));
            Ok((as_it_is(Some(&facts), body.clone()), Some(made(facts, body))))
        }
    }
}

fn made(facts: Facts, body: String) -> Version {
    Version { facts, body, is_silent: false }
}

/// The version that says that a resource is gone.
fn gone(current: &Facts, version: u32, now: i64) -> Facts {
    Facts {
        version,
        deleted: true,
        last_updated: now,
        occurred: now,
        stated: Vec::new(),
        origin: BY_CALLER,
        labels: Labels::default(),
        content: 0,
        tokens: Vec::new(),
        dates: Vec::new(),
        references: Vec::new(),
        ..current.clone()
    }
}

/// The first statement about a resource that an earlier one is about.
fn twice(statements: &[Statement]) -> Option<usize> {
    let mut seen = std::collections::HashSet::with_capacity(statements.len());
    statements.iter().position(|one| !seen.insert((one.resource_type, one.id.as_str())))
}
