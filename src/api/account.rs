//! `GET /intake/receipts/[letter]/account`: what became of every field of a letter, and with `?element=Type.element` which
//! fields an element came from. Places and bytes, not values: whoever asks has the letter.

use actix_web::{HttpRequest, web};
use serde_json::{Value, json};

use super::answer::Answer;
use super::caller::caller;
use super::routes::blocking;
use super::trail::Trail;
use crate::app::Gateway;
use crate::audit::What;
use crate::consent::{Caller, Permitted};
use crate::explain::{self, CONVERSIONS_ONLINE_MAX, Entry, Fate, Field, Subject, is_within};
use crate::fault::{Fault, Issue, Status};
use crate::letter::{Letter, LetterId};
use crate::map::Known;

pub(super) async fn read(request: HttpRequest, gateway: web::Data<Gateway>, letter: &str) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Read);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            let answer = answer(&gateway, &request, &caller, letter, &mut trail).await;
            answer.unwrap_or_else(|fault| trail.fail(fault))
        }
    };
    trail.close(&gateway, answer).await
}

/// A letter of somebody else's is answered like one that never came.
async fn answer(
    gateway: &web::Data<Gateway>,
    request: &HttpRequest,
    caller: &Caller,
    letter: &str,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let Some(id) = LetterId::parse(letter) else { return Ok(Answer::not_found()) };
    let reader = gateway.clone();
    let found = blocking(move || Ok((reader.letter(id)?, reader.pipeline().receipt(id)?))).await?;
    let (Some(letter), receipt) = found else { return Ok(Answer::not_found()) };
    if let Err(denied) = Permitted::receipt(caller, &letter.source.facility, ()) {
        return Ok(trail.refuse(denied));
    }
    if let Some(patient) = receipt.as_ref().and_then(|receipt| receipt.record()) {
        trail.saw(patient, None, 1);
    }
    let element =
        web::Query::<Asked>::from_query(request.query_string()).ok().and_then(|asked| asked.into_inner().element);
    let facility = letter.source.facility.clone();
    let teller = gateway.clone();
    match blocking(move || told(&teller, &letter, element.as_deref())).await? {
        Err(issues) => Ok(Answer::outcome(Status::Unprocessable, &issues)),
        Ok(told) => match Permitted::receipt(caller, &facility, told.to_string().into_bytes()) {
            Ok(body) => Ok(Answer::plain_json(body)),
            Err(denied) => Ok(trail.refuse(denied)),
        },
    }
}

#[derive(serde::Deserialize)]
struct Asked {
    element: Option<String>,
}

fn told(gateway: &Gateway, letter: &Letter, element: Option<&str>) -> Result<Result<Value, Vec<Issue>>, Fault> {
    let (book, known) = (gateway.pipeline().book(), Known::default());
    let subject = Subject { letter, book: &book, known: &known, conversions_max: CONVERSIONS_ONLINE_MAX };
    let Some(asked) = element else {
        return Ok(
            explain::account(subject)?.map(|entries| json!({"fields": entries.iter().map(entry).collect::<Vec<_>>()}))
        );
    };
    let found = explain::origins(subject, |reference, element| is_within(asked, reference, element))?;
    Ok(found.map(|found| {
        let origin = |origin: &explain::Origin| {
            let mut told = field(&origin.field);
            told["resource"] = json!(origin.reference);
            told["element"] = json!(origin.element);
            told["copied"] = json!(origin.is_copied);
            told
        };
        json!({"origins": found.iter().map(origin).collect::<Vec<_>>()})
    }))
}

fn entry(entry: &Entry) -> Value {
    let mut told = field(&entry.field);
    told["fate"] = json!(match entry.fate {
        Fate::Mapped => "mapped",
        Fate::Ignored(_) => "ignored",
        Fate::Unmapped => "unmapped",
    });
    if let Fate::Ignored(Some(rule)) = entry.fate {
        told["rule"] = json!(rule);
    }
    told["elements"] = json!(entry.elements);
    told
}

fn field(field: &Field) -> Value {
    json!({"place": field.place.to_string(), "bytes": [field.bytes.start, field.bytes.end]})
}
