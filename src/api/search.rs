//! Search (http.html#search): of a type, of the whole system, of a compartment; by GET, and by POST to `_search`.
//!
//! Consent is decided row by row before anything is counted, sorted, chained, included or cut into pages (design
//! decision 6). The records walked are the caller's panel, or those that the query names, never the store.

use std::sync::Arc;
use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpMessage, HttpRequest, web};

use super::answer::Answer;
use super::asked::{Asked, decoded};
use super::beat;
use super::body;
use super::caller::caller;
use super::history;
use super::person::{Links, is_linked};
use super::prefer::{Handling, prefer};
use super::read::chart_of;
use super::routes::{blocking, served_type};
use super::rules;
use super::scoped::{Deadline, Records, Scoped};
use super::searchset::{self, Link, Searchset, Wanted};
use super::trail::Trail;
use crate::app::{Conformance, Gateway};
use crate::audit::What;
use crate::consent::{Action, Caller, Permitted, Role, is_directory};
use crate::fault::{Fault, Status};
use crate::fhir::reference::own_patient;
use crate::fhir::{PatientKey, ResourceId};
use crate::search::evaluate::{Judge, Refused};
use crate::search::query::{Query, Scope, Server};
use crate::search::run::{Found, run};
use crate::store::records::is_found_by_identifier;

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
                    if names_ids(&text) {
                        beat::on_the_beat(&request);
                    }
                    trail.asked(&text);
                    let answer = answer(&gateway, &caller, path, (&text, lenient), &mut trail).await;
                    answer.unwrap_or_else(|fault| trail.fail(fault))
                }
            }
        }
    };
    trail.close(&gateway, answer).await
}

/// Whether a query names resources: to look for one that is hidden takes another time than for one that is missing.
fn names_ids(text: &str) -> bool {
    let name = |pair: &str| decoded(pair.split('=').next().unwrap_or_default());
    text.split('&').filter_map(name).any(|name| name == "_id" || name.starts_with("_id:"))
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
    let form = String::from_utf8_lossy(&body);
    let asked = Asked::of(request).in_form(&form);
    request.extensions_mut().insert(asked);
    if asked.format.is_none() {
        return Err(Answer::refuse(Status::NotAcceptable, &rules::NOT_ACCEPTABLE, ""));
    }
    Ok(format!("{}&{form}", request.query_string()))
}

/// How often records are read again of which several are written together all the while.
const LOOKS_MAX: u32 = 500;
/// How long such a write is waited for each time.
const LOOK_AGAIN: Duration = Duration::from_millis(2);

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
    let conformance = conformance(gateway).await?;
    let server = Server { lenient, ..server(gateway, &conformance) };
    let mut query = match Query::parse(scope, text, server) {
        Ok(query) => query,
        Err(issue) => return Ok(Answer::outcome(Status::BadRequest, &[issue])),
    };
    // Of several types, those that the role or scopes do not include are not there.
    query.branches.retain(|branch| caller.may(Action::Search, branch.resource_type).is_ok());
    let find = async || records(gateway, caller, &query).await;
    respond(gateway, caller, (&query, &conformance), find, trail).await
}

/// What this server is, as the reading of queries sees it.
pub(super) fn server<'a>(gateway: &'a Gateway, conformance: &'a Conformance) -> Server<'a> {
    Server {
        base: gateway.base_url(),
        zone_minutes: gateway.zone_minutes(),
        now: gateway.now(),
        definitions: conformance.definitions(),
        lenient: false,
        seal: gateway.seal(),
    }
}

/// The definitions in force, which a request asks for once.
pub(super) async fn conformance(gateway: &web::Data<Gateway>) -> Result<Arc<Conformance>, Fault> {
    if let Some(hot) = gateway.hot_conformance() {
        return Ok(hot);
    }
    let reader = gateway.clone();
    blocking(move || reader.conformance()).await
}

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
    let directory = || {
        let parts = gateway.directory_of(caller, |of| query.looks_at(of)).into_iter();
        parts.chain(gateway.built_in_part(query.scope.resource_type()))
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
            let panel = nameable(gateway, caller).await?;
            // Whoever is not on the panel is not even looked at: hidden and missing take the same time.
            named.retain(|patient| panel.binary_search(patient).is_ok());
        }
        named.extend(directory());
        return Ok(Some(named));
    }
    if let Some((resource_type, values)) = query.identifiers().filter(|_| has_panel) {
        let (finder, who) = (gateway.clone(), caller.clone());
        if let Some(mut found) = blocking(move || finder.identified(&who, resource_type, &values)).await? {
            let beside = directory().filter(|part| query.reaches() || part.is_built_in());
            found.extend(beside.filter(|part| !found.contains(part)).collect::<Vec<_>>());
            return Ok(Some(found));
        }
    }
    let mut all: Vec<PatientKey> = match caller.role {
        _ if has_panel => panel(gateway, caller).await?,
        _ if query.branches.iter().all(|branch| is_directory(branch.resource_type)) => Vec::new(),
        _ => return Ok(None),
    };
    all.extend(match query.identifiers().filter(|_| !query.reaches()) {
        // A number is in every record that a hospital wrote it into, and in few parts of the directory.
        Some((resource_type, values)) if is_found_by_identifier(resource_type) => {
            let finder = gateway.clone();
            blocking(move || finder.identified_parts(resource_type, &values)).await?
        }
        _ => directory().collect(),
    });
    Ok(Some(all))
}

/// The caller's panel, without the directory: from memory where it can be, else read on a thread that may block.
async fn panel(gateway: &web::Data<Gateway>, caller: &Caller) -> Result<Vec<PatientKey>, Fault> {
    if let (Role::Care, Some(panel)) = (caller.role, gateway.hot_panel(caller)) {
        return Ok(panel.to_vec());
    }
    let (gateway, caller) = (gateway.clone(), caller.clone());
    let mut scope = blocking(move || gateway.scope(&caller)).await?;
    scope.retain(|patient| !patient.is_directory());
    scope.sort_unstable();
    Ok(scope)
}

/// The caller's panel with those whose records stand open to it in an emergency.
async fn nameable(gateway: &web::Data<Gateway>, caller: &Caller) -> Result<Arc<[PatientKey]>, Fault> {
    if let Some(panel) = gateway.hot_nameable(caller) {
        return Ok(panel);
    }
    let (gateway, caller) = (gateway.clone(), caller.clone());
    blocking(move || gateway.nameable(&caller)).await
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

/// The patients whom a caller that reads by consents names by ids that were given here.
fn named(caller: &Caller, query: &Query<'_>) -> Vec<PatientKey> {
    let by_consent = matches!(caller.role, Role::Care | Role::Source);
    let subjects = query.subjects().filter(|_| by_consent).unwrap_or_default();
    let mut named: Vec<PatientKey> = subjects.iter().filter_map(|(id, _)| own_patient(id)).collect();
    named.sort_unstable();
    named.dedup();
    named
}

/// Runs a query, by the definitions that it was read by, over the records that `find` names ([`records`]) and answers with the page it asks for. The records are
/// those of one moment: a transaction is seen whole or not at all.
pub(super) async fn respond(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    (query, conformance): (&Query<'_>, &Conformance),
    find: impl AsyncFn() -> Result<Option<Vec<PatientKey>>, Fault>,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let now = gateway.now();
    let begun = query.cursor.as_ref().map(|cursor| cursor.begun);
    let deadline = Deadline::after(Duration::from_secs(gateway.limits().answer_seconds_max));
    let too_long = || {
        let most = gateway.limits().answer_seconds_max.to_string();
        Ok(Answer::refuse(Status::Busy, &rules::TAKES_TOO_LONG, &most))
    };
    let mut looks = 0;
    let records = loop {
        let since = gateway.pipeline().moment();
        let Some(patients) = find().await? else {
            return Ok(Answer::refuse(Status::BadRequest, &rules::NAME_THE_PATIENT, ""));
        };
        match Records::read(gateway, caller, &patients, begun, (since, &deadline)).await {
            Ok(Some(records)) => break records,
            Ok(None) => {}
            Err(_) if deadline.is_past() => return too_long(),
            Err(fault) => return Err(fault),
        }
        looks += 1;
        if looks == LOOKS_MAX {
            return Err(Fault::Busy);
        }
        tokio::time::sleep(LOOK_AGAIN).await;
    };
    trail.refused(named(caller, query).into_iter().filter(|patient| !records.has(*patient)));
    let scoped = records.scoped(caller, now).until(&deadline);
    let judge = Judge::new(&scoped, conformance, server(gateway, conformance));
    match run(&judge, query, now) {
        _ if deadline.is_past() => too_long(),
        Ok(found) => {
            let versions = versions(gateway, caller, &found, trail).await?;
            let mut links = Links::default();
            for at in found.page.matches.iter().chain(&found.included) {
                let chart = scoped.chart(*at);
                if is_linked(chart, chart.columns.types[at.row]) {
                    links.read(gateway, caller, chart, trail).await?;
                }
            }
            bundle(gateway, &scoped, query, (&found, versions, &links), trail)
        }
        Err(Refused::Issue(issue)) => Ok(Answer::outcome(Status::BadRequest, &[issue])),
        Err(Refused::Fault(fault)) => Err(fault),
    }
}

/// The versions that references name, where the caller may see them; the others are not there.
async fn versions(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    found: &Found,
    trail: &mut Trail,
) -> Result<Vec<Permitted<Vec<u8>>>, Fault> {
    let mut entries = Vec::with_capacity(found.versions.len());
    for named in &found.versions {
        let Some(id) = ResourceId::parse(&named.id) else { continue };
        if caller.may(Action::Read, named.resource_type).is_err() {
            continue;
        }
        let (reader, who, of, number) = (gateway.clone(), caller.clone(), named.resource_type, named.version);
        let version = blocking(move || history::one_version(&reader, &who, (of, &id), number)).await?;
        let Some((record, by, facts, Some(body))) = version else { continue };
        trail.saw(record, by.as_ref(), 1);
        entries.push(body.map(|body| searchset::version(gateway.base_url(), &facts, &body)));
    }
    Ok(entries)
}

fn bundle(
    gateway: &Gateway,
    scoped: &Scoped<'_>,
    query: &Query<'_>,
    (found, versions, patients): (&Found, Vec<Permitted<Vec<u8>>>, &Links),
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let page = &found.page;
    let base = gateway.base_url();
    let mut links = vec![Link { relation: "self", query: query.own_link() }];
    if page.next.is_some() || page.previous.is_some() {
        links.push(Link { relation: "first", query: query.link(None) });
    }
    for (relation, cursor) in [("previous", &page.previous), ("next", &page.next)] {
        links.extend(cursor.as_ref().map(|cursor| Link { relation, query: query.link(Some(cursor)) }));
    }
    let url = format!("{base}{}", query.scope.path());
    let entries = page.matches.len() + found.included.len();
    let mut searchset = Searchset::begin(&url, Some(page.total), &links, entries);
    let elements: Vec<&str> = query.elements.iter().map(|name| &**name).collect();
    for at in &page.matches {
        searchset.row(scoped, *at, base, searchset::wanted(query, &elements), patients)?;
    }
    for at in &found.included {
        searchset.row(scoped, *at, base, Wanted::Include, patients)?;
    }
    versions.into_iter().for_each(|entry| searchset.entry(entry));
    scoped.seen(page.matches.iter().chain(&found.included).copied(), trail);
    searchset::outcome(&found.issues).into_iter().for_each(|entry| searchset.entry(entry));
    Ok(Answer::ok(searchset.finish()))
}
