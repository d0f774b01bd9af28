//! Where in a resource an element found stands, for those who change it (FHIRPath Patch, fhirpatch.html).

use serde_json::Value;

use super::item::Node;

/// A step from a JSON value into it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Place {
    /// The member of an object.
    Member(String),
    /// The item of an array, counted from 0.
    Index(usize),
}

/// The way from a resource to an element that was found in it. For a primitive without a value the way leads to what
/// stands beside it (`_birthDate`). `None` when the element is not part of this resource, or not in its JSON.
pub fn locate(resource: &Value, node: &Node<'_>) -> Option<Vec<Place>> {
    let wanted = node.value.or(node.beside)?;
    let mut way = Vec::new();
    walk(resource, wanted, &mut way).then_some(way)
}

fn walk(value: &Value, wanted: &Value, way: &mut Vec<Place>) -> bool {
    if std::ptr::eq(value, wanted) {
        return true;
    }
    match value {
        Value::Object(members) => members.iter().any(|(name, inner)| {
            way.push(Place::Member(name.clone()));
            walk(inner, wanted, way) || way.pop().is_none()
        }),
        Value::Array(items) => items.iter().enumerate().any(|(place, inner)| {
            way.push(Place::Index(place));
            walk(inner, wanted, way) || way.pop().is_none()
        }),
        _ => false,
    }
}
