//! Transactions (http.html#trules): all that the entries ask for, or nothing; references between entries put right.
//!
//! Bodies are read and checked before anything is locked, so other writers go on meanwhile. Where entries depend on what a
//! search finds, nobody else writes over REST between that search and the commit. Criteria of entries find what was there
//! before, without what the transaction takes away; conditional references find what is there afterwards (`reference.rs`).

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::bundle::{Bundle, Entry, Read, Wish, at_entry};
use super::links::{Links, Meant};
use super::prepare::{Body, Stop, expected, one_after, patched};
use super::single::{defined, refusal};
use super::{Action, Asking, Sent, Target, Told, reference, rules};
use crate::api::after::After;
use crate::api::criteria::{self, Found};
use crate::api::history;
use crate::app::Gateway;
use crate::consent::Caller;
use crate::fault::{self, Fault, Issue, Status};
use crate::fhir::reference::{Literal, below};
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::pipeline::{Content, Expected, Pipeline, Statement, assign, home};
use crate::validate::PROBLEMS_MAX;

/// What became of an entry: a write that was done, or a read that is still to be.
#[derive(Debug)]
pub(in crate::api) enum Done {
    /// A write.
    Written(Told),
    /// A read, to be done now that all is written.
    Read(Read),
}

/// An entry that writes, on its way. Of its resource the text alone is kept, so that a large transaction takes little more
/// memory than its bytes.
pub(super) struct Part<'a> {
    pub(super) entry: usize,
    pub(super) asking: Asking,
    pub(super) text: Option<Cow<'a, str>>,
    /// What there is to say of the resource.
    noticed: Vec<Issue>,
    /// The id that the resource states.
    stated: Option<String>,
    /// The version that it states (`meta.versionId`).
    known_as: Option<String>,
    /// The record that the resource belongs to, as far as it says so itself.
    home: Option<PatientKey>,
    /// The address of the Patient that it is about, where that stands for one of the other entries.
    pub(super) about: Option<String>,
    full_url: Option<&'a str>,
    /// Which resource it turned out to be about, and whether it is new.
    pub(super) place: Option<Place>,
    is_learned: bool,
    /// What must be on record for the references to the version that it makes to be true.
    promised: Option<Expected>,
}

/// Which resource an entry is about.
pub(super) enum Place {
    /// One that gets this id.
    New(ResourceId, Option<PatientKey>),
    /// One that was named or found.
    Known(ResourceId),
    /// One that is there, and that nothing is to be done with.
    There(Box<Found>),
    /// None.
    Nothing,
}

/// Does what a transaction asks for: one outcome for each entry, in their order, and the records that were written to.
/// Blocks on storage.
pub(in crate::api) fn run(
    gateway: &Gateway,
    caller: &Caller,
    bundle: &Bundle<'_>,
) -> Result<(Vec<Done>, Vec<PatientKey>), Stop> {
    let urls: HashSet<&str> = bundle.entry.iter().filter_map(|entry| entry.full_url.as_deref()).collect();
    let (mut reads, mut parts, mut links) = (HashMap::new(), Vec::with_capacity(bundle.entry.len()), Links::default());
    let mut wrong: Option<(Status, Vec<Issue>)> = None;
    for (at, entry) in bundle.entry.iter().enumerate() {
        match asked(gateway, caller, (at, entry), &urls, &mut links) {
            Ok(Asks::Read(read)) => drop(reads.insert(at, read)),
            Ok(Asks::Write(part)) => parts.push(*part),
            // What else is wrong is told with it.
            Err(Stop::Refused(status, issues)) => {
                let (_, all) = wrong.get_or_insert_with(|| (status, Vec::new()));
                all.extend(issues);
                if all.len() >= PROBLEMS_MAX {
                    all.push(Issue::with(&rules::NOT_LOOKED_AT, fault::Place::Whole, at.to_string()));
                    break;
                }
            }
            Err(stop) => return Err(stop),
        }
    }
    if let Some((status, mut issues)) = wrong {
        issues.sort_by_key(|issue| std::cmp::Reverse(issue.rule.severity));
        return Err(Stop::Refused(status, issues));
    }
    let depends =
        |asking: &Asking| asking.target.is_conditional() || asking.resource_type == ResourceType::SEARCH_PARAMETER;
    let depends = links.depend() || parts.iter().any(|part| depends(&part.asking));
    let work = |pipeline: &Pipeline| write(gateway, caller, pipeline, parts, links);
    let (mut written, records) = if depends { gateway.write_alone(work)? } else { gateway.write(work)? };
    let done = (0..bundle.entry.len()).map(|at| match (reads.remove(&at), written.remove(&at)) {
        (Some(read), _) => Ok(Done::Read(read)),
        (None, Some(told)) => Ok(Done::Written(told)),
        (None, None) => Err(Stop::Failed(Fault::Broken("an entry came to nothing".into()))),
    });
    Ok((done.collect::<Result<_, _>>()?, records))
}

/// What an entry asks for, its resource checked.
enum Asks<'a> {
    Read(Read),
    Write(Box<Part<'a>>),
}

fn asked<'a>(
    gateway: &Gateway,
    caller: &Caller,
    (at, entry): (usize, &'a Entry<'_>),
    urls: &HashSet<&'a str>,
    links: &mut Links,
) -> Result<Asks<'a>, Stop> {
    match entry.wish(gateway.base_url()).map_err(|stop| at_entry(stop, at))? {
        // What an operation does is not undone with the rest.
        Wish::Read(Read { sent: Some(_), .. }) => Err(at_entry(Stop::because(Status::BadRequest, &rules::URL, ""), at)),
        Wish::Read(read) => Ok(Asks::Read(read)),
        Wish::Write(asking) => {
            caller.may(asking.action.asks(), asking.resource_type)?;
            let resource = entry.resource.map(|raw| raw.get());
            let from = Neighbours { full_url: entry.full_url.as_deref(), urls };
            let part = Part::read(gateway, (at, *asking), resource, &from, links).map_err(|stop| at_entry(stop, at))?;
            Ok(Asks::Write(Box::new(part)))
        }
    }
}

impl<'a> Part<'a> {
    /// Checks an entry's resource, and takes from it what is needed before references are put right.
    fn read(
        gateway: &Gateway,
        (entry, mut asking): (usize, Asking),
        resource: Option<&'a str>,
        from: &Neighbours<'a, '_>,
        links: &mut Links,
    ) -> Result<Self, Stop> {
        let (mut text, mut stated, mut record, about) = (None, None, None, RefCell::new(None));
        let (mut known_as, mut noticed) = (None, Vec::new());
        if let (Sent::Resource(_), Some(sent)) = (&asking.sent, resource) {
            let mut body = Body::of_entry(sent, asking.resource_type)?.held_to_profiles(gateway)?;
            text = Some(match from.made_absolute(&mut body.value) {
                true => Cow::Owned(body.value.to_string()),
                false => Cow::Borrowed(sent),
            });
            links.gather(&body.value);
            stated = body.id().map(str::to_owned);
            known_as = body.value.pointer("/meta/versionId").and_then(Value::as_str).map(str::to_owned);
            noticed = body.noticed;
            record = home(asking.resource_type, None, &body.value, |address| {
                about.replace(Some(address.to_owned()));
                None
            });
            asking.sent = Sent::Nothing;
        }
        Ok(Part {
            entry,
            asking,
            text,
            noticed,
            stated,
            known_as,
            home: record,
            about: about.into_inner(),
            full_url: from.full_url,
            place: None,
            is_learned: false,
            promised: None,
        })
    }
}

/// Finds out which resources are meant, gives ids, puts references right, and writes.
fn write(
    gateway: &Gateway,
    caller: &Caller,
    pipeline: &Pipeline,
    mut parts: Vec<Part<'_>>,
    mut links: Links,
) -> Result<(HashMap<usize, Told>, Vec<PatientKey>), Stop> {
    place_all(gateway, caller, &mut parts)?;
    name_new(gateway, caller, &mut parts, &mut links)?;
    reference::resolve(gateway, caller, &mut parts, &mut links)?;
    let (mut statements, mut actions, mut told) = (Vec::with_capacity(parts.len()), Vec::new(), HashMap::new());
    for mut part in parts {
        let (entry, action, resource_type) = (part.entry, part.asking.action, part.asking.resource_type);
        let noticed = std::mem::take(&mut part.noticed);
        match part.place {
            Some(Place::There(found)) => {
                told.insert(entry, Told::there(*found)?);
            }
            Some(Place::Nothing) | None => {
                told.insert(entry, Told::gone(resource_type));
            }
            _ => {
                statements.push(statement(gateway, caller, part, &links).map_err(|stop| at_entry(stop, entry))?);
                actions.push((entry, action, noticed));
            }
        }
    }
    if let Some((at, stop)) = defined(gateway, &statements)? {
        return Err(at_entry(stop, actions.get(at).map_or(0, |(entry, ..)| *entry)));
    }
    let stated = pipeline.state(&statements)?.map_err(|refused| {
        let (stop, at) = refusal(&statements, refused);
        at_entry(stop, actions.get(at).map_or(0, |(entry, ..)| *entry))
    })?;
    let mut records: Vec<PatientKey> = stated.iter().filter_map(|stated| stated.record).collect();
    records.sort_unstable();
    records.dedup();
    for ((entry, action, noticed), stated) in actions.into_iter().zip(stated) {
        told.insert(entry, Told::stated(caller, action, stated, noticed)?);
    }
    Ok((told, records))
}

/// Finds out which resources the entries are about that name or describe one. What is taken away is gone for the criteria
/// of the others (http.html#trules: deletes come first).
fn place_all(gateway: &Gateway, caller: &Caller, parts: &mut [Part<'_>]) -> Result<(), Stop> {
    let (mut looked_for, mut after) = (HashSet::new(), After::default());
    for deletes in [true, false] {
        for part in parts.iter_mut().filter(|part| (part.asking.action == Action::Delete) == deletes) {
            let known = place(gateway, caller, part, &after).map_err(|stop| at_entry(stop, part.entry))?;
            // Two that look for the same and find nothing would make two of what is to be there once.
            if let (None, Target::NewUnless(criteria) | Target::Matching(criteria)) = (&known, &part.asking.target) {
                let resource_type = part.asking.resource_type;
                if !looked_for.insert((resource_type, criteria.clone())) {
                    let stop = Stop::because(Status::BadRequest, &rules::TWICE, resource_type.name());
                    return Err(at_entry(stop, part.entry));
                }
            }
            part.place = known;
        }
        for part in parts.iter().filter(|_| deletes) {
            if let Some(Place::Known(id)) = &part.place {
                after.without(part.asking.resource_type, id);
            }
        }
    }
    Ok(())
}

/// Which resource an entry is about, as far as that does not depend on the others; `None` for one that is new.
fn place(gateway: &Gateway, caller: &Caller, part: &Part<'_>, after: &After) -> Result<Option<Place>, Stop> {
    let asking = &part.asking;
    let find = |criteria: &str| one_after(gateway, caller, asking.resource_type, criteria, after);
    let stated = part.stated.as_deref();
    let differs = || Stop::because(Status::BadRequest, &rules::ID_DIFFERS, "");
    Ok(match &asking.target {
        Target::New => None,
        Target::NewUnless(criteria) => find(criteria)?.map(|found| Place::There(Box::new(found))),
        Target::Instance(id) => {
            if asking.action == Action::Update && stated != Some(id.as_str()) {
                return Err(differs());
            }
            Some(Place::Known(id.clone()))
        }
        Target::Matching(criteria) => match (find(criteria)?, asking.action, stated) {
            (Some(found), Action::Update, Some(stated)) if found.id.as_str() != stated => return Err(differs()),
            (Some(found), ..) => Some(Place::Known(found.id)),
            (None, Action::Delete, _) => Some(Place::Nothing),
            (None, Action::Update, Some(stated)) => Some(Place::Known(ResourceId::parse(stated).ok_or_else(differs)?)),
            (None, Action::Update, None) => None,
            (None, ..) => return Err(Stop::because(Status::NotFound, &rules::NOT_FOUND, "")),
        },
    })
}

/// Gives new resources their ids, Patients first because ids tell whose record something is in, and learns what each
/// fullUrl stands for. What is about somebody whom a conditional reference means waits until it is known who that is.
pub(super) fn name_new(
    gateway: &Gateway,
    caller: &Caller,
    parts: &mut [Part<'_>],
    links: &mut Links,
) -> Result<(), Stop> {
    for are_patients in [true, false] {
        let of_this_kind = |part: &&mut Part<'_>| (part.asking.resource_type == ResourceType::PATIENT) == are_patients;
        for part in parts.iter_mut().filter(of_this_kind) {
            let resource_type = part.asking.resource_type;
            if part.place.is_none() {
                if part.home.is_none() && part.about.as_deref().is_some_and(|address| links.is_open(address)) {
                    continue;
                }
                let named = |address: &str| links.patient(address).or_else(|| patient_at(gateway, address));
                let home = part.home.or_else(|| part.about.as_deref().and_then(named));
                let (id, record) = assign(resource_type, home, Uuid::new_v4());
                part.place = Some(Place::New(id, Some(record)));
            }
            if let Some(full_url) = part.full_url.filter(|_| part.asking.action != Action::Delete && !part.is_learned) {
                let Some(meant) = part.meant(gateway, caller, links.names_version(full_url))? else { continue };
                if !links.learn(full_url, meant) {
                    return Err(at_entry(Stop::because(Status::BadRequest, &rules::FULL_URL_TWICE, ""), part.entry));
                }
                part.is_learned = true;
            }
        }
    }
    Ok(())
}

/// The record of the Patient at an address of this server.
fn patient_at(gateway: &Gateway, address: &str) -> Option<PatientKey> {
    match Literal::parse(below(gateway.base_url(), address)?) {
        Literal::Relative(ResourceType::PATIENT, id) => Some(PatientKey::of_id(id)),
        _ => None,
    }
}

impl Part<'_> {
    /// What its fullUrl stands for. Where a reference names a version, the one that the entry makes is promised.
    fn meant(&mut self, gateway: &Gateway, caller: &Caller, with_version: bool) -> Result<Option<Meant>, Stop> {
        let resource_type = self.asking.resource_type;
        let is_urn = self.full_url.is_some_and(|url| url.starts_with("urn:"));
        let (id, version, is_new) = match &self.place {
            Some(Place::New(id, _)) => (id, Some(1), true),
            Some(Place::There(found)) => (&found.id, Some(found.version), false),
            Some(Place::Known(id)) if with_version => {
                let (expected, version) = next_version(gateway, caller, resource_type, id)?;
                self.promised = Some(expected);
                (id, Some(version), false)
            }
            Some(Place::Known(id)) => (id, None, false),
            Some(Place::Nothing) | None => return Ok(None),
        };
        // Under an address that can be read, versions are there already: which one a reference means is what it says.
        let known_as = if is_new || is_urn { None } else { Some(self.known_as.clone().unwrap_or_default()) };
        let reference = format!("{}/{}", resource_type.name(), id.as_str());
        Ok(Some(Meant { reference, version, known_as }))
    }
}

/// What must hold of a resource, and the number of the version that is made of it then.
fn next_version(
    gateway: &Gateway,
    caller: &Caller,
    resource_type: ResourceType,
    id: &ResourceId,
) -> Result<(Expected, u32), Stop> {
    if let Some(found) = criteria::by_id(gateway, caller, resource_type, id)? {
        return Ok((Expected::Version(found.version), found.version + 1));
    }
    let gone = history::is_gone(gateway, caller, resource_type, id)?;
    Ok((Expected::Absent, gone.map_or(0, |(_, version, _)| version) + 1))
}

fn statement(gateway: &Gateway, caller: &Caller, part: Part<'_>, links: &Links) -> Result<Statement, Stop> {
    let resource_type = part.asking.resource_type;
    let (id, record, expected) = match part.place {
        Some(Place::New(id, record)) => (id, record, Expected::Absent),
        Some(Place::Known(id)) => {
            let expected = expected(gateway, caller, &part.asking, &id)?;
            (id, None, part.promised.unwrap_or(expected))
        }
        _ => return Err(Fault::Broken("an entry without a place".into()).into()),
    };
    let (content, expected) = match (part.asking.action, part.text) {
        (Action::Delete, _) => (Content::Delete, expected),
        (Action::Patch, _) => {
            let (text, version) = patched(gateway, caller, &part.asking, &id)?;
            let body = Body::read(&text, resource_type)?.held_to_profiles(gateway)?.made_local(gateway.base_url());
            (body.content(resource_type, &id)?, Expected::Version(version))
        }
        (_, Some(text)) => {
            let mut body = Body::again(&text)?;
            links.put_right(&mut body)?;
            let body = body.made_local(gateway.base_url());
            (body.content(resource_type, &id)?, expected)
        }
        (_, None) => return Err(Stop::because(Status::BadRequest, &rules::NO_RESOURCE, "")),
    };
    if let (Some(Expected::Version(_)), Content::Put(put)) = (part.promised, &content) {
        let found = criteria::by_id(gateway, caller, resource_type, &id)?;
        if found.map(|found| found.body()).transpose()?.is_some_and(|stored| put.says_the_same(&stored)) {
            return Err(Stop::because(Status::BadRequest, &rules::NO_NEW_VERSION, ""));
        }
    }
    let only_directory = caller.keeps_to_directory(resource_type);
    Ok(Statement { resource_type, id, record, content, expected, only_directory })
}

/// Where the resource of an entry comes from, and where the others of the Bundle do.
struct Neighbours<'a, 'u> {
    full_url: Option<&'a str>,
    urls: &'u HashSet<&'a str>,
}

impl Neighbours<'_, '_> {
    /// Writes references out that are relative and mean another entry: they are relative to where the entry says that it
    /// is (bundle.html#references). Answers whether there were any.
    fn made_absolute(&self, resource: &mut Value) -> bool {
        let root = self.full_url.and_then(|url| match Literal::parse(url) {
            Literal::Absolute(_, Some((kind, id))) => {
                url.strip_suffix(id)?.strip_suffix('/')?.strip_suffix(kind.name())
            }
            _ => None,
        });
        root.is_some_and(|root| self.written_out(resource, root))
    }

    fn written_out(&self, value: &mut Value, root: &str) -> bool {
        match value {
            Value::Array(items) => items.iter_mut().fold(false, |any, item| self.written_out(item, root) | any),
            Value::Object(members) => members.iter_mut().fold(false, |any, (name, item)| match item {
                Value::String(text) if name == "reference" && matches!(Literal::parse(text), Literal::Relative(..)) => {
                    let absolute = format!("{root}{text}");
                    let is_entry = self.urls.contains(absolute.as_str());
                    if is_entry {
                        *text = absolute;
                    }
                    is_entry | any
                }
                item => self.written_out(item, root) | any,
            }),
            _ => false,
        }
    }
}

/// The strings of a resource that may be addresses.
pub(in crate::api) fn each_string(value: &Value, name: &str, see: &mut impl FnMut(&str, &str)) {
    match value {
        Value::String(text) => see(name, text),
        Value::Array(items) => items.iter().for_each(|item| each_string(item, name, see)),
        Value::Object(members) => members.iter().for_each(|(name, item)| each_string(item, name, see)),
        _ => {}
    }
}
