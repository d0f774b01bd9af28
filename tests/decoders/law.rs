//! What holds of the decoders for any input: used by the property tests (tests/decoders.rs) and the fuzz targets (tests/fuzz).

#![allow(unreachable_pub)] // public for the fuzz targets

use crate::decode::charset;
use crate::decode::hl7v2::{self, Delimiters, Message, Segment, Value};
use crate::decode::ssmix2::{FileName, Naming, naming};
use crate::decode::{xml, zip};
use crate::fault::{Issue, Place};

/// Decoding never panics; what became U+FFFD is said; ASCII goes through as it is; issues can be said in both languages.
pub fn charset(bytes: &[u8]) {
    for noted in [charset::decode(bytes), charset::decode_text(bytes)] {
        let was_there = String::from_utf8_lossy(bytes).contains('\u{fffd}') || bytes.contains(&0xfd);
        if noted.value.contains('\u{fffd}') && !was_there {
            assert!(!noted.issues.is_empty(), "a loss without an issue");
        }
        said(&noted.issues);
        let is_plain = bytes.is_ascii() && !bytes.iter().any(|b| matches!(b, 0x1b | 0x0e | 0x0f));
        let is_wide = bytes.starts_with(b"M\0S\0H\0") || bytes.starts_with(b"\0M\0S\0H");
        if is_plain && !is_wide {
            assert_eq!(noted.value.as_bytes(), bytes);
        }
        // Segment ends are never eaten by a character, except in two-byte encodings.
        if !is_wide && !bytes.starts_with(b"\xff\xfe") && !bytes.starts_with(b"\xfe\xff") {
            let ends = |bytes: &[u8]| bytes.iter().filter(|b| **b == b'\r').count();
            assert_eq!(ends(bytes), ends(noted.value.as_bytes()));
        }
        hl7v2(&noted.value);
    }
}

/// Every line that holds something is a segment or an issue, and the fields of a segment are its text cut at separators.
pub fn hl7v2(text: &str) {
    assert!(hl7v2::messages(text).into_iter().all(|piece| text.contains(piece)));
    batch(text.as_bytes());
    let noted = match Message::parse(text) {
        Ok(noted) => noted,
        Err(issue) => return said(&[issue]),
    };
    said(&noted.issues);
    let message = noted.value;
    let separator = message.delimiters().field;
    let lines = text.split(['\r', '\n']);
    let lines = lines.map(|line| line.trim_start_matches(['\u{feff}', '\u{b}']).trim_end_matches('\u{1c}'));
    let (named, unnamed): (Vec<&str>, Vec<&str>) =
        lines.filter(|line| !line.is_empty()).partition(|line| is_segment(line, separator));
    assert_eq!((named.len(), unnamed.len()), (message.segments().count(), noted.issues.len()));
    for (line, segment) in named.iter().zip(message.segments()) {
        fields(line, segment, message.delimiters());
    }
}

/// The messages of a batch are pieces of it, one behind the other, and none of them is a batch.
pub fn batch(bytes: &[u8]) {
    let Some(batch) = hl7v2::batch(bytes) else { return };
    said(&batch.issues);
    let mut end = bytes.as_ptr_range().start;
    for piece in batch.messages {
        let range = piece.as_ptr_range();
        assert!(end <= range.start && range.end <= bytes.as_ptr_range().end && !piece.is_empty());
        assert!(hl7v2::batch(piece).is_none());
        end = range.end;
    }
}

/// No file becomes larger than it says and may; what is not read has a reason.
pub fn zip(bytes: &[u8]) {
    match zip::entries(bytes) {
        Err(issue) => said(&[issue]),
        Ok(entries) => entries.iter().for_each(|entry| match entry.read_from(bytes) {
            Err(issue) => said(&[issue]),
            Ok(contents) => assert!(contents.len() as u64 <= zip::ENTRY_BYTES_MAX),
        }),
    }
}

fn is_segment(line: &str, separator: char) -> bool {
    let (name, rest) = line.split_at_checked(3).unwrap_or(("", ""));
    name.len() == 3
        && name.chars().all(|c| c.is_ascii_uppercase() || c.is_ascii_digit())
        && rest.chars().next().is_none_or(|c| c == separator)
}

fn fields(line: &str, segment: Segment<'_>, delimiters: Delimiters) {
    let texts: Vec<&str> = line.split(delimiters.field).collect();
    assert_eq!(texts[0], segment.name());
    let shift = usize::from(segment.is("MSH"));
    let number = |at: usize| u16::try_from(at + shift).unwrap_or(u16::MAX);
    let sent = texts.iter().enumerate().skip(1).take(60_000);
    // Forwards, then backwards, where the cursor starts over.
    for (at, text) in sent.clone().chain(sent.clone().take(300).rev()) {
        assert_eq!(segment.peek(number(at)).raw(), *text);
    }
    let unread = segment.unread().count();
    assert_eq!(unread, texts.iter().skip(1 + shift).filter(|text| !text.is_empty()).count());
    segment.unread().take(200).for_each(|field| value(&field, delimiters));
    (1..=segment.field_count().min(200)).for_each(|n| drop(segment.field(n).text()));
    let is_far = |field: Value<'_>| matches!(field.place(), Place::Field { field, .. } if field >= 128);
    assert!(segment.unread().all(is_far));
}

/// Going down invents no text, and unescaping loses nothing but escapes.
fn value(field: &Value<'_>, delimiters: Delimiters) {
    let count = |text: &str, delimiter: char| u16::try_from(1 + text.matches(delimiter).count()).unwrap_or(u16::MAX);
    let mut characters = 0;
    for repetition in field.repetitions().take(20) {
        for component in (1..=count(repetition.raw(), delimiters.component).min(20)).map(|n| repetition.component(n)) {
            let subcomponents = 1..=count(component.raw(), delimiters.subcomponent).min(20);
            for subcomponent in subcomponents.map(|n| component.subcomponent(n)) {
                characters += subcomponent.raw().chars().count();
                assert!(subcomponent.text().len() <= subcomponent.raw().len().max(100) * 50);
            }
        }
    }
    assert!(characters <= field.raw().chars().count());
    let letters = |text: &str| text.chars().filter(|c| !c.is_ascii()).count();
    if field.is_valued() && delimiters.escape.is_ascii() {
        assert!(letters(&field.whole_text()) >= letters(field.raw()), "unescaping lost text");
    }
}

/// A name that is accepted is rebuilt from what was read; sorting it and its time do not fail.
pub fn file_name(path: &str) {
    match naming(path) {
        Naming::Named(noted) => {
            let name = noted.value;
            let order = name.order.as_deref().unwrap_or("9");
            let rebuilt = format!(
                "{}_{}_{}_{order}_{}_{}_{}",
                name.patient,
                name.date.as_deref().unwrap_or("-"),
                name.kind.code(),
                name.stamp,
                name.department.as_deref().unwrap_or("-"),
                name.flag.code()
            );
            assert_eq!(FileName::parse(&rebuilt).as_ref(), Ok(&name));
            assert!(path.contains(&name.patient) && path.contains(&name.stamp[..14]));
            assert!(name.sequence() == name.sequence());
            assert!(name.stamp_milliseconds(540) < name.stamp_milliseconds(0));
        }
        Naming::Misnamed(issue) => said(&[issue]),
        Naming::Other => {}
    }
}

/// Reading never panics; a tree is within the limits, and its text is the sender's.
pub fn xml(bytes: &[u8]) {
    let noted = match xml::text(bytes) {
        Ok(noted) => noted,
        Err(issue) => return said(&[issue]),
    };
    said(&noted.issues);
    let document = match xml::parse(&noted.value) {
        Ok(document) => document,
        Err(issue) => return said(&[issue]),
    };
    let mut elements = 0;
    for node in document.descendants() {
        elements += usize::from(node.is_element());
        let depth = node.ancestors().filter(|above| above.is_element()).count();
        assert!(depth <= xml::DEPTH_ELEMENTS_MAX && node.attributes().len() <= xml::ELEMENT_ATTRIBUTES_MAX);
        if let Some(text) = node.text().filter(|text| node.is_text() && !text.contains(['\n', '&'])) {
            assert!(noted.value.contains(text) || noted.value.contains(['&', '\r', '[']));
        }
    }
    assert!((1..=xml::ELEMENTS_MAX).contains(&elements));
}

fn said(issues: &[Issue]) {
    for issue in issues {
        assert!(!issue.english().is_empty() && !issue.japanese().is_empty() && !issue.place.to_string().is_empty());
    }
}
