//! Resources against the rules of R4 that every resource must meet (json.html, resource.html, references.html):
//! the structural minimum for anything that is stored ([`validate`]), everything that the base definitions ask for
//! ([`base`]), and what profiles ask for beyond that ([`profile::against`]). Messages and tables against the usage rules of
//! their standards: [`hl7v2`], [`care_plan`].

mod base;
pub mod care_plan;
pub mod hl7v2;
mod path;
pub mod profile;
pub mod standard;
pub mod usage;

pub use base::{DEPTH_ELEMENTS_MAX, Level, PROBLEMS_MAX, base, base_at, base_in_transaction, is_sound};

use path::Path;
use serde_json::{Map, Value};

use crate::fault::{Issue, Place, Rule, rules};
use crate::fhir::reference::{self, Literal};
use crate::fhir::time::Interval;

rules! {
    EMPTY "fhir-empty" Error Structure
        "an object, array or string is empty" "空のオブジェクト、配列または文字列があります"
    NULL "fhir-null" Error Structure
        "null stands where a value must be" "値が必要な場所に null があります"
    BAD_ID "fhir-bad-id" Error Value
        "an id has 1 to 64 of A-Z a-z 0-9 - ." "id は英数字・ハイフン・ピリオドの 1〜64 文字です"
    BAD_TYPE "fhir-bad-type" Error Structure
        "a resource names no resource type of R4" "リソースの resourceType が R4 の型ではありません"
    BAD_META "fhir-bad-meta" Error Structure
        "a part of meta has the wrong shape" "meta の要素の形が正しくありません"
    BAD_REFERENCE "fhir-bad-reference" Error Value
        "a reference is a URL, a urn, Type/id or #id" "reference は URL、urn、型/id、#id のいずれかです"
}

/// At most this many issues are reported; one is enough to hold a letter.
pub const ISSUES_MAX: usize = 50;

/// What keeps a resource from being stored; empty when it may be. All issues are errors.
pub fn validate(resource: &Value) -> Vec<Issue> {
    let mut found = Found { issues: Vec::new() };
    let name = resource.get("resourceType").and_then(Value::as_str).unwrap_or("-");
    let root = Path::root(if reference::resource_type(resource).is_some() { name } else { "-" });
    match resource {
        Value::Object(object) => found.resource(object, &root),
        _ => found.add(&BAD_TYPE, &root),
    }
    found.issues
}

struct Found {
    issues: Vec<Issue>,
}

impl Found {
    fn add(&mut self, rule: &'static Rule, path: &Path<'_>) {
        if self.issues.len() < ISSUES_MAX {
            self.issues.push(Issue::new(rule, Place::Path(path.text().into())));
        }
    }

    fn resource(&mut self, object: &Map<String, Value>, path: &Path<'_>) {
        if object.get("resourceType").and_then(Value::as_str).and_then(crate::fhir::ResourceType::parse).is_none() {
            self.add(&BAD_TYPE, &path.member("resourceType"));
        }
        match object.get("id") {
            None => {}
            Some(Value::String(id)) if reference::is_id(id) => {}
            Some(_) => self.add(&BAD_ID, &path.member("id")),
        }
        if let Some(meta) = object.get("meta") {
            self.meta(meta, &path.member("meta"));
        }
        if let Some(contained) = object.get("contained") {
            self.resources(contained, &path.member("contained"));
        }
        if object.get("resourceType").and_then(Value::as_str) == Some("Bundle") {
            self.entries(object, path);
        }
        self.object(object, path);
    }

    fn resources(&mut self, contained: &Value, path: &Path<'_>) {
        let Value::Array(items) = contained else { return self.add(&BAD_TYPE, path) };
        for (at, item) in items.iter().enumerate() {
            if item.get("resourceType").is_none() {
                self.add(&BAD_TYPE, &path.item(at));
            }
        }
    }

    fn entries(&mut self, bundle: &Map<String, Value>, path: &Path<'_>) {
        let path = path.member("entry");
        for (at, entry) in bundle.get("entry").and_then(Value::as_array).into_iter().flatten().enumerate() {
            let resource = entry.get("resource");
            if resource.is_some_and(|resource| resource.get("resourceType").is_none()) {
                self.add(&BAD_TYPE, &path.item(at).member("resource"));
            }
        }
    }

    /// resource.html#Meta; labels are read from here, so a wrong shape must not pass for "no label".
    fn meta(&mut self, meta: &Value, path: &Path<'_>) {
        let Value::Object(meta) = meta else { return self.add(&BAD_META, path) };
        for (name, value) in meta {
            let sound = match name.as_str() {
                "versionId" => value.as_str().is_some_and(reference::is_id),
                "lastUpdated" => value.as_str().is_some_and(|t| t.contains('T') && Interval::parse(t, 0).is_some()),
                "source" => value.is_string(),
                "profile" => value.as_array().is_some_and(|all| all.iter().all(|p| p.is_string() || p.is_null())),
                "tag" | "security" => value.as_array().is_some_and(|all| all.iter().all(is_coding)),
                _ => true,
            };
            if !sound {
                self.add(&BAD_META, &path.member(name));
            }
        }
    }

    fn object(&mut self, object: &Map<String, Value>, path: &Path<'_>) {
        if object.is_empty() {
            self.add(&EMPTY, path);
        }
        for (name, value) in object {
            let path = path.member(name);
            if name == "reference" && value.as_str().is_some_and(|text| Literal::parse(text) == Literal::Other) {
                self.add(&BAD_REFERENCE, &path);
                continue;
            }
            match value {
                Value::Null => self.add(&NULL, &path),
                Value::Array(items) => self.array(name, items, &path),
                value => self.value(value, &path),
            }
        }
    }

    /// json.html#null: null keeps a place free where the other of the pair `name`, `_name` has a value there.
    fn array(&mut self, name: &str, items: &[Value], path: &Path<'_>) {
        if items.is_empty() {
            return self.add(&EMPTY, path);
        }
        let primitive = name.starts_with('_') || items.iter().any(|i| !matches!(i, Value::Null | Value::Object(_)));
        for (at, item) in items.iter().enumerate() {
            match item {
                Value::Null if primitive => {}
                Value::Null => self.add(&NULL, &path.item(at)),
                Value::Array(_) => self.add(&EMPTY, &path.item(at)), // FHIR has no array in an array
                item => self.value(item, &path.item(at)),
            }
        }
    }

    fn value(&mut self, value: &Value, path: &Path<'_>) {
        match value {
            Value::String(text) if text.trim().is_empty() => self.add(&EMPTY, path),
            Value::Object(object) if object.contains_key("resourceType") => self.resource(object, path),
            Value::Object(object) => self.object(object, path),
            _ => {}
        }
    }
}

fn is_coding(value: &Value) -> bool {
    let text = |name| value.get(name).is_none_or(Value::is_string);
    value.is_object() && text("system") && text("code")
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn found(resource: Value) -> Vec<(&'static str, String)> {
        validate(&resource).iter().map(|issue| (issue.rule.id, issue.place.to_string())).collect()
    }

    #[test]
    fn each_rule_finds_its_place() {
        let with = |name: &str, value: Value| found(json!({"resourceType": "Patient", name: value}));
        let one = |id: &'static str, place: &str| vec![(id, place.to_owned())];
        assert_eq!(with("name", json!([])), one("fhir-empty", "Patient.name"));
        assert_eq!(with("name", json!([{"family": ""}])), one("fhir-empty", "Patient.name[0].family"));
        assert_eq!(with("name", json!([{"given": ["a", " "]}])), one("fhir-empty", "Patient.name[0].given[1]"));
        assert_eq!(with("name", json!([{}])), one("fhir-empty", "Patient.name[0]"));
        assert_eq!(with("name", json!([null])), one("fhir-null", "Patient.name[0]"));
        assert_eq!(with("birthDate", json!(null)), one("fhir-null", "Patient.birthDate"));
        assert_eq!(with("山田", json!("")), one("fhir-empty", "Patient.?"));
        assert_eq!(with("id", json!("a b")), one("fhir-bad-id", "Patient.id"));
        assert_eq!(with("meta", json!({"tag": {"code": "x"}})), one("fhir-bad-meta", "Patient.meta.tag"));
        assert_eq!(with("meta", json!({"lastUpdated": "2026"})), one("fhir-bad-meta", "Patient.meta.lastUpdated"));
        let place = "Patient.managingOrganization.reference";
        assert_eq!(with("managingOrganization", json!({"reference": "x"})), one("fhir-bad-reference", place));
        assert_eq!(with("contained", json!([{"id": "a"}])), one("fhir-bad-type", "Patient.contained[0]"));
    }

    #[test]
    fn entries_are_resources_too() {
        let bundle = json!({"resourceType": "Bundle", "entry": [{"resource": {"id": "1"}},
            {"resource": {"resourceType": "Patiant"}}, {"resource": {"resourceType": "Patient", "name": []}}]});
        assert_eq!(
            found(bundle),
            [
                ("fhir-bad-type", "Bundle.entry[0].resource".to_owned()),
                ("fhir-bad-type", "Bundle.entry[1].resource.resourceType".to_owned()),
                ("fhir-empty", "Bundle.entry[2].resource.name".to_owned()),
            ]
        );
    }

    #[test]
    fn a_sound_resource_passes() {
        let patient = json!({"resourceType": "Patient", "id": "a-1.B", "meta": {"versionId": "1",
            "lastUpdated": "2026-01-01T00:00:00Z", "tag": [{"system": "s", "code": "c"}], "profile": ["p"]},
            "name": [{"given": ["a", null], "_given": [null, {"id": "x"}]}],
            "managingOrganization": {"reference": "Organization/1"}, "link": [{"other": {"reference": "#p"}}]});
        assert_eq!(found(patient), []);
    }
}
