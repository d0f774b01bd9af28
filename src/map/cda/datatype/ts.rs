//! TS points in time (HL7 v3 Data Types R1 2.19) to dateTime, date and instant: precision and offset as sent.

use std::borrow::Cow;

use super::rule::BAD_TIME;
use crate::fhir::time::{self, Interval};
use crate::fhir::{Writer, system};
use crate::map::Output;
use crate::map::cda::node::{self, Node, attribute, null_flavor};

/// The `value` as a FHIR dateTime; a time without offset gets the source's zone.
pub(in crate::map::cda) fn date_time(node: Node<'_>, out: &mut Output) -> Option<String> {
    let zone_minutes = out.zone_minutes;
    read(node, out, |text| time::from_v2(text, zone_minutes))
}

/// The `value` as a FHIR date: at most the day.
pub(in crate::map::cda) fn date(node: Node<'_>, out: &mut Output) -> Option<String> {
    read(node, out, time::date_from_v2)
}

/// Writes a dateTime member; nothing when there is none.
pub(in crate::map::cda) fn write(w: &mut Writer, name: &str, node: Option<Node<'_>>, out: &mut Output) {
    if let Some(text) = node.and_then(|node| date_time(node, out)) {
        w.string(name, &text);
    }
}

/// First millisecond since 1970 of what the value covers, noting nothing.
pub(in crate::map::cda) fn milliseconds(node: Node<'_>, zone_minutes: i16) -> Option<i64> {
    let text = time::from_v2(&compact(attribute(node, "value")), zone_minutes)?;
    Interval::parse(&text, zone_minutes).map(|interval| interval.start)
}

/// The system of units of time and of measures.
pub(super) const UCUM: &str = system::UCUM;

fn read(node: Node<'_>, out: &mut Output, convert: impl Fn(&str) -> Option<String>) -> Option<String> {
    let text = attribute(node, "value");
    if text.is_empty() || null_flavor(node).is_some() {
        return None;
    }
    let converted = convert(&compact(text));
    if converted.is_none() {
        out.issue(&BAD_TIME, node::place(node));
    }
    converted
}

/// A time written as XML and FHIR do (`2023-02-14T10:00:00Z`) the way CDA does.
fn compact(text: &str) -> Cow<'_, str> {
    let is_iso =
        text.len() >= 7 && text.as_bytes().get(4) == Some(&b'-') && text.as_bytes().get(7).is_none_or(|b| *b == b'-');
    if !is_iso || !text.is_ascii() {
        return Cow::Borrowed(text);
    }
    let (day, clock) = text.split_once('T').unwrap_or((text, ""));
    let clock = clock.replace(':', "").replace('Z', "+0000");
    Cow::Owned(format!("{}{clock}", day.replace('-', "")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::map::cda::entry::tests::{output, parse};

    #[test]
    fn precision_and_offset_are_kept() {
        let cases = [
            ("20230531", Some("2023-05-31")),
            ("202305", Some("2023-05")),
            ("201309111603-0700", Some("2013-09-11T16:03:00-07:00")),
            ("20220824103952+0000", Some("2022-08-24T10:39:52+00:00")),
            ("20260401123015.250", Some("2026-04-01T12:30:15.250+09:00")),
            ("2023-02-14", Some("2023-02-14")),
            ("2023-02-14T10:00:00Z", Some("2023-02-14T10:00:00+00:00")),
            ("20120806-0500", Some("2012-08-06")),
            ("2023023", None),
        ];
        for (sent, expected) in cases {
            let xml = format!("<time xmlns=\"urn:hl7-org:v3\" value=\"{sent}\"/>");
            let document = parse(&xml);
            assert_eq!(date_time(document.root_element(), &mut output()).as_deref(), expected, "{sent}");
        }
    }
}
