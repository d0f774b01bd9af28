//! What expressions work on: elements of resources, borrowed from their JSON, and values of the language's own types.

use std::borrow::Cow;

use serde_json::Value;

use super::decimal::Decimal;
use super::model::{self, Kind, Primitive, UNKNOWN};
use super::quantity::{Quantity, Unit};
use super::temporal::{Temporal, TemporalKind};

/// A collection.
pub type Items<'a> = Vec<Item<'a>>;

/// The code system of UCUM.
pub(super) const UCUM: &str = "http://unitsofmeasure.org";

/// An element of a resource, or a resource.
#[derive(Clone, Copy, Debug)]
pub struct Node<'a> {
    /// Its JSON; none for a primitive that has no value, and for a resource of which only the type is known.
    pub value: Option<&'a Value>,
    /// What stands beside a primitive under its name with `_`: id and extensions (json.html#primitive).
    pub beside: Option<&'a Value>,
    /// Its type.
    pub kind: &'static Kind,
}

/// One member of a collection.
#[derive(Clone, Debug)]
pub enum Item<'a> {
    /// An element of a resource, or a resource.
    Node(Node<'a>),
    /// `System.Boolean`
    Boolean(bool),
    /// `System.Integer`, of 32 bits
    Integer(i64),
    /// `System.Decimal`
    Decimal(Decimal),
    /// `System.String`
    String(Cow<'a, str>),
    /// `System.Date`, `System.DateTime`, `System.Time`
    Temporal(Temporal),
    /// `System.Quantity`
    Quantity(Box<Quantity>),
    /// What `type()` gives: namespace and name.
    Type(&'static str, &'static str),
}

impl<'a> Node<'a> {
    /// A resource; its type is what its `resourceType` says.
    pub fn resource(value: &'a Value) -> Self {
        // It is nearly always the first member: looking is quicker than hashing.
        let members = value.as_object().into_iter().flatten();
        let name =
            members.filter(|(key, _)| *key == "resourceType").find_map(|(_, name)| name.as_str()).unwrap_or_default();
        Node { value: Some(value), beside: None, kind: model::resource_kind(name).unwrap_or(&UNKNOWN) }
    }

    /// An element of a type that is known from where it stands: `HumanName`, `Patient.contact`.
    pub fn element(value: &'a Value, kind: &'static Kind) -> Self {
        Node { value: Some(value), beside: None, kind }
    }

    /// The text of a primitive, as it is written.
    pub fn text(&self) -> Option<&'a str> {
        match self.value? {
            Value::String(text) => Some(text),
            Value::Number(number) => Some(number.as_str()),
            Value::Bool(true) => Some("true"),
            Value::Bool(false) => Some("false"),
            _ => None,
        }
    }

    /// The value of a member that is a string.
    pub fn member_text(&self, name: &str) -> Option<&'a str> {
        self.value?.get(name)?.as_str()
    }

    /// The value in the language's own types: of a primitive or a Quantity.
    pub fn system(&self) -> Option<Item<'a>> {
        let primitive = match self.kind.primitive {
            Some(primitive) => primitive,
            None if self.kind.is_quantity => return self.quantity().map(|found| Item::Quantity(Box::new(found))),
            None if std::ptr::eq(self.kind, &UNKNOWN) => guessed(self.value?)?,
            None => return None,
        };
        let text = self.text()?;
        let read = match primitive {
            Primitive::Boolean => match self.value? {
                Value::Bool(value) => Some(Item::Boolean(*value)),
                _ => None,
            },
            Primitive::Integer => text.parse().ok().map(Item::Integer),
            Primitive::Decimal => Decimal::parse(text).map(Item::Decimal),
            Primitive::Date => Temporal::date(text).map(Item::Temporal),
            Primitive::DateTime => Temporal::date_time(text).map(Item::Temporal),
            Primitive::Time => Temporal::time(text).map(Item::Temporal),
            Primitive::Text => None,
        };
        // What its type does not allow is still a text.
        Some(read.unwrap_or(Item::String(Cow::Borrowed(text))))
    }

    /// A Quantity of FHIR as one of the language (fhirpath.html#quantity): one with a comparator is none, for it is no
    /// single value; the unit is the UCUM code, or without any code the unit as written.
    fn quantity(&self) -> Option<Quantity> {
        let value = self.value?;
        if value.get("comparator").is_some() {
            return None;
        }
        let Value::Number(number) = value.get("value")? else { return None };
        let number = Decimal::parse(number.as_str())?;
        let code = value.get("code").and_then(Value::as_str);
        let unit = match (value.get("system").and_then(Value::as_str), code) {
            (Some(UCUM) | None, Some(code)) => Cow::Borrowed(code),
            // A code of another system equals itself and nothing else.
            (Some(system), Some(code)) => Cow::Owned(format!("{system}|{code}")),
            (_, None) => Cow::Borrowed(value.get("unit").and_then(Value::as_str).unwrap_or("1")),
        };
        Some(Quantity { value: number, unit: Unit::Ucum(unit.as_ref().into()) })
    }

    /// Whether there is nothing under its name but what says so.
    pub fn is_same(&self, other: &Node<'_>) -> bool {
        let same = |left: Option<&Value>, right: Option<&Value>| match (left, right) {
            (Some(left), Some(right)) => std::ptr::eq(left, right),
            (left, right) => left.is_none() && right.is_none(),
        };
        same(self.value, other.value)
            && same(self.beside, other.beside)
            && (self.value.is_some() || self.beside.is_some())
    }
}

fn guessed(value: &Value) -> Option<Primitive> {
    Some(match value {
        Value::Bool(_) => Primitive::Boolean,
        Value::Number(number) if number.is_i64() => Primitive::Integer,
        Value::Number(_) => Primitive::Decimal,
        Value::String(_) => Primitive::Text,
        _ => return None,
    })
}

impl<'a> Item<'a> {
    /// A resource.
    pub fn resource(value: &'a Value) -> Self {
        Item::Node(Node::resource(value))
    }

    /// A text.
    pub fn text(text: impl Into<Cow<'a, str>>) -> Self {
        Item::String(text.into())
    }

    /// The element that it is, if it is one.
    pub fn node(&self) -> Option<&Node<'a>> {
        match self {
            Item::Node(node) => Some(node),
            _ => None,
        }
    }

    /// The JSON of the element that it is.
    pub fn json(&self) -> Option<&'a Value> {
        self.node().and_then(|node| node.value)
    }

    /// Namespace and name of its type: (`FHIR`, `Patient`), (`System`, `String`).
    pub fn type_name(&self) -> (&'static str, &'static str) {
        match self {
            Item::Node(node) => ("FHIR", node.kind.name),
            Item::Boolean(_) => ("System", "Boolean"),
            Item::Integer(_) => ("System", "Integer"),
            Item::Decimal(_) => ("System", "Decimal"),
            Item::String(_) => ("System", "String"),
            Item::Temporal(value) => match value.kind {
                TemporalKind::Date => ("System", "Date"),
                TemporalKind::DateTime => ("System", "DateTime"),
                TemporalKind::Time => ("System", "Time"),
            },
            Item::Quantity(_) => ("System", "Quantity"),
            Item::Type(..) => ("System", "SimpleTypeInfo"),
        }
    }

    /// The same in the language's own types, where there is one: elements of primitive types and Quantities are read,
    /// anything else is as it was. A primitive without a value has none.
    pub fn system(&self) -> Option<Item<'a>> {
        match self {
            Item::Node(node) => node.system(),
            value => Some(value.clone()),
        }
    }

    /// The string that it is or, of a date or a number, as which it is written; `None` for what has elements.
    pub fn to_text(&self) -> Option<Cow<'a, str>> {
        Some(match self {
            Item::Node(node) => match node.text() {
                Some(text) => Cow::Borrowed(text),
                None => Cow::Owned(node.quantity().filter(|_| node.kind.is_quantity)?.to_string()),
            },
            Item::Boolean(true) => "true".into(),
            Item::Boolean(false) => "false".into(),
            Item::Integer(value) => value.to_string().into(),
            Item::Decimal(value) => value.to_string().into(),
            Item::String(text) => text.clone(),
            Item::Temporal(value) => value.to_string().into(),
            Item::Quantity(value) => value.to_string().into(),
            Item::Type(..) => return None,
        })
    }

    /// The string, for an item that is one.
    pub(super) fn string(&self) -> Option<Cow<'a, str>> {
        match self {
            Item::String(text) => Some(text.clone()),
            Item::Node(node) => match node.system()? {
                Item::String(text) => Some(text),
                _ => None,
            },
            _ => None,
        }
    }
}
