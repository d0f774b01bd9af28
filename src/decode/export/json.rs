//! The JSON form of an export.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::Value;
use serde_json::value::RawValue;

use super::split::Rows;
use super::{Layout, PATIENT, ROWS_MAX, ROWS_OF_FILE_MAX, Row, Sheet, place, rows, rule};
use crate::fault::{Issue, Place};

/// Reads `{"layout": "...", "rows": [{...}]}`.
pub(super) fn read(name: &str, bytes: &[u8]) -> Result<Sheet, Vec<Issue>> {
    let refuse = |detail: String| vec![Issue::with(&rule::NOT_JSON, Place::Whole, detail)];
    let bytes = bytes.strip_prefix(b"\xEF\xBB\xBF").unwrap_or(bytes);
    let line = |error: serde_json::Error| refuse(format!("line {}, column {}", error.line(), error.column()));
    let export: Value = serde_json::from_slice(bytes).map_err(line)?;
    let layout = export.get("layout").and_then(Value::as_str).and_then(Layout::parse);
    let layout =
        layout.ok_or_else(|| refuse("layout: lab-results, prescriptions, discharge-summaries, referrals".into()))?;
    let rows = export.get("rows").and_then(Value::as_array).ok_or_else(|| refuse("rows".into()))?;
    if rows.len() > ROWS_MAX {
        return Err(vec![Issue::with(&rule::TOO_MANY, Place::Whole, format!("{ROWS_MAX} rows"))]);
    }
    let numbers = Some(rows::numbers(name)).filter(|numbers| numbers.len() == rows.len()).unwrap_or_default();
    let mut sheet = Sheet { layout, rows: Vec::with_capacity(rows.len()), issues: Vec::new() };
    let mut wrong = Vec::new();
    for (position, row) in rows.iter().enumerate() {
        let number = numbers.get(position).copied().unwrap_or(position + 1);
        let Some(members) = row.as_object() else {
            wrong.push(Issue::new(&rule::TYPE, place(number, "")));
            continue;
        };
        let mut cells = BTreeMap::new();
        for (name, value) in members {
            let Some(text) = text(value) else {
                wrong.push(Issue::new(&rule::TYPE, place(number, if layout.has(name) { name } else { "?" })));
                continue;
            };
            if value.is_null() {
                continue;
            }
            if !layout.has(name) {
                sheet.issues.push(Issue::new(&rule::UNKNOWN_COLUMN, place(number, "?")));
            } else if !text.is_empty() {
                cells.insert(name.clone(), text);
            }
        }
        sheet.rows.push(Row { number, cells });
    }
    if wrong.is_empty() { Ok(sheet) } else { Err(wrong) }
}

/// The text of a cell; `None` for what is no cell.
fn text(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.trim().to_owned()),
        Value::Number(number) => Some(number.to_string()),
        Value::Null => Some(String::new()),
        _ => None,
    }
}

#[derive(Deserialize)]
struct File<'a> {
    layout: String,
    #[serde(borrow)]
    rows: Vec<&'a RawValue>,
}

/// Where each row lies and whose it is. `None` when it cannot be read so far: as a whole it will be held with the reason.
pub(super) fn split(bytes: &[u8]) -> Option<Result<Rows<'_>, Issue>> {
    let text = std::str::from_utf8(bytes).ok()?;
    let file: File<'_> = serde_json::from_str(text.strip_prefix('\u{feff}').unwrap_or(text)).ok()?;
    let layout = Layout::parse(&file.layout)?;
    if file.rows.len() > ROWS_OF_FILE_MAX {
        return Some(Err(Issue::with(&rule::TOO_MANY, Place::Whole, format!("{ROWS_OF_FILE_MAX} rows"))));
    }
    let row = |(position, raw): (usize, &RawValue)| {
        let row: Value = serde_json::from_str(raw.get()).unwrap_or_default();
        let patient = row.get(PATIENT).and_then(self::text).unwrap_or_default();
        let start = raw.get().as_ptr() as usize - bytes.as_ptr() as usize;
        (position + 1, patient, start..start + raw.get().len())
    };
    Some(Ok(Rows {
        layout,
        bytes,
        before: format!(r#"{{"layout":"{}","rows":["#, layout.name()).into_bytes().into(),
        between: b",",
        after: b"]}",
        is_shift_jis: false,
        rows: file.rows.into_iter().enumerate().map(row).collect(),
    }))
}
