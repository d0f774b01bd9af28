//! The tables of R4 (`src/fhir/r4/elements.txt`, `codes.txt`, `constraints.txt`) are what the official definitions say.
//! `UPDATE=1 TASUKI_CORPORA=... cargo test --test r4_elements` writes them.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests are not seen as tests

#[allow(dead_code)] // the other tests use the rest
mod definition;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::Path;

use definition::Package;
use serde_json::Value;

const LANGUAGES: &str = "http://hl7.org/fhir/ValueSet/all-languages";

#[test]
fn the_tables_are_what_the_definitions_say() {
    let Some(corpora) = std::env::var_os("TASUKI_CORPORA") else {
        return println!("not run: TASUKI_CORPORA is not set");
    };
    let package = Package::read(Path::new(&corpora), "hl7.fhir.r4.core-4.0.1");
    let tables = [("elements", table(&package)), ("codes", codes(&package)), ("constraints", constraints(&package))];
    for (name, written) in tables {
        let file = format!("src/fhir/r4/{name}.txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&file, &written).unwrap();
        }
        assert!(std::fs::read_to_string(&file).unwrap() == written, "{file} differs; write it with UPDATE=1");
    }
}

/// The definitions of resources and of data types that are no profiles.
fn types(package: &Package) -> impl Iterator<Item = &Value> {
    let is_wanted =
        |s: &&Value| s["derivation"] != "constraint" && matches!(s["kind"].as_str(), Some("resource" | "complex-type"));
    package.structures.values().filter(is_wanted)
}

/// One line a type or element with elements: its path, then its elements, each as
/// `name` `:` or `*` (repeats), `!` (required), `^` (part of a summary), `?` (modifier), types with the targets of
/// references, `=` and the value set of a required binding.
fn table(package: &Package) -> String {
    let mut out = String::new();
    for structure in types(package) {
        let elements = definition::elements(structure);
        let paths: Vec<&str> = elements.iter().map(|e| e["path"].as_str().unwrap()).collect();
        for parent in &paths {
            let is_child =
                |path: &str| path.strip_prefix(parent).is_some_and(|r| r.starts_with('.') && !r[1..].contains('.'));
            let children: Vec<&Value> = elements.iter().filter(|e| is_child(e["path"].as_str().unwrap())).collect();
            if children.is_empty() {
                continue;
            }
            assert!(children.len() <= 128, "{parent}: the set of those present is 128 bits");
            out += parent;
            children.iter().for_each(|child| element(child, structure, &mut out));
            out.push('\n');
        }
    }
    out
}

fn element(element: &Value, structure: &Value, out: &mut String) {
    let path = element["path"].as_str().unwrap();
    let name = path.rsplit('.').next().unwrap();
    // No other cardinality exists in the base definitions.
    let many = match element["max"].as_str().unwrap() {
        "1" => ':',
        "*" => '*',
        other => panic!("{path}: max {other}"),
    };
    let must = match element["min"].as_u64().unwrap() {
        0 => "",
        1 => "!",
        other => panic!("{path}: min {other}"),
    };
    let flag = |member: &str, sign: &'static str| if element[member] == true { sign } else { "" };
    let (summary, modifier) = (flag("isSummary", "^"), flag("isModifier", "?"));
    let types = match element["contentReference"].as_str() {
        Some(reference) => format!("@{}", reference.trim_start_matches('#')),
        None if name == "id" && structure["kind"] == "resource" && path.matches('.').count() == 1 => "id".into(),
        None => {
            let all = element["type"].as_array().into_iter().flatten();
            all.map(|kind| type_of(kind, path)).collect::<Vec<_>>().join(",")
        }
    };
    write!(out, " {name}{many}{must}{summary}{modifier}{types}").unwrap();
    if let Some(set) = bound(element) {
        write!(out, "={}", set_name(set)).unwrap();
    }
}

fn type_of(kind: &Value, path: &str) -> String {
    let last = |url: &Value| url.as_str().unwrap().rsplit('/').next().unwrap().to_owned();
    let named = match kind["code"].as_str().unwrap() {
        "BackboneElement" | "Element" if !path.ends_with("[x]") => format!("@{path}"),
        code => code.strip_prefix("http://hl7.org/fhirpath/System.").map_or(code.to_owned(), str::to_lowercase),
    };
    let limits = if named == "Reference" { &kind["targetProfile"] } else { &kind["profile"] };
    let limits: Vec<String> = limits.as_array().into_iter().flatten().map(last).collect();
    if limits.is_empty() || limits == ["Resource"] { named } else { format!("{named}({})", limits.join("|")) }
}

/// The value set whose codes an element must use.
fn bound(element: &Value) -> Option<&str> {
    let binding = &element["binding"];
    if binding["strength"] == "required" {
        return binding["valueSet"].as_str();
    }
    let extensions = binding["extension"].as_array().into_iter().flatten();
    extensions.filter_map(|e| e["valueCanonical"].as_str()).find(|set| *set == LANGUAGES)
}

fn set_name(url: &str) -> &str {
    url.split('|').next().unwrap().rsplit('/').next().unwrap()
}

/// One line a value set: its name, then its codes after the system they are of (which begins with `|`); `?` where it is
/// no list of codes of systems that the package holds whole.
fn codes(package: &Package) -> String {
    let bindings = types(package).flat_map(definition::elements).filter_map(bound);
    let sets: BTreeMap<&str, &str> = bindings.map(|url| (set_name(url), url)).collect();
    let mut out = String::new();
    for (name, url) in sets {
        out += name;
        let Some(codes) = package.codes(url) else {
            out += " ?\n";
            continue;
        };
        let mut known = "";
        for pair in &codes {
            let (system, code) = pair.split_once('|').unwrap();
            assert!(!code.contains(char::is_whitespace) && !code.starts_with('|'), "{pair}");
            if system != known {
                write!(out, " |{system}").unwrap();
                known = system;
            }
            write!(out, " {code}").unwrap();
        }
        out.push('\n');
    }
    out
}

/// Constraints that `src/validate/base` checks by itself.
const CHECKED_OTHERWISE: [&str; 6] = ["ele-", "ext-", "dom-", "txt-", "ref-", "bdl-"];

/// One line a constraint whose breach is an error: where it stands, its key, its FHIRPath, what it says; tabs between.
fn constraints(package: &Package) -> String {
    let mut lines = BTreeSet::new();
    for element in types(package).flat_map(definition::elements) {
        let path = element["path"].as_str().unwrap();
        for constraint in element["constraint"].as_array().into_iter().flatten().filter(|c| c["severity"] == "error") {
            let part = |name: &str| constraint[name].as_str().unwrap().split_whitespace().collect::<Vec<_>>().join(" ");
            let key = part("key");
            // One that a type has is repeated by every element of that type.
            let is_own = constraint["source"].as_str().is_none_or(|source| source.ends_with(path));
            let is_here = is_own
                || !path.contains('.')
                || element["type"].as_array().is_some_and(|t| t[0]["code"] == "BackboneElement");
            if !is_here || CHECKED_OTHERWISE.iter().any(|start| key.starts_with(start)) {
                continue;
            }
            lines.insert(format!("{path}\t{key}\t{}\t{}\n", part("expression"), part("human")));
        }
    }
    lines.into_iter().collect()
}
