//! What the naive reading of docs/adr/0035 (`naive`) needs to see in a resource: its dates, labels, codes, authors, the
//! patients that it names, and what it refers to; and the tables of purposes and sensitivities, written out of the
//! standard again.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::naive::{each, text};

pub type Labels = BTreeSet<String>;

const CONFIDENTIALITY: &str = "http://terminology.hl7.org/CodeSystem/v3-Confidentiality";
const ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const INDICATION: &str = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication";
pub const KINDS: [&str; 9] = [
    "doctor",
    "nurse",
    "pharmacist",
    "care-manager",
    "home-helper",
    "community-centre",
    "municipality",
    "ambulance",
    "family",
];
/// A label that nobody knows.
const UNKNOWN: &str = "?";

// ---- dates ----

/// The first millisecond that a date covers and the first after it, read in Japan where it says no zone.
pub fn reads(date: &str) -> Option<(i64, i64)> {
    let (day, time) = date.split_once('T').map_or((date, None), |(day, time)| (day, Some(time)));
    let numbers: Vec<i64> = day.split('-').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let digits: Vec<usize> = day.split('-').map(str::len).collect();
    let (year, month, of_month) = match (&numbers[..], &digits[..]) {
        ([year], [4]) => (*year, None, None),
        ([year, month], [4, 2]) => (*year, Some(*month), None),
        ([year, month, of_month], [4, 2, 2]) => (*year, Some(*month), Some(*of_month)),
        _ => return None,
    };
    if !(1..=12).contains(&month.unwrap_or(1))
        || !(1..=days_in(year, month.unwrap_or(1))).contains(&of_month.unwrap_or(1))
    {
        return None;
    }
    let midnight = |year, month, day| (days_since_1970(year, month, day) * 24 - 9) * 3_600_000;
    let start = midnight(year, month.unwrap_or(1), of_month.unwrap_or(1));
    let Some(time) = time else {
        let end = match (month, of_month) {
            (None, _) => midnight(year + 1, 1, 1),
            (Some(12), None) => midnight(year + 1, 1, 1),
            (Some(month), None) => midnight(year, month + 1, 1),
            (Some(_), Some(_)) => start + 86_400_000,
        };
        return Some((start, end));
    };
    of_month?;
    let (clock, zone) = match time.find(['Z', '+', '-']) {
        None => (time, 540),
        Some(at) if &time[at..] == "Z" => (&time[..at], 0),
        Some(at) => {
            let (hours, minutes) = time[at + 1..].split_once(':')?;
            let minutes = hours.parse::<i64>().ok()? * 60 + minutes.parse::<i64>().ok()?;
            (&time[..at], if time[at..].starts_with('-') { -minutes } else { minutes })
        }
    };
    let parts: Vec<i64> = clock.split(':').map(|part| part.parse().ok()).collect::<Option<_>>()?;
    let [hour, minute, second] = parts[..] else { return None };
    if hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    let at = start + (hour * 60 + minute) * 60_000 + second * 1000 + (540 - zone) * 60_000;
    Some((at, at + 1000))
}

fn days_in(year: i64, month: i64) -> i64 {
    match month {
        4 | 6 | 9 | 11 => 30,
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        _ => 31,
    }
}

/// Counted on the fingers.
fn days_since_1970(year: i64, month: i64, day: i64) -> i64 {
    let years: i64 = (1970..year).map(|year| 337 + days_in(year, 2)).sum();
    let before: i64 = (year..1970).map(|year| 337 + days_in(year, 2)).sum();
    let months: i64 = (1..month).map(|month| days_in(year, month)).sum();
    years - before + months + day - 1
}

/// A Period: `end` to its last instant; all of time where it is not there, nothing where it cannot be read.
pub fn period(period: &Value) -> Option<(i64, i64)> {
    if period.is_null() {
        return Some((i64::MIN, i64::MAX));
    }
    let members = period.as_object().filter(|members| !members.is_empty())?;
    if !members.keys().all(|name| ["id", "start", "end"].contains(&name.as_str())) {
        return None;
    }
    let side = |name: &str| match &period[name] {
        Value::Null => Some(None),
        date => reads(text(date)).map(Some),
    };
    let (start, end) = (side("start")?, side("end")?);
    let (start, end) = (start.map_or(i64::MIN, |(start, _)| start), end.map_or(i64::MAX, |(_, end)| end));
    (start < end).then_some((start, end))
}

/// When what a resource tells of was so: what happened, else what was ordered or written, noted down, issued.
fn clinical_time(resource: &Value) -> Option<(i64, i64)> {
    let elements: &[&str] = match text(&resource["resourceType"]) {
        "Observation" | "DiagnosticReport" => &["effectiveDateTime", "effectivePeriod", "issued"],
        "Condition" | "AllergyIntolerance" => &["onsetDateTime", "onsetPeriod", "recordedDate"],
        "MedicationRequest" => &["authoredOn"],
        "ServiceRequest" => &["occurrenceDateTime", "occurrencePeriod", "authoredOn"],
        "Procedure" => &["performedDateTime", "performedPeriod"],
        "Immunization" => &["occurrenceDateTime", "recorded"],
        "Encounter" => &["period"],
        "DocumentReference" | "Composition" => &["date"],
        "CarePlan" => &["period", "created"],
        "QuestionnaireResponse" => &["authored"],
        _ => &[],
    };
    elements.iter().find_map(|name| match &resource[*name] {
        Value::Null => None,
        Value::String(date) => reads(date),
        stated => period(stated).filter(|_| stated.get("start").is_some() || stated.get("end").is_some()),
    })
}

pub fn about_time(rule: &Value, resource: &Value) -> bool {
    if rule.get("dataPeriod").is_none() {
        return true;
    }
    let (start, end) = period(&rule["dataPeriod"]).unwrap_or((0, 0));
    match clinical_time(resource) {
        None => rule["type"] == "deny",
        Some((from, to)) if rule["type"] == "deny" => from < end && start < to,
        Some((from, to)) => start <= from && to <= end,
    }
}

// ---- purposes ----

const PURPOSES: &str = "HMARKT HOPERAT HPAYMT HRESCH PATRQT PUBHLTH TREAT HOPERAT>CAREMGT HOPERAT>HQUALIMP HRESCH>BIORCH \
    HRESCH>CLINTRCH CLINTRCH>CLINTRCHNPC TREAT>CLINTRL TREAT>COC TREAT>ETREAT TREAT>POPHLTH ETREAT>BTG ETREAT>ERTREAT \
    PATRQT>FAMRQT PUBHLTH>DISASTER HPAYMT>COVERAGE";

/// The purpose that a Coding names; none where it cannot be told.
pub fn purpose(coding: &Value) -> Option<&str> {
    let ours = coding["system"].is_null() || coding["system"] == ACT_REASON;
    let code = text(&coding["code"]);
    let known = PURPOSES.split_whitespace().any(|line| line.rsplit('>').next() == Some(code));
    (ours && known).then_some(code)
}

pub fn is_a_kind_of_purpose(one: &str, of: &str) -> bool {
    one == of || parent(PURPOSES, one).is_some_and(|parent| is_a_kind_of_purpose(parent, of))
}

fn parent<'a>(table: &'a str, code: &str) -> Option<&'a str> {
    table.split_whitespace().filter_map(|line| line.split_once('>')).find(|(_, kind)| *kind == code).map(|(of, _)| of)
}

// ---- labels ----

const SENSITIVITIES: &str = "ETH GDIS HIV MST SCA SDV SEX SPI STD TBOO VIO SICKLE SPI>BH BH>COGN BH>DVD BH>EMOTDIS SPI>MH \
    SPI>PSY SPI>PSYTHPN SPI>SUD SUD>ETHUD SUD>OPIOIDUD";

fn is_a_kind_of(one: &str, of: &str) -> bool {
    one == of || parent(SENSITIVITIES, one).is_some_and(|parent| is_a_kind_of(parent, of))
}

/// What a Coding says about who may know; `None` where nothing.
fn label(coding: &Value) -> Option<String> {
    let code = text(&coding["code"]);
    let known = SENSITIVITIES.split_whitespace().any(|line| line.rsplit('>').next() == Some(code));
    match (text(&coding["system"]), code) {
        (_, "UNINFORMED" | "UNDELIVERED") => Some(code.into()),
        (INDICATION, "LTS") => None,
        (CONFIDENTIALITY, "R" | "V") => Some(code.into()),
        (CONFIDENTIALITY, "U" | "L" | "M" | "N") => None,
        (ACT_CODE, _) if known => Some(code.into()),
        (ACT_REASON, "HTEST") => None,
        _ => Some(UNKNOWN.into()),
    }
}

fn own_labels(resource: &Value) -> Labels {
    let mut labels: Labels = each(&resource["meta"]["security"]).iter().filter_map(label).collect();
    let speaks = |tag: &&Value| {
        [INDICATION, CONFIDENTIALITY, ACT_CODE].contains(&text(&tag["system"]))
            || ["UNINFORMED", "UNDELIVERED"].contains(&text(&tag["code"]))
    };
    labels.extend(each(&resource["meta"]["tag"]).iter().filter(speaks).filter_map(label));
    if resource["resourceType"] == "DocumentReference" {
        labels.extend(each(&resource["securityLabel"]).iter().flat_map(|one| each(&one["coding"])).filter_map(label));
    }
    if let Some(code) = resource["confidentiality"].as_str() {
        labels.extend(label(&serde_json::json!({"system": CONFIDENTIALITY, "code": code})));
    }
    labels.extend(each(&resource["contained"]).iter().flat_map(own_labels));
    labels
}

/// What says who, where, with what and on which visit.
const SUPPORTING: [&str; 7] =
    ["Encounter", "Practitioner", "Organization", "Location", "Medication", "Device", "PractitionerRole"];

/// The labels of each resource: what refers to something labelled tells of it, and so does who or what is known from
/// labelled resources alone.
pub fn all_labels(resources: &[Value]) -> Vec<Labels> {
    let mut labels: Vec<Labels> = resources.iter().map(own_labels).collect();
    let named: Vec<BTreeSet<String>> = resources.iter().map(references).collect();
    let names: Vec<String> = resources.iter().map(name).collect();
    let refers = |by: usize, to: usize| named[by].contains(&names[to]);
    loop {
        let before = labels.clone();
        for _ in resources {
            for (by, to) in (0..resources.len()).flat_map(|by| (0..resources.len()).map(move |to| (by, to))) {
                if refers(by, to) {
                    let more = labels[to].clone();
                    labels[by].extend(more);
                }
            }
        }
        for row in 0..resources.len() {
            let by: Vec<usize> = (0..resources.len()).filter(|by| *by != row && refers(*by, row)).collect();
            let hidden = !by.is_empty() && by.iter().all(|by| !labels[*by].is_empty());
            if SUPPORTING.contains(&text(&resources[row]["resourceType"])) && labels[row].is_empty() && hidden {
                labels[row] = by.iter().flat_map(|by| labels[*by].clone()).collect();
            }
        }
        if labels == before {
            return labels;
        }
    }
}

/// What a Coding of a provision names: a label, or the confidentiality that restricts nothing.
fn named_label(coding: &Value) -> String {
    let code = text(&coding["code"]);
    match (text(&coding["system"]), label(coding)) {
        (INDICATION, Some(flag)) => flag,
        (CONFIDENTIALITY, None) => "N".into(),
        (CONFIDENTIALITY | ACT_CODE, Some(label)) if !code.starts_with("UN") => label,
        _ => UNKNOWN.into(),
    }
}

/// Whether a provision is about something with these labels.
pub fn about_labels(rule: &Value, labels: &Labels, professional: bool) -> bool {
    let permits = rule["type"] == "permit";
    let Some(named) = rule.get("securityLabel") else { return !permits || labels.is_empty() };
    let height = |code: &String| match code.as_str() {
        "V" => 2,
        "R" => 1,
        _ => 0,
    };
    let is_level = |code: &&String| ["N", "R", "V"].contains(&code.as_str());
    let codes: Vec<String> = each(named).iter().map(named_label).collect();
    let levels: Vec<i32> = codes.iter().filter(is_level).map(height).collect();
    let of_row = labels.iter().map(height).max().unwrap_or(0);
    let others: Vec<&String> = labels.iter().filter(|code| !is_level(code)).collect();
    if !permits {
        let hit = |code: &&String| codes.iter().any(|one| is_a_kind_of(code, one) || is_a_kind_of(one, code));
        let unknown = codes.iter().chain(labels).any(|one| one == UNKNOWN);
        return unknown || levels.iter().any(|one| of_row >= *one) || others.iter().any(hit);
    }
    let is_flag = |code: &str| code == "UNINFORMED" || code == "UNDELIVERED";
    let told = |code: &&String| {
        *code != UNKNOWN && codes.iter().any(|one| is_a_kind_of(code, one)) && (!is_flag(code) || professional)
    };
    let something = !levels.is_empty() || !others.is_empty();
    // What is sensitive is restricted: who may have it by its name may have it so.
    let by_name = i32::from(others.iter().any(|code| !is_flag(code)));
    of_row <= levels.iter().max().copied().unwrap_or(by_name) && something && others.iter().all(told)
}

// ---- what a resource is, and what it refers to ----

fn name(resource: &Value) -> String {
    format!("{}/{}", text(&resource["resourceType"]), text(&resource["id"]))
}

/// Every `Type/id` that is referred to anywhere in a resource.
fn references(value: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    match value {
        Value::Array(items) => items.iter().for_each(|item| found.extend(references(item))),
        Value::Object(members) => {
            for (member, value) in members {
                match value.as_str().filter(|reference| member == "reference" && !reference.starts_with('#')) {
                    Some(reference) => found.extend(type_and_id(reference)),
                    None => found.extend(references(value)),
                }
            }
        }
        _ => {}
    }
    found
}

fn type_and_id(reference: &str) -> Option<String> {
    let whole = reference.split("/_history/").next()?;
    let mut parts = whole.rsplit('/');
    let (id, of) = (parts.next()?, parts.next()?);
    Some(format!("{of}/{id}"))
}

/// Every Patient that a resource names; one of somewhere else under its whole URL.
pub fn patients(resource: &Value) -> BTreeSet<String> {
    let mut found = BTreeSet::new();
    if resource["resourceType"] == "Patient" {
        found.insert(name(resource));
    }
    named_patients(resource, &mut found);
    found
}

fn named_patients(value: &Value, found: &mut BTreeSet<String>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| named_patients(item, found)),
        Value::Object(members) => {
            let reference = value["reference"].as_str().unwrap_or_default();
            if reference.starts_with("Patient/") {
                found.extend(type_and_id(reference));
            } else if reference.contains("/Patient/") {
                found.insert(reference.into());
            }
            for (member, value) in members {
                named_patients(value, found);
                // A Patient that is enclosed and bears no number of ours is somebody unknown.
                let unknown = each(value).iter().any(|one| member == "contained" && one["resourceType"] == "Patient");
                found.extend(unknown.then(|| "somebody".to_owned()));
            }
        }
        _ => {}
    }
}

pub fn about_data(rule: &Value, resource: &Value, resources: &[Value]) -> bool {
    let Some(data) = rule.get("data") else { return true };
    let denies = rule["type"] == "deny";
    each(data).iter().any(|one| {
        let named = text(&one["reference"]["reference"]);
        let told = named.split_once('/').is_some_and(|(of, id)| !of.is_empty() && !id.is_empty() && !id.contains('/'));
        let is_it = name(resource) == named;
        let refers_to_it = references(resource).contains(named);
        let of_it = resources.iter().find(|one| name(one) == named).map(references).unwrap_or_default();
        let is_referred_to = of_it.contains(&name(resource));
        match text(&one["meaning"]) {
            _ if !told => denies,
            "instance" => is_it,
            "related" => is_it || is_referred_to || (denies && refers_to_it),
            "dependents" => is_it || refers_to_it || (denies && is_referred_to),
            // Who noted it down and who is named in any other way cannot be told apart everywhere.
            "authoredby" => authors(resource).contains(named) || (denies && refers_to_it),
            _ => denies,
        }
    })
}

/// Who wrote, performed or requested it, as far as R4 has a search parameter for it: an organisation asserts and notes down
/// nothing.
fn authors(resource: &Value) -> BTreeSet<String> {
    let elements: &[&str] = match text(&resource["resourceType"]) {
        "Observation" => &["performer"],
        "DiagnosticReport" => &["performer", "resultsInterpreter"],
        "Condition" => &["asserter"],
        "AllergyIntolerance" => &["recorder", "asserter"],
        "MedicationRequest" => &["requester"],
        "ServiceRequest" => &["requester", "performer"],
        "Procedure" => &["performer"],
        "Immunization" => &["performer"],
        "DocumentReference" => &["author", "authenticator"],
        "Composition" | "CarePlan" | "QuestionnaireResponse" => &["author"],
        _ => &[],
    };
    let asserts = |element: &str| ["recorder", "asserter"].contains(&element);
    let named =
        elements.iter().flat_map(|element| references(&resource[*element]).into_iter().map(move |by| (*element, by)));
    named.filter(|(element, by)| !(asserts(element) && by.starts_with("Organization/"))).map(|(_, by)| by).collect()
}

pub fn about_class(rule: &Value, row: usize, resources: &[Value]) -> bool {
    let Some(classes) = rule.get("class") else { return true };
    let denies = rule["type"] == "deny";
    let is_held = || held(each(classes), resources).contains(&name(&resources[row]));
    is_of_class(classes, &resources[row], denies) || (!denies && is_held())
}

/// What documents of the kinds that are named refer to, and so on, but not by way of a patient.
fn held(classes: &[Value], resources: &[Value]) -> BTreeSet<String> {
    let kinds: Value = classes.iter().filter(|coding| coding["system"] == "http://loinc.org").cloned().collect();
    let documents = resources.iter().filter(|resource| is_of_class(&kinds, resource, false));
    let mut ways: Vec<&Value> = documents.collect();
    let mut found = BTreeSet::new();
    while let Some(from) = ways.pop() {
        let to = references(from);
        for next in resources.iter().filter(|one| to.contains(&name(one))) {
            if found.insert(name(next)) && next["resourceType"] != "Patient" {
                ways.push(next);
            }
        }
    }
    found
}

/// What is seen, with what hangs together: what tells of something denied is denied with it; a document of which something is
/// hidden, and a doctor, place or visit that nothing names which is seen, are hidden.
pub fn what_hangs_together(resources: &[Value], mut visible: Vec<bool>, mut denied: Vec<bool>) -> Vec<bool> {
    let named: Vec<BTreeSet<String>> = resources.iter().map(references).collect();
    let names: Vec<String> = resources.iter().map(name).collect();
    let kinds: Vec<&str> = resources.iter().map(|resource| text(&resource["resourceType"])).collect();
    let rows = 0..resources.len();
    let carried = ["Practitioner", "Organization", "Location", "Device", "PractitionerRole", "Patient"];
    let whole = ["Bundle", "Composition", "DocumentReference", "List", "Provenance"];
    for _ in rows.clone() {
        for row in rows.clone().filter(|row| !carried.contains(&kinds[*row])) {
            for by in rows.clone().filter(|by| named[*by].contains(&names[row]) && kinds[*by] != "Patient") {
                if denied[row] {
                    (denied[by], visible[by]) = (true, false);
                }
            }
        }
    }
    for _ in rows.clone() {
        for row in rows.clone() {
            let mut held = rows.clone().filter(|to| *to != row && named[row].contains(&names[*to]));
            let by: Vec<usize> = rows.clone().filter(|by| *by != row && named[*by].contains(&names[row])).collect();
            let torn = whole.contains(&kinds[row]) && held.any(|to| !visible[to] && !carried.contains(&kinds[to]));
            let unnamed = SUPPORTING.contains(&kinds[row]) && !by.is_empty() && by.iter().all(|by| !visible[*by]);
            visible[row] &= !torn && !unnamed;
        }
    }
    visible
}

fn is_of_class(classes: &Value, resource: &Value, denies: bool) -> bool {
    each(classes).iter().any(|coding| {
        let code = text(&coding["code"]);
        match text(&coding["system"]) {
            "http://hl7.org/fhir/resource-types" if TYPES.split_whitespace().any(|known| known == code) => {
                resource["resourceType"] == code
            }
            "urn:ietf:rfc:3986" if !code.is_empty() => {
                let profiles = each(&resource["meta"]["profile"]);
                profiles.iter().any(|profile| text(profile).split('|').next() == Some(code))
            }
            "http://loinc.org" if !code.is_empty() => {
                let document = ["Composition", "DocumentReference"].contains(&text(&resource["resourceType"]));
                document
                    && each(&resource["type"]["coding"])
                        .contains(&serde_json::json!({"system": "http://loinc.org", "code": code}))
            }
            _ => denies,
        }
    })
}

const TYPES: &str = "AllergyIntolerance CarePlan Composition Condition DiagnosticReport DocumentReference Encounter \
    Immunization MedicationRequest Observation Patient Practitioner Procedure QuestionnaireResponse ServiceRequest";

pub fn about_code(rule: &Value, resource: &Value) -> bool {
    let Some(concepts) = rule.get("code") else { return true };
    let denies = rule["type"] == "deny";
    let said = codes(resource);
    each(concepts).iter().any(|concept| {
        let codings = each(&concept["coding"]);
        let told = codings.iter().any(|coding| !text(&coding["code"]).is_empty());
        let hit = codings.iter().any(|named| {
            let same = |one: &&Value| {
                one["code"] == named["code"] && (named["system"].is_null() || one["system"] == named["system"])
            };
            said.iter().any(same)
        });
        hit || (!told && denies)
    })
}

fn codes(resource: &Value) -> Vec<&Value> {
    let concepts = ["code", "category", "type", "medicationCodeableConcept", "vaccineCode"].map(|name| &resource[name]);
    let of_components = each(&resource["component"]).iter().map(|component| &component["code"]);
    let all = concepts.into_iter().chain(of_components);
    all.flat_map(|concept| match concept {
        Value::Array(items) => items.iter().collect::<Vec<_>>(),
        one => vec![one],
    })
    .flat_map(|concept| each(&concept["coding"]))
    .collect()
}
