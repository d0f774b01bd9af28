//! NTE notes and comments (HL7 v2.5 section 2.15.10; v2.7 for who wrote them and when) to Annotation.

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::hl7v2::datatype::{ts, xcn};

/// Writes `note`, one Annotation per segment; `further` are texts of other fields that are notes too.
pub(crate) fn notes(w: &mut Writer, segments: &[Segment<'_>], further: &[Value<'_>]) {
    w.array("note", |w| {
        for text in segments.iter().map(|s| s.field(3)).chain(further.iter().copied()) {
            w.item(|w| w.string("text", lines(text).trim_end()));
        }
    });
}

/// The same with who wrote them and when.
pub(crate) fn annotations(w: &mut Writer, segments: &[Segment<'_>], further: &[Value<'_>], out: &mut Output) {
    w.array("note", |w| {
        for segment in segments {
            note_item(w, *segment, out);
        }
        for text in further {
            w.item(|w| w.string("text", lines(*text).trim_end()));
        }
    });
}

/// Writes one segment as an item of `note`: NTE-3 with NTE-5 (who entered it) and NTE-6 (when).
pub(crate) fn note_item(w: &mut Writer, segment: Segment<'_>, out: &mut Output) {
    let text = lines(segment.field(3));
    let text = text.trim_end();
    if text.is_empty() {
        return;
    }
    let author = xcn::practitioner(segment.field(5), out);
    w.item(|w| {
        w.reference("authorReference", author.as_deref().unwrap_or_default());
        ts::write(w, "time", segment.field(6), out);
        w.string("text", text);
    });
}

/// FT and TX: repetitions are lines (section 2.A.78).
pub(crate) fn lines(value: Value<'_>) -> String {
    let mut repetitions = value.repetitions();
    let Some(first) = repetitions.next() else { return String::new() };
    let mut text = first.whole_text().into_owned();
    for line in repetitions {
        text.push('\n');
        text.push_str(&line.whole_text());
    }
    text
}
