//! Which records are one person's, and what follows from it (design decision 4b; `docs/adr/0044`): linking moves nothing. What
//! two records have to do with each other is written with both; each record of a person knows the others, and stands on
//! every panel on which the consents of any of them put it. All of it in the commit that makes it so.

use std::collections::{BTreeMap, BTreeSet, HashMap};

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
    /// Somebody decided otherwise, which no rule overrides.
    Decided,
    /// Somebody decided of two of the records that would become one person's that they are not.
    Separate(PatientKey, PatientKey),
}

/// The records that a commit has to do with, and what ties them.
pub(super) struct Kindred<'s> {
    store: &'s Store,
    nodes: BTreeMap<PatientKey, Node>,
    /// Pairs that were let go for others since the last relations held, with the record that knew them.
    gone: Vec<(PatientKey, Pair)>,
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

/// Relations that are to hold from one commit on, each decided upon what those before it made.
pub struct Relating<'p> {
    pipeline: &'p Pipeline,
    kindred: Kindred<'p>,
    /// What records that were alone say for their persons, which must still hold when the commit is made.
    alone: HashMap<PatientKey, Member>,
    commit: Commit,
}

impl Pipeline {
    /// Makes relations hold, with all that follows, in one commit or none of them. Answers the records whose readers may see
    /// something else now. Blocks on storage.
    pub fn relate(&self, relations: &[Relation]) -> Result<Result<Vec<PatientKey>, Unrelated>, Fault> {
        for _ in 0..CONFLICTS_MAX {
            let mut relating = self.relating();
            if let Err(why) = relating.relate(relations)? {
                return Ok(Err(why));
            }
            match relating.commit(Commit::default()) {
                Err(Fault::Conflict) => {}
                done => return done.map(Ok),
            }
        }
        Err(Fault::Busy)
    }

    /// The beginning of a commit of relations.
    pub fn relating(&self) -> Relating<'_> {
        let (kindred, alone) = (Kindred::new(&self.store), HashMap::new());
        Relating { pipeline: self, kindred, alone, commit: Commit::default() }
    }
}

impl Relating<'_> {
    /// What ties a record to others, after the relations so far.
    pub fn ties(&mut self, record: PatientKey) -> Result<&Ties, Fault> {
        self.kindred.load(record)?;
        let node = self.kindred.nodes.get(&record);
        node.map(|node| &node.now).ok_or_else(|| Fault::Broken("a record was not loaded".into()))
    }

    /// Has relations hold too, all of them at once: of three records that are linked with each other, one is taken out by two
    /// relations. Where they cannot hold, all stays as it was.
    pub fn relate(&mut self, relations: &[Relation]) -> Result<Result<(), Unrelated>, Fault> {
        let mut around = Vec::with_capacity(2 * relations.len());
        for Relation { one, other, .. } in relations {
            for record in [*one, *other] {
                let is_known = self.kindred.nodes.get(&record).is_some_and(|node| node.stored.is_some());
                let is_record = || Ok::<_, Fault>(self.pipeline.store.head(record)?.is_some());
                if one == other || record.is_directory() || !(is_known || is_record()?) {
                    return Ok(Err(Unrelated::NoRecord));
                }
                self.kindred.load_person(record)?;
                around.push(record);
            }
        }
        let regroups = relations.iter().any(|relation| self.kindred.regroups(relation));
        if let ([relation], true) = (relations, regroups)
            && let Some(why) = self.kindred.refused(relation)
        {
            return Ok(Err(why));
        }
        self.kindred.gone.clear();
        let before = if regroups { self.kindred.now_of(&around) } else { self.kindred.nodes_of(&around) };
        let done = self.hold(relations, regroups.then_some(&around));
        if !matches!(done, Ok(Ok(()))) {
            self.kindred.restore(before);
        }
        done
    }

    /// Writes relations down; `around` are the records whose persons are found anew by them, where any are.
    fn hold(
        &mut self,
        relations: &[Relation],
        around: Option<&Vec<PatientKey>>,
    ) -> Result<Result<(), Unrelated>, Fault> {
        let now = (self.pipeline.clock)();
        for relation in relations {
            if let Err(why) = self.kindred.state(relation, now)? {
                return Ok(Err(why));
            }
        }
        let Some(around) = around else { return Ok(Ok(())) };
        let (pipeline, alone, commit) = (self.pipeline, &mut self.alone, &mut self.commit);
        self.kindred.regroup(around, |record| {
            if let Some(member) = alone.get(&record) {
                return Ok(member.clone());
            }
            let standing = pipeline.standings.take(&pipeline.store, record)?;
            commit.expect.push((keys::head(record), standing.head_bytes()));
            let member = standing.as_member();
            pipeline.standings.give_back(standing);
            alone.insert(record, member.clone()?);
            member
        })
    }

    /// Writes them, and what else is to be written with them. Answers the records whose readers may see something else now.
    /// `Conflict` where what they were decided upon has changed. Blocks on storage.
    pub fn commit(self, more: Commit) -> Result<Vec<PatientKey>, Fault> {
        let mut commit = self.commit.and(more)?;
        let changed = self.kindred.finish(&mut commit)?;
        if !commit.put.is_empty() || !commit.delete.is_empty() {
            self.pipeline.store.submit(commit).wait()?;
        }
        Ok(changed)
    }
}

impl<'s> Kindred<'s> {
    pub(super) fn new(store: &'s Store) -> Self {
        Kindred { store, nodes: BTreeMap::new(), gone: Vec::new() }
    }

    /// What a record says has changed, and with it what its consents say of the person: panels and charts of all records of
    /// the person follow. `before` are the panels that its own consents had put it on.
    pub(super) fn spoke(&mut self, standing: &Standing, before: &[String]) -> Result<(), Fault> {
        let record = standing.patient();
        self.load_person(record)?;
        let member = standing.as_member()?;
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
            let proposed = |ties: &Ties| -> BTreeSet<PatientKey> {
                // Written once, with the smaller of the two.
                ties.in_state(State::Proposed).map(|pair| pair.other).filter(|other| record < *other).collect()
            };
            let (was, now) = (proposed(&node.was), proposed(&node.now));
            now.difference(&was).for_each(|other| commit.doubt(record, *other, true));
            was.difference(&now).for_each(|other| commit.doubt(record, *other, false));
            let (before, after) = (panels(&node.was, &node.own_was), panels(&node.now, &node.own_now));
            after.difference(&before).for_each(|name| commit.put_on_panel(name, record));
            before.difference(&after).for_each(|name| commit.take_off_panel(name, record));
            if node.is_touched || node.was.members != node.now.members {
                changed.push(record);
            }
            match node.is_touched || node.was != node.now {
                true => commit.put_ties(record, node.stored, &node.now)?,
                false => commit.expect_ties(record, node.stored),
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

    /// Whether a relation may change who is one person.
    fn regroups(&self, relation: &Relation) -> bool {
        let known = self.nodes.get(&relation.one).and_then(|node| node.now.pair(relation.other));
        let states = [known.map(|pair| pair.state), relation.state];
        states.contains(&Some(State::Linked)) || relation.state == Some(State::Separate)
    }

    /// Why a link cannot hold, where that is plain at once: hundreds of records of test patients that are all alike must not
    /// each be put together with all others to find it out.
    fn refused(&self, relation: &Relation) -> Option<Unrelated> {
        let (one, other) = (self.nodes.get(&relation.one)?, self.nodes.get(&relation.other)?);
        if relation.by.is_empty() && one.now.pair(relation.other).is_some_and(Pair::is_decided) {
            return Some(Unrelated::Decided);
        }
        let records = |node: &Node| node.now.members.len().max(1);
        let is_one = one.now.members.iter().any(|member| member.record == relation.other);
        let is_link = relation.state == Some(State::Linked);
        (is_link && !is_one && records(one) + records(other) > MEMBERS_MAX).then_some(Unrelated::TooManyMembers)
    }

    /// Writes a relation down with both records.
    fn state(&mut self, relation: &Relation, now_ms: i64) -> Result<Result<(), Unrelated>, Fault> {
        for (own, other) in [(relation.one, relation.other), (relation.other, relation.one)] {
            let Some(node) = self.nodes.get_mut(&own) else { continue };
            if relation.by.is_empty() && node.now.pair(other).is_some_and(Pair::is_decided) {
                return Ok(Err(Unrelated::Decided));
            }
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
            let (ground, score) = (relation.ground.clone(), relation.score);
            // What a rule proposes takes the place of a weaker proposal only, or two that are alike would take turns for ever.
            let least = if state == State::Proposed && relation.by.is_empty() { score } else { f32::INFINITY };
            node.now.remember(Pair { other, state, ground, by, reason, score, since_ms });
            if node.now.pairs.len() > PAIRS_MAX && !self.let_go(own, other, least)? {
                return Ok(Err(Unrelated::TooManyPairs));
            }
        }
        Ok(Ok(()))
    }

    /// Forgets the weakest pair of a record that waits for somebody to look, weaker than this and not this one; whether there
    /// was any.
    fn let_go(&mut self, own: PatientKey, but: PatientKey, least: f32) -> Result<bool, Fault> {
        let Some(node) = self.nodes.get(&own) else { return Ok(false) };
        let waiting = node.now.in_state(State::Proposed).filter(|pair| pair.other != but && pair.score < least);
        let Some(weakest) = waiting.min_by(|a, b| a.score.total_cmp(&b.score)).map(|pair| pair.other) else {
            return Ok(false);
        };
        self.load(weakest)?;
        for (one, other) in [(own, weakest), (weakest, own)] {
            if let Some(node) = self.nodes.get_mut(&one) {
                self.gone.extend(node.now.pair(other).cloned().map(|pair| (one, pair)));
                node.now.forget(other);
            }
        }
        Ok(true)
    }

    /// Finds anew who is one person with these records. `own` tells of a record that was alone.
    fn regroup(
        &mut self,
        around: &[PatientKey],
        mut own: impl FnMut(PatientKey) -> Result<Member, Fault>,
    ) -> Result<Result<(), Unrelated>, Fault> {
        let before: BTreeSet<PatientKey> = self.now_of(around).into_iter().map(|(record, _, _)| record).collect();
        for person in self.persons(&before) {
            if person.len() > MEMBERS_MAX {
                return Ok(Err(Unrelated::TooManyMembers));
            }
            if let Some((one, other)) = self.held_apart(&person) {
                return Ok(Err(Unrelated::Separate(one, other)));
            }
            let mut members = Vec::with_capacity(person.len());
            for record in &person {
                let Some(node) = self.nodes.get_mut(record) else { continue };
                let known = node.now.members.iter().find(|member| member.record == *record).cloned();
                let member = match known {
                    Some(member) => member,
                    None if person.len() > 1 => own(*record)?,
                    None => continue,
                };
                if node.was.members.is_empty() {
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

    /// These records and the others of their persons, as they are now.
    fn now_of(&self, around: &[PatientKey]) -> Vec<(PatientKey, Ties, Vec<String>)> {
        let mut all: BTreeSet<PatientKey> = around.iter().copied().collect();
        for record in around {
            let others = self.nodes.get(record).into_iter().flat_map(|node| &node.now.members);
            all.extend(others.map(|member| member.record));
        }
        self.nodes_of(&all.into_iter().collect::<Vec<_>>())
    }

    /// These records alone, as they are now.
    fn nodes_of(&self, records: &[PatientKey]) -> Vec<(PatientKey, Ties, Vec<String>)> {
        let node =
            |record: &PatientKey| self.nodes.get(record).map(|node| (*record, node.now.clone(), node.own_now.clone()));
        records.iter().filter_map(node).collect()
    }

    fn restore(&mut self, before: Vec<(PatientKey, Ties, Vec<String>)>) {
        for (record, now, own_now) in before {
            if let Some(node) = self.nodes.get_mut(&record) {
                (node.now, node.own_now) = (now, own_now);
            }
        }
        for (record, pair) in std::mem::take(&mut self.gone) {
            if let Some(node) = self.nodes.get_mut(&record) {
                node.now.remember(pair);
            }
        }
    }

    /// These records person by person: those that links connect, each in the order of their keys.
    fn persons(&self, records: &BTreeSet<PatientKey>) -> Vec<BTreeSet<PatientKey>> {
        let mut persons: Vec<BTreeSet<PatientKey>> = Vec::new();
        for start in records {
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

/// The panels that a record stands on: those of all records of its person, or its own.
fn panels(ties: &Ties, own: &[String]) -> BTreeSet<String> {
    match ties.members.is_empty() {
        true => own.iter().cloned().collect(),
        false => ties.panels(),
    }
}
