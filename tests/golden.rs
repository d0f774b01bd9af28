//! Golden cases: `tests/golden/map/<case>/input.hl7` and what it becomes. `UPDATE=1 cargo test --test golden` rewrites.

#![allow(clippy::unwrap_used)]

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::{Value, json};
use tasuki::decode::charset;
use tasuki::decode::hl7v2::Message;
use tasuki::decode::ssmix2::{FileName, Flag, Kind};
use tasuki::fault::Issue;
use tasuki::fhir::time::Interval;
use tasuki::fhir::{FacilityCode, ResourceId};
use tasuki::letter::{Letter, LetterId, Source};
use tasuki::map::hl7v2::{Context, map};
use tasuki::map::{Change, Known, KnownDocument, KnownEncounter};

const FACILITY: &str = "0119999901";
const ZONE_MINUTES: i16 = 540;

#[test]
fn map_cases() {
    let different: Vec<String> = cases().iter().filter_map(|case| compare(case)).collect();
    assert!(different.is_empty(), "\n{}", different.join("\n"));
}

#[test]
fn a_message_cut_off_anywhere_is_mapped_or_held() {
    for case in cases() {
        let text = text(&fs::read(case.join("input.hl7")).unwrap());
        let name = file_name(fs::read_to_string(case.join("name.txt")).unwrap_or_default().trim());
        let source = Source { facility: FacilityCode::parse(FACILITY), zone_minutes: ZONE_MINUTES };
        let (known, letter) = (Known::default(), LetterId([0; 32]));
        for (end, _) in text.char_indices() {
            if let Ok(message) = Message::parse(&text[..end]) {
                let context =
                    Context { source: &source, name: name.as_ref(), letter, known: &known, book: &Default::default() };
                let _ = map(&message.value, context);
            }
        }
    }
}

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/map");
    let mut cases: Vec<PathBuf> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.retain(|case| case.join("input.hl7").exists());
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

/// The difference between what a case expects and what came out; `None` when there is none.
fn compare(case: &Path) -> Option<String> {
    let actual = serde_json::to_string_pretty(&outcome(case)).unwrap() + "\n";
    let path = case.join("expected.json");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, actual).unwrap();
        return None;
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    let name = case.file_name().unwrap().to_string_lossy();
    (expected != actual).then(|| format!("--- {name}: expected, +++ actual\n{}", difference(&expected, &actual)))
}

/// The cases are UTF-8, to be read in an editor; one with escapes of ISO 2022 is decoded as a letter is.
fn text(bytes: &[u8]) -> String {
    if bytes.contains(&0x1B) {
        let decoded = charset::decode(bytes);
        assert!(decoded.issues.is_empty());
        return decoded.value.into_owned();
    }
    String::from_utf8(bytes.to_vec()).unwrap()
}

fn outcome(case: &Path) -> Value {
    let bytes = fs::read(case.join("input.hl7")).unwrap();
    let file = fs::read_to_string(case.join("name.txt")).unwrap_or_default();
    let name = file_name(file.trim());
    let known = known(&fs::read_to_string(case.join("known.json")).unwrap_or_default());
    let source = Arc::new(Source { facility: FacilityCode::parse(FACILITY), zone_minutes: ZONE_MINUTES });
    let text = text(&bytes);
    let letter = Letter { source: source.clone(), name: file.trim().to_owned(), bytes }.id();
    let message = Message::parse(&text).unwrap();
    let context = Context { source: &source, name: name.as_ref(), letter, known: &known, book: &Default::default() };
    match map(&message.value, context) {
        Err(issue) => json!({ "held": line(&issue) }),
        Ok(noted) => json!({
            "changes": noted.value.changes.iter().map(change).collect::<Vec<_>>(),
            "issues": message.issues.iter().chain(&noted.issues).map(line).collect::<Vec<_>>(),
        }),
    }
}

fn change(change: &Change) -> Value {
    let resource = |draft: &tasuki::fhir::Draft| -> Value { serde_json::from_str(&draft.json(None)).unwrap() };
    match change {
        Change::Put(draft) => json!({ "change": "put", "resource": resource(draft) }),
        Change::PutWeak(draft) => json!({ "change": "put weak", "resource": resource(draft) }),
        Change::Merge { draft, drop } => json!({ "change": "merge", "drop": drop, "resource": resource(draft) }),
        Change::Delete { resource_type, id, .. } => {
            json!({ "change": "delete", "reference": format!("{}/{}", resource_type.name(), id.as_str()) })
        }
        Change::WholeList(list) => json!({ "change": format!("whole list of {list:?}") }),
    }
}

fn line(issue: &Issue) -> String {
    format!("{} {}", issue.rule.id, issue.place)
}

/// `患者ID_診療日_データ種別_オーダNo_発生日時_診療科_フラグ`.
fn file_name(text: &str) -> Option<FileName> {
    let parts: Vec<&str> = text.split('_').collect();
    let [patient, date, kind, order, stamp, department, flag] = parts[..] else { return None };
    let stated = |text: &str| (text != "-").then(|| text.to_owned());
    Some(FileName {
        patient: patient.to_owned(),
        date: stated(date),
        kind: Kind::parse(kind)?,
        order: stated(order).filter(|order| order.bytes().any(|b| b != b'9')),
        stamp: stamp.to_owned(),
        department: stated(department),
        flag: match flag {
            "0" => Flag::Deleted,
            "2" => Flag::Superseded,
            _ => Flag::Valid,
        },
    })
}

/// `[{"id", "start", "end"?, "void"?, "outpatient"?}, {"document", "binaries"}]`.
fn known(text: &str) -> Known {
    let list: Vec<Value> = if text.is_empty() { Vec::new() } else { serde_json::from_str(text).unwrap() };
    let start = |value: &Value| Interval::parse(value.as_str()?, ZONE_MINUTES).map(|interval| interval.start);
    let id = |value: &Value| ResourceId::parse(value.as_str().unwrap()).unwrap();
    let (documents, stays): (Vec<Value>, Vec<Value>) = list.into_iter().partition(|one| one["document"].is_string());
    let documents = documents.iter().map(|one| KnownDocument {
        id: id(&one["document"]),
        binaries: one["binaries"].as_array().unwrap().iter().map(id).collect(),
    });
    let encounters = stays.iter().map(|stay| KnownEncounter {
        id: id(&stay["id"]),
        inpatient: stay["outpatient"] != json!(true),
        start: start(&stay["start"]).unwrap_or(i64::MIN),
        ended: start(&stay["end"]).is_some(),
        end: start(&stay["end"]),
        void: stay["void"] == json!(true),
    });
    Known { encounters: encounters.collect(), documents: documents.collect() }
}

/// The lines that differ, with two lines around them (longest common subsequence).
fn difference(expected: &str, actual: &str) -> String {
    let (old, new): (Vec<&str>, Vec<&str>) = (expected.lines().collect(), actual.lines().collect());
    let mut common = vec![vec![0_u32; new.len() + 1]; old.len() + 1];
    for i in (0..old.len()).rev() {
        for j in (0..new.len()).rev() {
            let best = common[i + 1][j].max(common[i][j + 1]);
            common[i][j] = if old[i] == new[j] { common[i + 1][j + 1] + 1 } else { best };
        }
    }
    let mut lines: Vec<(char, &str)> = Vec::new();
    let (mut i, mut j) = (0, 0);
    while i < old.len() || j < new.len() {
        if i < old.len() && j < new.len() && old[i] == new[j] {
            lines.push((' ', old[i]));
            (i, j) = (i + 1, j + 1);
        } else if j == new.len() || (i < old.len() && common[i + 1][j] >= common[i][j + 1]) {
            lines.push(('-', old[i]));
            i += 1;
        } else {
            lines.push(('+', new[j]));
            j += 1;
        }
    }
    let near = |at: usize| lines[at.saturating_sub(2)..(at + 3).min(lines.len())].iter().any(|(sign, _)| *sign != ' ');
    let mut text = String::new();
    for (_, (sign, line)) in lines.iter().enumerate().filter(|(at, _)| near(*at)) {
        writeln!(text, "{sign} {line}").unwrap();
    }
    text
}
