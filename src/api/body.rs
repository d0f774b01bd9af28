//! What a caller sends: read only once it is known who calls; JSON, not too large, or an answer that says so.

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};

use super::answer::Answer;
use super::rules;
use crate::fault::Status;

/// The bytes of a body that says it is JSON.
pub(super) async fn json(request: &HttpRequest, sent: web::Payload) -> Result<web::Bytes, Answer> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if !["application/fhir+json", "application/json"].iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Err(Answer::refuse(Status::UnsupportedMediaType, &rules::NOT_FHIR_JSON, ""));
    }
    bytes(request, sent).await
}

/// The bytes of a body, up to the configured limit.
pub(super) async fn bytes(request: &HttpRequest, sent: web::Payload) -> Result<web::Bytes, Answer> {
    let read = web::Bytes::from_request(request, &mut sent.into_inner()).await;
    read.map_err(|_| Answer::refuse(Status::TooLarge, &rules::TOO_LARGE, ""))
}
