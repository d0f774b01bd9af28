//! Slices: how values are told apart, and what follows.

use super::*;

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
    let part = |codings: &[(&str, &str)]| json!({"code": {"coding": codings.iter().map(|(s, c)| coding(s, c)).collect::<Vec<_>>()}});
    let (systolic, diastolic) =
        (part(&[("x", "1"), ("http://loinc.org", "8480-6")]), part(&[("http://loinc.org", "8462-4")]));
    check(
        &[profile("p", "Observation", elements)],
        &[
            (observation(json!({"component": [systolic, diastolic]})), ""),
            (observation(json!({"component": [diastolic, part(&[("x", "y")]), systolic]})), ""),
            (
                observation(json!({"component": [systolic, systolic]})),
                "profile-slice-max Observation.component; profile-slice-min Observation.component",
            ),
            (
                observation(json!({"component": [systolic, part(&[("x", "8462-4")])]})),
                "profile-slice-min Observation.component",
            ),
            (
                observation(
                    json!({"component": [part(&[("x", "8480-6"), ("http://loinc.org", "8302-2")]), diastolic]}),
                ),
                "profile-slice-min Observation.component[0].code.coding",
            ),
            (observation(json!({})), "profile-min Observation.component"),
        ],
    );
}

#[test]
fn rules_of_slicing() {
    let slices = |slicing: Value| {
        profile(
            "p",
            "Patient",
            json!([
                {"id": "Patient"},
                {"id": "Patient.identifier", "slicing": slicing},
                {"id": "Patient.identifier:a", "sliceName": "a", "min": 1, "max": "2"},
                {"id": "Patient.identifier:a.system", "min": 1, "fixedUri": "a"},
                {"id": "Patient.identifier:a.value", "min": 1},
                {"id": "Patient.identifier:b", "sliceName": "b", "max": "1"},
                {"id": "Patient.identifier:b.system", "patternUri": "b"},
            ]),
        )
    };
    let patient = |systems: &str| {
        let identifiers: Vec<Value> = systems.chars().map(|c| json!({"system": c.to_string(), "value": "1"})).collect();
        json!({"resourceType": "Patient", "identifier": identifiers})
    };
    let by = discriminated(&[("value", "system")], "closed");
    check(
        &[slices(by.clone())],
        &[
            (patient("ab"), ""),
            (patient("ba"), ""),
            (patient("abx"), "profile-no-slice Patient.identifier[2]"),
            (patient("b"), "profile-slice-min Patient.identifier"),
            (patient("aaabb"), "profile-slice-max Patient.identifier; profile-slice-max Patient.identifier"),
            (json!({"resourceType": "Patient"}), "profile-slice-min Patient.identifier"),
            (
                json!({"resourceType": "Patient", "identifier": [{"system": "a"}]}),
                "profile-min Patient.identifier[0].value",
            ),
        ],
    );
    check(
        &[slices(with(by.clone(), json!({"ordered": true})))],
        &[(patient("aab"), ""), (patient("aba"), "profile-slice-order Patient.identifier[2]")],
    );
    check(
        &[slices(with(by.clone(), json!({"rules": "openAtEnd"})))],
        &[(patient("abxy"), ""), (patient("axb"), "profile-slice-at-end Patient.identifier[2]")],
    );
    check(&[slices(with(by, json!({"rules": "open"})))], &[(patient("xaxb"), "")]);
}

#[test]
fn slices_of_slices_and_the_default_one() {
    let p = profile(
        "p",
        "Observation",
        json!([
            {"id": "Observation"},
            {"id": "Observation.category", "slicing": discriminated(&[("pattern", "$this")], "closed")},
            {"id": "Observation.category:a", "sliceName": "a", "max": "2", "patternCodeableConcept": {"coding": [{"system": "a"}]},
                "slicing": discriminated(&[("value", "coding.code")], "closed")},
            {"id": "Observation.category:a/one", "sliceName": "a/one", "min": 1, "max": "1", "patternCodeableConcept": {"coding": [{"code": "1"}]}},
            {"id": "Observation.category:a/two", "sliceName": "a/two", "patternCodeableConcept": {"coding": [{"code": "2"}]}},
            {"id": "Observation.category:@default", "sliceName": "@default", "max": "1"},
            {"id": "Observation.category:@default.text", "min": 1},
        ]),
    );
    let category = |codes: &[(&str, &str)]| {
        let all: Vec<Value> = codes.iter().map(|(s, c)| json!({"coding": [coding(s, c)], "text": "t"})).collect();
        observation(json!({"category": all}))
    };
    check(
        &[p],
        &[
            (category(&[("a", "1"), ("a", "2"), ("x", "1")]), ""),
            (category(&[("a", "2")]), "profile-slice-min Observation.category"),
            (category(&[("a", "1"), ("a", "3")]), "profile-no-slice Observation.category[1]"),
            (category(&[("a", "1"), ("x", "1"), ("y", "1")]), "profile-slice-max Observation.category"),
            (observation(json!({"category": [{}]})), "profile-min Observation.category[0].text"),
        ],
    );
}

#[test]
fn discriminators_by_existence_type_and_binding() {
    let p = profile(
        "p",
        "Observation",
        json!([
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
        ]),
    );
    let v = json!({"resourceType": "ValueSet", "url": "v", "compose": {"include": [{"system": "s", "concept": [{"code": "c"}]}, {"system": "open"}]}});
    let code = json!({"coding": [coding("s", "d"), coding("s", "c")]});
    let high = json!([{"text": "H"}]);
    let of = |component: Value| observation(json!({"code": code, "component": component}));
    check(
        &[p, v],
        &[
            (
                of(
                    json!([{"interpretation": high, "valueQuantity": {}}, {"valueString": "x"}, {"valueCodeableConcept": {}}]),
                ),
                "",
            ),
            (of(json!([{"valueQuantity": {}}])), "profile-no-slice Observation.component[0]"),
            (of(json!([{"interpretation": high, "valueString": "x"}])), "profile-no-slice Observation.component[0]"),
            (observation(json!({"valueQuantity": {}})), "profile-min Observation.value.ofType(Quantity).unit"),
            (observation(json!({"valueString": "x", "code": code})), ""),
            (observation(json!({"code": {"coding": [coding("s", "d")]}})), "profile-slice-min Observation.code.coding"),
            // What decides it is not loaded: that is a note, and no error.
            (observation(json!({"code": {"coding": [coding("open", "d")]}})), ""),
        ],
    );
}

#[test]
fn discriminators_through_extensions_references_and_types() {
    let p = profile(
        "p",
        "Observation",
        json!([
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
        ]),
    );
    let weight = profile(
        "weight",
        "Observation",
        json!([
            {"id": "Observation"},
            {"id": "Observation.code", "patternCodeableConcept": {"coding": [{"code": "w"}]}},
        ]),
    );
    let main = json!({"extension": [{"url": "http://e/kind", "valueCode": "main"}], "display": "x"});
    let inner = |code: &str| json!({"resourceType": "Observation", "id": "w", "code": {"coding": [coding("s", code)]}});
    let member = json!([{"reference": "#w"}]);
    let right = observation(json!({"contained": [inner("w")], "hasMember": member}));
    check(
        &[p, weight],
        &[
            (with(right.clone(), json!({"performer": [main]})), ""),
            (
                with(right.clone(), json!({"performer": [main, {"display": "x"}]})),
                "profile-no-slice Observation.performer[1]",
            ),
            (with(right.clone(), json!({"contained": [inner("x")]})), "profile-slice-min Observation.hasMember"),
            (with(right.clone(), json!({"derivedFrom": [{"reference": "Media/1"}]})), ""),
            (
                with(right.clone(), json!({"derivedFrom": [{"reference": "Observation/1"}]})),
                "profile-no-slice Observation.derivedFrom[0]",
            ),
            (with(right.clone(), json!({"component": [{"valueQuantity": {"unit": "mm"}}]})), ""),
            (with(right, json!({"component": [{"valueString": "mm"}]})), "profile-no-slice Observation.component[0]"),
        ],
    );
}

#[test]
fn bundles_and_contained_resources_by_profile() {
    let p = profile(
        "p",
        "Bundle",
        json!([
            {"id": "Bundle"},
            {"id": "Bundle.entry", "slicing": discriminated(&[("profile", "resource")], "closed")},
            {"id": "Bundle.entry:patient", "sliceName": "patient", "min": 1, "max": "1"},
            {"id": "Bundle.entry:patient.resource", "min": 1, "type": [{"code": "Patient", "profile": ["patient"]}]},
            {"id": "Bundle.entry:any", "sliceName": "any"},
            {"id": "Bundle.entry:any.resource", "type": [{"code": "Observation", "profile": ["observation"]}]},
        ]),
    );
    let patient = profile("patient", "Patient", json!([{"id": "Patient"}, {"id": "Patient.name", "min": 1}]));
    let observation = profile(
        "observation",
        "Observation",
        json!([
            {"id": "Observation"},
            {"id": "Observation.subject", "type": [{"code": "Reference", "targetProfile": ["patient"]}]},
            {"id": "Observation.contained", "slicing": discriminated(&[("profile", "$this")], "open")},
            {"id": "Observation.contained:specimen", "sliceName": "specimen", "max": "1", "type": [{"code": "Specimen", "profile": ["specimen"]}]},
        ]),
    );
    let specimen = profile("specimen", "Specimen", json!([{"id": "Specimen"}, {"id": "Specimen.type", "min": 1}]));
    let definitions = [p, patient, observation, specimen];
    let bundle = |resources: &[Value]| {
        let entries: Vec<Value> = resources
            .iter()
            .enumerate()
            .map(|(at, one)| json!({"fullUrl": format!("urn:uuid:{at}"), "resource": one}))
            .collect();
        json!({"resourceType": "Bundle", "type": "collection", "entry": entries})
    };
    let named = json!({"resourceType": "Patient", "name": [{"text": "x"}]});
    let about = |at: usize| json!({"resourceType": "Observation", "subject": {"reference": format!("urn:uuid:{at}")}});
    let drawn = |count: usize| {
        with(about(0), json!({"contained": vec![json!({"resourceType": "Specimen", "type": {}}); count]}))
    };
    check(
        &definitions,
        &[
            (bundle(&[named.clone(), about(0), drawn(1)]), ""),
            (bundle(&[named.clone(), drawn(2)]), "profile-no-slice Bundle.entry[1]"),
            (
                bundle(&[named.clone(), with(drawn(2), json!({"meta": {"profile": ["observation"]}}))]),
                "profile-slice-max Bundle.entry[1].resource.contained",
            ),
            (bundle(&[named.clone(), json!({"resourceType": "Basic"})]), "profile-no-slice Bundle.entry[1]"),
            // What the one Patient lacks is said, not only that there is none.
            (
                bundle(&[json!({"resourceType": "Patient"})]),
                "profile-no-slice Bundle.entry[0]; profile-slice-min Bundle.entry; profile-min Bundle.entry[0].resource.name",
            ),
            (
                bundle(&[named, json!({"resourceType": "Patient", "meta": {"profile": ["patient"]}})]),
                "profile-slice-max Bundle.entry; profile-min Bundle.entry[1].resource.name",
            ),
        ],
    );
}
