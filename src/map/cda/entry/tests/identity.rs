//! Which resource a statement is, what is told twice, and what is reported.

use super::{ccda, issues, map_entry, resource, resources, snomed};
use crate::map::cda::entry::{STATEMENT_DEPTH_MAX, Within, map};

fn observation(id: &str, code: &str, value: &str) -> String {
    format!(
        r#"<observation classCode="OBS" moodCode="EVN">{id}<code code="{code}" codeSystem="2.16.840.1.113883.6.1"/>
        <value xsi:type="PQ" value="{value}" unit="mg"/></observation>"#
    )
}

const ID: &str = r#"<id root="1.2.3" extension="A"/>"#;

#[test]
fn the_same_id_is_one_resource_and_the_fuller_telling_stays() {
    let fuller = observation(ID, "1-8", "5").replace("</observation>", "<text>seen twice</text></observation>");
    for both in [format!("{}{fuller}", observation(ID, "1-8", "5")), format!("{fuller}{}", observation(ID, "1-8", "5"))]
    {
        let (out, references) = map_entry(&both, "");
        assert_eq!(references.len(), 1);
        assert_eq!(resource(&out, "Observation")["note"][0]["text"], "seen twice");
        assert_eq!(issues(&out), ["cda-told-twice"]);
    }
}

#[test]
fn one_id_on_two_things_gives_two_resources() {
    let both = format!("{}{}", observation(ID, "1-8", "5"), observation(ID, "2-6", "7"));
    let (out, references) = map_entry(&both, "");
    assert_eq!((references.len(), resources(&out, "Observation").len()), (2, 2));
    assert_eq!(issues(&out), ["cda-reused-id"]);
}

#[test]
fn without_an_id_the_content_tells_things_apart() {
    let one = observation(r#"<id nullFlavor="NI"/>"#, "1-8", "5");
    let other = observation("", "1-8", "6");
    let (_, first) = map_entry(&format!("{one}{other}{one}"), "30954-2");
    let (_, again) = map_entry(&format!("{one}{other}{one}"), "30954-2");
    assert_eq!((first.len(), &first), (3, &again));
    let (_, moved) = map_entry(&format!("{other}{one}"), "30954-2");
    assert_eq!(moved, [first[1].clone(), first[0].clone()]);
}

#[test]
fn a_pointer_is_what_it_points_to() {
    let problem = format!(
        r#"<act classCode="ACT" moodCode="EVN">{}<id root="1.2.3" extension="act"/><entryRelationship typeCode="SUBJ">
        <observation classCode="OBS" moodCode="EVN">{}{ID}{}</observation></entryRelationship></act>"#,
        ccda("3"),
        ccda("4"),
        snomed("1", "x")
    );
    let pointer = |extension: &str| {
        let act = r#"<act classCode="ACT" moodCode="EVN">"#;
        format!(r#"{act}{}<id root="1.2.3" extension="{extension}"/><code nullFlavor="NP"/></act>"#, ccda("122"))
    };
    let (out, references) = map_entry(&format!("{problem}{}{}", pointer("A"), pointer("act")), "11450-4");
    assert_eq!((references.len(), resources(&out, "Condition").len()), (1, 1));
    let (out, references) = map_entry(&pointer("B"), "11450-4");
    assert!(references.is_empty());
    assert_eq!(issues(&out), ["cda-points-nowhere"]);
}

#[test]
fn every_element_that_nobody_reads_is_reported_with_its_place() {
    let entry = observation(ID, "1-8", "5").replace(
        "</observation>",
        r#"<derivationExpr>a+b</derivationExpr><informant nullFlavor="NI"/><x:unknown xmlns:x="urn:x">y</x:unknown>
        <participant typeCode="CST"><participantRole/></participant><entryRelationship typeCode="REFR"><foo/>
        </entryRelationship></observation>"#,
    );
    let (out, _) = map_entry(&entry, "");
    let found: Vec<String> = out.issues().iter().map(|issue| format!("{} {}", issue.place, issue.detail)).collect();
    assert_eq!(
        found,
        [
            "/entry/observation/entryRelationship entryRelationship REFR",
            "/entry/observation/derivationExpr derivationExpr",
            "/entry/observation/unknown unknown",
            "/entry/observation/participant participant CST",
        ]
    );
}

#[test]
fn statements_nested_too_deep_are_reported_and_cost_no_stack() {
    let nested = |depth: usize| {
        let open = r#"<act classCode="ACT" moodCode="EVN"><code code="CONC"/><entryRelationship typeCode="SUBJ">"#;
        format!("{}{}{}", open.repeat(depth), observation(ID, "1-8", "5"), "</entryRelationship></act>".repeat(depth))
    };
    let (out, references) = map_entry(&nested(STATEMENT_DEPTH_MAX - 1), "");
    assert_eq!((references.len(), issues(&out)), (1, vec![]));
    let (out, references) = map_entry(&nested(STATEMENT_DEPTH_MAX), "");
    assert_eq!((references.len(), issues(&out)), (0, vec!["cda-too-deep"]));
}

#[test]
fn a_statement_without_anything_is_reported_and_the_rest_goes_on() {
    let (out, references) = map_entry(&format!(r#"<act/><regionOfInterest/>{}"#, observation(ID, "1-8", "5")), "");
    assert_eq!((references.len(), issues(&out)), (1, vec!["cda-unknown-statement", "cda-unknown-statement"]));
}

#[test]
fn author_and_encounter_come_from_around() {
    let xml = format!(
        "<entry xmlns=\"urn:hl7-org:v3\" xmlns:xsi=\"http://www.w3.org/2001/XMLSchema-instance\">{}</entry>",
        observation(ID, "1-8", "5")
    );
    let document = super::parse(&xml);
    let mut out = super::output();
    let within = Within {
        section_code: "30954-2",
        section_system: "2.16.840.1.113883.6.1",
        author: Some("Practitioner/x"),
        encounter: Some("Encounter/y"),
        text: &|_| None,
    };
    map(document.root_element(), &within, &mut out);
    let found = resource(&out, "Observation");
    assert_eq!(found["performer"][0]["reference"], "Practitioner/x");
    assert_eq!(found["encounter"]["reference"], "Encounter/y");
}
