//! FHIR in JSON, NDJSON and XML: what R4 and the profiles have against a resource, placed in the text it came in. Where
//! nothing is wrong nothing is looked for.

use std::collections::HashSet;

use serde_json::Value;

use super::json_place::{self, Spot};
use super::json_syntax::Scan;
use super::place::{Step, steps};
use super::position::{Lines, Position};
use super::{Against, Found, Remark, xml_place};
use crate::decode::{charset, fhir, fhir_xml, xml};
use crate::fault::{Issue, Noted};
use crate::validate::{base, profile};

/// One resource.
pub(super) fn json(bytes: &[u8], against: &Against<'_>) -> (usize, Found) {
    let noted = match fhir::decode(bytes) {
        Err(issue) => return (1, vec![refused(bytes, &issue)].into()),
        Ok(noted) => noted,
    };
    let (mut found, mut remarks) = (Found::default(), judged(&noted, against));
    remarks.retain(|remark| found.takes(remark.severity));
    if remarks.is_empty() {
        return (1, found);
    }
    let text = fhir::text(bytes).map_or("", |(text, _)| text);
    let places: Vec<Vec<Step>> = remarks.iter().map(sought).collect();
    let (spots, lines) = (json_place::find(text, &places), Lines::of(text));
    for (remark, spot) in remarks.iter_mut().zip(spots) {
        remark.at = Some(lines.position(shown(remark, spot)));
    }
    found.taken(remarks);
    (1, found)
}

/// Where to look: what is wrong with a name is at the name.
fn shown(remark: &Remark, spot: Spot) -> usize {
    match &*remark.rule {
        "fhir-unknown-element" if spot.is_exact => spot.name.unwrap_or(spot.value),
        _ => spot.value,
    }
}

/// Resources in lines of their own.
pub(super) fn ndjson(bytes: &[u8], against: &Against<'_>) -> (usize, Found) {
    let (mut resources, mut number, mut start) = (0, 0, 0);
    let mut all = Found::default();
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
        all.add(remarks, |remark| Remark { at: remark.at.map(|at| Position { line: number, ..at }), ..remark });
    }
    (resources, all)
}

/// One resource.
pub(super) fn xml(bytes: &[u8], against: &Against<'_>) -> (usize, Found) {
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
    let stated = |mut remark: Remark| {
        let at = line_and_column(&mut remark.place);
        (remark, at)
    };
    let mut stated: Vec<(Remark, Option<(usize, usize)>)> = remarks.into_iter().map(stated).collect();
    without_echoes(&mut stated);
    let mut found = Found::default();
    stated.retain(|(remark, _)| found.takes(remark.severity));
    if !stated.is_empty() {
        in_xml(bytes, &mut stated);
    }
    found.taken(stated.into_iter().map(|(remark, _)| remark).collect());
    (1, found)
}

/// Puts remarks where they belong in XML: to the line and column that the reader gave, or by their place.
fn in_xml(bytes: &[u8], remarks: &mut [(Remark, Option<(usize, usize)>)]) {
    let Ok(text) = xml::text(bytes) else { return };
    let text = &*text.value;
    let (lines, document) = (Lines::of(text), xml::parse(text).ok());
    // The reader ends lines at LF alone.
    let starts: Vec<usize> =
        std::iter::once(0).chain(memchr::memchr_iter(b'\n', text.as_bytes()).map(|at| at + 1)).collect();
    let byte = |(line, column): (usize, usize)| {
        let start = starts.get(line.saturating_sub(1)).copied().unwrap_or(text.len());
        lines.ahead(start, column.saturating_sub(1))
    };
    let values = document.as_ref().map(xml_place::values).unwrap_or_default();
    for (remark, stated) in remarks {
        let at = match (stated.map(byte), &document) {
            (Some(start), Some(_)) if &*remark.rule == "fhir-xml-value" => values.get(&start).copied().unwrap_or(start),
            (Some(start), _) => start,
            (None, Some(document)) => xml_place::find(document, &sought(remark)),
            (None, None) => 0,
        };
        remark.at = Some(lines.position(at));
    }
}

/// What is left out of the resource because R4 cannot hold it is not missed as well.
fn without_echoes(remarks: &mut Vec<(Remark, Option<(usize, usize)>)>) {
    let left_out = remarks.iter().filter(|(remark, _)| remark.rule.starts_with("fhir-xml-"));
    // The places, and all that they stand in.
    let mut places: HashSet<String> = HashSet::new();
    for place in left_out.map(|(remark, _)| &*remark.place) {
        let mut whole = Some(place);
        while let Some(own) = whole.filter(|own| places.insert((*own).to_owned())) {
            whole = own.rsplit_once('.').map(|(around, _)| around);
        }
    }
    remarks.retain(|(remark, _)| {
        let names: String = remark.place.split(['[', ']']).step_by(2).collect();
        let is_echo = matches!(&*remark.rule, "fhir-empty" | "fhir-required" | "bdl-5");
        !is_echo || !places.contains(&names)
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
    let (mut rules, mut sentences) = (HashSet::new(), HashSet::new());
    for remark in &remarks {
        rules.insert((remark.place.clone(), remark.rule.clone()));
        sentences.insert((remark.place.clone(), remark.en.clone()));
    }
    for problem in profile::against(&noted.value, against.asked, against.profiles) {
        let remark = Remark::of(&problem);
        // Of one place each rule is said once, and each sentence.
        let (rule, sentence) = ((remark.place.clone(), remark.rule.clone()), (remark.place.clone(), remark.en.clone()));
        if !rules.contains(&rule) && !sentences.contains(&sentence) {
            rules.insert(rule);
            sentences.insert(sentence);
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
