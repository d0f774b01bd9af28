//! `Patient/[id]/$access-report`: who has seen what of a patient, when, what for and by which consent; for the network's office,
//! which tells the patient. Answers Parameters, or with `Accept: text/html` the page that a patient reads (安全管理ガイドライン 6.0, 17①).
//!
//! It is made of the audit record alone. Whether there is such a patient is not looked at: of one who is not there nobody has
//! seen anything.

mod page;

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Map, Value, json};

use super::{Call, Level, parameters};
use crate::api::answer::Answer;
use crate::api::routes::blocking;
use crate::api::rules as common;
use crate::api::trail::Trail;
use crate::api::write::Stop;
use crate::app::Gateway;
use crate::audit::{self, Event, Outcome, id_of, place_of};
use crate::consent::{Caller, Gate, Permitted, RowFacts};
use crate::fault::Fault;
use crate::fhir::time::{Interval, instant};
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::journal::{Found, SCANNED_MAX, Wanted};
use crate::search::Labels;

/// The parameters.
const KNOWN: [&str; 4] = ["start", "end", "_count", "_cursor"];
/// Accesses in one report when the caller names no number.
const COUNT_DEFAULT: usize = 500;
/// Accesses in one report at most.
const COUNT_MAX: usize = 2000;

/// One access, or the refusal of one.
#[derive(Debug)]
struct Access {
    id: String,
    event: Event,
}

/// What a report says.
#[derive(Debug)]
struct Report {
    patient: PatientKey,
    /// The first and the last day that were asked for, as they were written.
    asked: [Option<String>; 2],
    accesses: Vec<Access>,
    /// Names of the organisations, by reference.
    names: BTreeMap<String, String>,
    /// The id of the event before which there may be more.
    next: Option<String>,
    zone_minutes: i16,
    base_url: String,
}

/// What a report is made of: what may leave, piece by piece.
enum Piece {
    Access(Box<Access>),
    Name(String, String),
}

pub(super) async fn report(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&KNOWN)?;
    let Level::Instance(_, id) = &call.level else { return Ok(Answer::not_found()) };
    let Some(patient) = PatientKey::from_patient_id(id.as_str()) else { return Ok(Answer::not_found()) };
    let zone_minutes = call.gateway.zone_minutes();
    let wrong = |name: &str| parameters::refused(&common::VALUE, name);
    let asked = [call.parameters.text("start")?, call.parameters.text("end")?];
    let instant = |text: &Option<String>, name| {
        let read = |text: &String| Interval::parse(&text.replace(' ', "+"), zone_minutes).ok_or_else(|| wrong(name));
        text.as_ref().map(read).transpose()
    };
    let (start, end) = (instant(&asked[0], "start")?, instant(&asked[1], "end")?);
    let count = call.parameters.text("_count")?.map(|text| text.parse::<usize>().map_err(|_| wrong("_count")));
    let before = call.parameters.text("_cursor")?.map(|text| place_of(&text).ok_or_else(|| wrong("_cursor")));
    let wanted = Wanted {
        patient: Some(patient),
        from_ms: start.map_or(i64::MIN, |at| at.start),
        to_ms: end.map_or(i64::MAX, |at| at.end),
        before: before.transpose()?,
        holds: |_: &Event| true,
        limit: limited(count.transpose()?.unwrap_or(COUNT_DEFAULT)),
        scanned_max: SCANNED_MAX,
    };
    let (gateway, caller) = (call.gateway.clone(), call.caller.clone());
    let (pieces, next) = blocking(move || {
        let mut page = gateway.journal().find(&wanted)?;
        let own = consents_of(&gateway, patient)?;
        // One access may have been to several people: what opened the others is nothing that this one is told.
        page.found.iter_mut().for_each(|(_, event)| event.consents.retain(|consent| own.contains(&consent.id)));
        Ok((pieces(&gateway, &caller, page.found)?, page.next))
    })
    .await?;
    trail.saw(patient, None, pieces.len());
    let empty = Report {
        patient,
        asked,
        accesses: Vec::new(),
        names: BTreeMap::new(),
        next: next.and_then(|(chunk, index)| id_of(chunk, index)).map(|id| id.as_str().to_owned()),
        zone_minutes,
        base_url: call.gateway.base_url().to_owned(),
    };
    let report = Permitted::gather(pieces, |pieces| empty.of(pieces));
    Ok(match call.wants_page {
        true => page::answer(report.map(|report| page::html(&report))),
        false => Answer::ok(report.map(|report| report.parameters().to_string().into_bytes())),
    })
}

/// The ids of the Consents that are, or were, in a record. Blocks on storage.
fn consents_of(gateway: &Gateway, patient: PatientKey) -> Result<BTreeSet<Box<str>>, Fault> {
    let partition = gateway.pipeline().store().partition(patient)?;
    let facts = partition.records.iter().map(|record| &record.facts);
    let consents = facts.filter(|facts| facts.resource_type == ResourceType::CONSENT);
    Ok(consents.map(|facts| facts.id.as_str().into()).collect())
}

/// How many resources of the patient left; `None` where the access was to several people, whose are counted together.
fn count_of(event: &Event) -> Option<u32> {
    (event.patients.len() <= 1).then_some(event.count)
}

/// How many accesses one report tells of when so many are asked for.
fn limited(count: usize) -> usize {
    count.clamp(1, COUNT_MAX)
}

/// What the caller may be told of these events, with the names of the organisations. Blocks on storage.
fn pieces(gateway: &Gateway, caller: &Caller, found: Vec<Found>) -> Result<Vec<Permitted<Piece>>, Fault> {
    let gate = Gate::directory(caller).found();
    // Granular scopes are judged on facts that events do not have: one of them shows none.
    let row = RowFacts::plain(ResourceType::AUDIT_EVENT, &[], Labels::default());
    let mut organizations: Vec<String> = found.iter().filter_map(|(_, event)| organization(event)).collect();
    organizations.sort_unstable();
    organizations.dedup();
    let mut pieces = Vec::with_capacity(found.len() + organizations.len());
    for ((chunk, index), event) in found {
        let (Some(id), Some(permit)) = (id_of(chunk, index), gate.row(&row)) else { continue };
        pieces.push(permit.release(Piece::Access(Box::new(Access { id: id.as_str().to_owned(), event }))));
    }
    for reference in organizations {
        let id = reference.strip_prefix("Organization/").and_then(ResourceId::parse);
        let Some(chart) = id.as_ref().map(|id| gateway.place(ResourceType::ORGANIZATION, id)).transpose()?.flatten()
        else {
            continue;
        };
        let Some(row) = id.as_ref().and_then(|id| chart.row(ResourceType::ORGANIZATION, id)) else { continue };
        let Some(permit) = chart.permit(&gate, row) else { continue };
        let json: Value = serde_json::from_slice(&chart.body(row)?).unwrap_or_default();
        let name = json["name"].as_str().unwrap_or_default().to_owned();
        pieces.push(permit.release(Piece::Name(reference, name)));
    }
    Ok(pieces)
}

fn organization(event: &Event) -> Option<String> {
    let agent = event.agent.as_ref().filter(|agent| !agent.organization.is_empty())?;
    Some(agent.organization.clone())
}

impl Report {
    fn of(mut self, pieces: Vec<Piece>) -> Self {
        for piece in pieces {
            match piece {
                Piece::Access(access) => self.accesses.push(*access),
                Piece::Name(reference, name) => {
                    self.names.insert(reference, name);
                }
            }
        }
        self
    }

    /// The day of an event, where the gateway is.
    fn day(&self, event: &Event) -> String {
        instant(event.recorded_ms, self.zone_minutes).get(..10).unwrap_or_default().to_owned()
    }

    /// How many accesses each organisation had on each day, the newest day first, and how many resources it was shown.
    fn counts(&self) -> Vec<(String, Option<String>, usize, u64)> {
        let mut counts: BTreeMap<(String, Option<String>), (usize, u64)> = BTreeMap::new();
        for Access { event, .. } in &self.accesses {
            let count = counts.entry((self.day(event), organization(event))).or_default();
            count.0 += 1;
            count.1 += if event.outcome == Outcome::Done { count_of(event).map_or(0, u64::from) } else { 0 };
        }
        let mut counts: Vec<_> = counts.into_iter().map(|((day, of), (n, seen))| (day, of, n, seen)).collect();
        counts.sort_by(|a, b| b.0.cmp(&a.0).then_with(|| a.1.cmp(&b.1)));
        counts
    }

    /// Where the report goes on; `None` where nothing is left out.
    fn next_url(&self) -> Option<String> {
        let next = self.next.as_ref()?;
        let name = |nth: usize| if nth == 0 { "start" } else { "end" };
        let asked = self.asked.iter().enumerate();
        let asked = asked.filter_map(|(nth, text)| Some(format!("{}={}&", name(nth), encoded(text.as_ref()?))));
        let asked: String = asked.collect();
        Some(format!("{}/{}/$access-report?{asked}_cursor={next}", self.base_url, self.patient.reference()))
    }

    fn reference(&self, organization: &str) -> Value {
        match self.names.get(organization).filter(|name| !name.is_empty()) {
            Some(name) => json!({"reference": organization, "display": name}),
            None => json!({"reference": organization}),
        }
    }

    fn parameters(&self) -> Value {
        let mut all = vec![json!({"name": "patient", "valueReference": {"reference": self.patient.reference()}})];
        for (day, of, count, resources) in self.counts() {
            let mut part = vec![json!({"name": "day", "valueDate": day})];
            part.extend(of.map(|of| json!({"name": "organization", "valueReference": self.reference(&of)})));
            part.push(json!({"name": "accesses", "valueInteger": count}));
            part.push(json!({"name": "resources", "valueInteger": i32::try_from(resources).unwrap_or(i32::MAX)}));
            all.push(json!({"name": "summary", "part": part}));
        }
        all.extend(self.accesses.iter().map(|access| json!({"name": "access", "part": self.access(access)})));
        all.extend(self.next_url().map(|url| json!({"name": "next", "valueUri": url})));
        json!({"resourceType": "Parameters", "parameter": all})
    }

    fn access(&self, Access { id, event }: &Access) -> Vec<Value> {
        let codes = audit::codes(event);
        let mut parts = Vec::new();
        let mut add = |name: &str, kind: &str, value: Value| {
            let members = [("name".to_owned(), name.into()), (format!("value{kind}"), value)];
            parts.push(Value::Object(Map::from_iter(members)));
        };
        add("when", "Instant", instant(event.recorded_ms, self.zone_minutes).into());
        if let Some(of) = organization(event) {
            add("organization", "Reference", self.reference(&of));
        }
        if let Some(purpose) = event.purpose {
            let system = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
            add("purpose", "Coding", json!({"system": system, "code": purpose.code()}));
        }
        let (system, code) = codes.asked;
        add("what", "Coding", json!({"system": system, "code": code}));
        if let Some(resource_type) = event.resource_type {
            add("type", "Code", resource_type.name().into());
        }
        if let Some(count) = count_of(event) {
            add("resources", "Integer", i32::try_from(count).unwrap_or(i32::MAX).into());
        }
        add("outcome", "Code", codes.outcome.into());
        for consent in &event.consents {
            let reference = format!("Consent/{}/_history/{}", consent.id, consent.version);
            add("consent", "Reference", json!({"reference": reference}));
        }
        add("event", "Reference", json!({"reference": format!("AuditEvent/{id}")}));
        parts
    }
}

/// A value as a query has it.
fn encoded(text: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~:".contains(&byte);
    text.bytes().map(|b| if plain(b) { char::from(b).to_string() } else { format!("%{b:02X}") }).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_tells_of_as_many_accesses_as_it_may_and_not_one_more() {
        assert_eq!([0, 1, COUNT_MAX, COUNT_MAX + 1].map(limited), [1, 1, COUNT_MAX, COUNT_MAX]);
    }

    #[test]
    fn a_value_of_a_link_has_no_other_meaning() {
        assert_eq!(encoded("2026-11-21T00:00:00+09:00&a=b é"), "2026-11-21T00:00:00%2B09:00%26a%3Db%20%C3%A9");
    }
}
