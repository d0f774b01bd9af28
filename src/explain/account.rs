//! The account of a letter: what became of every field that says something.

use super::{Field, Subject, origins, pieces};
use crate::decode::format::{Format, sniff};
use crate::decode::hl7v2::Message;
use crate::decode::ssmix2::{self, Naming};
use crate::fault::{Fault, Issue};
use crate::map::hl7v2;
pub use crate::map::hl7v2::account::Fate;

/// A field and what became of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// The field.
    pub field: Field,
    /// What became of it.
    pub fate: Fate,
    /// The elements it had an influence on, `Type.element` without positions, each once.
    pub elements: Vec<String>,
}

/// The account of a letter, in its order; or why nothing came of it.
pub fn account(subject: Subject<'_>) -> Result<Result<Vec<Entry>, Vec<Issue>>, Fault> {
    let found = match origins(subject, |reference, element| !is_copy(reference, element))? {
        Ok(found) => found,
        Err(issues) => return Ok(Err(issues)),
    };
    let text = pieces::text(&subject.letter.bytes);
    let format = sniff(&subject.letter.name, &subject.letter.bytes);
    let mut entries = match format {
        Some(Format::Hl7v2) => of_message(subject, &text),
        _ => Vec::new(),
    };
    for origin in found {
        let kind = origin.reference.split('/').next().unwrap_or_default();
        let element = format!("{kind}.{}", without_positions(&origin.element));
        let within = |entry: &&mut Entry| {
            entry.field.bytes.start <= origin.field.bytes.start && origin.field.bytes.end <= entry.field.bytes.end
        };
        match entries.iter_mut().find(within) {
            Some(entry) if entry.elements.contains(&element) => {}
            Some(entry) => entry.elements.push(element),
            None => entries.push(Entry { field: origin.field, fate: Fate::Mapped, elements: vec![element] }),
        }
    }
    // Mappers also leave a field alone after having looked at it: an effect is the better witness.
    for entry in entries.iter_mut().filter(|entry| !entry.elements.is_empty()) {
        entry.fate = Fate::Mapped;
    }
    Ok(Ok(entries))
}

/// Every field of a message, by what its mapper took over.
fn of_message(subject: Subject<'_>, text: &str) -> Vec<Entry> {
    let Ok(message) = Message::parse(text) else { return Vec::new() };
    let name = match ssmix2::naming(&subject.letter.name) {
        Naming::Named(noted) => Some(noted.value),
        _ => None,
    };
    let letter = subject.letter.id();
    let source = &subject.letter.source;
    let context = hl7v2::Context { source, name: name.as_ref(), letter, known: subject.known, book: subject.book };
    if hl7v2::map(&message.value, context).is_err() {
        return Vec::new();
    }
    let bytes = &subject.letter.bytes;
    let entry = |(value, fate): (crate::decode::hl7v2::Value<'_>, Fate)| {
        let range = pieces::within(text, value.raw());
        let field =
            Field { place: value.place(), bytes: pieces::raw_range(bytes, text, &range), text: value.raw().to_owned() };
        Entry { field, fate, elements: Vec::new() }
    };
    hl7v2::account::fates(&message.value).into_iter().map(entry).collect()
}

/// What repeats a letter as a whole says nothing of its fields.
fn is_copy(reference: &str, element: &str) -> bool {
    ["Binary/", "Bundle/"].iter().any(|kind| reference.starts_with(kind)) || element.contains(".attachment.")
}

fn without_positions(element: &str) -> String {
    let mut depth = 0;
    let mut outside = |c: char| {
        depth += i32::from(c == '[');
        let is_outside = depth == 0;
        depth -= i32::from(c == ']');
        is_outside
    };
    element.chars().filter(|c| outside(*c)).collect()
}
