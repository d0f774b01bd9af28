//! An element of a resource as the walk holds it: its JSON, what stands beside it, its type.

use serde_json::{Map, Value};

use crate::fhir::ResourceType;
use crate::fhir::r4::{self, Kind, Member, Shape};
use crate::fhirpath::{self, Item, Node};
use crate::profile;

/// One value of an element, or a resource.
#[derive(Clone, Copy)]
pub(super) struct Spot<'w> {
    /// Its JSON; none for a primitive without a value, and for a resource that is elsewhere.
    pub(super) value: Option<&'w Value>,
    /// Of a primitive, its id and extensions.
    pub(super) beside: Option<&'w Value>,
    /// The name of its type (`Quantity`, `Observation.component`, of a resource `Patient`).
    pub(super) type_name: &'static str,
    /// Where its elements are described; none for a primitive.
    pub(super) shape: Option<&'static Shape>,
    /// Whether it is a resource.
    pub(super) is_resource: bool,
}

impl<'w> Spot<'w> {
    fn of(member: &'static Member, value: Option<&'w Value>, beside: Option<&'w Value>) -> Self {
        match member.kind {
            Kind::Resource => value.map_or(Spot::NOTHING, Spot::resource),
            Kind::Complex(shape) => {
                Spot { value, beside, type_name: shape.path, shape: Some(shape), is_resource: false }
            }
            Kind::Primitive(_) => Spot { value, beside, type_name: member.type_name, shape: None, is_resource: false },
        }
    }

    const NOTHING: Self = Spot { value: None, beside: None, type_name: "Resource", shape: None, is_resource: true };

    /// A resource.
    pub(super) fn resource(value: &'w Value) -> Self {
        let known = value.get("resourceType").and_then(Value::as_str).and_then(ResourceType::parse);
        let name = known.map_or("Resource", ResourceType::name);
        Spot { value: Some(value), beside: None, type_name: name, shape: r4::shape(name), is_resource: true }
    }

    /// A resource of which only the type is known.
    pub(super) fn elsewhere(of: ResourceType) -> Self {
        Spot { type_name: of.name(), shape: r4::shape(of.name()), ..Spot::NOTHING }
    }

    /// The object that holds its elements.
    pub(super) fn object(&self) -> Option<&'w Map<String, Value>> {
        match self.shape {
            Some(_) => self.value,
            None => self.beside,
        }?
        .as_object()
    }

    /// Where its elements are described; of a primitive those that every element has.
    pub(super) fn inside(&self) -> Option<&'static Shape> {
        self.shape.or_else(|| r4::shape("Element"))
    }

    /// The value of a member that is a text.
    pub(super) fn text(&self, name: &str) -> Option<&'w str> {
        self.value?.get(name)?.as_str()
    }

    /// What FHIRPath works on.
    pub(super) fn item(&self) -> Option<Item<'w>> {
        let kind = fhirpath::kind(self.type_name)?;
        Some(Item::Node(Node { value: self.value, beside: self.beside, kind }))
    }
}

/// All values of an element.
#[derive(Clone, Copy)]
pub(super) struct Found<'w> {
    pub(super) member: &'static Member,
    value: Option<&'w Value>,
    beside: Option<&'w Value>,
}

impl<'w> Found<'w> {
    /// The values that an object has of an element that a profile speaks of.
    pub(super) fn find(node: &profile::Node, object: &'w Map<String, Value>, shape: &'static Shape) -> Option<Self> {
        match node.member {
            Some(member) => Found::of(member, object),
            None => Found::chosen(&node.name, object, shape),
        }
    }

    /// The values of an element by its name, of a choice without the type.
    pub(super) fn named(name: &str, object: &'w Map<String, Value>, shape: &'static Shape) -> Option<Self> {
        match shape.member(name) {
            Some(member) => Found::of(member, object),
            None => Found::chosen(name, object, shape),
        }
    }

    fn of(member: &'static Member, object: &'w Map<String, Value>) -> Option<Self> {
        let value = object.get(&*member.name);
        let beside = match member.kind {
            // What stands beside is rare: whether any does is seen at once.
            Kind::Primitive(_) if object.keys().any(|name| name.starts_with('_')) => {
                object.iter().find(|(name, _)| name.strip_prefix('_') == Some(&*member.name)).map(|(_, value)| value)
            }
            _ => None,
        };
        (value.is_some() || beside.is_some()).then_some(Found { member, value, beside })
    }

    fn chosen(stem: &str, object: &'w Map<String, Value>, shape: &'static Shape) -> Option<Self> {
        let is_of_choice = |name: &String| {
            let name = name.trim_start_matches('_');
            let chosen = shape.member(name).filter(|_| name.starts_with(stem));
            chosen.filter(|member| member.element.is_choice() && member.element.stem() == stem)
        };
        Found::of(
            object.keys().filter(|name| name.trim_start_matches('_').starts_with(stem)).find_map(is_of_choice)?,
            object,
        )
    }

    /// How many there are.
    pub(super) fn count(&self) -> usize {
        let count = |value: Option<&Value>| match value {
            Some(Value::Array(items)) => items.len(),
            Some(_) => 1,
            None => 0,
        };
        count(self.value).max(count(self.beside))
    }

    /// Whether it is an array, so that a place in it has a number.
    pub(super) fn is_array(&self) -> bool {
        self.value.or(self.beside).is_some_and(Value::is_array)
    }

    /// One of them.
    pub(super) fn spot(&self, at: usize) -> Spot<'w> {
        let item = |value: Option<&'w Value>| {
            let item = match value {
                Some(Value::Array(items)) => items.get(at),
                other => other,
            };
            item.filter(|item| !item.is_null())
        };
        Spot::of(self.member, item(self.value), item(self.beside))
    }
}
