//! What one value of a parameter asks for (R4 search.html#ptypes): the grammar of each kind, with its prefix or modifier.

use crate::fhir::decimal::Decimal;
use crate::fhir::reference::{Literal, below, is_id};
use crate::fhir::time::Interval;
use crate::fhir::{ResourceId, ResourceType, oid, system, ucum};
use crate::search::definition::{Component, Definition, Kind};
use crate::search::facts::folded;
use crate::search::read::Plan;
use crate::search::strings::folded_for_search as fold;

use super::Server;
use super::text;

/// One value of an OR list.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    /// A date.
    Date(DateWanted),
    /// A number.
    Number(NumberWanted),
    /// A quantity.
    Quantity(Box<QuantityWanted>),
    /// A string.
    String(StringWanted),
    /// A token.
    Token(TokenWanted),
    /// `:text` of a token: the beginning of its display or text, folded.
    Display(Box<str>),
    /// `:of-type` of an Identifier: system and code of its type, and its value.
    OfType(Box<[Box<str>; 3]>),
    /// `:in` a value set, by its URL; `:not-in` is the same, negated.
    Member(Box<str>),
    /// `:above` or `:below` a code of a system that knows a hierarchy.
    Subsumed {
        /// The system.
        system: Box<str>,
        /// The code; itself is among them.
        code: Box<str>,
        /// Which way.
        above: bool,
    },
    /// A reference.
    Reference(ReferenceWanted),
    /// `:identifier` of a reference.
    Identifier(TokenWanted),
    /// A uri.
    Uri(UriHow, Box<str>),
    /// A composite: one for each component.
    Composite(Vec<Wanted>),
    /// `near` a place.
    Near {
        /// Degrees north.
        latitude: f64,
        /// Degrees east.
        longitude: f64,
        /// Metres from there, at most.
        metres: f64,
    },
}

/// search.html#prefix
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the standard's codes
pub enum Prefix {
    Eq,
    Ne,
    Lt,
    Gt,
    Ge,
    Le,
    Sa,
    Eb,
    Ap,
}

/// A date as asked for: the prefix and what the date covers; of `ap`, what is near it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DateWanted {
    /// How to compare.
    pub prefix: Prefix,
    /// With what.
    pub interval: Interval,
}

/// A number as asked for.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct NumberWanted {
    /// How to compare.
    pub prefix: Prefix,
    /// With what, exactly.
    pub value: Decimal,
    /// The least that its precision covers (search.html#number).
    pub low: Decimal,
    /// The first above what its precision covers.
    pub high: Decimal,
    /// Whether it was written with an exponent, whose precision counts against integers too.
    pub exponent: bool,
}

/// A quantity as asked for.
#[derive(Clone, Debug, PartialEq)]
pub struct QuantityWanted {
    /// The number.
    pub number: NumberWanted,
    /// The unit.
    pub unit: Unit,
    /// The same in canonical units, where the unit is UCUM's.
    pub canonical: Option<(NumberWanted, String)>,
}

/// search.html#quantity
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Unit {
    /// `5.4`: of whatever unit.
    Any,
    /// `5.4|system|code`
    Coded(Box<str>, Box<str>),
    /// `5.4||code`: the code of a unit, or the unit as people write it.
    Named(Box<str>),
}

/// A string as asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StringWanted {
    /// How to compare.
    pub how: StringHow,
    /// The text: folded, unless it is compared exactly.
    pub text: Box<str>,
}

/// search.html#string
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StringHow {
    /// The beginning, whatever the case, accents and punctuation.
    Start,
    /// `:contains`: the same anywhere.
    Anywhere,
    /// The whole, whatever the case, accents and punctuation (`_filter`, eq).
    Whole,
    /// The end, likewise (`_filter`, ew).
    End,
    /// `:exact`
    Exact,
}

/// A token as asked for (search.html#token), in normal width, the system by its canonical name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum TokenWanted {
    /// `code`: in any system.
    Code(Box<str>),
    /// `system|code`, and `|code` with an empty system.
    Coding(Box<str>, Box<str>),
    /// `system|`: any code of it.
    System(Box<str>),
}

/// A reference as asked for (search.html#reference).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ReferenceWanted {
    /// A resource here: its id and the types it may be of, empty for any; with the absolute URL it has.
    Local(Vec<ResourceType>, Box<str>),
    /// A URL elsewhere, a urn, a canonical.
    Url(Box<str>),
    /// What this parameter cannot refer to.
    Nothing,
}

/// search.html#uri
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriHow {
    /// The whole, byte for byte.
    Exact,
    /// `:below`: itself and what it is the beginning of.
    Below,
    /// `:above`: itself and what is its beginning.
    Above,
}

/// A modifier that says how a value is compared; the others are read with the name.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Modifier {
    Exact,
    Contains,
    Text,
    In,
    Above,
    Below,
    OfType,
    Identifier,
    Type(ResourceType),
}

/// How a parameter takes a value: what of its definition the grammar needs.
#[derive(Clone, Copy)]
pub(super) struct Form<'a> {
    kind: Kind,
    code: &'a str,
    targets: &'a [ResourceType],
    components: &'a [Component],
    /// A token that has no system: a ContactPoint, a uri, a boolean.
    is_bare: bool,
}

/// The types that a reference parameter may point to; `patient` is about Patients, where its elements may name Groups.
pub(super) fn targets(definition: &Definition) -> &[ResourceType] {
    const PATIENT: &[ResourceType] = &[ResourceType::PATIENT];
    let only = &*definition.code == "patient" && definition.targets.contains(&ResourceType::PATIENT);
    if only { PATIENT } else { &definition.targets }
}

impl<'a> Form<'a> {
    pub(super) fn of(definition: &'a Definition) -> Self {
        Form {
            kind: definition.kind,
            code: &definition.code,
            targets: targets(definition),
            components: &definition.components,
            is_bare: definition.kind == Kind::Token && is_bare(&definition.plan),
        }
    }

    /// Whether values of this kind may be asked for with a modifier (search.html#modifiers).
    pub(super) fn takes(self, modifier: Modifier) -> bool {
        use Modifier as M;
        match self.kind {
            Kind::String => matches!(modifier, M::Exact | M::Contains),
            Kind::Token => matches!(modifier, M::Text | M::In | M::Above | M::Below | M::OfType),
            Kind::Reference => matches!(modifier, M::Identifier | M::Type(_)),
            Kind::Uri => matches!(modifier, M::Above | M::Below),
            _ => false,
        }
    }

    /// Reads one value, still escaped; `None` when it is not of the kind's form.
    pub(super) fn read(self, value: &str, modifier: Option<Modifier>, server: Server<'_>) -> Option<Wanted> {
        match (self.kind, modifier) {
            (Kind::Date, _) => DateWanted::read(&text::unescaped(value)?, server).map(Wanted::Date),
            (Kind::Number, _) => NumberWanted::read(&text::unescaped(value)?).map(Wanted::Number),
            (Kind::Quantity, _) => quantity(value),
            (Kind::String, modifier) => string(&text::unescaped(value)?, modifier),
            // search.html#token: there the pipe symbol SHALL NOT be used.
            (Kind::Token, None) if self.is_bare && text::parts(value)?.len() > 1 => None,
            (Kind::Token, None) => TokenWanted::read(value).map(Wanted::Token),
            (Kind::Token, Some(modifier)) => modified_token(value, modifier),
            (Kind::Reference, Some(Modifier::Identifier)) => TokenWanted::read(value).map(Wanted::Identifier),
            (Kind::Reference, Some(Modifier::Type(only))) => {
                reference(&text::unescaped(value)?, &[only], server.base).map(Wanted::Reference)
            }
            (Kind::Reference, _) => {
                reference(&text::unescaped(value)?, self.targets, server.base).map(Wanted::Reference)
            }
            (Kind::Uri, modifier) => uri(&text::unescaped(value)?, modifier),
            (Kind::Composite, _) => self.composite(value, server),
            (Kind::Special, _) if self.code == "near" => near(value),
            (Kind::Special, _) => None,
        }
    }

    fn composite(self, value: &str, server: Server<'_>) -> Option<Wanted> {
        let parts: Vec<&str> = text::split(value, '$').collect();
        if parts.len() != self.components.len() || parts.iter().any(|part| part.is_empty()) {
            return None;
        }
        let read = |(part, component): (&&str, &Component)| {
            let targets = &component.targets;
            let form = Form { kind: component.kind, code: "", targets, components: &[], is_bare: false };
            form.read(part, None, server)
        };
        parts.iter().zip(self.components).map(read).collect::<Option<Vec<_>>>().map(Wanted::Composite)
    }
}

/// Whether all that a parameter reads are ContactPoints, uris or booleans.
fn is_bare(plan: &Plan) -> bool {
    let bare = |found: &str| matches!(found, "ContactPoint" | "boolean" | "uri" | "url" | "canonical" | "oid" | "uuid");
    let all = plan.branches();
    plan.presence().is_some() || (!all.is_empty() && all.iter().all(|branch| bare(branch.found)))
}

impl Prefix {
    /// The prefix of a value, and what stands behind it.
    fn split(text: &str) -> (Prefix, &str) {
        const ALL: [(&str, Prefix); 9] = [
            ("eq", Prefix::Eq),
            ("ne", Prefix::Ne),
            ("lt", Prefix::Lt),
            ("gt", Prefix::Gt),
            ("ge", Prefix::Ge),
            ("le", Prefix::Le),
            ("sa", Prefix::Sa),
            ("eb", Prefix::Eb),
            ("ap", Prefix::Ap),
        ];
        ALL.iter()
            .find_map(|(name, prefix)| text.strip_prefix(name).map(|rest| (*prefix, rest)))
            .unwrap_or((Prefix::Eq, text))
    }
}

impl DateWanted {
    /// Reads `[prefix]date`. Approximately is within a tenth of the time between now and the date (search.html#prefix).
    pub(super) fn read(text: &str, server: Server<'_>) -> Option<Self> {
        let (prefix, rest) = Prefix::split(text);
        let mut interval = Interval::parse(rest, server.zone_minutes)?;
        if prefix == Prefix::Ap {
            let slack = server.now.saturating_sub(interval.start).saturating_abs() / 10;
            interval.start = interval.start.saturating_sub(slack);
            interval.end = interval.end.saturating_add(slack);
        }
        Some(DateWanted { prefix, interval })
    }
}

impl NumberWanted {
    /// Reads `[prefix]number`.
    pub fn read(text: &str) -> Option<Self> {
        let (prefix, rest) = Prefix::split(text);
        let value = Decimal::parse(rest)?;
        // search.html#number: 1e2 stands for 95 to 105, where its last digit alone would give 50 to 150.
        let half = if value.scale() < 0 { Decimal::new(5, value.scale() + 2)? } else { value.half_step() };
        let around = |half: Decimal| value.plus(half).unwrap_or(value);
        let (low, high) = (around(half.negate()), around(half));
        Some(NumberWanted { prefix, value, low, high, exponent: rest.contains(['e', 'E']) })
    }
}

fn quantity(value: &str) -> Option<Wanted> {
    let parts = text::parts(value)?;
    let mut parts = parts.into_iter();
    let number = NumberWanted::read(&parts.next()?)?;
    let unit = match (parts.next(), parts.next(), parts.next()) {
        (None, ..) => Unit::Any,
        (Some(system), Some(code), None) if system.is_empty() && code.is_empty() => Unit::Any,
        (Some(system), Some(code), None) if system.is_empty() => Unit::Named(code.into()),
        (Some(system), Some(code), None) => Unit::Coded(oid::canonical(&system).into(), code.into()),
        _ => return None,
    };
    let canonical = match &unit {
        Unit::Coded(name, code) if **name == *system::UCUM => canonical(number, code),
        _ => None,
    };
    Some(Wanted::Quantity(Box::new(QuantityWanted { number, unit, canonical })))
}

/// The number and its precision in canonical units.
fn canonical(number: NumberWanted, code: &str) -> Option<(NumberWanted, String)> {
    let (value, unit) = ucum::canonical(number.value, code)?;
    let (low, _) = ucum::canonical(number.low, code)?;
    let (high, _) = ucum::canonical(number.high, code)?;
    Some((NumberWanted { value, low, high, ..number }, unit))
}

fn string(text: &str, modifier: Option<Modifier>) -> Option<Wanted> {
    Some(Wanted::String(StringWanted::new(
        text,
        match modifier {
            None => StringHow::Start,
            Some(Modifier::Contains) => StringHow::Anywhere,
            _ => StringHow::Exact,
        },
    )))
}

impl StringWanted {
    /// A text, to be compared in some way.
    pub(super) fn new(text: &str, how: StringHow) -> Self {
        let text: Box<str> = if how == StringHow::Exact { text.into() } else { fold(text).into() };
        // Of punctuation alone nothing is left, and nothing would match everything.
        let how = if text.is_empty() { StringHow::Exact } else { how };
        StringWanted { how, text }
    }
}

impl ReferenceWanted {
    /// Whether it is an id alone that resources of several types may have: one that was derived here is of one type.
    pub fn is_of_any_type(&self) -> bool {
        let ReferenceWanted::Local(types, id) = self else { return false };
        types.len() != 1 && ResourceId::parse(id).is_some_and(|id| !id.is_derived())
    }
}

impl TokenWanted {
    /// Reads `code`, `system|code`, `|code`, `system|`.
    pub(super) fn read(value: &str) -> Option<Self> {
        let parts = text::parts(value)?;
        match parts.as_slice() {
            [code] if !code.is_empty() => Some(TokenWanted::Code(width(code))),
            [system, code] if code.is_empty() => {
                (!system.is_empty()).then(|| TokenWanted::System(oid::canonical(system).into()))
            }
            [system, code] => Some(TokenWanted::Coding(oid::canonical(system).into(), width(code))),
            _ => None,
        }
    }
}

fn width(code: &str) -> Box<str> {
    folded(code).into()
}

fn modified_token(value: &str, modifier: Modifier) -> Option<Wanted> {
    let parts = text::parts(value)?;
    match (modifier, parts.as_slice()) {
        (Modifier::Text, [text]) => Some(fold(text)).filter(|text| !text.is_empty()).map(|t| Wanted::Display(t.into())),
        (Modifier::In, [url]) => Some(Wanted::Member(url.as_str().into())),
        // A canonical with its version, unescaped.
        (Modifier::In, [url, version]) => Some(Wanted::Member(format!("{url}|{version}").into())),
        (Modifier::Above | Modifier::Below, [system, code]) if !system.is_empty() && !code.is_empty() => {
            let (system, code) = (oid::canonical(system).into(), width(code));
            Some(Wanted::Subsumed { system, code, above: modifier == Modifier::Above })
        }
        (Modifier::OfType, [system, code, value]) if parts.iter().all(|part| !part.is_empty()) => {
            Some(Wanted::OfType(Box::new([oid::canonical(system).into(), width(code), width(value)])))
        }
        _ => None,
    }
}

/// `id`, `Type/id`, an absolute URL, a urn.
fn reference(text: &str, targets: &[ResourceType], base: &str) -> Option<ReferenceWanted> {
    let ours = below(base, text);
    let literal = ours.unwrap_or(text);
    if is_id(literal) && ours.is_none() {
        return Some(ReferenceWanted::Local(targets.to_vec(), literal.into()));
    }
    let fits = |resource_type| targets.is_empty() || targets.contains(&resource_type);
    match Literal::parse(literal) {
        Literal::Relative(resource_type, id) if fits(resource_type) => {
            Some(ReferenceWanted::Local(vec![resource_type], id.into()))
        }
        // Something of another type cannot be referred to here: it matches nothing.
        Literal::Relative(..) => Some(ReferenceWanted::Nothing),
        Literal::Absolute(url, local) => Some(match local {
            Some((resource_type, _)) if !fits(resource_type) => ReferenceWanted::Nothing,
            _ => ReferenceWanted::Url(url.into()),
        }),
        Literal::Urn(urn) => Some(ReferenceWanted::Url(urn.into())),
        Literal::Contained | Literal::Other => None,
    }
}

/// Whole URLs only have a hierarchy: what stands above `urn:oid:1.2` is not above `urn:oid:1.23` (search.html#uri).
fn uri(text: &str, modifier: Option<Modifier>) -> Option<Wanted> {
    let how = match modifier {
        Some(Modifier::Below) => UriHow::Below,
        Some(Modifier::Above) => UriHow::Above,
        _ => UriHow::Exact,
    };
    (how == UriHow::Exact || text.contains("://")).then(|| Wanted::Uri(how, text.into()))
}

/// `latitude|longitude[|distance[|units]]` (location.html#search); 10 km when no distance is named.
fn near(value: &str) -> Option<Wanted> {
    let parts = text::parts(value)?;
    let number = |at: usize| parts.get(at).and_then(|part| part.parse::<f64>().ok()).filter(|n| n.is_finite());
    let (latitude, longitude) = (number(0)?, number(1)?);
    let unit = match parts.get(3).map(String::as_str) {
        None | Some("" | "km") => 1000.0,
        Some("m") => 1.0,
        Some("[mi_i]" | "[mi_us]") => 1609.344,
        Some(_) => return None,
    };
    let distance = match parts.get(2).map(String::as_str) {
        None | Some("") => 10.0,
        Some(_) => number(2)?,
    };
    let sound = parts.len() <= 4 && latitude.abs() <= 90.0 && longitude.abs() <= 180.0 && distance >= 0.0;
    sound.then_some(Wanted::Near { latitude, longitude, metres: distance * unit })
}
