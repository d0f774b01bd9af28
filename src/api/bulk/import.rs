//! `POST [base]/$import`: NDJSON, one resource a line, stored as if each had been put under its id (http.html#update), or
//! created where it states none. The way back of an export, for whoever runs a gateway that is open (`docs/adr/0023`).
//!
//! The body is read line by line and stored batch by batch: memory is bounded by a batch however long the body is. What
//! cannot be stored is reported with its line, and hinders no other.

use std::collections::HashSet;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use actix_web::body::{BodyStream, MessageBody};
use actix_web::http::header;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use uuid::Uuid;

use super::report::Report;
use super::rules;
use crate::api::answer::Answer;
use crate::api::asked::Asked;
use crate::api::caller::caller;
use crate::api::routes::blocking;
use crate::api::trail::Trail;
use crate::api::write::prepare::{Body, Stop};
use crate::api::write::single::{defined, refusal};
use crate::app::Gateway;
use crate::audit::What;
use crate::consent::{Action, Caller, Role};
use crate::fault::{Denied, Fault, Issue, Place, Status};
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::pipeline::{Expected, Statement, assign, home};
use crate::search::parameters;

/// Lines of a batch.
const BATCH_LINES: usize = 500;
/// Bytes of a batch; one line can be longer.
const BATCH_BYTES: usize = 4 << 20;
/// The media types of the body.
const NDJSON: [&str; 3] = [super::NDJSON, "application/ndjson", "application/x-ndjson"];

pub(in crate::api) async fn import(request: HttpRequest, gateway: web::Data<Gateway>, sent: web::Payload) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Import);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            match caller.role {
                Role::Open if is_ndjson(&request) => take(&gateway, &request, caller, sent, &mut trail).await,
                Role::Open => Answer::refuse(Status::UnsupportedMediaType, &rules::NOT_NDJSON, ""),
                Role::Care | Role::Source | Role::Office => trail.refuse(Denied::Role),
            }
        }
    };
    trail.close(&gateway, answer).await
}

/// Whether the body says that it is NDJSON, as it is.
fn is_ndjson(request: &HttpRequest) -> bool {
    let said = |name| request.headers().get(name).and_then(|value| value.to_str().ok());
    let kind = said(header::CONTENT_TYPE).unwrap_or_default().split(';').next().unwrap_or_default().trim().to_owned();
    NDJSON.iter().any(|known| kind.eq_ignore_ascii_case(known))
        && said(header::CONTENT_ENCODING).is_none_or(|coding| coding.eq_ignore_ascii_case("identity"))
}

async fn take(
    gateway: &web::Data<Gateway>,
    request: &HttpRequest,
    caller: Arc<Caller>,
    sent: web::Payload,
    trail: &mut Trail,
) -> Answer {
    let limits = gateway.limits();
    let mut lines = Lines::new(usize::try_from(limits.body_bytes_max).unwrap_or(usize::MAX));
    let wait = Duration::from_secs(limits.body_seconds_max);
    let (mut body, mut report, mut batch) = (pin!(BodyStream::new(sent)), Report::default(), Batch::default());
    let broken = loop {
        let chunk = std::future::poll_fn(|context| body.as_mut().poll_next(context));
        let (found, is_last) = match tokio::time::timeout(wait, chunk).await {
            Err(_) => break Some((Status::TooSlow, &crate::api::rules::TOO_SLOW, limits.body_seconds_max)),
            Ok(Some(Err(_))) => break Some((Status::BadRequest, &crate::api::rules::BROKE_OFF, 0)),
            Ok(Some(Ok(bytes))) => (lines.push(&bytes), false),
            Ok(None) => (lines.finish().into_iter().collect(), true),
        };
        for (number, line) in found {
            match line {
                Some(line) => batch.push(number, line),
                None => report.too_long(number, lines.bytes_max),
            }
            if batch.is_full() {
                store(gateway, &caller, &mut batch, &mut report, trail).await;
            }
        }
        if is_last || report.failed.is_some() {
            break None;
        }
    };
    if report.failed.is_none() && broken.is_none() {
        store(gateway, &caller, &mut batch, &mut report, trail).await;
    }
    if let Some((line, fault)) = report.failed.take() {
        let status = Status::from(&fault);
        let _ = trail.fail(fault);
        return Answer::refuse(status, &rules::STOPPED, &line.to_string());
    }
    if let Some((status, rule, detail)) = broken {
        let next = batch.lines.first().map_or(lines.number, |(number, _)| *number);
        let stopped = Issue::with(&rules::STOPPED, Place::Whole, next.to_string());
        return Answer::outcome(status, &[Issue::with(rule, Place::Whole, detail.to_string()), stopped]);
    }
    report.answer(&caller, lines.number, Asked::of(request).language).unwrap_or_else(|denied| trail.refuse(denied))
}

/// Lines that are stored together.
#[derive(Default)]
struct Batch {
    lines: Vec<(u64, Vec<u8>)>,
    bytes: usize,
}

impl Batch {
    fn push(&mut self, number: u64, line: Vec<u8>) {
        self.bytes += line.len();
        self.lines.push((number, line));
    }

    fn is_full(&self) -> bool {
        self.lines.len() >= BATCH_LINES || self.bytes >= BATCH_BYTES
    }
}

/// Stores a batch and takes note of what became of it.
async fn store(
    gateway: &web::Data<Gateway>,
    caller: &Arc<Caller>,
    batch: &mut Batch,
    report: &mut Report,
    trail: &Trail,
) {
    let Batch { lines, .. } = std::mem::take(batch);
    let Some((first, _)) = lines.first() else { return };
    let first = *first;
    if report.failed.is_some() {
        return;
    }
    let (writer, caller, mut part) = (gateway.clone(), caller.clone(), trail.part());
    let stored = blocking(move || {
        let mut report = Report::default();
        let mut records = Vec::new();
        let done = store_lines(&writer, &caller, &lines, &mut report, &mut records);
        records.sort_unstable();
        records.dedup();
        part.wrote(records, report.written());
        // Also what was written before a failure is recorded.
        part.record(&writer, writer.now())?;
        if let Err((line, fault)) = done {
            report.failed = Some((line, fault));
        }
        Ok(report)
    });
    match stored.await {
        Ok(stored) => report.add(stored),
        Err(fault) => report.failed = Some((first, fault)),
    }
}

/// The same on a thread that may block. A failure names the first line that was not stored.
fn store_lines(
    gateway: &Gateway,
    caller: &Caller,
    lines: &[(u64, Vec<u8>)],
    report: &mut Report,
    records: &mut Vec<PatientKey>,
) -> Result<(), (u64, Fault)> {
    let mut waiting: Vec<(u64, Statement)> = Vec::new();
    let mut named = HashSet::new();
    for (number, line) in lines {
        let statement = match statement(gateway, caller, line) {
            Ok(statement) => statement,
            Err(Stop::Failed(fault)) => return Err((*number, fault)),
            Err(stop) => {
                report.refuse(*number, stop);
                continue;
            }
        };
        // One commit makes one version of a resource.
        if !named.insert((statement.resource_type, statement.id.clone())) {
            commit(gateway, &mut waiting, report, records)?;
            named.clear();
            named.insert((statement.resource_type, statement.id.clone()));
        }
        waiting.push((*number, statement));
    }
    commit(gateway, &mut waiting, report, records)
}

fn commit(
    gateway: &Gateway,
    waiting: &mut Vec<(u64, Statement)>,
    report: &mut Report,
    records: &mut Vec<PatientKey>,
) -> Result<(), (u64, Fault)> {
    let (mut numbers, mut statements): (Vec<u64>, Vec<Statement>) = waiting.drain(..).unzip();
    while let Some(first) = numbers.first() {
        if let Some((at, stop)) = defined(gateway, &statements).map_err(|fault| (*first, fault))? {
            statements.remove(at);
            report.refuse(numbers.remove(at), stop);
            continue;
        }
        match gateway.write(|pipeline| pipeline.state(&statements)).map_err(|fault| (*first, fault))? {
            Ok(stated) => {
                for one in stated {
                    records.extend(one.record.filter(|record| !record.is_directory()));
                    report.store(&one);
                }
                return Ok(());
            }
            // The others stand.
            Err(refused) => {
                let (stop, at) = refusal(&statements, refused);
                if at >= numbers.len() {
                    return Err((*first, Fault::Broken("a statement was refused that is none".into())));
                }
                statements.remove(at);
                report.refuse(numbers.remove(at), stop);
            }
        }
    }
    Ok(())
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Said<'a> {
    #[serde(borrow)]
    resource_type: std::borrow::Cow<'a, str>,
}

/// What a line states.
fn statement(gateway: &Gateway, caller: &Caller, line: &[u8]) -> Result<Statement, Stop> {
    let no_resource = || Stop::because(Status::BadRequest, &rules::NOT_A_RESOURCE, "");
    let text = std::str::from_utf8(line).map_err(|_| no_resource())?;
    let said: Said<'_> = serde_json::from_str(text).map_err(|_| no_resource())?;
    let resource_type = ResourceType::parse(&said.resource_type)
        .filter(|resource_type| parameters::is_served(*resource_type))
        .ok_or_else(no_resource)?;
    if caller.may(Action::Update, resource_type).is_err() {
        return Err(Stop::because(Status::Forbidden, &crate::api::rules::ROLE, ""));
    }
    let body = Body::read(text, resource_type)?.held_to_profiles(gateway)?;
    let (id, record) = match body.id() {
        Some(id) => (ResourceId::parse(id).ok_or_else(no_resource)?, None),
        None => {
            let home = home(resource_type, None, &body.value, |_| None);
            let (id, record) = assign(resource_type, home, Uuid::new_v4());
            (id, Some(record))
        }
    };
    let content = body.content(resource_type, &id)?;
    Ok(Statement { resource_type, id, record, content, expected: Expected::Anything, only_directory: false })
}

/// Cuts what arrives into lines, of which none is longer than a limit.
#[derive(Debug)]
struct Lines {
    bytes_max: usize,
    begun: Vec<u8>,
    /// What is begun is too long already and is passed over.
    is_over: bool,
    /// The number of the line that is begun, from 1.
    number: u64,
}

/// A line with its number; `None` for one that is too long. Empty ones are left out.
type Line = (u64, Option<Vec<u8>>);

impl Lines {
    fn new(bytes_max: usize) -> Self {
        Lines { bytes_max, begun: Vec::new(), is_over: false, number: 1 }
    }

    /// The lines that end in these bytes.
    fn push(&mut self, bytes: &[u8]) -> Vec<Line> {
        let mut found = Vec::new();
        let mut pieces = bytes.split(|byte| *byte == b'\n').peekable();
        while let Some(piece) = pieces.next() {
            self.is_over |= self.begun.len() + piece.len() > self.bytes_max;
            if self.is_over {
                self.begun = Vec::new();
            } else {
                self.begun.extend_from_slice(piece);
            }
            if pieces.peek().is_some() {
                found.extend(self.end());
                self.number += 1;
            }
        }
        found
    }

    /// The last line, where no line feed ends it. `number` is that of the last line then.
    fn finish(&mut self) -> Option<Line> {
        let is_begun = self.is_over || !self.begun.is_empty();
        let last = self.end();
        if !is_begun {
            self.number -= 1;
        }
        last
    }

    fn end(&mut self) -> Option<Line> {
        let line = std::mem::take(&mut self.begun);
        if std::mem::take(&mut self.is_over) {
            return Some((self.number, None));
        }
        (!line.trim_ascii().is_empty()).then_some((self.number, Some(line)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_cut_wherever_the_bytes_are() {
        let text = b"{\"a\":1}\r\n\n  \n123456789\n1234567890\nlast";
        let line = |number: u64, text: &str| (number, Some(text.as_bytes().to_vec()));
        let expected = [line(1, "{\"a\":1}\r"), line(4, "123456789"), (5, None), line(6, "last")];
        for step in 1..=text.len() {
            let mut lines = Lines::new(9);
            let mut found: Vec<Line> = text.chunks(step).flat_map(|chunk| lines.push(chunk)).collect();
            found.extend(lines.finish());
            assert_eq!((found.as_slice(), lines.number), (&expected[..], 6), "{step}");
        }
        for (text, count) in [("", 0), ("a", 1), ("a\n", 1), ("a\n\n", 2)] {
            let mut lines = Lines::new(9);
            let _ = lines.push(text.as_bytes());
            let _ = lines.finish();
            assert_eq!(lines.number, count, "{text:?}");
        }
    }
}
