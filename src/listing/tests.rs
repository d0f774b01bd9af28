//! Tests of lists: every column, every way to be broken, every width and encoding.

use serde_json::Value;

use super::*;
use crate::fault::Finding;
use crate::fhir::Draft;

const HEADER: &str = "都道府県コード又は市区町村コード,No,都道府県名,市区町村名,事業所名,事業所名カナ,サービスの種類,住所,方書（ビル名等）,緯度,経度,電話番号,内線番号,FAX番号,法人番号,法人の名称,事業所番号,利用可能曜日,利用可能曜日特記事項,定員,URL,備考";
const ROW: &str = "011002,1,北海道,札幌市,試験ケアセンター,シケンケアセンター,居宅介護支援,中央区北１条西２丁目,試験ビル３階,43.0621,141.3544,011-000-0000,12,０１１－０００－０００１,1430001000001,試験福祉会,0170000001,\"平日,土曜日\",祝日休み,20,https://care.example/,備考です";

fn care(rows: &str) -> List {
    read(Kind::CareOffices, format!("{HEADER}\n{rows}").as_bytes(), Hints::default()).unwrap()
}

/// What was noticed: place and rule.
fn noticed(list: &List) -> Vec<String> {
    let one = |issue: &crate::fault::Issue| {
        let finding = Finding::from(issue);
        assert!(!finding.ja.is_empty() && !finding.en.is_empty());
        format!("{} {}", finding.place, finding.rule)
    };
    list.issues.iter().map(one).collect()
}

fn drafts(kind: Kind, entry: &Entry) -> Vec<Draft> {
    let organization = format!("Organization/{}", organization_id(kind, &entry.number).as_str());
    let kinds: Vec<PlaceKind> = entry.kind.into_iter().collect();
    let mut all = vec![entry.organization(kind, &kinds, true)];
    all.extend(entry.has_location().then(|| entry.location(kind, &organization, true)));
    all.extend(entry.healthcare_service(kind, &organization, true));
    all
}

#[test]
fn a_row_with_everything_becomes_three_resources() {
    let list = care(ROW);
    assert_eq!(noticed(&list), Vec::<String>::new());
    let entry = &list.entries[0];
    let drafts = drafts(Kind::CareOffices, entry);
    let texts: Vec<String> = drafts.iter().map(|draft| draft.json(None)).collect();
    let json: Vec<Value> = texts.iter().map(|text| serde_json::from_str(text).unwrap()).collect();
    let [organization, location, service] = json.as_slice() else { panic!("{}", json.len()) };
    assert_eq!(organization["identifier"][0]["value"], "0170000001");
    assert_eq!(organization["alias"][0], "シケンケアセンター");
    let types: Vec<&str> =
        organization["type"][0]["coding"].as_array().unwrap().iter().map(|c| c["code"].as_str().unwrap()).collect();
    assert_eq!(types, ["care-office", "care-manager"], "the kind of place, and of member");
    assert_eq!(organization["partOf"]["identifier"]["value"], "1430001000001");
    assert_eq!(organization["address"][0]["text"], "北海道札幌市中央区北1条西2丁目 試験ビル3階");
    assert_eq!(organization["telecom"].as_array().unwrap().len(), 3);
    assert!(texts[1].contains(r#""position":{"longitude":141.3544,"latitude":43.0621}"#), "{}", texts[1]);
    assert_eq!(location["managingOrganization"]["reference"], service["providedBy"]["reference"]);
    assert_eq!(service["availableTime"][0]["daysOfWeek"].as_array().unwrap().len(), 6);
    assert_eq!(service["comment"], "内線番号: 12\n定員: 20\n利用可能曜日特記事項: 祝日休み\n備考: 備考です");
}

#[test]
fn ids_hang_on_the_number_alone() {
    let ids = |rows: &str| -> Vec<String> {
        drafts(Kind::CareOffices, &care(rows).entries[0]).iter().map(Draft::reference).collect()
    };
    let renamed = ROW.replace("試験ケアセンター", "別の名前").replace("中央区", "北区");
    assert_eq!(ids(ROW), ids(&renamed));
    assert_ne!(ids(ROW), ids(&ROW.replace("0170000001", "0170000002")));
    assert_ne!(organization_id(Kind::Hospitals, "0110000001"), organization_id(Kind::CareOffices, "0110000001"));
    assert!(!organization_id(Kind::Hospitals, "0110000001").is_derived(), "no record could have it");
}

#[test]
fn what_is_broken_is_said_with_its_row_and_column() {
    let with = |from: &str, to: &str| care(&ROW.replace(from, to));
    for (from, to, taken, expected) in [
        ("0170000001", "", false, "row 2, column 事業所番号 list-no-number"),
        ("0170000001", "017000000", false, "row 2, column 事業所番号 list-number"),
        ("0170000001", "9970000001", false, "row 2, column 事業所番号 list-number"),
        ("0170000001", "170000001", true, "row 2, column 事業所番号 list-number-lost-zero"),
        ("0170000001", "01A0000001", true, "row 2, column 事業所番号 list-number-letters"),
        ("0170000001", "1370000001", true, "row 2, column 都道府県名 list-other-prefecture"),
        ("試験ケアセンター", "", false, "row 2, column 事業所名 list-no-name"),
        ("43.0621,141.3544", "141.3544,43.0621", true, "row 2, column 緯度 list-cell-left-out"),
        ("011-000-0000", "なし", true, "row 2, column 電話番号 list-cell-left-out"),
        ("1430001000001", "143", true, "row 2, column 法人番号 list-cell-left-out"),
        ("https://care.example/", "care.example", true, "row 2, column URL list-cell-left-out"),
        ("備考です", "備考です,余分", false, "row 2 list-row-too-wide"),
    ] {
        let list = with(from, to);
        assert_eq!(list.entries.len(), usize::from(taken), "{to}");
        assert_eq!(noticed(&list)[0], expected, "{to}");
        assert_eq!((list.rows, list.broken()), (1, usize::from(!taken)));
    }
    let nameless = with("試験ケアセンター", "");
    assert_eq!((nameless.without_number, nameless.broken_numbers.as_slice()), (0, &["0170000001".to_owned()][..]));
    assert_eq!(with("0170000001", "").without_number, 1);
    let twice = care(&format!("{ROW}\n{ROW}\n{}", ROW.replace("居宅介護支援", "訪問介護")));
    assert_eq!((twice.entries.len(), noticed(&twice)), (2, vec!["row 3, column 事業所番号 list-repeated".to_owned()]));
}

#[test]
fn a_cell_may_be_so_long_and_no_longer() {
    let list = |bytes: usize| care(&ROW.replace("備考です", &"a".repeat(bytes)));
    assert_eq!(list(CELL_BYTES_MAX).entries.len(), 1);
    let past = list(CELL_BYTES_MAX + 1);
    assert_eq!((past.entries.len(), noticed(&past)), (0, vec!["row 2 list-cell-too-long".to_owned()]));
}

#[test]
fn columns_are_known_by_folded_names_and_unknown_ones_are_said() {
    let header = "ＮＯ,事業所番号,事業所の名称,新しい列,電話番号,電話番号";
    let text = format!("一覧\n令和8年11月,,\n{header}\n1,0170000001,試験,x,011-000-0000,011-000-0001");
    let list = read(Kind::CareOffices, text.as_bytes(), Hints::default()).unwrap();
    assert_eq!(
        noticed(&list),
        ["row 3, column 新しい列 list-unknown-column", "row 3, column 電話番号 list-column-twice"]
    );
    assert_eq!((list.entries[0].row, list.entries[0].telephone.as_str()), (4, "011-000-0000"));
    let none = read(Kind::CareOffices, "a,b\n1,2".as_bytes(), Hints::default()).unwrap_err();
    assert_eq!((none[0].rule.id, none[0].detail.as_str()), ("list-no-columns", "事業所番号、事業所名"));
    let titles = |lines: usize| {
        let text = format!("{}{header}\n1,0170000001,試験,x,,", "題\n".repeat(lines));
        read(Kind::CareOffices, text.as_bytes(), Hints::default()).is_ok()
    };
    assert_eq!((titles(TITLE_LINES_MAX - 1), titles(TITLE_LINES_MAX)), (true, false));
    let wide = |columns: usize| {
        let text = format!("事業所番号,事業所名{}\n0170000001,試験", ",".repeat(columns - 2));
        read(Kind::CareOffices, text.as_bytes(), Hints::default()).is_ok()
    };
    assert_eq!((wide(COLUMNS_MAX), wide(COLUMNS_MAX + 1)), (true, false));
}

#[test]
fn encodings_and_separators_make_no_difference() {
    let text = format!("{HEADER}\r\n{ROW}\r\n");
    let (shift_jis, _, _) = encoding_rs::SHIFT_JIS.encode(&text);
    let with_bom = [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat();
    let expected = care(ROW).entries;
    for bytes in [text.as_bytes(), shift_jis.as_ref(), with_bom.as_slice()] {
        assert_eq!(read(Kind::CareOffices, bytes, Hints::default()).unwrap().entries, expected);
    }
    let tabs = "事業所番号\t事業所名\n0170000001\t試験, 一";
    assert_eq!(read(Kind::CareOffices, tabs.as_bytes(), Hints::default()).unwrap().entries[0].name, "試験, 一");
}

#[test]
fn institutions_are_known_by_ten_digits_or_by_seven_and_what_was_said() {
    let hospitals = |header: &str, row: &str, hints: Hints| {
        read(Kind::Hospitals, format!("{header}\n{row}").as_bytes(), hints).unwrap()
    };
    let header = "項番,医療機関番号,医療機関名称,医療機関所在地,電話番号,開設者氏名,病床数";
    let row = |number: &str, beds: &str| format!("1,{number},試験病院,札幌市中央区1,011-000-0000,試験 太郎,{beds}");
    let hints = Hints { prefecture: Some(1), category: Some('1') };
    let told = |number: &str, beds: &str, hints: Hints| {
        let list = hospitals(header, &row(number, beds), hints);
        match list.entries.first() {
            Some(entry) => {
                let kind = entry.kind.and_then(PlaceKind::place).map_or("-", |place| &place.code);
                format!("{} {kind}", entry.number)
            }
            None => noticed(&list)[0].clone(),
        }
    };
    assert_eq!(told("\"01,1234,5\"", "", hints), "0110112345 hospital");
    assert_eq!(told("0112345", "19", hints), "0110112345 clinic");
    assert_eq!(told("0112345", "20床", hints), "0110112345 hospital");
    assert_eq!(told("0130112345", "", Hints::default()), "0130112345 hospital", "a dental hospital by its name");
    assert_eq!(told("0112345", "", Hints::default()), "row 2, column 医療機関コード list-number-of-seven");
    assert_eq!(told("0150112345", "", hints), "row 2, column 医療機関コード list-number", "there is no 点数表 5");
    let stated = hospitals("都道府県,点数表,薬局番号,薬局名称", "東京都,薬局,1234567,試験薬局", Hints::default());
    assert_eq!(stated.entries[0].number, "1341234567");
    let text = format!("{:?}", hospitals(header, &row("0112345", ""), hints).entries);
    assert!(!text.contains("太郎"), "names of persons are carried nowhere");
}
