//! A sheaf: everything that one commit writes to one partition, as one value (design decision 4c, few, fat entries).
//! A list of records, each the facts of a version and its body, the JSON, compressed. Sheaves are never rewritten.
//!
//! ```text
//! layout(1) dictionary(1) check(8) length of the facts(4) facts bodies
//! ```
//! `check` is the first eight bytes of SHA-256 over dictionary and facts, which hold the lengths of the
//! bodies; each body is a zstd frame with a checksum of its own. So every byte is guarded, and reading a partition
//! touches no body. A deleted version has no body.

use std::fmt;
use std::sync::Arc;

use sha2::{Digest, Sha256};

use crate::fault::Fault;
use crate::fhir::{PatientKey, ResourceType};
use crate::search::{Facts, Parameter};
use crate::store::codec::{Decoder, Encoder};
use crate::store::log::Logged;
use crate::store::press::Dictionary;
use crate::store::{Commit, VALUE_BYTES_MAX, keys};

const LAYOUT: u8 = 2;
const START: usize = 14;

/// Identifiers of one version by which it is found without naming its patient.
pub const IDENTIFIERS_MAX: usize = 64;
/// The parts a sheaf may have, so its bytes are at most this times [`VALUE_BYTES_MAX`]: 4 GB.
pub const PARTS_MAX: usize = u16::MAX as usize;

/// What a partition holds, in one entry: each commit to it expects it unchanged and advances it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Head {
    /// How many sheaves there are; they are numbered from 1.
    pub sheaves: u64,
    /// The facility whose patient it is, [`crate::fhir::FacilityCode`] as text.
    pub facility: String,
}

/// A version of a resource.
#[derive(Clone, Debug)]
pub struct Record {
    /// What search and consent need of it.
    pub facts: Facts,
    /// The resource itself.
    pub body: Body,
}

/// The body of a version, still compressed. Cheap to clone; it keeps its whole sheaf in memory.
#[derive(Clone)]
pub struct Body {
    sheaf: Arc<[u8]>,
    start: u32,
    end: u32,
    dictionary: Dictionary,
}

impl Head {
    /// As stored.
    pub fn encode(&self) -> Vec<u8> {
        let mut out = Vec::with_capacity(9 + self.facility.len());
        out.push(LAYOUT);
        out.extend_from_slice(&self.sheaves.to_be_bytes());
        out.extend_from_slice(self.facility.as_bytes());
        out
    }

    /// From what is stored.
    pub fn decode(bytes: &[u8]) -> Result<Self, Fault> {
        let rest = bytes.strip_prefix(&[LAYOUT]).ok_or_else(damaged)?;
        let (sheaves, facility) = rest.split_first_chunk().ok_or_else(damaged)?;
        let facility = std::str::from_utf8(facility).map_err(|_| damaged())?.to_owned();
        Ok(Head { sheaves: u64::from_be_bytes(*sheaves), facility })
    }
}

impl Body {
    /// The JSON; empty for a deleted version.
    pub fn json(&self) -> Result<String, Fault> {
        let mut out = Vec::new();
        self.append_json(&mut out)?;
        String::from_utf8(out).map_err(|_| damaged())
    }

    /// Appends the JSON to what is being sent.
    pub fn append_json(&self, out: &mut Vec<u8>) -> Result<(), Fault> {
        match self.sheaf.get(self.start as usize..self.end as usize) {
            None => Err(damaged()),
            Some([]) => Ok(()),
            Some(frame) => self.dictionary.decompress(frame, out),
        }
    }

    /// Bytes it takes compressed.
    pub fn stored_bytes(&self) -> usize {
        (self.end - self.start) as usize
    }
}

impl Record {
    /// About how many bytes of memory it takes, its share of the sheaf included.
    pub fn memory_bytes(&self) -> usize {
        let facts = &self.facts;
        let lists = 16 * facts.patients.len() + 24 * facts.tokens.len() + 24 * facts.dates.len();
        // The facts lie in the sheaf a second time, at about half the size.
        size_of::<Record>()
            + facts.id.as_str().len()
            + (lists + 8 * facts.references.len()) * 3 / 2
            + self.body.stored_bytes()
    }
}

/// The commit that adds new versions to a patient's partition: it expects the head it was decided upon, advances it,
/// and puts the sheaf, the place of each new id that the record does not derive itself (one already placed is a
/// conflict), where identifiers are found, and the entry of the log. `head` is `None` for a new partition; `facility` counts until one is stated.
/// Fails when the sheaf is too large to be stored or `new` is empty.
pub fn write(
    patient: PatientKey,
    head: Option<&Head>,
    facility: &str,
    new: &[(Facts, String)],
) -> Result<Commit, Fault> {
    let mut commit = rewrite(patient, head, facility, new)?;
    for (facts, _) in new.iter().filter(|(facts, _)| facts.version == 1 && !patient.derives(&facts.id)) {
        let key = keys::id(facts.resource_type, facts.id.as_str());
        commit.expect.push((key.clone(), None));
        commit.put.push((key, patient.0.to_be_bytes().to_vec()));
    }
    Ok(commit)
}

/// The same of versions that are there already and of which more is known: their ids have their places.
pub fn rewrite(
    patient: PatientKey,
    head: Option<&Head>,
    facility: &str,
    new: &[(Facts, String)],
) -> Result<Commit, Fault> {
    if new.is_empty() {
        return Err(Fault::Broken("a sheaf without records".into()));
    }
    let sheaf = encode(new)?;
    let number = head.map_or(0, |head| head.sheaves) + 1;
    let facility = head.map(|head| &*head.facility).filter(|stated| !stated.is_empty()).unwrap_or(facility).to_owned();
    let mut commit = Commit::default();
    commit.expect.push((keys::head(patient), head.map(Head::encode)));
    commit.put.push((keys::head(patient), Head { sheaves: number, facility }.encode()));
    for (part, bytes) in (0..).zip(sheaf.chunks(VALUE_BYTES_MAX)) {
        commit.put.push((keys::sheaf(patient, number, part), bytes.to_vec()));
    }
    for (facts, _) in new.iter().filter(|(facts, _)| is_found_by_identifier(facts.resource_type)) {
        let identifiers = facts.tokens.iter().filter(|token| token.parameter == Parameter::IDENTIFIER);
        for token in identifiers.take(IDENTIFIERS_MAX) {
            commit.put.push((keys::identifier(facts.resource_type, token.code, patient), Vec::new()));
        }
    }
    let tells_people = !patient.is_directory()
        && new.iter().any(|(facts, _)| matches!(facts.resource_type, ResourceType::PATIENT | ResourceType::COVERAGE));
    commit.log = Some(Logged { sheaves: vec![(patient, number)], letter: None, tells_people }.encode());
    Ok(commit)
}

/// Whether resources of a type are found by their identifiers in whichever partition they lie: who and where, and visits.
pub fn is_found_by_identifier(resource_type: ResourceType) -> bool {
    const TYPES: [&str; 16] = [
        "CareTeam",
        "Coverage",
        "Device",
        "Encounter",
        "Endpoint",
        "Group",
        "HealthcareService",
        "Location",
        "Medication",
        "Organization",
        "Patient",
        "Person",
        "Practitioner",
        "PractitionerRole",
        "RelatedPerson",
        "Specimen",
    ];
    TYPES.contains(&resource_type.name())
}

/// A sheaf from new versions.
pub fn encode(new: &[(Facts, String)]) -> Result<Vec<u8>, Fault> {
    let dictionary = Dictionary::Resource1;
    let mut bodies = Vec::with_capacity(new.iter().map(|(_, json)| json.len() / 3 + 64).sum());
    let mut facts = Encoder::default();
    for (its, json) in new {
        let start = bodies.len();
        if !json.is_empty() {
            dictionary.compress(json.as_bytes(), &mut bodies)?;
        }
        facts.push(its, bodies.len() - start);
    }
    let facts = facts.finish();
    let length = START + facts.len() + bodies.len();
    if length > PARTS_MAX * VALUE_BYTES_MAX || u32::try_from(length).is_err() {
        return Err(Fault::Broken("a sheaf is too large to be stored".into()));
    }
    let mut sheaf = Vec::with_capacity(length);
    sheaf.extend_from_slice(&[LAYOUT, dictionary as u8]);
    sheaf.extend_from_slice(&check(dictionary, &facts));
    sheaf.extend_from_slice(&(facts.len() as u32).to_be_bytes());
    sheaf.extend_from_slice(&facts);
    sheaf.extend_from_slice(&bodies);
    Ok(sheaf)
}

/// The records of a sheaf. A damaged sheaf is `Fault::Broken`; of the bodies only the lengths are looked at.
pub fn decode(sheaf: &Arc<[u8]>) -> Result<Vec<Record>, Fault> {
    let (start, rest) = sheaf.split_first_chunk::<START>().ok_or_else(damaged)?;
    let [LAYOUT, dictionary, middle @ ..] = start else { return Err(damaged()) };
    let dictionary = Dictionary::from_number(*dictionary).ok_or_else(damaged)?;
    let (expected, length) = middle.split_at(8);
    let length = length.iter().fold(0, |length, byte| length << 8 | usize::from(*byte));
    let (facts, bodies) = rest.split_at_checked(length).ok_or_else(damaged)?;
    if check(dictionary, facts) != *expected {
        return Err(damaged());
    }
    let mut facts = Decoder::new(facts)?;
    let mut records = Vec::with_capacity(facts.left());
    let mut end = sheaf.len() - bodies.len();
    while let Some((its, body_bytes)) = facts.read()? {
        let start = end;
        end = start.checked_add(body_bytes).filter(|end| *end <= sheaf.len()).ok_or_else(damaged)?;
        let place = |at: usize| u32::try_from(at).map_err(|_| damaged());
        let body = Body { sheaf: sheaf.clone(), start: place(start)?, end: place(end)?, dictionary };
        records.push(Record { facts: its, body });
    }
    if end == sheaf.len() { Ok(records) } else { Err(damaged()) }
}

fn check(dictionary: Dictionary, facts: &[u8]) -> [u8; 8] {
    let digest = Sha256::new_with_prefix([dictionary as u8]).chain_update(facts).finalize();
    let mut first = [0; 8];
    first.copy_from_slice(&digest[..8]);
    first
}

fn damaged() -> Fault {
    Fault::Broken("a stored sheaf or head is damaged".into())
}

impl fmt::Debug for Body {
    /// Never the content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Body({} bytes stored)", self.stored_bytes())
    }
}

/// Versions and letters for the tests of the store.
#[cfg(test)]
pub(crate) mod example {
    use crate::fhir::{FacilityCode, PatientKey, ResourceId, ResourceType};
    use crate::letter::{Letter, Source};
    use crate::search::facts::{DateFact, Facts, Labels, Parameter, Token, reference_hash, token_hash};

    /// A version of an Observation; its id is derived from `name`.
    pub(crate) fn version(home: PatientKey, name: &str, version: u32) -> (Facts, String) {
        let id = home.resource_id("Observation", name);
        let time = 1_795_000_000_000 + i64::from(version);
        let json =
            format!(r#"{{"resourceType":"Observation","id":"{}","meta":{{"versionId":"{version}"}}}}"#, id.as_str());
        let token = |parameter, system, code| Token { parameter, system: token_hash(system), code: token_hash(code) };
        let facts = Facts {
            resource_type: ResourceType::OBSERVATION,
            id: ResourceId::parse(id.as_str()).unwrap(),
            version,
            deleted: false,
            last_updated: time,
            occurred: time - 86_400_000,
            stated: Vec::new(),
            rank: 1,
            list: 0,
            origin: 0,
            labels: Labels::default(),
            content: u128::from(version) << 70 | 5,
            patients: vec![home],
            tokens: vec![
                token(Parameter::CODE, "http://loinc.org", name),
                token(Parameter::STATUS, "", "final"),
                token(Parameter::CATEGORY, "http://terminology.hl7.org/CodeSystem/observation-category", "laboratory"),
            ],
            dates: vec![DateFact { parameter: Parameter::DATE, start: time - 1000, end: time }],
            references: vec![reference_hash(ResourceType::PATIENT, home.patient_id().as_str())],
        };
        (facts, json)
    }

    /// A letter.
    pub(crate) fn letter(bytes: &str, name: &str) -> Letter {
        let source = Source { facility: FacilityCode::parse("0119999901"), zone_minutes: 540 };
        Letter { source: source.into(), name: name.into(), bytes: bytes.into() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::fault::Fault;
    use crate::store::{Partition, Store};

    const HOME: PatientKey = PatientKey(0x1234_5678_9abc_def0 << 64);

    /// What [`encode`] made when layout 2 was new.
    const GOLDEN: &str = concat!(
        "020105f5f0d84e4d6de70000008e000001a1ee565e0106c0e7510346c55f1edd56de4137951d9c2443630b4620165c68",
        "7180298ee07056512738161b2a79131d8ed915dd56c06f01123456789abcdef00000000000000000015f060100123456",
        "789abc8ef0976ae425230995340000000000000040000000000000000501000000ffefb2520100031c01021200032204",
        "050116b0e0b252d00f01063328b52ffd2463350100638205950a6fffe36a2bb343e6fc61637e2aa13f3fa679350304fc",
        "445f48eef5a04e5b58550608be06e7"
    );

    fn sheaf() -> (Vec<(Facts, String)>, Vec<u8>) {
        let mut new: Vec<_> = (0..5).map(|n| example::version(HOME, &format!("n{n}"), 1)).collect();
        new[3].0.deleted = true;
        new[3].1.clear();
        let bytes = encode(&new).unwrap();
        (new, bytes)
    }

    #[test]
    fn a_sheaf_comes_back() {
        let (new, bytes) = sheaf();
        let records = decode(&bytes.into()).unwrap();
        let back: Vec<_> = records.iter().map(|record| (record.facts.clone(), record.body.json().unwrap())).collect();
        assert_eq!(back, new);
        let mut out = b"[".to_vec();
        records[0].body.append_json(&mut out).unwrap();
        assert_eq!(out, format!("[{}", new[0].1).into_bytes());
    }

    #[test]
    fn a_sheaf_of_layout_2_can_still_be_read() {
        let new = [example::version(HOME, "golden", 1)];
        let byte = |at: usize| u8::from_str_radix(&GOLDEN[at..at + 2], 16).unwrap();
        let records = decode(&(0..GOLDEN.len()).step_by(2).map(byte).collect()).unwrap();
        assert_eq!((records[0].facts.clone(), records[0].body.json().unwrap()), new[0]);
    }

    #[test]
    fn no_damaged_byte_goes_unnoticed() {
        let (new, bytes) = sheaf();
        for at in 0..bytes.len() {
            assert!(decode(&bytes[..at].into()).is_err(), "cut at {at}");
            let mut bad = bytes.clone();
            bad[at] ^= 0x04;
            let noticed = match decode(&bad.into()) {
                Err(Fault::Broken(_)) => true,
                Err(_) => false,
                Ok(records) => records.iter().zip(&new).any(|(record, new)| record.body.json().as_ref() != Ok(&new.1)),
            };
            assert!(noticed, "byte {at}");
        }
        assert!(decode(&[bytes.as_slice(), &[0]].concat().into()).is_err());
    }

    #[test]
    fn a_large_sheaf_is_cut_and_joined() {
        let store = Store::open_memory();
        // Hexadecimal of hashes compresses to half at best.
        let noise =
            |n: usize| Sha256::digest(n.to_be_bytes()).iter().map(|byte| format!("{byte:02x}")).collect::<String>();
        let mut new = vec![example::version(HOME, "large", 1), example::version(HOME, "small", 1)];
        new[0].1 = (0..8000).map(noise).collect();
        let commit = Partition::empty(HOME).write(HOME, "f", &new).unwrap();
        let parts = commit.put.iter().filter(|(key, _)| keys::sheaf_of(key).is_some()).count();
        assert!(parts > 3 && commit.put.iter().all(|(_, value)| value.len() <= VALUE_BYTES_MAX));
        store.submit(commit).wait().unwrap();
        let more = store.partition(HOME).unwrap().write(HOME, "", &[example::version(HOME, "large", 2)]).unwrap();
        store.submit(more).wait().unwrap();
        let partition = store.partition(HOME).unwrap();
        assert_eq!(partition.head, Some(Head { sheaves: 2, facility: "f".into() }));
        assert_eq!(partition.records[0].body.json().unwrap(), new[0].1);
        assert_eq!(partition.records.len(), 3);
        assert_eq!(store.partition_after(HOME, 1).unwrap().records.len(), 1);
        assert_eq!(store.partition_after(HOME, 2).unwrap().records.len(), 0);
    }

    #[test]
    fn heads_come_back() {
        let head = Head { sheaves: u64::MAX, facility: "北病院".into() };
        assert_eq!(Head::decode(&head.encode()), Ok(head.clone()));
        assert!((0..9).all(|end| Head::decode(&head.encode()[..end]).is_err()));
        assert!(write(HOME, None, "f", &[]).is_err(), "nothing to write");
    }
}
