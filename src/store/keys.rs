//! Where everything lies: the key of each kind of entry. The first byte is the space; numbers are big-endian, so that
//! keys sort as what they stand for, and no key is the beginning of another.
//!
//! ```text
//! P patient(16) H                       the head of a patient's partition
//! P patient(16) L number(8)             one of the letters that spoke of the patient, in order
//! P patient(16) S number(8) part(2)     a part of one of its sheaves
//! P patient(16) T                       what ties it to others: which records are one person's
//! I type(1) id 0                        whose partition a resource lies in
//! R letter(32) part(2)                  a part of a letter as it came
//! O letter(32) part(2)                  a part of what became of it, its receipt
//! Q letter(32)                          the letter is held: somebody must look at it
//! D sender(8) id 0 content(16) name(8)  the letter that came under a sender's message id
//! C code(16)                            what a sender's own code is, and where it was first met
//! U code(16) received(8) letter(32)     the letter has that code, and no concept map knew it
//! X type(1) value(8) patient(16)         something in the partition has, or had, this identifier
//! N organization(16) patient(16)        the patient is on the panel of the organisation
//! W patient(16)                         what of the record tells people apart
//! Y patient(16) patient(16)             two records may be one person's: somebody must look
//! J assertion(32)                        a client's assertion that was used ("jti"), and until when it could be again
//! E export(16) H                        a bulk export: what was asked for
//! E export(16) R part(2)                a part of the list of records it is about
//! A number(8)                           a chunk of the audit chain
//! L position(8)                         an entry of the log, written by the engine
//! M name 0                              a fact about the whole store
//! ```

use sha2::{Digest, Sha256};

use crate::fhir::{PatientKey, ResourceType};
use crate::letter::LetterId;
use crate::store::Position;

/// The first byte of a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
#[repr(u8)]
pub enum Space {
    /// The audit chain.
    Audit = b'A',
    /// Senders' own codes.
    Code = b'C',
    /// Senders' message ids ("delivered under").
    Control = b'D',
    /// Bulk exports.
    Export = b'E',
    /// Where a resource id lies.
    Id = b'I',
    /// Client assertions that were used.
    Assertion = b'J',
    /// The log of commits.
    Log = b'L',
    /// Facts about the whole store.
    Meta = b'M',
    /// Panels.
    Panel = b'N',
    /// Receipts ("outcome").
    Receipt = b'O',
    /// Partitions.
    Partition = b'P',
    /// Held letters ("quarantine").
    Held = b'Q',
    /// Raw letters.
    Raw = b'R',
    /// Which letters hold a code that nobody mapped.
    Unmapped = b'U',
    /// What of each record tells people apart ("who").
    Who = b'W',
    /// Where identifiers are found ("index").
    Identifier = b'X',
    /// Pairs of records at which somebody must look ("yet to be decided").
    Doubt = b'Y',
}

/// The name of the entry that holds the format version.
pub const FORMAT: &str = "format";

/// The first and the first-after key of a whole space.
pub fn space(space: Space) -> (Vec<u8>, Vec<u8>) {
    (vec![space as u8], vec![space as u8 + 1])
}

/// The smallest key after `key` that does not begin with it; `key` must hold a byte below 255.
pub fn after(key: &[u8]) -> Vec<u8> {
    let mut next = key.to_vec();
    while next.last() == Some(&0xff) {
        next.pop();
    }
    if let Some(last) = next.last_mut() {
        *last += 1;
    }
    next
}

/// The smallest key greater than `key`: where a scan goes on after it.
pub fn next(key: &[u8]) -> Vec<u8> {
    let mut next = Vec::with_capacity(key.len() + 1);
    next.extend_from_slice(key);
    next.push(0);
    next
}

/// The head of a partition.
pub fn head(patient: PatientKey) -> Vec<u8> {
    let mut key = partition(patient, 1);
    key.push(b'H');
    key
}

/// The patient whose head this key is; `None` for any other key.
pub fn head_patient(key: &[u8]) -> Option<PatientKey> {
    match key {
        [b'P', patient @ .., b'H'] => patient.try_into().ok().map(u128::from_be_bytes).map(PatientKey),
        _ => None,
    }
}

/// The patient in whose partition an entry lies; `None` for a key of another space.
pub fn partition_patient(key: &[u8]) -> Option<PatientKey> {
    let (patient, _) = key.strip_prefix(b"P")?.split_first_chunk::<16>()?;
    Some(PatientKey(u128::from_be_bytes(*patient)))
}

/// What ties a record to others.
pub fn ties(patient: PatientKey) -> Vec<u8> {
    let mut key = partition(patient, 1);
    key.push(b'T');
    key
}

/// The record whose ties this key holds; `None` for any other key.
pub fn ties_of(key: &[u8]) -> Option<PatientKey> {
    match key {
        [b'P', patient @ .., b'T'] => patient.try_into().ok().map(u128::from_be_bytes).map(PatientKey),
        _ => None,
    }
}

/// The patient whose chart is another when the entry of this key is: of the head's, and of what ties it to others; `None` for
/// any other key.
pub fn charted_patient(key: &[u8]) -> Option<PatientKey> {
    match key {
        [b'P', patient @ .., b'H' | b'T'] => patient.try_into().ok().map(u128::from_be_bytes).map(PatientKey),
        _ => None,
    }
}

/// A letter that spoke of a patient; they are numbered from 1.
pub fn told(patient: PatientKey, number: u64) -> Vec<u8> {
    let mut key = partition(patient, 9);
    key.push(b'L');
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// Patient and number of a key that [`told`] made; `None` for any other key.
pub fn told_of(key: &[u8]) -> Option<(PatientKey, u64)> {
    let number = key.get(17..)?.strip_prefix(b"L")?.try_into().ok()?;
    Some((partition_patient(key)?, u64::from_be_bytes(number)))
}

/// A part of a sheaf; sheaves are numbered from 1, parts from 0.
pub fn sheaf(patient: PatientKey, number: u64, part: u16) -> Vec<u8> {
    let mut key = sheaf_prefix(patient, number);
    key.extend_from_slice(&part.to_be_bytes());
    key
}

/// What the keys of all parts of a sheaf begin with.
pub fn sheaf_prefix(patient: PatientKey, number: u64) -> Vec<u8> {
    let mut key = partition(patient, 11);
    key.push(b'S');
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// Patient, number and part of a sheaf's key; `None` for any other key.
pub fn sheaf_of(key: &[u8]) -> Option<(PatientKey, u64, u16)> {
    let rest = key.strip_prefix(b"P")?;
    let (patient, rest) = rest.split_first_chunk::<16>()?;
    let (number, rest) = rest.strip_prefix(b"S")?.split_first_chunk::<8>()?;
    let part: [u8; 2] = rest.try_into().ok()?;
    Some((PatientKey(u128::from_be_bytes(*patient)), u64::from_be_bytes(*number), u16::from_be_bytes(part)))
}

/// Whose partition the resource lies in. An id is at most 64 of `A-Z a-z 0-9 - .`, so 0 ends it.
pub fn id(resource_type: ResourceType, id: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(id.len() + 3);
    key.extend_from_slice(&[Space::Id as u8, resource_type.number()]);
    key.extend_from_slice(id.as_bytes());
    key.push(0);
    key
}

/// A part of a letter as it came, from 0.
pub fn raw(letter: LetterId, part: u16) -> Vec<u8> {
    letter_key(Space::Raw, letter, &part.to_be_bytes())
}

/// A part of a letter's receipt, from 0.
pub fn receipt(letter: LetterId, part: u16) -> Vec<u8> {
    letter_key(Space::Receipt, letter, &part.to_be_bytes())
}

/// The mark of a held letter.
pub fn held(letter: LetterId) -> Vec<u8> {
    letter_key(Space::Held, letter, &[])
}

/// A letter that came under a sender's message id; `content` and `name` stand for what was said under it. Senders count:
/// ids that follow each other lie side by side.
pub fn control(sender: u64, id: &[u8], content: [u8; 16], name: u64) -> Vec<u8> {
    let mut key = control_prefix(sender, id);
    key.extend_from_slice(&content);
    key.extend_from_slice(&name.to_be_bytes());
    key
}

/// What the keys of all letters under one message id begin with. A zero ends the id; one inside it is written as 1.
pub fn control_prefix(sender: u64, id: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(34 + id.len());
    key.push(Space::Control as u8);
    key.extend_from_slice(&sender.to_be_bytes());
    key.extend(id.iter().map(|byte| (*byte).max(1)));
    key.push(0);
    key
}

/// A client's assertion that was used.
pub fn assertion(digest: &[u8; 32]) -> Vec<u8> {
    let mut key = Vec::with_capacity(33);
    key.push(Space::Assertion as u8);
    key.extend_from_slice(digest);
    key
}

/// The digest of a key that [`assertion`] made; `None` for any other key.
pub fn assertion_of(key: &[u8]) -> Option<[u8; 32]> {
    key.strip_prefix(b"J")?.try_into().ok()
}

/// What a sender's own code is.
pub fn code(code: u128) -> Vec<u8> {
    let mut key = Vec::with_capacity(17);
    key.push(Space::Code as u8);
    key.extend_from_slice(&code.to_be_bytes());
    key
}

/// The code of a key that [`code`] made.
pub fn code_of(key: &[u8]) -> Option<u128> {
    key.strip_prefix(b"C")?.try_into().ok().map(u128::from_be_bytes)
}

/// A letter that holds a code nobody mapped, and when it was taken in: what comes next lies beside what came last.
pub fn unmapped(code: u128, received: i64, letter: LetterId) -> Vec<u8> {
    let mut key = unmapped_prefix(code);
    // With the sign turned, times sort as numbers without one.
    key.extend_from_slice(&(received ^ i64::MIN).to_be_bytes());
    key.extend_from_slice(&letter.0);
    key
}

/// What the keys of all letters with one code begin with.
pub fn unmapped_prefix(code: u128) -> Vec<u8> {
    let mut key = Vec::with_capacity(57);
    key.push(Space::Unmapped as u8);
    key.extend_from_slice(&code.to_be_bytes());
    key
}

/// Code, time and letter of a key that [`unmapped`] made.
pub fn unmapped_of(key: &[u8]) -> Option<(u128, i64, LetterId)> {
    let (code, rest) = key.strip_prefix(b"U")?.split_first_chunk::<16>()?;
    let (received, letter) = rest.split_first_chunk::<8>()?;
    let letter = LetterId(letter.try_into().ok()?);
    Some((u128::from_be_bytes(*code), i64::from_be_bytes(*received) ^ i64::MIN, letter))
}

/// The letter of a key of the spaces of raw letters, receipts and held letters.
pub fn letter_of(key: &[u8]) -> Option<LetterId> {
    key.get(1..33)?.try_into().ok().map(LetterId)
}

/// The name under which a panel is kept: the first half of SHA-256 of the organisation's reference
/// (`Organization/agency-a`).
pub fn organization(reference: &str) -> u128 {
    let mut half = [0; 16];
    half.copy_from_slice(&Sha256::digest(reference.as_bytes())[..16]);
    u128::from_be_bytes(half)
}

/// A patient on a panel.
pub fn panel(organization: u128, patient: PatientKey) -> Vec<u8> {
    let mut key = panel_prefix(organization);
    key.extend_from_slice(&patient.0.to_be_bytes());
    key
}

/// What all entries of one panel begin with.
pub fn panel_prefix(organization: u128) -> Vec<u8> {
    let mut key = Vec::with_capacity(33);
    key.push(Space::Panel as u8);
    key.extend_from_slice(&organization.to_be_bytes());
    key
}

/// Organisation and patient of a panel's entry.
pub fn panel_of(key: &[u8]) -> Option<(u128, PatientKey)> {
    let (organization, rest) = key.strip_prefix(b"N")?.split_first_chunk::<16>()?;
    let patient = rest.try_into().ok()?;
    Some((u128::from_be_bytes(*organization), PatientKey(u128::from_be_bytes(patient))))
}

/// What of a record tells people apart.
pub fn who(patient: PatientKey) -> Vec<u8> {
    let mut key = Vec::with_capacity(17);
    key.push(Space::Who as u8);
    key.extend_from_slice(&patient.0.to_be_bytes());
    key
}

/// The record of a key that [`who`] made; `None` for any other key.
pub fn who_of(key: &[u8]) -> Option<PatientKey> {
    key.strip_prefix(b"W")?.try_into().ok().map(u128::from_be_bytes).map(PatientKey)
}

/// Two records at which somebody must look, whichever is named first.
pub fn doubt(one: PatientKey, other: PatientKey) -> Vec<u8> {
    let mut key = Vec::with_capacity(33);
    key.push(Space::Doubt as u8);
    key.extend_from_slice(&one.min(other).0.to_be_bytes());
    key.extend_from_slice(&one.max(other).0.to_be_bytes());
    key
}

/// The two records of a key that [`doubt`] made, the smaller first; `None` for any other key.
pub fn doubt_of(key: &[u8]) -> Option<(PatientKey, PatientKey)> {
    let (one, rest) = key.strip_prefix(b"Y")?.split_first_chunk::<16>()?;
    let other = rest.try_into().ok().map(u128::from_be_bytes)?;
    Some((PatientKey(u128::from_be_bytes(*one)), PatientKey(other)))
}

/// A partition in which something of a type has, or had, an identifier with this value (as a hash). What says too much
/// does no harm: whoever looks there looks again.
pub fn identifier(resource_type: ResourceType, value: u64, patient: PatientKey) -> Vec<u8> {
    let mut key = identifier_prefix(resource_type, value);
    key.extend_from_slice(&patient.0.to_be_bytes());
    key
}

/// What the keys of all partitions for one identifier begin with.
pub fn identifier_prefix(resource_type: ResourceType, value: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(26);
    key.extend_from_slice(&[Space::Identifier as u8, resource_type.number()]);
    key.extend_from_slice(&value.to_be_bytes());
    key
}

/// The partition of a key that [`identifier`] made.
pub fn identifier_of(key: &[u8]) -> Option<PatientKey> {
    let (_, patient) = key.strip_prefix(b"X")?.split_first_chunk::<9>()?;
    patient.try_into().ok().map(u128::from_be_bytes).map(PatientKey)
}

/// What a bulk export was asked for.
pub fn export(number: u128) -> Vec<u8> {
    let mut key = export_prefix(number);
    key.push(b'H');
    key
}

/// A part of the list of records that a bulk export is about, from 0.
pub fn export_records(number: u128, part: u16) -> Vec<u8> {
    let mut key = export_prefix(number);
    key.push(b'R');
    key.extend_from_slice(&part.to_be_bytes());
    key
}

/// What all keys of a bulk export begin with.
pub fn export_prefix(number: u128) -> Vec<u8> {
    let mut key = Vec::with_capacity(20);
    key.push(Space::Export as u8);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

/// The number of a bulk export's key; `None` for any other key.
pub fn export_of(key: &[u8]) -> Option<u128> {
    let (number, _) = key.strip_prefix(b"E")?.split_first_chunk::<16>()?;
    Some(u128::from_be_bytes(*number))
}

/// A chunk of the audit chain.
pub fn audit(number: u64) -> Vec<u8> {
    numbered(Space::Audit, number)
}

/// An entry of the log.
pub fn log(position: Position) -> Vec<u8> {
    numbered(Space::Log, position.0)
}

/// The number of a key of the log or the audit chain.
pub fn number_of(key: &[u8]) -> Option<u64> {
    key.get(1..)?.try_into().ok().map(u64::from_be_bytes)
}

/// A fact about the whole store.
pub fn meta(name: &str) -> Vec<u8> {
    let mut key = Vec::with_capacity(name.len() + 2);
    key.push(Space::Meta as u8);
    key.extend_from_slice(name.as_bytes());
    key.push(0);
    key
}

/// The name of a key that [`meta`] made.
pub fn meta_name(key: &[u8]) -> Option<&str> {
    std::str::from_utf8(key.strip_prefix(b"M")?.strip_suffix(&[0])?).ok()
}

fn partition(patient: PatientKey, more: usize) -> Vec<u8> {
    let mut key = Vec::with_capacity(17 + more);
    key.push(Space::Partition as u8);
    key.extend_from_slice(&patient.0.to_be_bytes());
    key
}

fn letter_key(space: Space, letter: LetterId, rest: &[u8]) -> Vec<u8> {
    let mut key = Vec::with_capacity(33 + rest.len());
    key.push(space as u8);
    key.extend_from_slice(&letter.0);
    key.extend_from_slice(rest);
    key
}

fn numbered(space: Space, number: u64) -> Vec<u8> {
    let mut key = Vec::with_capacity(9);
    key.push(space as u8);
    key.extend_from_slice(&number.to_be_bytes());
    key
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// One key of every kind, from few enough values that neighbours are met.
    fn any_key() -> impl Strategy<Value = Vec<u8>> {
        let patient = prop_oneof![Just(0), Just(1), Just(u128::MAX), any::<u128>()].prop_map(PatientKey);
        let letter = prop_oneof![Just([0; 32]), Just([255; 32]), any::<[u8; 32]>()].prop_map(LetterId);
        let number = prop_oneof![0..4_u64, Just(u64::MAX), any::<u64>()];
        (0..18_u8, patient, letter, number, 0..3_u16, "[ab.]{1,3}").prop_map(
            |(kind, patient, letter, number, part, id_text)| match kind {
                0 => head(patient),
                1 => sheaf(patient, number, part),
                2 => id(ResourceType::PATIENT, &id_text),
                3 => raw(letter, part),
                4 => receipt(letter, part),
                5 => held(letter),
                6 if part % 2 == 0 => identifier(ResourceType::PATIENT, number, patient),
                6 => panel(u128::from(number), patient),
                7 => audit(number),
                8 => log(Position(number)),
                9 => told(patient, number),
                10 => control(u64::from(part), id_text.as_bytes(), [part as u8; 16], number),
                11 => code(patient.0),
                12 => unmapped(patient.0, number as i64, letter),
                13 => assertion(&letter.0),
                14 => ties(patient),
                15 => who(patient),
                16 => doubt(patient, PatientKey(u128::from(number))),
                _ => meta(&id_text),
            },
        )
    }

    proptest! {
        #[test]
        fn no_key_is_the_beginning_of_another(a in any_key(), b in any_key()) {
            prop_assert!(a == b || !b.starts_with(&a));
        }

        #[test]
        fn sheaves_sort_by_number_and_part(a in any::<(u64, u16)>(), b in any::<(u64, u16)>(), patient: u128) {
            let key = |(number, part)| sheaf(PatientKey(patient), number, part);
            prop_assert_eq!(key(a).cmp(&key(b)), a.cmp(&b));
            prop_assert_eq!(sheaf_of(&key(a)), Some((PatientKey(patient), a.0, a.1)));
            prop_assert!(head(PatientKey(patient)) < key(a));
        }

        #[test]
        fn what_follows_follows(key: [u8; 3], tail in proptest::collection::vec(any::<u8>(), 0..3)) {
            let longer: Vec<u8> = key.iter().chain(&tail).copied().collect();
            prop_assert!(key == [255; 3] || after(&key) > longer);
            prop_assert!(next(&key).as_slice() > key.as_slice());
            prop_assert!(tail.is_empty() || next(&key) <= longer);
        }
    }

    #[test]
    fn keys_can_be_read_back() {
        let (patient, letter) = (PatientKey(7), LetterId([9; 32]));
        assert_eq!(head_patient(&head(patient)), Some(patient));
        assert_eq!([charted_patient(&head(patient)), charted_patient(&ties(patient))], [Some(patient); 2]);
        assert_eq!((ties_of(&ties(patient)), ties_of(&head(patient))), (Some(patient), None));
        assert_eq!((head_patient(&ties(patient)), charted_patient(&told(patient, 1))), (None, None));
        assert_eq!((who_of(&who(patient)), who_of(&head(patient))), (Some(patient), None));
        assert_eq!(doubt_of(&doubt(PatientKey(8), patient)), Some((patient, PatientKey(8))));
        assert_eq!(head_patient(&sheaf(patient, 1, u16::from_be_bytes(*b"xH"))), None);
        assert_eq!(sheaf_of(&head(patient)), None);
        assert_eq!(panel_of(&panel(5, patient)), Some((5, patient)));
        assert_eq!((assertion_of(&assertion(&[7; 32])), assertion_of(&head(patient))), (Some([7; 32]), None));
        assert_eq!(identifier_of(&identifier(ResourceType::PATIENT, 5, patient)), Some(patient));
        assert_eq!(number_of(&log(Position(3))), Some(3));
        assert_eq!(meta_name(&meta("feed/x")), Some("feed/x"));
        assert_eq!((told_of(&told(patient, 4)), told_of(&head(patient))), (Some((patient, 4)), None));
        for received in [i64::MIN, -1, 0, 1, i64::MAX] {
            assert_eq!(unmapped_of(&unmapped(5, received, letter)), Some((5, received, letter)));
        }
        assert!(unmapped(5, -1, letter) < unmapped(5, 0, letter));
        for key in [raw(letter, 1), receipt(letter, 0), held(letter)] {
            assert_eq!(letter_of(&key), Some(letter));
        }
        assert_ne!(organization("Organization/agency-a"), organization("Organization/agency-b"));
    }

    #[test]
    fn a_longer_id_is_not_under_a_shorter_one() {
        assert!(!id(ResourceType::PATIENT, "ab").starts_with(&id(ResourceType::PATIENT, "a")));
    }
}
