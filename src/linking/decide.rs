//! What the rules make of a record and those that share something with it. What somebody decided is never decided otherwise
//! here; what a rule linked is taken apart when the records contradict each other later.

use std::collections::BTreeSet;

use super::{Linker, read::Told};
use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::identity::{Reason, Traits, Verdict, compare, contradict};
use crate::pipeline::{Relating, Relation};
use crate::store::Store;
use crate::store::ties::{Pair, State};

/// The ground of a link that somebody decided on.
pub const OFFICE: &str = "office";
/// The ground of a link that the facility itself told: it uses one of its two records in the place of the other.
pub const MERGE: &str = "merge";
/// The ground of a proposal that the facility told: two of its records have to do with each other.
const SEE_ALSO: &str = "seealso";
/// The ground of a proposal that is only a score.
const SCORE: &str = "score";

impl Linker {
    /// What is to hold from now on and does not yet.
    pub(super) fn relations(
        &self,
        record: PatientKey,
        told: &Told,
        relating: &mut Relating<'_>,
    ) -> Result<Vec<Relation>, Fault> {
        let ties = relating.ties(record)?.clone();
        let mut relations = Vec::new();
        let (merged, see_also) = (self.own_of(record, &told.merged)?, self.own_of(record, &told.see_also)?);
        let mut others: BTreeSet<PatientKey> = merged.iter().chain(&see_also).copied().collect();
        others.extend(ties.pairs.iter().map(|pair| pair.other));
        if let Some(traits) = &told.traits {
            others.extend(self.candidates(traits, Some(record)));
        }
        for other in others {
            let known = ties.pair(other);
            if known.is_some_and(Pair::is_decided) {
                continue;
            }
            let wanted = match merged.contains(&other) {
                true => Some((State::Linked, MERGE.to_owned(), 0.0)),
                false if known.is_some_and(|pair| pair.ground == MERGE) && self.merges(other, record)? => continue,
                false => {
                    self.wanted(record, told.traits.as_ref(), other, known, see_also.contains(&other), relating)?
                }
            };
            let holds = match (&wanted, known) {
                (None, None) => true,
                (Some((state, ground, _)), Some(pair)) => pair.state == *state && pair.ground == *ground,
                _ => false,
            };
            if !holds {
                let (state, ground, score) = wanted.map_or((None, String::new(), 0.0), |(s, g, b)| (Some(s), g, b));
                let (by, reason) = (String::new(), String::new());
                relations.push(Relation { one: record, other, state, ground, by, reason, score });
            }
        }
        Ok(relations)
    }

    /// What comparing two records makes of them, given what is known of them.
    fn wanted(
        &self,
        record: PatientKey,
        traits: Option<&Traits>,
        other: PatientKey,
        known: Option<&Pair>,
        is_seen_also: bool,
        relating: &mut Relating<'_>,
    ) -> Result<Option<(State, String, f32)>, Fault> {
        let seen_also = is_seen_also.then(|| (State::Proposed, SEE_ALSO.to_owned(), 0.0));
        let theirs = self.traits(other)?;
        // Of a record that tells nothing any more, what was found stands.
        let as_known = known.map(|pair| (pair.state, pair.ground.clone(), pair.score));
        let (Some(traits), Some(theirs)) = (traits, &theirs) else { return Ok(as_known.or(seen_also)) };
        let score = self.score(traits, theirs);
        let is_linked = known.is_some_and(|pair| pair.state == State::Linked && pair.ground != MERGE);
        Ok(match compare(traits, theirs, &self.rules.weights) {
            Verdict::Same(reason) => {
                let state = match is_linked || (self.rules.automatic && self.agree(record, other, relating)?) {
                    true => State::Linked,
                    false => State::Proposed,
                };
                // Why it was linked once is why it is linked.
                let ground = known.filter(|pair| is_linked && pair.state == state).map(|pair| pair.ground.clone());
                Some((state, ground.unwrap_or_else(|| name(reason).to_owned()), score))
            }
            // Somebody moved, married or has another insurance: the link stands until the records contradict each other.
            _ if is_linked && !contradict(traits, theirs) => as_known,
            Verdict::Perhaps(score) => Some((State::Proposed, SCORE.to_owned(), score)),
            Verdict::Different if is_linked => Some((State::Proposed, SCORE.to_owned(), score)),
            Verdict::Different => seen_also,
        })
    }

    /// Whether no two records contradict each other of those that would be one person's by a link.
    fn agree(&self, record: PatientKey, other: PatientKey, relating: &mut Relating<'_>) -> Result<bool, Fault> {
        let mut person = |own: PatientKey| -> Result<BTreeSet<PatientKey>, Fault> {
            Ok(relating.ties(own)?.others(own).map(|member| member.record).chain([own]).collect())
        };
        let (ours, theirs) = (person(record)?, person(other)?);
        if ours.contains(&other) {
            return Ok(true);
        }
        for one in &ours {
            let Some(a) = self.traits(*one)? else { continue };
            for two in theirs.iter().filter(|two| (*one, **two) != (record, other)) {
                if self.traits(*two)?.is_some_and(|b| contradict(&a, &b)) {
                    return Ok(false);
                }
            }
        }
        Ok(true)
    }

    /// Those of the records that the same facility keeps: of another's patients it cannot tell.
    fn own_of(&self, record: PatientKey, others: &[PatientKey]) -> Result<Vec<PatientKey>, Fault> {
        if others.is_empty() {
            return Ok(Vec::new());
        }
        let facility = facility(&self.store, record)?;
        let mut own = Vec::new();
        for other in others {
            if facility.is_some() && facility == self::facility(&self.store, *other)? {
                own.push(*other);
            }
        }
        Ok(own)
    }

    /// Whether one record says that it and another of the same facility are one patient's.
    fn merges(&self, record: PatientKey, other: PatientKey) -> Result<bool, Fault> {
        let told = super::read::told(&self.store.partition(record)?)?;
        Ok(self.own_of(record, &told.merged)?.contains(&other))
    }
}

fn facility(store: &Store, record: PatientKey) -> Result<Option<String>, Fault> {
    Ok(store.head(record)?.map(|head| head.facility).filter(|facility| !facility.is_empty()))
}

/// What agreed, as it is kept and shown.
fn name(reason: Reason) -> &'static str {
    match reason {
        Reason::Medical => "medical",
        Reason::Care => "care",
        Reason::Local => "local",
        Reason::Household => "household",
    }
}
