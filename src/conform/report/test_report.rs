//! The account as a FHIR TestReport (testreport.html): a test for each case, a pass, fail, error or skip for each.

use crate::conform::outcome::{Account, Exchange, Outcome, Report};
use crate::fhir::Writer;

/// The resource as JSON.
pub fn test_report(account: &Account) -> String {
    let mut json = Writer::new();
    json.string("resourceType", "TestReport");
    json.string("name", "tasuki conform");
    json.string("status", "completed");
    json.object("testScript", |script| script.string("display", "The cases of tasuki conform"));
    let red = account.count(Outcome::Failed) + account.count(Outcome::Blocked);
    json.string("result", if red == 0 { "pass" } else { "fail" });
    let passed = account.count(Outcome::Passed);
    // Of the cases that were tested; what was not is no point for anybody.
    if passed + red > 0 {
        json.decimal("score", &score(passed, passed + red));
    }
    json.string("tester", concat!("tasuki ", env!("CARGO_PKG_VERSION")));
    json.string("issued", &account.begun);
    json.array("participant", |participants| {
        participants.item(|target| {
            target.string("type", "server");
            target.string("uri", &account.target);
        });
    });
    json.array("test", |tests| account.reports.iter().for_each(|report| tests.item(|test| one(report, test))));
    format!("{{{}}}", json.finish())
}

/// Points of a hundred, with two decimals.
fn score(passed: usize, tested: usize) -> String {
    let hundredths = passed * 10_000 / tested;
    format!("{}.{:02}", hundredths / 100, hundredths % 100)
}

fn one(report: &Report, test: &mut Writer) {
    test.string("name", &report.case.id);
    test.string("description", &format!("{}: {}", report.case.strength.word(), report.case.title));
    test.array("action", |actions| {
        for exchange in report.exchanges.iter().filter(|exchange| exchange.part != "tear-down") {
            actions.item(|action| action.object("operation", |operation| told(exchange, operation)));
        }
        actions.item(|action| {
            action.object("assert", |assert| {
                assert.string("result", result(report.outcome));
                let reason = if report.reason.is_empty() { String::new() } else { format!(": {}", report.reason) };
                assert.string("message", &format!("{}{reason}", report.outcome.word()));
                assert.string("detail", &report.case.url);
            });
        });
    });
}

fn told(exchange: &Exchange, operation: &mut Writer) {
    let answered = match &exchange.answer {
        Ok(answer) => format!("{} in {} ms", answer.status, answer.millis),
        Err(sentence) => sentence.clone(),
    };
    operation.string(
        "result",
        match (&exchange.answer, exchange.misses.is_empty()) {
            (Err(_), _) => "error",
            (Ok(_), true) => "pass",
            (Ok(_), false) => "fail",
        },
    );
    operation
        .string("message", &format!("{}: {} {}: {answered}", exchange.part, exchange.sent.method, exchange.sent.url));
}

/// TestReportActionResult.
fn result(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Passed => "pass",
        Outcome::Failed => "fail",
        Outcome::Blocked => "error",
        Outcome::Skipped | Outcome::Omitted => "skip",
    }
}
