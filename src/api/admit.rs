//! What is answered before anything else is looked at: addresses that are no addresses, questions about the door itself
//! (`OPTIONS`), and forms in which nothing is said (http.html#general, RFC 9110).

use actix_web::HttpRequest;
use actix_web::http::{Method, header};

use super::answer::Answer;
use super::asked::Asked;
use super::{operation, rules};
use crate::fault::Status;

/// Longest address, bytes: path and query.
pub(super) const ADDRESS_BYTES_MAX: usize = 16 << 10;

/// The answer to a request that goes no further; `None` for every other. `path` is the path's segments.
pub(super) fn stopped(request: &HttpRequest, asked: &Asked, path: &[&str]) -> Option<Answer> {
    let address = request.uri().path_and_query().map_or("", |address| address.as_str());
    if address.len() > ADDRESS_BYTES_MAX {
        let most = ADDRESS_BYTES_MAX.to_string();
        return Some(Answer::refuse(Status::AddressTooLong, &rules::ADDRESS_TOO_LONG, &most));
    }
    if !is_well_encoded(request.uri().path()) || !is_well_encoded(request.query_string()) {
        return Some(Answer::refuse(Status::BadRequest, &rules::ADDRESS_BROKEN, ""));
    }
    if request.method() == Method::OPTIONS {
        return Some(Answer::empty(Status::NoContent).with_header(header::ALLOW, allowed(path)));
    }
    (asked.format.is_none() && speaks_fhir(request.method(), path))
        .then(|| Answer::refuse(Status::NotAcceptable, &rules::NOT_ACCEPTABLE, ""))
}

/// The methods that an address knows (`Allow`, RFC 9110 section 10.2.1), by its shape; which of them a type offers, the
/// CapabilityStatement says.
pub(super) fn allowed(path: &[&str]) -> &'static str {
    match path {
        ["fhir", "AuditEvent", _, ..] => "OPTIONS",
        ["fhir"] | ["fhir", .., "_search"] => "GET, HEAD, POST, OPTIONS",
        ["intake", ..] | ["auth", "token" | "introspect" | "revoke"] => "POST, OPTIONS",
        ["fhir", "metadata" | "openapi.json" | "_history" | "AuditEvent"]
        | ["fhir", ".well-known", _]
        | [".well-known", _]
        | ["fhir", .., "_history"]
        | ["health"] => "GET, HEAD, OPTIONS",
        ["fhir", _, _, "_history", _] => "GET, HEAD, OPTIONS",
        ["fhir", "$export-status", _] => "GET, HEAD, DELETE, OPTIONS",
        ["fhir", "$export-file", ..] => "GET, HEAD, OPTIONS",
        ["fhir", .., last] if last.starts_with('$') => operation::methods(path),
        ["fhir", _] => "GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS",
        ["fhir", _, _] => "GET, HEAD, PUT, PATCH, DELETE, OPTIONS",
        _ => "OPTIONS",
    }
}

/// Whether the answer there is FHIR whatever happens, so that it must be wanted as JSON or XML before anything is done.
fn speaks_fhir(method: &Method, path: &[&str]) -> bool {
    match path {
        // A form may say it too; see [`super::search`].
        ["fhir", .., "_search"] => *method != Method::POST,
        // The bytes that it holds, in whatever form they are.
        ["fhir", "Binary", ..] => !matches!(*method, Method::GET | Method::HEAD),
        ["fhir", ".well-known" | "openapi.json", ..] => false,
        // A page, where one is wanted; the operation says what else.
        ["fhir", "Patient", _, "$access-report" | "%24access-report"] => false,
        // The scan of a form, and tables for spreadsheets.
        ["fhir", "Patient", _, "$registration-form" | "%24registration-form"] => false,
        ["fhir", "Patient", "$registration-report" | "%24registration-report"] => false,
        ["fhir", "Patient", "$register-batch" | "%24register-batch"] => false,
        // A manifest is JSON and a file NDJSON, whatever form of FHIR is wanted.
        ["fhir", "$export-status" | "$export-file", ..] => false,
        ["fhir", ..] => true,
        _ => false,
    }
}

/// Whether every percent sign is followed by two hexadecimal digits, and the whole is UTF-8.
fn is_well_encoded(text: &str) -> bool {
    if !text.contains('%') {
        return true;
    }
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        rest = after;
        if *first != b'%' {
            decoded.push(*first);
            continue;
        }
        let digit = |at: usize| after.get(at).and_then(|b| char::from(*b).to_digit(16));
        let (Some(high), Some(low)) = (digit(0), digit(1)) else { return false };
        decoded.push((high * 16 + low) as u8);
        rest = after.get(2..).unwrap_or_default();
    }
    std::str::from_utf8(&decoded).is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percent_encoding_is_of_utf_8() {
        for (text, expected) in [
            ("", true),
            ("name=M%C3%BCller", true),
            ("name=M%c3%bcller%20x", true),
            ("襷", true),
            ("%", false),
            ("a%4", false),
            ("%zz", false),
            ("%FF", false),
            ("%C3", false),
            ("%E8%A5", false),
        ] {
            assert_eq!(is_well_encoded(text), expected, "{text}");
        }
    }
}
