//! What a message wants to be different in a patient's record, and what a mapper may know about it beforehand.

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
    /// What is stated here replaces, what is not stated stays (ADT events tell a visit in parts). `drop` names members
    /// to be taken away, `period.end` for a cancelled discharge; one dot at most.
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

/// A visit already on record.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct KnownEncounter {
    /// Its id.
    pub id: ResourceId,
    /// Whether it is an inpatient stay (class IMP).
    pub inpatient: bool,
    /// First millisecond of its period; `i64::MIN` when not stated.
    pub start: i64,
    /// Whether its end is stated.
    pub ended: bool,
    /// First millisecond of its end when stated.
    pub end: Option<i64>,
    /// Whether it is cancelled or entered in error.
    pub void: bool,
}

impl Known {
    /// The document of that id.
    pub fn document(&self, id: &ResourceId) -> Option<&KnownDocument> {
        self.documents.iter().find(|document| document.id == *id)
    }

    /// The inpatient stay that an event at `at` without an admission date belongs to: the latest that began by then,
    /// open ones first.
    pub fn stay_at(&self, at: i64) -> Option<&KnownEncounter> {
        let begun = || self.encounters.iter().filter(move |e| e.inpatient && !e.void && e.start <= at);
        begun().filter(|e| !e.ended).max_by_key(|e| e.start).or_else(|| begun().max_by_key(|e| e.start))
    }
}
