//! What a caller sends: read only once it is known who calls; not too large, not too slow, in a form that is taken, or an
//! answer that says so.

use std::time::Duration;

use actix_web::http::header;
use actix_web::{HttpRequest, web};

use super::answer::Answer;
use super::asked::{Coding, Format};
use super::packing::{Wrong, unpack};
use super::routes::blocking;
use super::rules;
use crate::app::Gateway;
use crate::fault::{Noted, Status};
use crate::pipeline::fhir_xml_to_json;
use crate::validate::is_sound;

/// Where no gateway says how long a body may take.
const SECONDS: u64 = 60;
/// Where no application says how large a body may be.
const BYTES: usize = 16 << 20;
/// XML up to this length is read where the request is; longer XML on a thread that may take its time.
const XML_AT_ONCE_BYTES_MAX: usize = 64 << 10;

/// Largest body that is taken in, bytes, also when it is unpacked.
#[derive(Clone, Copy, Debug)]
pub(super) struct BytesMax(pub(super) usize);

/// A resource as FHIR JSON, in whichever of the two forms it came. A body that does not say what it is counts as JSON. XML of
/// which the JSON does not say everything is refused: what would be lost is said instead.
pub(super) async fn json(request: &HttpRequest, sent: web::Payload) -> Result<web::Bytes, Answer> {
    let Noted { value, issues } = noted_json(request, sent).await?;
    match is_sound(&issues) {
        true => Ok(value),
        false => Err(Answer::outcome(Status::BadRequest, &issues)),
    }
}

/// The same with what there is to say of it, for whoever says it.
pub(super) async fn noted_json(request: &HttpRequest, sent: web::Payload) -> Result<Noted<web::Bytes>, Answer> {
    let format = match request.headers().get(header::CONTENT_TYPE) {
        None => Some(Format::FhirJson),
        Some(kind) => kind.to_str().ok().and_then(Format::of_media_type),
    };
    let Some(format) = format else {
        return Err(Answer::refuse(Status::UnsupportedMediaType, &rules::NOT_FHIR, ""));
    };
    let bytes = bytes(request, sent).await?;
    if !format.is_xml() {
        return Ok(Noted::clean(bytes));
    }
    let read = match bytes.len() > XML_AT_ONCE_BYTES_MAX {
        true => blocking(move || Ok(fhir_xml_to_json(&bytes))).await.map_err(Answer::from)?,
        false => fhir_xml_to_json(&bytes),
    };
    match read {
        Ok(noted) => Ok(Noted { value: web::Bytes::from(noted.value), issues: noted.issues }),
        Err(issue) => Err(Answer::outcome(Status::BadRequest, &[issue])),
    }
}

/// The bytes of a body, unpacked, up to the configured limits of size and time.
pub(super) async fn bytes(request: &HttpRequest, sent: web::Payload) -> Result<web::Bytes, Answer> {
    let bytes_max = request.app_data::<BytesMax>().map_or(BYTES, |max| max.0);
    bytes_up_to(request, sent, bytes_max).await
}

/// The same up to another limit of size.
pub(super) async fn bytes_up_to(
    request: &HttpRequest,
    sent: web::Payload,
    bytes_max: usize,
) -> Result<web::Bytes, Answer> {
    let coding = match request.headers().get(header::CONTENT_ENCODING) {
        None => Some(Coding::Identity),
        Some(name) => name.to_str().ok().and_then(Coding::of),
    };
    let Some(coding) = coding else {
        return Err(Answer::refuse(Status::UnsupportedMediaType, &rules::NOT_UNPACKED, ""));
    };
    let length = request.headers().get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse().ok());
    if length.is_some_and(|length: usize| length > bytes_max) {
        return Err(Answer::refuse(Status::TooLarge, &rules::TOO_LARGE, ""));
    }
    let seconds_max = request.app_data::<web::Data<Gateway>>().map_or(SECONDS, |g| g.limits().body_seconds_max);
    let read = tokio::time::timeout(Duration::from_secs(seconds_max), sent.to_bytes_limited(bytes_max));
    let body = match read.await {
        Ok(Ok(Ok(body))) => body,
        Ok(Ok(Err(_))) => return Err(Answer::refuse(Status::BadRequest, &rules::BROKE_OFF, "")),
        Ok(Err(_)) => return Err(Answer::refuse(Status::TooLarge, &rules::TOO_LARGE, "")),
        Err(_) => return Err(Answer::refuse(Status::TooSlow, &rules::TOO_SLOW, &seconds_max.to_string())),
    };
    if coding == Coding::Identity {
        return Ok(body);
    }
    match blocking(move || Ok(unpack(coding, &body, bytes_max))).await.map_err(Answer::from)? {
        Ok(body) => Ok(web::Bytes::from(body)),
        Err(Wrong::TooLong) => Err(Answer::refuse(Status::TooLarge, &rules::TOO_LARGE, "")),
        Err(Wrong::Broken) => Err(Answer::refuse(Status::BadRequest, &rules::BROKEN_PACKING, "")),
    }
}
