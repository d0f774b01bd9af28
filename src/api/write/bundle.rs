//! The Bundle of a batch or transaction as it is sent (http.html#transaction): its entries, each with what it asks for.

use std::borrow::Cow;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::{Action, Asking, Sent, Stop, Target, rules};
use crate::api::conditional::{self, Versions};
use crate::api::routes::printable;
use crate::fault::{Issue, Place, Status};
use crate::fhir::time::Interval;
use crate::fhir::{ResourceId, ResourceType, base64, reference};

/// Entries of one Bundle.
pub(in crate::api) const ENTRIES_MAX: usize = 50_000;
/// Offset of instants that carry none: Japan's.
const ZONE_MINUTES: i16 = 540;

/// A Bundle to be processed.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct Bundle<'a> {
    #[serde(rename = "resourceType")]
    resource_type: Cow<'a, str>,
    #[serde(rename = "type", default)]
    pub(in crate::api) kind: Cow<'a, str>,
    #[serde(borrow, default)]
    pub(in crate::api) entry: Vec<Entry<'a>>,
}

/// An entry as it is sent.
#[derive(Debug, Deserialize)]
pub(in crate::api) struct Entry<'a> {
    #[serde(rename = "fullUrl")]
    pub(in crate::api) full_url: Option<String>,
    #[serde(borrow)]
    pub(in crate::api) resource: Option<&'a RawValue>,
    request: Option<Request>,
}

/// Bundle.entry.request
#[derive(Debug, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Request {
    method: Option<String>,
    url: Option<String>,
    if_match: Option<String>,
    if_none_match: Option<String>,
    if_modified_since: Option<String>,
    if_none_exist: Option<String>,
}

/// What an entry asks for.
#[derive(Debug)]
pub(in crate::api) enum Wish {
    /// A read of some kind.
    Read(Read),
    /// A write.
    Write(Box<Asking>),
}

/// A read that an entry asks for.
#[derive(Clone, Debug)]
pub(in crate::api) struct Read {
    /// Path and query below the base.
    pub(in crate::api) url: String,
    /// `ifNoneMatch`
    pub(in crate::api) if_none_match: Option<Versions>,
    /// `ifModifiedSince`, milliseconds since 1970
    pub(in crate::api) if_modified_since: Option<i64>,
    /// Whether its body is not wanted.
    pub(in crate::api) is_head: bool,
    /// What is sent to the operation that it calls, where it calls one by POST.
    pub(in crate::api) sent: Option<String>,
}

impl<'a> Bundle<'a> {
    /// Reads a batch or transaction.
    pub(in crate::api) fn read(text: &'a str) -> Result<Self, Stop> {
        let bundle: Bundle<'_> = serde_json::from_str(text).map_err(|error| {
            let place = format!("line {}, column {}", error.line(), error.column());
            Stop::because(Status::BadRequest, &rules::NOT_JSON, &place)
        })?;
        if bundle.resource_type != "Bundle" || !matches!(&*bundle.kind, "batch" | "transaction") {
            return Err(Stop::because(Status::BadRequest, &rules::NOT_A_TRANSACTION, ""));
        }
        if bundle.entry.len() > ENTRIES_MAX {
            return Err(Stop::because(Status::TooLarge, &rules::ENTRIES, &ENTRIES_MAX.to_string()));
        }
        Ok(bundle)
    }
}

impl Entry<'_> {
    /// What it asks for; `base` is the URL of this server, which addresses may begin with.
    pub(in crate::api) fn wish(&self, base: &str) -> Result<Wish, Stop> {
        let missing = || Stop::because(Status::BadRequest, &rules::NO_REQUEST, "");
        let request = self.request.as_ref().ok_or_else(missing)?;
        if self.full_url.as_ref().is_some_and(|url| url.contains("/_history/")) {
            return Err(Stop::because(Status::BadRequest, &rules::FULL_URL_VERSION, ""));
        }
        let (method, url) = request.method.as_deref().zip(request.url.as_deref()).ok_or_else(missing)?;
        let url = reference::below(base, url).unwrap_or(url);
        if url.contains("://") || url.starts_with("urn:") {
            return Err(Stop::because(Status::BadRequest, &rules::URL, ""));
        }
        let action = match method {
            "GET" | "HEAD" => {
                let url = url.trim_start_matches('/').to_owned();
                let if_none_match = versions(&request.if_none_match)?;
                let if_modified_since = instant(&request.if_modified_since)?;
                return Ok(Wish::Read(Read {
                    url,
                    if_none_match,
                    if_modified_since,
                    is_head: method == "HEAD",
                    sent: None,
                }));
            }
            "POST" if is_operation(url) => {
                let (url, sent) = (url.trim_start_matches('/').to_owned(), self.resource.map(|raw| raw.get()));
                let sent = Some(sent.unwrap_or_default().to_owned());
                return Ok(Wish::Read(Read {
                    url,
                    if_none_match: None,
                    if_modified_since: None,
                    is_head: false,
                    sent,
                }));
            }
            "POST" => Action::Create,
            "PUT" => Action::Update,
            "PATCH" => Action::Patch,
            "DELETE" => Action::Delete,
            _ => return Err(missing()),
        };
        let (resource_type, target) = target(action, url, request.if_none_exist.as_deref())?;
        let sent = self.sent(action)?;
        let (if_match, if_none_match) = (versions(&request.if_match)?, versions(&request.if_none_match)?);
        Ok(Wish::Write(Box::new(Asking { action, resource_type, target, sent, if_match, if_none_match })))
    }

    fn sent(&self, action: Action) -> Result<Sent, Stop> {
        match (action, self.resource) {
            (Action::Delete, _) => Ok(Sent::Nothing),
            (_, None) => Err(Stop::because(Status::BadRequest, &rules::NO_RESOURCE, "")),
            (Action::Create | Action::Update, Some(resource)) => Ok(Sent::Resource(resource.get().to_owned())),
            (Action::Patch, Some(resource)) => patch(resource.get()),
        }
    }
}

/// Whether an address is one at which an operation is called (operations.html#executing).
fn is_operation(url: &str) -> bool {
    let path = url.split_once('?').map_or(url, |(path, _)| path);
    path.rsplit('/').next().is_some_and(|last| last.starts_with('$'))
}

/// A patch: Parameters as they are, or a Binary that holds a JSON Patch (http.html#patch).
fn patch(resource: &str) -> Result<Sent, Stop> {
    #[derive(Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Binary {
        resource_type: String,
        content_type: Option<String>,
        data: Option<String>,
    }
    let wrong = || Stop::because(Status::BadRequest, &rules::NOT_A_PATCH, "");
    let binary: Binary = serde_json::from_str(resource).map_err(|_| wrong())?;
    let kind = binary.content_type.as_deref().and_then(|kind| kind.split(';').next()).map(str::trim);
    match (binary.resource_type.as_str(), kind, binary.data) {
        ("Parameters", _, _) => Ok(Sent::FhirPathPatch(resource.to_owned())),
        ("Binary", Some("application/json-patch+json"), Some(data)) => {
            let bytes = base64::decode(&data).ok_or_else(wrong)?;
            String::from_utf8(bytes).map(Sent::JsonPatch).map_err(|_| wrong())
        }
        _ => Err(wrong()),
    }
}

/// The type that an address names, and which of its resources.
fn target(action: Action, url: &str, if_none_exist: Option<&str>) -> Result<(ResourceType, Target), Stop> {
    let wrong = || Stop::because(Status::BadRequest, &rules::URL, "");
    let (path, query) = url.split_once('?').map_or((url, None), |(path, query)| (path, Some(query)));
    let mut parts = path.trim_matches('/').split('/');
    let name = parts.next().filter(|name| !name.is_empty()).ok_or_else(wrong)?;
    let unknown = || Stop::because(Status::NotFound, &crate::api::rules::NO_SUCH_TYPE, &printable(name));
    let resource_type = ResourceType::parse(name).ok_or_else(unknown)?;
    let (id, more) = (parts.next(), parts.next());
    let criteria = |text| conditional::criteria(text, resource_type.name()).ok_or_else(wrong);
    let target = match (action, id, query, more) {
        (Action::Create, None, None, None) => match if_none_exist {
            Some(text) => Target::NewUnless(criteria(text)?),
            None => Target::New,
        },
        (Action::Update | Action::Patch | Action::Delete, Some(id), None, None) => {
            Target::Instance(ResourceId::parse(id).ok_or_else(wrong)?)
        }
        (Action::Update | Action::Patch | Action::Delete, None, Some(query), None) => {
            Target::Matching(criteria(query)?)
        }
        _ => return Err(wrong()),
    };
    Ok((resource_type, target))
}

fn versions(text: &Option<String>) -> Result<Option<Versions>, Stop> {
    let read = |text: &str| Versions::parse(text);
    match text {
        None => Ok(None),
        Some(text) => match read(text) {
            Some(versions) => Ok(Some(versions)),
            None => Err(Stop::because(Status::BadRequest, &rules::MALFORMED, "")),
        },
    }
}

/// `ifModifiedSince`, unlike its header, is an instant (bundle.html).
fn instant(text: &Option<String>) -> Result<Option<i64>, Stop> {
    let read = |text: &String| Interval::parse(text, ZONE_MINUTES).map(|interval| interval.start);
    match text {
        None => Ok(None),
        Some(text) => match read(text) {
            Some(instant) => Ok(Some(instant)),
            None => Err(Stop::because(Status::BadRequest, &rules::MALFORMED, "")),
        },
    }
}

/// The same with the places of its issues below the entry.
pub(in crate::api) fn at_entry(stop: Stop, entry: usize) -> Stop {
    match stop {
        Stop::Refused(status, issues) => {
            Stop::Refused(status, issues.into_iter().map(|issue| below(issue, entry)).collect())
        }
        other => other,
    }
}

fn below(mut issue: Issue, entry: usize) -> Issue {
    issue.place = Place::Path(match &issue.place {
        Place::Path(path) => {
            let rest = path.split_once('.').map_or_else(String::new, |(_, rest)| format!(".{rest}"));
            Cow::Owned(format!("Bundle.entry[{entry}].resource{rest}"))
        }
        _ => Cow::Owned(format!("Bundle.entry[{entry}]")),
    });
    issue
}
