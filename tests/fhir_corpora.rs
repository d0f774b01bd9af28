//! Received FHIR against the examples of the guides and the R4 definitions (folder `TASUKI_CORPORA`; not run without it).

#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests are not seen as tests

use std::collections::HashSet;
use std::path::PathBuf;

use serde_json::Value;
use tasuki::decode::fhir::decode;
use tasuki::fhir::{Draft, FacilityCode};
use tasuki::letter::{LetterId, Source};
use tasuki::map::{Change, Mapped, fhir};
use tasuki::search::facts::extract_in;
use tasuki::validate::validate;

fn corpora() -> Option<String> {
    let folder = std::env::var("TASUKI_CORPORA").ok();
    if folder.is_none() {
        println!("not run: TASUKI_CORPORA is not set");
    }
    folder
}

fn files(corpora: &str, folder: &str) -> Vec<PathBuf> {
    let listed = std::fs::read_dir(format!("{corpora}/fhir/{folder}")).unwrap();
    listed.map(|file| file.unwrap().path()).collect()
}

fn bundles(corpora: &str) -> Vec<PathBuf> {
    let folders = ["jp-clins-1.5.2-ExampleJson", "eCheckupReport-1.5.0", "ips-2.0.1", "eReferral-1.1.6"];
    let all = folders.iter().flat_map(|folder| files(corpora, folder));
    all.filter(|path| path.to_str().unwrap().contains("/Bundle-")).collect()
}

fn mapped(text: &str) -> Mapped {
    let source = Source { facility: FacilityCode::unstated(), zone_minutes: 540 };
    let context = fhir::Context { source: &source, letter: LetterId([1; 32]) };
    let value = decode(text.as_bytes()).unwrap().value;
    fhir::map(&value, text.as_bytes(), context).unwrap().value
}

fn draft(change: &Change) -> &Draft {
    match change {
        Change::Put(draft) | Change::PutWeak(draft) => draft,
        other => panic!("{other:?}"),
    }
}

fn read(draft: &Draft) -> Value {
    serde_json::from_str(&draft.json(None)).unwrap()
}

fn references(value: &Value, see: &mut impl FnMut(&str)) {
    match value {
        Value::Object(object) => {
            if let Some(Value::String(text)) = object.get("reference") {
                see(text);
            }
            object.values().for_each(|value| references(value, see));
        }
        Value::Array(items) => items.iter().for_each(|value| references(value, see)),
        _ => {}
    }
}

#[test]
fn every_example_bundle_stays_itself_and_its_references_resolve() {
    let Some(corpora) = corpora() else { return };
    let bundles = bundles(&corpora);
    assert!(bundles.len() >= 7, "{bundles:?}");
    for path in bundles {
        let text = std::fs::read_to_string(&path).unwrap();
        let mapped = mapped(&text);
        let mut received: Value = serde_json::from_str(&text).unwrap();
        let bundle = draft(&mapped.changes[1]);
        received["id"] = bundle.id.as_str().into();
        if let Some(meta) = received.get_mut("meta").and_then(Value::as_object_mut) {
            meta.shift_remove("versionId");
            meta.shift_remove("lastUpdated");
        }
        // Equality of numbers is equality of their text: serde_json keeps them so (`arbitrary_precision`).
        assert_eq!(read(bundle), received, "{path:?}");
        let ids: HashSet<String> = mapped.changes.iter().map(|change| draft(change).reference()).collect();
        assert_eq!(ids.len(), mapped.changes.len(), "{path:?}: two resources with one id");
        for change in &mapped.changes[2..] {
            references(&read(draft(change)), &mut |text| {
                assert!(text.starts_with('#') || text.starts_with("http") || ids.contains(text), "{path:?}: {text}");
            });
        }
    }
}

#[test]
fn what_the_mapper_makes_belongs_to_its_record_and_is_sound() {
    let Some(corpora) = corpora() else { return };
    for path in bundles(&corpora) {
        let mapped = mapped(&std::fs::read_to_string(&path).unwrap());
        for change in &mapped.changes {
            let stored = read(draft(change));
            let found = extract_in(&stored, mapped.patient, 540);
            let name = draft(change).reference();
            assert!(found.patients.iter().all(|patient| *patient == mapped.patient), "{path:?} {name}");
            assert!(validate(&stored).is_empty(), "{path:?} {name}");
        }
    }
}

#[test]
fn the_examples_of_the_specification_and_the_guides_are_sound() {
    let Some(corpora) = corpora() else { return };
    let specification = std::fs::read_to_string(format!("{corpora}/fhir/hl7-r4-spec-examples.ndjson")).unwrap();
    let mut texts: Vec<String> = specification.lines().map(str::to_owned).collect();
    for folder in ["jp-clins-1.5.2-ExampleJson", "eCheckupReport-1.5.0", "eReferral-1.1.6", "jp-core-1.2.0"] {
        texts.extend(files(&corpora, folder).iter().map(|path| std::fs::read_to_string(path).unwrap()));
    }
    let mut wrong = Vec::new();
    for text in &texts {
        match decode(text.as_bytes()).map(|noted| noted.value) {
            Err(issue) => wrong.push(issue.rule.id),
            Ok(value) => wrong.extend(validate(&value).first().map(|issue| issue.rule.id)),
        }
    }
    wrong.sort_unstable();
    // A Composition that refers by bare ids, an empty Condition.code.text, a line that is no resource.
    assert_eq!(wrong, ["fhir-bad-reference", "fhir-empty", "fhir-no-type"], "of {}", texts.len());
}
