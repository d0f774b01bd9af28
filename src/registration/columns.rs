//! The columns of a table of forms: which field each is, by its name. Names are data: `profiles/registration/columns.json`.

use std::sync::LazyLock;

use serde::Deserialize;
use unicode_normalization::UnicodeNormalization;

/// How many hospitals, or phone numbers, a row may have.
pub(super) const SEVERAL_MAX: usize = 3;
/// Columns of a table.
pub(super) const COLUMNS_MAX: usize = 100;
/// The number of an insurer, of whichever insurance the table is about.
const INSURER: &str = "保険者番号";

static TABLE: LazyLock<Table> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../../profiles/registration/columns.json")).unwrap_or_default()
});

#[derive(Debug, Default, Deserialize)]
struct Table {
    columns: Vec<Named>,
}

#[derive(Debug, Deserialize)]
struct Named {
    field: String,
    headers: Vec<String>,
    #[serde(default)]
    several: bool,
}

/// The columns of one table.
#[derive(Debug)]
pub(super) struct Columns {
    /// Field, which of several (from 0), and the name as it is written.
    known: Vec<(&'static str, usize, String)>,
}

impl Columns {
    /// Of a line of names. An error is the name that is not known, or stands there twice; at most 32 of its characters, and
    /// none at all where it has figures like a number of somebody's.
    pub(super) fn read<'h>(names: impl IntoIterator<Item = &'h str>) -> Result<Self, String> {
        let mut known: Vec<(&'static str, usize, String)> = Vec::new();
        for name in names {
            let field = if name.trim().is_empty() { Some(("ignored", 0)) } else { field(&folded(name)) };
            let (field, nth) = field.ok_or_else(|| printable(name))?;
            if field != "ignored" && known.iter().any(|(other, at, _)| (*other, *at) == (field, nth)) {
                return Err(printable(name));
            }
            known.push((field, nth, name.trim().to_owned()));
        }
        let has = |wanted: &str| known.iter().any(|(field, _, _)| *field == wanted);
        // Of one insurance alone: that for long-term care where nothing is said of a medical one.
        if !has("medical-number") && !has("care-insurer") {
            let bare = known.iter_mut().find(|(_, _, name)| folded(name) == INSURER);
            if let Some((field, _, _)) = bare {
                *field = "care-insurer";
            }
        }
        Ok(Columns { known })
    }

    pub(super) fn len(&self) -> usize {
        self.known.len()
    }

    /// Where a field stands.
    pub(super) fn at(&self, wanted: &str, nth: usize) -> Option<usize> {
        self.known.iter().position(|(field, at, _)| (*field, *at) == (wanted, nth))
    }

    /// The name of the column of a field, for telling where something is wrong: as it is written, else as the table has it.
    pub(super) fn name(&self, wanted: &str, nth: usize) -> String {
        match self.at(wanted, nth).and_then(|at| self.known.get(at)) {
            Some((_, _, name)) => name.clone(),
            None => {
                let named = TABLE.columns.iter().find(|named| named.field == wanted);
                named.and_then(|named| named.headers.first()).cloned().unwrap_or_default()
            }
        }
    }
}

/// The field of a name, and which of several.
fn field(name: &str) -> Option<(&'static str, usize)> {
    let of = |name: &str| TABLE.columns.iter().find(|named| named.headers.iter().any(|header| folded(header) == name));
    if let Some(named) = of(name) {
        return Some((named.field.as_str(), 0));
    }
    let (last, figure) = name.char_indices().next_back()?;
    let nth = figure.to_digit(10).filter(|nth| (1..=SEVERAL_MAX as u32).contains(nth))?;
    let named = of(name.get(..last)?).filter(|named| named.several)?;
    Some((named.field.as_str(), nth as usize - 1))
}

/// A name in one width and size, without spaces, brackets and dots.
fn folded(name: &str) -> String {
    let kept = |c: &char| !c.is_whitespace() && !"()[]【】「」（）・.:_-/※*\u{feff}".contains(*c);
    name.nfkc().filter(kept).flat_map(char::to_lowercase).collect()
}

fn printable(name: &str) -> String {
    let has_figures = name.chars().filter(char::is_ascii_digit).count() > 1;
    if has_figures { "?".to_owned() } else { name.trim().chars().take(32).collect() }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_of_the_table_is_one_fields() {
        let mut seen = std::collections::HashMap::new();
        for named in &TABLE.columns {
            for header in &named.headers {
                let before = seen.insert(folded(header), &named.field);
                assert!(before.is_none_or(|before| *before == named.field), "{header}");
                assert_eq!(field(&folded(header)).map(|(field, _)| field), Some(named.field.as_str()), "{header}");
            }
        }
        assert!(seen.len() > 80);
    }

    #[test]
    fn names_are_read_however_they_are_written() {
        let columns = Columns::read(["氏　名", "フリガナ（カナ）", "介護保険 保険者番号", "病院名２", "患者番号2", ""]);
        assert_eq!(columns.err().as_deref(), Some("フリガナ（カナ）"));
        let columns = Columns::read(["氏　名", "ﾌﾘｶﾞﾅ", "介護保険 保険者番号", "病院名２", "患者番号2", ""]).unwrap();
        assert_eq!(columns.at("name", 0), Some(0));
        assert_eq!((columns.at("kana", 0), columns.at("care-insurer", 0)), (Some(1), Some(2)));
        assert_eq!((columns.at("hospital", 1), columns.at("hospital", 0)), (Some(3), None));
        assert_eq!(columns.name("birth", 0), "生年月日");
        assert!(Columns::read(["氏名", "漢字氏名"]).is_err());
        assert_eq!(Columns::read(["0901234"]).err().as_deref(), Some("?"));
    }

    #[test]
    fn the_number_of_an_insurer_is_that_of_the_insurance_which_the_table_is_about() {
        let care = Columns::read(["保険者番号", "被保険者番号"]).unwrap();
        assert_eq!((care.at("care-insurer", 0), care.at("care-number", 0)), (Some(0), Some(1)));
        let medical = Columns::read(["保険者番号", "記号", "番号", "枝番"]).unwrap();
        assert_eq!(medical.at("medical-insurer", 0), Some(0));
    }
}
