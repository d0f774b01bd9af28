//! `IVL<TS>` intervals of time (HL7 v3 Data Types R1 2.20) to Period, or dateTime where it is a point.

use jiff::civil::Date;
use jiff::{Span as Length, ToSpan};

use super::{null, ts};
use crate::fhir::Writer;
use crate::map::Output;
use crate::map::cda::node::{Node, attribute, child, null_flavor};

/// An interval as FHIR says it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::map::cda) struct Span {
    /// Its beginning, a dateTime.
    pub(in crate::map::cda) start: Option<String>,
    /// Its end, a dateTime.
    pub(in crate::map::cda) end: Option<String>,
    /// Whether it was sent as one point: `value`, or `low` equal to `high`.
    pub(in crate::map::cda) is_point: bool,
    /// Whether it has ended, and nobody knows when: `<high nullFlavor="UNK"/>`.
    pub(in crate::map::cda) ended_unknown: bool,
    /// Why there is no time at all; empty when there is one or nothing was said.
    pub(in crate::map::cda) absent: String,
}

impl Span {
    /// Reads the element; all empty when there is none.
    pub(in crate::map::cda) fn of(node: Option<Node<'_>>, out: &mut Output) -> Self {
        let Some(node) = node else { return Span::default() };
        let absent = null_flavor(node).unwrap_or_default().to_owned();
        if let Some(point) = ts::date_time(node, out) {
            return Span { start: Some(point), is_point: true, ..Span::default() };
        }
        let (low, high) = (child(node, "low"), child(node, "high"));
        if let (None, None, Some(center)) = (low, high, child(node, "center")) {
            let start = ts::date_time(center, out);
            return Span { is_point: start.is_some(), start, ..Span::default() };
        }
        let start = low.and_then(|low| ts::date_time(low, out));
        let mut end = high.and_then(|high| ts::date_time(high, out));
        if end.is_none() {
            end = start.as_deref().zip(child(node, "width")).and_then(|(start, width)| after(start, width));
        }
        let ended_unknown = end.is_none() && high.and_then(null_flavor) == Some("UNK");
        if start.is_some() && start == end {
            return Span { start, is_point: true, ..Span::default() };
        }
        Span { start, end, is_point: false, ended_unknown, absent }
    }

    /// Whether no time is known.
    pub(in crate::map::cda) fn is_empty(&self) -> bool {
        self.start.is_none() && self.end.is_none()
    }

    /// Its first time.
    pub(in crate::map::cda) fn first(&self) -> Option<&str> {
        self.start.as_deref().or(self.end.as_deref())
    }

    /// Whether it is over by what it says itself.
    pub(in crate::map::cda) fn is_over(&self) -> bool {
        self.is_point || self.end.is_some()
    }

    /// Writes it as `<stem>DateTime` when it is a point, else as `<stem>Period`.
    pub(in crate::map::cda) fn write(&self, w: &mut Writer, stem: &str) {
        match (&self.start, self.is_point) {
            (Some(start), true) => w.string(&format!("{stem}DateTime"), start),
            _ => self.period(w, &format!("{stem}Period")),
        }
    }

    /// The same, and a reason in place of a time that was sent as unknown.
    pub(in crate::map::cda) fn write_or_absent(&self, w: &mut Writer, stem: &str) {
        match self.is_empty() && !self.absent.is_empty() {
            true => null::absent(w, &format!("{stem}DateTime"), &self.absent),
            false => self.write(w, stem),
        }
    }

    /// Writes it as a Period member; a point is its beginning.
    pub(in crate::map::cda) fn period(&self, w: &mut Writer, name: &str) {
        w.object(name, |w| {
            w.string("start", self.start.as_deref().unwrap_or_default());
            w.string("end", self.end.as_deref().unwrap_or_default());
        });
    }
}

/// Writes the element as a Period member.
pub(in crate::map::cda) fn period(w: &mut Writer, name: &str, node: Option<Node<'_>>, out: &mut Output) {
    Span::of(node, out).period(w, name);
}

/// The end of an interval told by its width, where both are whole days: the last day of it.
fn after(start: &str, width: Node<'_>) -> Option<String> {
    let number: i32 = attribute(width, "value").parse().ok().filter(|n| (1..=36_500).contains(n))?;
    let first: Date = start.get(..10).filter(|_| start.len() == 10)?.parse().ok()?;
    let length: Length = match attribute(width, "unit") {
        "d" => number.days(),
        "wk" => number.weeks(),
        "mo" => number.months(),
        "a" => number.years(),
        _ => return None,
    };
    let end = first.checked_add(length).ok()?.yesterday().ok()?;
    Some(end.to_string())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::cda::entry::tests::{output, parse};

    fn written(content: &str) -> String {
        let xml = format!("<effectiveTime xmlns=\"urn:hl7-org:v3\" {content}</effectiveTime>");
        let document = parse(&xml);
        let mut w = Writer::new();
        Span::of(Some(document.root_element()), &mut output()).write_or_absent(&mut w, "effective");
        w.finish()
    }

    #[test]
    fn points_and_periods() {
        let cases = [
            (r#"value="20120806">"#, r#""effectiveDateTime":"2012-08-06""#),
            (r#"><low value="20120806"/><high value="20120806"/>"#, r#""effectiveDateTime":"2012-08-06""#),
            (r#"><low value="20120806"/>"#, r#""effectivePeriod":{"start":"2012-08-06"}"#),
            (r#"><low nullFlavor="UNK"/><high value="2013"/>"#, r#""effectivePeriod":{"end":"2013"}"#),
            (
                r#"><low value="20260401"/><width value="7" unit="d"/>"#,
                r#""effectivePeriod":{"start":"2026-04-01","end":"2026-04-07"}"#,
            ),
            (r#"><center value="2012"/>"#, r#""effectiveDateTime":"2012""#),
            (
                r#"nullFlavor="UNK">"#,
                concat!(
                    r#""_effectiveDateTime":{"extension":[{"url":"#,
                    r#""http://hl7.org/fhir/StructureDefinition/data-absent-reason","valueCode":"unknown"}]}"#
                ),
            ),
            (">", ""),
        ];
        for (content, expected) in cases {
            assert_eq!(written(content), expected, "{content}");
        }
    }

    #[test]
    fn an_end_that_nobody_knows_is_still_an_end() {
        let xml = r#"<t xmlns="urn:hl7-org:v3"><low value="2012"/><high nullFlavor="UNK"/></t>"#;
        let document = parse(xml);
        assert!(Span::of(Some(document.root_element()), &mut output()).ended_unknown);
    }
}
