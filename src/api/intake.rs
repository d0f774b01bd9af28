//! `POST /intake` and `POST /intake/[facility]`: a source hands in a letter of any format, or a container of letters.
//!
//! One letter is answered when its receipt is durable: 200, or 422 when it was kept and held. A container is answered as
//! soon as it is kept: 202, and its receipt tells how far it is.

use std::sync::Arc;

use actix_web::http::header::{self, ContentDisposition, DispositionParam};
use actix_web::{HttpRequest, web};
use serde_json::json;

use super::answer::Answer;
use super::caller::caller;
use super::create::sources_of;
use super::routes::blocking;
use super::trail::Trail;
use super::{body, rules};
use crate::app::{Gateway, Progress};
use crate::audit::{Agent, What};
use crate::consent::{Caller, Permitted};
use crate::fault::{Fault, Issue, Place, Status};
use crate::fhir::FacilityCode;
use crate::letter::{Letter, LetterId, Source};
use crate::pipeline::{Receipt, Whose, is_taken, whose};

/// Longest name of a letter; a path in a storage has about 150.
const NAME_CHARACTERS_MAX: usize = 1024;

pub(super) async fn hand_in(
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    facility: Option<&str>,
    sent: web::Payload,
) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Receive);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            match sources_of(&gateway, &caller, facility.map(FacilityCode::parse).as_ref()) {
                Err(denied) => trail.refuse(denied),
                Ok(sources) => match body::bytes(&request, sent).await {
                    Err(answer) => answer,
                    Ok(bytes) => {
                        let taken = take(&gateway, &request, &caller, &sources, bytes, &mut trail).await;
                        taken.unwrap_or_else(|fault| trail.fail(fault))
                    }
                },
            }
        }
    };
    trail.close(&gateway, answer).await
}

async fn take(
    gateway: &web::Data<Gateway>,
    request: &HttpRequest,
    caller: &Arc<Caller>,
    sources: &[Arc<Source>],
    bytes: web::Bytes,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let (name, owned) = (name_of(request), sources.to_vec());
    // Opening a large container takes a while.
    let letter = blocking(move || Ok(letter_of(&owned, name, &bytes))).await?;
    let letter = match letter {
        Ok(letter) => letter,
        Err(answer) => return Ok(*answer),
    };
    let (id, facility) = (letter.id(), letter.source.facility.clone());
    let (receiver, agent) = (gateway.clone(), Agent::from(&**caller));
    let receipt = blocking(move || match receiver.pipeline().is_container(&letter) {
        true => receiver.containers().accept(&letter, Some(agent)).map(|known| known.map(Receipt::repeated)),
        false => receiver.receive(&letter).map(Some),
    });
    match receipt.await? {
        None => Ok(under_way(request, caller, &facility, id, gateway.containers().progress(id).unwrap_or_default())),
        Some(receipt) => {
            trail.wrote(receipt.record(), receipt.resources.len());
            Ok(answer(request, caller, &facility, &receipt))
        }
    }
}

/// The letter, or why it is none. (Boxed: an answer is large, and rarely made here.)
fn letter_of(sources: &[Arc<Source>], name: String, bytes: &[u8]) -> Result<Letter, Box<Answer>> {
    let refuse = |status, rule| Err(Box::new(Answer::refuse(status, rule, "")));
    if !is_taken(&name, bytes) {
        return refuse(Status::UnsupportedMediaType, &rules::NOT_TAKEN);
    }
    match whose(sources, &name, bytes) {
        Whose::Foreign => refuse(Status::Forbidden, &rules::FOREIGN_FACILITY),
        Whose::Unsaid => refuse(Status::BadRequest, &rules::NAME_FACILITY),
        Whose::Source(source) => Ok(Letter { source: source.clone(), name, bytes: bytes.to_vec() }),
    }
}

/// The receipt: as JSON, or as an OperationOutcome for those who ask for FHIR.
pub(super) fn answer(request: &HttpRequest, caller: &Caller, facility: &FacilityCode, receipt: &Receipt) -> Answer {
    let status = if receipt.is_unused() { Status::Unprocessable } else { Status::Ok };
    if wants_fhir(request) {
        return Answer::receipt(receipt).with_status(status);
    }
    let body = serde_json::to_vec(receipt).unwrap_or_default();
    match Permitted::receipt(caller, facility, body) {
        Ok(body) => Answer::plain_json(body).with_status(status),
        Err(denied) => Answer::from(denied),
    }
}

/// A container that is kept and not done yet.
pub(super) fn under_way(
    request: &HttpRequest,
    caller: &Caller,
    facility: &FacilityCode,
    id: LetterId,
    progress: Progress,
) -> Answer {
    let location = format!("/intake/receipts/{}", id.hex());
    if wants_fhir(request) {
        let issue = Issue::new(&rules::UNDER_WAY, Place::Whole);
        return Answer::outcome(Status::Accepted, &[issue]).at(location);
    }
    let body = json!({
        "letter": id.hex(),
        "outcome": "under-way",
        "progress": {"done": progress.done, "all": progress.all},
        "location": location,
    });
    match Permitted::receipt(caller, facility, body.to_string().into_bytes()) {
        Ok(body) => Answer::plain_json(body).with_status(Status::Accepted).at(location),
        Err(denied) => Answer::from(denied),
    }
}

fn wants_fhir(request: &HttpRequest) -> bool {
    let accept = request.headers().get(header::ACCEPT).and_then(|value| value.to_str().ok()).unwrap_or("");
    accept.contains("application/fhir+")
}

/// The name a letter comes under: `X-File-Name` (percent-encoded where it is not ASCII), else the file name of
/// `Content-Disposition`. A CSV that its type alone makes known gets a name that says so.
pub(super) fn name_of(request: &HttpRequest) -> String {
    let given = request.headers().get("x-file-name").and_then(|value| value.to_str().ok()).map(percent_decoded);
    let name = given.or_else(|| disposition(request)).unwrap_or_default();
    let name: String = name.chars().filter(|c| !c.is_control()).take(NAME_CHARACTERS_MAX).collect();
    let name = name.replace('\\', "/").trim_start_matches('/').to_owned();
    let content_type = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let is_csv = content_type.is_some_and(|kind| kind.trim_start().to_ascii_lowercase().starts_with("text/csv"));
    match is_csv && !name.to_ascii_lowercase().ends_with(".csv") {
        true => format!("{name}.csv"),
        false => name,
    }
}

fn disposition(request: &HttpRequest) -> Option<String> {
    let value = request.headers().get(header::CONTENT_DISPOSITION)?;
    let disposition = ContentDisposition::from_raw(value).ok()?;
    let extended = disposition.get_filename_ext().map(|name| String::from_utf8_lossy(&name.value).into_owned());
    let plain = |part: &DispositionParam| part.as_filename().map(str::to_owned);
    extended.or_else(|| disposition.parameters.iter().find_map(plain))
}

/// `%E8%A5%B7` as 襷; what is no such escape stays.
fn percent_decoded(text: &str) -> String {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let Some((first, after)) = rest.split_first() {
        let pair = after.get(..2).and_then(|pair| std::str::from_utf8(pair).ok());
        let byte = pair.filter(|_| *first == b'%').and_then(|pair| u8::from_str_radix(pair, 16).ok());
        bytes.push(byte.unwrap_or(*first));
        rest = if byte.is_some() { after.get(2..).unwrap_or_default() } else { after };
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use actix_web::test::TestRequest;

    #[test]
    fn a_name_comes_in_one_of_several_headers() {
        let name = |headers: &[(&'static str, &'static str)]| {
            let add = |request: TestRequest, header: &(&'static str, &'static str)| request.insert_header(*header);
            name_of(&headers.iter().fold(TestRequest::post(), add).to_http_request())
        };
        assert_eq!(name(&[]), "");
        assert_eq!(name(&[("x-file-name", "a/b_1")]), "a/b_1");
        assert_eq!(name(&[("x-file-name", "%E8%A5%B7%2f100%")]), "襷/100%");
        assert_eq!(name(&[("x-file-name", "/a\\b%00%0D")]), "a/b");
        assert_eq!(name(&[("content-disposition", "attachment; filename=\"a b.csv\"")]), "a b.csv");
        let both = "attachment; filename=\"x\"; filename*=UTF-8''%E8%A5%B7.xml";
        assert_eq!(name(&[("content-disposition", both)]), "襷.xml");
        assert_eq!(name(&[("content-type", "Text/CSV; charset=utf-8")]), ".csv");
        assert_eq!(name(&[("content-type", "text/csv"), ("x-file-name", "a.CSV")]), "a.CSV");
        for (length, kept) in
            [(NAME_CHARACTERS_MAX, NAME_CHARACTERS_MAX), (NAME_CHARACTERS_MAX + 1, NAME_CHARACTERS_MAX)]
        {
            let request = TestRequest::post().insert_header(("x-file-name", "a".repeat(length)));
            assert_eq!(name_of(&request.to_http_request()).len(), kept);
        }
    }
}
