//! A chart: one patient's record as a reader needs it, in memory while the patient is hot (design decision 4c).

use std::sync::{Arc, RwLock};

use crate::consent::{Caller, ConsentVersion, Directive, Gate, Ground, Permit, Policy, RowFacts, Team, Terms};
use crate::fault::Fault;
use crate::fhir::{FacilityCode, PatientKey, ResourceId, ResourceType};
use crate::search::{Columns, Facts};
use crate::store::{Body, Partition};

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
    /// What the record's Consents say.
    pub directives: Vec<Directive>,
    teams: Vec<Team>,
    bodies: Vec<Body>,
    terms: Arc<Terms>,
    /// Compiled for each who asks; a chart is made anew when a consent changes, so these never outlive their consents.
    policies: RwLock<Vec<Arc<Policy>>>,
}

impl Chart {
    /// Makes the chart of a record. Versions that are not current, and resources that are gone, are not on it.
    pub fn build(partition: &Partition, terms: &Arc<Terms>) -> Result<Self, Fault> {
        let patient = partition.patient;
        let mut current = std::collections::HashMap::with_capacity(partition.records.len());
        for (at, record) in partition.records.iter().enumerate() {
            current.insert((record.facts.resource_type, &record.facts.id), at);
        }
        let mut rows: Vec<usize> = current.into_values().filter(|at| !partition.records[*at].facts.deleted).collect();
        rows.sort_unstable();
        let facts: Vec<&Facts> = rows.iter().map(|at| &partition.records[*at].facts).collect();
        let bodies: Vec<Body> = rows.iter().map(|at| partition.records[*at].body.clone()).collect();
        let directives: Vec<_> = facts
            .iter()
            .zip(&bodies)
            .filter(|(facts, _)| facts.resource_type == ResourceType::CONSENT)
            .map(|(_, body)| directive(body))
            .collect();
        let teams = facts
            .iter()
            .zip(&bodies)
            .filter(|(facts, _)| facts.resource_type == ResourceType::CARE_TEAM && !directives.is_empty())
            .filter_map(|(_, body)| Team::read(&serde_json::from_str(&body.json().ok()?).ok()?))
            .collect();
        let facility = FacilityCode::parse(partition.head.as_ref().map_or("", |head| &head.facility));
        let columns = Columns::build(facts.iter().copied());
        Ok(Chart {
            patient,
            facility,
            sheaves: partition.sheaves(),
            columns,
            directives,
            teams,
            bodies,
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
            about: std::slice::from_ref(&self.patient),
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

/// A Consent that cannot be read denies (consent.md, decision 2).
fn directive(body: &Body) -> Directive {
    let value = body.json().ok().and_then(|text| serde_json::from_str(&text).ok());
    Directive::read(&value.unwrap_or(serde_json::Value::Null))
}
