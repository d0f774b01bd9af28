//! The subcommand as somebody runs it: exit codes, own cases, known failures, baselines, explanations.

use std::path::Path;
use std::process::{Command, Output};

use crate::breakage::Breakage;
use crate::served;

static UNSORTED: Breakage = Breakage {
    name: "descending is ascending",
    before: |asked| asked.query = asked.query.replace("_sort=-", "_sort="),
    after: |_, _| {},
    red: &[],
};

fn conform(arguments: &[&str]) -> (i32, String) {
    let Output { status, stdout, stderr } =
        Command::new(env!("CARGO_BIN_EXE_tasuki")).arg("conform").args(arguments).env("LC_ALL", "C").output().unwrap();
    let text = format!("{}{}", String::from_utf8_lossy(&stdout), String::from_utf8_lossy(&stderr));
    (status.code().unwrap(), text)
}

fn path(folder: &Path, name: &str) -> String {
    folder.join(name).display().to_string()
}

#[test]
fn the_exit_code_says_whether_all_is_as_expected() {
    let folder = tempfile::tempdir().unwrap();
    let file = |name: &str| path(folder.path(), name);
    let (whole, broken) = (served::whole(), served::open(&UNSORTED));
    let (report, html, xml) = (file("report.json"), file("page.html"), file("junit.xml"));
    let suite = ["--suite", "fhir-r4/search/*"];
    let (code, text) = conform(&[&["--target", &whole.base], &suite[..]].concat());
    assert_eq!(code, 0, "{text}");
    let outputs = ["--testreport", &report, "--html", &html, "--junit", &xml];
    let (code, text) = conform(&[&["--target", &broken.base], &suite[..], &outputs[..]].concat());
    assert_eq!(code, 1, "{text}");
    assert!(text.contains("failed  SHOULD fhir-r4/search/sort"), "{text}");
    assert!(text.contains(&format!("again: tasuki conform --target {} --suite 'fhir-r4/search/sort'", broken.base)));
    assert!([&report, &html, &xml].iter().all(|path| Path::new(path).exists()));
    // Only what was red runs again, and the baseline says what is different.
    let (code, text) = conform(&["--target", &whole.base, "--rerun-failed", &report, "--baseline", &report]);
    assert_eq!(code, 0, "{text}");
    assert!(text.contains("failed -> passed  fhir-r4/search/sort") && text.contains("0 worse"), "{text}");
    // What is known does not fail the run, until it passes.
    let known = file("known.toml");
    let ids = ["fhir-r4/search/sort", "fhir-r4/search/sorted-pages"];
    let text: String = ids.iter().map(|id| format!("[[known]]\nid = \"{id}\"\nreason = \"not yet\"\n")).collect();
    std::fs::write(&known, text).unwrap();
    let (code, text) = conform(&[&["--target", &broken.base, "--expected", &known], &suite[..]].concat());
    assert_eq!(code, 0, "{text}");
    let (code, text) = conform(&[&["--target", &whole.base, "--expected", &known], &suite[..]].concat());
    assert!(code == 1 && text.contains("stands among the known failures: not yet"), "{text}");
}

#[test]
fn what_cannot_be_run_is_two() {
    let folder = tempfile::tempdir().unwrap();
    let client = path(folder.path(), "client.toml");
    std::fs::write(&client, "[client.a]\ntokn = \"s3cret-of-mine\"\n").unwrap();
    let (code, text) = conform(&["--target", "http://127.0.0.1:9/fhir", "--client", &client]);
    assert!(code == 2 && !text.contains("s3cret"), "a secret is not quoted: {text}");
    for arguments in [
        &["--target", "http://127.0.0.1:9/fhir"][..],
        &["--target", "ftp://example.org"],
        &["--target", "http://127.0.0.1:9/fhir", "--suite", "no-such-case"],
        &["--target", "http://127.0.0.1:9/fhir", "--baseline", "/no/such/file"],
        &["--suite", "fhir-r4"],
        &["explain", "no-such-case"],
    ] {
        let (code, text) = conform(arguments);
        assert_eq!(code, 2, "{arguments:?}: {text}");
    }
}

#[test]
fn cases_are_explained_and_listed() {
    let (code, text) = conform(&["explain", "fhir-r4/update/if-match-stale"]);
    assert_eq!(code, 0, "{text}");
    for part in ["SHALL", "Why: Otherwise the second", "How to mend it: Refuse with 412", "Needs: Patient.read"] {
        assert!(text.contains(part), "{part}: {text}");
    }
    let (code, text) = conform(&["--list", "--suite", "bulk"]);
    assert!(code == 0 && text.lines().count() == 4 && text.contains("bulk/export/kick-off"), "{text}");
}

#[test]
fn cases_of_ones_own_run_beside_ours() {
    let folder = tempfile::tempdir().unwrap();
    std::fs::create_dir_all(folder.path().join("mine/setup")).unwrap();
    let case = "title = 'Mine'\nclause = 'As agreed.'\nurl = 'https://example.org'\nstrength = 'MAY'\nneeds = ['Patient.read']\n\
                [[step]]\nrequest = 'GET /Patient/x-{{run}}'\nexpect.status = [404]\n";
    std::fs::write(folder.path().join("mine/case.toml"), case).unwrap();
    std::fs::write(folder.path().join("mine/other.toml"), case.replace("404", "200")).unwrap();
    let whole = served::whole();
    let own = folder.path().display().to_string();
    let (code, text) = conform(&["--target", &whole.base, "--cases", &own, "--suite", "mine", "--verbose"]);
    assert_eq!(code, 1, "{text}");
    assert!(
        text.contains("passed  MAY    mine/case") && text.contains("expected status 200, found status 404"),
        "{text}"
    );
    std::fs::write(folder.path().join("mine/case.toml"), case.replace("expect.status", "expect.statos")).unwrap();
    let (code, text) = conform(&["--target", &whole.base, "--cases", &own, "--suite", "mine"]);
    assert!(code == 2 && text.contains("mine/case") && text.contains("statos"), "{text}");
}

#[test]
fn the_example_of_a_client_file_is_one() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("examples/conform.toml");
    let text = std::fs::read_to_string(path).unwrap();
    // Nobody has its environment nor its key.
    let text: String = text
        .lines()
        .filter(|line| !line.starts_with("key =") && !line.starts_with("client_id ="))
        .map(|line| line.replace("token_env =", "token =") + "\n")
        .collect();
    let clients = tasuki::conform::Clients::parse(&text).unwrap();
    let names: Vec<&str> = clients.client.keys().map(String::as_str).collect();
    assert_eq!(names, ["a", "b", "default", "office", "source"]);
}
