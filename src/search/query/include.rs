//! `_include` and `_revinclude` (R4 search.html#include).

use crate::fhir::ResourceType;
use crate::search::definition::{Definition, Kind};
use crate::search::parameters::is_served;

use super::Server;

/// What is to be added to a page.
#[derive(Clone, Debug)]
pub struct Include<'d> {
    /// The type that refers; `None` for any.
    pub source: Option<ResourceType>,
    /// By which parameter; `None` for any reference.
    pub reference: Option<&'d Definition>,
    /// The type that is referred to; `None` for any.
    pub target: Option<ResourceType>,
    /// Whether what was included is looked at too.
    pub iterate: bool,
    /// `_revinclude`: what refers is added, not what is referred to.
    pub reverse: bool,
}

impl Include<'_> {
    /// Whether a resource of a type may be among what it adds.
    pub(super) fn brings(&self, resource_type: ResourceType) -> bool {
        if self.reverse {
            return self.source.is_none_or(|source| source == resource_type);
        }
        let targets = self.reference.map(|reference| &reference.targets).filter(|targets| !targets.is_empty());
        match self.target {
            Some(target) => target == resource_type,
            None => targets.is_none_or(|targets| targets.contains(&resource_type)),
        }
    }
}

impl<'d> Include<'d> {
    /// Reads `Type:parameter`, `Type:parameter:Target`, `Type:*` or `*`; `None` where there is no such reference.
    pub(super) fn read(value: &str, server: Server<'d>, iterate: bool, reverse: bool) -> Option<Self> {
        let include = Include { source: None, reference: None, target: None, iterate, reverse };
        let mut parts = value.split(':');
        let (first, second, third) = (parts.next()?, parts.next(), parts.next());
        if parts.next().is_some() {
            return None;
        }
        if first == "*" {
            return second.is_none().then_some(include);
        }
        let source = ResourceType::parse(first).filter(|t| is_served(*t))?;
        let target = match third {
            Some(name) => Some(ResourceType::parse(name)?),
            None => None,
        };
        let reference = match second? {
            "*" => None,
            code => Some(server.definitions.find(source, code).filter(|d| d.kind == Kind::Reference)?),
        };
        let fits = |target| reference.is_none_or(|d| d.targets.is_empty() || d.targets.contains(&target));
        target.is_none_or(fits).then_some(Include { source: Some(source), reference, target, ..include })
    }
}
