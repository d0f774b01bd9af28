//! The way out: every answer gets its form here and nowhere else (http.html#mime-type).

use actix_web::HttpResponse;
use actix_web::body::{self, BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;

use super::answer::{Answer, Content, outcome};
use super::asked::{Asked, Format};
use crate::fault::Status;
use crate::fhir::time;

/// The answer as it leaves: in the form that is asked for, with the headers that belong to it.
pub(super) fn leave(asked: &Asked, answer: Answer) -> HttpResponse {
    let status = answer.status;
    let mut response = HttpResponse::build(StatusCode::from_u16(status.code()).unwrap_or_default());
    let format = asked.format.unwrap_or(Format::FhirJson);
    let body = match answer.content {
        Content::Fhir(body) => {
            response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(format.content_type())));
            Some(body)
        }
        Content::Outcome(findings) => {
            response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(format.content_type())));
            response.insert_header((header::CONTENT_LANGUAGE, HeaderValue::from_static(asked.language.tags())));
            Some(outcome(&findings, asked.language))
        }
        Content::Other(body, content_type) => {
            response.insert_header((header::CONTENT_TYPE, content_type.as_ref()));
            Some(body)
        }
        Content::Nothing => None,
    };
    response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
    if let Some(version) = answer.version {
        response.insert_header((header::ETAG, format!("W/\"{version}\"")));
    }
    if let Some(modified) = answer.modified {
        response.insert_header((header::LAST_MODIFIED, time::http_date(modified)));
    }
    if let Some(location) = answer.location {
        response.insert_header((header::LOCATION, location));
    }
    for (name, value) in answer.headers {
        if let Ok(value) = HeaderValue::from_str(&value) {
            response.append_header((name, value));
        }
    }
    // What is still coming of the body is not waited for.
    if matches!(status, Status::TooSlow | Status::TooLarge) {
        response.force_close();
    }
    if status == Status::Unauthorized {
        response.insert_header((header::WWW_AUTHENTICATE, HeaderValue::from_static("Bearer")));
    }
    match body.map(|body| body.into_inner()) {
        None => response.body(body::None::new()),
        Some(body) if asked.head => response.body(Unsent(body.len())),
        Some(body) => response.body(body),
    }
}

/// The length of a body that is not sent (`HEAD`, RFC 9110 section 9.3.2).
struct Unsent(usize);

impl MessageBody for Unsent {
    type Error = std::convert::Infallible;

    fn size(&self) -> BodySize {
        BodySize::Sized(self.0 as u64)
    }

    fn poll_next(
        self: std::pin::Pin<&mut Self>,
        _: &mut std::task::Context<'_>,
    ) -> std::task::Poll<Option<Result<Bytes, Self::Error>>> {
        std::task::Poll::Ready(None)
    }
}
