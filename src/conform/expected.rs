//! What is known to fail, and what is waived for a time: a file of `[[known]]` and `[[waiver]]` tables. A known failure that
//! passes fails the run, so that the list stays true; a waiver counts until its day.

use serde::Deserialize;

use super::outcome::{Account, Outcome, Report};
use super::suite::matches;

/// What a file of expectations says.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Expected {
    /// Failures that are known.
    known: Vec<Known>,
    /// Failures that do not count until a day.
    waiver: Vec<Waiver>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Known {
    /// The case.
    id: String,
    reason: String,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct Waiver {
    /// The case, or several by a glob.
    id: String,
    reason: String,
    /// The last day on which it counts, `2027-03-31`.
    until: String,
}

/// How a report stands against what was expected.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Standing {
    /// As it should be.
    Well,
    /// Red, and it fails the run; the sentence says why.
    Bad(String),
    /// Red, and expected: the reason.
    Excused(String),
}

impl Expected {
    /// Reads a file's text. The error says what is wrong with it.
    pub fn parse(text: &str) -> Result<Expected, String> {
        let expected: Expected = toml::from_str(text).map_err(|error| error.to_string())?;
        for (id, reason) in expected.known.iter().map(|one| (&one.id, &one.reason)) {
            if reason.trim().is_empty() {
                return Err(format!("known {id}: there is no reason"));
            }
        }
        for waiver in &expected.waiver {
            if waiver.reason.trim().is_empty() || waiver.until.parse::<jiff::civil::Date>().is_err() {
                return Err(format!("waiver {}: a reason and until = \"YYYY-MM-DD\" belong to it", waiver.id));
            }
        }
        Ok(expected)
    }

    /// How a report stands on a day, `2026-11-22`.
    pub fn standing(&self, report: &Report, today: &str) -> Standing {
        let red = matches!(report.outcome, Outcome::Failed | Outcome::Blocked);
        let known = self.known.iter().find(|one| one.id == report.case.id);
        match (known, report.outcome) {
            (Some(known), Outcome::Passed) => {
                return Standing::Bad(format!("it passes, and stands among the known failures: {}", known.reason));
            }
            (Some(known), _) if red => return Standing::Excused(format!("known: {}", known.reason)),
            _ if !red => return Standing::Well,
            _ => {}
        }
        let mut waivers = self.waiver.iter().filter(|waiver| matches(&waiver.id, &report.case.id));
        match waivers.find(|waiver| waiver.until.as_str() >= today) {
            Some(waiver) => Standing::Excused(format!("waived until {}: {}", waiver.until, waiver.reason)),
            None => Standing::Bad(report.reason.clone()),
        }
    }

    /// Known failures of cases that are in no run of this account.
    pub fn unheard(&self, account: &Account) -> Vec<&str> {
        let known = self.known.iter().map(|one| one.id.as_str());
        known.filter(|id| !account.reports.iter().any(|report| report.case.id == *id)).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::conform::case::Case;

    fn report(id: &str, outcome: Outcome) -> Report {
        let text = "title = 't'\nclause = 'c'\nurl = 'http://x'\nstrength = 'SHALL'\n[[step]]\nrequest = 'GET /x'\n";
        Report::unrun(&Case::parse(id, text).unwrap(), outcome, "why")
    }

    #[test]
    fn known_failures_and_waivers() {
        let expected = Expected::parse(
            "[[known]]\nid = 'a/b'\nreason = 'r'\n[[waiver]]\nid = 'a/*'\nreason = 'w'\nuntil = '2026-12-31'\n",
        )
        .unwrap();
        let stand = |id: &str, outcome, today| expected.standing(&report(id, outcome), today);
        assert_eq!(stand("a/b", Outcome::Failed, "2027-06-01"), Standing::Excused("known: r".into()));
        assert!(matches!(stand("a/b", Outcome::Passed, "2026-01-01"), Standing::Bad(_)), "fails on the day it passes");
        assert_eq!(stand("a/b", Outcome::Omitted, "2026-01-01"), Standing::Well);
        assert!(matches!(stand("a/c", Outcome::Failed, "2026-12-31"), Standing::Excused(_)));
        assert_eq!(stand("a/c", Outcome::Failed, "2027-01-01"), Standing::Bad("why".into()));
        assert_eq!(stand("x/c", Outcome::Blocked, "2026-01-01"), Standing::Bad("why".into()));
        assert_eq!(stand("x/c", Outcome::Skipped, "2026-01-01"), Standing::Well);
        for wrong in ["[[known]]\nid='a'\nreason=''\n", "[[waiver]]\nid='a'\nreason='r'\nuntil='soon'\n", "[x]\n"] {
            assert!(Expected::parse(wrong).is_err(), "{wrong}");
        }
    }
}
