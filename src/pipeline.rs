//! A message's journey on one screen: keep, decode, map, validate, decide what changes, commit, answer.
//!
//! All writes go through [`Pipeline::receive`], those of the REST API too. What it answers is durable (invariant 1).

mod authority;
mod compare;
mod container;
mod control;
mod convert;
mod decide;
mod held;
mod inspect;
mod kindred;
mod listing;
mod local;
mod parts;
mod receipt;
mod relabel;
mod replay;
mod standing;
mod statement;
mod translate;
mod whose;
mod wide;

use std::sync::{Arc, PoisonError, RwLock};

use crate::codes::Book;
use crate::consent;
pub use crate::decode::fhir_xml::to_json as fhir_xml_to_json;
use crate::decode::ssmix2;
use crate::fault::{Fault, Finding, Issue, IssueType, Noted, Place, Rule, Severity};
use crate::fhir::{FacilityCode, PatientKey, ResourceType};
use crate::letter::{Letter, LetterId};
use crate::map::{Change, Mapped};
use crate::search::LabelRules;
use crate::store::control::{Before, Control};
use crate::store::{Commit, Store, Told};
use crate::validate::standard::Judgement;
pub use compare::{Difference, Effect, PathDifference};
pub use container::is_taken;
pub use convert::{Conversion, Converted, convert};
use decide::{Decision, Moment, Stop};
pub use held::Refusal;
pub use inspect::{Inspection, Terms};
use kindred::Kindred;
pub use kindred::{Relating, Relation, Unrelated};
pub use listing::{Counts, Enrolled, Enrolment};
use local::Codes;
pub use receipt::{Dropped, Earlier, Outcome, Part, Receipt};
pub use replay::{Linked, Rebuilt, Tried};
use standing::{Standing, Standings};
use statement::Locks;
pub use statement::{Content, Expected, Put, Refused, Stated, Statement, Was, assign, home, is_created};
pub use translate::{Translation, translate};
pub use whose::{Whose, whose};
pub use wide::Since;
use wide::Wide;

/// How often a decision is made anew when the record it was made upon has changed meanwhile.
const CONFLICTS_MAX: usize = 100;

/// Two records cannot hold one id.
static PLACED_ELSEWHERE: Rule = Rule {
    id: "id-of-another-record",
    severity: Severity::Error,
    code: IssueType::Conflict,
    en: "{} belongs to another patient's record already; choose another id.",
    ja: "{} は既に別の患者の記録に属しています。別のidを指定してください。",
};

/// A mistake of this program's, not of the sender's.
static FAILED_WITHIN: Rule = Rule {
    id: "failed-within",
    severity: Severity::Fatal,
    code: IssueType::Exception,
    en: "The gateway failed while reading this letter; it is kept. Please report it to the makers.",
    ja: "このメッセージの読み取り中にゲートウェイ内部で障害が起きました。原本は保管しています。開発元へお知らせください。",
};

/// The one path by which anything is written.
#[derive(Debug)]
pub struct Pipeline {
    store: Store,
    standings: Standings,
    locks: Locks,
    wide: Wide,
    codes: Codes,
    clock: fn() -> i64,
    book: RwLock<Arc<Book>>,
    label_rules: RwLock<Arc<LabelRules>>,
    inspection: RwLock<Arc<Inspection>>,
}

/// A letter on its way.
#[derive(Clone)]
struct Sending<'a> {
    letter: &'a Letter,
    id: LetterId,
    /// The receipt it got when it was held or refused, where it is tried anew.
    before: Option<Receipt>,
    /// How that stands in the store: what is decided upon it counts only while it does.
    stands: Option<Vec<u8>>,
    /// The receipt of the held letter that it corrects.
    corrects: Option<Receipt>,
    /// Whether it came inside a letter that is at the desk.
    is_inside_desk: bool,
    /// What it is known by to its sender; nothing where that was looked at before.
    control: Option<Control>,
}

/// What a letter makes of one record.
struct Decided {
    standing: Standing,
    facility: FacilityCode,
    decision: Decision,
}

impl<'a> Sending<'a> {
    /// A letter that comes for the first time.
    fn new(letter: &'a Letter, id: LetterId) -> Self {
        Sending { letter, id, before: None, stands: None, corrects: None, is_inside_desk: false, control: None }
    }

    /// Whether somebody of the network sends it, who corrects it or tries anew what is held.
    fn is_at_desk(&self) -> bool {
        let was_held = self.before.as_ref().is_some_and(|before| before.outcome == Outcome::Held);
        self.is_inside_desk || self.corrects.is_some() || was_held
    }
}

impl Pipeline {
    /// A pipeline into a store; `clock` gives milliseconds since 1970.
    pub fn new(store: Store, clock: fn() -> i64) -> Self {
        Pipeline {
            store,
            standings: Standings::default(),
            locks: Locks::default(),
            wide: Wide::default(),
            codes: Codes::default(),
            clock,
            book: RwLock::default(),
            label_rules: RwLock::default(),
            inspection: RwLock::new(Arc::new(Inspection::none())),
        }
    }

    /// The concept maps in force from now on.
    pub fn set_book(&self, book: Arc<Book>) {
        *self.book.write().unwrap_or_else(PoisonError::into_inner) = book;
    }

    /// The concept maps in force.
    pub fn book(&self) -> Arc<Book> {
        self.book.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same with concept maps.
    pub fn with_book(self, book: Arc<Book>) -> Self {
        self.set_book(book);
        self
    }

    /// The label rules in force for what is stored from now on; see [`Pipeline::relabel`] for what is there already.
    pub fn set_label_rules(&self, rules: Arc<LabelRules>) {
        *self.label_rules.write().unwrap_or_else(PoisonError::into_inner) = rules;
    }

    /// The label rules in force.
    pub fn label_rules(&self) -> Arc<LabelRules> {
        self.label_rules.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The same with label rules.
    pub fn with_label_rules(self, rules: Arc<LabelRules>) -> Self {
        self.set_label_rules(rules);
        self
    }

    /// What is asked of senders from now on.
    pub fn set_inspection(&self, inspection: Inspection) {
        *self.inspection.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(inspection);
    }

    /// The same with what is asked of senders.
    pub fn with_inspection(self, inspection: Inspection) -> Self {
        self.set_inspection(inspection);
        self
    }

    fn inspection(&self) -> Arc<Inspection> {
        self.inspection.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Takes a letter in and answers when the result is durable. The same letter again gives the same receipt and
    /// changes nothing; so does the same message under the same message id of its sender. Blocks on storage: not for
    /// async workers.
    pub fn receive(&self, letter: &Letter) -> Result<Receipt, Fault> {
        self.receive_at(letter, &container::Depth::Outermost(&|_, _| true))
    }

    fn receive_at(&self, letter: &Letter, depth: &container::Depth<'_>) -> Result<Receipt, Fault> {
        let id = letter.id();
        let is_inside_desk = depth.is_inside_desk();
        let stands = if is_inside_desk { self.store.receipt_as_stored(id)? } else { None };
        let before = self.receipt(id)?;
        if let Some(earlier) = before.as_ref().filter(|earlier| !(is_inside_desk && earlier.is_refused())) {
            return Ok(earlier.clone().repeated());
        }
        self.keep(letter, id)?;
        let mut control = control::of(letter).filter(|_| before.is_none());
        if is_inside_desk && self.is_refused_already(control.as_ref())? {
            control = None;
        }
        self.settle(&Sending { before, stands, is_inside_desk, control, ..Sending::new(letter, id) }, depth)
    }

    /// Whether the same message was refused under the same message id: then this is no repetition at the desk.
    fn is_refused_already(&self, control: Option<&Control>) -> Result<bool, Fault> {
        let Some(control) = control else { return Ok(false) };
        let Before::Same(first) = self.store.before(control)? else { return Ok(false) };
        Ok(self.receipt(first)?.is_some_and(|receipt| receipt.is_refused()))
    }

    /// The receipt of a letter that was received before; that of the first where the letter repeats another.
    pub fn receipt(&self, id: LetterId) -> Result<Option<Receipt>, Fault> {
        let read = |id| self.store.receipt(id)?.map(|bytes| Receipt::decode(&bytes)).transpose();
        let Some(receipt) = read(id)? else { return Ok(None) };
        match receipt.same_as.as_deref().and_then(LetterId::parse) {
            None => Ok(Some(receipt)),
            // Under the name it came by this time, so that who delivered it knows which one is meant.
            Some(first) => Ok(read(first)?.map(|first| Receipt { name: receipt.name, ..first })),
        }
    }

    /// When somebody begins to read, for [`Pipeline::is_whole`].
    pub fn moment(&self) -> Since {
        self.wide.now()
    }

    /// Whether what was read of records since then, each with how many sheaves were read of it, holds no part of a commit to
    /// several records that was not done by then.
    pub fn is_whole(&self, since: Since, read: &[(PatientKey, u64)]) -> bool {
        self.wide.is_whole(since, read)
    }

    /// The store beneath.
    pub fn store(&self) -> &Store {
        &self.store
    }

    /// Makes the letter itself durable, before it is read (invariant 2).
    fn keep(&self, letter: &Letter, id: LetterId) -> Result<(), Fault> {
        match self.store.keep_raw(id, letter)? {
            Some(raw) => self.store.submit(raw).wait().map(|_| ()),
            None => Ok(()),
        }
    }

    /// Tries until nobody else was faster.
    fn settle(&self, sending: &Sending<'_>, depth: &container::Depth<'_>) -> Result<Receipt, Fault> {
        let mut judged = None;
        for _ in 0..CONFLICTS_MAX {
            match self.part(sending, depth).unwrap_or_else(|| self.attempt(sending, &mut judged)) {
                Err(Fault::Conflict) => {}
                done => return done,
            }
            let stands = self.receipt(sending.id)?.filter(|stands| sending.before.as_ref() != Some(stands));
            if let Some(earlier) = stands {
                return Ok(earlier.repeated());
            }
        }
        Err(Fault::Busy)
    }

    /// One try: fails with `Conflict` when the record changed between reading and writing. `judged` is what a check of the
    /// letter as it came has found, which does not depend on the record.
    fn attempt(&self, sending: &Sending<'_>, judged: &mut Option<Judgement>) -> Result<Receipt, Fault> {
        let mut doubt = None;
        if let Some(control) = &sending.control {
            match self.store.before(control)? {
                Before::Same(first) => return self.repeat(sending, first),
                Before::Other => doubt = Some(Issue::new(&control::REUSED, control::place())),
                Before::Nothing | Before::Renamed => {}
            }
        }
        let mut standings = Vec::with_capacity(1);
        let translation = unharmed(|| {
            translate(sending.letter, sending.id, &self.book(), |patient| {
                let taken = self.standings.take(&self.store, patient)?;
                let known = taken.known()?;
                standings.push(taken);
                Ok(known)
            })
        })?;
        match translation {
            Err(issues) => self.hold(sending, issues),
            Ok(mut noted) => {
                if let Some(issue) = authority::overstepped(sending.letter, &noted.value) {
                    return self.hold(sending, vec![issue]);
                }
                noted.issues.extend(doubt);
                let inspection = self.inspection();
                let judgement = match judged {
                    Some(known) => known.clone(),
                    None => judged.insert(inspection.as_sent(sending.letter)?).clone(),
                };
                match inspection.verdict(sending, &judgement) {
                    Some(outcome) => self.turn_away(sending, outcome, inspect::findings(outcome, judgement)),
                    None => self.commit(sending, noted, standings, judgement.findings),
                }
            }
        }
    }

    /// Decides upon the records as they stand, and writes the new versions of all of them, the receipt, the panels and
    /// the log entry as one. `found` is what a check of the letter found.
    fn commit(
        &self,
        sending: &Sending<'_>,
        noted: Noted<Mapped>,
        standings: Vec<Standing>,
        mut found: Vec<Finding>,
    ) -> Result<Receipt, Fault> {
        let now = (self.clock)();
        let (parts, codes) = parts::of(noted.value);
        let all = match self.decided(sending, parts, standings, now)? {
            Ok(all) => all,
            Err(issues) => return self.hold(sending, issues),
        };
        let (verdict, judgement) = self.inspect_mapped(sending, &all)?;
        if let Some(outcome) = verdict {
            return self.turn_away(sending, outcome, inspect::findings(outcome, judgement));
        }
        found.extend(judgement.findings);
        let mut receipt = Receipt::stored(sending, now, &noted.issues, &all);
        found.retain(|one| !receipt.issues.contains(one));
        receipt.issues.extend(found);
        let mut told = Told { letter: sending.id, received: receipt.received, codes: Vec::new() };
        let mut commit = Commit::default();
        // The codes wait with the first record only: there the letter is told of once.
        if let Some(first) = all.first() {
            told.codes = local::ids(&codes);
            for code in &told.codes {
                commit.put_unmapped(*code, &told, first.standing.patient());
            }
            self.codes.describe(&self.store, &codes, sending.id, &mut commit)?;
        }
        let mut kindred = Kindred::new(&self.store);
        let mut standings = Vec::with_capacity(all.len());
        for Decided { mut standing, facility, decision } in all {
            let panel_before = standing.panels().to_vec();
            standing.write(decision.versions, facility.as_str(), &mut commit)?;
            standing.tell(&told, &mut commit);
            if standing.spoke() {
                kindred.spoke(&standing, &panel_before)?;
            }
            told.codes.clear();
            standings.push(standing);
        }
        kindred.finish(&mut commit)?;
        answer(&mut commit, sending, &receipt)?;
        let _wide = self.wide.begin(standings.iter().map(|one| (one.patient(), one.sheaves())).collect());
        self.store.submit(commit).wait()?;
        standings.into_iter().for_each(|standing| self.standings.give_back(standing));
        Ok(receipt)
    }

    /// What the parts of a letter make of their records as these stand; or why nothing of it can be used.
    fn decided(
        &self,
        sending: &Sending<'_>,
        parts: Vec<parts::Part>,
        mut standings: Vec<Standing>,
        now: i64,
    ) -> Result<Result<Vec<Decided>, Vec<Issue>>, Fault> {
        let (moment, rules) = (moment_of(sending.letter, now), self.label_rules());
        let mut all = Vec::with_capacity(parts.len());
        for parts::Part { patient, facility, origin, changes } in parts {
            let known = standings.iter().position(|standing| standing.patient() == patient);
            let standing = match known {
                Some(at) => standings.swap_remove(at),
                None => self.standings.take(&self.store, patient)?,
            };
            let decision = match decide::decide(&standing, &rules, changes, origin.as_deref(), moment) {
                Ok(decision) => decision,
                Err(Stop::Wrong(issues)) => return Ok(Err(issues)),
                Err(Stop::Broken(fault)) => return Err(fault),
            };
            if let Some(issue) = self.placed_elsewhere(&decision, patient)? {
                return Ok(Err(vec![issue]));
            }
            all.push(Decided { standing, facility, decision });
        }
        Ok(Ok(all))
    }

    /// Keeps a letter of which nothing can be used, with the reason.
    fn hold(&self, sending: &Sending<'_>, issues: Vec<Issue>) -> Result<Receipt, Fault> {
        self.turn_away(sending, Outcome::Held, issues.iter().map(Finding::from).collect())
    }

    /// Keeps a letter of which nothing is used, held or refused, with the reason.
    fn turn_away(&self, sending: &Sending<'_>, outcome: Outcome, findings: Vec<Finding>) -> Result<Receipt, Fault> {
        let receipt = Receipt::unused(sending, (self.clock)(), outcome, findings);
        let is_same = |before: &&Receipt| before.outcome == outcome && before.issues == receipt.issues;
        if let Some(before) = sending.before.as_ref().filter(is_same) {
            // Tried anew to the same end.
            return Ok(before.clone());
        }
        let mut commit = Commit::default();
        answer(&mut commit, sending, &receipt)?;
        self.store.submit(commit).wait()?;
        Ok(receipt)
    }

    /// The same message under the same message id: its bytes are kept, the log names it, and nothing changes.
    fn repeat(&self, sending: &Sending<'_>, first: LetterId) -> Result<Receipt, Fault> {
        let missing = || Fault::Broken("a message id names a letter that has no receipt".into());
        let mut commit = Commit::default();
        let receipt = Receipt::repeating(sending, (self.clock)(), first);
        answer(&mut commit, &Sending { control: None, ..sending.clone() }, &receipt)?;
        self.store.submit(commit).wait()?;
        Ok(self.receipt(sending.id)?.ok_or_else(missing)?.repeated())
    }

    /// An id that somebody chose (the office, for a Consent) may lie in another record already, or look like one that
    /// another record derives.
    fn placed_elsewhere(&self, decision: &Decision, patient: PatientKey) -> Result<Option<Issue>, Fault> {
        for version in decision.versions.iter().filter(|v| v.facts.version == 1 && !patient.derives(&v.facts.id)) {
            let id = &version.facts.id;
            let places = self.store.candidates(version.facts.resource_type, id)?;
            if id.is_derived() || places.iter().any(|other| *other != patient) {
                return Ok(Some(Issue::with(&PLACED_ELSEWHERE, Place::Whole, version.reference())));
            }
        }
        Ok(None)
    }
}

/// Adds the answer to a letter. The same letter, delivered twice at once, is refused the second time: the receipt that
/// is there is the one to be given. So is a letter that two people try anew.
fn answer(commit: &mut Commit, sending: &Sending<'_>, receipt: &Receipt) -> Result<(), Fault> {
    // What was refused is on no list.
    let is_held = sending.before.as_ref().is_some_and(|before| before.outcome == Outcome::Held);
    commit.expect_receipt(sending.id, sending.stands.clone());
    if is_held {
        commit.expect_held(sending.id);
    }
    match receipt.outcome {
        Outcome::Held if !is_held => commit.hold(sending.id),
        Outcome::Held => {}
        Outcome::Stored | Outcome::Parted | Outcome::Refused if is_held => commit.release(sending.id),
        Outcome::Stored | Outcome::Parted | Outcome::Refused => {}
    }
    if let Some(control) = &sending.control {
        commit.put_control(control, sending.id);
    }
    if let Some(wrong) = &sending.corrects {
        held::replace(commit, wrong, sending.id)?;
    }
    commit.put_receipt(sending.id, &receipt.encode())?;
    commit.of_letter(sending.id)
}

/// When a letter is decided upon, and whether its name is one of SS-MIX2 storage.
fn moment_of(letter: &Letter, now: i64) -> Moment {
    let is_filed = matches!(ssmix2::naming(&letter.name), ssmix2::Naming::Named(_));
    Moment { now, zone_minutes: letter.source.zone_minutes, is_filed }
}

/// A consent that comes alone is something about a record, not a part of it. The house that registers it does not come
/// to own the record by being first; and its Provenance, which every reader of the record could read, would tell of a
/// care relation that is none of theirs. The log and the receipt say where it came from.
fn as_registered(mut mapped: Mapped) -> Mapped {
    let of_type = |change: &Change, wanted| matches!(change, Change::Put(draft) if draft.resource_type == wanted);
    let of_consent = |c: &Change| of_type(c, ResourceType::CONSENT) || of_type(c, ResourceType::PROVENANCE);
    if mapped.changes.iter().all(of_consent) {
        mapped.changes.retain(|change| of_type(change, ResourceType::CONSENT));
        mapped.facility = FacilityCode::unstated();
    }
    mapped
}

/// A decoder or mapper that panics is our mistake; the letter is held with that reason, and nobody else is disturbed.
fn unharmed(work: impl FnOnce() -> Result<Translation, Fault>) -> Result<Translation, Fault> {
    let result = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
    result.unwrap_or_else(|_| Ok(Err(vec![Issue::new(&FAILED_WITHIN, Place::Whole)])))
}

/// The panels that a record's Consents put it on.
fn panels_of(consents: &[consent::Directive], teams: &[consent::Team]) -> Vec<String> {
    let mut panels: Vec<String> = consents.iter().flat_map(|consent| consent.panels(teams)).collect();
    panels.sort();
    panels.dedup();
    panels
}

#[cfg(test)]
mod tests;
