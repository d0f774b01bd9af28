//! Issues as lines for a terminal: Japanese where the terminal's language is Japanese, English elsewhere.

use crate::config::Problem;
use crate::fault::Issue;

/// Whether the person at the terminal reads Japanese (`LC_ALL`, `LC_MESSAGES`, `LANG`).
pub(super) fn japanese() -> bool {
    ["LC_ALL", "LC_MESSAGES", "LANG"]
        .iter()
        .find_map(|name| std::env::var(name).ok().filter(|value| !value.is_empty()))
        .is_some_and(|value| value.starts_with("ja"))
}

/// One issue as `severity place sentence [rule]`.
pub(super) fn line(issue: &Issue) -> String {
    let sentence = if japanese() { issue.japanese() } else { issue.english() };
    format!("{:<11} {:<12} {} [{}]", issue.rule.severity.code(), issue.place.to_string(), sentence, issue.rule.id)
}

/// What is wrong with the configuration, in the person's language.
pub(super) fn sentence(problem: &Problem) -> String {
    if japanese() { problem.japanese() } else { problem.to_string() }
}
