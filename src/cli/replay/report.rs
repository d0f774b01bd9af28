//! What a replay says: each resource that differs, and at the end how many differ in what.

use std::collections::BTreeMap;

use crate::cli::{issues, say};
use crate::fault::{Exit, Finding, Issue, Place, rules};
use crate::fhir::PatientKey;
use crate::pipeline::{Difference, Effect, PathDifference, Rebuilt};

rules! {
    NO_LONGER_GIVEN "replay-no-longer-given" Warning BusinessRule
        "{} resources that today's maps no longer give were deleted; their versions are kept."
        "現在の変換規則では生成されないリソース{}件を削除しました。過去の版は保管しています。"
    WOULD_DELETE "replay-would-delete" Warning BusinessRule
        "{} resources that today's maps no longer give would be deleted."
        "現在の変換規則では生成されないリソース{}件が削除されます。"
    LEFT_AS_IT_IS "replay-refused" Error BusinessRule
        "{} records stay as they are, because a letter of theirs cannot be used any more."
        "以前は取り込めたメッセージが取り込めなくなったため、{}件の記録は変更しませんでした。"
}

/// Refused records that are named one by one; more are only counted.
const REFUSED_NAMED_MAX: usize = 100;

/// What is shown of each record.
#[derive(Clone, Copy)]
pub(super) struct Show {
    /// Each resource with the paths that differ.
    pub(super) details: bool,
    /// The values too.
    pub(super) values: bool,
}

/// What a run came to.
#[derive(Default)]
pub(super) struct Report {
    records: usize,
    letters: usize,
    codes_mapped: usize,
    refused: usize,
    /// Held letters that were tried.
    pub(super) tried: usize,
    /// Held letters that can be used now.
    pub(super) released: usize,
    /// Resources by effect.
    resources: BTreeMap<Effect, usize>,
    /// Resources by type, effect and path. As many lines as there are kinds of differences, however many records.
    lines: BTreeMap<(&'static str, Effect, String), usize>,
}

impl Report {
    /// Counts a record, and shows it.
    pub(super) fn add(&mut self, patient: PatientKey, rebuilt: &Rebuilt, show: Show) {
        self.records += 1;
        self.letters += rebuilt.letters;
        self.codes_mapped += rebuilt.codes_mapped;
        if let Some(refused) = &rebuilt.refused {
            self.refused += 1;
            if self.refused <= REFUSED_NAMED_MAX {
                let letter = refused.letter.hex();
                let why = refused.issues.first().map(sentence).unwrap_or_default();
                eprintln!("{}: letter {}: {why}", patient.reference(), &letter[..12]);
            }
        }
        for difference in &rebuilt.differences {
            *self.resources.entry(difference.effect).or_default() += 1;
            for path in paths(difference) {
                *self.lines.entry((difference.resource_type.name(), difference.effect, path)).or_default() += 1;
            }
            if show.details {
                detail(difference, show.values);
            }
        }
    }

    /// The summary.
    pub(super) fn print(&self, is_trial: bool) -> Exit {
        let count = |effect| self.resources.get(&effect).copied().unwrap_or(0);
        if !self.lines.is_empty() {
            say(&format!("{:>10}  {:<9}  {:<22}  path", "resources", "effect", "type"));
        }
        for ((resource_type, effect, path), count) in &self.lines {
            say(&format!("{count:>10}  {:<9}  {resource_type:<22}  {path}", word(*effect)));
        }
        say(&format!(
            "{} records of {} letters{}: {} resources created, {} changed, {} deleted, {} reindexed",
            self.records,
            self.letters,
            if is_trial { ", nothing written" } else { "" },
            count(Effect::Created),
            count(Effect::Changed),
            count(Effect::Deleted),
            count(Effect::Reindexed),
        ));
        if self.codes_mapped > 0 {
            say(&format!("{} entries of the queue of codes are mapped", self.codes_mapped));
        }
        if self.tried > 0 {
            say(&format!("{} of {} held letters can be used now", self.released, self.tried));
        }
        let deleted = if is_trial { &WOULD_DELETE } else { &NO_LONGER_GIVEN };
        for (rule, count) in [(deleted, count(Effect::Deleted)), (&LEFT_AS_IT_IS, self.refused)] {
            if count > 0 {
                eprintln!("{}", issues::line(&Issue::with(rule, Place::Whole, count.to_string())));
            }
        }
        if self.refused > 0 || self.released < self.tried { Exit::SomeHeld } else { Exit::Done }
    }
}

fn sentence(finding: &Finding) -> String {
    let words = if issues::japanese() { &finding.ja } else { &finding.en };
    format!("{} {words} [{}]", finding.place, finding.rule)
}

fn word(effect: Effect) -> &'static str {
    match effect {
        Effect::Created => "created",
        Effect::Changed => "changed",
        Effect::Deleted => "deleted",
        Effect::Reindexed => "reindexed",
    }
}

/// The paths in which a resource differs, each once, with what happens there.
fn paths(difference: &Difference) -> Vec<String> {
    let mut paths: Vec<String> = difference.paths.iter().map(path).collect();
    paths.sort();
    paths.dedup();
    if paths.is_empty() { vec![String::new()] } else { paths }
}

fn path(difference: &PathDifference) -> String {
    let kind = match (&difference.before, &difference.after) {
        (None, _) => " (added)",
        (_, None) => " (gone)",
        _ => "",
    };
    format!("{}{kind}", difference.path)
}

fn detail(difference: &Difference, values: bool) {
    let reference = format!("{}/{}", difference.resource_type.name(), difference.id.as_str());
    if !values {
        let paths = paths(difference).join(", ");
        return say(format!("{:<9}  {reference}  {paths}", word(difference.effect)).trim_end());
    }
    say(&format!("{:<9}  {reference}", word(difference.effect)));
    for one in &difference.paths {
        let text = |side: &Option<String>| side.clone().unwrap_or_else(|| "-".into());
        say(&format!("           {}: {} -> {}", one.path, text(&one.before), text(&one.after)));
    }
}
