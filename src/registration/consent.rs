//! The Consents of a registration: what was agreed to (one for each person, whose versions are its history), and what is on
//! file of withdrawals. With their evidence (`profiles/consent/StructureDefinition-consent-evidence.json`).

use serde_json::{Value, json};

use super::Clerk;
use super::form::{Evidence, Form, Member};
use crate::consent::directive::{CATEGORY, REGISTRATION, WITHDRAWAL};
use crate::consent::member::MEMBER_KIND;
use crate::fhir::{PatientKey, ResourceId, ResourceType, system};

const EVIDENCE: &str = "https://tasuki.example/fhir/StructureDefinition/consent-evidence";
const REASON: &str = "https://tasuki.example/fhir/StructureDefinition/consent-reason";
const BASIS: &str = "https://tasuki.example/fhir/CodeSystem/consent-basis";
const SCOPE: &str = "http://terminology.hl7.org/CodeSystem/consentscope";
/// The contained RelatedPerson.
const REPRESENTATIVE: &str = "representative";

/// The Consent of a record.
pub(super) fn id_of(record: PatientKey) -> ResourceId {
    record.resource_id(ResourceType::CONSENT.name(), "registration")
}

/// What is on file of a withdrawal of everything.
pub(super) fn withdrawal_id(record: PatientKey) -> ResourceId {
    record.resource_id(ResourceType::CONSENT.name(), "withdrawal")
}

/// What is on file of a withdrawal for some, who are told apart by their names.
pub(super) fn exclusion_id(record: PatientKey, members: &[Member], sources: &[String]) -> ResourceId {
    let mut named: Vec<&str> = members.iter().map(Member::text).chain(sources.iter().map(String::as_str)).collect();
    named.sort_unstable();
    record.resource_id(ResourceType::CONSENT.name(), &format!("exclusion {}", named.join(" ")))
}

/// What a form says.
pub(super) fn registration(form: &Form, record: PatientKey, clerk: &Clerk, scans: &[String]) -> Value {
    let mut provision = json!({"type": "permit"});
    let mut period = json!({});
    for (name, date) in [("start", &form.start), ("end", &form.end)] {
        if let Some(date) = date {
            period[name] = json!(date);
        }
    }
    if form.start.is_some() || form.end.is_some() {
        provision["period"] = period;
    }
    named(&mut provision, &form.recipients, &form.sources);
    form.scope.bound(&mut provision);
    let mut consent = on_file(&form.evidence, record, clerk, scans, (REGISTRATION, "active"));
    consent["id"] = json!(id_of(record).as_str());
    consent["policyRule"] = json!({"text": "地域医療介護連携ネットワークへの参加同意"});
    consent["provision"] = provision;
    consent
}

/// What a withdrawal of everything says: it is on file, and closes nothing itself.
pub(super) fn withdrawal(evidence: &Evidence, record: PatientKey, clerk: &Clerk, scans: &[String]) -> Value {
    let mut consent = on_file(evidence, record, clerk, scans, (WITHDRAWAL, "rejected"));
    consent["id"] = json!(withdrawal_id(record).as_str());
    consent["policyRule"] = json!({"text": "同意の撤回"});
    consent["provision"] = json!({"type": "deny"});
    consent
}

/// What a withdrawal for some says: it denies them, whatever else is permitted.
pub(super) fn exclusion(
    evidence: &Evidence,
    record: PatientKey,
    clerk: &Clerk,
    scans: &[String],
    (members, sources): (&[Member], &[String]),
) -> Value {
    let mut consent = on_file(evidence, record, clerk, scans, (WITHDRAWAL, "active"));
    consent["id"] = json!(exclusion_id(record, members, sources).as_str());
    consent["policyRule"] = json!({"text": "同意の一部撤回(除外申出)"});
    let mut provision = json!({"type": "deny"});
    named(&mut provision, members, sources);
    consent["provision"] = provision;
    consent
}

/// What all of them have: whose, when, and what shows it.
fn on_file(
    evidence: &Evidence,
    record: PatientKey,
    clerk: &Clerk,
    scans: &[String],
    (category, status): (&str, &str),
) -> Value {
    let patient = json!({"reference": record.reference()});
    let mut consent = json!({"resourceType": "Consent", "id": ""});
    let mut who = patient.clone();
    if let Some(representative) = &evidence.representative {
        let mut representative = representative.clone();
        representative["id"] = json!(REPRESENTATIVE);
        representative["patient"] = patient.clone();
        consent["contained"] = json!([representative]);
        who = json!({"reference": format!("#{REPRESENTATIVE}")});
    }
    consent["extension"] = json!([shown(evidence, scans)]);
    if let (Some(reason), Some(extensions)) = (&evidence.reason, consent["extension"].as_array_mut()) {
        extensions.push(json!({"url": REASON, "valueString": reason}));
    }
    consent["status"] = json!(status);
    consent["scope"] = json!({"coding": [{"system": SCOPE, "code": "patient-privacy"}]});
    consent["category"] = json!([
        {"coding": [{"system": "http://loinc.org", "code": "59284-0"}]},
        {"coding": [{"system": CATEGORY, "code": category}]},
    ]);
    consent["patient"] = patient;
    consent["dateTime"] = json!(evidence.signed);
    consent["performer"] = json!([who]);
    if !clerk.organization.is_empty() {
        consent["organization"] = json!([{"reference": clerk.organization}]);
    }
    let verified = evidence.verified.as_ref().unwrap_or(&evidence.signed);
    consent["verification"] = json!([{"verified": true, "verifiedWith": who, "verificationDate": verified}]);
    consent
}

/// The extension that says what shows it.
fn shown(evidence: &Evidence, scans: &[String]) -> Value {
    let mut parts = vec![json!({"url": "basis", "valueCoding": {"system": BASIS, "code": evidence.basis.code()}})];
    parts.extend(scans.iter().map(|form| json!({"url": "form", "valueReference": {"reference": form}})));
    if let Some(representative) = &evidence.representative {
        parts.push(json!({"url": "proxy", "valueReference": {"reference": format!("#{REPRESENTATIVE}")}}));
        if let Some(relationship) = representative.pointer("/relationship/0") {
            parts.push(json!({"url": "relationship", "valueCodeableConcept": relationship}));
        }
    }
    if let Some(registrar) = &evidence.registrar {
        let who = match registrar.starts_with("Practitioner/") {
            true => json!({"reference": registrar}),
            false => json!({"display": registrar}),
        };
        parts.push(json!({"url": "registrar", "valueReference": who}));
    }
    json!({"url": EVIDENCE, "extension": parts})
}

/// The forms that a Consent names, as references.
pub(super) fn forms(consent: &Value) -> Vec<String> {
    let shown = consent["extension"].as_array().into_iter().flatten().filter(|one| one["url"] == EVIDENCE);
    let parts = shown.filter_map(|one| one["extension"].as_array()).flatten().filter(|part| part["url"] == "form");
    parts.filter_map(|part| part.pointer("/valueReference/reference")?.as_str().map(str::to_owned)).collect()
}

/// Who receives and who discloses, as actors of a provision.
fn named(provision: &mut Value, members: &[Member], sources: &[String]) {
    let role = |code: &str| json!({"coding": [{"system": system::V3_PARTICIPATION, "code": code}]});
    let mut actors: Vec<Value> = members
        .iter()
        .map(|member| {
            let reference = match member {
                Member::Named(name) => json!({"reference": name}),
                Member::Kind(kind) => json!({"identifier": {"system": MEMBER_KIND, "value": kind.code()}}),
            };
            json!({"role": role("IRCP"), "reference": reference})
        })
        .collect();
    actors.extend(sources.iter().map(|name| json!({"role": role("CST"), "reference": {"reference": name}})));
    if !actors.is_empty() {
        provision["actor"] = Value::from(actors);
    }
}

/// The recipients of a provision, where all of them can be told; `None` where any cannot.
pub(super) fn recipients(consent: &Value) -> Option<Vec<Member>> {
    let actors = consent.pointer("/provision/actor").and_then(Value::as_array)?;
    actors
        .iter()
        .map(|actor| {
            if actor.pointer("/role/coding/0/code")? != "IRCP" {
                return None;
            }
            let kind = actor.pointer("/reference/identifier/value").and_then(Value::as_str);
            Member::parse(actor.pointer("/reference/reference").and_then(Value::as_str).or(kind)?)
        })
        .collect()
}

/// Puts other recipients into a provision that had no sources.
pub(super) fn set_recipients(consent: &mut Value, members: &[Member]) {
    named(&mut consent["provision"], members, &[]);
}
