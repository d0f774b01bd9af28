//! Following the log: a page of it at a time, in its order, so that what is linked depends on nothing but what was committed.

use std::collections::{BTreeSet, HashMap};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::PoisonError;

use serde::{Deserialize, Serialize};

use super::{Linker, Who, index::Index, read};
use crate::audit::{Event, What};
use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::identity::{is_another, keys};
use crate::pipeline::{Relating, Relation, Unrelated};
use crate::store::ties::State;
use crate::store::{Commit, Position};

/// The name under which the store notes how far the log has been followed.
const NOTE: &str = "people";
/// Another number where what is kept of a record, or its keys, are made otherwise: everything is made anew then.
const MADE: u32 = 2;
/// Entries of the log that are followed at a time.
const PAGE: usize = 256;
/// Records that are written in one commit.
const RECORDS_MAX: usize = 256;
/// How often records are looked at together when something of them has changed meanwhile; then one by one.
const TOGETHER: usize = 3;
/// How often one is.
const CONFLICTS_MAX: usize = 100;

/// How far the log has been followed.
#[derive(Debug, Serialize, Deserialize)]
struct Note {
    made: u32,
    position: u64,
}

/// What is being made of some records.
struct Looking<'l> {
    relating: Relating<'l>,
    commit: Commit,
    events: Vec<Event>,
}

impl Linker {
    /// Reads the index from what is kept of every record; tells how far the log had been followed. What cannot be read is
    /// passed over: the record is found again when it is written to.
    pub(super) fn read_index(&self) -> Result<Position, Fault> {
        let noted = self.store.noted(NOTE)?;
        let note = noted.and_then(|bytes| serde_json::from_slice::<Note>(&bytes).ok());
        let Some(note) = note.filter(|note| note.made == MADE) else { return Ok(Position(0)) };
        let mut index = Index::default();
        self.store.each_who(|record, who| {
            match Who::decode(&who) {
                Some(who) => index.put(record, &[], &keys(&who.traits)),
                None => tracing::error!("what tells a person apart is damaged"),
            }
            Ok(())
        })?;
        *self.index.write().unwrap_or_else(PoisonError::into_inner) = index;
        Ok(Position(note.position))
    }

    /// Follows the next page, up to a position; `None` when there is none.
    pub(super) fn follow_page(&self, after: Position, until: Position) -> Result<Option<Position>, Fault> {
        let mut page = self.store.log(after, PAGE)?;
        page.retain(|(position, _)| *position <= until);
        let Some((last, _)) = page.last() else { return Ok(None) };
        let told = page.iter().filter(|(_, logged)| logged.tells_people).flat_map(|(_, logged)| &logged.sheaves);
        let records: BTreeSet<PatientKey> =
            told.map(|(record, _)| *record).filter(|record| !record.is_directory()).collect();
        let records: Vec<PatientKey> = records.into_iter().collect();
        let mut chunks = records.chunks(RECORDS_MAX).peekable();
        // A page of nothing but messages that tell nothing of people costs no write of its own.
        while let Some(some) = chunks.next() {
            let note = chunks.peek().is_none().then_some(*last);
            if self.follow_records(some, note, TOGETHER)? {
                continue;
            }
            for one in some.chunks(1) {
                if !self.follow_records(one, None, CONFLICTS_MAX)? {
                    return Err(Fault::Busy);
                }
            }
            self.follow_records(&[], note, 1)?;
        }
        Ok(Some(*last))
    }

    /// Looks at some records and writes what comes of it in one commit; false where, so many times, somebody wrote to one of
    /// them meanwhile.
    fn follow_records(&self, records: &[PatientKey], note: Option<Position>, tries: usize) -> Result<bool, Fault> {
        let mut indexed = HashMap::new();
        for _ in 0..tries {
            let (relating, commit, events) = (self.pipeline.relating(), Commit::default(), Vec::new());
            let mut looking = Looking { relating, commit, events };
            for record in records {
                let look = || self.look(*record, &mut looking, &mut indexed);
                let broken = |_| Err(Fault::Broken("linking has failed within".into()));
                match catch_unwind(AssertUnwindSafe(look)).unwrap_or_else(broken) {
                    // One record that cannot be read must not keep all others from being linked; `tasuki verify` finds it.
                    Err(Fault::Broken(why)) => tracing::error!(why, "a record cannot be read and is not linked"),
                    looked => looked?,
                }
            }
            let Looking { relating, mut commit, events } = looking;
            if let Some(position) = note {
                let note = Note { made: MADE, position: position.0 };
                commit.note(NOTE, Some(&serde_json::to_vec(&note).unwrap_or_default()));
            }
            // What the rules decide is on the audit record before it holds.
            self.journal.record_all_now(events)?;
            let written = relating.commit(commit);
            self.fresh.write().unwrap_or_else(PoisonError::into_inner).clear();
            match written {
                Err(Fault::Conflict) => {}
                done => return done.map(|_| true),
            }
        }
        Ok(false)
    }

    /// Looks at one record: what it tells, and what that makes of its ties. `indexed` are the keys that it was put into the
    /// index with at an earlier try.
    fn look(
        &self,
        record: PatientKey,
        looking: &mut Looking<'_>,
        indexed: &mut HashMap<PatientKey, Vec<u64>>,
    ) -> Result<(), Fault> {
        let told = read::told(&self.store.partition(record)?)?;
        let before = self.who(record)?;
        let who = told.traits.clone().map(|traits| {
            // A record that became somebody else's once is linked by nobody but people.
            let was_another = before.as_ref().is_some_and(|b| b.is_another || is_another(&b.traits, &traits));
            Who { traits, is_another: was_another }
        });
        let old = before.as_ref().map(|who| keys(&who.traits)).unwrap_or_default();
        let new = who.as_ref().map(|who| keys(&who.traits)).unwrap_or_default();
        let tried = indexed.insert(record, new.clone()).unwrap_or_default();
        let old = [old, tried].concat();
        self.index.write().unwrap_or_else(PoisonError::into_inner).put(record, &old, &new);
        if before != who {
            looking.commit.put_who(record, who.as_ref().map(Who::encode).transpose()?);
            self.fresh.write().unwrap_or_else(PoisonError::into_inner).insert(record, who.clone());
        }
        for relation in self.relations(record, &told, who.as_ref(), &mut looking.relating)? {
            self.relate(&relation, looking)?;
        }
        Ok(())
    }

    /// Has a relation hold, as far as it can: what somebody decided otherwise stays, and a link that cannot be is for somebody
    /// to look at.
    fn relate(&self, relation: &Relation, looking: &mut Looking<'_>) -> Result<(), Fault> {
        let known = looking.relating.ties(relation.one)?.pair(relation.other);
        let was_linked = known.is_some_and(|pair| pair.state == State::Linked);
        let links = relation.state == Some(State::Linked);
        match looking.relating.relate(std::slice::from_ref(relation))? {
            Ok(()) if links || was_linked => {
                let (what, patients) =
                    (if links { What::Link } else { What::Unlink }, vec![relation.one, relation.other]);
                looking.events.push(Event { patients, ..Event::new((self.clock)(), what) });
            }
            Err(Unrelated::TooManyMembers | Unrelated::Separate(..)) if links && !was_linked => {
                let proposed = Relation { state: Some(State::Proposed), ..relation.clone() };
                let _ = looking.relating.relate(&[proposed])?;
            }
            Ok(()) | Err(_) => {}
        }
        Ok(())
    }
}
