//! `tasuki validate` as a vendor runs it: the program itself, its output in each form, its exit codes.

#![allow(clippy::unwrap_used, clippy::print_stdout)] // helpers of tests are not seen as tests

mod program;

use std::io::Write;
use std::process::{Command, Stdio};

use program::tasuki;
use serde_json::Value;

const PATIENT: &str = "tests/placed/json/patient.json";

/// Runs `tasuki validate`: the exit code, and what it wrote.
fn validate(arguments: &[&str]) -> (i32, String, String) {
    let output = tasuki(&[&["validate"], arguments].concat());
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    (output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

#[test]
fn lines_name_file_line_column_rule_and_place_in_both_languages() {
    let (code, english, _) = validate(&["--lang", "en", PATIENT]);
    assert_eq!(code, 1);
    let line = format!("{PATIENT}:13:16: error fhir-date");
    assert!(english.lines().any(|said| said.starts_with(&line)), "{english}");
    assert!(english.lines().last().unwrap().starts_with("1 file, 1 item checked:"), "{english}");
    let (_, japanese, _) = validate(&["--lang", "ja", PATIENT]);
    assert!(japanese.lines().any(|said| said.starts_with(&line.replace("error", "エラー"))), "{japanese}");
    assert_eq!(english.lines().count(), japanese.lines().count());
    assert!(validate(&["--lang", "en", "--notes", PATIENT]).1.lines().count() >= english.lines().count());
}

#[test]
fn the_exit_code_says_whether_anything_counts() {
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    std::fs::write(at("good.json"), r#"{"resourceType":"Patient","active":true}"#).unwrap();
    std::fs::write(at("claims.json"), r#"{"resourceType":"Patient","meta":{"profile":["http://example.org/p"]}}"#)
        .unwrap();
    assert_eq!(validate(&[&at("good.json")]).0, 0);
    assert_eq!(validate(&[&at("claims.json")]).0, 0);
    assert_eq!(validate(&["--fail-on", "warning", &at("claims.json")]).0, 1);
    assert_eq!(validate(&[&at("none.json"), &at("good.json")]).0, 66);
    assert_eq!(validate(&["--guide", &at("good.json"), &at("good.json")]).0, 65);
    assert_eq!(validate(&["--guide", &at("none.tgz"), &at("good.json")]).0, 66);
    assert_eq!(validate(&["--profile", "http://example.org/p", &at("good.json")]).0, 2);
    assert_eq!(validate(&["--config", &at("none.toml"), &at("good.json")]).0, 78);
    assert_eq!(validate(&[]).0, 2);
}

#[test]
fn standard_input_is_a_file_and_folders_are_walked() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_tasuki"))
        .args(["validate", "--lang", "en", "-"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    child.stdin.take().unwrap().write_all(br#"{"resourceType":"Patient","gender":"F"}"#).unwrap();
    let said = String::from_utf8(child.wait_with_output().unwrap().stdout).unwrap();
    assert!(said.starts_with("-:1:36: error fhir-binding"), "{said}");
    let (_, said, _) = validate(&["--lang", "en", "tests/placed/ssmix2"]);
    assert!(said.contains("6 files") && said.contains("ssmix2-two-valid"), "{said}");
}

#[test]
fn programs_get_an_outcome_for_each_file_or_junit() {
    let (code, said, _) = validate(&["--format", "json", "--lang", "ja", PATIENT, "tests/placed/hl7/plain.hl7"]);
    let outcomes: Vec<Value> = said.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!((code, outcomes.len()), (1, 2));
    for outcome in &outcomes {
        assert_eq!(tasuki::validate::base(outcome), []);
        assert!(outcome["issue"][0]["extension"][0]["valueInteger"].is_u64());
    }
    let (code, said, _) = validate(&["--format", "junit", PATIENT, "tests/placed/other"]);
    let document = roxmltree::Document::parse(&said).unwrap();
    let suite = document.descendants().find(|node| node.has_tag_name("testsuite")).unwrap();
    assert_eq!((code, suite.attribute("tests"), suite.attribute("failures")), (1, Some("5"), Some("1")));
}

#[test]
fn guides_are_named_on_the_command_line_or_by_a_configuration() {
    let Some(corpora) = program::corpora() else { return };
    let guide = |name: &str| corpora.join(format!("packages/{name}.tgz")).to_str().unwrap().to_owned();
    let (core, jp) = (guide("hl7.fhir.r4.core-4.0.1"), guide("jp-core.r4-1.1.2"));
    let patient = "http://jpfhir.jp/fhir/core/StructureDefinition/JP_Patient";
    let folder = tempfile::tempdir().unwrap();
    let at = |name: &str| folder.path().join(name).to_str().unwrap().to_owned();
    let sent = format!(
        r#"{{"resourceType":"Observation","status":"final","code":{{"text":"x"}},"meta":{{"profile":["{patient}"]}}}}"#
    );
    std::fs::write(at("claims.json"), sent).unwrap();
    let guides = ["--lang", "en", "--guide", &core, "--guide", &jp];
    let (code, said, _) = validate(&[&guides[..], &[&at("claims.json")]].concat());
    assert!(code == 1 && said.contains("profile-resource-type"), "{said}");
    std::fs::write(at("asked.json"), r#"{"resourceType":"Patient","active":true}"#).unwrap();
    let (code, said, _) = validate(&[&guides[..], &["--profile", patient, &at("asked.json")]].concat());
    assert!(code == 1 && said.contains("[JP_Patient|1.1.2"), "{said}");
    let text = std::fs::read_to_string("examples/tasuki.toml").unwrap();
    let guide = format!("\n[[guide]]\npackage = \"{core}\"\n[[guide]]\npackage = \"{jp}\"\n");
    let bare: String = text
        .lines()
        .filter(|line| !line.starts_with("[[guide]]") && !line.starts_with("package ="))
        .map(|l| format!("{l}\n"))
        .collect();
    std::fs::write(at("tasuki.toml"), bare + &guide).unwrap();
    let (code, said, wrong) = validate(&["--lang", "en", "--config", &at("tasuki.toml"), &at("claims.json")]);
    assert!(code == 1 && said.contains("profile-resource-type"), "{said}{wrong}");
}
