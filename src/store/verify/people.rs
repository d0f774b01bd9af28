//! Who is one person, as the store has it (`docs/adr/0044`): what two records know of each other both of them know, the records of
//! a person agree on who they are and are connected by links, and stand on every panel on which one of them stands.

use std::collections::BTreeSet;

use super::Walk;
use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::store::keys::{self, Space};
use crate::store::ties::{MEMBERS_MAX, PAIRS_MAX, Pair, State, Ties};

impl Walk<'_> {
    pub(super) fn people(&mut self) -> Result<(), Fault> {
        self.each(Space::Partition, |walk, key, _| {
            // Further parts are read with the first.
            let Some((record, 0)) = keys::ties_of(key) else { return Ok(()) };
            walk.report.tied += 1;
            match walk.store.ties(record) {
                Ok((ties, _)) => walk.ties(key, record, &ties),
                Err(_) => walk.wrong(key, "what ties a record to others is damaged"),
            }
        })?;
        self.each(Space::Doubt, |walk, key, _| {
            walk.report.doubts += 1;
            let Some((one, other)) = keys::doubt_of(key) else { return walk.wrong(key, "not the key of two records") };
            let proposed = walk.known(one)?.pair(other).is_some_and(|pair| pair.state == State::Proposed);
            if proposed { Ok(()) } else { walk.wrong(key, "two records to look at that are not proposed") }
        })?;
        self.each(Space::Who, |walk, key, value| {
            walk.report.who += 1;
            if keys::who_of(key).is_none_or(|record| !walk.heads.contains_key(&record.0)) {
                walk.wrong(key, "what tells people apart is kept of a record that is not there")?;
            }
            match serde_json::from_slice::<serde::de::IgnoredAny>(&value) {
                Ok(_) => Ok(()),
                Err(_) => walk.wrong(key, "what tells people apart is damaged"),
            }
        })
    }

    fn ties(&mut self, key: &[u8], record: PatientKey, ties: &Ties) -> Result<(), Fault> {
        if !self.heads.contains_key(&record.0) {
            self.wrong(key, "a record that is not there is tied to others")?;
        }
        if ties.is_empty() {
            self.wrong(key, "an entry of ties that ties nothing")?;
        }
        if ties.members.len() > MEMBERS_MAX || ties.pairs.len() > PAIRS_MAX {
            self.wrong(key, "a record is tied to more than there may be")?;
        }
        for pair in &ties.pairs {
            self.pair(key, record, ties, pair)?;
        }
        if ties.members.is_empty() { Ok(()) } else { self.person(key, record, ties) }
    }

    fn pair(&mut self, key: &[u8], record: PatientKey, ties: &Ties, pair: &Pair) -> Result<(), Fault> {
        let is_same = |theirs: &Pair| *theirs == Pair { other: record, ..pair.clone() };
        if pair.other == record || !self.known(pair.other)?.pair(record).is_some_and(is_same) {
            self.wrong(key, "a pair that the other record does not know so")?;
        }
        let of_person = ties.members.iter().any(|member| member.record == pair.other);
        match pair.state {
            State::Linked if !of_person => self.wrong(key, "a linked record is not one of the person's"),
            State::Separate if of_person => self.wrong(key, "two records that are held apart are one person's"),
            State::Proposed if self.store.engine().get(&keys::doubt(record, pair.other))?.is_none() => {
                self.wrong(key, "a proposed pair is not among those to look at")
            }
            _ => Ok(()),
        }
    }

    fn person(&mut self, key: &[u8], record: PatientKey, ties: &Ties) -> Result<(), Fault> {
        let is_in_order = ties.members.windows(2).all(|two| two[0].record < two[1].record);
        if ties.members.len() < 2 || !is_in_order || ties.members.iter().all(|member| member.record != record) {
            self.wrong(key, "the records of a person are not as they are listed")?;
        }
        for member in ties.others(record) {
            if self.known(member.record)?.members != ties.members {
                self.wrong(key, "two records of a person do not agree on it")?;
            }
        }
        for panel in &ties.panels() {
            if self.store.engine().get(&keys::panel(keys::organization(panel), record))?.is_none() {
                self.wrong(key, "a record of a person is not on a panel of another")?;
            }
        }
        // Once for each person.
        if ties.members.first().is_some_and(|first| first.record == record) && !self.is_connected(record, ties)? {
            self.wrong(key, "a record of a person that no link leads to")?;
        }
        Ok(())
    }

    /// Whether links lead from this record to every record of the person.
    fn is_connected(&self, record: PatientKey, ties: &Ties) -> Result<bool, Fault> {
        let (mut reached, mut open) = (BTreeSet::from([record]), vec![record]);
        while let Some(next) = open.pop() {
            let linked: Vec<PatientKey> = self.known(next)?.in_state(State::Linked).map(|pair| pair.other).collect();
            let of_person = |other: &PatientKey| ties.members.iter().any(|member| member.record == *other);
            open.extend(linked.into_iter().filter(of_person).filter(|other| reached.insert(*other)));
        }
        Ok(ties.members.iter().all(|member| reached.contains(&member.record)))
    }

    /// The ties of a record; such as are damaged are none, and are told of where they lie.
    fn known(&self, record: PatientKey) -> Result<Ties, Fault> {
        match self.store.ties(record) {
            Ok((ties, _)) => Ok(ties),
            Err(Fault::Broken(_)) => Ok(Ties::default()),
            Err(fault) => Err(fault),
        }
    }
}

#[cfg(test)]
pub(super) mod tests {
    use super::super::tests::{AWAY, HOME, LIKE, filled};
    use super::super::verify;
    use super::*;
    use crate::store::press::Dictionary;
    use crate::store::ties::Member;
    use crate::store::{Commit, Store, parts};

    fn pair(other: PatientKey, state: State) -> Pair {
        let (ground, by, reason) = ("office".into(), "office".into(), "試験".into());
        Pair { other, state, ground, by, reason, score: 31.5, since_ms: 5 }
    }

    fn members() -> Vec<Member> {
        let member = |record, panels| Member { record, speaks: true, panels, teams: Vec::new() };
        vec![member(HOME, vec!["Organization/a".to_owned()]), member(AWAY, Vec::new())]
    }

    fn ties(members: Vec<Member>, pairs: Vec<Pair>) -> Ties {
        let mut ties = Ties::default();
        (ties.members, ties.pairs) = (members, pairs);
        ties
    }

    /// Two records of one person, and a third that may be the same person's.
    pub(in crate::store::verify) fn tie(store: &Store) {
        let mut commit = Commit::default();
        let linked = |other| vec![pair(other, State::Linked)];
        let both = [(HOME, linked(AWAY)), (AWAY, linked(HOME))];
        for (record, mut pairs) in both {
            if record == HOME {
                pairs.push(pair(LIKE, State::Proposed));
            }
            commit.put_ties(record, None, &ties(members(), pairs)).unwrap();
            commit.put_who(record, Some(b"{}".to_vec()));
        }
        let pairs = vec![pair(HOME, State::Proposed)];
        commit.put_ties(LIKE, None, &ties(Vec::new(), pairs)).unwrap();
        commit.doubt(LIKE, HOME, true);
        commit.put_on_panel("Organization/a", AWAY);
        store.submit(commit).wait().unwrap();
    }

    /// The commit that puts ties as they are, also such as are never put.
    fn stored(record: PatientKey, ties: &Ties) -> Commit {
        let mut commit = Commit::default();
        let text = serde_json::to_vec(ties).unwrap();
        parts::put(&mut commit, Dictionary::Resource1, &text, |part| keys::ties(record, part)).unwrap();
        commit
    }

    /// What a walk says when the ties of a record are others.
    fn with(record: PatientKey, change: impl Fn(&mut Ties)) -> Vec<&'static str> {
        let store = filled();
        let (mut ties, _) = store.ties(record).unwrap();
        change(&mut ties);
        store.submit(stored(record, &ties)).wait().unwrap();
        verify(&store).unwrap().broken.iter().map(|breakage| breakage.what).collect()
    }

    #[test]
    fn what_records_do_not_agree_on_is_noticed() {
        let says = |record, what: &str, change: &dyn Fn(&mut Ties)| {
            let said = with(record, change);
            assert!(said.contains(&what), "{what}: {said:?}");
        };
        assert_eq!(with(HOME, |_| {}), Vec::<&str>::new());
        says(AWAY, "a pair that the other record does not know so", &|ties| ties.pairs[0].score = 1.0);
        says(AWAY, "a pair that the other record does not know so", &|ties| ties.pairs.push(pair(LIKE, State::Linked)));
        says(AWAY, "a pair that the other record does not know so", &|ties| ties.pairs.push(pair(AWAY, State::Linked)));
        says(AWAY, "two records of a person do not agree on it", &|ties| ties.members[0].speaks = false);
        says(AWAY, "a linked record is not one of the person's", &|ties| ties.members.clear());
        says(AWAY, "the records of a person are not as they are listed", &|ties| ties.members.reverse());
        says(AWAY, "the records of a person are not as they are listed", &|ties| drop(ties.members.remove(1)));
        says(HOME, "a record of a person that no link leads to", &|ties| ties.pairs[0].state = State::Proposed);
        says(AWAY, "a proposed pair is not among those to look at", &|ties| ties.pairs[0].state = State::Proposed);
        says(AWAY, "two records that are held apart are one person's", &|ties| ties.pairs[0].state = State::Separate);
        says(AWAY, "a record of a person is not on a panel of another", &|ties| {
            ties.members[1].panels.push("Organization/b".into())
        });
        says(LIKE, "an entry of ties that ties nothing", &|ties| ties.pairs.clear());
        says(HOME, "two records to look at that are not proposed", &|ties| ties.pairs[1].state = State::Separate);
        let many = |ties: &mut Ties| {
            let more = (0..PAIRS_MAX as u128).map(|n| pair(PatientKey((100 + n) << 64), State::Separate));
            ties.pairs.extend(more);
        };
        says(AWAY, "a record is tied to more than there may be", &many);
    }

    #[test]
    fn what_is_kept_of_records_that_are_not_there_is_noticed() {
        let nobody = PatientKey(99 << 64);
        let put = stored(nobody, &Ties::default()).put.remove(0);
        for (put, what) in [
            (put, "a record that is not there is tied to others"),
            ((keys::doubt(nobody, HOME), Vec::new()), "two records to look at that are not proposed"),
            ((keys::who(nobody), b"{}".to_vec()), "what tells people apart is kept of a record that is not there"),
            ((keys::who(HOME), b"{".to_vec()), "what tells people apart is damaged"),
            ((keys::ties(HOME, 0), b"{".to_vec()), "what ties a record to others is damaged"),
        ] {
            let store = filled();
            store.submit(Commit { put: vec![put], ..Commit::default() }).wait().unwrap();
            let said: Vec<_> = verify(&store).unwrap().broken.iter().map(|breakage| breakage.what).collect();
            assert!(said.contains(&what), "{what}: {said:?}");
        }
    }
}
