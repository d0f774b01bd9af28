//! Object identifiers of code and identifier systems to the URIs FHIR R4 (terminologies-systems.html,
//! identifier-registry.html) and JP Core give them. What has no URI keeps `urn:oid:`.

use std::borrow::Cow;

use crate::fhir::oid::url_of;

const V3: &str = "2.16.840.1.113883.5.";
const V2: &str = "2.16.840.1.113883.12.";

/// The URI of a code system.
pub(super) fn code_system(oid: &str) -> Cow<'static, str> {
    if let Some(uri) = international(oid).or_else(|| url_of(oid)) {
        return Cow::Borrowed(uri);
    }
    if let Some(name) = oid.strip_prefix(V3).and_then(v3_name) {
        return Cow::Owned(format!("http://terminology.hl7.org/CodeSystem/v3-{name}"));
    }
    if let Some(table) = oid.strip_prefix(V2).and_then(|number| number.parse::<u16>().ok()) {
        return Cow::Owned(format!("http://terminology.hl7.org/CodeSystem/v2-{table:04}"));
    }
    Cow::Owned(format!("urn:oid:{oid}"))
}

/// The URI of a system of identifiers.
pub(super) fn identifier_system(oid: &str) -> Cow<'static, str> {
    let known = match oid {
        "2.16.840.1.113883.4.1" => Some("http://hl7.org/fhir/sid/us-ssn"),
        "2.16.840.1.113883.4.6" => Some("http://hl7.org/fhir/sid/us-npi"),
        "2.16.840.1.113883.4.572" => Some("http://hl7.org/fhir/sid/us-medicare"),
        "2.16.840.1.113883.4.927" => Some("http://hl7.org/fhir/sid/us-mbi"),
        _ => url_of(oid),
    };
    known.map_or_else(|| Cow::Owned(format!("urn:oid:{oid}")), Cow::Borrowed)
}

/// Whether the text is an object identifier.
pub(super) fn is_oid(text: &str) -> bool {
    let parts = || text.split('.');
    text.contains('.') && parts().all(|part| !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit()))
}

/// Code systems of other organisations than HL7.
fn international(oid: &str) -> Option<&'static str> {
    Some(match oid {
        "2.16.840.1.113883.6.1" => "http://loinc.org",
        "2.16.840.1.113883.6.96" => "http://snomed.info/sct",
        "2.16.840.1.113883.6.8" => "http://unitsofmeasure.org",
        "2.16.840.1.113883.6.88" => "http://www.nlm.nih.gov/research/umls/rxnorm",
        "2.16.840.1.113883.6.3" => "http://hl7.org/fhir/sid/icd-10",
        "2.16.840.1.113883.6.90" => "http://hl7.org/fhir/sid/icd-10-cm",
        "2.16.840.1.113883.6.4" => "http://www.cms.gov/Medicare/Coding/ICD10",
        "2.16.840.1.113883.6.103" | "2.16.840.1.113883.6.104" => "http://hl7.org/fhir/sid/icd-9-cm",
        "2.16.840.1.113883.6.12" => "http://www.ama-assn.org/go/cpt",
        "2.16.840.1.113883.6.285" => "https://www.cms.gov/Medicare/Coding/HCPCSReleaseCodeSets",
        "2.16.840.1.113883.6.13" => "http://www.ada.org/cdt",
        "2.16.840.1.113883.12.292" | "2.16.840.1.113883.6.59" => "http://hl7.org/fhir/sid/cvx",
        "2.16.840.1.113883.12.227" => "http://hl7.org/fhir/sid/mvx",
        "2.16.840.1.113883.6.69" => "http://hl7.org/fhir/sid/ndc",
        "2.16.840.1.113883.4.9" => "http://fdasis.nlm.nih.gov",
        "2.16.840.1.113883.3.26.1.1" => "http://ncicb.nci.nih.gov/xml/owl/EVS/Thesaurus.owl",
        "2.16.840.1.113883.3.26.1.5" => "http://hl7.org/fhir/ndfrt",
        "2.16.840.1.113883.6.101" => "http://nucc.org/provider-taxonomy",
        "2.16.840.1.113883.6.73" => "http://www.whocc.no/atc",
        "2.16.840.1.113883.6.254" => "http://hl7.org/fhir/sid/icf-nl",
        "2.16.840.1.113883.6.24" => "urn:iso:std:iso:11073:10101",
        "2.16.840.1.113883.6.121" => "urn:ietf:bcp:47",
        "2.16.840.1.113883.6.281" => "http://www.genenames.org",
        "2.16.840.1.113883.6.301.11" => "https://www.nubc.org/CodeSystem/PatDischargeStatus",
        "2.16.840.1.113883.3.221.5" => "https://nahdo.org/sopt",
        "1.2.840.10008.2.16.4" | "1.2.840.10008.2.6.1" => "http://dicom.nema.org/resources/ontology/DCM",
        "1.0.3166.1.2.2" => "urn:iso:std:iso:3166",
        _ => return None,
    })
}

/// The HL7 v3 code systems under 2.16.840.1.113883.5 that documents use, as FHIR R4 publishes them.
fn v3_name(number: &str) -> Option<&'static str> {
    Some(match number {
        "1" => "AdministrativeGender",
        "2" => "MaritalStatus",
        "4" => "ActCode",
        "6" => "ActClass",
        "7" => "ActPriority",
        "8" => "ActReason",
        "14" => "ActStatus",
        "25" => "Confidentiality",
        "37" => "EncounterAdmissionSource",
        "40" => "EncounterSpecialCourtesy",
        "41" => "EntityClass",
        "43" => "EntityNamePartQualifier",
        "45" => "EntityNameUse",
        "46" => "EntityRisk",
        "50" => "Ethnicity",
        "60" => "LanguageAbilityMode",
        "61" => "LanguageAbilityProficiency",
        "63" => "LivingArrangement",
        "83" => "ObservationInterpretation",
        "84" => "ObservationMethod",
        "85" => "orderableDrugForm",
        "88" => "ParticipationFunction",
        "89" => "ParticipationSignature",
        "90" => "ParticipationType",
        "91" => "PaymentTerms",
        "93" => "PersonDisabilityType",
        "104" => "Race",
        "110" => "RoleClass",
        "111" => "RoleCode",
        "112" => "RouteOfAdministration",
        "129" => "SpecimenType",
        "139" => "TimingEvent",
        "140" => "TribalEntityUS",
        "144" => "VaccineManufacturer",
        "1001" => "ActMood",
        "1002" => "ActRelationshipType",
        "1008" => "NullFlavor",
        "1052" => "ActSite",
        "1060" => "EntityCode",
        "1063" => "ObservationValue",
        "1064" => "ParticipationMode",
        "1070" => "substanceAdminSubstitution",
        "1071" => "SubstitutionCondition",
        "1075" => "PatientImportance",
        "1076" => "ReligiousAffiliation",
        "1077" => "EducationLevel",
        "1119" => "AddressUse",
        "1138" => "ActUSPrivacyLaw",
        "1139" => "WorkClassificationODH",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn published_uris_replace_object_identifiers() {
        let cases = [
            ("2.16.840.1.113883.6.1", "http://loinc.org"),
            ("2.16.840.1.113883.5.83", "http://terminology.hl7.org/CodeSystem/v3-ObservationInterpretation"),
            ("2.16.840.1.113883.12.112", "http://terminology.hl7.org/CodeSystem/v2-0112"),
            ("2.16.840.1.113883.12.292", "http://hl7.org/fhir/sid/cvx"),
            ("1.2.392.200119.4.504", "http://medis.or.jp/CodeSystem/master-JLAC10-17digits"),
            ("1.2.392.200250.2.2.20.20", "http://jami.jp/CodeSystem/MedicationUsage"),
            ("2.16.840.1.113883.6.238", "urn:oid:2.16.840.1.113883.6.238"),
        ];
        for (oid, uri) in cases {
            assert_eq!(code_system(oid), uri, "{oid}");
        }
        assert_eq!(identifier_system("2.16.840.1.113883.4.6"), "http://hl7.org/fhir/sid/us-npi");
        assert_eq!(identifier_system("1.2.392.100495.20.3.81"), crate::fhir::system::RP_NUMBER);
        assert!(is_oid("1.2.3") && !is_oid("1..2") && !is_oid("12") && !is_oid("1.a"));
    }
}
