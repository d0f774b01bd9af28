//! Tables of forms, as spreadsheets write them.

use std::time::Instant;

use encoding_rs::SHIFT_JIS;
use serde_json::Value;
use tasuki::registration::{Clerk, batch};

use crate::desk::{Desk, Told};
use crate::gateway::{Answer, Ask};
use crate::person::Person;

const HEADER: &str =
    "氏名,フリガナ,生年月日,性別,住所,電話番号,介護保険 保険者番号,被保険者番号,同意日,提供先,代理人,続柄";
const HANAKO: &str = "試験　花子,シケン　ハナコ,昭和15年2月3日,女,北海道札幌市中央区北一条西2-3-4,011-200-3004,011023,0000123456,R8.4.1,Organization/agency-a,,";

fn send(desk: &Desk, body: impl Into<Vec<u8>>, query: &str) -> Answer {
    let ask = Ask { body: body.into(), ..Ask::get("office", format!("/Patient/$register-batch{query}")) };
    desk.served.ask(Ask { method: "POST", ..ask }.with("content-type", "text/csv"))
}

fn outcomes(answer: &Answer) -> Vec<String> {
    assert_eq!(answer.status, 200, "{}", answer.body);
    Told(answer.json()).parts("row", "outcome")
}

#[test]
fn a_table_is_taken_in_whatever_characters_it_came() {
    let text = format!("{HEADER}\r\n{HANAKO}\r\n");
    let forms = [
        text.clone().into_bytes(),
        [b"\xef\xbb\xbf".as_slice(), text.as_bytes()].concat(),
        SHIFT_JIS.encode(&text).0.into_owned(),
    ];
    for body in forms {
        let desk = Desk::knowing(&Person::hanako());
        assert_eq!(outcomes(&send(&desk, body.clone(), "?dryRun=true")), ["registered"]);
        assert!(desk.sees("agency-a").is_empty());
        assert_eq!(outcomes(&send(&desk, body.clone(), "")), ["registered"]);
        assert_eq!(desk.sees("agency-a").len(), 2);
        let before = desk.sheaves();
        assert_eq!(outcomes(&send(&desk, body, "")), ["unchanged"]);
        assert_eq!(desk.sheaves(), before);
    }
}

#[test]
fn a_broken_row_disturbs_no_other_and_each_is_told_by_its_number() {
    let thin = Person { care: None, phone: None, address: None, ..Person::hanako() };
    let desk = Desk::knowing(&thin);
    let rows = [
        "佐藤 次郎,サトウ ジロウ,S26.12.30,男,,,,,2026/4/1,,,",
        "鈴木 三郎,スズキ サブロウ,昭和の終わり,男,,,,,2026/4/1,どこか,,",
        "",
        "\"田中 \"\"四郎\"\"\",タナカ シロウ,1950-01-02,男,,,,,,,,",
        HANAKO,
        "余り 多子,アマリ タコ,1950-01-02,女,,,,,2026/4/1,,,,さらに",
    ];
    let answer = send(&desk, format!("{HEADER}\n{}\n", rows.join("\n")), "");
    assert_eq!(outcomes(&answer), ["registered", "refused", "refused", "look", "refused"]);
    let told = Told(answer.json());
    assert_eq!(told.parts("row", "number"), ["2", "3", "5", "6", "7"]);
    let columns: Vec<Vec<&str>> = told
        .all("row")
        .map(|row| {
            let issues = row["part"].as_array().unwrap().iter().filter(|part| part["name"] == "issue");
            issues.map(|issue| issue["part"][1]["valueString"].as_str().unwrap()).collect()
        })
        .collect();
    assert_eq!(columns, [vec![], vec!["生年月日", "提供先"], vec!["同意日"], vec!["-"], vec!["-"]]);
    for name in ["鈴木", "どこか", "田中", "余り", "さらに"] {
        assert!(!answer.body.contains(name), "{name}");
    }
}

#[test]
fn the_report_is_a_table_that_spreadsheets_open() {
    let desk = Desk::empty();
    let ask = Ask {
        body: format!("{HEADER}\n{HANAKO}\nx,,,,,,,,,,,\n").into_bytes(),
        ..Ask::get("office", "/Patient/$register-batch")
    };
    let answer =
        desk.served.ask(Ask { method: "POST", ..ask }.with("content-type", "text/csv").with("accept", "text/csv"));
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("text/csv; charset=utf-8")));
    assert!(answer.bytes.starts_with(b"\xef\xbb\xbf"));
    let rows: Vec<&str> = answer.body.trim_start_matches('\u{feff}').split("\r\n").collect();
    assert!(rows[0].starts_with("行,結果,"), "{rows:?}");
    assert!(rows[1].starts_with("2,登録,registered,R") && rows[2].starts_with("3,エラー,refused,"), "{rows:?}");
    assert!(rows[2].contains("生年月日") && rows[2].contains("birth date"));
}

#[test]
fn what_is_no_table_is_refused_as_a_whole() {
    let desk = Desk::empty();
    for (body, rule) in [
        ("", "registration-not-a-table"),
        ("氏名,フリガナ\n", "registration-not-a-table"),
        ("氏名,生年月日,同意日,好きな色\n", "registration-unknown-column"),
        ("氏名,お名前,生年月日,同意日\n", "registration-unknown-column"),
    ] {
        let answer = send(&desk, body, "");
        assert_eq!(answer.status, 422, "{}", answer.body);
        assert!(answer.body.contains(rule), "{}", answer.body);
    }
    let json = Ask::post("office", "/Patient/$register-batch", &Value::Null);
    assert_eq!(desk.served.ask(json).status, 415);
}

#[test]
fn there_is_a_limit_of_rows() {
    let desk = Desk::empty();
    let clerk = Clerk { client: "office".into(), organization: String::new() };
    let table = |rows: usize| format!("氏名,生年月日,同意日\n{}", "x,,\n".repeat(rows));
    let run = |rows: usize| batch::run(&desk.gateway, &clerk, table(rows).as_bytes(), false);
    assert_eq!(run(batch::ROWS_MAX).unwrap().count("refused"), batch::ROWS_MAX);
    assert!(run(batch::ROWS_MAX + 1).is_err());
}

/// How fast: `cargo test --test registration -- --ignored --nocapture rows_a_second`.
#[test]
#[ignore = "measures"]
fn rows_a_second() {
    let desk = Desk::empty();
    let clerk = Clerk { client: "office".into(), organization: String::new() };
    let rows: Vec<String> = (0..2_000).map(|n| {
        format!("試験{0} 花子{1},シケン ハナコ,19{2:02}-02-0{3},女,札幌市中央区北一条西{n},,011023,{n:010},2026-04-01,,,",
            n % 97, n % 89, 20 + n % 60, 1 + n % 9)
    }).collect();
    let table = format!("{HEADER}\n{}\n", rows.join("\n"));
    for pass in ["first", "again"] {
        let begun = Instant::now();
        let report = batch::run(&desk.gateway, &clerk, table.as_bytes(), false).unwrap();
        let took = begun.elapsed().as_secs_f64();
        println!(
            "{pass}: {} rows, {:.0} a second, {} refused",
            report.lines.len(),
            report.lines.len() as f64 / took,
            report.count("refused")
        );
    }
}

#[test]
fn the_operator_enters_a_table_while_the_gateway_is_stopped() {
    let folder = tempfile::tempdir().unwrap();
    let example = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("examples");
    let clients = std::fs::read_to_string(example.join("data/clients.toml")).unwrap();
    let clients = clients.split("# Clients that sign").next().unwrap();
    let config = format!(
        "listen = \"127.0.0.1:0\"\nbase_url = \"http://127.0.0.1:1/fhir\"\n[store]\nengine = \"sled\"\npath = \"store\"\n\
         [[source]]\nfacility = \"0119999901\"\nname = \"見本市立例示病院\"\norganization = \"Organization/hospital\"\n{clients}"
    );
    std::fs::write(folder.path().join("tasuki.toml"), config).unwrap();
    let tasuki = |arguments: &[&str]| {
        let mut command = std::process::Command::new(env!("CARGO_BIN_EXE_tasuki"));
        command.args(arguments).current_dir(folder.path()).output().unwrap()
    };
    let data = example.join("data/organizations");
    assert!(tasuki(&["ingest", "--config", "tasuki.toml", data.to_str().unwrap()]).status.success());
    let table = example.join("registration/forms.csv");
    let enter = |more: &[&str]| {
        let arguments = [&["register", "--config", "tasuki.toml", table.to_str().unwrap()], more].concat();
        let done = tasuki(&arguments);
        let said = String::from_utf8(done.stderr).unwrap();
        assert!(done.status.success(), "{said}");
        (String::from_utf8(done.stdout).unwrap(), said)
    };
    assert!(enter(&["--dry-run"]).1.contains("3 registered"));
    let (report, said) = enter(&[]);
    assert!(report.starts_with("\u{feff}行,結果") && said.contains("3 registered"), "{said}");
    assert!(!said.contains("例示") && !report.contains("太郎"));
    assert!(enter(&["--report", "report.csv"]).1.contains("3 registered already"));
    let report = std::fs::read_to_string(folder.path().join("report.csv")).unwrap();
    assert_eq!(report.matches(",unchanged,").count(), 3, "{report}");
    assert!(tasuki(&["verify", "--config", "tasuki.toml"]).status.success());
}
