//! The letters that spoke of a record, in the order in which they were taken in: what a replay makes the record anew from.
//!
//! ```text
//! layout(1) check(4) letter(32) received(8) code(16) ...
//! ```
//! `check` is the first four bytes of SHA-256 over what follows it.

use sha2::{Digest, Sha256};

use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::letter::LetterId;
use crate::store::{Commit, Order, Store, keys};

const LAYOUT: u8 = 1;

/// A letter that spoke of a record, whether it changed anything there or not.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The letter.
    pub letter: LetterId,
    /// When it was taken in, milliseconds since 1970.
    pub received: i64,
    /// The sender's own codes in it that nobody had mapped ([`crate::store::codes::code_id`]), each once.
    pub codes: Vec<u128>,
}

impl Told {
    fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(45 + 16 * self.codes.len());
        out.extend_from_slice(&[LAYOUT, 0, 0, 0, 0]);
        out.extend_from_slice(&self.letter.0);
        out.extend_from_slice(&self.received.to_be_bytes());
        self.codes.iter().for_each(|code| out.extend_from_slice(&code.to_be_bytes()));
        let check = check(&out[5..]);
        out[1..5].copy_from_slice(&check);
        out
    }

    /// From what is stored.
    pub(crate) fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let read = || {
            let (expected, rest) = bytes.strip_prefix(&[LAYOUT])?.split_first_chunk()?;
            if check(rest) != *expected {
                return None;
            }
            let (letter, rest) = rest.split_first_chunk()?;
            let (received, rest) = rest.split_first_chunk()?;
            let (codes, rest) = rest.as_chunks();
            let codes = codes.iter().map(|code| u128::from_be_bytes(*code)).collect();
            let told = Told { letter: LetterId(*letter), received: i64::from_be_bytes(*received), codes };
            rest.is_empty().then_some(told)
        };
        read().ok_or_else(|| Fault::Broken("a record's list of letters is damaged".into()))
    }
}

fn check(bytes: &[u8]) -> [u8; 4] {
    let digest = Sha256::digest(bytes);
    [digest[0], digest[1], digest[2], digest[3]]
}

impl Commit {
    /// Adds a letter as the record's `number`th; of two that want one number, the second is refused with
    /// `Fault::Conflict`. So each letter is decided upon a record that all letters before it have reached.
    pub fn tell(&mut self, patient: PatientKey, number: u64, told: &Told) {
        let key = keys::told(patient, number);
        self.expect.push((key.clone(), None));
        self.put.push((key, told.encode()));
    }

    /// Refuses the commit when more than `count` letters have spoken of the record by then.
    pub fn expect_told(&mut self, patient: PatientKey, count: u64) {
        self.expect.push((keys::told(patient, count + 1), None));
    }

    /// Says anew what is known of a record's `number`th letter.
    pub fn retell(&mut self, patient: PatientKey, number: u64, told: &Told) {
        self.put.push((keys::told(patient, number), told.encode()));
    }
}

impl Store {
    /// At most `limit` letters of a record after the first `after`, in order, with their numbers.
    pub fn told(&self, patient: PatientKey, after: u64, limit: usize) -> Result<Vec<(u64, Told)>, Fault> {
        let (from, to) = (keys::next(&keys::told(patient, after)), keys::next(&keys::told(patient, u64::MAX)));
        let entries = self.engine().scan(&from, &to, limit, Order::Ascending)?;
        let damaged = || Fault::Broken("a record's list of letters is damaged".into());
        let read = |(key, value): &(Vec<u8>, Vec<u8>)| {
            let (_, number) = keys::told_of(key).ok_or_else(damaged)?;
            Ok((number, Told::decode(value)?))
        };
        entries.iter().map(read).collect()
    }

    /// How many letters spoke of a record.
    pub fn told_count(&self, patient: PatientKey) -> Result<u64, Fault> {
        let (from, to) = (keys::told(patient, 0), keys::next(&keys::told(patient, u64::MAX)));
        let last = self.engine().scan(&from, &to, 1, Order::Descending)?;
        Ok(last.first().and_then(|(key, _)| keys::told_of(key)).map_or(0, |(_, number)| number))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::records::example;

    const HOME: PatientKey = PatientKey(9 << 90);

    fn told(n: u8) -> Told {
        Told { letter: LetterId([n; 32]), received: 1_795_000_000_000 + i64::from(n), codes: vec![7; usize::from(n)] }
    }

    #[test]
    fn entries_come_back_and_damage_is_noticed() {
        for n in 0..4 {
            let bytes = told(n).encode();
            assert_eq!(Told::decode(&bytes), Ok(told(n)));
            assert!((0..bytes.len()).all(|end| Told::decode(&bytes[..end]).is_err()));
            for at in 0..bytes.len() {
                let mut bad = bytes.clone();
                bad[at] ^= 1;
                assert!(Told::decode(&bad).is_err(), "byte {at}");
            }
        }
    }

    #[test]
    fn letters_are_numbered_without_two_at_one_place() {
        let store = Store::open_memory();
        let tell = |number: u64, n: u8| {
            let mut commit = Commit::default();
            commit.tell(HOME, number, &told(n));
            store.submit(commit).wait().map(|_| ())
        };
        assert_eq!(store.told_count(HOME), Ok(0));
        assert_eq!((tell(1, 1), tell(1, 2), tell(2, 3)), (Ok(()), Err(Fault::Conflict), Ok(())));
        let sheaf = store.partition(HOME).unwrap().write(HOME, "f", &[example::version(HOME, "a", 1)]).unwrap();
        store.submit(sheaf).wait().unwrap();
        assert_eq!(store.told(HOME, 0, 9), Ok(vec![(1, told(1)), (2, told(3))]));
        assert_eq!(store.told(HOME, 1, 9), Ok(vec![(2, told(3))]));
        assert_eq!((store.told_count(HOME), store.told_count(PatientKey(HOME.0 + 1))), (Ok(2), Ok(0)));
        let mut again = Commit::default();
        again.retell(HOME, 2, &told(0));
        store.submit(again).wait().unwrap();
        assert_eq!(store.told(HOME, 1, 9), Ok(vec![(2, told(0))]));
    }
}
