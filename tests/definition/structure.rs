//! A resource against the snapshots of its own type and of its data types (FHIR R4 structuredefinition.html): names,
//! cardinality, the form of primitives, codes with a required binding.

use std::collections::BTreeMap;

use serde_json::{Map, Value};

use super::{Package, elements};

/// Checks resources against one package.
pub(crate) struct Checker<'p> {
    package: &'p Package,
    /// Elements of each type by path.
    types: BTreeMap<String, BTreeMap<String, &'p Value>>,
    /// What was found: place and sentence, counted.
    pub(crate) found: BTreeMap<String, u32>,
}

impl<'p> Checker<'p> {
    /// A checker that has found nothing.
    pub(crate) fn new(package: &'p Package) -> Self {
        let by_path = |s: &'p Value| elements(s).iter().map(|e| (e["path"].as_str().unwrap().to_owned(), e)).collect();
        let is_base = |s: &&Value| s["url"].as_str().unwrap().rsplit('/').next() == s["type"].as_str();
        let named = package.structures.values().filter(is_base);
        let types = named.map(|s| (s["type"].as_str().unwrap().to_owned(), by_path(s))).collect();
        Checker { package, types, found: BTreeMap::new() }
    }

    /// Checks a resource; `is_whole` is false for a part, which may lack required elements.
    pub(crate) fn resource(&mut self, resource: &Value, is_whole: bool) {
        let kind = resource["resourceType"].as_str().unwrap();
        self.object(resource.as_object().unwrap(), kind, kind, is_whole);
    }

    fn note(&mut self, place: &str, what: &str) {
        *self.found.entry(format!("{place}: {what}")).or_default() += 1;
    }

    fn object(&mut self, object: &Map<String, Value>, kind: &str, path: &str, is_whole: bool) {
        if object.is_empty() {
            self.note(path, "empty object");
        }
        let Some(all) = self.types.get(kind) else { return self.note(path, "unknown type") };
        let prefix = format!("{path}.");
        let is_child = |p: &str| p.strip_prefix(&prefix).is_some_and(|rest| !rest.contains('.'));
        let children: Vec<&Value> = all.iter().filter(|(p, _)| is_child(p)).map(|(_, e)| *e).collect();
        for child in &children {
            let name = child["path"].as_str().unwrap().rsplit('.').next().unwrap();
            let is_there = object.keys().any(|key| choice(key.trim_start_matches('_'), name).is_some());
            if child["min"].as_u64() > Some(0) && !is_there && is_whole {
                self.note(path, &format!("{name} is required"));
            }
        }
        for (key, value) in object.iter().filter(|(key, _)| *key != "resourceType") {
            let name = key.trim_start_matches('_');
            let found = children.iter().find_map(|e| {
                let own = e["path"].as_str().unwrap().rsplit('.').next().unwrap();
                Some((*e, choice(name, own)?))
            });
            let Some((element, chosen)) = found else {
                self.note(path, &format!("{key} does not exist"));
                continue;
            };
            self.member(element, chosen, value, (kind, path, key), is_whole);
        }
    }

    fn member(&mut self, e: &Value, chosen: &str, value: &Value, at: (&str, &str, &str), is_whole: bool) {
        let (kind, path, key) = at;
        let place = format!("{path}.{key}");
        if (e["max"] != "1" && e["base"]["max"] != "1") != value.is_array() {
            self.note(&place, "array where none belongs, or none where one does");
        }
        if value.as_array().is_some_and(Vec::is_empty) {
            self.note(&place, "empty array");
        }
        let one = std::slice::from_ref(value);
        for item in value.as_array().map_or(one, Vec::as_slice) {
            if key.starts_with('_') {
                self.object(item.as_object().unwrap(), "Element", "Element", true);
                continue;
            }
            if let Some(reference) = e["contentReference"].as_str() {
                self.object(item.as_object().unwrap(), kind, reference.trim_start_matches('#'), true);
                continue;
            }
            let codes: Vec<&str> = e["type"].as_array().unwrap().iter().map(|t| t["code"].as_str().unwrap()).collect();
            let code = codes.iter().find(|c| chosen.is_empty() || c.eq_ignore_ascii_case(chosen));
            let Some(code) = code else { return self.note(&place, "no such choice") };
            self.typed(e, code, item, (kind, path, key), is_whole);
        }
    }

    fn typed(&mut self, e: &Value, code: &str, item: &Value, at: (&str, &str, &str), is_whole: bool) {
        let (kind, path, key) = at;
        let place = format!("{path}.{key}");
        match code {
            "BackboneElement" | "Element" => {
                self.object(item.as_object().unwrap(), kind, e["path"].as_str().unwrap(), is_whole);
            }
            "Resource" => self.resource(item, true),
            _ if code.starts_with("http://hl7.org/fhirpath/") || code.as_bytes()[0].is_ascii_lowercase() => {
                if !is_primitive(code, item) {
                    self.note(&place, &format!("not a {code}: {item}"));
                }
            }
            _ => match item.as_object() {
                // A contained Reference and the like.
                Some(object) => self.object(object, code, code, true),
                None => self.note(&place, "not an object"),
            },
        }
        self.binding(e, item, &place);
    }

    fn binding(&mut self, e: &Value, item: &Value, place: &str) {
        if e["binding"]["strength"] != "required" {
            return;
        }
        let Some(codes) = e["binding"]["valueSet"].as_str().and_then(|v| self.package.codes(v)) else { return };
        let has = |coding: &Value| {
            let system = coding["system"].as_str().unwrap_or_default();
            codes.contains(&format!("{system}|{}", coding["code"].as_str().unwrap_or_default()))
        };
        let is_in = match item {
            Value::String(code) => codes.iter().any(|c| c.rsplit('|').next() == Some(code)),
            Value::Object(o) if o.contains_key("coding") => item["coding"].as_array().unwrap().iter().any(has),
            Value::Object(o) if o.contains_key("system") => has(item),
            _ => true,
        };
        if !is_in {
            self.note(place, &format!("not of the value set: {item}"));
        }
    }
}

/// What of a member name is the chosen type: `valueString` for `value[x]` gives `String`, another element gives nothing.
fn choice<'n>(name: &'n str, element: &str) -> Option<&'n str> {
    match element.strip_suffix("[x]") {
        None => (name == element).then_some(""),
        Some(stem) => name.strip_prefix(stem).filter(|rest| rest.starts_with(|c: char| c.is_ascii_uppercase())),
    }
}

fn is_primitive(code: &str, item: &Value) -> bool {
    let text = item.as_str().unwrap_or_default();
    let is_day = |t: &str| t.len() == 10 && t.parse::<jiff::civil::Date>().is_ok();
    let is_date = |t: &str| match t.len() {
        4 => t.bytes().all(|b| b.is_ascii_digit()),
        7 => is_day(&format!("{t}-01")),
        _ => is_day(t),
    };
    let is_instant = |t: &str| t.parse::<jiff::Timestamp>().is_ok() && t.len() >= 20 && t.as_bytes()[16] == b':';
    match code {
        "boolean" => item.is_boolean(),
        "decimal" => item.is_number(),
        "integer" => item.as_i64().is_some(),
        "positiveInt" => item.as_u64().is_some_and(|n| n > 0),
        "unsignedInt" => item.as_u64().is_some(),
        "date" => is_date(text),
        "dateTime" => is_date(text) || is_instant(text),
        "instant" => is_instant(text),
        "time" => text.parse::<jiff::civil::Time>().is_ok() && text.len() >= 8,
        "code" => !text.is_empty() && text.trim() == text && !text.contains("  ") && !text.contains(['\t', '\n']),
        "id" | "http://hl7.org/fhirpath/System.String" => !text.is_empty() && text.len() <= 255,
        "uri" | "url" | "canonical" => !text.is_empty() && !text.contains(char::is_whitespace),
        "base64Binary" => !text.is_empty(),
        _ => !text.trim().is_empty(),
    }
}
