//! A resource against a profile's snapshot: required elements, slices told apart by a value, fixed values and patterns.

use serde_json::Value;

use super::elements;

/// The ids of the elements that a resource lacks or has otherwise than the profile says.
pub(crate) fn missing(profile: &Value, resource: &Value) -> Vec<String> {
    let all: Vec<Element<'_>> = elements(profile)
        .iter()
        .map(|e| Element { id: e["id"].as_str().unwrap(), definition: e })
        .filter(|e| !e.id.contains("extension") && !e.id.contains("contained"))
        .collect();
    let mut found = Vec::new();
    children(&all, all[0].id, resource, &mut found);
    found.sort();
    found.dedup();
    found
}

#[derive(Clone, Copy)]
struct Element<'p> {
    id: &'p str,
    definition: &'p Value,
}

/// Checks what stands directly under the element `id`, of which `value` is one.
fn children(all: &[Element<'_>], id: &str, value: &Value, found: &mut Vec<String>) {
    let is_child = |e: &&Element<'_>| {
        e.id.strip_prefix(id).and_then(|rest| rest.strip_prefix('.')).is_some_and(|rest| !rest.contains('.'))
    };
    for element in all.iter().filter(is_child) {
        let name = element.id[id.len() + 1..].split(':').next().unwrap();
        let mut values = named(value, name);
        if element.id[id.len() + 1..].contains(':') {
            values.retain(|value| is_of_slice(all, element, value));
        }
        let min = element.definition["min"].as_u64().unwrap();
        let max = element.definition["max"].as_str().unwrap().parse().unwrap_or(u64::MAX);
        let count = values.len() as u64;
        if count < min || count > max {
            found.push(element.id.to_owned());
        }
        for value in values {
            if !fits(element.definition, value) {
                found.push(format!("{} value", element.id));
            }
            children(all, element.id, value, found);
        }
    }
}

/// The values of a member, `value[x]` whichever type was chosen.
fn named<'v>(value: &'v Value, name: &str) -> Vec<&'v Value> {
    let Some(object) = value.as_object() else { return Vec::new() };
    let stem = name.strip_suffix("[x]");
    let is_it = |key: &str| match stem {
        Some(stem) => key.strip_prefix(stem).is_some_and(|rest| rest.starts_with(char::is_uppercase)),
        None => key == name,
    };
    let members = object.iter().filter(|(key, _)| is_it(key)).map(|(_, value)| value);
    members.flat_map(|value| value.as_array().map_or(vec![value], |items| items.iter().collect())).collect()
}

/// A slice's members are those that hold the values which its discriminator names; a slice without such values (by type,
/// by binding) is not told apart here and has no members.
fn is_of_slice(all: &[Element<'_>], slice: &Element<'_>, value: &Value) -> bool {
    let base = slice.id.rsplit_once(':').unwrap().0;
    let sliced = all.iter().find(|e| e.id == base).unwrap();
    let path = sliced.definition["slicing"]["discriminator"][0]["path"].as_str().unwrap_or_default();
    let inside = if path == "$this" { String::new() } else { format!(".{path}") };
    let discriminating: Vec<_> = all
        .iter()
        .filter(|e| e.id.strip_prefix(slice.id).is_some_and(|rest| rest.starts_with(&inside)))
        .filter(|e| prescribed(e.definition).is_some())
        .collect();
    !discriminating.is_empty()
        && discriminating.iter().all(|e| {
            let mut values = vec![value];
            for name in e.id[slice.id.len()..].split('.').filter(|n| !n.is_empty()) {
                values = values.into_iter().flat_map(|v| named(v, name)).collect();
            }
            values.iter().any(|v| fits(e.definition, v))
        })
}

fn prescribed(definition: &Value) -> Option<(&str, &Value)> {
    let is_it = |key: &&String| key.starts_with("fixed") || key.starts_with("pattern");
    let members = definition.as_object().unwrap();
    members.keys().find(is_it).map(|key| (key.as_str(), &members[key]))
}

fn fits(definition: &Value, value: &Value) -> bool {
    prescribed(definition).is_none_or(|(_, wanted)| contains(value, wanted))
}

/// Whether a value holds everything of a pattern.
fn contains(value: &Value, pattern: &Value) -> bool {
    match pattern {
        Value::Object(members) => members.iter().all(|(key, wanted)| contains(&value[key], wanted)),
        Value::Array(items) => {
            items.iter().all(|wanted| value.as_array().is_some_and(|values| values.iter().any(|v| contains(v, wanted))))
        }
        _ => value == pattern,
    }
}
