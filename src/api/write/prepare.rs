//! From a write as it is asked for to the statement it comes to, or to the reason why it is none.

use std::borrow::Cow;

use serde_json::Value;
use uuid::Uuid;

use super::rules;
use super::{Action, Asking, Sent, Target};
use crate::api::after::After;
use crate::api::conditional::Versions;
use crate::api::criteria::{self, Found, Match};
use crate::api::{history, patch};
use crate::app::Gateway;
use crate::consent::Caller;
use crate::fault::{Denied, Fault, Issue, Place, Status};
use crate::fhir::json::{Members, shape};
use crate::fhir::reference::{self, Literal};
use crate::fhir::{Draft, ResourceId, ResourceType, same_person};
use crate::pipeline::{Content, Expected, Put, Statement, assign, home};
use crate::validate;
use crate::validate::standard::Policy;

/// What a write comes to.
#[derive(Debug)]
pub(in crate::api) enum Prepared {
    /// Something is to be written; with what there is to say of it.
    Statement(Box<Statement>, Vec<Issue>),
    /// Nothing: a resource that matches is there (http.html#ccreate).
    There(Found),
    /// Nothing: what is to be taken away is not there.
    Gone,
}

/// Why a write cannot be done.
#[derive(Debug)]
pub(in crate::api) enum Stop {
    /// The request is wrong, or what is on record does not fit it.
    Refused(Status, Vec<Issue>),
    /// Policy forbids it.
    Denied(Denied),
    /// The machine failed.
    Failed(Fault),
}

impl From<Fault> for Stop {
    fn from(fault: Fault) -> Self {
        Stop::Failed(fault)
    }
}

impl From<Denied> for Stop {
    fn from(denied: Denied) -> Self {
        Stop::Denied(denied)
    }
}

impl Stop {
    /// A refusal with one sentence.
    pub(in crate::api) fn because(status: Status, rule: &'static crate::fault::Rule, detail: &str) -> Self {
        Stop::Refused(status, vec![Issue::with(rule, Place::Whole, detail)])
    }
}

/// A resource as it was sent, found in order.
#[derive(Debug)]
pub(in crate::api) struct Body<'a> {
    text: Cow<'a, str>,
    pub(in crate::api) value: Value,
    /// What there is to say of it and does not keep it from being stored.
    pub(in crate::api) noticed: Vec<Issue>,
}

impl<'a> Body<'a> {
    /// Reads and checks a resource of a type.
    pub(in crate::api) fn read(text: &'a str, resource_type: ResourceType) -> Result<Self, Stop> {
        Self::checked(text, resource_type, validate::base)
    }

    /// The same for the resource of a transaction's entry, whose references may be conditional.
    pub(super) fn of_entry(text: &'a str, resource_type: ResourceType) -> Result<Self, Stop> {
        Self::checked(text, resource_type, validate::base_in_transaction)
    }

    fn checked(text: &'a str, resource_type: ResourceType, check: fn(&Value) -> Vec<Issue>) -> Result<Self, Stop> {
        let mut value: Value = serde_json::from_str(text).map_err(|error| unreadable(&error))?;
        if value.get("resourceType").and_then(Value::as_str) != Some(resource_type.name()) {
            return Err(Stop::because(Status::BadRequest, &rules::TYPE_DIFFERS, resource_type.name()));
        }
        if let Some(at) = subsetted_at(&value) {
            let place = Place::Path(format!("{}.meta.tag[{at}]", resource_type.name()).into());
            return Err(Stop::Refused(Status::Unprocessable, vec![Issue::new(&rules::SUBSETTED, place)]));
        }
        // Of two members of one name the reader sees one and the text keeps both (json.html: names are unique).
        if shape(text).members != members(&value) {
            return Err(Stop::because(Status::BadRequest, &rules::NAMED_TWICE, ""));
        }
        let mut issues = check(&value);
        // What keeps it from being stored comes first; the rest is said with it, and how much more there is.
        issues.sort_by_key(|issue| std::cmp::Reverse(issue.rule.severity));
        if !validate::is_sound(&issues) {
            return Err(Stop::Refused(Status::BadRequest, issues));
        }
        let mut text = Cow::Borrowed(text);
        if resource_type == ResourceType::PATIENT
            && let Some(patient) = same_person::without(&value)
        {
            (text, value) = (Cow::Owned(patient.to_string()), patient);
        }
        Ok(Body { text, value, noticed: issues })
    }

    /// Checked against the profiles that are asked of what is written, and those that it claims, where the configuration wants
    /// that (`docs/adr/0050`): what speaks against it is a refusal, or is said with the rest. May block on storage.
    pub(in crate::api) fn held_to_profiles(mut self, gateway: &Gateway) -> Result<Self, Stop> {
        let standard = gateway.of_rest();
        if standard.policy == Policy::Off {
            return Ok(self);
        }
        let asked: Vec<&str> = standard.profiles.iter().map(String::as_str).collect();
        let problems = validate::profile::against_each(&self.value, &asked, gateway.conformance()?.profiles());
        let found: Vec<Issue> = problems.into_iter().map(Issue::from).collect();
        if standard.policy == Policy::Refuse && !validate::is_sound(&found) {
            return Err(Stop::Refused(Status::Unprocessable, found));
        }
        self.noticed.extend(found);
        Ok(self)
    }

    /// Reads a resource that was found in order before.
    pub(in crate::api) fn again(text: &'a str) -> Result<Self, Stop> {
        let value = serde_json::from_str(text).map_err(|_| Stop::because(Status::BadRequest, &rules::NOT_JSON, ""))?;
        Ok(Body { text: Cow::Borrowed(text), value, noticed: Vec::new() })
    }

    /// The id that it states.
    pub(in crate::api) fn id(&self) -> Option<&str> {
        self.value.get("id").and_then(Value::as_str)
    }

    /// Makes references relative that name what is under the base of this server: whether somebody means the patient of a
    /// record must not hang on how the address is written (http.html#root).
    pub(in crate::api) fn made_local(mut self, base: &str) -> Self {
        // A Bundle is kept as it is: it may be signed. Slashes may be written with an escape, so the text is not compared.
        let is_bundle = self.value.get("resourceType").and_then(Value::as_str) == Some("Bundle");
        if !is_bundle && self.text.contains("http") && localize(&mut self.value, base) {
            self.has_changed();
        }
        self
    }

    /// Says that `value` is another than was sent.
    pub(in crate::api) fn has_changed(&mut self) {
        self.text = Cow::Owned(self.value.to_string());
    }

    /// It as the content of a statement under an id.
    pub(in crate::api) fn content(mut self, resource_type: ResourceType, id: &ResourceId) -> Result<Content, Stop> {
        let members = Members::of(&self.text).ok_or_else(|| Stop::because(Status::BadRequest, &rules::NOT_JSON, ""))?;
        let draft = Draft::received(resource_type, id.clone(), &members, |_, _| None);
        if let Some(object) = self.value.as_object_mut() {
            object.insert("id".to_owned(), Value::from(id.as_str()));
        }
        Ok(Content::Put(Box::new(Put::new(draft, &self.value))))
    }
}

/// What a write comes to for a caller. Blocks on storage.
pub(in crate::api) fn prepare(gateway: &Gateway, caller: &Caller, asking: &Asking) -> Result<Prepared, Stop> {
    caller.may(asking.action.asks(), asking.resource_type)?;
    match asking.action {
        Action::Create => create(gateway, caller, asking),
        Action::Update => update(gateway, caller, asking),
        Action::Patch => patch(gateway, caller, asking),
        Action::Delete => delete(gateway, caller, asking),
    }
}

fn create(gateway: &Gateway, caller: &Caller, asking: &Asking) -> Result<Prepared, Stop> {
    if let Target::NewUnless(criteria) = &asking.target
        && let Some(found) = one(gateway, caller, asking.resource_type, criteria)?
    {
        return Ok(Prepared::There(found));
    }
    let body = Body::read(resource(&asking.sent)?, asking.resource_type)?
        .held_to_profiles(gateway)?
        .made_local(gateway.base_url());
    new(caller, asking.resource_type, body)
}

/// A resource that gets an id of its own.
fn new(caller: &Caller, resource_type: ResourceType, mut body: Body<'_>) -> Result<Prepared, Stop> {
    let home = home(resource_type, None, &body.value, |_| None);
    let (id, record) = assign(resource_type, home, Uuid::new_v4());
    let noticed = std::mem::take(&mut body.noticed);
    let content = body.content(resource_type, &id)?;
    let (record, expected) = (Some(record), Expected::Absent);
    let only_directory = caller.keeps_to_directory(resource_type);
    let statement = Statement { resource_type, id, record, content, expected, only_directory };
    Ok(Prepared::Statement(Box::new(statement), noticed))
}

fn update(gateway: &Gateway, caller: &Caller, asking: &Asking) -> Result<Prepared, Stop> {
    let resource_type = asking.resource_type;
    let mut body =
        Body::read(resource(&asking.sent)?, resource_type)?.held_to_profiles(gateway)?.made_local(gateway.base_url());
    let differs = || Stop::because(Status::BadRequest, &rules::ID_DIFFERS, "");
    let id = match &asking.target {
        Target::Instance(id) if body.id() == Some(id.as_str()) => id.clone(),
        Target::Instance(_) => return Err(differs()),
        Target::Matching(criteria) => match (one(gateway, caller, resource_type, criteria)?, body.id()) {
            (Some(found), None) => found.id,
            (Some(found), Some(stated)) if found.id.as_str() == stated => found.id,
            (Some(_), Some(_)) => return Err(differs()),
            (None, None) => return new(caller, resource_type, body),
            (None, Some(stated)) => ResourceId::parse(stated).ok_or_else(differs)?,
        },
        Target::New | Target::NewUnless(_) => return Err(differs()),
    };
    let expected = expected(gateway, caller, asking, &id)?;
    let noticed = std::mem::take(&mut body.noticed);
    let content = body.content(resource_type, &id)?;
    statement(caller, (resource_type, id), content, expected, noticed)
}

fn patch(gateway: &Gateway, caller: &Caller, asking: &Asking) -> Result<Prepared, Stop> {
    let resource_type = asking.resource_type;
    let id = match &asking.target {
        Target::Instance(id) => id.clone(),
        Target::Matching(criteria) => match one(gateway, caller, resource_type, criteria)? {
            Some(found) => found.id,
            None => return Err(Stop::because(Status::NotFound, &rules::NOT_FOUND, "")),
        },
        Target::New | Target::NewUnless(_) => return Err(Stop::because(Status::BadRequest, &rules::ID_DIFFERS, "")),
    };
    let (text, version) = patched(gateway, caller, asking, &id)?;
    let mut body = Body::read(&text, resource_type)?.held_to_profiles(gateway)?.made_local(gateway.base_url());
    let noticed = std::mem::take(&mut body.noticed);
    let content = body.content(resource_type, &id)?;
    // Whoever changed it meanwhile is not overwritten with what was there before.
    statement(caller, (resource_type, id), content, Expected::Version(version), noticed)
}

/// A resource as a patch makes it, and the version that was patched.
pub(super) fn patched(
    gateway: &Gateway,
    caller: &Caller,
    asking: &Asking,
    id: &ResourceId,
) -> Result<(String, u32), Stop> {
    let resource_type = asking.resource_type;
    let Some(found) = criteria::by_id(gateway, caller, resource_type, id)? else {
        return Err(match history::is_gone(gateway, caller, resource_type, id)? {
            Some(_) => Stop::because(Status::Gone, &rules::GONE, ""),
            None => Stop::because(Status::NotFound, &rules::NOT_FOUND, ""),
        });
    };
    if asking.if_match.as_ref().is_some_and(|versions| !versions.hold(found.version)) {
        return Err(changed());
    }
    let before = found.body()?;
    let text = match &asking.sent {
        Sent::JsonPatch(text) => patch::json::apply(&before, text)?,
        Sent::FhirPathPatch(text) => patch::fhirpath::apply(&before, text)?,
        Sent::Nothing | Sent::Resource(_) => {
            return Err(Stop::because(Status::UnsupportedMediaType, &rules::NOT_A_PATCH, ""));
        }
    };
    let text = patch::without_stale_narrative(&before, text);
    let body = Body::read(&text, resource_type).map_err(unprocessable)?;
    match body.id() == Some(id.as_str()) {
        true => Ok((text, found.version)),
        false => Err(Stop::because(Status::Unprocessable, &rules::PATCHED_ID, "")),
    }
}

fn delete(gateway: &Gateway, caller: &Caller, asking: &Asking) -> Result<Prepared, Stop> {
    let id = match &asking.target {
        Target::Instance(id) => id.clone(),
        Target::Matching(criteria) => match one(gateway, caller, asking.resource_type, criteria)? {
            Some(found) => found.id,
            None => return Ok(Prepared::Gone),
        },
        Target::New | Target::NewUnless(_) => return Err(Stop::because(Status::BadRequest, &rules::ID_DIFFERS, "")),
    };
    let expected = expected(gateway, caller, asking, &id)?;
    statement(caller, (asking.resource_type, id), Content::Delete, expected, Vec::new())
}

/// What must hold of what is on record, by `If-Match` and `If-None-Match`.
pub(super) fn expected(gateway: &Gateway, caller: &Caller, asking: &Asking, id: &ResourceId) -> Result<Expected, Stop> {
    // What the caller may not read it cannot probe for either: only what it sees counts as there.
    let current = |gateway| criteria::by_id(gateway, caller, asking.resource_type, id);
    match (&asking.if_match, &asking.if_none_match) {
        (None, None) => Ok(Expected::Anything),
        (Some(Versions::Any), _) => Ok(Expected::Present),
        (Some(versions), _) => match current(gateway)?.filter(|found| versions.hold(found.version)) {
            Some(found) => Ok(Expected::Version(found.version)),
            None => Err(changed()),
        },
        (None, Some(Versions::Any)) => Ok(Expected::Absent),
        (None, Some(versions)) => match current(gateway)?.filter(|found| versions.hold(found.version)) {
            Some(_) => Err(changed()),
            None => Ok(Expected::Anything),
        },
    }
}

/// The one resource that matches; more than one is a refusal (http.html#ccreate, #cond-update).
pub(super) fn one(
    gateway: &Gateway,
    caller: &Caller,
    resource_type: ResourceType,
    text: &str,
) -> Result<Option<Found>, Stop> {
    one_after(gateway, caller, resource_type, text, &After::default())
}

/// The same without what a transaction takes away.
pub(super) fn one_after(
    gateway: &Gateway,
    caller: &Caller,
    resource_type: ResourceType,
    text: &str,
    after: &After,
) -> Result<Option<Found>, Stop> {
    let mut found = criteria::find_after(gateway, caller, resource_type, text, 2, after)?;
    match (found.pop(), found.len()) {
        (None, _) => Ok(None),
        (Some(Match::There(found)), 0) => Ok(Some(found)),
        _ => Err(Stop::because(Status::PreconditionFailed, &rules::SEVERAL_MATCH, "")),
    }
}

/// About a resource that lies wherever its id says.
fn statement(
    caller: &Caller,
    (resource_type, id): (ResourceType, ResourceId),
    content: Content,
    expected: Expected,
    noticed: Vec<Issue>,
) -> Result<Prepared, Stop> {
    let (record, only_directory) = (None, caller.keeps_to_directory(resource_type));
    let statement = Statement { resource_type, id, record, content, expected, only_directory };
    Ok(Prepared::Statement(Box::new(statement), noticed))
}

fn resource(sent: &Sent) -> Result<&str, Stop> {
    match sent {
        Sent::Resource(text) => Ok(text),
        _ => Err(Stop::because(Status::BadRequest, &rules::NO_RESOURCE, "")),
    }
}

/// What is on record is not what the caller thinks.
fn changed() -> Stop {
    Stop::because(Status::PreconditionFailed, &rules::CHANGED, "")
}

/// Why a body cannot be read, and where.
fn unreadable(error: &serde_json::Error) -> Stop {
    let place = format!("line {}, column {}", error.line(), error.column());
    // The reader has a limit of its own, and no name for it.
    let is_deep = error.to_string().starts_with("recursion limit");
    Stop::because(Status::BadRequest, if is_deep { &rules::TOO_DEEP } else { &rules::NOT_JSON }, &place)
}

/// A patch that can be read and comes to something that is no resource.
fn unprocessable(stop: Stop) -> Stop {
    match stop {
        Stop::Refused(Status::BadRequest, issues) => Stop::Refused(Status::Unprocessable, issues),
        other => other,
    }
}

/// Whether a reference was made relative.
fn localize(value: &mut Value, base: &str) -> bool {
    match value {
        Value::Array(items) => items.iter_mut().fold(false, |any, item| localize(item, base) | any),
        Value::Object(members) => members.iter_mut().fold(false, |any, (name, item)| match item {
            Value::String(text) if name == "reference" => {
                let local =
                    reference::below(base, text).filter(|rest| matches!(Literal::parse(rest), Literal::Relative(..)));
                let local = local.map(str::to_owned);
                let is_local = local.is_some();
                local.into_iter().for_each(|local| *text = local);
                is_local | any
            }
            item => localize(item, base) | any,
        }),
        _ => false,
    }
}

/// How many members the objects of a value have together.
fn members(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(members).sum(),
        Value::Object(object) => object.len() + object.values().map(members).sum::<usize>(),
        _ => 0,
    }
}

/// The place of the tag by which a resource says of itself that it is a part (search.html#summary): SUBSETTED.
fn subsetted_at(resource: &Value) -> Option<usize> {
    let mut tags = resource.pointer("/meta/tag")?.as_array()?.iter();
    tags.position(|tag| tag.get("code").and_then(Value::as_str) == Some("SUBSETTED"))
}
