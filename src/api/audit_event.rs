//! Search of AuditEvents, for the network office: who has seen what, newest first.

use actix_web::{HttpRequest, web};

use super::answer::Answer;
use super::audit_query::Asked;
use super::caller::caller;
use super::routes::blocking;
use super::searchset::{Link, searchset};
use super::trail::Trail;
use crate::app::Gateway;
use crate::audit::{self, What};
use crate::consent::{Action, Caller, Gate, RowFacts};
use crate::fault::{Fault, Issue, Status};
use crate::fhir::{PatientKey, ResourceType};
use crate::journal::{Page, SCANNED_MAX, Wanted};
use crate::search::Labels;

pub(super) async fn search(request: HttpRequest, gateway: web::Data<Gateway>) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Search);
    trail.kind(ResourceType::AUDIT_EVENT);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            let asked = Asked::read(request.query_string(), gateway.base_url(), gateway.zone_minutes());
            answer(&gateway, &caller, asked, &mut trail).await.unwrap_or_else(|fault| trail.fail(fault))
        }
    };
    trail.close(&gateway, answer).await
}

async fn answer(
    gateway: &web::Data<Gateway>,
    caller: &Caller,
    asked: Result<Asked, Issue>,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    if let Err(denied) = caller.may(Action::Search, ResourceType::AUDIT_EVENT) {
        return Ok(trail.refuse(denied));
    }
    let asked = match asked {
        Ok(asked) => asked,
        Err(issue) => return Ok(Answer::outcome(Status::BadRequest, &[issue])),
    };
    let reader = gateway.clone();
    let (asked, page) = match asked.count {
        0 => (asked, Page { found: Vec::new(), next: None }),
        _ => {
            blocking(move || {
                let wanted = Wanted {
                    patient: asked.patient,
                    from_ms: asked.from_ms,
                    to_ms: asked.to_ms,
                    before: asked.before,
                    holds: |event: &audit::Event| asked.holds(event),
                    limit: asked.count,
                    scanned_max: SCANNED_MAX,
                };
                let page = reader.journal().find(&wanted)?;
                Ok((asked, page))
            })
            .await?
        }
    };
    let gate = Gate::directory(caller).found();
    let mut entries = Vec::with_capacity(page.found.len());
    // Granular scopes are judged on facts that events do not have: one of them shows none.
    let (resource_type, labels) = (ResourceType::AUDIT_EVENT, Labels::default());
    let row = RowFacts::plain(resource_type, &[], labels);
    for ((chunk, index), event) in &page.found {
        let permit = gate.row(&row);
        let (Some(id), Some(permit)) = (audit::id_of(*chunk, *index), permit) else { continue };
        let base = gateway.base_url();
        let json = audit::to_fhir(event, id.as_str(), base);
        let url = format!("{base}/AuditEvent/{}", id.as_str());
        let entry = format!(r#"{{"fullUrl":"{url}","resource":{json},"search":{{"mode":"match"}}}}"#);
        entries.push(permit.release(entry.into_bytes()));
    }
    trail.saw(PatientKey::DIRECTORY, None, entries.len());
    let url = format!("{}/AuditEvent", gateway.base_url());
    let mut links = vec![Link { relation: "self", query: asked.link(asked.before) }];
    links.extend(page.next.map(|next| Link { relation: "next", query: asked.link(Some(next)) }));
    // No total: counting would read the whole journal.
    Ok(Answer::ok(searchset(&url, None, &links, entries)))
}
