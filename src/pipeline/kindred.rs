//! Which records are one person's, and what follows from it (design decision 4b; `docs/adr/0044`): linking moves nothing. What
//! two records have to do with each other is written with both; each record of a person knows the others, and stands on
//! every panel on which the consents of any of them put it. All of it in the commit that makes it so.

use std::collections::{BTreeMap, BTreeSet};

use super::standing::Standing;
use super::{CONFLICTS_MAX, Pipeline};
use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::store::ties::{MEMBERS_MAX, Member, PAIRS_MAX, Pair, REASON_CHARS_MAX, State};
use crate::store::{Commit, Store, Ties, keys};

/// What is to hold of two records.
#[derive(Clone, Debug, PartialEq)]
pub struct Relation {
    /// One of them.
    pub one: PatientKey,
    /// The other.
    pub other: PatientKey,
    /// What is to hold; `None` forgets what was known of them.
    pub state: Option<State>,
    /// By which rule, or by whom.
    pub ground: String,
    /// Who decided; empty for a rule.
    pub by: String,
    /// Why, in the words of who decided; cut at [`REASON_CHARS_MAX`].
    pub reason: String,
    /// Score in bits.
    pub score: f32,
}

/// Why a relation cannot hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unrelated {
    /// There is no such record, or both are the same.
    NoRecord,
    /// The person would have more than [`MEMBERS_MAX`] records.
    TooManyMembers,
    /// A record remembers [`PAIRS_MAX`] pairs already.
    TooManyPairs,
    /// Somebody decided of two of the records that would become one person's that they are not.
    Separate(PatientKey, PatientKey),
}

/// The records that a commit has to do with, and what ties them.
pub(super) struct Kindred<'s> {
    store: &'s Store,
    nodes: BTreeMap<PatientKey, Node>,
}

struct Node {
    stored: Option<Vec<u8>>,
    was: Ties,
    now: Ties,
    /// Its own panels, where it is alone and they count.
    own_was: Vec<String>,
    own_now: Vec<String>,
    /// Whether its chart has to be made anew although nothing is written differently.
    is_touched: bool,
}

impl Pipeline {
    /// Makes relations hold, with all that follows, in one commit or none of them. Answers the records whose readers may see
    /// something else now. Blocks on storage.
    pub fn relate(&self, relations: &[Relation]) -> Result<Result<Vec<PatientKey>, Unrelated>, Fault> {
        for _ in 0..CONFLICTS_MAX {
            match self.relate_once(relations) {
                Err(Fault::Conflict) => {}
                done => return done,
            }
        }
        Err(Fault::Busy)
    }

    fn relate_once(&self, relations: &[Relation]) -> Result<Result<Vec<PatientKey>, Unrelated>, Fault> {
        let mut commit = Commit::default();
        let mut kindred = Kindred::new(&self.store);
        let mut regroups = false;
        for relation in relations {
            let (one, other) = (relation.one, relation.other);
            for record in [one, other] {
                if one == other || record.is_directory() || self.store.head(record)?.is_none() {
                    return Ok(Err(Unrelated::NoRecord));
                }
                kindred.load_person(record)?;
            }
            let was = kindred.state_of(one, other);
            if let Err(why) = kindred.state(relation, (self.clock)()) {
                return Ok(Err(why));
            }
            // Who is told apart may be one person's by way of a third record.
            let regroups_by = |state: &Option<State>| matches!(state, Some(State::Linked | State::Separate));
            regroups |= [was, relation.state].iter().any(regroups_by);
        }
        if regroups && let Err(why) = kindred.regroup(|record| self.member(record, &mut commit))? {
            return Ok(Err(why));
        }
        let changed = kindred.finish(&mut commit)?;
        if !commit.put.is_empty() || !commit.delete.is_empty() {
            self.store.submit(commit).wait()?;
        }
        Ok(Ok(changed))
    }

    /// What a record that was alone says for its person, which must still hold when the commit is made.
    fn member(&self, record: PatientKey, commit: &mut Commit) -> Result<Member, Fault> {
        let standing = self.standings.take(&self.store, record)?;
        commit.expect.push((keys::head(record), standing.head_bytes()));
        let member = standing.as_member();
        self.standings.give_back(standing);
        Ok(member)
    }
}

impl<'s> Kindred<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Kindred { store, nodes: BTreeMap::new() }
    }

    /// What a record says has changed, and with it what its consents say of the person: panels and charts of all records of
    /// the person follow. `before` are the panels that its own consents had put it on.
    pub(super) fn spoke(&mut self, standing: &Standing, before: &[String]) -> Result<(), Fault> {
        let record = standing.patient();
        self.load_person(record)?;
        let member = standing.as_member();
        let Some(node) = self.nodes.get_mut(&record) else { return Ok(()) };
        if node.now.members.is_empty() {
            node.own_was = before.to_vec();
            node.own_now = member.panels;
            return Ok(());
        }
        let person: Vec<PatientKey> = node.now.members.iter().map(|member| member.record).collect();
        for of_person in person {
            let Some(node) = self.nodes.get_mut(&of_person) else { continue };
            node.is_touched = true;
            if let Some(known) = node.now.members.iter_mut().find(|known| known.record == record) {
                *known = member.clone();
            }
        }
        Ok(())
    }

    /// Adds to the commit whatever became different, and what it was decided upon. Answers the records whose readers may
    /// see something else.
    pub(super) fn finish(self, commit: &mut Commit) -> Result<Vec<PatientKey>, Fault> {
        let mut changed = Vec::new();
        for (record, node) in self.nodes {
            let (before, after) = (panels(&node.was, &node.own_was), panels(&node.now, &node.own_now));
            after.difference(&before).for_each(|name| commit.put_on_panel(name, record));
            before.difference(&after).for_each(|name| commit.take_off_panel(name, record));
            let (before, after) = (proposed(record, &node.was), proposed(record, &node.now));
            after.difference(&before).for_each(|other| commit.doubt(record, *other, true));
            before.difference(&after).for_each(|other| commit.doubt(record, *other, false));
            if node.is_touched || node.was.members != node.now.members {
                changed.push(record);
            }
            match node.is_touched || node.was != node.now {
                true => commit.put_ties(record, node.stored, &node.now)?,
                false => commit.expect.push((keys::ties(record), node.stored)),
            }
        }
        Ok(changed)
    }

    /// A record and all others of its person.
    fn load_person(&mut self, record: PatientKey) -> Result<(), Fault> {
        self.load(record)?;
        let others: Vec<PatientKey> =
            self.nodes.get(&record).into_iter().flat_map(|node| node.now.others(record)).map(|m| m.record).collect();
        others.into_iter().try_for_each(|other| self.load(other))
    }

    fn load(&mut self, record: PatientKey) -> Result<(), Fault> {
        if self.nodes.contains_key(&record) {
            return Ok(());
        }
        let (was, stored) = self.store.ties(record)?;
        let now = was.clone();
        let (own_was, own_now) = (Vec::new(), Vec::new());
        self.nodes.insert(record, Node { stored, was, now, own_was, own_now, is_touched: false });
        Ok(())
    }

    fn state_of(&self, one: PatientKey, other: PatientKey) -> Option<State> {
        self.nodes.get(&one)?.now.pair(other).map(|pair| pair.state)
    }

    /// Writes a relation down with both records.
    fn state(&mut self, relation: &Relation, now_ms: i64) -> Result<(), Unrelated> {
        for (own, other) in [(relation.one, relation.other), (relation.other, relation.one)] {
            let Some(node) = self.nodes.get_mut(&own) else { continue };
            let Some(state) = relation.state else {
                node.now.forget(other);
                continue;
            };
            let cut = |text: &str| text.chars().take(REASON_CHARS_MAX).collect::<String>();
            let since_ms = match node.now.pair(other) {
                Some(known) if known.state == state => known.since_ms,
                _ => now_ms,
            };
            let (by, reason) = (cut(&relation.by), cut(&relation.reason));
            node.now.remember(Pair {
                other,
                state,
                ground: relation.ground.clone(),
                by,
                reason,
                score: relation.score,
                since_ms,
            });
            if node.now.pairs.len() > PAIRS_MAX {
                return Err(Unrelated::TooManyPairs);
            }
        }
        Ok(())
    }

    /// Finds anew who is one person of the records loaded. `own` tells of a record that was alone.
    fn regroup(
        &mut self,
        mut own: impl FnMut(PatientKey) -> Result<Member, Fault>,
    ) -> Result<Result<(), Unrelated>, Fault> {
        for person in self.persons() {
            if person.len() > MEMBERS_MAX {
                return Ok(Err(Unrelated::TooManyMembers));
            }
            if let Some((one, other)) = self.held_apart(&person) {
                return Ok(Err(Unrelated::Separate(one, other)));
            }
            let mut members = Vec::with_capacity(person.len());
            for record in &person {
                let Some(node) = self.nodes.get_mut(record) else { continue };
                let known = node.was.members.iter().find(|member| member.record == *record).cloned();
                let is_new = known.is_none() && person.len() > 1;
                let member = match known {
                    Some(member) => member,
                    None if is_new => own(*record)?,
                    None => continue,
                };
                if is_new {
                    node.own_was.clone_from(&member.panels);
                }
                node.own_now.clone_from(&member.panels);
                members.push(member);
            }
            if person.len() == 1 {
                members.clear();
            }
            for record in &person {
                if let Some(node) = self.nodes.get_mut(record) {
                    node.now.members.clone_from(&members);
                }
            }
        }
        Ok(Ok(()))
    }

    /// The records loaded, person by person: those that links connect, each in the order of their keys.
    fn persons(&self) -> Vec<BTreeSet<PatientKey>> {
        let mut persons: Vec<BTreeSet<PatientKey>> = Vec::new();
        for start in self.nodes.keys() {
            if persons.iter().any(|person| person.contains(start)) {
                continue;
            }
            let (mut person, mut open) = (BTreeSet::from([*start]), vec![*start]);
            while let Some(record) = open.pop() {
                let linked = self.nodes.get(&record).into_iter().flat_map(|node| node.now.in_state(State::Linked));
                let known = linked.map(|pair| pair.other).filter(|other| self.nodes.contains_key(other));
                open.extend(known.filter(|other| person.insert(*other)));
            }
            persons.push(person);
        }
        persons
    }

    fn held_apart(&self, person: &BTreeSet<PatientKey>) -> Option<(PatientKey, PatientKey)> {
        let of = |record: &PatientKey| Some((*record, &self.nodes.get(record)?.now));
        let mut pairs = person
            .iter()
            .filter_map(of)
            .flat_map(|(record, ties)| ties.in_state(State::Separate).map(move |pair| (record, pair.other)));
        pairs.find(|(_, other)| person.contains(other))
    }
}

/// The records with greater keys at which somebody must look beside this one: each pair is written once.
fn proposed(record: PatientKey, ties: &Ties) -> BTreeSet<PatientKey> {
    ties.in_state(State::Proposed).map(|pair| pair.other).filter(|other| record < *other).collect()
}

/// The panels that a record stands on: those of all records of its person, or its own.
fn panels(ties: &Ties, own: &[String]) -> BTreeSet<String> {
    match ties.members.is_empty() {
        true => own.iter().cloned().collect(),
        false => ties.members.iter().flat_map(|member| member.panels.iter().cloned()).collect(),
    }
}
