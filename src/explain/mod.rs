//! Why a resource says what it says: which fields of a letter each element came from.
//!
//! Found by experiment, not by bookkeeping: the letter is converted again with one field changed at a time, and whatever
//! differs in the result came from that field. Mapping is pure, so this is exact, costs nothing when messages arrive, holds
//! for every format, and cannot disagree with what the mapper does.

mod account;
mod flat;
mod pieces;
mod vary;

use std::ops::Range;
use std::sync::Arc;

use crate::codes::Book;
use crate::decode::container;
use crate::decode::format::sniff;
use crate::fault::{Fault, Issue, Place, rules};
use crate::fhir::PatientKey;
use crate::letter::{Letter, LetterId};
use crate::map::{Known, Mapped};
use crate::pipeline::{Translation, translate};
pub use account::{Entry, Fate, account};
use flat::{Difference, Flat};
use pieces::Piece;

rules! {
    CUT_SHORT "explain-too-long" Error TooCostly
        "The letter has too many fields to be explained in {} conversions; ask for one element, or at a terminal."
        "項目が多く、{}回の変換では追跡しきれません。要素を指定するか、コマンドラインで実行してください。"
    CONTAINER "explain-container" Error NotSupported
        "This file is a container: it holds {} letters, each of which is explained by itself."
        "このファイルには{}件のメッセージが含まれています。1件ずつのファイルにして実行してください。"
}

/// Conversions made to answer one question at a terminal, at most; a letter with more fields is explained as far as they
/// reach.
pub const CONVERSIONS_MAX: usize = 100_000;
/// The same for a question over HTTP.
pub const CONVERSIONS_ONLINE_MAX: usize = 4_000;

/// A letter with what its conversion depends on.
#[derive(Clone, Copy, Debug)]
pub struct Subject<'a> {
    /// The letter.
    pub letter: &'a Letter,
    /// The concept maps in force.
    pub book: &'a Arc<Book>,
    /// What was on record before it.
    pub known: &'a Known,
    /// How often it may be converted.
    pub conversions_max: usize,
}

/// An element and a field it came from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Origin {
    /// `Type/id` of the resource.
    pub reference: String,
    /// The element in it: `valueQuantity.value`, `name[0].family`; `id` where the field says which resource it is.
    pub element: String,
    /// The field.
    pub field: Field,
    /// Whether the element says what the field says, letter by letter; otherwise the field had an influence on it.
    pub is_copied: bool,
}

/// A field of a letter, as small as its format has names for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// Where it stands, in the terms of its format.
    pub place: Place,
    /// Its bytes in the letter as it came.
    pub bytes: Range<usize>,
    /// What stands there.
    pub text: String,
}

/// The fields from which the elements that `wanted` names (by `Type/id` and element) came, in the order of the letter;
/// or why the letter gives nothing.
pub fn origins(
    subject: Subject<'_>,
    wanted: impl Fn(&str, &str) -> bool,
) -> Result<Result<Vec<Origin>, Vec<Issue>>, Fault> {
    if let Some(issue) = container(subject) {
        return Ok(Err(vec![issue]));
    }
    let text = pieces::text(&subject.letter.bytes);
    let id = subject.letter.id();
    let base = match convert(subject, id, text.clone())? {
        Ok(noted) => flat::of(&noted.value),
        Err(issues) => return Ok(Err(issues)),
    };
    let base: Flat = base.into_iter().filter(|((reference, element), _)| wanted(reference, element)).collect();
    let whole = sniff(&subject.letter.name, &subject.letter.bytes).and_then(|format| pieces::of(format, &text));
    let mut experiment =
        Experiment { subject, id, text: &text, base: &base, found: Vec::new(), left: subject.conversions_max };
    for piece in whole.iter().flat_map(|whole| &whole.parts) {
        experiment.explore(piece)?;
    }
    if experiment.left == 0 {
        let issue = Issue::with(&CUT_SHORT, Place::Whole, subject.conversions_max.to_string());
        return Ok(Err(vec![issue]));
    }
    Ok(Ok(experiment.found))
}

/// A file that holds letters is none.
fn container(subject: Subject<'_>) -> Option<Issue> {
    let Letter { source, name, bytes } = subject.letter;
    let opened = container::open(name, bytes, subject.book.columns(&source.facility))?;
    Some(match opened {
        Err(issue) => issue,
        Ok(container) => {
            let count: usize = container.groups.iter().map(Vec::len).sum();
            Issue::with(&CONTAINER, Place::Whole, count.to_string())
        }
    })
}

struct Experiment<'a> {
    subject: Subject<'a>,
    id: LetterId,
    text: &'a str,
    base: &'a Flat,
    found: Vec<Origin>,
    left: usize,
}

impl Experiment<'_> {
    /// Looks into a piece; one that can be taken away without any difference is not looked into.
    fn explore(&mut self, piece: &Piece) -> Result<(), Fault> {
        if piece.parts.is_empty() {
            return self.vary(piece);
        }
        if piece.parts.len() > 1 && self.differences(&piece.range, "")?.is_some_and(|found| found.is_empty()) {
            return Ok(());
        }
        piece.parts.iter().try_for_each(|part| self.explore(part))
    }

    /// Tries other values for a field until one makes a difference; at last, none.
    fn vary(&mut self, piece: &Piece) -> Result<(), Fault> {
        let stated = self.text.get(piece.range.clone()).unwrap_or_default();
        for other in vary::alternatives(stated) {
            let mut found = self.differences(&piece.range, &other)?.unwrap_or_default();
            found.retain(|difference| !difference.is_gone || difference.element == "id");
            if found.is_empty() {
                continue;
            }
            let bytes = pieces::raw_range(&self.subject.letter.bytes, self.text, &piece.range);
            for Difference { reference, element, .. } in found {
                let value = self.base.get(&(reference.clone(), element.clone()));
                let is_copied = value.is_some_and(|value| vary::says(value, stated));
                let field = Field { place: piece.place.clone(), bytes: bytes.clone(), text: stated.to_owned() };
                self.found.push(Origin { reference, element, field, is_copied });
            }
            break;
        }
        Ok(())
    }

    /// What differs when a range of the text says something else; `None` when nothing comes of the letter then.
    fn differences(&mut self, range: &Range<usize>, other: &str) -> Result<Option<Vec<Difference>>, Fault> {
        if self.left == 0 {
            return Ok(None);
        }
        self.left -= 1;
        let (before, after) = (self.text.get(..range.start), self.text.get(range.end..));
        let changed = [before.unwrap_or_default(), other, after.unwrap_or_default()].concat();
        let Ok(noted) = convert(self.subject, self.id, changed)? else { return Ok(None) };
        Ok(Some(flat::differences(self.base, &flat::of(&noted.value))))
    }
}

/// Converts text as if it had come in the letter's place.
fn convert(subject: Subject<'_>, id: LetterId, text: String) -> Result<Translation, Fault> {
    // The mark says UTF-8, whatever the letter declares of the bytes it came in.
    let bytes = ["\u{feff}", &text].concat().into_bytes();
    let letter = Letter { source: subject.letter.source.clone(), name: subject.letter.name.clone(), bytes };
    translate(&letter, id, subject.book, |_: PatientKey| Ok(subject.known.clone()))
}

/// What a message says in all, its own record first.
fn records(mapped: &Mapped) -> impl Iterator<Item = &Mapped> {
    std::iter::once(mapped).chain(&mapped.others)
}

/// Whether an element of `Type/id` is what was asked for as `Type.element`, or within it; positions count only where they were asked for.
pub fn is_within(wanted: &str, reference: &str, element: &str) -> bool {
    let kind = reference.split('/').next().unwrap_or_default();
    let path = format!("{kind}.{element}");
    let path = if wanted.contains('[') { path } else { without_positions(&path) };
    path.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '[']))
}

fn without_positions(path: &str) -> String {
    path.split('[').map(|part| part.split_once(']').map_or(part, |(_, rest)| rest)).collect()
}

#[cfg(test)]
mod tests;
