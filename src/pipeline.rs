//! A message's journey on one screen: keep, decode, map, validate, decide what changes, commit, answer.
//!
//! All writes go through [`Pipeline::receive`], those of the REST API too. What it answers is durable (invariant 1).

mod authority;
mod container;
mod convert;
mod decide;
mod receipt;
mod standing;
mod translate;
mod whose;

use std::sync::Arc;

use crate::codes::Book;
use crate::consent;
use crate::fault::{Fault, Issue, IssueType, Noted, Place, Rule, Severity};
use crate::fhir::{FacilityCode, PatientKey, ResourceType};
use crate::letter::{Letter, LetterId};
use crate::map::{Change, Mapped};
use crate::store::{Commit, Store};
pub use container::{is_container, is_taken};
pub use convert::transaction;
use decide::{Decision, Stop};
pub use receipt::{Outcome, Part, Receipt};
use standing::{Standing, Standings};
pub use translate::{Translation, translate};
pub use whose::{Whose, whose};

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
    clock: fn() -> i64,
    book: Arc<Book>,
}

impl Pipeline {
    /// A pipeline into a store; `clock` gives milliseconds since 1970.
    pub fn new(store: Store, clock: fn() -> i64) -> Self {
        Pipeline { store, standings: Standings::default(), clock, book: Arc::default() }
    }

    /// Takes a letter in and answers when the result is durable. The same letter again gives the same receipt and
    /// changes nothing. Blocks on storage: not for async workers.
    pub fn receive(&self, letter: &Letter) -> Result<Receipt, Fault> {
        self.receive_at(letter, &container::Depth::Outermost(&|_, _| true))
    }

    fn receive_at(&self, letter: &Letter, depth: &container::Depth<'_>) -> Result<Receipt, Fault> {
        let id = letter.id();
        if let Some(earlier) = self.receipt(id)? {
            return Ok(earlier.repeated());
        }
        if let Some(raw) = self.store.keep_raw(id, letter)? {
            self.store.submit(raw).wait()?;
        }
        for _ in 0..CONFLICTS_MAX {
            match self.part(letter, id, depth).unwrap_or_else(|| self.attempt(letter, id)) {
                Err(Fault::Conflict) => {}
                done => return done,
            }
            if let Some(earlier) = self.receipt(id)? {
                return Ok(earlier.repeated());
            }
        }
        Err(Fault::Busy)
    }

    /// The receipt of a letter that was received before.
    pub fn receipt(&self, id: LetterId) -> Result<Option<Receipt>, Fault> {
        self.store.receipt(id)?.map(|bytes| Receipt::decode(&bytes)).transpose()
    }

    /// One try: fails with `Conflict` when the record changed between reading and writing.
    fn attempt(&self, letter: &Letter, id: LetterId) -> Result<Receipt, Fault> {
        let mut standing = None;
        let translation = unharmed(|| {
            translate(letter, id, &self.book, |patient| {
                let taken = self.standings.take(&self.store, patient)?;
                let known = taken.encounters()?;
                standing = Some(taken);
                Ok(known)
            })
        })?;
        match translation {
            Err(issues) => self.hold(letter, id, issues),
            Ok(noted) => {
                if let Some(issue) = authority::overstepped(letter, &noted.value) {
                    return self.hold(letter, id, vec![issue]);
                }
                let standing = match standing {
                    Some(standing) => standing,
                    None => self.standings.take(&self.store, noted.value.patient)?,
                };
                self.commit(letter, id, noted, standing)
            }
        }
    }

    /// Decides upon the record as it stands, and writes the new versions, the receipt, the panels and the log entry as one.
    fn commit(
        &self,
        letter: &Letter,
        id: LetterId,
        noted: Noted<Mapped>,
        mut standing: Standing,
    ) -> Result<Receipt, Fault> {
        let now = (self.clock)();
        let Mapped { patient, facility, origin, changes, .. } = as_registered(noted.value);
        let zone_minutes = letter.source.zone_minutes;
        let decision = match decide::decide(&standing, changes, origin.as_deref(), now, zone_minutes) {
            Ok(decision) => decision,
            Err(Stop::Wrong(issues)) => return self.hold(letter, id, issues),
            Err(Stop::Broken(fault)) => return Err(fault),
        };
        if let Some(issue) = self.placed_elsewhere(&decision, patient)? {
            return self.hold(letter, id, vec![issue]);
        }
        let receipt = Receipt::stored(letter, id, now, patient, &noted.issues, &decision);
        let panel_before = standing.recipients().to_vec();
        let mut commit = Commit::default();
        standing.write(decision.versions, facility.as_str(), &mut commit)?;
        move_panel(&standing, &panel_before, &mut commit);
        answer(&mut commit, id, &receipt)?;
        self.store.submit(commit).wait()?;
        self.standings.give_back(standing);
        Ok(receipt)
    }

    /// Keeps a letter of which nothing can be used, with the reason.
    fn hold(&self, letter: &Letter, id: LetterId, issues: Vec<Issue>) -> Result<Receipt, Fault> {
        let receipt = Receipt::held(letter, id, (self.clock)(), issues);
        let mut commit = Commit::default();
        commit.hold(id);
        answer(&mut commit, id, &receipt)?;
        self.store.submit(commit).wait()?;
        Ok(receipt)
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
/// is there is the one to be given.
fn answer(commit: &mut Commit, id: LetterId, receipt: &Receipt) -> Result<(), Fault> {
    commit.expect_no_receipt(id);
    commit.put_receipt(id, &receipt.encode())?;
    commit.of_letter(id)
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

/// The panel of each organisation follows the consents in the same commit (design decision 4b).
fn move_panel(standing: &Standing, before: &[String], commit: &mut Commit) {
    let now = standing.recipients();
    for organization in now.iter().filter(|o| !before.contains(o)) {
        commit.put_on_panel(organization, standing.patient());
    }
    for organization in before.iter().filter(|o| !now.contains(o)) {
        commit.take_off_panel(organization, standing.patient());
    }
}

/// The directives among a record's Consents name organisations; those form the panel.
fn recipients_of(consents: &[consent::Directive]) -> Vec<String> {
    let mut organizations: Vec<String> = consents.iter().flat_map(|d| d.recipients()).map(|o| o.to_string()).collect();
    organizations.sort();
    organizations.dedup();
    organizations
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapper_that_panics_holds_its_letter() {
        let result = unharmed(|| panic!("on purpose")).expect("no fault");
        assert_eq!(result.err().map(|issues| issues[0].rule.id), Some("failed-within"));
    }
}
