//! FHIR XML is the same resource as FHIR JSON: every example of the corpora, written as XML, is read back with every value
//! and number as it was; and the official XML of examples says what their official JSON says, in the order in which it is
//! written here (checklist NEG-09, NEG-11, NEG-12, NEG-14).

#![allow(clippy::unwrap_used, clippy::print_stdout)]

use serde_json::Value;
use tasuki::decode::fhir_xml::to_json;
use tasuki::fhir::xml_writer::to_xml;

fn corpora() -> Option<String> {
    let corpora = std::env::var("TASUKI_CORPORA").ok();
    if corpora.is_none() {
        println!("not run: TASUKI_CORPORA is not set");
    }
    corpora
}

/// Every example, each with its name.
fn examples(corpora: &str) -> Vec<(String, Value)> {
    let mut all = Vec::new();
    for folder in std::fs::read_dir(format!("{corpora}/fhir")).unwrap().map(|entry| entry.unwrap().path()) {
        if folder.is_file() {
            let text = std::fs::read_to_string(&folder).unwrap();
            let lines = text.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
            let resources = lines.filter(|line| line["resourceType"].is_string());
            all.extend(resources.map(|resource| ("specification".to_owned(), resource)));
            continue;
        }
        for file in std::fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()) {
            let text = std::fs::read_to_string(&file).unwrap();
            let resource: Value = serde_json::from_str(&text).unwrap();
            assert!(resource["resourceType"].is_string(), "{}", file.display());
            all.push((file.display().to_string(), resource));
        }
    }
    all
}

#[test]
fn every_example_comes_back_as_it_was() {
    let Some(corpora) = corpora() else { return };
    let mut count = 0;
    let mut wrong = Vec::new();
    for (name, resource) in examples(&corpora) {
        // Not of R4; and one whose narrative declares no namespace, so that in XML it would be no narrative.
        if resource["resourceType"] == "ActorDefinition" || name.contains("compositionReferralExample01") {
            continue;
        }
        count += 1;
        let text = resource.to_string();
        for is_indented in [false, true] {
            let xml = to_xml(&text, is_indented).unwrap();
            match to_json(xml.as_bytes()) {
                Err(issue) => wrong.push(format!("{name}: {} {}", issue.place, issue.english())),
                Ok(noted) => {
                    let read: Value = serde_json::from_str(&noted.value).unwrap();
                    if read != resource {
                        wrong.push(format!("{name}: {}", difference(&resource, &read, String::new())));
                    }
                    let again = to_xml(&noted.value, is_indented).unwrap();
                    if again != xml {
                        wrong.push(format!("{name}: written otherwise the second time"));
                    }
                }
            }
        }
    }
    println!("{count} examples");
    assert!(wrong.is_empty(), "{} of {count}\n{}", wrong.len(), wrong[..wrong.len().min(20)].join("\n"));
}

#[test]
fn the_official_xml_says_what_the_official_json_says() {
    let Some(corpora) = corpora() else { return };
    let examples = examples(&corpora);
    let mut compared = 0;
    for name in ["observation-example", "patient-example", "questionnaire-example"] {
        let bytes = std::fs::read(format!("{corpora}/fhirpath/{name}.xml")).unwrap();
        let read: Value = serde_json::from_str(&to_json(&bytes).unwrap().value).unwrap();
        let same = |(_, other): &&(String, Value)| {
            other["resourceType"] == read["resourceType"] && other["id"] == read["id"] && other["name"] == read["name"]
        };
        if let Some((_, other)) = examples.iter().find(same) {
            let without_text = |value: &Value| {
                let mut value = value.clone();
                // The JSON of the specification was tagged as test data later.
                value.as_object_mut().unwrap().retain(|name, _| !matches!(name.as_str(), "text" | "meta"));
                value
            };
            let (read, other) = (without_text(&read), without_text(other));
            assert!(read == other, "{name}: {}", difference(&other, &read, String::new()));
            let official = std::str::from_utf8(&bytes).unwrap().trim_start_matches('\u{feff}');
            let own = to_xml(&to_json(&bytes).unwrap().value, false).unwrap();
            assert_eq!(outline(&own), outline(official), "{name}");
            compared += 1;
        }
    }
    println!("{compared} compared");
    assert!(compared > 0);
}

/// The elements of a document, one a line, each with its path and its attributes in alphabetical order.
fn outline(xml: &str) -> Vec<String> {
    let document = roxmltree::Document::parse(xml).unwrap();
    let line = |node: roxmltree::Node<'_, '_>| {
        let mut names: Vec<&str> = node.ancestors().filter(|n| n.is_element()).map(|n| n.tag_name().name()).collect();
        names.reverse();
        let mut attributes: Vec<String> = node.attributes().map(|a| format!(" {}={:?}", a.name(), a.value())).collect();
        attributes.sort();
        names.join("/") + &attributes.concat()
    };
    document.descendants().filter(|node| node.is_element()).map(line).collect()
}

fn difference(expected: &Value, read: &Value, path: String) -> String {
    match (expected, read) {
        (Value::Object(a), Value::Object(b)) => {
            for (name, value) in a {
                match b.get(name) {
                    None => return format!("{path}.{name} is missing"),
                    Some(other) if other != value => return difference(value, other, format!("{path}.{name}")),
                    _ => {}
                }
            }
            let more = b.keys().find(|name| !a.contains_key(*name));
            more.map_or(path.clone(), |name| format!("{path}.{name} is new"))
        }
        (Value::Array(a), Value::Array(b)) => {
            for (at, (x, y)) in a.iter().zip(b).enumerate() {
                if x != y {
                    return difference(x, y, format!("{path}[{at}]"));
                }
            }
            format!("{path}: {} items, {} read", a.len(), b.len())
        }
        (a, b) => format!("{path}: {a} read as {b}"),
    }
}
