//! Every route of `/fhir` and `/intake`, and which interactions each type offers.

use actix_web::http::{Method, header};
use actix_web::{HttpMessage, HttpRequest, HttpResponse, web};
use tokio::time::Instant;

use super::admit::{allowed, stopped};
use super::answer::Answer;
use super::asked::Asked;
use super::caller::enter;
use super::history::Of;
use super::leave::leave;
use super::oauth;
use super::write::Action;
use super::write::single::write;
use super::{
    account, audit_event, beat, binary, bulk, create, entry, history, intake, metadata, operation, read, receipt,
    rules, search, update,
};
use crate::app::Gateway;
use crate::consent::is_directory;
use crate::fault::{Fault, Status};
use crate::fhir::ResourceType;
use crate::search::compartment::is_compartment;
use crate::search::parameters;

type Data = web::Data<Gateway>;

/// Adds the routes to an application: one handler that reads the path itself, because the framework's router matches
/// patterns with a regular expression engine, which costs more than the rest of a read.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config.default_service(web::to(dispatch));
}

async fn dispatch(request: HttpRequest, gateway: Data, payload: web::Payload) -> HttpResponse {
    let begun = Instant::now();
    let asked = Asked::of(&request);
    let path = request.match_info().unprocessed().to_owned();
    let path = path.trim_start_matches('/');
    // A slash at the end names nothing more.
    let path: Vec<&str> = path.strip_suffix('/').unwrap_or(path).split('/').collect();
    let answer = match stopped(&request, &asked, &path) {
        Some(answer) => answer,
        None if is_for_everybody(&path) => route(request.clone(), gateway.clone(), payload, &path).await,
        None => match enter(&request, &gateway).await {
            Err(answer) => answer,
            Ok(_entered) => route(request.clone(), gateway.clone(), payload, &path).await,
        },
    };
    // A form in the body may have said more.
    let asked = request.extensions().get::<Asked>().copied().unwrap_or(asked);
    let answer = match path.as_slice() {
        ["fhir", "Binary", ..] => binary::as_asked(&asked, answer),
        _ => answer,
    };
    let answer = match answer.status() {
        Status::MethodNotAllowed => answer.with_header(header::ALLOW, allowed(&path)),
        _ => answer,
    };
    let status = answer.status();
    let response = leave(&request, &gateway, &asked, answer).await;
    beat::wait(&request, begun, status, gateway.beat()).await;
    response
}

/// Whether who asks is of no consequence there, or is shown in another way.
fn is_for_everybody(path: &[&str]) -> bool {
    match path {
        ["fhir", "metadata" | "openapi.json" | ".well-known", ..] => true,
        ["fhir" | "intake", ..] => false,
        _ => true,
    }
}

async fn route(request: HttpRequest, gateway: Data, payload: web::Payload, path: &[&str]) -> Answer {
    // HEAD is GET without its body (http.html#head).
    let method = match *request.method() {
        Method::HEAD => Method::GET,
        ref method => method.clone(),
    };
    // The audit record is searched and nothing else; what else is asked of it would be answered as if there were none.
    if let ["fhir", "AuditEvent", _, ..] = path {
        return not_offered();
    }
    if path == ["fhir", "AuditEvent"] && method != Method::GET {
        return not_offered();
    }
    if let Some(named) = operation::named(path) {
        return operation::run(request, gateway, payload, &method, named).await;
    }
    if let ["auth", name] = path
        && oauth::is_here(path)
    {
        return oauth::answer(request, gateway, &method, name, payload).await;
    }
    match (&method, path) {
        (&Method::GET, ["health"]) => Answer::refuse(Status::Ok, &rules::ALIVE, ""),
        (&Method::GET, ["fhir", "metadata"]) => metadata::metadata(&request, &gateway).await,
        (&Method::GET, ["fhir", "openapi.json"]) => metadata::openapi(&request, &gateway).await,
        (&Method::GET, ["fhir", ".well-known", "smart-configuration"] | [".well-known", "smart-configuration"]) => {
            metadata::smart_configuration(&request, &gateway)
        }
        (&Method::GET, ["fhir", "AuditEvent"]) => audit_event::search(request, gateway).await,
        (_, ["fhir", "$export-status" | "$export-file", ..]) => bulk::fetched(request, gateway, &method, path).await,
        (&Method::GET, ["fhir", "_history"]) => history::history(request, gateway, Of::System).await,
        (&Method::GET, ["fhir", type_name, "_history"]) => {
            history::history(request, gateway, Of::Type(type_name)).await
        }
        (&Method::GET, ["fhir"] | ["fhir", "_search"]) => search::get(request, gateway, search::Path::System).await,
        (&Method::POST, ["fhir", "_search"]) => search::post(request, gateway, search::Path::System, payload).await,
        (&Method::GET, ["fhir", type_name] | ["fhir", type_name, "_search"]) => {
            search::get(request, gateway, search::Path::Type(type_name)).await
        }
        (&Method::GET, ["fhir", type_name, id]) => read::read(request, gateway, type_name, id).await,
        (&Method::POST, ["fhir", type_name, "_search"]) => {
            search::post(request, gateway, search::Path::Type(type_name), payload).await
        }
        (&Method::GET, ["fhir", of, id, name] | ["fhir", of, id, name, "_search"]) if is_searched(of, name) => {
            search::get(request, gateway, search::Path::Compartment(of, id, name)).await
        }
        (&Method::POST, ["fhir", of, id, name, "_search"]) if is_searched(of, name) => {
            search::post(request, gateway, search::Path::Compartment(of, id, name), payload).await
        }
        (&Method::POST, ["intake"]) => intake::hand_in(request, gateway, None, payload).await,
        (&Method::GET, ["intake", "receipts", letter]) => receipt::read(request, gateway, letter).await,
        (&Method::GET, ["intake", "receipts", letter, "account"]) => account::read(request, gateway, letter).await,
        (&Method::POST, ["intake", facility]) => intake::hand_in(request, gateway, Some(facility), payload).await,
        (&Method::GET, ["fhir", type_name, id, "_history", version]) => {
            history::vread(request, gateway, (type_name, id, version)).await
        }
        (&Method::GET, ["fhir", type_name, id, "_history"]) => {
            history::history(request, gateway, Of::Instance(type_name, id)).await
        }
        (_, ["fhir", ..]) => written(request, gateway, payload, &method, path).await,
        _ => not_offered(),
    }
}

/// What writes, and what is not offered.
async fn written(request: HttpRequest, gateway: Data, payload: web::Payload, method: &Method, path: &[&str]) -> Answer {
    match (method, path) {
        (&Method::POST, ["fhir"]) => entry::process(request, gateway, payload).await,
        // Addresses that are there, and name neither a type nor a resource.
        (_, ["fhir", "metadata" | "openapi.json" | "_history" | "_search"] | ["fhir", ".well-known", _]) => {
            not_offered()
        }
        (_, ["fhir", name, "_history" | "_search"]) => {
            served_type(name).map_or_else(|answer| answer, |_| not_offered())
        }
        // What a facility sends and what the office registers are letters.
        (&Method::POST, ["fhir", "Bundle"]) if !gateway.registry().is_open() => {
            create::create(request, gateway, payload).await
        }
        (&Method::POST, ["fhir", type_name]) => write(request, gateway, Action::Create, type_name, None, payload).await,
        (&Method::PUT, ["fhir", type_name, id]) if gateway.registry().is_open() || is_stated(type_name) => {
            write(request, gateway, Action::Update, type_name, Some(id), payload).await
        }
        (&Method::PUT, ["fhir", type_name, id]) => update::update(request, gateway, type_name, id, payload).await,
        (&Method::PUT, ["fhir", type_name]) => write(request, gateway, Action::Update, type_name, None, payload).await,
        (&Method::PATCH, ["fhir", type_name]) => write(request, gateway, Action::Patch, type_name, None, payload).await,
        (&Method::PATCH, ["fhir", type_name, id]) => {
            write(request, gateway, Action::Patch, type_name, Some(id), payload).await
        }
        (&Method::DELETE, ["fhir", type_name]) => {
            write(request, gateway, Action::Delete, type_name, None, payload).await
        }
        (&Method::DELETE, ["fhir", type_name, id]) => {
            write(request, gateway, Action::Delete, type_name, Some(id), payload).await
        }
        (_, ["fhir", name, ..]) if !name.starts_with(['$', '_']) => {
            served_type(name).map_or_else(|answer| answer, |_| not_offered())
        }
        _ => not_offered(),
    }
}

/// Whether a type is one of the directory that is stated as it is; an Organization is a letter of the office's, as a Consent is.
fn is_stated(type_name: &str) -> bool {
    ResourceType::parse(type_name).is_some_and(|of| is_directory(of) && of != ResourceType::ORGANIZATION)
}

/// Whether a path below a resource searches its compartment.
fn is_searched(of: &str, name: &str) -> bool {
    let is_type = |resource_type| resource_type != ResourceType::AUDIT_EVENT;
    is_compartment(of) && (name == "*" || ResourceType::parse(name).is_some_and(is_type))
}

/// The type a path names, when it is one that is served here.
pub(super) fn served_type(name: &str) -> Result<ResourceType, Answer> {
    ResourceType::parse(name)
        .filter(|resource_type| parameters::is_served(*resource_type))
        .ok_or_else(|| Answer::refuse(Status::NotFound, &rules::NO_SUCH_TYPE, &printable(name)))
}

/// A caller's own word, cut and cleaned, as an answer may repeat it: no digits, so no number of a person.
pub(super) fn printable(text: &str) -> String {
    text.chars().filter(|c| c.is_ascii_alphabetic() || "_-.:$".contains(*c)).take(64).collect()
}

/// Runs what blocks on storage on a thread of its own.
pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T, Fault> + Send + 'static,
) -> Result<T, Fault> {
    web::block(work).await.unwrap_or(Err(Fault::Busy))
}

pub(super) fn not_offered() -> Answer {
    Answer::refuse(Status::MethodNotAllowed, &rules::NO_SUCH_INTERACTION, "")
}
