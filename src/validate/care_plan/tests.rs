//! Files and what is said of them.

use super::*;

const PLAN: &str = "UP2KYO_0300000100_43_0300000005_11_20260401093000.CSV";
const ROW: &str = "202407,011002,0000000001,20260401,20260401,1,\"歩く\",1,\"外へ出る\",\"家の中を歩く\",\"6か月\",\"3か月\",1,\"見守り\",Y,\"訪問介護\",0300000005,\"事業所\",\"週2回\",\"3か月\",,\r\n";

fn said(file: &str, text: &str) -> Vec<String> {
    let layout = layout_of(file, text).unwrap();
    let (_, found) = check(file, text, layout);
    found.iter().map(|one| format!("{} {}", one.rule.id, one.place)).collect()
}

#[test]
fn a_sound_table_passes_and_is_known_by_name_or_by_its_rows() {
    assert_eq!(said(PLAN, ROW), [""; 0]);
    assert_eq!(said("renamed.csv", ROW), [""; 0]);
    assert_eq!(layout_of("x", ROW).map(|layout| layout.name), Some("UP2KYO"));
    for other in ["a,b\n", "", "202407,011002\n", "202407,x,0000000001,20260401\n"] {
        assert_eq!(layout_of("x.csv", other), None, "{other}");
    }
}

#[test]
fn each_deviation_is_found_at_its_row_and_column() {
    for (from, to, expected) in [
        ("202407", "2024", vec!["care-plan-form row 1, column 1"]),
        ("011002", "", vec!["care-plan-required row 1, column 2"]),
        ("0000000001", "H000000001", vec![]),
        ("0000000001", "X000000001", vec!["care-plan-form row 1, column 3"]),
        ("20260401,20260401", "20260431,20260401", vec!["care-plan-form row 1, column 4"]),
        (",1,\"歩く\"", ",0,\"歩く\"", vec!["care-plan-form row 1, column 6"]),
        (",Y,", ",1,", vec!["care-plan-code row 1, column 15"]),
        (",,\r\n", ",\r\n", vec!["care-plan-columns row 1"]),
        ("\"歩く\"", "\"歩く", vec!["care-plan-quotes row 1, column 7"]),
        ("\"3か月\",,\r\n", "\"3か月,,\r\n", vec!["care-plan-quotes row 1, column 20"]),
    ] {
        assert!(ROW.contains(from), "{from}");
        let expected: Vec<String> = expected.into_iter().map(str::to_owned).collect();
        let found = said(PLAN, &ROW.replacen(from, to, 1));
        assert!(found.starts_with(&expected) && expected.is_empty() == found.is_empty(), "{from} -> {to}: {found:?}");
    }
}

#[test]
fn rows_are_held_against_each_other() {
    let two = |second: &str| format!("{ROW}{second}");
    assert_eq!(said(PLAN, &two(ROW)), ["care-plan-repeated row 2, column 13"]);
    let next = ROW.replace(",1,\"見守り\"", ",2,\"見守り\"");
    assert_eq!(said(PLAN, &two(&next)), [""; 0]);
    assert_eq!(said(PLAN, &two(&next.replace("202407", "202504"))), ["care-plan-versions row 2, column 1"]);
    let heading = "CSVバージョン,保険者番号\r\n";
    assert_eq!(said(PLAN, &format!("{heading}{ROW}")), ["care-plan-heading row 1"]);
}

#[test]
fn names_of_files_are_read() {
    for name in [
        "UP2KYO_0300000100_43_0300000005_11_2026040109300.CSV",
        "UP2KYO_0300000100_43_0300000005_11_20260401093000.txt",
        "UP2KYO_202604_0300000100_43_0300000005_11_20260401093000.CSV",
        "UP2KYO.CSV",
    ] {
        assert_eq!(said(name, ROW), ["care-plan-file-name -"], "{name}");
    }
    let deleted = "202407,011002,0000000001,202604\r\n";
    assert_eq!(said("DLTPLAN_202604_0300000100_43_0300000005_11_20260401093000.CSV", deleted), [""; 0]);
    let other = "DLTPLAN_202605_0300000100_43_0300000005_11_20260401093000.CSV";
    assert_eq!(said(other, deleted), ["care-plan-name-month row 1, column 4"]);
    let two = format!("{deleted}{}", deleted.replace("202604", "202605"));
    assert_eq!(said(&other.replace("202605", "202604"), &two), ["care-plan-months row 2, column 4"]);
}

#[test]
fn a_persons_rows_have_a_total() {
    let row = |service: &str, insured: &str| {
        let mut cells = vec![String::new(); 37];
        for (column, value) in [
            (1, "202407"),
            (2, "011002"),
            (3, insured),
            (4, "20260401"),
            (5, "202604"),
            (7, "0300000005"),
            (9, service),
            (13, "250"),
            (16, "4"),
            (23, "10.00"),
            (33, "0"),
        ] {
            cells[column - 1] = value.to_owned();
        }
        format!("{}\r\n", cells.join(","))
    };
    let name = "UPSIKYU_202604_0300000100_43_0300000005_11_20260401093000.CSV";
    let (service, total) = (row("111111", "0000000001"), row("999999", "0000000001"));
    assert_eq!(said(name, &format!("{service}{total}")), [""; 0]);
    let both = format!("{service}{total}{}", row("111111", "0000000002"));
    assert_eq!(said(name, &both), ["care-plan-total row 3, column 9"]);
}

#[test]
fn deviations_are_listed_up_to_the_limit_and_counted_beyond_it() {
    let row = "202407,,0000000001,20260401\r\n";
    let name = "DLT1KYO_0300000100_43_0300000005_11_20260401093000.CSV";
    assert_eq!(said(name, &row.repeat(DEVIATIONS_MAX)).len(), DEVIATIONS_MAX);
    let more = said(name, &row.repeat(DEVIATIONS_MAX + 1));
    assert_eq!((more.len(), &*more[DEVIATIONS_MAX]), (DEVIATIONS_MAX + 1, "care-plan-more -"));
}
