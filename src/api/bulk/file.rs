//! A file of an export as NDJSON (Bulk Data Access IG 2.0, "Bulk Data Output File Request"). Nothing is kept for it: its
//! lines are made while it is fetched, of what the caller may see at that instant, and recorded before they leave.

use std::sync::Arc;

use actix_web::{HttpRequest, web};

use super::NDJSON;
use super::walk::{File, Walk};
use crate::api::answer::Answer;
use crate::api::caller::caller;
use crate::api::routes::blocking;
use crate::api::streamed::{Parts, Streamed};
use crate::api::trail::Trail;
use crate::app::Gateway;
use crate::audit::What;
use crate::chart::Chart;
use crate::consent::{Action, Caller, ConsentVersion, Permitted};
use crate::fault::Fault;
use crate::fhir::PatientKey;

/// A part leaves when it is this long; one line can be longer.
const PART_BYTES: usize = 256 << 10;
/// A part leaves after this many records, however little there is.
const PART_RECORDS: usize = 200;

/// `GET [base]/$export-file/[export]/[name].ndjson`
pub(in crate::api) async fn file(
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    export: &str,
    name: &str,
) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Export);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            answer(&gateway, caller, export, name, &mut trail).await.unwrap_or_else(|fault| trail.fail(fault))
        }
    };
    trail.close(&gateway, answer).await
}

async fn answer(
    gateway: &web::Data<Gateway>,
    caller: Arc<Caller>,
    export: &str,
    name: &str,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let file = name.strip_suffix(".ndjson").and_then(File::parse);
    let export = gateway.exports().find(export, &caller, gateway.now());
    let (Some(file), Some(export)) = (file, export) else { return Ok(Answer::not_found()) };
    if let File::Of(resource_type) = file {
        trail.kind(resource_type);
        if let Err(denied) = caller.may(Action::Search, resource_type) {
            return Ok(trail.refuse(denied));
        }
    }
    let walk = Walk::new(gateway.clone(), caller, export.clone())?;
    if !walk.has(file) {
        return Ok(Answer::not_found());
    }
    let reader = gateway.clone();
    let records = blocking(move || reader.exports().records(&export)).await?;
    let lines = Lines { walk, file, records: records.into_iter(), opened: None, trail: trail.part() };
    Ok(Answer::streamed(Streamed::of(lines), NDJSON))
}

/// The lines of a file that have not left yet.
struct Lines {
    walk: Walk,
    file: File,
    records: std::vec::IntoIter<PatientKey>,
    opened: Option<Opened>,
    /// What every part is recorded with.
    trail: Trail,
}

/// A record of which some lines have left.
struct Opened {
    record: PatientKey,
    chart: Arc<Chart>,
    rows: std::iter::Peekable<std::vec::IntoIter<usize>>,
}

impl Parts for Lines {
    fn next(&mut self) -> Result<Option<Permitted<Vec<u8>>>, Fault> {
        let gateway = self.walk.gateway.clone();
        let now = gateway.now();
        if !gateway.exports().may_be_fetched(&self.walk.export, now) {
            return Err(Fault::Conflict);
        }
        let (mut part, mut trail) = (Part::default(), self.trail.part());
        for _ in 0..PART_RECORDS {
            let more = match self.file {
                File::Of(_) => self.record(&mut part, &mut trail)?,
                File::Deleted => self.deleted(&mut part, &mut trail)?,
            };
            if !more && part.lines.is_empty() {
                return Ok(None);
            }
            if !more || part.bytes >= PART_BYTES {
                break;
            }
        }
        if !part.lines.is_empty() {
            trail.record(&gateway, now)?;
        }
        Ok(Some(Permitted::gather(part.lines, |lines| lines.concat())))
    }
}

/// What is gathered for a part.
#[derive(Default)]
struct Part {
    lines: Vec<Permitted<Vec<u8>>>,
    bytes: usize,
}

impl Part {
    fn push(&mut self, line: Permitted<Vec<u8>>) {
        let line = line.map(|mut line| {
            // A line break between tokens is white space as good as any (RFC 8259); in a string there is none.
            line.iter_mut().filter(|byte| matches!(**byte, b'\n' | b'\r')).for_each(|byte| *byte = b' ');
            line.push(b'\n');
            line
        });
        self.bytes += line.peek().len();
        self.lines.push(line);
    }
}

impl Lines {
    /// Adds lines of the next record, or more of the one that is begun, until the part is long enough; whether there was
    /// any record.
    fn record(&mut self, part: &mut Part, trail: &mut Trail) -> Result<bool, Fault> {
        let File::Of(resource_type) = self.file else { return Ok(false) };
        if self.opened.is_none() {
            let Some(record) = self.records.next() else { return Ok(false) };
            let Some(chart) = self.walk.open(record)? else { return Ok(true) };
            let rows = self.walk.judged(record, &chart, |judge| self.walk.rows(judge, resource_type))?;
            let rows = rows.unwrap_or_default().into_iter().peekable();
            self.opened = Some(Opened { record, chart, rows });
        }
        let Some(mut opened) = self.opened.take() else { return Ok(false) };
        let before = part.lines.len();
        let by = self.walk.judged(opened.record, &opened.chart, |judge| {
            let mut by: Vec<ConsentVersion> = Vec::new();
            while part.bytes < PART_BYTES {
                let Some(row) = opened.rows.next() else { break };
                if let Some(permit) = judge.permit(row) {
                    by.extend(judge.opened_by(row).filter(|one| !by.contains(one)).cloned());
                    part.push(permit.release(opened.chart.body(row)?));
                }
            }
            Ok(by)
        })?;
        if part.lines.len() > before {
            trail.saw_by_any(opened.record, by.as_deref().unwrap_or_default(), part.lines.len() - before);
        }
        // A record that is closed by now has no more lines.
        if by.is_some() && opened.rows.peek().is_some() {
            self.opened = Some(opened);
        }
        Ok(true)
    }

    /// Adds a line of what was deleted of the next record; whether there was any record.
    fn deleted(&mut self, part: &mut Part, trail: &mut Trail) -> Result<bool, Fault> {
        let Some(record) = self.records.next() else { return Ok(false) };
        let (names, by) = self.walk.deleted(record)?;
        if !names.is_empty() {
            trail.saw_by_any(record, &by, names.len());
            part.push(Permitted::gather(names, bundle));
        }
        Ok(true)
    }
}

/// A Bundle by which a client deletes what was deleted here.
fn bundle(names: Vec<Vec<u8>>) -> Vec<u8> {
    let entry = |name: Vec<u8>| {
        let mut json = br#"{"request":{"method":"DELETE","url":""#.to_vec();
        json.extend(name);
        json.extend_from_slice(br#""}}"#);
        json
    };
    let entries: Vec<Vec<u8>> = names.into_iter().map(entry).collect();
    let mut json = br#"{"resourceType":"Bundle","type":"transaction","entry":["#.to_vec();
    json.extend(entries.join(&b','));
    json.extend_from_slice(b"]}");
    json
}
