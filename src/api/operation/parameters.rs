//! The parameters of a call (operations.html#executing): from the address, a form, or a Parameters resource; a body that is
//! another resource is the one resource that the operation takes.

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::rules;
use crate::api::answer::Answer;
use crate::api::asked::decoded;
use crate::api::body;
use crate::api::routes::printable;
use crate::api::rules as common;
use crate::api::write::Stop;
use crate::fault::{Issue, Noted, Place, Status};
use crate::fhir::json::Members;

/// Parameters of one call.
pub(super) const PARAMETERS_MAX: usize = 1000;

/// The parameters of a call.
#[derive(Debug, Default)]
pub(super) struct Parameters {
    all: Vec<Parameter>,
    /// A body that is no Parameters.
    bare: Option<String>,
    /// What the XML of the body says and its JSON does not.
    pub(super) noticed: Vec<Issue>,
}

/// One parameter.
#[derive(Debug)]
struct Parameter {
    name: String,
    /// Its `value[x]`, whichever; text, where it stands in an address. Null where there is none.
    value: Value,
    /// Its resource, as it was sent.
    resource: Option<String>,
    /// Its `part`. Null where there is none.
    part: Value,
}

#[derive(Deserialize)]
struct Sent<'a> {
    #[serde(rename = "resourceType")]
    resource_type: String,
    #[serde(borrow, default)]
    parameter: Vec<&'a RawValue>,
}

impl Parameters {
    /// Those of a query, and of a body where there is one.
    pub(super) fn of(query: &str, body: Option<&str>) -> Result<Self, Stop> {
        let mut parameters = Parameters::default();
        parameters.query(query)?;
        body.filter(|body| !body.is_empty()).map_or(Ok(()), |body| parameters.body(body))?;
        Ok(parameters)
    }

    /// Reads what a request brings.
    pub(super) async fn read(request: &HttpRequest, payload: web::Payload) -> Result<Self, Answer> {
        let mut parameters = Parameters::default();
        parameters.query(request.query_string()).map_err(Answer::from)?;
        let headers = request.headers();
        let kind = headers.get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
        if kind.is_empty() && headers.get(header::CONTENT_LENGTH).is_none_or(|length| length == "0") {
            return Ok(parameters);
        }
        if kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("application/x-www-form-urlencoded") {
            let form = body::bytes(request, payload).await?;
            parameters.query(&String::from_utf8_lossy(&form)).map_err(Answer::from)?;
            return Ok(parameters);
        }
        let Noted { value: sent, issues } = body::noted_json(request, payload).await?;
        parameters.noticed = issues;
        if !sent.trim_ascii().is_empty() {
            parameters.body(&String::from_utf8_lossy(&sent)).map_err(Answer::from)?;
        }
        Ok(parameters)
    }

    fn query(&mut self, text: &str) -> Result<(), Stop> {
        for pair in text.split('&').filter(|pair| !pair.is_empty()) {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            let wrong = || refused(&common::VALUE, name);
            let (name, value) = (decoded(name).ok_or_else(wrong)?, decoded(value).ok_or_else(wrong)?);
            // What is asked of the form of the answer is no parameter of the operation.
            if !value.is_empty() && !matches!(name.as_str(), "_format" | "_pretty") {
                self.add(Parameter { name, value: Value::from(value), resource: None, part: Value::Null })?;
            }
        }
        Ok(())
    }

    fn body(&mut self, text: &str) -> Result<(), Stop> {
        let sent = match serde_json::from_str::<Sent<'_>>(text) {
            Ok(sent) if sent.resource_type == "Parameters" => sent,
            _ => {
                self.bare = Some(text.to_owned());
                return Ok(());
            }
        };
        for raw in sent.parameter {
            let unreadable = || Stop::because(Status::BadRequest, &rules::NOT_PARAMETERS, "");
            let members = Members::of(raw.get()).ok_or_else(unreadable)?;
            let name = members.get("name").and_then(|name| serde_json::from_str(name).ok()).ok_or_else(unreadable)?;
            let value = members.0.iter().find(|(member, _)| member.starts_with("value")).map(|(_, value)| *value);
            let value = value.map(serde_json::from_str).transpose().map_err(|_| unreadable())?.unwrap_or_default();
            let part = members.get("part").map(serde_json::from_str).transpose().map_err(|_| unreadable())?;
            let resource = members.get("resource").map(str::to_owned);
            self.add(Parameter { name, value, resource, part: part.unwrap_or_default() })?;
        }
        Ok(())
    }

    fn add(&mut self, parameter: Parameter) -> Result<(), Stop> {
        if self.all.len() >= PARAMETERS_MAX {
            return Err(Stop::because(Status::BadRequest, &rules::TOO_MANY_PARAMETERS, &PARAMETERS_MAX.to_string()));
        }
        self.all.push(parameter);
        Ok(())
    }

    /// Their names, in order.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.all.iter().map(|parameter| parameter.name.as_str())
    }

    /// Refuses what the operation does not know: leaving it out could answer something else than was asked. Nor is a body
    /// taken that is no Parameters.
    pub(super) fn only(&self, known: &[&str]) -> Result<(), Stop> {
        if self.bare.is_some() {
            return Err(Stop::because(Status::BadRequest, &rules::NOT_PARAMETERS, ""));
        }
        self.no_others(known)
    }

    /// The same for an operation that takes a resource.
    pub(super) fn no_others(&self, known: &[&str]) -> Result<(), Stop> {
        match self.names().find(|name| !known.contains(name)) {
            Some(name) => Err(refused(&common::PARAMETER, name)),
            None => Ok(()),
        }
    }

    /// The parts of each parameter of that name.
    pub(super) fn parts<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        self.all.iter().filter(move |parameter| parameter.name == name).map(|parameter| &parameter.part)
    }

    /// All values of a parameter.
    pub(super) fn values<'a>(&'a self, name: &'a str) -> impl Iterator<Item = &'a Value> {
        self.all.iter().filter(move |parameter| parameter.name == name).map(|parameter| &parameter.value)
    }

    /// The value of a parameter that may be given once.
    pub(super) fn value<'a>(&'a self, name: &'a str) -> Result<Option<&'a Value>, Stop> {
        let mut values = self.values(name);
        match (values.next(), values.next()) {
            (_, Some(_)) => Err(refused(&rules::ONCE, name)),
            (value, None) => Ok(value),
        }
    }

    /// A parameter of a primitive type that may be given once, as text.
    pub(super) fn text(&self, name: &str) -> Result<Option<String>, Stop> {
        match self.value(name)? {
            None => Ok(None),
            Some(value) => plain(value).map(Some).ok_or_else(|| refused(&common::VALUE, name)),
        }
    }

    /// A boolean that may be given once.
    pub(super) fn boolean(&self, name: &str) -> Result<Option<bool>, Stop> {
        match self.text(name)?.as_deref() {
            None => Ok(None),
            Some("true") => Ok(Some(true)),
            Some("false") => Ok(Some(false)),
            Some(_) => Err(refused(&common::VALUE, name)),
        }
    }

    /// The resource that the operation takes: the parameter of this name, or the whole body.
    pub(super) fn resource(&self, name: &str) -> Option<&str> {
        let named = self.all.iter().find(|parameter| parameter.name == name && parameter.resource.is_some());
        named.and_then(|parameter| parameter.resource.as_deref()).or(self.bare.as_deref())
    }

    /// Every parameter of a primitive type as name and text; of others the first is an error.
    pub(super) fn pairs(&self) -> Result<Vec<(String, String)>, Stop> {
        let pair = |one: &Parameter| match plain(&one.value) {
            Some(text) => Ok((one.name.clone(), text)),
            None => Err(refused(&common::VALUE, &one.name)),
        };
        self.all.iter().map(pair).collect()
    }
}

/// A primitive value as text, and a Reference as what it refers to.
fn plain(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Number(number) => Some(number.to_string()),
        Value::Object(members) => Some(members.get("reference")?.as_str()?.to_owned()),
        Value::Null | Value::Array(_) => None,
    }
}

/// A request that is wrong about a parameter; its name is the caller's own word.
pub(super) fn refused(rule: &'static crate::fault::Rule, name: &str) -> Stop {
    Stop::Refused(Status::BadRequest, vec![Issue::with(rule, Place::Whole, printable(name))])
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(query: &str, body: &str) -> Result<Parameters, Stop> {
        let mut parameters = Parameters::default();
        parameters.query(query)?;
        if !body.is_empty() {
            parameters.body(body)?;
        }
        Ok(parameters)
    }

    #[test]
    fn parameters_come_from_the_address_and_from_the_body() {
        let both = read(
            "a=1%20x&_format=json&b=&c=true",
            r#"{"resourceType":"Parameters","parameter":[{"name":"r","resource":{"x":1.50}},{"name":"p","valueReference":
            {"reference":"Patient/1"}},{"name":"n","valuePositiveInt":3},{"name":"n","valueString":"x"}]}"#,
        )
        .unwrap();
        assert_eq!(both.names().collect::<Vec<_>>(), ["a", "c", "r", "p", "n", "n"]);
        assert_eq!(both.text("a").unwrap().as_deref(), Some("1 x"));
        assert_eq!(both.boolean("c").unwrap(), Some(true));
        assert_eq!(both.resource("r"), Some("{\"x\":1.50}"));
        assert_eq!(both.text("p").unwrap().as_deref(), Some("Patient/1"));
        assert!(both.text("n").is_err() && both.boolean("a").is_err() && both.text("r").is_err());
        assert!(both.only(&["a", "c", "r", "p", "n"]).is_ok() && both.only(&["a", "c", "r", "p"]).is_err());
        assert_eq!(both.values("n").count(), 2);
        assert!(both.text("none").unwrap().is_none());
    }

    #[test]
    fn another_body_is_the_resource() {
        for bare in ["{\"resourceType\":\"Patient\"}", "{", "[]", "{\"resourceType\":\"Parameters\",\"parameter\":{}}"]
        {
            let read = read("", bare).unwrap();
            assert_eq!(read.resource("resource"), Some(bare));
            assert!(read.only(&[]).is_err());
        }
        assert!(read("", r#"{"resourceType":"Parameters","parameter":[{"valueString":"x"}]}"#).is_err());
        assert!(read("", r#"{"resourceType":"Parameters","parameter":[7]}"#).is_err());
        assert!(read("a=%zz", "").is_err());
    }

    #[test]
    fn there_is_a_limit() {
        assert!(read(&"a=1&".repeat(PARAMETERS_MAX), "").is_ok());
        assert!(read(&"a=1&".repeat(PARAMETERS_MAX + 1), "").is_err());
    }
}
