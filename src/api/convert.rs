//! `POST /fhir/$convert`: the FHIR that a letter, or a container of letters, gives, and what was noticed; nothing is stored.
//!
//! R4 defines Resource/$convert as a change of format with one resource in and one out (operation `convert`, output
//! `output`). Here any format comes in, as the body or in a Binary. A transaction Bundle has no place for issues (its
//! entries must not have a `response`, invariant bdl-4), so the answer is a Parameters with `output`, the Bundle, and
//! `issues`, an OperationOutcome; `Prefer: return=representation` asks for the Bundle alone.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use serde_json::Value;

use super::answer::Answer;
use super::caller::caller;
use super::create::sources_of;
use super::routes::blocking;
use super::trail::Trail;
use super::{body, intake, rules};
use crate::app::Gateway;
use crate::audit::What;
use crate::consent::{Caller, Permitted};
use crate::fault::{Fault, Status};
use crate::fhir::{FacilityCode, outcome};
use crate::letter::{Letter, Source};
use crate::pipeline::{Converted, Whose, is_taken, whose};

pub(super) async fn convert(request: HttpRequest, gateway: web::Data<Gateway>, sent: web::Payload) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Other);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            match sources_of(&gateway, &caller, None) {
                Err(denied) => trail.refuse(denied),
                Ok(sources) => match body::bytes(&request, sent).await {
                    Err(answer) => answer,
                    Ok(bytes) => {
                        let answer = answer(&gateway, &request, &caller, sources, bytes).await;
                        answer.unwrap_or_else(|fault| trail.fail(fault))
                    }
                },
            }
        }
    };
    trail.close(&gateway, answer).await
}

async fn answer(
    gateway: &web::Data<Gateway>,
    request: &HttpRequest,
    caller: &Caller,
    sources: Vec<Arc<Source>>,
    bytes: web::Bytes,
) -> Result<Answer, Fault> {
    let (name, converter) = (intake::name_of(request), gateway.clone());
    let (zone_minutes, bundle_only) = (gateway.zone_minutes(), wants_bundle(request));
    let converted = blocking(move || {
        let letter = match letter_of(&sources, name, bytes.to_vec(), zone_minutes) {
            Ok(letter) => letter,
            Err(answer) => return Ok(Err(answer)),
        };
        Ok(match converter.pipeline().convert(&letter)? {
            Err(findings) => Err(Box::new(Answer::findings(Status::Unprocessable, &findings))),
            Ok(converted) => Ok(written(converted, bundle_only)),
        })
    });
    Ok(match converted.await? {
        Err(answer) => *answer,
        Ok(text) => match Permitted::own_words(caller, text.into_bytes()) {
            Ok(body) => Answer::ok(body),
            Err(denied) => Answer::from(denied),
        },
    })
}

/// The letter as it would be if it were handed in; where it does not say which of the caller's facilities it is from, it
/// is read as `tasuki convert` reads it.
fn letter_of(sources: &[Arc<Source>], name: String, bytes: Vec<u8>, zone_minutes: i16) -> Result<Letter, Box<Answer>> {
    let refuse = |status, rule| Err(Box::new(Answer::refuse(status, rule, "")));
    let Some(bytes) = unwrapped(bytes) else { return refuse(Status::BadRequest, &rules::NOT_BASE64) };
    if !is_taken(&name, &bytes) {
        return refuse(Status::UnsupportedMediaType, &rules::NOT_TAKEN);
    }
    let source = match whose(sources, &name, &bytes) {
        Whose::Source(source) => source.clone(),
        Whose::Foreign | Whose::Unsaid => Arc::new(Source { facility: FacilityCode::unstated(), zone_minutes }),
    };
    Ok(Letter { source, name, bytes })
}

fn written(converted: Converted, bundle_only: bool) -> String {
    let Converted { bundle, findings } = converted;
    if bundle_only {
        return bundle;
    }
    let issues = match findings.is_empty() {
        true => String::new(),
        false => format!(r#",{{"name":"issues","resource":{}}}"#, outcome::operation_outcome(&findings)),
    };
    format!(r#"{{"resourceType":"Parameters","parameter":[{{"name":"output","resource":{bundle}}}{issues}]}}"#)
}

/// `Prefer: return=representation` (http.html#ops).
fn wants_bundle(request: &HttpRequest) -> bool {
    let preferred = request.headers().get("prefer").and_then(|value| value.to_str().ok()).unwrap_or("");
    preferred.split([',', ';']).any(|part| part.trim() == "return=representation")
}

/// What a Binary carries; any other body is itself. `None` when a Binary's data is not base64.
fn unwrapped(bytes: Vec<u8>) -> Option<Vec<u8>> {
    // Its type is among the first members, so nothing large is parsed for this.
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    if !head.trim_ascii_start().starts_with(b"{") || !head.windows(8).any(|w| w == b"\"Binary\"") {
        return Some(bytes);
    }
    let resource: Value = serde_json::from_slice(&bytes).unwrap_or_default();
    match (resource["resourceType"].as_str(), resource["data"].as_str()) {
        (Some("Binary"), data) => base64(data.unwrap_or("")),
        _ => Some(bytes),
    }
}

/// Base64 (RFC 4648 section 4); white space is passed over, as FHIR allows it.
fn base64(text: &str) -> Option<Vec<u8>> {
    let digits: Vec<u8> = text.bytes().filter(|b| !b.is_ascii_whitespace()).collect();
    let body = digits.strip_suffix(b"==").or_else(|| digits.strip_suffix(b"=")).unwrap_or(&digits);
    if !digits.len().is_multiple_of(4) {
        return None;
    }
    let mut bytes = Vec::with_capacity(body.len() / 4 * 3 + 2);
    for group in body.chunks(4) {
        let mut bits = 0_u32;
        for digit in group {
            let value = match digit {
                b'A'..=b'Z' => digit - b'A',
                b'a'..=b'z' => digit - b'a' + 26,
                b'0'..=b'9' => digit - b'0' + 52,
                b'+' => 62,
                b'/' => 63,
                _ => return None,
            };
            bits = bits << 6 | u32::from(value);
        }
        bits <<= 6 * (4 - group.len());
        let [_, whole @ ..] = bits.to_be_bytes();
        bytes.extend(whole.get(..group.len().saturating_sub(1)).unwrap_or_default());
    }
    Some(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_vectors_of_rfc_4648_are_read() {
        for (text, bytes) in
            [("", ""), ("Zg==", "f"), ("Zm8=", "fo"), ("Zm9v", "foo"), ("Zm9v YmE=\n", "fooba"), ("Zm9vYmFy", "foobar")]
        {
            assert_eq!(base64(text).as_deref(), Some(bytes.as_bytes()), "{text}");
        }
        for wrong in ["Z", "Zg", "Zg=", "Z===", "Zg==Zg==", "Zm9-"] {
            assert_eq!(base64(wrong), None, "{wrong}");
        }
    }
}
