//! FHIR in JSON, NDJSON and XML: what R4 and the profiles have against a resource, placed in the text it came in. Where
//! nothing is wrong nothing is looked for.

use serde_json::Value;

use super::json_place::{self, Spot};
use super::json_syntax::Scan;
use super::place::{Step, steps};
use super::position::{Lines, Position};
use super::{Against, Remark, xml_place};
use crate::decode::{fhir, fhir_xml, xml};
use crate::fault::{Issue, Noted};
use crate::validate::{base, profile};

/// One resource.
pub(super) fn json(bytes: &[u8], against: &Against<'_>) -> (usize, Vec<Remark>) {
    let noted = match fhir::decode(bytes) {
        Err(issue) => return (1, vec![refused(bytes, &issue)]),
        Ok(noted) => noted,
    };
    let mut remarks = judged(&noted, against);
    if remarks.is_empty() {
        return (1, remarks);
    }
    let text = fhir::text(bytes).map_or("", |(text, _)| text);
    let places: Vec<Vec<Step>> = remarks.iter().map(|remark| steps(&remark.place)).collect();
    let (spots, lines) = (json_place::find(text, &places), Lines::of(text));
    for (remark, spot) in remarks.iter_mut().zip(spots) {
        remark.at = Some(lines.position(shown(remark, spot)));
    }
    (1, remarks)
}

/// Where to look: what is wrong with a name is at the name.
fn shown(remark: &Remark, spot: Spot) -> usize {
    match &*remark.rule {
        "fhir-unknown-element" if spot.is_exact => spot.name.unwrap_or(spot.value),
        _ => spot.value,
    }
}

/// Resources in lines of their own.
pub(super) fn ndjson(bytes: &[u8], against: &Against<'_>) -> (usize, Vec<Remark>) {
    let (mut resources, mut number, mut start) = (0, 0, 0);
    let mut all = Vec::new();
    while start < bytes.len() {
        let rest = bytes.get(start..).unwrap_or_default();
        let end = memchr::memchr2(b'\n', b'\r', rest).unwrap_or(rest.len());
        let line = rest.get(..end).unwrap_or_default();
        start += end + if rest.get(end..end + 2) == Some(b"\r\n") { 2 } else { 1 };
        number += 1;
        if line.iter().all(u8::is_ascii_whitespace) {
            continue;
        }
        let (_, remarks) = json(line, against);
        resources += 1;
        all.extend(
            remarks
                .into_iter()
                .map(|remark| Remark { at: remark.at.map(|at| Position { line: number, ..at }), ..remark }),
        );
    }
    (resources, all)
}

/// One resource.
pub(super) fn xml(bytes: &[u8], against: &Against<'_>) -> (usize, Vec<Remark>) {
    let mut remarks = Vec::new();
    match fhir_xml::to_json_as_far(bytes) {
        Err(issue) => remarks.push(Remark::new(&issue)),
        Ok(Noted { value, issues }) => {
            remarks.extend(issues.iter().map(Remark::new));
            match fhir::decode(value.as_bytes()) {
                Err(issue) => remarks.push(Remark::new(&issue)),
                Ok(noted) => remarks.extend(judged(&noted, against)),
            }
        }
    }
    if remarks.is_empty() {
        return (1, remarks);
    }
    let Ok(text) = xml::text(bytes) else { return (1, remarks) };
    let (lines, document) = (Lines::of(&text.value), xml::parse(&text.value).ok());
    for remark in &mut remarks {
        remark.at = match (line_and_column(&mut remark.place), &document) {
            (Some(at), _) => Some(at),
            (None, Some(document)) => Some(lines.position(xml_place::find(document, &steps(&remark.place)))),
            (None, None) => Some(lines.position(0)),
        };
    }
    (1, remarks)
}

/// The position that the reader of XML gave with a place, taken out of it: `Patient.nope (line 2, column 1)`.
fn line_and_column(place: &mut Box<str>) -> Option<Position> {
    let (path, at) = match place.split_once(" (") {
        Some((path, at)) => (path, at.trim_end_matches(')')),
        None => ("", &**place),
    };
    let (line, column) = at.strip_prefix("line ")?.split_once(", column ")?;
    let position = Position { line: line.parse().ok()?, column: column.parse().ok()? };
    *place = path.into();
    Some(position)
}

/// What R4 says, then what the profiles say beyond it.
fn judged(noted: &Noted<Value>, against: &Against<'_>) -> Vec<Remark> {
    let mut remarks: Vec<Remark> = noted.issues.iter().map(Remark::new).collect();
    remarks.extend(base(&noted.value).iter().map(Remark::new));
    let said = remarks.len();
    for problem in profile::against(&noted.value, against.asked, against.profiles) {
        let remark = Remark::of(&problem);
        let is_said =
            |other: &Remark| other.place == remark.place && (other.rule == remark.rule || other.en == remark.en);
        if !remarks.iter().take(said).any(is_said) && !remarks.iter().skip(said).any(is_said) {
            remarks.push(remark);
        }
    }
    remarks
}

/// Text that is no resource at all, with the reason at the character where it shows.
fn refused(bytes: &[u8], issue: &Issue) -> Remark {
    let remark = Remark::new(issue);
    let text = match fhir::text(bytes) {
        Ok((text, _)) => text,
        Err(error) => return not_utf8(remark, bytes, error.valid_up_to()),
    };
    let lines = Lines::of(text);
    let root = text.len() - text.trim_start().len();
    match &*remark.rule {
        "fhir-not-json" => match Scan::of(text, fhir::DEPTH_MAX).1 {
            Some((at, reason)) => Remark {
                en: issue.rule.en.replace("{}", reason.en),
                ja: issue.rule.ja.replace("{}", reason.ja),
                ..remark
            }
            .placed(&lines, at),
            None => remark.placed(&lines, root),
        },
        "fhir-name-twice" => remark.placed(&lines, Scan::of(text, fhir::DEPTH_MAX).0.twice.unwrap_or(root)),
        "fhir-too-deep" => remark.placed(&lines, Scan::of(text, fhir::DEPTH_MAX).0.deep.unwrap_or(root)),
        "fhir-unknown-type" => {
            let spot = json_place::find(text, &[vec![Step::Member("resourceType".into())]]);
            remark.placed(&lines, spot.first().map_or(root, |spot| spot.value))
        }
        _ => remark.placed(&lines, root),
    }
}

/// The first byte that is no UTF-8, in a text of which only what is before it is known.
fn not_utf8(remark: Remark, bytes: &[u8], valid: usize) -> Remark {
    let before = bytes.get(..valid).and_then(|before| std::str::from_utf8(before).ok()).unwrap_or_default();
    let before = before.strip_prefix('\u{feff}').unwrap_or(before);
    remark.placed(&Lines::of(before), before.len())
}
