//! The JSON form of an export.

use std::collections::BTreeMap;

use serde_json::Value;

use super::{Layout, ROWS_MAX, Row, Sheet, place, rule};
use crate::fault::{Issue, Place};

/// Reads `{"layout": "...", "rows": [{...}]}`.
pub(super) fn read(bytes: &[u8]) -> Result<Sheet, Vec<Issue>> {
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
    let mut sheet = Sheet { layout, rows: Vec::with_capacity(rows.len()), issues: Vec::new() };
    let mut wrong = Vec::new();
    for (position, row) in rows.iter().enumerate() {
        let number = position + 1;
        let Some(members) = row.as_object() else {
            wrong.push(Issue::new(&rule::TYPE, place(number, "")));
            continue;
        };
        let mut cells = BTreeMap::new();
        for (name, value) in members {
            let text = match value {
                Value::String(text) => text.trim().to_owned(),
                Value::Number(number) => number.to_string(),
                Value::Null => continue,
                _ => {
                    wrong.push(Issue::new(&rule::TYPE, place(number, if layout.has(name) { name } else { "?" })));
                    continue;
                }
            };
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
