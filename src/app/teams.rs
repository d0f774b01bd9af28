//! In which teams of the directory a caller is: kept in memory, read anew when a CareTeam, a Group or a role that one of them
//! names has changed. A commit is heard of before it is acknowledged, so the next request after it sees it.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde_json::Value;

use super::changed::Changed;
use crate::consent::{Caller, Membership, PersonRole, Role, Roll, Team, Teams};
use crate::fault::Fault;
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::store::{Record, Store};

/// Callers whose teams are remembered; past this they are told anew.
const CALLERS_MAX: usize = 10_000;

/// Whoever asks: organisation and person.
type Who = (Box<str>, Option<Box<str>>);

/// The teams, following the store.
#[derive(Debug)]
pub(super) struct Teamwork {
    store: Store,
    changed: Arc<Changed>,
    current: RwLock<Arc<Read>>,
    /// How many changes `current` has read; one at a time reads more.
    seen: AtomicU64,
    reading: Mutex<()>,
}

/// What was read.
#[derive(Debug, Default)]
struct Read {
    /// The teams, by the part that they lie in.
    teams: BTreeMap<PatientKey, Vec<Team>>,
    roll: Roll,
    told: RwLock<HashMap<Who, Told>>,
}

/// The teams of a caller, and for how long, milliseconds since 1970.
#[derive(Clone, Debug)]
struct Told {
    teams: Teams,
    since: i64,
    until: i64,
}

/// A change of one of these may make somebody a member.
fn moves(resource_type: ResourceType) -> bool {
    is_team(resource_type) || resource_type == ResourceType::PRACTITIONER_ROLE
}

fn is_team(resource_type: ResourceType) -> bool {
    [ResourceType::CARE_TEAM, ResourceType::GROUP].contains(&resource_type)
}

impl Teamwork {
    /// Reads the teams that there are, and follows the store from now on. `parts` tells the parts of the directory that hold
    /// wanted types once it is followed. Blocks on storage.
    pub(super) fn follow(
        store: &Store,
        parts: impl FnOnce(fn(ResourceType) -> bool) -> Vec<PatientKey>,
    ) -> Result<Self, Fault> {
        let changed = Arc::new(Changed::of(moves));
        store.watch(changed.clone());
        changed.add(parts(is_team));
        let (current, seen, reading) = (RwLock::default(), AtomicU64::new(0), Mutex::default());
        let teamwork = Teamwork { store: store.clone(), changed, current, seen, reading };
        teamwork.read()?;
        Ok(teamwork)
    }

    /// A caller in its teams, when nothing has changed since they were read: never blocks on storage.
    pub(super) fn hot(&self, caller: &Arc<Caller>, now: i64) -> Option<Arc<Caller>> {
        let is_read = self.seen.load(Ordering::SeqCst) == self.changed.count();
        let read = is_read.then(|| self.current.read().unwrap_or_else(PoisonError::into_inner).clone())?;
        Some(read.tell(caller, now))
    }

    /// The same. Blocks on storage where something has changed.
    pub(super) fn current(&self, caller: &Arc<Caller>, now: i64) -> Result<Arc<Caller>, Fault> {
        match self.hot(caller, now) {
            Some(caller) => Ok(caller),
            None => Ok(self.read()?.tell(caller, now)),
        }
    }

    fn read(&self) -> Result<Arc<Read>, Fault> {
        // One reads what has changed, the others wait for it.
        let _alone = self.reading.lock().unwrap_or_else(PoisonError::into_inner);
        let before = self.current.read().unwrap_or_else(PoisonError::into_inner).clone();
        // What is counted from here on is read by the next one.
        let count = self.changed.count();
        let changed = self.changed.take();
        let current = match self.read_parts(&before, &changed) {
            Ok(None) => before,
            Ok(Some(read)) => Arc::new(read),
            Err(fault) => {
                self.changed.add(changed);
                return Err(fault);
            }
        };
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = current.clone();
        self.seen.store(count, Ordering::SeqCst);
        Ok(current)
    }

    /// The same with what lies in changed parts; `None` where that makes no difference.
    fn read_parts(&self, before: &Read, changed: &BTreeSet<PatientKey>) -> Result<Option<Read>, Fault> {
        let mut teams = before.teams.clone();
        for part in changed.iter().filter(|part| part.directory_type().is_some_and(is_team)) {
            teams.insert(*part, self.teams_in(*part)?);
        }
        // Of all roles there are, those that make somebody a member are read, and no others.
        let named: Vec<ResourceId> =
            Roll::roles_named(teams.values().flatten()).into_iter().filter_map(ResourceId::parse).collect();
        let mut by_part: BTreeMap<PatientKey, Vec<&ResourceId>> = BTreeMap::new();
        for id in &named {
            by_part.entry(PatientKey::directory(ResourceType::PRACTITIONER_ROLE, id)).or_default().push(id);
        }
        // Most changes of roles are of others.
        if !changed.iter().any(|part| part.directory_type().is_some_and(is_team) || by_part.contains_key(part)) {
            return Ok(None);
        }
        let mut roles = Vec::new();
        for (part, ids) in by_part {
            let current = self.current_of(part, |of, id| of == ResourceType::PRACTITIONER_ROLE && ids.contains(&id))?;
            roles.extend(current.iter().filter_map(PersonRole::read));
        }
        let roll = Roll::new(teams.values().flatten().cloned(), roles);
        if roll == before.roll {
            return Ok(None);
        }
        let told = before.told.read().unwrap_or_else(PoisonError::into_inner).clone();
        // Who is told anew compares with what was said before.
        let told = told.into_iter().map(|(who, told)| (who, Told { until: i64::MIN, ..told })).collect();
        Ok(Some(Read { teams, roll, told: RwLock::new(told) }))
    }

    fn teams_in(&self, part: PatientKey) -> Result<Vec<Team>, Fault> {
        let current = self.current_of(part, |of, _| is_team(of))?;
        let read = |team: &Value| match team["resourceType"] == "Group" {
            true => Team::read_group(team),
            false => Team::read(team),
        };
        Ok(current.iter().filter_map(read).collect())
    }

    /// The current resources of a part that are wanted and that everybody may read.
    fn current_of(
        &self,
        part: PatientKey,
        wanted: impl Fn(ResourceType, &ResourceId) -> bool,
    ) -> Result<Vec<Value>, Fault> {
        let partition = self.store.partition(part)?;
        let mut current: HashMap<(ResourceType, &ResourceId), &Record> = HashMap::new();
        for record in partition.records.iter().filter(|record| wanted(record.facts.resource_type, &record.facts.id)) {
            current.insert((record.facts.resource_type, &record.facts.id), record);
        }
        let is_public = |record: &&&Record| {
            let facts = &record.facts;
            !facts.deleted && facts.patients.is_empty() && facts.labels.is_empty()
        };
        let read = |record: &&Record| {
            let damaged = |_| Fault::Broken("a stored resource is not JSON".into());
            serde_json::from_str(&record.body.json()?).map_err(damaged)
        };
        current.values().filter(is_public).map(read).collect()
    }
}

impl Read {
    /// A caller in its teams at an instant, milliseconds since 1970.
    fn tell(&self, caller: &Arc<Caller>, now: i64) -> Arc<Caller> {
        let by_consent = matches!(caller.role, Role::Care | Role::Source);
        if self.roll.is_empty() || !by_consent {
            return caller.clone();
        }
        let who = (caller.organization.as_str().into(), caller.person.clone());
        let known = self.told.read().unwrap_or_else(PoisonError::into_inner).get(&who).cloned();
        let teams = match known {
            Some(told) if told.since <= now && now < told.until => told.teams,
            before => self.tell_anew(who, before, now),
        };
        Arc::new(Caller { teams, ..Caller::clone(caller) })
    }

    fn tell_anew(&self, who: Who, before: Option<Told>, now: i64) -> Teams {
        let Membership { of, outside, until } = self.roll.membership(&who.0, who.1.as_deref(), now);
        // What was compiled for who asks holds on where nothing is different: it is compared by address first.
        let same = before.map(|told| told.teams.known).filter(|known| **known == outside);
        let teams = Teams { of, known: same.unwrap_or_else(|| Arc::new(outside)) };
        let mut told = self.told.write().unwrap_or_else(PoisonError::into_inner);
        if told.len() >= CALLERS_MAX {
            told.clear();
        }
        told.insert(who, Told { teams: teams.clone(), since: now, until });
        teams
    }
}
