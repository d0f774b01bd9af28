//! Files as a vendor has them: what kind each is, what is wrong with it, and at which line and column. `validate` judges; here
//! what it says is put together, each thing once, and found again in the bytes of the file. Nothing that is said quotes what
//! somebody wrote about a person.

mod csv;
mod fhir;
mod found;
mod json_place;
mod json_syntax;
mod kind;
mod message;
mod place;
mod position;
mod xml_place;

use std::collections::HashSet;

use crate::fault::{Issue, IssueType, Severity, rules};
use crate::profile::Profiles;
use crate::validate::profile::Problem;
use crate::validate::usage::Deviation;

use found::Found;
pub use found::REMARKS_MAX;
pub use kind::Kind;
pub use message::together;
use position::Lines;
pub use position::Position;

rules! {
    NOT_CHECKED "validate-kind" Warning NotSupported
        "nothing here checks a file of this kind: {}" "この種類のファイルを検査する規則がありません: {}"
}

/// What files are held to, beyond what their standards say.
#[derive(Clone, Copy, Debug)]
pub struct Against<'a> {
    /// The profiles of the guides that are loaded.
    pub profiles: &'a Profiles,
    /// Canonicals that every FHIR resource of the file is to keep to, besides those it claims.
    pub asked: &'a [&'a str],
}

/// What there is to say about a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Report {
    /// What it is.
    pub kind: Kind,
    /// How many resources, messages or rows were looked at.
    pub items: usize,
    /// What is wrong, in the order of the file; what has no place in it comes first, and last how many more are not listed
    /// ([`REMARKS_MAX`]).
    pub remarks: Vec<Remark>,
}

/// One thing that is wrong, or worth knowing.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Remark {
    /// How bad it is.
    pub severity: Severity,
    /// The FHIR code for its kind.
    pub code: IssueType,
    /// The name of the rule: of the standard, of the guide, or our own.
    pub rule: Box<str>,
    /// Which profile, or which standard, says so; empty for what R4 itself says.
    pub source: Box<str>,
    /// Where, in the terms of the standard: a FHIRPath, `PID-3[1].4`, a row and column; empty for the file as a whole.
    pub place: Box<str>,
    /// Where, in the file.
    pub at: Option<Position>,
    /// The sentence in English.
    pub en: String,
    /// The sentence in Japanese.
    pub ja: String,
}

/// Checks a file. `name` is its path as far as it is known, with `/` between folders: what SS-MIX2 and the care-plan
/// exchange say in names of files is held against the contents.
pub fn file(name: &str, bytes: &[u8], against: &Against<'_>) -> Report {
    let kind = Kind::of(name, bytes);
    let (items, found): (usize, Found) = match kind {
        Kind::Json => fhir::json(bytes, against),
        Kind::NdJson => fhir::ndjson(bytes, against),
        Kind::Xml => fhir::xml(bytes, against),
        Kind::Message => message::messages(name, bytes),
        Kind::Transactions => message::transactions(bytes),
        Kind::CarePlan => {
            let (rows, remarks) = csv::care_plan(name, bytes);
            (rows, remarks.into())
        }
        Kind::Other(what) => {
            (0, vec![Remark::new(&Issue::with(&NOT_CHECKED, crate::fault::Place::Whole, what))].into())
        }
    };
    let (mut remarks, closing) = found.closed();
    let mut seen = HashSet::new();
    remarks.retain(|one| seen.insert((one.place.clone(), one.rule.clone(), one.at, one.en.clone())));
    remarks.sort_by_key(|one| one.at);
    remarks.extend(closing);
    Report { kind, items, remarks }
}

/// Where the elements of these places (`Patient.name[0].family`) stand in a resource in JSON; of one that is not there the
/// nearest thing around it. The text is JSON, and begins without a byte order mark.
pub fn positions_in_json(text: &str, places: &[&str]) -> Vec<Position> {
    let lines = Lines::of(text);
    let places: Vec<_> = places.iter().map(|place| place::steps(place)).collect();
    json_place::find(text, &places).into_iter().map(|spot| lines.position(spot.value)).collect()
}

/// The same of a resource in XML; none for what is no XML.
pub fn positions_in_xml(text: &str, places: &[&str]) -> Vec<Position> {
    let Ok(document) = crate::decode::xml::parse(text) else { return Vec::new() };
    let lines = Lines::of(text);
    places.iter().map(|place| lines.position(xml_place::find(&document, &place::steps(place)))).collect()
}

impl Report {
    /// How many are as bad as that or worse.
    pub fn count(&self, at_least: Severity) -> usize {
        self.remarks.iter().filter(|remark| remark.severity >= at_least).count()
    }
}

impl Remark {
    /// An issue, not placed in the file yet.
    fn new(issue: &Issue) -> Self {
        let place = issue.place.to_string();
        Remark {
            severity: issue.rule.severity,
            code: issue.rule.code,
            rule: issue.rule.id.into(),
            source: Box::default(),
            place: if place == "-" { Box::default() } else { place.into() },
            at: None,
            en: issue.english(),
            ja: issue.japanese(),
        }
    }

    /// What a profile has against a resource.
    fn of(problem: &Problem) -> Self {
        let mut remark = Remark { rule: problem.rule().into(), ..Remark::new(&problem.issue) };
        for (en, ja, value) in [("found", "実際", &problem.found), ("slice", "スライス", &problem.slice)] {
            if !value.is_empty() {
                remark.en.push_str(&format!(" ({en}: {value})"));
                remark.ja.push_str(&format!(" ({ja}: {value})"));
            }
        }
        remark.source = problem.profile.clone();
        remark
    }

    /// What the usage rules of a standard have against a message or a row.
    fn usage(deviation: &Deviation) -> Self {
        Remark {
            severity: deviation.rule.severity,
            code: deviation.rule.code,
            rule: deviation.rule.id.into(),
            source: deviation.source.into(),
            place: deviation.place.to_string().trim_start_matches('-').into(),
            at: None,
            en: deviation.english(),
            ja: deviation.japanese(),
        }
    }

    fn placed(self, lines: &Lines<'_>, offset: usize) -> Self {
        Remark { at: Some(lines.position(offset)), ..self }
    }
}
