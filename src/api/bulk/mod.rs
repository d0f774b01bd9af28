//! Bulk data: `$export` of NDJSON files (Bulk Data Access IG 2.0, built on async.html), and `$import`, its way back
//! (`docs/adr/0023`).

mod criteria;
mod export;
mod file;
mod find;
mod import;
mod report;
mod rules;
mod scope;
mod walk;
mod wanted;

use actix_web::http::Method;
use actix_web::{HttpRequest, web};

use super::answer::Answer;
use crate::app::Gateway;
use crate::fault::Status;

pub(super) use export::{cancel, status};
pub(super) use file::file;
pub(super) use import::import;
use scope::Of;

/// The media type of files.
const NDJSON: &str = "application/fhir+ndjson";

/// `$export` as the table of operations offers it: `before` is what stands before it in the path.
pub(super) async fn called(
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    sent: web::Payload,
    before: &[&str],
) -> Answer {
    let of = match before {
        [] => Of::System,
        ["Group", id] => Of::Group((*id).to_owned()),
        _ => Of::Patients,
    };
    match *request.method() {
        Method::GET => export::kick_off(request, gateway, of, None).await,
        Method::POST => export::kick_off(request, gateway, of, Some(sent)).await,
        // Nothing begins by asking for headers.
        _ => Answer::refuse(Status::MethodNotAllowed, &super::rules::NO_SUCH_INTERACTION, ""),
    }
}
