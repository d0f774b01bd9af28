//! Every SS-MIX2 file of the corpora that a mapper exists for gives changes with a Patient, the same ones twice.
//! Runs where `TASUKI_CORPORA` names the folder.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tasuki::decode::charset::decode;
use tasuki::decode::hl7v2::Message;
use tasuki::decode::ssmix2::{FileName, Flag, Kind};
use tasuki::fault::Noted;
use tasuki::fhir::{FacilityCode, ResourceType};
use tasuki::letter::{Letter, LetterId, Source};
use tasuki::map::hl7v2::{Context, map};
use tasuki::map::{Change, Known, Mapped};
use tasuki::pipeline::translate;

const MAPPED: [Kind; 9] = [
    Kind::Adt00,
    Kind::Adt12,
    Kind::Adt22,
    Kind::Adt52,
    Kind::Adt61,
    Kind::Ppr01,
    Kind::Omp01,
    Kind::Omp02,
    Kind::Oml11,
];

/// Every order and every result that somebody else wrote is mapped, twice the same and with all its results, or refused
/// with a reason.
#[test]
fn orders_and_results_of_others_are_mapped_or_refused() {
    let Some(corpora) = std::env::var_os("TASUKI_CORPORA") else {
        println!("not run: TASUKI_CORPORA is not set");
        return;
    };
    let mut files = Vec::new();
    walk(&Path::new(&corpora).join("v2"), &mut files);
    files.retain(|file| !file.to_string_lossy().contains("expected"));
    files.sort();
    let source = Source { facility: FacilityCode::parse("0119999901"), zone_minutes: 540 };
    let (known, letter, book) = (Known::default(), LetterId([0; 32]), Arc::default());
    let context = Context { source: &source, name: None, letter, known: &known, book: &book };
    let (mut mapped, mut refused) = (0, BTreeMap::<&str, u32>::new());
    for file in &files {
        let bytes = fs::read(file).unwrap();
        let text = decode(&bytes).value;
        let Ok(message) = Message::parse(&text) else { continue };
        let kind = message.value.first("MSH").unwrap().peek(9).component(1).text().into_owned();
        if !matches!(kind.as_str(), "ORU" | "OUL" | "OML" | "OMG" | "OMI" | "ORM") {
            continue;
        }
        let once = match map(&message.value, context) {
            Ok(once) => once,
            Err(issue) => {
                *refused.entry(issue.rule.id).or_default() += 1;
                continue;
            }
        };
        mapped += 1;
        for change in &once.value.changes {
            if let Change::Put(draft) | Change::PutWeak(draft) = change {
                serde_json::from_str::<serde_json::Value>(&draft.json(None)).unwrap();
            }
        }
        assert_eq!(map(&Message::parse(&text).unwrap().value, context).unwrap().value.changes, once.value.changes);
        if matches!(kind.as_str(), "ORU" | "OUL") {
            every_result_is_there(file, &message.value, &once);
        }
    }
    println!("{mapped} mapped, refused {refused:?}");
    assert!(mapped > 100 && refused.keys().all(|rule| ["v2-no-patient", "v2-several-patients"].contains(rule)));
}

/// Each OBX is an Observation, the further line of one, or named by an issue.
fn every_result_is_there(file: &Path, message: &Message<'_>, noted: &Noted<Mapped>) {
    let is_of = |change: &&Change| {
        matches!(change, Change::Put(d) | Change::PutWeak(d) if d.resource_type == ResourceType::OBSERVATION)
            || matches!(change, Change::Delete { resource_type, .. } if *resource_type == ResourceType::OBSERVATION)
    };
    let given = noted.value.changes.iter().filter(is_of).count();
    let named = noted.issues.iter().filter(|issue| issue.rule.id == "v2-result-without-code").count();
    let texts: Vec<_> = message.all("OBX").map(|s| [2, 3, 4, 11, 14].map(|n| s.peek(n).raw())).collect();
    let lines = texts.windows(2).filter(|pair| pair[0] == pair[1] && matches!(pair[0][0], "TX" | "FT")).count();
    let sent = texts.len();
    assert!(given + named + lines >= sent && given + named <= sent, "{}: {sent} {given} {named}", file.display());
}

#[test]
fn every_generated_file_gives_a_patient() {
    let Some(corpora) = std::env::var_os("TASUKI_CORPORA") else {
        println!("not run: TASUKI_CORPORA is not set");
        return;
    };
    let mut files = Vec::new();
    walk(&Path::new(&corpora).join("ssmix2/generated"), &mut files);
    files.sort();
    let mut issues: BTreeMap<String, u32> = BTreeMap::new();
    let mut times: BTreeMap<&str, (Duration, u32)> = BTreeMap::new();
    for file in &files {
        if let Some(name) = file_name(file).filter(|name| MAPPED.contains(&name.kind)) {
            let time = times.entry(name.kind.code()).or_default();
            time.0 += one(file, &name, &mut issues);
            time.1 += 1;
        }
    }
    assert!(times.values().map(|(_, count)| count).sum::<u32>() > 400);
    for (kind, (time, count)) in times {
        println!("{kind}: {count} files, {:?} each", time / count);
    }
    for (issue, count) in issues {
        println!("{count:5} {issue}");
    }
}

/// The NHO samples are named for other patients than they speak of, so they come without their names.
#[test]
fn the_samples_of_the_national_hospital_organization_give_a_patient() {
    let Some(corpora) = std::env::var_os("TASUKI_CORPORA") else {
        println!("not run: TASUKI_CORPORA is not set");
        return;
    };
    let folder = Path::new(&corpora).join("v2/nhoHQ+SSMIX2DataTestingTool/v2");
    let source = Source { facility: FacilityCode::parse("0119999901"), zone_minutes: 540 };
    let (known, letter) = (Known::default(), LetterId([0; 32]));
    for kind in ["ADT-61", "PPR-01", "OMP-02", "20110630__OMP-11", "OMP-12"] {
        let is_kind = |path: &PathBuf| path.to_string_lossy().contains(kind);
        let file = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).find(is_kind).unwrap();
        let bytes = fs::read(file).unwrap();
        let (text, ..) = encoding_rs::ISO_2022_JP.decode(&bytes);
        let message = Message::parse(&text).unwrap().value;
        let mapped =
            map(&message, Context { source: &source, name: None, letter, known: &known, book: &Default::default() })
                .unwrap();
        println!("{kind}: {} changes", mapped.value.changes.len());
        for issue in &mapped.issues {
            println!("    {} {}", issue.rule.id, issue.place);
        }
        assert!(mapped.value.changes.len() >= 3);
    }
}

fn one(file: &Path, name: &FileName, issues: &mut BTreeMap<String, u32>) -> Duration {
    let bytes = fs::read(file).unwrap();
    let (text, ..) = encoding_rs::ISO_2022_JP.decode(&bytes);
    let source = Arc::new(Source { facility: FacilityCode::unstated(), zone_minutes: 540 });
    let known = Known::default();
    let letter = Letter { source: source.clone(), name: String::new(), bytes: bytes.clone() }.id();
    let context = Context { source: &source, name: Some(name), letter, known: &known, book: &Default::default() };
    let start = Instant::now();
    let message = Message::parse(&text).unwrap().value;
    let mapped = map(&message, context).unwrap_or_else(|issue| panic!("{}: {}", file.display(), issue.english()));
    let time = start.elapsed();
    let Some(Change::Put(draft) | Change::PutWeak(draft)) = mapped.value.changes.first() else {
        panic!("{}: no Patient first", file.display());
    };
    assert_eq!(draft.resource_type, ResourceType::PATIENT);
    for change in &mapped.value.changes {
        if let Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. } = change {
            assert!(draft.occurred.is_some());
            let json = draft.json(None);
            serde_json::from_str::<serde_json::Value>(&json).unwrap();
            assert!(!json.contains("null"), "{}: {json}", file.display());
        }
    }
    let again = Message::parse(&text).unwrap().value;
    assert_eq!(map(&again, context).unwrap().value.changes, mapped.value.changes);
    for issue in &mapped.issues {
        let place = issue.place.to_string();
        let place = place.split('[').next().unwrap_or_default().to_owned();
        *issues.entry(format!("{} {} {place}", name.kind.code(), issue.rule.id)).or_default() += 1;
    }
    time
}

fn walk(folder: &Path, files: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            walk(&path, files);
        } else {
            files.push(path);
        }
    }
}

fn file_name(file: &Path) -> Option<FileName> {
    let parts: Vec<&str> = file.file_name()?.to_str()?.split('_').collect();
    let [patient, date, kind, order, stamp, department, flag] = parts[..] else { return None };
    let stated = |text: &str| (text != "-").then(|| text.to_owned());
    Some(FileName {
        patient: patient.to_owned(),
        date: stated(date),
        kind: Kind::parse(kind)?,
        order: stated(order).filter(|order| order.bytes().any(|b| b != b'9')),
        stamp: stamp.to_owned(),
        department: stated(department),
        flag: if flag == "1" { Flag::Valid } else { Flag::Deleted },
    })
}

/// Why an ADT message of the corpora is held: what is not mapped on purpose (docs/mapping/patient-merge.md), nobody's
/// number, another patient's name.
const HELD: [&str; 5] =
    ["v2-records-not-moved", "v2-several-patients", "v2-no-patient", "ssmix2-other-patient", "v2-no-facility"];

#[test]
fn every_adt_message_is_mapped_or_held_with_a_placed_reason() {
    let Some(corpora) = std::env::var_os("TASUKI_CORPORA") else {
        println!("not run: TASUKI_CORPORA is not set");
        return;
    };
    let corpora = Path::new(&corpora);
    let manifest: serde_json::Value =
        serde_json::from_slice(&fs::read(corpora.join("converter-manifest.json")).unwrap()).unwrap();
    let is_adt = |row: &&serde_json::Value| row["type"].as_str().is_some_and(|kind| kind.starts_with("ADT"));
    let source = Arc::new(Source { facility: FacilityCode::parse("0119999901"), zone_minutes: 540 });
    let (mut mapped, mut held) = (0, BTreeMap::new());
    for row in manifest.as_array().unwrap().iter().filter(is_adt) {
        let path = row["path"].as_str().unwrap();
        let bytes = fs::read(corpora.join(path)).unwrap();
        let letter = Letter { source: source.clone(), name: String::new(), bytes };
        match translate(&letter, letter.id(), &Default::default(), |_| Ok(Known::default())).unwrap() {
            Ok(noted) => {
                let is_patient = |change: &Change| match change {
                    Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. } => {
                        draft.resource_type == ResourceType::PATIENT
                    }
                    _ => false,
                };
                assert!(noted.value.changes.first().is_some_and(is_patient), "{path}");
                mapped += 1;
            }
            Err(issues) => {
                assert!(issues.iter().all(|issue| HELD.contains(&issue.rule.id)), "{path}: {issues:?}");
                *held.entry(row["type"].as_str().unwrap().to_owned()).or_insert(0) += 1;
            }
        }
    }
    println!("{mapped} mapped, held: {held:?}");
    assert!(mapped > 130 && held.values().sum::<i32>() < 15);
}
