//! Entries with the code systems of Japan: the same resources, in the shape of JP Core.

use super::{issues, map_entry, resource, resources};

#[test]
fn drugs_of_an_rp_share_its_usage() {
    let drug = |number: &str, code: &str, name: &str, dose: &str| {
        format!(
            r#"<entryRelationship typeCode="COMP"><substanceAdministration classCode="SBADM" moodCode="RQO">
            <id root="1.2.392.100495.20.3.82" extension="{number}"/><doseQuantity value="{dose}" unit="TAB">
            <translation value="{dose}" code="TAB" codeSystem="1.2.392.100495.20.2.101" displayName="錠"/></doseQuantity>
            <consumable><manufacturedProduct><manufacturedMaterial>
            <code code="{code}" codeSystem="1.2.392.100495.20.2.74" displayName="{name}"/></manufacturedMaterial>
            </manufacturedProduct></consumable></substanceAdministration></entryRelationship>"#
        )
    };
    let entry = format!(
        r#"<substanceAdministration classCode="SBADM" moodCode="RQO"><id root="1.2.392.100495.20.3.81" extension="1"/>
        <code code="1013044400000000" codeSystem="1.2.392.200250.2.2.20.20" displayName="内服・経口・1日3回朝昼夕食後"/>
        <statusCode code="active"/><effectiveTime xsi:type="IVL_TS"><low value="20260401"/><width value="7" unit="d"/>
        </effectiveTime><consumable><manufacturedProduct><manufacturedMaterial nullFlavor="NA"/></manufacturedProduct>
        </consumable>{}{}</substanceAdministration>"#,
        drug("1", "103835401", "試験錠A", "1"),
        drug("2", "103835402", "試験錠B", "2")
    );
    let (out, references) = map_entry(&entry, "57828-6");
    let requests = resources(&out, "MedicationRequest");
    assert_eq!((requests.len(), references.len()), (2, 2));
    let second = &requests[1];
    let numbers: Vec<(&str, &str)> = second["identifier"]
        .as_array()
        .unwrap()
        .iter()
        .map(|id| (id["system"].as_str().unwrap().rsplit('/').next().unwrap(), id["value"].as_str().unwrap()))
        .collect();
    assert_eq!(numbers, [("MedicationAdministrationIndex", "2"), ("Medication-RPGroupNumber", "1")]);
    assert_eq!(second["medicationCodeableConcept"]["coding"][0]["system"], "http://medis.or.jp/CodeSystem/master-HOT9");
    let dosage = &second["dosageInstruction"][0];
    assert_eq!(dosage["text"], "内服・経口・1日3回朝昼夕食後");
    assert_eq!(dosage["timing"]["code"]["coding"][0]["system"], "http://jami.jp/CodeSystem/MedicationUsage");
    assert_eq!(dosage["timing"]["repeat"]["boundsDuration"]["unit"], "日");
    assert_eq!(dosage["extension"][0]["valuePeriod"]["end"], "2026-04-07");
    assert_eq!(dosage["doseAndRate"][0]["doseQuantity"]["unit"], "錠");
    assert_eq!(second["dispenseRequest"]["expectedSupplyDuration"]["value"], 7);
    assert_eq!((&second["status"], &second["intent"]), (&"active".into(), &"order".into()));
    assert!(issues(&out).is_empty(), "{:?}", issues(&out));
}

#[test]
fn a_usage_on_an_event_is_taken_when_needed() {
    let entry = r#"<substanceAdministration classCode="SBADM" moodCode="RQO"><id root="1.2.3" extension="M"/>
        <code code="1050110000000000" codeSystem="1.2.392.200250.2.2.20.20" displayName="内服・経口・疼痛時"/>
        <statusCode code="active"/><doseQuantity value="1"/><consumable><manufacturedProduct><manufacturedMaterial>
        <code code="103835401" codeSystem="1.2.392.200119.4.403.1" displayName="試験錠"/></manufacturedMaterial>
        </manufacturedProduct></consumable></substanceAdministration>"#;
    let request = resource(&map_entry(entry, "57828-6").0, "MedicationRequest");
    assert_eq!(request["dosageInstruction"][0]["asNeededBoolean"], true);
}

#[test]
fn a_laboratory_result_has_the_category_of_jp_core() {
    let entry = r#"<organizer classCode="BATTERY" moodCode="EVN"><id root="1.2.3" extension="R"/>
        <code code="3A" codeSystem="1.2.392.200119.9999901.1" displayName="生化学"/><statusCode code="completed"/>
        <effectiveTime value="202604010900"/><component><observation classCode="OBS" moodCode="EVN">
        <id root="1.2.3" extension="O"/><code code="3A010000002327101" codeSystem="1.2.392.200119.4.504"
        displayName="総蛋白"/><statusCode code="completed"/><value xsi:type="PQ" value="7.0" unit="g/dl"/></observation>
        </component></organizer>"#;
    let (out, _) = map_entry(entry, "30954-2");
    let found = resource(&out, "Observation");
    assert_eq!(found["code"]["coding"][0]["system"], "http://medis.or.jp/CodeSystem/master-JLAC10-17digits");
    assert_eq!(found["code"]["text"], "総蛋白");
    let categories = found["category"].as_array().unwrap();
    assert_eq!(
        categories[0]["coding"][0]["system"],
        "http://jpfhir.jp/fhir/core/CodeSystem/JP_SimpleObservationCategory_CS"
    );
    assert_eq!(categories[0]["coding"][0]["code"], "laboratory");
    assert_eq!(found["effectiveDateTime"], "2026-04-01T09:00:00+09:00");
    assert_eq!((&found["valueQuantity"]["unit"], &found["valueQuantity"]["code"]), (&"g/dl".into(), &"g/dl".into()));
}

#[test]
fn a_disease_name_is_a_condition_in_any_section() {
    let entry = r#"<observation classCode="OBS" moodCode="EVN"><id root="1.2.3" extension="P"/>
        <code code="MD0018350" codeSystem="1.2.392.200119.5.3.1"/><effectiveTime><low value="201904"/></effectiveTime>
        <value xsi:type="CD" code="20061743" codeSystem="1.2.392.200119.4.101.2" displayName="高血圧症">
        <translation code="I10" codeSystem="2.16.840.1.113883.6.3"/></value></observation>"#;
    let (out, _) = map_entry(entry, "MD0018350");
    let condition = resource(&out, "Condition");
    assert_eq!(condition["code"]["coding"][0]["system"], "http://medis.or.jp/CodeSystem/master-disease-keyNumber");
    assert_eq!((&condition["code"]["text"], &condition["onsetDateTime"]), (&"高血圧症".into(), &"2019-04".into()));
}

#[test]
fn an_allergen_as_the_value_is_the_substance() {
    let entry = r#"<observation classCode="OBS" moodCode="EVN"><id root="1.2.3" extension="A"/>
        <code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/><value xsi:type="CD" code="J9FC12000000"
        codeSystemName="J-FAGY" displayName="そば"/></observation>"#;
    let (out, _) = map_entry(entry, "48765-2");
    let found = resource(&out, "AllergyIntolerance");
    let system = &found["code"]["coding"][0]["system"];
    assert_eq!(system, "http://jpfhir.jp/fhir/core/CodeSystem/JP_JfagyFoodAllergen_CS");
    assert_eq!(found["code"]["text"], "そば");
}
