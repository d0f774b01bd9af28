//! A FHIR R4 Consent as a directive (consent.html): permit or deny, for whom and when. What cannot be enforced as it
//! is written is not guessed at: it denies, and says so.

use serde_json::{Map, Value};

use super::asker::Asker;
use super::caller::{EVERYBODY, REGISTERED, TO_REVIEW, emergency_panel, kind_panel};
use super::rule::{Noticed, Of, Recipient, Rule};
use super::team::Team;
use crate::fault::{Issue, IssueType, Place, Severity};
use crate::fhir::PatientKey;
use crate::fhir::reference::is_id;
use crate::fhir::time::Interval;

/// What one Consent says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Directive {
    /// Which Consent, in which version.
    pub consent: ConsentVersion,
    /// Whose information it is about.
    pub patient: Option<PatientKey>,
    /// What follows from it.
    pub effect: Effect,
    /// The Consent whose place it has taken, once and for all (`sourceReference`).
    pub supersedes: Option<Box<str>>,
    /// When it was given (`dateTime`), milliseconds since 1970: the first instant that it may mean.
    pub stated: Option<i64>,
    /// Whether it opened a record in an emergency and nobody has looked at that yet (`verification`).
    pub is_to_review: bool,
    /// Whether the network's office has entered it from a form ([`REGISTRATION`]), in force or not.
    pub is_registration: bool,
    /// What of it was not understood, and is enforced so that nothing opens by it.
    noticed: Option<Issue>,
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
    /// It permits and denies as this says.
    Rule(Box<Rule>),
    /// It was given by the gateway for an emergency, for a time ([`EMERGENCY`]).
    Emergency(Box<Rule>),
    /// It is in force and cannot be enforced as written: nobody reads this patient on the ground of any consent until
    /// it is changed.
    NotUnderstood(Issue),
}

/// An active Consent holds something this program cannot enforce.
pub static NOT_UNDERSTOOD: crate::fault::Rule = crate::fault::Rule {
    id: "consent-not-understood",
    severity: Severity::Error,
    code: IssueType::NotSupported,
    en: "This active consent holds something that cannot be enforced ({}); until it is changed, no consent of this patient gives anyone access.",
    ja: "有効な同意に、判定できない内容（{}）が含まれています。修正されるまで、この患者の情報は同意に基づいて誰にも開示されません。",
};

/// The category of the Consents by which a record stands open in an emergency.
pub const EMERGENCY: &str = "emergency-access";
/// The category of the Consents that the network's office has entered from a form (docs/adr/0048).
pub const REGISTRATION: &str = "registration";
/// The category of what is on file of a withdrawal: a Consent that was rejected, or one that excludes somebody.
pub const WITHDRAWAL: &str = "withdrawal";
/// Their CodeSystem.
pub const CATEGORY: &str = "https://tasuki.example/fhir/CodeSystem/consent-category";
/// How long a record stands open at most, milliseconds.
pub const EMERGENCY_MS_MAX: i64 = 3_600_000;
/// Offset of dates that carry none: Japan Standard Time.
const ZONE_MINUTES: i16 = 540;
const SCOPE: &str = "http://terminology.hl7.org/CodeSystem/consentscope";
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
/// An element of an active Consent is not understood and is taken so that it opens nothing.
pub static PARTLY_UNDERSTOOD: crate::fault::Rule = crate::fault::Rule {
    id: "consent-partly-understood",
    severity: Severity::Warning,
    code: IssueType::NotSupported,
    en: "An element of this active consent is not understood ({}): what it permits there nobody is permitted, what it denies there everybody is denied.",
    ja: "有効な同意の一部（{}）を解釈できません。その部分の許可は誰にも与えられず、拒否は全員に適用されます。",
};

impl Directive {
    /// Reads a Consent. Never fails: what is not understood is [`Effect::NotUnderstood`].
    pub fn read(consent: &Value) -> Directive {
        let version = consent.pointer("/meta/versionId").and_then(Value::as_str).and_then(|v| v.parse().ok());
        let id = consent["id"].as_str().unwrap_or_default().into();
        let patient = consent.pointer("/patient/reference").and_then(Value::as_str).and_then(patient);
        let mut noticed = None;
        let issue = |rule: &'static crate::fault::Rule, place: &'static str| {
            Issue::with(rule, Place::Path(place.into()), place.strip_prefix("Consent.").unwrap_or(place))
        };
        let effect = match effect(consent, patient, &mut noticed) {
            Ok(effect) => effect,
            Err(place) => Effect::NotUnderstood(issue(&NOT_UNDERSTOOD, place)),
        };
        let noticed = noticed.map(|place| issue(&PARTLY_UNDERSTOOD, place));
        let stated = consent["dateTime"].as_str().and_then(|date| Interval::parse(date, ZONE_MINUTES));
        Directive {
            consent: ConsentVersion { id, version: version.unwrap_or(0) },
            patient,
            effect,
            supersedes: superseded(consent),
            stated: stated.map(|stated| stated.start),
            is_to_review: is_to_review(consent),
            is_registration: is_of(consent, REGISTRATION),
            noticed,
        }
    }

    /// On which panels the patient belongs ([`super::Caller::panels`]): those of whom an active permit names, in its period or
    /// not, because expiry writes nothing; of a team, those of its members too. A Consent that is withdrawn names nobody.
    pub fn panels(&self, teams: &[Team]) -> Vec<String> {
        let (rule, emergency) = match &self.effect {
            Effect::Rule(rule) => (Some(rule), false),
            Effect::Emergency(rule) => (Some(rule), true),
            _ => (None, false),
        };
        let mut found = Vec::new();
        rule.into_iter().for_each(|rule| rule.permitted(&Of::Any, &mut found));
        let mut panels = Vec::new();
        for recipient in found {
            let is_it = |team: &&Team| matches!(recipient, Some(Recipient::Named(name)) if team.reference == *name);
            let members = teams.iter().find(is_it).into_iter().flat_map(|team| &team.members);
            let members = members.filter(|(member, _)| !member.is_empty());
            panels.extend(members.map(|(member, _)| member.to_string()).chain([panel(recipient)]));
        }
        if emergency {
            panels = panels.iter().map(|name| emergency_panel(name)).collect();
        }
        if self.is_to_review {
            panels.push(TO_REVIEW.to_owned());
        }
        if self.is_registration {
            panels.push(REGISTERED.to_owned());
        }
        panels.sort_unstable();
        panels.dedup();
        panels
    }

    /// Whether it opens the record to who asks in an emergency, at an instant (milliseconds since 1970).
    pub fn grants_emergency_to(&self, asker: &Asker, now_ms: i64) -> bool {
        let Effect::Emergency(rule) = &self.effect else { return false };
        let is_for = match &rule.recipients {
            Of::Any => false,
            Of::These(named) => asker.times(named, true, &[]).is_some(),
        };
        rule.permits && is_for && rule.period.start <= now_ms && now_ms < rule.period.end
    }

    /// Whether it is for a team, so that its panels move when the team does.
    pub fn is_for_a_team(&self) -> bool {
        let Effect::Rule(rule) = &self.effect else { return false };
        let mut found = Vec::new();
        rule.permitted(&Of::Any, &mut found);
        let is_team =
            |one: &Option<&Recipient>| matches!(one, Some(Recipient::Named(name)) if name.starts_with("CareTeam/"));
        found.iter().any(is_team)
    }

    /// Why it cannot be enforced as it is written, for the operator's list of alarms.
    pub fn alarm(&self) -> Option<&Issue> {
        match &self.effect {
            Effect::NotUnderstood(issue) => Some(issue),
            Effect::Rule(_) | Effect::Emergency(_) => self.noticed.as_ref(),
            Effect::Silent => None,
        }
    }
}

/// The effect, or the element that is not understood.
fn effect(consent: &Value, patient: Option<PatientKey>, noticed: &mut Noticed) -> Result<Effect, &'static str> {
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
    let rule = Box::new(Rule::read(provision, 0, noticed)?);
    if !(is_emergency(consent) && rule.permits) {
        return Ok(Effect::Rule(rule));
    }
    // A grant is for somebody, for a time, and for everything: what it opens is not asked of it row by row.
    let lasts = rule.period.end.saturating_sub(rule.period.start);
    let is_plain = rule.exceptions.is_empty() && rule.about.is_everything();
    let is_somebodys = matches!(&rule.recipients, Of::These(named) if named.iter().all(is_member));
    match (lasts <= EMERGENCY_MS_MAX, is_plain, is_somebodys) {
        (false, ..) => Err("Consent.provision.period"),
        (_, false, _) => Err("Consent.provision: restricts what an emergency opens"),
        (.., false) => Err("Consent.provision.actor"),
        _ => Ok(Effect::Emergency(rule)),
    }
}

/// Whether a recipient is an organisation or a person.
fn is_member(recipient: &Recipient) -> bool {
    let kinds = ["Organization/", "Practitioner/"];
    matches!(recipient, Recipient::Named(name) if kinds.iter().any(|kind| name.starts_with(kind)))
}

fn is_emergency(consent: &Value) -> bool {
    is_of(consent, EMERGENCY)
}

/// Whether it is of a category of ours.
fn is_of(consent: &Value, category: &str) -> bool {
    let codings = consent["category"].as_array().into_iter().flatten();
    let mut codings = codings.filter_map(|category| category["coding"].as_array()).flatten();
    codings.any(|coding| coding["system"] == CATEGORY && coding["code"] == category)
}

fn is_to_review(consent: &Value) -> bool {
    let mut verified = consent["verification"].as_array().into_iter().flatten();
    let counts = consent["status"] == "active" || consent["status"] == "inactive";
    counts && is_emergency(consent) && !verified.any(|verification| verification["verified"] == true)
}

/// The id of the Consent that this one has taken the place of. Drafts and errors take nobody's, nor does a Consent to
/// treatment or research, which a facility may have stated, that of one about privacy.
fn superseded(consent: &Value) -> Option<Box<str>> {
    is_privacy(&consent["scope"]).ok().filter(|is_privacy| *is_privacy)?;
    let counts = ["active", "inactive", "rejected"].contains(&consent["status"].as_str()?);
    let reference = consent.pointer("/sourceReference/reference")?.as_str()?;
    reference.strip_prefix("Consent/").filter(|id| counts && is_id(id)).map(Into::into)
}

/// The panel of a recipient; `None` is every member.
fn panel(recipient: Option<&Recipient>) -> String {
    match recipient {
        None => EVERYBODY.to_owned(),
        Some(Recipient::Named(name)) => name.to_string(),
        Some(Recipient::Kind(kind)) => kind_panel(*kind),
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

/// Whether the scope is patient-privacy; R4's other scopes are none of our business, anything else may be.
fn is_privacy(scope: &Value) -> Result<bool, &'static str> {
    let codings = || scope["coding"].as_array().into_iter().flatten();
    let of_r4 = |code: &str| codings().any(|coding| coding["system"] == SCOPE && coding["code"] == code);
    if of_r4("patient-privacy") {
        return Ok(true);
    }
    let may_be = codings().any(|coding| coding["code"] == "patient-privacy");
    if !may_be && ["adr", "research", "treatment"].into_iter().any(of_r4) { Ok(false) } else { Err("Consent.scope") }
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

fn patient(reference: &str) -> Option<PatientKey> {
    Some(PatientKey::of_id(reference.strip_prefix("Patient/").filter(|id| is_id(id))?))
}

fn only(members: &Map<String, Value>, known: &[&str], place: &'static str) -> Result<(), &'static str> {
    if members.keys().all(|name| known.contains(&name.as_str())) { Ok(()) } else { Err(place) }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::rule::Of;
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
        assert_eq!(directive.panels(&[]), ["Organization/agency-a"]);
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
            ("/provision/purpose", json!({"code": "TREAT"}), "provision.purpose"),
            ("/provision/provision", json!([{"code": []}]), "provision.type"),
            ("/provision/dataPeriod", json!({"start": "2020-13"}), "provision.dataPeriod"),
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
            assert!(directive.panels(&[]).is_empty());
        }
        assert!(with("/山田太郎", json!(1)).alarm().is_some_and(|issue| !issue.english().contains("山田")));
    }

    #[test]
    fn an_actor_not_understood_matches_nobody_in_a_permit_and_everybody_in_a_deny() {
        let strange = [
            "Patient/p",
            "Organization/a/_history/1",
            "organization/a",
            "Organization%2Fa",
            " Organization/a",
            "Organization/",
            "https://gateway.example/Organization/a",
            "#a",
        ];
        let rule = |directive: Directive| match directive.effect {
            Effect::Rule(rule) => *rule,
            other => panic!("{other:?}"),
        };
        for reference in strange {
            let actors = json!([actor("IRCP", reference), actor("PRCP", "Organization/b")]);
            let permit = with("/provision/actor", actors.clone());
            assert_eq!(permit.panels(&[]), ["Organization/b"], "{reference}");
            assert_eq!(permit.alarm().map(|issue| issue.rule.id), Some("consent-partly-understood"));
            let deny = with("/provision", json!({"type": "deny", "actor": actors}));
            assert_eq!(rule(deny).recipients, Of::Any, "{reference}");
        }
        let author = json!([actor("AUT", "Organization/h"), actor("IRCP", "Organization/b")]);
        assert!(with("/provision/actor", author.clone()).panels(&[]).is_empty());
        for deny in [json!({"type": "deny", "actor": author}), json!({"type": "deny"})] {
            assert_eq!(rule(with("/provision", deny)).recipients, Of::Any);
        }
        // Nobody named is every member.
        let blanket = with("/provision", json!({"type": "permit"}));
        assert_eq!((blanket.panels(&[]), rule(blanket).recipients), (vec!["*".to_owned()], Of::Any));
    }

    #[test]
    fn partial_dates_reach_from_the_earliest_to_the_latest_instant_in_japan() {
        let directive = with("/provision/period", json!({"start": "2026-04", "end": "2026-09-30"}));
        let Effect::Rule(rule) = directive.effect else { panic!("{directive:?}") };
        assert_eq!(crate::fhir::time::instant(rule.period.start, 540), "2026-04-01T00:00:00.000+09:00");
        assert_eq!(crate::fhir::time::instant(rule.period.end, 540), "2026-10-01T00:00:00.000+09:00");
    }

    #[test]
    fn panels_take_whom_any_permit_names_at_any_depth() {
        let permit = |more: Value| {
            let mut permit = json!({"type": "permit"});
            permit.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
            permit
        };
        let to = |name: &str| json!([actor("IRCP", name)]);
        let nested = json!({"type": "deny", "provision": [
            permit(json!({"actor": to("Organization/a"), "provision": [permit(json!({}))]})),
            {"type": "deny", "actor": to("Organization/b"), "provision": [permit(json!({"class": []}))]}]});
        assert_eq!(
            with("/provision", nested.clone()).alarm().map(|issue| issue.detail.as_str()),
            Some("provision.class")
        );
        let mut nested = nested;
        nested["provision"][1]["provision"][0] = permit(json!({}));
        assert_eq!(with("/provision", nested).panels(&[]), ["Organization/a", "Organization/b"]);
        let refused = json!({"type": "deny", "actor": to("Organization/b")});
        assert!(with("/provision", refused).panels(&[]).is_empty());
    }
}
