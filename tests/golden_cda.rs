//! Golden cases of CDA: `tests/golden/cda/<case>/input.xml` and what it becomes, from the bytes on.
//! `UPDATE=1 cargo test --test golden_cda` rewrites.

#![allow(clippy::unwrap_used)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use serde_json::{Value, json};
use tasuki::decode::xml;
use tasuki::fault::Issue;
use tasuki::fhir::FacilityCode;
use tasuki::letter::{Letter, LetterId, Source};
use tasuki::map::cda::{Context, map};
use tasuki::map::{Change, Known, Mapped};
use tasuki::pipeline::translate;

#[test]
fn cda_cases() {
    let different: Vec<String> = cases().iter().filter_map(|case| compare(case)).collect();
    assert!(different.is_empty(), "\n{}", different.join("\n"));
}

/// Whatever a sender leaves out, the rest is mapped or the document is held.
#[test]
fn a_document_without_any_of_its_elements_is_mapped_or_held() {
    let source = source();
    for case in cases() {
        let bytes = fs::read(case.join("input.xml")).unwrap();
        let text = xml::text(&bytes).unwrap().value;
        let Ok(document) = xml::parse(&text) else { continue };
        for element in document.descendants().filter(|node| node.is_element()).skip(1) {
            let mut without = text.clone().into_owned();
            without.replace_range(element.range(), "");
            let document = xml::parse(&without).unwrap();
            let bytes = without.as_bytes();
            let context = Context { source: &source, letter: LetterId([0; 32]), bytes, book: &Arc::default() };
            let _ = map(&document, context);
        }
    }
}

/// What costs a parser or a mapper that compares each with each: every one of these within seconds, on a slow build.
#[test]
fn hostile_documents_cost_no_seconds() {
    let nested = |depth: usize| format!("{}{}", "<a>".repeat(depth), "</a>".repeat(depth));
    let open: String = (0..190).map(|n| format!("<a xmlns:p{}='urn:{n}'>", n % 30)).collect();
    let piled = format!("{open}{}{}", "<b xmlns:p0='urn:x' p1:c='d'/>".repeat(5_000), "</a>".repeat(190));
    let person = |n: usize| {
        format!(
            "<participant typeCode='IND'><associatedEntity classCode='NOK'><id root='1.2.3' extension='{n}'/>\
             <associatedPerson><name>試験 {n}</name></associatedPerson></associatedEntity></participant>"
        )
    };
    let people: String = (0..3_000).map(person).collect();
    let label = |n: usize| format!("<component><section><confidentialityCode code='X{n}'/></section></component>");
    let labels: String = (0..3_000).map(label).collect();
    let picture = format!(
        "<component><section><text>{}</text><entry><observationMedia ID='m'><value mediaType='image/png' \
         representation='B64'>{}</value></observationMedia></entry></section></component>",
        "<renderMultiMedia referencedObject='m'/>".repeat(5_000),
        "AAAA".repeat(10_000)
    );
    let deep = format!("{}x{}", "<component><section>".repeat(90), "</section></component>".repeat(90));
    let case = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cda/header-of-every-kind/input.xml");
    let document = fs::read_to_string(case).unwrap();
    let with = |part: &str| document.replace("</ClinicalDocument>", &format!("{part}</ClinicalDocument>"));
    let body = |part: &str| with(&format!("<component><structuredBody>{part}</structuredBody></component>"));
    for (name, text, is_held) in [
        ("100,000 levels", nested(100_000), true),
        ("namespaces", piled, true),
        ("people", with(&people), false),
        ("labels", body(&labels), false),
        ("pictures", body(&picture), false),
        ("deep sections", body(&deep), false),
        ("odd elements", with(&"<odd><x/></odd>".repeat(20_000)), false),
    ] {
        let started = Instant::now();
        let letter = Letter { source: Arc::new(source()), name: String::new(), bytes: text.into_bytes() };
        let result = translate(&letter, letter.id(), &Arc::default(), |_| Ok(Known::default())).unwrap();
        assert_eq!(result.is_err(), is_held, "{name}");
        assert!(started.elapsed().as_secs() < 5, "{name}: {:?}", started.elapsed());
    }
}

fn cases() -> Vec<PathBuf> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden/cda");
    let mut cases: Vec<PathBuf> = fs::read_dir(&root).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    assert!(!cases.is_empty());
    cases
}

fn source() -> Source {
    Source { facility: FacilityCode::parse("0119999901"), zone_minutes: 540 }
}

fn compare(case: &Path) -> Option<String> {
    let actual = serde_json::to_string_pretty(&outcome(case)).unwrap() + "\n";
    let path = case.join("expected.json");
    if std::env::var_os("UPDATE").is_some() {
        fs::write(path, actual).unwrap();
        return None;
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    let line = expected.lines().zip(actual.lines()).position(|(expected, actual)| expected != actual);
    let line = line.unwrap_or(expected.lines().count().min(actual.lines().count()));
    let of = |text: &str| text.lines().nth(line).unwrap_or_default().to_owned();
    let name = case.file_name().unwrap().to_string_lossy();
    (expected != actual).then(|| format!("{name}, line {}:\n- {}\n+ {}", line + 1, of(&expected), of(&actual)))
}

fn outcome(case: &Path) -> Value {
    let bytes = fs::read(case.join("input.xml")).unwrap();
    let letter = Letter { source: Arc::new(source()), name: "document.xml".into(), bytes };
    match translate(&letter, letter.id(), &Arc::default(), |_| Ok(Known::default())).unwrap() {
        Err(issues) => json!({ "held": issues.iter().map(line).collect::<Vec<_>>() }),
        Ok(noted) => json!({
            "origin": noted.value.origin,
            "changes": changes(&noted.value, &letter.bytes),
            "issues": noted.issues.iter().map(line).collect::<Vec<_>>(),
        }),
    }
}

/// The changes, without saying anything twice: the original's bytes are the input's, and what is in the Bundle is what
/// was put, with urn:uuid for `Type/id`.
fn changes(mapped: &Mapped, bytes: &[u8]) -> Vec<Value> {
    let resources: Vec<(&str, Value)> = mapped.changes.iter().map(resource).collect();
    let original = resources.iter().filter(|(_, r)| r["contentType"] == "text/xml");
    assert!(original.clone().all(|(_, binary)| decoded(binary["data"].as_str().unwrap()) == bytes));
    let mut told = Vec::new();
    for (change, resource) in &resources {
        let mut resource = resource.clone();
        match resource["resourceType"].as_str() {
            Some("Binary") if resource["contentType"] == "text/xml" => resource["data"] = json!("input.xml"),
            Some("Bundle") => resource["entry"] = entries(&resource, &resources),
            _ => {}
        }
        told.push(json!({ "change": change, "resource": resource }));
    }
    told
}

fn entries(bundle: &Value, resources: &[(&str, Value)]) -> Value {
    let told = bundle["entry"].as_array().unwrap().iter().map(|entry| {
        let (kind, id) = (&entry["resource"]["resourceType"], &entry["resource"]["id"]);
        assert_eq!(entry["fullUrl"], format!("urn:uuid:{}", id.as_str().unwrap()));
        let (_, put) = resources.iter().rfind(|(_, r)| r["id"] == *id && r["resourceType"] == *kind).unwrap();
        assert_eq!(relative(&entry["resource"].to_string(), resources), put.to_string());
        json!(format!("{}/{}", kind.as_str().unwrap(), id.as_str().unwrap()))
    });
    Value::Array(told.collect())
}

fn relative(text: &str, resources: &[(&str, Value)]) -> String {
    let mut text = text.to_owned();
    for (_, resource) in resources {
        let (kind, id) = (resource["resourceType"].as_str().unwrap(), resource["id"].as_str().unwrap());
        text = text.replace(&format!("\"urn:uuid:{id}\""), &format!("\"{kind}/{id}\""));
    }
    text
}

fn resource(change: &Change) -> (&'static str, Value) {
    let (name, draft) = match change {
        Change::Put(draft) => ("put", draft),
        Change::PutWeak(draft) => ("put weak", draft),
        Change::Merge { draft, .. } => ("merge", draft),
        Change::Delete { .. } | Change::WholeList(_) => panic!("no document deletes"),
    };
    (name, serde_json::from_str(&draft.json(None)).unwrap())
}

fn line(issue: &Issue) -> String {
    format!("{} {}", issue.rule.id, issue.place)
}

/// Base64 (RFC 4648), by another road than the one that wrote it.
fn decoded(data: &str) -> Vec<u8> {
    const DIGITS: &str = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let (mut bits, mut count, mut bytes) = (0_u32, 0, Vec::new());
    for digit in data.trim_end_matches('=').chars() {
        bits = bits << 6 | DIGITS.find(digit).unwrap() as u32;
        count += 6;
        if count >= 8 {
            count -= 8;
            bytes.push((bits >> count) as u8);
        }
    }
    bytes
}
