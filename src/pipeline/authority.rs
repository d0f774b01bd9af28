//! What a sender may state: a facility its own patients' records, and nothing that the network's office keeps. By whichever
//! door a letter comes, and whenever it is read again, this is asked of what it was mapped to.

use crate::decode::format::{Format, sniff};
use crate::fault::{Issue, Place, rules};
use crate::fhir::ResourceType;
use crate::letter::Letter;
use crate::map::{Change, Mapped};

rules! {
    OFFICE_ONLY "office-only" Error Forbidden
        "Consents and the directory are registered by the network's office, not by a facility."
        "同意と組織の登録は地域連携ネットワークの事務局が行うもので、医療機関からは受け付けません。"
    BUNDLES_ONLY "bundles-only" Error NotSupported
        "FHIR from a facility is taken as a Bundle with its Patient, which says whose record it is about."
        "医療機関からのFHIRは、対象患者のPatientを含むBundleで送ってください。"
}

/// Why a letter may not state this. One whose sender is no facility was handed in by the operator or by the office, who may.
/// A resource that comes alone may name a record by its id, and that record may be another facility's.
pub(super) fn overstepped(letter: &Letter, mapped: &Mapped) -> Option<Issue> {
    if letter.source.facility.is_unstated() {
        return None;
    }
    let is_office_s = of_office(mapped) || mapped.others.iter().any(of_office);
    let is_fhir = matches!(sniff(&letter.name, &letter.bytes), Some(Format::FhirJson | Format::FhirXml));
    match (is_office_s, is_fhir && !states(mapped, ResourceType::BUNDLE)) {
        (true, _) => Some(Issue::new(&OFFICE_ONLY, Place::Whole)),
        (false, true) => Some(Issue::new(&BUNDLES_ONLY, Place::Whole)),
        (false, false) => None,
    }
}

/// The directory, or a Consent that comes alone.
fn of_office(mapped: &Mapped) -> bool {
    mapped.patient.is_directory() || is_consent_alone(mapped)
}

fn is_consent_alone(mapped: &Mapped) -> bool {
    states(mapped, ResourceType::CONSENT)
        && mapped.changes.iter().all(|change| {
            [ResourceType::CONSENT, ResourceType::PROVENANCE].iter().any(|wanted| is_put_of(change, *wanted))
        })
}

fn states(mapped: &Mapped, wanted: ResourceType) -> bool {
    mapped.changes.iter().any(|change| is_put_of(change, wanted))
}

fn is_put_of(change: &Change, wanted: ResourceType) -> bool {
    matches!(change, Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. } if draft.resource_type == wanted)
}
