//! `GET [base]/Patient/$registration-report?start=&end=&expires-within=`: how many were registered, by month and facility, and
//! whose registration ends soon; as Parameters, or as a table.

use serde_json::{Value, json};

use super::super::{Call, parameters};
use super::batch::CSV;
use crate::api::answer::Answer;
use crate::api::routes::blocking;
use crate::api::rules as common;
use crate::api::trail::Trail;
use crate::api::write::Stop;
use crate::app::Gateway;
use crate::consent::Permitted;
use crate::fhir::FacilityCode;
use crate::fhir::time::Interval;
use crate::registration::batch::{MARK, line};
use crate::registration::report::{Counts, Report};

/// Days ahead that may be asked for.
const DAYS_MAX: i64 = 3_660;

/// Reports.
pub(in crate::api::operation) async fn report(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&["start", "end", "expires-within"])?;
    let zone = call.gateway.zone_minutes();
    let end_of = |name: &str| -> Result<Interval, Stop> {
        match call.parameters.text(name)? {
            None => Ok(Interval::ALWAYS),
            Some(text) => Interval::parse(&text, zone).ok_or_else(|| parameters::refused(&common::VALUE, name)),
        }
    };
    let during = Interval { start: end_of("start")?.start, end: end_of("end")?.end };
    let days = match call.parameters.text("expires-within")? {
        None => None,
        Some(text) => {
            let days = text.parse::<i64>().ok().filter(|days| (0..=DAYS_MAX).contains(days));
            Some(days.ok_or_else(|| parameters::refused(&common::VALUE, "expires-within"))?)
        }
    };
    let gateway = call.gateway.clone();
    let report = blocking(move || crate::registration::report::report(&gateway, during, days)).await?;
    report.ending.iter().for_each(|(_, ending)| trail.saw(ending.record, None, 1));
    match call.wants_csv {
        true => {
            let table = if days.is_some() { ending(&report) } else { months(call.gateway, &report) };
            Ok(Answer::bytes(Permitted::account(call.caller, table)?, CSV))
        }
        false => {
            let body = told(call.gateway, &report).to_string().into_bytes();
            Ok(Answer::ok(Permitted::account(call.caller, body)?))
        }
    }
}

fn name(gateway: &Gateway, facility: &str) -> String {
    let known = gateway.facility_name(&FacilityCode::parse(facility)).unwrap_or_default();
    if facility.is_empty() { "全体".to_owned() } else { known.to_owned() }
}

fn told(gateway: &Gateway, report: &Report) -> Value {
    let mut parts = vec![json!({"name": "in-force", "valueUnsignedInt": report.in_force})];
    for ((month, facility), counts) in &report.months {
        let mut of_month = vec![json!({"name": "month", "valueString": month})];
        if !facility.is_empty() {
            of_month.push(json!({"name": "facility", "valueString": facility}));
        }
        of_month.push(json!({"name": "name", "valueString": name(gateway, facility)}));
        let Counts { registered, reregistered, revoked, expired } = counts;
        for (code, count) in
            [("registered", registered), ("re-registered", reregistered), ("revoked", revoked), ("expired", expired)]
        {
            of_month.push(json!({"name": code, "valueUnsignedInt": count}));
        }
        parts.push(json!({"name": "counts", "part": of_month}));
    }
    parts.extend(report.ending.iter().map(|(_, one)| {
        json!({"name": "ending", "part": [
            {"name": "patient", "valueReference": {"reference": one.record.reference()}},
            {"name": "registration", "valueString": one.number},
            {"name": "name", "valueString": one.name},
            {"name": "end", "valueString": one.end},
        ]})
    }));
    // FHIR has no empty text.
    let is_said = |part: &Value| part["valueString"] != "";
    for part in &mut parts {
        if let Some(inner) = part["part"].as_array_mut() {
            inner.retain(is_said);
        }
    }
    json!({"resourceType": "Parameters", "parameter": parts})
}

fn months(gateway: &Gateway, report: &Report) -> Vec<u8> {
    let mut out = MARK.to_vec();
    line(&mut out, &["月", "施設コード", "施設名", "登録", "再登録", "撤回", "期間満了"].map(Into::into));
    for ((month, facility), counts) in &report.months {
        let Counts { registered, reregistered, revoked, expired } = counts;
        line(
            &mut out,
            &[
                month.into(),
                facility.into(),
                name(gateway, facility).into(),
                registered.to_string().into(),
                reregistered.to_string().into(),
                revoked.to_string().into(),
                expired.to_string().into(),
            ],
        );
    }
    out
}

fn ending(report: &Report) -> Vec<u8> {
    let mut out = MARK.to_vec();
    line(&mut out, &["登録番号", "氏名", "満了日", "記録"].map(Into::into));
    for (_, one) in &report.ending {
        line(&mut out, &[(&one.number).into(), (&one.name).into(), (&one.end).into(), one.record.reference().into()]);
    }
    out
}
