//! Search of AuditEvents, for the network office: who has seen what, newest first.

use actix_web::{HttpRequest, web};

use super::answer::Answer;
use super::caller::caller;
use super::routes::{blocking, printable};
use super::rules;
use super::searchset::{Link, searchset};
use super::trail::Trail;
use crate::app::Gateway;
use crate::audit::{self, Event, What};
use crate::consent::{Action, Caller, Gate, RowFacts};
use crate::fault::{Fault, Status};
use crate::fhir::{PatientKey, ResourceType};
use crate::search::Labels;

/// Events in one answer when the caller names no number.
const COUNT_DEFAULT: usize = 50;
/// Events in one answer at most.
const COUNT_MAX: usize = 1000;

pub(super) async fn search(request: HttpRequest, gateway: web::Data<Gateway>) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Search);
    trail.kind(ResourceType::AUDIT_EVENT);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            let asked = Asked::read(request.query_string());
            answer(&gateway, &caller, asked, &mut trail).await.unwrap_or_else(|fault| trail.fail(fault))
        }
    };
    trail.close(&gateway, answer).await
}

/// What is asked for: `patient`, `_count`.
struct Asked {
    patient: Option<PatientKey>,
    count: usize,
}

impl Asked {
    fn read(query: &str) -> Result<Self, String> {
        let mut asked = Asked { patient: None, count: COUNT_DEFAULT };
        for (name, value) in query.split('&').filter_map(|pair| pair.split_once('=')) {
            let wrong = || printable(name);
            match name {
                "patient" => {
                    let id = value.trim_start_matches("Patient/").trim_start_matches("Patient%2F");
                    asked.patient = Some(PatientKey::from_patient_id(id).ok_or_else(wrong)?);
                }
                "_count" => asked.count = value.parse::<usize>().map_err(|_| wrong())?.min(COUNT_MAX),
                "_format" | "_pretty" => {}
                _ => return Err(wrong()),
            }
        }
        Ok(asked)
    }
}

async fn answer(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    asked: Result<Asked, String>,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    if let Err(denied) = caller.may(Action::Search, ResourceType::AUDIT_EVENT) {
        return Ok(trail.refuse(denied));
    }
    let asked = match asked {
        Ok(asked) => asked,
        Err(name) => return Ok(Answer::refuse(Status::BadRequest, &rules::PARAMETER, &name)),
    };
    let reader = gateway.clone();
    let wanted = move |event: &Event| asked.patient.is_none_or(|patient| event.patients.contains(&patient));
    let found = match asked.count {
        0 => Vec::new(),
        count => blocking(move || reader.journal().newest(count, wanted)).await?,
    };
    let gate = Gate::directory(caller).found();
    let mut entries = Vec::with_capacity(found.len());
    // Granular scopes are judged on facts that events do not have: one of them shows none.
    let (resource_type, labels) = (ResourceType::AUDIT_EVENT, Labels::default());
    let row = RowFacts::plain(resource_type, &[], labels);
    for ((chunk, index), event) in &found {
        let permit = gate.row(&row);
        let (Some(id), Some(permit)) = (audit::id_of(*chunk, *index), permit) else { continue };
        let json = audit::to_fhir(event, id.as_str(), gateway.base_url());
        entries.push(permit.release(format!(r#"{{"resource":{json},"search":{{"mode":"match"}}}}"#).into_bytes()));
    }
    trail.saw(PatientKey::DIRECTORY, None, entries.len());
    let url = format!("{}/AuditEvent", gateway.base_url());
    // No total: counting would read the whole journal.
    Ok(Answer::ok(searchset(&url, None, &[Link { relation: "self", query: String::new() }], entries)))
}
