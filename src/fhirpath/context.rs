//! What an evaluation is given from outside: variables, the time, other resources, value sets, limits.

use serde_json::Value;

use super::decimal::Decimal;
use super::item::{Item, Items, Node};
use super::model::Kind;
use super::{model, unit};

/// Bounds within which every expression ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Steps of work; each operator, function call and item produced is at least one.
    pub steps_max: u64,
    /// Items of one collection.
    pub items_max: usize,
    /// Bytes of one string that is put together.
    pub text_bytes_max: usize,
}

impl Limits {
    /// A million steps, a hundred thousand items, a mebibyte: about a tenth of a second at worst.
    pub const DEFAULT: Limits = Limits { steps_max: 1_000_000, items_max: 100_000, text_bytes_max: 1 << 20 };
}

/// What a reference led to.
#[derive(Clone, Copy, Debug)]
pub enum Resolved<'a> {
    /// The resource.
    Resource(&'a Value),
    /// A resource of which only the type is known. It has no elements; `is` and `ofType` know what it is.
    Type(&'static Kind),
}

impl Resolved<'_> {
    /// What the text of a literal reference says by itself: `Patient/12` and `https://example.org/fhir/Patient/12` are of
    /// type Patient.
    pub fn by_text(reference: &str) -> Option<Self> {
        let path = reference.split(['?', '#']).next()?;
        let path = path.split_once("/_history/").map_or(path, |(path, _)| path);
        let mut parts = path.rsplit('/');
        let (_id, kind) = (parts.next()?, parts.next()?);
        model::resource_kind(kind).map(Resolved::Type)
    }
}

/// The surroundings of an evaluation. Every method has a default, so that `impl Context<'_> for Nothing {}` is one.
pub trait Context<'a> {
    /// `%resource`: the resource that holds what is evaluated; by default what is evaluated, if it is a resource.
    fn resource(&self) -> Option<Node<'a>> {
        None
    }

    /// `%rootResource`: the resource that contains [`Context::resource`]; by default the same.
    fn root_resource(&self) -> Option<Node<'a>> {
        None
    }

    /// A variable by its name without `%`. The fixed ones (`ucum`, `sct`, `loinc`, `vs-…`, `ext-…`) need no answer.
    fn variable(&self, _name: &str) -> Option<Items<'a>> {
        None
    }

    /// The resource that a reference means. References within the resource (`#id`) are followed without it.
    fn resolve(&self, _reference: &str) -> Option<Resolved<'a>> {
        None
    }

    /// Now, in milliseconds since 1970, and the offset of the local zone in minutes. Without it `now()` is an error.
    fn now(&self) -> Option<(i64, i16)> {
        None
    }

    /// Whether a code, Coding or CodeableConcept is in a value set; `None` when nobody knows.
    fn member_of(&self, _item: &Item<'a>, _value_set: &str) -> Option<bool> {
        None
    }

    /// Whether a resource or element keeps to a profile; `None` when nobody knows.
    fn conforms_to(&self, _item: &Item<'a>, _profile: &str) -> Option<bool> {
        None
    }

    /// Whether a narrative keeps to the rules of XHTML in FHIR (narrative.html); `None` when nobody has looked.
    fn html_checks(&self, _narrative: &str) -> Option<bool> {
        None
    }

    /// Whether the first code is or subsumes the second; `None` when nobody knows.
    fn subsumes(&self, _general: &Item<'a>, _special: &Item<'a>) -> Option<bool> {
        None
    }

    /// A value of one unit of UCUM in another, both codes; by default for the units that [`unit::convert`] knows.
    fn convert(&self, value: Decimal, from: &str, to: &str) -> Option<Decimal> {
        unit::convert(value, from, to)
    }

    /// What `trace()` is given.
    fn trace(&self, _name: &str, _items: &[Item<'a>]) {}

    /// Whether `as` and `iif` refuse several items, as N1 says. The search parameters and invariants of R4 rely on the
    /// older rule, that `as` filters, which is the default.
    fn is_strict(&self) -> bool {
        false
    }

    /// The bounds of the evaluation.
    fn limits(&self) -> Limits {
        Limits::DEFAULT
    }
}

/// Surroundings in which there is nothing.
#[derive(Clone, Copy, Debug)]
pub struct Nothing;

impl Context<'_> for Nothing {}
