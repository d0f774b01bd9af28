//! What cutting an export into parts must hold to.

use super::*;

const HEADER: &str = "患者番号,検査日,項目コード,項目名,結果値\r\n";

/// Groups of parts, each as its name and its text.
/// Name and bytes of each part, group by group.
type Groups = Vec<Vec<(String, Vec<u8>)>>;

fn parts(name: &str, bytes: &[u8], own: &[Columns]) -> Option<Groups> {
    let read = |group: Vec<Piece<'_>>| group.into_iter().map(|piece| (piece.name.clone(), piece.read())).collect();
    Some(split(name, bytes, own)?.unwrap().into_iter().map(read).collect())
}

fn names(name: &str, text: &str) -> Option<Vec<Vec<String>>> {
    let groups = parts(name, text.as_bytes(), &[])?;
    Some(groups.into_iter().map(|group| group.into_iter().map(|(name, _)| name).collect()).collect())
}

fn row(patient: &str, value: &str) -> String {
    format!("{patient},20260401,TP,総蛋白,{value}\r\n")
}

#[test]
fn each_patient_s_rows_are_a_part_in_the_characters_they_came_in() {
    let text =
        [HEADER, &row("1", "6.1"), &row("1", "6.2"), "\r\n", &row("2", "7"), ",,,,\r\n", &row("1", "6.3")].concat();
    let ends = [text.clone(), text.replace("\r\n", "\n"), text.replace("\r\n", "\r"), text.trim_end().to_owned()];
    for text in ends {
        let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode(&text);
        let utf16: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_le_bytes).collect();
        let utf16_be: Vec<u8> = format!("\u{feff}{text}").encode_utf16().flat_map(u16::to_be_bytes).collect();
        let marked = format!("\u{feff}{text}").into_bytes();
        for bytes in [text.clone().into_bytes(), sjis.into_owned(), marked, utf16, utf16_be] {
            let found = parts("in/lab.csv", &bytes, &[]).unwrap();
            let names: Vec<&str> = found.iter().flatten().map(|(name, _)| name.as_str()).collect();
            assert_eq!(names, ["in/lab.csv#2-3,6", "in/lab.csv#4"]);
            assert_eq!(found.len(), 2, "each may be handled by itself");
            for (name, part) in found.iter().flatten() {
                let export = read_csv(name, part, &[]).unwrap().value;
                let told: Vec<_> = export.rows.iter().map(|row| (row.number, row.cell("結果値"))).collect();
                let expected =
                    if name.ends_with("#4") { vec![(4, "7")] } else { vec![(2, "6.1"), (3, "6.2"), (6, "6.3")] };
                assert_eq!(told, expected, "{name}");
                assert!(split(name, part, &[]).is_none(), "a part is not cut again");
            }
            let bytes_of = |wanted: &str| bytes.windows(2).filter(|pair| *pair == wanted.as_bytes()).count();
            let all: usize = found.iter().flatten().map(|(_, part)| part.len()).sum();
            assert!(all >= bytes.len() - 2 * bytes_of("\r\n") - 20, "nothing but empty rows is left out");
        }
    }
}

#[test]
fn a_row_may_have_several_lines_and_quoted_separators() {
    let quoted = "1,20260401,TP,\"総蛋白\n\"\"血清\"\", 2,\",6.1\n";
    let text = format!("{}{quoted}{}", HEADER.replace("\r\n", "\n"), row("2", "7"));
    let found = parts("lab.csv", text.as_bytes(), &[]).unwrap();
    assert_eq!(found[0][0].0, "lab.csv#2");
    assert!(found[0][0].1.ends_with(quoted.as_bytes()));
    assert_eq!(read_csv("", &found[0][0].1, &[]).unwrap().value.rows[0].cell("項目名"), "総蛋白\n\"血清\", 2,");
}

#[test]
fn what_is_about_one_patient_is_not_cut() {
    assert_eq!(names("lab.csv", &[HEADER, &row("1", "6"), &row(" 1 ", "7")].concat()), None);
    assert_eq!(names("lab.csv", HEADER), None);
    assert_eq!(names("lab.csv", "a,b\n1,2\n2,3\n"), None, "it is held as a whole, with the reason");
    assert_eq!(names("lab.txt", &[HEADER, &row("1", "6"), &row("2", "7")].concat()), None);
}

#[test]
fn rows_that_name_nobody_are_a_part_of_their_own() {
    let text = [HEADER, &row("1", "6"), &row("", "7"), &row("2", "8"), &row(" ", "9")].concat();
    assert_eq!(names("lab.csv", &text).unwrap(), [["lab.csv#2"], ["lab.csv#3,5"], ["lab.csv#4"]]);
    let part = parts("lab.csv", text.as_bytes(), &[]).unwrap().remove(1).remove(0);
    let issues = read_csv(&part.0, &part.1, &[]).unwrap_err();
    assert_eq!(
        (issues[0].rule.id, issues[0].place.to_string().as_str()),
        ("export-required", "row 3, column 患者番号")
    );
}

#[test]
fn a_document_is_a_row() {
    let header = "患者番号,文書番号,作成日,紹介目的,傷病名\n";
    let text = format!("{header}1,A,20260401,x,y\n2,B,20260401,x,y\n1,C,20260401,x,y\n");
    assert_eq!(names("r.csv", &text).unwrap(), [vec!["r.csv#2", "r.csv#4"], vec!["r.csv#3"]]);
    assert_eq!(names("r.csv", &format!("{header}1,A,20260401,x,y\n")), None);
}

#[test]
fn a_sender_s_own_columns_are_enough() {
    let mapping = "layout = \"lab-results\"\ndelimiter = \"|\"\nskip_lines = 1\n[columns]\n\"患者番号\" = \"ID\"\n\
        \"検査日\" = \"D\"\n\"項目コード\" = \"C\"\n\"項目名\" = \"N\"\n\"結果値\" = \"V\"\n";
    let own = Columns::parse(mapping).unwrap();
    // 能 ends with the byte of the separator, ﾂｱ would be one character of UTF-8.
    let text = "exported\r\nID|D|C|N|V\r\n1|20260401|TP|機能|1\r\n2|20260401|TP|ﾂｱ|2\r\n1|20260401|TP|ﾂｱ|3\r\n";
    let (sjis, _, _) = encoding_rs::SHIFT_JIS.encode(text);
    let found = parts("k.csv", &sjis, std::slice::from_ref(&own)).unwrap();
    let told: Vec<_> = found
        .iter()
        .flatten()
        .map(|(name, part)| {
            let rows = read_csv(name, part, std::slice::from_ref(&own)).unwrap().value.rows;
            let cells: Vec<_> = rows.iter().map(|row| (row.number, row.cell("項目名").to_owned())).collect();
            (name.as_str(), cells)
        })
        .collect();
    let cell = |number: usize, text: &str| (number, text.to_owned());
    assert_eq!(told, [("k.csv#3,5", vec![cell(3, "機能"), cell(5, "ﾂｱ")]), ("k.csv#4", vec![cell(4, "ﾂｱ")])]);
    assert!(split("k.csv", &sjis, &[]).is_none());
}

#[test]
fn json_is_cut_the_same_way() {
    let row = |patient: &str, value: &str| {
        format!(
            r#"{{"患者番号": {patient}, "検査日":"20260401","項目コード":"TP","項目名":"総蛋白","結果値": {value}}}"#
        )
    };
    let rows = [row("\"1\"", "6.10"), row("2", "7"), row("\"1\"", "8"), row("null", "9")].join(" ,\n");
    let text = format!("{{\"layout\": \"lab-results\", \"rows\": [{rows}]}}");
    for text in [text.clone(), format!("\u{feff}{text}")] {
        let found = parts("x.json", text.as_bytes(), &[]).unwrap();
        let names: Vec<&str> = found.iter().flatten().map(|(name, _)| name.as_str()).collect();
        assert_eq!(names, ["x.json#1,3", "x.json#2", "x.json#4"]);
        let (name, part) = &found[0][0];
        let export = read_json(name, part).unwrap().value;
        let told: Vec<_> = export.rows.iter().map(|row| (row.number, row.cell("結果値"))).collect();
        assert_eq!(told, [(1, "6.10"), (3, "8")]);
        let issues = read_json("x.json#4", &found[2][0].1).unwrap_err();
        assert_eq!(issues[0].place.to_string(), "row 4, column 患者番号");
    }
    for wrong in ["{\"layout\": \"x\", \"rows\": [1, 2]}", "{\"layout\": \"referrals\"}", "{\"layout\": "] {
        assert!(split("x.json", wrong.as_bytes(), &[]).is_none(), "{wrong}");
    }
    assert_eq!(names("x.json", "{\"layout\": \"lab-results\", \"rows\": [1, 2]}"), None, "nobody's rows, all of them");
}

#[test]
fn the_rows_of_a_file_are_limited() {
    let text = |rows: usize| format!("{HEADER}1,1,1,1,1\n{}", "2,1,1,1,1\n".repeat(rows - 1));
    assert!(split("x.csv", text(ROWS_OF_FILE_MAX).as_bytes(), &[]).unwrap().is_ok());
    let issue = split("x.csv", text(ROWS_OF_FILE_MAX + 1).as_bytes(), &[]).unwrap().unwrap_err();
    assert_eq!(issue.rule.id, "export-too-large");
}
