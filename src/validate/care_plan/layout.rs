//! The layouts, `profiles/care-plan/layouts.txt`: its head says how its lines read.

use std::sync::LazyLock;

/// All tables, read once.
pub(super) static LAYOUTS: LazyLock<Vec<Layout>> = LazyLock::new(|| read(TEXT).unwrap_or_default());

const TEXT: &str = include_str!("../../../profiles/care-plan/layouts.txt");

/// A table.
#[derive(Debug, PartialEq, Eq)]
pub struct Layout {
    /// The first part of its file names (`UP1KYO`).
    pub name: &'static str,
    /// Its name in Japanese.
    pub ja: &'static str,
    /// Whether its file names have a month.
    pub(super) has_month: bool,
    pub(super) columns: Vec<Column>,
}

/// A column.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Column {
    /// From 1.
    pub(super) number: usize,
    pub(super) kind: Kind,
    pub(super) is_required: bool,
    pub(super) name: &'static str,
}

/// What a column may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// CSVバージョン, YYYYMM.
    Version,
    /// 保険者番号
    Insurer,
    /// 被保険者番号
    Insured,
    /// A number of an office.
    Office,
    /// YYYYMMDD; whether zeros may stand for none.
    Date(bool),
    /// YYYYMM; whether zeros may stand for none.
    Month(bool),
    /// HHMM; whether 9999 may stand for none.
    Time(bool),
    /// XXX-XXXX
    Postal,
    /// Free text.
    Text,
    /// Text of at most so many characters.
    AtMost(usize),
    /// A whole number of at most so many characters.
    Integer(usize),
    /// 99.99
    Price,
    /// 1 to 99.
    Number,
    /// 31 times 0 or 1.
    Days,
    /// A service, or a total.
    Service,
    /// One of these, joined by commas.
    Code(&'static str),
}

fn read(text: &'static str) -> Option<Vec<Layout>> {
    let mut layouts: Vec<Layout> = Vec::new();
    for line in text.lines().filter(|line| !line.is_empty() && !line.starts_with('#')) {
        if let Some(rest) = line.strip_prefix("table ") {
            let (head, ja) = rest.split_once(" | ")?;
            let (name, month) = head.split_once(' ')?;
            layouts.push(Layout { name, ja, has_month: month == "month", columns: Vec::new() });
            continue;
        }
        let mut words = line.splitn(4, ' ');
        let (number, kind) = (words.next()?.parse().ok()?, kind(words.next()?)?);
        let (usage, name) = (words.next()?, words.next()?);
        layouts.last_mut()?.columns.push(Column { number, kind, is_required: usage == "R", name });
    }
    Some(layouts)
}

fn kind(word: &'static str) -> Option<Kind> {
    let (word, detail) = word.split_once(':').map_or((word, None), |(word, detail)| (word, Some(detail)));
    let count = || detail?.parse().ok();
    Some(match word {
        "ver" => Kind::Version,
        "insurer" => Kind::Insurer,
        "insured" => Kind::Insured,
        "office" => Kind::Office,
        "date" => Kind::Date(false),
        "date0" => Kind::Date(true),
        "month" => Kind::Month(false),
        "month0" => Kind::Month(true),
        "time" => Kind::Time(false),
        "time9" => Kind::Time(true),
        "postal" => Kind::Postal,
        "text" => Kind::Text,
        "max" => Kind::AtMost(count()?),
        "int" => Kind::Integer(count()?),
        "price" => Kind::Price,
        "no" => Kind::Number,
        "days" => Kind::Days,
        "service" => Kind::Service,
        "code" => Kind::Code(detail?),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_table_has_the_columns_of_the_standard() {
        let counts: Vec<(&str, usize)> = LAYOUTS.iter().map(|layout| (layout.name, layout.columns.len())).collect();
        let expected = [
            ("UPHOSOKU", 63),
            ("UP1KYO", 28),
            ("DLT1KYO", 4),
            ("UP2KYO", 22),
            ("UP3KYO", 13),
            ("UPPLAN", 25),
            ("UPJSK", 25),
            ("DLTPLAN", 4),
            ("DLTJSK", 6),
            ("UPSIKYU", 37),
            ("UPKIHON", 71),
            ("DLTKIHON", 4),
            ("UPKIHON_SUB1", 7),
            ("UPKIHON_SUB2", 11),
            ("UPYOBO", 57),
            ("DLTYOBO", 4),
            ("UPYOBO_SUB", 17),
        ];
        assert_eq!(counts, expected);
        for layout in LAYOUTS.iter() {
            assert!(layout.columns.iter().enumerate().all(|(at, column)| column.number == at + 1), "{}", layout.name);
        }
    }

    #[test]
    fn a_line_that_cannot_be_read_is_noticed() {
        for bad in ["1 text - x", "table A - | x\n1 nope - y", "table A - | x\n1 max R z", "table A"] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
