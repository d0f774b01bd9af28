//! FHIR TestScripts (testscript.html) as cases: one case each, its set-up before, the actions of its tests as steps. What is not
//! supported is said by the case, which is then skipped: nothing of a script is passed over in silence.

use std::collections::BTreeMap;
use std::path::Path;

use serde_json::Value;

use super::case::{Case, Strength, Words};
use super::check::{Check, Pattern, StatusPattern, value_of};
use super::step::Step;

/// Reads a script. `folder` is where relative references of fixtures lead. The error says that it is no TestScript.
pub fn import(name: &str, text: &str, folder: &Path) -> Result<Case, String> {
    let script: Value = serde_json::from_str(text).map_err(|error| format!("{name}: {error}"))?;
    if text_of(&script, "resourceType") != "TestScript" {
        return Err(format!("{name}: this is no TestScript in JSON"));
    }
    let mut reading = Reading::new(&script, folder);
    reading.fixtures();
    reading.variables();
    let created = reading.automatic("autocreate", "create");
    let deleted = reading.automatic("autodelete", "delete");
    let mut before = created;
    before.extend(reading.actions(script.pointer("/setup/action"), "setup"));
    let mut steps = Vec::new();
    for (n, test) in list(script.get("test")).iter().enumerate() {
        let name =
            if text_of(test, "name").is_empty() { format!("test {}", n + 1) } else { text_of(test, "name").into() };
        steps.extend(reading.actions(test.get("action"), &name));
    }
    let mut after = reading.actions(script.pointer("/teardown/action"), "teardown");
    after.extend(deleted);
    if steps.is_empty() {
        reading.unsupported.push("a script without a test".into());
    }
    let title = [text_of(&script, "title"), text_of(&script, "name"), name].into_iter().find(|t| !t.is_empty());
    let url = Some(text_of(&script, "url")).filter(|url| !url.is_empty());
    Ok(Case {
        id: format!("testscript/{name}"),
        title: title.unwrap_or_default().to_owned(),
        quote: None,
        clause: format!("As the TestScript {name} says."),
        url: url.unwrap_or("http://hl7.org/fhir/R4/testscript.html").to_owned(),
        strength: Strength::Should,
        needs: Vec::new(),
        setup: Vec::new(),
        writes: None,
        alone: false,
        why: Words { en: text_of(&script, "description").into(), ja: text_of(&script, "description").into() },
        mend: Words::default(),
        before,
        steps,
        after,
        unsupported: reading.unsupported,
        given: reading.given,
    })
}

struct Reading<'a> {
    script: &'a Value,
    folder: &'a Path,
    /// Resources by the id of their fixture.
    fixtures: BTreeMap<String, Value>,
    /// Values that are known from the start.
    given: Vec<(String, String)>,
    /// Of each response, the variables that come from it: name and place.
    kept: BTreeMap<String, Vec<(String, String)>>,
    unsupported: Vec<String>,
}

impl<'a> Reading<'a> {
    fn new(script: &'a Value, folder: &'a Path) -> Reading<'a> {
        Reading {
            script,
            folder,
            fixtures: BTreeMap::new(),
            given: Vec::new(),
            kept: BTreeMap::new(),
            unsupported: Vec::new(),
        }
    }

    fn fixtures(&mut self) {
        for fixture in list(self.script.get("fixture")) {
            let reference = fixture.pointer("/resource/reference").and_then(Value::as_str).unwrap_or_default();
            let found = match reference.strip_prefix('#') {
                Some(id) => list(self.script.get("contained")).iter().find(|one| text_of(one, "id") == id).cloned(),
                None => self.file(reference),
            };
            match found {
                Some(resource) => {
                    self.fixtures.insert(text_of(fixture, "id").into(), resource);
                }
                None => self.unsupported.push(format!("the fixture {reference} is not there")),
            }
        }
    }

    /// A fixture in a file beside the script.
    fn file(&self, reference: &str) -> Option<Value> {
        let path = Path::new(reference);
        let below = path
            .components()
            .all(|part| matches!(part, std::path::Component::Normal(_) | std::path::Component::CurDir));
        if !below || reference.is_empty() {
            return None;
        }
        let text = [path.to_path_buf(), path.with_extension("json")]
            .iter()
            .find_map(|path| std::fs::read_to_string(self.folder.join(path)).ok())?;
        serde_json::from_str(&text).ok()
    }

    fn variables(&mut self) {
        for variable in list(self.script.get("variable")) {
            let name = text_of(variable, "name");
            if let Some(value) = variable.get("defaultValue").and_then(Value::as_str) {
                self.given.push((name.into(), value.into()));
            }
            let source = text_of(variable, "sourceId");
            let place =
                match (text_of(variable, "headerField"), text_of(variable, "expression"), text_of(variable, "path")) {
                    (header, "", "") if !header.is_empty() => format!("header {header}"),
                    ("", expression, _) if !expression.is_empty() => expression.to_owned(),
                    ("", "", "") => continue,
                    (_, _, path) => {
                        self.unsupported.push(format!("variable {name}: path '{path}' (XPath or JSONPath)"));
                        continue;
                    }
                };
            match self.fixtures.get(source) {
                Some(fixture) => match value_of(&place, fixture) {
                    Ok(Some(value)) => self.given.push((name.into(), value)),
                    _ => self.unsupported.push(format!("variable {name}: {place} finds nothing in {source}")),
                },
                None => self.kept.entry(source.into()).or_default().push((name.into(), place)),
            }
        }
    }

    /// Steps for fixtures that are created or deleted by themselves.
    fn automatic(&mut self, flag: &str, code: &str) -> Vec<Step> {
        let script = self.script;
        let wanted = list(script.get("fixture")).iter().filter(|one| one.get(flag) == Some(&Value::Bool(true)));
        let mut steps = Vec::new();
        for fixture in wanted {
            let id = text_of(fixture, "id");
            let operation = match code {
                "create" => serde_json::json!({"type": {"code": "create"}, "sourceId": id, "responseId": id}),
                _ => serde_json::json!({"type": {"code": "delete"}, "targetId": id}),
            };
            steps.extend(self.operation(&operation, flag));
        }
        steps
    }

    /// The actions of a set-up, a test or a tear-down; an assertion goes with the operation before it.
    fn actions(&mut self, actions: Option<&Value>, part: &str) -> Vec<Step> {
        let mut steps: Vec<(Step, String)> = Vec::new();
        for action in list(actions) {
            if let Some(operation) = action.get("operation") {
                let response = text_of(operation, "responseId").to_owned();
                steps.extend(self.operation(operation, part).map(|step| (step, response)));
            }
            if let Some(assert) = action.get("assert") {
                let source = text_of(assert, "sourceId");
                match steps.iter_mut().rev().find(|(_, response)| source.is_empty() || response == source) {
                    Some((step, _)) => match self.assertion(assert) {
                        Ok(check) => step.checks.push(check),
                        Err(what) => self.unsupported.push(what),
                    },
                    None => self
                        .unsupported
                        .push(format!("{part}: an assertion about {source}, which no operation of it answers")),
                }
            }
        }
        steps.into_iter().map(|(step, _)| step).collect()
    }

    fn operation(&mut self, operation: &Value, part: &str) -> Option<Step> {
        let code = operation.pointer("/type/code").and_then(Value::as_str).unwrap_or_default();
        let source = text_of(operation, "sourceId");
        let target = text_of(operation, "targetId");
        let body = self.fixtures.get(source).cloned();
        let named = text_of(operation, "resource");
        let of_body = |value: Option<&Value>| value.map(|value| text_of(value, "resourceType").to_owned());
        let kind = Some(named.to_owned())
            .filter(|kind| !kind.is_empty())
            .or_else(|| of_body(body.as_ref()).or_else(|| of_body(self.fixtures.get(target))));
        let params = placed(text_of(operation, "params"));
        let path = match (text_of(operation, "url"), self.path(code, kind.as_deref(), target)) {
            ("", Some(path)) => path,
            ("", None) => {
                self.unsupported.push(format!("{part}: the operation {code}"));
                return None;
            }
            (url, _) => return Some(self.step(operation, code, placed(url), body, part)),
        };
        // `params` of a read or an update is the rest of the path: `/${id}`.
        let joined = match params.strip_prefix('/') {
            Some(rest) if !path.contains("{{") => format!("{path}/{rest}"),
            _ if path.contains("{{") => path,
            _ => format!("{path}{params}"),
        };
        Some(self.step(operation, code, joined, body, part))
    }

    /// Where an operation goes, below the base.
    fn path(&mut self, code: &str, kind: Option<&str>, target: &str) -> Option<String> {
        let of_kind = kind.map(|kind| format!("/{kind}"));
        let id = if target.is_empty() { String::new() } else { format!("/{{{{{target}.id}}}}") };
        match code {
            "capabilities" => Some("/metadata".into()),
            "batch" | "transaction" => Some(String::new()),
            "create" => of_kind,
            "search" => Some(of_kind.unwrap_or_default()),
            "read" | "update" | "delete" | "patch" | "vread" => of_kind.map(|path| format!("{path}{id}")),
            "history" => of_kind.map(|path| format!("{path}{id}/_history")),
            _ => None,
        }
    }

    fn step(&mut self, operation: &Value, code: &str, path: String, body: Option<Value>, part: &str) -> Step {
        let own = text_of(operation, "method").to_ascii_uppercase();
        let usual = match code {
            "create" | "batch" | "transaction" => "POST",
            "update" => "PUT",
            "delete" => "DELETE",
            "patch" => "PATCH",
            _ => "GET",
        };
        let method = if own.is_empty() { usual.to_owned() } else { own };
        let mut headers = BTreeMap::new();
        for (member, header) in [("accept", "Accept"), ("contentType", "Content-Type")] {
            let value = text_of(operation, member);
            if !value.is_empty() {
                headers.insert(header.to_owned(), media_type(value));
            }
        }
        for header in list(operation.get("requestHeader")) {
            headers.insert(text_of(header, "field").into(), placed(text_of(header, "value")));
        }
        let separator =
            if path.is_empty() || path.starts_with(['/', '?', '{']) || path.starts_with("http") { "" } else { "/" };
        let response = text_of(operation, "responseId");
        let mut keep: BTreeMap<String, String> =
            self.kept.get(response).cloned().unwrap_or_default().into_iter().collect();
        if !response.is_empty() && matches!(code, "create" | "update") {
            keep.insert(format!("{response}.id"), "location.id".into());
        }
        let wants_body = matches!(method.as_str(), "POST" | "PUT" | "PATCH");
        Step {
            say: [part, text_of(operation, "label")].join(" ").trim().to_owned(),
            request: Some(format!("{method} {separator}{path}")),
            headers,
            body: body.filter(|_| wants_body).map(|body| placed(&body.to_string())),
            keep: if code == "create" { keep } else { without_location(keep) },
            ..Step::default()
        }
    }

    fn assertion(&self, assert: &Value) -> Result<Check, String> {
        let value = placed(text_of(assert, "value"));
        let operator = text_of(assert, "operator");
        let check = if !text_of(assert, "minimumId").is_empty() {
            let id = text_of(assert, "minimumId");
            let fixture = self.fixtures.get(id).ok_or_else(|| format!("minimumId {id}: there is no such fixture"))?;
            Check::Contains(super::json::own(fixture).to_string())
        } else if !text_of(assert, "response").is_empty() {
            Check::Status(vec![StatusPattern(status(text_of(assert, "response"))?.into())])
        } else if !text_of(assert, "responseCode").is_empty() {
            let codes = text_of(assert, "responseCode");
            match operator {
                "" | "equals" | "in" => {
                    Check::Status(codes.split(',').map(|one| StatusPattern(one.trim().into())).collect())
                }
                _ => return Err(format!("responseCode with the operator {operator}")),
            }
        } else if !text_of(assert, "contentType").is_empty() {
            Check::ContentType(media_type(text_of(assert, "contentType")))
        } else if !text_of(assert, "headerField").is_empty() {
            Check::Header(text_of(assert, "headerField").to_ascii_lowercase(), pattern(operator, value)?)
        } else if !text_of(assert, "resource").is_empty() {
            Check::True(format!("{}.exists()", text_of(assert, "resource")))
        } else if !text_of(assert, "requestMethod").is_empty() {
            Check::Method(text_of(assert, "requestMethod").into())
        } else if !text_of(assert, "expression").is_empty() {
            let expression = placed(text_of(assert, "expression"));
            match (operator, value.is_empty()) {
                ("" | "eval", true) => Check::True(expression),
                _ => Check::Value(expression, pattern(operator, value)?),
            }
        } else if assert.get("navigationLinks") == Some(&Value::Bool(true)) {
            Check::True("Bundle.link.where(relation = 'self').exists()".into())
        } else {
            let names = assert.as_object().into_iter().flat_map(|members| members.keys()).map(String::as_str);
            let about = ["label", "description", "direction", "warningOnly", "sourceId", "operator", "value"];
            let names: Vec<&str> = names.filter(|name| !about.contains(name)).collect();
            return Err(format!("an assertion about {}", names.join(", ")));
        };
        let warning = assert.get("warningOnly") == Some(&Value::Bool(true));
        Ok(if warning { Check::Warning(Box::new(check)) } else { check })
    }
}

/// A `Location` is of what was created; an update has none to be read.
fn without_location(keep: BTreeMap<String, String>) -> BTreeMap<String, String> {
    keep.into_iter().filter(|(_, place)| place != "location.id").collect()
}

/// `AssertionResponseTypes` as a status.
fn status(word: &str) -> Result<&'static str, String> {
    Ok(match word {
        "okay" => "200",
        "created" => "201",
        "noContent" => "204",
        "notModified" => "304",
        "bad" => "400",
        "forbidden" => "403",
        "notFound" => "404",
        "methodNotAllowed" => "405",
        "conflict" => "409",
        "gone" => "410",
        "preconditionFailed" => "412",
        "unprocessable" => "422",
        other => return Err(format!("the response '{other}'")),
    })
}

/// `AssertionOperatorType` with its value.
fn pattern(operator: &str, value: String) -> Result<Pattern, String> {
    Ok(match operator {
        "" | "equals" => Pattern::Equals(value),
        "notEquals" => Pattern::NotEquals(value),
        "in" => Pattern::In(value),
        "notIn" => Pattern::NotIn(value),
        "greaterThan" => Pattern::Greater(value),
        "lessThan" => Pattern::Less(value),
        "empty" => Pattern::Absent,
        "notEmpty" => Pattern::Present,
        "contains" => Pattern::Contains(value),
        "notContains" => Pattern::NotContains(value),
        other => return Err(format!("the operator {other}")),
    })
}

/// Content types may be written short.
fn media_type(text: &str) -> String {
    match text {
        "json" => "application/fhir+json".into(),
        "xml" => "application/fhir+xml".into(),
        other => other.to_owned(),
    }
}

/// `${name}` as our places.
fn placed(text: &str) -> String {
    let mut placed = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("${") {
        let Some((name, behind)) = after.split_once('}') else { break };
        placed.push_str(&format!("{before}{{{{{name}}}}}"));
        rest = behind;
    }
    placed.push_str(rest);
    placed
}

fn list(value: Option<&Value>) -> &[Value] {
    value.and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default()
}

fn text_of<'v>(value: &'v Value, name: &str) -> &'v str {
    value.get(name).and_then(Value::as_str).unwrap_or_default()
}
