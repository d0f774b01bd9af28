//! Update (http.html#update) of what the network office keeps: Consents and the directory.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use uuid::Uuid;

use super::answer::Answer;
use super::body;
use super::caller::caller;
use super::routes::{blocking, served_type};
use super::rules;
use super::trail::Trail;
use crate::app::Gateway;
use crate::audit::What;
use crate::consent::{Action, Caller};
use crate::fault::{Fault, Status};
use crate::fhir::{FacilityCode, ResourceId, ResourceType};
use crate::letter::{Letter, Source};
use crate::pipeline::{Outcome, Receipt};

pub(super) async fn update(
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    type_name: &str,
    id: &str,
    sent: web::Payload,
) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Update);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            let put = Put { type_name, id, if_match: if_match(&request) };
            answer(&gateway, &caller, put, (&request, sent), &mut trail).await.unwrap_or_else(|fault| trail.fail(fault))
        }
    };
    trail.close(&gateway, answer).await
}

struct Put<'a> {
    type_name: &'a str,
    id: &'a str,
    if_match: Option<String>,
}

async fn answer(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    put: Put<'_>,
    (request, sent): (&HttpRequest, web::Payload),
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let resource_type = match served_type(put.type_name) {
        Ok(resource_type) => resource_type,
        Err(answer) => return Ok(answer),
    };
    if let Err(denied) = caller.may(Action::Update, resource_type) {
        return Ok(trail.refuse(denied));
    }
    let body = match body::json(request, sent).await {
        Ok(body) => body,
        Err(answer) => return Ok(answer),
    };
    let named = names(&body);
    let Some(id) = ResourceId::parse(put.id).filter(|id| named == Some((resource_type, id.clone()))) else {
        return Ok(Answer::refuse(Status::BadRequest, &rules::ID_DIFFERS, ""));
    };
    trail.about(resource_type, &id);
    let source = Source { facility: FacilityCode::unstated(), zone_minutes: gateway.zone_minutes() };
    // Each is a letter of its own: the office may put back what it had put before, within one millisecond even.
    let name = format!("PUT {}/{} {}", resource_type.name(), id.as_str(), Uuid::new_v4());
    let letter = Letter { source: Arc::new(source), name, bytes: body.to_vec() };
    let (receiver, caller, stated) = (gateway.clone(), caller.clone(), id.clone());
    let received = blocking(move || match put.if_match {
        None => receiver.update(&letter).map(Some),
        Some(expected) => receiver.update_if(&letter, |gateway| {
            let version = version(gateway, &caller, resource_type, &stated)?;
            Ok(version.is_some_and(|version| expected == "*" || expected == version.to_string()))
        }),
    });
    match received.await? {
        None => Ok(Answer::refuse(Status::PreconditionFailed, &rules::CHANGED, "")),
        Some(receipt) => {
            trail.wrote(receipt.record(), receipt.resources.len());
            Ok(answer_of(gateway, resource_type, &id, &receipt))
        }
    }
}

/// The current version of a resource, when the caller may read it: what it may not, it cannot probe for either.
fn version(
    gateway: &Gateway,
    caller: &Caller,
    resource_type: ResourceType,
    id: &ResourceId,
) -> Result<Option<u32>, Fault> {
    let Some(chart) = gateway.place(resource_type, id)? else { return Ok(None) };
    let policy = chart.policy(caller);
    let gate = chart.gate(caller, &policy, gateway.now());
    let row = chart.row(resource_type, id).filter(|row| chart.permit(&gate, *row).is_some());
    Ok(row.map(|row| chart.columns.versions[row]))
}

fn answer_of(gateway: &Gateway, resource_type: ResourceType, id: &ResourceId, receipt: &Receipt) -> Answer {
    let answer = Answer::receipt(receipt);
    match receipt.outcome {
        Outcome::Held | Outcome::Parted | Outcome::Refused => answer,
        Outcome::Stored => {
            let location = format!("{}/{}/{}", gateway.base_url(), resource_type.name(), id.as_str());
            answer.with_status(Status::Ok).at(location)
        }
    }
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
