//! Exports of senders with neither HL7 nor FHIR: tables with Japanese column names, as CSV or JSON, checked against the
//! JSON Schemas in `profiles/export/`.

mod csv;
pub mod date;
mod json;
mod rows;
mod rule;
mod schema;
mod split;

use std::collections::BTreeMap;

use crate::codes::Columns;
use crate::fault::{Issue, Noted, Place};
pub use schema::Layout;
pub use split::{Piece, split};

/// Rows about one patient, at most.
pub const ROWS_MAX: usize = 100_000;
/// Rows of one file that is cut into parts, at most.
pub const ROWS_OF_FILE_MAX: usize = 1_000_000;
/// Columns of one export, at most.
pub const COLUMNS_MAX: usize = 500;
/// The column that says whose row it is.
pub const PATIENT: &str = "患者番号";

/// An export whose every row is as its layout says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Export {
    /// Its layout.
    pub layout: Layout,
    /// Its rows; never none.
    pub rows: Vec<Row>,
}

/// A row by column names. Cells hold text as sent, without spaces around it; empty ones are left out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Row {
    /// Its number as the sender counts: the line of column names is row 1 of a CSV; the first object of a JSON export is
    /// row 1.
    pub number: usize,
    /// Column name to text.
    pub cells: BTreeMap<String, String>,
}

impl Row {
    /// What stands in a column; empty when nothing does.
    pub fn cell(&self, column: &str) -> &str {
        self.cells.get(column).map_or("", String::as_str)
    }

    /// The place of a column in this row.
    pub fn place(&self, column: &str) -> Place {
        place(self.number, column)
    }
}

/// Reads a CSV that came under `name`. `own` are the sender's declared column names, tried in order before the layouts.
/// An error is what keeps any of it from being used: rows are taken all or none, because half a prescription is worse
/// than one that waits for its correction.
pub fn read_csv(name: &str, bytes: &[u8], own: &[Columns]) -> Result<Noted<Export>, Vec<Issue>> {
    let sheet = csv::read(name, bytes, own)?;
    checked(sheet)
}

/// Reads a JSON export that came under `name`: `{"layout": "...", "rows": [{...}]}`.
pub fn read_json(name: &str, bytes: &[u8]) -> Result<Noted<Export>, Vec<Issue>> {
    checked(json::read(name, bytes)?)
}

/// What a column mapping names that is no layout, or no column of its layout.
pub fn unknown_columns(columns: &Columns) -> Vec<String> {
    match Layout::parse(&columns.layout) {
        None => vec![columns.layout.clone()],
        Some(layout) => columns.ours().filter(|name| !layout.has(name)).map(str::to_owned).collect(),
    }
}

/// Rows with the layout they claim, not checked yet.
struct Sheet {
    layout: Layout,
    rows: Vec<Row>,
    issues: Vec<Issue>,
}

fn checked(sheet: Sheet) -> Result<Noted<Export>, Vec<Issue>> {
    let Sheet { layout, rows, mut issues } = sheet;
    let wrong = schema::check(layout, &rows);
    if !wrong.is_empty() {
        issues.extend(wrong);
        return Err(issues);
    }
    Ok(Noted { value: Export { layout, rows }, issues })
}

/// `row 12, column 検査日`.
fn place(row: usize, column: &str) -> Place {
    let column = if column.is_empty() { String::new() } else { format!(", column {column}") };
    Place::Path(format!("row {row}{column}").into())
}

#[cfg(test)]
mod split_tests;
#[cfg(test)]
mod tests;
