//! Spelling rows as an HL7 v2.5 message, remembering which cell each field came from.

use std::collections::HashMap;

use crate::decode::export::{Row, date};
use crate::fault::Place;

/// A message in the making.
#[derive(Debug)]
pub(super) struct Er7 {
    text: String,
    counts: HashMap<&'static str, u16>,
    cells: Vec<Cell>,
}

/// Where a field came from.
#[derive(Debug)]
struct Cell {
    segment: &'static str,
    occurrence: u16,
    field: u16,
    place: Place,
}

/// A field: its number, its text as ER7, and the column it came from.
pub(super) type Field = (u16, String, &'static str);

impl Er7 {
    /// Begins a message of a type (`OUL^R22`) with the patient that a row names. `sent` is the time of the message, as
    /// digits; empty when nothing says it.
    pub(super) fn begin(kind: &str, sent: &str, row: &Row) -> Self {
        let mut er7 = Er7 { text: String::new(), counts: HashMap::new(), cells: Vec::new() };
        er7.text = format!("MSH|^~\\&|||||{sent}||{kind}||P|2.5||||||UNICODE UTF-8\r");
        let kanji = name(row.cell("氏名"), "I");
        let kana = name(row.cell("カナ氏名"), "P");
        let names: Vec<String> = [kanji, kana].into_iter().flatten().collect();
        let sex = match row.cell("性別") {
            "男" | "M" => "M",
            "女" | "F" => "F",
            "その他" | "O" => "O",
            "" => "",
            _ => "U",
        };
        er7.segment(
            row,
            "PID",
            &[
                (3, format!("{}^^^^PI", escaped(row.cell("患者番号"))), "患者番号"),
                (5, names.join("~"), "氏名"),
                (7, digits(row.cell("生年月日")), "生年月日"),
                (8, sex.into(), "性別"),
            ],
        );
        er7
    }

    /// Adds a segment of a row; fields in ascending order.
    pub(super) fn segment(&mut self, row: &Row, name: &'static str, fields: &[Field]) {
        let count = self.counts.entry(name).or_insert(0);
        *count += 1;
        self.text.push_str(name);
        let mut at = 0;
        for (number, text, column) in fields.iter().filter(|(_, text, _)| !text.is_empty()) {
            self.text.push_str(&"|".repeat(usize::from(number.saturating_sub(at))));
            self.text.push_str(text);
            at = *number;
            let place = row.place(column);
            self.cells.push(Cell { segment: name, occurrence: *count, field: *number, place });
        }
        self.text.push('\r');
    }

    /// The message.
    pub(super) fn text(&self) -> &str {
        &self.text
    }

    /// Where a place of the message lies in the export: the cell, else the row.
    pub(super) fn place(&self, of_message: &Place) -> Place {
        let Place::Field { segment, occurrence, field, .. } = of_message else { return Place::Whole };
        let of_segment = |cell: &&Cell| cell.segment.as_bytes() == segment && cell.occurrence == *occurrence;
        let cell = self.cells.iter().filter(of_segment).find(|cell| cell.field == *field);
        match (cell, self.cells.iter().find(of_segment)) {
            (Some(cell), _) => cell.place.clone(),
            (None, Some(near)) => match &near.place {
                Place::Path(path) => {
                    let row = path.split(',').next().unwrap_or_default();
                    Place::Path(row.to_owned().into())
                }
                other => other.clone(),
            },
            (None, None) => Place::Whole,
        }
    }
}

/// Text with the delimiters escaped (HL7 v2.5 section 2.7); line breaks as `\.br\`.
pub(super) fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' => out.push_str("\\E\\"),
            '|' => out.push_str("\\F\\"),
            '^' => out.push_str("\\S\\"),
            '~' => out.push_str("\\R\\"),
            '&' => out.push_str("\\T\\"),
            '\n' => out.push_str("\\.br\\"),
            '\r' => {}
            c => out.push(c),
        }
    }
    out
}

/// A CWE; empty when there is neither code nor text.
pub(super) fn coded(code: &str, text: &str, table: &str) -> String {
    match (code.is_empty(), text.is_empty()) {
        (true, true) => String::new(),
        (true, false) => format!("^{}", escaped(text)),
        _ => format!("{}^{}^{}", escaped(code), escaped(text), escaped(table)),
    }
}

/// The digits of a date or time that was checked before.
pub(super) fn digits(text: &str) -> String {
    date::digits(text).unwrap_or_default()
}

/// A department: two digits are those of SS-MIX2, all else is the sender's own.
pub(super) fn department(row: &Row) -> Field {
    let code = row.cell("診療科コード");
    let table = if code.len() == 2 && code.bytes().all(|b| b.is_ascii_digit()) { "HL70069" } else { "99DEPT" };
    (17, coded(code, row.cell("診療科名"), table), "診療科コード")
}

/// A doctor of whom only the name is known.
pub(super) fn doctor(text: &str) -> String {
    let (family, given) = split_name(text);
    if family.is_empty() { String::new() } else { format!("^{}^{}^^^^^^L^^^^^I", escaped(family), escaped(given)) }
}

fn name(text: &str, representation: &str) -> Option<String> {
    let (family, given) = split_name(text);
    let xpn = || format!("{}^{}^^^^^L^{representation}", escaped(family), escaped(given));
    (!family.is_empty()).then(xpn)
}

fn split_name(text: &str) -> (&str, &str) {
    let text = text.trim();
    text.split_once([' ', '\u{3000}']).map_or((text, ""), |(family, given)| (family, given.trim()))
}
