//! A received Bundle of type collection or document about one patient (JP_Bundle_CLINS, _eReferral,
//! _eDischargeSummary, _ePCS): kept whole, and each entry as a resource of its own.

use serde_json::Value;

use crate::fault::{Issue, Noted, Place};
use crate::fhir::entry::{Entries, Entry, business_key};
use crate::fhir::json::{self, Members};
use crate::fhir::reference::{self, Literal};
use crate::fhir::time::Interval;
use crate::fhir::{Draft, FacilityCode, PatientKey, ResourceType, same_person};
use crate::map::{Change, Mapped};

use super::Context;
use super::{
    ENTRY_EMPTY, INSIDE_ONLY, KEY_TWICE, MANY_NUMBERS, MANY_PATIENTS, NO_HOSPITAL_NUMBER, NO_NUMBER, NO_PATIENT_ENTRY,
    NO_TIME, NOT_SUPPORTED, NOT_THE_TREE, OTHER_FACILITY, UNRESOLVED, provenance,
};

/// Types whose instances rule or report what this gateway does: one that travels inside a Bundle stays there, so that
/// no referral can carry a permission to read along (a privacy Consent comes on its own).
const STAY_INSIDE: [&str; 5] = ["AuditEvent", "Consent", "OperationOutcome", "Provenance", "Subscription"];

/// Maps a Bundle to the changes of one record: the Patient, the Bundle, its entries, the Provenance.
pub(super) fn map(bundle: &Value, raw: &Members<'_>, context: Context<'_>) -> Result<Noted<Mapped>, Issue> {
    let kind = bundle.get("type").and_then(Value::as_str).unwrap_or_default();
    if !matches!(kind, "collection" | "document") {
        return Err(Issue::with(&NOT_SUPPORTED, place("Bundle.type"), "Bundle"));
    }
    let mut issues = Vec::new();
    let (record, facility) = record(bundle, context, &mut issues)?;
    let entries = Entries::of(bundle, record);
    let occurred = business_time(bundle, &entries, context.source.zone_minutes);
    if occurred.is_none() {
        issues.push(Issue::new(&NO_TIME, place("Bundle.timestamp")));
    }
    let mut drafts = vec![whole(bundle, raw, record)];
    let received = json::items(raw.get("entry").unwrap_or_default());
    let mut patient = None;
    for entry in entries.all.iter().filter(|entry| !stays_inside(entry)) {
        let draft = entry_draft(entry, &entries, &received, &mut issues)?;
        match entry.resource_type {
            ResourceType::PATIENT => patient = Some(draft),
            _ => drafts.push(draft),
        }
    }
    let count = bundle.get("entry").and_then(Value::as_array).map_or(0, Vec::len);
    note_entries(&entries, count, &mut issues);
    let targets: Vec<String> = patient.iter().chain(&drafts).map(Draft::reference).collect();
    let recorded = bundle.get("timestamp").or_else(|| bundle.get("meta")?.get("lastUpdated")).and_then(Value::as_str);
    drafts.push(provenance::of(record, facility.as_str(), &targets, recorded.unwrap_or_default(), context));
    let changes = patient.into_iter().map(Change::PutWeak).chain(drafts.into_iter().map(Change::Put));
    let changes = changes.map(|change| dated(change, occurred)).collect();
    Ok(Noted {
        value: Mapped { patient: record, facility, origin: None, changes, local_codes: Vec::new(), others: Vec::new() },
        issues,
    })
}

/// Whose record it is: the hospital's patient number of the one Patient entry, the same that SS-MIX2 files carry.
fn record(bundle: &Value, context: Context<'_>, issues: &mut Vec<Issue>) -> Result<(PatientKey, FacilityCode), Issue> {
    let listed = bundle.get("entry").and_then(Value::as_array).into_iter().flatten().enumerate();
    let is_patient = |r: &&Value| reference::resource_type(r) == Some(ResourceType::PATIENT);
    let mut patients = listed.filter_map(|(at, entry)| entry.get("resource").filter(is_patient).map(|r| (at, r)));
    let Some((at, patient)) = patients.next() else {
        return Err(Issue::new(&NO_PATIENT_ENTRY, place("Bundle.entry")));
    };
    let others = patients.count();
    if others > 0 {
        return Err(Issue::with(&MANY_PATIENTS, place("Bundle.entry"), (others + 1).to_string()));
    }
    let path = || place(format!("Bundle.entry[{at}].resource.identifier"));
    let stated = &context.source.facility;
    if let Some(number) = own_number(patient, stated) {
        return Ok((PatientKey::derive(stated, number), stated.clone()));
    }
    let numbers: Vec<_> = reference::hospital_numbers(patient).collect();
    if let Some((facility, number)) = numbers.iter().find(|(facility, _)| facility == stated) {
        return Ok((PatientKey::derive(facility, number), facility.clone()));
    }
    match numbers.as_slice() {
        [(facility, number)] if stated.is_unstated() => Ok((PatientKey::derive(facility, number), facility.clone())),
        [(facility, _)] => Err(Issue::with(&OTHER_FACILITY, path(), facility.as_str())),
        [_, _, ..] => Err(Issue::new(&MANY_NUMBERS, path())),
        [] => {
            let identifiers = patient.get("identifier").and_then(Value::as_array).into_iter().flatten();
            let part = |identifier: &Value, name: &str| {
                identifier.get(name).and_then(Value::as_str).map(str::to_owned).filter(|text| !text.is_empty())
            };
            let first = identifiers.filter_map(|i| Some((part(i, "system"), part(i, "value")?))).next();
            let (system, value) = first.ok_or_else(|| Issue::new(&NO_NUMBER, path()))?;
            issues.push(Issue::new(&NO_HOSPITAL_NUMBER, path()));
            let number = format!("{}|{value}", system.unwrap_or_default());
            Ok((PatientKey::derive(stated, &number), stated.clone()))
        }
    }
}

/// The number that a facility without a 10-digit code gave, under the system this gateway derives for it.
fn own_number<'a>(patient: &'a Value, facility: &FacilityCode) -> Option<&'a str> {
    let system = facility.patient_number_system();
    let identifiers = patient.get("identifier").and_then(Value::as_array).into_iter().flatten();
    let mut own = identifiers.filter(|i| i.get("system").and_then(Value::as_str) == Some(&system));
    own.find_map(|i| i.get("value")?.as_str()).map(str::trim).filter(|n| !n.is_empty() && !facility.is_unstated())
}

/// Bundle.timestamp, else meta.lastUpdated, else Composition.date: its first millisecond.
fn business_time(bundle: &Value, entries: &Entries<'_>, zone_minutes: i16) -> Option<i64> {
    let composition = entries.all.iter().find(|entry| entry.resource_type == ResourceType::COMPOSITION);
    let stated = [
        bundle.get("timestamp"),
        bundle.get("meta").and_then(|meta| meta.get("lastUpdated")),
        composition.and_then(|entry| entry.resource.get("date")),
    ];
    let mut times = stated.into_iter().flatten().filter_map(Value::as_str);
    times.find_map(|text| Interval::parse(text, zone_minutes)).map(|interval| interval.start)
}

/// The Bundle as it was received.
fn whole(bundle: &Value, raw: &Members<'_>, record: PatientKey) -> Draft {
    let id = record.resource_id("Bundle", &business_key(bundle, ""));
    Draft::received(ResourceType::BUNDLE, id, raw, |_, _| None)
}

fn entry_draft(
    entry: &Entry<'_>,
    entries: &Entries<'_>,
    received: &[&str],
    issues: &mut Vec<Issue>,
) -> Result<Draft, Issue> {
    let raw = received.get(entry.position).and_then(|text| Members::of(text));
    let raw = raw.as_ref().and_then(|raw| raw.get("resource")).and_then(Members::of);
    let is_patient = entry.resource_type == ResourceType::PATIENT;
    let without =
        if is_patient { same_person::without(entry.resource).map(|patient| patient.to_string()) } else { None };
    let raw = without.as_deref().map_or(raw, Members::of);
    let raw = raw.ok_or_else(|| Issue::new(&NOT_THE_TREE, Place::Whole))?;
    let draft = Draft::received(entry.resource_type, entry.id.clone(), &raw, |name, value| {
        // An Attachment may point to a Binary entry by its urn.
        if name != "reference" && !(name == "url" && value.starts_with("urn:uuid:")) {
            return None;
        }
        let value = json::unescaped(value);
        let target = entries.resolve(&value);
        let inside = matches!(Literal::parse(&value), Literal::Urn(_) | Literal::Relative(..));
        if target.is_none() && inside && name == "reference" {
            let path = format!("Bundle.entry[{}].resource", entry.position);
            issues.push(Issue::new(&UNRESOLVED, place(path)));
        }
        target
            .filter(|target| !stays_inside(target))
            .map(|target| format!("{}/{}", target.resource_type.name(), target.id.as_str()))
    });
    Ok(draft)
}

fn stays_inside(entry: &Entry<'_>) -> bool {
    STAY_INSIDE.contains(&entry.resource_type.name()) && !is_of_treatment(entry)
}

/// A Consent to or against treatment (事前指示, section 410 of a referral) that says nothing of privacy: a clinical
/// document. Codes of http://terminology.hl7.org/CodeSystem/consentscope.
fn is_of_treatment(entry: &Entry<'_>) -> bool {
    let scope = entry.resource.get("scope").and_then(|scope| scope.get("coding")).and_then(Value::as_array);
    let clinical = |coding: &Value| {
        coding.get("code").and_then(Value::as_str).is_some_and(|code| matches!(code, "adr" | "treatment" | "research"))
    };
    entry.resource_type == ResourceType::CONSENT && scope.is_some_and(|all| !all.is_empty() && all.iter().all(clinical))
}

fn note_entries(entries: &Entries<'_>, count: usize, issues: &mut Vec<Issue>) {
    let mut used = entries.all.iter().map(|entry| entry.position).peekable();
    for position in 0..count {
        if used.next_if_eq(&position).is_none() {
            issues.push(Issue::new(&ENTRY_EMPTY, place(format!("Bundle.entry[{position}]"))));
        }
    }
    for entry in entries.all.iter().filter(|entry| stays_inside(entry)) {
        let path = format!("Bundle.entry[{}].resource", entry.position);
        issues.push(Issue::with(&INSIDE_ONLY, place(path), entry.resource_type.name()));
    }
    for entry in entries.all.iter().filter(|entry| entry.doubled) {
        let path = format!("Bundle.entry[{}].resource.identifier", entry.position);
        issues.push(Issue::with(&KEY_TWICE, place(path), entry.resource_type.name()));
    }
}

fn dated(change: Change, occurred: Option<i64>) -> Change {
    match change {
        Change::Put(draft) => Change::Put(Draft { occurred, ..draft }),
        Change::PutWeak(draft) => Change::PutWeak(Draft { occurred, ..draft }),
        other => other,
    }
}

fn place(path: impl Into<String>) -> Place {
    Place::Path(path.into().into())
}
