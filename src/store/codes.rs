//! The queue of senders' own codes that no concept map knows: what each is, and which letters hold it.

use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::fault::Fault;
use crate::fhir::PatientKey;
use crate::letter::LetterId;
use crate::store::keys::{self, Space};
use crate::store::{Commit, Order, Store, Told};

/// Longest text kept of what a sender says about a code, in characters.
pub const TEXT_CHARS_MAX: usize = 200;

/// What a code is, as the first letter with it said.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Code {
    /// The facility whose code it is.
    pub facility: String,
    /// The code system, a URI.
    pub system: String,
    /// The code.
    pub code: String,
    /// What the sender says it means.
    pub display: String,
    /// What the sender calls the code system.
    pub table: String,
    /// Where it stood in the first letter.
    pub place: String,
    /// That letter, hexadecimal.
    pub letter: String,
}

/// A code that waits for somebody to map it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Waiting {
    /// Its name in the store.
    pub id: u128,
    /// What it is.
    pub code: Code,
    /// How many letters hold it.
    pub letters: u64,
}

/// A letter that holds such a code.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Holder {
    /// When it was taken in, milliseconds since 1970.
    pub received: i64,
    /// The letter.
    pub letter: LetterId,
    /// The record it is about: the one to make anew when the code is mapped.
    pub patient: PatientKey,
}

/// The name of a code in the store: the first half of SHA-256 of facility, system and code.
pub fn code_id(facility: &str, system: &str, code: &str) -> u128 {
    let mut hash = Sha256::new();
    for part in [facility, system, code] {
        hash.update((part.len() as u64).to_be_bytes());
        hash.update(part.as_bytes());
    }
    let mut half = [0; 16];
    half.copy_from_slice(&hash.finalize()[..16]);
    u128::from_be_bytes(half)
}

impl Commit {
    /// Says what a code is; texts longer than [`TEXT_CHARS_MAX`] are cut.
    pub fn put_code(&mut self, id: u128, code: &Code) {
        let cut = |text: &str| text.chars().take(TEXT_CHARS_MAX).collect::<String>();
        let kept = Code {
            facility: cut(&code.facility),
            system: cut(&code.system),
            code: cut(&code.code),
            display: cut(&code.display),
            table: cut(&code.table),
            place: cut(&code.place),
            letter: cut(&code.letter),
        };
        self.put.push((keys::code(id), serde_json::to_vec(&kept).unwrap_or_default()));
    }

    /// The letter, which is about this record, holds a code that nobody has mapped.
    pub fn put_unmapped(&mut self, id: u128, told: &Told, patient: PatientKey) {
        self.put.push((keys::unmapped(id, told.received, told.letter), patient.0.to_be_bytes().to_vec()));
    }

    /// The letter holds it no longer, or it is mapped now.
    pub fn take_unmapped(&mut self, id: u128, told: &Told) {
        self.delete.push(keys::unmapped(id, told.received, told.letter));
    }
}

impl Store {
    /// Whether it is known what a code is.
    pub fn knows_code(&self, id: u128) -> Result<bool, Fault> {
        Ok(self.engine().get(&keys::code(id))?.is_some())
    }

    /// Hands on every code that some letter holds and no concept map knew, of one facility or of all, in the order of
    /// their names in the store. Reads one small entry per code and letter.
    pub fn local_codes(
        &self,
        facility: Option<&str>,
        mut work: impl FnMut(Waiting) -> Result<(), Fault>,
    ) -> Result<(), Fault> {
        let (from, to) = keys::space(Space::Code);
        self.each(&from, &to, |key, value| {
            let damaged = || Fault::Broken("a local code is damaged".into());
            let id = keys::code_of(key).ok_or_else(damaged)?;
            let code: Code = serde_json::from_slice(&value).map_err(|_| damaged())?;
            if facility.is_some_and(|facility| facility != code.facility) {
                return Ok(());
            }
            let prefix = keys::unmapped_prefix(id);
            let mut letters = 0;
            self.each(&prefix, &keys::after(&prefix), |_, _| {
                letters += 1;
                Ok(())
            })?;
            if letters > 0 { work(Waiting { id, code, letters }) } else { Ok(()) }
        })
    }

    /// At most `limit` letters with a code that was not mapped, after `after`, in the order in which they were taken in.
    pub fn letters_with(&self, code: u128, after: Option<&Holder>, limit: usize) -> Result<Vec<Holder>, Fault> {
        let prefix = keys::unmapped_prefix(code);
        let next = |last: &Holder| keys::next(&keys::unmapped(code, last.received, last.letter));
        let from = after.map_or_else(|| prefix.clone(), next);
        let entries = self.engine().scan(&from, &keys::after(&prefix), limit, Order::Ascending)?;
        let read = |(key, value): (Vec<u8>, Vec<u8>)| {
            let (_, received, letter) = keys::unmapped_of(&key)?;
            Some(Holder { received, letter, patient: PatientKey(u128::from_be_bytes(value.try_into().ok()?)) })
        };
        let damaged = || Fault::Broken("an entry of a local code is damaged".into());
        entries.into_iter().map(|entry| read(entry).ok_or_else(damaged)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn code(name: &str) -> Code {
        Code {
            facility: "0119999901".into(),
            system: "urn:oid:2.25.1".into(),
            code: name.into(),
            display: "例示".into(),
            table: "99XYZ".into(),
            place: "OBX[1]-3".into(),
            letter: "00".into(),
        }
    }

    #[test]
    fn codes_wait_with_their_letters_and_go_with_the_last() {
        let store = Store::open_memory();
        let id = |name: &str| code_id("0119999901", "urn:oid:2.25.1", name);
        let told = |n: u8| Told { letter: LetterId([n; 32]), received: 100 - i64::from(n), codes: Vec::new() };
        let mut commit = Commit::default();
        for (name, letters) in [("a", 1..=3), ("b", 2..=2)] {
            commit.put_code(id(name), &code(name));
            letters.for_each(|n| commit.put_unmapped(id(name), &told(n), PatientKey(u128::from(n))));
        }
        store.submit(commit).wait().unwrap();
        let list = |facility| {
            let mut found = Vec::new();
            let read = store.local_codes(facility, |waiting| {
                found.push((waiting.code.code, waiting.letters));
                Ok(())
            });
            assert_eq!(read, Ok(()));
            found.sort();
            found
        };
        assert_eq!(list(None), [("a".to_owned(), 3), ("b".to_owned(), 1)]);
        assert_eq!((list(Some("0119999901")).len(), list(Some("other")).len()), (2, 0));
        let holder = |n: u8| {
            let Told { letter, received, .. } = told(n);
            Holder { received, letter, patient: PatientKey(u128::from(n)) }
        };
        assert_eq!(store.letters_with(id("a"), None, 2), Ok(vec![holder(3), holder(2)]), "in the order of time");
        assert_eq!(store.letters_with(id("a"), Some(&holder(2)), 2), Ok(vec![holder(1)]));
        let mut mapped = Commit::default();
        mapped.take_unmapped(id("b"), &told(2));
        store.submit(mapped).wait().unwrap();
        assert_eq!(list(None), [("a".to_owned(), 3)]);
        assert_eq!((store.knows_code(id("b")), store.knows_code(id("c"))), (Ok(true), Ok(false)));
    }

    #[test]
    fn what_is_kept_of_a_code_is_bounded() {
        for (chars, kept) in [(TEXT_CHARS_MAX, TEXT_CHARS_MAX), (TEXT_CHARS_MAX + 1, TEXT_CHARS_MAX)] {
            let mut commit = Commit::default();
            commit.put_code(1, &Code { display: "あ".repeat(chars), ..code("a") });
            let back: Code = serde_json::from_slice(&commit.put[0].1).unwrap();
            assert_eq!(back.display.chars().count(), kept);
        }
        assert_ne!(code_id("a", "bc", "d"), code_id("ab", "c", "d"));
    }
}
