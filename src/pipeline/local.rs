//! Codes of senders' own that no concept map knows wait in a queue, each with the letters that hold it, so that whoever
//! maps one knows which records to make anew.

use std::collections::HashSet;
use std::sync::Mutex;

use super::parts::OfFacility;
use crate::fault::Fault;
use crate::letter::LetterId;
use crate::store::codes::{Code, code_id};
use crate::store::{Commit, Store};

/// Codes that are remembered as described in the store already.
const KNOWN_MAX: usize = 100_000;

/// Which codes the store describes already.
#[derive(Debug, Default)]
pub(super) struct Codes {
    known: Mutex<HashSet<u128>>,
}

/// The names of a letter's codes in the store, each once, in the order of the letter.
pub(super) fn ids(codes: &[OfFacility]) -> Vec<u128> {
    let mut seen = HashSet::with_capacity(codes.len());
    let ids = codes.iter().map(|(facility, code)| code_id(facility.as_str(), &code.system, &code.code));
    ids.filter(|id| seen.insert(*id)).collect()
}

impl Codes {
    /// Says what the codes are, as far as the store does not say so yet.
    pub(super) fn describe(
        &self,
        store: &Store,
        codes: &[OfFacility],
        letter: LetterId,
        commit: &mut Commit,
    ) -> Result<(), Fault> {
        for (facility, code) in codes {
            let id = code_id(facility.as_str(), &code.system, &code.code);
            if !self.is_known(id) && !store.knows_code(id)? {
                let described = Code {
                    facility: facility.as_str().to_owned(),
                    system: code.system.clone(),
                    code: code.code.clone(),
                    display: code.display.clone(),
                    table: code.table.clone(),
                    place: code.place.to_string(),
                    letter: letter.hex(),
                };
                commit.put_code(id, &described);
                // Only what the store was seen to hold is remembered: this commit may yet be refused.
                continue;
            }
            self.remember(id);
        }
        Ok(())
    }

    fn is_known(&self, id: u128) -> bool {
        self.known.lock().is_ok_and(|known| known.contains(&id))
    }

    /// What is full is begun anew: it only saves asking the store.
    fn remember(&self, id: u128) {
        if let Ok(mut known) = self.known.lock() {
            if known.len() >= KNOWN_MAX {
                known.clear();
            }
            known.insert(id);
        }
    }
}
