//! How a record stands: its current versions, kept between the messages of one patient so that a long import does not
//! read the record again for each of them.

use std::collections::HashMap;
use std::sync::Mutex;

use serde_json::Value;

use super::decide::Version;
use super::panels_of;
use crate::consent::{Directive, Team};
use crate::fault::Fault;
use crate::fhir::{PatientKey, ResourceId, ResourceType, system};
use crate::map::{self, Known, KnownDocument, KnownEncounter, Stored};
use crate::search::facts::{Facts, reference_hash};
use crate::store::ties::{Member, NAME_BYTES_MAX, PANELS_MAX, TEAM_MEMBERS_MAX};
use crate::store::{Body, Commit, Head, Store, Told, records};

/// Records kept between messages, at most.
const STANDINGS_MAX: usize = 256;
/// Memory for them, bytes; a record that takes more than all of it is not kept.
const STANDINGS_BYTES_MAX: usize = 64 << 20;

/// A record as it stands after its last commit. Whoever holds one may write; a commit by another makes the write fail
/// with `Conflict`, and the standing is read anew.
#[derive(Debug)]
pub(super) struct Standing {
    patient: PatientKey,
    head: Option<Head>,
    /// How many letters spoke of it.
    told: u64,
    current: HashMap<(ResourceType, ResourceId), (Facts, Text)>,
    /// Organisations that the record's consents name.
    panels: Vec<String>,
    /// Whether what was written last holds something that counts for all records of the person.
    spoke: bool,
    /// About how many bytes of memory it takes.
    bytes: usize,
}

/// The JSON of a version: as stored, or as it was just written.
#[derive(Debug)]
enum Text {
    Stored(Body),
    Fresh(String),
}

/// Standings not in use at the moment.
#[derive(Debug, Default)]
pub(super) struct Standings {
    idle: Mutex<Idle>,
}

#[derive(Debug, Default)]
struct Idle {
    standings: HashMap<PatientKey, Standing>,
    bytes: usize,
}

impl Standings {
    /// The standing of a record: a kept one, or read from the store.
    pub(super) fn take(&self, store: &Store, patient: PatientKey) -> Result<Standing, Fault> {
        let kept = self.idle.lock().ok().and_then(|mut idle| idle.remove(patient));
        match kept {
            Some(standing) if standing.head == store.head(patient)? => Ok(standing),
            _ => Standing::read(store, patient),
        }
    }

    /// Keeps a standing whose commit was acknowledged.
    pub(super) fn give_back(&self, standing: Standing) {
        if let Ok(mut idle) = self.idle.lock() {
            idle.keep(standing, STANDINGS_MAX, STANDINGS_BYTES_MAX);
        }
    }
}

impl Idle {
    fn remove(&mut self, patient: PatientKey) -> Option<Standing> {
        let standing = self.standings.remove(&patient)?;
        self.bytes -= standing.bytes;
        Some(standing)
    }

    fn keep(&mut self, standing: Standing, count_max: usize, bytes_max: usize) {
        self.remove(standing.patient);
        let bytes = standing.bytes;
        if bytes > bytes_max {
            return;
        }
        if self.standings.len() >= count_max || self.bytes + bytes > bytes_max {
            *self = Idle::default();
        }
        self.bytes += bytes;
        self.standings.insert(standing.patient, standing);
    }
}

impl Standing {
    /// The standing of a record on which there is nothing.
    pub(super) fn empty(patient: PatientKey) -> Self {
        Standing { patient, head: None, told: 0, current: HashMap::new(), panels: Vec::new(), spoke: false, bytes: 0 }
    }

    /// The standing of a record as the store has it.
    pub(super) fn read(store: &Store, patient: PatientKey) -> Result<Self, Fault> {
        // What is counted first can only be too few by the time the rest is read; a commit that counts on it is refused.
        let told = store.told_count(patient)?;
        let partition = store.partition(patient)?;
        let current = HashMap::with_capacity(partition.records.len());
        let mut standing = Standing { current, head: partition.head, told, ..Standing::empty(patient) };
        partition.records.into_iter().for_each(|record| standing.put(record.facts, Text::Stored(record.body)));
        standing.panels = standing.read_panels()?;
        Ok(standing)
    }

    /// Puts a version in the place of the one before it.
    fn put(&mut self, facts: Facts, text: Text) {
        let bytes = |facts: &Facts, text: &Text| {
            let lists =
                16 * (facts.patients.len() + facts.stated.len()) + 24 * (facts.tokens.len() + facts.dates.len());
            size_of::<(Facts, Text)>() + 64 + lists + 8 * facts.references.len() + text.bytes()
        };
        self.bytes += bytes(&facts, &text);
        let before = self.current.insert((facts.resource_type, facts.id.clone()), (facts, text));
        self.bytes -= before.map_or(0, |(facts, text)| bytes(&facts, &text));
    }

    pub(super) fn patient(&self) -> PatientKey {
        self.patient
    }

    fn facility(&self, stated: &str) -> String {
        let known = self.head.as_ref().map(|head| &*head.facility).filter(|known| !known.is_empty());
        known.unwrap_or(stated).to_owned()
    }

    pub(super) fn sheaves(&self) -> u64 {
        self.head.as_ref().map_or(0, |head| head.sheaves)
    }

    /// The current version of a resource, deleted or not.
    pub(super) fn current(&self, resource_type: ResourceType, id: &ResourceId) -> Option<&Facts> {
        self.current.get(&(resource_type, id.clone())).map(|(facts, _)| facts)
    }

    /// The current versions of one type that are not deleted, in a fixed order.
    pub(super) fn of_type(&self, resource_type: ResourceType) -> Vec<&Facts> {
        let of_type = |facts: &&Facts| facts.resource_type == resource_type && !facts.deleted;
        let mut found: Vec<&Facts> = self.current.values().map(|(facts, _)| facts).filter(of_type).collect();
        found.sort_by(|a, b| a.id.cmp(&b.id));
        found
    }

    /// The current versions of one type, deleted or not, in no order.
    pub(super) fn all_of(&self, resource_type: ResourceType) -> impl Iterator<Item = &Facts> {
        self.current.values().map(|(facts, _)| facts).filter(move |facts| facts.resource_type == resource_type)
    }

    /// What an order stated and that is not gone, in a fixed order.
    pub(super) fn of_origin(&self, origin: u64) -> impl Iterator<Item = &Facts> {
        let mut found: Vec<&Facts> =
            self.current.values().map(|(facts, _)| facts).filter(|f| f.origin == origin && !f.deleted).collect();
        found.sort_by(|a, b| (a.resource_type, &a.id).cmp(&(b.resource_type, &b.id)));
        found.into_iter()
    }

    /// The current body of a resource that is not deleted.
    pub(super) fn body(&self, resource_type: ResourceType, id: &ResourceId) -> Result<Option<String>, Fault> {
        let kept = self.current.get(&(resource_type, id.clone())).filter(|(facts, _)| !facts.deleted);
        kept.map(|(_, body)| body.json()).transpose()
    }

    /// The panels that the record's consents put it on.
    pub(super) fn panels(&self) -> &[String] {
        &self.panels
    }

    /// Whether what was written last holds a Consent or a CareTeam.
    pub(super) fn spoke(&self) -> bool {
        self.spoke
    }

    /// The head as it is stored; `None` for a record on which there is nothing.
    pub(super) fn head_bytes(&self) -> Option<Vec<u8>> {
        self.head.as_ref().map(Head::encode)
    }

    /// What the other records of its person keep of it.
    pub(super) fn as_member(&self) -> Result<Member, Fault> {
        let speaks = [ResourceType::CONSENT, ResourceType::CARE_TEAM].map(|of| self.all_of(of).any(|f| !f.deleted));
        let (mut teams, mut left) = (Vec::new(), TEAM_MEMBERS_MAX);
        for facts in self.of_type(ResourceType::CARE_TEAM) {
            let Some(team) = Team::read(&self.resource(facts)?) else { continue };
            let is_name = |name: &String| (1..=NAME_BYTES_MAX).contains(&name.len());
            let names = team.members.iter().map(|(name, _)| name.to_string()).filter(is_name);
            let names: Vec<String> = names.take(left).collect();
            left -= names.len();
            if !names.is_empty() && team.reference.len() <= NAME_BYTES_MAX {
                teams.push((team.reference.into(), names));
            }
        }
        let named = self.panels.iter().filter(|name| name.len() <= NAME_BYTES_MAX);
        let (record, panels) = (self.patient, named.take(PANELS_MAX).cloned().collect());
        Ok(Member { record, speaks: speaks.contains(&true), panels, teams })
    }

    fn read_panels(&self) -> Result<Vec<String>, Fault> {
        let mut directives = Vec::new();
        for facts in self.of_type(ResourceType::CONSENT) {
            directives.push(Directive::read(&self.resource(facts)?));
        }
        let mut teams = Vec::new();
        if directives.iter().any(Directive::is_for_a_team) {
            for facts in self.of_type(ResourceType::CARE_TEAM) {
                teams.extend(Team::read(&self.resource(facts)?));
            }
        }
        Ok(panels_of(&directives, &teams))
    }

    fn resource(&self, facts: &Facts) -> Result<Value, Fault> {
        let (_, body) = &self.current[&(facts.resource_type, facts.id.clone())];
        parse(&body.json()?)
    }

    /// What the mapper of an HL7 v2 message may know.
    pub(super) fn known(&self) -> Result<Known, Fault> {
        let mut known = Known::default();
        for facts in self.of_type(ResourceType::PATIENT) {
            if facts.id == self.patient.patient_id() {
                known.patient = Some(self.stored(facts)?);
            }
        }
        let provenances = self.of_type(ResourceType::PROVENANCE);
        for facts in self.of_type(ResourceType::ENCOUNTER) {
            let hash = reference_hash(ResourceType::ENCOUNTER, facts.id.as_str());
            let mut told = Vec::new();
            for provenance in provenances.iter().filter(|provenance| provenance.references.contains(&hash)) {
                told.extend(told_by(provenance, &self.resource(provenance)?));
            }
            known.encounters.push(KnownEncounter { stored: self.stored(facts)?, told });
        }
        for facts in self.of_type(ResourceType::DOCUMENT_REFERENCE) {
            known.documents.push(known_document(facts, &self.resource(facts)?));
        }
        Ok(known)
    }

    fn stored(&self, facts: &Facts) -> Result<Stored, Fault> {
        let Value::Object(body) = self.resource(facts)? else {
            return Err(Fault::Broken("a stored resource is not an object".into()));
        };
        Ok(Stored { id: facts.id.clone(), occurred: facts.occurred, body })
    }

    /// Adds new versions to the record and to the commit that will store them.
    pub(super) fn write(&mut self, versions: Vec<Version>, facility: &str, commit: &mut Commit) -> Result<(), Fault> {
        if versions.is_empty() {
            self.spoke = false;
            return Ok(());
        }
        let new: Vec<(Facts, String)> = versions.into_iter().map(|v| (v.facts, v.body)).collect();
        let sheaf = records::write(self.patient, self.head.as_ref(), facility, &new)?;
        self.head = Some(Head { sheaves: self.sheaves() + 1, facility: self.facility(facility) });
        *commit = std::mem::take(commit).and(sheaf)?;
        self.take(new)
    }

    /// Adds a letter to those that spoke of the record, and to the commit that will say so. Of two letters decided upon
    /// one standing, one is refused, even if neither changes anything.
    pub(super) fn tell(&mut self, told: &Told, commit: &mut Commit) {
        self.told += 1;
        commit.tell(self.patient, self.told, told);
    }

    /// Adds new versions to a record that only this program's memory has.
    pub(super) fn imagine(&mut self, versions: Vec<Version>, facility: &str) -> Result<(), Fault> {
        self.head = Some(Head { sheaves: 0, facility: self.facility(facility) });
        self.take(versions.into_iter().map(|v| (v.facts, v.body)).collect())
    }

    /// The facility that keeps the record; empty when none was stated.
    pub(super) fn stated_facility(&self) -> &str {
        self.head.as_ref().map_or("", |head| &head.facility)
    }

    fn take(&mut self, new: Vec<(Facts, String)>) -> Result<(), Fault> {
        let moves = [ResourceType::CONSENT, ResourceType::CARE_TEAM];
        let consents = new.iter().any(|(facts, _)| moves.contains(&facts.resource_type));
        for (facts, body) in new {
            self.put(facts, Text::Fresh(body));
        }
        self.spoke = consents;
        if consents {
            self.panels = self.read_panels()?;
        }
        Ok(())
    }

    /// How many letters spoke of the record.
    pub(super) fn told(&self) -> u64 {
        self.told
    }

    /// The current versions, deleted or not, in a fixed order.
    pub(super) fn all(&self) -> Vec<&Facts> {
        let mut all: Vec<&Facts> = self.current.values().map(|(facts, _)| facts).collect();
        all.sort_by(|a, b| (a.resource_type, &a.id).cmp(&(b.resource_type, &b.id)));
        all
    }
}

impl Text {
    fn bytes(&self) -> usize {
        match self {
            // The facts lie in the sheaf a second time, at about the size of the body.
            Text::Stored(body) => 2 * body.stored_bytes(),
            Text::Fresh(text) => text.len(),
        }
    }

    fn json(&self) -> Result<String, Fault> {
        match self {
            Text::Stored(body) => body.json(),
            Text::Fresh(text) => Ok(text.clone()),
        }
    }
}

fn parse(text: &str) -> Result<Value, Fault> {
    serde_json::from_str(text).map_err(|_| Fault::Broken("a stored resource is not JSON".into()))
}

/// What a message told of its visit: the trigger event among the codes of its Provenance.
fn told_by(facts: &Facts, provenance: &Value) -> Option<map::Told> {
    let codings = provenance["activity"]["coding"].as_array()?;
    let event = codings.iter().find(|coding| coding["system"] == system::V2_0003)?["code"].as_str()?.to_owned();
    let when = provenance["occurredDateTime"].as_str().unwrap_or_default().to_owned();
    Some(map::Told { event, sent: facts.occurred, when })
}

fn known_document(facts: &Facts, body: &Value) -> KnownDocument {
    let url = |content: &Value| content.pointer("/attachment/url").and_then(Value::as_str).map(str::to_owned);
    let urls = body["content"].as_array().into_iter().flatten().filter_map(url);
    let binaries = urls.filter_map(|url| ResourceId::parse(url.strip_prefix("Binary/")?)).collect();
    KnownDocument { id: facts.id.clone(), binaries }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn standing(patient: u128, text: usize) -> Standing {
        let mut standing = Standing::empty(PatientKey(patient));
        let id = PatientKey(patient).resource_id("Observation", "1");
        let value = serde_json::json!({"resourceType": "Observation"});
        let extracted = crate::search::extract::extract_in(&value, PatientKey(patient), 540);
        let facts = Facts {
            resource_type: ResourceType::OBSERVATION,
            id: id.clone(),
            version: 1,
            deleted: false,
            last_updated: 0,
            occurred: 0,
            stated: Vec::new(),
            rank: 1,
            list: 0,
            origin: 0,
            labels: extracted.labels,
            content: 0,
            patients: extracted.patients,
            tokens: extracted.tokens,
            dates: extracted.dates,
            references: extracted.references,
        };
        standing.put(facts, Text::Fresh("x".repeat(text)));
        standing
    }

    #[test]
    fn what_is_kept_between_messages_is_bounded_in_number_and_in_bytes() {
        let one = standing(1, 1000).bytes;
        let mut idle = Idle::default();
        (1..=3).for_each(|patient| idle.keep(standing(patient, 1000), 3, 3 * one));
        assert_eq!((idle.standings.len(), idle.bytes), (3, 3 * one));
        idle.keep(standing(3, 1000), 3, 3 * one);
        assert_eq!((idle.standings.len(), idle.bytes), (3, 3 * one), "the same record again");
        idle.keep(standing(4, 1000), 3, 4 * one);
        assert_eq!((idle.standings.len(), idle.bytes), (1, one), "one past the number");
        idle.keep(standing(5, 1000), 9, 2 * one - 1);
        assert_eq!((idle.standings.len(), idle.bytes), (1, one), "one byte past");
        idle.keep(standing(6, 1001), 9, one);
        assert!(!idle.standings.contains_key(&PatientKey(6)), "larger than all of it");
        assert!(idle.remove(PatientKey(5)).is_some());
        assert_eq!(idle.bytes, 0);
    }
}
