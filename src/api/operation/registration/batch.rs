//! `POST [base]/Patient/$register-batch`: a table of forms as text/csv, in UTF-8 or Shift_JIS; answers what became of each row.

use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, web};
use serde_json::{Value, json};

use super::super::parameters::Parameters;
use crate::api::answer::Answer;
use crate::api::asked::{Asked, wants_csv};
use crate::api::caller::caller;
use crate::api::routes::blocking;
use crate::api::trail::Trail;
use crate::api::write::Stop;
use crate::api::{body, rules as common};
use crate::app::Gateway;
use crate::audit::What;
use crate::consent::{Caller, Permitted, Role};
use crate::fault::{Denied, Status};
use crate::registration::batch::{Became, Line, Report, run};
use crate::registration::{Clerk, rule};

/// A table for spreadsheets.
pub(super) const CSV: &str = "text/csv; charset=utf-8";

pub(in crate::api::operation) async fn batch(
    request: HttpRequest,
    gateway: web::Data<Gateway>,
    sent: web::Payload,
) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::RegisterBatch);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            match caller.role {
                Role::Care | Role::Source => trail.refuse(Denied::Role),
                Role::Office | Role::Open => match take(&gateway, &request, caller, sent, &mut trail).await {
                    Ok(answer) => answer,
                    Err(Stop::Denied(denied)) => trail.refuse(denied),
                    Err(Stop::Failed(fault)) => trail.fail(fault),
                    Err(refused) => Answer::from(refused),
                },
            }
        }
    };
    trail.close(&gateway, answer).await
}

async fn take(
    gateway: &web::Data<Gateway>,
    request: &HttpRequest,
    caller: Arc<Caller>,
    sent: web::Payload,
    trail: &mut Trail,
) -> Result<Answer, Stop> {
    let parameters = Parameters::of(request.query_string(), None)?;
    parameters.only(&["dryRun"])?;
    let dry = parameters.boolean("dryRun")?.unwrap_or(false);
    trail.named(parameters.names());
    let as_table = wants_csv(request);
    if !as_table && Asked::of(request).format.is_none() {
        return Ok(Answer::refuse(Status::NotAcceptable, &common::NOT_ACCEPTABLE, ""));
    }
    let kind = request.headers().get(header::CONTENT_TYPE).and_then(|value| value.to_str().ok()).unwrap_or_default();
    if !kind.split(';').next().unwrap_or_default().trim().eq_ignore_ascii_case("text/csv") {
        return Ok(Answer::refuse(Status::UnsupportedMediaType, &rule::NOT_CSV, ""));
    }
    let bytes = match body::bytes(request, sent).await {
        Ok(bytes) => bytes,
        Err(answer) => return Ok(answer),
    };
    let writer = gateway.clone();
    let clerk = Clerk { client: caller.client.clone(), organization: caller.organization.clone() };
    let report = blocking(move || Ok(run(&writer, &clerk, &bytes, dry))).await?.map_err(super::stop)?;
    trail.wrote(report.records(), if dry { 0 } else { report.records().len() });
    if as_table {
        return Ok(Answer::bytes(Permitted::account(&caller, report.csv())?, CSV));
    }
    if let Some((_, fault)) = report.stopped.clone().filter(|_| report.lines.is_empty()) {
        return Err(Stop::Failed(fault));
    }
    Ok(Answer::ok(Permitted::account(&caller, told(&report, dry).to_string().into_bytes())?))
}

fn told(report: &Report, dry: bool) -> Value {
    let mut parts = Vec::new();
    if dry {
        parts.push(json!({"name": "dryRun", "valueBoolean": true}));
    }
    for code in ["registered", "re-registered", "amended", "unchanged", "look", "undecided", "refused"] {
        parts.push(json!({"name": code, "valueUnsignedInt": report.count(code)}));
    }
    parts.extend(report.stopped.as_ref().map(|(row, _)| json!({"name": "stopped", "valueUnsignedInt": row})));
    parts.extend(report.lines.iter().map(|line| json!({"name": "row", "part": row(line)})));
    json!({"resourceType": "Parameters", "parameter": parts})
}

fn row(line: &Line) -> Vec<Value> {
    let mut parts = vec![
        json!({"name": "number", "valueUnsignedInt": line.row}),
        json!({"name": "outcome", "valueCode": line.became.code()}),
        json!({"name": "text", "valueString": line.became.japanese()}),
    ];
    if let Became::Entered { record, number, candidates, .. } = &line.became {
        parts.push(json!({"name": "registration", "valueString": number}));
        parts.push(json!({"name": "patient", "valueReference": {"reference": record.reference()}}));
        let candidates = candidates.iter();
        parts.extend(
            candidates.map(|one| json!({"name": "candidate", "valueReference": {"reference": one.reference()}})),
        );
    }
    parts.extend(line.findings.iter().map(|finding| {
        json!({"name": "issue", "part": [
            {"name": "rule", "valueCode": finding.rule},
            {"name": "column", "valueString": finding.place},
            {"name": "text", "valueString": finding.ja},
            {"name": "text-en", "valueString": finding.en},
        ]})
    }));
    parts
}
