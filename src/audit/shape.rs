//! What kind of event it is and who took which part in it, as IHE BALP 1.1 (Basic Audit Log Patterns) has it: the one table
//! from which the FHIR and the DICOM form follow.
//!
//! A read refused for want of consent is an event of its own kind, the decision (BALP AuthZ Consent): nothing was read. The
//! answer that the caller got is that of something that does not exist.

use super::event::{Event, Outcome, What};

pub(super) const DCM: &str = "http://dicom.nema.org/resources/ontology/DCM";
pub(super) const EVENT_TYPE: &str = "http://terminology.hl7.org/CodeSystem/audit-event-type";
pub(super) const INTERACTION: &str = "http://hl7.org/fhir/restful-interaction";
pub(super) const PARTICIPATION: &str = crate::fhir::system::V3_PARTICIPATION;
pub(super) const OPERATION: &str = "https://tasuki.example/fhir/CodeSystem/operation";
pub(super) const ACT_REASON: &str = "http://terminology.hl7.org/CodeSystem/v3-ActReason";
const LIFECYCLE: &str = "http://terminology.hl7.org/CodeSystem/iso-21089-lifecycle";
const AUTHZ: &str = "https://profiles.ihe.net/ITI/BALP/CodeSystem/AuthZsubType";
const SECURITY_ROLE: &str = "http://terminology.hl7.org/CodeSystem/extra-security-role-type";
const PROVENANCE_ROLE: &str = "http://terminology.hl7.org/CodeSystem/provenance-participant-type";
const ROLE_CLASS: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleClass";

/// A code: system, code, what it means.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Code(pub(super) &'static str, pub(super) &'static str, pub(super) &'static str);

/// What kind of event it is.
#[derive(Debug)]
pub(super) struct Kind {
    pub(super) code: Code,
    pub(super) subtypes: Vec<Code>,
    /// AuditEvent.action, EventActionCode: create, read, update, delete, execute.
    pub(super) action: &'static str,
}

/// The parts that the gateway, the client and whoever it acts for took.
#[derive(Debug)]
pub(super) struct Parts<'a> {
    pub(super) server: Code,
    pub(super) client: Code,
    /// The person who signed in and the organisation, as references: whoever asked first, each with its part. None where
    /// neither is known: it was the client then.
    pub(super) people: Vec<(Code, &'a str)>,
}

/// That it is a decision upon consent; the subtypes before it say what was asked for.
const DECISION: Code = Code(AUTHZ, "AuthZ-Consent", "");
const DESTINATION: Code = Code(DCM, "110152", "Destination Role ID");
const SOURCE: Code = Code(DCM, "110153", "Source Role ID");
const APPLICATION: Code = Code(DCM, "110150", "Application");
const PROVIDER: Code = Code(ROLE_CLASS, "PROV", "healthcare provider");
const RECIPIENT: Code = Code(PARTICIPATION, "IRCP", "information recipient");
const AUTHOR: Code = Code(PARTICIPATION, "AUT", "author (originator)");

/// Whether it is a decision by which nothing left for want of consent.
pub(super) fn is_decision(event: &Event) -> bool {
    event.outcome == Outcome::Consent
}

/// The codes of an event, as searches name them.
#[derive(Debug)]
pub struct Codes {
    /// `AuditEvent.type`: system and code.
    pub kind: (&'static str, &'static str),
    /// `AuditEvent.subtype`.
    pub subtypes: Vec<(&'static str, &'static str)>,
    /// `AuditEvent.action`.
    pub action: &'static str,
    /// `AuditEvent.outcome`.
    pub outcome: &'static str,
    /// What was asked for, most closely: the operation, the interaction, or what the event is.
    pub asked: (&'static str, &'static str),
}

/// The codes of an event.
pub fn codes(event: &Event) -> Codes {
    let kind = kind(event);
    let asked = kind.subtypes.iter().rfind(|code| **code != DECISION).copied();
    Codes {
        kind: (kind.code.0, kind.code.1),
        subtypes: kind.subtypes.iter().map(|code| (code.0, code.1)).collect(),
        action: kind.action,
        outcome: outcome(event.outcome).0,
        asked: asked.map_or((kind.code.0, kind.code.1), |code| (code.0, code.1)),
    }
}

pub(super) fn kind(event: &Event) -> Kind {
    let what = event.what;
    if is_decision(event) {
        let mut subtypes = interaction(what);
        subtypes.push(DECISION);
        return Kind { code: Code(DCM, "110113", "Security Alert"), subtypes, action: "E" };
    }
    let (code, mut subtypes) = match what {
        What::Receive | What::Import => (Code(DCM, "110107", "Import"), Vec::new()),
        What::Send | What::Export => (Code(DCM, "110106", "Export"), Vec::new()),
        // Who a client is was shown, asked about or withdrawn (DICOM PS3.15 A.5.3.6).
        What::Token => (AUTHENTICATION, vec![Code(DCM, "110122", "Login")]),
        What::Revocation => (AUTHENTICATION, vec![Code(DCM, "110123", "Logout")]),
        What::Introspection => (AUTHENTICATION, Vec::new()),
        What::LetterRead | What::Replay | What::LetterDropped => (Code(DCM, "110110", "Patient Record"), Vec::new()),
        // Two records become one person's, or are no longer (ISO 21089-2017).
        What::Link => {
            (Code(DCM, "110110", "Patient Record"), vec![Code(LIFECYCLE, "link", "Link Record Lifecycle Event")])
        }
        What::Unlink => {
            (Code(DCM, "110110", "Patient Record"), vec![Code(LIFECYCLE, "unlink", "Unlink Record Lifecycle Event")])
        }
        What::EmergencyStarted => (ALERT, vec![Code(DCM, "110127", "Emergency Override Started")]),
        What::EmergencyStopped => (ALERT, vec![Code(DCM, "110138", "Emergency Override Stopped")]),
        What::AuditExport => (Code(DCM, "110101", "Audit Log Used"), Vec::new()),
        What::Start => (ACTIVITY, vec![Code(DCM, "110120", "Application Start")]),
        What::Stop => (ACTIVITY, vec![Code(DCM, "110121", "Application Stop")]),
        What::ClientsChanged => (ALERT, vec![Code(DCM, "110137", "User Security Attributes Changed")]),
        What::MapsChanged => (ALERT, vec![Code(DCM, "110131", "Software Configuration")]),
        _ => (Code(EVENT_TYPE, "rest", "Restful Operation"), interaction(what)),
    };
    if event.discloses() {
        subtypes.insert(0, Code(LIFECYCLE, "disclose", "Disclose Record Lifecycle Event"));
    }
    Kind { code, subtypes, action: action(what) }
}

const AUTHENTICATION: Code = Code(DCM, "110114", "User Authentication");
const ACTIVITY: Code = Code(DCM, "110100", "Application Activity");
const ALERT: Code = Code(DCM, "110113", "Security Alert");

/// The interaction of REST that was asked for, and the operation.
fn interaction(what: What) -> Vec<Code> {
    let name = match what {
        What::Read => "read",
        What::VersionRead => "vread",
        What::History => "history",
        What::Search => "search",
        What::Create => "create",
        What::Update => "update",
        What::Patch => "patch",
        What::Delete => "delete",
        What::Transaction => "transaction",
        _ => "operation",
    };
    let mut codes = vec![Code(INTERACTION, name, name)];
    codes.extend(what.operation().map(|name| Code(OPERATION, name, "")));
    codes
}

fn action(what: What) -> &'static str {
    match what {
        What::Read | What::VersionRead | What::History | What::Send | What::LetterRead => "R",
        What::Export | What::AuditExport => "R",
        What::Create | What::Receive | What::Import => "C",
        What::Update | What::Patch | What::Replay | What::Link | What::Unlink => "U",
        What::Register | What::Revoke | What::RegisterBatch => "U",
        What::Delete | What::LetterDropped => "D",
        _ => "E",
    }
}

/// AuditEvent.outcome, EventOutcomeIndicator: 0 success, 4 minor, 8 serious, 12 major failure.
pub(super) fn outcome(outcome: Outcome) -> (&'static str, &'static str) {
    match outcome {
        Outcome::Done => ("0", ""),
        Outcome::NotFound => ("4", "There is no such resource."),
        Outcome::Rejected => ("4", "The request was rejected."),
        Outcome::Failed => ("12", "The gateway failed; nothing left it."),
        Outcome::UnknownCaller => ("8", "The caller is not known."),
        Outcome::Role => ("8", "The caller's role does not include this."),
        Outcome::Scope => ("8", "The caller's token is not good for this."),
        Outcome::Consent => ("8", "No consent covers this; the caller was told that it does not exist."),
        Outcome::Other => ("4", "An outcome that this version does not know."),
    }
}

/// BALP names the client by which way the data go: destination of a read, source of the rest. Of a delete none go.
pub(super) fn parts(event: &Event) -> Parts<'_> {
    let what = event.what;
    let (server, client) = match what {
        _ if is_decision(event) => (Code(SECURITY_ROLE, "authserver", ""), APPLICATION),
        What::Delete | What::LetterDropped => (Code(PROVENANCE_ROLE, "custodian", "Custodian"), APPLICATION),
        What::Start | What::Stop | What::ClientsChanged | What::MapsChanged => (APPLICATION, APPLICATION),
        _ if shows(what) => (SOURCE, DESTINATION),
        _ => (DESTINATION, SOURCE),
    };
    let asks = if writes(what) && !is_decision(event) { AUTHOR } else { RECIPIENT };
    // Whoever sits at the terminal is no organisation.
    let organization = event.agent.as_ref().map(|agent| agent.organization.as_str()).filter(|name| !name.is_empty());
    let mut people: Vec<_> = event.person.as_deref().map(|person| (asks, person)).into_iter().collect();
    if let Some(organization) = organization {
        if people.is_empty() {
            people.push((asks, organization));
        }
        // BALP names the organisation of whoever asked where consent is decided.
        if is_decision(event) || event.person.is_some() {
            people.push((PROVIDER, organization));
        }
    }
    Parts { server, client, people }
}

/// Whether it answers with resources of the store that are named.
fn shows(what: What) -> bool {
    let reads = matches!(what, What::Read | What::VersionRead | What::History | What::Send | What::LetterRead);
    reads
        || finds(what)
        || matches!(what, What::Export | What::AuditExport | What::AccessReport)
        || matches!(what, What::RegistrationReport | What::RegistrationForm)
}

/// Whether it is an operation that answers with resources of the store.
pub(super) fn finds(what: What) -> bool {
    matches!(what, What::Everything | What::Document | What::DocRef | What::LastN | What::Meta | What::Summary)
        || matches!(what, What::Match | What::CrossReference)
}

/// Whether it changes resources.
pub(super) fn writes(what: What) -> bool {
    matches!(what, What::Create | What::Update | What::Patch | What::Delete | What::Receive | What::Transaction)
        || matches!(what, What::MetaAdd | What::MetaDelete | What::Import | What::Link | What::Unlink)
        || matches!(what, What::Register | What::Revoke | What::RegisterBatch)
}

/// The method that a query was sent with, and the path below the base address.
pub(super) fn asked(event: &Event, query: &str) -> String {
    let type_name = event.resource_type.map_or("", |resource_type| resource_type.name());
    let operation = event.what.operation().map(|name| format!("/${name}")).unwrap_or_default();
    format!("GET {type_name}{operation}?{query}")
}

/// The host of an address, without its port.
pub(super) fn host(url: &str) -> &str {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    let host = rest.split(['/', '?', '#']).next().unwrap_or_default();
    match host.strip_prefix('[').and_then(|rest| rest.split_once(']')) {
        Some((v6, _)) => v6,
        None => host.split(':').next().unwrap_or_default(),
    }
}

/// The letter that the operator looked at, where it was one.
pub(super) fn letter(event: &Event) -> Option<&str> {
    event.request.strip_prefix("letter ")
}
