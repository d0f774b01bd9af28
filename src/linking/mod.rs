//! Who is one person, kept up to date: follows the log of commits, and whenever it tells of a Patient or a Coverage, reads what
//! of the record tells people apart, finds the records that share it and links those that the rules of
//! [`crate::identity`] make one person's (`docs/adr/0044`).
//!
//! Nothing here is in the way of a message: its commit is acknowledged first, linking follows within milliseconds. Until
//! then the record is a person of its own, which opens nothing to anybody.

mod decide;
mod follow;
mod index;
mod read;

use std::collections::HashMap;
use std::sync::{Arc, Condvar, Mutex, PoisonError, RwLock, Weak};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::identity::{Traits, Verdict, Weights, compare, keys};
use crate::journal::Journal;
use crate::pipeline::Pipeline;
use crate::store::group::Watch;
use crate::store::{Commit, Logged, Position, Store};
pub use decide::{MERGE, OFFICE};
use index::Index;
pub use index::SHARING_MAX;
pub use read::traits_of;

/// By what rules records are linked.
#[derive(Clone, Debug, PartialEq)]
pub struct Rules {
    /// Whether what is certain is linked without anybody looking; otherwise it goes to the work list too.
    pub automatic: bool,
    /// The weights of the score.
    pub weights: Weights,
}

impl Default for Rules {
    fn default() -> Self {
        Rules { automatic: true, weights: Weights::default() }
    }
}

/// What is kept of a record for telling people apart.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Who {
    traits: Traits,
    /// Whether it told of somebody else once: it may have been made to look like another, and rules do not link it.
    is_another: bool,
}

impl Who {
    fn encode(&self) -> Result<Vec<u8>, Fault> {
        serde_json::to_vec(self).map_err(|_| Fault::Broken("what tells people apart cannot be written".into()))
    }

    /// `None` for what another version of the program wrote, or what is damaged.
    fn decode(bytes: &[u8]) -> Option<Self> {
        serde_json::from_slice(bytes).ok()
    }
}

/// A record that may be somebody's, and what comparing says.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Found {
    /// Which.
    pub record: PatientKey,
    /// What it is to whom was looked for; never [`Verdict::Different`].
    pub verdict: Verdict,
    /// The score in bits.
    pub score: f32,
}

/// Who is one person.
pub struct Linker {
    store: Store,
    pipeline: Arc<Pipeline>,
    journal: Arc<Journal>,
    rules: Rules,
    clock: fn() -> i64,
    index: RwLock<Index>,
    /// What was read of the records of the page of the log that is being followed, and is not kept yet.
    fresh: RwLock<HashMap<PatientKey, Option<Who>>>,
    /// How far the log has been followed; `None` until the index is read. Whoever follows holds it.
    followed: Mutex<Option<Position>>,
    bell: Arc<Bell>,
}

/// Rung by each commit that tells of people.
#[derive(Debug, Default)]
struct Bell {
    state: Mutex<Rung>,
    rung: Condvar,
}

#[derive(Debug, Default)]
struct Rung {
    is_rung: bool,
    is_over: bool,
}

impl Linker {
    /// Follows the store from now on, in a thread of its own, until it is dropped. `clock` gives milliseconds since 1970.
    pub fn follow(
        store: Store,
        pipeline: Arc<Pipeline>,
        journal: Arc<Journal>,
        rules: Rules,
        clock: fn() -> i64,
    ) -> Result<Arc<Self>, Fault> {
        let bell = Arc::new(Bell::default());
        store.watch(bell.clone());
        let linker = Arc::new(Linker {
            store,
            pipeline,
            journal,
            rules,
            clock,
            index: RwLock::default(),
            fresh: RwLock::default(),
            followed: Mutex::new(None),
            bell: bell.clone(),
        });
        let its = Arc::downgrade(&linker);
        std::thread::Builder::new()
            .name("linker".into())
            .spawn(move || run(&its, &bell))
            .map_err(|_| Fault::Broken("the thread that links people cannot be started".into()))?;
        Ok(linker)
    }

    /// Follows the log to its end: whatever was acknowledged before this was called is linked when it returns. Blocks on
    /// storage.
    pub fn settle(&self) -> Result<(), Fault> {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut position = match *followed {
            Some(position) => position,
            None => self.read_index()?,
        };
        // What comes meanwhile is for the next time: whoever waits would wait for ever where much comes.
        let until = self.store.log_end()?;
        loop {
            *followed = Some(position);
            match self.follow_page(position, until)? {
                Some(next) => position = next,
                None => return Ok(()),
            }
        }
    }

    /// The records that may be the person's with these traits, the likeliest first: those that share a key with them. Blocks
    /// on storage.
    pub fn find(&self, traits: &Traits) -> Result<Vec<Found>, Fault> {
        self.settle()?;
        let mut found = Vec::new();
        for record in self.candidates(traits, None) {
            let Some(known) = self.traits(record)? else { continue };
            let verdict = compare(traits, &known, &self.rules.weights);
            if verdict != Verdict::Different {
                found.push(Found { record, verdict, score: self.score(traits, &known) });
            }
        }
        let is_same = |found: &Found| matches!(found.verdict, Verdict::Same(_));
        found.sort_by(|a, b| {
            (is_same(b).cmp(&is_same(a))).then(b.score.total_cmp(&a.score)).then(a.record.cmp(&b.record))
        });
        Ok(found)
    }

    /// Every record that has one of the keys of these traits, key by key, however many there are: who asks may count those alone
    /// of whom it may know. Blocks on storage.
    pub fn having(&self, traits: &Traits) -> Result<Vec<(u64, Vec<PatientKey>)>, Fault> {
        self.settle()?;
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        Ok(keys(traits).into_iter().map(|key| (key, index.having(key))).collect())
    }

    /// The rules in force.
    pub fn rules(&self) -> &Rules {
        &self.rules
    }

    /// What of a record tells people apart, as it was when the log was last followed; `None` where there is nothing.
    pub fn traits(&self, record: PatientKey) -> Result<Option<Traits>, Fault> {
        Ok(self.who(record)?.map(|who| who.traits))
    }

    fn who(&self, record: PatientKey) -> Result<Option<Who>, Fault> {
        if let Some(who) = self.fresh.read().unwrap_or_else(PoisonError::into_inner).get(&record) {
            return Ok(who.clone());
        }
        Ok(self.store.who(record)?.and_then(|bytes| Who::decode(&bytes)))
    }

    fn candidates(&self, traits: &Traits, but: Option<PatientKey>) -> Vec<PatientKey> {
        let index = self.index.read().unwrap_or_else(PoisonError::into_inner);
        index.sharing(&keys(traits), but)
    }

    fn score(&self, a: &Traits, b: &Traits) -> f32 {
        crate::identity::evidence(a, b).score(&self.rules.weights)
    }
}

impl std::fmt::Debug for Linker {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Linker")
    }
}

impl Drop for Linker {
    fn drop(&mut self) {
        self.bell.state.lock().unwrap_or_else(PoisonError::into_inner).is_over = true;
        self.bell.rung.notify_all();
    }
}

/// When what could not be followed is tried again, where nothing is written meanwhile.
const TRIED_AGAIN: Duration = Duration::from_secs(30);

/// Follows whenever the bell rings, and now and then. What fails is tried again: the store says itself when it is broken.
fn run(linker: &Weak<Linker>, bell: &Bell) {
    loop {
        {
            let Some(linker) = linker.upgrade() else { return };
            if let Err(fault) = linker.settle() {
                tracing::warn!(?fault, "linking could not go on and is tried again");
            }
        }
        let state = bell.state.lock().unwrap_or_else(PoisonError::into_inner);
        let is_quiet = |state: &mut Rung| !state.is_rung && !state.is_over;
        let waited = bell.rung.wait_timeout_while(state, TRIED_AGAIN, is_quiet);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner).0;
        if state.is_over {
            return;
        }
        state.is_rung = false;
    }
}

impl Watch for Bell {
    fn committed(&self, commit: &Commit) {
        if commit.log.as_deref().is_some_and(Logged::tells_of_people) {
            self.state.lock().unwrap_or_else(PoisonError::into_inner).is_rung = true;
            self.rung.notify_one();
        }
    }
}
