//! Create (http.html#create) of a Bundle: how a source hands in a JP-CLINS bundle or document.

use std::sync::Arc;

use actix_web::{HttpRequest, web};
use serde_json::Value;

use super::answer::Answer;
use super::body;
use super::caller::caller;
use super::routes::blocking;
use super::rules;
use super::trail::Trail;
use crate::app::Gateway;
use crate::audit::What;
use crate::consent::Caller;
use crate::fault::{Denied, Fault, Status};
use crate::fhir::{FacilityCode, reference};
use crate::letter::{Letter, Source};
use crate::pipeline::Receipt;

pub(super) async fn create(request: HttpRequest, gateway: web::Data<Gateway>, sent: web::Payload) -> Answer {
    let mut trail = Trail::begin(&gateway, &request, What::Create);
    let answer = match caller(&gateway, &request) {
        Err(denied) => trail.refuse(denied),
        Ok(caller) => {
            trail.caller(&caller);
            match sources_of(&gateway, &caller, None) {
                Err(denied) => trail.refuse(denied),
                Ok(sources) => match body::json(&request, sent).await {
                    Err(answer) => answer,
                    Ok(bytes) if !is_bundle(&bytes) => Answer::refuse(Status::BadRequest, &rules::NOT_A_BUNDLE, ""),
                    Ok(bytes) => {
                        take(&gateway, &sources, bytes, &mut trail).await.unwrap_or_else(|fault| trail.fail(fault))
                    }
                },
            }
        }
    };
    trail.close(&gateway, answer).await
}

/// Only a Bundle is created here: a source that could hand in a Consent would grant it to itself.
fn is_bundle(body: &[u8]) -> bool {
    #[derive(serde::Deserialize)]
    #[serde(rename_all = "camelCase")]
    struct Named {
        resource_type: String,
    }
    serde_json::from_slice(body).is_ok_and(|named: Named| named.resource_type == "Bundle")
}

/// The facilities whose letters this caller may hand in, at least one; of them the one that it names, where it does.
pub(super) fn sources_of(
    gateway: &Gateway,
    caller: &Caller,
    named: Option<&FacilityCode>,
) -> Result<Vec<Arc<Source>>, Denied> {
    let is_named = |source: &&Arc<Source>| named.is_none_or(|named| source.facility == *named);
    let own = gateway.sources().iter().filter(|source| caller.sends_for(&source.facility)).filter(is_named);
    let own: Vec<_> = own.cloned().collect();
    if own.is_empty() {
        return Err(Denied::Role);
    }
    caller.may_hand_in()?;
    Ok(own)
}

/// Of several facilities of one organisation, the one whose patient number the Bundle carries.
fn source_named<'a>(sources: &'a [Arc<Source>], body: &[u8]) -> Option<&'a Arc<Source>> {
    let (first, others) = sources.split_first()?;
    if others.is_empty() {
        return Some(first);
    }
    let bundle: Value = serde_json::from_slice(body).unwrap_or_default();
    let entries = bundle.get("entry").and_then(Value::as_array).into_iter().flatten();
    let patients = entries.filter_map(|entry| entry.get("resource")).filter(|r| r["resourceType"] == "Patient");
    let numbers: Vec<FacilityCode> = patients.flat_map(reference::hospital_numbers).map(|(code, _)| code).collect();
    sources.iter().find(|source| numbers.contains(&source.facility)).or(Some(first))
}

async fn take(
    gateway: &web::Data<Gateway>,
    sources: &[Arc<Source>],
    body: web::Bytes,
    trail: &mut Trail,
) -> Result<Answer, Fault> {
    let source = source_named(sources, &body).cloned().ok_or(Fault::Busy)?;
    let letter = Letter { source, name: String::new(), bytes: body.to_vec() };
    let receiver = gateway.clone();
    let receipt = blocking(move || receiver.receive(&letter)).await?;
    trail.wrote(receipt.record(), receipt.resources.len());
    Ok(answer(gateway, &receipt))
}

fn answer(gateway: &Gateway, receipt: &Receipt) -> Answer {
    let answer = Answer::receipt(receipt);
    match &receipt.bundle {
        Some(reference) => answer.at(format!("{}/{reference}", gateway.base_url())),
        None => answer,
    }
}
