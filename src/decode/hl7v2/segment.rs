//! One segment of a message: its fields on demand, and which of them nobody asked for.

use super::{Delimiters, Line, Value};
use crate::fault::Place;

/// One segment of a message.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'m> {
    line: &'m Line<'m>,
    delimiters: Delimiters,
    index: usize,
}

impl<'m> Segment<'m> {
    pub(super) fn new(line: &'m Line<'m>, delimiters: Delimiters, index: usize) -> Self {
        Segment { line, delimiters, index }
    }

    /// The three-letter name.
    pub fn name(self) -> &'m str {
        std::str::from_utf8(&self.line.name).unwrap_or("???")
    }

    /// Whether it has that name.
    pub fn is(self, name: &str) -> bool {
        self.line.name == name.as_bytes()
    }

    /// Its text after the name, as sent, beginning with the field separator.
    pub fn raw(self) -> &'m str {
        self.line.text
    }

    /// Its position in the message, from 0.
    pub fn index(self) -> usize {
        self.index
    }

    /// Which of the segments of its name it is, from 1.
    pub fn occurrence(self) -> u16 {
        self.line.occurrence
    }

    /// Field `number` (from 1; in MSH, MSH-1 is the separator itself), all its repetitions; empty when absent.
    /// Asking counts as having taken the field over: what nobody asked for is reported as unmapped.
    pub fn field(self, number: u16) -> Value<'m> {
        if number < 128 {
            self.line.read.set(self.line.read.get() | 1 << number);
        }
        self.peek(number)
    }

    /// Field `number` without taking it over: for decisions.
    pub fn peek(self, number: u16) -> Value<'m> {
        let text = match (self.is("MSH"), number) {
            (_, 0) => "",
            (true, 1) => self.line.text.get(..1).unwrap_or(""),
            (true, _) => self.part(number - 1),
            (false, _) => self.part(number),
        };
        self.value(number, text)
    }

    /// Whether nobody asked for any field of it yet: a mapper that took a segment asked for something.
    pub fn is_untouched(self) -> bool {
        self.line.read.get() | self.line.ignored.get() == 0
    }

    /// Takes fields over without using them: each is ignored by a named rule of the caller's.
    pub fn ignore(self, numbers: &[u16]) {
        for number in numbers.iter().filter(|n| **n < 128) {
            self.line.ignored.set(self.line.ignored.get() | 1 << number);
        }
    }

    /// Whether field `number` was asked for, and whether it was left alone on purpose.
    pub fn taken(self, number: u16) -> (bool, bool) {
        let bit = |bits: u128| number < 128 && bits & (1 << number) != 0;
        (bit(self.line.read.get()), bit(self.line.ignored.get()))
    }

    /// How many fields the segment has.
    pub fn field_count(self) -> u16 {
        let separators = self.line.text.matches(self.delimiters.field).count() + usize::from(self.is("MSH"));
        u16::try_from(separators).unwrap_or(u16::MAX)
    }

    /// The fields that hold something and that nobody asked for.
    pub fn unread(self) -> impl Iterator<Item = Value<'m>> {
        let read = self.line.read.get() | self.line.ignored.get();
        let shift = usize::from(self.is("MSH"));
        self.line.text.split(self.delimiters.field).enumerate().skip(1).filter_map(move |(part, text)| {
            let number = u16::try_from(part + shift).unwrap_or(u16::MAX);
            let is_read = number < 128 && read & (1 << number) != 0;
            (!text.is_empty() && !is_read).then(|| self.value(number, text))
        })
    }

    /// The place of a field of this segment; 0 for the segment itself.
    pub fn place(self, field: u16) -> Place {
        Place::Field {
            segment: self.line.name,
            occurrence: self.line.occurrence,
            field,
            repetition: 0,
            component: 0,
            subcomponent: 0,
        }
    }

    fn value(self, number: u16, text: &'m str) -> Value<'m> {
        let is_verbatim = number <= 2 && self.is("MSH");
        Value::field(text, self.delimiters, (self.line.name, self.line.occurrence, number), is_verbatim)
    }

    /// The text between separator `number` and the next one.
    fn part(self, number: u16) -> &'m str {
        let (mut part, mut start) = self.line.cursor.get();
        if part > number {
            (part, start) = (0, 0);
        }
        let bytes = self.line.text.as_bytes();
        let separator = self.delimiters.field as u8;
        let next = |from: usize| bytes[from..].iter().position(|b| *b == separator).map(|length| from + length);
        while part < number {
            let Some(end) = next(start) else { return "" };
            (part, start) = (part + 1, end + 1);
        }
        self.line.cursor.set((part, start));
        self.line.text.get(start..next(start).unwrap_or(bytes.len())).unwrap_or("")
    }
}
