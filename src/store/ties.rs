//! What ties a patient's record to others: of which records one person consists, and what was decided of two records
//! (IHE PIXm, ITI-83; Linkage in FHIR). A value of each record's own, so that linking moves nothing (design decision 4b);
//! what two records know of each other, each of them knows, and one commit writes both.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::store::press::Dictionary;
use crate::store::{Commit, Order, Store, keys, parts};

/// Records of one person, at most.
pub const MEMBERS_MAX: usize = 32;
/// Pairs that one record remembers; of those that wait for somebody to look, the weakest goes for a further one.
pub const PAIRS_MAX: usize = 100;
/// Panels that the Consents of one record put it on and that count for the other records of the person.
pub const PANELS_MAX: usize = 1_000;
/// Longest name of a panel that counts so, bytes: a reference that somebody in the network can be.
pub const NAME_BYTES_MAX: usize = 300;
/// Members of CareTeams that are kept of one record; further ones are on no panel by them.
pub const TEAM_MEMBERS_MAX: usize = 100;
/// Characters of who decided, or why, that are kept.
pub const REASON_CHARS_MAX: usize = 100;

/// What ties one record to others.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Ties {
    /// How often it was written: what is decided upon one of them is refused when there is another.
    generation: u64,
    /// The records of the person, this one included, in the order of their keys; empty for a record that is alone.
    pub members: Vec<Member>,
    /// What was found or decided of this record and another.
    pub pairs: Vec<Pair>,
}

/// One of a person's records.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Which.
    #[serde(with = "key")]
    pub record: PatientKey,
    /// Whether it holds Consents or CareTeams, which count for the others.
    pub speaks: bool,
    /// The panels that its own Consents put it on.
    pub panels: Vec<String>,
    /// Its CareTeams with their members, by reference, for Consents of the other records that name them.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub teams: Vec<(String, Vec<String>)>,
}

/// Two records, seen from one of them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    /// The other record.
    #[serde(with = "key")]
    pub other: PatientKey,
    /// What holds.
    pub state: State,
    /// By which rule, or by whom: `office`, `merge`, or the name of what agreed.
    pub ground: String,
    /// Who decided; empty for a rule.
    pub by: String,
    /// Why, in the words of who decided.
    pub reason: String,
    /// Score in bits.
    pub score: f32,
    /// Since when, milliseconds since 1970.
    pub since_ms: i64,
}

/// What holds of two records.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum State {
    /// They are one person's.
    Linked,
    /// They may be: somebody must look.
    Proposed,
    /// Somebody decided that they are not.
    Separate,
}

impl Pair {
    /// Whether somebody decided it, and no rule.
    pub fn is_decided(&self) -> bool {
        !self.by.is_empty()
    }
}

impl Ties {
    /// The other records of the person.
    pub fn others(&self, own: PatientKey) -> impl Iterator<Item = &Member> {
        self.members.iter().filter(move |member| member.record != own)
    }

    /// The panels on which the Consents of all records of the person put each of them: those of their own, and of a CareTeam
    /// that one names and another has, the members.
    pub fn panels(&self) -> BTreeSet<String> {
        let mut panels: BTreeSet<String> =
            self.members.iter().flat_map(|member| member.panels.iter().cloned()).collect();
        let teams = self.members.iter().flat_map(|member| &member.teams);
        let named: Vec<&String> =
            teams.filter(|(team, _)| panels.contains(team)).flat_map(|(_, names)| names).collect();
        panels.extend(named.into_iter().cloned());
        panels
    }

    /// What is known of this record and another.
    pub fn pair(&self, other: PatientKey) -> Option<&Pair> {
        self.pairs.iter().find(|pair| pair.other == other)
    }

    /// Remembers a pair in the place of what was known of it.
    pub fn remember(&mut self, pair: Pair) {
        self.pairs.retain(|known| known.other != pair.other);
        self.pairs.push(pair);
    }

    /// Forgets what was known of this record and another.
    pub fn forget(&mut self, other: PatientKey) {
        self.pairs.retain(|known| known.other != other);
    }

    /// The pairs in one state.
    pub fn in_state(&self, state: State) -> impl Iterator<Item = &Pair> {
        self.pairs.iter().filter(move |pair| pair.state == state)
    }

    /// Whether there is nothing to keep.
    pub fn is_empty(&self) -> bool {
        self.members.is_empty() && self.pairs.is_empty()
    }

    /// From what is stored.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        serde_json::from_slice(bytes).map_err(|_| Fault::Broken("what ties a record to others is damaged".into()))
    }
}

impl Store {
    /// What ties a record to others, and as it is stored, for a commit that is decided upon it.
    pub fn ties(&self, record: PatientKey) -> Result<(Ties, Option<Vec<u8>>), Fault> {
        // The first part is another with each generation.
        let Some(stored) = self.engine().get(&keys::ties(record, 0))? else { return Ok((Ties::default(), None)) };
        let text = parts::get(self.engine(), |part| keys::ties(record, part))?;
        Ok((text.as_deref().map(Ties::decode).transpose()?.unwrap_or_default(), Some(stored)))
    }

    /// Pairs of records at which somebody must look, after a pair, in the order of their keys; at most `limit`.
    pub fn doubts(
        &self,
        after: Option<(PatientKey, PatientKey)>,
        limit: usize,
    ) -> Result<Vec<(PatientKey, PatientKey)>, Fault> {
        let (start, to) = keys::space(keys::Space::Doubt);
        let from = after.map_or(start, |(one, other)| keys::next(&keys::doubt(one, other)));
        let entries = self.engine().scan(&from, &to, limit, Order::Ascending)?;
        Ok(entries.iter().filter_map(|(key, _)| keys::doubt_of(key)).collect())
    }

    /// What is kept of a record for telling people apart.
    pub fn who(&self, record: PatientKey) -> Result<Option<Vec<u8>>, Fault> {
        self.engine().get(&keys::who(record))
    }

    /// Hands on what is kept of every record for telling people apart: written by [`Commit::put_who`].
    pub fn each_who(&self, mut work: impl FnMut(PatientKey, Vec<u8>) -> Result<(), Fault>) -> Result<(), Fault> {
        let (from, to) = keys::space(keys::Space::Who);
        self.each(&from, &to, |key, value| match keys::who_of(key) {
            Some(record) => work(record, value),
            None => Err(Fault::Broken("a key of people is damaged".into())),
        })
    }
}

impl Commit {
    /// Puts what ties a record to others in the place of `stored`; refused when that has changed meanwhile. Fails over
    /// [`crate::store::press::TEXT_BYTES_MAX`], which the limits of its lists keep it below.
    pub fn put_ties(&mut self, record: PatientKey, stored: Option<Vec<u8>>, ties: &Ties) -> Result<(), Fault> {
        self.expect_ties(record, stored);
        if ties.is_empty() {
            self.delete.push(keys::ties(record, 0));
            return Ok(());
        }
        let next = Ties { generation: ties.generation.wrapping_add(1), ..ties.clone() };
        let text = serde_json::to_vec(&next).map_err(|_| Fault::Broken("ties cannot be written".into()))?;
        parts::put(self, Dictionary::Resource1, &text, |part| keys::ties(record, part))
    }

    /// Refuses the commit when what ties a record to others has changed meanwhile.
    pub fn expect_ties(&mut self, record: PatientKey, stored: Option<Vec<u8>>) {
        self.expect.push((keys::ties(record, 0), stored));
    }

    /// Puts two records on the list of those at which somebody must look, or takes them off.
    pub fn doubt(&mut self, one: PatientKey, other: PatientKey, is_open: bool) {
        let key = keys::doubt(one, other);
        if is_open { self.put.push((key, Vec::new())) } else { self.delete.push(key) }
    }

    /// Puts what is kept of a record for telling people apart; `None` takes it away.
    pub fn put_who(&mut self, record: PatientKey, who: Option<Vec<u8>>) {
        let key = keys::who(record);
        match who {
            Some(who) => self.put.push((key, who)),
            None => self.delete.push(key),
        }
    }
}

/// A record's key, as the id of its Patient.
mod key {
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    use crate::fhir::PatientKey;

    pub(super) fn serialize<S: Serializer>(key: &PatientKey, to: S) -> Result<S::Ok, S::Error> {
        to.serialize_str(key.patient_id().as_str())
    }

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(from: D) -> Result<PatientKey, D::Error> {
        let text = String::deserialize(from)?;
        PatientKey::from_patient_id(&text).ok_or_else(|| D::Error::custom("no key of a record"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ONE: PatientKey = PatientKey(7 << 80);
    const OTHER: PatientKey = PatientKey(9 << 80);

    #[test]
    fn ties_come_back_and_are_decided_upon_what_they_were() {
        let store = Store::open_memory();
        let member = |record| Member { record, speaks: true, panels: vec!["Organization/a".into()], teams: vec![] };
        let pair = |state| Pair {
            other: OTHER,
            state,
            ground: "care".into(),
            by: String::new(),
            reason: "窓口で確認".into(),
            score: 31.5,
            since_ms: 5,
        };
        let members = vec![member(ONE), member(OTHER)];
        let mut ties = Ties { members, ..Ties::default() };
        ties.remember(pair(State::Proposed));
        ties.remember(pair(State::Linked));
        assert_eq!(ties.pairs.len(), 1);
        let put = |stored: Option<Vec<u8>>, ties: &Ties| {
            let mut commit = Commit::default();
            commit.put_ties(ONE, stored, ties).unwrap();
            store.submit(commit).wait()
        };
        assert_eq!(store.ties(ONE), Ok((Ties::default(), None)));
        put(None, &ties).unwrap();
        let (back, stored) = store.ties(ONE).unwrap();
        assert_eq!((back.members, back.pairs, back.generation), (ties.members.clone(), ties.pairs.clone(), 1));
        assert_eq!(put(None, &Ties::default()), Err(Fault::Conflict));
        put(stored, &Ties::default()).unwrap();
        assert_eq!(store.ties(ONE), Ok((Ties::default(), None)));
    }

    #[test]
    fn the_largest_are_stored_too() {
        let store = Store::open_memory();
        let name = |at: usize| format!("Organization/{at:0>width$}", width = NAME_BYTES_MAX - 13);
        let panels: Vec<String> = (0..PANELS_MAX).map(name).collect();
        let teams = vec![(name(1), (0..TEAM_MEMBERS_MAX).map(name).collect())];
        let member = |at: u128| Member {
            record: PatientKey(at << 80),
            speaks: true,
            panels: panels.clone(),
            teams: teams.clone(),
        };
        let ties = Ties { members: (0..MEMBERS_MAX as u128).map(member).collect(), ..Ties::default() };
        let mut commit = Commit::default();
        commit.put_ties(ONE, None, &ties).unwrap();
        store.submit(commit).wait().unwrap();
        let (back, stored) = store.ties(ONE).unwrap();
        assert_eq!(back.members, ties.members);
        let mut again = Commit::default();
        again.put_ties(ONE, stored.clone(), &back).unwrap();
        store.submit(again).wait().unwrap();
        assert_ne!(store.ties(ONE).unwrap().1, stored, "each generation has another first part");
    }

    #[test]
    fn a_team_that_one_record_names_and_another_has_brings_its_members() {
        let member = |record, panels: &[&str], teams: &[(&str, &[&str])]| Member {
            record,
            speaks: true,
            panels: panels.iter().map(|&name| name.to_owned()).collect(),
            teams: teams
                .iter()
                .map(|(team, names)| ((*team).to_owned(), names.iter().map(|&name| name.to_owned()).collect()))
                .collect(),
        };
        let has = [("CareTeam/t", &["Organization/b"][..]), ("CareTeam/u", &["Organization/c"][..])];
        let members = vec![member(ONE, &["Organization/a", "CareTeam/t"], &[]), member(OTHER, &[], &has)];
        let panels = Ties { members, ..Ties::default() }.panels();
        assert_eq!(panels.into_iter().collect::<Vec<_>>(), ["CareTeam/t", "Organization/a", "Organization/b"]);
    }

    #[test]
    fn the_list_of_doubts_goes_on_after_a_pair() {
        let store = Store::open_memory();
        let mut commit = Commit::default();
        let pairs = [(ONE, OTHER), (OTHER, PatientKey(11 << 80))];
        pairs.iter().for_each(|(one, other)| commit.doubt(*other, *one, true));
        store.submit(commit).wait().unwrap();
        assert_eq!(store.doubts(None, 9).unwrap(), pairs, "the smaller key first");
        assert_eq!(store.doubts(Some(pairs[0]), 9).unwrap(), pairs[1..]);
        let mut commit = Commit::default();
        commit.doubt(ONE, OTHER, false);
        store.submit(commit).wait().unwrap();
        assert_eq!(store.doubts(None, 9).unwrap(), pairs[1..]);
    }

    #[test]
    fn what_is_kept_of_people_is_walked() {
        let store = Store::open_memory();
        let mut commit = Commit::default();
        commit.put_who(ONE, Some(vec![1]));
        commit.put_who(OTHER, Some(vec![2]));
        store.submit(commit).wait().unwrap();
        let mut commit = Commit::default();
        commit.put_who(ONE, None);
        store.submit(commit).wait().unwrap();
        let mut seen = Vec::new();
        store
            .each_who(|record, who| {
                seen.push((record, who));
                Ok(())
            })
            .unwrap();
        assert_eq!(seen, [(OTHER, vec![2])]);
    }
}
