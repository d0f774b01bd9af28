//! CSV (RFC 4180) in whatever characters it came: UTF-8 or Shift_JIS; the first line names the columns.

use std::collections::BTreeMap;

use super::split::Rows;
use super::{COLUMNS_MAX, Layout, PATIENT, ROWS_MAX, ROWS_OF_FILE_MAX, Row, Sheet, place, rows, rule};
use crate::codes::Columns;
use crate::decode::charset;
use crate::fault::{Issue, Place};

/// A CSV whose columns are known, before its first row.
struct Table<'t> {
    /// The rows, after the line of column names.
    reader: ::csv::Reader<&'t [u8]>,
    /// Where in the text the reader began.
    start: usize,
    header: Vec<String>,
    layout: Layout,
    /// The sender's own mapping, where its columns are there.
    mine: Option<&'t Columns>,
    skipped: usize,
}

impl<'t> Table<'t> {
    /// One of the sender's own column mappings is used when its columns are there.
    fn open(name: &str, text: &'t str, own: &'t [Columns]) -> Result<Self, Vec<Issue>> {
        let mine = own.iter().find(|columns| columns.fits(name, &head(text, columns.delimiter, columns.skip_lines)));
        let (delimiter, skipped) = mine.map_or((guess(text), 0), |columns| (columns.delimiter, columns.skip_lines));
        let body = after_lines(text, skipped);
        let mut reader = ::csv::ReaderBuilder::new()
            .delimiter(delimiter)
            .has_headers(false)
            .flexible(true)
            .trim(::csv::Trim::All)
            .from_reader(body.as_bytes());
        let mut first = ::csv::StringRecord::new();
        let header = match reader.read_record(&mut first) {
            Ok(true) => first.iter().map(str::to_owned).collect::<Vec<_>>(),
            _ => return Err(vec![Issue::with(&rule::NOT_CSV, place(1 + skipped, ""), "no line of column names")]),
        };
        if header.len() > COLUMNS_MAX {
            return Err(vec![Issue::with(&rule::TOO_MANY, Place::Whole, format!("{COLUMNS_MAX} columns"))]);
        }
        // Of two columns of one name, one would hide the other.
        let is_twice = |(at, name): (usize, &String)| !name.is_empty() && header[..at].contains(name);
        if header.iter().enumerate().any(is_twice) {
            return Err(vec![Issue::with(&rule::NOT_CSV, place(1 + skipped, ""), "two columns have one name")]);
        }
        let layout = match mine {
            Some(columns) => Layout::parse(&columns.layout),
            None => None,
        };
        let layout = match layout.map_or_else(|| Layout::of_columns(&header), Ok) {
            Ok(layout) => layout,
            Err(missing) => return Err(vec![Issue::with(&rule::NO_LAYOUT, place(1 + skipped, ""), missing)]),
        };
        Ok(Table { reader, start: text.len() - body.len(), header, layout, mine, skipped })
    }

    /// The number of the row at a position, as the sender counts.
    fn number(&self, position: usize) -> usize {
        position + 2 + self.skipped
    }

    /// Whose row it is; empty when it does not say.
    fn patient(&self, record: &::csv::StringRecord) -> String {
        let sent = |column: &str| {
            let at = self.header.iter().rposition(|name| name == column);
            at.and_then(|at| record.get(at)).unwrap_or_default().to_owned()
        };
        match self.mine {
            Some(columns) => columns.text(PATIENT, sent),
            None => sent(PATIENT),
        }
    }
}

/// Reads a CSV.
pub(super) fn read(name: &str, bytes: &[u8], own: &[Columns]) -> Result<Sheet, Vec<Issue>> {
    let text = charset::decode_text(bytes);
    let mut issues = text.issues;
    let mut table = Table::open(name, &text.value, own)?;
    unknown(&table, &mut issues);
    let numbers = rows::numbers(name);
    let mut rows = Vec::new();
    let mut record = ::csv::StringRecord::new();
    for position in 0.. {
        let number = numbers.get(position).copied().unwrap_or(table.number(position));
        let broken = |detail: &str| vec![Issue::with(&rule::NOT_CSV, place(number, ""), detail)];
        if !table.reader.read_record(&mut record).map_err(|_| broken("not text"))? {
            break;
        }
        if record.iter().all(str::is_empty) {
            continue;
        }
        let header = &table.header;
        if record.len() > header.len() && record.iter().skip(header.len()).any(|cell| !cell.is_empty()) {
            return Err(broken("more cells than columns: a quotation mark or a separator within a cell?"));
        }
        if rows.len() == ROWS_MAX {
            return Err(vec![Issue::with(&rule::TOO_MANY, Place::Whole, format!("{ROWS_MAX} rows"))]);
        }
        let sent: BTreeMap<&str, &str> = header.iter().map(String::as_str).zip(record.iter()).collect();
        let cells = match table.mine {
            Some(columns) => columns.apply(&sent),
            None => sent.iter().map(|(name, cell)| ((*name).to_owned(), (*cell).to_owned())).collect(),
        };
        let cells = cells.into_iter().filter(|(name, cell)| !cell.is_empty() && table.layout.has(name)).collect();
        rows.push(Row { number, cells });
    }
    Ok(Sheet { layout: table.layout, rows, issues })
}

/// Where each row lies and whose it is. `None` when it cannot be read so far: as a whole it will be held with the reason.
/// No byte of a Shift_JIS character is a line's end, so lines are found again in the bytes by counting their ends.
pub(super) fn split<'b>(name: &str, bytes: &'b [u8], own: &[Columns]) -> Option<Result<Rows<'b>, Issue>> {
    let text = charset::decode_text(bytes).value;
    let mut table = Table::open(name, &text, own).ok()?;
    let mut lines = Lines { text: text.as_bytes(), bytes, wide: wide(bytes), at_text: 0, at_byte: 0 };
    let mut starts = Vec::new();
    let mut record = ::csv::StringRecord::new();
    let mut first = bytes.len();
    for position in 0.. {
        if !table.reader.read_record(&mut record).ok()? {
            break;
        }
        let byte = record.position().and_then(|position| usize::try_from(position.byte()).ok())?;
        let start = lines.seek(table.start + byte);
        if position == 0 {
            first = start;
        }
        if starts.len() == ROWS_OF_FILE_MAX {
            return Some(Err(Issue::with(&rule::TOO_MANY, Place::Whole, format!("{ROWS_OF_FILE_MAX} rows"))));
        }
        let is_empty = record.iter().all(str::is_empty);
        starts.push((start, (!is_empty).then(|| (table.number(position), table.patient(&record)))));
    }
    let ends = starts.iter().skip(1).map(|(start, _)| *start).chain([bytes.len()]).collect::<Vec<_>>();
    let rows = starts.into_iter().zip(ends).filter_map(|((start, row), end)| row.map(|row| (row.0, row.1, start..end)));
    Some(Ok(Rows {
        layout: table.layout,
        bytes,
        before: bytes.get(..first)?.into(),
        between: b"",
        after: b"",
        is_shift_jis: lines.wide.is_none() && std::str::from_utf8(bytes).is_err(),
        rows: rows.collect(),
    }))
}

/// Which of the two bytes of a character of UTF-16 is the lower one.
fn wide(bytes: &[u8]) -> Option<usize> {
    match bytes {
        [0xff, 0xfe, ..] => Some(0),
        [0xfe, 0xff, ..] => Some(1),
        _ => None,
    }
}

/// The same lines in the text and in the bytes it was decoded from.
struct Lines<'a> {
    text: &'a [u8],
    bytes: &'a [u8],
    wide: Option<usize>,
    at_text: usize,
    at_byte: usize,
}

impl Lines<'_> {
    /// The byte at which a line begins that begins in the text at `target` or, where line ends stand there, behind them.
    /// Goes forward only.
    fn seek(&mut self, target: usize) -> usize {
        let is_end = |byte: &u8| matches!(byte, b'\r' | b'\n');
        let behind = self.text.get(target..).unwrap_or_default().iter().take_while(|byte| is_end(byte)).count();
        let passed = self.text.get(self.at_text..target + behind).unwrap_or_default();
        let ends = memchr::memchr2_iter(b'\r', b'\n', passed).count();
        self.at_text = (target + behind).max(self.at_text);
        for _ in 0..ends {
            self.at_byte = self.next_line();
        }
        self.at_byte
    }

    fn next_line(&self) -> usize {
        let rest = self.bytes.get(self.at_byte..).unwrap_or_default();
        let length = match self.wide {
            None => memchr::memchr2(b'\r', b'\n', rest).map(|at| at + 1),
            Some(low) => {
                let is_end = |pair: &[u8]| {
                    matches!(pair.get(low), Some(b'\r' | b'\n')) && pair.get(1 - low).is_some_and(|high| *high == 0)
                };
                rest.chunks_exact(2).position(is_end).map(|at| 2 * at + 2)
            }
        };
        self.at_byte + length.unwrap_or(rest.len())
    }
}

/// Notes the columns of the header that are not carried over.
fn unknown(table: &Table<'_>, issues: &mut Vec<Issue>) {
    let is_known = |name: &str| match table.mine {
        Some(columns) => columns.reads(name),
        None => table.layout.has(name),
    };
    for name in table.header.iter().filter(|name| !name.is_empty() && !is_known(name)) {
        // A column's name is told only when it can be one: a file without names has a patient there.
        let printable = name.chars().count() <= 32 && !name.chars().any(|c| c.is_ascii_digit());
        issues.push(Issue::new(&rule::UNKNOWN_COLUMN, place(1 + table.skipped, if printable { name } else { "?" })));
    }
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
