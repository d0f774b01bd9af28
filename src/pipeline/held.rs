//! Held letters: tried anew, corrected, or taken off the list. Whatever is done, the letter and what was said of it stay.

use super::container::Depth;
use super::receipt::Dropped;
use super::{Outcome, Pipeline, Receipt, Sending};
use crate::fault::Fault;
use crate::letter::{Letter, LetterId};
use crate::store::Commit;

/// Why nothing was done about a letter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// It is not held: it was never received, is stored, or somebody has settled it.
    NotHeld,
    /// The correction is the letter itself.
    NothingCorrected,
}

impl Pipeline {
    /// Tries a held letter anew, or one that was refused; it is held no longer when it can be used now. When it cannot, the
    /// receipt says why today. Blocks on storage, like all that follows.
    pub fn retry(&self, id: LetterId) -> Result<Result<Receipt, Refusal>, Fault> {
        let stands = self.store.receipt_as_stored(id)?;
        let found = match self.held_letter(id)? {
            Some(held) => Some(held),
            None => self.refused_letter(id)?,
        };
        let Some((letter, before)) = found else { return Ok(Err(Refusal::NotHeld)) };
        let sending = Sending { before: Some(before), stands, ..Sending::new(&letter, id) };
        self.settle(&sending, &Depth::alone()).map(Ok)
    }

    /// Takes in a letter in the place of a held one: same sender, other bytes, the same name or another. Both are kept
    /// for ever and name each other; the old one is held no longer, whatever becomes of the new one. What the sender was refused
    /// meanwhile is looked at anew, so that it is on the list where it still does not conform.
    pub fn correct(
        &self,
        id: LetterId,
        name: Option<String>,
        bytes: Vec<u8>,
    ) -> Result<Result<Receipt, Refusal>, Fault> {
        let Some((wrong, receipt)) = self.held_letter(id)? else { return Ok(Err(Refusal::NotHeld)) };
        let letter = Letter { source: wrong.source, name: name.unwrap_or(wrong.name), bytes };
        let new = letter.id();
        if new == id {
            return Ok(Err(Refusal::NothingCorrected));
        }
        let stands = self.store.receipt_as_stored(new)?;
        let before = self.receipt(new)?;
        if let Some(earlier) = before.as_ref().filter(|earlier| !earlier.is_refused()) {
            // The sender has sent it so since.
            let mut commit = Commit::default();
            replace(&mut commit, &receipt, new)?;
            commit.of_letter(id)?;
            self.store.submit(commit).wait()?;
            return Ok(Ok(earlier.clone().repeated()));
        }
        self.keep(&letter, new)?;
        let sending = Sending { before, stands, corrects: Some(receipt), ..Sending::new(&letter, new) };
        self.settle(&sending, &Depth::alone()).map(Ok)
    }

    /// Takes a held letter off the list. The letter stays, and its receipt keeps the reason.
    pub fn drop_held(&self, id: LetterId, reason: &str) -> Result<Result<Receipt, Refusal>, Fault> {
        let Some((_, receipt)) = self.held_letter(id)? else { return Ok(Err(Refusal::NotHeld)) };
        let dropped = Some(Dropped { at: (self.clock)(), reason: reason.to_owned() });
        let receipt = Receipt { dropped, ..receipt };
        let mut commit = Commit::default();
        settled(&mut commit, id, &receipt)?;
        commit.of_letter(id)?;
        self.store.submit(commit).wait()?;
        Ok(Ok(receipt))
    }

    /// A letter that was refused, and why: what is asked of its sender may have been wrong.
    fn refused_letter(&self, id: LetterId) -> Result<Option<(Letter, Receipt)>, Fault> {
        let receipt =
            self.receipt(id)?.filter(|receipt| receipt.outcome == Outcome::Refused && receipt.letter == id.hex());
        Ok(self.store.letter(id)?.zip(receipt))
    }

    /// A held letter and why it is held.
    fn held_letter(&self, id: LetterId) -> Result<Option<(Letter, Receipt)>, Fault> {
        if !self.store.is_held(id)? {
            return Ok(None);
        }
        // A container that is under way is marked too, and has no receipt yet.
        let Some(receipt) = self.receipt(id)? else { return Ok(None) };
        let receipt = Some(receipt).filter(|receipt| receipt.outcome == Outcome::Held);
        let broken = || Fault::Broken("a held letter has no receipt or no bytes".into());
        self.store.letter(id)?.zip(receipt).ok_or_else(broken).map(Some)
    }
}

/// Adds to the commit of a correction that the letter it corrects is held no longer.
pub(super) fn replace(commit: &mut Commit, wrong: &Receipt, by: LetterId) -> Result<(), Fault> {
    let id = LetterId::parse(&wrong.letter).ok_or_else(|| Fault::Broken("a receipt names no letter".into()))?;
    settled(commit, id, &Receipt { replaced_by: Some(by.hex()), ..wrong.clone() })
}

fn settled(commit: &mut Commit, id: LetterId, receipt: &Receipt) -> Result<(), Fault> {
    commit.expect_held(id);
    commit.release(id);
    commit.put_receipt(id, &receipt.encode())
}
