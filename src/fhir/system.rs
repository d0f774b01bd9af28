//! The URIs of identifier and code systems, and of extensions, in the spelling of JP Core 1.2.0 and JP-CLINS 1.10.0.

/// 保険医療機関番号, 10 digits.
pub const INSTITUTION_NUMBER: &str = "http://jpfhir.jp/fhir/core/IdSystem/insurance-medical-institution-no";
/// A resource's own number in the sending system.
pub const RESOURCE_INSTANCE: &str = "http://jpfhir.jp/fhir/core/IdSystem/resourceInstance-identifier";
/// 被保険者識別子 `insurer:symbol:number:branch`.
pub const INSURANCE_MEMBER: &str = "http://jpfhir.jp/fhir/clins/Idsystem/JP_Insurance_memberID";
/// 介護保険 `insurer:number` (保険者番号, 6 digits, and 被保険者番号, 10 digits or H and 9), for which no Japanese guide has a system.
pub const CARE_INSURED: &str = "https://tasuki.example/fhir/NamingSystem/care-insured";
/// 介護保険事業所番号, 10 digits, for which no Japanese guide has a system.
pub const CARE_OFFICE: &str = "https://tasuki.example/fhir/NamingSystem/care-office-number";
/// 法人番号, 13 digits, for which no Japanese guide has a system.
pub const CORPORATE_NUMBER: &str = "https://tasuki.example/fhir/NamingSystem/corporate-number";
/// JP-CLINS Bundle identifier.
pub const CLINS_BUNDLE: &str = "http://jpfhir.jp/fhir/clins/bundle-identifier";
/// JP-CLINS handling flags in `meta.tag`: LTS, UNINFORMED, UNDELIVERED.
pub const CLINS_INDICATION: &str = "http://jpfhir.jp/fhir/clins/CodeSystem/JP_ehrshrs_indication";
/// 保険者番号.
pub const INSURER_NUMBER: &str = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/InsurerNumber";
/// Rp 番号.
pub const RP_NUMBER: &str = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/Medication-RPGroupNumber";
/// Order of a drug inside its Rp.
pub const ORDER_IN_RP: &str = "http://jpfhir.jp/fhir/core/mhlw/IdSystem/MedicationAdministrationIndex";
/// 処方箋番号.
pub const PRESCRIPTION: &str = "urn:oid:1.2.392.100495.20.3.11";
/// Kanji, kana or roman spelling of a name: IDE, SYL, ABC.
pub const NAME_REPRESENTATION: &str = "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation";
/// Why an element has no value.
pub const DATA_ABSENT_REASON: &str = "http://hl7.org/fhir/StructureDefinition/data-absent-reason";
/// HL7 v2 trigger events.
pub const V2_0003: &str = "http://terminology.hl7.org/CodeSystem/v2-0003";
/// HL7 v2 identifier types.
pub const V2_0203: &str = "http://terminology.hl7.org/CodeSystem/v2-0203";
/// Encounter class and other acts.
pub const V3_ACT_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-ActCode";
/// How someone takes part.
pub const V3_PARTICIPATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ParticipationType";
/// Who somebody is to the patient.
pub const V3_ROLE_CODE: &str = "http://terminology.hl7.org/CodeSystem/v3-RoleCode";
/// Interpretation of a result.
pub const V3_INTERPRETATION: &str = "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation";
/// UCUM.
pub const UCUM: &str = "http://unitsofmeasure.org";
/// JP Core's own categories of observations.
pub const JP_OBSERVATION_CATEGORY: &str = "http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS";
/// SS-MIX2 departments (診療科).
pub const DEPARTMENT: &str = "http://jami.jp/SS-MIX2/CodeSystem/ClinicalDepartment";
/// Base of JP Core extensions.
pub const JP_EXTENSION: &str = "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/";
