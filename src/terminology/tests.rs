//! Definitions made by hand, and what is said by them.

mod codes;
mod costs;
mod maps;
mod sets;

use std::sync::Arc;

use serde_json::{Value, json};

use super::*;

/// ValueSets and CodeSystems by canonical.
pub(crate) struct Known(Vec<Value>);

impl Known {
    fn find(&self, name: &str, canonical: &str) -> Option<&Value> {
        let (url, version) = crate::guide::split(canonical);
        let is_version = |one: &Value| version.is_none_or(|version| one["version"] == version);
        self.0.iter().find(|one| one["resourceType"] == name && one["url"] == url && is_version(one))
    }
}

impl Source for Known {
    fn value_set(&self, canonical: &str, _: Option<usize>) -> Option<(Option<usize>, Value)> {
        self.find("ValueSet", canonical).map(|one| (None, one.clone()))
    }

    fn code_system(&self, canonical: &str, _: Option<usize>) -> Option<Arc<CodeSystem>> {
        let mut system = CodeSystem::read(self.find("CodeSystem", canonical)?);
        for supplement in self.0.iter().filter(|one| one["supplements"] == *canonical) {
            system.supplement(supplement);
        }
        Some(Arc::new(system))
    }
}

fn with(mut json: Value, members: Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        json[name] = value.clone();
    }
    json
}

/// A system `s`: `a` above `b` above `c`, and `d`, which is out of use; `a` only groups.
fn system() -> Value {
    json!({"resourceType": "CodeSystem", "url": "s", "version": "1", "title": "System", "content": "complete", "language": "en",
    "property": [{"code": "colour", "type": "code"}, {"code": "gone", "type": "boolean",
        "uri": "http://hl7.org/fhir/concept-properties#inactive"}],
    "concept": [
        {"code": "a", "display": "Alpha", "definition": "The first", "property": [{"code": "notSelectable", "valueBoolean": true}],
            "concept": [{"code": "b", "display": "Beta", "property": [{"code": "colour", "valueCode": "red"}],
                "designation": [{"language": "ja", "value": "乙"}, {"language": "de-AT", "value": "Be"}],
                "concept": [{"code": "c", "display": "Gamma ray", "property": [{"code": "colour", "valueCode": "red"},
                    {"code": "colour", "valueCode": "blue"}]}]}]},
        {"code": "d", "display": "Delta", "property": [{"code": "gone", "valueBoolean": true}, {"code": "size", "valueDecimal": 1.5},
            {"code": "near", "valueCoding": {"system": "s", "code": "b"}}]}]})
}

fn set(url: &str, compose: Value) -> Value {
    json!({"resourceType": "ValueSet", "url": url, "version": "1", "compose": compose})
}

/// The codes of the expansion of a composition, in order.
fn expanded(more: &[Value], compose: Value, options: &Options) -> Result<String, Stopped> {
    let mut all = vec![system(), set("v", compose)];
    all.extend_from_slice(more);
    let known = Known(all);
    let expansion = expand(&ValueSet::named(&known, "v", None), options)?;
    Ok(expansion.entries.iter().map(shown).collect::<Vec<_>>().join(" "))
}

fn shown(entry: &Entry) -> String {
    let inner: Vec<String> = entry.contains.iter().map(shown).collect();
    let inner = if inner.is_empty() { String::new() } else { format!("({})", inner.join(" ")) };
    format!("{}{inner}", entry.code)
}
