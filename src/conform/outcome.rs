//! What came of cases: answers, misses, one report each, and the account of a whole run.

use std::collections::BTreeMap;

use super::case::{Case, Strength};

/// What came of a case. Nothing is green by absence: what was not tested is no [`Outcome::Passed`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outcome {
    /// All that was expected was so.
    Passed,
    /// Something was not so.
    Failed,
    /// It could not be tested: what it begins with did not come about, or the target did not answer.
    Blocked,
    /// Declared, and not testable in this run; the reason says why.
    Skipped,
    /// Not declared by the target.
    Omitted,
}

/// What was expected and not so.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Miss {
    /// What was expected.
    pub expected: String,
    /// What there was.
    pub found: String,
}

/// A request as it was sent.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Sent {
    /// HTTP method, or `MLLP`.
    pub method: String,
    /// The whole address.
    pub url: String,
    /// Headers in the order in which they were set.
    pub headers: Vec<(String, String)>,
    /// The body; empty for none.
    pub body: String,
}

/// An answer as it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Answer {
    /// HTTP status; 0 of an answer over MLLP.
    pub status: u16,
    /// Headers, names in small letters.
    pub headers: Vec<(String, String)>,
    /// The body, as text.
    pub body: String,
    /// How long it took.
    pub millis: u64,
}

/// One request with what came back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Exchange {
    /// Which part of the case, and what for: `set-up`, `step 2: read it`, `tear-down`.
    pub part: String,
    /// The request.
    pub sent: Sent,
    /// The answer, or why there is none.
    pub answer: Result<Answer, String>,
    /// What was not as expected.
    pub misses: Vec<Miss>,
}

/// What came of one case.
#[derive(Clone, Debug)]
pub struct Report {
    /// The case.
    pub case: Case,
    /// What came of it.
    pub outcome: Outcome,
    /// Why, in a sentence, unless it passed.
    pub reason: String,
    /// What was sent and answered.
    pub exchanges: Vec<Exchange>,
    /// What was not as a SHOULD of an imported script would have it.
    pub warnings: Vec<Miss>,
    /// How long it took.
    pub millis: u64,
}

/// What came of a run.
#[derive(Clone, Debug)]
pub struct Account {
    /// The target's base address.
    pub target: String,
    /// When it began, RFC 3339.
    pub begun: String,
    /// One report for each case, in the order of their ids.
    pub reports: Vec<Report>,
    /// What the command line adds to repeat one case: `--client FILE` and the like.
    pub options: String,
}

impl Outcome {
    /// All, in the order in which they are told.
    pub const ALL: [Outcome; 5] =
        [Outcome::Passed, Outcome::Failed, Outcome::Blocked, Outcome::Skipped, Outcome::Omitted];

    /// The word.
    pub const fn word(self) -> &'static str {
        match self {
            Outcome::Passed => "passed",
            Outcome::Failed => "failed",
            Outcome::Blocked => "blocked",
            Outcome::Skipped => "skipped",
            Outcome::Omitted => "omitted",
        }
    }
}

impl Answer {
    /// A header by its name in small letters.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(found, _)| found == name).map(|(_, value)| value.as_str())
    }
}

impl Report {
    /// Of a case that was not run.
    pub(super) fn unrun(case: &Case, outcome: Outcome, reason: impl Into<String>) -> Report {
        Report {
            case: case.clone(),
            outcome,
            reason: reason.into(),
            exchanges: Vec::new(),
            warnings: Vec::new(),
            millis: 0,
        }
    }
}

impl Account {
    /// How many cases of each strength came to each outcome.
    pub fn counts(&self) -> BTreeMap<(Strength, Outcome), usize> {
        let mut counts = BTreeMap::new();
        for report in &self.reports {
            *counts.entry((report.case.strength, report.outcome)).or_default() += 1;
        }
        counts
    }

    /// How many came to an outcome.
    pub fn count(&self, outcome: Outcome) -> usize {
        self.reports.iter().filter(|report| report.outcome == outcome).count()
    }

    /// The command that repeats one case.
    pub fn repeat(&self, id: &str) -> String {
        let options = if self.options.is_empty() { String::new() } else { format!(" {}", self.options) };
        format!("tasuki conform --target {} --suite '{id}'{options}", self.target)
    }
}
