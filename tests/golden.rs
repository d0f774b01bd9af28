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
use tasuki::map::{Change, Known, KnownDocument, KnownEncounter, Mapped, Stored, Told};

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
        // Every seventh character, beginning elsewhere in each case: all of them take minutes and find no more.
        let first = case.to_string_lossy().len() % 7;
        for (end, _) in text.char_indices().skip(first).step_by(7) {
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
        Ok(noted) => {
            let mut outcome = json!({ "changes": changes(&noted.value) });
            if !noted.value.others.is_empty() {
                outcome["others"] = noted.value.others.iter().map(changes).collect();
            }
            outcome["issues"] = message.issues.iter().chain(&noted.issues).map(line).collect();
            outcome
        }
    }
}

fn changes(mapped: &Mapped) -> Value {
    mapped.changes.iter().map(change).collect()
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

/// `[{"id", "start", "end"?, "void"?, "outpatient"?}]`, or whole resources: `[{"resource", "occurred"?, "told"?}]`, of which
/// one may be the Patient; or documents: `{"document", "binaries"}`.
fn known(text: &str) -> Known {
    let list: Vec<Value> = if text.is_empty() { Vec::new() } else { serde_json::from_str(text).unwrap() };
    let start = |value: &Value| Interval::parse(value.as_str()?, ZONE_MINUTES).map(|interval| interval.start);
    let mut known = Known::default();
    for one in &list {
        if one["document"].is_string() {
            let id = |value: &Value| ResourceId::parse(value.as_str().unwrap()).unwrap();
            let binaries = one["binaries"].as_array().unwrap().iter().map(id).collect();
            known.documents.push(KnownDocument { id: id(&one["document"]), binaries });
            continue;
        }
        let body = if one["resource"].is_object() { one["resource"].clone() } else { stay(one) };
        let stored = Stored {
            id: ResourceId::parse(body["id"].as_str().unwrap()).unwrap(),
            occurred: start(&one["occurred"]).unwrap_or(i64::MIN),
            body: body.as_object().unwrap().clone(),
        };
        if body["resourceType"] == "Patient" {
            known.patient = Some(stored);
            continue;
        }
        let told = one["told"].as_array().into_iter().flatten().map(|told| Told {
            event: told["event"].as_str().unwrap().to_owned(),
            sent: start(&told["sent"]).unwrap(),
            when: told["when"].as_str().unwrap_or_default().to_owned(),
        });
        known.encounters.push(KnownEncounter { stored, told: told.collect() });
    }
    known
}

fn stay(one: &Value) -> Value {
    let (code, ended) = (if one["outpatient"] == true { "AMB" } else { "IMP" }, one["end"].is_string());
    let status = if one["void"] == true { "cancelled" } else { ["in-progress", "finished"][usize::from(ended)] };
    let mut period = json!({ "start": one["start"] });
    if ended {
        period["end"] = one["end"].clone();
    }
    json!({
        "resourceType": "Encounter", "id": one["id"], "status": status, "class": { "code": code }, "period": period
    })
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
