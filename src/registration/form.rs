//! What a paper form of consent holds (参加同意書; 宇陀けあネット, あじさいネット and others ask for these fields), before anything is
//! made of it.

use serde_json::Value;

use super::rule;
use super::{Scan, Scope};
use crate::consent::MemberKind;
use crate::fault::{Issue, Place, Rule};
use crate::fhir::PatientKey;
use crate::fhir::time::Interval;
use crate::identity::Traits;

/// Recipients, or sources, of one form.
pub(super) const MEMBERS_MAX: usize = 100;
/// Records that one form names in `link` or `separate`.
pub(super) const NAMED_MAX: usize = 20;
/// Characters of who registered it, or of a registration number.
pub(super) const TEXT_CHARACTERS_MAX: usize = 100;
/// Offset of dates: Japan Standard Time.
pub(super) const ZONE_MINUTES: i16 = 540;

/// A form.
#[derive(Clone, Debug, Default)]
pub struct Form {
    /// Who agrees, as a Patient.
    pub person: Value,
    /// The registration number (登録番号), where the form has one.
    pub number: Option<String>,
    /// Who receives; nobody named is every member.
    pub recipients: Vec<Member>,
    /// Whose data may be shared, `Organization/id`; none named is every facility's.
    pub sources: Vec<String>,
    /// What may be shared.
    pub scope: Scope,
    /// From when, as a FHIR date.
    pub start: Option<String>,
    /// Until when, the day included.
    pub end: Option<String>,
    /// What shows it.
    pub evidence: Evidence,
    /// Records that are this person's: confirmed at the counter.
    pub link: Vec<PatientKey>,
    /// Records that are not.
    pub separate: Vec<PatientKey>,
}

/// What shows that somebody agreed, or withdrew.
#[derive(Clone, Debug, Default)]
pub struct Evidence {
    /// How.
    pub basis: Basis,
    /// When it was signed or said, as a FHIR date.
    pub signed: String,
    /// When that was verified; when it was signed where it is not said.
    pub verified: Option<String>,
    /// Who heard or entered it: a name, or `Practitioner/id`.
    pub registrar: Option<String>,
    /// Who agreed in the person's place (代理人), as a RelatedPerson.
    pub representative: Option<Value>,
    /// Why the representative did it (代筆の理由).
    pub reason: Option<String>,
    /// The form as it was scanned.
    pub scan: Option<Scan>,
}

/// Who receives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Member {
    /// An organisation, a team or a person, by reference.
    Named(String),
    /// Every member of a kind.
    Kind(MemberKind),
}

/// How somebody agreed (`profiles/consent/CodeSystem-consent-basis.json`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[allow(missing_docs)] // the names are the codes
pub enum Basis {
    #[default]
    Written,
    Proxy,
    Oral,
    Deemed,
    Electronic,
}

impl Basis {
    const ALL: [(&'static str, &'static str, Basis); 9] = [
        ("written", "書面", Basis::Written),
        ("form", "同意書", Basis::Written),
        ("proxy", "代理", Basis::Proxy),
        ("proxy", "代理人", Basis::Proxy),
        ("proxy", "代理人による同意", Basis::Proxy),
        ("oral", "口頭", Basis::Oral),
        ("deemed", "黙示の同意", Basis::Deemed),
        ("deemed", "黙示", Basis::Deemed),
        ("electronic", "電子的同意", Basis::Electronic),
    ];

    /// By its code, or as clerks write it.
    pub fn parse(text: &str) -> Option<Self> {
        Basis::ALL.iter().find(|(code, name, _)| [*code, *name].contains(&text)).map(|(_, _, basis)| *basis)
    }

    pub(super) const fn code(self) -> &'static str {
        match self {
            Basis::Written => "written",
            Basis::Proxy => "proxy",
            Basis::Oral => "oral",
            Basis::Deemed => "deemed",
            Basis::Electronic => "electronic",
        }
    }
}

impl Member {
    /// A reference to an Organization, a CareTeam or a Practitioner, or the code of a kind of member.
    pub fn parse(text: &str) -> Option<Self> {
        if let Some(kind) = MemberKind::parse(text) {
            return Some(Member::Kind(kind));
        }
        let (of, id) = text.split_once('/')?;
        let is_known = ["Organization", "CareTeam", "Practitioner"].contains(&of);
        (is_known && crate::fhir::reference::is_id(id)).then(|| Member::Named(text.to_owned()))
    }

    /// As it is told.
    pub fn text(&self) -> &str {
        match self {
            Member::Named(name) => name,
            Member::Kind(kind) => kind.code(),
        }
    }
}

impl Evidence {
    /// What of it is missing or cannot be; `now_ms` is the clock. `field` is what the date is called.
    pub(super) fn issues(&self, now_ms: i64, field: &'static str, found: &mut Vec<Issue>) {
        match day(&self.signed) {
            None if self.signed.is_empty() => found.push(issue(&rule::MISSING, field, field)),
            None => found.push(issue(&rule::VALUE, field, field)),
            Some(day) if day.start > now_ms => found.push(issue(&rule::FUTURE, field, "")),
            Some(_) => {}
        }
        if self.verified.as_deref().is_some_and(|date| day(date).is_none()) {
            found.push(issue(&rule::VALUE, "verified", "verified"));
        }
        if self.basis == Basis::Proxy && self.representative.is_none() {
            found.push(issue(&rule::PROXY, "representative", ""));
        }
        if self.basis == Basis::Oral && self.registrar.is_none() {
            found.push(issue(&rule::HEARD, "registrar", ""));
        }
        if self.registrar.as_deref().is_some_and(|text| text.chars().count() > TEXT_CHARACTERS_MAX) {
            found.push(issue(&rule::VALUE, "registrar", "registrar"));
        }
    }
}

impl Form {
    /// What tells the person apart.
    pub(super) fn traits(&self) -> Traits {
        Traits::read(&self.person, &[])
    }

    /// What is missing or cannot be; nothing of a form with any is entered.
    pub(super) fn issues(&self, now_ms: i64) -> Vec<Issue> {
        let mut found = Vec::new();
        let traits = self.traits();
        if traits.names.is_empty() {
            found.push(issue(&rule::MISSING, "person.name", "person.name"));
        }
        if !traits.birth.is_some_and(|birth| birth.is_whole()) {
            found.push(issue(&rule::BIRTH, "person.birthDate", ""));
        }
        self.evidence.issues(now_ms, "signed", &mut found);
        let ends = [("start", &self.start), ("end", &self.end)].map(|(field, date)| {
            let read = date.as_deref().map(interval);
            if read == Some(None) {
                found.push(issue(&rule::VALUE, field, field));
            }
            read.flatten()
        });
        if let [Some(start), Some(end)] = ends
            && start.start >= end.end
        {
            found.push(issue(&rule::PERIOD, "end", ""));
        }
        let is_number = |text: &str| !text.trim().is_empty() && text.chars().count() <= TEXT_CHARACTERS_MAX;
        if self.number.as_deref().is_some_and(|number| !is_number(number)) {
            found.push(issue(&rule::VALUE, "number", "number"));
        }
        for (field, count, most) in [
            ("member", self.recipients.len(), MEMBERS_MAX),
            ("source", self.sources.len(), MEMBERS_MAX),
            ("link", self.link.len(), NAMED_MAX),
            ("separate", self.separate.len(), NAMED_MAX),
        ] {
            if count > most {
                found.push(issue(&rule::TOO_MANY, field, most.to_string()));
            }
        }
        found
    }
}

pub(super) fn issue(rule: &'static Rule, field: &'static str, detail: impl Into<String>) -> Issue {
    Issue::with(rule, Place::Path(field.into()), detail)
}

/// What a date of a form covers.
pub(super) fn interval(date: &str) -> Option<Interval> {
    Interval::parse(date, ZONE_MINUTES)
}

/// The same of one that must name a day at least.
pub(super) fn day(date: &str) -> Option<Interval> {
    interval(date).filter(|_| date.len() >= 10)
}
