//! What a person's records look like to the members, by the Consents as they are or as they would be; and what about the
//! Consents the office should know.

use std::sync::Arc;

use serde_json::Value;

use super::super::access::Sight;
use crate::app::Gateway;
use crate::chart::Chart;
use crate::consent::directive::Effect;
use crate::consent::rule::{Of, Recipient};
use crate::consent::{Caller, Directive, Ground, Policy, Role};
use crate::fault::{Fault, Issue, Place};
use crate::fhir::PatientKey;
use crate::registration::rule;

/// What each member sees.
pub(super) type Sights = Vec<(Arc<Caller>, Sight)>;

/// A person's records, and the Consents about them.
pub(super) struct Outlook<'g> {
    gateway: &'g Gateway,
    /// The records.
    pub(super) charts: Vec<Arc<Chart>>,
    /// Every Consent that counts for them.
    directives: Vec<Directive>,
    about: Vec<PatientKey>,
    /// Whether these Consents are other than those on record.
    is_imagined: bool,
}

impl<'g> Outlook<'g> {
    /// Of these records; `consents` are Consents that would take the place of those with their ids. Blocks on storage.
    pub(super) fn of(gateway: &'g Gateway, records: &[PatientKey], consents: Option<&[Value]>) -> Result<Self, Fault> {
        let charts = records.iter().map(|record| gateway.chart(*record)).collect::<Result<Vec<_>, _>>()?;
        let mut directives: Vec<Directive> = Vec::new();
        let mut about = records.to_vec();
        for chart in &charts {
            about.extend_from_slice(&chart.person);
            let new = chart.directives.iter().filter(|one| !directives.iter().any(|d| d.consent == one.consent));
            let new: Vec<Directive> = new.cloned().collect();
            directives.extend(new);
        }
        for imagined in consents.into_iter().flatten() {
            let imagined = Directive::read(imagined);
            directives.retain(|one| one.consent.id != imagined.consent.id);
            directives.push(imagined);
        }
        about.sort_unstable();
        about.dedup();
        Ok(Outlook { gateway, charts, directives, about, is_imagined: consents.is_some() })
    }

    /// What each member sees of all of them.
    pub(super) fn sights(&self) -> Result<Sights, Fault> {
        let now = self.gateway.now();
        let mut sights = Vec::new();
        // The office and its Consents are not what is asked for.
        let is_member = |caller: &Arc<Caller>| !matches!(caller.role, Role::Office | Role::Open);
        for member in self.gateway.callers()?.into_iter().filter(is_member) {
            let mut sight = Sight::default();
            for chart in &self.charts {
                sight.and(match self.is_imagined {
                    false => Sight::through(&chart.gate(&member, &chart.policy(&member), now), chart, None),
                    true => {
                        let ground = Ground { about: &self.about, directives: &self.directives, ..chart.ground() };
                        let policy = Policy::compile(&member.asker(), &ground);
                        Sight::through(&chart.gate(&member, &policy, now), chart, None)
                    }
                });
            }
            sights.push((member, sight));
        }
        Ok(sights)
    }

    /// What is not understood, what denies in spite of a Consent (`Consent/id`) or permits beside it, and whom it names in vain.
    pub(super) fn alarms(&self, own: &str) -> Result<Vec<Issue>, Fault> {
        let mut issues: Vec<Issue> = self.directives.iter().filter_map(Directive::alarm).cloned().collect();
        let callers = self.gateway.callers()?;
        for directive in &self.directives {
            let Effect::Rule(rule) = &directive.effect else { continue };
            let name = format!("Consent/{}", directive.consent.id);
            if name != own {
                let said = if rule.permits { &rule::PERMITTED_ELSEWHERE } else { &rule::DENIED_ELSEWHERE };
                issues.push(Issue::with(said, Place::Whole, name));
                continue;
            }
            let Of::These(named) = &rule.recipients else { continue };
            for recipient in named {
                let is_known = match recipient {
                    Recipient::Kind(kind) => callers.iter().any(|caller| caller.kind == Some(*kind)),
                    Recipient::Named(name) => match name.split_once('/') {
                        Some(("Organization", _)) => callers.iter().any(|caller| *caller.organization == **name),
                        Some(("Practitioner", _)) => callers.iter().any(|caller| caller.person.as_ref() == Some(name)),
                        _ => true,
                    },
                };
                if !is_known {
                    let name = match recipient {
                        Recipient::Kind(kind) => kind.code().to_owned(),
                        Recipient::Named(name) => name.to_string(),
                    };
                    issues.push(Issue::with(&rule::NO_SUCH_MEMBER, Place::Path("member".into()), name));
                }
            }
        }
        Ok(issues)
    }
}

/// That no facility has sent anything of the person.
pub(super) fn no_record_yet() -> Issue {
    Issue::new(&rule::NO_RECORD_YET, Place::Whole)
}
