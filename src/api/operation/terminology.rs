//! The operations of a terminology service (terminology-service.html) over what is loaded: what they have in common. A definition is
//! named by its URL, sent with the call, or is the resource at whose address it is called, where the caller may see that one.

mod expand;
mod lookup;
mod rules;
mod subsumes;
mod translate;
mod validate_code;

use std::sync::Arc;

use serde_json::Value;

use super::table::Run;
use super::{Call, Level, parameters};
use crate::api::answer::Answer;
use crate::api::criteria::{self, Found};
use crate::api::routes::blocking;
use crate::api::rules as common;
use crate::api::trail::Trail;
use crate::api::write::Stop;
use crate::app::{Conformance, Gateway};
use crate::consent::{Action, Caller, Permitted};
use crate::fault::{Issue, Place, Rule, Status};
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::terminology::{Asked, CodeSystem, Excess, Source, Undecided};
use parameters::Parameters;

/// Longest code, URL or name that an answer repeats, bytes.
const QUOTED_BYTES_MAX: usize = 200;
/// Most values of a parameter that may be repeated, and most codings of a concept: each is asked of every definition.
const REPEATED_MAX: usize = 100;

/// A call, and what it is answered from.
struct Service<'a> {
    gateway: &'a Gateway,
    conformance: &'a Arc<Conformance>,
    parameters: &'a Parameters,
    /// The resource at whose address it is called.
    instance: Option<Value>,
}

/// A code as a call states it.
#[derive(Debug, Default)]
struct Stated {
    system: Option<String>,
    version: Option<String>,
    code: String,
    display: Option<String>,
}

/// Does what a call asks for.
pub(super) async fn answered(call: Call<'_>, run: Run, trail: &mut Trail) -> Result<Answer, Stop> {
    let (gateway, caller) = (call.gateway.clone(), call.caller.clone());
    let (level, parameters) = (call.level, call.parameters);
    let done = blocking(move || Ok(done(&gateway, &caller, &level, &parameters, run))).await?;
    let (body, seen) = done?;
    if let Some(patient) = seen {
        trail.saw(patient, None, 1);
    }
    Ok(Answer::ok(body))
}

type Done = (Permitted<Vec<u8>>, Option<PatientKey>);

/// Blocks on storage.
fn done(gateway: &Gateway, caller: &Caller, level: &Level, parameters: &Parameters, run: Run) -> Result<Done, Stop> {
    let conformance = &gateway.conformance()?;
    let (resource_type, found) = match level {
        Level::System => return Err(not_there()),
        Level::Type(resource_type) => {
            // Nothing is evaluated for somebody who may not have the answer.
            caller.may(Action::Search, *resource_type)?;
            (*resource_type, None)
        }
        Level::Instance(resource_type, id) => (*resource_type, Some(stored(gateway, caller, *resource_type, id)?)),
    };
    let instance = match &found {
        None => None,
        Some(found) => Some(serde_json::from_str(&found.body()?).unwrap_or_default()),
    };
    let service = Service { gateway, conformance, parameters, instance };
    let said = match run {
        Run::Expand => service.expand(),
        Run::LookUp => service.look_up(),
        Run::Subsumes => service.subsumes(),
        Run::Translate => service.translate(),
        _ if resource_type == ResourceType::VALUE_SET => service.validate_code_of_value_set(),
        _ => service.validate_code_of_system(),
    }?;
    let body = said.to_string().into_bytes();
    match found {
        None => Ok((Permitted::terminology(caller, resource_type, body)?, None)),
        Some(found) => {
            let patient = found.patient;
            Ok((found.release()?.map(|_| body), Some(patient)))
        }
    }
}

fn stored(gateway: &Gateway, caller: &Caller, of: ResourceType, id: &ResourceId) -> Result<Found, Stop> {
    criteria::by_id(gateway, caller, of, id)?.ok_or_else(not_there)
}

/// Nothing is there, for this caller.
fn not_there() -> Stop {
    Stop::because(Status::NotFound, &common::NOT_FOUND, "")
}

/// A refusal that names a code, a URL or a parameter.
fn because(status: Status, rule: &'static Rule, detail: &str) -> Stop {
    Stop::Refused(status, vec![Issue::with(rule, Place::Whole, quoted(detail))])
}

/// What a caller named, as far as it is a name of a standard.
fn quoted(text: &str) -> String {
    let is_name = text.len() <= QUOTED_BYTES_MAX && text.bytes().all(|b| b.is_ascii_graphic() && b != b'?');
    if is_name { text.to_owned() } else { "?".to_owned() }
}

fn too_much(excess: Excess) -> Stop {
    let detail = format!("{} > {}", excess.what, excess.most);
    Stop::Refused(Status::Unprocessable, vec![Issue::with(&rules::TOO_MUCH, Place::Whole, detail)])
}

fn undecided(why: &Undecided) -> Stop {
    match why {
        Undecided::Unknown(canonical) => because(Status::Unprocessable, &rules::NOT_LOADED, canonical),
        Undecided::Open(canonical) => because(Status::Unprocessable, &rules::UNDECIDED, canonical),
    }
}

impl Service<'_> {
    /// A text parameter, in one of its names.
    fn text(&self, name: &str) -> Result<Option<String>, Stop> {
        self.parameters.text(name)
    }

    /// `name`, with `version` where one is given.
    fn canonical(&self, name: &str, version: &str) -> Result<Option<String>, Stop> {
        let version = self.text(version)?;
        Ok(self.text(name)?.map(|url| match version {
            Some(version) if !url.contains('|') => format!("{url}|{version}"),
            _ => url,
        }))
    }

    /// The definition that is sent with the call, or at whose address it is called.
    fn sent(&self, name: &str, resource_type: ResourceType) -> Result<Option<Value>, Stop> {
        if let Some(instance) = &self.instance {
            return Ok(Some(instance.clone()));
        }
        let Some(sent) = self.parameters.resource(name) else { return Ok(None) };
        let json: Value = serde_json::from_str(sent).unwrap_or_default();
        if json.get("resourceType").and_then(Value::as_str) != Some(resource_type.name()) {
            return Err(because(Status::BadRequest, &rules::NOT_A_DEFINITION, resource_type.name()));
        }
        Ok(Some(json))
    }

    /// The codes that a call is about: `code` with its system, `coding`, or `codeableConcept`.
    fn codes(&self, version: &str) -> Result<Vec<Stated>, Stop> {
        let (coding, concept) = (self.parameters.value("coding")?, self.parameters.value("codeableConcept")?);
        let code = self.text("code")?;
        let all = match (code, coding, concept) {
            (Some(code), None, None) => {
                let (system, display) = (self.text("system")?, self.text("display")?);
                vec![Stated { system, version: self.text(version)?, code, display }]
            }
            (None, Some(coding), None) => vec![Stated::read(coding)?],
            (None, None, Some(concept)) => {
                let codings = concept.get("coding").and_then(Value::as_array).into_iter().flatten();
                if codings.clone().nth(REPEATED_MAX).is_some() {
                    return Err(parameters::refused(&common::VALUE, "codeableConcept"));
                }
                codings.map(Stated::read).collect::<Result<_, _>>()?
            }
            _ => Vec::new(),
        };
        if all.is_empty() { Err(because(Status::BadRequest, &rules::NAME_A_CODE, "")) } else { Ok(all) }
    }

    /// A code system by its canonical; one of which no list is loaded may still be known by its form.
    fn system(&self, canonical: &str) -> Option<Arc<CodeSystem>> {
        self.conformance.code_system(canonical, None)
    }

    /// Whether sentences are wanted in Japanese.
    fn in_japanese(&self) -> Result<bool, Stop> {
        Ok(self.text("displayLanguage")?.is_some_and(|language| language.to_ascii_lowercase().starts_with("ja")))
    }
}

impl Stated {
    fn read(coding: &Value) -> Result<Stated, Stop> {
        let text = |name: &str| coding.get(name).and_then(Value::as_str).map(str::to_owned);
        let code = text("code").ok_or_else(|| because(Status::BadRequest, &rules::NAME_A_CODE, ""))?;
        Ok(Stated { system: text("system"), version: text("version"), code, display: text("display") })
    }

    fn asked(&self) -> Asked<'_> {
        Asked {
            system: self.system.as_deref(),
            version: self.version.as_deref(),
            code: &self.code,
            display: self.display.as_deref(),
        }
    }

    /// Its system with its version.
    fn canonical(&self) -> Option<String> {
        let system = self.system.as_deref()?;
        Some(self.version.as_ref().map_or_else(|| system.to_owned(), |version| format!("{system}|{version}")))
    }
}
