//! The records that an export is about, as of the instant it begins: what the caller may be shown something of, no more
//! ("System, Patient and Group level export"). Whether anything of them may leave is decided when a file is fetched.

use std::collections::BTreeSet;

use serde_json::Value;

use super::rules;
use crate::api::criteria;
use crate::app::{Gateway, Level};
use crate::consent::{Caller, Role};
use crate::fault::{Fault, Issue, Place};
use crate::fhir::reference::Literal;
use crate::fhir::time::Interval;
use crate::fhir::{PatientKey, ResourceId, ResourceType};

/// What the export is asked of.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(in crate::api) enum Of {
    /// `$export`
    System,
    /// `Patient/$export`
    Patients,
    /// `Group/[id]/$export`
    Group(String),
}

/// Why there is no scope.
#[derive(Debug)]
pub(super) enum NoScope {
    /// There is no such group, or not for this caller.
    NotFound,
    /// A patient who is named is not there for this caller.
    NoSuchPatient,
    /// The machine failed.
    Failed(Fault),
}

impl From<Fault> for NoScope {
    fn from(fault: Fault) -> Self {
        NoScope::Failed(fault)
    }
}

impl NoScope {
    /// What the caller is told of a patient who is not there.
    pub(super) fn issue() -> Issue {
        Issue::new(&rules::NO_SUCH_PATIENT, Place::Whole)
    }
}

impl Of {
    pub(super) fn level(&self) -> Level {
        match self {
            Of::System => Level::System,
            Of::Patients => Level::Patient,
            Of::Group(_) => Level::Group,
        }
    }
}

/// The records, in the order of their keys. Blocks on storage.
pub(super) fn records(
    gateway: &Gateway,
    caller: &Caller,
    of: &Of,
    named: Option<&[String]>,
) -> Result<Vec<PatientKey>, NoScope> {
    let members = match of {
        Of::Group(id) => Some(members(gateway, caller, id)?.ok_or(NoScope::NotFound)?),
        Of::System | Of::Patients => None,
    };
    let records = match (named, members) {
        (Some(named), members) => {
            let mut records = BTreeSet::new();
            for reference in named {
                let id = patient_id(gateway, reference).ok_or(NoScope::NoSuchPatient)?;
                let id = ResourceId::parse(id).ok_or(NoScope::NoSuchPatient)?;
                let found = criteria::by_id(gateway, caller, ResourceType::PATIENT, &id)?;
                let record = found.ok_or(NoScope::NoSuchPatient)?.patient;
                if members.as_ref().is_some_and(|members| !members.contains(&record)) {
                    return Err(NoScope::NoSuchPatient);
                }
                records.insert(record);
            }
            records
        }
        (None, Some(members)) if caller.role == Role::Care => {
            // Whoever is not on the panel is not even looked at.
            let panel = gateway.panel(caller)?;
            members.into_iter().filter(|record| panel.binary_search(record).is_ok()).collect()
        }
        (None, Some(members)) => members,
        (None, None) => {
            let mut records: BTreeSet<PatientKey> = gateway.scope(caller)?.into_iter().collect();
            if caller.role == Role::Source {
                records.extend(gateway.own_records(caller)?);
            }
            records
        }
    };
    let whole = *of == Of::System;
    Ok(records.into_iter().filter(|record| whole || !record.is_directory()).collect())
}

/// The records of a Group's members; `None` when there is no such Group for this caller.
fn members(gateway: &Gateway, caller: &Caller, id: &str) -> Result<Option<BTreeSet<PatientKey>>, Fault> {
    let found = ResourceType::parse("Group").zip(ResourceId::parse(id));
    let found = found.map(|(group, id)| criteria::by_id(gateway, caller, group, &id)).transpose()?.flatten();
    let Some(found) = found else { return Ok(None) };
    let group: Value = serde_json::from_str(&found.body()?).unwrap_or_default();
    let members = group.get("member").and_then(Value::as_array).into_iter().flatten();
    let record = |member: &Value| {
        let ended = member.pointer("/period/end").and_then(Value::as_str);
        let ended = ended.and_then(|end| Interval::parse(end, gateway.zone_minutes()));
        let is_member =
            member.get("inactive") != Some(&Value::Bool(true)) && ended.is_none_or(|ended| ended.end > gateway.now());
        let reference = member.pointer("/entity/reference")?.as_str().filter(|_| is_member)?;
        patient_id(gateway, reference).map(PatientKey::of_id)
    };
    Ok(Some(members.filter_map(record).collect()))
}

/// The id in a reference to a Patient of this server.
fn patient_id<'a>(gateway: &Gateway, reference: &'a str) -> Option<&'a str> {
    match Literal::parse(reference) {
        Literal::Relative(ResourceType::PATIENT, id) => Some(id),
        Literal::Absolute(url, Some((ResourceType::PATIENT, id))) => {
            url.strip_prefix(gateway.base_url()).filter(|rest| *rest == format!("/Patient/{id}")).map(|_| id)
        }
        _ => None,
    }
}
