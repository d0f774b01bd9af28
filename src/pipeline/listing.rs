//! A public list taken into the directory: what is new or different is stated, what is the same is left alone, what the list
//! does not have any more is told and, when that is asked for, retired. docs/adr/0045.
//!
//! Each part of the directory is worked on by itself, some hundred resources a commit, so that none is read more than once and a
//! list of any length costs what its rows cost. What breaks off is done again: what is written already is the same then.

mod known;

use std::collections::{BTreeMap, HashSet};

use super::Pipeline;
use super::statement::{Content, Expected, Put, Stated, Statement, Was};
use crate::fault::{Fault, Issue, Place, rules};
use crate::fhir::json::Members;
use crate::fhir::{Draft, PatientKey, ResourceId, ResourceType};
use crate::listing::{Entry, Kind, List, Service, location_id, organization_id, place, service_id};
use known::Known;

rules! {
    OFFICE_KEEPS "list-office-keeps" Information BusinessRule
        "The directory has this number as {}, which the office keeps: that Organization stays as it is."
        "この番号は事務局が登録した{}にあります。その組織はそのままにしました。"
    NOT_RETIRED "list-not-retired" Warning BusinessRule
        "Nothing was retired: {} rows have no usable number and may be of those that seem to be missing."
        "番号の読めない行が{}行あるため、一覧にないものを無効にしていません。"
}

/// Resources of one commit.
const BATCH: usize = 500;

/// How a list is taken in.
#[derive(Clone, Copy, Debug, Default)]
pub struct Enrolment {
    /// Nothing is written.
    pub only_try: bool,
    /// What the list does not have any more is retired.
    pub retire: bool,
}

/// What became of the resources of one type.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// That were not there.
    pub created: u64,
    /// That said something else.
    pub updated: u64,
    /// That said the same.
    pub unchanged: u64,
}

/// What became of a list.
#[derive(Debug, Default)]
pub struct Enrolled {
    /// By type.
    pub counts: BTreeMap<&'static str, Counts>,
    /// What the directory has of this list and the list does not have any more, in the order of their numbers.
    pub vanished: Vec<Service>,
    /// Of them, how many were retired.
    pub retired: u64,
    /// What was noticed beside what reading the list noticed.
    pub issues: Vec<Issue>,
}

/// A place with all that a list says of it.
type Listed<'a> = (&'a str, Vec<&'a Entry>);

/// A list on its way into the directory.
struct Desk<'a> {
    pipeline: &'a Pipeline,
    kind: Kind,
    list: &'a List,
    how: Enrolment,
    known: Known,
    places: Vec<Listed<'a>>,
    enrolled: Enrolled,
    done: usize,
    /// Hears how many of how many resources are done.
    told: &'a dyn Fn(usize, usize),
}

impl Pipeline {
    /// Takes a list in and answers when it is durable. `told` hears how many of how many resources are done. Blocks on
    /// storage.
    pub fn enrol(
        &self,
        kind: Kind,
        list: &List,
        how: Enrolment,
        told: &dyn Fn(usize, usize),
    ) -> Result<Enrolled, Fault> {
        let mut places: BTreeMap<&str, Vec<&Entry>> = BTreeMap::new();
        for entry in &list.entries {
            places.entry(&entry.number).or_default().push(entry);
        }
        let known = Known::read(self, kind)?;
        let (places, enrolled) = (places.into_iter().collect(), Enrolled::default());
        let mut desk = Desk { pipeline: self, kind, list, how, known, places, enrolled, done: 0, told };
        desk.take_in()?;
        desk.retire()?;
        Ok(desk.enrolled)
    }
}

impl Desk<'_> {
    fn take_in(&mut self) -> Result<(), Fault> {
        let (kind, places) = (self.kind, std::mem::take(&mut self.places));
        for (number, entries) in &places {
            if let Some(kept) = self.known.kept.get(*number) {
                let detail = format!("Organization/{}", kept.as_str());
                self.enrolled.issues.push(Issue::with(&OFFICE_KEEPS, place(entries[0].row, ""), detail));
            }
        }
        let organizations = places.iter().map(|(number, _)| match self.known.kept.contains_key(*number) {
            true => None,
            false => Some(organization_id(kind, number)),
        });
        self.put(ResourceType::ORGANIZATION, organizations.collect(), &|desk, at| {
            let (number, entries) = &places[at];
            Some(entries[0].organization(kind, &desk.known.kinds(number, entries), true))
        })?;
        let located = |entries: &[&Entry]| entries.iter().position(|entry| entry.has_location());
        let locations = places.iter().map(|(number, entries)| located(entries).map(|_| location_id(kind, number)));
        self.put(ResourceType::LOCATION, locations.collect(), &|desk, at| {
            let (number, entries) = &places[at];
            let entry = entries[located(entries)?];
            Some(entry.location(kind, &desk.organization(number), true))
        })?;
        let offered = self.list.entries.iter().map(|entry| match entry.service.is_empty() {
            true => None,
            false => Some(service_id(kind, &entry.number, &entry.service)),
        });
        self.put(ResourceType::HEALTHCARE_SERVICE, offered.collect(), &|desk, at| {
            let entry = &desk.list.entries[at];
            entry.healthcare_service(kind, &desk.organization(&entry.number), true)
        })?;
        self.enrolled.vanished = self.known.vanished(kind, self.list, &places);
        Ok(())
    }

    /// How the organisation of a number is referred to.
    fn organization(&self, number: &str) -> String {
        let kept = self.known.kept.get(number);
        let id = kept.cloned().unwrap_or_else(|| organization_id(self.kind, number));
        format!("Organization/{}", id.as_str())
    }

    /// Puts what `make` makes of the things with these ids, part by part.
    fn put(
        &mut self,
        of: ResourceType,
        ids: Vec<Option<ResourceId>>,
        make: &dyn Fn(&Self, usize) -> Option<Draft>,
    ) -> Result<(), Fault> {
        let mut parts: BTreeMap<PatientKey, Vec<usize>> = BTreeMap::new();
        for (at, id) in ids.iter().enumerate() {
            if let Some(id) = id {
                parts.entry(PatientKey::directory(of, id)).or_default().push(at);
            }
        }
        for (part, indexes) in parts {
            for batch in indexes.chunks(BATCH) {
                let drafts = batch.iter().filter_map(|at| make(self, *at)).collect();
                let counts = self.put_all(part, drafts)?;
                self.enrolled.counts.entry(of.name()).or_default().add(counts);
                self.done += batch.len();
                let all = self.list.entries.len() * 3;
                (self.told)(self.done.min(all), all);
            }
        }
        Ok(())
    }

    /// Puts resources into a part of the directory; only says what that would come to where nothing is to be written.
    fn put_all(&self, part: PatientKey, drafts: Vec<Draft>) -> Result<Counts, Fault> {
        let mut counts = Counts::default();
        let standing = self.pipeline.standings.take(&self.pipeline.store, part)?;
        let before = |draft: &Draft| {
            let current = standing.current(draft.resource_type, &draft.id).filter(|facts| !facts.deleted);
            current.map(|facts| facts.content == draft.content_hash())
        };
        // Of a newer list most says the same: that is told by its hash, before anything is made of it.
        let (same, new): (Vec<_>, Vec<_>) =
            drafts.into_iter().map(|draft| (before(&draft), draft)).partition(|(before, _)| *before == Some(true));
        self.pipeline.standings.give_back(standing);
        counts.unchanged = same.len() as u64;
        if self.how.only_try {
            new.into_iter().for_each(|(before, _)| counts.one(before));
            return Ok(counts);
        }
        if new.is_empty() {
            return Ok(counts);
        }
        let drafts = new.into_iter().map(|(_, draft)| draft);
        let broken = || Fault::Broken("a resource of a list cannot be stated".into());
        let statements = drafts.map(|draft| statement(part, draft)).collect::<Option<Vec<_>>>();
        for stated in self.pipeline.state(&statements.ok_or_else(broken)?)?.map_err(|_| broken())? {
            let Stated { was, version, .. } = stated;
            counts.one(match was {
                Was::Version(before) => Some(before == version),
                Was::Nothing | Was::Deleted => None,
            });
        }
        Ok(counts)
    }

    /// Retires what has vanished, where that is asked for and it is certain what has.
    fn retire(&mut self) -> Result<(), Fault> {
        if !self.how.retire || self.enrolled.vanished.is_empty() {
            return Ok(());
        }
        if self.list.without_number > 0 {
            let detail = self.list.without_number.to_string();
            self.enrolled.issues.push(Issue::with(&NOT_RETIRED, Place::Whole, detail));
            return Ok(());
        }
        let (kind, vanished) = (self.kind, std::mem::take(&mut self.enrolled.vanished));
        let offered = vanished.iter().filter(|one| !one.name.is_empty());
        let services = offered.map(|one| service_id(kind, &one.number, &one.name)).collect();
        self.withdraw(ResourceType::HEALTHCARE_SERVICE, services, ("active", "false"))?;
        // A place goes with the last of its services.
        let left: HashSet<&str> = self
            .known
            .services
            .iter()
            .filter(|one| vanished.binary_search(one).is_err())
            .map(|one| &*one.number)
            .collect();
        let new: HashSet<&str> = self.list.entries.iter().map(|entry| &*entry.number).collect();
        let mut gone: Vec<&str> = vanished
            .iter()
            .map(|one| &*one.number)
            .filter(|number| !left.contains(number) && !new.contains(number))
            .collect();
        gone.dedup();
        let organizations = gone.iter().map(|number| organization_id(kind, number)).collect();
        self.withdraw(ResourceType::ORGANIZATION, organizations, ("active", "false"))?;
        let locations = gone.iter().map(|number| location_id(kind, number)).collect();
        self.withdraw(ResourceType::LOCATION, locations, ("status", "\"inactive\""))?;
        self.enrolled.retired = vanished.len() as u64;
        self.enrolled.vanished = vanished;
        Ok(())
    }

    /// States resources anew as they are but for one member.
    fn withdraw(&mut self, of: ResourceType, ids: Vec<ResourceId>, (name, value): (&str, &str)) -> Result<(), Fault> {
        let mut parts: BTreeMap<PatientKey, Vec<ResourceId>> = BTreeMap::new();
        for id in ids {
            parts.entry(PatientKey::directory(of, &id)).or_default().push(id);
        }
        for (part, ids) in parts.into_iter().filter(|_| !self.how.only_try) {
            let standing = self.pipeline.standings.take(&self.pipeline.store, part)?;
            let mut drafts = Vec::with_capacity(ids.len());
            for id in ids {
                let body = standing.body(of, &id)?;
                drafts.extend(body.and_then(|body| with_member(of, id, &body, name, value)));
            }
            self.pipeline.standings.give_back(standing);
            self.put_all(part, drafts)?;
        }
        Ok(())
    }
}

/// A stored resource with another value of one member, everything else as it is.
fn with_member(of: ResourceType, id: ResourceId, body: &str, name: &str, value: &str) -> Option<Draft> {
    let mut members = Members::of(body)?;
    match members.0.iter_mut().find(|(own, _)| *own == name) {
        Some((_, own)) => *own = value,
        None => members.0.push((name.into(), value)),
    }
    Some(Draft::received(of, id, &members, |_, _| None))
}

fn statement(part: PatientKey, draft: Draft) -> Option<Statement> {
    let resource = serde_json::from_str(&draft.json(None)).ok()?;
    Some(Statement {
        resource_type: draft.resource_type,
        id: draft.id.clone(),
        record: Some(part),
        content: Content::Put(Box::new(Put::new(draft, &resource))),
        expected: Expected::Anything,
        only_directory: true,
    })
}

impl Counts {
    /// One more: whether it said the same before, where it was there.
    fn one(&mut self, before: Option<bool>) {
        match before {
            None => self.created += 1,
            Some(false) => self.updated += 1,
            Some(true) => self.unchanged += 1,
        }
    }

    fn add(&mut self, more: Counts) {
        self.created += more.created;
        self.updated += more.updated;
        self.unchanged += more.unchanged;
    }
}
