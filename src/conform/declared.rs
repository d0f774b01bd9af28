//! What the target says of itself: its CapabilityStatement and its SMART configuration, and whether it declares what a case
//! needs. Short forms of needs:
//!
//! `Patient.read` an interaction; `Patient.conditionalCreate` and other members of the resource; `Patient?birthdate` a search
//! parameter; `Patient.$everything` and `$export` operations; `Patient&_include=Patient:organization`; `system.transaction`;
//! `format.xml`; `patch.json`, `patch.fhirpath`; `smart`, `smart.client-confidential-asymmetric` a capability;
//! `intake`, `mllp`, `subscriptions` of the client file; anything after `fhirpath: ` is an expression over the CapabilityStatement.

use serde_json::Value;

use super::bundle;
use super::check;
use super::outcome::Sent;
use super::run::Stopped;
use super::subject::Subject;

/// What the target declares.
#[derive(Clone, Debug, Default)]
pub struct Declared {
    /// The CapabilityStatement; null where there is none.
    pub statement: Value,
    /// `.well-known/smart-configuration`; null where there is none.
    pub smart: Value,
    /// Why the statement is not to be had, where nobody is let in to it.
    pub(super) closed: Option<Stopped>,
    /// Whether the client file says where letters go, and where HL7 v2 messages go.
    pub intake: bool,
    /// See `intake`.
    pub mllp: bool,
    /// Whether it says that notifications are sent.
    pub subscriptions: bool,
}

impl Declared {
    /// Asks the target. The error says that it does not answer.
    pub fn ask(subject: &Subject) -> Result<Declared, String> {
        let (mut statement, mut closed) = get(subject, "none", "/metadata", "application/fhir+json")?;
        let (smart, _) = get(subject, "none", "/.well-known/smart-configuration", "application/json")?;
        subject.set_token_endpoint(smart.get("token_endpoint").and_then(Value::as_str));
        if closed.is_some() {
            (statement, closed) = get(subject, "default", "/metadata", "application/fhir+json")?;
        }
        let (intake, mllp) = (subject.clients.intake.is_some(), subject.clients.mllp.is_some());
        let subscriptions = subject.clients.subscriptions;
        Ok(Declared { statement, smart, closed, intake, mllp, subscriptions })
    }

    /// Whether there is a CapabilityStatement at all.
    pub fn is_known(&self) -> bool {
        self.statement.get("resourceType").and_then(Value::as_str) == Some("CapabilityStatement")
    }

    /// Whether the target declares what a need names.
    pub fn has(&self, need: &str) -> bool {
        match need {
            "intake" => return self.intake,
            "mllp" => return self.mllp,
            "subscriptions" => return self.subscriptions,
            "smart" => return self.smart.is_object(),
            _ => {}
        }
        if let Some(expression) = need.strip_prefix("fhirpath: ") {
            return self.holds(expression);
        }
        if let Some(name) = need.strip_prefix("smart.") {
            return listed(self.smart.get("capabilities"), name);
        }
        if let Some(name) = need.strip_prefix("system.") {
            return codes(self.rest().get("interaction"), "code").any(|code| code == name);
        }
        if let Some(name) = need.strip_prefix("format.") {
            return texts(self.statement.get("format")).any(|format| format.contains(name));
        }
        if let Some(name) = need.strip_prefix("patch.") {
            let wanted = if name == "json" { "json-patch" } else { "fhir+json" };
            return texts(self.statement.get("patchFormat")).any(|format| format.contains(wanted));
        }
        if let Some(name) = need.strip_prefix('$') {
            return codes(self.rest().get("operation"), "name").any(|found| found.trim_start_matches('$') == name);
        }
        self.of_type(need)
    }

    fn of_type(&self, need: &str) -> bool {
        let at = need.find(['.', '?', '&']).unwrap_or(need.len());
        let (kind, what) = need.split_at(at);
        let Some(resource) = self.resource(kind) else { return false };
        match what.split_at_checked(1) {
            None => true,
            Some(("?", name)) => {
                let every = codes(self.rest().get("searchParam"), "name");
                codes(resource.get("searchParam"), "name").chain(every).any(|found| found == name) || name == "_id"
            }
            Some(("&", include)) => match include.split_once('=') {
                Some(("_include", path)) => listed(resource.get("searchInclude"), path),
                Some(("_revinclude", path)) => listed(resource.get("searchRevInclude"), path),
                _ => false,
            },
            Some((_, name)) => match name.strip_prefix('$') {
                Some(name) => {
                    codes(resource.get("operation"), "name").any(|found| found.trim_start_matches('$') == name)
                }
                None => {
                    let offered = codes(resource.get("interaction"), "code").any(|code| code == name);
                    offered || resource.get(name).is_some_and(is_offered)
                }
            },
        }
    }

    fn rest(&self) -> &Value {
        let rests = self.statement.get("rest").and_then(Value::as_array).map(Vec::as_slice).unwrap_or_default();
        rests.iter().find(|rest| rest.get("mode").and_then(Value::as_str) == Some("server")).unwrap_or(&Value::Null)
    }

    fn resource(&self, kind: &str) -> Option<&Value> {
        let resources = self.rest().get("resource")?.as_array()?;
        resources.iter().find(|resource| resource.get("type").and_then(Value::as_str) == Some(kind))
    }

    fn holds(&self, text: &str) -> bool {
        check::holds(text, &self.statement)
    }
}

/// A member of a resource of the statement that says that something is offered: `true`, or a code that is no refusal.
fn is_offered(value: &Value) -> bool {
    match value {
        Value::Bool(offered) => *offered,
        Value::String(code) => code != "not-supported" && code != "no-version",
        _ => false,
    }
}

fn codes<'v>(list: Option<&'v Value>, name: &'static str) -> impl Iterator<Item = &'v str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(move |one| one.get(name)?.as_str())
}

fn texts(list: Option<&Value>) -> impl Iterator<Item = &str> {
    list.and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
}

fn listed(list: Option<&Value>, name: &str) -> bool {
    texts(list).any(|one| one == name)
}

/// A document of the target's; null where there is none, with what keeps a caller from it.
fn get(subject: &Subject, caller: &str, path: &str, accept: &str) -> Result<(Value, Option<Stopped>), String> {
    let headers = vec![("Accept".to_owned(), accept.to_owned())];
    let sent = Sent { method: "GET".into(), url: subject.address(path), headers, body: String::new() };
    let (sent, answer) = subject.ask(caller, sent);
    let answer = answer?;
    if matches!(answer.status, 401 | 403) {
        return Ok((Value::Null, subject.outside(caller, &sent, &answer)));
    }
    let body: Value = serde_json::from_str(&answer.body).unwrap_or_default();
    // What says that there is none is none.
    let none = !(200..300).contains(&answer.status) || bundle::not_an_outcome(&body).is_none();
    Ok((if none { Value::Null } else { body }, None))
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn needs() {
        let resource = json!({
            "type": "Patient", "interaction": [{"code": "read"}], "conditionalCreate": true, "conditionalDelete": "not-supported",
            "searchParam": [{"name": "name"}], "operation": [{"name": "everything"}],
            "searchInclude": ["Patient:organization"],
        });
        let rest = json!({"mode": "server", "resource": [resource], "interaction": [{"code": "batch"}]});
        let statement =
            json!({"resourceType": "CapabilityStatement", "rest": [rest], "format": ["application/fhir+json"]});
        let declared = Declared { statement, smart: json!({"capabilities": ["x"]}), ..Declared::default() };
        for (need, has) in [
            ("Patient", true),
            ("Patient.read", true),
            ("Patient.create", false),
            ("Patient.conditionalCreate", true),
            ("Patient.conditionalDelete", false),
            ("Patient?name", true),
            ("Patient?_id", true),
            ("Patient?birthdate", false),
            ("Patient.$everything", true),
            ("Patient&_include=Patient:organization", true),
            ("Observation", false),
            ("system.batch", true),
            ("system.transaction", false),
            ("format.json", true),
            ("format.xml", false),
            ("smart", true),
            ("smart.x", true),
            ("smart.y", false),
            ("intake", false),
            ("$export", false),
            ("fhirpath: rest.resource.type = 'Patient'", true),
            ("fhirpath: rest.resource.type = 'X'", false),
        ] {
            assert_eq!(declared.has(need), has, "{need}");
        }
        assert!(declared.is_known() && !Declared::default().is_known());
    }
}
