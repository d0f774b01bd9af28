//! The JSON Schemas of the layouts, and what is wrong with a row in the sender's terms.

use std::sync::LazyLock;

use jsonschema::error::ValidationErrorKind as Kind;
use jsonschema::{ValidationError, Validator};
use serde_json::{Map, Value, json};

use super::{Row, date, place, rule};
use crate::fault::Issue;

/// A documented layout.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Layout {
    /// 検査結果.
    LabResults,
    /// 処方.
    Prescriptions,
    /// 退院時サマリー.
    DischargeSummaries,
    /// 診療情報提供書.
    Referrals,
}

/// Things that are wrong with an export, told at most.
const TOLD_MAX: usize = 200;

struct Schema {
    layout: Layout,
    name: &'static str,
    validator: Option<Validator>,
    columns: Vec<String>,
    required: Vec<String>,
}

static SCHEMAS: LazyLock<[Schema; 4]> = LazyLock::new(|| {
    [
        schema(Layout::LabResults, "lab-results", include_str!("../../../profiles/export/lab-results.schema.json")),
        schema(
            Layout::Prescriptions,
            "prescriptions",
            include_str!("../../../profiles/export/prescriptions.schema.json"),
        ),
        schema(
            Layout::DischargeSummaries,
            "discharge-summaries",
            include_str!("../../../profiles/export/discharge-summaries.schema.json"),
        ),
        schema(Layout::Referrals, "referrals", include_str!("../../../profiles/export/referrals.schema.json")),
    ]
});

fn schema(layout: Layout, name: &'static str, text: &str) -> Schema {
    let schema: Value = serde_json::from_str(text).unwrap_or_default();
    let row = &schema["$defs"]["row"];
    let columns = row["properties"].as_object().into_iter().flat_map(Map::keys).cloned().collect();
    let required = row["required"].as_array().into_iter().flatten().filter_map(Value::as_str).map(str::to_owned);
    let required = required.collect();
    let validator = jsonschema::options()
        .should_validate_formats(true)
        .with_format("japanese-date", |text: &str| date::digits(text).is_some_and(|digits| digits.len() == 8))
        .with_format("japanese-date-time", |text: &str| date::digits(text).is_some())
        .with_format("decimal", crate::fhir::writer::is_decimal)
        .build(&schema)
        .ok();
    Schema { layout, name, validator, columns, required }
}

impl Layout {
    /// The layout of that name (`lab-results`).
    pub fn parse(name: &str) -> Option<Self> {
        SCHEMAS.iter().find(|schema| schema.name == name).map(|schema| schema.layout)
    }

    /// Its name.
    pub fn name(self) -> &'static str {
        self.schema().name
    }

    /// Whether it has a column of that name.
    pub fn has(self, column: &str) -> bool {
        self.schema().columns.iter().any(|known| known == column)
    }

    /// The layout whose required columns are all there; else, as an error, the required columns that the nearest one
    /// lacks.
    pub(super) fn of_columns(header: &[String]) -> Result<Self, String> {
        let missing = |schema: &Schema| -> Vec<String> {
            schema.required.iter().filter(|column| !header.contains(column)).cloned().collect()
        };
        let mut lacking: Vec<(Layout, Vec<String>)> = SCHEMAS.iter().map(|s| (s.layout, missing(s))).collect();
        lacking.sort_by_key(|(_, missing)| missing.len());
        match lacking.first() {
            Some((layout, missing)) if missing.is_empty() => Ok(*layout),
            Some((_, missing)) => Err(missing.join("、")),
            None => Err(String::new()),
        }
    }

    fn schema(self) -> &'static Schema {
        &SCHEMAS[self as usize]
    }
}

/// What is wrong with rows; nothing when they are as the layout says.
pub(super) fn check(layout: Layout, rows: &[Row]) -> Vec<Issue> {
    if rows.is_empty() {
        return vec![Issue::new(&rule::NO_ROWS, place(1, ""))];
    }
    let schema = layout.schema();
    let Some(validator) = &schema.validator else { return Vec::new() };
    let mut found = Vec::new();
    for row in rows {
        let cells: Map<String, Value> = row.cells.iter().map(|(name, text)| (name.clone(), json!(text))).collect();
        let export = json!({"layout": schema.name, "rows": [cells]});
        for error in validator.iter_errors(&export) {
            issues(&error, row, &mut found);
        }
        if found.len() >= TOLD_MAX {
            break;
        }
    }
    found
}

/// One error of the schema as issues. A value is quoted only where it is a date or a code by the column's nature.
fn issues(error: &ValidationError<'_>, row: &Row, found: &mut Vec<Issue>) {
    let path = error.instance_path().to_string();
    let column = path.splitn(4, '/').nth(3).unwrap_or_default().replace("~1", "/").replace("~0", "~");
    let place = row.place(&column);
    let issue = match error.kind() {
        Kind::Required { property } => Issue::new(&rule::REQUIRED, row.place(property.as_str().unwrap_or_default())),
        Kind::Format { format } if format == "decimal" => Issue::new(&rule::NUMBER, place),
        Kind::Format { .. } => date_issue(row.cell(&column), place),
        Kind::Enum { options } => {
            let options: Vec<&str> = options.as_array().into_iter().flatten().filter_map(Value::as_str).collect();
            Issue::with(&rule::CODE, place, options.join(" "))
        }
        Kind::MaxLength { limit } => Issue::with(&rule::TOO_LONG, place, limit.to_string()),
        Kind::AnyOf { context } => {
            let missing = context.iter().flatten().filter_map(|error| match error.kind() {
                Kind::Required { property } => property.as_str(),
                _ => None,
            });
            Issue::with(&rule::ONE_OF, row.place(""), missing.collect::<Vec<_>>().join("、"))
        }
        _ => Issue::new(&rule::TYPE, place),
    };
    found.push(issue);
}

/// What stands where a date belongs is told when it can be nothing but a date: digits and what separates them.
fn date_issue(text: &str, place: crate::fault::Place) -> Issue {
    let is_harmless = text.len() <= 24 && text.chars().all(|c| c.is_ascii_digit() || "-/.:T 年月日".contains(c));
    if is_harmless { Issue::with(&rule::DATE, place, text) } else { Issue::new(&rule::NOT_DATE, place) }
}
