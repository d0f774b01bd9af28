//! The account as JUnit XML, as programs for continuous integration read it: a test suite for each section, a test case each.

use std::collections::BTreeMap;

use crate::conform::expected::{Expected, Standing};
use crate::conform::outcome::{Account, Outcome, Report};
use crate::fhir::markup::escaped;

/// The XML. What is expected to fail is skipped there, with its reason; what fails the run is a failure or an error.
pub fn junit(account: &Account, expected: &Expected, today: &str) -> String {
    let mut sections = BTreeMap::<&str, Vec<&Report>>::new();
    for report in &account.reports {
        let section = report.case.id.rsplit_once('/').map_or("", |(section, _)| section);
        sections.entry(section).or_default().push(report);
    }
    let mut xml = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<testsuites name=\"tasuki conform\">\n");
    for (section, reports) in sections {
        let count = |wanted: &str| reports.iter().filter(|report| kind(report, expected, today) == wanted).count();
        let seconds = seconds(reports.iter().map(|report| report.millis).sum());
        xml.push_str(&format!(
            "  <testsuite name=\"{}\" tests=\"{}\" failures=\"{}\" errors=\"{}\" skipped=\"{}\" time=\"{seconds}\" timestamp=\"{}\">\n",
            escaped(section),
            reports.len(),
            count("failure"),
            count("error"),
            count("skipped"),
            escaped(account.begun.split('.').next().unwrap_or_default()),
        ));
        reports.iter().for_each(|report| xml.push_str(&case(report, section, account, expected, today)));
        xml.push_str("  </testsuite>\n");
    }
    xml.push_str("</testsuites>\n");
    xml
}

fn case(report: &Report, section: &str, account: &Account, expected: &Expected, today: &str) -> String {
    let name = report.case.id.rsplit('/').next().unwrap_or_default();
    let open = format!(
        "    <testcase classname=\"{}\" name=\"{}\" time=\"{}\"",
        escaped(section),
        escaped(name),
        seconds(report.millis)
    );
    let (kind, message) = match expected.standing(report, today) {
        Standing::Excused(reason) | Standing::Bad(reason) => (kind(report, expected, today), reason),
        Standing::Well => (kind(report, expected, today), report.reason.clone()),
    };
    if kind.is_empty() {
        return format!("{open}/>\n");
    }
    let word = report.outcome.word();
    let detail = match kind {
        "skipped" => String::new(),
        _ => escaped(&format!(
            "{} {}\n{}\n{}\nagain: {}",
            report.case.strength.word(),
            report.case.title,
            report.case.clause,
            report.case.url,
            account.repeat(&report.case.id)
        )),
    };
    let message = escaped(&format!("{word}: {message}"));
    match detail.is_empty() {
        true => format!("{open}>\n      <{kind} message=\"{message}\"/>\n    </testcase>\n"),
        false => format!("{open}>\n      <{kind} message=\"{message}\">{detail}</{kind}>\n    </testcase>\n"),
    }
}

/// The element that says what became of a case; empty for one that passed as it should.
fn kind(report: &Report, expected: &Expected, today: &str) -> &'static str {
    match (expected.standing(report, today), report.outcome) {
        (Standing::Excused(_), _) | (_, Outcome::Skipped | Outcome::Omitted) => "skipped",
        (Standing::Bad(_), Outcome::Blocked) => "error",
        (Standing::Bad(_), _) => "failure",
        (Standing::Well, _) => "",
    }
}

fn seconds(millis: u64) -> String {
    format!("{}.{:03}", millis / 1000, millis % 1000)
}
