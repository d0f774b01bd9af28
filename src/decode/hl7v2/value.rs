//! A field, repetition, component or sub-component of an HL7 v2 segment: borrowed text that knows its place.

use std::borrow::Cow;

use super::{Delimiters, escape};
use crate::fault::Place;

/// Text at some level of a field. Going down one level gives another `Value`; going down where there is nothing to split
/// gives the same text for 1 and emptiness beyond (HL7 v2.5 section 2.14.1: a lone value is the first component).
#[derive(Clone, Copy, Debug)]
pub struct Value<'m> {
    text: &'m str,
    delimiters: Delimiters,
    segment: [u8; 3],
    occurrence: u16,
    field: u16,
    repetition: u16,
    component: u16,
    subcomponent: u16,
    /// MSH-1 and MSH-2 are the delimiters themselves.
    verbatim: bool,
}

impl<'m> Value<'m> {
    pub(super) fn field(text: &'m str, delimiters: Delimiters, place: Place, verbatim: bool) -> Self {
        let (segment, occurrence, field) = match place {
            Place::Field { segment, occurrence, field, .. } => (segment, occurrence, field),
            _ => (*b"???", 1, 0),
        };
        Value { text, delimiters, segment, occurrence, field, repetition: 0, component: 0, subcomponent: 0, verbatim }
    }

    /// Nothing was sent here. `""` (explicit null) is something: see [`Value::is_null`].
    pub fn is_empty(&self) -> bool {
        self.text.is_empty()
    }

    /// The sender says "no value": `""` (section 2.5.3).
    pub fn is_null(&self) -> bool {
        self.text == "\"\""
    }

    /// Neither empty nor null.
    pub fn is_valued(&self) -> bool {
        !self.is_empty() && !self.is_null()
    }

    /// The text as sent, with its delimiters and escapes.
    pub fn raw(&self) -> &'m str {
        self.text
    }

    /// The repetitions of a field; none when it is empty.
    pub fn repetitions(&self) -> impl Iterator<Item = Value<'m>> + use<'m> {
        let value = *self;
        let parts = (!value.text.is_empty()).then(|| value.text.split(value.delimiters.repetition));
        parts.into_iter().flatten().enumerate().map(move |(at, text)| Value {
            text,
            repetition: at.saturating_add(1) as u16,
            ..value
        })
    }

    /// Component `number` from 1, of the first repetition when this is a whole field.
    pub fn component(&self, number: u16) -> Value<'m> {
        let first = self.first_repetition();
        let text = part(first.text, self.delimiters.component, number);
        Value { text, component: number, ..first }
    }

    /// Sub-component `number` from 1.
    pub fn subcomponent(&self, number: u16) -> Value<'m> {
        let component = if self.component == 0 { self.component(1) } else { *self };
        let text = part(component.text, self.delimiters.subcomponent, number);
        Value { text, subcomponent: number, ..component }
    }

    /// The first component's first sub-component of a larger value, or the value itself, unescaped; `""` gives nothing.
    pub fn text(&self) -> Cow<'m, str> {
        let leaf = if self.verbatim || self.subcomponent > 0 { *self } else { self.subcomponent(1) };
        if self.verbatim {
            return Cow::Borrowed(self.text);
        }
        if leaf.is_null() { Cow::Borrowed("") } else { escape::unescape(leaf.text, self.delimiters) }
    }

    /// The whole text unescaped, delimiters left in it: for types whose text may hold them (TX, FT, and ST of senders who
    /// forget to escape); `""` gives nothing.
    pub fn whole_text(&self) -> Cow<'m, str> {
        if self.is_null() { Cow::Borrowed("") } else { escape::unescape(self.text, self.delimiters) }
    }

    /// Where it stands.
    pub fn place(&self) -> Place {
        Place::Field {
            segment: self.segment,
            occurrence: self.occurrence,
            field: self.field,
            repetition: self.repetition,
            component: self.component,
            subcomponent: self.subcomponent,
        }
    }

    fn first_repetition(&self) -> Value<'m> {
        if self.repetition > 0 || self.component > 0 {
            return *self;
        }
        Value { text: part(self.text, self.delimiters.repetition, 1), ..*self }
    }
}

fn part(text: &str, delimiter: char, number: u16) -> &str {
    if number == 0 {
        return "";
    }
    let Some(byte) = u8::try_from(delimiter).ok().filter(u8::is_ascii) else {
        return text.split(delimiter).nth(usize::from(number) - 1).unwrap_or("");
    };
    // Parts are short: a plain loop is faster than a searcher that is set up for each.
    let (mut start, mut left) = (0, number);
    for (at, found) in text.bytes().enumerate() {
        if found == byte {
            left -= 1;
            if left == 0 {
                return &text[start..at];
            }
            start = at + 1;
        }
    }
    if left == 1 { &text[start..] } else { "" }
}
