//! Binary (binary.html, "Serving Binary Resources using the RESTful API"): its bytes on the way out unless FHIR is asked
//! for, and a resource made of bytes on the way in.

use actix_web::http::header;
use serde::Deserialize;

use super::answer::{Answer, Content};
use super::asked::{Asked, Format};
use crate::fault::Status;
use crate::fhir::{Writer, base64};

/// The media type of bytes of which none is known.
const UNKNOWN: &str = "application/octet-stream";
/// Longest media type that is kept or said, bytes.
const MEDIA_TYPE_BYTES_MAX: usize = 255;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Binary {
    resource_type: String,
    content_type: Option<String>,
    data: Option<String>,
}

/// The answer to a read of a Binary: its bytes with their media type, unless the request names a form of FHIR. Any other
/// answer stays what it is.
pub(super) fn as_asked(asked: &Asked, answer: Answer) -> Answer {
    let Content::Fhir(body) = &answer.content else { return answer };
    if answer.status != Status::Ok
        || (asked.names_fhir && matches!(asked.format, Some(Format::FhirJson | Format::FhirXml)))
    {
        return answer;
    }
    let Some(binary) = serde_json::from_slice::<Binary>(body.peek()).ok().filter(|b| b.resource_type == "Binary")
    else {
        return answer;
    };
    let content_type = binary.content_type.filter(|name| is_media_type(name)).unwrap_or_else(|| UNKNOWN.into());
    // A general type means what is held when that is of this type, and the resource otherwise.
    let is_general = |format: Format| asked.names_fhir && !same_type(format.content_type(), &content_type);
    let data = base64::decode(binary.data.as_deref().unwrap_or_default());
    let Some(data) = data.filter(|_| !asked.format.is_some_and(is_general)) else { return answer };
    let Answer { content, version, modified, .. } = answer;
    let Content::Fhir(body) = content else { return Answer::empty(Status::Broken) };
    let bytes = Answer::bytes(body.map(|_| data), content_type);
    // What somebody sent is shown by nothing but a program that asked for it.
    let bytes = bytes.with_header(header::X_CONTENT_TYPE_OPTIONS, "nosniff");
    let bytes = bytes.with_header(header::CONTENT_SECURITY_POLICY, "sandbox; default-src 'none'");
    Answer { version, modified, ..bytes }
}

/// The Binary that holds `bytes`, as JSON, with an id where it has one. `content_type` is the header of the request, and
/// `security_context` its `X-Security-Context`: a reference. `None` where one of them is not what it must be.
pub(super) fn resource(
    bytes: &[u8],
    id: Option<&str>,
    content_type: Option<&str>,
    security_context: Option<&str>,
) -> Option<String> {
    let content_type = content_type.map_or(UNKNOWN, str::trim);
    let is_reference = |text: &str| !text.is_empty() && text.bytes().all(|b| b.is_ascii_graphic());
    if !is_media_type(content_type) || !security_context.is_none_or(is_reference) {
        return None;
    }
    let mut w = Writer::new();
    w.string("resourceType", "Binary");
    w.string("id", id.unwrap_or_default());
    w.string("contentType", content_type);
    w.reference("securityContext", security_context.unwrap_or_default());
    w.string("data", &base64::encode(bytes));
    Some(format!("{{{}}}", w.finish()))
}

/// `type/subtype` with or without parameters, in characters that a header can hold.
fn is_media_type(text: &str) -> bool {
    let is_token =
        |part: &str| !part.is_empty() && part.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$&^_.+-".contains(&b));
    let named = text.split(';').next().unwrap_or_default().trim();
    let is_plain = text.bytes().all(|b| b.is_ascii_graphic() || b == b' ');
    let is_named = named.split_once('/').is_some_and(|(kind, subtype)| is_token(kind) && is_token(subtype));
    text.len() <= MEDIA_TYPE_BYTES_MAX && is_plain && is_named
}

fn same_type(one: &str, other: &str) -> bool {
    let name = |text: &str| text.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    name(one) == name(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::consent::{Permitted, Public};
    use crate::fhir::outcome::Language;
    use actix_web::test::TestRequest;

    #[test]
    fn bytes_become_a_resource() {
        assert_eq!(
            resource(b"foobar", None, Some("text/plain; charset=utf-8"), Some("Patient/a")).as_deref(),
            Some(
                r#"{"resourceType":"Binary","contentType":"text/plain; charset=utf-8","securityContext":{"reference":"Patient/a"},"data":"Zm9vYmFy"}"#
            )
        );
        assert_eq!(
            resource(b"", None, None, None).as_deref(),
            Some(r#"{"resourceType":"Binary","contentType":"application/octet-stream"}"#)
        );
        for wrong in ["", "text", "text/", "a b/c", "text/plain\u{e9}"] {
            assert_eq!(resource(b"x", None, Some(wrong), None), None, "{wrong}");
        }
        assert_eq!(resource(b"x", None, None, Some("a b")), None);
        let long = |length: usize| format!("text/{}", "a".repeat(length - 5));
        assert!(resource(b"x", None, Some(&long(MEDIA_TYPE_BYTES_MAX)), None).is_some());
        assert!(resource(b"x", None, Some(&long(MEDIA_TYPE_BYTES_MAX + 1)), None).is_none());
    }

    #[test]
    fn a_resource_becomes_bytes_unless_fhir_is_asked_for() {
        // The body of a test stands in a definition, which anybody may see.
        let body = |json: &'static str| Permitted::<String>::public(Public::fixed(json)).map(String::into_bytes);
        let answer = |accept: &str, json: &'static str| {
            let request = TestRequest::get().insert_header(("accept", accept)).to_http_request();
            let answer = as_asked(&Asked::of(&request), Answer::version(body(json), 3, 0));
            assert_eq!(answer.version, Some(3));
            match answer.content {
                Content::Other(other) => {
                    let (bytes, name) = *other;
                    format!("{name}: {}", String::from_utf8(bytes.into_inner()).unwrap())
                }
                _ => answer.into_json(Language::Unsaid).map_or("none".into(), |_| "resource".into()),
            }
        };
        const TEXT: &str = r#"{"resourceType":"Binary","contentType":"text/plain","data":"Zm9v"}"#;
        const XML: &str = r#"{"resourceType":"Binary","contentType":"application/xml","data":"Zm9v"}"#;
        for (accept, json, expected) in [
            ("", TEXT, "text/plain: foo"),
            ("*/*", TEXT, "text/plain: foo"),
            ("text/plain", TEXT, "text/plain: foo"),
            ("image/png", TEXT, "text/plain: foo"),
            ("application/fhir+json", TEXT, "resource"),
            ("application/fhir+xml", XML, "resource"),
            ("application/json", TEXT, "resource"),
            ("application/xml", XML, "application/xml: foo"),
            ("", r#"{"resourceType":"Binary"}"#, "application/octet-stream: "),
            ("", r#"{"resourceType":"Binary","contentType":"a\r\nb"}"#, "application/octet-stream: "),
            ("", r#"{"resourceType":"Binary","data":"?"}"#, "resource"),
            ("", r#"{"resourceType":"Patient"}"#, "resource"),
        ] {
            assert_eq!(answer(accept, json), expected, "{accept} {json}");
        }
    }
}
