//! What a caller sends: read only once it is known who calls; JSON, not too large, or an answer that says so.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{FromRequest, HttpRequest, web};

use super::answer::Answer;
use super::rules;
use crate::app::Gateway;
use crate::fault::Status;

/// Where no gateway says how long a body may take.
const SECONDS: u64 = 60;

/// The bytes of a body that says it is JSON.
pub(super) async fn json(request: &HttpRequest, sent: web::Payload) -> Result<web::Bytes, Answer> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or("");
    let kind = kind.split(';').next().unwrap_or("").trim();
    if !["application/fhir+json", "application/json"].iter().any(|known| kind.eq_ignore_ascii_case(known)) {
        return Err(Answer::refuse(Status::UnsupportedMediaType, &rules::NOT_FHIR_JSON, ""));
    }
    bytes(request, sent).await
}

/// The bytes of a body, up to the configured limits of size and time.
pub(super) async fn bytes(request: &HttpRequest, sent: web::Payload) -> Result<web::Bytes, Answer> {
    let seconds_max = request.app_data::<web::Data<Gateway>>().map_or(SECONDS, |g| g.limits().body_seconds_max);
    let mut sent = sent.into_inner();
    let read = web::Bytes::from_request(request, &mut sent);
    match tokio::time::timeout(Duration::from_secs(seconds_max), read).await {
        Ok(read) => read.map_err(|_| Answer::refuse(Status::TooLarge, &rules::TOO_LARGE, "")),
        Err(_) => Err(Answer::refuse(Status::TooSlow, &rules::TOO_SLOW, &seconds_max.to_string())),
    }
}
