//! Many events in one stored value: a version byte, the hash of the chunk before it, then each event with its length before it.
//! So the chunks are a chain: whoever changes one has to change all that follow, and the signed heads with them
//! (docs/adr/0039). Chunks of version 1 have no hash; they can only stand before the first that has.
//!
//! Reading is tolerant: an event that cannot be read is `None` in its place, so that the others keep their ids, and
//! what a later version appends to an event is skipped.

use core::net::IpAddr;

use sha2::{Digest, Sha256};

use super::event::{Agent, Event, Outcome, QueryShape, What};
use crate::consent::{ConsentVersion, Purpose, Role};
use crate::fhir::{PatientKey, ResourceId, ResourceType};

const VERSION: u8 = 2;
/// Chunks that do not name the one before.
const UNLINKED: u8 = 1;
const NO_TYPE: u8 = u8::MAX;
/// Roles by their stored number, from 1; 0 stands for an unknown caller.
const ROLES: [Role; 4] = [Role::Care, Role::Source, Role::Office, Role::Open];

/// The SHA-256 of a chunk.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct ChunkHash(pub [u8; 32]);

impl ChunkHash {
    /// What the first chunk of all names in the place of one before it.
    pub const NOTHING: ChunkHash = ChunkHash([0; 32]);

    /// Of a chunk as it is stored, under its number.
    pub fn of(number: u64, chunk: &[u8]) -> Self {
        let mut hash = Sha256::new();
        hash.update(number.to_be_bytes());
        hash.update(chunk);
        ChunkHash(hash.finalize().into())
    }

    /// In hexadecimal digits.
    pub fn hex(&self) -> String {
        self.0.iter().map(|byte| format!("{byte:02x}")).collect()
    }

    /// Of hexadecimal digits, in lower case.
    pub fn parse(hex: &str) -> Option<Self> {
        let mut bytes = [0; 32];
        for (at, byte) in bytes.iter_mut().enumerate() {
            *byte = u8::from_str_radix(hex.get(2 * at..2 * at + 2)?, 16).ok()?;
        }
        Some(ChunkHash(bytes)).filter(|hash| hash.hex() == hex)
    }
}

impl core::fmt::Debug for ChunkHash {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.write_str(&self.hex())
    }
}

/// A chunk that is being filled.
#[derive(Debug)]
pub struct Chunk {
    bytes: Vec<u8>,
    one: Vec<u8>,
}

impl Chunk {
    /// An empty one that follows the chunk with this hash.
    pub fn after(previous: &ChunkHash) -> Self {
        let mut bytes = Vec::with_capacity(512);
        bytes.push(VERSION);
        bytes.extend(previous.0);
        Chunk { bytes, one: Vec::with_capacity(256) }
    }

    /// Adds an event, unless the chunk would be longer than this afterwards: whether it did.
    pub fn add(&mut self, event: &Event, bytes_max: usize) -> bool {
        let before = self.bytes.len();
        self.one.clear();
        write(event, &mut self.one);
        bytes(&mut self.bytes, &self.one);
        let fits = self.bytes.len() <= bytes_max;
        if !fits {
            self.bytes.truncate(before);
        }
        fits
    }

    /// As it is stored.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }
}

/// Events as one value that follows the chunk with this hash.
pub fn encode<'a>(previous: &ChunkHash, events: impl IntoIterator<Item = &'a Event>) -> Vec<u8> {
    let mut chunk = Chunk::after(previous);
    for event in events {
        chunk.add(event, usize::MAX);
    }
    chunk.into_bytes()
}

/// The hash that a chunk names as that of the one before it; `None` where it names none.
pub fn previous(chunk: &[u8]) -> Option<ChunkHash> {
    let (hash, _) = chunk.strip_prefix(&[VERSION])?.split_first_chunk()?;
    Some(ChunkHash(*hash))
}

/// Whether it is a chunk of a time when chunks named none before them.
pub fn is_unlinked(chunk: &[u8]) -> bool {
    chunk.first() == Some(&UNLINKED)
}

/// The events of a value; `None` for one that cannot be read.
pub fn decode(chunk: &[u8]) -> Vec<Option<Event>> {
    let rest = match chunk.split_first() {
        Some((&UNLINKED, rest)) => rest,
        Some((&VERSION, rest)) => rest.get(size_of::<ChunkHash>()..).unwrap_or_default(),
        _ => return Vec::new(),
    };
    let mut chunk = Reader(rest);
    let mut events = Vec::new();
    while !chunk.0.is_empty() {
        match chunk.bytes() {
            Some(one) => events.push(read(&mut Reader(one))),
            None => {
                events.push(None);
                break;
            }
        }
    }
    events
}

fn write(event: &Event, out: &mut Vec<u8>) {
    out.extend(event.recorded_ms.to_be_bytes());
    out.extend([event.what as u8, event.outcome as u8]);
    out.push(event.resource_type.map_or(NO_TYPE, ResourceType::number));
    let role = event.agent.as_ref().and_then(|agent| ROLES.iter().position(|role| *role == agent.role));
    out.push(role.map_or(0, |at| at as u8 + 1));
    if let Some(agent) = &event.agent {
        bytes(out, agent.client.as_bytes());
        bytes(out, agent.organization.as_bytes());
    }
    match event.address {
        None => bytes(out, &[]),
        Some(IpAddr::V4(address)) => bytes(out, &address.octets()),
        Some(IpAddr::V6(address)) => bytes(out, &address.octets()),
    }
    bytes(out, event.id.as_ref().map_or("", ResourceId::as_str).as_bytes());
    bytes(out, event.request.as_bytes());
    number(out, u64::from(event.count));
    number(out, event.patients.len() as u64);
    event.patients.iter().for_each(|patient| out.extend(patient.0.to_be_bytes()));
    number(out, event.query.names().len() as u64);
    event.query.names().for_each(|name| bytes(out, name.as_bytes()));
    number(out, event.consents.len() as u64);
    for consent in &event.consents {
        bytes(out, consent.id.as_bytes());
        number(out, u64::from(consent.version));
    }
    bytes(out, event.query.asked().as_bytes());
    bytes(out, event.purpose.map_or("", Purpose::code).as_bytes());
    bytes(out, event.person.as_deref().unwrap_or_default().as_bytes());
}

fn read(from: &mut Reader) -> Option<Event> {
    let recorded_ms = i64::from_be_bytes(from.array()?);
    let [what, outcome, resource_type, role] = from.array()?;
    let what = What::ALL.into_iter().find(|one| *one as u8 == what).unwrap_or(What::Other);
    let outcome = Outcome::ALL.into_iter().find(|one| *one as u8 == outcome).unwrap_or(Outcome::Other);
    let agent = match role {
        0 => None,
        role => Some(Agent {
            role: *ROLES.get(usize::from(role) - 1)?,
            client: from.text()?.to_owned(),
            organization: from.text()?.to_owned(),
        }),
    };
    let address = match from.bytes()? {
        [] => None,
        address => match <[u8; 4]>::try_from(address) {
            Ok(octets) => Some(IpAddr::from(octets)),
            Err(_) => Some(IpAddr::from(<[u8; 16]>::try_from(address).ok()?)),
        },
    };
    let mut event = Event {
        recorded_ms,
        what,
        outcome,
        agent,
        address,
        resource_type: ResourceType::from_number(resource_type),
        id: ResourceId::parse(from.text()?),
        request: from.text()?.to_owned(),
        count: u32::try_from(from.number()?).ok()?,
        patients: from.many(|from| from.array().map(u128::from_be_bytes).map(PatientKey))?,
        query: QueryShape::of(from.many(Reader::text)?),
        consents: from.many(|from| {
            let id = from.text()?.into();
            Some(ConsentVersion { id, version: u32::try_from(from.number()?).ok()? })
        })?,
        purpose: None,
        person: None,
    };
    // Earlier versions of the program kept no more than the names, no purpose and no person.
    if let Some(asked) = from.text().filter(|asked| !asked.is_empty()) {
        event.query = event.query.with_asked(asked);
    }
    event.purpose = from.text().and_then(Purpose::parse);
    event.person = from.text().filter(|person| !person.is_empty()).map(Into::into);
    Some(event)
}

fn bytes(out: &mut Vec<u8>, bytes: &[u8]) {
    number(out, bytes.len() as u64);
    out.extend_from_slice(bytes);
}

/// Seven bits a byte, least first; the high bit says that more follow.
fn number(out: &mut Vec<u8>, mut value: u64) {
    while value >= 0x80 {
        out.push(value as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}

struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    fn take(&mut self, length: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        Some(taken)
    }

    fn array<const N: usize>(&mut self) -> Option<[u8; N]> {
        self.take(N)?.try_into().ok()
    }

    fn number(&mut self) -> Option<u64> {
        let mut value = 0;
        for shift in (0..63).step_by(7) {
            let [byte] = self.array()?;
            value |= u64::from(byte & 0x7F) << shift;
            if byte < 0x80 {
                return Some(value);
            }
        }
        None
    }

    fn bytes(&mut self) -> Option<&'a [u8]> {
        let length = self.number()?;
        self.take(usize::try_from(length).ok()?)
    }

    fn text(&mut self) -> Option<&'a str> {
        std::str::from_utf8(self.bytes()?).ok()
    }

    /// As many as are announced; stops at the first that is not there, so a false count costs nothing.
    fn many<T>(&mut self, mut one: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.number()?).map(|_| one(self)).collect()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn events() -> impl Strategy<Value = Event> {
        let agent = ("[ -~]{0,20}", "Organization/[a-z]{1,9}", proptest::sample::select(ROLES.to_vec()))
            .prop_map(|(client, organization, role)| Agent { client, organization, role });
        let head = (
            any::<i64>(),
            proptest::sample::select(What::ALL.to_vec()),
            proptest::sample::select(Outcome::ALL.to_vec()),
            proptest::option::of(agent),
            proptest::option::of(any::<IpAddr>()),
            proptest::option::of((0..146_u8).prop_map(|n| ResourceType::from_number(n).unwrap())),
            proptest::option::of("[A-Za-z0-9.-]{1,64}".prop_map(|id| ResourceId::parse(&id).unwrap())),
        );
        let consent = ("[a-z0-9-]{1,40}", any::<u32>());
        let consent = consent.prop_map(|(id, version)| ConsentVersion { id: id.into(), version });
        let tail = (
            proptest::collection::vec(any::<u128>().prop_map(PatientKey), 0..4),
            proptest::collection::vec("[a-z_:.]{1,12}|[あ-ん]{1,3}", 0..4),
            "\\PC{0,40}",
            proptest::collection::vec(consent, 0..3),
            any::<u32>(),
            proptest::option::of(proptest::sample::select(vec!["TREAT", "COC", "BTG"])),
            proptest::option::of("Practitioner/[a-z]{1,9}"),
        );
        (head, tail).prop_map(|(head, tail)| Event {
            recorded_ms: head.0,
            what: head.1,
            outcome: head.2,
            agent: head.3,
            address: head.4,
            resource_type: head.5,
            id: head.6,
            patients: tail.0,
            query: QueryShape::of(tail.1.iter().map(String::as_str)).with_asked(&tail.2),
            request: tail.2,
            consents: tail.3,
            count: tail.4,
            purpose: tail.5.and_then(Purpose::parse),
            person: tail.6.map(Into::into),
        })
    }

    #[test]
    fn a_chunk_takes_what_fits_and_not_one_byte_more() {
        let event = Event::new(1, What::Read);
        let whole = encode(&ChunkHash::NOTHING, [&event, &event]);
        for (most, taken) in [(whole.len(), true), (whole.len() - 1, false)] {
            let mut chunk = Chunk::after(&ChunkHash::NOTHING);
            assert!(chunk.add(&event, most));
            assert_eq!(chunk.add(&event, most), taken);
            assert_eq!(decode(&chunk.into_bytes()).len(), 1 + usize::from(taken));
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig { failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn what_is_written_is_read(events in proptest::collection::vec(events(), 0..6)) {
            let read = decode(&encode(&ChunkHash::NOTHING, &events));
            prop_assert_eq!(read, events.into_iter().map(Some).collect::<Vec<_>>());
        }

        #[test]
        fn a_cut_costs_only_what_it_cuts(events in proptest::collection::vec(events(), 1..4), cut in any::<usize>()) {
            let whole = encode(&ChunkHash::NOTHING, &events);
            let read = decode(&whole[..cut % whole.len()]);
            for (read, event) in read.iter().zip(&events) {
                prop_assert!(read.as_ref().is_none_or(|read| read == event));
            }
        }

        #[test]
        fn what_an_earlier_version_wrote_has_no_text_of_a_search(event in events()) {
            let event = Event { query: event.query.with_asked(""), purpose: None, person: None, ..event };
            let (mut one, mut chunk) = (Vec::new(), vec![UNLINKED]);
            write(&event, &mut one);
            prop_assert_eq!([one.pop(), one.pop(), one.pop()], [Some(0); 3]);
            bytes(&mut chunk, &one);
            prop_assert_eq!(decode(&chunk), vec![Some(event)]);
        }

        #[test]
        fn a_chunk_names_the_one_before_it_and_is_known_by_every_bit(events in proptest::collection::vec(events(), 1..3), at in any::<usize>()) {
            let first = encode(&ChunkHash::NOTHING, &events);
            let hash = ChunkHash::of(7, &first);
            prop_assert_eq!(ChunkHash::parse(&hash.hex()), Some(hash));
            prop_assert_eq!(previous(&encode(&hash, &events)), Some(hash));
            let mut other = first.clone();
            let bit = at % (8 * other.len());
            other[bit / 8] ^= 1 << (bit % 8);
            prop_assert!(ChunkHash::of(7, &other) != hash && ChunkHash::of(8, &first) != hash);
        }

        #[test]
        fn any_bytes_are_survived(mut bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = decode(&bytes);
            bytes.insert(0, VERSION);
            let _ = decode(&bytes);
            bytes[0] = UNLINKED;
            let _ = decode(&bytes);
        }

        #[test]
        fn what_a_later_version_appends_is_skipped(event in events(), more in proptest::collection::vec(any::<u8>(), 0..9)) {
            let (mut one, mut chunk) = (Vec::new(), Chunk::after(&ChunkHash::NOTHING).into_bytes());
            write(&event, &mut one);
            one.extend(more);
            bytes(&mut chunk, &one);
            prop_assert_eq!(decode(&chunk), vec![Some(event)]);
        }
    }
}
