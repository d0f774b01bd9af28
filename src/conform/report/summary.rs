//! The account for a terminal: a line for each case that is red, counts for each strength.

use crate::conform::case::Strength;
use crate::conform::expected::{Expected, Standing};
use crate::conform::outcome::{Account, Outcome, Report};

/// One case as a line.
pub fn line(report: &Report) -> String {
    let reason = if report.reason.is_empty() { String::new() } else { format!("  {}", report.reason) };
    format!("{:<7} {:<6} {}{reason}", report.outcome.word(), report.case.strength.word(), report.case.id)
}

/// What came of the run, in lines. `today` is the day by which waivers are judged.
pub fn summary(account: &Account, expected: &Expected, today: &str) -> Vec<String> {
    let mut lines = Vec::new();
    for report in &account.reports {
        match expected.standing(report, today) {
            Standing::Well => {}
            Standing::Excused(reason) => lines.push(format!("{}  ({reason})", line(report))),
            Standing::Bad(reason) => {
                let told = Report { reason, ..report.clone() };
                lines.push(format!("{}\n        again: {}", line(&told), account.repeat(&report.case.id)));
            }
        }
        lines.extend(report.warnings.iter().map(|miss| {
            format!("warning        {}  expected {}, found {}", report.case.id, miss.expected, miss.found)
        }));
    }
    lines.extend(reasons(account));
    lines.push(String::new());
    lines.extend(table(account));
    lines
}

/// Why cases were skipped, and how many for each reason.
fn reasons(account: &Account) -> Vec<String> {
    let mut reasons = std::collections::BTreeMap::<&str, usize>::new();
    for report in account.reports.iter().filter(|report| report.outcome == Outcome::Skipped) {
        *reasons.entry(&report.reason).or_default() += 1;
    }
    reasons.into_iter().map(|(reason, count)| format!("skipped {count}: {reason}")).collect()
}

/// Counts per strength and outcome.
fn table(account: &Account) -> Vec<String> {
    let counts = account.counts();
    let mut head = format!("{:<8}", "");
    Outcome::ALL.iter().for_each(|outcome| head.push_str(&format!("{:>9}", outcome.word())));
    let mut lines = vec![head];
    for strength in Strength::ALL {
        let mut row = format!("{:<8}", strength.word());
        for outcome in Outcome::ALL {
            row.push_str(&format!("{:>9}", counts.get(&(strength, outcome)).copied().unwrap_or_default()));
        }
        lines.push(row);
    }
    lines
}
