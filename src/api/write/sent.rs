//! What the body of a write is: a resource, or a patch of one of two kinds.

use actix_web::http::header::{self, HeaderName};
use actix_web::{HttpRequest, web};

use super::{Sent, rules};
use crate::api::answer::Answer;
use crate::api::asked::Format;
use crate::api::rules::NOT_FHIR;
use crate::api::{binary, body};
use crate::fault::Status;
use crate::fhir::ResourceType;

/// A resource as JSON.
pub(super) async fn resource(
    request: &HttpRequest,
    resource_type: ResourceType,
    payload: web::Payload,
) -> Result<String, Answer> {
    let said = |name: HeaderName| request.headers().get(name).map(|value| value.to_str().unwrap_or_default());
    let content_type = said(header::CONTENT_TYPE);
    // A Binary may come as the bytes that it holds (binary.html).
    if resource_type == ResourceType::BINARY && content_type.is_some_and(|kind| Format::of_media_type(kind).is_none()) {
        let context = said(HeaderName::from_static("x-security-context"));
        let bytes = body::bytes(request, payload).await?;
        return binary::resource(&bytes, content_type, context)
            .ok_or_else(|| Answer::refuse(Status::UnsupportedMediaType, &NOT_FHIR, ""));
    }
    text(body::json(request, payload).await?)
}

/// A patch, which the content type tells apart.
pub(super) async fn patch(request: &HttpRequest, payload: web::Payload) -> Result<Sent, Answer> {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    match kind.split(';').next().unwrap_or_default().trim().to_ascii_lowercase().as_str() {
        "application/json-patch+json" => Ok(Sent::JsonPatch(text(body::bytes(request, payload).await?)?)),
        "application/fhir+json" | "application/fhir+xml" => {
            Ok(Sent::FhirPathPatch(text(body::json(request, payload).await?)?))
        }
        _ => Err(Answer::refuse(Status::UnsupportedMediaType, &rules::NOT_A_PATCH, "")),
    }
}

fn text(bytes: web::Bytes) -> Result<String, Answer> {
    String::from_utf8(bytes.to_vec()).map_err(|_| Answer::refuse(Status::BadRequest, &rules::NOT_JSON, "UTF-8"))
}
