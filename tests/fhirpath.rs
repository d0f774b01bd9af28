//! The expressions of FHIRPath's own test suite for R4, and those of the definitions of R4, beside the engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

use std::collections::HashMap;
use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;
use tasuki::decode::fhir_xml;
use tasuki::fhirpath::{Context, Decimal, Expression, Item, TemporalKind};

/// Cases whose expected answer is not that of the specification, each with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    ("testPolymorphismB", "wants types checked before evaluation"),
    ("testPolymorphismAsB", "wants types checked before evaluation"),
    ("testDollarOrderNotAllowed", "wants order checked before evaluation"),
    (
        "testPlusDate19",
        "expects 0.1 's' to add nothing; only of units above the second is the fraction ignored (N1 section 6.6.7)",
    ),
    (
        "HighBoundaryDateTimeMillisecond1",
        "expects the last moment of the hour 08 to be 08:00:59.999; the hour lasts until 08:59:59.999",
    ),
];

/// 2026-11-21T09:30:00.123+09:00
const NOW: (i64, i16) = (1_795_221_000_123, 540);

struct Suite;

impl Context<'_> for Suite {
    fn now(&self) -> Option<(i64, i16)> {
        Some(NOW)
    }

    fn is_strict(&self) -> bool {
        true
    }
}

fn corpora() -> Option<PathBuf> {
    let found = std::env::var_os("TASUKI_CORPORA").map(PathBuf::from);
    if found.is_none() {
        eprintln!("TASUKI_CORPORA is not set: the test suite of FHIRPath and the definitions of R4 were not run");
    }
    found
}

fn input(path: &Path) -> Value {
    let bytes = fs::read(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    if path.extension().is_some_and(|kind| kind == "xml") {
        let json = fhir_xml::to_json(&bytes).unwrap_or_else(|issue| panic!("{}: {}", path.display(), issue.english()));
        return serde_json::from_str(&json.value).unwrap();
    }
    serde_json::from_slice(&bytes).unwrap()
}

#[test]
fn cases_of_the_suite() {
    let Some(corpora) = corpora() else { return };
    let folder = corpora.join("fhirpath");
    let mut inputs: HashMap<String, Value> = HashMap::new();
    let (mut run, mut wrong) = (0, Vec::new());
    for file in fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path()) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if !name.starts_with("tests-") {
            inputs.insert(name, input(&file));
        }
    }
    let nothing = Value::Null;
    for file in fs::read_dir(&folder).unwrap().flatten().map(|entry| entry.path()) {
        if !file.file_name().unwrap().to_string_lossy().starts_with("tests-") {
            continue;
        }
        let text = fs::read_to_string(&file).unwrap();
        let document = roxmltree::Document::parse(&text).unwrap();
        for case in document.descendants().filter(|node| node.has_tag_name("test")) {
            let name = case.attribute("name").unwrap_or_default();
            let resource = match case.attribute("inputfile") {
                Some(name) => &inputs[name],
                None => &nothing,
            };
            run += 1;
            let outcome = run_case(case, resource);
            let is_exception = EXCEPTIONS.iter().any(|(exception, _)| *exception == name);
            match (outcome, is_exception) {
                (Err(what), false) => wrong.push(format!("{name}: {what}")),
                (Ok(()), true) => wrong.push(format!("{name}: is no exception any more")),
                _ => {}
            }
        }
    }
    println!("{run} cases, {} exceptions", EXCEPTIONS.len());
    assert!(run > 0, "no case was found");
    assert!(wrong.is_empty(), "{} of {run}:\n{}", wrong.len(), wrong.join("\n"));
}

fn run_case(case: roxmltree::Node<'_, '_>, resource: &Value) -> Result<(), String> {
    let stated = case.children().find(|node| node.has_tag_name("expression")).expect("an expression");
    let text = stated.text().unwrap_or_default();
    let is_wrong = stated.attribute("invalid").is_some();
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(_) if is_wrong => return Ok(()),
        Err(error) => return Err(format!("{text}\n    {error}")),
    };
    let items = match expression.evaluate(Item::resource(resource), &Suite) {
        Ok(items) => items,
        Err(_) if is_wrong => return Ok(()),
        Err(error) => return Err(format!("{text}\n    {error}")),
    };
    if is_wrong {
        return Err(format!("{text}\n    should be an error, is {items:?}"));
    }
    let wanted: Vec<_> = case.children().filter(|node| node.has_tag_name("output")).collect();
    if case.attribute("predicate") == Some("true") {
        let found = expression.is_true(Item::resource(resource), &Suite).unwrap().unwrap_or(false);
        let wanted = wanted.first().and_then(|node| node.text()) == Some("true");
        return if found == wanted { Ok(()) } else { Err(format!("{text}\n    is {found}")) };
    }
    let matches = items.len() == wanted.len()
        && items
            .iter()
            .zip(&wanted)
            .all(|(item, wanted)| is_as_wanted(item, wanted.attribute("type"), wanted.text().unwrap_or_default()));
    if matches {
        Ok(())
    } else {
        Err(format!(
            "{text}\n    is {items:?}\n    should be {:?}",
            wanted.iter().map(|node| node.text()).collect::<Vec<_>>()
        ))
    }
}

fn is_as_wanted(item: &Item<'_>, kind: Option<&str>, wanted: &str) -> bool {
    let (_, name) = item.type_name();
    if kind.is_some_and(|kind| !kind.eq_ignore_ascii_case(name)) {
        return false;
    }
    let found = match item {
        Item::Temporal(value) if value.kind == TemporalKind::Time => format!("@T{value}"),
        Item::Temporal(value) => format!("@{value}"),
        _ => item.to_text().unwrap_or_default().into_owned(),
    };
    match (item.system(), Decimal::parse(wanted)) {
        (Some(Item::Decimal(found)), Some(wanted)) => found == wanted,
        _ => found == wanted || found == wanted.trim_start_matches('@'),
    }
}
