//! The directives of one patient compiled for one organisation, and the decision: default deny, deny overrides.

use super::directive::{ConsentVersion, Directive, Effect, Recipients};
use crate::fhir::PatientKey;
use crate::fhir::time::Interval;
use crate::search::Labels;

/// What the consents about one patient mean for one organisation.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Policy {
    organization: Box<str>,
    about: Box<[PatientKey]>,
    denies: Box<[Span]>,
    permits: Box<[Span]>,
}

/// A time during which a consent permits or denies.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Span {
    period: Interval,
    consent: ConsentVersion,
}

/// May it be released, and because of which consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// Whether it may.
    pub permitted: bool,
    /// The consent that decided; `None` when there was none to permit it, or a label forbade it.
    pub by: Option<&'a ConsentVersion>,
}

impl Policy {
    /// Compiles every directive about a record, and about the records linked with it, for an organisation
    /// (`Organization/id`). `about` names the record first, then those linked with it: their consents count alike, a
    /// deny on any of them denies. A directive in force that is about somebody else denies, as one not understood.
    pub fn compile(organization: &str, about: &[PatientKey], directives: &[Directive]) -> Policy {
        let (mut denies, mut permits) = (Vec::new(), Vec::new());
        for directive in directives {
            let astray = directive.patient.is_none_or(|patient| !about.contains(&patient));
            let span = |period| Span { period, consent: directive.consent.clone() };
            match &directive.effect {
                Effect::Silent => {}
                Effect::NotUnderstood(_) => denies.push(span(Interval::ALWAYS)),
                Effect::Permit { .. } | Effect::Deny { .. } if astray => denies.push(span(Interval::ALWAYS)),
                Effect::Deny { recipients: Recipients::Everybody, period } => denies.push(span(*period)),
                Effect::Deny { recipients: Recipients::Only(named), period } => {
                    if names(named, organization) {
                        denies.push(span(*period));
                    }
                }
                Effect::Permit { recipients, period } => {
                    if names(recipients, organization) {
                        permits.push(span(*period));
                    }
                }
            }
        }
        let about = about.iter().copied().filter(|key| key.0 != 0 && !key.is_directory()).collect();
        Policy { organization: organization.into(), about, denies: denies.into(), permits: permits.into() }
    }

    /// The decision at an instant (milliseconds since 1970) about something with these labels. No consent releases
    /// what is labelled UNINFORMED (未告知), UNDELIVERED (未提供) or in a way not known.
    pub fn decide(&self, now_ms: i64, labels: Labels) -> Decision<'_> {
        if !labels.is_empty() {
            return Decision { permitted: false, by: None };
        }
        if let Some(deny) = in_force(&self.denies, now_ms) {
            return Decision { permitted: false, by: Some(deny) };
        }
        let permit = in_force(&self.permits, now_ms);
        Decision { permitted: permit.is_some(), by: permit }
    }

    /// The next instant after `now_ms` at which a decision may change without anything being written.
    pub fn next_boundary(&self, now_ms: i64) -> Option<i64> {
        let spans = self.denies.iter().chain(&self.permits);
        let instants = spans.flat_map(|span| [span.period.start, span.period.end]);
        instants.filter(|&at| at > now_ms && at != i64::MAX).min()
    }

    /// The organisation it was compiled for.
    pub fn organization(&self) -> &str {
        &self.organization
    }

    /// Whether it speaks for this patient.
    pub(super) fn covers(&self, patient: PatientKey) -> bool {
        self.about.contains(&patient)
    }
}

fn names(recipients: &[Box<str>], organization: &str) -> bool {
    recipients.iter().any(|recipient| **recipient == *organization)
}

fn in_force(spans: &[Span], now_ms: i64) -> Option<&ConsentVersion> {
    spans.iter().find(|span| span.period.start <= now_ms && now_ms < span.period.end).map(|span| &span.consent)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: PatientKey = PatientKey(7 << 64);

    fn permit(id: &str, patient: PatientKey, period: Interval) -> Directive {
        let effect = Effect::Permit { recipients: vec!["Organization/a".into()], period };
        Directive { consent: ConsentVersion { id: id.into(), version: 1 }, patient: Some(patient), effect }
    }

    #[test]
    fn boundaries_are_met_in_order() {
        let early = permit("early", RECORD, Interval { start: 10, end: 20 });
        let late = permit("late", RECORD, Interval { start: 15, end: i64::MAX });
        let policy = Policy::compile("Organization/a", &[RECORD], &[early, late]);
        let at = |now| policy.decide(now, Labels::default()).by.map(|by| &*by.id);
        assert_eq!([9, 10, 19, 20].map(at), [None, Some("early"), Some("early"), Some("late")]);
        assert_eq!([0, 10, 15, 20].map(|now| policy.next_boundary(now)), [Some(10), Some(15), Some(20), None]);
    }

    #[test]
    fn a_consent_about_somebody_else_denies_unless_the_records_are_linked() {
        let other = PatientKey(8 << 64);
        let directives = [permit("own", RECORD, Interval::ALWAYS), permit("other", other, Interval::ALWAYS)];
        let decide = |about: &[PatientKey]| {
            Policy::compile("Organization/a", about, &directives).decide(0, Labels::default()).permitted
        };
        assert!(!decide(&[RECORD]));
        assert!(decide(&[RECORD, other]));
    }
}
