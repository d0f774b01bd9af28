//! `Patient/$ihe-pix` (IHE PIXm 3.0, ITI-83): under which identifiers a person is known elsewhere, as far as the caller may see
//! the Patients that hold them. An identifier that is not known here and one whose Patient is hidden are answered alike (404).

use serde_json::{Value, json};

use super::{Call, Seen, parameters, rules};
use crate::api::answer::Answer;
use crate::api::criteria::{self, Found};
use crate::api::operation::matching;
use crate::api::routes::blocking;
use crate::api::rules as common;
use crate::api::trail::Trail;
use crate::api::write::Stop;
use crate::app::Gateway;
use crate::consent::{Action, Caller, Permitted};
use crate::fault::{Fault, Status};
use crate::fhir::{ResourceType, oid};
use crate::search::facts::token_hash;

/// Patients that may have one identifier: more are nobody who could be meant.
const MEANT_MAX: usize = 20;
/// Records that have an identifier of this value in some system, and are looked through for those that concern the caller.
const RECORDS_MAX: usize = 100_000;

pub(super) async fn cross_reference(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&["sourceIdentifier", "targetSystem"])?;
    let source = call.parameters.value("sourceIdentifier")?.and_then(identifier);
    let Some((system, value)) = source else {
        return Err(Stop::because(Status::BadRequest, &rules::MISSING, "sourceIdentifier"));
    };
    if system.is_empty() || value.is_empty() {
        return Err(parameters::refused(&common::VALUE, "sourceIdentifier"));
    }
    let targets: Vec<String> =
        call.parameters.values("targetSystem").filter_map(Value::as_str).map(str::to_owned).collect();
    let (gateway, caller) = (call.gateway.clone(), call.caller.clone());
    let (base, wanted) = (call.gateway.base_url().to_owned(), targets.clone());
    let found = blocking(move || Ok(found(&gateway, &caller, (&system, &value), &wanted, &base)));
    let Some((seen, parts)) = found.await?? else {
        return Ok(Answer::refuse(Status::NotFound, &rules::NO_SUCH_IDENTIFIER, ""));
    };
    seen.tell(trail);
    let answer = Permitted::gather(parts, |parts| {
        let parameter: Vec<Value> = parts.into_iter().flatten().collect();
        let mut body = json!({"resourceType": "Parameters"});
        if !parameter.is_empty() {
            body["parameter"] = Value::from(parameter);
        }
        body.to_string().into_bytes()
    });
    Ok(Answer::ok(answer))
}

/// `system|value`, or an Identifier.
fn identifier(value: &Value) -> Option<(String, String)> {
    let text = |name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    match value {
        Value::String(token) => {
            let (system, value) = token.split_once('|')?;
            Some((system.to_owned(), value.to_owned()))
        }
        Value::Object(_) => Some((text("system"), text("value"))),
        _ => None,
    }
}

/// What is answered: which records were shown, and the parts of each Patient.
type Told = (Seen, Vec<Permitted<Vec<Value>>>);

/// What is answered of each Patient that the caller may see; `None` where it may see none that has the identifier, or so many
/// that nobody can be meant. Blocks on storage.
fn found(
    gateway: &Gateway,
    caller: &Caller,
    asked: (&str, &str),
    targets: &[String],
    base: &str,
) -> Result<Option<Told>, Stop> {
    caller.may(Action::Search, ResourceType::PATIENT)?;
    let store = gateway.pipeline().store();
    let mut meant = Vec::new();
    for record in store.identified(ResourceType::PATIENT, token_hash(asked.1), RECORDS_MAX)? {
        // Of whom the caller may see nothing is not looked at, and does not count.
        if gateway.concerns(caller, record)? {
            let seen = criteria::in_record(gateway, caller, record, &|columns| {
                (0..columns.len()).filter(|row| columns.types[*row] == ResourceType::PATIENT).collect()
            })?;
            for one in seen {
                let patient: Value = serde_json::from_str(&one.body()?).unwrap_or_default();
                meant.extend(identifiers(&patient).any(|known| is_same(known, asked)).then_some(record));
            }
        }
    }
    if meant.is_empty() || meant.len() > MEANT_MAX {
        return Ok(None);
    }
    let mut all: Vec<Found> = Vec::new();
    for record in meant {
        for found in matching::of_person(gateway, caller, record)? {
            if !all.iter().any(|known| known.id == found.id) {
                all.push(found);
            }
        }
    }
    all.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    let seen = Seen::of(gateway, caller, all.iter().map(|one| (one.patient, 1)))?;
    let parts = all.into_iter().map(|one| told(one, asked, targets, base)).collect::<Result<Vec<_>, Fault>>()?;
    Ok(Some((seen, parts)))
}

fn identifiers(patient: &Value) -> impl Iterator<Item = &Value> {
    patient["identifier"].as_array().into_iter().flatten()
}

/// Whether an Identifier is that one; a system may be named as an OID or as its URL.
fn is_same(identifier: &Value, (system, value): (&str, &str)) -> bool {
    let stated = identifier["system"].as_str().unwrap_or_default();
    oid::canonical(stated) == oid::canonical(system) && identifier["value"].as_str() == Some(value)
}

/// The identifiers of a Patient but for the one that was asked about, and its address; where systems are named, those alone.
fn told(found: Found, asked: (&str, &str), targets: &[String], base: &str) -> Result<Permitted<Vec<Value>>, Fault> {
    let reference = format!("{base}/Patient/{}", found.id.as_str());
    Ok(found.release()?.map(|body| {
        let patient: Value = serde_json::from_slice(&body).unwrap_or_default();
        let part = |one: &Value, name: &str| one[name].as_str().unwrap_or_default().to_owned();
        let is_wanted = |one: &&Value| {
            let system = part(one, "system");
            let is_target = |target: &String| oid::canonical(target) == oid::canonical(&system);
            !is_same(one, asked) && !system.is_empty() && (targets.is_empty() || targets.iter().any(is_target))
        };
        let identifiers = identifiers(&patient).filter(is_wanted);
        let mut parts: Vec<Value> =
            identifiers.map(|one| json!({"name": "targetIdentifier", "valueIdentifier": one})).collect();
        if targets.is_empty() || !parts.is_empty() {
            parts.push(json!({"name": "targetId", "valueReference": {"reference": reference}}));
        }
        parts
    }))
}
