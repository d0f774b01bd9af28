//! The consents of one record compiled for who asks and why, and the decision (consent.html; docs/adr/0035): nothing is open
//! that no consent permits, a deny of any consent closes, within one consent an exception counts more than what it is an
//! exception to, and of several exceptions a deny counts more than a permit.

use super::about::About;
use super::directive::{ConsentVersion, Directive, Effect};
use super::permitted::RowFacts;
use super::purpose::Purpose;
use super::rule::{Of, Rule};
use crate::fhir::PatientKey;
use crate::fhir::time::Interval;
use crate::search::Columns;
use crate::search::facts::token_hash;

/// Who asks, as consents name it, and what for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Asker {
    /// What it is: `Organization/a`.
    pub references: Vec<Box<str>>,
    /// What for.
    pub purpose: Purpose,
}

/// What the consents about one patient mean for who asks.
#[derive(Clone, Debug)]
pub struct Policy {
    asker: Asker,
    about: Box<[PatientKey]>,
    /// A consent that cannot be enforced: it closes the record.
    shut: Option<ConsentVersion>,
    consents: Box<[(ConsentVersion, Spec)]>,
    /// What the resources that consents name refer to: (named, referred to), as hashes.
    behind: Box<[(u64, u64)]>,
}

/// A rule of which everything is decided but the time and the row.
#[derive(Clone, Debug)]
struct Spec {
    permits: bool,
    period: Interval,
    /// `None` where it is about everything; of a permit, everything that is not labelled.
    about: Option<Box<About>>,
    exceptions: Box<[Spec]>,
}

/// May it be released, and because of which consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// Whether it may.
    pub permitted: bool,
    /// The consent that decided; `None` when there was none to permit it.
    pub by: Option<&'a ConsentVersion>,
}

/// What a policy says of a whole record at an instant.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict<'a> {
    /// Nothing may leave.
    Closed,
    /// Everything that is not labelled may, by this consent.
    Open(&'a ConsentVersion),
    /// It differs from row to row.
    ByRow,
}

impl Policy {
    /// Compiles every directive about a record, and about the records linked with it. `about` names the record first, then
    /// those linked with it: their consents count alike, a deny on any of them denies. A directive in force that is about
    /// somebody else denies, as one not understood.
    pub fn compile(asker: &Asker, about: &[PatientKey], directives: &[Directive], columns: &Columns) -> Policy {
        let (mut shut, mut consents) = (None, Vec::new());
        let mut named = Vec::new();
        for directive in directives {
            let astray = directive.patient.is_none_or(|patient| !about.contains(&patient));
            match &directive.effect {
                Effect::Silent => {}
                Effect::NotUnderstood(_) => shut = Some(directive.consent.clone()),
                Effect::Rule(_) if astray => shut = Some(directive.consent.clone()),
                Effect::Rule(rule) => {
                    if let Some(spec) = specialised(rule, asker) {
                        spec.named(&mut named);
                        consents.push((directive.consent.clone(), spec));
                    }
                }
            }
        }
        let about = about.iter().copied().filter(|key| key.0 != 0 && !key.is_directory()).collect();
        let behind = behind(&named, columns);
        Policy { asker: asker.clone(), about, shut, consents: consents.into(), behind }
    }

    /// What it says of the whole record at an instant, milliseconds since 1970.
    pub fn verdict(&self, now_ms: i64) -> Verdict<'_> {
        if self.shut.is_some() {
            return Verdict::Closed;
        }
        let (mut permit, mut by_row, mut may) = (None, false, false);
        for (consent, spec) in self.consents.iter().filter(|(_, spec)| spec.holds(now_ms)) {
            let plain = spec.about.is_none() && spec.exceptions.iter().all(|inner| !inner.holds(now_ms));
            match (plain, spec.permits) {
                (true, false) => return Verdict::Closed,
                (true, true) => permit = permit.or(Some(consent)),
                (false, _) => by_row = true,
            }
            may |= spec.may_permit(now_ms);
        }
        match permit {
            _ if !may => Verdict::Closed,
            Some(consent) if !by_row => Verdict::Open(consent),
            _ => Verdict::ByRow,
        }
    }

    /// The decision at an instant, milliseconds since 1970, about a row.
    pub fn decide(&self, now_ms: i64, seen: &RowFacts<'_>) -> Decision<'_> {
        if let Some(shut) = &self.shut {
            return Decision { permitted: false, by: Some(shut) };
        }
        let mut permit = None;
        for (consent, spec) in &self.consents {
            match spec.says(now_ms, seen, &self.behind) {
                Some(false) => return Decision { permitted: false, by: Some(consent) },
                Some(true) => permit = permit.or(Some(consent)),
                None => {}
            }
        }
        Decision { permitted: permit.is_some(), by: permit }
    }

    /// A consent that permits something at an instant, milliseconds since 1970.
    pub fn permitting(&self, now_ms: i64) -> Option<&ConsentVersion> {
        self.consents.iter().find(|(_, spec)| spec.may_permit(now_ms)).map(|(consent, _)| consent)
    }

    /// Whom it was compiled for.
    pub fn asker(&self) -> &Asker {
        &self.asker
    }

    /// Whether it speaks for this patient.
    pub(super) fn covers(&self, patient: PatientKey) -> bool {
        self.about.contains(&patient)
    }
}

impl Spec {
    fn holds(&self, now_ms: i64) -> bool {
        self.period.start <= now_ms && now_ms < self.period.end
    }

    /// Whether it or an exception of it permits anything.
    fn may_permit(&self, now_ms: i64) -> bool {
        self.holds(now_ms) && (self.permits || self.exceptions.iter().any(|inner| inner.may_permit(now_ms)))
    }

    /// What it says of a row; `None` when it is not about it.
    fn says(&self, now_ms: i64, seen: &RowFacts<'_>, behind: &[(u64, u64)]) -> Option<bool> {
        let about = match &self.about {
            None => !self.permits || seen.labels.is_empty(),
            Some(about) => about.includes(seen, self.permits, behind),
        };
        if !self.holds(now_ms) || !about {
            return None;
        }
        let mut says = None;
        for inner in &self.exceptions {
            match inner.says(now_ms, seen, behind) {
                Some(false) => return Some(false),
                inner => says = says.or(inner),
            }
        }
        says.or(Some(self.permits))
    }

    /// The resources that it names, as hashes.
    fn named(&self, found: &mut Vec<u64>) {
        if let Some(About { data: Of::These(data), .. }) = self.about.as_deref() {
            found.extend(data.iter().map(|data| data.reference));
        }
        self.exceptions.iter().for_each(|inner| inner.named(found));
    }
}

/// What a rule comes to for who asks; `None` where it is not about that.
fn specialised(rule: &Rule, asker: &Asker) -> Option<Spec> {
    let recipient = rule.recipients.includes(|named| asker.is(named, rule.permits));
    // Who keeps a record is not known as an Organization here: in a permit it is nobody named, in a deny anybody.
    let source = rule.sources == Of::Any || !rule.permits;
    let purpose = rule.purposes.includes(|purpose| purpose.includes(asker.purpose));
    if !(recipient && source && purpose && rule.reads) {
        return None;
    }
    let about = (!rule.about.is_everything()).then(|| Box::new(rule.about.clone()));
    let exceptions = rule.exceptions.iter().filter_map(|inner| specialised(inner, asker)).collect();
    Some(Spec { permits: rule.permits, period: rule.period, about, exceptions })
}

impl Asker {
    /// Whether a reference names who asks. Of people and groups it is not known here whether one of them does: a permit for
    /// them is for nobody, a deny for everybody.
    fn is(&self, named: &str, permits: bool) -> bool {
        let known = self.references.iter().any(|own| **own == *named);
        known || (!permits && !named.starts_with("Organization/"))
    }
}

/// What named resources refer to.
fn behind(named: &[u64], columns: &Columns) -> Box<[(u64, u64)]> {
    let rows = (0..columns.len()).filter(|_| !named.is_empty()).filter_map(|row| {
        let own = token_hash(&format!("{}/{}", columns.types[row].name(), columns.ids[row].as_str()));
        named.contains(&own).then(|| columns.references(row).iter().map(move |reference| (own, *reference)))
    });
    rows.flatten().collect()
}
