//! CSV (RFC 4180) in whatever characters it came: UTF-8 or Shift_JIS; the first line names the columns.

use std::collections::BTreeMap;

use super::{COLUMNS_MAX, Layout, ROWS_MAX, Row, Sheet, place, rule};
use crate::codes::Columns;
use crate::decode::charset;
use crate::fault::{Issue, Place};

/// Reads a CSV; one of the sender's own column mappings is used when its columns are there.
pub(super) fn read(name: &str, bytes: &[u8], own: &[Columns]) -> Result<Sheet, Vec<Issue>> {
    let text = charset::decode_text(bytes);
    let mut issues = text.issues;
    let mine = own.iter().find(|columns| columns.fits(name, &head(&text.value, columns.delimiter, columns.skip_lines)));
    let (delimiter, skipped) = mine.map_or((guess(&text.value), 0), |columns| (columns.delimiter, columns.skip_lines));
    let body = after_lines(&text.value, skipped);
    let mut reader = ::csv::ReaderBuilder::new()
        .delimiter(delimiter)
        .has_headers(false)
        .flexible(true)
        .trim(::csv::Trim::All)
        .from_reader(body.as_bytes());
    let mut records = reader.records();
    let header = match records.next() {
        Some(Ok(header)) => header.iter().map(str::to_owned).collect::<Vec<_>>(),
        _ => return Err(vec![Issue::with(&rule::NOT_CSV, place(1 + skipped, ""), "no line of column names")]),
    };
    if header.len() > COLUMNS_MAX {
        return Err(vec![Issue::with(&rule::TOO_MANY, Place::Whole, format!("{COLUMNS_MAX} columns"))]);
    }
    let layout = match mine {
        Some(columns) => Layout::parse(&columns.layout),
        None => None,
    };
    let layout = match layout.map_or_else(|| Layout::of_columns(&header), Ok) {
        Ok(layout) => layout,
        Err(missing) => return Err(vec![Issue::with(&rule::NO_LAYOUT, place(1 + skipped, ""), missing)]),
    };
    unknown(&header, layout, mine, skipped, &mut issues);
    let numbers = row_numbers(name);
    let mut rows = Vec::new();
    for (position, record) in records.enumerate() {
        let number = numbers.get(position).copied().unwrap_or(position + 2 + skipped);
        let broken = |detail: &str| vec![Issue::with(&rule::NOT_CSV, place(number, ""), detail)];
        let record = record.map_err(|_| broken("not text"))?;
        if record.iter().all(str::is_empty) {
            continue;
        }
        if record.len() > header.len() && record.iter().skip(header.len()).any(|cell| !cell.is_empty()) {
            return Err(broken("more cells than columns: a quotation mark or a separator within a cell?"));
        }
        if rows.len() == ROWS_MAX {
            return Err(vec![Issue::with(&rule::TOO_MANY, Place::Whole, format!("{ROWS_MAX} rows"))]);
        }
        let sent: BTreeMap<&str, &str> = header.iter().map(String::as_str).zip(record.iter()).collect();
        let cells = match mine {
            Some(columns) => columns.apply(&sent),
            None => sent.iter().map(|(name, cell)| ((*name).to_owned(), (*cell).to_owned())).collect(),
        };
        let cells = cells.into_iter().filter(|(name, cell)| !cell.is_empty() && layout.has(name)).collect();
        rows.push(Row { number, cells });
    }
    Ok(Sheet { layout, rows, issues })
}

/// Notes the columns of the header that are not carried over.
fn unknown(header: &[String], layout: Layout, mine: Option<&Columns>, skipped: usize, issues: &mut Vec<Issue>) {
    let is_known = |name: &str| match mine {
        Some(columns) => columns.reads(name),
        None => layout.has(name),
    };
    for name in header.iter().filter(|name| !name.is_empty() && !is_known(name)) {
        // A column's name is told only when it can be one: a file without names has a patient there.
        let printable = name.chars().count() <= 32 && !name.chars().any(|c| c.is_ascii_digit());
        issues.push(Issue::new(&rule::UNKNOWN_COLUMN, place(1 + skipped, if printable { name } else { "?" })));
    }
}

/// The numbers that the rows of a part have in the file it was cut from: `name#12-14,19`.
fn row_numbers(name: &str) -> Vec<usize> {
    let Some((_, ranges)) = name.rsplit_once('#') else { return Vec::new() };
    let mut numbers = Vec::new();
    for range in ranges.split(',') {
        let (first, last) = range.split_once('-').unwrap_or((range, range));
        let (Ok(first), Ok(last)) = (first.parse::<usize>(), last.parse::<usize>()) else { return Vec::new() };
        if last < first || last - first > ROWS_MAX || numbers.len() > ROWS_MAX {
            return Vec::new();
        }
        numbers.extend(first..=last);
    }
    numbers
}

/// The column names when lines are cut and separated so.
fn head(text: &str, delimiter: u8, skipped: usize) -> Vec<String> {
    let line = after_lines(text, skipped).lines().next().unwrap_or_default();
    let mut reader = ::csv::ReaderBuilder::new().delimiter(delimiter).has_headers(false).from_reader(line.as_bytes());
    let record = reader.records().next().and_then(Result::ok).unwrap_or_default();
    record.iter().map(|cell| cell.trim().to_owned()).collect()
}

fn after_lines(text: &str, count: usize) -> &str {
    let mut rest = text;
    for _ in 0..count {
        rest = rest.split_once('\n').map_or("", |(_, rest)| rest);
    }
    rest
}

/// A tab where the first line has one and no comma.
fn guess(text: &str) -> u8 {
    let line = text.lines().next().unwrap_or_default();
    if line.contains('\t') && !line.contains(',') { b'\t' } else { b',' }
}
