//! What became of an import, as Parameters: how many lines were stored in which way, and of those that were refused the
//! number and the reason.

use crate::api::answer::{Answer, outcome};
use crate::api::write::Stop;
use crate::consent::{Caller, Permitted};
use crate::fault::{Denied, Fault, Finding, Issue, Place};
use crate::fhir::Writer;
use crate::fhir::outcome::Language;
use crate::pipeline::{Stated, Was};

use super::rules;

/// Refused lines that are reported one by one; more are only counted.
const REFUSED_MAX: usize = 1000;

/// What became of lines.
#[derive(Debug, Default)]
pub(super) struct Report {
    created: u64,
    updated: u64,
    unchanged: u64,
    refused: u64,
    reasons: Vec<(u64, Vec<Finding>)>,
    /// The first line that was not stored because the machine failed.
    pub(super) failed: Option<(u64, Fault)>,
}

impl Report {
    /// A line was stored.
    pub(super) fn store(&mut self, stated: &Stated) {
        match stated.was {
            Was::Version(before) if before == stated.version => self.unchanged += 1,
            Was::Version(_) => self.updated += 1,
            Was::Nothing | Was::Deleted => self.created += 1,
        }
    }

    /// A line was refused.
    pub(super) fn refuse(&mut self, line: u64, stop: Stop) {
        let findings = match stop {
            Stop::Refused(_, issues) => issues.iter().map(Finding::from).collect(),
            Stop::Denied(_) => vec![Finding::from(&Issue::new(&crate::api::rules::ROLE, Place::Whole))],
            Stop::Failed(_) => vec![Finding::from(&Issue::new(&crate::api::rules::BROKEN, Place::Whole))],
        };
        self.because(line, findings);
    }

    /// A line was too long to be read.
    pub(super) fn too_long(&mut self, line: u64, bytes_max: usize) {
        let issue = Issue::with(&rules::LINE_TOO_LONG, Place::Whole, bytes_max.to_string());
        self.because(line, vec![Finding::from(&issue)]);
    }

    fn because(&mut self, line: u64, findings: Vec<Finding>) {
        self.refused += 1;
        if self.reasons.len() < REFUSED_MAX {
            self.reasons.push((line, findings));
        }
    }

    /// How many versions were written.
    pub(super) fn written(&self) -> usize {
        usize::try_from(self.created + self.updated).unwrap_or(usize::MAX)
    }

    /// Adds what became of the lines that came next.
    pub(super) fn add(&mut self, next: Report) {
        self.created += next.created;
        self.updated += next.updated;
        self.unchanged += next.unchanged;
        self.refused += next.refused;
        let room = REFUSED_MAX.saturating_sub(self.reasons.len());
        self.reasons.extend(next.reasons.into_iter().take(room));
        // What was too long is known before what stands in front of it is stored.
        self.reasons.sort_by_key(|(line, _)| *line);
        self.failed = self.failed.take().or(next.failed);
    }

    /// The Parameters, for the caller who sent the lines.
    pub(super) fn answer(self, caller: &Caller, lines: u64, language: Language) -> Result<Answer, Denied> {
        let mut w = Writer::new();
        w.string("resourceType", "Parameters");
        let counts = [
            ("lines", lines),
            ("created", self.created),
            ("updated", self.updated),
            ("unchanged", self.unchanged),
            ("refused", self.refused),
        ];
        w.array("parameter", |w| {
            for (name, count) in counts {
                w.item(|w| {
                    w.string("name", name);
                    w.integer("valueUnsignedInt", i64::try_from(count).unwrap_or(i64::MAX));
                });
            }
            for (line, findings) in &self.reasons {
                w.item(|w| {
                    w.string("name", "refusal");
                    w.array("part", |w| {
                        w.item(|w| {
                            w.string("name", "line");
                            w.integer("valuePositiveInt", i64::try_from(*line).unwrap_or(i64::MAX));
                        });
                        w.item(|w| {
                            w.string("name", "outcome");
                            w.raw("resource", &String::from_utf8_lossy(outcome(findings, language).peek()));
                        });
                    });
                });
            }
        });
        Permitted::own_words(caller, format!("{{{}}}", w.finish()).into_bytes()).map(Answer::ok)
    }
}
