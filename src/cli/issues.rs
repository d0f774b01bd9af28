//! Issues as lines for a terminal: Japanese where the terminal's language is Japanese, English elsewhere.

use crate::config::Problem;
use crate::fault::{Finding, Issue};

/// Whether the person at the terminal reads Japanese (`LC_ALL`, `LC_MESSAGES`, `LANG`).
pub(super) fn japanese() -> bool {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .is_some_and(|value| value.starts_with("ja"))
}

/// One issue as `severity place sentence [rule]`.
pub(super) fn line(issue: &Issue) -> String {
    found(&Finding::from(issue))
}

/// The same of an issue that was put into words.
pub(super) fn found(finding: &Finding) -> String {
    format!("{:<11} {:<12} {} [{}]", finding.severity, finding.place, words(finding), finding.rule)
}

/// Its sentence in the person's language.
pub(super) fn words(finding: &Finding) -> &str {
    if japanese() { &finding.ja } else { &finding.en }
}

/// What is wrong with the configuration, in the person's language.
pub(super) fn sentence(problem: &Problem) -> String {
    if japanese() { problem.japanese() } else { problem.to_string() }
}
