//! Small profiles and resources, right and wrong, for each thing that a profile may say.

use serde_json::{Value, json};

use super::*;
use crate::fault::Severity;
use crate::profile::tests::{profile, profiles};

/// The problems of a resource that is asked to keep to the profile `p`: rule and place; those that are no more than notes
/// are left out.
fn found(all: &Profiles, resource: &Value) -> Vec<(String, String)> {
    let problems = against(resource, &["p"], all).into_iter().filter(|one| one.severity() > Severity::Information);
    problems.map(|one| (one.rule().to_owned(), one.issue.place.to_string())).collect()
}

/// Puts resources beside one profile; what is expected is written `rule place; rule place`.
fn check(definitions: &[Value], cases: &[(Value, &str)]) {
    let all = profiles(definitions);
    for (resource, wanted) in cases {
        let found: Vec<String> = found(&all, resource).into_iter().map(|(rule, place)| format!("{rule} {place}")).collect();
        assert_eq!(found.join("; "), *wanted, "{resource}");
    }
}

fn observation(members: Value) -> Value {
    with(json!({"resourceType": "Observation"}), members)
}

fn with(mut resource: Value, members: Value) -> Value {
    for (name, value) in members.as_object().unwrap() {
        resource[name] = value.clone();
    }
    resource
}

fn coding(system: &str, code: &str) -> Value {
    json!({"system": system, "code": code})
}

fn discriminated(by: &[(&str, &str)], rules: &str) -> Value {
    let all: Vec<Value> = by.iter().map(|(kind, path)| json!({"type": kind, "path": path})).collect();
    json!({"discriminator": all, "rules": rules})
}

#[test]
fn cardinality_and_types() {
    let p = profile("p", "Observation", json!([
        {"id": "Observation"},
        {"id": "Observation.performer", "min": 1, "max": "2"},
        {"id": "Observation.method", "max": "0"},
        {"id": "Observation.value[x]", "min": 1, "type": [{"code": "Quantity"}, {"code": "string"}]},
        {"id": "Observation.code", "min": 1, "type": [{"code": "CodeableConcept"}]},
        {"id": "Observation.code.text", "min": 1},
    ]));
    let performer = json!({"display": "x"});
    check(&[p], &[
        (observation(json!({"performer": [performer], "valueString": "x", "code": {"text": "x"}})), ""),
        (observation(json!({"valueString": "x"})), "profile-min Observation.performer"),
        (
            observation(json!({"performer": [performer, performer, performer], "valueBoolean": true, "code": {}, "method": {}})),
            "profile-max Observation.performer; profile-not-here Observation.method; \
             profile-type Observation.value.ofType(boolean); profile-min Observation.code.text",
        ),
        (observation(json!({"performer": [performer], "_valueString": {"extension": []}})), ""),
        (observation(json!({"performer": [performer]})), "profile-min Observation.value"),
        (json!({"resourceType": "Patient"}), "profile-resource-type Patient"),
    ]);
}

#[test]
fn values() {
    let p = profile("p", "Observation", json!([
        {"id": "Observation"},
        {"id": "Observation.status", "fixedCode": "final"},
        {"id": "Observation.code", "patternCodeableConcept": {"coding": [{"system": "s", "code": "c"}]}},
        {"id": "Observation.value[x]", "maxLength": 3, "minValueInteger": 2, "maxValueInteger": 4},
        {"id": "Observation.effective[x]", "minValueDateTime": "2026-01-01"},
        {"id": "Observation.referenceRange"},
        {"id": "Observation.referenceRange.low", "maxValueQuantity": {"value": 5, "code": "mm"}},
    ]));
    let code = |code: &str| json!({"text": "t", "coding": [coding("t", "c"), coding("s", code)]});
    check(&[p], &[
        (observation(json!({"status": "final", "code": code("c"), "valueString": "あいう", "effectiveDateTime": "2026-01-01"})), ""),
        (
            observation(json!({"status": "amended", "code": code("d"), "valueString": "あいうえ", "effectiveDateTime": "2025-12-31"})),
            "profile-fixed Observation.status; profile-pattern Observation.code; \
             profile-length Observation.value.ofType(string); profile-least Observation.effective.ofType(dateTime)",
        ),
        (observation(json!({"valueInteger": 4})), ""),
        (observation(json!({"valueInteger": 5})), "profile-greatest Observation.value.ofType(integer)"),
        (observation(json!({"valueInteger": 1})), "profile-least Observation.value.ofType(integer)"),
        (observation(json!({"referenceRange": [{"low": {"value": 5.0, "code": "mm"}}, {"low": {"value": 6, "code": "cm"}}]})), ""),
        (observation(json!({"referenceRange": [{"low": {"value": 5.1, "code": "mm"}}]})), "profile-greatest Observation.referenceRange[0].low"),
    ]);
}

/// The blood pressure of R4: slices told apart by what stands in slices of slices.
#[test]
fn slices_are_told_apart_by_nested_slices() {
    let component = |name: &str, code: &str| {
        json!([
            {"id": format!("Observation.component:{name}"), "sliceName": name, "min": 1, "max": "1"},
            {"id": format!("Observation.component:{name}.code"), "min": 1, "type": [{"code": "CodeableConcept"}]},
            {"id": format!("Observation.component:{name}.code.coding"), "slicing": discriminated(&[("value", "code"), ("value", "system")], "open")},
            {"id": format!("Observation.component:{name}.code.coding:{name}Code"), "min": 1, "max": "1"},
            {"id": format!("Observation.component:{name}.code.coding:{name}Code.system"), "min": 1, "fixedUri": "http://loinc.org"},
            {"id": format!("Observation.component:{name}.code.coding:{name}Code.code"), "min": 1, "fixedCode": code},
        ])
    };
    let mut elements = json!([
        {"id": "Observation"},
        {"id": "Observation.component", "min": 2,
            "slicing": discriminated(&[("value", "code.coding.code"), ("value", "code.coding.system")], "open")},
    ]);
    for (name, code) in [("S", "8480-6"), ("D", "8462-4")] {
        elements.as_array_mut().unwrap().extend(component(name, code).as_array().unwrap().clone());
    }
    let part = |codings: &[(&str, &str)]| {
        json!({"code": {"coding": codings.iter().map(|(s, c)| coding(s, c)).collect::<Vec<_>>()}})
    };
    let (systolic, diastolic) = (part(&[("x", "1"), ("http://loinc.org", "8480-6")]), part(&[("http://loinc.org", "8462-4")]));
    check(&[profile("p", "Observation", elements)], &[
        (observation(json!({"component": [systolic, diastolic]})), ""),
        (observation(json!({"component": [diastolic, part(&[("x", "y")]), systolic]})), ""),
        (
            observation(json!({"component": [systolic, systolic]})),
            "profile-slice-max Observation.component; profile-slice-min Observation.component",
        ),
        (observation(json!({"component": [systolic, part(&[("x", "8462-4")])]})), "profile-slice-min Observation.component"),
        (
            observation(json!({"component": [part(&[("x", "8480-6"), ("http://loinc.org", "1")]), diastolic]})),
            "profile-slice-min Observation.component[0].code.coding",
        ),
        (observation(json!({})), "profile-min Observation.component"),
    ]);
}

#[test]
fn rules_of_slicing() {
    let slices = |slicing: Value| {
        profile("p", "Patient", json!([
            {"id": "Patient"},
            {"id": "Patient.identifier", "slicing": slicing},
            {"id": "Patient.identifier:a", "sliceName": "a", "min": 1, "max": "2"},
            {"id": "Patient.identifier:a.system", "min": 1, "fixedUri": "a"},
            {"id": "Patient.identifier:a.value", "min": 1},
            {"id": "Patient.identifier:b", "sliceName": "b", "max": "1"},
            {"id": "Patient.identifier:b.system", "patternUri": "b"},
        ]))
    };
    let patient = |systems: &str| {
        let identifiers: Vec<Value> = systems.chars().map(|c| json!({"system": c.to_string(), "value": "1"})).collect();
        json!({"resourceType": "Patient", "identifier": identifiers})
    };
    let by = discriminated(&[("value", "system")], "closed");
    check(&[slices(by.clone())], &[
        (patient("ab"), ""),
        (patient("ba"), ""),
        (patient("abx"), "profile-no-slice Patient.identifier[2]"),
        (patient("b"), "profile-slice-min Patient.identifier"),
        (patient("aaabb"), "profile-slice-max Patient.identifier; profile-slice-max Patient.identifier"),
        (json!({"resourceType": "Patient"}), "profile-slice-min Patient.identifier"),
        (json!({"resourceType": "Patient", "identifier": [{"system": "a"}]}), "profile-min Patient.identifier[0].value"),
    ]);
    check(&[slices(with(by.clone(), json!({"ordered": true})))], &[
        (patient("aab"), ""),
        (patient("aba"), "profile-slice-order Patient.identifier[2]"),
    ]);
    check(&[slices(with(by.clone(), json!({"rules": "openAtEnd"})))], &[
        (patient("abxy"), ""),
        (patient("axb"), "profile-slice-at-end Patient.identifier[2]"),
    ]);
    check(&[slices(with(by, json!({"rules": "open"})))], &[(patient("xaxb"), "")]);
}

#[test]
fn slices_of_slices_and_the_default_one() {
    let p = profile("p", "Observation", json!([
        {"id": "Observation"},
        {"id": "Observation.category", "slicing": discriminated(&[("pattern", "$this")], "closed")},
        {"id": "Observation.category:a", "sliceName": "a", "max": "2", "patternCodeableConcept": {"coding": [{"system": "a"}]},
            "slicing": discriminated(&[("value", "coding.code")], "closed")},
        {"id": "Observation.category:a/one", "sliceName": "a/one", "min": 1, "max": "1", "patternCodeableConcept": {"coding": [{"code": "1"}]}},
        {"id": "Observation.category:a/two", "sliceName": "a/two", "patternCodeableConcept": {"coding": [{"code": "2"}]}},
        {"id": "Observation.category:@default", "sliceName": "@default", "max": "1"},
        {"id": "Observation.category:@default.text", "min": 1},
    ]));
    let category = |codes: &[(&str, &str)]| {
        let all: Vec<Value> = codes.iter().map(|(s, c)| json!({"coding": [coding(s, c)], "text": "t"})).collect();
        observation(json!({"category": all}))
    };
    check(&[p], &[
        (category(&[("a", "1"), ("a", "2"), ("x", "1")]), ""),
        (category(&[("a", "2")]), "profile-slice-min Observation.category"),
        (category(&[("a", "1"), ("a", "3")]), "profile-no-slice Observation.category[1]"),
        (category(&[("a", "1"), ("x", "1"), ("y", "1")]), "profile-slice-max Observation.category"),
        (observation(json!({"category": [{}]})), "profile-min Observation.category[0].text"),
    ]);
}

#[test]
fn discriminators_by_existence_type_and_binding() {
    let p = profile("p", "Observation", json!([
        {"id": "Observation"},
        {"id": "Observation.component", "slicing": discriminated(&[("exists", "interpretation"), ("type", "value")], "closed")},
        {"id": "Observation.component:number", "sliceName": "number"},
        {"id": "Observation.component:number.interpretation", "min": 1},
        {"id": "Observation.component:number.value[x]", "type": [{"code": "Quantity"}]},
        {"id": "Observation.component:text", "sliceName": "text"},
        {"id": "Observation.component:text.interpretation", "max": "0"},
        {"id": "Observation.component:text.value[x]", "type": [{"code": "string"}, {"code": "CodeableConcept"}]},
        {"id": "Observation.value[x]", "slicing": discriminated(&[("type", "$this")], "open")},
        {"id": "Observation.value[x]:valueQuantity", "sliceName": "valueQuantity", "type": [{"code": "Quantity"}]},
        {"id": "Observation.value[x]:valueQuantity.unit", "min": 1},
        {"id": "Observation.code", "type": [{"code": "CodeableConcept"}]},
        {"id": "Observation.code.coding", "slicing": discriminated(&[("value", "$this")], "open")},
        {"id": "Observation.code.coding:bound", "sliceName": "bound", "min": 1, "binding": {"strength": "required", "valueSet": "v"}},
    ]));
    let v = json!({"resourceType": "ValueSet", "url": "v", "compose": {"include": [{"system": "s", "concept": [{"code": "c"}]}, {"system": "open"}]}});
    let code = json!({"coding": [coding("s", "d"), coding("s", "c")]});
    let high = json!([{"text": "H"}]);
    let of = |component: Value| observation(json!({"code": code, "component": component}));
    check(&[p, v], &[
        (of(json!([{"interpretation": high, "valueQuantity": {}}, {"valueString": "x"}, {"valueCodeableConcept": {}}])), ""),
        (of(json!([{"valueQuantity": {}}])), "profile-no-slice Observation.component[0]"),
        (of(json!([{"interpretation": high, "valueString": "x"}])), "profile-no-slice Observation.component[0]"),
        (observation(json!({"valueQuantity": {}})), "profile-min Observation.value.ofType(Quantity).unit"),
        (observation(json!({"valueString": "x", "code": code})), ""),
        (observation(json!({"code": {"coding": [coding("s", "d")]}})), "profile-slice-min Observation.code.coding"),
        // What decides it is not loaded: that is a note, and no error.
        (observation(json!({"code": {"coding": [coding("open", "d")]}})), ""),
    ]);
}

#[test]
fn discriminators_through_extensions_references_and_types() {
    let p = profile("p", "Observation", json!([
        {"id": "Observation"},
        {"id": "Observation.performer", "slicing": discriminated(&[("value", "extension('http://e/kind').value")], "closed")},
        {"id": "Observation.performer:main", "sliceName": "main", "max": "1"},
        {"id": "Observation.performer:main.extension", "slicing": discriminated(&[("value", "url")], "open")},
        {"id": "Observation.performer:main.extension:kind", "sliceName": "kind", "min": 1, "type": [{"code": "Extension", "profile": ["http://e/kind"]}]},
        {"id": "Observation.performer:main.extension:kind.value[x]", "fixedCode": "main"},
        {"id": "Observation.hasMember", "slicing": discriminated(&[("value", "resolve().code")], "open")},
        {"id": "Observation.hasMember:weight", "sliceName": "weight", "min": 1, "type": [{"code": "Reference", "targetProfile": ["weight"]}]},
        {"id": "Observation.derivedFrom", "slicing": discriminated(&[("type", "resolve()")], "closed")},
        {"id": "Observation.derivedFrom:media", "sliceName": "media", "max": "1",
            "type": [{"code": "Reference", "targetProfile": ["http://hl7.org/fhir/StructureDefinition/Media"]}]},
        {"id": "Observation.component", "slicing": discriminated(&[("value", "value.ofType(Quantity).unit")], "closed")},
        {"id": "Observation.component:mm", "sliceName": "mm"},
        {"id": "Observation.component:mm.value[x]", "type": [{"code": "Quantity"}]},
        {"id": "Observation.component:mm.value[x].unit", "patternString": "mm"},
    ]));
    let weight = profile("weight", "Observation", json!([
        {"id": "Observation"},
        {"id": "Observation.code", "patternCodeableConcept": {"coding": [{"code": "w"}]}},
    ]));
    let main = json!({"extension": [{"url": "http://e/kind", "valueCode": "main"}], "display": "x"});
    let inner = |code: &str| json!({"resourceType": "Observation", "id": "w", "code": {"coding": [coding("s", code)]}});
    let member = json!([{"reference": "#w"}]);
    let right = observation(json!({"contained": [inner("w")], "hasMember": member}));
    check(&[p, weight], &[
        (with(right.clone(), json!({"performer": [main]})), ""),
        (with(right.clone(), json!({"performer": [main, {"display": "x"}]})), "profile-no-slice Observation.performer[1]"),
        (with(right.clone(), json!({"contained": [inner("x")]})), "profile-slice-min Observation.hasMember"),
        (with(right.clone(), json!({"derivedFrom": [{"reference": "Media/1"}]})), ""),
        (with(right.clone(), json!({"derivedFrom": [{"reference": "Observation/1"}]})), "profile-no-slice Observation.derivedFrom[0]"),
        (with(right.clone(), json!({"component": [{"valueQuantity": {"unit": "mm"}}]})), ""),
        (with(right, json!({"component": [{"valueString": "mm"}]})), "profile-no-slice Observation.component[0]"),
    ]);
}

#[test]
fn bundles_and_contained_resources_by_profile() {
    let p = profile("p", "Bundle", json!([
        {"id": "Bundle"},
        {"id": "Bundle.entry", "slicing": discriminated(&[("profile", "resource")], "closed")},
        {"id": "Bundle.entry:patient", "sliceName": "patient", "min": 1, "max": "1"},
        {"id": "Bundle.entry:patient.resource", "min": 1, "type": [{"code": "Patient", "profile": ["patient"]}]},
        {"id": "Bundle.entry:any", "sliceName": "any"},
        {"id": "Bundle.entry:any.resource", "type": [{"code": "Observation", "profile": ["observation"]}]},
    ]));
    let patient = profile("patient", "Patient", json!([{"id": "Patient"}, {"id": "Patient.name", "min": 1}]));
    let observation = profile("observation", "Observation", json!([
        {"id": "Observation"},
        {"id": "Observation.subject", "type": [{"code": "Reference", "targetProfile": ["patient"]}]},
        {"id": "Observation.contained", "slicing": discriminated(&[("profile", "$this")], "open")},
        {"id": "Observation.contained:specimen", "sliceName": "specimen", "max": "1", "type": [{"code": "Specimen", "profile": ["specimen"]}]},
    ]));
    let specimen = profile("specimen", "Specimen", json!([{"id": "Specimen"}, {"id": "Specimen.type", "min": 1}]));
    let definitions = [p, patient, observation, specimen];
    let bundle = |resources: &[Value]| {
        let entries: Vec<Value> =
            resources.iter().enumerate().map(|(at, one)| json!({"fullUrl": format!("urn:uuid:{at}"), "resource": one})).collect();
        json!({"resourceType": "Bundle", "type": "collection", "entry": entries})
    };
    let named = json!({"resourceType": "Patient", "name": [{"text": "x"}]});
    let about = |at: usize| json!({"resourceType": "Observation", "subject": {"reference": format!("urn:uuid:{at}")}});
    let drawn = |count: usize| with(about(0), json!({"contained": vec![json!({"resourceType": "Specimen", "type": {}}); count]}));
    check(&definitions, &[
        (bundle(&[named.clone(), about(0), drawn(1)]), ""),
        (bundle(&[named.clone(), drawn(2)]), "profile-no-slice Bundle.entry[1]"),
        (bundle(&[named.clone(), with(drawn(2), json!({"meta": {"profile": ["observation"]}}))]), "profile-slice-max Bundle.entry[1].resource.contained"),
        (bundle(&[named.clone(), json!({"resourceType": "Basic"})]), "profile-no-slice Bundle.entry[1]"),
        // What the one Patient lacks is said, not only that there is none.
        (
            bundle(&[json!({"resourceType": "Patient"})]),
            "profile-no-slice Bundle.entry[0]; profile-slice-min Bundle.entry; profile-min Bundle.entry[0].resource.name",
        ),
        (bundle(&[named, json!({"resourceType": "Patient", "meta": {"profile": ["patient"]}})]),
            "profile-slice-max Bundle.entry; profile-min Bundle.entry[1].resource.name"),
    ]);
}

#[test]
fn references_lead_to_what_they_may() {
    let core = |name: &str| format!("http://hl7.org/fhir/StructureDefinition/{name}");
    let p = profile("p", "Observation", json!([
        {"id": "Observation"},
        {"id": "Observation.subject", "type": [{"code": "Reference", "targetProfile": ["patient", core("Device")]}]},
        {"id": "Observation.specimen", "type": [{"code": "Reference", "targetProfile": [core("Specimen")], "aggregation": ["contained"]}]},
    ]));
    let patient = profile("patient", "Patient", json!([{"id": "Patient"}, {"id": "Patient.birthDate", "min": 1}]));
    let inner = |members: Value| observation(json!({"contained": [with(json!({"resourceType": "Patient", "id": "x"}), members)], "subject": {"reference": "#x"}}));
    let to = |reference: &str| observation(json!({"subject": {"reference": reference}}));
    check(&[p, patient], &[
        (to("Patient/1"), ""),
        (to("http://elsewhere.example/fhir/Device/1"), ""),
        (to("urn:uuid:7f1c4b1e-0d4b-4a55-9a3c-0123456789ab"), ""),
        (to("Group/1"), "profile-reference-type Observation.subject"),
        (observation(json!({"subject": {"type": "Location", "display": "x"}})), "profile-reference-type Observation.subject"),
        (inner(json!({"birthDate": "2026"})), ""),
        (inner(json!({})), "profile-reference-profile Observation.subject"),
        (inner(json!({"resourceType": "Device"})), ""),
        (observation(json!({"specimen": {"reference": "Specimen/1"}})), "profile-reference-aggregation Observation.specimen"),
        (observation(json!({"specimen": {"reference": "#s"}, "contained": [{"resourceType": "Specimen", "id": "s"}]})), ""),
    ]);
}

#[test]
fn bindings_by_their_strength() {
    let p = |strength: &str| {
        profile("p", "Observation", json!([
            {"id": "Observation"},
            {"id": "Observation.method", "binding": {"strength": strength, "valueSet": "v"}},
            {"id": "Observation.value[x]", "binding": {"strength": strength, "valueSet": "v"}},
        ]))
    };
    let v = json!({"resourceType": "ValueSet", "url": "v", "compose": {"include": [{"system": "s", "concept": [{"code": "c"}]}, {"system": "open"}]}});
    let coded = |system: &str, code: &str| observation(json!({"method": {"coding": [coding("other", "x"), coding(system, code)]}}));
    let text = observation(json!({"method": {"text": "x"}}));
    let place = "Observation.method";
    check(&[p("required"), v.clone()], &[
        (coded("s", "c"), ""),
        (coded("s", "C"), &format!("profile-binding {place}")),
        (coded("t", "c"), &format!("profile-binding {place}")),
        (text.clone(), &format!("profile-binding {place}")),
        (observation(json!({"method": {"text": "x", "extension": [{"url": "http://e"}]}})), ""),
        (observation(json!({"valueQuantity": {"system": "s", "code": "d"}})), "profile-binding Observation.value.ofType(Quantity)"),
    ]);
    check(&[p("extensible"), v.clone()], &[
        (coded("s", "c"), ""),
        (coded("s", "d"), &format!("profile-binding-extensible {place}")),
        (text.clone(), ""),
    ]);
    let problems = |strength: &str, resource: &Value| -> Vec<String> {
        let all = against(resource, &["p"], &profiles(&[p(strength), v.clone()]));
        all.iter().map(|one| format!("{} {}", one.issue.rule.id, one.issue.detail)).collect()
    };
    assert_eq!(problems("preferred", &coded("s", "d"))[0], "profile-binding-preferred v");
    // What cannot be judged is said once, whatever the strength that asks for it.
    let twice = observation(json!({"method": {"coding": [coding("open", "x")]}, "valueCodeableConcept": {"coding": [coding("open", "y")]}}));
    for strength in ["required", "extensible"] {
        assert_eq!(problems(strength, &twice), ["profile-not-loaded-codes open"]);
    }
}

#[test]
fn codes_of_code_systems_that_are_loaded() {
    let s = json!({"resourceType": "CodeSystem", "url": "s", "content": "complete", "concept": [{"code": "c"}]});
    let p = profile("p", "Observation", json!([{"id": "Observation"}]));
    let of = |coding: Value| observation(json!({"code": {"coding": [coding]}}));
    check(&[p, s], &[
        (of(coding("s", "c")), ""),
        (of(coding("s", "d")), "profile-unknown-code Observation.code.coding[0].code"),
        (of(json!({"code": "c"})), "profile-coding-without-system Observation.code.coding[0]"),
        (of(coding("http://unitsofmeasure.org", "mm")), ""),
        (of(coding("http://unitsofmeasure.org", "mmm")), "profile-unknown-code Observation.code.coding[0].code"),
        (observation(json!({"valueQuantity": {"system": "http://unitsofmeasure.org", "code": "IU"}})),
            "profile-unknown-code Observation.value.ofType(Quantity).code"),
    ]);
}

#[test]
fn extensions_where_they_may_stand_and_what_they_hold() {
    let extension = |url: &str, context: Value, elements: Value| {
        let mut all = json!([{"id": "Extension"}, {"id": "Extension.url", "fixedUri": url}]);
        all.as_array_mut().unwrap().extend(elements.as_array().unwrap().clone());
        with(profile(url, "Extension", all), json!({"context": context}))
    };
    let element = |expression: &str| json!([{"type": "element", "expression": expression}]);
    let text = json!([{"id": "Extension.value[x]", "min": 1, "type": [{"code": "string"}]}]);
    let mut modifier = extension("http://e/modifier", element("Element"), json!([]));
    modifier["snapshot"]["element"][0]["isModifier"] = true.into();
    let definitions = [
        profile("p", "Patient", json!([
            {"id": "Patient"},
            {"id": "Patient.extension", "slicing": discriminated(&[("value", "url")], "open")},
            {"id": "Patient.extension:must", "sliceName": "must", "min": 1, "max": "1", "type": [{"code": "Extension", "profile": ["http://e/patient"]}]},
            {"id": "Patient.birthDate", "type": [{"code": "date"}]},
            {"id": "Patient.birthDate.extension", "slicing": discriminated(&[("value", "url")], "open")},
            {"id": "Patient.birthDate.extension:time", "sliceName": "time", "min": 1, "type": [{"code": "Extension", "profile": ["http://e/time"]}]},
        ])),
        extension("http://e/patient", element("Patient"), text.clone()),
        extension("http://e/time", element("date"), json!([])),
        extension("http://e/name", element("HumanName.family"), json!([])),
        extension("http://e/contact", element("Patient.contact.name"), json!([])),
        extension("http://e/inner", json!([{"type": "extension", "expression": "http://e/outer"}]), json!([])),
        extension("http://e/outer", element("DomainResource"), json!([])),
        modifier,
    ];
    let must = json!({"url": "http://e/patient", "valueString": "x"});
    let patient = |members: Value| with(json!({"resourceType": "Patient", "extension": [must]}), members);
    let one = |url: &str| json!([{"url": url, "valueString": "x"}]);
    let two = |url: &str| json!([must, {"url": url, "valueString": "x"}]);
    check(&definitions, &[
        (patient(json!({})), ""),
        (json!({"resourceType": "Patient"}), "profile-slice-min Patient.extension"),
        (patient(json!({"extension": [{"url": "http://e/patient", "valueCode": "x"}]})), "profile-type Patient.extension[0].value.ofType(code)"),
        (patient(json!({"birthDate": "2026", "_birthDate": {"extension": one("http://e/time")}})), ""),
        (patient(json!({"birthDate": "2026"})), "profile-slice-min Patient.birthDate.extension"),
        (patient(json!({"name": [{"family": "x", "_family": {"extension": one("http://e/name")}}]})), ""),
        (patient(json!({"name": [{"extension": one("http://e/name")}]})), "profile-extension-place Patient.name[0].extension[0]"),
        (patient(json!({"contact": [{"name": {"extension": one("http://e/contact")}}]})), ""),
        (patient(json!({"name": [{"extension": one("http://e/contact")}]})), "profile-extension-place Patient.name[0].extension[0]"),
        (patient(json!({"extension": [must, {"url": "http://e/outer", "extension": one("http://e/inner")}]})), ""),
        (patient(json!({"extension": two("http://e/inner")})), "profile-extension-place Patient.extension[1]"),
        (patient(json!({"extension": two("http://e/modifier")})), "profile-extension-modifier Patient.extension[1]"),
        (patient(json!({"modifierExtension": one("http://e/modifier")})), ""),
        (patient(json!({"modifierExtension": one("http://e/outer")})), "profile-extension-no-modifier Patient.modifierExtension[0]"),
        (patient(json!({"extension": two("http://e/unknown")})), ""),
    ]);
    let all = profiles(&definitions);
    let notes = against(&patient(json!({"extension": two("http://e/unknown"), "name": [{"extension": one("http://e/unknown")}]})), &["p"], &all);
    let unknown = notes.iter().filter(|one| one.issue.rule.id == "profile-unknown-extension" || one.severity() > Severity::Information);
    assert_eq!(unknown.map(|one| one.issue.detail.as_str()).collect::<Vec<_>>().len(), 2, "{notes:#?}"); // and birthDate: none
}

#[test]
fn an_element_may_be_what_another_is() {
    let p = profile("p", "Questionnaire", json!([
        {"id": "Questionnaire"},
        {"id": "Questionnaire.item", "max": "*"},
        {"id": "Questionnaire.item.prefix", "min": 1},
        {"id": "Questionnaire.item.item", "contentReference": "#Questionnaire.item"},
    ]));
    let of = |inner: Value| json!({"resourceType": "Questionnaire", "item": [{"prefix": "1", "item": [{"prefix": "2", "item": [inner]}]}]});
    check(&[p], &[
        (of(json!({"prefix": "3"})), ""),
        (of(json!({})), "profile-min Questionnaire.item[0].item[0].item[0].prefix"),
    ]);
}

#[test]
fn constraints() {
    let rule = |key: &str, severity: &str, human: &str, expression: &str| json!({"key": key, "severity": severity, "human": human, "expression": expression});
    let mut advice = rule("good", "warning", "text", "text.exists()");
    advice["extension"] = json!([{"url": "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice", "valueBoolean": true}]);
    let p = profile("p", "Observation", json!([
        {"id": "Observation", "constraint": [
            rule("k-1", "error", "R1234：x", "status = 'final'"),
            rule("k-2", "warning", "x", "performer.exists()"),
            rule("k-3", "error", "x", "subject.resolve().all($this is Patient)"),
            rule("k-4", "error", "x", "contained.all(conformsTo('inner'))"),
            rule("k-5", "error", "x", "method.empty() or method.memberOf('v')"),
            rule("k-6", "error", "x", "nonsense("),
            rule("obs-6", "error", "x", "dataAbsentReason.empty() or value.empty()"),
            advice,
        ]},
        {"id": "Observation.component"},
        {"id": "Observation.component.value[x]", "constraint": [rule("k-7", "error", "x", "%resource.status.exists() and $this is string")]},
    ]));
    let inner = profile("inner", "Patient", json!([{"id": "Patient"}, {"id": "Patient.name", "min": 1}]));
    let v = json!({"resourceType": "ValueSet", "url": "v", "compose": {"include": [{"system": "s", "concept": [{"code": "c"}]}]}});
    let right = observation(json!({"status": "final", "performer": [{}]}));
    let definitions = [p, inner, v];
    check(&definitions, &[
        (right.clone(), ""),
        (observation(json!({"status": "amended"})), "R1234 Observation; k-2 Observation"),
        (with(right.clone(), json!({"subject": {"reference": "Patient/1"}})), ""),
        (with(right.clone(), json!({"subject": {"reference": "Group/1"}})), "k-3 Observation"),
        (with(right.clone(), json!({"contained": [{"resourceType": "Patient", "name": [{}]}]})), ""),
        (with(right.clone(), json!({"contained": [{"resourceType": "Patient"}]})), "k-4 Observation"),
        (with(right.clone(), json!({"method": {"coding": [coding("s", "c")]}})), ""),
        (with(right.clone(), json!({"method": {"coding": [coding("s", "d")]}})), "k-5 Observation"),
        (with(right.clone(), json!({"component": [{"valueString": "x"}]})), ""),
        (with(right.clone(), json!({"component": [{"valueInteger": 1}]})), "k-7 Observation.component[0].value.ofType(integer)"),
    ]);
    let notes: Vec<String> = against(&right, &["p"], &profiles(&definitions)).iter().map(|one| one.rule().to_owned()).collect();
    assert_eq!(notes, ["profile-constraint-unread", "good"]);
}

#[test]
fn problems_say_where_what_and_by_which_profile() {
    let p = profile("p", "Patient", json!([
        {"id": "Patient"},
        {"id": "Patient.identifier", "slicing": discriminated(&[("value", "system")], "open")},
        {"id": "Patient.identifier:a", "sliceName": "a"},
        {"id": "Patient.identifier:a.system", "fixedUri": "a"},
        {"id": "Patient.identifier:a.use", "fixedCode": "official"},
        {"id": "Patient.identifier:a.value", "fixedString": "1"},
    ]));
    let all = profiles(&[p]);
    let patient = json!({"resourceType": "Patient", "identifier": [{"system": "a", "use": "old", "value": "札幌 花子"}]});
    let found = against(&patient, &["p|1.0.0"], &all);
    let [used, value] = found.as_slice() else { panic!("{found:#?}") };
    assert_eq!(used.issue.place.to_string(), "Patient.identifier[0].use");
    assert_eq!((&*used.profile, &*used.element, &*used.slice), ("p|1.0.0", "Patient.identifier:a.use", "a"));
    assert_eq!((used.issue.detail.as_str(), &*used.found, used.rule()), ("\"official\"", "\"old\"", "profile-fixed"));
    assert_eq!(used.english(), "the value must be \"official\" [found: \"old\"] [slice: a] [profile: p|1.0.0]");
    assert_eq!(used.japanese(), "値は \"official\" でなければなりません [実際: \"old\"] [スライス: a] [プロファイル: p|1.0.0]");
    let finding = crate::fault::Finding::from(value);
    assert_eq!((finding.severity.as_str(), finding.code.as_str(), finding.rule.as_str()), ("error", "value", "profile-fixed"));
    assert!(!format!("{value:?}{finding:?}").contains("花子"));
    // Places are FHIRPath.
    let place = crate::fhirpath::Expression::parse(&finding.place).unwrap();
    let located = place.evaluate(crate::fhirpath::Item::resource(&patient), &crate::fhirpath::Nothing).unwrap();
    assert_eq!(located[0].to_text().as_deref(), Some("札幌 花子"));
}

#[test]
fn claims_are_honoured_and_unknown_ones_are_said_once() {
    let p = profile("p", "Patient", json!([{"id": "Patient"}, {"id": "Patient.name", "min": 1}]));
    let q = profile("q", "Patient", json!([{"id": "Patient"}, {"id": "Patient.gender", "min": 1}]));
    let all = profiles(&[p, q]);
    let claiming = |profiles: Value| json!({"resourceType": "Patient", "meta": {"profile": profiles}});
    let rules = |resource: &Value| -> Vec<String> {
        against(resource, &[], &all).iter().map(|one| format!("{} {}", one.rule(), one.issue.place)).collect()
    };
    assert_eq!(rules(&claiming(json!(["p", "q|1"]))), ["profile-min Patient.name", "profile-min Patient.gender"]);
    assert_eq!(rules(&claiming(json!(["p", "p|1.0.0"]))), ["profile-min Patient.name"]);
    assert_eq!(rules(&claiming(json!(["p|2", "x"]))), ["profile-unknown Patient.meta.profile[0]", "profile-unknown Patient.meta.profile[1]"]);
    let entry = json!({"resource": claiming(json!(["x", "q"]))});
    let bundle = json!({"resourceType": "Bundle", "entry": [entry, entry]});
    assert_eq!(rules(&bundle), [
        "profile-min Bundle.entry[0].resource.gender",
        "profile-min Bundle.entry[1].resource.gender",
        "profile-unknown Bundle.entry[0].resource.meta.profile[0]",
    ]);
}

#[test]
fn what_is_listed_and_looked_at_has_limits() {
    let p = profile("p", "Patient", json!([{"id": "Patient"}, {"id": "Patient.name"}, {"id": "Patient.name.text", "min": 1}]));
    let all = profiles(&[p]);
    let patient = |names: usize| json!({"resourceType": "Patient", "name": vec![json!({}); names]});
    let most = crate::validate::PROBLEMS_MAX;
    assert_eq!(against(&patient(most), &["p"], &all).len(), most);
    let found = against(&patient(most + 1), &["p"], &all);
    assert_eq!((found.len(), found[most].rule(), found[most].issue.detail.as_str()), (most + 1, "profile-more-problems", "1"));
    let unfinished = |names: usize| {
        let resource = patient(names);
        let mut walk = walk::Walk::new(&all, &resource);
        walk.elements_max = 11;
        walk.whole(&resource, &["p"], &Path::root("Patient"));
        walk.finish().iter().any(|one| one.rule() == "profile-unfinished")
    };
    assert!(!unfinished(10) && unfinished(11));
    // Profiles that lead to each other come to an end.
    let target = |url: &str, other: &str| {
        profile(url, "Patient", json!([{"id": "Patient"}, {"id": "Patient.link"}, {"id": "Patient.link.other", "type": [{"code": "Reference", "targetProfile": [other]}]}]))
    };
    let all = profiles(&[target("p", "q"), target("q", "p")]);
    let linked = |id: &str, other: &str| json!({"resourceType": "Patient", "id": id, "link": [{"other": {"reference": format!("Patient/{other}")}}]});
    let bundle = json!({"resourceType": "Bundle", "entry": [{"resource": linked("a", "b")}, {"resource": linked("b", "a")}]});
    let mut walk = walk::Walk::new(&all, &bundle);
    walk.whole(&bundle, &[], &Path::root("Bundle"));
    assert_eq!(walk.finish(), []);
    let claims = json!({"resourceType": "Bundle", "entry": [{"resource": with(linked("a", "b"), json!({"meta": {"profile": ["p"]}}))}, {"resource": linked("b", "a")}]});
    assert_eq!(against(&claims, &[], &all), []);
}
