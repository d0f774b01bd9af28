//! The consents of one record compiled for who asks and why, and the decision (consent.html; docs/adr/0035): nothing is open
//! that no consent permits, a deny of any consent closes, within one consent an exception counts more than what it is an
//! exception to, and of several exceptions a deny counts more than a permit. The network's terms narrow all of it
//! (docs/adr/0036), an emergency opens beside it (docs/adr/0037).

use std::sync::OnceLock;

use super::about::{About, NEVER};
use super::asker::{Asker, Times};
use super::directive::{ConsentVersion, Directive, Effect};
use super::permitted::RowFacts;
use super::purpose::Purpose;
use super::rule::{Of, Rule};
use super::spread::{Spread, held};
use super::team::Team;
use super::terms::Terms;
use crate::fhir::time::Interval;
use crate::fhir::{FacilityCode, PatientKey};
use crate::search::Columns;
use crate::search::facts::{Labels, token_hash};

/// A record's consents and what else they are read with.
#[derive(Clone, Copy, Debug)]
pub struct Ground<'a> {
    /// The record, and those linked with it: their consents count alike, a deny on any of them denies.
    pub about: &'a [PatientKey],
    /// The facility that keeps it.
    pub facility: &'a FacilityCode,
    /// What its Consents say.
    pub directives: &'a [Directive],
    /// Its CareTeams.
    pub teams: &'a [Team],
    /// Its rows.
    pub columns: &'a Columns,
    /// What the network has agreed on.
    pub terms: &'a Terms,
}

/// What the consents about one patient mean for who asks.
#[derive(Clone, Debug)]
pub struct Policy {
    asker: Asker,
    about: Box<[PatientKey]>,
    /// A consent that cannot be enforced: it closes the record.
    shut: Option<ConsentVersion>,
    consents: Box<[(ConsentVersion, Spec)]>,
    limits: Box<[(ConsentVersion, Spec)]>,
    emergency: Option<Box<Emergency>>,
    /// What the resources that consents name refer to: (named, referred to), as hashes.
    behind: Box<[(u64, u64)]>,
    /// The instants at which a rule begins or ends to hold, in order, and for the time before each and after the last what
    /// hangs together then; computed when it is first asked for.
    boundaries: Box<[i64]>,
    spreads: Box<[OnceLock<Spread>]>,
}

/// A record that was opened in an emergency, while it lasts.
#[derive(Clone, Debug)]
struct Emergency {
    /// The grants to who asks, each with its time.
    grants: Vec<(ConsentVersion, Interval)>,
    /// What the patient's consents say for it.
    consents: Vec<(ConsentVersion, Spec)>,
    /// Whether only denials that name an emergency count.
    overrides: bool,
}

/// A rule of which everything is decided but the time and the row.
#[derive(Clone, Debug)]
struct Spec {
    permits: bool,
    period: Interval,
    /// When it is for who asks.
    times: Times,
    /// `None` where it is about everything; of a permit, everything that is not labelled.
    about: Option<Box<About>>,
    /// Whether it, or a rule around it, names an emergency among its purposes.
    names_emergency: bool,
    /// What hangs together with the documents that it names, sorted.
    held: Box<[u64]>,
    /// Which provision it is: its index in each `provision` on the way to it.
    path: Box<[u16]>,
    exceptions: Box<[Spec]>,
}

/// May it be released, and because of which consent.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<'a> {
    /// Whether it may.
    pub permitted: bool,
    /// The consent that decided; `None` when there was none to permit it.
    pub by: Option<&'a ConsentVersion>,
    /// Which of its provisions: the index in each `provision` on the way to it.
    pub path: &'a [u16],
    /// What decided.
    pub ground: Decided,
}

/// What a decision is based on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Decided {
    /// A provision of a Consent.
    Consent,
    /// A rule of the network's.
    Network,
    /// A record that stands open in an emergency.
    Emergency,
    /// A Consent that cannot be enforced.
    NotUnderstood,
    /// Nothing: no consent speaks of it.
    Nothing,
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

/// What is asked of each rule.
struct Asked<'a> {
    now_ms: i64,
    seen: &'a RowFacts<'a>,
    behind: &'a [(u64, u64)],
    professional: bool,
    /// Whether, of several denials, one that names an emergency is looked for.
    urgent: bool,
}

impl Policy {
    /// Compiles every directive about a record. A directive in force that is about somebody else denies, as one not
    /// understood; so do two that supersede each other.
    pub fn compile(asker: &Asker, ground: &Ground<'_>) -> Policy {
        let Ground { about, directives, teams, columns, terms, .. } = *ground;
        let custodian = terms.custodians.get(ground.facility).map(|name| &**name);
        let superseded = superseded(directives);
        let (mut shut, mut consents, mut grants) = (superseded.circle, Vec::new(), Vec::new());
        let urgent = Asker { purpose: Purpose::BREAK_THE_GLASS, ..asker.clone() };
        let of = |asker: &Asker, directive: &Directive, rule: &Rule| {
            // A Consent that does not say when it was given may be older than any member.
            let before = |joined: i64| directive.stated.is_none_or(|given| given < joined);
            let late = terms.reconsent && asker.joined.is_some_and(before);
            let spec = Compiling { asker, teams, columns, custodian, late }.spec(rule, &[], Around::NOTHING)?;
            Some((directive.consent.clone(), spec))
        };
        let mut others = Vec::new();
        for directive in directives.iter().filter(|directive| !superseded.ids.contains(&&*directive.consent.id)) {
            let astray = directive.patient.is_none_or(|patient| !about.contains(&patient));
            match &directive.effect {
                Effect::Silent => {}
                Effect::NotUnderstood(_) => shut = Some(directive.consent.clone()),
                Effect::Rule(_) | Effect::Emergency(_) if astray => shut = Some(directive.consent.clone()),
                Effect::Rule(rule) => {
                    consents.extend(of(asker, directive, rule));
                    others.push((directive, rule));
                }
                Effect::Emergency(rule) => {
                    let granted = of(&urgent, directive, rule).filter(|(_, spec)| spec.permits);
                    grants.extend(granted.map(|(consent, spec)| (consent, spec.period)));
                }
            }
        }
        let emergency = (!grants.is_empty()).then(|| {
            let consents = others.iter().filter_map(|(directive, rule)| of(&urgent, directive, rule)).collect();
            Box::new(Emergency { grants, consents, overrides: terms.emergency_overrides })
        });
        let limits = terms.limits.iter().filter_map(|limit| {
            let spec =
                Compiling { asker, teams, columns, custodian, late: false }.spec(&limit.rule, &[], Around::NOTHING)?;
            Some((limit.name.clone(), spec))
        });
        let limits: Box<[_]> = limits.collect();
        let mut named = Vec::new();
        consents.iter().chain(&limits).for_each(|(_, spec)| spec.named(&mut named));
        emergency.iter().flat_map(|urgent| &urgent.consents).for_each(|(_, spec)| spec.named(&mut named));
        let behind = behind(&named, columns);
        let about = about.iter().copied().filter(|key| key.0 != 0 && !key.is_directory()).collect();
        let mut boundaries = Vec::new();
        consents.iter().chain(&limits).for_each(|(_, spec)| spec.boundaries(&mut boundaries));
        if let Some(urgent) = &emergency {
            urgent.consents.iter().for_each(|(_, spec)| spec.boundaries(&mut boundaries));
            urgent.grants.iter().for_each(|(_, period)| boundaries.extend([period.start, period.end]));
        }
        boundaries.sort_unstable();
        boundaries.dedup();
        let spreads = (0..=boundaries.len()).map(|_| OnceLock::new()).collect();
        let (consents, boundaries) = (consents.into(), boundaries.into());
        Policy { asker: asker.clone(), about, shut, consents, limits, emergency, behind, boundaries, spreads }
    }

    /// What hangs together with what it decides at an instant, milliseconds since 1970. `columns` are those that it was
    /// compiled with.
    pub(super) fn spread(&self, now_ms: i64, columns: &Columns) -> Option<&Spread> {
        let segment = self.boundaries.partition_point(|boundary| *boundary <= now_ms);
        Some(self.spreads.get(segment)?.get_or_init(|| Spread::of(self, now_ms, columns)))
    }

    /// What it says of the whole record at an instant, milliseconds since 1970.
    pub fn verdict(&self, now_ms: i64) -> Verdict<'_> {
        if self.shut.is_some() {
            return Verdict::Closed;
        }
        if self.granted(now_ms).is_some() {
            return Verdict::ByRow;
        }
        let (mut permit, mut may) = (None, false);
        let mut by_row = self.limits.iter().any(|(_, spec)| spec.holds(now_ms));
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

    /// The same without what stands open in an emergency: that is for what is, not for what was.
    pub fn decide_past(&self, now_ms: i64, seen: &RowFacts<'_>) -> Decision<'_> {
        let decision = self.decide(now_ms, seen);
        if decision.ground == Decided::Emergency { Decision { permitted: false, ..decision } } else { decision }
    }

    /// The decision at an instant, milliseconds since 1970, about a row; about one with openings, as whichever of them is
    /// permitted.
    pub fn decide(&self, now_ms: i64, seen: &RowFacts<'_>) -> Decision<'_> {
        let as_one = |labels: &Labels| self.decide_as(now_ms, &RowFacts { labels: *labels, ..*seen });
        let mut permitted = seen.openings.iter().map(as_one).filter(|decision| decision.permitted);
        permitted.next().unwrap_or_else(|| self.decide_as(now_ms, seen))
    }

    /// The decision about a row with its labels.
    fn decide_as(&self, now_ms: i64, seen: &RowFacts<'_>) -> Decision<'_> {
        if let Some(shut) = &self.shut {
            return Decision { permitted: false, by: Some(shut), path: &[], ground: Decided::NotUnderstood };
        }
        let asked =
            Asked { now_ms, seen, behind: &self.behind, professional: self.asker.is_professional(), urgent: false };
        let ordinary = self.ordinary(&asked);
        let urgent = self.emergency.as_deref().filter(|_| !ordinary.permitted);
        match urgent.and_then(|urgent| urgent.opens(&Asked { urgent: true, ..asked })) {
            Some(by) => Decision { permitted: true, by: Some(by), path: &[], ground: Decided::Emergency },
            None => ordinary,
        }
    }

    /// The decision on consents and terms alone.
    fn ordinary<'p>(&'p self, asked: &Asked<'_>) -> Decision<'p> {
        let mut permit = None;
        for (consent, spec) in &self.consents {
            match spec.says(asked) {
                Some(spec) if !spec.permits => {
                    return spec.decision(consent, Decided::Consent);
                }
                Some(spec) => permit = permit.or(Some((consent, spec))),
                None => {}
            }
        }
        let Some((consent, spec)) = permit else {
            return Decision { permitted: false, by: None, path: &[], ground: Decided::Nothing };
        };
        // Of the network's own rules only what they deny counts.
        for (limit, spec) in &self.limits {
            if let Some(spec) = spec.says(asked).filter(|spec| !spec.permits) {
                return spec.decision(limit, Decided::Network);
            }
        }
        spec.decision(consent, Decided::Consent)
    }

    /// The grant by which the record stands open in an emergency at an instant, milliseconds since 1970.
    pub fn granted(&self, now_ms: i64) -> Option<&ConsentVersion> {
        self.emergency.as_deref()?.granted(now_ms)
    }

    /// The consents that permit something at an instant, milliseconds since 1970.
    pub fn permitting(&self, now_ms: i64) -> impl Iterator<Item = &ConsentVersion> {
        let plain = self.consents.iter().filter(move |(_, spec)| spec.may_permit(now_ms)).map(|(consent, _)| consent);
        plain.chain(self.granted(now_ms))
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

impl Emergency {
    fn granted(&self, now_ms: i64) -> Option<&ConsentVersion> {
        let holds = |period: &Interval| period.start <= now_ms && now_ms < period.end;
        self.grants.iter().find(|(_, period)| holds(period)).map(|(grant, _)| grant)
    }

    /// The grant that opens a row: whatever is not very restricted, and what no label keeps from everybody, unless the
    /// patient has refused it.
    fn opens(&self, asked: &Asked<'_>) -> Option<&ConsentVersion> {
        let grant = self.granted(asked.now_ms)?;
        let kept = asked.seen.labels.and(Labels::VERY_RESTRICTED.union(NEVER));
        let mut said = self.consents.iter().filter_map(|(_, spec)| spec.says(asked));
        let refused = said.any(|spec| !spec.permits && (spec.names_emergency || !self.overrides));
        (kept.is_empty() && !refused).then_some(grant)
    }
}

impl Spec {
    fn holds(&self, now_ms: i64) -> bool {
        self.period.start <= now_ms && now_ms < self.period.end && self.times.include(now_ms)
    }

    /// Whether it or an exception of it permits anything.
    fn may_permit(&self, now_ms: i64) -> bool {
        self.holds(now_ms) && (self.permits || self.exceptions.iter().any(|inner| inner.may_permit(now_ms)))
    }

    /// The rule in it that speaks of a row; `None` when none does.
    fn says(&self, asked: &Asked<'_>) -> Option<&Spec> {
        let Asked { seen, .. } = *asked;
        if !self.holds(asked.now_ms) {
            return None;
        }
        let (about, labelled) = match &self.about {
            None => (true, !self.permits || seen.labels.is_empty()),
            Some(about) => {
                let about_it = about.includes(seen, self.permits, asked.behind, &self.held);
                (about_it, about_it && about.is_labelled(seen.labels, self.permits, asked.professional))
            }
        };
        if !about {
            return None;
        }
        if labelled {
            return Spec::said_by(self.exceptions.iter(), asked).or(Some(self));
        }
        let by_name = |inner: &&Spec| self.permits && inner.has_own_labels();
        Spec::said_by(self.exceptions.iter().filter(by_name), asked)?;
        // The denials beside it count as well.
        Spec::said_by(self.exceptions.iter().filter(|inner| by_name(inner) || !inner.permits), asked)
    }

    /// What several rules beside each other say: a denial of any, else a permit of any.
    fn said_by<'s>(specs: impl Iterator<Item = &'s Spec>, asked: &Asked<'_>) -> Option<&'s Spec> {
        let mut said: Option<&Spec> = None;
        for one in specs.filter_map(|spec| spec.says(asked)) {
            if !one.permits && (one.names_emergency || !asked.urgent) {
                return Some(one);
            }
            said = said.filter(|said| !said.permits || one.permits).or(Some(one));
        }
        said
    }

    fn decision<'s>(&'s self, by: &'s ConsentVersion, ground: Decided) -> Decision<'s> {
        Decision { permitted: self.permits, by: Some(by), path: &self.path, ground }
    }

    /// Whether it is a permit that is judged by its own labels, not by those of the permit around it.
    fn has_own_labels(&self) -> bool {
        self.permits && self.about.as_ref().is_some_and(|about| about.labels.is_some())
    }

    /// The instants at which it, or a rule in it, begins or ends to hold.
    fn boundaries(&self, found: &mut Vec<i64>) {
        found.extend([self.period.start, self.period.end]);
        self.times.boundaries(found);
        self.exceptions.iter().for_each(|inner| inner.boundaries(found));
    }

    /// The resources that it names, as hashes.
    fn named(&self, found: &mut Vec<u64>) {
        if let Some(About { data: Of::These(data), .. }) = self.about.as_deref() {
            found.extend(data.iter().map(|data| data.reference));
        }
        self.exceptions.iter().for_each(|inner| inner.named(found));
    }
}

/// What the rules around a rule name.
#[derive(Clone, Copy)]
struct Around {
    /// An emergency among the purposes.
    emergency: bool,
    /// Somebody who receives.
    recipients: bool,
}

impl Around {
    const NOTHING: Around = Around { emergency: false, recipients: false };
}

/// For whom rules are compiled.
struct Compiling<'a> {
    asker: &'a Asker,
    teams: &'a [Team],
    columns: &'a Columns,
    /// The Organization that keeps the record, where it is known.
    custodian: Option<&'a str>,
    /// Whether it became a member after the Consent was given, and would need another.
    late: bool,
}

impl Compiling<'_> {
    /// What a rule comes to; `None` where it is not about who asks.
    fn spec(&self, rule: &Rule, path: &[u16], around: Around) -> Option<Spec> {
        let asker = self.asker;
        let times = match &rule.recipients {
            Of::Any => (!(rule.permits && !around.recipients && self.late)).then_some(Times::Always),
            Of::These(named) => asker.times(named, rule.permits, self.teams),
        }?;
        let discloses = |named: &str| self.custodian.map_or(!rule.permits, |custodian| custodian == named);
        let source = rule.sources.includes(|named| discloses(named));
        let purpose = rule.purposes.includes(|purpose| purpose.includes(asker.purpose));
        let application = rule.applications.includes(|named| asker.uses(named))
            || (asker.application.is_none() && !rule.permits && rule.applications != Of::Any);
        if !(source && purpose && application && rule.reads) {
            return None;
        }
        let here = Around {
            emergency: around.emergency || rule.urgent,
            recipients: around.recipients || rule.recipients != Of::Any,
        };
        let exceptions = rule
            .exceptions
            .iter()
            .zip(0..)
            .filter_map(|(inner, index)| self.spec(inner, &[path, &[index]].concat(), here));
        Some(Spec {
            permits: rule.permits,
            period: rule.period,
            times,
            about: (!rule.about.is_everything()).then(|| Box::new(rule.about.clone())),
            held: held(&rule.about, rule.permits, self.columns),
            names_emergency: here.emergency,
            exceptions: exceptions.collect(),
            path: path.into(),
        })
    }
}

/// Which Consents others have taken the place of, and one of a circle of them.
struct Superseded<'a> {
    ids: Vec<&'a str>,
    circle: Option<ConsentVersion>,
}

fn superseded(directives: &[Directive]) -> Superseded<'_> {
    let by = |id: &str| directives.iter().find(|one| &*one.consent.id == id).and_then(|one| one.supersedes.as_deref());
    let ids: Vec<&str> = directives.iter().filter_map(|one| one.supersedes.as_deref()).collect();
    let circle = directives.iter().find(|one| {
        let way = std::iter::successors(by(&one.consent.id), |id| by(id));
        way.take(directives.len()).any(|id| *id == *one.consent.id)
    });
    Superseded { circle: circle.map(|one| one.consent.clone()), ids }
}

/// What named resources refer to.
fn behind(named: &[u64], columns: &Columns) -> Box<[(u64, u64)]> {
    let rows = (0..columns.len()).filter(|_| !named.is_empty()).filter_map(|row| {
        let own = token_hash(&format!("{}/{}", columns.types[row].name(), columns.ids[row].as_str()));
        named.contains(&own).then(|| columns.references(row).iter().map(move |reference| (own, *reference)))
    });
    rows.flatten().collect()
}
