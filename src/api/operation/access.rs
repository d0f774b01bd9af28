//! Who may see what, and why, for the network's office: `Patient/[id]/$who-can-see`, `[type]/[id]/$explain-access`,
//! `Patient/[id]/$preview-consent` (what a draft would open before it is signed). They are decided by the policies that decide
//! every request, tell organisations, counts, labels and consents, and hold nothing clinical.

use std::collections::BTreeMap;
use std::sync::Arc;

use serde_json::{Value, json};

use super::{Call, Level, parameters, rules};
use crate::api::answer::Answer;
use crate::api::read::chart_of;
use crate::api::routes::blocking;
use crate::api::rules as common;
use crate::api::trail::Trail;
use crate::api::write::Stop;
use crate::app::Gateway;
use crate::chart::Chart;
use crate::consent::{Caller, ConsentVersion, Directive, Gate, Ground, Permitted, Policy, Purpose, RowFacts};
use crate::fault::{Fault, Finding, Status};
use crate::fhir::{ResourceId, ResourceType, outcome, reference};
use crate::search::labels;

/// What a member sees of a record.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Sight {
    /// Resources of each type.
    pub(super) types: BTreeMap<&'static str, u32>,
    /// By which consents.
    consents: Vec<ConsentVersion>,
}

impl Sight {
    /// Through a gate, of a chart or of one of its rows.
    pub(super) fn through(gate: &Gate<'_>, chart: &Chart, only: Option<usize>) -> Sight {
        let mut sight = Sight::default();
        for row in (0..chart.len()).filter(|row| gate.is_open() && only.is_none_or(|only| only == *row)) {
            let facts = RowFacts::row(&chart.columns, row);
            if gate.row(&facts).is_none() {
                continue;
            }
            *sight.types.entry(facts.resource_type.name()).or_default() += 1;
            if let Some(by) = gate.opened_row_by(&facts).filter(|by| !sight.consents.contains(by)) {
                sight.consents.push(by.clone());
            }
        }
        sight
    }

    /// With what is seen of another record.
    pub(super) fn and(&mut self, other: Sight) {
        other.types.into_iter().for_each(|(name, count)| *self.types.entry(name).or_default() += count);
        let new = other.consents.into_iter().filter(|by| !self.consents.contains(by)).collect::<Vec<_>>();
        self.consents.extend(new);
    }

    pub(super) fn count(&self) -> u32 {
        self.types.values().sum()
    }
}

/// `Patient/[id]/$who-can-see?resource=[type]/[id]&all=`
pub(super) async fn who_can_see(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&["resource", "all"])?;
    let all = call.parameters.boolean("all")?.unwrap_or(false);
    let resource = call.parameters.text("resource")?;
    let Some(chart) = record(&call).await? else { return Ok(Answer::not_found()) };
    let only = match resource {
        None => None,
        Some(named) => match row_of(call.gateway, &chart, &named)? {
            None => return Ok(Answer::not_found()),
            row => row,
        },
    };
    let mut members = Vec::new();
    for member in callers(&call).await? {
        let policy = chart.policy(&member);
        let sight = Sight::through(&chart.gate(&member, &policy, call.gateway.now()), &chart, only);
        if all || sight.count() > 0 {
            let of = u32::try_from(only.map_or(chart.len(), |_| 1)).unwrap_or(u32::MAX);
            let mut parts = about(&member);
            parts.push(json!({"name": "visible", "valueUnsignedInt": sight.count()}));
            parts.push(json!({"name": "of", "valueUnsignedInt": of}));
            parts.extend(counts(&sight.types));
            parts.extend(sight.consents.iter().map(consent));
            members.push(json!({"name": "member", "part": parts}));
        }
    }
    trail.saw(chart.patient, None, 0);
    answer(&call, members)
}

/// Everybody who may call, in the teams that they are in now.
async fn callers(call: &Call<'_>) -> Result<Vec<Arc<Caller>>, Fault> {
    let gateway = call.gateway.clone();
    blocking(move || gateway.callers()).await
}

/// `[type]/[id]/$explain-access?client=&purpose=`
pub(super) async fn explain(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&["client", "purpose"])?;
    let client = call.parameters.text("client")?;
    let client = client.ok_or_else(|| Stop::because(Status::BadRequest, &rules::MISSING, "client"))?;
    let member = callers(&call).await?.into_iter().find(|member| member.client == client);
    let Some(member) = member else { return Err(parameters::refused(&common::VALUE, "client")) };
    let purpose = match call.parameters.text("purpose")? {
        None => member.purpose,
        Some(code) => Some(Purpose::parse(&code).ok_or_else(|| parameters::refused(&common::VALUE, "purpose"))?),
    };
    let member = Caller { purpose, ..Caller::clone(&member) };
    let Level::Instance(resource_type, id) = &call.level else { return Ok(Answer::not_found()) };
    let Some(chart) = chart_of(call.gateway, *resource_type, id).await? else { return Ok(Answer::not_found()) };
    let Some(row) = chart.row(*resource_type, id) else { return Ok(Answer::not_found()) };
    let policy = chart.policy(&member);
    let facts = RowFacts::row(&chart.columns, row);
    let account = chart.gate(&member, &policy, call.gateway.now()).account(&facts);
    let (english, japanese) = account.reason.text(account.permitted);
    let mut parts = about(&member);
    parts.push(json!({"name": "purpose", "valueCode": member.purpose().code()}));
    parts.push(json!({"name": "permitted", "valueBoolean": account.permitted}));
    parts.push(json!({"name": "reason", "valueCode": account.reason.code()}));
    parts.push(json!({"name": "text", "valueString": japanese}));
    parts.push(json!({"name": "text-en", "valueString": english}));
    parts.extend(account.by.as_ref().map(consent));
    let provision = account.provision();
    parts.extend((!provision.is_empty()).then(|| json!({"name": "provision", "valueString": provision})));
    let named = labels::codes(facts.labels);
    parts.extend(named.into_iter().map(|code| json!({"name": "label", "valueCode": code})));
    trail.saw(chart.patient, account.by.as_ref(), 0);
    answer(&call, parts)
}

/// `Patient/[id]/$preview-consent` with the draft.
pub(super) async fn preview(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    let draft: Option<Value> = call.parameters.resource("resource").and_then(|text| serde_json::from_str(text).ok());
    let Some(mut draft) = draft.filter(|draft| draft["resourceType"] == "Consent") else {
        return Err(Stop::because(Status::BadRequest, &rules::MISSING, "resource"));
    };
    let Some(chart) = record(&call).await? else { return Ok(Answer::not_found()) };
    // As if it were signed now; one that is on record already would be replaced by it.
    draft["status"] = json!("active");
    let drafted = Directive::read(&draft);
    let mut directives = chart.directives.clone();
    directives.retain(|one| drafted.consent.id.is_empty() || one.consent.id != drafted.consent.id);
    directives.push(drafted);
    let findings: Vec<Finding> = directives.last().and_then(Directive::alarm).map(Finding::from).into_iter().collect();
    let mut members: Vec<Value> = Vec::new();
    if !findings.is_empty() {
        let outcome: Value = serde_json::from_str(&outcome::operation_outcome(&findings)).unwrap_or_default();
        members.push(json!({"name": "issues", "resource": outcome}));
    }
    let now = call.gateway.now();
    for member in callers(&call).await? {
        let before = Sight::through(&chart.gate(&member, &chart.policy(&member), now), &chart, None);
        let policy = Policy::compile(&member.asker(), &Ground { directives: &directives, ..chart.ground() });
        let after = Sight::through(&chart.gate(&member, &policy, now), &chart, None);
        if before.types == after.types {
            continue;
        }
        let mut parts = about(&member);
        parts.push(json!({"name": "before", "valueUnsignedInt": before.count()}));
        parts.push(json!({"name": "after", "valueUnsignedInt": after.count()}));
        parts.extend(counts(&after.types));
        members.push(json!({"name": "member", "part": parts}));
    }
    trail.saw(chart.patient, None, 0);
    answer(&call, members)
}

/// The record of the Patient that the call names; `None` where there is nothing.
async fn record(call: &Call<'_>) -> Result<Option<Arc<Chart>>, Stop> {
    let Level::Instance(resource_type, id) = &call.level else { return Ok(None) };
    let chart = chart_of(call.gateway, *resource_type, id).await?;
    Ok(chart.filter(|chart| !chart.patient.is_directory() && chart.row(*resource_type, id).is_some()))
}

/// The row of a resource that is named by a reference.
fn row_of(gateway: &Gateway, chart: &Chart, named: &str) -> Result<Option<usize>, Stop> {
    let named = reference::below(gateway.base_url(), named).unwrap_or(named);
    let parts = named.split_once('/').and_then(|(name, id)| Some((ResourceType::parse(name)?, ResourceId::parse(id)?)));
    let (resource_type, id) = parts.ok_or_else(|| parameters::refused(&common::VALUE, "resource"))?;
    Ok(chart.row(resource_type, &id))
}

pub(super) fn about(member: &Caller) -> Vec<Value> {
    let mut parts = vec![
        json!({"name": "client", "valueString": member.client}),
        json!({"name": "organization", "valueReference": {"reference": member.organization}}),
    ];
    parts.extend(member.kind.map(|kind| json!({"name": "kind", "valueCode": kind.code()})));
    parts
}

pub(super) fn counts(types: &BTreeMap<&'static str, u32>) -> impl Iterator<Item = Value> {
    types.iter().map(|(name, count)| {
        let parts = json!([{"name": "code", "valueCode": name}, {"name": "count", "valueUnsignedInt": count}]);
        json!({"name": "type", "part": parts})
    })
}

/// A Consent in its version; the network's own rules have none.
fn consent(by: &ConsentVersion) -> Value {
    match by.version {
        0 => json!({"name": "rule", "valueString": by.id}),
        version => {
            json!({"name": "consent", "valueReference": {"reference": format!("Consent/{}/_history/{version}", by.id)}})
        }
    }
}

fn answer(call: &Call<'_>, parameter: Vec<Value>) -> Result<Answer, Stop> {
    let mut body = json!({"resourceType": "Parameters"});
    if !parameter.is_empty() {
        body["parameter"] = Value::from(parameter);
    }
    Ok(Answer::ok(Permitted::account(call.caller, body.to_string().into_bytes())?))
}
