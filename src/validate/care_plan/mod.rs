//! Tables of ケアプランデータ連携標準仕様 V4.1 against their layouts, which are data (`profiles/care-plan/layouts.txt`): how many
//! columns, what must be there, of what form, from which codes; and what holds between the rows of a file and its name.

mod between;
mod cell;
mod layout;
mod name;
mod rule;
mod text;

use crate::fault::{Place, Rule};
use crate::validate::usage::{Deviation, offset};

pub use layout::Layout;
use layout::{Column, LAYOUTS};
use text::Row;

/// The standard.
const SOURCE: &str = "ケアプラン標準仕様 V4.1";
/// Deviations that are listed of one file; one note says how many there are beyond.
pub const DEVIATIONS_MAX: usize = 500;

/// The layout of a file, by its name, else by its first row; none for what is no table of the standard.
pub fn layout_of(file: &str, text: &str) -> Option<&'static Layout> {
    let by_name = name::table(file).and_then(|table| LAYOUTS.iter().find(|layout| layout.name == table));
    by_name.or_else(|| by_row(text::rows(text).first()?))
}

/// A row whose first columns are those that all tables begin with, and whose number of columns only one table has (or
/// several with the same columns).
fn by_row(row: &Row<'_>) -> Option<&'static Layout> {
    let is_head = row
        .cells
        .iter()
        .zip(LAYOUTS.first()?.columns.iter())
        .take(3)
        .all(|(cell, column)| !cell.value.is_empty() && cell::deviates(column.kind, &cell.value).is_none());
    let fits = |layout: &&Layout| {
        let fourth = layout.columns.get(3).zip(row.cells.get(3));
        layout.columns.len() == row.cells.len()
            && fourth.is_some_and(|(column, cell)| cell::deviates(column.kind, &cell.value).is_none())
    };
    LAYOUTS.iter().find(fits).filter(|_| is_head && row.cells.len() > 3)
}

/// What deviates in a file, and how many rows it has. `file` is its name without folders.
pub fn check(file: &str, text: &str, layout: &'static Layout) -> (usize, Vec<Deviation>) {
    let mut check = Check { text, layout, found: Vec::new() };
    let named = check.name(file);
    let rows = text::rows(text);
    for row in &rows {
        check.row(row);
    }
    check.between(&rows, named.as_ref());
    (rows.len(), check.finish())
}

/// A file that is being looked at, and what was found.
struct Check<'t> {
    text: &'t str,
    layout: &'static Layout,
    found: Vec<Deviation>,
}

impl<'t> Check<'t> {
    fn row(&mut self, row: &Row<'t>) {
        let (wanted, is) = (self.layout.columns.len(), row.cells.len());
        let broken = row.cells.iter().position(|cell| cell.is_broken);
        if let Some(broken) = broken.or_else(|| row.is_open.then(|| is.saturating_sub(1))) {
            // What follows may be shifted.
            let at = row.cells.get(broken).and_then(|cell| offset(self.text, cell.raw)).unwrap_or(row.start);
            let column = self.layout.columns.get(broken);
            let name = column.map(|column| format!(": {} ({})", column.name, column.number)).unwrap_or_default();
            return self.say(&rule::QUOTE, row.number, column, at, (name.clone(), name));
        }
        if row.number == 1 && row.cells.first().is_some_and(|cell| cell.value.contains("バージョン")) {
            return self.say(&rule::HEADING, row.number, None, row.start, (String::new(), String::new()));
        }
        if wanted != is {
            let en =
                format!("a row of {} ({}) has {wanted} columns; this one has {is}", self.layout.name, self.layout.ja);
            let ja = format!("{}({})は {wanted} 列です。この行は {is} 列あります", self.layout.name, self.layout.ja);
            self.say(&rule::COLUMNS, row.number, None, row.start, (en, ja));
        }
        for (column, cell) in self.layout.columns.iter().zip(&row.cells) {
            let at = offset(self.text, cell.raw).unwrap_or(row.start);
            if cell.value.trim().is_empty() {
                if column.is_required {
                    self.column(&rule::REQUIRED, row, column, at, ("", ""));
                }
            } else if let Some((rule, en, ja)) = cell::deviates(column.kind, &cell.value) {
                self.column(rule, row, column, at, (&en, &ja));
            }
        }
    }

    /// Something about a column of a row.
    fn column(&mut self, rule: &'static Rule, row: &Row<'_>, column: &Column, at: usize, (en, ja): (&str, &str)) {
        let name = |rest: &str| format!("{} ({}){rest}", column.name, column.number);
        let (en, ja) = match en.is_empty() {
            true => (name(""), name("")),
            false => (name(&format!(" {en}")), name(ja)),
        };
        self.say(rule, row.number, Some(column), at, (en, ja));
    }

    fn say(&mut self, rule: &'static Rule, row: usize, column: Option<&Column>, at: usize, (en, ja): (String, String)) {
        let column = column.map(|column| format!(", column {}", column.number)).unwrap_or_default();
        let place = Place::Path(format!("row {row}{column}").into());
        self.found.push(Deviation { rule, place, en, ja, source: SOURCE, at: Some(at) });
    }

    fn finish(mut self) -> Vec<Deviation> {
        let more = self.found.len().saturating_sub(DEVIATIONS_MAX);
        if more > 0 {
            self.found.truncate(DEVIATIONS_MAX);
            let (en, ja) = (more.to_string(), more.to_string());
            self.found.push(Deviation { rule: &rule::MORE, place: Place::Whole, en, ja, source: SOURCE, at: None });
        }
        self.found
    }
}

#[cfg(test)]
mod tests;
