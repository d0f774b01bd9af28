//! 検査結果 as OUL^R22: a specimen and a request for each order and material, a result for each row.

use super::er7::{Er7, coded, department, digits, doctor, escaped};
use crate::decode::export::Row;

/// Laboratory studies: what the export's report is called when no panel is named (LOINC).
const STUDIES: &str = "26436-6^検体検査^LN";

/// The rows as a message, in their order.
pub(super) fn spell(rows: &[Row]) -> Er7 {
    let reported = rows.iter().map(|row| digits(row.cell("報告日時"))).max().unwrap_or_default();
    let mut er7 = match rows.first() {
        Some(first) => Er7::begin("OUL^R22^OUL_R22", &reported, first),
        None => Er7::begin("OUL^R22^OUL_R22", &reported, &Row::default()),
    };
    for (number, group) in groups(rows).iter().enumerate() {
        let Some(first) = group.first() else { continue };
        head(&mut er7, first, number + 1);
        for (at, row) in group.iter().enumerate() {
            result(&mut er7, row, at + 1);
        }
    }
    er7
}

/// Rows of one order and one material, in the order in which each is met first.
fn groups(rows: &[Row]) -> Vec<Vec<&Row>> {
    let key = |row: &Row| (order(row), row.cell("材料コード").to_owned(), row.cell("材料名").to_owned(), taken(row));
    let mut groups: Vec<Vec<&Row>> = Vec::new();
    for row in rows {
        match groups.iter_mut().find(|group| group.first().is_some_and(|first| key(first) == key(row))) {
            Some(group) => group.push(row),
            None => groups.push(vec![row]),
        }
    }
    groups
}

fn head(er7: &mut Er7, row: &Row, number: usize) {
    let material = row.cell("材料コード");
    let table = if material.len() == 3 && material.bytes().all(|b| b.is_ascii_digit()) { "JC10" } else { "99MATERIAL" };
    er7.segment(
        row,
        "SPM",
        &[
            (1, number.to_string(), ""),
            (4, coded(material, row.cell("材料名"), table), "材料コード"),
            (17, taken(row), taken_column(row)),
        ],
    );
    er7.segment(
        row,
        "OBR",
        &[
            (1, number.to_string(), ""),
            (2, escaped(&order(row)), "依頼番号"),
            (4, STUDIES.into(), ""),
            (7, taken(row), taken_column(row)),
            (22, digits(row.cell("報告日時")), "報告日時"),
        ],
    );
    er7.segment(
        row,
        "ORC",
        &[
            (1, "SC".into(), ""),
            (2, escaped(&order(row)), "依頼番号"),
            (12, doctor(row.cell("依頼医")), "依頼医"),
            department(row),
        ],
    );
}

fn result(er7: &mut Er7, row: &Row, number: usize) {
    let system = row.cell("コード体系");
    let table = match system {
        "JLAC10" => "JC10",
        "" => "99LAB",
        other => other,
    };
    let range = match (row.cell("基準値下限"), row.cell("基準値上限")) {
        ("", "") => escaped(row.cell("基準値")),
        (low, "") => format!(">={}", escaped(low)),
        ("", high) => format!("<={}", escaped(high)),
        (low, high) => format!("{}-{}", escaped(low), escaped(high)),
    };
    let interpretation = match row.cell("判定") {
        "高" => "H",
        "低" => "L",
        "正常" => "N",
        "異常" => "A",
        other => other,
    };
    let value = row.cell("結果値");
    let status = if row.cell("結果状態").is_empty() { "F" } else { row.cell("結果状態") };
    er7.segment(
        row,
        "OBX",
        &[
            (1, number.to_string(), ""),
            (2, if is_measured(value) { "NM" } else { "ST" }.into(), "結果値"),
            (3, coded(row.cell("項目コード"), row.cell("項目名"), table), "項目コード"),
            (5, escaped(value), "結果値"),
            (6, unit(row.cell("単位")), "単位"),
            (7, range, "基準値下限"),
            (8, interpretation.into(), "判定"),
            (11, status.into(), "結果状態"),
            (14, taken(row), taken_column(row)),
        ],
    );
    if !row.cell("コメント").is_empty() {
        er7.segment(row, "NTE", &[(1, "1".into(), ""), (3, escaped(row.cell("コメント")), "コメント")]);
    }
}

/// A number, or a bound such as `<0.1`.
fn is_measured(value: &str) -> bool {
    let number = value.trim_start_matches(['<', '>', '=', '≦', '≧', '＜', '＞']).trim();
    number.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.') && number.parse::<f64>().is_ok()
}

fn unit(text: &str) -> String {
    if text.is_empty() { String::new() } else { format!("^{}", escaped(text)) }
}

/// The order's number; without one, results of one day are one order.
fn order(row: &Row) -> String {
    let number = row.cell("依頼番号");
    if number.is_empty() { format!("D{}", taken(row).chars().take(8).collect::<String>()) } else { number.to_owned() }
}

fn taken(row: &Row) -> String {
    digits(row.cell(taken_column(row)))
}

fn taken_column(row: &Row) -> &'static str {
    if row.cell("採取日時").is_empty() { "検査日" } else { "採取日時" }
}
