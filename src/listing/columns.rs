//! What the columns of a list mean: tables that people read and amend (`profiles/directory/`), matched by folded names.

use std::collections::HashMap;
use std::sync::LazyLock;

use serde::Deserialize;

use super::Kind;
use crate::search::strings::folded_for_search;

/// What a cell is taken for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(super) enum Field {
    Number,
    PrefectureCode,
    AreaCode,
    Prefecture,
    Municipality,
    Category,
    Place,
    Name,
    NameKana,
    Service,
    PostalCode,
    Address,
    Building,
    Latitude,
    Longitude,
    Telephone,
    Extension,
    Fax,
    CorporationNumber,
    Corporation,
    Days,
    DaysNote,
    Url,
    Capacity,
    Beds,
    Departments,
    Note,
    /// Known, and carried nowhere: names of persons, numbers of rows.
    Ignored,
}

#[derive(Deserialize)]
struct Written {
    required: Vec<Field>,
    columns: Vec<Column>,
    #[serde(default)]
    services: Vec<Services>,
}

#[derive(Deserialize)]
struct Column {
    #[serde(rename = "as")]
    field: Field,
    names: Vec<String>,
}

#[derive(Deserialize)]
struct Services {
    names: Vec<String>,
    kind: String,
}

/// The columns of one list, and the kinds of places behind its services.
#[derive(Debug, Default)]
pub(super) struct Table {
    /// Without these it is not that list.
    pub(super) required: Vec<Field>,
    fields: HashMap<String, Field>,
    /// What people call each field, the first of its names.
    names: HashMap<Field, String>,
    services: HashMap<String, String>,
}

impl Table {
    /// The table of a list.
    pub(super) fn of(kind: Kind) -> &'static Table {
        static HOSPITALS: LazyLock<Table> =
            LazyLock::new(|| read(include_str!("../../profiles/directory/hospitals.json")));
        static CARE_OFFICES: LazyLock<Table> =
            LazyLock::new(|| read(include_str!("../../profiles/directory/care-offices.json")));
        match kind {
            Kind::Hospitals => &HOSPITALS,
            Kind::CareOffices => &CARE_OFFICES,
        }
    }

    /// What a column is taken for; `None` where it is not known.
    pub(super) fn field(&self, name: &str) -> Option<Field> {
        self.fields.get(&folded_for_search(name)).copied()
    }

    /// What people call a field.
    pub(super) fn name(&self, field: Field) -> &str {
        self.names.get(&field).map_or("", String::as_str)
    }

    /// The kind of place that offers a service, where the table says.
    pub(super) fn kind_of(&self, service: &str) -> Option<&str> {
        self.services.get(&folded_for_search(service)).map(String::as_str)
    }
}

/// A table that cannot be read knows no column; a test sees to it that none is.
fn read(text: &str) -> Table {
    let Ok(written) = serde_json::from_str::<Written>(text) else { return Table::default() };
    let mut table = Table { required: written.required, ..Table::default() };
    for Column { field, names } in written.columns {
        table.names.entry(field).or_insert_with(|| names.first().cloned().unwrap_or_default());
        table.fields.extend(names.iter().map(|name| (folded_for_search(name), field)));
    }
    for Services { names, kind } in written.services {
        table.services.extend(names.iter().map(|name| (folded_for_search(name), kind.clone())));
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_tables_are_read_and_no_name_means_two_things() {
        for (kind, text) in [
            (Kind::Hospitals, include_str!("../../profiles/directory/hospitals.json")),
            (Kind::CareOffices, include_str!("../../profiles/directory/care-offices.json")),
        ] {
            let table = Table::of(kind);
            let written: Written = serde_json::from_str(text).unwrap();
            for Column { field, names } in &written.columns {
                names.iter().for_each(|name| assert_eq!(table.field(name), Some(*field), "{name}"));
            }
            assert!(written.required.iter().all(|field| !table.name(*field).is_empty()));
        }
        let care = Table::of(Kind::CareOffices);
        assert_eq!(care.field("ＦＡＸ番号"), Some(Field::Fax), "width");
        assert_eq!(care.field(" 事業所名 カナ"), Some(Field::NameKana), "white space");
        assert_eq!(care.field("存在しない列"), None);
        assert_eq!(care.kind_of("訪問介護"), Some("home-helper"));
    }
}
