//! HL7 v2 messages, alone, in a batch, in a file of SS-MIX2 standardised or transaction storage.

use super::position::{Lines, ends};
use super::{Found, Position, Remark};
use crate::decode::charset;
use crate::decode::hl7v2::{self, Message};
use crate::decode::ssmix2::{self, FileName, Naming};
use crate::fault::{Issue, Place};
use crate::validate::hl7v2::check;

/// The messages of a file; its name may say what is in it.
pub(super) fn messages(name: &str, bytes: &[u8]) -> (usize, Found) {
    let mut remarks = Found::default();
    let file = match ssmix2::naming(name) {
        Naming::Named(noted) => {
            remarks.extend(noted.issues.iter().map(Remark::new));
            Some(noted.value)
        }
        Naming::Misnamed(issue) => {
            remarks.push(Remark::new(&issue));
            None
        }
        Naming::Other => None,
    };
    let (count, found) = of_text(bytes, file.as_ref());
    remarks.add(found, |remark| remark);
    (count, remarks)
}

/// The records of a file of transaction storage.
pub(super) fn transactions(bytes: &[u8]) -> (usize, Found) {
    let (mut count, mut remarks) = (0, Found::default());
    // As far as lines are counted, and how many ended. No byte of a character is one that ends a line, in any of the encodings.
    let (mut counted, mut lines) = (0, 0);
    for record in ssmix2::transaction::records(bytes) {
        count += 1;
        match record {
            Err(issue) => remarks.push(Remark::new(&issue)),
            Ok(record) => {
                let start = (record.message.as_ptr() as usize).saturating_sub(bytes.as_ptr() as usize);
                // The message begins a line of its own.
                lines += ends(bytes.get(counted..start).unwrap_or_default()).count();
                counted = start;
                let first = u32::try_from(lines).unwrap_or(u32::MAX);
                let (_, found) = of_text(record.message, FileName::parse(&record.name).ok().as_ref());
                let moved = |at: Position| Position { line: at.line.saturating_add(first), ..at };
                remarks.add(found, |remark| Remark { at: remark.at.map(moved), ..remark });
            }
        }
    }
    (count, remarks)
}

fn of_text(bytes: &[u8], file: Option<&FileName>) -> (usize, Found) {
    let text = charset::decode(bytes);
    let lines = Lines::of(&text.value);
    let mut remarks = Found::default();
    let mut count = 0;
    for piece in hl7v2::messages(&text.value) {
        let start = (piece.as_ptr() as usize).saturating_sub(text.value.as_ptr() as usize);
        count += 1;
        let message = match Message::parse(piece) {
            Err(issue) => {
                remarks.push(Remark::new(&issue).placed(&lines, start));
                continue;
            }
            Ok(noted) => {
                remarks.extend(noted.issues.iter().map(|issue| by_line(issue, &lines, start)));
                noted.value
            }
        };
        remarks.extend(check(&message, file).iter().map(|one| {
            let remark = Remark::usage(one);
            match one.at {
                Some(at) => remark.placed(&lines, start + at),
                None => remark,
            }
        }));
        if count == 1 {
            remarks.extend(text.issues.iter().map(|issue| by_field(issue, &message, &lines, start)));
        }
    }
    if count == 0 {
        remarks.push(Remark::new(&Issue::new(&hl7v2::NOT_ER7, Place::Whole)).placed(&lines, 0));
    }
    (count, remarks)
}

/// An issue whose detail is the number of a line.
fn by_line(issue: &Issue, lines: &Lines<'_>, start: usize) -> Remark {
    let first = lines.position(start).line as usize;
    let line = issue.detail.parse::<usize>().ok().and_then(|number| lines.start(first + number - 1));
    Remark::new(issue).placed(lines, line.unwrap_or(start))
}

/// An issue of decoding, at its field.
fn by_field(issue: &Issue, message: &Message<'_>, lines: &Lines<'_>, start: usize) -> Remark {
    let remark = Remark::new(issue);
    let Place::Field { segment, occurrence, field, .. } = issue.place else { return remark };
    let Some(found) = message.segments().find(|one| one.name().as_bytes() == segment && one.occurrence() == occurrence)
    else {
        return remark;
    };
    let text = message.text();
    let offset =
        |part: &str| (part.as_ptr() as usize).checked_sub(text.as_ptr() as usize).filter(|at| *at <= text.len());
    let value = found.peek(field).raw();
    // A field that is not there is at the end of its segment.
    let at = offset(value).or_else(|| Some(offset(found.raw())? + found.raw().len()));
    remark.placed(lines, start + at.unwrap_or(0))
}

/// What the names of the files of a folder say against each other: by the index of a file.
pub fn together(names: &[&str]) -> Vec<(usize, Remark)> {
    let named = |(at, name): (usize, &&str)| match ssmix2::naming(name) {
        Naming::Named(noted) => Some((at, noted.value)),
        _ => None,
    };
    let (places, files): (Vec<usize>, Vec<FileName>) = names.iter().enumerate().filter_map(named).unzip();
    let found = crate::validate::hl7v2::together(&files);
    found.iter().filter_map(|(at, one)| Some((*places.get(*at)?, Remark::usage(one)))).collect()
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, Instant};

    use super::*;

    /// A record with a line in JIS X 0208, of so many lines.
    fn record(lines: usize) -> String {
        let message = "MSH|^~\\&|HIS|H|GW|R|20260401093000||ADT^A08^ADT_A01|1|P|2.5||||||~ISO IR87\r";
        let more = "ZZ1|\x1b$B;%KZ\x1b(B\r".repeat(lines - 3);
        let head = "#SSMIX,1.2,0110000001,0000000017,20260401,ADT-00,999999999999999,INS,-,20260401093000000";
        format!("{head}\r\n{message}{more}PID|1||17\r\n")
    }

    #[test]
    fn records_are_placed_in_time_that_goes_by_the_length_of_the_file() {
        let began = Instant::now();
        let (count, lines) = (1_400, 300);
        let (records, found) = transactions(record(lines).repeat(count).as_bytes());
        let (remarks, _) = found.closed();
        assert_eq!(records, count);
        let at_pid = |remark: &&Remark| &*remark.place == "PID-5";
        let places: Vec<u32> = remarks.iter().filter(at_pid).filter_map(|one| Some(one.at?.line)).collect();
        assert_eq!(places.len(), count);
        assert!(places.iter().enumerate().all(|(at, line)| *line as usize == (at + 1) * lines), "{:?}", &places[..3]);
        assert!(began.elapsed() < Duration::from_secs(40), "{:?}", began.elapsed());
    }
}
