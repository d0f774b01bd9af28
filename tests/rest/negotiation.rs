//! In which form an answer comes (checklist NEG, BASE-07): `Accept`, `_format`, `_pretty`, `Content-Type`.

use crate::gateway::Ask;
use crate::{issue, observation, patient, served};
use serde_json::{Value, json};

#[test]
fn an_answer_has_the_form_that_is_asked_for() {
    let served = served();
    let utf8 = |name: &str| format!("{name}; charset=utf-8");
    let (fhir_json, fhir_xml) = (utf8("application/fhir+json"), utf8("application/fhir+xml"));
    // The row of the checklist, Accept, the query, and the media type that is answered; none for 406.
    let cases: [(&str, Option<&str>, &str, Option<String>); 26] = [
        ("NEG-01", None, "", Some(fhir_json.clone())),
        ("NEG-01", Some("application/fhir+json"), "", Some(fhir_json.clone())),
        ("NEG-02", Some("*/*"), "", Some(fhir_json.clone())),
        ("NEG-02", Some("application/fhir+xml;q=0.9, application/fhir+json;q=0.5"), "", Some(fhir_xml.clone())),
        ("NEG-02", Some("application/pdf, */*;q=0.1"), "", Some(fhir_json.clone())),
        ("NEG-03", Some("application/json"), "", Some(utf8("application/json"))),
        ("NEG-03", Some("text/json"), "", Some(utf8("text/json"))),
        ("NEG-03", Some("application/xml"), "", Some(utf8("application/xml"))),
        ("NEG-03", Some("text/xml"), "", Some(utf8("text/xml"))),
        ("NEG-04", Some("application/pdf"), "", None),
        ("NEG-04", Some("application/fhir+turtle"), "", None),
        ("NEG-06", Some("application/fhir+json"), "_format=xml", Some(fhir_xml.clone())),
        ("NEG-06", Some("application/pdf"), "_format=json", Some(fhir_json.clone())),
        ("NEG-06", None, "_format=application/json", Some(utf8("application/json"))),
        ("NEG-06", None, "_format=application/fhir%2Bjson", Some(fhir_json.clone())),
        ("NEG-06", None, "_format=application/fhir+json", Some(fhir_json.clone())),
        ("NEG-06", None, "_format=application/fhir+xml", Some(fhir_xml.clone())),
        ("NEG-06", None, "_format=text/xml", Some(utf8("text/xml"))),
        ("NEG-06", None, "_format=text/turtle", None),
        ("NEG-06", None, "_format=html", None),
        ("NEG-08", Some("application/fhir+json; fhirVersion=4.0"), "", Some(fhir_json.clone())),
        ("NEG-08", Some("application/fhir+xml;fhirVersion=4.0"), "", Some(fhir_xml.clone())),
        ("NEG-08", Some("application/fhir+json; fhirVersion=3.0"), "", None),
        ("NEG-08", Some("application/fhir+json; fhirVersion=5.0"), "", None),
        ("NEG-09", Some("application/fhir+xml"), "", Some(fhir_xml.clone())),
        ("NEG-09", None, "_format=xml&_pretty=true", Some(fhir_xml.clone())),
    ];
    for (row, accept, query, expected) in cases {
        for path in [patient(), "/Condition".to_owned(), "/metadata".to_owned(), "/Patient/unknown".to_owned()] {
            // A search of the hospital must name the patient.
            let more = if path == "/Condition" { format!("patient={}", &patient()[1..]) } else { String::new() };
            let path = format!("{path}?{more}&{query}");
            let mut ask = Ask::get("hospital", path.as_str());
            if let Some(accept) = accept {
                ask = ask.with("accept", accept);
            }
            let answer = served.ask(ask);
            let said = answer.header("content-type").map(str::to_owned);
            match &expected {
                Some(_) => assert_eq!(said, expected, "{row} {path} {accept:?}"),
                None => {
                    assert_eq!((answer.status, said.as_ref()), (406, Some(&fhir_json)), "{row} {path} {accept:?}");
                    assert_eq!(issue(&answer).1, "not-acceptable", "{row}");
                }
            }
            let is_xml = said.is_some_and(|said| said.contains("xml"));
            assert_eq!(answer.body.starts_with("<?xml"), is_xml, "{row} {path}: {}", answer.body);
        }
    }
}

/// NEG-04: a write whose answer could not be said is not done.
#[test]
fn nothing_is_written_when_the_answer_would_not_be_acceptable() {
    let served = served();
    let body = json!({"resourceType": "Organization", "id": "o", "name": "x"});
    let refused = served.ask(Ask::put("office", "/Organization/o", &body).with("accept", "application/pdf"));
    assert_eq!(refused.status, 406);
    assert_eq!(served.get("office", "/Organization/o").status, 404);
    assert_eq!(served.ask(Ask::put("office", "/Organization/o", &body)).status, 200);
}

/// NEG-07, NEG-11: indentation changes nothing that is said, no digit of a number.
#[test]
fn indentation_changes_nothing_that_is_said() {
    let served = served();
    for path in [observation(&served), format!("/Condition?patient={}", &patient()[1..])] {
        let mark = if path.contains('?') { '&' } else { '?' };
        let compact = served.get("hospital", path.as_str());
        let said_compact = served.get("hospital", format!("{path}{mark}_pretty=false"));
        let pretty = served.get("hospital", format!("{path}{mark}_pretty=true"));
        assert_eq!(compact.body.lines().count(), 1);
        assert!(pretty.body.lines().count() > 10);
        let without_links = |answer: &crate::gateway::Answer| {
            let mut json = answer.json();
            json.as_object_mut().unwrap().remove("link");
            json
        };
        assert_eq!(without_links(&compact), without_links(&pretty), "NEG-07");
        assert_eq!(without_links(&compact), without_links(&said_compact), "NEG-07");
    }
    let number = served.get("hospital", format!("{}?_pretty=true", observation(&served)));
    assert!(number.body.contains("\"value\": 52.50"), "NEG-11: {}", number.body);
    let xml = served.get("hospital", format!("{}?_pretty=true&_format=xml", observation(&served)));
    assert!(xml.body.contains("\n  <valueQuantity>\n    <value value=\"52.50\"/>\n"), "NEG-11: {}", xml.body);
}

#[test]
fn a_body_is_taken_in_either_form() {
    let served = served();
    let json = json!({"resourceType": "Organization", "id": "o", "name": "x"}).to_string();
    let xml = "<Organization xmlns=\"http://hl7.org/fhir\"><id value=\"o\"/><name value=\"x\"/></Organization>";
    for (row, content_type, body, status) in [
        ("NEG-05", Some("application/fhir+json"), json.as_str(), 200),
        ("NEG-05", Some("application/json"), &json, 200),
        ("NEG-05", Some("text/json"), &json, 200),
        ("NEG-05", Some("application/fhir+json; charset=UTF-8"), &json, 200),
        ("NEG-05", None, &json, 200),
        ("NEG-05", Some("text/plain"), &json, 415),
        ("NEG-05", Some("application/pdf"), &json, 415),
        ("NEG-05", Some("application/fhir+json; charset=Shift_JIS"), &json, 415),
        ("NEG-05", Some(""), &json, 415),
        ("NEG-08", Some("application/fhir+json; fhirVersion=4.0"), &json, 200),
        ("NEG-08", Some("application/fhir+json; fhirVersion=3.0"), &json, 415),
        ("NEG-09", Some("application/fhir+xml"), xml, 200),
        ("NEG-09", Some("application/xml"), xml, 200),
        ("NEG-09", Some("text/xml"), xml, 200),
        ("NEG-09", Some("application/fhir+xml"), &json, 400),
        ("NEG-09", Some("application/fhir+json"), xml, 400),
    ] {
        let mut ask = Ask { method: "PUT", body: body.as_bytes().to_vec(), ..Ask::get("office", "/Organization/o") };
        if let Some(content_type) = content_type {
            ask = ask.with("content-type", content_type);
        }
        let answer = served.ask(ask);
        assert_eq!(answer.status, status, "{row} {content_type:?}: {}", answer.body);
        assert_eq!(answer.json()["resourceType"], "OperationOutcome", "BASE-07");
        if status == 415 {
            assert_eq!(issue(&answer), ("not-supported".into(), "not-fhir".into()), "{row}");
        }
    }
}

/// NEG-18: a Binary is its bytes, unless FHIR is asked for.
#[test]
fn a_binary_is_its_bytes_unless_fhir_is_asked_for() {
    let store = tasuki::store::Store::open_memory();
    let binary = json!({"resourceType": "Binary", "contentType": "text/plain", "data": "6Ki65pat"});
    let sent = crate::bundle("1", "b", &[binary, crate::condition("b", "C1", None)]);
    crate::receive(&store, &crate::letter(crate::gateway::HOSPITAL, "", &sent));
    let gateway = crate::gateway::over(store);
    let chart = gateway.chart(crate::key("1")).unwrap();
    let row = chart.columns.types.iter().position(|kind| kind.name() == "Binary");
    let Some(row) = row else {
        // The mapper keeps none that nothing refers to; the form itself has tests beside the code.
        return println!("not run: the letter gave no Binary");
    };
    let path = format!("/Binary/{}", chart.columns.ids[row].as_str());
    let served = crate::Served::new(gateway);
    for (accept, content_type, body) in [
        ("*/*", "text/plain", Some("診断")),
        ("text/plain", "text/plain", Some("診断")),
        ("application/fhir+json", "application/fhir+json; charset=utf-8", None),
        ("application/fhir+xml", "application/fhir+xml; charset=utf-8", None),
    ] {
        let answer = served.ask(Ask::get("hospital", path.as_str()).with("accept", accept));
        assert_eq!((answer.status, answer.header("content-type")), (200, Some(content_type)), "NEG-18 {accept}");
        assert!(answer.header("etag").is_some(), "META-01");
        match body {
            Some(body) => assert_eq!(answer.body, body, "NEG-18"),
            None => assert!(answer.body.contains("Binary") && answer.body.contains("6Ki65pat"), "NEG-18"),
        }
    }
    let hidden = served.get("agency-a", path.as_str());
    assert_eq!((hidden.status, hidden.json()["resourceType"].clone()), (404, Value::from("OperationOutcome")));
}
