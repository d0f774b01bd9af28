//! `POST [base]/Organization/$import-directory`: a public list of places as CSV, taken into the directory by the network's
//! office (docs/adr/0045). Answers Parameters: what was counted, and each problem with its row and column.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, web};

use super::rules;
use crate::api::answer::Answer;
use crate::api::asked::decoded;
use crate::api::body;
use crate::api::caller::caller;
use crate::api::routes::blocking;
use crate::api::trail::Trail;
use crate::app::Gateway;
use crate::audit::What;
use crate::consent::{Action, Caller, Permitted, Role};
use crate::fault::{Denied, Fault, Finding, Issue, Status};
use crate::fhir::{ResourceType, Writer};
use crate::listing::{self, Hints, Kind, List};
use crate::pipeline::{Enrolled, Enrolment};

/// Problems, and places that have vanished, that are told one by one; of more only how many there are.
const TOLD_MAX: usize = 1000;
/// What an import writes.
const WRITTEN: [ResourceType; 3] =
    [ResourceType::ORGANIZATION, ResourceType::LOCATION, ResourceType::HEALTHCARE_SERVICE];

/// What is asked for.
#[derive(Debug)]
struct Wanted {
    kind: Kind,
    how: Enrolment,
    hints: Hints,
}

pub(super) async fn import(request: HttpRequest, gateway: web::Data<Gateway>, sent: web::Payload) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Import);
    trail.kind(ResourceType::ORGANIZATION);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            match (may(&caller), wanted(request.query_string())) {
                (Err(denied), _) => trail.refuse(denied),
                (Ok(()), None) => Answer::refuse(Status::BadRequest, &rules::LIST_PARAMETERS, ""),
                (Ok(()), Some(_)) if !is_csv(&request) => {
                    Answer::refuse(Status::UnsupportedMediaType, &rules::NOT_CSV, "")
                }
                (Ok(()), Some(wanted)) => match body::bytes(&request, sent).await {
                    Err(answer) => answer,
                    Ok(bytes) => {
                        let done = taken(&gateway, caller, wanted, bytes, &mut trail).await;
                        done.unwrap_or_else(|fault| trail.fail(fault))
                    }
                },
            }
        }
    };
    trail.close(&gateway, answer).await
}

/// The office, with a token that is good for all that is written.
fn may(caller: &Caller) -> Result<(), Denied> {
    if !matches!(caller.role, Role::Office | Role::Open) {
        return Err(Denied::Role);
    }
    let actions = [Action::Create, Action::Update];
    WRITTEN.iter().try_for_each(|of| actions.iter().try_for_each(|action| caller.may(*action, *of)))
}

/// `kind`, `dry-run`, `retire`, `prefecture`, `category`; nothing else, each once.
fn wanted(query: &str) -> Option<Wanted> {
    let (mut kind, mut how, mut hints) = (None, Enrolment::default(), Hints::default());
    let mut seen = Vec::new();
    for pair in query.split('&').filter(|pair| !pair.is_empty()) {
        let (name, value) = pair.split_once('=')?;
        let (name, value) = (decoded(name)?, decoded(value)?);
        let is = |value: &str| value.parse::<bool>().ok();
        match name.as_str() {
            "kind" => kind = Some(Kind::parse(&value)?),
            "dry-run" => how.only_try = is(&value)?,
            "retire" => how.retire = is(&value)?,
            "prefecture" => hints.prefecture = Some(listing::prefecture(&value)?),
            "category" => hints.category = Some(listing::category(&value)?),
            "_format" | "_pretty" => {}
            _ => return None,
        }
        if seen.contains(&name) {
            return None;
        }
        seen.push(name);
    }
    Some(Wanted { kind: kind?, how, hints })
}

fn is_csv(request: &HttpRequest) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok()).unwrap_or_default();
    kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/csv")
}

async fn taken(
    gateway: &web::Data<Gateway>,
    caller: Arc<Caller>,
    wanted: Wanted,
    bytes: web::Bytes,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let writer = gateway.clone();
    let done = blocking(move || {
        let list = match listing::read(wanted.kind, &bytes, wanted.hints) {
            Ok(list) => list,
            Err(issues) => return Ok(Err(issues)),
        };
        let enrolled = writer.write(|pipeline| pipeline.enrol(wanted.kind, &list, wanted.how, &|_, _| {}))?;
        Ok(Ok((list, enrolled)))
    });
    Ok(match done.await? {
        Err(issues) => Answer::outcome(Status::Unprocessable, &issues),
        Ok((list, enrolled)) => {
            let written: u64 = enrolled.counts.values().map(|counts| counts.created + counts.updated).sum();
            if !wanted.how.only_try {
                trail.wrote(None, usize::try_from(written + enrolled.retired).unwrap_or(usize::MAX));
            }
            match Permitted::account(&caller, parameters(&list, &enrolled).into_bytes()) {
                Ok(body) => Answer::ok(body),
                Err(denied) => trail.refuse(denied),
            }
        }
    })
}

/// What became of a list.
fn parameters(list: &List, enrolled: &Enrolled) -> String {
    let mut w = Writer::new();
    w.string("resourceType", "Parameters");
    let problems = list.issues.len() + enrolled.issues.len();
    w.array("parameter", |w| {
        let counts = [
            ("rows", list.rows),
            ("taken", list.entries.len()),
            ("broken", list.broken()),
            ("problems", problems),
            ("vanished", enrolled.vanished.len()),
            ("retired", usize::try_from(enrolled.retired).unwrap_or(usize::MAX)),
        ];
        counts.into_iter().for_each(|(name, value)| count(w, name, value as u64));
        for (of, counts) in &enrolled.counts {
            w.item(|w| {
                w.string("name", of);
                w.array("part", |w| {
                    count(w, "created", counts.created);
                    count(w, "updated", counts.updated);
                    count(w, "unchanged", counts.unchanged);
                });
            });
        }
        for issue in list.issues.iter().chain(&enrolled.issues).take(TOLD_MAX) {
            w.item(|w| problem(w, issue));
        }
        for one in enrolled.vanished.iter().take(TOLD_MAX) {
            w.item(|w| {
                w.string("name", "missing");
                w.array("part", |w| {
                    text(w, "number", &one.number);
                    text(w, "service", &one.name);
                });
            });
        }
    });
    format!("{{{}}}", w.finish())
}

fn problem(w: &mut Writer, issue: &Issue) {
    let finding = Finding::from(issue);
    w.string("name", "problem");
    w.array("part", |w| {
        text(w, "severity", &finding.severity);
        text(w, "place", &finding.place);
        text(w, "rule", &finding.rule);
        text(w, "ja", &finding.ja);
        text(w, "en", &finding.en);
    });
}

fn text(w: &mut Writer, name: &str, value: &str) {
    if !value.is_empty() {
        w.item(|w| {
            w.string("name", name);
            w.string("valueString", value);
        });
    }
}

fn count(w: &mut Writer, name: &str, value: u64) {
    w.item(|w| {
        w.string("name", name);
        w.integer("valueUnsignedInt", i64::try_from(value).unwrap_or(i64::MAX));
    });
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_asked_for_is_said_once_and_in_known_words() {
        let all = wanted("kind=hospitals&retire=true&dry-run=false&prefecture=01&category=1").unwrap();
        assert_eq!((all.kind, all.how.retire, all.how.only_try), (Kind::Hospitals, true, false));
        assert_eq!((all.hints.prefecture, all.hints.category), (Some(1), Some('1')));
        for wrong in
            ["", "kind=else", "kind=hospitals&kind=hospitals", "kind=hospitals&retire=1", "kind=hospitals&x=1", "kind"]
        {
            assert!(wanted(wrong).is_none(), "{wrong}");
        }
    }
}
