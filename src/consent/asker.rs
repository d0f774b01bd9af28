//! Who asks, as consents name it, and what for.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::member::MemberKind;
use super::purpose::Purpose;
use super::rule::Recipient;
use super::team::Team;
use crate::fhir::time::Interval;

/// Who asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// The organisation: `Organization/a`.
    pub organization: Box<str>,
    /// The person who signed in: `Practitioner/p`.
    pub person: Option<Box<str>>,
    /// The teams and groups that it is in.
    pub teams: Teams,
    /// The kind of member that it is.
    pub kind: Option<MemberKind>,
    /// What for.
    pub purpose: Purpose,
    /// With which application: system and code.
    pub application: Option<(Box<str>, Box<str>)>,
    /// Since when it is a member, milliseconds since 1970.
    pub joined: Option<i64>,
}

/// When a rule is for somebody.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Times {
    /// Whenever it holds.
    Always,
    /// While it is in a team.
    During(Box<[Interval]>),
}

impl Times {
    pub(super) fn boundaries(&self, found: &mut Vec<i64>) {
        if let Times::During(times) = self {
            found.extend(times.iter().flat_map(|time| [time.start, time.end]));
        }
    }

    pub(super) fn include(&self, now_ms: i64) -> bool {
        match self {
            Times::Always => true,
            Times::During(times) => times.iter().any(|time| time.start <= now_ms && now_ms < time.end),
        }
    }
}

/// The CareTeams and Groups of the directory that somebody is in, at one instant.
#[derive(Clone, Debug, Default)]
pub struct Teams {
    /// Those that it is in: `CareTeam/id`.
    pub of: Vec<Box<str>>,
    /// Those of the directory that it certainly is not in.
    pub known: Arc<BTreeSet<Box<str>>>,
}

impl PartialEq for Teams {
    fn eq(&self, other: &Self) -> bool {
        self.of == other.of && (Arc::ptr_eq(&self.known, &other.known) || self.known == other.known)
    }
}

impl Eq for Teams {}

impl Asker {
    /// An organisation of which no more is known.
    pub fn new(organization: &str, purpose: Purpose) -> Self {
        Asker {
            organization: organization.into(),
            person: None,
            teams: Teams::default(),
            kind: None,
            purpose,
            application: None,
            joined: None,
        }
    }

    /// When a rule is for who asks, of whom it names; `None` is never. What cannot be told is never in a permit and always in a
    /// deny.
    pub(super) fn times(&self, recipients: &[Recipient], permits: bool, teams: &[Team]) -> Option<Times> {
        let mut times = Vec::new();
        for recipient in recipients {
            match self.time(recipient, permits, teams) {
                Some(Times::Always) => return Some(Times::Always),
                Some(Times::During(during)) => times.extend(during),
                None => {}
            }
        }
        (!times.is_empty()).then(|| Times::During(times.into()))
    }

    fn time(&self, recipient: &Recipient, permits: bool, teams: &[Team]) -> Option<Times> {
        let told = match recipient {
            Recipient::Kind(kind) => self.kind.map(|own| own == *kind),
            Recipient::Named(name) => match name.split_once('/').map_or("", |(kind, _)| kind) {
                "Organization" => Some(*self.organization == **name),
                "Practitioner" => self.person.as_ref().map(|person| person == name),
                "CareTeam" | "Group" if self.teams.of.contains(name) => Some(true),
                "CareTeam" | "Group" => match teams.iter().find(|team| team.reference == *name) {
                    Some(team) if permits && !team.is_active => Some(false),
                    Some(team) if !permits && !team.is_active => Some(team.times(|named| self.may_be(named)).is_some()),
                    Some(team) if permits => return team.times(|named| self.is(named)).map(Times::During),
                    Some(team) => return team.times(|named| self.may_be(named)).map(Times::During),
                    None => self.teams.known.contains(name).then_some(false),
                },
                _ => None,
            },
        };
        told.unwrap_or(!permits).then_some(Times::Always)
    }

    fn is(&self, named: &str) -> bool {
        *self.organization == *named || self.person.as_deref() == Some(named)
    }

    /// Whether it is, or it cannot be told: a person where nobody signed in, a role, another team.
    fn may_be(&self, named: &str) -> bool {
        let told = match named.split_once('/').map_or("", |(kind, _)| kind) {
            "Organization" | "Patient" | "RelatedPerson" => true,
            "Practitioner" => self.person.is_some(),
            _ => false,
        };
        !told || self.is(named)
    }

    /// Whether it asks with an application.
    pub(super) fn uses(&self, application: &(Box<str>, Box<str>)) -> bool {
        self.application.as_ref() == Some(application)
    }

    /// Whether it may be shown what a patient has not been told, where a consent says so.
    pub(super) fn is_professional(&self) -> bool {
        self.kind.is_some_and(MemberKind::is_professional)
    }
}
