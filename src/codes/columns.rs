//! What a sender calls the columns of its own CSV: a small declarative file (TOML).
//!
//! ```toml
//! layout = "lab-results"       # one of the layouts in profiles/export/
//! file = "kensa"               # only files whose name holds this [default: any]
//! delimiter = "\t"             # [default: ","]
//! skip_lines = 1               # lines before the column names [default: 0]
//!
//! [columns]
//! "患者番号" = "患者ID"                                    # our column = the sender's
//! "コード体系" = { value = "99LAB" }                        # the same in every row
//! "性別" = { column = "SEX", codes = { 1 = "男", 2 = "女" } } # the sender's codes for our words
//! ```

use std::collections::BTreeMap;

use serde::Deserialize;

/// How a sender's CSV becomes rows of a layout.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Columns {
    /// The layout's name.
    pub layout: String,
    /// Only files whose name holds this; empty for any.
    #[serde(default)]
    file: String,
    /// What separates cells.
    #[serde(default = "comma", deserialize_with = "delimiter")]
    pub delimiter: u8,
    /// Lines before the column names.
    #[serde(default)]
    pub skip_lines: usize,
    columns: BTreeMap<String, Cell>,
}

/// Where the text of one of our columns comes from.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
enum Cell {
    Column(String),
    Coded {
        column: String,
        #[serde(default)]
        codes: BTreeMap<String, String>,
    },
    Fixed {
        value: String,
    },
}

impl Columns {
    /// Reads a mapping; the error says what is wrong and on which line.
    pub fn parse(text: &str) -> Result<Self, String> {
        toml::from_str(text).map_err(|error| error.to_string())
    }

    /// Whether a file of that name with these column names is one the mapping is for: every column it reads is there.
    pub fn fits(&self, name: &str, header: &[String]) -> bool {
        name.contains(&self.file) && self.sent().all(|column| header.iter().any(|known| known == column))
    }

    /// Whether it reads a column of the sender's.
    pub fn reads(&self, column: &str) -> bool {
        self.sent().any(|known| known == column)
    }

    /// Our columns, from the cells of a row by the sender's columns.
    pub fn apply(&self, sent: &BTreeMap<&str, &str>) -> BTreeMap<String, String> {
        let sent = |column: &str| sent.get(column).copied().unwrap_or_default().to_owned();
        self.columns.iter().map(|(name, cell)| (name.clone(), cell.text(sent))).collect()
    }

    /// One of our columns, from what a row says in the sender's; empty when the mapping does not name it.
    pub fn text(&self, ours: &str, sent: impl Fn(&str) -> String) -> String {
        self.columns.get(ours).map(|cell| cell.text(sent)).unwrap_or_default()
    }

    /// Our columns.
    pub fn ours(&self) -> impl Iterator<Item = &str> {
        self.columns.keys().map(String::as_str)
    }

    fn sent(&self) -> impl Iterator<Item = &str> {
        self.columns.values().filter_map(|cell| match cell {
            Cell::Column(column) | Cell::Coded { column, .. } => Some(column.as_str()),
            Cell::Fixed { .. } => None,
        })
    }
}

impl Cell {
    fn text(&self, sent: impl Fn(&str) -> String) -> String {
        match self {
            Cell::Fixed { value } => value.clone(),
            Cell::Column(column) => sent(column),
            Cell::Coded { column, codes } => {
                let stated = sent(column);
                codes.get(&stated).cloned().unwrap_or(stated)
            }
        }
    }
}

fn comma() -> u8 {
    b','
}

fn delimiter<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<u8, D::Error> {
    let text = String::deserialize(deserializer)?;
    match text.as_bytes() {
        [byte] if !byte.is_ascii_alphanumeric() => Ok(*byte),
        _ => Err(serde::de::Error::custom("delimiter is one character, as \",\" or \"\\t\"")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mapping_is_small() {
        let text = "layout = \"lab-results\"\ndelimiter = \"\\t\"\n[columns]\n\"患者番号\" = \"ID\"\n\
            \"コード体系\" = { value = \"99LAB\" }\n\"性別\" = { column = \"SEX\", codes = { 1 = \"男\" } }\n";
        let columns = Columns::parse(text).unwrap();
        let header = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        assert!(columns.fits("x.csv", &header(&["SEX", "ID", "OTHER"])));
        assert!(!columns.fits("x.csv", &header(&["ID"])));
        let row = columns.apply(&BTreeMap::from([("ID", "7"), ("SEX", "1")]));
        assert_eq!(row["患者番号"], "7");
        assert_eq!((row["性別"].as_str(), row["コード体系"].as_str()), ("男", "99LAB"));
        assert_eq!(columns.apply(&BTreeMap::from([("SEX", "9")]))["性別"], "9");
        for wrong in
            ["", "layout = 1", "layout = \"x\"\nunknown = 1\n[columns]", "layout=\"x\"\ndelimiter=\"ab\"\n[columns]"]
        {
            assert!(Columns::parse(wrong).is_err(), "{wrong}");
        }
    }
}
