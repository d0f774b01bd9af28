//! Laboratory results and prescriptions as a whole: ids that stay, what the corpora hold, and how long it takes.

#![allow(clippy::unwrap_used, clippy::print_stderr)] // a test may

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tasuki::decode::hl7v2::Message;
use tasuki::fault::Noted;
use tasuki::fhir::FacilityCode;
use tasuki::letter::{Letter, Source};
use tasuki::map::hl7v2::{Context, map};
use tasuki::map::{Change, Known, Mapped};

fn mapped(text: &str) -> Noted<Mapped> {
    let source = Arc::new(Source { facility: FacilityCode::parse("0119999901"), zone_minutes: 540 });
    let letter = Letter { source: source.clone(), name: String::new(), bytes: text.as_bytes().to_vec() }.id();
    let message = Message::parse(text).unwrap().value;
    map(&message, Context { source: &source, name: None, letter, known: &Known::default(), book: &Default::default() })
        .unwrap()
}

fn golden(case: &str) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/map");
    fs::read_to_string(root.join(case).join("input.hl7")).unwrap()
}

/// `Type/id` of what a message puts or deletes, of some types.
fn ids(mapped: &Mapped, types: &[&str]) -> BTreeSet<String> {
    let reference = |change: &Change| match change {
        Change::Put(draft) => draft.reference(),
        Change::Delete { resource_type, id, .. } => format!("{}/{}", resource_type.name(), id.as_str()),
        _ => String::new(),
    };
    let is_wanted = |reference: &String| types.iter().any(|t| reference.starts_with(&format!("{t}/")));
    mapped.changes.iter().map(reference).filter(is_wanted).collect()
}

const OF_AN_ORDER: &[&str] = &["Specimen", "ServiceRequest", "DiagnosticReport", "Observation", "MedicationRequest"];

#[test]
fn preliminary_final_and_deleted_results_are_the_same_resources() {
    let preliminary = ids(&mapped(&golden("oul-11-preliminary")).value, OF_AN_ORDER);
    let results = ids(&mapped(&golden("oul-11-results")).value, OF_AN_ORDER);
    let deleted = ids(&mapped(&golden("oul-11-deleted")).value, OF_AN_ORDER);
    assert_eq!(preliminary.len(), 5);
    assert!(preliminary.is_subset(&results), "{preliminary:?} {results:?}");
    assert_eq!(preliminary, deleted);
    let prescribed = ids(&mapped(&golden("rde-01-outpatient")).value, OF_AN_ORDER);
    let cancelled = ids(&mapped(&golden("rde-cancelled")).value, OF_AN_ORDER);
    assert!(cancelled.len() == 1 && cancelled.is_subset(&prescribed));
}

#[test]
fn the_order_of_results_in_a_message_does_not_matter() {
    let text = golden("oul-11-results");
    let mut lines: Vec<&str> = text.lines().collect();
    let first = lines.iter().position(|l| l.starts_with("OBX")).unwrap();
    lines.swap(first, first + 1);
    let types = &["Observation"];
    assert_eq!(ids(&mapped(&text).value, types), ids(&mapped(&lines.join("\r")).value, types));
}

#[test]
fn every_coded_result_and_drug_of_the_corpora_is_mapped() {
    let Some(corpora) = std::env::var_os("TASUKI_CORPORA") else {
        eprintln!("not run: TASUKI_CORPORA names no corpora");
        return;
    };
    let mut files = Vec::new();
    collect(&Path::new(&corpora).join("ssmix2/generated"), &mut files);
    collect(&Path::new(&corpora).join("v2"), &mut files);
    let mut rules: BTreeMap<String, usize> = BTreeMap::new();
    let mut counts = (0, 0);
    for file in files {
        let bytes = fs::read(&file).unwrap();
        let text = encoding_rs::ISO_2022_JP.decode_without_bom_handling(&bytes).0;
        let Ok(message) = Message::parse(&text) else { continue };
        let kind = message.value.first("MSH").map(|h| h.peek(9).raw().to_owned()).unwrap_or_default();
        let (segment, field, resource) = match () {
            () if kind.starts_with("OUL^R22") => ("OBX", 3, "Observation"),
            () if kind.starts_with("RDE^O11") => ("RXE", 2, "MedicationRequest"),
            () => continue,
        };
        if message.value.first("PID").is_none() || message.value.first("RXC").is_some() {
            continue;
        }
        let expected = message.value.all(segment).filter(|s| s.peek(field).is_valued()).count();
        let noted = mapped(&text);
        noted.value.changes.iter().for_each(is_json);
        let found = ids(&noted.value, &[resource]).len();
        assert!(found >= expected, "{}: {found} of {expected}", file.display());
        counts = if resource == "Observation" { (counts.0 + found, counts.1) } else { (counts.0, counts.1 + found) };
        for issue in noted.issues {
            *rules.entry(format!("{} {}", issue.rule.id, issue.place)).or_default() += 1;
        }
    }
    eprintln!("{} Observations, {} MedicationRequests; noted: {rules:#?}", counts.0, counts.1);
    assert!(counts.0 >= 192 && counts.1 >= 96, "{counts:?}");
}

fn is_json(change: &Change) {
    if let Change::Put(draft) = change {
        serde_json::from_str::<serde_json::Value>(&draft.json(None)).unwrap();
    }
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) {
    let mut entries: Vec<PathBuf> = fs::read_dir(folder).unwrap().map(|e| e.unwrap().path()).collect();
    entries.sort();
    for path in entries {
        if path.is_dir() { collect(&path, files) } else { files.push(path) }
    }
}
