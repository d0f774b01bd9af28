//! A FHIR R4 Consent as a directive (consent.html): permit or deny, for whom and when. What cannot be enforced as it
//! is written is not guessed at: it denies, and says so.

use serde_json::{Map, Value};

use crate::fault::{Issue, IssueType, Place, Rule, Severity};
use crate::fhir::reference::is_id;
use crate::fhir::time::Interval;
use crate::fhir::{PatientKey, ResourceId};

/// What one Consent says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Which Consent, in which version.
    pub consent: ConsentVersion,
    /// Whose information it is about.
    pub patient: Option<PatientKey>,
    /// What follows from it.
    pub effect: Effect,
}

/// A version of a Consent: what a decision is based on.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ConsentVersion {
    /// The Consent's logical id.
    pub id: Box<str>,
    /// Its version; 0 while it has none.
    pub version: u32,
}

/// What follows from a Consent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// Nothing: it is not active, or is about something other than privacy.
    Silent,
    /// These organisations (`Organization/id`) may read during this time. May be nobody.
    Permit {
        /// The organisations.
        recipients: Vec<Box<str>>,
        /// When.
        period: Interval,
    },
    /// These may not read during this time, whatever else permits it.
    Deny {
        /// Who.
        recipients: Recipients,
        /// When.
        period: Interval,
    },
    /// It is in force and cannot be enforced as written: nobody reads this patient on the ground of any consent until
    /// it is changed.
    NotUnderstood(Issue),
}

/// Whom a deny is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Recipients {
    /// Everybody.
    Everybody,
    /// These organisations.
    Only(Vec<Box<str>>),
}

/// An active Consent holds something this program cannot enforce.
pub static NOT_UNDERSTOOD: Rule = Rule {
    id: "consent-not-understood",
    severity: Severity::Error,
    code: IssueType::NotSupported,
    en: "This active consent holds something that cannot be enforced ({}); until it is changed, no consent of this patient gives anyone access.",
    ja: "有効な同意に、判定できない内容（{}）が含まれています。修正されるまで、この患者の情報は同意に基づいて誰にも開示されません。",
};

/// Offset of dates that carry none: Japan Standard Time.
const ZONE_MINUTES: i16 = 540;
const SCOPE: &str = "http://terminology.hl7.org/CodeSystem/consentscope";
/// Codes of an actor's role that mean "receives": v3-ParticipationType IRCP and PRCP, v3-RoleCode GRANTEE.
const RECEIVES: [&str; 3] = ["IRCP", "PRCP", "GRANTEE"];
/// Members of a Consent that neither modify nor restrict it, and those read here. Anything else is not understood.
const MEMBERS: [&str; 21] = [
    "resourceType",
    "id",
    "meta",
    "language",
    "text",
    "contained",
    "extension",
    "identifier",
    "status",
    "scope",
    "category",
    "patient",
    "dateTime",
    "performer",
    "organization",
    "sourceAttachment",
    "sourceReference",
    "policy",
    "policyRule",
    "verification",
    "provision",
];
/// R4 members of a provision that restrict it in ways this program does not evaluate: named in the alarm.
const RESTRICTIONS: [(&str, &str); 9] = [
    ("action", "Consent.provision.action"),
    ("securityLabel", "Consent.provision.securityLabel"),
    ("purpose", "Consent.provision.purpose"),
    ("class", "Consent.provision.class"),
    ("code", "Consent.provision.code"),
    ("dataPeriod", "Consent.provision.dataPeriod"),
    ("data", "Consent.provision.data"),
    ("provision", "Consent.provision.provision"),
    ("extension", "Consent.provision.extension"),
];

impl Directive {
    /// Reads a Consent. Never fails: what is not understood is [`Effect::NotUnderstood`].
    pub fn read(consent: &Value) -> Directive {
        let version = consent.pointer("/meta/versionId").and_then(Value::as_str).and_then(|v| v.parse().ok());
        let id = consent["id"].as_str().unwrap_or_default().into();
        let patient = consent.pointer("/patient/reference").and_then(Value::as_str).and_then(patient);
        let effect = match effect(consent, patient) {
            Ok(effect) => effect,
            Err(place) => {
                let detail = place.strip_prefix("Consent.").unwrap_or(place);
                Effect::NotUnderstood(Issue::with(&NOT_UNDERSTOOD, Place::Path(place.into()), detail))
            }
        };
        Directive { consent: ConsentVersion { id, version: version.unwrap_or(0) }, patient, effect }
    }

    /// The organisations into whose panel the patient belongs: those that an active permit names, in its period or
    /// not, because expiry writes nothing. A Consent that is withdrawn names nobody.
    pub fn recipients(&self) -> &[Box<str>] {
        match &self.effect {
            Effect::Permit { recipients, .. } => recipients,
            _ => &[],
        }
    }

    /// Why it cannot be enforced, for the operator's list of alarms.
    pub fn alarm(&self) -> Option<&Issue> {
        match &self.effect {
            Effect::NotUnderstood(issue) => Some(issue),
            _ => None,
        }
    }
}

/// The effect, or the element that is not understood.
fn effect(consent: &Value, patient: Option<PatientKey>) -> Result<Effect, &'static str> {
    let root = consent.as_object().ok_or("Consent")?;
    if consent["resourceType"] != "Consent" {
        return Err("Consent");
    }
    if !is_active(&consent["status"])? || !is_privacy(&consent["scope"])? {
        return Ok(Effect::Silent);
    }
    if root.contains_key("implicitRules") {
        return Err("Consent.implicitRules");
    }
    if root.iter().any(|(name, value)| name != "contained" && modifies(name, value)) {
        return Err("Consent.modifierExtension");
    }
    only(root, &MEMBERS, "Consent: an element that R4 does not know")?;
    patient.ok_or("Consent.patient")?;
    let provision = consent["provision"].as_object().ok_or("Consent.provision")?;
    restrictions(provision)?;
    let period = period(provision.get("period"))?;
    let actors = match provision.get("actor") {
        None => &[][..],
        Some(Value::Array(actors)) if !actors.is_empty() => actors,
        Some(_) => return Err("Consent.provision.actor"),
    };
    match provision.get("type").and_then(Value::as_str) {
        Some("permit") => Ok(Effect::Permit { recipients: permitted(actors)?, period }),
        Some("deny") => Ok(Effect::Deny { recipients: denied(actors), period }),
        _ => Err("Consent.provision.type"),
    }
}

/// Only `active` counts; a status that R4 does not know cannot be taken for an inactive one.
fn is_active(status: &Value) -> Result<bool, &'static str> {
    match status.as_str() {
        Some("active") => Ok(true),
        Some("draft" | "proposed" | "rejected" | "inactive" | "entered-in-error") => Ok(false),
        _ => Err("Consent.status"),
    }
}

/// Whether the scope is patient-privacy; other scopes are none of our business, an unstated one may be.
fn is_privacy(scope: &Value) -> Result<bool, &'static str> {
    let codings = scope["coding"].as_array().filter(|codings| !codings.is_empty()).ok_or("Consent.scope")?;
    let named = |coding: &Value| coding["code"] == "patient-privacy";
    if codings.iter().any(|coding| named(coding) && coding["system"] == SCOPE) {
        return Ok(true);
    }
    if codings.iter().any(|coding| named(coding) || !coding["code"].is_string()) {
        return Err("Consent.scope");
    }
    Ok(false)
}

/// Whether a member or anything in it is a modifier extension (extensibility.html#modifierExtension).
fn modifies(name: &str, value: &Value) -> bool {
    name == "modifierExtension"
        || match value {
            Value::Object(members) => members.iter().any(|(name, value)| modifies(name, value)),
            Value::Array(items) => items.iter().any(|item| modifies("", item)),
            _ => false,
        }
}

/// An extension may not change a meaning, but Google's do (Environment, DataSource narrow a permit): not understood.
fn restrictions(provision: &Map<String, Value>) -> Result<(), &'static str> {
    match RESTRICTIONS.iter().find(|(name, _)| provision.contains_key(*name)) {
        Some((_, place)) => Err(place),
        None => {
            only(provision, &["id", "type", "period", "actor"], "Consent.provision: an element that R4 does not know")
        }
    }
}

/// Start at the earliest instant its precision allows, end after the latest.
fn period(period: Option<&Value>) -> Result<Interval, &'static str> {
    const PLACE: &str = "Consent.provision.period";
    let Some(period) = period else { return Ok(Interval::ALWAYS) };
    let members = period.as_object().filter(|members| !members.is_empty()).ok_or(PLACE)?;
    only(members, &["id", "start", "end"], PLACE)?;
    let covered = |name: &str| match members.get(name) {
        None => Ok(Interval::ALWAYS),
        Some(date) => date.as_str().and_then(|date| Interval::parse(date, ZONE_MINUTES)).ok_or(PLACE),
    };
    let interval = Interval { start: covered("start")?.start, end: covered("end")?.end };
    if interval.start < interval.end { Ok(interval) } else { Err(PLACE) }
}

/// The organisations a permit names. A recipient of another kind matches nobody; an actor that is not a recipient (a
/// custodian, an author) narrows the permit in a way that is not evaluated; no actor at all would mean everybody.
fn permitted(actors: &[Value]) -> Result<Vec<Box<str>>, &'static str> {
    if actors.is_empty() || !actors.iter().all(is_recipient) {
        return Err("Consent.provision.actor");
    }
    Ok(actors.iter().filter_map(organization).collect())
}

/// Whom a deny is about: everybody as soon as one actor is missing or not understood.
fn denied(actors: &[Value]) -> Recipients {
    let understood = |actor: &Value| organization(actor).filter(|_| is_recipient(actor));
    match actors.iter().map(understood).collect::<Option<Vec<_>>>() {
        Some(organizations) if !organizations.is_empty() => Recipients::Only(organizations),
        _ => Recipients::Everybody,
    }
}

fn is_recipient(actor: &Value) -> bool {
    let plain = actor.as_object().is_some_and(|members| only(members, &["id", "role", "reference"], "").is_ok());
    let receives = |coding: &Value| coding["code"].as_str().is_some_and(|code| RECEIVES.contains(&code));
    let codings = actor.pointer("/role/coding").and_then(Value::as_array);
    plain && codings.is_some_and(|codings| !codings.is_empty() && codings.iter().all(receives))
}

fn organization(actor: &Value) -> Option<Box<str>> {
    let reference = actor["reference"].as_object()?;
    only(reference, &["id", "reference", "type", "identifier", "display"], "").ok()?;
    let text = reference.get("reference")?.as_str()?;
    let stated = reference.get("type").is_none_or(|stated| stated == "Organization");
    ResourceId::parse(text.strip_prefix("Organization/")?).filter(|_| stated)?;
    Some(text.into())
}

fn patient(reference: &str) -> Option<PatientKey> {
    Some(PatientKey::of_id(reference.strip_prefix("Patient/").filter(|id| is_id(id))?))
}

fn only(members: &Map<String, Value>, known: &[&str], place: &'static str) -> Result<(), &'static str> {
    if members.keys().all(|name| known.contains(&name.as_str())) { Ok(()) } else { Err(place) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn consent() -> Value {
        json!({
            "resourceType": "Consent", "id": "c1", "meta": {"versionId": "3"}, "status": "active",
            "scope": {"coding": [{"system": SCOPE, "code": "patient-privacy"}]},
            "category": [{"coding": [{"system": "http://loinc.org", "code": "59284-0"}]}],
            "patient": {"reference": "Patient/00000000-0000-4000-8000-000000000001"},
            "provision": {"type": "permit", "actor": [actor("IRCP", "Organization/agency-a")]}
        })
    }

    fn actor(role: &str, reference: &str) -> Value {
        let system = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
        json!({"role": {"coding": [{"system": system, "code": role}]}, "reference": {"reference": reference}})
    }

    fn with(pointer: &str, value: Value) -> Directive {
        let mut consent = consent();
        let (parent, name) = pointer.rsplit_once('/').unwrap();
        consent.pointer_mut(parent).unwrap()[name] = value;
        Directive::read(&consent)
    }

    #[test]
    fn the_simplest_permit() {
        let directive = Directive::read(&consent());
        assert_eq!(directive.consent, ConsentVersion { id: "c1".into(), version: 3 });
        assert_eq!(directive.recipients(), ["Organization/agency-a".into()]);
        assert_eq!(directive.alarm(), None);
    }

    #[test]
    fn only_active_privacy_consents_speak() {
        for status in ["draft", "proposed", "rejected", "inactive", "entered-in-error"] {
            assert_eq!(with("/status", json!(status)).effect, Effect::Silent, "{status}");
        }
        let research = json!({"coding": [{"system": SCOPE, "code": "research"}]});
        assert_eq!(with("/scope", research).effect, Effect::Silent);
        for (pointer, value) in [
            ("/status", json!("Active")),
            ("/scope", json!({"text": "patient-privacy"})),
            ("/scope", json!({"coding": [{"code": "patient-privacy"}]})),
        ] {
            assert!(with(pointer, value.clone()).alarm().is_some(), "{pointer} {value}");
        }
    }

    #[test]
    fn what_restricts_in_an_unknown_way_is_not_understood() {
        let cases = [
            ("/provision/purpose", json!([{"code": "TREAT"}]), "provision.purpose"),
            ("/provision/provision", json!([{"type": "deny"}]), "provision.provision"),
            ("/provision/dataPeriod", json!({"start": "2020"}), "provision.dataPeriod"),
            ("/provision/extension", json!([{"url": "u"}]), "provision.extension"),
            ("/provision/type", json!("PERMIT"), "provision.type"),
            ("/provision/type", json!(null), "provision.type"),
            ("/provision/actor", json!([]), "provision.actor"),
            ("/provision/period", json!({}), "provision.period"),
            ("/provision/period", json!({"start": "2026-02-30"}), "provision.period"),
            ("/provision/period", json!({"start": "2026-02", "end": "2026-01"}), "provision.period"),
            ("/provision/period", json!({"_start": {}}), "provision.period"),
            ("/provision", json!(null), "provision"),
            ("/modifierExtension", json!([{"url": "u"}]), "modifierExtension"),
            ("/policy", json!([{"uri": "u", "modifierExtension": [{"url": "u"}]}]), "modifierExtension"),
            ("/implicitRules", json!("u"), "implicitRules"),
            ("/patient", json!({"reference": "Patient/a_b"}), "patient"),
            ("/patient", json!({"reference": "Group/1"}), "patient"),
        ];
        for (pointer, value, detail) in cases {
            let directive = with(pointer, value);
            assert_eq!(directive.alarm().map(|issue| issue.detail.as_str()), Some(detail), "{pointer}");
            assert!(directive.recipients().is_empty());
        }
        assert!(with("/山田太郎", json!(1)).alarm().is_some_and(|issue| !issue.english().contains("山田")));
    }

    #[test]
    fn an_actor_not_understood_matches_nobody_in_a_permit_and_everybody_in_a_deny() {
        let strange = [
            "Practitioner/p",
            "Organization/a/_history/1",
            "organization/a",
            "Organization%2Fa",
            " Organization/a",
            "Organization/",
            "https://gateway.example/Organization/a",
            "#a",
        ];
        for reference in strange {
            let actors = json!([actor("IRCP", reference), actor("PRCP", "Organization/b")]);
            assert_eq!(with("/provision/actor", actors.clone()).recipients(), ["Organization/b".into()], "{reference}");
            let deny = with("/provision", json!({"type": "deny", "actor": actors}));
            assert!(matches!(deny.effect, Effect::Deny { recipients: Recipients::Everybody, .. }), "{reference}");
        }
        let custodian = json!([actor("CST", "Organization/h"), actor("IRCP", "Organization/b")]);
        assert!(with("/provision/actor", custodian.clone()).alarm().is_some());
        let deny = with("/provision", json!({"type": "deny", "actor": custodian}));
        assert!(matches!(deny.effect, Effect::Deny { recipients: Recipients::Everybody, .. }));
        let deny = with("/provision", json!({"type": "deny"}));
        assert!(matches!(deny.effect, Effect::Deny { recipients: Recipients::Everybody, .. }));
    }

    #[test]
    fn partial_dates_reach_from_the_earliest_to_the_latest_instant_in_japan() {
        let directive = with("/provision/period", json!({"start": "2026-04", "end": "2026-09-30"}));
        let Effect::Permit { period, .. } = directive.effect else { panic!("{directive:?}") };
        assert_eq!(crate::fhir::time::instant(period.start, 540), "2026-04-01T00:00:00.000+09:00");
        assert_eq!(crate::fhir::time::instant(period.end, 540), "2026-10-01T00:00:00.000+09:00");
    }
}
