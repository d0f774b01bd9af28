//! Search (http.html#search): of a type, of the whole system, of a compartment; by GET, and by POST to `_search`.
//!
//! Consent is decided row by row before anything is counted, sorted, chained, included or cut into pages (design
//! decision 6). The records walked are the caller's panel, or those that the query names, never the store.

use std::sync::LazyLock;

use actix_web::http::header;
use actix_web::{HttpRequest, web};

use super::answer::Answer;
use super::body;
use super::caller::caller;
use super::prefer::{Handling, prefer};
use super::read::chart_of;
use super::routes::{blocking, served_type};
use super::rules;
use super::scoped::{Records, Scoped};
use super::searchset::{self, Link, searchset};
use super::trail::Trail;
use crate::app::Gateway;
use crate::audit::What;
use crate::consent::{Action, Caller, Permitted, Role, is_directory};
use crate::fault::{Fault, Status};
use crate::fhir::reference::own_patient;
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::search::Definitions;
use crate::search::evaluate::{Judge, Refused};
use crate::search::query::{Query, Scope, Server};
use crate::search::run::{Found, run};
use crate::search::terminology::NoTerminology;

/// Where a request searches, as its path says it.
#[derive(Clone, Copy, Debug)]
pub(super) enum Path<'a> {
    /// `/fhir/[type]`
    Type(&'a str),
    /// `/fhir`
    System,
    /// `/fhir/[compartment]/[id]/[type]`, or `*` for every type.
    Compartment(&'a str, &'a str, &'a str),
}

pub(super) async fn get(request: HttpRequest, gateway: web::Data<Gateway>, path: Path<'_>) -> Answer {
    search(request, gateway, path, None).await
}

/// The parameters may stand in the body, the address, or both.
pub(super) async fn post(
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    path: Path<'_>,
    sent: web::Payload,
) -> Answer {
    search(request, gateway, path, Some(sent)).await
}

async fn search(
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    path: Path<'_>,
    sent: Option<web::Payload>,
) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Search);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            let lenient = prefer(&request).handling == Some(Handling::Lenient);
            match parameters(&request, sent).await {
                Err(answer) => answer,
                Ok(text) => {
                    trail.asked(&text);
                    let answer = answer(&gateway, &caller, path, (&text, lenient), &mut trail).await;
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
    let kind = request.headers().get(header::CONTENT_TYPE).map(|kind| kind.to_str().unwrap_or_default());
    let essence = kind.map(|kind| kind.split(';').next().unwrap_or_default().trim());
    // Nothing at all may come without saying what it is.
    if essence.is_some_and(|essence| !essence.eq_ignore_ascii_case("application/x-www-form-urlencoded"))
        || (essence.is_none() && !body.is_empty())
    {
        return Err(Answer::refuse(Status::UnsupportedMediaType, &rules::NOT_A_FORM, ""));
    }
    Ok(format!("{}&{}", request.query_string(), String::from_utf8_lossy(&body)))
}

/// What a query finds.
pub(super) async fn answer(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    path: Path<'_>,
    (text, lenient): (&str, bool),
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let scope = match scope(path) {
        Ok(scope) => scope,
        Err(answer) => return Ok(answer),
    };
    if let Some(resource_type) = scope.resource_type() {
        trail.kind(resource_type);
        if let Err(denied) = caller.may(Action::Search, resource_type) {
            return Ok(trail.refuse(denied));
        }
    }
    let server = Server { lenient, ..server(gateway) };
    let mut query = match Query::parse(scope, text, server) {
        Ok(query) => query,
        Err(issue) => return Ok(Answer::outcome(Status::BadRequest, &[issue])),
    };
    // Of several types, those that role or scopes do not include are not there.
    query.branches.retain(|branch| caller.may(Action::Search, branch.resource_type).is_ok());
    let Some(patients) = records(gateway, caller, &query).await? else {
        return Ok(Answer::refuse(Status::Unprocessable, &rules::NAME_THE_PATIENT, ""));
    };
    respond(gateway, caller, &query, patients, trail).await
}

/// What this server is, as the reading of queries sees it.
pub(super) fn server(gateway: &Gateway) -> Server<'_> {
    Server {
        base: gateway.base_url(),
        zone_minutes: gateway.zone_minutes(),
        now: gateway.now(),
        definitions: Definitions::base(),
        lenient: false,
        seal: &*SEAL,
    }
}

/// Made anew whenever the gateway starts.
static SEAL: LazyLock<[u8; 16]> = LazyLock::new(|| *uuid::Uuid::new_v4().as_bytes());

fn scope(path: Path<'_>) -> Result<Scope, Answer> {
    Ok(match path {
        Path::Type(name) => Scope::Type(served_type(name)?),
        Path::System => Scope::System,
        Path::Compartment(of, id, name) => {
            let resource_type = if name == "*" { None } else { Some(served_type(name)?) };
            let id = ResourceId::parse(id).ok_or_else(Answer::not_found)?;
            Scope::Compartment { of: served_type(of)?, id: id.as_str().into(), resource_type }
        }
    })
}

/// The records that a search walks: those that it names, or the caller's panel, with the parts of the directory that it
/// looks at. Chains, includes and lists lead nowhere else. `None` when the caller must name some, because walking all that
/// it may read would be walking the store.
pub(super) async fn records(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    query: &Query<'_>,
) -> Result<Option<Vec<PatientKey>>, Fault> {
    let has_panel = matches!(caller.role, Role::Care | Role::Open);
    let searched = |of: ResourceType| query.branches.iter().any(|branch| branch.resource_type == of);
    let directory = || {
        let parts = gateway.directory(caller).into_iter();
        parts.filter(|part| query.reaches() || part.directory_type().is_some_and(searched))
    };
    if let (Some(ids), Some(resource_type)) = (query.ids(), query.scope.resource_type()) {
        let mut found = Vec::new();
        for id in ids.iter().filter_map(|id| ResourceId::parse(id)) {
            let chart = chart_of(gateway, resource_type, &id).await?;
            found.extend(chart.map(|chart| chart.patient).filter(|patient| !found.contains(patient)));
        }
        // What refers to the directory stands in records.
        if !query.reaches() || !has_panel || found.iter().all(|patient| !patient.is_directory()) {
            found.extend(directory().filter(|part| query.reaches() && !found.contains(part)).collect::<Vec<_>>());
            return Ok(Some(found));
        }
    } else if let Some(mut named) = subjects(query) {
        if caller.role == Role::Care {
            let panel = panel(gateway, caller).await?;
            // Whoever is not on the panel is not even looked at: hidden and missing take the same time.
            named.retain(|patient| panel.binary_search(patient).is_ok());
        }
        named.extend(directory());
        return Ok(Some(named));
    }
    if let Some((resource_type, values)) = query.identifiers().filter(|_| has_panel) {
        let (finder, who) = (gateway.clone(), caller.clone());
        if let Some(mut found) = blocking(move || finder.identified(&who, resource_type, &values)).await? {
            found.extend(directory().filter(|part| !found.contains(part)).collect::<Vec<_>>());
            return Ok(Some(found));
        }
    }
    let mut all: Vec<PatientKey> = match caller.role {
        _ if has_panel => panel(gateway, caller).await?,
        _ if query.branches.iter().all(|branch| is_directory(branch.resource_type)) => Vec::new(),
        _ => return Ok(None),
    };
    all.extend(directory());
    Ok(Some(all))
}

/// The caller's panel, without the directory: from memory where it can be, else read on a thread that may block.
async fn panel(gateway: &web::Data<Gateway>, caller: &Caller) -> Result<Vec<PatientKey>, Fault> {
    if let (Role::Care, Some(panel)) = (caller.role, gateway.hot_panel(&caller.organization)) {
        return Ok(panel.to_vec());
    }
    let (gateway, caller) = (gateway.clone(), caller.clone());
    let mut scope = blocking(move || gateway.scope(&caller)).await?;
    scope.retain(|patient| !patient.is_directory());
    scope.sort_unstable();
    Ok(scope)
}

/// The records of the patients that a query is limited to; `None` when it may be about anything else.
pub(super) fn subjects(query: &Query<'_>) -> Option<Vec<PatientKey>> {
    let mut keys = Vec::new();
    for (id, is_patient) in query.subjects()? {
        let key = PatientKey::of_id(id);
        // An id that is no record's own may be that of a Device or a Group.
        if !is_patient && own_patient(id).is_none() {
            return None;
        }
        keys.push(key);
    }
    keys.sort_unstable();
    keys.dedup();
    Some(keys)
}

/// Runs a query over records and answers with the page it asks for.
pub(super) async fn respond(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    query: &Query<'_>,
    patients: Vec<PatientKey>,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let now = gateway.now();
    let begun = query.cursor.as_ref().map(|cursor| cursor.begun);
    let records = Records::read(gateway, caller, patients, begun).await?;
    let scoped = records.scoped(caller, now);
    let judge = Judge::new(&scoped, &NoTerminology, server(gateway));
    match run(&judge, query, now) {
        Ok(found) => bundle(gateway, &scoped, query, &found, trail),
        Err(Refused::Issue(issue)) => Ok(Answer::outcome(Status::BadRequest, &[issue])),
        Err(Refused::Fault(fault)) => Err(fault),
    }
}

fn bundle(
    gateway: &Gateway,
    scoped: &Scoped<'_>,
    query: &Query<'_>,
    found: &Found,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let page = &found.page;
    let base = gateway.base_url();
    let mut entries: Vec<Permitted<Vec<u8>>> = Vec::with_capacity(page.matches.len() + found.included.len() + 1);
    for at in &page.matches {
        entries.extend(scoped.release(*at, |chart| searchset::matched(base, chart, at.row, query))?);
    }
    for at in &found.included {
        entries.extend(scoped.release(*at, |chart| searchset::included(base, chart, at.row))?);
    }
    scoped.seen(page.matches.iter().chain(&found.included).copied(), trail);
    entries.extend(searchset::outcome(&found.issues));
    let mut links = vec![Link { relation: "self", query: query.own_link() }];
    if page.next.is_some() || page.previous.is_some() {
        links.push(Link { relation: "first", query: query.link(None) });
    }
    for (relation, cursor) in [("previous", &page.previous), ("next", &page.next)] {
        links.extend(cursor.as_ref().map(|cursor| Link { relation, query: query.link(Some(cursor)) }));
    }
    let url = format!("{base}{}", query.scope.path());
    Ok(Answer::ok(searchset(&url, Some(page.total), &links, entries)))
}
