//! `Patient/[id]/$everything` (patient-operation-everything.html): all of a record that the caller may see.

use actix_web::{HttpRequest, web};

use super::answer::Answer;
use super::caller::caller;
use super::read::chart_of;
use super::routes::printable;
use super::rules;
use super::search::entry;
use super::searchset::{Link, searchset};
use super::trail::Trail;
use crate::app::Gateway;
use crate::audit::What;
use crate::consent::{Action, Caller};
use crate::fault::{Fault, Status};
use crate::fhir::{ResourceId, ResourceType};

pub(super) async fn everything(request: HttpRequest, gateway: web::Data<Gateway>, id: &str) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Everything);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            let parameter = first_parameter(&request);
            answer(&gateway, &caller, id, parameter, &mut trail).await.unwrap_or_else(|fault| trail.fail(fault))
        }
    };
    trail.close(&gateway, answer).await
}

/// A parameter that would narrow the answer and is not offered: leaving it out would return too much.
fn first_parameter(request: &HttpRequest) -> Option<String> {
    let names = request.query_string().split('&').filter_map(|pair| pair.split('=').next());
    names.filter(|name| !matches!(*name, "" | "_format" | "_pretty")).map(printable).next()
}

async fn answer(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    id: &str,
    parameter: Option<String>,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    if let Err(denied) = caller.may(Action::Read, ResourceType::PATIENT) {
        return Ok(trail.refuse(denied));
    }
    if let Some(parameter) = parameter {
        return Ok(Answer::refuse(Status::BadRequest, &rules::PARAMETER, &parameter));
    }
    let Some(id) = ResourceId::parse(id) else { return Ok(Answer::not_found()) };
    trail.about(ResourceType::PATIENT, &id);
    let Some(chart) = chart_of(gateway, ResourceType::PATIENT, &id).await? else { return Ok(Answer::not_found()) };
    let Some(patient) = chart.row(ResourceType::PATIENT, &id) else { return Ok(Answer::not_found()) };
    let policy = chart.policy(&caller.organization);
    let gate = chart.gate(caller, &policy, gateway.now());
    if chart.permit(&gate, patient).is_none() {
        return Ok(trail.hide(chart.patient));
    }
    let mut entries = Vec::with_capacity(chart.len());
    // The Patient first, then the rest in the order of the record.
    for row in std::iter::once(patient).chain((0..chart.len()).filter(|row| *row != patient)) {
        if let Some(permit) = chart.permit(&gate, row) {
            entries.push(entry(gateway, &chart, chart.columns.types[row], row, permit)?);
        }
    }
    trail.saw(chart.patient, gate.opened_by(), entries.len());
    let url = format!("{}/Patient/{}/$everything", gateway.base_url(), id.as_str());
    let total = Some(entries.len());
    Ok(Answer::ok(searchset(&url, total, &[Link { relation: "self", query: String::new() }], entries)))
}
