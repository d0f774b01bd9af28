//! What the caller of a write is told: status, headers, and as much of the resource as it prefers.

use super::rules;
use crate::api::answer::Answer;
use crate::api::criteria::Found;
use crate::api::prefer::{Content, Prefer};
use crate::consent::{Caller, Permitted};
use crate::fault::{Fault, Issue, Place, Status};
use crate::fhir::{ResourceId, ResourceType};
use crate::pipeline::{Stated, Was};

use super::{Action, Stop};

/// What became of a write.
#[derive(Debug)]
pub(in crate::api) struct Told {
    pub(in crate::api) status: Status,
    pub(in crate::api) resource_type: ResourceType,
    /// The resource that is meant; `None` when there is none.
    pub(in crate::api) id: Option<ResourceId>,
    /// Its version and when that was stored, milliseconds since 1970.
    pub(in crate::api) version: Option<(u32, i64)>,
    /// It as it is now.
    pub(in crate::api) body: Option<Permitted<Vec<u8>>>,
    /// What there is to say of it as it was sent.
    noticed: Vec<Issue>,
}

impl Told {
    /// Of a statement that was written.
    pub(in crate::api) fn stated(
        caller: &Caller,
        action: Action,
        stated: Stated,
        noticed: Vec<Issue>,
    ) -> Result<Self, Stop> {
        let status = match (action, stated.was) {
            (Action::Delete, _) => Status::NoContent,
            (Action::Patch, _) | (_, Was::Version(_)) => Status::Ok,
            (_, Was::Nothing | Was::Deleted) => Status::Created,
        };
        let body = match stated.body.is_empty() {
            true => None,
            false => Some(Permitted::as_stated(caller, stated.resource_type, stated.body.into_bytes())?),
        };
        Ok(Told {
            status,
            resource_type: stated.resource_type,
            id: Some(stated.id),
            version: (stated.version > 0).then_some((stated.version, stated.last_updated)),
            body,
            noticed,
        })
    }

    /// Of a conditional create that found what is there.
    pub(in crate::api) fn there(found: Found) -> Result<Self, Fault> {
        let version = Some((found.version, found.last_updated));
        let (resource_type, id) = (found.resource_type, Some(found.id.clone()));
        let (body, noticed) = (Some(found.release()?), Vec::new());
        Ok(Told { status: Status::Ok, resource_type, id, version, body, noticed })
    }

    /// Of a delete where there was nothing.
    pub(in crate::api) fn gone(resource_type: ResourceType) -> Self {
        Told { status: Status::NoContent, resource_type, id: None, version: None, body: None, noticed: Vec::new() }
    }

    /// `[type]/[id]/_history/[version]`.
    pub(in crate::api) fn location(&self) -> Option<String> {
        let (id, (version, _)) = (self.id.as_ref()?, self.version?);
        Some(format!("{}/{}/_history/{version}", self.resource_type.name(), id.as_str()))
    }

    /// An OperationOutcome that says that it is done, and what else there is to say of what was sent.
    pub(in crate::api) fn outcome(&self) -> Answer {
        let (status, rule) = match self.status {
            Status::NoContent => (Status::Ok, &rules::DELETED),
            status => (status, &rules::WRITTEN),
        };
        let issues: Vec<Issue> = [Issue::new(rule, Place::Whole)].into_iter().chain(self.noticed.clone()).collect();
        Answer::outcome(status, &issues)
    }

    /// The answer, with as much as the caller prefers (http.html#return).
    pub(in crate::api) fn answer(self, base: &str, prefer: Prefer) -> Answer {
        let location = self.location().filter(|_| self.status != Status::NoContent);
        let outcome = self.outcome();
        let answer = match (prefer.content, self.body) {
            (Some(Content::OperationOutcome), _) => outcome,
            (Some(Content::Minimal), _) | (_, None) => Answer::empty(self.status),
            (_, Some(body)) => Answer::ok(body).with_status(self.status),
        };
        let answer = match self.version {
            Some((version, modified)) => answer.with_version(version, modified),
            None => answer,
        };
        match location {
            Some(location) => answer.at(format!("{base}/{location}")),
            None => answer,
        }
    }
}

impl From<Stop> for Answer {
    fn from(stop: Stop) -> Self {
        match stop {
            Stop::Refused(status, issues) => Answer::outcome(status, &issues),
            Stop::Denied(denied) => Answer::from(denied),
            Stop::Failed(fault) => Answer::from(fault),
        }
    }
}
