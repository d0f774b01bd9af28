//! Procedures, encounters, plans, goals, family history, devices, care teams, coverage, notes and imaging.

use super::{ccda, issues, map_entry, resource, resources, snomed};

fn code(code: &str, display: &str) -> String {
    format!(r#"<code code="{code}" codeSystem="2.16.840.1.113883.6.96" displayName="{display}"/>"#)
}

const PERFORMER: &str = r#"<performer><assignedEntity><id root="1.2.9" extension="D1"/><assignedPerson><name>
    <family>Doctor</family><given>Test</given></name></assignedPerson></assignedEntity></performer>"#;

#[test]
fn a_procedure_of_any_class() {
    for (element, number) in [("procedure", "14"), ("act", "12"), ("observation", "13")] {
        let entry = format!(
            r#"<{element} classCode="PROC" moodCode="EVN">{}<id root="1.2.3" extension="x"/>{}<statusCode code="aborted"/>
            <effectiveTime><low value="20260401"/><high value="20260402"/></effectiveTime>
            <methodCode code="51316009" codeSystem="2.16.840.1.113883.6.96"/>
            <targetSiteCode code="181255000" codeSystem="2.16.840.1.113883.6.96" displayName="Appendix"/>{PERFORMER}
            <participant typeCode="LOC"><participantRole classCode="SDLOC"><playingEntity><name>Ward 3</name></playingEntity>
            </participantRole></participant></{element}>"#,
            ccda(number),
            code("80146002", "Excision of appendix")
        );
        let (out, _) = map_entry(&entry, "47519-4");
        let found = resource(&out, "Procedure");
        assert_eq!(found["status"], "stopped");
        assert_eq!(found["performedPeriod"]["end"], "2026-04-02");
        assert_eq!(found["bodySite"][0]["text"], "Appendix");
        assert_eq!(found["extension"][0]["valueCodeableConcept"]["coding"][0]["code"], "51316009");
        assert!(found["performer"][0]["actor"]["reference"].as_str().unwrap().starts_with("Practitioner/"));
        assert_eq!(resource(&out, "Location")["name"], "Ward 3");
        assert!(issues(&out).is_empty(), "{element}");
    }
}

#[test]
fn a_procedure_that_was_not_done_has_no_time_made_up() {
    let entry = format!(
        r#"<procedure classCode="PROC" moodCode="EVN" negationInd="true">{}<id root="1.2.3" extension="x"/>{}
        <statusCode code="completed"/><effectiveTime nullFlavor="NA"/></procedure>"#,
        ccda("14"),
        code("1", "x")
    );
    let found = resource(&map_entry(&entry, "47519-4").0, "Procedure");
    assert_eq!(found["status"], "not-done");
    assert_eq!(found["_performedDateTime"]["extension"][0]["valueCode"], "not-applicable");
}

#[test]
fn drugs_given_in_a_procedure_were_given() {
    let entry = format!(
        r#"<procedure classCode="PROC" moodCode="EVN">{}<id root="1.2.3" extension="x"/>{}<statusCode code="completed"/>
        <effectiveTime value="20260401"/><entryRelationship typeCode="COMP"><substanceAdministration classCode="SBADM"
        moodCode="EVN"><id root="1.2.3" extension="d"/><statusCode code="completed"/><doseQuantity value="2" unit="mg"/>
        <consumable><manufacturedProduct><manufacturedMaterial>{}</manufacturedMaterial></manufacturedProduct></consumable>
        </substanceAdministration></entryRelationship></procedure>"#,
        ccda("14"),
        code("1", "x"),
        code("2", "drug")
    );
    let (out, references) = map_entry(&entry, "47519-4");
    let given = resource(&out, "MedicationAdministration");
    assert_eq!(given["_effectiveDateTime"]["extension"][0]["valueCode"], "unknown");
    assert_eq!(references.len(), 2);
}

#[test]
fn an_encounter_is_over_when_its_time_says_so() {
    let status = |time: &str, status: &str, mood: &str| {
        let entry = format!(
            r#"<encounter classCode="ENC" moodCode="{mood}">{}<id root="1.2.3" extension="E"/>
            <code code="99213" codeSystem="2.16.840.1.113883.6.12"/>{status}{time}</encounter>"#,
            ccda("49")
        );
        let found = resource(&map_entry(&entry, "46240-8").0, "Encounter");
        assert_eq!(found["class"]["code"], "AMB");
        found["status"].as_str().unwrap().to_owned()
    };
    let point = r#"<effectiveTime value="201208151000-0800"/>"#;
    let open = r#"<effectiveTime><low value="20120815"/></effectiveTime>"#;
    let active = r#"<statusCode code="active"/>"#;
    assert_eq!(status(point, "", "EVN"), "finished");
    assert_eq!(status(point, active, "EVN"), "finished");
    assert_eq!(status(open, "", "EVN"), "in-progress");
    assert_eq!(status(open, active, "EVN"), "in-progress");
    assert_eq!(status("", r#"<statusCode code="suspended"/>"#, "EVN"), "onleave");
    assert_eq!(status(point, "", "INT"), "planned");
    assert_eq!(status(point, r#"<statusCode code="cancelled"/>"#, "EVN"), "cancelled");
}

#[test]
fn the_diagnoses_of_an_encounter_are_its_own() {
    let entry = format!(
        r#"<encounter classCode="ENC" moodCode="EVN">{}<id root="1.2.3" extension="E"/>
        <code code="IMP" codeSystem="2.16.840.1.113883.5.4"/><effectiveTime><low value="20260401"/><high value="20260405"/>
        </effectiveTime><sdtc:dischargeDispositionCode code="01" codeSystem="2.16.840.1.113883.12.112"/>{PERFORMER}
        <entryRelationship typeCode="COMP"><act classCode="ACT" moodCode="EVN">{}
        <code code="11535-2" codeSystem="2.16.840.1.113883.6.1"/><entryRelationship typeCode="SUBJ">
        <observation classCode="OBS" moodCode="EVN">{}<id root="1.2.3" extension="P"/>{}</observation></entryRelationship>
        </act></entryRelationship></encounter>"#,
        ccda("49"),
        ccda("33"),
        ccda("4"),
        snomed("233604007", "Pneumonia")
    );
    let (out, _) = map_entry(&entry, "46240-8");
    let (visit, condition) = (resource(&out, "Encounter"), resource(&out, "Condition"));
    assert_eq!(visit["diagnosis"][0]["use"]["coding"][0]["code"], "DD");
    assert_eq!(condition["category"][0]["coding"][0]["code"], "encounter-diagnosis");
    assert_eq!(condition["encounter"]["reference"], format!("Encounter/{}", visit["id"].as_str().unwrap()));
    assert_eq!(visit["hospitalization"]["dischargeDisposition"]["coding"][0]["code"], "01");
    assert_eq!((&visit["class"]["code"], visit.get("type")), (&"IMP".into(), None));
}

#[test]
fn plans_become_requests_by_their_mood() {
    for (mood, intent) in [("INT", "plan"), ("RQO", "order"), ("PRP", "proposal"), ("PRMS", "plan")] {
        let entry = format!(
            r#"<procedure classCode="PROC" moodCode="{mood}">{}<id root="1.2.3" extension="x"/>{}<statusCode code="active"/>
            <effectiveTime value="20260401"/><priorityCode code="UR" codeSystem="2.16.840.1.113883.5.7"/></procedure>"#,
            ccda("41"),
            code("73761001", "Colonoscopy")
        );
        let (out, _) = map_entry(&entry, "18776-5");
        let found = resource(&out, "ServiceRequest");
        assert_eq!((&found["status"], &found["intent"]), (&"active".into(), &intent.into()));
        assert_eq!((&found["priority"], &found["occurrenceDateTime"]), (&"urgent".into(), &"2026-04-01".into()));
    }
    let visit = |mood: &str, time: &str| {
        let entry = format!(
            r#"<encounter classCode="ENC" moodCode="{mood}">{}<id root="1.2.3" extension="x"/>{}{time}</encounter>"#,
            ccda("40"),
            code("185349003", "Check up")
        );
        resource(&map_entry(&entry, "18776-5").0, "Appointment")
    };
    let wished = visit("INT", r#"<effectiveTime value="20260401"/>"#);
    assert_eq!((&wished["status"], &wished["requestedPeriod"][0]["start"]), (&"proposed".into(), &"2026-04-01".into()));
    let times =
        r#"<effectiveTime><low value="20260401100000+0900"/><high value="20260401103000+0900"/></effectiveTime>"#;
    let arranged = visit("APT", times);
    assert_eq!((&arranged["status"], &arranged["end"]), (&"booked".into(), &"2026-04-01T10:30:00+09:00".into()));
}

#[test]
fn a_goal_says_what_to_reach_and_by_when() {
    let entry = format!(
        r#"<observation classCode="OBS" moodCode="GOL">{}<id root="1.2.3" extension="G"/>
        <code code="59408-5" codeSystem="2.16.840.1.113883.6.1" displayName="Oxygen saturation"/>
        <statusCode code="active"/><effectiveTime><low value="20260401"/><high value="20260701"/></effectiveTime>
        <value xsi:type="IVL_PQ"><low value="92" unit="%"/></value></observation>"#,
        ccda("121")
    );
    let found = resource(&map_entry(&entry, "61146-7").0, "Goal");
    assert_eq!((&found["lifecycleStatus"], &found["startDate"]), (&"active".into(), &"2026-04-01".into()));
    assert_eq!(found["description"]["text"], "Oxygen saturation");
    assert_eq!(found["target"][0]["detailRange"]["low"]["value"], 92);
    assert_eq!(found["target"][0]["dueDate"], "2026-07-01");
}

#[test]
fn a_relative_has_conditions_ages_and_a_cause_of_death() {
    let finding = |attributes: &str, more: &str| {
        format!(
            r#"<component><observation classCode="OBS" moodCode="EVN" {attributes}>{}{}{more}</observation></component>"#,
            ccda("46"),
            snomed("22298006", "Myocardial infarction")
        )
    };
    let more = format!(
        r#"<entryRelationship typeCode="CAUS"><observation classCode="OBS" moodCode="EVN">{}{}</observation>
        </entryRelationship><entryRelationship typeCode="SUBJ" inversionInd="true"><observation classCode="OBS"
        moodCode="EVN">{}<value xsi:type="PQ" value="57" unit="a"/></observation></entryRelationship>"#,
        ccda("47"),
        snomed("419099009", "Dead"),
        ccda("31")
    );
    let entry = format!(
        r#"<organizer classCode="CLUSTER" moodCode="EVN">{}<id root="1.2.3" extension="F"/><statusCode code="completed"/>
        <subject><relatedSubject classCode="PRS"><code code="FTH" codeSystem="2.16.840.1.113883.5.111"/><subject>
        <administrativeGenderCode code="M" codeSystem="2.16.840.1.113883.5.1"/><birthTime value="1910"/>
        <sdtc:deceasedInd value="true"/></subject></relatedSubject></subject>{}{}</organizer>"#,
        ccda("45"),
        finding("", &more),
        finding(r#"negationInd="true""#, "")
    );
    let (out, _) = map_entry(&entry, "10157-6");
    let found = resource(&out, "FamilyMemberHistory");
    assert_eq!(found["relationship"]["coding"][0]["code"], "FTH");
    assert_eq!((&found["bornDate"], &found["deceasedBoolean"]), (&"1910".into(), &true.into()));
    assert_eq!(found["condition"].as_array().unwrap().len(), 1);
    let condition = &found["condition"][0];
    assert_eq!((&condition["onsetAge"]["value"], &condition["contributedToDeath"]), (&57.into(), &true.into()));
    assert_eq!(found["note"][0]["text"], "Negative: Myocardial infarction");
    assert!(issues(&out).is_empty());
}

#[test]
fn a_supply_of_a_device_is_its_use_or_a_request() {
    let supply = |mood: &str| {
        let entry = format!(
            r#"<supply classCode="SPLY" moodCode="{mood}">{}<id root="1.2.3" extension="S"/><statusCode code="completed"/>
            <effectiveTime value="20260401"/><participant typeCode="PRD"><participantRole classCode="MANU">
            <id root="1.2.3" extension="D"/><playingDevice>{}</playingDevice></participantRole></participant></supply>"#,
            ccda("50"),
            code("360006004", "Walking stick")
        );
        map_entry(&entry, "46264-8").0
    };
    let used = supply("EVN");
    let device = format!("Device/{}", resource(&used, "Device")["id"].as_str().unwrap());
    assert_eq!(resource(&used, "DeviceUseStatement")["device"]["reference"], device);
    assert_eq!(resource(&supply("INT"), "DeviceRequest")["codeReference"]["reference"], device);
}

#[test]
fn a_care_team_has_its_members() {
    let entry = format!(
        r#"<organizer classCode="CLUSTER" moodCode="EVN">{}<id root="1.2.3" extension="T"/>
        <code code="86744-0" codeSystem="2.16.840.1.113883.6.1" displayName="Care team"/><statusCode code="active"/>
        <effectiveTime><low value="20260401"/></effectiveTime><component><act classCode="PCPR" moodCode="EVN">
        <templateId root="2.16.840.1.113883.10.20.22.4.500.1"/><code code="85847-2" codeSystem="2.16.840.1.113883.6.1"/>
        <performer><sdtc:functionCode code="PCP" codeSystem="2.16.840.1.113883.5.88"/><assignedEntity>
        <id root="1.2.9" extension="D1"/><assignedPerson><name><family>Doctor</family></name></assignedPerson>
        </assignedEntity></performer></act></component></organizer>"#,
        ccda("500")
    );
    let (out, _) = map_entry(&entry, "85847-2");
    let found = resource(&out, "CareTeam");
    assert_eq!((&found["status"], &found["period"]["start"]), (&"active".into(), &"2026-04-01".into()));
    assert_eq!(found["participant"][0]["role"][0]["coding"][0]["code"], "PCP");
    assert!(issues(&out).is_empty());
}

#[test]
fn a_policy_is_a_coverage() {
    let entry = format!(
        r#"<act classCode="ACT" moodCode="EVN">{}<id root="1.2.3" extension="C"/>
        <code code="48768-6" codeSystem="2.16.840.1.113883.6.1"/><entryRelationship typeCode="COMP">
        <sequenceNumber value="1"/><act classCode="ACT" moodCode="EVN">{}<id root="1.2.3" extension="POL"/>
        <code code="12" codeSystem="2.16.840.1.113883.6.255.1336"/><performer typeCode="PRF"><assignedEntity>
        <id root="1.2.3" extension="payer"/><representedOrganization><name>Test Insurance</name></representedOrganization>
        </assignedEntity></performer><participant typeCode="COV"><time><low value="20260101"/></time><participantRole>
        <id root="1.2.3" extension="MEMBER-1"/><code code="SELF" codeSystem="2.16.840.1.113883.5.111"/></participantRole>
        </participant></act></entryRelationship></act>"#,
        ccda("60"),
        ccda("61")
    );
    let (out, _) = map_entry(&entry, "48768-6");
    let found = resource(&out, "Coverage");
    assert_eq!((&found["subscriberId"], &found["order"]), (&"MEMBER-1".into(), &1.into()));
    assert_eq!(found["relationship"]["coding"][0]["code"], "self");
    assert_eq!(found["period"]["start"], "2026-01-01");
    assert_eq!(resource(&out, "Organization")["name"], "Test Insurance");
    assert!(found["payor"][0]["reference"].as_str().unwrap().starts_with("Organization/"));
}

#[test]
fn notes_and_media_keep_their_content() {
    let note = format!(
        r##"<act classCode="ACT" moodCode="EVN">{}<code code="34109-9" codeSystem="2.16.840.1.113883.6.1">
        <translation code="11506-3" codeSystem="2.16.840.1.113883.6.1" displayName="Progress note"/></code>
        <text><reference value="#n1"/></text><statusCode code="completed"/><author><time value="20260401100000+0900"/>
        <assignedAuthor><id root="1.2.9" extension="D1"/></assignedAuthor></author></act>"##,
        ccda("202")
    );
    let found = resource(&map_entry(&note, "11506-3").0, "DocumentReference");
    assert_eq!((&found["status"], &found["docStatus"]), (&"current".into(), &"final".into()));
    assert_eq!(found["type"]["coding"][1]["code"], "11506-3");
    assert_eq!(found["content"][0]["attachment"]["data"], "dGV4dCBvZiBuMQ==");
    let image = r#"<observationMedia classCode="OBS" moodCode="EVN" ID="i1"><value mediaType="image/png"
        representation="B64">iVBORw0KGgo=</value></observationMedia>"#;
    assert_eq!(resource(&map_entry(image, "").0, "Media")["content"]["contentType"], "image/png");
    let paper = image.replace("image/png", "application/pdf");
    assert_eq!(resources(&map_entry(&paper, "").0, "DocumentReference").len(), 1);
}

#[test]
fn studies_series_and_instances() {
    let entry = r#"<act classCode="ACT" moodCode="EVN"><templateId root="2.16.840.1.113883.10.20.6.2.6"/>
        <id root="1.2.840.1"/><code code="113014" codeSystem="1.2.840.10008.2.16.4"/><effectiveTime value="20260401"/>
        <entryRelationship typeCode="COMP"><act classCode="ACT" moodCode="EVN"><id root="1.2.840.1.1"/>
        <code code="113015" codeSystem="1.2.840.10008.2.16.4"><qualifier><name code="121139"
        codeSystem="1.2.840.10008.2.16.4"/><value code="CR" codeSystem="1.2.840.10008.2.16.4"/></qualifier></code>
        <entryRelationship typeCode="COMP"><observation classCode="DGIMG" moodCode="EVN"><id root="1.2.840.1.1.1"/>
        <code code="1.2.840.10008.5.1.4.1.1.1" codeSystem="1.2.840.10008.2.6.1"/></observation></entryRelationship></act>
        </entryRelationship></act>"#;
    let found = resource(&map_entry(entry, "").0, "ImagingStudy");
    assert_eq!(found["identifier"][0]["value"], "urn:oid:1.2.840.1");
    assert_eq!(found["series"][0]["modality"]["code"], "CR");
    assert_eq!(found["series"][0]["instance"][0]["sopClass"]["code"], "urn:oid:1.2.840.10008.5.1.4.1.1.1");
}
