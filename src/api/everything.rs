//! `Patient/[id]/$everything` (patient-operation-everything.html): all of a record that the caller may see.

use actix_web::{HttpRequest, web};

use super::answer::Answer;
use super::caller::caller;
use super::read::chart_of;
use super::search::{conformance, respond, server};
use super::trail::Trail;
use crate::app::Gateway;
use crate::audit::What;
use crate::consent::{Action, Caller, Role};
use crate::fault::{Fault, Status};
use crate::fhir::{ResourceId, ResourceType};
use crate::search::Query;

pub(super) async fn everything(request: HttpRequest, gateway: web::Data<Gateway>, id: &str) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Everything);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            let answer = answer(&gateway, &caller, id, request.query_string(), &mut trail).await;
            answer.unwrap_or_else(|fault| trail.fail(fault))
        }
    };
    trail.close(&gateway, answer).await
}

/// A page of what the caller may see, as the parameters of the operation ask for it, percent-encoded.
pub(super) async fn answer(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    id: &str,
    text: &str,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    if let Err(denied) = caller.may(Action::Read, ResourceType::PATIENT) {
        return Ok(trail.refuse(denied));
    }
    let Some(id) = ResourceId::parse(id) else { return Ok(Answer::not_found()) };
    // What a record refers to is kept in it, but for what is stated over REST.
    let with_directory = caller.role == Role::Open;
    let conformance = conformance(gateway).await?;
    let query = match Query::everything(id.as_str(), text, with_directory, server(gateway, &conformance)) {
        Ok(query) => query,
        Err(issue) => return Ok(Answer::outcome(Status::BadRequest, &[issue])),
    };
    trail.about(ResourceType::PATIENT, &id);
    let Some(chart) = chart_of(gateway, ResourceType::PATIENT, &id).await? else { return Ok(Answer::not_found()) };
    let Some(patient) = chart.row(ResourceType::PATIENT, &id) else { return Ok(Answer::not_found()) };
    let policy = chart.policy(caller);
    if chart.permit(&chart.gate(caller, &policy, gateway.now()), patient).is_none() {
        return Ok(trail.hide(&chart, caller, (ResourceType::PATIENT, &id)));
    }
    let person = if query.is_of_person() { chart.person.clone() } else { vec![chart.patient] };
    let query = query.of_records(person.len());
    let patients = async || {
        let mut patients = person.clone();
        if with_directory {
            patients.extend(gateway.directory(caller));
        }
        Ok(Some(patients))
    };
    respond(gateway, caller, (&query, &conformance), patients, trail).await
}
