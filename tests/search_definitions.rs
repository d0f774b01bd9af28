//! The tables of search parameters (`src/search/r4.txt`), compartments (`src/search/compartments.txt`) and implied systems
//! (`src/fhir/r4/systems.txt`) are what the official definitions say.
//! `UPDATE=1 TASUKI_CORPORA=... cargo test --test search_definitions` writes them.

#![allow(clippy::unwrap_used, clippy::print_stdout)]

#[allow(dead_code)] // the other tests use the rest
mod definition;

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write as _;
use std::path::PathBuf;

use definition::Package;
use serde_json::Value;
use tasuki::fhir::ResourceType;
use tasuki::fhirpath::{Context, Expression, Item, Node, Resolved};
use tasuki::search::Definitions;
use tasuki::search::definition::Kind;
use tasuki::search::facts::{code_hash, extract, reference_hash, system_hash, token_hash};
use tasuki::search::read::{Reading, elements, reads, values};
use tasuki::search::value::{Target, Value as SearchValue};

const PACKAGE: &str = "hl7.fhir.r4.core-4.0.1";
const BASE: &str = "http://hl7.org/fhir/SearchParameter/";
/// What a record in home care mostly holds: the parameters of these have the short numbers.
const COMMON: [&str; 12] = [
    "AllergyIntolerance",
    "Composition",
    "Condition",
    "DiagnosticReport",
    "DocumentReference",
    "Encounter",
    "Immunization",
    "MedicationRequest",
    "Observation",
    "Procedure",
    "Provenance",
    "ServiceRequest",
];
/// Numbers below are no parameter's: 0 is kept as no fact, 1 is the clinical date.
const FIRST_NUMBER: usize = 8;

fn corpora() -> Option<PathBuf> {
    let folder = std::env::var_os("TASUKI_CORPORA").map(PathBuf::from);
    if folder.is_none() {
        println!("not run: TASUKI_CORPORA names no folder");
    }
    folder
}

fn is_as_written(table: &str, written: &str) {
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(table, written).unwrap();
    }
    assert!(std::fs::read_to_string(table).unwrap_or_default() == written, "{table} differs; write it with UPDATE=1");
}

#[test]
fn the_parameters_are_what_the_definitions_say() {
    let Some(corpora) = corpora() else { return };
    let official = definition::read(&corpora, PACKAGE, "SearchParameter");
    // Examples of definitions, and definitions without base or expression, which nothing can be read by.
    let is_usable = |p: &&Value| {
        p["expression"].is_string() && p["base"].is_array() && !p["id"].as_str().unwrap().starts_with("example")
    };
    let usable: Vec<&Value> = official.iter().filter(is_usable).collect();
    assert_eq!((official.len(), usable.len()), (1400, 1381));
    let mut types: BTreeMap<&str, BTreeMap<&str, &Value>> = BTreeMap::new();
    for parameter in &usable {
        for base in strings(&parameter["base"]) {
            let other = types.entry(base).or_default().insert(parameter["code"].as_str().unwrap(), parameter);
            assert!(other.is_none(), "two parameters of one name: {parameter}");
        }
    }
    // The logical id and the time of the version are no elements to look for: every row has them as columns.
    let resource = types.get_mut("Resource").unwrap();
    assert!(resource.remove("_id").is_some() && resource.remove("_lastUpdated").is_some());
    let mut out = numbers(&types);
    for (base, parameters) in &types {
        writeln!(out, "\n{base}").unwrap();
        for (code, parameter) in parameters {
            let id = parameter["url"].as_str().unwrap().strip_prefix(BASE).unwrap();
            let components = components(parameter, &official);
            let kind = parameter["type"].as_str().unwrap();
            let expression = part(parameter["expression"].as_str().unwrap(), base);
            let targets = targets(parameter);
            let line = format!("{code}\t{kind}\t{id}\t{expression}\t{targets}\t{components}");
            writeln!(out, "{}", line.trim_end()).unwrap();
        }
    }
    is_as_written("src/search/r4.txt", &out);
}

/// The components: kind, targets and expression of each.
fn components(parameter: &Value, official: &[Value]) -> String {
    let listed = parameter["component"].as_array().map_or(&[] as &[Value], Vec::as_slice);
    let component = |(at, component): (usize, &Value)| {
        // The two definitions stand in each other's place: `code` is said to be the reference, `target` the token.
        let at = if parameter["id"] == "DocumentReference-relationship" { 1 - at } else { at };
        let of = official.iter().find(|other| other["url"] == listed[at]["definition"]).unwrap();
        let targets = targets(of);
        let colon = if targets.is_empty() { "" } else { ":" };
        format!("{}{colon}{targets} {}", of["type"].as_str().unwrap(), component["expression"].as_str().unwrap())
    };
    listed.iter().enumerate().map(component).collect::<Vec<_>>().join("; ")
}

/// The numbers under which facts are kept, by code: those that facts are kept of first, and of these the ones of the types
/// that a record mostly holds.
fn numbers(types: &BTreeMap<&str, BTreeMap<&str, &Value>>) -> String {
    let mut codes: BTreeMap<&str, (bool, bool, isize)> = BTreeMap::new();
    for (base, parameters) in types {
        for (code, parameter) in parameters {
            let kept = matches!(parameter["type"].as_str(), Some("token" | "date" | "reference" | "uri"));
            let common = kept && (*base == "Resource" || COMMON.contains(base));
            let of = codes.entry(code).or_insert((true, true, 0));
            *of = (of.0 && !kept, of.1 && !common, of.2 - 1);
        }
    }
    let mut sorted: Vec<_> = codes.into_iter().map(|(code, rank)| (rank, code)).collect();
    sorted.sort_unstable();
    let mut out = String::new();
    for (number, (_, code)) in (FIRST_NUMBER..).zip(sorted) {
        writeln!(out, "{number} {code}").unwrap();
    }
    out
}

/// The types that a reference may point to; every type, where all but Parameters are listed.
fn targets(parameter: &Value) -> String {
    let targets: Vec<&str> = strings(&parameter["target"]).collect();
    if targets.len() > 140 { String::new() } else { targets.join(",") }
}

/// The alternatives of an expression that are about a type; all of one that names none.
fn part(expression: &str, base: &str) -> String {
    let of_base = |alternative: &&str| {
        let name = alternative.trim_start_matches('(');
        name.strip_prefix(base).is_some_and(|rest| !rest.starts_with(|c: char| c.is_ascii_alphanumeric()))
    };
    let all: Vec<&str> = expression.split('|').map(str::trim).collect();
    let mine: Vec<&str> = all.iter().copied().filter(of_base).collect();
    if mine.is_empty() {
        assert!(all.iter().all(|one| one.starts_with(|c: char| c.is_ascii_lowercase())), "{base}: {expression}");
        return all.join(" | ");
    }
    mine.join(" | ")
}

fn strings(value: &Value) -> impl Iterator<Item = &str> {
    value.as_array().into_iter().flatten().filter_map(Value::as_str)
}

#[test]
fn the_compartments_are_what_the_definitions_say() {
    let Some(corpora) = corpora() else { return };
    let mut out = String::new();
    let mut official = definition::read(&corpora, PACKAGE, "CompartmentDefinition");
    official.retain(|compartment| compartment["id"] != "example");
    assert_eq!(official.len(), 5);
    for compartment in &official {
        out += compartment["code"].as_str().unwrap();
        for resource in compartment["resource"].as_array().unwrap() {
            // What the compartment is of belongs to it by itself.
            let codes: Vec<&str> = strings(&resource["param"]).filter(|code| *code != "{def}").collect();
            if !codes.is_empty() {
                write!(out, " {}:{}", resource["code"].as_str().unwrap(), codes.join(",")).unwrap();
            }
        }
        out.push('\n');
    }
    is_as_written("src/search/compartments.txt", &out);
}

#[test]
fn the_systems_of_codes_are_what_the_definitions_say() {
    let Some(corpora) = corpora() else { return };
    let package = Package::read(&corpora, PACKAGE);
    let value_sets = definition::read(&corpora, PACKAGE, "ValueSet");
    let mut out = BTreeSet::new();
    let is_wanted =
        |s: &&Value| s["derivation"] != "constraint" && matches!(s["kind"].as_str(), Some("resource" | "complex-type"));
    for structure in package.structures.values().filter(is_wanted) {
        for element in definition::elements(structure) {
            let is_code =
                element["type"].as_array().is_some_and(|types| types.len() == 1 && types[0]["code"] == "code");
            if is_code && element["binding"]["strength"] == "required" {
                let url = element["binding"]["valueSet"].as_str().and_then(|url| url.split('|').next());
                let system = value_sets.iter().find(|set| set["url"].as_str() == url).and_then(system);
                out.extend(system.map(|system| format!("{} {system}\n", element["path"].as_str().unwrap())));
            }
        }
    }
    is_as_written("src/fhir/r4/systems.txt", &out.into_iter().collect::<String>());
}

#[test]
fn plans_find_what_fhirpath_finds() {
    let Some(corpora) = corpora() else { return };
    let text = std::fs::read_to_string(corpora.join("fhir/hl7-r4-spec-examples.ndjson")).unwrap();
    let mut expressions: BTreeMap<&str, Expression> = BTreeMap::new();
    let (mut planned, mut left, mut found, mut differ) = (0, 0, 0, Vec::new());
    let types = (0..=u8::MAX).map_while(ResourceType::from_number);
    for definition in types.flat_map(|of| Definitions::base().of(of)) {
        *(if definition.plan.is_expression() { &mut left } else { &mut planned }) += 1;
        // A function that R4 names and FHIRPath does not have.
        let text = definition.expression.replace("(hasExtension(", "(extension(").replace("'))", "').exists())");
        expressions.entry(&definition.expression).or_insert_with(|| Expression::parse(&text).unwrap());
    }
    for line in text.lines() {
        let resource: Value = serde_json::from_str(line).unwrap();
        let Some(of) = resource["resourceType"].as_str().and_then(ResourceType::parse) else { continue };
        for definition in Definitions::base().of(of).filter(|d| d.kind != Kind::Composite && &*d.code != "deceased") {
            let planned = elements(&resource, definition);
            let items = expressions[&*definition.expression].evaluate(Item::resource(&resource), &ByText).unwrap();
            let by_path: Vec<_> =
                items.iter().filter_map(|item| opened(item.node().unwrap(), definition.kind)).collect();
            found += by_path.len();
            // `|` leaves out what is equal to something else.
            let set = |all: &[(&Value, &'static str)]| {
                all.iter().map(|(value, name)| (value.to_string(), *name)).collect::<BTreeSet<_>>()
            };
            if set(&planned) != set(&by_path) {
                differ.push((of.name(), definition.code.clone(), set(&planned), set(&by_path)));
            }
        }
    }
    println!("{planned} definitions by plan, {left} by FHIRPath; {found} elements of the examples compared");
    assert!(found > 2_900, "{found}");
    assert_eq!(differ, []);
}

#[test]
fn facts_are_hashes_of_the_values() {
    let Some(corpora) = corpora() else { return };
    let text = std::fs::read_to_string(corpora.join("fhir/hl7-r4-spec-examples.ndjson")).unwrap();
    let (mut compared, mut differ) = (0, Vec::new());
    for line in text.lines() {
        let resource: Value = serde_json::from_str(line).unwrap();
        let Some(of) = resource["resourceType"].as_str().and_then(ResourceType::parse) else { continue };
        let facts = extract(&resource, 540);
        for definition in Definitions::base().of(of).filter(|definition| definition.is_kept()) {
            let of_it = facts.tokens.iter().filter(|token| token.parameter == definition.parameter);
            let mut kept: BTreeSet<(i64, i64)> = of_it.map(|token| (token.system as i64, token.code as i64)).collect();
            let dates = facts.dates.iter().filter(|date| date.parameter == definition.parameter);
            kept.extend(dates.map(|date| (date.start, date.end)));
            let read: BTreeSet<(i64, i64)> = values(&resource, definition, Reading { zone_minutes: 540, base: "" })
                .iter()
                .flat_map(hashes)
                .collect();
            compared += read.len();
            if kept != read {
                differ.push((of.name(), &*definition.code, kept, read));
            }
        }
    }
    println!("{compared} values of the examples compared");
    assert!(compared > 2_000, "{compared}");
    assert_eq!(differ, []);
}

/// What a value is kept as.
fn hashes(value: &SearchValue) -> Vec<(i64, i64)> {
    let whole = |text: &str| vec![(0, token_hash(text) as i64)];
    match value {
        SearchValue::Token(token) => {
            let system = token.system.as_deref().map_or(0, system_hash);
            let hash = |code: &str| code_hash(code, token.is_case_sensitive);
            token.code.iter().map(|code| (system as i64, hash(code) as i64)).collect()
        }
        SearchValue::Date(interval) => vec![(interval.start, interval.end)],
        SearchValue::Uri(text) => whole(text),
        SearchValue::Reference(reference) => match &reference.target {
            Target::Local(of, id, _) => vec![(0, reference_hash(*of, id) as i64)],
            Target::Url(text) if text.contains(':') => whole(text),
            _ => Vec::new(),
        },
        _ => Vec::new(),
    }
}

#[test]
fn the_parameters_of_a_guide_are_read() {
    let Some(corpora) = corpora() else { return };
    let guide = definition::read(&corpora, "jp-core.r4-1.2.0", "SearchParameter");
    let (all, issues) = Definitions::base().with(&guide);
    assert_eq!((guide.len(), issues), (8, Vec::new()));
    let find = |name: &str, code| all.find(ResourceType::parse(name).unwrap(), code).unwrap();
    let left = |name: &str, code| find(name, code).plan.is_expression();
    assert!(left("Patient", "jp-kana-sort") && !left("Coverage", "jp-insured-personnumber"));
    let coverage = serde_json::json!({"resourceType": "Coverage", "extension": [{"valueString": "1234",
        "url": "http://jpfhir.jp/fhir/core/Extension/StructureDefinition/JP_Coverage_InsuredPersonNumber"}]});
    let reading = Reading { zone_minutes: 540, base: "" };
    let found = values(&coverage, find("Coverage", "jp-insured-personnumber"), reading);
    assert_eq!(found, [SearchValue::String("1234".into())]);
}

/// The element, or of an Extension its value, where the kind has values of its type.
fn opened<'a>(node: &Node<'a>, kind: Kind) -> Option<(&'a Value, &'static str)> {
    let (mut value, mut name) = (node.value?, node.kind.name);
    if name == "Extension" {
        let (key, inner) = value.as_object()?.iter().find(|(key, _)| key.starts_with("value"))?;
        (value, name) = (inner, tasuki::fhir::r4::member("Extension", key)?.1);
    }
    if node.kind.is_resource {
        name = "Resource";
    }
    reads(kind, name).then_some((value, name))
}

struct ByText;

impl<'a> Context<'a> for ByText {
    fn resolve(&self, reference: &str) -> Option<Resolved<'a>> {
        Resolved::by_text(reference)
    }
}

/// The system that all codes of a value set are of; `None` where there are several.
fn system(value_set: &Value) -> Option<&str> {
    let [include] = value_set["compose"]["include"].as_array()?.as_slice() else { return None };
    if include.get("valueSet").is_some() { None } else { include["system"].as_str() }
}
