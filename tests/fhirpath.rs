//! The expressions of FHIRPath's own test suite for R4, and those of the definitions of R4, beside the engine.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::print_stdout, clippy::print_stderr)] // a test fails by panicking

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use serde_json::Value;
use tasuki::decode::fhir_xml;
use tasuki::fhirpath::{Context, Decimal, Expression, Item, Node, TemporalKind};

/// Cases whose expected answer is not that of the specification, each with the reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    (
        "testPlusDate19",
        "expects 0.1 's' to add nothing; only of units above the second is the fraction ignored (N1 section 6.6.7)",
    ),
    (
        "HighBoundaryDateTimeMillisecond1",
        "expects the last moment of the hour 08 to be 08:00:59.999; the hour lasts until 08:59:59.999",
    ),
];

/// Invariants that do not hold on the examples of R4: key, what the expression came to, how often, and why.
const FAILURES: &[(&str, &str, usize, &str)] = &[
    ("dom-6", "false", 251, "examples without a narrative; the invariant is one of good practice"),
    ("que-1", "false", 15, "the definitions written as questionnaires have groups without items"),
    ("que-2", "false", 45, "the definitions written as questionnaires use a linkId twice"),
    ("pdf-0", "false", 2, "names in lower case with hyphens"),
    ("adf-0", "nothing", 4, "no name"),
    ("cid-0", "nothing", 1, "ChargeItemDefinition has no element `name` at all"),
    ("ees-0", "nothing", 1, "no name"),
    ("esc-0", "nothing", 1, "no name"),
    ("evd-0", "nothing", 1, "no name"),
    ("evi-0", "nothing", 1, "no name"),
    ("lib-0", "nothing", 4, "no name"),
    ("mea-0", "nothing", 2, "no name"),
    ("pdf-0", "nothing", 4, "no name"),
    ("que-0", "nothing", 74, "no name"),
    ("rvs-0", "nothing", 1, "no name"),
    ("ref-1", "nothing", 106, "references without `reference`: identifier or display only"),
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
    let is_strict = [case, stated].iter().any(|node| node.attribute("mode") == Some("strict"));
    let is_wrong = stated.attribute("invalid").is_some();
    // What is wrong by its meaning is found by the check, whether or not the case asks for it by name.
    let is_strict = is_strict || stated.attribute("invalid") == Some("semantic");
    let expression = match Expression::parse(text) {
        Ok(expression) => expression,
        Err(_) if is_wrong => return Ok(()),
        Err(error) => return Err(format!("{text}\n    {error}")),
    };
    if is_strict {
        match expression.check(resource["resourceType"].as_str().unwrap_or_default()) {
            Err(_) if is_wrong => return Ok(()),
            Err(error) => return Err(format!("{text}\n    {error}")),
            Ok(()) => {}
        }
    }
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

/// Our own expressions on the suite's resources (`fhirpath/own.txt`).
#[test]
fn cases_of_our_own() {
    let Some(corpora) = corpora() else { return };
    let resource = |name: &str| input(&corpora.join("fhirpath").join(name));
    let resources = HashMap::from([
        ("P", resource("patient-example.xml")),
        ("O", resource("observation-example.xml")),
        ("Q", resource("questionnaire-example.xml")),
        ("V", resource("valueset-example-expansion.xml")),
    ]);
    let (mut run, mut wrong) = (0, Vec::new());
    for line in include_str!("fhirpath/own.txt").lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        let mut parts = line.splitn(2, " | ");
        let (of, rest) = (parts.next().unwrap(), parts.next().unwrap());
        let (text, wanted) = rest.rsplit_once(" | ").unwrap_or_else(|| panic!("{line}"));
        let has_lines = text.contains("//") || text.contains("/*");
        let text = text.replace("\\|", "|").replace("\\n", if has_lines { "\n" } else { "\\n" });
        let found = own(&text, &resources[of]);
        run += 1;
        if found != wanted {
            wrong.push(format!("{line}\n    is {found}"));
        }
    }
    println!("{run} cases of our own");
    assert!(run > 300 && wrong.is_empty(), "{} of {run}:\n{}", wrong.len(), wrong.join("\n"));
}

/// What an expression comes to, as `fhirpath/own.txt` writes it.
fn own(text: &str, resource: &Value) -> String {
    let Ok(expression) = Expression::parse(text) else { return "!".into() };
    if expression.check(resource["resourceType"].as_str().unwrap()).is_err() {
        return "!check".into();
    }
    match expression.evaluate(Item::resource(resource), &Suite) {
        Ok(items) if items.is_empty() => "-".into(),
        Ok(items) => items.iter().map(|item| item.to_text().unwrap_or_default()).collect::<Vec<_>>().join(";"),
        Err(_) => "!".into(),
    }
}

/// The files of a kind in the package of R4, read with the `tar` program.
fn definitions(corpora: &Path, kind: &str) -> Vec<Value> {
    let out = Command::new("tar")
        .arg("xzOf")
        .arg(corpora.join("packages/hl7.fhir.r4.core-4.0.1.tgz"))
        .args(["--wildcards", &format!("package/{kind}-*.json")])
        .output()
        .expect("tar");
    serde_json::Deserializer::from_slice(&out.stdout).into_iter().map(|value| value.expect("JSON")).collect()
}

#[test]
fn search_parameters_of_r4_are_read() {
    let Some(corpora) = corpora() else { return };
    let parameters = definitions(&corpora, "SearchParameter");
    let texts: Vec<&str> = parameters.iter().filter_map(|parameter| parameter["expression"].as_str()).collect();
    assert!(texts.len() > 1300, "{}", texts.len());
    let wrong: Vec<String> = texts
        .iter()
        .filter_map(|text| Expression::parse(text).err().map(|error| format!("{text}\n    {error}")))
        .collect();
    println!("{} expressions of search parameters", texts.len());
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    // What begins with a type says nothing that this type has not.
    let mut checked = 0;
    for (text, part) in texts.iter().flat_map(|text| text.split(" | ").map(move |part| (text, part))) {
        let kind = part.trim_start_matches('(').split('.').next().unwrap_or_default();
        let Ok(expression) = Expression::parse(part) else { continue };
        checked += 1;
        assert_eq!(expression.check(kind), Ok(()), "{text}");
    }
    assert!(checked > 1500, "{checked}");
}

/// Invariants of R4 by the path of their element: key and expression.
type Invariants = BTreeMap<String, Vec<(String, Expression)>>;

fn invariants(corpora: &Path) -> Invariants {
    let mut read: HashMap<String, Expression> = HashMap::new();
    let mut found = Invariants::new();
    for structure in definitions(corpora, "StructureDefinition") {
        let is_type = structure["derivation"] != "constraint";
        for element in structure["snapshot"]["element"].as_array().into_iter().flatten() {
            for constraint in element["constraint"].as_array().into_iter().flatten() {
                let Some(text) = constraint["expression"].as_str() else { continue };
                let expression = read
                    .entry(text.to_owned())
                    .or_insert_with(|| Expression::parse(text).unwrap_or_else(|error| panic!("{text}: {error}")));
                let key = constraint["key"].as_str().unwrap();
                if is_type {
                    let path = element["path"].as_str().unwrap().to_owned();
                    found.entry(path).or_default().push((key.to_owned(), expression.clone()));
                }
            }
        }
    }
    println!("{} expressions of invariants", read.len());
    found
}

/// What evaluating invariants on examples came to.
#[derive(Default)]
struct Tally {
    evaluated: usize,
    failed: BTreeMap<(String, String), usize>,
    members: HashMap<&'static str, Expression>,
}

struct Within<'a> {
    resource: Node<'a>,
    root: Node<'a>,
}

impl<'a> Context<'a> for Within<'a> {
    fn resource(&self) -> Option<Node<'a>> {
        Some(self.resource)
    }

    fn root_resource(&self) -> Option<Node<'a>> {
        Some(self.root)
    }
}

/// Evaluates what is said of a node and everything in it. Paths: of its type, and where it stands in another.
fn judge(node: Node<'_>, place: &str, around: &Within<'_>, invariants: &Invariants, tally: &mut Tally) {
    let around = if node.kind.is_resource {
        let is_contained = place == "contained";
        &Within { resource: node, root: if is_contained { around.root } else { node } }
    } else {
        around
    };
    let mut seen = Vec::new();
    for path in [node.kind.name, place] {
        for (key, expression) in invariants.get(path).into_iter().flatten() {
            if seen.contains(&key) {
                continue;
            }
            seen.push(key);
            tally.evaluated += 1;
            let outcome = match expression.is_true(Item::Node(node), around) {
                Ok(Some(true)) => continue,
                Ok(Some(false)) => "false".to_owned(),
                Ok(None) => "nothing".to_owned(),
                Err(error) => error.to_string(),
            };
            *tally.failed.entry((key.clone(), outcome)).or_default() += 1;
        }
    }
    let Some(Value::Object(members)) = node.value else { return };
    let names: BTreeSet<&'static str> = members
        .keys()
        .filter_map(|key| node.kind.json_member(key.trim_start_matches('_')).map(|(member, _)| member.name))
        .collect();
    for name in names {
        let of_member = || Expression::parse(&format!("`{name}`")).unwrap();
        let expression = tally.members.entry(name).or_insert_with(of_member).clone();
        let is_choice = node.kind.member(name).is_some_and(|member| member.is_choice);
        let place = if name == "contained" {
            name.to_owned()
        } else {
            format!("{}.{name}{}", node.kind.name, if is_choice { "[x]" } else { "" })
        };
        for item in expression.evaluate(Item::Node(node), around).unwrap() {
            if let Item::Node(inner) = item {
                judge(inner, &place, around, invariants, tally);
            }
        }
    }
}

#[test]
fn invariants_hold_on_the_examples() {
    let Some(corpora) = corpora() else { return };
    let invariants = invariants(&corpora);
    let text = fs::read_to_string(corpora.join("fhir/hl7-r4-spec-examples.ndjson")).unwrap();
    let mut tally = Tally::default();
    for line in text.lines() {
        let resource: Value = serde_json::from_str(line).unwrap();
        let node = Node::resource(&resource);
        judge(node, "", &Within { resource: node, root: node }, &invariants, &mut tally);
    }
    println!("{} evaluations on {} examples", tally.evaluated, text.lines().count());
    let mut unlisted = tally.failed;
    for (key, outcome, number, why) in FAILURES {
        let found = unlisted.remove(&((*key).to_owned(), (*outcome).to_owned()));
        println!("{key}: {outcome} {number} times: {why}");
        assert_eq!(found, Some(*number), "{key} is {outcome}");
    }
    assert!(unlisted.is_empty(), "{unlisted:#?}");
}
