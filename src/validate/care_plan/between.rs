//! What holds between the rows of a file: one version, one month, each support content once, a total for each person.

use std::collections::HashMap;

use super::name::FileName;
use super::rule::{MONTHS, NAME_MONTH, NO_TOTAL, REPEATED, VERSIONS};
use super::text::Row;
use super::{Check, offset};
use crate::fault::Rule;

/// The code of the row that is the total of a person's rows (第7表 全合計).
const TOTAL: &str = "999999";

impl<'t> Check<'t> {
    pub(super) fn between(&mut self, rows: &[Row<'t>], named: Option<&FileName<'_>>) {
        // A row of another number of columns has been told of, and its columns may be shifted.
        let whole: Vec<&Row<'t>> = rows.iter().filter(|row| row.cells.len() == self.layout.columns.len()).collect();
        self.same(&whole, 1, &VERSIONS);
        let month = match self.layout.name {
            "UPPLAN" | "UPJSK" | "UPSIKYU" => Some(5),
            "DLTPLAN" | "DLTJSK" => Some(4),
            "UPHOSOKU" => Some(63),
            _ => None,
        };
        if let Some(column) = month {
            if self.layout.name != "UPHOSOKU" {
                self.same(&whole, column, &MONTHS);
            }
            if let (Some(wanted), Some(row)) = (named.and_then(|named| named.month), whole.first())
                && value(row, column) != wanted
            {
                self.at_column(&NAME_MONTH, row, column, String::new());
            }
        }
        match self.layout.name {
            "UP2KYO" => self.repeated(&whole),
            "UPSIKYU" => self.totals(&whole),
            _ => {}
        }
    }

    /// A column in which all rows say the same.
    fn same(&mut self, rows: &[&Row<'t>], column: usize, rule: &'static Rule) {
        let Some(first) = rows.first().map(|row| value(row, column)) else { return };
        for row in rows.iter().filter(|row| value(row, column) != first) {
            self.at_column(rule, row, column, String::new());
        }
    }

    /// 第2表: the numbers of need, goal and support tell the rows of a plan apart.
    fn repeated(&mut self, rows: &[&Row<'t>]) {
        let mut seen: HashMap<Vec<&str>, usize> = HashMap::new();
        for row in rows {
            let numbers: Vec<&str> = [2, 3, 5, 6, 8, 13].iter().map(|column| value(row, *column)).collect();
            if numbers.iter().any(|number| number.is_empty()) {
                continue;
            }
            match seen.get(&numbers) {
                Some(earlier) => self.at_column(&REPEATED, row, 13, earlier.to_string()),
                None => {
                    seen.insert(numbers, row.number);
                }
            }
        }
    }

    /// 第7表: each person's rows end in a total.
    fn totals(&mut self, rows: &[&Row<'t>]) {
        let mut people: Vec<(&Row<'t>, bool)> = Vec::new();
        let mut places: HashMap<(&str, &str), usize> = HashMap::new();
        for row in rows {
            let (insurer, insured, is_total) = (value(row, 2), value(row, 3), value(row, 9) == TOTAL);
            let at = *places.entry((insurer, insured)).or_insert(people.len());
            match people.get_mut(at) {
                Some(person) => *person = (row, person.1 || is_total),
                None => people.push((row, is_total)),
            }
        }
        for (row, _) in people.iter().filter(|(_, has_total)| !has_total) {
            self.at_column(&NO_TOTAL, row, 9, String::new());
        }
    }

    fn at_column(&mut self, rule: &'static Rule, row: &Row<'t>, column: usize, detail: String) {
        let at = row.cells.get(column - 1).and_then(|cell| offset(self.text, cell.raw)).unwrap_or(row.start);
        let column = self.layout.columns.get(column - 1);
        self.say(rule, row.number, column, at, (detail.clone(), detail));
    }
}

fn value<'r>(row: &'r Row<'_>, column: usize) -> &'r str {
    row.cells.get(column - 1).map_or("", |cell| &*cell.value)
}
