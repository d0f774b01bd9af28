//! Problems to Condition (C-CDA on FHIR, problems; facts of FHIR invariants con-3 to con-5).

use super::{ccda, issues, map_entry, resource, snomed};

fn concern(status: &str, attributes: &str, observation: &str) -> String {
    format!(
        r#"<act classCode="ACT" moodCode="EVN">{}<id root="1.2.3" extension="act"/>
        <code code="CONC" codeSystem="2.16.840.1.113883.5.6"/><statusCode code="{status}"/>
        <entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN" {attributes}>{}
        <id root="1.2.3" extension="P"/><code code="55607006" codeSystem="2.16.840.1.113883.6.96"/>
        <statusCode code="completed"/>{observation}</observation></entryRelationship></act>"#,
        ccda("3"),
        ccda("4")
    )
}

fn status(value: &str) -> String {
    format!(
        r#"<entryRelationship typeCode="REFR"><observation classCode="OBS" moodCode="EVN">{}
        <code code="33999-4" codeSystem="2.16.840.1.113883.6.1"/><statusCode code="completed"/>{}
        </observation></entryRelationship>"#,
        ccda("6"),
        snomed(value, "")
    )
}

fn clinical(act: &str) -> String {
    let (out, _) = map_entry(act, "11450-4");
    resource(&out, "Condition")["clinicalStatus"]["coding"][0]["code"].as_str().unwrap().to_owned()
}

#[test]
fn a_concern_gives_the_condition_it_is_concerned_with() {
    let problem = format!(
        r##"<effectiveTime><low value="20120806"/></effectiveTime>{}"##,
        r##"<value xsi:type="CD" code="233604007" codeSystem="2.16.840.1.113883.6.96" displayName="Pneumonia">
        <originalText><reference value="#p1"/></originalText>
        <translation code="J18.9" codeSystem="2.16.840.1.113883.6.90"/></value>
        <targetSiteCode code="39607008" codeSystem="2.16.840.1.113883.6.96" displayName="Lung"/>
        <author><time value="20140104"/><assignedAuthor><id root="2.16.840.1.113883.4.6" extension="99"/>
        <assignedPerson><name><given>Test</given><family>Doctor</family></name></assignedPerson></assignedAuthor></author>
        <entryRelationship typeCode="SUBJ" inversionInd="true"><act classCode="ACT" moodCode="EVN">
        <templateId root="2.16.840.1.113883.10.20.22.4.64"/><code code="48767-8" codeSystem="2.16.840.1.113883.6.1"/>
        <text>watch</text></act></entryRelationship>"##
    );
    let (out, references) = map_entry(&concern("active", "", &problem), "11450-4");
    let condition = resource(&out, "Condition");
    assert_eq!(references, [format!("Condition/{}", condition["id"].as_str().unwrap())]);
    assert_eq!(condition["identifier"][0]["value"], "P");
    assert_eq!(condition["category"][0]["coding"][0]["code"], "problem-list-item");
    assert_eq!(condition["code"]["coding"][1]["system"], "http://hl7.org/fhir/sid/icd-10-cm");
    assert_eq!(condition["code"]["text"], "text of p1");
    assert_eq!(condition["bodySite"][0]["text"], "Lung");
    assert_eq!(condition["onsetDateTime"], "2012-08-06");
    assert_eq!(condition["recordedDate"], "2014-01-04");
    assert_eq!(condition["note"][0]["text"], "watch");
    assert!(condition["recorder"]["reference"].as_str().unwrap().starts_with("Practitioner/"));
    assert!(condition.get("verificationStatus").is_none());
    assert!(issues(&out).is_empty());
}

#[test]
fn the_status_observation_counts_before_the_concern_and_an_end_ends() {
    let time = |content: &str| format!("<effectiveTime>{content}</effectiveTime>{}", snomed("1", "x"));
    let open = time(r#"<low value="2012"/>"#);
    let ended = time(r#"<low value="2012"/><high value="2013"/>"#);
    let ended_unknown = time(r#"<low value="2012"/><high nullFlavor="UNK"/>"#);
    assert_eq!(clinical(&concern("active", "", &open)), "active");
    assert_eq!(clinical(&concern("completed", "", &open)), "inactive");
    assert_eq!(clinical(&concern("active", "", &format!("{open}{}", status("246455001")))), "recurrence");
    assert_eq!(clinical(&concern("active", "", &format!("{open}{}", status("277022003")))), "remission");
    assert_eq!(clinical(&concern("completed", "", &format!("{open}{}", status("55561003")))), "active");
    assert_eq!(clinical(&concern("active", "", &ended)), "resolved");
    assert_eq!(clinical(&concern("active", "", &format!("{ended}{}", status("55561003")))), "resolved");
    assert_eq!(clinical(&concern("active", "", &format!("{ended}{}", status("73425007")))), "inactive");
    assert_eq!(clinical(&concern("active", "", &ended_unknown)), "resolved");
    let (out, _) = map_entry(&concern("active", "", &ended_unknown), "11450-4");
    let reason = &resource(&out, "Condition")["_abatementDateTime"]["extension"][0];
    assert_eq!(reason["valueCode"], "unknown");
}

#[test]
fn what_is_denied_is_refuted_and_nothing_denied_is_no_problem() {
    let (out, _) = map_entry(&concern("active", r#"negationInd="true""#, &snomed("233604007", "Pneumonia")), "11450-4");
    let condition = resource(&out, "Condition");
    assert_eq!(condition["verificationStatus"]["coding"][0]["code"], "refuted");
    assert_eq!(condition["code"]["coding"][0]["code"], "233604007");
    let (out, _) = map_entry(&concern("active", r#"negationInd="true""#, &snomed("55607006", "Problem")), "11450-4");
    let condition = resource(&out, "Condition");
    assert_eq!(condition["code"]["coding"][0]["code"], "160245001");
    assert!(condition.get("verificationStatus").is_none());
}

#[test]
fn an_error_has_no_clinical_status() {
    let act = concern("active", "", &snomed("1", "x"))
        .replace(r#"<statusCode code="completed"/><value"#, r#"<statusCode code="nullified"/><value"#);
    let (out, _) = map_entry(&act, "11450-4");
    let condition = resource(&out, "Condition");
    assert_eq!(condition["verificationStatus"]["coding"][0]["code"], "entered-in-error");
    assert!(condition.get("clinicalStatus").is_none());
}

#[test]
fn an_age_is_the_onset_unless_a_date_is_told() {
    let age = |time: &str| {
        let inner = format!(
            r#"{time}{}<entryRelationship typeCode="SUBJ" inversionInd="true"><observation classCode="OBS" moodCode="EVN">{}
            <code code="445518008" codeSystem="2.16.840.1.113883.6.96"/><value xsi:type="PQ" value="65" unit="a"/>
            </observation></entryRelationship>"#,
            snomed("1", "x"),
            ccda("31")
        );
        resource(&map_entry(&concern("active", "", &inner), "11450-4").0, "Condition")
    };
    assert_eq!(age("")["onsetAge"]["value"], 65);
    let dated = age(r#"<effectiveTime><low value="2012"/></effectiveTime>"#);
    assert_eq!(dated["onsetDateTime"], "2012");
    assert!(dated.get("onsetAge").is_none());
    assert_eq!(dated["note"][0]["text"], "Age at onset: 65 a");
}

#[test]
fn sections_and_diagnosis_acts_say_the_category() {
    let category = |act: &str, section: &str| {
        let condition = resource(&map_entry(act, section).0, "Condition");
        condition["category"][0]["coding"][0]["code"].as_str().map(str::to_owned)
    };
    let plain = concern("active", "", &snomed("1", "x"));
    assert_eq!(category(&plain, "75310-3").as_deref(), Some("health-concern"));
    assert_eq!(category(&plain, "11535-2").as_deref(), Some("encounter-diagnosis"));
    assert_eq!(category(&plain, "11348-0"), None);
    let discharge = plain.replace(".22.4.3\"", ".22.4.33\"").replace("CONC", "11535-2");
    assert_eq!(category(&discharge, "8648-8").as_deref(), Some("encounter-diagnosis"));
}

#[test]
fn a_bare_observation_in_a_problem_section_is_a_condition() {
    let bare = format!(
        r#"<observation classCode="OBS" moodCode="EVN"><code code="409586006" codeSystem="2.16.840.1.113883.6.96"
        displayName="Complaint"/><statusCode code="completed"/>{}</observation>"#,
        snomed("29857009", "Chest pain")
    );
    let (out, _) = map_entry(&bare, "11450-4");
    let condition = resource(&out, "Condition");
    assert_eq!(condition["code"]["text"], "Chest pain");
    assert_eq!(condition["category"][1]["text"], "Complaint");
    let (out, _) = map_entry(&bare, "10164-2");
    assert_eq!(resource(&out, "Observation")["valueCodeableConcept"]["text"], "Chest pain");
}
