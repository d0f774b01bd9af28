//! `$export` (Bulk Data Access IG 2.0): `GET` and `POST` of `[base]/$export`, `[base]/Patient/$export` and
//! `[base]/Group/[id]/$export`; the status of an export, and its end.

use std::sync::Arc;

use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, web};

use super::scope::{self, NoScope, Of};
use super::walk::{File, Walk};
use super::wanted::{self, Wanted};
use super::{find, rules};
use crate::api::answer::Answer;
use crate::api::body;
use crate::api::caller::caller;
use crate::api::forwarded::base_url;
use crate::api::prefer::prefer;
use crate::api::routes::blocking;
use crate::api::search::conformance;
use crate::api::trail::Trail;
use crate::app::{Asked, Export, Gateway, NotBegun, Stage};
use crate::audit::What;
use crate::consent::{Action, Caller, Permitted};
use crate::fault::{Fault, Issue, Place, Status};
use crate::fhir::{ResourceType, Writer, time};

/// Seconds after which to ask again.
const RETRY_SECONDS: &str = "1";
const X_PROGRESS: HeaderName = HeaderName::from_static("x-progress");

/// Begins an export. `sent` is the body of a POST.
pub(in crate::api) async fn kick_off(
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    of: Of,
    sent: Option<web::Payload>,
) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Export);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            begin(&gateway, &request, caller, of, sent, &mut trail).await.unwrap_or_else(|fault| trail.fail(fault))
        }
    };
    trail.close(&gateway, answer).await
}

async fn begin(
    gateway: &web::Data<Gateway>,
    request: &HttpRequest,
    caller: Arc<Caller>,
    of: Of,
    sent: Option<web::Payload>,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let prefer = prefer(request);
    if !prefer.respond_async {
        return Ok(Answer::refuse(Status::BadRequest, &rules::RESPOND_ASYNC, ""));
    }
    let may = caller.may(Action::Search, ResourceType::PATIENT);
    if let Some(denied) = may.err().filter(|_| of != Of::System) {
        return Ok(trail.refuse(denied));
    }
    let is_post = sent.is_some();
    let pairs = match parameters(request, sent).await {
        Ok(pairs) => pairs,
        Err(answer) => return Ok(answer),
    };
    // Filters are read by the definitions in force, here without waiting for storage.
    conformance(gateway).await?;
    let wanted = match Wanted::read(gateway, prefer, of.level(), &pairs, is_post) {
        Ok(wanted) => wanted,
        Err(issue) => return Ok(Answer::outcome(Status::BadRequest, &[issue])),
    };
    for resource_type in wanted.types.iter().filter_map(|name| ResourceType::parse(name)) {
        if let Err(denied) = caller.may(Action::Search, resource_type) {
            return Ok(trail.refuse(denied));
        }
    }
    let base = base_of(request, gateway);
    let asked = Asked {
        request: address(&base, &of, request.query_string()),
        level: of.level(),
        types: wanted.types.iter().map(|name| (*name).to_owned()).collect(),
        filters: wanted.filters.iter().map(|(t, criteria)| (t.name().to_owned(), criteria.clone())).collect(),
        since: wanted.since,
    };
    let (keeper, who) = (gateway.clone(), caller.clone());
    let begun = blocking(move || {
        // First the instant, then the records: whatever comes in between belongs to the next export.
        let now = keeper.now();
        Ok(match scope::records(&keeper, &who, &of, wanted.patients.as_deref()) {
            Ok(records) => Ok(keeper.exports().begin(&who, asked, &records, now)),
            Err(none) => Err(none),
        })
    });
    Ok(match begun.await? {
        Err(NoScope::Failed(fault)) | Ok(Err(NotBegun::Failed(fault))) => return Err(fault),
        Err(NoScope::NotFound) => Answer::not_found(),
        Err(NoScope::NoSuchPatient) => Answer::outcome(Status::BadRequest, &[NoScope::issue()]),
        Ok(Err(NotBegun::TooLong)) => Answer::refuse(Status::TooLarge, &rules::TOO_LONG, ""),
        Ok(Err(NotBegun::TooMany(seconds))) => Answer::refuse(Status::TooManyRequests, &rules::TOO_MANY, "")
            .with_header(header::RETRY_AFTER, seconds.to_string()),
        Ok(Ok(export)) => {
            look(gateway, caller, &export)?;
            let location = format!("{base}/$export-status/{}", export.name());
            Answer::refuse(Status::Accepted, &rules::BEGUN, "").with_header(header::CONTENT_LOCATION, location)
        }
    })
}

/// The URL of the API as the caller knows it.
fn base_of(request: &HttpRequest, gateway: &Gateway) -> String {
    base_url(request, gateway).unwrap_or_else(|| gateway.base_url().to_owned())
}

async fn parameters(request: &HttpRequest, sent: Option<web::Payload>) -> Result<Vec<(String, String)>, Answer> {
    let unreadable = || Answer::refuse(Status::BadRequest, &crate::api::rules::VALUE, "");
    let mut pairs = wanted::of_query(request.query_string()).ok_or_else(unreadable)?;
    if let Some(sent) = sent {
        let body = body::json(request, sent).await?;
        if !body.is_empty() {
            pairs.extend(wanted::of_resource(&body).ok_or_else(unreadable)?);
        }
    }
    Ok(pairs)
}

/// The address with which an export was begun.
fn address(base: &str, of: &Of, query: &str) -> String {
    let path = match of {
        Of::System => "$export".to_owned(),
        Of::Patients => "Patient/$export".to_owned(),
        Of::Group(id) => format!("Group/{id}/$export"),
    };
    let mark = if query.is_empty() { "" } else { "?" };
    format!("{base}/{path}{mark}{query}")
}

/// Has somebody find out which files an export has, unless somebody does already.
fn look(gateway: &web::Data<Gateway>, caller: Arc<Caller>, export: &Arc<Export>) -> Result<(), Fault> {
    let walk = Walk::new(gateway.clone(), caller, export.clone())?;
    if !export.take() {
        return Ok(());
    }
    drop(tokio::task::spawn_blocking(move || {
        let records = walk.gateway.exports().records(&walk.export);
        match records.and_then(|records| find::files(&walk, &records)) {
            Ok(files) => walk.export.set_stage(Stage::Found(files)),
            Err(fault) => {
                // Whoever asks next has it done again.
                walk.export.set_stage(Stage::Waiting);
                if fault != Fault::Conflict {
                    tracing::warn!(%fault, "the files of an export could not be found out");
                }
            }
        }
    }));
    Ok(())
}

/// `GET [base]/$export-status/[export]`
pub(in crate::api) async fn status(request: HttpRequest, gateway: web::Data<Gateway>, export: &str) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Export);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            match gateway.exports().find(export, &caller, gateway.now()) {
                None => Answer::not_found(),
                Some(export) => {
                    let told = tell(&gateway, &request, caller, export).await;
                    told.unwrap_or_else(|fault| trail.fail(fault))
                }
            }
        }
    };
    trail.close(&gateway, answer).await
}

async fn tell(
    gateway: &web::Data<Gateway>,
    request: &HttpRequest,
    caller: Arc<Caller>,
    export: Arc<Export>,
) -> Result<Answer, Fault> {
    look(gateway, caller.clone(), &export)?;
    let files = match export.stage() {
        Stage::Found(files) => files,
        stage => {
            let percent = if let Stage::Looking(percent) = stage { percent } else { 0 };
            let answer = Answer::refuse(Status::Accepted, &rules::UNDER_WAY, "");
            let answer = answer.with_header(X_PROGRESS, format!("{percent} %"));
            return Ok(answer.with_header(header::RETRY_AFTER, RETRY_SECONDS));
        }
    };
    let walk = Walk::new(gateway.clone(), caller, export.clone())?;
    let names = blocking(move || find::still(&walk, &files)).await?;
    let needs_token = !gateway.registry().is_open();
    let base = base_of(request, gateway);
    let body = Permitted::gather(names, |names| manifest(&base, &export, needs_token, &names).into_bytes());
    Ok(Answer::plain_json(body).with_header(header::EXPIRES, time::http_date(export.expires())))
}

/// The manifest. It counts nothing: what a file holds is decided when it is fetched.
fn manifest(base: &str, export: &Export, needs_token: bool, names: &[Vec<u8>]) -> String {
    let files: Vec<File> =
        names.iter().filter_map(|name| File::parse(std::str::from_utf8(name).unwrap_or_default())).collect();
    let item = |w: &mut Writer, file: File| {
        w.item(|w| {
            w.string("type", if file == File::Deleted { "Bundle" } else { file.name() });
            w.string("url", &format!("{base}/$export-file/{}/{}.ndjson", export.name(), file.name()));
        });
    };
    let mut w = Writer::new();
    w.string("transactionTime", &time::instant(export.transaction_time(), 540));
    w.string("request", &export.asked().request);
    w.boolean("requiresAccessToken", needs_token);
    let list = |of: &mut dyn Iterator<Item = File>| {
        let mut w = Writer::new();
        w.array("x", |w| of.for_each(|file| item(w, file)));
        // An array of nothing is no FHIR; this is no FHIR, and wants it.
        let text = w.finish();
        text.split_once(':').map_or("[]".to_owned(), |(_, array)| array.to_owned())
    };
    w.raw("output", &list(&mut files.iter().copied().filter(|file| *file != File::Deleted)));
    w.raw("deleted", &list(&mut files.iter().copied().filter(|file| *file == File::Deleted)));
    w.raw("error", "[]");
    format!("{{{}}}", w.finish())
}

/// `DELETE [base]/$export-status/[export]`: nobody fetches it any more, also not what is half fetched.
pub(in crate::api) async fn cancel(request: HttpRequest, gateway: web::Data<Gateway>, export: &str) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Export);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            match gateway.exports().find(export, &caller, gateway.now()) {
                None => Answer::not_found(),
                Some(export) => {
                    let keeper = gateway.clone();
                    match blocking(move || keeper.exports().cancel(&export)).await {
                        Ok(()) => Answer::outcome(Status::Accepted, &[Issue::new(&rules::CANCELLED, Place::Whole)]),
                        Err(fault) => trail.fail(fault),
                    }
                }
            }
        }
    };
    trail.close(&gateway, answer).await
}
