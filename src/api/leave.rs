//! The way out: every answer gets its form and its headers here and nowhere else (http.html#mime-type).

use actix_web::body::{self, BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use super::answer::{Answer, Content};
use super::asked::Asked;
use super::form::Formed;
use super::request_id::{X_REQUEST_ID, request_id};
use super::{caller, cors, forwarded};
use crate::app::Gateway;
use crate::fault::Status;
use crate::fhir::time;

/// What varies with the request's headers in an answer to it (RFC 9110 section 12.5.5).
const VARY: &str = "Accept, Accept-Encoding, Accept-Language, Origin";
/// How long whoever asks too much, or at a bad moment, should wait.
const RETRY_AFTER_SECONDS: &str = "1";

/// The answer as it leaves: in the form that is asked for, with the headers that belong to it.
pub(super) async fn leave(request: &HttpRequest, gateway: &Gateway, asked: &Asked, answer: Answer) -> HttpResponse {
    let mut answer = match forwarded::base_url(request, gateway) {
        Some(base) => forwarded::under(answer, gateway.base_url(), &base),
        None => answer,
    };
    let content = std::mem::replace(&mut answer.content, Content::Nothing);
    let (content, streamed, kept) = match content {
        Content::Streamed(body, content_type) => (Content::Nothing, Some((body, content_type)), None),
        Content::Kept(text, content_type) => (Content::Nothing, None, Some((text, content_type))),
        content => (content, None, None),
    };
    let formed = match Formed::of(content, *asked).await {
        Ok(formed) => formed,
        Err(fault) => {
            answer = Answer::from(fault);
            None
        }
    };
    let status = answer.status;
    let mut response = HttpResponse::build(StatusCode::from_u16(status.code()).unwrap_or_default());
    let mut add = |name: HeaderName, value: HeaderValue| {
        response.append_header((name, value));
    };
    if let Some((_, content_type)) = &streamed {
        add(header::CONTENT_TYPE, value_of(content_type));
    }
    if let Some((text, content_type)) = &kept {
        add(header::CONTENT_TYPE, HeaderValue::from_static(content_type));
        text.coding.into_iter().for_each(|coding| add(header::CONTENT_ENCODING, HeaderValue::from_static(coding)));
    }
    if let Some(formed) = &formed {
        add(header::CONTENT_TYPE, value_of(&formed.content_type));
        formed.coding.into_iter().for_each(|coding| add(header::CONTENT_ENCODING, HeaderValue::from_static(coding)));
        formed.language.into_iter().for_each(|tags| add(header::CONTENT_LANGUAGE, HeaderValue::from_static(tags)));
    }
    add(X_REQUEST_ID, request_id(request));
    add(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    add(header::VARY, HeaderValue::from_static(VARY));
    if let Some(version) = answer.version {
        add(header::ETAG, value_of(&format!("W/\"{version}\"")));
    }
    if let Some(modified) = answer.modified {
        add(header::LAST_MODIFIED, value_of(&time::http_date(modified)));
    }
    if let Some(location) = answer.location {
        add(header::LOCATION, value_of(&location));
    }
    let says_when = answer.headers.iter().any(|(name, _)| *name == header::RETRY_AFTER);
    answer.headers.into_iter().for_each(|(name, value)| add(name, value_of(&value)));
    match status {
        Status::Unauthorized => add(header::WWW_AUTHENTICATE, value_of(&caller::challenge(gateway, request))),
        Status::Busy | Status::TooManyRequests if !says_when => {
            add(header::RETRY_AFTER, HeaderValue::from_static(RETRY_AFTER_SECONDS));
        }
        _ => {}
    }
    cors::add(request, &gateway.http().origins, &mut response);
    // What is still coming of the body is not waited for.
    if matches!(status, Status::TooSlow | Status::TooLarge) {
        response.force_close();
    }
    if let Some((streamed, _)) = streamed.filter(|_| !asked.head) {
        return response.body(*streamed);
    }
    let body = formed.map(|formed| Bytes::from(formed.body.into_inner()));
    match body.or_else(|| kept.map(|(text, _)| text.body.peek().clone())) {
        None => nothing(status, response),
        Some(body) if asked.head => response.body(Unsent(body.len())),
        Some(body) => response.body(body),
    }
}

/// An answer of headers alone. Where a body could be, it says that there is none: without a length its end would be that of the
/// connection (RFC 9112 section 6.3).
fn nothing(status: Status, mut response: HttpResponseBuilder) -> HttpResponse {
    match status {
        Status::NoContent | Status::NotModified => response.body(body::None::new()),
        _ => response.body(Bytes::new()),
    }
}

/// A header's value; what no header can hold is left empty.
fn value_of(text: &str) -> HeaderValue {
    HeaderValue::from_str(text).unwrap_or(HeaderValue::from_static(""))
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
