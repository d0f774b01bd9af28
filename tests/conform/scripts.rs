//! FHIR TestScripts run beside the cases; what is not supported is said, and the script is skipped, never passed.

use std::path::Path;

use tasuki::conform::{Outcome, Report, Suite, script};

use crate::breakage::Breakage;
use crate::{account_of, served};

static KEPT: Breakage = Breakage {
    name: "names are confused",
    before: |_| {},
    after: |_, given| given.body = given.body.replace("\"Taro\"", "\"Jiro\"").replace("\"Hanako\"", "\"Jiro\""),
    red: &[],
};

fn run(name: &str, text: &str, subject: &tasuki::conform::Subject) -> Report {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/conform/scripts");
    let case = script::import(name, text, &folder).unwrap();
    let mut suite = Suite::shipped().unwrap().chosen("nothing", None);
    suite.add(case);
    account_of(suite, subject, false).reports.remove(0)
}

#[test]
fn a_script_is_run() {
    let text = include_str!("scripts/patient.json");
    let whole = served::whole();
    let report = run("patient", text, &whole.subject);
    assert_eq!(report.outcome, Outcome::Passed, "{}", report.reason);
    assert_eq!(report.warnings.len(), 1, "a warning is told and fails nothing: {:?}", report.warnings);
    let methods: Vec<&str> = report.exchanges.iter().map(|one| one.sent.method.as_str()).collect();
    assert_eq!(methods, ["POST", "GET", "PUT", "GET", "GET", "DELETE"], "{:?}", report.exchanges);
    let broken = served::open(&KEPT);
    let report = run("patient", text, &broken.subject);
    assert_eq!(report.outcome, Outcome::Failed);
    assert!(report.reason.contains("name"), "{}", report.reason);
}

#[test]
fn what_is_not_supported_is_said() {
    let text = include_str!("scripts/patient.json");
    let whole = served::whole();
    for (from, to, said) in [
        ("\"response\": \"okay\"", "\"validateProfileId\": \"p\"", "an assertion about validateProfileId"),
        ("\"expression\": \"Patient.id\"", "\"path\": \"fhir:Patient/fhir:id/@value\"", "path 'fhir:Patient"),
        ("\"code\": \"read\"", "\"code\": \"evaluate-measure\"", "the operation evaluate-measure"),
        ("\"reference\": \"patient-fixture.json\"", "\"reference\": \"../../../Cargo.toml\"", "is not there"),
    ] {
        assert!(text.contains(from), "{from}");
        let report = run("patient", &text.replace(from, to), &whole.subject);
        assert_eq!(report.outcome, Outcome::Skipped, "{said}");
        assert!(
            report.reason.contains(said) || report.case.unsupported.iter().any(|what| what.contains(said)),
            "{:?}",
            report.case.unsupported
        );
        assert!(report.exchanges.is_empty());
    }
    assert!(script::import("x", "{\"resourceType\": \"Patient\"}", Path::new(".")).is_err());
}

#[test]
fn the_script_of_the_standard_is_read() {
    let Some(corpora) = std::env::var_os("TASUKI_CORPORA") else {
        println!("not run: TASUKI_CORPORA does not name a folder");
        return;
    };
    let all = std::fs::read_to_string(Path::new(&corpora).join("fhir/hl7-r4-spec-examples.ndjson")).unwrap();
    let scripts: Vec<&str> = all.lines().filter(|line| line.contains("\"resourceType\": \"TestScript\"")).collect();
    assert!(!scripts.is_empty());
    let whole = served::whole();
    for text in scripts {
        let report = run("standard", text, &whole.subject);
        // Whatever it asks for, it is not green for what was not tested.
        println!("{:?} {} {:?}", report.outcome, report.reason, report.case.unsupported);
        assert!(report.outcome != Outcome::Passed || report.exchanges.iter().any(|one| one.answer.is_ok()));
    }
}
