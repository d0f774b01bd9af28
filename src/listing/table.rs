//! A list as CSV (RFC 4180, comma or tab) in UTF-8 or Shift_JIS: titles, the line that names the columns, rows.

use std::collections::HashMap;

use super::columns::{Field, Table};
use super::entry::{self, Cells};
use super::{COLUMNS_MAX, Entry, Hints, Kind, ROWS_MAX, TITLE_LINES_MAX, place, rule};
use crate::decode::charset;
use crate::fault::{Issue, Place};

/// A list that was read.
#[derive(Debug, Default)]
pub struct List {
    /// Its rows that can be used, in order; none is about the same place and service as an earlier one.
    pub entries: Vec<Entry>,
    /// Rows below the names of the columns, empty ones left out.
    pub rows: usize,
    /// Of them, those of which not even the number can be used.
    pub without_number: usize,
    /// The numbers of the others that cannot be used.
    pub broken_numbers: Vec<String>,
    /// What was noticed, in the order of the list: broken rows, cells left out, columns that are not known.
    pub issues: Vec<Issue>,
}

impl List {
    /// Rows of which nothing was taken.
    pub fn broken(&self) -> usize {
        self.rows - self.entries.len()
    }
}

/// Reads a list. The error is why none of it can be used.
pub fn read(kind: Kind, bytes: &[u8], hints: Hints) -> Result<List, Vec<Issue>> {
    let text = charset::decode_text(bytes);
    let mut list = List { issues: text.issues, ..List::default() };
    let table = Table::of(kind);
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(delimiter(&text.value))
        .has_headers(false)
        .flexible(true)
        .from_reader(text.value.as_bytes());
    let mut lines = Lines { text: text.value.as_bytes(), at: 0, line: 1 };
    let columns = match header(table, &mut reader, &mut lines, &mut list.issues) {
        Ok(columns) => columns,
        Err(issue) => {
            list.issues.push(issue);
            return Err(list.issues);
        }
    };
    let mut record = ::csv::StringRecord::new();
    let mut first: HashMap<(String, String), u64> = HashMap::new();
    while reader.read_record(&mut record).unwrap_or(false) {
        if record.iter().all(|cell| cell.trim().is_empty()) {
            continue;
        }
        if list.rows == ROWS_MAX {
            list.issues.push(Issue::with(&rule::TOO_MANY, Place::Whole, format!("{ROWS_MAX} rows")));
            return Err(list.issues);
        }
        list.rows += 1;
        let row = lines.of(&record);
        if record.iter().skip(columns.len()).any(|cell| !cell.trim().is_empty()) {
            list.issues.push(Issue::new(&rule::TOO_WIDE, place(row, "")));
            list.without_number += 1;
            continue;
        }
        let values = columns.iter().zip(record.iter()).filter_map(|(field, cell)| Some(((*field)?, cell))).collect();
        let entry = match entry::read(kind, &Cells { row, table, values }, hints, &mut list.issues) {
            Ok(entry) => entry,
            Err(number) => {
                list.without_number += usize::from(number.is_none());
                list.broken_numbers.extend(number);
                continue;
            }
        };
        match first.entry((entry.number.clone(), entry.service.clone())) {
            std::collections::hash_map::Entry::Occupied(earlier) => {
                let detail = earlier.get().to_string();
                list.issues.push(Issue::with(&rule::REPEATED, place(row, table.name(Field::Number)), detail));
            }
            std::collections::hash_map::Entry::Vacant(free) => {
                free.insert(row);
                list.entries.push(entry);
            }
        }
    }
    Ok(list)
}

/// On which lines records begin, told in their order.
struct Lines<'t> {
    text: &'t [u8],
    at: usize,
    line: u64,
}

impl Lines<'_> {
    /// The line on which a record begins, from 1. The reader's own count stands before the end of a line of two bytes.
    fn of(&mut self, record: &::csv::StringRecord) -> u64 {
        let to = record.position().and_then(|position| usize::try_from(position.byte()).ok()).unwrap_or(self.at);
        while let Some(byte) = self.text.get(self.at).filter(|byte| self.at < to || matches!(byte, b'\r' | b'\n')) {
            self.at += 1;
            let is_half = *byte == b'\r' && self.text.get(self.at) == Some(&b'\n');
            self.line += u64::from(matches!(byte, b'\r' | b'\n') && !is_half);
        }
        self.line
    }
}

/// Tabs, where the first lines hold more of them than commas.
fn delimiter(text: &str) -> u8 {
    let head = text.lines().take(TITLE_LINES_MAX);
    let (tabs, commas) = head
        .fold((0, 0), |(tabs, commas), line| (tabs + line.matches('\t').count(), commas + line.matches(',').count()));
    if tabs > commas { b'\t' } else { b',' }
}

/// What each column is taken for, by the first line that names those without which it is no such list.
fn header(
    table: &Table,
    reader: &mut ::csv::Reader<&[u8]>,
    lines: &mut Lines<'_>,
    issues: &mut Vec<Issue>,
) -> Result<Vec<Option<Field>>, Issue> {
    let mut record = ::csv::StringRecord::new();
    let mut missing: Vec<Field> = table.required.clone();
    for _ in 0..TITLE_LINES_MAX {
        if !reader.read_record(&mut record).unwrap_or(false) {
            break;
        }
        if record.len() > COLUMNS_MAX {
            return Err(Issue::with(&rule::TOO_MANY, Place::Whole, format!("{COLUMNS_MAX} columns")));
        }
        let fields: Vec<Option<Field>> = record.iter().map(|name| table.field(name)).collect();
        let lacks: Vec<Field> =
            table.required.iter().copied().filter(|wanted| !fields.contains(&Some(*wanted))).collect();
        if !lacks.is_empty() {
            if lacks.len() < missing.len() {
                missing = lacks;
            }
            continue;
        }
        let row = lines.of(&record);
        return Ok(named(&fields, &record, row, issues));
    }
    let missing: Vec<&str> = missing.iter().map(|field| table.name(*field)).collect();
    Err(Issue::with(&rule::NO_COLUMNS, Place::Whole, missing.join("、")))
}

/// The same, each field once; what is not known is noticed.
fn named(
    fields: &[Option<Field>],
    record: &::csv::StringRecord,
    row: u64,
    issues: &mut Vec<Issue>,
) -> Vec<Option<Field>> {
    let mut columns: Vec<Option<Field>> = Vec::with_capacity(fields.len());
    for (field, name) in fields.iter().zip(record.iter()) {
        let name: String = name.trim().chars().filter(|c| !c.is_control()).take(40).collect();
        let is_twice = field.is_some_and(|of| of != Field::Ignored && columns.contains(&Some(of)));
        if is_twice {
            issues.push(Issue::new(&rule::TWICE, place(row, &name)));
        } else if field.is_none() && !name.is_empty() {
            issues.push(Issue::new(&rule::UNKNOWN_COLUMN, place(row, &name)));
        }
        columns.push(field.filter(|_| !is_twice));
    }
    columns
}
