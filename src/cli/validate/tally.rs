//! Counts over all files.

use std::collections::BTreeMap;

use crate::fault::Severity;
use crate::inspect::{Kind, Report};

/// What was looked at and found.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) files: usize,
    /// Resources, messages and rows.
    pub(super) items: usize,
    pub(super) errors: usize,
    pub(super) warnings: usize,
    pub(super) notes: usize,
    /// Files with an error.
    pub(super) wrong_files: usize,
    /// How often each rule that makes an error was broken.
    pub(super) rules: BTreeMap<Box<str>, usize>,
}

impl Tally {
    /// Counts a file.
    pub(super) fn count(&mut self, report: &Report) {
        let before = self.errors;
        self.files += 1;
        self.items += report.items;
        for remark in &report.remarks {
            match remark.severity {
                Severity::Error | Severity::Fatal => {
                    self.errors += 1;
                    *self.rules.entry(remark.rule.clone()).or_default() += 1;
                }
                Severity::Warning => self.warnings += 1,
                Severity::Information => self.notes += 1,
            }
        }
        self.wrong_files += usize::from(self.errors > before);
    }

    /// The rules that were broken most often, the most frequent first.
    pub(super) fn frequent(&self) -> Vec<(&str, usize)> {
        let mut rules: Vec<(&str, usize)> = self.rules.iter().map(|(rule, count)| (&**rule, *count)).collect();
        rules.sort_by_key(|(rule, count)| (std::cmp::Reverse(*count), *rule));
        rules
    }
}

/// Whether a file was looked into at all.
pub(super) fn is_checked(report: &Report) -> bool {
    !matches!(report.kind, Kind::Other(_))
}
