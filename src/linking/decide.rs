//! What the rules make of a record and those that share something with it. What somebody decided is never decided otherwise
//! here; what a rule linked is taken apart when the records contradict each other later.

use std::collections::BTreeSet;

use super::{Linker, Who, read::Told};
use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::identity::{Reason, Verdict, compare, contradict};
use crate::pipeline::{Relating, Relation};
use crate::store::ties::{MEMBERS_MAX, Pair, State};
use crate::store::{Store, Ties};

/// The ground of a link that somebody decided on.
pub const OFFICE: &str = "office";
/// The ground of a link that the facility itself told: it uses one of its two records in the place of the other.
pub const MERGE: &str = "merge";
/// The ground of a proposal that the facility told: two of its records have to do with each other.
const SEE_ALSO: &str = "seealso";
/// The ground of a proposal that is only a score.
const SCORE: &str = "score";

/// What is known of another record before it is compared.
struct About<'a> {
    other: PatientKey,
    known: Option<&'a Pair>,
    /// Whether the facility that keeps both says that they are one patient's.
    is_merged: bool,
    /// Whether it says that they have to do with each other.
    is_seen_also: bool,
    /// Whether the record does not belong to its person any more.
    is_out: bool,
}

impl Linker {
    /// What is to hold from now on and does not yet.
    pub(super) fn relations(
        &self,
        record: PatientKey,
        told: &Told,
        who: Option<&Who>,
        relating: &mut Relating<'_>,
    ) -> Result<Vec<Relation>, Fault> {
        let ties = relating.ties(record)?.clone();
        let (merged, see_also) = (self.own_of(record, &told.merged)?, self.own_of(record, &told.see_also)?);
        let mut others: BTreeSet<PatientKey> = merged.iter().chain(&see_also).copied().collect();
        others.extend(ties.pairs.iter().map(|pair| pair.other));
        if let Some(who) = who {
            others.extend(self.candidates(&who.traits, Some(record)));
        }
        let is_out = self.contradicts_person(record, who, &ties)?;
        let mut relations = Vec::new();
        for other in others {
            let known = ties.pair(other);
            if known.is_some_and(Pair::is_decided) {
                continue;
            }
            let is_merged = merged.contains(&other)
                || (known.is_some_and(|pair| pair.ground == MERGE) && self.merges(other, record)?);
            let about = About { other, known, is_merged, is_seen_also: see_also.contains(&other), is_out };
            let wanted = self.wanted(record, who, &about, relating)?;
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
        who: Option<&Who>,
        about: &About<'_>,
        relating: &mut Relating<'_>,
    ) -> Result<Option<(State, String, f32)>, Fault> {
        let known = about.known;
        let is_linked = known.is_some_and(|pair| pair.state == State::Linked);
        if about.is_merged {
            // The word of one facility joins its own two records, and not two persons that others know.
            let state = match is_linked || self.agree(record, about.other, relating)? {
                true => State::Linked,
                false => State::Proposed,
            };
            return Ok(Some((state, MERGE.to_owned(), 0.0)));
        }
        let seen_also = about.is_seen_also.then(|| (State::Proposed, SEE_ALSO.to_owned(), 0.0));
        let theirs = self.who(about.other)?;
        // Of a record that tells nothing any more, what was found stands.
        let as_known = known.map(|pair| (pair.state, pair.ground.clone(), pair.score));
        let (Some(who), Some(theirs)) = (who, &theirs) else { return Ok(as_known.or(seen_also)) };
        let (ours, theirs, is_another) = (&who.traits, &theirs.traits, who.is_another || theirs.is_another);
        let score = self.score(ours, theirs);
        let proposed = |ground: &str| Some((State::Proposed, ground.to_owned(), score));
        let is_linked = is_linked && known.is_some_and(|pair| pair.ground != MERGE);
        if is_linked && about.is_out {
            return Ok(proposed(SCORE));
        }
        Ok(match compare(ours, theirs, &self.rules.weights) {
            // Why it was linked once is why it is linked.
            Verdict::Same(_) if is_linked => as_known,
            Verdict::Same(reason) => {
                let may = self.rules.automatic && !is_another && !about.is_out;
                match may && self.agree(record, about.other, relating)? {
                    true => Some((State::Linked, name(reason).to_owned(), score)),
                    false => proposed(name(reason)),
                }
            }
            // Somebody moved, married or has another insurance: the link stands until the records contradict each other.
            _ if is_linked && !contradict(ours, theirs) => as_known,
            Verdict::Perhaps(_) => proposed(SCORE),
            Verdict::Different if is_linked => proposed(SCORE),
            Verdict::Different => seen_also,
        })
    }

    /// Whether a record contradicts another of its person, with whom nobody but rules links it: then rules take it out, by
    /// whatever way it came in.
    fn contradicts_person(&self, record: PatientKey, who: Option<&Who>, ties: &Ties) -> Result<bool, Fault> {
        let Some(who) = who else { return Ok(false) };
        for member in ties.others(record) {
            let is_decided = ties.pair(member.record).is_some_and(|pair| pair.is_decided() || pair.ground == MERGE);
            if !is_decided && self.who(member.record)?.is_some_and(|theirs| contradict(&who.traits, &theirs.traits)) {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Whether no two records contradict each other of those that would be one person's by a link, and they are not too many.
    fn agree(&self, record: PatientKey, other: PatientKey, relating: &mut Relating<'_>) -> Result<bool, Fault> {
        let mut person = |own: PatientKey| -> Result<BTreeSet<PatientKey>, Fault> {
            Ok(relating.ties(own)?.others(own).map(|member| member.record).chain([own]).collect())
        };
        let (ours, theirs) = (person(record)?, person(other)?);
        if ours.contains(&other) {
            return Ok(true);
        }
        // They cannot become one person's anyhow, and are not all read to be told so.
        if ours.len() + theirs.len() > MEMBERS_MAX {
            return Ok(false);
        }
        let mut others = Vec::with_capacity(theirs.len());
        for two in &theirs {
            others.extend(self.who(*two)?.map(|who| (*two, who.traits)));
        }
        for one in &ours {
            let Some(who) = self.who(*one)? else { continue };
            let mut beyond = others.iter().filter(|(two, _)| (*one, *two) != (record, other));
            if beyond.any(|(_, traits)| contradict(&who.traits, traits)) {
                return Ok(false);
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
