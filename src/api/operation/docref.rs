//! `DocumentReference/$docref` (International Patient Access and US Core, OperationDefinition docref): the documents about a
//! patient that the caller may see.

use serde_json::Value;

use super::{Call, Seen, graph, parameters, record_of, rules};
use crate::api::answer::Answer;
use crate::api::criteria::{self, Found};
use crate::api::routes::blocking;
use crate::api::rules as common;
use crate::api::searchset::{Link, searchset};
use crate::api::trail::Trail;
use crate::api::write::Stop;
use crate::app::Gateway;
use crate::consent::Caller;
use crate::fault::{Fault, Status};
use crate::fhir::ResourceType;
use crate::fhir::time::Interval;

/// Which documents are wanted.
#[derive(Clone, Debug)]
struct Wanted {
    patient: String,
    /// The time of care, half-open; `None` where neither end is named: the current documents.
    time: Option<Interval>,
    /// System and code, of which either may be left out; one of them must fit.
    types: Vec<(Option<String>, Option<String>)>,
    /// Only what is made on demand.
    on_demand: bool,
    /// What the document must claim to conform to.
    profiles: Vec<String>,
}

pub(super) async fn docref(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    let wanted = Wanted::read(&call)?;
    let (gateway, caller) = (call.gateway.clone(), call.caller.clone());
    let (found, seen) = blocking(move || read(&gateway, &caller, &wanted)).await?;
    seen.tell(trail);
    let base = call.gateway.base_url();
    let entries = found.into_iter().map(|one| graph::matched(base, one)).collect::<Result<Vec<_>, Fault>>()?;
    let url = format!("{base}/DocumentReference/$docref");
    let link = Link { relation: "self", query: String::new() };
    Ok(Answer::ok(searchset(&url, Some(entries.len()), &[link], entries)))
}

/// Blocks on storage.
fn read(gateway: &Gateway, caller: &Caller, wanted: &Wanted) -> Result<(Vec<Found>, Seen), Fault> {
    let (mut found, zone) = (Vec::new(), gateway.zone_minutes());
    if let Some(record) = record_of(gateway, caller, &wanted.patient)?.filter(|_| !wanted.on_demand) {
        let rows = criteria::in_record(gateway, caller, record, &|columns| {
            let is_one = |row: &usize| columns.types.get(*row) == Some(&ResourceType::DOCUMENT_REFERENCE);
            (0..columns.len()).filter(is_one).collect()
        })?;
        for one in rows {
            let reference: Value = serde_json::from_str(&one.body()?).unwrap_or_default();
            if let Some(when) = wanted.when(&reference, zone) {
                found.push((when, one));
            }
        }
    }
    // The newest first, and what is as new in the order of the ids.
    found.sort_by(|(a, one), (b, other)| b.cmp(a).then_with(|| one.id.as_str().cmp(other.id.as_str())));
    let found: Vec<Found> = found.into_iter().map(|(_, one)| one).collect();
    let seen = Seen::of(gateway, caller, graph::by_record(&found))?;
    Ok((found, seen))
}

impl Wanted {
    fn read(call: &Call<'_>) -> Result<Self, Stop> {
        let parameters = &call.parameters;
        parameters.only(&["patient", "start", "end", "type", "on-demand", "profile"])?;
        let patient = parameters.text("patient")?;
        let patient = patient.ok_or_else(|| Stop::because(Status::BadRequest, &rules::MISSING, "patient"))?;
        let date = |name: &str| match parameters.text(name)? {
            None => Ok(None),
            Some(text) => match Interval::parse(&text, call.gateway.zone_minutes()) {
                Some(interval) => Ok(Some(interval)),
                None => Err(parameters::refused(&common::VALUE, name)),
            },
        };
        let time = match (date("start")?, date("end")?) {
            (None, None) => None,
            (start, end) => Some(Interval {
                start: start.map_or(i64::MIN, |start| start.start),
                end: end.map_or(i64::MAX, |end| end.end),
            }),
        };
        let mut types = Vec::new();
        for value in parameters.values("type") {
            types.extend(codings(value));
        }
        let profiles = parameters.values("profile").filter_map(Value::as_str).map(str::to_owned).collect();
        let on_demand = parameters.boolean("on-demand")?.unwrap_or(false);
        Ok(Wanted { patient, time, types, on_demand, profiles })
    }

    /// When a document was made, if it is wanted: the beginning of the care it is about or its date, milliseconds since
    /// 1970.
    fn when(&self, reference: &Value, zone_minutes: i16) -> Option<i64> {
        let time = time_of(reference, zone_minutes);
        let fits = match self.time {
            None => reference.get("status").and_then(Value::as_str) == Some("current"),
            Some(wanted) => time.is_some_and(|time| time.start < wanted.end && wanted.start < time.end),
        };
        let own = reference.get("type").map(codings).unwrap_or_default();
        let is = |wanted: &(Option<String>, Option<String>), own: &(Option<String>, Option<String>)| {
            (wanted.0.is_none() || wanted.0 == own.0) && (wanted.1.is_none() || wanted.1 == own.1)
        };
        let fits =
            fits && (self.types.is_empty() || self.types.iter().any(|wanted| own.iter().any(|own| is(wanted, own))));
        let claims = claims(reference);
        let fits = fits && (self.profiles.is_empty() || self.profiles.iter().any(|wanted| claims.contains(wanted)));
        fits.then(|| time.map_or(i64::MIN, |time| time.start))
    }
}

/// The time of the care a document is about; where that is not said, when the reference was made.
fn time_of(reference: &Value, zone_minutes: i16) -> Option<Interval> {
    let at = |place: &str| Interval::parse(reference.pointer(place)?.as_str()?, zone_minutes);
    match (at("/context/period/start"), at("/context/period/end")) {
        (None, None) => at("/date"),
        (start, end) => Some(Interval {
            start: start.map_or(i64::MIN, |start| start.start),
            end: end.map_or(i64::MAX, |end| end.end),
        }),
    }
}

/// What a document claims to conform to: the format of its contents, and the profiles of the reference.
fn claims(reference: &Value) -> Vec<String> {
    let profiles = reference.pointer("/meta/profile").and_then(Value::as_array).into_iter().flatten();
    let mut claims: Vec<String> = profiles.filter_map(Value::as_str).map(str::to_owned).collect();
    for content in reference.get("content").and_then(Value::as_array).into_iter().flatten() {
        let part = |name: &str| content.pointer(&format!("/format/{name}")).and_then(Value::as_str);
        claims.extend(part("code").map(str::to_owned));
        claims.extend(part("system").zip(part("code")).map(|(system, code)| format!("{system}|{code}")));
    }
    claims
}

/// The codings of a CodeableConcept, a Coding, or a token as text (`system|code`, `code`, `system|`).
fn codings(value: &Value) -> Vec<(Option<String>, Option<String>)> {
    let part = |coding: &Value, name: &str| coding.get(name).and_then(Value::as_str).map(str::to_owned);
    let some = |text: &str| Some(text.to_owned()).filter(|text| !text.is_empty());
    match value {
        Value::String(text) => text
            .split(',')
            .map(|token| match token.split_once('|') {
                Some((system, code)) => (some(system), some(code)),
                None => (None, some(token)),
            })
            .collect(),
        Value::Object(members) => match members.get("coding").and_then(Value::as_array) {
            Some(codings) => codings.iter().map(|coding| (part(coding, "system"), part(coding, "code"))).collect(),
            None => vec![(part(value, "system"), part(value, "code"))],
        },
        _ => Vec::new(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn each_parameter_narrows() {
        let reference = json!({"status": "current", "date": "2026-05-01T10:00:00+09:00",
            "type": {"coding": [{"system": "http://loinc.org", "code": "18842-5"}]},
            "context": {"period": {"start": "2026-04-01", "end": "2026-04-10"}},
            "content": [{"format": {"system": "http://f.example", "code": "clins"}}]});
        let any =
            Wanted { patient: String::new(), time: None, types: Vec::new(), on_demand: false, profiles: Vec::new() };
        let day = |text: &str| Interval::parse(text, 540).unwrap();
        let time = |start: &str, end: &str| Some(Interval { start: day(start).start, end: day(end).end });
        let cases = [
            (any.clone(), true),
            (Wanted { time: time("2026-04-10", "2026-04-30"), ..any.clone() }, true),
            (Wanted { time: time("2026-04-11", "2026-05-30"), ..any.clone() }, false),
            (Wanted { types: codings(&json!("http://loinc.org|18842-5")), ..any.clone() }, true),
            (Wanted { types: codings(&json!("18842-5")), ..any.clone() }, true),
            (Wanted { types: codings(&json!("http://loinc.org|")), ..any.clone() }, true),
            (Wanted { types: codings(&json!({"coding": [{"code": "x"}, {"code": "18842-5"}]})), ..any.clone() }, true),
            (Wanted { types: codings(&json!({"system": "urn:x", "code": "18842-5"})), ..any.clone() }, false),
            (Wanted { profiles: vec!["http://f.example|clins".into()], ..any.clone() }, true),
            (Wanted { profiles: vec!["http://f.example|other".into()], ..any.clone() }, false),
        ];
        for (wanted, expected) in cases {
            assert_eq!(wanted.when(&reference, 540).is_some(), expected, "{wanted:?}");
        }
        let mut old = reference;
        old["status"] = json!("superseded");
        assert!(any.when(&old, 540).is_none());
        assert!(Wanted { time: time("2026-04-01", "2026-04-01"), ..any }.when(&old, 540).is_some());
        assert_eq!(time_of(&json!({"date": "2026-05-01"}), 540), Some(day("2026-05-01")));
    }
}
