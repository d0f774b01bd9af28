//! The conditions of a query: names with their modifiers, chains and reverse chains (R4 search.html#modifiers, #chaining,
//! #has), each with the values it takes.

use crate::fault::Issue;
use crate::fhir::ResourceType;
use crate::fhir::reference::is_id;
use crate::fhir::time::Interval;
use crate::search::compare;
use crate::search::definition::{Definition, Kind};
use crate::search::facts::{
    DateFact, Parameter, Token, caseless_hash, folded_hash, reference_hash, system_hash, token_hash,
};
use crate::search::parameters::{self, is_served};
use crate::search::strings::folded_for_search as fold;

use super::filter;
use super::rule::{self, issue, past};
use super::text;
use super::wanted::{self, DateWanted, Form, Modifier, Prefix, ReferenceWanted, TokenWanted, UriHow, Wanted};
use super::{DEPTH_MAX, Server};

/// What must hold for a row.
#[derive(Clone, Debug)]
pub enum Condition<'d> {
    /// `_id`
    Id(Vec<Box<str>>),
    /// `_lastUpdated`
    LastUpdated(Vec<DateWanted>),
    /// A parameter of the type.
    Parameter(Box<Asked<'d>>),
    /// What a reference points to is one of these, for one of the types.
    Chain {
        /// The reference.
        reference: &'d Definition,
        /// For each type it may point to, what must hold there.
        targets: Vec<(ResourceType, Condition<'d>)>,
    },
    /// `_has`: something of another type points here.
    Has {
        /// The other type.
        resource_type: ResourceType,
        /// By which it points here.
        reference: &'d Definition,
        /// What must hold there.
        condition: Box<Condition<'d>>,
    },
    /// `_list`: it is an item of one of these Lists.
    List(Vec<Box<str>>),
    /// `_text`: words of the narrative, folded, all of them.
    Narrative(Vec<Box<str>>),
    /// `_content`: words anywhere.
    Content(Vec<Box<str>>),
    /// When what it tells of was so, where it says (`$everything`).
    Care(Interval),
    /// None of it.
    Not(Box<Condition<'d>>),
    /// All of them.
    All(Vec<Condition<'d>>),
    /// One of them.
    Any(Vec<Condition<'d>>),
}

/// A parameter and what is asked of its values.
#[derive(Clone, Debug)]
pub struct Asked<'d> {
    /// The parameter.
    pub definition: &'d Definition,
    /// Its name in the query, for issues.
    pub name: Box<str>,
    /// What is asked.
    pub test: Test,
    /// The same on facts, where they suffice.
    pub fast: Option<Fast>,
}

/// What is asked of the values of a parameter.
#[derive(Clone, Debug, PartialEq)]
pub enum Test {
    /// `:missing`: whether there is none.
    Missing(bool),
    /// One of these is among them; or, negated, none is.
    Among {
        /// The OR list.
        wanted: Vec<Wanted>,
        /// `:not`, `:not-in`
        negated: bool,
    },
}

/// A parameter judged on facts.
#[derive(Clone, Debug, PartialEq)]
pub enum Fast {
    /// Tokens, references, uris.
    Tokens(Parameter, Vec<TokenFact>, bool),
    /// Dates.
    Dates(Parameter, Vec<DateWanted>),
    /// Whether there are tokens.
    NoToken(Parameter, bool),
    /// Whether there are dates.
    NoDate(Parameter, bool),
}

impl Fast {
    /// Whether it holds for these facts of a row.
    pub fn holds(&self, tokens: &[Token], dates: &[DateFact]) -> bool {
        match self {
            Fast::Tokens(parameter, wanted, negated) => {
                let mut of_kind = tokens.iter().filter(|token| token.parameter == *parameter);
                of_kind.any(|token| wanted.iter().any(|wanted| wanted.is(token))) != *negated
            }
            Fast::Dates(parameter, wanted) => {
                let of_kind = || {
                    let facts = dates.iter().filter(|date| date.parameter == *parameter);
                    facts.map(|date| Interval { start: date.start, end: date.end })
                };
                wanted.iter().any(|wanted| match wanted.prefix {
                    // There is a date, and none is this one.
                    Prefix::Ne => of_kind().next().is_some() && of_kind().all(|stated| compare::date(stated, wanted)),
                    _ => of_kind().any(|stated| compare::date(stated, wanted)),
                })
            }
            Fast::NoToken(parameter, missing) => tokens.iter().all(|token| token.parameter != *parameter) == *missing,
            Fast::NoDate(parameter, missing) => dates.iter().all(|date| date.parameter != *parameter) == *missing,
        }
    }
}

impl TokenFact {
    fn is(self, token: &Token) -> bool {
        match self {
            TokenFact::Code(code) => token.code == code,
            TokenFact::Coding(system, code) => token.code == code && token.system == system,
            TokenFact::System(system) => token.system == system,
        }
    }
}

/// A token as asked for, as hashes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TokenFact {
    /// `code`: in any system.
    Code(u64),
    /// `system|code`, and `|code` with system 0.
    Coding(u64, u64),
    /// `system|`: any code of it.
    System(u64),
}

impl<'d> Condition<'d> {
    /// Reads one parameter of a type. `depth` counts the references that were gone over already.
    pub(super) fn read(
        server: Server<'d>,
        resource_type: ResourceType,
        name: &str,
        value: &str,
        depth: usize,
    ) -> Result<Self, Issue> {
        let wrong = || issue(&rule::VALUE, name);
        if let Some(rest) = name.strip_prefix("_has:") {
            return has(server, resource_type, name, rest, value, depth);
        }
        let at = name.find([':', '.']).unwrap_or(name.len());
        let (code, rest) = name.split_at(at);
        if let Some(condition) = of_every_type(server, resource_type, code, rest, value, depth) {
            return condition.map_err(|wrong| wrong.unwrap_or_else(|| issue(&rule::VALUE, name)));
        }
        let definition = server.definitions.find(resource_type, code).ok_or_else(|| issue(&rule::UNKNOWN, name))?;
        if rest.contains('.') {
            return chain(server, definition, name, rest, value, depth);
        }
        let Some((modifier, negated)) = modifier(rest) else { return Err(issue(&rule::MODIFIER, name)) };
        if let Modified::Missing = modifier {
            return Ok(Condition::missing(definition, name, boolean(value).ok_or_else(wrong)?));
        }
        let modifier = if let Modified::By(modifier) = modifier { Some(modifier) } else { None };
        let form = Form::of(definition);
        let offered = modifier.is_none_or(|modifier| form.takes(modifier)) && (!negated || is_token(definition));
        if !offered {
            return Err(issue(&rule::MODIFIER, name));
        }
        let items = text::items(value).ok_or_else(wrong)?;
        let wanted: Option<Vec<Wanted>> = items.iter().map(|one| form.read(one, modifier, server)).collect();
        Ok(Condition::among(server, definition, name, wanted.ok_or_else(wrong)?, negated))
    }

    /// A parameter of which one of the values is wanted; or, negated, none.
    pub(super) fn among(
        server: Server<'d>,
        definition: &'d Definition,
        name: &str,
        wanted: Vec<Wanted>,
        negated: bool,
    ) -> Self {
        let fast = fast(definition, &wanted, negated, server.base);
        Condition::Parameter(Box::new(Asked {
            definition,
            name: name.into(),
            test: Test::Among { wanted, negated },
            fast,
        }))
    }

    /// A parameter of which there is a value, or none.
    pub(super) fn missing(definition: &'d Definition, name: &str, missing: bool) -> Self {
        let (test, fast) = (Test::Missing(missing), missing_fast(definition, missing));
        Condition::Parameter(Box::new(Asked { definition, name: name.into(), test, fast }))
    }

    /// Whether judging it looks at other resources than the row.
    pub fn reaches(&self) -> bool {
        match self {
            Condition::Chain { .. } | Condition::Has { .. } | Condition::List(_) => true,
            Condition::Not(inner) => inner.reaches(),
            Condition::All(all) | Condition::Any(all) => all.iter().any(Condition::reaches),
            Condition::Parameter(asked) => match &asked.test {
                Test::Among { wanted, .. } => wanted.iter().any(|one| match one {
                    // Whether it is that of one type is looked up.
                    Wanted::Reference(wanted) => wanted.is_of_any_type(),
                    _ => false,
                }),
                Test::Missing(_) => false,
            },
            _ => false,
        }
    }

    /// Whether it may look at a resource of a type, other than those that are searched.
    pub fn looks_at(&self, resource_type: ResourceType) -> bool {
        match self {
            Condition::Chain { targets, .. } => {
                targets.iter().any(|(of, inner)| *of == resource_type || inner.looks_at(resource_type))
            }
            Condition::Has { resource_type: of, condition, .. } => {
                *of == resource_type || condition.looks_at(resource_type)
            }
            Condition::Not(inner) => inner.looks_at(resource_type),
            Condition::All(all) | Condition::Any(all) => all.iter().any(|inner| inner.looks_at(resource_type)),
            // Lists, and ids of any type, lead anywhere.
            other => other.reaches(),
        }
    }
}

/// Parameters that every resource has and that no definition is needed for (search.html#all). The error without an issue
/// is a value that cannot be read.
fn of_every_type<'d>(
    server: Server<'d>,
    resource_type: ResourceType,
    code: &str,
    rest: &str,
    value: &str,
    depth: usize,
) -> Option<Result<Condition<'d>, Option<Issue>>> {
    let read = || -> Option<Condition<'d>> {
        Some(match code {
            "_id" => Condition::Id(ids(value)?),
            "_lastUpdated" => {
                let dates = text::values(value)?;
                let dates: Option<Vec<_>> = dates.iter().map(|one| DateWanted::read(one, server)).collect();
                Condition::LastUpdated(dates?)
            }
            // `_list=$current-problems` and its like are not kept here: `$` is no id.
            "_list" => Condition::List(ids(value.strip_prefix("List/").unwrap_or(value))?),
            "_text" => Condition::Narrative(words(value)?),
            "_content" => Condition::Content(words(value)?),
            _ => return None,
        })
    };
    let refused = || Some(Err(Some(issue(&rule::MODIFIER, &format!("{code}{rest}")))));
    match (code, rest) {
        ("_filter", "") => Some(filter::read(server, resource_type, value, depth).map_err(Some)),
        ("_id" | "_lastUpdated", ":missing") => Some(match boolean(value) {
            // Every resource has them.
            Some(true) => Ok(Condition::Any(Vec::new())),
            Some(false) => Ok(Condition::All(Vec::new())),
            None => Err(None),
        }),
        ("_id", ":not") => Some(ids(value).map(|ids| Condition::Not(Box::new(Condition::Id(ids)))).ok_or(None)),
        ("_id" | "_lastUpdated" | "_list" | "_text" | "_content", "") => Some(read().ok_or(None)),
        ("_id" | "_lastUpdated" | "_list" | "_text" | "_content" | "_filter", _) => refused(),
        _ => None,
    }
}

fn ids(value: &str) -> Option<Vec<Box<str>>> {
    text::values(value)?.into_iter().map(|id| is_id(&id).then(|| id.into())).collect()
}

fn words(value: &str) -> Option<Vec<Box<str>>> {
    let folded = fold(&text::unescaped(value)?);
    let words: Vec<Box<str>> = folded.split_whitespace().map(Box::from).collect();
    (!words.is_empty()).then_some(words)
}

fn boolean(value: &str) -> Option<bool> {
    match value {
        "true" => Some(true),
        "false" => Some(false),
        _ => None,
    }
}

enum Modified {
    Missing,
    By(Modifier),
    Plain,
}

/// What stands behind the name, and whether it negates.
fn modifier(rest: &str) -> Option<(Modified, bool)> {
    use Modified::By;
    Some(match rest.strip_prefix(':') {
        None => (Modified::Plain, false),
        Some("missing") => (Modified::Missing, false),
        Some("not") => (Modified::Plain, true),
        Some("exact") => (By(Modifier::Exact), false),
        Some("contains") => (By(Modifier::Contains), false),
        Some("text") => (By(Modifier::Text), false),
        Some("in") => (By(Modifier::In), false),
        Some("not-in") => (By(Modifier::In), true),
        Some("above") => (By(Modifier::Above), false),
        Some("below") => (By(Modifier::Below), false),
        Some("of-type") => (By(Modifier::OfType), false),
        Some("identifier") => (By(Modifier::Identifier), false),
        Some(name) => (By(Modifier::Type(ResourceType::parse(name)?)), false),
    })
}

fn is_token(definition: &Definition) -> bool {
    definition.kind == Kind::Token
}

/// `reference.rest=value`, `reference:Type.rest=value`.
fn chain<'d>(
    server: Server<'d>,
    definition: &'d Definition,
    name: &str,
    rest: &str,
    value: &str,
    depth: usize,
) -> Result<Condition<'d>, Issue> {
    let (modifier, rest) = rest.split_once('.').unwrap_or((rest, ""));
    let only = match modifier.strip_prefix(':') {
        None => None,
        Some(name_of_type) => {
            let targets = wanted::targets(definition);
            let fits = |t: &ResourceType| targets.is_empty() || targets.contains(t);
            let only = ResourceType::parse(name_of_type).filter(fits);
            Some(only.ok_or_else(|| issue(&rule::MODIFIER, name))?)
        }
    };
    over(server, definition, only, name, depth, &|target| Condition::read(server, target, rest, value, depth + 1))
}

/// A chain over a reference, of what `read` makes for each type it may point to. Without a type, those that have the
/// parameter count (search.html#chaining).
pub(super) fn over<'d>(
    server: Server<'d>,
    definition: &'d Definition,
    only: Option<ResourceType>,
    name: &str,
    depth: usize,
    read: &dyn Fn(ResourceType) -> Result<Condition<'d>, Issue>,
) -> Result<Condition<'d>, Issue> {
    if definition.kind != Kind::Reference {
        return Err(issue(&rule::MODIFIER, name));
    }
    if depth >= DEPTH_MAX {
        return Err(past(&rule::TOO_DEEP, DEPTH_MAX));
    }
    let types: Vec<ResourceType> = match only {
        Some(only) => vec![only],
        None if definition.targets.is_empty() => server.types().collect(),
        None => wanted::targets(definition).iter().copied().filter(|t| is_served(*t)).collect(),
    };
    let (mut targets, mut refused) = (Vec::new(), None);
    for target in types {
        match read(target) {
            Ok(condition) => targets.push((target, condition)),
            Err(wrong) => refused = refused.filter(|old: &Issue| old.rule != &rule::UNKNOWN).or(Some(wrong)),
        }
    }
    match refused {
        Some(wrong) if targets.is_empty() && wrong.rule == &rule::TOO_DEEP => Err(wrong),
        Some(wrong) if targets.is_empty() => {
            Err(issue(if wrong.rule == &rule::UNKNOWN { &rule::NO_CHAIN } else { wrong.rule }, name))
        }
        _ => Ok(Condition::Chain { reference: definition, targets }),
    }
}

/// `_has:Type:reference:rest=value`.
fn has<'d>(
    server: Server<'d>,
    pointed: ResourceType,
    name: &str,
    rest: &str,
    value: &str,
    depth: usize,
) -> Result<Condition<'d>, Issue> {
    if depth >= DEPTH_MAX {
        return Err(past(&rule::TOO_DEEP, DEPTH_MAX));
    }
    let mut parts = rest.splitn(3, ':');
    let (Some(of), Some(by), Some(rest)) = (parts.next(), parts.next(), parts.next()) else {
        return Err(issue(&rule::MODIFIER, name));
    };
    let unknown = || issue(&rule::UNKNOWN, name);
    let resource_type = ResourceType::parse(of).filter(|t| is_served(*t)).ok_or_else(unknown)?;
    let points = |d: &&Definition| d.kind == Kind::Reference && (d.targets.is_empty() || d.targets.contains(&pointed));
    let reference = server.definitions.find(resource_type, by).filter(points).ok_or_else(unknown)?;
    let condition = Condition::read(server, resource_type, rest, value, depth + 1)
        .map_err(|wrong| if wrong.rule == &rule::TOO_DEEP { wrong } else { issue(wrong.rule, name) })?;
    Ok(Condition::Has { resource_type, reference, condition: Box::new(condition) })
}

/// Dates and uris are facts whole; of tokens and references those without a code or a target are not.
fn missing_fast(definition: &Definition, missing: bool) -> Option<Fast> {
    let parameter = definition.parameter;
    match definition.kind {
        _ if !definition.is_kept() => None,
        Kind::Date => Some(Fast::NoDate(parameter, missing)),
        Kind::Uri => Some(Fast::NoToken(parameter, missing)),
        _ => None,
    }
}

/// The hashes that a code may be kept by, each once.
fn hashes(code: &str) -> impl Iterator<Item = u64> {
    let (plain, caseless) = (folded_hash(code), caseless_hash(code));
    std::iter::once(plain).chain((caseless != plain).then_some(caseless))
}

/// The same on facts, where every value can be judged on them.
fn fast(definition: &Definition, wanted: &[Wanted], negated: bool, base: &str) -> Option<Fast> {
    if !definition.is_kept() {
        return None;
    }
    if definition.kind == Kind::Date {
        let dates: Option<Vec<DateWanted>> =
            wanted.iter().map(|one| if let Wanted::Date(date) = one { Some(*date) } else { None }).collect();
        return Some(Fast::Dates(definition.parameter, dates?));
    }
    let mut tokens = Vec::with_capacity(wanted.len());
    for one in wanted {
        match one {
            // With its case, for those that tell it, and without, for those that do not.
            Wanted::Token(TokenWanted::Code(code)) => tokens.extend(hashes(code).map(TokenFact::Code)),
            Wanted::Token(TokenWanted::Coding(system, code)) => {
                let system = system_hash(system);
                tokens.extend(hashes(code).map(|code| TokenFact::Coding(system, code)));
            }
            Wanted::Token(TokenWanted::System(system)) => tokens.push(TokenFact::System(system_hash(system))),
            Wanted::Reference(ReferenceWanted::Local(types, id)) => {
                let all = if types.is_empty() { parameters::types().collect() } else { types.clone() };
                for of in all {
                    tokens.push(TokenFact::Coding(0, reference_hash(of, id)));
                    // By its URL here.
                    let url = (!base.is_empty()).then(|| token_hash(&format!("{base}/{}/{id}", of.name())));
                    tokens.extend(url.map(|url| TokenFact::Coding(0, url)));
                }
            }
            Wanted::Reference(ReferenceWanted::Url(url)) | Wanted::Uri(UriHow::Exact, url) => {
                tokens.push(TokenFact::Coding(0, token_hash(url)));
            }
            Wanted::Reference(ReferenceWanted::Nothing) => {}
            _ => return None,
        }
    }
    Some(Fast::Tokens(definition.parameter, tokens, negated))
}
