//! What is read from elements of each type.

use serde_json::json;

use super::*;
use crate::fhir::decimal::Decimal;
use crate::fhir::time::Interval;
use crate::search::definitions::Definitions;
use crate::search::value::{Quantity, Reference, Target, Token};

const READING: Reading<'_> = Reading { zone_minutes: 540, base: "https://gw.example/fhir" };

fn read(resource: &Json, code: &str) -> Vec<Value> {
    let of = reference::resource_type(resource).unwrap();
    values(resource, Definitions::base().find(of, code).unwrap(), READING)
}

fn token(system: &str, code: &str, texts: &[&str]) -> Value {
    let some = |text: &str| Some(text).filter(|text| !text.is_empty()).map(Into::into);
    let texts = texts.iter().map(|text| (*text).into()).collect();
    let is_case_sensitive = system.starts_with("http://hl7.org/fhir/") || matches!(code, "true" | "false");
    Value::Token(Token { system: some(system), code: some(code), is_case_sensitive, texts, types: Vec::new() })
}

fn decimal(text: &str) -> Option<Decimal> {
    Decimal::parse(text)
}

fn observation() -> Json {
    serde_json::from_str(
        r##"{"resourceType": "Observation", "id": "o", "status": "final",
            "contained": [{"resourceType": "Patient", "id": "p", "identifier": [{"value": "hidden"}]}],
            "code": {"coding": [{"system": "http://loinc.org", "code": "85354-9", "display": "BP"}, {"code": "x"}], "text": "血圧"},
            "category": [{"text": "vital"}],
            "subject": {"reference": "#p", "identifier": {"system": "s", "value": "v"}},
            "performer": [{"reference": "https://gw.example/fhir/Practitioner/1/_history/3"}, {"display": "Dr"},
                {"reference": "https://far.example/Practitioner/2"}, {"reference": "Device/3"}],
            "effectivePeriod": {"start": "2026-01-01"},
            "valueQuantity": {"value": 5.40, "comparator": "<", "unit": "mg", "code": "mg", "system": "http://unitsofmeasure.org"},
            "component": [
                {"code": {"coding": [{"code": "sys"}]}, "valueQuantity": {"value": 120, "unit": "mmHg"}},
                {"code": {"coding": [{"code": "dia"}]}, "valueQuantity": {"value": 80, "unit": "mmHg"}},
                {"code": {"coding": [{"code": "none"}]}}]}"##,
    )
    .unwrap()
}

#[test]
fn tokens_have_the_system_of_their_binding_and_their_texts() {
    let observation = observation();
    assert_eq!(read(&observation, "status"), [token("http://hl7.org/fhir/observation-status", "final", &[])]);
    assert_eq!(
        read(&observation, "code"),
        [token("http://loinc.org", "85354-9", &["BP", "血圧"]), token("", "x", &["血圧"])]
    );
    assert_eq!(read(&observation, "category"), [token("", "", &["vital"])]);
    let patient = json!({"resourceType": "Patient", "active": true, "deceasedDateTime": "2026-01-01",
        "telecom": [{"system": "email", "value": "a@b.example"}, {"system": "phone", "value": "03"}],
        "identifier": [{"system": "s", "value": "1", "type": {"text": "MRN", "coding": [{"system": "t", "code": "MR"}]}}]});
    assert_eq!(read(&patient, "active"), [token("", "true", &[])]);
    assert_eq!(read(&patient, "deceased"), [token("", "true", &[])]);
    assert_eq!(read(&patient, "email"), [token("", "a@b.example", &[])]);
    assert_eq!(read(&patient, "telecom").len(), 2);
    let types = vec![("t".into(), "MR".into())];
    let Value::Token(identifier) = token("s", "1", &["MRN"]) else { unreachable!() };
    assert_eq!(read(&patient, "identifier"), [Value::Token(Token { types, ..identifier })]);
    for (patient, deceased) in [
        (json!({"resourceType": "Patient"}), "false"),
        (json!({"resourceType": "Patient", "deceasedBoolean": false}), "false"),
        (json!({"resourceType": "Patient", "deceasedBoolean": true}), "true"),
    ] {
        assert_eq!(read(&patient, "deceased"), [token("", deceased, &[])]);
    }
}

#[test]
fn references_point_here_elsewhere_or_nowhere() {
    let observation = observation();
    let practitioner = ResourceType::PRACTITIONER;
    let plain = |target| Value::Reference(Reference { target, identifier: None });
    assert_eq!(
        read(&observation, "performer"),
        [
            plain(Target::Local(practitioner, "1".into(), Some("3".into()))),
            plain(Target::Unresolved),
            plain(Target::Url("https://far.example/Practitioner/2".into())),
        ],
        "a Device performs nothing"
    );
    let identifier = Some((Some("s".into()), "v".into()));
    let contained = Value::Reference(Reference { target: Target::Contained("p".into()), identifier });
    assert_eq!(read(&observation, "patient"), [contained], "what is contained says what it is");
    assert_eq!(read(&observation, "subject"), read(&observation, "patient"));
    let plan = json!({"resourceType": "CarePlan", "instantiatesCanonical": ["http://a.example/p|2"]});
    let by = |url: &str| plain(Target::Url(url.into()));
    assert_eq!(
        read(&plan, "instantiates-canonical"),
        [by("http://a.example/p|2"), by("http://a.example/p")],
        "PSTR-12: with its version and without"
    );
    let bundle = json!({"resourceType": "Bundle", "entry": [{"resource": {"resourceType": "Composition", "id": "c"}},
        {"resource": {"resourceType": "Composition", "id": "d"}}]});
    assert_eq!(read(&bundle, "composition"), [plain(Target::Local(ResourceType::COMPOSITION, "c".into(), None))]);
    assert_eq!(read(&bundle, "message"), []);
}

#[test]
fn dates_cover_what_they_say() {
    let start = Interval::parse("2026-01-01", 540).unwrap().start;
    assert_eq!(read(&observation(), "date"), [Value::Date(Interval { start, end: i64::MAX })]);
    let request = |timing: Json| json!({"resourceType": "ServiceRequest", "occurrenceTiming": timing});
    let day = |text| Interval::parse(text, 540).unwrap();
    let whole = Interval { start: day("2026-01-01").start, end: day("2026-01-03").end };
    assert_eq!(read(&request(json!({"event": ["2026-01-03", "2026-01-01"]})), "occurrence"), [Value::Date(whole)]);
    let bounds = json!({"repeat": {"boundsPeriod": {"start": "2026-01-01", "end": "2026-01-03"}}});
    assert_eq!(read(&request(bounds), "occurrence"), [Value::Date(whole)]);
    assert_eq!(read(&request(json!({"code": {"text": "朝"}})), "occurrence"), []);
}

#[test]
fn strings_are_the_parts_of_names_and_addresses() {
    let patient = json!({"resourceType": "Patient",
        "name": [{"use": "official", "family": "襷", "given": ["花子", "子"], "period": {"start": "2000"}}],
        "address": [{"use": "home", "type": "postal", "line": ["1-1"], "city": "千代田区", "postalCode": "100"}]});
    let strings = |code| -> Vec<String> {
        let text = |value| match value {
            Value::String(text) => text.into(),
            other => format!("{other:?}"),
        };
        read(&patient, code).into_iter().map(text).collect()
    };
    assert_eq!(strings("name"), ["襷", "花子", "子"]);
    assert_eq!(strings("given"), ["花子", "子"]);
    assert_eq!(strings("address"), ["1-1", "千代田区", "100"]);
    assert_eq!(strings("address-city"), ["千代田区"]);
    assert_eq!(strings("phonetic"), strings("name"));
    assert_eq!(read(&patient, "address-use"), [token("http://hl7.org/fhir/address-use", "home", &[])]);
}

#[test]
fn numbers_and_quantities_keep_their_digits_and_are_ranges() {
    let some = |text: &str| Some(text.into());
    let below = Quantity {
        low: None,
        high: decimal("5.40"),
        system: some("http://unitsofmeasure.org"),
        code: some("mg"),
        unit: some("mg"),
    };
    let observation = observation();
    assert_eq!(read(&observation, "value-quantity"), [Value::Quantity(below)]);
    assert_eq!(read(&observation, "combo-value-quantity").len(), 3);
    let one = |resource: &Json, code| match read(resource, code).pop() {
        Some(Value::Quantity(found)) => (found.low, found.high, found.code),
        other => panic!("{other:?}"),
    };
    let sampled = json!({"resourceType": "Observation", "valueSampledData":
        {"origin": {"value": 2, "code": "mV"}, "factor": 0.5, "data": "1 E -2.5 U 4", "upperLimit": 9}});
    assert_eq!(one(&sampled, "value-quantity"), (decimal("0.75"), decimal("9"), some("mV")));
    let onset = json!({"resourceType": "Condition", "onsetRange": {"low": {"value": 40, "code": "a"}}});
    assert_eq!(one(&onset, "onset-age"), (decimal("40"), None, some("a")));
    let charge = json!({"resourceType": "ChargeItem", "priceOverride": {"value": 10.5, "currency": "JPY"}, "factorOverride": 0.8});
    assert_eq!(one(&charge, "price-override"), (decimal("10.5"), decimal("10.5"), some("JPY")));
    let factor = Value::Number { low: decimal("0.8"), high: decimal("0.8"), is_integer: false };
    assert_eq!(read(&charge, "factor-override"), [factor]);
    let sequence = json!({"resourceType": "MolecularSequence", "variant": [{"start": 3, "end": 4}],
        "referenceSeq": {"chromosome": {"coding": [{"code": "1"}]}}});
    let three = Value::Number { low: decimal("3"), high: decimal("3"), is_integer: true };
    assert_eq!(read(&sequence, "variant-start"), std::slice::from_ref(&three));
    let Some(Value::Composite(parts)) = read(&sequence, "chromosome-variant-coordinate").pop() else { panic!() };
    assert_eq!(parts[..2], [vec![token("", "1", &[])], vec![three]], "%resource is the resource");
}

#[test]
fn a_composite_is_read_element_by_element() {
    let pairs = read(&observation(), "component-code-value-quantity");
    let [Value::Composite(first), Value::Composite(second)] = pairs.as_slice() else { panic!("{pairs:?}") };
    assert_eq!((&first[0], &second[0]), (&vec![token("", "sys", &[])], &vec![token("", "dia", &[])]));
    assert!(matches!(&first[1][..], [Value::Quantity(found)] if found.low == decimal("120")));
    assert_eq!(read(&observation(), "combo-code-value-quantity").len(), 3);
}

#[test]
fn uris_extensions_and_places() {
    let set = json!({"resourceType": "ValueSet", "url": "http://a.example/v|1", "meta": {"profile": ["http://a.example/p|1"]}});
    let uri = |url: &str| Value::Uri(url.into());
    assert_eq!(read(&set, "url"), [uri("http://a.example/v|1")], "no canonical");
    assert_eq!(read(&set, "_profile"), [uri("http://a.example/p|1"), uri("http://a.example/p")]);
    let url = "http://hl7.org/fhir/StructureDefinition/observation-geneticsGene";
    let gene = json!({"resourceType": "Observation", "extension": [{"url": "x", "valueCode": "n"},
        {"url": url, "valueCodeableConcept": {"coding": [{"system": "g", "code": "BRCA1"}]}}]});
    assert_eq!(read(&gene, "gene-identifier"), [token("g", "BRCA1", &[])]);
    let location = json!({"resourceType": "Location", "position": {"latitude": 35.7, "longitude": 139.75}});
    assert_eq!(read(&location, "near"), [Value::Position { latitude: 35.7, longitude: 139.75 }]);
}

#[test]
fn what_a_plan_cannot_say_is_read_by_fhirpath() {
    let kana = json!({"resourceType": "SearchParameter", "url": "u", "code": "kana", "type": "string", "base": ["Patient"],
        "expression": "Patient.name.where(extension('r').value.ofType(code)='SYL' and use='usual').text"});
    let (more, issues) = Definitions::base().with(&[kana]);
    assert!(issues.is_empty());
    let name =
        |form: &str, text: &str| json!({"use": "usual", "text": text, "extension": [{"url": "r", "valueCode": form}]});
    let patient = json!({"resourceType": "Patient", "name": [name("IDE", "襷"), name("SYL", "タスキ")]});
    let definition = more.find(ResourceType::PATIENT, "kana").unwrap();
    assert!(definition.plan.is_expression());
    assert_eq!(values(&patient, definition, READING), [Value::String("タスキ".into())]);
}

#[test]
fn anything_may_stand_where_an_element_is_expected() {
    let base = Definitions::base();
    for name in ["Observation", "Patient", "Bundle", "MolecularSequence", "Location", "ServiceRequest"] {
        let of = ResourceType::parse(name).unwrap();
        for definition in base.of(of) {
            for branch in definition.plan.branches() {
                for odd in [
                    json!(null),
                    json!(1),
                    json!("x"),
                    json!([null, [1]]),
                    json!({}),
                    json!({"coding": 1, "value": []}),
                ] {
                    let names = branch.steps.iter().rev().filter_map(|step| match step {
                        Step::Member(name) | Step::Item(name, _) => Some(name),
                        Step::Where(_) => None,
                    });
                    let mut resource = names.fold(odd, |inner, name| json!({ &**name: [inner] }));
                    resource["resourceType"] = json!(name);
                    let _ = values(&resource, definition, READING);
                }
            }
        }
    }
}
