//! Allergies to AllergyIntolerance (C-CDA on FHIR, allergies).

use serde_json::Value;

use super::{ccda, issues, map_entry, resource, snomed};

fn allergy(attributes: &str, kind: &str, more: &str) -> Value {
    let (out, _) = map_entry(&entry(attributes, kind, more), "48765-2");
    resource(&out, "AllergyIntolerance")
}

fn entry(attributes: &str, kind: &str, more: &str) -> String {
    format!(
        r#"<act classCode="ACT" moodCode="EVN">{}<id root="1.2.3" extension="act"/><statusCode code="active"/>
        <entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN" {attributes}>{}
        <id root="1.2.3" extension="A"/><code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>
        <statusCode code="completed"/><effectiveTime><low value="20080501"/></effectiveTime>{}{more}
        </observation></entryRelationship></act>"#,
        ccda("30"),
        ccda("7"),
        snomed(kind, "")
    )
}

fn substance(code: &str, display: &str) -> String {
    format!(
        r#"<participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT">
        <code code="{code}" codeSystem="2.16.840.1.113883.6.88" displayName="{display}"/></playingEntity>
        </participantRole></participant>"#
    )
}

fn severity(code: &str) -> String {
    format!(
        r#"<entryRelationship typeCode="SUBJ" inversionInd="true"><observation classCode="OBS" moodCode="EVN">{}
        <code code="SEV" codeSystem="2.16.840.1.113883.5.4"/>{}</observation></entryRelationship>"#,
        ccda("8"),
        snomed(code, "")
    )
}

fn reaction(severity: &str) -> String {
    format!(
        r#"<entryRelationship typeCode="MFST" inversionInd="true"><observation classCode="OBS" moodCode="EVN">{}
        <id nullFlavor="NI"/><code code="ASSERTION" codeSystem="2.16.840.1.113883.5.4"/>
        <effectiveTime><low value="20080502"/></effectiveTime>{}{severity}</observation></entryRelationship>"#,
        ccda("9"),
        snomed("247472004", "Wheal")
    )
}

fn code(allergy: &Value, name: &str) -> String {
    allergy[name]["coding"][0]["code"].as_str().unwrap_or_default().to_owned()
}

#[test]
fn substance_kind_and_reaction() {
    let more = format!("{}{}", substance("1191", "Aspirin"), reaction(&severity("24484000")));
    let found = allergy("", "419511003", &more);
    assert_eq!(code(&found, "clinicalStatus"), "active");
    assert!(found.get("verificationStatus").is_none());
    assert_eq!((found.get("type"), &found["category"][0]), (None, &Value::from("medication")));
    assert_eq!(found["code"]["text"], "Aspirin");
    assert_eq!(found["onsetDateTime"], "2008-05-01");
    let reaction = &found["reaction"][0];
    assert_eq!(reaction["manifestation"][0]["coding"][0]["code"], "247472004");
    assert_eq!((&reaction["severity"], &reaction["onset"]), (&"severe".into(), &"2008-05-02".into()));
}

#[test]
fn kinds_follow_the_published_map() {
    let cases = [
        ("416098002", "allergy", "medication"),
        ("414285001", "allergy", "food"),
        ("419199007", "allergy", ""),
        ("59037007", "intolerance", "medication"),
        ("235719002", "intolerance", "food"),
        ("418471000", "", "food"),
        ("420134006", "", ""),
    ];
    for (value, kind, category) in cases {
        let found = allergy("", value, &substance("1191", "Aspirin"));
        assert_eq!(found["type"].as_str().unwrap_or_default(), kind, "{value}");
        assert_eq!(found["category"][0].as_str().unwrap_or_default(), category, "{value}");
    }
}

#[test]
fn a_denied_allergy_to_nothing_in_particular_is_no_known_allergy() {
    let nothing = r#"<participant typeCode="CSM"><participantRole classCode="MANU"><playingEntity classCode="MMAT">
        <code nullFlavor="NA"/></playingEntity></participantRole></participant>"#;
    for (kind, expected) in
        [("419199007", "716186003"), ("416098002", "409137002"), ("414285001", "429625007"), ("426232007", "428607008")]
    {
        let found = allergy(r#"negationInd="true""#, kind, nothing);
        assert_eq!(
            (code(&found, "code").as_str(), code(&found, "verificationStatus").as_str()),
            (expected, "confirmed")
        );
    }
    let peanuts = allergy(r#"negationInd="true""#, "414285001", &substance("762952008", "Peanut"));
    assert_eq!(code(&peanuts, "code"), "762952008");
    assert_eq!(code(&peanuts, "verificationStatus"), "refuted");
}

#[test]
fn the_severity_of_an_allergy_goes_where_it_can() {
    let aspirin = substance("1191", "Aspirin");
    let on_reaction = allergy("", "419511003", &format!("{aspirin}{}{}", reaction(""), severity("6736007")));
    assert_eq!(on_reaction["reaction"][0]["severity"], "moderate");
    let on_itself = allergy("", "419511003", &format!("{aspirin}{}", severity("24484000")));
    assert_eq!(on_itself["criticality"], "high");
    let beside = format!("{aspirin}{}{}", reaction(&severity("255604002")), severity("24484000"));
    let beside = allergy("", "419511003", &beside);
    assert_eq!((&beside["reaction"][0]["severity"], &beside["criticality"]), (&"mild".into(), &"high".into()));
    let (out, _) = map_entry(&entry("", "419511003", &format!("{aspirin}{}", severity("6736007"))), "48765-2");
    assert_eq!(issues(&out), ["cda-severity-without-reaction"]);
}

#[test]
fn criticality_status_and_end() {
    let criticality = r#"<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN">
        <code code="82606-5" codeSystem="2.16.840.1.113883.6.1"/><value xsi:type="CD" code="CRITL"
        codeSystem="2.16.840.1.113883.5.1063"/></observation></entryRelationship>"#;
    let status = format!(
        r#"<entryRelationship typeCode="SUBJ"><observation classCode="OBS" moodCode="EVN">{}
        <code code="33999-4" codeSystem="2.16.840.1.113883.6.1"/>{}</observation></entryRelationship>"#,
        ccda("28"),
        snomed("73425007", "Inactive")
    );
    let found = allergy("", "419511003", &format!("{}{criticality}{status}", substance("1191", "Aspirin")));
    assert_eq!(found["criticality"], "low");
    assert_eq!(code(&found, "clinicalStatus"), "inactive");
    let ended = entry("", "419511003", &substance("1191", "Aspirin"))
        .replace(r#"<low value="20080501"/>"#, r#"<low value="20080501"/><high value="2020"/>"#);
    let ended = resource(&map_entry(&ended, "48765-2").0, "AllergyIntolerance");
    assert_eq!(code(&ended, "clinicalStatus"), "resolved");
    assert_eq!(ended["extension"][0]["valueDateTime"], "2020");
}
