//! Everything else that a profile says of elements.

use super::*;

#[test]
fn cardinality_and_types() {
    let p = profile(
        "p",
        "Observation",
        json!([
            {"id": "Observation"},
            {"id": "Observation.performer", "min": 1, "max": "2"},
            {"id": "Observation.method", "max": "0"},
            {"id": "Observation.value[x]", "min": 1, "type": [{"code": "Quantity"}, {"code": "string"}]},
            {"id": "Observation.code", "min": 1, "type": [{"code": "CodeableConcept"}]},
            {"id": "Observation.code.text", "min": 1},
        ]),
    );
    let performer = json!({"display": "x"});
    check(
        &[p],
        &[
            (observation(json!({"performer": [performer], "valueString": "x", "code": {"text": "x"}})), ""),
            (observation(json!({"valueString": "x"})), "profile-min Observation.performer"),
            (
                observation(
                    json!({"performer": [performer, performer, performer], "valueBoolean": true, "code": {}, "method": {}}),
                ),
                "profile-max Observation.performer; profile-not-here Observation.method; \
             profile-type Observation.value.ofType(boolean); profile-min Observation.code.text",
            ),
            (observation(json!({"performer": [performer], "_valueString": {"extension": []}})), ""),
            (observation(json!({"performer": [performer]})), "profile-min Observation.value"),
            (json!({"resourceType": "Patient"}), "profile-resource-type Patient"),
        ],
    );
}

#[test]
fn values() {
    let p = profile(
        "p",
        "Observation",
        json!([
            {"id": "Observation"},
            {"id": "Observation.status", "fixedCode": "final"},
            {"id": "Observation.code", "patternCodeableConcept": {"coding": [{"system": "s", "code": "c"}]}},
            {"id": "Observation.value[x]", "maxLength": 3, "minValueInteger": 2, "maxValueInteger": 4},
            {"id": "Observation.effective[x]", "minValueDateTime": "2026-01-01"},
            {"id": "Observation.referenceRange"},
            {"id": "Observation.referenceRange.low", "maxValueQuantity": {"value": 5, "code": "mm"}},
        ]),
    );
    let code = |code: &str| json!({"text": "t", "coding": [coding("t", "c"), coding("s", code)]});
    check(
        &[p],
        &[
            (
                observation(
                    json!({"status": "final", "code": code("c"), "valueString": "あいう", "effectiveDateTime": "2026-01-01"}),
                ),
                "",
            ),
            (
                observation(
                    json!({"status": "amended", "code": code("d"), "valueString": "あいうえ", "effectiveDateTime": "2025-12-31"}),
                ),
                "profile-fixed Observation.status; profile-pattern Observation.code; \
             profile-length Observation.value.ofType(string); profile-least Observation.effective.ofType(dateTime)",
            ),
            (observation(json!({"valueInteger": 4})), ""),
            (observation(json!({"valueInteger": 5})), "profile-greatest Observation.value.ofType(integer)"),
            (observation(json!({"valueInteger": 1})), "profile-least Observation.value.ofType(integer)"),
            (
                observation(
                    json!({"referenceRange": [{"low": {"value": 5.0, "code": "mm"}}, {"low": {"value": 6, "code": "cm"}}]}),
                ),
                "",
            ),
            (
                observation(json!({"referenceRange": [{"low": {"value": 5.1, "code": "mm"}}]})),
                "profile-greatest Observation.referenceRange[0].low",
            ),
        ],
    );
}

#[test]
fn references_lead_to_what_they_may() {
    let core = |name: &str| format!("http://hl7.org/fhir/StructureDefinition/{name}");
    let p = profile(
        "p",
        "Observation",
        json!([
            {"id": "Observation"},
            {"id": "Observation.subject", "type": [{"code": "Reference", "targetProfile": ["patient", core("Device")]}]},
            {"id": "Observation.specimen", "type": [{"code": "Reference", "targetProfile": [core("Specimen")], "aggregation": ["contained"]}]},
        ]),
    );
    let patient = profile("patient", "Patient", json!([{"id": "Patient"}, {"id": "Patient.birthDate", "min": 1}]));
    let inner = |members: Value| {
        observation(
            json!({"contained": [with(json!({"resourceType": "Patient", "id": "x"}), members)], "subject": {"reference": "#x"}}),
        )
    };
    let to = |reference: &str| observation(json!({"subject": {"reference": reference}}));
    check(
        &[p, patient],
        &[
            (to("Patient/1"), ""),
            (to("http://elsewhere.example/fhir/Device/1"), ""),
            (to("urn:uuid:7f1c4b1e-0d4b-4a55-9a3c-0123456789ab"), ""),
            (to("Group/1"), "profile-reference-type Observation.subject"),
            (
                observation(json!({"subject": {"type": "Location", "display": "x"}})),
                "profile-reference-type Observation.subject",
            ),
            (inner(json!({"birthDate": "2026"})), ""),
            (inner(json!({})), "profile-reference-profile Observation.subject"),
            (inner(json!({"resourceType": "Device"})), ""),
            (
                observation(json!({"specimen": {"reference": "Specimen/1"}})),
                "profile-reference-aggregation Observation.specimen",
            ),
            (
                observation(
                    json!({"specimen": {"reference": "#s"}, "contained": [{"resourceType": "Specimen", "id": "s"}]}),
                ),
                "",
            ),
        ],
    );
}

#[test]
fn bindings_by_their_strength() {
    let p = |strength: &str| {
        profile(
            "p",
            "Observation",
            json!([
                {"id": "Observation"},
                {"id": "Observation.method", "binding": {"strength": strength, "valueSet": "v"}},
                {"id": "Observation.value[x]", "binding": {"strength": strength, "valueSet": "v"}},
            ]),
        )
    };
    let v = json!({"resourceType": "ValueSet", "url": "v", "compose": {"include": [{"system": "s", "concept": [{"code": "c"}]}, {"system": "open"}]}});
    let coded = |system: &str, code: &str| {
        observation(json!({"method": {"coding": [coding("other", "x"), coding(system, code)]}}))
    };
    let text = observation(json!({"method": {"text": "x"}}));
    let place = "Observation.method";
    check(
        &[p("required"), v.clone()],
        &[
            (coded("s", "c"), ""),
            (coded("s", "C"), &format!("profile-binding {place}")),
            (coded("t", "c"), &format!("profile-binding {place}")),
            (text.clone(), &format!("profile-binding {place}")),
            (observation(json!({"method": {"text": "x", "extension": [{"url": "http://e"}]}})), ""),
            (
                observation(json!({"valueQuantity": {"system": "s", "code": "d"}})),
                "profile-binding Observation.value.ofType(Quantity)",
            ),
        ],
    );
    check(
        &[p("extensible"), v.clone()],
        &[(coded("s", "c"), ""), (coded("s", "d"), &format!("profile-binding-extensible {place}")), (text.clone(), "")],
    );
    let problems = |strength: &str, resource: &Value| -> Vec<String> {
        let all = against(resource, &["p"], &profiles(&[p(strength), v.clone()]));
        let told = all.iter().filter(|one| one.rule() != "profile-relative-system");
        told.map(|one| format!("{} {}", one.issue.rule.id, one.issue.detail)).collect()
    };
    assert_eq!(problems("preferred", &coded("s", "d"))[0], "profile-binding-preferred v");
    // What cannot be judged is said once, whatever the strength that asks for it.
    let twice = observation(
        json!({"method": {"coding": [coding("open", "x")]}, "valueCodeableConcept": {"coding": [coding("open", "y")]}}),
    );
    for strength in ["required", "extensible"] {
        assert_eq!(problems(strength, &twice), ["profile-not-loaded-codes open"]);
    }
}

#[test]
fn codes_of_code_systems_that_are_loaded() {
    let s = json!({"resourceType": "CodeSystem", "url": "s", "content": "complete", "concept": [{"code": "c"}]});
    let p = profile("p", "Observation", json!([{"id": "Observation"}]));
    let of = |coding: Value| observation(json!({"code": {"coding": [coding]}}));
    check(
        &[p, s],
        &[
            (of(coding("s", "c")), ""),
            (of(coding("s", "d")), "profile-unknown-code Observation.code.coding[0].code"),
            (of(json!({"code": "c"})), "profile-coding-without-system Observation.code.coding[0]"),
            (of(coding("http://unitsofmeasure.org", "mm")), ""),
            (of(coding("http://unitsofmeasure.org", "mmm")), "profile-unit Observation.code.coding[0].code"),
            (
                observation(json!({"valueQuantity": {"system": "http://unitsofmeasure.org", "code": "IU"}})),
                "profile-unit Observation.value.ofType(Quantity).code",
            ),
        ],
    );
}

#[test]
fn what_a_code_system_says_of_its_codes() {
    let s = |version: &str, more: Value| {
        let designated = json!([{"language": "ja", "value": "最終"}, {"language": "de", "value": "endgültig"}]);
        let mut concepts = json!([{"code": "Final", "display": "Final  result", "designation": designated},
            {"code": "plain", "display": "Plain"},
            {"code": "group", "display": "Group", "property": [{"code": "notSelectable", "valueBoolean": true}]},
            {"code": "old", "property": [{"code": "status", "valueCode": "retired"}]}]);
        concepts.as_array_mut().unwrap().push(more);
        json!({"resourceType": "CodeSystem", "url": "s", "version": version, "content": "complete", "concept": concepts})
    };
    let extra = json!({"resourceType": "CodeSystem", "url": "extra", "content": "supplement", "supplements": "s|2",
        "concept": [{"code": "Final", "designation": [{"value": "確定"}]}]});
    let p = profile("p", "Observation", json!([{"id": "Observation"}]));
    let of = |more: Value| {
        let mut coding = json!({"system": "s", "code": "Final"});
        coding.as_object_mut().unwrap().extend(more.as_object().unwrap().clone());
        observation(json!({"code": {"coding": [coding]}}))
    };
    let at = |rule: &str, place: &str| format!("profile-{rule} Observation.code.coding[0]{place}");
    let cases = [
        (json!({"display": "FINAL result"}), String::new()),
        (json!({"display": "ＦＩＮＡＬ　ｒｅｓｕｌｔ"}), String::new()),
        (json!({"display": "最終"}), String::new()),
        (json!({"display": "確定"}), String::new()),
        (json!({"display": "endgültig"}), String::new()),
        (json!({"display": "暫定"}), at("display", ".display")),
        (json!({"display": "Preliminary"}), at("display", ".display")),
        (json!({"code": "plain", "display": "普通"}), String::new()),
        (json!({"code": "plain", "display": "other"}), at("display", ".display")),
        (json!({"code": "final"}), at("code-case", ".code")),
        (json!({"code": "group"}), at("code-abstract", ".code")),
        (json!({"code": "old"}), at("code-inactive", ".code")),
        (json!({"code": "one", "version": "1"}), String::new()),
        (json!({"code": "two", "version": "1"}), at("unknown-code", ".code")),
        (json!({"code": "two", "version": "2"}), String::new()),
        (json!({"code": "two", "version": "3"}), String::new()),
        (json!({"system": "http://loinc.org", "code": "1751-7"}), String::new()),
        (json!({"system": "http://loinc.org", "code": "1751-8"}), at("unknown-code", ".code")),
        (json!({"system": "http://snomed.info/sct", "code": "22298006"}), String::new()),
        (json!({"system": "http://snomed.info/sct", "code": "22298007"}), at("unknown-code", ".code")),
        (json!({"system": "urn:ietf:bcp:47", "code": "ja-JP"}), String::new()),
        (json!({"system": "urn:ietf:bcp:47", "code": "ja_JP"}), at("unknown-code", ".code")),
    ];
    let cases: Vec<(Value, &str)> =
        cases.iter().map(|(more, expected)| (of(more.clone()), expected.as_str())).collect();
    check(&[p, s("2", json!({"code": "two"})), s("1", json!({"code": "one"})), extra], &cases);
}

#[test]
fn a_code_is_one_of_the_most_that_there_may_be() {
    let max = json!([{"url": "http://hl7.org/fhir/StructureDefinition/elementdefinition-maxValueSet", "valueCanonical": "most"}]);
    let bound = json!({"strength": "preferred", "valueSet": "few", "extension": max});
    let p = profile("p", "Observation", json!([{"id": "Observation"}, {"id": "Observation.code", "binding": bound}]));
    let set = |url: &str, codes: &[&str]| {
        let concepts: Vec<Value> = codes.iter().map(|code| json!({"code": code})).collect();
        json!({"resourceType": "ValueSet", "url": url, "compose": {"include": [{"system": "http://unitsofmeasure.org", "concept": concepts}]}})
    };
    let of = |code: &str| observation(json!({"code": {"coding": [coding("http://unitsofmeasure.org", code)]}}));
    check(
        &[p, set("few", &["m"]), set("most", &["m", "s"])],
        &[
            (of("m"), ""),
            (of("s"), ""),
            (of("g"), "profile-binding Observation.code"),
            (observation(json!({"code": {"text": "x"}})), ""),
        ],
    );
}

#[test]
#[allow(clippy::too_many_lines)] // one set of definitions, and a table
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
        profile(
            "p",
            "Patient",
            json!([
                {"id": "Patient"},
                {"id": "Patient.extension", "slicing": discriminated(&[("value", "url")], "open")},
                {"id": "Patient.extension:must", "sliceName": "must", "min": 1, "max": "1", "type": [{"code": "Extension", "profile": ["http://e/patient"]}]},
                {"id": "Patient.birthDate", "type": [{"code": "date"}]},
                {"id": "Patient.birthDate.extension", "slicing": discriminated(&[("value", "url")], "open")},
                {"id": "Patient.birthDate.extension:time", "sliceName": "time", "min": 1, "type": [{"code": "Extension", "profile": ["http://e/time"]}]},
            ]),
        ),
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
    check(
        &definitions,
        &[
            (patient(json!({})), ""),
            (json!({"resourceType": "Patient"}), "profile-slice-min Patient.extension"),
            (
                patient(json!({"extension": [{"url": "http://e/patient", "valueCode": "x"}]})),
                "profile-type Patient.extension[0].value.ofType(code)",
            ),
            (patient(json!({"birthDate": "2026", "_birthDate": {"extension": one("http://e/time")}})), ""),
            (patient(json!({"birthDate": "2026"})), "profile-slice-min Patient.birthDate.extension"),
            (patient(json!({"name": [{"family": "x", "_family": {"extension": one("http://e/name")}}]})), ""),
            (
                patient(json!({"name": [{"extension": one("http://e/name")}]})),
                "profile-extension-place Patient.name[0].extension[0]",
            ),
            (patient(json!({"contact": [{"name": {"extension": one("http://e/contact")}}]})), ""),
            (
                patient(json!({"name": [{"extension": one("http://e/contact")}]})),
                "profile-extension-place Patient.name[0].extension[0]",
            ),
            (patient(json!({"extension": [must, {"url": "http://e/outer", "extension": one("http://e/inner")}]})), ""),
            (patient(json!({"extension": two("http://e/inner")})), "profile-extension-place Patient.extension[1]"),
            (
                patient(json!({"extension": two("http://e/modifier")})),
                "profile-extension-modifier Patient.extension[1]",
            ),
            (patient(json!({"modifierExtension": one("http://e/modifier")})), ""),
            (
                patient(json!({"modifierExtension": one("http://e/outer")})),
                "profile-extension-no-modifier Patient.modifierExtension[0]",
            ),
            (patient(json!({"extension": two("http://e/unknown")})), ""),
        ],
    );
    let all = profiles(&definitions);
    let notes = against(
        &patient(json!({"extension": two("http://e/unknown"), "name": [{"extension": one("http://e/unknown")}]})),
        &["p"],
        &all,
    );
    let said: Vec<&str> = notes.iter().map(|one| one.issue.detail.as_str()).collect();
    assert_eq!(said, ["http://e/unknown"], "{notes:#?}");
}

#[test]
fn an_element_may_be_what_another_is() {
    let p = profile(
        "p",
        "Questionnaire",
        json!([
            {"id": "Questionnaire"},
            {"id": "Questionnaire.item", "max": "*"},
            {"id": "Questionnaire.item.prefix", "min": 1},
            {"id": "Questionnaire.item.item", "contentReference": "#Questionnaire.item"},
        ]),
    );
    let of = |inner: Value| json!({"resourceType": "Questionnaire", "item": [{"prefix": "1", "item": [{"prefix": "2", "item": [inner]}]}]});
    check(
        &[p],
        &[
            (of(json!({"prefix": "3"})), ""),
            (of(json!({})), "profile-min Questionnaire.item[0].item[0].item[0].prefix"),
        ],
    );
}

#[test]
fn constraints() {
    let rule = |key: &str, severity: &str, human: &str, expression: &str| json!({"key": key, "severity": severity, "human": human, "expression": expression});
    let mut advice = rule("good", "warning", "text", "text.exists()");
    advice["extension"] = json!([{"url": "http://hl7.org/fhir/StructureDefinition/elementdefinition-bestpractice", "valueBoolean": true}]);
    let p = profile(
        "p",
        "Observation",
        json!([
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
        ]),
    );
    let inner = profile("inner", "Patient", json!([{"id": "Patient"}, {"id": "Patient.name", "min": 1}]));
    let v = json!({"resourceType": "ValueSet", "url": "v", "compose": {"include": [{"system": "s", "concept": [{"code": "c"}]}]}});
    let right = observation(json!({"status": "final", "performer": [{}]}));
    let definitions = [p, inner, v];
    check(
        &definitions,
        &[
            (right.clone(), ""),
            (observation(json!({"status": "amended"})), "R1234 Observation; k-2 Observation"),
            (with(right.clone(), json!({"subject": {"reference": "Patient/1"}})), ""),
            (with(right.clone(), json!({"subject": {"reference": "Group/1"}})), "k-3 Observation"),
            (with(right.clone(), json!({"contained": [{"resourceType": "Patient", "name": [{}]}]})), ""),
            (with(right.clone(), json!({"contained": [{"resourceType": "Patient"}]})), "k-4 Observation"),
            (with(right.clone(), json!({"method": {"coding": [coding("s", "c")]}})), ""),
            (with(right.clone(), json!({"method": {"coding": [coding("s", "d")]}})), "k-5 Observation"),
            (with(right.clone(), json!({"component": [{"valueString": "x"}]})), ""),
            (
                with(right.clone(), json!({"component": [{"valueInteger": 1}]})),
                "k-7 Observation.component[0].value.ofType(integer)",
            ),
        ],
    );
    let notes: Vec<String> =
        against(&right, &["p"], &profiles(&definitions)).iter().map(|one| one.rule().to_owned()).collect();
    assert_eq!(notes, ["profile-constraint-unread", "good"]);
}
