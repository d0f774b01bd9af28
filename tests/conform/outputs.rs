//! What a run writes: nothing secret and nobody's name in any of it, well-formed, and readable again.

use serde_json::Value;
use tasuki::conform::report::{Earlier, junit, page, summary, test_report};
use tasuki::conform::{Account, Case, Expected, Outcome, Redactor, Suite};

use crate::breakage::{Breakage, NONE};
use crate::{account, account_of, red, served};

const TODAY: &str = "2026-11-22";

/// A server whose searches and tokens are not as they should be, so that every body is shown.
static ODD: Breakage = Breakage {
    name: "odd searches and tokens",
    before: |_| {},
    after: |_, given| {
        given.body = given
            .body
            .replace("\"mode\":\"match\"", "\"mode\":\"odd\"")
            .replace("\"token_type\":\"", "\"token_type\":\"odd-");
    },
    red: &[],
};

/// Everything that is written of an account, as the command line does it.
fn written(account: &Account, secrets: Vec<String>) -> Vec<(&'static str, String)> {
    let account = Redactor::new(secrets).account(account);
    let expected = Expected::default();
    vec![
        ("summary", summary(&account, &expected, TODAY).join("\n")),
        ("junit", junit(&account, &expected, TODAY)),
        ("testreport", test_report(&account)),
        ("html", page(&account, &expected, TODAY)),
    ]
}

#[test]
fn no_token_and_no_assertion_is_written() {
    let listening = served::with_clients(&ODD);
    let account = account("smart,consent/pair", &listening.subject);
    assert!(red(&account).iter().any(|(id, _)| id == "smart/token/issued"));
    let answers =
        account.reports.iter().flat_map(|report| &report.exchanges).filter_map(|one| one.answer.as_ref().ok());
    let tokens: Vec<String> = answers
        .filter_map(|answer| {
            serde_json::from_str::<Value>(&answer.body).ok()?["access_token"].as_str().map(str::to_owned)
        })
        .collect();
    assert!(!tokens.is_empty(), "the case saw a token");
    let page = &written(&account, listening.subject.secrets())[3].1;
    assert!(page.contains("[redacted]") && page.contains("client_assertion="), "the exchange is shown");
    for (name, text) in written(&account, listening.subject.secrets()) {
        assert!(!text.contains("eyJ"), "{name}: an assertion");
        assert!(!text.contains("Bearer agency-b") && !text.contains("Bearer hospital"), "{name}");
        assert!(tokens.iter().all(|token| !text.contains(token)), "{name}: a token");
    }
}

#[test]
fn nobody_is_named_but_those_of_the_cases() {
    let listening = served::open(&ODD);
    let person = r#"{"resourceType": "Patient", "birthDate": "1933-03-13", "name": [{"text": "秘密 花子", "family": "秘密", "given": ["花子"]}],
        "telecom": [{"system": "phone", "value": "090-1234-0000"}], "identifier": [{"system": "urn:x", "value": "9876500001"}],
        "address": [{"line": ["秘密町1-2-3"]}], "text": {"status": "generated", "div": "<div xmlns=\"http://www.w3.org/1999/xhtml\">秘密</div>"}}"#;
    let client = reqwest::blocking::Client::new();
    let url = format!("{}/Patient", listening.base);
    let made = client.post(url).header("content-type", "application/fhir+json").body(person).send().unwrap();
    assert_eq!(made.status(), 201);
    let mut suite = Suite::shipped().unwrap().chosen("fhir-r4/search/read-only,fhir-r4/history/type", None);
    // What is found of somebody else is quoted by what was expected.
    let quoting = "title = 't'\nclause = 'c'\nurl = 'http://x'\nstrength = 'MAY'\n[[step]]\nrequest = 'GET /Patient'\n\
                   expect.contains = '{\"entry\": [{\"resource\": {\"name\": [{\"family\": \"x\"}]}}]}'\n";
    suite.add(Case::parse("own/quoting", quoting).unwrap());
    // What there is instead of what was expected is said, and is somebody's name.
    let naming = "title = 't'\nclause = 'c'\nurl = 'http://x'\nstrength = 'MAY'\n[[step]]\nrequest = 'GET /Patient?_count=1'\n\
                  expect.fhirpath = [\"Bundle.entry.resource.name.family.first() = 'x'\"]\n\
                  should.fhirpath = [\"Bundle.entry.resource.birthDate = 'x'\"]\n";
    suite.add(Case::parse("own/naming", naming).unwrap());
    let account = account_of(suite, &listening.subject, false);
    assert!(account.reports.iter().any(|report| report.case.id == "own/naming" && report.reason.contains("秘密")));
    assert_eq!(
        red(&account).iter().map(|(id, _)| id.as_str()).collect::<Vec<_>>(),
        ["fhir-r4/search/read-only", "own/naming", "own/quoting"]
    );
    assert!(account.reports.iter().any(|report| report.reason.contains("秘密")), "a reason quotes a name");
    let raw = format!("{:?}", account.reports);
    assert!(raw.contains("秘密") && raw.contains("9876500001"), "the answer named somebody");
    for (name, text) in written(&account, Vec::new()) {
        for marker in ["秘密", "花子", "1933-03-13", "090-1234", "9876500001"] {
            assert!(!text.contains(marker), "{name}: {marker}");
        }
    }
}

#[test]
fn what_is_written_is_well_formed() {
    let listening = served::open(&ODD);
    let account = account("fhir-r4/search,fhir-r4/read,consent/pair", &listening.subject);
    let failed = account.count(Outcome::Failed);
    assert!(failed > 5, "{failed}");
    let written = written(&account, Vec::new());
    let junit = roxmltree::Document::parse(&written[1].1).unwrap();
    let count = |name: &str| junit.descendants().filter(|node| node.has_tag_name(name)).count();
    assert_eq!(count("testcase"), account.reports.len());
    assert_eq!(count("failure") + count("error"), red(&account).len());
    assert_eq!(count("skipped"), account.count(Outcome::Omitted) + account.count(Outcome::Skipped));
    let report: Value = serde_json::from_str(&written[2].1).unwrap();
    assert_eq!((report["resourceType"].as_str(), report["result"].as_str()), (Some("TestReport"), Some("fail")));
    assert_eq!(report["test"].as_array().unwrap().len(), account.reports.len());
    let page = &written[3].1;
    assert!(["<script", "src=", "<link", "@import"].iter().all(|outside| !page.contains(outside)), "self-contained");
    for (id, _) in red(&account) {
        assert!(page.contains(&format!("<section id=\"{id}\">")), "{id}");
        assert!(page.contains(&format!("--suite &#39;{id}&#39;")), "{id}: the command that repeats it");
    }
    assert_eq!(page.matches("<section id=").count(), red(&account).len());
}

#[test]
fn a_test_report_is_a_valid_resource_and_a_baseline() {
    let odd = served::open(&ODD);
    let before = account("fhir-r4/search", &odd.subject);
    let text = test_report(&before);
    let url = format!("{}/TestReport", odd.base);
    let client = reqwest::blocking::Client::new();
    let made = client.post(url).header("content-type", "application/fhir+json").body(text.clone()).send().unwrap();
    assert_eq!(made.status(), 201, "{}", made.text().unwrap());
    let earlier = Earlier::parse(&text).unwrap();
    let ids: Vec<String> = red(&before).into_iter().map(|(id, _)| id).collect();
    assert_eq!(earlier.red(), ids);
    let whole = served::open(&NONE);
    let now = account("fhir-r4/search", &whole.subject);
    assert_eq!(earlier.compared(&now).len(), ids.len(), "{:?}", earlier.compared(&now));
    assert_eq!(earlier.worse(&now), 0);
    let other = Earlier::parse(&test_report(&now)).unwrap();
    assert_eq!(other.worse(&before), ids.len());
    assert!(Earlier::parse("{}").is_err() && Earlier::parse("x").is_err());
}
