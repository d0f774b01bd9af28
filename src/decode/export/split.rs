//! An export about several patients, or of several documents, cut into parts that can be used or held one by one: rows of
//! one patient, or one row that is a document. A part has the line of column names, and its rows as they came.

use std::borrow::Cow;
use std::collections::HashMap;
use std::ops::Range;
use std::sync::Arc;

use encoding_rs::SHIFT_JIS;

use super::{Layout, csv, json, rows};
use crate::codes::Columns;
use crate::decode::format::{Format, sniff};
use crate::fault::Issue;

/// The rows of a file, and what stands around them.
pub(super) struct Rows<'b> {
    pub(super) layout: Layout,
    pub(super) bytes: &'b [u8],
    /// Before the first row.
    pub(super) before: Cow<'b, [u8]>,
    /// Between two rows that were taken out of the file.
    pub(super) between: &'static [u8],
    /// After the last.
    pub(super) after: &'static [u8],
    pub(super) is_shift_jis: bool,
    /// Number, patient number (empty where there is none) and bytes of each.
    pub(super) rows: Vec<(usize, String, Range<usize>)>,
}

/// What the parts of a file have in common.
#[derive(Debug)]
struct Frame<'b> {
    bytes: &'b [u8],
    before: Cow<'b, [u8]>,
    between: &'static [u8],
    after: &'static [u8],
    is_shift_jis: bool,
}

/// Rows of one patient, or one document.
#[derive(Clone, Debug)]
pub struct Piece<'b> {
    /// The name of the file with the numbers of the rows: `lab.csv#2-4,9`.
    pub name: String,
    frame: Arc<Frame<'b>>,
    rows: Vec<Range<usize>>,
}

impl Piece<'_> {
    /// An export of these rows alone.
    pub fn read(&self) -> Vec<u8> {
        let Frame { bytes, before, between, after, is_shift_jis } = &*self.frame;
        let rows: Vec<&[u8]> = self.rows.iter().map(|row| bytes.get(row.clone()).unwrap_or_default()).collect();
        let part = [before, &*rows.join(*between), after].concat();
        // A few characters of Shift_JIS may by chance be those of UTF-8, by which they would then be read.
        if *is_shift_jis && !part.is_ascii() && std::str::from_utf8(&part).is_ok() {
            let (text, _) = SHIFT_JIS.decode_without_bom_handling(&part);
            return format!("\u{feff}{text}").into_bytes();
        }
        part
    }
}

/// The parts of an export in groups that may be handled side by side, one group a patient; rows that name nobody are a
/// group of their own. `None` when it need not be cut, and when it cannot: as a whole it will be held with the reason.
/// `own` are the sender's declared column names.
pub fn split<'b>(name: &str, bytes: &'b [u8], own: &[Columns]) -> Option<Result<Vec<Vec<Piece<'b>>>, Issue>> {
    let rows = match sniff(name, bytes)? {
        Format::Csv => csv::split(name, bytes, own)?,
        Format::ExportJson => json::split(bytes)?,
        _ => return None,
    };
    match rows {
        Err(issue) => Some(Err(issue)),
        Ok(rows) => {
            let groups = group(name, rows);
            let parts: usize = groups.iter().map(Vec::len).sum();
            (parts > 1).then_some(Ok(groups))
        }
    }
}

fn group<'b>(name: &str, file: Rows<'b>) -> Vec<Vec<Piece<'b>>> {
    let Rows { layout, bytes, before, between, after, is_shift_jis, rows } = file;
    let frame = Arc::new(Frame { bytes, before, between, after, is_shift_jis });
    let is_document = matches!(layout, Layout::DischargeSummaries | Layout::Referrals);
    let mut places = HashMap::new();
    let mut patients: Vec<Vec<(usize, Range<usize>)>> = Vec::new();
    for (number, patient, row) in rows {
        let place = *places.entry(patient).or_insert(patients.len());
        if place == patients.len() {
            patients.push(Vec::new());
        }
        if let Some(own) = patients.get_mut(place) {
            own.push((number, row));
        }
    }
    let piece = |rows: Vec<(usize, Range<usize>)>| {
        let (numbers, rows): (Vec<usize>, Vec<Range<usize>>) = rows.into_iter().unzip();
        Piece { name: rows::name_of(name, &numbers), frame: frame.clone(), rows: joined(rows) }
    };
    let pieces = |rows: Vec<(usize, Range<usize>)>| match is_document {
        true => rows.into_iter().map(|row| piece(vec![row])).collect(),
        false => vec![piece(rows)],
    };
    patients.into_iter().map(pieces).collect()
}

/// Rows that follow each other are one stretch.
fn joined(rows: Vec<Range<usize>>) -> Vec<Range<usize>> {
    let mut stretches: Vec<Range<usize>> = Vec::new();
    for row in rows {
        match stretches.last_mut() {
            Some(last) if last.end == row.start => last.end = row.end,
            _ => stretches.push(row),
        }
    }
    stretches
}
