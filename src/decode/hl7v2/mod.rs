//! HL7 v2.5 ER7 (chapter 2): a zero-copy index over decoded text, and the account of what was read.

mod batch;
mod control;
mod escape;
mod header;
mod rule;
mod segment;
mod value;

use std::cell::Cell;
use std::collections::BTreeMap;

use memchr::memchr2;

use crate::fault::{Issue, Noted, Place};
pub use batch::{Batch, batch};
pub use control::{ControlId, control_id};
pub use header::Header;
pub use rule::{BAD_SEGMENT, NOT_ER7, SEVERAL_MESSAGES, TOO_MANY_SEGMENTS};
pub use segment::Segment;
pub use value::Value;

/// Segments of one message, at most.
pub const SEGMENTS_MAX: usize = 100_000;

/// The five characters a message declares in MSH-1 and MSH-2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Delimiters {
    /// MSH-1, usually `|`; always ASCII.
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
    text: &'t str,
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
    /// Bit n is set when field n was left alone on purpose.
    ignored: Cell<u128>,
    /// The part (counted from 0, the emptiness before the first separator) that was looked at last, and where it begins:
    /// fields are mostly read in ascending order, and this makes reading all of them one pass.
    cursor: Cell<(u16, usize)>,
}

impl<'t> Message<'t> {
    /// Indexes text: segments end at CR, LF or CRLF; empty lines, a BOM, a frame's 0x0B and 0x1C are passed over; a line
    /// that is no segment becomes an issue and the rest goes on. Text with a second MSH is refused, because it would mix
    /// patients: see [`messages`].
    pub fn parse(text: &'t str) -> Result<Noted<Message<'t>>, Issue> {
        let mut message: Option<Message<'t>> = None;
        let mut names = Occurrences::default();
        let mut issues = Vec::new();
        for Numbered { number, text: line, .. } in lines(text) {
            let Some(message) = &mut message else {
                let delimiters = Delimiters::declared(line).ok_or_else(|| Issue::new(&NOT_ER7, Place::Whole))?;
                message = Some(Message { text, delimiters, segments: Vec::with_capacity(16) });
                message.iter_mut().for_each(|m| m.push(line, &mut names, number, &mut issues));
                continue;
            };
            if is_header(line, message.delimiters.field) {
                return Err(Issue::new(&SEVERAL_MESSAGES, Place::Whole));
            }
            if message.segments.len() == SEGMENTS_MAX {
                return Err(Issue::with(&TOO_MANY_SEGMENTS, Place::Whole, SEGMENTS_MAX.to_string()));
            }
            message.push(line, &mut names, number, &mut issues);
        }
        let value = message.ok_or_else(|| Issue::new(&NOT_ER7, Place::Whole))?;
        Ok(Noted { value, issues })
    }

    /// The text it was indexed from.
    pub fn text(&self) -> &'t str {
        self.text
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
        Segment::new(line, self.delimiters, index)
    }

    fn push(&mut self, line: &'t str, names: &mut Occurrences, number: usize, issues: &mut Vec<Issue>) {
        let Some((name, text)) = split_name(line, self.delimiters.field) else {
            issues.push(Issue::with(&BAD_SEGMENT, Place::Whole, number.to_string()));
            return;
        };
        // The delimiters are read by having been used.
        let read = if &name == b"MSH" { 0b110 } else { 0 };
        let (read, ignored, cursor) = (Cell::new(read), Cell::new(0), Cell::new((0, 0)));
        self.segments.push(Line { name, occurrence: names.next(name), text, read, ignored, cursor });
    }
}

/// The messages of a text that holds several, each ready for [`Message::parse`]: cut before each line that begins with
/// MSH. The envelope of a batch (FHS, BHS before; BTS, FTS behind) is left out; other text before the first MSH comes as
/// a piece of its own, which is no message.
pub fn messages(text: &str) -> Vec<&str> {
    let mut pieces = Vec::new();
    let mut open = None;
    for line in lines(text) {
        let is_envelope = ["FHS", "BHS", "BTS", "FTS"].contains(&line.name());
        if is_envelope || line.name() == "MSH" {
            pieces.extend(open.take().map(|start| &text[start..line.start]));
        }
        if !is_envelope && open.is_none() {
            open = Some(line.start);
        }
    }
    pieces.extend(open.map(|start| &text[start..]));
    pieces
}

struct Numbered<'t> {
    /// From 1; CRLF ends one line.
    number: usize,
    /// Where it begins.
    start: usize,
    text: &'t str,
}

impl Numbered<'_> {
    /// The first three characters, when no further letter follows them.
    fn name(&self) -> &str {
        match self.text.split_at_checked(3) {
            Some((name, rest)) if !rest.starts_with(char::is_alphanumeric) => name,
            _ => "",
        }
    }
}

/// The lines that hold something, without the frame's characters.
fn lines(text: &str) -> impl Iterator<Item = Numbered<'_>> {
    let (mut at, mut number) = (0, 0);
    std::iter::from_fn(move || {
        while at < text.len() {
            let rest = &text[at..];
            let end = memchr2(b'\r', b'\n', rest.as_bytes()).unwrap_or(rest.len());
            let (line, after) = rest.split_at(end);
            let start = at;
            at += end + if after.starts_with("\r\n") { 2 } else { after.len().min(1) };
            number += 1;
            let line = line.trim_start_matches(['\u{feff}', '\u{b}']).trim_end_matches('\u{1c}');
            if !line.is_empty() {
                return Some(Numbered { number, start, text: line });
            }
        }
        None
    })
}

fn is_header(line: &str, field: char) -> bool {
    line.strip_prefix("MSH").is_some_and(|rest| rest.starts_with(field))
}

/// Three capital letters or digits, and the rest from the separator on.
fn split_name(line: &str, field: char) -> Option<([u8; 3], &str)> {
    let name: [u8; 3] = line.as_bytes().get(..3)?.try_into().ok()?;
    let rest = line.get(3..)?;
    let is_name = name.iter().all(|b| b.is_ascii_uppercase() || b.is_ascii_digit());
    (is_name && (rest.is_empty() || rest.starts_with(field))).then_some((name, rest))
}

/// How often each name was met. A map, because hostile text may hold as many names as segments.
#[derive(Default)]
struct Occurrences(BTreeMap<[u8; 3], u16>);

impl Occurrences {
    fn next(&mut self, name: [u8; 3]) -> u16 {
        let count = self.0.entry(name).or_insert(0);
        *count = count.saturating_add(1);
        *count
    }
}

impl Delimiters {
    /// What MSH-1 and MSH-2 declare. MSH-2 may leave out the last ones; `^~&` is read as leaving out the escape.
    fn declared(line: &str) -> Option<Self> {
        let rest = line.strip_prefix("MSH")?;
        let field = rest.chars().next().filter(char::is_ascii_punctuation)?;
        let declared = rest[1..].split(field).next().unwrap_or("");
        let mut characters = declared.chars();
        let mut next = |default: char| match characters.next() {
            Some(c) if !c.is_alphanumeric() && !c.is_control() && !c.is_whitespace() => c,
            _ => default,
        };
        let component = next('^');
        let repetition = next('~');
        let escape = if declared.chars().skip(2).eq(['&']) { '\\' } else { next('\\') };
        let subcomponent = next('&');
        Some(Delimiters { field, component, repetition, escape, subcomponent })
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

    #[test]
    fn delimiters_left_out_have_their_usual_values() {
        let usual = Delimiters { field: '|', component: '^', repetition: '~', escape: '\\', subcomponent: '&' };
        for header in ["MSH|^~\\&|A", "MSH||A|B", "MSH|", "MSH|^", "MSH|^~", "MSH|^~&|", "MSH|^~\\|A", "MSH|^~\\&#|"] {
            assert_eq!(Message::parse(header).unwrap().value.delimiters(), usual, "{header}");
        }
        let other = Message::parse("MSH$!*¥@$A").unwrap().value.delimiters();
        assert_eq!(other, Delimiters { field: '$', component: '!', repetition: '*', escape: '¥', subcomponent: '@' });
        for bad in ["MSH1^~", "MSH\u{3000}^", "MSHé", "MSH ", "msh|^~\\&|"] {
            assert!(Message::parse(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn two_messages_are_never_taken_for_one() {
        let text = "FHS|^~\\&\rBHS|^~\\&\rMSH|^~\\&|A\rPID|1\r\u{1c}\r\u{b}MSH|^~\\&|B\rPID|2\rBTS|2\rFTS|1\r";
        assert_eq!(Message::parse(&text[18..]).unwrap_err().rule.id, SEVERAL_MESSAGES.id);
        let both = messages(text);
        let patients: Vec<_> = both
            .iter()
            .map(|m| Message::parse(m).unwrap().value.first("PID").unwrap().field(1).raw().to_owned())
            .collect();
        assert_eq!(patients, ["1", "2"]);
        assert_eq!(Message::parse(both[1]).unwrap().value.segments().count(), 2);
        assert_eq!(messages("junk\rMSH|^~\\&|A"), ["junk\r", "MSH|^~\\&|A"]);
        assert!(messages("").is_empty());
    }

    #[test]
    fn fields_may_be_asked_for_in_any_order() {
        let text = "MSH|^~\\&|a||c\rPID|1|2||4\rEND";
        let message = Message::parse(text).unwrap().value;
        let pid = message.first("PID").unwrap();
        let read = |numbers: &[u16]| numbers.iter().map(|n| pid.peek(*n).raw()).collect::<Vec<_>>();
        assert_eq!(read(&[4, 1, 5, 3, 2, 0, 4, 65535, 1]), ["4", "1", "", "", "2", "", "4", "", "1"]);
        let header = message.first("MSH").unwrap();
        assert_eq!((header.peek(5).raw(), header.peek(3).raw(), header.peek(2).raw()), ("c", "a", "^~\\&"));
        assert_eq!(header.unread().map(|v| v.place().to_string()).collect::<Vec<_>>(), ["MSH-3", "MSH-5"]);
        assert!(message.first("END").unwrap().field(1).is_empty());
        assert_eq!((pid.field_count(), header.field_count()), (4, 5));
    }

    #[test]
    fn fields_beyond_any_sense_are_still_accounted_for() {
        let text = format!("MSH|^~\\&\rZZZ{}x", "|".repeat(70_000));
        let message = Message::parse(&text).unwrap().value;
        assert_eq!(message.at(1).unwrap().unread().count(), 1);
    }

    #[test]
    fn lines_are_counted_as_an_editor_counts_them() {
        let message = Message::parse("MSH|^~\\&\r\n\r\nbad\r\nPID|1").unwrap();
        assert_eq!(message.issues[0].detail, "3");
    }
}
