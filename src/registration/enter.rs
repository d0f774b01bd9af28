//! Entering a form: the Patient, the Consent and the scan in one commit; then the links. What can be previewed is decided in
//! the same way and not written.

use serde_json::Value;

use super::form::{Form, day};
use super::person::{self, Candidate, Whose};
use super::write::{self, Kept, TRIES, is_said, kept, put};
use super::{Clerk, Outcome, Stop, consent, patient, rule};
use crate::app::Gateway;
use crate::consent::directive::{CATEGORY, REGISTRATION, WITHDRAWAL};
use crate::fault::Fault;
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::linking::OFFICE;
use crate::pipeline::{Pipeline, Relation, Statement};
use crate::store::ties::State;

/// Registrations of just the same particulars that are told apart.
const ALIKE_MAX: u32 = 100;

/// What a form came to.
#[derive(Debug)]
pub struct Entered {
    /// What became of it.
    pub outcome: Outcome,
    /// The person's registration.
    pub record: PatientKey,
    /// Its number.
    pub number: String,
    /// The Consents as they are, or would be: this one and those that it takes the place of.
    pub consents: Vec<Value>,
    /// The Consent's version; 0 of a preview.
    pub version: u32,
    /// Consents that this took out of force, or changed.
    pub replaced: Vec<String>,
    /// The person's other records; of a preview those that would certainly be.
    pub others: Vec<PatientKey>,
    /// Records at which somebody must look.
    pub candidates: Vec<Candidate>,
    /// Where the scan is kept.
    pub scan: Option<String>,
}

/// What is to be written.
struct Plan {
    record: PatientKey,
    number: String,
    is_new: bool,
    outcome: Outcome,
    patient: Statement,
    rest: Vec<Statement>,
    consents: Vec<Value>,
    version: u32,
    replaced: Vec<String>,
    scan: Option<String>,
}

/// Enters a form, or tells with `dry` what entering it would come to. Blocks on storage.
pub fn register(gateway: &Gateway, clerk: &Clerk, form: &Form, dry: bool) -> Result<Entered, Stop> {
    let issues = form.issues(gateway.now());
    if !issues.is_empty() {
        return Err(Stop::Refused(issues));
    }
    gateway.write_alone(|pipeline| {
        for _ in 0..TRIES {
            if let Some(entered) = enter(gateway, pipeline, clerk, form, dry)? {
                return Ok(entered);
            }
        }
        Err(Stop::Failed(Fault::Busy))
    })
}

fn enter(
    gateway: &Gateway,
    pipeline: &Pipeline,
    clerk: &Clerk,
    form: &Form,
    dry: bool,
) -> Result<Option<Entered>, Stop> {
    let whose = person::whose(gateway, form)?;
    let plan = planned(gateway, clerk, form, &whose)?;
    let mut version = plan.version;
    if !dry {
        let (record, outcome) = (plan.record, plan.outcome);
        let separate = relations(record, &form.separate, State::Separate, clerk);
        if outcome != Outcome::Unchanged {
            let mut statements = vec![plan.patient];
            // Before there is a Consent, nobody else's record may be taken for this person's.
            if plan.is_new && !separate.is_empty() {
                let Some(_) = write::state(gateway, pipeline, &statements)? else { return Ok(None) };
                pipeline.relate(&separate)?.map_err(write::unlinked)?;
                statements.clear();
            }
            statements.extend(plan.rest);
            let Some(stated) = write::state(gateway, pipeline, &statements)? else { return Ok(None) };
            let own = consent::id_of(record);
            version = stated.iter().find(|stated| stated.id == own).map_or(version, |stated| stated.version);
        }
        // What was decided at the counter holds from now on, whatever the rules make of it.
        if !plan.is_new && !separate.is_empty() {
            pipeline.relate(&separate)?.map_err(write::unlinked)?;
        }
        let link = relations(record, &form.link, State::Linked, clerk);
        if !link.is_empty() {
            pipeline.relate(&link)?.map_err(write::unlinked)?;
        }
        gateway.linker().settle()?;
    }
    let others = match dry {
        false => gateway.chart(plan.record)?.person.clone(),
        true => with_linked(gateway, &whose.confirmed)?,
    };
    let others: Vec<PatientKey> = others.into_iter().filter(|other| *other != plan.record).collect();
    let mut candidates = whose.candidates;
    candidates.retain(|candidate| candidate.record != plan.record && !others.contains(&candidate.record));
    Ok(Some(Entered {
        outcome: plan.outcome,
        record: plan.record,
        number: plan.number,
        consents: plan.consents,
        version,
        replaced: plan.replaced,
        others,
        candidates,
        scan: plan.scan,
    }))
}

/// Whose form it is, and what is to be written for it.
fn planned(gateway: &Gateway, clerk: &Clerk, form: &Form, whose: &Whose) -> Result<Plan, Stop> {
    if let Some(record) = whose.record {
        return plan(gateway, clerk, form, whose, record);
    }
    // Nothing tells somebody with just the same particulars apart; only the very same form is known again.
    for record in &whose.alike {
        let plan = plan(gateway, clerk, form, whose, *record);
        if plan.as_ref().is_ok_and(|plan| plan.outcome == Outcome::Unchanged) {
            return plan;
        }
    }
    if !whose.alike.is_empty() {
        let named: Vec<String> = whose.alike.iter().map(|record| record.reference()).collect();
        return Err(Stop::because(&rule::ALIKE, "person", named.join(", ")));
    }
    let record = |number: &str| PatientKey::derive(gateway.office(), number);
    if let Some(number) = &form.number {
        return plan(gateway, clerk, form, whose, record(number.trim()));
    }
    for nth in 0..ALIKE_MAX {
        let record = record(&patient::number(form, nth));
        if gateway.store().head(record)?.is_none() {
            return plan(gateway, clerk, form, whose, record);
        }
    }
    Err(Stop::because(&rule::TOO_MANY, "person", ALIKE_MAX.to_string()))
}

fn plan(gateway: &Gateway, clerk: &Clerk, form: &Form, whose: &Whose, record: PatientKey) -> Result<Plan, Stop> {
    let office = gateway.office();
    let of_patient = kept(gateway, record, ResourceType::PATIENT, &record.patient_id())?;
    let of_consent = kept(gateway, record, ResourceType::CONSENT, &consent::id_of(record))?;
    in_time(gateway, form, record, of_consent.as_ref())?;
    let earlier = of_patient.as_ref().map(|kept| &kept.body);
    let number = match (earlier.and_then(|patient| patient::number_of(patient, office)), &form.number) {
        (Some(number), _) => number,
        (None, Some(number)) => number.trim().to_owned(),
        (None, None) => made(form, gateway, record),
    };
    let patient = patient::resource(form, record, office, &number, earlier);
    let patient = put(ResourceType::PATIENT, record, &patient, of_patient.as_ref())?;
    let signed = |kept: &Kept| kept.body["dateTime"].as_str().map(str::to_owned);
    let is_same_form = of_consent.as_ref().and_then(signed).as_deref() == Some(&form.evidence.signed);
    let mut rest = Vec::new();
    // What was scanned of the same form stays with it.
    let mut scans: Vec<String> = match &of_consent {
        Some(kept) if is_same_form => consent::forms(&kept.body),
        _ => Vec::new(),
    };
    let mut scan = None;
    if let Some(sent) = &form.evidence.scan {
        let (place, id) = sent.place(office, record);
        let reference = format!("DocumentReference/{}", id.as_str());
        let known = kept(gateway, place, ResourceType::DOCUMENT_REFERENCE, &id)?;
        if known.is_none() {
            rest.push(put(ResourceType::DOCUMENT_REFERENCE, place, &sent.resource(&id, record), None)?);
        }
        if !scans.contains(&reference) {
            scans.push(reference.clone());
        }
        scan = Some(reference);
    }
    let resource = consent::registration(form, record, clerk, &scans);
    let statement = put(ResourceType::CONSENT, record, &resource, of_consent.as_ref())?;
    let is_unchanged = is_said(&patient, of_patient.as_ref()) && is_said(&statement, of_consent.as_ref());
    let was_active = of_consent.as_ref().is_some_and(|kept| kept.body["status"] == "active");
    rest.push(statement);
    let mut consents = vec![resource];
    let (others, replaced) = others_replaced(gateway, form, whose, record, &mut consents)?;
    let outcome = match &of_consent {
        _ if is_unchanged && others.is_empty() => Outcome::Unchanged,
        None => Outcome::Registered,
        Some(_) if was_active && is_same_form => Outcome::Amended,
        Some(_) => Outcome::Reregistered,
    };
    rest.extend(others);
    let version = of_consent.as_ref().map_or(0, |kept| kept.version);
    let is_new = of_patient.is_none();
    Ok(Plan { record, number, is_new, outcome, patient, rest, consents, version, replaced, scan })
}

/// The number that belongs to a record whose key was made of it.
fn made(form: &Form, gateway: &Gateway, record: PatientKey) -> String {
    let mut numbers = (0..ALIKE_MAX).map(|nth| patient::number(form, nth));
    let own = numbers.find(|number| PatientKey::derive(gateway.office(), number) == record);
    own.unwrap_or_else(|| patient::number(form, 0))
}

/// Whether a form is newer than what is on record: a table that is sent once more brings nothing back that was withdrawn.
fn in_time(gateway: &Gateway, form: &Form, record: PatientKey, kept: Option<&Kept>) -> Result<(), Stop> {
    let Some(known) = kept else { return Ok(()) };
    let start = |date: &str| day(date).map_or(i64::MIN, |day| day.start);
    let (given, signed) = (known.body["dateTime"].as_str().unwrap_or_default(), start(&form.evidence.signed));
    let late = |rule, date: &str| Err(Stop::because(rule, "signed", date));
    if known.body["status"] == "active" {
        return if signed < start(given) { late(&rule::OLDER, given) } else { Ok(()) };
    }
    if signed <= start(given) {
        return late(&rule::WITHDRAWN, given);
    }
    let withdrawal = write::kept(gateway, record, ResourceType::CONSENT, &consent::withdrawal_id(record))?;
    match withdrawal.as_ref().and_then(|kept| kept.body["dateTime"].as_str()) {
        Some(withdrawn) if signed < start(withdrawn) => late(&rule::WITHDRAWN, withdrawn),
        _ => Ok(()),
    }
}

/// The person's other registrations, which this one takes the place of; and exclusions of those whom this form names, who are
/// excluded no longer.
fn others_replaced(
    gateway: &Gateway,
    form: &Form,
    whose: &Whose,
    record: PatientKey,
    consents: &mut Vec<Value>,
) -> Result<(Vec<Statement>, Vec<String>), Stop> {
    let (mut statements, mut named) = (Vec::new(), Vec::new());
    for of_person in with_linked(gateway, &[&[record], &whose.confirmed[..]].concat())? {
        let chart = gateway.chart(of_person)?;
        for directive in chart.directives.iter().filter(|one| one.patient == Some(of_person)) {
            let Some(id) = ResourceId::parse(&directive.consent.id) else { continue };
            if id == consent::id_of(record) {
                continue;
            }
            let Some(known) = kept(gateway, of_person, ResourceType::CONSENT, &id)? else { continue };
            let mut body = known.body.clone();
            let is_registration = is_of(&body, REGISTRATION) && body["status"] == "active";
            if is_registration {
                body["status"] = "inactive".into();
            } else if !lifted(&mut body, form) {
                continue;
            }
            statements.push(write::put_again(ResourceType::CONSENT, of_person, &body, Some(&known))?);
            named.push(format!("Consent/{}", id.as_str()));
            consents.push(body);
        }
    }
    Ok((statements, named))
}

/// Takes those whom a form names out of an exclusion that was signed no later.
fn lifted(excluded: &mut Value, form: &Form) -> bool {
    let is_exclusion = is_of(excluded, WITHDRAWAL) && excluded["status"] == "active";
    let given = excluded["dateTime"].as_str().and_then(day).map_or(i64::MAX, |day| day.start);
    let is_newer = day(&form.evidence.signed).is_some_and(|signed| signed.start >= given);
    let Some(members) = consent::recipients(excluded).filter(|_| is_exclusion && is_newer) else { return false };
    let left: Vec<_> = members.iter().filter(|member| !form.recipients.contains(member)).cloned().collect();
    if left.len() == members.len() {
        return false;
    }
    if left.is_empty() {
        excluded["status"] = "inactive".into();
    } else {
        consent::set_recipients(excluded, &left);
    }
    true
}

/// Whether a Consent is of a category of ours.
pub(super) fn is_of(consent: &Value, category: &str) -> bool {
    let codings = consent["category"].as_array().into_iter().flatten();
    let mut codings = codings.filter_map(|category| category["coding"].as_array()).flatten();
    codings.any(|coding| coding["system"] == CATEGORY && coding["code"] == category)
}

/// Records and all that are linked with them, each once.
pub(super) fn with_linked(gateway: &Gateway, records: &[PatientKey]) -> Result<Vec<PatientKey>, Fault> {
    let mut all = Vec::new();
    for record in records {
        all.extend_from_slice(&gateway.chart(*record)?.person);
    }
    all.sort_unstable();
    all.dedup();
    Ok(all)
}

fn relations(record: PatientKey, others: &[PatientKey], state: State, clerk: &Clerk) -> Vec<Relation> {
    let others = others.iter().filter(|other| **other != record);
    let relation = |other: &PatientKey| Relation {
        one: record,
        other: *other,
        state: Some(state),
        ground: OFFICE.to_owned(),
        by: clerk.client.clone(),
        reason: "登録窓口で確認".to_owned(),
        score: 0.0,
    };
    others.map(relation).collect()
}
