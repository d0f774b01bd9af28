//! Writes over REST (http.html#create, #update, #patch, #delete): what a request, or an entry of a Bundle, asks for; what it
//! comes to as a statement; and what its caller is told.

mod answer;
pub(super) mod bundle;
mod links;
pub(super) mod prepare;
mod reference;
pub(super) mod rules;
mod sent;
pub(super) mod single;
pub(super) mod transaction;

pub(super) use answer::Told;
pub(super) use prepare::{Prepared, Stop, prepare};

use super::conditional::Versions;
use crate::fhir::{ResourceId, ResourceType};

/// A write as it is asked for.
#[derive(Clone, Debug)]
pub(super) struct Asking {
    /// What is to be done.
    pub(super) action: Action,
    /// With a resource of this type.
    pub(super) resource_type: ResourceType,
    /// With which.
    pub(super) target: Target,
    /// What is sent: the resource as JSON, or a patch.
    pub(super) sent: Sent,
    /// `If-Match`.
    pub(super) if_match: Option<Versions>,
    /// `If-None-Match`.
    pub(super) if_none_match: Option<Versions>,
}

/// What is to be done.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Action {
    /// http.html#create
    Create,
    /// http.html#update
    Update,
    /// http.html#patch
    Patch,
    /// http.html#delete
    Delete,
}

impl Action {
    /// What a caller must be allowed for it.
    pub(super) fn asks(self) -> crate::consent::Action {
        match self {
            Action::Create => crate::consent::Action::Create,
            Action::Update | Action::Patch => crate::consent::Action::Update,
            Action::Delete => crate::consent::Action::Delete,
        }
    }
}

/// Which resource is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Target {
    /// A new one.
    New,
    /// A new one, unless one matches these criteria (http.html#ccreate).
    NewUnless(String),
    /// The one with this id.
    Instance(ResourceId),
    /// The one that matches these criteria (http.html#cond-update, `#3.1.0.7.1`).
    Matching(String),
}

/// What was sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Sent {
    /// Nothing.
    Nothing,
    /// A resource as JSON.
    Resource(String),
    /// RFC 6902.
    JsonPatch(String),
    /// fhirpatch.html: a Parameters resource as JSON.
    FhirPathPatch(String),
}

impl Target {
    /// Whether it depends on what a search finds.
    pub(super) fn is_conditional(&self) -> bool {
        matches!(self, Target::NewUnless(_) | Target::Matching(_))
    }
}
