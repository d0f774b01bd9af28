//! 処方 as RDE^O11: an order and a drug for each row.

use super::er7::{Er7, coded, department, digits, doctor, escaped};
use crate::decode::export::Row;

/// The rows as a message, in their order.
pub(super) fn spell(rows: &[Row]) -> Er7 {
    let mut er7 = match rows.first() {
        Some(first) => Er7::begin("RDE^O11^RDE_O11", "", first),
        None => Er7::begin("RDE^O11^RDE_O11", "", &Row::default()),
    };
    for (position, row) in rows.iter().enumerate() {
        drug(&mut er7, rows, position, row);
    }
    er7
}

fn drug(er7: &mut Er7, rows: &[Row], position: usize, row: &Row) {
    let number = row.cell("処方番号");
    let group = format!("{number}_{}_{}", row.cell("Rp番号"), in_group(rows, position, row));
    let control = match row.cell("状態") {
        "中止" => "DC",
        "取消" => "CA",
        _ => "NW",
    };
    er7.segment(
        row,
        "ORC",
        &[
            (1, control.into(), "状態"),
            (2, escaped(number), "処方番号"),
            (4, escaped(&group), "Rp番号"),
            (9, digits(row.cell("処方日")), "処方日"),
            (12, doctor(row.cell("処方医")), "処方医"),
            department(row),
        ],
    );
    let unit = row.cell("単位");
    let amount = |column: &str| if row.cell(column).is_empty() { String::new() } else { format!("^{}", escaped(unit)) };
    let daily = match row.cell("1日量") {
        "" => String::new(),
        amount => format!("{}^&{}", escaped(amount), escaped(unit)),
    };
    er7.segment(
        row,
        "RXE",
        &[
            (2, drug_code(row), "薬剤コード"),
            (3, escaped(row.cell("1回量")), "1回量"),
            (5, amount("1回量"), "単位"),
            (
                9,
                if row.cell("後発品変更不可") == "1" { "N^代替不可^HL70161".into() } else { String::new() },
                "後発品変更不可",
            ),
            (10, escaped(row.cell("総量")), "総量"),
            (11, amount("総量"), "単位"),
            (15, escaped(number), "処方番号"),
            (19, daily, "1日量"),
            (21, category(row.cell("処方区分")).into(), "処方区分"),
        ],
    );
    if !row.cell("コメント").is_empty() {
        er7.segment(row, "NTE", &[(1, "1".into(), ""), (3, escaped(row.cell("コメント")), "コメント")]);
    }
    usage(er7, row);
}

fn usage(er7: &mut Er7, row: &Row) {
    let (code, text) = (row.cell("用法コード"), row.cell("用法名"));
    let table = if code.is_empty() { "" } else { "JAMISDP01" };
    let duration = match (row.cell("日数"), row.cell("回数")) {
        ("", "") => String::new(),
        ("", times) => format!("{}^回", escaped(times)),
        (days, _) => format!("{}^d", escaped(days)),
    };
    let start = match row.cell("投与開始日") {
        "" => digits(row.cell("処方日")),
        day => digits(day),
    };
    er7.segment(
        row,
        "TQ1",
        &[
            (1, "1".into(), ""),
            (3, format!("{}&{}&{table}", escaped(code), escaped(text)), "用法コード"),
            (6, duration, if row.cell("日数").is_empty() { "回数" } else { "日数" }),
            (7, start, "投与開始日"),
            (9, if row.cell("頓用") == "1" { "PRN".into() } else { String::new() }, "頓用"),
        ],
    );
}

fn drug_code(row: &Row) -> String {
    let table = match row.cell("コード体系") {
        system @ ("HOT7" | "HOT9" | "HOT13" | "YJ") => system,
        // 一般名処方マスタ, by the OID that JP Core lists.
        "一般名" => "1.2.392.100495.20.2.81",
        _ => "99DRUG",
    };
    coded(row.cell("薬剤コード"), row.cell("薬剤名"), table)
}

/// MERIT-9 処方区分 as SS-MIX2 sends it in RXE-21.
fn category(text: &str) -> &'static str {
    match text {
        "院外" => "OHP^外来処方^MR9P~OHO^院外処方^MR9P",
        "院内" => "OHP^外来処方^MR9P~OHI^院内処方^MR9P",
        "入院" => "IHP^入院処方^MR9P",
        _ => "",
    }
}

/// The drug's number within its group: as stated, else its place among the rows of the group.
fn in_group(rows: &[Row], position: usize, row: &Row) -> String {
    match row.cell("Rp内連番") {
        "" => {
            let same =
                |other: &&Row| ["処方番号", "Rp番号"].iter().all(|column| other.cell(column) == row.cell(column));
            rows.iter().take(position + 1).filter(same).count().to_string()
        }
        stated => stated.to_owned(),
    }
}
