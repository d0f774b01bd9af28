//! What a message wants to be different in a patient's record, and what a mapper may know about it beforehand.

use serde_json::{Map, Value};

use crate::fault::Place;
use crate::fhir::{Draft, FacilityCode, PatientKey, ResourceId, ResourceType};

/// What mapping a message gave.
#[derive(Clone, Debug)]
pub struct Mapped {
    /// Whose record it is about.
    pub patient: PatientKey,
    /// The facility that keeps that record; unstated for what belongs to no facility.
    pub facility: FacilityCode,
    /// The sender's order that the message states as a whole (SS-MIX2: data kind, 診療日 and オーダNo of the file): what it
    /// stated before and does not state now is gone.
    pub origin: Option<String>,
    /// The changes, in the order of the message; the Patient first, the Provenance last.
    pub changes: Vec<Change>,
    /// Codes that no concept map knows, in the order of the message.
    pub local_codes: Vec<LocalCode>,
    /// What the message says about other records (a merge is about two patients); committed together with this one.
    pub others: Vec<Mapped>,
}

/// A code of the sender's own that no concept map knows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct LocalCode {
    /// The code system, a URI derived from the sender's.
    pub system: String,
    /// The code.
    pub code: String,
    /// What the sender says it means.
    pub display: String,
    /// What the sender calls the code system.
    pub table: String,
    /// Where it stands.
    pub place: Place,
}

/// One change to a record. All changes of a message are committed together or not at all.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// This is now the whole of the resource.
    Put(Draft),
    /// This states the resource where nothing better is known: it replaces only what was stated as weakly (PID in a
    /// message that is not about the patient's master data).
    PutWeak(Draft),
    /// What is stated here replaces, what is not stated stays. `drop` names members to be taken away; one dot at most.
    /// What is stated of `link` is added to the links that are there. A draft without a time holds whatever was said
    /// before or after it (two records are one person's): it adds members that are not there, replaces `active` alone,
    /// and leaves the time of the resource as it is.
    Merge {
        /// The stated part.
        draft: Draft,
        /// Members to take away.
        drop: Vec<&'static str>,
    },
    /// The resource is gone (condition flag 0; order control CA).
    Delete {
        /// Its type.
        resource_type: ResourceType,
        /// Its id.
        id: ResourceId,
        /// The business time of the deletion, milliseconds since 1970.
        occurred: Option<i64>,
    },
    /// The message was the whole of a list: members of the list that it did not put become inactive.
    WholeList(List),
}

impl Change {
    /// The business time of what it says, milliseconds since 1970.
    pub fn occurred(&self) -> Option<i64> {
        match self {
            Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. } => draft.occurred,
            Change::Delete { occurred, .. } => *occurred,
            Change::WholeList(_) => None,
        }
    }
}

/// A list that is always sent whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum List {
    /// 病名 (PPR-01): Conditions.
    Problems,
    /// アレルギー (ADT-61): AllergyIntolerances.
    Allergies,
}

/// What is known of a record before a message about it is mapped.
#[derive(Clone, Debug, Default)]
pub struct Known {
    /// The Patient.
    pub patient: Option<Stored>,
    /// The visits.
    pub encounters: Vec<KnownEncounter>,
    /// The documents.
    pub documents: Vec<KnownDocument>,
}

/// A document already on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownDocument {
    /// The id of its DocumentReference.
    pub id: ResourceId,
    /// The ids of the Binaries that hold it.
    pub binaries: Vec<ResourceId>,
}

/// A resource on record.
#[derive(Clone, Debug, PartialEq)]
pub struct Stored {
    /// Its id.
    pub id: ResourceId,
    /// The business time of what it says, milliseconds since 1970; `i64::MIN` when not stated.
    pub occurred: i64,
    /// Its members.
    pub body: Map<String, Value>,
}

impl Known {
    /// The document of that id.
    pub fn document(&self, id: &ResourceId) -> Option<&KnownDocument> {
        self.documents.iter().find(|document| document.id == *id)
    }
}

/// A visit already on record, and the messages that told it.
#[derive(Clone, Debug, PartialEq)]
pub struct KnownEncounter {
    /// The Encounter.
    pub stored: Stored,
    /// What its Provenances say happened to it, in no order.
    pub told: Vec<Told>,
}

/// Something that happened to a visit, as the Provenance of the message says it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Told {
    /// The trigger event (HL7 table 0003).
    pub event: String,
    /// The business time of the message, milliseconds since 1970.
    pub sent: i64,
    /// When it happened, a FHIR dateTime; empty when not told.
    pub when: String,
}
