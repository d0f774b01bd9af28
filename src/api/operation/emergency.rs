//! A record is opened in an emergency: `Patient/[id]/$emergency-access`, `$emergency-end`, and `Consent/$emergency-reviews`
//! (docs/adr/0037). What opens it is a Consent of its own, so it ends by its period, is withdrawn by an update and is found in
//! the audit record like any other; in the same commit the facility that keeps the record is told by a Communication.

use serde_json::{Map, Value, json};
use uuid::Uuid;

use super::{Call, Level, parameters, rules};
use crate::api::answer::Answer;
use crate::api::read::{chart, chart_of};
use crate::api::routes::blocking;
use crate::api::rules as common;
use crate::api::searchset::searchset;
use crate::api::trail::Trail;
use crate::api::write::Stop;
use crate::api::write::prepare::Body;
use crate::api::write::single::refusal;
use crate::app::Gateway;
use crate::chart::Chart;
use crate::consent::directive::{CATEGORY, EMERGENCY, EMERGENCY_MS_MAX};
use crate::consent::{Caller, ConsentVersion, Directive, Permitted};
use crate::fault::{Fault, Status};
use crate::fhir::{PatientKey, ResourceId, ResourceType, time};
use crate::pipeline::{Expected, Statement, assign};

/// Longest reason, characters.
pub(super) const REASON_CHARACTERS_MAX: usize = 1_000;
const MINUTE_MS: i64 = 60_000;
const REASON: &str = "https://tasuki.example/fhir/StructureDefinition/consent-reason";
const V3: &str = "http://terminology.hl7.org/CodeSystem/";

/// Opens the record.
pub(super) async fn begin(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&["reason", "minutes"])?;
    let reason = call.parameters.text("reason")?.map(|reason| reason.trim().to_owned()).unwrap_or_default();
    if reason.is_empty() {
        return Err(Stop::because(Status::BadRequest, &rules::MISSING, "reason"));
    }
    if reason.chars().count() > REASON_CHARACTERS_MAX {
        return Err(parameters::refused(&common::VALUE, "reason"));
    }
    let most = EMERGENCY_MS_MAX / MINUTE_MS;
    let minutes = match call.parameters.text("minutes")? {
        None => most,
        Some(text) => {
            let minutes: Option<i64> = text.parse().ok().filter(|minutes| (1..=most).contains(minutes));
            minutes.ok_or_else(|| parameters::refused(&common::VALUE, "minutes"))?
        }
    };
    let Some(records) = record(&call).await? else { return Ok(Answer::not_found()) };
    let Some((record, _)) = records.first().cloned() else { return Ok(Answer::not_found()) };
    let (gateway, caller, begun) = (call.gateway.clone(), call.caller.clone(), call.gateway.now());
    // The end of a Period is in it.
    let until = begun + minutes * MINUTE_MS - 1;
    let also: Vec<PatientKey> = records.iter().skip(1).map(|(record, _)| *record).collect();
    let grant = Grant { records, reason, begun, until };
    let until = time::instant(grant.until, gateway.zone_minutes());
    let opened = blocking(move || Ok(grant.open(&gateway, &caller))).await??;
    trail.saw(record, Some(&opened), 0);
    also.into_iter().for_each(|record| trail.saw(record, Some(&opened), 0));
    let body = json!({"resourceType": "Parameters", "parameter": [
        {"name": "until", "valueInstant": until},
        {"name": "consent", "valueReference": {"reference": format!("Consent/{}", opened.id)}},
    ]});
    Ok(Answer::ok(Permitted::as_opened(call.caller, body.to_string().into_bytes())?))
}

/// Closes what the caller opened.
pub(super) async fn end(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&[])?;
    let found = record(&call).await?;
    let Some((record, _)) = found.and_then(|records| records.into_iter().next()) else {
        return Ok(Answer::not_found());
    };
    let (gateway, caller) = (call.gateway.clone(), call.caller.clone());
    let closed = blocking(move || Ok(close(&gateway, &caller, record))).await??;
    closed.iter().for_each(|by| trail.saw(record, Some(by), 0));
    let body =
        json!({"resourceType": "Parameters", "parameter": [{"name": "closed", "valueUnsignedInt": closed.len()}]});
    Ok(Answer::ok(Permitted::as_opened(call.caller, body.to_string().into_bytes())?))
}

/// What nobody has reviewed.
pub(super) async fn reviews(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&[])?;
    let (gateway, caller) = (call.gateway.clone(), call.caller.clone());
    let found = blocking(move || {
        let mut found = Vec::new();
        for record in gateway.to_review()?.iter() {
            let chart = gateway.chart(*record)?;
            let policy = chart.policy(&caller);
            let gate = chart.gate(&caller, &policy, gateway.now());
            for one in chart.directives.iter().filter(|one| one.is_to_review) {
                let row = ResourceId::parse(&one.consent.id).and_then(|id| chart.row(ResourceType::CONSENT, &id));
                let Some((row, permit)) = row.and_then(|row| Some((row, chart.permit(&gate, row)?))) else { continue };
                let entry = entry(gateway.base_url(), &one.consent.id, &chart.body(row)?);
                found.push((*record, one.consent.clone(), permit.release(entry)));
            }
        }
        Ok(found)
    });
    let found = found.await?;
    found.iter().for_each(|(record, _, _)| trail.saw(*record, None, 1));
    let entries: Vec<_> = found.into_iter().map(|(_, _, entry)| entry).collect();
    let url = format!("{}/Consent/$emergency-reviews", call.gateway.base_url());
    Ok(Answer::ok(searchset(&url, Some(entries.len()), &[], entries)))
}

fn entry(base: &str, id: &str, body: &[u8]) -> Vec<u8> {
    let head = format!(r#"{{"fullUrl":"{base}/Consent/{id}","resource":"#);
    [head.as_bytes(), body, br#","search":{"mode":"match"}}"#].concat()
}

/// The records of the person of the Patient that the call names, that one's first, each with the Organization that keeps it,
/// where that is known.
async fn record(call: &Call<'_>) -> Result<Option<Vec<Kept>>, Stop> {
    let Level::Instance(resource_type, id) = &call.level else { return Ok(None) };
    let named = chart_of(call.gateway, *resource_type, id).await?;
    let named = named.filter(|chart| !chart.patient.is_directory() && chart.row(*resource_type, id).is_some());
    let Some(named) = named else { return Ok(None) };
    let mut all = Vec::with_capacity(named.person.len());
    for record in &named.person {
        let facility = chart(call.gateway, *record).await?.facility.clone();
        all.push((*record, call.gateway.terms().custodians.get(&facility).cloned()));
    }
    Ok(Some(all))
}

/// A record, and who keeps it.
type Kept = (PatientKey, Option<Box<str>>);

/// A person whose records are to be opened.
struct Grant {
    /// The record that was named, which holds the Consent, and the others of the person: their keepers are told too.
    records: Vec<Kept>,
    reason: String,
    begun: i64,
    until: i64,
}

impl Grant {
    /// Writes the Consent and the Communications in one commit. Blocks on storage.
    fn open(&self, gateway: &Gateway, caller: &Caller) -> Result<ConsentVersion, Stop> {
        let Some((named, _)) = self.records.first() else {
            return Err(Fault::Broken("no record to open".into()).into());
        };
        let id = |of: ResourceType, record: PatientKey| assign(of, Some(record), Uuid::new_v4()).0;
        let consent = id(ResourceType::CONSENT, *named);
        let grant = self.consent(&consent, *named, caller, gateway.zone_minutes());
        let mut statements = vec![statement(ResourceType::CONSENT, &consent, *named, &grant, Expected::Absent)?];
        for (record, custodian) in &self.records {
            let notice = id(ResourceType::COMMUNICATION, *record);
            let mut told = self.notice(&notice, *record, caller, gateway.zone_minutes());
            // The id of the Consent is that record's own: the keepers of the others need not know which it is.
            if record == named {
                told["about"] = json!([{"reference": format!("Consent/{}", consent.as_str())}]);
            }
            if let Some(custodian) = custodian {
                told["recipient"] = json!([{"reference": custodian}]);
            }
            statements.push(statement(ResourceType::COMMUNICATION, &notice, *record, &told, Expected::Absent)?);
        }
        let stated = gateway.write(|pipeline| pipeline.state(&statements))?;
        let stated = stated.map_err(|refused| refusal(&statements, refused).0)?;
        let version = stated.first().map_or(1, |stated| stated.version);
        Ok(ConsentVersion { id: consent.as_str().into(), version })
    }

    fn consent(&self, id: &ResourceId, record: PatientKey, caller: &Caller, zone: i16) -> Value {
        let who = caller.person.as_deref().unwrap_or(&caller.organization);
        let begun = time::instant(self.begun, zone);
        json!({
            "resourceType": "Consent", "id": id.as_str(), "status": "active",
            "extension": [{"url": REASON, "valueString": self.reason}],
            "scope": {"coding": [{"system": "http://terminology.hl7.org/CodeSystem/consentscope", "code": "patient-privacy"}]},
            "category": category(),
            "patient": {"reference": record.reference()},
            "dateTime": begun, "performer": [{"reference": who}], "organization": [{"reference": caller.organization}],
            "policyRule": {"coding": [{"system": format!("{V3}v3-ActCode"), "code": "EMRGONLY"}]},
            "provision": {
                "type": "permit",
                "period": {"start": begun, "end": time::instant(self.until, zone)},
                "actor": [{
                    "role": {"coding": [{"system": format!("{V3}v3-ParticipationType"), "code": "IRCP"}]},
                    "reference": {"reference": who},
                }],
                "purpose": [{"system": format!("{V3}v3-ActReason"), "code": "BTG"}],
            },
        })
    }

    fn notice(&self, id: &ResourceId, record: PatientKey, caller: &Caller, zone: i16) -> Value {
        json!({
            "resourceType": "Communication", "id": id.as_str(),
            "meta": {"security": [{"system": format!("{V3}v3-Confidentiality"), "code": "V"}]},
            "status": "completed", "category": category(), "priority": "urgent",
            "subject": {"reference": record.reference()},
            "sent": time::instant(self.begun, zone), "sender": {"reference": caller.organization},
            "reasonCode": [{"text": self.reason}],
            "payload": [{"contentString": format!(
                "緊急時の閲覧が開始されました。{}まで有効です。理由を確認し、閲覧の妥当性を審査してください。",
                time::instant(self.until, zone)
            )}],
        })
    }
}

fn category() -> Value {
    json!([{"coding": [{"system": CATEGORY, "code": EMERGENCY}]}])
}

/// Withdraws every grant to the caller that has not ended, in a record and the others of the person. Blocks on storage.
fn close(gateway: &Gateway, caller: &Caller, record: PatientKey) -> Result<Vec<ConsentVersion>, Stop> {
    let mut closed = Vec::new();
    for record in &gateway.chart(record)?.person {
        closed.extend(close_in(gateway, caller, *record)?);
    }
    Ok(closed)
}

fn close_in(gateway: &Gateway, caller: &Caller, record: PatientKey) -> Result<Vec<ConsentVersion>, Stop> {
    let chart = gateway.chart(record)?;
    let mut closed = Vec::new();
    for id in own_grants(&chart, caller, gateway.now()) {
        let Some(row) = chart.row(ResourceType::CONSENT, &id) else { continue };
        let mut consent: Map<String, Value> = serde_json::from_slice(&chart.body(row)?)
            .map_err(|_| Fault::Broken("a stored Consent is not an object".into()))?;
        consent.insert("status".to_owned(), json!("inactive"));
        let expected = Expected::Version(chart.columns.versions[row]);
        let statements = [statement(ResourceType::CONSENT, &id, record, &Value::Object(consent), expected)?];
        let stated = gateway.write(|pipeline| pipeline.state(&statements))?;
        let stated = stated.map_err(|refused| refusal(&statements, refused).0)?;
        closed.extend(stated.first().map(|s| ConsentVersion { id: id.as_str().into(), version: s.version }));
    }
    Ok(closed)
}

/// The Consents by which a record stands open to a caller.
fn own_grants(chart: &Chart, caller: &Caller, now: i64) -> Vec<ResourceId> {
    let asker = caller.asker();
    let is_own = |one: &&Directive| one.grants_emergency_to(&asker, now);
    chart.directives.iter().filter(is_own).filter_map(|one| ResourceId::parse(&one.consent.id)).collect()
}

fn statement(
    resource_type: ResourceType,
    id: &ResourceId,
    record: PatientKey,
    resource: &Value,
    expected: Expected,
) -> Result<Statement, Stop> {
    let content = Body::read(&resource.to_string(), resource_type)?.content(resource_type, id)?;
    let (id, record) = (id.clone(), Some(record));
    Ok(Statement { resource_type, id, record, content, expected, only_directory: false })
}
