//! An entry of the one log of commits (design decision 5): what happened, so that everything derived can follow it.

use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::letter::LetterId;
use crate::store::keys::{self, Space};
use crate::store::{Engine, Order, Position};

const SHEAF: u8 = 1;
const LETTER: u8 = 2;
/// More sheaves follow the first: their number in two bytes, then each.
const MORE: u8 = 4;
const PEOPLE: u8 = 8;

/// What one commit did, as far as others follow it. One with sheaves and without a letter is a replay's.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Logged {
    /// The sheaves it wrote, at most one in each record: whose, and its number there. A merge writes to two.
    pub sheaves: Vec<(PatientKey, u64)>,
    /// The letter it came of.
    pub letter: Option<LetterId>,
    /// Whether it wrote what tells people apart: a Patient or a Coverage.
    pub tells_people: bool,
}

impl Logged {
    /// Whether an entry as it is stored says that it wrote what tells people apart.
    pub fn tells_of_people(entry: &[u8]) -> bool {
        entry.first().is_some_and(|flags| flags & PEOPLE != 0)
    }

    /// As stored. Sheaves beyond 65,536 cannot be said; a letter speaks of a handful.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(57 + 24 * self.sheaves.len().saturating_sub(1));
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let more = self.sheaves.get(1..).unwrap_or_default();
        out.push(
            flag(!self.sheaves.is_empty(), SHEAF)
                | flag(self.letter.is_some(), LETTER)
                | flag(!more.is_empty(), MORE)
                | flag(self.tells_people, PEOPLE),
        );
        let sheaf = |out: &mut Vec<u8>, (patient, number): &(PatientKey, u64)| {
            out.extend_from_slice(&patient.0.to_be_bytes());
            out.extend_from_slice(&number.to_be_bytes());
        };
        if let Some(first) = self.sheaves.first() {
            sheaf(&mut out, first);
        }
        if !more.is_empty() {
            out.extend_from_slice(&u16::try_from(more.len()).unwrap_or(u16::MAX).to_be_bytes());
            more.iter().take(usize::from(u16::MAX)).for_each(|one| sheaf(&mut out, one));
        }
        if let Some(letter) = self.letter {
            out.extend_from_slice(&letter.0);
        }
        out
    }

    /// From what is stored.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let read = || {
            let (flags, mut rest) = bytes.split_first()?;
            let mut logged = Logged { tells_people: flags & PEOPLE != 0, ..Logged::default() };
            let mut count = usize::from(flags & SHEAF != 0);
            if count == 1 {
                logged.sheaves.push(sheaf(&mut rest)?);
            }
            if flags & MORE != 0 {
                let (more, after) = rest.split_first_chunk()?;
                rest = after;
                count += usize::from(u16::from_be_bytes(*more));
                while logged.sheaves.len() < count {
                    logged.sheaves.push(sheaf(&mut rest)?);
                }
            }
            if flags & LETTER != 0 {
                let (letter, after) = rest.split_first_chunk()?;
                logged.letter = Some(LetterId(*letter));
                rest = after;
            }
            let is_known =
                *flags <= SHEAF | LETTER | MORE | PEOPLE && (flags & MORE == 0 || (flags & SHEAF != 0 && count > 1));
            (rest.is_empty() && is_known).then_some(logged)
        };
        read().ok_or_else(|| Fault::Broken("an entry of the log is damaged".into()))
    }

    /// Both as one: the sheaves of both, and the letter of either.
    pub fn and(mut self, other: Logged) -> Logged {
        self.sheaves.extend(other.sheaves);
        Logged { letter: other.letter.or(self.letter), tells_people: self.tells_people || other.tells_people, ..self }
    }
}

/// The last position of the log that an engine holds.
pub(crate) fn last(engine: &dyn Engine) -> Result<Position, Fault> {
    let (from, to) = keys::space(Space::Log);
    let last = engine.scan(&from, &to, 1, Order::Descending)?;
    let Some((key, _)) = last.first() else { return Ok(Position(0)) };
    let number = keys::number_of(key);
    number.map(Position).ok_or_else(|| Fault::Broken("the log holds a key that is no position".into()))
}

fn sheaf(rest: &mut &[u8]) -> Option<(PatientKey, u64)> {
    let (patient, after) = rest.split_first_chunk()?;
    let (number, after) = after.split_first_chunk()?;
    *rest = after;
    Some((PatientKey(u128::from_be_bytes(*patient)), u64::from_be_bytes(*number)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn entries_come_back_and_damage_is_noticed() {
        let (sheaf, letter) = (|n: u128| (PatientKey(5 + n), 7), Some(LetterId([3; 32])));
        for count in [0, 1, 2, 3, 300] {
            for letter in [None, letter] {
                let logged = Logged { sheaves: (0..count).map(sheaf).collect(), letter, tells_people: count % 2 == 1 };
                let bytes = logged.encode();
                assert_eq!(Logged::decode(&bytes), Ok(logged));
                assert!((0..bytes.len()).all(|end| Logged::decode(&bytes[..end]).is_err()));
                assert!(Logged::decode(&[&bytes[..], &[0]].concat()).is_err());
            }
        }
        assert!(Logged::decode(&[16]).is_err());
        assert!(Logged::decode(&[MORE, 0, 0]).is_err(), "no more than none");
    }

    #[test]
    fn two_commits_in_one_are_one_entry() {
        let of = |n: u128, letter| Logged { sheaves: vec![(PatientKey(n), 1)], letter, tells_people: n == 2 };
        let letter = Some(LetterId([1; 32]));
        let both = Logged { sheaves: vec![(PatientKey(1), 1), (PatientKey(2), 1)], letter, tells_people: true };
        assert_eq!(of(1, letter).and(of(2, None)), both);
        assert_eq!(of(1, None).and(of(2, letter)), both);
    }
}
