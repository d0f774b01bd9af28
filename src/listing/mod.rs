//! Public lists of places (the lists of insurance institutions of the regional bureaux, the open data of the care service
//! information system) as resources of the directory: Organization, Location, HealthcareService.
//!
//! What a column means is a table (`profiles/directory/*.json`); the ids are derived from the numbers in the list, so that a
//! newer list changes what it knows and repeats nothing. docs/adr/0045.

mod cells;
mod columns;
mod entry;
mod kind;
mod resource;
mod rule;
mod table;

pub use cells::prefecture;
pub use entry::{Entry, category};
pub use kind::PLACE_KIND;
pub use kind::{Place, PlaceKind};
pub use resource::{Service, location_id, organization_id, service_id};
pub use table::{List, read};

use crate::fault;

/// Rows of one list, at most.
pub const ROWS_MAX: usize = 500_000;
/// Columns of one list, at most.
pub const COLUMNS_MAX: usize = 200;
/// Bytes of one cell, at most: past this a quotation mark was not closed.
pub const CELL_BYTES_MAX: usize = 8 << 10;
/// Lines before the one that names the columns, at most: titles, dates.
pub const TITLE_LINES_MAX: usize = 20;

/// Which list it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Hospitals, clinics, pharmacies and visiting nurse stations that health insurance knows (保険医療機関・薬局).
    Hospitals,
    /// Offices that long-term care insurance knows (介護事業所).
    CareOffices,
}

/// What a list does not say of itself, and whoever imports it does.
#[derive(Clone, Copy, Debug, Default)]
pub struct Hints {
    /// The prefecture (01 to 47) of numbers that are seven digits long.
    pub prefecture: Option<u8>,
    /// The 点数表 of the same: 1 医科, 3 歯科, 4 調剤, 6 訪問看護.
    pub category: Option<char>,
}

impl Kind {
    /// Its name, as commands and parameters have it.
    pub const fn name(self) -> &'static str {
        match self {
            Kind::Hospitals => "hospitals",
            Kind::CareOffices => "care-offices",
        }
    }

    /// The kind of that name.
    pub fn parse(name: &str) -> Option<Self> {
        [Kind::Hospitals, Kind::CareOffices].into_iter().find(|kind| kind.name() == name)
    }
}

/// `row 12, column 事業所番号`; the row is the line of the file on which it begins.
pub fn place(row: u64, column: &str) -> fault::Place {
    let column = if column.is_empty() { String::new() } else { format!(", column {column}") };
    fault::Place::Path(format!("row {row}{column}").into())
}

#[cfg(test)]
mod tests;
