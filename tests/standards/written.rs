//! What XML loses on its way to JSON counts as wrong, in letters and in what is written; and no operation writes around what is asked
//! of all that is written (`docs/adr/0050`, `docs/adr/0058`).

use super::*;

/// A Bundle as XML whose Patient has an attribute that FHIR does not have.
fn letter_in_xml(birth_date: &str, attribute: &str) -> Vec<u8> {
    let number = number_of(HOSPITAL, "1");
    let identifier = format!(
        "<identifier><system value=\"{}\"/><value value=\"{}\"/></identifier>",
        number["system"].as_str().unwrap(),
        number["value"].as_str().unwrap()
    );
    format!(
        "<Bundle xmlns=\"http://hl7.org/fhir\"><identifier><system value=\"http://jpfhir.jp/fhir/clins/bundle-identifier\"/>\
         <value value=\"{HOSPITAL}^2026^x\"/></identifier><type value=\"collection\"/>\
         <timestamp value=\"2026-11-20T10:00:00+09:00\"/><entry>\
         <fullUrl value=\"urn:uuid:5ff7b6ac-3d4a-4f0c-9d7e-0d5a9f0c1a01\"/><resource><Patient>{identifier}\
         <name{attribute}><family value=\"見本\"/></name><birthDate value=\"{birth_date}\"/></Patient></resource></entry></Bundle>"
    )
    .into_bytes()
}

const ATTRIBUTE: &str = " value=\"見本 花子\"";

#[test]
fn what_is_wrong_with_xml_counts_for_the_policy() {
    for (policy, status, outcome) in
        [(Policy::Report, 200, "stored"), (Policy::Hold, 422, "held"), (Policy::Refuse, 422, "refused")]
    {
        let (_, served) = over(&Store::open_memory(), &config(policy, false, &[]));
        let send = |body: Vec<u8>| {
            served.ask(
                Ask { body, ..Ask::post("hospital", "//intake", &Value::Null) }
                    .with("content-type", "application/fhir+xml"),
            )
        };
        let wrong = send(letter_in_xml("1950-01-01", ATTRIBUTE));
        let receipt = wrong.json();
        assert_eq!((wrong.status, receipt["outcome"].as_str()), (status, Some(outcome)), "{policy:?} {}", wrong.body);
        let said: Vec<&Value> =
            receipt["issues"].as_array().unwrap().iter().filter(|one| one["rule"] == "fhir-xml-attribute").collect();
        assert_eq!(said.len(), 1, "said once: {}", wrong.body);
        assert!(said[0]["place"].as_str().unwrap().starts_with("Bundle.entry.resource.Patient.name"), "{}", wrong.body);
        let right = send(letter_in_xml("1950-01-01", ""));
        assert_eq!((right.status, right.json()["outcome"].as_str()), (200, Some("stored")), "{}", right.body);
    }
}

#[test]
fn what_xml_would_lose_is_not_written_and_is_validated() {
    let served = open();
    let patient = |attribute: &str| {
        format!("<Patient xmlns=\"http://hl7.org/fhir\"><name{attribute}><family value=\"見本\"/></name></Patient>")
            .into_bytes()
    };
    let send = |path: &str, body| {
        let headers = vec![("content-type", "application/fhir+xml".to_owned())];
        served.ask(Ask { body, headers, ..Ask::post("", path, &Value::Null) })
    };
    let written = send("/Patient", patient(ATTRIBUTE));
    assert_eq!((written.status, issues(&written)), (400, vec!["error fhir-xml-attribute Patient.name".to_owned()]));
    assert!(!written.body.contains("花子"), "{}", written.body);
    for path in ["/Patient/$validate", "/Patient/$validate?mode=create"] {
        let validated = send(path, patient(ATTRIBUTE));
        assert_eq!(without_notes(&validated), ["error fhir-xml-attribute Patient.name"], "{path}");
        assert_eq!((validated.status, validated.body.contains("All OK")), (200, false), "{path}");
        assert_eq!(without_notes(&send(path, patient(""))), [""; 0]);
    }
    assert_eq!(send("/Patient", patient("")).status, 201);
    // An operation that does something is not done by half either.
    let parameters =
        "<Parameters xmlns=\"http://hl7.org/fhir\"><parameter lang=\"ja\"><name value=\"x\"/></parameter></Parameters>";
    let refused = send("/Patient/$match", parameters.as_bytes().to_vec());
    assert_eq!((refused.status, refused.body.contains("fhir-xml-attribute")), (400, true), "{}", refused.body);
}

#[test]
fn no_operation_writes_around_the_profiles() {
    for policy in [Policy::Off, Policy::Refuse] {
        let mut config = Config { open: true, ..config(Policy::Off, false, &[]) };
        config.of_rest = Standard { policy, profiles: vec![OF_BUNDLE.to_owned()], ..Standard::default() };
        let (_, served) = over(&Store::open_memory(), &config);
        let status = if policy == Policy::Refuse { 422 } else { 200 };
        let made = |path: &str, resource: &Value| {
            let answer = served.ask(Ask::post("", path, resource).with("prefer", "return=representation"));
            assert_eq!(answer.status, 201, "{}", answer.body);
            format!("{path}/{}", answer.json()["id"].as_str().unwrap())
        };
        let path = made("/Patient", &patient(json!({})));
        let add = |meta: Value| {
            let parameters = json!({"resourceType": "Parameters", "parameter": [{"name": "meta", "valueMeta": meta}]});
            served.ask(Ask::post("", format!("{path}/$meta-add"), &parameters))
        };
        let claimed = add(claims(OF_PATIENT));
        assert_eq!(claimed.status, status, "{policy:?} {}", claimed.body);
        assert_eq!(claimed.body.contains("profile-min"), policy == Policy::Refuse, "{}", claimed.body);
        assert_eq!(add(json!({"tag": [{"system": "http://s.example", "code": "a"}]})).status, 200);
        let composition = json!({"resourceType": "Composition", "status": "final", "type": {"text": "x"},
            "date": "2026-11-20", "author": [{"display": "x"}], "title": "x"});
        let path = made("/Composition", &composition);
        assert_eq!(served.get("", format!("{path}/$document")).status, 200);
        let kept = served.get("", format!("{path}/$document?persist=true"));
        assert_eq!(kept.status, status, "{policy:?} {}", kept.body);
        assert_eq!(kept.body.contains("profile-min"), policy == Policy::Refuse, "{}", kept.body);
    }
}

#[test]
fn so_many_profiles_may_be_named_and_so_long() {
    let served = open();
    let asked = |profiles: Vec<String>| {
        let named = profiles.iter().map(|url| json!({"name": "profile", "valueCanonical": url}));
        let all: Vec<Value> = named.chain([json!({"name": "resource", "resource": patient(json!({}))})]).collect();
        let body = json!({"resourceType": "Parameters", "parameter": all});
        served.ask(Ask::post("", "/Patient/$validate", &body)).status
    };
    let many = |count: usize| (0..count).map(|n| format!("http://nowhere.example/{n}")).collect();
    assert_eq!((asked(many(32)), asked(many(33))), (200, 400));
    let long = |characters: usize| vec!["あ".repeat(characters)];
    assert_eq!((asked(long(512)), asked(long(513))), (200, 400));
}
