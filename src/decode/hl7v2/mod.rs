//! HL7 v2.5 ER7 (chapter 2): a zero-copy index over decoded text, and the account of what was read.

mod escape;
mod value;

use std::cell::{Cell, OnceCell};

use crate::fault::{Issue, IssueType, Noted, Place, Rule, Severity};
pub use value::Value;

/// Segments of one message, at most.
pub const SEGMENTS_MAX: usize = 100_000;

/// Text that does not begin with MSH and five delimiters is not ER7.
pub static NOT_ER7: Rule = Rule {
    id: "v2-not-er7",
    severity: Severity::Fatal,
    code: IssueType::Structure,
    en: "The text does not begin with an MSH segment and its delimiters.",
    ja: "MSHセグメントと区切り文字で始まっていません。",
};
/// A segment name is three upper-case letters or digits.
pub static BAD_SEGMENT: Rule = Rule {
    id: "v2-bad-segment",
    severity: Severity::Error,
    code: IssueType::Structure,
    en: "Line {} is not a segment: a segment begins with three capital letters or digits and a field separator.",
    ja: "{}行目はセグメントではありません(英大文字・数字3文字と区切り文字で始まる必要があります)。",
};
/// More segments than [`SEGMENTS_MAX`].
pub static TOO_MANY_SEGMENTS: Rule = Rule {
    id: "v2-too-many-segments",
    severity: Severity::Fatal,
    code: IssueType::TooLong,
    en: "The message has more than {} segments.",
    ja: "セグメントが{}個を超えています。",
};

/// The five characters a message declares in MSH-1 and MSH-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiters {
    /// MSH-1, usually `|`.
    pub field: char,
    /// Usually `^`.
    pub component: char,
    /// Usually `~`.
    pub repetition: char,
    /// Usually `\`; `¥` (U+00A5) where a sender's JIS 0x5C became a yen sign.
    pub escape: char,
    /// Usually `&`.
    pub subcomponent: char,
}

/// One message, indexed: segments by position, fields on demand. Remembers which fields were asked for.
#[derive(Debug)]
pub struct Message<'t> {
    delimiters: Delimiters,
    segments: Vec<Line<'t>>,
}

#[derive(Debug)]
struct Line<'t> {
    name: [u8; 3],
    occurrence: u16,
    /// The text after the name, beginning with a field separator; for MSH with MSH-1 itself.
    text: &'t str,
    /// Bit n is set when field n was asked for.
    read: Cell<u128>,
    /// Where the field separators stand in `text`; found once, when the first field is asked for.
    separators: OnceCell<Box<[u32]>>,
}

/// One segment of a message.
#[derive(Clone, Copy, Debug)]
pub struct Segment<'m> {
    line: &'m Line<'m>,
    delimiters: Delimiters,
    index: usize,
}

impl<'t> Message<'t> {
    /// Indexes text: segments end at CR, LF or CRLF; empty lines, a BOM and trailing 0x1C are passed over; a line that is
    /// no segment becomes an issue and the rest goes on.
    pub fn parse(text: &'t str) -> Result<Noted<Message<'t>>, Issue> {
        let text = text.trim_start_matches(['\u{feff}', '\u{b}']).trim_start_matches(['\r', '\n']);
        let delimiters = Delimiters::declared(text).ok_or_else(|| Issue::new(&NOT_ER7, Place::Whole))?;
        let mut message = Message { delimiters, segments: Vec::with_capacity(16) };
        let mut issues = Vec::new();
        for (number, line) in text.split(['\r', '\n']).enumerate() {
            let line = line.trim_end_matches('\u{1c}');
            if line.is_empty() {
                continue;
            }
            if message.segments.len() == SEGMENTS_MAX {
                return Err(Issue::with(&TOO_MANY_SEGMENTS, Place::Whole, SEGMENTS_MAX.to_string()));
            }
            match message.line(line) {
                Some(segment) => message.segments.push(segment),
                None => issues.push(Issue::with(&BAD_SEGMENT, Place::Whole, (number + 1).to_string())),
            }
        }
        Ok(Noted { value: message, issues })
    }

    /// The declared delimiters.
    pub fn delimiters(&self) -> Delimiters {
        self.delimiters
    }

    /// All segments in order.
    pub fn segments(&self) -> impl Iterator<Item = Segment<'_>> + Clone {
        self.segments.iter().enumerate().map(|(index, line)| self.segment(line, index))
    }

    /// The segment at a position, from 0.
    pub fn at(&self, index: usize) -> Option<Segment<'_>> {
        self.segments.get(index).map(|line| self.segment(line, index))
    }

    /// The first segment of that name.
    pub fn first(&self, name: &str) -> Option<Segment<'_>> {
        self.segments().find(|s| s.is(name))
    }

    /// The segments of that name.
    pub fn all<'m>(&'m self, name: &'m str) -> impl Iterator<Item = Segment<'m>> + Clone {
        self.segments().filter(move |s| s.is(name))
    }

    fn segment<'m>(&self, line: &'m Line<'t>, index: usize) -> Segment<'m> {
        Segment { line, delimiters: self.delimiters, index }
    }

    fn line(&self, line: &'t str) -> Option<Line<'t>> {
        let name: [u8; 3] = line.as_bytes().get(..3)?.try_into().ok()?;
        let rest = line.get(3..)?;
        let valid = name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit())
            && (rest.is_empty() || rest.starts_with(self.delimiters.field));
        let earlier = self.segments.iter().rev().find(|s| s.name == name).map_or(0, |s| s.occurrence);
        let occurrence = earlier.saturating_add(1);
        valid.then(|| Line { name, occurrence, text: rest, read: Cell::new(0), separators: OnceCell::new() })
    }
}

impl Delimiters {
    /// What MSH-1 and MSH-2 declare; MSH-2 may leave out the last ones.
    fn declared(text: &str) -> Option<Self> {
        let mut characters = text.strip_prefix("MSH")?.chars();
        let field = characters.next().filter(|c| !c.is_alphanumeric() && !c.is_control())?;
        let mut next = |default: char| match characters.next() {
            Some(c) if c != field && !c.is_control() => c,
            _ => default,
        };
        let component = next('^');
        let repetition = next('~');
        let escape = next('\\');
        let subcomponent = next('&');
        Some(Delimiters { field, component, repetition, escape, subcomponent })
    }
}

impl<'m> Segment<'m> {
    /// The three-letter name.
    pub fn name(self) -> &'m str {
        std::str::from_utf8(&self.line.name).unwrap_or("???")
    }

    /// Whether it has that name.
    pub fn is(self, name: &str) -> bool {
        self.line.name == name.as_bytes()
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
        let is_header = self.is("MSH");
        let text = match (is_header, number) {
            (_, 0) => "",
            (true, 1) => self.line.text.get(..self.delimiters.field.len_utf8()).unwrap_or(""),
            (true, _) => self.part(usize::from(number) - 1),
            (false, _) => self.part(usize::from(number)),
        };
        let verbatim = is_header && number <= 2;
        Value::field(text, self.delimiters, self.place(number), verbatim)
    }

    /// Takes fields over without using them: each is ignored by a named rule of the caller's.
    pub fn ignore(self, numbers: &[u16]) {
        for number in numbers.iter().filter(|n| **n < 128) {
            self.line.read.set(self.line.read.get() | 1 << number);
        }
    }

    /// How many fields the segment has.
    pub fn field_count(self) -> u16 {
        let separators = self.separators().len() + usize::from(self.is("MSH"));
        u16::try_from(separators).unwrap_or(u16::MAX)
    }

    /// The fields that hold something and that nobody asked for.
    pub fn unread(self) -> impl Iterator<Item = Value<'m>> {
        (1..=self.field_count())
            .filter(move |n| *n >= 128 || self.line.read.get() & (1 << *n) == 0)
            .map(move |n| self.peek(n))
            .filter(|value| !value.is_empty())
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

    /// What stands behind the `number`-th separator, from 1, up to the next one.
    fn part(self, number: usize) -> &'m str {
        let separators = self.separators();
        let Some(start) = number.checked_sub(1).and_then(|at| separators.get(at)) else { return "" };
        let start = *start as usize + self.delimiters.field.len_utf8();
        let end = separators.get(number).map_or(self.line.text.len(), |end| *end as usize);
        self.line.text.get(start..end).unwrap_or("")
    }

    fn separators(self) -> &'m [u32] {
        let text = self.line.text;
        self.line.separators.get_or_init(|| match u8::try_from(self.delimiters.field) {
            Ok(byte) if byte.is_ascii() => {
                let found = text.bytes().enumerate().filter(|(_, b)| *b == byte);
                found.map(|(at, _)| at as u32).collect()
            }
            _ => text.match_indices(self.delimiters.field).map(|(at, _)| at as u32).collect(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "MSH|^~\\&|HIS|H\rPID|1||1^^^A&B&C~2||山田^太郎\r\r\nZZZ|x\rOBX|1\nOBX|2|NM|\"\"\r\u{1c}";

    #[test]
    fn fields_components_and_repetitions() {
        let message = Message::parse(TEXT).unwrap();
        assert!(message.issues.is_empty());
        let message = message.value;
        assert_eq!(message.segments().count(), 5);
        let header = message.first("MSH").unwrap();
        assert_eq!(header.field(1).text(), "|");
        assert_eq!(header.field(2).text(), "^~\\&");
        assert_eq!(header.field(4).text(), "H");
        let pid = message.first("PID").unwrap();
        assert_eq!(pid.field(3).component(4).subcomponent(2).text(), "B");
        let numbers: Vec<_> = pid.field(3).repetitions().map(|r| r.component(1).text().into_owned()).collect();
        assert_eq!(numbers, ["1", "2"]);
        assert_eq!(pid.field(5).component(2).text(), "太郎");
        assert!(pid.field(99).is_empty());
        assert!(message.all("OBX").nth(1).unwrap().field(3).is_null());
    }

    #[test]
    fn what_nobody_asked_for_is_known() {
        let message = Message::parse(TEXT).unwrap().value;
        let pid = message.first("PID").unwrap();
        pid.field(3);
        let places: Vec<_> = pid.unread().map(|v| v.place().to_string()).collect();
        assert_eq!(places, ["PID-1", "PID-5"]);
        assert_eq!(message.first("ZZZ").unwrap().unread().count(), 1);
    }

    #[test]
    fn a_line_that_is_no_segment_does_not_end_the_message() {
        let message = Message::parse("MSH|^~\\&|A\rgarbage\rPIDX|1\rPID|1").unwrap();
        assert_eq!(message.issues.len(), 2);
        assert!(message.value.first("PID").is_some());
        assert!(Message::parse("").is_err());
        assert!(Message::parse("MSH").is_err());
    }
}
