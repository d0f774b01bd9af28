//! Transactions (http.html#trules): all that the entries ask for, or nothing; references between entries put right.
//!
//! Bodies are read and checked before anything is locked, so other writers go on meanwhile. Where entries depend on what a
//! search finds, nobody else writes over REST between that search and the commit. Criteria find what was there before the
//! transaction.

use std::borrow::Cow;
use std::cell::RefCell;
use std::collections::{HashMap, HashSet};

use serde_json::Value;
use uuid::Uuid;

use super::bundle::{Bundle, Read, Wish, at_entry};
use super::links::Links;
use super::prepare::{Body, Stop, expected, one, patched};
use super::single::refusal;
use super::{Action, Asking, Sent, Target, Told, rules};
use crate::api::criteria::Found;
use crate::app::Gateway;
use crate::consent::Caller;
use crate::fault::{Fault, Status};
use crate::fhir::reference::Literal;
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::pipeline::{Content, Expected, Pipeline, Statement, assign, home};

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
struct Part<'a> {
    entry: usize,
    asking: Asking,
    text: Option<Cow<'a, str>>,
    /// The id that the resource states.
    stated: Option<String>,
    /// The record that the resource belongs to, as far as it says so itself.
    home: Option<PatientKey>,
    /// The address of the Patient that it is about, where that stands for one of the other entries.
    about: Option<String>,
    full_url: Option<&'a str>,
    /// Which resource it turned out to be about, and whether it is new.
    place: Option<Place>,
}

/// Which resource an entry is about.
enum Place {
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
    let base = gateway.base_url();
    let urls: HashSet<&str> = bundle.entry.iter().filter_map(|entry| entry.full_url.as_deref()).collect();
    let (mut reads, mut parts, mut links) = (HashMap::new(), Vec::with_capacity(bundle.entry.len()), Links::default());
    for (at, entry) in bundle.entry.iter().enumerate() {
        match entry.wish(base).map_err(|stop| at_entry(stop, at))? {
            // What an operation does is not undone with the rest.
            Wish::Read(Read { sent: Some(_), .. }) => {
                return Err(at_entry(Stop::because(Status::BadRequest, &rules::URL, ""), at));
            }
            Wish::Read(read) => {
                reads.insert(at, read);
            }
            Wish::Write(asking) => {
                caller.may(asking.action.asks(), asking.resource_type)?;
                let resource = entry.resource.map(|raw| raw.get());
                let from = Neighbours { full_url: entry.full_url.as_deref(), urls: &urls };
                let part = Part::read(at, *asking, resource, &from, &mut links).map_err(|stop| at_entry(stop, at))?;
                parts.push(part);
            }
        }
    }
    let depends = !links.criteria.is_empty() || parts.iter().any(|part| part.asking.target.is_conditional());
    let work = |pipeline: &Pipeline| write(gateway, caller, pipeline, parts, links);
    let (mut written, records) = if depends { gateway.write_alone(work)? } else { gateway.write(work)? };
    let done = (0..bundle.entry.len()).map(|at| match (reads.remove(&at), written.remove(&at)) {
        (Some(read), _) => Ok(Done::Read(read)),
        (None, Some(told)) => Ok(Done::Written(told)),
        (None, None) => Err(Stop::Failed(Fault::Broken("an entry came to nothing".into()))),
    });
    Ok((done.collect::<Result<_, _>>()?, records))
}

impl<'a> Part<'a> {
    /// Checks an entry's resource, and takes from it what is needed before references are put right.
    fn read(
        entry: usize,
        mut asking: Asking,
        resource: Option<&'a str>,
        from: &Neighbours<'a, '_>,
        links: &mut Links,
    ) -> Result<Self, Stop> {
        let (mut text, mut stated, mut record, about) = (None, None, None, RefCell::new(None));
        if let (Sent::Resource(_), Some(sent)) = (&asking.sent, resource) {
            let mut body = Body::of_entry(sent, asking.resource_type)?;
            text = Some(match from.made_absolute(&mut body.value) {
                true => Cow::Owned(body.value.to_string()),
                false => Cow::Borrowed(sent),
            });
            links.gather(&body.value);
            stated = body.id().map(str::to_owned);
            record = home(asking.resource_type, None, &body.value, |address| {
                about.replace(Some(address.to_owned()));
                None
            });
            asking.sent = Sent::Nothing;
        }
        let about = about.into_inner();
        Ok(Part { entry, asking, text, stated, home: record, about, full_url: from.full_url, place: None })
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
    let mut looked_for = HashSet::new();
    for part in &mut parts {
        let known = place(gateway, caller, part).map_err(|stop| at_entry(stop, part.entry))?;
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
    for criteria in links.criteria.keys().cloned().collect::<Vec<_>>() {
        let reference = conditional(gateway, caller, &criteria)?;
        links.criteria.insert(criteria, Some(reference));
    }
    name_new(&mut parts, &mut links)?;
    let (mut statements, mut actions, mut told) = (Vec::with_capacity(parts.len()), Vec::new(), HashMap::new());
    for part in parts {
        let (entry, action, resource_type) = (part.entry, part.asking.action, part.asking.resource_type);
        match part.place {
            Some(Place::There(found)) => {
                told.insert(entry, Told::there(*found)?);
            }
            Some(Place::Nothing) | None => {
                told.insert(entry, Told::gone(resource_type));
            }
            _ => {
                statements.push(statement(gateway, caller, part, &links).map_err(|stop| at_entry(stop, entry))?);
                actions.push((entry, action));
            }
        }
    }
    let stated = pipeline.state(&statements)?.map_err(|refused| {
        let (stop, at) = refusal(&statements, refused);
        at_entry(stop, actions.get(at).map_or(0, |(entry, _)| *entry))
    })?;
    let mut records: Vec<PatientKey> = stated.iter().filter_map(|stated| stated.record).collect();
    records.sort_unstable();
    records.dedup();
    for ((entry, action), stated) in actions.into_iter().zip(stated) {
        told.insert(entry, Told::stated(caller, action, stated)?);
    }
    Ok((told, records))
}

/// Which resource an entry is about, as far as that does not depend on the others; `None` for one that is new.
fn place(gateway: &Gateway, caller: &Caller, part: &Part<'_>) -> Result<Option<Place>, Stop> {
    let asking = &part.asking;
    let find = |criteria: &str| one(gateway, caller, asking.resource_type, criteria);
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

/// The one resource that a conditional reference means (http.html#condref).
fn conditional(gateway: &Gateway, caller: &Caller, text: &str) -> Result<String, Stop> {
    let wrong = || Stop::because(Status::PreconditionFailed, &rules::REFERENCE_MATCHES, "");
    let (name, criteria) = text.split_once('?').ok_or_else(wrong)?;
    let resource_type = ResourceType::parse(name).ok_or_else(wrong)?;
    match crate::api::criteria::find(gateway, caller, resource_type, criteria, 2)?.as_slice() {
        [found] => Ok(format!("{name}/{}", found.id.as_str())),
        _ => Err(wrong()),
    }
}

/// Gives new resources their ids, Patients first because ids tell whose record something is in, and learns what each
/// fullUrl stands for.
fn name_new(parts: &mut [Part<'_>], links: &mut Links) -> Result<(), Stop> {
    for are_patients in [true, false] {
        for part in parts.iter_mut().filter(|part| (part.asking.resource_type == ResourceType::PATIENT) == are_patients)
        {
            let resource_type = part.asking.resource_type;
            if part.place.is_none() {
                let named = part.about.as_deref().and_then(|address| links.patient(address));
                let home = part.home.or(named);
                let (id, record) = assign(resource_type, home, Uuid::new_v4());
                part.place = Some(Place::New(id, Some(record)));
            }
            let id = match &part.place {
                Some(Place::New(id, _) | Place::Known(id)) => id,
                Some(Place::There(found)) => &found.id,
                _ => continue,
            };
            if let Some(full_url) = part.full_url.filter(|_| part.asking.action != Action::Delete) {
                let reference = format!("{}/{}", resource_type.name(), id.as_str());
                if !links.learn(full_url, reference) {
                    return Err(at_entry(Stop::because(Status::BadRequest, &rules::FULL_URL_TWICE, ""), part.entry));
                }
            }
        }
    }
    Ok(())
}

fn statement(gateway: &Gateway, caller: &Caller, part: Part<'_>, links: &Links) -> Result<Statement, Stop> {
    let resource_type = part.asking.resource_type;
    let (id, record, expected) = match part.place {
        Some(Place::New(id, record)) => (id, record, Expected::Absent),
        Some(Place::Known(id)) => {
            let expected = expected(gateway, caller, &part.asking, &id)?;
            (id, None, expected)
        }
        _ => return Err(Fault::Broken("an entry without a place".into()).into()),
    };
    let (content, expected) = match (part.asking.action, part.text) {
        (Action::Delete, _) => (Content::Delete, expected),
        (Action::Patch, _) => {
            let (text, version) = patched(gateway, caller, &part.asking, &id)?;
            let body = Body::read(&text, resource_type)?;
            (body.content(resource_type, &id)?, Expected::Version(version))
        }
        (_, Some(text)) => {
            let mut body = Body::again(&text)?;
            links.put_right(&mut body)?;
            (body.content(resource_type, &id)?, expected)
        }
        (_, None) => return Err(Stop::because(Status::BadRequest, &rules::NO_RESOURCE, "")),
    };
    Ok(Statement { resource_type, id, record, content, expected })
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
