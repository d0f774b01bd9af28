//! Answers: what leaves, with the headers that belong to it. A body is `Permitted` or it does not leave.
//!
//! Whoever answers says what; in which form it leaves is decided once, on the way out (`api/leave.rs`).

use std::borrow::Cow;
use std::sync::Arc;

use actix_web::http::header::{self, HeaderName};

use super::metadata::Text;
use super::rules;
use super::streamed::Streamed;
use crate::consent::{Permitted, Public};
use crate::fault::{Denied, Fault, Finding, Issue, Place, Rule, Status};
use crate::fhir::outcome::Language;
use crate::pipeline::{Outcome, Receipt};

/// One answer.
#[derive(Debug)]
pub(super) struct Answer {
    pub(super) status: Status,
    pub(super) content: Content,
    pub(super) version: Option<u32>,
    pub(super) modified: Option<i64>,
    pub(super) location: Option<String>,
    pub(super) headers: Vec<(HeaderName, String)>,
}

/// What an answer says, before it has its form.
#[derive(Debug)]
pub(super) enum Content {
    /// FHIR as JSON; leaves as JSON or XML.
    Fhir(Permitted<Vec<u8>>),
    /// An OperationOutcome; leaves in the caller's language.
    Outcome(Vec<Finding>),
    /// What has a form of its own, with its media type: a receipt, the bytes of a Binary. (Boxed: it is rare, and what may
    /// go wrong with a request is carried as an answer.)
    Other(Box<(Permitted<Vec<u8>>, Cow<'static, str>)>),
    /// The same, part by part.
    Streamed(Box<Streamed>, &'static str),
    /// What is said of the gateway itself, in the form that is asked for already; with its media type.
    Kept(Arc<Text>, &'static str),
    /// Headers alone.
    Nothing,
}

impl Answer {
    pub(super) fn ok(body: Permitted<Vec<u8>>) -> Self {
        Answer::of(Status::Ok, Content::Fhir(body))
    }

    pub(super) fn of(status: Status, content: Content) -> Self {
        Answer { status, content, version: None, modified: None, location: None, headers: Vec::new() }
    }

    /// JSON that is not FHIR: a receipt.
    pub(super) fn plain_json(body: Permitted<Vec<u8>>) -> Self {
        Answer::bytes(body, "application/json; charset=utf-8")
    }

    /// Bytes with a media type of their own, whatever form of FHIR is asked for.
    pub(super) fn bytes(body: Permitted<Vec<u8>>, content_type: impl Into<Cow<'static, str>>) -> Self {
        Answer::of(Status::Ok, Content::Other(Box::new((body, content_type.into()))))
    }

    /// Bytes with a media type of their own, part by part.
    pub(super) fn streamed(body: Streamed, content_type: &'static str) -> Self {
        Answer::of(Status::Ok, Content::Streamed(Box::new(body), content_type))
    }

    /// Headers alone: `Status::NoContent`, `Status::NotModified`, or a write whose client wants no more
    /// (`Prefer: return=minimal`).
    pub(super) fn empty(status: Status) -> Self {
        Answer::of(status, Content::Nothing)
    }

    /// A resource version with its ETag and Last-Modified (milliseconds since 1970).
    pub(super) fn version(body: Permitted<Vec<u8>>, version: u32, modified: i64) -> Self {
        Answer::ok(body).with_version(version, modified)
    }

    /// What the caller has already (http.html#cread). Only for a version that the caller may see.
    pub(super) fn not_modified(version: u32, modified: i64) -> Self {
        Answer::empty(Status::NotModified).with_version(version, modified)
    }

    pub(super) fn with_status(self, status: Status) -> Self {
        Answer { status, ..self }
    }

    /// With ETag and Last-Modified (milliseconds since 1970).
    pub(super) fn with_version(self, version: u32, modified: i64) -> Self {
        Answer { version: Some(version), modified: Some(modified), ..self }
    }

    /// With one header more: `Content-Location`, `Retry-After`, `X-Progress`. A value that no header can hold is left empty.
    pub(super) fn with_header(mut self, name: HeaderName, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn at(self, location: String) -> Self {
        Answer { location: Some(location), ..self }
    }

    /// The body as FHIR JSON, as an entry of a Bundle holds it; `None` where there is none, or none that is FHIR.
    pub(super) fn into_json(self, language: Language) -> Option<Permitted<Vec<u8>>> {
        match self.content {
            Content::Fhir(body) => Some(body),
            Content::Outcome(findings) => Some(outcome(&findings, language)),
            Content::Other(..) | Content::Streamed(..) | Content::Kept(..) | Content::Nothing => None,
        }
    }

    /// Whether the body is an OperationOutcome that this program made.
    pub(super) fn is_outcome(&self) -> bool {
        matches!(self.content, Content::Outcome(_))
    }

    /// An OperationOutcome with one sentence.
    pub(super) fn refuse(status: Status, rule: &'static Rule, detail: &str) -> Self {
        Answer::outcome(status, &[Issue::with(rule, Place::Whole, detail)])
    }

    /// An OperationOutcome.
    pub(super) fn outcome(status: Status, issues: &[Issue]) -> Self {
        Answer::of(status, Content::Outcome(issues.iter().map(Finding::from).collect()))
    }

    /// An OperationOutcome of what a receipt keeps.
    pub(super) fn findings(status: Status, findings: &[Finding]) -> Self {
        Answer::of(status, Content::Outcome(findings.to_vec()))
    }

    /// What became of a letter: the sentence, then everything its receipt keeps.
    pub(super) fn receipt(receipt: &Receipt) -> Self {
        let (status, rule) = match (receipt.outcome, receipt.repeat) {
            (Outcome::Held, _) => (Status::Unprocessable, &rules::HELD),
            (Outcome::Refused, _) => (Status::Unprocessable, &rules::LETTER_REFUSED),
            (Outcome::Parted, _) => (Status::Ok, &rules::PARTED),
            (Outcome::Stored, true) => (Status::Ok, &rules::KNOWN_ALREADY),
            (Outcome::Stored, false) => (Status::Created, &rules::STORED),
        };
        let count = if receipt.outcome == Outcome::Parted { receipt.parts.len() } else { receipt.resources.len() };
        let first = Issue::with(rule, Place::Whole, count.to_string());
        let findings: Vec<Finding> = std::iter::once(Finding::from(&first)).chain(receipt.issues.clone()).collect();
        Answer::findings(status, &findings)
    }

    /// What is not there, and what is not for this caller: the same answer, byte for byte (invariant 6).
    pub(super) fn not_found() -> Self {
        Answer::refuse(Status::NotFound, &rules::NOT_FOUND, "")
    }

    pub(super) fn status(&self) -> Status {
        self.status
    }
}

impl From<Denied> for Answer {
    fn from(denied: Denied) -> Self {
        let rule = match denied {
            Denied::UnknownCaller => &rules::LOGIN,
            Denied::Assurance => &rules::ASSURANCE,
            Denied::Role => &rules::ROLE,
            Denied::Consent => &rules::NOT_FOUND,
            Denied::Scope => {
                let answer = Answer::refuse(Status::from(denied), &rules::SCOPE, "");
                // RFC 6750 section 3.1.
                return answer.with_header(header::WWW_AUTHENTICATE, "Bearer error=\"insufficient_scope\"");
            }
        };
        Answer::refuse(Status::from(denied), rule, "")
    }
}

impl From<Fault> for Answer {
    fn from(fault: Fault) -> Self {
        let rule = match &fault {
            Fault::Busy => &rules::BUSY,
            Fault::Conflict => &rules::CHANGED,
            Fault::Broken(what) => {
                tracing::error!(what, "broken");
                &rules::BROKEN
            }
        };
        Answer::refuse(Status::from(&fault), rule, "")
    }
}

/// Findings as an OperationOutcome.
pub(super) fn outcome(findings: &[Finding], language: Language) -> Permitted<Vec<u8>> {
    Permitted::<String>::public(Public::outcome_in(findings, language)).map(String::into_bytes)
}
