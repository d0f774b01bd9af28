//! What the office reports of its registrations: how many in which month, whose end is near. It walks the registrations and
//! nothing else: they are on a panel of their own, whatever their consents say.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::{consent, patient, person};
use crate::app::Gateway;
use crate::fault::Fault;
use crate::fhir::time::{self, Interval};
use crate::fhir::{FacilityCode, PatientKey, ResourceType};

/// Offset of months: Japan's.
const ZONE_MINUTES: i16 = 540;
/// Milliseconds of a day.
const DAY_MS: i64 = 86_400_000;

/// How many.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// People registered for the first time.
    pub registered: u32,
    /// Newer forms.
    pub reregistered: u32,
    /// Registrations withdrawn.
    pub revoked: u32,
    /// Registrations whose period ended.
    pub expired: u32,
}

/// A registration whose end is near.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Ending {
    /// Which.
    pub record: PatientKey,
    /// Its number.
    pub number: String,
    /// The name on the form.
    pub name: String,
    /// The last day, as it is written.
    pub end: String,
}

/// What is reported.
#[derive(Debug, Default)]
pub struct Report {
    /// By month (`2026-11`) and facility; the facility that is not stated is everybody, registrations of whom no facility has
    /// a record among them.
    pub months: BTreeMap<(String, String), Counts>,
    /// In force now.
    pub in_force: u32,
    /// Whose end is within so many days, the nearest first.
    pub ending: Vec<(i64, Ending)>,
    /// Registrations that were looked at.
    pub looked_at: usize,
}

/// What happened to a registration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Happened {
    Registered,
    Reregistered,
    Revoked,
    Expired,
}

/// Reports what happened in a time, and which registrations end within `days` from now. Blocks on storage.
pub fn report(gateway: &Gateway, during: Interval, days: Option<i64>) -> Result<Report, Fault> {
    let mut report = Report::default();
    let now = gateway.now();
    for record in gateway.registered()?.iter() {
        if person::facility(gateway, *record)? != *gateway.office() {
            continue;
        }
        let history = history(gateway, *record)?;
        report.looked_at += 1;
        let end = history.last().and_then(|(_, consent)| end(consent));
        let is_active = history.last().is_some_and(|(_, consent)| consent["status"] == "active");
        report.in_force += u32::from(is_active && end.is_none_or(|end| now < end));
        let facilities = facilities(gateway, *record)?;
        for (at, happened) in happened(&history, now) {
            if at < during.start || during.end <= at {
                continue;
            }
            let month: String = time::instant(at, ZONE_MINUTES).chars().take(7).collect();
            for facility in &facilities {
                report.months.entry((month.clone(), facility.clone())).or_default().add(happened);
            }
        }
        if let (Some(days), Some(end), true) = (days, end, is_active)
            && now < end
            && end <= now.saturating_add(days.saturating_mul(DAY_MS))
        {
            let last = history.last().and_then(|(_, consent)| consent.pointer("/provision/period/end"));
            let last = last.and_then(Value::as_str).unwrap_or_default().to_owned();
            report.ending.push((end, ending(gateway, *record, last)?));
        }
    }
    report.ending.sort_by(|(a, one), (b, other)| (a, one.record).cmp(&(b, other.record)));
    Ok(report)
}

impl Counts {
    fn add(&mut self, happened: Happened) {
        match happened {
            Happened::Registered => self.registered += 1,
            Happened::Reregistered => self.reregistered += 1,
            Happened::Revoked => self.revoked += 1,
            Happened::Expired => self.expired += 1,
        }
    }
}

/// The versions of a registration's Consent, each with when it was stored.
fn history(gateway: &Gateway, record: PatientKey) -> Result<Vec<(i64, Value)>, Fault> {
    let id = consent::id_of(record);
    let partition = gateway.store().partition(record)?;
    let of_consent = partition.records.iter().filter(|one| one.facts.resource_type == ResourceType::CONSENT);
    let mut history = Vec::new();
    for version in of_consent.filter(|one| one.facts.id == id && !one.facts.deleted) {
        let consent = serde_json::from_str(&version.body.json()?).unwrap_or_default();
        history.push((version.facts.last_updated, consent));
    }
    Ok(history)
}

/// What its versions tell.
fn happened(history: &[(i64, Value)], now: i64) -> Vec<(i64, Happened)> {
    let is_active = |consent: &Value| consent["status"] == "active";
    let mut found = Vec::new();
    let mut before: Option<&Value> = None;
    for (at, consent) in history {
        match before {
            None if is_active(consent) => found.push((*at, Happened::Registered)),
            Some(before) if is_active(before) && !is_active(consent) => found.push((*at, Happened::Revoked)),
            Some(before) if is_active(consent) && (!is_active(before) || before["dateTime"] != consent["dateTime"]) => {
                found.push((*at, Happened::Reregistered));
            }
            _ => {}
        }
        before = Some(consent);
    }
    let end = before.filter(|consent| is_active(consent)).and_then(end).filter(|end| *end <= now);
    found.extend(end.map(|end| (end - 1, Happened::Expired)));
    found
}

/// When a Consent ends; `None` for one without an end.
fn end(consent: &Value) -> Option<i64> {
    let end = consent.pointer("/provision/period/end")?.as_str()?;
    Interval::parse(end, ZONE_MINUTES).map(|end| end.end)
}

/// The facilities that have a record of the person, and everybody.
fn facilities(gateway: &Gateway, record: PatientKey) -> Result<BTreeSet<String>, Fault> {
    let mut facilities = BTreeSet::from([FacilityCode::unstated().as_str().to_owned()]);
    for other in gateway.store().ties(record)?.0.others(record) {
        let facility = person::facility(gateway, other.record)?;
        if facility != *gateway.office() {
            facilities.insert(facility.as_str().to_owned());
        }
    }
    Ok(facilities)
}

fn ending(gateway: &Gateway, record: PatientKey, end: String) -> Result<Ending, Fault> {
    let chart = gateway.chart(record)?;
    let row = chart.row(ResourceType::PATIENT, &record.patient_id());
    let patient: Value = match row {
        Some(row) => serde_json::from_slice(&chart.body(row)?).unwrap_or_default(),
        None => Value::Null,
    };
    let number = patient::number_of(&patient, gateway.office()).unwrap_or_default();
    let name = patient.pointer("/name/0").cloned().unwrap_or_default();
    let parts = [&name["family"], &name["given"][0]].map(|part| part.as_str().unwrap_or_default());
    let name = name["text"].as_str().map_or_else(|| parts.join(" ").trim().to_owned(), str::to_owned);
    Ok(Ending { record, number, name, end })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_happened_is_told_by_the_versions() {
        let version = |at: i64, status: &str, date: &str, end: &str| {
            (at, json!({"status": status, "dateTime": date, "provision": {"period": {"end": end}}}))
        };
        let history = [
            version(10, "active", "2026-01-01", "2099-01-01"),
            version(20, "active", "2026-01-01", "2099-02-01"),
            version(30, "active", "2026-03-01", "2099-02-01"),
            version(40, "inactive", "2026-03-01", "2099-02-01"),
            version(50, "active", "2026-05-01", "1970-01-01"),
        ];
        let now = Interval::parse("2026-11-01", ZONE_MINUTES).unwrap().start;
        let ended = Interval::parse("1970-01-01", ZONE_MINUTES).unwrap().end - 1;
        assert_eq!(
            happened(&history, now),
            [
                (10, Happened::Registered),
                (30, Happened::Reregistered),
                (40, Happened::Revoked),
                (50, Happened::Reregistered),
                (ended, Happened::Expired),
            ]
        );
        assert_eq!(happened(&history[..4], now).len(), 3);
    }
}
