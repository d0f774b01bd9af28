//! Which records are one person's, for the network's office: `Patient/[id]/$link`, `$unlink`, `$links` and the work list,
//! `Patient/$duplicates` (docs/adr/0044). The office sees what identifies people, and nothing else of their records.

use serde_json::{Value, json};

use super::{Call, Level, parameters, rules};
use crate::api::answer::Answer;
use crate::api::routes::blocking;
use crate::api::rules as common;
use crate::api::trail::Trail;
use crate::api::write::Stop;
use crate::app::Gateway;
use crate::consent::Permitted;
use crate::fault::{Fault, Status};
use crate::fhir::{PatientKey, ResourceId, ResourceType, reference, time};
use crate::identity::{Evidence, Level as Agreement, evidence};
use crate::linking::OFFICE;
use crate::pipeline::{Relation, Unrelated};
use crate::store::ties::{MEMBERS_MAX, PAIRS_MAX, Pair, REASON_CHARS_MAX, State};

/// Pairs on a page of the work list, where it is not said how many, and at most.
const COUNT: usize = 20;
const COUNT_MAX: usize = 100;
/// Pairs on the work list that are counted.
const TOTAL_MAX: usize = 100_000;

/// `Patient/[id]/$link` and `$unlink`.
pub(super) async fn decide(call: Call<'_>, links: bool, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&["other", "reason"])?;
    let reason = call.parameters.text("reason")?.map(|reason| reason.trim().to_owned()).unwrap_or_default();
    if reason.is_empty() {
        return Err(Stop::because(Status::BadRequest, &rules::MISSING, "reason"));
    }
    if reason.chars().count() > REASON_CHARS_MAX {
        return Err(parameters::refused(&common::VALUE, "reason"));
    }
    let other = match call.parameters.text("other")? {
        Some(text) => Some(named(call.gateway, &text).ok_or_else(|| parameters::refused(&common::VALUE, "other"))?),
        None if links => return Err(Stop::because(Status::BadRequest, &rules::MISSING, "other")),
        None => None,
    };
    let Some(record) = own(&call) else { return Ok(Answer::not_found()) };
    let by = call.caller.person.as_deref().unwrap_or(&call.caller.client).to_owned();
    let gateway = call.gateway.clone();
    let decided = blocking(move || {
        if gateway.pipeline().store().head(record)?.is_none() {
            return Ok(None);
        }
        let state = Some(if links { State::Linked } else { State::Separate });
        let to = |other: PatientKey| Relation {
            one: record,
            other,
            state,
            ground: OFFICE.to_owned(),
            by: by.clone(),
            reason: reason.clone(),
            score: 0.0,
        };
        let relations: Vec<Relation> = match other {
            Some(other) => vec![to(other)],
            // Out of the person altogether.
            None => {
                let (ties, _) = gateway.pipeline().store().ties(record)?;
                ties.in_state(State::Linked).map(|pair| to(pair.other)).collect()
            }
        };
        gateway.write(|pipeline| pipeline.relate(&relations)).map(Some)
    });
    match decided.await? {
        None => Ok(Answer::not_found()),
        Some(Err(why)) => Err(refusal(why)),
        Some(Ok(changed)) => {
            let mut patients = vec![record];
            patients.extend(other);
            patients.extend(changed.iter().filter(|one| **one != record && Some(**one) != other));
            trail.wrote(patients, changed.len());
            let changed = changed.iter().map(|one| json!({"name": "changed", "valueReference": to(*one)}));
            answer(&call, changed.collect())
        }
    }
}

/// `Patient/[id]/$links`
pub(super) async fn links(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&[])?;
    let Some(record) = own(&call) else { return Ok(Answer::not_found()) };
    let gateway = call.gateway.clone();
    let found = blocking(move || {
        let store = gateway.pipeline().store();
        if store.head(record)?.is_none() {
            return Ok(None);
        }
        let (ties, _) = store.ties(record)?;
        let mut parts = Vec::new();
        for member in &ties.members {
            parts.push(json!({"name": "member", "part": who(&gateway, member.record)?}));
        }
        let mut seen = vec![record];
        for pair in &ties.pairs {
            seen.push(pair.other);
            parts.push(json!({"name": "pair", "part": about(&gateway, record, pair)?}));
        }
        Ok(Some((parts, seen)))
    });
    let Some((parts, seen)) = found.await? else { return Ok(Answer::not_found()) };
    seen.iter().for_each(|record| trail.saw(*record, None, 0));
    answer(&call, parts)
}

/// `Patient/$duplicates?_count=&after=`
pub(super) async fn duplicates(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    call.parameters.only(&["_count", "after"])?;
    let count = match call.parameters.text("_count")? {
        None => COUNT,
        Some(text) => {
            let count: Option<usize> = text.parse().ok().filter(|count| (1..=COUNT_MAX).contains(count));
            count.ok_or_else(|| parameters::refused(&common::VALUE, "_count"))?
        }
    };
    let after = call.parameters.text("after")?;
    let after =
        after.map(|text| place(&text).ok_or_else(|| parameters::refused(&common::VALUE, "after"))).transpose()?;
    let gateway = call.gateway.clone();
    let found = blocking(move || {
        let store = gateway.pipeline().store();
        let pairs = store.doubts(after, count)?;
        let mut parts = vec![json!({"name": "total", "valueUnsignedInt": store.doubts(None, TOTAL_MAX)?.len()})];
        for (one, other) in &pairs {
            let (ties, _) = store.ties(*one)?;
            let Some(pair) = ties.pair(*other) else { continue };
            let mut part = vec![json!({"name": "one", "part": who(&gateway, *one)?})];
            part.extend(about(&gateway, *one, pair)?);
            parts.push(json!({"name": "pair", "part": part}));
        }
        let next = pairs.last().filter(|_| pairs.len() == count);
        parts.extend(next.map(|(one, other)| {
            let place = format!("{}.{}", one.patient_id().as_str(), other.patient_id().as_str());
            json!({"name": "next", "valueString": place})
        }));
        Ok((parts, pairs))
    });
    let (parts, pairs) = found.await?;
    for (one, other) in pairs {
        trail.saw(one, None, 0);
        trail.saw(other, None, 0);
    }
    answer(&call, parts)
}

/// The record that the call is about.
fn own(call: &Call<'_>) -> Option<PatientKey> {
    let Level::Instance(_, id) = &call.level else { return None };
    Some(PatientKey::of_id(id.as_str())).filter(|record| !record.is_directory())
}

/// The record of a Patient that is named by reference or id.
fn named(gateway: &Gateway, text: &str) -> Option<PatientKey> {
    let text = reference::below(gateway.base_url(), text).unwrap_or(text);
    let id = ResourceId::parse(text.strip_prefix("Patient/").unwrap_or(text))?;
    Some(PatientKey::of_id(id.as_str()))
}

/// Where the work list goes on.
fn place(text: &str) -> Option<(PatientKey, PatientKey)> {
    let (one, other) = text.split_once('.')?;
    Some((PatientKey::from_patient_id(one)?, PatientKey::from_patient_id(other)?))
}

fn to(record: PatientKey) -> Value {
    json!({"reference": record.reference()})
}

/// A record as the office knows its person: the facility, and what identifies them.
fn who(gateway: &Gateway, record: PatientKey) -> Result<Vec<Value>, Fault> {
    let chart = gateway.chart(record)?;
    let mut parts = vec![
        json!({"name": "record", "valueReference": to(record)}),
        json!({"name": "facility", "valueString": chart.facility.as_str()}),
    ];
    let Some(row) = chart.row(ResourceType::PATIENT, &record.patient_id()) else { return Ok(parts) };
    let patient: Value = serde_json::from_slice(&chart.body(row)?).unwrap_or_default();
    let all = |field: &'static str, kind: &'static str| {
        let values = patient[field].as_array().into_iter().flatten().take(5);
        values.map(move |value| json!({"name": field, kind: value})).collect::<Vec<_>>()
    };
    parts.extend(all("name", "valueHumanName"));
    parts.extend(patient.get("birthDate").map(|date| json!({"name": "birthDate", "valueDate": date})));
    parts.extend(patient.get("gender").map(|code| json!({"name": "gender", "valueCode": code})));
    parts.extend(all("address", "valueAddress"));
    parts.extend(all("telecom", "valueContactPoint"));
    parts.extend(all("identifier", "valueIdentifier"));
    Ok(parts)
}

/// A pair, seen from one of its records: the other, what holds and why, and how they agree.
fn about(gateway: &Gateway, record: PatientKey, pair: &Pair) -> Result<Vec<Value>, Fault> {
    let state = match pair.state {
        State::Linked => "linked",
        State::Proposed => "proposed",
        State::Separate => "separate",
    };
    let mut parts = vec![
        json!({"name": "other", "part": who(gateway, pair.other)?}),
        json!({"name": "state", "valueCode": state}),
        json!({"name": "ground", "valueCode": pair.ground}),
        json!({"name": "since", "valueInstant": time::instant(pair.since_ms, gateway.zone_minutes())}),
    ];
    let said = [("by", &pair.by), ("reason", &pair.reason)].into_iter().filter(|(_, text)| !text.is_empty());
    parts.extend(said.map(|(name, text)| json!({"name": name, "valueString": text})));
    let linker = gateway.linker();
    if let (Some(a), Some(b)) = (linker.traits(record)?, linker.traits(pair.other)?) {
        let evidence = evidence(&a, &b);
        let score = (f64::from(evidence.score(&linker.rules().weights)) * 10.0).round() / 10.0;
        parts.push(json!({"name": "score", "valueDecimal": score}));
        parts.extend(fields(&evidence).map(|(name, level)| json!({"name": name, "valueCode": level})));
    }
    Ok(parts)
}

/// How two records agree, field by field; nothing where one of them does not say.
fn fields(evidence: &Evidence) -> impl Iterator<Item = (&'static str, &'static str)> {
    use crate::identity::birth::Birth;
    let birth = match evidence.birth {
        None => Agreement::Unknown,
        Some(Birth::Same) => Agreement::Same,
        Some(Birth::Part | Birth::Near) => Agreement::Near,
        Some(Birth::Far) => Agreement::Far,
    };
    let all = [
        ("family-name", evidence.family),
        ("given-name", evidence.given),
        ("birth-date", birth),
        ("sex", evidence.sex),
        ("address", evidence.address),
        ("phone", evidence.phone),
        ("medical-insurance", evidence.medical),
        ("care-insurance", evidence.care),
        ("facility-number", evidence.local),
    ];
    all.into_iter().filter_map(|(name, level)| {
        let level = match level {
            Agreement::Unknown => return None,
            Agreement::Same => "same",
            Agreement::Near => "near",
            Agreement::Far => "other",
        };
        Some((name, level))
    })
}

fn refusal(why: Unrelated) -> Stop {
    let (rule, detail) = match why {
        // Whoever calls decides; this is for rules.
        Unrelated::NoRecord | Unrelated::Decided => (&rules::NO_OTHER_RECORD, String::new()),
        Unrelated::TooManyMembers => (&rules::TOO_MANY_MEMBERS, MEMBERS_MAX.to_string()),
        Unrelated::TooManyPairs => (&rules::TOO_MANY_PAIRS, PAIRS_MAX.to_string()),
        Unrelated::Separate(one, other) => (&rules::HELD_APART, format!("{}, {}", one.reference(), other.reference())),
    };
    Stop::because(Status::Unprocessable, rule, &detail)
}

fn answer(call: &Call<'_>, parameter: Vec<Value>) -> Result<Answer, Stop> {
    let mut body = json!({"resourceType": "Parameters"});
    if !parameter.is_empty() {
        body["parameter"] = Value::from(parameter);
    }
    Ok(Answer::ok(Permitted::account(call.caller, body.to_string().into_bytes())?))
}
