//! Every route of `/fhir`, and which interactions each type offers.

use actix_web::{HttpRequest, Responder, web};

use super::answer::Answer;
use super::{audit_event, create, everything, metadata, read, rules, search, update};
use crate::app::Gateway;
use crate::consent::is_directory;
use crate::fault::{Fault, Status};
use crate::fhir::ResourceType;
use crate::search::parameters;

type Data = web::Data<Gateway>;

/// Adds the routes to an application.
pub(super) fn configure(config: &mut web::ServiceConfig) {
    config
        .route("/health", web::get().to(health))
        .service(
            web::scope("/fhir")
                .route("/metadata", web::get().to(capabilities))
                .route("/Patient/{id}/$everything", web::get().to(everything::everything))
                .route("/AuditEvent", web::get().to(audit_event::search))
                // Its search is a matter of its own and has no form: the general one would say that there is nothing.
                .route("/AuditEvent/_search", web::to(not_offered))
                .route("/Bundle", web::post().to(create::create))
                .route("/{type}/_search", web::post().to(search::post))
                .service(
                    web::resource("/{type}/{id}")
                        .route(web::get().to(read::read))
                        .route(web::put().to(update::update))
                        .default_service(web::to(not_offered)),
                )
                .route("/{type}", web::get().to(search::get))
                .default_service(web::to(not_offered)),
        )
        .default_service(web::to(not_offered));
}

/// The interactions a type offers (R4 valueset type-restful-interaction).
pub(super) fn interactions(resource_type: ResourceType) -> Vec<&'static str> {
    let mut codes = vec!["read", "search-type"];
    if resource_type == ResourceType::AUDIT_EVENT {
        codes = vec!["search-type"];
    }
    if resource_type == ResourceType::BUNDLE {
        codes.push("create");
    }
    if resource_type == ResourceType::CONSENT || is_directory(resource_type) {
        codes.push("update");
    }
    codes
}

/// The type a path names, when it is one that is served here.
pub(super) fn served_type(name: &str) -> Result<ResourceType, Answer> {
    ResourceType::parse(name)
        .filter(|resource_type| parameters::types().any(|served| served == *resource_type))
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

async fn capabilities(gateway: Data) -> impl Responder {
    metadata::metadata(gateway.base_url())
}

async fn not_offered(_: HttpRequest) -> impl Responder {
    Answer::refuse(Status::MethodNotAllowed, &rules::NO_SUCH_INTERACTION, "")
}

/// For health checks: answers when the process does.
async fn health() -> impl Responder {
    Answer::outcome(Status::Ok, &[])
}
