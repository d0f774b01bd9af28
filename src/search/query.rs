//! A search request as what it asks for (R4 search.html). What is not understood is refused unless the caller asks for
//! leniency, and then named: a search that returns too much is a safety fault.

mod condition;
mod control;
mod everything;
mod filter;
mod include;
pub(in crate::search) mod rule;
mod text;
mod wanted;

use crate::fault::Issue;
use crate::fhir::ResourceType;
use crate::fhir::reference::is_id;

use super::compartment::compartment;
use super::definition::Kind;
use super::definitions::Definitions;
use super::facts::Parameter;
use super::page::Cursor;
use super::parameters;
use rule::{issue, past};

pub use condition::{Asked, Condition, Fast, Test, TokenFact};
pub use control::{Sort, SortBy, Summary};
pub use include::Include;
pub use text::encoded;
pub use wanted::{
    DateWanted, NumberWanted, Prefix, QuantityWanted, ReferenceWanted, StringHow, StringWanted, TokenWanted, Unit,
    UriHow, Wanted,
};

/// Matches on a page when the caller names no number.
pub const COUNT_DEFAULT: usize = 50;
/// Most matches on a page; a larger `_count` gets this many.
pub const COUNT_MAX: usize = 1000;
/// Longest query string that is read.
pub const QUERY_BYTES_MAX: usize = 16 * 1024;
/// Most values, over all parameters.
pub const VALUES_MAX: usize = 500;
/// Most references that a chain, reverse chains included, goes over.
pub const DEPTH_MAX: usize = 4;
/// Most parentheses inside one another in a `_filter`.
pub const FILTER_DEPTH_MAX: usize = 16;
/// Most `_include` and `_revinclude` of one search.
pub const INCLUDES_MAX: usize = 32;
/// Most keys that `_sort` names.
pub const SORT_KEYS_MAX: usize = 6;

/// What a search asks for.
#[derive(Clone, Debug)]
pub struct Query<'d> {
    /// Where it looks.
    pub scope: Scope,
    /// What is asked of each type that is searched.
    pub branches: Vec<Branch<'d>>,
    /// What is added to a page.
    pub includes: Vec<Include<'d>>,
    /// Matches on a page; 0 asks for the total alone.
    pub count: usize,
    /// What of each match is wanted.
    pub summary: Summary,
    /// `_elements`; empty for all.
    pub elements: Vec<Box<str>>,
    /// Where the page begins.
    pub cursor: Option<Cursor>,
    /// The parameters that were used, as they were given, for `Bundle.link[self]`.
    pub used: Vec<(String, String)>,
    /// What was left out because the caller is lenient.
    pub ignored: Vec<Issue>,
    sorted: String,
    seal: &'d [u8],
}

/// What is asked of one type.
#[derive(Clone, Debug)]
pub struct Branch<'d> {
    /// The type.
    pub resource_type: ResourceType,
    /// All must hold.
    pub conditions: Vec<Condition<'d>>,
    /// The order; ties are broken by id and type.
    pub sort: Vec<Sort<'d>>,
}

/// Where a search looks (http.html#search).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Scope {
    /// `[base]/[type]`
    Type(ResourceType),
    /// `[base]`
    System,
    /// `[base]/[compartment]/[id]/[type]`, and `/*` for every type.
    Compartment {
        /// What the compartment is of.
        of: ResourceType,
        /// Its id.
        id: Box<str>,
        /// The type that is searched; `None` for every one.
        resource_type: Option<ResourceType>,
    },
    /// `[base]/Patient/[id]/$everything`
    Everything {
        /// The Patient's id.
        id: Box<str>,
        /// How many of the records that are searched are the person's; the directory lies behind them.
        records: usize,
    },
}

/// What is said about this server that the reading of a query depends on.
#[derive(Clone, Copy, Debug)]
pub struct Server<'d> {
    /// Its base URL without the last slash: a reference by absolute URL below it is one of ours. May be empty.
    pub base: &'d str,
    /// Offset from UTC of dates that carry none, in minutes.
    pub zone_minutes: i16,
    /// Milliseconds since 1970: what `ap` of a date is measured from.
    pub now: i64,
    /// The parameters of each type.
    pub definitions: &'d Definitions,
    /// Whether unknown parameters are left out (`Prefer: handling=lenient`) rather than refused.
    pub lenient: bool,
    /// What cursors over texts are sealed with, so that no address shows a name.
    pub seal: &'d [u8],
}

impl Server<'_> {
    /// The types that are searched when none is named.
    fn types(&self) -> impl Iterator<Item = ResourceType> {
        parameters::types()
    }
}

impl Scope {
    /// Below the base URL, as links begin.
    pub fn path(&self) -> String {
        match self {
            Scope::Type(resource_type) => format!("/{}", resource_type.name()),
            Scope::System => String::new(),
            Scope::Compartment { of, id, resource_type } => {
                format!("/{}/{id}/{}", of.name(), resource_type.map_or("*", |t| t.name()))
            }
            Scope::Everything { id, .. } => format!("/Patient/{id}/$everything"),
        }
    }

    /// The one type that is searched, where it is one.
    pub fn resource_type(&self) -> Option<ResourceType> {
        match self {
            Scope::Type(resource_type) => Some(*resource_type),
            Scope::System | Scope::Everything { .. } => None,
            Scope::Compartment { resource_type, .. } => *resource_type,
        }
    }
}

impl<'d> Query<'d> {
    /// Reads a query string as it stands in a URL or in a form: percent-encoded, `+` for a space.
    pub fn parse(scope: Scope, text: &str, server: Server<'d>) -> Result<Self, Issue> {
        if text.len() > QUERY_BYTES_MAX {
            return Err(past(&rule::TOO_LONG, QUERY_BYTES_MAX));
        }
        let pairs = text::pairs(text).map_err(|name| issue(&rule::VALUE, name))?;
        Self::from_pairs(scope, &pairs, server)
    }

    /// Reads decoded pairs of name and value. A parameter without a value is left out (search.html: "empty parameters
    /// are not an error").
    pub fn from_pairs(scope: Scope, pairs: &[(String, String)], server: Server<'d>) -> Result<Self, Issue> {
        let types = match scope.resource_type() {
            Some(resource_type) => vec![resource_type],
            None => control::types(&scope, pairs, server)?,
        };
        let branch = |&resource_type: &ResourceType| {
            let conditions = inside(&scope, resource_type, server).into_iter().collect();
            Branch { resource_type, conditions, sort: Vec::new() }
        };
        let mut query = Query {
            branches: types.iter().map(branch).collect(),
            scope,
            includes: Vec::new(),
            count: COUNT_DEFAULT,
            summary: Summary::False,
            elements: Vec::new(),
            cursor: None,
            used: Vec::new(),
            ignored: Vec::new(),
            sorted: String::new(),
            seal: server.seal,
        };
        let (mut values, mut cursor) = (0, None);
        for (name, value) in pairs {
            values += 1 + value.matches(',').count();
            if values > VALUES_MAX {
                return Err(past(&rule::TOO_LONG, VALUES_MAX));
            }
            if name == "_cursor" && !value.is_empty() {
                query.once(name)?;
                cursor = Some(value);
                query.used.push((name.clone(), value.clone()));
                continue;
            }
            match query.parameter(name, value, server) {
                Ok(()) if value.is_empty() => {}
                Ok(()) => query.used.push((name.clone(), query.as_used(name, value))),
                Err(wrong) if server.lenient && may_be_ignored(name, &wrong) => {
                    query.ignored.push(issue(&rule::IGNORED, name));
                }
                Err(wrong) => return Err(wrong),
            }
        }
        query.finish(cursor, server)
    }

    fn finish(mut self, cursor: Option<&String>, server: Server<'d>) -> Result<Self, Issue> {
        if self.summary == Summary::Count {
            self.count = 0;
        }
        if self.summary == Summary::Text && !self.includes.is_empty() {
            return Err(issue(&rule::TEXT_ALONE, "_summary"));
        }
        for branch in self.branches.iter_mut().filter(|branch| branch.sort.is_empty()) {
            branch.sort = vec![Sort { by: SortBy::LastUpdated, descending: true }];
        }
        // Last, because a cursor holds for one order only.
        if let Some(text) = cursor {
            let read = Cursor::read(text, &self.order(), server.seal, server.now);
            self.cursor = Some(read.ok_or_else(|| issue(&rule::VALUE, "_cursor"))?);
        }
        Ok(self)
    }

    /// What a cursor is good for: the place that is searched and the order.
    pub fn order(&self) -> String {
        format!("{}?{}", self.scope.path(), self.sorted)
    }

    /// The query as a link repeats it, percent-encoded; `at` is where the linked page begins, `None` the first one.
    pub fn link(&self, at: Option<&Cursor>) -> String {
        let kept = self.used.iter().filter(|(name, _)| name != "_cursor");
        let mut pairs: Vec<String> =
            kept.map(|(name, value)| format!("{}={}", encoded(name), encoded(value))).collect();
        pairs.extend(at.map(|cursor| format!("_cursor={}", cursor.text(&self.order(), self.seal))));
        pairs.join("&")
    }

    /// The query of this page, percent-encoded.
    pub fn own_link(&self) -> String {
        self.link(self.cursor.as_ref())
    }

    /// Whether it looks at other resources than those that it searches.
    pub fn reaches(&self) -> bool {
        !self.includes.is_empty() || self.branches.iter().any(|b| b.conditions.iter().any(Condition::reaches))
    }

    /// Whether it may look at a resource of a type: it searches them, or includes and chains lead to them.
    pub fn looks_at(&self, resource_type: ResourceType) -> bool {
        let searches = |branch: &Branch<'_>| branch.resource_type == resource_type;
        let reaches = |branch: &Branch<'_>| branch.conditions.iter().any(|one| one.looks_at(resource_type));
        self.branches.iter().any(|branch| searches(branch) || reaches(branch))
            || self.includes.iter().any(|include| include.brings(resource_type))
    }

    /// The ids that it is limited to.
    pub fn ids(&self) -> Option<&[Box<str>]> {
        let [branch] = self.branches.as_slice() else { return None };
        branch.conditions.iter().find_map(|condition| match condition {
            Condition::Id(ids) => Some(ids.as_slice()),
            _ => None,
        })
    }

    /// The subjects that it is limited to, each with whether it can be nothing but a Patient; `None` when it is not limited.
    pub fn subjects(&self) -> Option<Vec<(&str, bool)>> {
        if let Scope::Compartment { of: ResourceType::PATIENT, id, .. } = &self.scope {
            return Some(vec![(id, true)]);
        }
        let mut named = Vec::new();
        for branch in &self.branches {
            named.extend(branch.conditions.iter().find_map(subjects)?);
        }
        Some(named)
    }

    /// The type and the values of identifiers (as hashes of the code) that it is limited to; `None` when it is not limited
    /// so.
    pub fn identifiers(&self) -> Option<(ResourceType, Vec<u64>)> {
        let [branch] = self.branches.as_slice() else { return None };
        let values = |condition: &Condition<'_>| {
            let Condition::Parameter(asked) = condition else { return None };
            let Some(Fast::Tokens(Parameter::IDENTIFIER, tokens, false)) = &asked.fast else { return None };
            let code = |token: &TokenFact| match token {
                TokenFact::Code(code) | TokenFact::Coding(_, code) => Some(*code),
                TokenFact::System(_) => None,
            };
            tokens.iter().map(code).collect::<Option<Vec<u64>>>()
        };
        Some((branch.resource_type, branch.conditions.iter().find_map(values)?))
    }

    fn parameter(&mut self, name: &str, value: &str, server: Server<'d>) -> Result<(), Issue> {
        if self.control(name, value, server)? {
            return Ok(());
        }
        if value.is_empty() {
            return self.known(name, server);
        }
        let mut read = Vec::with_capacity(self.branches.len());
        let mut unknown = None;
        for branch in &self.branches {
            match Condition::read(server, branch.resource_type, name, value, 0) {
                Ok(condition) => read.push(condition),
                Err(wrong) if wrong.rule == &rule::UNKNOWN => unknown = Some(wrong),
                Err(wrong) => return Err(wrong),
            }
        }
        match unknown {
            Some(_) if !read.is_empty() => Err(issue(&rule::NOT_COMMON, name)),
            Some(wrong) => Err(wrong),
            None => {
                let branches = self.branches.iter_mut().zip(read);
                branches.for_each(|(branch, condition)| branch.conditions.push(condition));
                Ok(())
            }
        }
    }

    /// A name without a value must be one all the same.
    fn known(&self, name: &str, server: Server<'d>) -> Result<(), Issue> {
        const OF_ALL: [&str; 7] = ["_id", "_lastUpdated", "_list", "_text", "_content", "_filter", "_has"];
        let code = name.split([':', '.']).next().unwrap_or_default();
        let has = |branch: &Branch<'_>| server.definitions.find(branch.resource_type, code).is_some();
        let known = OF_ALL.contains(&code) || self.branches.iter().all(has);
        if known { Ok(()) } else { Err(issue(&rule::UNKNOWN, name)) }
    }

    fn once(&self, name: &str) -> Result<(), Issue> {
        let twice = self.used.iter().any(|(used, _)| used == name);
        if twice { Err(issue(&rule::TWICE, name)) } else { Ok(()) }
    }
}

/// What may be left out: what is not known here. A value or a modifier that cannot be honoured is refused always.
fn may_be_ignored(name: &str, wrong: &Issue) -> bool {
    let refers = matches!(name.split(':').next(), Some("_include" | "_revinclude" | "_sort"));
    wrong.rule == &rule::UNKNOWN || wrong.rule == &rule::NO_CHAIN || (refers && wrong.rule == &rule::VALUE)
}

/// The condition of a compartment (compartmentdefinition.html); a type that is in none of its parameters is not in it.
fn inside<'d>(scope: &Scope, resource_type: ResourceType, server: Server<'d>) -> Option<Condition<'d>> {
    let Scope::Compartment { of, id, resource_type: one } = scope else { return None };
    let codes = compartment(of.name(), resource_type).iter();
    let definitions = codes.filter_map(|code| server.definitions.find(resource_type, code));
    let wanted = || vec![Wanted::Reference(ReferenceWanted::Local(vec![*of], id.clone()))];
    let points = definitions.filter(|definition| definition.kind == Kind::Reference);
    let mut any: Vec<_> =
        points.map(|definition| Condition::among(server, definition, &definition.code, wanted(), false)).collect();
    if one.is_none() && resource_type == *of && is_id(id) {
        any.push(Condition::Id(vec![id.clone()]));
    }
    Some(if any.len() == 1 { any.remove(0) } else { Condition::Any(any) })
}

/// Whom a condition names, where it is about the subject of a record.
fn subjects<'q>(condition: &'q Condition<'_>) -> Option<Vec<(&'q str, bool)>> {
    let Condition::Parameter(asked) = condition else { return None };
    let Test::Among { wanted, negated: false } = &asked.test else { return None };
    if !matches!(&*asked.definition.code, "patient" | "subject" | "beneficiary" | "individual") {
        return None;
    }
    let one = |wanted: &'q Wanted| match wanted {
        Wanted::Reference(ReferenceWanted::Local(types, id)) => {
            let may_be = types.is_empty() || types.contains(&ResourceType::PATIENT);
            may_be.then_some((&**id, types.as_slice() == [ResourceType::PATIENT]))
        }
        _ => None,
    };
    wanted.iter().map(one).collect()
}

#[cfg(test)]
mod tests;
