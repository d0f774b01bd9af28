//! One step of a case: a request (or a message over MLLP), what is expected of the answer, and what is kept of it.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::check::{Check, Pattern, StatusPattern};

/// One step.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Step {
    /// What it is for, in a few words.
    pub say: String,
    /// Whom it acts as; `default` where nothing is said, `none` for nobody.
    #[serde(rename = "as")]
    pub caller: Option<String>,
    /// `GET /Patient/{{patient}}`: a method, and a path below the base or a whole address.
    pub request: Option<String>,
    /// Headers beside those that are always sent; an empty value sends none.
    pub headers: BTreeMap<String, String>,
    /// The body.
    pub body: Option<String>,
    /// A form as the body.
    pub form: BTreeMap<String, String>,
    /// An HL7 v2 message that is sent over MLLP, one segment a line.
    pub mllp: Option<String>,
    /// A client assertion that is made before, as `{{assertion}}`.
    pub assertion: Option<Assertion>,
    /// How often the same request is sent at the same time; the answer with the lowest status is the one that is judged.
    pub times: Option<usize>,
    /// Whether `next` links are followed, so that the entries of all pages are judged together.
    pub follow: bool,
    /// Asked anew while the answer has this status.
    pub while_status: Option<u16>,
    /// For how long it is asked anew, seconds.
    pub seconds: Option<u64>,
    /// Query parameters (`gender:missing`) that a server need not support and declares nowhere. Where it refuses them, or its self
    /// link says that it left them out, the case is not about it.
    pub optional: Vec<String>,
    /// Whether a server that does not support this has to refuse it, as it has to refuse modifiers that it does not support. Where it
    /// does, the case is not about it.
    pub refusable: bool,
    /// FHIRPath over the answer, or statuses, that show that the target does not do what the case is about, and need not.
    pub unless: Vec<String>,
    /// What is expected.
    pub expect: Expect,
    /// What a specification only recommends, in a case about something stronger: it is told, and fails nothing.
    pub should: Expect,
    /// What is kept for later steps: a name, and where it is found; see `keep`.
    pub keep: BTreeMap<String, String>,
    /// Checks that no file says, of a TestScript.
    #[serde(skip)]
    pub checks: Vec<Check>,
}

/// A client assertion (RFC 7523) with what is deliberately wrong about it.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Assertion {
    /// Whose; the client of the step where nothing is said.
    pub client: Option<String>,
    /// Claims that replace the right ones; an empty text takes the claim away. Placeholders are filled.
    pub claims: BTreeMap<String, String>,
    /// For how many seconds from now it counts.
    pub expires_in_seconds: Option<i64>,
    /// Whether it is signed with a key that nobody has registered.
    pub foreign_key: bool,
}

/// What is expected of an answer.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expect {
    /// One of these; `2xx` stands for a hundred.
    pub status: Vec<StatusPattern>,
    /// Headers by name: `present`, `absent`, `~expression`, or the value.
    pub header: BTreeMap<String, String>,
    /// The media type, without its parameters.
    pub content_type: Option<String>,
    /// FHIRPath over the body; each must hold.
    pub fhirpath: Vec<String>,
    /// Whether the body is an OperationOutcome with an error.
    pub outcome: bool,
    /// The Bundle's type.
    pub bundle: Option<String>,
    /// Whether it keeps the rules for Bundles of its type; with `bundle`.
    pub rules: bool,
    /// The ids of the resources that match: these and no others.
    pub found: Option<Vec<String>>,
    /// A kept body that this one equals, but for what a server adds.
    pub same: Option<String>,
    /// JSON that the body holds, wherever what it says is said.
    pub contains: Option<String>,
    /// Whether the body holds what this step sent.
    pub sent: bool,
    /// Whether there is no body.
    pub empty: bool,
    /// Regular expressions that the text of the body matches.
    pub text: Vec<String>,
    /// Regular expressions that the text of the body does not match.
    pub not_text: Vec<String>,
    /// Whether every value of the JSON is one that FHIR allows: no null, no empty text, object or list.
    pub sound: bool,
    /// Fields of an HL7 v2 answer: `MSA-1 = "AA"`.
    pub field: BTreeMap<String, String>,
    /// With `times`: how many answers have a status, `201 = 1`.
    pub count: BTreeMap<String, usize>,
}

impl Step {
    /// What is expected, one check each.
    pub fn all_checks(&self) -> Vec<Check> {
        let mut checks = self.expect.checks();
        checks.extend(self.should.checks().into_iter().map(|check| Check::Warning(Box::new(check))));
        checks.extend(self.checks.iter().cloned());
        checks
    }

    /// Whether the step can be understood.
    pub(super) fn check(&self) -> Result<(), String> {
        match (&self.request, &self.mllp) {
            (Some(request), None) if request.split_once(' ').is_some() => Ok(()),
            (None, Some(_)) => Ok(()),
            _ => Err("a step has either request = \"METHOD path\" or mllp = \"message\"".into()),
        }
    }

    /// Whether it may change something at the target: what only asks is a GET, a search, an operation that is a question, or a
    /// request for a token.
    pub(super) fn writes(&self) -> bool {
        let Some((method, target)) = self.request.as_deref().and_then(|request| request.split_once(' ')) else {
            return true;
        };
        let asks = target.ends_with("/_search") || target.contains("token_endpoint") || target.contains("$validate");
        !matches!(method, "GET" | "HEAD" | "OPTIONS") && !asks
    }

    /// Whom it acts as.
    pub(super) fn callers(&self) -> impl Iterator<Item = &str> {
        let own = (self.request.is_some()).then(|| self.caller.as_deref().unwrap_or("default"));
        own.into_iter().chain(self.assertion.as_ref().and_then(|made| made.client.as_deref()))
    }
}

impl Expect {
    fn checks(&self) -> Vec<Check> {
        let mut checks = Vec::new();
        if !self.status.is_empty() {
            checks.push(Check::Status(self.status.clone()));
        }
        checks.extend(self.count.iter().map(|(status, count)| Check::Count(status.clone(), *count)));
        for (name, value) in &self.header {
            checks.push(Check::Header(name.to_ascii_lowercase(), Pattern::of(value)));
        }
        if let Some(kind) = &self.content_type {
            checks.push(Check::ContentType(kind.clone()));
        }
        let flags = [(self.outcome, Check::Outcome), (self.empty, Check::Empty), (self.sound, Check::Sound)];
        checks.extend(flags.into_iter().filter(|(wanted, _)| *wanted).map(|(_, check)| check));
        if let Some(kind) = &self.bundle {
            checks.push(Check::Bundle(kind.clone(), self.rules));
        }
        checks.extend(self.found.iter().cloned().map(Check::Found));
        checks.extend(self.fhirpath.iter().cloned().map(Check::True));
        checks.extend(self.same.iter().cloned().map(Check::Same));
        checks.extend(self.contains.iter().cloned().map(Check::Contains));
        if self.sent {
            checks.push(Check::Sent);
        }
        checks.extend(self.text.iter().cloned().map(|text| Check::Text(text, true)));
        checks.extend(self.not_text.iter().cloned().map(|text| Check::Text(text, false)));
        checks.extend(self.field.iter().map(|(name, value)| Check::Field(name.clone(), Pattern::of(value))));
        checks
    }
}
