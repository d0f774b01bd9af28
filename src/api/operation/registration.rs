//! The office's desk (docs/adr/0048): `Patient/$register`, `$register-batch`, `$revoke`, `$registration-form`,
//! `$registration-report`. Here parameters become a form and what came of it an answer; what is done stands in
//! `crate::registration`.

mod asked;
pub(super) mod batch;
mod outlook;
pub(super) mod report;

use serde_json::{Value, json};

use super::access;
use super::{Call, Level, record_of};
use crate::api::answer::Answer;
use crate::api::routes::blocking;
use crate::api::trail::Trail;
use crate::api::write::Stop;
use crate::app::Gateway;
use crate::consent::Permitted;
use crate::fault::{Fault, Finding, Issue, Status};
use crate::fhir::{FacilityCode, PatientKey, ResourceType, outcome};
use crate::identity::Traits;
use crate::registration::{self, Candidate, Clerk, Entered, Revoked};
use outlook::Outlook;

/// Enters a form.
pub(super) async fn register(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    let (form, dry) = asked::form(&call)?;
    let (gateway, clerk) = (call.gateway.clone(), clerk(&call));
    let done = blocking(move || {
        Ok(registration::register(&gateway, &clerk, &form, dry).map_err(stop).and_then(|entered| {
            let records: Vec<PatientKey> = [entered.record].into_iter().chain(entered.others.iter().copied()).collect();
            let outlook = Outlook::of(&gateway, &records, dry.then_some(&entered.consents[..]))?;
            let parts = registered(&gateway, &entered, &form.sources, &outlook)?;
            Ok((records, entered, parts))
        }))
    });
    let (records, entered, mut parts) = done.await??;
    if dry {
        parts.insert(0, json!({"name": "dryRun", "valueBoolean": true}));
    }
    let named = records.into_iter().chain(entered.candidates.iter().map(|candidate| candidate.record));
    trail.wrote(named, if dry { 0 } else { 1 });
    answer(&call, parts)
}

/// Enters a withdrawal.
pub(super) async fn revoke(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    let (withdrawal, person, dry) = asked::withdrawal(&call)?;
    let of = match &call.level {
        Level::Instance(_, id) => {
            let Some(record) = record_of(call.gateway, call.caller, id.as_str())? else {
                return Ok(Answer::not_found());
            };
            Some(record)
        }
        Level::System | Level::Type(_) => None,
    };
    let (gateway, clerk) = (call.gateway.clone(), clerk(&call));
    let done = blocking(move || {
        let work = || -> Result<_, Stop> {
            let of = match of {
                Some(record) => record,
                None => {
                    let traits = Traits::read(&person, &[]);
                    registration::person_of(&gateway, &traits).map_err(stop)?
                }
            };
            if gateway.chart(of)?.row(ResourceType::PATIENT, &of.patient_id()).is_none() && !has_patient(&gateway, of)?
            {
                return Ok(None);
            }
            let records = gateway.chart(of)?.person.clone();
            let before = Outlook::of(&gateway, &records, None)?.sights()?;
            let revoked = registration::revoke(&gateway, &clerk, of, &withdrawal, dry).map_err(stop)?;
            let outlook = Outlook::of(&gateway, &records, dry.then_some(&revoked.consents[..]))?;
            Ok(Some((records, withdrawn(&revoked, &before, &outlook)?)))
        };
        Ok(work())
    });
    let Some((records, mut parts)) = done.await?? else { return Ok(Answer::not_found()) };
    if dry {
        parts.insert(0, json!({"name": "dryRun", "valueBoolean": true}));
    }
    trail.wrote(records, if dry { 0 } else { 1 });
    answer(&call, parts)
}

/// The scan of a form.
pub(super) async fn form(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&["form"])?;
    let named = call.parameters.text("form")?;
    let Level::Instance(_, id) = &call.level else { return Ok(Answer::not_found()) };
    let Some(record) = record_of(call.gateway, call.caller, id.as_str())? else { return Ok(Answer::not_found()) };
    let gateway = call.gateway.clone();
    let found = blocking(move || {
        let person = gateway.chart(record)?.person.clone();
        registration::of_person(&gateway, &person, named.as_deref())
    });
    let Some((bytes, kind)) = found.await? else { return Ok(Answer::not_found()) };
    trail.saw(record, None, 1);
    Ok(Answer::bytes(Permitted::account(call.caller, bytes)?, kind))
}

/// Whether a record that has no Patient of its own key has one at all: of one under an id that somebody chose.
fn has_patient(gateway: &Gateway, record: PatientKey) -> Result<bool, Fault> {
    Ok(gateway.chart(record)?.columns.types.contains(&ResourceType::PATIENT))
}

fn clerk(call: &Call<'_>) -> Clerk {
    Clerk { client: call.caller.client.clone(), organization: call.caller.organization.clone() }
}

/// A refusal of the desk as one of the API.
fn stop(stop: registration::Stop) -> Stop {
    match stop {
        registration::Stop::Refused(issues) => Stop::Refused(Status::Unprocessable, issues),
        registration::Stop::Failed(fault) => Stop::Failed(fault),
    }
}

/// What entering a form came to.
fn registered(
    gateway: &Gateway,
    entered: &Entered,
    sources: &[String],
    outlook: &Outlook<'_>,
) -> Result<Vec<Value>, Fault> {
    let id = entered.consents.first().and_then(|consent| consent["id"].as_str()).unwrap_or_default();
    let consent = match entered.version {
        0 => format!("Consent/{id}"),
        version => format!("Consent/{id}/_history/{version}"),
    };
    let mut parts = vec![
        json!({"name": "outcome", "valueCode": entered.outcome.code()}),
        json!({"name": "text", "valueString": entered.outcome.japanese()}),
        json!({"name": "number", "valueString": entered.number}),
        json!({"name": "patient", "valueReference": {"reference": entered.record.reference()}}),
        json!({"name": "consent", "valueReference": {"reference": consent}}),
    ];
    parts.extend(entered.scan.iter().map(|scan| json!({"name": "form", "valueReference": {"reference": scan}})));
    let replaced = entered.replaced.iter();
    parts.extend(replaced.map(|one| json!({"name": "replaced", "valueReference": {"reference": one}})));
    let mut known = Vec::new();
    for chart in outlook.charts.iter().filter(|chart| chart.patient != entered.record) {
        known.push(chart.facility.clone());
        parts.push(json!({"name": "record", "part": kept_by(gateway, chart.patient, &chart.facility)}));
    }
    parts.extend(entered.candidates.iter().map(|one| candidate(gateway, one)));
    parts.extend(outlook.sights()?.iter().filter(|(_, sight)| sight.count() > 0).map(|(member, sight)| {
        let mut parts = access::about(member);
        parts.push(json!({"name": "visible", "valueUnsignedInt": sight.count()}));
        parts.extend(access::counts(&sight.types));
        json!({"name": "member", "part": parts})
    }));
    let custodians = &gateway.terms().custodians;
    for source in gateway.sources().iter().filter(|source| !known.contains(&source.facility)) {
        let organization = custodians.get(&source.facility).map(|name| name.to_string()).unwrap_or_default();
        if sources.is_empty() || sources.contains(&organization) {
            parts.push(json!({"name": "to-come", "part": facility(gateway, &source.facility)}));
        }
    }
    let own = ResourceType::CONSENT.name().to_owned() + "/" + id;
    let mut issues = outlook.alarms(&own)?;
    if known.is_empty() {
        issues.push(outlook::no_record_yet());
    }
    parts.extend(told(&issues));
    Ok(parts)
}

/// What entering a withdrawal came to.
fn withdrawn(revoked: &Revoked, before: &outlook::Sights, outlook: &Outlook<'_>) -> Result<Vec<Value>, Fault> {
    let outcome = if revoked.is_unchanged { "unchanged" } else { "revoked" };
    let mut parts = vec![
        json!({"name": "outcome", "valueCode": outcome}),
        json!({"name": "patient", "valueReference": {"reference": revoked.record.reference()}}),
        json!({"name": "consent", "valueReference": {"reference": revoked.filed}}),
    ];
    parts.extend(revoked.scan.iter().map(|scan| json!({"name": "form", "valueReference": {"reference": scan}})));
    let closed = revoked.closed.iter();
    parts.extend(closed.map(|one| json!({"name": "closed", "valueReference": {"reference": one}})));
    for ((member, before), (_, after)) in before.iter().zip(outlook.sights()?) {
        if before.types == after.types {
            continue;
        }
        let mut of_member = access::about(member);
        of_member.push(json!({"name": "before", "valueUnsignedInt": before.count()}));
        of_member.push(json!({"name": "after", "valueUnsignedInt": after.count()}));
        of_member.extend(access::counts(&after.types));
        parts.push(json!({"name": "member", "part": of_member}));
    }
    parts.extend(told(&outlook.alarms(&revoked.filed)?));
    Ok(parts)
}

/// A record and who keeps it.
fn kept_by(gateway: &Gateway, record: PatientKey, code: &FacilityCode) -> Vec<Value> {
    let mut parts = vec![json!({"name": "patient", "valueReference": {"reference": record.reference()}})];
    parts.extend(facility(gateway, code));
    parts
}

fn facility(gateway: &Gateway, code: &FacilityCode) -> Vec<Value> {
    let mut parts = Vec::new();
    if !code.is_unstated() {
        parts.push(json!({"name": "facility", "valueString": code.as_str()}));
    }
    let name = if code == gateway.office() { Some("事務局の登録") } else { gateway.facility_name(code) };
    parts.extend(name.map(|name| json!({"name": "name", "valueString": name})));
    let organization = gateway.terms().custodians.get(code);
    parts.extend(organization.map(|one| json!({"name": "organization", "valueReference": {"reference": **one}})));
    parts
}

/// A record that may be the person's, and what of it agrees; nothing that stands in it.
fn candidate(gateway: &Gateway, one: &Candidate) -> Value {
    let mut parts = kept_by(gateway, one.record, &one.facility);
    let grade = if one.is_certain { "certain" } else { "possible" };
    parts.push(json!({"name": "grade", "valueCode": grade}));
    parts.push(json!({"name": "score", "valueDecimal": f64::from((one.score * 10.0).round()) / 10.0}));
    parts.extend(one.agrees.iter().map(|name| json!({"name": "agrees", "valueCode": name})));
    parts.extend(one.differs.iter().map(|name| json!({"name": "differs", "valueCode": name})));
    json!({"name": "candidate", "part": parts})
}

fn told(issues: &[Issue]) -> Option<Value> {
    if issues.is_empty() {
        return None;
    }
    let findings: Vec<Finding> = issues.iter().map(Finding::from).collect();
    let told: Value = serde_json::from_str(&outcome::operation_outcome(&findings)).unwrap_or_default();
    Some(json!({"name": "issues", "resource": told}))
}

fn answer(call: &Call<'_>, parameter: Vec<Value>) -> Result<Answer, Stop> {
    let body = json!({"resourceType": "Parameters", "parameter": parameter});
    Ok(Answer::ok(Permitted::account(call.caller, body.to_string().into_bytes())?))
}
