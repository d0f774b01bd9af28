//! What a caller sends: JSON, not too large, or an answer that says so.

use actix_web::http::header;
use actix_web::{Error, HttpRequest, web};

use super::answer::Answer;
use super::rules;
use crate::fault::Status;

/// A body as the framework hands it over: an error when it is larger than the configured limit or breaks off.
pub(super) type Sent = Result<web::Bytes, Error>;

/// The bytes of a body that says it is JSON.
pub(super) fn json(request: &HttpRequest, sent: Sent) -> Result<web::Bytes, Answer> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if !["application/fhir+json", "application/json"].iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Err(Answer::refuse(Status::UnsupportedMediaType, &rules::NOT_FHIR_JSON, ""));
    }
    bytes(sent)
}

/// The bytes of a body.
pub(super) fn bytes(sent: Sent) -> Result<web::Bytes, Answer> {
    sent.map_err(|_| Answer::refuse(Status::TooLarge, &rules::TOO_LARGE, ""))
}
