//! Withdrawing (同意撤回): everything, or for some members and facilities. It holds from the very next request on, in one commit
//! whichever of the person's records the Consents lie in.
//!
//! Withdrawn altogether, nothing of the person's Consents permits any more: each that permits becomes inactive, and one that
//! denies keeps its denial and loses what it permits. Withdrawn for some, a Consent denies them, whatever permits them else.
//! A record that stands open in an emergency stays open until its end (docs/adr/0037).

use serde_json::Value;

use super::enter::with_linked;
use super::form::{Evidence, MEMBERS_MAX, Member, issue};
use super::write::{self, TRIES, is_said, kept, put};
use super::{Clerk, Stop, consent, person, rule};
use crate::app::Gateway;
use crate::consent::directive::Effect;
use crate::fault::{Fault, Issue};
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::identity::Traits;
use crate::pipeline::{Pipeline, Statement};

/// What a form of withdrawal holds.
#[derive(Clone, Debug, Default)]
pub struct Withdrawal {
    /// For whom.
    pub wanted: Wanted,
    /// What shows it; `signed` is the day of the withdrawal.
    pub evidence: Evidence,
}

/// For whom consent is withdrawn.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Wanted {
    /// Everybody.
    #[default]
    Everything,
    /// These members, of what these facilities have; whoever is not named is not meant, and where only one of the two is named
    /// it is for everybody, or of everything.
    Some {
        /// Who no longer receives.
        members: Vec<Member>,
        /// Who no longer discloses, `Organization/id`.
        sources: Vec<String>,
    },
}

/// What came of it.
#[derive(Debug)]
pub struct Revoked {
    /// The record in which it is on file.
    pub record: PatientKey,
    /// Whether nothing was different before.
    pub is_unchanged: bool,
    /// What is on file of it.
    pub filed: String,
    /// Consents that no longer permit what they did.
    pub closed: Vec<String>,
    /// The Consents as they are, or would be.
    pub consents: Vec<Value>,
    /// Where the scan is kept.
    pub scan: Option<String>,
}

/// The person with these traits; a refusal where it is nobody's, or several people's. Blocks on storage.
pub fn person_of(gateway: &Gateway, traits: &Traits) -> Result<PatientKey, Stop> {
    let found = person::found(gateway, traits, &[])?;
    let named = |records: &[PatientKey]| records.iter().map(|record| record.reference()).collect::<Vec<_>>().join(", ");
    let Some(first) = found.confirmed.first() else {
        let candidates: Vec<PatientKey> = found.candidates.iter().map(|candidate| candidate.record).collect();
        return Err(Stop::because(&rule::NOBODY, "person", named(&candidates)));
    };
    let person = &gateway.chart(*first)?.person;
    match found.confirmed.iter().all(|record| person.contains(record)) {
        true => Ok(*first),
        false => Err(Stop::because(&rule::SEVERAL, "person", named(&found.confirmed))),
    }
}

/// Withdraws, or tells with `dry` what that would come to. Blocks on storage.
pub fn revoke(
    gateway: &Gateway,
    clerk: &Clerk,
    of: PatientKey,
    withdrawal: &Withdrawal,
    dry: bool,
) -> Result<Revoked, Stop> {
    let issues = withdrawal.issues(gateway.now());
    if !issues.is_empty() {
        return Err(Stop::Refused(issues));
    }
    gateway.write_alone(|pipeline| {
        for _ in 0..TRIES {
            if let Some(revoked) = revoke_once(gateway, pipeline, clerk, of, withdrawal, dry)? {
                return Ok(revoked);
            }
        }
        Err(Stop::Failed(Fault::Busy))
    })
}

impl Withdrawal {
    fn issues(&self, now_ms: i64) -> Vec<Issue> {
        let mut found = Vec::new();
        self.evidence.issues(now_ms, "date", &mut found);
        if let Wanted::Some { members, sources } = &self.wanted {
            if members.is_empty() && sources.is_empty() {
                found.push(issue(&rule::NOTHING_NAMED, "member", ""));
            }
            for (field, count) in [("member", members.len()), ("source", sources.len())] {
                if count > MEMBERS_MAX {
                    found.push(issue(&rule::TOO_MANY, field, MEMBERS_MAX.to_string()));
                }
            }
        }
        found
    }
}

fn revoke_once(
    gateway: &Gateway,
    pipeline: &Pipeline,
    clerk: &Clerk,
    of: PatientKey,
    withdrawal: &Withdrawal,
    dry: bool,
) -> Result<Option<Revoked>, Stop> {
    gateway.linker().settle()?;
    let record = person::registration(gateway, &[of], &[])?.unwrap_or(of);
    let (mut statements, mut scans) = (Vec::new(), Vec::new());
    let evidence = &withdrawal.evidence;
    let (members, sources) = match &withdrawal.wanted {
        Wanted::Everything => (&[][..], &[][..]),
        Wanted::Some { members, sources } => (&members[..], &sources[..]),
    };
    let is_everything = withdrawal.wanted == Wanted::Everything;
    let id = match is_everything {
        true => consent::withdrawal_id(record),
        false => consent::exclusion_id(record, members, sources),
    };
    let mut revoked = Revoked {
        record,
        is_unchanged: false,
        filed: format!("Consent/{}", id.as_str()),
        closed: Vec::new(),
        consents: Vec::new(),
        scan: None,
    };
    let known = kept(gateway, record, ResourceType::CONSENT, &id)?;
    if let Some(kept) = known.as_ref().filter(|kept| kept.body["dateTime"] == evidence.signed.as_str()) {
        scans = consent::forms(&kept.body);
    }
    if let Some(sent) = &evidence.scan {
        let (place, id) = sent.place(gateway.office(), record);
        let reference = format!("DocumentReference/{}", id.as_str());
        if kept(gateway, place, ResourceType::DOCUMENT_REFERENCE, &id)?.is_none() {
            statements.push(put(ResourceType::DOCUMENT_REFERENCE, place, &sent.resource(&id, record), None)?);
        }
        if !scans.contains(&reference) {
            scans.push(reference.clone());
        }
        revoked.scan = Some(reference);
    }
    let filed = match is_everything {
        true => consent::withdrawal(evidence, record, clerk, &scans),
        false => consent::exclusion(evidence, record, clerk, &scans, (members, sources)),
    };
    let statement = put(ResourceType::CONSENT, record, &filed, known.as_ref())?;
    let is_filed = is_said(&statement, known.as_ref());
    statements.push(statement);
    revoked.consents.push(filed);
    if is_everything {
        close(gateway, record, &mut statements, &mut revoked)?;
    }
    revoked.is_unchanged = is_filed && revoked.closed.is_empty();
    if !dry && !revoked.is_unchanged && write::state(gateway, pipeline, &statements)?.is_none() {
        return Ok(None);
    }
    Ok(Some(revoked))
}

/// Takes what they permit from all Consents of a person.
fn close(
    gateway: &Gateway,
    record: PatientKey,
    statements: &mut Vec<Statement>,
    revoked: &mut Revoked,
) -> Result<(), Stop> {
    for of_person in with_linked(gateway, &[record])? {
        let chart = gateway.chart(of_person)?;
        for directive in chart.directives.iter().filter(|one| one.patient == Some(of_person)) {
            let is_permit = match &directive.effect {
                Effect::Rule(rule) if rule.permits => true,
                Effect::Rule(rule) if !rule.exceptions.is_empty() => false,
                _ => continue,
            };
            let Some(id) = ResourceId::parse(&directive.consent.id) else { continue };
            let Some(known) = kept(gateway, of_person, ResourceType::CONSENT, &id)? else { continue };
            let mut body = known.body.clone();
            if is_permit {
                body["status"] = "inactive".into();
            } else if let Some(provision) = body["provision"].as_object_mut() {
                provision.remove("provision");
            }
            statements.push(write::put_again(ResourceType::CONSENT, of_person, &body, Some(&known))?);
            revoked.closed.push(format!("Consent/{}", id.as_str()));
            revoked.consents.push(body);
        }
    }
    Ok(())
}
