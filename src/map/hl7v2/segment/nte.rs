//! NTE notes and comments (HL7 v2.5 section 2.15.10) to Annotation.

use crate::decode::hl7v2::{Segment, Value};
use crate::fhir::Writer;

/// Writes `note`, one Annotation per segment; `further` are texts of other fields that are notes too.
pub(crate) fn notes(w: &mut Writer, segments: &[Segment<'_>], further: &[Value<'_>]) {
    w.array("note", |w| {
        for text in segments.iter().map(|s| s.field(3)).chain(further.iter().copied()) {
            w.item(|w| w.string("text", lines(text).trim_end()));
        }
    });
}

/// FT and TX: repetitions are lines (section 2.A.78).
pub(crate) fn lines(value: Value<'_>) -> String {
    let lines: Vec<_> = value.repetitions().map(|line| line.whole_text()).collect();
    lines.join("\n")
}
