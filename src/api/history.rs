//! History (http.html#history): the versions of one resource, of a type, or of all that the caller may see, newest first; and
//! one version by its number (http.html#vread).
//!
//! Consent is decided version by version: one that names somebody else, or that is labelled, is not there for the caller,
//! whatever a later one says.

use std::collections::{BinaryHeap, HashMap};

use actix_web::{HttpRequest, web};

use super::answer::Answer;
use super::caller::caller;
use super::extent::Extent;
use super::read::absent_version;
use super::routes::{blocking, printable, served_type};
use super::trail::Trail;
use super::{rules, write};
use crate::app::Gateway;
use crate::audit::What;
use crate::chart::Chart;
use crate::consent::{Action, Caller, ConsentVersion, Permitted};
use crate::fault::{Fault, Issue, Place, Status};
use crate::fhir::time::Interval;
use crate::fhir::{PatientKey, ResourceId, ResourceType, Writer, time};
use crate::pipeline::is_created;
use crate::search::Facts;
use crate::store::{Body, Partition, Record};

/// Versions on a page where the caller names no number, and at most.
const COUNT_DEFAULT: usize = 50;
const COUNT_MAX: usize = 1000;

/// Whose history is asked for.
#[derive(Clone, Copy, Debug)]
pub(super) enum Of<'a> {
    /// `GET /fhir/_history`
    System,
    /// `GET /fhir/[type]/_history`
    Type(&'a str),
    /// `GET /fhir/[type]/[id]/_history`
    Instance(&'a str, &'a str),
}

/// What is wanted of it.
#[derive(Clone, Debug)]
struct Wanted {
    resource_type: Option<ResourceType>,
    id: Option<ResourceId>,
    /// Versions stored at this instant or later, milliseconds since 1970.
    since: i64,
    /// Versions that were current at some time of this.
    at: Option<Interval>,
    /// The same as it was asked for.
    at_said: String,
    count: usize,
    after: Option<Key>,
}

/// Where a version stands: the newest first. Smaller comes first.
///
/// Nothing in it depends on what else there is: a link holds it, and whoever gets the link must not count by it what it may
/// not see.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    /// Milliseconds since 1970, with the sign turned.
    stored: i64,
    record: PatientKey,
    resource_type: ResourceType,
    id: ResourceId,
    /// The number of the version, with the sign turned.
    version: u32,
}

/// A version on its way out.
struct Version {
    key: Key,
    facts: Facts,
    body: Body,
    /// Whether nothing was there before: never, or not any more.
    is_new: bool,
}

pub(super) async fn history(request: HttpRequest, gateway: web::Data<Gateway>, of: Of<'_>) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::History);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            let answer = answer(&gateway, &caller, of, request.query_string(), &mut trail).await;
            answer.unwrap_or_else(|fault| trail.fail(fault))
        }
    };
    trail.close(&gateway, answer).await
}

pub(super) async fn vread(request: HttpRequest, gateway: web::Data<Gateway>, place: (&str, &str, &str)) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::VersionRead);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            let answer = version(&gateway, &caller, place, request.query_string(), &mut trail).await;
            answer.unwrap_or_else(|fault| trail.fail(fault))
        }
    };
    trail.close(&gateway, answer).await
}

/// A page of a history.
pub(super) async fn answer(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    of: Of<'_>,
    query: &str,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let mut wanted = match Wanted::parse(query, gateway.zone_minutes()) {
        Ok(wanted) => wanted,
        Err(issue) => return Ok(Answer::outcome(Status::BadRequest, &[issue])),
    };
    let (type_name, id) = match of {
        Of::System => (None, None),
        Of::Type(name) => (Some(name), None),
        Of::Instance(name, id) => (Some(name), Some(id)),
    };
    if let Some(name) = type_name {
        let resource_type = match served_type(name) {
            Ok(resource_type) => resource_type,
            Err(answer) => return Ok(answer),
        };
        trail.kind(resource_type);
        let action = if id.is_some() { Action::Read } else { Action::Search };
        if let Err(denied) = caller.may(action, resource_type) {
            return Ok(trail.refuse(denied));
        }
        wanted.resource_type = Some(resource_type);
    }
    if let Some(id) = id {
        let Some(id) = ResourceId::parse(id) else { return Ok(Answer::not_found()) };
        trail.about(wanted.resource_type.unwrap_or(ResourceType::PATIENT), &id);
        wanted.id = Some(id);
    }
    let (reader, who, asked) = (gateway.clone(), caller.clone(), wanted.clone());
    let found = blocking(move || read(&reader, &who, &asked)).await?;
    if let (Some(id), 0, true) = (&wanted.id, found.total, wanted.is_whole()) {
        let resource_type = wanted.resource_type.unwrap_or(ResourceType::PATIENT);
        return absent_version(gateway, caller, (resource_type, id), trail).await;
    }
    for (record, count) in &found.seen {
        trail.saw(*record, found.opened.get(record), *count);
    }
    let path = match (type_name, id) {
        (Some(name), Some(id)) => format!("/{name}/{id}"),
        (Some(name), None) => format!("/{name}"),
        _ => String::new(),
    };
    let url = format!("{}{path}/_history", gateway.base_url());
    Ok(Answer::ok(found.bundle(&url, &wanted)))
}

/// One version.
pub(super) async fn version(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    (type_name, id, number): (&str, &str, &str),
    query: &str,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let resource_type = match served_type(type_name) {
        Ok(resource_type) => resource_type,
        Err(answer) => return Ok(answer),
    };
    if let Err(denied) = caller.may(Action::Read, resource_type) {
        return Ok(trail.refuse(denied));
    }
    let extent = match Extent::parse(query) {
        Ok(extent) => extent,
        Err(issue) => return Ok(Answer::outcome(Status::BadRequest, &[issue])),
    };
    let (Some(id), Ok(number)) = (ResourceId::parse(id), number.parse::<u32>()) else { return Ok(Answer::not_found()) };
    trail.about(resource_type, &id);
    let (reader, who) = (gateway.clone(), caller.clone());
    let named = id.clone();
    let found = blocking(move || one_version(&reader, &who, (resource_type, &named), number)).await?;
    let Some((record, by, facts, body)) = found else {
        return absent_version(gateway, caller, (resource_type, &id), trail).await;
    };
    trail.saw(record, by.as_ref(), 1);
    Ok(match body {
        None => Answer::refuse(Status::Gone, &write::rules::GONE, "").with_version(facts.version, facts.last_updated),
        Some(body) => Answer::version(body.map(|whole| extent.of(whole)), facts.version, facts.last_updated),
    })
}

/// Whether a resource was there and is gone, as far as the caller may know: it could have seen the last version. Blocks on
/// storage.
pub(super) fn is_gone(
    gateway: &Gateway,
    caller: &Caller,
    resource_type: ResourceType,
    id: &ResourceId,
) -> Result<Option<(PatientKey, u32, i64)>, Fault> {
    let wanted = Wanted {
        resource_type: Some(resource_type),
        id: Some(id.clone()),
        since: i64::MIN,
        at: None,
        at_said: String::new(),
        count: 1,
        after: None,
    };
    let found = read(gateway, caller, &wanted)?;
    let newest = found.versions.first().filter(|(version, _)| version.facts.deleted);
    Ok(newest.map(|(version, _)| (version.key.record, version.facts.version, version.facts.last_updated)))
}

/// What was found, in order.
#[derive(Default)]
struct Found {
    versions: Vec<(Version, Permitted<Vec<u8>>)>,
    total: usize,
    next: Option<Key>,
    seen: Vec<(PatientKey, usize)>,
    /// The consent that opened each record; none where the role did.
    opened: HashMap<PatientKey, ConsentVersion>,
    base: String,
}

impl Wanted {
    fn parse(query: &str, zone_minutes: i16) -> Result<Self, Issue> {
        let mut wanted = Wanted {
            resource_type: None,
            id: None,
            since: i64::MIN,
            at: None,
            at_said: String::new(),
            count: COUNT_DEFAULT,
            after: None,
        };
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let wrong = || Issue::with(&rules::VALUE, Place::Whole, printable(name));
            let value = super::asked::decoded(value).ok_or_else(wrong)?;
            if value.is_empty() {
                continue;
            }
            // A plus that was sent as it is came to be a space; no instant has one.
            let instant = value.replace(' ', "+");
            let interval = || Interval::parse(&instant, zone_minutes).ok_or_else(wrong);
            match name {
                "_since" => wanted.since = interval()?.start,
                "_at" => {
                    wanted.at = Some(interval()?);
                    wanted.at_said = instant;
                }
                "_count" => wanted.count = value.parse::<usize>().map_err(|_| wrong())?.min(COUNT_MAX),
                "_cursor" => wanted.after = Some(Key::read(&value).ok_or_else(wrong)?),
                "_format" | "_pretty" | "_summary" | "_elements" | "_sort" => {}
                _ => return Err(Issue::with(&rules::PARAMETER, Place::Whole, printable(name))),
            }
        }
        Ok(wanted)
    }

    /// Whether nothing is left out of the history.
    fn is_whole(&self) -> bool {
        self.since == i64::MIN && self.at.is_none()
    }

    fn link(&self, cursor: Option<&Key>) -> String {
        let mut pairs = Vec::new();
        if self.since != i64::MIN {
            pairs.push(format!("_since={}", time::instant(self.since, 0).replace('+', "%2B")));
        }
        if self.at.is_some() {
            pairs.push(format!("_at={}", self.at_said.replace('+', "%2B")));
        }
        pairs.push(format!("_count={}", self.count));
        pairs.extend(cursor.map(|key| format!("_cursor={}", key.text())));
        pairs.join("&")
    }
}

impl Key {
    fn text(&self) -> String {
        let (resource_type, version) = (self.resource_type.number(), self.version);
        format!("{:016x}{:032x}{resource_type:02x}{version:08x}{}", self.stored, self.record.0, self.id.as_str())
    }

    fn read(text: &str) -> Option<Self> {
        let part = |from: usize, to: usize| u128::from_str_radix(text.get(from..to)?, 16).ok();
        Some(Key {
            stored: part(0, 16)? as u64 as i64,
            record: PatientKey(part(16, 48)?),
            resource_type: ResourceType::from_number(u8::try_from(part(48, 50)?).ok()?)?,
            version: u32::try_from(part(50, 58)?).ok()?,
            id: ResourceId::parse(text.get(58..)?)?,
        })
    }
}

/// The versions of a page.
fn read(gateway: &Gateway, caller: &Caller, wanted: &Wanted) -> Result<Found, Fault> {
    let records = match (&wanted.id, wanted.resource_type) {
        (Some(id), Some(resource_type)) => gateway.pipeline().store().candidates(resource_type, id)?,
        _ => gateway.scope(caller)?,
    };
    let mut first: BinaryHeap<Ranked> = BinaryHeap::new();
    let mut found = Found { base: gateway.base_url().to_owned(), ..Found::default() };
    for record in records {
        if !record.is_directory() || wanted.id.is_some() || fits(record, wanted.resource_type) {
            gather(gateway, caller, record, wanted, &mut first, &mut found)?;
        }
    }
    let mut versions: Vec<Ranked> = first.into_sorted_vec();
    if versions.len() > wanted.count {
        versions.truncate(wanted.count);
        found.next = versions.last().map(|ranked| ranked.0.key.clone());
    }
    let mut seen: HashMap<PatientKey, usize> = HashMap::new();
    for Ranked(version, permit) in versions {
        *seen.entry(version.key.record).or_default() += 1;
        let mut body = Vec::new();
        version.body.append_json(&mut body)?;
        found.versions.push((version, permit.release(body)));
    }
    found.seen = seen.into_iter().collect();
    Ok(found)
}

/// A part of the directory holds one type only.
fn fits(record: PatientKey, resource_type: Option<ResourceType>) -> bool {
    resource_type.is_none_or(|wanted| record.directory_type() == Some(wanted))
}

struct Ranked(Version, crate::consent::Permit);

impl PartialEq for Ranked {
    fn eq(&self, other: &Self) -> bool {
        self.0.key == other.0.key
    }
}

impl Eq for Ranked {}

impl PartialOrd for Ranked {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Ranked {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        self.0.key.cmp(&other.0.key)
    }
}

/// The versions of one record that are wanted and that the caller may see; of all, no more than a page and one are kept.
fn gather(
    gateway: &Gateway,
    caller: &Caller,
    record: PatientKey,
    wanted: &Wanted,
    first: &mut BinaryHeap<Ranked>,
    found: &mut Found,
) -> Result<(), Fault> {
    let chart = gateway.chart(record)?;
    let policy = chart.policy(caller);
    let gate = chart.gate(caller, &policy, gateway.now());
    let gate = if wanted.id.is_some() { gate.named() } else { gate.found() };
    if !gate.is_open() {
        return Ok(());
    }
    let partition = gateway.pipeline().store().partition(record)?;
    for (at, one, until, is_new) in versions(&partition) {
        let facts = &one.facts;
        let is_wanted = wanted.resource_type.is_none_or(|wanted| wanted == facts.resource_type)
            && wanted.id.as_ref().is_none_or(|id| *id == facts.id)
            && facts.last_updated >= wanted.since
            && wanted.at.is_none_or(|at| facts.last_updated < at.end && until > at.start);
        if !is_wanted {
            continue;
        }
        let Some(permit) = chart.permit_version(&gate, seen_by(&partition, at)) else { continue };
        if let Some(by) = chart.opened_version_by(&gate, seen_by(&partition, at)) {
            found.opened.entry(record).or_insert_with(|| by.clone());
        }
        found.total += 1;
        let (resource_type, id) = (facts.resource_type, facts.id.clone());
        let key = Key { stored: !facts.last_updated, record, resource_type, id, version: !facts.version };
        if wanted.after.as_ref().is_some_and(|after| key <= *after) {
            continue;
        }
        if first.len() <= wanted.count || first.peek().is_some_and(|last| key < last.0.key) {
            first.push(Ranked(Version { key, facts: facts.clone(), body: one.body.clone(), is_new }, permit));
            if first.len() > wanted.count + 1 {
                first.pop();
            }
        }
    }
    Ok(())
}

/// The versions of a record, each once as it is best known, with its place, the instant until which it was current, and
/// whether nothing was there before it.
fn versions(partition: &Partition) -> Vec<(usize, &Record, i64, bool)> {
    let mut last: HashMap<(ResourceType, &ResourceId, u32), usize> = HashMap::with_capacity(partition.records.len());
    for (at, record) in partition.records.iter().enumerate() {
        let facts = &record.facts;
        // What was never there and is known to be gone is no version of anything.
        last.insert((facts.resource_type, &facts.id, facts.version), at);
    }
    let mut found: Vec<_> = last
        .iter()
        .map(|((resource_type, id, version), at)| {
            let next = last.get(&(*resource_type, *id, version + 1));
            let until = next.and_then(|next| partition.records.get(*next)).map_or(i64::MAX, |r| r.facts.last_updated);
            let before = last.get(&(*resource_type, *id, version.saturating_sub(1)));
            let before = before.filter(|_| *version > 1).and_then(|before| partition.records.get(*before));
            (*at, &partition.records[*at], until, before.is_none_or(|before| before.facts.deleted))
        })
        .filter(|(_, record, ..)| !(record.facts.deleted && record.facts.version == 1))
        .collect();
    found.sort_unstable_by_key(|(at, ..)| *at);
    found
}

/// Whose facts say who may see a version: its own; of one that says that the resource is gone, those of the one before.
pub(super) fn seen_by(partition: &Partition, at: usize) -> &Facts {
    let own = &partition.records[at].facts;
    if !own.deleted {
        return own;
    }
    let before = partition.records[..at].iter().rev().map(|record| &record.facts);
    let mut before = before.filter(|facts| facts.resource_type == own.resource_type && facts.id == own.id);
    before.find(|facts| !facts.deleted).unwrap_or(own)
}

/// Whose record it is on, by which consent it is seen, its facts, and the resource unless it is gone.
pub(super) type OneVersion = (PatientKey, Option<ConsentVersion>, Facts, Option<Permitted<Vec<u8>>>);

/// A version of a resource by its number, when the caller may see it. Blocks on storage.
pub(super) fn one_version(
    gateway: &Gateway,
    caller: &Caller,
    (resource_type, id): (ResourceType, &ResourceId),
    number: u32,
) -> Result<Option<OneVersion>, Fault> {
    for record in gateway.pipeline().store().candidates(resource_type, id)? {
        let chart: std::sync::Arc<Chart> = gateway.chart(record)?;
        let policy = chart.policy(caller);
        let gate = chart.gate(caller, &policy, gateway.now()).named();
        let partition = gateway.pipeline().store().partition(record)?;
        for (at, one, ..) in versions(&partition) {
            let facts = &one.facts;
            if facts.resource_type != resource_type || facts.id != *id || facts.version != number {
                continue;
            }
            let Some(permit) = chart.permit_version(&gate, seen_by(&partition, at)) else { return Ok(None) };
            let mut body = Vec::new();
            one.body.append_json(&mut body)?;
            let body = (!facts.deleted).then(|| permit.release(body));
            let by = chart.opened_version_by(&gate, seen_by(&partition, at)).cloned();
            return Ok(Some((record, by, facts.clone(), body)));
        }
    }
    Ok(None)
}

impl Found {
    fn bundle(self, url: &str, wanted: &Wanted) -> Permitted<Vec<u8>> {
        let mut w = Writer::new();
        w.string("resourceType", "Bundle");
        w.string("type", "history");
        w.integer("total", i64::try_from(self.total).unwrap_or(i64::MAX));
        let mut links = vec![("self", wanted.link(wanted.after.as_ref()))];
        links.extend(self.next.as_ref().map(|key| ("next", wanted.link(Some(key)))));
        w.array("link", |w| {
            for (relation, query) in links {
                w.item(|w| {
                    w.string("relation", relation);
                    w.string("url", &format!("{url}?{query}"));
                });
            }
        });
        let head = w.finish();
        let mut entries = Vec::with_capacity(self.versions.len());
        for (version, body) in self.versions {
            let (before, after) = entry(&self.base, &version.facts, version.is_new);
            entries.push(body.map(|resource| {
                let mut json = before.into_bytes();
                if !version.facts.deleted {
                    json.extend_from_slice(b",\"resource\":");
                    json.extend_from_slice(&resource);
                }
                json.extend_from_slice(after.as_bytes());
                json
            }));
        }
        Permitted::gather(entries, |entries| {
            let mut json = format!("{{{head}").into_bytes();
            for (at, entry) in entries.iter().enumerate() {
                json.extend_from_slice(if at == 0 { br#","entry":["# } else { b"," });
                json.extend_from_slice(entry);
            }
            json.extend_from_slice(if entries.is_empty() { b"}" } else { b"]}" });
            json
        })
    }
}

/// What stands before and behind the resource in an entry: how it came about, and what was answered then.
fn entry(base: &str, facts: &Facts, is_new: bool) -> (String, String) {
    let name = format!("{}/{}", facts.resource_type.name(), facts.id.as_str());
    let (method, url, status) = match (facts.deleted, facts.version) {
        (true, _) => ("DELETE", name.as_str(), Status::NoContent),
        // An id that tells its record was assigned here.
        (false, 1) if facts.id.is_derived() || is_created(facts) => {
            ("POST", facts.resource_type.name(), Status::Created)
        }
        (false, _) if is_new => ("PUT", name.as_str(), Status::Created),
        (false, _) => ("PUT", name.as_str(), Status::Ok),
    };
    let mut w = Writer::new();
    w.string("fullUrl", &format!("{base}/{name}"));
    let before = format!("{{{}", w.finish());
    let mut w = Writer::new();
    w.object("request", |w| {
        w.string("method", method);
        w.string("url", url);
    });
    w.object("response", |w| {
        w.string("status", status.line());
        w.string("etag", &format!("W/\"{}\"", facts.version));
        w.string("lastModified", &time::instant(facts.last_updated, 540));
    });
    (before, format!(",{}}}", w.finish()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_place_comes_back() {
        let id = |text: &str| ResourceId::parse(text).unwrap();
        for (stored, record, version, id) in
            [(!1_795_230_000_000, 7 << 90, !1, id("a-1.B")), (i64::MIN, u128::MAX, 0, id(&"x".repeat(64)))]
        {
            let resource_type = ResourceType::OBSERVATION;
            let key = Key { stored, record: PatientKey(record), resource_type, id, version };
            assert_eq!(Key::read(&key.text()), Some(key));
        }
        for bad in ["", "0", &"g".repeat(64), &"あ".repeat(22)] {
            assert_eq!(Key::read(bad), None, "{bad}");
        }
    }
}
