//! Batches (HL7 v2.5 section 2.10.3): a file of bytes cut into its messages, byte for byte, and the counts in its trailers.

use memchr::memchr2;

use super::rule::{BATCH_COUNT, FILE_COUNT};
use crate::fault::{Issue, Place};

/// The messages of one delivery, and the envelope around them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Batch<'b> {
    /// Each message as it was sent, from its MSH to before the next header or trailer. Text that belongs to no message
    /// is a piece of its own, which no decoder will take.
    pub messages: Vec<&'b [u8]>,
    /// The first FHS segment, without its end.
    pub file_header: Option<&'b [u8]>,
    /// The first BHS segment, without its end.
    pub batch_header: Option<&'b [u8]>,
    /// BTS-1 or FTS-1 disagree with what is there.
    pub issues: Vec<Issue>,
}

/// The messages of a delivery that holds several, or one in an envelope; `None` for one message alone, and for what does
/// not begin like HL7 v2. Lines end at CR, LF or CRLF; a frame's 0x0B before a line does not hide it. No byte of a
/// Japanese double-byte character is CR, LF or a letter at the beginning of a line, so nothing needs to be decoded.
pub fn batch(bytes: &[u8]) -> Option<Batch<'_>> {
    let mut cut = Cut { bytes, ..Cut::default() };
    let mut at = 0;
    while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
        let length = memchr2(b'\r', b'\n', rest).unwrap_or(rest.len());
        if !cut.line(at, at + length) {
            return None;
        }
        at += length + 1;
    }
    cut.end_message(bytes.len());
    cut.end_batch(None);
    let batch = cut.batch?;
    let is_one = batch.messages.len() < 2 && !cut.in_envelope;
    (!is_one).then_some(batch)
}

#[derive(Default)]
struct Cut<'b> {
    bytes: &'b [u8],
    batch: Option<Batch<'b>>,
    in_envelope: bool,
    /// Where the message under way begins.
    open: Option<usize>,
    /// Messages since the last BHS or BTS, and whether a batch is under way.
    since: usize,
    is_batch_open: bool,
    batches: usize,
}

impl<'b> Cut<'b> {
    /// Takes in one line; false when the bytes are not HL7 v2 but another decoder's.
    fn line(&mut self, start: usize, end: usize) -> bool {
        let line = self.bytes.get(start..end).unwrap_or_default();
        let skipped = line.iter().take_while(|b| matches!(b, 0x0b | 0xef | 0xbb | 0xbf)).count();
        let line = line.get(skipped..).unwrap_or_default();
        let name = match line {
            [a, b, c, separator, ..] if separator.is_ascii_punctuation() => [*a, *b, *c],
            // A trailer may say nothing; a header without delimiters is none.
            b"BTS" => *b"BTS",
            b"FTS" => *b"FTS",
            _ => *b"   ",
        };
        if self.batch.is_none() {
            if line.iter().all(|b| matches!(b, b' ' | 0x1c)) {
                return true;
            }
            if !matches!(&name, b"MSH" | b"FHS" | b"BHS") {
                return false;
            }
            self.batch =
                Some(Batch { messages: Vec::new(), file_header: None, batch_header: None, issues: Vec::new() });
        }
        match &name {
            b"MSH" => {
                self.end_message(start);
                self.open = Some(start);
                self.since += 1;
            }
            b"FHS" | b"BHS" | b"BTS" | b"FTS" => {
                self.end_message(start);
                self.envelope(&name, line);
            }
            _ if self.open.is_none() && !line.iter().all(|b| matches!(b, b' ' | 0x1c)) => self.open = Some(start),
            _ => {}
        }
        true
    }

    fn envelope(&mut self, name: &[u8; 3], line: &'b [u8]) {
        self.in_envelope = true;
        let Some(batch) = &mut self.batch else { return };
        match name {
            b"FHS" => {
                batch.file_header.get_or_insert(line);
            }
            b"BHS" => {
                batch.batch_header.get_or_insert(line);
                self.end_batch(None);
                (self.is_batch_open, self.since) = (true, 0);
            }
            b"BTS" => {
                self.is_batch_open = true;
                self.end_batch(count(line));
            }
            _ => {
                self.end_batch(None);
                let (said, found) = (count(line), self.batches);
                self.disagree(said, found, &FILE_COUNT, *b"FTS");
            }
        }
    }

    fn end_message(&mut self, end: usize) {
        if let (Some(start), Some(batch)) = (self.open.take(), &mut self.batch) {
            batch.messages.extend(self.bytes.get(start..end));
        }
    }

    fn end_batch(&mut self, said: Option<usize>) {
        if self.is_batch_open {
            self.disagree(said, self.since, &BATCH_COUNT, *b"BTS");
            self.batches += 1;
            (self.is_batch_open, self.since) = (false, 0);
        }
    }

    fn disagree(&mut self, said: Option<usize>, found: usize, rule: &'static crate::fault::Rule, segment: [u8; 3]) {
        if let (Some(said), Some(batch)) = (said.filter(|said| *said != found), &mut self.batch) {
            let occurrence = u16::try_from(self.batches + 1).unwrap_or(u16::MAX);
            let occurrence = if &segment == b"FTS" { 1 } else { occurrence };
            let place = Place::Field { segment, occurrence, field: 1, repetition: 0, component: 0, subcomponent: 0 };
            batch.issues.push(Issue::with(rule, place, format!("{said}, {found}")));
        }
    }
}

/// The number in field 1 of a trailer, when there is one.
fn count(line: &[u8]) -> Option<usize> {
    let separator = *line.get(3)?;
    let field = line.get(4..)?.split(|b| *b == separator).next()?;
    std::str::from_utf8(field).ok()?.trim().parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(text: &str) -> Option<Vec<String>> {
        let pieces = batch(text.as_bytes())?.messages;
        Some(pieces.into_iter().map(|piece| String::from_utf8_lossy(piece).into_owned()).collect())
    }

    fn issues(text: &str) -> Vec<String> {
        let issues = batch(text.as_bytes()).unwrap().issues;
        issues.iter().map(|issue| format!("{} {} {}", issue.rule.id, issue.place, issue.detail)).collect()
    }

    #[test]
    fn one_message_alone_is_no_batch() {
        for text in [
            "MSH|^~\\&|A\rPID|1\r",
            "\u{b}MSH|^~\\&|A\r\u{1c}\r",
            "",
            "\r\n",
            "{}",
            "PID|1\rMSH|^~\\&",
            "MSH|^~\\&|A\rMSH\rPID|1\r",
            "a,b\nMSH,c\nMSH,d",
        ] {
            assert_eq!(pieces(text), None, "{text:?}");
        }
    }

    #[test]
    fn messages_are_cut_byte_for_byte() {
        let text = "MSH|^~\\&|A\rPID|1\rMSH|^~\\&|B\nPID|2\n";
        assert_eq!(pieces(text).unwrap(), ["MSH|^~\\&|A\rPID|1\r", "MSH|^~\\&|B\nPID|2\n"]);
        let framed = "\u{b}MSH|^~\\&|A\r\u{1c}\r\u{b}MSH|^~\\&|B\r\u{1c}\r";
        assert_eq!(pieces(framed).unwrap(), ["\u{b}MSH|^~\\&|A\r\u{1c}\r", "\u{b}MSH|^~\\&|B\r\u{1c}\r"]);
        let junk = "BHS|^~\\&\rjunk\rMSH|^~\\&|A\rBTS|1\rmore\r";
        assert_eq!(pieces(junk).unwrap(), ["junk\r", "MSH|^~\\&|A\r", "more\r"]);
        assert_eq!(pieces("FHS|^~\\&\rFTS|0\r").unwrap(), [""; 0]);
    }

    #[test]
    fn an_envelope_makes_a_batch_of_one_message_too() {
        let text = "FHS|^~\\&|X\r\nBHS|^~\\&|Y\r\nMSH|^~\\&|A\r\nPID|1\r\nBTS|1\r\nFTS|1\r\n";
        let batch = batch(text.as_bytes()).unwrap();
        assert_eq!(batch.messages, [b"MSH|^~\\&|A\r\nPID|1\r\n"]);
        assert_eq!((batch.file_header, batch.batch_header), (Some(&b"FHS|^~\\&|X"[..]), Some(&b"BHS|^~\\&|Y"[..])));
        assert!(batch.issues.is_empty());
    }

    #[test]
    fn counts_are_checked_batch_by_batch() {
        let two = "FHS|^~\\&\rBHS|^~\\&\rMSH|^~\\&\rBTS|1\rBHS|^~\\&\rMSH|^~\\&\rMSH|^~\\&\rBTS|3|x\rFTS|2\r";
        assert_eq!(issues(two), ["v2-batch-count BTS[2]-1 3, 2"]);
        assert_eq!(issues(&two.replace("BTS|3|x", "BTS|2").replace("FTS|2", "FTS|4")), ["v2-file-count FTS-1 4, 2"]);
        assert!(issues(&two.replace("BTS|3|x", "BTS").replace("FTS|2", "FTS|")).is_empty());
        assert_eq!(issues("MSH|^~\\&\rMSH|^~\\&\rBTS|5\r"), ["v2-batch-count BTS-1 5, 2"]);
    }
}
