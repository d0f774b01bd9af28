//! Substance administrations, supplies and immunizations.

use super::{ccda, issues, map_entry, resource, resources, snomed};

const PRODUCT: &str = r#"<consumable><manufacturedProduct classCode="MANU"><manufacturedMaterial>
    <code code="197361" codeSystem="2.16.840.1.113883.6.88" displayName="Amlodipine 5 MG"/></manufacturedMaterial>
    </manufacturedProduct></consumable>"#;

fn medication(mood: &str, attributes: &str, more: &str) -> String {
    format!(
        r#"<substanceAdministration classCode="SBADM" moodCode="{mood}" {attributes}>{}<id root="1.2.3" extension="M"/>
        <statusCode code="active"/>
        <effectiveTime xsi:type="IVL_TS"><low value="20260401"/></effectiveTime>
        <effectiveTime xsi:type="PIVL_TS" operator="A" institutionSpecified="true"><period value="8" unit="h"/></effectiveTime>
        <repeatNumber value="3"/>
        <routeCode code="C38288" codeSystem="2.16.840.1.113883.3.26.1.1" displayName="Oral"/>
        <doseQuantity value="5" unit="mg"/>
        <maxDoseQuantity><numerator value="20" unit="mg"/><denominator value="1" unit="d"/></maxDoseQuantity>
        {PRODUCT}{more}</substanceAdministration>"#,
        ccda("16")
    )
}

const WITHIN: &str = r#"<entryRelationship typeCode="RSON"><observation classCode="OBS" moodCode="EVN">
    <templateId root="2.16.840.1.113883.10.20.22.4.19"/><id root="1.2.3" extension="I"/>
    <code code="404684003" codeSystem="2.16.840.1.113883.6.96"/>
    <value xsi:type="CD" code="38341003" codeSystem="2.16.840.1.113883.6.96" displayName="Hypertension"/></observation>
    </entryRelationship><entryRelationship typeCode="SUBJ" inversionInd="true"><act classCode="ACT" moodCode="INT">
    <templateId root="2.16.840.1.113883.10.20.22.4.20"/><code code="1153465004" codeSystem="2.16.840.1.113883.6.96"/>
    <text>Not more than told</text></act></entryRelationship><entryRelationship typeCode="COMP">
    <substanceAdministration classCode="SBADM" moodCode="INT"><templateId root="2.16.840.1.113883.10.20.22.4.147"/>
    <code code="76662-6" codeSystem="2.16.840.1.113883.6.1"/><text>1 tablet every 8 hours</text>
    <consumable><manufacturedProduct><manufacturedMaterial nullFlavor="NA"/></manufacturedProduct></consumable>
    </substanceAdministration></entryRelationship><precondition typeCode="PRCN"><criterion>
    <code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>
    <value xsi:type="CD" code="56018004" codeSystem="2.16.840.1.113883.6.96" displayName="Wheezing"/></criterion>
    </precondition>"#;

#[test]
fn an_order_has_its_dosage_reason_and_words() {
    let (out, references) = map_entry(&medication("INT", "", WITHIN), "10160-0");
    let request = resource(&out, "MedicationRequest");
    assert_eq!(references, [format!("MedicationRequest/{}", request["id"].as_str().unwrap())]);
    assert_eq!((&request["status"], &request["intent"]), (&"active".into(), &"order".into()));
    assert_eq!(request["medicationCodeableConcept"]["text"], "Amlodipine 5 MG");
    assert_eq!(request["reasonCode"][0]["coding"][0]["code"], "38341003");
    assert_eq!(request["dispenseRequest"]["numberOfRepeatsAllowed"], 2);
    let dosage = &request["dosageInstruction"][0];
    assert_eq!(dosage["text"], "1 tablet every 8 hours");
    assert_eq!(dosage["patientInstruction"], "Not more than told");
    assert_eq!(dosage["additionalInstruction"][0]["coding"][0]["code"], "1153465004");
    assert_eq!(dosage["timing"]["repeat"]["frequency"], 3);
    assert_eq!(dosage["timing"]["repeat"]["boundsPeriod"]["start"], "2026-04-01");
    assert_eq!(dosage["asNeededCodeableConcept"]["text"], "Wheezing");
    assert_eq!(dosage["route"]["text"], "Oral");
    assert_eq!(dosage["doseAndRate"][0]["doseQuantity"]["code"], "mg");
    assert_eq!(dosage["maxDosePerPeriod"]["denominator"]["code"], "d");
    assert!(issues(&out).is_empty(), "{:?}", issues(&out));
}

#[test]
fn mood_and_section_say_which_resource() {
    let kind = |mood: &str, section: &str| map_entry(&medication(mood, "", ""), section).1.remove(0);
    assert!(kind("INT", "10160-0").starts_with("MedicationRequest/"));
    assert!(kind("EVN", "10160-0").starts_with("MedicationStatement/"));
    assert!(kind("EVN", "29549-3").starts_with("MedicationAdministration/"));
    let planned = medication("RQO", "", "").replace(".22.4.16\"", ".22.4.42\"");
    assert_eq!(resource(&map_entry(&planned, "18776-5").0, "MedicationRequest")["intent"], "order");
    let planned = medication("INT", "", "").replace(".22.4.16\"", ".22.4.42\"");
    assert_eq!(resource(&map_entry(&planned, "18776-5").0, "MedicationRequest")["intent"], "plan");
    let statement = resource(&map_entry(&medication("EVN", "", ""), "10160-0").0, "MedicationStatement");
    assert_eq!(statement["effectivePeriod"]["start"], "2026-04-01");
    assert!(statement["dosage"][0]["timing"]["repeat"].get("boundsPeriod").is_none());
    let (out, _) = map_entry(&medication("EVN", "", ""), "29549-3");
    let given = resource(&out, "MedicationAdministration");
    assert_eq!(given["dosage"]["dose"]["value"], 5);
    assert_eq!(given["status"], "in-progress");
}

#[test]
fn what_is_denied_is_not_given_and_not_taken() {
    let refused = format!(
        r#"<entryRelationship typeCode="RSON"><observation classCode="OBS" moodCode="EVN">
        <code code="77301-0" codeSystem="2.16.840.1.113883.6.1"/>{}</observation></entryRelationship>"#,
        snomed("105480006", "Declined")
    );
    let denied = |mood: &str| map_entry(&medication(mood, r#"negationInd="true""#, &refused), "10160-0").0;
    let request = resource(&denied("INT"), "MedicationRequest");
    assert_eq!((&request["doNotPerform"], &request["statusReason"]["text"]), (&true.into(), &"Declined".into()));
    let statement = resource(&denied("EVN"), "MedicationStatement");
    assert_eq!(
        (&statement["status"], &statement["statusReason"][0]["text"]),
        (&"not-taken".into(), &"Declined".into())
    );
    let none = medication("EVN", r#"negationInd="true""#, "")
        .replace(r#"<code code="197361""#, r#"<code nullFlavor="OTH" xcode="197361""#);
    let none = resource(&map_entry(&none, "10160-0").0, "MedicationStatement");
    assert_eq!(none["medicationCodeableConcept"]["coding"][0]["code"], "no-known-medications");
}

#[test]
fn supplies_are_part_of_the_order_or_dispenses() {
    let supply = |mood: &str| {
        format!(
            r#"<entryRelationship typeCode="REFR"><supply classCode="SPLY" moodCode="{mood}">
            <id root="1.2.3" extension="S-{mood}"/><statusCode code="completed"/>
            <effectiveTime xsi:type="IVL_TS"><low value="20260402"/></effectiveTime><repeatNumber value="2"/>
            <quantity value="75"/></supply></entryRelationship>"#
        )
    };
    let (out, references) =
        map_entry(&medication("INT", "", &format!("{}{}", supply("INT"), supply("EVN"))), "10160-0");
    let request = resource(&out, "MedicationRequest");
    assert_eq!(request["dispenseRequest"]["quantity"]["value"], 75);
    assert_eq!(request["dispenseRequest"]["numberOfRepeatsAllowed"], 1);
    assert_eq!(request["dispenseRequest"]["validityPeriod"]["start"], "2026-04-02");
    let dispense = resource(&out, "MedicationDispense");
    assert_eq!(references[1], format!("MedicationDispense/{}", dispense["id"].as_str().unwrap()));
    assert_eq!(dispense["authorizingPrescription"][0]["reference"], references[0]);
    assert_eq!(dispense["medicationCodeableConcept"]["text"], "Amlodipine 5 MG");
    assert_eq!(dispense["whenHandedOver"], "2026-04-02");
    let (out, _) = map_entry(&medication("EVN", "", &supply("INT")), "10160-0");
    assert_eq!(resource(&out, "MedicationRequest")["intent"], "order");
    assert_eq!(resources(&out, "MedicationStatement").len(), 1);
}

#[test]
fn split_doses_are_dosages_in_sequence() {
    let part = |event: &str, dose: &str| {
        format!(
            r#"<entryRelationship typeCode="COMP"><substanceAdministration classCode="SBADM" moodCode="INT">
            <effectiveTime xsi:type="EIVL_TS"><event code="{event}"/></effectiveTime><doseQuantity value="{dose}"/>
            <consumable><manufacturedProduct><manufacturedMaterial nullFlavor="NA"/></manufacturedProduct></consumable>
            </substanceAdministration></entryRelationship>"#
        )
    };
    let (out, _) = map_entry(&medication("INT", "", &format!("{}{}", part("ACM", "1"), part("ACV", "0.5"))), "10160-0");
    let dosages = resource(&out, "MedicationRequest")["dosageInstruction"].clone();
    let [first, second] = dosages.as_array().unwrap().as_slice() else { panic!("{dosages}") };
    assert_eq!((&first["sequence"], &first["timing"]["repeat"]["when"][0]), (&1.into(), &"ACM".into()));
    assert_eq!(second["doseAndRate"][0]["doseQuantity"]["value"].to_string(), "0.5");
    assert_eq!(second["route"]["text"], "Oral");
    assert!(issues(&out).is_empty());
}

#[test]
fn a_product_with_more_than_a_code_is_contained() {
    let more = medication("INT", "", "").replace(
        "</manufacturedMaterial>",
        "<lotNumberText>L-1</lotNumberText></manufacturedMaterial><manufacturerOrganization><name>Test Pharma</name>\
         </manufacturerOrganization>",
    );
    let request = resource(&map_entry(&more, "10160-0").0, "MedicationRequest");
    assert_eq!(request["medicationReference"]["reference"], "#medication");
    assert_eq!(request["contained"][0]["batch"]["lotNumber"], "L-1");
    assert_eq!(request["contained"][0]["manufacturer"]["display"], "Test Pharma");
}

#[test]
fn an_immunization_is_given_or_refused() {
    let vaccine = |attributes: &str, more: &str| {
        let entry = format!(
            r#"<substanceAdministration classCode="SBADM" moodCode="EVN" {attributes}>{}<id root="1.2.3" extension="V"/>
            <statusCode code="completed"/><effectiveTime value="201008151030+0900"/><repeatNumber value="2"/>
            <doseQuantity value="0.5" unit="mL"/><consumable><manufacturedProduct><manufacturedMaterial>
            <code code="140" codeSystem="2.16.840.1.113883.12.292"/><lotNumberText>L-1</lotNumberText></manufacturedMaterial>
            <manufacturerOrganization><name>Test Vaccines</name></manufacturerOrganization></manufacturedProduct></consumable>
            {more}</substanceAdministration>"#,
            ccda("52")
        );
        map_entry(&entry, "11369-6").0
    };
    let given = resource(&vaccine("", ""), "Immunization");
    assert_eq!((&given["status"], &given["lotNumber"]), (&"completed".into(), &"L-1".into()));
    assert_eq!(given["occurrenceDateTime"], "2010-08-15T10:30:00+09:00");
    assert_eq!(given["vaccineCode"]["coding"][0]["system"], "http://hl7.org/fhir/sid/cvx");
    assert_eq!(given["protocolApplied"][0]["doseNumberPositiveInt"], 2);
    assert!(given["manufacturer"]["reference"].as_str().unwrap().starts_with("Organization/"));
    let refusal = format!(
        r#"<entryRelationship typeCode="RSON"><observation classCode="OBS" moodCode="EVN">{}
        <code code="PATOBJ" codeSystem="2.16.840.1.113883.5.8"/></observation></entryRelationship>"#,
        ccda("53")
    );
    let refused = resource(&vaccine(r#"negationInd="true""#, &refusal), "Immunization");
    assert_eq!(refused["status"], "not-done");
    assert_eq!(refused["statusReason"]["coding"][0]["code"], "PATOBJ");
}
