//! Parameters of a registration, or of a withdrawal, as a form.

use serde_json::Value;

use super::super::{Call, Level, parameters, rules};
use crate::api::rules as common;
use crate::api::write::Stop;
use crate::api::write::prepare::Body;
use crate::consent::member::MEMBER_KIND;
use crate::fault::Status;
use crate::fhir::{PatientKey, ResourceId, ResourceType, reference};
use crate::registration::{Basis, Evidence, Form, Member, Scan, Scope, Wanted, Withdrawal, rule};

/// What a registration may say.
const OF_FORM: [&str; 19] = [
    "person",
    "representative",
    "facility",
    "member",
    "source",
    "scope",
    "data",
    "period",
    "form",
    "basis",
    "signed",
    "verified",
    "registrar",
    "reason",
    "number",
    "link",
    "separate",
    "dryRun",
    "_format",
];
/// What a withdrawal may say.
const OF_WITHDRAWAL: [&str; 13] = [
    "person",
    "representative",
    "facility",
    "member",
    "source",
    "scope",
    "form",
    "basis",
    "date",
    "verified",
    "registrar",
    "reason",
    "dryRun",
];

/// The form of a registration, and whether it is to be tried only.
pub(super) fn form(call: &Call<'_>) -> Result<(Form, bool), Stop> {
    call.parameters.only(&OF_FORM)?;
    let mut words = texts(call, "scope")?;
    words.extend(texts(call, "data")?);
    let scope = Scope::read(words.iter().map(String::as_str));
    let scope = scope.map_err(|_| Stop::because(Status::Unprocessable, &rule::SCOPE, "scope"))?;
    let period = call.parameters.value("period")?;
    let end_of = |name: &str| -> Result<Option<String>, Stop> {
        match period.and_then(|period| period.get(name)) {
            None => Ok(None),
            Some(Value::String(date)) => Ok(Some(date.clone())),
            Some(_) => Err(parameters::refused(&common::VALUE, "period")),
        }
    };
    let form = Form {
        person: person(call)?.ok_or_else(|| missing("person"))?,
        number: call.parameters.text("number")?,
        recipients: members(call)?,
        sources: sources(call)?,
        scope,
        start: end_of("start")?,
        end: end_of("end")?,
        evidence: evidence(call, "signed")?,
        link: records(call, "link")?,
        separate: records(call, "separate")?,
    };
    Ok((form, call.parameters.boolean("dryRun")?.unwrap_or(false)))
}

/// The form of a withdrawal, whose it is where the address does not say, and whether it is to be tried only.
pub(super) fn withdrawal(call: &Call<'_>) -> Result<(Withdrawal, Value, bool), Stop> {
    call.parameters.only(&OF_WITHDRAWAL)?;
    let person = match (&call.level, person(call)?) {
        (Level::Instance(..), None) => Value::Null,
        (Level::Instance(..), Some(_)) => return Err(parameters::refused(&common::PARAMETER, "person")),
        (_, person) => person.ok_or_else(|| missing("person"))?,
    };
    let (members, sources) = (members(call)?, sources(call)?);
    let is_some = !members.is_empty() || !sources.is_empty();
    let wanted = match call.parameters.text("scope")?.as_deref() {
        None | Some("all") if !is_some => Wanted::Everything,
        None | Some("named") => Wanted::Some { members, sources },
        _ => return Err(parameters::refused(&common::VALUE, "scope")),
    };
    let withdrawal = Withdrawal { wanted, evidence: evidence(call, "date")? };
    Ok((withdrawal, person, call.parameters.boolean("dryRun")?.unwrap_or(false)))
}

fn missing(name: &str) -> Stop {
    Stop::because(Status::BadRequest, &rules::MISSING, name)
}

fn texts(call: &Call<'_>, name: &str) -> Result<Vec<String>, Stop> {
    let text =
        |value: &Value| value.as_str().map(str::to_owned).ok_or_else(|| parameters::refused(&common::VALUE, name));
    call.parameters.values(name).map(text).collect()
}

fn person(call: &Call<'_>) -> Result<Option<Value>, Stop> {
    let Some(text) = call.parameters.resource("person") else { return Ok(None) };
    Ok(Some(Body::read(text, ResourceType::PATIENT)?.value))
}

/// References, codes of kinds, and kinds by logical references.
fn members(call: &Call<'_>) -> Result<Vec<Member>, Stop> {
    let mut members = Vec::new();
    for name in ["member", "facility"] {
        for value in call.parameters.values(name) {
            let identifier = value.get("identifier").filter(|identifier| identifier["system"] == MEMBER_KIND);
            let text = identifier.and_then(|identifier| identifier["value"].as_str()).or_else(|| referred(value));
            let text = text.map(|text| reference::below(call.gateway.base_url(), text).unwrap_or(text));
            let member = text.and_then(Member::parse).ok_or_else(|| parameters::refused(&common::VALUE, name))?;
            if !members.contains(&member) {
                members.push(member);
            }
        }
    }
    Ok(members)
}

fn sources(call: &Call<'_>) -> Result<Vec<String>, Stop> {
    let mut sources = Vec::new();
    for value in call.parameters.values("source") {
        let text = referred(value).map(|text| reference::below(call.gateway.base_url(), text).unwrap_or(text));
        match text.and_then(Member::parse) {
            Some(Member::Named(name)) if name.starts_with("Organization/") => sources.push(name),
            _ => return Err(parameters::refused(&common::VALUE, "source")),
        }
    }
    sources.dedup();
    Ok(sources)
}

/// A reference, or text.
fn referred(value: &Value) -> Option<&str> {
    value.get("reference").unwrap_or(value).as_str()
}

fn records(call: &Call<'_>, name: &str) -> Result<Vec<PatientKey>, Stop> {
    let record = |value: &Value| {
        let text = referred(value).map(|text| reference::below(call.gateway.base_url(), text).unwrap_or(text));
        let id = text.and_then(|text| text.strip_prefix("Patient/")).and_then(ResourceId::parse);
        id.map(|id| PatientKey::of_id(id.as_str())).ok_or_else(|| parameters::refused(&common::VALUE, name))
    };
    call.parameters.values(name).map(record).collect()
}

fn evidence(call: &Call<'_>, date: &str) -> Result<Evidence, Stop> {
    let representative = call.parameters.values("representative").next().is_some();
    let representative = match (call.parameters.resource("representative"), representative) {
        (Some(text), _) => {
            let read: Option<Value> = serde_json::from_str(text).ok();
            let read = read.filter(|read| read["resourceType"] == ResourceType::RELATED_PERSON.name());
            Some(read.ok_or_else(|| parameters::refused(&common::VALUE, "representative"))?)
        }
        (None, true) => return Err(parameters::refused(&common::VALUE, "representative")),
        (None, false) => None,
    };
    let basis = match call.parameters.text("basis")? {
        Some(code) => Basis::parse(&code).ok_or_else(|| parameters::refused(&common::VALUE, "basis"))?,
        None if representative.is_some() => Basis::Proxy,
        None => Basis::Written,
    };
    let scan = match (call.parameters.resource("form"), call.parameters.value("form")?) {
        (Some(text), _) => Some(serde_json::from_str(text).unwrap_or_default()),
        (None, value) => value.cloned(),
    };
    let scan = scan.as_ref().map(Scan::read).transpose().map_err(super::stop)?;
    Ok(Evidence {
        basis,
        signed: call.parameters.text(date)?.unwrap_or_default(),
        verified: call.parameters.text("verified")?,
        registrar: call.parameters.text("registrar")?,
        representative,
        reason: call.parameters.text("reason")?,
        scan,
    })
}
