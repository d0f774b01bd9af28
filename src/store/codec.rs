//! Facts as bytes: what search and consent need of the versions in one sheaf, small and exact.
//!
//! Hashes and patients that recur in a sheaf are written once, in tables, and named by their place there; times are
//! written as differences. A version of an Observation with eight tokens comes to about 100 bytes.

use std::collections::HashMap;

use uuid::Uuid;

use crate::fault::Fault;
use crate::fhir::{PatientKey, ResourceId, ResourceType};
use crate::search::facts::{DateFact, Facts, Labels, Parameter, Token};
use crate::store::cache::Spread;

const DELETED: u8 = 1;
const UUID: u8 = 2;
const OCCURRED: u8 = 4;
const STATED: u8 = 8;

/// Writes facts; [`Encoder::finish`] puts the tables before them.
#[derive(Default)]
pub struct Encoder {
    /// Hashes other than 0 in the order they were met; their numbers start at 1, and 0 stands for itself.
    hashes: Vec<u64>,
    numbers: HashMap<u64, u64, Spread>,
    patients: Vec<PatientKey>,
    time: Option<i64>,
    count: u64,
    out: Vec<u8>,
}

/// Reads what an [`Encoder`] wrote. Damaged bytes give `Fault::Broken`, never a panic or a large allocation.
pub struct Decoder<'a> {
    hashes: Vec<u64>,
    patients: Vec<PatientKey>,
    time: i64,
    left: u64,
    bytes: Bytes<'a>,
}

struct Bytes<'a>(&'a [u8]);

impl Encoder {
    /// Adds the facts of one version and the length of what belongs to it elsewhere.
    pub fn push(&mut self, facts: &Facts, body_bytes: usize) {
        let base = *self.time.get_or_insert(facts.last_updated);
        self.count += 1;
        let uuid = canonical_uuid(facts.id.as_str());
        let flag = |set: bool, bit: u8| if set { bit } else { 0 };
        let stated = facts.occurred != i64::MIN;
        let flags = flag(facts.deleted, DELETED) | flag(uuid.is_some(), UUID) | flag(stated, OCCURRED);
        let flags = flags | flag(!facts.stated.is_empty(), STATED);
        self.out.extend_from_slice(&[facts.resource_type.number(), flags, facts.rank, facts.list]);
        match uuid {
            Some(uuid) => self.out.extend_from_slice(uuid.as_bytes()),
            None => {
                self.number(facts.id.as_str().len() as u64);
                self.out.extend_from_slice(facts.id.as_str().as_bytes());
            }
        }
        self.out.extend_from_slice(&facts.content.to_be_bytes());
        self.number(u64::from(facts.version));
        self.number(u64::from(facts.labels.0));
        self.hash(facts.origin);
        self.difference(facts.last_updated, base);
        if stated {
            self.difference(facts.occurred, facts.last_updated);
        }
        let time = if stated { facts.occurred } else { facts.last_updated };
        if !facts.stated.is_empty() {
            self.number(facts.stated.len() as u64);
            for (member, at) in &facts.stated {
                self.hash(*member);
                self.difference(*at, time);
            }
        }
        self.lists(facts, time);
        self.number(body_bytes as u64);
    }

    /// Tables and facts.
    pub fn finish(mut self) -> Vec<u8> {
        let facts = std::mem::take(&mut self.out);
        let mut all =
            Encoder { out: Vec::with_capacity(facts.len() + 8 * self.hashes.len() + 64), ..Encoder::default() };
        all.out.extend_from_slice(&self.time.unwrap_or(0).to_be_bytes());
        all.number(self.hashes.len() as u64);
        for hash in &self.hashes {
            all.out.extend_from_slice(&hash.to_be_bytes());
        }
        all.number(self.patients.len() as u64);
        for patient in &self.patients {
            all.out.extend_from_slice(&patient.0.to_be_bytes());
        }
        all.number(self.count);
        all.out.extend_from_slice(&facts);
        all.out
    }

    fn lists(&mut self, facts: &Facts, time: i64) {
        self.number(facts.patients.len() as u64);
        for patient in &facts.patients {
            let known = self.patients.iter().position(|other| other == patient);
            let place = known.unwrap_or_else(|| {
                self.patients.push(*patient);
                self.patients.len() - 1
            });
            self.number(place as u64);
        }
        self.number(facts.tokens.len() as u64);
        let mut before = (0, 0);
        for token in &facts.tokens {
            let value = (token.system, token.code);
            if self.parameter(token.parameter, value == before) {
                self.hash(token.system);
                self.hash(token.code);
            }
            before = value;
        }
        self.number(facts.dates.len() as u64);
        let mut before = (time, time);
        for date in &facts.dates {
            let value = (date.start, date.end);
            if self.parameter(date.parameter, value == before) {
                self.difference(date.start, time);
                self.difference(date.end, date.start);
            }
            before = value;
        }
        self.number(facts.references.len() as u64);
        for reference in &facts.references {
            self.hash(*reference);
        }
    }

    /// A parameter, and whether its value is the one before: `code` and `combo-code`, `subject` and `patient` mostly are.
    /// Gives whether the value is still to be written.
    fn parameter(&mut self, parameter: Parameter, again: bool) -> bool {
        self.number(u64::from(parameter.0) << 1 | u64::from(again));
        !again
    }

    fn hash(&mut self, hash: u64) {
        let number = match hash {
            0 => 0,
            _ => *self.numbers.entry(hash).or_insert_with(|| {
                self.hashes.push(hash);
                self.hashes.len() as u64
            }),
        };
        self.number(number);
    }

    /// Seven bits a byte, smallest first, the eighth bit where more follow.
    fn number(&mut self, mut number: u64) {
        while number >= 0x80 {
            self.out.push(number as u8 | 0x80);
            number >>= 7;
        }
        self.out.push(number as u8);
    }

    /// A difference with its sign in the lowest bit, so that small ones of either sign are short.
    fn difference(&mut self, value: i64, from: i64) {
        let difference = value.wrapping_sub(from);
        self.number(((difference << 1) ^ (difference >> 63)) as u64);
    }
}

impl<'a> Decoder<'a> {
    /// Reads the tables.
    pub fn new(bytes: &'a [u8]) -> Result<Self, Fault> {
        let mut bytes = Bytes(bytes);
        let time = i64::from_be_bytes(bytes.array()?);
        let hashes = bytes.list(8, |bytes| bytes.array().map(u64::from_be_bytes))?;
        let patients = bytes.list(16, |bytes| bytes.array().map(|key| PatientKey(u128::from_be_bytes(key))))?;
        let left = bytes.count(1)? as u64;
        Ok(Decoder { hashes, patients, time, left, bytes })
    }

    /// How many versions are still to come; a damaged count is at most the number of bytes.
    pub fn left(&self) -> usize {
        self.left as usize
    }

    /// The next version's facts and the length given with them; `None` after the last.
    pub fn read(&mut self) -> Result<Option<(Facts, usize)>, Fault> {
        if self.left == 0 {
            return if self.bytes.0.is_empty() { Ok(None) } else { Err(damaged()) };
        }
        self.left -= 1;
        let [resource_type, flags, rank, list] = self.bytes.array()?;
        let id = self.bytes.id(flags & UUID != 0)?;
        let content = u128::from_be_bytes(self.bytes.array()?);
        let version = u32::try_from(self.bytes.number()?).map_err(|_| damaged())?;
        let labels = u32::try_from(self.bytes.number()?).map_err(|_| damaged())?;
        let origin = self.bytes.hash(&self.hashes)?;
        let last_updated = self.bytes.difference(self.time)?;
        let occurred = if flags & OCCURRED == 0 { i64::MIN } else { self.bytes.difference(last_updated)? };
        let time = if flags & OCCURRED == 0 { last_updated } else { occurred };
        let (bytes, hashes, patients) = (&mut self.bytes, &self.hashes, &self.patients);
        let stated = match flags & STATED {
            0 => Vec::new(),
            _ => bytes.list(2, |bytes| Ok((bytes.hash(hashes)?, bytes.difference(time)?)))?,
        };
        let facts = Facts {
            resource_type: ResourceType::from_number(resource_type).ok_or_else(damaged)?,
            id,
            version,
            deleted: flags & DELETED != 0,
            last_updated,
            occurred,
            stated,
            rank,
            list,
            origin,
            labels: Labels(labels),
            content,
            patients: bytes.list(1, |bytes| {
                let place = bytes.number()? as usize;
                patients.get(place).copied().ok_or_else(damaged)
            })?,
            tokens: {
                let mut before = (0, 0);
                bytes.list(1, |bytes| bytes.token(hashes, &mut before))?
            },
            dates: {
                let mut before = (time, time);
                bytes.list(1, |bytes| bytes.date(time, &mut before))?
            },
            references: bytes.list(1, |bytes| bytes.hash(hashes))?,
        };
        let body_bytes = usize::try_from(bytes.number()?).map_err(|_| damaged())?;
        Ok(Some((facts, body_bytes)))
    }
}

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], Fault> {
        let (taken, rest) = self.0.split_at_checked(length).ok_or_else(damaged)?;
        self.0 = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Fault> {
        let (taken, rest) = self.0.split_first_chunk().ok_or_else(damaged)?;
        self.0 = rest;
        Ok(*taken)
    }

    fn number(&mut self) -> Result<u64, Fault> {
        let mut number = 0;
        for shift in (0..64).step_by(7) {
            let [byte] = self.array()?;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                return Err(damaged());
            }
            number |= bits << shift;
            if byte < 0x80 {
                return Ok(number);
            }
        }
        Err(damaged())
    }

    fn difference(&mut self, from: i64) -> Result<i64, Fault> {
        let number = self.number()?;
        let difference = (number >> 1) as i64 ^ -((number & 1) as i64);
        Ok(from.wrapping_add(difference))
    }

    /// A count of items of at least `width` bytes each, of which there must be enough.
    fn count(&mut self, width: usize) -> Result<usize, Fault> {
        let count = usize::try_from(self.number()?).map_err(|_| damaged())?;
        if count <= self.0.len() / width { Ok(count) } else { Err(damaged()) }
    }

    fn list<T>(&mut self, width: usize, mut item: impl FnMut(&mut Self) -> Result<T, Fault>) -> Result<Vec<T>, Fault> {
        let count = self.count(width)?;
        let mut list = Vec::with_capacity(count);
        for _ in 0..count {
            list.push(item(self)?);
        }
        Ok(list)
    }

    fn id(&mut self, uuid: bool) -> Result<ResourceId, Fault> {
        if uuid {
            let mut text = [0; 36];
            let text = Uuid::from_bytes(self.array()?).hyphenated().encode_lower(&mut text);
            return ResourceId::parse(text).ok_or_else(damaged);
        }
        let length = self.count(1)?;
        let text = std::str::from_utf8(self.take(length)?).map_err(|_| damaged())?;
        ResourceId::parse(text).ok_or_else(damaged)
    }

    fn hash(&mut self, hashes: &[u64]) -> Result<u64, Fault> {
        match self.number()? {
            0 => Ok(0),
            number => hashes.get(number as usize - 1).copied().ok_or_else(damaged),
        }
    }

    fn token(&mut self, hashes: &[u64], before: &mut (u64, u64)) -> Result<Token, Fault> {
        let (parameter, again) = self.parameter()?;
        if !again {
            *before = (self.hash(hashes)?, self.hash(hashes)?);
        }
        Ok(Token { parameter, system: before.0, code: before.1 })
    }

    fn date(&mut self, time: i64, before: &mut (i64, i64)) -> Result<DateFact, Fault> {
        let (parameter, again) = self.parameter()?;
        if !again {
            let start = self.difference(time)?;
            *before = (start, self.difference(start)?);
        }
        Ok(DateFact { parameter, start: before.0, end: before.1 })
    }

    fn parameter(&mut self) -> Result<(Parameter, bool), Fault> {
        let number = self.number()?;
        let parameter = u16::try_from(number >> 1).map(Parameter).map_err(|_| damaged())?;
        Ok((parameter, number & 1 == 1))
    }
}

/// The UUID, when writing it again gives the same text.
fn canonical_uuid(id: &str) -> Option<Uuid> {
    let uuid = (id.len() == 36).then(|| Uuid::try_parse(id).ok()).flatten()?;
    let mut text = [0; 36];
    (*uuid.hyphenated().encode_lower(&mut text) == *id).then_some(uuid)
}

fn damaged() -> Fault {
    Fault::Broken("stored facts are damaged".into())
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::collection::vec;
    use proptest::prelude::*;

    fn any_parameter() -> impl Strategy<Value = Parameter> {
        prop_oneof![0..200_u16, any::<u16>()].prop_map(Parameter)
    }

    /// Hashes and keys from few enough values that some recur.
    fn any_hash() -> impl Strategy<Value = u64> {
        prop_oneof![Just(0), 1..4_u64, any::<u64>()]
    }

    fn any_time() -> impl Strategy<Value = i64> {
        prop_oneof![Just(i64::MIN), Just(i64::MAX), 0..4_i64, any::<i64>()]
    }

    /// Any id, and a UUID in both spellings.
    fn any_id() -> impl Strategy<Value = String> {
        let uuid = "0b5c6a1e-7d2f-5a43-9c1d-5b0a8f3e7461";
        prop_oneof!["[a-zA-Z0-9.-]{1,64}", Just(uuid.to_owned()), Just(uuid.to_uppercase())]
    }

    prop_compose! {
        fn any_facts()(
            (resource_type, id) in (0..146_u8, any_id()),
            (version, deleted, last_updated, occurred) in (any::<u32>(), any::<bool>(), any_time(), any_time()),
            (rank, list, labels, content) in (any::<u8>(), any::<u8>(), any::<u32>(), any::<u128>()),
            (origin, stated) in (any_hash(), vec((any_hash(), any_time()), 0..3)),
            patients in vec(prop_oneof![0..3_u128, any::<u128>()], 0..3),
            tokens in vec((any_parameter(), any_hash(), any_hash()), 0..6),
            dates in vec((any_parameter(), any_time(), any_time()), 0..3),
            references in vec(any_hash(), 0..5),
        ) -> Facts {
            Facts {
                resource_type: ResourceType::from_number(resource_type).unwrap(),
                id: ResourceId::parse(&id).unwrap(),
                version, deleted, last_updated, occurred, stated, rank, list, content, origin,
                labels: Labels(labels),
                patients: patients.into_iter().map(PatientKey).collect(),
                tokens: tokens.into_iter().map(|(parameter, system, code)| Token { parameter, system, code }).collect(),
                dates: dates.into_iter().map(|(parameter, start, end)| DateFact { parameter, start, end }).collect(),
                references,
            }
        }
    }

    fn encode(all: &[(Facts, usize)]) -> Vec<u8> {
        let mut encoder = Encoder::default();
        all.iter().for_each(|(facts, body_bytes)| encoder.push(facts, *body_bytes));
        encoder.finish()
    }

    fn decode(bytes: &[u8]) -> Result<Vec<(Facts, usize)>, Fault> {
        let mut decoder = Decoder::new(bytes)?;
        let mut all = Vec::new();
        while let Some(next) = decoder.read()? {
            all.push(next);
        }
        Ok(all)
    }

    proptest! {
        #[test]
        fn facts_come_back_exactly(all in vec((any_facts(), any::<usize>()), 0..5)) {
            prop_assert_eq!(decode(&encode(&all)), Ok(all));
        }

        #[test]
        fn what_is_cut_off_is_noticed(
            all in vec((any_facts(), any::<usize>()), 1..3),
            cut in any::<prop::sample::Index>(),
        ) {
            let bytes = encode(&all);
            prop_assert!(decode(&bytes[..cut.index(bytes.len())]).is_err());
        }

        #[test]
        fn damage_does_no_harm(
            all in vec((any_facts(), any::<usize>()), 1..3),
            at in any::<prop::sample::Index>(),
            byte: u8,
        ) {
            let mut bytes = encode(&all);
            let at = at.index(bytes.len());
            bytes[at] = byte;
            let _ = decode(&bytes);
        }

        #[test]
        fn noise_does_no_harm(bytes in vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
        }
    }

    #[test]
    fn facts_are_small() {
        let home = PatientKey(9 << 90);
        let all: Vec<_> =
            (0..15).map(|n| (crate::store::records::example::version(home, &format!("code {n}"), 1).0, 100)).collect();
        let bytes = encode(&all).len() / all.len();
        assert!(bytes < 80, "{bytes} bytes a version");
    }
}
