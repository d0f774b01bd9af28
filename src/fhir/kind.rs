//! The resource types of FHIR R4 4.0.1 (resourcelist.html), as one byte.

/// A resource type.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct ResourceType(u8);

/// Every R4 resource type, in order of the alphabet; the position is the stored number and must not change.
const NAMES: [&str; 146] = [
    "Account",
    "ActivityDefinition",
    "AdverseEvent",
    "AllergyIntolerance",
    "Appointment",
    "AppointmentResponse",
    "AuditEvent",
    "Basic",
    "Binary",
    "BiologicallyDerivedProduct",
    "BodyStructure",
    "Bundle",
    "CapabilityStatement",
    "CarePlan",
    "CareTeam",
    "CatalogEntry",
    "ChargeItem",
    "ChargeItemDefinition",
    "Claim",
    "ClaimResponse",
    "ClinicalImpression",
    "CodeSystem",
    "Communication",
    "CommunicationRequest",
    "CompartmentDefinition",
    "Composition",
    "ConceptMap",
    "Condition",
    "Consent",
    "Contract",
    "Coverage",
    "CoverageEligibilityRequest",
    "CoverageEligibilityResponse",
    "DetectedIssue",
    "Device",
    "DeviceDefinition",
    "DeviceMetric",
    "DeviceRequest",
    "DeviceUseStatement",
    "DiagnosticReport",
    "DocumentManifest",
    "DocumentReference",
    "EffectEvidenceSynthesis",
    "Encounter",
    "Endpoint",
    "EnrollmentRequest",
    "EnrollmentResponse",
    "EpisodeOfCare",
    "EventDefinition",
    "Evidence",
    "EvidenceVariable",
    "ExampleScenario",
    "ExplanationOfBenefit",
    "FamilyMemberHistory",
    "Flag",
    "Goal",
    "GraphDefinition",
    "Group",
    "GuidanceResponse",
    "HealthcareService",
    "ImagingStudy",
    "Immunization",
    "ImmunizationEvaluation",
    "ImmunizationRecommendation",
    "ImplementationGuide",
    "InsurancePlan",
    "Invoice",
    "Library",
    "Linkage",
    "List",
    "Location",
    "Measure",
    "MeasureReport",
    "Media",
    "Medication",
    "MedicationAdministration",
    "MedicationDispense",
    "MedicationKnowledge",
    "MedicationRequest",
    "MedicationStatement",
    "MedicinalProduct",
    "MedicinalProductAuthorization",
    "MedicinalProductContraindication",
    "MedicinalProductIndication",
    "MedicinalProductIngredient",
    "MedicinalProductInteraction",
    "MedicinalProductManufactured",
    "MedicinalProductPackaged",
    "MedicinalProductPharmaceutical",
    "MedicinalProductUndesirableEffect",
    "MessageDefinition",
    "MessageHeader",
    "MolecularSequence",
    "NamingSystem",
    "NutritionOrder",
    "Observation",
    "ObservationDefinition",
    "OperationDefinition",
    "OperationOutcome",
    "Organization",
    "OrganizationAffiliation",
    "Parameters",
    "Patient",
    "PaymentNotice",
    "PaymentReconciliation",
    "Person",
    "PlanDefinition",
    "Practitioner",
    "PractitionerRole",
    "Procedure",
    "Provenance",
    "Questionnaire",
    "QuestionnaireResponse",
    "RelatedPerson",
    "RequestGroup",
    "ResearchDefinition",
    "ResearchElementDefinition",
    "ResearchStudy",
    "ResearchSubject",
    "RiskAssessment",
    "RiskEvidenceSynthesis",
    "Schedule",
    "SearchParameter",
    "ServiceRequest",
    "Slot",
    "Specimen",
    "SpecimenDefinition",
    "StructureDefinition",
    "StructureMap",
    "Subscription",
    "Substance",
    "SubstanceNucleicAcid",
    "SubstancePolymer",
    "SubstanceProtein",
    "SubstanceReferenceInformation",
    "SubstanceSourceMaterial",
    "SubstanceSpecification",
    "SupplyDelivery",
    "SupplyRequest",
    "Task",
    "TerminologyCapabilities",
    "TestReport",
    "TestScript",
    "ValueSet",
    "VerificationResult",
    "VisionPrescription",
];

impl ResourceType {
    /// AllergyIntolerance.
    pub const ACCOUNT: Self = ResourceType(0);
    /// AllergyIntolerance
    pub const ALLERGY_INTOLERANCE: Self = ResourceType(3);
    /// Appointment.
    pub const APPOINTMENT: Self = ResourceType(4);
    /// AuditEvent.
    pub const AUDIT_EVENT: Self = ResourceType(6);
    /// Binary.
    pub const BINARY: Self = ResourceType(8);
    /// Bundle.
    pub const BUNDLE: Self = ResourceType(11);
    /// CarePlan.
    pub const CARE_PLAN: Self = ResourceType(13);
    /// CareTeam.
    pub const CARE_TEAM: Self = ResourceType(14);
    /// CodeSystem.
    pub const CODE_SYSTEM: Self = ResourceType(21);
    /// Communication.
    pub const COMMUNICATION: Self = ResourceType(22);
    /// Composition.
    pub const COMPOSITION: Self = ResourceType(25);
    /// ConceptMap.
    pub const CONCEPT_MAP: Self = ResourceType(26);
    /// Condition.
    pub const CONDITION: Self = ResourceType(27);
    /// Consent.
    pub const CONSENT: Self = ResourceType(28);
    /// Coverage.
    pub const COVERAGE: Self = ResourceType(30);
    /// Device.
    pub const DEVICE: Self = ResourceType(34);
    /// DeviceRequest.
    pub const DEVICE_REQUEST: Self = ResourceType(37);
    /// DeviceUseStatement.
    pub const DEVICE_USE_STATEMENT: Self = ResourceType(38);
    /// DiagnosticReport.
    pub const DIAGNOSTIC_REPORT: Self = ResourceType(39);
    /// DocumentReference.
    pub const DOCUMENT_REFERENCE: Self = ResourceType(41);
    /// Encounter.
    pub const ENCOUNTER: Self = ResourceType(43);
    /// Endpoint.
    pub const ENDPOINT: Self = ResourceType(44);
    /// FamilyMemberHistory.
    pub const FAMILY_MEMBER_HISTORY: Self = ResourceType(53);
    /// Goal.
    pub const GOAL: Self = ResourceType(55);
    /// Group.
    pub const GROUP: Self = ResourceType(57);
    /// HealthcareService.
    pub const HEALTHCARE_SERVICE: Self = ResourceType(59);
    /// ImagingStudy.
    pub const IMAGING_STUDY: Self = ResourceType(60);
    /// Immunization.
    pub const IMMUNIZATION: Self = ResourceType(61);
    /// Location.
    pub const LOCATION: Self = ResourceType(70);
    /// Media.
    pub const MEDIA: Self = ResourceType(73);
    /// MedicationAdministration.
    pub const MEDICATION_ADMINISTRATION: Self = ResourceType(75);
    /// MedicationDispense.
    pub const MEDICATION_DISPENSE: Self = ResourceType(76);
    /// MedicationRequest.
    pub const MEDICATION_REQUEST: Self = ResourceType(78);
    /// MedicationStatement.
    pub const MEDICATION_STATEMENT: Self = ResourceType(79);
    /// NamingSystem.
    pub const NAMING_SYSTEM: Self = ResourceType(93);
    /// NutritionOrder.
    pub const NUTRITION_ORDER: Self = ResourceType(94);
    /// Observation.
    pub const OBSERVATION: Self = ResourceType(95);
    /// OperationOutcome.
    pub const OPERATION_OUTCOME: Self = ResourceType(98);
    /// Organization.
    pub const ORGANIZATION: Self = ResourceType(99);
    /// Patient.
    pub const PATIENT: Self = ResourceType(102);
    /// Practitioner.
    pub const PRACTITIONER: Self = ResourceType(107);
    /// PractitionerRole.
    pub const PRACTITIONER_ROLE: Self = ResourceType(108);
    /// Procedure.
    pub const PROCEDURE: Self = ResourceType(109);
    /// Provenance.
    pub const PROVENANCE: Self = ResourceType(110);
    /// Questionnaire.
    pub const QUESTIONNAIRE: Self = ResourceType(111);
    /// QuestionnaireResponse.
    pub const QUESTIONNAIRE_RESPONSE: Self = ResourceType(112);
    /// RelatedPerson.
    pub const RELATED_PERSON: Self = ResourceType(113);
    /// SearchParameter.
    pub const SEARCH_PARAMETER: Self = ResourceType(122);
    /// ServiceRequest.
    pub const SERVICE_REQUEST: Self = ResourceType(123);
    /// Specimen.
    pub const SPECIMEN: Self = ResourceType(125);
    /// StructureDefinition.
    pub const STRUCTURE_DEFINITION: Self = ResourceType(127);
    /// ValueSet.
    pub const VALUE_SET: Self = ResourceType(143);
    /// The type of that name.
    pub fn parse(name: &str) -> Option<Self> {
        NAMES.binary_search(&name).ok().map(|at| ResourceType(at as u8))
    }

    /// The type's name.
    pub fn name(self) -> &'static str {
        NAMES[self.0 as usize]
    }

    /// The number under which records store it.
    pub fn number(self) -> u8 {
        self.0
    }

    /// The type behind a stored number.
    pub fn from_number(number: u8) -> Option<Self> {
        ((number as usize) < NAMES.len()).then_some(ResourceType(number))
    }
}

impl std::fmt::Debug for ResourceType {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_sorted_and_constants_name_themselves() {
        assert!(NAMES.is_sorted());
        assert_eq!(ResourceType::parse("Patient"), Some(ResourceType::PATIENT));
        assert_eq!(ResourceType::OBSERVATION.name(), "Observation");
        assert_eq!(ResourceType::SERVICE_REQUEST.name(), "ServiceRequest");
        for (constant, name) in [
            (ResourceType::APPOINTMENT, "Appointment"),
            (ResourceType::BINARY, "Binary"),
            (ResourceType::CODE_SYSTEM, "CodeSystem"),
            (ResourceType::CONCEPT_MAP, "ConceptMap"),
            (ResourceType::SEARCH_PARAMETER, "SearchParameter"),
            (ResourceType::STRUCTURE_DEFINITION, "StructureDefinition"),
            (ResourceType::VALUE_SET, "ValueSet"),
            (ResourceType::CARE_TEAM, "CareTeam"),
            (ResourceType::NAMING_SYSTEM, "NamingSystem"),
            (ResourceType::HEALTHCARE_SERVICE, "HealthcareService"),
            (ResourceType::GROUP, "Group"),
            (ResourceType::ENDPOINT, "Endpoint"),
            (ResourceType::COMMUNICATION, "Communication"),
            (ResourceType::DEVICE, "Device"),
            (ResourceType::DEVICE_REQUEST, "DeviceRequest"),
            (ResourceType::DEVICE_USE_STATEMENT, "DeviceUseStatement"),
            (ResourceType::FAMILY_MEMBER_HISTORY, "FamilyMemberHistory"),
            (ResourceType::GOAL, "Goal"),
            (ResourceType::IMAGING_STUDY, "ImagingStudy"),
            (ResourceType::IMMUNIZATION, "Immunization"),
            (ResourceType::LOCATION, "Location"),
            (ResourceType::MEDIA, "Media"),
            (ResourceType::MEDICATION_ADMINISTRATION, "MedicationAdministration"),
            (ResourceType::MEDICATION_DISPENSE, "MedicationDispense"),
            (ResourceType::MEDICATION_STATEMENT, "MedicationStatement"),
            (ResourceType::PRACTITIONER_ROLE, "PractitionerRole"),
            (ResourceType::QUESTIONNAIRE, "Questionnaire"),
            (ResourceType::QUESTIONNAIRE_RESPONSE, "QuestionnaireResponse"),
            (ResourceType::PROCEDURE, "Procedure"),
        ] {
            assert_eq!(constant.name(), name);
        }
        assert_eq!(ResourceType::IMAGING_STUDY.name(), "ImagingStudy");
        assert_eq!(ResourceType::PRACTITIONER_ROLE.name(), "PractitionerRole");
        assert_eq!(ResourceType::PROCEDURE.name(), "Procedure");
        assert_eq!(ResourceType::parse("Nothing"), None);
    }
}
