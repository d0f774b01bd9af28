//! How far our conversion agrees with what other converters made of the same files, per source and field: agree, differ,
//! missing. Their expectations contradict each other, so equality is no aim; `docs/mapping/agreement.md` says why we differ.
//!
//! The table is kept in `tests/golden/agreement.txt`: a change that makes it worse shows. `UPDATE=1` writes it; run with
//! `SHOW=Observation.status` to see the values that differ there. Needs `TASUKI_CORPORA`.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use serde_json::Value;
use tasuki::decode::fhir_xml;
use tasuki::fhir::FacilityCode;
use tasuki::letter::{Letter, Source};
use tasuki::map::{Change, Known, Mapped};
use tasuki::pipeline::translate;

const TABLE: &str = "tests/golden/agreement.txt";

/// Counts of a field: agree, differ, missing.
type Counts = [u32; 3];

#[test]
fn agreement_with_what_others_made_is_what_the_table_says() {
    let Ok(corpora) = std::env::var("TASUKI_CORPORA") else { return };
    let corpora = Path::new(&corpora);
    let manifest: Value = read_json(&corpora.join("converter-manifest.json"));
    let mut table: BTreeMap<String, BTreeMap<String, Counts>> = BTreeMap::new();
    let mut refused: BTreeMap<String, (u32, BTreeMap<String, u32>)> = BTreeMap::new();
    let show = std::env::var("SHOW").ok();
    for row in manifest.as_array().unwrap() {
        let Some(expected) = row["expected"].as_array().and_then(|all| all.first()) else { continue };
        let source = format!("{} {}", row["source"].as_str().unwrap(), row["kind"].as_str().unwrap());
        let file = row["path"].as_str().unwrap();
        let entry = refused.entry(source.clone()).or_default();
        entry.0 += 1;
        let ours = match converted(&corpora.join(file)) {
            Ok(ours) => ours,
            Err(rule) => {
                *entry.1.entry(rule).or_default() += 1;
                continue;
            }
        };
        let theirs = expectation(&corpora.join(expected.as_str().unwrap()));
        let counts = table.entry(source).or_default();
        compare(&ours, &theirs, counts, |field, theirs, ours| {
            if show.as_deref() == Some(field) {
                println!("{file}: {field}: expected {theirs:?}, ours {ours:?}");
            }
        });
    }
    let written = text(&table, &refused);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(TABLE, &written).unwrap();
    }
    println!("{}", written.lines().filter(|line| line.starts_with('#')).collect::<Vec<_>>().join("\n"));
    let kept = std::fs::read_to_string(TABLE).unwrap();
    assert!(kept == written, "{TABLE} differs: run with UPDATE=1 and read the diff");
}

/// What we make of a file, as resources; or the rule that refuses it.
fn converted(file: &Path) -> Result<Vec<Value>, String> {
    let source = Arc::new(Source { facility: FacilityCode::parse("TEST"), zone_minutes: 0 });
    let bytes = std::fs::read(file).unwrap();
    let letter = Letter { source, name: String::new(), bytes };
    match translate(&letter, letter.id(), &Arc::default(), |_| Ok(Known::default())).unwrap() {
        Err(issues) => Err(issues[0].rule.id.to_owned()),
        Ok(noted) => Ok(resources(&noted.value)),
    }
}

fn resources(mapped: &Mapped) -> Vec<Value> {
    let mut all: Vec<Value> = mapped.others.iter().flat_map(resources).collect();
    for change in &mapped.changes {
        if let Change::Put(draft) | Change::PutWeak(draft) | Change::Merge { draft, .. } = change {
            all.push(serde_json::from_str(&draft.json(None)).unwrap());
        }
    }
    all
}

fn expectation(file: &Path) -> Vec<Value> {
    let bytes = std::fs::read(file).unwrap();
    let start = bytes.iter().position(|b| !b.is_ascii_whitespace() && !matches!(b, 0xEF | 0xBB | 0xBF));
    let read: Value = match start.map(|at| bytes[at]) {
        Some(b'<') => match fhir_xml::to_json(&bytes) {
            Ok(json) => serde_json::from_str(&json.value).unwrap(),
            Err(_) => Value::Null,
        },
        _ => serde_json::from_slice(bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(&bytes)).unwrap_or_default(),
    };
    match read["entry"].as_array() {
        Some(entries) => entries.iter().map(|entry| entry["resource"].clone()).collect(),
        None => vec![read],
    }
}

fn read_json(file: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap()
}

/// Values by `Type.element`, positions left out. Ids, references, what points or repeats, and narrative are each
/// converter's own.
fn fields(resources: &[Value]) -> BTreeMap<String, Vec<String>> {
    let mut fields = BTreeMap::new();
    for resource in resources {
        let kind = resource["resourceType"].as_str().unwrap_or_default();
        if !matches!(kind, "" | "Bundle" | "Binary" | "Provenance" | "MessageHeader" | "OperationOutcome") {
            walk(kind.to_owned(), resource, &mut fields);
            // Some contain what others put beside it.
            for contained in resource["contained"].as_array().into_iter().flatten() {
                walk(contained["resourceType"].as_str().unwrap_or_default().to_owned(), contained, &mut fields);
            }
        }
    }
    fields
}

fn walk(path: String, value: &Value, fields: &mut BTreeMap<String, Vec<String>>) {
    match value {
        Value::Object(object) => {
            for (name, value) in object {
                let is_own = matches!(
                    name.as_str(),
                    "resourceType"
                        | "id"
                        | "reference"
                        | "meta"
                        | "text"
                        | "extension"
                        | "modifierExtension"
                        | "contained"
                        | "div"
                ) && !(name == "text" && !path.contains('.') && value.is_string());
                if !is_own && !name.starts_with('_') {
                    walk(format!("{path}.{name}"), value, fields);
                }
            }
        }
        Value::Array(items) => items.iter().for_each(|item| walk(path.clone(), item, fields)),
        Value::String(text) => fields.entry(path).or_default().push(text.trim().to_lowercase()),
        Value::Null => {}
        other => fields.entry(path).or_default().push(number(&other.to_string())),
    }
}

/// `1.50`, `1.5` and `1.5e0` alike.
fn number(text: &str) -> String {
    text.parse::<f64>().map_or_else(|_| text.to_owned(), |number| number.to_string())
}

fn compare(
    ours: &[Value],
    theirs: &[Value],
    counts: &mut BTreeMap<String, Counts>,
    mut differs: impl FnMut(&str, &str, &[String]),
) {
    let (mut ours, theirs) = (fields(ours), fields(theirs));
    for (field, values) in theirs {
        let own = ours.entry(field.clone()).or_default();
        let had: BTreeSet<String> = own.iter().cloned().collect();
        let count = counts.entry(field.clone()).or_default();
        for value in values {
            match own.iter().position(|mine| *mine == value || same_time(mine, &value)) {
                Some(at) => {
                    own.swap_remove(at);
                    count[0] += 1;
                }
                None if !had.is_empty() => {
                    count[1] += 1;
                    differs(&field, &value, own);
                }
                None => {
                    count[2] += 1;
                    differs(&field, &value, own);
                }
            }
        }
    }
}

/// Times that say the same day, hour and minute, as far as both say them.
fn same_time(mine: &str, theirs: &str) -> bool {
    let digits = |text: &str| -> String { text.chars().filter(char::is_ascii_digit).take(12).collect() };
    let is_time = |text: &str| text.len() >= 10 && text.as_bytes()[4] == b'-' && text.as_bytes()[7] == b'-';
    is_time(mine) && is_time(theirs) && {
        let (mine, theirs) = (digits(mine), digits(theirs));
        mine.starts_with(&theirs) || theirs.starts_with(&mine)
    }
}

fn text(
    table: &BTreeMap<String, BTreeMap<String, Counts>>,
    refused: &BTreeMap<String, (u32, BTreeMap<String, u32>)>,
) -> String {
    let mut out = String::new();
    for (source, (files, rules)) in refused {
        let empty = BTreeMap::new();
        let fields = table.get(source).unwrap_or(&empty);
        let total = fields.values().fold([0; 3], |sum: Counts, c| [sum[0] + c[0], sum[1] + c[1], sum[2] + c[2]]);
        writeln!(out, "# {source}: {files} files; agree {}, differ {}, missing {}", total[0], total[1], total[2])
            .unwrap();
        for (rule, count) in rules {
            writeln!(out, "# {source}: {count} refused by {rule}").unwrap();
        }
        for (field, [agree, differ, missing]) in fields.iter().filter(|(_, c)| c[1] + c[2] > 0 || c[0] > 0) {
            writeln!(out, "{field} {agree} {differ} {missing}").unwrap();
        }
    }
    out
}
