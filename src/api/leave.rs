//! The way out: every answer gets its form here and nowhere else (http.html#mime-type).

use actix_web::body::{self, BodySize, MessageBody};
use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder};

use super::answer::{Answer, Content, outcome};
use super::asked::{Asked, Format};
use super::packing::pack;
use super::request_id::{X_REQUEST_ID, request_id};
use super::{cors, rules};
use crate::config::Origins;
use crate::consent::Permitted;
use crate::fault::{Finding, Issue, Place, Status};
use crate::fhir::indent::indented;
use crate::fhir::{time, xml_writer};

/// What varies with the request's headers in an answer to it (RFC 9110 section 12.5.5).
const VARY: &str = "Accept, Accept-Encoding, Accept-Language, Origin";

/// The answer as it leaves: in the form that is asked for, with the headers that belong to it.
pub(super) fn leave(request: &HttpRequest, origins: &Origins, asked: &Asked, answer: Answer) -> HttpResponse {
    let status = answer.status;
    let mut response = HttpResponse::build(StatusCode::from_u16(status.code()).unwrap_or_default());
    let mut streamed = None;
    let body = match answer.content {
        Content::Fhir(body) => Some(fhir(asked, body, &mut response)),
        Content::Outcome(findings) => {
            response.insert_header((header::CONTENT_LANGUAGE, HeaderValue::from_static(asked.language.tags())));
            Some(fhir(asked, outcome(&findings, asked.language), &mut response))
        }
        Content::Other(body, content_type) => {
            let is_text = ["text/", "json", "xml"].iter().any(|part| content_type.contains(part));
            response.insert_header((header::CONTENT_TYPE, content_type.as_ref()));
            Some(if is_text { packed(asked, body, &mut response) } else { body })
        }
        Content::Streamed(body, content_type) => {
            response.insert_header((header::CONTENT_TYPE, content_type.as_ref()));
            streamed = Some(body).filter(|_| !asked.head);
            None
        }
        Content::Nothing => None,
    };
    response.insert_header((X_REQUEST_ID, request_id(request)));
    response.insert_header((header::CACHE_CONTROL, HeaderValue::from_static("no-store")));
    response.insert_header((header::VARY, HeaderValue::from_static(VARY)));
    cors::add(request, origins, &mut response);
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
    if let Some(streamed) = streamed {
        return response.body(streamed);
    }
    match body.map(|body| body.into_inner()) {
        None => response.body(body::None::new()),
        Some(body) if asked.head => response.body(Unsent(body.len())),
        Some(body) => response.body(body),
    }
}

/// FHIR JSON in the form that is asked for. What is asked for as it is stored is not looked at.
fn fhir(asked: &Asked, body: Permitted<Vec<u8>>, response: &mut HttpResponseBuilder) -> Permitted<Vec<u8>> {
    let format = asked.format.unwrap_or(Format::FhirJson);
    let formed = match (format.is_xml(), asked.pretty) {
        (false, false) => Some(body),
        (is_xml, pretty) => in_form(body, is_xml, pretty),
    };
    let (format, body) = match formed {
        Some(body) => (format, body),
        // Nothing that is stored here is such; if something were, its reader is told so in JSON.
        None => {
            (Format::FhirJson, outcome(&[Finding::from(&Issue::new(&rules::BROKEN, Place::Whole))], asked.language))
        }
    };
    response.insert_header((header::CONTENT_TYPE, HeaderValue::from_static(format.content_type())));
    packed(asked, body, response)
}

fn in_form(body: Permitted<Vec<u8>>, is_xml: bool, pretty: bool) -> Option<Permitted<Vec<u8>>> {
    let formed = {
        let text = std::str::from_utf8(body.peek()).ok()?;
        if is_xml { xml_writer::to_xml(text, pretty)? } else { indented(text) }
    };
    Some(body.map(|_| formed.into_bytes()))
}

fn packed(asked: &Asked, body: Permitted<Vec<u8>>, response: &mut HttpResponseBuilder) -> Permitted<Vec<u8>> {
    match (asked.coding.name(), pack(asked.coding, body.peek())) {
        (Some(name), Some(packed)) => {
            response.insert_header((header::CONTENT_ENCODING, HeaderValue::from_static(name)));
            body.map(|_| packed)
        }
        _ => body,
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
