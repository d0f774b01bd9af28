//! Resources against the base definitions of R4: official examples pass, what is broken is found where it is.
//! The examples are in the folder `TASUKI_CORPORA`; without it those parts are not run.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests are not seen as tests

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use proptest::prelude::*;
use serde_json::{Value, json};
use tasuki::fault::Severity;
use tasuki::fhir::r4;
use tasuki::fhir::subset::{Part, subset};
use tasuki::validate::{Level, PROBLEMS_MAX, base, base_at};

fn corpora() -> Option<String> {
    let folder = std::env::var("TASUKI_CORPORA").ok();
    if folder.is_none() {
        println!("not run: TASUKI_CORPORA is not set");
    }
    folder
}

/// Every example of the specification and of the guides, with a name.
fn examples(corpora: &str) -> Vec<(String, Value)> {
    let text = std::fs::read_to_string(format!("{corpora}/fhir/hl7-r4-spec-examples.ndjson")).unwrap();
    let values = text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let name = |value: &Value| {
        format!("{}/{}", value["resourceType"].as_str().unwrap_or("?"), value["id"].as_str().unwrap_or("?"))
    };
    let mut all: Vec<(String, Value)> = values.map(|value| (name(&value), value)).collect();
    for folder in [
        "jp-clins-1.5.2-ExampleJson",
        "eCheckupReport-1.5.0",
        "eReferral-1.1.6",
        "jp-core-1.2.0",
        "jp-core-1.1.2",
        "ips-2.0.1",
    ] {
        let mut files: Vec<PathBuf> =
            std::fs::read_dir(format!("{corpora}/fhir/{folder}")).unwrap().map(|file| file.unwrap().path()).collect();
        files.sort();
        for file in files {
            let value: Value = serde_json::from_str(&std::fs::read_to_string(&file).unwrap()).unwrap();
            all.push((format!("{folder}/{}", file.file_name().unwrap().to_str().unwrap()), value));
        }
    }
    all
}

/// The errors of a resource: rule and place.
fn errors(resource: &Value) -> Vec<(&'static str, String)> {
    errors_at(resource, Level::Full)
}

fn errors_at(resource: &Value, level: Level) -> Vec<(&'static str, String)> {
    let found = base_at(resource, level).into_iter().filter(|issue| issue.rule.severity >= Severity::Error);
    found.map(|issue| (issue.rule.id, issue.place.to_string())).collect()
}

/// Official examples that break the rules of R4, and how.
const BROKEN_EXAMPLES: [(&str, &str); 10] = [
    ("?/?", "fhir-bad-type"),                           // a line that is no resource
    ("ActivityDefinition/blood-tubes-supply", "txt-2"), // a narrative of white space
    ("ActivityDefinition/heart-valve-replacement", "txt-2"),
    ("EventDefinition/example", "txt-2"),
    ("Library/zika-virus-intervention-logic", "fhir-uri"), // urn:oid:X.Y.Z
    ("Observation/clinical-gender", "fhir-reference-target"), // an Encounter that performs
    ("Questionnaire/qs1", "fhir-required que-1 que-2"),    // items without linkId
    ("eReferral-1.1.6/Composition-compositionReferralExample01.json", "fhir-bad-reference txt-1"), // bare ids, div without xmlns
    ("eReferral-1.1.6/Condition-piReferralExample01.json", "fhir-empty"),
    ("ips-2.0.1/ActorDefinition-Consumer.json", "fhir-bad-type"), // a type of R5
];

#[test]
fn official_examples_pass() {
    let Some(corpora) = corpora() else { return };
    let all = examples(&corpora);
    assert!(all.len() > 450, "{}", all.len());
    let mut wrong = BTreeMap::new();
    for (name, value) in &all {
        let rules: BTreeSet<&str> = errors(value).into_iter().map(|(rule, _)| rule).collect();
        if !rules.is_empty() {
            wrong.insert(name.as_str(), rules.into_iter().collect::<Vec<_>>().join(" "));
        }
    }
    let known: BTreeMap<&str, String> =
        BROKEN_EXAMPLES.iter().map(|(name, rules)| (*name, (*rules).to_owned())).collect();
    assert_eq!(wrong, known, "VAL-03");
}

/// Broken resources of a validator's own tests that the base definitions do not speak against, and why.
const BEYOND_THE_BASE: [(&str, &str); 4] = [
    ("observation-bp-extra-component", "a rule of the profile of vital signs"),
    ("observation-bp-no-component", "a rule of the profile of vital signs"),
    ("observation-dom6", "good practice, and no error: there is no narrative"),
    ("patient-meta-security-unknown-cs", "a code of an extensible binding"),
];

#[test]
fn what_another_validator_finds_is_found() {
    let Some(corpora) = corpora() else { return };
    let mut passed = BTreeSet::new();
    let mut count = 0;
    for file in std::fs::read_dir(format!("{corpora}/validation/jp-validator-cases/fhir-base")).unwrap() {
        let file = file.unwrap().path();
        let text = std::fs::read_to_string(&file).unwrap();
        for resource in text.lines().filter_map(|line| serde_json::from_str::<Value>(line).ok()) {
            count += 1;
            if errors(&resource).is_empty() {
                passed.insert(file.file_stem().unwrap().to_str().unwrap().to_owned());
            }
        }
    }
    assert!(count > 25, "{count}");
    assert_eq!(passed, BEYOND_THE_BASE.iter().map(|(name, _)| (*name).to_owned()).collect(), "VAL-03");
}

#[test]
fn official_definitions_pass() {
    let Some(corpora) = corpora() else { return };
    // Some of all kinds: the whole package takes a minute without optimisation.
    let package = format!("{corpora}/packages/hl7.fhir.r4.core-4.0.1.tgz");
    let tar = ["xzOf", &package, "--wildcards", "package/*-[p-q]*.json"];
    let text = std::process::Command::new("tar").args(tar).output().unwrap().stdout;
    let mut count = 0;
    for value in serde_json::Deserializer::from_slice(&text).into_iter::<Value>().map(Result::unwrap) {
        count += 1;
        let name = value["id"].as_str().unwrap();
        if name != "questionnaireresponse-extensions-QuestionnaireResponse-item-subject" {
            assert_eq!(errors(&value), [], "{name}"); // that id is too long
        }
    }
    assert!(count > 250, "{count}");
}

#[test]
fn what_the_gateway_makes_itself_passes() {
    let (mut count, mut wrong) = (0, Vec::new());
    for stage in ["map", "cda"] {
        for case in std::fs::read_dir(format!("{}/tests/golden/{stage}", env!("CARGO_MANIFEST_DIR"))).unwrap() {
            let file = case.unwrap().path().join("expected.json");
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            resources(&serde_json::from_str(&text).unwrap(), &mut |resource| {
                // These cases show Bundles and Binaries shortened; a change of status is a part of a DocumentReference.
                let is_shortened =
                    stage == "cda" && (resource["resourceType"] == "Bundle" || resource["resourceType"] == "Binary");
                let is_part = resource["resourceType"] == "DocumentReference" && resource.get("content").is_none();
                // A message that deletes a booking says why; R4 wants no reason with entered-in-error (app-4).
                let is_deleted_booking =
                    resource["resourceType"] == "Appointment" && resource["status"] == "entered-in-error";
                if is_shortened || is_part || is_deleted_booking {
                    return;
                }
                count += 1;
                wrong.extend(errors(resource).into_iter().map(|(rule, place)| format!("{file:?} {rule} {place}")));
            });
        }
    }
    assert!(wrong.is_empty(), "{count}\n{}", wrong.join("\n"));
    assert!(count > 300, "{count}");
}

/// Every resource that a golden case names under `resource`.
fn resources(value: &Value, see: &mut impl FnMut(&Value)) {
    match value {
        Value::Object(object) => match object.get("resource") {
            Some(resource) if object.contains_key("change") => see(resource),
            _ => object.values().for_each(|value| resources(value, see)),
        },
        Value::Array(items) => items.iter().for_each(|value| resources(value, see)),
        _ => {}
    }
}

#[test]
fn what_is_broken_is_found_where_it_is() {
    let mut count = 0;
    let lines = include_str!("base_validation/broken.txt").lines();
    for line in lines.filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let (wanted, resource) = line.split_once(" | ").unwrap();
        let resource: Value = serde_json::from_str(resource).unwrap();
        let wanted: Vec<(&str, String)> = wanted
            .split("; ")
            .map(|one| one.split_once(' ').unwrap())
            .map(|(rule, place)| (rule, place.to_owned()))
            .collect();
        assert_eq!(errors(&resource), wanted, "{line}");
        count += 1;
    }
    assert!(count >= 80, "VAL-01 VAL-05 {count}");
}

/// What breaks one constraint is told by its key (`base_validation/invariants.txt`).
#[test]
fn each_constraint_is_broken_by_what_breaks_it() {
    let mut count = 0;
    for line in include_str!("base_validation/invariants.txt").lines().filter(|line| !line.starts_with('#')) {
        let (key, resource) = line.split_once(" | ").unwrap();
        let found = errors(&serde_json::from_str(resource).unwrap());
        assert!(found.iter().any(|(rule, _)| *rule == key), "{line}\n{found:?}");
        count += 1;
    }
    assert!(count > 60, "{count}");
}

#[test]
fn a_part_of_an_example_is_sound_and_says_that_it_is_a_part() {
    let Some(corpora) = corpora() else { return };
    for (name, value) in examples(&corpora).iter().filter(|(_, value)| errors_at(value, Level::Structure).is_empty()) {
        let text = value.to_string();
        for part in [Part::Summary, Part::Text, Part::Data, Part::Elements(&["identifier", "subject", "entry"])] {
            let cut: Value = serde_json::from_str(&subset(&text, part).unwrap()).unwrap();
            // Constraints between elements need not hold in a part; everything else does.
            let found: Vec<_> =
                errors_at(&cut, Level::Structure).into_iter().filter(|(rule, _)| rule.starts_with("fhir-")).collect();
            assert_eq!(found, [], "{name} {part:?}");
            let is_tagged = |tag: &Value| tag["code"] == "SUBSETTED";
            assert!(cut["meta"]["tag"].as_array().unwrap().iter().any(is_tagged), "{name} {part:?}");
            for (member, kept) in cut.as_object().unwrap().iter().filter(|(member, _)| *member != "meta") {
                let is_same = kept == &value[member] || part == Part::Summary || member == "contained";
                assert!(is_same, "{name} {part:?} {member}");
            }
        }
    }
}

#[test]
fn what_only_looks_broken_passes() {
    for line in include_str!("base_validation/sound.txt").lines().filter(|line| line.starts_with('{')) {
        assert_eq!(errors(&serde_json::from_str(line).unwrap()), [], "{line}");
    }
}

/// A generator of numbers that is the same in every run (xorshift).
struct Numbers(u64);

impl Numbers {
    fn below(&mut self, limit: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        (self.0 % limit as u64) as usize
    }
}

/// Every pointer (RFC 6901) to a value in a resource.
fn pointers(value: &Value, at: &str, out: &mut Vec<String>) {
    let mut below = |name: &str, value: &Value| {
        let pointer = format!("{at}/{name}");
        out.push(pointer.clone());
        pointers(value, &pointer, out);
    };
    match value {
        Value::Object(object) => object.iter().for_each(|(name, value)| below(name, value)),
        Value::Array(items) => items.iter().enumerate().for_each(|(at, value)| below(&at.to_string(), value)),
        _ => {}
    }
}

/// Damages a value in one of the ways that no element of R4 survives.
fn damage(value: &mut Value, numbers: &mut Numbers) {
    *value = match (value.take(), numbers.below(5)) {
        (Value::Object(mut object), 0) => {
            object.insert("unbekannt".into(), json!("x"));
            Value::Object(object)
        }
        (Value::Object(_), 1) => json!({}),
        (Value::Object(_), 2) => json!("x"),
        (Value::Array(_), 0) => json!([]),
        (Value::Array(mut items), 1 | 2) => items.swap_remove(0),
        (Value::Array(items), 3) => json!([items]),
        (Value::String(_), 0) => json!(""),
        (Value::String(text), 1) => json!({ "value": text }),
        (Value::String(_), 2) => json!(17),
        (Value::String(text), 3) => json!(format!("{text}\u{1}")),
        (Value::Number(number), 0 | 1) => json!(number.to_string()),
        (Value::Number(_), 2) => json!(true),
        (Value::Bool(is_so), 0 | 1) => json!(is_so.to_string()),
        (other, 4) => json!([[other]]),
        _ => Value::Null,
    };
}

#[test]
fn damage_anywhere_in_an_example_is_found() {
    let Some(corpora) = corpora() else { return };
    let mut numbers = Numbers(0x9e37_79b9_7f4a_7c15);
    let mut count = 0;
    for (name, sound) in examples(&corpora).iter().filter(|(_, value)| errors_at(value, Level::Structure).is_empty()) {
        let mut all = Vec::new();
        pointers(sound, "", &mut all);
        for _ in 0..20 {
            let pointer = &all[numbers.below(all.len())];
            let mut broken = sound.clone();
            damage(broken.pointer_mut(pointer).unwrap(), &mut numbers);
            assert!(
                !errors_at(&broken, Level::Structure).is_empty(),
                "{name} {pointer} {}",
                broken.pointer(pointer).unwrap()
            );
            count += 1;
        }
        // What must be there is missed.
        for element in r4::elements(sound["resourceType"].as_str().unwrap()).unwrap().iter().filter(|e| e.is_required) {
            let mut broken = sound.clone();
            broken.as_object_mut().unwrap().retain(|name, _| !name.trim_start_matches('_').starts_with(element.stem()));
            assert!(
                errors_at(&broken, Level::Structure).iter().any(|(rule, _)| *rule == "fhir-required"),
                "{name} {}",
                element.name
            );
            count += 1;
        }
    }
    assert!(count > 9000, "{count}");
}

/// Any JSON, with names that FHIR has more often than others.
fn json_value() -> impl Strategy<Value = Value> {
    let name = prop_oneof![
        Just("resourceType".to_owned()),
        prop::sample::select(vec![
            "id",
            "meta",
            "text",
            "div",
            "contained",
            "extension",
            "modifierExtension",
            "url",
            "valueString",
            "entry",
            "resource",
            "type",
            "reference",
            "subject",
            "name",
            "given",
            "_given",
            "status",
            "code",
            "coding",
            "item",
            "parameter",
            "part",
        ])
        .prop_map(str::to_owned),
        ".{0,6}",
    ];
    let text = prop_oneof![
        prop::sample::select(vec![
            "Patient",
            "Bundle",
            "Parameters",
            "Observation",
            "Questionnaire",
            "transaction",
            "#a",
            "a",
            "2026-02-30",
            "urn:oid:1",
            "<div xmlns=\"http://www.w3.org/1999/xhtml\"><p title='&#x41;'>",
            "<div",
            "<div xmlns=\"",
            "http://a/Patient/1",
            "é&;",
        ])
        .prop_map(str::to_owned),
        ".{0,12}",
    ];
    let leaf = prop_oneof![
        text.prop_map(Value::String),
        any::<i64>().prop_map(|number| json!(number)),
        any::<f64>().prop_map(|number| json!(number)),
        any::<bool>().prop_map(Value::Bool),
        Just(Value::Null),
    ];
    leaf.prop_recursive(6, 64, 8, move |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..5).prop_map(Value::Array),
            prop::collection::vec((name.clone(), inner), 0..8).prop_map(|members| members.into_iter().collect()),
        ]
    })
}

proptest! {
    #[test]
    fn no_json_makes_it_panic(value in json_value(), name in prop::sample::select(vec!["Patient", "Bundle", "Parameters", "Observation"])) {
        prop_assert!(base(&value).len() <= PROBLEMS_MAX + 1);
        let mut resource = value;
        if let Some(object) = resource.as_object_mut() {
            object.insert("resourceType".into(), json!(name));
        }
        prop_assert!(base(&resource).len() <= PROBLEMS_MAX + 1);
    }
}
