//! What a search of AuditEvents asks for (auditevent.html#search), and which events are meant. The journal answers, not the
//! columns of records: these parameters, and no others.

use super::asked::decoded;
use super::routes::printable;
use super::rules;
use crate::audit::{self, Event, id_of, place_of};
use crate::fault::{Issue, Place};
use crate::fhir::time::Interval;
use crate::fhir::{PatientKey, ResourceType, reference};

/// The search parameters of AuditEvent that are offered, besides `_count`.
pub(super) const PARAMETERS: [&str; 8] = ["action", "agent", "date", "entity", "outcome", "patient", "subtype", "type"];

/// Events in one answer when the caller names no number.
const COUNT_DEFAULT: usize = 50;
/// Events in one answer at most.
const COUNT_MAX: usize = 1000;
/// Values that a search names at most, all parameters together.
const VALUES_MAX: usize = 100;

/// A search of AuditEvents.
#[derive(Debug)]
pub(super) struct Asked {
    /// Of which the index knows.
    pub(super) patient: Option<PatientKey>,
    /// Not before this instant, milliseconds since 1970.
    pub(super) from_ms: i64,
    /// Before this instant.
    pub(super) to_ms: i64,
    /// Events in the answer at most.
    pub(super) count: usize,
    /// Only what was recorded before this event.
    pub(super) before: Option<(u64, u32)>,
    /// Each of these must hold; of the values of one, one of them.
    criteria: Vec<Vec<Criterion>>,
    /// The query without the place of the page, as it was sent.
    query: String,
}

#[derive(Debug, PartialEq, Eq)]
enum Criterion {
    Action(Token),
    Agent(String),
    Entity(String),
    Outcome(Token),
    Patient(PatientKey),
    Subtype(Token),
    Type(Token),
}

/// A token of a search: the system, where it is said, and the code.
#[derive(Debug, PartialEq, Eq)]
struct Token(Option<String>, String);

impl Asked {
    /// Reads a query; `base` is the gateway's own address.
    pub(super) fn read(query: &str, base: &str, zone_minutes: i16) -> Result<Self, Issue> {
        let mut asked = Asked {
            patient: None,
            from_ms: i64::MIN,
            to_ms: i64::MAX,
            count: COUNT_DEFAULT,
            before: None,
            criteria: Vec::new(),
            query: String::new(),
        };
        let mut values = 0;
        for pair in query.split('&').filter(|pair| !pair.is_empty()) {
            let (name, sent) = pair.split_once('=').unwrap_or((pair, ""));
            let wrong = || Issue::with(&rules::VALUE, Place::Whole, printable(name));
            let value = decoded(sent).ok_or_else(wrong)?;
            let own: Vec<&str> = value.split(',').collect();
            values += own.len();
            if value.is_empty() {
                continue;
            }
            if values > VALUES_MAX {
                return Err(wrong());
            }
            match name {
                "_count" => asked.count = value.parse::<usize>().map_err(|_| wrong())?.min(COUNT_MAX),
                "_cursor" => asked.before = Some(place_of(&value).ok_or_else(wrong)?),
                // The newest come first, whatever is wanted.
                "_format" | "_pretty" => {}
                "date" => asked.date(&value, zone_minutes).ok_or_else(wrong)?,
                _ => asked.criteria.push(
                    own.iter().map(|one| criterion(name, one, base)).collect::<Option<_>>().ok_or_else(|| {
                        let known = PARAMETERS.contains(&name);
                        if known { wrong() } else { Issue::with(&rules::PARAMETER, Place::Whole, printable(name)) }
                    })?,
                ),
            }
            if name != "_cursor" {
                let mark = if asked.query.is_empty() { "" } else { "&" };
                asked.query += &format!("{mark}{name}={sent}");
            }
        }
        // By the index where one patient is meant.
        let at = asked.criteria.iter().position(|any| matches!(any[..], [Criterion::Patient(_)]));
        if let Some([Criterion::Patient(patient)]) = at.map(|at| asked.criteria.swap_remove(at)).as_deref() {
            asked.patient = Some(*patient);
        }
        Ok(asked)
    }

    /// A date with its prefix (search.html#date); several narrow each other.
    fn date(&mut self, value: &str, zone_minutes: i16) -> Option<()> {
        let (prefix, text) = match value.get(..2).filter(|two| two.bytes().all(|b| b.is_ascii_alphabetic())) {
            Some(prefix) => (prefix, &value[2..]),
            None => ("eq", value),
        };
        // A plus that was sent as it is came to be a space; no instant has one.
        let Interval { start, end } = Interval::parse(&text.replace(' ', "+"), zone_minutes)?;
        let (from, to) = match prefix {
            "eq" => (start, end),
            "ge" => (start, i64::MAX),
            "gt" | "sa" => (end, i64::MAX),
            "le" => (i64::MIN, end),
            "lt" | "eb" => (i64::MIN, start),
            _ => return None,
        };
        (self.from_ms, self.to_ms) = (self.from_ms.max(from), self.to_ms.min(to));
        Some(())
    }

    /// Whether an event is meant; patient by the index, time and place are not looked at.
    pub(super) fn holds(&self, event: &Event) -> bool {
        self.criteria.iter().all(|any| any.iter().any(|criterion| criterion.holds(event)))
    }

    /// The query as a link has it: the same, of the page before an event.
    pub(super) fn link(&self, before: Option<(u64, u32)>) -> String {
        let cursor = before.and_then(|(chunk, index)| id_of(chunk, index));
        let mark = if self.query.is_empty() { "" } else { "&" };
        match cursor {
            Some(cursor) => format!("{}{mark}_cursor={}", self.query, cursor.as_str()),
            None => self.query.clone(),
        }
    }
}

/// One value of a parameter; `None` where there is no such parameter, or it takes no such value.
fn criterion(name: &str, value: &str, base: &str) -> Option<Criterion> {
    let token = || {
        let (system, code) = value.rsplit_once('|').map_or((None, value), |(system, code)| (Some(system), code));
        (!code.is_empty()).then(|| Token(system.map(str::to_owned), code.to_owned()))
    };
    let named = || reference::below(base, value).unwrap_or(value).to_owned();
    Some(match name {
        "action" => Criterion::Action(token()?),
        "outcome" => Criterion::Outcome(token()?),
        "subtype" => Criterion::Subtype(token()?),
        "type" => Criterion::Type(token()?),
        "agent" => Criterion::Agent(named()),
        "entity" => Criterion::Entity(named()),
        "patient" => {
            let named = named();
            Criterion::Patient(PatientKey::from_patient_id(named.strip_prefix("Patient/").unwrap_or(&named))?)
        }
        _ => return None,
    })
}

impl Criterion {
    fn holds(&self, event: &Event) -> bool {
        match self {
            Criterion::Patient(patient) => event.patients.contains(patient),
            Criterion::Agent(named) => {
                let own = event.agent.as_ref().map_or("", |agent| agent.organization.as_str());
                own == named || (!named.contains('/') && own.strip_prefix("Organization/") == Some(named))
            }
            Criterion::Entity(named) => entities(event).any(|entity| {
                entity == *named || entity.split_once('/').is_some_and(|(_, id)| !named.contains('/') && id == *named)
            }),
            Criterion::Action(token) => token.is("http://hl7.org/fhir/audit-event-action", audit::codes(event).action),
            Criterion::Outcome(token) => {
                token.is("http://hl7.org/fhir/audit-event-outcome", audit::codes(event).outcome)
            }
            Criterion::Type(token) => {
                let (system, code) = audit::codes(event).kind;
                token.is(system, code)
            }
            Criterion::Subtype(token) => {
                audit::codes(event).subtypes.iter().any(|(system, code)| token.is(system, code))
            }
        }
    }
}

/// What an event is about, as references: patients, the resource, consents.
fn entities(event: &Event) -> impl Iterator<Item = String> {
    let patients = event.patients.iter().map(|patient| patient.reference());
    let resource = event.id.as_ref().zip(event.resource_type);
    let resource = resource.map(|(id, of): (_, ResourceType)| format!("{}/{}", of.name(), id.as_str()));
    let consents = event.consents.iter().map(|consent| format!("Consent/{}", consent.id));
    patients.chain(resource).chain(consents)
}

impl Token {
    fn is(&self, system: &str, code: &str) -> bool {
        self.0.as_ref().is_none_or(|own| own == system) && self.1 == code
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::audit::{Agent, Outcome, What};
    use crate::consent::{ConsentVersion, Role};
    use crate::fhir::ResourceId;

    const BASE: &str = "https://gateway.example/fhir";

    fn read(query: &str) -> Result<Asked, String> {
        Asked::read(query, BASE, 540).map_err(|issue| format!("{} {}", issue.rule.id, issue.detail))
    }

    fn event() -> Event {
        Event {
            outcome: Outcome::Done,
            agent: Some(Agent { client: "c".into(), organization: "Organization/a".into(), role: Role::Care }),
            resource_type: Some(ResourceType::OBSERVATION),
            id: ResourceId::parse("o1"),
            patients: vec![PatientKey(7 << 64), PatientKey(8 << 64)],
            consents: vec![ConsentVersion { id: "k1".into(), version: 3 }],
            ..Event::new(1_790_000_000_123, What::Read)
        }
    }

    #[test]
    fn events_are_told_by_what_is_asked() {
        let [patient, other] = [7, 9].map(|n| PatientKey(n << 64).reference());
        for (query, expected) in [
            ("", true),
            ("type=rest", true),
            ("type=http://terminology.hl7.org/CodeSystem/audit-event-type|rest", true),
            ("type=http://elsewhere.example|rest", false),
            ("type=110106,rest", true),
            ("type=110106", false),
            ("subtype=read&action=R&outcome=0", true),
            ("subtype=search", false),
            ("action=E", false),
            ("outcome=8", false),
            ("agent=Organization/a", true),
            ("agent=https%3A%2F%2Fgateway.example%2Ffhir%2FOrganization%2Fa", true),
            ("agent=a", true),
            ("agent=Organization/b", false),
            ("entity=Observation/o1", true),
            ("entity=o1", true),
            ("entity=Consent/k1", true),
            ("entity=Observation/o2", false),
            (&format!("entity={patient}"), true),
            (&format!("patient={patient},{other}"), true),
            (&format!("patient={other},{other}"), false),
        ] {
            assert_eq!(read(query).unwrap().holds(&event()), expected, "{query}");
        }
        assert_eq!(read(&format!("type=rest&patient={patient}")).unwrap().patient, Some(PatientKey(7 << 64)));
    }

    #[test]
    fn dates_narrow_each_other() {
        let day = 86_400_000;
        let first = Interval::parse("2026-11-21", 540).unwrap().start;
        for (query, from, to) in [
            ("date=2026-11-21", first, first + day),
            ("date=ge2026-11-21", first, i64::MAX),
            ("date=gt2026-11-21", first + day, i64::MAX),
            ("date=lt2026-11-21", i64::MIN, first),
            ("date=le2026-11-21", i64::MIN, first + day),
            ("date=ge2026-11-21&date=lt2026-11-23", first, first + 2 * day),
            ("date=ge2026-11-21T00:00:00%2B09:00", first, i64::MAX),
            ("date=ge2026-11-21T00:00:00+09:00", first, i64::MAX),
        ] {
            let asked = read(query).unwrap();
            assert_eq!((asked.from_ms, asked.to_ms), (from, to), "{query}");
        }
    }

    #[test]
    fn what_cannot_be_read_is_refused_by_name_and_a_link_says_the_same_again() {
        for (query, expected) in [
            ("patient=nobody", "parameter-value patient"),
            ("date=yesterday", "parameter-value date"),
            ("date=xx2026", "parameter-value date"),
            ("_cursor=1", "parameter-value _cursor"),
            ("_count=x", "parameter-value _count"),
            ("agent-name=x", "parameter agent-name"),
            ("type=%zz", "parameter-value type"),
        ] {
            assert_eq!(read(query).unwrap_err(), expected, "{query}");
        }
        let values = |count: usize| format!("type={}", vec!["rest"; count].join(","));
        assert!(read(&values(VALUES_MAX)).is_ok() && read(&values(VALUES_MAX + 1)).is_err());
        for (asked, count) in [(COUNT_MAX, COUNT_MAX), (COUNT_MAX + 1, COUNT_MAX), (0, 0)] {
            assert_eq!(read(&format!("_count={asked}")).unwrap().count, count);
        }
        let asked = read("type=rest&_cursor=0000000000000009-00000001&date=ge2026").unwrap();
        assert_eq!(asked.before, Some((9, 1)));
        assert_eq!(asked.link(None), "type=rest&date=ge2026");
        assert_eq!(asked.link(Some((7, 0))), "type=rest&date=ge2026&_cursor=0000000000000007-00000000");
    }
}
