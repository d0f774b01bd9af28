//! Which search parameters each type has, by their official R4 names, and the elements they read
//! (searchparameter-registry.html).

use std::sync::LazyLock;

use crate::fhir::ResourceType;

use super::facts::Parameter;

/// One parameter of a type.
#[derive(Debug)]
pub struct Definition {
    /// The official names; the first is the preferred one. None: kept as a fact (for consent's periods), not searchable.
    pub names: &'static [&'static str],
    /// Under which its values are kept.
    pub parameter: Parameter,
    /// What its values are.
    pub kind: Kind,
    /// The elements it reads, from the resource downwards; arrays are gone through.
    pub elements: &'static [&'static str],
}

/// What a parameter's values are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Code, Coding, CodeableConcept, Identifier or boolean; with the system that an element of type `code` implies.
    Token(&'static str),
    /// date, dateTime, instant, Period or Timing.
    Date,
    /// Reference; the types it may point to.
    Reference(&'static [&'static str]),
}

impl Kind {
    /// FHIR SearchParamType code.
    pub fn code(&self) -> &'static str {
        match self {
            Kind::Token(_) => "token",
            Kind::Date => "date",
            Kind::Reference(_) => "reference",
        }
    }
}

/// The definition behind a name, and whether only references to Patients count (`patient` where `subject` may be
/// anything).
pub fn find(resource_type: ResourceType, name: &str) -> Option<(&'static Definition, bool)> {
    let found = of(resource_type).iter().find(|definition| definition.names.contains(&name))?;
    Some((found, name == "patient"))
}

const fn token(names: &'static [&'static str], parameter: Parameter, elements: &'static [&'static str]) -> Definition {
    Definition { names, parameter, kind: Kind::Token(""), elements }
}

const fn code(
    name: &'static [&'static str],
    parameter: Parameter,
    system: &'static str,
    elements: &'static [&'static str],
) -> Definition {
    Definition { names: name, parameter, kind: Kind::Token(system), elements }
}

const fn date(names: &'static [&'static str], parameter: Parameter, elements: &'static [&'static str]) -> Definition {
    Definition { names, parameter, kind: Kind::Date, elements }
}

const fn reference(
    names: &'static [&'static str],
    parameter: Parameter,
    targets: &'static [&'static str],
    elements: &'static [&'static str],
) -> Definition {
    Definition { names, parameter, kind: Kind::Reference(targets), elements }
}

const IDENTIFIER: Definition = token(&["identifier"], Parameter::IDENTIFIER, &["identifier"]);
const SUBJECT: Definition = reference(
    &["subject", "patient"],
    Parameter::PATIENT,
    &["Patient", "Group", "Device", "Location", "Substance", "Practitioner", "Organization"],
    &["subject"],
);
const PATIENT: Definition = reference(&["patient"], Parameter::PATIENT, &["Patient", "Group"], &["patient"]);
const ENCOUNTER: Definition =
    reference(&["encounter"], Parameter::ENCOUNTER, &["Encounter", "EpisodeOfCare"], &["encounter"]);
const CODE: Definition = token(&["code"], Parameter::CODE, &["code"]);
const CATEGORY: Definition = token(&["category"], Parameter::CATEGORY, &["category"]);
const TYPE: Definition = token(&["type"], Parameter::TYPE, &["type"]);
const CLINICAL_STATUS: Definition = token(&["clinical-status"], Parameter::CLINICAL_STATUS, &["clinicalStatus"]);
const VERIFICATION_STATUS: Definition =
    token(&["verification-status"], Parameter::VERIFICATION_STATUS, &["verificationStatus"]);
const ACTIVE: Definition = token(&["active"], Parameter::ACTIVE, &["active"]);
const GENDER: Definition =
    code(&["gender"], Parameter::GENDER, "http://hl7.org/fhir/administrative-gender", &["gender"]);
const SPECIMEN_OF: Definition = reference(&["specimen"], Parameter::SPECIMEN, &["Specimen"], &["specimen"]);
const BASED_ON: Definition = reference(
    &["based-on"],
    Parameter::BASED_ON,
    &[
        "CarePlan",
        "DeviceRequest",
        "ImmunizationRecommendation",
        "MedicationRequest",
        "NutritionOrder",
        "ServiceRequest",
    ],
    &["basedOn"],
);

const fn status(system: &'static str) -> Definition {
    code(&["status"], Parameter::STATUS, system, &["status"])
}

const fn intent(system: &'static str) -> Definition {
    code(&["intent"], Parameter::INTENT, system, &["intent"])
}

static PATIENT_TYPE: [Definition; 4] =
    [IDENTIFIER, ACTIVE, GENDER, date(&["birthdate"], Parameter::BIRTHDATE, &["birthDate"])];
static COVERAGE: [Definition; 5] = [
    IDENTIFIER,
    reference(&["beneficiary", "patient"], Parameter::PATIENT, &["Patient"], &["beneficiary"]),
    status("http://hl7.org/fhir/fm-status"),
    TYPE,
    date(&[], Parameter::DATE, &["period"]),
];
static PRACTITIONER: [Definition; 3] = [IDENTIFIER, ACTIVE, GENDER];
static ORGANIZATION: [Definition; 3] = [IDENTIFIER, ACTIVE, TYPE];
static RELATED_PERSON: [Definition; 3] = [IDENTIFIER, PATIENT, ACTIVE];
static ENCOUNTER_TYPE: [Definition; 6] = [
    IDENTIFIER,
    SUBJECT,
    status("http://hl7.org/fhir/encounter-status"),
    token(&["class"], Parameter::CLASS, &["class"]),
    TYPE,
    date(&["date"], Parameter::DATE, &["period"]),
];
static ALLERGY_INTOLERANCE: [Definition; 8] = [
    IDENTIFIER,
    PATIENT,
    CLINICAL_STATUS,
    VERIFICATION_STATUS,
    code(&["category"], Parameter::CATEGORY, "http://hl7.org/fhir/allergy-intolerance-category", &["category"]),
    token(&["code"], Parameter::CODE, &["code", "reaction.substance"]),
    date(&["date"], Parameter::RECORDED_DATE, &["recordedDate"]),
    date(&["onset"], Parameter::DATE, &["reaction.onset"]),
];
static CONDITION: [Definition; 9] = [
    IDENTIFIER,
    SUBJECT,
    ENCOUNTER,
    CLINICAL_STATUS,
    VERIFICATION_STATUS,
    CATEGORY,
    CODE,
    date(&["onset-date"], Parameter::DATE, &["onsetDateTime", "onsetPeriod"]),
    date(&["recorded-date"], Parameter::RECORDED_DATE, &["recordedDate"]),
];
static MEDICATION_REQUEST: [Definition; 9] = [
    IDENTIFIER,
    SUBJECT,
    ENCOUNTER,
    status("http://hl7.org/fhir/CodeSystem/medicationrequest-status"),
    intent("http://hl7.org/fhir/CodeSystem/medicationrequest-intent"),
    CATEGORY,
    token(&["code"], Parameter::CODE, &["medicationCodeableConcept"]),
    date(&["authoredon"], Parameter::AUTHORED, &["authoredOn"]),
    date(&["date"], Parameter::OCCURRENCE, &["dosageInstruction.timing.event"]),
];
static SERVICE_REQUEST: [Definition; 11] = [
    IDENTIFIER,
    SUBJECT,
    ENCOUNTER,
    status("http://hl7.org/fhir/request-status"),
    intent("http://hl7.org/fhir/request-intent"),
    CATEGORY,
    CODE,
    SPECIMEN_OF,
    BASED_ON,
    date(&["occurrence"], Parameter::DATE, &["occurrenceDateTime", "occurrencePeriod", "occurrenceTiming"]),
    date(&["authored"], Parameter::AUTHORED, &["authoredOn"]),
];
static SPECIMEN: [Definition; 5] = [
    IDENTIFIER,
    SUBJECT,
    status("http://hl7.org/fhir/specimen-status"),
    TYPE,
    date(&["collected"], Parameter::DATE, &["collection.collectedDateTime", "collection.collectedPeriod"]),
];
static DIAGNOSTIC_REPORT: [Definition; 11] = [
    IDENTIFIER,
    SUBJECT,
    ENCOUNTER,
    status("http://hl7.org/fhir/diagnostic-report-status"),
    CATEGORY,
    CODE,
    SPECIMEN_OF,
    BASED_ON,
    reference(&["result"], Parameter::RESULT, &["Observation"], &["result"]),
    date(&["date"], Parameter::DATE, &["effectiveDateTime", "effectivePeriod"]),
    date(&["issued"], Parameter::ISSUED, &["issued"]),
];
static OBSERVATION: [Definition; 10] = [
    IDENTIFIER,
    SUBJECT,
    ENCOUNTER,
    status("http://hl7.org/fhir/observation-status"),
    CATEGORY,
    CODE,
    SPECIMEN_OF,
    BASED_ON,
    date(&["date"], Parameter::DATE, &["effectiveDateTime", "effectivePeriod", "effectiveInstant", "effectiveTiming"]),
    date(&[], Parameter::ISSUED, &["issued"]),
];
static PROVENANCE: [Definition; 4] = [
    reference(&["patient"], Parameter::PATIENT, &["Patient"], &["target"]),
    reference(&["target"], Parameter::TARGET, &[], &["target"]),
    date(&["recorded"], Parameter::RECORDED_DATE, &["recorded"]),
    date(&["when"], Parameter::DATE, &["occurredDateTime", "occurredPeriod"]),
];
static BUNDLE: [Definition; 3] = [
    IDENTIFIER,
    code(&["type"], Parameter::TYPE, "http://hl7.org/fhir/bundle-type", &["type"]),
    date(&["timestamp"], Parameter::DATE, &["timestamp"]),
];
static COMPOSITION: [Definition; 8] = [
    IDENTIFIER,
    SUBJECT,
    ENCOUNTER,
    status("http://hl7.org/fhir/composition-status"),
    CATEGORY,
    TYPE,
    date(&["date"], Parameter::DATE, &["date"]),
    date(&["period"], Parameter::PERIOD, &["event.period"]),
];
static CONSENT: [Definition; 6] = [
    IDENTIFIER,
    PATIENT,
    status("http://hl7.org/fhir/consent-state-codes"),
    CATEGORY,
    date(&["date"], Parameter::DATE, &["dateTime"]),
    date(&["period"], Parameter::PERIOD, &["provision.period"]),
];
static DOCUMENT_REFERENCE: [Definition; 8] = [
    token(&["identifier"], Parameter::IDENTIFIER, &["masterIdentifier", "identifier"]),
    SUBJECT,
    reference(&["encounter"], Parameter::ENCOUNTER, &["Encounter", "EpisodeOfCare"], &["context.encounter"]),
    status("http://hl7.org/fhir/document-reference-status"),
    CATEGORY,
    TYPE,
    date(&["date"], Parameter::DATE, &["date"]),
    date(&["period"], Parameter::PERIOD, &["context.period"]),
];
static APPOINTMENT: [Definition; 5] = [
    IDENTIFIER,
    reference(&["patient"], Parameter::PATIENT, &["Patient"], &["participant.actor"]),
    status("http://hl7.org/fhir/appointmentstatus"),
    reference(&["based-on"], Parameter::BASED_ON, &["ServiceRequest"], &["basedOn"]),
    date(&["date"], Parameter::DATE, &["start"]),
];
static PROCEDURE: [Definition; 7] = [
    IDENTIFIER,
    SUBJECT,
    ENCOUNTER,
    status("http://hl7.org/fhir/event-status"),
    CATEGORY,
    CODE,
    date(&["date"], Parameter::DATE, &["performedDateTime", "performedPeriod"]),
];
static IMMUNIZATION: [Definition; 5] = [
    IDENTIFIER,
    PATIENT,
    status("http://hl7.org/fhir/event-status"),
    token(&["vaccine-code"], Parameter::CODE, &["vaccineCode"]),
    date(&["date"], Parameter::DATE, &["occurrenceDateTime"]),
];
static CARE_PLAN: [Definition; 7] = [
    IDENTIFIER,
    SUBJECT,
    ENCOUNTER,
    status("http://hl7.org/fhir/request-status"),
    intent("http://hl7.org/fhir/request-intent"),
    CATEGORY,
    date(&["date"], Parameter::DATE, &["period"]),
];
static FAMILY_MEMBER_HISTORY: [Definition; 5] = [
    IDENTIFIER,
    PATIENT,
    status("http://hl7.org/fhir/history-status"),
    token(&["code"], Parameter::CODE, &["condition.code"]),
    date(&["date"], Parameter::DATE, &["date"]),
];
/// Of every other type: what most have, read where it is there.
/// Types that name no patient and are found by their number alone.
static NUMBERED: [Definition; 1] = [IDENTIFIER];
/// The audit record, which the journal answers for.
static AUDIT_EVENT: [Definition; 1] = [reference(&["patient"], Parameter::PATIENT, &["Patient"], &[])];
static OTHER: [Definition; 8] = [
    IDENTIFIER,
    reference(&["patient"], Parameter::PATIENT, &["Patient"], &["subject", "patient", "beneficiary", "individual"]),
    token(&[], Parameter::STATUS, &["status"]),
    token(&[], Parameter::CATEGORY, &["category"]),
    token(&[], Parameter::CODE, &["code", "medicationCodeableConcept"]),
    reference(&[], Parameter::ENCOUNTER, &["Encounter"], &["encounter", "context"]),
    date(
        &[],
        Parameter::DATE,
        &[
            "effectiveDateTime",
            "effectivePeriod",
            "performedDateTime",
            "performedPeriod",
            "occurrenceDateTime",
            "period",
            "date",
            "started",
        ],
    ),
    date(&[], Parameter::AUTHORED, &["authored", "authoredOn", "created", "dateAsserted", "whenHandedOver"]),
];

/// The types that are served: those of patients' records, and the directory.
const TYPES: [&str; 40] = [
    "AllergyIntolerance",
    "Appointment",
    "AuditEvent",
    "Binary",
    "Bundle",
    "CarePlan",
    "CareTeam",
    "ClinicalImpression",
    "Communication",
    "Composition",
    "Condition",
    "Consent",
    "Coverage",
    "Device",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "FamilyMemberHistory",
    "Goal",
    "ImagingStudy",
    "Immunization",
    "Location",
    "Medication",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationRequest",
    "MedicationStatement",
    "NutritionOrder",
    "Observation",
    "Organization",
    "Patient",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "QuestionnaireResponse",
    "RelatedPerson",
    "ServiceRequest",
    "Specimen",
    "Task",
];

/// The types that are served.
pub fn types() -> impl Iterator<Item = ResourceType> {
    TYPES.iter().filter_map(|name| ResourceType::parse(name))
}

/// Whether a type is served.
pub fn is_served(resource_type: ResourceType) -> bool {
    static SERVED: LazyLock<[bool; 256]> = LazyLock::new(|| {
        let mut served = [false; 256];
        types().for_each(|resource_type| served[usize::from(resource_type.number())] = true);
        served
    });
    SERVED[usize::from(resource_type.number())]
}

/// The parameters of a type, beside `_id` and `_lastUpdated` which every type has.
pub fn of(resource_type: ResourceType) -> &'static [Definition] {
    match resource_type.name() {
        "AllergyIntolerance" => &ALLERGY_INTOLERANCE,
        "AuditEvent" => &AUDIT_EVENT,
        "Bundle" => &BUNDLE,
        "Appointment" => &APPOINTMENT,
        // Bytes: found by the DocumentReference that they belong to.
        "Binary" => &[],
        "CarePlan" => &CARE_PLAN,
        "Composition" => &COMPOSITION,
        "Condition" => &CONDITION,
        "Consent" => &CONSENT,
        "Coverage" => &COVERAGE,
        "DiagnosticReport" => &DIAGNOSTIC_REPORT,
        "DocumentReference" => &DOCUMENT_REFERENCE,
        "Encounter" => &ENCOUNTER_TYPE,
        "FamilyMemberHistory" => &FAMILY_MEMBER_HISTORY,
        "Immunization" => &IMMUNIZATION,
        "Location" | "Medication" | "PractitionerRole" => &NUMBERED,
        "MedicationRequest" => &MEDICATION_REQUEST,
        "Observation" => &OBSERVATION,
        "Organization" => &ORGANIZATION,
        "Patient" => &PATIENT_TYPE,
        "Practitioner" => &PRACTITIONER,
        "Procedure" => &PROCEDURE,
        "Provenance" => &PROVENANCE,
        "RelatedPerson" => &RELATED_PERSON,
        "ServiceRequest" => &SERVICE_REQUEST,
        "Specimen" => &SPECIMEN,
        _ => &OTHER,
    }
}
