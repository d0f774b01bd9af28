//! The table of R4 elements (`src/fhir/r4/elements.txt`) is what the official definitions say.
//! `UPDATE=1 TASUKI_CORPORA=... cargo test --test r4_elements` writes it.

#![allow(clippy::unwrap_used)]

#[allow(dead_code)] // the other tests use the rest
mod definition;

use std::fmt::Write as _;
use std::path::Path;

use definition::Package;
use serde_json::Value;

const TABLE: &str = "src/fhir/r4/elements.txt";

#[test]
fn the_table_is_what_the_definitions_say() {
    let Some(corpora) = std::env::var_os("TASUKI_CORPORA") else { return };
    let package = Package::read(Path::new(&corpora), "hl7.fhir.r4.core-4.0.1");
    let written = table(&package);
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(TABLE, &written).unwrap();
    }
    assert!(std::fs::read_to_string(TABLE).unwrap() == written, "{TABLE} differs; write it with UPDATE=1");
}

fn table(package: &Package) -> String {
    let mut out = String::new();
    let is_wanted =
        |s: &&Value| s["derivation"] != "constraint" && matches!(s["kind"].as_str(), Some("resource" | "complex-type"));
    for structure in package.structures.values().filter(is_wanted) {
        let elements = definition::elements(structure);
        let paths: Vec<&str> = elements.iter().map(|e| e["path"].as_str().unwrap()).collect();
        for parent in &paths {
            let is_child =
                |path: &str| path.strip_prefix(parent).is_some_and(|r| r.starts_with('.') && !r[1..].contains('.'));
            let children: Vec<&Value> = elements.iter().filter(|e| is_child(e["path"].as_str().unwrap())).collect();
            if children.is_empty() {
                continue;
            }
            out += parent;
            children.iter().for_each(|child| element(child, &mut out));
            out.push('\n');
        }
    }
    out
}

fn element(element: &Value, out: &mut String) {
    let path = element["path"].as_str().unwrap();
    let name = path.rsplit('.').next().unwrap();
    let many = if element["max"] == "1" || element["max"] == "0" { ':' } else { '*' };
    let must = if element["min"] == 0 { "" } else { "!" };
    let types = match element["contentReference"].as_str() {
        Some(reference) => format!("@{}", reference.trim_start_matches('#')),
        None => {
            let codes = element["type"].as_array().into_iter().flatten().map(|t| t["code"].as_str().unwrap());
            let named = codes.map(|code| match code {
                "BackboneElement" | "Element" if !path.ends_with("[x]") => format!("@{path}"),
                code => code.strip_prefix("http://hl7.org/fhirpath/System.").map_or(code.to_owned(), str::to_lowercase),
            });
            named.collect::<Vec<_>>().join(",")
        }
    };
    write!(out, " {name}{many}{must}{types}").unwrap();
}
