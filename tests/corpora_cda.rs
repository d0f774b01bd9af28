//! Every CDA document of the corpora becomes a FHIR document or is held with a place, the same one twice; fragments are
//! held. What comes out is R4 by the definitions. Runs where `TASUKI_CORPORA` names the folder.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code)] // the other tests use the rest
mod definition;

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use definition::Package;
use definition::structure::Checker;
use serde_json::Value;
use tasuki::decode::xml;
use tasuki::fault::{Issue, Place};
use tasuki::fhir::FacilityCode;
use tasuki::letter::{LetterId, Source};
use tasuki::map::cda::{Context, map};
use tasuki::map::{Change, Mapped};
use tasuki::validate::validate;

#[test]
fn every_document_becomes_a_document_or_is_held_with_its_place() {
    let Some(corpora) = std::env::var_os("TASUKI_CORPORA").map(PathBuf::from) else {
        println!("not run: TASUKI_CORPORA is not set");
        return;
    };
    let mut issues: BTreeMap<String, u32> = BTreeMap::new();
    let package = Package::read(&corpora, "hl7.fhir.r4.core-4.0.1");
    let mut checker = Checker::new(&package);
    let (mut mapped, mut time, mut bytes) = (0, Duration::ZERO, 0);
    for file in files(&corpora.join("cda")) {
        let content = fs::read(&file).unwrap();
        let started = Instant::now();
        match convert(&content) {
            Err(issue) => {
                assert_ne!(issue.place, Place::Whole);
                println!("held: {} {} {}", file.display(), issue.rule.id, issue.place);
            }
            Ok((result, found)) => {
                (mapped, time, bytes) = (mapped + 1, time + started.elapsed(), bytes + content.len());
                for resource in check(&result, &file) {
                    checker.resource(&resource, true);
                    let wrong = validate(&resource);
                    assert!(wrong.is_empty(), "{}: {wrong:?}", file.display());
                }
                assert_eq!(convert(&content).unwrap().0.changes, result.changes, "{}", file.display());
                for issue in found {
                    let place = issue.place.to_string();
                    let place: String = place.split('[').map(|part| part.split(']').next_back().unwrap()).collect();
                    *issues.entry(format!("{} {place}", issue.rule.id)).or_default() += 1;
                }
            }
        }
    }
    println!("{mapped} documents, {:?} and {} bytes each", time / mapped, bytes / mapped as usize);
    for (issue, count) in issues {
        println!("{count:5} {issue}");
    }
    assert!(mapped >= 80);
    assert!(checker.found.is_empty(), "{:#?}", checker.found);
}

#[test]
fn fragments_are_held() {
    let Some(corpora) = std::env::var_os("TASUKI_CORPORA").map(PathBuf::from) else {
        println!("not run: TASUKI_CORPORA is not set");
        return;
    };
    let held = files(&corpora.join("cda-fragment")).into_iter().filter(|file| {
        let result = convert(&fs::read(file).unwrap());
        result.err().is_some_and(|issue| issue.place != Place::Whole)
    });
    assert!(held.count() > 300);
}

/// What any document gives: the Patient first, one Composition, the Bundle that begins with it, the original.
fn check(result: &Mapped, file: &Path) -> Vec<Value> {
    let resources: Vec<Value> = result.changes.iter().filter_map(resource).collect();
    assert_eq!(resources[0]["resourceType"], "Patient", "{}", file.display());
    let of = |kind: &str| resources.iter().filter(|r| r["resourceType"] == kind).cloned().collect::<Vec<_>>();
    let [composition] = &of("Composition")[..] else { panic!("{}: one Composition", file.display()) };
    let [bundle] = &of("Bundle")[..] else { panic!("{}: one Bundle", file.display()) };
    assert_eq!(bundle["entry"][0]["resource"]["id"], composition["id"]);
    assert_eq!(of("DocumentReference").iter().filter(|r| r["content"][0]["attachment"]["hash"].is_string()).count(), 1);
    assert_eq!(of("Provenance").len(), 1);
    let inside: Vec<String> =
        bundle["entry"].as_array().unwrap().iter().map(|entry| entry["fullUrl"].as_str().unwrap().to_owned()).collect();
    let text = bundle.to_string();
    for reference in text.split("\"reference\":\"").skip(1).map(|rest| rest.split('"').next().unwrap()) {
        let is_known = inside.iter().any(|url| url == reference);
        assert!(is_known || !reference.starts_with("urn:uuid:"), "{}: {reference}", file.display());
        assert!(
            reference.contains(':') || reference.starts_with('#'),
            "{}: {reference} is not in the Bundle",
            file.display()
        );
    }
    resources
}

fn resource(change: &Change) -> Option<Value> {
    match change {
        Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. } => {
            Some(serde_json::from_str(&draft.json(None)).unwrap())
        }
        _ => None,
    }
}

fn convert(bytes: &[u8]) -> Result<(Mapped, Vec<Issue>), Issue> {
    let source = Source { facility: FacilityCode::unstated(), zone_minutes: 540 };
    let text = xml::text(bytes)?;
    let document = xml::parse(&text.value)?;
    let context = Context { source: &source, letter: LetterId([0; 32]), bytes, book: &Arc::default() };
    map(&document, context).map(|noted| (noted.value, noted.issues))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    walk(folder, &mut found);
    found.retain(|file| !file.components().any(|part| part.as_os_str() == "expected"));
    found.sort();
    found
}

fn walk(folder: &Path, found: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() { walk(&path, found) } else { found.push(path) }
    }
}
