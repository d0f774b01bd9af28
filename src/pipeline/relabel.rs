//! Labels made anew: what is stored keeps the labels that the rules of its day gave it; this gives every version those of
//! today's (`docs/adr/0038`). Neither what a version says nor its number or date changes.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{CONFLICTS_MAX, Pipeline};
use crate::fault::Fault;
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::search::facts::{Facts, Labels};
use crate::search::{LabelRules, labels};
use crate::store::{Commit, Partition, Record};

/// Under which name the store notes by which rules it is labelled.
const NOTE: &str = "label-rules";

impl Pipeline {
    /// Whether everything in the store is labelled by the rules in force, as far as this program wrote it.
    pub fn is_labelled(&self) -> Result<bool, Fault> {
        let noted = self.store.noted(NOTE)?;
        Ok(noted.unwrap_or_else(|| stamp(&LabelRules::default())) == stamp(&self.label_rules()))
    }

    /// Notes that everything in the store is labelled by the rules in force: after [`Pipeline::relabel`] of every record.
    /// Blocks on storage.
    pub fn note_labelled(&self) -> Result<(), Fault> {
        self.note(&stamp(&self.label_rules()))
    }

    /// To be called before something is written beside a gateway: notes by which rules that is, or that they are others than
    /// the rest was labelled by. Blocks on storage.
    pub fn note_writing(&self) -> Result<(), Fault> {
        match (self.is_labelled()?, self.store.record_from(PatientKey(0))?) {
            (true, _) => Ok(()),
            (false, None) => self.note_labelled(),
            (false, Some(_)) => self.note(b"mixed"),
        }
    }

    fn note(&self, text: &[u8]) -> Result<(), Fault> {
        let mut commit = Commit::default();
        commit.note(NOTE, Some(text));
        self.store.submit(commit).wait().map(|_| ())
    }

    /// Gives every version of a record the labels of the rules in force; says how many had others. `only_try` writes
    /// nothing. Blocks on storage.
    pub fn relabel(&self, patient: PatientKey, only_try: bool) -> Result<usize, Fault> {
        for _ in 0..CONFLICTS_MAX {
            match self.relabel_once(patient, only_try) {
                Err(Fault::Conflict) => {}
                done => return done,
            }
        }
        Err(Fault::Busy)
    }

    fn relabel_once(&self, patient: PatientKey, only_try: bool) -> Result<usize, Fault> {
        let partition = self.store.partition(patient)?;
        let rules = match patient.is_directory() {
            true => LabelRules::default().into(),
            false => self.label_rules(),
        };
        let (count, known) = relabelled(&partition, &rules)?;
        if count > 0 && !only_try {
            self.store.submit(partition.rewrite("", &known)?).wait()?;
        }
        Ok(count)
    }
}

fn stamp(rules: &LabelRules) -> Vec<u8> {
    format!("{:016x}", rules.stamp()).into_bytes()
}

/// How many versions have other labels by these rules, and those versions with all that came after them: of one resource the
/// version that is written last is the current one.
fn relabelled(partition: &Partition, rules: &LabelRules) -> Result<(usize, Vec<(Facts, String)>), Fault> {
    let mut resources: HashMap<(ResourceType, &ResourceId), BTreeMap<u32, &Record>> = HashMap::new();
    for record in &partition.records {
        let facts = &record.facts;
        // Of one version the last record is the one that is best known.
        resources.entry((facts.resource_type, &facts.id)).or_default().insert(facts.version, record);
    }
    let (mut count, mut known) = (0, Vec::new());
    for versions in resources.into_values() {
        let mut differs = false;
        for record in versions.into_values() {
            let json = record.body.json()?;
            let labels = if record.facts.deleted { record.facts.labels } else { labels_of(&json, rules)? };
            count += usize::from(labels != record.facts.labels);
            differs |= labels != record.facts.labels;
            if differs {
                known.push((Facts { labels, ..record.facts.clone() }, json));
            }
        }
    }
    Ok((count, known))
}

fn labels_of(json: &str, rules: &LabelRules) -> Result<Labels, Fault> {
    let value: Value = serde_json::from_str(json).map_err(|_| Fault::Broken("a stored resource is not JSON".into()))?;
    Ok(rules.labels(&value, labels::stated(&value)))
}
