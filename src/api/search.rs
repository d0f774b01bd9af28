//! Search (http.html#search): `GET /fhir/[type]?...` and `POST /fhir/[type]/_search`.
//!
//! Consent is decided row by row before anything is counted, sorted or cut into pages (design decision 6). The records
//! walked are the caller's panel, or those that the query names, never the store.

use std::sync::Arc;

use actix_web::{HttpRequest, web};

use super::answer::Answer;
use super::body;
use super::caller::caller;
use super::read::{chart, chart_of};
use super::routes::{blocking, served_type};
use super::rules;
use super::searchset::{Link, searchset};
use super::trail::Trail;
use crate::app::Gateway;
use crate::audit::What;
use crate::chart::Chart;
use crate::consent::{Action, Caller, Permit, Permitted, Role, is_directory};
use crate::fault::{Fault, Status};
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::search::evaluate::matches;
use crate::search::page::{Key, page};
use crate::search::query::{Condition, Query, Server};

pub(super) async fn get(request: HttpRequest, gateway: web::Data<Gateway>, type_name: &str) -> Answer {
    search(request, gateway, type_name, None).await
}

/// The parameters may stand in the body, the address, or both.
pub(super) async fn post(
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    type_name: &str,
    sent: web::Payload,
) -> Answer {
    search(request, gateway, type_name, Some(sent)).await
}

async fn search(
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    type_name: &str,
    sent: Option<web::Payload>,
) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Search);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            match parameters(&request, sent).await {
                Err(answer) => answer,
                Ok(text) => {
                    trail.asked(&text);
                    let answer = answer(&gateway, &caller, type_name, &text, &mut trail).await;
                    answer.unwrap_or_else(|fault| trail.fail(fault))
                }
            }
        }
    };
    trail.close(&gateway, answer).await
}

async fn parameters(request: &HttpRequest, sent: Option<web::Payload>) -> Result<String, Answer> {
    let Some(sent) = sent else { return Ok(request.query_string().to_owned()) };
    let body = body::bytes(request, sent).await?;
    Ok(format!("{}&{}", request.query_string(), String::from_utf8_lossy(&body)))
}

/// What a query finds.
pub(super) async fn answer(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    type_name: &str,
    text: &str,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let resource_type = match served_type(type_name) {
        Ok(resource_type) => resource_type,
        Err(answer) => return Ok(answer),
    };
    trail.kind(resource_type);
    if let Err(denied) = caller.may(Action::Read, resource_type) {
        return Ok(trail.refuse(denied));
    }
    let server = Server { base: gateway.base_url(), zone_minutes: gateway.zone_minutes() };
    let query = match Query::parse(resource_type, text, server) {
        Ok(query) => query,
        Err(issue) => return Ok(Answer::outcome(Status::BadRequest, &[issue])),
    };
    let Some(charts) = charts(gateway, caller, &query).await? else {
        return Ok(Answer::refuse(Status::Unprocessable, &rules::NAME_THE_PATIENT, ""));
    };
    run(gateway, caller, &query, &charts, trail)
}

/// The records a search walks: those it names, or the caller's panel. `None` when the caller must name some, because
/// walking all that it may read would be walking the store.
async fn charts(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    query: &Query,
) -> Result<Option<Vec<Arc<Chart>>>, Fault> {
    if let Some(ids) = ids(query) {
        let mut charts: Vec<Arc<Chart>> = Vec::new();
        for id in ids.iter().filter_map(|id| ResourceId::parse(id)) {
            let found = chart_of(gateway, query.resource_type, &id).await?;
            charts.extend(found.filter(|chart| charts.iter().all(|other| other.patient != chart.patient)));
        }
        return Ok(Some(charts));
    }
    let mut patients = match (patients(query), caller.role) {
        (named, Role::Care) => {
            let panel = panel(gateway, &caller.organization).await?;
            // Whoever is not on the panel is not even looked at: hidden and missing take the same time.
            let on_it = |patient: &PatientKey| panel.binary_search(patient).is_ok();
            named.map_or_else(|| panel.to_vec(), |named| named.into_iter().filter(on_it).collect())
        }
        (Some(named), _) => named,
        (None, _) if is_directory(query.resource_type) => Vec::new(),
        (None, _) => return Ok(None),
    };
    if is_directory(query.resource_type) {
        patients.push(PatientKey::DIRECTORY);
    }
    let mut charts = Vec::with_capacity(patients.len());
    for patient in patients {
        charts.push(chart(gateway, patient).await?);
    }
    Ok(Some(charts))
}

/// The caller's panel: from memory where it can be, else read on a thread that may block.
async fn panel(gateway: &web::Data<Gateway>, organization: &str) -> Result<Arc<[PatientKey]>, Fault> {
    if let Some(panel) = gateway.hot_panel(organization) {
        return Ok(panel);
    }
    let (gateway, organization) = (gateway.clone(), organization.to_owned());
    blocking(move || gateway.panel(&organization)).await
}

/// The ids a query is limited to.
fn ids(query: &Query) -> Option<&Vec<String>> {
    query.conditions.iter().find_map(|condition| match condition {
        Condition::Id(ids) => Some(ids),
        _ => None,
    })
}

/// The patients a query is limited to; those that are no records of ours are left out, and match nothing.
fn patients(query: &Query) -> Option<Vec<PatientKey>> {
    let named = query.used.iter().find(|(name, _)| matches!(name.as_str(), "patient" | "subject" | "beneficiary"))?;
    let id = |value: &str| value.rsplit('/').next().and_then(PatientKey::from_patient_id);
    let mut keys: Vec<PatientKey> =
        named.1.split(',').filter_map(id).filter(|key| *key != PatientKey::DIRECTORY).collect();
    keys.sort_unstable();
    keys.dedup();
    Some(keys)
}

/// Judges every row, then counts, sorts and cuts.
fn run(
    gateway: &Gateway,
    caller: &Caller,
    query: &Query,
    charts: &[Arc<Chart>],
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let now = gateway.now();
    let policies: Vec<_> = charts.iter().map(|chart| chart.policy(&caller.organization)).collect();
    let gates: Vec<_> = charts.iter().zip(&policies).map(|(chart, policy)| chart.gate(caller, policy, now)).collect();
    let permitted = charts.iter().zip(&gates).enumerate().filter(|(_, (_, gate))| gate.is_open()).flat_map(
        |(at, (chart, gate))| {
            matches(&chart.columns, query).filter_map(move |row| {
                let permit = chart.permit(gate, row)?;
                Some((Key::of(&chart.columns, row, query), (at, row, permit)))
            })
        },
    );
    let page = page(permitted, query);
    let mut entries: Vec<Permitted<Vec<u8>>> = Vec::with_capacity(page.matches.len());
    let mut seen = vec![0_usize; charts.len()];
    for (at, row, permit) in page.matches {
        seen[at] += 1;
        entries.push(entry(gateway, &charts[at], query.resource_type, row, permit)?);
    }
    for (at, count) in seen.into_iter().enumerate().filter(|(_, count)| *count > 0) {
        trail.saw(charts[at].patient, gates[at].opened_by(), count);
    }
    let mut links = vec![Link { relation: "self", query: query.link(None) }];
    if let Some(next) = &page.next {
        links.push(Link { relation: "next", query: query.link(Some(next)) });
    }
    let url = format!("{}/{}", gateway.base_url(), query.resource_type.name());
    Ok(Answer::ok(searchset(&url, Some(page.total), &links, entries)))
}

/// An entry of a searchset, made only with the permit of its row.
pub(super) fn entry(
    gateway: &Gateway,
    chart: &Chart,
    resource_type: ResourceType,
    row: usize,
    permit: Permit,
) -> Result<Permitted<Vec<u8>>, Fault> {
    let id = chart.columns.ids[row].as_str();
    let mut json =
        format!(r#"{{"fullUrl":"{}/{}/{id}","resource":"#, gateway.base_url(), resource_type.name()).into_bytes();
    chart.append_body(row, &mut json)?;
    json.extend_from_slice(br#","search":{"mode":"match"}}"#);
    Ok(permit.release(json))
}
