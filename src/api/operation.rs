//! Operations (operations.html): the table of them, from which routes and the CapabilityStatement follow; and what is the
//! same for all: finding the one that is meant, its parameters, its audit event, the form of what it returns.

mod access;
mod access_report;
mod docref;
mod document;
mod emergency;
mod graph;
mod import_directory;
mod lastn;
mod link;
mod matching;
mod meta;
mod parameters;
mod pix;
mod registration;
mod rules;
mod summary;
mod table;
mod terminology;
mod validate;

use std::sync::Arc;

use actix_web::http::Method;
use actix_web::{HttpRequest, web};

use super::answer::Answer;
use super::asked::{Asked, wants_csv, wants_page};
use super::caller::caller;
use super::routes::{printable, served_type};
use super::trail::Trail;
use super::write::Stop;
use super::{beat, bulk, convert, everything, rules as common};
use crate::app::Gateway;
use crate::consent::{Action, Caller, ConsentVersion, Permitted, Role};
use crate::fault::{Denied, Fault, Status};
use crate::fhir::{PatientKey, ResourceId, ResourceType, reference};
use crate::validate::is_sound;
use parameters::Parameters;
use table::{For, On, Run};
pub(super) use table::{OPERATIONS, Operation};

/// The parameters that `$everything` may be sent in a body.
const EVERYTHING: [&str; 6] = ["start", "end", "_since", "_type", "_count", "person"];

/// Where an operation is called (operations.html#executing).
#[derive(Clone, Debug)]
enum Level {
    /// `[base]/$name`
    System,
    /// `[base]/[type]/$name`
    Type(ResourceType),
    /// `[base]/[type]/[id]/$name`
    Instance(ResourceType, ResourceId),
}

/// An operation that is called, with everything that it is done with.
struct Call<'a> {
    gateway: &'a web::Data<Gateway>,
    caller: &'a Arc<Caller>,
    level: Level,
    parameters: Parameters,
    /// Whether a page for people is wanted, where there is one.
    wants_page: bool,
    /// Whether a table for spreadsheets is wanted, where there is one.
    wants_csv: bool,
}

/// The name of the operation that a path below `/fhir` calls, without its `$`, and the path before it.
pub(super) fn named<'p>(path: &'p [&'p str]) -> Option<(&'p str, &'p [&'p str])> {
    let ["fhir", before @ .., last] = path else { return None };
    let name = last.strip_prefix('$').or_else(|| last.strip_prefix("%24"))?;
    (before.len() <= 2).then_some((name, before))
}

/// The methods that the operation at a path knows (`Allow`): one that changes something, or is sent more than an address
/// holds, is not for GET.
pub(super) fn methods(path: &[&str]) -> &'static str {
    match named(path).map(|(name, before)| meant(name, before)) {
        Some(Ok(operation)) if !operation.by_get() => "POST, OPTIONS",
        _ => "GET, HEAD, POST, OPTIONS",
    }
}

/// Does what a call asks for.
pub(super) async fn run(
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    payload: web::Payload,
    method: &Method,
    (name, before): (&str, &[&str]),
) -> Answer {
    let operation = match meant(name, before) {
        Ok(operation) => operation,
        Err(answer) => return answer,
    };
    match *method {
        Method::POST => {}
        Method::GET if operation.by_get() => {}
        _ => return Answer::refuse(Status::MethodNotAllowed, &rules::METHOD, operation.name),
    }
    match (operation.run, before) {
        (Run::Export, before) => bulk::called(request, gateway, payload, before).await,
        (Run::Import, _) => bulk::import(request, gateway, payload).await,
        (Run::RegisterBatch, _) => registration::batch::batch(request, gateway, payload).await,
        (Run::Convert, _) => convert::convert(request, gateway, payload).await,
        (Run::ImportDirectory, _) => import_directory::import(request, gateway, payload).await,
        (Run::Everything, [_, id]) if *method == Method::GET => everything::everything(request, gateway, id).await,
        _ => call(operation, request, gateway, payload, before).await,
    }
}

/// The operation of this name, where it can be called there.
fn meant(name: &str, before: &[&str]) -> Result<&'static Operation, Answer> {
    let resource_type = before.first().map(|name| served_type(name)).transpose()?;
    let mut known = OPERATIONS.iter().filter(|operation| operation.name == name).peekable();
    if known.peek().is_none() {
        return Err(Answer::refuse(Status::NotFound, &rules::NO_SUCH_OPERATION, &printable(name)));
    }
    let here = |operation: &&Operation| match (before.len(), resource_type) {
        (0, _) => operation.system,
        (1, Some(resource_type)) => operation.on_type && operation.on.includes(resource_type),
        (_, Some(resource_type)) => operation.instance && operation.on.includes(resource_type),
        _ => false,
    };
    known.find(here).ok_or_else(|| Answer::refuse(Status::NotFound, &rules::NOT_HERE, &printable(name)))
}

async fn call(
    operation: &Operation,
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    payload: web::Payload,
    before: &[&str],
) -> Answer {
    if matches!(operation.run, Run::Match | Run::CrossReference) {
        beat::on_the_beat(&request);
    }
    let mut trail = Trail::begin(&gateway, &request, operation.what);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            let done = match level(before, &mut trail) {
                Err(answer) => Ok(answer),
                Ok(level) => called(operation, &request, &gateway, &caller, level, payload, &mut trail).await,
            };
            match done {
                Ok(answer) => answer,
                Err(Stop::Denied(denied)) => trail.refuse(denied),
                Err(Stop::Failed(fault)) => trail.fail(fault),
                Err(refused) => Answer::from(refused),
            }
        }
    };
    trail.close(&gateway, answer).await
}

/// Where it is called; what no resource can be named by is not there.
fn level(before: &[&str], trail: &mut Trail) -> Result<Level, Answer> {
    Ok(match before {
        [] => Level::System,
        [name] => {
            let resource_type = served_type(name)?;
            trail.kind(resource_type);
            Level::Type(resource_type)
        }
        [name, id, ..] => {
            let resource_type = served_type(name)?;
            let id = ResourceId::parse(id).ok_or_else(Answer::not_found)?;
            trail.about(resource_type, &id);
            Level::Instance(resource_type, id)
        }
    })
}

async fn called(
    operation: &Operation,
    request: &HttpRequest,
    gateway: &web::Data<Gateway>,
    caller: &Arc<Caller>,
    level: Level,
    payload: web::Payload,
    trail: &mut Trail,
) -> Result<Answer, Stop> {
    // Nothing of the body is read before it is known that the caller may do this.
    operation.is_for(caller, &level)?;
    match Parameters::read(request, payload).await {
        // What is wrong with its XML, `$validate` answers.
        Ok(parameters) if operation.run != Run::Validate && !is_sound(&parameters.noticed) => {
            Ok(Answer::outcome(Status::BadRequest, &parameters.noticed))
        }
        Ok(parameters) => {
            let wants_page = operation.run == Run::AccessReport && wants_page(request);
            let wants_csv = operation.run == Run::RegistrationReport && wants_csv(request);
            let has_own = wants_page || wants_csv || operation.run == Run::RegistrationForm;
            if !has_own && Asked::of(request).format.is_none() {
                return Ok(Answer::refuse(Status::NotAcceptable, &common::NOT_ACCEPTABLE, ""));
            }
            performed(operation, Call { gateway, caller, level, parameters, wants_page, wants_csv }, trail).await
        }
        Err(answer) => Ok(answer),
    }
}

/// An operation as an entry of a batch calls it (http.html#transaction).
pub(super) struct OfEntry<'a> {
    /// Its name without the `$`.
    pub(super) name: &'a str,
    /// The path before it, below the base.
    pub(super) before: &'a [&'a str],
    /// The query behind it.
    pub(super) query: &'a str,
    /// What is sent to it; `None` for GET.
    pub(super) body: Option<&'a str>,
}

/// Does what an entry calls. What hands out files, or has a form of its own, is for a request of its own.
pub(super) async fn of_entry(
    request: &HttpRequest,
    gateway: &web::Data<Gateway>,
    caller: &Arc<Caller>,
    entry: OfEntry<'_>,
) -> Answer {
    let operation = match meant(entry.name, entry.before) {
        Ok(operation) => operation,
        Err(answer) => return answer,
    };
    if entry.body.is_none() && !operation.by_get()
        || matches!(operation.run, Run::Convert | Run::Export | Run::Import | Run::ImportDirectory | Run::RegisterBatch)
    {
        return Answer::refuse(Status::MethodNotAllowed, &rules::METHOD, operation.name);
    }
    let mut trail = Trail::begin(gateway, request, operation.what);
    trail.caller(caller);
    let done = match level(entry.before, &mut trail) {
        Err(answer) => Ok(answer),
        Ok(level) => {
            let parameters = operation.is_for(caller, &level).map_err(Stop::from);
            match parameters.and_then(|()| Parameters::of(entry.query, entry.body)) {
                Err(stop) => Err(stop),
                Ok(parameters) => {
                    let call = Call { gateway, caller, level, parameters, wants_page: false, wants_csv: false };
                    performed(operation, call, &mut trail).await
                }
            }
        }
    };
    let answer = match done {
        Ok(answer) => answer,
        Err(Stop::Denied(denied)) => trail.refuse(denied),
        Err(Stop::Failed(fault)) => trail.fail(fault),
        Err(refused) => Answer::from(refused),
    };
    trail.close(gateway, answer).await
}

impl Operation {
    /// Whether a caller may do this at all.
    fn is_for(&self, caller: &Caller, level: &Level) -> Result<(), Denied> {
        let action = match level {
            _ if self.affects_state => Action::Update,
            Level::System | Level::Type(_) => Action::Search,
            Level::Instance(..) => Action::Read,
        };
        let open = caller.role == Role::Open;
        match self.is_for {
            For::Entitled => {}
            For::Office if caller.role == Role::Office || open => return Ok(()),
            For::Emergency if caller.may_break_glass || open => return Ok(()),
            For::Office | For::Emergency => return Err(Denied::Role),
        }
        match level.resource_type() {
            // It tells of the audit record, and of nothing in the patient's.
            _ if self.run == Run::AccessReport => caller.may(Action::Search, ResourceType::AUDIT_EVENT),
            Some(resource_type) if self.run != Run::Validate => caller.may(action, resource_type),
            _ => Ok(()),
        }
    }
}

async fn performed(operation: &Operation, call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    let (gateway, caller) = (call.gateway, call.caller);
    trail.named(call.parameters.names());
    match operation.run {
        Run::AccessReport => access_report::report(call, trail).await,
        Run::Validate => validate::validate(call, trail).await,
        Run::Meta => meta::read(call, trail).await,
        Run::MetaAdd => meta::change(call, meta::Change::Add, trail).await,
        Run::MetaDelete => meta::change(call, meta::Change::Delete, trail).await,
        Run::Document => document::document(call, trail).await,
        Run::DocRef => docref::docref(call, trail).await,
        Run::LastN => lastn::lastn(call, trail).await,
        Run::Link => link::decide(call, true, trail).await,
        Run::Unlink => link::decide(call, false, trail).await,
        Run::Links => link::links(call, trail).await,
        Run::Duplicates => link::duplicates(call, trail).await,
        Run::Match => matching::matches(call, trail).await,
        Run::CrossReference => pix::cross_reference(call, trail).await,
        Run::WhoCanSee => access::who_can_see(call, trail).await,
        Run::Explain => access::explain(call, trail).await,
        Run::Preview => access::preview(call, trail).await,
        Run::EmergencyAccess => emergency::begin(call, trail).await,
        Run::EmergencyEnd => emergency::end(call, trail).await,
        Run::EmergencyReviews => emergency::reviews(call, trail).await,
        Run::Summary => summary::summary(call, trail).await,
        Run::Expand | Run::LookUp | Run::Subsumes | Run::Translate | Run::ValidateCode => {
            terminology::answered(call, operation.run, trail).await
        }
        Run::Everything => {
            call.parameters.only(&EVERYTHING)?;
            let pairs = call.parameters.pairs()?;
            let pairs: Vec<String> = pairs.iter().map(|(name, value)| lastn::pair(name, value)).collect();
            let Level::Instance(_, id) = call.level else { return Ok(Answer::not_found()) };
            Ok(everything::answer(gateway, caller, id.as_str(), &pairs.join("&"), trail).await?)
        }
        Run::Register => registration::register(call, trail).await,
        Run::RegistrationForm => registration::form(call, trail).await,
        Run::RegistrationReport => registration::report::report(call, trail).await,
        Run::Revoke => registration::revoke(call, trail).await,
        Run::Convert | Run::Export | Run::Import | Run::ImportDirectory | Run::RegisterBatch => {
            Err(Fault::Broken("an operation that answers by itself".into()).into())
        }
    }
}

impl Level {
    fn resource_type(&self) -> Option<ResourceType> {
        match self {
            Level::System => None,
            Level::Type(resource_type) | Level::Instance(resource_type, _) => Some(*resource_type),
        }
    }
}

impl On {
    /// Whether it is an operation of this type.
    pub(super) fn includes(self, resource_type: ResourceType) -> bool {
        match self {
            On::Any => true,
            On::Only(name) => name == resource_type.name(),
        }
    }
}

/// What a call showed: how many resources of which record, and the consents that allowed it.
struct Seen(Vec<(PatientKey, Vec<ConsentVersion>, usize)>);

impl Seen {
    /// Of how many resources were shown of each record. Blocks on storage.
    fn of(
        gateway: &Gateway,
        caller: &Caller,
        counts: impl IntoIterator<Item = (PatientKey, usize)>,
    ) -> Result<Self, Fault> {
        let now = gateway.now();
        let one = |(record, count): (PatientKey, usize)| {
            let chart = gateway.chart(record)?;
            let policy = chart.policy(caller);
            Ok((record, chart.gate(caller, &policy, now).opened_by(), count))
        };
        counts.into_iter().map(one).collect::<Result<_, _>>().map(Seen)
    }

    /// For the audit record.
    fn tell(self, trail: &mut Trail) {
        self.0.iter().for_each(|(record, by, count)| trail.saw_by_any(*record, by, *count));
    }
}

/// The record of the patient that a caller names by id or reference; `None` where it is no Patient here, or one whom a care
/// agency's panel does not have: that one is not even looked at. Blocks on storage.
fn record_of(gateway: &Gateway, caller: &Caller, named: &str) -> Result<Option<PatientKey>, Fault> {
    let named = reference::below(gateway.base_url(), named).unwrap_or(named);
    let id = named.strip_prefix("Patient/").unwrap_or(named);
    let Some(record) = ResourceId::parse(id).map(|id| PatientKey::of_id(id.as_str())) else { return Ok(None) };
    if caller.role == Role::Care && gateway.nameable(caller)?.binary_search(&record).is_err() {
        return Ok(None);
    }
    Ok(Some(record))
}

/// What an operation returns when it has one output `return` that is no resource: a Parameters with it (operations.html,
/// response). `value` names the form, `valueMeta`.
fn returned(value: &str, json: Permitted<String>) -> Answer {
    Answer::ok(json.map(|json| {
        format!(r#"{{"resourceType":"Parameters","parameter":[{{"name":"return","{value}":{json}}}]}}"#).into_bytes()
    }))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_calls_an_operation_by_its_last_part() {
        assert_eq!(named(&["fhir", "$convert"]), Some(("convert", &[][..])));
        assert_eq!(named(&["fhir", "Patient", "%24meta"]), Some(("meta", &["Patient"][..])));
        assert_eq!(named(&["fhir", "Patient", "1", "$meta"]), Some(("meta", &["Patient", "1"][..])));
        for path in [&["fhir"][..], &["$meta"], &["fhir", "Patient"], &["fhir", "Patient", "1", "x", "$meta"]] {
            assert_eq!(named(path), None);
        }
    }

    #[test]
    fn an_operation_is_found_at_its_levels_and_of_its_types() {
        let found = |name, before: &[&str]| meant(name, before).map(|operation| operation.name).ok();
        assert_eq!(found("meta", &[]), Some("meta"));
        assert_eq!(found("meta", &["Patient"]), Some("meta"));
        assert_eq!(found("meta-add", &["Patient", "1"]), Some("meta-add"));
        for (name, before) in [
            ("meta-add", &["Patient"][..]),
            ("validate", &[]),
            ("lastn", &["Patient"]),
            ("lastn", &["Observation", "1"]),
            ("meta", &["Nonsense"]),
            ("nonsense", &["Patient"]),
        ] {
            assert_eq!(found(name, before), None, "{name} {before:?}");
        }
    }
}
