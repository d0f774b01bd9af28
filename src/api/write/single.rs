//! One write as one request: `POST /fhir/[type]`, `PUT`, `PATCH` and `DELETE` of `/fhir/[type]/[id]` and `/fhir/[type]?criteria`.

use std::sync::Arc;

use actix_web::{HttpRequest, web};

use super::{Action, Asking, Prepared, Sent, Stop, Target, Told, prepare, rules, sent};
use crate::api::answer::Answer;
use crate::api::caller::caller;
use crate::api::conditional;
use crate::api::prefer::prefer;
use crate::api::routes::{blocking, served_type};
use crate::api::trail::Trail;
use crate::app::Gateway;
use crate::audit::What;
use crate::consent::Caller;
use crate::fault::{Fault, Issue, Place, Status};
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::pipeline::{Content, Pipeline, Refused, Statement};

/// Does what a request asks for. `id` is that of the address, where it names one.
pub(in crate::api) async fn write(
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    action: Action,
    type_name: &str,
    id: Option<&str>,
    payload: web::Payload,
) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, what(action));
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            match asking(&request, &caller, action, type_name, id, payload, &mut trail).await {
                Err(answer) => answer,
                Ok(asking) => done(&gateway, &request, caller, asking, &mut trail).await,
            }
        }
    };
    trail.close(&gateway, answer).await
}

/// What the audit record calls it.
pub(in crate::api) fn what(action: Action) -> What {
    match action {
        Action::Create => What::Create,
        Action::Update => What::Update,
        Action::Patch => What::Patch,
        Action::Delete => What::Delete,
    }
}

/// Puts on record what was written.
pub(in crate::api) fn seen(trail: &mut Trail, told: &Told, record: Option<PatientKey>) {
    trail.wrote(record.filter(|record| !record.is_directory()), usize::from(told.id.is_some()));
    if let Some(id) = &told.id {
        trail.about(told.resource_type, id);
    }
}

/// Reads what a request asks for. Nothing of the body is read before it is known that the caller may write.
async fn asking(
    request: &HttpRequest,
    caller: &Caller,
    action: Action,
    type_name: &str,
    id: Option<&str>,
    payload: web::Payload,
    trail: &mut Trail,
) -> Result<Asking, Answer> {
    let resource_type = served_type(type_name)?;
    trail.kind(resource_type);
    caller.may(action.asks(), resource_type).map_err(|denied| trail.refuse(denied))?;
    let target = target(request, action, resource_type, id)?;
    if let Target::Instance(id) = &target {
        trail.about(resource_type, id);
    }
    let sent = match action {
        Action::Delete => Sent::Nothing,
        Action::Patch => sent::patch(request, payload).await?,
        Action::Create | Action::Update => {
            let id = match &target {
                Target::Instance(id) => Some(id),
                _ => None,
            };
            Sent::Resource(sent::resource(request, resource_type, id, payload).await?)
        }
    };
    let (if_match, if_none_match) = (conditional::if_match(request)?, conditional::if_none_match(request)?);
    Ok(Asking { action, resource_type, target, sent, if_match, if_none_match })
}

fn target(
    request: &HttpRequest,
    action: Action,
    resource_type: ResourceType,
    id: Option<&str>,
) -> Result<Target, Answer> {
    match (action, id) {
        (Action::Create, _) if conditional::has_criteria(request.query_string()) => {
            Err(Answer::refuse(Status::BadRequest, &rules::CRITERIA_OF_CREATE, ""))
        }
        (Action::Create, _) => Ok(match conditional::if_none_exist(request, resource_type.name())? {
            Some(criteria) => Target::NewUnless(criteria),
            None => Target::New,
        }),
        (_, Some(id)) => match ResourceId::parse(id) {
            Some(id) => Ok(Target::Instance(id)),
            None => Err(Answer::not_found()),
        },
        (_, None) => match conditional::criteria(request.query_string(), resource_type.name()) {
            Some(criteria) => Ok(Target::Matching(criteria)),
            None => Err(Answer::refuse(Status::PreconditionFailed, &rules::NO_CRITERIA, resource_type.name())),
        },
    }
}

async fn done(
    gateway: &web::Data<Gateway>,
    request: &HttpRequest,
    caller: Arc<Caller>,
    asking: Asking,
    trail: &mut Trail,
) -> Answer {
    let writer = gateway.clone();
    let done = blocking(move || Ok(perform(&writer, &caller, &asking))).await;
    match done.unwrap_or_else(|fault| Err(Stop::Failed(fault))) {
        Ok((told, record)) => {
            seen(trail, &told, record);
            told.answer(gateway.base_url(), prefer(request))
        }
        Err(Stop::Denied(denied)) => trail.refuse(denied),
        Err(Stop::Failed(fault)) => trail.fail(fault),
        Err(refused) => Answer::from(refused),
    }
}

/// Does one write. Blocks on storage.
pub(in crate::api) fn perform(
    gateway: &Gateway,
    caller: &Caller,
    asking: &Asking,
) -> Result<(Told, Option<PatientKey>), Stop> {
    let work = |pipeline: &Pipeline| match prepare(gateway, caller, asking)? {
        Prepared::There(found) => {
            let record = found.patient;
            Ok((Told::there(found)?, Some(record)))
        }
        Prepared::Gone => Ok((Told::gone(asking.resource_type), None)),
        Prepared::Statement(statement, noticed) => {
            let statements = [*statement];
            if let Some((_, stop)) = defined(gateway, &statements)? {
                return Err(stop);
            }
            let mut stated = pipeline.state(&statements)?.map_err(|refused| refusal(&statements, refused).0)?;
            let stated = stated.pop().ok_or_else(|| Fault::Broken("a statement came to nothing".into()))?;
            let record = stated.record;
            Ok((Told::stated(caller, asking.action, stated, noticed)?, record))
        }
    };
    // Whether search parameters fit together depends on what else is stored.
    let depends = asking.target.is_conditional() || asking.resource_type == ResourceType::SEARCH_PARAMETER;
    if depends { gateway.write_alone(work) } else { gateway.write(work) }
}

/// Which of these statements is of a SearchParameter that cannot be used, or of something that is part of the program, and what
/// its caller is told. Blocks on storage.
pub(in crate::api) fn defined(gateway: &Gateway, statements: &[Statement]) -> Result<Option<(usize, Stop)>, Fault> {
    if let Some(at) = statements.iter().position(|one| gateway.is_built_in(one.resource_type, &one.id)) {
        let stop = Stop::because(Status::Unprocessable, &rules::BUILT_IN, statements[at].id.as_str());
        return Ok(Some((at, stop)));
    }
    let (mut numbers, mut changes) = (Vec::new(), Vec::new());
    for (at, statement) in statements.iter().enumerate() {
        if statement.resource_type == ResourceType::SEARCH_PARAMETER {
            numbers.push(at);
            changes.push((&statement.id, statement.resource()));
        }
    }
    if changes.is_empty() {
        return Ok(None);
    }
    let mut issues = gateway.refused_parameters(&changes)?;
    let Some(first) = issues.first().map(|(at, _)| *at) else { return Ok(None) };
    issues.retain(|(at, _)| *at == first);
    let issues = issues.into_iter().map(|(_, issue)| issue).collect();
    Ok(numbers.get(first).map(|at| (*at, Stop::Refused(Status::Unprocessable, issues))))
}

/// Why statements were refused, and which of them is at fault.
pub(in crate::api) fn refusal(statements: &[Statement], refused: Refused) -> (Stop, usize) {
    let name = |at: usize| statements.get(at).map(|s| format!("{}/{}", s.resource_type.name(), s.id.as_str()));
    let (at, status, rule) = match refused {
        Refused::Unexpected(at) => (at, Status::PreconditionFailed, &rules::UNEXPECTED),
        Refused::Elsewhere(at) => (at, Status::Unprocessable, &rules::ELSEWHERE),
        Refused::NotDirectory(at) => (at, Status::Unprocessable, &rules::NOT_DIRECTORY),
        Refused::Twice(at) => (at, Status::BadRequest, &rules::TWICE),
    };
    let place = match (refused, statements.get(at)) {
        (Refused::Elsewhere(_), Some(Statement { resource_type, content: Content::Put(put), .. })) => {
            let element = put.patient_at().unwrap_or("participant");
            Place::Path(format!("{}.{element}", resource_type.name()).into())
        }
        _ => Place::Whole,
    };
    let issue = Issue::with(rule, place, name(at).unwrap_or_default());
    (Stop::Refused(status, vec![issue]), at)
}
