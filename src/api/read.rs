//! Read (http.html#read, #cread): `GET /fhir/[type]/[id]`.

use std::sync::Arc;

use actix_web::{HttpRequest, web};

use super::answer::Answer;
use super::caller::caller;
use super::conditional::is_unchanged;
use super::extent::Extent;
use super::history;
use super::person::{Links, is_linked};
use super::routes::{blocking, served_type};
use super::trail::Trail;
use super::write::rules;
use crate::app::Gateway;
use crate::audit::What;
use crate::chart::Chart;
use crate::consent::{Action, Caller, Role};
use crate::fault::{Fault, Status};
use crate::fhir::{PatientKey, ResourceId, ResourceType};

pub(super) async fn read(request: HttpRequest, gateway: web::Data<Gateway>, type_name: &str, id: &str) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Read);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            let has_it = |version, modified| is_unchanged(&request, version, modified);
            let query = request.query_string();
            let answer = answer(&gateway, &caller, (type_name, id), query, &has_it, &mut trail).await;
            answer.unwrap_or_else(|fault| trail.fail(fault))
        }
    };
    trail.close(&gateway, answer).await
}

/// The current version, unless the caller has it already.
pub(super) async fn answer(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    (type_name, id): (&str, &str),
    query: &str,
    has_it: &dyn Fn(u32, i64) -> bool,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let resource_type = match served_type(type_name) {
        Ok(resource_type) => resource_type,
        Err(answer) => return Ok(answer),
    };
    if let Err(denied) = caller.may(Action::Read, resource_type) {
        return Ok(trail.refuse(denied));
    }
    let extent = match Extent::parse(query) {
        Ok(extent) => extent,
        Err(issue) => return Ok(Answer::outcome(Status::BadRequest, &[issue])),
    };
    let Some(id) = ResourceId::parse(id) else { return Ok(Answer::not_found()) };
    trail.about(resource_type, &id);
    let found = chart_of(gateway, resource_type, &id).await?;
    let found = found.and_then(|chart| chart.row(resource_type, &id).map(|row| (chart, row)));
    let Some((chart, row)) = found else { return missing(gateway, caller, resource_type, &id, trail).await };
    let policy = chart.policy(caller);
    let gate = chart.gate(caller, &policy, gateway.now()).named();
    let Some(permit) = chart.permit(&gate, row) else { return Ok(trail.hide(&chart, caller, (resource_type, &id))) };
    trail.saw(chart.patient, chart.opened_by(&gate, row), 1);
    let (version, modified) = (chart.columns.versions[row], chart.columns.last_updated[row]);
    let mut links = Links::default();
    if is_linked(&chart, resource_type) {
        links.read(gateway, caller, &chart, trail).await?;
    }
    // What is said of a Patient's links changes without a version, and "as it was" of those alone who have none would tell
    // whether there are hidden ones, but where nothing is hidden.
    let may_be_unchanged = match caller.role {
        Role::Open => !is_linked(&chart, resource_type),
        _ => resource_type != ResourceType::PATIENT,
    };
    if may_be_unchanged && has_it(version, modified) {
        return Ok(Answer::not_modified(version, modified));
    }
    let whole = |body| extent.of(links.add(chart.patient, resource_type, body));
    Ok(Answer::version(permit.release(chart.body(row)?).map(whole), version, modified))
}

/// What is not there: gone, where the caller could have seen it; never there otherwise.
async fn missing(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    resource_type: ResourceType,
    id: &ResourceId,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let (reader, who, id) = (gateway.clone(), caller.clone(), id.clone());
    let gone = blocking(move || history::is_gone(&reader, &who, resource_type, &id)).await?;
    Ok(match gone {
        None => Answer::not_found(),
        Some((record, version, modified)) => {
            trail.saw(record, None, 0);
            Answer::refuse(Status::Gone, &rules::GONE, "").with_version(version, modified)
        }
    })
}

/// The answer where nothing is there for the caller. Where something is, the audit record says so, and the answer does not.
pub(super) async fn absent(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    (resource_type, id): (ResourceType, &ResourceId),
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    // Not from memory even where it is there: what is hidden takes the way of what is missing.
    let (reader, wanted) = (gateway.clone(), id.clone());
    Ok(match blocking(move || reader.place(resource_type, &wanted)).await? {
        Some(chart) => trail.hide(&chart, caller, (resource_type, id)),
        None => Answer::not_found(),
    })
}

/// The same of a version: one that there never was of what the caller may see is plainly not there.
pub(super) async fn absent_version(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    (resource_type, id): (ResourceType, &ResourceId),
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let (reader, wanted) = (gateway.clone(), id.clone());
    let chart = blocking(move || reader.place(resource_type, &wanted)).await?;
    let hidden = chart.filter(|chart| {
        let (policy, now) = (chart.policy(caller), gateway.now());
        let permit = |row| chart.permit(&chart.gate(caller, &policy, now).named(), row);
        chart.row(resource_type, id).and_then(permit).is_none()
    });
    Ok(hidden.map_or_else(Answer::not_found, |chart| trail.hide(&chart, caller, (resource_type, id))))
}

/// The chart that a resource is on: from memory where it can be, else read on a thread that may block.
pub(super) async fn chart_of(
    gateway: &web::Data<Gateway>,
    resource_type: ResourceType,
    id: &ResourceId,
) -> Result<Option<Arc<Chart>>, Fault> {
    if let Some(chart) = gateway.hot_place(resource_type, id) {
        return Ok(Some(chart));
    }
    let (gateway, id) = (gateway.clone(), id.clone());
    blocking(move || gateway.place(resource_type, &id)).await
}

/// The chart of a record.
pub(super) async fn chart(gateway: &web::Data<Gateway>, patient: PatientKey) -> Result<Arc<Chart>, Fault> {
    if let Some(chart) = gateway.hot_chart(patient) {
        return Ok(chart);
    }
    let gateway = gateway.clone();
    blocking(move || gateway.chart(patient)).await
}
