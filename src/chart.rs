//! A chart: one patient's record as a reader needs it, in memory while the patient is hot (design decision 4c). The consents of
//! the other records of the person are on it too: they count alike.

use std::sync::{Arc, RwLock};

use crate::consent::{Caller, ConsentVersion, Directive, Gate, Ground, Permit, Policy, RowFacts, Team, Terms};
use crate::fault::Fault;
use crate::fhir::{FacilityCode, PatientKey, ResourceId, ResourceType};
use crate::search::{Columns, Facts};
use crate::store::{Body, Partition, Store};

/// Most policies that are kept compiled for one record.
const POLICIES_MAX: usize = 64;

/// A record's current versions: columns to search, consents to decide by, bodies to send.
#[derive(Debug)]
pub struct Chart {
    /// Whose record it is.
    pub patient: PatientKey,
    /// The facility that keeps it; empty when nothing is on record.
    pub facility: FacilityCode,
    /// How many commits wrote to it.
    pub sheaves: u64,
    /// What search and consent look at, one row per current version.
    pub columns: Columns,
    /// What the record's Consents say, and after them those of the other records of the person.
    pub directives: Vec<Directive>,
    /// The record, and the others of its person.
    pub person: Vec<PatientKey>,
    teams: Vec<Team>,
    bodies: Vec<Body>,
    terms: Arc<Terms>,
    /// Compiled for each who asks; a chart is made anew when a consent changes, so these never outlive their consents.
    policies: RwLock<Vec<Arc<Policy>>>,
}

/// What the other records of a person say that counts for one of them.
#[derive(Debug, Default)]
pub struct Kin {
    others: Vec<PatientKey>,
    directives: Vec<Directive>,
    teams: Vec<Team>,
}

/// How often the records of a person are read again when one of them has changed meanwhile.
const READS_MAX: usize = 100;

impl Kin {
    /// Reads what the others say for the record of a partition. All of it is of one moment: two states, each of which closes
    /// something, would open both where they were mixed. So where one of the records has changed meanwhile all are read
    /// again, the partition too, which is answered then. Blocks on storage.
    pub fn read(store: &Store, partition: &Partition) -> Result<(Self, Option<Partition>), Fault> {
        let record = partition.patient;
        if record.is_directory() {
            return Ok((Kin::default(), None));
        }
        let mut newer = None;
        for _ in 0..READS_MAX {
            let (ties, stored) = store.ties(record)?;
            if ties.members.is_empty() {
                return Ok((Kin::default(), newer));
            }
            let own: &Partition = newer.as_ref().unwrap_or(partition);
            let (mut kin, mut read) = (Kin::default(), vec![(record, own.sheaves())]);
            for other in ties.others(record) {
                kin.others.push(other.record);
                if other.speaks {
                    let theirs = store.partition(other.record)?;
                    read.push((other.record, theirs.sheaves()));
                    let rows: Vec<_> =
                        current(&theirs).into_iter().filter(|(facts, _)| is_of_office(facts, other.record)).collect();
                    kin.directives.extend(directives(&rows));
                    kin.teams.extend(teams(&rows));
                }
            }
            let is_same = |(record, sheaves): &(PatientKey, u64)| {
                Ok::<_, Fault>(store.head(*record)?.map_or(0, |head| head.sheaves) == *sheaves)
            };
            let unchanged = read.iter().map(is_same).collect::<Result<Vec<_>, _>>()?;
            if !unchanged.contains(&false) && store.ties(record)?.1 == stored {
                return Ok((kin, newer));
            }
            newer = Some(store.partition(record)?);
        }
        Err(Fault::Busy)
    }
}

/// Whether what a record says counts for the other records of the person: CareTeams do, and Consents that the network's office
/// has put there. What a facility says of treatment or research in a letter, it says of its own record.
fn is_of_office(facts: &Facts, record: PatientKey) -> bool {
    facts.resource_type != ResourceType::CONSENT || !record.derives(&facts.id) || facts.is_by_caller()
}

impl Chart {
    /// Makes the chart of a record. Versions that are not current, and resources that are gone, are not on it.
    pub fn build(partition: &Partition, kin: Kin, terms: &Arc<Terms>) -> Result<Self, Fault> {
        let patient = partition.patient;
        let rows = current(partition);
        let mut directives = directives(&rows);
        directives.extend(kin.directives);
        let mut teams = if directives.is_empty() { Vec::new() } else { teams(&rows) };
        teams.extend(kin.teams);
        let mut person = vec![patient];
        person.extend(kin.others);
        let facility = FacilityCode::parse(partition.head.as_ref().map_or("", |head| &head.facility));
        Ok(Chart {
            patient,
            facility,
            sheaves: partition.sheaves(),
            columns: Columns::build(rows.iter().map(|(facts, _)| *facts)),
            directives,
            person,
            teams,
            bodies: rows.into_iter().map(|(_, body)| body.clone()).collect(),
            terms: terms.clone(),
            policies: RwLock::default(),
        })
    }

    /// What the record's consents mean for a caller.
    pub fn policy(&self, caller: &Caller) -> Arc<Policy> {
        let known = |policies: &Vec<Arc<Policy>>| policies.iter().find(|p| caller.is_asker(p.asker())).cloned();
        if let Some(policy) = self.policies.read().ok().and_then(|policies| known(&policies)) {
            return policy;
        }
        let policy = Arc::new(Policy::compile(&caller.asker(), &self.ground()));
        if let Ok(mut policies) = self.policies.write() {
            if policies.len() == POLICIES_MAX {
                policies.remove(0);
            }
            policies.push(policy.clone());
        }
        policy
    }

    /// What its consents are read with.
    pub fn ground(&self) -> Ground<'_> {
        Ground {
            about: &self.person,
            facility: &self.facility,
            directives: &self.directives,
            teams: &self.teams,
            columns: &self.columns,
            terms: &self.terms,
        }
    }

    /// The gate of this record for a caller at an instant, milliseconds since 1970.
    pub fn gate<'a>(&self, caller: &'a Caller, policy: &'a Policy, now: i64) -> Gate<'a> {
        match self.patient.is_directory() {
            true => Gate::directory(caller),
            false => Gate::new(caller, &self.facility, policy, now).over(&self.columns),
        }
    }

    /// The permit for a row, when there is one.
    pub fn permit(&self, gate: &Gate<'_>, row: usize) -> Option<Permit> {
        gate.nth(row, &RowFacts::row(&self.columns, row))
    }

    /// The consent that opened a row; `None` where the caller's role did.
    pub fn opened_by<'g>(&self, gate: &Gate<'g>, row: usize) -> Option<&'g ConsentVersion> {
        gate.opened_row_by(&RowFacts::row(&self.columns, row))
    }

    /// The consent that refuses a row at an instant, milliseconds since 1970; `None` where there is just none that permits it.
    pub fn refused_by<'p>(&self, policy: &'p Policy, row: usize, now: i64) -> Option<&'p ConsentVersion> {
        let decision = policy.decide(now, &RowFacts::row(&self.columns, row));
        decision.by.filter(|_| !decision.permitted)
    }

    /// The permit for a version of a resource, by that version's facts: it must be allowed as it is and as it was, with
    /// the labels that the resource has now and those of whatever the version refers to.
    pub fn permit_version(&self, gate: &Gate<'_>, facts: &Facts) -> Option<Permit> {
        if let Some(now) = self.row(facts.resource_type, &facts.id) {
            self.permit(gate, now)?;
        }
        gate.past().row(&self.version(facts))
    }

    /// The consent that opened a version; `None` where the caller's role did.
    pub fn opened_version_by<'g>(&self, gate: &Gate<'g>, facts: &Facts) -> Option<&'g ConsentVersion> {
        gate.opened_row_by(&self.version(facts))
    }

    fn version<'a>(&'a self, facts: &'a Facts) -> RowFacts<'a> {
        let version = RowFacts::of(facts).labelled(self.columns.labels_behind(&facts.references));
        match self.row(facts.resource_type, &facts.id) {
            None => version,
            // What is labelled only for what names it was never labelled itself.
            Some(row) if version.labels.is_empty() && !self.columns.openings(row).is_empty() => {
                version.labelled(self.columns.labels[row]).opened(self.columns.openings(row))
            }
            Some(row) => version.labelled(self.columns.carried(row)),
        }
    }

    /// The row of a current resource.
    pub fn row(&self, resource_type: ResourceType, id: &ResourceId) -> Option<usize> {
        self.columns.find(resource_type, id.as_str())
    }

    /// The resource of a row as JSON.
    pub fn body(&self, row: usize) -> Result<Vec<u8>, Fault> {
        let mut json = Vec::new();
        self.append_body(row, &mut json)?;
        Ok(json)
    }

    /// The same, added to what is being put together.
    pub fn append_body(&self, row: usize, json: &mut Vec<u8>) -> Result<(), Fault> {
        self.bodies[row].append_json(json)
    }

    /// How many resources are on it.
    pub fn len(&self) -> usize {
        self.bodies.len()
    }

    /// Whether nothing is on it.
    pub fn is_empty(&self) -> bool {
        self.bodies.is_empty()
    }
}

/// The current versions of a record, in the order in which they were committed; none of what is gone.
fn current(partition: &Partition) -> Vec<(&Facts, &Body)> {
    let mut current = std::collections::HashMap::with_capacity(partition.records.len());
    for (at, record) in partition.records.iter().enumerate() {
        current.insert((record.facts.resource_type, &record.facts.id), at);
    }
    let mut rows: Vec<usize> = current.into_values().collect();
    rows.sort_unstable();
    let rows = rows.into_iter().filter_map(|at| partition.records.get(at)).filter(|record| !record.facts.deleted);
    rows.map(|record| (&record.facts, &record.body)).collect()
}

fn directives(rows: &[(&Facts, &Body)]) -> Vec<Directive> {
    of_type(rows, ResourceType::CONSENT).map(directive).collect()
}

fn teams(rows: &[(&Facts, &Body)]) -> Vec<Team> {
    let read = |body: &Body| Team::read(&serde_json::from_str(&body.json().ok()?).ok()?);
    of_type(rows, ResourceType::CARE_TEAM).filter_map(read).collect()
}

fn of_type<'a>(rows: &'a [(&Facts, &Body)], resource_type: ResourceType) -> impl Iterator<Item = &'a Body> {
    rows.iter().filter(move |(facts, _)| facts.resource_type == resource_type).map(|(_, body)| *body)
}

/// A Consent that cannot be read denies (consent.md, decision 2).
fn directive(body: &Body) -> Directive {
    let value = body.json().ok().and_then(|text| serde_json::from_str(&text).ok());
    Directive::read(&value.unwrap_or(serde_json::Value::Null))
}
