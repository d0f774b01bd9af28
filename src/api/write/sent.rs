//! What the body of a write is: a resource, or a patch of one of two kinds.

use actix_web::http::header;
use actix_web::{HttpRequest, web};

use super::{Sent, rules};
use crate::api::answer::Answer;
use crate::api::asked::Format;
use crate::api::{binary, body};
use crate::fault::Status;
use crate::fhir::{ResourceId, ResourceType};

/// A resource as JSON. Of a Binary, what is not FHIR is the bytes that it is to hold (binary.html).
pub(super) async fn resource(
    request: &HttpRequest,
    resource_type: ResourceType,
    id: Option<&ResourceId>,
    payload: web::Payload,
) -> Result<String, Answer> {
    let header = |name: &str| request.headers().get(name).and_then(|value| value.to_str().ok());
    let kind = header("content-type");
    let is_raw = resource_type == ResourceType::BINARY
        && kind.is_some_and(|kind| !matches!(Format::of_media_type(kind), Some(Format::FhirJson | Format::FhirXml)));
    if !is_raw {
        return text(body::json(request, payload).await?);
    }
    let bytes = body::bytes(request, payload).await?;
    binary::resource(&bytes, id.map(ResourceId::as_str), kind, header("x-security-context"))
        .ok_or_else(|| Answer::refuse(Status::BadRequest, &rules::NOT_A_BINARY, ""))
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
