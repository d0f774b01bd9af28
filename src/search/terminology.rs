//! The terminology that searches need (R4 search.html#modifiers, `:in`, `:above`, `:below`): the codes of value sets that
//! list them, and the hierarchies of code systems that are kept.

use serde_json::Value;

use crate::fhir::oid;

/// A code: its system and itself.
pub type Code = (Box<str>, Box<str>);

/// What is known of value sets and code systems beside those that are stored.
pub trait Terminology {
    /// The codes of a value set; `None` when it is not known.
    fn members(&self, value_set: &str) -> Option<Vec<Code>>;

    /// A code with everything above or below it; `None` when the system has no known hierarchy.
    fn subsumed(&self, system: &str, code: &str, above: bool) -> Option<Vec<Code>>;
}

/// Nothing beside what is stored.
#[derive(Clone, Copy, Debug)]
pub struct NoTerminology;

impl Terminology for NoTerminology {
    fn members(&self, _: &str) -> Option<Vec<Code>> {
        None
    }

    fn subsumed(&self, _: &str, _: &str, _: bool) -> Option<Vec<Code>> {
        None
    }
}

/// Deepest nesting of concepts that is read.
const CONCEPT_DEPTH_MAX: usize = 64;

/// The codes that a ValueSet lists, expanded or composed; `None` where it composes by rules (valueset.html#compositions).
pub(super) fn members(value_set: &Value) -> Option<Vec<Code>> {
    let mut codes = Vec::new();
    if let Some(contains) = value_set.pointer("/expansion/contains").and_then(Value::as_array) {
        expanded(contains, &mut codes, 0);
        return Some(codes);
    }
    let compose = value_set.get("compose")?;
    let named = |include: &Value, codes: &mut Vec<Code>| -> Option<()> {
        let system = include.get("system").and_then(Value::as_str)?;
        if include.get("filter").is_some() || include.get("valueSet").is_some() {
            return None;
        }
        let concepts = include.get("concept").and_then(Value::as_array)?;
        let code = |concept: &Value| concept.get("code").and_then(Value::as_str).map(|code| coded(system, code));
        codes.extend(concepts.iter().filter_map(code));
        Some(())
    };
    for include in compose.get("include").and_then(Value::as_array)? {
        named(include, &mut codes)?;
    }
    let mut excluded = Vec::new();
    for exclude in compose.get("exclude").and_then(Value::as_array).into_iter().flatten() {
        named(exclude, &mut excluded)?;
    }
    codes.retain(|code| !excluded.contains(code));
    Some(codes)
}

fn coded(system: &str, code: &str) -> Code {
    (oid::canonical(system).into(), code.into())
}

fn expanded(contains: &[Value], codes: &mut Vec<Code>, depth: usize) {
    for one in contains.iter().filter(|_| depth < CONCEPT_DEPTH_MAX) {
        let text = |name| one.get(name).and_then(Value::as_str);
        let is_abstract = one.get("abstract").and_then(Value::as_bool).unwrap_or_default();
        if let (Some(system), Some(code), false) = (text("system"), text("code"), is_abstract) {
            codes.push(coded(system, code));
        }
        if let Some(inner) = one.get("contains").and_then(Value::as_array) {
            expanded(inner, codes, depth + 1);
        }
    }
}

/// A code of a CodeSystem with everything above or below it; `None` when it is none of its codes.
pub(super) fn subsumed(code_system: &Value, code: &str, above: bool) -> Option<Vec<Code>> {
    let system = code_system.get("url").and_then(Value::as_str)?;
    let concepts = code_system.get("concept").and_then(Value::as_array)?;
    let mut path = Vec::new();
    let found = seek(concepts, code, &mut path, 0)?;
    let mut codes = vec![coded(system, code)];
    if above {
        codes.extend(path.iter().map(|code| coded(system, code)));
    } else {
        let inner = found.get("concept").and_then(Value::as_array);
        descend(inner.map_or(&[], Vec::as_slice), system, &mut codes, 0);
    }
    Some(codes)
}

fn seek<'a>(concepts: &'a [Value], code: &str, path: &mut Vec<&'a str>, depth: usize) -> Option<&'a Value> {
    for concept in concepts.iter().filter(|_| depth < CONCEPT_DEPTH_MAX) {
        let own = concept.get("code").and_then(Value::as_str).unwrap_or_default();
        if own == code {
            return Some(concept);
        }
        let Some(inner) = concept.get("concept").and_then(Value::as_array) else { continue };
        path.push(own);
        if let Some(found) = seek(inner, code, path, depth + 1) {
            return Some(found);
        }
        path.pop();
    }
    None
}

fn descend(concepts: &[Value], system: &str, codes: &mut Vec<Code>, depth: usize) {
    for concept in concepts.iter().filter(|_| depth < CONCEPT_DEPTH_MAX) {
        codes.extend(concept.get("code").and_then(Value::as_str).map(|code| coded(system, code)));
        if let Some(inner) = concept.get("concept").and_then(Value::as_array) {
            descend(inner, system, codes, depth + 1);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn codes(found: Option<Vec<Code>>) -> Option<String> {
        found.map(|codes| codes.iter().map(|(_, code)| &**code).collect::<Vec<_>>().join(""))
    }

    #[test]
    fn value_sets_that_list_their_codes_are_known_and_rules_are_not() {
        let include = json!({"system": "s", "concept": [{"code": "a"}, {"code": "b"}]});
        let composed =
            json!({"compose": {"include": [include], "exclude": [{"system": "s", "concept": [{"code": "b"}]}]}});
        assert_eq!(codes(members(&composed)), Some("a".into()));
        let expanded = json!({"expansion": {"contains": [{"system": "s", "code": "x", "abstract": true,
            "contains": [{"system": "s", "code": "y"}]}]}});
        assert_eq!(codes(members(&expanded)), Some("y".into()));
        for rules in [
            json!({"compose": {"include": [{"system": "s"}]}}),
            json!({"compose": {"include": [{"system": "s", "filter": [{}]}]}}),
            json!({"compose": {"include": [{"valueSet": ["v"]}]}}),
            json!({}),
        ] {
            assert_eq!(members(&rules), None, "{rules}");
        }
    }

    #[test]
    fn hierarchies_go_up_and_down() {
        let system = json!({"url": "s", "concept": [{"code": "a", "concept": [{"code": "b", "concept": [{"code": "c"}]}]},
            {"code": "d"}]});
        let found = |code, above| codes(subsumed(&system, code, above));
        assert_eq!([found("b", false), found("b", true), found("d", true)], ["bc", "ba", "d"].map(|s| Some(s.into())));
        assert_eq!(found("e", false), None);
    }
}
