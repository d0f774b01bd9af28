//! Answers: what leaves, with the headers that belong to it. A body is `Permitted` or it does not leave.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, Responder};

use super::rules;
use crate::consent::{Permitted, Public};
use crate::fault::{Denied, Fault, Finding, Issue, Place, Rule, Status};
use crate::fhir::time;
use crate::pipeline::{Outcome, Receipt};

/// One answer.
#[derive(Debug)]
pub(super) struct Answer {
    status: Status,
    body: Permitted<Vec<u8>>,
    version: Option<u32>,
    modified: Option<i64>,
    location: Option<String>,
    content_type: &'static str,
}

const FHIR_JSON: &str = "application/fhir+json; charset=utf-8";

impl Answer {
    pub(super) fn ok(body: Permitted<Vec<u8>>) -> Self {
        Answer { status: Status::Ok, body, version: None, modified: None, location: None, content_type: FHIR_JSON }
    }

    /// JSON that is not FHIR: a receipt.
    pub(super) fn plain_json(body: Permitted<Vec<u8>>) -> Self {
        Answer { content_type: "application/json; charset=utf-8", ..Answer::ok(body) }
    }

    /// A resource version with its ETag and Last-Modified.
    pub(super) fn version(body: Permitted<Vec<u8>>, version: u32, modified: i64) -> Self {
        Answer { version: Some(version), modified: Some(modified), ..Answer::ok(body) }
    }

    pub(super) fn with_status(self, status: Status) -> Self {
        Answer { status, ..self }
    }

    pub(super) fn at(self, location: String) -> Self {
        Answer { location: Some(location), ..self }
    }

    /// An OperationOutcome with one sentence.
    pub(super) fn refuse(status: Status, rule: &'static Rule, detail: &str) -> Self {
        Answer::outcome(status, &[Issue::with(rule, Place::Whole, detail)])
    }

    /// An OperationOutcome.
    pub(super) fn outcome(status: Status, issues: &[Issue]) -> Self {
        let findings: Vec<Finding> = issues.iter().map(Finding::from).collect();
        Answer::findings(status, &findings)
    }

    /// An OperationOutcome of what a receipt keeps.
    pub(super) fn findings(status: Status, findings: &[Finding]) -> Self {
        let body = Permitted::<String>::public(Public::outcome(findings)).map(String::into_bytes);
        Answer { status, ..Answer::ok(body) }
    }

    /// What became of a letter: the sentence, then everything its receipt keeps.
    pub(super) fn receipt(receipt: &Receipt) -> Self {
        let (status, rule) = match (receipt.outcome, receipt.repeat) {
            (Outcome::Held, _) => (Status::Unprocessable, &rules::HELD),
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
            Denied::Role => &rules::ROLE,
            Denied::Consent => &rules::NOT_FOUND,
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

impl Responder for Answer {
    type Body = actix_web::body::BoxBody;

    fn respond_to(self, _: &HttpRequest) -> HttpResponse {
        let status = self.status;
        let code = StatusCode::from_u16(status.code()).unwrap_or_default();
        let mut response = HttpResponse::build(code);
        response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(self.content_type)));
        response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
        if let Some(version) = self.version {
            response.insert_header((header::ETAG, format!("W/\"{version}\"")));
        }
        if let Some(modified) = self.modified {
            response.insert_header((header::LAST_MODIFIED, time::http_date(modified)));
        }
        if let Some(location) = self.location {
            response.insert_header((header::LOCATION, location));
        }
        // What is still coming of the body is not waited for.
        if matches!(status, Status::TooSlow | Status::TooLarge) {
            response.force_close();
        }
        if status == Status::Unauthorized {
            response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
        }
        response.body(self.body.into_inner())
    }
}
