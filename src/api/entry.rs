//! `POST /fhir`: batches and transactions (http.html#transaction). Here the entries' outcomes become the answer; what a
//! transaction does is in `write/transaction.rs`.

use std::collections::HashSet;
use std::sync::Arc;

use actix_web::{HttpRequest, web};

use super::answer::Answer;
use super::beat;
use super::body;
use super::caller::caller;
use super::operation::OfEntry;
use super::prefer::{Content, Handling, Prefer, prefer};
use super::routes::{blocking, printable};
use super::trail::Trail;
use super::write::bundle::{Bundle, Read, Wish, at_entry};
use super::write::transaction::{self, Done};
use super::write::{Asking, Stop, Target, Told, rules, single};
use super::{history, metadata, operation, read, search};
use crate::app::Gateway;
use crate::audit::What;
use crate::consent::{Caller, Permitted};
use crate::fault::{Fault, Status};
use crate::fhir::outcome::Language;
use crate::fhir::{ResourceId, ResourceType, Writer, time};

/// One entry of the answer.
struct Outcome {
    status: Status,
    location: Option<String>,
    version: Option<(u32, i64)>,
    resource: Option<Permitted<Vec<u8>>>,
    /// An OperationOutcome about it.
    outcome: Option<Permitted<Vec<u8>>>,
}

/// What every entry of a Bundle is done with.
struct Doing<'a> {
    gateway: &'a web::Data<Gateway>,
    request: &'a HttpRequest,
    caller: Arc<Caller>,
    prefer: Prefer,
}

pub(super) async fn process(request: HttpRequest, gateway: web::Data<Gateway>, payload: web::Payload) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Transaction);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            let doing = Doing { gateway: &gateway, request: &request, caller, prefer: prefer(&request) };
            match body::json(&request, payload).await {
                Err(answer) => answer,
                Ok(body) => doing.body(body, &mut trail).await,
            }
        }
    };
    trail.close(&gateway, answer).await
}

impl Doing<'_> {
    async fn body(&self, body: web::Bytes, trail: &mut Trail) -> Answer {
        let Ok(text) = String::from_utf8(body.to_vec()) else {
            return Answer::refuse(Status::BadRequest, &rules::NOT_JSON, "UTF-8");
        };
        let text = Arc::new(text);
        let (writer, caller, sent) = (self.gateway.clone(), self.caller.clone(), text.clone());
        // What is done with the whole of it may block, so it is read there too.
        let done = blocking(move || {
            Ok(Bundle::read(&sent).and_then(|bundle| match &*bundle.kind {
                "transaction" => transaction::run(&writer, &caller, &bundle).map(Some),
                _ => Ok(None),
            }))
        });
        let done = done.await;
        // What is not found in it is not told by its time either; what was written is no secret.
        let is_written = |done: &Done| matches!(done, Done::Written(_));
        if !matches!(&done, Ok(Ok(None))) && !matches!(&done, Ok(Ok(Some((done, _)))) if done.iter().all(is_written)) {
            beat::on_the_beat(self.request);
        }
        match done {
            Err(fault) => trail.fail(fault),
            Ok(Err(Stop::Denied(denied))) => trail.refuse(denied),
            Ok(Err(Stop::Failed(fault))) => trail.fail(fault),
            Ok(Err(refused)) => Answer::from(refused),
            Ok(Ok(None)) => self.batch(&text, trail).await,
            Ok(Ok(Some((done, records)))) => {
                let written = done.iter().filter(|done| matches!(done, Done::Written(_))).count();
                trail.wrote(records.into_iter().filter(|record| !record.is_directory()), written);
                self.transaction(done).await
            }
        }
    }

    async fn transaction(&self, done: Vec<Done>) -> Answer {
        let mut outcomes = Vec::with_capacity(done.len());
        for (at, one) in done.into_iter().enumerate() {
            let outcome = match one {
                Done::Written(told) => self.written(told),
                Done::Read(read) => self.read(read).await,
            };
            // A read that fails does not undo what is written; it is said in its entry.
            if matches!(outcome.status, Status::Broken | Status::Busy) {
                tracing::warn!(entry = at, "a read of a transaction failed after its writes");
            }
            outcomes.push(outcome);
        }
        answer("transaction-response", outcomes)
    }

    async fn batch(&self, text: &str, trail: &mut Trail) -> Answer {
        let bundle = match Bundle::read(text) {
            Ok(bundle) => bundle,
            Err(stop) => return Answer::from(stop),
        };
        let urls: HashSet<&str> = bundle
            .entry
            .iter()
            .filter_map(|entry| entry.full_url.as_deref())
            .filter(|url| url.starts_with("urn:"))
            .collect();
        let (mut known, mut written) = (Known::default(), 0);
        let mut outcomes = Vec::with_capacity(bundle.entry.len());
        for (at, entry) in bundle.entry.iter().enumerate() {
            let depends = entry.resource.is_some_and(|resource| refers_to(resource.get(), &urls));
            let wish = entry.wish(self.gateway.base_url()).and_then(|wish| match depends {
                true => Err(Stop::because(Status::BadRequest, &rules::DEPENDS, "")),
                false => known.is_first(entry.full_url.as_deref(), &wish).map(|()| wish),
            });
            let outcome = match wish {
                Err(stop) => refused(stop, at),
                Ok(Wish::Read(read)) => self.read(read).await,
                Ok(Wish::Write(asking)) => {
                    let outcome = self.write(*asking, at, trail).await;
                    written += usize::from(matches!(outcome.status, Status::Ok | Status::Created | Status::NoContent));
                    outcome
                }
            };
            outcomes.push(outcome);
        }
        trail.wrote([], written);
        if written < outcomes.len() {
            beat::on_the_beat(self.request);
        }
        answer("batch-response", outcomes)
    }

    /// A write, recorded as one of its own.
    async fn write(&self, asking: Asking, at: usize, trail: &mut Trail) -> Outcome {
        let mut entry = trail.entry(single::what(asking.action), asking.resource_type);
        if let Target::Instance(id) = &asking.target {
            entry.about(asking.resource_type, id);
        }
        let (gateway, caller) = (self.gateway.clone(), self.caller.clone());
        let done = blocking(move || Ok(single::perform(&gateway, &caller, &asking))).await;
        let outcome = match done.unwrap_or_else(|fault| Err(fault.into())) {
            Ok((told, record)) => {
                single::seen(&mut entry, &told, record);
                self.written(told)
            }
            Err(Stop::Denied(denied)) => Outcome::of(entry.refuse(denied)),
            Err(Stop::Failed(fault)) => Outcome::of(entry.fail(fault)),
            Err(stop) => refused(stop, at),
        };
        trail.with_entry(entry, outcome.status);
        outcome
    }

    /// What is said of a write: its resource only where that is preferred, because a Bundle may be large.
    fn written(&self, told: Told) -> Outcome {
        let location = told.location().filter(|_| told.status != Status::NoContent);
        let (status, version) = (told.status, told.version);
        let (resource, outcome) = match self.prefer.content {
            Some(Content::Representation) => (told.body, None),
            Some(Content::OperationOutcome) => (None, told.outcome().into_json(Language::Unsaid)),
            Some(Content::Minimal) | None => (None, None),
        };
        Outcome { status, location, version, resource, outcome }
    }

    /// A read, recorded as one of its own.
    async fn read(&self, wish: Read) -> Outcome {
        let (path, query) = wish.url.split_once('?').unwrap_or((&wish.url, ""));
        let path: Vec<&str> = path.trim_end_matches('/').split('/').collect();
        if let Some((name, before)) =
            path.split_last().and_then(|(last, before)| Some((last.strip_prefix('$')?, before)))
            && before.len() <= 2
        {
            let entry = OfEntry { name, before, query, body: wish.sent.as_deref() };
            return Outcome::of(operation::of_entry(self.request, self.gateway, &self.caller, entry).await);
        }
        let what = match path.as_slice() {
            [_] => What::Search,
            [_, _] => What::Read,
            [_, _, "_history", _] => What::VersionRead,
            _ => What::History,
        };
        let mut trail = Trail::begin(self.gateway, self.request, what);
        trail.caller(&self.caller);
        trail.asked(query);
        // As with the headers, the instant counts only where no version is named (RFC 9110 section 13.2.2).
        let has_it = |version, modified: i64| match (&wish.if_none_match, wish.if_modified_since) {
            (Some(versions), _) => versions.hold(version),
            (None, Some(since)) => modified <= since,
            (None, None) => false,
        };
        let (gateway, caller) = (self.gateway, &*self.caller);
        let lenient = self.prefer.handling == Some(Handling::Lenient);
        let done = match path.as_slice() {
            [type_name, id] if !id.starts_with(['_', '$']) => {
                read::answer(gateway, caller, (type_name, id), query, &has_it, &mut trail).await
            }
            [type_name, id, "_history", version] => {
                history::version(gateway, caller, (type_name, id, version), query, &mut trail).await
            }
            ["_history"] => history::answer(gateway, caller, history::Of::System, query, &mut trail).await,
            [type_name, "_history"] => {
                history::answer(gateway, caller, history::Of::Type(type_name), query, &mut trail).await
            }
            [type_name, id, "_history"] => {
                history::answer(gateway, caller, history::Of::Instance(type_name, id), query, &mut trail).await
            }
            ["metadata"] => metadata::in_entry(gateway).await,
            [] | [""] => search::answer(gateway, caller, search::Path::System, (query, lenient), &mut trail).await,
            [type_name] => {
                search::answer(gateway, caller, search::Path::Type(type_name), (query, lenient), &mut trail).await
            }
            [of, id, type_name] => {
                let path = search::Path::Compartment(of, id, type_name);
                search::answer(gateway, caller, path, (query, lenient), &mut trail).await
            }
            _ => Ok(Answer::refuse(Status::BadRequest, &rules::URL, &printable(&wish.url))),
        };
        let answer = done.unwrap_or_else(|fault: Fault| trail.fail(fault));
        let outcome = Outcome::of(trail.close(self.gateway, answer).await);
        // HEAD is GET without its body; why there is none is still said.
        if wish.is_head { Outcome { resource: None, ..outcome } } else { outcome }
    }
}

impl Outcome {
    fn of(answer: Answer) -> Self {
        let (status, version) = (answer.status(), answer.version.zip(answer.modified));
        // One that an operation returns is its result.
        let is_outcome = answer.is_outcome() && status != Status::Ok;
        let body = answer.into_json(Language::Unsaid);
        let (resource, outcome) = if is_outcome { (None, body) } else { (body, None) };
        Outcome { status, location: None, version, resource, outcome }
    }
}

/// What the entries of a batch have named so far. What another names again would depend on which is done first
/// (http.html#brules), so it is refused.
#[derive(Default)]
struct Known {
    urls: HashSet<String>,
    written: HashSet<(ResourceType, ResourceId)>,
}

impl Known {
    fn is_first(&mut self, full_url: Option<&str>, wish: &Wish) -> Result<(), Stop> {
        let Wish::Write(asking) = wish else { return Ok(()) };
        if full_url.is_some_and(|url| !self.urls.insert(url.to_owned())) {
            return Err(Stop::because(Status::BadRequest, &rules::FULL_URL_TWICE, ""));
        }
        match &asking.target {
            Target::Instance(id) if !self.written.insert((asking.resource_type, id.clone())) => {
                Err(Stop::because(Status::BadRequest, &rules::WRITTEN_TWICE, ""))
            }
            _ => Ok(()),
        }
    }
}

/// What an entry of the Bundle is told that is not done.
fn refused(stop: Stop, at: usize) -> Outcome {
    Outcome::of(Answer::from(at_entry(stop, at)))
}

/// Whether a resource refers to the fullUrl of another entry.
fn refers_to(resource: &str, urls: &HashSet<&str>) -> bool {
    if urls.is_empty() || !resource.contains("urn:") {
        return false;
    }
    let value: serde_json::Value = serde_json::from_str(resource).unwrap_or_default();
    let mut found = false;
    transaction::each_string(&value, "", &mut |name, text| found |= name == "reference" && urls.contains(text));
    found
}

/// The Bundle of the entries' outcomes.
fn answer(kind: &str, outcomes: Vec<Outcome>) -> Answer {
    let mut parts = Vec::with_capacity(outcomes.len());
    for outcome in outcomes {
        let mut w = Writer::new();
        w.string("status", outcome.status.line());
        if let Some(location) = &outcome.location {
            w.string("location", location);
        }
        if let Some((version, modified)) = outcome.version {
            w.string("etag", &format!("W/\"{version}\""));
            w.string("lastModified", &time::instant(modified, 540));
        }
        let response = w.finish();
        let has = (outcome.resource.is_some(), outcome.outcome.is_some());
        let bodies: Vec<_> = outcome.resource.into_iter().chain(outcome.outcome).collect();
        parts.push(Permitted::gather(bodies, |bodies| {
            let mut bodies = bodies.into_iter();
            let mut json = b"{".to_vec();
            if let Some(resource) = has.0.then(|| bodies.next()).flatten() {
                json.extend_from_slice(br#""resource":"#);
                json.extend_from_slice(&resource);
                json.push(b',');
            }
            json.extend_from_slice(br#""response":{"#);
            json.extend_from_slice(response.as_bytes());
            if let Some(outcome) = has.1.then(|| bodies.next()).flatten() {
                json.extend_from_slice(br#","outcome":"#);
                json.extend_from_slice(&outcome);
            }
            json.extend_from_slice(b"}}");
            json
        }));
    }
    let kind = kind.to_owned();
    Answer::ok(Permitted::gather(parts, |parts| {
        let length: usize = parts.iter().map(|part| part.len() + 1).sum();
        let mut json = Vec::with_capacity(length + 64);
        json.extend_from_slice(format!(r#"{{"resourceType":"Bundle","type":"{kind}""#).as_bytes());
        for (at, part) in parts.iter().enumerate() {
            json.extend_from_slice(if at == 0 { br#","entry":["# } else { b"," });
            json.extend_from_slice(part);
        }
        json.extend_from_slice(if parts.is_empty() { b"}" } else { b"]}" });
        json
    }))
}
