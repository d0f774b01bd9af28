//! What the module above must hold to.

use super::*;

const HEADER: &str = "患者番号,検査日,項目コード,項目名,結果値,単位\n";

fn problems(result: Result<Noted<Export>, Vec<Issue>>) -> Vec<String> {
    result.unwrap_err().iter().map(|issue| format!("{}: {}", issue.place, issue.english())).collect()
}

#[test]
fn a_wrong_date_is_told_by_row_and_column() {
    let rows: String = (2..12).map(|_| "1,20260228,TP,総蛋白,6.9,g/dL\n").collect();
    let text = format!("{HEADER}{rows}1,20260231,TP,総蛋白,6.9,g/dL\n");
    assert_eq!(problems(read_csv("x.csv", text.as_bytes(), &[])), ["row 12, column 検査日: 20260231 is not a date."]);
    let secret = format!("{HEADER}1,試験太郎,TP,総蛋白,6.9,g/dL\n");
    assert_eq!(problems(read_csv("x.csv", secret.as_bytes(), &[])), ["row 2, column 検査日: This is not a date."]);
}

#[test]
fn what_is_missing_is_named() {
    let found = problems(read_csv("x.csv", format!("{HEADER}1,,TP,,6.9,\n").as_bytes(), &[]));
    assert_eq!(
        found,
        ["row 2, column 項目名: This column must be filled.", "row 2: One of 採取日時、検査日 must be filled."]
    );
    let found = problems(read_csv("x.csv", "患者番号,項目コード,結果値\n".as_bytes(), &[]));
    assert!(found[0].contains("lacks 項目名."), "{found:?}");
}

#[test]
fn rows_are_read_in_any_characters_and_any_order() {
    let text = format!("{HEADER}00123,2021/9/30,TP,\"総蛋白, 血清\",6.90,g/dL\n\n,,,,,\n");
    let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode(&text);
    for bytes in [text.as_bytes(), &sjis] {
        let export = read_csv("x.csv", bytes, &[]).unwrap();
        assert_eq!((export.value.layout, export.value.rows.len()), (Layout::LabResults, 1));
        let row = &export.value.rows[0];
        assert_eq!((row.cell("患者番号"), row.cell("項目名"), row.cell("結果値")), ("00123", "総蛋白, 血清", "6.90"));
    }
}

#[test]
fn json_says_the_same() {
    let text = r#"{"layout":"lab-results","rows":[{"患者番号":"1","検査日":"20260231","項目コード":"TP","項目名":"総蛋白",
        "結果値":6.90}]}"#;
    assert_eq!(problems(read_json("x.json", text.as_bytes())), ["row 1, column 検査日: 20260231 is not a date."]);
    let export = read_json("x.json", text.replace("20260231", "20260228").as_bytes()).unwrap();
    assert_eq!(export.value.rows[0].cell("結果値"), "6.90");
    assert!(read_json("x.json", b"{\"layout\":\"x\",\"rows\":[]}").is_err() && read_json("x.json", b"{").is_err());
    assert!(read_json("x.json", b"{\"layout\":\"referrals\",\"rows\":[]}").is_err());
}

#[test]
fn parts_keep_the_row_numbers_of_the_file() {
    let text = format!("{HEADER}1,20260228,TP,総蛋白,6.9,g/dL\n1,20260231,TP,総蛋白,6.9,g/dL\n");
    let found = problems(read_csv("lab.csv#7,12-13", text.as_bytes(), &[]));
    assert_eq!(found, ["row 12, column 検査日: 20260231 is not a date."]);
}

#[test]
fn a_senders_own_columns_are_read_by_its_mapping() {
    let names =
        [("患者番号", "ID"), ("検査日", "DATE"), ("項目コード", "CODE"), ("項目名", "NAME"), ("結果値", "VALUE")];
    let names: String = names.iter().map(|(ours, theirs)| format!("\"{ours}\" = \"{theirs}\"\n")).collect();
    let mapping = format!("layout = \"lab-results\"\nskip_lines = 1\n[columns]\n{names}");
    let own = Columns::parse(&(mapping + "\"コード体系\" = { value = \"99X\" }\n")).unwrap();
    let text = "exported by some system\nID,DATE,CODE,NAME,VALUE,EXTRA\n1,20260228,TP,総蛋白,6.9,z\n";
    let export = read_csv("x.csv", text.as_bytes(), &[own]).unwrap();
    assert_eq!(export.value.rows[0].cell("コード体系"), "99X");
    assert_eq!(export.value.rows[0].number, 3);
    assert_eq!(export.issues[0].place.to_string(), "row 2, column EXTRA");
}

#[test]
fn more_cells_than_columns_are_not_guessed_at() {
    let found = problems(read_csv("x.csv", format!("{HEADER}1,20260228,TP,総蛋白,6,9,g/dL\n").as_bytes(), &[]));
    assert!(found[0].starts_with("row 2: The file cannot be read as CSV"), "{found:?}");
}

#[test]
fn two_columns_of_one_name_are_refused() {
    let found = problems(read_csv("x.csv", format!("単位,{HEADER}g,1,20260228,TP,総蛋白,6.9,g/dL\n").as_bytes(), &[]));
    assert_eq!(found, ["row 1: The file cannot be read as CSV from here on (two columns have one name)."]);
}

#[test]
fn columns_and_rows_have_limits() {
    let wide = |count: usize| {
        let more: String = (6..count).map(|n| format!(",c{n}")).collect();
        format!("{}{more}\n1,20260228,TP,総蛋白,6.9,g/dL\n", HEADER.trim_end())
    };
    assert!(read_csv("x.csv", wide(COLUMNS_MAX).as_bytes(), &[]).is_ok());
    assert_eq!(read_csv("x.csv", wide(COLUMNS_MAX + 1).as_bytes(), &[]).unwrap_err()[0].rule.id, "export-too-large");
    let long = |count: usize| format!("{HEADER}{}", "1,20260228,T,x,6,\n".repeat(count));
    assert_eq!(read_csv("x.csv", long(ROWS_MAX + 1).as_bytes(), &[]).unwrap_err()[0].rule.id, "export-too-large");
    assert!(!read_csv("x.csv", long(1000).as_bytes(), &[]).unwrap().value.rows.is_empty());
}
