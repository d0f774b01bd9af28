//! Following the log: a page of it at a time, in its order, so that what is linked depends on nothing but what was committed.

use std::collections::BTreeSet;
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::{Linker, index::Index, read};
use crate::audit::{Event, What};
use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::identity::{Traits, keys};
use crate::store::ties::State;
use crate::store::{Commit, Position};

/// The name under which the store notes how far the log has been followed.
const NOTE: &str = "people";
/// Another number where what is kept of a record, or its keys, are made otherwise: everything is made anew then.
const MADE: u32 = 1;
/// Entries of the log that are followed at a time.
const PAGE: usize = 256;

/// How far the log has been followed.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    made: u32,
    position: u64,
}

impl Linker {
    /// Reads the index from what is kept of every record; tells how far the log had been followed.
    pub(super) fn read_index(&self) -> Result<Position, Fault> {
        let noted = self.store.noted(NOTE)?;
        let note = noted.and_then(|bytes| serde_json::from_slice::<Note>(&bytes).ok());
        let Some(note) = note.filter(|note| note.made == MADE) else { return Ok(Position(0)) };
        let mut index = Index::default();
        self.store.each_who(|record, who| {
            index.put(record, &[], &keys(&decode(&who)?));
            Ok(())
        })?;
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
        Ok(Position(note.position))
    }

    /// Follows the next page; `None` when there is none.
    pub(super) fn follow_page(&self, after: Position) -> Result<Option<Position>, Fault> {
        let page = self.store.log(after, PAGE)?;
        let Some((last, _)) = page.last() else { return Ok(None) };
        let told = page.iter().filter(|(_, logged)| logged.tells_people).flat_map(|(_, logged)| &logged.sheaves);
        let records: BTreeSet<PatientKey> =
            told.map(|(record, _)| *record).filter(|record| !record.is_directory()).collect();
        let (mut commit, mut events) = (Commit::default(), Vec::new());
        for record in records {
            self.look(record, &mut commit, &mut events)?;
        }
        // A page of nothing but messages that tell nothing of people costs no write of its own.
        if !commit.put.is_empty() || !commit.delete.is_empty() {
            let note = Note { made: MADE, position: last.0 };
            commit.note(NOTE, Some(&serde_json::to_vec(&note).unwrap_or_default()));
            self.store.submit(commit).wait()?;
            self.fresh.write().unwrap_or_else(PoisonError::into_inner).clear();
        }
        for event in events {
            // What the rules decided is written with the records too.
            self.journal.record_now(event)?;
        }
        Ok(Some(*last))
    }

    /// Looks at one record: what it tells, and what that makes of its ties.
    fn look(&self, record: PatientKey, commit: &mut Commit, events: &mut Vec<Event>) -> Result<(), Fault> {
        let told = read::told(&self.store.partition(record)?)?;
        let before = self.traits(record)?;
        let old = before.as_ref().map(keys).unwrap_or_default();
        let traits = told.traits.clone().unwrap_or_default();
        self.index.write().unwrap_or_else(PoisonError::into_inner).put(record, &old, &keys(&traits));
        if before.as_ref() != told.traits.as_ref() {
            let who = told.traits.as_ref().map(encode).transpose()?;
            // Other records of this page are compared with what is kept, so that it is kept first.
            let mut now = Commit::default();
            now.put_who(record, who);
            *commit = std::mem::take(commit).and(now)?;
            self.fresh.write().unwrap_or_else(PoisonError::into_inner).insert(record, told.traits.clone());
        }
        for relation in self.relations(record, &told)? {
            let was_linked = self.store.ties(record)?.0.pair(relation.other).is_some_and(|p| p.state == State::Linked);
            let what = match (relation.state == Some(State::Linked), was_linked) {
                (true, _) => Some(What::Link),
                (false, true) => Some(What::Unlink),
                (false, false) => None,
            };
            // What cannot be (too many records, or somebody decided otherwise meanwhile) stays as it was.
            if self.pipeline.relate(std::slice::from_ref(&relation))?.is_ok()
                && let Some(what) = what
            {
                let patients = vec![relation.one, relation.other];
                events.push(Event { patients, ..Event::new((self.clock)(), what) });
            }
        }
        Ok(())
    }
}

fn encode(traits: &Traits) -> Result<Vec<u8>, Fault> {
    serde_json::to_vec(traits).map_err(|_| Fault::Broken("what tells people apart cannot be written".into()))
}

pub(super) fn decode(bytes: &[u8]) -> Result<Traits, Fault> {
    serde_json::from_slice(bytes).map_err(|_| Fault::Broken("what tells people apart is damaged".into()))
}
