//! An earlier run, as its TestReport says it: what was red then, and what is different now.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::conform::outcome::{Account, Outcome};

/// What came of each case of an earlier run, by its id.
#[derive(Clone, Debug, Default)]
pub struct Earlier(BTreeMap<String, Outcome>);

impl Earlier {
    /// Reads a TestReport that an earlier run wrote. The error says why it is none.
    pub fn parse(text: &str) -> Result<Earlier, String> {
        let report: Value = serde_json::from_str(text).map_err(|error| error.to_string())?;
        if report.get("resourceType").and_then(Value::as_str) != Some("TestReport") {
            return Err("this is no TestReport".into());
        }
        let tests = report.get("test").and_then(Value::as_array).into_iter().flatten();
        let outcomes = tests.filter_map(|test| {
            let assert = test.get("action")?.as_array()?.iter().rev().find_map(|action| action.get("assert"))?;
            let word = assert.get("message")?.as_str()?.split(':').next()?;
            let outcome = Outcome::ALL.into_iter().find(|outcome| outcome.word() == word)?;
            Some((test.get("name")?.as_str()?.to_owned(), outcome))
        });
        Ok(Earlier(outcomes.collect()))
    }

    /// The cases that were red.
    pub fn red(&self) -> Vec<String> {
        let red = self.0.iter().filter(|(_, outcome)| matches!(outcome, Outcome::Failed | Outcome::Blocked));
        red.map(|(id, _)| id.clone()).collect()
    }

    /// What is different now, a line each.
    pub fn compared(&self, account: &Account) -> Vec<String> {
        let mut lines = Vec::new();
        for report in &account.reports {
            match self.0.get(&report.case.id) {
                Some(before) if *before == report.outcome => {}
                Some(before) => {
                    lines.push(format!("{} -> {}  {}", before.word(), report.outcome.word(), report.case.id));
                }
                None => lines.push(format!("new -> {}  {}", report.outcome.word(), report.case.id)),
            }
        }
        let gone = self.0.keys().filter(|id| !account.reports.iter().any(|report| report.case.id == **id));
        lines.extend(gone.map(|id| format!("not run this time  {id}")));
        lines
    }

    /// Cases that passed and are red now.
    pub fn worse(&self, account: &Account) -> usize {
        let red = account.reports.iter().filter(|r| matches!(r.outcome, Outcome::Failed | Outcome::Blocked));
        red.filter(|report| self.0.get(&report.case.id) == Some(&Outcome::Passed)).count()
    }
}
