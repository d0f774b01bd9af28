//! Object identifiers and URLs that name the same code or identifier system, and the one of the two that is written.

/// OID and URL, by OID. Japan: the lists of systems and the NamingSystems of JP Core 1.2.0, which writes the URL and
/// tolerates the OID; where two OIDs have one URL, the first one listed under it is the answer of [`oid_of`]. Others:
/// terminologies-systems.html of R4.
const SYSTEMS: [(&str, &str); 63] = [
    ("1.2.392.100495.10.3.100.5.11.5.2", "http://jpfhir.jp/fhir/core/CodeSystem/JP_Microbiology_AntiMicrobialDrug_CS"),
    ("1.2.392.100495.10.3.100.5.27.6.1", "http://jpfhir.jp/fhir/core/CodeSystem/JP_Microbiology_InfectiousAgent_CS"),
    ("1.2.392.100495.20.1.81", "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationGeneralOrderCode"),
    ("1.2.392.100495.20.2.101", "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationUnitMERIT9Code"),
    ("1.2.392.100495.20.2.21", "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationForm"),
    ("1.2.392.100495.20.2.22", "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationIngredientStrengthStrengthType"),
    ("1.2.392.100495.20.2.34", "http://jpfhir.jp/fhir/core/CodeSystem/route-codes"),
    ("1.2.392.100495.20.2.41", "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationSubstitutionProhibittedCategory"),
    ("1.2.392.100495.20.2.42", "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/RequestCheckRemainingMedicine"),
    ("1.2.392.100495.20.2.51", "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationRequestDepartment"),
    ("1.2.392.100495.20.2.61", "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/InsuranceMajorCategory"),
    ("1.2.392.100495.20.2.62", "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/InsuredPersonCategory"),
    ("1.2.392.100495.20.2.63", "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationInsuredPersonClass"),
    ("1.2.392.100495.20.2.73", "http://capstandard.jp/iyaku.info/CodeSystem/YJ-code"),
    ("1.2.392.100495.20.2.74", "http://medis.or.jp/CodeSystem/master-HOT9"),
    ("1.2.392.100495.20.2.81", "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationGeneralOrderCode"),
    ("1.2.392.100495.20.3.21", "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/PrefectureNo-2digits"),
    ("1.2.392.100495.20.3.22", "http://jpfhir.jp/fhir/core/mhlw/CodeSystem/MedicationFeeScoreType"),
    ("1.2.392.100495.20.3.23", "http://jpfhir.jp/fhir/core/mhlw/IdSystem/MedicalOrganizationID"),
    ("1.2.392.100495.20.3.31", "http://jpfhir.jp/fhir/core/mhlw/IdSystem/medicalRegistrationNumber"),
    ("1.2.392.100495.20.3.61", "http://jpfhir.jp/fhir/core/mhlw/IdSystem/InsurerNumber"),
    ("1.2.392.100495.20.3.62", "http://jpfhir.jp/fhir/core/mhlw/IdSystem/InsuredPersonSymbol"),
    ("1.2.392.100495.20.3.63", "http://jpfhir.jp/fhir/core/mhlw/IdSystem/InsuredPersonNumber"),
    ("1.2.392.100495.20.3.71", "http://jpfhir.jp/fhir/core/mhlw/IdSystem/PublicPayerNumber"),
    ("1.2.392.100495.20.3.72", "http://jpfhir.jp/fhir/core/mhlw/IdSystem/PublicInsuredPersonNumber"),
    ("1.2.392.100495.20.3.81", "http://jpfhir.jp/fhir/core/mhlw/IdSystem/Medication-RPGroupNumber"),
    ("1.2.392.100495.20.3.82", "http://jpfhir.jp/fhir/core/mhlw/IdSystem/MedicationAdministrationIndex"),
    ("1.2.392.200119.4.101.2", "http://medis.or.jp/CodeSystem/master-disease-keyNumber"),
    ("1.2.392.200119.4.101.6", "http://medis.or.jp/CodeSystem/master-disease-exCode"),
    ("1.2.392.200119.4.201.2", "http://medis.or.jp/CodeSystem/master-disease-modKeyNumber"),
    ("1.2.392.200119.4.201.5", "http://medis.or.jp/CodeSystem/master-disease-modExCode"),
    ("1.2.392.200119.4.402.1", "http://medis.or.jp/CodeSystem/master-HOT13"),
    ("1.2.392.200119.4.403.1", "http://medis.or.jp/CodeSystem/master-HOT9"),
    ("1.2.392.200119.4.403.2", "http://medis.or.jp/CodeSystem/master-HOT7"),
    ("1.2.392.200119.4.504", "http://medis.or.jp/CodeSystem/master-JLAC10-17digits"),
    ("1.2.392.200119.4.704", "http://medis.or.jp/CodeSystem/master-nursingAction-16digits"),
    ("1.2.392.200119.4.804", "http://medis.or.jp/CodeSystem/master-nursingObservationKeyCode"),
    ("1.2.392.200250.2.2.2", "http://jami.jp/SS-MIX2/CodeSystem/ClinicalDepartment"),
    ("1.2.392.200250.2.2.20.20", "http://jami.jp/CodeSystem/MedicationUsage"),
    ("1.2.392.200250.2.2.20.22", "http://jami.jp/CodeSystem/MedicationUsageAdditional"),
    ("1.2.392.200250.2.2.20.30", "http://jami.jp/CodeSystem/MedicationMethodBasicUsage"),
    ("1.2.392.200250.2.2.20.31", "http://jami.jp/CodeSystem/MedicationEventTriggered"),
    ("1.2.392.200250.2.2.20.32", "http://jami.jp/CodeSystem/MedicationBodySiteExternal"),
    ("1.2.392.200250.2.2.20.40", "http://jami.jp/CodeSystem/MedicationMethodDetailUsage"),
    ("1.2.392.200250.2.2.20.41", "http://jami.jp/CodeSystem/MedicationMethodDetailOral"),
    ("1.2.392.200250.2.2.20.42", "http://jami.jp/CodeSystem/MedicationMethodDetailExternal"),
    ("1.2.392.200250.2.2.20.43", "http://jami.jp/CodeSystem/MedicationMethodDetailInjection"),
    ("1.2.392.200250.2.2.20.44", "http://jami.jp/CodeSystem/MedicationMethodDetailPouring"),
    ("1.2.392.200250.2.2.20.45", "http://jami.jp/CodeSystem/MedicationMethodDetailDeviceInjection"),
    ("1.2.392.200250.2.2.21", "http://jami.jp/CodeSystem/MedicationUsage-12digits"),
    ("1.2.392.200250.2.2.30.10", "http://jami.jp/CodeSystem/DrugDispensePreparationMethod"),
    ("1.2.392.200270.4.1000.1", "http://jpfhir.jp/fhir/core/CodeSystem/JP_EndoscopyTerminologyCodesJED_CS"),
    ("2.16.840.1.113883.12.292", "http://hl7.org/fhir/sid/cvx"),
    ("2.16.840.1.113883.6.1", "http://loinc.org"),
    ("2.16.840.1.113883.6.103", "http://hl7.org/fhir/sid/icd-9-cm"),
    ("2.16.840.1.113883.6.12", "http://www.ama-assn.org/go/cpt"),
    ("2.16.840.1.113883.6.3", "http://hl7.org/fhir/sid/icd-10"),
    ("2.16.840.1.113883.6.69", "http://hl7.org/fhir/sid/ndc"),
    ("2.16.840.1.113883.6.73", "http://www.whocc.no/atc"),
    ("2.16.840.1.113883.6.8", "http://unitsofmeasure.org"),
    ("2.16.840.1.113883.6.88", "http://www.nlm.nih.gov/research/umls/rxnorm"),
    ("2.16.840.1.113883.6.90", "http://hl7.org/fhir/sid/icd-10-cm"),
    ("2.16.840.1.113883.6.96", "http://snomed.info/sct"),
];

const PREFIX: &str = "urn:oid:";

/// The URL of a system that has one, given its OID without or with `urn:oid:`.
pub fn url_of(oid: &str) -> Option<&'static str> {
    let oid = oid.strip_prefix(PREFIX).unwrap_or(oid);
    let at = SYSTEMS.binary_search_by(|(known, _)| (*known).cmp(oid)).ok()?;
    Some(SYSTEMS[at].1)
}

/// The OID of a system, without `urn:oid:`, given its URL or the OID itself in either form.
pub fn oid_of(uri: &str) -> Option<&str> {
    if let Some(oid) = uri.strip_prefix(PREFIX) {
        return Some(oid);
    }
    SYSTEMS.iter().find(|(_, url)| *url == uri).map(|(oid, _)| *oid)
}

/// The form of a system in which it is compared: its URL where it has one, else as it stands.
pub fn canonical(uri: &str) -> &str {
    match uri.strip_prefix(PREFIX) {
        Some(oid) => url_of(oid).unwrap_or(uri),
        None => uri,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn both_forms_are_the_same_system() {
        let hot9 = "http://medis.or.jp/CodeSystem/master-HOT9";
        assert_eq!(url_of("1.2.392.200119.4.403.1"), Some(hot9));
        assert_eq!(canonical("urn:oid:1.2.392.100495.20.2.74"), hot9);
        assert_eq!(canonical(hot9), hot9);
        assert_eq!(canonical("urn:oid:1.2.3"), "urn:oid:1.2.3");
        assert_eq!(oid_of("http://loinc.org"), Some("2.16.840.1.113883.6.1"));
        assert_eq!(oid_of("urn:oid:1.2.3"), Some("1.2.3"));
        assert_eq!(oid_of("http://example.org/x"), None);
    }

    #[test]
    fn the_table_is_sorted_and_every_row_is_found() {
        assert!(SYSTEMS.windows(2).all(|pair| pair[0].0 < pair[1].0));
        assert!(SYSTEMS.iter().all(|(oid, url)| url_of(oid) == Some(url)));
    }
}
