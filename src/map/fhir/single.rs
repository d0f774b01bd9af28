//! A received resource that comes alone: an Organization of the directory, a Consent, a clinical resource of a record.

use serde_json::Value;

use crate::fault::{Issue, Noted, Place};
use crate::fhir::entry::business_key;
use crate::fhir::json::Members;
use crate::fhir::reference::{self, Literal};
use crate::fhir::time::Interval;
use crate::fhir::{Draft, PatientKey, ResourceId, ResourceType};
use crate::map::{Change, Mapped};

use super::{Context, provenance, text};
use super::{NO_ID, NOT_SUPPORTED, OTHER_FACILITY, PATIENT_TWO, PATIENT_UNKNOWN};

/// Types that are taken alone, each with the element that names its patient (R4 patient compartment).
const OF_A_PATIENT: [(&str, &str); 24] = [
    ("AllergyIntolerance", "patient"),
    ("CarePlan", "subject"),
    ("CareTeam", "subject"),
    ("ClinicalImpression", "subject"),
    ("Composition", "subject"),
    ("Condition", "subject"),
    ("Consent", "patient"),
    ("Coverage", "beneficiary"),
    ("DiagnosticReport", "subject"),
    ("DocumentReference", "subject"),
    ("Encounter", "subject"),
    ("FamilyMemberHistory", "patient"),
    ("Goal", "subject"),
    ("ImagingStudy", "subject"),
    ("Immunization", "patient"),
    ("MedicationAdministration", "subject"),
    ("MedicationDispense", "subject"),
    ("MedicationRequest", "subject"),
    ("MedicationStatement", "subject"),
    ("Observation", "subject"),
    ("Procedure", "subject"),
    ("QuestionnaireResponse", "subject"),
    ("ServiceRequest", "subject"),
    ("Specimen", "subject"),
];

/// An Organization: what the network office registers belongs to no patient.
pub(super) fn organization(resource: &Value, raw: &Members<'_>, context: Context<'_>) -> Result<Noted<Mapped>, Issue> {
    let id = id(resource, ResourceType::ORGANIZATION, PatientKey::DIRECTORY)?;
    let part = PatientKey::directory(ResourceType::ORGANIZATION, &id);
    let draft = Draft::received(ResourceType::ORGANIZATION, id, raw, |_, _| None);
    Ok(Noted::clean(with_provenance(part, draft, resource, context)))
}

/// A resource of a patient whose record is named by reference or by the hospital's number.
pub(super) fn of_patient(
    resource_type: ResourceType,
    resource: &Value,
    raw: &Members<'_>,
    context: Context<'_>,
) -> Result<Noted<Mapped>, Issue> {
    let found = OF_A_PATIENT.iter().find(|(name, _)| *name == resource_type.name());
    let Some((_, element)) = found else {
        return Err(Issue::with(&NOT_SUPPORTED, Place::Whole, resource_type.name()));
    };
    let path = || Place::Path(format!("{}.{element}", resource_type.name()).into());
    let (record, reference_missing) = record(resource, element, resource_type, context, &path)?;
    let id = id(resource, resource_type, record)?;
    let completed;
    let mut members = Members(raw.0.clone());
    if reference_missing {
        completed = text::with_reference(raw.get(element).unwrap_or_default(), &record.reference());
        for (name, value) in &mut members.0 {
            if name == element {
                *value = &completed;
            }
        }
    }
    let mut draft = Draft::received(resource_type, id, &members, |_, _| None);
    draft.occurred = occurred(resource, resource_type, context.source.zone_minutes);
    Ok(Noted::clean(with_provenance(record, draft, resource, context)))
}

/// The record that `element` names, and whether it does so by identifier alone.
fn record(
    resource: &Value,
    element: &str,
    resource_type: ResourceType,
    context: Context<'_>,
    path: &dyn Fn() -> Place,
) -> Result<(PatientKey, bool), Issue> {
    let unknown = || Issue::new(&PATIENT_UNKNOWN, path());
    let patient = resource.get(element).ok_or_else(unknown)?;
    let number = patient.get("identifier").and_then(reference::hospital_number);
    let stated = &context.source.facility;
    if let Some((facility, _)) = &number {
        // A consent may be registered by another house than the one that gave the number, a finding may not.
        if resource_type != ResourceType::CONSENT && !stated.is_unstated() && facility != stated {
            return Err(Issue::with(&OTHER_FACILITY, path(), facility.as_str()));
        }
    }
    let numbered = number.map(|(facility, number)| PatientKey::derive(&facility, number));
    match patient.get("reference") {
        None => numbered.map(|record| (record, true)).ok_or_else(unknown),
        Some(literal) => {
            let referred = match Literal::parse(literal.as_str().unwrap_or_default()) {
                Literal::Relative(ResourceType::PATIENT, id) => reference::own_patient(id),
                _ => None,
            };
            let record = referred.ok_or_else(unknown)?;
            match numbered {
                Some(other) if other != record => Err(Issue::new(&PATIENT_TWO, path())),
                _ => Ok((record, false)),
            }
        }
    }
}

/// The id as given for what the network office keeps; one derived from the sender's identifier for all else, because
/// two senders may choose the same.
fn id(resource: &Value, resource_type: ResourceType, record: PatientKey) -> Result<ResourceId, Issue> {
    let chosen = matches!(resource_type, ResourceType::CONSENT | ResourceType::ORGANIZATION);
    match resource.get("id").filter(|_| chosen) {
        None => Ok(record.resource_id(resource_type.name(), &business_key(resource, ""))),
        Some(id) => {
            let parsed = id.as_str().and_then(ResourceId::parse);
            parsed.ok_or_else(|| Issue::new(&NO_ID, Place::Path(format!("{}.id", resource_type.name()).into())))
        }
    }
}

/// The business time. A Consent has none, so that the last one sent always counts: a revocation must not be lost to
/// a `meta.lastUpdated` that somebody's editor left behind.
fn occurred(resource: &Value, resource_type: ResourceType, zone_minutes: i16) -> Option<i64> {
    if resource_type == ResourceType::CONSENT {
        return None;
    }
    let stated = resource.get("meta")?.get("lastUpdated")?.as_str()?;
    Interval::parse(stated, zone_minutes).map(|interval| interval.start)
}

fn with_provenance(record: PatientKey, draft: Draft, resource: &Value, context: Context<'_>) -> Mapped {
    let recorded = resource.get("meta").and_then(|meta| meta.get("lastUpdated")).and_then(Value::as_str);
    let targets = [draft.reference()];
    let facility = context.source.facility.as_str();
    let mut provenance = provenance::of(record, facility, &targets, recorded.unwrap_or_default(), context);
    provenance.occurred = draft.occurred;
    let changes = vec![Change::Put(draft), Change::Put(provenance)];
    Mapped {
        patient: record,
        facility: context.source.facility.clone(),
        origin: None,
        changes,
        local_codes: Vec::new(),
        others: Vec::new(),
    }
}
