//! SMART scopes (SMART App Launch 2.2, "Scopes for requesting FHIR resources"): what a token may be used for at most. Role
//! and consent decide within them; a scope never opens anything.
//!
//! A scope may name search parameters (`system/Observation.rs?category=laboratory`). Then it is about the rows for which
//! they hold, judged on the facts that are stored with every version; every other row is not there. Parameters that facts do
//! not suffice for (chains, texts, numbers) are not granted, nor is writing by such a scope.

use std::fmt;
use std::sync::Arc;

use super::permitted::RowFacts;
use crate::fhir::ResourceType;
use crate::search::parameters;
use crate::search::query::{Condition, Fast, Prefix, Scope as Searched, Server};
use crate::search::{Definitions, Query};

/// Scopes that one request may name.
pub const SCOPES_MAX: usize = 100;
/// Scopes that one token carries; what goes beyond is not granted.
pub const GRANTED_MAX: usize = 100;
/// Longest scope that is read, bytes.
pub const SCOPE_BYTES_MAX: usize = 1024;

/// Offset of dates in a scope that carry none: Japan Standard Time.
const ZONE_MINUTES: i16 = 540;

/// What may be done with resources: a set of the interactions `c`, `r`, `u`, `d`, `s`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Rights(u8);

/// One scope of a system: a type or all of them, what may be done, and for which rows.
#[derive(Clone, Debug)]
pub struct Scope {
    /// As it is said to the client.
    text: Box<str>,
    /// `None` for every type.
    resource_type: Option<ResourceType>,
    rights: Rights,
    /// The parameters as they were written, without the question mark.
    criteria: Box<str>,
    /// The same on facts; all must hold.
    filter: Box<[Fast]>,
}

/// What a caller may do at most; or anything that its role includes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Scopes(Option<Arc<[Scope]>>);

impl Rights {
    /// `c`
    pub const CREATE: Rights = Rights(1);
    /// `r`: read, vread, history of one resource.
    pub const READ: Rights = Rights(2);
    /// `u`: update and patch.
    pub const UPDATE: Rights = Rights(4);
    /// `d`
    pub const DELETE: Rights = Rights(8);
    /// `s`: search, history of a type and of the system.
    pub const SEARCH: Rights = Rights(16);
    /// Whatever shows a resource.
    pub const SEEING: Rights = Rights(2 | 16);
    const ALL: Rights = Rights(31);
    const LETTERS: [(char, Rights); 5] = [
        ('c', Rights::CREATE),
        ('r', Rights::READ),
        ('u', Rights::UPDATE),
        ('d', Rights::DELETE),
        ('s', Rights::SEARCH),
    ];

    /// Each of the set.
    pub fn each(self) -> impl Iterator<Item = Rights> {
        Rights::LETTERS.into_iter().map(|(_, right)| right).filter(move |right| self.meets(*right))
    }

    /// Whether the sets have something in common.
    pub fn meets(self, other: Rights) -> bool {
        self.0 & other.0 != 0
    }

    /// What both have.
    pub fn and(self, other: Rights) -> Rights {
        Rights(self.0 & other.0)
    }

    /// What either has.
    pub fn or(self, other: Rights) -> Rights {
        Rights(self.0 | other.0)
    }

    /// `cruds`, each letter at most once and in this order; and the words of SMART 1 (`read`, `write`, `*`).
    fn parse(text: &str) -> Option<Rights> {
        match text {
            "read" => return Some(Rights::SEEING),
            "write" => return Some(Rights::CREATE.or(Rights::UPDATE).or(Rights::DELETE)),
            "*" => return Some(Rights::ALL),
            _ => {}
        }
        let (mut rights, mut letters) = (Rights::default(), Rights::LETTERS.into_iter());
        for letter in text.chars() {
            rights = rights.or(letters.find(|(known, _)| *known == letter)?.1);
        }
        (rights != Rights::default()).then_some(rights)
    }
}

/// `cruds`
impl fmt::Display for Rights {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let own = Rights::LETTERS.into_iter().filter(|(_, right)| self.meets(*right));
        own.map(|(letter, _)| letter).collect::<String>().fmt(f)
    }
}

impl Scope {
    /// Reads a scope as it is written, letter by letter: nothing is decoded, trimmed or folded. `None` for one that is not
    /// of a system, that R4 does not know, or that cannot be judged on facts.
    pub fn parse(text: &str) -> Option<Scope> {
        if text.len() > SCOPE_BYTES_MAX {
            return None;
        }
        let (name, criteria) = text.split_once('?').map_or((text, None), |(name, criteria)| (name, Some(criteria)));
        let (named, rights) = name.strip_prefix("system/")?.split_once('.')?;
        let resource_type = match named {
            "*" => None,
            named => Some(ResourceType::parse(named).filter(|of| parameters::is_served(*of))?),
        };
        let rights = Rights::parse(rights)?;
        let (criteria, filter) = match (criteria, resource_type) {
            (None, _) => ("", Box::default()),
            (Some(criteria), Some(resource_type)) => (criteria, filter(resource_type, criteria)?),
            // Each type has parameters of its own.
            (Some(_), None) => return None,
        };
        Some(Scope { text: text.into(), resource_type, rights, criteria: criteria.into(), filter })
    }

    /// Everything: what a client may be granted of which nothing else is said.
    pub fn all() -> Scope {
        let text = "system/*.cruds".into();
        Scope { text, resource_type: None, rights: Rights::ALL, criteria: "".into(), filter: Box::default() }
    }

    /// As it is said to the client.
    pub fn text(&self) -> &str {
        &self.text
    }

    /// What both allow, of which `role` says what the role includes; `None` where that is nothing.
    fn within(&self, most: &Scope, role: &impl Fn(Rights, Option<ResourceType>) -> bool) -> Option<Scope> {
        let resource_type = match (self.resource_type, most.resource_type) {
            (Some(own), Some(other)) if own != other => return None,
            (own, other) => own.or(other),
        };
        let criteria = match (&*self.criteria, &*most.criteria) {
            (own, "") => own.to_owned(),
            ("", other) => other.to_owned(),
            (own, other) if own == other => own.to_owned(),
            (own, other) => format!("{own}&{other}"),
        };
        let seeing = if criteria.is_empty() { Rights::ALL } else { Rights::SEEING };
        let common = self.rights.and(most.rights).and(seeing);
        let rights = common.each().filter(|right| role(*right, resource_type)).fold(Rights::default(), Rights::or);
        if rights == Rights::default() {
            return None;
        }
        let is_whole = resource_type == self.resource_type && rights == self.rights && *criteria == *self.criteria;
        let text = match (is_whole, criteria.as_str()) {
            (true, _) => self.text.to_string(),
            (false, "") => format!("system/{}.{rights}", resource_type.map_or("*", |of| of.name())),
            (false, criteria) => format!("system/{}.{rights}?{criteria}", resource_type.map_or("*", |of| of.name())),
        };
        let same = *self.criteria == *most.criteria;
        let filter = self.filter.iter().chain(most.filter.iter().filter(|_| !same)).cloned().collect();
        Some(Scope { text: text.into(), resource_type, rights, criteria: criteria.into(), filter })
    }

    fn is_about(&self, right: Rights, resource_type: ResourceType) -> bool {
        self.rights.meets(right) && self.resource_type.is_none_or(|own| own == resource_type)
    }

    /// Whether it names search parameters, and so only some of the rows.
    pub fn is_granular(&self) -> bool {
        !self.criteria.is_empty()
    }
}

/// What they say, not how the filter is made.
impl PartialEq for Scope {
    fn eq(&self, other: &Self) -> bool {
        self.resource_type == other.resource_type && self.rights == other.rights && self.criteria == other.criteria
    }
}

impl Eq for Scope {}

impl Scopes {
    /// No bound: whatever the role includes.
    pub const UNBOUNDED: Scopes = Scopes(None);

    /// These and nothing else.
    pub fn of(scopes: Vec<Scope>) -> Scopes {
        Scopes(Some(scopes.into()))
    }

    /// What is granted of a request: the scopes that are understood, as far as `most` allows them and `role` includes them
    /// ("a server may grant fewer", RFC 6749 section 3.3). `None` for a text that is no list of scopes, or too long a one.
    pub fn granted(asked: &str, most: &[Scope], role: impl Fn(Rights, Option<ResourceType>) -> bool) -> Option<Scopes> {
        let is_scope = |b: u8| matches!(b, 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
        let written: Vec<&str> = asked.split(' ').filter(|one| !one.is_empty()).collect();
        if written.len() > SCOPES_MAX || !written.iter().all(|one| one.bytes().all(is_scope)) {
            return None;
        }
        let mut granted: Vec<Scope> = Vec::new();
        for scope in written.into_iter().filter_map(Scope::parse) {
            for one in most.iter().filter_map(|most| scope.within(most, &role)) {
                if !granted.contains(&one) && granted.len() < GRANTED_MAX {
                    granted.push(one);
                }
            }
        }
        Some(Scopes::of(granted))
    }

    /// Whether nothing is allowed.
    pub fn is_empty(&self) -> bool {
        self.0.as_ref().is_some_and(|scopes| scopes.is_empty())
    }

    /// Whether one of these rights is allowed for some resources of a type.
    pub fn include(&self, rights: Rights, resource_type: ResourceType) -> bool {
        let Some(scopes) = &self.0 else { return true };
        scopes.iter().any(|scope| scope.is_about(rights, resource_type))
    }

    /// Whether a row may be seen by one of these rights.
    pub fn show(&self, rights: Rights, row: &RowFacts<'_>) -> bool {
        let Some(scopes) = &self.0 else { return true };
        let holds = |scope: &Scope| scope.filter.iter().all(|fast| fast.holds(row.tokens, row.dates));
        scopes.iter().any(|scope| scope.is_about(rights, row.resource_type) && holds(scope))
    }

    /// The list as a token response says it; empty without a bound.
    pub fn text(&self) -> String {
        let texts: Vec<&str> = self.0.iter().flat_map(|scopes| scopes.iter()).map(Scope::text).collect();
        texts.join(" ")
    }
}

/// Criteria as what facts say; `None` when facts do not suffice for all of them.
fn filter(resource_type: ResourceType, criteria: &str) -> Option<Box<[Fast]>> {
    let server = Server {
        base: "",
        zone_minutes: ZONE_MINUTES,
        now: 0,
        definitions: Definitions::base(),
        lenient: false,
        seal: &[],
    };
    let query = Query::parse(Searched::Type(resource_type), criteria, server).ok()?;
    let [branch] = query.branches.as_slice() else { return None };
    let fast = |condition: &Condition<'_>| match condition {
        Condition::Parameter(asked) => asked.fast.clone().filter(|fast| !is_about_now(fast)),
        _ => None,
    };
    let filter: Box<[Fast]> = branch.conditions.iter().map(fast).collect::<Option<_>>()?;
    // What is no condition (_sort, an empty value) would be left out, and the scope be wider than it reads.
    (filter.len() == criteria.split('&').count()).then_some(filter)
}

/// Whether it means something else tomorrow (`ap` of dates).
fn is_about_now(fast: &Fast) -> bool {
    matches!(fast, Fast::Dates(_, wanted) if wanted.iter().any(|one| one.prefix == Prefix::Ap))
}

#[cfg(test)]
mod tests;
