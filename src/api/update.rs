//! Update (http.html#update) of what the network office keeps: Consents and the directory.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, web};

use super::answer::Answer;
use super::body::{self, Sent};
use super::caller::caller;
use super::read::chart_of;
use super::routes::{blocking, printable, served_type};
use super::rules;
use super::trail::Trail;
use crate::app::Gateway;
use crate::audit::What;
use crate::consent::{Action, Caller};
use crate::fault::{Fault, Status};
use crate::fhir::{FacilityCode, ResourceId, ResourceType};
use crate::letter::{Letter, Source};
use crate::pipeline::Outcome;

pub(super) async fn update(
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    type_name: &str,
    id: &str,
    sent: Sent,
) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Update);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            match body::json(&request, sent) {
                Err(answer) => answer,
                Ok(body) => {
                    let put = Put { type_name, id, if_match: if_match(&request), body };
                    answer(&gateway, &caller, put, &mut trail).await.unwrap_or_else(|fault| trail.fail(fault))
                }
            }
        }
    };
    trail.close(&gateway, answer).await
}

struct Put<'a> {
    type_name: &'a str,
    id: &'a str,
    if_match: Option<String>,
    body: web::Bytes,
}

async fn answer(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    put: Put<'_>,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let resource_type = match served_type(put.type_name) {
        Ok(resource_type) => resource_type,
        Err(answer) => return Ok(answer),
    };
    if let Err(denied) = caller.may(Action::Write, resource_type) {
        return Ok(trail.refuse(denied));
    }
    let named = names(&put.body);
    let Some(id) = ResourceId::parse(put.id).filter(|id| named == Some((resource_type, id.clone()))) else {
        return Ok(Answer::refuse(Status::BadRequest, &rules::ID_DIFFERS, ""));
    };
    trail.about(resource_type, &id);
    if let Some(expected) = put.if_match {
        let current = chart_of(gateway, resource_type, &id).await?;
        let version = current.and_then(|c| c.row(resource_type, &id).map(|row| c.columns.versions[row]));
        if version.map(|v| v.to_string()) != Some(expected) {
            return Ok(Answer::refuse(Status::PreconditionFailed, &rules::CHANGED, ""));
        }
    }
    store(gateway, resource_type, &id, put.body).await
}

async fn store(
    gateway: &web::Data<Gateway>,
    resource_type: ResourceType,
    id: &ResourceId,
    body: web::Bytes,
) -> Result<Answer, Fault> {
    let source = Source { facility: FacilityCode::unstated(), zone_minutes: gateway.zone_minutes() };
    // The instant is part of the name: the office may put back what it had put before, and that is a new letter.
    let name = format!("PUT {}/{} {}", resource_type.name(), id.as_str(), gateway.now());
    let letter = Letter { source: Arc::new(source), name, bytes: body.to_vec() };
    let receiver = gateway.clone();
    let receipt = blocking(move || receiver.receive(&letter)).await?;
    if receipt.outcome == Outcome::Held {
        let details: Vec<String> = receipt.issues.iter().map(|i| format!("{} {}", i.place, i.en)).collect();
        return Ok(Answer::refuse(Status::Unprocessable, &rules::HELD, &details.join("; ")));
    }
    let location = format!("{}/{}/{}", gateway.base_url(), resource_type.name(), printable(id.as_str()));
    Ok(Answer::outcome(Status::Ok, &[]).at(location))
}

fn if_match(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get(header::IF_MATCH)?.to_str().ok()?;
    Some(value.trim().trim_start_matches("W/").trim_matches('"').to_owned())
}

/// The type and id that a body names.
fn names(body: &[u8]) -> Option<(ResourceType, ResourceId)> {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        resource_type: String,
        id: String,
    }
    let named: Named = serde_json::from_slice(body).ok()?;
    Some((ResourceType::parse(&named.resource_type)?, ResourceId::parse(&named.id)?))
}
