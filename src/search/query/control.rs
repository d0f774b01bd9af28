//! The parameters that say how results are given (R4 search.html#return): `_count`, `_sort`, `_summary` and their like.

use crate::fault::Issue;
use crate::fhir::ResourceType;
use crate::search::compartment::compartment;
use crate::search::definition::{Definition, Kind};
use crate::search::parameters::is_served;

use super::include::Include;
use super::rule::{self, issue, past};
use super::{Branch, COUNT_MAX, INCLUDES_MAX, Query, SORT_KEYS_MAX, Scope, Server};

/// One key of the order.
#[derive(Clone, Copy, Debug)]
pub struct Sort<'d> {
    /// By what.
    pub by: SortBy<'d>,
    /// Largest first.
    pub descending: bool,
}

/// What matches are ordered by.
#[derive(Clone, Copy, Debug)]
pub enum SortBy<'d> {
    /// `_lastUpdated`
    LastUpdated,
    /// `_id`
    Id,
    /// Resources of this type before all others, which come in the order of `_lastUpdated` (`$everything`).
    First(ResourceType),
    /// A parameter.
    Parameter(&'d Definition),
}

/// `_summary` (search.html#summary)
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Summary {
    /// The elements that are marked as summary.
    True,
    /// The narrative, and what is mandatory.
    Text,
    /// All but the narrative.
    Data,
    /// The number of matches alone.
    Count,
    /// Everything.
    False,
}

/// The types of a search that names none in its address: `_type`, or every one that is served and belongs there.
pub(super) fn types(scope: &Scope, pairs: &[(String, String)], server: Server<'_>) -> Result<Vec<ResourceType>, Issue> {
    // The audit record is no part of what is searched here.
    let inside = |resource_type: ResourceType| match scope {
        Scope::Compartment { of, .. } => *of == resource_type || !compartment(of.name(), resource_type).is_empty(),
        _ => resource_type != ResourceType::AUDIT_EVENT,
    };
    let Some((name, value)) = pairs.iter().find(|(name, value)| name == "_type" && !value.is_empty()) else {
        return Ok(server.types().filter(|t| inside(*t)).collect());
    };
    let mut types = Vec::new();
    for one in value.split(',') {
        let read = ResourceType::parse(one).filter(|t| is_served(*t)).ok_or_else(|| issue(&rule::VALUE, name))?;
        if read == ResourceType::AUDIT_EVENT {
            return Err(issue(&rule::VALUE, name));
        }
        if inside(read) && !types.contains(&read) {
            types.push(read);
        }
    }
    Ok(types)
}

impl<'d> Query<'d> {
    /// Takes a parameter that is none of a resource's; `false` when it is one.
    pub(super) fn control(&mut self, name: &str, value: &str, server: Server<'d>) -> Result<bool, Issue> {
        let wrong = || issue(&rule::VALUE, name);
        let (code, modifier) = name.split_once(':').map_or((name, None), |(code, rest)| (code, Some(rest)));
        if let "_include" | "_revinclude" = code {
            let iterate = match modifier {
                None => false,
                Some("iterate") => true,
                Some(_) => return Err(issue(&rule::MODIFIER, name)),
            };
            if value.is_empty() {
                return Ok(true);
            }
            if self.includes.len() >= INCLUDES_MAX {
                return Err(past(&rule::TOO_LONG, INCLUDES_MAX));
            }
            let include = Include::read(value, server, iterate, code == "_revinclude").ok_or_else(wrong)?;
            self.includes.push(include);
            return Ok(true);
        }
        const CONTROLS: [&str; 12] = [
            "_format",
            "_pretty",
            "_cursor",
            "_total",
            "_summary",
            "_elements",
            "_count",
            "_sort",
            "_type",
            "_contained",
            "_containedType",
            "_query",
        ];
        if !CONTROLS.contains(&code) || (code == "_type" && self.scope.resource_type().is_some()) {
            return Ok(false);
        }
        if modifier.is_some() {
            return Err(issue(&rule::MODIFIER, name));
        }
        if code == "_query" {
            return Err(issue(&rule::NO_QUERY, name));
        }
        if !value.is_empty() {
            self.once(name)?;
            self.take(code, value, server).ok_or_else(wrong)?;
        }
        Ok(true)
    }

    fn take(&mut self, code: &str, value: &str, server: Server<'d>) -> Option<()> {
        match code {
            "_total" => matches!(value, "none" | "estimate" | "accurate").then_some(())?,
            "_contained" => (value == "false").then_some(())?,
            "_containedType" => matches!(value, "container" | "contained").then_some(())?,
            "_summary" => {
                self.summary = match value {
                    "true" => Summary::True,
                    "text" => Summary::Text,
                    "data" => Summary::Data,
                    // Like `_count=0`, whichever comes first.
                    "count" => Summary::Count,
                    "false" => Summary::False,
                    _ => return None,
                };
            }
            "_elements" => {
                let sound =
                    |name: &str| !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'.');
                self.elements = value.split(',').map(|name| sound(name).then(|| name.into())).collect::<Option<_>>()?;
            }
            "_count" => self.count = count(value)?,
            "_sort" => self.sort(value, server)?,
            // Formats are negotiated elsewhere; types were read first.
            _ => {}
        }
        Some(())
    }

    fn sort(&mut self, value: &str, server: Server<'d>) -> Option<()> {
        let names: Vec<&str> = value.split(',').collect();
        if names.len() > SORT_KEYS_MAX {
            return None;
        }
        let mut orders = Vec::with_capacity(self.branches.len());
        for branch in &self.branches {
            orders.push(names.iter().map(|name| key(branch, name, server)).collect::<Option<Vec<_>>>()?);
        }
        self.branches.iter_mut().zip(orders).for_each(|(branch, order)| branch.sort = order);
        value.clone_into(&mut self.sorted);
        Some(())
    }

    /// The value that was used, where it is not the one that was given.
    pub(super) fn as_used(&self, name: &str, value: &str) -> String {
        if name == "_count" { self.count.to_string() } else { value.to_owned() }
    }
}

fn key<'d>(branch: &Branch<'_>, name: &str, server: Server<'d>) -> Option<Sort<'d>> {
    let (name, descending) = name.strip_prefix('-').map_or((name, false), |name| (name, true));
    let by = match name {
        "_lastUpdated" => SortBy::LastUpdated,
        "_id" => SortBy::Id,
        code => {
            let definition = server.definitions.find(branch.resource_type, code)?;
            let ordered = !matches!(definition.kind, Kind::Composite | Kind::Special);
            SortBy::Parameter(Some(definition).filter(|_| ordered)?)
        }
    };
    Some(Sort { by, descending })
}

pub(super) fn count(value: &str) -> Option<usize> {
    let digits = !value.is_empty() && value.len() <= 9 && value.bytes().all(|b| b.is_ascii_digit());
    digits.then(|| value.parse().ok()).flatten().map(|count: usize| count.min(COUNT_MAX))
}
