//! Ids: deterministic and opaque (design decision 8), and the keys they are made from.

use std::fmt;

use uuid::Uuid;

use super::ResourceType;

/// The namespace of every id this program derives.
const NAMESPACE: Uuid = Uuid::from_u128(0x7a50_5b1e_9c1d_5b0a_8f3e_7461_7375_6b69);

/// A FHIR logical id: 1 to 64 of `A-Z a-z 0-9 - .` (datatypes.html#id).
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceId(Box<str>);

/// The facility whose patient numbers a sender uses: a 10-digit 医療機関コード where it has one, otherwise any name.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct FacilityCode(Box<str>);

/// The Patient record: one facility's record of one person. The first part of every key that belongs to it.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct PatientKey(pub u128);

/// Parts of the directory for one type.
const SHARDS: u8 = 16;
/// What the keys of those parts begin with; no patient's key is that small, because a UUID states its version further up.
const DIRECTORY_SHARDS: u128 = 1 << 32;
const DIRECTORY_LAST: u128 = DIRECTORY_SHARDS | 0xffff;
/// The part that is not cut off by a hash.
const BUILT_IN: u8 = 0xff;

/// The bits of a UUID's first half that are not its version, and version 8 in their place.
const HIGH_FREE: u64 = !0xf000;
const HIGH_VERSION: u64 = 0x8000;
/// The bits of its second half that are not its variant, and the variant of RFC 9562.
const LOW_FREE: u64 = u64::MAX >> 2;
const LOW_VARIANT: u64 = 1 << 63;

impl ResourceId {
    /// The id, when the text is one.
    pub fn parse(text: &str) -> Option<Self> {
        let valid =
            (1..=64).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.');
        valid.then(|| ResourceId(text.into()))
    }

    /// The id as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// What all ids that one record derives begin with; `None` for an id that somebody chose.
    pub fn record_tag(&self) -> Option<u64> {
        let uuid = (self.0.len() == 36).then(|| Uuid::try_parse(&self.0).ok()).flatten()?.as_u128();
        let (high, low) = ((uuid >> 64) as u64, uuid as u64);
        (high & !HIGH_FREE == HIGH_VERSION && low & !LOW_FREE == LOW_VARIANT).then_some(high)
    }

    /// Whether it has the shape of a derived id, of whatever record.
    pub fn is_derived(&self) -> bool {
        self.record_tag().is_some()
    }

    /// The id of something of the directory that a public list names by a number of its own: the same in every gateway. `kind`
    /// is a resource type, `number` what the list tells it apart by.
    pub fn listed(kind: &str, number: &str) -> Self {
        ResourceId::from_uuid(derive(&["directory", kind, number]))
    }

    /// A UUID as an id.
    pub fn from_uuid(uuid: Uuid) -> Self {
        ResourceId(uuid.hyphenated().to_string().into())
    }
}

impl FacilityCode {
    /// Not stated by configuration: taken from the message itself.
    pub fn unstated() -> Self {
        FacilityCode("".into())
    }

    /// Whether it is [`FacilityCode::unstated`].
    pub fn is_unstated(&self) -> bool {
        self.0.is_empty()
    }

    /// Takes any text; white space around it is dropped.
    pub fn parse(text: &str) -> Self {
        FacilityCode(text.trim().into())
    }

    /// The code as text.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether it is a 10-digit 医療機関コード: prefecture 01 to 47, 点数表 one digit, seven digits
    /// (JP Core 1.2.0 invariant jp-inv-local-patientid).
    pub fn is_insurance_institution(&self) -> bool {
        let bytes = self.0.as_bytes();
        bytes.len() == 10
            && bytes.iter().all(u8::is_ascii_digit)
            && (1..=47).contains(&self.0[..2].parse::<u8>().unwrap_or(0))
    }

    /// The system of this facility's patient numbers: the JP Core OID for a 10-digit code
    /// (`1.2.392.100495.20.3.51.1` + code), an OID under 2.25 derived from the name otherwise (ITU-T X.667).
    pub fn patient_number_system(&self) -> String {
        self.number_system("1.2.392.100495.20.3.51.1", "patient-number")
    }

    /// The system of this facility's staff numbers (JP Core OID 1.2.392.100495.20.3.41.1 + code).
    pub fn staff_number_system(&self) -> String {
        self.number_system("1.2.392.100495.20.3.41.1", "staff-number")
    }

    /// A system for this facility's own codes or numbers of some kind, which have no OID of their own.
    pub fn local_system(&self, kind: &str) -> String {
        let uuid = derive(&[self.as_str(), "system", kind]);
        format!("urn:oid:2.25.{}", uuid.as_u128())
    }

    fn number_system(&self, arc: &str, kind: &str) -> String {
        if self.is_insurance_institution() {
            format!("urn:oid:{arc}{}", self.as_str())
        } else {
            self.local_system(kind)
        }
    }
}

impl PatientKey {
    /// The directory as a whole, where something is said of no certain part of it.
    pub const DIRECTORY: PatientKey = PatientKey(1);

    /// Into how many parts the resources of one type are cut, at most.
    pub const DIRECTORY_PARTS: usize = SHARDS as usize + 1;

    /// Where something lies that belongs to no patient: the directory is cut by type and id, so that writers of different
    /// things do not wait for each other, and none is too large to be made anew after a write.
    pub fn directory(resource_type: ResourceType, id: &ResourceId) -> Self {
        let shard = id.as_str().bytes().fold(0_u8, |sum, byte| sum.wrapping_mul(31).wrapping_add(byte)) % SHARDS;
        PatientKey(DIRECTORY_SHARDS | u128::from(resource_type.number()) << 8 | u128::from(shard))
    }

    /// Every part in which resources of a type may lie.
    pub fn parts_of(resource_type: ResourceType) -> impl Iterator<Item = PatientKey> {
        let first = DIRECTORY_SHARDS | u128::from(resource_type.number()) << 8;
        (0..SHARDS).map(move |shard| PatientKey(first | u128::from(shard)))
    }

    /// The part of the directory in which definitions lie that are part of the program. Nothing is stored there.
    pub fn built_in(resource_type: ResourceType) -> Self {
        PatientKey(DIRECTORY_SHARDS | u128::from(resource_type.number()) << 8 | u128::from(BUILT_IN))
    }

    /// Whether it is such a part.
    pub fn is_built_in(self) -> bool {
        self.is_directory() && self.0 & 0xff == u128::from(BUILT_IN) && self != PatientKey::DIRECTORY
    }

    /// Whether it is a part of the directory, and no patient's record.
    pub fn is_directory(self) -> bool {
        self.0 != 0 && self.0 <= DIRECTORY_LAST
    }

    /// The type of what lies in a part of the directory; `None` for a patient's record.
    pub fn directory_type(self) -> Option<ResourceType> {
        match self {
            PatientKey::DIRECTORY => None,
            key if key.is_directory() => ResourceType::from_number((key.0 >> 8) as u8),
            _ => None,
        }
    }

    /// The record of the Patient with this logical id. An id that [`PatientKey::derive`] made is the key itself; behind
    /// one that somebody chose stands a key derived from it.
    pub fn of_id(id: &str) -> Self {
        let derived = id.len() == 36 && id.as_bytes()[14] == b'5' && !id.bytes().any(|b| b.is_ascii_uppercase());
        let own = derived.then(|| Self::from_patient_id(id)).flatten().filter(|key| key.0 > DIRECTORY_LAST);
        own.unwrap_or_else(|| PatientKey(derive(&["Patient", "chosen", id]).as_u128()))
    }

    /// The key of a new record that no facility's number stands for; `chance` must never come twice.
    pub fn fresh(chance: Uuid) -> Self {
        PatientKey(derive(&["Patient", "fresh", &chance.simple().to_string()]).as_u128())
    }

    /// The key of the record a facility keeps under a patient number.
    pub fn derive(facility: &FacilityCode, patient_number: &str) -> Self {
        PatientKey(derive(&[facility.as_str(), patient_number, "Patient"]).as_u128())
    }

    /// The logical id of the record's Patient resource.
    pub fn patient_id(self) -> ResourceId {
        ResourceId::from_uuid(Uuid::from_u128(self.0))
    }

    /// The key behind a Patient's logical id, when it is one that [`PatientKey::derive`] made.
    pub fn from_patient_id(id: &str) -> Option<Self> {
        (id.len() == 36).then(|| Uuid::try_parse(id).ok()).flatten().map(|uuid| PatientKey(uuid.as_u128()))
    }

    /// The id of something in this record: `kind` is a resource type, `business_key` what the sender tells it apart by.
    /// The same input gives the same id in every gateway.
    ///
    /// A UUID of version 8 (RFC 9562 section 5.8): its first 60 free bits are those of the record, so that a resource
    /// is found without an index; the last 62 are derived from kind and business key.
    pub fn resource_id(self, kind: &str, business_key: &str) -> ResourceId {
        let record = format!("{:032x}", self.0);
        let own = derive(&[&record, kind, business_key]).as_u128() & u128::from(LOW_FREE);
        ResourceId::from_uuid(Uuid::from_u128(u128::from(self.tag()) << 64 | u128::from(LOW_VARIANT) | own))
    }

    /// Whether an id is one that [`PatientKey::resource_id`] makes for this record, or its Patient's.
    pub fn derives(self, id: &ResourceId) -> bool {
        id.record_tag() == Some(self.tag()) || Self::from_patient_id(id.as_str()) == Some(self)
    }

    /// The smallest and the largest key of the records that an id can be derived from; `None` when it is not derived.
    pub fn range_of(id: &ResourceId) -> Option<(PatientKey, PatientKey)> {
        let tag = id.record_tag()?;
        // The version digit of the record's own key is not known.
        let least = u128::from(tag & HIGH_FREE) << 64;
        Some((PatientKey(least), PatientKey(least | u128::from(!HIGH_FREE) << 64 | u128::from(u64::MAX))))
    }

    /// The first half of every id of this record.
    fn tag(self) -> u64 {
        (self.0 >> 64) as u64 & HIGH_FREE | HIGH_VERSION
    }

    /// `Patient/id`.
    pub fn reference(self) -> String {
        format!("Patient/{}", self.patient_id().as_str())
    }
}

fn derive(parts: &[&str]) -> Uuid {
    let mut name = String::with_capacity(64);
    for part in parts {
        name.push_str(part);
        name.push('\u{1f}');
    }
    Uuid::new_v5(&NAMESPACE, name.as_bytes())
}

impl fmt::Debug for ResourceId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for PatientKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:032x}", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ids_are_stable_and_hide_the_number() {
        let facility = FacilityCode::parse("0119999901");
        let key = PatientKey::derive(&facility, "0000000001");
        assert_eq!(key, PatientKey::derive(&facility, "0000000001"));
        assert_ne!(key, PatientKey::derive(&facility, "0000000002"));
        assert_eq!(PatientKey::from_patient_id(key.patient_id().as_str()), Some(key));
        assert!(!key.patient_id().as_str().contains("0000000001"));
        assert!(key.derives(&key.patient_id()));
    }

    #[test]
    fn an_id_says_which_records_it_can_belong_to() {
        let key = |number: u32| PatientKey::derive(&FacilityCode::parse("0119999901"), &number.to_string());
        for number in 0..1000 {
            let record = key(number);
            let id = record.resource_id("Observation", "1");
            let (least, most) = PatientKey::range_of(&id).unwrap();
            assert!(least <= record && record <= most && record.derives(&id) && id.is_derived());
            assert!(!key(number + 1).derives(&id));
            assert_ne!(id, record.resource_id("Observation", "2"));
            assert_ne!(id, record.resource_id("Condition", "1"));
        }
        for chosen in ["consent-1", "00000000-0000-4000-8000-000000000000"] {
            assert!(!ResourceId::parse(chosen).unwrap().is_derived());
        }
    }

    #[test]
    fn a_facility_without_a_code_still_has_systems() {
        let coded = FacilityCode::parse("0119999901");
        assert_eq!(coded.patient_number_system(), "urn:oid:1.2.392.100495.20.3.51.10119999901");
        let named = FacilityCode::parse("SEND");
        assert!(named.patient_number_system().starts_with("urn:oid:2.25."));
        assert_ne!(named.patient_number_system(), named.staff_number_system());
    }
}
