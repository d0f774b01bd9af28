//! FHIR in JSON, NDJSON and XML: what R4 and the profiles have against a resource, placed in the text it came in. Where
//! nothing is wrong nothing is looked for.

use roxmltree::Document;
use serde_json::Value;

use super::json_place::{self, Spot};
use super::json_syntax::Scan;
use super::place::{Step, steps};
use super::position::{Lines, Position};
use super::{Against, Remark, xml_place};
use crate::decode::{charset, fhir, fhir_xml, xml};
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
    let places: Vec<Vec<Step>> = remarks.iter().map(sought).collect();
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
        let start = line_and_column(&mut remark.place).map(|(line, column)| byte(&text.value, line, column));
        let element = |document: &Document<'_>| match start {
            None => xml_place::find(document, &sought(remark)),
            Some(start) if &*remark.rule == "fhir-xml-value" => xml_place::value_at(document, start),
            Some(start) => start,
        };
        let at = document.as_ref().map_or(start.unwrap_or(0), element);
        remark.at = Some(lines.position(at));
    }
    without_echoes(&mut remarks);
    (1, remarks)
}

/// What is left out of the resource because R4 cannot hold it is not missed as well.
fn without_echoes(remarks: &mut Vec<Remark>) {
    let left_out = remarks.iter().filter(|remark| remark.rule.starts_with("fhir-xml-"));
    let places: Vec<String> = left_out.map(|remark| format!("{}.", remark.place)).collect();
    remarks.retain(|remark| {
        let names: String = remark.place.split(['[', ']']).step_by(2).collect();
        let is_echo = matches!(&*remark.rule, "fhir-empty" | "fhir-required" | "bdl-5");
        !is_echo || !places.iter().any(|place| place.starts_with(&format!("{names}.")))
    });
}

/// The steps of a remark's place; of a name that is not repeated, to the first such name.
fn sought(remark: &Remark) -> Vec<Step> {
    let mut steps = steps(&remark.place);
    if &*remark.rule == "fhir-unknown-element" && remark.en.contains(".? ") {
        steps.push(Step::Strange);
    }
    steps
}

/// The byte at a line and column of a reader who ends lines at LF alone.
fn byte(text: &str, line: usize, column: usize) -> usize {
    let ends = memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1);
    let start = std::iter::once(0).chain(ends).nth(line.saturating_sub(1)).unwrap_or(text.len());
    let rest = text.get(start..).unwrap_or_default();
    start + rest.char_indices().nth(column.saturating_sub(1)).map_or(rest.len(), |(at, _)| at)
}

/// The line and column that the reader of XML gave with a place, taken out of it: `Patient.nope (line 2, column 1)`.
fn line_and_column(place: &mut Box<str>) -> Option<(usize, usize)> {
    let (path, at) = match place.split_once(" (") {
        Some((path, at)) => (path, at.trim_end_matches(')')),
        None => ("", &**place),
    };
    let (line, column) = at.strip_prefix("line ")?.split_once(", column ")?;
    let position = (line.parse().ok()?, column.parse().ok()?);
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
        Err(error) => return not_utf8(remark, issue, bytes, error.valid_up_to()),
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
fn not_utf8(mut remark: Remark, issue: &Issue, bytes: &[u8], valid: usize) -> Remark {
    if valid + 4 > bytes.len() {
        remark.en = issue.rule.en.replace("{}", "the text ends in the middle of a character");
        remark.ja = issue.rule.ja.replace("{}", "文字の途中で終わっています");
    } else if charset::decode_text(bytes).issues.is_empty() {
        remark.en = issue.rule.en.replace("{}", "it is likely Shift_JIS: save it as UTF-8");
        remark.ja = issue.rule.ja.replace("{}", "Shift_JIS と思われます。UTF-8 で保存してください");
    }
    let before = bytes.get(..valid).and_then(|before| std::str::from_utf8(before).ok()).unwrap_or_default();
    let before = before.strip_prefix('\u{feff}').unwrap_or(before);
    remark.placed(&Lines::of(before), before.len())
}
