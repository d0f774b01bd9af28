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

/// The same with who wrote them and when; segments of one author and time are the lines of one Annotation.
pub(crate) fn annotations(w: &mut Writer, segments: &[Segment<'_>], further: &[Value<'_>], out: &mut Output) {
    w.array("note", |w| {
        annotation_items(w, segments, out);
        for text in further {
            w.item(|w| w.string("text", lines(*text).trim_end()));
        }
    });
}

/// Writes segments as items of `note`: NTE-3 with NTE-5 (who entered it) and NTE-6 (when). NTE-3 may repeat for lines, but
/// senders write a segment for each (all those seen do).
pub(crate) fn annotation_items(w: &mut Writer, segments: &[Segment<'_>], out: &mut Output) {
    let mut rest = segments;
    while let Some((first, after)) = rest.split_first() {
        let same = |other: &&Segment<'_>| [2, 4, 5, 6].iter().all(|n| other.peek(*n).raw() == first.peek(*n).raw());
        let (further, others) = after.split_at(after.iter().take_while(same).count());
        rest = others;
        let mut text = lines(first.field(3));
        for line in further {
            text.push('\n');
            text.push_str(&lines(line.field(3)));
            line.ignore(&[5, 6]);
        }
        for segment in std::iter::once(first).chain(further) {
            // Named rule `kind-of-comment`: that it is the laboratory's or the orderer's remark shows in where it is written.
            segment.ignore(if segment.peek(4).component(1).raw() == "RE" { &[2, 4] } else { &[2] });
        }
        let author = xcn::practitioner(first.field(5), out);
        w.item(|w| {
            if text.trim().is_empty() {
                return;
            }
            w.reference("authorReference", author.as_deref().unwrap_or_default());
            ts::write(w, "time", first.field(6), out);
            w.string("text", text.trim_end());
        });
    }
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
