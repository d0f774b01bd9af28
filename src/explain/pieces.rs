//! A letter as pieces within pieces: what can be changed in it, one thing at a time.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;

use serde_json::value::RawValue;

use crate::decode::format::Format;
use crate::decode::hl7v2::{Delimiters, Message, Segment, Value};
use crate::decode::{charset, xml};
use crate::fault::Place;
use crate::fhir::json::{Members, items};

/// A part of a letter's text, and the parts it has; one without parts is a field.
#[derive(Debug)]
pub(super) struct Piece {
    pub(super) place: Place,
    pub(super) range: Range<usize>,
    pub(super) parts: Vec<Piece>,
}

/// The letter as text.
pub(super) fn text(bytes: &[u8]) -> String {
    charset::decode(bytes).value.into_owned()
}

/// The pieces of a text; `None` when it is not of that format after all, or the format has no pieces.
pub(super) fn of(format: Format, text: &str) -> Option<Piece> {
    match format {
        Format::Hl7v2 => hl7v2(text),
        Format::FhirJson | Format::ExportJson => Some(json(text, text, String::new())),
        Format::Cda | Format::FhirXml => xml_document(text),
        Format::Csv => Some(csv(text)),
        _ => None,
    }
}

/// The bytes of the letter that a range of its text was decoded from: exact where a line is decoded alone as it is
/// decoded in the whole, which holds for every character set that is read here but UTF-16; the line otherwise.
pub(super) fn raw_range(bytes: &[u8], text: &str, range: &Range<usize>) -> Range<usize> {
    if std::str::from_utf8(bytes).is_ok_and(|same| same.ends_with(text)) {
        let shift = bytes.len() - text.len();
        return range.start + shift..range.end + shift;
    }
    let is_end = |b: &u8| matches!(b, b'\r' | b'\n');
    let line_number = text.as_bytes()[..range.start].iter().filter(|b| is_end(b)).count();
    let mut start = 0;
    for _ in 0..line_number {
        start += bytes[start..].iter().position(is_end).map_or(bytes.len() - start, |at| at + 1);
    }
    let line = &bytes[start..];
    let line = &line[..line.iter().position(is_end).unwrap_or(line.len())];
    let text_start = text[..range.start].rfind(['\r', '\n']).map_or(0, |at| at + 1);
    // Decoded anew up to each byte: lines are short, and this is asked for one field at a time.
    let decoded = |count: usize| charset::decode_text(&line[..count]).value.len();
    let byte_of = |wanted: usize| (0..=line.len()).find(|count| decoded(*count) >= wanted).unwrap_or(line.len());
    start + byte_of(range.start - text_start)..start + byte_of(range.end - text_start)
}

fn hl7v2(text: &str) -> Option<Piece> {
    let message = Message::parse(text).ok()?.value;
    let delimiters = message.delimiters();
    let parts = message.segments().map(|segment| segment_piece(segment, text, delimiters)).collect();
    Some(Piece { place: Place::Whole, range: 0..text.len(), parts })
}

fn segment_piece(segment: Segment<'_>, text: &str, delimiters: Delimiters) -> Piece {
    let first = if segment.is("MSH") { 3 } else { 1 };
    let fields = (first..=segment.field_count()).map(|number| segment.peek(number)).filter(|f| !f.is_empty());
    let parts: Vec<Piece> = fields.map(|field| field_piece(field, text, delimiters)).collect();
    let start = parts.first().map_or(0, |part| part.range.start);
    let line_start = text[..start].rfind(['\r', '\n']).map_or(0, |at| at + 1);
    let end = parts.last().map_or(start, |part| part.range.end);
    // The header is never taken away: without it there is no message.
    let range = if segment.is("MSH") { start..end } else { line_start..end };
    Piece { place: segment.place(0), range, parts }
}

fn field_piece(field: Value<'_>, text: &str, delimiters: Delimiters) -> Piece {
    if !field.raw().contains(delimiters.repetition) {
        return repetition_piece(field, text, delimiters);
    }
    let parts = field.repetitions().map(|repetition| repetition_piece(repetition, text, delimiters)).collect();
    piece(field, text, parts)
}

fn repetition_piece(repetition: Value<'_>, text: &str, delimiters: Delimiters) -> Piece {
    let numbers = |value: Value<'_>, delimiter: char| 1..=value.raw().matches(delimiter).count() as u16 + 1;
    if !repetition.raw().contains([delimiters.component, delimiters.subcomponent]) {
        return piece(repetition, text, Vec::new());
    }
    let components = numbers(repetition, delimiters.component).map(|number| {
        let component = repetition.component(number);
        let leaf = |number| piece(component.subcomponent(number), text, Vec::new());
        let is_split = component.raw().contains(delimiters.subcomponent);
        let leaves = is_split.then(|| numbers(component, delimiters.subcomponent).map(leaf).collect());
        piece(component, text, leaves.unwrap_or_default())
    });
    piece(repetition, text, components.collect())
}

fn piece(value: Value<'_>, text: &str, mut parts: Vec<Piece>) -> Piece {
    parts.retain(|part| !part.range.is_empty());
    Piece { place: value.place(), range: within(text, value.raw()), parts }
}

/// Where a part that was cut out of a text lies in it.
pub(super) fn within(text: &str, part: &str) -> Range<usize> {
    let start = (part.as_ptr() as usize).saturating_sub(text.as_ptr() as usize);
    if start + part.len() > text.len() { 0..0 } else { start..start + part.len() }
}

/// Attributes and texts are the fields of XML. Depth is that of what was decoded, which is bounded.
fn xml_document(text: &str) -> Option<Piece> {
    let document = xml::parse(text).ok()?;
    let root = document.root_element();
    let parts = parts_of(root, &format!("/{}", root.tag_name().name()));
    Some(Piece { place: Place::Whole, range: 0..text.len(), parts })
}

fn parts_of(node: roxmltree::Node<'_, '_>, path: &str) -> Vec<Piece> {
    let leaf = |path: String, range| Piece { place: Place::Path(path.into()), range, parts: Vec::new() };
    let of_attribute = |a: roxmltree::Attribute<'_, '_>| leaf(format!("{path}/@{}", a.name()), a.range_value());
    let mut parts: Vec<Piece> = node.attributes().map(of_attribute).filter(|part| !part.range.is_empty()).collect();
    let mut counts: HashMap<&str, usize> = HashMap::new();
    for child in node.children() {
        if child.is_text() && child.text().is_some_and(|text| !text.trim().is_empty()) {
            parts.push(leaf(format!("{path}/text()"), child.range()));
        } else if child.is_element() {
            let name = child.tag_name().name();
            let count = counts.entry(name).or_insert(0);
            *count += 1;
            let position = if *count > 1 { format!("[{count}]") } else { String::new() };
            let path = format!("{path}/{name}{position}");
            let inner = parts_of(child, &path);
            parts.push(Piece { place: Place::Path(path.into()), range: child.range(), parts: inner });
        }
    }
    parts
}

/// Rows and cells; a row with quotation marks is one field, because a separator within them is none.
fn csv(text: &str) -> Piece {
    let mut rows = Vec::new();
    for (number, line) in (1..).zip(text.split_inclusive('\n')).skip(1) {
        let line = line.trim_end_matches(['\r', '\n']);
        let cell = |(at, cell): (usize, &str)| {
            let place = Place::Path(format!("row {number}, cell {}", at + 1).into());
            Piece { place, range: within(text, cell), parts: Vec::new() }
        };
        let parts = match line.contains('"') {
            true => Vec::new(),
            false => line.split([',', '\t']).enumerate().map(cell).filter(|part| !part.range.is_empty()).collect(),
        };
        let place = Place::Path(format!("row {number}").into());
        rows.push(Piece { place, range: within(text, line), parts });
    }
    rows.retain(|row| !row.range.is_empty());
    Piece { place: Place::Whole, range: 0..text.len(), parts: rows }
}

/// Members and items; the fields are strings (between the quotes), numbers and the rest. Depth is that of what was
/// decoded, which is bounded.
fn json(whole: &str, value: &str, path: String) -> Piece {
    let trimmed = value.trim();
    let parts: Vec<Piece> = match trimmed.as_bytes().first() {
        Some(b'{') => {
            let members = Members::of(trimmed).map(|members| members.0).unwrap_or_default();
            let dot = if path.is_empty() { "" } else { "." };
            let named = |(name, value): (Cow<'_, str>, &str)| json(whole, value, format!("{path}{dot}{name}"));
            members.into_iter().map(named).collect()
        }
        Some(b'[') => {
            let read: Vec<&RawValue> = serde_json::from_str(trimmed).unwrap_or_default();
            debug_assert_eq!(read.len(), items(trimmed).len());
            read.iter().enumerate().map(|(at, item)| json(whole, item.get(), format!("{path}[{at}]"))).collect()
        }
        _ => Vec::new(),
    };
    let inside = trimmed.strip_prefix('"').and_then(|text| text.strip_suffix('"')).unwrap_or(trimmed);
    Piece { place: Place::Path(path.into()), range: within(whole, inside), parts }
}
