//! Elements of R4 types as values of the kinds of search parameters (search.html#table: which types each kind is for).

use serde_json::Value as Json;

use crate::fhir::ResourceType;
use crate::fhir::decimal::Decimal;
use crate::fhir::oid;
use crate::fhir::reference::{Literal, below, resource_type};
use crate::fhir::time::Interval;
use crate::search::definition::Kind;
use crate::search::facts::is_case_sensitive;
use crate::search::plan::{Branch, Step};
use crate::search::value::{Quantity, Reference, Target, Token, Value};

use super::{Reading, walk};

/// The system of the currency of a Money (ISO 4217).
const CURRENCIES: &str = "urn:iso:std:iso:4217";
/// The parts of a HumanName and of an Address that are searched: every string but `use` and `period`.
const NAME_PARTS: [&str; 5] = ["text", "family", "given", "prefix", "suffix"];
const ADDRESS_PARTS: [&str; 7] = ["text", "line", "city", "district", "state", "postalCode", "country"];

/// Whether parameters of a kind have values of elements of an R4 type.
pub fn reads(kind: Kind, found: &str) -> bool {
    let text = matches!(found, "string" | "code" | "id" | "markdown") || is_uri(found);
    match kind {
        Kind::Token => {
            text || is_integer(found)
                || matches!(found, "CodeableConcept" | "Coding" | "Identifier" | "ContactPoint" | "boolean")
        }
        Kind::Date => matches!(found, "date" | "dateTime" | "instant" | "Period" | "Timing"),
        Kind::String => text || matches!(found, "HumanName" | "Address"),
        Kind::Reference => is_uri(found) || matches!(found, "Reference" | "Resource"),
        Kind::Number => is_integer(found) || matches!(found, "decimal" | "Range"),
        Kind::Quantity => matches!(found, "Range" | "SampledData" | "Money") || is_quantity(found),
        Kind::Uri => is_uri(found),
        Kind::Special => found == "Location.position",
        Kind::Composite => false,
    }
}

fn is_uri(found: &str) -> bool {
    matches!(found, "uri" | "url" | "canonical" | "oid" | "uuid")
}

fn is_integer(found: &str) -> bool {
    matches!(found, "integer" | "positiveInt" | "unsignedInt")
}

fn is_quantity(found: &str) -> bool {
    matches!(found, "Quantity" | "Age" | "Count" | "Distance" | "Duration" | "MoneyQuantity" | "SimpleQuantity")
}

/// What reads the elements of one parameter, or of one component.
pub(super) struct Reader<'a> {
    pub(super) kind: Kind,
    pub(super) targets: &'a [ResourceType],
    pub(super) resource: &'a Json,
    pub(super) reading: Reading<'a>,
}

impl<'a> Reader<'a> {
    /// Everything that a branch leads to from an element.
    pub(super) fn read(&self, from: &'a Json, branch: &Branch, out: &mut Vec<Value>) {
        let from = if branch.from_resource { self.resource } else { from };
        let is_family =
            self.kind == Kind::String && matches!(branch.steps.last(), Some(Step::Member(name)) if &**name == "family");
        walk(from, self.resource, &branch.steps, &mut |found| {
            self.element(found, branch.found, branch.system, out);
            if is_family {
                words(found, out);
            }
        });
    }

    /// One element of a type.
    pub(super) fn element(&self, value: &Json, found: &str, system: &str, out: &mut Vec<Value>) {
        match self.kind {
            Kind::Token => tokens(value, found, system, out),
            Kind::Date => out.extend(interval(value, self.reading.zone_minutes).map(Value::Date)),
            Kind::String => strings(value, found, out),
            Kind::Reference => {
                let read = self.reference(value, found);
                let without = read.as_ref().and_then(|read| match &read.target {
                    Target::Url(url) => {
                        Some(Reference { target: Target::Url(unversioned(found, url)?.into()), ..read.clone() })
                    }
                    _ => None,
                });
                out.extend(read.into_iter().chain(without).map(Value::Reference));
            }
            Kind::Number => out.extend(number(value, found)),
            Kind::Quantity => out.extend(quantity(value, found).map(Value::Quantity)),
            Kind::Uri => {
                let text = value.as_str();
                let both = text.into_iter().chain(text.and_then(|text| unversioned(found, text)));
                out.extend(both.map(|text| Value::Uri(text.into())));
            }
            Kind::Special => out.extend(position(value)),
            Kind::Composite => {}
        }
    }

    fn reference(&self, value: &Json, found: &str) -> Option<Reference> {
        let fits = |of: ResourceType| self.targets.is_empty() || self.targets.contains(&of);
        if found == "Resource" {
            let of = resource_type(value).filter(|of| fits(*of))?;
            return Some(Reference { target: Target::Local(of, text(value, "id")?, None), identifier: None });
        }
        let literal = if found == "Reference" { value.get("reference") } else { Some(value) };
        let Some(literal) = literal.and_then(Json::as_str) else {
            let of = value.get("type").and_then(Json::as_str).and_then(ResourceType::parse);
            let fitting = value.is_object() && of.is_none_or(fits);
            return fitting.then(|| Reference { target: Target::Unresolved, identifier: identifier(value) });
        };
        let literal = below(self.reading.base, literal).unwrap_or(literal);
        let target = match Literal::parse(literal) {
            Literal::Relative(of, id) => {
                let version = literal.split_once("/_history/").map(|(_, version)| version.into());
                fits(of).then(|| Target::Local(of, id.into(), version))?
            }
            Literal::Absolute(_, Some((of, _))) if found == "Reference" && !fits(of) => return None,
            Literal::Contained => Target::Contained(literal.strip_prefix('#')?.into()),
            Literal::Absolute(..) | Literal::Urn(_) | Literal::Other => Target::Url(literal.into()),
        };
        Some(Reference { target, identifier: identifier(value) })
    }
}

/// A canonical without its version: it is found by both (references.html#canonical). Any other uri is what it is.
fn unversioned<'a>(found: &str, text: &'a str) -> Option<&'a str> {
    text.split_once('|').filter(|_| found == "canonical").map(|(url, _)| url)
}

/// A boolean token.
pub(super) fn flag(value: bool) -> Value {
    let code = if value { "true" } else { "false" };
    Value::Token(Token { code: Some(code.into()), is_case_sensitive: true, ..Token::default() })
}

fn text(value: &Json, name: &str) -> Option<Box<str>> {
    value.get(name).and_then(Json::as_str).filter(|text| !text.is_empty()).map(Into::into)
}

fn identifier(reference: &Json) -> Option<(Option<Box<str>>, Box<str>)> {
    let identifier = reference.get("identifier")?;
    Some((text(identifier, "system"), text(identifier, "value")?))
}

fn tokens(value: &Json, found: &str, system: &str, out: &mut Vec<Value>) {
    match found {
        "CodeableConcept" => {
            let (before, said) = (out.len(), text(value, "text"));
            for coding in array(value, "coding") {
                let mut token = coded(coding);
                token.texts.extend(said.clone());
                out.push(Value::Token(token));
            }
            if out.len() == before && said.is_some() {
                out.push(Value::Token(Token { texts: said.into_iter().collect(), ..Token::default() }));
            }
        }
        "Coding" => out.push(Value::Token(coded(value))),
        "Identifier" => {
            let kind = value.get("type");
            let codings = kind.into_iter().flat_map(|kind| array(kind, "coding"));
            let types = codings.filter_map(|one| Some((text(one, "system").unwrap_or_default(), text(one, "code")?)));
            let texts = kind.and_then(|kind| text(kind, "text")).into_iter().collect();
            let (system, code) = (text(value, "system"), text(value, "value"));
            out.push(Value::Token(Token { system, code, is_case_sensitive: false, texts, types: types.collect() }));
        }
        "ContactPoint" => {
            out.extend(text(value, "value").map(|code| Value::Token(Token { code: Some(code), ..Token::default() })));
        }
        _ => match value {
            Json::Bool(value) => out.push(flag(*value)),
            Json::String(code) => {
                let is_case_sensitive = is_case_sensitive(found, oid::canonical(system));
                let system = Some(system).filter(|system| !system.is_empty()).map(Into::into);
                let code = Some(code.as_str().into());
                out.push(Value::Token(Token { system, code, is_case_sensitive, ..Token::default() }));
            }
            Json::Number(number) => {
                let code = Some(number.to_string().into());
                out.push(Value::Token(Token { code, ..Token::default() }));
            }
            _ => {}
        },
    }
}

fn coded(coding: &Json) -> Token {
    let texts = text(coding, "display").into_iter().collect();
    let system = text(coding, "system");
    let is_case_sensitive = is_case_sensitive("Coding", oid::canonical(system.as_deref().unwrap_or_default()));
    Token { system, code: text(coding, "code"), is_case_sensitive, texts, types: Vec::new() }
}

fn array<'a>(value: &'a Json, name: &str) -> impl Iterator<Item = &'a Json> {
    value.get(name).and_then(Json::as_array).into_iter().flatten()
}

/// What a date, a Period or a Timing covers (search.html#date).
pub(in crate::search) fn interval(value: &Json, zone_minutes: i16) -> Option<Interval> {
    let read = |text: Option<&Json>| text.and_then(Json::as_str).and_then(|text| Interval::parse(text, zone_minutes));
    if value.is_string() {
        return read(Some(value));
    }
    // A Timing counts from its first to its last.
    if value.get("event").is_some() {
        let times = || array(value, "event").filter_map(|event| read(Some(event)));
        if let (Some(start), Some(end)) = (times().map(|t| t.start).min(), times().map(|t| t.end).max()) {
            return Some(Interval { start, end });
        }
    }
    let period = value.get("repeat").and_then(|repeat| repeat.get("boundsPeriod")).unwrap_or(value);
    // An end that is stated and cannot be read leaves the period open, as one that is not stated does.
    let (start, end) = (period.get("start"), period.get("end"));
    (start.is_some() || end.is_some()).then(|| Interval {
        start: read(start).map_or(i64::MIN, |interval| interval.start),
        end: read(end).map_or(i64::MAX, |interval| interval.end),
    })
}

/// The words of a family name behind the first: "Quinones" of "Carreno Quinones".
fn words(family: &Json, out: &mut Vec<Value>) {
    let words = family.as_str().unwrap_or_default().split_whitespace().skip(1);
    out.extend(words.map(|word| Value::Word(word.into())));
}

fn strings(value: &Json, found: &str, out: &mut Vec<Value>) {
    if found == "HumanName" {
        value.get("family").into_iter().for_each(|family| words(family, out));
    }
    let mut add = |value: Option<&Json>| {
        let text = value.and_then(Json::as_str).filter(|text| !text.is_empty());
        out.extend(text.map(|text| Value::String(text.into())));
    };
    let parts: &[&str] = match found {
        "HumanName" => &NAME_PARTS,
        "Address" => &ADDRESS_PARTS,
        _ => return add(Some(value)),
    };
    for part in parts {
        match value.get(*part) {
            Some(Json::Array(items)) => items.iter().for_each(|item| add(Some(item))),
            one => add(one),
        }
    }
}

fn decimal(value: Option<&Json>) -> Option<Decimal> {
    match value? {
        Json::Number(number) => Decimal::parse(&number.to_string()),
        _ => None,
    }
}

fn number(value: &Json, found: &str) -> Option<Value> {
    if found == "Range" {
        let end = |name: &str| decimal(value.get(name).and_then(|end| end.get("value")));
        let (low, high) = (end("low"), end("high"));
        return (low.is_some() || high.is_some()).then_some(Value::Number { low, high, is_integer: false });
    }
    let one = decimal(Some(value))?;
    Some(Value::Number { low: Some(one), high: Some(one), is_integer: is_integer(found) })
}

fn quantity(value: &Json, found: &str) -> Option<Quantity> {
    match found {
        "Range" => {
            let (low, high) = (value.get("low"), value.get("high"));
            let of = quantity(low.or(high)?, "Quantity")?;
            let end = |end: Option<&Json>| decimal(end.and_then(|end| end.get("value")));
            Some(Quantity { low: end(low), high: end(high), ..of })
        }
        "SampledData" => sampled(value),
        "Money" => {
            let one = decimal(value.get("value"))?;
            let code = text(value, "currency");
            Some(Quantity {
                low: Some(one),
                high: Some(one),
                system: Some(CURRENCIES.into()),
                unit: code.clone(),
                code,
            })
        }
        _ => {
            let one = decimal(value.get("value"))?;
            let (low, high) = match value.get("comparator").and_then(Json::as_str) {
                Some("<" | "<=") => (None, Some(one)),
                Some(">" | ">=") => (Some(one), None),
                _ => (Some(one), Some(one)),
            };
            let (system, code, unit) = (text(value, "system"), text(value, "code"), text(value, "unit"));
            Some(Quantity { low, high, system, code, unit })
        }
    }
}

/// From the least to the greatest of what was sampled (datatypes.html#SampledData): data times factor, from the origin; `L`
/// and `U` are below and above the limits.
fn sampled(value: &Json) -> Option<Quantity> {
    let origin = value.get("origin")?;
    let (factor, base) = (decimal(value.get("factor")), decimal(origin.get("value")));
    let scaled = |one: Decimal| factor.map_or(Some(one), |factor| one.times(factor))?.plus(base?);
    let limit = |name: &str| decimal(value.get(name));
    // A limit that is passed and not stated leaves that end open.
    let (mut ends, mut below, mut above) = (None::<(Decimal, Decimal)>, false, false);
    for one in value.get("data").and_then(Json::as_str).unwrap_or_default().split(' ') {
        let point = match one {
            "L" => limit("lowerLimit"),
            "U" => limit("upperLimit"),
            one => Decimal::parse(one).and_then(scaled),
        };
        (below, above) = (below || (one == "L" && point.is_none()), above || (one == "U" && point.is_none()));
        if let Some(point) = point {
            ends = Some(ends.map_or((point, point), |(low, high)| (low.min(point), high.max(point))));
        }
    }
    let (low, high) = (ends.map(|ends| ends.0).filter(|_| !below), ends.map(|ends| ends.1).filter(|_| !above));
    (low.is_some() || high.is_some()).then(|| Quantity {
        low,
        high,
        system: text(origin, "system"),
        code: text(origin, "code"),
        unit: text(origin, "unit"),
    })
}

fn position(value: &Json) -> Option<Value> {
    let degrees = |name: &str| value.get(name).and_then(Json::as_f64).filter(|degrees| degrees.is_finite());
    Some(Value::Position { latitude: degrees("latitude")?, longitude: degrees("longitude")? })
}
