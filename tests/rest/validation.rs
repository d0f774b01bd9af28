//! What resources must meet that are stored (checklist NEG-10 to NEG-16, OO-04, VAL-01, VAL-02, VAL-04 to VAL-06), asked over
//! REST; every rule at its place is in `tests/base_validation.rs`.

use crate::issue;
use crate::writes::{Open, text};
use serde_json::{Value, json};

/// What a gateway says of a Patient with these members: status, rules and places.
fn said(open: &Open, members: &str) -> (u16, Vec<(String, String)>) {
    let body = format!(r#"{{"resourceType":"Patient",{members}}}"#);
    let answer = open.send("POST", "/Patient", &body, &[("prefer", "return=OperationOutcome")]);
    let outcome = answer.json();
    let found = outcome["issue"].as_array().expect("issues").iter().map(|issue| {
        let place = issue["expression"][0].as_str().unwrap_or_default().to_owned();
        (text(&issue["details"]["coding"][0]["code"]).to_owned(), place)
    });
    (answer.status, found.collect())
}

/// Refused, by this rule at this place.
fn refused(open: &Open, row: &str, members: &str, rule: &str, place: &str) {
    let (status, found) = said(open, members);
    assert_eq!(status, 400, "{row} {members} {found:?}");
    assert!(found.contains(&(rule.to_owned(), place.to_owned())), "{row} {members} {found:?}");
}

fn taken(open: &Open, row: &str, members: &str) {
    let (status, found) = said(open, members);
    assert_eq!(status, 201, "{row} {members} {found:?}");
}

#[test]
fn nothing_is_null_or_empty() {
    let open = Open::new();
    for (members, rule, place) in [
        (r#""active":null"#, "fhir-null", "Patient.active"),
        (r#""name":[null]"#, "fhir-null", "Patient.name[0]"),
        (r#""name":[{"given":["a",null]}]"#, "fhir-null", "Patient.name[0].given[1]"),
        (r#""gender":"""#, "fhir-empty", "Patient.gender"),
        (r#""name":[{"family":""}]"#, "fhir-empty", "Patient.name[0].family"),
        (r#""name":[{"family":"  "}]"#, "fhir-empty", "Patient.name[0].family"),
        (r#""name":[]"#, "fhir-empty", "Patient.name"),
        (r#""name":[{}]"#, "fhir-empty", "Patient.name[0]"),
        (r#""maritalStatus":{}"#, "fhir-empty", "Patient.maritalStatus"),
        (r#""meta":{}"#, "fhir-empty", "Patient.meta"),
        (r#""contact":[{"name":{"given":[]}}]"#, "fhir-empty", "Patient.contact[0].name.given"),
    ] {
        refused(&open, "NEG-10", members, rule, place);
    }
    assert_eq!(open.total("/Patient"), 0, "NEG-10");
    taken(
        &open,
        "NEG-10",
        r#""name":[{"given":["a",null],"_given":[null,{"extension":[{"url":"urn:x","valueCode":"y"}]}]}]"#,
    );
    // Nor does anything of the kind leave.
    for path in ["/Patient", "/Patient?_id=nobody", "/metadata", "/Patient/_history", "/Patient?_summary=true"] {
        let found = open.get(path).json();
        assert_eq!(empty_at(&found, "", &mut Vec::new()), Vec::<String>::new(), "NEG-10 {path}");
    }
}

/// Where null, an empty string, object or array stands; a null in a list of primitives keeps a place free.
fn empty_at(value: &Value, place: &str, found: &mut Vec<String>) -> Vec<String> {
    match value {
        Value::Null if !place.ends_with(']') => found.push(place.to_owned()),
        Value::String(text) if text.is_empty() => found.push(place.to_owned()),
        Value::Array(items) if items.is_empty() => found.push(place.to_owned()),
        Value::Object(members) if members.is_empty() => found.push(place.to_owned()),
        Value::Array(items) => {
            items.iter().enumerate().for_each(|(n, item)| drop(empty_at(item, &format!("{place}[{n}]"), found)))
        }
        Value::Object(members) => {
            members.iter().for_each(|(name, item)| drop(empty_at(item, &format!("{place}.{name}"), found)))
        }
        _ => {}
    }
    found.clone()
}

#[test]
fn members_stand_in_any_order_and_each_once() {
    let open = Open::new();
    let answer = open.send(
        "POST",
        "/Patient",
        r#"{"name":[{"given":["a"],"family":"b"}],"active":true,"resourceType":"Patient"}"#,
        &[],
    );
    assert_eq!(answer.status, 201, "NEG-13 {}", answer.body);
    let stored = open.get(&format!("/Patient/{}", text(&answer.json()["id"]))).json();
    assert_eq!((&stored["active"], &stored["name"][0]["family"]), (&json!(true), &json!("b")), "NEG-13");
    for body in [
        r#"{"resourceType":"Patient","active":true,"active":true}"#,
        r#"{"active":true,"resourceType":"Patient","resourceType":"Patient"}"#,
        r#"{"resourceType":"Patient","name":[{"family":"a","\u0066amily":"b"}]}"#,
        r#"{"resourceType":"Patient","extension":[{"url":"urn:x","valueCode":"a","url":"urn:y"}]}"#,
    ] {
        let answer = open.send("POST", "/Patient", body, &[]);
        assert_eq!((answer.status, issue(&answer).1.as_str()), (400, "named-twice"), "NEG-13 {body}");
    }
    let bundle = r#"{"entry":[{"request":{"url":"Patient","method":"POST"},"resource":{"active":true,"resourceType":"Patient"}}],"type":"transaction","resourceType":"Bundle"}"#;
    assert_eq!(open.send("POST", "", bundle, &[]).status, 200, "NEG-13");
}

#[test]
fn what_r4_has_not_is_refused_and_extensions_are_kept() {
    let open = Open::new();
    for (members, place) in [
        (r#""nonsense":1"#, "Patient.nonsense"),
        (r#""_nonsense":{"id":"a"}"#, "Patient._nonsense"),
        (r#""name":[{"nonsense":"a"}]"#, "Patient.name[0].nonsense"),
        (r#""contact":[{"name":{"suffixes":["a"]}}]"#, "Patient.contact[0].name.suffixes"),
        (r#""Active":true"#, "Patient.Active"),
        (r#""deceasedString":"x""#, "Patient.deceasedString"),
        (
            r##""contained":[{"resourceType":"Organization","id":"o","nonsense":1}],"managingOrganization":{"reference":"#o"}"##,
            "Patient.contained[0].nonsense",
        ),
    ] {
        refused(&open, "NEG-15", members, "fhir-unknown-element", place);
    }
    assert_eq!(open.total("/Patient"), 0, "NEG-15");
    taken(
        &open,
        "NEG-16",
        r#""extension":[{"url":"http://example.org/nobody-knows","valueQuantity":{"value":1.50}}],"_birthDate":{"extension":[{"url":"http://example.org/x","valueCode":"y"}]}"#,
    );
    let stored = open.get("/Patient").body;
    assert!(stored.contains("nobody-knows") && stored.contains("1.50") && stored.contains("_birthDate"), "NEG-16");
    // A modifier that nobody here knows is not passed over in silence.
    let (status, found) = said(&open, r#""modifierExtension":[{"url":"http://example.org/not","valueBoolean":true}]"#);
    assert_eq!(status, 201, "NEG-16");
    assert!(
        found.contains(&("fhir-modifier-extension".into(), "Patient.modifierExtension[0]".into())),
        "NEG-16 VAL-06"
    );
}

#[test]
fn all_problems_are_told_at_once_up_to_a_number() {
    let open = Open::new();
    let (status, found) =
        said(&open, r#""nonsense":1,"gender":"unheard","birthDate":"2026-02-30","contact":[{"gender":"male"}]"#);
    assert_eq!(status, 400, "OO-04");
    for place in ["Patient.nonsense", "Patient.gender", "Patient.birthDate", "Patient.contact[0]"] {
        assert!(found.iter().any(|(_, at)| at == place), "OO-04 {place} {found:?}");
    }
    let names = vec![r#"{"family":""}"#; 103].join(",");
    let (status, found) = said(&open, &format!(r#""name":[{names}]"#));
    assert_eq!((status, found.len()), (400, 101), "OO-04");
    assert_eq!(found.last().map(|(rule, _)| rule.as_str()), Some("fhir-more-problems"), "OO-04");
    // Those of all entries of a transaction, too.
    let wrong = |members: &str| {
        format!(
            r#"{{"request":{{"method":"POST","url":"Patient"}},"resource":{{"resourceType":"Patient",{members}}}}}"#
        )
    };
    let places = |entries: &[String]| {
        let sent = format!(r#"{{"resourceType":"Bundle","type":"transaction","entry":[{}]}}"#, entries.join(","));
        let answer = open.send("POST", "", &sent, &[]);
        assert_eq!(answer.status, 400, "OO-04 {}", answer.body);
        let issues = answer.json()["issue"].as_array().unwrap().clone();
        issues.iter().map(|issue| issue["expression"][0].as_str().unwrap_or_default().to_owned()).collect::<Vec<_>>()
    };
    let two = places(&[wrong(r#""gender":"x""#), wrong(r#""active":true"#), wrong(r#""nonsense":1"#)]);
    assert_eq!(two, ["Bundle.entry[0].resource.gender", "Bundle.entry[2].resource.nonsense"], "OO-04");
    let many = places(&vec![wrong(r#""gender":"x""#); 150]);
    assert_eq!((many.len(), many[100].as_str()), (101, ""), "OO-04");
    // What is an error stands before what is none.
    let (_, found) =
        said(&open, r#""modifierExtension":[{"url":"http://example.org/x","valueCode":"y"}],"gender":"unheard""#);
    assert_eq!((found[0].0.as_str(), found[1].0.as_str()), ("fhir-binding", "fhir-modifier-extension"), "OO-04");
}

#[test]
fn the_base_definitions_hold() {
    let open = Open::new();
    for (row, members, rule, place) in [
        ("VAL-01", r#""active":"true""#, "fhir-wants-boolean", "Patient.active"),
        ("VAL-01", r#""name":{"family":"a"}"#, "fhir-not-array", "Patient.name"),
        ("VAL-01", r#""gender":["male"]"#, "fhir-array", "Patient.gender"),
        ("VAL-01", r#""link":[{"type":"seealso"}]"#, "fhir-required", "Patient.link[0].other"),
        ("VAL-01", r#""gender":"unheard""#, "fhir-binding", "Patient.gender"),
        ("VAL-01", r#""contact":[{"gender":"male"}]"#, "pat-1", "Patient.contact[0]"),
        ("VAL-01", r#""deceasedBoolean":true,"deceasedDateTime":"2020""#, "fhir-choice", "Patient.deceased"),
        (
            "VAL-01",
            r#""managingOrganization":{"reference":"Patient/x"}"#,
            "fhir-reference-target",
            "Patient.managingOrganization.reference",
        ),
        ("VAL-01", r#""extension":[{"url":"http://example.org/x"}]"#, "ext-1", "Patient.extension[0]"),
        ("VAL-05", r#""birthDate":"1940-02-30""#, "fhir-date", "Patient.birthDate"),
        ("VAL-05", r#""deceasedDateTime":"2020-01-01T10:00""#, "fhir-date-time", "Patient.deceased.ofType(dateTime)"),
        ("VAL-05", r#""multipleBirthInteger":2147483648"#, "fhir-integer", "Patient.multipleBirth.ofType(integer)"),
        ("VAL-05", r#""multipleBirthInteger":1.5"#, "fhir-integer", "Patient.multipleBirth.ofType(integer)"),
        ("VAL-05", r#""photo":[{"data":"AAA"}]"#, "fhir-base64", "Patient.photo[0].data"),
        ("VAL-05", r#""photo":[{"size":-1}]"#, "fhir-unsigned-int", "Patient.photo[0].size"),
        ("VAL-05", r#""photo":[{"url":"a b"}]"#, "fhir-uri", "Patient.photo[0].url"),
        ("VAL-05", r#""identifier":[{"system":"urn:uuid:1"}]"#, "fhir-uri", "Patient.identifier[0].system"),
        ("VAL-05", r#""identifier":[{"system":"urn:oid:1.02"}]"#, "fhir-uri", "Patient.identifier[0].system"),
        ("VAL-05", r#""language":" ja""#, "fhir-code", "Patient.language"),
        ("VAL-05", r#""id":"a_b""#, "fhir-bad-id", "Patient.id"),
        ("VAL-05", r#""name":[{"family":"a\u0007"}]"#, "fhir-control-character", "Patient.name[0].family"),
    ] {
        refused(&open, row, members, rule, place);
    }
    assert_eq!(open.total("/Patient"), 0, "VAL-01");
    let decimal = |digits: &str| format!(r#""extension":[{{"url":"urn:x","valueDecimal":{digits}}}]"#);
    taken(&open, "VAL-05", &decimal(&"1".repeat(64)));
    refused(&open, "VAL-05", &decimal(&"1".repeat(65)), "fhir-decimal", "Patient.extension[0].value.ofType(decimal)");
    // Elements inside each other: a resource of 64 is taken, one of 65 is not.
    let nested = |depth: usize| {
        let inner = (0..depth).fold(r#"{"url":"x","valueCode":"y"}"#.to_owned(), |inner, _| {
            format!(r#"{{"url":"urn:x","extension":[{inner}]}}"#)
        });
        format!(r#""extension":[{inner}]"#)
    };
    taken(&open, "VAL-05", &nested(62));
    let (status, found) = said(&open, &nested(63));
    assert!(status == 400 && found[0].0 == "too-deep", "VAL-05 {found:?}");
    // A claim of a profile that nobody here has is kept, and not looked into; asked for by name, it is said to be unknown.
    taken(&open, "VAL-02", r#""meta":{"profile":["http://example.org/StructureDefinition/nobody-has"]}"#);
    let asked = json!({"resourceType": "Parameters", "parameter": [{"name": "resource", "resource": {"resourceType": "Patient"}},
        {"name": "profile", "valueUri": "http://example.org/StructureDefinition/nobody-has"}]});
    let answer = open.post("/Patient/$validate", &asked);
    assert_eq!((answer.status, answer.json()["issue"][0]["severity"].as_str()), (200, Some("error")), "VAL-02");
}

#[test]
fn narratives_are_plain_xhtml() {
    let open = Open::new();
    let narrative = |inner: &str| {
        let div = format!(r#"<div xmlns="http://www.w3.org/1999/xhtml">{inner}</div>"#);
        format!(r#""text":{{"status":"generated","div":{}}}"#, Value::from(div))
    };
    taken(&open, "VAL-04", &narrative("<p>見本 <b>太郎</b><br/><a href=\"http://example.org\">x</a></p>"));
    for (inner, rule) in [
        ("<script>x</script>", "txt-1"),
        ("<p onclick=\"x()\">x</p>", "txt-1"),
        ("<a href=\"javascript:x()\">x</a>", "txt-1"),
        ("<iframe src=\"http://example.org\">x</iframe>", "txt-1"),
        ("<form>x</form>", "txt-1"),
        ("<object data=\"x\">x</object>", "txt-1"),
        ("<link href=\"http://example.org/x.css\"/>x", "txt-1"),
        ("<p style=\"background:url(http://example.org)\">x</p>", "txt-1"),
        ("<p>x", "txt-1"),
        ("&unknown;", "txt-1"),
        ("", "txt-2"),
        ("<p> </p>", "txt-2"),
    ] {
        refused(&open, "VAL-04", &narrative(inner), rule, "Patient.text.div");
    }
}

#[test]
fn text_of_any_script_and_the_extensions_of_values_come_back() {
    let open = Open::new();
    let given = ["𠮷野", "e\u{301}", "\u{5e9}\u{5dc}\u{5d5}\u{5dd}", "A\u{200d}B", "\"\\/", "髙﨑"];
    let div = "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p title=\"𠮷\">見本&#160;&lt;é\u{5e9}&gt; 𝄞</p></div>";
    let sent = json!({
        "resourceType": "Patient", "id": "p", "text": {"status": "additional", "div": div},
        "name": [{
            "given": [given[0], null, given[1], given[2], given[3], given[4], given[5]],
            "_given": [null, {"extension": [{"url": "urn:e", "valueCode": "x"}]}, null, {"id": "g"}, null, null, null]
        }],
        "_birthDate": {"extension": [{"url": "urn:e", "valueString": given[0]}]}
    });
    // As it is, and with everything escaped that can be.
    let escaped: String = sent
        .to_string()
        .chars()
        .map(|c| {
            if c.is_ascii() {
                c.to_string()
            } else {
                c.encode_utf16(&mut [0; 2]).iter().map(|unit| format!("\\u{unit:04x}")).collect()
            }
        })
        .collect();
    for body in [sent.to_string(), escaped] {
        open.delete("/Patient/p");
        assert_eq!(open.send("PUT", "/Patient/p", &body, &[]).status, 201, "NEG-14");
        for path in ["/Patient/p", "/Patient?_id=p"] {
            let mut read = open.get(path).json();
            if let Some(entry) = read.pointer("/entry/0/resource") {
                read = entry.clone();
            }
            read.as_object_mut().unwrap().remove("meta");
            assert_eq!(read["text"]["div"].as_str(), Some(div), "NEG-14 {path}");
            assert_eq!(read, sent, "NEG-12 NEG-14 {path}");
        }
    }
    let found = open.total("/Patient?given=%F0%A0%AE%B7");
    assert_eq!(found, 1, "NEG-14");
}
