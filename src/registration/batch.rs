//! A table of forms (一括登録): CSV as spreadsheets write it, one row a form. A broken row disturbs no other; what became of each is
//! told by its number, for the clerk as a table again.

use std::borrow::Cow;

use super::columns::{COLUMNS_MAX, Columns};
use super::row::{Names, Row};
use super::{Clerk, Entered, Outcome, Stop, register, rule};
use crate::app::Gateway;
use crate::decode::charset;
use crate::fault::{Fault, Finding, Issue, Place, Rule, Severity};
use crate::fhir::PatientKey;

/// Rows of one table.
pub const ROWS_MAX: usize = 10_000;

/// What became of the rows.
#[derive(Debug, Default)]
pub struct Report {
    /// In the order of the rows.
    pub lines: Vec<Line>,
    /// The first row that was not looked at because the machine failed, and how.
    pub stopped: Option<(usize, Fault)>,
}

/// What became of a row.
#[derive(Debug)]
pub struct Line {
    /// Its number as a spreadsheet counts: the names of the columns are row 1.
    pub row: usize,
    /// What.
    pub became: Became,
    /// Why, and what else there is to say; the place is a column's name.
    pub findings: Vec<Finding>,
}

/// What became of a row.
#[derive(Debug)]
pub enum Became {
    /// It is on record.
    Entered {
        /// How.
        outcome: Outcome,
        /// The person's registration.
        record: PatientKey,
        /// Its number.
        number: String,
        /// Other records of the person.
        others: Vec<PatientKey>,
        /// Records at which somebody must look.
        candidates: Vec<PatientKey>,
    },
    /// Somebody must look before it can be entered.
    Undecided,
    /// It was refused.
    Refused,
}

impl Became {
    /// Its code.
    pub fn code(&self) -> &'static str {
        match self {
            Became::Entered { candidates, outcome, .. } if !candidates.is_empty() && *outcome != Outcome::Unchanged => {
                "look"
            }
            Became::Entered { outcome, .. } => outcome.code(),
            Became::Undecided => "undecided",
            Became::Refused => "refused",
        }
    }

    /// The same for people.
    pub fn japanese(&self) -> &'static str {
        match self {
            Became::Entered { outcome, .. } if self.code() != "look" => outcome.japanese(),
            Became::Entered { .. } => "登録(要確認)",
            Became::Undecided => "要確認(未登録)",
            Became::Refused => "エラー",
        }
    }
}

impl Report {
    /// How many rows became what.
    pub fn count(&self, code: &str) -> usize {
        self.lines.iter().filter(|line| line.became.code() == code).count()
    }

    /// All records that were entered, or would be.
    pub fn records(&self) -> Vec<PatientKey> {
        let entered = self.lines.iter().filter_map(|line| match &line.became {
            Became::Entered { record, .. } => Some(*record),
            Became::Undecided | Became::Refused => None,
        });
        entered.collect()
    }

    /// As a table that spreadsheets open: CSV in UTF-8 with its mark. Nothing of a person stands in it but the number.
    pub fn csv(&self) -> Vec<u8> {
        let mut out = MARK.to_vec();
        let names =
            ["行", "結果", "結果コード", "登録番号", "記録", "紐付けた記録", "要確認の記録", "列", "理由", "reason"];
        line(&mut out, &names.map(Cow::Borrowed));
        for one in &self.lines {
            let (number, record, others, candidates) = match &one.became {
                Became::Entered { record, number, others, candidates, .. } => {
                    (number.as_str(), record.reference(), others.len().to_string(), named(candidates))
                }
                Became::Undecided | Became::Refused => ("", String::new(), String::new(), String::new()),
            };
            let joined = |of: fn(&Finding) -> &str| one.findings.iter().map(of).collect::<Vec<_>>().join(" / ");
            line(
                &mut out,
                &[
                    one.row.to_string().into(),
                    one.became.japanese().into(),
                    one.became.code().into(),
                    number.into(),
                    record.into(),
                    others.into(),
                    candidates.into(),
                    joined(|finding| &finding.place).into(),
                    joined(|finding| &finding.ja).into(),
                    joined(|finding| &finding.en).into(),
                ],
            );
        }
        if let Some((row, _)) = &self.stopped {
            let again = "システム障害のため、この行以降は処理していません。もう一度実行してください(登録済みの行は重複しません)。";
            line(
                &mut out,
                &[
                    row.to_string().into(),
                    "中断".into(),
                    "stopped".into(),
                    "".into(),
                    "".into(),
                    "".into(),
                    "".into(),
                    "".into(),
                    again.into(),
                    "The machine failed; run it once more, what is registered is not registered twice.".into(),
                ],
            );
        }
        out
    }
}

/// By which spreadsheets know UTF-8.
pub const MARK: &[u8] = b"\xef\xbb\xbf";

/// A line of CSV (RFC 4180). A cell that a spreadsheet would take for a formula is marked as text.
pub fn line(out: &mut Vec<u8>, cells: &[Cow<'_, str>]) {
    for (at, cell) in cells.iter().enumerate() {
        if at > 0 {
            out.push(b',');
        }
        let is_formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
        let cell: Cow<'_, str> = if is_formula { format!("'{cell}").into() } else { cell.as_ref().into() };
        match cell.contains(['"', ',', '\n', '\r']) {
            true => {
                out.push(b'"');
                out.extend_from_slice(cell.replace('"', "\"\"").as_bytes());
                out.push(b'"');
            }
            false => out.extend_from_slice(cell.as_bytes()),
        }
    }
    out.extend_from_slice(b"\r\n");
}

fn named(records: &[PatientKey]) -> String {
    records.iter().map(|record| record.reference()).collect::<Vec<_>>().join(" ")
}

/// Enters each row, or tells with `dry` what entering it would come to (each by itself: of two rows of one new person both
/// would be registered). A refusal is of the table as a whole. Blocks on storage.
pub fn run(gateway: &Gateway, clerk: &Clerk, bytes: &[u8], dry: bool) -> Result<Report, Stop> {
    let text = charset::decode_text(bytes);
    if let Some(lost) = text.issues.into_iter().find(|issue| issue.rule.severity >= Severity::Error) {
        return Err(Stop::Refused(vec![lost]));
    }
    let text = text.value;
    let mut rows = Rows { text: text.as_bytes(), at: 0, ends: 0, within: 0 };
    let delimiter = if text.lines().next().unwrap_or_default().contains('\t') { b'\t' } else { b',' };
    let mut reader =
        ::csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).flexible(true).from_reader(text.as_bytes());
    let mut cells = ::csv::StringRecord::new();
    let read = |reader: &mut ::csv::Reader<&[u8]>, cells: &mut ::csv::StringRecord| {
        reader.read_record(cells).map_err(|_| not_a_table("not CSV"))
    };
    if !read(&mut reader, &mut cells)? {
        return Err(not_a_table("it is empty"));
    }
    if cells.len() > COLUMNS_MAX {
        return Err(not_a_table(&format!("more than {COLUMNS_MAX} columns")));
    }
    let columns = Columns::read(cells.iter()).map_err(|name| Stop::because(&rule::UNKNOWN_COLUMN, "1", name))?;
    let has = |fields: &[&str]| fields.iter().any(|field| columns.at(field, 0).is_some());
    for field in ["birth", "signed"] {
        if !has(&[field]) {
            return Err(not_a_table(&columns.name(field, 0)));
        }
    }
    if !has(&["name", "family", "kana", "family-kana"]) {
        return Err(not_a_table(&columns.name("name", 0)));
    }
    let names = Names::read(gateway)?;
    let columns_read = cells.clone();
    let mut report = Report::default();
    rows.number(&columns_read);
    while read(&mut reader, &mut cells)? {
        let row = rows.number(&cells);
        if cells.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if report.lines.len() == ROWS_MAX {
            return Err(Stop::because(&rule::TOO_MANY, "1", ROWS_MAX.to_string()));
        }
        match entered(gateway, clerk, &Row { columns: &columns, names: &names, cells: &cells }, dry) {
            Ok((became, issues)) => {
                let findings = issues.iter().map(Finding::from).collect();
                report.lines.push(Line { row, became, findings });
            }
            Err(fault) => {
                report.stopped = Some((row, fault));
                break;
            }
        }
    }
    Ok(report)
}

/// Counts rows as a spreadsheet does: empty lines count, line ends within a cell do not.
struct Rows<'t> {
    text: &'t [u8],
    at: usize,
    ends: usize,
    within: usize,
}

impl Rows<'_> {
    /// The number of a record; they are asked for in their order.
    fn number(&mut self, record: &::csv::StringRecord) -> usize {
        let start = record.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(self.at);
        // The reader passes over empty lines, and over the end of the line before, when it reads on.
        let behind = self.text.get(start..).unwrap_or_default();
        let start = start + behind.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        self.ends += memchr::memchr_iter(b'\n', self.text.get(self.at..start).unwrap_or_default()).count();
        self.at = start;
        let row = self.ends + 1 - self.within.min(self.ends);
        self.within += record.iter().map(|cell| cell.matches('\n').count()).sum::<usize>();
        row
    }
}

fn not_a_table(why: &str) -> Stop {
    Stop::because(&rule::NOT_A_TABLE, "1", why)
}

fn entered(gateway: &Gateway, clerk: &Clerk, row: &Row<'_>, dry: bool) -> Result<(Became, Vec<Issue>), Fault> {
    if row.cells.len() > row.columns.len() && row.cells.iter().skip(row.columns.len()).any(|cell| !cell.is_empty()) {
        return Ok((Became::Refused, vec![Issue::new(&rule::CELLS, Place::Whole)]));
    }
    let form = match row.form() {
        Ok(form) => form,
        Err(issues) => return Ok((Became::Refused, issues)),
    };
    match register(gateway, clerk, &form, dry) {
        Ok(entered) => Ok(of(entered)),
        Err(Stop::Failed(fault)) => Err(fault),
        Err(Stop::Refused(issues)) => {
            let is_undecided = |issue: &Issue| std::ptr::eq::<Rule>(issue.rule, &rule::ALIKE);
            let became = if issues.iter().any(is_undecided) { Became::Undecided } else { Became::Refused };
            Ok((became, issues.into_iter().map(|issue| placed(issue, row.columns)).collect()))
        }
    }
}

fn of(entered: Entered) -> (Became, Vec<Issue>) {
    let candidates: Vec<PatientKey> = entered.candidates.iter().map(|candidate| candidate.record).collect();
    let mut issues = Vec::new();
    if !candidates.is_empty() && entered.outcome != Outcome::Unchanged {
        issues.push(Issue::with(&rule::LOOK, Place::Whole, named(&candidates)));
    }
    let Entered { outcome, record, number, others, .. } = entered;
    (Became::Entered { outcome, record, number, others, candidates }, issues)
}

/// An issue of a field of a form, at the column of that field.
fn placed(issue: Issue, columns: &Columns) -> Issue {
    let field = match &issue.place {
        Place::Path(path) => match path.as_ref() {
            "person.name" | "person" => "name",
            "person.birthDate" => "birth",
            "member" => "members",
            "source" => "sources",
            "signed" => "signed",
            "start" => "start",
            "end" => "end",
            "number" => "number",
            "registrar" => "registrar",
            "representative" => "representative",
            _ => return issue,
        },
        _ => return issue,
    };
    let place = Place::Path(columns.name(field, 0).into());
    // The detail of what is missing is the field's name.
    let names_field = issue.place.to_string() == issue.detail;
    let detail = if names_field { columns.name(field, 0) } else { issue.detail };
    Issue { rule: issue.rule, place, detail }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_written_so_that_a_spreadsheet_reads_it_as_it_is() {
        let mut out = Vec::new();
        line(&mut out, &["a,b".into(), "x\"y".into(), "=1+1".into(), "行".into()]);
        assert_eq!(String::from_utf8(out).unwrap(), "\"a,b\",\"x\"\"y\",'=1+1,行\r\n");
        assert!(Report::default().csv().starts_with(MARK));
    }
}
