//! A message's journey on one screen: keep, decode, map, validate, decide what changes, commit, answer.
//!
//! All writes go through [`Pipeline::receive`], those of the REST API too. What it answers is durable (invariant 1).

mod decide;
mod receipt;
mod standing;
mod translate;

use std::sync::Arc;

use crate::chart::Chart;
use crate::consent;
use crate::fault::{Fault, Issue, Noted};
use crate::fhir::PatientKey;
use crate::letter::{Letter, LetterId};
use crate::map::Mapped;
use crate::store::{Commit, Hot, Store};
pub use receipt::{Outcome, Receipt};
use standing::{Standing, Standings};
pub use translate::{Translation, translate};

/// How often a decision is made anew when the record it was made upon has changed meanwhile.
const CONFLICTS_MAX: usize = 100;

/// The one path by which anything is written.
#[derive(Debug)]
pub struct Pipeline {
    store: Store,
    hot: Arc<Hot<Chart>>,
    standings: Standings,
    clock: fn() -> i64,
}

impl Pipeline {
    /// A pipeline into a store; `hot` is told of every change, `clock` gives milliseconds since 1970.
    pub fn new(store: Store, hot: Arc<Hot<Chart>>, clock: fn() -> i64) -> Self {
        Pipeline { store, hot, standings: Standings::default(), clock }
    }

    /// Takes a letter in and answers when the result is durable. The same letter again gives the same receipt and
    /// changes nothing. Blocks on storage: not for async workers.
    pub fn receive(&self, letter: &Letter) -> Result<Receipt, Fault> {
        let id = letter.id();
        if let Some(earlier) = self.receipt(id)? {
            return Ok(earlier.repeated());
        }
        if let Some(raw) = self.store.keep_raw(letter)? {
            self.store.submit(raw)?.wait()?;
        }
        for _ in 0..CONFLICTS_MAX {
            match self.attempt(letter, id) {
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

    /// One try: fails with `Conflict` when a record changed between reading and writing.
    fn attempt(&self, letter: &Letter, id: LetterId) -> Result<Receipt, Fault> {
        let mut known = None;
        let translation = translate(letter, id, |patient| {
            let standing = self.standings.take(&self.store, patient)?;
            let encounters = standing.encounters()?;
            known = Some(standing);
            Ok(encounters)
        })?;
        match translation {
            Ok(noted) => self.commit(letter, id, noted, known),
            Err(issues) => self.hold(letter, id, issues),
        }
    }

    fn commit(
        &self,
        letter: &Letter,
        id: LetterId,
        noted: Noted<Vec<Mapped>>,
        mut known: Option<Standing>,
    ) -> Result<Receipt, Fault> {
        let now = (self.clock)();
        let mut receipt = Receipt::stored(letter, id, now, noted.issues);
        let mut commit = Commit::default();
        let mut after = Vec::new();
        for mapped in noted.value {
            let mut standing = match known.take().filter(|s| s.patient() == mapped.patient) {
                Some(standing) => standing,
                None => self.standings.take(&self.store, mapped.patient)?,
            };
            let panel_before = standing.recipients().to_vec();
            let decision = match decide::decide(&standing, mapped.changes, now, letter.source.zone_minutes) {
                Ok(decision) => decision,
                Err(issues) => return self.hold(letter, id, issues),
            };
            receipt.add(&decision);
            let facility = letter.source.facility.as_str();
            standing.write(decision.versions, facility, &mut commit)?;
            self.move_panel(&standing, &panel_before, &mut commit);
            after.push(standing);
        }
        self.store.put_receipt(&mut commit, id, receipt.encode());
        commit.log = Some(log_entry(id, &after));
        self.store.submit(commit)?.wait()?;
        for standing in after {
            self.hot.forget(standing.patient());
            self.standings.give_back(standing);
        }
        Ok(receipt)
    }

    /// Keeps a letter that was found wanting before it was read (its name and its place disagree), with the reason.
    pub fn keep_held(&self, letter: &Letter, issues: Vec<Issue>) -> Result<Receipt, Fault> {
        let id = letter.id();
        if let Some(earlier) = self.receipt(id)? {
            return Ok(earlier.repeated());
        }
        if let Some(raw) = self.store.keep_raw(letter)? {
            self.store.submit(raw)?.wait()?;
        }
        self.hold(letter, id, issues)
    }

    /// Keeps a letter of which nothing can be used, with the reason.
    fn hold(&self, letter: &Letter, id: LetterId, issues: Vec<Issue>) -> Result<Receipt, Fault> {
        let receipt = Receipt::held(letter, id, (self.clock)(), issues);
        let mut commit = Commit::default();
        self.store.put_receipt(&mut commit, id, receipt.encode());
        self.store.put_held(&mut commit, id);
        commit.log = Some(log_entry(id, &[]));
        self.store.submit(commit)?.wait()?;
        Ok(receipt)
    }

    /// The panel of each organisation follows the consents in the same commit (design decision 4b).
    fn move_panel(&self, standing: &Standing, before: &[String], commit: &mut Commit) {
        let now = standing.recipients();
        for organization in now.iter().filter(|o| !before.contains(o)) {
            self.store.put_panel(commit, organization, standing.patient());
        }
        for organization in before.iter().filter(|o| !now.contains(o)) {
            self.store.delete_panel(commit, organization, standing.patient());
        }
    }
}

/// What the log says of a commit: the letter, and which sheaf of which record it wrote.
fn log_entry(id: LetterId, written: &[Standing]) -> Vec<u8> {
    let mut entry = id.0.to_vec();
    for standing in written {
        entry.extend(standing.patient().0.to_be_bytes());
        entry.extend(standing.sheaves().to_be_bytes());
    }
    entry
}

/// The directives among a record's Consents name organisations; those form the panel.
fn recipients_of(consents: &[consent::Directive]) -> Vec<String> {
    let mut organizations: Vec<String> = consents.iter().flat_map(consent::Directive::recipients).collect();
    organizations.sort();
    organizations.dedup();
    organizations
}

/// A record's key as logs may say it.
pub fn opaque(patient: PatientKey) -> String {
    patient.patient_id().as_str().to_owned()
}
