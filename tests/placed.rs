//! Problems and their places: every file under `tests/placed/` and what is said of it (`UPDATE=1` rewrites the accounts, which
//! are then read like code); that every place is where the element is; that nothing a file may hold is too much.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests are not seen as tests

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde_json::Value;
use tasuki::fault::Severity;
use tasuki::fhir::xml_writer;
use tasuki::guide::{KEPT, Library, Package};
use tasuki::inspect::{self, Against, Kind, Position, Remark};
use tasuki::profile::Profiles;

const CASES: &str = "tests/placed";

fn nothing() -> Profiles {
    Profiles::new(Arc::new(Library::default()))
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    entries.sort();
    entries.into_iter().flat_map(|path| if path.is_dir() { files(&path) } else { vec![path] }).collect()
}

/// All files of a case but its account.
fn inputs(case: &Path) -> Vec<(String, Vec<u8>)> {
    let named = |path: &PathBuf| path.strip_prefix(case).unwrap().to_str().unwrap().replace('\\', "/");
    let all = files(case).into_iter().filter(|path| !path.ends_with("expected.txt"));
    all.map(|path| (named(&path), std::fs::read(&path).unwrap())).collect()
}

fn line(remark: &Remark) -> String {
    let at = remark.at.map_or("-".into(), |at| format!("{}:{}", at.line, at.column));
    let (source, place) = (&remark.source, &remark.place);
    let severity = remark.severity.code();
    format!("  {at} {severity} {} [{source}] ({place})\n    {}\n    {}\n", remark.rule, remark.en, remark.ja)
}

#[test]
fn every_file_is_judged_and_placed_as_its_account_says() {
    let profiles = nothing();
    let against = Against { profiles: &profiles, asked: &[] };
    let (mut placed, mut wrong) = (0, Vec::new());
    let mut cases: Vec<PathBuf> = std::fs::read_dir(CASES).unwrap().map(|entry| entry.unwrap().path()).collect();
    cases.sort();
    for case in cases {
        let all = inputs(&case);
        let mut said = String::new();
        for (name, bytes) in &all {
            let report = inspect::file(name, bytes, &against);
            placed += report.remarks.iter().filter(|r| r.at.is_some() && r.severity > Severity::Information).count();
            writeln!(said, "{name}: {}, {}", report.kind.label(), report.items).unwrap();
            report.remarks.iter().for_each(|remark| said.push_str(&line(remark)));
        }
        let names: Vec<&str> = all.iter().map(|(name, _)| name.as_str()).collect();
        for (at, remark) in inspect::together(&names) {
            write!(said, "{} beside the others\n{}", names[at], line(&remark)).unwrap();
        }
        let account = case.join("expected.txt");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(&account, &said).unwrap();
        }
        if std::fs::read_to_string(&account).unwrap_or_default() != said {
            wrong.push(format!("{}:\n{said}", case.display()));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(placed >= 60, "{placed}");
    println!("{placed} problems with a line and a column");
}

#[test]
fn nothing_that_somebody_wrote_about_a_person_is_repeated() {
    let profiles = nothing();
    let against = Against { profiles: &profiles, asked: &[] };
    for case in std::fs::read_dir(CASES).unwrap() {
        for (name, bytes) in inputs(&case.unwrap().path()) {
            for remark in inspect::file(&name, &bytes, &against).remarks {
                let said = line(&remark);
                for marker in ["札幌", "花子", "0000000017", "0000000018", "0000000001", "011-000", "1950"] {
                    assert!(!said.contains(marker), "{name}: {said}");
                }
            }
        }
    }
}

/// Line ends and a byte order mark move nothing but what they are.
#[test]
fn crlf_and_a_byte_order_mark_change_no_place() {
    let profiles = nothing();
    let against = Against { profiles: &profiles, asked: &[] };
    for name in ["json/patient.json", "json/bundle.json", "ndjson/patients.ndjson", "xml/patient.xml", "xml/bundle.xml"]
    {
        let text = std::fs::read_to_string(Path::new(CASES).join(name)).unwrap();
        let places = |bytes: &[u8]| -> Vec<(Box<str>, Box<str>, Option<Position>)> {
            let remarks = inspect::file(name, bytes, &against).remarks.into_iter();
            remarks.filter(|r| &*r.rule != "fhir-bom").map(|r| (r.rule, r.place, r.at)).collect()
        };
        let plain = places(text.as_bytes());
        assert!(!plain.is_empty() && plain.iter().all(|(_, _, at)| at.is_some()), "{name}");
        assert_eq!(places(text.replace('\n', "\r\n").as_bytes()), plain, "{name}");
        assert_eq!(places(format!("\u{feff}{text}").as_bytes()), plain, "{name}");
        assert_eq!(places(text.replace('\n', "\r").as_bytes()), plain, "{name}");
    }
}

/// Every file cut short and with bytes changed: something is said or nothing is, and the program goes on.
#[test]
fn nothing_that_a_file_may_hold_is_too_much() {
    let profiles = nothing();
    let against = Against { profiles: &profiles, asked: &[] };
    let mut dice = Dice(7);
    for case in std::fs::read_dir(CASES).unwrap() {
        for (name, bytes) in inputs(&case.unwrap().path()) {
            for _ in 0..40 {
                let mut broken = bytes.clone();
                broken.truncate(dice.below(bytes.len() + 1));
                if dice.below(2) == 0 {
                    broken = bytes.clone();
                    for _ in 0..3 {
                        let at = dice.below(broken.len().max(1));
                        if let Some(byte) = broken.get_mut(at) {
                            *byte = b"\"\\{}[],:|^~&\r\n\x1b\xff<>/=0"[dice.below(21)];
                        }
                    }
                }
                inspect::file(&name, &broken, &against);
            }
        }
    }
    let deep = format!("{{\"resourceType\":\"Basic\",\"x\":{}", "{\"x\":".repeat(200_000));
    let name = "x.json";
    for hostile in [deep.as_str(), &"[".repeat(1_000_000), &"<a>".repeat(300_000), &"MSH|".repeat(200_000)] {
        let report = inspect::file(name, hostile.as_bytes(), &against);
        assert!(report.count(Severity::Warning) > 0 || report.kind == Kind::Message, "{}", &hostile[..20]);
    }
}

/// Of every example of R4 in the corpora some elements, chosen by chance: at the place that is given stands that very value, in
/// JSON and in XML.
#[test]
fn the_value_is_where_its_place_is() {
    let Some(corpora) = std::env::var_os("TASUKI_CORPORA") else {
        return println!("not run: TASUKI_CORPORA is not set");
    };
    let text = std::fs::read_to_string(Path::new(&corpora).join("fhir/hl7-r4-spec-examples.ndjson")).unwrap();
    let mut dice = Dice(1);
    let (mut examples, mut compared) = (0, 0);
    for example in text.lines().filter(|line| !line.trim().is_empty()) {
        examples += 1;
        let value: Value = serde_json::from_str(example).unwrap();
        let pretty = serde_json::to_string_pretty(&value).unwrap();
        let mut elements = Vec::new();
        collect(&value, value["resourceType"].as_str().unwrap_or("Resource"), &mut elements);
        let chosen: Vec<&(String, Value)> = (0..20).map(|_| &elements[dice.below(elements.len())]).collect();
        let places: Vec<&str> = chosen.iter().map(|(place, _)| place.as_str()).collect();
        for text in [pretty.as_str(), example] {
            for (at, (place, expected)) in inspect::positions_in_json(text, &places).into_iter().zip(&chosen) {
                let mut values = serde_json::Deserializer::from_str(&text[byte(text, at)..]).into_iter::<Value>();
                let found = values.next().and_then(Result::ok);
                assert_eq!(found.as_ref(), Some(expected), "{place} {at:?}");
                compared += 1;
            }
        }
        let Some(xml) = xml_writer::to_xml(example, true) else { continue };
        for (at, (place, expected)) in inspect::positions_in_xml(&xml, &places).into_iter().zip(&chosen) {
            if expected.is_object() || expected.is_array() || place.ends_with(".div") || place.ends_with("resourceType")
            {
                continue;
            }
            let expected = expected.as_str().map_or_else(|| expected.to_string(), str::to_owned);
            let found = xml[byte(&xml, at)..].split('"').next().unwrap();
            let found = roxmltree::Document::parse(&format!("<a b=\"{found}\"/>"))
                .map(|d| d.root_element().attribute("b").unwrap().to_owned())
                .unwrap();
            // An attribute holds spaces where it was given line ends.
            let plain = |text: &str| text.split_whitespace().collect::<Vec<_>>().join(" ");
            assert_eq!(plain(&found), plain(&expected), "{place}");
            compared += 1;
        }
    }
    assert_eq!(examples, 333);
    println!("{compared} values of {examples} examples are where their places say");
}

/// Every element with its place, as the validator would name it.
fn collect(value: &Value, place: &str, all: &mut Vec<(String, Value)>) {
    let Value::Object(object) = value else { return };
    for (name, value) in object {
        // What stands beside a primitive has the primitive's name, and what is in it is found under that.
        let plain = name.strip_prefix('_').unwrap_or(name);
        let is_beside = plain.len() < name.len();
        let place = format!("{place}.{plain}");
        let items: Vec<(String, &Value)> = match value {
            Value::Array(items) => {
                items.iter().enumerate().map(|(at, item)| (format!("{place}[{at}]"), item)).collect()
            }
            value => vec![(place.clone(), value)],
        };
        if value.is_array() && !is_beside {
            all.push((place, value.clone()));
        }
        for (place, item) in items {
            if !is_beside && !item.is_null() {
                all.push((place.clone(), item.clone()));
            }
            collect(item, &place, all);
        }
    }
}

/// The byte at a line and column.
fn byte(text: &str, at: Position) -> usize {
    let mut lines = text.split_inclusive('\n');
    let before: usize = lines.by_ref().take(at.line as usize - 1).map(str::len).sum();
    let line = lines.next().unwrap_or("");
    before + line.char_indices().nth(at.column as usize - 1).map_or(line.len(), |(byte, _)| byte)
}

/// A profile's problems are placed too: a JP-CLINS document with mistakes that a vendor makes.
#[test]
fn a_broken_referral_is_told_where_it_is_wrong() {
    let Some(corpora) = std::env::var_os("TASUKI_CORPORA").map(PathBuf::from) else {
        return println!("not run: TASUKI_CORPORA is not set");
    };
    let package = |name: &str| {
        let bytes = std::fs::read(corpora.join(format!("packages/{name}.tgz"))).unwrap();
        Package::read(&bytes, &KEPT).unwrap()
    };
    let packages = ["hl7.fhir.r4.core-4.0.1", "jp-core.r4-1.1.2", "jp-clins.r4-1.10.0"].map(package);
    let profiles = Profiles::new(Arc::new(Library::new(packages.into())));
    let against = Against { profiles: &profiles, asked: &[] };
    let sound = corpora.join("fhir/jp-clins-1.5.2-ExampleJson/Bundle-Bundle-CLINS-Referral-Example-01.json");
    let text = std::fs::read_to_string(sound).unwrap();
    let errors = |text: &str| -> Vec<Remark> {
        let remarks = inspect::file("a.json", text.as_bytes(), &against).remarks.into_iter();
        remarks.filter(|remark| remark.severity >= Severity::Error).collect()
    };
    let known = errors(&text).len();
    for (from, to, rule, at_text) in [
        ("\"status\": \"final\"", "\"status\": \"amended\"", "profile-fixed", "\"amended\""),
        ("\"title\": \"診療情報提供書\"", "\"titel\": \"診療情報提供書\"", "fhir-unknown-element", "\"titel\""),
        ("\"language\": \"ja\",", "\"language\": \"ja\", \"implicitRules\": \"x y\",", "fhir-uri", "\"x y\""),
    ] {
        assert!(text.contains(from), "{from}");
        let broken = text.replacen(from, to, 1);
        let found = errors(&broken);
        assert!(found.len() > known, "{to}");
        let remark = found.iter().find(|remark| &*remark.rule == rule).unwrap();
        assert!(broken[byte(&broken, remark.at.unwrap())..].starts_with(at_text), "{remark:?}");
    }
}

/// Chance that comes out the same each time (a linear congruential generator).
struct Dice(u64);

impl Dice {
    fn below(&mut self, limit: usize) -> usize {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (self.0 >> 33) as usize % limit.max(1)
    }
}
