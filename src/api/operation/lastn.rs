//! `Observation/$lastn` (OperationDefinition Observation-lastn): the newest Observations of each code.

use std::collections::{BTreeMap, HashMap};

use serde_json::Value;

use super::{Call, Seen, graph, parameters, rules};
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

/// Observations that are looked at, of those that match.
const OBSERVATIONS_MAX: usize = 100_000;

/// What the newest of a code are found by.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Coded {
    /// System and code of each coding.
    codings: Vec<(String, String)>,
    /// `code.text`.
    text: String,
    /// When it was so, milliseconds since 1970; `i64::MIN` when that is not said.
    pub(super) effective: i64,
}

pub(super) async fn lastn(call: Call<'_>, trail: &mut Trail) -> Result<Answer, Stop> {
    let pairs = call.parameters.pairs()?;
    let max = match call.parameters.text("max")? {
        None => 1,
        Some(text) => positive(&text).ok_or_else(|| parameters::refused(&common::VALUE, "max"))?,
    };
    let query: Vec<String> = pairs.iter().filter(|(name, _)| name != "max").map(|(n, v)| pair(n, v)).collect();
    let query = query.join("&");
    let is_code = |name: &str| name == "category" || name.contains("code");
    if !pairs.iter().any(|(name, _)| is_code(name.split(':').next().unwrap_or_default())) {
        return Err(Stop::because(Status::BadRequest, &rules::NAME_CODES, ""));
    }
    let is_patient = |name: &str| matches!(name, "patient" | "subject" | "patient:Patient" | "subject:Patient");
    if !pairs.iter().any(|(name, _)| is_patient(name)) {
        return Err(Stop::because(Status::BadRequest, &rules::NAME_A_PATIENT, ""));
    }
    let (gateway, caller, text) = (call.gateway.clone(), call.caller.clone(), query.clone());
    let (found, seen) = blocking(move || Ok(read(&gateway, &caller, &text, max))).await??;
    seen.tell(trail);
    let base = call.gateway.base_url();
    let entries = found.into_iter().map(|one| graph::matched(base, one)).collect::<Result<Vec<_>, Fault>>()?;
    let url = format!("{base}/Observation/$lastn");
    let link = Link { relation: "self", query: format!("{query}&max={max}") };
    Ok(Answer::ok(searchset(&url, Some(entries.len()), &[link], entries)))
}

/// Blocks on storage.
fn read(gateway: &Gateway, caller: &Caller, text: &str, max: usize) -> Result<(Vec<Found>, Seen), Stop> {
    let all = criteria::find(gateway, caller, ResourceType::OBSERVATION, text, OBSERVATIONS_MAX)?;
    let found = newest(all, max, gateway.zone_minutes())?;
    let seen = Seen::of(gateway, caller, graph::by_record(&found))?;
    Ok((found, seen))
}

/// The newest Observations of each code, `max` of them and all that are as new as the last of those. Groups stand in the
/// order of their newest, each from the newest to the oldest; what is as new stands in the order of the ids.
pub(super) fn newest(mut all: Vec<Found>, max: usize, zone_minutes: i16) -> Result<Vec<Found>, Fault> {
    all.sort_by(|a, b| a.id.as_str().cmp(b.id.as_str()));
    let coded = all.iter().map(|one| Ok(Coded::read(&one.body()?, zone_minutes))).collect::<Result<Vec<_>, Fault>>()?;
    let mut all: Vec<Option<Found>> = all.into_iter().map(Some).collect();
    Ok(last(&coded, max).into_iter().filter_map(|at| all.get_mut(at)?.take()).collect())
}

impl Coded {
    /// What is looked at of an Observation as JSON.
    pub(super) fn read(body: &str, zone_minutes: i16) -> Self {
        let observation: Value = serde_json::from_str(body).unwrap_or_default();
        let text = |value: &Value, name: &str| value.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let code = observation.get("code").unwrap_or(&Value::Null);
        let codings = code.get("coding").and_then(Value::as_array).into_iter().flatten();
        let codings = codings.map(|coding| (text(coding, "system"), text(coding, "code")));
        Coded {
            codings: codings.filter(|(_, code)| !code.is_empty()).collect(),
            text: text(code, "text"),
            effective: effective(&observation, zone_minutes).unwrap_or(i64::MIN),
        }
    }
}

/// When an Observation was so: the moment, the beginning of the period, the first event of the timing.
fn effective(observation: &Value, zone_minutes: i16) -> Option<i64> {
    const PLACES: [&str; 5] = [
        "/effectiveDateTime",
        "/effectiveInstant",
        "/effectivePeriod/start",
        "/effectivePeriod/end",
        "/effectiveTiming/event/0",
    ];
    let text = PLACES.iter().find_map(|place| observation.pointer(place)?.as_str())?;
    Interval::parse(text, zone_minutes).map(|interval| interval.start)
}

/// The indexes of the newest of each group of codes.
fn last(all: &[Coded], max: usize) -> Vec<usize> {
    let mut groups: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    for (at, group) in groups_of(all).into_iter().enumerate() {
        groups.entry(group).or_default().push(at);
    }
    let effective = |at: usize| all.get(at).map_or(i64::MIN, |one| one.effective);
    let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
    for group in &mut groups {
        group.sort_by_key(|at| (std::cmp::Reverse(effective(*at)), *at));
        let least = max.checked_sub(1).and_then(|last| group.get(last)).map(|at| effective(*at));
        if let Some(least) = least {
            let kept = group.iter().take_while(|at| effective(**at) >= least).count();
            group.truncate(kept);
        }
    }
    groups.sort_by_key(|group| group.first().map(|at| (std::cmp::Reverse(effective(*at)), *at)));
    groups.concat()
}

/// The group of each: those that share a coding are one, and those that share one with any of them; those without codings
/// that have the same text; each of the others by itself.
fn groups_of(all: &[Coded]) -> Vec<usize> {
    let mut parents: Vec<usize> = (0..all.len()).collect();
    let mut first: HashMap<(&str, &str), usize> = HashMap::new();
    for (at, one) in all.iter().enumerate() {
        let text = Some(("\u{1f}text", one.text.as_str())).filter(|_| one.codings.is_empty() && !one.text.is_empty());
        let codings = one.codings.iter().map(|(system, code)| (system.as_str(), code.as_str()));
        for key in codings.chain(text) {
            let other = *first.entry(key).or_insert(at);
            let (a, b) = (root(&parents, at), root(&parents, other));
            if let Some(parent) = parents.get_mut(a.max(b)) {
                *parent = a.min(b);
            }
        }
    }
    (0..all.len()).map(|at| root(&parents, at)).collect()
}

fn root(parents: &[usize], mut at: usize) -> usize {
    while let Some(parent) = parents.get(at).filter(|parent| **parent != at) {
        at = *parent;
    }
    at
}

/// A positiveInt (datatypes.html#positiveInt).
fn positive(text: &str) -> Option<usize> {
    let number: u32 = text.parse().ok().filter(|number| (1..=i32::MAX as u32).contains(number))?;
    usize::try_from(number).ok()
}

/// A pair of a query, percent-encoded.
fn pair(name: &str, value: &str) -> String {
    use std::fmt::Write;
    let mut out = String::with_capacity(name.len() + value.len() + 1);
    for (part, end) in [(name, "="), (value, "")] {
        for byte in part.bytes() {
            if byte.is_ascii_alphanumeric() || b"-._~:,/".contains(&byte) {
                out.push(char::from(byte));
            } else {
                let _ = write!(out, "%{byte:02X}");
            }
        }
        out.push_str(end);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn coded(codes: &str, effective: i64) -> Coded {
        let codings = codes.split(',').filter(|code| !code.is_empty() && !code.starts_with('\''));
        let codings = codings.map(|code| ("s".to_owned(), code.to_owned())).collect();
        let text = codes.strip_prefix('\'').unwrap_or_default().to_owned();
        Coded { codings, text, effective }
    }

    #[test]
    fn the_examples_of_the_definition_are_grouped_as_it_says() {
        for (codes, count) in [
            (["a", "b", "c"], 3),
            (["a", "b", "a,c"], 2),
            (["a", "b", "a,b"], 1),
            (["'textM", "'Text", "'t e x t"], 3),
            (["'same", "'same", ""], 2),
        ] {
            let all: Vec<Coded> = codes.iter().map(|codes| coded(codes, 0)).collect();
            let groups: std::collections::BTreeSet<usize> = groups_of(&all).into_iter().collect();
            assert_eq!(groups.len(), count, "{codes:?}");
        }
    }

    #[test]
    fn the_newest_of_each_group_come_first_and_ties_come_together() {
        let all = [
            coded("a", 1),
            coded("b", 5),
            coded("a", 4),
            coded("b", 2),
            coded("a", 3),
            coded("a,x", 3),
            coded("c", i64::MIN),
        ];
        assert_eq!(last(&all, 1), [1, 2, 6]);
        assert_eq!(last(&all, 2), [1, 3, 2, 4, 5, 6]);
        assert_eq!(last(&all, 9), [1, 3, 2, 4, 5, 0, 6]);
        assert_eq!(last(&[], 1), [0_usize; 0]);
    }

    #[test]
    fn an_observation_tells_codes_and_time() {
        let read = Coded::read(
            r#"{"code":{"coding":[{"system":"s","code":"a"},{"display":"x"}],"text":"t"},"effectivePeriod":{"start":"1970-01-01T09:00:01+09:00"}}"#,
            540,
        );
        assert_eq!(read, Coded { codings: vec![("s".into(), "a".into())], text: "t".into(), effective: 1000 });
        assert_eq!(Coded::read("{", 0).effective, i64::MIN);
        assert_eq!((positive("3"), positive("0"), positive("-1"), positive("x")), (Some(3), None, None, None));
        assert_eq!(pair("code", "http://l|1 あ"), "code=http://l%7C1%20%E3%81%82");
    }
}
