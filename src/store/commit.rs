//! What can be added to a commit besides a sheaf, in the words of the domain. [`crate::store::records::write`] begins
//! the commit of a message; [`crate::store::Store::keep_raw`] that of a letter.

use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::letter::LetterId;
use crate::store::log::Logged;
use crate::store::press::Dictionary;
use crate::store::{Commit, keys, parts};

impl Commit {
    /// Says in the log which letter this came of.
    pub fn of_letter(&mut self, letter: LetterId) -> Result<(), Fault> {
        let logged = self.logged()?;
        self.log = Some(Logged { letter: Some(letter), ..logged }.encode());
        Ok(())
    }

    /// Puts the receipt of a letter: what became of it. A later receipt replaces an earlier one. Fails over
    /// [`crate::store::press::TEXT_BYTES_MAX`].
    pub fn put_receipt(&mut self, letter: LetterId, receipt: &[u8]) -> Result<(), Fault> {
        parts::put(self, Dictionary::Resource1, receipt, |part| keys::receipt(letter, part))
    }

    /// Refuses the commit when the letter has its receipt already: of several deliveries at once, one counts.
    pub fn expect_no_receipt(&mut self, letter: LetterId) {
        self.expect.push((keys::receipt(letter, 0), None));
    }

    /// Refuses the commit when the receipt of a letter is no longer what [`crate::store::Store::receipt_as_stored`] gave.
    pub fn expect_receipt(&mut self, letter: LetterId, stored: Option<Vec<u8>>) {
        self.expect.push((keys::receipt(letter, 0), stored));
    }

    /// Marks a letter as held: somebody must look at it.
    pub fn hold(&mut self, letter: LetterId) {
        self.put.push((keys::held(letter), Vec::new()));
    }

    /// Refuses the commit when the letter is not held any more: of two who settle it, one counts.
    pub fn expect_held(&mut self, letter: LetterId) {
        self.expect.push((keys::held(letter), Some(Vec::new())));
    }

    /// Takes the mark away.
    pub fn release(&mut self, letter: LetterId) {
        self.delete.push(keys::held(letter));
    }

    /// Puts the patient on the panel of an organisation, named by its reference (`Organization/agency-a`).
    pub fn put_on_panel(&mut self, organization: &str, patient: PatientKey) {
        self.put.push((keys::panel(keys::organization(organization), patient), Vec::new()));
    }

    /// Takes the patient off the panel.
    pub fn take_off_panel(&mut self, organization: &str, patient: PatientKey) {
        self.delete.push(keys::panel(keys::organization(organization), patient));
    }

    /// Notes a fact about the whole store, such as how far a long work has come; `None` takes the note away.
    pub fn note(&mut self, name: &str, text: Option<&[u8]>) {
        match text {
            Some(text) => self.put.push((keys::meta(name), text.to_vec())),
            None => self.delete.push(keys::meta(name)),
        }
    }

    /// Both changes as one, with one entry of the log that tells of both. Fails when an entry is damaged.
    pub fn and(mut self, other: Commit) -> Result<Commit, Fault> {
        self.log = match (&self.log, &other.log) {
            (Some(_), Some(_)) => Some(self.logged()?.and(other.logged()?).encode()),
            _ => other.log.or(self.log),
        };
        self.expect.extend(other.expect);
        self.put.extend(other.put);
        self.delete.extend(other.delete);
        Ok(self)
    }

    /// What the log will say.
    fn logged(&self) -> Result<Logged, Fault> {
        Ok(self.log.as_deref().map(Logged::decode).transpose()?.unwrap_or_default())
    }
}
