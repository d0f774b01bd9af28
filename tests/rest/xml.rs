//! FHIR XML wherever FHIR JSON is (checklist NEG-09, CREATE-06): every answer says the same in both.

use crate::gateway::Ask;
use crate::{observation, patient, served};
use serde_json::{Value, json};
use tasuki::decode::fhir_xml::to_json;

#[test]
fn every_answer_says_the_same_in_xml() {
    let served = served();
    let search = format!("/Condition?patient={}", &patient()[1..]);
    for path in [
        patient(),
        observation(&served),
        search,
        format!("{}/$everything", patient()),
        "/metadata".into(),
        "/Patient/unknown".into(),
        "/Foo".into(),
    ] {
        let json = served.ask(Ask::get("hospital", path.as_str()).with("accept", "application/fhir+json"));
        let xml = served.ask(Ask::get("hospital", path.as_str()).with("accept", "application/fhir+xml"));
        assert_eq!(json.status, xml.status, "{path}");
        let read = to_json(&xml.bytes).unwrap_or_else(|issue| panic!("{path}: {} {}", issue.place, issue.english()));
        assert!(read.issues.is_empty(), "{path}");
        let read: Value = serde_json::from_str(&read.value).unwrap();
        assert_eq!(read, json.json(), "NEG-09 {path}");
    }
}

/// CREATE-06, OO-02: what is wrong with a body in XML is said with its line and column.
#[test]
fn broken_xml_is_refused_with_its_place() {
    let served = served();
    let patient = |inside: &str| format!("<Organization xmlns=\"http://hl7.org/fhir\">\n{inside}\n</Organization>");
    for (body, location, expression) in [
        ("<Organization".to_owned(), Some("line 1, column 1"), None),
        (patient("<id value=\"o\">"), Some("line 3, column 1"), None),
        (patient("  <unheard value=\"o\"/>"), Some("line 2, column 3"), Some("Organization.unheard")),
        ("<!DOCTYPE x><Organization xmlns=\"http://hl7.org/fhir\"/>".into(), Some("line 1, column 1"), None),
        (String::new(), None, None),
    ] {
        let ask = Ask { method: "PUT", body: body.clone().into_bytes(), ..Ask::get("office", "/Organization/o") };
        let answer = served.ask(ask.with("content-type", "application/fhir+xml"));
        let issue = &answer.json()["issue"][0];
        assert_eq!(answer.status, 400, "CREATE-06 {body}");
        if location.is_some() {
            assert_eq!(issue["location"][0].as_str(), location, "CREATE-06 {body}: {issue}");
        }
        assert_eq!(issue["expression"][0].as_str(), expression, "OO-02 {body}");
    }
}

/// NEG-11, NEG-12: what came in as XML goes out as JSON with every digit, and the other way round.
#[test]
fn what_came_as_xml_is_kept() {
    let served = served();
    let xml = "<Organization xmlns=\"http://hl7.org/fhir\"><id value=\"o\"/>\
               <extension url=\"urn:x\"><valueDecimal value=\"1.00\"/></extension><name value=\"襷 &amp; 山田\">\
               <extension url=\"urn:y\"><valueCode value=\"a\"/></extension></name></Organization>";
    let ask = Ask { method: "PUT", body: xml.as_bytes().to_vec(), ..Ask::get("office", "/Organization/o") };
    assert_eq!(served.ask(ask.with("content-type", "application/fhir+xml")).status, 200);
    let mut read = served.get("office", "/Organization/o").json();
    read.as_object_mut().unwrap().remove("meta");
    let expected = json!({
        "resourceType": "Organization", "id": "o", "extension": [{"url": "urn:x", "valueDecimal": crate::Number::of("1.00")}],
        "name": "襷 & 山田", "_name": {"extension": [{"url": "urn:y", "valueCode": "a"}]}
    });
    assert_eq!(read, expected, "NEG-12");
    let again = served.get("office", "/Organization/o?_format=xml").body;
    let inside = xml.split_once("<extension").unwrap().1;
    assert!(again.ends_with(inside), "NEG-11: {again}");
}
