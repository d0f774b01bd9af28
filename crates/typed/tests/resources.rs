//! The typed model over small synthetic resources: what it reads, what it keeps, what it says when it refuses.

use serde_json::Value;
use tasuki_typed::{Reading, lost, read, round_trip};

const PATIENT: &str = r#"{
  "resourceType": "Patient",
  "id": "p-1",
  "meta": {"lastUpdated": "2026-04-01T09:00:00.000+09:00"},
  "identifier": [{"system": "urn:oid:1.2.392.100495.20.3.51.11311234567", "value": "00012345"}],
  "name": [
    {
      "extension": [{"url": "http://hl7.org/fhir/StructureDefinition/iso21090-EN-representation", "valueCode": "IDE"}],
      "use": "official", "text": "襷　花子", "family": "襷", "given": ["花子"]
    },
    {"use": "official", "text": "タスキ　ハナコ", "family": "タスキ", "given": ["ハナコ", null], "_given": [null, {"id": "g"}]}
  ],
  "gender": "female",
  "birthDate": "1941-05",
  "_birthDate": {"extension": [{"url": "http://example.org/era", "valueString": "昭和16年5月"}]},
  "multipleBirthInteger": 2,
  "contact": [{"name": {"text": "襷　太郎"}, "relationship": [{"text": "長男"}]}]
}"#;

const OBSERVATION: &str = r#"{
  "id": "o-1",
  "contained": [{"id": "d", "resourceType": "Device", "deviceName": [{"name": "血圧計　甲", "type": "user-friendly-name"}]}],
  "status": "final",
  "code": {"text": "クレアチニン"},
  "subject": {"reference": "Patient/p-1", "display": "襷　花子"},
  "effectiveDateTime": "2026-04-01T00:00:30.500+00:00",
  "valueQuantity": {"value": 1.00, "unit": "mg/dL"},
  "referenceRange": [{"low": {"value": 0.460}, "high": {"value": 12e-1}, "text": "0.46～1.2"}],
  "resourceType": "Observation"
}"#;

fn pointers(json: &str) -> Vec<String> {
    lost(json).unwrap_or_else(|error| vec![error])
}

#[test]
fn a_patient_is_read_and_kept_whole() {
    let expected = Reading { resource_type: "Patient".to_owned(), id: Some("p-1".to_owned()) };
    assert_eq!(read(PATIENT), Ok(expected));
    assert_eq!(pointers(PATIENT), [""; 0]);
}

#[test]
fn the_type_may_stand_last_and_the_id_may_be_absent() {
    let expected = Reading { resource_type: "Basic".to_owned(), id: None };
    assert_eq!(read(r#"{"code": {"text": "覚書"}, "resourceType": "Basic"}"#), Ok(expected));
}

/// Fails where `arbitrary_precision` reaches the model's buffer; see `tree.rs`.
#[test]
fn numbers_are_numbers_though_their_text_changes() {
    assert_eq!(pointers(OBSERVATION), [""; 0]);
    let written = round_trip(OBSERVATION).unwrap_or_else(|error| error);
    assert!(written.contains(r#""valueQuantity":{"value":1.0,"#), "{written}");
    assert!(written.contains(r#""2026-04-01T00:00:30.5Z""#), "{written}");
    assert!(written.contains("クレアチニン"), "{written}");
}

#[test]
fn what_the_model_does_not_know_is_named_by_its_place() {
    let json = PATIENT
        .replace(r#""id": "p-1","#, r#""id": "p-1", "blood/type": "A", "photo": [],"#)
        .replace(r#""text": "長男""#, r#""text": "長男", "texts": "長男""#);
    assert_eq!(pointers(&json), ["/blood~1type", "/photo", "/contact/0/relationship/0/texts"]);
}

#[test]
fn a_choice_of_the_wrong_type_and_a_second_choice_are_lost() {
    let wrong = OBSERVATION.replace(r#"{"value": 1.00, "unit": "mg/dL"}"#, r#""1.00 mg/dL""#);
    assert_eq!(pointers(&wrong), ["/valueQuantity"]);
    let second = OBSERVATION.replace(r#""status": "final","#, r#""status": "final", "valueString": "高い","#);
    assert_eq!(pointers(&second), ["/valueQuantity"]);
}

#[test]
fn a_changed_offset_or_value_is_a_change() {
    let json = PATIENT.replace("2026-04-01T09:00:00.000+09:00", "2026-04-01T09:00:00-00:00");
    assert_eq!(pointers(&json), [""; 0], "the same instant at the same offset");
    let json = PATIENT.replace(r#""multipleBirthInteger": 2"#, r#""photo": [{"data": "AA ="}]"#);
    assert!(lost(&json).is_err(), "broken base64 is refused");
}

#[test]
fn each_refusal_is_its_own_sentence() {
    let refused = |json: &str| read(json).err().unwrap_or_default();
    for (json, sentence) in [
        ("{\"resourceType\": \"Pat", "The text is not JSON (line 1, column 21)."),
        (r#"["Patient", {}]"#, "A resource is a JSON object, and this is none."),
        (r#"{"id": "1"}"#, "The required element resourceType is missing."),
        (r#"{"resourceType": "Karte"}"#, "A resource type or a choice is not one that the model knows."),
        (
            r#"{"resourceType": "Patient", "id": "1", "id": "2"}"#,
            "The JSON names an element twice (line 1, column 43).",
        ),
        (r#"{"resourceType": "Patient", "gender": "女"}"#, "A code is not one that its element allows."),
        (
            r#"{"resourceType": "Patient", "birthDate": "昭和16年"}"#,
            "A value is not written as its element's type asks.",
        ),
        (r#"{"resourceType": "Patient", "name": "花子"}"#, "There is a string where a sequence is expected."),
        (r#"{"resourceType": "Observation", "status": "final"}"#, "The required element code is missing."),
        (
            r#"{"resourceType": "Patient", "multipleBirthInteger": 1e999}"#,
            "A value is not written as its element's type asks.",
        ),
    ] {
        assert_eq!(refused(json), sentence, "{json}");
    }
}

/// Puts a marker in the place of every value in turn, as text, as a member's name and inside what was there.
#[test]
fn no_error_holds_a_value_of_the_input() {
    const MARKER: &str = "印4649";
    let mut refused = 0;
    for json in [PATIENT, OBSERVATION] {
        let tree: Value = serde_json::from_str(json).unwrap_or_default();
        for place in places(&tree, "") {
            let held = tree.pointer(&place).cloned().unwrap_or_default();
            let text = held.as_str().unwrap_or_default();
            for marked in [
                Value::from(MARKER),
                Value::from(format!("{text}{MARKER}")),
                Value::from(4649),
                Value::from(-4649.5),
                serde_json::json!({ MARKER: MARKER }),
                serde_json::json!([MARKER, held]),
            ] {
                let mut changed = tree.clone();
                if let Some(element) = changed.pointer_mut(&place) {
                    *element = marked;
                }
                let changed = changed.to_string();
                for error in [read(&changed).err(), round_trip(&changed).err(), lost(&changed).err()].iter().flatten() {
                    refused += 1;
                    assert!(!error.contains("4649"), "{error}");
                    assert_eq!(error.find(". ").or(error.find('\n')), None, "not one sentence: {error}");
                }
            }
        }
    }
    assert!(refused > 300, "{refused}");
}

fn places(tree: &Value, place: &str) -> Vec<String> {
    let children: Vec<(String, &Value)> = match tree {
        Value::Object(members) => members.iter().map(|(name, value)| (name.clone(), value)).collect(),
        Value::Array(elements) => {
            elements.iter().enumerate().map(|(index, value)| (index.to_string(), value)).collect()
        }
        _ => Vec::new(),
    };
    let below = children.iter().flat_map(|(name, value)| places(value, &format!("{place}/{name}")));
    std::iter::once(place.to_owned()).chain(below).filter(|place| !place.is_empty()).collect()
}

#[test]
fn text_that_nests_deeply_is_refused_or_read_but_does_not_end_the_process() {
    let nested = |open: &str, levels: usize, close: &str| {
        format!(r#"{}{{"resourceType": "Basic", "code": {{}}}}{}"#, open.repeat(levels), close.repeat(levels))
    };
    let bundle = r#"{"resourceType": "Bundle", "type": "collection", "entry": [{"resource": "#;
    assert_eq!(pointers(&nested(bundle, 41, "}]}")), [""; 0]);
    assert!(read(&nested(bundle, 43, "}]}")).is_err());
    let parameters = r#"{"resourceType": "Parameters", "parameter": [{"name": "x", "resource": "#;
    assert_eq!(pointers(&nested(parameters, 41, "}]}")), [""; 0]);
    assert!(read(&nested("[", 100_000, "]")).is_err());
}
