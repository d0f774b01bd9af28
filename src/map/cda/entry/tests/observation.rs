//! Results, vital signs, social history and other observations to Observation and DiagnosticReport.

use super::{ccda, issues, map_entry, resource, resources, snomed};

fn loinc(code: &str, display: &str) -> String {
    format!(r#"<code code="{code}" codeSystem="2.16.840.1.113883.6.1" displayName="{display}"/>"#)
}

fn sign(id: &str, code: &str, value: &str) -> String {
    format!(
        r#"<component><observation classCode="OBS" moodCode="EVN">{}<id root="1.2.3" extension="{id}"/>{}
        <statusCode code="completed"/><effectiveTime value="20260401"/><value xsi:type="PQ" value="{value}" unit="mm[Hg]"/>
        <interpretationCode code="N" codeSystem="2.16.840.1.113883.5.83"/></observation></component>"#,
        ccda("27"),
        loinc(code, "")
    )
}

fn vitals(signs: &str) -> String {
    format!(
        r#"<organizer classCode="CLUSTER" moodCode="EVN">{}<id root="1.2.3" extension="V"/>
        <code code="46680005" codeSystem="2.16.840.1.113883.6.96"/><statusCode code="completed"/>
        <effectiveTime value="20260401"/>{signs}</organizer>"#,
        ccda("26")
    )
}

#[test]
fn a_result_organizer_is_a_report_with_its_results() {
    let entry = format!(
        r##"<organizer classCode="BATTERY" moodCode="EVN">{}<id root="1.2.3" extension="R"/>{}<statusCode code="completed"/>
        <effectiveTime value="20150622"/><specimen><specimenRole><id root="1.2.3" extension="S"/><specimenPlayingEntity>
        <code code="122575003" codeSystem="2.16.840.1.113883.6.96" displayName="Urine"/></specimenPlayingEntity>
        </specimenRole></specimen><component><observation classCode="OBS" moodCode="EVN">{}
        <id root="1.2.3" extension="O"/>{}<statusCode code="completed"/>
        <value xsi:type="PQ" value="1.010" unit="g/mL"/><interpretationCode code="N" codeSystem="2.16.840.1.113883.5.83"/>
        <referenceRange><observationRange><value xsi:type="IVL_PQ"><low value="1.005" unit="g/mL"/>
        <high value="1.030" unit="g/mL"/></value></observationRange></referenceRange>
        <referenceRange><observationRange><text>too much</text><interpretationCode code="H"/></observationRange>
        </referenceRange></observation></component></organizer>"##,
        ccda("1"),
        loinc("24357-6", "Urinalysis"),
        ccda("2"),
        loinc("5811-5", "Specific gravity")
    );
    let (out, references) = map_entry(&entry, "30954-2");
    let (report, result) = (resource(&out, "DiagnosticReport"), resource(&out, "Observation"));
    assert_eq!(references, [format!("DiagnosticReport/{}", report["id"].as_str().unwrap())]);
    assert_eq!(report["category"][0]["coding"][0]["code"], "LAB");
    assert_eq!(report["result"][0]["reference"], format!("Observation/{}", result["id"].as_str().unwrap()));
    assert_eq!(report["specimen"][0]["reference"].as_str().map(|r| r.starts_with("Specimen/")), Some(true));
    assert_eq!(resource(&out, "Specimen")["type"]["text"], "Urine");
    assert_eq!((&result["status"], &result["effectiveDateTime"]), (&"final".into(), &"2015-06-22".into()));
    assert_eq!(result["category"][0]["coding"][0]["code"], "laboratory");
    assert_eq!(result["valueQuantity"]["value"].to_string(), "1.010");
    assert_eq!(result["referenceRange"].as_array().unwrap().len(), 1);
    assert_eq!(result["referenceRange"][0]["high"]["value"].to_string(), "1.030");
    assert_eq!(issues(&out), ["cda-abnormal-range"]);
}

#[test]
fn systolic_and_diastolic_are_one_observation() {
    for signs in [
        format!("{}{}", sign("s", "8480-6", "120"), sign("d", "8462-4", "80")),
        format!("{}{}", sign("d", "8462-4", "80"), sign("s", "8480-6", "120")),
    ] {
        let (out, references) = map_entry(&vitals(&signs), "8716-3");
        let found = resources(&out, "Observation");
        assert_eq!((found.len(), references.len()), (2, 1));
        let (pressure, panel) = (&found[0], &found[1]);
        assert_eq!(pressure["code"]["coding"][0]["code"], "85354-9");
        assert_eq!(pressure["identifier"][1]["value"], "d");
        assert_eq!(pressure["component"][0]["code"]["coding"][0]["code"], "8480-6");
        assert_eq!(pressure["component"][1]["valueQuantity"]["value"], 80);
        assert_eq!(pressure["component"][1]["interpretation"][0]["coding"][0]["code"], "N");
        assert!(pressure.get("valueQuantity").is_none());
        assert_eq!(panel["code"]["coding"][0]["code"], "85353-1");
        assert_eq!(panel["hasMember"].as_array().unwrap().len(), 1);
        assert!(issues(&out).is_empty());
    }
}

#[test]
fn pressures_without_a_partner_stay_what_they_are() {
    let later = sign("d2", "8462-4", "85").replace("20260401", "20260402");
    let signs = format!("{}{later}{}", sign("s", "8480-6", "120"), sign("d", "8462-4", "80"));
    let (out, _) = map_entry(&vitals(&signs), "8716-3");
    let found = resources(&out, "Observation");
    assert_eq!(found.len(), 3);
    assert!(found.iter().any(|o| o["code"]["coding"][0]["code"] == "8462-4" && o["valueQuantity"]["value"] == 85));
}

#[test]
fn oxygen_is_a_component_of_the_saturation() {
    let signs = format!("{}{}", sign("p", "59408-5", "97"), sign("f", "3151-8", "2"));
    let (out, _) = map_entry(&vitals(&signs), "8716-3");
    let saturation = &resources(&out, "Observation")[0];
    assert_eq!(saturation["code"]["coding"][0]["code"], "59408-5");
    assert_eq!(saturation["valueQuantity"]["value"], 97);
    assert_eq!(saturation["component"][0]["code"]["coding"][0]["code"], "3151-8");
}

#[test]
fn an_assertion_has_the_code_of_what_it_asserts() {
    let smoking = format!(
        r#"<observation classCode="OBS" moodCode="EVN">{}<id root="1.2.3" extension="x"/>
        <code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/><statusCode code="completed"/>
        <effectiveTime><low value="2009"/></effectiveTime>{}</observation>"#,
        ccda("78"),
        snomed("8517006", "Former smoker")
    );
    let (out, _) = map_entry(&smoking, "29762-2");
    let found = resource(&out, "Observation");
    assert_eq!(found["code"]["coding"][0]["code"], "72166-2");
    assert_eq!(found["category"][0]["coding"][0]["code"], "social-history");
    assert_eq!(found["effectivePeriod"]["start"], "2009");
    let pregnancy = r#"<observation classCode="OBS" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.15.3.8"/>
        <id root="1.2.3" extension="x"/><code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>
        <value xsi:type="CD" code="77386006" codeSystem="2.16.840.1.113883.6.96" displayName="Pregnant"/>
        <entryRelationship typeCode="REFR"><observation classCode="OBS" moodCode="EVN">
        <code code="11778-8" codeSystem="2.16.840.1.113883.6.1"/><value xsi:type="TS" value="20230214"/></observation>
        </entryRelationship></observation>"#;
    let found = resource(&map_entry(pregnancy, "29762-2").0, "Observation");
    assert_eq!(found["code"]["coding"][0]["code"], "82810-3");
    assert_eq!(found["component"][0]["valueDateTime"], "2023-02-14");
}

#[test]
fn what_is_denied_is_absent_and_what_was_not_made_is_cancelled() {
    let entry = |value: &str| {
        format!(
            r#"<observation classCode="OBS" moodCode="EVN" negationInd="true"><id root="1.2.3" extension="x"/>
            <code code="54522-8" codeSystem="2.16.840.1.113883.6.1" displayName="Functional status"/>
            <statusCode code="completed"/>{value}</observation>"#
        )
    };
    let denied = resource(&map_entry(&entry(&snomed("248536006", "Impairment")), "47420-5").0, "Observation");
    assert_eq!(denied["code"]["coding"][0]["code"], "248536006");
    assert_eq!(denied["valueCodeableConcept"]["coding"][0]["code"], "2667000");
    assert_eq!(denied["category"][0]["text"], "Functional status");
    let not_made = resource(&map_entry(&entry(""), "47420-5").0, "Observation");
    assert_eq!(not_made["status"], "cancelled");
    assert_eq!(not_made["dataAbsentReason"]["coding"][0]["code"], "unknown");
}

#[test]
fn statuses_follow_the_published_map() {
    for (sent, expected) in [
        ("completed", "final"),
        ("active", "registered"),
        ("held", "registered"),
        ("aborted", "cancelled"),
        ("cancelled", "cancelled"),
        ("nullified", "entered-in-error"),
        ("bogus", "unknown"),
    ] {
        let entry = format!(
            r#"<observation classCode="OBS" moodCode="EVN">{}<statusCode code="{sent}"/></observation>"#,
            loinc("1-8", "x")
        );
        let (out, _) = map_entry(&entry, "30954-2");
        assert_eq!(resource(&out, "Observation")["status"], expected, "{sent}");
        assert_eq!(issues(&out).contains(&"cda-status"), sent == "bogus");
    }
}

#[test]
fn a_status_organizer_is_a_panel_and_scales_have_members() {
    let entry = format!(
        r#"<organizer classCode="CLUSTER" moodCode="EVN">{}<id root="1.2.3" extension="F"/>
        <code code="d5" codeSystem="2.16.840.1.113883.6.254" displayName="Self-Care"/><statusCode code="completed"/>
        <component><observation classCode="OBS" moodCode="EVN">{}<id root="1.2.3" extension="S"/>{}
        <value xsi:type="INT" value="9"/><entryRelationship typeCode="COMP"><observation classCode="OBS" moodCode="EVN">
        {}<id root="1.2.3" extension="I"/>{}<value xsi:type="INT" value="3"/></observation></entryRelationship>
        </observation></component></organizer>"#,
        ccda("66"),
        ccda("69"),
        loinc("35088-4", "Glasgow coma scale"),
        ccda("86"),
        loinc("9267-6", "Eye opening")
    );
    let (out, references) = map_entry(&entry, "47420-5");
    let found = resources(&out, "Observation");
    assert_eq!((found.len(), references.len()), (3, 1));
    assert_eq!(found[1]["valueInteger"], 9);
    assert_eq!(found[1]["hasMember"][0]["reference"], format!("Observation/{}", found[0]["id"].as_str().unwrap()));
    assert_eq!(found[2]["hasMember"][0]["reference"], format!("Observation/{}", found[1]["id"].as_str().unwrap()));
}
